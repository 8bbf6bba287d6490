package scene

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"sightline/raster"
)

// ReadModel decodes a model file by the ending of its name: .glb or .gltf
// with everything inside, .obj, .ply, .stl. Positions are as in the file for
// the last three, whose up axis is usually z; glTF is turned to the frame.
func ReadModel(name string, b []byte, lim Limits) ([]Piece, error) {
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".glb", ".gltf":
		return ReadGLB(b, lim)
	case ".obj":
		return ReadOBJ(b, lim)
	case ".ply":
		return ReadPLY(b, lim)
	case ".stl":
		return ReadSTL(b, lim)
	default:
		return nil, fmt.Errorf("models ending in %q are not read: .glb, .gltf, .obj, .ply and .stl are", ext)
	}
}

// models makes a layer of imported models.
func (b *build) models(s *LayerSpec, class raster.Class) error {
	l := s.layer("models")
	var pieces []Piece
	for i := range s.Models {
		m := &s.Models[i]
		data, src, err := b.read(m.File)
		if err != nil {
			return err
		}
		got, err := ReadModel(m.File, data, b.Limits)
		if err != nil {
			return fmt.Errorf("scene: %s: %w", src.Name, err)
		}
		l.Sources = append(l.Sources, src)
		l.Warnings = append(l.Warnings, faults(src.Name, got)...)
		if err := m.place(b, got, class); err != nil {
			return fmt.Errorf("scene: %s: %w", src.Name, err)
		}
		pieces = append(pieces, got...)
		if m.Object == "" {
			continue
		}
		o := Object{ID: m.Object, Class: class.String(), Layer: s.ID}
		if m.Label != nil {
			o.Label = *m.Label
		}
		lo, hi := [3]float64{math.Inf(1), math.Inf(1), math.Inf(1)}, [3]float64{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
		for j := range got {
			got[j].Object = m.Object
			l, h, ok := got[j].Mesh.Bounds()
			for k := range l {
				if ok {
					lo[k], hi[k] = min(lo[k], l[k]), max(hi[k], h[k])
				}
			}
		}
		if math.IsInf(lo[0], 1) {
			return fmt.Errorf("scene: %s: the model has no triangles", src.Name)
		}
		o.Position = [3]float64{(lo[0] + hi[0]) / 2, (lo[1] + hi[1]) / 2, lo[2]}
		o.Height = hi[2] - lo[2]
		b.doc.Objects = append(b.doc.Objects, o)
		for j := range pieces[len(pieces)-len(got):] {
			pieces[len(pieces)-len(got)+j].Object = m.Object
		}
	}
	return b.store(l, pieces)
}

// place moves a model from its own axes into the frame.
func (m *ModelSpec) place(b *build, pieces []Piece, class raster.Class) error {
	k := m.Scale
	if k == 0 {
		k = 1
	}
	if !(k > 0 && k < 1e6) {
		return fmt.Errorf("scale %v: expected a number above 0", m.Scale)
	}
	at := m.At
	if m.OnGround {
		u, ok := b.ground(at[0], at[1])
		if !ok {
			return fmt.Errorf("there is no ground at %v, %v", at[0], at[1])
		}
		at[2] += u
	}
	gltf := strings.HasPrefix(strings.ToLower(filepath.Ext(m.File)), ".gl")
	turn := false // from y up to z up; ReadGLB has done it for glTF
	switch m.UpAxis {
	case "":
	case "y":
		turn = !gltf
	case "z":
		if gltf {
			return fmt.Errorf("up %q: glTF models are y up by definition", m.UpAxis)
		}
	default:
		return fmt.Errorf("up %q: use y or z", m.UpAxis)
	}
	material := raster.Plain
	if m.Material != "" {
		var err error
		if material, err = raster.ParseMaterial(m.Material); err != nil {
			return err
		}
	}
	for i := range pieces {
		p := &pieces[i]
		if p.Mesh.Class == raster.Unclassed || class > p.Mesh.Class {
			p.Mesh.Class = class // a layer may be less certain than its model says, never more
		}
		if material != raster.Plain {
			p.Mesh.Material = material
		}
		for j, q := range p.Mesh.Positions {
			if turn {
				q = [3]float64{q[0], -q[2], q[1]}
			}
			e, n := fromLocal(m.HeadingDeg, q[0]*k, q[1]*k)
			p.Mesh.Positions[j] = [3]float64{at[0] + e, at[1] + n, at[2] + q[2]*k}
		}
		p.Mesh.Normals = nil
		if p.Mesh.Name == "" {
			p.Mesh.Name = strings.TrimSuffix(filepath.Base(m.File), filepath.Ext(m.File))
		}
	}
	return nil
}
