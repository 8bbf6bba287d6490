package scene

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"sightline/raster"
)

// feet are the places of a part, in its axes, whose ground its base goes down
// to.
func (p *Part) feet() [][2]float64 {
	if p.Kind == "block" {
		out := make([][2]float64, 0, len(p.Outline))
		for _, q := range p.Outline {
			out = append(out, [2]float64{q[0], q[1]})
		}
		return out
	}
	out := make([][2]float64, 0, 5)
	for _, k := range [5][2]float64{{0, 0}, {-.5, -.5}, {.5, -.5}, {.5, .5}, {-.5, .5}} {
		out = append(out, [2]float64{k[0] * p.WidthM, k[1] * p.LengthM})
	}
	return out
}

func (p *Part) checkBlock(where string) error {
	fault := func(what string) error {
		return fmt.Errorf("scene spec: %s (block %s): %s", where, p.ID, what)
	}
	if len(p.Outline) < 3 || len(p.Outline) > 1000 {
		return fault("outline: 3 to 1000 corners [x, y] are needed")
	}
	ring := make([]point2, len(p.Outline))
	for i, q := range p.Outline {
		if len(q) != 2 || !(math.Abs(q[0]) <= 5000) || !(math.Abs(q[1]) <= 5000) {
			return fault(fmt.Sprintf("outline[%d]: expected [x, y] within 5000 m", i))
		}
		ring[i] = point2{q[0], q[1]}
		if a := p.Outline[(i+len(p.Outline)-1)%len(p.Outline)]; len(a) == 2 && math.Hypot(a[0]-q[0], a[1]-q[1]) < 1e-3 {
			return fault(fmt.Sprintf("outline[%d]: the same place as the corner before it; leave it out", i))
		}
	}
	switch {
	case selfCrossing(ring):
		return fault("outline: its sides cross; put the corners in the order in which one walks round the building")
	case math.Abs(area2(ring)) < 1e-3:
		return fault("outline: it encloses no area")
	case !(p.HeightM > 0):
		return fault("height_m is needed")
	case p.Roof != "" && p.Roof != "flat" && p.Roof != "none":
		return fault("roof: a block has flat or none; use a house for a sloping roof")
	}
	return nil
}

// checkOpenings refuses an opening that is not in a wall: one on a side that
// the part does not have, or larger than the wall, would leave a picture that
// looks right and is not.
func (p *Part) checkOpenings(where string) error {
	type side struct{ width, height float64 }
	sides := map[string]side{}
	switch p.Kind {
	case "house", "box", "a_frame":
		for f, w := range map[string]float64{"front": p.WidthM, "back": p.WidthM, "left": p.LengthM, "right": p.LengthM} {
			if p.Kind != "a_frame" || f == "front" || f == "back" {
				sides[f] = side{w, p.HeightM + p.RoofRiseM + p.WidthM/3}
			}
		}
	case "block":
		for i := range p.Outline {
			a, b := p.Outline[i], p.Outline[(i+1)%len(p.Outline)]
			if len(a) == 2 && len(b) == 2 {
				sides[strconv.Itoa(i+1)] = side{math.Hypot(b[0]-a[0], b[1]-a[1]), p.HeightM}
			}
		}
	case "wall":
		for i := 0; i+1 < len(p.Points); i++ {
			a, b := p.Points[i], p.Points[i+1]
			if len(a) > 1 && len(b) > 1 {
				sides[strconv.Itoa(i+1)] = side{math.Hypot(b[0]-a[0], b[1]-a[1]), p.HeightM}
			}
		}
	case "terrace", "road", "pole", "cylinder", "tree":
	default:
		return nil // the kind itself is at fault
	}
	for i, o := range p.Openings {
		s, ok := sides[o.Face]
		switch {
		case !ok:
			return fmt.Errorf("scene spec: %s (%s %s): openings[%d].face %q: the part has no such side", where, p.Kind, p.ID, i, o.Face)
		case math.Abs(o.CentreM)+max(o.WidthM, o.TopM)/2 > s.width/2 || o.SillM < -p.FloorM || o.SillM+o.HeightM > s.height:
			return fmt.Errorf("scene spec: %s (%s %s): openings[%d]: it reaches beyond its wall of %.4g by %.4g m", where, p.Kind, p.ID, i, s.width, s.height)
		}
	}
	return nil
}

// block is a body over any outline: walls with openings, a flat roof or none.
func (b *body) block() error {
	p := b.part
	wallM, roofM, err := p.materials(raster.Plaster, raster.Concrete)
	if err != nil {
		return err
	}
	n := len(p.Outline)
	ring := make([]point2, n)
	for i, q := range p.Outline {
		ring[i] = point2{q[0], q[1]}
	}
	ccw := area2(ring) > 0
	low, f, top := -p.SinkM-p.FloorM, p.FloorM, p.HeightM
	wall := b.mesh("wall", wallM)
	for i := range ring {
		a, c := ring[i], ring[(i+1)%n]
		if !ccw {
			a, c = c, a
		}
		l := math.Hypot(c[0]-a[0], c[1]-a[1])
		dx, dy := (c[0]-a[0])/l, (c[1]-a[1])/l
		mx, my := (a[0]+c[0])/2, (a[1]+c[1])/2
		at := func(s, z, depth float64) [3]float64 {
			return b.world(mx+dx*s-dy*depth, my+dy*s+dx*depth, z+f)
		}
		outline := []point2{{-l / 2, low}, {l / 2, low}, {l / 2, top}, {-l / 2, top}}
		if err := b.wall(wall, strconv.Itoa(i+1), outline, at); err != nil {
			return err
		}
	}
	flat := func(m *raster.Mesh, z float64) error {
		pts, tris, err := earClip(ring, nil)
		if err != nil {
			return fmt.Errorf("block %s: %w", p.ID, err)
		}
		first := uint32(len(m.Positions))
		for _, q := range pts {
			m.Positions = append(m.Positions, b.world(q[0], q[1], z))
		}
		for _, t := range tris {
			m.Triangles = append(m.Triangles, [3]uint32{t[0] + first, t[1] + first, t[2] + first})
		}
		return nil
	}
	if len(p.Openings) > 0 {
		if err := flat(b.mesh("floor", raster.Concrete), f); err != nil {
			return err
		}
	}
	if p.Roof != "none" {
		if err := flat(b.mesh("roof", roofM), f+top); err != nil {
			return err
		}
	}
	for i, q := range ring {
		b.corner("eave-"+strconv.Itoa(i+1), b.world(q[0], q[1], f+top))
		b.corner("foot-"+strconv.Itoa(i+1), b.world(q[0], q[1], 0))
	}
	b.top = f + top
	return nil
}

// hipRoof slopes to all four sides, equally steep; the ridge runs along the
// longer side and shrinks to a point over a square.
func (b *body) hipRoof(m *raster.Mesh, hw, hl, eave, rise, over float64) {
	short := min(hw, hl)
	z0, z1 := eave-over*rise/short, eave+rise
	x, y := hw+over, hl+over
	rx, ry := hw-short, hl-short
	c := [4][3]float64{b.world(-x, -y, z0), b.world(x, -y, z0), b.world(x, y, z0), b.world(-x, y, z0)}
	if hl >= hw {
		back, front := b.world(0, -ry, z1), b.world(0, ry, z1)
		polygon(m, c[0], c[1], back)
		polygon(m, c[1], c[2], front, back)
		polygon(m, c[2], c[3], front)
		polygon(m, c[3], c[0], back, front)
		b.corner("ridge-front", front)
		b.corner("ridge-back", back)
	} else {
		left, right := b.world(-rx, 0, z1), b.world(rx, 0, z1)
		polygon(m, c[0], c[1], right, left)
		polygon(m, c[1], c[2], right)
		polygon(m, c[2], c[3], left, right)
		polygon(m, c[3], c[0], left)
		b.corner("ridge-left", left)
		b.corner("ridge-right", right)
	}
	b.top = z1
}

// shedRoof is one plane, low at the front and high at the back.
func (b *body) shedRoof(m *raster.Mesh, hw, hl, eave, rise, over float64) {
	slope := rise / (2 * hl)
	lo, hi := eave-over*slope, eave+rise+over*slope
	x, y := hw+over, hl+over
	polygon(m, b.world(-x, -y, hi), b.world(x, -y, hi), b.world(x, y, lo), b.world(-x, y, lo))
	b.corner("high-left", b.world(-hw, -hl, eave+rise))
	b.corner("high-right", b.world(hw, -hl, eave+rise))
	b.top = hi
}

// piercedWall is a standing wall with doors, windows or gaps: each side
// between two of its points is a straight slab with a level foot.
func (b *body) piercedWall(ground func(e, n float64) (float64, bool)) error {
	p := b.part
	mat, _, err := p.materials(raster.Brick, raster.Brick)
	if err != nil {
		return err
	}
	m := b.mesh("wall", mat)
	thick := p.WidthM
	for i := 0; i+1 < len(p.Points); i++ {
		a, c := p.Points[i], p.Points[i+1]
		l := math.Hypot(c[0]-a[0], c[1]-a[1])
		if l < 1e-3 {
			return errors.New("wall " + p.ID + ": two of its points are the same")
		}
		foot := math.Inf(1)
		for _, q := range [2][]float64{a, c} {
			if len(q) == 3 {
				foot = min(foot, q[2])
			} else if u, ok := ground(q[0], q[1]); ok {
				foot = min(foot, u)
			}
		}
		if math.IsInf(foot, 1) {
			foot = 0
		}
		dx, dy := (c[0]-a[0])/l, (c[1]-a[1])/l
		mx, my := (a[0]+c[0])/2, (a[1]+c[1])/2
		// Seen from the right of the way along the points.
		at := func(s, z, depth float64) [3]float64 {
			d := depth - thick/2
			return [3]float64{mx + dx*s - dy*d, my + dy*s + dx*d, foot + z}
		}
		low, h := -max(p.SinkM, 0.4), p.HeightM
		outline := []point2{{-l / 2, low}, {l / 2, low}, {l / 2, h}, {-l / 2, h}}
		if err := b.slabWall(m, strconv.Itoa(i+1), outline, thick, at); err != nil {
			return err
		}
		for k := range outline {
			q, r := outline[k], outline[(k+1)%4]
			polygon(m, at(q[0], q[1], 0), at(q[0], q[1], thick), at(r[0], r[1], thick), at(r[0], r[1], 0))
		}
		b.corner(strconv.Itoa(i+1)+".start-top", at(-l/2, h, thick/2))
		b.corner(strconv.Itoa(i+1)+".end-top", at(l/2, h, thick/2))
		if i == 0 {
			b.base = [3]float64{mx, my, foot}
		}
	}
	b.top = p.HeightM
	return nil
}
