package review

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"sightline"
	"sightline/digest"
)

// index finds the objects of a document by id.
type index struct {
	items    map[string]*sightline.Item
	findings map[string]*sightline.Finding
	others   map[string]sightline.Object
	obs      map[string][]*sightline.Observation
	times    map[string][]*sightline.Constraint
	layers   []layer
}

type layer struct {
	ID     string `json:"id"`
	SHA256 string `json:"sha256"`
}

func newIndex(d *sightline.Document) *index {
	x := &index{map[string]*sightline.Item{}, map[string]*sightline.Finding{}, map[string]sightline.Object{}, map[string][]*sightline.Observation{}, map[string][]*sightline.Constraint{}, nil}
	for _, it := range d.Items {
		x.items[it.ID] = it
	}
	for _, f := range d.Findings {
		x.findings[f.ID] = f
	}
	for _, o := range d.Observations {
		x.others[o.ID] = o
		x.obs[o.Item] = append(x.obs[o.Item], o)
	}
	for _, e := range d.Events {
		x.others[e.ID] = e
	}
	for _, c := range d.Claims {
		x.others[c.ID] = c
	}
	for _, k := range d.Constraints {
		x.others[k.ID] = k
		seen := map[string]bool{}
		for _, p := range []string{k.From, k.To} {
			id := strings.TrimSuffix(strings.TrimSuffix(p, ".start"), ".end")
			if !seen[id] {
				seen[id] = true
				x.times[id] = append(x.times[id], k)
			}
		}
	}
	for _, l := range d.Layers {
		x.layers = append(x.layers, layer{l.ID, l.SHA256})
	}
	slices.SortFunc(x.layers, func(a, b layer) int { return cmp.Compare(a.ID, b.ID) })
	return x
}

// record is what a person looks at to answer a question about an item, without
// the answer itself: an answer must not become stale by being written down.
type record struct {
	ID          string            `json:"id"`
	SHA256      string            `json:"sha256"`
	Size        int64             `json:"size"`
	Media       string            `json:"media"`
	Held        bool              `json:"held"`
	Width       int               `json:"width"`
	Height      int               `json:"height"`
	Orientation int               `json:"orientation"`
	DurationMS  int64             `json:"duration_ms"`
	DuplicateOf string            `json:"duplicate_of"`
	Device      string            `json:"device"`
	Facts       []sightline.Fact  `json:"facts"`
	Source      *sightline.Source `json:"source,omitempty"`
	Posted      *sightline.Time   `json:"posted,omitempty"`
	Seen        sightline.Text    `json:"seen,omitempty"`
	Language    string            `json:"language,omitempty"`
	Hashes      map[string]string `json:"hashes,omitempty"`
	Layers      []layer           `json:"layers,omitempty"`
	Inputs      []input           `json:"inputs"`
}

type input struct {
	Ref   string `json:"ref"`
	Value string `json:"sha256"` // of the canonical JSON
}

// Pin is the SHA-256 of what an answer was given about: the canonical JSON
// (RFC 8785) of the item as far as the question depends on it, of its
// observations, of the constraints on its time, of the layers of the scene for
// a place, and of the finding that the answer names with everything that
// finding was made from, however far back. It is "" for an item that is not
// there.
func Pin(d *sightline.Document, item, axis string, a *sightline.Answer) string {
	return newIndex(d).pin(item, axis, a)
}

func (x *index) pin(item, axis string, a *sightline.Answer) string {
	it := x.items[item]
	if it == nil {
		return ""
	}
	r := x.record(it, axis)
	seen := map[string]bool{"item/" + item + "/" + axis: true}
	for _, o := range x.obs[item] {
		r.Inputs = append(r.Inputs, input{"observation/" + o.ID, sum(o)})
	}
	if axis == sightline.AxisTime {
		for _, k := range x.times[item] {
			r.Inputs = append(r.Inputs, input{"constraint/" + k.ID, sum(k)})
		}
	}
	if a != nil && a.Place != nil {
		x.follow(&r, a.Place.Finding, axis, seen)
	}
	if a != nil && a.Time != nil {
		x.follow(&r, a.Time.Finding, axis, seen)
	}
	slices.SortFunc(r.Inputs, func(a, b input) int { return cmp.Compare(a.Ref, b.Ref) })
	return sum(r)
}

func (x *index) record(it *sightline.Item, axis string) record {
	r := record{ID: it.ID, SHA256: it.SHA256, Size: it.Size, Media: it.Media, Held: it.Held, Width: it.Width, Height: it.Height,
		Orientation: it.Orientation, DurationMS: it.DurationMS, DuplicateOf: it.DuplicateOf, Device: it.Device, Facts: it.Facts}
	switch axis {
	case sightline.AxisPlace:
		r.Layers = x.layers
	case sightline.AxisTime:
		r.Posted = it.Posted
	case sightline.AxisSource:
		r.Source, r.Posted = &it.Source, it.Posted
	case sightline.AxisAuthenticity:
		r.Source, r.Hashes = &it.Source, it.Hashes
	case sightline.AxisContent:
		r.Seen, r.Language, r.Source = it.Seen, it.Language, &it.Source
	}
	return r
}

// follow adds an object that an answer was made from, and what that was made
// from. A finding on another item depends on the value in force there.
func (x *index) follow(r *record, id, axis string, seen map[string]bool) {
	if id == "" || seen[id] || seen["item/"+id+"/"+axis] {
		return
	}
	if f := x.findings[id]; f != nil {
		seen[id] = true
		c := *f
		c.Review, c.Public = "", false
		r.Inputs = append(r.Inputs, input{"finding/" + id, sum(&c)})
		for _, in := range f.Inputs {
			x.follow(r, in, f.Axis, seen)
		}
		return
	}
	if it := x.items[id]; it != nil {
		seen["item/"+id+"/"+axis] = true
		rec := struct {
			Record record            `json:"record"`
			Places []sightline.Place `json:"places,omitempty"`
			Times  []sightline.Time  `json:"times,omitempty"`
		}{Record: x.record(it, axis)}
		if axis == sightline.AxisPlace && len(it.Places) > 0 {
			rec.Places = []sightline.Place{bare(it.Places[0])}
		}
		if axis == sightline.AxisTime && len(it.Times) > 0 {
			t := it.Times[0]
			t.Status = ""
			rec.Times = []sightline.Time{t}
		}
		r.Inputs = append(r.Inputs, input{"item/" + id, sum(rec)})
		if axis == sightline.AxisPlace && len(it.Places) > 0 {
			x.follow(r, it.Places[0].Finding, axis, seen)
		}
		if axis == sightline.AxisTime && len(it.Times) > 0 {
			x.follow(r, it.Times[0].Finding, axis, seen)
		}
		return
	}
	if o := x.others[id]; o != nil {
		seen[id] = true
		r.Inputs = append(r.Inputs, input{string(o.Ref().Kind) + "/" + id, sum(o)})
	}
}

// bare is a place without what the rules and the publisher write into it.
func bare(p sightline.Place) sightline.Place {
	p.Status, p.FuzzM, p.Withheld, p.Basis, p.Label = "", 0, false, nil, nil
	return p
}

func sum(v any) string {
	b, err := sightline.Canonical(v)
	if err != nil {
		// A number that JSON cannot hold: the value was never in a store. It
		// pins nothing, so it can never count as unchanged.
		b, _ = json.Marshal(err.Error())
		b = append(b, "\x00unpinnable"...)
	}
	return digest.Of(b).String()
}
