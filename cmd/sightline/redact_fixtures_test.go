package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"sightline"
	"sightline/flow"
)

// Real recordings of several makers and containers can be redacted: for each
// one that has a working copy there is a checked redacted copy, and what
// cannot be redacted says why and is not published.
func TestRedactingRealRecordings(t *testing.T) {
	if testing.Short() {
		t.Skip("encodes videos")
	}
	root := filepath.Join("..", "..", "..", "shared", "fixtures", "media")
	var files []string
	for _, p := range []string{"video/hello.mov", "video/hello.avi", "video/testMP4_StillImageTimeZero.mov"} {
		m, err := filepath.Glob(filepath.Join(root, p))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, m...)
	}
	if len(files) == 0 {
		t.Skip("the fixtures are not here")
	}
	ctx := context.Background()
	home := filepath.Join(t.TempDir(), "case")
	if status, out, errs := sceneRun("new", home, "--title", "Recordings", "--prefix", "RV", "--zone", "UTC", "--lang", "en", "--date", "2020-01-01"); status != 0 {
		t.Fatal(out, errs)
	}
	if status, out, errs := sceneRun(append([]string{"add", "--case", home, "--reason", "test"}, files...)...); status != 0 {
		t.Fatal(out, errs)
	}
	c, err := openCase(ctx, home)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := workOn(ctx, c, true, nil); err != nil {
		t.Fatal(err)
	}
	from, to := int64(100), int64(400)
	_, err = c.Store.Update(ctx, c.Actor, func(w sightline.Writer) error {
		items, err := sightline.All[sightline.Item](w, sightline.KindItem)
		if err != nil {
			return err
		}
		for _, it := range items {
			it.Redactions = []sightline.Redaction{{ID: "R2", Kind: "range", FromMS: &from, ToMS: &to}}
			if strings.HasPrefix(it.Type, "video/") {
				it.Redactions = append(it.Redactions, sightline.Redaction{ID: "R1", Kind: "region", Shape: "rect", Keys: []sightline.RedactionKey{{Points: [][2]float64{{0.2, 0.2}, {0.4, 0.5}}}, {AtMS: 700, Points: [][2]float64{{0.5, 0.2}, {0.7, 0.5}}}}})
			}
			if err := w.Put(it); err != nil {
				return err
			}
		}
		w.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	why := map[string]string{}
	if _, err := workOn(ctx, c, true, func(e flow.Event) {
		if e.State == "failed" {
			why[e.Job.Item] = e.Error
		}
	}); err != nil {
		t.Fatal(err)
	}
	doc, err := loadDocument(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	proxy, redacted := map[string]bool{}, map[string]string{}
	for _, d := range doc.Derivatives {
		if d.Role == "proxy" {
			proxy[d.Item] = true
		}
		if d.Role == "redacted-proxy" {
			redacted[d.Item] = d.Meta["frames"] + " frames, worst sample " + d.Meta["worst_sample"]
		}
	}
	for _, it := range doc.Items {
		if redacted[it.ID] == "" && why[it.ID] == "" {
			t.Errorf("%s (%s) has no redacted copy and nothing says why", it.ID, it.Name)
		}
		t.Log(it.ID, filepath.Base(it.Name), redacted[it.ID], why[it.ID])
		if proxy[it.ID] && redacted[it.ID] == "" {
			t.Errorf("%s (%s) has a working copy and no redacted one: %s", it.ID, it.Name, why[it.ID])
		}
	}
	if len(redacted) < 2 {
		t.Errorf("only %d recordings were redacted", len(redacted))
	}
}
