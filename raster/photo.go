package raster

import "math"

// Light of the photo style, in linear units where white paper in full sun is
// about 1.
var (
	sunColour    = rgb{1.00, 0.94, 0.83}
	skyZenith    = rgb{0.17, 0.31, 0.60}
	skyHorizon   = rgb{0.62, 0.70, 0.78}
	cloudColour  = rgb{0.86, 0.87, 0.89}
	groundBounce = rgb{0.20, 0.18, 0.14}
)

// skyPhoto is a clear sky with invented clouds: paler towards the horizon and
// the sun.
func (c *canvas) skyPhoto(x, y float64) rgb { return c.skyLight(unit(c.v.direction(x, y))) }

func (c *canvas) skyLight(d vec) rgb {
	up := clamp(d[2], 0, 1)
	k := 1 - up
	k = float64(k * k)
	col := skyZenith.mix(skyHorizon, float64(k*k))
	if c.p.lit {
		s := clamp(dot(d, c.p.sun), 0, 1)
		s2 := float64(s * s)
		s8 := float64(float64(s2*s2) * float64(s2*s2))
		glow := float64(s8 * s8)
		col = col.plus(sunColour.times(float64(0.28*glow) + float64(6*smooth(0.99995, 0.99999, s))))
	}
	if c.o.CloudCover > 0 && d[2] > 0.01 {
		px, py := d[0]/(d[2]+0.12)*1.6, d[1]/(d[2]+0.12)*1.6
		n := fbm2(px, py, 5, 0.02/(d[2]+0.05), c.o.Seed+7001)
		cover := smooth(0.62-float64(0.35*c.o.CloudCover), 0.80-float64(0.3*c.o.CloudCover), n)
		col = col.mix(cloudColour, float64(cover*0.85*smooth(0.01, 0.2, d[2])))
	}
	return col
}

// shadePhoto lights a surface by sun and sky.
func (c *canvas) shadePhoto(s *surface, px, py float64) rgb {
	albedo := c.albedo(s)
	n := s.normal
	ambient := groundBounce.mix(rgb{0.36, 0.43, 0.56}, 0.5+float64(0.5*n[2]))
	light := ambient.times(0.75)
	if c.p.lit {
		facing := clamp(dot(n, c.p.sun), 0, 1)
		if facing > 0 {
			facing = float64(facing * c.p.sunlight(s.point, geometric(s, n)))
		}
		light = light.plus(sunColour.times(1.05 * facing))
	} else {
		light = ambient.times(1.5) // overcast
	}
	col := albedo.by(light)
	if s.mesh.Material == Glass {
		view := unit(sub(s.point, c.v.pos))
		mirror := along(view, n, -2*dot(view, n))
		k := 1 - clamp(-dot(view, n), 0, 1)
		col = col.mix(c.skyLight(mirror), 0.12+float64(0.7*float64(k*k*k)))
	}
	if h := c.haze(s.depth); h > 0 {
		col = col.mix(skyHorizon.times(0.92), h)
	}
	return col
}

// geometric is the triangle's own normal on the side of n: shadows are cast
// by flat triangles, so the lift must be along their normal.
func geometric(s *surface, n vec) vec {
	if dot(s.tri.normal, n) < 0 {
		return scale(s.tri.normal, -1)
	}
	return s.tri.normal
}

// footprint is the size of a pixel on the surface in metres.
func (c *canvas) footprint(s *surface) float64 {
	dx, dy, dz := s.point[0]-c.v.pos[0], s.point[1]-c.v.pos[1], s.point[2]-c.v.pos[2]
	d := math.Sqrt(float64(dx*dx) + float64(dy*dy) + float64(dz*dz))
	facing := math.Abs(float64(dx*s.normal[0]) + float64(dy*s.normal[1]) + float64(dz*s.normal[2]))
	return d / c.v.f / math.Sqrt(max(0.15, facing/max(d, 1e-9)))
}

// albedo is the invented surface: base colour, pattern of the material,
// colours of the mesh.
func (c *canvas) albedo(s *surface) rgb {
	base := materials[s.mesh.Material].base
	if s.colour.A > 0 {
		base = linear(s.colour)
	}
	if m := s.mesh; len(m.VertexColours) > 0 {
		t := m.Triangles[s.tri.local]
		var k rgb
		for i, v := range t {
			k = k.plus(linear(m.VertexColours[v]).times(s.bary[i]))
		}
		base = base.by(k)
	}
	if s.mesh.Texture != nil {
		return base.by(c.texture(s, true))
	}
	u, w := surfaceCoordinates(s)
	f := c.footprint(s)
	return materials[s.mesh.Material].pattern(base, u, w, f, c.o.Seed+s.mesh.ID*31)
}

// surfaceCoordinates are metres along a surface: level and up the slope on
// walls and roofs, east and north on the ground.
func surfaceCoordinates(s *surface) (u, w float64) {
	n := s.tri.normal
	if s.mesh.Kind != Solid || math.Abs(n[2]) > 0.95 {
		return s.point[0], s.point[1]
	}
	level := unit(vec{-n[1], n[0], 0})
	upslope := cross(n, level)
	return dot(level, s.point), dot(upslope, s.point)
}

// finish turns light into display values and adds what a camera adds.
func (c *canvas) finish() {
	img := newRGBA(c.w, c.h)
	c.img.RGBA = img
	photo := c.o.Style == Photo
	bands(c.h, c.o.Workers, func(lo, hi int) {
		for y := lo; y < hi; y++ {
			dy := (float64(y)+0.5)/float64(c.h) - 0.5
			for x := range c.w {
				i := y*c.w + x
				p := c.pix[i]
				if photo {
					dx := (float64(x)+0.5)/float64(c.w) - 0.5
					k := c.o.Exposure * (1 - float64(2*c.o.Vignette*(float64(dx*dx)+float64(dy*dy))))
					for j := range p {
						p[j] = float32(encode(tone(float64(p[j]) * k)))
					}
					if c.o.Grain > 0 {
						g := c.o.Grain * grain(x, y, c.o.Seed)
						for j := range p {
							p[j] += float32(g + float64(c.o.Grain*0.35*grain(x, y, c.o.Seed+uint32(j)+1)))
						}
					}
				}
				o := img.PixOffset(x, y)
				for j := range p {
					img.Pix[o+j] = uint8(clamp(float64(p[j]), 0, 1)*255 + 0.5)
				}
				img.Pix[o+3] = 255
			}
		}
	})
}

// tone compresses bright light softly and leaves the middle nearly as it is.
func tone(x float64) float64 {
	x = max(x, 0) * 1.25
	return x * (1 + x/6) / (1 + x*0.55)
}

// grain is noise with about unit standard deviation: the sum of four uniform
// numbers.
func grain(x, y int, seed uint32) float64 {
	h := hash(int32(x), int32(y), 3, seed)
	sum := float64(h&255) + float64(h>>8&255) + float64(h>>16&255) + float64(h>>24)
	return (sum/255 - 2) * 1.732
}
