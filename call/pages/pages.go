// Package pages holds what a source sees: one HTML template for each page, in
// Spanish, English and Arabic, with its style inside, so that a page is one
// request and works with scripts, images and fonts blocked.
//
// Package call fills a View and calls Write; it knows no words of the pages,
// and a template knows nothing of the server. The contract between the two is
// the View below and the routes of docs/formats/tip.md.
package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"sync"
)

// Langs are the languages of the pages; the first is the one a visitor gets
// whose language is not among them.
var Langs = []string{"es", "en", "ar"}

// The pages, each with the request that shows it.
const (
	Front   = "call"    // GET /{lang}/: safety step, requests, form
	About   = "about"   // GET /about and /{lang}/about: limits, fingerprints, bridges
	Sent    = "receipt" // POST /send, POST /box/add without script
	Mailbox = "box"     // POST /box without script; padded to 64 KiB
	Erased  = "erased"  // POST /box/erase without script; the same for an unknown code
	Say     = "say"     // everything that went wrong, as one calm sentence
)

// View is everything a template may show.
type View struct {
	Lang string // "es", "en" or "ar"
	Dir  string // "ltr" or "rtl"
	Call Call

	Receipt *Receipt // of page Sent
	Box     *Box     // of page Mailbox
	Saying  *Saying  // of page Say
}

// Call is the public side of one call for evidence.
type Call struct {
	ID        string // salt of every code of this call
	Name      string // in the language of the page
	Onion     string // address of the onion service, or empty
	Clear     bool   // served over plain HTTPS: the provider sees the visit
	Requests  []Request
	Channels  []Channel
	Keys      []Key
	MaxTip    int64 // bytes of one tip
	MaxFiles  int
	MaxText   int // bytes of one message
	Script    string
	Integrity string // "sha256-<base64>" of the script, empty when there is none
	Closed    bool   // no new tips: the disk is nearly full; mailboxes go on
}

// Request is one thing the case looks for, a computed gap in plain words.
type Request struct {
	ID   string
	Text string // in the language of the page
}

// Channel is another way to reach the team.
type Channel struct {
	Kind    string // "signal", "whatsapp", "mail", "post"
	Address string
}

// Key is one recipient of call.keys.
type Key struct {
	Name  string
	Print string   // SHA-256 of the recipient's text, hexadecimal
	Words []string // the first 88 bits of it as eight words
}

// Receipt is what a source takes away from sending.
type Receipt struct {
	Words  []string // the code as eight words; empty when an old code was used
	Digits string   // the same code as 27 digits in groups of three
	Lang   string   // language of the words: "es" or "en"
	Lane   string   // "B": encrypted in the server's memory
	Files  int
	Bytes  int64 // of content, as counted while it passed
	Added  bool  // sent with a code from before
	Empty  int   // files of 0 bytes: named as such in the tip, worth sending again
	// CodeTaken: the message held a receipt code, which was taken out of it.
	CodeTaken bool
}

// Box is an opened mailbox. A wrong code gives an empty one.
type Box struct {
	Replies []Reply
	Code    string // as typed, for the forms that follow; never in an address
}

// Reply is one answer of the team.
type Reply struct {
	Day  string // YYYY-MM-DD
	Text string
}

// Saying is a sentence with its title.
type Saying struct {
	Title, Text string
	Status      int
}

//go:embed *.html page.css text/*.json
var files embed.FS

// style is the one inline style of every page. It holds nothing that a
// template fills in, so that one hash in the policy covers it.
var style = sync.OnceValue(func() string {
	b, err := files.ReadFile("page.css")
	if err != nil {
		panic(err) // embedded with this file
	}
	return "\n" + string(b)
})

var parsed = sync.OnceValues(func() (*template.Template, error) {
	return template.New("").Funcs(template.FuncMap{
		"join":    strings.Join,
		"css":     func() template.CSS { return template.CSS(style()) },
		"size":    Size,
		"times":   times,
		"pattern": pattern,
	}).ParseFS(files, "*.html")
})

// Dir is the writing direction of a language.
func Dir(lang string) string {
	if lang == "ar" {
		return "rtl"
	}
	return "ltr"
}

// Known says whether pages exist in a language.
func Known(lang string) bool { return slices.Contains(Langs, lang) }

// Render gives one page.
func Render(name string, v View) ([]byte, error) {
	t, err := parsed()
	if err != nil {
		return nil, err
	}
	v.Dir = Dir(v.Lang)
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name+".html", v); err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// StyleHashes are the CSP sources of all inline styles of the pages, each
// 'sha256-...'.
func StyleHashes() []string {
	h := sha256.Sum256([]byte(style()))
	return []string{"'sha256-" + base64.StdEncoding.EncodeToString(h[:]) + "'"}
}
