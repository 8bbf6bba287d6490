package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"sightline"
	"sightline/archive"
	"sightline/intake"
)

// jobsCmd shows the work of a case and puts failed jobs back.
type jobsCmd struct {
	inCase `embed:""`
	State  string   `help:"Only these: waiting, running, done, failed. Default: all that are not done." enum:"waiting,running,done,failed,all," default:""`
	Item   string   `help:"Only those of an item." placeholder:"ID"`
	Retry  []string `help:"Put failed jobs back into the queue: the beginning of their ids, or \"all\"." placeholder:"JOB"`
	Limit  int      `help:"Show at most so many of each state." default:"50"`
	JSON   bool     `help:"Print the jobs as lines of JSON."`
}

func (c *jobsCmd) Run(e *env) error {
	f, err := c.openIn(e.ctx, archive.Options{ReadOnly: len(c.Retry) == 0})
	if err != nil {
		return err
	}
	defer f.Close()
	if len(c.Retry) > 0 {
		return c.retry(e, f)
	}
	states := []string{"running", "failed", "waiting"}
	switch c.State {
	case "":
	case "all":
		states = append(states, "done")
	default:
		states = []string{c.State}
	}
	now := time.Now()
	shown, counts := []sightline.Job{}, []sightline.JobCount{}
	err = f.Store.View(e.ctx, f.Actor, func(r sightline.Reader) (err error) {
		shown = shown[:0]
		for _, s := range states {
			list, err := r.JobList(sightline.JobFilter{State: s, Item: c.Item, Limit: c.Limit})
			if err != nil {
				return err
			}
			shown = append(shown, list...)
		}
		if t, ok := r.(sightline.JobCounter); ok {
			counts, err = t.JobCounts()
		}
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(e.stdout)
		for _, j := range shown {
			if err := enc.Encode(j); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	for _, j := range shown {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", j.ID[:min(12, len(j.ID))], j.State, j.Kind, j.Item, took(j, now), about(j))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	total := map[string]int{}
	for _, n := range counts {
		total[n.State] += n.Count
	}
	fmt.Fprintf(e.stdout, "%d running, %d waiting, %d failed, %d done\n", total["running"], total["waiting"], total["failed"], total["done"])
	return nil
}

// took is how long a job waits, runs or ran.
func took(j sightline.Job, now time.Time) string {
	since, until := j.Queued, now
	switch j.State {
	case "running":
		since = j.Started
	case "done", "failed":
		since = j.Started
		if t, err := time.Parse(time.RFC3339, j.Ended); err == nil {
			until = t
		}
	}
	t, err := time.Parse(time.RFC3339, since)
	if err != nil {
		return ""
	}
	return max(until.Sub(t), 0).Round(100 * time.Millisecond).String()
}

// about is what else there is to say of a job.
func about(j sightline.Job) string {
	switch {
	case j.State == "running":
		return fmt.Sprintf("%3.0f %% on %s", 100*j.Progress, j.Worker)
	case j.State == "failed" && j.Tries > 1:
		return fmt.Sprintf("%s (%d tries)", intake.Printable(j.Error), j.Tries)
	case j.State == "waiting" && j.Error != "":
		return "again, because: " + intake.Printable(j.Error)
	}
	return intake.Printable(j.Error)
}

func (c *jobsCmd) retry(e *env, f *folder) error {
	var failed []sightline.Job
	err := f.Store.View(e.ctx, f.Actor, func(r sightline.Reader) (err error) {
		failed, err = r.JobList(sightline.JobFilter{State: "failed", Item: c.Item})
		return err
	})
	if err != nil {
		return err
	}
	n := 0
	for _, want := range c.Retry {
		found := false
		for _, j := range failed {
			if want != "all" && (want == "" || len(j.ID) < len(want) || j.ID[:len(want)] != want) {
				continue
			}
			found = true
			if err := f.Store.Retry(e.ctx, j.ID); err != nil {
				return err
			}
			n++
		}
		if !found && want != "all" {
			return exit(2, fmt.Errorf("there is no failed job %s", want))
		}
	}
	fmt.Fprintf(e.stdout, "%s put back into the queue\n", countJobs(n))
	return nil
}
