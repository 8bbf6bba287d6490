package sqlite

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"sightline"
	"sightline/store/storetest"
)

// A case of the first format is brought forward when it is opened for writing,
// and a copy of what it was stays beside it.
func TestMigrationKeepsACopy(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "case.db")
	s := begin(t, path, Options{LogKey: signer(t)})
	if _, err := s.Update(ctx, storetest.Owner(), func(w sightline.Writer) error { return w.Enqueue(sightline.Job{Kind: "k", Version: "1"}) }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(ctx, storetest.Owner(), func(w sightline.Writer) error {
		for _, id := range []string{"T-001", "T-002"} {
			if err := w.Put(&sightline.Item{ID: id, Title: sightline.Text{"en": id}, Media: "photo"}); err != nil {
				return err
			}
		}
		return w.Withdraw(sightline.Ref{Kind: sightline.KindItem, ID: "T-002"}, "a mistake")
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	older(t, path)
	if r, err := Open(path, Options{ReadOnly: true}); err == nil {
		r.Close()
		t.Error("an older format was read without being brought forward")
	}
	s, err := Open(path, Options{LogKey: signer(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if diff, err := s.Rebuild(ctx, t.TempDir()); err != nil || len(diff) > 0 {
		t.Errorf("%v %v", err, diff)
	}
	if j, err := s.Claim(ctx, "w", []string{"cpu"}, 1e9); err != nil || j == nil {
		t.Errorf("%v %v", j, err)
	}
	old, err := sql.Open("sqlite", path+".format-1")
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	var v, jobs int
	if err := old.QueryRow("PRAGMA user_version").Scan(&v); err != nil || v != 1 {
		t.Errorf("the copy has format %d, %v", v, err)
	}
	if err := old.QueryRow("SELECT count(*) FROM job").Scan(&jobs); err != nil || jobs != 1 {
		t.Errorf("the copy has %d jobs, %v", jobs, err)
	}
	if err := (engine{s}).Scrub(ctx); err != nil {
		t.Fatal(err)
	}
	if exists(path + ".format-1") {
		t.Error("an erasure left the copy of the older format")
	}
}

// Where no copy can be kept, the case stays as it is.
func TestMigrationWithoutRoomForACopy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "case.db")
	s := begin(t, path, Options{LogKey: signer(t)})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	older(t, path)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", path+".format-1-x"); err != nil {
		t.Skip(err)
	}
	copyName = func(string, int) string { return path + ".format-1-x/none" }
	defer func() { copyName = keptCopy }()
	if s, err := Open(path, Options{LogKey: signer(t)}); err == nil {
		s.Close()
		t.Fatal("a case was changed without a copy")
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the case changed: %v", err)
	}
}

// older makes a file of the first format.
func older(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("DROP INDEX job_failed; DROP INDEX job_done; DROP TABLE card; DROP TABLE sheet; PRAGMA user_version=1; PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
}
