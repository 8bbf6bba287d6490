package narrate

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"sort"
	"strings"
	"time"

	"sightline"
	"sightline/digest"
	"sightline/warc"
)

// WACZInput is what an export of captured pages is made from.
type WACZInput struct {
	Items   []*sightline.Item // in order; those that are no web archives are left out
	Title   string
	Version string    // of this program
	At      time.Time // of the newest change; the same state gives the same bytes
	Temp    string    // folder for what is being put together
	Open    func(context.Context, digest.Digest) (io.ReadCloser, error)
}

// WACZWritten says what an export holds.
type WACZWritten struct {
	Items    []string `json:"items"`
	Pages    int      `json:"pages"`
	Records  int      `json:"records"`
	Archives int      `json:"archives"`
	Faults   []string `json:"faults,omitempty"` // damage in the originals, which the export carries along
}

// WebArchive reports whether an item's original is an archive of the web.
func WebArchive(it *sightline.Item) bool {
	n := strings.ToLower(it.Name)
	return it.Held && (it.Type == "application/wacz" || it.Type == "application/warc" || strings.HasSuffix(n, ".wacz") || strings.HasSuffix(n, ".warc.gz") || strings.HasSuffix(n, ".warc"))
}

// WriteWACZ writes the pages of the items as one WACZ that players such as
// replayweb.page open. The archives of the items go in as they are, each under
// its item's id; the index and the list of pages are made new.
func WriteWACZ(ctx context.Context, in WACZInput, w io.Writer) (WACZWritten, error) {
	x := &waczWriter{ctx: ctx, in: in}
	defer func() {
		for _, f := range x.temp {
			os.Remove(f)
		}
	}()
	for _, it := range in.Items {
		if !WebArchive(it) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return x.out, err
		}
		if err := x.item(it); err != nil {
			return x.out, fmt.Errorf("%s: %w", it.ID, err)
		}
		x.out.Items = append(x.out.Items, it.ID)
	}
	if len(x.out.Items) == 0 {
		return x.out, fmt.Errorf("none of the items is an archive of the web: %w", sightline.ErrNotFound)
	}
	x.out.Pages, x.out.Archives = len(x.pack.Pages), len(x.pack.Archives)
	x.pack.Title, x.pack.Software, x.pack.Created = in.Title, "sightline "+in.Version, in.At
	if len(x.pack.Pages) > 0 {
		x.pack.MainURL = x.pack.Pages[0].URL
	}
	x.pack.Description = "Items " + strings.Join(x.out.Items, ", ")
	return x.out, warc.WriteWACZ(w, x.pack)
}

type waczWriter struct {
	ctx  context.Context
	in   WACZInput
	pack warc.Pack
	temp []string
	out  WACZWritten
}

// spool writes a stream into a file that can be read at any place.
func (x *waczWriter) spool(r io.Reader) (*os.File, int64, error) {
	f, err := os.CreateTemp(x.in.Temp, "wacz-*")
	if err != nil {
		return nil, 0, fmt.Errorf("failed to make room for an archive: %w", err)
	}
	x.temp = append(x.temp, f.Name())
	n, err := io.Copy(f, r)
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("failed to copy an archive: %w", err)
	}
	return f, n, nil
}

func (x *waczWriter) item(it *sightline.Item) error {
	d, err := digest.Parse(it.SHA256)
	if err != nil {
		return err
	}
	r, err := x.in.Open(x.ctx, d)
	if err != nil {
		return err
	}
	f, n, err := x.spool(r)
	r.Close()
	if err != nil {
		return err
	}
	defer f.Close()
	var head [2]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return fmt.Errorf("its bytes cannot be read: %w", err)
	}
	if string(head[:]) != "PK" {
		name := it.ID + ".warc"
		if head == [2]byte{0x1f, 0x8b} {
			name += ".gz"
		}
		pages, err := x.archive(it, name, f, n)
		if err != nil {
			return err
		}
		x.pack.Pages = append(x.pack.Pages, pages...)
		return nil
	}
	p, err := warc.OpenWACZ(f, n, warc.Limits{})
	if err != nil {
		return err
	}
	for _, fault := range p.Faults {
		x.out.Faults = append(x.out.Faults, it.ID+": "+fault)
	}
	var found []warc.Page
	for _, a := range p.Archives {
		b := path.Base(a.Name)
		if !strings.HasSuffix(b, ".warc") && !strings.HasSuffix(b, ".warc.gz") {
			continue
		}
		pages, err := x.inside(it, a)
		if err != nil {
			return err
		}
		found = append(found, pages...)
	}
	if len(p.Pages) > 0 {
		found = p.Pages
	}
	x.pack.Pages = append(x.pack.Pages, found...)
	return nil
}

func (x *waczWriter) inside(it *sightline.Item, a *zip.File) ([]warc.Page, error) {
	r, err := a.Open()
	if err != nil {
		return nil, err
	}
	f, n, err := x.spool(r)
	r.Close()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return x.archive(it, it.ID+"-"+path.Base(a.Name), f, n)
}

// archive puts one WARC file into the pack and indexes it. One whose records
// cannot be read singly is written anew, record by record.
func (x *waczWriter) archive(it *sightline.Item, name string, f *os.File, size int64) ([]warc.Page, error) {
	var index []warc.Line
	var pages []warc.Page
	whole := true
	look := func(rec *warc.Record) error {
		x.out.Records++
		if rec.Type != "response" && rec.Type != "resource" && rec.Type != "revisit" {
			return nil
		}
		l := warc.Line{URL: rec.URI, Mime: rec.Mime, Status: 200, Digest: rec.Head.Get("WARC-Payload-Digest"), File: name, At: rec.Date, Offset: rec.Offset, Length: rec.Length}
		if rec.Type != "resource" {
			m, err := warc.ReadHTTP(rec.Block)
			if err != nil {
				return nil
			}
			l.Status = m.Status
			l.Mime, _, _ = strings.Cut(m.Head.Get("Content-Type"), ";")
			if rec.Type == "revisit" {
				l.Mime = "warc/revisit"
			}
			if l.Mime == "text/html" && m.Status == 200 {
				pages = append(pages, warc.Page{ID: fmt.Sprintf("%s-%d", it.ID, rec.Number), URL: rec.URI, TS: warc.Date(rec.Date), Title: it.Title[first(it.Title)]})
			}
		}
		whole = whole && rec.Length > 0
		index = append(index, l)
		return nil
	}
	was := x.out.Records
	faults, err := warc.Scan(f, size, warc.Limits{}, look)
	if err != nil {
		return nil, err
	}
	for _, fault := range faults {
		if !fault.Warn {
			x.out.Faults = append(x.out.Faults, it.ID+": "+fault.String())
		}
	}
	from := f.Name()
	if !whole {
		x.out.Records, index, pages, whole = was, nil, nil, true
		if from, err = x.rewrite(f, size); err != nil {
			return nil, err
		}
		if !strings.HasSuffix(name, ".gz") {
			name += ".gz"
		}
		g, err := os.Open(from)
		if err != nil {
			return nil, err
		}
		defer g.Close()
		fi, err := g.Stat()
		if err != nil {
			return nil, err
		}
		if _, err := warc.Scan(g, fi.Size(), warc.Limits{}, look); err != nil {
			return nil, err
		}
	}
	x.pack.Index = append(x.pack.Index, index...)
	x.pack.Archives = append(x.pack.Archives, warc.Archive{Name: name, Open: func() (io.ReadCloser, error) { return os.Open(from) }})
	return pages, nil
}

// first is the language of a text that is shown where no reader has chosen one.
func first(t sightline.Text) string {
	langs := make([]string, 0, len(t))
	for l := range t {
		langs = append(langs, l)
	}
	sort.Strings(langs)
	if i := slices.Index(langs, "en"); i >= 0 {
		return "en"
	}
	if len(langs) > 0 {
		return langs[0]
	}
	return ""
}

// rewrite copies the records of an archive into gzip members of their own.
func (x *waczWriter) rewrite(f *os.File, size int64) (string, error) {
	g, err := os.CreateTemp(x.in.Temp, "wacz-*")
	if err != nil {
		return "", fmt.Errorf("failed to make room for an archive: %w", err)
	}
	x.temp = append(x.temp, g.Name())
	w := warc.NewWriter(g)
	_, err = warc.Scan(f, size, warc.Limits{}, func(rec *warc.Record) error {
		d := warc.Draft{Type: rec.Type, ID: rec.ID, URI: rec.URI, Date: rec.Date, Mime: rec.Mime, Block: rec.Block}
		for _, h := range rec.Head {
			switch strings.ToLower(h.Name) {
			case "warc-type", "warc-record-id", "warc-target-uri", "warc-date", "content-type", "content-length", "warc-block-digest":
			default:
				d.Extra = append(d.Extra, h)
			}
		}
		if rec.Version == "ARC" {
			d.ID, d.Extra = "", nil
			if d.Type == "response" {
				d.Mime = "application/http; msgtype=response"
			}
			b, err := io.ReadAll(io.LimitReader(rec.Block, 1<<30))
			if err != nil {
				return err
			}
			d.Block = bytes.NewReader(b)
			// The same records must have the same names each time.
			sum := digest.Of(append([]byte(fmt.Sprintf("%s %d ", rec.URI, rec.Offset)), b...)).String()
			d.ID = sum[:8] + "-" + sum[8:12] + "-4" + sum[13:16] + "-8" + sum[17:20] + "-" + sum[20:32]
		}
		_, err := w.Write(d)
		return err
	})
	return g.Name(), errors.Join(err, g.Close())
}
