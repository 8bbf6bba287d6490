package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sightline"
	"sightline/archive"
	"sightline/capture"
	"sightline/flow"
	"sightline/tool"
)

// working are the flags of a program that does jobs.
type working struct {
	InOrder bool          `help:"Let results enter the log in the order of the queue, whichever worker is done first. Every worker of the case has to do so; then any number of them makes the same log."`
	Lease   time.Duration `default:"1m" help:"How long a worker that went silent keeps its job; then another takes it over." placeholder:"TIME"`
	Unsafe  bool          `name:"unsafe-no-sandbox" help:"Run external programs even where no sandbox works: a hostile file can then do what you can do."`
}

func (c *working) check() error {
	if c.Lease < time.Second || c.Lease > time.Hour {
		return exit(2, fmt.Errorf("--lease %s: use 1s to 1h", c.Lease))
	}
	return nil
}

// options are those of package flow for work on a case.
func (c *working) options(f *folder) flow.Options {
	o := flow.Options{Scratch: scratch(f), InOrder: c.InOrder, Lease: c.Lease, Unsafe: c.Unsafe}
	if c.Lease < 10*time.Second {
		o.Poll = 100 * time.Millisecond
	}
	return o
}

// workCmd does the waiting jobs of a case. Its status is 1 when one of them
// failed.
type workCmd struct {
	inCase  `embed:""`
	watched `embed:""`
	logged  `embed:""`
	working `embed:""`
	Lanes   []string `help:"Lanes to work in: cpu, video, net; video:2 does two at once. Default: cpu and video. net fetches the addresses that people asked for." placeholder:"LANE"`
	Workers int      `help:"Jobs at once in the lane cpu. Default: one for each processor." placeholder:"N"`

	UntilIdle bool `help:"Leave when nothing is left to do, instead of waiting for more."`
	JSON      bool `help:"Print each finished job as a line of JSON."`
}

// lanes reads --lanes: the lanes of package flow, how many jobs at once in
// each, and whether the lane of the web is among them.
func (c *workCmd) lanes() (list []string, limits map[string]int, web bool, err error) {
	limits = map[string]int{}
	for _, word := range c.Lanes {
		name, number, limited := strings.Cut(word, ":")
		n := 0
		if limited {
			if n, err = strconv.Atoi(number); err != nil || n < 1 || n > 256 {
				return nil, nil, false, exit(2, fmt.Errorf("--lanes %s: after the colon stands how many jobs at once, 1 to 256", word))
			}
		}
		switch name {
		case flow.CPU:
			if limited {
				c.Workers = n
			}
		case flow.Video:
		case capture.Lane:
			web = true
			limits[name] = n
			continue
		default:
			return nil, nil, false, exit(2, fmt.Errorf("there is no lane %q: use %s, %s or %s", name, flow.CPU, flow.Video, capture.Lane))
		}
		limits[name] = n
		list = append(list, name)
	}
	return list, limits, web, nil
}

func (c *workCmd) Run(e *env) error {
	lanes, limits, fetches, err := c.lanes()
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	log := c.logger(e)
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
	left := func() (n int) {
		_ = f.Store.View(e.ctx, f.Actor, func(r sightline.Reader) error {
			counts, err := r.(sightline.JobCounter).JobCounts()
			n = 0
			for _, c := range counts {
				if c.State == "waiting" || c.State == "running" {
					n += c.Count
				}
			}
			return err
		})
		return n
	}
	var mu sync.Mutex
	var failed []string
	ended := 0
	enc := json.NewEncoder(e.stdout)
	o := c.options(f)
	o.Lanes, o.Limits, o.Workers, o.UntilIdle = lanes, limits, c.Workers, c.UntilIdle
	o.Notice = func(j sightline.Job, why string) {
		logLeft(log, j, why)
		bar.done()
		fmt.Fprintln(e.stderr, why)
	}
	o.Progress = func(ev flow.Event) {
		logJob(log, ev)
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
	}
	log.Info("work begins", "lanes", c.Lanes, "in_order", c.InOrder)
	sum, err := workLanes(e, f, c.Lanes, o, fetches, limits[capture.Lane])
	log.Info("work ends", "done", sum.Done, "failed", sum.Failed)
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

// workLanes does the jobs of package flow and, where the lane of the web is
// among those asked for, fetches addresses beside them.
func workLanes(e *env, f *folder, asked []string, o flow.Options, fetches bool, pages int) (flow.Summary, error) {
	if !fetches {
		return flow.Work(e.ctx, f.Store, f.Blobs, f.Actor, o)
	}
	g, err := deskGuard()
	if err != nil {
		return flow.Summary{}, exit(2, err)
	}
	q := collector(f, g, nil)
	q.UntilIdle, q.Workers = o.UntilIdle, pages
	web := func(ctx context.Context) (flow.Summary, error) {
		sum, err := q.Run(ctx)
		if err == nil && sum.Offline {
			err = errors.New("the addresses wait: this machine is not connected to a network")
		}
		return flow.Summary{Done: sum.Preserved + sum.Partial, Failed: sum.Failed}, err
	}
	if len(o.Lanes) == 0 && len(asked) > 0 {
		return web(e.ctx)
	}
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	type end struct {
		sum flow.Summary
		err error
	}
	ended := make(chan end, 1)
	go func() {
		s, err := web(ctx)
		if err != nil {
			cancel()
		}
		ended <- end{s, err}
	}()
	sum, err := flow.Work(ctx, f.Store, f.Blobs, f.Actor, o)
	if err != nil {
		cancel()
	}
	w := <-ended
	sum.Done, sum.Failed = sum.Done+w.sum.Done, sum.Failed+w.sum.Failed
	return sum, errors.Join(err, w.err)
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
