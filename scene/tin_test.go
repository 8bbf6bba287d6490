package scene

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestTIN: the mesh covers the square once, no post is missed by more than
// stated, and the stated error is that found by looking each post up.
func TestTIN(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		amp := rapid.Float64Range(0, 30).Draw(rt, "amp")
		step := rapid.IntRange(0, 1).Draw(rt, "house")
		ring := Ring{float64(rapid.IntRange(3, 24).Draw(rt, "to")), 1}
		tol := rapid.Float64Range(0, 3).Draw(rt, "tol")
		limit := rapid.SampledFrom([]int{0, 20, 300}).Draw(rt, "limit")
		h := func(e, n float64) (float64, quality) {
			u := amp * math.Sin(e/7) * math.Cos(n/5)
			if step == 1 && math.Abs(e) < 3 && math.Abs(n-1) < 2 {
				u += 6
			}
			return u, good
		}
		g, err := meshTIN(h, ring, tol, limit)
		if err != nil {
			rt.Fatal(err)
		}
		if limit > 0 && len(g.triangles) > limit {
			rt.Fatalf("%d triangles of %d", len(g.triangles), limit)
		}
		if limit == 0 && g.facts.ErrorMaxM > tol+1e-4 {
			rt.Fatalf("misses by %v at tolerance %v", g.facts.ErrorMaxM, tol)
		}
		area := 0.0
		for _, c := range g.triangles {
			a, b, d := g.positions[c[0]], g.positions[c[1]], g.positions[c[2]]
			k := (b[0]-a[0])*(d[1]-a[1]) - (b[1]-a[1])*(d[0]-a[0])
			if k <= 0 {
				rt.Fatalf("a triangle of area %v", k/2)
			}
			area += k / 2
		}
		if math.Abs(area-4*ring.ToM*ring.ToM) > 1e-6 {
			rt.Fatalf("covers %v m2 of %v", area, 4*ring.ToM*ring.ToM)
		}
		idx := newGroundIndex(g.positions, g.triangles)
		worst := 0.0
		for e := -ring.ToM; e <= ring.ToM; e++ {
			for n := -ring.ToM; n <= ring.ToM; n++ {
				u, ok := idx.at(e, n)
				z, _ := h(e, n)
				if !ok {
					rt.Fatalf("a hole at %v, %v", e, n)
				}
				worst = max(worst, math.Abs(u-z))
			}
		}
		if math.Abs(worst-g.facts.ErrorMaxM) > 1.1e-4 {
			rt.Fatalf("misses by %v, says %v", worst, g.facts.ErrorMaxM)
		}
	})
	if _, err := meshTIN(func(e, n float64) (float64, quality) { return 0, missing }, Ring{10, 1}, 1, 0); err == nil {
		t.Error("no heights give a mesh")
	}
	if _, err := meshTIN(func(e, n float64) (float64, quality) { return 0, good }, Ring{50000, 1}, 1, 0); err == nil {
		t.Error("10,000 million posts are taken")
	}
}
