package time

import (
	"encoding/json"
	"fmt"
	"slices"

	"sightline"
	"sightline/order"
	"sightline/when"
)

// Derived is an interval of an item or event with the finding that keeps it:
// the constraints of its proof as a problem of their own, and the answer. The
// problem holds no constraint that the proof does not use, so that a finding
// tells no more than it needs.
type Derived struct {
	About   string            `json:"about"`
	Account string            `json:"account"`
	Time    sightline.Time    `json:"time"`
	Finding sightline.Finding `json:"finding"` // without an id
}

// Derive makes the finding for the interval of an item or event under one
// view. The error is an *order.Error, or says that nothing follows.
func (r *Report) Derive(d *sightline.Document, about, account string) (*Derived, error) {
	i := slices.IndexFunc(r.Views, func(v View) bool { return v.Account == account })
	if i < 0 {
		return nil, fmt.Errorf("the case has no account %q: %w", account, sightline.ErrInvalid)
	}
	var start, end *order.Bound
	for k := range r.Views[i].Bounds {
		switch b := &r.Views[i].Bounds[k]; b.Point {
		case about + ".start":
			start = b
		case about + ".end":
			end = b
		}
	}
	if start == nil {
		start = end
	}
	if start == nil || start.Min == nil && start.Max == nil {
		return nil, fmt.Errorf("no constraint of the case reaches the time of %s: %w", about, sightline.ErrInvalid)
	}
	if end == nil {
		end = start
	}
	used := map[string]bool{}
	for _, chain := range [][]order.Link{start.MinProof, start.MaxProof, end.MinProof, end.MaxProof} {
		for _, l := range chain {
			used[l.Constraint] = true
		}
	}
	out := &Derived{About: about, Account: account}
	p := &order.Network{Schema: order.Schema, Zone: r.Network.Zone, Points: []order.Point{}, Constraints: []order.Constraint{}}
	points := map[string]bool{}
	inputs := []string{}
	for _, c := range r.Network.Constraints {
		if !used[c.ID] {
			continue
		}
		c.Accounts = nil // assumed here
		p.Constraints = append(p.Constraints, c)
		points[c.From], points[c.To] = true, true
		inputs = append(inputs, c.Evidence...)
	}
	for _, q := range r.Network.Points {
		if points[q.ID] {
			p.Points = append(p.Points, q)
		}
	}
	a, err := order.Solve(p, order.Options{Conflicts: "all"})
	if err != nil {
		return nil, err
	}
	f := &out.Finding
	if f.Problem, err = json.Marshal(p); err != nil {
		return nil, err
	}
	if f.Answer, err = json.Marshal(a); err != nil {
		return nil, err
	}
	slices.Sort(inputs)
	f.Inputs = slices.Compact(inputs)
	f.About, f.Axis, f.Method = []string{about}, "time", "time.solve"
	out.Time = sightline.Time{Zone: r.Network.Zone, Precision: "derived", Status: "estimated", Inferred: true}
	if start.Min != nil {
		out.Time.Min = (*when.Instant)(ms(*start.Min))
	}
	if end.Max != nil {
		out.Time.Max = (*when.Instant)(ms(*end.Max))
	}
	z, err := when.LoadZone(r.Network.Zone)
	if err != nil {
		z = when.UTC
	}
	f.Text, out.Time.Basis = sightline.Text{}, sightline.Text{}
	for _, lang := range []string{"en", "es"} {
		n := len(p.Constraints)
		var s string
		switch {
		case out.Time.Min == nil:
			s = fmt.Sprintf(say(lang, "Not later than %s", "No después de %s"), z.RFC3339(*out.Time.Max))
		case out.Time.Max == nil:
			s = fmt.Sprintf(say(lang, "Not earlier than %s", "No antes de %s"), z.RFC3339(*out.Time.Min))
		default:
			s = fmt.Sprintf(say(lang, "Between %s and %s", "Entre %s y %s"), z.RFC3339(*out.Time.Min), z.RFC3339(*out.Time.Max))
		}
		s += fmt.Sprintf(say(lang, ": the sum of %d constraints", ": la suma de %d restricciones"), n)
		if account != "" {
			s += fmt.Sprintf(say(lang, ", assuming the account %s", ", si se supone la versión %s"), account)
		}
		f.Text[lang], out.Time.Basis[lang] = s+".", s+"."
	}
	// The problem repeats what its evidence says: it is public only with it.
	f.Public = Open(d, append([]string{about}, f.Inputs...)...)
	return out, nil
}

// Open reports whether a finding that rests on these may be public: every item
// among them is, and none has a place that is blurred or withheld. Arrival
// times and distances give a place away.
func Open(d *sightline.Document, ids ...string) bool {
	hidden := func(ps []sightline.Place) bool {
		return slices.ContainsFunc(ps, func(p sightline.Place) bool { return p.FuzzM > 0 || p.Withheld })
	}
	shut := map[string]bool{}
	for _, it := range d.Items {
		shut[it.ID] = it.Public.Decision != "publish" || hidden(it.Places)
	}
	for _, o := range d.Observations {
		shut[o.ID] = shut[o.Item] || hidden(o.Places)
	}
	for _, e := range d.Events {
		shut[e.ID] = hidden(e.Places)
	}
	return !slices.ContainsFunc(ids, func(id string) bool { return shut[id] })
}
