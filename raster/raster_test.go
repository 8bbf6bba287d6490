package raster

import (
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"sightline/sight"
)

// quad makes two triangles from four corners given counter-clockwise.
func quad(m *Mesh, a, b, c, d vec) {
	n := uint32(len(m.Positions))
	m.Positions = append(m.Positions, a, b, c, d)
	m.Triangles = append(m.Triangles, [3]uint32{n, n + 1, n + 2}, [3]uint32{n, n + 2, n + 3})
}

func box(id uint32, x0, y0, z0, x1, y1, z1 float64) Mesh {
	m := Mesh{Name: "box", ID: id}
	quad(&m, vec{x0, y0, z0}, vec{x1, y0, z0}, vec{x1, y0, z1}, vec{x0, y0, z1})
	quad(&m, vec{x1, y0, z0}, vec{x1, y1, z0}, vec{x1, y1, z1}, vec{x1, y0, z1})
	quad(&m, vec{x1, y1, z0}, vec{x0, y1, z0}, vec{x0, y1, z1}, vec{x1, y1, z1})
	quad(&m, vec{x0, y1, z0}, vec{x0, y0, z0}, vec{x0, y0, z1}, vec{x0, y1, z1})
	quad(&m, vec{x0, y0, z1}, vec{x1, y0, z1}, vec{x1, y1, z1}, vec{x0, y1, z1})
	return m
}

// hills is a terrain on a grid.
func hills(id uint32, half float64, n int, height func(e, n float64) float64) Mesh {
	m := Mesh{Name: "ground", ID: id, Kind: Terrain, Material: Grass, Smooth: true}
	for j := range n + 1 {
		for i := range n + 1 {
			x, y := -half+2*half*float64(i)/float64(n), -half+2*half*float64(j)/float64(n)
			m.Positions = append(m.Positions, vec{x, y, height(x, y)})
		}
	}
	for j := range n {
		for i := range n {
			a := uint32(j*(n+1) + i)
			b, c, d := a+1, a+uint32(n)+1, a+uint32(n)+2
			m.Triangles = append(m.Triangles, [3]uint32{a, b, d}, [3]uint32{a, d, c})
		}
	}
	return m
}

func testScene() Scene {
	h := func(e, n float64) float64 { return 0.1*n + 6*math.Sin(e/40)*math.Cos(n/50) }
	g := hills(1, 300, 150, h)
	b := box(2, -5, -4, h(0, 0)-1, 5, 4, h(0, 0)+6)
	b.Class, b.Material = Conjectural, Brick
	return Scene{Meshes: []Mesh{g, b}, Sun: [3]float64{0.5, -0.4, 0.6},
		Labels:   []Label{{At: vec{0, 0, 7}, Text: "safe house", Detail: "EJ-056"}},
		Ellipses: []Ellipse{{Centre: [2]float64{0, 0}, SemiMajorM: 20, SemiMinorM: 14, BearingDeg: 30, Dashed: true}},
		Markers:  []Marker{{At: vec{0, -4, 5}, Text: "1", Colour: color.NRGBA{0xE7, 0xCA, 0, 255}, RadiusPx: 8}},
		Wedges:   []Wedge{{Apex: [2]float64{30, -10}, HeadingDeg: 300, HalfDeg: 15, RangeM: 40, Fill: 0.4}}}
}

func testCamera(t testing.TB, w, h int) sight.Camera {
	cam, err := LookAt(vec{40, -60, 30}, vec{0, 0, 2}, 38, w, h)
	if err != nil {
		t.Fatal(err)
	}
	return cam
}

// save keeps a picture for people to look at when STILLS names a folder.
func save(t testing.TB, name string, img *Image) {
	dir := os.Getenv("STILLS")
	if dir == "" {
		return
	}
	f, err := os.Create(filepath.Join(dir, name+".png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img.RGBA); err != nil {
		t.Fatal(err)
	}
}

// TestDepthIsExact compares the depth buffer with the ray and plane worked out
// by hand, for lenses of both signs and for a triangle that passes behind the
// camera.
func TestDepthIsExact(t *testing.T) {
	for _, k1 := range []float64{0, -0.2, 0.15} {
		ground := Mesh{ID: 1, Kind: Terrain}
		quad(&ground, vec{-5000, -5000, -2}, vec{5000, -5000, -2}, vec{5000, 5000, -2}, vec{-5000, 5000, -2})
		cam, err := LookAt(vec{3, 4, 5}, vec{30, 60, 0}, 50, 160, 120)
		if err != nil {
			t.Fatal(err)
		}
		cam.K1 = k1
		img, err := Render(cam, Scene{Meshes: []Mesh{ground}}, Options{BuffersOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		v, _ := newView(cam)
		hits := 0
		for y := range 120 {
			for x := range 160 {
				rx, ry := v.ray(float64(x)+0.5, float64(y)+0.5)
				d := v.direction(rx, ry)
				got := float64(img.Depth[y*160+x])
				z := (-2 - 5.0) / d[2]
				p := along(v.pos, d, z)
				inside := z > 0 && math.Abs(p[0]) < 4999 && math.Abs(p[1]) < 4999
				if inside {
					hits++
					if math.Abs(got-z) > 1e-5*z {
						t.Fatalf("k1 %v pixel %d,%d: depth %v, by hand %v", k1, x, y, got, z)
					}
					if img.ID[y*160+x] != 1 {
						t.Fatalf("pixel %d,%d: id %d", x, y, img.ID[y*160+x])
					}
				} else if z < 0 && !math.IsInf(got, 1) {
					t.Fatalf("k1 %v pixel %d,%d: depth %v above the horizon", k1, x, y, got)
				}
			}
		}
		if hits < 5000 {
			t.Fatalf("k1 %v: only %d pixels of ground", k1, hits)
		}
	}
}

// TestSameAsSight: this package and package sight agree on where a point is
// seen, and LookAt has the field of view it was asked for.
func TestSameAsSight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		eye := vec{rapid.Float64Range(-50, 50).Draw(t, "e"), rapid.Float64Range(-50, 50).Draw(t, "n"), rapid.Float64Range(0, 90).Draw(t, "u")}
		vfov := rapid.Float64Range(5, 120).Draw(t, "vfov")
		cam, err := LookAt(eye, vec{1, 2, -3}, vfov, 640, 360)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(cam.VFOV()-vfov) > 1e-9 {
			t.Fatalf("field of view %v of %v", cam.VFOV(), vfov)
		}
		cam.K1 = rapid.Float64Range(-0.05, 0.1).Draw(t, "k1")
		v, err := newView(cam)
		if err != nil {
			t.Fatal(err)
		}
		p := along(v.pos, v.direction(rapid.Float64Range(-.3, .3).Draw(t, "x"), rapid.Float64Range(-.3, .3).Draw(t, "y")), 20)
		px, err := cam.Project(p)
		u, w, z, ok := v.project(p)
		if err != nil || !ok || math.Abs(z-20) > 1e-9 || math.Hypot(px[0]-u, px[1]-w) > 1e-9 {
			t.Fatalf("%v against %v,%v at depth %v (%v, %v)", px, u, w, z, ok, err)
		}
	})
}

// TestLensInverse: the ray of a pixel comes back to the pixel.
func TestLensInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cam := sight.Camera{Width: 1000, Height: 700, Rotation: [4]float64{1, 0, 0, 0},
			FocalPx:        rapid.Float64Range(400, 4000).Draw(t, "f"),
			PrincipalPoint: [2]float64{rapid.Float64Range(400, 600).Draw(t, "cx"), rapid.Float64Range(250, 450).Draw(t, "cy")},
			K1:             rapid.Float64Range(-0.3, 0.3).Draw(t, "k1")}
		v, err := newView(cam)
		if err != nil {
			t.Fatal(err)
		}
		u, w := rapid.Float64Range(0, 1000).Draw(t, "u"), rapid.Float64Range(0, 700).Draw(t, "v")
		x, y := v.ray(u, w)
		if math.IsNaN(x) {
			if cam.K1 >= 0 {
				t.Fatal("a pixel of a pincushion lens has no ray")
			}
			return
		}
		u2, w2, ok := v.pixel(x, y)
		// Close to the fold of the lens the inverse is steep; everywhere else
		// the table is good to a thousandth of a pixel.
		fold := 1 + 3*cam.K1*(x*x+y*y)
		if fold > 0.05 && (!ok || math.Hypot(u2-u, w2-w) > 2e-3) {
			t.Fatalf("pixel %v,%v comes back as %v,%v (%v)", u, w, u2, w2, ok)
		}
	})
}

// TestNoCracks: a closed surface seen from inside has no hole, whatever the
// camera.
func TestNoCracks(t *testing.T) {
	b := box(7, -9, -7, -3, 8, 11, 6)
	quad(&b, vec{-9, -7, -3}, vec{-9, 11, -3}, vec{8, 11, -3}, vec{8, -7, -3})
	rapid.Check(t, func(t *rapid.T) {
		q := [4]float64{}
		for i := range q {
			q[i] = rapid.Float64Range(-1, 1).Draw(t, "q")
		}
		if q[0]*q[0]+q[1]*q[1]+q[2]*q[2]+q[3]*q[3] < 0.01 {
			q[0] = 1
		}
		cam := sight.Camera{Width: 97, Height: 61, Rotation: q, FocalPx: rapid.Float64Range(25, 300).Draw(t, "f"),
			PrincipalPoint: [2]float64{48, 30}, Position: vec{1, 2, rapid.Float64Range(-2, 5).Draw(t, "z")},
			K1: rapid.SampledFrom([]float64{0, 0, 0.1, -0.02}).Draw(t, "k1")}
		img, err := Render(cam, Scene{Meshes: []Mesh{b}}, Options{BuffersOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		v, _ := newView(cam)
		for i, id := range img.ID {
			rx, _ := v.ray(float64(i%97)+0.5, float64(i/97)+0.5)
			if id != 7 && !math.IsNaN(rx) {
				t.Fatalf("pixel %d,%d sees through a closed box", i%97, i/97)
			}
		}
	})
}

// TestSameBytes: repeated runs and other numbers of workers give the same
// picture.
func TestSameBytes(t *testing.T) {
	s := testScene()
	for _, style := range []Style{Paper, Photo} {
		var first *Image
		for _, workers := range []int{1, 1, 3} {
			img, err := Render(testCamera(t, 320, 180), s, Options{Style: style, Workers: workers, Shade: 1, Caption: "Approximate place", Band: "EXERCISE"})
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = img
				save(t, map[Style]string{Paper: "paper", Photo: "photo"}[style], img)
				continue
			}
			if string(first.RGBA.Pix) != string(img.RGBA.Pix) {
				t.Fatalf("style %d with %d workers: other bytes", style, workers)
			}
		}
	}
}

// TestShadowFalls: the shadow of a mast has the length and direction that the
// sun gives it.
func TestShadowFalls(t *testing.T) {
	ground := Mesh{ID: 1, Kind: Terrain, Material: Plain}
	quad(&ground, vec{-50, -50, 0}, vec{50, -50, 0}, vec{50, 50, 0}, vec{-50, 50, 0})
	mast := box(2, -0.3, -0.3, 0, 0.3, 0.3, 8)
	el, az := 40.0*math.Pi/180, 130.0*math.Pi/180
	sun := vec{math.Sin(az) * math.Cos(el), math.Cos(az) * math.Cos(el), math.Sin(el)}
	p, err := Prepare(Scene{Meshes: []Mesh{ground, mast}, Sun: sun, Focus: vec{}, FocusRadius: 25})
	if err != nil {
		t.Fatal(err)
	}
	long := 8 / math.Tan(el)
	up := vec{0, 0, 1}
	for _, c := range []struct {
		r    float64
		want float64
	}{{2, 0}, {long / 2, 0}, {long - 0.8, 0}, {long + 0.8, 1}, {long + 5, 1}} {
		q := vec{-math.Sin(az) * c.r, -math.Cos(az) * c.r, 0}
		if got := p.sunlight(q, up); math.Abs(got-c.want) > 0.02 {
			t.Errorf("%.2f m along the shadow (length %.2f m): light %.2f, expected %v", c.r, long, got, c.want)
		}
		if got := p.sunlight(vec{-q[0], -q[1], 0}, up); got != 1 && c.r > 1 {
			t.Errorf("%.2f m towards the sun: light %.2f", c.r, got)
		}
	}
}
