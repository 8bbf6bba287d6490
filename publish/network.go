package publish

import (
	"cmp"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"sightline"
	"sightline/order"
	"sightline/when"
)

// NetworkReport is what follows from the constraints of the public document.
// Stage verify/time makes it; an edition prints it so that a reader can add
// the integers up again, and carries it as data/network.json.
type NetworkReport struct {
	Schema     string                    `json:"schema"`  // NetworkSchema
	Network    *order.Network            `json:"network"` // sightline/time-network/1
	Answer     *order.Answer             `json:"answer"`  // sightline/time-answer/1 of the shared evidence and of each account
	Texts      map[string]sightline.Text `json:"texts"`   // of every constraint, evidence in square brackets
	Views      []NetworkView             `json:"views"`   // the shared evidence first, then each account
	Conflicts  []NetworkConflict         `json:"conflicts"`
	Incomplete bool                      `json:"incomplete,omitempty"`
}

// NetworkSchema names data/network.json.
const NetworkSchema = "sightline/time-case/1"

// NetworkView is the intervals of every point under the shared evidence
// (account "") or with one account assumed, without the constraints that
// contradict one another there.
type NetworkView struct {
	Account    string        `json:"account"`
	Consistent bool          `json:"consistent"`
	Disputed   []string      `json:"disputed"`
	Bounds     []order.Bound `json:"bounds"`
}

// NetworkConflict is a smallest set of constraints that cannot all be true.
type NetworkConflict struct {
	Constraints []string            `json:"constraints"`
	Accounts    []string            `json:"accounts"` // to be assumed together for it
	Said        map[string][]string `json:"said"`     // account ("" shared) to items
	Claims      []string            `json:"claims"`
	SlackMS     int64               `json:"slack_ms"`
	Cycle       []order.Link        `json:"cycle"`
	Sentence    sightline.Text      `json:"sentence"`
}

// solveNetwork asks for the report of the public document. [Public] has
// dropped each constraint that rests on anything withheld; one that names a
// point of it takes no part either: its text could give away what was withheld.
func (b *builder) solveNetwork() error {
	if b.in.Network == nil {
		return nil
	}
	d := networkDocument(b.pub)
	if len(d.Constraints) == 0 {
		return nil
	}
	r, err := b.in.Network(d)
	if err != nil {
		return err
	}
	r.Schema = NetworkSchema
	b.network = r
	b.netByID = map[string]*order.Constraint{}
	for i := range r.Network.Constraints {
		b.netByID[r.Network.Constraints[i].ID] = &r.Network.Constraints[i]
	}
	script, err := pageFiles.ReadFile("pages/network.py")
	if err != nil {
		return err
	}
	if err := b.put("data/network.py", script); err != nil {
		return err
	}
	return b.putJSON("data/network.json", r)
}

// HasNetwork reports whether the edition has a page of derived intervals.
func (p *page) HasNetwork() bool { return p.b.network != nil }

// netTerm is one line of an addition: a constraint and the integer it gives.
type netTerm struct {
	ID, Anchor string
	Text       template.HTML
	MS         string // signed
	Read       string // the same as a clock time or a length
}

// netSum is an addition that a reader can redo.
type netSum struct {
	Word  string
	Terms []netTerm
	Total string
	Read  string
}

// netRow is the interval of one point.
type netRow struct {
	Point, Anchor, Item, Label, When string
	Sums                             []netSum
}

// netBlock is a view with the rows it adds.
type netBlock struct {
	Account  *sightline.Account
	ID       string
	Disputed []string
	Rows     []netRow
}

// NetworkBlocks lists the views: all points of the shared evidence, and of
// each account the points that assuming it narrows.
func (p *page) NetworkBlocks() []netBlock {
	var out []netBlock
	shared := map[string]order.Bound{}
	for i, v := range p.b.network.Views {
		blk := netBlock{Account: p.b.accounts[v.Account], ID: v.Account, Disputed: v.Disputed}
		for _, bd := range v.Bounds {
			if i == 0 {
				shared[bd.Point] = bd
			}
			if bd.Min == nil && bd.Max == nil || i > 0 && !Narrower(bd, shared[bd.Point]) {
				continue
			}
			blk.Rows = append(blk.Rows, p.netRow(v.Account, bd))
		}
		if i == 0 || len(blk.Rows) > 0 || len(blk.Disputed) > 0 {
			out = append(out, blk)
		}
	}
	return out
}

// Narrower reports whether one interval excludes something that another
// allows.
func Narrower(a, than order.Bound) bool {
	return a.Min != nil && (than.Min == nil || *a.Min > *than.Min) || a.Max != nil && (than.Max == nil || *a.Max < *than.Max)
}

func netAnchor(account, point string) string {
	if account == "" {
		return point
	}
	return account + "." + point
}

// pointOf splits "EJ-016.start" into the item or event and the word for its
// side.
func (p *page) pointOf(point string) (id, side string) {
	i := strings.LastIndexByte(point, '.')
	if i < 0 {
		return point, ""
	}
	return point[:i], p.W.T("network_" + point[i+1:])
}

func (p *page) netRow(account string, bd order.Bound) netRow {
	id, side := p.pointOf(bd.Point)
	r := netRow{Point: bd.Point, Anchor: netAnchor(account, bd.Point), When: p.netWhen(bd)}
	name := p.TitleOf(id)
	if p.b.items[id] != nil {
		r.Item = id
	} else {
		for _, e := range p.Doc.Events {
			if e.ID == id {
				name = p.Text(e.Title)
			}
		}
		for _, g := range p.Doc.Gaps {
			if g.ID == id {
				name = p.Text(g.Title)
			}
		}
	}
	r.Label = name + ", " + side
	if bd.Min != nil {
		s := netSum{Word: p.W.T("network_earliest"), Total: signed(*bd.Min), Read: p.clock(*bd.Min)}
		for _, l := range slices.Backward(bd.MinProof) {
			s.Terms = append(s.Terms, p.netTerm(l, -1, len(s.Terms) == 0))
		}
		r.Sums = append(r.Sums, s)
	}
	if bd.Max != nil {
		s := netSum{Word: p.W.T("network_latest"), Total: signed(*bd.Max), Read: p.clock(*bd.Max)}
		for _, l := range bd.MaxProof {
			s.Terms = append(s.Terms, p.netTerm(l, 1, len(s.Terms) == 0))
		}
		r.Sums = append(r.Sums, s)
	}
	return r
}

func (p *page) netWhen(bd order.Bound) string {
	t := &sightline.Time{}
	if bd.Min != nil {
		v := when.Instant(*bd.Min)
		t.Min = &v
	}
	if bd.Max != nil {
		v := when.Instant(*bd.Max)
		t.Max = &v
	}
	return p.When(t)
}

// netTerm is one step of a chain. Forward (sign 1) a step adds its max, or
// takes its min away; read back from a point (sign -1) it is the other way
// round. The step next to z is a clock time.
func (p *page) netTerm(l order.Link, sign int64, atZ bool) netTerm {
	c := p.b.netByID[l.Constraint]
	v, _ := c.Max.Value()
	if l.Side == order.SideMin {
		v, _ = c.Min.Value()
		v = -v
	}
	v *= sign
	t := netTerm{ID: l.Constraint, Anchor: l.Constraint, Text: p.Inline(p.b.network.Texts[l.Constraint]), MS: signed(v)}
	switch {
	case atZ:
		t.Read = p.clock(v)
	case v < 0:
		t.Read = "− " + when.Span(v, p.Lang)
	default:
		t.MS = "+" + t.MS
		t.Read = "+ " + when.Span(v, p.Lang)
	}
	return t
}

// signed is an integer with a minus sign that is as wide as a plus.
func signed(v int64) string { return strings.Replace(strconv.FormatInt(v, 10), "-", "−", 1) }

// clock is a moment to the millisecond in the case's zone, with its date where
// it is not the day of the case.
func (p *page) clock(ms int64) string {
	loc, err := time.LoadLocation(p.Doc.Case.Zone)
	if err != nil {
		loc = time.UTC
	}
	t := when.Instant(ms).Time().In(loc)
	if t.Format("2006-01-02") == p.Doc.Case.Date {
		return t.Format("15:04:05.000")
	}
	return t.Format("2006-01-02 15:04:05.000")
}

// netSide is what one account, or the shared evidence, puts into a
// contradiction.
type netSide struct {
	Account *sightline.Account
	ID      string
	Items   []string
}

// netClash is a contradiction as the page shows it.
type netClash struct {
	NetworkConflict
	Sides []netSide
	Short string
	Terms []netTerm
}

// netClashes are the contradictions of one set of accounts.
type netClashes struct {
	Accounts []*sightline.Account
	List     []netClash
}

// NetworkClashes groups the contradictions by the accounts that must be
// assumed together: first those of the shared evidence, then those of one
// account with itself, then those between accounts.
func (p *page) NetworkClashes() []netClashes {
	cs := slices.Clone(p.b.network.Conflicts)
	slices.SortStableFunc(cs, func(a, b NetworkConflict) int {
		return cmp.Or(cmp.Compare(len(a.Accounts), len(b.Accounts)), slices.Compare(a.Accounts, b.Accounts))
	})
	var out []netClashes
	for i, c := range cs {
		if i == 0 || !slices.Equal(cs[i-1].Accounts, c.Accounts) {
			g := netClashes{}
			for _, a := range c.Accounts {
				g.Accounts = append(g.Accounts, p.account(a))
			}
			out = append(out, g)
		}
		x := netClash{NetworkConflict: c, Short: signed(c.SlackMS)}
		for _, a := range append([]string{""}, c.Accounts...) {
			if len(c.Said[a]) > 0 {
				x.Sides = append(x.Sides, netSide{p.account(a), a, c.Said[a]})
			}
		}
		for _, l := range c.Cycle {
			k := p.b.netByID[l.Constraint]
			x.Terms = append(x.Terms, p.netTerm(l, 1, k.From == order.Z && l.Side == order.SideMax))
		}
		g := &out[len(out)-1]
		g.List = append(g.List, x)
	}
	return out
}

// account is an account of the document, or one that only a constraint names.
func (p *page) account(id string) *sightline.Account {
	if a := p.b.accounts[id]; a != nil {
		return a
	}
	return &sightline.Account{ID: id, Title: sightline.Text{p.Lang: id}}
}

// netFact is one constraint of the network with who holds it.
type netFact struct {
	ID, Strength string
	Text         template.HTML
	Accounts     []*sightline.Account
	Rule         bool
}

// NetworkFacts lists the constraints that everything on the page rests on.
func (p *page) NetworkFacts() []netFact {
	var out []netFact
	for _, c := range p.b.network.Network.Constraints {
		f := netFact{ID: c.ID, Strength: p.W.T("network_" + cmp.Or(c.Strength, "claim")), Text: p.Inline(p.b.network.Texts[c.ID]), Rule: len(c.Evidence) == 0}
		for _, a := range c.Accounts {
			f.Accounts = append(f.Accounts, p.account(a))
		}
		out = append(out, f)
	}
	return out
}

// netWhy is why an item is where it is in time.
type netWhy struct {
	Side, When, Href string
	Account          *sightline.Account // nil: the shared evidence
	Constraints      []string
}

// NetworkWhy says what the network derives about an item, under the shared
// evidence and under every account that narrows it.
func (p *page) NetworkWhy(item string) []netWhy {
	if p.b.network == nil {
		return nil
	}
	var out []netWhy
	shared := map[string]order.Bound{}
	for i, v := range p.b.network.Views {
		for _, bd := range v.Bounds {
			if i == 0 {
				shared[bd.Point] = bd
			}
			id, side := p.pointOf(bd.Point)
			if id != item || bd.Min == nil && bd.Max == nil || i > 0 && !Narrower(bd, shared[bd.Point]) {
				continue
			}
			w := netWhy{Side: side, When: p.netWhen(bd), Href: p.Href("network") + "#" + netAnchor(v.Account, bd.Point)}
			if i > 0 {
				w.Account = p.account(v.Account)
			}
			for _, l := range append(slices.Clone(bd.MinProof), bd.MaxProof...) {
				if !slices.Contains(w.Constraints, l.Constraint) {
					w.Constraints = append(w.Constraints, l.Constraint)
				}
			}
			slices.Sort(w.Constraints)
			out = append(out, w)
		}
	}
	return out
}
