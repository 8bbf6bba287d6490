package order

import (
	"errors"
	"math"
)

// Limit is the largest length the network takes or states, in milliseconds:
// 2^53, so that a reader's browser adds the same integers exactly.
const Limit = int64(1) << 53

// NoMin and NoMax are the open ends of a Difference.
const (
	NoMin = int64(math.MinInt64)
	NoMax = int64(math.MaxInt64)
)

// ErrOverflow is returned when a length, or a sum of lengths, leaves Limit.
var ErrOverflow = errors.New("a length of time or a sum of them is beyond 2^53 ms")

// Difference states Min <= To - From <= Max, in milliseconds. Points are
// numbered from 0; point 0 is z, 1970-01-01T00:00Z.
type Difference struct {
	From, To int
	Min, Max int64
}

// Side is which half of a Difference a step uses.
type Side string

const (
	SideMax Side = "max" // from From to To, adding Max
	SideMin Side = "min" // from To to From, adding -Min
)

// Step is one link of a chain: a constraint, by the number Add gave it, and
// the side of it that is used.
type Step struct {
	Constraint int
	Side       Side
}

// Cycle is a contradiction: a closed chain of steps whose lengths sum to less
// than nothing. It passes each point once, so it cannot be reduced: without
// any one of its constraints the others form an open chain, which can always
// be satisfied.
type Cycle struct {
	Steps []Step
	Slack int64 // the negative sum, milliseconds
}

// half is one direction of a constraint seen from one of its ends: the other
// end, the length, and the constraint's number times two, plus one for min.
type half struct {
	w    int64
	to   int32
	code int32
}

func (h half) step() Step {
	if h.code&1 == 1 {
		return Step{int(h.code >> 1), SideMin}
	}
	return Step{int(h.code >> 1), SideMax}
}

// Graph is a consistent network that constraints are added to and taken from.
// It is not safe for concurrent use.
type Graph struct {
	pi  []int64 // feasible: pi[v] - pi[u] <= w for every edge u to v
	out [][]half
	in  [][]half
	all []Difference
	on  []bool
	s   scratch
}

// scratch is kept between calls so that adding costs no allocation.
type scratch struct {
	gamma  []int64
	via    []half  // edge by which a point was reached
	from   []int32 // its tail
	mark   []uint32
	done   []uint32
	stamp  uint32
	heap   heap
	undo   []int32
	before []int64
}

// NewGraph has the given number of points, z included.
func NewGraph(points int) *Graph {
	return &Graph{pi: make([]int64, points), out: make([][]half, points), in: make([][]half, points)}
}

// Points is how many points there are, z included.
func (g *Graph) Points() int { return len(g.pi) }

// AddPoint adds a point that nothing is known about.
func (g *Graph) AddPoint() int {
	g.pi = append(g.pi, g.pi[0])
	g.out, g.in = append(g.out, nil), append(g.in, nil)
	return len(g.pi) - 1
}

func (d Difference) check() error {
	if d.Max != NoMax && (d.Max > Limit || d.Max < -Limit) || d.Min != NoMin && (d.Min > Limit || d.Min < -Limit) {
		return ErrOverflow
	}
	return nil
}

// Build makes the graph of all differences at once, numbered in their order,
// or returns a contradiction among them. It is Bellman's algorithm with
// Tarjan's subtree disassembly, which finds a negative cycle as soon as one
// closes (Cherkassky and Goldberg, "Negative-cycle detection algorithms",
// Mathematical Programming 85, 1999).
func Build(points int, all []Difference) (*Graph, *Cycle, error) {
	for _, d := range all {
		if err := d.check(); err != nil {
			return nil, nil, err
		}
	}
	g := NewGraph(points)
	g.all = append(g.all, all...)
	g.on = make([]bool, len(all))
	for i := range g.on {
		g.on[i] = true
	}
	g.link()
	cycle, err := g.relax()
	if cycle != nil || err != nil {
		return nil, cycle, err
	}
	return g, nil, nil
}

// link lays the halves of all constraints out point by point in two arrays.
func (g *Graph) link() {
	n := len(g.pi)
	outs, ins := make([]int32, n+1), make([]int32, n+1)
	total := 0
	for _, d := range g.all {
		if d.Max != NoMax {
			outs[d.From]++
			ins[d.To]++
			total++
		}
		if d.Min != NoMin {
			outs[d.To]++
			ins[d.From]++
			total++
		}
	}
	a, b := make([]half, total), make([]half, total)
	x, y := int32(0), int32(0)
	for v := range n {
		g.out[v], x = a[x:x:x+outs[v]], x+outs[v]
		g.in[v], y = b[y:y:y+ins[v]], y+ins[v]
	}
	for i, d := range g.all {
		g.insert(i, d)
	}
}

func (g *Graph) insert(i int, d Difference) {
	if d.Max != NoMax {
		g.out[d.From] = append(g.out[d.From], half{d.Max, int32(d.To), int32(2 * i)})
		g.in[d.To] = append(g.in[d.To], half{d.Max, int32(d.From), int32(2 * i)})
	}
	if d.Min != NoMin {
		g.out[d.To] = append(g.out[d.To], half{-d.Min, int32(d.From), int32(2*i + 1)})
		g.in[d.From] = append(g.in[d.From], half{-d.Min, int32(d.To), int32(2*i + 1)})
	}
}

// guess starts potentials near a solution: breadth first, each point in the
// middle of the interval that first reaches it.
func (g *Graph) guess() {
	n := len(g.pi)
	seen := make([]bool, n)
	queue := make([]int32, 0, n)
	for root := range n {
		if seen[root] {
			continue
		}
		seen[root] = true
		queue = append(queue[:0], int32(root))
		for len(queue) > 0 {
			u := queue[0]
			queue = queue[1:]
			for _, h := range g.out[u] {
				if seen[h.to] {
					continue
				}
				seen[h.to] = true
				d, w := g.all[h.code>>1], h.w
				if d.Min != NoMin && d.Max != NoMax {
					w = d.Min + (d.Max-d.Min)/2
					if h.code&1 == 1 {
						w = -w
					}
				}
				g.pi[h.to] = g.pi[u] + w
				if g.pi[h.to] > Limit || g.pi[h.to] < -Limit {
					g.pi[h.to] = 0
				}
				queue = append(queue, h.to)
			}
		}
	}
}

// relax makes the potentials feasible.
func (g *Graph) relax() (*Cycle, error) {
	g.guess()
	n := len(g.pi)
	const none = int32(-1)
	// Shortest path tree as a doubly linked preorder list, so that a subtree is
	// a stretch of the list.
	parent, via := make([]int32, n), make([]half, n)
	next, prev, depth := make([]int32, n), make([]int32, n), make([]int32, n)
	queued := make([]bool, n)
	queue := make([]int32, n)
	for v := range n {
		parent[v], next[v], prev[v] = none, none, none
		queue[v], queued[v] = int32(v), true
	}
	for len(queue) > 0 {
		u := queue[0]
		queue = queue[1:]
		if !queued[u] {
			continue // its label is about to be replaced by a better one
		}
		queued[u] = false
		for _, h := range g.out[u] {
			v := h.to
			label := g.pi[u] + h.w
			if label >= g.pi[v] {
				continue
			}
			if label < -1<<61 {
				return nil, ErrOverflow
			}
			if v == u {
				return &Cycle{[]Step{h.step()}, h.w}, nil
			}
			// Take v's subtree apart: its labels are stale. If u is in it, the edge
			// closes a negative cycle.
			last := next[v]
			for last != none && depth[last] > depth[v] {
				if last == u {
					return g.closing(parent, via, u, v, h), nil
				}
				queued[last] = false
				after := next[last]
				next[last], prev[last], depth[last] = none, none, 0
				last = after
			}
			if p := prev[v]; p != none {
				next[p] = last
			}
			if last != none {
				prev[last] = prev[v]
			}
			g.pi[v], parent[v], via[v] = label, u, h
			depth[v] = depth[u] + 1
			after := next[u]
			next[u], prev[v], next[v] = v, u, after
			if after != none {
				prev[after] = v
			}
			if !queued[v] {
				queued[v] = true
				queue = append(queue, v)
			}
		}
	}
	return nil, nil
}

// closing walks from u up to v along the tree and closes the cycle with h.
func (g *Graph) closing(parent []int32, via []half, u, v int32, h half) *Cycle {
	c := &Cycle{[]Step{h.step()}, h.w}
	for x := u; x != v; x = parent[x] {
		c.Steps = append(c.Steps, via[x].step())
		c.Slack += via[x].w
	}
	reverse(c.Steps)
	return c
}

func reverse[T any](s []T) {
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		s[i], s[j] = s[j], s[i]
	}
}

// Add adds a constraint and returns its number. If it contradicts the others
// the graph stays as it was and the cycle says which.
func (g *Graph) Add(d Difference) (int, *Cycle, error) {
	if err := d.check(); err != nil {
		return 0, nil, err
	}
	i := len(g.all)
	g.all, g.on = append(g.all, d), append(g.on, true)
	if cycle, err := g.put(i); cycle != nil || err != nil {
		g.all, g.on = g.all[:i], g.on[:i]
		return 0, cycle, err
	}
	return i, nil, nil
}

// Restore puts a retracted constraint back.
func (g *Graph) Restore(i int) (*Cycle, error) {
	if g.on[i] {
		return nil, nil
	}
	cycle, err := g.put(i)
	g.on[i] = cycle == nil && err == nil
	return cycle, err
}

func (g *Graph) put(i int) (*Cycle, error) {
	d := g.all[i]
	g.insert(i, d)
	g.s.undo, g.s.before = g.s.undo[:0], g.s.before[:0]
	var cycle *Cycle
	var err error
	if d.Max != NoMax {
		cycle, err = g.repair(int32(d.From), half{d.Max, int32(d.To), int32(2 * i)})
	}
	if cycle == nil && err == nil && d.Min != NoMin {
		cycle, err = g.repair(int32(d.To), half{-d.Min, int32(d.From), int32(2*i + 1)})
	}
	if cycle != nil || err != nil {
		for k := len(g.s.undo) - 1; k >= 0; k-- {
			g.pi[g.s.undo[k]] = g.s.before[k]
		}
		g.unlink(i)
	}
	return cycle, err
}

// repair makes the potentials feasible for one new edge from u: a search in
// the order of how much each potential has to fall. Coming back to u closes a
// negative cycle.
func (g *Graph) repair(u int32, e half) (*Cycle, error) {
	gap := g.pi[u] + e.w - g.pi[e.to]
	if gap >= 0 {
		return nil, nil
	}
	if e.to == u {
		return &Cycle{[]Step{e.step()}, e.w}, nil
	}
	s := &g.s
	s.fit(len(g.pi))
	s.heap = s.heap[:0]
	s.gamma[e.to], s.via[e.to], s.from[e.to], s.mark[e.to] = gap, e, u, s.stamp
	s.heap.push(gap, e.to)
	for len(s.heap) > 0 {
		k, v := s.heap.pop()
		if s.done[v] == s.stamp || k != s.gamma[v] {
			continue
		}
		s.done[v] = s.stamp
		s.undo, s.before = append(s.undo, v), append(s.before, g.pi[v])
		g.pi[v] += k
		if g.pi[v] < -1<<61 {
			return nil, ErrOverflow
		}
		for _, h := range g.out[v] {
			if s.done[h.to] == s.stamp {
				continue
			}
			gap := g.pi[v] + h.w - g.pi[h.to]
			if gap < 0 && (s.mark[h.to] != s.stamp || gap < s.gamma[h.to]) {
				s.gamma[h.to], s.via[h.to], s.from[h.to], s.mark[h.to] = gap, h, v, s.stamp
				if h.to == u {
					// gap is now the length of the whole cycle through the new edge.
					return g.around(u), nil
				}
				s.heap.push(gap, h.to)
			}
		}
	}
	return nil, nil
}

func (g *Graph) around(u int32) *Cycle {
	c := &Cycle{}
	x := u
	for {
		c.Steps = append(c.Steps, g.s.via[x].step())
		c.Slack += g.s.via[x].w
		if x = g.s.from[x]; x == u {
			break
		}
	}
	reverse(c.Steps)
	return c
}

func (s *scratch) fit(n int) {
	if len(s.gamma) < n {
		*s = scratch{gamma: make([]int64, n), via: make([]half, n), from: make([]int32, n), mark: make([]uint32, n), done: make([]uint32, n),
			heap: s.heap, undo: s.undo, before: s.before}
	}
	if s.stamp++; s.stamp == 0 {
		clear(s.mark)
		clear(s.done)
		s.stamp = 1
	}
}

// Retract takes a constraint away. The potentials stay feasible, so this is
// only a matter of unlinking.
func (g *Graph) Retract(i int) {
	if g.on[i] {
		g.on[i] = false
		g.unlink(i)
	}
}

func (g *Graph) unlink(i int) {
	d := g.all[i]
	drop := func(list *[]half, code int32) {
		l := *list
		for k := len(l) - 1; k >= 0; k-- {
			if l[k].code == code {
				l[k] = l[len(l)-1]
				*list = l[:len(l)-1]
				return
			}
		}
	}
	if d.Max != NoMax {
		drop(&g.out[d.From], int32(2*i))
		drop(&g.in[d.To], int32(2*i))
	}
	if d.Min != NoMin {
		drop(&g.out[d.To], int32(2*i+1))
		drop(&g.in[d.From], int32(2*i+1))
	}
}

// heap is a 4-ary heap of keys and points; stale entries are left in and
// skipped by the caller.
type heap []entry

type entry struct {
	key int64
	v   int32
}

func (h *heap) push(key int64, v int32) {
	a := append(*h, entry{})
	i := len(a) - 1
	for i > 0 {
		p := (i - 1) / 4
		if a[p].key <= key {
			break
		}
		a[i] = a[p]
		i = p
	}
	a[i] = entry{key, v}
	*h = a
}

func (h *heap) pop() (int64, int32) {
	a := *h
	top, e := a[0], a[len(a)-1]
	a = a[:len(a)-1]
	*h = a
	i := 0
	for n := len(a); n > 0; {
		c := 4*i + 1
		if c >= n {
			break
		}
		m := c
		for k := c + 1; k < c+4 && k < n; k++ {
			if a[k].key < a[m].key {
				m = k
			}
		}
		if a[m].key >= e.key {
			break
		}
		a[i] = a[m]
		i = m
	}
	if len(a) > 0 {
		a[i] = e
	}
	return top.key, top.v
}
