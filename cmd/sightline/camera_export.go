package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sightline/scene"
	"sightline/verify/place"
	"sightline/where"
)

type cameraExportCmd struct {
	Answer  string `arg:"" help:"Answer of camera solve as JSON; .jsonl holds one a line."`
	Problem string `required:"" help:"The problem it answers; .jsonl holds one a line, in the same order."`
	To      string `required:"" enum:"geopose,kml,gltf,colmap,csv" help:"Format: geopose, kml, gltf, colmap or csv."`
	Out     string `short:"o" required:"" help:"Folder for the files."`
}

// documents reads one document, or one a line of a .jsonl file. The bytes are
// kept as they are: digests count on them.
func documents(path string) ([][]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(path, ".jsonl") {
		return [][]byte{b}, nil
	}
	var out [][]byte
	s := bufio.NewScanner(bytes.NewReader(b))
	s.Buffer(nil, maxProblemBytes)
	for s.Scan() {
		if l := bytes.TrimSpace(s.Bytes()); len(l) > 0 {
			out = append(out, append([]byte{}, l...))
		}
	}
	return out, s.Err()
}

func (c *cameraExportCmd) Run(e *env) error {
	answers, err := documents(c.Answer)
	if err != nil {
		return exit(2, fmt.Errorf("camera export: %w", err))
	}
	problems, err := documents(c.Problem)
	if err != nil {
		return exit(2, fmt.Errorf("camera export: %w", err))
	}
	if len(answers) != len(problems) {
		return exit(2, fmt.Errorf("camera export: %d answers and %d problems; give the problems that were solved, in the same order", len(answers), len(problems)))
	}
	var list []*place.Solved
	for i := range answers {
		s, err := place.Read(problems[i], answers[i])
		if err != nil && len(answers) > 1 && strings.Contains(err.Error(), "is refused") {
			fmt.Fprintf(e.stderr, "camera export: left out, %v\n", err)
			continue
		}
		if err != nil {
			return exit(2, fmt.Errorf("camera export: %s: %w", c.Answer, err))
		}
		list = append(list, s)
	}
	files, err := place.Export(c.To, list)
	if err != nil {
		return exit(2, fmt.Errorf("camera export: %w", err))
	}
	if err := os.MkdirAll(c.Out, 0o777); err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(c.Out, f.Name)
		if err := os.WriteFile(path, f.Data, 0o666); err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, path)
	}
	return nil
}

type cameraImportCmd struct {
	File  string `arg:"" help:"images.txt of COLMAP, .fspy, .gltf, .glb or .kml."`
	Scene string `help:"Scene folder whose frame KML is placed in."`
	Size  string `help:"Size of the photographs, WIDTHxHEIGHT, where the file does not say."`
	JSON  bool   `name:"json" help:"Print JSON for the field cameras of camera see."`
}

func (c *cameraImportCmd) Run(e *env) error {
	fail := func(err error) error { return exit(2, fmt.Errorf("camera import: %w", err)) }
	var ctx place.Context
	if c.Size != "" {
		if n, err := fmt.Sscanf(c.Size, "%dx%d", &ctx.Width, &ctx.Height); err != nil || n != 2 || ctx.Width < 1 || ctx.Height < 1 {
			return fail(fmt.Errorf("--size %q: write it as 4000x3000", c.Size))
		}
	}
	if c.Scene != "" {
		d, err := scene.Load(c.Scene)
		if err != nil {
			return fail(err)
		}
		o := d.Frame.Origin
		f := where.NewFrame(where.Geodetic{Lat: where.Degrees(o.Lat), Lon: where.Degrees(o.Lon), H: where.Metres(o.H)})
		ctx.Frame = &f
	}
	read := func(path string) ([]byte, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(io.LimitReader(f, 65<<20))
	}
	b, err := read(c.File)
	if err != nil {
		return fail(err)
	}
	more := map[string][]byte{}
	if strings.HasSuffix(strings.ToLower(c.File), "images.txt") {
		cams, err := read(filepath.Join(filepath.Dir(c.File), "cameras.txt"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fail(err)
		}
		if err == nil {
			more["cameras.txt"] = cams
		}
	}
	v, err := place.Import(c.File, b, more, ctx)
	if err != nil {
		return fail(err)
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(v)
	}
	for _, x := range v.Cameras {
		p := x.Position
		fmt.Fprintf(e.stdout, "%s: %.3f, %.3f, %.3f; focal %.1f px in %d x %d\n", x.ID, p[0], p[1], p[2], x.FocalPx, x.Image.Width, x.Image.Height)
	}
	for _, n := range v.Notes {
		fmt.Fprintf(e.stdout, "Note: %s.\n", n)
	}
	return nil
}
