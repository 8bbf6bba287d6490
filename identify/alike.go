package identify

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"sightline"
	"sightline/alike"
	"sightline/tool"
)

// seen is the index of the pictures of a case that have a hash, for one run of
// the workers. It is read once and grows with the work; two processes that work
// on one case at once each see what the other had stored before they began.
type seen struct {
	mu    sync.Mutex
	ready bool
	index *alike.Index
	ids   []string
}

// add returns the items that look like any of the turns, then remembers the
// upright one.
func (s *seen) add(ctx context.Context, e *Env, id string, turns []alike.PDQ) (list []likeness, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ready {
		var hashes []alike.PDQ
		err := e.Store.View(ctx, e.Actor, func(r sightline.Reader) error {
			items, err := sightline.All[sightline.Item](r, sightline.KindItem)
			if err != nil {
				return err
			}
			hashes, s.ids = nil, nil
			for _, it := range items {
				q, _ := strconv.Atoi(it.Hashes["pdq_quality"])
				p, err := alike.ParsePDQ(it.Hashes["pdq"])
				if err == nil && q >= alike.UsableFrom && it.ID != id {
					hashes, s.ids = append(hashes, p), append(s.ids, it.ID)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		s.index, s.ready = alike.NewIndex(hashes), true
	}
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
	s.index.Add(turns[0])
	s.ids = append(s.ids, id)
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
	var like []likeness
	if l.Quality >= alike.UsableFrom {
		if like, err = e.seen.add(ctx, e, j.Item, turns); err != nil {
			return err
		}
	}
	_, err = e.Store.Update(ctx, e.Actor, func(w sightline.Writer) error {
		if err := patchItem(w, j.Item, func(it *sightline.Item) {
			if it.Hashes == nil {
				it.Hashes = map[string]string{}
			}
			it.Hashes["pdq"], it.Hashes["pdq_quality"], it.Hashes["phash"] = l.PDQ[0], strconv.Itoa(l.Quality), l.PHash
			kept := it.Facts[:0:0]
			for _, f := range it.Facts {
				if f.Tool != "alike" {
					kept = append(kept, f)
				}
			}
			it.Facts = kept
			for i, s := range like {
				if i == 50 {
					break
				}
				v := fmt.Sprintf("PDQ distance %d of 256", s.distance)
				if s.turn != alike.Upright {
					v += ", " + s.turn.String()
				}
				it.Facts = append(it.Facts, sightline.Fact{Field: likePrefix + s.id, Value: v, Tool: "alike", Doubt: "the two look alike; which came first, and whether either was changed, is for people to find"})
			}
		}); err != nil {
			return err
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

// likePrefix begins the names of facts that name another item.
const likePrefix = "Alike:"
