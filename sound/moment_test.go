package sound

import (
	"math/rand/v2"
	"testing"
)

// Two recordings of different shots that would overlap by a second at their
// edges: the one shot in it is alike, the silence around it says nothing.
func TestOneShotInAShortOverlapIsNotEnough(t *testing.T) {
	shot := func(x []float32, at int) {
		r := rand.New(rand.NewPCG(7, 7))
		for i := range SyncRate / 100 {
			x[at+i] += float32((r.Float64()*2 - 1) * 0.9 * (1 - float64(i)*100/SyncRate))
		}
	}
	quiet := func(seconds int, seed uint64) []float32 {
		r := rand.New(rand.NewPCG(seed, 1))
		x := make([]float32, seconds*SyncRate)
		for i := range x {
			x[i] = float32(r.NormFloat64()) * 0.0005
		}
		return x
	}
	a, b := quiet(20, 1), quiet(20, 2)
	shot(a, 19*SyncRate+SyncRate/2)
	shot(b, SyncRate/2)
	p := compare(Prepare(&Audio{Rate: SyncRate, Samples: a}), Prepare(&Audio{Rate: SyncRate, Samples: b}), effort{1 << 23, 6, 24, 1 << 15})
	if p.Accepted {
		t.Fatalf("one shot was taken for a common second: lag %.3f s, overlap %.2f s, score %.3f", p.Lag, p.Overlap, p.Score)
	}
}
