package main

import (
	"fmt"
	"os"
	"path/filepath"

	"sightline"
	"sightline/archive"
	vtime "sightline/verify/time"
)

// timeImportCmd takes back where another program has put the recordings.
type timeImportCmd struct {
	inCase `embed:""`
	File   string  `arg:"" help:"The timeline: OTIO, FCPXML, CMX 3600 list, or a table of offsets." type:"existingfile"`
	Format string  `enum:",otio,fcpxml,edl,offsets" default:"" help:"What the file is; found out when it is not said."`
	FPS    float64 `name:"fps" default:"25" help:"Frames a second of a CMX 3600 list, which does not say."`
	Error  float64 `default:"40" help:"How far a recording placed by hand may be off, milliseconds; the format's own rounding comes on top."`
	DryRun bool    `name:"dry-run" help:"Say what would be written, and write nothing."`
}

// mostTimeline bounds what is read of a timeline.
const mostTimeline = 64 << 20

func (c *timeImportCmd) Run(e *env) error {
	st, err := os.Stat(c.File)
	if err != nil {
		return exit(2, err)
	}
	if st.Size() > mostTimeline {
		return exit(2, fmt.Errorf("%s is larger than %d MiB: that is no timeline", c.File, mostTimeline>>20))
	}
	b, err := os.ReadFile(c.File)
	if err != nil {
		return exit(2, err)
	}
	list, rounding, err := vtime.Placements(b, c.Format, c.FPS)
	if err != nil {
		return exit(2, fmt.Errorf("%s: %w", c.File, err))
	}
	f, err := c.open(archive.Options{ReadOnly: c.DryRun})
	if err != nil {
		return err
	}
	defer f.Close()
	doc, err := loadDocument(e.ctx, f)
	if err != nil {
		return err
	}
	got, err := vtime.Bring(doc, list, c.Error, rounding, filepath.Base(c.File))
	if err != nil {
		return exit(2, err)
	}
	if !c.DryRun && len(got.Constraints) > 0 {
		_, err = f.Store.Update(e.ctx, f.Actor, func(w sightline.Writer) error {
			for _, k := range got.Constraints {
				id, err := w.NextID(sightline.KindConstraint, "")
				if err != nil {
					return err
				}
				k.ID = id
				if err := w.Put(k); err != nil {
					return err
				}
			}
			w.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Tool: &sightline.EntryTool{Name: "sightline", Version: version}})
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, k := range got.Constraints {
		fmt.Fprintln(e.stdout, k.ID, k.Text["en"])
	}
	fmt.Fprintf(e.stdout, "%d recordings moved, %d as they were\n", len(got.Constraints), len(got.Unchanged))
	for _, n := range got.Unknown {
		fmt.Fprintf(e.stdout, "no recording of the case: %s\n", n)
	}
	return nil
}
