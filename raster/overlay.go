package raster

import (
	"image/color"
	"math"
)

func nrgba(c rgb, alpha float64) color.NRGBA {
	return color.NRGBA{uint8(c[0]*255 + 0.5), uint8(c[1]*255 + 0.5), uint8(c[2]*255 + 0.5), uint8(alpha*255 + 0.5)}
}

// or returns the colour, or the ink of the sheet when none was given.
func or(c color.NRGBA) color.NRGBA {
	if c == (color.NRGBA{}) {
		return nrgba(paperInk, 1)
	}
	return c
}

// drawOutlines draws where bodies end or fold. The certainty shows here too:
// what is conjectural keeps its hidden edges as dots, as in a drawing of
// something nobody measured.
func (c *canvas) drawOutlines() {
	for _, e := range c.p.edges {
		col, width, hidden := paperInk, 1.3, Drop
		var dash []float64
		switch {
		case e.kind == Road:
			col, width = paperMajor, 0.9
			if e.class == Conjectural {
				dash = []float64{5, 3}
			}
		case c.o.Plain:
		case e.class == Conjectural:
			hidden = dottedBehind
		case e.class == Derived:
			col = hex(0x50565B)
		}
		d := c.v.toCamera(scale(add(e.a, e.b), 0.5))[2]
		fade := 1 - float64(0.7*c.haze(max(d, 0)))
		c.ink([][3]float64{e.a, e.b}, nrgba(col, fade), width, dash, hidden)
	}
}

// drawLines draws the lines of the scene and its cameras.
func (c *canvas) drawLines(s *Scene) {
	for i := range s.Lines {
		l := &s.Lines[i]
		w := l.WidthPx
		if w <= 0 {
			w = 1.2
		}
		c.ink(l.Points, or(l.Colour), w, l.Dash, l.Hidden)
	}
	for i := range s.Frusta {
		c.drawFrustum(&s.Frusta[i])
	}
}

// drawFrustum draws the four corner rays of a camera, its picture frame and a
// tick at the upper side.
func (c *canvas) drawFrustum(f *Frustum) {
	v, err := newView(f.Camera)
	if err != nil {
		c.img.Left = append(c.img.Left, "camera: "+err.Error())
		return
	}
	l, w := f.LengthM, f.WidthPx
	if !(l > 0) {
		l = 6
	}
	if !(w > 0) {
		w = 1.2
	}
	corner := func(u, y float64) vec {
		rx, ry := v.ray(u, y)
		if math.IsNaN(rx) {
			rx, ry = (u-v.cx)/v.f, (y-v.cy)/v.f
		}
		return v.toWorld(rx, ry, l)
	}
	W, H := float64(v.w), float64(v.h)
	q := [4]vec{corner(0, 0), corner(W, 0), corner(W, H), corner(0, H)}
	var dash []float64
	if !f.Solved {
		dash = []float64{5, 4}
	}
	col := or(f.Colour)
	for i := range q {
		c.ink([][3]float64{v.pos, q[i]}, col, w, dash, Dotted)
	}
	c.ink([][3]float64{q[0], q[1], q[2], q[3], q[0]}, col, w, dash, Dotted)
	top := along(scale(add(q[0], q[1]), 0.5), sub(q[0], q[3]), 0.18)
	c.ink([][3]float64{along(q[0], sub(q[1], q[0]), 0.4), top, along(q[0], sub(q[1], q[0]), 0.6)}, col, w, nil, Dotted)
}

// onGround reports the east and north of the ground seen at a pixel's centre.
func (c *canvas) onGround(x, y int) (e, n float64, ok bool) {
	i := y*c.w + x
	t := c.centre.tri[i]
	if t < 0 || c.p.meshes[c.p.tris[t].mesh].Kind == Solid {
		return 0, 0, false
	}
	rx, ry := c.v.ray(float64(x)+0.5, float64(y)+0.5)
	q := c.v.toWorld(rx, ry, float64(c.centre.z[i]))
	return q[0], q[1], true
}

// drawAreas lays ellipses and wedges over the ground.
func (c *canvas) drawAreas(s *Scene) {
	if len(s.Ellipses)+len(s.Wedges) == 0 {
		return
	}
	// Ground coordinates of all pixels once; NaN where there is none.
	ground := make([][2]float64, c.w*c.h)
	for y := range c.h {
		for x := range c.w {
			e, n, ok := c.onGround(x, y)
			if !ok {
				e = math.NaN()
			}
			ground[y*c.w+x] = [2]float64{e, n}
		}
	}
	for i := range s.Wedges {
		c.drawWedge(&s.Wedges[i], ground)
	}
	for i := range s.Ellipses {
		c.drawEllipse(&s.Ellipses[i], ground)
	}
}

// bearing turns a compass bearing into a unit vector east, north.
func bearing(deg float64) (e, n float64) {
	s, c := math.Sincos(deg * math.Pi / 180)
	return s, c
}

func (c *canvas) drawEllipse(el *Ellipse, ground [][2]float64) {
	if !(el.SemiMajorM > 0 && el.SemiMinorM > 0) {
		return
	}
	be, bn := bearing(el.BearingDeg)
	col := or(el.Colour)
	width := el.WidthPx
	if !(width > 0) {
		width = 1.4
	}
	width *= c.o.Scale
	// q is the radius in the ellipse's own measure: 1 on the outline.
	local := func(g [2]float64) (a, b, q float64) {
		de, dn := g[0]-el.Centre[0], g[1]-el.Centre[1]
		a = (float64(de*be) + float64(dn*bn)) / el.SemiMajorM
		b = (float64(de*bn) - float64(dn*be)) / el.SemiMinorM
		return a, b, math.Sqrt(float64(a*a) + float64(b*b))
	}
	// Dashes of about equal length: their number follows the circumference.
	dashes := math.Round(clamp(math.Pi*(el.SemiMajorM+el.SemiMinorM)/6, 24, 72))
	for y := range c.h {
		for x := range c.w {
			i := y*c.w + x
			if math.IsNaN(ground[i][0]) {
				continue
			}
			a, b, q := local(ground[i])
			if q < 1 && el.Fill > 0 {
				c.blend(i, col, el.Fill)
			}
			grad := c.steepness(ground, x, y, q, func(g [2]float64) float64 { _, _, q := local(g); return q })
			if !(grad > 0) {
				continue
			}
			k := coverage(math.Abs(q-1)/grad, width)
			if k > 0 && el.Dashed {
				turn := math.Atan2(b, a) / (2 * math.Pi) * dashes
				if turn -= math.Floor(turn); turn > 0.62 {
					k = 0
				}
			}
			c.blend(i, col, k)
		}
	}
}

// steepness is how fast a function of the ground changes from a pixel to the
// next, from neighbours on the ground; the smaller difference is taken so
// that a silhouette does not count.
func (c *canvas) steepness(ground [][2]float64, x, y int, here float64, f func([2]float64) float64) float64 {
	diff := func(dx, dy int) float64 {
		best := math.Inf(1)
		for _, s := range [2]int{1, -1} {
			i, j := x+s*dx, y+s*dy
			if i < 0 || j < 0 || i >= c.w || j >= c.h || math.IsNaN(ground[j*c.w+i][0]) {
				continue
			}
			best = min(best, math.Abs(f(ground[j*c.w+i])-here))
		}
		return best
	}
	dx, dy := diff(1, 0), diff(0, 1)
	if math.IsInf(dx, 1) || math.IsInf(dy, 1) {
		return 0
	}
	return math.Sqrt(float64(dx*dx) + float64(dy*dy))
}

func (c *canvas) drawWedge(w *Wedge, ground [][2]float64) {
	if !(w.RangeM > 0 && w.HalfDeg > 0) {
		return
	}
	be, bn := bearing(w.HeadingDeg)
	limit := math.Cos(min(w.HalfDeg, 180) * math.Pi / 180)
	col := or(w.Colour)
	for i, g := range ground {
		de, dn := g[0]-w.Apex[0], g[1]-w.Apex[1]
		d := math.Hypot(de, dn)
		if !(d < w.RangeM) {
			continue
		}
		if d > 0 && (float64(de*be)+float64(dn*bn))/d < limit {
			continue
		}
		c.blend(i, col, w.Fill*(1-d/w.RangeM))
	}
}

// drawMarkers draws marks of fixed size with a double casing.
func (c *canvas) drawMarkers(s *Scene) {
	for i := range s.Markers {
		m := &s.Markers[i]
		u, w, z, ok := c.v.project(m.At)
		if !ok || z < c.o.NearM || !m.Through && !c.visible(u, w, z) {
			continue
		}
		c.drawMarker(m, u, w)
	}
}

func (c *canvas) drawMarker(m *Marker, u, w float64) {
	k := c.o.Scale
	r := m.RadiusPx
	if !(r > 0) {
		r = 5
	}
	r *= k
	col := or(m.Colour)
	white, black := color.NRGBA{255, 255, 255, 255}, color.NRGBA{0, 0, 0, 255}
	if m.Shape == Cross {
		for _, pass := range []struct {
			c     color.NRGBA
			width float64
		}{{black, 2*k + 5*k}, {white, 2*k + 3*k}, {col, 2 * k}} {
			c.strokeSolid([]inkPoint{{u - r, w, seen}, {u + r, w, seen}}, pass.c, pass.width)
			c.strokeSolid([]inkPoint{{u, w - r, seen}, {u, w + r, seen}}, pass.c, pass.width)
		}
		return
	}
	reach := int(r + 4*k + 2)
	for y := max(0, int(w)-reach); y <= min(c.h-1, int(w)+reach); y++ {
		for x := max(0, int(u)-reach); x <= min(c.w-1, int(u)+reach); x++ {
			dx, dy := float64(x)+0.5-u, float64(y)+0.5-w
			d := math.Sqrt(float64(dx*dx)+float64(dy*dy)) - r
			if m.Shape == Square {
				d = max(math.Abs(dx), math.Abs(dy)) - r
			}
			i := y*c.w + x
			inside := func(d float64) float64 { return clamp(0.5-d, 0, 1) }
			c.blend(i, black, inside(d-2.5*k))
			c.blend(i, white, inside(d-1.5*k))
			c.blend(i, col, inside(d))
			if m.Shape == Ring {
				c.blend(i, white, inside(d+2*k))
			}
		}
	}
	if m.Text != "" {
		ink := white
		if int(col.R)*299+int(col.G)*587+int(col.B)*114 > 140*1000 {
			ink = black
		}
		f := c.typefaces().text(int(math.Round(r * 1.5)))
		tw := f.width(m.Text)
		c.write(f, m.Text, u-tw/2, w+f.capHeight()/2, ink)
	}
}
