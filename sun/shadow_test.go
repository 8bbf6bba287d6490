package sun

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"sightline/when"
	"sightline/where"
)

// pole is the worked example of the documentation: a 3 m pole in El Junquito,
// 2018-01-15 09:07 local time, 3 cm per click.
func pole() Problem {
	c := [3][3]float64{{9e-4, 0, 0}, {0, 9e-4, 0}, {0, 0, 9e-4}}
	return Problem{
		Place: Place{10.4633, -67.0794, 2000}, Air: Air{800, 18},
		Between:    Span{1516010400000, 1516055400000}, // 06:00 to 18:30
		Confidence: 0.95, Floor: 0.1,
		Shadows: []Shadow{{"pole", [3]float64{0, 0, 3}, [3]float64{-4.5307, 2.7852, 0}, c, c}},
	}
}

func solved(t *testing.T, p Problem) Answer {
	t.Helper()
	a, err := Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestPole(t *testing.T) {
	a := solved(t, pole())
	if a.Refused != nil || len(a.Intervals) != 1 {
		t.Fatalf("%+v", a)
	}
	for _, c := range []struct {
		name      string
		got, want when.Instant
		tol       int64
	}{{"best", *a.Best, 1516021620000, 1000}, {"from", a.Intervals[0].Min, 1516021412500, 5000}, {"to", a.Intervals[0].Max, 1516021827500, 5000}} {
		if d := int64(c.got - c.want); d > c.tol || d < -c.tol {
			t.Errorf("%s is off by %d ms", c.name, d)
		}
	}
	if d := a.Directions[0]; math.Abs(float64(d.SD)-0.41047) > 1e-4 || math.Abs(float64(d.Azimuth)-121.58068) > 1e-4 || math.Abs(float64(d.Elevation)-29.42680) > 1e-4 {
		t.Errorf("direction %+v", d)
	}
}

// The ends are roots: chi-square there is the minimum plus the quantile.
func TestEndsAreRoots(t *testing.T) {
	p := pole()
	a := solved(t, p)
	f, _, _, err := newFit(p)
	if err != nil {
		t.Fatal(err)
	}
	al, err := NewAlmanac(p.Between.Min, p.Between.Max)
	if err != nil {
		t.Fatal(err)
	}
	v := al.From(p.Place, p.Air)
	for _, end := range []when.Instant{a.Intervals[0].Min, a.Intervals[0].Max} {
		x := f.at(v.direction(float64(end) / 1000))
		if math.Abs(x-a.Misfit-where.ChiSquare(0.95, 1)) > 1e-4 {
			t.Errorf("chi-square at an end is %.6f over %.6f", x, a.Misfit)
		}
	}
}

// Length alone leaves morning and afternoon: only the height of the sun is
// known, because the covariance is wide across.
func TestLengthAlone(t *testing.T) {
	p := pole()
	p.Floor = 0
	s := &p.Shadows[0]
	d := [3]float64{4.5307, -2.7852, 3}
	l, flat := norm(d), math.Hypot(d[0], d[1])
	e1 := [3]float64{d[1] / flat, -d[0] / flat, 0}
	e2 := [3]float64{-d[2] * d[0] / flat / l, -d[2] * d[1] / flat / l, flat / l}
	sigma := rad * l
	for i := range 3 {
		for j := range 3 {
			s.TopCov[i][j] = sigma*sigma*e2[i]*e2[j] + math.Pow(sigma*9.9, 2)*e1[i]*e1[j]
			s.TipCov[i][j] = 0
		}
	}
	// 9.9 degrees across still decide between 120 and 240 degrees of azimuth.
	if a := solved(t, p); a.Refused != nil || len(a.Intervals) != 1 {
		t.Errorf("%+v", a)
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Problem)
		code   string
	}{
		"night":           {func(p *Problem) { p.Between = Span{1515988800000, 1515988800000 + 4*3600e3} }, Night},
		"wrong side":      {func(p *Problem) { p.Shadows[0].Tip = [3]float64{-1, -4, 0} }, NoTimeFits},
		"tip above top":   {func(p *Problem) { p.Shadows[0].Tip = [3]float64{-4, 2, 9} }, NoTimeFits},
		"overhead":        {func(p *Problem) { p.Shadows[0].Tip = [3]float64{0, 0, 0} }, ShadowVertical},
		"one point":       {func(p *Problem) { p.Shadows[0].Tip = p.Shadows[0].Top }, TooUncertain},
		"metres of error": {func(p *Problem) { p.Shadows[0].TopCov[0][0] = 4 }, TooUncertain},
		"dark at nine": {func(p *Problem) {
			p.Shadows = nil
			p.Faces = []Face{{"up", [3]float64{0, 0, 1}, false, 1}}
			p.Between = Span{1516021620000, 1516025220000}
		}, NoTimeFits},
	} {
		p := pole()
		c.change(&p)
		a := solved(t, p)
		if a.Refused == nil || a.Refused.Code != c.code || a.Refused.Message == "" || len(a.Intervals) != 0 {
			t.Errorf("%s: %+v, want %s", name, a, c.code)
		}
	}
}

func TestShadowErrors(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Problem)
		want   error
	}{
		"negative variance": {func(p *Problem) { p.Shadows[0].TopCov[1][1] = -1 }, ErrNotPositiveDefinite},
		"not symmetric":     {func(p *Problem) { p.Shadows[0].TipCov[0][1] = 1e-4 }, ErrNotPositiveDefinite},
		"NaN variance":      {func(p *Problem) { p.Shadows[0].TipCov[0][0] = math.NaN() }, ErrNotPositiveDefinite},
		"exact, no floor": {func(p *Problem) {
			p.Floor = 0
			p.Shadows[0].TopCov = [3][3]float64{}
			p.Shadows[0].TipCov = [3][3]float64{}
		}, ErrNotPositiveDefinite},
		"joint too small": {func(p *Problem) { p.Covariance = square(5) }, ErrProblem},
		"NaN point":       {func(p *Problem) { p.Shadows[0].Top[0] = math.NaN() }, ErrProblem},
		"reversed":        {func(p *Problem) { p.Between.Max = 0 }, ErrProblem},
		"century":         {func(p *Problem) { p.Between.Max += when.Instant(36500 * when.Day) }, ErrProblem},
		"confidence":      {func(p *Problem) { p.Confidence = 1 }, ErrProblem},
		"nothing":         {func(p *Problem) { p.Shadows = nil }, ErrProblem},
		"no normal":       {func(p *Problem) { p.Faces = []Face{{}} }, ErrProblem},
	} {
		p := pole()
		c.change(&p)
		if _, err := Solve(p); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// A joint covariance that says the same as the separate ones changes nothing;
// one that says two shadows share their error keeps the interval from
// shrinking by the square root of two.
func TestSharedError(t *testing.T) {
	one := pole()
	two := pole()
	two.Shadows = append(two.Shadows, two.Shadows[0])
	two.Shadows[1].ID = "pole seen again"
	joint := func(shared float64) [][]float64 {
		c := square(12)
		for i := range c {
			c[i][i] = 9e-4
			c[i][(i+6)%12] = shared * 9e-4
		}
		return c
	}
	width := func(p Problem) float64 {
		a := solved(t, p)
		return float64(a.Intervals[0].Max - a.Intervals[0].Min)
	}
	one.Floor, two.Floor = 0.001, 0.001
	w1, w2 := width(one), width(two)
	two.Covariance = joint(0)
	if w := width(two); math.Abs(w-w2) > 2 {
		t.Errorf("independent joint covariance: %g ms against %g", w, w2)
	}
	two.Covariance = joint(1)
	if w := width(two); math.Abs(w-w1) > 0.01*w1 {
		t.Errorf("fully shared error: %g ms, want the width of one shadow, %g", w, w1)
	}
	if math.Abs(w1/w2-math.Sqrt2) > 0.01 {
		t.Errorf("two independent shadows narrow by %g, want 1.414", w1/w2)
	}
}

// An east wall that is lit means morning; the same wall in shade, afternoon.
func TestFaces(t *testing.T) {
	p := pole()
	p.Shadows = nil
	p.Faces = []Face{{"east wall", [3]float64{1, 0, 0}, true, 0}}
	p.Floor = 0.27
	a := solved(t, p)
	if a.Best != nil || len(a.Intervals) != 1 {
		t.Fatalf("%+v", a)
	}
	noon := when.Instant(1516034262000) // 12:37:42, the sun on the meridian: 12 h + 28 min 19 s of longitude + 9 min 23 s equation of time
	if d := int64(a.Intervals[0].Max - noon); d < 0 || d > 6*60e3 {
		t.Errorf("lit until %d ms after noon", d)
	}
	p.Faces[0].Lit = false
	p.Between.Min = 1516023000000 // after sunrise, so that night does not count as shade
	a = solved(t, p)
	if len(a.Intervals) != 1 || a.Intervals[0].Max != p.Between.Max || a.Intervals[0].Min > noon || a.Intervals[0].Min < noon-6*60e3 {
		t.Errorf("shaded: %+v", a)
	}
}

// With the date open, the answer is the set of dates and times: the sun comes
// back to the same direction about as long before as after a solstice.
func TestOpenDate(t *testing.T) {
	p := pole()
	p.Between = Span{1514779200000, 1514779200000 + when.Instant(365*when.Day)}
	a := solved(t, p)
	if a.Refused != nil || len(a.Intervals) < 2 {
		t.Fatalf("%+v", a)
	}
	truth, found := when.Instant(1516021620000), false
	autumn := false
	for _, iv := range a.Intervals {
		found = found || iv.Min <= truth && truth <= iv.Max
		autumn = autumn || iv.Min > 1541000000000 && iv.Max < 1545000000000
		if iv.Max-iv.Min > when.Instant(3600e3) {
			t.Errorf("interval of %d ms", iv.Max-iv.Min)
		}
	}
	if !found || !autumn {
		t.Errorf("truth %v, autumn %v in %d intervals", found, autumn, len(a.Intervals))
	}
}

// Coverage: of 400 random shadows with drawn errors, 95 % of the intervals
// must hold the truth (sampling error of the count: 1.1 points).
func TestCoverage(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 2018))
	hit, n := 0, 0
	for n < 400 {
		pl := Place{where.Degrees(r.Float64()*120 - 60), where.Degrees(r.Float64()*360 - 180), where.Metres(3000 * r.Float64())}
		at := when.Instant(1388534400000 + r.Int64N(370000000000))
		pos := At(at, pl, StandardAir(pl.Height))
		if pos.Apparent < 6 || pos.Apparent > 82 {
			continue
		}
		n++
		s := pos.Vector()
		sigma := []float64{0.25, 0.5, 1, 2}[r.IntN(4)] * rad
		p := Problem{Place: pl, Air: StandardAir(pl.Height), Between: Span{at - when.Instant(r.Int64N(12*3600e3)), 0}, Confidence: 0.95, Floor: 0.1}
		p.Between.Max = p.Between.Min + 12*3600e3
		for i := range 1 + r.IntN(3) {
			l := 1 + 10*r.Float64()
			sd := sigma * l / math.Sqrt2
			floor := 0.1 * rad
			var sh Shadow
			sh.ID = string(rune('a' + i))
			// The floor turns the direction of this shadow; an isotropic nudge
			// of the unit vector does that.
			for k := range 3 {
				sh.Tip[k] = sd * r.NormFloat64()
				sh.Top[k] = l*(s[k]+floor*r.NormFloat64()) + sd*r.NormFloat64()
				sh.TopCov[k][k], sh.TipCov[k][k] = sd*sd, sd*sd
			}
			p.Shadows = append(p.Shadows, sh)
		}
		a := solved(t, p)
		for _, iv := range a.Intervals {
			if iv.Min <= at && at <= iv.Max {
				hit++
			}
		}
	}
	t.Logf("%d of %d intervals hold the truth", hit, n)
	if hit < n*92/100 || hit > n*98/100 {
		t.Errorf("%d of %d intervals hold the truth", hit, n)
	}
}

func BenchmarkShadow(b *testing.B) {
	p := pole()
	for b.Loop() {
		if _, err := Solve(p); err != nil {
			b.Fatal(err)
		}
	}
}
