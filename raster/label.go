package raster

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// The typefaces are those of the Go project (BSD licence), compiled in, so
// that a still has the same letters on every machine. They cover Latin, Greek
// and Cyrillic; a text with other letters is left out and reported.
var parsed = sync.OnceValue(func() [3]*opentype.Font {
	var out [3]*opentype.Font
	for i, ttf := range [3][]byte{goregular.TTF, gomono.TTF, gomedium.TTF} {
		f, err := opentype.Parse(ttf)
		if err != nil {
			panic("raster: a compiled-in typeface does not parse: " + err.Error())
		}
		out[i] = f
	}
	return out
})

// fonts caches faces of one picture; a face is not safe for concurrent use.
type fonts struct {
	faces map[[2]int]*typeface
}

type typeface struct {
	font.Face
	source *opentype.Font
	size   int
}

func (c *canvas) typefaces() *fonts {
	if c.fonts == nil {
		c.fonts = &fonts{faces: map[[2]int]*typeface{}}
	}
	return c.fonts
}

func (f *fonts) get(which, size int) *typeface {
	size = max(6, min(size, 400))
	k := [2]int{which, size}
	if t := f.faces[k]; t != nil {
		return t
	}
	src := parsed()[which]
	face, err := opentype.NewFace(src, &opentype.FaceOptions{Size: float64(size), DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		panic("raster: a compiled-in typeface has no face: " + err.Error())
	}
	t := &typeface{face, src, size}
	f.faces[k] = t
	return t
}

func (f *fonts) text(size int) *typeface   { return f.get(0, size) }
func (f *fonts) mono(size int) *typeface   { return f.get(1, size) }
func (f *fonts) strong(size int) *typeface { return f.get(2, size) }

func (t *typeface) width(s string) float64 { return float64(font.MeasureString(t, s)) / 64 }
func (t *typeface) capHeight() float64     { return float64(t.Metrics().CapHeight) / 64 }
func (t *typeface) line() float64          { return float64(t.Metrics().Height) / 64 }
func (t *typeface) ascent() float64        { return float64(t.Metrics().Ascent) / 64 }

// lacks returns the first letter that the face cannot draw.
func (t *typeface) lacks(s string) (rune, bool) {
	for _, r := range s {
		if _, ok := t.GlyphAdvance(r); !ok {
			return r, true
		}
	}
	return 0, false
}

// write draws text with its baseline at y.
func (c *canvas) write(t *typeface, s string, x, y float64, col color.NRGBA) {
	d := font.Drawer{Dst: c.img.RGBA, Src: image.NewUniform(col), Face: t,
		Dot: fixed.Point26_6{X: fixed.Int26_6(math.Round(x * 64)), Y: fixed.Int26_6(math.Round(y * 64))}}
	d.DrawString(s)
}

// writeOver draws text on a halo, so that contour lines do not cut it.
func (c *canvas) writeOver(t *typeface, s string, x, y float64, col, halo color.NRGBA) {
	r := 1.6 * c.o.Scale
	for _, d := range [8][2]float64{{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {.7, .7}, {-.7, .7}, {.7, -.7}, {-.7, -.7}} {
		c.write(t, s, x+d[0]*r, y+d[1]*r, halo)
	}
	c.write(t, s, x, y, col)
}

type rect struct{ x0, y0, x1, y1 float64 }

func (r rect) overlaps(o rect) bool {
	return r.x0 < o.x1 && o.x0 < r.x1 && r.y0 < o.y1 && o.y0 < r.y1
}

func (r rect) nearest(x, y float64) (float64, float64) {
	return clamp(x, r.x0, r.x1), clamp(y, r.y0, r.y1)
}

// drawLabels writes the labels and their leader lines. Labels placed by hand
// come first; the others take the first free place around their point.
func (c *canvas) drawLabels(s *Scene) {
	for pass := range 2 {
		for i := range s.Labels {
			l := &s.Labels[i]
			if automatic := l.Offset == [2]float64{}; automatic == (pass == 1) {
				c.drawLabel(l)
			}
		}
	}
}

func (c *canvas) drawLabel(l *Label) {
	k := c.o.Scale
	text, mono := c.typefaces().text(int(math.Round(13*k))), c.typefaces().mono(int(math.Round(12*k)))
	for _, part := range []struct {
		t *typeface
		s string
	}{{text, l.Text}, {mono, l.Detail}} {
		if r, bad := part.t.lacks(part.s); bad {
			c.img.Left = append(c.img.Left, fmt.Sprintf("label %q: the built-in typeface has no letter %q", l.Text, r))
			return
		}
	}
	u, w, z, ok := c.v.project(l.At)
	if !ok || z < c.o.NearM || u < 0 || w < 0 || u > float64(c.w) || w > float64(c.h) {
		return // not in the picture
	}
	if !l.Hidden && !c.visible(u, w, z) {
		return
	}
	pad := 3 * k
	if l.Boxed {
		pad = 7 * k
	}
	width, height := 0.0, 0.0
	if l.Text != "" {
		width, height = text.width(l.Text), text.line()
	}
	if l.Detail != "" {
		width, height = max(width, mono.width(l.Detail)), height+mono.line()
	}
	box, ok := c.place(l, u, w, width+2*pad, height+2*pad)
	if !ok {
		c.img.Left = append(c.img.Left, fmt.Sprintf("label %q: no room in the picture", l.Text))
		return
	}
	c.taken = append(c.taken, box)
	lx, ly := box.nearest(u, w)
	if math.Hypot(lx-u, ly-w) > 4*k {
		c.strokeSolid([]inkPoint{{lx, ly, seen}, {u, w, seen}}, nrgba(paperGround, 0.8), 3*k)
		c.strokeSolid([]inkPoint{{lx, ly, seen}, {u, w, seen}}, nrgba(paperInk, 0.85), 1*k)
	}
	if l.Boxed {
		c.box(box)
	}
	x, y := box.x0+pad, box.y0+pad
	align := func(tw float64) float64 {
		if box.x1 <= u { // text left of its point ends at the same edge
			return x + width - tw
		}
		return x
	}
	ink, dim, halo := nrgba(paperInk, 1), nrgba(hex(0x50565B), 1), nrgba(paperGround, 0.9)
	if l.Boxed {
		halo = nrgba(paperWhite, 1)
	}
	if l.Text != "" {
		c.writeOver(text, l.Text, align(text.width(l.Text)), y+text.ascent(), ink, halo)
		y += text.line()
	}
	if l.Detail != "" {
		c.writeOver(mono, l.Detail, align(mono.width(l.Detail)), y+mono.ascent(), dim, halo)
	}
}

// place finds room for a label of the given size about a point.
func (c *canvas) place(l *Label, u, w, width, height float64) (rect, bool) {
	k := c.o.Scale
	at := func(dx, dy float64) rect {
		r := rect{u + dx, w + dy, u + dx + width, w + dy + height}
		if dx < 0 {
			r.x0, r.x1 = u+dx-width, u+dx
		}
		if dy < 0 {
			r.y0, r.y1 = w+dy-height, w+dy
		}
		return r
	}
	inside := func(r rect) bool {
		return r.x0 >= 4*k && r.y0 >= 4*k && r.x1 <= float64(c.w)-4*k && r.y1 <= float64(c.h)-4*k
	}
	if l.Offset != [2]float64{} {
		r := at(l.Offset[0]*k, l.Offset[1]*k)
		dx := max(4*k-r.x0, 0) + min(float64(c.w)-4*k-r.x1, 0)
		dy := max(4*k-r.y0, 0) + min(float64(c.h)-4*k-r.y1, 0)
		r = rect{r.x0 + dx, r.y0 + dy, r.x1 + dx, r.y1 + dy}
		return r, inside(r)
	}
	for _, d := range []float64{26, 48, 80, 120, 170} {
		for _, dir := range [8][2]float64{{-0.8, -1}, {0.8, -1}, {0.8, 1}, {-0.8, 1}, {1.2, -0.3}, {-1.2, -0.3}, {0.1, -1.2}, {0.1, 1.2}} {
			r := at(dir[0]*d*k, dir[1]*d*k)
			free := inside(r)
			for _, o := range c.taken {
				free = free && !r.overlaps(o)
			}
			if free {
				return r, true
			}
		}
	}
	return rect{}, false
}

// box draws a white sheet with a thin border.
func (c *canvas) box(r rect) {
	r = rect{math.Round(r.x0), math.Round(r.y0), math.Round(r.x1), math.Round(r.y1)}
	line, white := nrgba(hex(0xDEDAD2), 1), nrgba(paperWhite, 1)
	b := math.Max(1, math.Round(c.o.Scale))
	for y := max(0, int(r.y0)); y < min(c.h, int(r.y1)); y++ {
		for x := max(0, int(r.x0)); x < min(c.w, int(r.x1)); x++ {
			fx, fy := float64(x), float64(y)
			col := white
			if fx < r.x0+b || fy < r.y0+b || fx >= r.x1-b || fy >= r.y1-b {
				col = line
			}
			c.blend(y*c.w+x, col, 1)
		}
	}
}

// drawFurniture writes what belongs to the whole picture: the band of a
// fictional case and the caption.
func (c *canvas) drawFurniture() {
	k := c.o.Scale
	if c.o.Band != "" {
		f := c.typefaces().strong(int(math.Round(13 * k)))
		h := math.Round(24 * k)
		if r, bad := f.lacks(c.o.Band); bad {
			c.img.Left = append(c.img.Left, fmt.Sprintf("band: the built-in typeface has no letter %q", r))
		}
		for i := range min(int(h), c.h) * c.w {
			c.blend(i, nrgba(hex(0xE8EAEC), 1), 1)
		}
		c.write(f, c.o.Band, (float64(c.w)-f.width(c.o.Band))/2, (h+f.capHeight())/2, nrgba(paperInk, 1))
		c.taken = append(c.taken, rect{0, 0, float64(c.w), h})
	}
	if c.o.Caption != "" {
		f := c.typefaces().text(int(math.Round(13 * k)))
		if r, bad := f.lacks(c.o.Caption); bad {
			c.img.Left = append(c.img.Left, fmt.Sprintf("caption: the built-in typeface has no letter %q", r))
			return
		}
		w, h := f.width(c.o.Caption)+18*k, 24*k
		r := rect{12 * k, float64(c.h) - 12*k - h, 12*k + w, float64(c.h) - 12*k}
		c.box(r)
		c.write(f, c.o.Caption, r.x0+9*k, (r.y0+r.y1+f.capHeight())/2, nrgba(paperInk, 1))
		c.taken = append(c.taken, r)
	}
}
