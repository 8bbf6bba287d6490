package raster

import (
	"math"
	"sync"
)

// face is one triangle seen by one view: the planes through the eye and its
// edges, oriented so that inside is positive.
type face struct {
	a, b, c        vec     // plane coefficients of the three edges: a.x x + a.y y + a.z
	sum            vec     // a + b + c
	det            float64 // depth = det / (sum . ray)
	index          int32
	x0, x1, y0, y1 float32 // image bounds in pixels
}

// plane returns the pieces of triangle t for the view, or false when it has
// no extent from the eye.
func plane(p0, p1, p2 vec) (a, b, c vec, det float64, ok bool) {
	a, b, c = cross(p1, p2), cross(p2, p0), cross(p0, p1)
	det = dot(p0, a)
	if det == 0 || math.IsNaN(det) {
		return a, b, c, 0, false
	}
	if det < 0 {
		a, b, c, det = scale(a, -1), scale(b, -1), scale(c, -1), -det
	}
	return a, b, c, det, true
}

// faces sets up every triangle that can touch the image.
func (p *Prepared) faces(v *view, near float64) []face {
	cam := make([]vec, len(p.pos))
	for i, q := range p.pos {
		cam[i] = v.toCamera(q)
	}
	frame := v.rayBounds()
	out := make([]face, 0, len(p.tris))
	for i := range p.tris {
		t := &p.tris[i].v
		p0, p1, p2 := cam[t[0]], cam[t[1]], cam[t[2]]
		if p0[2] < near && p1[2] < near && p2[2] < near {
			continue
		}
		x0, x1, y0, y1, ok := v.imageBounds(p0, p1, p2, near, frame)
		if !ok {
			continue
		}
		f := face{index: int32(i), x0: float32(x0), x1: float32(x1), y0: float32(y0), y1: float32(y1)}
		if f.a, f.b, f.c, f.det, ok = plane(p0, p1, p2); !ok {
			continue
		}
		f.sum = add(add(f.a, f.b), f.c)
		out = append(out, f)
	}
	return out
}

// rayBounds is the rectangle of undistorted rays that the image covers.
func (v *view) rayBounds() [4]float64 {
	if v.lens == nil {
		return [4]float64{}
	}
	x0, x1, y0, y1 := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	limit := math.Sqrt(v.lens.maxUndistorted2)
	grow := func(u, w float64) {
		x, y := v.ray(u, w)
		if math.IsNaN(x) {
			x, y = math.Copysign(limit, u-v.cx), math.Copysign(limit, w-v.cy)
		}
		x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
	}
	const n = 64
	for i := range n + 1 {
		s := float64(i) / n
		w, h := float64(v.w), float64(v.h)
		grow(s*w, 0)
		grow(s*w, h)
		grow(0, s*h)
		grow(w, s*h)
	}
	mx, my := 0.02*(x1-x0), 0.02*(y1-y0)
	return [4]float64{x0 - mx, x1 + mx, y0 - my, y1 + my}
}

// imageBounds bounds a triangle in the image. It may be too large, never too
// small.
func (v *view) imageBounds(p0, p1, p2 vec, near float64, frame [4]float64) (x0, x1, y0, y1 float64, ok bool) {
	var store [2][12]vec
	poly := append(store[0][:0], p0, p1, p2)
	if p0[2] < near || p1[2] < near || p2[2] < near {
		poly = cut(store[1][:0], poly, vec{0, 0, 1}, near)
	}
	if v.lens != nil {
		// Beyond the frame the lens model may fold back; cut there first.
		poly = append([]vec(nil), poly...)
		for _, h := range [4]vec{{1, 0, -frame[0]}, {-1, 0, frame[1]}, {0, 1, -frame[2]}, {0, -1, frame[3]}} {
			poly = cut(make([]vec, 0, 12), poly, h, 0)
		}
	}
	if len(poly) < 3 {
		return 0, 0, 0, 0, false
	}
	x0, x1, y0, y1 = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	grow := func(u, w float64) {
		x0, x1, y0, y1 = min(x0, u), max(x1, u), min(y0, w), max(y1, w)
	}
	if v.lens == nil {
		for _, q := range poly {
			grow(float64(v.f*(q[0]/q[2]))+v.cx, float64(v.f*(q[1]/q[2]))+v.cy)
		}
	} else {
		v.curvedBounds(poly, grow)
	}
	ok = x1 >= 0 && y1 >= 0 && x0 <= float64(v.w) && y0 <= float64(v.h)
	return clamp(x0, 0, float64(v.w)), clamp(x1, 0, float64(v.w)), clamp(y0, 0, float64(v.h)), clamp(y1, 0, float64(v.h)), ok
}

// curvedBounds walks the edges of a polygon through the lens. Between samples
// the curve leaves its chord by at most an eighth of the second difference;
// the bounds grow by twice that.
func (v *view) curvedBounds(poly []vec, grow func(u, w float64)) {
	const n = 8
	for i, a := range poly {
		b := poly[(i+1)%len(poly)]
		ax, ay, bx, by := a[0]/a[2], a[1]/a[2], b[0]/b[2], b[1]/b[2]
		var us, ws [n + 1]float64
		for j := range n + 1 {
			t := float64(j) / n
			x, y := lerp(ax, bx, t), lerp(ay, by, t)
			if r2 := float64(x*x) + float64(y*y); r2 > v.lens.maxUndistorted2 {
				k := math.Sqrt(v.lens.maxUndistorted2 / r2)
				x, y = float64(x*k*0.999999), float64(y*k*0.999999)
			}
			us[j], ws[j], _ = v.pixel(x, y)
		}
		bend := 1.0
		for j := 1; j < n; j++ {
			bend = max(bend, math.Abs(us[j-1]-2*us[j]+us[j+1])/4, math.Abs(ws[j-1]-2*ws[j]+ws[j+1])/4)
		}
		for j := range n + 1 {
			grow(us[j]-bend, ws[j]-bend)
			grow(us[j]+bend, ws[j]+bend)
		}
	}
}

// cut keeps the part of a convex polygon where h . p >= d (Sutherland and
// Hodgman 1974).
func cut(out, poly []vec, h vec, d float64) []vec {
	for i, a := range poly {
		b := poly[(i+1)%len(poly)]
		da, db := dot(h, a)-d, dot(h, b)-d
		if da >= 0 {
			out = append(out, a)
		}
		if (da >= 0) != (db >= 0) {
			out = append(out, along(a, sub(b, a), da/(da-db)))
		}
	}
	return out
}

// samples is a grid of ss x ss rays in each pixel with the nearest surface at
// each.
type samples struct {
	ss, w, h int
	z        []float32
	tri      []int32
}

// trace finds the nearest triangle of every sample. Rows are shared out among
// workers; each sample is written by one worker in triangle order, so the
// result does not depend on how many there are.
func (p *Prepared) trace(v *view, faces []face, ss int, near float64, workers int) *samples {
	s := &samples{ss: ss, w: v.w * ss, h: v.h * ss}
	s.z = make([]float32, s.w*s.h)
	s.tri = make([]int32, s.w*s.h)
	bands(s.h, workers, func(lo, hi int) {
		for i := lo * s.w; i < hi*s.w; i++ {
			s.z[i], s.tri[i] = float32(math.Inf(1)), -1
		}
		var curve *curve
		if v.lens != nil {
			curve = newCurve(v, s.w, ss)
		}
		for i := range faces {
			f := &faces[i]
			y0 := max(lo, int(math.Ceil(float64(f.y0)*float64(ss)-0.5)-1))
			y1 := min(hi-1, int(math.Floor(float64(f.y1)*float64(ss)-0.5)+1))
			if y0 > y1 {
				continue
			}
			x0 := max(0, int(math.Ceil(float64(f.x0)*float64(ss)-0.5)-1))
			x1 := min(s.w-1, int(math.Floor(float64(f.x1)*float64(ss)-0.5)+1))
			if x0 > x1 {
				continue
			}
			if curve != nil {
				s.fillCurved(v, f, x0, x1, y0, y1, near, curve)
			} else {
				s.fill(v, f, x0, x1, y0, y1, near)
			}
		}
	})
	return s
}

// fill draws one face for a pinhole camera: along a row each edge function is
// a line in x.
func (s *samples) fill(v *view, f *face, x0, x1, y0, y1 int, near float64) {
	step := 1 / (v.f * float64(s.ss))
	off := 0.5*step - v.cx/v.f
	offy := 0.5*step - v.cy/v.f
	ax, bx, cx, sx := float64(f.a[0]*step), float64(f.b[0]*step), float64(f.c[0]*step), float64(f.sum[0]*step)
	farthest := float64(math.MaxFloat32)
	for y := y0; y <= y1; y++ {
		ry := float64(float64(y)*step) + offy
		a := float64(f.a[1]*ry) + f.a[2] + float64(f.a[0]*off)
		b := float64(f.b[1]*ry) + f.b[2] + float64(f.b[0]*off)
		c := float64(f.c[1]*ry) + f.c[2] + float64(f.c[0]*off)
		q := float64(f.sum[1]*ry) + f.sum[2] + float64(f.sum[0]*off)
		// The span where all three are positive, widened by a sample: the
		// exact test follows.
		lo, hi := float64(x0), float64(x1)
		lo, hi = span(a, ax, lo, hi)
		lo, hi = span(b, bx, lo, hi)
		lo, hi = span(c, cx, lo, hi)
		if lo > hi {
			continue
		}
		row := y * s.w
		for x := int(lo); x <= int(hi); x++ {
			fx := float64(x)
			if a+float64(ax*fx) < 0 || b+float64(bx*fx) < 0 || c+float64(cx*fx) < 0 {
				continue
			}
			d := q + float64(sx*fx)
			if d <= 0 {
				continue
			}
			z := f.det / d
			if z < near || z > farthest {
				continue
			}
			if z32 := float32(z); z32 < s.z[row+x] {
				s.z[row+x], s.tri[row+x] = z32, f.index
			}
		}
	}
}

// span narrows lo..hi to where e + k x >= 0, give or take one sample.
func span(e, k, lo, hi float64) (float64, float64) {
	switch {
	case k > 0:
		return max(lo, math.Floor(-e/k)-1), hi
	case k < 0:
		return lo, min(hi, math.Ceil(-e/k)+1)
	case e < 0:
		return 1, 0
	}
	return lo, hi
}

// curve keeps the undistorted rays of the last row, since faces are often a
// few rows high.
type curve struct {
	xs []float64 // distorted x of each sample column
}

func newCurve(v *view, w, ss int) *curve {
	c := &curve{xs: make([]float64, w)}
	for i := range c.xs {
		c.xs[i] = ((float64(i)+0.5)/float64(ss) - v.cx) / v.f
	}
	return c
}

// fillCurved draws one face through the lens: every sample's ray is bent back
// before the test.
func (s *samples) fillCurved(v *view, f *face, x0, x1, y0, y1 int, near float64, cv *curve) {
	for y := y0; y <= y1; y++ {
		dy := ((float64(y)+0.5)/float64(s.ss) - v.cy) / v.f
		dy2 := float64(dy * dy)
		row := y * s.w
		for x := x0; x <= x1; x++ {
			dx := cv.xs[x]
			k := v.lens.shrink(float64(dx*dx) + dy2)
			rx, ry := float64(dx*k), float64(dy*k)
			if !(float64(f.a[0]*rx)+float64(f.a[1]*ry)+f.a[2] >= 0) ||
				!(float64(f.b[0]*rx)+float64(f.b[1]*ry)+f.b[2] >= 0) ||
				!(float64(f.c[0]*rx)+float64(f.c[1]*ry)+f.c[2] >= 0) {
				continue
			}
			d := float64(f.sum[0]*rx) + float64(f.sum[1]*ry) + f.sum[2]
			if d <= 0 {
				continue
			}
			z := f.det / d
			if z < near || z > math.MaxFloat32 {
				continue
			}
			if z32 := float32(z); z32 < s.z[row+x] {
				s.z[row+x], s.tri[row+x] = z32, f.index
			}
		}
	}
}

// bands splits 0..n among workers and waits for them.
func bands(n, workers int, do func(lo, hi int)) {
	workers = max(1, min(workers, n/8+1))
	if workers == 1 {
		do(0, n)
		return
	}
	var wg sync.WaitGroup
	for i := range workers {
		lo, hi := n*i/workers, n*(i+1)/workers
		wg.Go(func() { do(lo, hi) })
	}
	wg.Wait()
}
