package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"sightline/warc"
)

// maxArchiveMedia is how many media files of one web archive become items.
const maxArchiveMedia = 5000

// readWebArchive reads WARC, ARC and WACZ files of any program: each page is a
// record with its text, and the pictures, films and sounds in the archive are
// the attachments of the page that stands before them. Damage is listed by
// record; a signature is noted as a claim of its signer.
func readWebArchive(s *source, im *Imported, _ ImportOptions) error {
	fi, err := s.file.Stat()
	if err != nil {
		return errors.New(reason(err))
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(s.file, 0, fi.Size())); err != nil {
		return errors.New(reason(err))
	}
	im.Encoding, im.SHA256 = "", hex.EncodeToString(h.Sum(nil))
	if s.temp, err = os.MkdirTemp("", "sightline-archive-*"); err != nil {
		return fmt.Errorf("failed to make room for the archive: %w", err)
	}
	w := &archiveReader{s: s, im: im, titles: map[string]string{}, seen: map[string]int{}}
	var head [4]byte
	_, _ = s.file.ReadAt(head[:], 0)
	if string(head[:]) != "PK\x03\x04" {
		return w.scan("", s.file, fi.Size())
	}
	p, err := warc.OpenWACZ(s.file, fi.Size(), warc.Limits{})
	if err != nil {
		return err
	}
	for _, f := range p.Faults {
		bad(im, 0, "", "", f)
	}
	im.Notes = append(im.Notes, p.Notes[:min(20, len(p.Notes))]...)
	if c := p.Claim; c != nil {
		verdict := "the signature fits its key"
		if !c.Agrees {
			verdict = "the signature is NOT good"
		}
		im.Notes = append(im.Notes, fmt.Sprintf("claim of %s, made %s: these files are as they were signed; %s; %s", c.Signer, c.Created, verdict, c.Why))
	}
	for _, pg := range p.Pages {
		if pg.Title != "" {
			w.titles[pg.URL] = pg.Title
		}
	}
	for _, f := range p.Archives {
		if !strings.Contains(f.Name, ".warc") && !strings.Contains(f.Name, ".arc") {
			continue
		}
		if err := w.inside(f.Name, f.Open); err != nil {
			return err
		}
	}
	return nil
}

type archiveReader struct {
	s      *source
	im     *Imported
	titles map[string]string
	seen   map[string]int // address and time -> place of the record
	media  int
	early  []Attachment // before the first page
}

// inside spools one archive of a package and scans it.
func (w *archiveReader) inside(name string, open func() (io.ReadCloser, error)) error {
	r, err := open()
	if err != nil {
		bad(w.im, 0, "", "", fmt.Sprintf("%s cannot be read: %v", name, err))
		return nil
	}
	defer r.Close()
	f, err := os.CreateTemp(w.s.temp, "warc-*")
	if err != nil {
		return fmt.Errorf("failed to make room for the archive: %w", err)
	}
	defer f.Close()
	n, err := io.Copy(f, r)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			return fmt.Errorf("failed to make room for the archive: %w", err)
		}
		bad(w.im, 0, "", "", fmt.Sprintf("%s is damaged: %v; what could be read was read", name, err))
	}
	return w.scan(name, f, n)
}

func (w *archiveReader) scan(name string, r io.ReaderAt, size int64) error {
	if name != "" {
		name += ", "
	}
	pages := len(w.im.Records)
	faults, err := warc.Scan(r, size, warc.Limits{}, func(rec *warc.Record) error { return w.record(rec) })
	for _, f := range faults {
		if f.Warn {
			if len(w.im.Notes) < 100 {
				w.im.Notes = append(w.im.Notes, name+f.String())
			}
			continue
		}
		bad(w.im, f.Record, "", "", name+f.String())
	}
	if err != nil {
		return err
	}
	if len(w.early) > 0 && len(w.im.Records) == pages {
		// An archive of media alone: one record holds them.
		w.im.Records = append(w.im.Records, Record{Number: 1, Kind: "page", Title: w.s.name, Attachments: w.early})
		w.early = nil
	}
	return nil
}

func (w *archiveReader) record(rec *warc.Record) error {
	web := strings.HasPrefix(rec.URI, "http://") || strings.HasPrefix(rec.URI, "https://") || strings.HasPrefix(rec.URI, "file:///") // as Scoop writes its screenshots
	var body io.Reader
	mime := rec.Mime
	switch {
	case rec.Type == "response" && web:
		m, err := warc.ReadHTTP(rec.Block)
		if err != nil || m.Status < 200 || m.Status > 299 {
			return nil
		}
		mime = m.Head.Get("Content-Type")
		d, left, err := m.Decoded()
		if err != nil || left != "" {
			why := "it is coded as " + left + ", which is not read here"
			if err != nil {
				why = err.Error()
			}
			bad(w.im, rec.Number, "", rec.URI, why)
			return nil
		}
		body = d
	case rec.Type == "resource":
		body = rec.Block
	default:
		return nil
	}
	kind, _, _ := strings.Cut(strings.ToLower(mime), ";")
	kind = strings.TrimSpace(kind)
	switch {
	case web && (kind == "text/html" || kind == "application/xhtml+xml"):
		return w.page(rec, body, mime)
	case strings.HasPrefix(kind, "image/") && kind != "image/svg+xml", strings.HasPrefix(kind, "video/"), strings.HasPrefix(kind, "audio/"), kind == "application/pdf":
		return w.keep(rec, body, kind)
	}
	return nil
}

func (w *archiveReader) page(rec *warc.Record, body io.Reader, mime string) error {
	base, err := url.Parse(rec.URI)
	if err != nil {
		base = &url.URL{}
	}
	d, err := warc.ReadPage(io.LimitReader(body, 32<<20), mime, base)
	if err != nil {
		bad(w.im, rec.Number, "", rec.URI, "the text of the page cannot be read to the end: "+err.Error())
	}
	key := rec.URI + " " + rec.Date.String()
	if _, ok := w.seen[key]; ok {
		return nil
	}
	r := Record{Number: rec.Number, Kind: "page", Title: d.Title, Text: cutText(d.Text), Author: d.Author, URL: rec.URI, ID: rec.ID, Attachments: w.early, Fields: map[string]string{}}
	w.early = nil
	if r.Title == "" {
		r.Title = w.titles[rec.URI]
	}
	for k, v := range map[string]string{"captured": warc.Date(rec.Date), "language": d.Language, "published": d.Published, "site": d.Site, "payload": rec.Head.Get("WARC-Payload-Digest")} {
		if v != "" && (k != "captured" || !rec.Date.IsZero()) {
			r.Fields[k] = v
		}
	}
	w.seen[key] = len(w.im.Records)
	w.im.Records = append(w.im.Records, r)
	return nil
}

func cutText(s string) string {
	if len(s) > 100_000 {
		s = strings.ToValidUTF8(s[:100_000], "") + "…"
	}
	return s
}

// keep writes a media file of the archive where it can be taken from.
func (w *archiveReader) keep(rec *warc.Record, body io.Reader, kind string) error {
	if w.media++; w.media > maxArchiveMedia {
		if w.media == maxArchiveMedia+1 {
			w.im.Notes = append(w.im.Notes, fmt.Sprintf("the archive holds more than %d media files; the others stay in it", maxArchiveMedia))
		}
		return nil
	}
	dir := filepath.Join(w.s.temp, fmt.Sprint(w.media))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("failed to make room for a file of the archive: %w", err)
	}
	name := mediaName(rec.URI)
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("failed to make room for a file of the archive: %w", err)
	}
	defer f.Close()
	n, err := io.Copy(f, body)
	var pe *os.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("failed to make room for a file of the archive: %w", err)
	}
	if err != nil {
		bad(w.im, rec.Number, "", rec.URI, "the file is damaged; what could be read was kept")
	}
	small := n == 0
	if strings.HasPrefix(kind, "image/") && !small {
		if _, err := f.Seek(0, io.SeekStart); err == nil {
			c, _, err := image.DecodeConfig(f)
			small = err == nil && (c.Width < 100 || c.Height < 100) || err != nil && n < 4<<10
		}
	}
	if small {
		return os.Remove(path) // a sign or a counter of visits: it stays in the archive
	}
	at := Attachment{Name: name, Type: kind, Size: n, Held: true, path: path}
	if len(w.im.Records) == 0 {
		w.early = append(w.early, at)
		return nil
	}
	last := &w.im.Records[len(w.im.Records)-1]
	last.Attachments = append(last.Attachments, at)
	return nil
}

// mediaName is the last part of an address, in letters that mean nothing to a
// file system.
func mediaName(uri string) string {
	name := uri
	if u, err := url.Parse(uri); err == nil && u.Path != "" {
		name = u.Path
	}
	name = name[strings.LastIndexByte(strings.TrimRight(name, "/"), '/')+1:]
	name = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	if len(name) > 120 {
		name = strings.ToValidUTF8(name[len(name)-120:], "")
	}
	if name = strings.TrimLeft(name, "."); name == "" {
		name = "file"
	}
	return name
}
