package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"sightline"
	"sightline/archive"
	"sightline/digest"
	"sightline/identify"
)

// inMemory gives the way to sketches that were just made. Of more than a few
// only the packed form stays in memory.
func inMemory(list []*identify.Sketch) (func(string) (*identify.Sketch, error), error) {
	whole := map[string]*identify.Sketch{}
	if len(list) <= 60 {
		for _, s := range list {
			whole[s.File] = s
		}
		return func(n string) (*identify.Sketch, error) { return whole[n], nil }, nil
	}
	packed := map[string][]byte{}
	for i, s := range list {
		b, err := s.Pack()
		if err != nil {
			return nil, err
		}
		packed[s.File] = b
		list[i] = s.Bare()
	}
	return func(n string) (*identify.Sketch, error) { return unpacked(n, packed[n]) }, nil
}

func unpacked(name string, b []byte) (*identify.Sketch, error) {
	s, err := identify.UnpackSketch(b)
	if err == nil {
		s.File = name
	}
	return s, err
}

// caseSketches gives the names of the items of a case that can be compared and
// the way to their sketches: the stored ones, and fresh ones where a job has not
// made them yet. failed names what cannot be compared, with the reason.
func caseSketches(ctx context.Context, f *folder, items []*sightline.Item) (names []string, read func(string) (*identify.Sketch, error), failed []similarFailed, err error) {
	stored, err := identify.StoredSketches(ctx, f.Store, f.Blobs, f.Actor)
	if err != nil {
		return nil, nil, nil, err
	}
	var fresh []*sightline.Item
	for _, it := range items {
		media, _, _ := strings.Cut(it.Type, "/")
		if !it.Held || it.Type == "image/svg+xml" || media != "image" && media != "video" && media != "audio" {
			continue
		}
		names = append(names, it.ID)
		if stored[it.ID] == nil {
			fresh = append(fresh, it)
		}
	}
	packed := make([][]byte, len(fresh))
	if len(fresh) > 0 {
		why := make([]string, len(fresh))
		if err := sketchFresh(ctx, f, fresh, packed, why); err != nil {
			return nil, nil, nil, err
		}
		for i, it := range fresh {
			if why[i] != "" {
				failed = append(failed, similarFailed{it.ID, why[i]})
			}
			if b := packed[i]; b != nil {
				stored[it.ID] = func() (*identify.Sketch, error) { return unpacked(it.ID, b) }
			}
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return stored[n] == nil })
	return names, func(n string) (*identify.Sketch, error) { return stored[n]() }, failed, nil
}

func sketchFresh(ctx context.Context, f *folder, items []*sightline.Item, packed [][]byte, why []string) error {
	if err := os.MkdirAll(scratch(f), 0o700); err != nil {
		return fmt.Errorf("failed to make room for the comparison: %w", err)
	}
	dir, err := os.MkdirTemp(scratch(f), "seen-*")
	if err != nil {
		return fmt.Errorf("failed to make room for the comparison: %w", err)
	}
	defer os.RemoveAll(dir)
	env, done, err := newReader(&env{ctx: ctx, stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}, false)
	if err != nil {
		return err
	}
	defer done()
	each(len(items), func(i int) {
		if ctx.Err() != nil {
			return
		}
		path := filepath.Join(dir, items[i].ID)
		err := lend(ctx, f, items[i].SHA256, path)
		if err == nil {
			var s *identify.Sketch
			if s, err = identify.Sketched(ctx, env, path, items[i].Type); err == nil {
				why[i] = s.Error
				packed[i], err = s.Pack()
			}
			os.Remove(path)
		}
		if err != nil {
			why[i] = err.Error()
		}
	})
	return ctx.Err()
}

// lend copies the original of an item to where a sandboxed reader may open it.
func lend(ctx context.Context, f *folder, hex, path string) error {
	d, err := digest.Parse(hex)
	if err != nil {
		return err
	}
	r, err := f.Blobs.Open(ctx, d)
	if err != nil {
		return err
	}
	defer r.Close()
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, r)
	return errors.Join(err, out.Close())
}

// items groups the items of a case.
func (c *similarCmd) items(e *env) error {
	f, err := c.open(archive.Options{ReadOnly: true})
	if err != nil {
		return exit(2, fmt.Errorf("name files, or a case with --case: %w", err))
	}
	defer f.Close()
	doc, err := loadDocument(e.ctx, f)
	if err != nil {
		return err
	}
	names, read, failed, err := caseSketches(e.ctx, f, doc.Items)
	if err != nil {
		return err
	}
	rel, err := identify.Compare(e.ctx, names, read, runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	var list []*identify.Sketch
	for _, n := range names {
		s, err := read(n)
		if err != nil {
			failed = append(failed, similarFailed{n, err.Error()})
			continue
		}
		list = append(list, s.Bare())
	}
	ans := similarAnswer{Clusters: identify.Clusters(list, rel), Single: []string{}, Failed: append([]similarFailed{}, failed...), Notes: []string{similarNote,
		"earliest is the item with the earliest time before which it is known to have existed: published, else taken in; it need not be the first that was made"}}
	known := map[string]string{}
	for _, it := range doc.Items {
		known[it.ID] = knownBy(it)
	}
	for i := range ans.Clusters {
		k := &ans.Clusters[i]
		for _, id := range k.Files {
			if t := known[id]; t != "" && (k.Earliest == "" || t < known[k.Earliest]) {
				k.Earliest, k.EarliestBy = id, t
			}
		}
	}
	return c.show(e, ans, list)
}

// knownBy is the time by which an item existed, RFC 3339 in UTC: by its
// publication where that is known, else by when it was taken in.
func knownBy(it *sightline.Item) string {
	best := ""
	put := func(t time.Time) {
		if s := t.UTC().Format("2006-01-02T15:04:05.000Z"); best == "" || s < best {
			best = s
		}
	}
	if it.Posted != nil && it.Posted.Max != nil {
		put(time.UnixMilli(int64(*it.Posted.Max)))
	}
	if t, err := time.Parse(time.RFC3339, it.Source.Collected); err == nil {
		put(t)
	}
	return best
}
