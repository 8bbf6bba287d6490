package where

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
)

// Covariance2 is the covariance of a horizontal position in square metres:
// east-east, east-north, north-north.
type Covariance2 struct{ EE, EN, NN float64 }

// Ellipse is the region that holds the truth with the probability it was made
// for. Bearing is the direction of the long axis, clockwise from the frame's
// north, 0 (included) to 180 (excluded).
type Ellipse struct {
	SemiMajor, SemiMinor Metres
	Bearing              Degrees
}

// Check refuses matrices that are not a covariance (symmetric by construction,
// positive semidefinite up to rounding).
func (c Covariance2) Check() error {
	if s := c.EE + c.NN + c.EN; math.IsNaN(s) || math.IsInf(s, 0) {
		return fmt.Errorf("the covariance contains a value that is not a number")
	}
	if c.EE < 0 || c.NN < 0 || c.EE*c.NN-c.EN*c.EN < -1e-12*(c.EE+c.NN)*(c.EE+c.NN) {
		return fmt.Errorf("the covariance (%g, %g, %g) is not positive definite: a variance cannot be negative", c.EE, c.EN, c.NN)
	}
	return nil
}

// Ellipse is the confidence region of a normal error, for a probability
// strictly between 0 and 1: semi-axes sqrt(ChiSquare(p, 2) eigenvalue).
func (c Covariance2) Ellipse(p float64) Ellipse {
	k := ChiSquare(p, 2)
	mean, diff := (c.EE+c.NN)/2, (c.NN-c.EE)/2
	root := math.Hypot(diff, c.EN)
	major, minor := mean+root, math.Max(0, mean-root)
	// The long axis has bearing b with tan 2b = 2 EN / (NN - EE).
	b := Radians(math.Atan2(c.EN, diff) / 2).Degrees()
	if b < 0 {
		b += 180
	}
	if b >= 180 {
		b = 0
	}
	return Ellipse{Metres(math.Sqrt(k * major)), Metres(math.Sqrt(k * minor)), b}
}

// Covariance is the inverse of [Covariance2.Ellipse].
func (e Ellipse) Covariance(p float64) Covariance2 {
	k := ChiSquare(p, 2)
	s, c := math.Sincos(float64(e.Bearing.Radians()))
	a, b := float64(e.SemiMajor*e.SemiMajor)/k, float64(e.SemiMinor*e.SemiMinor)/k
	return Covariance2{EE: a*s*s + b*c*c, EN: (a - b) * s * c, NN: a*c*c + b*s*s}
}

// Holds reports whether an offset (east, north metres from the centre) lies in
// the ellipse.
func (e Ellipse) Holds(east, north float64) bool {
	s, c := math.Sincos(float64(e.Bearing.Radians()))
	u, v := east*s+north*c, east*c-north*s
	if e.SemiMinor <= 0 {
		return math.Abs(v) == 0 && math.Abs(u) <= float64(e.SemiMajor)
	}
	u, v = u/float64(e.SemiMajor), v/float64(e.SemiMinor)
	return u*u+v*v <= 1
}

// Ring is the outline as n east, north offsets in metres, clockwise from the
// end of the long axis.
func (e Ellipse) Ring(n int) [][2]float64 {
	s, c := math.Sincos(float64(e.Bearing.Radians()))
	out := make([][2]float64, n)
	for i := range out {
		y, x := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		u, v := x*float64(e.SemiMajor), y*float64(e.SemiMinor)
		out[i] = [2]float64{u*s + v*c, u*c - v*s}
	}
	return out
}

// ChiSquare is the quantile of the chi-square distribution with dof degrees of
// freedom: the value that is not exceeded with probability p. NaN unless
// 0 < p < 1 and dof >= 1.
func ChiSquare(p float64, dof int) float64 {
	if !(p > 0 && p < 1) || dof < 1 {
		return math.NaN()
	}
	if dof == 2 {
		return -2 * math.Log1p(-p)
	}
	// Bisection on the logarithm, then Newton: the distribution is monotone,
	// so this cannot fail, and it is exact to rounding.
	lo, hi := 1e-300, float64(dof)
	for ChiSquareBelow(hi, dof) < p {
		lo, hi = hi, 2*hi
	}
	for range 200 {
		m := math.Sqrt(lo * hi)
		if hi/lo < 4 {
			m = (lo + hi) / 2
		}
		if m <= lo || m >= hi {
			break
		}
		if ChiSquareBelow(m, dof) < p {
			lo = m
		} else {
			hi = m
		}
	}
	return (lo + hi) / 2
}

// ChiSquareBelow is the probability that a chi-square variable with dof
// degrees of freedom is at most x: the regularised incomplete gamma function
// P(dof/2, x/2), by series below dof/2 + 1 and by Lentz's continued fraction
// above (Abramowitz and Stegun 6.5.29, 6.5.31).
func ChiSquareBelow(x float64, dof int) float64 {
	if !(x > 0) {
		return 0
	}
	_, below := gammaTails(float64(dof)/2, x/2)
	return below
}

// ChiSquareAbove is 1 - [ChiSquareBelow], exact in the far tail.
func ChiSquareAbove(x float64, dof int) float64 {
	if !(x > 0) {
		return 1
	}
	above, _ := gammaTails(float64(dof)/2, x/2)
	return above
}

func gammaTails(a, x float64) (above, below float64) {
	if math.IsInf(x, 1) {
		return 0, 1
	}
	lg, _ := math.Lgamma(a)
	front := math.Exp(a*math.Log(x) - x - lg)
	if x < a+1 {
		sum, term := 1/a, 1/a
		for n := 1.0; n < 10000; n++ {
			term *= x / (a + n)
			sum += term
			if term < sum*1e-17 {
				break
			}
		}
		below = math.Min(1, front*sum)
		return 1 - below, below
	}
	const tiny = 1e-300
	b := x + 1 - a
	c, d := 1/tiny, 1/b
	h := d
	for n := 1.0; n < 10000; n++ {
		an := -n * (n - a)
		b += 2
		if d = an*d + b; math.Abs(d) < tiny {
			d = tiny
		}
		if c = b + an/c; math.Abs(c) < tiny {
			c = tiny
		}
		d = 1 / d
		h *= d * c
		if math.Abs(d*c-1) < 1e-16 {
			break
		}
	}
	above = math.Min(1, front*h)
	return above, 1 - above
}

// Fuzz moves a position for publication by a random offset, evenly spread over
// a disc of the given radius. The same secret and position give the same
// offset, so that several editions cannot be averaged; whoever does not know
// the secret cannot undo it. The published error must be at least the radius.
// Height is dropped, because on known terrain it gives the position away.
func Fuzz(g Geodetic, radius Metres, secret []byte) Geodetic {
	h := sha256.New()
	h.Write([]byte("sightline/fuzz/1"))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(secret))))
	h.Write(secret)
	for _, x := range []float64{float64(g.Lat), float64(g.Lon), float64(radius)} {
		h.Write(binary.BigEndian.AppendUint64(nil, math.Float64bits(x)))
	}
	sum := h.Sum(nil)
	unit := func(b []byte) float64 { return float64(binary.BigEndian.Uint64(b)>>11) / (1 << 53) }
	r := float64(radius) * math.Sqrt(unit(sum)) // square root: even over the area
	s, c := math.Sincos(2 * math.Pi * unit(sum[8:]))
	out := NewFrame(Geodetic{g.Lat, g.Lon, 0}).Geodetic(ENU{r * s, r * c, 0})
	out.H = 0
	return out
}
