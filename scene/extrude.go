package scene

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"sightline/raster"
)

// classHeights are heights in metres for kinds of building whose height and
// storeys nobody tagged. They are assumptions and are marked so.
var classHeights = map[string]float64{
	"apartments": 12, "hotel": 12, "office": 12, "hospital": 10, "church": 12, "cathedral": 20, "school": 7, "university": 9,
	"industrial": 7, "warehouse": 7, "retail": 5, "commercial": 7, "house": 5, "detached": 5, "residential": 6, "terrace": 6,
	"hut": 3, "shed": 3, "garage": 3, "garages": 3, "kiosk": 3, "roof": 4,
}

// height decides how high a building is drawn and why.
func (s *BuildingSpec) height(tags map[string]string) (metres float64, basis string) {
	if h, ok := lengthTag(tags["height"]); ok {
		return h, "height"
	}
	if h, ok := lengthTag(tags["building:height"]); ok {
		return h, "height"
	}
	level := s.LevelM
	if level == 0 {
		level = 3
	}
	if n, err := strconv.ParseFloat(strings.TrimSpace(tags["building:levels"]), 64); err == nil && n > 0 && n < 200 {
		if r, err := strconv.ParseFloat(strings.TrimSpace(tags["roof:levels"]), 64); err == nil && r > 0 && r < 10 {
			n += r
		}
		return n * level, "levels"
	}
	if s.DefaultM > 0 {
		return s.DefaultM, "assumed"
	}
	if h, ok := classHeights[tags["building"]]; ok {
		return h, "assumed"
	}
	return 5, "assumed"
}

// lengthTag reads an OSM length: metres, or feet and inches (12'6").
func lengthTag(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, false
	}
	if feet, rest, ok := strings.Cut(s, "'"); ok {
		f, err := strconv.ParseFloat(strings.TrimSpace(feet), 64)
		inches := 0.0
		if rest = strings.TrimSuffix(strings.TrimSpace(rest), "\""); rest != "" && err == nil {
			inches, err = strconv.ParseFloat(rest, 64)
		}
		m := f*0.3048 + inches*0.0254
		return m, err == nil && m > 0 && m < 1000
	}
	k := 1.0
	if t, ok := strings.CutSuffix(s, "ft"); ok {
		s, k = t, 0.3048
	}
	s = strings.TrimSuffix(strings.TrimSpace(s), "m")
	m, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	m *= k
	return m, err == nil && m > 0 && m < 1000
}

// buildings makes a layer of extruded footprints.
func (b *build) buildings(s *LayerSpec, class raster.Class) error {
	spec := s.Buildings
	data, src, err := b.read(spec.File)
	if err != nil {
		return err
	}
	list, skipped, err := ReadFootprints(data)
	if err != nil {
		return fmt.Errorf("scene: %s: %w", src.Name, err)
	}
	reach := spec.RadiusM
	if reach == 0 {
		reach = 5000
	}
	src.CRS = "EPSG:4326"
	l := s.layer("buildings")
	l.Sources = []Source{src}
	facts := &BuildingFacts{Skipped: skipped}
	l.Buildings = facts
	// Bodies whose height is assumed are conjectural in their height and are
	// kept apart, so that they are drawn so.
	sure, unsure := newExtrusion("buildings", class), newExtrusion("buildings (height assumed)", raster.Conjectural)
	for i := range list {
		fp := &list[i]
		h, basis := spec.height(fp.Tags)
		x := sure
		switch basis {
		case "height":
			facts.ByTag++
		case "levels":
			facts.ByLevels++
		default:
			facts.Assumed++
			x = unsure
		}
		ok, far := x.add(b, fp, h, basis, reach, facts)
		if far || !ok {
			switch basis {
			case "height":
				facts.ByTag--
			case "levels":
				facts.ByLevels--
			default:
				facts.Assumed--
			}
			if far {
				facts.OutOfRange++
			} else {
				facts.Skipped++
			}
			continue
		}
		facts.Count++
	}
	if facts.Skipped > 0 {
		l.Warnings = append(l.Warnings, fmt.Sprintf("%s: %d elements have no usable footprint and are not drawn", src.Name, facts.Skipped))
	}
	if facts.Repaired > 0 {
		l.Warnings = append(l.Warnings, fmt.Sprintf("%s: %d footprints cross themselves and are drawn as the outline around them; look at them before using their corners", src.Name, facts.Repaired))
	}
	if facts.Assumed > 0 {
		l.Warnings = append(l.Warnings, fmt.Sprintf("%d of %d buildings have no height in the source; theirs is assumed", facts.Assumed, facts.Count))
	}
	if facts.NoGround > 0 {
		l.Warnings = append(l.Warnings, fmt.Sprintf("%d buildings stand outside the terrain, at the height of the frame's origin", facts.NoGround))
	}
	return b.store(l, append(sure.pieces(), unsure.pieces()...))
}

// extrusion gathers buildings of one certainty.
type extrusion struct {
	walls, roofs Piece
}

func newExtrusion(name string, class raster.Class) *extrusion {
	return &extrusion{
		walls: Piece{Mesh: raster.Mesh{Name: name + ": walls", Class: class, Material: raster.Plaster}},
		roofs: Piece{Mesh: raster.Mesh{Name: name + ": roofs", Class: class, Material: raster.Concrete}},
	}
}

func (x *extrusion) pieces() (out []Piece) {
	for _, p := range []Piece{x.walls, x.roofs} {
		if len(p.Mesh.Triangles) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// add extrudes one footprint: the base is the lowest ground under its corners.
func (x *extrusion) add(b *build, fp *Footprint, height float64, basis string, reach float64, facts *BuildingFacts) (ok, far bool) {
	local := func(ring [][2]float64) []point2 {
		out := make([]point2, len(ring))
		for i, p := range ring {
			q := b.frame.enu(p[1], p[0], b.doc.Frame.Origin.H)
			out[i] = point2{q[0], q[1]}
		}
		return out
	}
	outer := tidyRing(local(fp.Outer), true)
	if len(outer) < 3 || len(outer) > 5000 || area2(hull(outer)) < 0.2 {
		return false, false // a line, a point, or a coastline
	}
	var mid point2
	for _, p := range outer {
		mid[0] += p[0] / float64(len(outer))
		mid[1] += p[1] / float64(len(outer))
	}
	if math.Hypot(mid[0], mid[1]) > reach {
		return false, true
	}
	var holes [][]point2
	for _, in := range fp.Inner {
		if h := tidyRing(local(in), false); len(h) >= 3 && len(h) <= 5000 {
			holes = append(holes, h)
		}
	}
	if selfCrossing(outer) {
		outer, holes = hull(outer), nil
		facts.Repaired++
	}
	pts, tris, err := earClip(outer, holes)
	if err != nil {
		if pts, tris, err = earClip(hull(outer), nil); err != nil {
			return false, false
		}
		outer, holes = hull(outer), nil
		facts.Repaired++
	}
	base, found := math.Inf(1), false
	for _, p := range outer {
		if u, ok := b.ground(p[0], p[1]); ok {
			base, found = min(base, u), true
		}
	}
	if !found {
		base = 0
		facts.NoGround++
	}
	n := uint32(len(x.walls.Features) + 1)
	if n > math.MaxUint16 {
		return false, false
	}
	f := Feature{Number: n, ID: fp.ID, Name: fp.Tags["name"], HeightM: round(height, 0.01), Basis: basis}
	x.walls.Features = append(x.walls.Features, f)
	// Roofs carry the same numbers; the list is kept once, with the walls.
	low, top := base-0.5, base+height
	m := &x.walls.Mesh
	for _, ring := range append([][]point2{outer}, holes...) {
		first := uint32(len(m.Positions))
		for _, p := range ring {
			m.Positions = append(m.Positions, [3]float64{p[0], p[1], low}, [3]float64{p[0], p[1], top})
		}
		k := uint32(len(ring))
		for i := range k {
			a, c := first+2*i, first+2*((i+1)%k)
			m.Triangles = append(m.Triangles, [3]uint32{a, c, c + 1}, [3]uint32{a, c + 1, a + 1})
			m.TriangleIDs = append(m.TriangleIDs, n, n)
		}
	}
	r := &x.roofs.Mesh
	first := uint32(len(r.Positions))
	for _, p := range pts {
		r.Positions = append(r.Positions, [3]float64{p[0], p[1], top})
	}
	for _, t := range tris {
		r.Triangles = append(r.Triangles, [3]uint32{t[0] + first, t[1] + first, t[2] + first})
		r.TriangleIDs = append(r.TriangleIDs, n)
	}
	return true, false
}
