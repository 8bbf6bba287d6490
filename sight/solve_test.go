package sight

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// worked is the worked example of docs/methods/place.md.
const worked = `{"format":"sightline.camera.problem/1","id":"example-1","image":{"width":1500,"height":1000},"sigma_px":2,"sigma_m":0.05,
"principal_point":{"cropped":"no"},"distortion":{"model":"none"},"points":[
{"id":"house SW foot","px":[511.0,696.3],"world":[-6,0,0]},
{"id":"house SW eave","px":[509.6,371.8],"world":[-6,0,6]},
{"id":"house SE eave","px":[1074.5,387.4],"world":[6,0,6]},
{"id":"house SE kerb","px":[1088.2,648.6],"world":[6,0,0.5]},
{"id":"house NE eave","px":[918.1,435.0],"world":[6,8,6]},
{"id":"water tower","px":[975.5,402.3],"world":[14,20,9]},
{"id":"wall top W","px":[189.7,527.4],"world":[-12,6,3.5]},
{"id":"door lintel","px":[878.5,525.9],"world":[0,0,3]},
{"id":"mast","px":[60.6,391.8],"world":[-16,14,7.5]}]}`

func solve(t testing.TB, raw string) *Answer {
	t.Helper()
	p, err := ParseProblem([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return Solve(p, []byte(raw))
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %.6f, want %.6f +-%g", what, got, want, tol)
	}
}

func TestSolveWorkedExample(t *testing.T) {
	a := solve(t, worked)
	if a.Status != Solved {
		t.Fatalf("status %s %s", a.Status, a.Reason)
	}
	for k, want := range [3]float64{-9.0798, -24.3705, 1.6218} {
		near(t, "position", a.Position[k], want, 6e-5)
	}
	for k, want := range [4]float64{0.726939, 0.669402, -0.111426, 0.105093} {
		near(t, "rotation", a.Rotation[k], want, 1e-6)
	}
	near(t, "heading", a.Angles.Heading, 17.677, 6e-4)
	near(t, "pitch", a.Angles.Pitch, 4.529, 6e-4)
	near(t, "roll", a.Angles.Roll, 1.224, 6e-4)
	near(t, "focal", a.FocalPx, 1315.50, 6e-3)
	near(t, "hfov", a.HFOVDeg, 59.377, 6e-4)
	near(t, "cx", a.PrincipalPoint[0], 751.94, 6e-3)
	near(t, "cy", a.PrincipalPoint[1], 497.55, 6e-3)
	if *a.Redundancy != 9 {
		t.Errorf("redundancy %d, want 9", *a.Redundancy)
	}
	near(t, "sigma scale", a.SigmaScale, 1, 0)
	for k, want := range [3]float64{0.219, 0.566, 0.138} {
		near(t, "sd", math.Sqrt(a.Covariance[k][k]), want, 6e-4)
	}
	for k, want := range [3]float64{1.680, 0.325, 0.308} {
		near(t, "semi-axis", a.Ellipsoid95.SemiAxes[k], want, 6e-4)
	}
	px := [][3]float64{{0.14, -0.01, 0.04}, {0.94, 1.41, 0.5}, {-1.88, -1.49, 0.77}, {1.14, 0.37, 0.38}, {-0.01, -1.16, 0.43},
		{0.19, 1.19, 0.5}, {-0.94, 1.81, 0.65}, {62.55, -4.56, 19.44}, {0.44, -1.91, 0.71}}
	for i, r := range a.Residuals {
		near(t, r.ID+" u", r.Px[0], px[i][0], 6e-3)
		near(t, r.ID+" v", r.Px[1], px[i][1], 6e-3)
		near(t, r.ID+" sigmas", r.Sigmas, px[i][2], 6e-3)
		if want := r.ID != "door lintel"; r.Inlier != want {
			t.Errorf("%s inlier %v", r.ID, r.Inlier)
		}
	}
	var top LeftOut
	for _, l := range a.LeaveOneOut {
		if l.Moved > top.Moved {
			top = l
		}
	}
	if top.ID != "mast" {
		t.Errorf("most influential %q, want mast", top.ID)
	}
	near(t, "mast moves", top.Moved, 0.50, 6e-3)
	if !strings.Contains(a.WeakDirection.Text, "along the view") {
		t.Errorf("weak direction %q", a.WeakDirection.Text)
	}
}

func TestSolveTwiceIsTheSame(t *testing.T) {
	one, err := json.Marshal(solve(t, worked))
	if err != nil {
		t.Fatal(err)
	}
	two, _ := json.Marshal(solve(t, worked))
	if !bytes.Equal(one, two) {
		t.Error("two runs over the same bytes differ")
	}
}

// exact draws a camera and exact projections of points around the origin.
func exact(t *rapid.T, n int) (Camera, *Problem) {
	num := rapid.Float64Range
	d, az := num(15, 60).Draw(t, "distance"), num(0, 2*math.Pi).Draw(t, "azimuth")
	eye := [3]float64{d * math.Cos(az), d * math.Sin(az), num(1.5, 20).Draw(t, "height")}
	c := LookAt(eye, [3]float64{0, 0, 4}, 1920, 1080, num(35, 75).Draw(t, "hfov"))
	p := &Problem{Format: ProblemFormat, ID: "p", Image: ImageSize{1920, 1080}, PrincipalPoint: &PrincipalPrior{Fixed: true}}
	one := 1.0
	p.SigmaPx = &one
	rng := newPCG(rapid.Uint64().Draw(t, "seed"))
	for i := 0; len(p.Points) < n && i < 2000; i++ {
		x := [3]float64{16 * (rng.unit() - 0.5), 16 * (rng.unit() - 0.5), 10 * rng.unit()}
		u, err := c.Project(x)
		if err != nil || u[0] < 0 || u[1] < 0 || u[0] > 1920 || u[1] > 1080 {
			continue
		}
		p.Points = append(p.Points, PointPair{ID: fmt.Sprint(i), Px: u, World: x})
	}
	if len(p.Points) < n {
		t.Skip("too few points in view")
	}
	return c, p
}

// Whatever is called solved must hold the truth; exact clicks leave no room.
func TestSolveFindsTheCamera(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, p := exact(t, 9)
		a := Solve(p, []byte(p.ID))
		if a.Status == Refused {
			t.Fatalf("refused: %s", a.Reason)
		}
		e := sub(*a.Position, c.Position)
		var m mat
		for i := range 3 {
			copy(m[i][:], a.Covariance[i][:3])
		}
		w, ok := whitener(m)
		if !ok {
			t.Fatal("the covariance is not positive definite")
		}
		if z := apply(&w, e); dot(z, z) > 9 && a.Status == Solved {
			t.Fatalf("solved %v but the camera stood at %v, %g sigma away", *a.Position, c.Position, norm(z))
		}
	})
}

func TestSolveUsesConstraints(t *testing.T) {
	base := solve(t, worked)
	for name, c := range map[string]string{
		"height":    `"constraints":{"height_above_ground":{"ground_u":0,"metres":1.6,"sigma":0.02}}`,
		"position":  `"constraints":{"position":{"mean":[-9,-24,1.7],"covariance":[[0.01,0,0],[0,0.01,0],[0,0,0.01]]}}`,
		"line":      `"lines":[{"id":"west wall","px":[[511.0,696.3],[509.6,371.8]],"world":[[-6,0,0],[-6,0,6]]}]`,
		"parallels": `"parallels":[{"id":"upright","px":[[511.0,696.3],[509.6,371.8]],"direction":[0,0,1],"sigma_px":1}]`,
		"region":    `"constraints":{"region":{"polygon":[[-10,-24.2],[-8,-24.2],[-8,-22],[-10,-22]],"sigma_m":0.05}}`,
		"focal":     `"focal":{"px":1300,"sigma_log":0.002}`,
		"horizon":   `"horizon":{"px":[[0,617.8],[1500,585.7]],"sigma_px":1}`,
	} {
		a := solve(t, worked[:1]+c+","+worked[1:])
		if a.Status == Refused {
			t.Errorf("%s: refused: %s", name, a.Reason)
			continue
		}
		tr := func(a *Answer) float64 {
			return a.Covariance[0][0] + a.Covariance[1][1] + a.Covariance[2][2] + a.Covariance[3][3]
		}
		if !(tr(a) < tr(base)) {
			t.Errorf("%s: variance %g, without it %g", name, tr(a), tr(base))
		}
		if norm(sub(*a.Position, [3]float64{-9, -24, 1.7})) > 1 {
			t.Errorf("%s: position %v", name, *a.Position)
		}
	}
}

func TestSolveRefuses(t *testing.T) {
	mk := func(f func(i int, u [2]float64, x [3]float64) ([2]float64, [3]float64), n int) string {
		c := LookAt([3]float64{-9, -24, 1.7}, [3]float64{0, 4, 3}, 1500, 1000, 60)
		world := [][3]float64{{-6, 0, 0}, {-6, 0, 6}, {6, 0, 6}, {6, 0, 0.5}, {6, 8, 6}, {14, 20, 9}, {-12, 6, 3.5}, {-3, 14, 7.5}}
		p := Problem{Format: ProblemFormat, ID: "x", Image: ImageSize{1500, 1000}}
		for i := range n {
			u, err := c.Project(world[i])
			if err != nil {
				t.Fatal(err)
			}
			px, x := f(i, u, world[i])
			p.Points = append(p.Points, PointPair{ID: fmt.Sprint(i), Px: px, World: x})
		}
		b, _ := json.Marshal(p)
		return string(b)
	}
	same := func(i int, u [2]float64, x [3]float64) ([2]float64, [3]float64) { return u, x }
	for _, c := range []struct {
		name, raw, want string
		status          []string
	}{
		{"three points", mk(same, 3), "at least 4", []string{Refused}},
		{"duplicates", mk(func(i int, u [2]float64, x [3]float64) ([2]float64, [3]float64) {
			return [2]float64{1, 2}, [3]float64{1, 2, 3}
		}, 6), "different points", []string{Refused}},
		{"a line", mk(func(i int, u [2]float64, x [3]float64) ([2]float64, [3]float64) {
			return u, [3]float64{float64(i), 2 * float64(i), 1}
		}, 6), "on one line", []string{Refused}},
		{"degrees", mk(func(i int, u [2]float64, x [3]float64) ([2]float64, [3]float64) {
			return u, [3]float64{-67.08 + x[0]/110e3, 10.46 + x[1]/110e3, 0}
		}, 8), "degrees", []string{Refused}},
		{"Earth-centred", mk(func(i int, u [2]float64, x [3]float64) ([2]float64, [3]float64) {
			return u, [3]float64{x[0] + 4e6, x[1] - 4e6, x[2]}
		}, 8), "2000 km", []string{Refused}},
		{"mirrored", mk(func(i int, u [2]float64, x [3]float64) ([2]float64, [3]float64) {
			return [2]float64{1500 - u[0], u[1]}, x
		}, 8), "", []string{Refused, Weak, Ambiguous}},
		{"four points", mk(same, 4), "", []string{Weak, Ambiguous}},
	} {
		a := solve(t, c.raw)
		ok := false
		for _, s := range c.status {
			ok = ok || a.Status == s
		}
		if !ok || !strings.Contains(a.Reason, c.want) {
			t.Errorf("%s: %s %q", c.name, a.Status, a.Reason)
		}
		if a.Status == Refused && a.Position != nil {
			t.Errorf("%s: a refusal with a position", c.name)
		}
	}
}

func TestParseProblemNamesTheField(t *testing.T) {
	for raw, want := range map[string]string{
		`{}`: "format",
		`[]`: "not a camera problem",
		`{"format":"sightline.camera.problem/1","id":"a","image":{"width":0,"height":1}}`:                                                             "image",
		`{"format":"sightline.camera.problem/1","id":"a","colour":1}`:                                                                                 "colour",
		`{"format":"sightline.camera.problem/1","id":"a","image":{"width":9,"height":9},"points":[{"id":"1"},{"id":"1"}]}`:                            "used twice",
		`{"format":"sightline.camera.problem/1","id":"a","image":{"width":9,"height":9},"sigma_px":-1}`:                                               "sigma_px",
		`{"format":"sightline.camera.problem/1","id":"a","image":{"width":9,"height":9},"points":[{"id":"1","px":[1e300,0]}]}`:                        "points[0]",
		`{"format":"sightline.camera.problem/1","id":"a","image":{"width":9,"height":9},"constraints":{"position":{"mean":[0,0,0],"covariance":[]}}}`: "positive definite",
	} {
		_, err := ParseProblem([]byte(raw))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", raw, err, want)
		}
	}
}

func FuzzProblem(f *testing.F) {
	f.Add([]byte(worked))
	f.Add([]byte(`{"format":"sightline.camera.problem/1","id":"a","image":{"width":9,"height":9},"points":[{"id":"1","px":[0,1],"world":[0,0,0]},{"id":"2","px":[1,1],"world":[0,1,0]},{"id":"3","px":[5,1],"world":[0,0,3]},{"id":"4","px":[0,8],"world":[9,0,0]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseProblem(b)
		if err != nil || len(p.Points) > 40 {
			return
		}
		a := Solve(p, b)
		if _, err := json.Marshal(a); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
	})
}

// The shared bench, a sample of every family: nothing silently wrong, the
// status and the answer readable as JSON.
func TestSolveBenchSample(t *testing.T) {
	truth := problems(t, "synth/truth.jsonl")
	silent, far := 0, 0
	for i, raw := range problems(t, "synth/problems.jsonl") {
		if i%40 != 0 {
			continue
		}
		var want struct{ Position [3]float64 }
		if err := json.Unmarshal([]byte(truth[i]), &want); err != nil {
			t.Fatal(err)
		}
		a := solve(t, raw)
		if a.Status == Refused {
			t.Errorf("%s: %s", a.ID, a.Reason)
			continue
		}
		var m mat
		for k := range 3 {
			copy(m[k][:], a.Covariance[k][:3])
		}
		w, ok := whitener(m)
		if !ok {
			t.Fatalf("%s: covariance", a.ID)
		}
		z := apply(&w, sub(*a.Position, want.Position))
		if d := dot(z, z); d > 30 {
			far++
			if a.Status == Solved {
				silent++
			}
		}
	}
	if silent > 0 || far > 1 {
		t.Errorf("%d silently wrong, %d outside five sigma", silent, far)
	}
}
