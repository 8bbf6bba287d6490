package identify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"sightline"
	"sightline/digest"
	"sightline/tool"
)

// SketchRole is the role of the working copy in which a [Sketch] is kept, and
// LikeKey begins the keys of its meta that name another item: the value is a
// [Relation] as JSON.
const (
	SketchRole = "sketch"
	LikeKey    = "like."
)

// likeMost bounds what is kept of the relations of one item: the nearest.
const likeMost = 40

// books are the sketches of a case. They are read once and then follow the
// log, so that what another process stored is seen as well.
type books struct {
	mu    sync.Mutex
	lib   *Library
	at    sightline.Seq     // what lies before was read
	where map[string]string // item -> SHA-256 of its sketch
}

// follow reads what is new in the log. It returns the library.
func (b *books) follow(ctx context.Context, e *Env) (*Library, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := b.lib == nil
	if first {
		b.lib, b.where = NewLibrary(), map[string]string{}
	}
	fresh := map[string]string{}
	var head sightline.Seq
	err := e.Store.View(ctx, e.Actor, func(r sightline.Reader) (err error) {
		clear(fresh)
		h, err := r.Head()
		if err != nil {
			return err
		}
		head = h.Size
		if first {
			list, err := sightline.All[sightline.Derivative](r, sightline.KindDerivative)
			for _, d := range list {
				if d.Role == SketchRole {
					fresh[d.Item] = d.SHA256
				}
			}
			return err
		}
		return newSketches(r, b.at, head, fresh)
	})
	if err != nil {
		if first {
			b.lib = nil
		}
		return nil, err
	}
	for _, id := range sorted(fresh) {
		if b.where[id] == fresh[id] {
			continue
		}
		s, err := readSketch(ctx, e.Blobs, id, fresh[id])
		if ctx.Err() != nil {
			if first {
				b.lib = nil
			}
			return nil, ctx.Err()
		}
		if err != nil {
			continue // a sketch of which no bytes are left, as after an erasure, finds nothing
		}
		b.lib.Add(s)
		b.where[id] = fresh[id]
	}
	b.at = head
	return b.lib, nil
}

// newSketches collects the sketches that entries of the log brought.
func newSketches(r sightline.Reader, from, to sightline.Seq, into map[string]string) error {
	for en, err := range r.Entries(from, to) {
		if err != nil {
			return err
		}
		if en.Kind != sightline.EntryDerive || en.Item == nil || en.Item.Type != sketchType {
			continue
		}
		d, err := sightline.Get[sightline.Derivative](r, sightline.KindDerivative, en.Item.ID+"/"+SketchRole)
		if errors.Is(err, sightline.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		into[d.Item] = d.SHA256
	}
	return nil
}

const sketchType = "application/vnd.sightline.sketch"

// StoredSketches gives for each item of a case that has a sketch the way to
// read it. Sketch.File is then the item's id.
func StoredSketches(ctx context.Context, st sightline.Store, blobs sightline.Blobs, a sightline.Actor) (map[string]func() (*Sketch, error), error) {
	out := map[string]func() (*Sketch, error){}
	err := st.View(ctx, a, func(r sightline.Reader) error {
		clear(out)
		list, err := sightline.All[sightline.Derivative](r, sightline.KindDerivative)
		for _, d := range list {
			if d.Role == SketchRole {
				out[d.Item] = func() (*Sketch, error) { return readSketch(ctx, blobs, d.Item, d.SHA256) }
			}
		}
		return err
	})
	return out, err
}

func readSketch(ctx context.Context, blobs sightline.Blobs, item, sha string) (*Sketch, error) {
	d, err := digest.Parse(sha)
	if err != nil {
		return nil, err
	}
	r, err := blobs.Open(ctx, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, 64<<20))
	if err != nil {
		return nil, err
	}
	s, err := UnpackSketch(b)
	if err != nil {
		return nil, fmt.Errorf("the sketch of %s: %w", item, err)
	}
	s.File = item
	return s, nil
}

// errBehind: another sketch was stored since the case was last read.
var errBehind = errors.New("another sketch was stored meanwhile")

// SketchItem hashes the whole of a picture, a video or a recording, keeps that
// as a working copy, and names the items of the case that it may be a copy or
// a part of: crops, screens that show it, clips with their offset, the same
// sound. It joins nothing. What two items share stands with the one of the
// later id, whichever was looked at first and by whichever process.
func SketchItem(ctx context.Context, e *Env, j sightline.Job, _ Progress) error {
	it, _, err := e.item(ctx, j.Item)
	if err != nil {
		return err
	}
	path, done, err := e.file(ctx, j.Input)
	if err != nil {
		return err
	}
	defer done()
	s, err := Sketched(ctx, e, path, it.Type)
	if err != nil {
		return err
	}
	if len(s.Turns) == 0 && len(s.Frames) == 0 && len(s.Voice) == 0 {
		if s.Error == "" {
			return e.nothing(ctx, j) // a recording in which there is nothing to see or hear
		}
		return fmt.Errorf("nothing of %s can be compared with others: %s", it.ID, s.Error)
	}
	packed, err := s.Pack()
	if err != nil {
		return err
	}
	blob, err := e.Blobs.Put(ctx, bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("failed to keep the sketch: %w", err)
	}
	// The comparison is made with what was kept, so that it can be made again.
	if s, err = UnpackSketch(packed); err != nil {
		return err
	}
	s.File = it.ID
	found, asked := map[string]*Relation{}, 0
	for {
		lib, err := e.books.follow(ctx, e)
		if err != nil {
			return err
		}
		var near []string
		near, asked = lib.Near(s, asked)
		for _, name := range near {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			o, err := readSketch(ctx, e.Blobs, name, e.books.place(name))
			if err != nil {
				continue // erased meanwhile
			}
			a, b := o, s
			if sightline.CompareIDs(s.File, o.File) < 0 {
				a, b = s, o
			}
			if r := Relate(a, b); r != nil {
				found[name] = r
			}
		}
		err = e.keepSketch(ctx, j, it, blob, found)
		if !errors.Is(err, errBehind) {
			return err
		}
	}
}

func (b *books) place(id string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.where[id]
}

// keepSketch stores a sketch and what was found with it, unless a sketch that
// was not looked at is in the case by now.
func (e *Env) keepSketch(ctx context.Context, j sightline.Job, it *sightline.Item, blob sightline.Blob, found map[string]*Relation) error {
	recipe := sightline.Recipe{Tool: tool.Self, Version: tool.Version, Args: []string{"sketch", "IN"}, Inputs: []string{j.Input}}
	_, err := e.Store.Update(ctx, e.Actor, func(w sightline.Writer) error {
		h, err := w.Head()
		if err != nil {
			return err
		}
		missed := map[string]string{}
		e.books.mu.Lock()
		err = newSketches(w, e.books.at, h.Size, missed)
		for id, sum := range missed {
			if id == it.ID || e.books.where[id] == sum {
				delete(missed, id)
			}
		}
		e.books.mu.Unlock()
		if err != nil {
			return err
		}
		if len(missed) > 0 {
			return errBehind
		}
		d := &sightline.Derivative{ID: it.ID + "/" + SketchRole, Item: it.ID, Role: SketchRole, SHA256: blob.Digest.String(), Size: blob.Size, Type: sketchType, Recipe: recipe, Meta: map[string]string{"format": SketchFormat}}
		mine := []Relation{}
		for _, id := range sorted(found) {
			r := *found[id]
			if sightline.CompareIDs(id, it.ID) < 0 {
				mine = append(mine, r)
				continue
			}
			if err := addLike(w, id, r); err != nil {
				return err
			}
		}
		if err := setLikes(d.Meta, it.ID, mine); err != nil {
			return err
		}
		if err := w.Put(d); err != nil {
			return err
		}
		if err := patchItem(w, it.ID, func(it *sightline.Item) { it.Facts = LikeFacts(it.ID, it.Facts, mine) }); err != nil {
			return err
		}
		w.Describe(sightline.Draft{
			Kind: sightline.EntryDerive, Result: "ok", Parents: []string{j.Input},
			Item: &sightline.EntryItem{ID: it.ID, SHA256: d.SHA256, Size: d.Size, Type: d.Type, Copy: "working"},
			Tool: entryTool(recipe), Seal: map[string]any{"args": argsOf(recipe)},
		})
		return w.Finish(j, sightline.JobOutcome{})
	})
	return err
}

// addLike puts a relation to an earlier item beside a sketch that is stored
// already.
func addLike(w sightline.Writer, id string, r Relation) error {
	d, err := sightline.Get[sightline.Derivative](w, sightline.KindDerivative, id+"/"+SketchRole)
	if errors.Is(err, sightline.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	all := Likes(d)
	all = slices.DeleteFunc(all, func(o Relation) bool { return o.Other(id) == r.Other(id) })
	all = append(all, r)
	if d.Meta == nil {
		d.Meta = map[string]string{"format": SketchFormat}
	}
	for k := range d.Meta {
		if strings.HasPrefix(k, LikeKey) {
			delete(d.Meta, k)
		}
	}
	if err := setLikes(d.Meta, id, all); err != nil {
		return err
	}
	if err := w.Put(d); err != nil {
		return err
	}
	return patchItem(w, id, func(it *sightline.Item) { it.Facts = LikeFacts(id, it.Facts, Likes(d)) })
}

// Likes reads the relations that stand beside a sketch.
func Likes(d *sightline.Derivative) []Relation {
	var out []Relation
	for _, k := range sorted(d.Meta) {
		var r Relation
		if strings.HasPrefix(k, LikeKey) && json.Unmarshal([]byte(d.Meta[k]), &r) == nil {
			out = append(out, r)
		}
	}
	return out
}

func setLikes(meta map[string]string, id string, list []Relation) error {
	for _, r := range nearest(id, list) {
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		meta[LikeKey+r.Other(id)] = string(b)
	}
	return nil
}

// Other gives the file of a relation that is not the named one.
func (r *Relation) Other(name string) string {
	if r.A == name {
		return r.B
	}
	return r.A
}

// nearest keeps the relations that say most, in one order whatever came first.
func nearest(id string, list []Relation) []Relation {
	d := func(r Relation) int {
		if r.Distance != nil {
			return *r.Distance
		}
		return 128
	}
	slices.SortFunc(list, func(a, b Relation) int {
		return cmp.Or(cmp.Compare(d(a), d(b)), sightline.CompareIDs(a.Other(id), b.Other(id)))
	})
	return list[:min(len(list), likeMost)]
}

// likeDoubt stands beside every fact that names another item.
const likeDoubt = "the two look or sound alike; which came first, and whether either was changed, is for people to find"

// LikeFacts puts what was found of an item in the place of what was said of it
// and of the same pairs before. These facts stand first, in the order of the
// ids.
func LikeFacts(id string, facts []sightline.Fact, found []Relation) []sightline.Fact {
	found = slices.Clone(nearest(id, slices.Clone(found)))
	out := make([]sightline.Fact, 0, len(facts)+len(found))
	now := map[string]bool{}
	for _, r := range found {
		f := sightline.Fact{Field: likePrefix + r.Other(id), Value: r.Sentence, Tool: "similar", Doubt: likeDoubt}
		out, now[f.Field] = append(out, f), true
	}
	for _, f := range facts {
		if !strings.HasPrefix(f.Field, likePrefix) || f.Tool != "similar" && !now[f.Field] {
			out = append(out, f)
		}
	}
	return factsInOrder(out)
}
