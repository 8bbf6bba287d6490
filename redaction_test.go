package sightline

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The desk computes this digest too (ui/desk/redact/model.test.ts holds the
// same value), to know whether a copy is current.
func TestRedactionDigest(t *testing.T) {
	from, to := int64(5), int64(70)
	it := &Item{SHA256: "ab", Redactions: []Redaction{
		{ID: "R1", Kind: "region", Shape: "rect", By: "Ana", Reason: Text{"en": "A face"}, Keys: []RedactionKey{{0, [][2]float64{{0.1, 0.1}, {0.3, 0.3}}}, {1000, [][2]float64{{0.5, 0.1}, {0.7, 0.5}}}}},
		{ID: "R2", Kind: "range", FromMS: &from, ToMS: &to, Fill: "tone", Say: Text{"es": "Un ñandú", "en": "A bird"}},
	}}
	got, err := it.RedactionDigest()
	if err != nil || got != "c03f468ef2d014dd42f31d648ffeb1d02de78672a69aaa9de716b6bfa3827b25" {
		t.Errorf("%s, %v", got, err)
	}
	if it.Redactions[0].By != "Ana" {
		t.Error("naming the redactions changed them")
	}
}

func TestRedactionMoves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := func(name string) [2]float64 {
			return [2]float64{rapid.Float64Range(0, 1).Draw(t, name), rapid.Float64Range(0, 1).Draw(t, name)}
		}
		r := Redaction{ID: "R1", Kind: "region", Shape: "polygon"}
		at := int64(0)
		for range rapid.IntRange(1, 5).Draw(t, "keys") {
			r.Keys = append(r.Keys, RedactionKey{at, [][2]float64{p("a"), p("b"), p("c")}})
			at += int64(rapid.IntRange(1, 1000).Draw(t, "step"))
		}
		if err := r.Check(); err != nil {
			t.Fatal(err)
		}
		for i, k := range r.Keys {
			for j, q := range r.At(float64(k.AtMS)) {
				if math.Hypot(q[0]-k.Points[j][0], q[1]-k.Points[j][1]) > 1e-9 {
					t.Fatalf("position %d is not where it was put", i)
				}
			}
		}
		ms := rapid.Float64Range(-100, float64(at)+100).Draw(t, "ms")
		for _, q := range r.At(ms) {
			if q[0] < 0 || q[0] > 1 || q[1] < 0 || q[1] > 1 {
				t.Fatal("between two positions a corner leaves what they span")
			}
		}
	})
}

func TestRedactionCheck(t *testing.T) {
	one, two := int64(1), int64(2)
	sq := []RedactionKey{{0, [][2]float64{{0, 0}, {1, 1}}}}
	for i, r := range []Redaction{
		{Kind: "blur"}, {Kind: "region", Shape: "rect"}, {Kind: "region", Shape: "polygon", Keys: sq}, {Kind: "region", Shape: "star", Keys: sq},
		{Kind: "region", Shape: "rect", Keys: []RedactionKey{{0, [][2]float64{{0, 0}}}}},
		{Kind: "region", Shape: "rect", Keys: []RedactionKey{{0, [][2]float64{{math.NaN(), 0}, {1, 1}}}}},
		{Kind: "region", Shape: "rect", Keys: append(sq, sq...)},
		{Kind: "range", FromMS: &one}, {Kind: "range", FromMS: &two, ToMS: &one}, {Kind: "voice", Fill: "pitch"},
	} {
		if err := r.Check(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%d: %v", i, err)
		}
	}
	for i, r := range []Redaction{{Kind: "region", Shape: "rect", Keys: sq}, {Kind: "voice"}, {Kind: "voice", Fill: "tone", FromMS: &one}, {Kind: "range", FromMS: &one, ToMS: &two}} {
		if err := r.Check(); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
}
