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
	Lanes     []string       // none: all
	Workers   int            // in the lane of processors; 0: one for each
	Limits    map[string]int // jobs at once in other lanes; not there: one
	UntilIdle bool           // return when there is nothing left to do
	Scratch   string         // folder for temporary files, on the file system of the blobs
	Unsafe    bool           // run external programs even where no sandbox works
	Lease     time.Duration  // 0: one minute
	Poll      time.Duration  // how often to look for new work; 0: half a second
	Progress  func(Event)    // called from several goroutines

	// InOrder lets results enter the log in the order of the queue. Every
	// worker of the case has to do the same, and some worker has to serve each
	// lane: then any number of workers makes the log that one would have made.
	// A result that is ready early waits, and its worker goes on.
	InOrder bool
	// Notice is told, once for each kind and version, of work that is left to
	// another worker because this one cannot do it.
	Notice func(sightline.Job, string)
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
	Left   int `json:"left,omitempty"` // kinds and versions of work that this worker cannot do
}

// Work does the waiting jobs of a case. With UntilIdle it returns when none is
// left, else when ctx ends; the end of ctx is no error.
func Work(ctx context.Context, s sightline.Store, b sightline.Blobs, a sightline.Actor, o Options) (Summary, error) {
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
	res := &results{Store: s}
	if o.InOrder {
		res.inOrder = []string{CPU, Video}
	}
	env := &identify.Env{Store: res, Blobs: b, Actor: a, Box: box}
	if pool, err := tool.NewExifTool(box, o.Workers); err == nil {
		env.Exif = pool
		defer pool.Close()
	}
	run := &runner{env: env, o: o, res: res, held: room{most: 8 + 4*o.Workers}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	fail := func(err error) {
		run.fail(err)
		cancel()
	}
	// Jobs that items lack are looked for beside the work, unless this worker is
	// to leave when all is done: a case of a million items takes a while.
	if o.UntilIdle {
		if _, err := Missing(ctx, s, a); err != nil {
			return Summary{}, err
		}
	} else {
		run.wg.Go(func() {
			if _, err := Missing(ctx, s, a); err != nil && ctx.Err() == nil {
				fail(err)
			}
		})
	}
	for _, lane := range o.Lanes {
		n := o.Workers
		if lane != CPU {
			n = max(1, o.Limits[lane])
		}
		for i := range n {
			run.wg.Go(func() {
				if err := run.lane(ctx, lane, i); err != nil {
					fail(err)
				}
			})
		}
	}
	run.wg.Wait()
	run.sum.Left = len(run.not)
	return run.sum, run.err
}

type runner struct {
	env  *identify.Env
	res  *results
	o    Options
	wg   sync.WaitGroup
	held room
	mu   sync.Mutex
	sum  Summary
	err  error
	not  []sightline.Skill
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

// lane claims and does the jobs of one lane. When a result has to wait for its
// turn, the lane goes on to the next job beside it.
func (r *runner) lane(ctx context.Context, lane string, i int) error {
	host, _ := os.Hostname()
	worker := fmt.Sprintf("%s/%d/%s/%d", host, os.Getpid(), lane, i)
	for ctx.Err() == nil {
		j, err := r.claim(ctx, worker, lane)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("failed to take the next job: %w", err)
		}
		if j == nil {
			if r.o.UntilIdle && r.held.empty() {
				return nil
			}
			wait := r.o.Poll
			if !r.held.empty() {
				wait = min(wait, 50*time.Millisecond)
			}
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
			continue
		}
		if !r.o.InOrder {
			if err := r.one(ctx, worker, &hold{job: *j}); err != nil {
				return err
			}
			continue
		}
		free, ended := make(chan struct{}), make(chan error, 1)
		r.wg.Go(func() {
			waits := false
			err := r.one(ctx, worker, &hold{job: *j, parked: func() {
				waits = true
				r.held.add(1)
				close(free)
			}})
			if waits {
				r.held.add(-1)
			}
			ended <- err
			if waits && err != nil {
				r.fail(err)
			}
		})
		select {
		case err := <-ended:
			if err != nil {
				return err
			}
		case <-free:
		}
	}
	return nil
}

// claim takes the next job of a lane that this worker can do. While too many
// results wait, only the job that all of them wait for is taken.
func (r *runner) claim(ctx context.Context, worker, lane string) (*sightline.Job, error) {
	c, ok := r.env.Store.(*results).Store.(sightline.Claimer)
	if !ok {
		return r.env.Store.Claim(ctx, worker, []string{lane}, r.o.Lease)
	}
	for {
		r.mu.Lock()
		ask := sightline.Ask{Worker: worker, Lanes: []string{lane}, Lease: r.o.Lease, Not: r.not}
		r.mu.Unlock()
		if r.held.full() {
			ask.Before = r.res.inOrder
		}
		why := ""
		j, taken, err := c.ClaimFor(ctx, ask, func(j sightline.Job) bool {
			why = Cannot(j)
			return why == ""
		})
		if err != nil || j == nil || taken {
			return j, err
		}
		r.leave(*j, why)
	}
}

// leave remembers work that this worker cannot do.
func (r *runner) leave(j sightline.Job, why string) {
	r.mu.Lock()
	skill := sightline.Skill{Kind: j.Kind, Version: j.Version}
	known := false
	for _, n := range r.not {
		known = known || n == skill
	}
	if !known {
		// A new list: asks that are under way still read the old one.
		r.not = append(r.not[:len(r.not):len(r.not)], skill)
	}
	r.mu.Unlock()
	if !known && r.o.Notice != nil {
		r.o.Notice(j, why)
	}
}

// one does a job. Its error is for what concerns all jobs, such as a full disk.
func (r *runner) one(ctx context.Context, worker string, h *hold) error {
	j := h.job
	r.tell(Event{Job: j, State: "running"})
	jctx, cancel := context.WithCancelCause(context.WithValue(ctx, holdKey{}, h))
	defer cancel(nil)
	var mu sync.Mutex
	progress := 0.0
	if told := h.parked; told != nil {
		h.parked = func() {
			// A job whose result is ready is not to blame when its worker dies.
			mu.Lock()
			progress = 1
			mu.Unlock()
			r.env.Store.Beat(jctx, j.ID, worker, r.o.Lease, 1) //nolint:errcheck // the next beat says it again
			told()
		}
	}
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
	sentence := ""
	if err != nil && jctx.Err() == nil && !errors.Is(err, sightline.ErrFull) && !errors.Is(err, sightline.ErrConflict) {
		// The job's own failure is a result as well. The lease is kept until it
		// is in the log.
		sentence = upTo(err.Error(), 400)
		err = r.failed(jctx, j, sentence)
	}
	taken := errors.Is(context.Cause(jctx), sightline.ErrConflict)
	cancel(nil)
	<-beats
	switch {
	case err == nil && sentence != "":
		r.count(false)
		r.tell(Event{Job: j, State: "failed", Error: sentence})
		return nil
	case err == nil:
		r.count(true)
		r.tell(Event{Job: j, State: "done", Progress: 1})
		return nil
	case taken:
		return nil // another worker has it now
	case ctx.Err() != nil:
		return r.giveBack(j, sightline.JobOutcome{Error: "stopped before it was done", Retry: true, Stopped: true})
	case errors.Is(err, sightline.ErrFull):
		return errors.Join(err, r.giveBack(j, sightline.JobOutcome{Error: "the disk is full", Retry: true, Stopped: true}))
	case errors.Is(err, sightline.ErrConflict):
		return r.giveBack(j, sightline.JobOutcome{Error: err.Error(), Retry: true})
	}
	return fmt.Errorf("failed to record that a job failed: %w", err)
}

// failed records that a job failed, on its item and in the queue.
func (r *runner) failed(ctx context.Context, j sightline.Job, sentence string) error {
	_, err := r.env.Store.Update(ctx, r.env.Actor, func(w sightline.Writer) error {
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
	return err
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
func (r *runner) giveBack(j sightline.Job, out sightline.JobOutcome) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := r.env.Store.Update(ctx, r.env.Actor, func(w sightline.Writer) error {
		return w.Finish(j, out)
	})
	if errors.Is(err, sightline.ErrConflict) {
		return nil // another worker has it already
	}
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
