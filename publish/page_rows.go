package publish

import (
	"html/template"
	"sort"

	"sightline"
)

// frontRows are the rows of the front page: the claims that carry a time and
// meet another, and the public gaps.
func (b *builder) frontRows(lang string) []row {
	var rows []row
	for _, g := range b.pub.Gaps {
		if g.Time == nil || g.Time.Min == nil || g.Time.Max == nil {
			continue
		}
		for _, c := range b.pub.Claims {
			if c.Time != nil && (c.Status == "contested" || c.Status == "contradicted") && len(rows) < 4 {
				label := c.ID
				if a := b.accounts[c.Account]; a != nil {
					label = a.Title.In(lang)
				}
				rows = append(rows, row{ID: c.ID, Label: label, Time: c.Time})
			}
		}
		rows = append(rows, row{ID: g.ID, Label: g.Title.In(lang), Time: g.Time, Rival: g.Rival, Gap: true})
		break
	}
	return rows
}

func (b *builder) claimRows(c *sightline.Claim, lang string) []row {
	var rows []row
	seen := map[string]bool{}
	put := func(id string) {
		it := b.items[itemOf(id)]
		if it == nil || seen[it.ID] || len(it.Times) == 0 || (it.Times[0].Min == nil && it.Times[0].Max == nil) {
			return
		}
		seen[it.ID] = true
		rows = append(rows, row{ID: it.ID, Label: it.Source.Name.In(lang), Note: "", Time: &it.Times[0]})
	}
	for _, id := range c.Items {
		put(id)
	}
	for _, l := range c.For {
		put(l.To)
	}
	for _, l := range c.Against {
		put(l.To)
	}
	// Rows that know only the day say nothing about the hours, and rows on other
	// days than the claim's would shrink the hours that matter.
	var clock []row
	for _, r := range rows {
		if r.Time.Precision != "day" && r.Time.Precision != "unknown" {
			clock = append(clock, r)
		}
	}
	rows = clock
	if c.Time != nil {
		lo, okLo := lower(c.Time)
		hi, okHi := upper(c.Time)
		var near []row
		for _, r := range rows {
			a, okA := lower(r.Time)
			z, okZ := upper(r.Time)
			if (okLo && okZ && z < lo-12*hour) || (okHi && okA && a > hi+12*hour) {
				continue
			}
			near = append(near, r)
		}
		rows = near
	}
	if len(rows) < 2 {
		return nil
	}
	return rows
}

func (b *builder) storySpan(s *sightline.Story) (from, to, tick int64) {
	var rows []row
	for i := range s.Steps {
		if t := s.Steps[i].Time; t != nil && b.onDay(t) {
			rows = append(rows, row{Time: t})
		}
	}
	from, to, tick, _ = span(rows)
	return from, to, tick
}

// timed returns the items with a clock time in order, and the others.
func (b *builder) timed() (timed, untimed []*sightline.Item) {
	key := func(it *sightline.Item) int64 {
		if x, ok := lower(&it.Times[0]); ok {
			return x
		}
		x, _ := upper(&it.Times[0])
		return x
	}
	for _, it := range b.pub.Items {
		if len(it.Times) > 0 && (it.Times[0].Min != nil || it.Times[0].Max != nil) {
			timed = append(timed, it)
		} else {
			untimed = append(untimed, it)
		}
	}
	sort.SliceStable(timed, func(i, j int) bool { return key(timed[i]) < key(timed[j]) })
	return timed, untimed
}

// laneBars draws the day, one block of rows per account.
func (b *builder) laneBars(lang string) template.HTML {
	var rows []row
	for _, a := range b.pub.Accounts {
		for _, it := range b.pub.Items {
			if it.Lane == a.ID && len(it.Times) > 0 && (it.Times[0].Min != nil || it.Times[0].Max != nil) && b.onDay(&it.Times[0]) && it.Times[0].Precision != "day" {
				rows = append(rows, row{ID: it.ID, Label: a.Letter + "  " + it.Title.In(lang), Time: &it.Times[0]})
			}
		}
	}
	for _, g := range b.pub.Gaps {
		if g.Time != nil {
			rows = append(rows, row{ID: g.ID, Label: g.Title.In(lang), Time: g.Time, Rival: g.Rival, Gap: true})
		}
	}
	return bars(rows, b.pub.Case.Zone, wordsOf(lang).T("timeline_title"))
}

func (b *builder) withheld() []*sightline.Item {
	var out []*sightline.Item
	for _, it := range b.in.Doc.Items {
		if it.Public.Decision == "withhold" {
			out = append(out, it)
		}
	}
	return out
}

func (b *builder) itemData(it *sightline.Item, lang string) map[string]any {
	data := map[string]any{"Item": it}
	var rows []row
	if len(it.Times) > 0 {
		rows = append(rows, row{ID: it.ID, Time: &it.Times[0]})
	}
	var same []string
	if it.Source.Recording != "" {
		for _, o := range b.pub.Items {
			if o.ID != it.ID && o.Source.Recording == it.Source.Recording {
				same = append(same, o.ID)
				if len(o.Times) > 0 {
					rows = append(rows, row{ID: o.ID, Label: o.Source.Name.In(lang), Time: &o.Times[0]})
				}
			}
		}
	}
	data["Same"] = same
	data["Bars"] = bars(rows, b.pub.Case.Zone, it.ID)
	var in []*sightline.Claim
	for _, c := range b.pub.Claims {
		used := contains(c.Items, it.ID)
		for _, l := range append(append([]sightline.Link(nil), c.For...), c.Against...) {
			used = used || itemOf(l.To) == it.ID
		}
		if used {
			in = append(in, c)
		}
	}
	data["Claims"] = in
	var captions []caption
	for _, d := range b.pub.Derivatives {
		if d.Item != it.ID {
			continue
		}
		switch d.Role {
		case "preview", "poster", "proxy", "waveform":
			data[d.Role] = mediaPath(d)
		}
		if c, ok := captionsOf(d); ok {
			captions = append(captions, c)
		}
	}
	data["Captions"] = captions
	var obs []*sightline.Observation
	for _, o := range b.pub.Observations {
		if o.Item == it.ID {
			obs = append(obs, o)
		}
	}
	data["Observations"] = obs
	var fs []*sightline.Finding
	for _, f := range b.pub.Findings {
		if contains(f.About, it.ID) {
			fs = append(fs, f)
		}
	}
	data["Findings"] = fs
	if it.SHA256 != "" {
		proof := "proof/" + it.SHA256 + "/"
		data["Proof"] = proof
		data["HasProof"] = b.has(proof + "leaf.json")
		data["HasItem"] = b.has(proof + "item")
	}
	return data
}

func (b *builder) sampleProof() string {
	for _, it := range b.pub.Items {
		if it.SHA256 != "" && b.has("proof/"+it.SHA256+"/verify.py") {
			return "proof/" + it.SHA256
		}
	}
	return ""
}

func contains(l []string, s string) bool {
	for _, x := range l {
		if x == s {
			return true
		}
	}
	return false
}
