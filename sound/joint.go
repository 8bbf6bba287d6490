package sound

import (
	"fmt"
	"math"
)

// Recorder is one device in a joint solution: where it stood, metres, the
// standard deviation of each horizontal coordinate, and how fast its clock may
// run, one standard deviation in parts in a million.
type Recorder struct {
	ID       string
	X, Y, Z  float64
	SD       float64
	DriftPPM float64
}

// Arrival is a sound in a recording: T seconds on the recorder's clock from
// its first sample, with its standard deviation in seconds.
type Arrival struct {
	Recorder int
	T, SD    float64
}

// Source is a sound that several recorders heard. At is its place where that is
// known, with the standard deviation of each horizontal coordinate; Z is its
// height, metres, where At is nil.
type Source struct {
	ID    string
	At    *[3]float64
	AtSD  float64
	Z     float64
	Heard []Arrival
}

// JointProblem asks for the clocks of all recorders and the places and moments
// of all sounds at once. Numbers must be finite; the caller checks them.
type JointProblem struct {
	Temperature, TemperatureSD float64
	Confidence                 float64
	Recorders                  []Recorder
	Sounds                     []Source
}

// Clock is what a recorder's clock has to be moved by: its second t is
// Offset + t (1 + PPM/10^6) on the clock of the reference, whose Offset and PPM
// are zero. Known is false where no sound ties it to the reference.
type Clock struct {
	Known      bool
	Offset, SD float64
	PPM, PPMSD float64
}

// Placed is a sound in the solution: T seconds on the clock of the reference.
type Placed struct {
	Refused      *Refusal
	X, Y, Z      float64
	Major, Minor float64
	Bearing      float64
	T, TSD       float64
	Alternatives []Point
}

// Misfit is how far an arrival lies from the solution, in seconds and in its
// own standard deviations.
type Misfit struct {
	Sound, Recorder int
	Residual, Score float64
}

// JointSolution is the answer. Misfits come in the order of the arrivals.
type JointSolution struct {
	Refused   *Refusal
	Reference int
	Clocks    []Clock
	Sounds    []Placed
	Misfits   []Misfit
	Disagree  []Misfit // beyond four standard deviations, the worst first
	Scale     float64  // spread of the arrivals over what they state
	Speed, SD float64  // speed of sound and its standard deviation, m/s
	Arrivals  int
	Unknowns  int
}

// joint is the working state: arrivals that take part and the layout of the
// unknowns.
type joint struct {
	p        *JointProblem
	c0       float64
	ref      int
	rec      map[int]int // recorder to its block: offset, drift, x, y
	snd      map[int]int // sound to its block: x, y, t
	n        int
	obs      []jointObs
	prior    []jointPrior
	mid      []float64 // of each recorder's arrivals: drift turns about it
	ox, oy   float64
	unknowns int // without a prior
}

type jointObs struct {
	sound, recorder int
	t, sd           float64
}

type jointPrior struct {
	at        int
	value, sd float64
}

// SolveJoint finds the clocks of the recorders, their drift, the places of the
// sounds and the speed of sound by one robust least-squares solution: an
// arrival is t = T + d/c in the recorder's own time. With one sound of unknown
// place a clock cannot be told from a distance; such a problem is refused
// ("clock_unknown") because it leaves fewer arrivals than unknowns.
func SolveJoint(p JointProblem) JointSolution {
	j := &joint{p: &p, c0: Speed(p.Temperature), rec: map[int]int{}, snd: map[int]int{}}
	out := JointSolution{Clocks: make([]Clock, len(p.Recorders)), Sounds: make([]Placed, len(p.Sounds)), Speed: j.c0}
	no := func(code, format string, a ...any) JointSolution {
		out.Refused = &Refusal{code, fmt.Sprintf(format, a...)}
		return out
	}
	j.choose()
	if len(j.obs) == 0 {
		return no("too_few", "No sound was heard by two of the recorders or more.")
	}
	out.Reference = j.ref
	j.layout()
	out.Arrivals, out.Unknowns = len(j.obs), j.unknowns
	if len(j.obs) < j.unknowns {
		return no("clock_unknown", "%d arrivals cannot fix %d unknown clocks, places and moments; a sound of a known place, or more sounds from other places, can.", len(j.obs), j.unknowns)
	}
	var found []jointFit
	for _, s := range j.starts() {
		if f := j.descend(s); f.ok {
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		return no("degenerate", "The arrivals fix no solution: the equations lose rank.")
	}
	best := found[0]
	for _, f := range found {
		if f.cost < best.cost {
			best = f
		}
	}
	dof := float64(len(j.obs) - j.unknowns)
	best = j.again(best)
	out.Scale = math.Sqrt(best.loss / math.Max(1, dof))
	if dof >= 1 && out.Scale > 10 {
		out.Misfits, out.Disagree = j.misfits(best)
		w := out.Disagree[0]
		return no("inconsistent", "The arrivals do not fit one set of clocks and places: they miss by %.0f times what they state, the most at %s in %s.", out.Scale, p.Sounds[w.Sound].ID, p.Recorders[w.Recorder].ID)
	}
	s2 := widen(max(4, len(j.obs)-j.unknowns+4)) * (best.loss + 4) / (dof + 4)
	j.report(&out, best, found, s2)
	return out
}

// choose takes the sounds that at least two recorders heard and the recorders
// that such sounds tie to the reference, the one with most arrivals.
func (j *joint) choose() {
	p := j.p
	u := newUnion(len(p.Recorders))
	count := make([]int, len(p.Recorders))
	for _, s := range p.Sounds {
		if len(s.Heard) < 2 {
			continue
		}
		for _, a := range s.Heard {
			u.join(s.Heard[0].Recorder, a.Recorder)
			count[a.Recorder]++
		}
	}
	for i, n := range count {
		if n > count[j.ref] {
			j.ref = i
		}
	}
	// A sound of unknown place adds three unknowns: heard by fewer than four it
	// says nothing that it does not use up itself, but it is still placed if the
	// clocks come from others.
	j.mid = make([]float64, len(p.Recorders))
	for k, s := range p.Sounds {
		if len(s.Heard) < 2 || u.find(s.Heard[0].Recorder) != u.find(j.ref) || (s.At == nil && len(s.Heard) < 3) {
			continue
		}
		for _, a := range s.Heard {
			j.obs = append(j.obs, jointObs{k, a.Recorder, a.T, a.SD})
			j.mid[a.Recorder] += a.T / float64(count[a.Recorder])
		}
	}
}

func (j *joint) layout() {
	p := j.p
	j.n = 1 // the speed of sound
	j.prior = []jointPrior{{0, j.c0, math.Max(1e-3, p.TemperatureSD*331.3*331.3/(2*273.15*j.c0))}}
	heard := map[int]int{}
	for _, o := range j.obs {
		heard[o.recorder]++
	}
	for i := range p.Recorders {
		if heard[i] == 0 {
			continue
		}
		j.ox, j.oy = j.ox+p.Recorders[i].X/float64(len(heard)), j.oy+p.Recorders[i].Y/float64(len(heard))
	}
	for i, r := range p.Recorders {
		if heard[i] == 0 {
			continue
		}
		j.rec[i] = j.n
		drift := math.Max(1e-3, r.DriftPPM)
		if i == j.ref {
			j.prior = append(j.prior, jointPrior{j.n, 0, 1e-9})
			drift = 1e-6
		} else {
			j.unknowns++
		}
		sd := math.Max(1e-4, r.SD)
		j.prior = append(j.prior, jointPrior{j.n + 1, 0, drift}, jointPrior{j.n + 2, r.X - j.ox, sd}, jointPrior{j.n + 3, r.Y - j.oy, sd})
		j.n += 4
	}
	for k, s := range p.Sounds {
		used := false
		for _, o := range j.obs {
			used = used || o.sound == k
		}
		if !used {
			continue
		}
		j.snd[k] = j.n
		j.unknowns++
		if s.At != nil {
			sd := math.Max(1e-4, s.AtSD)
			j.prior = append(j.prior, jointPrior{j.n, s.At[0] - j.ox, sd}, jointPrior{j.n + 1, s.At[1] - j.oy, sd})
		} else {
			j.unknowns += 2
		}
		j.n += 3
	}
}

// model is the residual of an arrival and its derivatives by the unknowns.
func (j *joint) model(x []float64, o jointObs) (res float64, at [8]int, d [8]float64) {
	r, s := j.rec[o.recorder], j.snd[o.sound]
	rec, src := &j.p.Recorders[o.recorder], &j.p.Sounds[o.sound]
	z := src.Z
	if src.At != nil {
		z = src.At[2]
	}
	dx, dy, dz := x[s]-x[r+2], x[s+1]-x[r+3], z-rec.Z
	dist := math.Max(1e-6, math.Sqrt(dx*dx+dy*dy+dz*dz))
	c := x[0]
	lever := o.t - j.mid[o.recorder]
	// Heard at offset + t (1 + ppm), where drift turns about the middle.
	res = x[r] + o.t + lever*x[r+1]*1e-6 - x[s+2] - dist/c
	at = [8]int{0, r, r + 1, r + 2, r + 3, s, s + 1, s + 2}
	ux, uy := dx/dist/c, dy/dist/c
	d = [8]float64{dist / (c * c), 1, lever * 1e-6, ux, uy, -ux, -uy, -1}
	return
}

type jointFit struct {
	x          []float64
	cov        []float64
	cost, loss float64
	ok         bool
}

// cost is Huber's loss of the arrivals, and with the priors.
func (j *joint) cost(x []float64) (cost, loss float64) {
	for _, o := range j.obs {
		r, _, _ := j.model(x, o)
		u := math.Abs(r) / o.sd
		if u > 3 {
			loss += 6*u - 9
		} else {
			loss += u * u
		}
	}
	cost = loss
	for _, q := range j.prior {
		u := (x[q.at] - q.value) / q.sd
		cost += u * u
	}
	return
}

// again takes every sound of unknown place up and puts it down where it fits
// the clocks that the others gave, as long as that helps: a first guess may have
// left one on the wrong side.
func (j *joint) again(f jointFit) jointFit {
	for range 3 {
		before := f.cost
		for k := range j.p.Sounds {
			if _, ok := j.snd[k]; !ok || j.p.Sounds[k].At != nil {
				continue
			}
			clocks := map[int]bool{}
			for i := range j.rec {
				clocks[i] = true
			}
			x := append([]float64(nil), f.x...)
			j.place(x, k, [2]float64{math.NaN()}, clocks, j.spread())
			if g := j.descend(x); g.ok && g.cost < f.cost-1e-6 {
				f = g
			}
		}
		if f.cost > before-1e-6 {
			break
		}
	}
	return f
}

// spread is how far the recorders stand from their middle, m.
func (j *joint) spread() float64 {
	v := 1.0
	for i := range j.rec {
		v = math.Max(v, math.Hypot(j.p.Recorders[i].X-j.ox, j.p.Recorders[i].Y-j.oy))
	}
	return v
}

func (j *joint) descend(x []float64) jointFit { return j.descendFrom(x, nil, 80) }

// descendFrom is Levenberg-Marquardt with more priors, if any.
func (j *joint) descendFrom(x []float64, pinned []jointPrior, rounds int) jointFit {
	kept := j.prior
	j.prior = append(append([]jointPrior{}, j.prior...), pinned...)
	defer func() { j.prior = kept }()
	n := j.n
	f := jointFit{x: append([]float64(nil), x...)}
	f.cost, f.loss = j.cost(f.x)
	lambda := 1e-4
	for range rounds {
		A, g := j.normal(f.x)
		B := append([]float64(nil), A...)
		for i := range n {
			B[i*n+i] *= 1 + lambda
		}
		step, ok := solvePositive(B, g, n)
		if !ok {
			lambda *= 10
			if lambda > 1e9 {
				return f
			}
			continue
		}
		y := append([]float64(nil), f.x...)
		for i := range n {
			y[i] += step[i]
		}
		cost, loss := j.cost(y)
		if y[0] < 200 || y[0] > 500 || !(cost < f.cost) {
			if lambda *= 5; lambda > 1e9 {
				break
			}
			continue
		}
		done := f.cost-cost < 1e-9*(1+cost)
		f.x, f.cost, f.loss = y, cost, loss
		if lambda /= 8; done {
			break
		}
	}
	if pinned == nil {
		A, _ := j.normal(f.x)
		f.cov, f.ok = invert(A, n)
	}
	return f
}

// solvePositive solves A x = g for a symmetric positive A by Cholesky's
// factors, which it writes over A.
func solvePositive(A, g []float64, n int) ([]float64, bool) {
	for j := range n {
		row := A[j*n : j*n+j+1]
		d := row[j]
		for _, v := range row[:j] {
			d -= v * v
		}
		if !(d > 0) {
			return nil, false
		}
		d = math.Sqrt(d)
		row[j] = d
		for i := j + 1; i < n; i++ {
			o := A[i*n : i*n+j+1]
			s := o[j]
			for k, v := range row[:j] {
				s -= o[k] * v
			}
			o[j] = s / d
		}
	}
	x := append([]float64(nil), g...)
	for i := range n {
		for k, v := range A[i*n : i*n+i] {
			x[i] -= v * x[k]
		}
		x[i] /= A[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			x[i] -= A[k*n+i] * x[k]
		}
		x[i] /= A[i*n+i]
	}
	return x, true
}

func (j *joint) normal(x []float64) (A, g []float64) {
	n := j.n
	A, g = make([]float64, n*n), make([]float64, n)
	for _, o := range j.obs {
		r, at, d := j.model(x, o)
		w := 1 / (o.sd * o.sd)
		if u := math.Abs(r) / o.sd; u > 3 {
			w *= 3 / u
		}
		for a := range at {
			g[at[a]] -= w * d[a] * r
			for b := range at {
				A[at[a]*n+at[b]] += w * d[a] * d[b]
			}
		}
	}
	for _, q := range j.prior {
		w := 1 / (q.sd * q.sd)
		A[q.at*n+q.at] += w
		g[q.at] -= w * (x[q.at] - q.value)
	}
	return
}

// starts are first guesses: the sound that most recorders heard is put at its
// known place or in turn at places around the recorders; it gives the clocks,
// these give the other sounds.
func (j *joint) starts() [][]float64 {
	p := j.p
	anchor, most := -1, -1
	for k := range p.Sounds {
		if _, ok := j.snd[k]; !ok {
			continue
		}
		score := len(p.Sounds[k].Heard)
		if p.Sounds[k].At != nil {
			score += 1000
		}
		if score > most {
			anchor, most = k, score
		}
	}
	spread := j.spread()
	var around [][2]float64
	if at := p.Sounds[anchor].At; at != nil {
		around = [][2]float64{{at[0] - j.ox, at[1] - j.oy}}
	} else {
		around = append(around, [2]float64{})
		for _, far := range []float64{0.5, 1, 2.5} {
			for k := range 8 {
				s, c := math.Sincos(float64(k) * math.Pi / 4)
				around = append(around, [2]float64{far * spread * s, far * spread * c})
			}
		}
	}
	var out [][]float64
	for _, a := range around {
		x := make([]float64, j.n)
		for _, q := range j.prior {
			x[q.at] = q.value
		}
		clocks := map[int]bool{}
		j.place(x, anchor, a, clocks, spread)
		for range j.snd {
			for k := range p.Sounds {
				if _, ok := j.snd[k]; ok && k != anchor {
					j.place(x, k, [2]float64{math.NaN()}, clocks, spread)
				}
			}
		}
		out = append(out, x)
	}
	return out
}

// place puts a sound where it fits the clocks that are known, or at a given
// place, and lets it give clocks to the recorders that have none.
func (j *joint) place(x []float64, k int, at [2]float64, clocks map[int]bool, spread float64) {
	b, src := j.snd[k], &j.p.Sounds[k]
	known := 0
	for _, a := range src.Heard {
		if clocks[a.Recorder] {
			known++
		}
	}
	if len(clocks) > 0 && known == 0 {
		return
	}
	z := src.Z
	if src.At != nil {
		z, at = src.At[2], [2]float64{src.At[0] - j.ox, src.At[1] - j.oy}
	}
	travel := func(i int, px, py float64) float64 {
		r := &j.p.Recorders[i]
		return math.Sqrt((px-r.X+j.ox)*(px-r.X+j.ox)+(py-r.Y+j.oy)*(py-r.Y+j.oy)+(z-r.Z)*(z-r.Z)) / x[0]
	}
	if math.IsNaN(at[0]) {
		if known < 3 {
			return
		}
		// A coarse grid, three times finer each time.
		best, cx, cy, w := math.Inf(1), 0.0, 0.0, 4*spread
		for range 7 {
			bx, by := cx, cy
			for gx := -6; gx <= 6; gx++ {
				for gy := -6; gy <= 6; gy++ {
					px, py := cx+w*float64(gx)/6, cy+w*float64(gy)/6
					var s, q, n float64
					for _, a := range src.Heard {
						if clocks[a.Recorder] {
							v := x[j.rec[a.Recorder]] + a.T - travel(a.Recorder, px, py)
							s, q, n = s+v, q+v*v, n+1
						}
					}
					if v := q - s*s/n; v < best {
						best, bx, by = v, px, py
					}
				}
			}
			cx, cy, w = bx, by, w/3
		}
		at = [2]float64{cx, cy}
	}
	var t, n float64
	for _, a := range src.Heard {
		if clocks[a.Recorder] {
			t, n = t+x[j.rec[a.Recorder]]+a.T-travel(a.Recorder, at[0], at[1]), n+1
		}
	}
	if n == 0 { // the first sound: the clock of one of its recorders is the start
		first := src.Heard[0]
		for _, a := range src.Heard {
			if a.Recorder == j.ref {
				first = a
			}
		}
		t, n = first.T-travel(first.Recorder, at[0], at[1]), 1
	}
	t /= n
	x[b], x[b+1], x[b+2] = at[0], at[1], t
	for _, a := range src.Heard {
		if !clocks[a.Recorder] {
			clocks[a.Recorder] = true
			x[j.rec[a.Recorder]] = t + travel(a.Recorder, at[0], at[1]) - a.T
		}
	}
	// All clocks count from the reference.
	if zero := x[j.rec[j.ref]]; clocks[j.ref] && zero != 0 {
		for i := range clocks {
			x[j.rec[i]] -= zero
		}
		for q := range j.snd {
			x[j.snd[q]+2] -= zero
		}
	}
}
