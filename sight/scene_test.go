package sight

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// box is a closed block between two corners.
func box(name string, lo, hi vec) Body {
	b := Body{Name: name, Measured: true, Solid: true, SigmaM: 0.02}
	for i := range 8 {
		p := lo
		for k := range 3 {
			if i>>k&1 == 1 {
				p[k] = hi[k]
			}
		}
		b.Positions = append(b.Positions, p)
	}
	for _, f := range [6][4]uint32{{0, 1, 5, 4}, {1, 3, 7, 5}, {3, 2, 6, 7}, {2, 0, 4, 6}, {4, 5, 7, 6}, {0, 2, 3, 1}} {
		b.Triangles = append(b.Triangles, [3]uint32{f[0], f[1], f[2]}, [3]uint32{f[0], f[2], f[3]})
	}
	return b
}

func field(u float64) Body {
	return Body{Name: "field", Measured: true, Ground: true, SigmaM: 0.05, Positions: [][3]float64{{-500, -500, u}, {500, -500, u}, {500, 500, u}, {-500, 500, u}},
		Triangles: [][3]uint32{{0, 1, 2}, {0, 2, 3}}}
}

func surroundings(t testing.TB, b ...Body) *Surroundings {
	t.Helper()
	s, err := NewSurroundings(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func solveIn(t testing.TB, raw string, s *Surroundings) *Answer {
	t.Helper()
	p, err := ParseProblem([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return SolveWith(p, []byte(raw), Options{Scene: s, Report: true})
}

func warned(a *Answer, code string) string {
	for _, w := range a.Warnings {
		if w.Code == code {
			return w.Text
		}
	}
	return ""
}

func TestSceneSpeaksAgainstACamera(t *testing.T) {
	if a := solveIn(t, worked, surroundings(t, field(-0.1), box("shed", vec{20, -30, 0}, vec{25, -25, 3}))); warned(a, "below-ground")+warned(a, "inside-solid")+warned(a, "hidden") != "" {
		t.Errorf("an innocent scene objects: %+v", a.Warnings)
	}
	a := solveIn(t, worked, surroundings(t, field(9)))
	if !strings.Contains(warned(a, "below-ground"), "below the ground") {
		t.Errorf("camera under the field: %+v", a.Warnings)
	}
	a = solveIn(t, worked, surroundings(t, box("barn", vec{-19, -34, 0}, vec{1, -14, 12})))
	if !strings.Contains(warned(a, "inside-solid"), "barn") {
		t.Errorf("camera in the barn: %+v", a.Warnings)
	}
	// A block between the camera and the mast at (-16, 14).
	a = solveIn(t, worked, surroundings(t, field(-0.1), box("truck", vec{-15, -8, 0}, vec{-11.5, -5, 9})))
	if !strings.Contains(warned(a, "hidden"), "mast") {
		t.Errorf("mast behind the truck: %+v", a.Warnings)
	}
	for _, r := range a.Residuals {
		if hidden := strings.Contains(r.Reason, "truck"); hidden != (r.ID == "mast") {
			t.Errorf("%s: %q", r.ID, r.Reason)
		}
	}
}

// Four corners of a facade far away fit two cameras; a house over one of them
// leaves the other, if the house was measured.
func TestSceneChoosesBetweenCameras(t *testing.T) {
	c := LookAt(vec{90, -220, 6}, vec{0, 0, 6}, 1600, 1200, 30)
	p := Problem{Format: ProblemFormat, ID: "facade", Image: ImageSize{1600, 1200}, PrincipalPoint: &PrincipalPrior{Fixed: true}, Focal: &FocalPrior{Px: &c.FocalPx, Fixed: true}}
	for i, x := range []vec{{-6, 0, 0}, {6, 0, 0}, {6, 0, 12}, {-6, 0, 12}, {0, 0, 6}, {-3, 0, 9}} {
		u, err := c.Project(x)
		if err != nil {
			t.Fatal(err)
		}
		p.Points = append(p.Points, PointPair{ID: string(rune('a' + i)), Px: u, World: x})
	}
	raw, _ := json.Marshal(p)
	two := solveIn(t, string(raw), surroundings(t, field(0)))
	if two.Status != Ambiguous || len(two.Modes) == 0 {
		t.Fatalf("%s with %d modes; the case does not test anything", two.Status, len(two.Modes))
	}
	m := two.Modes[0].Position
	over := box("house", sub(m, vec{70, 70, 70}), vec{m[0] + 70, m[1] + 70, m[2] + 70})
	one := solveIn(t, string(raw), surroundings(t, field(0), over))
	if one.Status == Ambiguous || norm(sub(*one.Position, *two.Position)) > 1e-6 {
		t.Errorf("with a measured house over the other camera: %s at %v", one.Status, *one.Position)
	}
	over.Measured = false
	if still := solveIn(t, string(raw), surroundings(t, field(0), over)); still.Status != Ambiguous {
		t.Errorf("an assumed house decided: %s", still.Status)
	}
}

func TestHeightAboveSceneGround(t *testing.T) {
	raw := worked[:1] + `"scene":"x","constraints":{"height_above_ground":{"metres":1.6,"sigma":0.02}},` + worked[1:]
	a := solveIn(t, raw, surroundings(t, field(0.5)))
	near(t, "up", a.Position[2], 2.1, 0.1)
	if b := solveIn(t, worked, nil); !(a.Covariance[2][2] < b.Covariance[2][2]/3) {
		t.Errorf("the ground did not narrow the height: %g, %g", a.Covariance[2][2], b.Covariance[2][2])
	}
	if _, err := ParseProblem([]byte(strings.Replace(raw, `"scene":"x",`, "", 1))); err == nil {
		t.Error("a height above no ground was accepted")
	}
}

func TestGroundAndInside(t *testing.T) {
	house := box("house", vec{0, 0, 0}, vec{10, 8, 6})
	house.Triangles = house.Triangles[:10] // no floor
	s := surroundings(t, field(0), house)
	for _, c := range []struct {
		at   vec
		want bool
	}{{vec{5, 4, 3}, true}, {vec{5, 4, 7}, false}, {vec{-1, 4, 3}, false}, {vec{9.9, 7.9, 5.9}, true}, {vec{5, -50, 1.6}, false}} {
		if _, _, _, in := s.Inside(c.at); in != c.want {
			t.Errorf("%v inside: %v", c.at, in)
		}
	}
	if u, _, ok := s.Ground(5, 4); !ok || math.Abs(u) > 1e-9 {
		t.Errorf("ground under the house %v %v", u, ok)
	}
	if _, _, ok := s.Ground(5000, 0); ok {
		t.Error("ground outside the terrain")
	}
	if h, ok := s.Ray(vec{5, -10, 3}, vec{0, 1, 0}, 1e9); !ok || h.Body != "house" || math.Abs(h.At[1]) > 1e-9 || h.Normal[1] != -1 {
		t.Errorf("%+v", h)
	}
}

// Each cell must be what a descent from that very place gives.
func TestHeatMap(t *testing.T) {
	p, err := ParseProblem([]byte(worked))
	if err != nil {
		t.Fatal(err)
	}
	a := solveIn(t, worked, nil)
	h := a.HeatMap
	cells, err := base64.StdEncoding.DecodeString(h.Base64)
	if err != nil || len(cells) != h.Size*h.Size {
		t.Fatal(err, len(cells))
	}
	tk := p.task(nil)
	s := state{c: *a.Position, q: *a.Rotation, f: a.FocalPx, cx: a.PrincipalPoint[0], cy: a.PrincipalPoint[1]}
	s.r = rows(s.q)
	for i := range tk.m {
		tk.m[i].use = a.Residuals[i].Inlier
	}
	tk.weigh(&s, 0)
	base := tk.cost(&s, 0)
	free := tk.free
	free[0], free[1] = false, false
	low, compared := 255, 0
	for k, got := range cells {
		low = min(low, int(got))
		if k%97 != 0 || got > 100 {
			continue
		}
		o := s
		e, n := h.West+h.StepM*float64(k%h.Size), h.South+h.StepM*float64(k/h.Size)
		for i := 1; i <= 20; i++ { // walk there, so that the descent stays in its valley
			o.c[0] = s.c[0] + (e-s.c[0])*float64(i)/20
			o.c[1] = s.c[1] + (n-s.c[1])*float64(i)/20
			tk.descend(&o, 0, &free, 30, 1e-10)
		}
		want := 20 * math.Sqrt(math.Max(0, tk.cost(&o, 0)-base))
		compared++
		if math.Abs(float64(got)-want) > 3 {
			t.Errorf("cell %d: %d, descent gives %.1f", k, got, want)
		}
	}
	if low > 4 || compared < 10 {
		t.Errorf("lowest byte %d, %d cells compared", low, compared)
	}
}

func TestNextClick(t *testing.T) {
	raw := worked[:1] + `"candidates":[{"id":"gate","world":[-4,-12,1]},{"id":"far pole","world":[2,60,9]},{"id":"behind","world":[-9,-60,1]},{"id":"mast","world":[-16,14,7.5]}],` + worked[1:]
	a := solveIn(t, raw, nil)
	if len(a.NextClicks) != 2 {
		t.Fatalf("%+v", a.NextClicks)
	}
	// The promise holds when the click is made.
	best := a.NextClicks[0]
	p, _ := ParseProblem([]byte(raw))
	for _, c := range p.Candidates {
		if c.ID == best.ID {
			p.Points = append(p.Points, PointPair{ID: c.ID, Px: best.Px, World: c.World})
		}
	}
	b := Solve(p, []byte(raw))
	tr := math.Sqrt(b.Covariance[0][0] + b.Covariance[1][1] + b.Covariance[2][2])
	if math.Abs(tr-best.AfterM) > 0.02*tr || best.AfterM >= best.SigmaM {
		t.Errorf("promised %.3f m, became %.3f m", best.AfterM, tr)
	}
	for _, n := range solveIn(t, worked, nil).NextClicks {
		if !strings.Contains(n.Text, "of the picture") || n.AfterM >= n.SigmaM {
			t.Errorf("%+v", n)
		}
	}
}

func BenchmarkReport(b *testing.B) {
	for _, l := range problems(b, "synth/problems.jsonl") {
		if strings.Contains(l, `"id":"box-n12-o0-`) {
			p, err := ParseProblem([]byte(l))
			if err != nil {
				b.Fatal(err)
			}
			processor(b, func() { SolveWith(p, []byte(l), Options{Report: true}) })
			return
		}
	}
}
