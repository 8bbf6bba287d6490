package sound

import (
	"math"
	"sort"
)

// effort bounds what one comparison may cost.
type effort struct {
	direct  int // samples of both together up to which the whole waveform is compared
	check   int // windows that decide between candidates
	windows int // windows that measure the line
	novelty int // length of the transforms of the novelty
}

// compare finds the lag of two tracks.
func compare(a, b *Track, e effort) Pair {
	p := Pair{}
	if a.silent || b.silent {
		p.Reason = "silent"
		return p
	}
	var cs []Candidate
	direct := a.n+b.n <= e.direct
	if direct {
		cs = byWaveform(a, b)
	}
	if !direct || a.n+b.n > 120*SyncRate {
		// Drift over minutes smears the peak of the waveform, not of the novelty.
		for _, c := range byNovelty(a, b, e.novelty) {
			if c.Z > 5 {
				cs = append(cs, c)
			}
		}
	}
	type tried struct {
		c    Candidate
		l    line
		rs   []reading
		over float64
		ev   float64
	}
	var all []tried
	for _, c := range cs {
		over := overlap(a, b, c.Lag)
		if over < leastOverlap {
			continue
		}
		reach := 0.004 + maxPPM/2*1e-6*over
		if c.Cue == "novelty" {
			reach += 0.03
		}
		if c.Cue == "novelty" && len(all) > 0 && math.Abs(all[0].c.Lag-c.Lag) < 0.05 {
			continue
		}
		if len(all) > 0 && all[0].ev > 20 && c.Cue == "novelty" && c.Z < 0.7*all[0].c.Z {
			break // far behind one that is certain
		}
		rs := read(a, b, c.Lag, reach, e.check)
		l := fitLine(rs)
		all = append(all, tried{c, l, rs, over, evidence(c, l, len(rs))})
	}
	if len(all) == 0 {
		p.Reason = "nothing_in_common"
		return p
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].ev > all[j].ev })
	top := all[0]
	if n := e.windows; n > e.check && top.ev > 6 {
		// The line itself is measured with more windows than the choice needs.
		reach := 0.003 + 2*top.l.slopeSD*top.over + math.Abs(top.l.slope)*top.over
		if top.c.Cue == "novelty" {
			reach = math.Min(0.034+maxPPM/2*1e-6*top.over, reach+0.01)
		}
		mid := top.l.lag + top.l.slope*(math.Max(0, -top.c.Lag)+top.over/2)
		if top.l.inliers < 2 {
			mid = top.c.Lag
		}
		if rs := read(a, b, mid, reach, n); len(rs) > len(top.rs) {
			l := fitLine(rs)
			if ev := evidence(top.c, l, len(rs)); ev > 0.8*top.ev {
				top.l, top.rs, top.ev = l, rs, math.Max(ev, top.ev)
			}
		}
	}
	p.Lag, p.SD, p.Cue, p.Overlap = top.c.Lag, 0.0005, top.c.Cue, top.over
	if top.l.inliers > 0 && (top.c.Cue == "novelty" || math.Abs(top.l.lag-top.c.Lag) < 0.001+maxPPM*1e-6*top.over) {
		p.Lag, p.SD = top.l.lag, top.l.sd
		if top.l.inliers >= 3 {
			p.PPM, p.PPMSD, p.PPMKnown = top.l.slope*1e6, top.l.slopeSD*1e6, true
		}
	}
	var other []float64
	if top.ev > 20 && a.n+b.n < 100*60*SyncRate {
		for _, t := range all[1:] {
			if t.ev > 6.5 && math.Abs(t.c.Lag-top.c.Lag) < 120 {
				other = append(other, t.c.Lag)
			}
		}
		if l, ok := remainder(top.rs, top.l); ok {
			other = append(other, l)
		}
	}
	var edits []float64
	if len(other) > 0 {
		p.Breaks, edits = findBreaks(a, b, p.Lag, top.l.slope, other)
	}
	p.windows, p.inliers, p.strength = len(top.rs), top.l.inliers, top.ev
	for _, t := range all {
		q := t.c
		if t.l.inliers > 0 && t.c.Cue == "novelty" {
			q.Lag = t.l.lag
		}
		q.Score = chance(t.ev, 0)
		p.Candidates = append(p.Candidates, q)
		if math.Abs(q.Lag-p.Lag) > 0.02+math.Abs(p.PPM)*1e-6*p.Overlap && !holds(edits, q.Lag) {
			p.contest = math.Max(p.contest, t.ev)
		}
	}
	if len(p.Candidates) > 5 {
		p.Candidates = p.Candidates[:5]
	}
	p.Score = chance(p.strength, p.contest)
	// Two shots from one place are alike on one recorder though years may lie
	// between them. Where one moment carries all the evidence and the rest of a
	// long overlap is silent about it, the waveform does not decide.
	single := p.windows >= 4 && p.inliers*2 < p.windows && len(p.Breaks) == 0
	// In a short overlap the windows are too few to tell; there it is said by
	// how much of what agrees lies in one moment.
	if p.windows < 4 && p.Overlap < 0.25*math.Min(a.Duration, b.Duration) {
		single = single || agreement(a, b, p.Lag) > oneMoment
	}
	// Notes that two tunes share make windows agree where the whole does not: a
	// lag that is right is also the highest peak of the whole waveform, unless a
	// drift that the windows show moves its ends apart by half a millisecond.
	outdone := false
	smeared := math.Abs(top.l.slope)*top.over > 0.0005 && math.Abs(top.l.slope) > 5*top.l.slopeSD
	if top.c.Cue == "waveform" && top.over < 30 && len(p.Breaks) == 0 && !smeared {
		for _, t := range all {
			far := math.Abs(t.c.Lag-top.c.Lag) > 0.02
			outdone = outdone || far && t.c.Cue == "waveform" && t.c.Z > top.c.Z
		}
	}
	if single || outdone {
		p.Score = math.Min(p.Score, 0.5)
	}
	p.Candidates[0].Score = p.Score
	p.Accepted = p.Score >= acceptAt
	switch {
	case p.Accepted:
	case single && chance(p.strength, p.contest) >= acceptAt:
		p.Reason = "one_sound_only"
	case chance(p.strength, 0) >= acceptAt:
		p.Reason = "ambiguous"
	default:
		p.Reason = "nothing_in_common"
	}
	return p
}

// evidence puts both cues on one scale: the height of the peak of the whole
// waveform, or what the windows on one line add up to above chance.
func evidence(c Candidate, l line, windows int) float64 {
	ev := 0.0
	if c.Cue == "waveform" {
		ev = c.Z
	}
	if l.inliers >= 3 {
		const byChance = 12 // the square of the best of some hundred lags
		ev = math.Max(ev, math.Sqrt(math.Max(0, l.strength*l.strength-byChance*float64(l.inliers)))*math.Sqrt(float64(l.inliers)/float64(windows)))
	}
	return ev
}

// oneMoment is the part of the agreement in a tenth of a second from which the
// rest of a short overlap is taken to be silent: of ten true overlaps of a
// second one was above it, a shot alone in a quiet second is.
const oneMoment = 0.9

// agreement is the largest part of the correlation of two tracks at a lag that
// any tenth of a second of their overlap carries.
func agreement(a, b *Track, lag float64) float64 {
	lo := math.Max(0, lag)
	n := int(overlap(a, b, lag) * SyncRate)
	at, bt := int(lo*SyncRate), int((lo-lag)*SyncRate)
	n = min(n, a.n-at, b.n-bt)
	if n <= 0 {
		return 0
	}
	x, y := a.whiten(at, at+n), b.whiten(bt, bt+n)
	const bin = SyncRate / 20
	sums := make([]float64, n/bin+1)
	whole := 0.0
	for i := range x {
		v := float64(x[i]) * float64(y[i])
		sums[i/bin] += v
		whole += v
	}
	most := 0.0
	for i := range sums {
		v := sums[i]
		if i+1 < len(sums) {
			v += sums[i+1]
		}
		most = math.Max(most, v)
	}
	if whole <= 0 {
		return 1
	}
	return most / whole
}

// acceptAt is the score from which a lag is used.
const acceptAt = 0.95

// chance is the calibrated probability that a lag is right, from its evidence
// and that of the best other lag (docs/methods/sound.md). Chance alone leaves a
// best other lag of about 4.7; music and machines leave more, and then the
// evidence counts for less. Where the sound is strong, a clear lead is enough.
func chance(ev, contest float64) float64 {
	const usual = 4.7
	q := usual / math.Max(usual, contest)
	u := 3.2 * (ev*q*q - 6.4)
	if ev >= 14 && contest > 0 {
		u = math.Max(u, 12*(ev/contest-1.55))
	}
	return 1 / (1 + math.Exp(-math.Min(u, 12)))
}

func overlap(a, b *Track, lag float64) float64 {
	return math.Min(a.Duration, b.Duration+lag) - math.Max(0, lag)
}
