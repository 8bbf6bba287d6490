package sound

import (
	"math"
	"math/bits"
	"sync"
)

// FFT transforms real sequences of one length, a power of two from 4 up. The
// transform is Stockham's self-sorting one with radix 4 (Van Loan,
// Computational Frameworks for the FFT, 1992, section 1.7) on half as many
// complex numbers. An FFT holds scratch memory: one goroutine at a time. After
// NewFFT no call allocates.
type FFT struct {
	n    int
	tw   []complex64 // exp(-2 pi i k / (n/2))
	real []complex64 // exp(-2 pi i k / n), k up to n/4
	x, y []complex64
}

var twiddles sync.Map // length -> []complex64

func roots(n, count int) []complex64 {
	type key struct{ n, count int }
	if v, ok := twiddles.Load(key{n, count}); ok {
		return v.([]complex64)
	}
	w := make([]complex64, count)
	for k := range w {
		s, c := math.Sincos(-2 * math.Pi * float64(k) / float64(n))
		w[k] = complex(float32(c), float32(s))
	}
	twiddles.Store(key{n, count}, w)
	return w
}

// NewFFT prepares transforms of n real samples. It panics unless n is a power
// of two and at least 4: lengths are chosen by code, not by input.
func NewFFT(n int) *FFT {
	if n < 4 || n&(n-1) != 0 {
		panic("sound: FFT length is not a power of two")
	}
	h := n / 2
	return &FFT{n: n, tw: roots(h, h), real: roots(n, n/4+1), x: make([]complex64, h), y: make([]complex64, h)}
}

// Len is the number of real samples.
func (f *FFT) Len() int { return f.n }

// fftSize is the smallest power of two that holds n samples.
func fftSize(n int) int { return 1 << bits.Len(uint(max(n, 4)-1)) }

// Forward writes the n/2+1 coefficients of src to dst. A shorter src counts as
// padded with zeros.
func (f *FFT) Forward(dst []complex64, src []float32) {
	h := f.n / 2
	x := f.x[:h]
	m := len(src) / 2
	for i := 0; i < m; i++ {
		x[i] = complex(src[2*i], src[2*i+1])
	}
	if len(src)&1 == 1 {
		x[m] = complex(src[len(src)-1], 0)
		m++
	}
	clear(x[m:])
	z := f.run(x, f.y)
	dst = dst[:h+1]
	a, b := real(z[0]), imag(z[0])
	dst[0], dst[h] = complex(a+b, 0), complex(a-b, 0)
	for k := 1; k <= h/2; k++ {
		p, q, w := z[k], z[h-k], f.real[k]
		er, ei := (real(p)+real(q))/2, (imag(p)-imag(q))/2
		or, oi := (imag(p)+imag(q))/2, (real(q)-real(p))/2
		tr, ti := or*real(w)-oi*imag(w), or*imag(w)+oi*real(w)
		dst[k] = complex(er+tr, ei+ti)
		dst[h-k] = complex(er-tr, ti-ei)
	}
}

// Inverse writes the n samples whose coefficients are src (n/2+1) to dst, so
// that Inverse undoes Forward.
func (f *FFT) Inverse(dst []float32, src []complex64) {
	h := f.n / 2
	x := f.x[:h]
	src = src[:h+1]
	s := 1 / float32(f.n)
	// The conjugate is transformed forward: same passes, no second table.
	a, b := real(src[0]), real(src[h])
	x[0] = complex((a+b)*s, -(a-b)*s)
	for k := 1; k <= h/2; k++ {
		p, q, w := src[k], src[h-k], f.real[k]
		er, ei := real(p)+real(q), imag(p)-imag(q)
		dr, di := real(p)-real(q), imag(p)+imag(q)
		or, oi := dr*real(w)+di*imag(w), di*real(w)-dr*imag(w) // times conj(w)
		x[k] = complex((er-oi)*s, -(ei+or)*s)
		x[h-k] = complex((er+oi)*s, -(or-ei)*s)
	}
	z := f.run(x, f.y)
	dst = dst[:f.n]
	for i, v := range z {
		dst[2*i], dst[2*i+1] = real(v), -imag(v)
	}
}

// run does the passes and returns the buffer that holds the result.
func (f *FFT) run(x, y []complex64) []complex64 {
	n := len(x)
	s := 1
	for n > 2 {
		if s == 1 {
			f.first(x, y)
		} else {
			f.pass(x, y, n, s)
		}
		x, y = y, x
		n, s = n/4, s*4
	}
	if n == 2 {
		a, b := x[:s], x[s:2*s]
		c, d := y[:s], y[s:2*s]
		for q := range a {
			u, v := a[q], b[q]
			c[q], d[q] = u+v, u-v
		}
		x = y
	}
	return x
}

func (f *FFT) first(x, y []complex64) {
	m := len(x) / 4
	if fast && m >= 4 {
		firstAVX(&x[0], &y[0], &f.tw[0], m)
		return
	}
	x0, x1, x2, x3 := x[:m], x[m:2*m], x[2*m:3*m], x[3*m:4*m]
	y = y[:4*m]
	for p := range x0 {
		a, b, c, d := x0[p], x1[p], x2[p], x3[p]
		s, t := a+c, a-c
		u, v := b+d, b-d
		v = complex(-imag(v), real(v))
		o := y[4*p : 4*p+4 : 4*p+4]
		o[0] = s + u
		o[1] = turn(t-v, f.tw[p])
		o[2] = turn(s-u, f.tw[2*p])
		o[3] = turn(t+v, f.tw[3*p])
	}
}

func (f *FFT) pass(x, y []complex64, n, s int) {
	m := n / 4
	if fast {
		passAVX(&x[0], &y[0], &f.tw[0], m, s)
		return
	}
	for p := 0; p < m; p++ {
		w1, w2, w3 := f.tw[p*s], f.tw[2*p*s], f.tw[3*p*s]
		x0, x1 := x[s*p:s*(p+1)], x[s*(p+m):s*(p+m+1)]
		x2, x3 := x[s*(p+2*m):s*(p+2*m+1)], x[s*(p+3*m):s*(p+3*m+1)]
		y0, y1 := y[s*4*p:s*(4*p+1)], y[s*(4*p+1):s*(4*p+2)]
		y2, y3 := y[s*(4*p+2):s*(4*p+3)], y[s*(4*p+3):s*(4*p+4)]
		x1, x2, x3 = x1[:len(x0)], x2[:len(x0)], x3[:len(x0)]
		y0, y1, y2, y3 = y0[:len(x0)], y1[:len(x0)], y2[:len(x0)], y3[:len(x0)]
		for q := range x0 {
			a, b, c, d := x0[q], x1[q], x2[q], x3[q]
			s, t := a+c, a-c
			u, v := b+d, b-d
			v = complex(-imag(v), real(v))
			y0[q] = s + u
			y1[q] = turn(t-v, w1)
			y2[q] = turn(s-u, w2)
			y3[q] = turn(t+v, w3)
		}
	}
}

// turn is z times w in single precision; Go's own product of complex64 goes
// through double precision. The conversions keep every processor from fusing a
// product with a sum, so that all give the same bits.
func turn(z, w complex64) complex64 {
	a, b, c, d := real(z), imag(z), real(w), imag(w)
	return complex(float32(a*c)-float32(b*d), float32(b*c)+float32(a*d))
}

// against multiplies a spectrum by the conjugate of another in place: the
// spectrum of their correlation.
func against(x, y []complex64) {
	y = y[:len(x)]
	for i, v := range y {
		a, b, c, d := real(x[i]), imag(x[i]), real(v), imag(v)
		x[i] = complex(a*c+b*d, b*c-a*d)
	}
}
