package publish

import (
	"encoding/json"
	"slices"

	"sightline"
)

// Public returns the document of an edition: a copy that holds only what was
// cleared. An item whose place is fuzzed or withheld keeps no camera, no
// target and no exact point, because a pose gives the place away; internal
// notes, triage, device names and withheld digests are gone, and so is every
// reference to something that is not there. fuzzKey is the case's secret for
// blurring coordinates; without it a blurred place loses its coordinate.
func Public(doc *sightline.Document, fuzzKey []byte) *sightline.Document {
	publicPlaces := func(ps []sightline.Place) []sightline.Place { return publicPlaces(ps, fuzzKey) }
	d := clone(doc)
	out := &sightline.Document{
		Format: d.Format, Case: d.Case, Head: d.Head, Accounts: d.Accounts, Layers: d.Layers, Editions: d.Editions,
		// A list that turns out empty is still a list to whoever reads the JSON.
		Items: []*sightline.Item{}, Derivatives: []*sightline.Derivative{}, Observations: []*sightline.Observation{}, Entities: []*sightline.Entity{},
		Findings: []*sightline.Finding{}, Events: []*sightline.Event{}, Claims: []*sightline.Claim{}, Constraints: []*sightline.Constraint{},
		Gaps: []*sightline.Gap{}, Stories: []*sightline.Story{},
	}
	if out.Accounts == nil {
		out.Accounts = []*sightline.Account{}
	}
	if out.Layers == nil {
		out.Layers = []*sightline.Layer{}
	}
	if out.Editions == nil {
		out.Editions = []*sightline.Edition{}
	}
	d.Case.Notes = nil

	made := map[string][]*sightline.Derivative{}
	for _, x := range d.Derivatives {
		made[x.Item] = append(made[x.Item], x)
	}
	items := map[string]bool{}
	for _, it := range d.Items {
		if it.Public.Decision != "publish" {
			continue
		}
		items[it.ID] = true
		if it.Public.Media == "publish" {
			out.Derivatives = append(out.Derivatives, publicDerivatives(it, made[it.ID])...)
		}
		out.Items = append(out.Items, publicItem(it, fuzzKey))
	}
	slices.SortFunc(out.Derivatives, func(a, b *sightline.Derivative) int { return sightline.CompareIDs(a.ID, b.ID) })
	for _, it := range out.Items {
		if !items[it.DuplicateOf] {
			it.DuplicateOf = ""
		}
	}
	for _, o := range d.Observations {
		if items[o.Item] {
			o.By = ""
			o.Places = publicPlaces(o.Places)
			out.Observations = append(out.Observations, o)
		}
	}
	for _, e := range d.Entities {
		if !e.Sensitive {
			e.Items = keep(e.Items, items)
			out.Entities = append(out.Entities, e)
		}
	}
	claims := map[string]bool{}
	for _, c := range d.Claims {
		if c.Public {
			claims[c.ID] = true
		}
	}
	findings := map[string]bool{}
	hidden := hiddenPlaces(doc)
	for _, f := range d.Findings {
		if f.Public && revealed(f, hidden) == "" {
			findings[f.ID] = true
			f.Analyst = ""
			f.Inputs = keep(f.Inputs, items)
			out.Findings = append(out.Findings, f)
		}
	}
	linkable := func(id string) bool { return items[id] || claims[id] || findings[id] || items[itemOf(id)] }
	for _, c := range d.Claims {
		if !c.Public {
			continue
		}
		c.Items = keep(c.Items, items)
		c.For, c.Against = keepLinks(c.For, linkable), keepLinks(c.Against, linkable)
		c.Places = publicPlaces(c.Places)
		out.Claims = append(out.Claims, c)
	}
	for _, e := range d.Events {
		e.Items = keep(e.Items, items)
		e.Places = publicPlaces(e.Places)
		out.Events = append(out.Events, e)
	}
	for _, k := range d.Constraints {
		// A constraint tells what its evidence says, so all of it has to be public.
		if n := len(k.Evidence); n > 0 && len(keep(k.Evidence, items)) == n {
			out.Constraints = append(out.Constraints, k)
		}
	}
	for _, g := range d.Gaps {
		if g.Public {
			g.Items = keep(g.Items, items)
			// What came in answer may be there only because somebody took a risk:
			// an item that is not public is not named here either.
			g.Answers = keep(g.Answers, items)
			if !items[g.Closed] {
				g.Closed = ""
			}
			g.Places = publicPlaces(g.Places)
			out.Gaps = append(out.Gaps, g)
		}
	}
	for _, s := range d.Stories {
		if s.Public {
			out.Stories = append(out.Stories, s)
		}
	}
	return out
}

// hiddenPlaces lists the items, observations and events of which a place is
// blurred or withheld.
func hiddenPlaces(d *sightline.Document) map[string]bool {
	out := map[string]bool{}
	look := func(id string, ps []sightline.Place) {
		for _, p := range ps {
			if p.FuzzM > 0 || p.Withheld {
				out[id] = true
			}
		}
	}
	for _, it := range d.Items {
		look(it.ID, it.Places)
	}
	for _, o := range d.Observations {
		look(o.ID, o.Places)
	}
	for _, e := range d.Events {
		look(e.ID, e.Places)
	}
	return out
}

// revealed names the first thing with a hidden place that a finding on the
// place is about: its problem and answer hold the very coordinates. Clicks and
// arrival times give a place away too, so every finding with a problem counts.
func revealed(f *sightline.Finding, hidden map[string]bool) string {
	if f.Axis != "place" && len(f.Problem) == 0 && len(f.Answer) == 0 {
		return ""
	}
	for _, ids := range [][]string{f.About, f.Inputs} {
		for _, id := range ids {
			if hidden[id] || hidden[itemOf(id)] {
				return id
			}
		}
	}
	return ""
}

func publicItem(it *sightline.Item, fuzzKey []byte) *sightline.Item {
	it.Notes, it.Problem, it.Device, it.Triage, it.Workflow = "", "", "", nil, ""
	it.Tags = nil
	it.Name = "" // a file name can name its uploader
	it.Rights.Consent = ""
	if it.Public.Media != "publish" {
		it.Facts = nil
	}
	if withheldDigest(it) {
		if it.Public.Hash == "commit" {
			it.Public.Commitment = digestCommitment(fuzzKey, it)
		}
		it.SHA256, it.Hashes = "", nil
	}
	redactedItem(it)
	for _, ax := range []*sightline.Axis{&it.Axes.Authenticity, &it.Axes.Source, &it.Axes.Place, &it.Axes.Time, &it.Axes.Content} {
		ax.By = nil
	}
	it.Places = publicPlaces(it.Places, fuzzKey)
	return it
}

func publicPlaces(ps []sightline.Place, fuzzKey []byte) []sightline.Place {
	var out []sightline.Place
	for _, p := range ps {
		if p.Withheld {
			continue
		}
		if p.FuzzM > 0 {
			p.Camera, p.Target, p.ENU, p.Ellipse, p.Area = nil, nil, nil, nil, nil
			p.Form = "point"
			p.Approx = true
			p.RadiusM = max(p.RadiusM, p.FuzzM)
			switch {
			case p.Geo == nil:
			case len(fuzzKey) == 0:
				p.Geo, p.Form = nil, "named"
			default:
				g := fuzz(fuzzKey, *p.Geo, p.FuzzM)
				p.Geo = &g
			}
		}
		out = append(out, p)
	}
	return out
}

func keep(ids []string, in map[string]bool) []string {
	var out []string
	for _, id := range ids {
		if in[id] || in[itemOf(id)] {
			out = append(out, id)
		}
	}
	return out
}

func keepLinks(ls []sightline.Link, ok func(string) bool) []sightline.Link {
	var out []sightline.Link
	for _, l := range ls {
		if ok(l.To) {
			out = append(out, l)
		}
	}
	return out
}

// itemOf returns the item of an observation id: EJ-014.3 gives EJ-014.
func itemOf(id string) string {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i] == '.' {
			return id[:i]
		}
	}
	return id
}

func clone(d *sightline.Document) *sightline.Document {
	b, err := json.Marshal(d)
	if err != nil {
		panic(err) // every noun marshals
	}
	out := new(sightline.Document)
	if err := json.Unmarshal(b, out); err != nil {
		panic(err)
	}
	return out
}
