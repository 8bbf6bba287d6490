package scene

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sightline/raster"
)

const aModel = `{"format":"sightline.scene.model/1","id":"M-01","title":{"en":"House"},"class":"from_plans","licence":"own work",
"basis":[{"kind":"plan","item":"EJ-031"}],
"parts":[{"kind":"house","id":"S-70","at":[12,30],"heading_deg":40,"width_m":8,"length_m":11,"height_m":2.8,"u":2,
 "roof":"hip","roof_rise_m":1.9,"overhang_m":0.5,
 "openings":[{"name":"door","face":"front","centre_m":1.2,"width_m":0.9,"sill_m":0,"height_m":2.1}],
 "dims":{"width_m":{"sigma":0.05,"class":"from_plans"},"height_m":{"sigma":0.3,"class":"conjectural"},"at":{"sigma":0.2,"class":"measured"}}},
{"kind":"wall","id":"S-71","points":[[0,0],[10,0],[10,6]],"width_m":0.3,"height_m":2.5,
 "openings":[{"name":"gate","face":"1","centre_m":0,"width_m":3,"sill_m":0,"height_m":2.4,"open":true}]},
{"kind":"block","id":"S-72","at":[40,0],"outline":[[0,0],[10,0],[10,4],[4,4],[4,9],[0,9]],"height_m":3,
 "openings":[{"name":"w","face":"2","centre_m":0,"width_m":1,"sill_m":1,"height_m":1}]}]}`

// closed says whether every edge of a body's outer shell is used by two
// triangles in opposite directions, vertices at the same place being one.
func enclosedVolume(p []Piece) float64 {
	v := 0.0
	for i := range p {
		m := &p[i].Mesh
		for _, t := range m.Triangles {
			a, b, c := m.Positions[t[0]], m.Positions[t[1]], m.Positions[t[2]]
			v += (a[0]*(b[1]*c[2]-b[2]*c[1]) - a[1]*(b[0]*c[2]-b[2]*c[0]) + a[2]*(b[0]*c[1]-b[1]*c[0])) / 6
		}
	}
	return v
}

// TestModelBodies: walls and roofs face outwards and, with the missing floor
// added, hold the volume that their numbers say.
func TestModelBodies(t *testing.T) {
	flat := func(e, n float64) (float64, bool) { return 0, true }
	for _, c := range []struct {
		name string
		part Part
		want float64
	}{
		{"flat", Part{Kind: "house", WidthM: 8, LengthM: 12, HeightM: 3}, 8 * 12 * 3},
		{"gable", Part{Kind: "house", WidthM: 8, LengthM: 12, HeightM: 3, Roof: "gable", RoofRiseM: 2}, 8*12*3 + 8*12},
		{"hip", Part{Kind: "house", WidthM: 8, LengthM: 12, HeightM: 3, Roof: "hip", RoofRiseM: 2}, 8*12*3 + 8*4 + 8*8*2/3.0},
		{"hip wide", Part{Kind: "house", WidthM: 12, LengthM: 8, HeightM: 3, Roof: "hip", RoofRiseM: 2}, 8*12*3 + 8*4 + 8*8*2/3.0},
		{"shed", Part{Kind: "house", WidthM: 8, LengthM: 12, HeightM: 3, Roof: "shed", RoofRiseM: 2}, 8*12*3 + 8*12},
		{"block", Part{Kind: "block", Outline: [][]float64{{0, 0}, {10, 0}, {10, 4}, {4, 4}, {4, 9}, {0, 9}}, HeightM: 3}, 3 * 60},
		{"block the other way round", Part{Kind: "block", Outline: [][]float64{{0, 9}, {4, 9}, {4, 4}, {10, 4}, {10, 0}, {0, 0}}, HeightM: 3}, 3 * 60},
	} {
		c.part.HeadingDeg, c.part.At = 33, [2]float64{5, -7}
		if err := c.part.check("p"); err != nil {
			t.Fatal(err)
		}
		b, err := c.part.make(raster.Derived, flat)
		if err != nil {
			t.Fatal(err)
		}
		var all []Piece
		for _, p := range b.pieces {
			all = append(all, *p)
		}
		// The floor at height 0 adds nothing to the volume.
		if got := enclosedVolume(all); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s: holds %v m3, want %v", c.name, got, c.want)
		}
	}
	// A wall with a gate: its volume without the gate.
	w := Part{Kind: "wall", Points: [][]float64{{0, 0}, {10, 5}}, WidthM: 0.3, HeightM: 2.5, SinkM: 0.4, Openings: []Opening{{Face: "1", WidthM: 3, HeightM: 2.4, Open: true}}}
	b, err := w.make(raster.Derived, flat)
	if err != nil {
		t.Fatal(err)
	}
	var all []Piece
	for _, p := range b.pieces {
		all = append(all, *p)
	}
	want := 0.3 * (math.Hypot(10, 5)*2.9 - 3*2.4)
	if got := enclosedVolume(all); math.Abs(got-want) > 1e-6 {
		t.Errorf("wall with a gate: %v m3, want %v", got, want)
	}
}

// TestModelInto: a model comes into a built scene as a layer, replaces itself,
// and goes; the bytes are the same each time and the rest does not change.
func TestModelInto(t *testing.T) {
	r, err := Build(demoSpec(t), "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseModel([]byte(aModel))
	if err != nil {
		t.Fatal(err)
	}
	one, err := m.Into(r.Document, []byte(aModel))
	if err != nil {
		t.Fatal(err)
	}
	two, err := m.Into(one.Document, []byte(aModel))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"m-01.glb", "m-01.model.json", "scene.json"} {
		if !bytes.Equal(one.Files[n], two.Files[n]) || len(one.Files[n]) == 0 {
			t.Errorf("%s differs when the same model is put in again", n)
		}
	}
	d := two.Document
	if len(d.Layers) != len(r.Document.Layers)+1 || d.ID != r.Document.ID || d.Content == r.Document.Content {
		t.Fatalf("layers %d, content %.8s", len(d.Layers), d.Content)
	}
	o, ok := d.Object("S-70")
	if !ok || o.Class != "conjectural" { // its height was guessed
		t.Fatalf("%+v", o)
	}
	sig := map[string]float64{}
	for _, p := range o.Points {
		sig[p.ID] = p.SigmaM
	}
	// foot: place 0.2 m on each axis and half the width's error; the eave
	// also stands on a guessed height.
	if f := sig["S-70.foot-front-left"]; !(f > 0.2 && f < 0.204) {
		t.Errorf("foot +-%v m", f)
	}
	if e := sig["S-70.eave-front-left"]; math.Abs(e-0.3) > 1e-3 {
		t.Errorf("eave +-%v m, want 0.3", e)
	}
	pieces, err := d.Pieces()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, p := range pieces {
		if p.Layer == "M-01" {
			n++
		}
	}
	if n == 0 {
		t.Error("the layer has no meshes")
	}
	gone, err := d.Without("M-01")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(gone.Files["scene.json"], r.Files["scene.json"]) {
		t.Error("without the model the scene is not what it was")
	}
	if _, err := d.Without(r.Document.Layers[1].ID); err == nil || !strings.Contains(err.Error(), "model document") {
		t.Errorf("a built layer is taken out: %v", err)
	}
	// As a source of a spec it gives the same meshes.
	s := *demoSpec(t)
	s.Layers = append(append([]LayerSpec{}, s.Layers...), LayerSpec{Provenance: m.Provenance, Document: "house.json"})
	built, err := (&Builder{Read: func(string) ([]byte, error) { return []byte(aModel), nil }}).Build(&s)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(built.Files["m-01.glb"], one.Files["m-01.glb"]) {
		t.Error("the model built from a spec differs from the one put in")
	}
	for _, id := range []string{"S-70", "S-71", "S-72"} {
		a, _ := built.Document.Object(id)
		b, _ := one.Document.Object(id)
		if a == nil || b == nil || !reflect.DeepEqual(*a, *b) {
			t.Errorf("%s: %+v and %+v", id, a, b)
		}
	}
}

// TestModelFaults: each fault is one sentence that names the part.
func TestModelFaults(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"format":"sightline.scene.model/1"`, `"format":"x"`, "format"},
		{`"kind":"plan"`, `"kind":"dream"`, "basis[0]"},
		{`"roof":"hip"`, `"roof":"onion"`, "roof"},
		{`"face":"front"`, `"face":"north"`, "openings[0]"},
		{`"centre_m":1.2`, `"centre_m":4`, "beyond its wall"},
		{`"class":"conjectural"`, `"class":"sure"`, "dims.height_m"},
		{`"height_m":{"sigma":0.3`, `"height_m":{"sigma":-1`, "dims.height_m"},
		{`"dims":{"width_m"`, `"dims":{"breadth"`, "breadth"},
		{`[10,0],[10,4]`, `[10,4],[10,0]`, "sides cross"},
		{`"S-71"`, `"S-70"`, "used twice"},
		{`"licence":"own work"`, `"licence":""`, "licence"},
	} {
		if !strings.Contains(aModel, c.old) {
			t.Fatalf("%s is not in the model", c.old)
		}
		_, err := ParseModel([]byte(strings.Replace(aModel, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s -> %s: %v", c.old, c.new, err)
		}
	}
	m, _ := ParseModel([]byte(aModel))
	r, err := Build(demoSpec(t), "")
	if err != nil {
		t.Fatal(err)
	}
	m.Frame = strings.Repeat("0", 64)
	if _, err := m.Into(r.Document, []byte(aModel)); err == nil || !strings.Contains(err.Error(), "frame") {
		t.Errorf("another frame: %v", err)
	}
}

// TestModelSpread: the stated error of a corner is what a Monte Carlo over the
// dimensions finds.
func TestModelSpread(t *testing.T) {
	flat := func(e, n float64) (float64, bool) { return 0, true }
	rapid.Check(t, func(rt *rapid.T) {
		p := Part{Kind: "house", ID: "S-1", WidthM: rapid.Float64Range(4, 20).Draw(rt, "w"), LengthM: rapid.Float64Range(4, 20).Draw(rt, "l"), HeightM: 3,
			HeadingDeg: rapid.Float64Range(0, 360).Draw(rt, "h"), Dims: map[string]Dimension{
				"length_m": {Sigma: 0.2, Class: "measured"}, "heading_deg": {Sigma: 1, Class: "measured"}}}
		b, err := p.make(raster.Derived, flat)
		if err != nil {
			rt.Fatal(err)
		}
		s, err := p.spread(raster.Derived, flat, b)
		if err != nil {
			rt.Fatal(err)
		}
		half := math.Hypot(p.WidthM, p.LengthM) / 2
		want := math.Hypot(0.1, half*math.Pi/180)
		got := s["S-1.foot-front-left"]
		if d := math.Hypot(got[0], got[1]); math.Abs(d-want) > 0.01*want {
			rt.Fatalf("spread %v m, want %v", d, want)
		}
	})
}

// FuzzParseModel: no document makes the reader or the builder panic.
func FuzzParseModel(f *testing.F) {
	f.Add([]byte(aModel))
	f.Add([]byte(`{"format":"sightline.scene.model/1","id":"M","class":"derived","licence":"x","parts":[{"kind":"block","outline":[[0,0],[1],[2,2]]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseModel(b)
		if err != nil || len(m.Parts) > 20 {
			return
		}
		if _, _, err := layerOfParts(&m.Provenance, m.Parts, func(e, n float64) (float64, bool) { return e / 100, true }); err != nil && fmt.Sprint(err) == "" {
			t.Error("an error without words")
		}
	})
}
