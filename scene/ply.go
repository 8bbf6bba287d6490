package scene

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"
	"strings"

	"sightline/raster"
)

// ReadPLY decodes a Stanford PLY mesh, text or binary of either byte order:
// x, y, z, red, green, blue of vertices and the index list of faces. Other
// elements and properties are skipped. A file without faces is a point cloud
// and is refused.
func ReadPLY(b []byte, lim Limits) ([]Piece, error) {
	if int64(len(b)) > lim.Bytes {
		return nil, fmt.Errorf("the model has %d bytes: at most %d are read", len(b), lim.Bytes)
	}
	r := &plyReader{in: bufio.NewReader(bytes.NewReader(b)), lim: lim, left: int64(len(b))}
	if err := r.header(); err != nil {
		return nil, err
	}
	for i := range r.elements {
		if err := r.element(&r.elements[i]); err != nil {
			return nil, fmt.Errorf("PLY: element %s: %w", r.elements[i].name, err)
		}
	}
	if len(r.mesh.Triangles) == 0 {
		return nil, fmt.Errorf("the PLY has %d points and no faces: it is a point cloud, not a model", len(r.mesh.Positions))
	}
	if err := r.mesh.Check(); err != nil {
		return nil, err
	}
	return []Piece{{Mesh: r.mesh}}, nil
}

type plyProperty struct {
	name, kind, count string // count: kind of a list's length, "" for one value
}

type plyElement struct {
	name  string
	n     int
	props []plyProperty
}

type plyReader struct {
	in       *bufio.Reader
	lim      Limits
	left     int64
	order    binary.ByteOrder // nil: text
	elements []plyElement
	mesh     raster.Mesh
	buf      [8]byte
}

var plySizes = map[string]int{"char": 1, "uchar": 1, "int8": 1, "uint8": 1, "short": 2, "ushort": 2, "int16": 2, "uint16": 2,
	"int": 4, "uint": 4, "int32": 4, "uint32": 4, "float": 4, "float32": 4, "double": 8, "float64": 8}

func (r *plyReader) header() error {
	for n := 0; ; n++ {
		s, err := r.in.ReadString('\n')
		if err != nil || n > 1000 || len(s) > 4096 {
			return errors.New("not a PLY: the header does not end")
		}
		f := strings.Fields(s)
		switch {
		case n == 0:
			if len(f) != 1 || f[0] != "ply" {
				return errors.New("not a PLY: the file does not begin with \"ply\"")
			}
		case len(f) == 0 || f[0] == "comment" || f[0] == "obj_info":
		case f[0] == "format" && len(f) >= 2:
			switch f[1] {
			case "ascii":
			case "binary_little_endian":
				r.order = binary.LittleEndian
			case "binary_big_endian":
				r.order = binary.BigEndian
			default:
				return fmt.Errorf("PLY format %q is not known", f[1])
			}
		case f[0] == "element" && len(f) == 3:
			k, err := strconv.Atoi(f[2])
			if err != nil || k < 0 || k > max(r.lim.Vertices, r.lim.Triangles) || int64(k) > r.left {
				return fmt.Errorf("PLY: %.20q elements %.20q are more than the file can hold or this program reads", f[2], f[1])
			}
			r.elements = append(r.elements, plyElement{name: f[1], n: k})
		case f[0] == "property" && len(r.elements) > 0 && len(f) >= 3:
			e := &r.elements[len(r.elements)-1]
			p := plyProperty{name: f[len(f)-1], kind: f[1]}
			if f[1] == "list" && len(f) == 5 {
				p.count, p.kind = f[2], f[3]
			}
			if plySizes[p.kind] == 0 || p.count != "" && plySizes[p.count] == 0 {
				return fmt.Errorf("PLY: property %.20q has a kind that is not known", p.name)
			}
			e.props = append(e.props, p)
		case f[0] == "end_header":
			return nil
		default:
			return fmt.Errorf("PLY: header line %.40q is not understood", strings.TrimSpace(s))
		}
	}
}

// value reads one number.
func (r *plyReader) value(kind string) (float64, error) {
	if r.order == nil {
		s, err := r.word()
		if err != nil {
			return 0, err
		}
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return 0, fmt.Errorf("%.40q is not a number", s)
		}
		return x, nil
	}
	b := r.buf[:plySizes[kind]]
	if _, err := io.ReadFull(r.in, b); err != nil {
		return 0, errors.New("the file is cut off")
	}
	switch kind {
	case "char", "int8":
		return float64(int8(b[0])), nil
	case "uchar", "uint8":
		return float64(b[0]), nil
	case "short", "int16":
		return float64(int16(r.order.Uint16(b))), nil
	case "ushort", "uint16":
		return float64(r.order.Uint16(b)), nil
	case "int", "int32":
		return float64(int32(r.order.Uint32(b))), nil
	case "uint", "uint32":
		return float64(r.order.Uint32(b)), nil
	case "float", "float32":
		return float64(math.Float32frombits(r.order.Uint32(b))), nil
	}
	return math.Float64frombits(r.order.Uint64(b)), nil
}

// word reads the next text between blanks.
func (r *plyReader) word() (string, error) {
	var s []byte
	for {
		c, err := r.in.ReadByte()
		blank := c == ' ' || c == '\n' || c == '\r' || c == '\t'
		switch {
		case err != nil && len(s) == 0:
			return "", errors.New("the file is cut off")
		case err != nil || blank && len(s) > 0:
			return string(s), nil
		case blank:
		case len(s) > 100:
			return "", errors.New("a number of more than 100 characters")
		default:
			s = append(s, c)
		}
	}
}

func (r *plyReader) element(e *plyElement) error {
	if len(e.props) == 0 {
		return nil
	}
	for range e.n {
		var p [3]float64
		var c [3]float64
		coloured := 0
		for _, q := range e.props {
			if q.count != "" {
				if err := r.list(e, q); err != nil {
					return err
				}
				continue
			}
			x, err := r.value(q.kind)
			if err != nil {
				return err
			}
			if i := strings.Index("xyz", q.name); len(q.name) == 1 && i >= 0 {
				p[i] = x
			}
			for i, n := range [3]string{"red", "green", "blue"} {
				if q.name == n {
					if strings.HasPrefix(q.kind, "f") || strings.HasPrefix(q.kind, "d") {
						x *= 255
					}
					c[i] = math.Mod(x+256, 256)
					coloured++
				}
			}
		}
		if e.name != "vertex" {
			continue
		}
		if len(r.mesh.Positions) >= r.lim.Vertices {
			return fmt.Errorf("more than %d vertices", r.lim.Vertices)
		}
		r.mesh.Positions = append(r.mesh.Positions, p)
		if coloured == 3 {
			r.mesh.VertexColours = append(r.mesh.VertexColours, color.NRGBA{uint8(c[0]), uint8(c[1]), uint8(c[2]), 255})
		}
	}
	return nil
}

func (r *plyReader) list(e *plyElement, q plyProperty) error {
	k, err := r.value(q.count)
	if err != nil {
		return err
	}
	if !(k >= 0 && k <= 100_000) {
		return fmt.Errorf("a list of %v values", k)
	}
	faces := e.name == "face" && (q.name == "vertex_indices" || q.name == "vertex_index")
	var idx []uint32
	for range int(k) {
		x, err := r.value(q.kind)
		if err != nil {
			return err
		}
		if faces {
			if !(x >= 0 && x < float64(len(r.mesh.Positions))) {
				return fmt.Errorf("index %v of %d vertices", x, len(r.mesh.Positions))
			}
			idx = append(idx, uint32(x))
		}
	}
	if len(idx) >= 3 {
		if len(r.mesh.Triangles)+len(idx) > r.lim.Triangles {
			return fmt.Errorf("more than %d triangles", r.lim.Triangles)
		}
		r.mesh.Triangles = append(r.mesh.Triangles, fan(r.mesh.Positions, idx)...)
	}
	return nil
}

// ReadSTL decodes an STL, binary or text. Equal corners become one vertex.
func ReadSTL(b []byte, lim Limits) ([]Piece, error) {
	if int64(len(b)) > lim.Bytes {
		return nil, fmt.Errorf("the model has %d bytes: at most %d are read", len(b), lim.Bytes)
	}
	m := raster.Mesh{}
	index := map[[3]float32]uint32{}
	vertex := func(p [3]float32) (uint32, error) {
		for _, x := range p {
			if x != x || x > 1e7 || x < -1e7 {
				return 0, fmt.Errorf("vertex at %v: expected metres", p)
			}
		}
		if v, ok := index[p]; ok {
			return v, nil
		}
		v := uint32(len(m.Positions))
		index[p] = v
		m.Positions = append(m.Positions, [3]float64{float64(p[0]), float64(p[1]), float64(p[2])})
		return v, nil
	}
	triangle := func(q [3][3]float32) error {
		if len(m.Triangles) >= lim.Triangles {
			return fmt.Errorf("more than %d triangles", lim.Triangles)
		}
		var t [3]uint32
		for i := range q {
			v, err := vertex(q[i])
			if err != nil {
				return err
			}
			t[i] = v
		}
		m.Triangles = append(m.Triangles, t)
		return nil
	}
	var err error
	// A binary file may begin with "solid" too; its length decides.
	if len(b) >= 84 && int64(len(b)) >= 84+50*int64(binary.LittleEndian.Uint32(b[80:])) && binary.LittleEndian.Uint32(b[80:]) > 0 && !bytes.Contains(b[:min(len(b), 400)], []byte("facet")) {
		err = stlBinary(b, triangle)
	} else {
		err = stlText(b, triangle)
	}
	if err != nil {
		return nil, fmt.Errorf("STL: %w", err)
	}
	if len(m.Triangles) == 0 {
		return nil, errors.New("not an STL: neither text facets nor a binary list of triangles")
	}
	return []Piece{{Mesh: m}}, nil
}

func stlBinary(b []byte, triangle func([3][3]float32) error) error {
	n := binary.LittleEndian.Uint32(b[80:])
	for i := range int(n) {
		p := b[84+50*i+12:]
		var q [3][3]float32
		for j := range 9 {
			q[j/3][j%3] = math.Float32frombits(binary.LittleEndian.Uint32(p[4*j:]))
		}
		if err := triangle(q); err != nil {
			return err
		}
	}
	return nil
}

func stlText(b []byte, triangle func([3][3]float32) error) error {
	sc := bufio.NewScanner(bytes.NewReader(b))
	var q [3][3]float32
	k, line := 0, 0
	for sc.Scan() {
		line++
		f := strings.Fields(sc.Text())
		if len(f) == 0 {
			continue
		}
		switch f[0] {
		case "vertex":
			x, err := numbers(f[1:], 3)
			if err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
			if k == 3 {
				return fmt.Errorf("line %d: a facet of more than three corners", line)
			}
			q[k] = [3]float32{float32(x[0]), float32(x[1]), float32(x[2])}
			k++
		case "endfacet":
			if k != 3 {
				return fmt.Errorf("line %d: a facet of %d corners", line, k)
			}
			if err := triangle(q); err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
			k = 0
		}
	}
	return sc.Err()
}
