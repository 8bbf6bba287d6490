package order

import (
	"cmp"
	"slices"
)

// mostSets bounds the listing of conflicts and repairs: their number can grow
// exponentially, and nobody reads thousands.
const mostSets = 4096

// set is a sorted list of differences of a problem.
type set []int

func (a set) hits(b set) bool {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			return true
		case a[i] < b[j]:
			i++
		default:
			j++
		}
	}
	return false
}

func (a set) within(b set) bool {
	j := 0
	for _, x := range a {
		for j < len(b) && b[j] < x {
			j++
		}
		if j == len(b) || b[j] != x {
			return false
		}
	}
	return true
}

func (a set) with(x int) set {
	i, found := slices.BinarySearch(a, x)
	if found {
		return a
	}
	return slices.Insert(slices.Clone(a), i, x)
}

func cycleSet(c *Cycle) set {
	var s set
	for _, st := range c.Steps {
		s = s.with(st.Constraint)
	}
	return s
}

// allConflicts lists every minimal conflict and every minimal repair. The two
// are each other's minimal hitting sets (Reiter 1987; MARCO of Liffiton et
// al., Constraints 21, 2016, walks the same lattice): the minimal hitting sets
// of the conflicts known so far are tried as repairs; one that leaves a
// contradiction yields a further conflict, which cannot be known yet, and when
// all of them repair, no conflict is missing.
func (s *solver) allConflicts(a *Answer, p *problem, first *Cycle) error {
	cycles := []*Cycle{first}
	hitting := []set{{}}
	hitting = extend(hitting, cycleSet(first))
	repaired := map[string]bool{}
	for again := true; again; {
		again = false
		for _, h := range hitting {
			key := p.key(h)
			if repaired[key] {
				continue
			}
			_, cycle, err := p.less(h).build()
			if err != nil {
				return err
			}
			if cycle == nil {
				repaired[key] = true
				continue
			}
			kept := p.less(h).kept
			for i := range cycle.Steps {
				cycle.Steps[i].Constraint = kept[cycle.Steps[i].Constraint]
			}
			cycles = append(cycles, cycle)
			hitting = extend(hitting, cycleSet(cycle))
			again = true
			break
		}
		if len(hitting) > mostSets || len(cycles) > mostSets {
			a.Incomplete = true
			break
		}
	}
	a.Conflicts = a.Conflicts[:0]
	for _, c := range cycles {
		a.Conflicts = append(a.Conflicts, p.tell(c))
	}
	sortConflicts(a.Conflicts)
	for _, h := range hitting {
		if !repaired[p.key(h)] {
			continue
		}
		var ids []string
		for _, i := range h {
			ids = append(ids, s.n.Constraints[p.con[i]].ID)
		}
		slices.Sort(ids)
		a.Repairs = append(a.Repairs, ids)
	}
	slices.SortFunc(a.Repairs, func(x, y []string) int {
		return cmp.Or(cmp.Compare(len(x), len(y)), slices.Compare(x, y))
	})
	return nil
}

// extend makes minimal hitting sets of one more set (Berge 1989).
func extend(hitting []set, m set) []set {
	var out, miss []set
	for _, h := range hitting {
		if h.hits(m) {
			out = append(out, h)
		} else {
			miss = append(miss, h)
		}
	}
	kept := len(out)
	for _, h := range miss {
	candidates:
		for _, x := range m {
			n := h.with(x)
			for _, o := range out[:kept] {
				if o.within(n) {
					continue candidates
				}
			}
			out = append(out, n)
		}
	}
	return out
}

func (p *problem) key(h set) string {
	b := make([]byte, 0, 4*len(h))
	for _, x := range h {
		b = append(b, byte(x), byte(x>>8), byte(x>>16), byte(x>>24))
	}
	return string(b)
}

// part is a problem with some differences left out, and where the others were.
type part struct {
	problem
	kept []int
}

func (p *problem) less(h set) *part {
	out := &part{problem: problem{s: p.s}}
	for i, d := range p.diffs {
		if _, found := slices.BinarySearch(h, i); !found {
			out.diffs, out.con, out.alt, out.kept = append(out.diffs, d), append(out.con, p.con[i]), append(out.alt, p.alt[i]), append(out.kept, i)
		}
	}
	return out
}
