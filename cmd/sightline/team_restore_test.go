package main

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sightline"
	"sightline/archive"
	"sightline/blob/blobtest"
	"sightline/blob/s3"
	"sightline/store/storetest"
)

// TestRestoreFromDump makes a case with "new --db", dumps its rows while it is
// open, lets it go on, and restores: what is restored is whole, an older dump is
// told apart from it, and the restored case goes on.
func TestRestoreFromDump(t *testing.T) {
	pg, store := storetest.StartPostgres(t), blobtest.StartS3(t)
	dir := t.TempDir()
	t.Setenv("SIGHTLINE_HOME", filepath.Join(dir, "home"))
	t.Setenv("SIGHTLINE_NAME", "Ana")
	ctx := context.Background()
	bucket, err := s3.ParseAddress(store.Address("kept"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s3.Make(ctx, bucket, s3.Options{}); err != nil {
		t.Fatal(err)
	}
	db, blobs, local := pg.Database(t), store.Address("kept"), filepath.Join(dir, "local")
	cli := func(args ...string) (int, string) {
		var out bytes.Buffer
		return run(&env{ctx, strings.NewReader(""), &out, &out}, args), out.String()
	}
	must := func(args ...string) string {
		t.Helper()
		status, out := cli(args...)
		if status != 0 {
			t.Fatalf("%q: %d %s", args, status, out)
		}
		return out
	}
	must("new", "kept", "--db", db, "--blobs", blobs, "--local", local)
	at := func(db string) []string {
		return []string{"--db", db + "&case=kept", "--blobs", blobs, "--local", local}
	}
	file := filepath.Join(dir, "a.txt")
	if err := os.WriteFile(file, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(append([]string{"add", file}, at(db)...)...)
	early := filepath.Join(dir, "early.dump")
	pg.Run(t, "pg_dump", "-n", "case_kept", "-Fc", "-f", early, name(t, db))

	f, err := archive.OpenAt(ctx, archive.Place{Dir: local, DB: db + "&case=kept", Blobs: blobs}, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Store.Update(ctx, f.Actor, func(w sightline.Writer) error {
		w.Describe(sightline.Draft{Kind: sightline.EntryViewOriginal})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	// The dump is made while the desk is open: its closing signs a checkpoint
	// that the dump does not hold.
	late := filepath.Join(dir, "late.dump")
	pg.Run(t, "pg_dump", "-n", "case_kept", "-Fc", "-f", late, name(t, db))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	restore := func(dump string) string {
		t.Helper()
		to := pg.Database(t)
		pg.Run(t, "pg_restore", "-d", name(t, to), dump)
		return to
	}
	whole := restore(late)
	if said := must(append([]string{"check", "--rebuild"}, at(whole)...)...); !strings.Contains(said, "restored from a dump") {
		t.Errorf("the check of the late dump: %s", said)
	}
	if status, said := cli(append([]string{"check"}, at(restore(early))...)...); status != 1 || !strings.Contains(said, "an older") {
		t.Errorf("a dump that lacks an entry: %d %s", status, said)
	}
	if err := os.WriteFile(file, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(append([]string{"add", file}, at(whole)...)...)
	must(append([]string{"check", "--rebuild"}, at(whole)...)...)
}

func name(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}
