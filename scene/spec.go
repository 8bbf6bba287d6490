package scene

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"sightline"
)

// SpecFormat is the value of Spec.Format.
const SpecFormat = "sightline.scene.spec/1"

// Spec says what a scene is made from. Files are named relative to the folder
// of the spec. Unknown fields are errors: a mistyped "heigth_m" must not be
// silently ignored.
type Spec struct {
	Format      string         `json:"format"`
	Title       sightline.Text `json:"title"`
	Approximate *Approximate   `json:"approximate,omitempty"`
	Frame       Frame          `json:"frame"` // vertical egm96: origin.h is orthometric and is converted
	Terrain     *TerrainSpec   `json:"terrain,omitempty"`
	Layers      []LayerSpec    `json:"layers,omitempty"`
	Objects     []ObjectSpec   `json:"objects,omitempty"`
	Views       []ViewSpec     `json:"views,omitempty"`
}

// Provenance is what every layer has to say about itself.
type Provenance struct {
	ID          string         `json:"id"`
	Title       sightline.Text `json:"title"`
	Class       string         `json:"class"`
	AccuracyM   float64        `json:"accuracy_m,omitempty"`
	Date        string         `json:"date,omitempty"`
	Licence     string         `json:"licence"`
	Attribution string         `json:"attribution,omitempty"`
	Note        sightline.Text `json:"note,omitempty"`
}

// TerrainSpec makes the ground from height grids or from parameters.
type TerrainSpec struct {
	Provenance
	Rings      []Ring  `json:"rings,omitempty"`       // default 5 m to 500 m, 30 m to 5 km
	ToleranceM float64 `json:"tolerance_m,omitempty"` // simplification; 0: none
	// MaxTriangles meshes one ring by greedy insertion, which suits surface
	// models, with at most so many triangles.
	MaxTriangles int         `json:"max_triangles,omitempty"`
	Material     string      `json:"material,omitempty"` // of invented photographs, default grass
	Grids        []GridSpec  `json:"grids,omitempty"`
	Drape        *DrapeSpec  `json:"drape,omitempty"`
	Procedural   *Procedural `json:"procedural,omitempty"`
}

// GridSpec is one height grid. Where grids overlap, the first has its way.
type GridSpec struct {
	File string `json:"file"`
	// Vertical names what the heights are measured from: egm96 (SRTM; close
	// to EGM2008), ellipsoid, or unknown. Default: egm96 for HGT, what the
	// GeoTIFF says otherwise, else unknown.
	Vertical string `json:"vertical,omitempty"`
	// CellM and Surface (ground, top) say how the points of a LAS file become
	// heights; absent: about four points a cell, ground where it is classified.
	CellM   float64 `json:"cell_m,omitempty"`
	Surface string  `json:"surface,omitempty"`
	OffsetM float64 `json:"offset_m,omitempty"` // added to every height, for a local datum whose offset is known
}

// LayerSpec is one further layer, from exactly one of the sources.
type LayerSpec struct {
	Provenance
	Buildings *BuildingSpec `json:"buildings,omitempty"`
	Models    []ModelSpec   `json:"models,omitempty"`
	Parts     []Part        `json:"parts,omitempty"`
	Document  string        `json:"document,omitempty"` // file of a [Model]

	sources []Source // of Document
}

// BuildingSpec extrudes footprints of a GeoJSON or Overpass JSON file.
type BuildingSpec struct {
	File     string  `json:"file"`
	LevelM   float64 `json:"level_m,omitempty"`   // height of a storey, default 3
	DefaultM float64 `json:"default_m,omitempty"` // where nothing is tagged, default by kind of building; marked assumed
	RadiusM  float64 `json:"radius_m,omitempty"`  // farther footprints are left out, default 5000
}

// ModelSpec places a model file.
type ModelSpec struct {
	File       string          `json:"file"` // .glb, .obj, .ply, .stl
	Object     string          `json:"object,omitempty"`
	At         [3]float64      `json:"at"`                    // metres of the frame, where the model's origin goes
	OnGround   bool            `json:"on_ground,omitempty"`   // At[2] counts from the terrain
	HeadingDeg float64         `json:"heading_deg,omitempty"` // turns the model clockwise seen from above
	Scale      float64         `json:"scale,omitempty"`       // default 1
	UpAxis     string          `json:"up,omitempty"`          // y or z; default y for GLB, z otherwise
	Material   string          `json:"material,omitempty"`
	Label      *sightline.Text `json:"label,omitempty"`
}

// ObjectSpec names something that no part names: a spot, a district.
type ObjectSpec struct {
	ID       string         `json:"id"`
	Label    sightline.Text `json:"label"`
	At       [3]float64     `json:"at"`
	OnGround bool           `json:"on_ground,omitempty"` // At[2] counts from the terrain
	RadiusM  float64        `json:"radius_m,omitempty"`
	Class    string         `json:"class"`
	Note     sightline.Text `json:"note,omitempty"`
}

// ViewSpec is a view whose heights may count from the ground.
type ViewSpec struct {
	ID       string         `json:"id"`
	Title    sightline.Text `json:"title,omitempty"`
	Eye      [3]float64     `json:"eye"`
	Target   [3]float64     `json:"target"`
	OnGround bool           `json:"on_ground,omitempty"` // both third coordinates count from the terrain
	VFovDeg  float64        `json:"vfov_deg"`
}

// ParseSpec reads a spec and refuses unknown fields.
func ParseSpec(b []byte) (*Spec, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var s Spec
	if err := dec.Decode(&s); err != nil {
		return nil, fmt.Errorf("scene spec: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("scene spec: text after the document")
	}
	return &s, s.check()
}

func (s *Spec) check() error {
	if s.Format != SpecFormat {
		return fmt.Errorf("scene spec: format %q: this program reads %q", s.Format, SpecFormat)
	}
	if err := s.Frame.check(); err != nil {
		return fmt.Errorf("scene spec: %w", err)
	}
	if s.Terrain == nil && len(s.Layers) == 0 {
		return errors.New("scene spec: neither terrain nor layers: there is nothing to build")
	}
	if t := s.Terrain; t != nil {
		if (len(t.Grids) > 0) == (t.Procedural != nil) {
			return errors.New("scene spec: terrain: give either grids (height files) or procedural (parameters)")
		}
		if t.MaxTriangles < 0 || t.MaxTriangles > Defaults.Triangles || !(t.ToleranceM >= 0) {
			return errors.New("scene spec: terrain: max_triangles and tolerance_m must be 0 or more")
		}
		if err := t.check("terrain"); err != nil {
			return err
		}
		if t.Procedural != nil && t.Class != "conjectural" {
			return fmt.Errorf("scene spec: terrain: class %q: ground made from parameters is conjectural", t.Class)
		}
	}
	for i := range s.Layers {
		l := &s.Layers[i]
		where := fmt.Sprintf("layers[%d]", i)
		if err := l.check(where); err != nil {
			return err
		}
		n := 0
		for _, given := range []bool{l.Buildings != nil, len(l.Models) > 0, len(l.Parts) > 0, l.Document != ""} {
			if given {
				n++
			}
		}
		if n != 1 {
			return fmt.Errorf("scene spec: %s: give exactly one of buildings, models, parts and document", where)
		}
	}
	return nil
}

var layerID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,39}$`)

func (p *Provenance) check(where string) error {
	if !layerID.MatchString(p.ID) {
		return fmt.Errorf("scene spec: %s: id %q: expected up to 40 letters, digits and dashes, such as L-02", where, p.ID)
	}
	if p.Licence == "" {
		return fmt.Errorf("scene spec: %s: licence is missing: say under which terms the source may be used", where)
	}
	switch p.Class {
	case "measured", "derived", "from_plans", "conjectural":
		return nil
	}
	return fmt.Errorf("scene spec: %s: class %q: use measured, derived, from_plans or conjectural", where, p.Class)
}
