// Package mem keeps blobs in memory, for tests of everything that takes
// [sightline.Blobs]. It passes the same suite as the other adapters.
package mem

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"

	"sightline"
	"sightline/digest"
)

// Mem keeps blobs in memory. The zero Mem is empty and ready.
type Mem struct {
	mu    sync.Mutex
	blobs map[digest.Digest][]byte
}

var (
	_ sightline.Blobs    = (*Mem)(nil)
	_ sightline.Redactor = (*Mem)(nil)
)

// Put stores everything r gives.
func (m *Mem) Put(ctx context.Context, r io.Reader) (sightline.Blob, error) {
	b, err := io.ReadAll(r)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return sightline.Blob{}, fmt.Errorf("failed to write a blob: %w", err)
	}
	g := digest.Of(b)
	m.mu.Lock()
	defer m.mu.Unlock()
	_, had := m.blobs[g]
	if m.blobs == nil {
		m.blobs = map[digest.Digest][]byte{}
	}
	m.blobs[g] = b
	return sightline.Blob{Digest: g, Size: int64(len(b)), New: !had}, nil
}

func (m *Mem) get(g digest.Digest) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.blobs[g]
	if !ok {
		return nil, fmt.Errorf("blob %s: %w", g, sightline.ErrNotFound)
	}
	return b, nil
}

// Open opens a blob for reading.
func (m *Mem) Open(_ context.Context, g digest.Digest) (sightline.BlobReader, error) {
	b, err := m.get(g)
	if err != nil {
		return nil, err
	}
	return reader{bytes.NewReader(b)}, nil
}

type reader struct{ *bytes.Reader }

func (reader) Close() error { return nil }

// Stat reports whether a blob is there and its size.
func (m *Mem) Stat(_ context.Context, g digest.Digest) (sightline.Blob, error) {
	b, err := m.get(g)
	if err != nil {
		return sightline.Blob{}, err
	}
	return sightline.Blob{Digest: g, Size: int64(len(b))}, nil
}

// List yields every blob in the order of digests.
func (m *Mem) List(ctx context.Context) iter.Seq2[sightline.Blob, error] {
	return func(yield func(sightline.Blob, error) bool) {
		m.mu.Lock()
		list := []sightline.Blob{}
		for g, b := range m.blobs {
			list = append(list, sightline.Blob{Digest: g, Size: int64(len(b))})
		}
		m.mu.Unlock()
		slices.SortFunc(list, func(a, b sightline.Blob) int { return bytes.Compare(a.Digest[:], b.Digest[:]) })
		for _, b := range list {
			if err := ctx.Err(); err != nil {
				yield(sightline.Blob{}, err)
				return
			}
			if !yield(b, nil) {
				return
			}
		}
	}
}

// Erase takes the bytes away.
func (m *Mem) Erase(_ context.Context, g digest.Digest, reason string) error {
	if reason == "" {
		return fmt.Errorf("erasing blob %s needs a reason: %w", g, sightline.ErrInvalid)
	}
	if _, err := m.get(g); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.blobs, g)
	return nil
}
