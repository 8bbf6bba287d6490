package raster

import (
	"errors"
	"fmt"
	"math"

	"sightline/sight"
)

// view is a camera made ready for drawing.
type view struct {
	w, h   int
	pos    vec
	rot    [3]vec // rows: the camera's right, down and forward axes in the world
	f      float64
	cx, cy float64
	lens   *lens // nil for a pinhole
}

// maxPixels bounds an image: 100 megapixels is above any camera we imitate
// and keeps a mistyped width from taking all memory.
const maxPixels = 100_000_000

func newView(c sight.Camera) (view, error) {
	if c.Width < 1 || c.Height < 1 || c.Width > maxPixels/c.Height {
		return view{}, fmt.Errorf("camera image of %d x %d pixels: expected 1 x 1 to %d million pixels", c.Width, c.Height, maxPixels/1_000_000)
	}
	if !(c.FocalPx > 0) || math.IsInf(c.FocalPx, 0) {
		return view{}, fmt.Errorf("camera focal length of %v pixels: expected a positive number", c.FocalPx)
	}
	for _, x := range append(append(c.Position[:], c.Rotation[:]...), c.PrincipalPoint[0], c.PrincipalPoint[1], c.K1) {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return view{}, errors.New("camera holds a value that is not a number")
		}
	}
	rot, err := rotationRows(c.Rotation)
	if err != nil {
		return view{}, err
	}
	v := view{w: c.Width, h: c.Height, pos: c.Position, rot: rot, f: c.FocalPx, cx: c.PrincipalPoint[0], cy: c.PrincipalPoint[1]}
	if c.K1 != 0 {
		v.lens = newLens(c.K1, v.cornerRadius2())
	}
	return v, nil
}

// rotationRows expands a unit quaternion [w,x,y,z] (world to camera).
func rotationRows(q [4]float64) ([3]vec, error) {
	n := math.Sqrt(float64(q[0]*q[0]) + float64(q[1]*q[1]) + float64(q[2]*q[2]) + float64(q[3]*q[3]))
	if !(n > 1e-9) {
		return [3]vec{}, errors.New("camera rotation is zero: expected a unit quaternion [w,x,y,z]")
	}
	w, x, y, z := q[0]/n, q[1]/n, q[2]/n, q[3]/n
	return [3]vec{
		{1 - 2*(float64(y*y)+float64(z*z)), 2 * (float64(x*y) - float64(w*z)), 2 * (float64(x*z) + float64(w*y))},
		{2 * (float64(x*y) + float64(w*z)), 1 - 2*(float64(x*x)+float64(z*z)), 2 * (float64(y*z) - float64(w*x))},
		{2 * (float64(x*z) - float64(w*y)), 2 * (float64(y*z) + float64(w*x)), 1 - 2*(float64(x*x)+float64(y*y))},
	}, nil
}

// cornerRadius2 is the largest squared distorted radius in the image.
func (v *view) cornerRadius2() float64 {
	x := max(v.cx, float64(v.w)-v.cx) / v.f
	y := max(v.cy, float64(v.h)-v.cy) / v.f
	return float64(x*x) + float64(y*y)
}

func (v *view) toCamera(p vec) vec {
	d := sub(p, v.pos)
	return vec{dot(v.rot[0], d), dot(v.rot[1], d), dot(v.rot[2], d)}
}

// toWorld returns the point at depth z on the undistorted ray (x, y, 1). It is
// written out because arrays in loops are slow in Go.
func (v *view) toWorld(x, y, z float64) vec {
	r, d, f := &v.rot[0], &v.rot[1], &v.rot[2]
	return vec{
		v.pos[0] + float64(z*(float64(x*r[0])+float64(y*d[0])+f[0])),
		v.pos[1] + float64(z*(float64(x*r[1])+float64(y*d[1])+f[1])),
		v.pos[2] + float64(z*(float64(x*r[2])+float64(y*d[2])+f[2])),
	}
}

// direction is the world direction of the undistorted ray (x, y, 1), not unit.
func (v *view) direction(x, y float64) vec {
	r, d, f := &v.rot[0], &v.rot[1], &v.rot[2]
	return vec{
		float64(x*r[0]) + float64(y*d[0]) + f[0],
		float64(x*r[1]) + float64(y*d[1]) + f[1],
		float64(x*r[2]) + float64(y*d[2]) + f[2],
	}
}

// pixel maps an undistorted ray to image coordinates. It reports false where
// the lens model has no answer.
func (v *view) pixel(x, y float64) (u, w float64, ok bool) {
	if v.lens != nil {
		r2 := float64(x*x) + float64(y*y)
		if r2 > v.lens.maxUndistorted2 {
			return 0, 0, false
		}
		k := 1 + float64(v.lens.k1*r2)
		x, y = float64(x*k), float64(y*k)
	}
	return float64(v.f*x) + v.cx, float64(v.f*y) + v.cy, true
}

// ray maps image coordinates to the undistorted ray (x, y, 1); the values are
// NaN where the lens model has no answer.
func (v *view) ray(u, w float64) (x, y float64) {
	x, y = (u-v.cx)/v.f, (w-v.cy)/v.f
	if v.lens != nil {
		k := v.lens.shrink(float64(x*x) + float64(y*y))
		x, y = float64(x*k), float64(y*k)
	}
	return x, y
}

// project returns image coordinates and depth of a world point.
func (v *view) project(p vec) (u, w, z float64, ok bool) {
	c := v.toCamera(p)
	if c[2] <= 1e-6 {
		return 0, 0, c[2], false
	}
	u, w, ok = v.pixel(c[0]/c[2], c[1]/c[2])
	return u, w, c[2], ok
}

// lens inverts r_d = r (1 + k1 r^2) by a table over r_d^2, which is smooth, so
// that millions of pixels need no iteration. Beyond the radius where the
// distortion stops growing (k1 < 0) a pixel has no ray.
type lens struct {
	k1              float64
	maxUndistorted2 float64
	maxDistorted2   float64
	step            float64
	table           []float64
}

const lensSteps = 8192

func newLens(k1, reach2 float64) *lens {
	l := &lens{k1: k1, maxUndistorted2: math.Inf(1), maxDistorted2: math.Inf(1)}
	if k1 < 0 {
		l.maxUndistorted2 = -1 / (3 * k1)
		rd := math.Sqrt(l.maxUndistorted2) * 2 / 3
		l.maxDistorted2 = float64(rd * rd)
	}
	reach2 = min(reach2*1.02+1e-6, l.maxDistorted2)
	l.step = reach2 / lensSteps
	l.table = make([]float64, lensSteps+2)
	for i := range l.table {
		l.table[i] = l.exact(min(float64(i)*l.step, l.maxDistorted2))
	}
	return l
}

// exact solves for the ratio undistorted over distorted radius at squared
// distorted radius d2, by Newton's method kept inside its bracket.
func (l *lens) exact(d2 float64) float64 {
	if d2 == 0 {
		return 1
	}
	d := math.Sqrt(d2)
	lo, hi := 0.0, d
	if l.k1 < 0 {
		lo, hi = d, math.Sqrt(l.maxUndistorted2)
	}
	r := clamp(d, lo, hi)
	for range 60 {
		g := float64(r*(1+float64(l.k1*float64(r*r)))) - d
		if g == 0 {
			break
		}
		if g > 0 {
			hi = r
		} else {
			lo = r
		}
		slope := 1 + float64(3*l.k1*float64(r*r))
		next := r - g/slope
		if !(next >= lo && next <= hi) {
			next = (lo + hi) / 2
		}
		if math.Abs(next-r) < 1e-15*(1+r) {
			r = next
			break
		}
		r = next
	}
	return r / d
}

// shrink is the table look-up of exact.
func (l *lens) shrink(d2 float64) float64 {
	if d2 > l.maxDistorted2 {
		return math.NaN()
	}
	t := d2 / l.step
	if !(t < lensSteps) {
		return l.exact(d2)
	}
	i := int(t)
	return lerp(l.table[i], l.table[i+1], t-float64(i))
}

// LookAt makes a camera without lens distortion at eye that looks at target
// with the horizon level. vfovDeg is the vertical field of view in degrees.
// It is how a saved view of a story becomes a camera. Looking straight down,
// the top of the image is north.
func LookAt(eye, target [3]float64, vfovDeg float64, width, height int) (sight.Camera, error) {
	forward := sub(target, eye)
	if !(length(forward) > 1e-9) {
		return sight.Camera{}, errors.New("view: eye and target are the same point")
	}
	if !(vfovDeg > 0 && vfovDeg < 180) {
		return sight.Camera{}, fmt.Errorf("view: vertical field of view of %v degrees: expected more than 0 and less than 180", vfovDeg)
	}
	if width < 1 || height < 1 {
		return sight.Camera{}, fmt.Errorf("view: image of %d x %d pixels", width, height)
	}
	hfov := 2 * math.Atan(math.Tan(vfovDeg*math.Pi/360)*float64(width)/float64(height)) * 180 / math.Pi
	return sight.LookAt(eye, target, width, height, hfov), nil
}
