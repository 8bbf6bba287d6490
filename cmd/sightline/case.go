package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sightline"
	"sightline/archive"
	"sightline/digest"
	"sightline/flow"
	"sightline/tool"
)

// folder is an open case.
type folder = archive.CaseFolder

// openCase opens the case in dir, or, with dir "", the one around the current
// folder.
func openCase(_ context.Context, dir string) (*folder, error) {
	return (&inCase{Case: dir}).open(archive.Options{})
}

// loadDocument reads a whole case.
func loadDocument(ctx context.Context, f *folder) (doc *sightline.Document, err error) {
	err = f.Store.View(ctx, f.Actor, func(r sightline.Reader) (err error) {
		doc, err = sightline.Load(r)
		return err
	})
	return doc, err
}

// readBlob reads a stored run of bytes and checks its digest.
func readBlob(ctx context.Context, f *folder, hex string) ([]byte, error) {
	d, err := digest.Parse(hex)
	if err != nil {
		return nil, err
	}
	r, err := f.Blobs.Open(ctx, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if digest.Of(b) != d {
		return nil, fmt.Errorf("the stored bytes are not those of %s: %w", d, sightline.ErrDamaged)
	}
	return b, nil
}

// workOn does the jobs of a case until ctx ends.
func workOn(ctx context.Context, f *folder, untilIdle bool, progress func(flow.Event)) (flow.Summary, error) {
	return flow.Work(ctx, f.Store, f.Blobs, f.Actor, flow.Options{Scratch: scratch(f), UntilIdle: untilIdle, Progress: progress})
}

// platformNotes says whether external programs run in a sandbox here and what
// this platform lacks, one sentence each.
func platformNotes(ctx context.Context) (sandboxed bool, notes []string) {
	switch tool.Available(ctx) {
	case tool.None:
		notes = append(notes, "This platform has no sandbox for external programs: videos and unusual formats are not converted here.")
	default:
		sandboxed = true
	}
	for _, name := range []string{"ffmpeg", "ffprobe", "exiftool"} {
		var missing *tool.MissingError
		if _, err := tool.Find(name); errors.As(err, &missing) {
			notes = append(notes, fmt.Sprintf("%s is not installed: %s", name, missing.Error()))
		}
	}
	return sandboxed, notes
}
