package alike

import (
	"math"
	"math/bits"
	"slices"
)

// VoiceRate is the sample rate that [Fingerprint] takes, in Hz.
const VoiceRate = 5512

// Frames of a fingerprint: so many samples long, one every hop.
const (
	voiceFrame = 2048
	voiceHop   = 128
	voiceBands = 33
	voiceLow   = 300.0  // Hz
	voiceHigh  = 2000.0 // Hz
	silence    = 30     // root mean square of a frame, of 32768, below which it says nothing
)

// Voice is the fingerprint of a sound: 32 bits for every hop of 23.2 ms. A bit
// says whether the difference of energy between two neighbouring bands rose
// since the last frame (Haitsma and Kalker, "A Highly Robust Audio
// Fingerprinting System", 2002). Zero stands for silence.
type Voice []uint32

// VoiceStep is the time between two entries of a fingerprint, in seconds.
const VoiceStep = float64(voiceHop) / VoiceRate

// Fingerprint reads samples of one channel at [VoiceRate], on the scale of 16
// bits.
func Fingerprint(x []float32) Voice {
	if len(x) < voiceFrame+voiceHop {
		return nil
	}
	window := make([]float64, voiceFrame)
	for i := range window {
		window[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/voiceFrame)
	}
	var edge [voiceBands + 1]int
	for i := range edge {
		f := voiceLow * math.Pow(voiceHigh/voiceLow, float64(i)/voiceBands)
		edge[i] = int(f / VoiceRate * voiceFrame)
	}
	var last [voiceBands]float64
	out := make(Voice, 0, len(x)/voiceHop)
	re, im := make([]float64, voiceFrame), make([]float64, voiceFrame)
	for at := 0; at+voiceFrame <= len(x); at += voiceHop {
		loud := 0.0
		for i := range re {
			v := float64(x[at+i])
			loud += v * v
			re[i], im[i] = v*window[i], 0
		}
		fft(re, im)
		var e [voiceBands]float64
		for b := range e {
			for k := edge[b]; k < max(edge[b+1], edge[b]+1); k++ {
				e[b] += re[k]*re[k] + im[k]*im[k]
			}
		}
		var w uint32
		for b := range voiceBands - 1 {
			if e[b]-e[b+1]-(last[b]-last[b+1]) > 0 {
				w |= 1 << b
			}
		}
		last = e
		if math.Sqrt(loud/voiceFrame) < silence {
			w = 0
		}
		out = append(out, w)
	}
	return out
}

// fft transforms in place; the length is a power of two.
func fft(re, im []float64) {
	n := len(re)
	for i, j := 1, 0; i < n; i++ {
		bit := n >> 1
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		j ^= bit
		if i < j {
			re[i], re[j] = re[j], re[i]
			im[i], im[j] = im[j], im[i]
		}
	}
	for size := 2; size <= n; size <<= 1 {
		half, step := size/2, len(twiddle)/size
		for i := 0; i < n; i += size {
			for k := range half {
				c := twiddle[k*step]
				a, b := i+k, i+k+half
				tr := re[b]*c[0] - im[b]*c[1]
				ti := re[b]*c[1] + im[b]*c[0]
				re[b], im[b] = re[a]-tr, im[a]-ti
				re[a], im[a] = re[a]+tr, im[a]+ti
			}
		}
	}
}

var twiddle = func() (t [voiceFrame][2]float64) {
	for i := range t {
		s, c := math.Sincos(-2 * math.Pi * float64(i) / voiceFrame)
		t[i] = [2]float64{c, s}
	}
	return t
}()

// SoundPart is a stretch of sound that two recordings share.
type SoundPart struct {
	OffsetS  float64 // time in A minus time in B of the same sound
	ErrorS   float64
	OverlapS float64
	Errors   float64 // share of bits that differ, 0 to 0.5
}

// SoundExcerpt finds the offset at which b sounds like a. ok is false when less
// than three seconds overlap or when more than 32 % of the bits differ: by
// chance half do. Two microphones at one event usually do not match; two copies
// of one recording do.
func SoundExcerpt(a, b Voice) (x SoundPart, ok bool) {
	places := map[uint32][]int32{}
	for i, w := range a {
		if w != 0 && len(places[w]) < 64 {
			places[w] = append(places[w], int32(i))
		}
	}
	votes := map[int]int{}
	for j, w := range b {
		if w == 0 {
			continue
		}
		for f := -1; f < 32; f++ {
			k := w
			if f >= 0 {
				k ^= 1 << f
			}
			for _, i := range places[k] {
				votes[int(i)-j]++
			}
		}
	}
	type cand struct{ off, n int }
	var best []cand
	for o, n := range votes {
		best = append(best, cand{o, n})
	}
	slices.SortFunc(best, func(p, q cand) int {
		if p.n != q.n {
			return q.n - p.n
		}
		return p.off - q.off
	})
	x.Errors = 1
	for _, c := range best[:min(len(best), 30)] {
		wrong, n := 0, 0
		for j := max(0, -c.off); j < len(b) && j+c.off < len(a); j++ {
			if p, q := a[j+c.off], b[j]; p != 0 && q != 0 {
				wrong += bits.OnesCount32(p ^ q)
				n++
			}
		}
		if float64(n)*VoiceStep < 3 {
			continue
		}
		if e := float64(wrong) / float64(32*n); e < x.Errors {
			x = SoundPart{OffsetS: float64(c.off) * VoiceStep, ErrorS: VoiceStep, OverlapS: float64(n) * VoiceStep, Errors: e}
		}
	}
	return x, x.Errors <= 0.32
}
