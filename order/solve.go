package order

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"sightline/when"
)

// Options are the questions to a network.
type Options struct {
	Account      string   // assume this account's constraints too
	Without      []string // leave these constraints out
	Contribution bool     // what each constraint adds
	Conflicts    string   // first (the default), disjoint, all
	Lang         string   // of the sentences: es, else English
}

// Solve answers a network. Contradiction is an answer; an *Error is bad input.
func Solve(n *Network, o Options) (*Answer, error) {
	ix, err := n.index()
	if err != nil {
		return nil, err
	}
	s := &solver{n: n, ix: ix, o: o, gone: map[string]bool{}}
	known := map[string]bool{}
	for i := range n.Constraints {
		known[n.Constraints[i].ID] = true
	}
	for _, id := range o.Without {
		if !known[id] {
			return nil, fail("unknown_constraint", id, "there is no constraint %q to leave out", id)
		}
		s.gone[id] = true
	}
	if o.Account != "" && !slices.ContainsFunc(n.Accounts, func(a Account) bool { return a.ID == o.Account }) {
		return nil, fail("unknown_account", o.Account, "there is no account %q", o.Account)
	}
	a, err := s.answer()
	if errors.Is(err, ErrOverflow) {
		return nil, fail("overflow", "constraints", "a sum of lengths is beyond 2^53 ms, so a bound could not be stated exactly")
	}
	return a, err
}

type solver struct {
	n    *Network
	ix   map[string]int
	o    Options
	gone map[string]bool
}

// active splits the constraints that count under an account into those that
// state one difference and those that state alternatives.
func (s *solver) active(account string) (fixed, open []int) {
	for i := range s.n.Constraints {
		c := &s.n.Constraints[i]
		if s.gone[c.ID] || len(c.Accounts) > 0 && (account == "" || !slices.Contains(c.Accounts, account)) {
			continue
		}
		if len(c.Any) > 0 {
			open = append(open, i)
		} else {
			fixed = append(fixed, i)
		}
	}
	return fixed, open
}

// problem is a set of differences with the constraints they come from.
type problem struct {
	s     *solver
	diffs []Difference
	con   []int // network index of each difference
	alt   []int // which alternative, -1 for none
}

func (s *solver) problem(fixed []int) *problem {
	p := &problem{s: s, diffs: make([]Difference, 0, len(fixed)), con: make([]int, 0, len(fixed)), alt: make([]int, 0, len(fixed))}
	for _, i := range fixed {
		p.add(i, -1)
	}
	return p
}

func (p *problem) add(con, alt int) {
	c := &p.s.n.Constraints[con]
	a := &c.Alternative
	if alt >= 0 {
		a = &c.Any[alt]
	}
	p.diffs, p.con, p.alt = append(p.diffs, a.difference(p.s.ix)), append(p.con, con), append(p.alt, alt)
}

func (p *problem) build() (*Graph, *Cycle, error) { return Build(len(p.s.n.Points)+1, p.diffs) }

func (p *problem) links(steps []Step) []Link {
	if steps == nil {
		return nil
	}
	out := make([]Link, len(steps))
	for i, st := range steps {
		out[i] = Link{p.s.n.Constraints[p.con[st.Constraint]].ID, st.Side}
	}
	return out
}

func (s *solver) answer() (*Answer, error) {
	a := &Answer{Schema: AnswerSchema, ID: s.n.ID, Bounds: []Bound{}, Conflicts: []Conflict{}}
	if s.o.Account != "" {
		a.Account = &s.o.Account
	}
	fixed, open := s.active(s.o.Account)
	var err error
	if len(open) > 0 {
		err = s.branching(a, fixed, open)
	} else {
		err = s.plain(a, fixed)
	}
	if err != nil {
		return nil, err
	}
	if s.o.Account == "" {
		for _, acc := range s.n.Accounts {
			aa := AccountAnswer{ID: acc.ID, Conflicts: []Conflict{}}
			sub := &Answer{}
			fixed, open := s.active(acc.ID)
			if len(open) > 0 {
				err = s.explore(sub, fixed, open, nil)
			} else {
				_, err = s.consistency(sub, s.problem(fixed))
			}
			if err != nil {
				return nil, err
			}
			aa.Consistent, aa.Conflicts = sub.Consistent, append(aa.Conflicts, sub.Conflicts...)
			a.Accounts = append(a.Accounts, aa)
		}
	}
	return a, nil
}

// consistency builds the graph, or fills in the conflicts asked for.
func (s *solver) consistency(a *Answer, p *problem) (*Graph, error) {
	g, cycle, err := p.build()
	if err != nil {
		return nil, err
	}
	if a.Consistent = cycle == nil; a.Consistent {
		return g, nil
	}
	a.Conflicts = []Conflict{p.tell(cycle)}
	switch s.o.Conflicts {
	case "disjoint":
		err = s.disjoint(a, p)
	case "all":
		err = s.allConflicts(a, p, cycle)
	}
	return nil, err
}

func (s *solver) plain(a *Answer, fixed []int) error {
	p := s.problem(fixed)
	g, err := s.consistency(a, p)
	if err != nil || g == nil {
		return err
	}
	b, err := g.Bounds()
	if err != nil {
		return err
	}
	a.Bounds = p.bounds(b)
	for _, o := range s.n.Orders {
		min, max, err := g.Between(s.ix[o.A], s.ix[o.B])
		if err != nil {
			return err
		}
		a.Orders = append(a.Orders, verdict(o, min, max))
	}
	if s.o.Contribution {
		a.Contribution, err = s.contributions(p, g, b)
	}
	return err
}

func (p *problem) bounds(b *Bounds) []Bound {
	out := make([]Bound, len(p.s.n.Points))
	for i := range out {
		out[i].Point = p.s.n.Points[i].ID
		if v, known := b.Min(i + 1); known {
			out[i].Min, out[i].MinProof = &v, p.links(b.MinProof(i+1))
		}
		if v, known := b.Max(i + 1); known {
			out[i].Max, out[i].MaxProof = &v, p.links(b.MaxProof(i+1))
		}
	}
	return out
}

func verdict(o Pair, min, max int64) Order {
	r := Order{A: o.A, B: o.B, Verdict: "possible"}
	if min != NoMin {
		r.Min = &min
		if min > 0 {
			r.Verdict = "entailed"
		}
	}
	if max != NoMax {
		r.Max = &max
		if max <= 0 {
			r.Verdict = "refuted"
		}
	}
	return r
}

// tell makes a conflict of a cycle: it starts at z, or else at the point
// listed first, and is told in that order.
func (p *problem) tell(c *Cycle) Conflict {
	at, start := 0, len(p.s.n.Points)+1
	for i, st := range c.Steps {
		d := p.diffs[st.Constraint]
		from := d.From
		if st.Side == SideMin {
			from = d.To
		}
		if from < start {
			at, start = i, from
		}
	}
	steps := append(append([]Step{}, c.Steps[at:]...), c.Steps[:at]...)
	out := Conflict{Slack: c.Slack, Cycle: p.links(steps)}
	var parts []string
	for i, st := range steps {
		out.Constraints = append(out.Constraints, out.Cycle[i].Constraint)
		parts = append(parts, p.sentence(st))
	}
	slices.Sort(out.Constraints)
	together := ": together they are short by "
	if p.s.o.Lang == "es" {
		together = ": juntos se quedan cortos por "
	}
	out.Sentence = strings.Join(parts, "; ") + together + when.Span(c.Slack, p.s.o.Lang) + "."
	return out
}

// sentence says what one step states: the constraint's own text, or the
// difference in words.
func (p *problem) sentence(st Step) string {
	c := &p.s.n.Constraints[p.con[st.Constraint]]
	if c.Text != "" {
		return c.Text
	}
	d, es := p.diffs[st.Constraint], p.s.o.Lang == "es"
	pick := func(en, sp string) string {
		if es {
			return sp
		}
		return en
	}
	name := func(v int) string {
		if v == 0 {
			return Z
		}
		if l := p.s.n.Points[v-1].Label; l != "" {
			return l
		}
		return p.s.n.Points[v-1].ID
	}
	var v int64
	bound := pick("at most", "como máximo")
	if v = d.Max; st.Side == SideMin {
		v, bound = d.Min, pick("at least", "como mínimo")
	}
	from, to := name(d.From), name(d.To)
	if d.From == 0 {
		limit := pick("not after", "no después de")
		if st.Side == SideMin {
			limit = pick("not before", "no antes de")
		}
		return c.ID + ": " + to + " " + limit + " " + p.moment(v)
	}
	side := pick("after", "después de")
	if v < 0 {
		side = pick("before", "antes de")
		if st.Side == SideMin {
			bound = pick("at most", "como máximo")
		} else {
			bound = pick("at least", "como mínimo")
		}
	}
	return c.ID + ": " + to + " " + bound + " " + when.Span(v, p.s.o.Lang) + " " + side + " " + from
}

// moment shows a length from z: a wall clock in the network's zone if it is
// later than 1971, else a length, as the offset of a clock is.
func (p *problem) moment(v int64) string {
	if v < 365*when.Day {
		sign := ""
		if v < 0 {
			sign = "-"
		}
		return sign + when.Span(v, p.s.o.Lang)
	}
	z, err := when.LoadZone(p.s.n.Zone)
	if err != nil {
		z = when.UTC
	}
	return z.RFC3339(when.Instant(v))
}

func (s *solver) disjoint(a *Answer, p *problem) error {
	left := p
	for {
		out := map[string]bool{}
		for _, id := range a.Conflicts[len(a.Conflicts)-1].Constraints {
			out[id] = true
		}
		next := s.problem(nil)
		for i, con := range left.con {
			if !out[s.n.Constraints[con].ID] {
				next.diffs, next.con, next.alt = append(next.diffs, left.diffs[i]), append(next.con, con), append(next.alt, left.alt[i])
			}
		}
		left = next
		_, cycle, err := left.build()
		if err != nil {
			return err
		}
		if cycle == nil {
			sortConflicts(a.Conflicts)
			return nil
		}
		a.Conflicts = append(a.Conflicts, left.tell(cycle))
	}
}

// sortConflicts: fewest constraints, then short by most, then ids.
func sortConflicts(c []Conflict) {
	slices.SortFunc(c, func(a, b Conflict) int {
		return cmp.Or(cmp.Compare(len(a.Constraints), len(b.Constraints)), cmp.Compare(a.Slack, b.Slack), slices.Compare(a.Constraints, b.Constraints))
	})
}
