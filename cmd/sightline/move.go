package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sightline"
	"sightline/archive"
)

// moveCmd takes a case from a folder to a team's database and bucket, or back.
type moveCmd struct {
	From  string `required:"" help:"A case folder, or postgres://...,s3://... of a team." placeholder:"PLACE"`
	To    string `required:"" help:"A new folder, or postgres://...,s3://... of a team; or where an earlier move of the same case stopped." placeholder:"PLACE"`
	NoKey bool   `help:"Leave out the key that signs the log's checkpoints."`
	JSON  bool   `help:"Print what was moved and compared as JSON."`
}

func (c *moveCmd) Run(e *env) error {
	from, err := archive.ParsePlace(c.From)
	if err != nil {
		return exit(2, fmt.Errorf("--from: %w", err))
	}
	to, err := archive.ParsePlace(c.To)
	if err != nil {
		return exit(2, fmt.Errorf("--to: %w", err))
	}
	f, err := archive.OpenAt(e.ctx, from, archive.Options{ReadOnly: true})
	if err != nil {
		return exit(2, err)
	}
	defer f.Close()
	bar := newBar(e)
	rep, err := archive.Move(e.ctx, f, to, archive.MoveOptions{WithoutLogKey: c.NoKey, Progress: func(done, total int64, what string) {
		if what == "bytes" {
			done, total, what = done>>20, total>>20, "MB"
		}
		bar.draw(int(done), int(total), what)
	}})
	bar.done()
	switch {
	case errors.Is(err, sightline.ErrDamaged):
		return exit(1, err)
	case err != nil && e.ctx.Err() != nil:
		return exit(2, errors.New("stopped; the same command goes on from here"))
	case err != nil:
		return exit(2, err)
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(rep)
	}
	var counts []string
	for k, n := range rep.Objects {
		counts = append(counts, fmt.Sprintf("%d %s", n, k))
	}
	slices.Sort(counts)
	fmt.Fprintf(e.stdout, "Moved %s\n   to %s\n%d entries (%d were there), %d blobs of %.1f MB (%d were there), %d jobs; %s\n",
		rep.From, rep.To, rep.Entries, rep.Before, rep.Blobs, float64(rep.Bytes)/1e6, rep.Known, rep.Jobs, strings.Join(counts, ", "))
	if rep.Behind > 0 {
		return exit(1, fmt.Errorf("the case took %d entries while it was moved: stop its desk and workers and move once more", rep.Behind))
	}
	fmt.Fprintf(e.stdout, "Both logs have %d entries and the head %s. Only one of the two may go on: take the other away, or keep it read-only.\n", rep.Head.Size, rep.Head.Root)
	return nil
}
