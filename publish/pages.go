package publish

import (
	"bytes"
	"context"
	"fmt"
	"html/template"
	"sort"
	"strconv"
	"strings"
	"time"

	"sightline"
	"sightline/when"
)

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"T":         func(w words, key string, args ...any) string { return w.T(key, args...) },
	"dictLinks": func(p *page, g linkGroup) map[string]any { return map[string]any{"P": p, "G": g} },
}).ParseFS(pageFiles, "pages/*.html"))

// page is what every template receives.
type page struct {
	b       *builder
	W       words
	Lang    string
	Root    string // "" or "../": the edition's top seen from this page
	Self    string // this page's name without language and .html, e.g. "c/C-07"
	Section string // which entry of the navigation is current
	Title   string
	Doc     *sightline.Document
	Data    map[string]any
}

// langName says where a page stands in a language: the default language has
// the plain name, others carry theirs before the ending.
func (b *builder) langName(self, lang string) string {
	if lang == b.pub.Case.Languages[0] {
		return self + ".html"
	}
	return self + "." + lang + ".html"
}

func (p *page) Href(self string) string { return p.Root + p.b.langName(self, p.Lang) }

func (p *page) Text(t sightline.Text) string { return t.In(p.Lang, p.Doc.Case.Languages...) }

// Other lists the other languages of this page with their addresses.
func (p *page) Other() []map[string]string {
	var out []map[string]string
	for _, l := range p.Doc.Case.Languages {
		out = append(out, map[string]string{"Lang": l, "Name": wordsOf(l).T("language_name"), "Href": p.Root + p.b.langName(p.Self, l), "Current": map[bool]string{true: "yes"}[l == p.Lang]})
	}
	return out
}

// Link gives the page of an id.
func (p *page) Link(id string) string {
	href, _ := p.link(id)
	return href
}

func (p *page) link(id string) (string, bool) {
	self, ok := p.b.pageOf[itemOf(id)]
	if !ok {
		return "", false
	}
	return p.Href(self), true
}

func (p *page) Prose(t sightline.Text) template.HTML { return prose(p.Text(t), p.W, p.link) }

// Inline renders one sentence with its citations.
func (p *page) Inline(t sightline.Text) template.HTML {
	return template.HTML(inline(p.Text(t), p.link))
}

// When shows an interval in the case's zone.
func (p *page) When(t *sightline.Time) string { return p.when(t, false) }

// WhenUTC shows it with UTC in brackets.
func (p *page) WhenUTC(t *sightline.Time) string { return p.when(t, true) }

func (p *page) when(t *sightline.Time, utc bool) string {
	if t == nil || (t.Min == nil && t.Max == nil) {
		return ""
	}
	return when.Format(t.Interval, when.Display{
		Zone: p.Doc.Case.Zone, Lang: p.Lang, UTC: utc, Day: !p.b.onDay(t),
		Approx: t.Precision == "about" || t.Precision == "estimate",
	})
}

// onDay reports whether an interval lies on the day of the case, whose date
// need not be repeated everywhere.
func (b *builder) onDay(t *sightline.Time) bool {
	day := b.pub.Case.Date
	loc, err := time.LoadLocation(b.pub.Case.Zone)
	if err != nil || len(day) != 10 {
		return false
	}
	for _, x := range []*when.Instant{t.Min, t.Max} {
		if x != nil && x.Time().In(loc).Format("2006-01-02") != day {
			return false
		}
	}
	return true
}

// Zone names the zone of all times, with its offset on the day of the case.
func (p *page) Zone() string {
	loc, err := time.LoadLocation(p.Doc.Case.Zone)
	if err != nil {
		return "UTC"
	}
	at, err := time.ParseInLocation("2006-01-02", p.Doc.Case.Date, loc)
	if err != nil {
		return p.Doc.Case.Zone
	}
	return "UTC" + strings.Replace(at.Format("-07:00"), "-", "−", 1)
}

func (p *page) First(ts []sightline.Time) *sightline.Time {
	if len(ts) == 0 || (ts[0].Min == nil && ts[0].Max == nil) {
		return nil
	}
	return &ts[0]
}

// Status turns a status into the word of the language.
func (p *page) Status(s string) string {
	if s == "" {
		s = "none"
	}
	return p.W.T("status_" + s)
}

// Chip gives the class, glyph and word of an item's overall status.
func (p *page) Chip(it *sightline.Item) map[string]string { return p.chip(itemStatus(it)) }

// ClaimChip does the same for a claim.
func (p *page) ClaimChip(c *sightline.Claim) map[string]string {
	class := map[string]string{"supported": "verified", "partly": "review", "unsupported": "unverified", "contested": "disputed", "contradicted": "refuted"}[c.Status]
	glyph := map[string]string{"supported": "✓", "partly": "◐", "unsupported": "○", "contested": "⚡", "contradicted": "✕"}[c.Status]
	return map[string]string{"Class": class, "Glyph": glyph, "Word": p.W.T("status_" + c.Status)}
}

func (p *page) chip(s string) map[string]string {
	class := map[string]string{"verified": "verified", "in_review": "review", "unverified": "unverified", "disputed": "disputed", "refuted": "refuted"}[s]
	glyph := map[string]string{"verified": "✓", "in_review": "◐", "unverified": "○", "disputed": "⚡", "refuted": "✕"}[s]
	return map[string]string{"Class": class, "Glyph": glyph, "Word": p.W.T("status_" + s)}
}

// itemStatus is the overall word for an item: what was asserted must be
// verified on every axis that is relied on; anything less is said.
func itemStatus(it *sightline.Item) string {
	s := it.Axes.Source.Status
	for _, a := range []sightline.Axis{it.Axes.Authenticity, it.Axes.Source, it.Axes.Place, it.Axes.Time, it.Axes.Content} {
		if a.Status == "refuted" || a.Status == "altered_deceptive" {
			return "refuted"
		}
		if a.Status == "disputed" {
			return "disputed"
		}
	}
	switch s {
	case "verified":
		if it.Media == "record" || it.Axes.Authenticity.Status == "no_sign_of_manipulation" {
			return "verified"
		}
		return "in_review"
	case "self_checked":
		return "in_review"
	}
	return "unverified"
}

func (p *page) Axes(it *sightline.Item) []map[string]string {
	var out []map[string]string
	for _, a := range []struct {
		k string
		v sightline.Axis
	}{{"authenticity", it.Axes.Authenticity}, {"source", it.Axes.Source}, {"place", it.Axes.Place}, {"time", it.Axes.Time}, {"content", it.Axes.Content}} {
		s := a.v.Status
		if s == "" || s == "none" {
			s = map[bool]string{true: "none", false: "not_checked"}[a.k == "place" || a.k == "time"]
		}
		out = append(out, map[string]string{"Axis": p.W.T("axis_" + a.k), "Status": p.Status(s), "Reason": p.Text(a.v.Reason)})
	}
	return out
}

func (p *page) Size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%d kB", (n+1023)/1024)
	}
	return fmt.Sprintf("%d B", n)
}

func (p *page) Metres(m float64) string {
	if m >= 1000 {
		return strconv.FormatFloat(m/1000, 'f', -1, 64) + " km"
	}
	return fmt.Sprintf("%.0f m", m)
}

func (p *page) Coord(g *sightline.Geo) string { return fmt.Sprintf("%.5f, %.5f", g.Lat, g.Lon) }

// Groups splits a digest into groups of eight for reading aloud.
func (p *page) Groups(h string) []string {
	var out []string
	for len(h) > 8 {
		out, h = append(out, h[:8]), h[8:]
	}
	return append(out, h)
}

func (p *page) Item(id string) *sightline.Item       { return p.b.items[itemOf(id)] }
func (p *page) Claim(id string) *sightline.Claim     { return p.b.claims[id] }
func (p *page) Account(id string) *sightline.Account { return p.b.accounts[id] }
func (p *page) Entity(id string) *sightline.Entity   { return p.b.entities[id] }
func (p *page) Number() int                          { return p.b.in.Number }
func (p *page) Program() string                      { return p.b.in.Version }
func (p *page) Origin() string                       { return p.b.in.Log.Origin }
func (p *page) HasScene() bool                       { return len(p.Doc.Layers) > 0 && p.b.has("a/scene.js") }
func (p *page) SceneSize() string                    { return p.Size(p.b.sizeOf("scene/") / 2) } // files only, the packs are for file://
func (p *page) Has(file string) bool                 { return p.b.has(file) }
func (p *page) FileSize(file string) string          { return p.Size(p.b.sums[file].Size) }

// Title names what a link of a claim points at.
func (p *page) TitleOf(id string) string {
	if it := p.b.items[itemOf(id)]; it != nil {
		return p.Text(it.Title)
	}
	if c := p.b.claims[id]; c != nil {
		return p.Text(c.Text)
	}
	for _, f := range p.Doc.Findings {
		if f.ID == id {
			return p.Text(f.Text)
		}
	}
	return id
}

func (b *builder) has(name string) bool { _, ok := b.sums[name]; return ok }

func (b *builder) sizeOf(prefix string) (n int64) {
	for name, s := range b.sums {
		if strings.HasPrefix(name, prefix) {
			n += s.Size
		}
	}
	return n
}

// link groups: reports of one recording stand together and count once.
type linkGroup struct {
	Links     []sightline.Link
	Recording string
}

func (p *page) Grouped(ls []sightline.Link) []linkGroup {
	var out []linkGroup
	at := map[string]int{}
	for _, l := range ls {
		rec := l.Recording
		if it := p.b.items[itemOf(l.To)]; rec == "" && it != nil {
			rec = it.Source.Recording
		}
		if rec != "" {
			if i, ok := at[rec]; ok {
				out[i].Links = append(out[i].Links, l)
				continue
			}
			at[rec] = len(out)
		}
		out = append(out, linkGroup{[]sightline.Link{l}, rec})
	}
	return out
}

// index prepares what the pages look up.
func (b *builder) index() {
	b.items = map[string]*sightline.Item{}
	b.claims = map[string]*sightline.Claim{}
	b.accounts = map[string]*sightline.Account{}
	b.entities = map[string]*sightline.Entity{}
	b.pageOf = map[string]string{}
	for _, it := range b.pub.Items {
		b.items[it.ID] = it
		b.pageOf[it.ID] = "e/" + it.ID
	}
	for _, c := range b.pub.Claims {
		b.claims[c.ID] = c
		b.pageOf[c.ID] = "c/" + c.ID
	}
	for _, g := range b.pub.Gaps {
		b.pageOf[g.ID] = "g/" + g.ID
	}
	for _, a := range b.pub.Accounts {
		b.accounts[a.ID] = a
	}
	for _, e := range b.pub.Entities {
		b.entities[e.ID] = e
	}
}

// pages renders every page in every language.
func (b *builder) pages(ctx context.Context) error {
	b.index()
	if err := b.solveNetwork(); err != nil {
		return fmt.Errorf("the constraints of the case cannot be solved: %w", err)
	}
	sort.SliceStable(b.pub.Accounts, func(i, j int) bool { return b.pub.Accounts[i].Order < b.pub.Accounts[j].Order })
	for _, lang := range b.pub.Case.Languages {
		if catalogue[lang] == nil {
			return fmt.Errorf("the pages cannot be written in %q; languages here: %s", lang, strings.Join(Languages(), ", "))
		}
		if err := b.pagesIn(ctx, lang); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) pagesIn(ctx context.Context, lang string) error {
	d := b.pub
	render := func(tmpl, self, section, title string, data map[string]any) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := &page{b: b, W: wordsOf(lang), Lang: lang, Self: self, Section: section, Title: title, Doc: d, Data: data}
		p.Root = strings.Repeat("../", strings.Count(self, "/"))
		var buf bytes.Buffer
		if err := templates.ExecuteTemplate(&buf, tmpl, p); err != nil {
			return fmt.Errorf("page %s: %w", self, err)
		}
		return b.put(b.langName(self, lang), buf.Bytes())
	}
	w := wordsOf(lang)
	tx := func(t sightline.Text) string { return t.In(lang, d.Case.Languages...) }
	zone := d.Case.Zone

	var story *sightline.Story
	if len(d.Stories) > 0 {
		story = d.Stories[0]
	}
	firstStill := ""
	if story != nil && len(story.Steps) > 0 {
		firstStill = b.still[story.ID+"/"+story.Steps[0].ID+"/"+lang]
	}
	if err := render("front.html", "index", "front", tx(d.Case.Title), map[string]any{
		"Story": story, "Still": firstStill, "Bars": bars(b.frontRows(lang), zone, tx(d.Case.Title)),
	}); err != nil {
		return err
	}
	if story != nil {
		if err := render("story.html", "story", "story", tx(story.Title), map[string]any{"Story": story}); err != nil {
			return err
		}
		from, to, tick := b.storySpan(story)
		for i := range story.Steps {
			st := &story.Steps[i]
			data := map[string]any{"Story": story, "Step": st, "N": i + 1, "Total": len(story.Steps), "Still": b.still[story.ID+"/"+st.ID+"/"+lang]}
			if st.Time != nil && to > from {
				data["Bar"] = barsOver([]row{{Time: st.Time, Now: true}}, zone, tx(st.Title), from, to, tick)
			}
			if i > 0 {
				data["Prev"] = &story.Steps[i-1]
			}
			if i+1 < len(story.Steps) {
				data["Next"] = &story.Steps[i+1]
			}
			for _, ph := range d.Case.Phases {
				if ph.ID == st.Phase {
					data["Phase"] = tx(ph.Title)
				}
			}
			if err := render("step.html", "s/"+st.ID, "story", tx(st.Title), data); err != nil {
				return err
			}
		}
	}
	if err := render("claims.html", "claims", "claims", w.T("claims_title"), nil); err != nil {
		return err
	}
	for _, c := range d.Claims {
		if err := render("claim.html", "c/"+c.ID, "claims", tx(c.Text), map[string]any{"Claim": c, "Bars": bars(b.claimRows(c, lang), zone, tx(c.Text))}); err != nil {
			return err
		}
	}
	if err := render("items.html", "items", "items", w.T("items_title"), map[string]any{"Withheld": b.withheld()}); err != nil {
		return err
	}
	for _, it := range d.Items {
		if err := render("item.html", "e/"+it.ID, "items", it.ID+" "+tx(it.Title), b.itemData(it, lang)); err != nil {
			return err
		}
	}
	if err := render("gaps.html", "gaps", "gaps", w.T("gaps_title"), nil); err != nil {
		return err
	}
	for _, g := range d.Gaps {
		rows := []row{{ID: g.ID, Label: tx(g.Title), Time: g.Time, Rival: g.Rival, Gap: true}}
		for _, id := range g.Items {
			if it := b.items[id]; it != nil && len(it.Times) > 0 {
				rows = append(rows, row{ID: id, Label: tx(it.Title), Time: &it.Times[0]})
			}
		}
		if err := render("gap.html", "g/"+g.ID, "gaps", tx(g.Title), map[string]any{"Gap": g, "Bars": bars(rows, zone, tx(g.Title))}); err != nil {
			return err
		}
	}
	if b.network != nil {
		if err := render("network.html", "network", "explore", w.T("network_title"), map[string]any{"Incomplete": b.network.Incomplete}); err != nil {
			return err
		}
	}
	timed, untimed := b.timed()
	for _, p := range []struct {
		tmpl, self, section, title string
		data                       map[string]any
	}{
		{"timeline.html", "timeline", "explore", w.T("timeline_title"), map[string]any{"Timed": timed, "Untimed": untimed, "Bars": b.laneBars(lang)}},
		{"explore.html", "explore", "explore", w.T("explore_title"), nil},
		{"method.html", "method", "method", w.T("method_title"), nil},
		{"corrections.html", "corrections", "corrections", w.T("corrections_title"), map[string]any{"Former": b.in.Former, "Notes": tx(b.in.Notes)}},
		{"verify.html", "verify", "verify", w.T("verify_title"), map[string]any{"Fingerprint": keyFingerprint(b.in.Log.PublicKey), "Sample": b.sampleProof()}},
	} {
		if err := render(p.tmpl, p.self, p.section, p.title, p.data); err != nil {
			return err
		}
	}
	return nil
}

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
	for _, d := range b.pub.Derivatives {
		if d.Item != it.ID {
			continue
		}
		switch d.Role {
		case "preview", "poster", "proxy", "waveform":
			data[d.Role] = mediaPath(d)
		}
	}
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
