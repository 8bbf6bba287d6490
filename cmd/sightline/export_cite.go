package main

import (
	"io"

	"sightline"
	"sightline/publish"
)

// citing is what the exports for citing share.
type citing struct {
	publicExport `embed:""`
	URL          string `help:"Address at which the edition stands." placeholder:"URL"`
}

// cited names the newest edition of the case; before the first it is version 0.
func (c *citing) cited(d *sightline.Document) publish.Cited {
	out := publish.Cited{URL: c.URL, Version: version, Date: d.Head.At}
	for _, e := range d.Editions {
		if e.Number >= out.Number {
			out.Number, out.Date, out.Manifest = e.Number, e.Date, e.Manifest
		}
	}
	return out
}

// exportCSLCmd writes citation data that reference managers read.
type exportCSLCmd struct {
	citing `embed:""`
}

func (c *exportCSLCmd) Run(e *env) error {
	return c.write(e, func(d *sightline.Document, lang string, w io.Writer) error {
		return publish.CSL(d, c.cited(d), lang, w)
	})
}

// exportBibTeXCmd does the same for LaTeX.
type exportBibTeXCmd struct {
	citing `embed:""`
}

func (c *exportBibTeXCmd) Run(e *env) error {
	return c.write(e, func(d *sightline.Document, lang string, w io.Writer) error {
		return publish.BibTeX(d, c.cited(d), lang, w)
	})
}
