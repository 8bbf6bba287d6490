package publish

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"sightline"
	"sightline/digest"
)

// Response is the file in which a reader confirms or disputes one claim, item
// or gap of an edition. The edition makes it on the reader's own machine and
// sends it nowhere: how it travels is the reader's choice. It asks for no
// name.
type Response struct {
	Format   string `json:"format"`            // sightline.response/1
	Case     string `json:"case"`              // id of the case
	Edition  int    `json:"edition"`           // number of the edition that was read
	About    string `json:"about"`             // C-07, EJ-014, G-02
	Wording  string `json:"wording,omitempty"` // SHA-256 over the sentence as that edition printed it, in the case's first language
	Says     string `json:"says"`              // confirm, dispute, other
	Reason   string `json:"reason"`            // why, in any language
	Evidence string `json:"evidence"`          // addresses, file names, digests: what somebody else can look at
	Contact  string `json:"contact"`           // only if the reader wants to be asked; may be empty
}

// ResponseFormat is the value of Response.Format.
const ResponseFormat = "sightline.response/1"

// Limits of a response. It is text that a stranger wrote.
const (
	MaxResponse     = 64 << 10
	maxResponseText = 8_000
)

// WordingDigest is the digest that a response names the sentence by.
func WordingDigest(t sightline.Text, languages []string) string {
	if len(languages) == 0 {
		return ""
	}
	return digest.Of([]byte(t[languages[0]])).String()
}

var responseID = regexp.MustCompile(`^[A-Z]{1,4}-\d{1,9}(\.\d{1,9})?$`)

// ReadResponse reads a response and refuses, with the reason, what is not one
// or carries characters that change how other text is read.
func ReadResponse(data []byte) (*Response, error) {
	bad := func(format string, args ...any) (*Response, error) {
		return nil, fmt.Errorf("this is not an answer to an edition: %s: %w", fmt.Sprintf(format, args...), sightline.ErrInvalid)
	}
	if len(data) > MaxResponse {
		return bad("it has %d bytes, and at most %d are read", len(data), MaxResponse)
	}
	if !utf8.Valid(data) {
		return bad("it is not UTF-8 text")
	}
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff")))) // some editors put a mark in front
	dec.DisallowUnknownFields()
	r := new(Response)
	if err := dec.Decode(r); err != nil {
		return bad("%v", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return bad("something follows the answer")
	}
	switch {
	case r.Format != ResponseFormat:
		return bad("its format is %q, not %s", clip(r.Format), ResponseFormat)
	case r.Edition < 1:
		return bad("it names no edition")
	case !responseID.MatchString(r.About):
		return bad("it is about %q, which is no id", clip(r.About))
	case r.Says != "confirm" && r.Says != "dispute" && r.Says != "other":
		return bad("it says %q; use confirm, dispute or other", clip(r.Says))
	case r.Wording != "" && !isDigest(r.Wording):
		return bad("the digest of the wording is not one")
	case strings.TrimSpace(r.Reason) == "":
		return bad("it gives no reason")
	}
	for _, f := range []struct{ what, s string }{{"case", r.Case}, {"reason", r.Reason}, {"evidence", r.Evidence}, {"contact", r.Contact}} {
		if utf8.RuneCountInString(f.s) > maxResponseText {
			return bad("the %s has %d characters, and at most %d are read", f.what, utf8.RuneCountInString(f.s), maxResponseText)
		}
		for _, c := range f.s {
			if unicode.IsControl(c) && c != '\n' && c != '\t' && c != '\r' || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 {
				return bad("the %s holds the invisible character U+%04X", f.what, c)
			}
		}
	}
	return r, nil
}

func isDigest(s string) bool { _, err := digest.Parse(s); return err == nil }

func clip(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// Comment is the remark that a response becomes in its case: it opens with
// what is claimed about what, and ends with what the reader gave for it.
func (r *Response) Comment(wording string) string {
	word := map[string]string{"confirm": "A reader confirms", "dispute": "A reader disputes", "other": "A reader writes about"}[r.Says]
	s := fmt.Sprintf("%s %s as it stands in edition v%d", word, r.About, r.Edition)
	if r.Wording != "" && wording != "" && r.Wording != wording {
		s += " (the sentence has changed since)"
	}
	s += ":\n" + strings.TrimSpace(strings.ReplaceAll(r.Reason, "\r", ""))
	if e := strings.TrimSpace(strings.ReplaceAll(r.Evidence, "\r", "")); e != "" {
		s += "\n\nEvidence: " + e
	}
	if c := strings.TrimSpace(strings.ReplaceAll(r.Contact, "\r", "")); c != "" {
		s += "\n\nContact: " + c
	}
	return s
}

// responses writes, for each claim, the file to fill in by hand where no
// script runs.
func (b *builder) responses() error {
	for _, c := range b.pub.Claims {
		r := Response{Format: ResponseFormat, Case: b.pub.Case.ID, Edition: b.in.Number, About: c.ID, Wording: WordingDigest(c.Text, b.pub.Case.Languages), Says: "dispute"}
		if err := b.putJSON("respond/"+c.ID+".json", r); err != nil {
			return err
		}
	}
	return nil
}

// Wording is the digest of a claim's sentence, for the form on its page.
func (p *page) Wording(c *sightline.Claim) string {
	return WordingDigest(c.Text, p.Doc.Case.Languages)
}
