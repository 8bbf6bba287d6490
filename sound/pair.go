package sound

import (
	"math"
	"sort"
)

// Candidate is a lag that one cue proposes. Z is the height of the peak in
// standard deviations of the correlation around it; for onsets it is the
// number of onsets that coincide.
type Candidate struct {
	Lag, Z, Score float64
	Cue           string // "waveform", "novelty" or "onsets"
}

// Break is a jump of the lag at At seconds of b: an edit, or lost samples.
type Break struct{ At, Jump float64 }

// Pair is what two recordings say about each other. Lag is the start of b less
// the start of a in seconds: a sound at t_b in b is at Lag + t_b (1 + ppm/10^6)
// in a. Score is the calibrated chance that the lag is right.
type Pair struct {
	A, B              int
	Lag, SD, Score    float64
	PPM, PPMSD        float64
	PPMKnown          bool
	Overlap           float64
	Accepted          bool
	Reason            string // why it was not accepted, or a warning
	Cue               string
	Candidates        []Candidate
	Breaks            []Break
	windows, inliers  int
	strength, contest float64
}

const (
	leastOverlap = 0.5   // s
	maxPPM       = 400.0 // faster clocks than this are another format, not drift
	peakApart    = 0.004 // s between two candidates
)

// correlate gives the whitened correlation of a and b for all lags at which at
// least half a second overlaps, in standard deviations of that lag.
type correlation struct {
	z   []float32
	lag int // of z[0], samples: start of b less start of a
}

func correlate(a, b []float32) correlation {
	size := fftSize(len(a) + len(b))
	f := NewFFT(size)
	fa, fb := make([]complex64, size/2+1), make([]complex64, size/2+1)
	f.Forward(fa, a)
	f.Forward(fb, b)
	against(fa, fb)
	r := make([]float32, size)
	f.Inverse(r, fa)
	ea, eb := powers(a), powers(b)
	least := int(leastOverlap * SyncRate)
	lo, hi := -(len(b) - least), len(a)-least
	if hi < lo {
		return correlation{}
	}
	c := correlation{z: make([]float32, hi-lo+1), lag: lo}
	meanA, meanB := ea[len(a)]/float64(len(a)), eb[len(b)]/float64(len(b))
	for l := lo; l <= hi; l++ {
		// b sounds from l to l+len(b) on the clock of a.
		s, e := max(0, l), min(len(a), l+len(b))
		n := float64(e - s)
		pa, pb := ea[e]-ea[s], eb[e-l]-eb[s-l]
		// Stretches quieter than a tenth of the whole count as a tenth, so that
		// two silences do not make a large quotient.
		pa, pb = math.Max(pa, 0.1*meanA*n), math.Max(pb, 0.1*meanB*n)
		v := r[(l+size)%size]
		if d := pa * pb; d > 0 {
			c.z[l-lo] = float32(float64(v) / math.Sqrt(d) * math.Sqrt(n))
		}
	}
	return c
}

func powers(x []float32) []float64 {
	s := make([]float64, len(x)+1)
	for i, v := range x {
		s[i+1] = s[i] + float64(v)*float64(v)
	}
	return s
}

func power(x []float32) float64 {
	var s float64
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return s
}

// spread is a robust standard deviation: 1.4826 times the median magnitude,
// from at most 20,000 values.
func spread(x []float32) float64 {
	step := max(1, len(x)/20000)
	m := make([]float32, 0, len(x)/step+1)
	for i := 0; i < len(x); i += step {
		m = append(m, max(x[i], -x[i]))
	}
	if len(m) == 0 {
		return 0
	}
	return 1.4826 * float64(ranked(m, len(m)/2))
}

// ranked is the value that would stand at k if x were sorted; it moves x
// (Hoare's quickselect).
func ranked(x []float32, k int) float32 {
	lo, hi := 0, len(x)-1
	for lo < hi {
		p := x[lo+(hi-lo)/2]
		i, j := lo, hi
		for i <= j {
			for x[i] < p {
				i++
			}
			for x[j] > p {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return x[k]
		}
	}
	return x[k]
}

type peak struct {
	at float64 // index into the sequence, with fraction
	z  float64
}

// peaks returns up to n maxima at least apart indices from each other.
func peaks(x []float32, n, apart int, sd float64) []peak {
	var out []peak
	if sd <= 0 {
		return nil
	}
	// One pass keeps the best of each cell; cells of half the distance leave
	// enough to choose from.
	cell := max(1, apart/2)
	type top struct {
		i int
		v float32
	}
	var tops []top
	for lo := 0; lo < len(x); lo += cell {
		b := top{lo, x[lo]}
		for i := lo; i < min(len(x), lo+cell); i++ {
			if x[i] > b.v {
				b = top{i, x[i]}
			}
		}
		if float64(b.v) > 3*sd {
			tops = append(tops, b)
		}
	}
	sort.Slice(tops, func(i, j int) bool { return tops[i].v > tops[j].v })
next:
	for _, t := range tops {
		for _, o := range out {
			if math.Abs(o.at-float64(t.i)) < float64(apart) {
				continue next
			}
		}
		out = append(out, peak{vertex(x, t.i), float64(t.v) / sd})
		if len(out) == n {
			break
		}
	}
	return out
}

// vertex refines a maximum below one sample: the band-limited correlation is
// read on a grid of 1/16 sample by a windowed sinc, and a parabola goes through
// the best three.
func vertex(x []float32, i int) float64 {
	if i < 1 || i+1 >= len(x) {
		return float64(i)
	}
	at := func(t float64) float64 {
		c := int(math.Floor(t))
		var s float64
		for k := c - 7; k <= c+8; k++ {
			if k >= 0 && k < len(x) {
				d := t - float64(k)
				s += float64(x[k]) * sinc(d) * (0.5 + 0.5*math.Cos(math.Pi*d/8.5))
			}
		}
		return s
	}
	const step = 1.0 / 16
	best, arg := math.Inf(-1), 0
	var v [33]float64
	for k := range v {
		v[k] = at(float64(i) + float64(k-16)*step)
		if v[k] > best {
			best, arg = v[k], k
		}
	}
	d := 0.0
	if arg > 0 && arg < 32 {
		if q := v[arg-1] - 2*v[arg] + v[arg+1]; q < 0 {
			d = 0.5 * (v[arg-1] - v[arg+1]) / q
		}
	}
	return float64(i) + (float64(arg-16)+d)*step
}

// byWaveform proposes lags from the whole whitened correlation.
func byWaveform(a, b *Track) []Candidate {
	c := correlate(a.whiten(0, a.n), b.whiten(0, b.n))
	if len(c.z) == 0 {
		return nil
	}
	var out []Candidate
	for _, p := range peaks(c.z, 6, int(peakApart*SyncRate), spread(c.z)) {
		out = append(out, Candidate{Lag: (float64(c.lag) + p.at) / SyncRate, Z: p.z, Cue: "waveform"})
	}
	return out
}

// byNovelty proposes lags from the loudness of eight bands, which costs little
// and survives drift; a lag is good to about one hop of 16 ms.
func byNovelty(a, b *Track, size int) []Candidate {
	na, nb := len(a.novelty[0]), len(b.novelty[0])
	if na < 16 || nb < 16 {
		return nil
	}
	sa, sb := a.noveltySpectra(size), b.noveltySpectra(size)
	sum := make([]complex64, size/2+1)
	for k := range sa {
		p, q := sa[k][:len(sum)], sb[k][:len(sum)]
		for i := range sum {
			u, v := p[i], q[i]
			sum[i] += complex(real(u)*real(v)+imag(u)*imag(v), imag(u)*real(v)-real(u)*imag(v))
		}
	}
	r := make([]float32, size)
	NewFFT(size).Inverse(r, sum)
	least := int(2 * SyncRate / noveltyHop)
	lo, hi := -(nb - least), na-least
	if hi < lo {
		return nil
	}
	z := make([]float32, hi-lo+1)
	for l := lo; l <= hi; l++ {
		n := min(na, l+nb) - max(0, l)
		z[l-lo] = r[(l+size)%size] / float32(math.Sqrt(float64(n)))
	}
	var out []Candidate
	for _, p := range peaks(z, 5, 4, spread(z)) {
		out = append(out, Candidate{Lag: (float64(lo) + p.at) * noveltyHop / SyncRate, Z: p.z, Cue: "novelty"})
	}
	return out
}

// reading is the lag of one window of the overlap: t in seconds of b.
type reading struct {
	t     float64
	peaks []peak // at: lag in seconds
}

// read measures the lag in windows over the overlap. Lags are searched within
// reach seconds of lag + slope (t - middle).
func read(a, b *Track, lag, reach float64, most int) []reading {
	from, to := math.Max(0, -lag), math.Min(float64(b.n)/SyncRate, float64(a.n)/SyncRate-lag)
	over := to - from
	if over < leastOverlap {
		return nil
	}
	ahead := int(reach*SyncRate) + 1
	length := math.Max(0.5, math.Min(1.9, over/5))
	if ahead < 1<<12 {
		// The transform of 2^14 is filled, not overstepped.
		length = math.Min(length, float64(1<<14-2*ahead-1)/SyncRate)
	}
	count := max(1, min(most, int(over/length*1.5)))
	w := int(length * SyncRate)
	size := fftSize(w + 2*ahead)
	f := NewFFT(size)
	fa, fb, r := make([]complex64, size/2+1), make([]complex64, size/2+1), make([]float32, size)
	out := make([]reading, 0, count)
	for k := 0; k < count; k++ {
		s := from
		if count > 1 {
			s += (over - length) * float64(k) / float64(count-1)
		}
		ib := int(s * SyncRate)
		shift := int(math.Round(lag * SyncRate))
		xb := b.whiten(ib, ib+w)
		xa := a.whiten(ib+shift-ahead, ib+shift+w+ahead)
		f.Forward(fa, xa)
		f.Forward(fb, xb)
		against(fa, fb)
		f.Inverse(r, fa)
		z := r[:2*ahead+1]
		rd := reading{t: (float64(ib) + float64(w)/2) / SyncRate}
		// The spread under no match, from the energies: the correlation itself
		// holds the peak.
		sd := math.Sqrt(power(xa) * power(xb) / float64(len(xa)))
		if sd > 0 {
			for _, p := range peaks(z, 3, int(peakApart*SyncRate/4), 1.1*sd) {
				rd.peaks = append(rd.peaks, peak{(float64(shift-ahead) + p.at) / SyncRate, p.z})
			}
		}
		out = append(out, rd)
	}
	return out
}

// line is lag = l + slope t over the windows, t in seconds of b.
type line struct {
	lag, slope      float64
	sd, slopeSD     float64
	inliers         int
	strength        float64 // root of the sum of squared heights of the inliers
	used            []int   // index of the peak of each window, -1 for none
	residual, worst float64
}

const (
	tolerance  = 0.0006 // s between a window's peak and the line
	slopePrior = 80e-6  // standard deviation of clocks of phones and recorders
)

// fitLine finds the line that most of the windows' peaks lie on, then its
// weighted least squares. A slope far from zero has to be shown by the data.
func fitLine(rs []reading) line {
	type pt struct {
		t, lag, w float64
		r, k      int
	}
	var pts []pt
	for i, r := range rs {
		for k, p := range r.peaks {
			pts = append(pts, pt{r.t, p.at, p.z * p.z, i, k})
		}
	}
	if len(pts) == 0 {
		return line{}
	}
	score := func(l0, t0, s float64) float64 {
		var sum float64
		for i := range rs {
			var b float64
			for _, p := range rs[i].peaks {
				if d := math.Abs(p.at - l0 - s*(rs[i].t-t0)); d < tolerance {
					b = math.Max(b, p.z*p.z*(1-d/tolerance*d/tolerance/2))
				}
			}
			sum += b
		}
		return sum * math.Exp(-s*s/(2*slopePrior*slopePrior)*0.02)
	}
	best, bl, bt, bs := -1.0, 0.0, 0.0, 0.0
	try := func(l, t, s float64) {
		if v := score(l, t, s); v > best {
			best, bl, bt, bs = v, l, t, s
		}
	}
	for i, p := range pts {
		try(p.lag, p.t, 0)
		for _, q := range pts[i+1:] {
			if q.t-p.t > 1 {
				if s := (q.lag - p.lag) / (q.t - p.t); math.Abs(s) < maxPPM*1e-6 {
					try(p.lag, p.t, s)
				}
			}
		}
	}
	out := line{used: make([]int, len(rs))}
	for round := 0; round < 4; round++ {
		var sw, st, sl, stt, stl, rr float64
		out.inliers, out.strength = 0, 0
		for i, r := range rs {
			out.used[i] = -1
			d := tolerance
			for k, p := range r.peaks {
				if e := math.Abs(p.at - bl - bs*(r.t-bt)); e < d {
					d, out.used[i] = e, k
				}
			}
			if out.used[i] < 0 {
				continue
			}
			p := r.peaks[out.used[i]]
			e := d / 0.00025
			w := p.z * p.z / (1 + e*e)
			sw, st, sl = sw+w, st+w*r.t, sl+w*p.at
			out.inliers++
			out.strength += p.z * p.z
			rr += w * d * d
		}
		if sw == 0 {
			return out
		}
		mt, ml := st/sw, sl/sw
		for i, r := range rs {
			if out.used[i] >= 0 {
				p := r.peaks[out.used[i]]
				e := math.Abs(p.at-bl-bs*(r.t-bt)) / 0.00025
				w := p.z * p.z / (1 + e*e)
				stt += w * (r.t - mt) * (r.t - mt)
				stl += w * (r.t - mt) * (p.at - ml)
			}
		}
		// A window's lag is good to about 0.2 ms / z (bandwidth 1 kHz); the
		// scatter of the inliers says if that is too hopeful.
		dof := math.Max(1, float64(out.inliers-2))
		unit := math.Max(0.2e-3, math.Sqrt(rr/dof)*1.2)
		prior := unit * unit / (slopePrior * slopePrior)
		bs = stl / (stt + prior)
		bt, bl = mt, ml
		out.lag, out.slope = ml-bs*mt, bs
		out.slopeSD = unit / math.Sqrt(stt+prior)
		out.sd = math.Sqrt(unit*unit/sw + mt*mt*out.slopeSD*out.slopeSD)
		out.residual = math.Sqrt(rr / sw)
	}
	out.strength = math.Sqrt(out.strength)
	return out
}
