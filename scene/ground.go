package scene

import (
	"math"

	"sightline/raster"
)

// groundIndex finds the triangle of the terrain under a point: a grid of
// cells, each with the triangles that touch it.
type groundIndex struct {
	pos        [][3]float64
	tris       [][3]uint32
	x0, y0     float64
	cell       float64
	nx, ny     int
	start      []int32 // of each cell in items
	items      []int32
	lowX, lowY float64
}

// indexGround gathers the terrain of all layers.
func indexGround(pieces []Piece) *groundIndex {
	var pos [][3]float64
	var tris [][3]uint32
	for i := range pieces {
		m := &pieces[i].Mesh
		if m.Kind != raster.Terrain {
			continue
		}
		first := uint32(len(pos))
		pos = append(pos, m.Positions...)
		for _, t := range m.Triangles {
			tris = append(tris, [3]uint32{t[0] + first, t[1] + first, t[2] + first})
		}
	}
	return newGroundIndex(pos, tris)
}

func newGroundIndex(pos [][3]float64, tris [][3]uint32) *groundIndex {
	g := &groundIndex{pos: pos, tris: tris}
	if len(tris) == 0 {
		return g
	}
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, t := range tris {
		for _, v := range t {
			x0, x1 = min(x0, pos[v][0]), max(x1, pos[v][0])
			y0, y1 = min(y0, pos[v][1]), max(y1, pos[v][1])
		}
	}
	// About two triangles a cell.
	side := math.Sqrt(float64(len(tris)) / 2)
	g.cell = max((x1-x0)/side, (y1-y0)/side, 1e-3)
	g.x0, g.y0 = x0, y0
	g.nx, g.ny = int((x1-x0)/g.cell)+1, int((y1-y0)/g.cell)+1
	count := make([]int32, g.nx*g.ny+1)
	each := func(do func(cell int, t int32)) {
		for i, t := range tris {
			a, b, c := pos[t[0]], pos[t[1]], pos[t[2]]
			cx0, cx1 := g.column(min(a[0], b[0], c[0])), g.column(max(a[0], b[0], c[0]))
			cy0, cy1 := g.row(min(a[1], b[1], c[1])), g.row(max(a[1], b[1], c[1]))
			for y := cy0; y <= cy1; y++ {
				for x := cx0; x <= cx1; x++ {
					do(y*g.nx+x, int32(i))
				}
			}
		}
	}
	each(func(cell int, _ int32) { count[cell+1]++ })
	for i := 1; i < len(count); i++ {
		count[i] += count[i-1]
	}
	g.start = count
	g.items = make([]int32, count[len(count)-1])
	next := append([]int32(nil), count...)
	each(func(cell int, t int32) {
		g.items[next[cell]] = t
		next[cell]++
	})
	return g
}

func (g *groundIndex) column(x float64) int {
	return min(max(int((x-g.x0)/g.cell), 0), g.nx-1)
}

func (g *groundIndex) row(y float64) int {
	return min(max(int((y-g.y0)/g.cell), 0), g.ny-1)
}

// at returns the highest ground at a point.
func (g *groundIndex) at(e, n float64) (float64, bool) {
	if len(g.tris) == 0 || math.IsNaN(e) || math.IsNaN(n) {
		return 0, false
	}
	fx, fy := (e-g.x0)/g.cell, (n-g.y0)/g.cell
	if fx < -1e-6 || fy < -1e-6 || fx > float64(g.nx)+1e-6 || fy > float64(g.ny)+1e-6 {
		return 0, false
	}
	cell := g.row(n)*g.nx + g.column(e)
	best, ok := math.Inf(-1), false
	for _, i := range g.items[g.start[cell]:g.start[cell+1]] {
		t := g.tris[i]
		a, b, c := g.pos[t[0]], g.pos[t[1]], g.pos[t[2]]
		det := (b[0]-a[0])*(c[1]-a[1]) - (c[0]-a[0])*(b[1]-a[1])
		if det == 0 {
			continue
		}
		lb := ((e-a[0])*(c[1]-a[1]) - (c[0]-a[0])*(n-a[1])) / det
		lc := ((b[0]-a[0])*(n-a[1]) - (e-a[0])*(b[1]-a[1])) / det
		const slack = 1e-9
		if lb < -slack || lc < -slack || lb+lc > 1+slack {
			continue
		}
		if u := a[2] + lb*(b[2]-a[2]) + lc*(c[2]-a[2]); u > best {
			best, ok = u, true
		}
	}
	return best, ok
}
