package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sightline"
	"sightline/store/storetest"
)

// TestRefusals: each way in which a database is not what it should be gives one
// sentence with its sentinel, and nothing is written.
func TestRefusals(t *testing.T) {
	c := storetest.StartPostgres(t)
	full := c.Database(t)
	a := address(t, full)
	begin(t, a, Options{LogKey: signer(t)}).Close()

	says := func(name string, err, want error, words string) {
		t.Helper()
		if !errors.Is(err, want) || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s gives %v", name, err)
		}
	}
	open := func(a Address) error {
		s, err := Open(ctx, a, Options{})
		if err == nil {
			s.Close()
		}
		return err
	}
	_, err := Create(ctx, a, origin, Options{})
	says("a case over another", err, sightline.ErrConflict, "never written over")
	_, err = Create(ctx, a, "two words", Options{})
	says("an origin with a space", err, sightline.ErrInvalid, "space")
	says("a case that is not there", open(a.WithCase("absent")), sightline.ErrNotFound, `no case "absent"`)
	for _, s := range []string{"mysql://x/y", "postgres://x/y?case=Has Spaces", "postgres://x/y?case=" + strings.Repeat("a", 70), "postgres://%zz"} {
		_, err := ParseAddress(s)
		says(s, err, sightline.ErrInvalid, "")
	}
	nobody, err := ParseAddress(c.Address("nowhere", "sightline"))
	if err != nil {
		t.Fatal(err)
	}
	says("a database that is not there", open(nobody.WithCase("test")), sightline.ErrNotFound, "no database")

	away, err := ParseAddress("postgres://127.0.0.1:1/x")
	if err != nil {
		t.Fatal(err)
	}
	if err := open(away.WithCase("test")); err == nil || !strings.Contains(err.Error(), "cannot be reached") || strings.Contains(err.Error(), "\n") {
		t.Errorf("a server that is not there: %v", err)
	}

	database := a.config.Database
	c.SQL(t, database, `CREATE ROLE reader LOGIN;`)
	reader, err := ParseAddress(c.Address(database, "reader"))
	if err != nil {
		t.Fatal(err)
	}
	if err := open(reader.WithCase("test")); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a role without rights: %v", err)
	}
	c.SQL(t, database, `GRANT USAGE ON SCHEMA case_test TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA case_test TO reader;`)
	s, err := Open(ctx, reader.WithCase("test"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Update(ctx, storetest.Owner(), func(w sightline.Writer) error { return w.Put(&sightline.Item{ID: "T-1"}) })
	says("writing as a role that may read", err, sightline.ErrDenied, "may not")
	s.Close()
	ro, err := Open(ctx, a, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = ro.Update(ctx, storetest.Owner(), func(w sightline.Writer) error { return w.Put(&sightline.Item{ID: "T-1"}) })
	says("writing to a case opened for reading", err, sightline.ErrDenied, "reading only")
	ro.Close()

	c.SQL(t, database, `UPDATE case_test.format SET version=99;`)
	says("a case of a later version", open(a), sightline.ErrNewer, "update sightline")
	c.SQL(t, database, `DELETE FROM case_test.format;`)
	says("a case that is half made", open(a), sightline.ErrDamaged, "half made")
	c.SQL(t, database, fmt.Sprintf(`INSERT INTO case_test.format VALUES(%d); ALTER TABLE case_test.words RENAME TO lost;`, len(schema)))
	says("a case without a table", open(a), sightline.ErrDamaged, "16 of the 17")
	c.SQL(t, database, `ALTER TABLE case_test.lost RENAME TO words; ALTER SCHEMA case_test RENAME TO case_other;`)
	says("a schema of another case", open(a.WithCase("other")), sightline.ErrConflict, "another case")
	c.SQL(t, database, `ALTER SCHEMA case_other RENAME TO case_test; CREATE SCHEMA case_second;`)
	a.Case = ""
	says("an address without a case", open(a), sightline.ErrInvalid, "second, test")
}

// TestDatabaseGoesAway: an update that finds no database waits for it; one
// that waits too long says so, and the next goes through without hands.
func TestDatabaseGoesAway(t *testing.T) {
	c := storetest.StartPostgres(t)
	s := begin(t, address(t, c.Database(t)), Options{LogKey: signer(t)})
	put := func(ctx context.Context, n int) error {
		_, err := s.Update(ctx, storetest.Owner(), func(w sightline.Writer) error { return w.Put(&sightline.Item{ID: fmt.Sprintf("T-%d", n)}) })
		return err
	}
	if err := put(ctx, 1); err != nil {
		t.Fatal(err)
	}
	c.Stop("immediate")
	started := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		close(started)
		done <- put(ctx, 2)
	}()
	<-started
	c.Start(t)
	if err := <-done; err != nil {
		t.Errorf("an update while the database was away: %v", err)
	}
	c.Stop("fast")
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if err := put(short, 3); err == nil {
		t.Error("an update without a database went through")
	}
	if err := s.Ping(ctx); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("a database that is away: %v", err)
	}
	c.Start(t)
	if err := put(ctx, 3); err != nil {
		t.Fatal(err)
	}
	if err := s.View(ctx, sightline.Actor{}, func(r sightline.Reader) error {
		h, err := r.Head()
		if n, _ := r.Count("item"); h.Size != 4 || n != 3 {
			t.Errorf("%d entries and %d items, want 4 and 3", h.Size, n)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if diffs, err := s.Rebuild(ctx, ""); err != nil || len(diffs) > 0 {
		t.Errorf("%+v, %v", diffs, err)
	}
}

// TestTwoStoresOneCase: two servers on one case see each other's entries in
// order and never fork the log.
func TestTwoStoresOneCase(t *testing.T) {
	c := storetest.StartPostgres(t)
	addr := address(t, c.Database(t))
	a := begin(t, addr, Options{LogKey: signer(t)})
	b, err := Open(ctx, addr, Options{LogKey: signer(t)})
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
	limit, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	n := sightline.Seq(0)
	for e, err := range b.Watch(limit, 0) {
		if err != nil || e.Seq != n {
			t.Fatalf("entry %d where %d was due, %v", e.Seq, n, err)
		}
		if n++; n == 2*each+1 {
			break
		}
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n != 2*each+1 {
		t.Errorf("saw %d entries, want %d", n, 2*each+1)
	}
	if diffs, err := a.Rebuild(ctx, ""); err != nil || len(diffs) > 0 {
		t.Errorf("%+v, %v", diffs, err)
	}
}
