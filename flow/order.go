package flow

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"sightline"
)

// results is the store that the steps of the road write into. It is the case's
// own, with three promises about what a job writes:
//
//   - A worker that lost its job writes nothing, not even a part of a result.
//   - What an earlier try of the same job has already written is not written a
//     second time: a worker that was killed between two entries of one result
//     leaves the first, and the next goes on from there.
//   - With inOrder, results enter the log in the order of the queue, whichever
//     worker ends first, so that any number of workers makes the log that one
//     would have made.
type results struct {
	sightline.Store
	inOrder []string // lanes whose jobs follow one another in the log; none: as they end

	mu   sync.Mutex
	next chan struct{} // closed when a result of this process has entered the log
}

// entered returns a channel that is closed at the next result.
func (s *results) entered() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = make(chan struct{})
	}
	return s.next
}

func (s *results) ring() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		close(s.next)
		s.next = nil
	}
}

// hold is a job while it is worked on.
type hold struct {
	job    sightline.Job
	parked func() // told once, when the result begins to wait for those before it
}

type holdKey struct{}

// errBefore says that another job's result has to enter the log first.
var errBefore = errors.New("another result comes first")

// Update runs fn for the job that ctx belongs to.
func (s *results) Update(ctx context.Context, a sightline.Actor, fn func(sightline.Writer) error) (sightline.Seq, error) {
	h, ok := ctx.Value(holdKey{}).(*hold)
	if !ok {
		return s.Store.Update(ctx, a, fn)
	}
	wait := 5 * time.Millisecond
	for {
		entered := s.entered() // before looking, so that none falls between
		seq, err := s.turn(ctx, a, h, fn)
		if !errors.Is(err, errBefore) {
			if err == nil {
				s.ring()
			}
			return seq, err
		}
		if h.parked != nil {
			h.parked()
			h.parked = nil
		}
		t := time.NewTimer(wait)
		select {
		case <-entered:
			wait = 5 * time.Millisecond
		case <-t.C: // results of other processes
			wait = min(2*wait, 200*time.Millisecond)
		case <-ctx.Done():
			t.Stop()
			return -1, context.Cause(ctx)
		}
		t.Stop()
	}
}

func (s *results) turn(ctx context.Context, a sightline.Actor, h *hold, fn func(sightline.Writer) error) (sightline.Seq, error) {
	if len(s.inOrder) > 0 {
		// A look without a lock; the one that counts is made in the update.
		err := s.View(ctx, a, func(r sightline.Reader) error { return s.first(r, h) })
		if err != nil {
			return -1, err
		}
	}
	return s.Store.Update(ctx, a, func(w sightline.Writer) error {
		if err := s.first(w, h); err != nil {
			return err
		}
		jw := &jobWriter{Writer: w}
		if err := fn(jw); err != nil {
			return err
		}
		if !jw.finished {
			q, ok := w.(sightline.JobQueue)
			if ok {
				ours, err := q.Holds(h.job.ID, h.job.Worker)
				if err != nil {
					return err
				}
				if !ours {
					return sightline.ErrConflict
				}
			}
		}
		if jw.draft != nil && (jw.changed || jw.finished) {
			w.Describe(*jw.draft)
		}
		return nil
	})
}

// first reports errBefore while an unfinished job stands before this one.
func (s *results) first(r sightline.Reader, h *hold) error {
	q, ok := r.(sightline.JobQueue)
	if !ok || len(s.inOrder) == 0 {
		return nil
	}
	j, err := q.FirstJob(s.inOrder)
	if err != nil {
		return err
	}
	if j != nil && j.ID != h.job.ID {
		return errBefore
	}
	return nil
}

// jobWriter sees whether an update of a job changes anything. An earlier try may
// have written the same, whoever made it and however it ended.
type jobWriter struct {
	sightline.Writer
	changed  bool
	finished bool
	draft    *sightline.Draft
}

func (w *jobWriter) Put(o sightline.Object) error {
	if !w.changed {
		b, err := sightline.Canonical(o)
		if err != nil {
			return err
		}
		return w.PutRaw(o.Ref(), b)
	}
	w.changed = true
	return w.Writer.Put(o)
}

func (w *jobWriter) PutRaw(ref sightline.Ref, raw json.RawMessage) error {
	if !w.changed {
		row, err := w.Row(ref)
		if err != nil && !errors.Is(err, sightline.ErrNotFound) {
			return err
		}
		if err == nil && string(row.Value) == string(raw) {
			return nil
		}
	}
	w.changed = true
	return w.Writer.PutRaw(ref, raw)
}

func (w *jobWriter) Withdraw(ref sightline.Ref, reason string) error {
	w.changed = true
	return w.Writer.Withdraw(ref, reason)
}

func (w *jobWriter) Describe(d sightline.Draft) { w.draft = &d }

func (w *jobWriter) Finish(j sightline.Job, o sightline.JobOutcome) error {
	w.finished = true
	return w.Writer.Finish(j, o)
}

// room counts the results of a runner that wait for their turn.
type room struct {
	mu   sync.Mutex
	n    int
	most int
}

func (r *room) add(n int) {
	r.mu.Lock()
	r.n += n
	r.mu.Unlock()
}

func (r *room) full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n >= r.most
}

func (r *room) empty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n == 0
}
