// Package storetest is the suite that every adapter of [sightline.Store] must
// pass. A new adapter calls Run from its tests and is done when it passes.
package storetest

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sightline"
	"sightline/digest"
	"sightline/when"
)

// Clock is the injected clock of a store under test.
type Clock struct {
	mu sync.Mutex
	t  time.Time
}

// Now returns the time set last; it moves a millisecond at each call.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Millisecond)
	return c.t
}

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// NewClock starts a clock at a fixed instant.
func NewClock() *Clock { return &Clock{t: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)} }

// Opener gives a fresh, empty store that goes by clock and begins a job at
// most maxTries times.
type Opener func(t *testing.T, clock *Clock, maxTries int) sightline.Store

// Owner is the actor that the suite writes as.
func Owner() sightline.Actor { return actor("Owner", "owner", 1) }

func actor(name, role string, n byte) sightline.Actor {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	key := ed25519.NewKeyFromSeed(seed)
	return sightline.Actor{Name: name, Role: role, PublicKey: key.Public().(ed25519.PublicKey),
		Sign: func(m []byte) ([]byte, error) { return ed25519.Sign(key, m), nil }}
}

func keyOf(a sightline.Actor, action string) sightline.KeyChange {
	return sightline.KeyChange{Key: sightline.KeyID(a.PublicKey), Public: fmt.Sprintf("%x", a.PublicKey), Name: a.Name, Role: a.Role, Action: action}
}

// begin opens a store and writes the first entry.
func begin(t *testing.T, open Opener) (sightline.Store, *Clock) {
	t.Helper()
	clock := NewClock()
	s := open(t, clock, 3)
	update(t, s, func(w sightline.Writer) error {
		w.Describe(sightline.Draft{Kind: sightline.EntryOpenCase, Seal: map[string]any{"key": keyOf(Owner(), "add")}})
		return w.Put(&sightline.Case{ID: "test", Prefix: "T", Title: sightline.Text{"en": "Test"}, Zone: "UTC", Date: "2018-01-15", Languages: []string{"en"}})
	})
	return s, clock
}

func update(t *testing.T, s sightline.Store, fn func(sightline.Writer) error) sightline.Seq {
	t.Helper()
	seq, err := s.Update(context.Background(), Owner(), fn)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func view(t *testing.T, s sightline.Store, fn func(sightline.Reader) error) {
	t.Helper()
	if err := s.View(context.Background(), Owner(), fn); err != nil {
		t.Fatal(err)
	}
}

func item(id, seen string) *sightline.Item {
	return &sightline.Item{ID: id, Title: sightline.Text{"en": "Item " + id}, Seen: sightline.Text{"en": seen},
		SHA256: digest.Of([]byte(id)).String(), Size: 10, Type: "image/jpeg", Media: "photo"}
}

// Run runs the whole suite.
func Run(t *testing.T, open Opener) {
	t.Run("Objects", func(t *testing.T) { objects(t, open) })
	t.Run("Invalid", func(t *testing.T) { invalid(t, open) })
	t.Run("IDs", func(t *testing.T) { ids(t, open) })
	t.Run("Order", func(t *testing.T) { order(t, open) })
	t.Run("Search", func(t *testing.T) { search(t, open) })
	t.Run("Within", func(t *testing.T) { within(t, open) })
	t.Run("Library", func(t *testing.T) { library(t, open) })
	t.Run("Names", func(t *testing.T) { names(t, open) })
	t.Run("Rollback", func(t *testing.T) { rollback(t, open) })
	t.Run("Isolation", func(t *testing.T) { isolation(t, open) })
	t.Run("Concurrent", func(t *testing.T) { concurrent(t, open) })
	t.Run("Watch", func(t *testing.T) { watch(t, open) })
	t.Run("Document", func(t *testing.T) { document(t, open) })
	t.Run("Log", func(t *testing.T) { runLog(t, open) })
	t.Run("Jobs", func(t *testing.T) { runJobs(t, open) })
}

func objects(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	ref := sightline.Ref{Kind: sightline.KindItem, ID: "T-001"}
	first := update(t, s, func(w sightline.Writer) error { return w.Put(item("T-001", "a house")) })
	same, err := s.Update(context.Background(), Owner(), func(w sightline.Writer) error { return w.Put(item("T-001", "a house")) })
	if err != nil || same != -1 {
		t.Fatalf("writing the same value again gave entry %d, %v", same, err)
	}
	second := update(t, s, func(w sightline.Writer) error {
		if err := w.Put(item("T-001", "a yellow house")); err != nil {
			return err
		}
		// The writer reads what it wrote.
		row, err := w.Row(ref)
		if err != nil || row.Rev != 2 || row.At == "" || row.By != sightline.KeyID(Owner().PublicKey) {
			t.Errorf("inside the update: %+v, %v", row, err)
		}
		if h, err := w.History(ref); err != nil || len(h) != 2 || string(h[1].Value) != string(row.Value) {
			t.Errorf("history inside the update: %+v, %v", h, err)
		}
		return nil
	})
	if second != first+1 {
		t.Fatalf("entries %d and %d", first, second)
	}
	withdrawn := update(t, s, func(w sightline.Writer) error { return w.Withdraw(ref, "a duplicate") })
	view(t, s, func(r sightline.Reader) error {
		row, err := r.Row(ref)
		if err != nil || row.Value != nil || row.Reason != "a duplicate" || row.Seq != withdrawn || row.Rev != 3 {
			t.Errorf("withdrawn row %+v, %v", row, err)
		}
		if _, err := sightline.Get[sightline.Item](r, sightline.KindItem, "T-001"); !errors.Is(err, sightline.ErrNotFound) {
			t.Errorf("Get of a withdrawn item gave %v", err)
		}
		if n, err := r.Count(sightline.KindItem); n != 0 || err != nil {
			t.Errorf("Count %d, %v", n, err)
		}
		if got, err := r.ItemByDigest(digest.Of([]byte("T-001"))); len(got) != 0 || err != nil {
			t.Errorf("ItemByDigest finds a withdrawn item: %v, %v", got, err)
		}
		h, err := r.History(ref)
		if err != nil || len(h) != 3 {
			t.Fatalf("history %+v, %v", h, err)
		}
		for i, seq := range []sightline.Seq{first, second, withdrawn} {
			if h[i].Seq != seq || h[i].Rev != i+1 || (h[i].Value == nil) != (i == 2) {
				t.Errorf("revision %d: %+v", i+1, h[i])
			}
		}
		return nil
	})
	// Undo writes the old value over the withdrawn one.
	update(t, s, func(w sightline.Writer) error { return w.Put(item("T-001", "a house")) })
	view(t, s, func(r sightline.Reader) error {
		it, err := sightline.Get[sightline.Item](r, sightline.KindItem, "T-001")
		if err != nil || it.Seen["en"] != "a house" {
			t.Errorf("after undo: %+v, %v", it, err)
		}
		if got, err := r.ItemByDigest(digest.Of([]byte("T-001"))); !reflect.DeepEqual(got, []string{"T-001"}) {
			t.Errorf("ItemByDigest: %v, %v", got, err)
		}
		return nil
	})
	// Several writes of one object in one update are one revision.
	update(t, s, func(w sightline.Writer) error {
		return errors.Join(w.Put(item("T-001", "x")), w.Put(item("T-001", "y")))
	})
	view(t, s, func(r sightline.Reader) error {
		row, err := r.Row(ref)
		if h, herr := r.History(ref); err != nil || herr != nil || row.Rev != 5 || len(h) != 5 || string(h[4].Value) != string(row.Value) {
			t.Errorf("row %+v, history %+v", row, h)
		}
		return err
	})
}

func invalid(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	for name, fn := range map[string]func(w sightline.Writer) error{
		"unknown kind": func(w sightline.Writer) error {
			return w.PutRaw(sightline.Ref{Kind: "thing", ID: "1"}, []byte(`{"id":"1"}`))
		},
		"not JSON": func(w sightline.Writer) error { return w.PutRaw(sightline.Ref{Kind: "item", ID: "1"}, []byte(`{`)) },
		"another id": func(w sightline.Writer) error {
			return w.PutRaw(sightline.Ref{Kind: "item", ID: "1"}, []byte(`{"id":"2"}`))
		},
		"wrong type": func(w sightline.Writer) error {
			return w.PutRaw(sightline.Ref{Kind: "item", ID: "1"}, []byte(`{"id":"1","size":"big"}`))
		},
		"a list":      func(w sightline.Writer) error { return w.PutRaw(sightline.Ref{Kind: "item", ID: "1"}, []byte(`[]`)) },
		"null":        func(w sightline.Writer) error { return w.PutRaw(sightline.Ref{Kind: "item", ID: "1"}, []byte(`null`)) },
		"no id":       func(w sightline.Writer) error { return w.Put(&sightline.Item{}) },
		"control":     func(w sightline.Writer) error { return w.Put(&sightline.Item{ID: "T-\n1"}) },
		"observation": func(w sightline.Writer) error { _, err := w.NextID(sightline.KindObservation, ""); return err },
		"job":         func(w sightline.Writer) error { return w.Enqueue(sightline.Job{}) },
		"bad parameter": func(w sightline.Writer) error {
			return w.Enqueue(sightline.Job{Kind: "k", Version: "1", Params: []byte("{")})
		},
	} {
		if _, err := s.Update(context.Background(), Owner(), fn); !errors.Is(err, sightline.ErrInvalid) {
			t.Errorf("%s gave %v", name, err)
		}
	}
	view(t, s, func(r sightline.Reader) error {
		h, err := r.Head()
		if h.Size != 1 {
			t.Errorf("refused writes left %d entries", h.Size)
		}
		return err
	})
	for name, a := range map[string]sightline.Actor{"reader": {Role: "reader"}, "stranger": actor("Stranger", "owner", 9)} {
		if _, err := s.Update(context.Background(), a, func(w sightline.Writer) error { return w.Put(item("T-001", "")) }); !errors.Is(err, sightline.ErrDenied) {
			t.Errorf("%s gave %v", name, err)
		}
	}
}

func ids(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	next := func(w sightline.Writer, k sightline.Kind, parent string) string {
		id, err := w.NextID(k, parent)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	update(t, s, func(w sightline.Writer) error {
		for k, want := range map[sightline.Kind]string{"item": "T-001", "claim": "C-01", "gap": "G-01", "finding": "F-001", "event": "E-001", "constraint": "K-001", "entity": "N-01", "layer": "L-01", "edition": "v1"} {
			if got := next(w, k, ""); got != want {
				t.Errorf("first id of %s is %s, want %s", k, got, want)
			}
		}
		if a, b := next(w, "item", ""), next(w, "item", ""); a != "T-002" || b != "T-003" {
			t.Errorf("further ids %s %s", a, b)
		}
		if got := next(w, "observation", "T-014"); got != "T-014.1" {
			t.Errorf("observation %s", got)
		}
		// Only what was written counts as used.
		return errors.Join(w.Put(item("T-007", "")), w.Put(&sightline.Observation{ID: "T-014.3", Item: "T-014"}), w.Put(item("T-1200", "")), w.Put(item("X-9999", "")))
	})
	update(t, s, func(w sightline.Writer) error {
		return w.Withdraw(sightline.Ref{Kind: sightline.KindItem, ID: "T-1200"}, "a mistake")
	})
	update(t, s, func(w sightline.Writer) error {
		if got := next(w, "item", ""); got != "T-1201" {
			t.Errorf("the id of a withdrawn item was given again, or skipped: %s", got)
		}
		if got := next(w, "observation", "T-014"); got != "T-014.4" {
			t.Errorf("observation %s", got)
		}
		return nil
	})
}

func order(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	const n = 1203 // more than any page
	update(t, s, func(w sightline.Writer) error {
		for i := n; i > 0; i-- {
			if err := w.Put(item(fmt.Sprintf("T-%d", i), "")); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(r sightline.Reader) error {
		i := 0
		for row, err := range r.Rows(sightline.KindItem) {
			if err != nil {
				return err
			}
			if i++; row.ID != fmt.Sprintf("T-%d", i) {
				t.Fatalf("place %d holds %s", i, row.ID)
			}
		}
		if i != n {
			t.Errorf("%d rows, want %d", i, n)
		}
		return nil
	})
	// Writing while reading a list must neither lose nor repeat rows.
	update(t, s, func(w sightline.Writer) error {
		seen := 0
		for row, err := range w.Rows(sightline.KindItem) {
			if err != nil {
				return err
			}
			seen++
			if err := w.Put(item(row.ID, "seen")); err != nil {
				return err
			}
		}
		if seen != n {
			t.Errorf("saw %d rows, want %d", seen, n)
		}
		return nil
	})
}

func search(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	update(t, s, func(w sightline.Writer) error {
		return errors.Join(
			w.Put(item("T-001", "A helicopter over the house; Óscar speaks of a cañón")),
			w.Put(item("T-002", "A house by the road")),
			w.Put(&sightline.Claim{ID: "C-01", Text: sightline.Text{"en": "They fired a grenade launcher", "es": "Dispararon un lanzagranadas"}}))
	})
	view(t, s, func(r sightline.Reader) error {
		for q, want := range map[string]int{
			"house": 2, "HOUSE road": 1, "oscar": 1, "Óscar": 1, "canon": 1, "lanzagra": 1, "absent": 0, "": 0, "  ": 0,
			`"`: 0, `house" OR "road`: 0, "house*": 2, "NEAR(house": 0, "-house": 2, "body:house": 0, ";": 0,
		} {
			got, err := r.Search(q, 10)
			if err != nil || len(got) != want {
				t.Errorf("Search(%q) gave %v, %v; want %d", q, got, err, want)
			}
		}
		return nil
	})
	update(t, s, func(w sightline.Writer) error { return w.Put(item("T-002", "A hut by the road")) })
	view(t, s, func(r sightline.Reader) error {
		if got, err := r.Search("house", 10); err != nil || len(got) != 1 || got[0].ID != "T-001" {
			t.Errorf("an old revision is still found: %v, %v", got, err)
		}
		return nil
	})
}

func rollback(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	boom := errors.New("boom")
	_, err := s.Update(context.Background(), Owner(), func(w sightline.Writer) error {
		if err := w.Put(item("T-001", "")); err != nil {
			return err
		}
		if err := w.Enqueue(sightline.Job{Kind: "thumb", Version: "1", Input: "x"}); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	view(t, s, func(r sightline.Reader) error {
		h, err := r.Head()
		n, _ := r.Count(sightline.KindItem)
		jobs, _ := r.JobList(sightline.JobFilter{})
		if h.Size != 1 || n != 0 || len(jobs) != 0 {
			t.Errorf("a failed update left %d entries, %d items, %d jobs", h.Size, n, len(jobs))
		}
		return err
	})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Update(ctx, Owner(), func(w sightline.Writer) error { return w.Put(item("T-001", "")) }); err == nil {
		t.Error("an update with an ended context went through")
	}
	var kept sightline.Writer
	update(t, s, func(w sightline.Writer) error { kept = w; return w.Put(item("T-001", "")) })
	if err := kept.Put(item("T-002", "")); err == nil {
		t.Error("a Writer wrote after its update had ended")
	}
}

func isolation(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	view(t, s, func(r sightline.Reader) error {
		before, err := r.Head()
		if err != nil {
			return err
		}
		update(t, s, func(w sightline.Writer) error { return w.Put(item("T-001", "")) })
		after, err := r.Head()
		if n, _ := r.Count(sightline.KindItem); err != nil || before != after || n != 0 {
			t.Errorf("one view saw two states: %+v and %+v, %d items", before, after, n)
		}
		return err
	})
}

func concurrent(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	var wg sync.WaitGroup
	const each = 10
	for g := range 4 {
		wg.Go(func() {
			for range each {
				_, err := s.Update(context.Background(), Owner(), func(w sightline.Writer) error {
					id, err := w.NextID(sightline.KindItem, "")
					if err != nil {
						return err
					}
					return w.Put(item(id, fmt.Sprint(g)))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	view(t, s, func(r sightline.Reader) error {
		n, err := r.Count(sightline.KindItem)
		if h, _ := r.Head(); n != 4*each || h.Size != 4*each+1 {
			t.Errorf("%d items and %d entries, want %d and %d", n, h.Size, 4*each, 4*each+1)
		}
		return err
	})
}

func watch(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	go func() {
		for i := range 5 {
			s.Update(ctx, Owner(), func(w sightline.Writer) error { return w.Put(item(fmt.Sprintf("T-%03d", i+1), "")) }) //nolint:errcheck // the count below tells
		}
	}()
	next := sightline.Seq(0)
	for e, err := range s.Watch(ctx, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Seq != next {
			t.Fatalf("entry %d came where %d was due", e.Seq, next)
		}
		if next++; next == 6 {
			break
		}
	}
	if next != 6 {
		t.Errorf("saw %d entries, want 6", next)
	}
}

func document(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	min := when.Instant(1516019220000)
	want := &sightline.Event{ID: "E-001", Title: sightline.Text{"en": "A shot"},
		Times: []sightline.Time{{Interval: when.At(min), Zone: "America/Caracas", Printed: "08:27"}}}
	update(t, s, func(w sightline.Writer) error {
		return errors.Join(w.Put(item("T-010", "")), w.Put(item("T-002", "")), w.Put(want),
			w.Put(&sightline.Finding{ID: "F-001", About: []string{"T-002"}, Answer: json.RawMessage(`{"z":1.50,"a":[1e3]}`)}))
	})
	view(t, s, func(r sightline.Reader) error {
		d, err := sightline.Load(r)
		if err != nil {
			return err
		}
		if d.Case == nil || d.Case.ID != "test" || len(d.Items) != 2 || d.Items[0].ID != "T-002" || d.Head.Size != 2 || d.Format != sightline.DocumentFormat {
			t.Errorf("document %+v", d)
		}
		if diff := cmp.Diff([]*sightline.Event{want}, d.Events); diff != "" {
			t.Error(diff)
		}
		if got := string(d.Findings[0].Answer); got != `{"a":[1000],"z":1.5}` {
			t.Errorf("raw JSON came back as %s", got)
		}
		if d.Stories == nil || d.Gaps == nil {
			t.Error("an empty list is null, which JSON readers trip over")
		}
		return nil
	})
}

func within(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	const noon = when.Instant(1516032000000) // 2018-01-15T16:00Z
	put := func(id string, iv when.Interval, geo ...sightline.Geo) sightline.Object {
		it := item(id, "")
		if iv != (when.Interval{}) {
			it.Times = []sightline.Time{{Interval: iv}}
		}
		for i := range geo {
			it.Places = append(it.Places, sightline.Place{Role: "camera", Form: "point", Geo: &geo[i]})
		}
		return it
	}
	house, far := sightline.Geo{Lat: 10.4665, Lon: -67.0838}, sightline.Geo{Lat: 10.5, Lon: -66.9}
	update(t, s, func(w sightline.Writer) error {
		return errors.Join(
			w.Put(put("T-1", when.Between(noon, noon+1000), house)),
			w.Put(put("T-2", when.Between(noon+5000, noon+6000), house, far)),
			w.Put(put("T-3", when.Until(noon), far)),
			w.Put(put("T-4", when.Interval{}, house)),
			w.Put(put("T-5", when.At(noon+1001))))
	})
	box := &sightline.Box{South: 10.46, West: -67.09, North: 10.47, East: -67.08}
	ask := func(name string, win sightline.Window, want ...string) {
		t.Helper()
		view(t, s, func(r sightline.Reader) error {
			f, ok := r.(sightline.Finder)
			if !ok {
				t.Skip("this store has no space-time index")
			}
			refs, err := f.Within(win)
			got := []string{}
			for _, ref := range refs {
				if ref.Kind == sightline.KindItem {
					got = append(got, ref.ID)
				}
			}
			if want == nil {
				want = []string{}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
			return err
		})
	}
	ask("everything", sightline.Window{}, "T-1", "T-2", "T-3", "T-4", "T-5")
	ask("the last millisecond of T-1", sightline.Window{Time: when.At(noon + 1000)}, "T-1")
	ask("the millisecond after", sightline.Window{Time: when.At(noon + 1001)}, "T-5")
	ask("long before", sightline.Window{Time: when.Until(noon - 1e9)}, "T-3")
	ask("from then on", sightline.Window{Time: when.From(noon + 2000)}, "T-2")
	ask("at the house", sightline.Window{Box: box}, "T-1", "T-2", "T-4")
	ask("at the house, later", sightline.Window{Time: when.From(noon + 2000), Box: box}, "T-2")
	ask("elsewhere", sightline.Window{Box: &sightline.Box{South: -10, West: 0, North: 0, East: 10}})
	update(t, s, func(w sightline.Writer) error { return w.Put(put("T-2", when.At(noon+5000), far)) })
	ask("moved away", sightline.Window{Box: box}, "T-1", "T-4")
	update(t, s, func(w sightline.Writer) error {
		return w.Withdraw(sightline.Ref{Kind: sightline.KindItem, ID: "T-1"}, "")
	})
	ask("withdrawn", sightline.Window{Box: box}, "T-4")
}
