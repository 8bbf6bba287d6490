package scene

import (
	"image/png"
	"os"
	"path/filepath"
	"testing"

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

// prepared builds the schematic of El Junquito and makes it ready to draw.
func prepared(t testing.TB) (*Document, *raster.Prepared) {
	r, err := Build(demoSpec(t), "")
	if err != nil {
		t.Fatal(err)
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
	return d, p
}

// TestStills: in every saved view the house is seen where its object says it
// is. With STILLS=folder the pictures are kept for people to look at.
func TestStills(t *testing.T) {
	d, p := prepared(t)
	dir, w, h := os.Getenv("STILLS"), 320, 180
	if dir != "" {
		w, h = 1600, 900
	}
	house, _ := d.Object("S-01")
	for _, v := range d.Views {
		cam, err := raster.LookAt(v.Eye, v.Target, v.VFovDeg, w, h)
		if err != nil {
			t.Fatal(err)
		}
		o := raster.Scene{}
		for _, x := range d.Objects {
			at := x.Position
			at[2] += x.Height
			o.Labels = append(o.Labels, raster.Label{At: at, Text: x.Label["en"], Detail: x.ID})
		}
		img, err := p.RenderWith(cam, raster.Options{Scale: float64(w) / 800, Caption: d.Approximate.Label["en"]}, &o)
		if err != nil {
			t.Fatal(err)
		}
		px, err := cam.Project([3]float64{house.Position[0], house.Position[1], house.Position[2] + house.Height/2})
		if err != nil {
			t.Fatalf("%s: %v", v.ID, err)
		}
		piece, ok := d.PieceOf(img.ID[int(px[1])*w+int(px[0])])
		if v.ID != "new-road" && (!ok || piece.Object != "S-01") {
			t.Errorf("view %s: the middle of the house shows %+v", v.ID, piece)
		}
		if dir == "" {
			continue
		}
		photo, err := p.Render(cam, raster.Options{Style: raster.Photo})
		if err != nil {
			t.Fatal(err)
		}
		for name, m := range map[string]*raster.Image{"paper": img, "photo": photo} {
			f, err := os.Create(filepath.Join(dir, v.ID+"-"+name+".png"))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, m.RGBA); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
}

func BenchmarkBuildElJunquito(b *testing.B) {
	s := demoSpec(b)
	for b.Loop() {
		if _, err := Build(s, ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStill1600x900(b *testing.B) {
	d, p := prepared(b)
	v := d.Views[0]
	cam, err := raster.LookAt(v.Eye, v.Target, v.VFovDeg, 1600, 900)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := p.Render(cam, raster.Options{Scale: 2}); err != nil {
			b.Fatal(err)
		}
	}
}
