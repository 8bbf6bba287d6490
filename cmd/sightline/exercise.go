package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"sightline/exercise"
	"sightline/sight"
)

// exerciseCmd invents an incident whose truth is known, and measures the
// placing of cameras on it.
type exerciseCmd struct {
	Seed     uint64 `default:"1" help:"Another number gives another place, other cameras, clocks and times."`
	Out      string `short:"o" type:"path" help:"New folder: DIR/case is what an investigator may see, DIR/truth the answers." placeholder:"DIR"`
	Size     string `default:"full" enum:"small,full" help:"full: about 60 items; small: about 20."`
	NoVideo  bool   `help:"Leave the videos out."`
	Score    string `type:"existingfile" help:"Make nothing: click the visible model points of every camera of this truth.json with 1 px of noise, solve them, and say how far off the answers are." placeholder:"TRUTH"`
	Rounds   int    `default:"5" help:"With --score: draws of the noise."`
	Problems string `type:"path" help:"With --score: also write the problems of the first draw, one a line, for camera solve." placeholder:"FILE"`
	JSON     bool   `help:"Print the report as JSON."`
}

func (c *exerciseCmd) Run(e *env) error {
	if c.Score != "" {
		return c.score(e)
	}
	if c.Out == "" {
		return exit(2, errors.New("name a new folder for the exercise: -o DIR"))
	}
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

// score solves scripted clicks.
func (c *exerciseCmd) score(e *env) error {
	if c.Rounds < 1 || c.Rounds > 1000 {
		return exit(2, fmt.Errorf("--rounds %d: use 1 to 1000", c.Rounds))
	}
	b, err := os.ReadFile(c.Score)
	if err != nil {
		return exit(2, fmt.Errorf("the truth could not be read: %w", err))
	}
	t, err := exercise.ReadTruth(b)
	if err != nil {
		return exit(2, err)
	}
	var s exercise.Score
	for round := range c.Rounds {
		clicks := t.Clicks(1, uint64(round))
		if round == 0 && c.Problems != "" {
			if err := writeProblems(c.Problems, clicks); err != nil {
				return exit(2, err)
			}
		}
		for _, k := range clicks {
			if e.ctx.Err() != nil {
				return e.ctx.Err()
			}
			s.Add(k, sight.Solve(k.Problem, nil))
		}
	}
	s.Close()
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(&s)
	}
	fmt.Fprintln(e.stdout, s.Prose())
	return nil
}

func writeProblems(path string, clicks []exercise.Click) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("the problems could not be written: %w", err)
	}
	j := json.NewEncoder(f)
	for _, k := range clicks {
		if err := j.Encode(k.Problem); err != nil {
			f.Close()
			return fmt.Errorf("the problems could not be written: %w", err)
		}
	}
	return f.Close()
}
