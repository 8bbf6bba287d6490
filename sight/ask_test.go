package sight

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// solvedView is the camera of the worked example with its whole covariance.
func solvedView(t testing.TB) View {
	t.Helper()
	v, err := solve(t, worked).View(1500, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func ratio(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(math.Log(got/want)) < 0.2) {
		t.Errorf("%s: stated %.4g, drawn %.4g", what, want, got)
	}
}

// The stated errors of places, heights and lengths are those of what is drawn
// from the camera's covariance and the clicks' errors.
func TestMeasuresAgreeWithDraws(t *testing.T) {
	v := solvedView(t)
	px := func(x vec) [2]float64 {
		u, err := v.Camera.Project(x)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	ground := Plane{At: vec{0, 0, 0}, Normal: vec{0, 0, 2}}
	wall := Plane{At: vec{0, 0, 0}, Normal: vec{0, 1, 0}, SigmaM: 0.1}
	foot, head := px(vec{-2, -6, 0}), px(vec{-2, -6, 1.8})
	spot, err := v.On(foot, 2, ground)
	if err != nil {
		t.Fatal(err)
	}
	if norm(sub(spot.Position, vec{-2, -6, 0})) > 1e-6 {
		t.Errorf("foot at %v", spot.Position)
	}
	high, err := v.Height(foot, head, 2, ground)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "height", high.Metres, 1.8, 1e-6)
	long, err := v.Length(px(vec{-4, 0, 2}), px(vec{4, 0, 5}), 2, wall, wall)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "length", long.Metres, math.Hypot(8, 3), 1e-6)
	up, miss, err := v.Along(head, 2, Upright{-2, -6, 0.05})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "head on the vertical", up.Position[2], 1.8, 1e-6)
	near(t, "miss", miss, 0, 1e-6)

	ground.Normal = vec{0, 0, 1}
	var e, h2, l2, u2 float64
	const n = 4000
	v.draw(n, func(s *state, r *pcg) {
		noisy := func(p [2]float64) [2]float64 {
			a, b := r.normals()
			return [2]float64{p[0] + 2*a, p[1] + 2*b}
		}
		a, b := noisy(foot), noisy(head)
		x, _ := ground.meet(s, a)
		e += dot(sub(x, spot.Position), sub(x, spot.Position)) / n
		face := func(l Upright, q [2]float64) float64 {
			p, _ := l.facing(s)
			y, _ := p.meet(s, q)
			return y[2]
		}
		d := face(Upright{E: x[0], N: x[1]}, b) - x[2] - 1.8
		h2 += d * d / n
		z, _ := r.normals()
		w := wall
		w.At[1] += 0.1 * z
		p, _ := w.meet(s, noisy(px(vec{-4, 0, 2})))
		q, _ := w.meet(s, noisy(px(vec{4, 0, 5})))
		d = norm(sub(p, q)) - long.Metres
		l2 += d * d / n
		z, z2 := r.normals()
		d = face(Upright{E: -2 + 0.05*z, N: -6 + 0.05*z2}, b) - 1.8
		u2 += d * d / n
	})
	ratio(t, "place", math.Sqrt(e), math.Sqrt(spot.Covariance[0][0]+spot.Covariance[1][1]+spot.Covariance[2][2]))
	ratio(t, "height", math.Sqrt(h2), high.Sigma)
	ratio(t, "length", math.Sqrt(l2), long.Sigma)
	ratio(t, "on the vertical", math.Sqrt(u2), math.Sqrt(up.Covariance[2][2]))
	// What is measured in the photo is surer than the camera's place, because
	// place and lens slide together; with the pose's covariance alone it is not.
	bare := v
	bare.Covariance = [10][10]float64{}
	for i := range 6 {
		copy(bare.Covariance[i][:6], v.Covariance[i][:6])
	}
	b, err := bare.Height(foot, head, 2, ground)
	if err != nil || !(b.Sigma > high.Sigma) {
		t.Errorf("without the lens's part: %.3f m, with it %.3f m (%v)", b.Sigma, high.Sigma, err)
	}
}

func TestRectifyIsProjection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := camera(t)
		c.K1 = 0
		v := View{Camera: c}
		m := c.Matrix()
		origin := vec{c.Position[0] + 20*m[2][0], c.Position[1] + 20*m[2][1], c.Position[2] + 20*m[2][2]}
		right, up := vec{0.6, 0.8, 0}, vec{-0.8, 0.6, 0}
		h, err := v.Rectify(origin, right, up)
		if err != nil {
			t.Fatal(err)
		}
		x, y := rapid.Float64Range(-5, 5).Draw(t, "x"), rapid.Float64Range(-5, 5).Draw(t, "y")
		want, err := c.Project(vec{origin[0] + x*right[0] + y*up[0], origin[1] + x*right[1] + y*up[1], origin[2]})
		if err != nil {
			return
		}
		g := apply((*mat)(&h), vec{x, y, 1})
		if math.Hypot(g[0]/g[2]-want[0], g[1]/g[2]-want[1]) > 1e-6*(1+math.Hypot(want[0], want[1])) {
			t.Fatalf("%v, want %v", g, want)
		}
	})
}

// The worked camera asked over the wire: a wall, a tower, a person, a ray.
func TestSeeSheet(t *testing.T) {
	a := solve(t, worked)
	ans, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	wall := box("wall", vec{-30, -1, 0}, vec{30, -0.5, 3})
	scene := surroundings(t, field(0), wall)
	foot, _ := (&View{Camera: mustCamera(a)}).Camera.Project(vec{-6, -10, 0})
	head, _ := (&View{Camera: mustCamera(a)}).Camera.Project(vec{-6, -10, 1.7})
	raw := fmt.Sprintf(`{"format":"sightline.camera.see/1","id":"q","scene":"x","cameras":[{"id":"A","image":{"width":1500,"height":1000},"answer":%s}],"questions":[
{"id":"over the wall","kind":"line","from":{"camera":"A"},"to":{"world":[0,6,1]}},
{"id":"before the wall","kind":"line","from":{"camera":"A"},"to":{"ground":[0,-6],"height_m":1.6}},
{"id":"could they","kind":"line","from":{"ground":[0,-4],"height_m":3.3,"sigma_m":[0.1,0.1,0.3]},"to":{"world":[0,4,2.55]}},
{"id":"tower","kind":"point","camera":"A","to":{"world":[14,20,9]}},
{"id":"mark","kind":"ray","camera":"A","px":[[750,760]],"sigma_px":2,"on":{"scene":true}},
{"id":"sky","kind":"ray","camera":"A","px":[[750,10]],"on":{"scene":true}},
{"id":"person","kind":"height","camera":"A","px":[[%g,%g],[%g,%g]],"on":{"at":[0,0,0],"sigma_m":0.05}},
{"id":"grazing","kind":"ray","camera":"A","px":[[750,%g]],"on":{"at":[0,0,0]}},
{"id":"area","kind":"viewshed","from":{"camera":"A"},"low":[-10,-10],"high":[10,10],"step_m":1,"height_m":0.5},
{"id":"front","kind":"rectify","camera":"A","origin":[-6,0,0],"right":[1,0,0],"up":[0,0,1]}]}`, ans, foot[0], foot[1], head[0], head[1], 615.0)
	p, err := ParseSee([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	s, err := See(p, []byte(raw), scene)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Seen{}
	for _, x := range s.Answers {
		got[x.ID] = x
	}
	if x := got["over the wall"]; x.State != Hidden || len(x.BlockedBy) != 1 || x.BlockedBy[0].Body != "wall" {
		t.Errorf("%+v", x)
	}
	if x := got["before the wall"]; x.State != Visible || *x.Probability != 1 {
		t.Errorf("%+v", x)
	}
	// Eye 3.3 +-0.3 m at 4 m before the wall's face, target 2.55 m high: the
	// line crosses the far edge at 3.3 + (2.55-3.3)*3.5/8 = 2.97 m, nearly the top.
	if x := got["could they"]; x.State != Depends || *x.Probability < 0.3 || *x.Probability > 0.6 {
		t.Errorf("%s %v", x.State, *x.Probability)
	}
	if x := got["tower"]; x.Px == nil || math.Hypot(x.Px[0]-975.3, x.Px[1]-401.1) > 0.5 || !*x.InImage || x.State != Visible {
		t.Errorf("%+v", x)
	}
	if x := got["mark"]; x.Body != "field" || math.Abs(x.Position[2]) > 1e-9 || !(x.Ellipsoid95.SemiAxes[0] > 0) {
		t.Errorf("%+v", x)
	}
	if x := got["sky"]; x.Reason == "" || x.Position != nil {
		t.Errorf("%+v", x)
	}
	if x := got["person"]; x.Metres == nil || math.Abs(*x.Metres-1.7) > 1e-3 || !(*x.SigmaM > 0.01 && *x.SigmaM < 0.2) {
		t.Errorf("%+v", x)
	}
	if x := got["grazing"]; len(x.Warnings) == 0 || x.Warnings[0].Code != "grazing" {
		t.Errorf("%+v", x)
	}
	v := got["area"].Viewshed
	if v == nil || len(v.Rows) != 20 || v.VisibleM2+v.HiddenM2+v.DependsM2 != 400 || strings.Contains(v.Rows[0]+v.Rows[8], "0") || strings.Contains(v.Rows[10]+v.Rows[14], "1") {
		t.Errorf("%+v", v)
	}
	if got["front"].Homography == nil {
		t.Error("no homography")
	}
	if _, err := json.Marshal(s); err != nil {
		t.Error(err)
	}
	var text strings.Builder
	if err := s.Prose(&text); err != nil || !strings.Contains(text.String(), "wall stands in the way") {
		t.Errorf("%v %s", err, text.String())
	}
}

func mustCamera(a *Answer) Camera {
	c, _ := a.Camera(1500, 1000)
	return c
}

func TestSeeNamesTheField(t *testing.T) {
	cam := `{"id":"A","image":{"width":10,"height":10},"position":[0,0,0],"rotation":[1,0,0,0],"focal_px":10}`
	for _, c := range []struct{ cams, q, want string }{
		{cam, `{"id":"a","kind":"smell"}`, "kind"},
		{cam, `{"id":"a","kind":"line"}`, "scene"},
		{cam, `{"id":"a","kind":"ray","camera":"B"}`, `"B"`},
		{cam, `{"id":"a","kind":"ray","camera":"A","px":[[1,2]]}`, "on"},
		{cam, `{"id":"a","kind":"ray","camera":"A","px":[[1,2]],"on":{"scene":true}}`, "scene"},
		{cam, `{"id":"a","kind":"height","camera":"A","px":[[1,2]]}`, "px"},
		{cam, `{"id":"a","kind":"rectify","camera":"A","origin":[0,0,1],"right":[1,0,0],"up":[1,1,0]}`, "orthogonal"},
		{cam, `{"id":"a","kind":"ray","camera":"A","px":[[1,2]],"sigma_px":-1,"on":{"at":[0,0,9]}}`, "sigma_px"},
		{strings.Replace(cam, "[1,0,0,0]", "[2,0,0,0]", 1), `{"id":"a","kind":"point","camera":"A","to":{"world":[0,0,9]}}`, "rotation"},
		{strings.Replace(cam, `"focal_px":10`, `"focal_px":-1`, 1), `{"id":"a","kind":"point","camera":"A","to":{"world":[0,0,9]}}`, "focal"},
		{`{"id":"A","image":{"width":10,"height":10},"answer":{"id":"r","status":"refused"}}`, `{"id":"a","kind":"point","camera":"A"}`, "refused"},
	} {
		raw := `{"format":"sightline.camera.see/1","id":"q","cameras":[` + c.cams + `],"questions":[` + c.q + `]}`
		p, err := ParseSee([]byte(raw))
		if err == nil {
			_, err = See(p, []byte(raw), nil)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.q, err, c.want)
		}
	}
}

func FuzzSee(f *testing.F) {
	f.Add([]byte(`{"format":"sightline.camera.see/1","id":"q","cameras":[{"id":"A","image":{"width":10,"height":10},"position":[0,0,0],"rotation":[1,0,0,0],"focal_px":10}],"questions":[{"id":"a","kind":"ray","camera":"A","px":[[1,2]],"on":{"at":[0,0,9]}},{"id":"b","kind":"viewshed","from":{"camera":"A"},"low":[0,0],"high":[4,4],"step_m":1},{"id":"c","kind":"line","from":{"ground":[1,1],"height_m":2},"to":{"world":[1,2,3]}}]}`))
	s := surroundings(f, field(0), box("b", vec{2, 2, 0}, vec{4, 4, 4}))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseSee(b)
		if err != nil || len(p.Questions) > 20 {
			return
		}
		for _, q := range p.Questions {
			if q.Kind == "viewshed" && q.Low != nil && q.High != nil && (q.High[0]-q.Low[0])*(q.High[1]-q.Low[1]) > 1e4*q.StepM*q.StepM {
				return
			}
		}
		a, err := See(p, b, s)
		if err != nil {
			return
		}
		if _, err := json.Marshal(a); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
	})
}

// Placed features lie in their 95 % ellipsoids as often as that says, when
// cameras and clicks err as stated; a wrong mark is found.
func TestTriangulatedCovarianceHolds(t *testing.T) {
	want := vec{2, 5, 3}
	rng := newPCG(4)
	eyes := []vec{{-20, -20, 2}, {15, -25, 4}, {0, -30, 10}, {30, 8, 3}}
	in, found, accused := 0, 0, 0
	const n = 300
	for range n {
		var p TriangulateProblem
		p.Format, p.ID = TriangulateFormat, "t"
		f := FeatureSpec{ID: "f"}
		bad := FeatureSpec{ID: "g"}
		for k, eye := range eyes {
			c := LookAt(eye, vec{0, 4, 3}, 1920, 1080, 60)
			u, err := c.Project(want)
			if err != nil {
				t.Fatal(err)
			}
			s := state{c: c.Position, q: c.Rotation, r: c.Matrix(), f: c.FocalPx}
			var cov [6][6]float64
			var d [nParam]float64
			for i := range 6 {
				sd := 0.2
				if i >= 3 {
					sd = 0.003
				}
				z, _ := rng.normals()
				d[i], cov[i][i] = sd*z, sd*sd
			}
			s = s.step(&d)
			p.Cameras = append(p.Cameras, ViewSpec{ID: fmt.Sprint(k), Image: ImageSize{1920, 1080}, Position: &s.c, Rotation: &s.q, FocalPx: c.FocalPx, Covariance: &cov})
			a, b := rng.normals()
			m := struct {
				Camera  string     `json:"camera"`
				Px      [2]float64 `json:"px"`
				SigmaPx *float64   `json:"sigma_px,omitempty"`
			}{Camera: fmt.Sprint(k), Px: [2]float64{u[0] + 2*a, u[1] + 2*b}}
			f.Marks = append(f.Marks, m)
			if k == 1 {
				m.Px[1] += 200
			}
			bad.Marks = append(bad.Marks, m)
		}
		p.Features = []FeatureSpec{f, bad}
		raw, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		q, err := ParseTriangulate(raw)
		if err != nil {
			t.Fatal(err)
		}
		a, err := PlaceFeatures(q, raw)
		if err != nil {
			t.Fatal(err)
		}
		w, ok := whitener(*a.Features[0].Covariance)
		if !ok {
			t.Fatal("covariance")
		}
		if e := apply(&w, sub(*a.Features[0].Position, want)); dot(e, e) < 7.815 {
			in++
		}
		for k := range 4 {
			if a.Features[0].Marks[k].Suspect {
				accused++
			}
		}
		if a.Features[1].Marks[1].Suspect {
			found++
		}
	}
	if in < n*92/100 || in > n*98/100 {
		t.Errorf("truth in the 95 %% ellipsoid in %d of %d", in, n)
	}
	if found < n*95/100 || accused > n*2/100 {
		t.Errorf("wrong mark found in %d of %d, good ones accused in %d", found, n, accused)
	}
}

func TestTriangulateRefuses(t *testing.T) {
	cam := func(id string, e float64) string {
		return fmt.Sprintf(`{"id":%q,"image":{"width":1000,"height":1000},"position":[%g,0,0],"rotation":[0.7071067811865476,0.7071067811865476,0,0],"focal_px":1000,"covariance":[[0.01,0,0,0,0,0],[0,0.01,0,0,0,0],[0,0,0.01,0,0,0],[0,0,0,1e-6,0,0],[0,0,0,0,1e-6,0],[0,0,0,0,0,1e-6]]}`, id, e)
	}
	raw := `{"format":"sightline.camera.triangulate/1","id":"t","cameras":[` + cam("A", 0) + "," + cam("B", 1) + "," + cam("C", 0.5) + `],"features":[
{"id":"one ray","marks":[{"camera":"A","px":[500,500]}]},
{"id":"same ray","marks":[{"camera":"A","px":[500,500]},{"camera":"A","px":[500,500]}]},
{"id":"apart","marks":[{"camera":"A","px":[400,500]},{"camera":"B","px":[600,500]}]},
{"id":"far","marks":[{"camera":"A","px":[500,500]},{"camera":"B","px":[480,500]},{"camera":"C","px":[490,500]}]}]}`
	p, err := ParseTriangulate([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	a, err := PlaceFeatures(p, []byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{Refused, Refused, Refused, Weak} {
		f := a.Features[i]
		if f.Status != want || want == Refused && (f.Position != nil || f.Reason == "") {
			t.Errorf("%s: %s %q", f.ID, f.Status, f.Reason)
		}
	}
	if _, err := ParseTriangulate([]byte(strings.Replace(raw, `"id":"t"`, `"id":"t","x":1`, 1))); err == nil {
		t.Error("an unknown field was accepted")
	}
}
