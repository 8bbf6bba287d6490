package identify

import (
	"slices"
	"sync"

	"sightline/alike"
)

// Limits of the first look.
const (
	// hintsFrom is how many corners must agree before two pictures are compared
	// closely. Of the related pictures of the fixtures the least have 13, of the
	// 892 unrelated ones 484 have 9 or more: it saves about half of the time
	// and decides nothing.
	hintsFrom = 9
	// partsAmong is how many pictures, the latest, are looked through for a shared
	// part. Whole pictures are found among all.
	partsAmong = 2000
	// wordsFrom is how many identical words of sound must stand at one offset.
	wordsFrom = 3
)

// Library remembers sketches, so that a new one is compared closely only with
// those it may be related to. It holds no pixels. It is safe for use by several
// goroutines.
type Library struct {
	mu    sync.Mutex
	have  map[string]*shelf
	order []*shelf
	count int
	whole *alike.Index // pictures, and the pictures inside flat borders
	whose []*shelf
	film  *alike.Index // frames
	films []*shelf
	words map[uint32][]word
}

// shelf is what is kept of one file.
type shelf struct {
	n     int // its place in the order of adding, from 1
	name  string
	sum   string
	feats []alike.Feature
	gone  bool // written again since
}

// word is a place where a fingerprint of sound says something.
type word struct {
	s  *shelf
	at int32
}

// NewLibrary makes an empty one.
func NewLibrary() *Library {
	return &Library{have: map[string]*shelf{}, whole: alike.NewIndex(nil), film: alike.NewIndex(nil), words: map[uint32][]word{}}
}

// Add remembers a file under the name in its sketch. What stood under that
// name before is forgotten, unless it is the same.
func (l *Library) Add(s *Sketch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.have[s.File]; old != nil {
		if old.sum == s.SHA256 {
			return
		}
		old.gone = true
		l.order = slices.DeleteFunc(slices.Clone(l.order), func(x *shelf) bool { return x == old })
	}
	l.count++
	me := &shelf{n: l.count, name: s.File, sum: s.SHA256, feats: s.feats}
	l.have[s.File] = me
	l.order = append(slices.Clip(l.order), me) // who reads the list reads on in the old one
	if s.Quality >= alike.UsableFrom {
		for _, set := range [][]alike.PDQ{s.Turns, s.Inner} {
			if len(set) > 0 {
				l.whole.Add(set[0])
				l.whose = append(l.whose, me)
			}
		}
	}
	for _, p := range moving(s.Frames) {
		l.film.Add(p)
		l.films = append(l.films, me)
	}
	var before uint32
	for j, w := range s.Voice {
		if w != 0 && w != before && len(l.words[w]) <= 100 {
			l.words[w] = append(l.words[w], word{me, int32(j)})
		}
		before = w
	}
}

// Near names the remembered files that a new one may be related to, by their
// names, and how many were remembered then. Files among the first from are left
// out: they were asked before.
func (l *Library) Near(s *Sketch, from int) (names []string, count int) {
	l.mu.Lock()
	points := map[*shelf]int{}
	l.pictures(s, points)
	l.frames(s, points)
	l.sounds(s, points)
	order, count := l.order, l.count
	l.mu.Unlock()
	for _, o := range order {
		if o.sum == s.SHA256 {
			points[o]++
		}
	}
	if len(s.feats) > 0 {
		for _, o := range order[max(0, len(order)-partsAmong):] {
			if points[o] > 0 || len(o.feats) == 0 || o.n <= from {
				continue
			}
			if alike.Hints(s.feats, o.feats) >= hintsFrom || alike.Hints(o.feats, s.feats) >= hintsFrom ||
				len(s.fsqu) > 0 && max(alike.Hints(s.fsqu, o.feats), alike.Hints(o.feats, s.fsqu)) >= hintsFrom {
				points[o]++
			}
		}
	}
	for o := range points {
		if o.n > from && o.name != s.File && !o.gone {
			names = append(names, o.name)
		}
	}
	slices.Sort(names)
	return names, count
}

// pictures looks for a picture, in every turn, among pictures and frames.
func (l *Library) pictures(s *Sketch, points map[*shelf]int) {
	if s.Quality < alike.UsableFrom {
		return
	}
	for _, set := range [][]alike.PDQ{s.Turns, s.Inner} {
		for k, p := range set {
			for _, n := range l.whole.Within(p, alike.MatchAt) {
				points[l.whose[n.At]]++
			}
			if k == 0 {
				for _, n := range l.film.Within(p, alike.MatchAt) {
					points[l.films[n.At]]++
				}
			}
		}
	}
}

// still is how far a frame may be from the one before and be left out: where
// nothing moves, one frame stands for all.
const still = 6

// moving are the frames that say something new.
func moving(list []alike.Frame) (out []alike.PDQ) {
	for _, f := range list {
		if f.Quality >= alike.UsableFrom && (len(out) == 0 || out[len(out)-1].Distance(f.Hash) > still) {
			out = append(out, f.Hash)
		}
	}
	return out
}

func (l *Library) frames(s *Sketch, points map[*shelf]int) {
	own := moving(s.Frames)
	hits := map[*shelf]int{}
	for _, h := range own {
		once := map[*shelf]bool{}
		for _, n := range l.film.Within(h, alike.MatchAt) {
			once[l.films[n.At]] = true
		}
		for o := range once {
			hits[o]++
		}
		for _, n := range l.whole.Within(h, alike.MatchAt) {
			points[l.whose[n.At]]++
		}
	}
	for o, n := range hits {
		// A film of which hardly anything moves has few frames of its own.
		if n >= 2 || len(own) < 4 {
			points[o] += n
		}
	}
}

func (l *Library) sounds(s *Sketch, points map[*shelf]int) {
	type spot struct {
		s   *shelf
		off int32
	}
	votes := map[spot]int{}
	for j, w := range s.Voice {
		for _, x := range l.words[w] {
			off := (x.at - int32(j)) >> 2
			votes[spot{x.s, off}]++
			votes[spot{x.s, off + 1}]++
		}
	}
	for p, n := range votes {
		if n >= wordsFrom {
			points[p.s] += n
		}
	}
}
