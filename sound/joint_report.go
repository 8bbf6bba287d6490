package sound

import (
	"math"
	"slices"
	"sort"
)

// misfits are the arrivals against a solution, and those beyond four standard
// deviations, the worst first; when none is, the worst one alone.
func (j *joint) misfits(f jointFit) (all, worst []Misfit) {
	for _, o := range j.obs {
		r, _, _ := j.model(f.x, o)
		all = append(all, Misfit{o.sound, o.recorder, r, math.Abs(r) / o.sd})
	}
	sorted := append([]Misfit(nil), all...)
	sort.SliceStable(sorted, func(a, b int) bool { return sorted[a].Score > sorted[b].Score })
	n := 0
	for n < len(sorted) && sorted[n].Score > 4 {
		n++
	}
	return all, sorted[:max(1, n)]
}

// report turns the solution into clocks and places. A place that could as well
// lie 500 m, 2 or 10 km away is refused, as package function Locate does.
func (j *joint) report(out *JointSolution, best jointFit, found []jointFit, s2 float64) {
	p, n := j.p, j.n
	out.Speed, out.SD = best.x[0], math.Sqrt(s2*best.cov[0])
	limit := -2 * math.Log(1-p.Confidence)
	for i := range p.Recorders {
		b, ok := j.rec[i]
		if !ok {
			continue
		}
		c := &out.Clocks[i]
		c.Known = true
		c.PPM, c.PPMSD = best.x[b+1], math.Sqrt(s2*best.cov[(b+1)*n+b+1])
		// From the middle of its arrivals to its first sample.
		m := j.mid[i] * 1e-6
		c.Offset = best.x[b] - m*c.PPM
		v := best.cov[b*n+b] - 2*m*best.cov[b*n+b+1] + m*m*best.cov[(b+1)*n+b+1]
		c.SD = math.Sqrt(s2 * math.Max(0, v))
		if i == j.ref {
			*c = Clock{Known: true}
		}
	}
	for k := range p.Sounds {
		b, ok := j.snd[k]
		if !ok {
			out.Sounds[k].Refused = &Refusal{"too_few", "Too few of the recorders that are tied to each other heard it."}
			continue
		}
		s := &out.Sounds[k]
		s.X, s.Y, s.Z, s.T = best.x[b]+j.ox, best.x[b+1]+j.oy, p.Sounds[k].Z, best.x[b+2]
		s.TSD = math.Sqrt(s2 * best.cov[(b+2)*n+b+2])
		major, minor, bearing := axes(s2*best.cov[b*n+b], s2*best.cov[b*n+b+1], s2*best.cov[(b+1)*n+b+1])
		s.Major, s.Minor, s.Bearing = math.Sqrt(limit*major), math.Sqrt(limit*math.Max(0, minor)), bearing
		if p.Sounds[k].At != nil {
			s.Z = p.Sounds[k].At[2]
			continue
		}
		if !(s.Major <= farthest) || j.reaches(best, b, s2*limit) {
			*s = Placed{Refused: &Refusal{"degenerate", "The arrivals allow places more than 500 m apart."}}
			continue
		}
		near := []Point{{X: s.X, Y: s.Y}}
		for _, f := range append(found, j.elsewhere(best, k)...) {
			q := Point{f.x[b] + j.ox, f.x[b+1] + j.oy, s.Z, f.cost}
			if (f.cost-best.cost)/s2 <= limit && !slices.ContainsFunc(near, func(o Point) bool { return math.Hypot(q.X-o.X, q.Y-o.Y) < math.Max(1, s.Minor) }) {
				near = append(near, q)
			}
		}
		s.Alternatives = near[1:]
	}
	out.Misfits, out.Disagree = j.misfits(best)
	if out.Disagree[0].Score <= 4 {
		out.Disagree = nil
	}
}

// elsewhere lets one sound of a solution fall into place from around the
// recorders: on a line of recorders it fits on both sides.
func (j *joint) elsewhere(best jointFit, k int) (out []jointFit) {
	b, spread := j.snd[k], j.spread()
	for _, far := range []float64{0.5, 1.5} {
		for n := range 8 {
			s, c := math.Sincos(2*math.Pi*float64(n)/8 + far)
			x := append([]float64(nil), best.x...)
			x[b], x[b+1] = far*spread*s, far*spread*c
			var t, w float64
			for _, o := range j.obs {
				if o.sound == k {
					r, _, _ := j.model(x, o)
					t, w = t+r, w+1
				}
			}
			x[b+2] += t / w // the moment that suits this place
			out = append(out, j.descendFrom(x, []jointPrior{}, 30))
		}
	}
	return out
}

// reaches reports whether a sound held at a place far away fits within the
// limit once everything else has given way.
func (j *joint) reaches(best jointFit, b int, limit float64) bool {
	const bearings = 16
	for _, far := range []float64{farthest, 2000, 10000} {
		for k := range bearings {
			s, c := math.Sincos(2 * math.Pi * float64(k) / bearings)
			x := append([]float64(nil), best.x...)
			x[b], x[b+1] = best.x[b]+far*s, best.x[b+1]+far*c
			x[b+2] -= far / x[0]
			pin := []jointPrior{{b, x[b], 1}, {b + 1, x[b+1], 1}}
			if f := j.descendFrom(x, pin, 10); f.cost-best.cost < limit {
				return true
			}
		}
	}
	return false
}
