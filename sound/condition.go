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
	var peak float64
	var sum float64
	zeros, longest, run := 0, 0, 0
	var last float32 = 2
	flat, atTop := 0, 0
	for _, v := range a.Samples {
		m := math.Abs(float64(v))
		peak = math.Max(peak, m)
		sum += m * m
		if v == 0 {
			zeros++
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
		if v == last && m > 0.05 {
			flat++
		}
		last = v
	}
	rms := math.Sqrt(sum / float64(n))
	if peak < 1.0/4096 || rms < 1e-5 {
		h.flag("silent", "The recording is silent: its loudest sample is %.5f of the full scale.", peak)
		return h.Flags
	}
	for _, v := range a.Samples {
		if math.Abs(float64(v)) >= 0.995*peak {
			atTop++
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
	for i := 0; i < w; i++ {
		top *= base
	}
	q := func(v float32) uint64 { return uint64(int64(v*32768)) * 0x9E3779B97F4A7C15 }
	// Sparse anchors keep the table small: one in 64 windows, chosen by value
	// so that copies choose the same ones.
	seen := map[uint64]int{}
	count := map[int]int{}
	var h uint64
	energy := 0.0
	for i, v := range x {
		h = h*base + q(v)
		energy += float64(v) * float64(v)
		if i >= w {
			o := x[i-w]
			h -= q(o) * top
			energy -= float64(o) * float64(o)
		}
		if i < w || (h*0x9E3779B97F4A7C15)>>58 != 0 || energy < 1e-6*float64(w) {
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
