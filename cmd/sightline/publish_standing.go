package main

import (
	"slices"

	"sightline"
	"sightline/publish"
	"sightline/verify/corroborate"
	"sightline/verify/review"
)

// verification says what the reviews of a case allow an edition to say. It is
// computed when asked: the words stored on items and findings may be older
// than what they were said about.
func verification(doc *sightline.Document) *publish.Verification {
	rep := review.Status(doc)
	out := &publish.Verification{Axes: []publish.Standing{}, Findings: map[string]string{}}
	for _, it := range doc.Items {
		for _, axis := range sightline.AxisNames {
			v := rep.Of(it.ID, axis)
			s := publish.Standing{Item: it.ID, Axis: axis, State: string(v.State)}
			for _, n := range rep.Relied[it.ID] {
				if n.Axis == axis {
					s.Relied = n.Because
				}
			}
			if s.Relied == "" && v.State == review.None {
				continue
			}
			if v.Agreement != nil {
				s.Why = v.Agreement.Why
			}
			if v.After != nil {
				s.After = &v.After.Why
			}
			out.Axes = append(out.Axes, s)
		}
	}
	slices.SortStableFunc(out.Axes, func(a, b publish.Standing) int { return sightline.CompareIDs(a.Item, b.Item) })
	for _, f := range doc.Findings {
		if f.Review != "" {
			out.Findings[f.ID] = f.Review
		}
	}
	for _, o := range review.Derive(doc, nil, nil) {
		if f, ok := o.(*sightline.Finding); ok {
			out.Findings[f.ID] = f.Review
		}
	}
	return out
}

// weights is what the evidence of a public document says together. Sight lines
// are left out: a reader has to come to the same answer from the document alone.
func weights(doc *sightline.Document) *publish.Corroboration {
	r := corroborate.Make(doc, corroborate.Options{})
	out := &publish.Corroboration{Schema: publish.CorroborationSchema, Claims: []publish.ClaimWeight{}, Contradictions: []publish.Contradiction{}}
	for _, c := range r.Claims {
		out.Claims = append(out.Claims, publish.ClaimWeight{ID: c.ID, For: len(c.For), Against: len(c.Against), Suggest: c.Suggest, Why: c.Why, Change: c.Change})
	}
	for _, x := range r.Contradictions {
		out.Contradictions = append(out.Contradictions, publish.Contradiction{By: x.By, Refs: x.Refs, Text: x.Text, Size: x.Size})
	}
	return out
}
