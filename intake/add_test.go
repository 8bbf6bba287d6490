package intake_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sightline"
	"sightline/archive"
	"sightline/intake"
)

func newCase(t *testing.T) *archive.CaseFolder {
	t.Helper()
	t.Setenv("SIGHTLINE_HOME", t.TempDir())
	f, err := archive.Create(filepath.Join(t.TempDir(), "c"), sightline.Case{ID: "c", Prefix: "C", Zone: "UTC", Languages: []string{"en"}, Title: sightline.Text{"en": "c"}}, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// during calls a function in the middle of each Put.
type during struct {
	sightline.Blobs
	f func(n int) error
	n int
}

func (d *during) Put(ctx context.Context, r io.Reader) (sightline.Blob, error) {
	d.n++
	n := d.n
	return d.Blobs.Put(ctx, io.MultiReader(io.LimitReader(r, 1), readerFunc(func(p []byte) (int, error) {
		if err := d.f(n); err != nil {
			return 0, err
		}
		return 0, io.EOF
	}), r))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func count(t *testing.T, f *archive.CaseFolder) (n int) {
	t.Helper()
	if err := f.Store.View(t.Context(), f.Actor, func(r sightline.Reader) (err error) {
		n, err = r.Count(sightline.KindItem)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestChangeWhileReadingIsRefused(t *testing.T) {
	f := newCase(t)
	p := filepath.Join(t.TempDir(), "growing.txt")
	os.WriteFile(p, []byte("first"), 0o644)
	grow := &during{Blobs: f.Blobs, f: func(int) error {
		w, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer w.Close()
		_, err = w.WriteString(" and more")
		return err
	}}
	a := &intake.Adder{Store: f.Store, Blobs: grow, Actor: f.Actor, Reason: "t"}
	r, err := a.Files(t.Context(), []string{p})
	if err != nil || len(r.Added) != 0 || len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Why, "changed while it was being read") {
		t.Errorf("%v %+v", err, r)
	}
	if n := count(t, f); n != 0 {
		t.Errorf("%d items", n)
	}
}

func TestFullDiskLosesNothing(t *testing.T) {
	f := newCase(t)
	dir := t.TempDir()
	for i := range 40 {
		os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.txt", i)), []byte(fmt.Sprint("file ", i)), 0o644)
	}
	// The wrapper is called by several goroutines: the disk is full for every one after the tenth.
	full := fullAfter{f.Blobs, make(chan struct{}, 10)}
	a := &intake.Adder{Store: f.Store, Blobs: full, Actor: f.Actor, Reason: "t"}
	r, err := a.Files(t.Context(), []string{dir})
	if !errors.Is(err, sightline.ErrFull) || !strings.Contains(err.Error(), "add them again") {
		t.Fatalf("%v", err)
	}
	if n := count(t, f); n != len(r.Added) || n > 10 {
		t.Errorf("%d items, %d reported", n, len(r.Added))
	}
	a = &intake.Adder{Store: f.Store, Blobs: f.Blobs, Actor: f.Actor, Reason: "t"}
	again, err := a.Files(t.Context(), []string{dir})
	if err != nil || len(again.Added)+len(again.Known) != 40 || len(again.Known) != len(r.Added) {
		t.Errorf("%v: %d added, %d known", err, len(again.Added), len(again.Known))
	}
}

type fullAfter struct {
	sightline.Blobs
	room chan struct{}
}

func (f fullAfter) Put(ctx context.Context, r io.Reader) (sightline.Blob, error) {
	select {
	case f.room <- struct{}{}:
		return f.Blobs.Put(ctx, r)
	default:
		return sightline.Blob{}, fmt.Errorf("write: %w", sightline.ErrFull)
	}
}

// TestEntryOfACollection checks what the custody log says of an added file:
// the public fields, and that what must not be public is sealed.
func TestEntryOfACollection(t *testing.T) {
	f := newCase(t)
	p := filepath.Join(t.TempDir(), "secret name.txt")
	os.WriteFile(p, []byte("x"), 0o644)
	a := &intake.Adder{Store: f.Store, Blobs: f.Blobs, Actor: f.Actor, Reason: "because of a tip", Version: "1"}
	r, err := a.Files(t.Context(), []string{p})
	if err != nil || len(r.Added) != 1 {
		t.Fatalf("%v %+v", err, r)
	}
	var e sightline.LogEntry
	if err := f.Store.View(t.Context(), f.Actor, func(rd sightline.Reader) error {
		h, err := rd.Head()
		if err != nil {
			return err
		}
		for x, err := range rd.Entries(h.Size-1, h.Size) {
			if err != nil {
				return err
			}
			e = x
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if e.Kind != sightline.EntryCollect || e.Item == nil || e.Item.ID != "C-001" || e.Item.Copy != "evidentiary" || e.Item.SHA256 != r.Added[0].SHA256 ||
		e.Tool == nil || e.Tool.Name != "sightline" || len(e.Tool.Args) != 64 || e.Capture == nil || e.Capture.Method != "manual" {
		t.Errorf("%s", e.Bytes)
	}
	for _, name := range []string{"collector", "machine", "persona", "reason", "assessment", "args", "change"} {
		if len(e.Sealed[name]) != 64 {
			t.Errorf("%s is not sealed", name)
		}
	}
	for _, s := range []string{"secret name", "because of a tip"} {
		if strings.Contains(string(e.Bytes), s) {
			t.Errorf("the entry says %q", s)
		}
	}
}
