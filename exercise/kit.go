package exercise

import (
	"image/color"
	"math"
	"math/rand/v2"

	"sightline/raster"
)

// Things that stand in the pictures and in no plan are built here from simple
// bodies: people, vehicles, bushes, rocks, fence posts.

// propID is the first id of meshes that are not pieces of the scene document.
const propID = 1 << 20

// kit is a mesh in the making. Local axes: x right, y forward, z up.
type kit struct {
	pos  [][3]float64
	tris [][3]uint32
	col  []color.NRGBA
}

func grey(v uint8) color.NRGBA         { return color.NRGBA{v, v, v, 255} }
func colour(r, g, b uint8) color.NRGBA { return color.NRGBA{r, g, b, 255} }
func (k *kit) vertex(x, y, z float64)  { k.pos = append(k.pos, [3]float64{x, y, z}) }
func (k *kit) face(c color.NRGBA, v ...uint32) {
	for i := 2; i < len(v); i++ {
		k.tris = append(k.tris, [3]uint32{v[0], v[i-1], v[i]})
		k.col = append(k.col, c)
	}
}

// block is a body between two rectangles, the lower of half sizes a, the
// upper of half sizes b, shifted by dy.
func (k *kit) block(at [3]float64, ax, ay, bx, by, high, dy float64, c color.NRGBA) {
	n := uint32(len(k.pos))
	for _, s := range [4][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}} {
		k.vertex(at[0]+s[0]*ax, at[1]+s[1]*ay, at[2])
	}
	for _, s := range [4][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}} {
		k.vertex(at[0]+s[0]*bx, at[1]+s[1]*by+dy, at[2]+high)
	}
	for i := range uint32(4) {
		j := (i + 1) % 4
		k.face(c, n+i, n+j, n+4+j, n+4+i)
	}
	k.face(c, n+4, n+5, n+6, n+7)
	k.face(c, n+3, n+2, n+1, n)
}

// rod is a limb or wheel from a to b with a radius at each end.
func (k *kit) rod(a, b [3]float64, ra, rb float64, sides int, c color.NRGBA) {
	d := [3]float64{b[0] - a[0], b[1] - a[1], b[2] - a[2]}
	l := math.Sqrt(d[0]*d[0] + d[1]*d[1] + d[2]*d[2])
	if l == 0 {
		return
	}
	for i := range d {
		d[i] /= l
	}
	u := [3]float64{1, 0, 0}
	if math.Abs(d[0]) > 0.8 {
		u = [3]float64{0, 0, 1}
	}
	p := [3]float64{d[1]*u[2] - d[2]*u[1], d[2]*u[0] - d[0]*u[2], d[0]*u[1] - d[1]*u[0]}
	pl := math.Sqrt(p[0]*p[0] + p[1]*p[1] + p[2]*p[2])
	for i := range p {
		p[i] /= pl
	}
	q := [3]float64{d[1]*p[2] - d[2]*p[1], d[2]*p[0] - d[0]*p[2], d[0]*p[1] - d[1]*p[0]}
	n := uint32(len(k.pos))
	for i := range sides {
		s, o := math.Sincos(2 * math.Pi * float64(i) / float64(sides))
		for j, e := range [2][3]float64{a, b} {
			r := [2]float64{ra, rb}[j]
			k.vertex(e[0]+r*(o*p[0]+s*q[0]), e[1]+r*(o*p[1]+s*q[1]), e[2]+r*(o*p[2]+s*q[2]))
		}
	}
	m := uint32(sides)
	var low, high []uint32
	for i := range m {
		j := (i + 1) % m
		k.face(c, n+2*i, n+2*j, n+2*j+1, n+2*i+1)
		low, high = append(low, n+2*(m-1-i)), append(high, n+2*i+1)
	}
	k.face(c, low...)
	k.face(c, high...)
}

// ball is an octahedron divided once: a head, a bush, a crown. rough moves its
// corners by chance.
func (k *kit) ball(at [3]float64, rx, ry, rz float64, r *rand.Rand, rough float64, c color.NRGBA) {
	corners := [][3]float64{{1, 0, 0}, {-1, 0, 0}, {0, 1, 0}, {0, -1, 0}, {0, 0, 1}, {0, 0, -1}}
	faces := [][3]int{{0, 2, 4}, {2, 1, 4}, {1, 3, 4}, {3, 0, 4}, {2, 0, 5}, {1, 2, 5}, {3, 1, 5}, {0, 3, 5}}
	mid := map[[2]int]int{}
	half := func(a, b int) int {
		key := [2]int{min(a, b), max(a, b)}
		if i, ok := mid[key]; ok {
			return i
		}
		p := [3]float64{corners[a][0] + corners[b][0], corners[a][1] + corners[b][1], corners[a][2] + corners[b][2]}
		l := math.Sqrt(p[0]*p[0] + p[1]*p[1] + p[2]*p[2])
		corners = append(corners, [3]float64{p[0] / l, p[1] / l, p[2] / l})
		mid[key] = len(corners) - 1
		return mid[key]
	}
	var fine [][3]int
	for range 2 {
		fine = nil
		for _, f := range faces {
			a, b, d := half(f[0], f[1]), half(f[1], f[2]), half(f[2], f[0])
			fine = append(fine, [3]int{f[0], a, d}, [3]int{a, f[1], b}, [3]int{d, b, f[2]}, [3]int{a, b, d})
		}
		if rough == 0 { // people and wheels are small: once is enough
			break
		}
		faces, mid = fine, map[[2]int]int{}
	}
	n := uint32(len(k.pos))
	for _, p := range corners {
		s := 1.0
		if rough > 0 {
			s += rough * (2*r.Float64() - 1)
		}
		k.vertex(at[0]+rx*s*p[0], at[1]+ry*s*p[1], at[2]+rz*s*p[2])
	}
	for _, f := range fine {
		k.face(c, n+uint32(f[0]), n+uint32(f[1]), n+uint32(f[2]))
	}
}

// stand puts the kit on the ground of the frame: heading in degrees clockwise
// from north, pitch lifts its front.
func (k *kit) stand(at [3]float64, headingDeg, pitchDeg float64) *kit {
	sh, ch := math.Sincos(headingDeg * math.Pi / 180)
	sp, cp := math.Sincos(pitchDeg * math.Pi / 180)
	for i, p := range k.pos {
		y, z := p[1]*cp-p[2]*sp, p[1]*sp+p[2]*cp
		k.pos[i] = [3]float64{at[0] + p[0]*ch + y*sh, at[1] - p[0]*sh + y*ch, at[2] + z}
	}
	return k
}

func (k *kit) mesh(name string, id uint32, m raster.Material, smooth bool) raster.Mesh {
	return raster.Mesh{Name: name, ID: propID + id, Kind: raster.Solid, Material: m, Positions: k.pos, Triangles: k.tris, TriangleColours: k.col, Smooth: smooth, NoOutline: true}
}

// clothes of a figure.
type clothes struct{ shirt, trousers, skin, hat color.NRGBA }

var (
	uniform   = clothes{colour(52, 62, 48), colour(44, 50, 42), colour(142, 98, 74), colour(38, 44, 36)}
	everyday  = []clothes{{colour(176, 58, 46), colour(48, 56, 84), colour(150, 104, 78), colour(40, 30, 24)}, {colour(232, 224, 196), colour(70, 62, 54), colour(120, 82, 60), colour(30, 26, 24)}, {colour(62, 106, 158), colour(36, 38, 44), colour(164, 116, 88), colour(58, 42, 30)}, {colour(206, 160, 62), colour(84, 72, 60), colour(136, 94, 70), colour(34, 28, 26)}}
	gunMetal  = grey(28)
	tyre      = grey(24)
	window    = colour(46, 56, 66)
	vestWhite = colour(222, 222, 216)
)

// figure is a person about 1.75 m tall. step is the phase of walking in
// radians, 0 standing; aim raises the arms with a long gun.
func figure(c clothes, step float64, walking, aim bool) *kit {
	k := &kit{}
	swing := 0.0
	if walking {
		swing = 0.26 * math.Sin(step)
	}
	for side, s := range [2]float64{-1, 1} {
		f := swing
		if side == 1 {
			f = -swing
		}
		hip, knee, foot := [3]float64{s * 0.1, 0, 0.88}, [3]float64{s * 0.1, f*0.9 + 0.03, 0.46}, [3]float64{s * 0.11, f * 1.4, 0.06 + 0.06*math.Max(0, -f)}
		k.rod(knee, hip, 0.07, 0.1, 7, c.trousers)
		k.rod(foot, knee, 0.055, 0.07, 7, c.trousers)
		k.block([3]float64{s * 0.11, f*1.4 + 0.05, 0}, 0.05, 0.13, 0.045, 0.11, 0.09, 0, grey(30))
		shoulder := [3]float64{s * 0.2, 0, 1.4}
		elbow, hand := [3]float64{s * 0.25, -f * 0.6, 1.13}, [3]float64{s * 0.24, -f*1.2 + 0.06, 0.88}
		if aim {
			elbow, hand = [3]float64{s * 0.26, 0.2, 1.24}, [3]float64{s*0.05 + 0.08, 0.36 + 0.16*float64(1-side), 1.42}
		}
		k.rod(shoulder, elbow, 0.06, 0.05, 6, c.shirt)
		k.rod(elbow, hand, 0.05, 0.04, 6, c.skin)
	}
	k.block([3]float64{0, 0, 0.86}, 0.16, 0.1, 0.2, 0.12, 0.3, 0, c.shirt)
	k.block([3]float64{0, 0, 1.16}, 0.2, 0.12, 0.17, 0.1, 0.28, 0, c.shirt)
	k.rod([3]float64{0, 0, 1.44}, [3]float64{0, 0.01, 1.54}, 0.055, 0.05, 6, c.skin)
	k.ball([3]float64{0, 0.02, 1.63}, 0.085, 0.105, 0.12, nil, 0, c.skin)
	k.ball([3]float64{0, -0.01, 1.68}, 0.095, 0.11, 0.095, nil, 0, c.hat)
	if aim {
		k.rod([3]float64{0.1, 0.12, 1.45}, [3]float64{0.08, 0.95, 1.47}, 0.03, 0.018, 6, gunMetal)
	}
	return k
}

func (k *kit) wheels(half float64, axles []float64, r float64) {
	for _, y := range axles {
		for _, s := range [2]float64{-1, 1} {
			k.rod([3]float64{s * (half - 0.22), y, r}, [3]float64{s * half, y, r}, r, r, 12, tyre)
			k.rod([3]float64{s * half, y, r}, [3]float64{s * (half + 0.01), y, r}, r*0.55, r*0.5, 10, grey(120))
		}
	}
}

// offRoader is a patrol vehicle.
func offRoader(paint color.NRGBA, bar bool) *kit {
	k := &kit{}
	k.wheels(0.92, []float64{-1.35, 1.4}, 0.38)
	k.block([3]float64{0, 0, 0.42}, 0.92, 2.3, 0.9, 2.25, 0.55, 0, paint)
	k.block([3]float64{0, -0.55, 0.97}, 0.86, 1.65, 0.74, 1.35, 0.66, -0.12, window)
	k.block([3]float64{0, -0.67, 1.63}, 0.76, 1.4, 0.72, 1.34, 0.08, 0, paint)
	k.block([3]float64{0, 1.1, 0.97}, 0.84, 0.06, 0.8, 0.05, 0.05, 0, paint)
	for _, y := range []float64{-1.9, -0.62, 0.72} { // pillars
		for _, s := range [2]float64{-1, 1} {
			k.block([3]float64{s * 0.84, y, 0.97}, 0.03, 0.06, 0.03, 0.06, 0.66, 0, paint)
		}
	}
	k.block([3]float64{0, 2.28, 0.4}, 0.9, 0.08, 0.88, 0.06, 0.22, 0, grey(40))
	k.block([3]float64{0, -2.3, 0.4}, 0.9, 0.08, 0.88, 0.06, 0.22, 0, grey(40))
	for _, s := range [2]float64{-1, 1} {
		k.block([3]float64{s * 0.66, 2.27, 0.66}, 0.14, 0.05, 0.14, 0.05, 0.16, 0, colour(236, 232, 214))
		k.block([3]float64{s * 0.76, -2.27, 0.66}, 0.08, 0.05, 0.08, 0.05, 0.2, 0, colour(168, 32, 28))
	}
	if bar {
		k.block([3]float64{0, -0.2, 1.71}, 0.5, 0.1, 0.48, 0.09, 0.12, 0, colour(36, 62, 180))
		k.block([3]float64{0, 0, 0.62}, 0.925, 2.1, 0.925, 2.1, 0.12, 0, vestWhite)
	}
	return k
}

// waterTruck is the cooperative's truck with its tank.
func waterTruck() *kit {
	k := &kit{}
	k.wheels(1.12, []float64{-2.3, -1.2, 2.3}, 0.48)
	k.block([3]float64{0, 0, 0.7}, 0.5, 3.3, 0.5, 3.3, 0.24, 0, grey(46))
	k.block([3]float64{0, 2.5, 0.62}, 1.12, 0.9, 1.1, 0.86, 1.0, 0, colour(196, 196, 190))
	k.block([3]float64{0, 2.42, 1.62}, 1.08, 0.8, 0.98, 0.58, 0.75, -0.1, window)
	k.block([3]float64{0, 2.3, 2.37}, 1.0, 0.62, 0.96, 0.58, 0.08, 0, colour(196, 196, 190))
	k.rod([3]float64{0, -3.3, 1.72}, [3]float64{0, 1.25, 1.72}, 0.86, 0.86, 16, colour(54, 122, 166))
	k.block([3]float64{0, -1, 2.56}, 0.24, 0.24, 0.22, 0.22, 0.14, 0, grey(90))
	for _, s := range [2]float64{-1, 1} {
		k.block([3]float64{s * 0.8, 3.39, 0.75}, 0.16, 0.04, 0.16, 0.04, 0.2, 0, colour(236, 232, 214))
	}
	return k
}

// smallCar passes by.
func smallCar(paint color.NRGBA) *kit {
	k := &kit{}
	k.wheels(0.82, []float64{-1.2, 1.25}, 0.3)
	k.block([3]float64{0, 0, 0.3}, 0.82, 2.0, 0.8, 1.95, 0.5, 0, paint)
	k.block([3]float64{0, -0.25, 0.8}, 0.76, 1.3, 0.6, 0.75, 0.52, -0.1, window)
	k.block([3]float64{0, -0.35, 1.32}, 0.6, 0.76, 0.56, 0.7, 0.05, 0, paint)
	for _, s := range [2]float64{-1, 1} {
		k.block([3]float64{s * 0.6, 1.98, 0.5}, 0.14, 0.04, 0.14, 0.04, 0.14, 0, colour(236, 232, 214))
		k.block([3]float64{s * 0.68, -1.98, 0.5}, 0.08, 0.04, 0.08, 0.04, 0.16, 0, colour(168, 32, 28))
	}
	return k
}

// leafTree is a broad-leaved tree about high metres tall.
func leafTree(r *rand.Rand, high float64) (trunk, crown *kit) {
	trunk, crown = &kit{}, &kit{}
	trunk.rod([3]float64{0, 0, -0.5}, [3]float64{between(r, -0.3, 0.3), between(r, -0.3, 0.3), high * 0.6}, high*0.035, high*0.02, 7, colour(92, 74, 58))
	green := colour(uint8(48+r.IntN(20)), uint8(64+r.IntN(16)), uint8(32+r.IntN(10)))
	for range 4 + r.IntN(3) {
		s := high * between(r, 0.2, 0.3)
		crown.ball([3]float64{between(r, -0.2, 0.2) * high, between(r, -0.2, 0.2) * high, high * between(r, 0.55, 0.85)}, s, s, s*0.8, r, 0.2, green)
	}
	return trunk, crown
}
