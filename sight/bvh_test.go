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

func BenchmarkBVHBuild200k(b *testing.B) {
	v, t := soup(1, 200_000, 2)
	for b.Loop() {
		if _, err := NewBVH(v, t); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSightLine(b *testing.B) {
	// A terrain of 200,000 triangles.
	const n = 317
	var v [][3]float64
	var t [][3]uint32
	for y := range n {
		for x := range n {
			v = append(v, vec{float64(x) * 3, float64(y) * 3, 8 * math.Sin(float64(x)/9) * math.Cos(float64(y)/11)})
			if x > 0 && y > 0 {
				i := uint32(y*n + x)
				t = append(t, [3]uint32{i, i - 1, i - n}, [3]uint32{i - 1, i - n - 1, i - n})
			}
		}
	}
	m, err := NewBVH(v, t)
	if err != nil {
		b.Fatal(err)
	}
	r := newPCG(3)
	for b.Loop() {
		m.Blocked(vec{480, 480, 20}, v[r.intn(len(v))], 0.1)
	}
}
