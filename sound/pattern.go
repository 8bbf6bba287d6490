package sound

import (
	"math"
	"sort"
)

// A run of sudden sounds is its own signature: distance, walls and microphones
// change each waveform, but not the seconds between two shots. Matching the
// moments finds lags where the waveforms have nothing in common any more.

const (
	patternReach = 0.02  // s between onsets that may be the same
	patternSD    = 0.003 // s: spread of one matched onset between two places
)

// byOnsets proposes lags from coinciding onsets. Z is the number of onsets
// that coincide.
func byOnsets(a, b *Track) []Candidate {
	x, y := a.onsets, b.onsets
	if len(x) > 400 || len(y) > 400 {
		return nil // music or chatter: everything coincides with something
	}
	var out []Candidate
	for i := range x {
		for j := range y {
			lag, n := matchOnsets(x, y, x[i].T-y[j].T)
			out = append(out, Candidate{Lag: lag, Z: float64(n), Cue: "onsets"})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Z > out[j].Z })
	var kept []Candidate
next:
	for _, c := range out {
		for _, k := range kept {
			if math.Abs(k.Lag-c.Lag) < 2*patternReach {
				continue next
			}
		}
		if kept = append(kept, c); len(kept) == 5 {
			break
		}
	}
	return kept
}

// matchOnsets pairs onsets one to one near a lag and returns the median lag
// and how many coincide.
func matchOnsets(x, y []Onset, lag float64) (float64, int) {
	var d []float64
	i := 0
	for _, o := range y {
		want := o.T + lag
		for i < len(x) && x[i].T < want-patternReach {
			i++
		}
		best := math.Inf(1)
		for k := i; k < len(x) && x[k].T <= want+patternReach; k++ {
			if v := x[k].T - o.T; math.Abs(v-lag) < math.Abs(best-lag) {
				best = v
			}
		}
		if !math.IsInf(best, 1) {
			d = append(d, best)
		}
	}
	if len(d) == 0 {
		return lag, 0
	}
	sort.Float64s(d)
	m := d[len(d)/2]
	if len(d)%2 == 0 {
		m = (d[len(d)/2-1] + d[len(d)/2]) / 2
	}
	return m, len(d)
}

// comparePattern is the answer of the onsets alone, for pairs whose waveforms
// did not decide. Three coinciding onsets at least, two intervals that agree to
// milliseconds, and no second lag at which all but one coincide as well.
func comparePattern(a, b *Track) (Pair, bool) {
	cs := byOnsets(a, b)
	if len(cs) == 0 || cs[0].Z < 2 {
		return Pair{}, false
	}
	p := Pair{Lag: cs[0].Lag, Cue: "onsets", Candidates: cs, Overlap: overlap(a, b, cs[0].Lag)}
	n := int(cs[0].Z)
	// How well the intervals agree.
	var rms float64
	var near int
	for _, o := range b.onsets {
		for _, q := range a.onsets {
			if v := q.T - o.T - p.Lag; math.Abs(v) <= patternReach {
				rms += v * v
				near++
			}
		}
	}
	rms = math.Sqrt(rms / math.Max(1, float64(near)))
	p.SD = math.Max(patternSD, rms) / math.Sqrt(float64(n))
	// Onsets inside the overlap that have no partner speak against the lag.
	lone := 0
	for _, o := range b.onsets {
		if t := o.T + p.Lag; t > 0.2 && t < a.Duration-0.2 {
			lone++
		}
	}
	for _, o := range a.onsets {
		if t := o.T - p.Lag; t > 0.2 && t < b.Duration-0.2 {
			lone++
		}
	}
	lone -= 2 * n
	second := 0.0
	if len(cs) > 1 {
		second = cs[1].Z
	}
	// By chance: of the pairs of onsets each gives a lag, at which n-1 others
	// have to coincide within the spread seen, in the seconds the onsets fill.
	length := math.Max(0.5, span(a.onsets)+span(b.onsets))
	hit := math.Min(0.5, math.Max(4*rms, 0.004)*float64(max(len(a.onsets), len(b.onsets)))/length)
	logP := math.Log(float64(len(a.onsets)*len(b.onsets))) + float64(n-1)*math.Log(hit)
	u := -logP - 4 - 0.8*float64(max(0, lone)) - 4*math.Max(0, second-float64(n)+1.5)
	if n < 3 {
		u = math.Min(u, -1)
	}
	p.Score = 1 / (1 + math.Exp(-u))
	for i := range p.Candidates {
		p.Candidates[i].Score = p.Score * math.Exp(cs[i].Z-cs[0].Z) / float64(i+1)
	}
	p.strength = 3 + 1.5*float64(n)
	p.Accepted = p.Score >= acceptAt
	switch {
	case p.Accepted:
	case n < 3:
		p.Reason = "too_few_onsets"
	case second > float64(n)-1.5:
		p.Reason = "ambiguous"
	default:
		p.Reason = "nothing_in_common"
	}
	return p, true
}

func span(o []Onset) float64 {
	if len(o) == 0 {
		return 0
	}
	return o[len(o)-1].T - o[0].T
}
