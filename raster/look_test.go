package raster

import (
	"image"
	"image/color"
	"math"
	"strings"
	"testing"

	"sightline/sight"
)

// count returns how many pixels of the picture satisfy a test.
func count(img *Image, x0, y0, x1, y1 int, is func(r, g, b int) bool) (n int) {
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			c := img.RGBA.RGBAAt(x, y)
			if is(int(c.R), int(c.G), int(c.B)) {
				n++
			}
		}
	}
	return n
}

func dark(r, g, b int) bool { return r+g+b < 240 }

// front is a wall that fills the middle of a 200 x 200 picture.
func front(class Class) Scene {
	m := Mesh{ID: 1, Class: class, Name: "wall"}
	quad(&m, vec{-2, 10, -2}, vec{2, 10, -2}, vec{2, 10, 2}, vec{-2, 10, 2})
	return Scene{Meshes: []Mesh{m}}
}

func forward(t testing.TB) sight.Camera {
	cam, err := LookAt(vec{}, vec{0, 10, 0}, 40, 200, 200)
	if err != nil {
		t.Fatal(err)
	}
	return cam
}

// TestCertaintyShows: the four classes cannot be taken for one another.
func TestCertaintyShows(t *testing.T) {
	mean, lines := map[Class]int{}, map[Class]int{}
	for class := Measured; class <= Conjectural; class++ {
		img, err := Render(forward(t), front(class), Options{})
		if err != nil {
			t.Fatal(err)
		}
		save(t, "class-"+class.String(), img)
		sum := 0
		for y := 60; y < 140; y++ {
			for x := 60; x < 140; x++ {
				c := img.RGBA.RGBAAt(x, y)
				sum += int(c.R)
				if c.R < 200 {
					lines[class]++
				}
			}
		}
		mean[class] = sum / 6400
	}
	if !(mean[Measured]+12 < mean[Derived] && mean[Derived]+8 < mean[Conjectural]) {
		t.Errorf("fills: %v", mean)
	}
	if share := lines[FromPlans]; share < 500 || share > 2500 {
		t.Errorf("hatching covers %d of 6400 pixels", share)
	}
	if lines[Conjectural] > 0 {
		t.Errorf("a conjectural face has %d dark pixels", lines[Conjectural])
	}
}

// TestHiddenEdges: edges behind a body are dotted for what is conjectural and
// absent for what is measured; below ground nothing is drawn.
func TestHiddenEdges(t *testing.T) {
	for class, want := range map[Class]bool{Measured: false, Conjectural: true} {
		b := box(1, -2, 8, -2, 2, 12, 2)
		b.Class = class
		img, err := Render(forward(t), Scene{Meshes: []Mesh{b}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		// The far upright edges lie inside the near face.
		n := count(img, 52, 70, 68, 130, func(r, g, b int) bool { return r < 150 })
		if (n > 10) != want {
			t.Errorf("%v: %d dark pixels where the hidden edge is", class, n)
		}
		ground := Mesh{ID: 2, Kind: Terrain}
		quad(&ground, vec{-50, 1, -1}, vec{50, 1, -1}, vec{50, 90, -1}, vec{-50, 90, -1})
		low := box(1, -2, 8, -3.5, 2, 12, -1.2)
		low.Class = class
		img, err = Render(forward(t), Scene{Meshes: []Mesh{ground, low}}, Options{ContourM: -1})
		if err != nil {
			t.Fatal(err)
		}
		if n := count(img, 0, 115, 200, 200, dark); n > 0 {
			t.Errorf("%v: %d dark pixels of a buried body", class, n)
		}
	}
}

// TestContoursLieOnTheirLevels: on an even slope seen from above the lines
// are straight, parallel and one interval apart.
func TestContoursLieOnTheirLevels(t *testing.T) {
	g := hills(1, 60, 40, func(e, n float64) float64 { return 0.5 * n })
	cam, err := LookAt(vec{0, 0, 100}, vec{0, 0, 0}, 30, 300, 300)
	if err != nil {
		t.Fatal(err)
	}
	img, err := Render(cam, Scene{Meshes: []Mesh{g}}, Options{ContourM: 4})
	if err != nil {
		t.Fatal(err)
	}
	// Interval 4 m at slope 0.5: lines at u = 2 + 4k, n = 4 + 8k.
	for _, k := range []float64{-3, -2, -1, 0, 1, 2} {
		n := 4 + 8*k
		px, err := cam.Project([3]float64{7, n, 0.5 * n})
		if err != nil {
			t.Fatal(err)
		}
		x, y := int(px[0]), int(px[1])
		on := img.RGBA.RGBAAt(x, y).R
		off := img.RGBA.RGBAAt(x, y+8).R
		if !(int(on)+25 < int(off) && off > 235) {
			t.Errorf("line at north %v: %d on the line, %d beside it", n, on, off)
		}
	}
}

// TestTexture: the four quarters of an image appear where UV puts them.
func TestTexture(t *testing.T) {
	tex := image.NewRGBA(image.Rect(0, 0, 2, 2))
	tex.Set(0, 0, color.RGBA{255, 0, 0, 255})
	tex.Set(1, 0, color.RGBA{0, 255, 0, 255})
	tex.Set(0, 1, color.RGBA{0, 0, 255, 255})
	tex.Set(1, 1, color.RGBA{255, 255, 255, 255})
	s := front(Unclassed)
	m := &s.Meshes[0]
	m.Texture, m.Colour = &Texture{tex}, color.NRGBA{255, 255, 255, 255}
	m.UV = [][2]float64{{0, 1}, {1, 1}, {1, 0}, {0, 0}}
	img, err := Render(forward(t), s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		x, y    int
		r, g, b bool
	}{{72, 72, true, false, false}, {128, 72, false, true, false}, {72, 128, false, false, true}, {128, 128, true, true, true}} {
		p := img.RGBA.RGBAAt(c.x, c.y)
		if (p.R > 128) != c.r || (p.G > 128) != c.g || (p.B > 128) != c.b {
			t.Errorf("texel at %d,%d: %v", c.x, c.y, p)
		}
	}
}

// TestSightLine: a line behind a wall is dotted, dropped or shown as asked.
func TestSightLine(t *testing.T) {
	n := map[Hidden]int{}
	for _, h := range []Hidden{Drop, Dotted, Shown} {
		s := front(Measured)
		s.Lines = []Line{{Points: [][3]float64{{-1.5, 14, 0.3}, {1.5, 14, 0.3}}, Colour: color.NRGBA{200, 0, 0, 255}, WidthPx: 2, Hidden: h}}
		img, err := Render(forward(t), s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		n[h] = count(img, 0, 0, 200, 200, func(r, g, b int) bool { return r > g+40 })
	}
	if n[Drop] != 0 || n[Dotted] < 20 || n[Shown] < n[Dotted]+30 {
		t.Errorf("red pixels: %v", n)
	}
}

// TestLabels: what has no room or no letters is reported, not dropped in
// silence, and text stays inside the picture.
func TestLabels(t *testing.T) {
	s := front(Measured)
	s.Labels = []Label{{At: vec{0, 10, 0}, Text: "casa de refugio, Ñandú ± 2 m", Detail: "EJ-056"}, {At: vec{1, 10, 1}, Text: "بيت"},
		{At: vec{0, 10, 1}, Text: strings.Repeat("wide ", 40)}, {At: vec{0, -10, 0}, Text: "behind the camera"}}
	cam, err := LookAt(vec{}, vec{0, 10, 0}, 40, 500, 300)
	if err != nil {
		t.Fatal(err)
	}
	img, err := Render(cam, s, Options{Caption: "Lugar aproximado", Band: "EJERCICIO"})
	if err != nil {
		t.Fatal(err)
	}
	if len(img.Left) != 2 || !strings.Contains(img.Left[0]+img.Left[1], "no letter") || !strings.Contains(img.Left[0]+img.Left[1], "no room") {
		t.Errorf("left out: %q", img.Left)
	}
}

// TestEllipseOnGround: the outline passes where the ellipse says.
func TestEllipseOnGround(t *testing.T) {
	g := Mesh{ID: 1, Kind: Terrain}
	quad(&g, vec{-60, -60, 0}, vec{60, -60, 0}, vec{60, 60, 0}, vec{-60, 60, 0})
	red := color.NRGBA{200, 0, 0, 255}
	cam, err := LookAt(vec{0, 0, 100}, vec{0, 0, 0}, 50, 400, 400)
	if err != nil {
		t.Fatal(err)
	}
	img, err := Render(cam, Scene{Meshes: []Mesh{g}, Ellipses: []Ellipse{{Centre: [2]float64{5, -3}, SemiMajorM: 30, SemiMinorM: 12, BearingDeg: 60, Colour: red, WidthPx: 3}}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for deg := 0.0; deg < 360; deg += 15 {
		a, b := math.Cos(deg*math.Pi/180), math.Sin(deg*math.Pi/180)
		be, bn := math.Sin(60*math.Pi/180), math.Cos(60*math.Pi/180)
		p := [3]float64{5 + 30*a*be + 12*b*bn, -3 + 30*a*bn - 12*b*be, 0}
		px, err := cam.Project(p)
		if err != nil {
			t.Fatal(err)
		}
		c := img.RGBA.RGBAAt(int(px[0]), int(px[1]))
		if int(c.R) < int(c.G)+60 {
			t.Errorf("at %v degrees the outline is not red: %v", deg, c)
		}
	}
}

// TestRefusals: nonsense is refused in a sentence and never drawn.
func TestRefusals(t *testing.T) {
	good := forward(t)
	for name, change := range map[string]func(c *sight.Camera, s *Scene, o *Options){
		"image":    func(c *sight.Camera, s *Scene, o *Options) { c.Width = 0 },
		"million":  func(c *sight.Camera, s *Scene, o *Options) { c.Width, c.Height = 1<<20, 1<<20 },
		"focal":    func(c *sight.Camera, s *Scene, o *Options) { c.FocalPx = math.NaN() },
		"rotation": func(c *sight.Camera, s *Scene, o *Options) { c.Rotation = [4]float64{} },
		"number":   func(c *sight.Camera, s *Scene, o *Options) { c.Position[1] = math.Inf(1) },
		"vertex":   func(c *sight.Camera, s *Scene, o *Options) { s.Meshes[0].Triangles[0][0] = 99 },
		"metres":   func(c *sight.Camera, s *Scene, o *Options) { s.Meshes[0].Positions[0][0] = math.NaN() },
		"samples":  func(c *sight.Camera, s *Scene, o *Options) { o.Samples = 9 },
		"sun":      func(c *sight.Camera, s *Scene, o *Options) { s.Sun[0] = math.Inf(1) },
		"normals":  func(c *sight.Camera, s *Scene, o *Options) { s.Meshes[0].Normals = make([][3]float64, 1) },
		"texture":  func(c *sight.Camera, s *Scene, o *Options) { s.Meshes[0].Texture = &Texture{} },
		"scale":    func(c *sight.Camera, s *Scene, o *Options) { o.Scale = 99 },
	} {
		c, s, o := good, front(Measured), Options{}
		change(&c, &s, &o)
		if _, err := Render(c, s, o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := LookAt(vec{1, 2, 3}, vec{1, 2, 3}, 40, 10, 10); err == nil {
		t.Error("a view of itself is accepted")
	}
}

func BenchmarkPaper1600x900(b *testing.B) { benchmark(b, Paper) }
func BenchmarkPhoto1600x900(b *testing.B) { benchmark(b, Photo) }

func benchmark(b *testing.B, style Style) {
	p, err := Prepare(testScene())
	if err != nil {
		b.Fatal(err)
	}
	cam := testCamera(b, 1600, 900)
	for b.Loop() {
		if _, err := p.Render(cam, Options{Style: style, Scale: 2}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVideoFrame640x360(b *testing.B) {
	p, err := Prepare(testScene())
	if err != nil {
		b.Fatal(err)
	}
	cam := testCamera(b, 640, 360)
	for b.Loop() {
		if _, err := p.Render(cam, Options{Style: Photo}); err != nil {
			b.Fatal(err)
		}
	}
}
