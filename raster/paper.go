package raster

import (
	"math"
	"sort"
)

// Colours of the paper style, those of the published edition.
var (
	paperGround   = hex(0xF2F1EC)
	paperSky      = hex(0xF2F1EC)
	paperWhite    = hex(0xFFFFFF)
	paperMeasured = hex(0xCFCBC2)
	paperDerived  = hex(0xE6E2DA)
	paperRoad     = hex(0xFBFAF7)
	paperMinor    = hex(0xA9A296)
	paperMajor    = hex(0x7C766B)
	paperHatch    = hex(0x9A948A)
	paperInk      = hex(0x17191B)
	paperDim      = hex(0x767B80)
)

func (c *canvas) skyPaper(x, y float64) rgb { return paperSky }

// shadePaper fills a surface by what is known about it.
func (c *canvas) shadePaper(s *surface, px, py float64) rgb {
	m := s.mesh
	if m.Kind == Terrain {
		return c.slopeShade(s, c.terrainFill(s))
	}
	base := paperDerived
	switch {
	case c.o.Plain || m.Class == Unclassed:
		if s.colour.A > 0 {
			base = display(s.colour)
		}
		if m.Texture != nil {
			base = base.by(c.texture(s, false))
		}
	case m.Kind == Road:
		return c.slopeShade(s, paperRoad)
	case m.Class == Measured:
		base = paperMeasured
	case m.Class == Derived:
		base = paperDerived
	case m.Class == FromPlans:
		base = paperWhite
		if hatched(px, py, 7*c.o.Scale, c.o.Scale) {
			base = paperHatch
		}
	default:
		base = paperWhite
	}
	// A fixed light from the upper left of the sheet gives faces of one body
	// different tones; it claims nothing about the sun.
	light := unit(vec{-0.45, -0.35, 0.82})
	tone := 0.93 + float64(0.07*clamp(dot(s.normal, light), -1, 1))
	if m.Class == Measured || m.Class == Unclassed || c.o.Plain {
		tone = 0.84 + float64(0.16*clamp(dot(s.normal, light), -1, 1))
	}
	col := c.slopeShade(s, base.times(tone))
	return col.mix(paperSky, c.haze(s.depth))
}

func (c *canvas) terrainFill(s *surface) rgb {
	if c.o.Plain && s.colour.A > 0 {
		return display(s.colour)
	}
	return paperGround
}

// slopeShade adds the optional light of Options.Shade: slope shading for
// terrain and the shadow of the sun.
func (c *canvas) slopeShade(s *surface, base rgb) rgb {
	k := c.o.Shade
	if k == 0 {
		return base
	}
	if s.mesh.Kind == Terrain {
		light := unit(vec{-0.5, 0.5, 0.7})
		if c.p.lit {
			light = c.p.sun
		}
		flat := light[2]
		base = base.times(1 + float64(0.16*k*(clamp(dot(s.normal, light), 0, 1)-flat)))
	}
	if c.p.lit {
		facing := smooth(-0.02, 0.10, dot(s.normal, c.p.sun))
		if facing > 0 {
			facing = float64(facing * c.p.sunlight(s.point, s.normal))
		}
		base = base.times(1 - float64(0.14*k*(1-facing)))
	}
	return base
}

func (c *canvas) haze(depth float64) float64 {
	if math.IsInf(c.o.HazeM, 1) {
		return 0
	}
	q := depth / c.o.HazeM
	return 1 - 1/(1+float64(2*q*q))
}

// hatched is a pattern of diagonal lines fixed to the sheet.
func hatched(px, py, period, width float64) bool {
	d := math.Mod(px+py, float64(period*math.Sqrt2))
	return d < float64(width*math.Sqrt2)
}

// drawContours lays lines of equal height over terrain. At each pixel the
// distance to the nearest level is divided by the slope of height across the
// picture, which gives the distance in pixels and so a line of even width.
func (c *canvas) drawContours() {
	interval := c.o.ContourM
	if interval < 0 {
		return
	}
	slopes := c.heightSlopes()
	if interval == 0 {
		if interval = c.chooseInterval(slopes); interval == 0 {
			return
		}
	}
	width := 0.95 * c.o.Scale
	for i, g := range slopes {
		if !(g.perPixel > 0) {
			continue
		}
		spacing := interval / g.perPixel
		fade := float64(g.steep * (1 - float64(0.78*c.haze(float64(c.centre.z[i])))))
		// Levels lie half an interval off zero: the frame's origin is often on
		// ground that was levelled, and a line along level ground is noise.
		height := g.height - interval/2
		level := math.Round(height / interval)
		minor := coverage(math.Abs(height-level*interval)/g.perPixel, width) * smooth(3, 9, spacing/c.o.Scale)
		if minor > 0 && math.Mod(level, 5) != 0 {
			c.pix[i] = c.pix[i].mix(paperMinor, float64(minor*0.85*fade))
		}
		level = math.Round(height / (5 * interval))
		major := coverage(math.Abs(height-level*5*interval)/g.perPixel, width*1.15) * smooth(2, 6, 5*spacing/c.o.Scale)
		if major > 0 {
			c.pix[i] = c.pix[i].mix(paperMajor, float64(major*0.9*fade))
		}
	}
}

// coverage of a pixel by a line of the given width at a distance from its
// middle, both in pixels.
func coverage(distance, width float64) float64 {
	return clamp(width/2+0.5-distance, 0, 1)
}

// slope is the height of the ground seen at a pixel and how fast it changes
// across the picture, in metres a pixel.
type slope struct{ height, perPixel, steep float64 }

// heightSlopes evaluates the height of the ground at each pixel and its change
// to the next pixel right and below, on the triangle seen at the pixel: a
// silhouette beside it has no influence.
func (c *canvas) heightSlopes() []slope {
	out := make([]slope, c.w*c.h)
	step := 0.5 / c.v.f
	bands(c.h, c.o.Workers, func(lo, hi int) {
		last := int32(-1)
		var g groundPatch
		for y := lo; y < hi; y++ {
			for x := range c.w {
				i := y*c.w + x
				t := c.centre.tri[i]
				if t < 0 || c.p.meshes[c.p.tris[t].mesh].Kind != Terrain {
					continue
				}
				if t != last {
					last, g = t, c.p.patch(c.v, t)
				}
				rx, ry := c.v.ray(float64(x)+0.5, float64(y)+0.5)
				h := g.height(rx, ry)
				hx := 2 * (g.height(rx+step, ry) - h)
				hy := 2 * (g.height(rx, ry+step) - h)
				k := math.Sqrt(float64(hx*hx) + float64(hy*hy))
				// Level ground has no contour line, only a level that it
				// happens to lie on.
				if k > 0 && !math.IsInf(k, 0) && g.steep > 0 {
					out[i] = slope{h, k, g.steep}
				}
			}
		}
	})
	return out
}

// groundPatch is a triangle of the ground whose height is bent between its
// corners so that slopes agree there (a quadratic along each edge from the
// slopes at its ends). Contour lines drawn on it are curves, not the zigzag of
// the mesh; along an edge both triangles have the same height.
type groundPatch struct {
	a, b, c vec        // planes through the eye, as in face
	h       [3]float64 // of the corners
	bend    [3]float64 // of the edges 1-2, 2-0, 0-1
	steep   float64    // 0 on level ground, 1 above a slope of two in a hundred
}

func (p *Prepared) patch(v *view, index int32) groundPatch {
	t := &p.tris[index]
	q := [3]vec{p.pos[t.v[0]], p.pos[t.v[1]], p.pos[t.v[2]]}
	g := groundPatch{h: [3]float64{q[0][2], q[1][2], q[2][2]}}
	g.a, g.b, g.c, _, _ = plane(v.toCamera(q[0]), v.toCamera(q[1]), v.toCamera(q[2]))
	flat := math.Hypot(t.normal[0], t.normal[1]) / max(math.Abs(t.normal[2]), 1e-6)
	if t.smooth {
		rise := func(i, j int) float64 { // slope at corner i along the edge to j, for the whole edge
			n := p.nrm[t.v[i]]
			if n[2] < 0.2 {
				return q[j][2] - q[i][2]
			}
			return -(float64(n[0]*(q[j][0]-q[i][0])) + float64(n[1]*(q[j][1]-q[i][1]))) / n[2]
		}
		for k := range 3 {
			i, j := (k+1)%3, (k+2)%3
			g.bend[k] = (rise(i, j) + rise(j, i)) / 2
		}
		flat = max(flat, math.Abs(g.bend[0])+math.Abs(g.bend[1])+math.Abs(g.bend[2]))
	}
	g.steep = smooth(0.004, 0.02, flat)
	return g
}

// height on the ray (x, y, 1), up coordinate of the world.
func (g *groundPatch) height(x, y float64) float64 {
	la := float64(g.a[0]*x) + float64(g.a[1]*y) + g.a[2]
	lb := float64(g.b[0]*x) + float64(g.b[1]*y) + g.b[2]
	lc := float64(g.c[0]*x) + float64(g.c[1]*y) + g.c[2]
	sum := la + lb + lc
	if sum == 0 {
		return math.Inf(1)
	}
	la, lb, lc = la/sum, lb/sum, lc/sum
	return float64(la*g.h[0]) + float64(lb*g.h[1]) + float64(lc*g.h[2]) +
		float64(lb*lc*g.bend[0]) + float64(lc*la*g.bend[1]) + float64(la*lb*g.bend[2])
}

// chooseInterval takes the finest usual interval whose lines are about 13
// pixels apart in the middle of the distribution.
func (c *canvas) chooseInterval(slopes []slope) float64 {
	var gaps []float64
	for y := 0; y < c.h; y += 8 {
		for x := 0; x < c.w; x += 8 {
			if g := slopes[y*c.w+x]; g.perPixel > 0 {
				gaps = append(gaps, 1/g.perPixel)
			}
		}
	}
	if len(gaps) == 0 {
		return 0
	}
	sort.Float64s(gaps)
	median := gaps[len(gaps)/2]
	for _, iv := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200} {
		if iv*median >= 13*c.o.Scale {
			return iv
		}
	}
	return 500
}

// drawRidges draws the line where ground hides what lies behind it, and the
// line where a body stands in the ground. The share of samples on the near
// side in and around a pixel gives a soft line without knowing where it runs.
func (c *canvas) drawRidges() {
	f := c.fine
	ss := f.ss
	bands(c.h, c.o.Workers, func(lo, hi int) {
		for y := lo; y < hi; y++ {
			for x := range c.w {
				w := window{max(0, x*ss-1), min(f.w-1, x*ss+ss), max(0, y*ss-1), min(f.h-1, y*ss+ss)}
				if k, near := c.ridge(w); k > 0 {
					fade := 1 - float64(0.6*c.haze(near))
					c.pix[y*c.w+x] = c.pix[y*c.w+x].mix(paperMajor, float64(4*k*(1-k)*0.8*fade))
				} else if k, near := c.contact(w); k > 0 {
					fade := 1 - float64(0.7*c.haze(near))
					c.pix[y*c.w+x] = c.pix[y*c.w+x].mix(paperInk, float64(4*k*(1-k)*0.9*fade))
				}
			}
		}
	})
}

// window is a block of samples, bounds included.
type window struct{ x0, x1, y0, y1 int }

// ridge returns the share of samples on near ground when the others lie far
// behind it, else 0, and the depth of the near ones.
func (c *canvas) ridge(w window) (share, depth float64) {
	f := c.fine
	near, far := float32(math.Inf(1)), float32(0)
	var t int32 = -1
	for j := w.y0; j <= w.y1; j++ {
		for i := w.x0; i <= w.x1; i++ {
			z := f.z[j*f.w+i]
			if z < near {
				near, t = z, f.tri[j*f.w+i]
			}
			far = max(far, z)
		}
	}
	limit := float32(near*1.10) + 3
	if far <= limit || t < 0 || c.p.meshes[c.p.tris[t].mesh].Kind != Terrain {
		return 0, 0
	}
	n := 0
	for j := w.y0; j <= w.y1; j++ {
		for i := w.x0; i <= w.x1; i++ {
			if f.z[j*f.w+i] <= limit {
				n++
			}
		}
	}
	return float64(n) / float64((w.x1-w.x0+1)*(w.y1-w.y0+1)), float64(near)
}

// contact returns the share of samples on a body when the others see the
// ground next to it, else 0.
func (c *canvas) contact(w window) (share, depth float64) {
	f := c.fine
	first := f.tri[w.y0*f.w+w.x0]
	mixed := false
	for j := w.y0; j <= w.y1 && !mixed; j++ {
		for i := w.x0; i <= w.x1; i++ {
			if f.tri[j*f.w+i] != first {
				mixed = true
				break
			}
		}
	}
	if !mixed {
		return 0, 0
	}
	body, ground := 0, 0
	near, far := float32(math.Inf(1)), float32(0)
	for j := w.y0; j <= w.y1; j++ {
		for i := w.x0; i <= w.x1; i++ {
			t := f.tri[j*f.w+i]
			if t < 0 {
				return 0, 0
			}
			switch m := c.p.meshes[c.p.tris[t].mesh]; {
			case m.Kind == Solid && !m.NoOutline:
				body++
				near = min(near, f.z[j*f.w+i])
			case m.Kind == Terrain:
				ground++
				far = max(far, f.z[j*f.w+i])
			}
		}
	}
	if body == 0 || ground == 0 || far > float32(near*1.02)+0.5 {
		return 0, 0
	}
	return float64(body) / float64(body+ground), float64(near)
}
