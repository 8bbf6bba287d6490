package sight

import "math"

// The solver's own small mathematics. Everything here has a fixed size and a
// fixed order of operations, so that an answer has the same bytes on every
// processor: products inside sums are rounded by an explicit conversion,
// because a compiler may otherwise fuse them on some processors only.

// nParam is the length of the full state: position, left rotation vector,
// log focal length, principal point, k1.
const nParam = 10

type vec = [3]float64
type mat = [3][3]float64

func sub(a, b vec) vec { return vec{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }

func cross(a, b vec) vec {
	return vec{float64(a[1]*b[2]) - float64(a[2]*b[1]), float64(a[2]*b[0]) - float64(a[0]*b[2]), float64(a[0]*b[1]) - float64(a[1]*b[0])}
}

func norm(a vec) float64 { return math.Sqrt(dot(a, a)) }

func scaled(a vec, s float64) vec {
	return vec{float64(a[0] * s), float64(a[1] * s), float64(a[2] * s)}
}

func apply(m *mat, v vec) vec { return vec{dot(m[0], v), dot(m[1], v), dot(m[2], v)} }

func rows(q Quaternion) mat { return mat(Camera{Rotation: q}.Matrix()) }

// exp is e^x to about one unit in the last place, without fused operations.
func exp(x float64) float64 {
	const ln2hi, ln2lo = 6.93147180369123816490e-01, 1.90821492927058770002e-10
	if x > 700 {
		return math.Inf(1)
	}
	if x < -700 || x != x {
		return 0
	}
	k := math.Floor(x/math.Ln2 + 0.5)
	r := x - float64(k*ln2hi)
	r -= float64(k * ln2lo)
	s := 1.0
	for i := 14; i >= 1; i-- {
		s = 1 + float64(r*s*over[i])
	}
	return math.Ldexp(s, int(k))
}

// over holds 1/i: divisions would be half the time of exp and log.
var over = func() (o [28]float64) {
	for i := 1; i < len(o); i++ {
		o[i] = 1 / float64(i)
	}
	return o
}()

// log is the natural logarithm, by the series of atanh, without fused
// operations.
func log(x float64) float64 {
	if !(x > 0) {
		return math.Inf(-1)
	}
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	t := (m - 1) / (m + 1)
	t2 := float64(t * t)
	s := 0.0
	for i := 27; i >= 1; i -= 2 {
		s = float64(s*t2) + over[i]
	}
	return float64(2*t*s) + float64(float64(e)*math.Ln2)
}

// square is a symmetric matrix of the state's size.
type square [nParam][nParam]float64

// cholesky factors the leading n rows of a (lower triangle, in place); false
// when a is not positive definite.
func (a *square) cholesky(n int) bool {
	for i := range n {
		for j := 0; j <= i; j++ {
			s := a[i][j]
			for k := range j {
				s -= float64(a[i][k] * a[j][k])
			}
			if i == j {
				if !(s > 0) {
					return false
				}
				a[i][i] = math.Sqrt(s)
			} else {
				a[i][j] = s / a[j][j]
			}
		}
	}
	return true
}

// solve solves L L' x = b in place, for a factor of cholesky.
func (a *square) solve(n int, b *[nParam]float64) {
	for i := range n {
		s := b[i]
		for k := range i {
			s -= float64(a[i][k] * b[k])
		}
		b[i] = s / a[i][i]
	}
	for i := n - 1; i >= 0; i-- {
		s := b[i]
		for k := i + 1; k < n; k++ {
			s -= float64(a[k][i] * b[k])
		}
		b[i] = s / a[i][i]
	}
}

// inverse of a symmetric positive definite matrix, scaled first so that
// metres, radians and pixels do not spoil the condition.
func (a *square) inverse() (inv square, ok bool) {
	var s [nParam]float64
	m := *a
	for i := range nParam {
		if !(m[i][i] > 0) {
			return inv, false
		}
		s[i] = 1 / math.Sqrt(m[i][i])
	}
	for i := range nParam {
		for j := range nParam {
			m[i][j] = float64(a[i][j] * s[i] * s[j])
		}
	}
	if !m.cholesky(nParam) {
		return inv, false
	}
	for j := range nParam {
		var e [nParam]float64
		e[j] = 1
		m.solve(nParam, &e)
		for i := range nParam {
			inv[i][j] = float64(e[i] * s[i] * s[j])
		}
	}
	for i := range nParam {
		for j := range i {
			v := (inv[i][j] + inv[j][i]) / 2
			inv[i][j], inv[j][i] = v, v
		}
	}
	return inv, true
}

// eigen3 gives the eigenvalues of a symmetric matrix, largest first, and its
// unit eigenvectors as rows (Jacobi).
func eigen3(a mat) (val vec, vecs mat) {
	v := mat{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	for range 30 {
		off := math.Abs(a[0][1]) + math.Abs(a[0][2]) + math.Abs(a[1][2])
		if off < 1e-300 || off < 1e-17*(math.Abs(a[0][0])+math.Abs(a[1][1])+math.Abs(a[2][2])) {
			break
		}
		for p := 0; p < 2; p++ {
			for q := p + 1; q < 3; q++ {
				if a[p][q] == 0 {
					continue
				}
				th := (a[q][q] - a[p][p]) / (2 * a[p][q])
				t := 1 / (math.Abs(th) + math.Sqrt(float64(th*th)+1))
				if th < 0 {
					t = -t
				}
				c := 1 / math.Sqrt(float64(t*t)+1)
				s := float64(t * c)
				for k := range 3 {
					x, y := a[k][p], a[k][q]
					a[k][p], a[k][q] = float64(c*x)-float64(s*y), float64(s*x)+float64(c*y)
				}
				for k := range 3 {
					x, y := a[p][k], a[q][k]
					a[p][k], a[q][k] = float64(c*x)-float64(s*y), float64(s*x)+float64(c*y)
				}
				for k := range 3 {
					x, y := v[p][k], v[q][k]
					v[p][k], v[q][k] = float64(c*x)-float64(s*y), float64(s*x)+float64(c*y)
				}
			}
		}
	}
	o := [3]int{0, 1, 2}
	for i := range 2 {
		for j := i + 1; j < 3; j++ {
			if a[o[j]][o[j]] > a[o[i]][o[i]] {
				o[i], o[j] = o[j], o[i]
			}
		}
	}
	for i, k := range o {
		val[i], vecs[i] = a[k][k], v[k]
	}
	return val, vecs
}

// pcg is the PCG-XSH-RR 32-bit generator (O'Neill 2014).
type pcg struct{ s, inc uint64 }

func newPCG(seed uint64) pcg {
	p := pcg{inc: seed<<1 | 1}
	p.next()
	p.s += seed
	p.next()
	return p
}

func (p *pcg) next() uint32 {
	o := p.s
	p.s = o*6364136223846793005 + p.inc
	x := uint32((o>>18 ^ o) >> 27)
	r := uint32(o >> 59)
	return x>>r | x<<(-r&31)
}

func (p *pcg) unit() float64 { return (float64(p.next()) + 0.5) / (1 << 32) }

func (p *pcg) intn(n int) int { return int(uint64(p.next()) * uint64(n) >> 32) }

// normals fills a pair of standard normal values (Marsaglia's polar method).
func (p *pcg) normals() (a, b float64) {
	for {
		x, y := float64(2*p.unit())-1, float64(2*p.unit())-1
		s := float64(x*x) + float64(y*y)
		if s < 1 && s > 0 {
			m := math.Sqrt(-2 * log(s) / s)
			return float64(x * m), float64(y * m)
		}
	}
}
