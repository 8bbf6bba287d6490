package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"sightline"
)

func runJobs(t *testing.T, open Opener) {
	t.Run("Identity", func(t *testing.T) { jobIdentity(t, open) })
	t.Run("Lease", func(t *testing.T) { jobLease(t, open) })
	t.Run("Finish", func(t *testing.T) { jobFinish(t, open) })
	t.Run("Tries", func(t *testing.T) { jobTries(t, open) })
	t.Run("Stopped", func(t *testing.T) { jobStopped(t, open) })
	t.Run("Clock", func(t *testing.T) { jobClock(t, open) })
	t.Run("Ask", func(t *testing.T) { jobAsk(t, open) })
	t.Run("OneWorkerEach", func(t *testing.T) { jobRace(t, open) })
}

func job(kind, input string) sightline.Job {
	return sightline.Job{Kind: kind, Input: input, Version: "1", Lane: "cpu", Item: "T-001"}
}

func enqueue(t *testing.T, s sightline.Store, js ...sightline.Job) {
	t.Helper()
	update(t, s, func(w sightline.Writer) error {
		for _, j := range js {
			if err := w.Enqueue(j); err != nil {
				return err
			}
		}
		return nil
	})
}

func claim(t *testing.T, s sightline.Store, worker string, lanes ...string) *sightline.Job {
	t.Helper()
	j, err := s.Claim(context.Background(), worker, lanes, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func list(t *testing.T, s sightline.Store, f sightline.JobFilter) (out []sightline.Job) {
	t.Helper()
	view(t, s, func(r sightline.Reader) (err error) {
		out, err = r.JobList(f)
		return err
	})
	return out
}

func jobIdentity(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	a := job("thumb", "aa")
	a.Params = json.RawMessage(`{"w": 320, "h": 200}`)
	same := a
	same.Params = json.RawMessage(`{"h":200,"w":3.2e2}`) // the same parameters, written otherwise
	same.Priority, same.Item = 9, "T-002"
	newer := a
	newer.Version = "2"
	other := a
	other.Params = json.RawMessage(`{"h":200,"w":321}`)
	enqueue(t, s, a, same, newer, other)
	enqueue(t, s, a)
	if got := list(t, s, sightline.JobFilter{}); len(got) != 3 {
		t.Errorf("%d jobs, want 3: %+v", len(got), got)
	}
	if h := headSize(t, s); h != 1 {
		t.Errorf("queueing wrote %d entries to the log", h-1)
	}
}

func headSize(t *testing.T, s sightline.Store) (n int64) {
	view(t, s, func(r sightline.Reader) error {
		h, err := r.Head()
		n = h.Size
		return err
	})
	return n
}

func jobLease(t *testing.T, open Opener) {
	s, clock := begin(t, open)
	urgent := job("thumb", "bb")
	urgent.Priority = 10
	enqueue(t, s, job("thumb", "aa"), urgent, func() sightline.Job { j := job("proxy", "cc"); j.Lane = "video"; return j }())
	first := claim(t, s, "w1", "cpu")
	if first == nil || first.Input != "bb" || first.State != "running" || first.Tries != 1 || first.Worker != "w1" {
		t.Fatalf("first claim %+v", first)
	}
	second := claim(t, s, "w2", "cpu")
	if second == nil || second.Input != "aa" {
		t.Fatalf("second claim %+v", second)
	}
	if j := claim(t, s, "w3", "cpu"); j != nil {
		t.Fatalf("a job of another lane or worker was claimed: %+v", j)
	}
	if j := claim(t, s, "w3", "cpu", "video"); j == nil || j.Input != "cc" {
		t.Fatalf("third claim %+v", j)
	}
	ctx := context.Background()
	clock.Advance(50 * time.Second)
	if err := s.Beat(ctx, first.ID, "w1", time.Minute, 0.5); err != nil {
		t.Fatal(err)
	}
	if err := s.Beat(ctx, first.ID, "w2", time.Minute, 0.5); !errors.Is(err, sightline.ErrConflict) {
		t.Errorf("another worker extended the lease: %v", err)
	}
	clock.Advance(20 * time.Second) // w2 and w3 are silent for 70 s; w1 was heard 20 s ago
	taken := claim(t, s, "w4", "cpu")
	if taken == nil || taken.ID != second.ID || taken.Tries != 2 {
		t.Fatalf("the silent worker's job was not taken over: %+v", taken)
	}
	if j := claim(t, s, "w4", "cpu"); j != nil {
		t.Errorf("a job with a live lease was taken: %+v", j)
	}
	if err := s.Beat(ctx, second.ID, "w2", time.Minute, 0.9); !errors.Is(err, sightline.ErrConflict) {
		t.Errorf("the worker that lost the job may go on: %v", err)
	}
	got := list(t, s, sightline.JobFilter{State: "running", Kind: "thumb"})
	for _, j := range got {
		if j.ID == first.ID && j.Progress != 0.5 {
			t.Errorf("progress %v", j.Progress)
		}
	}
}

func jobFinish(t *testing.T, open Opener) {
	s, clock := begin(t, open)
	enqueue(t, s, job("thumb", "aa"))
	j := claim(t, s, "w1", "cpu")
	boom := errors.New("boom")
	_, err := s.Update(context.Background(), Owner(), func(w sightline.Writer) error {
		if err := errors.Join(w.Put(item("T-001", "")), w.Finish(*j, sightline.JobOutcome{})); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if got := list(t, s, sightline.JobFilter{State: "running"}); len(got) != 1 {
		t.Fatal("a result that did not commit ended its job")
	}
	// A worker that lost its lease must not write its result.
	clock.Advance(2 * time.Minute)
	j2 := claim(t, s, "w2", "cpu")
	late := func(w sightline.Writer) error {
		return errors.Join(w.Put(item("T-001", "late")), w.Finish(*j, sightline.JobOutcome{}))
	}
	if _, err := s.Update(context.Background(), Owner(), late); !errors.Is(err, sightline.ErrConflict) {
		t.Errorf("the late worker's result: %v", err)
	}
	update(t, s, func(w sightline.Writer) error {
		w.Describe(sightline.Draft{Kind: sightline.EntryDerive})
		return errors.Join(w.Put(item("T-001", "")), w.Finish(*j2, sightline.JobOutcome{}))
	})
	if got := list(t, s, sightline.JobFilter{State: "done", Item: "T-001"}); len(got) != 1 || got[0].Progress != 1 || got[0].Ended == "" {
		t.Errorf("done: %+v", got)
	}
	enqueue(t, s, job("thumb", "aa"))
	if j := claim(t, s, "w1", "cpu"); j != nil {
		t.Errorf("finished work was queued again: %+v", j)
	}
}

func jobTries(t *testing.T, open Opener) {
	s, clock := begin(t, open)
	enqueue(t, s, job("thumb", "aa"), job("thumb", "bb"), job("thumb", "cc"))
	end := func(j *sightline.Job, o sightline.JobOutcome) {
		t.Helper()
		update(t, s, func(w sightline.Writer) error { return w.Finish(*j, o) })
	}
	for try := 1; try <= 3; try++ {
		j := claim(t, s, "w", "cpu")
		if j == nil || j.Input != "aa" || j.Tries != try {
			t.Fatalf("try %d: %+v", try, j)
		}
		end(j, sightline.JobOutcome{Error: "ffmpeg: no space", Retry: true})
	}
	if got := list(t, s, sightline.JobFilter{State: "failed"}); len(got) != 1 || got[0].Error != "ffmpeg: no space" {
		t.Fatalf("after three tries: %+v", got)
	}
	end(claim(t, s, "w", "cpu"), sightline.JobOutcome{Error: "not a picture"})
	if got := list(t, s, sightline.JobFilter{State: "failed"}); len(got) != 2 {
		t.Fatalf("an error without Retry is final: %+v", got)
	}
	// A worker that dies each time must not be fed for ever.
	for range 3 {
		if j := claim(t, s, "w", "cpu"); j == nil || j.Input != "cc" {
			t.Fatalf("claim %+v", j)
		}
		clock.Advance(2 * time.Minute)
	}
	if j := claim(t, s, "w", "cpu"); j != nil {
		t.Fatalf("a fourth try: %+v", j)
	}
	if got := list(t, s, sightline.JobFilter{State: "failed"}); len(got) != 3 {
		t.Errorf("failed: %+v", got)
	}
}

// jobStopped: a worker that was asked to stop, or died over a result that was
// whole, uses up no tries.
func jobStopped(t *testing.T, open Opener) {
	s, clock := begin(t, open)
	enqueue(t, s, job("thumb", "aa"))
	for range 5 {
		j := claim(t, s, "w", "cpu")
		if j == nil || j.Tries != 1 {
			t.Fatalf("claim %+v", j)
		}
		update(t, s, func(w sightline.Writer) error {
			return w.Finish(*j, sightline.JobOutcome{Error: "stopped", Retry: true, Stopped: true})
		})
	}
	for range 5 {
		j := claim(t, s, "w", "cpu")
		if j == nil || j.Tries != 1 {
			t.Fatalf("claim %+v", j)
		}
		if err := s.Beat(context.Background(), j.ID, "w", time.Minute, 1); err != nil {
			t.Fatal(err)
		}
		clock.Advance(2 * time.Minute)
	}
}

// jobClock: a clock that is set back makes no lease last for ever, and one that
// runs ahead costs work and no result.
func jobClock(t *testing.T, open Opener) {
	s, clock := begin(t, open)
	enqueue(t, s, job("thumb", "aa"))
	first := claim(t, s, "w1", "cpu")
	clock.Advance(-24 * time.Hour)
	second := claim(t, s, "w2", "cpu")
	if second == nil {
		t.Fatal("the lease of a day ahead was kept")
	}
	if err := s.Beat(context.Background(), first.ID, "w1", time.Minute, 0); !errors.Is(err, sightline.ErrConflict) {
		t.Errorf("the first worker goes on: %v", err)
	}
	if j := claim(t, s, "w3", "cpu"); j != nil {
		t.Errorf("a lease by the clock as it is now was not kept: %+v", j)
	}
	clock.Advance(48 * time.Hour)
	third := claim(t, s, "w3", "cpu")
	if third == nil {
		t.Fatal("a lease that ended was kept")
	}
	if _, err := s.Update(context.Background(), Owner(), func(w sightline.Writer) error { return w.Finish(*second, sightline.JobOutcome{}) }); !errors.Is(err, sightline.ErrConflict) {
		t.Errorf("the worker that lost its job ended it: %v", err)
	}
	update(t, s, func(w sightline.Writer) error { return w.Finish(*third, sightline.JobOutcome{}) })
}

// jobAsk: what a worker cannot do is left, and the queue can be looked at.
func jobAsk(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	ctx := context.Background()
	c, ok := s.(sightline.Claimer)
	if !ok {
		t.Fatal("the store hands out work to nobody who says more of itself")
	}
	newer := job("thumb", "aa")
	newer.Version, newer.Priority = "9", 8
	video := job("proxy", "bb")
	video.Lane, video.Priority = "video", 9
	enqueue(t, s, newer, job("thumb", "cc"), video)
	ask := sightline.Ask{Worker: "w", Lanes: []string{"cpu"}, Lease: time.Minute}
	j, taken, err := c.ClaimFor(ctx, ask, func(j sightline.Job) bool { return j.Version == "1" })
	if err != nil || taken || j == nil || j.Version != "9" {
		t.Fatalf("%v %v %+v", err, taken, j)
	}
	ask.Not = []sightline.Skill{{Kind: j.Kind, Version: j.Version}}
	ask.Before = []string{"cpu", "video"}
	if j, taken, err := c.ClaimFor(ctx, ask, nil); err != nil || taken || j != nil {
		t.Fatalf("a job that does not stand first: %v %v %+v", err, taken, j)
	}
	ask.Before = nil
	mine, taken, err := c.ClaimFor(ctx, ask, nil)
	if err != nil || !taken || mine.Input != "cc" {
		t.Fatalf("%v %v %+v", err, taken, mine)
	}
	if left := list(t, s, sightline.JobFilter{State: "waiting", Kind: "thumb"}); len(left) != 1 || left[0].Tries != 0 {
		t.Errorf("the work that was left: %+v", left)
	}
	view(t, s, func(r sightline.Reader) error {
		q := r.(sightline.JobQueue)
		if j, err := q.FirstJob([]string{"cpu", "video"}); err != nil || j == nil || j.Input != "bb" {
			t.Errorf("first of all: %v %+v", err, j)
		}
		if j, err := q.FirstJob([]string{"cpu"}); err != nil || j == nil || j.Input != "aa" {
			t.Errorf("first of a lane: %v %+v", err, j)
		}
		if j, err := q.FirstJob([]string{"net"}); err != nil || j != nil {
			t.Errorf("an empty lane: %v %+v", err, j)
		}
		if ok, err := q.Holds(mine.ID, "w"); err != nil || !ok {
			t.Errorf("%v %v", ok, err)
		}
		if ok, err := q.Holds(mine.ID, "x"); err != nil || ok {
			t.Errorf("%v %v", ok, err)
		}
		known, err := q.KnownJobs([]string{mine.ID, "nothing"})
		if err != nil || len(known) != 1 || !known[mine.ID] {
			t.Errorf("%v %v", known, err)
		}
		return nil
	})
}

func jobRace(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	js := []sightline.Job{}
	for i := range 24 {
		js = append(js, job("thumb", fmt.Sprint(i)))
	}
	enqueue(t, s, js...)
	var mu sync.Mutex
	got := map[string]int{}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for {
				j, err := s.Claim(context.Background(), fmt.Sprint("w", w), []string{"cpu"}, time.Hour)
				if err != nil {
					t.Error(err)
				}
				if err != nil || j == nil {
					return
				}
				mu.Lock()
				got[j.ID]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(got) != len(js) {
		t.Errorf("%d jobs were claimed, want %d", len(got), len(js))
	}
	for id, n := range got {
		if n != 1 {
			t.Errorf("job %s was claimed %d times", id, n)
		}
	}
}
