package flow

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"sightline"
	"sightline/identify"
	"sightline/tool"
)

// Options say how to work.
type Options struct {
	Lanes     []string      // none: all
	Workers   int           // in the lane of processors; 0: one for each
	UntilIdle bool          // return when there is nothing left to do
	Scratch   string        // folder for temporary files, on the file system of the blobs
	Unsafe    bool          // run external programs even where no sandbox works
	Lease     time.Duration // 0: one minute
	Poll      time.Duration // how often to look for new work; 0: half a second
	Progress  func(Event)   // called from several goroutines
}

// Event is a change of one job.
type Event struct {
	Job      sightline.Job
	State    string // running, done, failed
	Progress float64
	Error    string
}

// Summary counts what was done.
type Summary struct {
	Done   int `json:"done"`
	Failed int `json:"failed"`
}

// Work does the waiting jobs of a case. With UntilIdle it returns when none is
// left, else when ctx ends; the end of ctx is no error.
func Work(ctx context.Context, s sightline.Store, b sightline.Blobs, a sightline.Actor, o Options) (Summary, error) {
	if _, err := Missing(ctx, s, a); err != nil {
		return Summary{}, err
	}
	box, err := tool.NewBox(ctx, o.Scratch, o.Unsafe)
	if err != nil {
		return Summary{}, err
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if len(o.Lanes) == 0 {
		o.Lanes = []string{CPU, Video}
	}
	if o.Lease <= 0 {
		o.Lease = time.Minute
	}
	if o.Poll <= 0 {
		o.Poll = 500 * time.Millisecond
	}
	env := &identify.Env{Store: s, Blobs: b, Actor: a, Box: box}
	if pool, err := tool.NewExifTool(box, o.Workers); err == nil {
		env.Exif = pool
		defer pool.Close()
	}
	run := &runner{env: env, o: o}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for _, lane := range o.Lanes {
		n := o.Workers
		if lane != CPU {
			n = 1
		}
		for i := range n {
			wg.Go(func() {
				if err := run.lane(ctx, lane, i); err != nil {
					run.fail(err)
					cancel()
				}
			})
		}
	}
	wg.Wait()
	return run.sum, run.err
}

type runner struct {
	env *identify.Env
	o   Options
	mu  sync.Mutex
	sum Summary
	err error
}

func (r *runner) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil && !errors.Is(err, context.Canceled) {
		r.err = err
	}
}

func (r *runner) tell(e Event) {
	if r.o.Progress != nil {
		r.o.Progress(e)
	}
}

// lane claims and does the jobs of one lane, one after another.
func (r *runner) lane(ctx context.Context, lane string, i int) error {
	host, _ := os.Hostname()
	worker := fmt.Sprintf("%s/%d/%s/%d", host, os.Getpid(), lane, i)
	for ctx.Err() == nil {
		j, err := r.env.Store.Claim(ctx, worker, []string{lane}, r.o.Lease)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("failed to take the next job: %w", err)
		}
		if j == nil {
			if r.o.UntilIdle {
				return nil
			}
			select {
			case <-time.After(r.o.Poll):
			case <-ctx.Done():
			}
			continue
		}
		if err := r.one(ctx, worker, *j); err != nil {
			return err
		}
	}
	return nil
}

// one does a job. Its error is for what concerns all jobs, such as a full disk.
func (r *runner) one(ctx context.Context, worker string, j sightline.Job) error {
	r.tell(Event{Job: j, State: "running"})
	jctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	progress := 0.0
	beats := make(chan struct{})
	go func() {
		defer close(beats)
		t := time.NewTicker(min(r.o.Lease/4, 2*time.Second))
		defer t.Stop()
		for {
			select {
			case <-t.C:
				mu.Lock()
				p := progress
				mu.Unlock()
				if err := r.env.Store.Beat(jctx, j.ID, worker, r.o.Lease, p); errors.Is(err, sightline.ErrConflict) {
					cancel(sightline.ErrConflict)
					return
				}
			case <-jctx.Done():
				return
			}
		}
	}()
	err := r.do(jctx, j, func(p float64) {
		mu.Lock()
		progress = p
		mu.Unlock()
		r.tell(Event{Job: j, State: "running", Progress: p})
	})
	taken := errors.Is(context.Cause(jctx), sightline.ErrConflict)
	cancel(nil)
	<-beats
	switch {
	case err == nil:
		r.count(true)
		r.tell(Event{Job: j, State: "done", Progress: 1})
		return nil
	case taken:
		return nil // another worker has it now
	case ctx.Err() != nil:
		return r.giveBack(j, "stopped before it was done")
	case errors.Is(err, sightline.ErrFull):
		return errors.Join(err, r.giveBack(j, "the disk is full"))
	case errors.Is(err, sightline.ErrConflict):
		return r.giveBack(j, err.Error())
	}
	sentence := upTo(err.Error(), 400)
	r.count(false)
	r.tell(Event{Job: j, State: "failed", Error: sentence})
	_, err = r.env.Store.Update(ctx, r.env.Actor, func(w sightline.Writer) error {
		it, err := sightline.Get[sightline.Item](w, sightline.KindItem, j.Item)
		if err == nil {
			it.Problem = sentence
			if err := w.Put(it); err != nil {
				return err
			}
			w.Describe(sightline.Draft{
				Kind: sightline.EntryAnnotate, Result: "failed", Failed: []sightline.FailedPart{{Part: j.Kind, Error: sentence}},
				Item: &sightline.EntryItem{ID: it.ID, SHA256: it.SHA256, Size: it.Size, Type: it.Type, Copy: "evidentiary"},
				Tool: &sightline.EntryTool{Name: "sightline", Version: tool.Version},
			})
		} else if !errors.Is(err, sightline.ErrNotFound) {
			return err
		}
		return w.Finish(j, sightline.JobOutcome{Error: sentence})
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("failed to record that a job failed: %w", err)
	}
	return nil
}

// do runs the step of a job; a panic of ours is that job's failure only.
func (r *runner) do(ctx context.Context, j sightline.Job, p identify.Progress) (err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("sightline itself failed at this file: %v", x)
		}
	}()
	s, err := step(j.Kind)
	if err != nil {
		return err
	}
	return s.Run(ctx, r.env, j, p)
}

// giveBack puts a job back into the queue; it outlives the end of ctx.
func (r *runner) giveBack(j sightline.Job, why string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := r.env.Store.Update(ctx, r.env.Actor, func(w sightline.Writer) error {
		return w.Finish(j, sightline.JobOutcome{Error: why, Retry: true})
	})
	if err != nil {
		return fmt.Errorf("failed to give a job back; it is taken over when its lease ends: %w", err)
	}
	return nil
}

func (r *runner) count(done bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if done {
		r.sum.Done++
	} else {
		r.sum.Failed++
	}
}

func upTo(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
