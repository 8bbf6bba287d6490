package scene

import (
	"errors"
	"math"
	"sort"
)

type point2 = [2]float64

func area2(r []point2) float64 {
	s := 0.0
	for i, a := range r {
		b := r[(i+1)%len(r)]
		s += a[0]*b[1] - b[0]*a[1]
	}
	return s
}

// tidyRing removes a repeated closing corner and corners closer than a
// millimetre, and turns the ring counter-clockwise (or clockwise).
func tidyRing(r []point2, ccw bool) []point2 {
	var out []point2
	for _, p := range r {
		if len(out) == 0 || math.Hypot(p[0]-out[len(out)-1][0], p[1]-out[len(out)-1][1]) > 1e-3 {
			out = append(out, p)
		}
	}
	for len(out) > 1 && math.Hypot(out[0][0]-out[len(out)-1][0], out[0][1]-out[len(out)-1][1]) <= 1e-3 {
		out = out[:len(out)-1]
	}
	if (area2(out) > 0) != ccw {
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
	}
	return out
}

// selfCrossing reports whether two sides of a ring cross or touch away from
// their common corner.
func selfCrossing(r []point2) bool {
	n := len(r)
	for i := range n {
		a, b := r[i], r[(i+1)%n]
		for j := i + 2; j < n; j++ {
			if i == 0 && j == n-1 {
				continue
			}
			if crosses(a, b, r[j], r[(j+1)%n]) {
				return true
			}
		}
	}
	return false
}

func orient(a, b, c point2) float64 { return (b[0]-a[0])*(c[1]-a[1]) - (b[1]-a[1])*(c[0]-a[0]) }

func crosses(a, b, c, d point2) bool {
	o1, o2, o3, o4 := orient(a, b, c), orient(a, b, d), orient(c, d, a), orient(c, d, b)
	return (o1 > 0) != (o2 > 0) && (o3 > 0) != (o4 > 0)
}

// hull is the convex hull of points, counter-clockwise (Andrew 1979).
func hull(p []point2) []point2 {
	q := append([]point2(nil), p...)
	sort.Slice(q, func(i, j int) bool { return q[i][0] < q[j][0] || q[i][0] == q[j][0] && q[i][1] < q[j][1] })
	half := func(q []point2) []point2 {
		var h []point2
		for _, p := range q {
			for len(h) > 1 && orient(h[len(h)-2], h[len(h)-1], p) <= 0 {
				h = h[:len(h)-1]
			}
			h = append(h, p)
		}
		return h
	}
	lower := half(q)
	for i, j := 0, len(q)-1; i < j; i, j = i+1, j-1 {
		q[i], q[j] = q[j], q[i]
	}
	upper := half(q)
	if len(lower) < 2 || len(upper) < 2 {
		return nil
	}
	return append(lower[:len(lower)-1], upper[:len(upper)-1]...)
}

// earClip triangulates a simple polygon with holes. It returns the corners
// (outer ring first, then holes) and triangles, counter-clockwise.
func earClip(outer []point2, holes [][]point2) ([]point2, [][3]uint32, error) {
	outer = tidyRing(outer, true)
	if len(outer) < 3 || math.Abs(area2(outer)) < 1e-6 {
		return nil, nil, errors.New("a polygon needs three corners off one line")
	}
	pts := append([]point2(nil), outer...)
	ring := make([]int, len(outer))
	for i := range ring {
		ring[i] = i
	}
	type hole struct{ first, n, right int }
	var hs []hole
	for _, h := range holes {
		h = tidyRing(h, false)
		if len(h) < 3 {
			continue
		}
		first, right := len(pts), 0
		for i, p := range h {
			if p[0] > h[right][0] {
				right = i
			}
		}
		pts = append(pts, h...)
		hs = append(hs, hole{first, len(h), right})
	}
	// Holes are joined by a bridge, the rightmost first, so that each bridge
	// sees the outer ring or a hole already joined (Eberly 2002).
	sort.SliceStable(hs, func(i, j int) bool {
		return pts[hs[i].first+hs[i].right][0] > pts[hs[j].first+hs[j].right][0]
	})
	for _, h := range hs {
		m := h.first + h.right
		k := bridge(pts, ring, m)
		if k < 0 {
			continue // a hole outside the outer ring cuts nothing
		}
		var joined []int
		joined = append(joined, ring[:k+1]...)
		for i := range h.n + 1 {
			joined = append(joined, h.first+(h.right+i)%h.n)
		}
		ring = append(joined, ring[k:]...)
	}
	tris, err := clip(pts, ring)
	return pts, tris, err
}

// bridge finds the place in the ring that corner m of a hole can be joined
// to without crossing anything.
func bridge(pts []point2, ring []int, m int) int {
	best, at := math.Inf(1), -1
	for i, v := range ring {
		d := math.Hypot(pts[v][0]-pts[m][0], pts[v][1]-pts[m][1])
		if d >= best || pts[v][0] < pts[m][0] {
			continue
		}
		// The bridge must leave corner v into the inside of the ring and
		// cross no side.
		a, b := pts[ring[(i+len(ring)-1)%len(ring)]], pts[ring[(i+1)%len(ring)]]
		if !insideCorner(a, pts[v], b, pts[m]) {
			continue
		}
		free := true
		for j := range ring {
			p, q := ring[j], ring[(j+1)%len(ring)]
			if pts[p] == pts[v] || pts[q] == pts[v] {
				continue
			}
			if crosses(pts[m], pts[v], pts[p], pts[q]) {
				free = false
				break
			}
		}
		if free {
			best, at = d, i
		}
	}
	return at
}

// insideCorner reports whether p lies in the inner angle at v between a and b
// of a counter-clockwise ring.
func insideCorner(a, v, b, p point2) bool {
	if orient(a, v, b) >= 0 {
		return orient(a, v, p) >= 0 && orient(v, b, p) >= 0
	}
	return orient(a, v, p) >= 0 || orient(v, b, p) >= 0
}

// clip cuts ears off a ring of corner numbers.
func clip(pts []point2, ring []int) ([][3]uint32, error) {
	r := append([]int(nil), ring...)
	var out [][3]uint32
	for len(r) > 3 {
		best, quality := -1, 0.0
		for i := range r {
			a, b, c := r[(i+len(r)-1)%len(r)], r[i], r[(i+1)%len(r)]
			o := orient(pts[a], pts[b], pts[c])
			if o <= 0 || !isEar(pts, r, a, b, c) {
				continue
			}
			// The fattest ear first: thin slivers shade badly.
			l := max(dist2(pts[a], pts[b]), dist2(pts[b], pts[c]), dist2(pts[c], pts[a]))
			if q := o / l; q > quality {
				best, quality = i, q
			}
		}
		if best < 0 {
			// Only flat corners are left (a bridge seen from both sides, three
			// corners on one line): drop one, or give up.
			flat := -1
			for i := range r {
				a, b, c := r[(i+len(r)-1)%len(r)], r[i], r[(i+1)%len(r)]
				if math.Abs(orient(pts[a], pts[b], pts[c])) < 1e-9 {
					flat = i
					break
				}
			}
			if flat < 0 {
				return nil, errors.New("the polygon crosses itself")
			}
			r = append(r[:flat], r[flat+1:]...)
			continue
		}
		a, b, c := r[(best+len(r)-1)%len(r)], r[best], r[(best+1)%len(r)]
		out = append(out, [3]uint32{uint32(a), uint32(b), uint32(c)})
		r = append(r[:best], r[best+1:]...)
	}
	if orient(pts[r[0]], pts[r[1]], pts[r[2]]) > 0 {
		out = append(out, [3]uint32{uint32(r[0]), uint32(r[1]), uint32(r[2])})
	}
	if len(out) == 0 {
		return nil, errors.New("the polygon has no area")
	}
	return out, nil
}

func dist2(a, b point2) float64 {
	dx, dy := a[0]-b[0], a[1]-b[1]
	return dx*dx + dy*dy
}

func isEar(pts []point2, r []int, a, b, c int) bool {
	for _, v := range r {
		p := pts[v]
		if p == pts[a] || p == pts[b] || p == pts[c] {
			continue
		}
		if orient(pts[a], pts[b], p) >= 0 && orient(pts[b], pts[c], p) >= 0 && orient(pts[c], pts[a], p) >= 0 {
			return false
		}
	}
	return true
}
