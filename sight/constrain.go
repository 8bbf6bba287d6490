package sight

import "math"

// bearing is the direction in camera axes of a pixel under a state.
func (s *state) bearing(u, v float64) vec {
	x, y := (u-s.cx)/s.f, (v-s.cy)/s.f
	if s.k1 != 0 {
		rd := math.Sqrt(float64(x*x) + float64(y*y))
		if r, ok := undistort(rd, s.k1); ok && rd > 0 {
			x, y = x*r/rd, y*r/rd
		}
	}
	n := math.Sqrt(float64(x*x) + float64(y*y) + 1)
	return vec{x / n, y / n, 1 / n}
}

// constrain adds everything but points.
func (t *task) constrain(p *Problem, spx float64, sm vec, scene *Surroundings) {
	add := func(id, kind string, n int, f func(*state, *[3]float64)) {
		t.cons = append(t.cons, constraint{id, kind, n, f})
		t.equations += n
	}
	for i := range p.Lines {
		l := p.Lines[i]
		s := pick(l.SigmaPx, spx)
		wm := sm
		if l.SigmaM != nil {
			wm = l.SigmaM.V
		}
		m := math.Max(wm[0], math.Max(wm[1], wm[2]))
		dx, dy := l.Px[1][0]-l.Px[0][0], l.Px[1][1]-l.Px[0][1]
		length := math.Sqrt(float64(dx*dx) + float64(dy*dy))
		dx, dy = dx/length, dy/length
		add(l.ID, "line", 2, func(c *state, r *[3]float64) {
			for k := range 2 {
				u, v, z := c.project(&l.World[k])
				if !(z > 0) {
					r[k] = 1e3
					continue
				}
				u, v = u-l.Px[0][0], v-l.Px[0][1]
				d := float64(u*dy) - float64(v*dx)
				// The image line is known by two clicks; its error grows
				// beyond them.
				along := (float64(u*dx) + float64(v*dy)) / length
				va := float64(s * s * (float64((1-along)*(1-along)) + float64(along*along)))
				wz := float64(c.f / z * m)
				r[k] = d / math.Sqrt(va+float64(wz*wz))
			}
		})
	}
	for i := range p.Parallels {
		l := p.Parallels[i]
		s := pick(l.SigmaPx, spx)
		d := scaled(l.Direction, 1/norm(l.Direction))
		dx, dy := l.Px[1][0]-l.Px[0][0], l.Px[1][1]-l.Px[0][1]
		length := math.Sqrt(float64(dx*dx) + float64(dy*dy))
		add(l.ID, "parallel", 1, func(c *state, r *[3]float64) {
			a, b := c.bearing(l.Px[0][0], l.Px[0][1]), c.bearing(l.Px[1][0], l.Px[1][1])
			n := cross(a, b)
			// Turning the line by s*sqrt2/length turns its plane by about the
			// same angle about the ray to its middle.
			r[0] = dot(n, apply(&c.r, d)) / norm(n) / (s * math.Sqrt2 / length)
		})
	}
	if h := p.Horizon; h != nil {
		s := pick(h.SigmaPx, spx)
		add("horizon", "horizon", 2, func(c *state, r *[3]float64) {
			for k := range 2 {
				b := c.bearing(h.Px[k][0], h.Px[k][1])
				up := float64(c.r[0][2]*b[0]) + float64(c.r[1][2]*b[1]) + float64(c.r[2][2]*b[2])
				r[k] = up * c.f / s
			}
		})
	}
	if p.Constraints == nil {
		return
	}
	if h := p.Constraints.Height; h != nil {
		metres, sigma := h.Metres, h.Sigma
		if h.GroundU != nil {
			ground := *h.GroundU
			add("height_above_ground", "height", 1, func(c *state, r *[3]float64) {
				r[0] = (c.c[2] - ground - metres) / sigma
			})
		} else if scene != nil && scene.HasGround() {
			add("height_above_ground", "height", 1, func(c *state, r *[3]float64) {
				// Outside the terrain nothing is known about the height.
				if g, sg, ok := scene.Ground(c.c[0], c.c[1]); ok {
					r[0] = (c.c[2] - g - metres) / math.Sqrt(float64(sigma*sigma)+float64(sg*sg))
				} else {
					r[0] = 0
				}
			})
		}
	}
	if q := p.Constraints.Position; q != nil {
		w, _ := whitener(q.Covariance)
		mean := q.Mean
		add("position", "position", 3, func(c *state, r *[3]float64) { *r = apply(&w, sub(c.c, mean)) })
	}
	if g := p.Constraints.Region; g != nil {
		poly, sigma := g.Polygon, g.SigmaM
		add("region", "region", 1, func(c *state, r *[3]float64) { r[0] = outside(poly, c.c[0], c.c[1]) / sigma })
		t.equations-- // inside the region it says nothing about the fit
	}
}

// outside is the distance of a point from a polygon, 0 inside.
func outside(poly [][2]float64, x, y float64) float64 {
	in, best := false, math.Inf(1)
	for i := range poly {
		a, b := poly[i], poly[(i+1)%len(poly)]
		if (a[1] > y) != (b[1] > y) && x < (b[0]-a[0])*(y-a[1])/(b[1]-a[1])+a[0] {
			in = !in
		}
		dx, dy := b[0]-a[0], b[1]-a[1]
		t := 0.0
		if d := float64(dx*dx) + float64(dy*dy); d > 0 {
			t = math.Max(0, math.Min(1, (float64((x-a[0])*dx)+float64((y-a[1])*dy))/d))
		}
		ex, ey := x-a[0]-float64(t*dx), y-a[1]-float64(t*dy)
		best = math.Min(best, float64(ex*ex)+float64(ey*ey))
	}
	if in {
		return 0
	}
	return math.Sqrt(best)
}
