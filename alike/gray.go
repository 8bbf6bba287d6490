package alike

import (
	"image"
	"math"
)

// FromImage turns a picture into light, 0.299 R + 0.587 G + 0.114 B, over
// white where it is transparent.
func FromImage(src image.Image) Gray {
	b := src.Bounds()
	g := Gray{W: b.Dx(), H: b.Dy(), Pix: make([]float32, b.Dx()*b.Dy())}
	luma := func(r, gr, bl uint32) float32 {
		return 0.299*float32(r) + 0.587*float32(gr) + 0.114*float32(bl)
	}
	switch s := src.(type) {
	case *image.Gray:
		for y := range g.H {
			for x := range g.W {
				g.Pix[y*g.W+x] = float32(s.Pix[y*s.Stride+x])
			}
		}
	case *image.YCbCr:
		for y := range g.H {
			row := s.Y[s.YOffset(b.Min.X, b.Min.Y+y):]
			for x := range g.W {
				g.Pix[y*g.W+x] = float32(row[x])
			}
		}
	case *image.RGBA:
		for y := range g.H {
			row := s.Pix[s.PixOffset(b.Min.X, b.Min.Y+y):]
			for x := range g.W {
				p := row[4*x : 4*x+4]
				g.Pix[y*g.W+x] = luma(uint32(p[0]), uint32(p[1]), uint32(p[2])) + float32(255-p[3])
			}
		}
	default:
		for y := range g.H {
			for x := range g.W {
				r, gr, bl, a := src.At(b.Min.X+x, b.Min.Y+y).RGBA()
				g.Pix[y*g.W+x] = luma(r, gr, bl)/257 + float32(0xffff-a)/257
			}
		}
	}
	return g
}

// Resize scales with a Lanczos filter of three lobes, widened when shrinking,
// so that nothing aliases.
func (g Gray) Resize(w, h int) Gray {
	if w < 1 || h < 1 || g.W < 1 || g.H < 1 {
		return Gray{}
	}
	if w == g.W && h == g.H {
		return g
	}
	mid := Gray{W: w, H: g.H, Pix: make([]float32, w*g.H)}
	for x, t := range taps(g.W, w) {
		for y := range g.H {
			row := g.Pix[y*g.W:]
			var s float32
			for k, c := range t.c {
				s += c * row[t.from+k]
			}
			mid.Pix[y*w+x] = s
		}
	}
	out := Gray{W: w, H: h, Pix: make([]float32, w*h)}
	for y, t := range taps(g.H, h) {
		dst := out.Pix[y*w : (y+1)*w]
		for k, c := range t.c {
			src := mid.Pix[(t.from+k)*w : (t.from+k+1)*w]
			for x := range dst {
				dst[x] += c * src[x]
			}
		}
		for x, v := range dst {
			dst[x] = min(max(v, 0), 255)
		}
	}
	return out
}

type tap struct {
	from int
	c    []float32
}

func taps(in, out int) []tap {
	scale := float64(in) / float64(out)
	widen := max(scale, 1)
	list := make([]tap, out)
	for i := range list {
		center := (float64(i) + 0.5) * scale
		lo, hi := max(0, int(center-3*widen+0.5)), min(in, int(center+3*widen+0.5))
		if hi <= lo {
			lo = min(max(0, int(center)), in-1)
			hi = lo + 1
		}
		t := tap{from: lo, c: make([]float32, hi-lo)}
		sum := 0.0
		for k := range t.c {
			v := lanczos((float64(lo+k) + 0.5 - center) / widen)
			t.c[k] = float32(v)
			sum += v
		}
		if sum == 0 {
			t.c[0], sum = 1, 1
		}
		for k := range t.c {
			t.c[k] /= float32(sum)
		}
		list[i] = t
	}
	return list
}

func lanczos(x float64) float64 {
	if x == 0 {
		return 1
	}
	if x <= -3 || x >= 3 {
		return 0
	}
	p := math.Pi * x
	return 3 * math.Sin(p) * math.Sin(p/3) / (p * p)
}

// Fit scales the picture down so that its longer side is at most side.
func (g Gray) Fit(side int) Gray {
	long := max(g.W, g.H)
	if long <= side {
		return g
	}
	return g.Resize(max(1, (g.W*side+long/2)/long), max(1, (g.H*side+long/2)/long))
}

// Cut is the part of the picture from x0, y0 up to x1, y1, kept inside it.
func (g Gray) Cut(x0, y0, x1, y1 int) Gray {
	x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, g.W), min(y1, g.H)
	if x1 <= x0 || y1 <= y0 {
		return Gray{}
	}
	out := Gray{W: x1 - x0, H: y1 - y0, Pix: make([]float32, (x1-x0)*(y1-y0))}
	for y := range out.H {
		copy(out.Pix[y*out.W:(y+1)*out.W], g.Pix[(y0+y)*g.W+x0:])
	}
	return out
}

// Bars finds bands of one flat shade along the sides, as letterboxing leaves
// them, and returns the picture between them. Less than two of a hundred rows
// is no bar, and a picture that is flat all over has none.
func (g Gray) Bars() (x0, y0, x1, y1 int) {
	x1, y1 = g.W, g.H
	flat := func(at, step, n int) bool {
		lo, hi := float32(255), float32(0)
		for range n {
			lo, hi = min(lo, g.Pix[at]), max(hi, g.Pix[at])
			at += step
		}
		return hi-lo <= 12
	}
	row := func(y int) bool { return flat(y*g.W, 1, g.W) }
	col := func(x int) bool { return flat(x+y0*g.W, g.W, y1-y0) }
	for y0 < g.H && row(y0) {
		y0++
	}
	if y0 == g.H {
		return 0, 0, g.W, g.H
	}
	for y1 > y0 && row(y1-1) {
		y1--
	}
	for x0 < g.W && col(x0) {
		x0++
	}
	for x1 > x0 && col(x1-1) {
		x1--
	}
	small := func(n, of int) bool { return n*50 < of }
	if small(y0, g.H) {
		y0 = 0
	}
	if small(g.H-y1, g.H) {
		y1 = g.H
	}
	if small(x0, g.W) {
		x0 = 0
	}
	if small(g.W-x1, g.W) {
		x1 = g.W
	}
	if x1-x0 < 16 || y1-y0 < 16 {
		return 0, 0, g.W, g.H
	}
	return x0, y0, x1, y1
}
