package scene

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"math"
	"strings"

	"github.com/qmuntal/gltf"

	"sightline/raster"
)

// ReadGLB decodes a binary glTF 2.0 file (or a .gltf whose data is inside it)
// into pieces in the frame's axes: x = east, -z = north, y = up. Node
// transforms are applied. Buffers or images outside the file are refused, as
// are compressions this program does not read (Draco, meshopt); lines, points,
// skins and animation are left out. Sizes are checked against lim before
// memory is taken.
func ReadGLB(b []byte, lim Limits) ([]Piece, error) {
	js, bin, err := splitGLB(b, lim)
	if err != nil {
		return nil, err
	}
	r := &glbReader{lim: lim, bin: bin}
	if err := json.Unmarshal(js, &r.doc); err != nil {
		return nil, fmt.Errorf("the glTF description is damaged: %w", err)
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	roots, err := r.roots()
	if err != nil {
		return nil, err
	}
	for _, n := range roots {
		if err := r.node(n, identity, 0); err != nil {
			return nil, err
		}
	}
	return r.out, nil
}

// splitGLB finds the two chunks of a GLB; a file that begins with "{" is the
// JSON form.
func splitGLB(b []byte, lim Limits) (js, bin []byte, err error) {
	if int64(len(b)) > lim.Bytes {
		return nil, nil, fmt.Errorf("the model has %d bytes: at most %d are read", len(b), lim.Bytes)
	}
	if t := bytes.TrimLeft(b, " \t\r\n"); len(t) > 0 && t[0] == '{' {
		return t, nil, nil
	}
	le := binary.LittleEndian
	if len(b) < 20 || le.Uint32(b) != glbMagic {
		return nil, nil, errors.New("not a GLB: the file does not begin with \"glTF\"")
	}
	if v := le.Uint32(b[4:]); v != 2 {
		return nil, nil, fmt.Errorf("glTF version %d: only version 2 is read", v)
	}
	if n := le.Uint32(b[8:]); n < 20 || uint64(n) > uint64(len(b)) {
		return nil, nil, fmt.Errorf("the GLB is cut off: it says %d bytes and has %d", n, len(b))
	}
	rest := b[12:le.Uint32(b[8:])]
	for len(rest) >= 8 {
		n, kind := le.Uint32(rest), le.Uint32(rest[4:])
		rest = rest[8:]
		if uint64(n) > uint64(len(rest)) {
			return nil, nil, errors.New("the GLB is cut off inside a chunk")
		}
		switch {
		case kind == chunkJSON && js == nil:
			js = rest[:n]
		case kind == chunkBIN && bin == nil:
			bin = rest[:n]
		}
		rest = rest[n:]
	}
	if js == nil {
		return nil, nil, errors.New("the GLB has no description (JSON chunk)")
	}
	return js, bin, nil
}

type glbReader struct {
	doc     gltf.Document
	lim     Limits
	bin     []byte
	buffers [][]byte
	images  map[int]*decodedImage
	out     []Piece
	nodes   int
	verts   int
	tris    int
	pixels  int
}

type decodedImage struct {
	raw  []byte
	mime string
	tex  *raster.Texture
}

// check refuses what cannot be read before anything is decoded.
func (r *glbReader) check() error {
	d := &r.doc
	for _, x := range d.ExtensionsRequired {
		switch {
		case x == "KHR_mesh_quantization" || x == "KHR_texture_transform" || strings.HasPrefix(x, "KHR_materials_") || x == "EXT_mesh_features":
		case x == "KHR_draco_mesh_compression" || x == "EXT_meshopt_compression":
			return fmt.Errorf("the model is compressed with %s, which is not read: export it again without compression", x)
		default:
			return fmt.Errorf("the model requires the extension %q, which is not read", x)
		}
	}
	if len(d.Nodes) > r.lim.Nodes || len(d.Meshes) > r.lim.Nodes || len(d.Accessors) > 4*r.lim.Nodes || len(d.BufferViews) > 4*r.lim.Nodes {
		return fmt.Errorf("the model has %d nodes and %d meshes: at most %d of each are read", len(d.Nodes), len(d.Meshes), r.lim.Nodes)
	}
	for i, buf := range d.Buffers {
		switch {
		case buf == nil:
			return fmt.Errorf("buffers[%d] is null", i)
		case buf.URI == "":
			if i != 0 || len(r.bin) < buf.ByteLength || buf.ByteLength < 0 {
				return fmt.Errorf("buffers[%d] says %d bytes and the file has %d", i, buf.ByteLength, len(r.bin))
			}
			r.buffers = append(r.buffers, r.bin)
		default:
			data, _, err := dataURI(buf.URI)
			if err != nil {
				return fmt.Errorf("buffers[%d]: %w", i, err)
			}
			r.buffers = append(r.buffers, data)
		}
	}
	for i, img := range d.Images {
		if img == nil {
			return fmt.Errorf("images[%d] is null", i)
		}
		if img.URI != "" && !strings.HasPrefix(img.URI, "data:") {
			return fmt.Errorf("images[%d] lies outside the file (%.60q): export the model with its textures inside", i, img.URI)
		}
	}
	return nil
}

func (r *glbReader) roots() ([]int, error) {
	d := &r.doc
	if len(d.Scenes) > 0 {
		i := 0
		if d.Scene != nil {
			i = *d.Scene
		}
		if i < 0 || i >= len(d.Scenes) || d.Scenes[i] == nil {
			return nil, fmt.Errorf("scene %d of %d does not exist", i, len(d.Scenes))
		}
		return d.Scenes[i].Nodes, nil
	}
	child := map[int]bool{}
	for _, n := range d.Nodes {
		if n != nil {
			for _, c := range n.Children {
				child[c] = true
			}
		}
	}
	var out []int
	for i := range d.Nodes {
		if !child[i] {
			out = append(out, i)
		}
	}
	return out, nil
}

// matrix is a 4 x 4 transform, column major as in glTF.
type matrix [16]float64

var identity = matrix{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}

func (a matrix) times(b matrix) (c matrix) {
	for col := range 4 {
		for row := range 4 {
			s := 0.0
			for k := range 4 {
				s += float64(a[k*4+row] * b[col*4+k])
			}
			c[col*4+row] = s
		}
	}
	return c
}

func (a matrix) point(p [3]float64) [3]float64 {
	return [3]float64{
		float64(a[0]*p[0]) + float64(a[4]*p[1]) + float64(a[8]*p[2]) + a[12],
		float64(a[1]*p[0]) + float64(a[5]*p[1]) + float64(a[9]*p[2]) + a[13],
		float64(a[2]*p[0]) + float64(a[6]*p[1]) + float64(a[10]*p[2]) + a[14],
	}
}

func (a matrix) mirrored() bool {
	det := a[0]*(a[5]*a[10]-a[9]*a[6]) - a[4]*(a[1]*a[10]-a[9]*a[2]) + a[8]*(a[1]*a[6]-a[5]*a[2])
	return det < 0
}

func nodeMatrix(n *gltf.Node) matrix {
	if m := n.MatrixOrDefault(); m != gltf.DefaultMatrix {
		return matrix(m)
	}
	t, s, q := n.TranslationOrDefault(), n.ScaleOrDefault(), n.RotationOrDefault()
	x, y, z, w := q[0], q[1], q[2], q[3]
	return matrix{
		(1 - 2*(y*y+z*z)) * s[0], 2 * (x*y + w*z) * s[0], 2 * (x*z - w*y) * s[0], 0,
		2 * (x*y - w*z) * s[1], (1 - 2*(x*x+z*z)) * s[1], 2 * (y*z + w*x) * s[1], 0,
		2 * (x*z + w*y) * s[2], 2 * (y*z - w*x) * s[2], (1 - 2*(x*x+y*y)) * s[2], 0,
		t[0], t[1], t[2], 1,
	}
}

func (r *glbReader) node(i int, parent matrix, depth int) error {
	if i < 0 || i >= len(r.doc.Nodes) || r.doc.Nodes[i] == nil {
		return fmt.Errorf("node %d of %d does not exist", i, len(r.doc.Nodes))
	}
	if r.nodes++; depth > 64 || r.nodes > r.lim.Nodes {
		return errors.New("the node tree is deeper than 64 or refers to itself")
	}
	n := r.doc.Nodes[i]
	m := parent.times(nodeMatrix(n))
	if n.Mesh != nil {
		if *n.Mesh < 0 || *n.Mesh >= len(r.doc.Meshes) || r.doc.Meshes[*n.Mesh] == nil {
			return fmt.Errorf("node %d: mesh %d of %d does not exist", i, *n.Mesh, len(r.doc.Meshes))
		}
		if err := r.mesh(n, r.doc.Meshes[*n.Mesh], m); err != nil {
			return fmt.Errorf("mesh %d: %w", *n.Mesh, err)
		}
	}
	for _, c := range n.Children {
		if err := r.node(c, m, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// mesh appends the primitives of a mesh. Primitives that share their vertices
// become one piece with a colour for each triangle, as WriteGLB wrote them.
func (r *glbReader) mesh(n *gltf.Node, gm *gltf.Mesh, m matrix) error {
	var x extras
	if n.Extras != nil {
		if b, err := json.Marshal(n.Extras); err == nil {
			_ = json.Unmarshal(b, &x) // another program's extras mean nothing to us
		}
	}
	name := n.Name
	if name == "" {
		name = gm.Name
	}
	first := len(r.out)
	var last *Piece
	lastPos := -1
	for _, p := range gm.Primitives {
		if p == nil || p.Mode != gltf.PrimitiveTriangles {
			continue
		}
		pos, ok := p.Attributes["POSITION"]
		if !ok {
			continue
		}
		c, img, err := r.look(p)
		if err != nil {
			return err
		}
		tris, err := r.triangles(p, pos, m.mirrored())
		if err != nil {
			return err
		}
		if last != nil && lastPos == pos && img == nil && last.Mesh.Texture == nil {
			lm := &last.Mesh
			if len(lm.TriangleColours) == 0 {
				lm.TriangleColours = make([]color.NRGBA, len(lm.Triangles))
				for k := range lm.TriangleColours {
					lm.TriangleColours[k] = lm.Colour
				}
			}
			lm.Triangles = append(lm.Triangles, tris...)
			for range tris {
				lm.TriangleColours = append(lm.TriangleColours, c)
			}
			continue
		}
		piece, err := r.piece(p, pos, m)
		if err != nil {
			return err
		}
		piece.Mesh.Name, piece.Mesh.Triangles, piece.Mesh.Colour = name, tris, c
		if img != nil && len(piece.Mesh.UV) > 0 {
			piece.Mesh.Texture, piece.Image, piece.ImageType = img.tex, img.raw, img.mime
		}
		describe(piece, &x)
		r.out = append(r.out, *piece)
		last, lastPos = &r.out[len(r.out)-1], pos
	}
	for i := first; i < len(r.out); i++ {
		r.featureIDs(&r.out[i])
	}
	return nil
}

// describe copies our own extras to the piece.
func describe(p *Piece, x *extras) {
	p.Object, p.Features = x.Object, x.Features
	p.Mesh.Class, _ = raster.ParseClass(x.Class)
	p.Mesh.Material, _ = raster.ParseMaterial(x.Material)
	p.Mesh.Smooth = x.Smooth
	switch x.Kind {
	case "terrain":
		p.Mesh.Kind = raster.Terrain
	case "road":
		p.Mesh.Kind = raster.Road
	}
	if x.Class != "" && p.Mesh.Colour == drawn(p.Mesh.Kind, p.Mesh.Class) {
		p.Mesh.Colour = color.NRGBA{} // written for other viewers; ours has its own
	}
	p.Mesh.NoOutline = x.Outline != nil && !*x.Outline
}

// featureIDs gives triangles the number of their first vertex, kept in
// TriangleIDs as one a vertex until all primitives are joined.
func (r *glbReader) featureIDs(p *Piece) {
	m := &p.Mesh
	if p.vertexFeatures == nil {
		return
	}
	m.TriangleIDs = make([]uint32, len(m.Triangles))
	for i, t := range m.Triangles {
		m.TriangleIDs[i] = p.vertexFeatures[t[0]]
	}
}

// piece reads the vertices of a primitive.
func (r *glbReader) piece(p *gltf.Primitive, pos int, m matrix) (*Piece, error) {
	xyz, err := r.read(pos, 3, "POSITION")
	if err != nil {
		return nil, err
	}
	n := len(xyz) / 3
	if r.verts += n; r.verts > r.lim.Vertices {
		return nil, fmt.Errorf("the model has more than %d vertices", r.lim.Vertices)
	}
	piece := &Piece{}
	piece.Mesh.Positions = make([][3]float64, n)
	for i := range n {
		q := m.point([3]float64{xyz[3*i], xyz[3*i+1], xyz[3*i+2]})
		for _, x := range q {
			if math.IsNaN(x) || math.Abs(x) > 1e7 {
				return nil, fmt.Errorf("vertex %d is at %v: expected metres", i, q)
			}
		}
		piece.Mesh.Positions[i] = [3]float64{q[0], 0 - q[2], q[1]} // 0 - x: no negative zero
	}
	if a, ok := p.Attributes["TEXCOORD_0"]; ok {
		uv, err := r.read(a, 2, "TEXCOORD_0")
		if err != nil {
			return nil, err
		}
		if len(uv) == 2*n {
			piece.Mesh.UV = make([][2]float64, n)
			for i := range n {
				piece.Mesh.UV[i] = [2]float64{uv[2*i], uv[2*i+1]}
			}
		}
	}
	if a, ok := p.Attributes["_FEATURE_ID_0"]; ok {
		ids, err := r.read(a, 1, "_FEATURE_ID_0")
		if err != nil {
			return nil, err
		}
		if len(ids) == n {
			piece.vertexFeatures = make([]uint32, n)
			for i, x := range ids {
				if x >= 0 && x < 1<<31 {
					piece.vertexFeatures[i] = uint32(x)
				}
			}
		}
	}
	return piece, r.colours(p, piece, n)
}

// colours reads COLOR_0, which has three or four components.
func (r *glbReader) colours(p *gltf.Primitive, piece *Piece, n int) error {
	a, ok := p.Attributes["COLOR_0"]
	if !ok || a < 0 || a >= len(r.doc.Accessors) || r.doc.Accessors[a] == nil {
		return nil
	}
	k := 4
	if r.doc.Accessors[a].Type == gltf.AccessorVec3 {
		k = 3
	}
	c, err := r.read(a, k, "COLOR_0")
	if err != nil || len(c) != k*n {
		return err
	}
	piece.Mesh.VertexColours = make([]color.NRGBA, n)
	for i := range n {
		byteOf := func(j int) uint8 { return uint8(min(max(c[k*i+j], 0), 1)*255 + 0.5) }
		piece.Mesh.VertexColours[i] = color.NRGBA{byteOf(0), byteOf(1), byteOf(2), 255}
	}
	return nil
}

// triangles reads the indices of a primitive.
func (r *glbReader) triangles(p *gltf.Primitive, pos int, flip bool) ([][3]uint32, error) {
	if pos < 0 || pos >= len(r.doc.Accessors) || r.doc.Accessors[pos] == nil {
		return nil, fmt.Errorf("accessor %d does not exist", pos)
	}
	n := r.doc.Accessors[pos].Count
	var flat []float64
	if p.Indices != nil {
		var err error
		if flat, err = r.read(*p.Indices, 1, "indices"); err != nil {
			return nil, err
		}
	} else {
		if n > r.lim.Vertices {
			return nil, fmt.Errorf("the model has more than %d vertices", r.lim.Vertices)
		}
		flat = make([]float64, n)
		for i := range flat {
			flat[i] = float64(i)
		}
	}
	if r.tris += len(flat) / 3; r.tris > r.lim.Triangles {
		return nil, fmt.Errorf("the model has more than %d triangles", r.lim.Triangles)
	}
	out := make([][3]uint32, len(flat)/3)
	for i := range out {
		for k := range 3 {
			x := flat[3*i+k]
			if !(x >= 0 && x < float64(n)) {
				return nil, fmt.Errorf("index %v of %d vertices", x, n)
			}
			out[i][k] = uint32(x)
		}
		if flip {
			out[i][1], out[i][2] = out[i][2], out[i][1]
		}
	}
	return out, nil
}
