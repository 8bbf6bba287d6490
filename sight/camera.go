package sight

import (
	"errors"
	"math"
)

// Quaternion is a rotation [w, x, y, z] that takes world directions (east,
// north, up) to camera directions (right, down, forward). It has unit length
// and w >= 0 wherever this package returns one.
type Quaternion = [4]float64

// Camera is a photograph's geometry: where it was taken, which way it looked
// and how its lens drew.
//
// World points are metres in the scene's east-north-up frame. Pixel (0,0) is
// the outer corner of the top left pixel, so a pixel's centre is at +0.5 and
// the centre of the image at (Width/2, Height/2). With p = R (X - Position),
// x = p.x/p.z, y = p.y/p.z and r2 = x*x + y*y:
//
//	u = FocalPx * x * (1 + K1*r2) + PrincipalPoint[0]
//	v = FocalPx * y * (1 + K1*r2) + PrincipalPoint[1]
type Camera struct {
	Width, Height  int
	Position       [3]float64
	Rotation       Quaternion
	FocalPx        float64
	PrincipalPoint [2]float64
	K1             float64
}

// Angles are a camera's direction in degrees: Heading clockwise from the
// frame's north, Pitch above the horizontal, Roll positive when the camera is
// turned clockwise about its view (its right side down, the horizon rising to
// the right).
type Angles struct {
	Heading float64 `json:"heading_deg"`
	Pitch   float64 `json:"pitch_deg"`
	Roll    float64 `json:"roll_deg"`
}

// ErrBehind is returned for a world point that is not in front of the camera.
var ErrBehind = errors.New("the point is not in front of the camera")

// LookAt is the camera at eye that looks at target, with the horizon level,
// the principal point in the centre and the given horizontal field of view in
// degrees.
func LookAt(eye, target [3]float64, width, height int, hfovDeg float64) Camera {
	e, n, u := target[0]-eye[0], target[1]-eye[1], target[2]-eye[2]
	a := Angles{Heading: math.Atan2(e, n) * 180 / math.Pi, Pitch: math.Atan2(u, math.Hypot(e, n)) * 180 / math.Pi}
	return Camera{
		Width: width, Height: height, Position: eye, Rotation: a.Rotation(),
		FocalPx:        float64(width) / 2 / math.Tan(hfovDeg*math.Pi/360),
		PrincipalPoint: [2]float64{float64(width) / 2, float64(height) / 2},
	}
}

// Rotation is the world-to-camera rotation of these angles.
func (a Angles) Rotation() Quaternion {
	const rad = math.Pi / 180
	sh, ch := math.Sincos(float64(a.Heading * rad))
	sp, cp := math.Sincos(float64(a.Pitch * rad))
	sr, cr := math.Sincos(float64(a.Roll * rad))
	// Level axes: forward along the heading and pitch, right horizontal, down
	// completing the right-handed set.
	f := [3]float64{float64(sh * cp), float64(ch * cp), sp}
	r0 := [3]float64{ch, -sh, 0}
	d0 := [3]float64{float64(sh * sp), float64(ch * sp), -cp}
	var m [3][3]float64
	for i := range 3 {
		m[0][i] = float64(cr*r0[i]) + float64(sr*d0[i])
		m[1][i] = float64(cr*d0[i]) - float64(sr*r0[i])
		m[2][i] = f[i]
	}
	return quaternion(m)
}

// Angles gives heading (0 to 360), pitch and roll of the camera.
func (c Camera) Angles() Angles {
	m := c.Matrix()
	f := m[2]
	const deg = 180 / math.Pi
	a := Angles{Heading: math.Atan2(f[0], f[1]) * deg, Pitch: math.Atan2(f[2], math.Hypot(f[0], f[1])) * deg}
	if a.Heading < 0 {
		a.Heading += 360
	}
	// Roll: how far the camera's right axis dips below the horizontal one.
	sh, ch := math.Sincos(a.Heading / deg)
	sp := math.Sin(a.Pitch / deg)
	cp := math.Cos(a.Pitch / deg)
	r0 := [3]float64{ch, -sh, 0}
	d0 := [3]float64{float64(sh * sp), float64(ch * sp), -cp}
	a.Roll = float64(math.Atan2(dot(m[0], d0), dot(m[0], r0)) * deg)
	return a
}

// Matrix is the rotation as rows: the camera's right, down and forward axes
// in the world.
func (c Camera) Matrix() [3][3]float64 {
	w, x, y, z := c.Rotation[0], c.Rotation[1], c.Rotation[2], c.Rotation[3]
	return [3][3]float64{
		{1 - float64(2*(float64(y*y)+float64(z*z))), float64(2 * (float64(x*y) - float64(w*z))), float64(2 * (float64(x*z) + float64(w*y)))},
		{float64(2 * (float64(x*y) + float64(w*z))), 1 - float64(2*(float64(x*x)+float64(z*z))), float64(2 * (float64(y*z) - float64(w*x)))},
		{float64(2 * (float64(x*z) - float64(w*y))), float64(2 * (float64(y*z) + float64(w*x))), 1 - float64(2*(float64(x*x)+float64(y*y)))},
	}
}

// HFOV is the horizontal field of view in degrees, 2 atan(W/2f).
func (c Camera) HFOV() float64 { return 2 * math.Atan(float64(c.Width)/2/c.FocalPx) * 180 / math.Pi }

// VFOV is the vertical field of view in degrees, 2 atan(H/2f).
func (c Camera) VFOV() float64 { return 2 * math.Atan(float64(c.Height)/2/c.FocalPx) * 180 / math.Pi }

// Project gives the pixel of a world point; ErrBehind when it is not in front
// of the camera. The pixel may lie outside the image.
func (c Camera) Project(world [3]float64) ([2]float64, error) {
	m := c.Matrix()
	d := [3]float64{world[0] - c.Position[0], world[1] - c.Position[1], world[2] - c.Position[2]}
	z := dot(m[2], d)
	if !(z > 0) {
		return [2]float64{}, ErrBehind
	}
	x, y := dot(m[0], d)/z, dot(m[1], d)/z
	k := 1 + float64(c.K1*(float64(x*x)+float64(y*y)))
	return [2]float64{float64(c.FocalPx*x*k) + c.PrincipalPoint[0], float64(c.FocalPx*y*k) + c.PrincipalPoint[1]}, nil
}

// Ray is the world direction (unit length) in which a pixel looks. With a
// strong barrel lens a pixel beyond the edge of the lens's own circle has no
// direction; ok is then false.
func (c Camera) Ray(px [2]float64) (dir [3]float64, ok bool) {
	x, y := (px[0]-c.PrincipalPoint[0])/c.FocalPx, (px[1]-c.PrincipalPoint[1])/c.FocalPx
	if c.K1 != 0 {
		rd := math.Hypot(x, y)
		r, good := undistort(rd, c.K1)
		if !good {
			return dir, false
		}
		if rd > 0 {
			x, y = x*r/rd, y*r/rd
		}
	}
	n := math.Sqrt(float64(x*x) + float64(y*y) + 1)
	m := c.Matrix()
	for i := range 3 {
		dir[i] = (float64(m[0][i]*x) + float64(m[1][i]*y) + m[2][i]) / n
	}
	return dir, true
}

// undistort solves rd = r (1 + k r^2) for the smallest r >= 0 by Newton's
// method; ok is false where the lens never draws that radius.
func undistort(rd, k float64) (r float64, ok bool) {
	if k < 0 {
		// r (1 + k r^2) grows until r = 1/sqrt(-3k).
		top := 1 / math.Sqrt(float64(-3*k))
		if rd > top*(1+float64(k*top*top)) {
			return 0, false
		}
	}
	r = rd // for k > 0 above the root of a convex function: Newton descends to it
	for range 50 {
		f := float64(r*(1+float64(k*r*r))) - rd
		d := 1 + float64(3*k*r*r)
		if d <= 1e-12 {
			break
		}
		step := f / d
		r -= step
		if math.Abs(step) < 1e-15*(1+r) {
			break
		}
	}
	return r, true
}

// quaternion turns rotation rows into [w,x,y,z] with w >= 0 (Shepperd 1978).
func quaternion(m [3][3]float64) Quaternion {
	t := m[0][0] + m[1][1] + m[2][2]
	var q Quaternion
	switch {
	case t > 0:
		s := float64(math.Sqrt(t+1) * 2)
		q = Quaternion{s / 4, (m[2][1] - m[1][2]) / s, (m[0][2] - m[2][0]) / s, (m[1][0] - m[0][1]) / s}
	case m[0][0] > m[1][1] && m[0][0] > m[2][2]:
		s := float64(math.Sqrt(1+m[0][0]-m[1][1]-m[2][2]) * 2)
		q = Quaternion{(m[2][1] - m[1][2]) / s, s / 4, (m[0][1] + m[1][0]) / s, (m[0][2] + m[2][0]) / s}
	case m[1][1] > m[2][2]:
		s := float64(math.Sqrt(1+m[1][1]-m[0][0]-m[2][2]) * 2)
		q = Quaternion{(m[0][2] - m[2][0]) / s, (m[0][1] + m[1][0]) / s, s / 4, (m[1][2] + m[2][1]) / s}
	default:
		s := float64(math.Sqrt(1+m[2][2]-m[0][0]-m[1][1]) * 2)
		q = Quaternion{(m[1][0] - m[0][1]) / s, (m[0][2] + m[2][0]) / s, (m[1][2] + m[2][1]) / s, s / 4}
	}
	if q[0] < 0 {
		for i := range q {
			q[i] = -q[i]
		}
	}
	return q
}

func dot(a, b [3]float64) float64 {
	return float64(a[0]*b[0]) + float64(a[1]*b[1]) + float64(a[2]*b[2])
}
