package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sightline/archive"
	"sightline/flow"
	"sightline/intake"
)

// watchCmd takes what appears in a folder into a case.
type watchCmd struct {
	inCase `embed:""`
	Dir    string        `arg:"" type:"path" help:"Folder to watch, with the folders in it. Nothing in it is moved, changed or removed."`
	Every  time.Duration `help:"How often to look." default:"2s"`
	Once   bool          `help:"Take what is there and at rest, and leave."`
	Reason string        `help:"Why this is collected; kept sealed in the custody log." placeholder:"TEXT"`
	Access string        `help:"How it was reached: public, login, invitation, given." enum:"public,login,invitation,given" default:"given"`
	JSON   bool          `help:"Print each file as a line of JSON."`
}

// seen is what a file looked like at the last look.
type seen struct {
	size int64
	mod  time.Time
	done bool // taken, or refused, as it is
}

func (c *watchCmd) Run(e *env) error {
	fi, err := os.Stat(c.Dir)
	if err != nil || !fi.IsDir() {
		return exit(2, fmt.Errorf("%s is no folder that can be watched", c.Dir))
	}
	if c.Every < 50*time.Millisecond {
		return exit(2, errors.New("--every: look at most 20 times a second"))
	}
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	if abs, err := filepath.Abs(f.Dir); err == nil {
		if rel, err := filepath.Rel(c.Dir, abs); err == nil && filepath.IsLocal(rel) {
			return exit(2, fmt.Errorf("the case lies inside %s; watch another folder", c.Dir))
		}
		if rel, err := filepath.Rel(abs, c.Dir); err == nil && filepath.IsLocal(rel) {
			return exit(2, fmt.Errorf("%s lies inside the case; watch another folder", c.Dir))
		}
	}
	a := &intake.Adder{Store: f.Store, Blobs: f.Blobs, Actor: f.Actor, Version: version, Reason: c.Reason, Access: c.Access, Method: "automatic", Jobs: flow.JobsFor, Argv: []string{"watch", c.Dir}}
	if !c.JSON {
		fmt.Fprintf(e.stderr, "watching %s; stop with Ctrl-C\n", c.Dir)
	}
	known := map[string]seen{}
	for {
		rest, err := c.look(e, a, known)
		if err != nil {
			return err
		}
		if c.Once && rest {
			return nil
		}
		select {
		case <-e.ctx.Done():
			return nil
		case <-time.After(c.Every):
		}
	}
}

// look takes the files that have not changed since the last look. It reports
// whether nothing is left that is still being written.
func (c *watchCmd) look(e *env, a *intake.Adder, known map[string]seen) (rest bool, err error) {
	in, refused := intake.Walk([]string{c.Dir})
	var ready []intake.Input
	rest = true
	here := map[string]bool{}
	for _, x := range in {
		fi, err := os.Lstat(x.Path)
		if err != nil {
			continue // it went away
		}
		here[x.Path] = true
		was, ok := known[x.Path]
		now := seen{size: fi.Size(), mod: fi.ModTime()}
		switch {
		case ok && was.done && was.size == now.size && was.mod.Equal(now.mod):
		case ok && was.size == now.size && was.mod.Equal(now.mod) && now.size > 0:
			now.done = true
			known[x.Path] = now
			ready = append(ready, x)
		default:
			known[x.Path] = now
			rest = rest && now.size == 0 && ok
		}
	}
	for p := range known {
		if !here[p] && known[p].size >= 0 {
			delete(known, p)
		}
	}
	for _, r := range refused {
		if r.Path == c.Dir {
			continue // an empty folder is what one watches at first
		}
		if _, told := known["\x00"+r.Path]; !told {
			known["\x00"+r.Path] = seen{size: -1}
			c.tell(e, "refused", intake.Line{Name: r.Name, Path: r.Path, Why: r.Why})
		}
	}
	if len(ready) == 0 {
		return rest, nil
	}
	r, err := a.Take(e.ctx, ready)
	for _, l := range r.Added {
		c.tell(e, "added", l)
	}
	for _, l := range r.Known {
		c.tell(e, "known", l)
	}
	for _, x := range r.Refused {
		if was, ok := known[x.Path]; ok {
			was.done = false // it changed under our hands: look again
			was.size = -2
			known[x.Path] = was
		}
		c.tell(e, "refused", intake.Line{Name: x.Name, Path: x.Path, Why: x.Why})
	}
	if errors.Is(err, context.Canceled) {
		return true, nil
	}
	return rest, err
}

func (c *watchCmd) tell(e *env, state string, l intake.Line) {
	if c.JSON {
		_ = json.NewEncoder(e.stdout).Encode(map[string]any{"state": state, "id": l.ID, "sha256": l.SHA256, "path": l.Path, "why": l.Why})
		return
	}
	switch state {
	case "added":
		fmt.Fprintf(e.stdout, "%s  %s  %s\n", l.ID, l.SHA256, intake.Printable(l.Path))
	case "known":
		fmt.Fprintf(e.stdout, "%s is already here: %s\n", l.ID, intake.Printable(l.Path))
	default:
		fmt.Fprintf(e.stderr, "not taken: %s: %s\n", intake.Printable(l.Path), l.Why)
	}
}
