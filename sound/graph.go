package sound

import (
	"math"
	"sort"
)

// Node is the clock of one recording in the solved graph: its first sample is
// at Offset seconds of the reference's clock, its clock runs PPM parts in a
// million slow against the reference (one second of it lasts 1 + PPM/10^6).
// Shift is the half width in seconds that unknown distances add (see
// Geometry); 0 when there are none.
type Node struct {
	File               int
	Offset, SD         float64
	PPM, PPMSD, Within float64
}

// Closure is the error of a way round: the lags along Files and back add up to
// Error seconds where they should add up to nothing.
type Closure struct {
	Files []int
	Error float64
}

// Component is a set of recordings tied to each other by accepted pairs.
type Component struct {
	Reference int
	Nodes     []Node
	Closures  []Closure
	Checked   bool // some way round exists, so the lags checked each other
}

// Solution is the answer for a set of recordings.
type Solution struct {
	Pairs      []Pair
	Components []Component
}

// solveGraph turns accepted pairs into one clock for each component. Pairs
// that contradict the others are taken back, with the reason. The spanning tree
// of the best scores gives the start; weighted least squares with Cauchy's loss
// gives the offsets.
func solveGraph(n int, pairs []Pair) []Component {
	for range pairs {
		comps := solveOnce(n, pairs)
		worst, at := 0.0, -1
		for i := range pairs {
			p := &pairs[i]
			if !p.Accepted || !inCycle(n, pairs, i) {
				continue
			}
			// The pair against the clock that the others make without it counts
			// for more than its own pull; Cauchy's weights see to that.
			if r := math.Abs(misfit(comps, p)); r > 0.02+6*p.SD && r/p.Score > worst {
				worst, at = r/p.Score, i
			}
		}
		if at < 0 {
			return comps
		}
		pairs[at].Accepted, pairs[at].Reason = false, "contradicts_the_others"
	}
	return solveOnce(n, pairs)
}

func misfit(comps []Component, p *Pair) float64 {
	if a, b := nodeOf(comps, p.A), nodeOf(comps, p.B); a != nil && b != nil {
		return b.Offset - a.Offset - p.Lag*(1+a.PPM*1e-6)
	}
	return 0
}

func nodeOf(comps []Component, file int) *Node {
	for i := range comps {
		for k := range comps[i].Nodes {
			if comps[i].Nodes[k].File == file {
				return &comps[i].Nodes[k]
			}
		}
	}
	return nil
}

// inCycle reports whether the ends of a pair stay connected without it.
func inCycle(n int, pairs []Pair, skip int) bool {
	u := newUnion(n)
	for i, p := range pairs {
		if p.Accepted && i != skip {
			u.join(p.A, p.B)
		}
	}
	return u.find(pairs[skip].A) == u.find(pairs[skip].B)
}

type union []int

func newUnion(n int) union {
	u := make(union, n)
	for i := range u {
		u[i] = i
	}
	return u
}

func (u union) find(i int) int {
	for u[i] != i {
		u[i] = u[u[i]]
		i = u[i]
	}
	return i
}

func (u union) join(a, b int) bool {
	a, b = u.find(a), u.find(b)
	u[a] = b
	return a != b
}

func solveOnce(n int, pairs []Pair) []Component {
	var edges []int
	for i, p := range pairs {
		if p.Accepted {
			edges = append(edges, i)
		}
	}
	sort.SliceStable(edges, func(i, j int) bool { return pairs[edges[i]].strength > pairs[edges[j]].strength })
	u := newUnion(n)
	tree := make([][]int, n)
	var rest []int
	for _, i := range edges {
		if p := pairs[i]; u.join(p.A, p.B) {
			tree[p.A], tree[p.B] = append(tree[p.A], i), append(tree[p.B], i)
		} else {
			rest = append(rest, i)
		}
	}
	members := map[int][]int{}
	for i := range n {
		members[u.find(i)] = append(members[u.find(i)], i)
	}
	var roots []int
	for r := range members {
		roots = append(roots, r)
	}
	sort.Slice(roots, func(i, j int) bool { return members[roots[i]][0] < members[roots[j]][0] })
	var out []Component
	for _, r := range roots {
		files := members[r]
		c := Component{Reference: files[0]}
		if len(files) == 1 {
			c.Nodes = []Node{{File: files[0]}}
			out = append(out, c)
			continue
		}
		index := map[int]int{}
		for k, f := range files {
			index[f] = k
		}
		var own []int
		for _, i := range edges {
			if _, ok := index[pairs[i].A]; ok {
				own = append(own, i)
			}
		}
		rate, rateSD := leastSquares(len(files), own, pairs, index, func(p *Pair) (float64, float64, bool) {
			if !p.PPMKnown {
				return 0, 80, true // clocks are alike until shown otherwise
			}
			return p.PPM, math.Max(p.PPMSD, 0.05), true
		}, nil)
		off, offSD := leastSquares(len(files), own, pairs, index, func(p *Pair) (float64, float64, bool) {
			return p.Lag * (1 + rate[index[p.A]]*1e-6), math.Max(p.SD, 1e-5), true
		}, seed(files, index, tree, pairs, rate))
		for k, f := range files {
			c.Nodes = append(c.Nodes, Node{File: f, Offset: off[k], SD: offSD[k], PPM: rate[k], PPMSD: rateSD[k]})
		}
		for _, i := range rest {
			if _, ok := index[pairs[i].A]; !ok {
				continue
			}
			c.Checked = true
			c.Closures = append(c.Closures, way(i, tree, pairs, rate, index))
		}
		out = append(out, c)
	}
	return out
}

// seed walks the tree from the reference.
func seed(files []int, index map[int]int, tree [][]int, pairs []Pair, rate []float64) []float64 {
	off := make([]float64, len(files))
	done := map[int]bool{files[0]: true}
	for queue := []int{files[0]}; len(queue) > 0; queue = queue[1:] {
		f := queue[0]
		for _, i := range tree[f] {
			p := pairs[i]
			step := p.Lag * (1 + rate[index[p.A]]*1e-6)
			g := p.B
			if f == p.B {
				g, step = p.A, -step
			}
			if !done[g] {
				done[g] = true
				off[index[g]] = off[index[f]] + step
				queue = append(queue, g)
			}
		}
	}
	return off
}

// way closes one pair through the tree: its lag against the tree's.
func way(i int, tree [][]int, pairs []Pair, rate []float64, index map[int]int) Closure {
	p := pairs[i]
	from := map[int]int{p.A: -1}
	for queue := []int{p.A}; len(queue) > 0; queue = queue[1:] {
		for _, e := range tree[queue[0]] {
			g := pairs[e].A + pairs[e].B - queue[0]
			if _, ok := from[g]; !ok {
				from[g] = e
				queue = append(queue, g)
			}
		}
	}
	c := Closure{Error: p.Lag * (1 + rate[index[p.A]]*1e-6)}
	for f := p.B; f != p.A; {
		e := pairs[from[f]]
		step := e.Lag * (1 + rate[index[e.A]]*1e-6)
		if e.B == f {
			c.Error -= step
		} else {
			c.Error += step
		}
		c.Files = append([]int{f}, c.Files...)
		f = e.A + e.B - f
	}
	c.Files = append([]int{p.A}, c.Files...)
	return c
}

// leastSquares solves x_b - x_a = value with the given standard deviations and
// x of the first file zero, reweighted by Cauchy's loss from the start (or from
// a first plain solution when start is nil).
func leastSquares(n int, edges []int, pairs []Pair, index map[int]int, of func(*Pair) (float64, float64, bool), start []float64) (x, sd []float64) {
	x = start
	sd = make([]float64, n)
	for round := 0; round < 8; round++ {
		m := n - 1
		A := make([]float64, m*m)
		rhs := make([]float64, m)
		var chi, count float64
		for _, i := range edges {
			p := &pairs[i]
			v, s, ok := of(p)
			if !ok {
				continue
			}
			a, b := index[p.A]-1, index[p.B]-1
			w := 1 / (s * s)
			if x != nil {
				r := (x[b+1] - x[a+1] - v) / (3 * s)
				w /= 1 + r*r
				chi += w * s * s * 9 * r * r
				count++
			}
			if a >= 0 {
				A[a*m+a] += w
				rhs[a] -= w * v
			}
			if b >= 0 {
				A[b*m+b] += w
				rhs[b] += w * v
			}
			if a >= 0 && b >= 0 {
				A[a*m+b] -= w
				A[b*m+a] -= w
			}
		}
		inv, ok := invert(A, m)
		if !ok {
			return make([]float64, n), sd
		}
		x = make([]float64, n)
		// Lags that disagree by more than they claim make every offset wider.
		scale := math.Sqrt(math.Max(1, chi/math.Max(1, count-float64(m))))
		for i := range m {
			for j := range m {
				x[i+1] += inv[i*m+j] * rhs[j]
			}
			sd[i+1] = scale * math.Sqrt(math.Max(0, inv[i*m+i]))
		}
	}
	return x, sd
}

// invert inverts a symmetric positive matrix by Cholesky's factors.
func invert(A []float64, n int) ([]float64, bool) {
	l := append([]float64(nil), A...)
	for j := range n {
		d := l[j*n+j]
		for k := range j {
			d -= l[j*n+k] * l[j*n+k]
		}
		if !(d > 0) {
			return nil, false
		}
		d = math.Sqrt(d)
		l[j*n+j] = d
		for i := j + 1; i < n; i++ {
			s := l[i*n+j]
			for k := range j {
				s -= l[i*n+k] * l[j*n+k]
			}
			l[i*n+j] = s / d
		}
	}
	inv := make([]float64, n*n)
	col := make([]float64, n)
	for c := range n {
		for i := range n {
			col[i] = 0
		}
		col[c] = 1
		for i := c; i < n; i++ {
			s := col[i]
			for k := c; k < i; k++ {
				s -= l[i*n+k] * col[k]
			}
			col[i] = s / l[i*n+i]
		}
		for i := n - 1; i >= 0; i-- {
			s := col[i]
			for k := i + 1; k < n; k++ {
				s -= l[k*n+i] * col[k]
			}
			col[i] = s / l[i*n+i]
			inv[i*n+c] = col[i]
		}
	}
	return inv, true
}
