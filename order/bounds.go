package order

import "errors"

// tree is the shortest paths from one point (or, reversed, to it): the length
// of each and the last edge on it.
type tree struct {
	root    int32
	reverse bool
	dist    []int64 // Unreached where there is no path
	via     []half  // the edge nearest to the point; to is the neighbour nearer the root
}

// Unreached marks a point that no chain of constraints connects.
const Unreached = NoMax

// shortest runs Dijkstra's algorithm on reduced lengths, which feasible
// potentials make non-negative (Johnson 1977).
func (g *Graph) shortest(root int, reverse bool) (*tree, error) {
	n := len(g.pi)
	t := &tree{root: int32(root), reverse: reverse, dist: make([]int64, n), via: make([]half, n)}
	for i := range t.dist {
		t.dist[i] = Unreached
	}
	t.dist[root] = 0
	h := make(heap, 0, n)
	h.push(0, int32(root))
	adj := g.out
	if reverse {
		adj = g.in
	}
	for len(h) > 0 {
		k, u := h.pop()
		if k != t.dist[u] {
			continue
		}
		pu := g.pi[u]
		for _, e := range adj[u] {
			var r int64
			if reverse {
				r = k + e.w + g.pi[e.to] - pu
			} else {
				r = k + e.w + pu - g.pi[e.to]
			}
			if r < t.dist[e.to] {
				if r > 1<<61 {
					return nil, ErrOverflow
				}
				t.dist[e.to] = r
				t.via[e.to] = half{e.w, u, e.code}
				h.push(r, e.to)
			}
		}
	}
	for v, d := range t.dist {
		if d == Unreached {
			continue
		}
		if reverse {
			d += g.pi[root] - g.pi[v]
		} else {
			d += g.pi[v] - g.pi[root]
		}
		if d > Limit || d < -Limit {
			return nil, ErrOverflow
		}
		t.dist[v] = d
	}
	return t, nil
}

// path lists the steps between the root and v in the direction of the edges.
func (t *tree) path(v int) []Step {
	var steps []Step
	for x := int32(v); x != t.root; x = t.via[x].to {
		steps = append(steps, t.via[x].step())
	}
	if !t.reverse {
		reverse(steps)
	}
	return steps
}

// Bounds is the tightest consequence for every point: two shortest path trees
// at z.
type Bounds struct{ up, down *tree }

// Bounds computes the earliest and latest of every point.
func (g *Graph) Bounds() (*Bounds, error) {
	up, down, err := g.both(0)
	if err != nil {
		return nil, err
	}
	return &Bounds{up, down}, nil
}

// both computes the shortest paths from and to a point, side by side where
// the graph is large enough to pay for it: the two only read the graph.
func (g *Graph) both(root int) (up, down *tree, err error) {
	var downErr error
	if len(g.pi) < 2048 {
		down, downErr = g.shortest(root, true)
		up, err = g.shortest(root, false)
		return up, down, errors.Join(err, downErr)
	}
	done := make(chan struct{})
	go func() {
		down, downErr = g.shortest(root, true)
		close(done)
	}()
	up, err = g.shortest(root, false)
	<-done
	return up, down, errors.Join(err, downErr)
}

// Max is the latest of point v, and whether there is one.
func (b *Bounds) Max(v int) (int64, bool) { return b.up.dist[v], b.up.dist[v] != Unreached }

// Min is the earliest of point v, and whether there is one.
func (b *Bounds) Min(v int) (int64, bool) {
	if b.down.dist[v] == Unreached {
		return 0, false
	}
	return -b.down.dist[v], true
}

// MaxProof is the chain from z to v whose lengths sum to Max(v).
func (b *Bounds) MaxProof(v int) []Step { return b.up.path(v) }

// MinProof is the chain from v to z whose lengths sum to -Min(v).
func (b *Bounds) MinProof(v int) []Step { return b.down.path(v) }

// Between is the tightest range of b - a; an open end is NoMin or NoMax.
func (g *Graph) Between(a, b int) (min, max int64, err error) {
	up, down, err := g.both(a)
	if err != nil {
		return 0, 0, err
	}
	min, max = NoMin, NoMax
	if down.dist[b] != Unreached {
		min = -down.dist[b]
	}
	if up.dist[b] != Unreached {
		max = up.dist[b]
	}
	return min, max, nil
}
