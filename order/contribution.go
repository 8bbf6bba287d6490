package order

import "slices"

// contributions takes each constraint away and measures how much wider the
// bounds get. Only a constraint on a shortest path tree can widen anything,
// and then only for the points beyond it, so only that part of the tree is
// computed again.
func (s *solver) contributions(p *problem, g *Graph, b *Bounds) ([]Contribution, error) {
	out := make([]Contribution, len(p.con))
	for i, con := range p.con {
		out[i].Constraint = s.n.Constraints[con].ID
	}
	for _, t := range []*tree{b.up, b.down} {
		below := t.children()
		for v := range t.dist {
			if v == int(t.root) || t.dist[v] == Unreached {
				continue
			}
			i := int(t.via[v].code >> 1)
			wide, lost, err := g.widened(t, below, int32(v), i)
			if err != nil {
				return nil, err
			}
			out[i].Widened += wide
			out[i].Lost += lost
		}
	}
	return out, nil
}

// children lists for each point the points whose shortest path goes through
// it next.
func (t *tree) children() [][]int32 {
	out := make([][]int32, len(t.dist))
	for v, d := range t.dist {
		if d != Unreached && int32(v) != t.root {
			out[t.via[v].to] = append(out[t.via[v].to], int32(v))
		}
	}
	return out
}

// widened sums how much longer the paths to v and all beyond it become
// without constraint i, which is the last edge of v's. A constraint has two
// sides, but a tree can use only one of them below v, since the other leads
// back to where it came from.
func (g *Graph) widened(t *tree, below [][]int32, v int32, i int) (wide int64, lost int, err error) {
	inside := map[int32]int{}
	list := []int32{v}
	for k := 0; k < len(list); k++ {
		inside[list[k]] = k
		list = append(list, below[list[k]]...)
	}
	// Reduced lengths, so that all are non-negative: the distance of a point
	// outside is final.
	adj, back := g.in, g.out
	sign := int64(1)
	if t.reverse {
		adj, back, sign = g.out, g.in, -1
	}
	root := g.pi[t.root]
	reduced := func(x int32, d int64) int64 { return d - sign*(g.pi[x]-root) }
	dist := make([]int64, len(list))
	h := heap{}
	for k, x := range list {
		dist[k] = Unreached
		for _, e := range adj[x] {
			if _, in := inside[e.to]; in || int(e.code>>1) == i || t.dist[e.to] == Unreached {
				continue
			}
			if r := reduced(x, t.dist[e.to]+e.w); r < dist[k] {
				dist[k] = r
			}
		}
		if dist[k] != Unreached {
			h.push(dist[k], x)
		}
	}
	for len(h) > 0 {
		r, x := h.pop()
		if r != dist[inside[x]] {
			continue
		}
		for _, e := range back[x] {
			k, in := inside[e.to]
			if !in || int(e.code>>1) == i {
				continue
			}
			n := r + e.w + sign*(g.pi[x]-g.pi[e.to])
			if n < dist[k] {
				if n > 1<<61 {
					return 0, 0, ErrOverflow
				}
				dist[k] = n
				h.push(n, e.to)
			}
		}
	}
	for k, x := range list {
		if dist[k] == Unreached {
			lost++
			continue
		}
		wide += dist[k] - reduced(x, t.dist[x])
		if wide > Limit {
			return 0, 0, ErrOverflow
		}
	}
	return wide, lost, nil
}

// contributionsByRemoval answers the same question for a network with
// alternatives, where a constraint also matters by killing branches.
func (s *solver) contributionsByRemoval(fixed, open []int, hull []Bound) ([]Contribution, error) {
	var out []Contribution
	all := slices.Concat(fixed, open)
	slices.Sort(all)
	for _, con := range all {
		id := s.n.Constraints[con].ID
		s.gone[id] = true
		sub := &solver{n: s.n, ix: s.ix, gone: s.gone, o: Options{Account: s.o.Account, Lang: s.o.Lang}}
		a := &Answer{}
		f, o := sub.active(s.o.Account)
		var err error
		if len(o) > 0 {
			err = sub.branching(a, f, o)
		} else {
			err = sub.plain(a, f)
		}
		delete(s.gone, id)
		if err != nil {
			return nil, err
		}
		c := Contribution{Constraint: id}
		for i, b := range a.Bounds {
			c.count(hull[i].Min, b.Min, -1)
			c.count(hull[i].Max, b.Max, 1)
		}
		out = append(out, c)
	}
	return out, nil
}

func (c *Contribution) count(was, now *int64, sign int64) {
	switch {
	case was == nil:
	case now == nil:
		c.Lost++
	default:
		c.Widened += sign * (*now - *was)
	}
}
