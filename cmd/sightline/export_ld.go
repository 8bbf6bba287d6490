package main

import (
	"fmt"
	"io"

	"sightline"
	"sightline/archive"
	"sightline/publish"
)

// logExport is what the exports of the whole case and its log share. They are
// for those who work on the case, not for the public: every digest is in them;
// names of people are not, because the log seals them.
type logExport struct {
	inCase `embed:""`
	Output string `short:"o" help:"File to write; \"-\" is the standard output." default:"-" placeholder:"FILE"`
}

func (c *logExport) write(e *env, fn func(publish.Walk, io.Writer) error) error {
	f, err := c.open(archive.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Store.View(e.ctx, f.Actor, func(r sightline.Reader) error {
		doc, err := sightline.Load(r)
		if err != nil {
			return err
		}
		origin, err := r.Origin()
		if err != nil {
			return err
		}
		return putExport(e, c.Output, fmt.Sprintf("%d items, %d entries of the log; not for the public", len(doc.Items), doc.Head.Size), func(w io.Writer) error {
			return fn(publish.Walk{Doc: doc, Origin: origin, Version: version, Entries: r.Entries(0, doc.Head.Size)}, w)
		})
	})
}

// exportPROVCmd writes the case as W3C PROV.
type exportPROVCmd struct {
	logExport `embed:""`
}

func (c *exportPROVCmd) Run(e *env) error { return c.write(e, publish.PROV) }

// exportCASECmd writes the case as CASE/UCO.
type exportCASECmd struct {
	logExport `embed:""`
}

func (c *exportCASECmd) Run(e *env) error { return c.write(e, publish.CASE) }
