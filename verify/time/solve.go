package time

import (
	"slices"
	"strings"

	"sightline"
	"sightline/order"
	"sightline/when"
)

// Report is what follows from the constraints of a case.
type Report struct {
	Network    *order.Network            `json:"network"` // texts in English
	Texts      map[string]sightline.Text `json:"texts"`   // of every constraint, the rules among them
	Views      []View                    `json:"views"`   // the shared evidence first, then each account
	Conflicts  []Conflict                `json:"conflicts"`
	Incomplete bool                      `json:"incomplete,omitempty"` // there are more contradictions than are listed
}

// View is the intervals under the shared evidence alone, or with one account
// assumed. Constraints that contradict each other there are in Disputed and
// none of them was used.
type View struct {
	Account    string        `json:"account"` // "" is the shared evidence
	Consistent bool          `json:"consistent"`
	Disputed   []string      `json:"disputed"`
	Bounds     []order.Bound `json:"bounds"` // by point id
}

// Conflict is a smallest set of constraints that cannot all be true: without
// any one of them the others can.
type Conflict struct {
	Constraints []string            `json:"constraints"`
	Accounts    []string            `json:"accounts"` // whose accounts must be assumed together for it; empty: the shared evidence contradicts itself
	Said        map[string][]string `json:"said"`     // account ("" shared) to the items it rests on
	Claims      []string            `json:"claims"`   // claims of these accounts that rest on these items and times
	SlackMS     int64               `json:"slack_ms"` // negative: the missing milliseconds
	Cycle       []order.Link        `json:"cycle"`    // sums to slack_ms
	Sentence    sightline.Text      `json:"sentence"`
}

// Solve answers the network of a document.
func Solve(d *sightline.Document) (*Report, error) {
	net, err := Compile(d, "en")
	if err != nil {
		return nil, err
	}
	es, err := Compile(d, "es")
	if err != nil {
		return nil, err
	}
	r := &Report{Network: net, Texts: map[string]sightline.Text{}, Conflicts: []Conflict{}}
	byID := map[string]*order.Constraint{}
	for i := range net.Constraints {
		c := &net.Constraints[i]
		byID[c.ID] = c
		r.Texts[c.ID] = sightline.Text{"en": c.Text, "es": es.Constraints[i].Text}
	}
	// Every minimal contradiction of any set of accounts is a minimal
	// contradiction of all of them together, so one listing serves all views.
	all := *net
	all.Constraints = slices.Clone(net.Constraints)
	for i := range all.Constraints {
		all.Constraints[i].Accounts = nil
	}
	a, err := order.Solve(&all, order.Options{Conflicts: "all"})
	if err != nil {
		return nil, err
	}
	if r.Incomplete = a.Incomplete; r.Incomplete {
		// The listing was cut short by the number of repairs. Contradictions
		// that share no constraint are few and found one by one.
		more, err := order.Solve(&all, order.Options{Conflicts: "disjoint"})
		if err != nil {
			return nil, err
		}
		for _, c := range more.Conflicts {
			if !slices.ContainsFunc(a.Conflicts, func(o order.Conflict) bool { return slices.Equal(o.Constraints, c.Constraints) }) {
				a.Conflicts = append(a.Conflicts, c)
			}
		}
	}
	for _, c := range a.Conflicts {
		r.Conflicts = append(r.Conflicts, r.conflict(d, byID, c))
	}
	for _, account := range append([]order.Account{{}}, net.Accounts...) {
		v, err := r.view(net, byID, account.ID)
		if err != nil {
			return nil, err
		}
		r.Views = append(r.Views, v)
	}
	return r, nil
}

func active(c *order.Constraint, account string) bool {
	return len(c.Accounts) == 0 || account != "" && slices.Contains(c.Accounts, account)
}

func (r *Report) view(net *order.Network, byID map[string]*order.Constraint, account string) (View, error) {
	v := View{Account: account, Disputed: []string{}}
	for _, c := range r.Conflicts {
		if !slices.ContainsFunc(c.Constraints, func(id string) bool { return !active(byID[id], account) }) {
			v.Disputed = append(v.Disputed, c.Constraints...)
		}
	}
	for {
		slices.Sort(v.Disputed)
		v.Disputed = slices.Compact(v.Disputed)
		a, err := order.Solve(net, order.Options{Account: account, Without: v.Disputed})
		if err != nil {
			return v, err
		}
		if a.Consistent {
			v.Bounds, v.Consistent = a.Bounds, len(v.Disputed) == 0
			return v, nil
		}
		// Only a listing cut short leaves a contradiction behind.
		v.Disputed = append(v.Disputed, a.Conflicts[0].Constraints...)
	}
}

func (r *Report) conflict(d *sightline.Document, byID map[string]*order.Constraint, c order.Conflict) Conflict {
	out := Conflict{Constraints: c.Constraints, Accounts: []string{}, Said: map[string][]string{}, Claims: []string{}, SlackMS: c.Slack, Cycle: c.Cycle}
	for _, id := range c.Constraints {
		if as := byID[id].Accounts; len(as) == 1 && !slices.Contains(out.Accounts, as[0]) {
			out.Accounts = append(out.Accounts, as[0])
		}
	}
	for _, id := range c.Constraints {
		k, who := byID[id], ""
		if len(k.Accounts) > 0 {
			i := slices.IndexFunc(k.Accounts, func(a string) bool { return slices.Contains(out.Accounts, a) })
			if i < 0 {
				i = 0
				out.Accounts = append(out.Accounts, k.Accounts[0])
			}
			who = k.Accounts[i]
		}
		out.Said[who] = append(out.Said[who], k.Evidence...)
	}
	slices.Sort(out.Accounts)
	for who, ids := range out.Said {
		slices.Sort(ids)
		out.Said[who] = slices.Compact(ids)
	}
	for _, k := range d.Claims {
		ids := out.Said[k.Account]
		if slices.Contains(out.Accounts, k.Account) && slices.ContainsFunc(k.Items, func(id string) bool { return slices.Contains(ids, id) }) && concerns(k, c.Constraints, byID) {
			out.Claims = append(out.Claims, k.ID)
		}
	}
	out.Sentence = sightline.Text{}
	for lang, together := range map[string]string{"en": ": together they are short by ", "es": ": juntos se quedan cortos por "} {
		var parts []string
		for _, l := range c.Cycle {
			parts = append(parts, r.Texts[l.Constraint][lang])
		}
		out.Sentence[lang] = strings.Join(parts, "; ") + together + when.Span(c.Slack, lang) + "."
	}
	return out
}

// concerns reports whether a contradiction is about the time of a claim: the
// same record may also say when the day began. Unless every constraint of the
// claim's account is a clock time away from the claim's own, it is.
func concerns(k *sightline.Claim, ids []string, byID map[string]*order.Constraint) bool {
	if k.Time == nil {
		return true
	}
	for _, id := range ids {
		c := byID[id]
		if !slices.Contains(c.Accounts, k.Account) {
			continue
		}
		var iv when.Interval
		if v, known := c.Min.Value(); known {
			iv.Min = (*when.Instant)(&v)
		}
		if v, known := c.Max.Value(); known {
			iv.Max = (*when.Instant)(&v)
		}
		if c.From != order.Z || iv.Overlaps(k.Time.Interval) {
			return true
		}
	}
	return false
}
