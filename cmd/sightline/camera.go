package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"sightline/sight"
)

// cameraCmd: where a photograph was taken from.
type cameraCmd struct {
	Solve cameraSolveCmd `cmd:"" help:"Find where a camera stood from points marked in the photo and the model."`
}

type cameraSolveCmd struct {
	Problem string `arg:"" help:"Problem as JSON; .jsonl or - holds one problem a line."`
	JSON    bool   `name:"json" help:"Print the answer as JSON, one line a problem."`
	Timing  bool   `help:"Add elapsed_us, the time of each solution."`
}

// maxProblemBytes bounds one problem: 10,000 points with long names fit.
const maxProblemBytes = 16 << 20

func (c *cameraSolveCmd) Run(e *env) error {
	batch := c.Problem == "-" || strings.HasSuffix(c.Problem, ".jsonl")
	name, in := c.Problem, e.stdin
	if c.Problem != "-" {
		f, err := os.Open(c.Problem)
		if err != nil {
			return exit(2, fmt.Errorf("camera solve: %w", err))
		}
		defer f.Close()
		in = f
	} else {
		name = "standard input"
	}
	out := bufio.NewWriter(e.stdout)
	defer out.Flush()
	if c.Timing { // processor time is that of one thread
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	if !batch {
		raw, err := io.ReadAll(io.LimitReader(in, maxProblemBytes+1))
		if err != nil {
			return exit(2, fmt.Errorf("camera solve: %s: %w", name, err))
		}
		if len(raw) > maxProblemBytes {
			return exit(2, fmt.Errorf("camera solve: %s is larger than %d bytes; a problem holds at most %d points", name, maxProblemBytes, sight.MaxPoints))
		}
		a, err := c.one(raw, out)
		if err != nil {
			return exit(2, fmt.Errorf("camera solve: %s: %w", name, err))
		}
		if a.Status == sight.Refused {
			return exit(3, nil)
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
		if _, err := c.one(raw, out); err != nil {
			return exit(2, fmt.Errorf("camera solve: %s, line %d: %w", name, n, err))
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("a line is longer than %d bytes", maxProblemBytes)
		}
		return exit(2, fmt.Errorf("camera solve: %s: %w", name, err))
	}
	return nil
}

func (c *cameraSolveCmd) one(raw []byte, w io.Writer) (*sight.Answer, error) {
	p, err := sight.ParseProblem(raw)
	if err != nil {
		return nil, err
	}
	start := processorTime()
	a := sight.Solve(p, raw)
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
