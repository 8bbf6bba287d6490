package raster

import (
	"bytes"
	"image/color"
	"math"
	"testing"

	"sightline/sight"
)

// yard is a level ground with a wall on it, lit from the south-east.
func yard(t *testing.T) *Prepared {
	t.Helper()
	ground := Mesh{Name: "ground", ID: 1, Kind: Terrain, Material: Grass, Positions: [][3]float64{{-200, -200, 0}, {200, -200, 0}, {200, 200, 0}, {-200, 200, 0}}, Triangles: [][3]uint32{{0, 1, 2}, {0, 2, 3}}}
	wall := boxMesh("wall", 2, [3]float64{-6, 8, 0}, [3]float64{-2, 9, 3})
	p, err := Prepare(Scene{Meshes: []Mesh{ground, wall}, Sun: [3]float64{0.5, -0.4, 0.6}, FocusRadius: 40})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func boxMesh(name string, id uint32, lo, hi [3]float64) Mesh {
	m := Mesh{Name: name, ID: id, Material: Plain, Colour: color.NRGBA{200, 60, 40, 255}}
	for i := range 8 {
		p := lo
		for k := range 3 {
			if i>>k&1 == 1 {
				p[k] = hi[k]
			}
		}
		m.Positions = append(m.Positions, p)
	}
	for _, f := range [6][4]uint32{{0, 2, 3, 1}, {4, 5, 7, 6}, {0, 1, 5, 4}, {2, 6, 7, 3}, {0, 4, 6, 2}, {1, 3, 7, 5}} {
		m.Triangles = append(m.Triangles, [3]uint32{f[0], f[1], f[2]}, [3]uint32{f[0], f[2], f[3]})
	}
	return m
}

func eyeOf(heading float64) sight.Camera {
	return sight.Camera{Width: 320, Height: 200, Position: [3]float64{0, -10, 1.7}, FocalPx: 300, PrincipalPoint: [2]float64{160, 100}, Rotation: sight.Angles{Heading: heading, Pitch: -3}.Rotation()}
}

// A turned backdrop is the picture that a camera turned on the spot would
// render: same surfaces at the same depths.
func TestTurnIsWhatTheTurnedCameraSees(t *testing.T) {
	p := yard(t)
	wide := eyeOf(0)
	wide.Width, wide.Height, wide.PrincipalPoint = 640, 400, [2]float64{320, 200}
	b, err := p.Backdrop(wide, Options{Samples: 1, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	cam := eyeOf(6)
	got, err := b.Turn(cam)
	if err != nil {
		t.Fatal(err)
	}
	want, err := p.Backdrop(cam, Options{Samples: 1, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	bad, diff := 0, 0.0
	for i := range want.id {
		if want.id[i] != got.id[i] {
			bad++
			continue
		}
		if z := float64(want.z[i]); !math.IsInf(z, 1) && z < 60 && math.Abs(float64(got.z[i])-z) > 0.05*z {
			bad++
		}
		diff += math.Abs(float64(want.pix[4*i]) - float64(got.pix[4*i]))
	}
	n := len(want.id)
	if bad > n/100 || diff/float64(n) > 4 {
		t.Errorf("%d of %d pixels show something else, mean difference %.1f grey levels", bad, n, diff/float64(n))
	}
	moved := cam
	moved.Position[0] += 0.1
	if _, err := b.Turn(moved); err == nil {
		t.Error("a backdrop was turned about another point")
	}
	moved = cam
	moved.K1 = -0.1
	if _, err := b.Turn(moved); err == nil {
		t.Error("a backdrop was turned through a distorting lens")
	}
}

// A mover in a frame is where a full rendering of the scene with it has it,
// with the same shadow on the ground.
func TestFrameIsLikeAFullRendering(t *testing.T) {
	p := yard(t)
	cam := eyeOf(4)
	mover := boxMesh("mover", 900, [3]float64{1, 4, 0}, [3]float64{2.2, 5, 1.8})
	hidden := boxMesh("hidden", 901, [3]float64{-5, 10, 0}, [3]float64{-4, 11, 1.8}) // behind the wall
	o := Options{Style: Photo, Samples: 2, Seed: 5, Grain: -1, Vignette: -1}
	b, err := p.Backdrop(cam, o)
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(b.pix)
	got, err := b.Frame([]Mesh{mover, hidden}, nil, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	full, err := Prepare(Scene{Meshes: append(append([]Mesh(nil), p.scene.Meshes...), mover, hidden), Sun: p.scene.Sun, FocusRadius: 40})
	if err != nil {
		t.Fatal(err)
	}
	want, err := full.Render(cam, o)
	if err != nil {
		t.Fatal(err)
	}
	grey := func(m *Image, i int) float64 {
		return (float64(m.RGBA.Pix[4*i]) + float64(m.RGBA.Pix[4*i+1]) + float64(m.RGBA.Pix[4*i+2])) / 3
	}
	wrong, seen, shadow, missed := 0, 0, 0, 0
	for i := range want.ID {
		if want.ID[i] == 900 || got.ID[i] == 900 {
			seen++
			if want.ID[i] != got.ID[i] || math.Abs(float64(want.Depth[i]-got.Depth[i])) > 0.1 {
				wrong++
			}
		}
		if got.ID[i] == 901 {
			t.Fatalf("a body behind the wall is seen at pixel %d", i)
		}
		plain := (float64(before[4*i]) + float64(before[4*i+1]) + float64(before[4*i+2])) / 3
		if want.ID[i] == 1 && got.ID[i] == 1 && plain-grey(want, i) > 0.25*plain { // in its shadow
			shadow++
			if plain-grey(got, i) < 0.1*plain {
				missed++
			}
		}
	}
	if seen < 300 || wrong > seen/20 {
		t.Errorf("the mover takes %d pixels, %d differ", seen, wrong)
	}
	if shadow < 60 || missed > shadow/6 {
		t.Errorf("the shadow takes %d pixels, %d of them are not darkened", shadow, missed)
	}
	if !bytes.Equal(before, b.pix) {
		t.Error("the frame changed the backdrop")
	}
}

// Smoke hides, a flash adds, and what stands before them hides both.
func TestPuffs(t *testing.T) {
	p := yard(t)
	cam := eyeOf(0)
	b, err := p.Backdrop(cam, Options{Samples: 1, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	sum := func(m *Image) (s int) {
		for i := 0; i < len(m.RGBA.Pix); i += 4 {
			s += int(m.RGBA.Pix[i])
		}
		return s
	}
	frame := func(f ...Puff) *Image {
		m, err := b.Frame(nil, f, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	none := frame()
	if flash := frame(Puff{At: [3]float64{2, 2, 1.5}, RadiusM: 1, Colour: [3]float64{1, 1, 1}, Opacity: 1, Glow: true}); sum(flash) <= sum(none) {
		t.Error("a flash adds no light")
	}
	if dark := frame(Puff{At: [3]float64{2, 2, 1.5}, RadiusM: 1, Opacity: 1}); sum(dark) >= sum(none) {
		t.Error("black smoke hides nothing")
	}
	if behind := frame(Puff{At: [3]float64{-4, 14, 1}, RadiusM: 0.8, Opacity: 1}); !bytes.Equal(behind.RGBA.Pix, none.RGBA.Pix) {
		t.Error("smoke behind the wall is seen")
	}
	g1, err := b.Frame(nil, nil, 0.02, 1)
	if err != nil {
		t.Fatal(err)
	}
	g2, _ := b.Frame(nil, nil, 0.02, 2)
	if bytes.Equal(g1.RGBA.Pix, g2.RGBA.Pix) {
		t.Error("two frames have the same grain")
	}
}
