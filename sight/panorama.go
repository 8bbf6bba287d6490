package sight

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"sort"
)

// PanoramaFormat marks a problem whose picture is equirectangular: a 360
// photo, a frame of a 360 video, or a stitched part of one.
const PanoramaFormat = "sightline.camera.panorama/1"

// Equirectangular is the value of Answer.Projection for a panorama.
const Equirectangular = "equirectangular"

// Panorama is a solved equirectangular picture. Columns are azimuths and rows
// elevations in its own axes (right, down, forward as in [Camera]); the middle
// of the picture looks forward:
//
//	u = Width  * (1/2 + azimuth / span[0])
//	v = Height * (1/2 - elevation / span[1])
type Panorama struct {
	Width, Height int
	SpanDeg       [2]float64 // 360 and 180 for a whole one
	Position      [3]float64
	Rotation      Quaternion
	Covariance    [6][6]float64 // of position and left rotation vector
}

// bearing is the direction of a pixel in the panorama's axes.
func (p *Panorama) bearing(px [2]float64) vec {
	a := (px[0]/float64(p.Width) - 0.5) * p.SpanDeg[0] * math.Pi / 180
	e := (0.5 - px[1]/float64(p.Height)) * p.SpanDeg[1] * math.Pi / 180
	sa, ca := math.Sincos(a)
	se, ce := math.Sincos(e)
	return vec{float64(sa * ce), -se, float64(ca * ce)}
}

// Ray is the world direction (unit length) in which a pixel looks.
func (p *Panorama) Ray(px [2]float64) [3]float64 {
	b, m := p.bearing(px), rows(p.Rotation)
	var d vec
	for i := range 3 {
		d[i] = float64(m[0][i]*b[0]) + float64(m[1][i]*b[1]) + float64(m[2][i]*b[2])
	}
	return d
}

// Project gives the pixel of a world point. Nothing lies behind a whole
// panorama; of a part the pixel may lie outside the picture.
func (p *Panorama) Project(world [3]float64) ([2]float64, error) {
	m := rows(p.Rotation)
	c := apply(&m, sub(world, p.Position))
	n := norm(c)
	if !(n > 0) {
		return [2]float64{}, ErrBehind
	}
	a, e := math.Atan2(c[0], c[2]), math.Asin(math.Max(-1, math.Min(1, -c[1]/n)))
	return [2]float64{float64(p.Width) * (0.5 + a*180/math.Pi/p.SpanDeg[0]), float64(p.Height) * (0.5 - e*180/math.Pi/p.SpanDeg[1])}, nil
}

// radPerPx is the angle of a pixel in the middle of the picture.
func (p *Panorama) radPerPx() float64 {
	return math.Pi / 180 * (p.SpanDeg[0]/float64(p.Width) + p.SpanDeg[1]/float64(p.Height)) / 2
}

// part is a window of the panorama as a pinhole camera that looks at the
// middle of some of its pixels, with those pixels in it.
func (p *Panorama) part(px [][2]float64) (View, [][2]float64, error) {
	var f vec
	for _, q := range px {
		if !finite(q[:]...) || q[0] < 0 || q[1] < 0 || q[0] > float64(p.Width) || q[1] > float64(p.Height) {
			return View{}, nil, fmt.Errorf("the pixel %v lies outside the picture of %d x %d", q, p.Width, p.Height)
		}
		b := p.bearing(q)
		for i := range 3 {
			f[i] += b[i]
		}
	}
	if n := norm(f); n > 1e-6 {
		f = scaled(f, 1/n)
	} else {
		return View{}, nil, fmt.Errorf("the pixels lie on opposite sides of the panorama; measure in two steps")
	}
	right := cross(vec{0, 1, 0}, f)
	if n := norm(right); n > 1e-9 {
		right = scaled(right, 1/n)
	} else {
		right = vec{1, 0, 0}
	}
	turn := mat{right, cross(f, right), f}
	m := rows(p.Rotation)
	var r mat
	for i := range 3 {
		for k := range 3 {
			r[i][k] = float64(turn[i][0]*m[0][k]) + float64(turn[i][1]*m[1][k]) + float64(turn[i][2]*m[2][k])
		}
	}
	fp := 1 / p.radPerPx()
	size := int(math.Ceil(4 * fp))
	c := float64(size) / 2
	v := View{Camera: Camera{Width: size, Height: size, Position: p.Position, Rotation: quaternion(r), FocalPx: fp, PrincipalPoint: [2]float64{c, c}}}
	var big mat
	for i := range 6 {
		for k := range 6 {
			v.Covariance[i][k] = p.Covariance[i][k]
		}
	}
	// The rotation vector is counted in the axes of the window.
	for i := range 3 {
		for k := range 3 {
			big[i][k] = turn[i][k]
		}
	}
	rotate := func(at func(i, k int) *float64, cols bool) {
		for k := range 6 {
			var o vec
			for i := range 3 {
				for j := range 3 {
					if cols {
						o[i] += float64(big[i][j] * *at(k, 3+j))
					} else {
						o[i] += float64(big[i][j] * *at(3+j, k))
					}
				}
			}
			for i := range 3 {
				if cols {
					*at(k, 3+i) = o[i]
				} else {
					*at(3+i, k) = o[i]
				}
			}
		}
	}
	at := func(i, k int) *float64 { return &v.Covariance[i][k] }
	rotate(at, false)
	rotate(at, true)
	out := make([][2]float64, len(px))
	for i, q := range px {
		b := apply(&turn, p.bearing(q))
		if !(b[2] > 0.5) {
			return View{}, nil, fmt.Errorf("the pixels lie more than 120 degrees apart in the panorama; measure in two steps")
		}
		out[i] = [2]float64{float64(fp*b[0]/b[2]) + c, float64(fp*b[1]/b[2]) + c}
	}
	return v, out, nil
}

// PanoramaProblem is what an analyst knows about one panorama.
type PanoramaProblem struct {
	Format  string      `json:"format"`
	ID      string      `json:"id"`
	Image   ImageSize   `json:"image"`
	SpanDeg *[2]float64 `json:"span_deg,omitempty"` // default 360, 180
	SigmaPx *float64    `json:"sigma_px,omitempty"`
	SigmaM  *Triple     `json:"sigma_m,omitempty"`
	Points  []PointPair `json:"points"`
	// LevelDeg is how level the picture is held to be, one standard deviation;
	// 360 cameras level their pictures by gravity. Absent: not assumed.
	LevelDeg *float64   `json:"level_sigma_deg,omitempty"`
	Frame    *FrameNote `json:"frame,omitempty"`
}

// IsPanorama says whether a document is meant as a panorama problem.
func IsPanorama(raw []byte) bool {
	return bytes.Contains(raw, []byte(PanoramaFormat)) && formatOf(raw) == PanoramaFormat
}

// ParsePanorama reads a problem strictly.
func ParsePanorama(b []byte) (*PanoramaProblem, error) {
	p := new(PanoramaProblem)
	if err := strict(b, p, "panorama"); err != nil {
		return nil, err
	}
	span := [2]float64{360, 180}
	if p.SpanDeg != nil {
		span = *p.SpanDeg
	}
	switch {
	case p.Format != PanoramaFormat:
		return nil, bad("format", "must be %q, not %q", PanoramaFormat, p.Format)
	case !finite(span[:]...) || !(span[0] > 0 && span[0] <= 360 && span[1] > 0 && span[1] <= 180):
		return nil, bad("span_deg", "must be up to 360 and 180 degrees")
	case p.LevelDeg != nil && !(finite(*p.LevelDeg) && *p.LevelDeg > 0):
		return nil, bad("level_sigma_deg", "must be above 0 degrees")
	}
	// A whole panorama is twice as wide as high; another shape means a crop.
	if r := float64(p.Image.Width) / math.Max(1, float64(p.Image.Height)) * span[1] / span[0]; p.Image.Width > 0 && (r < 0.98 || r > 1.02) {
		return nil, bad("image", "%d x %d pixels over %g x %g degrees are not equally fine both ways; state span_deg of a picture that is not a whole panorama", p.Image.Width, p.Image.Height, span[0], span[1])
	}
	// The points are read by the rules of an ordinary problem.
	q := Problem{Format: ProblemFormat, ID: p.ID, Image: p.Image, SigmaPx: p.SigmaPx, SigmaM: p.SigmaM, Points: p.Points, Frame: p.Frame}
	if err := q.Check(); err != nil {
		return nil, err
	}
	return p, nil
}

// sphere is a panorama while it is being solved.
type sphere struct {
	p     Panorama
	o     []vec // clicked bearings, with two directions across each
	a, b  []vec
	x     []vec
	sp    []float64 // radians
	sm    []vec
	level float64 // radians; 0: not assumed
	use   []bool
}

// resid gives the misses of one point in units of its error.
func (s *sphere) resid(st *state, i int) (r [2]float64, ok bool) {
	d := sub(s.x[i], st.c)
	n := norm(d)
	if !(n > 0) {
		return r, false
	}
	c := apply(&st.r, d)
	z := dot(c, s.o[i])
	sd := s.sp[i]
	if m := math.Max(s.sm[i][0], math.Max(s.sm[i][1], s.sm[i][2])); m > 0 {
		sd = math.Sqrt(float64(sd*sd) + float64(m*m/(n*n)))
	}
	if !(z > 0) {
		return [2]float64{1e3, 1e3}, false
	}
	return [2]float64{dot(c, s.a[i]) / z / sd, dot(c, s.b[i]) / z / sd}, true
}

// upright is how far the panorama's vertical leans, in units of the prior.
func (s *sphere) upright(st *state) (r [2]float64) {
	if s.level > 0 {
		r[0], r[1] = st.r[0][2]/s.level, st.r[2][2]/s.level
	}
	return r
}

const sphereCut = 16 // squared error at which a click is called wrong

func (s *sphere) cost(st *state, cut bool) float64 {
	u := s.upright(st)
	sum := float64(u[0]*u[0]) + float64(u[1]*u[1])
	for i := range s.x {
		if !cut && !s.use[i] {
			continue
		}
		r, _ := s.resid(st, i)
		e := float64(r[0]*r[0]) + float64(r[1]*r[1])
		if cut && !(e < sphereCut) {
			e = sphereCut
		}
		sum += e
	}
	return sum
}

// descend is Levenberg and Marquardt's method on the six numbers of the pose,
// over the clicks in use, with numeric derivatives. h is the information.
func (s *sphere) descend(st *state, iters int) (h square, cost float64) {
	cost = s.cost(st, false)
	lambda := 1e-4
	for range iters {
		var g [nParam]float64
		h, g = s.normal(st)
		m := h
		for i := range 6 {
			m[i][i] += float64(lambda*m[i][i]) + 1e-12
		}
		if !m.cholesky(6) {
			lambda *= 10
			continue
		}
		d := g
		for i := range d {
			d[i] = -d[i]
		}
		m.solve(6, &d)
		for i := 6; i < nParam; i++ {
			d[i] = 0
		}
		n := st.step(&d)
		c := s.cost(&n, false)
		if c < cost {
			gain := cost - c
			*st, cost = n, c
			lambda = math.Max(lambda*0.1, 1e-12)
			if gain < 1e-10*(1+cost) {
				break
			}
		} else if lambda *= 8; lambda > 1e10 {
			break
		}
	}
	h, _ = s.normal(st)
	return h, cost
}

func (s *sphere) normal(st *state) (h square, g [nParam]float64) {
	add := func(f func(*state) [2]float64) {
		r := f(st)
		var j [2][6]float64
		for k := range 6 {
			var d [nParam]float64
			d[k] = 1e-6
			if k < 3 {
				d[k] = 1e-5
			}
			p := st.step(&d)
			d[k] = -d[k]
			q := st.step(&d)
			a, b := f(&p), f(&q)
			for m := range 2 {
				j[m][k] = (a[m] - b[m]) / (-2 * d[k])
			}
		}
		for a := range 6 {
			g[a] += float64(j[0][a]*r[0]) + float64(j[1][a]*r[1])
			for b := range 6 {
				h[a][b] += float64(j[0][a]*j[0][b]) + float64(j[1][a]*j[1][b])
			}
		}
	}
	for i := range s.x {
		if s.use[i] {
			add(func(q *state) [2]float64 { r, _ := s.resid(q, i); return r })
		}
	}
	if s.level > 0 {
		add(s.upright)
	}
	for i := 6; i < nParam; i++ {
		h[i][i] = 1
	}
	return h, g
}

// SolvePanorama finds where a panorama was taken. The answer has no lens;
// modes, influence and status are as of [Solve].
func SolvePanorama(p *PanoramaProblem, raw []byte) *Answer {
	sum := sha256.Sum256(raw)
	a := &Answer{Format: AnswerFormat, ID: p.ID, Projection: Equirectangular, Modes: []Mode{}, Warnings: []Warning{}, InputSHA256: hex.EncodeToString(sum[:]),
		Software: Software{Name: "sightline", Version: "dev", Method: "p3p+msac+lm-sphere/1"}}
	q := Problem{Format: ProblemFormat, ID: p.ID, Image: p.Image, SigmaPx: p.SigmaPx, SigmaM: p.SigmaM, Points: p.Points, Frame: p.Frame}
	a.look(&q)
	if reason := degenerate(&q); reason != "" {
		a.Status, a.Reason = Refused, reason
		return a
	}
	s := newSphere(p)
	a.Span = &s.p.SpanDeg
	fits := s.search(binary.BigEndian.Uint64(sum[:8]) >> 11)
	if len(fits) == 0 || fits[0].n < 4 {
		a.Status, a.Reason = Refused, "no place agrees with at least 4 of the points; check that every click means the right model point, that the panorama is whole and not mirrored, and that the model is in metres"
		return a
	}
	s.report(a, p, fits)
	return a
}

func newSphere(p *PanoramaProblem) *sphere {
	s := &sphere{p: Panorama{Width: p.Image.Width, Height: p.Image.Height, SpanDeg: [2]float64{360, 180}}}
	if p.SpanDeg != nil {
		s.p.SpanDeg = *p.SpanDeg
	}
	if p.LevelDeg != nil {
		s.level = float64(*p.LevelDeg * math.Pi / 180)
	}
	spx := pick(p.SigmaPx, 2)
	var sm vec
	if p.SigmaM != nil {
		sm = p.SigmaM.V
	}
	for i := range p.Points {
		m := &p.Points[i]
		o := s.p.bearing(m.Px)
		r := cross(vec{0, 1, 0}, o)
		if n := norm(r); n > 1e-9 {
			r = scaled(r, 1/n)
		} else {
			r = vec{1, 0, 0}
		}
		s.o, s.a, s.b = append(s.o, o), append(s.a, r), append(s.b, cross(o, r))
		s.x = append(s.x, m.World)
		s.sp = append(s.sp, math.Max(0.5, pick(m.SigmaPx, spx))*s.p.radPerPx())
		w := sm
		if m.SigmaM != nil {
			w = m.SigmaM.V
		}
		s.sm, s.use = append(s.sm, w), append(s.use, true)
	}
	return s
}

// sphereFit is one place with the clicks that agree.
type sphereFit struct {
	st   state
	use  []bool
	n    int
	cost float64 // cut
	own  float64 // of the clicks in use
	h    square
}

// search tries triples of clicks and refines the best places apart.
func (s *sphere) search(seed uint64) []sphereFit {
	n := len(s.x)
	t := &task{m: make([]mark, n)}
	for i, b := range s.o { // triples prefers large triangles in the picture
		t.m[i].u, t.m[i].v, t.m[i].x = b[0], b[1], s.x[i]
	}
	rng := newPCG(seed)
	trip, _ := t.triples(1500, &rng)
	var starts []sphereFit
	var out [4]pose
	for _, k := range trip {
		g, ok := newTriangle(s.x[k[0]], s.x[k[1]], s.x[k[2]])
		if !ok {
			continue
		}
		for _, q := range out[:g.p3p(s.o[k[0]], s.o[k[1]], s.o[k[2]], &out)] {
			st := state{c: q.c, r: q.r, q: quaternion(q.r), f: 1}
			starts = append(starts, sphereFit{st: st, cost: s.cost(&st, true)})
		}
	}
	sort.SliceStable(starts, func(i, j int) bool { return starts[i].cost < starts[j].cost })
	var fits []sphereFit
	for _, f := range starts {
		near := false
		for i := range fits {
			near = near || norm(sub(fits[i].st.c, f.st.c)) < 0.02*(1+norm(sub(s.x[0], f.st.c)))
		}
		if near {
			continue
		}
		for range 6 {
			f.use, f.n = make([]bool, n), 0
			for i := range s.x {
				r, ok := s.resid(&f.st, i)
				if ok && float64(r[0]*r[0])+float64(r[1]*r[1]) < sphereCut*2.25 {
					f.use[i] = true
					f.n++
				}
			}
			if f.n < 3 {
				break
			}
			copy(s.use, f.use)
			f.h, f.own = s.descend(&f.st, 25)
		}
		f.n = 0
		for i := range s.x {
			r, ok := s.resid(&f.st, i)
			f.use[i] = ok && float64(r[0]*r[0])+float64(r[1]*r[1]) < sphereCut
			if f.use[i] {
				f.n++
			}
		}
		if f.n < 4 {
			continue
		}
		copy(s.use, f.use)
		f.h, f.own = s.descend(&f.st, 25)
		f.cost = s.cost(&f.st, true)
		fits = append(fits, f)
		if len(fits) == 8 {
			break
		}
	}
	sort.SliceStable(fits, func(i, j int) bool { return fits[i].cost < fits[j].cost })
	return fits
}

// report fills the answer.
func (s *sphere) report(a *Answer, p *PanoramaProblem, fits []sphereFit) {
	f := &fits[0]
	copy(s.use, f.use)
	cov, ok := f.h.inverse()
	if !ok {
		a.Status, a.Reason = Refused, "the clicks do not fix the place in all directions; add points spread round the panorama and in depth"
		return
	}
	cam := Camera{Rotation: f.st.q}
	an := cam.Angles()
	a.Position, a.Rotation, a.Angles = &f.st.c, &f.st.q, &Angles{tidy(an.Heading), tidy(an.Pitch), tidy(an.Roll)}
	a.Free = []string{"position", "rotation"}
	red := 2*f.n - 6
	if s.level > 0 {
		red += 2
	}
	a.Redundancy = &red
	s2 := 1.0
	if red >= 1 && f.own > chi2q99(float64(red)) {
		s2 = (f.own + 8) / float64(red+8)
		a.warn("errors-larger", "the clicks miss by more than their stated errors; the uncertainty was widened %.2f times", math.Sqrt(s2))
	}
	a.SigmaScale = math.Sqrt(s2)
	var c6 [6][6]float64
	var c3 mat
	for i := range 6 {
		for k := range 6 {
			c6[i][k] = float64(cov[i][k] * s2)
			if i < 3 && k < 3 {
				c3[i][k] = c6[i][k]
			}
		}
	}
	a.Covariance, a.CovarianceOrder = &c6, []string{"e", "n", "u", "wx", "wy", "wz"}
	val, axes := eigen3(c3)
	el := &Ellipsoid{Axes: axes}
	for k := range 3 {
		el.SemiAxes[k] = math.Sqrt(float64(7.814728 * math.Max(0, val[k])))
	}
	a.Ellipsoid95 = el
	depth := 0.0
	own := s.p
	own.Position, own.Rotation = f.st.c, f.st.q
	for i := range s.x {
		r, ok := s.resid(&f.st, i)
		o := Residual{ID: p.Points[i].ID, Sigmas: math.Hypot(r[0], r[1]), Inlier: f.use[i]}
		if px, err := own.Project(s.x[i]); err == nil {
			du := p.Points[i].Px[0] - px[0]
			if s.p.SpanDeg[0] == 360 {
				du = math.Remainder(du, float64(s.p.Width))
			}
			o.Px = [2]float64{du, p.Points[i].Px[1] - px[1]}
		}
		if !f.use[i] {
			o.Reason = fmt.Sprintf("misses by %.0f px, %.0f times its error", math.Hypot(o.Px[0], o.Px[1]), o.Sigmas)
			if !ok {
				o.Reason = "on the other side of the panorama"
			}
		} else {
			depth += norm(sub(s.x[i], f.st.c)) / float64(f.n)
		}
		a.Residuals = append(a.Residuals, o)
	}
	sigma := math.Sqrt(math.Max(0, val[0]))
	way := "slides up and down"
	if math.Abs(axes[0][2]) < 0.7 {
		h := math.Mod(math.Atan2(axes[0][0], axes[0][1])*180/math.Pi+180, 180)
		way = fmt.Sprintf("slides along %.0f to %.0f degrees", h, h+180)
	}
	a.WeakDirection = &WeakDirection{axes[0], sigma, fmt.Sprintf("%s, +-%.2g m", way, float64(1.96*sigma))}
	a.LeaveOneOut = []LeftOut{}
	if f.n >= 5 {
		for i := range s.x {
			if !f.use[i] {
				continue
			}
			s.use[i] = false
			o := f.st
			s.descend(&o, 8)
			s.use[i] = true
			r, _ := s.resid(&o, i)
			a.LeaveOneOut = append(a.LeaveOneOut, LeftOut{p.Points[i].ID, norm(sub(o.c, f.st.c)), math.Hypot(r[0], r[1]) * s.sp[i] / s.p.radPerPx()})
		}
	}
	total := 1.0
	var w []float64
	for i := 1; i < len(fits); i++ {
		k := 0.0
		if d := fits[i].cost - f.cost; d < plausible && norm(sub(fits[i].st.c, f.st.c)) > el.SemiAxes[0] {
			k = exp(-d / 2)
		}
		w = append(w, k)
		total += k
	}
	second := 0.0
	for i := 1; i < len(fits); i++ {
		if k := w[i-1] / total; k > 0 {
			a.Modes = append(a.Modes, Mode{Weight: k, Position: fits[i].st.c, Rotation: fits[i].st.q})
			second = math.Max(second, k)
		}
	}
	a.Status = Solved
	switch {
	case second >= 0.05:
		a.Status = Ambiguous
		a.warn("ambiguous", "%d different places fit; look at all of them or add a point", 1+len(a.Modes))
	case red < 1:
		a.Status = Weak
		a.warn("unchecked", "as many unknowns as clicks: the answer cannot be checked; add a point")
	case el.SemiAxes[0] > 0.1*depth:
		a.Status = Weak
		a.warn("loose", "the position is uncertain by more than a tenth of the distance; add points spread round the panorama and in depth")
	case f.n < len(s.x) && f.n < 6:
		a.Status = Weak
		a.warn("chance", "few clicks agree (%d of %d); wrong clicks could agree by chance", f.n, len(s.x))
	}
}
