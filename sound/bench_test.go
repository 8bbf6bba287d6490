package sound

import (
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// world is a stretch of sound that many recorders hear: noise in syllables and
// pauses, coloured, at SyncRate.
func world(seed uint64, seconds int) []float32 {
	r := rand.New(rand.NewPCG(seed, 2))
	x := make([]float32, seconds*SyncRate)
	for i := 0; i < len(x); {
		n := int((0.06 + 0.25*r.Float64()) * SyncRate)
		level := math.Exp(1.2 * r.NormFloat64())
		if r.Float64() < 0.25 {
			level = 0.01
		}
		a := 0.3 + 0.6*r.Float64() // colour
		y := 0.0
		for k := i; k < min(i+n, len(x)); k++ {
			y = a*y + r.NormFloat64()
			x[k] = float32(level * y * math.Sin(math.Pi*float64(k-i)/float64(n)))
		}
		i += n
	}
	return x
}

// Cosine and sine of the taps' distances in hear's window.
var hearCos, hearSin = func() (c, s [12]float64) {
	for i := range c {
		s[i], c[i] = math.Sincos(math.Pi * float64(i-5) / 6.5)
	}
	return
}()

// hear records seconds of w from a moment, with a clock that is off by ppm, at
// an SNR in decibels.
func hear(w []float32, seed uint64, from, seconds, ppm, snr float64) *Audio {
	r := rand.New(rand.NewPCG(seed, 3))
	n := int(seconds * SyncRate)
	x := make([]float32, n)
	var p float64
	for i := range x {
		t := from*SyncRate + float64(i)*(1+ppm*1e-6)
		// A windowed sinc of twelve taps; sine and cosine of the first serve all.
		k := int(t)
		f := t - float64(k)
		if f < 1e-9 {
			if k < len(w) {
				x[i] = w[k]
				p += float64(w[k]) * float64(w[k])
			}
			continue
		}
		var s float64
		sin := math.Sin(math.Pi*f) / math.Pi
		sw, cw := math.Sincos(math.Pi * f / 6.5)
		for j := -5; j <= 6; j++ {
			if q := k + j; q >= 0 && q < len(w) {
				v := sin / (f - float64(j))
				if j&1 != 0 {
					v = -v
				}
				s += float64(w[q]) * v * (0.5 + 0.5*(cw*hearCos[j+5]+sw*hearSin[j+5]))
			}
		}
		x[i] = float32(s)
		p += s * s
	}
	g := math.Sqrt(p / float64(n) / math.Pow(10, snr/10))
	for i := range x {
		x[i] = 0.05 * (x[i] + float32(g*r.NormFloat64()))
	}
	return &Audio{Rate: SyncRate, Channels: 1, Samples: x}
}

func TestSyncGraphWithDrift(t *testing.T) {
	w := world(11, 60)
	from, ppm := []float64{3, 12.3456, 20.02, 0}, []float64{0, 60, -80, 10}
	var ts []*Track
	for i := range from {
		ts = append(ts, Prepare(hear(w, uint64(100+i), from[i], 30, ppm[i], 5)))
	}
	ts = append(ts, Prepare(hear(world(99, 40), 200, 0, 30, 0, 5))) // another event
	s := Sync(ts, SyncOptions{})
	if len(s.Components) != 2 || len(s.Components[0].Nodes) != 4 || !s.Components[0].Checked || len(s.Components[0].Closures) != 3 {
		t.Fatalf("%+v", s.Components)
	}
	for i, n := range s.Components[0].Nodes {
		if d := n.Offset - (from[i] - from[0]); math.Abs(d) > 0.0003 || math.Abs(n.PPM-ppm[i]) > 8 || (i > 0 && n.SD <= 0) {
			t.Errorf("recording %d is off by %.6f s and %.2f ppm: %+v", i, d, n.PPM-ppm[i], n)
		}
	}
	for _, p := range s.Pairs {
		if p.B == 4 && p.Accepted {
			t.Errorf("another event was accepted: %+v", p)
		}
	}
}

// SOUND_LONG=n compares n pairs of ten minutes: the drift has to be right to
// one part in a million.
func TestDriftOverTenMinutes(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("SOUND_LONG"))
	if n == 0 {
		t.Skip("SOUND_LONG gives no number of pairs")
	}
	for k := range n {
		w := world(uint64(1000+k), 640)
		ppm := -100 + 200*float64(k)/math.Max(1, float64(n-1))
		a, b := Prepare(hear(w, uint64(2*k), 0, 600, 0, 0)), Prepare(hear(w, uint64(2*k+1), 15.321, 600, ppm, 0))
		p := Sync([]*Track{a, b}, SyncOptions{}).Pairs[0]
		t.Logf("ppm %.1f: %.3f sd %.3f, lag error %.4f ms, sd %.4f ms, %d of %d windows, accepted %v", ppm, p.PPM, p.PPMSD, (p.Lag-15.321)*1e3, p.SD*1e3, p.inliers, p.windows, p.Accepted)
		if !p.Accepted || math.Abs(p.PPM-ppm) > 1 || math.Abs(p.Lag-15.321) > 0.001 {
			t.Errorf("pair %d is wrong: %+v", k, p)
		}
	}
}

// spent is the processor time of this process in seconds, 0 where the system
// is not asked: on a busy machine the clock on the wall says little.
var spent = func() float64 { return 0 }

func BenchmarkSyncHour(b *testing.B) {
	w := world(5, 3700)
	x, y := hear(w, 1, 0, 3600, 0, 0), hear(w, 2, 70.5, 3600, 50, 0)
	began := spent()
	for b.Loop() {
		ts := make([]*Track, 2)
		Each(2, func(i int) { ts[i] = Prepare([]*Audio{x, y}[i]) })
		s := Sync(ts, SyncOptions{})
		if p := s.Pairs[0]; !p.Accepted || math.Abs(p.Lag-70.5) > 0.001 {
			b.Fatalf("%+v", p)
		}
	}
	b.ReportMetric((spent()-began)/float64(b.N), "cpu-s/op")
}

// SOUND_FILES recordings of ten minutes each, 12 when it is not set.
func BenchmarkSyncMany(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("SOUND_FILES"))
	if n == 0 {
		n = 12
	}
	w := world(6, 900)
	audio := make([]*Audio, n)
	from := make([]float64, n)
	Each(n, func(i int) {
		from[i] = float64(i*37%290) + 0.123*float64(i)
		audio[i] = hear(w, uint64(i), from[i], 600, float64(i%7*20), 0)
	})
	began := spent()
	for b.Loop() {
		tracks := make([]*Track, n)
		Each(n, func(i int) { tracks[i] = Prepare(audio[i]) })
		s := Sync(tracks, SyncOptions{})
		if len(s.Components) != 1 {
			b.Fatalf("%d components", len(s.Components))
		}
		worst := 0.0
		for i, q := range s.Components[0].Nodes {
			worst = math.Max(worst, math.Abs(q.Offset-(from[i]-from[0])))
		}
		b.ReportMetric(worst*1e3, "worst-ms")
		b.ReportMetric(float64(len(s.Pairs)), "pairs")
	}
	b.ReportMetric((spent()-began)/float64(b.N), "cpu-s/op")
}

func TestCutsAreFound(t *testing.T) {
	w := world(21, 60)
	for _, gap := range []float64{0.04, 0.5, 3} {
		a := Prepare(hear(w, 1, 0, 50, 0, 5))
		x := hear(w, 2, 4.2, 44, 0, 5).Samples
		cut := 20 * SyncRate
		y := append(append([]float32(nil), x[:cut]...), x[cut+int(gap*SyncRate):]...)
		p := Sync([]*Track{a, Prepare(&Audio{Rate: SyncRate, Samples: y})}, SyncOptions{}).Pairs[0]
		if !p.Accepted || len(p.Breaks) != 1 {
			t.Errorf("gap of %g s: %+v", gap, p)
			continue
		}
		if b := p.Breaks[0]; math.Abs(b.Jump-gap) > 0.001 || math.Abs(b.At-20) > 1 {
			t.Errorf("gap of %g s at 20 s: found %+v", gap, b)
		}
	}
}

func TestOddRecordings(t *testing.T) {
	w := world(31, 40)
	a := hear(w, 1, 0, 20, 0, 10)
	silent := &Audio{Rate: SyncRate, Samples: make([]float32, 10*SyncRate)}
	loop := &Audio{Rate: SyncRate}
	for range 6 {
		loop.Samples = append(loop.Samples, a.Samples[5*SyncRate:9*SyncRate]...)
	}
	clipped := hear(w, 2, 6, 20, 0, 10)
	for i, v := range clipped.Samples {
		clipped.Samples[i] = max(-0.06, min(0.06, v))
	}
	s := Sync([]*Track{Prepare(a), Prepare(silent), Prepare(loop), Prepare(clipped)}, SyncOptions{})
	for _, p := range s.Pairs {
		if want := p.A == 0 && p.B == 3; p.Accepted != want {
			t.Errorf("%d and %d: accepted %v, %s", p.A, p.B, p.Accepted, p.Reason)
		}
	}
	for code, x := range map[string]*Audio{"silent": silent, "looped": loop, "clipped": clipped} {
		found := false
		for _, f := range Condition(x) {
			found = found || f.Code == code
		}
		if !found {
			t.Errorf("not flagged as %s: %+v", code, Condition(x))
		}
	}
}

func TestOneShotIsNotEnough(t *testing.T) {
	// The same waveform in two recordings that share nothing else.
	r := rand.New(rand.NewPCG(41, 41))
	var ts []*Track
	for _, at := range []float64{3.2, 5.9} {
		x := make([]float32, 10*SyncRate)
		for i := range x {
			x[i] = float32(0.002 * r.NormFloat64())
		}
		shot(x, SyncRate, at, 0.3, 5)
		ts = append(ts, Prepare(&Audio{Rate: SyncRate, Samples: x}))
	}
	if p := Sync(ts, SyncOptions{}).Pairs[0]; p.Accepted {
		t.Errorf("one shot was enough: %+v", p)
	}
}

// BenchmarkPrepare is ten minutes brought to the common rate and described.
func BenchmarkPrepare(b *testing.B) {
	a := hear(world(5, 610), 1, 0, 600, 0, 0)
	for b.Loop() {
		Prepare(a)
	}
}
