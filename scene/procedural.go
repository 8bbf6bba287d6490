package scene

import (
	"fmt"
	"math"

	"sightline/raster"
)

// Procedural is invented ground: a slope with undulations and ridges. It is
// always conjectural. Its use is to give a described place a body ("a house
// on a slope below a road") without claiming a survey.
type Procedural struct {
	Slopes      []Slope      `json:"slopes,omitempty"`
	Undulations []Undulation `json:"undulations,omitempty"`
	Ridges      []Ridge      `json:"ridges,omitempty"`
	Steps       []Step       `json:"steps,omitempty"`
}

// Slope rises towards a bearing. Beyond SettleM the rise levels off, so that
// a hillside does not become a mountain.
type Slope struct {
	TowardsDeg float64 `json:"towards_deg"` // clockwise from north
	Gradient   float64 `json:"gradient"`    // metres a metre at the origin
	SettleM    float64 `json:"settle_m,omitempty"`
}

// Undulation adds smooth noise. It fades in from CalmM around the origin.
type Undulation struct {
	WavelengthM float64 `json:"wavelength_m"`
	AmplitudeM  float64 `json:"amplitude_m"`
	Octaves     int     `json:"octaves,omitempty"` // default 4
	Seed        uint32  `json:"seed"`
	CalmM       float64 `json:"calm_m,omitempty"`
}

// Ridge is a crest line; the ground falls away from it on both sides.
type Ridge struct {
	Points [][3]float64 `json:"points"` // east, north, up of the crest
	Fall   float64      `json:"fall"`   // metres a metre
	RoundM float64      `json:"round_m,omitempty"`
	Rough  Undulation   `json:"rough,omitzero"` // along the crest and flanks
}

// Step is a rise spread over a distance along a bearing: a bank, a terrace
// edge.
type Step struct {
	TowardsDeg float64 `json:"towards_deg"`
	FromM      float64 `json:"from_m"`
	ToM        float64 `json:"to_m"`
	RiseM      float64 `json:"rise_m"`
}

func (p *Procedural) check() error {
	for i, u := range p.Undulations {
		if !(u.WavelengthM > 0) || u.Octaves < 0 || u.Octaves > 12 {
			return fmt.Errorf("terrain: undulations[%d]: expected a wavelength above 0 and at most 12 octaves", i)
		}
	}
	for i, r := range p.Ridges {
		if len(r.Points) < 2 || len(r.Points) > 1000 || !(r.Fall > 0) {
			return fmt.Errorf("terrain: ridges[%d]: expected 2 to 1000 points and a fall above 0", i)
		}
		if r.Rough.AmplitudeM != 0 && !(r.Rough.WavelengthM > 0) {
			return fmt.Errorf("terrain: ridges[%d]: rough needs a wavelength", i)
		}
	}
	return nil
}

func smoothstep(a, b, x float64) float64 {
	t := min(max((x-a)/(b-a), 0), 1)
	return t * t * (3 - 2*t)
}

// height is the ground before roads and terraces are cut into it.
func (p *Procedural) height(e, n float64) float64 {
	h := 0.0
	for _, s := range p.Slopes {
		d := along(s.TowardsDeg, e, n)
		if s.SettleM > 0 {
			d = d / (1 + math.Abs(d)/s.SettleM)
		}
		h += s.Gradient * d
	}
	for _, s := range p.Steps {
		h += s.RiseM * smoothstep(s.FromM, s.ToM, along(s.TowardsDeg, e, n))
	}
	for _, u := range p.Undulations {
		h += u.at(e, n)
	}
	for i := range p.Ridges {
		r := &p.Ridges[i]
		d, crest := nearestOn(r.Points, e, n)
		top := crest - r.Fall*(math.Sqrt(d*d+r.RoundM*r.RoundM)-r.RoundM) + r.Rough.at(e, n)
		h = softMax(h, top, 12)
	}
	return h
}

func (u *Undulation) at(e, n float64) float64 {
	if u.AmplitudeM == 0 {
		return 0
	}
	oct := u.Octaves
	if oct == 0 {
		oct = 4
	}
	h := 2 * u.AmplitudeM * raster.Fbm(e/u.WavelengthM, n/u.WavelengthM, oct, u.Seed)
	if u.CalmM > 0 {
		h *= smoothstep(0, u.CalmM, math.Hypot(e, n))
	}
	return h
}

// along is the distance of a point towards a bearing.
func along(bearingDeg, e, n float64) float64 {
	s, c := math.Sincos(bearingDeg * math.Pi / 180)
	return s*e + c*n
}

// softMax is the larger of two heights with a rounded valley between them.
func softMax(a, b, k float64) float64 {
	d := a - b
	return (a + b + math.Sqrt(d*d+k*k)) / 2
}

// nearestOn returns the distance from a point to a polyline and the height of
// the polyline there.
func nearestOn(line [][3]float64, e, n float64) (d, u float64) {
	best := math.Inf(1)
	for i := 0; i+1 < len(line); i++ {
		a, b := line[i], line[i+1]
		dx, dy := b[0]-a[0], b[1]-a[1]
		t := 0.0
		if l := dx*dx + dy*dy; l > 0 {
			t = min(max(((e-a[0])*dx+(n-a[1])*dy)/l, 0), 1)
		}
		if q := math.Hypot(e-a[0]-t*dx, n-a[1]-t*dy); q < best {
			best, u = q, a[2]+t*(b[2]-a[2])
		}
	}
	return best, u
}

// cut is ground that was levelled: a road bed or the pad of a building.
type cut struct {
	line       [][3]float64 // of a road; nil for a pad
	half       float64      // half width of the road bed
	centre     [2]float64
	size       [2]float64 // half sizes of the pad
	headingDeg float64
	u          float64
	margin     float64 // over which the cut meets the old ground
	low, high  [2]float64
}

// apply blends the levelled ground into the height h at (e, n).
func (c *cut) apply(h, e, n float64) float64 {
	if e < c.low[0] || n < c.low[1] || e > c.high[0] || n > c.high[1] {
		return h
	}
	var d, u float64
	if c.line != nil {
		d, u = nearestOn(c.line, e, n)
		d -= c.half
	} else {
		x, y := toLocal(c.headingDeg, e-c.centre[0], n-c.centre[1])
		dx, dy := max(math.Abs(x)-c.size[0], 0), max(math.Abs(y)-c.size[1], 0)
		d, u = math.Hypot(dx, dy), c.u
	}
	return h + (u-h)*(1-smoothstep(0, c.margin, d))
}

// bound sets the box outside which the cut changes nothing.
func (c *cut) bound() {
	reach := c.half + c.margin
	pts := c.line
	if pts == nil {
		reach = math.Hypot(c.size[0], c.size[1]) + c.margin
		pts = [][3]float64{{c.centre[0], c.centre[1], 0}}
	}
	c.low, c.high = [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, p := range pts {
		for k := range 2 {
			c.low[k], c.high[k] = min(c.low[k], p[k]-reach), max(c.high[k], p[k]+reach)
		}
	}
}

// toLocal turns frame directions into those of a thing with a heading: y
// points along the heading, x to its right.
func toLocal(headingDeg, e, n float64) (x, y float64) {
	s, c := math.Sincos(headingDeg * math.Pi / 180)
	return c*e - s*n, s*e + c*n
}

// fromLocal is the inverse of toLocal.
func fromLocal(headingDeg, x, y float64) (e, n float64) {
	s, c := math.Sincos(headingDeg * math.Pi / 180)
	return c*x + s*y, -s*x + c*y
}

// curveThrough draws a Catmull-Rom curve through points, a corner about every
// step metres.
func curveThrough(pts [][3]float64, step float64) [][3]float64 {
	if len(pts) < 3 {
		return subdivide(pts, step)
	}
	var out [][3]float64
	for i := 0; i+1 < len(pts); i++ {
		p0, p1, p2, p3 := pts[max(i-1, 0)], pts[i], pts[i+1], pts[min(i+2, len(pts)-1)]
		n := max(int(math.Ceil(math.Hypot(p2[0]-p1[0], p2[1]-p1[1])/step)), 1)
		for j := range n {
			t := float64(j) / float64(n)
			var q [3]float64
			for k := range q {
				q[k] = 0.5 * (2*p1[k] + (p2[k]-p0[k])*t + (2*p0[k]-5*p1[k]+4*p2[k]-p3[k])*t*t + (3*p1[k]-p0[k]-3*p2[k]+p3[k])*t*t*t)
			}
			out = append(out, q)
		}
	}
	return append(out, pts[len(pts)-1])
}

// subdivide puts corners on a polyline at most step metres apart.
func subdivide(pts [][3]float64, step float64) [][3]float64 {
	var out [][3]float64
	for i := 0; i+1 < len(pts); i++ {
		a, b := pts[i], pts[i+1]
		n := max(int(math.Ceil(math.Hypot(b[0]-a[0], b[1]-a[1])/step)), 1)
		for j := range n {
			t := float64(j) / float64(n)
			out = append(out, [3]float64{a[0] + t*(b[0]-a[0]), a[1] + t*(b[1]-a[1]), a[2] + t*(b[2]-a[2])})
		}
	}
	return append(out, pts[len(pts)-1])
}
