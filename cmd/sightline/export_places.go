package main

import (
	"io"

	"sightline"
	"sightline/publish"
)

// exportKMLCmd, exportGeoJSONCmd and exportTimeMapCmd write the public places and times for
// other programs.
type exportKMLCmd struct {
	publicExport `embed:""`
}

func (c *exportKMLCmd) Run(e *env) error { return c.write(e, publish.KML) }

type exportGeoJSONCmd struct {
	publicExport `embed:""`
}

func (c *exportGeoJSONCmd) Run(e *env) error {
	return c.write(e, func(d *sightline.Document, _ string, w io.Writer) error { return publish.GeoJSON(d, w) })
}

type exportTimeMapCmd struct {
	publicExport `embed:""`
}

func (c *exportTimeMapCmd) Run(e *env) error { return c.write(e, publish.TimeMap) }
