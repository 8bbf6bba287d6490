package sight

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"sort"
)

// Method names the algorithm in answers; it changes when answers can change.
const Method = "p3p-focal-grid+msac+map-lm/1"

// fit is one refined camera with its marks.
type fit struct {
	s    state
	cost float64 // truncated cost, priors included
	in   []bool
	nIn  int
	cov  square
	root float64 // sqrt of the determinant of cov over free parameters

	objections []objection // of the scene
}

// Options are what a solution may use beside the problem.
type Options struct {
	// Scene is the model that the problem names. It gives the ground's height,
	// and speaks against cameras that stand in the ground or in a house and
	// against clicks on what cannot be seen from there.
	Scene *Surroundings
	// Report adds the heat map and the next click worth making.
	Report bool
}

// Solve finds where the camera stood. raw are the bytes of the problem, which
// seed the draws and are named in the answer. Solve never fails: what cannot
// be answered is refused in the answer, with the reason.
func Solve(p *Problem, raw []byte) *Answer { return SolveWith(p, raw, Options{}) }

// SolveWith is [Solve] with a scene and with the full report.
func SolveWith(p *Problem, raw []byte, opt Options) *Answer {
	sum := sha256.Sum256(raw)
	a := &Answer{Format: AnswerFormat, ID: p.ID, Warnings: []Warning{}, InputSHA256: hex.EncodeToString(sum[:]),
		Software: Software{Name: "sightline", Version: "dev", Method: Method}}
	a.look(p)
	if reason := degenerate(p); reason != "" {
		a.Status, a.Reason = Refused, reason
		return a
	}
	t := p.task(opt.Scene)
	seed := binary.BigEndian.Uint64(sum[:8]) >> 11 // exact in a JSON number
	rng := newPCG(seed)
	fits, planar, seeded := t.best(&rng, opt)
	if seeded {
		a.Seed = &seed
	}
	if n := t.mirrored(p, fits, seed, opt.Scene); n > 0 {
		a.Status, a.Reason = Refused, fmt.Sprintf("the picture looks mirrored: with left and right exchanged %d of the %d clicks agree; turn the picture round and click again", n, len(p.Points))
		return a
	}
	if len(fits) == 0 || fits[0].nIn < 4 {
		a.Status, a.Reason = Refused, "no camera agrees with at least 4 of the points; check that every click means the right model point, that the image is not mirrored and that the model is in metres"
		return a
	}
	if opt.Scene != nil {
		fits = t.object(fits, opt.Scene)
	}
	best := &fits[0]
	if n := len(p.Points); n >= 8 && 3*best.nIn < n && best.nIn < 6 {
		a.Status, a.Reason = Refused, fmt.Sprintf("no camera agrees with more than %d of the %d points, which chance could do; check the clicks one by one", best.nIn, n)
		return a
	}
	a.report(p, t, fits, &rng, planar)
	a.objections(p, fits)
	if opt.Report {
		a.extras(p, t, fits, opt.Scene)
	}
	return a
}

// best searches and refines: the cameras that fit, best first.
func (t *task) best(rng *pcg, opt Options) (fits []fit, planar, seeded bool) {
	sr, seeded := t.search(fewDraws, rng)
	planar = flat(t)
	if opt.Scene != nil {
		t.slack += float64(2 * standCost) // the scene may speak against the best
	}
	fits = t.refine(sr)
	if n := len(t.m); seeded && (len(fits) == 0 || 4*fits[0].nIn < 3*n) {
		// Many marks disagree: they may be wrong, or the draws were unlucky.
		sr, seeded = t.search(moreDraws(fits, n), rng)
		fits = merge(fits, t.refine(sr), t.slack)
	}
	return fits, planar, seeded
}

// mirrored says how many clicks agree when left and right are exchanged, if
// that explains what few of them explain as they are; else 0.
func (t *task) mirrored(p *Problem, fits []fit, seed uint64, scene *Surroundings) int {
	n, agree := len(t.m), 0
	if len(fits) > 0 {
		agree = fits[0].nIn
	}
	if n < 6 || n <= 20 && 10*agree >= 7*n || n > 20 && 10*agree >= 3*n {
		return 0
	}
	o := p.task(scene)
	for i := range o.m {
		o.m[i].u = float64(p.Image.Width) - o.m[i].u
	}
	rng := newPCG(seed)
	sr, _ := o.search(fewDraws, &rng)
	if f := o.refine(sr); len(f) > 0 && f[0].nIn > agree+1 && 10*f[0].nIn >= 8*n {
		return f[0].nIn
	}
	return 0
}

// moreDraws is how many triples are drawn when many marks disagree: so many
// that, if as many marks are right as agree now, a draw without a wrong one is
// missed once in 100,000 times.
func moreDraws(fits []fit, n int) int {
	if len(fits) == 0 || n < bailFrom {
		return maxDraws
	}
	w := float64(fits[0].nIn) / float64(n)
	d := log(1e-5) / log(1-float64(w*w*w))
	return int(math.Max(fewDraws/2, math.Min(maxDraws, d)))
}

// degenerate gives the reason why clicks cannot place a camera at all.
func degenerate(p *Problem) string {
	n := len(p.Points)
	if n < 4 {
		return fmt.Sprintf("%d points given; a camera needs at least 4, and 6 to find a wrong click", n)
	}
	world, px := map[[3]float64]bool{}, map[[2]float64]bool{}
	lo, hi := p.Points[0].World, p.Points[0].World
	for _, q := range p.Points {
		if !finite(q.World[:]...) || !finite(q.Px[:]...) {
			return fmt.Sprintf("point %q has a coordinate that is not a usable number", q.ID)
		}
		world[q.World], px[q.Px] = true, true
		for k := range 3 {
			lo[k], hi[k] = math.Min(lo[k], q.World[k]), math.Max(hi[k], q.World[k])
		}
	}
	if len(world) < 4 || len(px) < 4 {
		return fmt.Sprintf("only %d different points; duplicates add nothing, a camera needs at least 4 different ones", min(len(world), len(px)))
	}
	size := norm(sub(hi, lo))
	far := math.Max(norm(lo), norm(hi))
	if size < 0.02 && far > 100*size {
		return "all model points lie within 2 cm of each other but far from the origin; they look like degrees, convert latitude and longitude to scene metres first"
	}
	if flat, off := math.Max(hi[0]-lo[0], hi[1]-lo[1]), math.Max(math.Abs(lo[0]), math.Abs(lo[1])); flat < 0.05 && off > 20*flat && off <= 180 && hi[2]-lo[2] > 20*flat {
		return "east and north of all model points are nearly the same while their heights differ; they look like longitude and latitude in degrees, convert them to scene metres first"
	}
	if far > 2e6 {
		return "model points lie more than 2000 km from the origin of the scene; use east, north, up metres of the scene, not Earth-centred or map coordinates"
	}
	_, ev := spread(p.Points, func(q *PointPair) vec { return q.World })
	if ev[1] < 1e-6*ev[0] {
		return "all model points lie on one line; add a point beside it"
	}
	_, ev = spread(p.Points, func(q *PointPair) vec { return vec{q.Px[0], q.Px[1], 0} })
	if ev[1] < 1e-6*ev[0] {
		return "all clicks lie on one line in the image; add a point beside it"
	}
	return ""
}

// spread gives mean and principal variances of points.
func spread(l []PointPair, f func(*PointPair) vec) (mean, val vec) {
	n := float64(len(l))
	for i := range l {
		v := f(&l[i])
		for k := range 3 {
			mean[k] += v[k] / n
		}
	}
	var c mat
	for i := range l {
		d := sub(f(&l[i]), mean)
		for a := range 3 {
			for b := range 3 {
				c[a][b] += d[a] * d[b] / n
			}
		}
	}
	val, _ = eigen3(c)
	return mean, val
}

// flat says whether the model points lie on one plane.
func flat(t *task) bool {
	l := make([]PointPair, len(t.m))
	for i := range l {
		l[i].World = t.m[i].x
	}
	_, v := spread(l, func(q *PointPair) vec { return q.World })
	return v[2] < 0.02*0.02*v[0]
}

// refine brings every hypothesis to its local optimum and returns the
// distinct ones, best first.
func (t *task) refine(sr *searcher) []fit {
	type start struct {
		s    state
		cost float64
	}
	pose := t.free
	wide := len(t.centres()) > 1 || len(t.lenses()) > 1
	if !wide {
		pose[7], pose[8], pose[9] = false, false, false
	}
	// A coarse descent first. What then costs more than the best by one wrong
	// mark's worth is no alternative.
	var rough [keep]float64
	least := math.Inf(1)
	for i := range sr.n {
		s := &sr.best[i].s
		t.weigh(s, 0)
		rough[i] = t.descend(s, coarse, &pose, 6, 1e-3)
		least = math.Min(least, rough[i])
	}
	var starts []start
	for i := range sr.n {
		if rough[i] > least+float64(1.2*coarse*16) {
			continue
		}
		s := sr.best[i].s
		t.weigh(&s, 0)
		if wide {
			t.descend(&s, 4, &t.free, 8, 1e-3)
			t.weigh(&s, 0)
		}
		c := t.descend(&s, 1, &t.free, 10, 1e-3)
		if !finite(s.c[:]...) || !finite(s.f, c) || s.f < 1 {
			continue
		}
		starts = append(starts, start{s, c})
	}
	sort.SliceStable(starts, func(i, j int) bool { return starts[i].cost < starts[j].cost })
	var fits []fit
	for i := range starts {
		if starts[i].cost > starts[0].cost+60 && len(fits) > 0 {
			break
		}
		twin := false
		for k := range fits {
			if fits[k].holds(&starts[i].s, 0.5) && starts[i].cost > fits[k].cost-1e-6 {
				twin = true
			}
		}
		if twin {
			continue
		}
		f := t.exchange(t.settle(starts[i].s))
		if f.nIn < 4 || math.IsInf(f.cost, 1) || math.IsNaN(f.cost) {
			continue
		}
		fits = append(fits, f)
	}
	return merge(fits, nil, t.slack)
}

// merge keeps the best fit and those nearly as good that stand elsewhere.
func merge(a, b []fit, slack float64) []fit {
	fits := append(a, b...)
	sort.SliceStable(fits, func(i, j int) bool { return fits[i].cost < fits[j].cost })
	if len(fits) == 0 {
		return nil
	}
	out := fits[:1]
	for _, f := range fits[1:] {
		if f.cost > out[0].cost+slack {
			break
		}
		far := true
		for k := range out {
			if out[k].holds(&f.s, 7.815) {
				far = false
			}
		}
		if far {
			out = append(out, f)
		}
	}
	return out
}

// holds says whether a position lies within d2 of the fit's covariance.
func (f *fit) holds(s *state, d2 float64) bool {
	var c mat
	for i := range 3 {
		copy(c[i][:], f.cov[i][:3])
	}
	w, ok := whitener(c)
	if !ok {
		return false
	}
	e := apply(&w, sub(s.c, f.s.c))
	return dot(e, e) < d2
}

// settle iterates inliers, weights and descent until nothing changes.
func (t *task) settle(s state) fit {
	f := fit{in: make([]bool, len(t.m))}
	for round := range 12 {
		t.weigh(&s, 0)
		changed := false
		n := 0
		for i := range t.m {
			m := &t.m[i]
			u, v, z := s.project(&m.x)
			u, v = u-m.u, v-m.v
			in := z > 0 && float64(m.w[0]*u*u)+float64(2*m.w[1]*u*v)+float64(m.w[2]*v*v) <= m.t2
			if in != m.use {
				changed = true
			}
			m.use = in
			if in {
				n++
			}
		}
		if n < 4 {
			f.nIn = n
			f.cost = math.Inf(1)
			return f
		}
		old := s.c
		t.descend(&s, 0, &t.free, 50, 1e-14)
		if moved := norm(sub(s.c, old)); round > 0 && !changed && moved < 1e-9*(1+norm(s.c)) {
			break
		}
	}
	t.weigh(&s, 0)
	f.s = s
	for i := range t.m {
		f.in[i] = t.m[i].use
		if f.in[i] {
			f.nIn++
		}
	}
	f.cost = t.cost(&s, 1)
	f.cov, f.root = t.covariance(&s)
	return f
}

// exchange tries, as long as it lowers the truncated cost, to leave out the
// mark whose absence helps most or to take back those that nearly fit. A fit
// bends towards a wrong mark, so that the mark's own residual can stay below
// the threshold while the others pay.
func (t *task) exchange(f fit) fit {
	if math.IsInf(f.cost, 1) {
		return f
	}
	for range 3 {
		better := false
		if i := t.costliest(&f); i >= 0 {
			t.adopt(&f)
			t.m[i].use = false
			s := f.s
			t.descend(&s, 0, &t.free, 30, 1e-9)
			if g := t.settle(s); g.cost < f.cost-float64(0.4*t.m[i].t2) {
				f, better = g, true
			}
		}
		if f.nIn < len(t.m) {
			t.adopt(&f)
			back := 0
			for i := range t.m {
				m := &t.m[i]
				if m.use {
					continue
				}
				u, v, z := f.s.project(&m.x)
				u, v = u-m.u, v-m.v
				if z > 0 && float64(m.w[0]*u*u)+float64(2*m.w[1]*u*v)+float64(m.w[2]*v*v) < 36*m.t2 {
					m.use = true
					back++
				}
			}
			if back > 0 {
				s := f.s
				t.descend(&s, 0, &t.free, 30, 1e-6)
				if g := t.settle(s); g.cost < f.cost-1e-6 {
					f, better = g, true
				}
			}
		}
		if !better {
			break
		}
	}
	return f
}

// adopt makes a fit the current one: its marks in use, weights at its state.
func (t *task) adopt(f *fit) {
	for i := range t.m {
		t.m[i].use = f.in[i]
	}
	t.weigh(&f.s, 0)
}

// costliest is the mark in use whose removal would lower the cost by more
// than its threshold, to first order; -1 when there is none.
func (t *task) costliest(f *fit) int {
	if f.nIn < 6 {
		return -1
	}
	t.adopt(f)
	var full normal
	t.linearise(&f.s, 0, &t.free, &full)
	worst, at := 0.0, -1
	for i := range t.m {
		m := &t.m[i]
		if !m.use {
			continue
		}
		u, v, _ := f.s.project(&m.x)
		u, v = u-m.u, v-m.v
		own := float64(m.w[0]*u*u) + float64(2*m.w[1]*u*v) + float64(m.w[2]*v*v)
		if own < 0.25 {
			continue
		}
		one := full
		t.without(&f.s, m, &one)
		h, d := one.h, one.g
		if !h.cholesky(nParam) {
			continue
		}
		h.solve(nParam, &d)
		gain := own
		for k := range d {
			gain += float64(d[k] * one.g[k])
		}
		if gain > 1.4*m.t2 && gain > worst {
			worst, at = gain, i
		}
	}
	return at
}

// covariance inverts the information of the marks in use, with click errors
// below half a pixel counted as half a pixel: lens and pixel model are not
// better than that.
func (t *task) covariance(s *state) (cov square, root float64) {
	var n normal
	t.weigh(s, 0.5)
	t.linearise(s, 0, &t.free, &n)
	t.weigh(s, 0)
	for a := range nParam {
		for b := range a {
			n.h[b][a] = n.h[a][b]
		}
	}
	cov, ok := n.h.inverse()
	if !ok {
		for i := range nParam {
			cov[i][i] = math.Inf(1)
		}
		return cov, math.Inf(1)
	}
	c := cov
	root = 1
	if c.cholesky(nParam) {
		for i := range nParam {
			root *= c[i][i]
		}
	}
	for i := range nParam {
		if !t.free[i] {
			for j := range nParam {
				cov[i][j], cov[j][i] = 0, 0
			}
		}
	}
	return cov, root
}
