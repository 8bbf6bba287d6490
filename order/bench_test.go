package order

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const benchPoints, benchConstraints = 20_000, 100_000

func BenchmarkBuild(b *testing.B) {
	all := hidden(5, benchPoints, benchConstraints)
	for b.Loop() {
		if _, c, err := Build(benchPoints+1, all); c != nil || err != nil {
			b.Fatal(c, err)
		}
	}
}

func BenchmarkBounds(b *testing.B) {
	g, _, err := Build(benchPoints+1, hidden(5, benchPoints, benchConstraints))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := g.Bounds(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkConflict adds a constraint that contradicts, and gets the cycle.
func BenchmarkConflict(b *testing.B) {
	g, _, err := Build(benchPoints+1, hidden(5, benchPoints, benchConstraints))
	if err != nil {
		b.Fatal(err)
	}
	bounds, err := g.Bounds()
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(9, 9))
	var took []time.Duration
	for b.Loop() {
		v := 1 + r.IntN(benchPoints)
		hi, ok := bounds.Max(v)
		if !ok {
			continue
		}
		at := time.Now()
		_, c, err := g.Add(Difference{0, v, hi + 1 + r.Int64N(600000), NoMax})
		took = append(took, time.Since(at))
		if c == nil || err != nil {
			b.Fatal("no conflict", err)
		}
	}
	report(b, took)
}

// BenchmarkAddRetract measures single additions and retractions, with the
// 99th percentile and the worst.
func BenchmarkAddRetract(b *testing.B) {
	all := hidden(5, benchPoints, benchConstraints+20_000)
	g, _, err := Build(benchPoints+1, all[:benchConstraints])
	if err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	k := 0
	var added []int
	for b.Loop() {
		if k == 20_000 {
			for _, i := range added {
				at := time.Now()
				g.Retract(i)
				took = append(took, time.Since(at))
			}
			k, added = 0, added[:0]
		}
		at := time.Now()
		i, c, err := g.Add(all[benchConstraints+k])
		took = append(took, time.Since(at))
		if c != nil || err != nil {
			b.Fatal(c, err)
		}
		added = append(added, i)
		k++
	}
	report(b, took)
}

func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	if len(took) > 0 {
		b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
		b.ReportMetric(float64(took[len(took)-1].Nanoseconds()), "worst-ns")
	}
}
