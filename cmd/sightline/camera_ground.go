package main

import (
	"encoding/json"
	"io"

	"sightline/sight"
)

type cameraGroundCmd struct {
	Problem string `arg:"" help:"Pairs of pixel and ground as JSON; .jsonl or - holds one picture a line."`
	JSON    bool   `name:"json" help:"Print the answer as JSON, one line a picture."`
}

func (c *cameraGroundCmd) Run(e *env) error {
	return sheets(e, "camera ground", c.Problem, func(raw []byte, out io.Writer) error {
		p, err := sight.ParseGround(raw)
		if err != nil {
			return err
		}
		a := sight.LayOnGround(p, raw)
		a.Software.Version = version
		if c.JSON {
			err = json.NewEncoder(out).Encode(a)
		} else {
			err = a.Prose(out)
		}
		if err == nil && a.Status == sight.Refused {
			return exit(3, nil)
		}
		return err
	})
}
