package sight

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
)

// device draws n photographs by one lens; the last one has its focal length
// multiplied by zoom.
func device(t testing.TB, seed uint64, n, points int, zoom float64) (*SharedProblem, []byte, []Camera) {
	t.Helper()
	rng := newPCG(seed)
	p := &SharedProblem{Format: SharedFormat, ID: "phone", PrincipalPoint: &PrincipalPrior{Cropped: "no"}}
	var cams []Camera
	a, b := rng.normals()
	pp := [2]float64{750 + 15*a, 500 + 15*b}
	for k := range n {
		az := 2 * math.Pi * rng.unit()
		c := LookAt(vec{28 * math.Cos(az), 28 * math.Sin(az), 2 + 4*rng.unit()}, vec{0, 0, 4}, 1500, 1000, 60)
		c.PrincipalPoint = pp
		if k == n-1 {
			c.FocalPx *= zoom
		}
		one := 1.0
		f := &Problem{ID: fmt.Sprint(k), Image: ImageSize{1500, 1000}, SigmaPx: &one}
		for len(f.Points) < points {
			x := vec{16 * (rng.unit() - 0.5), 16 * (rng.unit() - 0.5), 10 * rng.unit()}
			u, err := c.Project(x)
			a, b := rng.normals()
			if err != nil || u[0] < 0 || u[1] < 0 || u[0] > 1500 || u[1] > 1000 {
				continue
			}
			f.Points = append(f.Points, PointPair{ID: fmt.Sprint(len(f.Points)), Px: [2]float64{u[0] + a, u[1] + b}, World: x})
		}
		p.Frames = append(p.Frames, f)
		cams = append(cams, c)
	}
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	q, err := ParseShared(raw)
	if err != nil {
		t.Fatal(err)
	}
	return q, raw, cams
}

func TestSharedLens(t *testing.T) {
	in, total := 0, 0
	var alone, together float64
	for seed := range uint64(25) {
		p, raw, cams := device(t, 100+seed, 4, 7, 1)
		a := SolveShared(p, raw, Options{})
		for i, f := range a.Frames {
			if f.Status == Refused {
				t.Fatalf("seed %d frame %d: %s", seed, i, f.Reason)
			}
			if math.Abs(f.FocalPx/a.FocalPx-1) > 1e-7 || math.Abs(f.PrincipalPoint[0]-a.PrincipalPoint[0]) > 1e-4 {
				t.Errorf("seed %d frame %d: focal %v, common %v", seed, i, f.FocalPx, a.FocalPx)
			}
			var m mat
			for k := range 3 {
				copy(m[k][:], f.Covariance[k][:3])
				together += f.Covariance[k][k]
			}
			w, ok := whitener(m)
			if !ok {
				t.Fatal("covariance")
			}
			total++
			if e := apply(&w, sub(*f.Position, cams[i].Position)); dot(e, e) < 7.815 {
				in++
			}
			one := Solve(p.Frames[i], raw)
			for k := range 3 {
				alone += one.Covariance[k][k]
			}
		}
	}
	if in < total*90/100 {
		t.Errorf("truth in the 95 %% ellipsoid in %d of %d", in, total)
	}
	if !(together < 0.6*alone) {
		t.Errorf("summed variance %.3g together, %.3g alone", together, alone)
	}
}

func TestSharedLensNamesTheStranger(t *testing.T) {
	p, raw, _ := device(t, 7, 4, 9, 1.3)
	a := SolveShared(p, raw, Options{Report: true})
	for i, f := range a.Frames {
		if w := warned(f, "another-lens"); (w != "") != (i == 3) {
			t.Errorf("frame %d: %q", i, w)
		}
	}
	p, raw, _ = device(t, 8, 3, 9, 1)
	for _, f := range SolveShared(p, raw, Options{}).Frames {
		if w := warned(f, "another-lens"); w != "" {
			t.Errorf("an honest frame is accused: %s", w)
		}
	}
}

func TestParseSharedNamesTheField(t *testing.T) {
	_, raw, _ := device(t, 9, 2, 5, 1)
	for _, c := range []struct{ from, to, want string }{
		{`"id":"1"`, `"id":"0"`, "twice"},
		{`"frames":[`, `"frames":[null,`, "frames[0]"},
		{`"id":"phone",`, ``, "id"},
		{`"height":1000`, `"height":900`, "differs"},
		{`"id":"0",`, `"id":"0","focal":{"px":3},`, "lens"},
	} {
		bad := strings.Replace(string(raw), c.from, c.to, 1)
		if _, err := ParseShared([]byte(bad)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.to, err, c.want)
		}
	}
}
