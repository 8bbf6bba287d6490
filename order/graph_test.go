package order

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

const far = int64(math.MaxInt64) / 4

// floydWarshall is the plain reference: all distances, and whether the network
// is consistent.
func floydWarshall(n int, all []Difference) ([][]int64, bool) {
	d := make([][]int64, n)
	for i := range d {
		d[i] = make([]int64, n)
		for j := range d[i] {
			if i != j {
				d[i][j] = far
			}
		}
	}
	for _, c := range all {
		if c.Max != NoMax {
			d[c.From][c.To] = min(d[c.From][c.To], c.Max)
		}
		if c.Min != NoMin {
			d[c.To][c.From] = min(d[c.To][c.From], -c.Min)
		}
	}
	for k := range n {
		for i := range n {
			for j := range n {
				if d[i][k] < far && d[k][j] < far {
					d[i][j] = min(d[i][j], d[i][k]+d[k][j])
				}
			}
		}
	}
	for i := range n {
		if d[i][i] < 0 {
			return nil, false
		}
	}
	return d, true
}

func drawDifferences(t *rapid.T, n int) []Difference {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Difference {
		d := Difference{rapid.IntRange(0, n-1).Draw(t, "from"), rapid.IntRange(0, n-1).Draw(t, "to"), NoMin, NoMax}
		lo := rapid.Int64Range(-20, 20).Draw(t, "lo")
		kind := rapid.IntRange(0, 3).Draw(t, "kind")
		if kind != 0 {
			d.Min = lo
		}
		if kind != 1 {
			d.Max = lo + rapid.Int64Range(0, 12).Draw(t, "width")
		}
		return d
	}), 1, 4*n).Draw(t, "constraints")
}

func length(all []Difference, s Step) (from, to int, w int64) {
	d := all[s.Constraint]
	if s.Side == SideMax {
		return d.From, d.To, d.Max
	}
	return d.To, d.From, -d.Min
}

// chain adds integers: the independent check of a proof.
func chain(all []Difference, steps []Step, from, to int) (int64, bool) {
	sum := int64(0)
	for _, s := range steps {
		u, v, w := length(all, s)
		if u != from {
			return 0, false
		}
		from, sum = v, sum+w
	}
	return sum, from == to
}

func checkCycle(t *rapid.T, n int, all []Difference, c *Cycle) {
	start, _, _ := length(all, c.Steps[0])
	sum, closed := chain(all, c.Steps, start, start)
	if !closed || sum != c.Slack || sum >= 0 {
		t.Fatalf("not a negative cycle: %+v sums to %d, closed %v", c, sum, closed)
	}
	used := map[int]bool{}
	for _, s := range c.Steps {
		used[s.Constraint] = true
	}
	for drop := range used {
		var rest []Difference
		for k := range used {
			if k != drop {
				rest = append(rest, all[k])
			}
		}
		if _, consistent := floydWarshall(n, rest); !consistent {
			t.Fatalf("cycle %+v stays a contradiction without constraint %d", c, drop)
		}
	}
}

func checkGraph(t *rapid.T, g *Graph, all []Difference, on func(int) bool) {
	n := g.Points()
	var active []Difference
	for i, d := range all {
		if on(i) {
			active = append(active, d)
		}
	}
	want, consistent := floydWarshall(n, active)
	if !consistent {
		t.Fatal("the graph holds a contradiction")
	}
	b, err := g.Bounds()
	if err != nil {
		t.Fatal(err)
	}
	for v := range n {
		hi, bounded := b.Max(v)
		if bounded != (want[0][v] < far) || bounded && hi != want[0][v] {
			t.Fatalf("max of %d is %d %v, want %d", v, hi, bounded, want[0][v])
		}
		if bounded {
			if sum, ok := chain(all, b.MaxProof(v), 0, v); !ok || sum != hi {
				t.Fatalf("max proof of %d sums to %d %v, want %d", v, sum, ok, hi)
			}
		}
		lo, bounded := b.Min(v)
		if bounded != (want[v][0] < far) || bounded && lo != -want[v][0] {
			t.Fatalf("min of %d is %d %v, want %d", v, lo, bounded, -want[v][0])
		}
		if bounded {
			if sum, ok := chain(all, b.MinProof(v), v, 0); !ok || sum != -lo {
				t.Fatalf("min proof of %d sums to %d %v, want %d", v, sum, ok, -lo)
			}
		}
	}
}

func TestBuildAgreesWithFloydWarshall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "points")
		all := drawDifferences(t, n)
		g, cycle, err := Build(n, all)
		if err != nil {
			t.Fatal(err)
		}
		_, consistent := floydWarshall(n, all)
		if (cycle == nil) != consistent {
			t.Fatalf("consistent is %v, the cycle %v", consistent, cycle)
		}
		if cycle != nil {
			checkCycle(t, n, all, cycle)
			return
		}
		checkGraph(t, g, all, func(int) bool { return true })
	})
}

// Adding, retracting and restoring in any order leaves the graph that
// building the remaining constraints at once gives.
func TestAddAndRetractAgreeWithFloydWarshall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 7).Draw(t, "points")
		g := NewGraph(1)
		for g.Points() < n {
			g.AddPoint()
		}
		var all []Difference
		on := map[int]bool{}
		active := func() (out []Difference) {
			for i, d := range all {
				if on[i] {
					out = append(out, d)
				}
			}
			return out
		}
		for _, d := range drawDifferences(t, n) {
			i, cycle, err := g.Add(d)
			if err != nil {
				t.Fatal(err)
			}
			_, consistent := floydWarshall(n, append(active(), d))
			if (cycle == nil) != consistent {
				t.Fatalf("adding %+v: consistent is %v, the cycle %v", d, consistent, cycle)
			}
			if cycle != nil {
				checkCycle(t, n, append(append([]Difference{}, all...), d), cycle)
			} else {
				all = append(all, d)
				on[i] = true
				if i != len(all)-1 {
					t.Fatalf("number %d, want %d", i, len(all)-1)
				}
			}
			if len(all) > 0 && rapid.Bool().Draw(t, "retract") {
				k := rapid.IntRange(0, len(all)-1).Draw(t, "which")
				if on[k] {
					g.Retract(k)
					on[k] = false
				} else {
					_, consistent := floydWarshall(n, append(active(), all[k]))
					cycle, err := g.Restore(k)
					if err != nil || (cycle == nil) != consistent {
						t.Fatalf("restoring %d: consistent is %v, the cycle %v, %v", k, consistent, cycle, err)
					}
					on[k] = cycle == nil
				}
			}
			checkGraph(t, g, all, func(i int) bool { return on[i] })
		}
	})
}

func TestBetweenAgreesWithFloydWarshall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 7).Draw(t, "points")
		all := drawDifferences(t, n)
		want, consistent := floydWarshall(n, all)
		if !consistent {
			return
		}
		g, _, err := Build(n, all)
		if err != nil {
			t.Fatal(err)
		}
		for a := range n {
			for b := range n {
				lo, hi, err := g.Between(a, b)
				if err != nil {
					t.Fatal(err)
				}
				if (hi == NoMax) != (want[a][b] == far) || hi != NoMax && hi != want[a][b] || (lo == NoMin) != (want[b][a] == far) || lo != NoMin && lo != -want[b][a] {
					t.Fatalf("%d - %d in [%d, %d], want [%d, %d]", b, a, lo, hi, -want[b][a], want[a][b])
				}
			}
		}
	})
}

func TestOverflowIsRefused(t *testing.T) {
	if _, _, err := Build(2, []Difference{{0, 1, NoMin, Limit + 1}}); !errors.Is(err, ErrOverflow) {
		t.Errorf("a length beyond the limit: %v", err)
	}
	var all []Difference
	for i := range 2000 {
		all = append(all, Difference{i, i + 1, Limit, Limit})
	}
	g, cycle, err := Build(2001, all)
	if err == nil {
		_, err = g.Bounds()
	}
	if cycle != nil || !errors.Is(err, ErrOverflow) {
		t.Errorf("a chain of 2000 longest lengths: %v %v", cycle, err)
	}
}

// hidden makes constraints that a hidden schedule satisfies, as a case of n
// points would: a third of the points have a time, the rest hang together.
func hidden(seed uint64, n, m int) []Difference {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]int64, n+1)
	for i := 1; i <= n; i++ {
		x[i] = 1515988800000 + r.Int64N(86400000)
	}
	var all []Difference
	for i := 1; i <= n; i += 3 {
		all = append(all, Difference{0, i, x[i] - r.Int64N(3600000), x[i] + r.Int64N(3600000)})
	}
	for len(all) < m {
		i, j := 1+r.IntN(n), 1+r.IntN(n)
		if i == j {
			continue
		}
		d := Difference{i, j, x[j] - x[i] - r.Int64N(1800000), x[j] - x[i] + r.Int64N(1800000)}
		switch r.IntN(4) {
		case 0:
			d.Min = NoMin
		case 1:
			d.Max = NoMax
		}
		all = append(all, d)
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}
