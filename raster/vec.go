package raster

import "math"

type vec = [3]float64

// Products are converted explicitly so that no compiler fuses them into the
// following addition: the picture must not depend on the processor.

func dot(a, b vec) float64 {
	return float64(a[0]*b[0]) + float64(a[1]*b[1]) + float64(a[2]*b[2])
}

func cross(a, b vec) vec {
	return vec{
		float64(a[1]*b[2]) - float64(a[2]*b[1]),
		float64(a[2]*b[0]) - float64(a[0]*b[2]),
		float64(a[0]*b[1]) - float64(a[1]*b[0]),
	}
}

func sub(a, b vec) vec { return vec{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }
func add(a, b vec) vec { return vec{a[0] + b[0], a[1] + b[1], a[2] + b[2]} }
func scale(a vec, k float64) vec {
	return vec{float64(a[0] * k), float64(a[1] * k), float64(a[2] * k)}
}

// along returns a + k b.
func along(a, b vec, k float64) vec {
	return vec{a[0] + float64(b[0]*k), a[1] + float64(b[1]*k), a[2] + float64(b[2]*k)}
}

func length(a vec) float64 { return math.Sqrt(dot(a, a)) }

// unit returns a scaled to length one, or up when a has no direction.
func unit(a vec) vec {
	l := length(a)
	if !(l > 0) || math.IsInf(l, 0) {
		return vec{0, 0, 1}
	}
	return scale(a, 1/l)
}

func lerp(a, b, t float64) float64 { return a + float64((b-a)*t) }

func clamp(x, lo, hi float64) float64 {
	if !(x > lo) {
		return lo
	}
	if x > hi {
		return hi
	}
	return x
}

// smooth is 0 below a, 1 above b, with no slope at both ends.
func smooth(a, b, x float64) float64 {
	t := clamp((x-a)/(b-a), 0, 1)
	return float64(t * t * (3 - float64(2*t)))
}
