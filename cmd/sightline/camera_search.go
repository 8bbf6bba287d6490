package main

import (
	"encoding/json"
	"errors"
	"io"

	"sightline/sight"
)

type cameraSearchCmd struct {
	Problem string `arg:"" help:"Search as JSON (skyline, features, area or road); .jsonl or - holds one a line."`
	JSON    bool   `name:"json" help:"Print the areas as JSON, one line a search."`
}

func (c *cameraSearchCmd) Run(e *env) error {
	scenes := &surroundings{base: folderOf(c.Problem)}
	return sheets(e, "camera search", c.Problem, func(raw []byte, out io.Writer) error {
		a, err := searchIn(raw, scenes.load)
		if err != nil {
			return err
		}
		if c.JSON {
			err = json.NewEncoder(out).Encode(a)
		} else {
			err = a.Prose(out)
		}
		if err == nil && a.Status == "none" {
			return exit(3, nil)
		}
		return err
	})
}

// searchIn answers one search in the scene that it names.
func searchIn(raw []byte, load func(string) loadedScene) (*sight.Found, error) {
	p, err := sight.ParseFind(raw)
	if err != nil {
		return nil, err
	}
	l := load(p.Scene)
	if l.err != nil {
		return nil, l.err
	}
	if l.around == nil {
		return nil, errors.New("scene: has nothing in it")
	}
	sky, err := sight.NewSkyline(l.bodies)
	if err != nil {
		return nil, err
	}
	a, err := sight.Find(p, raw, l.around, sky)
	if err != nil {
		return nil, err
	}
	a.Software.Version = version
	return a, nil
}
