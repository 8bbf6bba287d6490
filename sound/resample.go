package sound

import "math"

// Resample converts x from one rate to another (both in samples a second) with
// a windowed sinc of zero phase: the first sample keeps its moment. Above 0.45
// of the lower rate sound is taken out. The steps between samples are exact;
// the kernel is read at the nearest of 1024 phases, an error of at most 1/2048
// of a sample.
func Resample(x []float32, from, to int) []float32 {
	if from == to || from <= 0 || to <= 0 {
		return x
	}
	// Halving first costs half the multiplications of one long kernel.
	for from >= 4*to && from%2 == 0 {
		x, from = halve(x), from/2
	}
	g := gcd(from, to)
	l, m := to/g, from/g
	phases := min(l, 1024)
	cut := 0.95 * math.Min(1, float64(to)/float64(from)) // of Nyquist
	const crossings = 12
	half := int(math.Ceil(crossings / math.Min(1, float64(to)/float64(from))))
	taps := 2*half + 1
	kernel := make([]float32, (phases+1)*taps)
	for p := 0; p <= phases; p++ {
		var sum float64
		k := kernel[p*taps : (p+1)*taps]
		for i := range k {
			t := float64(i-half) - float64(p)/float64(phases)
			v := cut * sinc(cut*t) * kaiser(t/float64(half+1))
			k[i] = float32(v)
			sum += v
		}
		for i := range k {
			k[i] /= float32(sum)
		}
	}
	n := int((int64(len(x))*int64(l) + int64(m) - 1) / int64(m))
	out := make([]float32, n)
	for i := range out {
		at := int64(i) * int64(m)
		base := int(at / int64(l))
		p := int((at%int64(l)*int64(phases)*2 + int64(l)) / (2 * int64(l)))
		k := kernel[p*taps : (p+1)*taps]
		lo := base - half
		if lo >= 0 && lo+taps <= len(x) {
			w := x[lo : lo+taps]
			var a, b float32
			j := 0
			for ; j+1 < len(w); j += 2 {
				a += w[j] * k[j]
				b += w[j+1] * k[j+1]
			}
			if j < len(w) {
				a += w[j] * k[j]
			}
			out[i] = a + b
			continue
		}
		var s float32
		for j := range k {
			if q := lo + j; q >= 0 && q < len(x) {
				s += x[q] * k[j]
			}
		}
		out[i] = s
	}
	return out
}

// halve keeps every second sample behind a half-band filter.
func halve(x []float32) []float32 {
	const half = 15
	var k [half/2 + 1]float32 // odd taps; the even ones are zero
	sum := 0.5
	for i := range k {
		t := float64(2*i + 1)
		v := 0.5 * sinc(t/2) * kaiser(t/(half+1))
		k[i] = float32(v)
		sum += 2 * v
	}
	out := make([]float32, (len(x)+1)/2)
	at := func(i int) float32 {
		if i < 0 || i >= len(x) {
			return 0
		}
		return x[i]
	}
	inv := float32(1 / sum)
	for i := range out {
		c := 2 * i
		s := 0.5 * x[c]
		if c >= half && c+half < len(x) {
			for j, v := range k {
				s += v * (x[c-2*j-1] + x[c+2*j+1])
			}
		} else {
			for j, v := range k {
				s += v * (at(c-2*j-1) + at(c+2*j+1))
			}
		}
		out[i] = s * inv
	}
	return out
}

func sinc(t float64) float64 {
	if math.Abs(t) < 1e-12 {
		return 1
	}
	return math.Sin(math.Pi*t) / (math.Pi * t)
}

// kaiser is the Kaiser window with beta 8 (stop band about -80 dB) at t in [-1, 1].
func kaiser(t float64) float64 {
	if t <= -1 || t >= 1 {
		return 0
	}
	return bessel0(8*math.Sqrt(1-t*t)) / bessel0(8)
}

func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= (x / (2 * k)) * (x / (2 * k))
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
