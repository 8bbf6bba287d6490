package sound

import (
	"math"
	"math/rand/v2"
	"testing"
)

// tune is a melody of plucked notes over a beat: music repeats itself and
// shares notes with other music.
func tune(seed uint64, seconds int) *Audio {
	r := rand.New(rand.NewPCG(seed, 77))
	x := make([]float32, seconds*SyncRate)
	step := int(SyncRate * 30 / (80 + 70*r.Float64()))
	scale := []float64{0, 2, 4, 5, 7, 9, 11, 12}
	notes := make([]float64, 16)
	for i := range notes {
		notes[i] = 220 * math.Pow(2, scale[r.IntN(8)]/12)
	}
	for i := 0; i*step < len(x); i++ {
		for k := 0; k < step*3/2 && i*step+k < len(x); k++ {
			t := float64(k) / SyncRate
			v := 0.0
			for h := 1.0; h < 6; h++ {
				v += math.Sin(2*math.Pi*notes[i%16]*h*t) / h * math.Exp(-5*t)
			}
			if i%2 == 0 {
				v += r.NormFloat64() * math.Exp(-60*t)
			}
			x[i*step+k] += float32(0.1 * v)
		}
	}
	return &Audio{Rate: SyncRate, Channels: 1, Samples: x}
}

func TestMusicIsNotMatchedWithOtherMusic(t *testing.T) {
	var ts []*Track
	for seed := range uint64(5) {
		ts = append(ts, Prepare(tune(seed, 12)))
	}
	for _, p := range Sync(ts, SyncOptions{}).Pairs {
		if p.Accepted {
			t.Errorf("tunes %d and %d were matched: %+v", p.A, p.B, p)
		}
	}
}

// A sound cannot reach the far recorder before the near one by more than the
// way between them.
func TestImpossibleOrderOfArrival(t *testing.T) {
	p := Problem{Temperature: 15, ArrivalSD: 0.003, Confidence: 0.9}
	for i, q := range [][2]float64{{0, 0}, {100, 0}, {0, 100}, {100, 100}, {50, -80}} {
		s := Sensor{ID: string(rune('a' + i)), X: q[0], Y: q[1], T: 10}
		if i == 3 {
			s.T = 13 // three seconds later over 140 m
		}
		p.Sensors = append(p.Sensors, s)
	}
	if l := Locate(p); l.Refused == nil || l.Refused.Code != "inconsistent" {
		t.Errorf("an order that no sound can have was given a place: %+v", l)
	}
}

// Eight bits and eight thousand samples a second are little, not nothing.
func TestCoarseSamplesStillMatch(t *testing.T) {
	w := world(51, 30)
	a, b := hear(w, 1, 0, 15, 0, 10), hear(w, 2, 3.25, 15, 0, 10)
	peak := float32(0)
	for _, v := range b.Samples {
		peak = max(peak, v, -v)
	}
	for i, v := range b.Samples {
		b.Samples[i] = float32(math.Round(float64(v/peak*127))) / 127 * peak
	}
	p := Sync([]*Track{Prepare(a), Prepare(b)}, SyncOptions{}).Pairs[0]
	if !p.Accepted || math.Abs(p.Lag-3.25) > 0.001 {
		t.Errorf("%+v", p)
	}
}
