package sight

import "math"

// Closest is the nearest triangle along a ray, between distances 0 and limit.
func (b *BVH) Closest(origin, dir [3]float64, limit float64) (Hit, bool) {
	return b.closest(&origin, &dir, 0, limit)
}

// Blocked says whether something stands on the segment between two points.
// Tolerance metres next to both ends do not count, so that a point on a
// surface is not hidden by that surface.
func (b *BVH) Blocked(from, to [3]float64, tolerance float64) bool {
	d := vec{to[0] - from[0], to[1] - from[1], to[2] - from[2]}
	n := math.Sqrt(float64(d[0]*d[0]) + float64(d[1]*d[1]) + float64(d[2]*d[2]))
	if !(n > 2*tolerance) {
		return false
	}
	return b.any(&from, &d, tolerance/n, 1-tolerance/n)
}

// ray is what the box test needs: scalars, because a compiler keeps arrays in
// memory.
type ray struct {
	ox, oy, oz float64
	ix, iy, iz float64
	nx, ny, nz int // which end of the box is entered first: 0 low, 3 high
}

// newRay avoids infinite inverses, so that the box test has no NaN.
func newRay(o, d *vec) (r ray) {
	inverse := func(x float64) (float64, int) {
		switch i := 1 / x; {
		case i > 1e290:
			return 1e290, 0
		case i < -1e290:
			return -1e290, 3
		case i < 0:
			return i, 3
		default:
			return i, 0
		}
	}
	r.ox, r.oy, r.oz = o[0], o[1], o[2]
	r.ix, r.nx = inverse(d[0])
	r.iy, r.ny = inverse(d[1])
	r.iz, r.nz = inverse(d[2])
	return r
}

// enter gives the distance at which a ray enters a box within an interval.
// Distances are compared by their bits, which a processor does without
// branching: from is not negative, so bits of positive numbers are ordered as
// the numbers are, and a negative distance of leaving, whatever its bits, is
// below from. The slack for rounding is in the boxes.
func (n *bvhNode) enter(r *ray, from, limit int64) (t int64, ok bool) {
	x0, x1 := (float64(n.box[r.nx])-r.ox)*r.ix, (float64(n.box[3-r.nx])-r.ox)*r.ix
	y0, y1 := (float64(n.box[1+r.ny])-r.oy)*r.iy, (float64(n.box[4-r.ny])-r.oy)*r.iy
	z0, z1 := (float64(n.box[2+r.nz])-r.oz)*r.iz, (float64(n.box[5-r.nz])-r.oz)*r.iz
	t0 := max(from, bits(x0), bits(y0), bits(z0))
	t1 := min(limit, bits(x1), bits(y1), bits(z1))
	return t0, t0 <= t1
}

func bits(x float64) int64 { return int64(math.Float64bits(x)) }

func (b *BVH) any(o, d *vec, from, limit float64) bool {
	r := newRay(o, d)
	f, l := bits(from), bits(limit)
	var stack [128]int32
	top := 0
	at := int32(0)
	nodes := b.nodes
	if _, ok := nodes[0].enter(&r, f, l); !ok {
		return false
	}
	for {
		n := &nodes[at]
		if n.count == 0 {
			pair := nodes[n.first : n.first+2 : n.first+2]
			t1, in1 := pair[0].enter(&r, f, l)
			t2, in2 := pair[1].enter(&r, f, l)
			if in1 {
				at = n.first
				if in2 {
					stack[top&127] = at + 1
					if t2 < t1 {
						stack[top&127] = at
						at++
					}
					top++
				}
				continue
			}
			if in2 {
				at = n.first + 1
				continue
			}
		} else {
			for i := n.first; i < n.first+n.count; i++ {
				if t, ok := b.tri[i].meets(o, d); ok && t > from && t < limit {
					return true
				}
			}
		}
		if top == 0 {
			return false
		}
		top--
		at = stack[top&127]
	}
}

func (b *BVH) closest(o, d *vec, from, limit float64) (best Hit, found bool) {
	r := newRay(o, d)
	f, l := bits(from), bits(limit)
	// Far children wait here with the distance at which the ray enters them.
	var stack [128]struct {
		t  int64
		at int32
	}
	top := 0
	at := int32(0)
	if _, ok := b.nodes[0].enter(&r, f, l); !ok {
		return best, false
	}
	for {
		n := &b.nodes[at]
		if n.count == 0 {
			one, two := n.first, n.first+1
			t1, in1 := b.nodes[one].enter(&r, f, l)
			t2, in2 := b.nodes[two].enter(&r, f, l)
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
			if t, ok := b.tri[i].meets(o, d); ok && t > from && t < limit {
				limit, l, best, found = t, bits(t), Hit{t, int(b.tri[i].id)}, true
			}
		}
		for {
			if top == 0 {
				return best, found
			}
			top--
			if stack[top].t <= l {
				at = stack[top].at
				break
			}
		}
	}
}

// crossings counts the triangles that a ray passes, for the parity test of a
// closed surface.
func (b *BVH) crossings(o, d *vec) int {
	r := newRay(o, d)
	stack := make([]int32, 1, 64)
	n := 0
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		v := &b.nodes[at]
		if _, ok := v.enter(&r, 0, bits(math.Inf(1))); !ok {
			continue
		}
		if v.count == 0 {
			stack = append(stack, v.first, v.first+1)
			continue
		}
		for i := v.first; i < v.first+v.count; i++ {
			if t, ok := b.tri[i].meets(o, d); ok && t > 0 {
				n++
			}
		}
	}
	return n
}

// meets is the test of Möller and Trumbore 1997, two-sided.
func (t *bvhTri) meets(o, d *vec) (float64, bool) {
	dx, dy, dz := d[0], d[1], d[2]
	ax, ay, az := t.e1[0], t.e1[1], t.e1[2]
	bx, by, bz := t.e2[0], t.e2[1], t.e2[2]
	px, py, pz := float64(dy*bz)-float64(dz*by), float64(dz*bx)-float64(dx*bz), float64(dx*by)-float64(dy*bx)
	det := float64(ax*px) + float64(ay*py) + float64(az*pz)
	if det == 0 {
		return 0, false
	}
	inv := 1 / det
	sx, sy, sz := o[0]-t.p[0], o[1]-t.p[1], o[2]-t.p[2]
	u := float64((float64(sx*px) + float64(sy*py) + float64(sz*pz)) * inv)
	if u < -1e-12 || u > 1+1e-12 {
		return 0, false
	}
	qx, qy, qz := float64(sy*az)-float64(sz*ay), float64(sz*ax)-float64(sx*az), float64(sx*ay)-float64(sy*ax)
	v := float64((float64(dx*qx) + float64(dy*qy) + float64(dz*qz)) * inv)
	if v < -1e-12 || u+v > 1+1e-12 {
		return 0, false
	}
	return float64((float64(bx*qx) + float64(by*qy) + float64(bz*qz)) * inv), true
}
