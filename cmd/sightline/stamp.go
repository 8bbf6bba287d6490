package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sightline"
	"sightline/archive"
)

// stampCmd asks time-stamping authorities (RFC 3161) to sign the head of the
// log. It is the one verb that sends anything anywhere, and it sends a digest.
type stampCmd struct {
	inCase    `embed:""`
	Authority []string `help:"Address of an authority; may be repeated. Default: those of settings.json." placeholder:"URL"`
	Root      []string `help:"Root certificate of each --authority, PEM, in the same order; needed the first time." placeholder:"FILE" type:"path"`
	Due       bool     `help:"Send only what is due again, and ask for nothing new (for a timer)."`
	Status    bool     `help:"Only say what is waiting; nothing is sent."`
	JSON      bool     `help:"Print the outcome as JSON."`
}

// Run ends with status 1 while a time-stamp is waiting.
func (c *stampCmd) Run(e *env) error {
	var list []archive.Authority
	if len(c.Root) > len(c.Authority) {
		return exit(2, errors.New("there are more --root than --authority"))
	}
	for i, u := range c.Authority {
		a := archive.Authority{URL: u}
		if i < len(c.Root) {
			a.Root = c.Root[i]
		}
		list = append(list, a)
	}
	if len(list) == 0 && !c.Status && !c.Due {
		s, err := archive.ReadSettings()
		if err != nil {
			return exit(2, err)
		}
		list = s.Authorities
	}
	f, err := c.open(archive.Options{ReadOnly: c.Status})
	if err != nil {
		return err
	}
	defer f.Close()
	waiting, err := f.WaitingStamps()
	if err != nil {
		return err
	}
	if len(list) == 0 && !c.Status && !c.Due && len(waiting) == 0 {
		return exit(2, errors.New("no authority is named, by --authority or in settings.json; nothing was sent"))
	}
	if len(list) > 0 && !c.Due && !c.Status {
		if err := f.AskStamps(e.ctx, list, time.Now()); err != nil {
			if errors.Is(err, sightline.ErrInvalid) || errors.Is(err, sightline.ErrConflict) || errors.Is(err, sightline.ErrDamaged) {
				return exit(2, err)
			}
			return err
		}
	}
	done := []archive.Stamped{}
	if !c.Status {
		got, err := f.FetchStamps(e.ctx, c.Due, time.Now, version)
		done = append(done, got...)
		if err != nil {
			return err
		}
	}
	if waiting, err = f.WaitingStamps(); err != nil {
		return err
	}
	if waiting == nil {
		waiting = []archive.Waiting{}
	}
	if c.JSON {
		err = json.NewEncoder(e.stdout).Encode(map[string]any{"stamped": done, "waiting": waiting})
	} else {
		for _, s := range done {
			fmt.Fprintf(e.stdout, "%s: the log's first %d entries existed before %s\n", s.Authority, s.Size, s.Time)
		}
		for _, w := range waiting {
			fmt.Fprintf(e.stdout, "waiting for %s since %s, checkpoint of %d entries, %d tries: %s\n", w.Authority, w.Since, w.Size, w.Tries, w.Error)
		}
		if len(done)+len(waiting) == 0 {
			fmt.Fprintln(e.stdout, "Nothing is waiting.")
		}
	}
	if err == nil && len(waiting) > 0 {
		return exit(1, fmt.Errorf("%d time-stamps are waiting; run \"sightline stamp\" again when the network is there", len(waiting)))
	}
	return err
}
