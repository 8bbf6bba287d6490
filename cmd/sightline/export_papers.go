package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sightline"
	"sightline/archive"
	"sightline/publish"
	"sightline/tool"
	"sightline/web"
)

// paperCmd is what the papers about one item share.
type paperCmd struct {
	inCase  `embed:""`
	Item    string `arg:"" help:"Id of the item, such as EJ-014."`
	Output  string `short:"o" help:"File to write: .html, or .pdf where Chromium is installed. \"-\" is the standard output, as HTML." default:"-" placeholder:"FILE"`
	Lang    string `help:"en or es. Default: the first of the case's languages that is one of them." enum:"en,es," default:""`
	Digest  bool   `name:"with-digest" help:"Print the digest of the original although the public may not know it."`
	Graphic bool   `help:"Show the picture of a graphic item."`
	Unsafe  bool   `name:"unsafe-no-sandbox" help:"Run Chromium even where no sandbox works."`
}

func (c *paperCmd) write(e *env, fn func(publish.Paper, io.Writer) error) error {
	f, err := c.open(archive.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer f.Close()
	var p *publish.Paper
	err = f.Store.View(e.ctx, f.Actor, func(r sightline.Reader) error {
		doc, err := sightline.Load(r)
		if err != nil {
			return err
		}
		key, err := f.Secret("fuzz")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		picture := ""
		if p, picture, err = publish.PaperFor(doc, c.Item, key, c.Digest, c.Graphic); err != nil {
			return err
		}
		p.Version, p.Date, p.Lang = version, doc.Head.At, c.Lang
		if p.Origin, err = r.Origin(); err != nil {
			return err
		}
		for _, l := range append(append([]string(nil), doc.Case.Languages...), "en") {
			if p.Lang == "" && (l == "en" || l == "es") {
				p.Lang = l
			}
		}
		if picture != "" {
			if p.Picture, err = readBlob(e.ctx, f, picture); err != nil {
				return err
			}
		}
		p.Lines, err = paperLines(r, doc, c.Item)
		return err
	})
	if errors.Is(err, sightline.ErrNotFound) {
		return exit(2, err)
	}
	if err != nil {
		return err
	}
	if !strings.EqualFold(filepath.Ext(c.Output), ".pdf") {
		return putExport(e, c.Output, c.Item, func(w io.Writer) error { return fn(*p, w) })
	}
	return putExport(e, c.Output, c.Item, func(w io.Writer) error {
		return printPDF(e.ctx, c.Unsafe, func(w io.Writer) error { return fn(*p, w) }, w)
	})
}

// paperLines lists the entries about an item.
func paperLines(r sightline.Reader, doc *sightline.Document, id string) ([]publish.PaperLine, error) {
	rows, err := r.History(sightline.Ref{Kind: sightline.KindItem, ID: id})
	if err != nil {
		return nil, err
	}
	touched := map[sightline.Seq]bool{}
	for _, row := range rows {
		touched[row.Seq] = true
	}
	var out []publish.PaperLine
	for e, err := range r.Entries(0, doc.Head.Size) {
		if err != nil {
			return nil, err
		}
		if !touched[e.Seq] && (e.Item == nil || e.Item.ID != id) {
			continue
		}
		l := publish.PaperLine{Seq: e.Seq, At: e.At, Kind: string(e.Kind), Key: e.Actor.Key, Role: e.Actor.Role, Leaf: e.Leaf, Result: e.Result, Text: web.Plain(e.Entry)}
		if e.Tool != nil {
			l.Tool = e.Tool.Name + " " + e.Tool.Version
		}
		out = append(out, l)
	}
	return out, nil
}

// printPDF lets an installed Chromium print a page of ours, without network.
func printPDF(ctx context.Context, unsafe bool, page func(io.Writer) error, w io.Writer) error {
	if _, err := tool.Find("chromium"); err != nil {
		return exit(1, fmt.Errorf("a PDF needs Chromium, which is not installed; write an .html file and print it in any browser"))
	}
	scratch, err := os.MkdirTemp("", "sightline-")
	if err != nil {
		return fmt.Errorf("no folder for printing can be made: %w", err)
	}
	defer os.RemoveAll(scratch)
	box, err := tool.NewBox(ctx, scratch, unsafe)
	if err != nil {
		return err
	}
	dir, remove, err := box.Temp()
	if err != nil {
		return err
	}
	defer remove()
	in, out := filepath.Join(dir, "page.html"), filepath.Join(dir, "page.pdf")
	f, err := os.Create(in)
	if err != nil {
		return err
	}
	if err := errors.Join(page(f), f.Close()); err != nil {
		return err
	}
	// The page is ours and loads nothing; Chromium's own sandbox cannot be nested in the box.
	var read []string
	for _, p := range []string{"/etc/chromium.d", "/etc/chromium", "/etc/fonts"} { // how Debian starts it, and its fonts
		if _, err := os.Stat(p); err == nil {
			read = append(read, p)
		}
	}
	_, err = box.Run(ctx, tool.Cmd{Program: "chromium", Dir: dir, Read: read, Args: []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--user-data-dir=" + filepath.Join(dir, "profile"),
		"--no-pdf-header-footer", "--print-to-pdf=" + out, "file://" + in}, Limits: tool.Limits{CPU: 60 * time.Second, Memory: 1 << 46}})
	if err != nil {
		return fmt.Errorf("the page could not be printed: %w; write an .html file and print it in any browser", err)
	}
	b, err := os.ReadFile(out)
	if err != nil || !strings.HasPrefix(string(b), "%PDF-") {
		return errors.New("chromium wrote no PDF; write an .html file and print it in any browser")
	}
	_, err = w.Write(b)
	return err
}

// exportExhibitCmd writes one item as an exhibit to sign.
type exportExhibitCmd struct {
	paperCmd `embed:""`
}

func (c *exportExhibitCmd) Run(e *env) error { return c.write(e, publish.Paper.WriteExhibit) }

// exportCustodyCmd writes who did what to one item.
type exportCustodyCmd struct {
	paperCmd `embed:""`
}

func (c *exportCustodyCmd) Run(e *env) error { return c.write(e, publish.Paper.WriteCustody) }
