package time

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sightline"
	"sightline/order"
	"sightline/when"
)

// ClockPrefix begins the id of the point that is the error of a device's
// clock, true time less shown time in milliseconds. What follows is the first
// item of the device, not the device's name: a name can give away its owner.
const ClockPrefix = "clock:"

// Clock is a device whose files share one unknown error.
type Clock struct {
	Point string   `json:"point"`  // "clock:EX-005"
	Name  string   `json:"device"` // as the files state it; empty where they do not: then each file has a clock of its own
	Items []string `json:"items"`
}

// Hypothesis is one reading of a time that a file or a record carries, in the
// form of the constraint it would be. Nothing is applied: a person takes it
// into the case or leaves it.
type Hypothesis struct {
	Item       string               `json:"item"`
	Kind       string               `json:"kind"` // reading (a clock showed it), posted (it was published by then), length (it lasts so long)
	Printed    string               `json:"printed,omitempty"`
	Constraint sightline.Constraint `json:"constraint"`      // without an id
	Taken      string               `json:"taken,omitempty"` // the constraint of the case that says the same
}

// Clocks groups the items of a document that state a time by the clock that
// showed it. A clock that the case already uses keeps its point, so that a
// file added later joins it.
func Clocks(d *sightline.Document) []Clock {
	used := map[string]bool{}
	for _, c := range d.Constraints {
		used[c.From], used[c.To] = true, true
	}
	by := map[string]*Clock{}
	var out []*Clock
	items := slices.Clone(d.Items)
	slices.SortFunc(items, func(a, b *sightline.Item) int { return cmp.Compare(a.ID, b.ID) })
	for _, it := range items {
		if len(readings(it)) == 0 {
			continue
		}
		c := by[it.Device]
		if c == nil || it.Device == "" {
			c = &Clock{Point: ClockPrefix + it.ID, Name: it.Device}
			by[it.Device] = c
			out = append(out, c)
		}
		c.Items = append(c.Items, it.ID)
	}
	list := []Clock{}
	for _, c := range out {
		for _, id := range c.Items {
			if used[ClockPrefix+id] {
				c.Point = ClockPrefix + id
				break
			}
		}
		list = append(list, *c)
	}
	return list
}

// readings are the times that a device wrote; a time that an analyst entered
// or a method derived is none.
func readings(it *sightline.Item) (out []sightline.Time) {
	for _, t := range it.Times {
		if t.Precision == "derived" && t.Status == "claimed" && t.Finding == "" && t.Min != nil && t.Max != nil && *t.Max-*t.Min < when.Instant(when.Day)/2 {
			out = append(out, t)
		}
	}
	return out
}

// Hypotheses lists what the files and records of a case say about their own
// times: every reading of a device's clock, the publication as a latest
// moment, and the length of a recording.
func Hypotheses(d *sightline.Document) []Hypothesis {
	point := map[string]string{}
	for _, c := range Clocks(d) {
		for _, id := range c.Items {
			point[id] = c.Point
		}
	}
	out := []Hypothesis{}
	add := func(it *sightline.Item, kind, printed string, k sightline.Constraint) {
		k.Evidence = []string{it.ID}
		h := Hypothesis{Item: it.ID, Kind: kind, Printed: printed, Constraint: k}
		for _, c := range d.Constraints {
			if c.From == k.From && c.To == k.To && equal(c.MinMS, k.MinMS) && equal(c.MaxMS, k.MaxMS) {
				h.Taken = c.ID
			}
		}
		out = append(out, h)
	}
	z := when.UTC
	if d.Case != nil {
		if own, err := when.LoadZone(d.Case.Zone); err == nil {
			z = own
		}
	}
	both := func(en, es string) sightline.Text { return sightline.Text{"en": en, "es": es} }
	for _, it := range d.Items {
		for _, t := range readings(it) {
			shown := z.RFC3339(*t.Min)
			add(it, "reading", t.Printed, sightline.Constraint{From: point[it.ID], To: it.ID + ".start", MinMS: ms(int64(*t.Min)), MaxMS: ms(int64(*t.Max)), Strength: "claim",
				Text: both("a clock showed "+shown+" when "+it.ID+" began: "+t.Basis.In("en", "es"), "un reloj mostraba "+shown+" al comenzar "+it.ID+": "+t.Basis.In("es", "en"))})
		}
		if it.Media == "video" && it.DurationMS > 0 {
			// Some devices write the moment at which they stopped recording.
			for _, t := range readings(it) {
				if t.Printed == it.Name {
					continue
				}
				shown := z.RFC3339(*t.Min)
				add(it, "reading", t.Printed, sightline.Constraint{From: point[it.ID], To: it.ID + ".end", MinMS: ms(int64(*t.Min)), MaxMS: ms(int64(*t.Max)), Strength: "claim",
					Text: both("if the device writes the end: a clock showed "+shown+" when "+it.ID+" ended", "si el aparato anota el final: un reloj mostraba "+shown+" al terminar "+it.ID)})
			}
		}
		if it.Posted != nil && it.Posted.Max != nil {
			add(it, "posted", it.Posted.Printed, sightline.Constraint{From: order.Z, To: it.ID + ".start", MaxMS: ms(int64(*it.Posted.Max)), Strength: "firm",
				Text: both(it.ID+" was published by then, so what it holds is not later", it.ID+" ya estaba publicado entonces: lo que contiene no es posterior")})
		}
		if (it.Media == "video" || it.Media == "audio") && it.DurationMS > 0 {
			// A container states its length in whole units; half a second
			// covers a last frame and the padding of an encoder.
			lo := max(0, it.DurationMS-500)
			add(it, "length", "", sightline.Constraint{From: it.ID + ".start", To: it.ID + ".end", MinMS: ms(lo), MaxMS: ms(it.DurationMS + 500), Strength: "firm",
				Text: both(fmt.Sprintf("%s lasts %s, half a second more or less", it.ID, when.Span(it.DurationMS, "en")), fmt.Sprintf("%s dura %s, medio segundo más o menos", it.ID, when.Span(it.DurationMS, "es")))})
		}
	}
	return out
}

func ms(v int64) *int64 { return &v }

func equal(a, b *int64) bool { return a == b || a != nil && b != nil && *a == *b }

// isClock reports whether a point is the error of a clock, a length and not a
// time.
func isClock(point string) bool { return strings.HasPrefix(point, ClockPrefix) }
