package scene

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"sightline"
	"sightline/raster"
)

// Format is the value of Document.Format.
const Format = "sightline.scene/1"

// Schema is the JSON Schema of scene.json.
//
//go:embed scene.schema.json
var Schema []byte

// Document is scene.json: what a scene consists of and how it is known. The
// field docs of docs/formats/scene.md bind every reader of it.
type Document struct {
	Format  string         `json:"format"`
	ID      string         `json:"id"`             // of the frame (where.Frame.ID): scenes with equal ids share coordinates
	Content string         `json:"content_sha256"` // sha256 over the layers' digests and the objects
	Title   sightline.Text `json:"title"`

	// Approximate is set where the place itself is not known: the words and
	// the radius are shown wherever the scene is.
	Approximate *Approximate `json:"approximate,omitempty"`

	Frame   Frame    `json:"frame"`
	Bounds  Bounds   `json:"bounds"`
	Layers  []Layer  `json:"layers"`
	Objects []Object `json:"objects"`
	Views   []View   `json:"views,omitempty"`

	dir    string
	open   func(name string) ([]byte, error)
	loaded func() ([]Piece, error)
	ground func() (*groundIndex, error)
}

// Approximate says that the position of the whole scene is not established.
type Approximate struct {
	Label   sightline.Text `json:"label"`
	RadiusM float64        `json:"radius_m"`
}

// Frame is the frozen origin of the local east-north-up frame.
type Frame struct {
	Origin Origin `json:"origin"`
	// Vertical says what the stated height of the origin was measured from:
	// ellipsoid, egm96 or unknown. Origin.H is always what conversions use as
	// ellipsoidal height; with "unknown" it may be off by the geoid height.
	Vertical string         `json:"vertical"`
	StatedH  *float64       `json:"stated_h,omitempty"` // the height as given, where a conversion was made
	Note     sightline.Text `json:"note,omitempty"`
}

// Origin is a WGS84 position: degrees north, degrees east, metres.
type Origin struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
	H   float64 `json:"h"`
}

// Bounds is the box around all layers, metres of the frame.
type Bounds struct {
	Low  [3]float64 `json:"low"`
	High [3]float64 `json:"high"`
}

// Layer is one sheet of the scene and one GLB.
type Layer struct {
	ID          string         `json:"id"`   // L-01
	Type        string         `json:"type"` // terrain, buildings, models, annotations
	Title       sightline.Text `json:"title"`
	Class       string         `json:"class"`                // measured, derived, from_plans, conjectural
	AccuracyM   float64        `json:"accuracy_m,omitempty"` // one standard deviation of a point; 0: not stated
	Date        string         `json:"date,omitempty"`       // EDTF, when the source was surveyed or drawn
	Licence     string         `json:"licence"`
	Attribution string         `json:"attribution,omitempty"`
	Note        sightline.Text `json:"note,omitempty"`
	File        string         `json:"file"` // inside the scene folder
	SHA256      string         `json:"sha256"`
	Bytes       int64          `json:"bytes"`
	Vertices    int            `json:"vertices"`
	Triangles   int            `json:"triangles"`
	Sources     []Source       `json:"sources,omitempty"`
	Terrain     *TerrainFacts  `json:"terrain,omitempty"`
	Buildings   *BuildingFacts `json:"buildings,omitempty"`
	Warnings    []string       `json:"warnings,omitempty"`
}

// Source is one file that went into a layer.
type Source struct {
	Name     string `json:"name"` // without folders
	SHA256   string `json:"sha256"`
	Bytes    int64  `json:"bytes"`
	CRS      string `json:"crs,omitempty"`
	Vertical string `json:"vertical,omitempty"` // of the heights in it
}

// TerrainFacts is what a reader should know about a terrain layer.
type TerrainFacts struct {
	Rings         []Ring  `json:"rings"`
	ToleranceM    float64 `json:"tolerance_m,omitempty"` // of simplification
	ErrorMaxM     float64 `json:"error_max_m"`           // measured between mesh and heights at the ring's posts
	ErrorRMSM     float64 `json:"error_rms_m"`           //
	FilledPosts   int     `json:"filled_posts"`          // posts whose height was filled from around a void
	MissingPosts  int     `json:"missing_posts"`         // posts without any height: the mesh has a hole
	VoidCells     int     `json:"void_cells"`            // in the sources
	Conjectural   bool    `json:"conjectural,omitempty"` // invented from parameters
	VerticalDatum string  `json:"vertical_datum"`        // of the source heights
}

// BuildingFacts counts how the heights of buildings are known.
type BuildingFacts struct {
	Count      int `json:"count"`
	ByTag      int `json:"height_tagged"`
	ByLevels   int `json:"height_from_levels"`
	Assumed    int `json:"height_assumed"`
	Skipped    int `json:"skipped"`      // no footprint, too few corners
	Repaired   int `json:"repaired"`     // self-crossing footprints drawn as their hull
	NoGround   int `json:"no_ground"`    // outside the terrain: base at the frame's zero
	OutOfRange int `json:"out_of_range"` // farther than the spec's radius
}

// Object is a named thing of the scene that people speak of and click on.
type Object struct {
	ID       string         `json:"id"` // S-01
	Label    sightline.Text `json:"label"`
	Position [3]float64     `json:"position"`           // metres, usually the middle of the base
	RadiusM  float64        `json:"radius_m,omitempty"` // uncertainty of the position relative to the scene
	Class    string         `json:"class"`
	Layer    string         `json:"layer,omitempty"`
	Height   float64        `json:"height_m,omitempty"`
	Note     sightline.Text `json:"note,omitempty"`
	Points   []Point        `json:"points,omitempty"`
}

// Point is a corner that can be paired with a click in a photo.
type Point struct {
	ID     string     `json:"id"` // S-01.ridge-front
	At     [3]float64 `json:"at"`
	SigmaM float64    `json:"sigma_m,omitempty"`
}

// View is a camera worth starting from: eye and target in metres.
type View struct {
	ID      string         `json:"id"`
	Title   sightline.Text `json:"title,omitempty"`
	Eye     [3]float64     `json:"eye"`
	Target  [3]float64     `json:"target"`
	VFovDeg float64        `json:"vfov_deg"`
}

// Piece is one mesh of a layer with what the picture does not show.
type Piece struct {
	Mesh     raster.Mesh
	Layer    string
	Object   string // S-01, or ""
	Features []Feature

	// Image is the texture as it is stored (image/jpeg or image/png).
	Image     []byte
	ImageType string

	vertexFeatures []uint32
}

// Feature is one building; Mesh.TriangleIDs hold its number.
type Feature struct {
	Number  uint32  `json:"n"`
	ID      string  `json:"id"` // as in the source: way/249848988
	Name    string  `json:"name,omitempty"`
	HeightM float64 `json:"height_m"`
	Basis   string  `json:"basis"` // height, levels, assumed
}

// frameID is the identity of a frame, that of package where: coordinates of
// scenes with equal ids can be exchanged.
func frameID(f Frame) string { return newFrame(f.Origin).ID() }

func digest(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// seal computes the two identities.
func (d *Document) seal() error {
	d.ID = frameID(d.Frame)
	type l struct{ ID, SHA256 string }
	var in struct {
		Frame   string
		Layers  []l
		Objects []Object
	}
	in.Frame, in.Objects = d.ID, d.Objects
	for _, x := range d.Layers {
		in.Layers = append(in.Layers, l{x.ID, x.SHA256})
	}
	b, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("scene: %w", err)
	}
	d.Content = digest(b)
	return nil
}

// Check reports the first fault of a document: a field that does not hold
// what the format says.
func (d *Document) Check() error {
	if d.Format != Format {
		return fmt.Errorf("scene.json: format %q: this program reads %q", d.Format, Format)
	}
	if err := d.Frame.check(); err != nil {
		return fmt.Errorf("scene.json: %w", err)
	}
	if want := frameID(d.Frame); d.ID != want {
		return fmt.Errorf("scene.json: id %.12s does not belong to its frame (expected %.12s): the origin was changed after the scene was built", d.ID, want)
	}
	seen := map[string]bool{}
	for i := range d.Layers {
		l := &d.Layers[i]
		if l.ID == "" || seen[l.ID] {
			return fmt.Errorf("scene.json: layers[%d]: id %q is missing or used twice", i, l.ID)
		}
		seen[l.ID] = true
		if _, err := raster.ParseClass(l.Class); err != nil || l.Class == "" {
			return fmt.Errorf("scene.json: layer %s: class %q: use measured, derived, from_plans or conjectural", l.ID, l.Class)
		}
		if !plainName(l.File) {
			return fmt.Errorf("scene.json: layer %s: file %q is not a plain file name", l.ID, l.File)
		}
	}
	for i := range d.Objects {
		o := &d.Objects[i]
		if o.ID == "" || seen[o.ID] {
			return fmt.Errorf("scene.json: objects[%d]: id %q is missing or used twice", i, o.ID)
		}
		seen[o.ID] = true
		for _, x := range o.Position {
			if math.IsNaN(x) || math.Abs(x) > 1e6 {
				return fmt.Errorf("scene.json: object %s: position %v is not in metres of the frame", o.ID, o.Position)
			}
		}
	}
	return nil
}

func (f *Frame) check() error {
	o := f.Origin
	if !(o.Lat >= -90 && o.Lat <= 90) || !(o.Lon >= -180 && o.Lon <= 180) {
		return fmt.Errorf("frame: origin %v, %v: expected latitude -90 to 90 and longitude -180 to 180 degrees", o.Lat, o.Lon)
	}
	if !(o.H > -1000 && o.H < 10000) {
		return fmt.Errorf("frame: origin height %v m: expected -1000 to 10000", o.H)
	}
	switch f.Vertical {
	case "ellipsoid", "egm96", "unknown":
		return nil
	}
	return fmt.Errorf("frame: vertical datum %q: use ellipsoid, egm96 or unknown", f.Vertical)
}

func plainName(s string) bool {
	return s != "" && s == filepath.Base(s) && s != "." && s != ".." && !strings.ContainsAny(s, `/\:`)
}

// Load reads a scene folder. The meshes are read, checked against their
// digests and decoded when they are first asked for.
func Load(dir string) (*Document, error) {
	b, err := readLimited(filepath.Join(dir, "scene.json"), 64<<20)
	if err != nil {
		return nil, fmt.Errorf("scene: %w", err)
	}
	d, err := Parse(b)
	if err != nil {
		return nil, err
	}
	d.dir = dir
	d.attach(func(name string) ([]byte, error) { return readLimited(filepath.Join(dir, name), Defaults.Bytes) })
	return d, nil
}

// Parse reads scene.json alone. A document without its folder has no meshes.
func Parse(b []byte) (*Document, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	var d Document
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("scene.json: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("scene.json: text after the document")
	}
	if err := d.Check(); err != nil {
		return nil, err
	}
	d.attach(func(string) ([]byte, error) {
		return nil, errors.New("the scene was read without its folder")
	})
	return &d, nil
}

// LoadFrom reads a scene through a function that opens the files of its
// folder by name: a blob store, an archive, a test.
func LoadFrom(open func(name string) ([]byte, error)) (*Document, error) {
	b, err := open("scene.json")
	if err != nil {
		return nil, fmt.Errorf("scene: %w", err)
	}
	d, err := Parse(b)
	if err != nil {
		return nil, err
	}
	d.attach(open)
	return d, nil
}

// attach gives the document the way to its meshes.
func (d *Document) attach(open func(name string) ([]byte, error)) {
	d.open = open
	d.loaded = sync.OnceValues(func() ([]Piece, error) {
		var out []Piece
		for i := range d.Layers {
			l := &d.Layers[i]
			if l.File == "" {
				continue
			}
			b, err := open(l.File)
			if err != nil {
				return nil, fmt.Errorf("scene: layer %s: %w", l.ID, err)
			}
			if got := digest(b); got != l.SHA256 {
				return nil, fmt.Errorf("scene: layer %s: %s has digest %.12s, scene.json says %.12s: the file was changed or damaged", l.ID, l.File, got, l.SHA256)
			}
			pieces, err := ReadGLB(b, Defaults)
			if err != nil {
				return nil, fmt.Errorf("scene: layer %s: %s: %w", l.ID, l.File, err)
			}
			for _, p := range pieces {
				p.Layer = l.ID
				out = append(out, p)
			}
		}
		d.number(out)
		return out, nil
	})
	d.ground = sync.OnceValues(func() (*groundIndex, error) {
		pieces, err := d.loaded()
		if err != nil {
			return nil, err
		}
		return indexGround(pieces), nil
	})
}

// number gives every piece the id by which the renderer's buffer tells them
// apart: its position in the list, from 1.
func (d *Document) number(pieces []Piece) {
	for i := range pieces {
		pieces[i].Mesh.ID = uint32(i + 1)
	}
}

// Pieces returns the decoded meshes of all layers in order.
func (d *Document) Pieces() ([]Piece, error) { return d.loaded() }

// Meshes returns the meshes for the renderer. Mesh.ID is the position in
// [Document.Pieces] plus one.
func (d *Document) Meshes() ([]raster.Mesh, error) {
	pieces, err := d.loaded()
	if err != nil {
		return nil, err
	}
	out := make([]raster.Mesh, len(pieces))
	for i := range pieces {
		out[i] = pieces[i].Mesh
		// Numbers of buildings are for pickers; the renderer tells meshes apart.
		out[i].TriangleIDs = nil
	}
	return out, nil
}

// PieceOf returns the piece that a pixel of the renderer's ID buffer shows.
func (d *Document) PieceOf(id uint32) (*Piece, bool) {
	pieces, err := d.loaded()
	if err != nil || id == 0 || int(id) > len(pieces) {
		return nil, false
	}
	return &pieces[id-1], true
}

// Object returns the object of that id.
func (d *Document) Object(id string) (*Object, bool) {
	for i := range d.Objects {
		if d.Objects[i].ID == id {
			return &d.Objects[i], true
		}
	}
	return nil, false
}

// Ground returns the height of the terrain at east e and north n, metres of
// the frame. It reports false outside the terrain, in a hole of it, and when
// the scene cannot be read.
func (d *Document) Ground(e, n float64) (u float64, ok bool) {
	g, err := d.ground()
	if err != nil {
		return 0, false
	}
	return g.at(e, n)
}

// Encode returns scene.json: indented, keys in the order of the format, one
// line feed at the end.
func (d *Document) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("scene: %w", err)
	}
	return append(b, '\n'), nil
}

// Write stores scene.json and the GLBs in a folder, which is made if needed.
// Files of the same names are replaced.
func (r *Result) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("scene: %w", err)
	}
	for _, name := range r.Names() {
		tmp, err := os.CreateTemp(dir, ".scene-*")
		if err != nil {
			return fmt.Errorf("scene: %w", err)
		}
		_, err = tmp.Write(r.Files[name])
		if cerr := tmp.Close(); err == nil {
			err = cerr
		}
		if err == nil {
			err = os.Chmod(tmp.Name(), 0o644)
		}
		if err == nil {
			err = os.Rename(tmp.Name(), filepath.Join(dir, name))
		}
		if err != nil {
			os.Remove(tmp.Name())
			return fmt.Errorf("scene: %s: %w", name, err)
		}
	}
	return nil
}

// readLimited reads a file of at most limit bytes.
func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", filepath.Base(path))
	}
	if st.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes: at most %d are read", filepath.Base(path), st.Size(), limit)
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s grew beyond %d bytes while it was read", filepath.Base(path), limit)
	}
	return b, nil
}

// Limits bound what a reader takes before it takes it.
type Limits struct {
	Bytes     int64 // of one file
	Vertices  int
	Triangles int
	Pixels    int // of one texture or height grid
	Nodes     int
}

// Defaults are generous for a model of a place and small for a machine.
var Defaults = Limits{Bytes: 1 << 30, Vertices: 20_000_000, Triangles: 20_000_000, Pixels: 200_000_000, Nodes: 100_000}
