package where

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// Quantiles from the tables of Abramowitz and Stegun (26.8), more digits by
// the definition.
func TestChiSquare(t *testing.T) {
	for _, c := range []struct {
		p    float64
		dof  int
		want float64
	}{
		{0.95, 1, 3.841458820694124}, {0.95, 2, 5.991464547107979}, {0.95, 3, 7.814727903251178},
		{0.99, 1, 6.634896601021213}, {0.999, 1, 10.827566170662733}, {0.5, 1, 0.454936423119572},
		{0.95, 10, 18.307038053275146}, {0.01, 5, 0.554298076728276}, {0.95, 100, 124.342113404004},
	} {
		near(t, "quantile", ChiSquare(c.p, c.dof), c.want, 1e-9*c.want)
	}
	near(t, "tail", ChiSquareAbove(100, 1), 1.523970604832105e-23, 1e-32)
	for _, p := range []float64{0, 1, -1, math.NaN()} {
		if !math.IsNaN(ChiSquare(p, 2)) {
			t.Errorf("quantile of %v is a number", p)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p, k := rapid.Float64Range(1e-6, 1-1e-6).Draw(t, "p"), rapid.IntRange(1, 60).Draw(t, "k")
		if q := ChiSquareBelow(ChiSquare(p, k), k); math.Abs(q-p) > 1e-9 {
			t.Fatalf("P(Q(%g)) = %g", p, q)
		}
	})
}

func TestEllipse(t *testing.T) {
	e := Covariance2{EE: 4, NN: 1}.Ellipse(0.95)
	near(t, "major", float64(e.SemiMajor), 2*math.Sqrt(5.991464547107979), 1e-9)
	near(t, "minor", float64(e.SemiMinor), math.Sqrt(5.991464547107979), 1e-9)
	near(t, "bearing of an east-west ellipse", float64(e.Bearing), 90, 1e-9)
	near(t, "bearing north-east", float64(Covariance2{2, 1, 2}.Ellipse(0.95).Bearing), 45, 1e-9)
	near(t, "bearing north-west", float64(Covariance2{2, -1, 2}.Ellipse(0.95).Bearing), 135, 1e-9)
	if (Covariance2{1, 2, 1}).Check() == nil || (Covariance2{-1, 0, 1}).Check() == nil || (Covariance2{math.NaN(), 0, 1}).Check() == nil {
		t.Error("a matrix that is no covariance was accepted")
	}
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Float64Range(0.01, 100).Draw(t, "a")
		in := Ellipse{Metres(a), Metres(a * rapid.Float64Range(0.01, 0.99).Draw(t, "b")), Degrees(rapid.Float64Range(0, 179.9).Draw(t, "bearing"))}
		out := in.Covariance(0.9).Ellipse(0.9)
		d := math.Abs(float64(in.Bearing - out.Bearing))
		if math.Abs(float64(in.SemiMajor-out.SemiMajor)) > 1e-9*a || math.Abs(float64(in.SemiMinor-out.SemiMinor)) > 1e-6*a || math.Min(d, 180-d) > 1e-5 {
			t.Fatalf("%v came back as %v", in, out)
		}
		for i, p := range in.Ring(16) {
			if !in.Holds(p[0]*0.999, p[1]*0.999) || in.Holds(p[0]*1.001, p[1]*1.001) {
				t.Fatalf("ring point %d is not on the ellipse", i)
			}
		}
	})
}

// Fuzz must stay in its disc, be even over the area and repeat itself.
func TestFuzz(t *testing.T) {
	g := Geodetic{10.4633, -67.0794, 1900}
	if Fuzz(g, 500, []byte("s")) != Fuzz(g, 500, []byte("s")) || Fuzz(g, 500, []byte("s")) == Fuzz(g, 500, []byte("t")) {
		t.Error("fuzz depends on more or less than its secret")
	}
	f := NewFrame(Geodetic{g.Lat, g.Lon, 0})
	inner, n := 0, 2000
	for i := range n {
		p := f.ENU(Fuzz(g, 500, []byte{byte(i), byte(i >> 8)}))
		r := math.Hypot(p[0], p[1])
		if r > 500.01 {
			t.Fatalf("moved by %g m", r)
		}
		if r < 250 {
			inner++
		}
	}
	near(t, "share in the inner half", float64(inner)/float64(n), 0.25, 0.04)
}
