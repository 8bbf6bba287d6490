package sun

import (
	"fmt"
	"math"

	"sightline/when"
	"sightline/where"
)

// Almanac holds the sun's geocentric place over a span of time as Chebyshev
// polynomials, so that the periodic terms are summed once and not at every
// evaluation. It agrees with [At] to 1e-9 degrees. Read-only after it is made,
// so it may be shared.
type Almanac struct {
	from, to float64 // seconds since 1970
	pieces   []piece
}

const (
	pieceSeconds = 86400.0 // the fastest nutation term turns by 1.1 rad in a day
	pieceDegree  = 6
)

// piece covers a day: the unit vector to the sun, the sine of the parallax and
// the nutation of the sidereal time in radians, in scaled time -1 to 1.
type piece [5][pieceDegree + 1]float64

// MaxAlmanac is the longest span an [Almanac] covers.
const MaxAlmanac = 4000 * when.Day

// NewAlmanac prepares a span. It fails for spans that are reversed or longer
// than [MaxAlmanac].
func NewAlmanac(from, to when.Instant) (*Almanac, error) {
	if to < from || int64(to-from) > MaxAlmanac {
		return nil, fmt.Errorf("an almanac from %d to %d ms is reversed or longer than %d days", from, to, MaxAlmanac/when.Day)
	}
	a := &Almanac{from: float64(from) / 1000, to: float64(to) / 1000}
	n := int((a.to-a.from)/pieceSeconds) + 1
	dt := DeltaT(from + (to-from)/2)
	const nodes = pieceDegree + 1
	for i := range n {
		var v [5][nodes]float64
		for k := range nodes {
			x := math.Cos(math.Pi * (float64(k) + 0.5) / nodes)
			unix := a.from + (float64(i)+(x+1)/2)*pieceSeconds
			if n > 40 {
				dt = DeltaT(when.Instant(unix * 1000))
			}
			s := geocentric(unix, dt)
			b := s.sky()
			v[0][k], v[1][k], v[2][k], v[3][k] = b.x, b.y, b.z, b.sinParallax
			v[4][k] = s.deltaPsi * math.Cos(s.eps*rad) * rad
		}
		var p piece
		for q := range p {
			for j := range nodes {
				for k := range nodes {
					p[q][j] += v[q][k] * math.Cos(math.Pi*float64(j)*(float64(k)+0.5)/nodes)
				}
				p[q][j] *= 2.0 / nodes
			}
			p[q][0] /= 2
			p[q] = monomial(p[q])
		}
		a.pieces = append(a.pieces, p)
	}
	return a, nil
}

// monomial turns Chebyshev coefficients into powers, which Horner's rule
// evaluates in half the time; at degree 6 the loss is below 1e-14.
func monomial(c [pieceDegree + 1]float64) (out [pieceDegree + 1]float64) {
	var t0, t1 [pieceDegree + 1]float64
	t0[0], t1[1] = 1, 1
	for j := range c {
		for k := range out {
			out[k] += c[j] * t0[k]
		}
		var t2 [pieceDegree + 1]float64
		for k := range t2 {
			t2[k] = -t0[k]
			if k > 0 {
				t2[k] += 2 * t1[k-1]
			}
		}
		t0, t1 = t1, t2
	}
	return out
}

func horner(c *[pieceDegree + 1]float64, x float64) float64 {
	return c[0] + x*(c[1]+x*(c[2]+x*(c[3]+x*(c[4]+x*(c[5]+x*c[6])))))
}

// sky interpolates; times outside the span use the nearest piece's ends.
func (a *Almanac) sky(unix float64) sky {
	u := (math.Max(a.from, math.Min(a.to, unix)) - a.from) / pieceSeconds
	i := min(int(u), len(a.pieces)-1)
	x := 2*(u-float64(i)) - 1
	p := &a.pieces[i]
	days := (unix - j2000) / 86400
	gst := meanSidereal(days, days/36525)
	return sky{horner(&p[0], x), horner(&p[1], x), horner(&p[2], x), gst*rad + horner(&p[4], x), horner(&p[3], x)}
}

// View is an almanac seen from one place.
type View struct {
	almanac  *Almanac
	observer observer
}

// From prepares a place.
func (a *Almanac) From(p Place, air Air) View { return View{a, newObserver(p, air)} }

// At is the sun's position at a time within the almanac's span.
func (v View) At(t when.Instant) Position {
	return v.observer.see(v.almanac.sky(float64(t) / 1000))
}

// Angles is azimuth, elevation and apparent elevation alone, for the many
// evaluations of a search or an animation.
func (v *View) Angles(t when.Instant) (azimuth, elevation, apparent where.Degrees) {
	_, south, west, up := v.observer.local(v.almanac.sky(float64(t) / 1000))
	az := math.Atan2(west, south)/rad + 180
	if az >= 360 {
		az = 0
	}
	e := math.Atan2(up, math.Sqrt(south*south+west*west)) / rad
	return where.Degrees(az), where.Degrees(e), where.Degrees(e + v.observer.refraction(e))
}

// direction is the apparent unit vector east, north, up, and the apparent
// elevation in degrees, at seconds since 1970.
func (v *View) direction(unix float64) ([3]float64, float64) {
	_, south, west, up := v.observer.local(v.almanac.sky(unix))
	flat := math.Sqrt(south*south + west*west)
	e := math.Atan2(up, flat) / rad
	e += v.observer.refraction(e)
	se, ce := math.Sincos(e * rad)
	if flat == 0 {
		return [3]float64{0, ce, se}, e
	}
	return [3]float64{-west / flat * ce, -south / flat * ce, se}, e
}
