package raster

import (
	"errors"
	"image"
	"math"
	"sync"

	"sightline/sight"
)

// Backdrop is a photo of everything that stands still. Videos are made from
// it: shading a whole frame in software costs as much as hundreds of frames
// whose backdrop is kept and into which only what moves is drawn.
//
// [Backdrop.Turn] gives the view of a camera that turned on the spot, exactly
// (the images of one centre are related by a homography), and
// [Backdrop.Frame] puts meshes, smoke and light into a view, hidden by what
// stands before them and throwing their shadows on what lies behind.
type Backdrop struct {
	p   *Prepared
	v   view
	cam sight.Camera
	o   Options
	pix []uint8 // RGBA, display values
	z   []float32
	id  []uint32
}

// Backdrop renders the scene for a camera in the photo style. A vignette
// would turn with the camera and grain would stand still, so neither is made
// here.
func (p *Prepared) Backdrop(cam sight.Camera, o Options) (*Backdrop, error) {
	o.Style, o.Grain, o.Vignette, o.Band, o.Caption, o.BuffersOnly = Photo, -1, -1, "", "", false
	m, err := p.RenderWith(cam, o, &Scene{})
	if err != nil {
		return nil, err
	}
	v, err := newView(cam)
	if err != nil {
		return nil, err
	}
	if o, err = o.withDefaults(); err != nil {
		return nil, err
	}
	return &Backdrop{p: p, v: v, cam: cam, o: o, pix: m.RGBA.Pix, z: m.Depth, id: m.ID}, nil
}

// Turn is the backdrop as a camera at the same point sees it, without lens
// distortion on either side. What the first picture did not hold stays black
// and infinitely far: make it wide enough.
func (b *Backdrop) Turn(cam sight.Camera) (*Backdrop, error) {
	if cam.Position != b.cam.Position {
		return nil, errors.New("a backdrop can be turned only about the point it was made from")
	}
	if cam.K1 != 0 || b.cam.K1 != 0 {
		return nil, errors.New("a backdrop seen through a distorting lens cannot be turned")
	}
	v, err := newView(cam)
	if err != nil {
		return nil, err
	}
	// Rays of the new view in the axes of the old: m = R_old R_new^T.
	var m [3]vec
	for i := range 3 {
		for j := range 3 {
			m[i][j] = dot(b.v.rot[i], v.rot[j])
		}
	}
	n := v.w * v.h
	pix, z, id := make([]uint8, 4*n), make([]float32, n), make([]uint32, n)
	w, h := b.v.w, b.v.h
	inf := float32(math.Inf(1))
	bands(v.h, b.o.Workers, func(lo, hi int) {
		for y := lo; y < hi; y++ {
			ry := (float64(y) + 0.5 - v.cy) / v.f
			// Along a row the three coordinates are lines in x.
			first := (0.5 - v.cx) / v.f
			var at, by vec
			for j := range 3 {
				at[j], by[j] = float64(m[j][0]*first)+float64(m[j][1]*ry)+m[j][2], m[j][0]/v.f
			}
			for x := range v.w {
				i, fx := y*v.w+x, float64(x)
				qz := at[2] + float64(by[2]*fx)
				z[i] = inf
				pix[4*i+3] = 255
				if qz <= 0 {
					continue
				}
				k := b.v.f / qz
				u := float64((at[0]+float64(by[0]*fx))*k) + b.v.cx
				t := float64((at[1]+float64(by[1]*fx))*k) + b.v.cy
				if !(u >= 0 && t >= 0 && u < float64(w) && t < float64(h)) {
					continue
				}
				j := int(t)*w + int(u)
				z[i], id[i] = float32(float64(b.z[j])/qz), b.id[j]
				// Bilinear between pixel centres, in 1/256.
				fu, ft := int(u*256)-128, int(t*256)-128
				x0, y0 := max(fu>>8, 0), max(ft>>8, 0)
				x1, y1 := min((fu>>8)+1, w-1), min((ft>>8)+1, h-1)
				au, av := fu&255, ft&255
				w11, w10 := au*av, (256-au)*av
				w01, w00 := au*(256-av), (256-au)*(256-av)
				p00, p01 := b.pix[4*(y0*w+x0):], b.pix[4*(y0*w+x1):]
				p10, p11 := b.pix[4*(y1*w+x0):], b.pix[4*(y1*w+x1):]
				o := pix[4*i : 4*i+3 : 4*i+3]
				for c := range o {
					o[c] = uint8((w00*int(p00[c]) + w01*int(p01[c]) + w10*int(p10[c]) + w11*int(p11[c]) + 1<<15) >> 16)
				}
			}
		}
	})
	return &Backdrop{p: b.p, v: v, cam: cam, o: b.o, pix: pix, z: z, id: id}, nil
}

// Puff is smoke, dust or a flash: a soft ball that hides or adds light.
type Puff struct {
	At      [3]float64
	RadiusM float64
	Colour  [3]float64 // linear light
	Opacity float64    // of its middle, 0..1
	Glow    bool       // adds its light instead of hiding what is behind
	Seed    uint32
}

// mover is one mesh made ready: its own small scene, and the sun's view of it.
type mover struct {
	p      *Prepared
	centre vec
	radius float64
	shade  shadowMap
}

const moverCells = 128

// ready prepares a mesh that the picture shows, itself or its shadow. Not
// shown: it is left out.
func (b *Backdrop) ready(m Mesh) (o mover, shown bool, err error) {
	lo, hi, ok := m.Bounds()
	if !ok {
		return o, false, nil
	}
	o.centre = scale(add(lo, hi), 0.5)
	for _, x := range m.Positions {
		o.radius = max(o.radius, length(sub(x, o.centre)))
	}
	casts := b.p.lit && !m.NoShadow
	if casts {
		_, _, _, _, casts = b.shadowWindow(&o)
	}
	_, _, _, _, shown = b.window(o.radius, o.centre)
	if !shown && !casts {
		return o, false, nil
	}
	m.NoOutline = true
	if o.p, err = Prepare(Scene{Meshes: []Mesh{m}}); err != nil {
		return o, false, err
	}
	// It stands in the light and the shadows of the backdrop's scene.
	q := o.p
	q.sun, q.lit, q.shade = b.p.sun, b.p.lit, b.p.shade
	if casts {
		right := unit(cross(q.sun, vec{0, 0, 1}))
		if math.Abs(q.sun[2]) > 0.9999 {
			right = vec{1, 0, 0}
		}
		o.shade = shadowMap{right: right, down: cross(q.sun, right), to: q.sun, centre: o.centre, half: o.radius * 1.12, n: moverCells}
		o.shade.cell = 2 * o.shade.half / moverCells
		o.shade.draw(q)
	}
	return o, true, nil
}

// Frame is a picture of the backdrop with movers and puffs in it. Grain is
// that of the options' seed plus number, so that it differs from frame to
// frame. The backdrop is left as it was.
func (b *Backdrop) Frame(movers []Mesh, puffs []Puff, grain float64, number uint32) (*Image, error) {
	img := &Image{RGBA: newRGBA(b.v.w, b.v.h), Depth: append([]float32(nil), b.z...), ID: append([]uint32(nil), b.id...)}
	copy(img.RGBA.Pix, b.pix)
	ready := make([]mover, 0, len(movers))
	for _, m := range movers {
		q, shown, err := b.ready(m)
		if err != nil {
			return nil, err
		}
		if shown {
			ready = append(ready, q)
		}
	}
	for i := range ready {
		b.throwShadow(img, &ready[i])
	}
	for i := range ready {
		if err := b.put(img, &ready[i]); err != nil {
			return nil, err
		}
	}
	for _, f := range puffs {
		b.puff(img, f)
	}
	if grain > 0 {
		addGrain(img.RGBA, grain, b.o.Seed+number*7919)
	}
	return img, nil
}

// window bounds the balls between a and c in the picture. It may be too large.
func (b *Backdrop) window(r float64, points ...vec) (x0, y0, x1, y1 int, ok bool) {
	fx0, fy0, fx1, fy1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, q := range points {
		c := b.v.toCamera(q)
		if c[2] < -r {
			continue
		}
		if c[2] < r+0.3 { // around the eye: the whole picture
			return 0, 0, b.v.w, b.v.h, true
		}
		u, w := c[0]/c[2], c[1]/c[2]
		if b.v.lens != nil {
			if u, w, ok = b.v.pixel(u, w); !ok {
				continue
			}
		} else {
			u, w = float64(u*b.v.f)+b.v.cx, float64(w*b.v.f)+b.v.cy
		}
		s := b.v.f * r / (c[2] - r) * 1.1
		fx0, fx1 = min(fx0, u-s), max(fx1, u+s)
		fy0, fy1 = min(fy0, w-s), max(fy1, w+s)
	}
	x0, x1 = int(clamp(fx0, 0, float64(b.v.w))), int(clamp(fx1+1, 0, float64(b.v.w)))
	y0, y1 = int(clamp(fy0, 0, float64(b.v.h))), int(clamp(fy1+1, 0, float64(b.v.h)))
	return x0, y0, x1, y1, x0 < x1 && y0 < y1
}

// shadowWindow bounds what the mover can keep the sun from.
func (b *Backdrop) shadowWindow(m *mover) (x0, y0, x1, y1 int, ok bool) {
	long := m.shadowLength(b.p.sun)
	return b.window(m.radius*1.2, m.centre, along(m.centre, b.p.sun, -long/2), along(m.centre, b.p.sun, -long))
}

// shadowLength bounds how far below itself, along the light, it is followed.
func (m *mover) shadowLength(sun vec) float64 { return min(m.radius*2.5/max(sun[2], 0.08), 40) }

// throwShadow darkens what the mover keeps the sun from.
func (b *Backdrop) throwShadow(img *Image, m *mover) {
	if m.shade.near == nil || m.radius == 0 {
		return
	}
	sun := b.p.sun
	long := m.shadowLength(sun)
	x0, y0, x1, y1, ok := b.shadowWindow(m)
	if !ok {
		return
	}
	up := vec{0, 0, 1}
	// Of the light on level ground the sky keeps this part; display values
	// follow light with an exponent of about 1/2.2.
	kept := 0.75 / (0.75 + 2.3*1.05*sun[2])
	dark := math.Pow(kept, 1/2.2)
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			i := y*b.v.w + x
			z := float64(img.Depth[i])
			if z > 1e6 {
				continue
			}
			rx, ry := b.v.ray(float64(x)+0.5, float64(y)+0.5)
			q := b.v.toWorld(rx, ry, z)
			// Near the line of sunlight through the mover, and behind it.
			d := sub(q, m.centre)
			s := dot(d, sun)
			if s > m.radius || s < -long-m.radius || dot(d, d)-float64(s*s) > float64(m.radius*m.radius) {
				continue
			}
			part, in := m.shade.light(along(q, sun, 0.04))
			if !in || part > 0.999 {
				continue
			}
			lit := b.p.sunlight(q, up)
			k := 1 - float64((1-dark)*(1-part)*lit)
			o := img.RGBA.Pix[4*i : 4*i+3]
			for c := range o {
				o[c] = uint8(float64(o[c])*k + 0.5)
			}
		}
	}
}

// put draws the mover itself: four samples a pixel within its window.
func (b *Backdrop) put(img *Image, m *mover) error {
	x0, y0, x1, y1, ok := b.window(m.radius, m.centre)
	if !ok || len(m.p.tris) == 0 {
		return nil
	}
	v := b.v
	v.w, v.h, v.cx, v.cy = x1-x0, y1-y0, v.cx-float64(x0), v.cy-float64(y0)
	faces := m.p.faces(&v, b.o.NearM)
	if len(faces) == 0 {
		return nil
	}
	const ss = 2
	fine := m.p.trace(&v, faces, ss, b.o.NearM, 1)
	c := &canvas{p: m.p, v: &v, o: b.o, fine: fine, w: v.w, h: v.h, faces: faces, faceOf: make([]int32, len(m.p.tris))}
	for i := range faces {
		c.faceOf[faces[i].index] = int32(i)
	}
	var s surface
	for y := range v.h {
		for x := range v.w {
			o := (y+y0)*b.v.w + x + x0
			behind := img.Depth[o]
			var total rgb
			covered := 0
			nearest := float32(math.Inf(1))
			for k := range ss * ss {
				i := (y*ss+k/ss)*fine.w + x*ss + k%ss
				t := fine.tri[i]
				if t < 0 || fine.z[i] > behind*1.001 {
					continue
				}
				rx, ry := v.ray(float64(x)+(float64(k%ss)+0.5)/ss, float64(y)+(float64(k/ss)+0.5)/ss)
				m.p.hit(&s, &v, &faces[c.faceOf[t]], rx, ry)
				total = total.plus(c.shadePhoto(&s, float64(x), float64(y)))
				nearest = min(nearest, fine.z[i])
				covered++
			}
			if covered == 0 {
				continue
			}
			part := float64(covered) / (ss * ss)
			p := img.RGBA.Pix[4*o : 4*o+3]
			for j := range p {
				own := encode(tone(float64(total[j]) / float64(covered) * b.o.Exposure))
				p[j] = uint8(clamp(lerp(float64(p[j])/255, own, part), 0, 1)*255 + 0.5)
			}
			if covered*2 >= ss*ss {
				img.Depth[o], img.ID[o] = nearest, s.mesh.ID
			}
		}
	}
	return nil
}

// puff lays a soft ball over the picture; what stands before it hides it, and
// a surface inside it shows through by how deep it lies.
func (b *Backdrop) puff(img *Image, f Puff) {
	x0, y0, x1, y1, ok := b.window(f.RadiusM, f.At)
	if !ok || f.RadiusM <= 0 {
		return
	}
	cz := b.v.toCamera(f.At)[2]
	r2 := float64(f.RadiusM * f.RadiusM)
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			rx, ry := b.v.ray(float64(x)+0.5, float64(y)+0.5)
			q := b.v.toWorld(rx, ry, cz)
			d := sub(q, f.At)
			d2 := dot(d, d) / r2
			if d2 >= 1 {
				continue
			}
			i := y*b.v.w + x
			part := float64((1 - d2) * (1 - d2) * f.Opacity)
			if f.Seed != 0 {
				n := fbm2(d[0]/f.RadiusM*1.7+float64(d[1]/f.RadiusM), d[2]/f.RadiusM*1.7, 4, 0, f.Seed)
				part *= smooth(0.25, 0.62, n+0.25*(1-d2))
			}
			part *= smooth(-f.RadiusM, f.RadiusM*0.5, float64(img.Depth[i])-cz)
			if part <= 0 {
				continue
			}
			p := img.RGBA.Pix[4*i : 4*i+3]
			for j := range p {
				own := encode(tone(f.Colour[j]))
				if f.Glow {
					own = min(1, float64(p[j])/255+own)
				}
				p[j] = uint8(clamp(lerp(float64(p[j])/255, own, part), 0, 1)*255 + 0.5)
			}
		}
	}
}

// grainTile is sensor noise for all frames: 64 Ki values of 32 times unit
// standard deviation, read from another place for each row.
var grainTile = sync.OnceValue(func() *[1 << 16]int8 {
	t := new([1 << 16]int8)
	for i := range t {
		t[i] = int8(clamp(math.Round(32*grain(i&255, i>>8, 40961)), -127, 127))
	}
	return t
})

func addGrain(m *image.RGBA, sigma float64, seed uint32) {
	k, tile := int(sigma*255/32*65536), grainTile()
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for y := range h {
		at := hash(int32(y), 1, 2, seed)
		row := m.Pix[y*m.Stride : y*m.Stride+4*w]
		for x := 0; x < len(row); x += 4 {
			g := int(tile[at&0xffff]) * k
			at++
			for j := range 3 {
				v := int(row[x+j]) + (g+1<<15)>>16
				row[x+j] = uint8(min(max(v, 0), 255))
			}
		}
	}
}
