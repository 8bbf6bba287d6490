package sight

import "math"

const (
	keep      = 12   // distinct hypotheses that are refined
	fewDraws  = 56   // triples tried for each focal length at first
	maxDraws  = 220  // and when many marks disagree with what was found
	coarse    = 25.0 // coarse threshold: 5 times the final one, squared
	focalStep = 12

	bailFrom, bailAfter = 30, 8
)

// hypothesis is a start for refinement.
type hypothesis struct {
	s     state
	score float64
}

// searcher tries P3P on triples of marks over a grid of focal lengths and
// keeps the best distinct hypotheses.
type searcher struct {
	t      *task
	best   [keep]hypothesis
	n      int
	centre vec // middle of the world points, for distances
	order  []int
}

// focals is the grid of focal lengths that the prior allows.
func (t *task) focals() []float64 {
	mid := exp(t.prior.mean[0])
	info := t.prior.info[0]
	switch {
	case info == 0:
		return []float64{mid}
	case info > 25: // sigma below 0.2: measured
		s := math.Sqrt(1 / info)
		return []float64{mid, float64(mid * exp(float64(-1.2*s))), float64(mid * exp(float64(1.2*s)))}
	}
	f := make([]float64, focalStep)
	lo, hi := log(0.45), log(5.0)
	for i := range f {
		f[i] = float64(mid * exp(lo+(hi-lo)*float64(i)/(focalStep-1)))
	}
	return f
}

// centres is the grid of principal points that the prior asks to try.
func (t *task) centres() [][2]float64 {
	cx, cy := t.prior.mean[1], t.prior.mean[2]
	out := [][2]float64{{cx, cy}}
	sx, sy := 0.0, 0.0
	if t.prior.info[1] > 0 {
		sx = math.Sqrt(1 / t.prior.info[1])
	}
	if t.prior.info[2] > 0 {
		sy = math.Sqrt(1 / t.prior.info[2])
	}
	if math.Max(sx, sy) < 0.09*2*math.Max(cx, cy) || sx == 0 || sy == 0 {
		return out
	}
	for _, d := range [][2]float64{{-1, 0}, {1, 0}, {0, -1}, {0, 1}, {-1, -1}, {1, -1}, {-1, 1}, {1, 1}} {
		out = append(out, [2]float64{cx + float64(d[0]*sx), cy + float64(d[1]*sy)})
	}
	return out
}

// triples lists which marks to try together: all of them when they are few,
// else random ones, the larger of two in the image. seeded says whether
// chance was used.
func (t *task) triples(limit int, rng *pcg) (out [][3]int32, seeded bool) {
	n := len(t.m)
	if all := n * (n - 1) * (n - 2) / 6; n < 1000 && all <= limit {
		out = make([][3]int32, 0, all)
		for i := range n {
			for j := i + 1; j < n; j++ {
				for k := j + 1; k < n; k++ {
					out = append(out, [3]int32{int32(i), int32(j), int32(k)})
				}
			}
		}
		return out, false
	}
	draw := func() ([3]int32, float64) {
		i, j, k := rng.intn(n), rng.intn(n-1), rng.intn(n-2)
		if j >= i {
			j++
		}
		a, b := min(i, j), max(i, j)
		if k >= a {
			k++
		}
		if k >= b {
			k++
		}
		p, q, r := &t.m[i], &t.m[j], &t.m[k]
		return [3]int32{int32(i), int32(j), int32(k)}, math.Abs(float64((q.u-p.u)*(r.v-p.v)) - float64((q.v-p.v)*(r.u-p.u)))
	}
	for range limit {
		a, sa := draw()
		b, sb := draw()
		if sb > sa {
			a = b
		}
		out = append(out, a)
	}
	return out, true
}

// lenses is the grid of k1 that the prior asks to try.
func (t *task) lenses() []float64 {
	k := t.prior.mean[3]
	if w := t.prior.info[3]; w > 0 && w < 1/(0.06*0.06) {
		s := math.Min(0.2, math.Sqrt(1/w))
		return []float64{k, k - s, k + s/2}
	}
	return []float64{k}
}

func (t *task) search(limit int, rng *pcg) (*searcher, bool) {
	sr := &searcher{t: t, order: make([]int, len(t.m))}
	for i := range t.m {
		for k := range 3 {
			sr.centre[k] += t.m[i].x[k] / float64(len(t.m))
		}
		sr.order[i] = i
	}
	// Scoring in a mixed order lets a bad hypothesis be dropped early.
	mix := newPCG(uint64(len(t.m)))
	for i := len(sr.order) - 1; i > 0; i-- {
		j := mix.intn(i + 1)
		sr.order[i], sr.order[j] = sr.order[j], sr.order[i]
	}
	focals, centres := t.focals(), t.centres()
	trip, seeded := t.triples(limit, rng)
	tri := make([]triangle, 0, len(trip))
	idx := trip[:0]
	for _, a := range trip {
		if g, ok := newTriangle(t.m[a[0]].x, t.m[a[1]].x, t.m[a[2]].x); ok {
			tri = append(tri, g)
			idx = append(idx, a)
		}
	}
	ray := make([]vec, len(t.m))
	var out [4]pose
	lenses := t.lenses()
	// Principal point and lens are tried apart, not in every combination.
	type lens struct {
		pp [2]float64
		k1 float64
	}
	var grid []lens
	for _, pc := range centres {
		grid = append(grid, lens{pc, lenses[0]})
	}
	for _, k := range lenses[1:] {
		grid = append(grid, lens{centres[0], k})
	}
	for _, g := range grid {
		for _, f := range focals {
			base := state{f: f, cx: g.pp[0], cy: g.pp[1], k1: g.k1}
			penalty := 0.0
			if w := t.prior.info[0]; w > 0 {
				d := log(f) - t.prior.mean[0]
				if penalty = float64(w * d * d); penalty > 16 {
					continue
				}
			}
			for i := range ray {
				ray[i] = base.bearing(t.m[i].u, t.m[i].v)
			}
			for k := range tri {
				a := &idx[k]
				n := tri[k].p3p(ray[a[0]], ray[a[1]], ray[a[2]], &out)
				for j := range n {
					base.c, base.r = out[j].c, out[j].r
					limit := math.Inf(1)
					if sr.n == keep {
						limit = sr.best[keep-1].score
					}
					if sc := sr.score(&base, penalty, limit); sc < limit {
						sr.offer(&base, sc)
					}
				}
			}
		}
	}
	return sr, seeded
}

// score is MSAC with the coarse threshold; it stops above limit.
func (sr *searcher) score(s *state, sum, limit float64) float64 {
	poor := 0
	for k, i := range sr.order {
		// With many marks, a camera that none of the first ones agrees with is
		// not looked at further (the bail-out of Matas and Chum 2005).
		if k == bailAfter && poor == bailAfter && len(sr.order) >= bailFrom {
			return math.Inf(1)
		}
		m := &sr.t.m[i]
		u, v, z := s.project(&m.x)
		top := float64(coarse * m.t2)
		e := top
		if z > 0 {
			w := float64(m.sp * m.sp)
			if m.smMax > 0 {
				g := float64(s.f / z * m.smMax)
				w += float64(g * g)
			}
			u -= m.u
			v -= m.v
			if e = (float64(u*u) + float64(v*v)) / w; !(e < top) {
				e = top
			}
		}
		if e == top {
			poor++
		}
		if sum += e; sum >= limit {
			return sum
		}
	}
	return sum
}

// offer keeps a hypothesis unless a better one close by is kept already.
func (sr *searcher) offer(s *state, score float64) {
	d := norm(sub(s.c, sr.centre))
	near := func(o *state) bool {
		return norm(sub(o.c, s.c)) < 0.1*d && math.Abs(o.f-s.f) < 0.12*s.f
	}
	for i := range sr.n {
		if near(&sr.best[i].s) {
			if sr.best[i].score <= score {
				return
			}
			copy(sr.best[i:sr.n-1], sr.best[i+1:sr.n])
			sr.n--
			break
		}
	}
	if sr.n == keep {
		sr.n--
	}
	i := sr.n
	for i > 0 && sr.best[i-1].score > score {
		sr.best[i] = sr.best[i-1]
		i--
	}
	sr.best[i] = hypothesis{*s, score}
	sr.best[i].s.q = quaternion(s.r)
	sr.n++
}
