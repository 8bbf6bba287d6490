package intake

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"golang.org/x/image/draw"

	"sightline"
)

// Captured is a page that was brought in from the web, on its way to an item.
// Files are read, not moved.
type Captured struct {
	URL, Final, Title, Text, Author, Site, Language, Published string

	Job               string // that brought it in
	Request, Response string // SHA-256 of the request and its answer
	Hops, Addresses   []string
	TLS               string
	WACZ              string // file: the original of the item
	Picture, DOM      string // files; "" without
	Browser           *sightline.EntryTool
	BrowserArgs       []string
	Sandbox           string
	Media             []CapturedMedia
	Failed            []sightline.FailedPart
	Seal              bool // keep the address out of the log
}

// CapturedMedia is a picture, film, sound or document that the page shows.
type CapturedMedia struct {
	URL, File, Alt string
}

// maxSeen is how many characters of a page's text stand on its item; all of it
// is in the archive.
const maxSeen = 20_000

// Capture takes a page into the case: its archive is the original of one item,
// the media it shows are items of their own, linked by the facts Capture:media
// and Capture:page. A file that the case has already is not taken twice; it
// learns that this page shows it too. Finish is called in the transaction that
// writes the page's item.
func (a *Adder) Capture(ctx context.Context, c Captured, finish func(sightline.Writer) error) (*Report, error) {
	r := &Report{Added: []Line{}, Known: []Line{}, Refused: []Refusal{}}
	var ids []string
	for _, m := range c.Media {
		id, err := a.shown(ctx, r, c, m)
		if err != nil {
			return r, a.stopped(err, r, len(c.Media)+1)
		}
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	k := a.keep(ctx, Input{Path: c.WACZ, Name: c.name()})
	if k.err != nil {
		return r, a.stopped(k.err, r, 1)
	}
	if k.why != "" {
		return r, fmt.Errorf("the archive of the page could not be taken: %s", k.why)
	}
	line := Line{Name: c.name(), SHA256: k.blob.Digest.String(), Size: k.blob.Size, Type: "application/wacz"}
	_, err := a.Store.Update(ctx, a.Actor, func(w sightline.Writer) error {
		it := a.fresh(k.blob, Kind{Type: "application/wacz", Media: "document"})
		c.describe(it, ids)
		var err error
		if it.ID, err = w.NextID(sightline.KindItem, ""); err != nil {
			return err
		}
		line.ID = it.ID
		if err := w.Put(it); err != nil {
			return err
		}
		w.Describe(a.entryOf(it, c, c.Failed))
		if finish != nil {
			if err := finish(w); err != nil {
				return err
			}
		}
		return a.enqueue(w, it)
	})
	if err != nil {
		return r, a.stopped(err, r, 1)
	}
	r.Added = append([]Line{line}, r.Added...)
	return r, a.pictures(ctx, line.ID, k.blob, c)
}

// name is the file name of the page's archive.
func (c *Captured) name() string {
	u, err := url.Parse(c.Final)
	if err != nil || u.Host == "" {
		return "page.wacz"
	}
	return strings.ReplaceAll(u.Hostname(), ":", "_") + ".wacz"
}

func (c *Captured) describe(it *sightline.Item, media []string) {
	it.Name, it.Held = c.name(), true
	lang := "und"
	if len(c.Language) >= 2 {
		if l := strings.ToLower(c.Language[:2]); len(c.Language) == 2 || c.Language[2] == '-' {
			it.Language, lang = l, l
		}
	}
	if c.Title != "" {
		it.Title = sightline.Text{lang: c.Title}
	}
	if c.Text != "" {
		t := c.Text
		if rs := []rune(t); len(rs) > maxSeen {
			t = string(rs[:maxSeen]) + "…"
		}
		it.Seen = sightline.Text{lang: t}
	}
	it.Source.Method, it.Source.URL = "web", c.Final
	if c.Author != "" {
		it.Source.Name = sightline.Text{"und": c.Author}
	}
	if it.Source.Platform = c.Site; c.Site == "" {
		if u, err := url.Parse(c.Final); err == nil {
			it.Source.Platform = strings.TrimPrefix(u.Hostname(), "www.")
		}
	}
	if c.Published != "" {
		rec := Record{Time: anyTime(c.Published, ImportOptions{})}
		if t := rec.time(); t != nil {
			t.Basis = sightline.Text{"en": "as the page says of itself", "es": "según dice la propia página"}
			it.Posted = t
		}
	}
	says := func(f, v, doubt string) {
		if v != "" {
			it.Facts = append(it.Facts, sightline.Fact{Field: "Capture:" + f, Value: v, Tool: "capture", Doubt: doubt})
		}
	}
	result := "preserved"
	if len(c.Failed) > 0 {
		result = "partial"
	}
	says("result", result, "")
	says("job", c.Job, "")
	says("url", c.URL, "")
	if c.Final != c.URL {
		says("final_url", c.Final, "")
	}
	says("hops", strings.Join(c.Hops, " "), "")
	says("addresses", strings.Join(c.Addresses, " "), "what this machine was led to; another may be led elsewhere")
	says("tls", c.TLS, "")
	says("response", c.Response, "what this machine received, not what the site served to others")
	says("published", c.Published, "as the page says of itself; nothing here has checked it")
	says("media", strings.Join(media, ", "), "")
	for i, f := range c.Failed {
		if i == 20 {
			says("failed", fmt.Sprintf("and %d further parts; all of them stand in the custody log", len(c.Failed)-i), "")
			break
		}
		says("failed", f.Part+": "+f.Error, "")
	}
}

// entryOf is the entry of the log for an item that came with a page.
func (a *Adder) entryOf(it *sightline.Item, c Captured, failed []sightline.FailedPart) sightline.Draft {
	args := map[string]any{"url": c.URL, "final_url": c.Final, "hops": c.Hops, "addresses": c.Addresses, "tls": c.TLS, "argv": a.Argv}
	if c.Browser != nil {
		args["browser"] = map[string]any{"name": c.Browser.Name, "version": c.Browser.Version, "sha256": c.Browser.SHA256, "args": c.BrowserArgs, "sandbox": c.Sandbox}
	}
	d := a.collected(it, args)
	d.Capture.Method = "automatic"
	d.Capture.Request, d.Capture.Response = c.Request, c.Response
	if !c.Seal {
		d.Capture.URL, d.Capture.FinalURL = c.URL, c.Final
	}
	if len(failed) > 0 {
		d.Result = "partial"
		for i, f := range failed {
			if c.Seal {
				// A part's address says as much about the person as the page's.
				f = sightline.FailedPart{Part: fmt.Sprintf("part %d", i+1), Error: "its address and the reason are sealed with the arguments"}
			}
			d.Failed = append(d.Failed, f)
		}
		if c.Seal {
			args["failed"] = failed
		}
	}
	return d
}

// shown takes one file that a page shows. It returns the id of its item.
func (a *Adder) shown(ctx context.Context, r *Report, c Captured, m CapturedMedia) (string, error) {
	name := m.URL
	if u, err := url.Parse(m.URL); err == nil {
		name = u.Path
	}
	if i := strings.LastIndexByte(strings.TrimRight(name, "/"), '/'); i >= 0 {
		name = name[i+1:]
	}
	if name == "" {
		name = "file"
	}
	k := a.keep(ctx, Input{Path: m.File, Name: name})
	if k.err != nil {
		return "", k.err
	}
	if k.why != "" {
		r.Refused = append(r.Refused, Refusal{m.URL, name, k.why})
		return "", nil
	}
	line := Line{Name: name, SHA256: k.blob.Digest.String(), Size: k.blob.Size, Type: k.kind.Type}
	added := false
	here := []sightline.Fact{
		{Field: "Capture:page", Value: c.Final, Tool: "capture"},
		{Field: "Capture:media_url", Value: m.URL, Tool: "capture"},
	}
	if m.Alt != "" {
		here = append(here, sightline.Fact{Field: "Capture:caption", Value: m.Alt, Tool: "capture", Doubt: "as the page says; nothing here has checked it"})
	}
	_, err := a.Store.Update(ctx, a.Actor, func(w sightline.Writer) error {
		added = false
		ids, err := w.ItemByDigest(k.blob.Digest)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			line.ID = ids[0]
			it, err := sightline.Get[sightline.Item](w, sightline.KindItem, line.ID)
			if err != nil {
				return err
			}
			for _, f := range it.Facts {
				if f.Field == "Capture:page" && f.Value == c.Final {
					return nil
				}
			}
			if len(it.Facts) > 400 {
				return nil
			}
			it.Facts = append(it.Facts, here...)
			w.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Item: &sightline.EntryItem{ID: it.ID, SHA256: it.SHA256, Size: it.Size, Type: it.Type, Copy: "evidentiary"}})
			return w.Put(it)
		}
		it := a.fresh(k.blob, k.kind)
		it.Name, it.Held = name, true
		it.Source.Method, it.Source.URL = "web", c.Final
		if u, err := url.Parse(c.Final); err == nil {
			it.Source.Platform = strings.TrimPrefix(u.Hostname(), "www.")
		}
		if c.Author != "" {
			it.Source.Name = sightline.Text{"und": c.Author}
		}
		it.Facts = append(it.Facts, here...)
		if it.ID, err = w.NextID(sightline.KindItem, ""); err != nil {
			return err
		}
		line.ID = it.ID
		if err := w.Put(it); err != nil {
			return err
		}
		w.Describe(a.entryOf(it, c, nil))
		added = true
		return a.enqueue(w, it)
	})
	if err != nil {
		return "", err
	}
	if added {
		r.Added = append(r.Added, line)
	} else {
		line.Why = line.ID + " is already here"
		r.Known = append(r.Known, line)
	}
	return line.ID, nil
}

// pictures keeps what the browser saw as working copies of the page's item.
func (a *Adder) pictures(ctx context.Context, id string, from sightline.Blob, c Captured) error {
	if c.Browser == nil {
		return nil
	}
	put := func(role, typ string, w, h int, r io.Reader) error {
		b, err := a.Blobs.Put(ctx, r)
		if err != nil {
			return fmt.Errorf("failed to keep the %s of %s: %w", role, id, err)
		}
		d := &sightline.Derivative{ID: id + "/" + role, Item: id, Role: role, SHA256: b.Digest.String(), Size: b.Size, Type: typ, Width: w, Height: h,
			Recipe: sightline.Recipe{Tool: c.Browser.Name, Version: c.Browser.Version, Args: c.BrowserArgs, Inputs: []string{from.Digest.String()}}}
		_, err = a.Store.Update(ctx, a.Actor, func(w sightline.Writer) error {
			if err := w.Put(d); err != nil {
				return err
			}
			w.Describe(sightline.Draft{Kind: sightline.EntryDerive, Result: "ok", Parents: []string{from.Digest.String()}, Tool: c.Browser,
				Item: &sightline.EntryItem{ID: id, SHA256: d.SHA256, Size: d.Size, Type: d.Type, Copy: "working"},
				Seal: map[string]any{"args": map[string]any{"args": c.BrowserArgs, "sandbox": c.Sandbox}}})
			return nil
		})
		return err
	}
	if c.DOM != "" {
		f, err := os.Open(c.DOM)
		if err != nil {
			return err
		}
		err = put("dom", "text/html", 0, 0, f)
		f.Close()
		if err != nil {
			return err
		}
	}
	if c.Picture == "" {
		return nil
	}
	b, err := os.ReadFile(c.Picture)
	if err != nil {
		return err
	}
	cfg, err := png.DecodeConfig(bytes.NewReader(b))
	if err != nil || cfg.Width*cfg.Height > 100_000_000 {
		return nil // it stands in the archive
	}
	if err := put("screenshot", "image/png", cfg.Width, cfg.Height, bytes.NewReader(b)); err != nil {
		return err
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil
	}
	// What a reader saw first: the top of the page.
	for _, v := range []struct {
		role       string
		side, tall int
	}{{"preview", 1280, 2400}, {"thumb", 320, 240}} {
		full := img.Bounds()
		w := min(v.side, full.Dx())
		h := min(max(full.Dy()*w/max(full.Dx(), 1), 1), v.tall)
		src := image.Rect(0, 0, full.Dx(), min(full.Dy(), h*full.Dx()/max(w, 1)))
		out := image.NewRGBA(image.Rect(0, 0, w, h))
		draw.CatmullRom.Scale(out, out.Bounds(), img, src.Add(full.Min), draw.Src, nil)
		var j bytes.Buffer
		if err := jpeg.Encode(&j, out, &jpeg.Options{Quality: 82}); err != nil {
			return err
		}
		if err := put(v.role, "image/jpeg", w, h, &j); err != nil {
			return err
		}
	}
	return nil
}
