package main

import (
	"errors"
	"io"
	"net/url"

	"sightline"
	"sightline/publish"
)

// exportIIIFCmd writes the public scene for viewers of the cultural heritage world.
type exportIIIFCmd struct {
	publicExport `embed:""`
	Base         string `required:"" help:"Address at which the edition stands, such as https://example.org/case/v3; IIIF wants full addresses." placeholder:"URL"`
}

func (c *exportIIIFCmd) Run(e *env) error {
	u, err := url.Parse(c.Base)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return exit(2, errors.New("--base is the full address of the edition, such as https://example.org/case/v3"))
	}
	return c.write(e, func(d *sightline.Document, _ string, w io.Writer) error { return publish.IIIF(d, c.Base, w) })
}
