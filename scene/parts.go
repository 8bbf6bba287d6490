package scene

import (
	"fmt"
	"math"
	"slices"

	"sightline"
	"sightline/raster"
)

// Part is a body described by a few numbers: enough to block out a place from
// a plan, a description or photos. Lengths are metres.
//
// Each part has its own axes: y points along HeadingDeg (clockwise from
// north), x to the right of it; the front is at +y. At is the middle of the
// base.
type Part struct {
	Kind string `json:"kind"` // a_frame, house, box, block, terrace, road, pole, cylinder, tree, wall

	// ID makes the part a named object (S-01) with corners to click on.
	ID      string         `json:"id,omitempty"`
	Label   sightline.Text `json:"label,omitempty"`
	Note    sightline.Text `json:"note,omitempty"`
	RadiusM float64        `json:"radius_m,omitempty"` // uncertainty of the position
	Class   string         `json:"class,omitempty"`    // default that of the layer

	At         [2]float64  `json:"at,omitempty"`
	U          *float64    `json:"u,omitempty"` // height of the base; absent: on the ground
	HeadingDeg float64     `json:"heading_deg,omitempty"`
	WidthM     float64     `json:"width_m,omitempty"`
	LengthM    float64     `json:"length_m,omitempty"`
	HeightM    float64     `json:"height_m,omitempty"`    // walls of a house, ridge of an A-frame, top of the rest
	Points     [][]float64 `json:"points,omitempty"`      // of a road or wall: [e,n] on the ground or [e,n,u]
	FloorM     float64     `json:"floor_m,omitempty"`     // of an A-frame or house above the base
	SinkM      float64     `json:"sink_m,omitempty"`      // how far the body goes into the ground
	Outline    [][]float64 `json:"outline,omitempty"`     // of a block: corners [x, y] in the part's axes
	Roof       string      `json:"roof,omitempty"`        // of a house: flat (default), gable, hip, shed, none; of a block: flat, none
	RoofRiseM  float64     `json:"roof_rise_m,omitempty"` // of a sloping roof, default a third of the width
	OverhangM  float64     `json:"overhang_m,omitempty"`
	DeckM      float64     `json:"deck_m,omitempty"` // of an A-frame: length of the deck at the front
	Openings   []Opening   `json:"openings,omitempty"`

	// CutM levels conjectural ground under the part and meets the old ground
	// within this distance. Measured ground is never changed. PadM widens the
	// level part.
	CutM float64 `json:"cut_m,omitempty"`
	PadM float64 `json:"pad_m,omitempty"`

	// Dims says how single dimensions are known; the error of each corner
	// follows from them. Keys are the names of the fields above.
	Dims map[string]Dimension `json:"dims,omitempty"`

	Material     string `json:"material,omitempty"`
	RoofMaterial string `json:"roof_material,omitempty"`
}

// Opening is a door or window: a real hole in the wall, with a panel set back
// in it unless Open.
type Opening struct {
	Name    string  `json:"name,omitempty"` // of its corners: S-01.door.top-left
	Face    string  `json:"face"`           // front, back, left, right; of a block or wall the number of the side, from 1
	CentreM float64 `json:"centre_m"`       // from the middle of the wall, to the right seen from outside
	WidthM  float64 `json:"width_m"`
	SillM   float64 `json:"sill_m"` // above the floor
	HeightM float64 `json:"height_m"`
	TopM    float64 `json:"top_width_m,omitempty"` // width at the top, default WidthM
	Open    bool    `json:"open,omitempty"`
}

// body is a part being made.
type body struct {
	part   *Part
	class  raster.Class
	base   [3]float64 // of the part's origin
	pieces []*Piece
	points []Point
	top    float64
}

// world turns local coordinates (x right, y to the front, z above the base)
// into the frame.
func (b *body) world(x, y, z float64) [3]float64 {
	e, n := fromLocal(b.part.HeadingDeg, x, y)
	return [3]float64{b.base[0] + e, b.base[1] + n, b.base[2] + z}
}

// mesh returns the piece of the body with that role, made when first used.
func (b *body) mesh(role string, material raster.Material) *raster.Mesh {
	name := b.part.Kind + " " + role
	if b.part.ID != "" {
		name = b.part.ID + " " + role
	}
	for i := range b.pieces {
		if b.pieces[i].Mesh.Name == name {
			return &b.pieces[i].Mesh
		}
	}
	b.pieces = append(b.pieces, &Piece{Object: b.part.ID, Mesh: raster.Mesh{Name: name, Class: b.class, Material: material}})
	return &b.pieces[len(b.pieces)-1].Mesh
}

// polygon adds a flat polygon given counter-clockwise seen from outside.
func polygon(m *raster.Mesh, p ...[3]float64) {
	n := uint32(len(m.Positions))
	m.Positions = append(m.Positions, p...)
	for i := 1; i+1 < len(p); i++ {
		m.Triangles = append(m.Triangles, [3]uint32{n, n + uint32(i), n + uint32(i) + 1})
	}
}

// corner names a point for clicking.
func (b *body) corner(name string, p [3]float64) {
	if b.part.ID != "" {
		b.points = append(b.points, Point{ID: b.part.ID + "." + name, At: p})
	}
}

// wall adds an upright wall with openings. at maps wall coordinates (s to the
// right seen from outside, z above the floor) to the part's axes.
func (b *body) wall(m *raster.Mesh, face string, outline []point2, at func(s, z, depth float64) [3]float64) error {
	return b.slabWall(m, face, outline, 0, at)
}

// slabWall is wall, and with a thickness also its other side: openings then go
// through, with a panel half way.
func (b *body) slabWall(m *raster.Mesh, face string, outline []point2, thick float64, at func(s, z, depth float64) [3]float64) error {
	var holes [][]point2
	for _, o := range b.part.Openings {
		if o.Face != face {
			continue
		}
		top := o.TopM
		if top == 0 {
			top = o.WidthM
		}
		ring := []point2{{o.CentreM - o.WidthM/2, o.SillM}, {o.CentreM + o.WidthM/2, o.SillM}, {o.CentreM + top/2, o.SillM + o.HeightM}, {o.CentreM - top/2, o.SillM + o.HeightM}}
		holes = append(holes, ring)
		if o.Name != "" {
			for i, n := range []string{"bottom-left", "bottom-right", "top-right", "top-left"} {
				b.corner(o.Name+"."+n, at(ring[i][0], ring[i][1], 0))
			}
		}
		depth, set := 0.14, 0.14
		if thick > 0 {
			depth, set = thick, thick/2
		}
		reveal := b.mesh("reveal", raster.Concrete)
		for i := range ring {
			p, q := ring[i], ring[(i+1)%4]
			polygon(reveal, at(q[0], q[1], 0), at(q[0], q[1], depth), at(p[0], p[1], depth), at(p[0], p[1], 0))
		}
		if !o.Open {
			mat := raster.Glass
			if o.SillM < 0.3 {
				mat = raster.Wood
			}
			panel := b.mesh("panel "+mat.String(), mat)
			polygon(panel, at(ring[0][0], ring[0][1], set), at(ring[1][0], ring[1][1], set), at(ring[2][0], ring[2][1], set), at(ring[3][0], ring[3][1], set))
		}
	}
	pts, tris, err := earClip(outline, holes)
	if err != nil {
		return fmt.Errorf("%s %s: wall %s: %w", b.part.Kind, b.part.ID, face, err)
	}
	n := uint32(len(m.Positions))
	for _, p := range pts {
		m.Positions = append(m.Positions, at(p[0], p[1], 0))
	}
	for _, t := range tris {
		m.Triangles = append(m.Triangles, [3]uint32{t[0] + n, t[1] + n, t[2] + n})
	}
	if thick > 0 {
		n = uint32(len(m.Positions))
		for _, p := range pts {
			m.Positions = append(m.Positions, at(p[0], p[1], thick))
		}
		for _, t := range tris {
			m.Triangles = append(m.Triangles, [3]uint32{t[0] + n, t[2] + n, t[1] + n})
		}
	}
	return nil
}

// materials returns the part's own materials or the given ones.
func (p *Part) materials(wall, roof raster.Material) (w, r raster.Material, err error) {
	w, r = wall, roof
	if p.Material != "" {
		if w, err = raster.ParseMaterial(p.Material); err != nil {
			return
		}
	}
	if p.RoofMaterial != "" {
		r, err = raster.ParseMaterial(p.RoofMaterial)
	}
	return
}

func (p *Part) check(where string) error {
	need := func(ok bool, what string) error {
		if ok {
			return nil
		}
		return fmt.Errorf("scene spec: %s (%s %s): %s", where, p.Kind, p.ID, what)
	}
	for _, x := range []float64{p.WidthM, p.LengthM, p.HeightM, p.FloorM, p.SinkM, p.RoofRiseM, p.OverhangM, p.DeckM, p.CutM, p.PadM, p.RadiusM} {
		if !(x >= 0 && x <= 5000) {
			return need(false, fmt.Sprintf("length %v: expected 0 to 5000 m", x))
		}
	}
	inside := func(x ...float64) bool {
		for _, v := range x {
			if !(math.Abs(v) <= 60_000) {
				return false
			}
		}
		return true
	}
	if !inside(p.At[:]...) || p.U != nil && !inside(*p.U) || !inside(p.HeadingDeg) {
		return need(false, "at, u and heading_deg: expected metres of the frame within 60 km, and degrees")
	}
	if len(p.Openings) > 200 {
		return need(false, "more than 200 openings")
	}
	for i, o := range p.Openings {
		if !inside(o.CentreM, o.WidthM, o.SillM, o.HeightM, o.TopM) || !(o.WidthM > 0 && o.HeightM > 0) {
			return need(false, fmt.Sprintf("openings[%d]: width_m and height_m above 0 are needed", i))
		}
	}
	if p.Class != "" {
		if _, err := raster.ParseClass(p.Class); err != nil {
			return need(false, err.Error())
		}
	}
	if err := p.checkDims(fmt.Sprintf("%s (%s %s)", where, p.Kind, p.ID)); err != nil {
		return err
	}
	if err := p.checkOpenings(where); err != nil {
		return err
	}
	if _, _, err := p.materials(0, 0); err != nil {
		return need(false, err.Error())
	}
	switch p.Kind {
	case "block":
		return p.checkBlock(where)
	case "a_frame", "house", "box":
		if !slices.Contains([]string{"", "flat", "gable", "hip", "shed", "none"}, p.Roof) {
			return need(false, fmt.Sprintf("roof %q: use flat, gable, hip, shed or none", p.Roof))
		}
		return need(p.WidthM > 0 && p.LengthM > 0 && p.HeightM > 0, "width_m, length_m and height_m are needed")
	case "terrace":
		return need(p.WidthM > 0 && p.LengthM > 0, "width_m and length_m are needed")
	case "pole", "cylinder", "tree":
		return need(p.WidthM > 0 && p.HeightM > 0, "width_m (the diameter) and height_m are needed")
	case "road", "wall":
		if len(p.Points) < 2 || len(p.Points) > 10_000 {
			return need(false, "points: 2 to 10000 are needed")
		}
		long := 0.0
		for i, q := range p.Points {
			if len(q) != 2 && len(q) != 3 || !inside(q...) {
				return need(false, fmt.Sprintf("points[%d]: expected [e,n] or [e,n,u] within 60 km", i))
			}
			if i > 0 {
				long += math.Hypot(q[0]-p.Points[i-1][0], q[1]-p.Points[i-1][1])
			}
		}
		if long > 200_000 {
			return need(false, "longer than 200 km")
		}
		return need(p.WidthM > 0 && (p.Kind == "road" || p.HeightM > 0), "width_m (and for a wall height_m) is needed")
	}
	return need(false, "kind is not known: use a_frame, house, box, block, terrace, road, pole, cylinder, tree or wall")
}

// make builds the part on the ground.
func (p *Part) make(layer raster.Class, ground func(e, n float64) (float64, bool)) (*body, error) {
	b := &body{part: p, class: p.certainty(layer)}
	b.base = [3]float64{p.At[0], p.At[1], 0}
	if p.U != nil {
		b.base[2] = *p.U
	} else if p.Kind != "road" && p.Kind != "wall" {
		b.base[2] = p.lowest(ground)
	}
	var err error
	switch p.Kind {
	case "a_frame":
		err = b.aFrame()
	case "house", "box":
		err = b.house()
	case "block":
		err = b.block()
	case "terrace":
		b.terrace()
	case "pole", "cylinder":
		b.cylinder()
	case "tree":
		b.tree()
	case "road":
		err = b.road(ground)
	case "wall":
		if len(p.Openings) > 0 {
			err = b.piercedWall(ground)
		} else {
			b.longWall(ground)
		}
	}
	return b, err
}

// lowest is the lowest ground under the part's corners and middle.
func (p *Part) lowest(ground func(e, n float64) (float64, bool)) float64 {
	low := math.Inf(1)
	for _, k := range p.feet() {
		e, n := fromLocal(p.HeadingDeg, k[0], k[1])
		if u, ok := ground(p.At[0]+e, p.At[1]+n); ok {
			low = min(low, u)
		}
	}
	if math.IsInf(low, 1) {
		return 0
	}
	return low
}

// sideOf maps wall coordinates of the four faces to the part's axes: hw and hl
// are half of width and length.
func (b *body) sideOf(face string, hw, hl, floor float64) func(s, z, depth float64) [3]float64 {
	return func(s, z, depth float64) [3]float64 {
		z += floor
		switch face {
		case "front":
			return b.world(-s, hl-depth, z)
		case "back":
			return b.world(s, -hl+depth, z)
		case "left":
			return b.world(-hw+depth, -s, z)
		}
		return b.world(hw-depth, s, z)
	}
}
