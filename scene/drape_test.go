package scene

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"strings"
	"testing"
)

// TestDrape: an orthophoto lies where its world file says, as its own bytes,
// and the ground beyond it stays plain.
func TestDrape(t *testing.T) {
	var buf bytes.Buffer
	if err := png.Encode(&buf, image.NewNRGBA(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	grid := makeTIFF(tiffSpec{w: 60, h: 60, bits: 32, format: 3, epsg: 4326, scale: [2]float64{0.001, 0.001}, tie: [2]float64{-67.03, 10.53}, value: func(x, y int) float64 { return 100 + float64(x) }})
	// 0.0002 degrees a pixel; the first pixel's middle is half of that inside.
	world := "0.0002\n0\n0\n-0.0002\n-66.9999\n10.5019\n"
	files := map[string][]byte{"a.tif": grid, "o.png": buf.Bytes(), "o.pgw": []byte(world)}
	spec := func() *Spec {
		return &Spec{Format: SpecFormat, Frame: Frame{Origin: Origin{10.5, -66.998, 100}, Vertical: "ellipsoid"},
			Terrain: &TerrainSpec{Provenance: Provenance{ID: "L-01", Class: "measured", Licence: "x"}, Rings: []Ring{{800, 50}},
				Grids: []GridSpec{{File: "a.tif", Vertical: "ellipsoid"}}, Drape: &DrapeSpec{File: "o.png", EPSG: 4326, Date: "2018-01"}}}
	}
	build := func(s *Spec) (*Result, error) {
		return (&Builder{Read: func(n string) ([]byte, error) {
			if b, ok := files[n]; ok {
				return b, nil
			}
			return nil, fmt.Errorf("%s is missing", n)
		}}).Build(s)
	}
	r, err := build(spec())
	if err != nil {
		t.Fatal(err)
	}
	d, err := LoadFrom(r.Open)
	if err != nil {
		t.Fatal(err)
	}
	pieces, err := d.Pieces()
	if err != nil {
		t.Fatal(err)
	}
	fr := newFrame(d.Frame.Origin)
	plain, seen := 0, 0
	for _, p := range pieces {
		if len(p.Image) == 0 {
			plain += len(p.Mesh.Triangles)
			continue
		}
		if !bytes.Equal(p.Image, buf.Bytes()) || p.ImageType != "image/png" {
			t.Error("the picture's bytes were changed")
		}
		for i, q := range p.Mesh.Positions {
			lat, lon, _ := fr.geo(q)
			u, v := (lon+67)/(40*0.0002), (10.502-lat)/(30*0.0002)
			if math.Abs(p.Mesh.UV[i][0]-u) > 1e-5 || math.Abs(p.Mesh.UV[i][1]-v) > 1e-5 {
				t.Fatalf("vertex at %v, %v has %v, want %v, %v", lat, lon, p.Mesh.UV[i], u, v)
			}
		}
		seen += len(p.Mesh.Triangles)
	}
	if plain == 0 || seen == 0 {
		t.Errorf("%d triangles with the picture, %d without", seen, plain)
	}
	l := d.Layers[0]
	if len(l.Sources) != 3 || !strings.Contains(strings.Join(l.Warnings, " "), "2018-01") {
		t.Errorf("sources %+v, warnings %v", l.Sources, l.Warnings)
	}
	if u, ok := d.Ground(0, 0); !ok || u == 0 {
		t.Errorf("ground %v %v", u, ok)
	}
	for _, c := range []struct {
		change func(*Spec)
		want   string
	}{
		{func(s *Spec) { s.Terrain.Drape.EPSG = 26719 }, "NAD27"},
		{func(s *Spec) { s.Terrain.Drape.EPSG = 32619 }, "nowhere on the terrain"},
		{func(s *Spec) { s.Terrain.Drape.File = "a.tif" }, "JPEG or PNG"},
		{func(s *Spec) { s.Terrain.Drape.World = "o.png" }, "world file"},
		{func(s *Spec) { s.Terrain.Drape.World = "none" }, "missing"},
	} {
		s := spec()
		c.change(s)
		if _, err := build(s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q: %v", c.want, err)
		}
	}
}
