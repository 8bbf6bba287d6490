package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sightline"
	"sightline/digest"
	"sightline/identify"
	"sightline/web"
)

// maxSeen is how many pictures are compared with one another at once: every
// pair is looked at.
const maxSeen = 400

// seenBefore compares the pictures of a case with one another, whole and in
// parts, and leaves what it finds as facts of both: a screen that shows a
// photo, a crop, a copy that was sent on. It says what looks alike, never which
// came first.
func seenBefore(ctx context.Context, f *folder, by sightline.Actor) (*web.SeenReport, error) {
	doc, err := loadDocument(ctx, f)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(scratch(f), "seen-*")
	if errors.Is(err, os.ErrNotExist) {
		if err = os.MkdirAll(scratch(f), 0o700); err == nil {
			dir, err = os.MkdirTemp(scratch(f), "seen-*")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("failed to make room for the comparison: %w", err)
	}
	defer os.RemoveAll(dir)
	rep := &web.SeenReport{Failed: []string{}}
	var items []*sightline.Item
	for _, it := range doc.Items {
		if it.Held && strings.HasPrefix(it.Type, "image/") && it.Type != "image/svg+xml" {
			if len(items) == maxSeen {
				rep.Left++
				continue
			}
			items = append(items, it)
		}
	}
	env, done, err := newReader(&env{ctx: ctx, stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}, false)
	if err != nil {
		return nil, err
	}
	defer done()
	all := make([]*identify.Sketch, len(items))
	why := make([]string, len(items))
	each(len(items), func(i int) {
		it := items[i]
		path := filepath.Join(dir, it.ID)
		if err := lend(ctx, f, it.SHA256, path); err != nil {
			why[i] = err.Error()
			return
		}
		s, err := identify.Sketched(ctx, env, path, it.Type)
		os.Remove(path)
		switch {
		case err != nil:
			why[i] = err.Error()
		case s != nil && s.SHA256 != "":
			all[i] = s
		}
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	facts := map[string][]sightline.Fact{}
	for i := range items {
		if why[i] != "" {
			rep.Failed = append(rep.Failed, items[i].ID+": "+why[i])
		}
		if all[i] == nil {
			continue
		}
		rep.Compared++
		for j := range i {
			if all[j] == nil {
				continue
			}
			if r := identify.Relate(all[j], all[i]); r != nil {
				rep.Found++
				a, b := filepath.Base(r.A), filepath.Base(r.B)
				fact := func(other string) sightline.Fact {
					return sightline.Fact{Field: "Alike:" + other, Value: r.Sentence, Tool: "similar", Doubt: "the two look alike; which came first, and whether either was changed, is for people to find"}
				}
				facts[a], facts[b] = append(facts[a], fact(b)), append(facts[b], fact(a))
			}
		}
	}
	_, err = f.Store.Update(ctx, by, func(w sightline.Writer) error {
		changed := false
		for _, it := range items {
			now, err := sightline.Get[sightline.Item](w, sightline.KindItem, it.ID)
			if errors.Is(err, sightline.ErrNotFound) {
				continue // withdrawn meanwhile
			}
			if err != nil {
				return err
			}
			kept := slices.DeleteFunc(slices.Clone(now.Facts), func(x sightline.Fact) bool { return x.Tool == "similar" && strings.HasPrefix(x.Field, "Alike:") })
			kept = append(kept, facts[it.ID][:min(50, len(facts[it.ID]))]...)
			if slices.Equal(kept, now.Facts) {
				continue
			}
			now.Facts = kept
			changed = true
			if err := w.Put(now); err != nil {
				return err
			}
		}
		if changed {
			w.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Tool: &sightline.EntryTool{Name: "sightline", Version: version},
				Seal: map[string]any{"args": map[string]any{"argv": []string{"seen before"}, "compared": rep.Compared, "found": rep.Found}}})
		}
		return nil
	})
	return rep, err
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
