package raster

import (
	"errors"
	"image/color"
	"math"
	"sort"
)

// Prepared is a scene with everything worked out that no camera changes. It
// is safe for use by several goroutines.
type Prepared struct {
	scene  Scene
	meshes []*Mesh
	pos    []vec // all vertices
	nrm    []vec // vertex normals; zero where the mesh is flat
	start  []int // first vertex of each mesh
	tris   []tri
	edges  []edge
	sun    vec
	lit    bool
	shade  []shadowMap
}

// tri is one triangle of one mesh; vertex numbers count over all meshes.
type tri struct {
	v      [3]uint32
	mesh   int32
	local  int32
	normal vec
	smooth bool
}

// edge is an outline: where a mesh ends or folds.
type edge struct {
	a, b  vec
	class Class
	kind  Kind
}

// maxTriangles bounds a scene so that a hostile or mistaken model is refused
// before memory is taken for it.
const maxTriangles = 20_000_000

// Prepare checks the meshes and computes normals, outlines and shadows. It
// keeps references to the meshes: do not change them while it is in use.
func Prepare(s Scene) (*Prepared, error) {
	p := &Prepared{scene: s}
	total := 0
	for i := range s.Meshes {
		m := &s.Meshes[i]
		if err := m.Check(); err != nil {
			return nil, err
		}
		total += len(m.Triangles)
	}
	if total > maxTriangles {
		return nil, errors.New("the scene has more than 20 million triangles: simplify it first")
	}
	if l := length(s.Sun); l > 0 {
		if math.IsNaN(l) || math.IsInf(l, 0) {
			return nil, errors.New("the direction of the sun is not a number")
		}
		p.sun = unit(s.Sun)
		p.lit = p.sun[2] > 0
	}
	p.tris = make([]tri, 0, total)
	for i := range s.Meshes {
		m := &s.Meshes[i]
		p.meshes = append(p.meshes, m)
		first := len(p.pos)
		p.start = append(p.start, first)
		p.pos = append(p.pos, m.Positions...)
		p.addTriangles(m, int32(i), uint32(first))
		if m.Kind != Terrain && !m.NoOutline {
			p.edges = append(p.edges, outlines(m)...)
		}
	}
	if p.lit {
		p.castShadows()
	}
	return p, nil
}

func (p *Prepared) addTriangles(m *Mesh, index int32, first uint32) {
	smooth := m.Smooth || len(m.Normals) > 0
	nrm := make([]vec, len(m.Positions))
	copy(nrm, m.Normals)
	for j, t := range m.Triangles {
		a, b, c := m.Positions[t[0]], m.Positions[t[1]], m.Positions[t[2]]
		n := cross(sub(b, a), sub(c, a))
		if m.Kind == Terrain && n[2] < 0 {
			n = scale(n, -1)
		}
		if smooth && len(m.Normals) == 0 {
			for _, v := range t {
				nrm[v] = add(nrm[v], n) // weighted by area: the length of n
			}
		}
		p.tris = append(p.tris, tri{[3]uint32{t[0] + first, t[1] + first, t[2] + first}, index, int32(j), unit(n), smooth})
	}
	if smooth {
		for i := range nrm {
			nrm[i] = unit(nrm[i])
		}
	}
	p.nrm = append(p.nrm, nrm...)
}

// outlines returns the edges of a mesh that belong to one triangle, or to two
// that meet at more than 25 degrees. Corners are matched by position, since
// models split them for texture and normals.
func outlines(m *Mesh) []edge {
	type key [2]uint32
	weld := weldVertices(m.Positions)
	type use struct {
		n     int
		first vec
		sharp bool
	}
	uses := make(map[key]*use, len(m.Triangles)*2)
	const fold = 0.906 // cos 25 degrees
	for _, t := range m.Triangles {
		n := cross(sub(m.Positions[t[1]], m.Positions[t[0]]), sub(m.Positions[t[2]], m.Positions[t[0]]))
		if length(n) == 0 {
			continue
		}
		n = unit(n)
		for e := range 3 {
			a, b := weld[t[e]], weld[t[(e+1)%3]]
			if a == b {
				continue
			}
			k := key{min(a, b), max(a, b)}
			u := uses[k]
			if u == nil {
				uses[k] = &use{n: 1, first: n}
				continue
			}
			u.n++
			if math.Abs(dot(u.first, n)) < fold {
				u.sharp = true
			}
		}
	}
	keys := make([]key, 0, len(uses))
	for k, u := range uses {
		if u.n == 1 || u.sharp {
			keys = append(keys, k)
		}
	}
	sort.Slice(keys, func(i, j int) bool {
		return keys[i][0] < keys[j][0] || keys[i][0] == keys[j][0] && keys[i][1] < keys[j][1]
	})
	out := make([]edge, len(keys))
	for i, k := range keys {
		out[i] = edge{m.Positions[k[0]], m.Positions[k[1]], m.Class, m.Kind}
	}
	return out
}

// weldVertices maps each vertex to the first one at the same place, to a
// tenth of a millimetre.
func weldVertices(pos []vec) []uint32 {
	seen := make(map[[3]int64]uint32, len(pos))
	out := make([]uint32, len(pos))
	for i, p := range pos {
		k := [3]int64{int64(math.Round(p[0] * 1e4)), int64(math.Round(p[1] * 1e4)), int64(math.Round(p[2] * 1e4))}
		if j, ok := seen[k]; ok {
			out[i] = j
			continue
		}
		seen[k] = uint32(i)
		out[i] = uint32(i)
	}
	return out
}

// surface is one shaded point.
type surface struct {
	tri    *tri
	mesh   *Mesh
	point  vec
	normal vec // towards the eye
	depth  float64
	bary   vec
	colour color.NRGBA // of the mesh, its vertices or triangle; alpha 0: none given
}

// hit fills in the point of a face seen along the undistorted ray.
func (p *Prepared) hit(s *surface, v *view, f *face, x, y float64) {
	t := &p.tris[f.index]
	m := p.meshes[t.mesh]
	s.tri, s.mesh, s.normal = t, m, t.normal
	s.bary, s.depth = vec{}, 0
	la := float64(f.a[0]*x) + float64(f.a[1]*y) + f.a[2]
	lb := float64(f.b[0]*x) + float64(f.b[1]*y) + f.b[2]
	lc := float64(f.c[0]*x) + float64(f.c[1]*y) + f.c[2]
	if sum := la + lb + lc; sum > 0 {
		k := 1 / sum
		s.bary = vec{float64(la * k), float64(lb * k), float64(lc * k)}
		s.depth = f.det / sum
	}
	s.point = v.toWorld(x, y, s.depth)
	if t.smooth {
		n0, n1, n2 := p.nrm[t.v[0]], p.nrm[t.v[1]], p.nrm[t.v[2]]
		s.normal = unit(add(add(scale(n0, s.bary[0]), scale(n1, s.bary[1])), scale(n2, s.bary[2])))
	}
	if dot(t.normal, sub(v.pos, s.point)) < 0 {
		s.normal = scale(s.normal, -1)
	}
	s.colour = m.Colour
	if len(m.TriangleColours) > 0 {
		s.colour = m.TriangleColours[t.local]
	}
}
