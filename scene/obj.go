package scene

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"sightline/raster"
)

// ReadOBJ decodes a Wavefront OBJ: vertices, texture coordinates, faces of
// any number of corners, objects and groups. Each object is a piece. Material
// libraries and textures lie in other files and are not opened. Curves,
// points and lines are left out.
func ReadOBJ(b []byte, lim Limits) ([]Piece, error) {
	if int64(len(b)) > lim.Bytes {
		return nil, fmt.Errorf("the model has %d bytes: at most %d are read", len(b), lim.Bytes)
	}
	o := &objReader{lim: lim}
	sc := bufio.NewScanner(bytes.NewReader(b))
	sc.Buffer(make([]byte, 64<<10), 4<<20)
	line, carry := 0, ""
	for sc.Scan() {
		line++
		s := carry + sc.Text()
		if t, ok := strings.CutSuffix(strings.TrimRight(s, " \t\r"), `\`); ok {
			carry = t + " "
			continue
		}
		carry = ""
		if err := o.line(s); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", line+1, err)
	}
	o.flush()
	if len(o.out) == 0 {
		return nil, errors.New("the OBJ has no faces")
	}
	return o.out, nil
}

type objReader struct {
	lim   Limits
	pos   [][3]float64
	uv    [][2]float64
	name  string
	mesh  raster.Mesh
	index map[[2]int]uint32 // of position and texture coordinate
	tris  int
	out   []Piece
}

func (o *objReader) flush() {
	if len(o.mesh.Triangles) > 0 {
		o.mesh.Name = o.name
		o.out = append(o.out, Piece{Mesh: o.mesh})
	}
	o.mesh, o.index = raster.Mesh{}, nil
}

func (o *objReader) line(s string) error {
	if i := strings.IndexByte(s, '#'); i >= 0 {
		s = s[:i]
	}
	f := strings.Fields(s)
	if len(f) == 0 {
		return nil
	}
	switch f[0] {
	case "v":
		x, err := numbers(f[1:], 3)
		if err != nil {
			return err
		}
		if len(o.pos) >= o.lim.Vertices {
			return fmt.Errorf("more than %d vertices", o.lim.Vertices)
		}
		o.pos = append(o.pos, [3]float64(x))
	case "vt":
		x, err := numbers(f[1:], 2)
		if err != nil {
			return err
		}
		if len(o.uv) >= o.lim.Vertices {
			return fmt.Errorf("more than %d texture coordinates", o.lim.Vertices)
		}
		o.uv = append(o.uv, [2]float64{x[0], 1 - x[1]})
	case "o", "g":
		o.flush()
		o.name = strings.Join(f[1:], " ")
		if len(o.name) > 200 {
			o.name = strings.ToValidUTF8(o.name[:200], "")
		}
		if len(o.out) > o.lim.Nodes {
			return fmt.Errorf("more than %d objects", o.lim.Nodes)
		}
	case "f":
		return o.face(f[1:])
	}
	return nil
}

// numbers reads the first n numbers of a line.
func numbers(f []string, n int) ([]float64, error) {
	if len(f) < n {
		return nil, fmt.Errorf("%d numbers, expected %d", len(f), n)
	}
	out := make([]float64, n)
	for i := range out {
		x, err := strconv.ParseFloat(f[i], 64)
		if err != nil || math.IsNaN(x) || math.Abs(x) > 1e7 {
			return nil, fmt.Errorf("%.40q is not a coordinate in metres", f[i])
		}
		out[i] = x
	}
	return out, nil
}

func (o *objReader) face(f []string) error {
	if len(f) < 3 {
		return fmt.Errorf("a face of %d corners", len(f))
	}
	if o.tris += len(f) - 2; o.tris > o.lim.Triangles {
		return fmt.Errorf("more than %d triangles", o.lim.Triangles)
	}
	idx := make([]uint32, len(f))
	for i, s := range f {
		p, rest, _ := strings.Cut(s, "/")
		t, _, _ := strings.Cut(rest, "/")
		pi, err := objIndex(p, len(o.pos))
		if err != nil {
			return err
		}
		ti := -1
		if t != "" {
			if ti, err = objIndex(t, len(o.uv)); err != nil {
				return err
			}
		}
		idx[i] = o.vertex(pi, ti)
	}
	for _, t := range fan(o.mesh.Positions, idx) {
		o.mesh.Triangles = append(o.mesh.Triangles, t)
	}
	return nil
}

// objIndex resolves a number that counts from 1, or back from the end.
func objIndex(s string, n int) (int, error) {
	i, err := strconv.Atoi(s)
	if err == nil && i < 0 {
		i += n + 1
	}
	if err != nil || i < 1 || i > n {
		return 0, fmt.Errorf("index %.40q of %d", s, n)
	}
	return i - 1, nil
}

func (o *objReader) vertex(p, t int) uint32 {
	if o.index == nil {
		o.index = map[[2]int]uint32{}
	}
	k := [2]int{p, t}
	if v, ok := o.index[k]; ok {
		return v
	}
	v := uint32(len(o.mesh.Positions))
	o.index[k] = v
	o.mesh.Positions = append(o.mesh.Positions, o.pos[p])
	// A mesh has texture coordinates for all vertices or for none.
	var uv [2]float64
	if t >= 0 {
		uv = o.uv[t]
	}
	o.mesh.UV = append(o.mesh.UV, uv)
	return v
}

// fan triangulates a flat face: by ears when it has more than four corners
// and by a fan when that fails or is enough.
func fan(pos [][3]float64, idx []uint32) [][3]uint32 {
	if len(idx) > 4 && len(idx) <= 2000 {
		if t := flatEars(pos, idx); t != nil {
			return t
		}
	}
	out := make([][3]uint32, 0, len(idx)-2)
	for i := 1; i+1 < len(idx); i++ {
		out = append(out, [3]uint32{idx[0], idx[i], idx[i+1]})
	}
	return out
}

// flatEars projects a face along its normal's largest axis and clips ears.
func flatEars(pos [][3]float64, idx []uint32) [][3]uint32 {
	var n [3]float64 // Newell's normal
	for i := range idx {
		a, b := pos[idx[i]], pos[idx[(i+1)%len(idx)]]
		n[0] += (a[1] - b[1]) * (a[2] + b[2])
		n[1] += (a[2] - b[2]) * (a[0] + b[0])
		n[2] += (a[0] - b[0]) * (a[1] + b[1])
	}
	u, v := 0, 1
	flip := n[2] < 0
	if math.Abs(n[0]) > math.Abs(n[1]) && math.Abs(n[0]) > math.Abs(n[2]) {
		u, v, flip = 1, 2, n[0] < 0
	} else if math.Abs(n[1]) > math.Abs(n[2]) {
		u, v, flip = 2, 0, n[1] < 0
	}
	pts := make([]point2, len(idx))
	for i, k := range idx {
		pts[i] = point2{pos[k][u], pos[k][v]}
		if flip {
			pts[i][0] = -pts[i][0]
		}
	}
	ring := make([]int, len(idx))
	for i := range ring {
		ring[i] = i
	}
	t, err := clip(pts, ring)
	if err != nil {
		return nil
	}
	for i := range t {
		for k := range t[i] {
			t[i][k] = idx[t[i][k]]
		}
	}
	return t
}
