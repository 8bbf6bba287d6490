package scene

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"sightline"
	"sightline/raster"
)

// ModelFormat is the value of Model.Format.
const ModelFormat = "sightline.scene.model/1"

// MaxParts bounds a model before anything is built from it.
const MaxParts = 2000

// Model is a hand-made model of a place: a few bodies from a plan, a
// measurement or photographs, with what each dimension rests on. It is the
// document that an editor changes; the GLB of its layer follows from it and
// from the ground, byte for byte. Who changed what is in the log of the case,
// which keeps every version of the document.
type Model struct {
	Format string `json:"format"`
	Provenance
	Frame string      `json:"frame,omitempty"` // id of the scene whose coordinates these are
	Basis []BasisNote `json:"basis,omitempty"`
	Parts []Part      `json:"parts"`
}

// BasisNote says what a model was drawn from.
type BasisNote struct {
	Kind string         `json:"kind"`           // plan, photo, measurement, testimony, assumption
	Item string         `json:"item,omitempty"` // EJ-014, where it is one of the case
	Text sightline.Text `json:"text,omitempty"`
}

// Dimension says how one number of a part is known.
type Dimension struct {
	// Sigma is one standard deviation: metres, for heading_deg degrees.
	Sigma float64        `json:"sigma"`
	Class string         `json:"class"` // measured, derived, from_plans, conjectural
	From  []string       `json:"from,omitempty"`
	Note  sightline.Text `json:"note,omitempty"`
}

// dimensions are the keys of Part.Dims: fields of the part that can be changed
// by an amount, and the three lists whose members share one error.
var dimensions = map[string]func(*Part, float64){
	"u":           func(p *Part, d float64) { u := d; p.U = &u },
	"heading_deg": func(p *Part, d float64) { p.HeadingDeg += d },
	"width_m":     func(p *Part, d float64) { p.WidthM += d },
	"length_m":    func(p *Part, d float64) { p.LengthM += d },
	"height_m":    func(p *Part, d float64) { p.HeightM += d },
	"floor_m":     func(p *Part, d float64) { p.FloorM += d },
	"roof_rise_m": func(p *Part, d float64) { p.RoofRiseM += d },
	"overhang_m":  func(p *Part, d float64) { p.OverhangM += d },
	"at":          nil, "outline": nil, "points": nil, "openings": nil,
}

// ParseModel reads a model document and refuses what it does not know.
func ParseModel(b []byte) (*Model, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var m Model
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("model document: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("model document: text after the document")
	}
	return &m, m.Check()
}

// Check reports the first fault of a model.
func (m *Model) Check() error {
	if m.Format != ModelFormat {
		return fmt.Errorf("model document: format %q: this program reads %q", m.Format, ModelFormat)
	}
	if err := m.Provenance.check("model " + m.ID); err != nil {
		return err
	}
	for i, b := range m.Basis {
		if !slices.Contains([]string{"plan", "photo", "measurement", "testimony", "assumption"}, b.Kind) {
			return fmt.Errorf("model document: basis[%d].kind %q: use plan, photo, measurement, testimony or assumption", i, b.Kind)
		}
	}
	if len(m.Parts) == 0 || len(m.Parts) > MaxParts {
		return fmt.Errorf("model document: %d parts: 1 to %d are accepted; remove the layer to take the last one away", len(m.Parts), MaxParts)
	}
	seen := map[string]bool{}
	for i := range m.Parts {
		p := &m.Parts[i]
		if err := p.check(fmt.Sprintf("parts[%d]", i)); err != nil {
			return err
		}
		if p.ID != "" && seen[p.ID] {
			return fmt.Errorf("model document: parts[%d]: id %q is used twice", i, p.ID)
		}
		seen[p.ID] = true
	}
	return nil
}

func (p *Part) checkDims(where string) error {
	for _, k := range slices.Sorted(maps.Keys(p.Dims)) {
		d := p.Dims[k]
		if _, ok := dimensions[k]; !ok {
			return fmt.Errorf("scene spec: %s: dims.%s is no dimension; use %s", where, k, strings.Join(slices.Sorted(maps.Keys(dimensions)), ", "))
		}
		if !(d.Sigma >= 0 && d.Sigma <= 1000) {
			return fmt.Errorf("scene spec: %s: dims.%s.sigma %v: expected 0 to 1000 metres (degrees for heading_deg)", where, k, d.Sigma)
		}
		if c, err := raster.ParseClass(d.Class); err != nil || c == raster.Unclassed {
			return fmt.Errorf("scene spec: %s: dims.%s.class %q: use measured, derived, from_plans or conjectural", where, k, d.Class)
		}
	}
	return nil
}

// certainty is the class of a part: its own, else the least certain of its
// dimensions, else that of the layer, and never surer than the layer.
func (p *Part) certainty(layer raster.Class) raster.Class {
	if p.Class != "" {
		c, _ := raster.ParseClass(p.Class)
		return c
	}
	for _, d := range p.Dims {
		if c, err := raster.ParseClass(d.Class); err == nil && c > layer {
			layer = c
		}
	}
	return layer
}

// spread is the standard deviation of each named corner of a part in metres,
// east, north, up: the errors of its dimensions to first order, taken as
// independent, each by moving the dimension by its error and building again.
func (p *Part) spread(layer raster.Class, ground func(e, n float64) (float64, bool), at *body) (map[string][3]float64, error) {
	v := map[string][3]float64{}
	add := func(id string, d [3]float64) {
		s := v[id]
		for k := range 3 {
			s[k] += float64(d[k] * d[k])
		}
		v[id] = s
	}
	for _, key := range slices.Sorted(maps.Keys(p.Dims)) {
		sd := p.Dims[key].Sigma
		if sd == 0 {
			continue
		}
		move := dimensions[key]
		if move == nil {
			for _, c := range at.points {
				switch key {
				case "at", "outline", "points":
					if key == "at" || !p.ofOpening(c.ID) {
						add(c.ID, [3]float64{sd, sd, 0})
					}
				case "openings":
					if p.ofOpening(c.ID) {
						add(c.ID, [3]float64{sd, sd, sd})
					}
				}
			}
			continue
		}
		q := *p
		q.Dims = nil
		if u := at.base[2]; key == "u" {
			u += sd
			q.U = &u
		} else {
			if q.U == nil && p.Kind != "road" && p.Kind != "wall" {
				u := at.base[2]
				q.U = &u
			}
			move(&q, sd)
		}
		b, err := q.make(layer, ground)
		if err != nil || len(b.points) != len(at.points) {
			return nil, fmt.Errorf("part %s: %s cannot be moved by its error of %g: it is as large as the part", p.ID, key, sd)
		}
		for i, c := range at.points {
			add(c.ID, [3]float64{b.points[i].At[0] - c.At[0], b.points[i].At[1] - c.At[1], b.points[i].At[2] - c.At[2]})
		}
	}
	for id, s := range v {
		v[id] = [3]float64{math.Sqrt(s[0]), math.Sqrt(s[1]), math.Sqrt(s[2])}
	}
	return v, nil
}

// ofOpening says whether a corner belongs to a door or window.
func (p *Part) ofOpening(corner string) bool {
	for _, o := range p.Openings {
		if o.Name != "" && strings.HasPrefix(corner, p.ID+"."+o.Name+".") {
			return true
		}
	}
	return false
}

// layerOfParts builds the layer of parts: its meshes and the objects with
// their corners.
func layerOfParts(prov *Provenance, parts []Part, ground func(e, n float64) (float64, bool)) ([]Piece, []Object, error) {
	class, _ := raster.ParseClass(prov.Class)
	var pieces []Piece
	var objects []Object
	for i := range parts {
		p := &parts[i]
		body, err := p.make(class, ground)
		if err != nil {
			return nil, nil, fmt.Errorf("scene: layer %s: %w", prov.ID, err)
		}
		for _, q := range body.pieces {
			pieces = append(pieces, *q)
		}
		if p.ID == "" {
			continue
		}
		sd, err := p.spread(class, ground, body)
		if err != nil {
			return nil, nil, fmt.Errorf("scene: layer %s: %w", prov.ID, err)
		}
		o := Object{ID: p.ID, Label: p.Label, Note: p.Note, Position: body.base, RadiusM: p.RadiusM, Class: body.class.String(), Layer: prov.ID, Height: body.top}
		for _, c := range body.points {
			for k := range c.At {
				c.At[k] = float64(float32(c.At[k])) // as in the GLB, to the last bit
			}
			s := sd[c.ID]
			c.SigmaM = round(math.Sqrt(float64(prov.AccuracyM*prov.AccuracyM)+math.Pow(max(s[0], s[1], s[2]), 2)), 1e-4)
			o.Points = append(o.Points, c)
		}
		objects = append(objects, o)
	}
	return merge(pieces), objects, nil
}

// Into puts a model into a scene that was built: as a new layer, or in place
// of the layer with the same id. The result holds the files that change, the
// model's document among them (source names it); the other layers stay
// as they are. Measured or invented ground is not cut. raw are the bytes of
// the document as its author wrote them.
func (m *Model) Into(d *Document, raw []byte) (*Result, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	if m.Frame != "" && m.Frame != d.ID {
		return nil, fmt.Errorf("model %s: its coordinates are of the frame %.12s, the scene has %.12s: the origins differ; rebuild the model on this scene", m.ID, m.Frame, d.ID)
	}
	ground := func(e, n float64) (float64, bool) { return d.Ground(e, n) }
	pieces, objects, err := layerOfParts(&m.Provenance, m.Parts, ground)
	if err != nil {
		return nil, err
	}
	l := m.layer("models")
	name := m.FileName()
	l.Sources = []Source{{Name: name, SHA256: digest(raw), Bytes: int64(len(raw))}}
	return d.replace(l, pieces, objects, map[string][]byte{name: raw})
}

// FileName is the name of the model's document beside scene.json.
func (m *Model) FileName() string { return strings.ToLower(m.ID) + ".model.json" }

// Without takes a layer made from a model document out of a scene.
func (d *Document) Without(layer string) (*Result, error) {
	for i := range d.Layers {
		if d.Layers[i].ID == layer {
			if !d.Layers[i].fromModel() {
				return nil, fmt.Errorf("layer %s was not made from a model document; build the scene again without it", layer)
			}
			return d.replace(Layer{ID: layer}, nil, nil, nil)
		}
	}
	return nil, fmt.Errorf("the scene has no layer %s", layer)
}

// fromModel says whether a layer follows from a model document.
func (l *Layer) fromModel() bool {
	return len(l.Sources) == 1 && strings.HasSuffix(l.Sources[0].Name, ".model.json")
}

// replace makes a document with one layer exchanged, added (at the end) or,
// without pieces, taken out.
func (d *Document) replace(l Layer, pieces []Piece, objects []Object, files map[string][]byte) (*Result, error) {
	old, err := d.Pieces()
	if err != nil {
		return nil, err
	}
	n := *d
	n.Layers, n.Objects = nil, nil
	all := append([]Piece(nil), pieces...)
	for _, p := range old {
		if p.Layer != l.ID {
			all = append(all, p)
		}
	}
	out := map[string][]byte{}
	maps.Copy(out, files)
	if pieces != nil {
		if l, err = seal(l, pieces, out); err != nil {
			return nil, err
		}
	}
	put := false
	for i := range d.Layers {
		x := d.Layers[i]
		if x.ID != l.ID {
			if pieces != nil && x.File == l.File {
				return nil, fmt.Errorf("layer %s and layer %s would both be %s; give the model another id", x.ID, l.ID, l.File)
			}
			n.Layers = append(n.Layers, x)
			continue
		}
		if !x.fromModel() {
			return nil, fmt.Errorf("the scene has a layer %s that was not made from a model document; give the model another id", l.ID)
		}
		put = true
		if pieces != nil {
			n.Layers = append(n.Layers, l)
		}
	}
	if !put {
		n.Layers = append(n.Layers, l)
	}
	for _, o := range d.Objects {
		if o.Layer != l.ID {
			n.Objects = append(n.Objects, o)
		}
	}
	b := &build{doc: &n, all: all, spec: &Spec{}}
	n.Objects = append(n.Objects, objects...)
	if err := b.objects(); err != nil {
		return nil, err
	}
	if n.Objects == nil {
		n.Objects = []Object{}
	}
	b.bounds()
	if err := n.seal(); err != nil {
		return nil, err
	}
	if err := n.Check(); err != nil {
		return nil, err
	}
	js, err := n.Encode()
	if err != nil {
		return nil, err
	}
	out["scene.json"] = js
	r := &Result{Document: &n, Files: out}
	n.attach(func(name string) ([]byte, error) {
		if b, ok := out[name]; ok {
			return b, nil
		}
		return d.open(name)
	})
	return r, nil
}

// fields for a person: how one part is described in a list.
func (p *Part) describe() string {
	s := p.Kind
	if p.ID != "" {
		s += " " + p.ID
	}
	for _, x := range []struct {
		name string
		v    float64
	}{{"width", p.WidthM}, {"length", p.LengthM}, {"height", p.HeightM}} {
		if x.v > 0 {
			s += ", " + x.name + " " + strconv.FormatFloat(x.v, 'g', -1, 64) + " m"
		}
	}
	return s
}

// Lines describes a model for people: each part with its least certain
// dimension.
func (m *Model) Lines() []string {
	out := []string{fmt.Sprintf("model %s, %s: %d parts", m.ID, m.Class, len(m.Parts))}
	class, _ := raster.ParseClass(m.Class)
	for i := range m.Parts {
		p := &m.Parts[i]
		s := "  " + p.describe() + "; " + p.certainty(class).String()
		for _, k := range slices.Sorted(maps.Keys(p.Dims)) {
			s += fmt.Sprintf("; %s +-%g (%s)", k, p.Dims[k].Sigma, p.Dims[k].Class)
		}
		out = append(out, s)
	}
	return out
}
