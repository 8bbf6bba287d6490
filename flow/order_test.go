package flow_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"sightline"
	"sightline/archive"
	"sightline/flow"
	"sightline/identify"
)

// begin makes a case with items that have nothing to be done to them.
func begin(t *testing.T, n int) *archive.CaseFolder {
	t.Helper()
	t.Setenv("SIGHTLINE_HOME", t.TempDir())
	f, err := archive.Create(filepath.Join(t.TempDir(), "t"), sightline.Case{ID: "t", Prefix: "T", Title: sightline.Text{"en": "T"}, Zone: "UTC", Languages: []string{"en"}}, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.Store.Update(context.Background(), f.Actor, func(w sightline.Writer) error {
		for i := range n {
			it := &sightline.Item{ID: fmt.Sprintf("T-%03d", i+1), Title: sightline.Text{"en": "T"}, Media: "record"}
			if err := w.Put(it); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return f
}

// with replaces the table of work for a test.
func with(t *testing.T, steps ...flow.Step) {
	t.Helper()
	before := flow.Road
	flow.Road = steps
	t.Cleanup(func() { flow.Road = before })
}

// derive writes two derivatives, one entry each, as many steps do.
func derive(j sightline.Job, s sightline.Store, ctx context.Context, a sightline.Actor, between func() error) error {
	for i, role := range []string{"thumb", "preview"} {
		_, err := s.Update(ctx, a, func(w sightline.Writer) error {
			d := &sightline.Derivative{ID: j.Item + "/" + role, Item: j.Item, Role: role, SHA256: fmt.Sprintf("%064x", i), Type: "image/png"}
			if err := w.Put(d); err != nil {
				return err
			}
			w.Describe(sightline.Draft{Kind: sightline.EntryDerive, Result: "ok", Item: &sightline.EntryItem{ID: j.Item, SHA256: d.SHA256}})
			if i == 1 {
				return w.Finish(j, sightline.JobOutcome{})
			}
			return nil
		})
		if err == nil && i == 0 && between != nil {
			err = between()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func entries(t *testing.T, f *archive.CaseFolder, k sightline.EntryKind) (ids []string) {
	t.Helper()
	err := f.Store.View(context.Background(), f.Actor, func(r sightline.Reader) error {
		h, err := r.Head()
		if err != nil {
			return err
		}
		for e, err := range r.Entries(0, h.Size) {
			if err != nil {
				return err
			}
			if e.Kind == k && e.Item != nil {
				ids = append(ids, e.Item.ID)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// A worker that stops between two entries of one result leaves the first; the
// next goes on from there and writes nothing twice, however the first ended.
func TestEachPartOnce(t *testing.T) {
	for _, how := range []string{"stopped", "lost", "parked"} {
		t.Run(how, func(t *testing.T) {
			f := begin(t, 1)
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			first := true
			with(t, flow.Step{Kind: "pair", Takes: func(*sightline.Item) bool { return true }, Makes: []string{"x"}, Lane: flow.CPU, Version: 1,
				Run: func(jctx context.Context, e *identify.Env, j sightline.Job, _ identify.Progress) error {
					return derive(j, e.Store, jctx, e.Actor, func() error {
						if !first {
							return nil
						}
						first = false
						switch how {
						case "stopped":
							stop()
							return jctx.Err()
						case "parked":
							if err := f.Store.Beat(jctx, j.ID, j.Worker, time.Millisecond, 1); err != nil {
								return err
							}
						case "lost":
							if err := f.Store.Beat(jctx, j.ID, j.Worker, time.Millisecond, 0); err != nil {
								return err
							}
						}
						time.Sleep(5 * time.Millisecond)
						other, err := f.Store.Claim(jctx, "another", []string{flow.CPU}, time.Millisecond)
						if err != nil || other == nil {
							return fmt.Errorf("not taken over: %v", err)
						}
						time.Sleep(5 * time.Millisecond)
						return nil
					})
				}})
			o := flow.Options{Workers: 1, UntilIdle: true, Scratch: t.TempDir(), Unsafe: true, Poll: 10 * time.Millisecond}
			if _, err := flow.Work(ctx, f.Store, f.Blobs, f.Actor, o); err != nil {
				t.Fatal(err)
			}
			if _, err := flow.Work(context.Background(), f.Store, f.Blobs, f.Actor, o); err != nil {
				t.Fatal(err)
			}
			if got := entries(t, f, sightline.EntryDerive); len(got) != 2 {
				t.Errorf("%d entries, want 2", len(got))
			}
		})
	}
}

// Whatever takes how long, results enter the log in the order of the queue, and
// those who wait keep nobody from working.
func TestInOrder(t *testing.T) {
	const n = 40
	f := begin(t, n)
	var mu sync.Mutex
	var ran []string
	with(t, flow.Step{Kind: "slow", Takes: func(*sightline.Item) bool { return true }, Makes: []string{"x"}, Lane: flow.CPU, Version: 1,
		Params: func(it *sightline.Item) any { return it.ID },
		Run: func(ctx context.Context, e *identify.Env, j sightline.Job, _ identify.Progress) error {
			if j.Item == "T-001" {
				// As slow as all the others together.
				for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
					mu.Lock()
					all := len(ran) >= 12 // what a runner of two workers lets wait
					mu.Unlock()
					if all {
						break
					}
				}
			}
			mu.Lock()
			ran = append(ran, j.Item)
			mu.Unlock()
			if j.Item == "T-007" {
				return errors.New("it cannot be read")
			}
			return derive(j, e.Store, ctx, e.Actor, nil)
		}})
	if _, err := flow.Work(context.Background(), f.Store, f.Blobs, f.Actor, flow.Options{Workers: 2, InOrder: true, UntilIdle: true, Scratch: t.TempDir(), Unsafe: true, Poll: 10 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	if slices.IsSorted(ran) {
		t.Error("the slow job kept the others from running")
	}
	got := entries(t, f, sightline.EntryDerive)
	if len(got) != 2*(n-1) || !slices.IsSorted(got) {
		t.Errorf("%d entries in the order %v", len(got), got)
	}
	if bad := entries(t, f, sightline.EntryAnnotate); len(bad) < 1 || bad[len(bad)-1] != "T-007" {
		t.Errorf("the failure of T-007: %v", bad)
	}
}

// A worker leaves what it cannot do to others and says so once.
func TestOlderWorker(t *testing.T) {
	f := begin(t, 3)
	everything := func(*sightline.Item) bool { return true }
	run := func(ctx context.Context, e *identify.Env, j sightline.Job, _ identify.Progress) error {
		return derive(j, e.Store, ctx, e.Actor, nil)
	}
	step := func(version int) flow.Step {
		return flow.Step{Kind: "pair", Takes: everything, Makes: []string{"x"}, Lane: flow.CPU, Version: version, Run: run, Params: func(it *sightline.Item) any { return it.ID }}
	}
	ctx := context.Background()
	with(t, step(2))
	if _, err := flow.Missing(ctx, f.Store, f.Actor); err != nil {
		t.Fatal(err)
	}
	flow.Road = []flow.Step{{Kind: "pair", Takes: func(*sightline.Item) bool { return false }, Makes: []string{"x"}, Lane: flow.CPU, Version: 1, Run: run}}
	var said []string
	o := flow.Options{Workers: 2, UntilIdle: true, Scratch: t.TempDir(), Unsafe: true, Notice: func(_ sightline.Job, why string) { said = append(said, why) }}
	sum, err := flow.Work(ctx, f.Store, f.Blobs, f.Actor, o)
	if err != nil || sum.Done != 0 || sum.Failed != 0 || sum.Left != 1 || len(said) != 1 {
		t.Fatalf("%+v, %v, said %q", sum, err, said)
	}
	flow.Road = []flow.Step{step(2)}
	if sum, err := flow.Work(ctx, f.Store, f.Blobs, f.Actor, o); err != nil || sum.Done != 3 {
		t.Fatalf("a worker of the right version: %+v, %v", sum, err)
	}
}

// What a person has just added is taken before a large intake.
func TestUrgentGoesFirst(t *testing.T) {
	f := begin(t, 0)
	with(t, flow.Step{Kind: "look", Takes: func(*sightline.Item) bool { return true }, Makes: []string{"x"}, Lane: flow.CPU, Version: 1, Priority: 9,
		Params: func(it *sightline.Item) any { return it.ID }, Run: func(context.Context, *identify.Env, sightline.Job, identify.Progress) error { return nil }})
	ctx := context.Background()
	if _, err := f.Store.Update(ctx, f.Actor, func(w sightline.Writer) error {
		for i := range 20 {
			jobs := flow.JobsFor
			if i == 19 {
				jobs = flow.Urgent
			}
			for _, j := range jobs(&sightline.Item{ID: fmt.Sprintf("T-%03d", i+1)}) {
				if err := w.Enqueue(j); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if j, err := f.Store.Claim(ctx, "w", []string{flow.CPU}, time.Minute); err != nil || j == nil || j.Item != "T-020" {
		t.Errorf("%+v, %v", j, err)
	}
}
