package capture

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	_ "golang.org/x/image/webp"

	"sightline/warc"
)

// smallest is the side, in pixels, below which a picture is a sign or a
// counter of visits: it stays in the archive and is no item of its own.
const smallest = 100

// parts looks through the page and asks for what it shows: media first,
// because they are what is lost first, then what is needed to show the page
// again.
func (w *whole) parts() error {
	mime, _, _ := strings.Cut(w.last.head.Get("Content-Type"), ";")
	mime = strings.ToLower(strings.TrimSpace(mime))
	body, err := w.last.body()
	if err != nil {
		w.failed("page", "%v", err)
		return nil
	}
	head := make([]byte, 512)
	n, _ := io.ReadFull(body, head)
	head = head[:n]
	sniffed := http.DetectContentType(head)
	if mime == "" {
		mime, _, _ = strings.Cut(sniffed, ";")
	}
	if mime != "text/html" && mime != "application/xhtml+xml" {
		body.Close()
		return w.alone(mime, sniffed)
	}
	doc, err := warc.ReadPage(io.LimitReader(io.MultiReader(bytes.NewReader(head), body), maxPage), w.last.head.Get("Content-Type"), w.last.url)
	body.Close()
	if err != nil {
		w.failed("page", "its text could not be read to the end: %v", err)
	}
	w.found = doc
	p := w.p
	p.Title, p.Text, p.Author, p.Site, p.Language, p.Published = doc.Title, doc.Text, doc.Author, doc.Site, doc.Language, doc.Published
	for _, ref := range doc.Refs {
		if err := w.part(ref); err != nil {
			return err
		}
	}
	return nil
}

// alone is an address that is no page but a file.
func (w *whole) alone(mime, sniffed string) error {
	name := w.last.url.Path
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	w.p.Title = name
	if as, _, _ := strings.Cut(sniffed, "/"); as == "image" || as == "video" || as == "audio" || sniffed == "application/ogg" {
		return w.keep(w.last, warc.Ref{URL: w.last.url, As: as}, mime, true)
	}
	if as, _, _ := strings.Cut(mime, "/"); as == "video" || as == "audio" || as == "image" && mime != "image/svg+xml" {
		return w.keep(w.last, warc.Ref{URL: w.last.url, As: as}, mime, true)
	}
	if mime == "application/pdf" {
		return w.keep(w.last, warc.Ref{URL: w.last.url, As: "document"}, mime, true)
	}
	return nil
}

// part asks for one thing that the page shows.
func (w *whole) part(ref warc.Ref) error {
	where := ref.URL.String()
	if w.asked[where] {
		return nil
	}
	w.asked[where] = true
	if ref.Stream {
		w.failed(where, "a film that is sent in pieces (HLS or DASH); it is not put together here")
		return nil
	}
	if len(w.all) >= maxParts || w.bytes >= maxWhole {
		if !w.asked["\x00limit"] {
			w.asked["\x00limit"] = true
			w.failed("further parts", "the page has more than %d parts or %d MiB; the rest was not asked for", maxParts, maxWhole>>20)
		}
		return nil
	}
	u := ref.URL
	for hop := 0; ; hop++ {
		if _, err := w.f.Guard.URL(u.String()); err != nil {
			w.failed(where, "%v", err)
			return nil
		}
		referer := w.p.Final
		x, err := w.f.ask(w.ctx, w.p.dir, w.n, u, referer, min(maxPart, maxWhole-w.bytes))
		w.n++
		if err != nil {
			if w.ctx.Err() != nil {
				var fl *Failure
				if e := w.why(u, err); !errors.As(e, &fl) {
					return e // stopped by the user
				}
			}
			e := w.why(u, err)
			w.failed(where, "%v", e)
			return nil
		}
		w.all = append(w.all, x)
		w.bytes += x.size()
		if x.status >= 300 && x.status < 400 && x.head.Get("Location") != "" {
			next, err := u.Parse(x.head.Get("Location"))
			if err != nil || hop >= maxHops {
				w.failed(where, "it leads on to where it cannot be followed")
				return nil
			}
			u = next
			continue
		}
		if x.status >= 400 {
			w.failed(where, "the server answered %d %s", x.status, http.StatusText(x.status))
			return nil
		}
		if x.cut {
			w.failed(where, "the answer broke off or was too large; what came was kept")
		}
		mime, _, _ := strings.Cut(x.head.Get("Content-Type"), ";")
		if ref.As == "style" && ref.Depth < 2 {
			return w.style(x, ref)
		}
		if ref.As == "image" || ref.As == "video" || ref.As == "audio" {
			return w.keep(x, ref, strings.ToLower(strings.TrimSpace(mime)), false)
		}
		return nil
	}
}

// style asks for what a style sheet names, so that the page looks as it did.
func (w *whole) style(x *exchange, ref warc.Ref) error {
	b, err := x.body()
	if err != nil {
		return nil
	}
	css, err := io.ReadAll(io.LimitReader(b, 4<<20))
	b.Close()
	if err != nil {
		return nil
	}
	for _, u := range warc.StyleRefs(string(css)) {
		if next, err := x.url.Parse(u); err == nil && (next.Scheme == "http" || next.Scheme == "https") {
			as := "other"
			if strings.HasSuffix(strings.ToLower(next.Path), ".css") {
				as = "style"
			}
			next.Fragment = ""
			if err := w.part(warc.Ref{URL: next, As: as, Depth: ref.Depth + 1}); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep takes the bytes of a picture, film or sound out for an item of its own.
func (w *whole) keep(x *exchange, ref warc.Ref, mime string, always bool) error {
	b, err := x.body()
	if err != nil {
		w.failed(ref.URL.String(), "%v", err)
		return nil
	}
	defer b.Close()
	name := filepath.Join(w.p.dir, fmt.Sprintf("%04d.media", len(w.p.Media)))
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("failed to keep a part of the page: %w", err)
	}
	defer f.Close()
	n, err := io.Copy(f, io.LimitReader(b, maxPart))
	if err != nil && !x.cut {
		var pe *os.PathError
		if errors.As(err, &pe) {
			return fmt.Errorf("failed to keep a part of the page: %w", err)
		}
		w.failed(ref.URL.String(), "its coding is damaged; what came was kept")
	}
	if n == 0 {
		os.Remove(name)
		return nil
	}
	head := make([]byte, 512)
	k, _ := f.ReadAt(head, 0)
	kind := http.DetectContentType(head[:k])
	as := ref.As
	for _, s := range []string{"image", "video", "audio"} {
		if strings.HasPrefix(kind, s+"/") {
			as = s
		}
	}
	if strings.HasPrefix(kind, "text/") && !always {
		os.Remove(name) // a page that says sorry, or an SVG: it stays in the archive
		return nil
	}
	if as == "image" && !always {
		if _, err := f.Seek(0, io.SeekStart); err == nil {
			c, _, err := image.DecodeConfig(f)
			if err == nil && (c.Width < smallest || c.Height < smallest) || err != nil && n < 4<<10 {
				os.Remove(name)
				return nil
			}
		}
	}
	w.p.Media = append(w.p.Media, Media{URL: ref.URL.String(), File: name, Size: n, Mime: mime, As: as, Alt: ref.Alt})
	return nil
}

// pack writes the archive of the page.
func (w *whole) pack() error {
	dir := w.p.dir
	name := filepath.Join(dir, "data.warc.gz")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("failed to write the archive of the page: %w", err)
	}
	defer f.Close()
	out := warc.NewWriter(f)
	const file = "data.warc.gz"
	info := "software: sightline/" + w.f.Version + "\r\nformat: WARC File Format 1.1\r\nconformsTo: https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n"
	write := func(d warc.Draft) (warc.Placed, error) {
		p, err := out.Write(d)
		if err != nil {
			return p, err
		}
		return p, nil
	}
	if _, err := write(warc.Draft{Type: "warcinfo", Date: w.all[0].at, Mime: "application/warc-fields", Block: strings.NewReader(info), Extra: warc.Fields{{Name: "WARC-Filename", Value: file}}}); err != nil {
		return err
	}
	var index []warc.Line
	for _, x := range w.all {
		lines, err := w.record(write, x, file)
		if err != nil {
			return err
		}
		index = append(index, lines...)
	}
	resource := func(urn, path, mime string) error {
		if path == "" {
			return nil
		}
		b, err := os.Open(path)
		if err != nil {
			return err
		}
		defer b.Close()
		p, err := write(warc.Draft{Type: "resource", URI: urn, Date: w.p.At, Mime: mime, Block: b})
		if err == nil {
			index = append(index, warc.Line{URL: urn, Mime: mime, Status: 200, Digest: "sha256:" + p.Block, At: w.p.At, File: file, Offset: p.Offset, Length: p.Length})
		}
		return err
	}
	if err := errors.Join(resource("urn:fullPage:"+w.p.Final, w.p.Picture, "image/png"), resource("urn:dom:"+w.p.Final, w.p.DOM, "text/html; charset=utf-8")); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("failed to write the archive of the page: %w", err)
	}
	w.p.WACZ = filepath.Join(dir, "page.wacz")
	z, err := os.OpenFile(w.p.WACZ, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("failed to write the archive of the page: %w", err)
	}
	defer z.Close()
	title := w.p.Title
	if title == "" {
		title = w.p.Final
	}
	err = warc.WriteWACZ(z, warc.Pack{
		Title: title, Software: "sightline " + w.f.Version, Created: w.p.At, MainURL: w.p.Final, Index: index,
		Pages:    []warc.Page{{ID: warc.NewID(), URL: w.p.Final, TS: warc.Date(w.p.At), Title: title, Text: clip(w.p.Text, 100_000)}},
		Archives: []warc.Archive{{Name: file, Open: func() (io.ReadCloser, error) { return os.Open(name) }}},
	})
	return errors.Join(err, z.Close())
}

// record writes an exchange as a response and a request that name each other.
func (w *whole) record(write func(warc.Draft) (warc.Placed, error), x *exchange, file string) ([]warc.Line, error) {
	res, err := os.Open(x.received)
	if err != nil {
		return nil, err
	}
	defer res.Close()
	req, err := os.Open(x.sent)
	if err != nil {
		return nil, err
	}
	defer req.Close()
	rid, qid := warc.NewID(), warc.NewID()
	ip := x.remote
	if i := strings.LastIndexByte(ip, ':'); i >= 0 {
		ip = strings.Trim(ip[:i], "[]")
	}
	extra := warc.Fields{{Name: "WARC-IP-Address", Value: ip}, {Name: "WARC-Concurrent-To", Value: warc.URN(qid)}}
	if x.cut {
		extra = append(extra, warc.Field{Name: "WARC-Truncated", Value: "unspecified"})
	}
	d := warc.Draft{Type: "response", ID: rid, URI: x.url.String(), Date: x.at, Mime: "application/http; msgtype=response", Block: res, Extra: extra}
	if sum, err := entity(x.received); err == nil {
		d.Entity = &sum
	}
	p, err := write(d)
	if err != nil {
		return nil, err
	}
	if _, err := write(warc.Draft{Type: "request", ID: qid, URI: x.url.String(), Date: x.at, Mime: "application/http; msgtype=request", Block: req,
		Extra: warc.Fields{{Name: "WARC-Concurrent-To", Value: warc.URN(rid)}}}); err != nil {
		return nil, err
	}
	mime, _, _ := strings.Cut(x.head.Get("Content-Type"), ";")
	return []warc.Line{{URL: x.url.String(), Mime: strings.TrimSpace(mime), Status: x.status, Digest: "sha256:" + p.Entity, At: x.at, File: file, Offset: p.Offset, Length: p.Length}}, nil
}

// entity is the SHA-256 of the body of an answer, transfer coding removed.
func entity(file string) ([32]byte, error) {
	var sum [32]byte
	f, err := os.Open(file)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	m, err := warc.ReadHTTP(f)
	if err != nil {
		return sum, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, m.Body); err != nil {
		return sum, err
	}
	return [32]byte(h.Sum(nil)), nil
}
