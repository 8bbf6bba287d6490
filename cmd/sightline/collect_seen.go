package main

import (
	"context"
	"errors"
	"runtime"
	"slices"

	"sightline"
	"sightline/identify"
	"sightline/web"
)

// maxSeen is how many items are compared with one another at once.
const maxSeen = 5000

// seenBefore compares the pictures and recordings of a case with one another,
// whole, in parts and mirrored, and leaves what it finds as facts of the later
// item: a screen that shows a photo, a crop, a clip, a copy that was sent on. The
// jobs have found most of it; this look also finds mirrored parts, and what was
// there before the jobs knew how. It says what looks alike, never which came
// first.
func seenBefore(ctx context.Context, f *folder, by sightline.Actor) (*web.SeenReport, error) {
	doc, err := loadDocument(ctx, f)
	if err != nil {
		return nil, err
	}
	rep := &web.SeenReport{Failed: []string{}}
	items := make([]*sightline.Item, 0, len(doc.Items))
	for _, it := range doc.Items {
		if len(items) == maxSeen {
			rep.Left++
			continue
		}
		items = append(items, it)
	}
	names, read, failed, err := caseSketches(ctx, f, items)
	if err != nil {
		return nil, err
	}
	for _, x := range failed {
		rep.Failed = append(rep.Failed, x.File+": "+x.Why)
	}
	rel, err := identify.Compare(ctx, names, read, runtime.GOMAXPROCS(0))
	if err != nil {
		return nil, err
	}
	rep.Compared, rep.Found = len(names), len(rel)
	// What two items share stands with the later one, as the jobs leave it.
	found := map[string][]identify.Relation{}
	for _, r := range rel {
		later := r.A
		if sightline.CompareIDs(r.A, r.B) < 0 {
			later = r.B
		}
		found[later] = append(found[later], r)
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
			if !slices.Contains(names, it.ID) {
				continue
			}
			kept := identify.LikeFacts(it.ID, now.Facts, found[it.ID])
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
