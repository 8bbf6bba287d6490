package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"sightline"
	"sightline/archive"
	"sightline/flow"
	"sightline/tool"
)

// workCmd does the waiting jobs of a case. Its status is 1 when one of them
// failed.
type workCmd struct {
	inCase  `embed:""`
	watched `embed:""`
	Lanes   []string `help:"Lanes to work in: cpu, video, net. Default: cpu and video."`
	Workers int      `help:"Jobs at once in the lane cpu. Default: one for each processor." placeholder:"N"`

	UntilIdle bool `help:"Leave when nothing is left to do, instead of waiting for more."`
	Unsafe    bool `name:"unsafe-no-sandbox" help:"Run external programs even where no sandbox works: a hostile file can then do what you can do."`
	JSON      bool `help:"Print each finished job as a line of JSON."`
}

func (c *workCmd) Run(e *env) error {
	for _, l := range c.Lanes {
		if l != flow.CPU && l != flow.Video && l != "net" {
			return exit(2, fmt.Errorf("there is no lane %q: use %s, %s or net", l, flow.CPU, flow.Video))
		}
	}
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	if err := c.watch(e, func() []*folder { return []*folder{f} }); err != nil {
		return err
	}
	if c.Unsafe && tool.Available(e.ctx) == tool.None {
		fmt.Fprintln(e.stderr, "WARNING: external programs run without a sandbox: a hostile file can do what you can do.")
	}
	bar := newBar(e)
	left := func() int {
		n := 0
		_ = f.Store.View(e.ctx, f.Actor, func(r sightline.Reader) error {
			for _, s := range []string{"waiting", "running"} {
				jobs, err := r.JobList(sightline.JobFilter{State: s})
				if err != nil {
					return err
				}
				n += len(jobs)
			}
			return nil
		})
		return n
	}
	var mu sync.Mutex
	var failed []string
	ended := 0
	enc := json.NewEncoder(e.stdout)
	sum, err := flow.Work(e.ctx, f.Store, f.Blobs, f.Actor, flow.Options{
		Lanes: c.Lanes, Workers: c.Workers, UntilIdle: c.UntilIdle, Unsafe: c.Unsafe, Scratch: scratch(f),
		Progress: func(ev flow.Event) {
			mu.Lock()
			defer mu.Unlock()
			if ev.State == "running" {
				bar.draw(ended, ended+1, fmt.Sprintf("%s %s %3.0f %%", ev.Job.Kind, ev.Job.Item, 100*ev.Progress))
				return
			}
			ended++
			if ev.State == "failed" {
				failed = append(failed, ev.Job.Item+" ("+ev.Job.Kind+")")
			}
			if bar.on {
				bar.draw(ended, ended+left(), fmt.Sprintf("%s %s %s", ev.Job.Kind, ev.Job.Item, ev.State))
			}
			if c.JSON {
				_ = enc.Encode(map[string]any{"kind": ev.Job.Kind, "item": ev.Job.Item, "state": ev.State, "error": ev.Error})
			} else if ev.State == "failed" {
				bar.done()
				fmt.Fprintf(e.stderr, "%s: %s: %s\n", ev.Job.Item, ev.Job.Kind, ev.Error)
			}
		},
	})
	bar.done()
	if !c.JSON {
		fmt.Fprintf(e.stdout, "%d jobs done, %d failed\n", sum.Done, sum.Failed)
	}
	if err == nil && len(failed) > 0 {
		// What went well is stored; the status lets a script see the rest.
		slices.Sort(failed)
		const most = 20
		more := ""
		if len(failed) > most {
			failed, more = failed[:most], fmt.Sprintf(" and %d more", len(failed)-most)
		}
		return exit(1, fmt.Errorf("%s failed: %s%s; the reason is on each item", countJobs(sum.Failed), strings.Join(failed, ", "), more))
	}
	return err
}

func countJobs(n int) string {
	if n == 1 {
		return "1 job"
	}
	return fmt.Sprintf("%d jobs", n)
}

// scratch is where working copies are made: on the file system of the blobs,
// so that files can be lent to programs without a copy.
func scratch(f *archive.CaseFolder) string { return filepath.Join(f.Dir, "tmp") }
