package sight

import (
	"errors"
	"fmt"
	"math"
)

// Body is one mesh of the surroundings of a camera, in metres of the frame.
type Body struct {
	Name      string
	Positions [][3]float64
	Triangles [][3]uint32
	// Measured: surveyed, photogrammetry or lidar. Only what was measured may
	// count against a camera; what was assumed warns.
	Measured bool
	// Ground: terrain, from which heights above ground count.
	Ground bool
	// Solid: closed at the sides and on top, so that nobody stands in it.
	Solid bool
	// SigmaM is one standard deviation of a point; 0 is not stated, and then
	// counts as 0.1 m where measured and 1 m elsewhere.
	SigmaM float64
	// Part names one triangle's part, such as a building; nil: Name is used.
	Part func(triangle int) string
}

func (b *Body) sigma() float64 {
	switch {
	case b.SigmaM > 0:
		return b.SigmaM
	case b.Measured:
		return 0.1
	}
	return 1
}

// Surroundings are the bodies around a camera, ready for rays. They are
// read-only after NewSurroundings and safe for concurrent use.
type Surroundings struct {
	all    *BVH
	ground *BVH
	solids []*BVH // one a body; nil where it is not solid
	bodies []Body // without geometry
	first  []int  // of each body's triangles in all
	top    float64
	gfirst []int
	gbody  []int
}

// NewSurroundings gathers bodies. A body without triangles is left out.
func NewSurroundings(bodies []Body) (*Surroundings, error) {
	s := &Surroundings{top: math.Inf(-1)}
	var v, gv [][3]float64
	var t, gt [][3]uint32
	total := 0
	for i := range bodies {
		total += len(bodies[i].Triangles)
	}
	if total > MaxTriangles {
		return nil, fmt.Errorf("the scene has %d triangles, at most %d are accepted; simplify it", total, MaxTriangles)
	}
	add := func(v [][3]float64, t [][3]uint32, b *Body) ([][3]float64, [][3]uint32, error) {
		k := uint32(len(v))
		for n, f := range b.Triangles {
			for _, x := range f {
				if int64(x) >= int64(len(b.Positions)) {
					return nil, nil, fmt.Errorf("%s: triangle %d names vertex %d of %d", b.Name, n, x, len(b.Positions))
				}
			}
			t = append(t, [3]uint32{f[0] + k, f[1] + k, f[2] + k})
		}
		return append(v, b.Positions...), t, nil
	}
	for i := range bodies {
		b := &bodies[i]
		if len(b.Triangles) == 0 {
			continue
		}
		var err error
		s.first = append(s.first, len(t))
		if v, t, err = add(v, t, b); err != nil {
			return nil, err
		}
		if b.Ground {
			s.gfirst, s.gbody = append(s.gfirst, len(gt)), append(s.gbody, len(s.bodies))
			if gv, gt, err = add(gv, gt, b); err != nil {
				return nil, err
			}
		}
		var solid *BVH
		if b.Solid {
			if solid, err = NewBVH(b.Positions, b.Triangles); err != nil {
				return nil, fmt.Errorf("%s: %w", b.Name, err)
			}
		}
		s.solids = append(s.solids, solid)
		short := *b
		short.Positions, short.Triangles = nil, nil
		s.bodies = append(s.bodies, short)
		for _, p := range b.Positions {
			s.top = math.Max(s.top, p[2])
		}
	}
	if len(t) == 0 {
		return nil, errors.New("the scene has no triangles, so it cannot hide anything")
	}
	var err error
	if s.all, err = NewBVH(v, t); err != nil {
		return nil, err
	}
	if len(gt) > 0 {
		if s.ground, err = NewBVH(gv, gt); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Mesh is the hierarchy over all bodies.
func (s *Surroundings) Mesh() *BVH { return s.all }

// HasGround says whether there is any terrain.
func (s *Surroundings) HasGround() bool { return s.ground != nil }

func bodyAt(first []int, triangle int) int {
	lo, hi := 0, len(first)
	for hi-lo > 1 {
		if m := (lo + hi) / 2; first[m] <= triangle {
			lo = m
		} else {
			hi = m
		}
	}
	return lo
}

// Strike is where a ray meets the surroundings.
type Strike struct {
	At       [3]float64 // metres of the frame
	Distance float64    // metres
	Normal   [3]float64 // unit length, turned towards the eye
	Body     string
	Measured bool
	SigmaM   float64
}

// Ray is what a unit direction meets first within limit metres.
func (s *Surroundings) Ray(eye, dir [3]float64, limit float64) (Strike, bool) {
	h, ok := s.all.Closest(eye, dir, limit)
	if !ok {
		return Strike{}, false
	}
	k := bodyAt(s.first, h.Triangle)
	b := &s.bodies[k]
	o := Strike{Distance: h.Distance * norm(dir), Measured: b.Measured, SigmaM: b.sigma(), Body: b.name(h.Triangle - s.first[k])}
	for i := range 3 {
		o.At[i] = eye[i] + float64(h.Distance*dir[i])
	}
	n := s.all.normal(h.Triangle)
	if dot(n, dir) > 0 {
		n = scaled(n, -1)
	}
	o.Normal = n
	return o, true
}

func (b *Body) name(triangle int) string {
	if b.Part != nil {
		if n := b.Part(triangle); n != "" {
			return n
		}
	}
	return b.Name
}

// normal is the unit normal of the triangle with this number in the list
// given to NewBVH.
func (b *BVH) normal(id int) vec {
	t := &b.tri[b.slot[id]]
	n := cross(t.e1, t.e2)
	return scaled(n, 1/norm(n))
}

// Ground is the height of the highest terrain at east e and north n, with one
// standard deviation; ok is false where there is none.
func (s *Surroundings) Ground(e, n float64) (u, sigma float64, ok bool) {
	u, b := s.groundAt(e, n)
	if b == nil {
		return 0, 0, false
	}
	return u, b.sigma(), true
}

func (s *Surroundings) groundAt(e, n float64) (float64, *Body) {
	if s.ground == nil || !finite(e, n) {
		return 0, nil
	}
	top := s.top + 1
	h, ok := s.ground.Closest(vec{e, n, top}, vec{0, 0, -1}, math.Inf(1))
	if !ok {
		return 0, nil
	}
	return top - h.Distance, &s.bodies[s.gbody[bodyAt(s.gfirst, h.Triangle)]]
}

func (s *Surroundings) groundMeasured(e, n float64) bool {
	_, b := s.groundAt(e, n)
	return b != nil && b.Measured
}

// The rays of the parity test all climb, so that a building without a floor
// counts as closed, and are not parallel to the walls of most buildings.
var parity = [3]vec{{0.0123, 0.0271, 1}, {1, 0.0371, 0.0213}, {-0.4137, 0.9, 0.0531}}

// Inside says which solid body a point lies in, by the parity of three rays,
// two of which must agree. depth is the least distance to its surface along
// those rays.
func (s *Surroundings) Inside(p [3]float64) (name string, measured bool, depth float64, ok bool) {
	for k, b := range s.solids {
		if b == nil {
			continue
		}
		odd := 0
		near := math.Inf(1)
		hit := -1
		for i := range parity {
			if b.crossings(&p, &parity[i])%2 == 1 {
				odd++
				h, _ := b.closest(&p, &parity[i], 0, math.Inf(1))
				if d := float64(h.Distance * norm(parity[i])); d < near {
					near, hit = d, h.Triangle
				}
			}
		}
		if odd >= 2 {
			return s.bodies[k].name(hit), s.bodies[k].Measured, near, true
		}
	}
	return "", false, 0, false
}

// Hides says what stands before a target seen from an eye whose position is
// known with a covariance. Only what still stands there when the eye moves by
// three standard deviations along each axis of the covariance counts, and not
// what lies within three standard deviations of the model (and of the target,
// sigma metres) of either end.
func (s *Surroundings) Hides(eye [3]float64, covariance [3][3]float64, target [3]float64, sigma float64) (by Strike, hidden bool) {
	d := sub(target, eye)
	n := norm(d)
	if !(n > 0) {
		return by, false
	}
	u := scaled(d, 1/n)
	// The first thing beyond the tolerance of what it is.
	from := 1e-3
	for range 8 {
		start := vec{eye[0] + float64(from*u[0]), eye[1] + float64(from*u[1]), eye[2] + float64(from*u[2])}
		st, ok := s.Ray(start, u, n-from)
		if !ok {
			return by, false
		}
		st.Distance += from
		tol := 0.02 + float64(3*math.Sqrt(float64(sigma*sigma)+float64(st.SigmaM*st.SigmaM)))
		if st.Distance > n-tol {
			return by, false
		}
		if st.Distance < tol {
			from = st.Distance + 1e-3
			continue
		}
		val, axes := eigen3(covariance)
		for k := range 3 {
			r := float64(3 * math.Sqrt(math.Max(0, val[k])))
			for _, sign := range [2]float64{-1, 1} {
				e := eye
				for i := range 3 {
					e[i] += float64(sign * r * axes[k][i])
				}
				if r > 0 && !s.all.Blocked(e, target, math.Min(tol, norm(sub(target, e))/3)) {
					return by, false
				}
			}
		}
		return st, true
	}
	return by, false
}
