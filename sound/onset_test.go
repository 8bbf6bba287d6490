package sound

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// shot adds a decaying burst of one waveform at t seconds.
func shot(x []float32, rate int, t, level float64, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	for i := 0; i < rate*2/10; i++ {
		k := int(t*float64(rate)) + i
		v := level * r.NormFloat64() * math.Exp(-float64(i)/float64(rate)/0.015)
		if k >= 0 && k < len(x) {
			x[k] += float32(v)
		}
	}
}

func TestOnsetsSkipEchoesAndTheStartOfTheRecorder(t *testing.T) {
	const rate = 12000
	x := make([]float32, 8*rate)
	r := rand.New(rand.NewPCG(7, 7))
	for i := rate; i < len(x); i++ { // the recorder starts after one second
		x[i] = float32(0.002 * r.NormFloat64())
	}
	want := []float64{2.3, 3.17, 4.61}
	for _, s := range want {
		shot(x, rate, s, 0.3, 5)
		shot(x, rate, s+0.43, 0.12, 6) // an echo: fainter, other waveform
	}
	on, groups := FindOnsets(&Audio{Rate: rate, Samples: x})
	if len(on) != 3 || len(groups) != 1 || groups[0].Count != 3 {
		t.Fatalf("%+v %+v", on, groups)
	}
	for i, o := range on {
		if math.Abs(o.T-want[i]) > 0.0005 || o.P < 0.9 {
			t.Errorf("onset %d: %+v, want %g", i, o, want[i])
		}
	}
}

func TestNoOnsetInSteadySound(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	x := noise(r, 48000)
	for i := range x {
		x[i] *= 0.05
	}
	if on, _ := FindOnsets(&Audio{Rate: 8000, Samples: x}); len(on) != 0 {
		t.Errorf("found %+v in steady noise", on)
	}
	if on, _ := FindOnsets(&Audio{Rate: 8000, Samples: make([]float32, 16000)}); len(on) != 0 {
		t.Errorf("found %+v in silence", on)
	}
}

// The live-fire recordings beside the checkout (ShotSpotter, CC BY 4.0).
func TestLiveFireCounts(t *testing.T) {
	surveys, _ := filepath.Glob("../../shared/bench/time/data/shotspotter/FP*/test_*/*.survey.json")
	files, exact := 0, 0
	for _, s := range surveys {
		var q struct {
			Rounds int `json:"num_rounds"`
		}
		b, err := os.ReadFile(s)
		if err != nil || json.Unmarshal(b, &q) != nil {
			t.Fatal(s, err)
		}
		wavs, _ := filepath.Glob(s[:len(s)-len("survey.json")] + "audio.*.wav")
		for _, w := range wavs {
			if testing.Short() && files >= 6 {
				break
			}
			b, err := os.ReadFile(w)
			if err != nil {
				t.Fatal(err)
			}
			a, err := ParseWAV(b)
			if err != nil {
				t.Fatal(w, err)
			}
			on, _ := FindOnsets(a)
			files++
			if len(on) == q.Rounds {
				exact++
			} else {
				t.Logf("%s: %d onsets, %d rounds: %+v", filepath.Base(w), len(on), q.Rounds, on)
			}
		}
	}
	if files == 0 {
		t.Skip("the shared recordings are not here")
	}
	t.Logf("%d of %d files have the exact count", exact, files)
	if exact*10 < files*9 {
		t.Errorf("exact count in %d of %d files, want 90 %%", exact, files)
	}
}
