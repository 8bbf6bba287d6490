package main

import (
	"encoding/json"
	"fmt"

	"sightline/exercise"
)

// exerciseCmd invents an incident whose truth is known.
type exerciseCmd struct {
	Seed    uint64 `default:"1" help:"Another number gives another place, other cameras, clocks and times."`
	Out     string `short:"o" required:"" type:"path" help:"New folder: DIR/case is what an investigator may see, DIR/truth the answers." placeholder:"DIR"`
	Size    string `default:"full" enum:"small,full" help:"full: about 60 items; small: a dozen."`
	NoVideo bool   `help:"Leave the videos out."`
	JSON    bool   `help:"Print the report as JSON."`
}

func (c *exerciseCmd) Run(e *env) error {
	b := newBar(e)
	r, err := exercise.Generate(e.ctx, exercise.Options{Seed: c.Seed, Full: c.Size == "full", Dir: c.Out, NoVideo: c.NoVideo, Progress: b.draw})
	b.done()
	if err != nil {
		return exit(2, err)
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(r)
	}
	fmt.Fprintf(e.stdout, "EXERCISE, fictional: %d items (%d files) with seed %d are in %s.\nThe truth is beside them in %s; build the case as case/README.txt says.\n", r.Items, r.Files, r.Seed, r.Dir+"/case", r.Dir+"/truth")
	for _, s := range r.Left {
		fmt.Fprintln(e.stderr, s)
	}
	return nil
}
