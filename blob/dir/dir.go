// Package dir keeps blobs in a folder, one read-only file per digest.
//
// It exists because a case on one machine should be a folder that a person
// can copy, and whose every file can be checked with sha256sum alone. A blob
// lies at sha256/ab/cd/<64 hex>, mode 0444.
//
// Put acknowledges nothing before it is safe: the bytes go to tmp/ while they
// are hashed, the file is synced, renamed to its address, and the folder is
// synced (and its parents, when they are new). The row and the custody entry
// follow in the store's transaction. A crash leaves either a stray file in
// tmp/, which the next start sweeps, or a whole blob that no row names yet.
//
// The next package on the road is archive, which joins blobs and store into a
// case folder.
package dir

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"sightline"
	"sightline/digest"
)

// sweepAge is how old a file in tmp/ has to be before the sweep looks at it:
// between creating and locking one, another process must not take it away.
const sweepAge = time.Minute

// Dir keeps blobs under one folder. Several processes may use it together.
type Dir struct {
	root string
	disk disk
	// Quota is the largest number of bytes one Put takes; 0 is no limit.
	Quota int64

	safe sync.Map // folders whose own name this process has synced
}

var (
	_ sightline.Blobs    = (*Dir)(nil)
	_ sightline.Redactor = (*Dir)(nil)
)

// Open opens the folder, makes what is missing and sweeps what a crash left
// in tmp/.
func Open(root string) (*Dir, error) { return openOn(system{}, root) }

func openOn(k disk, root string) (*Dir, error) {
	d := &Dir{root: root, disk: k}
	for _, p := range []string{d.root, d.tmp(), filepath.Join(d.root, "sha256")} {
		if err := makeDirs(k, p, ""); err != nil {
			return nil, full(fmt.Errorf("failed to make the folder of blobs: %w", err))
		}
	}
	if err := errors.Join(k.SyncDir(d.root), k.SyncDir(filepath.Dir(d.root))); err != nil {
		return nil, full(fmt.Errorf("failed to make the folder of blobs safe: %w", err))
	}
	_, err := d.sweep()
	return d, err
}

// OpenReadOnly opens the folder without making or sweeping anything.
func OpenReadOnly(root string) (*Dir, error) {
	if fi, err := os.Stat(root); err != nil {
		return nil, fmt.Errorf("failed to open the folder of blobs: %w", err)
	} else if !fi.IsDir() {
		return nil, fmt.Errorf("%s is not a folder: %w", root, sightline.ErrInvalid)
	}
	return &Dir{root: root, disk: system{}}, nil
}

func (d *Dir) tmp() string { return filepath.Join(d.root, "tmp") }

// Path returns where the blob lies or would lie.
func (d *Dir) Path(g digest.Digest) string {
	h := g.String()
	return filepath.Join(d.root, "sha256", h[:2], h[2:4], h)
}

// Put stores everything r gives. When it returns without an error the bytes
// survive a crash and a power cut.
func (d *Dir) Put(ctx context.Context, r io.Reader) (sightline.Blob, error) {
	f, err := d.create()
	if err != nil {
		return sightline.Blob{}, full(fmt.Errorf("failed to begin a blob: %w", err))
	}
	name := f.Name()
	defer d.disk.Remove(name) //nolint:errcheck // gone already when it was renamed
	defer f.Close()

	h := sha256.New()
	n, err := io.CopyBuffer(onlyWriter{io.MultiWriter(f, h)}, limited(ctx, r, d.Quota), make([]byte, 1<<20))
	if err != nil {
		return sightline.Blob{}, full(fmt.Errorf("failed to write a blob: %w", err))
	}
	var g digest.Digest
	h.Sum(g[:0])
	b := sightline.Blob{Digest: g, Size: n, New: true}

	if err := f.Sync(); err != nil {
		return sightline.Blob{}, full(fmt.Errorf("failed to make a blob safe: %w", err))
	}
	if err := f.Chmod(0o444); err != nil {
		return sightline.Blob{}, fmt.Errorf("failed to make a blob read-only: %w", err)
	}
	path := d.Path(g)
	if fi, err := d.disk.Lstat(path); err == nil {
		if !fi.Mode().IsRegular() || fi.Size() != n {
			return sightline.Blob{}, fmt.Errorf("blob %s has %d bytes on the disk and %d now; run \"sightline check\": %w", g, fi.Size(), n, sightline.ErrDamaged)
		}
		b.New = false
		// Another process may have renamed it a moment ago and not yet
		// synced the folder: what we acknowledge has to be safe as well.
		return b, full(d.syncTo(path))
	}
	if err := makeDirs(d.disk, filepath.Dir(path), d.root); err != nil {
		return sightline.Blob{}, full(fmt.Errorf("failed to make the folder of blob %s: %w", g, err))
	}
	if err := d.disk.Rename(name, path); err != nil {
		return sightline.Blob{}, full(fmt.Errorf("failed to put blob %s in its place: %w", g, err))
	}
	return b, full(d.syncTo(path))
}

// Replace puts good bytes in the place of damaged or missing ones. The bytes
// have to be those of the digest; what is there stays until they are safe.
func (d *Dir) Replace(ctx context.Context, g digest.Digest, r io.Reader) (size int64, err error) {
	f, err := d.create()
	if err != nil {
		return 0, full(fmt.Errorf("failed to begin a blob: %w", err))
	}
	name := f.Name()
	defer d.disk.Remove(name) //nolint:errcheck // gone already when it was renamed
	defer f.Close()
	h := sha256.New()
	n, err := io.CopyBuffer(onlyWriter{io.MultiWriter(f, h)}, limited(ctx, r, 0), make([]byte, 1<<20))
	if err != nil {
		return n, full(fmt.Errorf("failed to write blob %s: %w", g, err))
	}
	var got digest.Digest
	h.Sum(got[:0])
	if got != g {
		return n, fmt.Errorf("these are not the bytes of blob %s but of %s: %w", g, got, sightline.ErrDamaged)
	}
	if err := errors.Join(f.Sync(), f.Chmod(0o444)); err != nil {
		return n, full(fmt.Errorf("failed to make blob %s safe: %w", g, err))
	}
	path := d.Path(g)
	if err := makeDirs(d.disk, filepath.Dir(path), d.root); err != nil {
		return n, full(fmt.Errorf("failed to make the folder of blob %s: %w", g, err))
	}
	if err := d.disk.Rename(name, path); err != nil {
		return n, full(fmt.Errorf("failed to put blob %s in its place: %w", g, err))
	}
	return n, full(d.syncTo(path))
}

// syncTo syncs the folder of path, and its parents where this process has not
// yet seen the folder's own name safe: another process may have made it.
func (d *Dir) syncTo(path string) error {
	for p := filepath.Dir(path); ; p = filepath.Dir(p) {
		if err := d.disk.SyncDir(p); err != nil {
			return fmt.Errorf("failed to make a folder of blobs safe: %w", err)
		}
		if _, known := d.safe.Load(p); known || p == d.root || p == filepath.Dir(p) {
			break
		}
	}
	for p := filepath.Dir(path); p != d.root && p != filepath.Dir(p); p = filepath.Dir(p) {
		d.safe.Store(p, true)
	}
	return nil
}

func (d *Dir) create() (handle, error) {
	var name [16]byte
	if _, err := io.ReadFull(rand.Reader, name[:]); err != nil {
		return nil, err
	}
	f, err := d.disk.Create(filepath.Join(d.tmp(), hex.EncodeToString(name[:])))
	if err != nil {
		return nil, err
	}
	if err := f.Lock(); err != nil {
		f.Close()
		d.disk.Remove(f.Name()) //nolint:errcheck // the next opening sweeps it
		return nil, err
	}
	return f, nil
}

// Open opens a blob for reading.
func (d *Dir) Open(_ context.Context, g digest.Digest) (sightline.BlobReader, error) {
	f, err := os.Open(d.Path(g))
	if err != nil {
		return nil, notFound(g, err)
	}
	fi, err := f.Stat()
	if err != nil || !fi.Mode().IsRegular() {
		f.Close()
		return nil, fmt.Errorf("blob %s is not a plain file: %w", g, sightline.ErrDamaged)
	}
	return &file{f, fi.Size()}, nil
}

type file struct {
	*os.File
	size int64
}

func (f *file) Size() int64 { return f.size }

// Stat reports whether a blob is there and its size.
func (d *Dir) Stat(_ context.Context, g digest.Digest) (sightline.Blob, error) {
	fi, err := os.Lstat(d.Path(g))
	if err != nil {
		return sightline.Blob{}, notFound(g, err)
	}
	if !fi.Mode().IsRegular() {
		return sightline.Blob{}, fmt.Errorf("blob %s is not a plain file: %w", g, sightline.ErrDamaged)
	}
	return sightline.Blob{Digest: g, Size: fi.Size()}, nil
}

// List yields every blob in the order of digests. A file that has no business
// in the folder is yielded as an error and does not end the list.
func (d *Dir) List(ctx context.Context) iter.Seq2[sightline.Blob, error] {
	return func(yield func(sightline.Blob, error) bool) {
		top := filepath.Join(d.root, "sha256")
		err := filepath.WalkDir(top, func(p string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if e.IsDir() {
				return nil
			}
			g, err := digest.Parse(e.Name())
			if err != nil || d.Path(g) != p || !e.Type().IsRegular() {
				rel, _ := filepath.Rel(d.root, p)
				err := fmt.Errorf("%q does not belong among the blobs: %w", rel, sightline.ErrDamaged)
				if !yield(sightline.Blob{}, err) {
					return fs.SkipAll
				}
				return nil
			}
			fi, err := e.Info()
			if err != nil {
				return err
			}
			if !yield(sightline.Blob{Digest: g, Size: fi.Size()}, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			yield(sightline.Blob{}, fmt.Errorf("failed to list the blobs: %w", err))
		}
	}
}

// Erase takes the bytes away: it overwrites them, syncs and removes the file.
// Overwriting is the best a program can do; a copying file system or a flash
// disk may keep old blocks, which docs/formats/case-folder.md says.
func (d *Dir) Erase(_ context.Context, g digest.Digest, reason string) error {
	if reason == "" {
		return fmt.Errorf("erasing blob %s needs a reason: %w", g, sightline.ErrInvalid)
	}
	path := d.Path(g)
	fi, err := d.disk.Lstat(path)
	if err != nil {
		return notFound(g, err)
	}
	if err := d.disk.Chmod(path, 0o600); err != nil {
		return notFound(g, err)
	}
	f, err := d.disk.OpenWrite(path)
	if err != nil {
		return fmt.Errorf("failed to erase blob %s: %w", g, err)
	}
	_, err = io.CopyN(onlyWriter{f}, zeros{}, fi.Size())
	if err = errors.Join(err, f.Sync(), f.Close(), d.disk.Remove(path), d.disk.SyncDir(filepath.Dir(path))); err != nil {
		return fmt.Errorf("failed to erase blob %s: %w", g, err)
	}
	return nil
}

// sweep removes what a crash left in tmp/ and returns how many files it were.
func (d *Dir) sweep() (int, error) {
	list, err := d.disk.ReadDir(d.tmp())
	if err != nil {
		return 0, fmt.Errorf("failed to sweep %s: %w", d.tmp(), err)
	}
	n := 0
	for _, e := range list {
		fi, err := e.Info()
		if err != nil || !fi.Mode().IsRegular() || time.Since(fi.ModTime()) < sweepAge {
			continue
		}
		p := filepath.Join(d.tmp(), e.Name())
		if abandoned(p, fi) && d.disk.Remove(p) == nil {
			n++
		}
	}
	return n, nil
}

func notFound(g digest.Digest, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("blob %s: %w", g, sightline.ErrNotFound)
	}
	return fmt.Errorf("failed to read blob %s: %w", g, err)
}

// full adds ErrFull to the errors of a full disk.
func full(err error) error {
	if err != nil && (errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)) {
		return fmt.Errorf("%w: %w", sightline.ErrFull, err)
	}
	return err
}

// onlyWriter hides ReadFrom, so that the bytes pass through the hash.
type onlyWriter struct{ io.Writer }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// limited reads r until ctx ends or more than quota bytes came.
func limited(ctx context.Context, r io.Reader, quota int64) io.Reader {
	return &limitedReader{ctx, r, quota, quota > 0}
}

type limitedReader struct {
	ctx  context.Context
	r    io.Reader
	left int64
	on   bool
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if err := l.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.on && l.left < 0 {
		return 0, fmt.Errorf("the file is larger than the quota: %w", sightline.ErrFull)
	}
	return n, err
}
