package raster

import (
	"fmt"
	"image"
	"image/color"
	"math"
)

// Class says how a surface came to be known. It is drawn, never only written:
// a wall copied from a plan must not look like a wall that was measured.
type Class uint8

const (
	Unclassed   Class = iota // photographs of the exercise: drawn plainly
	Measured                 // surveyed or photogrammetry: solid
	Derived                  // computed from measured data with assumptions: light
	FromPlans                // drawn from a plan or description: hatched
	Conjectural              // assumed: outline with dotted hidden edges
)

// String returns the name used in scene documents.
func (c Class) String() string {
	switch c {
	case Measured:
		return "measured"
	case Derived:
		return "derived"
	case FromPlans:
		return "from_plans"
	case Conjectural:
		return "conjectural"
	}
	return ""
}

// ParseClass is the inverse of [Class.String].
func ParseClass(s string) (Class, error) {
	for c := Unclassed; c <= Conjectural; c++ {
		if c.String() == s {
			return c, nil
		}
	}
	return 0, fmt.Errorf("class %q is not known: use measured, derived, from_plans or conjectural", s)
}

// Kind is what a mesh stands for. Contour lines are drawn on terrain only,
// outlines on everything else.
type Kind uint8

const (
	Solid   Kind = iota // building, model, wall
	Terrain             // ground: contour lines, draped areas
	Road                // ribbon on the ground: draped areas, thin outline
)

// String returns the name used in scene documents.
func (k Kind) String() string { return [...]string{"solid", "terrain", "road"}[min(k, Road)] }

// Material chooses the invented surface of the photo style. Paper ignores it.
type Material uint8

const (
	Plain Material = iota
	Grass
	Earth
	Asphalt
	Concrete
	Plaster
	Brick
	Wood
	RoofSheet // corrugated metal
	RoofTile
	Foliage
	Glass
)

var materialNames = [...]string{"plain", "grass", "earth", "asphalt", "concrete", "plaster", "brick", "wood", "roof_sheet", "roof_tile", "foliage", "glass"}

// String returns the name used in scene documents.
func (m Material) String() string {
	if int(m) < len(materialNames) {
		return materialNames[m]
	}
	return ""
}

// ParseMaterial is the inverse of [Material.String]; "" is plain.
func ParseMaterial(s string) (Material, error) {
	if s == "" {
		return Plain, nil
	}
	for i, n := range materialNames {
		if n == s {
			return Material(i), nil
		}
	}
	return 0, fmt.Errorf("material %q is not known: use one of %v", s, materialNames)
}

// Texture is an image laid on a mesh by its UV coordinates. Image row 0 is at
// v = 0 (as in glTF); coordinates repeat outside 0..1.
type Texture struct {
	Image *image.RGBA
}

// Mesh is a set of triangles that share an identity and a look.
type Mesh struct {
	Name     string
	ID       uint32 // written to the ID buffer; 0 means "nothing" there, so use 1 and up
	Class    Class
	Kind     Kind
	Material Material

	Positions [][3]float64 // metres east, north, up
	Triangles [][3]uint32  // counter-clockwise seen from outside; both sides are drawn
	Normals   [][3]float64 // optional, one a vertex, unit length
	Smooth    bool         // without Normals: average them over adjoining triangles

	Colour          color.NRGBA   // zero value: the colour of the material
	VertexColours   []color.NRGBA // optional, one a vertex, multiplied with Colour
	TriangleColours []color.NRGBA // optional, one a triangle, instead of Colour
	TriangleIDs     []uint32      // optional, one a triangle, instead of ID
	UV              [][2]float64  // optional, one a vertex
	Texture         *Texture      // needs UV

	NoOutline bool // paper: draw no feature edges (vegetation, point models)
	NoShadow  bool // casts no shadow
}

// Check reports the first fault that would make the mesh undrawable: an index
// out of range, lists of unequal length, a coordinate that is no number.
func (m *Mesh) Check() error {
	n := uint32(len(m.Positions))
	for i, p := range m.Positions {
		for _, x := range p {
			if math.IsNaN(x) || math.IsInf(x, 0) || math.Abs(x) > 1e7 {
				return fmt.Errorf("mesh %q: vertex %d is at %v: expected metres of the scene frame", m.Name, i, p)
			}
		}
	}
	for i, t := range m.Triangles {
		if t[0] >= n || t[1] >= n || t[2] >= n {
			return fmt.Errorf("mesh %q: triangle %d uses vertex %d of %d", m.Name, i, max(t[0], t[1], t[2]), n)
		}
	}
	for _, l := range []struct {
		what      string
		got, want int
	}{
		{"normals", len(m.Normals), len(m.Positions)}, {"UV", len(m.UV), len(m.Positions)},
		{"vertex colours", len(m.VertexColours), len(m.Positions)},
		{"triangle colours", len(m.TriangleColours), len(m.Triangles)},
		{"triangle ids", len(m.TriangleIDs), len(m.Triangles)},
	} {
		if l.got != 0 && l.got != l.want {
			return fmt.Errorf("mesh %q: %d %s for %d", m.Name, l.got, l.what, l.want)
		}
	}
	if m.Texture != nil && (m.Texture.Image == nil || m.Texture.Image.Rect.Empty() || len(m.UV) == 0) {
		return fmt.Errorf("mesh %q: a texture needs an image and UV coordinates", m.Name)
	}
	return nil
}

// Bounds returns the lowest and highest corner of the mesh, and false when it
// has no vertex.
func (m *Mesh) Bounds() (lo, hi [3]float64, ok bool) {
	if len(m.Positions) == 0 {
		return
	}
	lo, hi = m.Positions[0], m.Positions[0]
	for _, p := range m.Positions {
		for k := range p {
			lo[k], hi[k] = min(lo[k], p[k]), max(hi[k], p[k])
		}
	}
	return lo, hi, true
}
