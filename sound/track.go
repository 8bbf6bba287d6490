package sound

import (
	"math"
)

// SyncRate is the rate, in samples a second, at which recordings are compared.
// Phones, radios and AMR carry little above 4 kHz that two places share.
const SyncRate = 8000

const (
	frame      = 512       // samples of a frame of the whitening, 64 ms
	hop        = frame / 2 //
	noveltyHop = 128       // samples between two novelty values, 16 ms
	bandCount  = 8
	// Longer recordings are whitened piece by piece when a piece is needed.
	wholeLimit   = 25 * 60 * SyncRate
	eagerOnsets  = 60.0    // s: up to this the onsets are found at once,
	patternLimit = 10 * 60 // s: up to this when the waveforms leave a pair open
	syncLow      = 200.0
	syncHigh     = 3500.0
)

// Track is a recording prepared for comparison.
type Track struct {
	Duration float64 // seconds
	Rate     int     // of the recording itself
	Flags    []Flag

	samples  []float32 // at SyncRate; nil when white is whole
	n        int
	white    []float32
	floor    []float32 // magnitude of the background in each bin of a frame
	novelty  [bandCount][]float32
	silent   bool
	onsets   []Onset
	onsetsOK bool
	spectra  map[int][][]complex64
}

// Prepare brings a recording to the common rate and describes it. The recording
// may be dropped afterwards.
func Prepare(a *Audio) *Track {
	t := &Track{Duration: a.Duration(), Rate: a.Rate, Flags: append(append([]Flag{}, a.Flags...), Condition(a)...)}
	for _, f := range t.Flags {
		t.silent = t.silent || f.Code == "silent"
	}
	t.samples = Resample(a.Samples, a.Rate, SyncRate)
	t.n = len(t.samples)
	if a.Duration() <= eagerOnsets {
		t.findOnsets(a)
	}
	t.describe()
	if t.n <= wholeLimit && !t.silent {
		t.white = t.whiten(0, t.n)
		if t.onsetsOK || t.Duration > patternLimit {
			t.samples = nil
		}
	}
	return t
}

// findOnsets fills the onsets once; a nil recording stands for the samples that
// were kept.
func (t *Track) findOnsets(a *Audio) {
	if t.onsetsOK || t.silent {
		return
	}
	if a == nil {
		a = &Audio{Rate: SyncRate, Samples: t.samples}
	}
	t.onsets, _ = FindOnsets(a)
	t.onsetsOK = true
}

// describe measures the background and the novelty of eight bands.
func (t *Track) describe() {
	f := NewFFT(frame)
	spec := make([]complex64, frame/2+1)
	buf := make([]float32, frame)
	// Background: the median magnitude over up to 600 frames.
	frames := max(0, (t.n-frame)/hop+1)
	step := max(1, frames/600)
	var mags [frame/2 + 1][]float32
	for k := 0; k < frames; k += step {
		x := t.samples[k*hop : k*hop+frame]
		for i, v := range x {
			buf[i] = v * window[i]
		}
		f.Forward(spec, buf)
		for b, v := range spec {
			mags[b] = append(mags[b], abs32(v))
		}
	}
	t.floor = make([]float32, frame/2+1)
	raw := make([]float32, frame/2+1)
	top := float32(0)
	for b := range mags {
		if len(mags[b]) == 0 {
			continue
		}
		raw[b] = ranked(mags[b], len(mags[b])/2)
		top = max(top, raw[b])
	}
	// A little smoothing, and never zero: digital silence divides nothing.
	for b := range raw {
		s, n := float32(0), float32(0)
		for d := -2; d <= 2; d++ {
			if q := b + d; q >= 0 && q < len(raw) {
				s, n = s+raw[q], n+1
			}
		}
		t.floor[b] = max(s/n, 1e-4*top, 1e-7)
	}
	if t.silent || t.n < noveltyHop*4 {
		return
	}
	// Novelty: the loudness of each band over its background, less its mean
	// over the second around it.
	const size = 256
	g := NewFFT(size)
	sp := make([]complex64, size/2+1)
	var half [size]float32 // the window at this length
	for i := range half {
		half[i] = window[2*i]
	}
	n := (t.n - size) / noveltyHop
	if n < 4 {
		return
	}
	// Half the length of a frame: its power is a quarter.
	var bin [size/2 + 1]int
	var scale [size/2 + 1]float32
	from, to := size, 0
	for k := range bin {
		hz := float64(k) * SyncRate / size
		if hz >= syncLow && hz <= syncHigh {
			bin[k] = min(bandCount-1, int(float64(bandCount)*math.Log(hz/syncLow)/math.Log(syncHigh/syncLow)))
			scale[k] = 4 / (t.floor[2*k] * t.floor[2*k])
			from, to = min(from, k), max(to, k+1)
		}
	}
	for b := range t.novelty {
		t.novelty[b] = make([]float32, n)
	}
	for k := 0; k < n; k++ {
		x := t.samples[k*noveltyHop : k*noveltyHop+size]
		for i, v := range x {
			buf[i] = v * half[i]
		}
		g.Forward(sp, buf[:size])
		var e [bandCount]float32
		for i := from; i < to; i++ {
			v := sp[i]
			e[bin[i]&(bandCount-1)] += (real(v)*real(v) + imag(v)*imag(v)) * scale[i]
		}
		for b := range e {
			t.novelty[b][k] = log2(e[b] + 1)
		}
	}
	const around = 32
	for b := range t.novelty {
		x := t.novelty[b]
		sum := make([]float64, n+1)
		for i, v := range x {
			sum[i+1] = sum[i] + float64(v)
		}
		var power float64
		for i := range x {
			lo, hi := max(0, i-around), min(n, i+around+1)
			x[i] -= float32((sum[hi] - sum[lo]) / float64(hi-lo))
			power += float64(x[i]) * float64(x[i])
		}
		if s := float32(math.Sqrt(power / float64(n))); s > 1e-6 {
			for i := range x {
				x[i] = max(-3, min(3, x[i]/s))
			}
		}
	}
}

// log2 is coarse (1 %): enough for loudness, and fast.
func log2(v float32) float32 {
	b := math.Float32bits(v)
	e := float32(int(b>>23) - 127)
	m := math.Float32frombits(b&0x7FFFFF | 0x3F800000)
	return e + (m-1)*(1.33-0.33*(m-1))
}

func abs32(c complex64) float32 { return sqrt32(real(c)*real(c) + imag(c)*imag(c)) }

// sqrt32 is one instruction: the compiler knows this form.
func sqrt32(v float32) float32 { return float32(math.Sqrt(float64(v))) }

// window is the square root of Hann's, so that analysis and synthesis together
// add up to one.
var window = func() (w [frame]float32) {
	for i := range w {
		w[i] = float32(math.Sin(math.Pi * (float64(i) + 0.5) / frame))
	}
	return
}()

// whiten returns samples lo to hi in which each moment and frequency counts by
// how far it stands above the background, not by how loud it is: the cell X of
// the short-time spectrum becomes X |X|/(|X|^2 + 4 floor^2). This is the phase
// transform (Knapp and Carter 1976) where the signal is strong, times Wiener's
// gain, which leaves little where only noise is. The gain is real, so nothing
// is delayed. What comes back may be the track's own: it is not to be written to.
func (t *Track) whiten(lo, hi int) []float32 {
	if t.white != nil && lo >= 0 && hi <= len(t.white) && lo <= hi {
		return t.white[lo:hi:hi]
	}
	out := make([]float32, hi-lo)
	if t.white != nil {
		if from, to := max(lo, 0), min(hi, len(t.white)); from < to {
			copy(out[from-lo:], t.white[from:to])
		}
		return out
	}
	f := NewFFT(frame)
	spec := make([]complex64, frame/2+1)
	buf := make([]float32, frame)
	const kLow = 13 // 203 Hz
	kHigh := int(math.Floor(syncHigh * frame / SyncRate))
	kHigh = min(kHigh, int(0.46*float64(min(t.Rate, SyncRate))*frame/SyncRate))
	first := (lo - frame) / hop
	if lo < frame {
		first = -1
	}
	var quiet [frame/2 + 1]float32
	for b, v := range t.floor {
		quiet[b] = 4 * v * v
	}
	for k := first; k*hop < hi; k++ {
		at := k * hop
		if at >= 0 && at+frame <= t.n {
			for i, v := range t.samples[at : at+frame] {
				buf[i] = v * window[i]
			}
		} else {
			for i := range buf {
				buf[i] = 0
				if q := at + i; q >= 0 && q < t.n {
					buf[i] = t.samples[q] * window[i]
				}
			}
		}
		f.Forward(spec, buf)
		clear(spec[:kLow])
		clear(spec[kHigh+1:])
		for b, v := range spec[kLow : kHigh+1] {
			re, im := real(v), imag(v)
			m2 := re*re + im*im
			g := sqrt32(m2) / (m2 + quiet[kLow+b])
			spec[kLow+b] = complex(re*g, im*g)
		}
		f.Inverse(buf, spec)
		if at >= lo && at+frame <= hi {
			o := out[at-lo : at-lo+frame]
			for i, v := range buf {
				o[i] += v * window[i]
			}
			continue
		}
		for i, v := range buf {
			if q := at + i - lo; q >= 0 && q < len(out) {
				out[q] += v * window[i]
			}
		}
	}
	return out
}

// noveltySpectra are the transforms of the bands at one length, kept because
// every pair of a track needs them.
func (t *Track) noveltySpectra(size int) [][]complex64 {
	if s, ok := t.spectra[size]; ok {
		return s
	}
	f := NewFFT(size)
	out := make([][]complex64, bandCount)
	for b := range out {
		out[b] = make([]complex64, size/2+1)
		f.Forward(out[b], t.novelty[b])
	}
	if t.spectra == nil {
		t.spectra = map[int][][]complex64{}
	}
	t.spectra[size] = out
	return out
}
