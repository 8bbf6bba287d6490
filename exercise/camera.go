package exercise

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"sightline/raster"
	"sightline/sight"
	"sightline/sun"
	"sightline/when"
)

// filmDiagonal is that of the 36 by 24 mm frame, by which 35 mm equivalents
// of phones are given (CIPA DCG-001).
const filmDiagonal = 43.2666

func focalPx(f35 float64, w, h int) float64 {
	return f35 * math.Hypot(float64(w), float64(h)) / filmDiagonal
}

// minPoints is how many named points a photo must show to be worth solving.
const minPoints = 8

// stand finds a place to stand from which a picture of that size and focal
// length shows enough named points.
func (g *gen) stand(r *rand.Rand, prep *raster.Prepared, w, h int, f35, k1 float64) (sight.Camera, error) {
	var best sight.Camera
	most := -1
	low, high := 0.72*f35, 2.1*f35 // metres from the target: the house fills a fair part
	for try := range 400 {
		target := [3]float64{between(r, -9, 9), between(r, -9, 9), between(r, 2, 6)}
		bearing, far := between(r, 0, 360), between(r, low, high)
		if far < 16 {
			far = 16
		}
		p := turn(bearing, 0, far)
		ground, ok := g.doc.Ground(p[0], p[1])
		if !ok {
			continue
		}
		eye := [3]float64{p[0], p[1], round2(ground + between(r, 1.45, 1.9))}
		if r.IntN(4) == 0 {
			eye[2] = round2(eye[2] + between(r, 2, 6)) // a balcony or a bank
		}
		d := [3]float64{target[0] - eye[0], target[1] - eye[1], target[2] - eye[2]}
		a := sight.Angles{Heading: math.Atan2(d[0], d[1]) * 180 / math.Pi, Pitch: math.Atan2(d[2], math.Hypot(d[0], d[1])) * 180 / math.Pi, Roll: between(r, -2.4, 2.4)}
		c := sight.Camera{Width: w, Height: h, Position: eye, Rotation: a.Rotation(), FocalPx: focalPx(f35, w, h), PrincipalPoint: [2]float64{float64(w) / 2, float64(h) / 2}, K1: k1}
		s := shrink(c, 240)
		m, err := prep.Render(s, raster.Options{BuffersOnly: true, Samples: 1})
		if err != nil {
			return best, fmt.Errorf("failed to look around in the exercise: %w", err)
		}
		// Nothing large just before the lens.
		near := 0
		for _, z := range m.Depth {
			if z < 4 {
				near++
			}
		}
		if near > len(m.Depth)/5 {
			continue
		}
		n, house := 0, 0
		for _, q := range g.pixels(s, m) {
			if q.Visible {
				n++
				if q.ID[:4] == "S-01" {
					house++
				}
			}
		}
		if house >= 6 && n > most {
			best, most = c, n
		}
		if most >= minPoints && try >= 6 {
			break
		}
	}
	if most < minPoints {
		return best, fmt.Errorf("seed %d: no place was found for a camera of %g mm that shows %d points: choose another seed", g.Seed, f35, minPoints)
	}
	return best, nil
}

// shrink is the same camera with fewer pixels.
func shrink(c sight.Camera, width int) sight.Camera {
	return rescale(c, float64(width)/float64(c.Width), [2]float64{}, width, c.Height*width/c.Width)
}

// rescale is the camera of a picture whose pixels are scale*old + shift.
func rescale(c sight.Camera, scale float64, shift [2]float64, w, h int) sight.Camera {
	c.FocalPx *= scale
	for i := range 2 {
		c.PrincipalPoint[i] = c.PrincipalPoint[i]*scale + shift[i]
	}
	c.Width, c.Height = w, h
	return c
}

// pixels projects the named points and says which can be seen, by the depth
// that the renderer found.
func (g *gen) pixels(c sight.Camera, m *raster.Image) []Pixel {
	out := make([]Pixel, 0, len(g.named))
	for _, p := range g.named {
		px, seen, ok := g.seen(c, m, p.At)
		if ok {
			out = append(out, Pixel{p.ID, p.At, px, seen})
		}
	}
	return out
}

// seen projects a world point. ok: it falls within a picture's width of the
// picture. seen: inside, and no surface hides it. A corner lies on the edge of
// its body, so one of the pixels around it must show a surface at its depth;
// on the ground, the depths around it must hold its own between them.
func (g *gen) seen(c sight.Camera, m *raster.Image, at [3]float64) (px [2]float64, seen, ok bool) {
	px, err := c.Project(at)
	if err != nil {
		return px, false, false
	}
	w, h := float64(c.Width), float64(c.Height)
	if px[0] < -w || px[0] > 2*w || px[1] < -h || px[1] > 2*h {
		return px, false, false
	}
	if !g.inside(px, c.Width, c.Height) {
		return px, false, true
	}
	f := c.Matrix()[2]
	z := 0.0
	for i := range 3 {
		z += f[i] * (at[i] - c.Position[i])
	}
	tolerance := 0.12 + 1.5*z/c.FocalPx
	low, high := math.Inf(1), math.Inf(-1)
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			x, y := int(px[0])+dx, int(px[1])+dy
			d := float64(m.DepthAt(x, y, c.Width))
			if math.Abs(d-z) < tolerance {
				return px, true, true
			}
			// Ground seen at a low angle recedes by metres from row to row.
			if x >= 0 && x < c.Width && y >= 0 && y < c.Height && !math.IsInf(d, 1) {
				if p, ok := g.doc.PieceOf(m.ID[y*c.Width+x]); ok && p.Mesh.Kind != raster.Solid {
					low, high = min(low, d), max(high, d)
				}
			}
		}
	}
	return px, low < z && z < high, true
}

// inside: in the picture and below its band.
func (g *gen) inside(px [2]float64, w, h int) bool {
	return px[0] >= 1 && px[0] <= float64(w-1) && px[1] >= float64(g.bandRows(w, h)+1) && px[1] <= float64(h-1)
}

// sunAt is where the sun stands.
func (g *gen) sunAt(t when.Instant) sun.Position { return sun.At(t, g.eye, g.air) }

// prepare makes the scene ready with the sun of a time and what stood there
// then; with all, also who moved. Cells are those of the shadow maps.
func (g *gen) prepare(t when.Instant, all bool, cells int) (*raster.Prepared, error) {
	list := append(append([]raster.Mesh(nil), g.mesh...), meshes(g.parked(float64(t-g.t0)))...)
	if all {
		list = append(list, meshes(g.moving(float64(t-g.t0)))...)
	}
	p, err := raster.Prepare(raster.Scene{Meshes: list, Sun: g.sunAt(t).Vector(), FocusRadius: 45, ShadowCells: cells})
	if err != nil {
		return nil, fmt.Errorf("failed to light the exercise: %w", err)
	}
	return p, nil
}

// shadowed are the points whose shadows the truth lists.
var shadowed = []string{"S-04.top", "S-01.ridge-front", "S-01.ridge-back"}

// tips are the shadows on the ground at a time.
func (g *gen) tips(t when.Instant) []ShadowTip {
	to := g.sunAt(t).Vector()
	out := []ShadowTip{}
	for _, id := range shadowed {
		for _, p := range g.named {
			if p.ID != id {
				continue
			}
			if tip, ok := g.fall(float64(t-g.t0), id, p.At, to); ok {
				out = append(out, ShadowTip{Of: id, Top: p.At, Tip: tip})
			}
		}
	}
	return out
}

// fall follows the light past a point to the ground. Not ok: something else
// is in the way, or the ground is too far. The lamp post itself is not in the
// way: its point is the middle of its upper end.
func (g *gen) fall(ms float64, id string, top, to [3]float64) (tip [3]float64, ok bool) {
	at := func(s float64) [3]float64 {
		return [3]float64{top[0] - s*to[0], top[1] - s*to[1], top[2] - s*to[2]}
	}
	above := func(s float64) bool {
		p := at(s)
		u, ok := g.doc.Ground(p[0], p[1])
		return ok && p[2] > u
	}
	s := 0.0
	for above(s) {
		if s += 0.1; s > 100 {
			return tip, false
		}
	}
	if s == 0 {
		return tip, false
	}
	a, b := s-0.1, s
	for range 40 {
		if m := (a + b) / 2; above(m) {
			a = m
		} else {
			b = m
		}
	}
	land := b
	list := append(append([]raster.Mesh(nil), g.mesh...), meshes(g.parked(ms), g.moving(ms))...)
	for i := range list {
		m := &list[i]
		if m.Kind == raster.Terrain || strings.HasPrefix(id, "S-04") && strings.HasPrefix(m.Name, "S-04") {
			continue
		}
		for _, k := range m.Triangles {
			d, hit := crosses(top, to, m.Positions[k[0]], m.Positions[k[1]], m.Positions[k[2]])
			switch {
			case !hit || -d < 0.05 || -d > b-0.02:
			case m.Kind == raster.Road: // lies a little above the ground
				land = min(land, -d)
			default:
				return tip, false
			}
		}
	}
	return at(land), true
}

// crosses is where a line p + d*dir meets a triangle (Möller and Trumbore
// 1997).
func crosses(p, dir, a, b, c [3]float64) (d float64, hit bool) {
	sub := func(x, y [3]float64) [3]float64 { return [3]float64{x[0] - y[0], x[1] - y[1], x[2] - y[2]} }
	cross := func(x, y [3]float64) [3]float64 {
		return [3]float64{x[1]*y[2] - x[2]*y[1], x[2]*y[0] - x[0]*y[2], x[0]*y[1] - x[1]*y[0]}
	}
	dot := func(x, y [3]float64) float64 { return x[0]*y[0] + x[1]*y[1] + x[2]*y[2] }
	e1, e2 := sub(b, a), sub(c, a)
	h := cross(dir, e2)
	det := dot(e1, h)
	if math.Abs(det) < 1e-12 {
		return 0, false
	}
	s := sub(p, a)
	u := dot(s, h) / det
	q := cross(s, e1)
	v := dot(dir, q) / det
	if u < 0 || v < 0 || u+v > 1 {
		return 0, false
	}
	return dot(e2, q) / det, true
}
