package sightline_test

import (
	"errors"
	"strings"
	"testing"

	"sightline"
)

// A gap is closed by an item that answers it and is verified in what it asks.
func TestCloseGap(t *testing.T) {
	verified := func(names ...string) *sightline.Item {
		it := &sightline.Item{ID: "I-9"}
		for _, n := range names {
			it.Axes.Of(n).Status = "verified"
			if n == "authenticity" {
				*it.Axes.Of(n) = sightline.Axis{Status: "no_sign_of_manipulation", By: []string{"Ana", "Beto"}}
			}
		}
		return it
	}
	timed := sightline.Gap{ID: "G-1", Answers: []string{"I-9"}, Time: &sightline.Time{}}
	placed := sightline.Gap{ID: "G-1", Answers: []string{"I-9"}, Places: []sightline.Place{{}}}
	plain := sightline.Gap{ID: "G-1", Answers: []string{"I-9"}}
	for _, x := range []struct {
		gap  sightline.Gap
		it   *sightline.Item
		says string
	}{
		{timed, verified("authenticity", "time"), ""},
		{placed, verified("authenticity", "place"), ""},
		{plain, verified("authenticity", "content"), ""},
		{timed, verified("authenticity", "place"), "the time of I-9 is not verified"},
		{placed, verified("authenticity", "time"), "the place of I-9 is not verified"},
		{plain, verified("content"), "the authenticity of I-9 is not verified"},
		{sightline.Gap{ID: "G-1"}, verified("authenticity", "content"), "not among the items that answer"},
	} {
		g := x.gap
		err := g.Close(x.it)
		if x.says == "" && (err != nil || g.Closed != "I-9") {
			t.Errorf("%+v: %v", x.gap, err)
		}
		if x.says != "" && (err == nil || !strings.Contains(err.Error(), x.says) || g.Closed != "") {
			t.Errorf("%+v: %v, want %q", x.gap, err, x.says)
		}
	}
	one := verified("authenticity", "content")
	one.Axes.Authenticity.By = []string{"Ana"}
	fake := verified("authenticity", "content")
	fake.Axes.Authenticity.Status = "synthetic_suspected"
	for _, it := range []*sightline.Item{one, fake} {
		if g := plain; g.Close(it) == nil {
			t.Errorf("closed by %+v", it.Axes.Authenticity)
		}
	}
	it := verified("authenticity", "content")
	it.Axes.Of("source").Status = "disputed"
	g := plain
	if err := g.Close(it); !errors.Is(err, sightline.ErrDenied) {
		t.Errorf("a disputed source: %v", err)
	}
}
