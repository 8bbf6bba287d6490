package identify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sightline"
	"sightline/alike"
	"sightline/tool"
)

// seen is the index of the pictures of a case that have a hash. It is read once
// and then follows the log, inside the update that adds the next picture:
// updates come one after another, so of two pictures that look alike the second
// always finds the first, whichever processes work on the case.
type seen struct {
	mu    sync.Mutex
	ready bool
	at    sightline.Seq // the index knows the entries before
	index *alike.Index
	ids   []string
	known map[string]string // PDQ of each item in the index
}

// load reads the case once, outside any update.
func (s *seen) load(ctx context.Context, e *Env) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready {
		return nil
	}
	err := e.Store.View(ctx, e.Actor, func(r sightline.Reader) error {
		h, err := r.Head()
		if err != nil {
			return err
		}
		s.index, s.ids, s.known, s.at = alike.NewIndex(nil), nil, map[string]string{}, h.Size
		for row, err := range r.Rows(sightline.KindItem) {
			if err != nil {
				return err
			}
			var it struct {
				Hashes map[string]string `json:"hashes"`
			}
			if err := json.Unmarshal(row.Value, &it); err != nil {
				return fmt.Errorf("failed to read item %s: %w", row.ID, err)
			}
			s.note(row.ID, it.Hashes)
		}
		return nil
	})
	s.ready = err == nil
	return err
}

// note takes the hash of an item into the index.
func (s *seen) note(id string, hashes map[string]string) {
	q, _ := strconv.Atoi(hashes["pdq_quality"])
	p, err := alike.ParsePDQ(hashes["pdq"])
	if err == nil && q >= alike.UsableFrom && s.known[id] != hashes["pdq"] {
		s.known[id] = hashes["pdq"]
		s.index.Add(p)
		s.ids = append(s.ids, id)
	}
}

// like returns the items of the case that look like any of the turns of the
// picture of an item. r is the state of the update that adds the picture.
func (s *seen) like(r sightline.Reader, id string, turns []alike.PDQ) (list []likeness, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, err := r.Head()
	if err != nil {
		return nil, err
	}
	for e, err := range r.Entries(s.at, h.Size) {
		if err != nil {
			return nil, err
		}
		if e.Item == nil || e.Kind != sightline.EntryAnnotate {
			continue
		}
		it, err := sightline.Get[sightline.Item](r, sightline.KindItem, e.Item.ID)
		if errors.Is(err, sightline.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.note(it.ID, it.Hashes)
	}
	s.at = h.Size
	best := map[string]likeness{}
	for k, p := range turns {
		for _, n := range s.index.Within(p, alike.MatchAt) {
			// What the turn did to the new picture to get the stored one is the
			// inverse of what was done to the stored one.
			l := likeness{id: s.ids[n.At], distance: n.Distance, turn: inverse(alike.Turn(k))}
			if o, have := best[l.id]; l.id != id && (!have || l.distance < o.distance) {
				best[l.id] = l
			}
		}
	}
	for _, k := range sorted(best) {
		list = append(list, best[k])
	}
	return list, nil
}

type likeness struct {
	id       string
	distance int
	turn     alike.Turn
}

func inverse(t alike.Turn) alike.Turn {
	switch t {
	case alike.Rotated90:
		return alike.Rotated270
	case alike.Rotated270:
		return alike.Rotated90
	}
	return t
}

// Alike hashes a picture (PDQ with its quality, pHash) and names the items of
// the case that look like it, in whichever turn. It joins nothing: whether one
// is a copy of the other is for people to say.
func Alike(ctx context.Context, e *Env, j sightline.Job, _ Progress) error {
	it, _, err := e.item(ctx, j.Item)
	if err != nil {
		return err
	}
	path, done, err := e.file(ctx, j.Input)
	if err != nil {
		return err
	}
	defer done()
	o := e.orientation(ctx, it, path)
	if through[it.Type] {
		o = 1
	}
	l, err := e.see(ctx, path, it.Type, o, "")
	if err != nil {
		return err
	}
	if len(l.PDQ) == 0 {
		return fmt.Errorf("no hash of this picture can be made: %s", l.Problem)
	}
	turns, err := hashes(l.PDQ)
	if err != nil {
		return err
	}
	if err := e.seen.load(ctx, e); err != nil {
		return err
	}
	_, err = e.Store.Update(ctx, e.Actor, func(w sightline.Writer) error {
		var like []likeness
		if l.Quality >= alike.UsableFrom {
			var err error
			if like, err = e.seen.like(w, j.Item, turns); err != nil {
				return err
			}
		}
		if err := patchItem(w, j.Item, func(it *sightline.Item) {
			if it.Hashes == nil {
				it.Hashes = map[string]string{}
			}
			it.Hashes["pdq"], it.Hashes["pdq_quality"], it.Hashes["phash"] = l.PDQ[0], strconv.Itoa(l.Quality), l.PHash
			it.Facts = slices.DeleteFunc(slices.Clone(it.Facts), func(f sightline.Fact) bool { return f.Tool == "alike" })
			for _, s := range like {
				if sightline.CompareIDs(s.id, it.ID) < 0 {
					it.Facts = withLikeness(it.Facts, s.id, s.distance, s.turn)
				}
			}
		}); err != nil {
			return err
		}
		// The fact stands on the later of two items, whichever was hashed first.
		for _, s := range like {
			if sightline.CompareIDs(s.id, j.Item) < 0 {
				continue
			}
			if err := patchItem(w, s.id, func(it *sightline.Item) {
				it.Facts = withLikeness(it.Facts, j.Item, s.distance, inverse(s.turn))
			}); err != nil {
				return err
			}
		}
		w.Describe(sightline.Draft{
			Kind: sightline.EntryAnnotate, Result: "ok", Parents: []string{j.Input},
			Item: &sightline.EntryItem{ID: it.ID, SHA256: it.SHA256, Size: it.Size, Type: it.Type, Copy: "evidentiary"},
			Tool: &sightline.EntryTool{Name: "sightline", Version: tool.Version},
			Seal: map[string]any{"args": map[string]any{"job": j.Kind, "orientation": o, "match_at": alike.MatchAt, "usable_from": alike.UsableFrom}},
		})
		return w.Finish(j, sightline.JobOutcome{})
	})
	return err
}

// mostLikenesses bounds the facts of one item that name others.
const mostLikenesses = 50

// withLikeness adds the fact that an item looks like another, in the order of
// the ids, once.
func withLikeness(facts []sightline.Fact, id string, distance int, turn alike.Turn) []sightline.Fact {
	v := fmt.Sprintf("PDQ distance %d of 256", distance)
	if turn != alike.Upright {
		v += ", " + turn.String()
	}
	add := sightline.Fact{Field: likePrefix + id, Value: v, Tool: "alike", Doubt: likeDoubt}
	for _, f := range facts {
		if f.Field == add.Field && f.Tool != "alike" {
			return facts // the closer look of the sketch has said more
		}
	}
	// Before what the metadata say, as when they are read again: the order of
	// facts does not tell which of the two jobs came first.
	var before, mine, after []sightline.Fact
	for _, f := range facts {
		switch {
		case f.Tool == "alike" && f.Field != add.Field:
			mine = append(mine, f)
		case f.Tool == "alike":
		case outlives(f):
			before = append(before, f)
		default:
			after = append(after, f)
		}
	}
	mine = append(mine, add)
	slices.SortFunc(mine, func(a, b sightline.Fact) int {
		return sightline.CompareIDs(strings.TrimPrefix(a.Field, likePrefix), strings.TrimPrefix(b.Field, likePrefix))
	})
	return factsInOrder(slices.Concat(before, mine[:min(len(mine), mostLikenesses)], after))
}

// likePrefix begins the names of facts that name another item.
const likePrefix = "Alike:"
