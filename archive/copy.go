package archive

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"sightline"
	"sightline/blob/dir"
	"sightline/digest"
)

// CopyOptions tune a copy.
type CopyOptions struct {
	WithoutLogKey bool // leave out the key that signs checkpoints, for a copy that is only kept
	Progress      func(done, total int64, what string)
}

// Copy makes a verified copy of a case in the folder to: every byte is hashed
// while it is written, and the copy is then checked as a whole. Where to holds
// an older copy of the same case, only what is new is copied, after the older
// log has been shown to be the beginning of this one; a copy of something else
// is refused.
func Copy(ctx context.Context, f *CaseFolder, to string, o CopyOptions) (*Report, error) {
	if o.Progress == nil {
		o.Progress = func(int64, int64, string) {}
	}
	file, ok := f.Store.(interface {
		CopyTo(context.Context, string) error
	})
	if !ok {
		return nil, fmt.Errorf("a team's case is not copied but moved: sightline move --from %s --to %s makes a folder of it: %w", f.Place, to, sightline.ErrInvalid)
	}
	if inside(f.Dir, to) {
		return nil, fmt.Errorf("a copy cannot lie inside the case itself (%s): %w", to, sightline.ErrInvalid)
	}
	if err := extends(ctx, f, to); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(to, keysDir), 0o700); err != nil {
		return nil, fmt.Errorf("failed to make the folder of the copy: %w", err)
	}
	// The rows first: bytes are always stored before the rows that name them,
	// so the folder holds all that this state of the rows needs.
	fresh := filepath.Join(to, caseFile+".copying")
	os.Remove(fresh)
	defer os.Remove(fresh)
	if err := file.CopyTo(ctx, fresh); err != nil {
		return nil, err
	}
	if err := copyBlobs(ctx, f, to, o); err != nil {
		return nil, err
	}
	if err := copyRest(f.Dir, to, o); err != nil {
		return nil, err
	}
	for _, side := range []string{"-wal", "-shm"} { // of an older copy that was opened
		if err := os.Remove(filepath.Join(to, caseFile) + side); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("failed to replace the older copy: %w", err)
		}
	}
	if err := os.Rename(fresh, filepath.Join(to, caseFile)); err != nil {
		return nil, fmt.Errorf("failed to finish the copy: %w", err)
	}
	g, err := Open(to, Options{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("the copy does not open: %w", err)
	}
	defer g.Close()
	if err := g.witnessNewest(ctx); err != nil {
		return nil, err
	}
	if err := eraseIn(ctx, g); err != nil {
		return nil, err
	}
	return Check(ctx, g, CheckOptions{Progress: o.Progress})
}

// eraseIn takes out of a copy the bytes that the log says were erased: an
// older copy still has them.
func eraseIn(ctx context.Context, g *CaseFolder) error {
	return g.Store.View(ctx, g.Actor, func(r sightline.Reader) error {
		head, err := r.Head()
		if err != nil {
			return err
		}
		for e, err := range r.Entries(0, head.Size) {
			if err != nil {
				return err
			}
			if e.Kind != sightline.EntryErase || e.Item == nil {
				continue
			}
			for _, sum := range append([]string{e.Item.SHA256}, e.Parents...) {
				d, err := digest.Parse(sum)
				if err != nil {
					continue
				}
				if err := g.Blobs.(sightline.Redactor).Erase(ctx, d, fmt.Sprintf("erased by entry %d", e.Seq)); err != nil && !errors.Is(err, sightline.ErrNotFound) {
					return err
				}
			}
		}
		return nil
	})
}

// inside reports whether b lies in a.
func inside(a, b string) bool {
	a, err1 := filepath.Abs(a)
	b, err2 := filepath.Abs(b)
	rel, err3 := filepath.Rel(a, b)
	return errors.Join(err1, err2, err3) == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// extends shows that what lies in to, if anything, is an older state of f.
func extends(ctx context.Context, f *CaseFolder, to string) error {
	list, err := os.ReadDir(to)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(list) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("failed to look at the folder of the copy: %w", err)
	}
	if _, err := os.Stat(filepath.Join(to, caseFile)); errors.Is(err, fs.ErrNotExist) {
		// A copy that was interrupted may go on; a folder of other things not.
		if _, err := os.Stat(filepath.Join(to, caseFile+".copying")); err == nil {
			return nil
		}
		return fmt.Errorf("the folder %s is not empty and holds no case; choose another: %w", to, sightline.ErrInvalid)
	}
	g, err := Open(to, Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer g.Close()
	older, theirs, err := headOf(ctx, g)
	if err != nil {
		return err
	}
	newer, ours, err := headOf(ctx, f)
	if err != nil {
		return err
	}
	if ours != theirs {
		return fmt.Errorf("%s holds another case (%s): %w", to, theirs, sightline.ErrConflict)
	}
	apart := fmt.Errorf("the case in %s has entries that this one has not: the two went apart and neither is a copy of the other: %w", to, sightline.ErrConflict)
	if older.Size > newer.Size {
		return apart
	}
	return f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
		p, err := r.ConsistencyProof(older.Size, newer.Size)
		if err != nil {
			return err
		}
		path := tlog.TreeProof{}
		for _, h := range p {
			hash, err := rootOf(h)
			if err != nil {
				return err
			}
			path = append(path, hash)
		}
		was, err1 := rootOf(older.Root)
		is, err2 := rootOf(newer.Root)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if tlog.CheckTree(path, newer.Size, is, older.Size, was) != nil {
			return apart
		}
		return nil
	})
}

func rootOf(s string) (h tlog.Hash, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(h) {
		return h, fmt.Errorf("%q is not a hash of a tree: %w", s, sightline.ErrDamaged)
	}
	return tlog.Hash(b), nil
}

func headOf(ctx context.Context, f *CaseFolder) (h sightline.Head, origin string, err error) {
	err = f.Store.View(ctx, f.Actor, func(r sightline.Reader) (err error) {
		if h, err = r.Head(); err == nil {
			origin, err = r.Origin()
		}
		return err
	})
	return h, origin, err
}

func copyBlobs(ctx context.Context, f *CaseFolder, to string, o CopyOptions) error {
	target, err := dir.Open(filepath.Join(to, blobsDir))
	if err != nil {
		return err
	}
	var list []sightline.Blob
	var total, done int64
	for b, err := range f.Blobs.List(ctx) {
		if errors.Is(err, sightline.ErrDamaged) {
			continue // no blob of ours; "sightline check" names it
		}
		if err != nil {
			return err
		}
		if have, err := target.Stat(ctx, b.Digest); err == nil && have.Size == b.Size {
			continue // read again by the check at the end
		}
		list = append(list, b)
		total += b.Size
	}
	for _, b := range list {
		r, err := f.Blobs.Open(ctx, b.Digest)
		if err != nil {
			return err
		}
		got, err := target.Put(ctx, r)
		r.Close()
		if err != nil {
			return err
		}
		if got.Digest != b.Digest {
			// A blob that changed in the source is not passed on as good.
			if err := target.Erase(ctx, got.Digest, "not the bytes that were to be copied"); err != nil {
				return err
			}
			return fmt.Errorf("the blob %s has changed in the case; run \"sightline check\": %w", b.Digest, sightline.ErrDamaged)
		}
		done += b.Size
		o.Progress(done, total, "copy")
	}
	return nil
}

// copyRest copies what else is in the folder: keys, editions, scenes. Links
// and what another program is still writing stay out.
func copyRest(from, to string, o CopyOptions) error {
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("failed to copy %s: %w", p, err)
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		switch {
		case rel == blobsDir || rel == "tmp":
			return fs.SkipDir
		case strings.HasPrefix(rel, caseFile):
			return nil
		case rel == witnessFile: // written anew: the log may have grown since the rows were copied
			return nil
		case o.WithoutLogKey && rel == filepath.Join(keysDir, logKey):
			return nil
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		return copyFile(p, filepath.Join(to, rel))
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("failed to copy %s: %w", from, err)
	}
	defer in.Close()
	fi, err := in.Stat()
	if err != nil {
		return fmt.Errorf("failed to copy %s: %w", from, err)
	}
	tmp := to + ".copying"
	os.Remove(tmp)
	out, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fi.Mode().Perm()|0o200)
	if err != nil {
		return fmt.Errorf("failed to copy %s: %w", from, err)
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err == nil {
		err = os.Rename(tmp, to)
	}
	if err != nil {
		os.Remove(tmp)
		return fmt.Errorf("failed to copy %s: %w", from, err)
	}
	return os.Chmod(to, fi.Mode().Perm())
}
