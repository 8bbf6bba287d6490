package sight

import "math"

// state is a camera while it is being solved.
type state struct {
	c         vec
	q         Quaternion
	r         mat
	f, cx, cy float64
	k1        float64
}

func (s *state) camera(w, h int) Camera {
	return Camera{Width: w, Height: h, Position: s.c, Rotation: s.q, FocalPx: s.f, PrincipalPoint: [2]float64{s.cx, s.cy}, K1: s.k1}
}

// step moves the state. The rotation vector acts from the left through the
// Cayley map, which equals the exponential to second order and needs no
// transcendental function.
func (s *state) step(d *[nParam]float64) state {
	o := *s
	for i := range 3 {
		o.c[i] += d[i]
	}
	a, b, c := d[3]/2, d[4]/2, d[5]/2
	w, x, y, z := s.q[0], s.q[1], s.q[2], s.q[3]
	q := Quaternion{w - float64(a*x) - float64(b*y) - float64(c*z), x + float64(a*w) + float64(b*z) - float64(c*y), y + float64(b*w) + float64(c*x) - float64(a*z), z + float64(c*w) + float64(a*y) - float64(b*x)}
	n := math.Sqrt(float64(q[0]*q[0]) + float64(q[1]*q[1]) + float64(q[2]*q[2]) + float64(q[3]*q[3]))
	if q[0] < 0 {
		n = -n
	}
	for i := range q {
		q[i] /= n
	}
	o.q = q
	o.r = rows(q)
	g := math.Max(-0.5, math.Min(0.5, d[6]))
	if g != 0 {
		o.f *= exp(g)
	}
	o.cx += d[7]
	o.cy += d[8]
	o.k1 += d[9]
	return o
}

// mark is one point of a problem, ready for the solver.
type mark struct {
	u, v  float64
	x     vec
	sp    float64 // sigma of the click, pixels
	sm    vec     // sigma of the world point, metres
	smMax float64
	t2    float64    // squared threshold in sigmas
	w     [3]float64 // inverse covariance of the residual: uu, uv, vv
	use   bool
}

// prior is a Gaussian on log f, cx, cy, k1; info 0 means the value is fixed.
type prior struct {
	mean, info [4]float64
}

// task is a problem in the form the inner loops want.
type task struct {
	m         []mark
	prior     prior
	free      [nParam]bool
	cons      []constraint
	equations int     // scalar equations of cons
	slack     float64 // cost above the best at which an alternative still counts
	tie       *tie    // what other photographs of the device say about the lens
}

// plausible is the rise of the cost up to which an alternative is reported:
// the 95 % quantile of chi-square with three degrees of freedom.
const plausible = 7.8

// constraint adds whitened residuals that depend on the whole state; it is
// differentiated numerically, being far from the hot path.
type constraint struct {
	id    string
	kind  string
	n     int // residuals, at most 3
	resid func(*state, *[3]float64)
}

// normal is the linearised problem at a state.
type normal struct {
	h    square
	g    [nParam]float64
	cost float64
	n    int // points that counted
}

// projectFast gives the pixel and the depth.
func (s *state) project(x *vec) (u, v, z float64) {
	d0, d1, d2 := x[0]-s.c[0], x[1]-s.c[1], x[2]-s.c[2]
	z = float64(s.r[2][0]*d0) + float64(s.r[2][1]*d1) + float64(s.r[2][2]*d2)
	iz := 1 / z
	a := float64((float64(s.r[0][0]*d0) + float64(s.r[0][1]*d1) + float64(s.r[0][2]*d2)) * iz)
	b := float64((float64(s.r[1][0]*d0) + float64(s.r[1][1]*d1) + float64(s.r[1][2]*d2)) * iz)
	k := s.f
	if s.k1 != 0 {
		k *= 1 + float64(s.k1*(float64(a*a)+float64(b*b)))
	}
	return float64(k*a) + s.cx, float64(k*b) + s.cy, z
}

// weigh sets the inverse covariance of every residual at the state: click
// error plus world error seen through the projection.
func (t *task) weigh(s *state, floor float64) {
	for i := range t.m {
		m := &t.m[i]
		sp := math.Max(m.sp, floor)
		suu := float64(sp * sp)
		svv, suv := suu, 0.0
		if m.smMax > 0 {
			var j [2][nParam]float64
			var jx [2]vec
			if s.jacobian(&m.x, 7, &j, &jx) > 0 {
				for k := range 3 {
					v := float64(m.sm[k] * m.sm[k])
					suu += float64(jx[0][k] * jx[0][k] * v)
					suv += float64(jx[0][k] * jx[1][k] * v)
					svv += float64(jx[1][k] * jx[1][k] * v)
				}
			}
		}
		det := float64(suu*svv) - float64(suv*suv)
		m.w = [3]float64{svv / det, -suv / det, suu / det}
	}
}

// jacobian gives the derivative of the pixel by the first np state parameters
// and by the world point, and returns the depth (nothing is set when it is
// not positive).
func (s *state) jacobian(xw *vec, np int, j *[2][nParam]float64, jx *[2]vec) float64 {
	p := apply(&s.r, sub(*xw, s.c))
	if !(p[2] > 0) {
		return p[2]
	}
	iz := 1 / p[2]
	x, y := float64(p[0]*iz), float64(p[1]*iz)
	r2 := float64(x*x) + float64(y*y)
	d := 1 + float64(s.k1*r2)
	dxx, dxy, dyy := float64(s.f*(d+float64(2*s.k1*x*x))), float64(s.f*2*s.k1*x*y), float64(s.f*(d+float64(2*s.k1*y*y)))
	// Derivative by the point in camera axes.
	a := vec{float64(dxx * iz), float64(dxy * iz), float64(-(float64(dxx*x) + float64(dxy*y)) * iz)}
	b := vec{float64(dxy * iz), float64(dyy * iz), float64(-(float64(dxy*x) + float64(dyy*y)) * iz)}
	for k := range 3 {
		jx[0][k] = float64(a[0]*s.r[0][k]) + float64(a[1]*s.r[1][k]) + float64(a[2]*s.r[2][k])
		jx[1][k] = float64(b[0]*s.r[0][k]) + float64(b[1]*s.r[1][k]) + float64(b[2]*s.r[2][k])
		j[0][k], j[1][k] = -jx[0][k], -jx[1][k]
	}
	// w x p, so the derivative by w is p x a.
	pa, pb := cross(p, a), cross(p, b)
	for k := range 3 {
		j[0][3+k], j[1][3+k] = pa[k], pb[k]
	}
	j[0][6], j[1][6] = float64(s.f*x*d), float64(s.f*y*d)
	if np > 7 {
		j[0][7], j[0][8], j[0][9] = 1, 0, float64(s.f*x*r2)
		j[1][7], j[1][8], j[1][9] = 0, 1, float64(s.f*y*r2)
	}
	return p[2]
}

// linearise fills the normal equations at s. With trunc > 0 a point whose
// whitened squared residual exceeds trunc times its threshold counts that
// much and no more (MSAC); with trunc 0 the points marked use count fully.
// The cost is infinite when a counting point lies behind the camera.
func (t *task) linearise(s *state, trunc float64, free *[nParam]bool, out *normal) {
	np := 7
	if free[7] || free[8] || free[9] {
		np = nParam
	}
	*out = normal{}
	var j [2][nParam]float64
	for i := range t.m {
		m := &t.m[i]
		if trunc == 0 && !m.use {
			continue
		}
		dx, dy, dz := m.x[0]-s.c[0], m.x[1]-s.c[1], m.x[2]-s.c[2]
		pz := float64(s.r[2][0]*dx) + float64(s.r[2][1]*dy) + float64(s.r[2][2]*dz)
		px := float64(s.r[0][0]*dx) + float64(s.r[0][1]*dy) + float64(s.r[0][2]*dz)
		py := float64(s.r[1][0]*dx) + float64(s.r[1][1]*dy) + float64(s.r[1][2]*dz)
		iz := 1 / pz
		x, y := float64(px*iz), float64(py*iz)
		r2 := float64(x*x) + float64(y*y)
		g := 1 + float64(s.k1*r2)
		fx, fy := float64(s.f*x*g), float64(s.f*y*g)
		ru, rv := fx+s.cx-m.u, fy+s.cy-m.v
		w0, w1, w2 := m.w[0], m.w[1], m.w[2]
		e := float64(w0*ru*ru) + float64(2*w1*ru*rv) + float64(w2*rv*rv)
		if trunc > 0 {
			if !(pz > 0) || e > trunc*m.t2 {
				out.cost += float64(trunc * m.t2)
				continue
			}
		} else if !(pz > 0) {
			out.cost = math.Inf(1)
			return
		}
		out.cost += e
		out.n++
		// As in jacobian, which this repeats in scalars: it is the inner loop.
		h := float64(2 * s.f * s.k1)
		xx, xy, yy := float64(s.f*g)+float64(h*x*x), float64(h*x*y), float64(s.f*g)+float64(h*y*y)
		a0, a1, a2 := float64(xx*iz), float64(xy*iz), float64(-(float64(xx*x)+float64(xy*y))*iz)
		b0, b1, b2 := float64(xy*iz), float64(yy*iz), float64(-(float64(xy*x)+float64(yy*y))*iz)
		for k := range 3 {
			j[0][k] = -(float64(a0*s.r[0][k]) + float64(a1*s.r[1][k]) + float64(a2*s.r[2][k]))
			j[1][k] = -(float64(b0*s.r[0][k]) + float64(b1*s.r[1][k]) + float64(b2*s.r[2][k]))
		}
		j[0][3], j[0][4], j[0][5] = float64(py*a2)-float64(pz*a1), float64(pz*a0)-float64(px*a2), float64(px*a1)-float64(py*a0)
		j[1][3], j[1][4], j[1][5] = float64(py*b2)-float64(pz*b1), float64(pz*b0)-float64(px*b2), float64(px*b1)-float64(py*b0)
		j[0][6], j[1][6] = fx, fy
		if np > 7 {
			j[0][7], j[0][8], j[0][9] = 1, 0, float64(s.f*x*r2)
			j[1][7], j[1][8], j[1][9] = 0, 1, float64(s.f*y*r2)
		}
		for a := range np {
			ja, jb := j[0][a], j[1][a]
			wa, wb := float64(w0*ja)+float64(w1*jb), float64(w1*ja)+float64(w2*jb)
			out.g[a] += float64(wa*ru) + float64(wb*rv)
			h := out.h[a][: a+1 : a+1]
			for b := range h {
				h[b] += float64(wa*j[0][b]) + float64(wb*j[1][b])
			}
		}
	}
	val := [4]float64{0, s.cx, s.cy, s.k1}
	if t.prior.info[0] > 0 {
		val[0] = log(s.f)
	}
	for k, w := range t.prior.info {
		if w > 0 {
			d := val[k] - t.prior.mean[k]
			out.cost += float64(w * d * d)
			out.h[6+k][6+k] += w
			out.g[6+k] += float64(w * d)
		}
	}
	if t.tie != nil {
		out.cost += t.tie.add(s, out)
	}
	for i := range t.cons {
		t.cons[i].add(s, out)
	}
	for a := range nParam {
		if free[a] {
			continue
		}
		for b := range nParam {
			if b < a {
				out.h[a][b] = 0
			} else {
				out.h[b][a] = 0
			}
		}
		out.h[a][a] = 1
		out.g[a] = 0
	}
}

// add differentiates a constraint numerically and adds it.
func (c *constraint) add(s *state, out *normal) {
	var r0 [3]float64
	c.resid(s, &r0)
	var j [3][nParam]float64
	for a := range nParam {
		h := 1e-5
		if a == 7 || a == 8 {
			h = 1e-2
		}
		var d [nParam]float64
		var lo, hi [3]float64
		d[a] = h
		p := s.step(&d)
		c.resid(&p, &hi)
		d[a] = -h
		p = s.step(&d)
		c.resid(&p, &lo)
		for k := range c.n {
			j[k][a] = (hi[k] - lo[k]) / (2 * h)
		}
	}
	for k := range c.n {
		out.cost += float64(r0[k] * r0[k])
		for a := range nParam {
			out.g[a] += float64(j[k][a] * r0[k])
			for b := 0; b <= a; b++ {
				out.h[a][b] += float64(j[k][a] * j[k][b])
			}
		}
	}
}

// cost is the value linearise would give, without derivatives.
func (t *task) cost(s *state, trunc float64) float64 {
	sum := 0.0
	for i := range t.m {
		m := &t.m[i]
		if trunc == 0 && !m.use {
			continue
		}
		u, v, z := s.project(&m.x)
		ru, rv := u-m.u, v-m.v
		e := float64(m.w[0]*ru*ru) + float64(2*m.w[1]*ru*rv) + float64(m.w[2]*rv*rv)
		if !(z > 0) {
			if trunc == 0 {
				return math.Inf(1)
			}
			e = math.Inf(1)
		}
		if trunc > 0 && e > trunc*m.t2 {
			e = float64(trunc * m.t2)
		}
		sum += e
	}
	val := [4]float64{0, s.cx, s.cy, s.k1}
	if t.prior.info[0] > 0 {
		val[0] = log(s.f)
	}
	for k, w := range t.prior.info {
		if w > 0 {
			d := val[k] - t.prior.mean[k]
			sum += float64(w * d * d)
		}
	}
	if t.tie != nil {
		sum += t.tie.add(s, nil)
	}
	var r [3]float64
	for i := range t.cons {
		t.cons[i].resid(s, &r)
		for k := range t.cons[i].n {
			sum += float64(r[k] * r[k])
		}
	}
	return sum
}

// descend is Levenberg-Marquardt with frozen weights, at most iters accepted
// or refused steps. It returns the cost reached.
func (t *task) descend(s *state, trunc float64, free *[nParam]bool, iters int, tol float64) float64 {
	var cur, next normal
	t.linearise(s, trunc, free, &cur)
	if math.IsInf(cur.cost, 1) {
		return cur.cost
	}
	lambda := 1e-4
	np := 7
	if free[7] || free[8] || free[9] {
		np = nParam
	}
	for range iters {
		a := cur.h
		for i := range np {
			a[i][i] += float64(lambda*a[i][i]) + 1e-12
		}
		if !a.cholesky(np) {
			lambda = math.Max(float64(lambda*10), 1e-8)
			if lambda > 1e8 {
				break
			}
			continue
		}
		d := cur.g
		for i := range d {
			d[i] = -d[i]
		}
		a.solve(np, &d)
		for i := np; i < nParam; i++ {
			d[i] = 0
		}
		n := s.step(&d)
		t.linearise(&n, trunc, free, &next)
		if next.cost < cur.cost {
			gain := cur.cost - next.cost
			*s, cur = n, next
			lambda = math.Max(float64(lambda*0.1), 1e-12)
			if gain < tol*(1+cur.cost) {
				break
			}
		} else {
			// No better: at the minimum the predicted gain is below rounding.
			pred := 0.0
			for i := range np {
				pred -= float64(d[i] * cur.g[i])
			}
			if pred < tol*(1+cur.cost) {
				break
			}
			lambda *= 8
			if lambda > 1e10 {
				break
			}
		}
	}
	return cur.cost
}
