package scene

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image/color"
	"math"

	"github.com/qmuntal/gltf"

	"sightline/raster"
)

// extras is what a node of our GLBs says about itself, beside its triangles.
// Other programs ignore it; the interface and [ReadGLB] read it.
type extras struct {
	Object   string    `json:"object,omitempty"`
	Class    string    `json:"class,omitempty"`
	Kind     string    `json:"kind,omitempty"`     // solid, terrain, road
	Material string    `json:"material,omitempty"` // of invented photographs
	Smooth   bool      `json:"smooth,omitempty"`   // normals are to be averaged
	Outline  *bool     `json:"outline,omitempty"`  // false: no feature edges
	Features []Feature `json:"features,omitempty"`
}

// glbWriter collects the binary part while the JSON part is described.
type glbWriter struct {
	doc       *gltf.Document
	bin       bytes.Buffer
	materials map[string]int
}

// WriteGLB encodes pieces as one binary glTF 2.0 file: one node a piece, axes
// turned to y-up, positions as 32-bit floats, indices of 16 bits where they
// fit. The same pieces give the same bytes.
func WriteGLB(pieces []Piece, copyright string) ([]byte, error) {
	w := &glbWriter{materials: map[string]int{}, doc: &gltf.Document{
		Asset: gltf.Asset{Version: "2.0", Generator: "sightline scene/1", Copyright: copyright},
		Scene: gltf.Index(0), Scenes: []*gltf.Scene{{}},
	}}
	for i := range pieces {
		p := &pieces[i]
		if len(p.Mesh.Triangles) == 0 {
			continue
		}
		if err := p.Mesh.Check(); err != nil {
			return nil, err
		}
		if err := w.add(p); err != nil {
			return nil, err
		}
	}
	w.align()
	if w.bin.Len() > 0 {
		w.doc.Buffers = []*gltf.Buffer{{ByteLength: w.bin.Len()}}
	}
	js, err := json.Marshal(w.doc)
	if err != nil {
		return nil, fmt.Errorf("failed to write a GLB: %w", err)
	}
	for len(js)%4 != 0 {
		js = append(js, ' ')
	}
	var out bytes.Buffer
	le := binary.LittleEndian
	total := 12 + 8 + len(js)
	if w.bin.Len() > 0 {
		total += 8 + w.bin.Len()
	}
	if int64(total) > math.MaxUint32 {
		return nil, fmt.Errorf("the model has %d bytes: a GLB holds at most 4 GiB", total)
	}
	out.Write(le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, glbMagic), 2), uint32(total)))
	out.Write(le.AppendUint32(le.AppendUint32(nil, uint32(len(js))), chunkJSON))
	out.Write(js)
	if w.bin.Len() > 0 {
		out.Write(le.AppendUint32(le.AppendUint32(nil, uint32(w.bin.Len())), chunkBIN))
		out.Write(w.bin.Bytes())
	}
	return out.Bytes(), nil
}

const (
	glbMagic  = 0x46546C67 // "glTF"
	chunkJSON = 0x4E4F534A
	chunkBIN  = 0x004E4942
)

func (w *glbWriter) align() {
	for w.bin.Len()%4 != 0 {
		w.bin.WriteByte(0)
	}
}

// view appends bytes and returns the number of their buffer view.
func (w *glbWriter) view(b []byte, target gltf.Target, stride int) int {
	w.align()
	w.doc.BufferViews = append(w.doc.BufferViews, &gltf.BufferView{ByteOffset: w.bin.Len(), ByteLength: len(b), Target: target, ByteStride: stride})
	w.bin.Write(b)
	return len(w.doc.BufferViews) - 1
}

func (w *glbWriter) accessor(a gltf.Accessor) int {
	w.doc.Accessors = append(w.doc.Accessors, &a)
	return len(w.doc.Accessors) - 1
}

func (w *glbWriter) add(p *Piece) error {
	m := &p.Mesh
	le := binary.LittleEndian
	attr := gltf.PrimitiveAttributes{}
	pos := make([]byte, 0, 12*len(m.Positions))
	lo := [3]float64{math.Inf(1), math.Inf(1), math.Inf(1)}
	hi := [3]float64{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
	for _, q := range m.Positions {
		for k, x := range [3]float64{q[0], q[2], -q[1]} {
			f := float32(x)
			if f == 0 {
				f = 0 // no negative zero in the file
			}
			pos = le.AppendUint32(pos, math.Float32bits(f))
			lo[k], hi[k] = min(lo[k], float64(f)), max(hi[k], float64(f))
		}
	}
	attr["POSITION"] = w.accessor(gltf.Accessor{BufferView: gltf.Index(w.view(pos, gltf.TargetArrayBuffer, 0)), ComponentType: gltf.ComponentFloat, Type: gltf.AccessorVec3, Count: len(m.Positions), Min: lo[:], Max: hi[:]})
	if len(m.Normals) > 0 {
		var b []byte
		for _, q := range m.Normals {
			for _, x := range [3]float64{q[0], q[2], -q[1]} {
				b = le.AppendUint32(b, math.Float32bits(float32(x)))
			}
		}
		attr["NORMAL"] = w.accessor(gltf.Accessor{BufferView: gltf.Index(w.view(b, gltf.TargetArrayBuffer, 0)), ComponentType: gltf.ComponentFloat, Type: gltf.AccessorVec3, Count: len(m.Normals)})
	}
	if len(m.UV) > 0 {
		var b []byte
		for _, q := range m.UV {
			b = le.AppendUint32(le.AppendUint32(b, math.Float32bits(float32(q[0]))), math.Float32bits(float32(q[1])))
		}
		attr["TEXCOORD_0"] = w.accessor(gltf.Accessor{BufferView: gltf.Index(w.view(b, gltf.TargetArrayBuffer, 0)), ComponentType: gltf.ComponentFloat, Type: gltf.AccessorVec2, Count: len(m.UV)})
	}
	if len(m.VertexColours) > 0 {
		var b []byte
		for _, c := range m.VertexColours {
			b = append(b, c.R, c.G, c.B, c.A)
		}
		attr["COLOR_0"] = w.accessor(gltf.Accessor{BufferView: gltf.Index(w.view(b, gltf.TargetArrayBuffer, 0)), ComponentType: gltf.ComponentUbyte, Normalized: true, Type: gltf.AccessorVec4, Count: len(m.VertexColours)})
	}
	if len(m.TriangleIDs) > 0 {
		ids, err := vertexIDs(m)
		if err != nil {
			return err
		}
		var b []byte
		for _, id := range ids {
			b = le.AppendUint16(b, id)
			b = append(b, 0, 0) // attributes start on four bytes
		}
		attr["_FEATURE_ID_0"] = w.accessor(gltf.Accessor{BufferView: gltf.Index(w.view(b, gltf.TargetArrayBuffer, 4)), ComponentType: gltf.ComponentUshort, Type: gltf.AccessorScalar, Count: len(ids)})
	}
	mesh := &gltf.Mesh{Name: m.Name}
	for _, g := range byColour(m) {
		mat, err := w.material(p, g.colour)
		if err != nil {
			return err
		}
		mesh.Primitives = append(mesh.Primitives, &gltf.Primitive{Attributes: attr, Indices: gltf.Index(w.indices(g.triangles, len(m.Positions))), Material: gltf.Index(mat)})
	}
	w.doc.Meshes = append(w.doc.Meshes, mesh)
	x := extras{Object: p.Object, Class: m.Class.String(), Kind: m.Kind.String(), Smooth: m.Smooth, Features: p.Features}
	if m.Material != raster.Plain {
		x.Material = m.Material.String()
	}
	if m.NoOutline {
		no := false
		x.Outline = &no
	}
	w.doc.Nodes = append(w.doc.Nodes, &gltf.Node{Name: m.Name, Mesh: gltf.Index(len(w.doc.Meshes) - 1), Extras: x})
	w.doc.Scenes[0].Nodes = append(w.doc.Scenes[0].Nodes, len(w.doc.Nodes)-1)
	return nil
}

// vertexIDs turns numbers of triangles into numbers of vertices; a vertex may
// serve one number only.
func vertexIDs(m *raster.Mesh) ([]uint16, error) {
	out := make([]uint16, len(m.Positions))
	used := make([]bool, len(m.Positions))
	for i, t := range m.Triangles {
		id := m.TriangleIDs[i]
		if id > math.MaxUint16 {
			return nil, fmt.Errorf("mesh %q: feature number %d: at most 65535 in one mesh", m.Name, id)
		}
		for _, v := range t {
			if used[v] && out[v] != uint16(id) {
				return nil, fmt.Errorf("mesh %q: vertex %d belongs to features %d and %d", m.Name, v, out[v], id)
			}
			out[v], used[v] = uint16(id), true
		}
	}
	return out, nil
}

type colourGroup struct {
	colour    color.NRGBA
	triangles [][3]uint32
}

// byColour groups triangles by colour in order of first appearance.
func byColour(m *raster.Mesh) []colourGroup {
	if len(m.TriangleColours) == 0 {
		return []colourGroup{{m.Colour, m.Triangles}}
	}
	var out []colourGroup
	index := map[color.NRGBA]int{}
	for i, t := range m.Triangles {
		c := m.TriangleColours[i]
		k, ok := index[c]
		if !ok {
			k = len(out)
			index[c] = k
			out = append(out, colourGroup{colour: c})
		}
		out[k].triangles = append(out[k].triangles, t)
	}
	return out
}

func (w *glbWriter) indices(tris [][3]uint32, vertices int) int {
	le := binary.LittleEndian
	var b []byte
	t := gltf.ComponentUint
	if vertices < math.MaxUint16 {
		t = gltf.ComponentUshort
		b = make([]byte, 0, 6*len(tris))
		for _, v := range tris {
			b = le.AppendUint16(le.AppendUint16(le.AppendUint16(b, uint16(v[0])), uint16(v[1])), uint16(v[2]))
		}
	} else {
		b = make([]byte, 0, 12*len(tris))
		for _, v := range tris {
			b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, v[0]), v[1]), v[2])
		}
	}
	return w.accessor(gltf.Accessor{BufferView: gltf.Index(w.view(b, gltf.TargetElementArrayBuffer, 0)), ComponentType: t, Type: gltf.AccessorScalar, Count: 3 * len(tris)})
}

// material returns the number of a glTF material, made once for each look.
func (w *glbWriter) material(p *Piece, c color.NRGBA) (int, error) {
	if c.A == 0 {
		c = drawn(p.Mesh.Kind, p.Mesh.Class)
	}
	key := fmt.Sprint(c, digest(p.Image))
	if i, ok := w.materials[key]; ok {
		return i, nil
	}
	base := [4]float64{linear(c.R), linear(c.G), linear(c.B), 1}
	zero, one := 0.0, 1.0
	pbr := &gltf.PBRMetallicRoughness{BaseColorFactor: &base, MetallicFactor: &zero, RoughnessFactor: &one}
	if len(p.Image) > 0 {
		w.doc.Images = append(w.doc.Images, &gltf.Image{BufferView: gltf.Index(w.view(p.Image, 0, 0)), MimeType: p.ImageType})
		if len(w.doc.Samplers) == 0 {
			w.doc.Samplers = []*gltf.Sampler{{}}
		}
		w.doc.Textures = append(w.doc.Textures, &gltf.Texture{Source: gltf.Index(len(w.doc.Images) - 1), Sampler: gltf.Index(0)})
		pbr.BaseColorTexture = &gltf.TextureInfo{Index: len(w.doc.Textures) - 1}
	}
	w.doc.Materials = append(w.doc.Materials, &gltf.Material{PBRMetallicRoughness: pbr, DoubleSided: true})
	w.materials[key] = len(w.doc.Materials) - 1
	return len(w.doc.Materials) - 1, nil
}

// drawn is the colour a viewer without our certainty textures shows.
func drawn(k raster.Kind, c raster.Class) color.NRGBA {
	switch {
	case k == raster.Terrain:
		return color.NRGBA{0xD8, 0xD5, 0xCC, 255}
	case k == raster.Road:
		return color.NRGBA{0xBF, 0xBB, 0xB2, 255}
	case c == raster.Measured:
		return color.NRGBA{0xCF, 0xCB, 0xC2, 255}
	case c == raster.Derived:
		return color.NRGBA{0xE6, 0xE2, 0xDA, 255}
	}
	return color.NRGBA{0xF2, 0xF1, 0xEC, 255}
}

// linear is the sRGB transfer function to linear light, rounded so that the
// text of the file is short.
func linear(c uint8) float64 {
	x := float64(c) / 255
	if x <= 0.04045 {
		x /= 12.92
	} else {
		x = math.Pow((x+0.055)/1.055, 2.4)
	}
	return math.Round(x*1e5) / 1e5
}

// display is the inverse of linear.
func display(x float64) uint8 {
	x = min(max(x, 0), 1)
	if x <= 0.0031308 {
		x *= 12.92
	} else {
		x = 1.055*math.Pow(x, 1/2.4) - 0.055
	}
	return uint8(x*255 + 0.5)
}
