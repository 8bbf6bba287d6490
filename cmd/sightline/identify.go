package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"sightline/identify"
	"sightline/intake"
	"sightline/tool"
)

// identifyCmd says what files say about themselves, without a case.
type identifyCmd struct {
	Files  []string `arg:"" name:"file" help:"Files and folders; folders are walked, links are not followed."`
	Unsafe bool     `name:"unsafe-no-sandbox" help:"Run external programs even where no sandbox works: a hostile file can then do what you can do."`
	JSON   bool     `help:"Print a list with one JSON object for each file."`
}

// reader is the sandbox and the programs for work on files without a case.
func newReader(e *env, unsafe bool) (*identify.Env, func(), error) {
	dir, err := os.MkdirTemp("", "sightline-")
	if err != nil {
		return nil, nil, fmt.Errorf("no folder for working copies can be made: %w", err)
	}
	box, err := tool.NewBox(e.ctx, dir, unsafe)
	if err != nil {
		os.RemoveAll(dir)
		return nil, nil, err
	}
	env := &identify.Env{Box: box}
	if p, err := tool.NewExifTool(box, runtime.GOMAXPROCS(0)); err == nil {
		env.Exif = p
	}
	return env, func() {
		if env.Exif != nil {
			env.Exif.Close()
		}
		os.RemoveAll(dir)
	}, nil
}

// newBox makes a sandbox of its own for reading files outside a case.
func newBox(ctx context.Context) (*tool.Box, func(), error) {
	dir, err := os.MkdirTemp("", "sightline-")
	if err != nil {
		return nil, nil, fmt.Errorf("no folder for working copies can be made: %w", err)
	}
	box, err := tool.NewBox(ctx, dir, false)
	if err != nil {
		os.RemoveAll(dir)
		return nil, nil, err
	}
	return box, func() { os.RemoveAll(dir) }, nil
}

// sniff says what a file is by its first bytes.
func sniff(path string) (intake.Kind, error) {
	f, err := os.Open(path)
	if err != nil {
		return intake.Kind{}, err
	}
	defer f.Close()
	head := make([]byte, intake.SniffLen)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return intake.Kind{}, err
	}
	return intake.Sniff(head[:n]), nil
}

// each runs do for 0..n-1 on as many goroutines as there are processors.
func each(n int, do func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), max(n, 1)) {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

func (c *identifyCmd) Run(e *env) error {
	in, refused := intake.Walk(c.Files)
	env, done, err := newReader(e, c.Unsafe)
	if err != nil {
		return err
	}
	defer done()
	list := make([]*identify.Description, len(in))
	each(len(in), func(i int) {
		if e.ctx.Err() != nil {
			return
		}
		k, err := sniff(in[i].Path)
		if err == nil {
			list[i], err = identify.Describe(e.ctx, env, in[i].Path, k.Type, k.Media)
		}
		if err != nil {
			list[i] = &identify.Description{File: in[i].Path, Times: []identify.Stamp{}, Warnings: []string{}, Tools: []string{}, Error: err.Error()}
			return
		}
		if ext, agrees := intake.Extension(in[i].Name, k.Type); !agrees {
			list[i].Warnings = append(list[i].Warnings, fmt.Sprintf("the name ends in %s, the bytes are %s", ext, k.Type))
		}
	})
	if e.ctx.Err() != nil {
		return e.ctx.Err()
	}
	for _, r := range refused {
		list = append(list, &identify.Description{File: r.Path, Times: []identify.Stamp{}, Warnings: []string{}, Tools: []string{}, Error: r.Why})
	}
	bad := false
	for _, d := range list {
		bad = bad || d.Error != ""
	}
	if c.JSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(list); err != nil {
			return err
		}
	} else {
		for _, d := range list {
			printDescription(e.stdout, d)
		}
	}
	if bad {
		return exit(1, nil)
	}
	return nil
}

func printDescription(w io.Writer, d *identify.Description) {
	p := intake.Printable
	fmt.Fprintf(w, "%s\n  %s, %d bytes\n  %s\n", p(filepath.Base(d.File)), d.Type, d.Size, d.Digest)
	if d.Dimensions != nil {
		fmt.Fprintf(w, "  %d x %d pixels", d.Dimensions.Width, d.Dimensions.Height)
		if d.Orientation != nil {
			fmt.Fprintf(w, ", orientation %d", *d.Orientation)
		}
		fmt.Fprintln(w)
	}
	if d.Duration != nil {
		fmt.Fprintf(w, "  %.3f s\n", *d.Duration)
	}
	if d.Device != "" {
		fmt.Fprintf(w, "  device: %s\n", p(d.Device))
	}
	for _, t := range d.Times {
		zone := "zone not stated"
		if t.Zone != nil {
			zone = *t.Zone
		}
		fmt.Fprintf(w, "  %s (%s): %s [%s]\n", p(t.Value), p(zone), t.Meaning, t.Field)
	}
	if g := d.GPS; g != nil {
		fmt.Fprintf(w, "  claims the place %.6f, %.6f", g.Lat, g.Lon)
		if g.Alt != nil {
			fmt.Fprintf(w, ", %.1f m high", *g.Alt)
		}
		if g.Direction != nil {
			fmt.Fprintf(w, ", looking %.1f degrees", *g.Direction)
		}
		fmt.Fprintln(w)
	}
	if d.PDQ != nil {
		fmt.Fprintf(w, "  pdq %s quality %d, phash %s\n", *d.PDQ, *d.PDQQuality, *d.PHash)
	}
	for _, s := range d.Warnings {
		fmt.Fprintf(w, "  note: %s\n", p(s))
	}
	if d.Error != "" {
		fmt.Fprintf(w, "  not opened: %s\n", p(d.Error))
	}
}
