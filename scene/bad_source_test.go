package scene

import (
	"strings"
	"testing"
)

const cube = `v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 0 0 1
v 1 0 1
v 1 1 1
v 0 1 1
f 1 4 3 2
f 5 6 7 8
f 1 2 6 5
f 2 3 7 6
f 3 4 8 7
f 4 1 5 8
`

// TestBadSources: a source that cannot be trusted is refused, or named in the
// layer's warnings, by one sentence.
func TestBadSources(t *testing.T) {
	obj := func(b string) func() (*Result, error) {
		return func() (*Result, error) {
			return (&Builder{Read: func(string) ([]byte, error) { return []byte(b), nil }}).Build(&Spec{Format: SpecFormat, Frame: Frame{Origin: Origin{10, -67, 100}, Vertical: "ellipsoid"},
				Layers: []LayerSpec{{Provenance: Provenance{ID: "L-02", Class: "measured", Licence: "x"}, Models: []ModelSpec{{File: "cube.obj"}}}}})
		}
	}
	tiff := func(s tiffSpec) func() (*Result, error) {
		s.w, s.h, s.bits, s.format = 30, 30, 32, 3
		s.value = func(x, y int) float64 { return 100 }
		return func() (*Result, error) {
			return (&Builder{Read: func(string) ([]byte, error) { return makeTIFF(s), nil }}).Build(&Spec{Format: SpecFormat, Frame: Frame{Origin: Origin{10.4, -66.9, 100}, Vertical: "ellipsoid"},
				Terrain: &TerrainSpec{Provenance: Provenance{ID: "L-01", Class: "measured", Licence: "x"}, Rings: []Ring{{500, 50}}, Grids: []GridSpec{{File: "a.tif"}}}})
		}
	}
	inwards := strings.NewReplacer("f 1 4 3 2", "f 2 3 4 1", "f 5 6 7 8", "f 8 7 6 5", "f 1 2 6 5", "f 5 6 2 1", "f 2 3 7 6", "f 6 7 3 2", "f 3 4 8 7", "f 7 8 4 3", "f 4 1 5 8", "f 8 5 1 4").Replace(cube)
	for _, c := range []struct {
		name  string
		build func() (*Result, error)
		want  string // "" for none; in the error or a warning of the layer
	}{
		{"a sound cube", obj(cube), ""},
		{"a cube with a hole", obj(strings.Replace(cube, "f 5 6 7 8\n", "", 1)), "has holes (4 open edges)"},
		{"a cube with a turned side", obj(strings.Replace(cube, "f 5 6 7 8", "f 8 7 6 5", 1)), "opposite ways"},
		{"a cube inside out", obj(inwards), "inverted normals"},
		{"heights without a place", tiff(tiffSpec{}), "does not say where on Earth"},
		{"heights on another datum", tiff(tiffSpec{epsg: 26711, scale: [2]float64{60, 60}, tie: [2]float64{440720, 3751320}}), "NAD27"},
		{"heights in a projection that is not read", tiff(tiffSpec{epsg: 2225, scale: [2]float64{60, 60}, tie: [2]float64{440720, 3751320}}), "EPSG:2225"},
		{"heights somewhere else", tiff(tiffSpec{epsg: 4326, scale: [2]float64{0.01, 0.01}, tie: [2]float64{10, 50}}), "no source has a height"},
		{"heights of an unknown datum", tiff(tiffSpec{epsg: 4326, scale: [2]float64{0.01, 0.01}, tie: [2]float64{-67, 10.5}}), "vertical datum"},
	} {
		r, err := c.build()
		text := ""
		if err != nil {
			text = err.Error()
		} else {
			text = strings.Join(r.Document.Layers[0].Warnings, "; ")
		}
		if c.want == "" && text != "" || !strings.Contains(text, c.want) {
			t.Errorf("%s: %q", c.name, text)
		}
	}
}
