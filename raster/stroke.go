package raster

import (
	"image/color"
	"math"
)

// inkPoint is a point of a line in the picture.
type inkPoint struct {
	x, y float64
	seen sight3
}

// sight3 says what the camera sees of a point.
type sight3 uint8

const (
	seen   sight3 = iota
	behind        // hidden by a body
	buried        // hidden by the ground
)

// blend lays a colour over a pixel.
func (c *canvas) blend(i int, col color.NRGBA, alpha float64) {
	a := alpha * float64(col.A) / 255
	if a <= 0 {
		return
	}
	p := c.img.RGBA.Pix[4*i : 4*i+3 : 4*i+3]
	for k, x := range [3]uint8{col.R, col.G, col.B} {
		p[k] = uint8(lerp(float64(p[k]), float64(x), min(a, 1)) + 0.5)
	}
}

// trail projects a polyline, about a pixel a step, and tests every step
// against the depth buffer. It returns one list for each stretch inside the
// picture.
func (c *canvas) trail(points [][3]float64) [][]inkPoint {
	var out [][]inkPoint
	var cur []inkPoint
	flush := func() {
		if len(cur) > 1 {
			out = append(out, settle(cur))
		}
		cur = nil
	}
	margin := 8 * c.o.Scale
	for i := 0; i+1 < len(points); i++ {
		a, b := c.v.toCamera(points[i]), c.v.toCamera(points[i+1])
		near := c.o.NearM
		if !(a[2] >= near || b[2] >= near) {
			flush()
			continue
		}
		if a[2] < near {
			a = along(a, sub(b, a), (near-a[2])/(b[2]-a[2]))
			flush()
		}
		if b[2] < near {
			b = along(b, sub(a, b), (near-b[2])/(a[2]-b[2]))
		}
		lo, hi, ok := c.inFrame(a, b, margin)
		if !ok {
			flush()
			continue
		}
		if lo > 0 {
			flush()
		}
		pixels := math.Hypot(b[0]/b[2]-a[0]/a[2], b[1]/b[2]-a[1]/a[2]) * c.v.f * (hi - lo)
		n := int(clamp(math.Ceil(pixels), 1, 8192))
		for k := range n + 1 {
			if k == 0 && len(cur) > 0 {
				continue
			}
			s := lerp(lo, hi, float64(k)/float64(n))
			// s runs evenly over the picture; depth follows its inverse.
			x, y := lerp(a[0]/a[2], b[0]/b[2], s), lerp(a[1]/a[2], b[1]/b[2], s)
			z := 1 / lerp(1/a[2], 1/b[2], s)
			u, w, ok := c.v.pixel(x, y)
			if !ok {
				flush()
				continue
			}
			cur = append(cur, inkPoint{u, w, c.look(u, w, z)})
		}
		if hi < 1 {
			flush()
		}
	}
	flush()
	return out
}

// inFrame clips the picture line a-b to the picture and a margin. It returns
// the stretch as parts of the line, 0..1.
func (c *canvas) inFrame(a, b vec, margin float64) (lo, hi float64, ok bool) {
	m := margin
	if c.v.lens != nil {
		m += float64(c.w+c.h) / 4 // the lens moves what is near the border
	}
	x0, y0 := float64(c.v.f*(a[0]/a[2]))+c.v.cx, float64(c.v.f*(a[1]/a[2]))+c.v.cy
	x1, y1 := float64(c.v.f*(b[0]/b[2]))+c.v.cx, float64(c.v.f*(b[1]/b[2]))+c.v.cy
	lo, hi = 0, 1
	for _, e := range [4][2]float64{{x0 + m, x1 + m}, {float64(c.w) + m - x0, float64(c.w) + m - x1}, {y0 + m, y1 + m}, {float64(c.h) + m - y0, float64(c.h) + m - y1}} {
		p, q := e[0], e[1]
		switch {
		case p < 0 && q < 0:
			return 0, 0, false
		case p < 0:
			lo = max(lo, p/(p-q))
		case q < 0:
			hi = min(hi, p/(p-q))
		}
	}
	return lo, hi, lo < hi || lo == 0 && hi > 0
}

// visible compares a depth with the farthest of the nine pixels around a
// point, so that an outline is not hidden by the face it belongs to.
func (c *canvas) visible(u, w, z float64) bool {
	x, y := int(math.Floor(u)), int(math.Floor(w))
	far := float32(0)
	for j := max(0, y-1); j <= min(c.h-1, y+1); j++ {
		for i := max(0, x-1); i <= min(c.w-1, x+1); i++ {
			far = max(far, c.centre.z[j*c.w+i])
		}
	}
	return far == 0 || z <= float64(far)*1.001+0.02
}

// look is visible with the kind of surface that hides the point.
func (c *canvas) look(u, w, z float64) sight3 {
	if c.visible(u, w, z) {
		return seen
	}
	x, y := min(max(int(u), 0), c.w-1), min(max(int(w), 0), c.h-1)
	if t := c.centre.tri[y*c.w+x]; t >= 0 && c.p.meshes[c.p.tris[t].mesh].Kind == Solid {
		return behind
	}
	return buried
}

// settle removes changes of visibility shorter than three pixels: they come
// from the grid of pixels, not from the scene.
func settle(pts []inkPoint) []inkPoint {
	for i := 0; i < len(pts); {
		j := i
		for j < len(pts) && pts[j].seen == pts[i].seen {
			j++
		}
		if i > 0 && j < len(pts) && j-i < 3 {
			for k := i; k < j; k++ {
				pts[k].seen = pts[i-1].seen
			}
		}
		i = j
	}
	return pts
}

// ink draws a world polyline with its hidden parts.
func (c *canvas) ink(points [][3]float64, col color.NRGBA, width float64, dash []float64, hidden Hidden) {
	scaled := make([]float64, len(dash))
	for i, d := range dash {
		scaled[i] = d * c.o.Scale
	}
	for _, run := range c.trail(points) {
		for i := 0; i < len(run)-1; {
			j := i + 1
			for j < len(run)-1 && run[j].seen == run[i].seen {
				j++
			}
			part := run[i : j+1]
			switch {
			case run[i].seen == seen || hidden == Shown:
				c.stroke(part, col, width*c.o.Scale, scaled)
			case hidden == Dotted || hidden == dottedBehind && run[i].seen == behind:
				faint := col
				faint.A = uint8(float64(col.A) * 0.6)
				c.stroke(part, faint, width*c.o.Scale*0.85, []float64{1.6 * c.o.Scale, 4 * c.o.Scale})
			}
			i = j
		}
	}
}

// stroke draws a line in the picture. Dash lengths are in pixels.
func (c *canvas) stroke(pts []inkPoint, col color.NRGBA, width float64, dash []float64) {
	if len(pts) < 2 {
		return
	}
	total := 0.0
	for _, d := range dash {
		total += d
	}
	if !(total > 0.2) {
		c.strokeSolid(pts, col, width)
		return
	}
	// Walk along the line, switching pens at the ends of dashes.
	k, left, on := 0, dash[0], true
	cur := []inkPoint{pts[0]}
	for i := 1; i < len(pts); i++ {
		a, b := pts[i-1], pts[i]
		l := math.Hypot(b.x-a.x, b.y-a.y)
		for l > left {
			t := left / l
			m := inkPoint{lerp(a.x, b.x, t), lerp(a.y, b.y, t), seen}
			if on {
				c.strokeSolid(append(cur, m), col, width)
			}
			cur = []inkPoint{m}
			a, l = m, l-left
			k = (k + 1) % len(dash)
			left, on = max(dash[k], 0.1), !on
		}
		left -= l
		cur = append(cur, b)
	}
	if on && len(cur) > 1 {
		c.strokeSolid(cur, col, width)
	}
}

// strokeSolid covers pixels by their distance to the line. Coverage is
// gathered in a mask first so that joints are not painted twice.
func (c *canvas) strokeSolid(pts []inkPoint, col color.NRGBA, width float64) {
	if c.mask == nil {
		c.mask = make([]float32, c.w*c.h)
	}
	r := width/2 + 0.5
	bx0, by0, bx1, by1 := c.w, c.h, -1, -1
	for i := 1; i < len(pts); i++ {
		a, b := pts[i-1], pts[i]
		x0, x1 := max(0, int(math.Floor(min(a.x, b.x)-r))), min(c.w-1, int(math.Floor(max(a.x, b.x)+r)))
		y0, y1 := max(0, int(math.Floor(min(a.y, b.y)-r))), min(c.h-1, int(math.Floor(max(a.y, b.y)+r)))
		dx, dy := b.x-a.x, b.y-a.y
		l2 := float64(dx*dx) + float64(dy*dy)
		for y := y0; y <= y1; y++ {
			for x := x0; x <= x1; x++ {
				px, py := float64(x)+0.5-a.x, float64(y)+0.5-a.y
				t := 0.0
				if l2 > 0 {
					t = clamp((float64(px*dx)+float64(py*dy))/l2, 0, 1)
				}
				ex, ey := px-float64(t*dx), py-float64(t*dy)
				if k := float32(coverage(math.Sqrt(float64(ex*ex)+float64(ey*ey)), width)); k > c.mask[y*c.w+x] {
					c.mask[y*c.w+x] = k
				}
			}
		}
		bx0, bx1, by0, by1 = min(bx0, x0), max(bx1, x1), min(by0, y0), max(by1, y1)
	}
	for y := by0; y <= by1; y++ {
		for x := bx0; x <= bx1; x++ {
			i := y*c.w + x
			if c.mask[i] > 0 {
				c.blend(i, col, float64(c.mask[i]))
				c.mask[i] = 0
			}
		}
	}
}
