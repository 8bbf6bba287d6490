package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"time"

	"sightline/sight"
)

// cameraCmd: where a photograph was taken from, and what follows.
type cameraCmd struct {
	Solve       cameraSolveCmd       `cmd:"" help:"Find where a camera stood from points marked in the photo and the model."`
	See         cameraSeeCmd         `cmd:"" help:"Ask what solved cameras and people could see, and measure in a photo."`
	Triangulate cameraTriangulateCmd `cmd:"" help:"Place a feature that several solved photos show."`
	Track       cameraTrackCmd       `cmd:"" help:"Where a moving camera was between solved frames."`
	Search      cameraSearchCmd      `cmd:"" help:"Find the areas where a photo may have been taken, from its skyline and what it shows."`
	Ground      cameraGroundCmd      `cmd:"" help:"Lay a satellite, aerial or drone picture on the ground and read places off it."`
	Export      cameraExportCmd      `cmd:"" help:"Write solved cameras for other programs: GeoPose, KML, glTF, COLMAP, CSV."`
	Import      cameraImportCmd      `cmd:"" help:"Read cameras of COLMAP, fSpy, glTF (Blender) and KML."`
}

type cameraSolveCmd struct {
	Problem string `arg:"" help:"Problem as JSON; .jsonl or - holds one problem a line."`
	JSON    bool   `name:"json" help:"Print the answer as JSON, one line a problem."`
	Timing  bool   `help:"Add elapsed_us, the time of each solution."`
	Report  bool   `help:"Add the heat map and the next click worth making."`
}

// maxProblemBytes bounds one problem: 10,000 points with long names fit.
const maxProblemBytes = 16 << 20

func (c *cameraSolveCmd) Run(e *env) error {
	if c.Timing { // processor time is that of one thread
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	scenes := &surroundings{base: folderOf(c.Problem)}
	return sheets(e, "camera solve", c.Problem, func(raw []byte, out io.Writer) error {
		if sight.IsShared(raw) {
			return c.shared(raw, scenes, out)
		}
		if sight.IsPanorama(raw) {
			return c.panorama(raw, out)
		}
		a, err := c.one(raw, scenes, out)
		if err == nil && a.Status == sight.Refused {
			return exit(3, nil) // of a single problem; in a batch the answers say it
		}
		return err
	})
}

func (c *cameraSolveCmd) one(raw []byte, scenes *surroundings, w io.Writer) (*sight.Answer, error) {
	p, err := sight.ParseProblem(raw)
	if err != nil {
		return nil, err
	}
	l := scenes.load(p.Scene)
	if l.err != nil {
		return nil, l.err
	}
	if len(p.Candidates) == 0 && len(l.points) <= sight.MaxPoints {
		p.Candidates = l.points
	}
	start := processorTime()
	a := sight.SolveWith(p, raw, sight.Options{Scene: l.around, Report: c.Report})
	if c.Timing {
		us := float64(processorTime()-start) / float64(time.Microsecond)
		a.ElapsedUS = &us
	}
	a.Software.Version = version
	if c.JSON {
		return a, json.NewEncoder(w).Encode(a)
	}
	return a, a.Prose(w)
}

// panorama solves an equirectangular picture.
func (c *cameraSolveCmd) panorama(raw []byte, w io.Writer) error {
	p, err := sight.ParsePanorama(raw)
	if err != nil {
		return err
	}
	a := sight.SolvePanorama(p, raw)
	a.Software.Version = version
	if c.JSON {
		err = json.NewEncoder(w).Encode(a)
	} else {
		err = a.Prose(w)
	}
	if err == nil && a.Status == sight.Refused {
		return exit(3, nil)
	}
	return err
}

// shared solves photographs of one device together.
func (c *cameraSolveCmd) shared(raw []byte, scenes *surroundings, w io.Writer) error {
	p, err := sight.ParseShared(raw)
	if err != nil {
		return err
	}
	for i, f := range p.Frames {
		if f.Scene != p.Frames[0].Scene {
			return fmt.Errorf("frames[%d].scene: differs from that of the first frame; photographs solved together share a scene", i)
		}
	}
	l := scenes.load(p.Frames[0].Scene)
	if l.err != nil {
		return l.err
	}
	for _, f := range p.Frames {
		if len(f.Candidates) == 0 && len(l.points) <= sight.MaxPoints {
			f.Candidates = l.points
		}
	}
	a := sight.SolveShared(p, raw, sight.Options{Scene: l.around, Report: c.Report})
	a.Software.Version = version
	all := true
	for _, f := range a.Frames {
		f.Software.Version = version
		all = all && f.Status == sight.Refused
	}
	if c.JSON {
		err = json.NewEncoder(w).Encode(a)
	} else {
		err = a.Prose(w)
	}
	if err == nil && all {
		return exit(3, nil)
	}
	return err
}
