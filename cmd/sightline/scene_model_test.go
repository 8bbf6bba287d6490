package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sightline"
	"sightline/archive"
)

const smallModel = `{"format":"sightline.scene.model/1","id":"M-01","title":{"en":"Shed"},"class":"from_plans","licence":"own work",
"parts":[{"kind":"house","id":"S-70","at":[12,30],"width_m":8,"length_m":11,"height_m":2.8,"roof":"shed","roof_rise_m":1,
"dims":{"height_m":{"sigma":0.2,"class":"measured"}}}]}`

// TestSceneModelInCase: a model goes into the scene of a case as one entry,
// is changed by another, both versions stay, and it can be taken out.
func TestSceneModelInCase(t *testing.T) {
	dir := t.TempDir()
	built := filepath.Join(dir, "scene")
	if s, _, e := sceneRun("scene", "build", filepath.Join("..", "..", "demo", "el-junquito", "scene.json"), "-o", built); s != 0 {
		t.Fatal(e)
	}
	kase := filepath.Join(dir, "case")
	f, err := archive.Create(kase, sightline.Case{ID: "m", Prefix: "M", Title: sightline.Text{"en": "M"}, Zone: "America/Caracas", Languages: []string{"en"}}, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	model := filepath.Join(dir, "m.json")
	write := func(s string) {
		if err := os.WriteFile(model, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(smallModel)
	if s, _, e := sceneRun("scene", "model", model, "--case", kase); s != 2 || !strings.Contains(e, "no scene yet") {
		t.Fatalf("status %d: %s", s, e)
	}
	if s, _, e := sceneRun("add", "--as", "scene", "--reason", "test", "--case", kase, built); s != 0 {
		t.Fatal(e)
	}
	entries := func() (n int64) {
		f, err := archive.Open(kase, archive.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		_ = f.Store.View(context.Background(), f.Actor, func(r sightline.Reader) error {
			h, err := r.Head()
			n = h.Size
			return err
		})
		return n
	}
	before := entries()
	s, out, e := sceneRun("scene", "model", model, "--case", kase, "--json")
	var got struct {
		Layer   struct{ Class string }
		Objects []struct {
			ID     string
			Points []struct {
				ID     string
				SigmaM float64 `json:"sigma_m"`
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &got); s != 0 || err != nil || got.Layer.Class != "from_plans" || len(got.Objects) != 1 {
		t.Fatalf("status %d: %s %s", s, out, e)
	}
	write(strings.Replace(smallModel, `"height_m":2.8`, `"height_m":3.1`, 1))
	if s, _, e := sceneRun("scene", "model", model, "--case", kase); s != 0 {
		t.Fatal(e)
	}
	if n := entries(); n != before+2 {
		t.Errorf("%d entries for two changes", n-before)
	}
	if s, out, e := sceneRun("scene", "model", "--case", kase); s != 0 || strings.Count(out, "version") != 2 || !strings.Contains(out, "height_m +-0.2 (measured)") {
		t.Errorf("status %d: %s %s", s, out, e)
	}
	if s, out, e := sceneRun("check", kase); s != 0 {
		t.Errorf("check: %s %s", out, e)
	}
	if s, _, e := sceneRun("scene", "model", "--remove", "M-01", "--case", kase); s != 0 {
		t.Fatal(e)
	}
	if s, out, _ := sceneRun("scene", "model", "--case", kase); s != 0 || !strings.Contains(out, "no hand-made model") {
		t.Errorf("after it was taken out: %s", out)
	}
	if s, _, e := sceneRun("scene", "model", model, "--case", kase); s != 0 {
		t.Errorf("put in again: %s", e)
	}
}
