package intake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-mbox"
	"github.com/emersion/go-message"
	"github.com/emersion/go-message/charset" // also registers the character sets that mail is written in
	"github.com/emersion/go-msgauth/dkim"
)

// Limits of one message.
const (
	maxMailParts = 1000
	maxMailDepth = 20
	maxMailText  = 1 << 20
)

// readMail reads one message or a mailbox. Signatures are checked only with
// keys that the user gives: nothing is looked up from here.
func readMail(s *source, im *Imported, o ImportOptions) error {
	if !bytes.HasPrefix(s.data, []byte("From ")) {
		r, err := oneMail(s.data, 1, o)
		if err != nil {
			return err
		}
		im.Records = append(im.Records, *r)
		return nil
	}
	mr := mbox.NewReader(bytes.NewReader(s.data))
	for n := 1; ; n++ {
		m, err := mr.NextMessage()
		if err == io.EOF {
			break
		}
		if err != nil {
			bad(im, n, "", "", "the mailbox is damaged here: "+err.Error())
			break
		}
		b, err := io.ReadAll(io.LimitReader(m, maxImport))
		if err != nil {
			bad(im, n, "", "", "the message cannot be read: "+err.Error())
			continue
		}
		r, err := oneMail(b, n, o)
		if err != nil {
			bad(im, n, "", "", err.Error())
			continue
		}
		im.Records = append(im.Records, *r)
	}
	if len(im.Records) == 0 && len(im.Bad) == 0 {
		return errors.New("there is no message in this mailbox")
	}
	return nil
}

func oneMail(raw []byte, n int, o ImportOptions) (*Record, error) {
	r := &Record{Number: n, Kind: "mail", Fields: map[string]string{}}
	mended, why := mendHeader(raw)
	if why != "" {
		r.Warnings = append(r.Warnings, why)
	}
	e, err := message.Read(bytes.NewReader(mended))
	if err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return nil, errors.New("this is not a mail message: " + err.Error())
	}
	if e == nil {
		return nil, errors.New("this is not a mail message")
	}
	if err != nil {
		r.Warnings = append(r.Warnings, err.Error())
	}
	header := func(k string) string {
		v, err := e.Header.Text(k)
		if err != nil {
			v = e.Header.Get(k)
		}
		return strings.ToValidUTF8(strings.TrimSpace(v), "\ufffd")
	}
	r.Title, r.Author, r.ID = header("Subject"), header("From"), header("Message-Id")
	if r.Author == "" && r.Title == "" && header("Date") == "" && header("To") == "" && header("Received") == "" && header("Content-Type") == "" {
		return nil, errors.New("this is not a mail message: it has none of the usual headers")
	}
	for _, k := range []string{"To", "Cc", "Bcc"} {
		if v := header(k); v != "" {
			r.To = append(r.To, v)
		}
	}
	for _, k := range []string{"In-Reply-To", "References", "Reply-To", "X-Mailer", "User-Agent", "X-Originating-Ip", "Return-Path", "Content-Type"} {
		if v := header(k); v != "" {
			r.Fields[strings.ToLower(k)] = v
		}
	}
	if v := header("Date"); v != "" {
		if t, err := mail.ParseDate(v); err == nil {
			r.Time = instant(t, v)
			r.Time.Meaning = "sent, by the sender's clock"
			if strings.HasSuffix(strings.TrimSpace(v), "-0000") {
				r.Time.Zone, r.Time.Why = nil, "-0000: the sender's zone is not stated"
			}
		} else {
			r.Warnings = append(r.Warnings, "the date "+fmt.Sprintf("%q", v)+" cannot be read")
		}
	} else {
		r.Warnings = append(r.Warnings, "the message states no date")
	}
	var hops []string
	for f := e.Header.FieldsByKey("Received"); f.Next(); {
		v := f.Value()
		if k := strings.LastIndex(v, ";"); k >= 0 {
			if t, err := mail.ParseDate(strings.TrimSpace(v[k+1:])); err == nil {
				hops = append(hops, t.UTC().Format(time.RFC3339))
			}
		}
	}
	if len(hops) > 0 {
		r.Fields["received_first"], r.Fields["received_last"] = hops[len(hops)-1], hops[0]
	}
	var text, html strings.Builder
	parts := 0
	if why := walkMail(e, 0, &parts, &text, &html, r); why != "" {
		r.Warnings = append(r.Warnings, why)
	}
	r.Fields["parts"] = fmt.Sprint(parts)
	r.Text = strings.ReplaceAll(text.String(), "\r\n", "\n")
	if strings.TrimSpace(r.Text) == "" && html.Len() > 0 {
		r.Text = html.String()
		r.Warnings = append(r.Warnings, "the text is HTML only and is given as written")
	}
	signatures(raw, e, r, o)
	return r, nil
}

var headerLine = regexp.MustCompile(`^[!-9;-~]+[ \t]*:`)

// mendHeader gives the message as a strict reader takes it: blank lines at the
// start are left out, and a line that is no header ends the header. The bytes
// that are kept are not touched.
func mendHeader(raw []byte) ([]byte, string) {
	b := bytes.TrimLeft(raw, "\r\n\t ")
	why := ""
	if len(b) != len(raw) {
		why = "blank space stands before the header"
	}
	for at := 0; at < len(b); {
		end := bytes.IndexByte(b[at:], '\n')
		if end < 0 {
			end = len(b) - at - 1
		}
		line := b[at : at+end+1]
		switch {
		case len(bytes.TrimRight(line, "\r\n")) == 0:
			return b, why
		case headerLine.Match(line), at > 0 && (line[0] == ' ' || line[0] == '\t'):
		case at == 0 && bytes.HasPrefix(line, []byte("From ")):
			b = b[end+1:]
			continue
		case at == 0:
			return b, why
		default:
			out := append(append(append([]byte{}, b[:at]...), "\r\n"...), b[at:]...)
			return out, "the header is damaged: it was read up to " + fmt.Sprintf("%q", clip(string(bytes.TrimSpace(line))))
		}
		at += end + 1
	}
	if !bytes.HasSuffix(b, []byte("\n")) {
		b = append(append([]byte{}, b...), "\r\n"...)
	}
	return append(append([]byte{}, b...), "\r\n"...), why
}

func clip(s string) string {
	if len(s) > 60 {
		s = s[:60]
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

var looseName = regexp.MustCompile(`(?i)(?:file)?name\*?\s*=\s*(?:"([^"]+)"|([^;\r\n]+))`)

// looseFileName finds a file's name in a header that a strict reader refuses.
func looseFileName(h *message.Header) string {
	for _, k := range []string{"Content-Disposition", "Content-Type"} {
		m := looseName.FindStringSubmatch(h.Get(k))
		if m == nil {
			continue
		}
		v := strings.Trim(strings.TrimSpace(m[1]+m[2]), `"`)
		if p := strings.SplitN(v, "'", 3); len(p) == 3 && strings.Contains(p[2], "%") {
			// RFC 2231: character set, language, text with percent signs.
			if d, err := url.PathUnescape(p[2]); err == nil {
				if r, err := charset.Reader(p[0], strings.NewReader(d)); err == nil {
					if b, err := io.ReadAll(r); err == nil {
						v = string(b)
					}
				}
			}
		}
		if d, err := new(mime.WordDecoder).DecodeHeader(v); err == nil {
			v = d
		}
		if !utf8.ValidString(v) {
			v, _, _ = decodeAny([]byte(v))
		}
		return v
	}
	return ""
}

func walkMail(e *message.Entity, depth int, parts *int, text, html *strings.Builder, r *Record) string {
	if depth > maxMailDepth {
		return "parts lie too deep inside one another; the rest was not read"
	}
	if mr := e.MultipartReader(); mr != nil {
		before := *parts
		defer func() {
			if *parts == before {
				*parts++ // a container without parts is still one
			}
		}()
		for {
			p, err := mr.NextPart()
			if err == io.EOF {
				return ""
			}
			if p == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
				return "a part cannot be read: " + err.Error()
			}
			if *parts > maxMailParts {
				return "the message has more parts than are read"
			}
			if why := walkMail(p, depth+1, parts, text, html, r); why != "" {
				return why
			}
		}
	}
	typ0, _, _ := e.Header.ContentType()
	if typ0 == "message/rfc822" {
		if b, err := io.ReadAll(io.LimitReader(e.Body, maxImport)); err == nil {
			mended, _ := mendHeader(b)
			if in, err := message.Read(bytes.NewReader(mended)); in != nil && (err == nil || message.IsUnknownCharset(err) || message.IsUnknownEncoding(err)) {
				return walkMail(in, depth+1, parts, text, html, r)
			}
			e.Body = bytes.NewReader(b)
		}
	}
	*parts++
	typ, params, _ := e.Header.ContentType()
	disposition, dp, _ := e.Header.ContentDisposition()
	name := dp["filename"]
	if name == "" {
		name = params["name"]
	}
	if name == "" {
		name = looseFileName(&e.Header)
	}
	b, err := io.ReadAll(io.LimitReader(e.Body, maxImport))
	why := ""
	if err != nil {
		why = "the part is damaged: " + err.Error()
	}
	isText := strings.HasPrefix(typ, "text/") || typ == ""
	if isText && name == "" && disposition != "attachment" {
		into := text
		if typ == "text/html" {
			into = html
		}
		if into.Len()+len(b) < maxMailText {
			into.WriteString(strings.ToValidUTF8(string(b), "\ufffd"))
		}
		return ""
	}
	if name == "" && strings.HasPrefix(typ, "message/") {
		name = fmt.Sprintf("part-%d.eml", *parts)
	}
	if name == "" {
		name = fmt.Sprintf("part-%d", *parts)
	}
	sum := sha256.Sum256(b)
	r.Attachments = append(r.Attachments, Attachment{Name: strings.ToValidUTF8(name, "\ufffd"), Type: typ, Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:]), Held: true, Why: why, bytes: b})
	return ""
}

// signatures says what signs the message and what that shows: the named domain
// signed these parts, never that the content is true.
func signatures(raw []byte, e *message.Entity, r *Record, o ImportOptions) {
	var signed []string
	for f := e.Header.FieldsByKey("Dkim-Signature"); f.Next(); {
		tags := map[string]string{}
		for _, p := range strings.Split(f.Value(), ";") {
			if k, v, ok := strings.Cut(p, "="); ok {
				tags[strings.TrimSpace(k)] = strings.Join(strings.Fields(v), "")
			}
		}
		signed = append(signed, tags["s"]+"._domainkey."+tags["d"])
	}
	switch {
	case len(signed) == 0:
		r.Fields["dkim"] = "none"
	case len(o.Keys) == 0:
		r.Fields["dkim"] = "signed, not checked"
		r.Fields["dkim_keys"] = strings.Join(signed, ", ")
	default:
		crlf := bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
		list, err := dkim.VerifyWithOptions(bytes.NewReader(crlf), &dkim.VerifyOptions{MaxVerifications: 10, LookupTXT: func(domain string) ([]string, error) {
			if v, ok := o.Keys[strings.TrimSuffix(domain, ".")]; ok {
				return []string{v}, nil
			}
			return nil, errors.New("this key was not given")
		}})
		var said []string
		for _, v := range list {
			if v.Err == nil {
				said = append(said, "valid for "+v.Domain)
			} else {
				said = append(said, "not valid for "+v.Domain+": "+v.Err.Error())
			}
		}
		if err != nil {
			said = append(said, err.Error())
		}
		r.Fields["dkim"] = strings.Join(said, "; ")
		r.Fields["dkim_keys"] = strings.Join(signed, ", ")
	}
	n, cv := 0, ""
	for f := e.Header.FieldsByKey("Arc-Seal"); f.Next(); {
		n++
		for _, p := range strings.Split(f.Value(), ";") {
			if k, v, ok := strings.Cut(p, "="); ok && strings.TrimSpace(k) == "cv" && cv == "" {
				cv = strings.TrimSpace(v)
			}
		}
	}
	if n > 0 {
		r.Fields["arc"] = fmt.Sprintf("%d seals, the last says cv=%s; not checked", n, cv)
	}
	if v := strings.TrimSpace(e.Header.Get("Authentication-Results")); v != "" {
		r.Fields["authentication_results"] = strings.Join(strings.Fields(v), " ")
	}
}
