package scene

import (
	"math"

	"sightline/raster"
)

// aFrame is a house whose roof planes reach the ground: two sloping planes, a
// triangular wall at each end, a floor, a deck at the front.
func (b *body) aFrame() error {
	p := b.part
	wallM, roofM, err := p.materials(raster.Wood, raster.RoofSheet)
	if err != nil {
		return err
	}
	hw, hl, top := p.WidthM/2, p.LengthM/2, p.HeightM
	slope := hw / top // metres outwards for each metre down
	over := p.OverhangM
	sink := max(p.SinkM, 0.2)
	// The roof: from the ridge down past the floor into the ground.
	foot := hw + slope*sink
	roof := b.mesh("roof", roofM)
	l := hl + over
	polygon(roof, b.world(0, l, top), b.world(-foot, l, -sink), b.world(-foot, -l, -sink), b.world(0, -l, top))
	polygon(roof, b.world(0, -l, top), b.world(foot, -l, -sink), b.world(foot, l, -sink), b.world(0, l, top))
	// End walls stand on the floor and follow the roof.
	hf := hw - slope*p.FloorM
	wall := b.mesh("wall", wallM)
	tri := []point2{{-hf, 0}, {hf, 0}, {0, top - p.FloorM}}
	for _, face := range []string{"front", "back"} {
		if err := b.wall(wall, face, tri, b.sideOf(face, hw, hl, p.FloorM)); err != nil {
			return err
		}
	}
	floor := b.mesh("floor", wallM)
	f := p.FloorM
	polygon(floor, b.world(-hf, -hl, f), b.world(hf, -hl, f), b.world(hf, hl, f), b.world(-hf, hl, f))
	if f > 0 {
		for _, s := range [2]float64{-1, 1} {
			y := s * hl
			if s > 0 {
				polygon(floor, b.world(hw, y, -sink), b.world(-hw, y, -sink), b.world(-hf, y, f), b.world(hf, y, f))
			} else {
				polygon(floor, b.world(-hw, y, -sink), b.world(hw, y, -sink), b.world(hf, y, f), b.world(-hf, y, f))
			}
		}
	}
	if p.DeckM > 0 {
		deck := b.mesh("deck", raster.Wood)
		slab(b, deck, -hf, hf, hl, hl+p.DeckM, max(f-0.25, -sink), max(f, 0.05))
	}
	b.corner("ridge-front", b.world(0, l, top))
	b.corner("ridge-back", b.world(0, -l, top))
	b.corner("foot-front-left", b.world(-hw, l, 0))
	b.corner("foot-front-right", b.world(hw, l, 0))
	b.corner("foot-back-left", b.world(-hw, -l, 0))
	b.corner("foot-back-right", b.world(hw, -l, 0))
	if p.DeckM > 0 {
		b.corner("deck-left", b.world(-hf, hl+p.DeckM, max(f, 0.05)))
		b.corner("deck-right", b.world(hf, hl+p.DeckM, max(f, 0.05)))
	}
	b.top = top
	return nil
}

// slab adds a box in the part's axes.
func slab(b *body, m *raster.Mesh, x0, x1, y0, y1, z0, z1 float64) {
	polygon(m, b.world(x0, y0, z0), b.world(x1, y0, z0), b.world(x1, y0, z1), b.world(x0, y0, z1))
	polygon(m, b.world(x1, y0, z0), b.world(x1, y1, z0), b.world(x1, y1, z1), b.world(x1, y0, z1))
	polygon(m, b.world(x1, y1, z0), b.world(x0, y1, z0), b.world(x0, y1, z1), b.world(x1, y1, z1))
	polygon(m, b.world(x0, y1, z0), b.world(x0, y0, z0), b.world(x0, y0, z1), b.world(x0, y1, z1))
	polygon(m, b.world(x0, y0, z1), b.world(x1, y0, z1), b.world(x1, y1, z1), b.world(x0, y1, z1))
	polygon(m, b.world(x0, y1, z0), b.world(x1, y1, z0), b.world(x1, y0, z0), b.world(x0, y0, z0))
}

// house is a box with openings and a roof; a plain box is a house without
// roof overhang.
func (b *body) house() error {
	p := b.part
	wallM, roofM, err := p.materials(raster.Plaster, raster.Concrete)
	if err != nil {
		return err
	}
	kind := ""
	if p.Kind == "house" {
		kind = p.Roof
	}
	gable, hip, shed := kind == "gable", kind == "hip", kind == "shed"
	sloping := gable || hip || shed
	if sloping && p.RoofMaterial == "" {
		roofM = raster.RoofTile
	}
	hw, hl, top := p.WidthM/2, p.LengthM/2, p.HeightM
	rise := 0.0
	if sloping {
		if rise = p.RoofRiseM; rise == 0 {
			rise = p.WidthM / 3
		}
	}
	low := -p.SinkM - p.FloorM
	wall := b.mesh("wall", wallM)
	for _, face := range []string{"front", "right", "back", "left"} {
		half := hw
		ring := []point2{{-half, low}, {half, low}, {half, top}, {-half, top}}
		if face == "left" || face == "right" {
			half = hl
			ring = []point2{{-half, low}, {half, low}, {half, top}, {-half, top}}
			if shed { // high at the back
				k := 2
				if face == "right" {
					k = 3
				}
				ring[k][1] += rise
			}
		} else if shed && face == "back" {
			ring[2][1], ring[3][1] = top+rise, top+rise
		} else if gable {
			ring = []point2{{-half, low}, {half, low}, {half, top}, {0, top + rise}, {-half, top}}
		}
		if err := b.wall(wall, face, ring, b.sideOf(face, hw, hl, p.FloorM)); err != nil {
			return err
		}
	}
	f := p.FloorM
	if len(p.Openings) > 0 {
		floor := b.mesh("floor", raster.Concrete)
		polygon(floor, b.world(-hw, -hl, f), b.world(hw, -hl, f), b.world(hw, hl, f), b.world(-hw, hl, f))
	}
	o := p.OverhangM
	switch {
	case hip:
		b.hipRoof(b.mesh("roof", roofM), hw, hl, f+top, rise, o)
	case shed:
		b.shedRoof(b.mesh("roof", roofM), hw, hl, f+top, rise, o)
	case gable:
		roof := b.mesh("roof", roofM)
		drop := o * rise / hw
		z0, z1 := f+top-drop, f+top+rise
		polygon(roof, b.world(0, hl+o, z1), b.world(-hw-o, hl+o, z0), b.world(-hw-o, -hl-o, z0), b.world(0, -hl-o, z1))
		polygon(roof, b.world(0, -hl-o, z1), b.world(hw+o, -hl-o, z0), b.world(hw+o, hl+o, z0), b.world(0, hl+o, z1))
		b.corner("ridge-front", b.world(0, hl+o, z1))
		b.corner("ridge-back", b.world(0, -hl-o, z1))
		b.top = z1
	case p.Kind == "house" && p.Roof != "none" && o > 0:
		roof := b.mesh("roof", roofM)
		slab(b, roof, -hw-o, hw+o, -hl-o, hl+o, f+top, f+top+0.22)
		for _, c := range corners4 {
			b.corner("roof-"+c.name, b.world(c.x*(hw+o), c.y*(hl+o), f+top+0.22))
		}
		b.top = f + top + 0.22
	case p.Kind == "box" || p.Roof != "none":
		roof := b.mesh("roof", roofM)
		polygon(roof, b.world(-hw, -hl, f+top), b.world(hw, -hl, f+top), b.world(hw, hl, f+top), b.world(-hw, hl, f+top))
		b.top = f + top
	default:
		b.top = f + top
	}
	for _, c := range corners4 {
		b.corner("eave-"+c.name, b.world(c.x*hw, c.y*hl, f+top))
		b.corner("foot-"+c.name, b.world(c.x*hw, c.y*hl, 0))
	}
	return nil
}

var corners4 = []struct {
	name string
	x, y float64
}{{"front-left", -1, 1}, {"front-right", 1, 1}, {"back-left", -1, -1}, {"back-right", 1, -1}}

// terrace is a level platform with walls down to the ground.
func (b *body) terrace() {
	p := b.part
	m, _, _ := p.materials(raster.Concrete, raster.Concrete)
	hw, hl := p.WidthM/2, p.LengthM/2
	slab(b, b.mesh("terrace", m), -hw, hw, -hl, hl, -max(p.SinkM, 1), p.HeightM)
	for _, c := range corners4 {
		b.corner(c.name, b.world(c.x*hw, c.y*hl, p.HeightM))
	}
	b.top = p.HeightM
}

// cylinder is a pole, mast or tank.
func (b *body) cylinder() {
	p := b.part
	mat, _, _ := p.materials(raster.Concrete, raster.Concrete)
	sides := 12
	if p.Kind == "pole" {
		sides = 8
		if p.Material == "" {
			mat = raster.Wood
		}
	}
	m := b.mesh(p.Kind, mat)
	r := p.WidthM / 2
	at := func(i int, z float64) [3]float64 {
		s, c := math.Sincos(2 * math.Pi * float64(i) / float64(sides))
		return b.world(r*c, r*s, z)
	}
	low := -max(p.SinkM, 0.3)
	var lid [][3]float64
	for i := range sides {
		polygon(m, at(i, low), at(i+1, low), at(i+1, p.HeightM), at(i, p.HeightM))
		lid = append(lid, at(i, p.HeightM))
	}
	polygon(m, lid...)
	b.corner("foot", b.world(0, 0, 0))
	b.corner("top", b.world(0, 0, p.HeightM))
	b.top = p.HeightM
}

// tree is a trunk and a crown of stacked cones. Trees move and grow: they
// have no corners to click on.
func (b *body) tree() {
	p := b.part
	r, h := p.WidthM/2, p.HeightM
	trunk := b.mesh("trunk", raster.Wood)
	crown := b.mesh("crown", raster.Foliage)
	ring := func(i, n int, r, z float64) [3]float64 {
		s, c := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		return b.world(r*c, r*s, z)
	}
	for i := range 6 {
		polygon(trunk, ring(i, 6, r*0.12, -0.3), ring(i+1, 6, r*0.12, -0.3), ring(i+1, 6, r*0.08, h*0.5), ring(i, 6, r*0.08, h*0.5))
	}
	for _, k := range [3][3]float64{{1, 0.18, 0.62}, {0.78, 0.42, 0.82}, {0.5, 0.66, 1}} {
		for i := range 8 {
			polygon(crown, ring(i, 8, r*k[0], h*k[1]), ring(i+1, 8, r*k[0], h*k[1]), b.world(0, 0, h*k[2]))
		}
	}
	for i := range b.pieces {
		b.pieces[i].Mesh.NoOutline = true
	}
	b.top = h
}

// centreline returns the corners of a road or wall with their heights.
func (p *Part) centreline(ground func(e, n float64) (float64, bool), step float64) [][3]float64 {
	pts := make([][3]float64, len(p.Points))
	for i, q := range p.Points {
		pts[i] = [3]float64{q[0], q[1], 0}
		if len(q) == 3 {
			pts[i][2] = q[2]
		} else if u, ok := ground(q[0], q[1]); ok {
			pts[i][2] = u
		}
	}
	if p.Kind == "wall" {
		return subdivide(pts, step)
	}
	return curveThrough(pts, step)
}

// road is a ribbon. Where the ground was cut for it, it lies in the cut; on
// measured ground it is draped.
func (b *body) road(ground func(e, n float64) (float64, bool)) error {
	p := b.part
	mat, _, _ := p.materials(raster.Asphalt, raster.Asphalt)
	line := p.centreline(ground, 3)
	m := b.mesh("road", mat)
	m.Kind, m.Smooth = raster.Road, true
	const across = 5
	for i, q := range line {
		a, c := line[max(i-1, 0)], line[min(i+1, len(line)-1)]
		dx, dy := c[0]-a[0], c[1]-a[1]
		l := math.Hypot(dx, dy)
		if l == 0 {
			l = 1
		}
		for k := range across {
			off := p.WidthM * (float64(k)/(across-1) - 0.5)
			e, n := q[0]+dy/l*off, q[1]-dx/l*off
			u := q[2]
			if p.CutM == 0 {
				if g, ok := ground(e, n); ok {
					u = g
				}
			}
			m.Positions = append(m.Positions, [3]float64{e, n, u + 0.06})
		}
		if i == 0 {
			continue
		}
		row := uint32(i * across)
		for k := range uint32(across - 1) {
			a, b2 := row-across+k, row-across+k+1
			c, d := row+k, row+k+1
			m.Triangles = append(m.Triangles, [3]uint32{a, b2, d}, [3]uint32{a, d, c})
		}
	}
	b.base = line[len(line)/2]
	return nil
}

// longWall is an upright slab along a line, its top following the ground.
func (b *body) longWall(ground func(e, n float64) (float64, bool)) {
	p := b.part
	mat, _, _ := p.materials(raster.Brick, raster.Brick)
	line := p.centreline(ground, 4)
	m := b.mesh("wall", mat)
	half := p.WidthM / 2
	side := func(i int) (l, r [3]float64) {
		a, c := line[max(i-1, 0)], line[min(i+1, len(line)-1)]
		dx, dy := c[0]-a[0], c[1]-a[1]
		k := half / max(math.Hypot(dx, dy), 1e-9)
		return [3]float64{line[i][0] - dy*k, line[i][1] + dx*k, line[i][2]}, [3]float64{line[i][0] + dy*k, line[i][1] - dx*k, line[i][2]}
	}
	up := func(p [3]float64, z float64) [3]float64 { return [3]float64{p[0], p[1], p[2] + z} }
	low, h := -max(p.SinkM, 0.4), p.HeightM
	for i := 0; i+1 < len(line); i++ {
		l0, r0 := side(i)
		l1, r1 := side(i + 1)
		polygon(m, up(r0, low), up(r1, low), up(r1, h), up(r0, h))
		polygon(m, up(l1, low), up(l0, low), up(l0, h), up(l1, h))
		polygon(m, up(l0, h), up(r0, h), up(r1, h), up(l1, h))
		if i == 0 {
			polygon(m, up(l0, low), up(r0, low), up(r0, h), up(l0, h))
			b.corner("start-top", up(line[0], h))
			b.corner("start-foot", line[0])
		}
		if i+2 == len(line) {
			polygon(m, up(r1, low), up(l1, low), up(l1, h), up(r1, h))
			b.corner("end-top", up(line[i+1], h))
			b.corner("end-foot", line[i+1])
		}
	}
	b.base = line[len(line)/2]
	b.top = h
}

// cutFor is the levelling that the part asks of conjectural ground, or nil.
// step is the distance of terrain posts there: the bed is widened by it so
// that no triangle of the ground rises through the road.
func (p *Part) cutFor(ground func(e, n float64) (float64, bool), step float64) *cut {
	if p.CutM <= 0 {
		return nil
	}
	c := &cut{margin: p.CutM}
	switch p.Kind {
	case "road":
		c.line = p.centreline(ground, 3)
		c.half = p.WidthM/2 + 1.5*step
	case "wall":
		return nil
	default:
		c.centre, c.headingDeg = p.At, p.HeadingDeg
		c.size = [2]float64{p.WidthM/2 + p.PadM, p.LengthM/2 + p.PadM}
		if p.Kind != "terrace" { // whose front wall should show
			c.size[0] += step
			c.size[1] += step
		}
		if p.U != nil {
			c.u = *p.U
		} else {
			c.u, _ = ground(p.At[0], p.At[1])
		}
	}
	c.bound()
	return c
}
