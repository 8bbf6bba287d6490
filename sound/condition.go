package sound

import "math"

// Condition says what is wrong with the sound itself: silence, digital silence
// in part, clipping, a very low rate, samples that repeat exactly (a loop).
// The flags do not stop any analysis; they explain it.
func Condition(a *Audio) []Flag {
	n := len(a.Samples)
	if n == 0 {
		return []Flag{{"silent", "There is no sound in this recording."}}
	}
	var out []Flag
	h := &Audio{}
	var peak, sum float64
	longest, run := 0, 0
	var last float32 = 2
	flat, atTop := 0, 0
	// In blocks: what a whole block settles is not asked sample by sample.
	const block = 256
	for lo := 0; lo < n; lo += block {
		x := a.Samples[lo:min(n, lo+block)]
		// Without its sign a float32 grows as its bits do.
		var top uint32
		var p, q float32
		zeros := 0
		for i := 0; i+1 < len(x); i += 2 {
			v, w := x[i], x[i+1]
			m, n := math.Float32bits(v)<<1, math.Float32bits(w)<<1
			top = max(top, m, n)
			p, q = p+v*v, q+w*w
			if m == 0 || n == 0 {
				zeros++
			}
		}
		if v := x[len(x)-1]; len(x)%2 == 1 {
			m := math.Float32bits(v) << 1
			top, p = max(top, m), p+v*v
			if m == 0 {
				zeros++
			}
		}
		sum += float64(p) + float64(q)
		loudest := math.Float32frombits(top >> 1)
		peak = max(peak, float64(loudest))
		if loudest > 0.05 {
			for _, v := range x {
				if v == last && (v > 0.05 || v < -0.05) {
					flat++
				}
				last = v
			}
		}
		last = x[len(x)-1]
		if zeros == 0 {
			run = 0
			continue
		}
		for _, v := range x {
			if v != 0 {
				run = 0
				continue
			}
			if run++; run > longest {
				longest = run
			}
		}
	}
	rms := math.Sqrt(sum / float64(n))
	if peak < 1.0/4096 || rms < 1e-5 {
		h.flag("silent", "The recording is silent: its loudest sample is %.5f of the full scale.", peak)
		return h.Flags
	}
	if limit := float32(0.995 * peak); float64(flat)/float64(n) > 0.0005 {
		for _, v := range a.Samples {
			if v >= limit || v <= -limit {
				atTop++
			}
		}
	}
	if float64(flat)/float64(n) > 0.0005 && float64(atTop)/float64(n) > 0.0005 {
		h.flag("clipped", "%.2f %% of the samples stand at the limit: loud parts are cut off.", 100*float64(atTop)/float64(n))
	}
	if s := float64(longest) / float64(a.Rate); s > 0.25 {
		h.flag("gap", "For %.2f s the recording holds nothing at all, as when samples were lost or the recorder was not running.", s)
	}
	if a.Rate <= 8000 {
		h.flag("narrow", "The recording has %d samples a second: sound above %d Hz is missing.", a.Rate, a.Rate/2)
	}
	if p := period(a); p > 0 {
		h.flag("looped", "The same samples come again every %.3f s: this is a loop, and more than one offset fits.", p)
	}
	return append(out, h.Flags...)
}

// period returns the seconds after which the sound repeats sample by sample,
// 0 when it does not. Copies of a stretch are found by a rolling hash over
// quantised samples of half a second, so noise that was recorded twice never
// counts.
func period(a *Audio) float64 {
	w := a.Rate / 2
	x := a.Samples
	if w < 50 || len(x) < 4*w {
		return 0
	}
	const base = 1099511628211
	var top uint64 = 1
	for range w {
		top *= base
	}
	q := func(v float32) int64 { return int64(v * 32768) }
	const mix = 0x9E3779B97F4A7C15
	// Sparse anchors keep the table small: one in 64 windows, in 256 of a long
	// recording, chosen by value so that copies choose the same ones.
	thin := 58
	if len(x) > 1<<22 {
		thin = 56
	}
	seen := make(map[uint64]int, min(len(x)/48, 1<<16))
	count := map[int]int{}
	var h uint64
	var energy int64
	quiet := int64(1e-6 * float64(w) * 32768 * 32768)
	for i, v := range x {
		k := q(v)
		h = h*base + uint64(k)*mix
		energy += k * k
		if i >= w {
			o := q(x[i-w])
			h -= uint64(o) * mix * top
			energy -= o * o
		}
		if i < w || (h*mix)>>thin != 0 || energy < quiet {
			continue
		}
		if j, ok := seen[h]; ok {
			if count[i-j]++; count[i-j] > w/256 && count[i-j] > 20 {
				return float64(i-j) / float64(a.Rate)
			}
		}
		seen[h] = i
		if len(seen) > 1<<22 {
			return 0
		}
	}
	return 0
}
