package corroborate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"sightline"
	"sightline/order"
	"sightline/where"
)

// Contradiction is two or more things that cannot all be true.
type Contradiction struct {
	By   string         `json:"by"`   // time, place, sight, arithmetic
	Refs []string       `json:"refs"` // what contradicts: claims, items, events, constraints
	Text sightline.Text `json:"text"`
	Size string         `json:"size,omitempty"` // by how much, with its unit
}

func contradictions(d *sightline.Document, o Options) ([]Contradiction, []string) {
	out := []Contradiction{}
	t, notes := byTime(d)
	out = append(out, t...)
	out = append(out, byClaimTime(d)...)
	out = append(out, byPlace(d)...)
	if o.See != nil {
		out = append(out, bySight(d, o)...)
	} else {
		notes = append(notes, "sight lines were not asked: no scene was given")
	}
	for _, c := range d.Claims {
		for _, lang := range []string{"en", "es"} {
			if f := Sums(c.Text[lang], lang); len(f) > 0 {
				// The same sum in two languages is one contradiction.
				f[0].Refs = append([]string{c.ID}, c.Items...)
				out = append(out, f[0])
				break
			}
		}
	}
	out = append(out, byCount(d)...)
	return out, notes
}

// byTime asks the network of dated facts, with every account assumed.
func byTime(d *sightline.Document) ([]Contradiction, []string) {
	net := &order.Network{Schema: order.Schema, Points: []order.Point{}, Constraints: []order.Constraint{}}
	if d.Case != nil {
		net.Zone = d.Case.Zone
	}
	pts := map[string]bool{}
	byID := map[string]*sightline.Constraint{}
	for _, c := range d.Constraints {
		k := order.Constraint{ID: c.ID, Strength: c.Strength, Text: c.Text.In("en", "es")}
		k.From, k.To = c.From, c.To
		if c.MinMS != nil {
			k.Min = order.Ms(*c.MinMS)
		}
		if c.MaxMS != nil {
			k.Max = order.Ms(*c.MaxMS)
		}
		net.Constraints = append(net.Constraints, k)
		byID[c.ID] = c
		pts[c.From], pts[c.To] = true, true
	}
	delete(pts, order.Z)
	for p := range pts {
		net.Points = append(net.Points, order.Point{ID: p, Label: p})
		if id, ok := strings.CutSuffix(p, ".start"); ok && pts[id+".end"] {
			k := order.Constraint{ID: "rule:" + id, Strength: "physical", Text: id + " does not end before it starts"}
			k.From, k.To, k.Min = p, id+".end", order.Ms(0)
			net.Constraints = append(net.Constraints, k)
		}
	}
	slices.SortFunc(net.Points, func(a, b order.Point) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortStableFunc(net.Constraints, func(a, b order.Constraint) int { return cmp.Compare(a.ID, b.ID) })
	if len(net.Constraints) == 0 {
		return nil, nil
	}
	if err := net.Check(); err != nil {
		return nil, []string{"the network of times could not be asked: " + err.Error()}
	}
	en, err := order.Solve(net, order.Options{Conflicts: "all"})
	if err != nil {
		return nil, []string{"the network of times could not be asked: " + err.Error()}
	}
	es, err := order.Solve(net, order.Options{Conflicts: "all", Lang: "es"})
	if err != nil || len(es.Conflicts) != len(en.Conflicts) {
		es = en
	}
	var out []Contradiction
	for i, c := range en.Conflicts {
		x := Contradiction{By: "time", Text: sightline.Text{"en": c.Sentence, "es": es.Conflicts[i].Sentence}, Size: fmt.Sprintf("%.1f s", float64(-c.Slack)/1000)}
		for _, id := range c.Constraints {
			x.Refs = append(x.Refs, id)
			if k := byID[id]; k != nil {
				for _, e := range k.Evidence {
					if !slices.Contains(x.Refs, e) {
						x.Refs = append(x.Refs, e)
					}
				}
			}
		}
		out = append(out, x)
	}
	return out, nil
}

// byClaimTime finds evidence linked for a claim although it lies wholly
// outside the time the claim speaks of.
func byClaimTime(d *sightline.Document) (out []Contradiction) {
	times := map[string]*sightline.Time{}
	for _, it := range d.Items {
		if len(it.Times) > 0 && it.Held {
			times[it.ID] = &it.Times[0]
		}
	}
	for _, ob := range d.Observations {
		if len(ob.Times) > 0 {
			times[ob.ID] = &ob.Times[0]
		} else if t := times[ob.Item]; t != nil {
			times[ob.ID] = t
		}
	}
	for _, c := range d.Claims {
		if c.Time == nil || !c.Time.Bounded() {
			continue
		}
		for _, l := range c.For {
			t := times[l.To]
			if t == nil || !t.Valid() || t.Overlaps(c.Time.Interval) {
				continue
			}
			out = append(out, Contradiction{By: "time", Refs: []string{c.ID, l.To}, Text: sightline.Text{
				"en": fmt.Sprintf("%s is linked in support of %s but does not overlap the time that %s speaks of.", l.To, c.ID, c.ID),
				"es": fmt.Sprintf("%s se enlaza a favor de %s, pero no coincide con el tiempo del que habla %s.", l.To, c.ID, c.ID),
			}})
		}
	}
	return out
}

// byPlace finds events with two 95 % regions that have no point in common, in
// the same role. A radio call has a caller and a called, which may be apart.
func byPlace(d *sightline.Document) (out []Contradiction) {
	for _, e := range d.Events {
		for i, p := range e.Places {
			for _, q := range e.Places[:i] {
				if p.Role != q.Role {
					continue
				}
				if apart, ok := disjoint(&q, &p); ok && apart > 0 {
					out = append(out, Contradiction{By: "place", Refs: append([]string{e.ID}, e.Items...), Size: fmt.Sprintf("%.0f m", apart), Text: sightline.Text{
						"en": fmt.Sprintf("Two places of %s lie apart: their 95 %% regions are %.0f m from each other.", e.ID, apart),
						"es": fmt.Sprintf("Dos lugares de %s están separados: sus regiones del 95 %% distan %.0f m.", e.ID, apart),
					}})
				}
			}
		}
	}
	return out
}

// disjoint gives how far apart two regions are, in metres; 0 or less when they
// may meet. Each region is taken as far as it reaches towards the other, which
// is never less than its edge there, so what is called apart is apart.
func disjoint(p, q *sightline.Place) (float64, bool) {
	e, n, ok := way(p, q)
	if !ok {
		return 0, false
	}
	return math.Hypot(e, n) - reach(p, e, n) - reach(q, e, n), true
}

func way(p, q *sightline.Place) (e, n float64, ok bool) {
	if a, b := spot(p), spot(q); a != nil && b != nil {
		return b[0] - a[0], b[1] - a[1], true
	}
	if p.Geo == nil || q.Geo == nil {
		return 0, 0, false
	}
	a := where.Geodetic{Lat: where.Degrees(p.Geo.Lat), Lon: where.Degrees(p.Geo.Lon)}
	b := where.Geodetic{Lat: where.Degrees(q.Geo.Lat), Lon: where.Degrees(q.Geo.Lon)}
	if a.Check() != nil || b.Check() != nil {
		return 0, 0, false
	}
	v := where.NewFrame(a).ENU(b)
	return v[0], v[1], true
}

func spot(p *sightline.Place) *[3]float64 {
	if p.Camera != nil {
		return &p.Camera.Position
	}
	return p.ENU
}

func reach(p *sightline.Place, e, n float64) float64 {
	l := math.Hypot(e, n)
	if p.Ellipse == nil || l == 0 {
		return p.RadiusM
	}
	s, c := math.Sincos(p.Ellipse.BearingDeg * math.Pi / 180)
	return math.Hypot(p.Ellipse.SemiMajorM*(e*s+n*c)/l, p.Ellipse.SemiMinorM*(e*c-n*s)/l)
}

// bySight finds observations of something at a place that the camera of their
// item does not see.
func bySight(d *sightline.Document, o Options) (out []Contradiction) {
	items := map[string]*sightline.Item{}
	for _, it := range d.Items {
		items[it.ID] = it
	}
	for _, ob := range d.Observations {
		it := items[ob.Item]
		if it == nil || camera(it) == nil {
			continue
		}
		for _, p := range ob.Places {
			if p.ENU == nil || p.Role == "camera" {
				continue
			}
			chance, by, ok := o.See(it, *p.ENU)
			if !ok || chance > 0.05 {
				continue
			}
			en, es := "", ""
			if by != "" {
				en, es = ": "+by+" stands in between", ": lo tapa "+by
			}
			out = append(out, Contradiction{By: "sight", Refs: []string{ob.ID, it.ID}, Size: fmt.Sprintf("%.0f %% chance of a free line", 100*chance), Text: sightline.Text{
				"en": fmt.Sprintf("%s is said to show this place, and its camera as solved does not see it%s.", ob.ID, en),
				"es": fmt.Sprintf("Se dice que %s muestra este lugar, y su cámara resuelta no lo ve%s.", ob.ID, es),
			}})
		}
	}
	return out
}

func camera(it *sightline.Item) *sightline.Camera {
	for _, p := range it.Places {
		if p.Camera != nil {
			return p.Camera
		}
	}
	return nil
}
