package sight

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func soup(seed uint64, n int, size float64) (v [][3]float64, t [][3]uint32) {
	r := newPCG(seed)
	for i := range n {
		p := vec{100 * r.unit(), 100 * r.unit(), 100 * r.unit()}
		for range 3 {
			v = append(v, vec{p[0] + size*r.unit(), p[1] + size*r.unit(), p[2] + size*r.unit()})
		}
		t = append(t, [3]uint32{uint32(3 * i), uint32(3*i + 1), uint32(3*i + 2)})
	}
	return v, t
}

// The tree must find what a search through all triangles finds.
func TestBVHEqualsEveryTriangle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		v, tri := soup(seed, 200, 20)
		b, err := NewBVH(v, tri)
		if err != nil {
			t.Fatal(err)
		}
		r := newPCG(seed + 1)
		for range 20 {
			o := vec{100 * r.unit(), 100 * r.unit(), 100 * r.unit()}
			d := vec{r.unit() - 0.5, r.unit() - 0.5, r.unit() - 0.5}
			want := math.Inf(1)
			for i := range b.tri {
				if x, ok := b.tri[i].meets(&o, &d); ok && x > 0 && x < want {
					want = x
				}
			}
			h, ok := b.Closest(o, d, math.Inf(1))
			if ok != !math.IsInf(want, 1) || ok && h.Distance != want {
				t.Fatalf("tree %v %v, all triangles %v", h, ok, want)
			}
		}
	})
}

func TestSeeOverAWall(t *testing.T) {
	b, err := NewBVH([][3]float64{{-50, 10, 0}, {50, 10, 0}, {50, 10, 3}, {-50, 10, 3}}, [][3]uint32{{0, 1, 2}, {0, 2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	sure := [3][3]float64{}
	half := [3][3]float64{{0.01, 0, 0}, {0, 0.01, 0}, {0, 0, 0.25}}
	for _, c := range []struct {
		eye, target vec
		cov         [3][3]float64
		want        Sight
	}{
		{vec{0, 0, 1.6}, vec{0, 20, 1.6}, sure, Hidden},
		{vec{0, 0, 6}, vec{0, 20, 1.6}, sure, Visible},
		{vec{0, 0, 1.6}, vec{0, 10, 1.6}, sure, Visible}, // on the wall itself
		{vec{0, 0, 4.4}, vec{0, 20, 1.6}, half, Depends}, // the line passes the wall's top
		{vec{60, 0, 1.6}, vec{60, 20, 1.6}, half, Visible},
	} {
		if got, p := b.See(c.eye, c.cov, c.target, 0.01); got != c.want {
			t.Errorf("%v to %v: %s (%.2f), want %s", c.eye, c.target, got, p, c.want)
		}
	}
}

// Over flat ground, a wall 3 m high and 10 m north of an eye at 1.6 m hides
// nothing before it, everything on the ground behind it within its corner
// rays, and nothing outside them; an eye at 6 m sees the ground again from
// 20 m on, where its ray over the top comes down.
func TestViewshedBehindAWall(t *testing.T) {
	v := [][3]float64{{-100, -100, 0}, {100, -100, 0}, {100, 100, 0}, {-100, 100, 0}, {-4, 10, 0}, {4, 10, 0}, {4, 10, 3}, {-4, 10, 3}}
	b, err := NewBVH(v, [][3]uint32{{0, 1, 2}, {0, 2, 3}, {4, 5, 6}, {4, 6, 7}})
	if err != nil {
		t.Fatal(err)
	}
	var at [][3]float64
	for n := -50.5; n < 60; n++ {
		for e := -50.5; e < 60; e++ {
			at = append(at, vec{e, n, 0})
		}
	}
	low, high := b.Viewshed(vec{0, 0, 1.6}, at, 0.01), b.Viewshed(vec{0, 0, 6}, at, 0.01)
	for i, p := range at {
		behind := p[1] > 10 && math.Abs(p[0]) < 4*p[1]/10
		if low[i] == behind {
			t.Fatalf("from 1.6 m, %v: %v", p, low[i])
		}
		if want := !(behind && p[1] < 20); high[i] != want {
			t.Fatalf("from 6 m, %v: %v", p, high[i])
		}
	}
}

// A viewshed is the sight lines one by one, whatever the number of
// processors, and what it calls visible is what the nearest hit of each ray
// says.
func TestViewshedEqualsSightLines(t *testing.T) {
	v, tri := hills(101, 5)
	b, err := NewBVH(v, tri)
	if err != nil {
		t.Fatal(err)
	}
	eye := vec{250, 250, 14}
	seen, hidden := 0, 0
	for i, ok := range b.Viewshed(eye, v, 0.2) {
		d := sub(v[i], eye)
		h, hit := b.Closest(eye, d, math.Inf(1))
		free := !hit || h.Distance*norm(d) >= norm(d)-0.2
		if ok != free {
			t.Fatalf("vertex %d: viewshed %v, nearest hit at %v of %v", i, ok, h.Distance*norm(d), norm(d))
		}
		if ok {
			seen++
		} else {
			hidden++
		}
	}
	if seen < 1000 || hidden < 1000 {
		t.Errorf("%d seen, %d hidden: the case does not test much", seen, hidden)
	}
}

func TestBVHRefuses(t *testing.T) {
	if _, err := NewBVH(nil, nil); err == nil {
		t.Error("an empty mesh was accepted")
	}
	if _, err := NewBVH([][3]float64{{0, 0, 0}}, [][3]uint32{{0, 0, 9}}); err == nil {
		t.Error("an index outside the mesh was accepted")
	}
	if _, err := NewBVH([][3]float64{{0, 0, math.NaN()}}, nil); err == nil {
		t.Error("a vertex that is not a number was accepted")
	}
}

// processor reports processor time beside the clock's, which other work on
// the machine stretches.
func processor(b *testing.B, f func()) {
	from := processorTime()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(processorTime()-from)/float64(b.N), "cpu-ns/op")
}

func BenchmarkBVHBuild200k(b *testing.B) {
	v, t := soup(1, 200_000, 2)
	processor(b, func() {
		if _, err := NewBVH(v, t); err != nil {
			b.Fatal(err)
		}
	})
}

// hills is a terrain of about 2 n^2 triangles with posts step metres apart.
func hills(n int, step float64) (v [][3]float64, t [][3]uint32) {
	for y := range n {
		for x := range n {
			e, m := float64(x)*step, float64(y)*step
			v = append(v, vec{e, m, 8 * math.Sin(e/27) * math.Cos(m/33)})
			if x > 0 && y > 0 {
				i, w := uint32(y*n+x), uint32(n)
				t = append(t, [3]uint32{i, i - 1, i - w}, [3]uint32{i - 1, i - w - 1, i - w})
			}
		}
	}
	return v, t
}

func BenchmarkBVHBuildTerrain200k(b *testing.B) {
	v, t := hills(317, 3)
	processor(b, func() {
		if _, err := NewBVH(v, t); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkSightLine(b *testing.B) {
	v, t := hills(317, 3)
	m, err := NewBVH(v, t)
	if err != nil {
		b.Fatal(err)
	}
	r := newPCG(3)
	processor(b, func() { m.Blocked(vec{480, 480, 20}, v[r.intn(len(v))], 0.1) })
}

func BenchmarkClosest(b *testing.B) {
	v, t := hills(317, 3)
	m, err := NewBVH(v, t)
	if err != nil {
		b.Fatal(err)
	}
	r := newPCG(3)
	processor(b, func() {
		p := v[r.intn(len(v))]
		m.Closest(vec{480, 480, 20}, sub(p, vec{480, 480, 20}), math.Inf(1))
	})
}

// A square kilometre at 1 m over terrain and 500 buildings.
func BenchmarkViewshed1km2(b *testing.B) {
	v, t := hills(334, 3)
	r := newPCG(9)
	for range 500 {
		e, n, w, h := 980*r.unit(), 980*r.unit(), 8+8*r.unit(), 4+10*r.unit()
		k := uint32(len(v))
		for i := range 8 {
			v = append(v, vec{e + w*float64(i&1), n + w*float64(i>>1&1), -8 + (8+h)*float64(i>>2)})
		}
		for _, f := range [][4]uint32{{0, 1, 5, 4}, {1, 3, 7, 5}, {3, 2, 6, 7}, {2, 0, 4, 6}, {4, 5, 7, 6}} {
			t = append(t, [3]uint32{k + f[0], k + f[1], k + f[2]}, [3]uint32{k + f[0], k + f[2], k + f[3]})
		}
	}
	m, err := NewBVH(v, t)
	if err != nil {
		b.Fatal(err)
	}
	var at [][3]float64
	for n := range 1000 {
		for e := range 1000 {
			x, y := float64(e), float64(n)
			at = append(at, vec{x, y, 8*math.Sin(x/27)*math.Cos(y/33) + 1.6})
		}
	}
	processor(b, func() { m.Viewshed(vec{480, 480, 25}, at, 0.05) })
}
