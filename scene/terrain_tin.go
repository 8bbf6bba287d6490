package scene

import (
	"container/heap"
	"errors"
	"fmt"
	"math"
)

// tin meshes a square of posts by greedy insertion (Garland and Heckbert
// 1995): a Delaunay triangulation to which the post that is missed most is
// added until no post is missed by more than the tolerance, or the triangles
// are used up. A surface model with roofs and trees takes far fewer triangles
// at an error than one of bisected right triangles does.
type tin struct {
	n    int // posts along a side
	z    []float64
	q    []quality
	v    [][2]int32
	tri  [][3]int32 // vertices, counter-clockwise
	adj  [][3]int32 // triangle across the side from corner k to k+1; -1 none
	miss []float64  // of each triangle, at
	at   [][2]int32
	pos  []int32 // of each triangle in the queue, -1 not there
	que  []int32
}

func (t *tin) Len() int           { return len(t.que) }
func (t *tin) Less(i, j int) bool { return t.before(t.que[i], t.que[j]) }
func (t *tin) Swap(i, j int) {
	t.que[i], t.que[j] = t.que[j], t.que[i]
	t.pos[t.que[i]], t.pos[t.que[j]] = int32(i), int32(j)
}
func (t *tin) Push(x any) {
	k := x.(int32)
	t.pos[k] = int32(len(t.que))
	t.que = append(t.que, k)
}
func (t *tin) Pop() any {
	k := t.que[len(t.que)-1]
	t.que = t.que[:len(t.que)-1]
	t.pos[k] = -1
	return k
}

// before orders by miss, then by place, so that the mesh does not depend on
// how the queue came about.
func (t *tin) before(a, b int32) bool {
	if t.miss[a] != t.miss[b] {
		return t.miss[a] > t.miss[b]
	}
	if t.at[a][1] != t.at[b][1] {
		return t.at[a][1] < t.at[b][1]
	}
	return t.at[a][0] < t.at[b][0]
}

// maxTINPosts bounds a surface model: 2 km at 1 m.
const maxTINPosts = 4_100_000

// meshTIN meshes one ring of heights with at most so many triangles (0: any
// number) and no post missed by more than tolerance.
func meshTIN(h heights, ring Ring, tolerance float64, triangles int) (*groundMesh, error) {
	side := int(math.Ceil(2*ring.ToM/ring.StepM-1e-9)) + 1
	if !(ring.ToM > 0 && ring.ToM <= 60_000) || !(ring.StepM >= 0.1) || side*side > maxTINPosts || side < 2 {
		return nil, fmt.Errorf("terrain: %v m posts out to %v m: at most %d posts are meshed by insertion; use a larger step or a smaller ring", ring.StepM, ring.ToM, maxTINPosts)
	}
	t := &tin{n: side, z: make([]float64, side*side), q: make([]quality, side*side)}
	half := float64(side-1) * ring.StepM / 2
	place := func(p [2]int32) (e, n float64) {
		return float64(p[0])*ring.StepM - half, float64(p[1])*ring.StepM - half
	}
	g := &groundMesh{}
	low := math.Inf(1)
	for y := range side {
		for x := range side {
			k := y*side + x
			t.z[k], t.q[k] = h(place([2]int32{int32(x), int32(y)}))
			switch t.q[k] {
			case missing:
				g.facts.MissingPosts++
			case filled:
				g.facts.FilledPosts++
				low = min(low, t.z[k])
			default:
				low = min(low, t.z[k])
			}
		}
	}
	if g.facts.MissingPosts > 0 {
		if g.facts.MissingPosts == side*side {
			return nil, errors.New("terrain: no source has a height inside the scene's rings")
		}
		return nil, fmt.Errorf("terrain: %d of %d posts have no height; insertion needs a full square, so make the ring smaller or leave max_triangles out", g.facts.MissingPosts, side*side)
	}
	last := int32(side - 1)
	t.v = [][2]int32{{0, 0}, {last, 0}, {last, last}, {0, last}}
	t.add([3]int32{0, 1, 2}, [3]int32{-1, -1, 1})
	t.add([3]int32{0, 2, 3}, [3]int32{0, -1, -1})
	for len(t.que) > 0 {
		k := t.que[0]
		if t.miss[k] <= tolerance || triangles > 0 && len(t.tri)+2 > triangles {
			break
		}
		t.insert(k)
	}
	g.facts.Rings, g.facts.ToleranceM = []Ring{ring}, tolerance
	for _, p := range t.v {
		k := int(p[1])*side + int(p[0])
		e, n := place(p)
		g.positions = append(g.positions, [3]float64{e, n, t.z[k]})
		g.quality = append(g.quality, t.q[k])
	}
	for _, c := range t.tri {
		g.triangles = append(g.triangles, [3]uint32{uint32(c[0]), uint32(c[1]), uint32(c[2])})
	}
	sum := 0.0
	for k := range t.tri {
		g.facts.ErrorMaxM = max(g.facts.ErrorMaxM, t.miss[k])
		t.scan(int32(k), func(_, _ int32, d float64) { sum += d * d })
	}
	g.facts.ErrorMaxM = round(g.facts.ErrorMaxM, 1e-4)
	g.facts.ErrorRMSM = round(math.Sqrt(sum/float64(side*side)), 1e-4)
	return g, nil
}

// add appends a triangle and finds the post it misses most.
func (t *tin) add(c, adj [3]int32) int32 {
	k := int32(len(t.tri))
	t.tri, t.adj = append(t.tri, c), append(t.adj, adj)
	t.miss, t.at, t.pos = append(t.miss, 0), append(t.at, [2]int32{}), append(t.pos, -1)
	t.look(k)
	return k
}

// set changes a triangle in place.
func (t *tin) set(k int32, c, adj [3]int32) {
	t.tri[k], t.adj[k] = c, adj
	t.look(k)
}

// look finds the post that a triangle misses most and queues it.
func (t *tin) look(k int32) {
	best, at := 0.0, [2]int32{}
	t.scan(k, func(x, y int32, d float64) {
		if d = math.Abs(d); d > best {
			best, at = d, [2]int32{x, y}
		}
	})
	// A corner of the triangle is met exactly up to rounding.
	if best < 1e-9 {
		best = 0
	}
	t.miss[k], t.at[k] = best, at
	switch {
	case best > 0 && t.pos[k] < 0:
		heap.Push(t, k)
	case best > 0:
		heap.Fix(t, int(t.pos[k]))
	case t.pos[k] >= 0:
		heap.Remove(t, int(t.pos[k]))
	}
}

// scan visits the posts of a triangle, those on its sides included, with the
// mesh's height less theirs.
func (t *tin) scan(k int32, do func(x, y int32, d float64)) {
	c := &t.tri[k]
	a, b, d := t.v[c[0]], t.v[c[1]], t.v[c[2]]
	if b[1] < a[1] {
		a, b = b, a
	}
	if d[1] < a[1] {
		a, d = d, a
	}
	if d[1] < b[1] {
		b, d = d, b
	}
	n := int32(t.n)
	za, zb, zd := t.z[a[1]*n+a[0]], t.z[b[1]*n+b[0]], t.z[d[1]*n+d[0]]
	ax, ay := float64(a[0]), float64(a[1])
	bx, by, dx, dy := float64(b[0])-ax, float64(b[1])-ay, float64(d[0])-ax, float64(d[1])-ay
	det := bx*dy - dx*by
	if det == 0 {
		return
	}
	gx := ((zb-za)*dy - (zd-za)*by) / det
	gy := ((zd-za)*bx - (zb-za)*dx) / det
	edge := func(p, q [2]int32, y int32) float64 {
		return float64(p[0]) + float64(q[0]-p[0])*float64(y-p[1])/float64(q[1]-p[1])
	}
	for y := a[1]; y <= d[1]; y++ {
		l := float64(a[0])
		if d[1] != a[1] {
			l = edge(a, d, y)
		}
		r := 0.0
		switch {
		case y < b[1]:
			r = edge(a, b, y)
		case d[1] != b[1]:
			r = edge(b, d, y)
		default:
			r = float64(b[0])
		}
		if l > r {
			l, r = r, l
		}
		x0, x1 := int32(math.Ceil(l-1e-9)), int32(math.Floor(r+1e-9))
		row := t.z[y*n : y*n+n]
		z := za + gy*(float64(y)-ay) + gx*(float64(x0)-ax)
		for x := x0; x <= x1; x++ {
			do(x, y, z-row[x])
			z += gx
		}
	}
}

// cross is twice the area of three posts, exact in integers.
func (t *tin) cross(a, b, c [2]int32) int64 {
	return int64(b[0]-a[0])*int64(c[1]-a[1]) - int64(b[1]-a[1])*int64(c[0]-a[0])
}

// insert puts the worst post of a triangle into the mesh.
func (t *tin) insert(k int32) {
	p := t.at[k]
	c, adj := t.tri[k], t.adj[k]
	for s := range 3 {
		if t.cross(t.v[c[s]], t.v[c[(s+1)%3]], p) == 0 {
			t.split(k, s, p)
			return
		}
	}
	i := int32(len(t.v))
	t.v = append(t.v, p)
	n := int32(len(t.tri))
	// k becomes (c0, c1, p); two more follow.
	t.set(k, [3]int32{c[0], c[1], i}, [3]int32{adj[0], n, n + 1})
	t.add([3]int32{c[1], c[2], i}, [3]int32{adj[1], n + 1, k})
	t.add([3]int32{c[2], c[0], i}, [3]int32{adj[2], k, n})
	t.relink(adj[1], k, n)
	t.relink(adj[2], k, n+1)
	t.legal(k, 0)
	t.legal(n, 0)
	t.legal(n+1, 0)
}

// split puts a post on side s of a triangle.
func (t *tin) split(k int32, s int, p [2]int32) {
	c, adj := t.tri[k], t.adj[k]
	a, b, d := c[s], c[(s+1)%3], c[(s+2)%3]
	ab, bd, da := adj[s], adj[(s+1)%3], adj[(s+2)%3]
	i := int32(len(t.v))
	t.v = append(t.v, p)
	n := int32(len(t.tri))
	if ab < 0 {
		t.set(k, [3]int32{d, a, i}, [3]int32{da, -1, n})
		t.add([3]int32{b, d, i}, [3]int32{bd, k, -1})
		t.relink(bd, k, n)
		t.legal(k, 0)
		t.legal(n, 0)
		return
	}
	o := ab
	oc, oadj := t.tri[o], t.adj[o]
	r := 0 // the side of o from b to a
	for oc[r] != b {
		r++
	}
	e := oc[(r+2)%3]
	ae, eb := oadj[(r+1)%3], oadj[(r+2)%3]
	t.set(k, [3]int32{d, a, i}, [3]int32{da, o, n})
	t.set(o, [3]int32{a, e, i}, [3]int32{ae, n + 1, k})
	t.add([3]int32{b, d, i}, [3]int32{bd, k, n + 1})
	t.add([3]int32{e, b, i}, [3]int32{eb, n, o})
	t.relink(bd, k, n)
	t.relink(eb, o, n+1)
	t.legal(k, 0)
	t.legal(o, 0)
	t.legal(n, 0)
	t.legal(n+1, 0)
}

// relink tells a neighbour its new neighbour.
func (t *tin) relink(k, from, to int32) {
	if k < 0 {
		return
	}
	for s := range 3 {
		if t.adj[k][s] == from {
			t.adj[k][s] = to
			return
		}
	}
}

// legal flips a side whose opposite corner lies in the circle of the triangle
// (Lawson), and looks at the sides that came from it. The new post is opposite
// to side s.
func (t *tin) legal(k int32, s int) {
	o := t.adj[k][s]
	if o < 0 {
		return
	}
	c := t.tri[k]
	a, b, p := c[s], c[(s+1)%3], c[(s+2)%3]
	r := 0
	for t.tri[o][r] != b {
		r++
	}
	e := t.tri[o][(r+2)%3]
	if !inCircle(t.v[a], t.v[b], t.v[p], t.v[e]) {
		return
	}
	bp, pa := t.adj[k][(s+1)%3], t.adj[k][(s+2)%3]
	ae, eb := t.adj[o][(r+1)%3], t.adj[o][(r+2)%3]
	t.set(k, [3]int32{a, e, p}, [3]int32{ae, o, pa})
	t.set(o, [3]int32{e, b, p}, [3]int32{eb, bp, k})
	t.relink(ae, o, k)
	t.relink(bp, k, o)
	t.legal(k, 0)
	t.legal(o, 0)
}

// inCircle is exact: posts are small integers, products stay below 2^63 for
// 2,100 posts a side.
func inCircle(a, b, c, d [2]int32) bool {
	ax, ay := int64(a[0]-d[0]), int64(a[1]-d[1])
	bx, by := int64(b[0]-d[0]), int64(b[1]-d[1])
	cx, cy := int64(c[0]-d[0]), int64(c[1]-d[1])
	return (ax*ax+ay*ay)*(bx*cy-cx*by)-(bx*bx+by*by)*(ax*cy-cx*ay)+(cx*cx+cy*cy)*(ax*by-bx*ay) > 0
}
