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
	slot  []int32 // where the triangle with a number stands in tri
}

// bvhNode is half a cache line, and the two children of a node share one.
type bvhNode struct {
	box   [6]float32 // low x, y, z, high x, y, z, rounded outwards
	first int32      // first triangle, or the first of two adjacent children
	count int32      // triangles of a leaf; 0 for an inner node
}

type bvhTri struct {
	p, e1, e2 vec
	id        int32
}

// bvhPrim is a triangle while the tree is being built: its box and its number.
type bvhPrim struct {
	box [6]float32
	id  int32
}

// MaxTriangles bounds a mesh before memory is spent on it: the hierarchy takes
// about 170 bytes a triangle.
const MaxTriangles = 8_000_000

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
	far := 0.0
	for i := range vertices {
		v := &vertices[i]
		for _, x := range v {
			if !(math.Abs(x) <= 1e12) {
				return nil, fmt.Errorf("vertex %d is not a usable position", i)
			}
			if a := math.Abs(x); a > far {
				far = a
			}
		}
	}
	// Boxes are this much larger than what they hold, for rounding in the rays.
	slack := float64(far * 1e-9)
	prims := make([]bvhPrim, 0, len(triangles))
	for i, t := range triangles {
		for _, k := range t {
			if int64(k) >= int64(len(vertices)) {
				return nil, fmt.Errorf("triangle %d names vertex %d of %d", i, k, len(vertices))
			}
		}
		p, q, r := &vertices[t[0]], &vertices[t[1]], &vertices[t[2]]
		if !hasArea(p, q, r) {
			continue
		}
		c := bvhPrim{id: int32(i)}
		for k := range 3 {
			lo, hi := p[k], p[k]
			if q[k] < lo {
				lo = q[k]
			} else if q[k] > hi {
				hi = q[k]
			}
			if r[k] < lo {
				lo = r[k]
			} else if r[k] > hi {
				hi = r[k]
			}
			c.box[k], c.box[k+3] = below(lo-slack), above(hi+slack)
		}
		prims = append(prims, c)
	}
	if len(prims) == 0 {
		return nil, errors.New("the mesh has no triangle with an area")
	}
	// Node 1 stays empty: pairs then begin on even numbers and fill one cache line.
	b := &BVH{nodes: make([]bvhNode, 2, len(prims)+2), tri: make([]bvhTri, len(prims)), slot: make([]int32, len(triangles))}
	bl := bvhBuilder{b: b, prims: prims}
	bl.build(0, 0, len(prims), 0)
	for i := range prims {
		t := triangles[prims[i].id]
		b.slot[prims[i].id] = int32(i)
		p := vertices[t[0]]
		b.tri[i] = bvhTri{p, sub(vertices[t[1]], p), sub(vertices[t[2]], p), prims[i].id}
	}
	return b, nil
}

func hasArea(p, q, r *vec) bool {
	ax, ay, az := q[0]-p[0], q[1]-p[1], q[2]-p[2]
	bx, by, bz := r[0]-p[0], r[1]-p[1], r[2]-p[2]
	x, y, z := float64(ay*bz)-float64(az*by), float64(az*bx)-float64(ax*bz), float64(ax*by)-float64(ay*bx)
	return float64(x*x)+float64(y*y)+float64(z*z) > 0
}

// below and above round outwards.
func below(x float64) float32 { return math.Nextafter32(float32(x), float32(math.Inf(-1))) }
func above(x float64) float32 { return math.Nextafter32(float32(x), float32(math.Inf(1))) }

const bins = 16

type bvhBuilder struct {
	b     *BVH
	prims []bvhPrim
}

// grow widens a box by another.
func grow(a, b *[6]float32) {
	if b[0] < a[0] {
		a[0] = b[0]
	}
	if b[1] < a[1] {
		a[1] = b[1]
	}
	if b[2] < a[2] {
		a[2] = b[2]
	}
	if b[3] > a[3] {
		a[3] = b[3]
	}
	if b[4] > a[4] {
		a[4] = b[4]
	}
	if b[5] > a[5] {
		a[5] = b[5]
	}
}

func area(b *[6]float32) float64 {
	x, y, z := float64(b[3])-float64(b[0]), float64(b[4])-float64(b[1]), float64(b[5])-float64(b[2])
	return float64(x*y) + float64(y*z) + float64(z*x)
}

var nothing = [6]float32{math.MaxFloat32, math.MaxFloat32, math.MaxFloat32, -math.MaxFloat32, -math.MaxFloat32, -math.MaxFloat32}

// build makes node at over the primitives from..to.
func (l *bvhBuilder) build(at, from, to, depth int) {
	box, mid := nothing, nothing
	for i := from; i < to; i++ {
		p := &l.prims[i]
		grow(&box, &p.box)
		x, y, z := p.box[0]+p.box[3], p.box[1]+p.box[4], p.box[2]+p.box[5]
		c := [6]float32{x, y, z, x, y, z}
		grow(&mid, &c)
	}
	n := &l.b.nodes[at]
	n.box = box
	axis := 0
	for k := 1; k < 3; k++ {
		if mid[k+3]-mid[k] > mid[axis+3]-mid[axis] {
			axis = k
		}
	}
	width := mid[axis+3] - mid[axis]
	count := to - from
	if count <= 2 || !(width > 0) && count <= 64 {
		n.first, n.count = int32(from), int32(count)
		return
	}
	cut := from + count/2        // equal centres: halve the list
	if width > 0 && depth < 90 { // deeper than that, halving keeps the tree within the stack
		var num [bins]int32
		var b [bins][6]float32
		for i := range b {
			b[i] = nothing
		}
		low, scale := mid[axis], bins*(1-1e-6)/width
		for i := from; i < to; i++ {
			p := &l.prims[i]
			k := int((p.box[axis]+p.box[axis+3]-low)*scale) & (bins - 1)
			num[k]++
			grow(&b[k], &p.box)
		}
		var right [bins]float64
		acc, c := nothing, int32(0)
		for k := bins - 1; k > 0; k-- {
			if num[k] > 0 {
				grow(&acc, &b[k])
			}
			if c += num[k]; c > 0 {
				right[k] = float64(float64(c) * area(&acc))
			}
		}
		acc, c = nothing, 0
		best, split := math.Inf(1), -1
		for k := range bins - 1 {
			if num[k] > 0 {
				grow(&acc, &b[k])
			}
			c += num[k]
			if c == 0 || int(c) == count {
				continue
			}
			if cost := float64(float64(c)*area(&acc)) + right[k+1]; cost < best {
				best, split = cost, k
			}
		}
		if count <= 6 && best >= float64(float64(count-1)*area(&box)) {
			n.first, n.count = int32(from), int32(count)
			return
		}
		if split >= 0 {
			i, j := from, to
			for i < j {
				p := &l.prims[i]
				if int((p.box[axis]+p.box[axis+3]-low)*scale)&(bins-1) <= split {
					i++
				} else {
					j--
					*p, l.prims[j] = l.prims[j], *p
				}
			}
			if i > from && i < to {
				cut = i
			}
		}
	}
	first := len(l.b.nodes)
	n.first, n.count = int32(first), 0
	l.b.nodes = append(l.b.nodes, bvhNode{}, bvhNode{})
	l.build(first, from, cut, depth+1)
	l.build(first+1, cut, to, depth+1)
}
