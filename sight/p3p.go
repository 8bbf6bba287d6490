package sight

import "math"

// triangle holds what P3P needs of three world points, shared by all focal
// lengths: squared sides and an orthonormal frame on the points.
type triangle struct {
	x          [3]vec
	a2, b2, c2 float64
	frame      mat
}

// frameOf builds the orthonormal frame on three points (rows); false when they
// are collinear.
func frameOf(p0, p1, p2 vec) (m mat, ok bool) {
	d, e := sub(p1, p0), sub(p2, p0)
	n := norm(d)
	z := cross(d, e)
	m2 := norm(z)
	if !(n > 0) || !(m2 > 1e-6*n*norm(e)) {
		return m, false
	}
	m[0] = scaled(d, 1/n)
	m[2] = scaled(z, 1/m2)
	m[1] = cross(m[2], m[0])
	return m, true
}

func newTriangle(x0, x1, x2 vec) (t triangle, ok bool) {
	t.x = [3]vec{x0, x1, x2}
	t.frame, ok = frameOf(x0, x1, x2)
	d := sub(x1, x2)
	t.a2 = dot(d, d)
	d = sub(x0, x2)
	t.b2 = dot(d, d)
	d = sub(x0, x1)
	t.c2 = dot(d, d)
	return t, ok
}

// pose is one solution of P3P.
type pose struct {
	r mat
	c vec
}

// p3p gives the up to four cameras that see the triangle along the three unit
// bearings (Grunert 1841 in the form of Haralick et al. 1994).
func (t *triangle) p3p(f0, f1, f2 vec, out *[4]pose) (n int) {
	ca, cb, cg := dot(f1, f2), dot(f0, f2), dot(f0, f1)
	ib := 1 / t.b2
	p, q, s := float64((t.a2-t.c2)*ib), float64((t.a2+t.c2)*ib), float64(t.c2*ib)
	ab := float64(t.a2 * ib)
	a4 := float64((p-1)*(p-1)) - float64(4*s*ca*ca)
	a3 := float64(4 * (float64(p*(1-p)*cb) - float64((1-q)*ca*cg) + float64(2*s*ca*ca*cb)))
	a2 := float64(2 * (float64(p*p) - 1 + float64(2*p*p*cb*cb) + float64(2*(1-s)*ca*ca) - float64(4*q*ca*cb*cg) + float64(2*(1-ab)*cg*cg)))
	a1 := float64(4 * (float64(-p*(1+p)*cb) + float64(2*ab*cg*cg*cb) - float64((1-q)*ca*cg)))
	a0 := float64((1+p)*(1+p)) - float64(4*ab*cg*cg)
	var root [4]float64
	for _, v := range root[:quartic(a4, a3, a2, a1, a0, &root)] {
		if !(v > 0) {
			continue
		}
		den := float64(2 * (cg - float64(v*ca)))
		if math.Abs(den) < 1e-9 {
			continue
		}
		u := (float64((p-1)*v*v) - float64(2*p*cb*v) + 1 + p) / den
		if !(u > 0) {
			continue
		}
		d := 1 + float64(v*v) - float64(2*v*cb)
		if !(d > 0) {
			continue
		}
		s0 := math.Sqrt(t.b2 / d)
		y0, y1, y2 := scaled(f0, s0), scaled(f1, float64(u*s0)), scaled(f2, float64(v*s0))
		g, ok := frameOf(y0, y1, y2)
		if !ok {
			continue
		}
		o := &out[n]
		for i := range 3 {
			for j := range 3 {
				o.r[i][j] = float64(g[0][i]*t.frame[0][j]) + float64(g[1][i]*t.frame[1][j]) + float64(g[2][i]*t.frame[2][j])
			}
		}
		for j := range 3 {
			o.c[j] = t.x[0][j] - (float64(o.r[0][j]*y0[0]) + float64(o.r[1][j]*y0[1]) + float64(o.r[2][j]*y0[2]))
		}
		n++
	}
	return n
}

// quartic gives the real roots of a4 x^4 + ... + a0 (Ferrari, each root
// polished by Newton's method).
func quartic(a4, a3, a2, a1, a0 float64, out *[4]float64) (n int) {
	if math.Abs(a4) < 1e-14 {
		return 0
	}
	i := 1 / a4
	b, c, d, e := float64(a3*i), float64(a2*i), float64(a1*i), float64(a0*i)
	h := b / 4
	h2 := float64(h * h)
	p := c - float64(6*h2)
	q := d - float64(2*c*h) + float64(8*h2*h)
	r := e - float64(d*h) + float64(c*h2) - float64(3*h2*h2)
	// The largest root m of the resolvent m^3 + 2p m^2 + (p^2 - 4r) m - q^2.
	m := largestCubicRoot(float64(2*p), float64(p*p)-float64(4*r), float64(-q*q))
	if !(m > 0) {
		m = 0
	}
	w := math.Sqrt(m)
	var k float64
	if w > 1e-9 {
		k = q / (2 * w)
	} else {
		k = math.Sqrt(math.Max(0, p*p/4-r))
	}
	half := (p + m) / 2
	for side := range 2 {
		// x^2 + s w x + (half - s k) = 0 with s = +1, -1
		sw, cc := w, half-k
		if side == 1 {
			sw, cc = -w, half+k
		}
		disc := sw*sw/4 - cc
		if disc < 0 {
			if disc < -1e-6*(math.Abs(cc)+float64(sw*sw)) {
				continue
			}
			disc = 0
		}
		g := math.Sqrt(disc)
		for _, y := range [2]float64{-sw/2 + g, -sw/2 - g} {
			x := y - h
			for range 2 {
				f := float64((float64((float64((x+b)*x)+c)*x)+d)*x) + e
				df := float64((float64((float64(4*x)+float64(3*b))*x)+float64(2*c))*x) + d
				if df == 0 {
					break
				}
				x -= f / df
			}
			out[n] = x
			n++
		}
	}
	return n
}

// largestCubicRoot of x^3 + a x^2 + b x + c, by Newton's method from the
// convex side.
func largestCubicRoot(a, b, c float64) float64 {
	x0 := -a / 3
	d := float64(a*a) - float64(3*b)
	var x float64
	if d > 0 {
		x = x0 + 2*math.Sqrt(d)/3
	} else {
		f := float64((float64((x0+a)*x0)+b)*x0) + c
		x = x0 + math.Abs(f) + 1
		if f > 0 {
			x = x0 - f - 1
		}
	}
	for range 40 {
		f := float64((float64((x+a)*x)+b)*x) + c
		df := float64((float64(3*x)+float64(2*a))*x) + b
		if df == 0 {
			x += float64(1e-6 * (1 + math.Abs(x)))
			continue
		}
		s := f / df
		x -= s
		if math.Abs(s) <= 1e-14*(1+math.Abs(x)) {
			break
		}
	}
	return x
}
