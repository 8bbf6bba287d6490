package sight

import (
	"errors"
	"fmt"
	"math"
)

// BVH answers rays against a triangle mesh: a bounding volume hierarchy built
// with the surface area heuristic over 16 bins (Wald 2007). It is read-only
// after NewBVH and safe for concurrent use. Triangles are two-sided, so
// inverted normals and holes do not change what a triangle hides.
type BVH struct {
	nodes []bvhNode
	tri   []bvhTri
}

type bvhNode struct {
	lo, hi vec
	first  int32 // first triangle, or the second child (the first follows)
	count  int32 // triangles of a leaf; 0 for an inner node
}

type bvhTri struct {
	p, e1, e2 vec
	id        int32
}

// MaxTriangles bounds a mesh before memory is spent on it.
const MaxTriangles = 20_000_000

// Hit is where a ray meets the mesh: Distance in units of the direction's
// length, Triangle the index given to NewBVH.
type Hit struct {
	Distance float64
	Triangle int
}

// NewBVH builds the hierarchy over triangles of vertices in metres.
// Degenerate triangles are left out.
func NewBVH(vertices [][3]float64, triangles [][3]uint32) (*BVH, error) {
	if len(triangles) > MaxTriangles {
		return nil, fmt.Errorf("%d triangles, at most %d are accepted; simplify the model", len(triangles), MaxTriangles)
	}
	for i, v := range vertices {
		if !finite(v[:]...) {
			return nil, fmt.Errorf("vertex %d is not a usable position", i)
		}
	}
	b := &BVH{tri: make([]bvhTri, 0, len(triangles))}
	for i, t := range triangles {
		for _, k := range t {
			if int64(k) >= int64(len(vertices)) {
				return nil, fmt.Errorf("triangle %d names vertex %d of %d", i, k, len(vertices))
			}
		}
		p := vertices[t[0]]
		e1, e2 := sub(vertices[t[1]], p), sub(vertices[t[2]], p)
		if norm(cross(e1, e2)) > 0 {
			b.tri = append(b.tri, bvhTri{p, e1, e2, int32(i)})
		}
	}
	if len(b.tri) == 0 {
		return nil, errors.New("the mesh has no triangle with an area")
	}
	b.nodes = make([]bvhNode, 0, len(b.tri))
	b.build(0, len(b.tri), 0)
	return b, nil
}

func (t *bvhTri) grow(lo, hi *vec) {
	for k := range 3 {
		a, b, c := t.p[k], t.p[k]+t.e1[k], t.p[k]+t.e2[k]
		lo[k] = min(lo[k], a, b, c)
		hi[k] = max(hi[k], a, b, c)
	}
}

func (t *bvhTri) middle(k int) float64 { return t.p[k] + (t.e1[k]+t.e2[k])/3 }

func area(lo, hi *vec) float64 {
	x, y, z := hi[0]-lo[0], hi[1]-lo[1], hi[2]-lo[2]
	return float64(x*y) + float64(y*z) + float64(z*x)
}

var nothing = [2]vec{{math.Inf(1), math.Inf(1), math.Inf(1)}, {math.Inf(-1), math.Inf(-1), math.Inf(-1)}}

func (b *BVH) build(from, to, depth int) {
	n := bvhNode{lo: nothing[0], hi: nothing[1]}
	clo, chi := nothing[0], nothing[1]
	for i := from; i < to; i++ {
		t := &b.tri[i]
		t.grow(&n.lo, &n.hi)
		for k := range 3 {
			m := t.middle(k)
			clo[k], chi[k] = min(clo[k], m), max(chi[k], m)
		}
	}
	at := len(b.nodes)
	b.nodes = append(b.nodes, n)
	axis := 0
	for k := 1; k < 3; k++ {
		if chi[k]-clo[k] > chi[axis]-clo[axis] {
			axis = k
		}
	}
	width := chi[axis] - clo[axis]
	if to-from <= 2 || !(width > 0) && to-from <= 64 {
		b.nodes[at].first, b.nodes[at].count = int32(from), int32(to-from)
		return
	}
	mid := (from + to) / 2       // equal centres: halve the list
	if width > 0 && depth < 90 { // deeper than that, halving keeps the tree within the stack
		const bins = 16
		var count [bins]int
		var lo, hi [bins]vec
		for i := range bins {
			lo[i], hi[i] = nothing[0], nothing[1]
		}
		scale := bins * (1 - 1e-9) / width
		bin := func(t *bvhTri) int { return max(0, min(bins-1, int(float64((t.middle(axis)-clo[axis])*scale)))) }
		for i := from; i < to; i++ {
			k := bin(&b.tri[i])
			count[k]++
			b.tri[i].grow(&lo[k], &hi[k])
		}
		var right [bins]float64
		l, h, c := nothing[0], nothing[1], 0
		for k := bins - 1; k > 0; k-- {
			for a := range 3 {
				l[a], h[a] = min(l[a], lo[k][a]), max(h[a], hi[k][a])
			}
			if c += count[k]; c > 0 {
				right[k] = float64(float64(c) * area(&l, &h))
			}
		}
		l, h, c = nothing[0], nothing[1], 0
		best, cut := math.Inf(1), 0
		for k := 0; k < bins-1; k++ {
			for a := range 3 {
				l[a], h[a] = min(l[a], lo[k][a]), max(h[a], hi[k][a])
			}
			c += count[k]
			if c == 0 || c == to-from {
				continue
			}
			if cost := float64(float64(c)*area(&l, &h)) + right[k+1]; cost < best {
				best, cut = cost, k
			}
		}
		if to-from <= 8 && best >= float64(to-from-1)*area(&n.lo, &n.hi) {
			b.nodes[at].first, b.nodes[at].count = int32(from), int32(to-from)
			return
		}
		i, j := from, to
		for i < j {
			if bin(&b.tri[i]) <= cut {
				i++
			} else {
				j--
				b.tri[i], b.tri[j] = b.tri[j], b.tri[i]
			}
		}
		if i > from && i < to {
			mid = i
		}
	}
	b.build(from, mid, depth+1)
	b.nodes[at].first = int32(len(b.nodes))
	b.build(mid, to, depth+1)
}

// Closest is the nearest triangle along a ray, between distances 0 and limit.
func (b *BVH) Closest(origin, dir [3]float64, limit float64) (Hit, bool) {
	return b.walk(origin, dir, 0, limit, false)
}

// Blocked says whether something stands on the segment between two points.
// Tolerance metres next to both ends do not count, so that a point on a
// surface is not hidden by that surface.
func (b *BVH) Blocked(from, to [3]float64, tolerance float64) bool {
	d := sub(to, from)
	n := norm(d)
	if !(n > 2*tolerance) {
		return false
	}
	_, hit := b.walk(from, d, tolerance/n, 1-tolerance/n, true)
	return hit
}

func (b *BVH) walk(o, d vec, from, limit float64, any bool) (best Hit, found bool) {
	inv := vec{1 / d[0], 1 / d[1], 1 / d[2]}
	// far children wait here with the distance at which the ray enters them
	var stack [128]struct {
		t  float64
		at int32
	}
	top := 0
	at := int32(0)
	if _, ok := b.nodes[0].enter(&o, &inv, from, limit); !ok {
		return best, false
	}
	for {
		n := &b.nodes[at]
		if n.count == 0 {
			one, two := at+1, n.first
			t1, in1 := b.nodes[one].enter(&o, &inv, from, limit)
			t2, in2 := b.nodes[two].enter(&o, &inv, from, limit)
			if in1 && in2 && t2 < t1 {
				one, two, t1, t2 = two, one, t2, t1
			}
			switch {
			case in1 && in2:
				stack[top].t, stack[top].at = t2, two
				top++
				at = one
				continue
			case in1:
				at = one
				continue
			case in2:
				at = two
				continue
			}
		}
		for i := n.first; i < n.first+n.count; i++ {
			if t, ok := b.tri[i].meets(&o, &d); ok && t > from && t < limit {
				limit, best, found = t, Hit{t, int(b.tri[i].id)}, true
				if any {
					return best, true
				}
			}
		}
		for {
			if top == 0 {
				return best, found
			}
			top--
			if stack[top].t <= limit {
				at = stack[top].at
				break
			}
		}
	}
}

// enter gives the distance at which a ray enters a box within an interval.
// NaN (a ray in the plane of a face) leaves the interval as it is.
func (n *bvhNode) enter(o, inv *vec, from, limit float64) (float64, bool) {
	t0, t1 := from, limit
	for k := range 3 {
		a, c := (n.lo[k]-o[k])*inv[k], (n.hi[k]-o[k])*inv[k]
		if inv[k] < 0 {
			a, c = c, a
		}
		if a > t0 {
			t0 = a
		}
		if c < t1 {
			t1 = c
		}
	}
	return t0, t0 <= t1+1e-12*math.Abs(t1)
}

// meets is the test of Möller and Trumbore 1997, two-sided.
func (t *bvhTri) meets(o, d *vec) (float64, bool) {
	p := cross(*d, t.e2)
	det := dot(t.e1, p)
	if det == 0 {
		return 0, false
	}
	inv := 1 / det
	s := sub(*o, t.p)
	u := float64(dot(s, p) * inv)
	if u < -1e-12 || u > 1+1e-12 {
		return 0, false
	}
	q := cross(s, t.e1)
	v := float64(dot(*d, q) * inv)
	if v < -1e-12 || u+v > 1+1e-12 {
		return 0, false
	}
	return float64(dot(t.e2, q) * inv), true
}

// Sight is a three-valued answer to "can A see B".
type Sight string

// The values of Sight.
const (
	Visible Sight = "visible"
	Hidden  Sight = "hidden"
	Depends Sight = "depends on position"
)

// See says whether target is visible from an eye that is known with a 3x3
// covariance in square metres (zero for an exact place), and with what
// probability: 400 eyes are drawn from the covariance, always the same ones.
// Below 2.5 % it is hidden, above 97.5 % visible.
func (b *BVH) See(eye [3]float64, covariance [3][3]float64, target [3]float64, tolerance float64) (Sight, float64) {
	val, axes := eigen3(covariance)
	if !(val[0] > 0) {
		if b.Blocked(eye, target, tolerance) {
			return Hidden, 0
		}
		return Visible, 1
	}
	const draws = 400
	rng := newPCG(1)
	seen := 0
	for range draws {
		z0, z1 := rng.normals()
		z2, _ := rng.normals()
		e := eye
		for k, z := range [3]float64{z0, z1, z2} {
			s := float64(z * math.Sqrt(math.Max(0, val[k])))
			for i := range 3 {
				e[i] += float64(s * axes[k][i])
			}
		}
		if !b.Blocked(e, target, tolerance) {
			seen++
		}
	}
	p := float64(seen) / draws
	switch {
	case p < 0.025:
		return Hidden, p
	case p > 0.975:
		return Visible, p
	}
	return Depends, p
}

// Viewshed says which of the targets an eye sees.
func (b *BVH) Viewshed(eye [3]float64, targets [][3]float64, tolerance float64) []bool {
	out := make([]bool, len(targets))
	for i := range targets {
		out[i] = !b.Blocked(eye, targets[i], tolerance)
	}
	return out
}
