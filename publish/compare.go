package publish

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"sightline"
)

// Change is one difference between two editions, as the corrections page
// tells it.
type Change struct {
	Kind   sightline.Kind `json:"kind"`
	ID     string         `json:"id"`
	What   string         `json:"what"`             // added, withdrawn, changed
	Fields []FieldChange  `json:"fields,omitempty"` // of what changed
}

// FieldChange is one part of an object that changed. Before and After are the
// words of a status or the JSON of an interval; empty where a reader has to
// compare the pages.
type FieldChange struct {
	Field  string          `json:"field"` // status, time, place, text, evidence, media, other
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// fieldGroup says which part of an object a JSON field belongs to, so that a
// reader is told "place" and not "places".
var fieldGroup = map[string]string{
	"status": "status", "axes": "status", "review": "status",
	"times": "time", "time": "time", "posted": "time", "rival": "time", "min": "time", "max": "time",
	"places": "place", "place": "place",
	"title": "text", "text": "text", "seen": "text", "reason": "text", "unknown": "text", "not_shown": "text", "asked": "text", "alt": "text", "summary": "text", "limits": "text", "method": "text", "steps": "text", "alternatives_considered": "text",
	"for": "evidence", "against": "evidence", "items": "evidence", "evidence": "evidence", "inputs": "evidence", "problem": "evidence", "answer": "evidence", "about": "evidence",
	"sha256": "media", "hashes": "media", "size": "media", "type": "media", "public": "media", "rights": "media",
}

// Compare lists what differs between the public documents of two editions, in
// the order of the document: first what a reader of the old one relied on.
func Compare(before, after *sightline.Document) ([]Change, error) {
	var out []Change
	for _, k := range []struct {
		kind sightline.Kind
		of   func(*sightline.Document) []sightline.Object
	}{
		{sightline.KindClaim, func(d *sightline.Document) []sightline.Object { return objects(d.Claims) }},
		{sightline.KindItem, func(d *sightline.Document) []sightline.Object { return objects(d.Items) }},
		{sightline.KindObservation, func(d *sightline.Document) []sightline.Object { return objects(d.Observations) }},
		{sightline.KindFinding, func(d *sightline.Document) []sightline.Object { return objects(d.Findings) }},
		{sightline.KindEvent, func(d *sightline.Document) []sightline.Object { return objects(d.Events) }},
		{sightline.KindConstraint, func(d *sightline.Document) []sightline.Object { return objects(d.Constraints) }},
		{sightline.KindGap, func(d *sightline.Document) []sightline.Object { return objects(d.Gaps) }},
		{sightline.KindStory, func(d *sightline.Document) []sightline.Object { return objects(d.Stories) }},
		{sightline.KindLayer, func(d *sightline.Document) []sightline.Object { return objects(d.Layers) }},
		{sightline.KindCase, func(d *sightline.Document) []sightline.Object { return []sightline.Object{d.Case} }},
	} {
		cs, err := compareKind(k.kind, k.of(before), k.of(after))
		if err != nil {
			return nil, err
		}
		out = append(out, cs...)
	}
	return out, nil
}

func objects[T sightline.Object](l []T) []sightline.Object {
	out := make([]sightline.Object, len(l))
	for i, o := range l {
		out[i] = o
	}
	return out
}

func compareKind(kind sightline.Kind, before, after []sightline.Object) ([]Change, error) {
	fields := func(o sightline.Object) (map[string]json.RawMessage, error) {
		b, err := json.Marshal(o)
		if err != nil {
			return nil, err
		}
		m := map[string]json.RawMessage{}
		return m, json.Unmarshal(b, &m)
	}
	old := map[string]sightline.Object{}
	for _, o := range before {
		old[o.Ref().ID] = o
	}
	var out []Change
	kept := map[string]bool{}
	for _, o := range after {
		id := o.Ref().ID
		kept[id] = true
		was, ok := old[id]
		if !ok {
			out = append(out, Change{Kind: kind, ID: id, What: "added"})
			continue
		}
		a, err := fields(was)
		if err != nil {
			return nil, err
		}
		b, err := fields(o)
		if err != nil {
			return nil, err
		}
		if c := compareFields(a, b); len(c) > 0 {
			out = append(out, Change{Kind: kind, ID: id, What: "changed", Fields: c})
		}
	}
	for _, o := range before {
		if id := o.Ref().ID; !kept[id] {
			out = append(out, Change{Kind: kind, ID: id, What: "withdrawn"})
		}
	}
	return out, nil
}

func compareFields(a, b map[string]json.RawMessage) []FieldChange {
	names := map[string]bool{}
	for k := range a {
		names[k] = true
	}
	for k := range b {
		names[k] = true
	}
	var out []FieldChange
	for k := range names {
		if string(a[k]) == string(b[k]) {
			continue
		}
		g := fieldGroup[k]
		if g == "" {
			g = "other"
		}
		c := FieldChange{Field: g}
		if k == "status" || g == "time" {
			c.Before, c.After = a[k], b[k]
		}
		if i := slices.IndexFunc(out, func(x FieldChange) bool { return x.Field == g }); i >= 0 {
			if len(c.Before)+len(c.After) > 0 {
				out[i] = c
			}
			continue
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(x, y FieldChange) int { return strings.Compare(x.Field, y.Field) })
	return out
}

// changeLine is a change in the words of a page.
type changeLine struct {
	ID, Title, What, How string
	Link                 string
}

// Changes lists what differs from the edition before, for the page.
func (p *page) Changes() []changeLine {
	var out []changeLine
	for _, c := range p.b.changes {
		l := changeLine{ID: c.ID, What: p.W.T("change_" + c.What), Link: p.Link(c.ID), Title: p.TitleOf(c.ID)}
		if l.Title == c.ID {
			l.Title = ""
		}
		var how []string
		for _, f := range c.Fields {
			s := p.W.T("field_" + f.Field)
			if a, b := p.shown(f, f.Before), p.shown(f, f.After); a != b && (a != "" || b != "") {
				s = fmt.Sprintf("%s: %s → %s", s, orDash(a), orDash(b))
			}
			how = append(how, s)
		}
		l.How = strings.Join(how, "; ")
		out = append(out, l)
	}
	return out
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// shown prints a status or an interval of a change.
func (p *page) shown(f FieldChange, raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	switch f.Field {
	case "status":
		var s string
		if json.Unmarshal(raw, &s) == nil && p.W.Has("status_"+s) {
			return p.Status(s)
		}
	case "time":
		var one sightline.Time
		var many []sightline.Time
		if json.Unmarshal(raw, &many) == nil {
			if len(many) == 0 {
				return ""
			}
			one = many[0]
		} else if json.Unmarshal(raw, &one) != nil {
			return ""
		}
		return p.When(&one)
	}
	return ""
}

// atomFeed is the corrections as a feed (RFC 4287). Addresses are relative:
// an edition does not know where it will stand.
func (b *builder) atomFeed(lang string) ([]byte, error) {
	type link struct {
		Href string `xml:"href,attr"`
		Rel  string `xml:"rel,attr,omitempty"`
	}
	type text struct {
		Lang string `xml:"xml:lang,attr,omitempty"`
		Body string `xml:",chardata"`
	}
	type entry struct {
		ID      string `xml:"id"`
		Title   string `xml:"title"`
		Updated string `xml:"updated"`
		Link    link   `xml:"link"`
		Summary text   `xml:"summary"`
	}
	type feed struct {
		XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
		ID      string   `xml:"id"`
		Title   string   `xml:"title"`
		Updated string   `xml:"updated"`
		Author  struct {
			Name string `xml:"name"`
		} `xml:"author"`
		Link    link    `xml:"link"`
		Entries []entry `xml:"entry"`
	}
	d, w := b.pub, wordsOf(lang)
	tx := func(t sightline.Text) string { return t.In(lang, d.Case.Languages...) }
	id := func(n int) string { return fmt.Sprintf("tag:sightline,2018:%s/v%d", b.in.Log.Origin, n) }
	f := feed{ID: "tag:sightline,2018:" + b.in.Log.Origin, Title: tx(d.Case.Title), Updated: b.in.Date, Link: link{Href: "index.html", Rel: "alternate"}}
	f.Author.Name = tx(d.Case.Title)
	p := &page{b: b, W: w, Lang: lang, Self: "corrections", Doc: d}
	var lines []string
	if n := tx(b.in.Notes); n != "" {
		lines = append(lines, n)
	}
	for _, c := range p.Changes() {
		lines = append(lines, strings.TrimSuffix(strings.TrimSpace(fmt.Sprintf("%s, %s: %s", c.ID, c.What, c.How)), ":"))
	}
	f.Entries = append(f.Entries, entry{ID: id(b.in.Number), Title: w.T("edition_n", b.in.Number), Updated: b.in.Date, Link: link{Href: b.langName("corrections", lang)}, Summary: text{lang, strings.Join(lines, "\n")}})
	for _, e := range slices.Backward(b.in.Former) {
		if e.Number < b.in.Number {
			f.Entries = append(f.Entries, entry{ID: id(e.Number), Title: w.T("edition_n", e.Number), Updated: e.Date, Link: link{Href: fmt.Sprintf("../v%d/index.html", e.Number)}, Summary: text{lang, tx(e.Notes)}})
		}
	}
	out, err := xml.MarshalIndent(f, "", " ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(out, '\n')...), nil
}
