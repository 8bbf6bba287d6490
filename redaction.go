package sightline

import (
	"fmt"
	"math"
	"strings"

	"sightline/digest"
)

// Redaction is one part of an item that must not be seen or heard in public.
// It is destructive: the published copy is made anew with a solid fill in the
// place of the part, never with a blur or a changed voice, because both can be
// undone. The original keeps every byte and stays in the case.
type Redaction struct {
	ID     string         `json:"id"`              // unique in the item: "R1"
	Kind   string         `json:"kind"`            // region: a part of the picture; voice: all sound; range: sound over a time
	Shape  string         `json:"shape,omitempty"` // of a region: rect (two opposite corners), polygon (three corners and more)
	Keys   []RedactionKey `json:"keys,omitempty"`  // of a region, by time; a picture has one
	FromMS *int64         `json:"from_ms,omitempty"`
	ToMS   *int64         `json:"to_ms,omitempty"`   // media time; without both ends: from the start, to the end
	Fill   string         `json:"fill,omitempty"`    // of sound: silence (default), tone
	Say    Text           `json:"caption,omitempty"` // shown in place of the sound that is gone
	Reason Text           `json:"reason,omitempty"`
	By     string         `json:"by,omitempty"`
}

// RedactionKey is where the corners of a region are at one moment. Points are
// fractions of the upright picture, from its top left corner. Between two keys
// each corner moves in a straight line; before the first and after the last
// key the region stands still.
type RedactionKey struct {
	AtMS   int64        `json:"at_ms"` // media time; 0 in a picture
	Points [][2]float64 `json:"points"`
}

// Limits of a list of redactions: what a person can draw, and no more.
const (
	MostRedactions    = 500
	mostRedactionKeys = 20_000
	mostCorners       = 200
)

// Check says what is wrong with a redaction, naming it; nil when it can be made.
func (r *Redaction) Check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("redaction %q %s: %w", r.ID, fmt.Sprintf(format, args...), ErrInvalid)
	}
	if r.FromMS != nil && r.ToMS != nil && *r.ToMS <= *r.FromMS {
		return bad("ends at %d ms, before it begins at %d ms", *r.ToMS, *r.FromMS)
	}
	switch r.Kind {
	case "region":
	case "voice", "range":
		if r.Fill != "" && r.Fill != "silence" && r.Fill != "tone" {
			return bad("asks for the sound %q; use silence or tone", r.Fill)
		}
		if r.Kind == "range" && (r.FromMS == nil || r.ToMS == nil) {
			return bad("is a range without a beginning or an end")
		}
		return nil
	default:
		return bad("is of the kind %q; use region, voice or range", r.Kind)
	}
	if len(r.Keys) == 0 || len(r.Keys) > mostRedactionKeys {
		return bad("has %d positions; it needs 1 to %d", len(r.Keys), mostRedactionKeys)
	}
	n := len(r.Keys[0].Points)
	switch {
	case r.Shape == "rect" && n != 2:
		return bad("is a rectangle with %d corners; give two opposite ones", n)
	case r.Shape == "polygon" && (n < 3 || n > mostCorners):
		return bad("is a polygon with %d corners; give 3 to %d", n, mostCorners)
	case r.Shape != "rect" && r.Shape != "polygon":
		return bad("has the shape %q; use rect or polygon", r.Shape)
	}
	for i, k := range r.Keys {
		if len(k.Points) != n {
			return bad("has %d corners at %d ms and %d at the first position", len(k.Points), k.AtMS, n)
		}
		if i > 0 && k.AtMS <= r.Keys[i-1].AtMS {
			return bad("has its positions out of order at %d ms", k.AtMS)
		}
		for _, p := range k.Points {
			// A corner may lie outside, as of somebody who leaves the picture.
			if math.IsNaN(p[0]) || math.IsNaN(p[1]) || math.Abs(p[0]) > 10 || math.Abs(p[1]) > 10 {
				return bad("has a corner at %v, %v; corners are fractions of the picture", p[0], p[1])
			}
		}
	}
	return nil
}

// At returns the corners of a region at a media time in milliseconds, in
// order around it, or nil when the region does not apply then.
func (r *Redaction) At(ms float64) [][2]float64 {
	if r.Kind != "region" || len(r.Keys) == 0 || (r.FromMS != nil && ms < float64(*r.FromMS)) || (r.ToMS != nil && ms > float64(*r.ToMS)) {
		return nil
	}
	i := 0
	for i < len(r.Keys) && float64(r.Keys[i].AtMS) <= ms {
		i++
	}
	var pts [][2]float64
	switch {
	case i == 0:
		pts = r.Keys[0].Points
	case i == len(r.Keys):
		pts = r.Keys[i-1].Points
	default:
		a, b := r.Keys[i-1], r.Keys[i]
		f := (ms - float64(a.AtMS)) / float64(b.AtMS-a.AtMS)
		pts = make([][2]float64, len(a.Points))
		for j := range pts {
			for k := range 2 {
				pts[j][k] = a.Points[j][k] + f*(b.Points[j][k]-a.Points[j][k])
			}
		}
	}
	if r.Shape == "rect" && len(pts) == 2 {
		p, q := pts[0], pts[1]
		return [][2]float64{p, {q[0], p[1]}, q, {p[0], q[1]}}
	}
	return pts
}

// Sound reports whether the redaction is of sound.
func (r *Redaction) Sound() bool { return r.Kind == "voice" || r.Kind == "range" }

// RedactionDigest names what the redactions of an item ask for: equal digests
// mean equal published copies. The reason and the person are not part of it,
// so a better worded reason does not make the copies anew. It is "" for an
// item without redactions.
func (i *Item) RedactionDigest() (string, error) {
	if len(i.Redactions) == 0 {
		return "", nil
	}
	asked := make([]Redaction, len(i.Redactions))
	for n, r := range i.Redactions {
		r.Reason, r.By = nil, ""
		asked[n] = r
	}
	b, err := Canonical(map[string]any{"format": "sightline.redactions/1", "input": i.SHA256, "redactions": asked})
	if err != nil {
		return "", fmt.Errorf("the redactions of %s cannot be written down: %w", i.ID, err)
	}
	return digest.Of(b).String(), nil
}

// RedactedPrefix begins the role of a derivative that was made with the
// redactions of its item: "redacted-preview" takes the place of "preview" in
// an edition. Its Meta[RedactedMeta] is the [Item.RedactionDigest] it was made
// for.
const (
	RedactedPrefix = "redacted-"
	RedactedMeta   = "redactions"
)

// Redacted reports whether a derivative was made with redactions, and for
// which role.
func (d *Derivative) Redacted() (role string, ok bool) {
	return strings.CutPrefix(d.Role, RedactedPrefix)
}
