package alike

import (
	"math"
	"slices"
)

// Frame is one sampled frame of a video: seconds from its first frame, hash
// and quality.
type Frame struct {
	AtS     float64
	Hash    PDQ
	Quality int
}

// Excerpt is a stretch that two videos share.
type Excerpt struct {
	OffsetS  float64 // time in A minus time in B of the same picture
	ErrorS   float64 // half of the range of offsets that fit as well
	FromA    float64 // seconds in A
	ToA      float64
	Frames   int     // frames of B in the stretch that were compared
	Matched  float64 // share of them that match
	Distance float64 // mean PDQ distance of the matched ones, bits
}

// FindExcerpt finds the longest stretch in which the frames of b are those of
// a, moved by one offset. Frames without structure (quality under
// [UsableFrom]) neither match nor count. ok is false when fewer than three
// frames over a second and 60 % of the stretch match.
//
// Method: every pair of frames within [MatchAt] bits votes for its offset; the
// best offsets are judged by the frames that lie nearest in time to one
// another, and the range of offsets that fit as well as the best is the error.
// A video that hardly moves fits many offsets, and its error says so.
func FindExcerpt(a, b []Frame) (x Excerpt, ok bool) {
	a, b = usable(a), usable(b)
	if len(a) < 2 || len(b) < 2 {
		return x, false
	}
	step := math.Max(spacing(a), spacing(b))
	bin := step / 2
	hashes := make([]PDQ, len(a))
	for i, f := range a {
		hashes[i] = f.Hash
	}
	index := NewIndex(hashes)
	votes := map[int]float64{}
	for _, f := range b {
		near := index.Within(f.Hash, MatchAt)
		for _, n := range near {
			// A frame that fits everywhere says little about where.
			votes[int(math.Round((a[n.At].AtS-f.AtS)/bin))] += 1 / float64(len(near))
		}
	}
	if len(votes) == 0 {
		return x, false
	}
	type cand struct {
		k int
		v float64
	}
	var best []cand
	for k, v := range votes {
		best = append(best, cand{k, v + votes[k-1] + votes[k+1]})
	}
	slices.SortFunc(best, func(p, q cand) int {
		if p.v != q.v {
			if p.v > q.v {
				return -1
			}
			return 1
		}
		return p.k - q.k
	})
	best = best[:min(len(best), 40)]
	score := func(off float64) (e Excerpt, cost float64) { return judge(a, b, off, step) }
	cost := math.Inf(1)
	for _, c := range best {
		for d := -4; d <= 4; d++ {
			off := float64(c.k)*bin + float64(d)*bin/4
			if e, k := score(off); k < cost {
				x, cost = e, k
			}
		}
	}
	if x.Frames < 3 || x.Matched < 0.6 || x.ToA-x.FromA < 1-step {
		return x, false
	}
	// Offsets that fit as well, on both sides.
	span := func(dir float64) float64 {
		w := 0.0
		for w < 5 {
			if _, k := score(x.OffsetS + dir*(w+bin/4)); k > cost+0.5 {
				break
			}
			w += bin / 4
		}
		return w
	}
	lo, hi := span(-1), span(1)
	x.OffsetS += (hi - lo) / 2
	x.ErrorS = math.Max((hi+lo)/2, step/2)
	return x, true
}

// judge compares the frames of b with those of a at one offset. The cost is
// the mean distance over the whole overlap, with a charge for a short one.
func judge(a, b []Frame, off, step float64) (x Excerpt, cost float64) {
	x.OffsetS = off
	j, n, hit := 0, 0, 0
	sum, all := 0.0, 0.0
	x.FromA, x.ToA = math.Inf(1), math.Inf(-1)
	for _, f := range b {
		t := f.AtS + off
		for j+1 < len(a) && math.Abs(a[j+1].AtS-t) <= math.Abs(a[j].AtS-t) {
			j++
		}
		for j > 0 && math.Abs(a[j-1].AtS-t) < math.Abs(a[j].AtS-t) {
			j--
		}
		if math.Abs(a[j].AtS-t) > step*0.75 {
			continue
		}
		n++
		d := a[j].Hash.Distance(f.Hash)
		all += math.Min(float64(d), 64)
		if d <= MatchAt {
			hit++
			sum += float64(d)
			x.FromA, x.ToA = math.Min(x.FromA, t), math.Max(x.ToA, t)
		}
	}
	if n == 0 || hit == 0 {
		return Excerpt{OffsetS: off}, math.Inf(1)
	}
	x.Frames, x.Matched, x.Distance = n, float64(hit)/float64(n), sum/float64(hit)
	return x, all/float64(n) + 64*(1-float64(n)/float64(min(len(a), len(b))))
}

func usable(l []Frame) (out []Frame) {
	for _, f := range l {
		if f.Quality >= UsableFrom {
			out = append(out, f)
		}
	}
	return out
}

// spacing is the median time between frames.
func spacing(l []Frame) float64 {
	d := make([]float64, 0, len(l))
	for i := 1; i < len(l); i++ {
		d = append(d, l[i].AtS-l[i-1].AtS)
	}
	slices.Sort(d)
	return math.Max(d[len(d)/2], 1e-3)
}
