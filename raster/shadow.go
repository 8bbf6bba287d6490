package raster

import "math"

// shadowMap is the scene seen from the sun: for each cell the surface nearest
// to it. Three maps of growing extent share the work, so that the ground at
// the focus has the finest shadow and a far ridge still casts one.
type shadowMap struct {
	right, down, to vec // axes; to points at the sun
	centre          vec
	half            float64 // metres from the centre to the edge
	cell            float64 // metres
	n               int
	near            []float32 // largest coordinate along "to"; -Inf where empty
}

const shadowCells = 2048

// castShadows builds the maps.
func (p *Prepared) castShadows() {
	centre, radius := p.focus()
	right := unit(cross(p.sun, vec{0, 0, 1}))
	if math.Abs(p.sun[2]) > 0.9999 {
		right = vec{1, 0, 0}
	}
	down := cross(p.sun, right)
	reach := radius
	for _, q := range p.pos {
		reach = max(reach, length(sub(q, centre)))
	}
	cells := shadowCells
	if n := p.scene.ShadowCells; n > 0 {
		cells = min(max(n, 64), 8192)
	}
	for _, k := range []float64{1, 5, 25} {
		half := min(radius*k, reach)
		m := shadowMap{right: right, down: down, to: p.sun, centre: centre, half: half, n: cells}
		m.cell = 2 * half / float64(m.n)
		m.draw(p)
		p.shade = append(p.shade, m)
		if half >= reach {
			break
		}
	}
}

// focus returns the part that deserves the finest shadow.
func (p *Prepared) focus() (vec, float64) {
	if p.scene.FocusRadius > 0 {
		return p.scene.Focus, p.scene.FocusRadius
	}
	var lo, hi vec
	found := false
	for pass := range 2 {
		for _, m := range p.meshes {
			l, h, ok := m.Bounds()
			if !ok || pass == 0 && m.Kind != Solid {
				continue
			}
			if !found {
				lo, hi, found = l, h, true
			}
			for k := range l {
				lo[k], hi[k] = min(lo[k], l[k]), max(hi[k], h[k])
			}
		}
		if found {
			break
		}
	}
	return scale(add(lo, hi), 0.5), clamp(length(sub(hi, lo))/2*1.1, 5, 400)
}

// local returns the map coordinates of a world point in cells and along the sun.
func (m *shadowMap) local(q vec) (x, y, t float64) {
	dx, dy, dz := q[0]-m.centre[0], q[1]-m.centre[1], q[2]-m.centre[2]
	r, d, k := &m.right, &m.down, &m.to
	x = (float64(r[0]*dx)+float64(r[1]*dy)+float64(r[2]*dz))/m.cell + float64(m.n)/2
	y = (float64(d[0]*dx)+float64(d[1]*dy)+float64(d[2]*dz))/m.cell + float64(m.n)/2
	return x, y, float64(k[0]*dx) + float64(k[1]*dy) + float64(k[2]*dz)
}

func (m *shadowMap) draw(p *Prepared) {
	m.near = make([]float32, m.n*m.n)
	for i := range m.near {
		m.near[i] = float32(math.Inf(-1))
	}
	n := float64(m.n)
	for i := range p.tris {
		t := &p.tris[i]
		if p.meshes[t.mesh].NoShadow {
			continue
		}
		var x, y, z [3]float64
		for k := range 3 {
			x[k], y[k], z[k] = m.local(p.pos[t.v[k]])
		}
		x0, x1 := min(x[0], x[1], x[2]), max(x[0], x[1], x[2])
		y0, y1 := min(y[0], y[1], y[2]), max(y[0], y[1], y[2])
		if x1 < 0 || y1 < 0 || x0 > n || y0 > n {
			continue
		}
		area := float64((x[1]-x[0])*(y[2]-y[0])) - float64((x[2]-x[0])*(y[1]-y[0]))
		if math.Abs(area) < 1e-12 {
			continue
		}
		ix0, ix1 := int(clamp(math.Ceil(x0-0.5), 0, n)), int(clamp(math.Floor(x1-0.5), -1, n-1))
		iy0, iy1 := int(clamp(math.Ceil(y0-0.5), 0, n)), int(clamp(math.Floor(y1-0.5), -1, n-1))
		// Edge functions and depth are linear in x and y.
		e := func(a, b int) (kx, ky, k0 float64) {
			kx, ky = (y[a]-y[b])/area, (x[b]-x[a])/area
			return kx, ky, -float64(kx*x[a]) - float64(ky*y[a])
		}
		ax, ay, a0 := e(1, 2)
		bx, by, b0 := e(2, 0)
		for iy := iy0; iy <= iy1; iy++ {
			py := float64(iy) + 0.5
			a1, b1 := float64(ay*py)+a0, float64(by*py)+b0
			row := iy * m.n
			for ix := ix0; ix <= ix1; ix++ {
				px := float64(ix) + 0.5
				la, lb := float64(ax*px)+a1, float64(bx*px)+b1
				lc := 1 - la - lb
				if la < -1e-9 || lb < -1e-9 || lc < -1e-9 {
					continue
				}
				d := float32(float64(la*z[0]) + float64(lb*z[1]) + float64(lc*z[2]))
				if d > m.near[row+ix] {
					m.near[row+ix] = d
				}
			}
		}
	}
}

// sunlight is the part of the sun's disc that reaches a point: 0 in shadow, 1
// in the sun. The point is lifted off its surface by about a cell so that the
// surface does not shade itself; the edge is softened over two cells.
func (p *Prepared) sunlight(q, normal vec) float64 {
	slope := dot(normal, p.sun)
	for i := range p.shade {
		m := &p.shade[i]
		lift := float64(m.cell * (1.2 + 1.6*(1-clamp(slope, 0, 1))))
		if part, ok := m.light(along(q, normal, lift)); ok {
			return part
		}
	}
	return 1
}

// light is the part of the sun's disc that reaches a point as far as this map
// knows. Not ok: the point is outside of it.
func (m *shadowMap) light(q vec) (part float64, ok bool) {
	x, y, t := m.local(q)
	if x < 3 || y < 3 || x > float64(m.n)-4 || y > float64(m.n)-4 {
		return 1, false
	}
	t += float64(m.cell * 0.3)
	fx, fy := math.Floor(x-0.5), math.Floor(y-0.5)
	u, v := x-0.5-fx, y-0.5-fy
	// Three by three tent: bilinear between four 2x2 comparisons.
	sum := 0.0
	wx, wy := [4]float64{1 - u, 1, 1, u}, [4]float64{1 - v, 1, 1, v}
	for j := range 4 {
		row := (int(fy) - 1 + j) * m.n
		for k := range 4 {
			if float64(m.near[row+int(fx)-1+k]) <= t {
				sum += float64(wx[k] * wy[j])
			}
		}
	}
	return sum / 9, true
}
