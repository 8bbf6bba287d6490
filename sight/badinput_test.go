package sight

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
)

// yard is the worked camera's exact view of ten corners, changed by f.
func yard(t testing.TB, f func(i int, q *PointPair)) *Problem {
	t.Helper()
	c := LookAt(vec{-9, -24, 1.7}, vec{0, 4, 3}, 1500, 1000, 60)
	p := &Problem{Format: ProblemFormat, ID: "x", Image: ImageSize{1500, 1000}}
	for i, x := range []vec{{-6, 0, 0}, {-6, 0, 6}, {6, 0, 6}, {6, 0, 0.5}, {6, 8, 6}, {14, 20, 9}, {-12, 6, 3.5}, {-3, 14, 7.5}, {1, -3, 0.2}, {-8, 3, 5}} {
		u, err := c.Project(x)
		if err != nil {
			t.Fatal(err)
		}
		q := PointPair{ID: fmt.Sprint(i), Px: u, World: x}
		if f != nil {
			f(i, &q)
		}
		p.Points = append(p.Points, q)
	}
	return p
}

// What is wrong with the input is said in one sentence, or the answer is
// flagged; never a confident wrong place.
func TestBadInputIsNamed(t *testing.T) {
	for _, c := range []struct {
		name   string
		f      func(i int, q *PointPair)
		status string // "" any but solved without a flag
		want   string // in the reason or a warning
	}{
		{"not a number", func(i int, q *PointPair) {
			if i == 3 {
				q.World[1] = math.NaN()
			}
		}, Refused, "not a usable number"},
		{"mirrored", func(_ int, q *PointPair) { q.Px[0] = 1500 - q.Px[0] }, Refused, "mirrored"},
		{"kilometres", func(_ int, q *PointPair) { q.World = scaled(q.World, 1e-3) }, "", "kilometres"},
		{"millimetres", func(_ int, q *PointPair) { q.World = scaled(q.World, 1e4) }, "", "millimetres"},
		{"degrees with heights in metres", func(_ int, q *PointPair) {
			q.World = vec{-67.08 + q.World[0]/110e3, 10.46 + q.World[1]/110e3, q.World[2]}
		}, Refused, "longitude and latitude"},
		{"degrees", func(_ int, q *PointPair) { q.World = vec{-67.08 + q.World[0]/110e3, 10.46 + q.World[1]/110e3, 0.001} }, Refused, "degrees"},
		{"Earth-centred", func(_ int, q *PointPair) { q.World[0] += 5e6 }, Refused, "2000 km"},
		{"all the same click", func(_ int, q *PointPair) { q.Px = [2]float64{7, 7} }, Refused, "different points"},
		{"clicks on a line", func(i int, q *PointPair) { q.Px = [2]float64{100 * float64(i), 50 * float64(i)} }, Refused, "in the image"},
		{"points on a line", func(i int, q *PointPair) { q.World = vec{float64(i), 2 * float64(i), 3} }, Refused, "on one line"},
		{"a click far outside", func(i int, q *PointPair) {
			if i == 2 {
				q.Px = [2]float64{4000, 387}
			}
		}, "", "outside the stated image"},
		{"clicks by chance", func(i int, q *PointPair) {
			r := newPCG(uint64(i) + 40)
			r.next()
			q.Px = [2]float64{1500 * r.unit(), 1000 * r.unit()}
		}, "", "*"},
	} {
		p := yard(t, c.f)
		a := Solve(p, []byte(c.name))
		text := a.Reason
		for _, w := range a.Warnings {
			text += " " + w.Text
		}
		if c.status != "" && a.Status != c.status || c.want != "*" && !strings.Contains(text, c.want) || c.want == "*" && a.Status == Solved {
			t.Errorf("%s: %s, %q", c.name, a.Status, text)
		}
		if a.Status == Refused && a.Position != nil {
			t.Errorf("%s: refused with a position", c.name)
		}
		if _, err := json.Marshal(a); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A model point behind the camera is called wrong and says so; the others
// still place the camera.
func TestPointBehindTheCamera(t *testing.T) {
	a := Solve(yard(t, func(i int, q *PointPair) {
		if i == 5 {
			q.World = vec{-20, -70, 2}
		}
	}), []byte("behind"))
	if a.Position == nil || norm(sub(*a.Position, vec{-9, -24, 1.7})) > 0.2 {
		t.Fatalf("%s %v", a.Status, a.Position)
	}
	if r := a.Residuals[5]; r.Inlier || !strings.Contains(r.Reason, "behind") {
		t.Errorf("%+v", r)
	}
}

// 10,000 points are answered, 10,001 are refused before memory is spent.
func TestManyPoints(t *testing.T) {
	c := LookAt(vec{-30, -60, 12}, vec{0, 4, 3}, 1500, 1000, 60)
	rng := newPCG(5)
	p := &Problem{Format: ProblemFormat, ID: "x", Image: ImageSize{1500, 1000}}
	for len(p.Points) < MaxPoints {
		x := vec{40 * (rng.unit() - 0.5), 40 * (rng.unit() - 0.5), 10 * rng.unit()}
		u, err := c.Project(x)
		if err != nil {
			t.Fatal(err)
		}
		a, b := rng.normals()
		p.Points = append(p.Points, PointPair{ID: fmt.Sprint(len(p.Points)), Px: [2]float64{u[0] + a, u[1] + b}, World: x})
	}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	if a := Solve(p, []byte("many")); a.Status != Solved || norm(sub(*a.Position, c.Position)) > 0.05 {
		t.Errorf("%s %v", a.Status, a.Position)
	}
	p.Points = append(p.Points, PointPair{ID: "more"})
	if err := p.Check(); err == nil || !strings.Contains(err.Error(), "10000") {
		t.Errorf("%v", err)
	}
}

// Holes and turned triangles change nothing about what stands in the way, and
// a wall with a hole lets through what passes the hole.
func TestMeshWithHolesAndTurnedTriangles(t *testing.T) {
	b := box("b", vec{-5, 10, 0}, vec{5, 12, 6})
	turned := b
	turned.Triangles = append([][3]uint32{}, b.Triangles...)
	for i := range turned.Triangles {
		f := turned.Triangles[i]
		turned.Triangles[i] = [3]uint32{f[2], f[1], f[0]}
	}
	one, two := surroundings(t, b), surroundings(t, turned)
	rng := newPCG(8)
	for range 500 {
		from, to := vec{30 * (rng.unit() - 0.5), 0, 8 * rng.unit()}, vec{30 * (rng.unit() - 0.5), 20, 8 * rng.unit()}
		if one.all.Blocked(from, to, 0.01) != two.all.Blocked(from, to, 0.01) {
			t.Fatalf("%v to %v", from, to)
		}
	}
	holed := b
	holed.Triangles = [][3]uint32{b.Triangles[0]} // half of the south wall
	h := surroundings(t, holed)
	if !h.all.Blocked(vec{3, 0, 1}, vec{3, 20, 1}, 0.01) || h.all.Blocked(vec{-3, 0, 5}, vec{-3, 20, 5}, 0.01) {
		t.Error("a wall with a hole")
	}
	if _, _, _, in := h.Inside(vec{3, 11, 1}); in {
		t.Error("half a wall is no house")
	}
}
