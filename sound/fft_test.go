package sound

import (
	"math"
	"math/rand/v2"
	"testing"
)

func noise(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func TestFFTAgainstDirectSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{4, 8, 16, 32, 64, 128, 512, 1024} {
		x := noise(r, n)
		f := NewFFT(n)
		got := make([]complex64, n/2+1)
		f.Forward(got, x)
		for k := range got {
			var re, im float64
			for i, v := range x {
				s, c := math.Sincos(-2 * math.Pi * float64(k*i%n) / float64(n))
				re, im = re+float64(v)*c, im+float64(v)*s
			}
			if math.Hypot(float64(real(got[k]))-re, float64(imag(got[k]))-im) > 2e-6*float64(n) {
				t.Fatalf("n %d, k %d: got %v, want %g%+gi", n, k, got[k], re, im)
			}
		}
		back := make([]float32, n)
		f.Inverse(back, got)
		for i := range x {
			if math.Abs(float64(back[i]-x[i])) > 1e-5 {
				t.Fatalf("n %d: sample %d came back as %g, was %g", n, i, back[i], x[i])
			}
		}
	}
}

func TestFFTPadsAndDoesNotAllocate(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	x := noise(r, 1<<12)
	f := NewFFT(1 << 13)
	a, b := make([]complex64, 1<<12+1), make([]complex64, 1<<12+1)
	f.Forward(a, x[:4095])
	f.Forward(b, append(append([]float32(nil), x[:4095]...), make([]float32, 4097)...))
	for k := range a {
		if a[k] != b[k] {
			t.Fatalf("coefficient %d differs after padding", k)
		}
	}
	if n := testing.AllocsPerRun(5, func() { f.Forward(a, x) }); n != 0 {
		t.Errorf("Forward allocates %v times", n)
	}
}

func TestResampleKeepsTheMoment(t *testing.T) {
	// A tone burst sampled at any rate is the same function of time.
	at := func(t float64) float64 {
		return math.Sin(2*math.Pi*700*t+0.3) * math.Exp(-math.Pow((t-0.25)/0.05, 2))
	}
	for _, from := range []int{6000, 11025, 12000, 16000, 22050, 44100, 48000, 96000, 44056} {
		x := make([]float32, from/2)
		for i := range x {
			x[i] = float32(at(float64(i) / float64(from)))
		}
		y := Resample(x, from, 8000)
		for i := 800; i < 3200; i++ {
			if d := math.Abs(float64(y[i]) - at(float64(i)/8000)); d > 2e-3 {
				t.Fatalf("from %d: sample %d is off by %g", from, i, d)
			}
		}
	}
}

func benchmarkFFT(b *testing.B, n int) {
	f := NewFFT(n)
	x := noise(rand.New(rand.NewPCG(1, 1)), n)
	y := make([]complex64, n/2+1)
	b.ReportAllocs()
	for b.Loop() {
		f.Forward(y, x)
	}
}

func BenchmarkFFT32768(b *testing.B)   { benchmarkFFT(b, 1<<15) }
func BenchmarkFFT1048576(b *testing.B) { benchmarkFFT(b, 1<<20) }

// The instructions of one processor and the Go code give the same bits.
func TestFFTWithAndWithoutInstructions(t *testing.T) {
	if !fast {
		t.Skip("this processor has none")
	}
	r := rand.New(rand.NewPCG(5, 6))
	for m := 4; m <= 1024; m *= 4 {
		for s := 1; s <= 64; s *= 4 {
			n := 4 * m * s
			x := make([]complex64, n)
			for i := range x {
				x[i] = complex(float32(r.NormFloat64()), float32(r.NormFloat64()))
			}
			f := NewFFT(2 * n)
			got, want := make([]complex64, n), make([]complex64, n)
			if s == 1 {
				firstAVX(&x[0], &got[0], &f.tw[0], m)
			} else {
				passAVX(&x[0], &got[0], &f.tw[0], m, s)
			}
			for p := range m {
				for q := range s {
					a, b, c, d := x[s*p+q], x[s*(p+m)+q], x[s*(p+2*m)+q], x[s*(p+3*m)+q]
					v := b - d
					v = complex(-imag(v), real(v))
					want[s*4*p+q] = a + c + (b + d)
					want[s*(4*p+1)+q] = turn(a-c-v, f.tw[p*s])
					want[s*(4*p+2)+q] = turn(a+c-(b+d), f.tw[2*p*s])
					want[s*(4*p+3)+q] = turn(a-c+v, f.tw[3*p*s])
				}
			}
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("m %d, s %d: element %d is %v, not %v", m, s, i, got[i], want[i])
				}
			}
		}
	}
}
