package main

import (
	"encoding/json"
	"io"

	"sightline/sight"
)

type cameraTrackCmd struct {
	Problem string `arg:"" help:"Solved frames and times as JSON; .jsonl or - holds one track a line."`
	JSON    bool   `name:"json" help:"Print the frames as JSON, one line a track."`
}

func (c *cameraTrackCmd) Run(e *env) error {
	base := folderOf(c.Problem)
	return sheets(e, "camera track", c.Problem, func(raw []byte, out io.Writer) error {
		p, err := sight.ParseTrack(raw)
		if err != nil {
			return err
		}
		specs := make([]sight.ViewSpec, len(p.Keys))
		for i := range p.Keys {
			specs[i] = p.Keys[i].ViewSpec
		}
		if err := readAnswers(base, specs); err != nil {
			return err
		}
		for i := range p.Keys {
			p.Keys[i].ViewSpec = specs[i]
		}
		a, err := sight.Track(p, raw)
		if err != nil {
			return err
		}
		a.Software.Version = version
		if c.JSON {
			return json.NewEncoder(out).Encode(a)
		}
		return a.Prose(out)
	})
}
