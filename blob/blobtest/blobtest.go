// Package blobtest is the suite that every adapter of [sightline.Blobs] must
// pass. A new adapter calls Run from its tests and is done when it passes.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand"
	"sync"
	"testing"
	"testing/iotest"

	"sightline"
	"sightline/digest"
)

// Run runs the suite. open gives a fresh, empty adapter.
func Run(t *testing.T, open func(*testing.T) sightline.Blobs) {
	ctx := context.Background()
	t.Run("PutOpenStat", func(t *testing.T) {
		b := open(t)
		for _, n := range []int{0, 1, 4095, 4096, 1<<20 + 1, 3 << 20} {
			data := random(n)
			got, err := b.Put(ctx, iotest.HalfReader(bytes.NewReader(data)))
			if err != nil {
				t.Fatal(err)
			}
			if want := (sightline.Blob{Digest: digest.Of(data), Size: int64(n), New: true}); got != want {
				t.Fatalf("Put gave %+v, want %+v", got, want)
			}
			if st, err := b.Stat(ctx, got.Digest); err != nil || st.Size != int64(n) || st.Digest != got.Digest {
				t.Fatalf("Stat gave %+v, %v", st, err)
			}
			r, err := b.Open(ctx, got.Digest)
			if err != nil {
				t.Fatal(err)
			}
			if err := iotest.TestReader(r, data); err != nil {
				t.Errorf("reader of %d bytes: %v", n, err)
			}
			if r.Size() != int64(n) {
				t.Errorf("Size %d, want %d", r.Size(), n)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("Ranges", func(t *testing.T) {
		b, data := open(t), random(10000)
		g := put(t, b, data)
		r, err := b.Open(ctx, g)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for range 50 {
			from := rand.Intn(len(data))
			p := make([]byte, 1+rand.Intn(len(data)-from))
			if _, err := r.ReadAt(p, int64(from)); err != nil || !bytes.Equal(p, data[from:from+len(p)]) {
				t.Fatalf("ReadAt(%d, %d): %v", len(p), from, err)
			}
		}
		if n, err := r.ReadAt(make([]byte, 2), int64(len(data)-1)); n != 1 || err != io.EOF {
			t.Fatalf("ReadAt over the end gave %d, %v", n, err)
		}
	})
	t.Run("SameBytesTwice", func(t *testing.T) {
		b, data := open(t), random(5000)
		put(t, b, data)
		again, err := b.Put(ctx, bytes.NewReader(data))
		if err != nil || again.New {
			t.Fatalf("the second Put gave %+v, %v", again, err)
		}
		if n := count(t, b); n != 1 {
			t.Fatalf("%d blobs, want 1", n)
		}
	})
	t.Run("Concurrent", func(t *testing.T) {
		b, data := open(t), random(1<<16)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for _, d := range [][]byte{data, append([]byte{byte(i)}, data...)} {
					if _, err := b.Put(ctx, bytes.NewReader(d)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if n := count(t, b); n != 9 {
			t.Fatalf("%d blobs, want 9", n)
		}
	})
	t.Run("NotFound", func(t *testing.T) {
		b, g := open(t), digest.Of([]byte("absent"))
		if _, err := b.Open(ctx, g); !errors.Is(err, sightline.ErrNotFound) {
			t.Errorf("Open gave %v", err)
		}
		if _, err := b.Stat(ctx, g); !errors.Is(err, sightline.ErrNotFound) {
			t.Errorf("Stat gave %v", err)
		}
	})
	t.Run("BrokenReader", func(t *testing.T) {
		b, broken := open(t), errors.New("cable pulled")
		_, err := b.Put(ctx, io.MultiReader(bytes.NewReader(random(1<<20)), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) {
			t.Fatalf("Put gave %v", err)
		}
		if n := count(t, b); n != 0 {
			t.Fatalf("%d blobs after a broken Put", n)
		}
	})
	t.Run("Cancelled", func(t *testing.T) {
		b := open(t)
		c, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := b.Put(c, bytes.NewReader(random(100))); !errors.Is(err, context.Canceled) {
			t.Fatalf("Put gave %v", err)
		}
	})
	t.Run("ListIsSorted", func(t *testing.T) {
		b := open(t)
		want := map[digest.Digest]int64{}
		for i := range 50 {
			d := random(i)
			want[put(t, b, d)] = int64(i)
		}
		var last digest.Digest
		n := 0
		for bl, err := range b.List(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if size, ok := want[bl.Digest]; !ok || size != bl.Size {
				t.Errorf("List gave %+v", bl)
			}
			if n > 0 && bytes.Compare(last[:], bl.Digest[:]) >= 0 {
				t.Errorf("%s after %s", bl.Digest, last)
			}
			last = bl.Digest
			n++
		}
		if n != len(want) {
			t.Errorf("%d listed, want %d", n, len(want))
		}
		for range b.List(ctx) {
			break // leaving early must not hang or panic
		}
	})
	t.Run("Erase", func(t *testing.T) {
		b := open(t)
		r, ok := b.(sightline.Redactor)
		if !ok {
			t.Skip("this adapter does not erase")
		}
		g, keep := put(t, b, random(3000)), put(t, b, random(3001))
		if err := r.Erase(ctx, g, ""); !errors.Is(err, sightline.ErrInvalid) {
			t.Errorf("erasing without a reason gave %v", err)
		}
		if err := r.Erase(ctx, g, "order of a court"); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Stat(ctx, g); !errors.Is(err, sightline.ErrNotFound) {
			t.Errorf("after Erase Stat gave %v", err)
		}
		if _, err := b.Stat(ctx, keep); err != nil {
			t.Errorf("another blob went as well: %v", err)
		}
		if err := r.Erase(ctx, g, "again"); !errors.Is(err, sightline.ErrNotFound) {
			t.Errorf("erasing twice gave %v", err)
		}
	})
}

func put(t *testing.T, b sightline.Blobs, data []byte) digest.Digest {
	t.Helper()
	got, err := b.Put(context.Background(), bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return got.Digest
}

func count(t *testing.T, b sightline.Blobs) (n int) {
	t.Helper()
	for _, err := range b.List(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.New(rand.NewSource(int64(n))).Read(b)
	return b
}
