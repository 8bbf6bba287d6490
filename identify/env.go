package identify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gowebpki/jcs"

	"sightline"
	"sightline/digest"
	"sightline/tool"
)

// Env is what a job may use.
type Env struct {
	Store sightline.Store
	Blobs sightline.Blobs
	Actor sightline.Actor
	Box   *tool.Box
	Exif  *tool.ExifTool // nil when exiftool is not there or may not run

	seen  seen
	books books
}

// Progress is told how much of a job is done, 0 to 1.
type Progress func(float64)

// Pathed is a store of blobs that keeps them as files which may be lent,
// read-only, to a program in the box.
type Pathed interface {
	Path(digest.Digest) string
}

// file gives a path under which a program may read the blob: the blob's own
// where the store keeps files, else a copy.
func (e *Env) file(ctx context.Context, sha string) (path string, done func(), err error) {
	d, err := digest.Parse(sha)
	if err != nil {
		return "", nil, err
	}
	if p, ok := e.Blobs.(Pathed); ok {
		path, err := filepath.Abs(p.Path(d))
		if err != nil {
			return "", nil, err
		}
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return "", nil, fmt.Errorf("the original %s cannot be opened: %w", d, err)
		}
		return path, func() {}, nil
	}
	r, err := e.Blobs.Open(ctx, d)
	if err != nil {
		return "", nil, fmt.Errorf("failed to open the original: %w", err)
	}
	defer r.Close()
	dir, remove, err := e.Box.Temp()
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, "in")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o400)
	if err == nil {
		_, err = io.Copy(f, r)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		remove()
		return "", nil, fmt.Errorf("failed to copy the original for reading: %w", err)
	}
	return path, remove, nil
}

// made is a derivative that lies as a file, not kept yet.
type made struct {
	role, typ, path string
	width, height   int
	meta            map[string]string
	recipe          sightline.Recipe
}

// keep stores the derivatives, one entry each; the last one also ends the job,
// so that a result and the end of its work are one transaction.
func (e *Env) keep(ctx context.Context, j sightline.Job, list []made, also func(*sightline.Item)) error {
	for i, m := range list {
		f, err := os.Open(m.path)
		if err != nil {
			return fmt.Errorf("the %s was not written: %w", m.role, err)
		}
		b, err := e.Blobs.Put(ctx, f)
		f.Close()
		if err != nil {
			return fmt.Errorf("failed to keep the %s: %w", m.role, err)
		}
		m.recipe.Inputs = []string{j.Input}
		d := &sightline.Derivative{ID: j.Item + "/" + m.role, Item: j.Item, Role: m.role, SHA256: b.Digest.String(), Size: b.Size, Type: m.typ,
			Width: m.width, Height: m.height, Recipe: m.recipe, Meta: m.meta}
		last := i == len(list)-1
		_, err = e.Store.Update(ctx, e.Actor, func(w sightline.Writer) error {
			if err := w.Put(d); err != nil {
				return err
			}
			w.Describe(sightline.Draft{
				Kind: sightline.EntryDerive, Result: "ok", Parents: []string{j.Input},
				Item: &sightline.EntryItem{ID: j.Item, SHA256: d.SHA256, Size: d.Size, Type: d.Type, Copy: "working"},
				Tool: entryTool(m.recipe), Seal: map[string]any{"args": argsOf(m.recipe)},
			})
			if !last {
				return nil
			}
			if also != nil {
				if err := patchItem(w, j.Item, also); err != nil {
					return err
				}
			}
			return w.Finish(j, sightline.JobOutcome{})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// patchItem changes an item inside an update; an item withdrawn meanwhile is
// left alone.
func patchItem(w sightline.Writer, id string, f func(*sightline.Item)) error {
	it, err := sightline.Get[sightline.Item](w, sightline.KindItem, id)
	if errors.Is(err, sightline.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	f(it)
	return w.Put(it)
}

func argsOf(r sightline.Recipe) map[string]any {
	args := make([]any, len(r.Args))
	for i, a := range r.Args {
		args[i] = a
	}
	return map[string]any{"argv": args}
}

func entryTool(r sightline.Recipe) *sightline.EntryTool {
	t := &sightline.EntryTool{Name: r.Tool, Version: r.Version}
	if p, err := tool.Find(r.Tool); err == nil {
		t.SHA256 = p.SHA256
	}
	if b, err := json.Marshal(argsOf(r)); err == nil {
		if b, err = jcs.Transform(b); err == nil {
			sum := sha256.Sum256(b)
			t.Args = hex.EncodeToString(sum[:])
		}
	}
	return t
}
