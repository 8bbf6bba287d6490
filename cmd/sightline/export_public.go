package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"sightline"
	"sightline/archive"
	"sightline/publish"
)

// publicExport is what the exports of the public document share: only what
// was cleared for the public is in them.
type publicExport struct {
	inCase `embed:""`
	Output string `short:"o" help:"File to write; \"-\" is the standard output." default:"-" placeholder:"FILE"`
	Lang   string `help:"Language of texts. Default: the first of the case." placeholder:"LANG"`
}

// write makes the public document of the case and gives it to fn.
func (c *publicExport) write(e *env, fn func(d *sightline.Document, lang string, w io.Writer) error) error {
	f, err := c.open(archive.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer f.Close()
	doc, err := loadDocument(e.ctx, f)
	if err != nil {
		return err
	}
	// Without the secret a blurred place has no coordinate: a copy of a case
	// that lacks it can still be exported.
	key, err := f.Secret("fuzz")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	pub := publish.Public(doc, key)
	if len(pub.Items) == 0 {
		return exit(1, errors.New("no item of the case is cleared for the public, so there is nothing to export; decide in the desk, or see sightline publish --dry"))
	}
	if c.Lang == "" && len(pub.Case.Languages) > 0 {
		c.Lang = pub.Case.Languages[0]
	}
	return c.put(e, fmt.Sprintf("%d items that are public", len(pub.Items)), func(w io.Writer) error { return fn(pub, c.Lang, w) })
}

func (c *publicExport) put(e *env, what string, fn func(io.Writer) error) error {
	return putExport(e, c.Output, what, fn)
}

// putExport writes an export whole or not at all.
func putExport(e *env, output, what string, fn func(io.Writer) error) error {
	var b bytes.Buffer
	if err := fn(&b); err != nil {
		return err
	}
	if output == "-" {
		_, err := e.stdout.Write(b.Bytes())
		return err
	}
	if err := writeWhole(output, b.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "wrote %s: %s\n", output, what)
	return nil
}
