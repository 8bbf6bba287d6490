package scene

import (
	"fmt"

	"sightline/raster"
)

// surface looks over an imported mesh: how many of its edges belong to one
// triangle only (holes), and how many to triangles that face opposite ways;
// closed with all normals inwards is told by its volume.
func surface(m *raster.Mesh) (open, turned int, inwards bool) {
	same := make(map[[3]float64]uint32, len(m.Positions))
	index := make([]uint32, len(m.Positions))
	for i, p := range m.Positions {
		j, ok := same[p]
		if !ok {
			j = uint32(len(same))
			same[p] = j
		}
		index[i] = j
	}
	type edge struct{ a, b uint32 }
	ways := make(map[edge][2]int32, 3*len(m.Triangles)/2)
	volume := 0.0
	for _, t := range m.Triangles {
		a, b, c := m.Positions[t[0]], m.Positions[t[1]], m.Positions[t[2]]
		volume += a[0]*(b[1]*c[2]-b[2]*c[1]) - a[1]*(b[0]*c[2]-b[2]*c[0]) + a[2]*(b[0]*c[1]-b[1]*c[0])
		for k := range 3 {
			p, q := index[t[k]], index[t[(k+1)%3]]
			if p == q {
				continue
			}
			way := 0
			if p > q {
				p, q, way = q, p, 1
			}
			w := ways[edge{p, q}]
			w[way]++
			ways[edge{p, q}] = w
		}
	}
	for _, w := range ways {
		switch {
		case w[0]+w[1] == 1:
			open++
		case w[0] != w[1]:
			turned++
		}
	}
	return open, turned, open == 0 && turned == 0 && volume < 0
}

// maxLookedOver bounds the meshes that are looked over: beyond that the memory
// of the look is more than that of the model.
const maxLookedOver = 2_000_000

// faults are sentences about a model's surface for its layer.
func faults(name string, pieces []Piece) (out []string) {
	open, turned, inwards := 0, 0, false
	for i := range pieces {
		m := &pieces[i].Mesh
		if len(m.Triangles) > maxLookedOver {
			continue
		}
		o, t, in := surface(m)
		open, turned, inwards = open+o, turned+t, inwards || in
	}
	if open > 0 {
		out = append(out, fmt.Sprintf("%s: the surface has holes (%d open edges); it hides what is behind it all the same, but whether a place lies inside it cannot be told reliably", name, open))
	}
	if turned > 0 {
		out = append(out, fmt.Sprintf("%s: at %d edges triangles face opposite ways; both sides are drawn and hide, heights and sight lines do not depend on it", name, turned))
	}
	if inwards {
		out = append(out, name+": the surface faces inwards (inverted normals); both sides are drawn and hide, heights and sight lines do not depend on it")
	}
	return out
}
