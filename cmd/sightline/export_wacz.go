package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"sightline"
	"sightline/archive"
	"sightline/digest"
	"sightline/narrate"
	"sightline/warc"
)

// exportWACZCmd writes captured pages in the format of web archive players.
type exportWACZCmd struct {
	inCase `embed:""`
	Items  []string `arg:"" optional:"" name:"item" help:"Items to write. Default: every item that is an archive of the web."`
	Output string   `short:"o" required:"" help:"File to write; it must not exist." placeholder:"FILE" type:"path"`
	JSON   bool     `help:"Print what was written as JSON."`
}

func (c *exportWACZCmd) Run(e *env) error {
	if _, err := os.Lstat(c.Output); err == nil {
		return exit(2, fmt.Errorf("%s exists already; an export is never written over anything", c.Output))
	}
	f, err := c.open(archive.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer f.Close()
	doc, err := loadDocument(e.ctx, f)
	if err != nil {
		return err
	}
	in := narrate.WACZInput{Version: version, Temp: filepath.Dir(c.Output), Title: doc.Case.ID,
		Open: func(ctx context.Context, d digest.Digest) (io.ReadCloser, error) { return f.Blobs.Open(ctx, d) }}
	for _, l := range []string{"en", "es"} {
		if t := doc.Case.Title[l]; t != "" {
			in.Title = t
			break
		}
	}
	if in.At, err = time.Parse(time.RFC3339, doc.Head.At); err != nil {
		in.At = time.Unix(0, 0)
	}
	wanted := map[string]bool{}
	for _, id := range c.Items {
		wanted[id] = true
	}
	for _, it := range doc.Items {
		if len(wanted) == 0 || wanted[it.ID] {
			if wanted[it.ID] && !narrate.WebArchive(it) {
				return exit(2, fmt.Errorf("%s is no archive of the web", it.ID))
			}
			in.Items = append(in.Items, it)
			delete(wanted, it.ID)
		}
	}
	for id := range wanted {
		return exit(2, fmt.Errorf("there is no item %s in this case", id))
	}
	tmp, err := os.CreateTemp(filepath.Dir(c.Output), ".sightline-*")
	if err != nil {
		return fmt.Errorf("failed to write %s: %w", c.Output, err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	out, err := narrate.WriteWACZ(e.ctx, in, tmp)
	if errors.Is(err, sightline.ErrNotFound) {
		return exit(2, err)
	}
	if err != nil {
		return err
	}
	// What was written is read again before it gets its name.
	fi, err := tmp.Stat()
	if err != nil {
		return err
	}
	p, err := warc.OpenWACZ(tmp, fi.Size(), warc.Limits{})
	if err == nil && len(p.Faults) > 0 {
		err = errors.New(p.Faults[0])
	}
	if err != nil {
		return fmt.Errorf("the WACZ that was written is not whole: %w", err)
	}
	if err := errors.Join(tmp.Chmod(0o644), tmp.Sync(), os.Rename(tmp.Name(), c.Output)); err != nil {
		return fmt.Errorf("failed to write %s: %w", c.Output, err)
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(out)
	}
	for _, x := range out.Faults {
		fmt.Fprintf(e.stderr, "damaged in the original, and so in the export: %s\n", x)
	}
	fmt.Fprintf(e.stdout, "wrote %s: %d pages of %d items, %d records, %.1f MB, read through again and whole\n", c.Output, out.Pages, len(out.Items), out.Records, float64(fi.Size())/1e6)
	return nil
}
