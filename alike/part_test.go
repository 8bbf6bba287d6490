package alike

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// city is a picture with many corners: rectangles over a soft ground.
func city(seed uint64, w, h int) Gray {
	g := texture(seed, w, h)
	s := seed*2654435761 + 1
	next := func(n int) int { s = s*6364136223846793005 + 1442695040888963407; return int(s>>33) % n }
	for range 220 {
		x, y, rw, rh, v := next(w), next(h), 6+next(w/8), 6+next(h/8), float32(next(256))
		for j := y; j < min(h, y+rh); j++ {
			for i := x; i < min(w, x+rw); i++ {
				g.Pix[j*g.W+i] = v
			}
		}
	}
	return g
}

func TestCropIsFoundWithItsPlace(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 8))
		a := city(seed+1, 640, 480)
		w, h := 260+r.IntN(240), 220+r.IntN(180)
		x, y := r.IntN(640-w), r.IntN(480-h)
		scale := 0.6 + 0.8*r.Float64()
		b := a.Cut(x, y, x+w, y+h)
		b = b.Resize(int(float64(w)*scale), int(float64(h)*scale))
		p, ok := Register(a, b, Features(a), Features(b))
		if !ok {
			t.Fatalf("not found: %+v", p)
		}
		if math.Abs(p.X-float64(x)) > 6 || math.Abs(p.Y-float64(y)) > 6 || math.Abs(p.Scale*scale-1) > 0.03 || math.Abs(p.Angle) > 0.02 || p.CoverB < 0.95 {
			t.Fatalf("found at %.1f, %.1f, scale %.3f, cover %.2f; truth %d, %d, %.3f", p.X, p.Y, p.Scale, p.CoverB, x, y, 1/scale)
		}
	}
}

func TestUnrelatedPicturesShareNothing(t *testing.T) {
	var list []Gray
	var names []string
	for _, dir := range []string{"neardup/negatives", "neardup/images4/custom", "neardup/goimagehash"} {
		files, _ := filepath.Glob(filepath.Join(fixtures, dir, "*.jpg"))
		for _, f := range files {
			list = append(list, load(t, dir+"/"+filepath.Base(f)))
			names = append(names, filepath.Base(f))
		}
	}
	for s := range uint64(4) {
		list, names = append(list, city(s+50, 400, 300)), append(names, "city")
	}
	var feats [][]Feature
	for _, g := range list {
		feats = append(feats, Features(g))
	}
	most := 0
	for i := range list {
		for j := range i {
			same := names[i] == "2.jpg" && names[j] == "1.jpg" || strings.HasPrefix(names[i], "sample3") && strings.HasPrefix(names[j], "sample1")
			p, ok := Register(list[i], list[j], feats[i], feats[j])
			if same {
				t.Logf("%s and %s: %v %+v", names[i], names[j], ok, p)
				continue
			}
			most = max(most, p.Inliers)
			if ok {
				t.Errorf("%s and %s share a part: %+v", names[i], names[j], p)
			}
		}
	}
	t.Logf("at most %d corners agree between unrelated pictures", most)
}

func TestSimilarityInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := func(n string, lo, hi float64) float64 { return rapid.Float64Range(lo, hi).Draw(t, n) }
		s := Similarity{f("scale", 0.1, 8), f("angle", -3, 3), f("x", -900, 900), f("y", -900, 900)}
		px, py := f("px", -500, 500), f("py", -500, 500)
		x, y := s.Map(px, py)
		if bx, by := s.Inverse().Map(x, y); math.Abs(bx-px) > 1e-6 || math.Abs(by-py) > 1e-6 {
			t.Fatalf("%v, %v came back as %v, %v", px, py, bx, by)
		}
	})
}

// TestExcerpt cuts a stretch out of a film of changing pictures.
func TestExcerpt(t *testing.T) {
	film := func(from, to, step, phase float64) (out []Frame) {
		for s := from + phase; s < to; s += step {
			// The picture changes all the time: two textures, one fading into the next.
			k := math.Floor(s)
			a, b := texture(uint64(k)+900, 64, 64), texture(uint64(k)+901, 64, 64)
			for i := range a.Pix {
				a.Pix[i] += (b.Pix[i] - a.Pix[i]) * float32(s-k)
			}
			h, q := Hash(a)
			out = append(out, Frame{s - from, h, q})
		}
		return out
	}
	a, b := film(0, 20, 0.2, 0), film(7.35, 12.35, 0.2, 0.07)
	x, ok := FindExcerpt(a, b)
	if !ok || math.Abs(x.OffsetS-7.35) > x.ErrorS+1e-9 || x.ErrorS > 0.3 {
		t.Errorf("found %v at %.3f +- %.3f, truth 7.35: %+v", ok, x.OffsetS, x.ErrorS, x)
	}
	if x, ok := FindExcerpt(a, film(300, 306, 0.2, 0)); ok {
		t.Errorf("another film is found at %+v", x)
	}
	if _, ok := FindExcerpt(nil, a); ok {
		t.Error("nothing is found in something")
	}
}

func TestBars(t *testing.T) {
	g := city(3, 300, 200)
	big := Gray{W: 300, H: 260, Pix: make([]float32, 300*260)}
	copy(big.Pix[30*300:], g.Pix)
	if x0, y0, x1, y1 := big.Bars(); x0 != 0 || y0 < 29 || y0 > 31 || x1 != 300 || y1 < 229 || y1 > 231 {
		t.Errorf("picture at %d, %d to %d, %d", x0, y0, x1, y1)
	}
	if x0, y0, x1, y1 := g.Bars(); x0 != 0 || y0 != 0 || x1 != 300 || y1 != 200 {
		t.Errorf("bars in a picture without: %d, %d to %d, %d", x0, y0, x1, y1)
	}
}

// TestSoundExcerpt cuts a stretch out of a sound, makes it quieter and noisy,
// and finds it again.
func TestSoundExcerpt(t *testing.T) {
	sound := func(seed uint64, n int) []float32 {
		r := rand.New(rand.NewPCG(seed, 9))
		x := make([]float32, n)
		for at := 0; at < n; {
			f, long := 320+1500*r.Float64(), 300+r.IntN(1500)
			for i := at; i < min(n, at+long); i++ {
				x[i] = float32(6000*math.Sin(2*math.Pi*f*float64(i)/VoiceRate) + 900*r.NormFloat64())
			}
			at += long
		}
		return x
	}
	whole := sound(1, 40*VoiceRate)
	from := 17*VoiceRate + 311
	part := make([]float32, 8*VoiceRate)
	r := rand.New(rand.NewPCG(4, 4))
	for i := range part {
		part[i] = whole[from+i]*0.4 + float32(200*r.NormFloat64())
	}
	a := Fingerprint(whole)
	x, ok := SoundExcerpt(a, Fingerprint(part))
	if want := float64(from) / VoiceRate; !ok || math.Abs(x.OffsetS-want) > x.ErrorS {
		t.Errorf("found %v at %.3f, truth %.3f: %+v", ok, x.OffsetS, want, x)
	}
	if x, ok := SoundExcerpt(a, Fingerprint(sound(2, 8*VoiceRate))); ok {
		t.Errorf("another sound is found: %+v", x)
	}
	if _, ok := SoundExcerpt(a, Fingerprint(make([]float32, 8*VoiceRate))); ok {
		t.Error("silence is found")
	}
}
