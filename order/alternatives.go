package order

import (
	"maps"
	"slices"
)

const (
	mostBranches = 1 << 20 // more combinations than this are refused
	shownMost    = 1024    // live branches whose bounds are written out one by one
)

// branching answers a network with alternatives: the hull over the live
// branches, with the branches and their proofs beside it.
func (s *solver) branching(a *Answer, fixed, open []int) error {
	var hull []Bound
	var orders []Order
	err := s.explore(a, fixed, open, func(p *problem, g *Graph, choice map[string]int) error {
		b, err := g.Bounds()
		if err != nil {
			return err
		}
		bounds := p.bounds(b)
		if len(a.Branches) < shownMost {
			a.Branches = append(a.Branches, Branch{Choice: choice, Consistent: true, Bounds: bounds, Conflicts: []Conflict{}})
		} else {
			a.Incomplete = true
		}
		for i := range bounds {
			nb := Bound{Point: bounds[i].Point, Min: bounds[i].Min, Max: bounds[i].Max}
			if len(hull) <= i {
				hull = append(hull, nb)
				continue
			}
			hull[i].Min, hull[i].Max = lower(hull[i].Min, nb.Min), upper(hull[i].Max, nb.Max)
		}
		for i, o := range s.n.Orders {
			min, max, err := g.Between(s.ix[o.A], s.ix[o.B])
			if err != nil {
				return err
			}
			v := verdict(o, min, max)
			if len(orders) <= i {
				orders = append(orders, v)
				continue
			}
			v.Min, v.Max = lower(orders[i].Min, v.Min), upper(orders[i].Max, v.Max)
			orders[i] = verdict(o, orNo(v.Min, NoMin), orNo(v.Max, NoMax))
		}
		return nil
	})
	if err != nil || !a.Consistent {
		return err
	}
	a.Bounds, a.Orders = append(a.Bounds, hull...), orders
	if s.o.Contribution {
		a.Contribution, err = s.contributionsByRemoval(fixed, open, hull)
	}
	return err
}

func lower(a, b *int64) *int64 {
	if a == nil || b == nil {
		return nil
	}
	v := min(*a, *b)
	return &v
}

func upper(a, b *int64) *int64 {
	if a == nil || b == nil {
		return nil
	}
	v := max(*a, *b)
	return &v
}

func orNo(v *int64, no int64) int64 {
	if v == nil {
		return no
	}
	return *v
}

// explore walks the choices depth first with the network as theory: a choice
// that contradicts ends its whole subtree, and its cycle is kept. live is
// called for every complete consistent choice; without it the walk stops at
// the first.
func (s *solver) explore(a *Answer, fixed, open []int, live func(*problem, *Graph, map[string]int) error) error {
	total := 1
	for _, i := range open {
		if total *= len(s.n.Constraints[i].Any); total > mostBranches {
			return fail("too_many_branches", s.n.Constraints[i].ID, "the alternatives have more than %d combinations; leave some out", mostBranches)
		}
	}
	p := s.problem(fixed)
	g, cycle, err := p.build()
	if err != nil {
		return err
	}
	if cycle != nil {
		_, err := s.consistency(a, p)
		return err
	}
	var dead []Branch
	choice := map[string]int{}
	stop := false
	var walk func(k int) error
	walk = func(k int) error {
		if k == len(open) {
			a.Consistent = true
			if live == nil {
				stop = true
				return nil
			}
			return live(p, g, maps.Clone(choice))
		}
		c := &s.n.Constraints[open[k]]
		for alt := range c.Any {
			p.add(open[k], alt)
			choice[c.ID] = alt
			i, cycle, err := g.Add(p.diffs[len(p.diffs)-1])
			switch {
			case err != nil:
				return err
			case cycle != nil:
				if len(dead) < shownMost {
					dead = append(dead, Branch{Choice: maps.Clone(choice), Bounds: []Bound{}, Conflicts: []Conflict{p.tell(cycle)}})
				}
			default:
				if err := walk(k + 1); err != nil {
					return err
				}
				g.Retract(i)
				g.forget()
			}
			p.diffs, p.con, p.alt = p.diffs[:len(p.diffs)-1], p.con[:len(p.con)-1], p.alt[:len(p.alt)-1]
			delete(choice, c.ID)
			if stop {
				return nil
			}
		}
		return nil
	}
	if err := walk(0); err != nil {
		return err
	}
	if !a.Consistent {
		seen := map[string]bool{}
		for _, b := range dead {
			c := b.Conflicts[0]
			key := ""
			for _, l := range c.Cycle {
				key += l.Constraint + "\x00" + string(l.Side) + "\x00"
			}
			if !seen[key] {
				seen[key] = true
				a.Conflicts = append(a.Conflicts, c)
			}
		}
		sortConflicts(a.Conflicts)
	}
	if live != nil {
		a.Branches = slices.Concat(a.Branches, dead)
	}
	return nil
}

// forget drops the last constraint, already retracted, so that numbers stay
// those of the problem.
func (g *Graph) forget() {
	g.all, g.on = g.all[:len(g.all)-1], g.on[:len(g.on)-1]
}
