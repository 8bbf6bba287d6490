package sound

import (
	"fmt"
	"math"
	"sort"
)

// Sensor is one recorder: position in metres (x east, y north, z up, any
// origin) and the arrival in seconds on its clock. SD is the arrival's standard
// deviation in seconds, 0 for the problem's. Clock names a clock with an
// unknown offset of its own; empty is the common clock.
type Sensor struct {
	ID      string
	X, Y, Z float64
	T, SD   float64
	Clock   string
}

// Problem asks where one sound came from. Wind is the velocity of the air in
// m/s (x, y); WindSD and TemperatureSD are standard deviations in m/s and
// degrees Celsius. A nil SourceZ takes the mean height of the sensors.
type Problem struct {
	Temperature, TemperatureSD float64
	Wind                       [2]float64
	WindSD                     float64
	ArrivalSD, Confidence      float64
	SourceZ                    *float64
	Sensors                    []Sensor
}

// Refusal says why no place can be given.
type Refusal struct{ Code, Message string }

// Point is a place in metres with its misfit (chi-square of the arrivals).
type Point struct{ X, Y, Z, Misfit float64 }

// Location is the answer. The ellipse's half axes are in metres and Bearing in
// degrees from +y towards +x. T0 is nil when no sensor kept the common clock.
// Residuals follow the order of the sensors; a sensor alone on its clock says
// nothing and has NaN.
type Location struct {
	Refused             *Refusal
	Position            Point
	Alternatives        []Point
	T0                  *float64
	Major, Minor        float64
	Bearing             float64
	Residuals           []float64
	Sigma, SpeedOfSound float64
}

// Speed is the speed of sound in dry air, m/s, at t degrees Celsius.
func Speed(t float64) float64 { return 331.3 * math.Sqrt(1+t/273.15) }

// widen is the factor on the variance for what the residuals do not show:
// echoes and obstacles delay neighbouring sensors together, so that n arrivals
// count as fewer (the design effect of a correlated sample, Kish 1965). Its two
// numbers were set on live-fire recordings so that ellipses hold at their level.
func widen(n int) float64 { return 1.4 * (1 + 0.05*float64(n-4)) }

const farthest = 500 // metres: a longer half axis is no location

type fit struct {
	p          *Problem
	use, class []int
	n          int // clock classes
	c, z       float64
	ox, oy, ot float64
}

type state struct {
	x, y, cost, rss float64
	off, res, w     []float64
}

func (f *fit) travel(i int, x, y float64) (t, d, ux, uy, v float64) {
	s := f.p.Sensors[f.use[i]]
	dx, dy, dz := s.X-f.ox-x, s.Y-f.oy-y, s.Z-f.z
	d = math.Max(math.Sqrt(dx*dx+dy*dy+dz*dz), 1e-9)
	ux, uy = dx/d, dy/d
	v = f.c + f.p.Wind[0]*ux + f.p.Wind[1]*uy
	return d / v, d, ux, uy, v
}

func (f *fit) sd(i int) float64 {
	if s := f.p.Sensors[f.use[i]].SD; s > 0 {
		return s
	}
	return f.p.ArrivalSD
}

// at fits the clocks for one place: a weighted mean in each class, reweighted
// by Huber's loss at three standard deviations.
func (f *fit) at(x, y float64) state {
	n := len(f.use)
	s := state{x: x, y: y, off: make([]float64, f.n), res: make([]float64, n), w: make([]float64, n)}
	for i := range n {
		t, _, _, _, _ := f.travel(i, x, y)
		s.res[i] = f.p.Sensors[f.use[i]].T - f.ot - t
		s.w[i] = 1 / (f.sd(i) * f.sd(i))
	}
	raw := append([]float64(nil), s.res...)
	for round := 0; round < 6; round++ {
		a, b := make([]float64, f.n), make([]float64, f.n)
		for i := range n {
			a[f.class[i]] += s.w[i] * raw[i]
			b[f.class[i]] += s.w[i]
		}
		s.cost, s.rss = 0, 0
		for i := range n {
			k := f.class[i]
			s.off[k] = a[k] / b[k]
			s.res[i] = raw[i] - s.off[k]
			sd := f.sd(i)
			u := math.Abs(s.res[i]) / sd
			s.w[i], s.rss = 1/(sd*sd), s.rss+u*u
			if u > 3 {
				s.w[i] *= 3 / u
				s.cost += 6*u - 9
			} else {
				s.cost += u * u
			}
		}
	}
	return s
}

// normal is the information of x and y with the clocks eliminated, and the
// right-hand side for the vector g of changes in arrival time.
func (f *fit) normal(s state, g []float64) (a, b, d, gx, gy float64) {
	n := len(f.use)
	jx, jy := make([]float64, n), make([]float64, n)
	sw, sx, sy, sg := make([]float64, f.n), make([]float64, f.n), make([]float64, f.n), make([]float64, f.n)
	for i := range n {
		_, _, ux, uy, v := f.travel(i, s.x, s.y)
		jx[i], jy[i] = -ux/v, -uy/v
		k, w := f.class[i], s.w[i]
		sw[k] += w
		sx[k] += w * jx[i]
		sy[k] += w * jy[i]
		sg[k] += w * g[i]
	}
	for i := range n {
		k, w := f.class[i], s.w[i]
		x, y, h := jx[i]-sx[k]/sw[k], jy[i]-sy[k]/sw[k], g[i]-sg[k]/sw[k]
		a, b, d = a+w*x*x, b+w*x*y, d+w*y*y
		gx, gy = gx+w*x*h, gy+w*y*h
	}
	return
}

func (f *fit) descend(x, y float64) state {
	s, l := f.at(x, y), 1e-3
	for round := 0; round < 60 && l < 1e9; round++ {
		a, b, d, gx, gy := f.normal(s, s.res)
		a, d = a*(1+l)+1e-12, d*(1+l)+1e-12
		q := a*d - b*b
		dx, dy := (d*gx-b*gy)/q, (a*gy-b*gx)/q
		t := f.at(s.x+dx, s.y+dy)
		if t.cost < s.cost {
			small := math.Hypot(dx, dy) < 1e-6
			s, l = t, l/5
			if small {
				break
			}
		} else {
			l *= 4
		}
	}
	return s
}

func refuse(code, format string, a ...any) Location {
	return Location{Refused: &Refusal{code, fmt.Sprintf(format, a...)}}
}

// Locate finds x, y and the time of the sound by robust non-linear least
// squares from several starts. The covariance carries the arrivals, the
// temperature and the wind; a place whose confidence region reaches past 500 m
// is refused. Numbers must be finite, ArrivalSD positive, the temperature above
// -273.15 and Confidence inside (0, 1); the caller checks them.
func Locate(p Problem) Location {
	if len(p.Sensors) < 4 {
		return refuse("too_few", "%d sensors: a place and its time need at least 4.", len(p.Sensors))
	}
	size := map[string]int{}
	named := false
	for _, s := range p.Sensors {
		size[s.Clock]++
		named = named || s.Clock != ""
	}
	f := &fit{p: &p, c: Speed(p.Temperature)}
	index := map[string]int{}
	for i, s := range p.Sensors {
		if size[s.Clock] < 2 {
			continue
		}
		k, ok := index[s.Clock]
		if !ok {
			k = len(index)
			index[s.Clock] = k
		}
		f.use, f.class = append(f.use, i), append(f.class, k)
	}
	f.n = len(index)
	n, dof := len(f.use), len(f.use)-2-f.n
	if dof < 1 {
		if named {
			return refuse("clock_unknown", "The sensors' clocks are not tied to each other: their offsets and the distance cannot be told apart.")
		}
		return refuse("too_few", "Too few arrivals on shared clocks.")
	}
	f.ot = p.Sensors[f.use[0]].T
	for _, i := range f.use {
		s := p.Sensors[i]
		f.ox, f.oy, f.z = f.ox+s.X/float64(n), f.oy+s.Y/float64(n), f.z+s.Z/float64(n)
	}
	if p.SourceZ != nil {
		f.z = *p.SourceZ
	}
	var xx, xy, yy float64
	for _, i := range f.use {
		x, y := p.Sensors[i].X-f.ox, p.Sensors[i].Y-f.oy
		xx, xy, yy = xx+x*x, xy+x*y, yy+y*y
	}
	l1, l2, _ := axes(xx, xy, yy)
	if l2 <= 1e-4*l1 {
		return refuse("collinear", "The sensors stand on one line: two mirror places fit equally well.")
	}
	size2 := math.Sqrt(l1 / float64(n))
	var found []state
	start := func(x, y float64) { found = append(found, f.descend(x, y)) }
	start(0, 0)
	for _, i := range f.use {
		start(p.Sensors[i].X-f.ox+1, p.Sensors[i].Y-f.oy+1)
	}
	for k := range 8 {
		s, c := math.Sincos(float64(k) * math.Pi / 4)
		start(size2*s, size2*c)
		start(4*size2*s, 4*size2*c)
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].cost < found[j].cost })
	best := found[0]
	scale := math.Sqrt(best.rss / float64(dof))
	if scale > 10 {
		return refuse("inconsistent", "The arrivals do not meet in one place: their spread is %.3f s.", scale*p.ArrivalSD)
	}
	// With few arrivals left over, the stated error counts as four more.
	s2 := widen(n) * (best.rss + 4) / float64(dof+4)
	limit := -2 * math.Log(1-p.Confidence)
	for _, far := range []float64{farthest, 2000, 10000} {
		for k := range 720 {
			s, c := math.Sincos(float64(k) * math.Pi / 360)
			if (f.at(best.x+far*s, best.y+far*c).cost-best.cost)/s2 < limit {
				return refuse("degenerate", "The arrivals allow places more than %d m apart.", farthest)
			}
		}
	}
	zero := make([]float64, n)
	a, b, d, _, _ := f.normal(best, zero)
	q := a*d - b*b
	if !(q > 1e-12*a*d) {
		return refuse("degenerate", "The arrivals fix no place: the equations lose rank.")
	}
	vx, vxy, vy := s2*d/q, -s2*b/q, s2*a/q
	csd := p.TemperatureSD * 331.3 * 331.3 / (2 * 273.15 * f.c)
	for k, sd := range []float64{csd, p.WindSD, p.WindSD} {
		g := make([]float64, n)
		for i := range n {
			_, dist, ux, uy, v := f.travel(i, best.x, best.y)
			g[i] = sd * dist / (v * v) * []float64{1, ux, uy}[k]
		}
		_, _, _, gx, gy := f.normal(best, g)
		ex, ey := (d*gx-b*gy)/q, (a*gy-b*gx)/q
		vx, vxy, vy = vx+ex*ex, vxy+ex*ey, vy+ey*ey
	}
	major, minor, bearing := axes(vx, vxy, vy)
	out := Location{Position: Point{best.x + f.ox, best.y + f.oy, f.z, best.cost}, Bearing: bearing,
		Major: math.Sqrt(limit * major), Minor: math.Sqrt(limit * math.Max(minor, 0)), Sigma: scale * p.ArrivalSD, SpeedOfSound: f.c}
	if !(out.Major <= farthest) {
		return refuse("degenerate", "The ellipse would be longer than %d m.", farthest)
	}
	kept := []state{best}
next:
	for _, s := range found[1:] {
		if (s.cost-best.cost)/s2 > limit {
			continue
		}
		for _, o := range kept {
			if math.Hypot(s.x-o.x, s.y-o.y) < math.Max(1, out.Minor) {
				continue next
			}
		}
		kept = append(kept, s)
		out.Alternatives = append(out.Alternatives, Point{s.x + f.ox, s.y + f.oy, f.z, s.cost})
	}
	if k, ok := index[""]; ok {
		t := best.off[k] + f.ot
		out.T0 = &t
	}
	out.Residuals = make([]float64, len(p.Sensors))
	for i := range out.Residuals {
		out.Residuals[i] = math.NaN()
	}
	for i, k := range f.use {
		out.Residuals[k] = best.res[i]
	}
	return out
}

// axes are the eigenvalues of a symmetric matrix, larger first, and the bearing
// of the first from +y towards +x in degrees, 0 to 180.
func axes(xx, xy, yy float64) (l1, l2, bearing float64) {
	m, r := (xx+yy)/2, math.Hypot((xx-yy)/2, xy)
	th := math.Atan2(2*xy, xx-yy) / 2 // from +x towards +y
	bearing = math.Mod(90-th*180/math.Pi+360, 180)
	return m + r, m - r, bearing
}
