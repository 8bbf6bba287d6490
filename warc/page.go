package warc

import (
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
)

// Ref is something that a page shows or needs.
type Ref struct {
	URL    *url.URL
	As     string // image, video, audio, style, other
	Alt    string
	Stream bool // a list of pieces, not a file
	Depth  int
}

// Document is what a page says, as plain text. Nothing in it is trusted: it is
// what the page says of itself.
type Document struct {
	Title, Text, Author, Site, Language, Published string
	Refs                                           []Ref
}

const maxRefs = 800

const maxText = 200_000 // characters of a page's text that are kept beside the archive

// ReadPage looks through an HTML page without running anything. The text is what
// stands in it, without scripts, styles and what is marked as hidden; control
// characters are left out. With an error the document is what came before it.
func ReadPage(r io.Reader, contentType string, base *url.URL) (*Document, error) {
	decoded, err := charset.NewReader(r, contentType)
	if err != nil {
		return &Document{}, err
	}
	d := &pageReader{doc: &Document{}, base: base, meta: map[string]string{}, seen: map[string]bool{}}
	z := html.NewTokenizer(decoded)
	z.SetMaxBuf(4 << 20)
	for {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); err != io.EOF && err != html.ErrBufferExceeded {
				return d.done(), err
			}
			return d.done(), nil
		case html.TextToken:
			if d.skip == "" {
				d.text(string(z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			d.open(t)
		case html.EndTagToken:
			n, _ := z.TagName()
			d.close(string(n))
		}
	}
}

type pageReader struct {
	doc   *Document
	base  *url.URL
	meta  map[string]string
	seen  map[string]bool
	skip  string // element whose text is no text of the page
	depth int
	title bool
	out   strings.Builder
	name  strings.Builder
	media []Ref
	rest  []Ref
}

// unseen are elements whose text a reader does not see.
var unseen = map[string]bool{"script": true, "style": true, "noscript": true, "template": true, "svg": true, "iframe": true, "textarea": true, "select": true, "object": true}

var blocks = map[string]bool{"p": true, "div": true, "br": true, "li": true, "tr": true, "h1": true, "h2": true, "h3": true, "h4": true, "article": true, "section": true, "header": true, "footer": true, "blockquote": true, "figcaption": true, "td": true, "pre": true, "hr": true, "main": true, "nav": true, "aside": true, "time": false}

func (d *pageReader) text(s string) {
	if d.title {
		if d.name.Len() < 2000 {
			d.name.WriteString(s)
		}
		return
	}
	if d.out.Len() < 4*maxText {
		d.out.WriteString(s)
	}
}

func (d *pageReader) close(n string) {
	switch {
	case n == d.skip:
		if d.depth--; d.depth <= 0 {
			d.skip = ""
		}
	case n == "title":
		d.title = false
	case blocks[n]:
		d.text("\n")
	}
}

func (d *pageReader) open(t html.Token) {
	n := t.Data
	at := map[string]string{}
	for _, a := range t.Attr {
		if _, ok := at[a.Key]; !ok {
			at[a.Key] = a.Val
		}
	}
	if n == d.skip && t.Type == html.StartTagToken {
		d.depth++
	}
	switch n {
	case "base":
		if u, err := d.base.Parse(at["href"]); err == nil && at["href"] != "" && (u.Scheme == "http" || u.Scheme == "https") {
			d.base = u
		}
	case "html":
		d.doc.Language = cut(at["lang"], 35)
	case "title":
		d.title = t.Type == html.StartTagToken && d.skip == "" && d.name.Len() == 0
	case "meta":
		k := strings.ToLower(at["property"])
		if k == "" {
			k = strings.ToLower(at["name"])
		}
		if k == "" {
			k = strings.ToLower(at["itemprop"])
		}
		if k != "" && d.meta[k] == "" {
			d.meta[k] = at["content"]
		}
		switch k {
		case "og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src":
			d.ref(at["content"], "image", "")
		case "og:video", "og:video:url", "og:video:secure_url", "twitter:player:stream":
			d.ref(at["content"], "video", "")
		case "og:audio", "og:audio:url", "og:audio:secure_url":
			d.ref(at["content"], "audio", "")
		}
	case "img":
		d.ref(largest(at["srcset"]), "image", at["alt"])
		d.ref(at["src"], "image", at["alt"])
		d.ref(at["data-src"], "image", at["alt"])
	case "source":
		if at["srcset"] != "" {
			d.ref(largest(at["srcset"]), "image", "")
		}
		as := "video"
		if strings.HasPrefix(at["type"], "audio/") {
			as = "audio"
		}
		d.ref(at["src"], as, "")
	case "video":
		d.ref(at["src"], "video", "")
		d.ref(at["poster"], "image", "")
	case "audio":
		d.ref(at["src"], "audio", "")
	case "embed":
		d.ref(at["src"], "other", "")
	case "script":
		d.ref(at["src"], "other", "")
	case "a":
		// A link to a picture or film is how many pages give the full size.
		if u := refURL(d.base, at["href"]); u != nil {
			switch as := byName(u.Path); as {
			case "image", "video", "audio":
				d.ref(at["href"], as, "")
			}
		}
	case "link":
		for _, rel := range strings.Fields(strings.ToLower(at["rel"])) {
			switch rel {
			case "stylesheet":
				d.ref(at["href"], "style", "")
			case "icon", "preload", "modulepreload":
				d.ref(at["href"], "other", "")
			case "image_src":
				d.ref(at["href"], "image", "")
			}
		}
	case "time":
		if d.meta["time"] == "" {
			d.meta["time"] = at["datetime"]
		}
	}
	if blocks[n] {
		d.text("\n")
	}
	if _, hidden := at["hidden"]; d.skip == "" && t.Type == html.StartTagToken && (unseen[n] || hidden && n != "input" && n != "img" && n != "br") {
		d.skip, d.depth = n, 1
	}
}

func byName(p string) string {
	i := strings.LastIndexByte(p, '.')
	if i < 0 {
		return ""
	}
	switch strings.ToLower(p[i+1:]) {
	case "jpg", "jpeg", "png", "gif", "webp", "avif", "heic", "tif", "tiff", "bmp":
		return "image"
	case "mp4", "m4v", "mov", "webm", "ogv", "3gp", "avi", "mkv", "m3u8", "mpd":
		return "video"
	case "mp3", "m4a", "ogg", "oga", "opus", "wav", "flac", "aac", "amr":
		return "audio"
	}
	return ""
}

func (d *pageReader) ref(raw, as, alt string) {
	if raw == "" || strings.HasPrefix(raw, "data:") || len(d.media)+len(d.rest) > maxRefs {
		return
	}
	u := refURL(d.base, raw)
	if u == nil || d.seen[u.String()] {
		return
	}
	d.seen[u.String()] = true
	p := strings.ToLower(u.Path)
	r := Ref{URL: u, As: as, Alt: Clean(cut(alt, 2000)), Stream: strings.HasSuffix(p, ".m3u8") || strings.HasSuffix(p, ".mpd")}
	if as == "image" || as == "video" || as == "audio" {
		d.media = append(d.media, r)
	} else {
		d.rest = append(d.rest, r)
	}
}

// largest picks the largest picture of a srcset.
func largest(set string) string {
	best, at := "", -1.0
	for _, c := range strings.Split(set, ",") {
		f := strings.Fields(c)
		if len(f) == 0 {
			continue
		}
		size := 1.0
		if len(f) > 1 {
			if v, err := strconv.ParseFloat(strings.TrimRight(f[1], "wxh"), 64); err == nil {
				size = v
			}
		}
		if size > at {
			best, at = f[0], size
		}
	}
	return best
}

func (d *pageReader) done() *Document {
	doc := d.doc
	first := func(keys ...string) string {
		for _, k := range keys {
			if v := Clean(cut(d.meta[k], 1000)); v != "" {
				return v
			}
		}
		return ""
	}
	doc.Title = Clean(d.name.String())
	if t := first("og:title", "twitter:title"); doc.Title == "" || t != "" && strings.HasPrefix(doc.Title, t) {
		doc.Title = t
	}
	doc.Author = first("author", "article:author", "twitter:creator", "dc.creator")
	doc.Site = first("og:site_name", "application-name")
	doc.Published = first("article:published_time", "datepublished", "date", "dc.date", "time")
	doc.Text = paragraphs(d.out.String())
	if s := first("og:description", "description"); s != "" && !strings.Contains(doc.Text, s) {
		doc.Text = strings.TrimSpace(s + "\n\n" + doc.Text)
	}
	doc.Text = cut(doc.Text, maxText)
	doc.Refs = append(d.media, d.rest...)
	return doc
}

// Clean is a text on one line without characters that move others.
func Clean(s string) string {
	return strings.Join(strings.Fields(strings.Map(visible, s)), " ")
}

func visible(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	if r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff || r == unicode.ReplacementChar {
		return -1
	}
	return r
}

// paragraphs puts a text into lines: spaces run together, empty lines too.
func paragraphs(s string) string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = Clean(l); l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

var styleURL = regexp.MustCompile(`(?i)url\(\s*['"]?([^'")\s]+)['"]?\s*\)|@import\s+['"]([^'"]+)['"]`)

// StyleRefs lists the addresses in a style sheet.
func StyleRefs(css string) []string {
	var out []string
	for _, m := range styleURL.FindAllStringSubmatch(css, 200) {
		u := m[1] + m[2]
		if !strings.HasPrefix(strings.ToLower(u), "data:") {
			out = append(out, u)
		}
	}
	return out
}

// refURL resolves a reference of a page; nil when it is none of the web.
func refURL(base *url.URL, ref string) *url.URL {
	u, err := base.Parse(strings.TrimSpace(ref))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil
	}
	u.Fragment, u.RawFragment = "", ""
	return u
}

func cut(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
