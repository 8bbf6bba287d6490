package scene

import (
	"fmt"
	"math"
	"path/filepath"
	"sort"
	"strings"

	"sightline/raster"
)

// Result is a built scene: the document and the files of its folder.
type Result struct {
	Document *Document
	Files    map[string][]byte // scene.json and the GLBs, by name
}

// Names returns the file names in order.
func (r *Result) Names() []string {
	out := make([]string, 0, len(r.Files))
	for n := range r.Files {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// Open returns a file of the result by name, for [LoadFrom].
func (r *Result) Open(name string) ([]byte, error) {
	b, ok := r.Files[name]
	if !ok {
		return nil, fmt.Errorf("%s is not part of the scene", name)
	}
	return b, nil
}

// Builder makes scenes. The zero value reads no files.
type Builder struct {
	// Read opens a source file named in the spec. Nil: the spec may not name
	// files.
	Read   func(name string) ([]byte, error)
	Limits Limits // zero: [Defaults]
}

// Build makes a scene from a spec whose files lie in dir. The same spec and
// files give the same bytes.
func Build(s *Spec, dir string) (*Result, error) {
	b := Builder{Read: func(name string) ([]byte, error) {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return nil, fmt.Errorf("%s lies outside the folder of the spec: copy it beside the spec", name)
		}
		return readLimited(filepath.Join(dir, filepath.FromSlash(name)), Defaults.Bytes)
	}}
	return b.Build(s)
}

// build is one run of a builder.
type build struct {
	*Builder
	spec   *Spec
	doc    *Document
	frame  frame
	files  map[string][]byte
	ground func(e, n float64) (float64, bool)
	all    []Piece
}

// Build makes a scene from a spec.
func (bl *Builder) Build(s *Spec) (*Result, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if bl.Limits == (Limits{}) {
		bl.Limits = Defaults
	}
	b := &build{Builder: bl, spec: s, files: map[string][]byte{}, doc: &Document{Format: Format, Title: s.Title, Approximate: s.Approximate, Layers: []Layer{}, Objects: []Object{}}}
	b.doc.Frame = s.Frame
	if err := b.freeze(); err != nil {
		return nil, err
	}
	if s, err := b.documents(s); err != nil {
		return nil, err
	} else {
		b.spec = s
	}
	s = b.spec
	for i := range s.Layers {
		for j := range s.Layers[i].Parts {
			if err := s.Layers[i].Parts[j].check(fmt.Sprintf("layers[%d].parts[%d]", i, j)); err != nil {
				return nil, err
			}
		}
	}
	b.ground = func(e, n float64) (float64, bool) { return 0, false }
	if s.Terrain != nil {
		if err := b.terrain(s.Terrain); err != nil {
			return nil, err
		}
	}
	for i := range s.Layers {
		if err := b.layer(&s.Layers[i]); err != nil {
			return nil, err
		}
	}
	if err := b.objects(); err != nil {
		return nil, err
	}
	b.bounds()
	if err := b.doc.seal(); err != nil {
		return nil, err
	}
	if err := b.doc.Check(); err != nil {
		return nil, err
	}
	js, err := b.doc.Encode()
	if err != nil {
		return nil, err
	}
	b.files["scene.json"] = js
	r := &Result{Document: b.doc, Files: b.files}
	b.doc.attach(r.Open)
	return r, nil
}

// documents replaces the model documents that a spec names by their parts.
func (b *build) documents(in *Spec) (*Spec, error) {
	s := *in
	s.Layers = append([]LayerSpec(nil), in.Layers...)
	for i := range s.Layers {
		l := &s.Layers[i]
		if l.Document == "" {
			continue
		}
		raw, src, err := b.read(l.Document)
		if err != nil {
			return nil, err
		}
		m, err := ParseModel(raw)
		if err != nil {
			return nil, fmt.Errorf("scene: %s: %w", src.Name, err)
		}
		if m.Frame != "" && m.Frame != frameID(b.doc.Frame) {
			return nil, fmt.Errorf("scene: %s: its coordinates are of another frame (%.12s)", src.Name, m.Frame)
		}
		src.Name = m.FileName() // so that the layer can be edited again
		l.Parts, l.sources = m.Parts, []Source{src}
		if _, taken := b.files[src.Name]; taken {
			return nil, fmt.Errorf("scene: two layers are made from the model %s", m.ID)
		}
		b.files[src.Name] = raw
	}
	return &s, nil
}

// read opens a source and records it.
func (b *build) read(name string) ([]byte, Source, error) {
	if b.Read == nil {
		return nil, Source{}, fmt.Errorf("scene: %s: this builder reads no files", name)
	}
	data, err := b.Read(name)
	if err != nil {
		return nil, Source{}, fmt.Errorf("scene: %w", err)
	}
	return data, Source{Name: filepath.Base(filepath.FromSlash(name)), SHA256: digest(data), Bytes: int64(len(data))}, nil
}

// store writes the pieces of a layer as GLB and completes its entry.
func (b *build) store(l Layer, pieces []Piece) error {
	name := strings.ToLower(l.ID) + ".glb"
	if _, taken := b.files[name]; taken {
		return fmt.Errorf("scene spec: two layers are called %s", l.ID)
	}
	l, err := seal(l, pieces, b.files)
	if err != nil {
		return err
	}
	b.doc.Layers = append(b.doc.Layers, l)
	b.all = append(b.all, pieces...)
	return nil
}

// seal writes the GLB of a layer into files and completes the layer with it.
func seal(l Layer, pieces []Piece, files map[string][]byte) (Layer, error) {
	glb, err := WriteGLB(pieces, l.Attribution)
	if err != nil {
		return l, fmt.Errorf("scene: layer %s: %w", l.ID, err)
	}
	l.File = strings.ToLower(l.ID) + ".glb"
	l.SHA256, l.Bytes = digest(glb), int64(len(glb))
	for i := range pieces {
		l.Vertices += len(pieces[i].Mesh.Positions)
		l.Triangles += len(pieces[i].Mesh.Triangles)
		pieces[i].Layer = l.ID
	}
	files[l.File] = glb
	return l, nil
}

func (p *Provenance) layer(kind string) Layer {
	return Layer{ID: p.ID, Type: kind, Title: p.Title, Class: p.Class, AccuracyM: p.AccuracyM, Date: p.Date,
		Licence: p.Licence, Attribution: p.Attribution, Note: p.Note}
}

// terrain makes the first layer.
func (b *build) terrain(t *TerrainSpec) error {
	l := t.layer("terrain")
	rings := t.Rings
	if len(rings) == 0 {
		rings = []Ring{{500, 5}, {5000, 30}}
	}
	class, _ := raster.ParseClass(t.Class)
	material := raster.Grass
	if t.Material != "" {
		var err error
		if material, err = raster.ParseMaterial(t.Material); err != nil {
			return fmt.Errorf("scene spec: terrain: %w", err)
		}
	}
	var h heights
	voids, datum := 0, "unknown"
	if t.Procedural != nil {
		if err := t.Procedural.check(); err != nil {
			return fmt.Errorf("scene spec: %w", err)
		}
		h, datum = b.procedural(t.Procedural, rings), b.spec.Frame.Vertical
	} else {
		m, err := b.mosaic(t.Grids)
		if err != nil {
			return err
		}
		l.Sources, l.Warnings = m.sources, m.warnings
		h, voids, datum = m.heights(b.frame), m.voids(), m.datum()
	}
	var g *groundMesh
	var err error
	if t.MaxTriangles > 0 {
		if len(rings) != 1 {
			return fmt.Errorf("scene spec: terrain: max_triangles goes with one ring, not %d", len(rings))
		}
		g, err = meshTIN(h, rings[0], t.ToleranceM, t.MaxTriangles)
	} else {
		g, err = meshGround(h, rings, t.ToleranceM)
	}
	if err != nil {
		return fmt.Errorf("scene: %w", err)
	}
	g.facts.VoidCells, g.facts.VerticalDatum, g.facts.Conjectural = voids, datum, t.Procedural != nil
	l.Terrain = &g.facts
	pieces := g.pieces("terrain", class, material)
	// What stands on the ground stands on the one that is written, of 32-bit
	// floats, so that a part put in later finds the same height.
	for i := range pieces {
		for j, p := range pieces[i].Mesh.Positions {
			pieces[i].Mesh.Positions[j] = written(p)
		}
	}
	b.ground = indexGround(pieces).at
	if t.Drape != nil {
		if pieces, err = b.drape(t.Drape, &l, pieces); err != nil {
			return err
		}
	}
	return b.store(l, pieces)
}

// procedural returns the invented ground with the cuts of all parts.
func (b *build) procedural(p *Procedural, rings []Ring) heights {
	raw := func(e, n float64) (float64, bool) { return p.height(e, n), true }
	stepAt := func(q *Part) float64 {
		far := math.Hypot(q.At[0], q.At[1]) + max(q.WidthM, q.LengthM)
		for _, pt := range q.Points {
			far = max(far, math.Abs(pt[0]), math.Abs(pt[1]))
		}
		step := rings[len(rings)-1].StepM
		for i := len(rings) - 1; i >= 0; i-- {
			if far <= rings[i].ToM {
				step = rings[i].StepM
			}
		}
		return step
	}
	// Roads last: a road that leads onto a terrace is not buried by it.
	var cuts []*cut
	for _, roads := range [2]bool{false, true} {
		for i := range b.spec.Layers {
			for j := range b.spec.Layers[i].Parts {
				q := &b.spec.Layers[i].Parts[j]
				if (q.Kind == "road") != roads {
					continue
				}
				if c := q.cutFor(raw, stepAt(q)); c != nil {
					cuts = append(cuts, c)
				}
			}
		}
	}
	return func(e, n float64) (float64, quality) {
		h := p.height(e, n)
		for _, c := range cuts {
			h = c.apply(h, e, n)
		}
		return h, good
	}
}

// layer makes one further layer.
func (b *build) layer(s *LayerSpec) error {
	class, _ := raster.ParseClass(s.Class)
	switch {
	case s.Buildings != nil:
		return b.buildings(s, class)
	case len(s.Models) > 0:
		return b.models(s, class)
	}
	l := s.layer("models")
	l.Sources = s.sources
	pieces, objects, err := layerOfParts(&s.Provenance, s.Parts, b.ground)
	if err != nil {
		return err
	}
	b.doc.Objects = append(b.doc.Objects, objects...)
	return b.store(l, pieces)
}

// merge joins pieces without an object of their own that look the same, so
// that a hundred trees are one mesh.
func merge(in []Piece) []Piece {
	type key struct {
		kind     raster.Kind
		class    raster.Class
		material raster.Material
		outline  bool
		smooth   bool
	}
	index := map[key]int{}
	var out []Piece
	for _, p := range in {
		m := &p.Mesh
		plain := p.Object == "" && len(p.Image) == 0 && len(m.UV) == 0 && len(m.VertexColours) == 0 && len(m.TriangleColours) == 0 && len(m.TriangleIDs) == 0 && len(m.Normals) == 0
		k := key{m.Kind, m.Class, m.Material, m.NoOutline, m.Smooth}
		i, ok := index[k]
		if !plain || !ok {
			if plain {
				index[k] = len(out)
			}
			out = append(out, p)
			continue
		}
		o := &out[i].Mesh
		first := uint32(len(o.Positions))
		o.Positions = append(o.Positions, m.Positions...)
		for _, t := range m.Triangles {
			o.Triangles = append(o.Triangles, [3]uint32{t[0] + first, t[1] + first, t[2] + first})
		}
	}
	return out
}

// objects adds the named spots and the views.
func (b *build) objects() error {
	lift := func(p [3]float64, on bool, what string) ([3]float64, error) {
		if !on {
			return p, nil
		}
		u, ok := b.ground(p[0], p[1])
		if !ok {
			return p, fmt.Errorf("scene spec: %s: there is no ground at %v, %v", what, p[0], p[1])
		}
		p[2] = round(p[2]+u, 1e-3)
		return p, nil
	}
	for _, s := range b.spec.Objects {
		at, err := lift(s.At, s.OnGround, "object "+s.ID)
		if err != nil {
			return err
		}
		if _, err := raster.ParseClass(s.Class); err != nil || s.Class == "" {
			return fmt.Errorf("scene spec: object %s: class %q: use measured, derived, from_plans or conjectural", s.ID, s.Class)
		}
		b.doc.Objects = append(b.doc.Objects, Object{ID: s.ID, Label: s.Label, Note: s.Note, Position: at, RadiusM: s.RadiusM, Class: s.Class})
	}
	for _, s := range b.spec.Views {
		eye, err := lift(s.Eye, s.OnGround, "view "+s.ID)
		if err != nil {
			return err
		}
		target, err := lift(s.Target, s.OnGround, "view "+s.ID)
		if err != nil {
			return err
		}
		if !(s.VFovDeg > 0 && s.VFovDeg < 180) || eye == target {
			return fmt.Errorf("scene spec: view %s: expected an eye apart from its target and a field of view between 0 and 180 degrees", s.ID)
		}
		b.doc.Views = append(b.doc.Views, View{ID: s.ID, Title: s.Title, Eye: eye, Target: target, VFovDeg: s.VFovDeg})
	}
	// Objects that parts made are at float positions; a millimetre is enough
	// for a label and keeps the document readable.
	for i := range b.doc.Objects {
		o := &b.doc.Objects[i]
		for k := range o.Position {
			o.Position[k] = round(o.Position[k], 1e-3)
		}
		o.Height = round(o.Height, 1e-3)
	}
	return nil
}

// written is a place as a GLB holds it.
func written(p [3]float64) [3]float64 {
	return [3]float64{float64(float32(p[0])), float64(float32(p[1])), float64(float32(p[2]))}
}

// bounds is the box around everything.
func (b *build) bounds() {
	lo := [3]float64{math.Inf(1), math.Inf(1), math.Inf(1)}
	hi := [3]float64{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
	for i := range b.all {
		l, h, ok := b.all[i].Mesh.Bounds()
		if !ok {
			continue
		}
		l, h = written(l), written(h)
		for k := range l {
			lo[k], hi[k] = min(lo[k], l[k]), max(hi[k], h[k])
		}
	}
	if math.IsInf(lo[0], 1) {
		return
	}
	for k := range lo {
		b.doc.Bounds.Low[k], b.doc.Bounds.High[k] = math.Floor(lo[k]*100)/100, math.Ceil(hi[k]*100)/100
	}
}
