package sight

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func key(t float64, c Camera, sd float64) KeyFrame {
	var cov [6][6]float64
	for i := range 3 {
		cov[i][i], cov[3+i][3+i] = sd*sd, 1e-6
	}
	return KeyFrame{T: t, ViewSpec: ViewSpec{ID: "k", Image: ImageSize{c.Width, c.Height}, Position: &c.Position, Rotation: &c.Rotation, FocalPx: c.FocalPx, PrincipalPoint: &c.PrincipalPoint, Covariance: &cov}}
}

func track(t *testing.T, p TrackProblem) (*Tracked, error) {
	t.Helper()
	p.Format, p.ID = TrackFormat, "v"
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	q, err := ParseTrack(raw)
	if err != nil {
		return nil, err
	}
	return Track(q, raw)
}

func TestTrackThroughKeys(t *testing.T) {
	pan := func(h float64, e float64) Camera {
		c := LookAt(vec{e, 0, 1.7}, vec{e, 10, 1.7}, 1000, 800, 60)
		c.Rotation = Angles{Heading: h, Pitch: 3}.Rotation()
		return c
	}
	a, err := track(t, TrackProblem{Keys: []KeyFrame{key(0, pan(350, 0), 0.1), key(1, pan(10, 1), 0.1), key(3, pan(50, 3), 0.2)}, At: []float64{0, 0.5, 1, 1.5, 2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		heading, east, sd float64
		solved            bool
	}{{350, 0, 0.1, true}, {0, 0.5, math.Sqrt(0.01 + 0.5*0.0625/3), false}, {10, 1, 0.1, true}, {20, 1.5, math.Sqrt(0.75*0.01 + 0.25*0.04 + 0.5*0.25*2.25/6), false},
		{30, 2, math.Sqrt(0.025 + 0.5/6), false}, {50, 3, 0.2, true}} {
		f := a.Frames[i]
		h := Camera{Rotation: f.Rotation}.Angles().Heading
		// A constant speed on a straight line and a level pan are kept exactly;
		// the pitch makes the pan a little less than that.
		if d := math.Mod(h-want.heading+540, 360) - 180; math.Abs(d) > 0.05 {
			t.Errorf("at %g s: heading %.3f, want %g", f.T, h, want.heading)
		}
		near(t, "east", f.Position[0], want.east, 1e-9)
		near(t, "sd", math.Sqrt(f.Covariance[0][0]), want.sd, 1e-9)
		if f.Solved != want.solved {
			t.Errorf("at %g s: solved %v", f.T, f.Solved)
		}
	}
}

// A motion with random acceleration of the stated density lies within the
// stated error between its keys.
func TestTrackErrorHolds(t *testing.T) {
	rng := newPCG(3)
	const n, steps, T, q = 400, 200, 2.0, 0.5
	sum := 0.0
	for range n {
		x, v := 0.0, 0.0
		path := make([]float64, steps+1)
		for i := 1; i <= steps; i++ {
			z, _ := rng.normals()
			v += z * math.Sqrt(q*T/steps)
			x += v * T / steps
			path[i] = x
		}
		e := path[steps/2] - path[steps]/2 // what two keys interpolate
		sum += e * e / n
	}
	c := LookAt(vec{0, 0, 0}, vec{0, 9, 0}, 100, 100, 60)
	a, err := track(t, TrackProblem{Keys: []KeyFrame{key(0, c, 0), key(T, c, 0)}, At: []float64{T / 2}})
	if err != nil {
		t.Fatal(err)
	}
	if r := sum / a.Frames[0].Covariance[0][0]; r < 0.8 || r > 1.25 {
		t.Errorf("drawn over stated variance %.2f", r)
	}
}

func TestTrackRefuses(t *testing.T) {
	c := LookAt(vec{0, 0, 0}, vec{0, 9, 0}, 100, 100, 60)
	d := c
	d.Width = 90
	for want, p := range map[string]TrackProblem{
		"at_s[0]": {Keys: []KeyFrame{key(0, c, 0), key(1, c, 0)}, At: []float64{1.5}},
		"keys[1]": {Keys: []KeyFrame{key(1, c, 0), key(1, c, 0)}, At: []float64{1}},
		"keys":    {Keys: []KeyFrame{key(1, c, 0)}, At: []float64{1}},
		"image":   {Keys: []KeyFrame{key(0, c, 0), key(1, d, 0)}, At: []float64{1}},
		"motion":  {Keys: []KeyFrame{key(0, c, 0), key(1, c, 0)}, At: []float64{1}, Motion: &Motion{-1, 0}},
	} {
		if _, err := track(t, p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
