package publish

import (
	"fmt"
	"html/template"
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

// arabicTime puts the few words of a displayed interval into Arabic; digits
// and signs stay as they are.
var arabicTime = strings.NewReplacer("time not known", "الوقت غير معروف", "no time fits", "لا وقت يوافق",
	"after ", "بعد ", "before ", "قبل ", "from ", "من ", "until ", "حتى ", " on ", " يوم ", " min", " د", " s)", " ث)",
	"January", "يناير", "February", "فبراير", "March", "مارس", "April", "أبريل", "May", "مايو", "June", "يونيو", "July", "يوليو",
	"August", "أغسطس", "September", "سبتمبر", "October", "أكتوبر", "November", "نوفمبر", "December", "ديسمبر")

// Dir is the direction of the page's script.
func (p *page) Dir() string {
	if p.Lang == "ar" {
		return "rtl"
	}
	return "ltr"
}

func (p *page) Href(self string) string { return p.Root + p.b.langName(self, p.Lang) }

// Feed is the address of the corrections as a feed.
func (p *page) Feed() string {
	return strings.TrimSuffix(p.b.langName("corrections", p.Lang), "html") + "atom"
}

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
	s := when.Format(t.Interval, when.Display{
		Zone: p.Doc.Case.Zone, Lang: p.Lang, UTC: utc, Day: !p.b.onDay(t),
		Approx: t.Precision == "about" || t.Precision == "estimate",
	})
	if p.Lang == "ar" {
		return arabicTime.Replace(s)
	}
	return s
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
func (p *page) Chip(it *sightline.Item) map[string]string { return p.chip(p.b.itemStatus(it)) }

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
func (b *builder) itemStatus(it *sightline.Item) string {
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
		for _, axis := range sightline.AxisNames {
			if st := b.ver.of(it.ID, axis); st.Relied != "" && st.State != "verified" {
				return "in_review"
			}
		}
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
