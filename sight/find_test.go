package sight

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// country is invented ground, 8 km wide: hills of several sizes, rougher
// further out, with posts 40 m apart.
func country(seed uint64) Body {
	const n, step = 101, 80.0
	rng := newPCG(seed)
	type hill struct{ e, n, h, r float64 }
	var hills []hill
	for range 60 {
		z0, z1 := rng.normals()
		z2, z3 := rng.normals()
		hills = append(hills, hill{2200 * z0, 2200 * z1, 60 + 90*math.Abs(z2), 150 + 250*math.Abs(z3)})
	}
	b := Body{Name: "country", Ground: true, Measured: true, SigmaM: 0.05}
	for j := range n {
		for i := range n {
			e, nn := (float64(i)-50)*step, (float64(j)-50)*step
			u := 0.0
			for _, h := range hills {
				d := ((e-h.e)*(e-h.e) + (nn-h.n)*(nn-h.n)) / (h.r * h.r)
				u += h.h / (1 + d)
			}
			b.Positions = append(b.Positions, [3]float64{e, nn, u})
		}
	}
	for j := range uint32(n - 1) {
		for i := range uint32(n - 1) {
			a := j*n + i
			b.Triangles = append(b.Triangles, [3]uint32{a, a + 1, a + n + 1}, [3]uint32{a, a + n + 1, a + n})
		}
	}
	return b
}

// photographed is the skyline as a picture shows it: for some columns the
// highest pixel whose ray meets the ground, found by tracing rays through the
// triangles, which shares nothing with the horizon of edges.
func photographed(s *Surroundings, c *Camera, columns int, noise float64, rng *pcg) (out [][2]float64) {
	hits := func(u, v float64) bool {
		d, ok := c.Ray([2]float64{u, v})
		if !ok {
			return false
		}
		_, hit := s.all.Closest(c.Position, d, math.Inf(1))
		return hit
	}
	w, h := float64(c.Width), float64(c.Height)
	for k := range columns {
		u := w * (float64(k) + 0.5) / float64(columns)
		lo, hi := 0.0, h // sky above lo, ground at hi
		if hits(u, lo) || !hits(u, hi) {
			continue
		}
		for hi-lo > 0.05 {
			if m := (lo + hi) / 2; hits(u, m) {
				hi = m
			} else {
				lo = m
			}
		}
		z, _ := rng.normals()
		out = append(out, [2]float64{u, (lo+hi)/2 + noise*z})
	}
	return out
}

// TestHorizonOfEdges: the horizon from edges is where traced rays begin to
// meet the ground.
func TestHorizonOfEdges(t *testing.T) {
	b := country(3)
	s := surroundings(t, b)
	sky, err := NewSkyline([]Body{b})
	if err != nil {
		t.Fatal(err)
	}
	u, _, _ := s.Ground(120, -340)
	eye := [3]float64{120, -340, u + 1.6}
	o := sky.From(eye)
	const rad = math.Pi / 180
	for k := 0; k < skyBins; k += 7 {
		az := float64(k) / 4 * rad
		d := o.Distance[k]
		tan := o.Tan[k] - Refraction*d/(2*earthRadius) // traced rays are straight
		for _, side := range []float64{-1, 1} {
			v := vec{math.Sin(az), math.Cos(az), tan + side*2e-5}
			_, hit := s.all.Closest(eye, v, math.Inf(1))
			if hit != (side < 0) {
				t.Fatalf("azimuth %v: a ray %g beside the horizon at %v m: met %v", float64(k)/4, side*2e-5, d, hit)
			}
		}
	}
}

func findIn(t testing.TB, b Body, doc map[string]any) *Found {
	t.Helper()
	s := surroundings(t, b)
	sky, err := NewSkyline([]Body{b})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParseFind(raw)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Find(p, raw, s, sky)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// holds says in which of the areas a place lies, from 1; 0 in none.
func (f *Found) holds(e, n float64) int {
	for i, a := range f.Areas {
		for _, c := range a.Cells {
			if h := c.SideM/2 + 0.02; math.Abs(c.At[0]-e) <= h && math.Abs(c.At[1]-n) <= h {
				return i + 1
			}
		}
	}
	return 0
}

// trial makes a photo of a country and the search for its place.
func trial(t testing.TB, seed uint64, half float64) (Body, map[string]any, Camera) {
	t.Helper()
	b := country(seed)
	s := surroundings(t, b)
	rng := newPCG(seed + 100)
	for range 50 {
		e, n := 1.86*half*(rng.unit()-0.5), 1.86*half*(rng.unit()-0.5)
		u, _, _ := s.Ground(e, n)
		a := Angles{Heading: 360 * rng.unit(), Pitch: 8 * (rng.unit() - 0.3), Roll: 4 * (rng.unit() - 0.5)}
		c := Camera{Width: 1600, Height: 1200, Position: [3]float64{e, n, u + 1.6}, Rotation: a.Rotation(), FocalPx: 1300, PrincipalPoint: [2]float64{800, 600}}
		line := photographed(s, &c, 80, 1.5, &rng)
		if len(line) < 70 {
			continue // the hills leave the picture
		}
		doc := map[string]any{"format": FindFormat, "id": fmt.Sprint(seed), "scene": "x", "image": map[string]int{"width": 1600, "height": 1200},
			"focal": map[string]any{"px": 1340.0, "sigma_log": 0.04}, "skyline": map[string]any{"px": line, "sigma_px": 1.5},
			"area": map[string]any{"polygon": [][2]float64{{-half, -half}, {half, -half}, {half, half}, {-half, half}}, "step_m": 60}}
		return b, doc, c
	}
	t.Fatalf("seed %d: no picture with a skyline in it", seed)
	panic("unreachable")
}

// TestFindOnRenderedGround: photos of invented countries are looked for in
// 0.36 km2; the areas hold the true place and are a small part of what was
// searched.
func TestFindOnRenderedGround(t *testing.T) {
	held, small, n, half := 0, 0, 12, 300.0
	if os.Getenv("SIGHTLINE_LONG") == "" {
		n, half = 1, 150
	}
	for seed := range uint64(n) {
		b, doc, c := trial(t, seed, half)
		f := findIn(t, b, doc)
		k := f.holds(c.Position[0], c.Position[1])
		if k > 0 {
			held++
		}
		if f.PossibleM2 < 0.1*f.SearchedM2 {
			small++
		}
		if len(f.Areas) == 0 || f.Areas[0].Text == "" {
			t.Fatalf("seed %d: %s %s", seed, f.Status, f.Reason)
		}
		t.Logf("seed %d: %s, truth in area %d of %d, %0.f of %.0f m2, scale %.2f, fit %.2f, heading %.1f (truth %.1f)", seed, f.Status, k, len(f.Areas), f.PossibleM2, f.SearchedM2, f.SigmaScale, f.Areas[0].Fit, f.Areas[0].Angles.Heading, c.Angles().Heading)
	}
	if 10*held < 9*n || 2*small < n {
		t.Errorf("the truth lies in the areas in %d of %d; they are small in %d", held, n, small)
	}
}

// TestFindElsewhere: where the photo was not taken, nothing fits and the
// answer says so instead of offering the least bad place.
func TestFindElsewhere(t *testing.T) {
	_, doc, _ := trial(t, 2, 150)
	other := country(77)
	f := findIn(t, other, doc)
	if f.Status != "doubtful" && f.Status != "none" {
		t.Errorf("a photo of another country is %s", f.Status)
	}
	t.Logf("%s: %s %v", f.Status, f.Reason, f.Warnings)
}

// TestFindAlongRoad: features seen and hidden narrow a search along a road,
// with a house in the way.
func TestFindAlongRoad(t *testing.T) {
	g := field(0)
	wall := box("wall", vec{-40, 30, 0}, vec{0, 32, 8})
	bodies := []Body{g, wall}
	s := surroundings(t, bodies...)
	sky, err := NewSkyline(bodies)
	if err != nil {
		t.Fatal(err)
	}
	mast, tank, gate := vec{-20, 90, 12}, vec{35, 120, 9}, vec{10, 60, 2}
	eye := vec{42, 0, 1.6}
	c := LookAt(eye, [3]float64{5, 90, 6}, 1600, 1200, 60)
	var fs []map[string]any
	for i, w := range []vec{mast, tank, gate} {
		px, err := c.Project(w)
		if err != nil {
			t.Fatal(err)
		}
		fs = append(fs, map[string]any{"id": fmt.Sprint("F", i), "world": w, "px": px})
	}
	doc := map[string]any{"format": FindFormat, "id": "road", "scene": "x", "image": map[string]int{"width": 1600, "height": 1200},
		"focal": map[string]any{"px": c.FocalPx, "sigma_log": 0.03}, "features": fs,
		"area": map[string]any{"road": [][2]float64{{-150, 0}, {150, 0}}, "width_m": 6, "step_m": 6}}
	raw, _ := json.Marshal(doc)
	p, err := ParseFind(raw)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Find(p, raw, s, sky)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Areas) == 0 || f.holds(42, 0) == 0 || *f.Areas[0].FromM > 192 || *f.Areas[0].ToM < 192 || *f.Areas[0].ToM-*f.Areas[0].FromM > 60 {
		t.Errorf("%s %s: %+v", f.Status, f.Reason, f.Areas)
	}
	var prose strings.Builder
	if err := f.Prose(&prose); err != nil || !strings.Contains(prose.String(), "along the road") {
		t.Errorf("%s", prose.String())
	}
	// Only asked to be visible: behind the wall the gate is hidden.
	for _, q := range fs {
		delete(q, "px")
	}
	raw, _ = json.Marshal(doc)
	p, _ = ParseFind(raw)
	f, err = Find(p, raw, s, sky)
	if err != nil {
		t.Fatal(err)
	}
	if f.holds(-20, 0) != 0 || f.holds(100, 0) == 0 {
		t.Errorf("visibility alone: behind the wall %d, beside it %d: %s", f.holds(-20, 0), f.holds(100, 0), f.Reason)
	}
}

// TestFindFaults: each fault is a sentence that names the field.
func TestFindFaults(t *testing.T) {
	const good = `{"format":"sightline.camera.search/1","id":"a","scene":"s","image":{"width":100,"height":100},"skyline":{"px":[[0,50],[99,40]]},"area":{"polygon":[[0,0],[10,0],[10,10]],"step_m":1}}`
	if _, err := ParseFind([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`search/1`, `search/2`, "format"}, {`"id":"a"`, `"id":""`, "id"}, {`"scene":"s"`, `"scene":""`, "scene"},
		{`"width":100`, `"width":0`, "image"}, {`[[0,50],[99,40]]`, `[[0,50]]`, "skyline.px"}, {`[99,40]`, `[1,40]`, "skyline.px"},
		{`[[0,0],[10,0],[10,10]]`, `[[0,0]]`, "area"}, {`"step_m":1`, `"step_m":0`, "step_m"}, {`[10,10]`, `[10,1e9]`, "area"},
		{`"polygon"`, `"polygons"`, "polygons"},
	} {
		if _, err := ParseFind([]byte(strings.Replace(good, c.old, c.new, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s -> %s: %v", c.old, c.new, err)
		}
	}
}

// FuzzParseFind: no search makes the parser panic.
func FuzzParseFind(f *testing.F) {
	f.Add([]byte(`{"format":"sightline.camera.search/1","id":"a","scene":"s","image":{"width":100,"height":100},"skyline":{"px":[[0,50],[99,40]]},"area":{"polygon":[[0,0],[10,0],[10,10]],"step_m":1}}`))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = ParseFind(b) })
}
