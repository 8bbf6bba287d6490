package identify

import (
	"context"
	"slices"
	"strings"
	"sync"

	"sightline/alike"
)

// everyPair is how many files are compared each with each; of more, only those
// that the first look of a [Library] leaves.
const everyPair = 60

// Compare relates the named sketches with one another. read gives a sketch by
// its name; it is called more than once for each, so that not all pictures have
// to be in memory at once, and by several goroutines. What cannot be read is
// left out. The answer is in the order of the names given, first the earlier
// of each pair.
func Compare(ctx context.Context, names []string, read func(string) (*Sketch, error), workers int) ([]Relation, error) {
	at := map[string]int{}
	for i, n := range names {
		at[n] = i
	}
	lib := NewLibrary()
	if len(names) > everyPair {
		for _, n := range names {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if s, err := read(n); err == nil {
				lib.Add(s)
			}
		}
	}
	kept := &shelfOf{read: read, most: 4 * everyPair}
	found := make([][]Relation, len(names))
	next := make(chan int)
	var wg sync.WaitGroup
	for range max(1, workers) {
		wg.Go(func() {
			for i := range next {
				s, err := read(names[i]) // this one's own: what is made while comparing is kept in it
				if err != nil {
					continue
				}
				before := names[:i]
				if len(names) > everyPair {
					if len(s.feats) > 0 {
						s.fsqu = alike.Features(alike.Mirrored.Apply(s.gray))
					}
					near, _ := lib.Near(s, 0)
					before = slices.DeleteFunc(near, func(n string) bool { return at[n] >= i })
				}
				for _, n := range before {
					if ctx.Err() != nil {
						break
					}
					o, err := kept.get(n)
					if err != nil {
						continue
					}
					if r := Relate(o, s); r != nil {
						found[i] = append(found[i], *r)
					}
				}
			}
		})
	}
	for i := range names {
		next <- i
	}
	close(next)
	wg.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	out := []Relation{}
	for _, l := range found {
		out = append(out, l...)
	}
	slices.SortFunc(out, func(p, q Relation) int { return strings.Compare(p.A+"\x00"+p.B, q.A+"\x00"+q.B) })
	return out, nil
}

// shelfOf keeps the sketches that were read last.
type shelfOf struct {
	read func(string) (*Sketch, error)
	most int

	mu   sync.Mutex
	have map[string]*Sketch
	line []string
}

func (k *shelfOf) get(name string) (*Sketch, error) {
	k.mu.Lock()
	s := k.have[name]
	k.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := k.read(name)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.have == nil {
		k.have = map[string]*Sketch{}
	}
	if k.have[name] == nil {
		k.have[name], k.line = s, append(k.line, name)
		if len(k.line) > k.most {
			delete(k.have, k.line[0])
			k.line = k.line[1:]
		}
	}
	return s, nil
}
