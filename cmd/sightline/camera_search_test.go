package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sightline/scene"
	"sightline/sight"
)

// TestCameraSearch: a scene is built from an SRTM tile, a photo's skyline is
// traced in it, and the search finds the area, at the command line.
func TestCameraSearch(t *testing.T) {
	tile := filepath.Join("..", "..", "..", "shared", "fixtures", "scene", "dem", "SYNTHETIC_N10W068.hgt.gz")
	b, err := os.ReadFile(tile)
	if err != nil {
		t.Skip("the fixtures are not beside this checkout")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "N10W068.hgt.gz"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	spec := `{"format":"sightline.scene.spec/1","title":{"en":"ridge"},"frame":{"origin":{"lat":10.5,"lon":-67.5,"h":0},"vertical":"egm96"},
"terrain":{"id":"L-01","title":{"en":"t"},"class":"measured","accuracy_m":1,"licence":"CC0-1.0","rings":[{"to_m":2000,"step_m":100},{"to_m":15000,"step_m":400}],"tolerance_m":3,
"grids":[{"file":"N10W068.hgt.gz"}]}}`
	file := filepath.Join(dir, "spec.json")
	if err := os.WriteFile(file, []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	built := filepath.Join(dir, "scene")
	if s, _, e := sceneRun("scene", "build", file, "-o", built); s != 0 {
		t.Fatal(e)
	}
	d, err := scene.Load(built)
	if err != nil {
		t.Fatal(err)
	}
	l := sceneOf(d)
	if l.err != nil {
		t.Fatal(l.err)
	}
	u, _, ok := l.around.Ground(300, -200)
	if !ok {
		t.Fatal("no ground")
	}
	// Looking where the relief is strongest.
	var best sight.Camera
	var line [][2]float64
	high := 0.0
	for h := 0.0; h < 360; h += 60 {
		c := sight.Camera{Width: 1600, Height: 1200, Position: [3]float64{300, -200, u + 1.6}, Rotation: sight.Angles{Heading: h, Pitch: 5}.Rotation(), FocalPx: 1300, PrincipalPoint: [2]float64{800, 600}}
		var at [][2]float64
		lo, hi := math.Inf(1), math.Inf(-1)
		for x := 20.0; x < 1600; x += 40 {
			top, bottom := 0.0, 1200.0
			for bottom-top > 0.2 {
				m := (top + bottom) / 2
				if dir, ok := c.Ray([2]float64{x, m}); ok {
					if _, hit := l.around.Mesh().Closest(c.Position, dir, 1e6); hit {
						bottom = m
					} else {
						top = m
					}
				}
			}
			if top > 0.5 && bottom < 1199 {
				at = append(at, [2]float64{x, bottom})
				lo, hi = math.Min(lo, bottom), math.Max(hi, bottom)
			}
		}
		if len(at) > 35 && hi-lo > high {
			high, best, line = hi-lo, c, at
		}
	}
	if len(line) == 0 {
		t.Fatal("no heading shows a skyline")
	}
	doc, err := json.Marshal(map[string]any{"format": sight.FindFormat, "id": "tile", "scene": "scene", "image": map[string]int{"width": 1600, "height": 1200},
		"focal": map[string]any{"px": 1300, "sigma_log": 0.03}, "skyline": map[string]any{"px": line, "sigma_px": 2},
		"area": map[string]any{"polygon": [][2]float64{{-450, -450}, {450, -450}, {450, 450}, {-450, 450}}, "step_m": 300}})
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "search.json")
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	s, out, e := sceneRun("camera", "search", "--json", file)
	var f sight.Found
	if err := json.Unmarshal([]byte(out), &f); s != 0 || err != nil {
		t.Fatalf("status %d: %s %s", s, out, e)
	}
	in := false
	for _, a := range f.Areas {
		for _, c := range a.Cells {
			in = in || math.Abs(c.At[0]-300) <= c.SideM/2 && math.Abs(c.At[1]+200) <= c.SideM/2
		}
	}
	if !in || f.Status == "none" {
		t.Errorf("%s %s: the place is in no area; relief %.0f px, heading %.0f, %d areas, %.0f of %.0f m2", f.Status, f.Reason, high, best.Angles().Heading, len(f.Areas), f.PossibleM2, f.SearchedM2)
	}
	t.Logf("%s: %.0f of %.0f m2, fit %.2f", f.Status, f.PossibleM2, f.SearchedM2, f.Areas[0].Fit)
	s, out, _ = sceneRun("camera", "search", file)
	if s != 0 || !strings.Contains(out, "of the probability") {
		t.Errorf("status %d: %s", s, out)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(doc), `"step_m":300`, `"step_m":0`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, _, e := sceneRun("camera", "search", file); s != 2 || !strings.Contains(e, "area.step_m") {
		t.Errorf("status %d: %s", s, e)
	}
}
