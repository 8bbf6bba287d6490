package scene

import (
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sightline/raster"
)

func demoSpec(t testing.TB) *Spec {
	b, err := os.ReadFile("../demo/el-junquito/scene.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseSpec(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestElJunquito(t *testing.T) {
	r, err := Build(demoSpec(t), "../demo/el-junquito")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, n := range r.Names() {
		t.Log(n, len(r.Files[n]))
		total += len(r.Files[n])
	}
	t.Log(total, r.Document.Layers[0].Vertices, r.Document.Layers[0].Triangles, r.Document.Layers[0].Terrain)
	dir := os.Getenv("STILLS")
	if dir == "" {
		return
	}
	d, err := LoadFrom(r.Open)
	if err != nil {
		t.Fatal(err)
	}
	meshes, err := d.Meshes()
	if err != nil {
		t.Fatal(err)
	}
	p, err := raster.Prepare(raster.Scene{Meshes: meshes, Sun: [3]float64{0.7, -0.4, 0.6}})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range d.Views {
		cam, err := raster.LookAt(v.Eye, v.Target, v.VFovDeg, 1600, 900)
		if err != nil {
			t.Fatal(err)
		}
		var labels []raster.Label
		for _, o := range d.Objects {
			at := o.Position
			at[2] += o.Height
			labels = append(labels, raster.Label{At: at, Text: o.Label["en"], Detail: o.ID})
		}
		for i, style := range []raster.Style{raster.Paper, raster.Photo} {
			t0 := time.Now()
			img, err := p.RenderWith(cam, raster.Options{Style: style, Scale: 2, Caption: "Approximate place, schematic"}, &raster.Scene{Labels: labels})
			if err != nil {
				t.Fatal(err)
			}
			t.Log(v.ID, i, time.Since(t0), img.Left)
			f, _ := os.Create(filepath.Join(dir, "ej-"+v.ID+[]string{"-paper", "-photo"}[i]+".png"))
			png.Encode(f, img.RGBA)
			f.Close()
		}
	}
}
