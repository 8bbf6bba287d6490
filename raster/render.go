package raster

import (
	"image"
	"image/color"
	"math"

	"sightline/sight"
)

// Image is a picture with the buffers it was made from. All have the size of
// the camera's image; row major, top row first.
type Image struct {
	RGBA  *image.RGBA // nil with Options.BuffersOnly
	Depth []float32   // metres along the optical axis at the pixel's centre; +Inf: nothing
	ID    []uint32    // of the mesh or triangle seen at the pixel's centre; 0: nothing

	// Left lists what was asked for and not drawn: a label without room, a
	// letter that the built-in typeface lacks.
	Left []string
}

// DepthAt returns the depth at pixel (x, y), +Inf outside the image.
func (m *Image) DepthAt(x, y, width int) float32 {
	if i := y*width + x; x >= 0 && x < width && i >= 0 && i < len(m.Depth) {
		return m.Depth[i]
	}
	return float32(math.Inf(1))
}

// Render draws one picture of a scene. For many pictures of one scene call
// [Prepare] once.
func Render(cam sight.Camera, s Scene, o Options) (*Image, error) {
	p, err := Prepare(s)
	if err != nil {
		return nil, err
	}
	return p.Render(cam, o)
}

// Render draws one picture with the lines, areas, marks and labels of the
// prepared scene. Errors are about the camera or the options.
func (p *Prepared) Render(cam sight.Camera, o Options) (*Image, error) {
	return p.RenderWith(cam, o, &p.scene)
}

// RenderWith is Render with the lines, ellipses, wedges, frusta, markers and
// labels of another scene in place of the prepared one's: the surfaces stay,
// what is said about them changes from step to step of a story.
func (p *Prepared) RenderWith(cam sight.Camera, o Options, overlay *Scene) (*Image, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	v, err := newView(cam)
	if err != nil {
		return nil, err
	}
	faces := p.faces(&v, o.NearM)
	var fine *samples
	if !o.BuffersOnly {
		fine = p.trace(&v, faces, o.Samples, o.NearM, o.Workers)
	}
	centre := fine
	if fine == nil || fine.ss != 1 {
		if fine != nil && fine.ss == 3 {
			centre = fine.middle()
		} else {
			centre = p.trace(&v, faces, 1, o.NearM, o.Workers)
		}
	}
	img := &Image{Depth: centre.z, ID: p.ids(centre)}
	if o.BuffersOnly {
		return img, nil
	}
	c := &canvas{p: p, v: &v, o: o, fine: fine, centre: centre, img: img, w: v.w, h: v.h}
	c.pix = make([]rgb, v.w*v.h)
	c.faces, c.faceOf = faces, make([]int32, len(p.tris))
	for i := range faces {
		c.faceOf[faces[i].index] = int32(i)
	}
	c.drawSurfaces()
	if o.Style == Paper {
		c.drawContours()
		c.drawRidges()
	}
	c.finish()
	c.drawAreas(overlay)
	if o.Style == Paper {
		c.drawOutlines()
	}
	c.drawLines(overlay)
	c.drawMarkers(overlay)
	c.drawFurniture()
	c.drawLabels(overlay)
	return img, nil
}

// middle keeps the centre sample of each pixel of a 3 x 3 grid.
func (s *samples) middle() *samples {
	out := &samples{ss: 1, w: s.w / 3, h: s.h / 3}
	out.z, out.tri = make([]float32, out.w*out.h), make([]int32, out.w*out.h)
	for y := range out.h {
		for x := range out.w {
			i := (3*y+1)*s.w + 3*x + 1
			out.z[y*out.w+x], out.tri[y*out.w+x] = s.z[i], s.tri[i]
		}
	}
	return out
}

func (p *Prepared) ids(s *samples) []uint32 {
	ids := make([]uint32, len(s.tri))
	for i, t := range s.tri {
		if t < 0 {
			continue
		}
		m := p.meshes[p.tris[t].mesh]
		ids[i] = m.ID
		if len(m.TriangleIDs) > 0 {
			ids[i] = m.TriangleIDs[p.tris[t].local]
		}
	}
	return ids
}

// rgb is linear light in the photo style and display values in paper, 0..1.
type rgb [3]float32

func (c rgb) mix(d rgb, t float64) rgb {
	k := float32(t)
	return rgb{c[0] + float32((d[0]-c[0])*k), c[1] + float32((d[1]-c[1])*k), c[2] + float32((d[2]-c[2])*k)}
}

func (c rgb) times(k float64) rgb {
	f := float32(k)
	return rgb{float32(c[0] * f), float32(c[1] * f), float32(c[2] * f)}
}

func (c rgb) plus(d rgb) rgb { return rgb{c[0] + d[0], c[1] + d[1], c[2] + d[2]} }
func (c rgb) by(d rgb) rgb {
	return rgb{float32(c[0] * d[0]), float32(c[1] * d[1]), float32(c[2] * d[2])}
}

// hex makes a display colour from 0xRRGGBB.
func hex(x uint32) rgb {
	return rgb{float32(x>>16&255) / 255, float32(x>>8&255) / 255, float32(x&255) / 255}
}

func display(c color.NRGBA) rgb {
	return rgb{float32(c.R) / 255, float32(c.G) / 255, float32(c.B) / 255}
}

// canvas is one picture being drawn.
type canvas struct {
	p      *Prepared
	v      *view
	o      Options
	fine   *samples
	centre *samples
	img    *Image
	w, h   int
	pix    []rgb
	faces  []face
	faceOf []int32   // number in faces of each triangle that was drawn
	mask   []float32 // scratch of stroke: coverage
	fonts  *fonts
	taken  []rect // where labels and furniture stand
}

// drawSurfaces shades each pixel: once for each triangle that covers a part
// of it.
func (c *canvas) drawSurfaces() {
	shade, sky := c.shadePaper, c.skyPaper
	if c.o.Style == Photo {
		shade, sky = c.shadePhoto, c.skyPhoto
	}
	ss := c.fine.ss
	inv := 1 / float64(ss)
	bands(c.h, c.o.Workers, func(lo, hi int) {
		var seen [9]int32
		var sumx, sumy [9]float64
		var count [9]int
		var s surface
		for y := lo; y < hi; y++ {
			for x := range c.w {
				if t, ok := c.uniform(x, y); ok && t >= 0 {
					rx, ry := c.v.ray(float64(x)+0.5, float64(y)+0.5)
					c.p.hit(&s, c.v, &c.faces[c.faceOf[t]], rx, ry)
					c.pix[y*c.w+x] = shade(&s, float64(x), float64(y))
					continue
				}
				n := 0
				for j := range ss {
					row := (y*ss+j)*c.fine.w + x*ss
					for i := range ss {
						t := c.fine.tri[row+i]
						k := 0
						for k < n && seen[k] != t {
							k++
						}
						if k == n {
							seen[n], sumx[n], sumy[n], count[n] = t, 0, 0, 0
							n++
						}
						sumx[k] += (float64(i) + 0.5) * inv
						sumy[k] += (float64(j) + 0.5) * inv
						count[k]++
					}
				}
				var total rgb
				for k := range n {
					m := float64(count[k])
					rx, ry := c.v.ray(float64(x)+sumx[k]/m, float64(y)+sumy[k]/m)
					var col rgb
					switch {
					case math.IsNaN(rx): // beyond the lens
					case seen[k] < 0:
						col = sky(rx, ry)
					default:
						c.p.hit(&s, c.v, &c.faces[c.faceOf[seen[k]]], rx, ry)
						col = shade(&s, float64(x), float64(y))
					}
					total = total.plus(col.times(m * inv * inv))
				}
				c.pix[y*c.w+x] = total
			}
		}
	})
}

// uniform reports whether all samples of a pixel see one triangle.
func (c *canvas) uniform(x, y int) (int32, bool) {
	ss := c.fine.ss
	first := c.fine.tri[y*ss*c.fine.w+x*ss]
	for j := range ss {
		row := (y*ss+j)*c.fine.w + x*ss
		for i := range ss {
			if c.fine.tri[row+i] != first {
				return first, false
			}
		}
	}
	return first, true
}
