package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sightline"
)

// State is what may be said about one axis of one item.
type State string

// The states, from nothing to verified.
const (
	None        State = "none"            // nobody was asked
	Waiting     State = "waiting"         // asked, no answer yet
	Answered    State = "answered"        // one answer
	SelfChecked State = "self-checked"    // one person, more than once
	Agreed      State = "agreed"          // two people say the same, but neither was blind to the other
	Disputed    State = "disputed"        // answers that stand disagree
	Unlike      State = "other-value"     // two people agree, and the item says something else
	Stale       State = "needs_re-review" // what the answers were about has changed
	Verified    State = "verified"
)

// Verdict is the state of one axis of one item with its reasons.
type Verdict struct {
	Item      string         `json:"item"`
	Axis      string         `json:"axis"`
	State     State          `json:"state"`
	Says      string         `json:"says,omitempty"`    // what was verified, on an axis that is not a place or a time
	Answers   []string       `json:"answers,omitempty"` // ids of the answers that stand, one of each person
	Pair      []string       `json:"pair,omitempty"`    // the two that make it verified, the blind one last
	Open      []string       `json:"open,omitempty"`    // asked and not answered
	Stale     []string       `json:"stale,omitempty"`   // answers about an older record
	SetAside  []string       `json:"set_aside,omitempty"`
	Agreement *Agreement     `json:"agreement,omitempty"` // of the pair, else of the two that are furthest from agreeing
	After     *Agreement     `json:"after,omitempty"`     // the disagreement that was resolved on the way
	Resolved  string         `json:"resolved,omitempty"`  // the reason given for the revision that resolved it
	Why       sightline.Text `json:"why"`
	Next      sightline.Text `json:"next,omitempty"` // what to do about it
}

// Report is the state of verification of a whole case.
type Report struct {
	Schema   string            `json:"schema"` // sightline.review/1
	Verdicts []*Verdict        `json:"verdicts"`
	Counts   map[State]int     `json:"counts"`
	Relied   map[string][]Need `json:"relied,omitempty"` // by item: the axes that something public stands on
}

// Schema names the JSON form of a [Report].
const Schema = "sightline.review/1"

// Of returns the verdict on an axis of an item; one of state None when nobody
// was asked.
func (r *Report) Of(item, axis string) *Verdict {
	i, ok := slices.BinarySearchFunc(r.Verdicts, Verdict{Item: item, Axis: axis}, func(v *Verdict, w Verdict) int { return compare(v.Item, v.Axis, w.Item, w.Axis) })
	if ok {
		return r.Verdicts[i]
	}
	return &Verdict{Item: item, Axis: axis, State: None, Why: text("Nobody was asked.", "No se preguntó a nadie.")}
}

func compare(i1, a1, i2, a2 string) int {
	return cmp.Or(sightline.CompareIDs(i1, i2), slices.Index(sightline.AxisNames, a1)-slices.Index(sightline.AxisNames, a2))
}

// Status computes what may be said from the reviews of a document. It is pure
// and does not depend on the order of the lists.
func Status(d *sightline.Document) *Report {
	x := newIndex(d)
	type key struct{ item, axis string }
	by := map[key][]*sightline.Review{}
	for _, r := range d.Reviews {
		if slices.Contains(sightline.AxisNames, r.Axis) && x.items[r.About] != nil {
			by[key{r.About, r.Axis}] = append(by[key{r.About, r.Axis}], r)
		}
	}
	out := &Report{Schema: Schema, Verdicts: []*Verdict{}, Counts: map[State]int{}, Relied: Relied(d)}
	for k, rs := range by {
		v := x.verdict(k.item, k.axis, rs)
		out.Verdicts = append(out.Verdicts, v)
		out.Counts[v.State]++
	}
	slices.SortFunc(out.Verdicts, func(a, b *Verdict) int { return compare(a.Item, a.Axis, b.Item, b.Axis) })
	return out
}

func text(en, es string) sightline.Text { return sightline.Text{"en": en, "es": es} }

func ordered(a, b *sightline.Review) int {
	return cmp.Or(cmp.Compare(a.Order, b.Order), sightline.CompareIDs(a.ID, b.ID))
}

func (x *index) verdict(item, axis string, rs []*sightline.Review) *Verdict {
	rs = slices.Clone(rs)
	slices.SortFunc(rs, ordered)
	v := &Verdict{Item: item, Axis: axis, State: None}
	var done []*sightline.Review
	last := map[string]*sightline.Review{}
	for _, r := range rs {
		switch r.State {
		case "open":
			v.Open = append(v.Open, r.ID)
		case "set_aside":
			v.SetAside = append(v.SetAside, r.ID)
		case "done":
			if usable(axis, r.Answer) {
				done = append(done, r)
				last[r.Person] = r
			}
		}
	}
	// Of each person the last answer stands.
	var stand []*sightline.Review
	for _, r := range done {
		if last[r.Person] != r {
			continue
		}
		if r.Pins == "" || r.Pins != x.pin(item, axis, r.Answer) {
			v.Stale = append(v.Stale, r.ID)
			continue
		}
		stand = append(stand, r)
		v.Answers = append(v.Answers, r.ID)
	}
	switch {
	case len(stand) == 0 && len(v.Stale) > 0:
		v.State = Stale
		v.Why = text("What the answers were about has changed since.", "Aquello sobre lo que se respondió ha cambiado desde entonces.")
		v.Next = text("Ask again: the record is not the one that was reviewed.", "Pregunte de nuevo: el registro no es el que se revisó.")
		return v
	case len(stand) == 0 && len(v.Open) > 0:
		v.State = Waiting
		v.Why = text("Asked, and not answered yet.", "Preguntado y aún sin respuesta.")
		return v
	case len(stand) == 0:
		v.Why = text("Nobody has answered.", "Nadie ha respondido.")
		return v
	}
	var against *Agreement
	var clash [2]*sightline.Review
	for i, a := range stand {
		for _, b := range stand[:i] {
			g := Agree(axis, a.Answer, b.Answer)
			if !g.OK && (against == nil || worse(&g, against)) {
				against, clash = &g, [2]*sightline.Review{b, a}
			}
		}
	}
	if against != nil {
		v.State, v.Agreement = Disputed, against
		v.Why = text(fmt.Sprintf("%s and %s disagree. ", clash[0].ID, clash[1].ID)+against.Why["en"], fmt.Sprintf("%s y %s discrepan. ", clash[0].ID, clash[1].ID)+against.Why["es"])
		v.Next = text("Look at both side by side; whoever finds the fault answers again and says what it was, or a third person answers blind and the owner sets the odd one aside with a reason.", "Compare ambas; quien encuentre el error responde de nuevo y dice cuál era, o una tercera persona responde a ciegas y la persona responsable aparta la discordante con una razón.")
		return v
	}
	if len(stand) == 1 {
		r := stand[0]
		v.State = Answered
		v.Why = text("One person has answered.", "Ha respondido una persona.")
		n := 0
		for _, q := range done {
			if q.Person == r.Person {
				n++
			}
		}
		if n > 1 {
			v.State = SelfChecked
			v.Why = text("One person has answered more than once: self-checked.", "Una misma persona ha respondido más de una vez: autocomprobado.")
		}
		if len(v.Stale) > 0 {
			v.Why = text(v.Why["en"]+" Another answer was about an older record.", v.Why["es"]+" Otra respuesta era sobre un registro anterior.")
		}
		v.Next = text("Ask a second person, who will not be sent this answer.", "Pregunte a una segunda persona, a quien no se enviará esta respuesta.")
		return v
	}
	a, b := independent(stand, done)
	if a == nil {
		g := Agree(axis, stand[0].Answer, stand[1].Answer)
		v.State, v.Agreement = Agreed, &g
		v.Why = text("Two people say the same, but neither answered blind.", "Dos personas dicen lo mismo, pero ninguna respondió a ciegas.")
		v.Next = text("Ask a third person, who has not seen these answers.", "Pregunte a una tercera persona, que no haya visto estas respuestas.")
		return v
	}
	g := Agree(axis, a.Answer, b.Answer)
	v.Pair, v.Agreement, v.Says = []string{a.ID, b.ID}, &g, a.Answer.Status
	if !x.inForce(item, axis, stand) {
		v.State = Unlike
		v.Why = text("Two people agree, and the item states another value.", "Dos personas coinciden y la pieza indica otro valor.")
		v.Next = text("Put one of the two answers in force.", "Ponga en vigor una de las dos respuestas.")
		return v
	}
	v.State = Verified
	v.Why = text("Two people, the second blind. "+g.Why["en"], "Dos personas, la segunda a ciegas. "+g.Why["es"])
	x.history(v, axis, done, stand)
	return v
}

// usable reports whether a review holds an answer at all. One that was brought
// in from elsewhere may not.
func usable(axis string, a *sightline.Answer) bool {
	switch {
	case a == nil:
		return false
	case axis == sightline.AxisPlace:
		return a.Place != nil
	case axis == sightline.AxisTime:
		return a.Time != nil
	}
	return a.Status != ""
}

// history names the disagreement that was resolved on the way, so that nobody
// reads a verdict as if it had been smooth.
func (x *index) history(v *Verdict, axis string, done, stand []*sightline.Review) {
	for _, r := range stand {
		for _, old := range done {
			if old.Person != r.Person || old == r {
				continue
			}
			for _, other := range done {
				if other.Person == r.Person || other.Order > r.Order {
					continue
				}
				if g := Agree(axis, old.Answer, other.Answer); !g.OK && (v.After == nil || worse(&g, v.After)) {
					v.After, v.Resolved = &g, r.Reason
				}
			}
		}
	}
	if v.After != nil {
		v.Why = text(v.Why["en"]+" They disagreed at first: "+v.After.Why["en"], v.Why["es"]+" Al principio discreparon: "+v.After.Why["es"])
	}
	if len(v.SetAside) > 0 {
		ids := strings.Join(v.SetAside, ", ")
		v.Why = text(v.Why["en"]+" Set aside: "+ids+".", v.Why["es"]+" Apartadas: "+ids+".")
	}
}

// independent finds two answers that stand, of different people, of which one
// was given blind after the other person had answered. The answer that is not
// the blind one may be a revision: the blind one does not depend on it. The
// pair comes in a fixed order, the blind one second.
func independent(stand, done []*sightline.Review) (a, b *sightline.Review) {
	for _, b := range stand {
		if !b.Blind {
			continue
		}
		for _, a := range stand {
			if a.Person == b.Person || a.Person == "" || b.Person == "" {
				continue
			}
			for _, first := range done {
				if first.Person == a.Person && ordered(first, b) < 0 {
					return a, b
				}
			}
		}
	}
	return nil, nil
}

// inForce reports whether what the item states on the axis is one of the
// answers. On the other axes the outcome is the answer itself.
func (x *index) inForce(item, axis string, stand []*sightline.Review) bool {
	it := x.items[item]
	for _, r := range stand {
		switch axis {
		case sightline.AxisPlace:
			if len(it.Places) > 0 && sum(bare(it.Places[0])) == sum(bare(*r.Answer.Place)) {
				return true
			}
		case sightline.AxisTime:
			if len(it.Times) > 0 && it.Times[0].Interval.Equal(r.Answer.Time.Interval) {
				return true
			}
		default:
			return true
		}
	}
	return false
}

func worse(a, b *Agreement) bool {
	if a.Comparable != b.Comparable {
		return a.Comparable
	}
	switch {
	case a.DistanceM != nil && b.DistanceM != nil:
		return *a.DistanceM > *b.DistanceM
	case a.ApartMS != nil && b.ApartMS != nil:
		return *a.ApartMS > *b.ApartMS
	}
	return false
}

// Need is an axis that something the case publishes stands on.
type Need struct {
	Axis    string `json:"axis"`
	Because string `json:"because"` // a claim, story step, scene, or the item itself
}

// Relied lists, by item that is to be published, the axes on which a public
// sentence or the scene relies. A record of something said must be verified
// as said (source). Footage must be verified on every axis that is used: its
// authenticity when a public claim links it, its place when it stands in the
// scene, its time when it stands on the timeline.
func Relied(d *sightline.Document) map[string][]Need {
	out := map[string][]Need{}
	public := map[string]*sightline.Item{}
	add := func(id, axis, because string) {
		if i := strings.LastIndexByte(id, '.'); i > 0 && public[id] == nil {
			id = id[:i]
		}
		if public[id] == nil {
			return
		}
		for _, n := range out[id] {
			if n.Axis == axis {
				return
			}
		}
		out[id] = append(out[id], Need{axis, because})
	}
	for _, it := range d.Items {
		if it.Public.Decision == "publish" {
			public[it.ID] = it
		}
	}
	for _, it := range d.Items {
		if public[it.ID] == nil {
			continue
		}
		add(it.ID, sightline.AxisSource, it.ID)
		if !it.Held {
			continue
		}
		for _, p := range it.Places {
			if !p.Withheld && (p.Geo != nil || enu(&p) != nil) {
				add(it.ID, sightline.AxisPlace, it.ID)
			}
		}
		if len(it.Times) > 0 && (it.Times[0].Min != nil || it.Times[0].Max != nil) {
			add(it.ID, sightline.AxisTime, it.ID)
		}
	}
	for _, c := range d.Claims {
		if !c.Public {
			continue
		}
		for _, ls := range [][]sightline.Link{c.For, c.Against} {
			for _, l := range ls {
				if it := public[base(l.To)]; it != nil && it.Held {
					add(it.ID, sightline.AxisAuthenticity, c.ID)
					add(it.ID, sightline.AxisContent, c.ID)
				}
			}
		}
	}
	for id := range out {
		slices.SortFunc(out[id], func(a, b Need) int { return compare(id, a.Axis, id, b.Axis) })
	}
	return out
}

func base(id string) string {
	if i := strings.LastIndexByte(id, '.'); i > 0 {
		return id[:i]
	}
	return id
}
