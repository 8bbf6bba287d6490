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

	"sightline/sight"
)

type cameraSeeCmd struct {
	Problem string `arg:"" help:"Question sheet as JSON; .jsonl or - holds one a line."`
	JSON    bool   `name:"json" help:"Print the answers as JSON, one line a sheet."`
}

type cameraTriangulateCmd struct {
	Problem string `arg:"" help:"Problem as JSON; .jsonl or - holds one a line."`
	JSON    bool   `name:"json" help:"Print the answers as JSON, one line a problem."`
}

// sheet reads one document or, from a .jsonl file or standard input, one a
// line, and hands each to do. Errors name file and line and end with status 2.
func sheets(e *env, verb, path string, do func(raw []byte, out io.Writer) error) error {
	name, in := path, e.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return exit(2, fmt.Errorf("%s: %w", verb, err))
		}
		defer f.Close()
		in = f
	} else {
		name = "standard input"
	}
	out := bufio.NewWriter(e.stdout)
	defer out.Flush()
	if path != "-" && !strings.HasSuffix(path, ".jsonl") {
		raw, err := io.ReadAll(io.LimitReader(in, maxProblemBytes+1))
		if err == nil && len(raw) > maxProblemBytes {
			err = fmt.Errorf("larger than %d bytes; a problem holds at most %d points", maxProblemBytes, sight.MaxPoints)
		}
		if err == nil {
			err = do(raw, out)
		}
		var ee *exitError
		if errors.As(err, &ee) {
			return err
		}
		if err != nil {
			return exit(2, fmt.Errorf("%s: %s: %w", verb, name, err))
		}
		return nil
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxProblemBytes)
	for n := 1; lines.Scan(); n++ {
		if err := e.ctx.Err(); err != nil {
			return err
		}
		raw := bytes.TrimSpace(lines.Bytes())
		if len(raw) == 0 {
			continue
		}
		var ee *exitError
		if err := do(raw, out); err != nil && !errors.As(err, &ee) {
			return exit(2, fmt.Errorf("%s: %s, line %d: %w", verb, name, n, err))
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("a line is longer than %d bytes", maxProblemBytes)
		}
		return exit(2, fmt.Errorf("%s: %s: %w", verb, name, err))
	}
	return nil
}

// folderOf is where relative paths of a problem start.
func folderOf(path string) string {
	if path == "-" {
		return "."
	}
	return filepath.Dir(path)
}

// readAnswers reads the answers that cameras name as files.
func readAnswers(base string, specs []sight.ViewSpec) error {
	for i := range specs {
		v := &specs[i]
		if v.AnswerFile == "" {
			continue
		}
		path := v.AnswerFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(base, path)
		}
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("cameras[%d].answer_file: %w", i, err)
		}
		b, err := io.ReadAll(io.LimitReader(f, maxProblemBytes))
		f.Close()
		if err != nil {
			return fmt.Errorf("cameras[%d].answer_file: %w", i, err)
		}
		v.Answer = new(sight.Answer)
		if err := json.Unmarshal(b, v.Answer); err != nil {
			return fmt.Errorf("cameras[%d].answer_file: %s is not an answer of camera solve (%w)", i, v.AnswerFile, err)
		}
	}
	return nil
}

func (c *cameraSeeCmd) Run(e *env) error {
	base := folderOf(c.Problem)
	scenes := &surroundings{base: base}
	return sheets(e, "camera see", c.Problem, func(raw []byte, out io.Writer) error {
		p, err := sight.ParseSee(raw)
		if err != nil {
			return err
		}
		if err := readAnswers(base, p.Cameras); err != nil {
			return err
		}
		l := scenes.load(p.Scene)
		if l.err != nil {
			return l.err
		}
		a, err := sight.See(p, raw, l.around)
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

func (c *cameraTriangulateCmd) Run(e *env) error {
	base := folderOf(c.Problem)
	return sheets(e, "camera triangulate", c.Problem, func(raw []byte, out io.Writer) error {
		p, err := sight.ParseTriangulate(raw)
		if err != nil {
			return err
		}
		if err := readAnswers(base, p.Cameras); err != nil {
			return err
		}
		a, err := sight.PlaceFeatures(p, raw)
		if err != nil {
			return err
		}
		a.Software.Version = version
		if c.JSON {
			err = json.NewEncoder(out).Encode(a)
		} else {
			err = a.Prose(out)
		}
		if err != nil {
			return err
		}
		for _, f := range a.Features {
			if f.Status != sight.Refused {
				return nil
			}
		}
		return exit(3, nil)
	})
}
