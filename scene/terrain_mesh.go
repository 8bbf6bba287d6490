package scene

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"sightline/raster"
)

// Ring says how finely the ground is meshed out to a distance: squares of
// side 2 ToM around the origin, posts StepM apart.
type Ring struct {
	ToM   float64 `json:"to_m"`
	StepM float64 `json:"step_m"`
}

// quality of a height.
type quality uint8

const (
	missing quality = iota // no source covers the place
	good
	filled // taken from around a void
)

// heights gives the ground's "up" coordinate at a point of the frame.
type heights func(e, n float64) (u float64, q quality)

// groundMesh is a mesh of the ground without cracks between rings.
type groundMesh struct {
	positions [][3]float64
	quality   []quality
	triangles [][3]uint32
	facts     TerrainFacts
}

// lattice meshes a square by bisecting right triangles: a post may be used
// only together with the two posts it hangs from, so triangles of different
// size always meet edge to edge (restricted quadtree triangulation, Pajarola
// 1998; the same as RTIN). Rings and simplification are then the same thing:
// a choice of posts.
type lattice struct {
	size   int     // posts along a side minus one: a power of two
	step   float64 // metres between the finest posts
	half   float64
	sample heights
	cache  map[[2]int32]post
	active map[[2]int32]bool
}

type post struct {
	u float64
	q quality
}

// maxPosts bounds a terrain: about 4 million triangles.
const maxPosts = 2_000_000

// meshGround meshes heights in rings. tolerance > 0 drops posts that lie
// within so many metres of the line between the two posts beside them.
func meshGround(h heights, rings []Ring, tolerance float64) (*groundMesh, error) {
	rings, err := tidyRings(rings)
	if err != nil {
		return nil, err
	}
	outer := rings[len(rings)-1]
	l := &lattice{step: rings[0].StepM, sample: h, cache: map[[2]int32]post{}, active: map[[2]int32]bool{}}
	l.size = 2
	for float64(l.size)*l.step < 2*outer.ToM {
		l.size *= 2
		if l.size > 1<<20 {
			return nil, fmt.Errorf("terrain: %v m posts out to %v m are too many", l.step, outer.ToM)
		}
	}
	l.half = float64(l.size) * l.step / 2
	if err := l.choose(rings, tolerance); err != nil {
		return nil, err
	}
	var g *groundMesh
	// The test of a post against its two neighbours does not bound what the
	// errors of several levels add up to. So the mesh is measured at every
	// post, and posts it misses by more than the tolerance are put back.
	for range 20 {
		g = l.triangulate(outer.ToM)
		if len(g.triangles) == 0 {
			return nil, errors.New("terrain: no source has a height inside the scene's rings")
		}
		g.facts.Rings, g.facts.ToleranceM = rings, tolerance
		if !g.measure(l, rings, tolerance) {
			break
		}
	}
	return g, nil
}

// tidyRings sorts the rings and rounds their steps to the finest step times a
// power of two.
func tidyRings(in []Ring) ([]Ring, error) {
	if len(in) == 0 {
		return nil, errors.New("terrain: no rings: expected a list of {to_m, step_m}")
	}
	rings := append([]Ring(nil), in...)
	sort.Slice(rings, func(i, j int) bool { return rings[i].ToM < rings[j].ToM })
	posts := 0.0
	inner := 0.0
	for i := range rings {
		r := &rings[i]
		if !(r.ToM > 0 && r.ToM <= 60_000) || !(r.StepM >= 0.1 && r.StepM <= r.ToM) {
			return nil, fmt.Errorf("terrain: ring %v m in steps of %v m: expected up to 60000 m in steps of at least 0.1 m", r.ToM, r.StepM)
		}
		if i > 0 {
			k := math.Round(math.Log2(r.StepM / rings[0].StepM))
			r.StepM = rings[0].StepM * math.Exp2(max(k, 0))
		}
		r.ToM = math.Ceil(r.ToM/r.StepM-1e-9) * r.StepM
		posts += (4*r.ToM*r.ToM - 4*inner*inner) / (r.StepM * r.StepM)
		inner = r.ToM
	}
	if posts > maxPosts {
		return nil, fmt.Errorf("terrain: the rings hold about %.0f posts: at most %d; use larger steps", posts, maxPosts)
	}
	return rings, nil
}

func (l *lattice) place(p [2]int32) (e, n float64) {
	return float64(p[0])*l.step - l.half, float64(p[1])*l.step - l.half
}

func (l *lattice) at(p [2]int32) post {
	if v, ok := l.cache[p]; ok {
		return v
	}
	u, q := l.sample(l.place(p))
	v := post{u, q}
	l.cache[p] = v
	return v
}

// choose activates the posts of every ring and those they hang from.
func (l *lattice) choose(rings []Ring, tolerance float64) error {
	inner := 0.0
	for i, r := range rings {
		k := int32(math.Round(r.StepM / l.step))
		first := int32(math.Floor((l.half-r.ToM)/l.step/float64(k))) * k
		last := int32(math.Ceil((l.half+r.ToM)/l.step/float64(k))) * k
		first, last = max(first, 0), min(last, int32(l.size))
		for y := first; y <= last; y += k {
			for x := first; x <= last; x += k {
				p := [2]int32{x, y}
				e, n := l.place(p)
				d := max(math.Abs(e), math.Abs(n))
				if d < inner {
					continue
				}
				border := i == len(rings)-1 && d > r.ToM-r.StepM/2
				if tolerance > 0 && !border && l.deviation(p) <= tolerance {
					continue
				}
				l.activate(p)
			}
		}
		inner = r.ToM
	}
	if len(l.active) > 2*maxPosts {
		return fmt.Errorf("terrain: %d posts: use larger steps", len(l.active))
	}
	return nil
}

// level returns the spacing at which a post first appears and whether it is
// the middle of a square (else of an edge). Corners have spacing 0.
func (l *lattice) level(p [2]int32) (s int32, middle bool) {
	m := p[0] | p[1] | int32(l.size)
	s = m & -m
	if s == int32(l.size) {
		return 0, false
	}
	return s, p[0]&s != 0 && p[1]&s != 0
}

// parents are the two posts whose triangles a post splits (the apexes), and
// ends the two posts it lies between.
func (l *lattice) parents(p [2]int32) (apex, ends [][2]int32) {
	s, middle := l.level(p)
	if s == 0 {
		return nil, nil
	}
	if !middle {
		if p[0]&s != 0 { // on a row: ends left and right, apexes above and below
			return [][2]int32{{p[0], p[1] - s}, {p[0], p[1] + s}}, [][2]int32{{p[0] - s, p[1]}, {p[0] + s, p[1]}}
		}
		return [][2]int32{{p[0] - s, p[1]}, {p[0] + s, p[1]}}, [][2]int32{{p[0], p[1] - s}, {p[0], p[1] + s}}
	}
	for _, c := range [4][2]int32{{p[0] - s, p[1] - s}, {p[0] + s, p[1] + s}, {p[0] - s, p[1] + s}, {p[0] + s, p[1] - s}} {
		// The corners that are themselves middles of larger edges are apexes.
		if (c[0]/(2*s)+c[1]/(2*s))%2 != 0 {
			apex = append(apex, c)
		} else {
			ends = append(ends, c)
		}
	}
	return apex, ends
}

func (l *lattice) inside(p [2]int32) bool {
	return p[0] >= 0 && p[1] >= 0 && p[0] <= int32(l.size) && p[1] <= int32(l.size)
}

// deviation of a post from the line between its ends; infinite where a height
// is missing or filled on one side only, so that holes keep their shape.
func (l *lattice) deviation(p [2]int32) float64 {
	_, ends := l.parents(p)
	if ends == nil {
		return math.Inf(1)
	}
	a, b, c := l.at(ends[0]), l.at(ends[1]), l.at(p)
	if a.q != c.q || b.q != c.q {
		return math.Inf(1)
	}
	if c.q == missing {
		return 0
	}
	return math.Abs(c.u - (a.u+b.u)/2)
}

func (l *lattice) activate(p [2]int32) {
	if !l.inside(p) || l.active[p] {
		return
	}
	l.active[p] = true
	apex, _ := l.parents(p)
	for _, a := range apex {
		l.activate(a)
	}
}

// triangulate splits the square along active posts and drops triangles with a
// missing corner or wholly outside the outer ring.
func (l *lattice) triangulate(outer float64) *groundMesh {
	g := &groundMesh{}
	index := map[[2]int32]uint32{}
	vertex := func(p [2]int32) uint32 {
		if i, ok := index[p]; ok {
			return i
		}
		v := l.at(p)
		e, n := l.place(p)
		i := uint32(len(g.positions))
		g.positions = append(g.positions, [3]float64{e, n, v.u})
		g.quality = append(g.quality, v.q)
		if v.q == filled {
			g.facts.FilledPosts++
		}
		index[p] = i
		return i
	}
	out := outer + l.step*1e-6
	var split func(a, b, c [2]int32)
	split = func(a, b, c [2]int32) {
		// a and b are the ends of the longest side, c the right angle.
		m := [2]int32{(a[0] + b[0]) / 2, (a[1] + b[1]) / 2}
		if (a[0]+b[0])%2 == 0 && (a[1]+b[1])%2 == 0 && l.active[m] {
			split(c, a, m)
			split(b, c, m)
			return
		}
		reach := false
		for _, p := range [3][2]int32{a, b, c} {
			e, n := l.place(p)
			if max(math.Abs(e), math.Abs(n)) > out {
				return // beyond the outer ring: the lattice is a power of two, the ring is not
			}
			reach = reach || l.at(p).q == missing
		}
		if reach {
			return
		}
		t := [3]uint32{vertex(a), vertex(b), vertex(c)}
		p, q, r := g.positions[t[0]], g.positions[t[1]], g.positions[t[2]]
		if (q[0]-p[0])*(r[1]-p[1])-(r[0]-p[0])*(q[1]-p[1]) < 0 {
			t[1], t[2] = t[2], t[1]
		}
		g.triangles = append(g.triangles, t)
	}
	n := int32(l.size)
	split([2]int32{0, 0}, [2]int32{n, n}, [2]int32{n, 0})
	split([2]int32{n, n}, [2]int32{0, 0}, [2]int32{0, n})
	return g
}

// measure states how far the mesh is from the heights at every post of the
// rings, used or not. With a tolerance it activates the posts that are missed
// by more and reports whether there were any.
func (g *groundMesh) measure(l *lattice, rings []Ring, tolerance float64) (again bool) {
	idx := newGroundIndex(g.positions, g.triangles)
	sum, count := 0.0, 0
	inner := 0.0
	for _, r := range rings {
		k := int32(math.Round(r.StepM / l.step))
		for y := int32(0); y <= int32(l.size); y += k {
			for x := int32(0); x <= int32(l.size); x += k {
				p := [2]int32{x, y}
				e, n := l.place(p)
				d := max(math.Abs(e), math.Abs(n))
				if d < inner || d > r.ToM {
					continue
				}
				v := l.at(p)
				if v.q == missing {
					g.facts.MissingPosts++
					continue
				}
				if u, ok := idx.at(e, n); ok {
					d := u - v.u
					g.facts.ErrorMaxM = max(g.facts.ErrorMaxM, math.Abs(d))
					if tolerance > 0 && math.Abs(d) > tolerance && !l.active[p] {
						l.activate(p)
						again = true
					}
					sum += d * d
					count++
				}
			}
		}
		inner = r.ToM
	}
	if count > 0 {
		g.facts.ErrorRMSM = round(math.Sqrt(sum/float64(count)), 1e-4)
	}
	g.facts.ErrorMaxM = round(g.facts.ErrorMaxM, 1e-4)
	return again
}

// round to a multiple, for figures that people read.
func round(x, to float64) float64 {
	k := math.Round(1 / to)
	return math.Round(x*k) / k
}

// pieces splits the ground into what the sources say and what was filled in:
// the second is conjectural whatever the first is.
func (g *groundMesh) pieces(name string, class raster.Class, material raster.Material) []Piece {
	sure, unsure := [][3]uint32{}, [][3]uint32{}
	for _, t := range g.triangles {
		if g.quality[t[0]] == filled || g.quality[t[1]] == filled || g.quality[t[2]] == filled {
			unsure = append(unsure, t)
		} else {
			sure = append(sure, t)
		}
	}
	var out []Piece
	for _, s := range []struct {
		name  string
		class raster.Class
		tris  [][3]uint32
	}{{name, class, sure}, {name + " (void filled)", raster.Conjectural, unsure}} {
		if len(s.tris) == 0 {
			continue
		}
		m := raster.Mesh{Name: s.name, Kind: raster.Terrain, Class: s.class, Material: material, Smooth: true}
		m.Positions, m.Triangles = compact(g.positions, s.tris)
		out = append(out, Piece{Mesh: m})
	}
	return out
}

// compact keeps the vertices that are used, in order of use.
func compact(pos [][3]float64, tris [][3]uint32) ([][3]float64, [][3]uint32) {
	index := make(map[uint32]uint32, len(pos))
	var p [][3]float64
	t := make([][3]uint32, len(tris))
	for i, tri := range tris {
		for k, v := range tri {
			j, ok := index[v]
			if !ok {
				j = uint32(len(p))
				index[v] = j
				p = append(p, pos[v])
			}
			t[i][k] = j
		}
	}
	return p, t
}
