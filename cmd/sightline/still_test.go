package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"sightline"
	"sightline/publish"
	"sightline/scene"
)

func demoStills(t *testing.T) (*stills, *sightline.Document) {
	t.Helper()
	b, err := os.ReadFile("../../demo/el-junquito/scene.json")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := scene.ParseSpec(b)
	if err != nil {
		t.Fatal(err)
	}
	res, err := scene.Build(spec, "../../demo/el-junquito")
	if err != nil {
		t.Fatal(err)
	}
	var d sightline.Document
	if b, err = os.ReadFile("../../demo/el-junquito/case.json"); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	return &stills{open: res.Open}, &d
}

// A still is the same bytes each time, small enough for the first view of an
// edition, and not an empty picture. SIGHTLINE_STILLS keeps them to look at.
func TestStillsOfTheDemonstration(t *testing.T) {
	s, d := demoStills(t)
	steps := d.Stories[0].Steps
	if testing.Short() {
		steps = steps[:2]
	}
	for i, st := range steps {
		q := publish.StillRequest{Doc: d, View: st.View, Lang: "en", Width: 1120, Height: 700}
		p, err := s.draw(context.Background(), q)
		if err != nil {
			t.Fatalf("step %s: %v", st.ID, err)
		}
		if len(p.Data) > 100_000 {
			t.Errorf("step %s: the still has %d bytes", st.ID, len(p.Data))
		}
		img, err := png.Decode(bytes.NewReader(p.Data))
		if err != nil || img.Bounds().Dx() != 1120 {
			t.Fatalf("step %s: %v", st.ID, err)
		}
		if i == 0 {
			again, err := s.draw(context.Background(), q)
			if err != nil || !bytes.Equal(again.Data, p.Data) {
				t.Errorf("step %s: two stills differ (%v)", st.ID, err)
			}
		}
		if dir := os.Getenv("SIGHTLINE_STILLS"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, st.ID+".png"), p.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
