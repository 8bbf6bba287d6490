package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sightline/scene"
)

// sceneCmd builds and describes the model of the place.
type sceneCmd struct {
	Build sceneBuildCmd `cmd:"" help:"Build a scene from a spec: terrain, buildings, models."`
	Info  sceneInfoCmd  `cmd:"" help:"Say what a scene folder or one of its sources holds."`
	Model sceneModelCmd `cmd:"" help:"Put a hand-made model (boxes, roofs, walls with openings) into the scene of a case."`
}

type sceneBuildCmd struct {
	Spec string `arg:"" help:"The spec, a JSON file (docs/formats/scene.md)."`
	Out  string `short:"o" required:"" help:"Folder for scene.json and the GLBs."`
	JSON bool   `help:"Print the document instead of a summary."`
}

func (c *sceneBuildCmd) Run(e *env) error {
	b, err := os.ReadFile(c.Spec)
	if err != nil {
		return exit(2, fmt.Errorf("scene build: %w", err))
	}
	s, err := scene.ParseSpec(b)
	if err != nil {
		return exit(2, fmt.Errorf("%s: %w", c.Spec, err))
	}
	r, err := scene.Build(s, filepath.Dir(c.Spec))
	if err != nil {
		return exit(2, fmt.Errorf("%s: %w", c.Spec, err))
	}
	if err := r.Write(c.Out); err != nil {
		return err
	}
	if c.JSON {
		_, err = e.stdout.Write(r.Files["scene.json"])
		return err
	}
	describe(e, r.Document)
	return nil
}

type sceneInfoCmd struct {
	Path string `arg:"" help:"A scene folder, or a height grid, footprint file or model."`
	JSON bool   `help:"Print JSON."`
}

func (c *sceneInfoCmd) Run(e *env) error {
	st, err := os.Stat(c.Path)
	if err != nil {
		return exit(2, fmt.Errorf("scene info: %w", err))
	}
	if !st.IsDir() {
		return c.source(e)
	}
	d, err := scene.Load(c.Path)
	if err != nil {
		return exit(2, err)
	}
	if _, err := d.Pieces(); err != nil {
		return exit(1, err)
	}
	if c.JSON {
		b, err := d.Encode()
		if err != nil {
			return err
		}
		_, err = e.stdout.Write(b)
		return err
	}
	describe(e, d)
	return nil
}

// source describes one input file, so that a person can look before building.
func (c *sceneInfoCmd) source(e *env) error {
	info, err := scene.Inspect(c.Path)
	if err != nil {
		return exit(2, fmt.Errorf("%s: %w", c.Path, err))
	}
	if c.JSON {
		b, err := json.MarshalIndent(info, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, string(b))
		return nil
	}
	for _, l := range info.Lines() {
		fmt.Fprintln(e.stdout, l)
	}
	return nil
}

// describe prints a document for people: what it is, how it is known, what is
// doubtful.
func describe(e *env, d *scene.Document) {
	fmt.Fprintf(e.stdout, "%s\n", d.Title.In("en", "es"))
	if a := d.Approximate; a != nil {
		fmt.Fprintf(e.stdout, "%s; radius %.0f m\n", a.Label.In("en", "es"), a.RadiusM)
	}
	o := d.Frame.Origin
	fmt.Fprintf(e.stdout, "origin %.6f, %.6f, %.2f m, vertical datum %s\n", o.Lat, o.Lon, o.H, d.Frame.Vertical)
	fmt.Fprintf(e.stdout, "id %.16s  content %.16s\n", d.ID, d.Content)
	var total int64
	for _, l := range d.Layers {
		total += l.Bytes
		acc := "accuracy not stated"
		if l.AccuracyM > 0 {
			acc = fmt.Sprintf("± %g m", l.AccuracyM)
		}
		fmt.Fprintf(e.stdout, "%-6s %-10s %-12s %8d triangles %9d bytes  %s, %s, %s\n", l.ID, l.Type, l.Class, l.Triangles, l.Bytes, l.Title.In("en", "es"), acc, l.Licence)
		if t := l.Terrain; t != nil {
			fmt.Fprintf(e.stdout, "       mesh within %.3f m of the heights (rms %.3f m); %d posts filled, %d missing; heights above %s\n", t.ErrorMaxM, t.ErrorRMSM, t.FilledPosts, t.MissingPosts, t.VerticalDatum)
		}
		if b := l.Buildings; b != nil {
			fmt.Fprintf(e.stdout, "       %d buildings: height tagged %d, from storeys %d, assumed %d; %d without footprint, %d out of range\n", b.Count, b.ByTag, b.ByLevels, b.Assumed, b.Skipped, b.OutOfRange)
		}
		for _, w := range l.Warnings {
			fmt.Fprintf(e.stdout, "       warning: %s\n", w)
		}
	}
	for _, x := range d.Objects {
		fmt.Fprintf(e.stdout, "%-6s %-12s %s at %s m\n", x.ID, x.Class, x.Label.In("en", "es"), coordinates(x.Position))
	}
	fmt.Fprintf(e.stdout, "%d layers, %d objects, %d bytes\n", len(d.Layers), len(d.Objects), total)
}

func coordinates(p [3]float64) string {
	var s []string
	for _, x := range p {
		s = append(s, fmt.Sprintf("%.2f", x))
	}
	return strings.Join(s, ", ")
}
