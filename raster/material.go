package raster

import (
	"image"
	"image/color"
	"math"
)

// material is an invented surface: a base colour in linear light and a
// pattern in metres.
type material struct {
	base    rgb
	pattern func(base rgb, u, w, footprint float64, seed uint32) rgb
}

var materials = [...]material{
	Plain:     {rgb{0.45, 0.44, 0.42}, plainPattern},
	Grass:     {rgb{0.115, 0.165, 0.055}, grassPattern},
	Earth:     {rgb{0.26, 0.19, 0.125}, earthPattern},
	Asphalt:   {rgb{0.115, 0.115, 0.12}, asphaltPattern},
	Concrete:  {rgb{0.42, 0.41, 0.39}, concretePattern},
	Plaster:   {rgb{0.62, 0.58, 0.50}, plasterPattern},
	Brick:     {rgb{0.34, 0.15, 0.095}, brickPattern},
	Wood:      {rgb{0.27, 0.165, 0.09}, woodPattern},
	RoofSheet: {rgb{0.33, 0.33, 0.34}, sheetPattern},
	RoofTile:  {rgb{0.36, 0.14, 0.085}, tilePattern},
	Foliage:   {rgb{0.055, 0.095, 0.030}, foliagePattern},
	Glass:     {rgb{0.03, 0.035, 0.04}, plainPattern},
}

// fades is 1 where a pattern of the given period is larger than two pixels
// and 0 where it is smaller than one, so that it greys out instead of making
// moire.
func fades(period, footprint float64) float64 { return 1 - smooth(0.3, 0.7, footprint/period) }

func vary(base rgb, amount float64, n float64) rgb { return base.times(1 + amount*2*(n-0.5)) }

func plainPattern(b rgb, u, w, f float64, seed uint32) rgb {
	return vary(b, 0.10, fbm2(u/0.7, w/0.7, 4, f/0.7, seed))
}

func grassPattern(b rgb, u, w, f float64, seed uint32) rgb {
	large := fbm2(u/22, w/22, 4, f/22, seed)
	fine := fbm2(u/0.55, w/0.55, 5, f/0.55, seed+17)
	dry := rgb{0.24, 0.205, 0.105}
	return vary(b.mix(dry, smooth(0.46, 0.78, large)), 1.1, fine)
}

func earthPattern(b rgb, u, w, f float64, seed uint32) rgb {
	return vary(vary(b, 0.35, fbm2(u/6, w/6, 3, f/6, seed)), 0.7, fbm2(u/0.35, w/0.35, 5, f/0.35, seed+5))
}

func asphaltPattern(b rgb, u, w, f float64, seed uint32) rgb {
	patch := smooth(0.58, 0.60, fbm2(u/4.5, w/4.5, 3, f/4.5, seed))
	b = b.times(1 - float64(0.25*patch))
	return vary(b, 0.55, fbm2(u/0.12, w/0.12, 3, f/0.12, seed+3))
}

func concretePattern(b rgb, u, w, f float64, seed uint32) rgb {
	b = vary(b, 0.45, fbm2(u/1.8, w/2.6, 5, f/1.8, seed))
	joint := math.Mod(math.Mod(u, 2.4)+2.4, 2.4)
	if joint < 0.02 {
		b = b.times(1 - float64(0.4*fades(0.04, f)))
	}
	return b
}

func plasterPattern(b rgb, u, w, f float64, seed uint32) rgb {
	stain := fbm2(u/0.9, w/4, 4, f/0.9, seed)
	b = b.times(1 - float64(0.34*smooth(0.50, 0.80, stain)))
	return vary(b, 0.22, fbm2(u/0.25, w/0.25, 4, f/0.25, seed+9))
}

func brickPattern(b rgb, u, w, f float64, seed uint32) rgb {
	const high, long, gap = 0.075, 0.25, 0.012
	k := fades(high, f)
	row := math.Floor(w / high)
	shift := float64(long * 0.5 * math.Abs(math.Mod(row, 2)))
	col := math.Floor((u + shift) / long)
	fu, fw := u+shift-float64(col*long), w-float64(row*high)
	b = vary(b, 0.40*k, hash01(int32(col), int32(row), 5, seed))
	if k > 0 && (fu < gap || fw < gap) {
		b = b.mix(rgb{0.40, 0.38, 0.34}, k)
	} else if k < 1 {
		b = b.mix(b.mix(rgb{0.40, 0.38, 0.34}, 0.2), 1-k)
	}
	return vary(b, 0.3, fbm2(u/0.8, w/0.8, 4, f/0.8, seed+3))
}

func woodPattern(b rgb, u, w, f float64, seed uint32) rgb {
	const board = 0.16
	k := fades(board, f)
	i := math.Floor(u / board)
	b = vary(b, 0.32*k, hash01(int32(i), 0, 9, seed))
	if u-float64(i*board) < 0.012 {
		b = b.times(1 - float64(0.55*fades(0.024, f)))
	}
	return vary(b, 0.5, fbm2(u/0.06, w/0.9, 4, f/0.06, seed+uint32(int32(i))*7))
}

func sheetPattern(b rgb, u, w, f float64, seed uint32) rgb {
	const wave = 0.20
	k := fades(wave, f)
	t := u/wave - math.Floor(u/wave)
	tri := math.Abs(2*t - 1)
	b = b.times(1 + float64(0.5*k*(tri-0.5)))
	if lap := math.Mod(math.Mod(w, 2.2)+2.2, 2.2); lap < 0.03 {
		b = b.times(1 - float64(0.35*fades(0.06, f)))
	}
	rust := smooth(0.54, 0.76, fbm2(u/1.4, w/2.6, 5, f/1.4, seed))
	return vary(b.mix(rgb{0.24, 0.105, 0.045}, float64(0.75*rust)), 0.2, fbm2(u/0.3, w/0.3, 3, f/0.3, seed+1))
}

func tilePattern(b rgb, u, w, f float64, seed uint32) rgb {
	const high, wide = 0.32, 0.22
	k := fades(wide, f)
	row := math.Floor(w / high)
	col := math.Floor(u / wide)
	fu, fw := u/wide-col, w/high-row
	b = vary(b, 0.4*k, hash01(int32(col), int32(row), 2, seed))
	arch := 1 - float64(4*(fu-0.5)*(fu-0.5))
	b = b.times(1 + float64(k*(float64(0.45*(arch-0.6))-float64(0.35*smooth(0.85, 1, fw)))))
	return vary(b, 0.35, fbm2(u/1.2, w/1.2, 4, f/1.2, seed+8))
}

func foliagePattern(b rgb, u, w, f float64, seed uint32) rgb {
	return vary(vary(b, 0.5, fbm2(u/1.5, w/1.5, 3, f/1.5, seed)), 1.3, fbm2(u/0.28, w/0.28, 4, f/0.28, seed+4))
}

// Transfer functions of sRGB (IEC 61966-2-1) as tables.
var (
	toLinear  [256]float32
	toDisplay [4097]float32
)

func init() {
	for i := range toLinear {
		x := float64(i) / 255
		if x <= 0.04045 {
			toLinear[i] = float32(x / 12.92)
		} else {
			toLinear[i] = float32(math.Pow((x+0.055)/1.055, 2.4))
		}
	}
	for i := range toDisplay {
		x := float64(i) / 4096
		if x <= 0.0031308 {
			toDisplay[i] = float32(x * 12.92)
		} else {
			toDisplay[i] = float32(1.055*math.Pow(x, 1/2.4) - 0.055)
		}
	}
}

func linear(c color.NRGBA) rgb { return rgb{toLinear[c.R], toLinear[c.G], toLinear[c.B]} }

// encode maps linear light 0..1 to a display value.
func encode(x float64) float64 {
	t := clamp(x, 0, 1) * 4096
	i := int(t)
	if i >= 4096 {
		return float64(toDisplay[4096])
	}
	return lerp(float64(toDisplay[i]), float64(toDisplay[i+1]), t-float64(i))
}

// texture samples a mesh's image, bilinear, averaged over the footprint of
// the pixel where the image is seen small.
func (c *canvas) texture(s *surface, lin bool) rgb {
	m := s.mesh
	t := m.Triangles[s.tri.local]
	img := m.Texture.Image
	w, h := float64(img.Rect.Dx()), float64(img.Rect.Dy())
	u0, u1, u2 := m.UV[t[0]], m.UV[t[1]], m.UV[t[2]]
	u := float64(u0[0]*s.bary[0]) + float64(u1[0]*s.bary[1]) + float64(u2[0]*s.bary[2])
	v := float64(u0[1]*s.bary[0]) + float64(u1[1]*s.bary[1]) + float64(u2[1]*s.bary[2])
	// Texels a metre, from the areas of the triangle in both spaces.
	p0, p1, p2 := m.Positions[t[0]], m.Positions[t[1]], m.Positions[t[2]]
	world := length(cross(sub(p1, p0), sub(p2, p0)))
	texels := math.Abs(float64((u1[0]-u0[0])*(u2[1]-u0[1]))-float64((u2[0]-u0[0])*(u1[1]-u0[1]))) * w * h
	n := 1
	if world > 0 {
		n = int(clamp(math.Ceil(math.Sqrt(texels/world)*c.footprint(s)), 1, 6))
	}
	spread := 0.0
	if n > 1 {
		spread = math.Sqrt(texels/world) * c.footprint(s)
	}
	var sum rgb
	for j := range n {
		for i := range n {
			du := spread * ((float64(i)+0.5)/float64(n) - 0.5)
			dv := spread * ((float64(j)+0.5)/float64(n) - 0.5)
			sum = sum.plus(bilinear(img, u*w+du, v*h+dv, lin))
		}
	}
	return sum.times(1 / float64(n*n))
}

// bilinear samples at texel coordinates (corner origin), repeating.
func bilinear(img *image.RGBA, x, y float64, lin bool) rgb {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	x, y = x-0.5, y-0.5
	fx, fy := math.Floor(x), math.Floor(y)
	if math.IsNaN(fx) || math.IsNaN(fy) || math.Abs(fx) > 1e9 || math.Abs(fy) > 1e9 {
		return rgb{}
	}
	i, j := wrap(int(fx), w), wrap(int(fy), h)
	i1, j1 := (i+1)%w, (j+1)%h
	at := func(i, j int) rgb {
		p := img.Pix[j*img.Stride+4*i:]
		if lin {
			return rgb{toLinear[p[0]], toLinear[p[1]], toLinear[p[2]]}
		}
		return rgb{float32(p[0]) / 255, float32(p[1]) / 255, float32(p[2]) / 255}
	}
	u, v := x-fx, y-fy
	return at(i, j).mix(at(i1, j), u).mix(at(i, j1).mix(at(i1, j1), u), v)
}

func wrap(i, n int) int { return ((i % n) + n) % n }

func newRGBA(w, h int) *image.RGBA { return image.NewRGBA(image.Rect(0, 0, w, h)) }
