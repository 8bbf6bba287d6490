package sun

import (
	"fmt"
	"math"
)

// at is a time in seconds and the value there.
type at struct{ t, v float64 }

// stepSeconds is the scan before the root finding. In four minutes the sun
// moves one degree and cannot come close to a direction and leave it again
// unnoticed: its distance to a fixed direction has two minima a day.
const stepSeconds = 240.0

// sample evaluates f over a window, refines every local minimum and maximum,
// and returns all points in order.
func sample(f func(float64) float64, from, to float64) []at {
	n := max(2, int(math.Ceil((to-from)/stepSeconds)))
	raw := make([]at, n+1)
	for i := range raw {
		t := from + (to-from)*float64(i)/float64(n)
		raw[i] = at{t, f(t)}
	}
	out := make([]at, 0, len(raw)+8)
	for i, p := range raw {
		out = append(out, p)
		lo, hi := raw[max(0, i-1)], raw[min(n, i+1)]
		switch {
		case p.v <= lo.v && p.v <= hi.v && !math.IsInf(p.v, 1) && (p.v < lo.v || p.v < hi.v):
			out = append(out, golden(f, lo.t, hi.t, 1))
		case p.v >= lo.v && p.v >= hi.v && !math.IsInf(p.v, 1) && (p.v > lo.v || p.v > hi.v):
			out = append(out, golden(f, lo.t, hi.t, -1))
		case math.IsInf(p.v, 1) != math.IsInf(lo.v, 1):
			// The edge of day or of a face: the last finite point counts too.
			a, b := lo.t, p.t
			for range 60 {
				m := (a + b) / 2
				if m <= a || m >= b || b-a < 1e-4 {
					break
				}
				if math.IsInf(f(m), 1) == math.IsInf(lo.v, 1) {
					a = m
				} else {
					b = m
				}
			}
			t := a
			if math.IsInf(lo.v, 1) {
				t = b
			}
			out = append(out, at{t, f(t)})
		}
	}
	// The refined points lie next to their sample, so an insertion sort is linear.
	for i := 1; i < len(out); i++ {
		for j := i; j > 0 && out[j].t < out[j-1].t; j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out
}

// golden finds the extreme of sign*f between a and b to 0.1 ms.
func golden(f func(float64) float64, a, b, sign float64) at {
	const g = 0.6180339887498949
	c, d := b-g*(b-a), a+g*(b-a)
	fc, fd := sign*f(c), sign*f(d)
	for b-a > 1e-4 {
		if fc < fd {
			b, d, fd = d, c, fc
			c = b - g*(b-a)
			fc = sign * f(c)
		} else {
			a, c, fc = c, d, fd
			d = a + g*(b-a)
			fd = sign * f(d)
		}
	}
	if fc < fd {
		return at{c, sign * fc}
	}
	return at{d, sign * fd}
}

// below gives the intervals where f <= limit, their ends by bisection.
func below(f func(float64) float64, grid []at, limit float64) (out [][2]float64) {
	edge := func(in, outside float64) float64 {
		for range 80 {
			m := (in + outside) / 2
			if math.Abs(in-outside) < 1e-4 || m == in || m == outside {
				break
			}
			if f(m) <= limit {
				in = m
			} else {
				outside = m
			}
		}
		return in
	}
	open := false
	for i, p := range grid {
		inside := p.v <= limit
		switch {
		case inside && !open:
			start := p.t
			if i > 0 {
				start = edge(p.t, grid[i-1].t)
			}
			out, open = append(out, [2]float64{start, p.t}), true
		case inside:
			out[len(out)-1][1] = p.t
		case open:
			out[len(out)-1][1], open = edge(grid[i-1].t, p.t), false
		}
	}
	return out
}

// Small matrices: a problem has a handful of shadows.

func dot(a, b [3]float64) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }
func norm(a [3]float64) float64   { return math.Sqrt(dot(a, a)) }

func square(n int) [][]float64 {
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n)
	}
	return m
}

// sandwich is j c j'.
func sandwich(j, c [][]float64) [][]float64 {
	out := square(len(j))
	for a := range j {
		half := make([]float64, len(c))
		for k, x := range j[a] {
			if x != 0 {
				for l, y := range c[k] {
					half[l] += x * y
				}
			}
		}
		for b := range j {
			for l, y := range j[b] {
				out[a][b] += half[l] * y
			}
		}
	}
	return out
}

// positive reports whether a matrix is symmetric and has no negative
// eigenvalue, up to rounding (a zero variance is allowed: an exact point).
func positive(m [][]float64) bool {
	scale := 0.0
	for i := range m {
		if !(m[i][i] >= 0) || math.IsInf(m[i][i], 1) {
			return false
		}
		scale = math.Max(scale, m[i][i])
	}
	for i := range m {
		for j := range i {
			if !(math.Abs(m[i][j]-m[j][i]) <= 1e-9*scale) {
				return false
			}
		}
	}
	if scale == 0 {
		for i := range m {
			for j := range m {
				if m[i][j] != 0 {
					return false
				}
			}
		}
		return true
	}
	lifted := square(len(m))
	for i := range m {
		copy(lifted[i], m[i])
		lifted[i][i] += 1e-9 * scale
	}
	_, err := cholesky(lifted)
	return err == nil
}

func cholesky(m [][]float64) ([][]float64, error) {
	l := square(len(m))
	for i := range m {
		for j := 0; j <= i; j++ {
			s := m[i][j]
			for k := range j {
				s -= l[i][k] * l[j][k]
			}
			if i != j {
				l[i][j] = s / l[j][j]
				continue
			}
			if !(s > 0) {
				return nil, fmt.Errorf("%w: pivot %d is %g", ErrNotPositiveDefinite, i, s)
			}
			l[i][i] = math.Sqrt(s)
		}
	}
	return l, nil
}

// invert a positive definite matrix.
func invert(m [][]float64) ([][]float64, error) {
	l, err := cholesky(m)
	if err != nil {
		return nil, err
	}
	n := len(m)
	inv := square(n)
	for c := range n {
		x := make([]float64, n)
		for i := range n {
			if i == c {
				x[i] = 1
			}
			for k := range i {
				x[i] -= l[i][k] * x[k]
			}
			x[i] /= l[i][i]
		}
		for i := n - 1; i >= 0; i-- {
			for k := i + 1; k < n; k++ {
				x[i] -= l[k][i] * x[k]
			}
			x[i] /= l[i][i]
		}
		for i := range n {
			inv[i][c] = x[i]
		}
	}
	return inv, nil
}
