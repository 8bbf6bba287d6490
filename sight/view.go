package sight

import (
	"errors"
	"fmt"
	"math"
)

// View is a solved camera with the covariance of its whole state: position,
// left rotation vector, log focal length, principal point, k1. With only a
// 6x6 covariance of the pose the lens counts as exact and rays come out too
// uncertain, never too sure, where place and zoom slide together.
type View struct {
	ID         string
	Camera     Camera
	Covariance [10][10]float64

	pano *Panorama // of a panorama; Camera then only says where it is
}

// View is the solved camera of an answer, with all that is known about its
// error; it fails for a refused answer.
func (a *Answer) View(width, height int) (View, error) {
	if a.Projection == Equirectangular && a.Position != nil && a.Rotation != nil {
		return a.panorama(width, height)
	}
	c, ok := a.Camera(width, height)
	if !ok {
		return View{}, fmt.Errorf("answer %q is refused and holds no camera", a.ID)
	}
	v := View{ID: a.ID, Camera: c}
	switch {
	case a.Full != nil:
		v.Covariance = *a.Full
	case a.Covariance != nil:
		for i := range 6 {
			copy(v.Covariance[i][:6], a.Covariance[i][:])
		}
	}
	return v, v.Check()
}

// panorama is the view of a solved panorama: a place without a lens, from
// which windows are taken.
func (a *Answer) panorama(width, height int) (View, error) {
	p := &Panorama{Width: width, Height: height, SpanDeg: [2]float64{360, 180}, Position: *a.Position, Rotation: *a.Rotation}
	if a.Span != nil {
		p.SpanDeg = *a.Span
	}
	if a.Covariance != nil {
		p.Covariance = *a.Covariance
	}
	v := View{ID: a.ID, pano: p, Camera: Camera{Width: width, Height: height, Position: p.Position, Rotation: p.Rotation, FocalPx: float64(width) / (2 * math.Pi)}}
	for i := range 6 {
		copy(v.Covariance[i][:6], p.Covariance[i][:])
	}
	if !finite(p.SpanDeg[:]...) || !(p.SpanDeg[0] > 0 && p.SpanDeg[0] <= 360 && p.SpanDeg[1] > 0 && p.SpanDeg[1] <= 180) {
		return v, fmt.Errorf("panorama %q: span_deg must be up to 360 and 180 degrees", a.ID)
	}
	return v, v.Check()
}

// Check refuses a view that is no camera.
func (v *View) Check() error {
	c := &v.Camera
	q := c.Rotation
	n := math.Sqrt(float64(q[0]*q[0]) + float64(q[1]*q[1]) + float64(q[2]*q[2]) + float64(q[3]*q[3]))
	switch {
	case !finite(c.Position[:]...) || !finite(q[:]...) || !finite(c.FocalPx, c.PrincipalPoint[0], c.PrincipalPoint[1], c.K1):
		return fmt.Errorf("camera %q: a number is not usable", v.ID)
	case math.Abs(n-1) > 1e-3:
		return fmt.Errorf("camera %q: the rotation has length %.4g instead of 1; give [w, x, y, z] from world to camera", v.ID, n)
	case !(c.FocalPx > 0):
		return fmt.Errorf("camera %q: the focal length must be above 0 pixels", v.ID)
	case c.Width < 1 || c.Height < 1 || c.Width > 1e6 || c.Height > 1e6:
		return fmt.Errorf("camera %q: image must be 1 to 1000000 pixels wide and high", v.ID)
	}
	for i := range 10 {
		if !finite(v.Covariance[i][:]...) || v.Covariance[i][i] < 0 {
			return fmt.Errorf("camera %q: the covariance holds a number that cannot be a variance", v.ID)
		}
	}
	for i := range q {
		c.Rotation[i] /= n
		if q[0] < 0 {
			c.Rotation[i] = -c.Rotation[i]
		}
	}
	return nil
}

func (v *View) state() state {
	c := &v.Camera
	return state{c: c.Position, q: c.Rotation, r: c.Matrix(), f: c.FocalPx, cx: c.PrincipalPoint[0], cy: c.PrincipalPoint[1], k1: c.K1}
}

// position is the covariance of the place.
func (v *View) position() (m mat) {
	for i := range 3 {
		copy(m[i][:], v.Covariance[i][:3])
	}
	return m
}

// ray is the unit direction of a pixel in the world under a state.
func (s *state) ray(px [2]float64) vec {
	b := s.bearing(px[0], px[1])
	var d vec
	for i := range 3 {
		d[i] = float64(s.r[0][i]*b[0]) + float64(s.r[1][i]*b[1]) + float64(s.r[2][i]*b[2])
	}
	return d
}

// measure evaluates f at the view's state and pixels and propagates their
// errors to first order: cov = J C J'.
func (v *View) measure(px [][2]float64, sigmaPx float64, f func(s *state, px [][2]float64) (vec, bool)) (val vec, cov mat, ok bool) {
	s := v.state()
	if val, ok = f(&s, px); !ok {
		return val, cov, false
	}
	n := nParam + 2*len(px)
	jac := make([]vec, n)
	at := func(k int, h float64) (vec, bool) {
		if k < nParam {
			var d [nParam]float64
			d[k] = h
			o := s.step(&d)
			return f(&o, px)
		}
		q := append([][2]float64{}, px...)
		q[(k-nParam)/2][(k-nParam)%2] += h
		return f(&s, q)
	}
	for k := range n {
		sd := sigmaPx
		if k < nParam {
			sd = math.Sqrt(v.Covariance[k][k])
		}
		if sd == 0 {
			continue
		}
		h := math.Min(1e-3, 1e-2*sd)
		if k >= 7 && k != 9 {
			h = 1e-2 * math.Min(1, sd)
		}
		hi, ok1 := at(k, h)
		lo, ok2 := at(k, -h)
		if !ok1 || !ok2 {
			return val, cov, false
		}
		for i := range 3 {
			jac[k][i] = (hi[i] - lo[i]) / (2 * h)
		}
	}
	for i := range 3 {
		for j := range 3 {
			for a := range nParam {
				for b := range nParam {
					cov[i][j] += float64(jac[a][i] * v.Covariance[a][b] * jac[b][j])
				}
			}
			for a := nParam; a < n; a++ {
				cov[i][j] += float64(jac[a][i] * jac[a][j] * sigmaPx * sigmaPx)
			}
		}
	}
	return val, cov, true
}

// Plane is a plane through At with unit Normal; SigmaM is one standard
// deviation of its place along the normal.
type Plane struct {
	At     [3]float64
	Normal [3]float64
	SigmaM float64
}

func (p *Plane) meet(s *state, px [2]float64) (vec, bool) {
	d := s.ray(px)
	c := dot(p.Normal, d)
	t := dot(p.Normal, sub(p.At, s.c)) / c
	if math.Abs(c) < 1e-9 || !(t > 0) || !finite(t) {
		return vec{}, false
	}
	return vec{s.c[0] + float64(t*d[0]), s.c[1] + float64(t*d[1]), s.c[2] + float64(t*d[2])}, true
}

// Spot is where a pixel's ray meets something.
type Spot struct {
	Position   [3]float64
	Covariance [3][3]float64
	Body       string
	Distance   float64
	// Angle is between ray and surface in degrees; below Grazing the place
	// along the ray is hardly known and the interval is a lower bound.
	Angle float64
	// Share is how many of 200 rays drawn from the errors meet the same body.
	Share float64
}

// Grazing is the angle in degrees below which a ray is said to graze.
const Grazing = 8.0

var (
	errMiss  = errors.New("the ray meets nothing there")
	errParty = errors.New("the ray runs along the plane or away from it")
)

// On places a pixel on a plane.
func (v *View) On(px [2]float64, sigmaPx float64, p Plane) (Spot, error) {
	n := norm(p.Normal)
	if !finite(p.At[:]...) || !(n > 0) || !finite(n, p.SigmaM) {
		return Spot{}, errors.New("a plane needs a point, a normal with a length and an error in metres")
	}
	p.Normal = scaled(p.Normal, 1/n)
	x, cov, ok := v.measure([][2]float64{px}, sigmaPx, func(s *state, px [][2]float64) (vec, bool) { return p.meet(s, px[0]) })
	if !ok {
		return Spot{}, errParty
	}
	s := v.state()
	d := s.ray(px)
	c := dot(p.Normal, d)
	for i := range 3 { // the plane moves along its normal, its point along the ray
		for j := range 3 {
			cov[i][j] += float64(d[i] * d[j] / (c * c) * p.SigmaM * p.SigmaM)
		}
	}
	return Spot{Position: x, Covariance: cov, Distance: norm(sub(x, s.c)), Angle: math.Asin(math.Min(1, math.Abs(c))) * 180 / math.Pi, Share: 1}, nil
}

// Onto places a pixel on the first thing of the scene that its ray meets.
func (v *View) Onto(px [2]float64, sigmaPx float64, scene *Surroundings) (Spot, error) {
	s := v.state()
	d := s.ray(px)
	h, ok := scene.Ray(s.c, d, math.Inf(1))
	if !ok {
		return Spot{}, errMiss
	}
	o, err := v.On(px, sigmaPx, Plane{h.At, h.Normal, h.SigmaM})
	if err != nil {
		return o, err
	}
	o.Body = h.Body
	same := 0
	const draws = 200
	v.draw(draws, func(c *state, r *pcg) {
		a, b := r.normals()
		q := [2]float64{px[0] + float64(sigmaPx*a), px[1] + float64(sigmaPx*b)}
		if g, ok := scene.Ray(c.c, c.ray(q), math.Inf(1)); ok && g.Body == h.Body {
			same++
		}
	})
	o.Share = float64(same) / draws
	return o, nil
}

// Upright is a vertical line through east and north with an error.
type Upright struct{ E, N, SigmaM float64 }

// facing is the vertical plane through the line that faces the camera.
func (l *Upright) facing(s *state) (Plane, bool) {
	dx, dy := s.c[0]-l.E, s.c[1]-l.N
	n := math.Sqrt(float64(dx*dx) + float64(dy*dy))
	return Plane{vec{l.E, l.N, 0}, vec{dx / n, dy / n, 0}, 0}, n > 1e-6
}

// Along places a pixel at a height on a vertical line; miss is how far the ray
// passes beside it, in metres.
func (v *View) Along(px [2]float64, sigmaPx float64, l Upright) (spot Spot, miss float64, err error) {
	f := func(s *state, px [][2]float64) (vec, bool) {
		p, ok := l.facing(s)
		if !ok {
			return vec{}, false
		}
		return p.meet(s, px[0])
	}
	x, cov, ok := v.measure([][2]float64{px}, sigmaPx, f)
	if !ok {
		return spot, 0, errParty
	}
	s := v.state()
	p, _ := l.facing(&s)
	d := s.ray(px)
	slope := d[2] / math.Sqrt(float64(d[0]*d[0])+float64(d[1]*d[1]))
	cov[2][2] += float64(slope * slope * l.SigmaM * l.SigmaM)
	dx, dy := x[0]-l.E, x[1]-l.N
	at := vec{l.E, l.N, x[2]}
	up := mat{{float64(l.SigmaM * l.SigmaM), 0, 0}, {0, float64(l.SigmaM * l.SigmaM), 0}, {0, 0, cov[2][2]}}
	return Spot{Position: at, Covariance: up, Distance: norm(sub(at, s.c)), Angle: math.Asin(math.Min(1, math.Abs(dot(p.Normal, d)))) * 180 / math.Pi, Share: 1},
		math.Sqrt(float64(dx*dx) + float64(dy*dy)), nil
}

// Reading is a measured number of metres with one standard deviation.
type Reading struct {
	Metres, Sigma float64
	Angle         float64 // the flattest of the rays, degrees
}

// Height measures an upright thing from the pixels of its foot and its head.
// The foot stands on ground, a plane; the head is on the vertical through it.
func (v *View) Height(foot, head [2]float64, sigmaPx float64, ground Plane) (Reading, error) {
	spot, err := v.On(foot, sigmaPx, ground)
	if err != nil {
		return Reading{}, err
	}
	ground.Normal = scaled(ground.Normal, 1/norm(ground.Normal))
	f := func(s *state, px [][2]float64, g *Plane) (float64, bool) {
		x, ok := g.meet(s, px[0])
		if !ok {
			return 0, false
		}
		l := Upright{x[0], x[1], 0}
		p, ok := l.facing(s)
		if !ok {
			return 0, false
		}
		y, ok := p.meet(s, px[1])
		return y[2] - x[2], ok
	}
	px := [][2]float64{foot, head}
	val, cov, ok := v.measure(px, sigmaPx, func(s *state, px [][2]float64) (vec, bool) {
		h, ok := f(s, px, &ground)
		return vec{h, 0, 0}, ok
	})
	if !ok {
		return Reading{}, errParty
	}
	va := cov[0][0]
	if ground.SigmaM > 0 {
		s := v.state()
		var h [2]float64
		for k, sign := range [2]float64{1, -1} {
			g := ground
			for i := range 3 {
				g.At[i] += float64(sign * ground.SigmaM * g.Normal[i] / 10)
			}
			if h[k], ok = f(&s, px, &g); !ok {
				return Reading{}, errParty
			}
		}
		d := (h[0] - h[1]) * 5
		va += float64(d * d)
	}
	return Reading{val[0], math.Sqrt(va), spot.Angle}, nil
}

// Length measures between two pixels that lie on two planes.
func (v *View) Length(a, b [2]float64, sigmaPx float64, onA, onB Plane) (Reading, error) {
	sa, err := v.On(a, sigmaPx, onA)
	if err != nil {
		return Reading{}, err
	}
	sb, err := v.On(b, sigmaPx, onB)
	if err != nil {
		return Reading{}, err
	}
	onA.Normal, onB.Normal = scaled(onA.Normal, 1/norm(onA.Normal)), scaled(onB.Normal, 1/norm(onB.Normal))
	val, cov, ok := v.measure([][2]float64{a, b}, sigmaPx, func(s *state, px [][2]float64) (vec, bool) {
		x, ok1 := onA.meet(s, px[0])
		y, ok2 := onB.meet(s, px[1])
		return vec{norm(sub(x, y)), 0, 0}, ok1 && ok2
	})
	if !ok {
		return Reading{}, errParty
	}
	va := cov[0][0]
	// Errors of the planes: the points slide along their rays.
	s := v.state()
	u := sub(sb.Position, sa.Position)
	u = scaled(u, 1/math.Max(norm(u), 1e-12))
	slide := func(px [2]float64, p *Plane) float64 {
		d := s.ray(px)
		return float64(dot(u, d) / dot(p.Normal, d) * p.SigmaM)
	}
	da, db := slide(a, &onA), slide(b, &onB)
	if onA == onB {
		va += float64((da - db) * (da - db))
	} else {
		va += float64(da*da) + float64(db*db)
	}
	return Reading{val[0], math.Sqrt(va), math.Min(sa.Angle, sb.Angle)}, nil
}

// draw calls f with n states drawn from the view's covariance, always the
// same ones.
func (v *View) draw(n int, f func(s *state, r *pcg)) {
	var l square
	used := [nParam]bool{}
	for i := range nParam {
		used[i] = v.Covariance[i][i] > 0
	}
	for i := range nParam {
		for k := range nParam {
			if used[i] && used[k] {
				l[i][k] = v.Covariance[i][k]
			}
		}
		if !used[i] {
			l[i][i] = 1
		} else {
			l[i][i] *= 1 + 1e-9
		}
	}
	if !l.cholesky(nParam) { // not positive definite: the variances alone
		for i := range nParam {
			l[i] = [nParam]float64{}
			l[i][i] = math.Sqrt(v.Covariance[i][i])
		}
	}
	s := v.state()
	rng := newPCG(1)
	for range n {
		var z, d [nParam]float64
		for i := 0; i < nParam; i += 2 {
			z[i], z[i+1] = rng.normals()
		}
		for i := range nParam {
			if !used[i] {
				continue
			}
			for k := 0; k <= i; k++ {
				if used[k] {
					d[i] += float64(l[i][k] * z[k])
				}
			}
		}
		o := s.step(&d)
		f(&o, &rng)
	}
}

// Rectify is the homography from plane coordinates (metres along right and up
// from origin, homogeneous) to pixels of a lens without distortion: pixel =
// H (x, y, 1)' / third. right and up must be orthogonal; they are made unit
// length.
func (v *View) Rectify(origin, right, up [3]float64) (h [3][3]float64, err error) {
	if !(norm(right) > 0) || !(norm(up) > 0) || math.Abs(dot(right, up)) > 1e-6*norm(right)*norm(up) {
		return h, errors.New("a plane needs two orthogonal directions with a length")
	}
	s := v.state()
	right, up = scaled(right, 1/norm(right)), scaled(up, 1/norm(up))
	cols := [3]vec{apply(&s.r, right), apply(&s.r, up), apply(&s.r, sub(origin, s.c))}
	for j, c := range cols {
		h[0][j] = float64(s.f*c[0]) + float64(s.cx*c[2])
		h[1][j] = float64(s.f*c[1]) + float64(s.cy*c[2])
		h[2][j] = c[2]
	}
	return h, nil
}
