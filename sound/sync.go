package sound

import (
	"math"
	"runtime"
	"sync"
)

// SyncOptions bound a synchronisation. MaxLag in seconds refuses larger lags;
// 0 allows all.
type SyncOptions struct {
	MaxLag float64
}

// Sync compares every two tracks and solves the clocks. Files keep the order of
// the tracks; pairs come in the order (0,1), (0,2), ..., (1,2), ...
func Sync(tracks []*Track, o SyncOptions) *Solution {
	n := len(tracks)
	s := &Solution{}
	for i := range n {
		for j := i + 1; j < n; j++ {
			s.Pairs = append(s.Pairs, Pair{A: i, B: j})
		}
	}
	e := plan(tracks, len(s.Pairs))
	// The spectra are made before the pairs share them.
	Each(n, func(i int) {
		if !tracks[i].silent && len(tracks[i].novelty[0]) > 0 {
			tracks[i].noveltySpectra(e.novelty)
		}
	})
	Each(len(s.Pairs), func(k int) {
		q := &s.Pairs[k]
		a, b := tracks[q.A], tracks[q.B]
		p := compare(a, b, e)
		p.A, p.B = q.A, q.B
		*q = p
	})
	// Onsets are looked for where the waveforms left a recording alone.
	u := newUnion(n)
	for _, p := range s.Pairs {
		if p.Accepted {
			u.join(p.A, p.B)
		}
	}
	alone := make([]bool, n)
	for i, t := range tracks {
		alone[i] = true
		for j := range n {
			alone[i] = alone[i] && (i == j || u.find(i) != u.find(j))
		}
		alone[i] = alone[i] && t.Duration <= patternLimit
	}
	Each(n, func(i int) {
		if alone[i] {
			tracks[i].findOnsets(nil)
		}
	})
	Each(len(s.Pairs), func(k int) {
		q := &s.Pairs[k]
		a, b := tracks[q.A], tracks[q.B]
		p := *q
		if !p.Accepted && a.onsetsOK && b.onsetsOK {
			if r, ok := comparePattern(a, b); ok && r.Score > p.Score {
				r.Candidates = append(r.Candidates, p.Candidates...)
				if len(r.Candidates) > 8 {
					r.Candidates = r.Candidates[:8]
				}
				p = r
			}
		}
		if o.MaxLag > 0 && math.Abs(p.Lag) > o.MaxLag && p.Accepted {
			p.Accepted, p.Reason = false, "beyond_max_lag"
		}
		for _, t := range []*Track{a, b} {
			for _, f := range t.Flags {
				if f.Code == "looped" && p.Accepted {
					p.Accepted, p.Reason = false, "looped"
				}
			}
		}
		p.A, p.B = q.A, q.B
		*q = p
	})
	s.Components = solveGraph(n, s.Pairs)
	return s
}

// plan chooses how much work a pair may be: few pairs are looked at closely,
// thousands within seconds.
func plan(tracks []*Track, pairs int) effort {
	longest := 0
	for _, t := range tracks {
		longest = max(longest, len(t.novelty[0]))
	}
	e := effort{direct: 1 << 24, check: 6, windows: 40, novelty: fftSize(max(64, 2*longest))}
	for e.direct > 1<<19 && pairs*e.direct > 1<<26 {
		e.direct /= 2
	}
	if pairs > 200 {
		e.check, e.windows = 4, 10
	}
	return e
}

// Each runs f for 0 to n-1 on all processors.
func Each(n int, f func(int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range next {
				f(i)
			}
		}()
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
