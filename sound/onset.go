package sound

import (
	"math"
	"sort"
)

// Onset is a sudden sound. T and SD are seconds from the first sample; SNR is
// the level of the first 10 ms over the 60 ms before, the mean of three bands,
// in decibels; Level the level of those 10 ms (150 to 1500 Hz) below the full
// scale; P the share of such onsets that are impulses (a shot, a blast, a slam)
// and not speech or music. Group numbers runs of onsets from 0. Hints say what
// the shape of the sound allows, never what made it.
type Onset struct {
	T, SD, SNR, Level, P float64
	Group                int
	Hints                []string
}

// OnsetGroup is a run of onsets that follow each other within Pause seconds;
// Intervals are the seconds between them.
type OnsetGroup struct {
	ID, Count int
	Intervals []float64
}

// Pause is the silence, in seconds, that ends a group of onsets.
const Pause = 3.0

// Thresholds, set on live-fire recordings and described in
// docs/methods/sound.md. Levels are in decibels.
const (
	onsetFirst    = 9.0  // rise over the background that a lone onset needs
	onsetNext     = 5.5  // rise that is enough when the waveform is known
	onsetOther    = 12.0 // rise of an onset of another waveform
	onsetLouder   = 3.0  // or as much louder than what was found
	sameWave      = 0.7  // normalised correlation of two arrivals of one kind
	surelySame    = 0.85
	echoWindow    = 0.2 // s in which another waveform counts as reflection
	neighbourhood = 8.0 // s within which levels are compared
)

type candidate struct {
	at          int
	rise, level float64
}

// analysis is one stretch of sound at the rate of analysis.
type analysis struct {
	rate  int
	wide  []float32 // 150 to 3000 Hz
	found []candidate
}

// FindOnsets finds sudden sounds. A rise in three bands at once makes a
// candidate; one that repeats the waveform of a stronger one is kept even when
// it is faint, because sounds made by the same source reach the same recorder
// over the same path, while echoes of them arrive weaker and with another
// waveform. Reflections within 0.2 s are not counted.
func FindOnsets(a *Audio) ([]Onset, []OnsetGroup) {
	rate := a.Rate
	x := a.Samples
	if rate > 24000 {
		x, rate = Resample(x, rate, 16000), 16000
	}
	if rate < 4000 || len(x) < rate/2 {
		return []Onset{}, []OnsetGroup{}
	}
	an := analyse(x, rate)
	kept := an.choose()
	out := make([]Onset, 0, len(kept))
	for _, c := range kept {
		t, sd := an.edge(c)
		o := Onset{T: t, SD: sd, SNR: c.rise, Level: c.level}
		o.P, o.Hints = an.shape(c)
		out = append(out, o)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].T < out[j].T })
	groups := []OnsetGroup{}
	for i := range out {
		if i == 0 || out[i].T-out[i-1].T > Pause {
			groups = append(groups, OnsetGroup{ID: len(groups), Intervals: []float64{}})
		} else {
			g := &groups[len(groups)-1]
			g.Intervals = append(g.Intervals, out[i].T-out[i-1].T)
		}
		g := &groups[len(groups)-1]
		g.Count++
		out[i].Group = g.ID
	}
	return out, groups
}

var onsetBands = [3][2]float64{{150, 600}, {600, 1500}, {1500, 4000}}

// analyse walks the sound in blocks, so that an hour needs no more memory than
// a minute besides the one filtered copy.
func analyse(x []float32, rate int) *analysis {
	an := &analysis{rate: rate, wide: bandpass(x, rate, 150, 3000)}
	// Before and after a block stands enough for the filters to settle and for
	// the windows of the rise.
	const blockS, marginS = 30, 1
	block, margin := blockS*rate, marginS*rate
	pre, gap, post := rate*60/1000, rate*2/1000, rate*10/1000
	step := max(1, rate/4000) // a quarter of a millisecond; the edge is found later
	for lo := 0; lo < len(x); lo += block {
		from, to := max(0, lo-margin), min(len(x), lo+block+margin)
		part := x[from:to]
		n := len(part)
		rise, level := make([]float64, n), make([]float64, n)
		for b, band := range onsetBands {
			hi := math.Min(band[1], 0.45*float64(rate))
			if hi < 1.3*band[0] {
				hi = 1.3 * band[0]
			}
			y := bandpass(part, rate, band[0], hi)
			sum := make([]float64, n+1)
			for i, v := range y {
				sum[i+1] = sum[i] + float64(v)*float64(v)
			}
			for i := pre + gap; i+post < n; i += step {
				after := (sum[i+post] - sum[i]) / float64(post)
				before := (sum[i-gap] - sum[i-gap-pre]) / float64(pre)
				d := 10 * math.Log10((after+1e-14)/(before+1e-14))
				rise[i] += math.Max(-5, math.Min(40, d)) / 3
				if b < 2 {
					level[i] += 5 * math.Log10(after+1e-14)
				}
			}
		}
		// Exact zeros before the moment: the recorder was not running, so the
		// step is the start of the recording and not a sound.
		dead := make([]int, n+1)
		for i, v := range part {
			dead[i+1] = dead[i]
			if v > -2e-5 && v < 2e-5 {
				dead[i+1]++
			}
		}
		for i := pre + gap; i+post < n; i++ {
			if 10*(dead[i-gap]-dead[i-gap-pre]) > 3*pre {
				rise[i] = 0
			}
		}
		apart := rate * 60 / 1000
		for i := pre + gap; i+post < n; i += step {
			if rise[i] < 5 || from+i < lo || from+i >= lo+block {
				continue
			}
			top := true
			for j := max(pre+gap, i-apart/step*step); j < min(n, i+apart) && top; j += step {
				top = rise[j] < rise[i] || (rise[j] == rise[i] && j >= i)
			}
			if top {
				an.found = append(an.found, candidate{from + i, rise[i], level[i]})
			}
		}
	}
	return an
}

// choose keeps the onsets that stand for a sound of their own.
func (an *analysis) choose() []candidate {
	order := append([]candidate(nil), an.found...)
	sort.SliceStable(order, func(i, j int) bool { return order[i].rise > order[j].rise })
	// What no pair could have looked at stays bounded.
	if len(order) > 20000 {
		order = order[:20000]
	}
	near := int(neighbourhood * float64(an.rate))
	var kept []candidate
	for _, c := range order {
		if c.rise < onsetNext {
			break
		}
		alone, same, loudest := true, 0.0, math.Inf(-1)
		echo := false
		for _, k := range kept {
			d := c.at - k.at
			if d < -near || d > near {
				continue
			}
			alone = false
			loudest = math.Max(loudest, k.level)
			if r := an.likeness(k.at, c.at); r > same {
				same = r
			}
			if d > 0 && float64(d) < echoWindow*float64(an.rate) {
				echo = true
			}
		}
		over := c.level - loudest
		switch {
		case alone && c.rise >= onsetFirst,
			same >= sameWave && over >= -6 && (!echo || same >= surelySame),
			same >= surelySame && over >= -15,
			!alone && !echo && over >= onsetLouder,
			!alone && !echo && c.rise >= onsetOther && over >= -3:
			kept = append(kept, c)
		}
	}
	return kept
}

// likeness is the largest normalised correlation of 35 ms around two moments,
// with 5 ms of play.
func (an *analysis) likeness(a, b int) float64 {
	r := an.rate
	lo, n, play := r*5/1000, r*35/1000, r*5/1000
	if a-lo < 0 || a-lo+n > len(an.wide) || b-lo-play < 0 || b-lo+play+n > len(an.wide) {
		return 0
	}
	p := an.wide[a-lo : a-lo+n]
	var pp float64
	for _, v := range p {
		pp += float64(v) * float64(v)
	}
	best := 0.0
	for s := -play; s <= play; s++ {
		q := an.wide[b-lo+s : b-lo+s+n]
		var pq, qq float32
		for i, v := range p {
			pq += v * q[i]
			qq += q[i] * q[i]
		}
		if d := pp * float64(qq); d > 0 {
			best = math.Max(best, float64(pq)/math.Sqrt(d))
		}
	}
	return best
}

// edge finds the arrival. The energy in a window of 4 ms is followed from its
// peak down to a twentieth. An arrival with a sharp front raises that energy in
// proportion to the part of the window it fills, so the front lies nine tenths
// of half a window later. The standard deviation is the spread against arrivals
// marked by hand, which grows when the background is near.
func (an *analysis) edge(c candidate) (t, sd float64) {
	r := an.rate
	w := max(2, r*4/1000)
	lo, hi := max(0, c.at-r*55/1000), min(len(an.wide), c.at+r*20/1000)
	energy := make([]float64, hi-lo)
	var s float64
	for i := lo - w/2; i < hi+w/2; i++ { // the window is centred
		if i >= 0 && i < len(an.wide) {
			s += float64(an.wide[i]) * float64(an.wide[i])
		}
		if j := i - w; j >= lo-w/2 && j >= 0 {
			s -= float64(an.wide[j]) * float64(an.wide[j])
		}
		if k := i - w/2 - lo; k >= 0 && k < len(energy) {
			energy[k] = s
		}
	}
	from := min(len(energy)-1, max(0, c.at-lo-r*5/1000))
	peak := from
	for k := from; k < len(energy); k++ {
		if energy[k] > energy[peak] {
			peak = k
		}
	}
	k := peak
	for k > 0 && energy[k] > 0.05*energy[peak] && peak-k < r*50/1000 {
		k--
	}
	at := float64(lo+k) + 0.9*float64(w)/2
	if a, b := energy[k], energy[min(k+1, len(energy)-1)]; b > a && a <= 0.05*energy[peak] {
		at += (0.05*energy[peak] - a) / (b - a)
	}
	return at / float64(r), 0.0004 + 0.02*math.Pow(10, -c.rise/10)
}

// shape describes an onset: the chance that it is an impulse, and hints.
func (an *analysis) shape(c candidate) (p float64, hints []string) {
	r := an.rate
	energy := func(from, to int) float64 { // ms after the onset
		lo, hi := c.at+from*r/1000, c.at+to*r/1000
		if lo < 0 || hi > len(an.wide) {
			return 0
		}
		var s float64
		for _, v := range an.wide[lo:hi] {
			s += float64(v) * float64(v)
		}
		return s/float64(hi-lo) + 1e-14
	}
	first, later := energy(0, 20), energy(150, 250)
	fall := 10.0
	if later > 0 && first > 0 {
		fall = 10 * math.Log10(first/later)
	}
	p = 1 / (1 + math.Exp(-(0.25*(c.rise-9) + 0.35*(fall-4))))
	hints = []string{}
	if fall < 3 {
		hints = append(hints, "sustained")
	}
	if before := energy(-60, -5); before > 0 && first/before > 1 {
		if second := energy(25, 60); second > 2*first {
			hints = append(hints, "stronger_part_follows")
		}
	}
	if tail := energy(400, 700); tail > 0 && 10*math.Log10(first/tail) < 12 {
		hints = append(hints, "long_tail")
	}
	return p, hints
}

// bandpass filters with Butterworth sections of second order, once forwards and
// once backwards, so that nothing is delayed.
func bandpass(x []float32, rate int, lo, hi float64) []float32 {
	y := make([]float32, len(x))
	copy(y, x)
	hi = math.Min(hi, 0.47*float64(rate))
	for _, s := range [2]biquad{highPass(lo / float64(rate)), lowPass(hi / float64(rate))} {
		s.run(y, 1)
		s.run(y, -1)
	}
	return y
}

type biquad struct{ b0, b1, b2, a1, a2 float64 }

func lowPass(f float64) biquad {
	k := math.Tan(math.Pi * f)
	d := 1 / (1 + math.Sqrt2*k + k*k)
	return biquad{k * k * d, 2 * k * k * d, k * k * d, 2 * (k*k - 1) * d, (1 - math.Sqrt2*k + k*k) * d}
}

func highPass(f float64) biquad {
	k := math.Tan(math.Pi * f)
	d := 1 / (1 + math.Sqrt2*k + k*k)
	return biquad{d, -2 * d, d, 2 * (k*k - 1) * d, (1 - math.Sqrt2*k + k*k) * d}
}

func (q biquad) run(x []float32, dir int) {
	i, n := 0, len(x)
	if dir < 0 {
		i = n - 1
	}
	var z1, z2 float64
	for ; i >= 0 && i < n; i += dir {
		v := float64(x[i])
		y := q.b0*v + z1
		z1 = q.b1*v - q.a1*y + z2
		z2 = q.b2*v - q.a2*y
		x[i] = float32(y)
	}
}
