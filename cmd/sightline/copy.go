package main

import (
	"errors"
	"fmt"

	"sightline"
	"sightline/archive"
)

// copyCmd makes a verified copy of a case.
type copyCmd struct {
	inCase `embed:""`
	To     string `required:"" help:"Folder for the copy: new, empty, or an older copy of the same case." placeholder:"DIR" type:"path"`
	NoKey  bool   `help:"Leave out the key that signs the log's checkpoints, for a copy that is only kept."`
	JSON   bool   `help:"Print the report on the copy as JSON."`
}

func (c *copyCmd) Run(e *env) error {
	f, err := c.open(archive.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer f.Close()
	bar := newBar(e)
	rep, err := archive.Copy(e.ctx, f, c.To, archive.CopyOptions{WithoutLogKey: c.NoKey, Progress: func(done, total int64, what string) {
		bar.draw(int(done>>20), int(total>>20), "MB, "+what)
	}})
	bar.done()
	switch {
	case errors.Is(err, sightline.ErrInvalid), errors.Is(err, sightline.ErrConflict):
		return exit(2, err)
	case err != nil:
		return err
	}
	// The log tells of the copy, so that "check --copies" finds it again.
	if g, err := archive.Open(f.Dir, archive.Options{}); err != nil {
		fmt.Fprintln(e.stderr, "The copy is made; the log of the case could not be told of it:", err)
	} else if err := errors.Join(archive.RecordCopy(e.ctx, g, c.To, rep, version), g.Close()); err != nil {
		fmt.Fprintln(e.stderr, "The copy is made; the log of the case could not be told of it:", err)
	}
	return printReport(e, rep, c.To, c.JSON)
}
