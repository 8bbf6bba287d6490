package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sightline"
	"sightline/store/storetest"
)

var ctx = context.Background()

// begin opens a store with its first entry.
func begin(t testing.TB, path string, o Options) *Store {
	t.Helper()
	s, err := Create(path, origin, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	owner := storetest.Owner()
	_, err = s.Update(ctx, owner, func(w sightline.Writer) error {
		w.Describe(sightline.Draft{Kind: sightline.EntryOpenCase, Seal: map[string]any{"key": sightline.KeyChange{
			Key: sightline.KeyID(owner.PublicKey), Public: fmt.Sprintf("%x", owner.PublicKey), Name: owner.Name, Role: owner.Role, Action: "add"}}})
		return w.Put(&sightline.Case{ID: "test", Prefix: "T", Title: sightline.Text{"en": "Test"}, Zone: "UTC", Date: "2018-01-15", Languages: []string{"en"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestModel runs random updates against a plain map and against the store;
// both must agree, and replaying the log must give every row again.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp("", "sightline-model-")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		clock := storetest.NewClock()
		s := begin(t, filepath.Join(dir, "case.db"), Options{Now: clock.Now, LogKey: signer(t), Scratch: true})
		defer s.Close()
		type state struct {
			seen string
			rev  int
			gone bool
		}
		model := map[string]state{}
		fail := errors.New("fail")
		for range rapid.IntRange(1, 8).Draw(rt, "updates") {
			next := map[string]state{}
			for k, v := range model {
				next[k] = v
			}
			ends := rapid.Bool().Draw(rt, "fails") && rapid.Bool().Draw(rt, "really")
			touched := map[string]bool{}
			_, err := s.Update(ctx, storetest.Owner(), func(w sightline.Writer) error {
				for range rapid.IntRange(1, 4).Draw(rt, "changes") {
					id := rapid.SampledFrom([]string{"T-1", "T-2", "T-10", "T-2.1"}).Draw(rt, "id")
					was := next[id]
					bump := func() int {
						if touched[id] {
							return was.rev
						}
						touched[id] = true
						return was.rev + 1
					}
					if was.rev > 0 && !was.gone && rapid.IntRange(0, 3).Draw(rt, "withdraw") == 0 {
						if err := w.Withdraw(sightline.Ref{Kind: "item", ID: id}, "r"); err != nil {
							return err
						}
						next[id] = state{was.seen, bump(), true}
						continue
					}
					seen := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "seen")
					it := &sightline.Item{ID: id, Seen: sightline.Text{"en": seen},
						Places: []sightline.Place{{Geo: &sightline.Geo{Lat: 10, Lon: -67}}}}
					if err := w.Put(it); err != nil {
						return err
					}
					if was.rev == 0 || was.gone || was.seen != seen {
						next[id] = state{seen, bump(), false}
					}
				}
				if ends {
					return fail
				}
				return nil
			})
			switch {
			case ends && !errors.Is(err, fail), !ends && err != nil:
				rt.Fatal(err)
			case !ends:
				model = next
			}
		}
		got := map[string]state{}
		if err := s.View(ctx, sightline.Actor{}, func(r sightline.Reader) error {
			for id := range model {
				row, err := r.Row(sightline.Ref{Kind: "item", ID: id})
				if err != nil {
					return err
				}
				st := state{model[id].seen, row.Rev, row.Value == nil}
				if !st.gone {
					it, err := sightline.Get[sightline.Item](r, "item", id)
					if err != nil {
						return err
					}
					st.seen = it.Seen["en"]
				}
				got[id] = st
				h, err := r.History(sightline.Ref{Kind: "item", ID: id})
				if err != nil || len(h) != row.Rev {
					rt.Fatalf("%s: revision %d, history %d, %v", id, row.Rev, len(h), err)
				}
			}
			return nil
		}); err != nil {
			rt.Fatal(err)
		}
		if !reflect.DeepEqual(got, model) {
			rt.Fatalf("store %+v\nmodel %+v", got, model)
		}
		diffs, err := s.Rebuild(ctx, dir)
		if err != nil || len(diffs) > 0 {
			rt.Fatalf("replay: %+v, %v", diffs, err)
		}
	})
}

// TestTwoStoresOneFile: two servers on one file see each other's entries and
// never fork the log.
func TestTwoStoresOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "case.db")
	a := begin(t, path, Options{LogKey: signer(t)})
	b, err := Open(path, Options{LogKey: signer(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	const each = 15
	done := make(chan error, 2)
	for _, s := range []*Store{a, b} {
		go func() {
			for range each {
				if _, err := s.Update(ctx, storetest.Owner(), func(w sightline.Writer) error {
					id, err := w.NextID("item", "")
					return errors.Join(err, w.Put(&sightline.Item{ID: id}))
				}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	c, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	n := sightline.Seq(0)
	for e, err := range b.Watch(c, 0) {
		if err != nil || e.Seq != n {
			t.Fatalf("entry %d where %d was due, %v", e.Seq, n, err)
		}
		if n++; n == 2*each+1 {
			break
		}
	}
	if n != 2*each+1 {
		t.Errorf("saw %d entries, want %d", n, 2*each+1)
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if diffs, err := a.Rebuild(ctx, ""); err != nil || len(diffs) > 0 {
		t.Errorf("%+v, %v", diffs, err)
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "case.db")
	s := begin(t, path, Options{})
	if _, err := s.Checkpoint(ctx); !errors.Is(err, sightline.ErrDenied) {
		t.Errorf("a checkpoint without the log's key: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path, origin, Options{}); !errors.Is(err, sightline.ErrConflict) {
		t.Errorf("Create over a case: %v", err)
	}
	if _, err := Create(filepath.Join(dir, "x.db"), "two words", Options{}); !errors.Is(err, sightline.ErrInvalid) {
		t.Errorf("an origin with a space: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "absent.db"), Options{}); !errors.Is(err, sightline.ErrNotFound) {
		t.Errorf("Open of nothing: %v", err)
	}
	text := filepath.Join(dir, "text.db")
	os.WriteFile(text, []byte("this is not a database, only a text that is long enough to have a header of some sort"), 0o600)
	if _, err := Open(text, Options{}); !errors.Is(err, sightline.ErrDamaged) {
		t.Errorf("Open of a text: %v", err)
	}
	empty := filepath.Join(dir, "empty.db")
	os.WriteFile(empty, nil, 0o600)
	if _, err := Open(empty, Options{}); !errors.Is(err, sightline.ErrInvalid) {
		t.Errorf("Open of an empty file: %v", err)
	}
	r, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Update(ctx, storetest.Owner(), func(w sightline.Writer) error { return w.Put(&sightline.Item{ID: "T-1"}) }); !errors.Is(err, sightline.ErrDenied) {
		t.Errorf("writing to a case opened for reading: %v", err)
	}
}

// TestCheckpointsComeByThemselves: after a minute of change and after a
// thousand entries.
func TestCheckpointsComeByThemselves(t *testing.T) {
	clock := storetest.NewClock()
	s := begin(t, filepath.Join(t.TempDir(), "case.db"), Options{Now: clock.Now, LogKey: signer(t)})
	put := func(n int) {
		if _, err := s.Update(ctx, storetest.Owner(), func(w sightline.Writer) error {
			return w.Put(&sightline.Item{ID: fmt.Sprintf("T-%d", n)})
		}); err != nil {
			t.Fatal(err)
		}
	}
	put(1)
	put(2)
	clock.Advance(time.Minute)
	put(3)
	put(4)
	var sizes []int64
	if err := s.View(ctx, sightline.Actor{}, func(r sightline.Reader) error {
		cs, err := r.Checkpoints()
		for _, c := range cs {
			sizes = append(sizes, c.Size)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if want := []int64{1, 4}; !reflect.DeepEqual(sizes, want) {
		t.Errorf("checkpoints at %v, want %v", sizes, want)
	}
}

// BenchmarkUpdate is one entry with one item, safe on the disk.
func BenchmarkUpdate(b *testing.B) {
	s := begin(b, filepath.Join(b.TempDir(), "case.db"), Options{LogKey: signer(b)})
	n := 0
	for b.Loop() {
		n++
		if _, err := s.Update(ctx, storetest.Owner(), func(w sightline.Writer) error {
			return w.Put(&sightline.Item{ID: fmt.Sprintf("T-%d", n), Seen: sightline.Text{"en": "a house by the road"}})
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRows reads a list of 10,000 items.
func BenchmarkRows(b *testing.B) {
	s := begin(b, filepath.Join(b.TempDir(), "case.db"), Options{})
	if _, err := s.Update(ctx, storetest.Owner(), func(w sightline.Writer) error {
		for i := range 10000 {
			if err := w.Put(&sightline.Item{ID: fmt.Sprintf("T-%d", i), Seen: sightline.Text{"en": "a house by the road"}}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.View(ctx, sightline.Actor{}, func(r sightline.Reader) error {
			_, err := sightline.All[sightline.Item](r, "item")
			return err
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestFullDisk: SQLite is told that the disk ends here. The update fails with
// ErrFull, nothing of it stays, and the case goes on once there is room.
func TestFullDisk(t *testing.T) {
	s := begin(t, filepath.Join(t.TempDir(), "case.db"), Options{LogKey: signer(t)})
	put := func(n int) error {
		_, err := s.Update(ctx, storetest.Owner(), func(w sightline.Writer) error {
			return w.Put(&sightline.Item{ID: fmt.Sprintf("T-%d", n), Notes: fmt.Sprintf("%0100000d", n)})
		})
		return err
	}
	limit := func(pages int) {
		if _, err := s.write.Exec(fmt.Sprintf("PRAGMA max_page_count=%d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(1); err != nil {
		t.Fatal(err)
	}
	limit(1) // SQLite raises this to the present size
	if err := put(2); !errors.Is(err, sightline.ErrFull) {
		t.Fatalf("on a full disk: %v", err)
	}
	limit(1 << 30)
	if err := put(3); err != nil {
		t.Fatal(err)
	}
	if err := s.View(ctx, sightline.Actor{}, func(r sightline.Reader) error {
		h, err := r.Head()
		if n, _ := r.Count("item"); h.Size != 3 || n != 2 {
			t.Errorf("%d entries and %d items, want 3 and 2", h.Size, n)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if diffs, err := s.Rebuild(ctx, ""); err != nil || len(diffs) > 0 {
		t.Errorf("%+v, %v", diffs, err)
	}
}
