package publish

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"sightline"
)

// Cited is an edition as citation data names it.
type Cited struct {
	Number   int
	Date     string // RFC 3339, of the log head
	Manifest string // SHA-256
	URL      string // where it stands; "" when not known
	Version  string // of the program
}

// CSL writes the edition and its public items as CSL-JSON 1.0.2. Times of
// items are when they were published, not when what they show happened.
func CSL(d *sightline.Document, c Cited, lang string, w io.Writer) error {
	list := []map[string]any{}
	ed := map[string]any{"id": d.Case.ID, "type": "report", "title": in(d, d.Case.Title, lang), "version": fmt.Sprintf("v%d", c.Number), "language": lang}
	if p := dateParts(c.Date); p != nil {
		ed["issued"] = p
	}
	if c.URL != "" {
		ed["URL"] = c.URL
	}
	if c.Manifest != "" {
		ed["note"] = "manifest sha256:" + c.Manifest
	}
	list = append(list, ed)
	types := map[string]string{"photo": "graphic", "image": "graphic", "video": "motion_picture", "audio": "song", "post": "post", "document": "document", "record": "document"}
	for _, it := range d.Items {
		e := map[string]any{"id": d.Case.ID + "-" + it.ID, "type": types[it.Media], "title": in(d, it.Title, lang), "number": it.ID}
		if e["type"] == "" {
			e["type"] = "document"
		}
		if s := in(d, it.Source.Name, lang); s != "" {
			e["author"] = []any{map[string]any{"literal": s}}
		}
		if u := webAddress(it.Source.URL); u != "" {
			e["URL"] = u
		}
		if s := neutral(it.Source.Citation); s != "" {
			e["source"] = s
		}
		if it.Posted != nil && it.Posted.Max != nil {
			e["issued"] = dateParts(iso(it.Posted.Max))
		}
		if it.SHA256 != "" {
			e["note"] = "sha256:" + it.SHA256
		}
		e["container-title"] = in(d, d.Case.Title, lang)
		list = append(list, e)
	}
	return indented(w, list)
}

func dateParts(rfc string) map[string]any {
	t, err := time.Parse(time.RFC3339, rfc)
	if err != nil {
		return nil
	}
	t = t.UTC()
	return map[string]any{"date-parts": []any{[]int{t.Year(), int(t.Month()), t.Day()}}}
}

// webAddress lets only addresses of the web through: a javascript: address
// from a table of records must not become a link in somebody's library.
func webAddress(s string) string {
	s = strings.TrimSpace(s)
	if l := strings.ToLower(s); (strings.HasPrefix(l, "https://") || strings.HasPrefix(l, "http://")) && !strings.ContainsAny(s, " \"<>\n\t") && neutral(s) == s {
		return s
	}
	return ""
}

// bibtexText escapes what means something to TeX; a backslash from a file can
// therefore not start a command.
func bibtexText(s string) string {
	return strings.NewReplacer(`\`, `\textbackslash{}`, "{", `\{`, "}", `\}`, "%", `\%`, "#", `\#`, "$", `\$`, "&", `\&`, "_", `\_`, "^", `\textasciicircum{}`, "~", `\textasciitilde{}`, `"`, "''").Replace(neutral(s))
}

// BibTeX writes the edition and its public items as BibTeX entries in UTF-8.
func BibTeX(d *sightline.Document, c Cited, lang string, w io.Writer) error {
	var b strings.Builder
	entry := func(kind, key string, fields [][2]string) {
		fmt.Fprintf(&b, "@%s{%s", kind, key)
		for _, f := range fields {
			if f[1] != "" {
				fmt.Fprintf(&b, ",\n  %s = {%s}", f[0], f[1])
			}
		}
		b.WriteString("\n}\n\n")
	}
	year := func(rfc string) string {
		if t, err := time.Parse(time.RFC3339, rfc); err == nil {
			return fmt.Sprint(t.UTC().Year())
		}
		return ""
	}
	note := ""
	if c.Manifest != "" {
		note = "manifest sha256:" + c.Manifest
	}
	url := func(s string) string {
		return strings.NewReplacer("{", "%7B", "}", "%7D", `\`, "%5C").Replace(webAddress(s))
	}
	entry("techreport", key(d.Case.ID), [][2]string{{"title", bibtexText(d.Case.Title.In(lang, d.Case.Languages...))}, {"year", year(c.Date)}, {"number", fmt.Sprintf("v%d", c.Number)}, {"url", url(c.URL)}, {"note", note}})
	for _, it := range d.Items {
		posted, sum := "", ""
		if it.Posted != nil && it.Posted.Max != nil {
			posted = year(iso(it.Posted.Max))
		}
		if it.SHA256 != "" {
			sum = ", sha256:" + it.SHA256
		}
		entry("misc", key(d.Case.ID+"-"+it.ID), [][2]string{{"title", bibtexText(it.Title.In(lang, d.Case.Languages...))}, {"author", brace(bibtexText(it.Source.Name.In(lang, d.Case.Languages...)))},
			{"year", posted}, {"url", url(it.Source.URL)}, {"howpublished", bibtexText(it.Source.Citation)}, {"note", it.ID + sum}})
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// brace keeps BibTeX from splitting the name of an organisation.
func brace(s string) string {
	if s == "" {
		return ""
	}
	return "{" + s + "}"
}

func key(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, s)
}

// SchemaOrg is the JSON-LD of schema.org for an edition: a Dataset with its
// items as creative works and its claims.
func SchemaOrg(d *sightline.Document, c Cited, lang string) map[string]any {
	out := schemaDataset(d, c, lang)
	parts := []any{}
	for _, it := range d.Items {
		parts = append(parts, schemaItem(d, it, lang))
	}
	for _, cl := range d.Claims {
		parts = append(parts, schemaClaim(d, cl, lang))
	}
	out["hasPart"] = parts
	return out
}

func schemaDataset(d *sightline.Document, c Cited, lang string) map[string]any {
	out := map[string]any{"@context": "https://schema.org", "@type": "Dataset", "name": in(d, d.Case.Title, lang), "description": in(d, d.Case.Summary, lang),
		"version": fmt.Sprintf("v%d", c.Number), "inLanguage": lang, "identifier": d.Case.ID}
	if c.Date != "" {
		out["datePublished"] = c.Date
	}
	if c.URL != "" {
		out["url"] = c.URL
	}
	if d.Case.Exercise {
		out["genre"] = "Exercise, fictional"
	}
	return out
}

var schemaKinds = map[string]string{"photo": "Photograph", "image": "ImageObject", "video": "VideoObject", "audio": "AudioObject", "post": "SocialMediaPosting", "document": "DigitalDocument"}

func schemaItem(d *sightline.Document, it *sightline.Item, lang string) map[string]any {
	k := schemaKinds[it.Media]
	if k == "" {
		k = "CreativeWork"
	}
	e := map[string]any{"@type": k, "identifier": it.ID, "name": in(d, it.Title, lang)}
	if s := in(d, it.Source.Name, lang); s != "" {
		e["creator"] = map[string]any{"@type": "Organization", "name": s}
	}
	if u := webAddress(it.Source.URL); u != "" {
		e["url"] = u
	}
	if it.SHA256 != "" {
		e["sha256"] = it.SHA256
	}
	if it.Rights.Licence != "" {
		e["license"] = neutral(it.Rights.Licence)
	}
	return e
}

func schemaClaim(d *sightline.Document, c *sightline.Claim, lang string) map[string]any {
	return map[string]any{"@type": "Claim", "identifier": c.ID, "text": in(d, c.Text, lang)}
}

// JSONLD is what a page says of itself to programs that read schema.org; nil
// where there is nothing to say.
func (p *page) JSONLD() map[string]any {
	c := Cited{Number: p.b.in.Number, Date: p.b.in.Date, Version: p.b.in.Version}
	var about map[string]any
	switch {
	case p.Self == "index":
		return schemaDataset(p.Doc, c, p.Lang)
	case strings.HasPrefix(p.Self, "e/"):
		if it := p.b.items[strings.TrimPrefix(p.Self, "e/")]; it != nil {
			about = schemaItem(p.Doc, it, p.Lang)
		}
	case strings.HasPrefix(p.Self, "c/"):
		if cl := p.b.claims[strings.TrimPrefix(p.Self, "c/")]; cl != nil {
			about = schemaClaim(p.Doc, cl, p.Lang)
		}
	}
	if about != nil {
		about["@context"] = "https://schema.org"
		about["isPartOf"] = map[string]any{"@type": "Dataset", "name": in(p.Doc, p.Doc.Case.Title, p.Lang), "version": fmt.Sprintf("v%d", c.Number)}
	}
	return about
}

// citations writes the downloads with which an edition is cited.
func (b *builder) citations() error {
	c := Cited{Number: b.in.Number, Date: b.in.Date, Version: b.in.Version}
	lang := b.pub.Case.Languages[0]
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"data/citation.csl.json", func(w io.Writer) error { return CSL(b.pub, c, lang, w) }},
		{"data/citation.bib", func(w io.Writer) error { return BibTeX(b.pub, c, lang, w) }},
		{"data/schema.jsonld", func(w io.Writer) error { return indented(w, SchemaOrg(b.pub, c, lang)) }},
	} {
		var buf bytes.Buffer
		if err := f.write(&buf); err != nil {
			return err
		}
		if err := b.put(f.name, buf.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
