package sight

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The worked example of the methods note: position, rotation and focal length
// of its answer must give its heading, pitch and roll and put the clicked
// points where its residuals say.
func TestWorkedExample(t *testing.T) {
	c := Camera{Width: 1500, Height: 1000, Position: [3]float64{-9.0798, -24.3705, 1.6218}, Rotation: Quaternion{0.726939, 0.669402, -0.111426, 0.105093},
		FocalPx: 1315.50, PrincipalPoint: [2]float64{751.94, 497.55}}
	a := c.Angles()
	for _, x := range []struct{ got, want float64 }{{a.Heading, 17.677}, {a.Pitch, 4.529}, {a.Roll, 1.224}} {
		if math.Abs(x.got-x.want) > 1e-3 {
			t.Errorf("angle %.4f, want %.3f", x.got, x.want)
		}
	}
	if math.Abs(c.HFOV()-59.377) > 1e-3 {
		t.Errorf("field of view %.4f", c.HFOV())
	}
	for _, p := range []struct{ world, px, residual [3]float64 }{
		{[3]float64{-6, 0, 0}, [3]float64{511.0, 696.3}, [3]float64{0.14, -0.01}},
		{[3]float64{6, 0, 6}, [3]float64{1074.5, 387.4}, [3]float64{-1.88, -1.49}},
		{[3]float64{14, 20, 9}, [3]float64{975.5, 402.3}, [3]float64{0.19, 1.19}},
		{[3]float64{0, 0, 3}, [3]float64{878.5, 525.9}, [3]float64{62.55, -4.56}},
	} {
		px, err := c.Project(p.world)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			if d := p.px[i] - px[i] - p.residual[i]; math.Abs(d) > 0.02 {
				t.Errorf("%v: residual off by %.3f px", p.world, d)
			}
		}
	}
	if _, err := c.Project([3]float64{-9, -40, 1}); err == nil {
		t.Error("a point behind the camera was projected")
	}
}

func camera(t *rapid.T) Camera {
	a := Angles{rapid.Float64Range(0, 359.9).Draw(t, "heading"), rapid.Float64Range(-85, 85).Draw(t, "pitch"), rapid.Float64Range(-179, 179).Draw(t, "roll")}
	w, h := rapid.IntRange(100, 6000).Draw(t, "w"), rapid.IntRange(100, 6000).Draw(t, "h")
	return Camera{Width: w, Height: h, Rotation: a.Rotation(), FocalPx: float64(w) * rapid.Float64Range(0.5, 4).Draw(t, "f"),
		Position:       [3]float64{rapid.Float64Range(-500, 500).Draw(t, "e"), rapid.Float64Range(-500, 500).Draw(t, "n"), rapid.Float64Range(-50, 50).Draw(t, "u")},
		PrincipalPoint: [2]float64{float64(w) / 2, float64(h) / 2}, K1: rapid.Float64Range(-0.2, 0.2).Draw(t, "k1")}
}

func TestAnglesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := camera(t)
		b := c.Angles()
		q := b.Rotation()
		for i := range q {
			if math.Abs(q[i]-c.Rotation[i]) > 1e-9 {
				t.Fatalf("%v, %v", q, c.Rotation)
			}
		}
	})
}

func TestRayMeetsProjection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := camera(t)
		px := [2]float64{rapid.Float64Range(0, float64(c.Width)).Draw(t, "u"), rapid.Float64Range(0, float64(c.Height)).Draw(t, "v")}
		d, ok := c.Ray(px)
		if !ok {
			return
		}
		s := rapid.Float64Range(0.5, 2000).Draw(t, "s")
		back, err := c.Project([3]float64{c.Position[0] + s*d[0], c.Position[1] + s*d[1], c.Position[2] + s*d[2]})
		if err != nil || math.Hypot(back[0]-px[0], back[1]-px[1]) > 1e-5 {
			t.Fatalf("%v came back as %v (%v)", px, back, err)
		}
	})
}

func TestLookAt(t *testing.T) {
	eye, target := [3]float64{10, -40, 12}, [3]float64{-3, 7, 2}
	c := LookAt(eye, target, 1600, 900, 60)
	px, err := c.Project(target)
	if err != nil || math.Hypot(px[0]-800, px[1]-450) > 1e-9 {
		t.Errorf("the target is at %v (%v)", px, err)
	}
	if a := c.Angles(); math.Abs(a.Roll) > 1e-9 || math.Abs(c.HFOV()-60) > 1e-9 {
		t.Errorf("%+v, %v", a, c.HFOV())
	}
}
