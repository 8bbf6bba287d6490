package review

import (
	"strings"

	"sightline"
)

// Veil is what one person may not see of a case until they have answered: for
// each question that they were asked blind, the answers of everybody else and
// whatever gives them away.
type Veil struct {
	person string
	hidden map[string]map[string]bool // item, axis
}

// VeilOf computes the veil of a person. Copies of an item (DuplicateOf) are
// covered with it, because the place of a copy is the place of the original.
func VeilOf(reviews []*sightline.Review, items []*sightline.Item, person string) *Veil {
	v := &Veil{person, map[string]map[string]bool{}}
	hide := func(id, axis string) {
		if v.hidden[id] == nil {
			v.hidden[id] = map[string]bool{}
		}
		v.hidden[id][axis] = true
	}
	for _, r := range reviews {
		if r.Person != person || r.State != "open" || !r.Blind {
			continue
		}
		hide(r.About, r.Axis)
		root := r.About
		for _, it := range items {
			if it.ID == r.About && it.DuplicateOf != "" {
				root = it.DuplicateOf
			}
		}
		for _, it := range items {
			if it.ID == root || it.DuplicateOf == root || it.DuplicateOf == r.About {
				hide(it.ID, r.Axis)
			}
		}
	}
	return v
}

// Empty reports whether nothing is hidden.
func (v *Veil) Empty() bool { return len(v.hidden) == 0 }

// Hides reports whether an axis of an item is hidden.
func (v *Veil) Hides(item, axis string) bool { return v.hidden[item][axis] }

// Item reports whether anything about an item is hidden.
func (v *Veil) Item(item string) bool { return len(v.hidden[item]) > 0 }

func (v *Veil) any(ids []string, axis string) bool {
	for _, id := range ids {
		if v.hidden[id][axis] || v.hidden[base(id)][axis] {
			return true
		}
	}
	return false
}

// Object gives an object as the person may see it, and false when they may not
// see it at all. The object given is not changed.
func (v *Veil) Object(o sightline.Object) (sightline.Object, bool) {
	if v.Empty() {
		return o, true
	}
	switch o := o.(type) {
	case *sightline.Item:
		h := v.hidden[o.ID]
		if len(h) == 0 {
			return o, true
		}
		c := *o
		c.Notes, c.Phase = "", ""
		for axis := range h {
			*c.Axes.Of(axis) = sightline.Axis{}
		}
		if h[sightline.AxisPlace] {
			c.Places = nil
		}
		if h[sightline.AxisTime] {
			c.Times = nil
		}
		return &c, true
	case *sightline.Observation:
		h := v.hidden[o.Item]
		if len(h) == 0 {
			return o, true
		}
		c := *o
		if h[sightline.AxisPlace] {
			c.Places = nil
		}
		if h[sightline.AxisTime] {
			c.Times = nil
		}
		return &c, true
	case *sightline.Finding:
		return o, !v.any(o.About, o.Axis) && !v.any(o.Inputs, o.Axis)
	case *sightline.Event:
		c := *o
		if v.any(o.Items, sightline.AxisPlace) {
			c.Places = nil
		}
		if v.any(o.Items, sightline.AxisTime) {
			c.Times = nil
		}
		return &c, true
	case *sightline.Derivative:
		return o, o.Role != "still" || !v.hidden[o.Item][sightline.AxisPlace]
	case *sightline.Review:
		return o, o.Person == v.person || o.State == "open" || !v.hidden[o.About][o.Axis]
	case *sightline.Comment:
		return o, o.Person == v.person || len(v.hidden[o.About]) == 0 && len(v.hidden[base(o.About)]) == 0
	case *sightline.Story:
		c := *o
		c.Steps = append([]sightline.Step(nil), o.Steps...)
		for i := range c.Steps {
			s := &c.Steps[i]
			if !v.cites(s) {
				continue
			}
			s.Text, s.Time, s.View, s.Still = nil, nil, sightline.View{}, nil
		}
		return &c, true
	}
	return o, true
}

func (v *Veil) cites(s *sightline.Step) bool {
	for id := range v.hidden {
		if s.View.Select == id || s.View.Camera != nil && s.View.Camera.Item == id || s.View.Projectors[id] != 0 {
			return true
		}
		for _, t := range s.Text {
			if strings.Contains(t, "["+id) {
				return true
			}
		}
	}
	return false
}

// Document gives a case as the person may see it. The document given is not
// changed.
func (v *Veil) Document(d *sightline.Document) *sightline.Document {
	if v.Empty() {
		return d
	}
	c := *d
	c.Items = veiled(v, d.Items)
	c.Derivatives = veiled(v, d.Derivatives)
	c.Observations = veiled(v, d.Observations)
	c.Findings = veiled(v, d.Findings)
	c.Events = veiled(v, d.Events)
	c.Stories = veiled(v, d.Stories)
	c.Reviews = veiled(v, d.Reviews)
	c.Comments = veiled(v, d.Comments)
	return &c
}

func veiled[T sightline.Object](v *Veil, list []T) []T {
	out := make([]T, 0, len(list))
	for _, o := range list {
		if s, ok := v.Object(o); ok {
			out = append(out, s.(T))
		}
	}
	return out
}
