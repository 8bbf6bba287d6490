package sun

import (
	"errors"
	"fmt"
	"math"

	"sightline/when"
	"sightline/where"
)

// Shadow is the top of a thing and the tip of its shadow as points in metres
// east, north, up, with their covariances in square metres. The error of the
// top and the tip are taken as independent; [Problem.Covariance] says more.
type Shadow struct {
	ID             string
	Top, Tip       [3]float64
	TopCov, TipCov [3][3]float64
}

// Face is a statement without a tip: a surface (outward normal east, north,
// up) that is lit, or not lit, by the sun. For a point in the shade of an edge,
// or free of it, the surface is the plane through the point and the edge.
type Face struct {
	ID     string
	Normal [3]float64
	Lit    bool
	SD     where.Degrees // of the normal's direction
}

// Problem asks for the times at which the sun casts the shadows.
type Problem struct {
	Place   Place
	Air     Air
	Between Span
	// Confidence of the intervals, such as 0.95.
	Confidence float64
	// Floor is the error that no measurement removes: the sun's disc is 0.53
	// degrees wide and a shadow's edge is soft. Added in quadrature, per shadow.
	Floor   where.Degrees
	Shadows []Shadow
	// Covariance, if given, is the joint covariance of all points in the order
	// top, tip, top, tip, ... (6 rows for each shadow) and replaces TopCov and
	// TipCov. Points measured through one solved camera share its error, so
	// treating them as independent would make the interval too short.
	Covariance [][]float64
	Faces      []Face
}

// Direction is where a shadow says the sun is.
type Direction struct {
	ID                 string
	Azimuth, Elevation where.Degrees
	SD                 where.Degrees // along the worst direction, floor included
}

// Refusal says why the question cannot be answered.
type Refusal struct{ Code, Message string }

// Refusal codes.
const (
	NoTimeFits     = "no_time_fits"
	TooUncertain   = "too_uncertain"
	ShadowVertical = "shadow_vertical"
	Night          = "night"
)

// Answer is the set of times that fit, or a refusal. Best is nil when only
// faces were given: all times of the intervals are then equally good.
type Answer struct {
	Best       *when.Instant
	Misfit     float64 // chi-square at Best, 2n - 1 degrees of freedom
	Intervals  []Span
	Directions []Direction
	Refused    *Refusal
}

// ErrNotPositiveDefinite is wrapped when a matrix is no covariance.
var ErrNotPositiveDefinite = errors.New("not positive definite")

// ErrProblem is wrapped when a problem cannot be read.
var ErrProblem = errors.New("not a shadow problem")

// Solve finds {t : chi2(t) - min <= q}. chi2 sums the misses of the apparent
// sun in the tangent planes of the measured directions, weighed with the whole
// covariance; q is the chi-square quantile for one unknown, the time of a known
// date, or for two when the window is longer than 36 hours and the date is open
// as well. Ends are found by bisection to a millisecond and rounded outward.
//
// Rule of thumb: a direction known to sigma degrees leaves 16.8 sigma minutes
// with a known date and 21 sigma minutes without (95 %).
func Solve(p Problem) (Answer, error) {
	if err := p.check(); err != nil {
		return Answer{}, err
	}
	fit, dirs, refused, err := newFit(p)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Directions: dirs, Refused: refused}
	if refused != nil {
		return a, nil
	}
	almanac, err := NewAlmanac(p.Between.Min, p.Between.Max)
	if err != nil {
		return a, fmt.Errorf("%w: between: the window is reversed or longer than %d days", ErrProblem, MaxAlmanac/when.Day)
	}
	view := almanac.From(p.Place, p.Air)
	from, to := float64(p.Between.Min)/1000, float64(p.Between.Max)/1000
	up := false
	f := func(t float64) float64 {
		s, e := view.direction(t)
		if e >= 0 {
			up = true
		} else if len(fit.dirs) > 0 {
			return math.Inf(1)
		}
		return fit.at(s, e)
	}
	grid := sample(f, from, to)
	best := grid[0]
	for _, g := range grid {
		if g.v < best.v {
			best = g
		}
	}
	unknowns := 1
	if to-from > 36*3600 {
		unknowns = 2
	}
	n := 2 * len(fit.dirs)
	switch {
	case !up && n > 0:
		a.Refused = &Refusal{Night, "the sun is below the horizon during the whole window"}
	case math.IsInf(best.v, 1):
		a.Refused = &Refusal{NoTimeFits, "no time in the window satisfies every lit and shaded face"}
	case n > 0 && where.ChiSquareAbove(best.v, max(n-unknowns, 1)) < 0.001:
		a.Refused = &Refusal{NoTimeFits, fmt.Sprintf("no time in the window puts the sun there: the best misses by chi-square %.1f", best.v)}
	}
	if a.Refused != nil {
		return a, nil
	}
	if n > 0 {
		ms := when.Instant(math.Round(best.t * 1000))
		ms = max(p.Between.Min, min(p.Between.Max, ms))
		a.Best, a.Misfit = &ms, best.v
	}
	limit := best.v + where.ChiSquare(p.Confidence, unknowns)
	if n == 0 {
		limit = 0
	}
	for _, iv := range below(f, grid, limit) {
		lo, hi := when.Instant(math.Floor(iv[0]*1000)), when.Instant(math.Ceil(iv[1]*1000))
		a.Intervals = append(a.Intervals, Span{Min: max(lo, p.Between.Min), Max: min(hi, p.Between.Max)})
	}
	return a, nil
}

func (p *Problem) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrProblem, fmt.Sprintf(format, args...))
	}
	switch {
	case !(math.Abs(float64(p.Place.Lat)) <= 90) || !(math.Abs(float64(p.Place.Lon)) <= 360):
		return bad("place: latitude or longitude is outside the Earth")
	case !(p.Confidence > 0 && p.Confidence < 1):
		return bad("confidence: %g is not between 0 and 1", p.Confidence)
	case !(p.Floor >= 0 && p.Floor < 90):
		return bad("floor_deg: %g is not between 0 and 90", float64(p.Floor))
	case len(p.Shadows) == 0 && len(p.Faces) == 0:
		return bad("shadows: there is none, and no face")
	case len(p.Shadows) > 1000 || len(p.Faces) > 10000:
		return bad("shadows: more than 1,000, or faces: more than 10,000")
	case p.Between.Max <= p.Between.Min:
		return bad("between: the window is reversed or empty")
	case p.Covariance != nil && len(p.Covariance) != 6*len(p.Shadows):
		return bad("covariance: needs %d rows for %d shadows", 6*len(p.Shadows), len(p.Shadows))
	}
	for _, s := range p.Shadows {
		for k := range 3 {
			if !(math.Abs(s.Top[k]) < 1e9 && math.Abs(s.Tip[k]) < 1e9) {
				return bad("shadow %q: a coordinate is not a number of metres", s.ID)
			}
		}
	}
	for _, f := range p.Faces {
		if n := norm(f.Normal); !(n > 1e-9 && n < 1e9) || !(f.SD >= 0 && f.SD < 45) {
			return bad("face %q: the normal has no direction, or sd_deg is not between 0 and 45", f.ID)
		}
	}
	return nil
}

// fit holds what a time is judged against.
type fit struct {
	dirs   [][3]float64 // measured unit vectors to the sun
	basis  [][2][3]float64
	weight [][]float64 // inverse covariance of the stacked tangent coordinates
	faces  []face
	r      []float64 // scratch
}

type face struct {
	normal [3]float64
	sign   float64 // +1 lit, -1 shaded
	slack  float64 // sine of the error allowed
}

func newFit(p Problem) (*fit, []Direction, *Refusal, error) {
	n := len(p.Shadows)
	f := &fit{r: make([]float64, 2*n)}
	var out []Direction
	jac := make([][]float64, 2*n) // of tangent coordinates by point coordinates
	var refused *Refusal
	for i, s := range p.Shadows {
		var d [3]float64
		for k := range d {
			d[k] = s.Top[k] - s.Tip[k]
		}
		l := norm(d)
		if !(l > 1e-9) {
			return nil, nil, &Refusal{TooUncertain, fmt.Sprintf("shadow %q: top and tip are one point", s.ID)}, nil
		}
		for k := range d {
			d[k] /= l
		}
		flat := math.Hypot(d[0], d[1])
		if flat < 1e-6 {
			return nil, nil, &Refusal{ShadowVertical, fmt.Sprintf("shadow %q: the sun would stand overhead, so it has no azimuth", s.ID)}, nil
		}
		e1 := [3]float64{d[1] / flat, -d[0] / flat, 0} // right, seen from the observer
		e2 := [3]float64{-d[2] * d[0] / flat, -d[2] * d[1] / flat, flat}
		f.dirs, f.basis = append(f.dirs, d), append(f.basis, [2][3]float64{e1, e2})
		for a, e := range f.basis[i] {
			row := make([]float64, 6*n)
			for k := range e {
				row[6*i+k], row[6*i+3+k] = e[k]/l, -e[k]/l
			}
			jac[2*i+a] = row
		}
		out = append(out, Direction{ID: s.ID,
			Azimuth:   where.Radians(math.Atan2(d[0], d[1])).Degrees().Turn(),
			Elevation: where.Radians(math.Atan2(d[2], flat)).Degrees()})
	}
	cov, err := p.points()
	if err != nil {
		return nil, nil, nil, err
	}
	v := sandwich(jac, cov)
	floor := float64(p.Floor.Radians())
	for i := range v {
		v[i][i] += floor * floor
	}
	for i := range out {
		a, b, c := v[2*i][2*i], v[2*i][2*i+1], v[2*i+1][2*i+1]
		big := (a+c)/2 + math.Hypot((a-c)/2, b)
		out[i].SD = where.Radians(math.Sqrt(big)).Degrees()
		if out[i].SD > 10 && refused == nil {
			refused = &Refusal{TooUncertain, fmt.Sprintf("shadow %q leaves the sun's direction open by %.1f degrees (1 sigma); more than 10 says nothing about the time", out[i].ID, float64(out[i].SD))}
		}
	}
	if n > 0 {
		if f.weight, err = invert(v); err != nil {
			return nil, nil, nil, err
		}
	}
	// One-sided error of a face: the quantile of the confidence.
	z := math.Sqrt(where.ChiSquare(p.Confidence, 1))
	for _, x := range p.Faces {
		l := norm(x.Normal)
		g := face{sign: -1, slack: math.Sin(math.Min(math.Pi/2, z*math.Hypot(float64(x.SD.Radians()), floor)))}
		if x.Lit {
			g.sign = 1
		}
		for k := range g.normal {
			g.normal[k] = x.Normal[k] / l
		}
		f.faces = append(f.faces, g)
	}
	return f, out, refused, nil
}

// at is chi-square for a sun in direction s, infinite where a face forbids it.
func (f *fit) at(s [3]float64, elevation float64) float64 {
	for i := range f.faces {
		g := &f.faces[i]
		if elevation < 0 { // at night nothing is lit and everything is shaded
			if g.sign > 0 {
				return math.Inf(1)
			}
			continue
		}
		if g.sign*dot(g.normal, s) < -g.slack {
			return math.Inf(1)
		}
	}
	r := f.r
	for i, d := range f.dirs {
		x, y, c := dot(f.basis[i][0], s), dot(f.basis[i][1], s), dot(d, s)
		// Lengthen the sine of the miss to its angle, so that the far side of
		// the sky is far.
		h := math.Hypot(x, y)
		k := 1.0
		if h > 1e-9 {
			k = math.Atan2(h, c) / h
		}
		r[2*i], r[2*i+1] = x*k, y*k
	}
	sum := 0.0
	for i, w := range f.weight {
		for j, x := range w {
			sum += r[i] * x * r[j]
		}
	}
	return sum
}

// points is the joint covariance of all tops and tips, checked.
func (p *Problem) points() ([][]float64, error) {
	n := 6 * len(p.Shadows)
	if p.Covariance != nil {
		for _, row := range p.Covariance {
			if len(row) != n {
				return nil, fmt.Errorf("%w: covariance: a row has %d values, want %d", ErrProblem, len(row), n)
			}
		}
		if !positive(p.Covariance) {
			return nil, fmt.Errorf("%w: the joint covariance", ErrNotPositiveDefinite)
		}
		return p.Covariance, nil
	}
	c := square(n)
	for i, s := range p.Shadows {
		for which, m := range [2][3][3]float64{s.TopCov, s.TipCov} {
			part := square(3)
			for a := range 3 {
				copy(part[a], m[a][:])
				for b := range 3 {
					c[6*i+3*which+a][6*i+3*which+b] = m[a][b]
				}
			}
			if !positive(part) {
				return nil, fmt.Errorf("%w: shadow %q: %s", ErrNotPositiveDefinite, s.ID, [2]string{"top_cov", "tip_cov"}[which])
			}
		}
	}
	return c, nil
}

// Span is a closed stretch of time.
type Span struct{ Min, Max when.Instant }
