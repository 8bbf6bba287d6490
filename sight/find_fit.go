package sight

import (
	"math"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
)

// A hand holds a camera level within these, one standard deviation, radians.
const (
	pitchSD = 0.35
	rollSD  = 0.06
)

// try fits a direction and a lens at each place. The cells come back in their
// order, without those that have no ground; the answer does not depend on how
// many processors share the work.
func (f *finder) try(cells []cell) []cell {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(cells)) {
		wg.Go(func() {
			var w skyScratch
			var h SkyOutline
			for {
				i := int(next.Add(1)) - 1
				if i >= len(cells) {
					return
				}
				f.fit(&cells[i], &w, &h)
			}
		})
	}
	wg.Wait()
	var out []cell
	for i := range cells {
		if cells[i].ok {
			out = append(out, cells[i])
		}
	}
	return out
}

// start is a direction worth refining.
type start struct {
	v    view4
	cost float64
}

// fit places a camera on one cell.
func (f *finder) fit(c *cell, w *skyScratch, h *SkyOutline) {
	u, _, ok := f.scene.Ground(c.e, c.n)
	if !ok {
		return
	}
	eye := vec{c.e, c.n, u + f.height}
	if name, measured, _, in := f.scene.Inside(eye); in && measured && name != "" {
		return // nobody stands in a wall; a balcony or a room is another question
	}
	c.ok = true
	if f.line != nil {
		f.sky.horizon(eye, h, w)
	}
	c.cost = math.Inf(1)
	starts := []start{{v: c.fit}}
	if !c.known {
		starts = f.starts(eye, c.side, h)
	}
	for _, s := range starts {
		v := s.v
		cost := f.descend(&v, eye, c.side, h)
		if cost < c.cost {
			c.cost, c.fit = cost, v
		}
	}
	if math.IsInf(c.cost, 1) {
		c.ok = false
		return
	}
	// What ought to be seen and is hidden counts as a wrong click does.
	for i := range f.p.Features {
		q := &f.p.Features[i]
		tol := 0.3
		if q.SigmaM != nil {
			tol += float64(2 * math.Max(q.SigmaM.V[0], math.Max(q.SigmaM.V[1], q.SigmaM.V[2])))
		}
		if d := norm(sub(q.World, eye)); d > 3*tol && f.scene.all.Blocked(eye, q.World, tol) {
			c.cost += 9
		} else if i < 64 {
			c.seen |= 1 << i
		}
	}
}

// place4 is the camera's rows at a view.
func (v *view4) rows() mat {
	sh, ch := math.Sincos(v.heading)
	sp, cp := math.Sincos(v.pitch)
	sr, cr := math.Sincos(v.roll)
	f := vec{float64(sh * cp), float64(ch * cp), sp}
	r0 := vec{ch, -sh, 0}
	d0 := vec{float64(sh * sp), float64(ch * sp), -cp}
	var m mat
	for i := range 3 {
		m[0][i] = float64(cr*r0[i]) + float64(sr*d0[i])
		m[1][i] = float64(cr*d0[i]) - float64(sr*r0[i])
		m[2][i] = f[i]
	}
	return m
}

// starts looks over all headings and focal lengths for directions that fit
// roughly: with heading and lens given, pitch and roll follow by least
// squares from the differences of elevation.
func (f *finder) starts(eye vec, side float64, h *SkyOutline) []start {
	type sample struct{ az, el, sd float64 }
	var best []start
	offer := func(s start) {
		for i := range best {
			if d := math.Abs(math.Remainder(best[i].v.heading-s.v.heading, 2*math.Pi)); d < 0.06 && math.Abs(best[i].v.logF-s.v.logF) < 0.3 {
				if s.cost < best[i].cost {
					best[i] = s
				}
				return
			}
		}
		best = append(best, s)
		sort.SliceStable(best, func(i, j int) bool { return best[i].cost < best[j].cost })
		if len(best) > 4 {
			best = best[:4]
		}
	}
	marked := 0
	for i := range f.p.Features {
		if f.p.Features[i].Px != nil {
			marked++
		}
	}
	if f.line == nil && marked == 0 {
		return []start{{view4{0, 0, 0, f.logF}, 0}}
	}
	for _, df := range f.focals {
		lf := f.logF + df
		fp := exp(lf)
		level := func(px [2]float64) (az, el float64) {
			x, y := (px[0]-f.cx)/fp, (px[1]-f.cy)/fp
			return math.Atan(x), -y / math.Sqrt(1+float64(x*x))
		}
		line := make([]sample, len(f.line))
		for i, px := range f.line {
			line[i].az, line[i].el = level(px)
			line[i].sd = f.lineSD / fp
		}
		type spot struct{ az, el, waz, wel, sd float64 }
		var spots []spot
		for i := range f.p.Features {
			q := &f.p.Features[i]
			if q.Px == nil {
				continue
			}
			var s spot
			s.az, s.el = level(*q.Px)
			d := sub(q.World, eye)
			r := math.Hypot(d[0], d[1])
			s.waz, s.wel = math.Atan2(d[0], d[1]), d[2]/math.Max(r, 0.1)
			s.sd = math.Hypot(pick(q.SigmaPx, 3)/fp, 0.4*side/math.Max(r, 0.1)) + 0.01
			spots = append(spots, s)
		}
		prev, before := math.Inf(1), math.Inf(1)
		var keep start
		for k := 0; k < skyBins; k += 2 {
			hd := float64(k) * 2 * math.Pi / skyBins
			cost := float64(df * df * f.wF)
			if c := f.p.Heading; c != nil {
				d := math.Remainder(hd-float64(c.Deg*math.Pi/180), 2*math.Pi) / float64(c.Sigma*math.Pi/180)
				if cost += float64(d * d); cost > 60 {
					continue
				}
			}
			for i := range spots {
				d := math.Remainder(spots[i].waz-spots[i].az-hd, 2*math.Pi) / spots[i].sd
				cost += math.Min(25, float64(d*d))
			}
			// el_world = el_photo + pitch - roll tan(az)
			var s0, s1, s2, t0, t1 float64
			s0, s2 = 1/(pitchSD*pitchSD), 1/(rollSD*rollSD)
			out := 0.0
			var res [skySamples]sample
			n := 0
			for i := range line {
				t, slope, dist, sg := h.at(hd + line[i].az)
				if math.IsInf(t, -1) {
					out += 9
					continue
				}
				sd := math.Sqrt(float64(line[i].sd*line[i].sd)*(1+float64(slope*slope))+float64(sg*sg/(dist*dist))+float64(0.09*side*side/(dist*dist))*(float64(t*t)+float64(slope*slope))) + 0.001
				w := 1 / float64(sd*sd)
				d, x := t-line[i].el, -line[i].az
				s0 += w
				s1 += float64(w * x)
				s2 += float64(w * x * x)
				t0 += float64(w * d)
				t1 += float64(w * x * d)
				res[n] = sample{x, d, sd}
				n++
			}
			for i := range spots {
				w := 1 / float64(spots[i].sd*spots[i].sd)
				d, x := spots[i].wel-spots[i].el, -spots[i].az
				s0 += w
				s1 += float64(w * x)
				s2 += float64(w * x * x)
				t0 += float64(w * d)
				t1 += float64(w * x * d)
			}
			det := float64(s0*s2) - float64(s1*s1)
			pitch, roll := (float64(t0*s2)-float64(t1*s1))/det, (float64(t1*s0)-float64(t0*s1))/det
			cost += out + float64(pitch*pitch/(pitchSD*pitchSD)) + float64(roll*roll/(rollSD*rollSD))
			for i := range n {
				e := (res[i].el - pitch - float64(roll*res[i].az)) / res[i].sd
				cost += math.Min(9, float64(e*e))
			}
			for i := range spots {
				e := (spots[i].wel - spots[i].el - pitch + float64(roll*spots[i].az)) / spots[i].sd
				cost += math.Min(9, float64(e*e))
			}
			// A dip between two neighbours is a start.
			if prev <= before && prev < cost {
				offer(keep)
			}
			before, prev, keep = prev, cost, start{view4{hd, pitch, roll, lf}, cost}
		}
		if prev <= before {
			offer(keep)
		}
	}
	return best
}

// cost is the sum of squared misses of a view, each cut at 9, with the priors.
// With a list, the single misses go there.
func (f *finder) cost(v *view4, eye vec, side float64, h *SkyOutline, list *[]float64) float64 {
	fp := exp(v.logF)
	m := v.rows()
	d := v.logF - f.logF
	sum := float64(d*d*f.wF) + float64(v.pitch*v.pitch/(pitchSD*pitchSD)) + float64(v.roll*v.roll/(rollSD*rollSD))
	if c := f.p.Heading; c != nil {
		e := math.Remainder(v.heading-float64(c.Deg*math.Pi/180), 2*math.Pi) / float64(c.Sigma*math.Pi/180)
		sum += float64(e * e)
	}
	add := func(e float64) {
		if list != nil {
			*list = append(*list, e)
		}
		sum += math.Min(9, float64(e*e))
	}
	for _, px := range f.line {
		x, y := (px[0]-f.cx)/fp, (px[1]-f.cy)/fp
		var b vec
		for i := range 3 {
			b[i] = float64(m[0][i]*x) + float64(m[1][i]*y) + m[2][i]
		}
		r := math.Hypot(b[0], b[1])
		t, slope, dist, sg := h.at(math.Atan2(b[0], b[1]))
		if math.IsInf(t, -1) || !(r > 0) {
			add(3)
			continue
		}
		spx := f.lineSD / fp
		// What the cell's size does to a horizon so far away, and the height
		// above the ground, which is not known exactly. A large cell fits more
		// easily, so what is not cut further is kept rather than excluded.
		va := float64(spx*spx)*(1+float64(slope*slope)) + float64(sg*sg/(dist*dist)) + float64(f.heightS*f.heightS/(dist*dist)) +
			float64(side*side/12/(dist*dist))*(float64(t*t)+float64(slope*slope))
		add((b[2]/r - t) / math.Sqrt(va))
	}
	for i := range f.p.Features {
		q := &f.p.Features[i]
		if q.Px == nil {
			continue
		}
		dd := sub(q.World, eye)
		c := apply(&m, dd)
		if !(c[2] > 0) {
			add(3)
			continue
		}
		dist := norm(dd)
		sm := 0.0
		if q.SigmaM != nil {
			sm = math.Max(q.SigmaM.V[0], math.Max(q.SigmaM.V[1], q.SigmaM.V[2]))
		}
		s := pick(q.SigmaPx, 3)
		va := float64(s*s) + float64(fp*fp/(dist*dist))*(float64(side*side/12)+float64(sm*sm)+float64(f.heightS*f.heightS))
		u, w := float64(fp*c[0]/c[2])+f.cx-q.Px[0], float64(fp*c[1]/c[2])+f.cy-q.Px[1]
		add(math.Sqrt((float64(u*u) + float64(w*w)) / va))
	}
	return sum
}

// descend is Nelder and Mead's simplex on heading, pitch, roll and log f: the
// skyline is a broken line, whose derivatives jump.
func (f *finder) descend(v *view4, eye vec, side float64, h *SkyOutline) float64 {
	n := 4
	if f.wF == 0 {
		n = 3
	}
	type point struct {
		x [4]float64
		c float64
	}
	eval := func(x [4]float64) float64 {
		q := view4{x[0], x[1], x[2], x[3]}
		if math.Abs(q.pitch) > 1.4 || math.Abs(q.logF-f.logF) > 2 {
			return math.Inf(1)
		}
		return f.cost(&q, eye, side, h, nil)
	}
	var s [5]point
	base := [4]float64{v.heading, v.pitch, v.roll, v.logF}
	step := [4]float64{0.008, 0.008, 0.008, 0.06}
	for i := range n + 1 {
		s[i].x = base
		if i > 0 {
			s[i].x[i-1] += step[i-1]
		}
		s[i].c = eval(s[i].x)
	}
	for range 120 {
		sort.SliceStable(s[:n+1], func(i, j int) bool { return s[i].c < s[j].c })
		if s[n].c-s[0].c < 1e-2 {
			break
		}
		var mid [4]float64
		for i := range n {
			for k := range n {
				mid[k] += s[i].x[k] / float64(n)
			}
		}
		at := func(t float64) point {
			p := point{x: base}
			for k := range n {
				p.x[k] = mid[k] + float64(t*(s[n].x[k]-mid[k]))
			}
			p.c = eval(p.x)
			return p
		}
		switch r := at(-1); {
		case r.c < s[0].c:
			if e := at(-2); e.c < r.c {
				r = e
			}
			s[n] = r
		case r.c < s[n-1].c:
			s[n] = r
		default:
			t := 0.5
			if r.c < s[n].c {
				t = -0.5
			}
			if c := at(t); c.c < math.Min(r.c, s[n].c) {
				s[n] = c
				continue
			}
			for i := 1; i <= n; i++ {
				for k := range n {
					s[i].x[k] = s[0].x[k] + (s[i].x[k]-s[0].x[k])/2
				}
				s[i].c = eval(s[i].x)
			}
		}
	}
	sort.SliceStable(s[:n+1], func(i, j int) bool { return s[i].c < s[j].c })
	*v = view4{s[0].x[0], s[0].x[1], s[0].x[2], s[0].x[3]}
	return s[0].c
}
