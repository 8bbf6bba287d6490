package dir

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sightline"
	"sightline/blob/blobtest"
	"sightline/digest"
)

func TestSuite(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) sightline.Blobs { return open(t) })
}

func open(t *testing.T) *Dir {
	d, err := Open(filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAddressAndMode(t *testing.T) {
	d := open(t)
	b, err := d.Put(context.Background(), strings.NewReader("abc"))
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(d.root, "sha256", "ba", "78", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
	fi, err := os.Stat(want)
	if err != nil || d.Path(b.Digest) != want {
		t.Fatalf("not at %s: %v", want, err)
	}
	if runtime.GOOS != "windows" && fi.Mode().Perm() != 0o444 {
		t.Errorf("mode %o", fi.Mode().Perm())
	}
	if left, _ := os.ReadDir(d.tmp()); len(left) != 0 {
		t.Errorf("%d files left in tmp", len(left))
	}
}

func TestQuota(t *testing.T) {
	d := open(t)
	d.Quota = 1000
	if _, err := d.Put(context.Background(), bytes.NewReader(make([]byte, 1000))); err != nil {
		t.Errorf("at the quota: %v", err)
	}
	if _, err := d.Put(context.Background(), bytes.NewReader(make([]byte, 1001))); !errors.Is(err, sightline.ErrFull) {
		t.Errorf("above the quota: %v", err)
	}
}

// TestTruncatedBlobIsNotTaken: a blob of another size at the address means
// damage; Put must not acknowledge bytes that are not there.
func TestTruncatedBlobIsNotTaken(t *testing.T) {
	d := open(t)
	b, err := d.Put(context.Background(), strings.NewReader("abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	p := d.Path(b.Digest)
	os.Chmod(p, 0o600)
	if err := os.Truncate(p, 3); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Put(context.Background(), strings.NewReader("abcdef")); !errors.Is(err, sightline.ErrDamaged) {
		t.Errorf("Put over a truncated blob gave %v", err)
	}
}

func TestSweep(t *testing.T) {
	d := open(t)
	stale, fresh, held := filepath.Join(d.tmp(), "stale"), filepath.Join(d.tmp(), "fresh"), filepath.Join(d.tmp(), "held")
	for _, p := range []string{stale, fresh, held} {
		if err := os.WriteFile(p, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.OpenFile(held, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := lock(f); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	os.Chtimes(stale, old, old)
	os.Chtimes(held, old, old)
	if n, err := d.sweep(); err != nil || n != 1 {
		t.Fatalf("swept %d, %v", n, err)
	}
	for p, there := range map[string]bool{stale: false, fresh: true, held: true} {
		if _, err := os.Stat(p); (err == nil) != there {
			t.Errorf("%s: %v", filepath.Base(p), err)
		}
	}
}

func TestListNamesStrangers(t *testing.T) {
	d := open(t)
	b, err := d.Put(context.Background(), strings.NewReader("abc"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"sha256/ba/stranger", "sha256/00/00/" + digest.Of([]byte("elsewhere")).String()} {
		p = filepath.Join(d.root, filepath.FromSlash(p))
		os.MkdirAll(filepath.Dir(p), 0o755)
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	blobs, strangers := 0, 0
	for got, err := range d.List(context.Background()) {
		if err != nil {
			strangers++
		} else if got.Digest == b.Digest {
			blobs++
		}
	}
	if blobs != 1 || strangers != 2 {
		t.Errorf("%d blobs, %d strangers", blobs, strangers)
	}
}
