package review

import (
	"fmt"
	"slices"

	"sightline"
)

// Guard refuses an edit of an item that writes what only the rules may say: a
// status "verified" that was not there before, or who verified it, when,
// whether blind and about which record. before is nil for a new item.
func Guard(before, after *sightline.Item) error {
	if before == nil {
		before = &sightline.Item{}
	}
	for _, name := range sightline.AxisNames {
		was, is := before.Axes.Of(name), after.Axes.Of(name)
		if is.Status == "verified" && was.Status != "verified" {
			return byHand(after.ID, name)
		}
		if is.Pins != was.Pins || is.Blind != was.Blind || is.At != was.At || !slices.Equal(is.By, was.By) {
			return invalid("who verified the %s of %s, when and about what follows from the reviews and is not edited", name, after.ID)
		}
	}
	for i, p := range after.Places {
		if p.Status == "verified" && (i >= len(before.Places) || before.Places[i].Status != "verified" || sum(bare(before.Places[i])) != sum(bare(p))) {
			return byHand(after.ID, sightline.AxisPlace)
		}
	}
	for i, t := range after.Times {
		if t.Status == "verified" && (i >= len(before.Times) || before.Times[i].Status != "verified" || !before.Times[i].Interval.Equal(t.Interval)) {
			return byHand(after.ID, sightline.AxisTime)
		}
	}
	return nil
}

func byHand(item, axis string) error {
	return invalid("the %s of %s cannot be set to verified by hand; it follows when two people have answered and agree, the second without having seen the first answer: ask somebody for a review", axis, item)
}

// GuardFinding does the same for the review status of a finding.
func GuardFinding(before, after *sightline.Finding) error {
	was := ""
	if before != nil {
		was = before.Review
	}
	if after.Review != was && after.Review != "" {
		return invalid("the review status of finding %s follows from the reviews and is not edited", after.ID)
	}
	return nil
}

// Derive gives the items and findings of a document as the rules say they must
// stand: those among the items named, and the findings their answers rest on,
// whose stored status differs. The document is not changed. was holds items as
// they stood before the edit: where nobody has reviewed an axis that somebody
// else's system called verified, a change of what was verified takes the word
// away.
func Derive(d *sightline.Document, items []string, was map[string]*sightline.Item) []sightline.Object {
	x := newIndex(d)
	rep := Status(d)
	reviewed := map[string]map[string]bool{}
	finding := map[string]string{}
	for _, r := range d.Reviews {
		if r.State == "open" || r.State == "cancelled" {
			continue
		}
		if reviewed[r.About] == nil {
			reviewed[r.About] = map[string]bool{}
		}
		reviewed[r.About][r.Axis] = true
		if r.Answer == nil {
			continue
		}
		v := rep.Of(r.About, r.Axis)
		for _, f := range named(r.Answer) {
			say := ""
			switch {
			case slices.Contains(v.Stale, r.ID):
				say = "needs_re-review"
			case v.State == Verified && slices.Contains(v.Pair, r.ID):
				say = "verified"
			case slices.Contains(v.Answers, r.ID):
				say = "self-checked"
			}
			if say != "" && finding[f] != "verified" {
				finding[f] = say
			}
		}
	}
	var out []sightline.Object
	for _, id := range items {
		it := x.items[id]
		if it == nil {
			continue
		}
		c := *it
		c.Places, c.Times = slices.Clone(it.Places), slices.Clone(it.Times)
		for _, axis := range sightline.AxisNames {
			if reviewed[id][axis] {
				settle(&c, axis, rep.Of(id, axis), d)
			} else if old := was[id]; old != nil && old.Axes.Of(axis).Status == "verified" && c.Axes.Of(axis).Status == "verified" && changed(x, old, it, axis) {
				drop(&c, axis)
			}
		}
		if sum(&c) != sum(it) {
			out = append(out, &c)
		}
	}
	for id, say := range finding {
		if f := x.findings[id]; f != nil && f.Review != say {
			c := *f
			c.Review = say
			out = append(out, &c)
		}
	}
	slices.SortFunc(out, func(a, b sightline.Object) int {
		return compareRefs(a.Ref(), b.Ref())
	})
	return out
}

func compareRefs(a, b sightline.Ref) int {
	if a.Kind != b.Kind {
		return slices.Index(sightline.Kinds, a.Kind) - slices.Index(sightline.Kinds, b.Kind)
	}
	return sightline.CompareIDs(a.ID, b.ID)
}

func named(a *sightline.Answer) (out []string) {
	if a.Place != nil && a.Place.Finding != "" {
		out = append(out, a.Place.Finding)
	}
	if a.Time != nil && a.Time.Finding != "" {
		out = append(out, a.Time.Finding)
	}
	return out
}

// settle writes a verdict into an axis of an item.
func settle(it *sightline.Item, axis string, v *Verdict, d *sightline.Document) {
	a := it.Axes.Of(axis)
	switch v.State {
	case Verified:
		a.Status = outcome(axis, v.Says)
		a.By, a.At, a.Blind = nil, "", true
		for _, r := range d.Reviews {
			if slices.Contains(v.Pair, r.ID) {
				name := r.Name
				if name == "" {
					name = r.Person
				}
				a.By = append(a.By, name)
				if r.At > a.At {
					a.At = r.At
				}
			}
		}
		slices.Sort(a.By)
		a.Pins = sum(pinned(d, v.Pair))
		if axis == sightline.AxisPlace && len(it.Places) > 0 {
			it.Places[0].Status = "verified"
		}
		if axis == sightline.AxisTime && len(it.Times) > 0 {
			it.Times[0].Status = "verified"
		}
	case Disputed:
		drop(it, axis)
		a.Status = "disputed"
	default:
		ruled := a.Pins != "" || a.Status == "verified" || a.Status == "disputed"
		first := (a.Status == "" || a.Status == "none" || a.Status == "claimed" || a.Status == "not_checked") && len(v.Answers) > 0
		if ruled || first {
			drop(it, axis)
		}
	}
}

// pinned lists the pins of the two answers, so that the axis names the very
// records that were judged.
func pinned(d *sightline.Document, pair []string) (out []string) {
	for _, r := range d.Reviews {
		if slices.Contains(pair, r.ID) {
			out = append(out, r.Pins)
		}
	}
	slices.Sort(out)
	return out
}

func outcome(axis, says string) string {
	switch {
	case axis == sightline.AxisAuthenticity:
		return says
	case says == "refuted":
		return "refuted"
	}
	return "verified"
}

// drop takes back what the rules once said, to the strongest word that one
// person may use.
func drop(it *sightline.Item, axis string) {
	a := it.Axes.Of(axis)
	a.By, a.At, a.Blind, a.Pins = nil, "", false, ""
	switch axis {
	case sightline.AxisPlace, sightline.AxisTime:
		a.Status = "estimated"
		if axis == sightline.AxisPlace && len(it.Places) > 0 && it.Places[0].Status == "verified" {
			it.Places[0].Status = "estimated"
		}
		if axis == sightline.AxisTime && len(it.Times) > 0 && it.Times[0].Status == "verified" {
			it.Times[0].Status = "estimated"
		}
	case sightline.AxisAuthenticity:
		a.Status = "not_checked"
	default:
		a.Status = "self_checked"
	}
}

// changed reports whether what was verified about an item is another value or
// another record now.
func changed(x *index, before, after *sightline.Item, axis string) bool {
	if sum(x.record(before, axis)) != sum(x.record(after, axis)) {
		return true
	}
	switch axis {
	case sightline.AxisPlace:
		return len(before.Places) != len(after.Places) || len(before.Places) > 0 && sum(bare(before.Places[0])) != sum(bare(after.Places[0]))
	case sightline.AxisTime:
		return len(before.Times) != len(after.Times) || len(before.Times) > 0 && !before.Times[0].Interval.Equal(after.Times[0].Interval)
	}
	return false
}

// Apply puts an answer in force on an item: the place or time that a person
// found becomes the first of the item, and what stood there before is kept
// behind it. An answer on another axis changes nothing by itself.
func Apply(it *sightline.Item, a *sightline.Answer) {
	switch {
	case a.Place != nil:
		p := *a.Place
		p.Status = "estimated"
		// How much of a place the public may see was decided about the item,
		// not about this answer.
		if len(it.Places) > 0 {
			p.FuzzM, p.Withheld = it.Places[0].FuzzM, it.Places[0].Withheld
		}
		rest := slices.DeleteFunc(slices.Clone(it.Places), func(q sightline.Place) bool { return sum(bare(q)) == sum(bare(p)) })
		it.Places = append([]sightline.Place{p}, rest...)
	case a.Time != nil:
		t := *a.Time
		t.Status = "estimated"
		rest := slices.DeleteFunc(slices.Clone(it.Times), func(q sightline.Time) bool { return q.Interval.Equal(t.Interval) })
		it.Times = append([]sightline.Time{t}, rest...)
	}
}

// Touched lists the items whose verdict an edit of these objects can change:
// all of those that anybody reviewed, because an answer may rest on a finding
// that was made from any other object, and the items named.
func Touched(d *sightline.Document, also ...string) []string {
	set := map[string]bool{}
	for _, r := range d.Reviews {
		set[r.About] = true
	}
	for _, id := range also {
		set[id] = true
	}
	var out []string
	for id := range set {
		out = append(out, id)
	}
	slices.SortFunc(out, sightline.CompareIDs)
	return out
}

// AskCheck refuses a question that nobody could answer.
func AskCheck(d *sightline.Document, r *sightline.Review) error {
	x := newIndex(d)
	if x.items[r.About] == nil {
		return fmt.Errorf("there is no item %q to review: %w", short(r.About), sightline.ErrNotFound)
	}
	if !slices.Contains(sightline.AxisNames, r.Axis) {
		return invalid("a review is about one axis: authenticity, source, place, time or content; %q is none", short(r.Axis))
	}
	for _, q := range d.Reviews {
		if q.State == "open" && q.About == r.About && q.Axis == r.Axis && q.Person == r.Person {
			return fmt.Errorf("%s was asked this already (%s): %w", short(r.Person), q.ID, sightline.ErrConflict)
		}
	}
	return CheckDue(r.Due)
}
