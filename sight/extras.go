package sight

import (
	"encoding/base64"
	"fmt"
	"math"
	"sort"
)

// HeatMap is the profile likelihood of the place seen from above: for each
// cell, how badly the clicks fit when the camera stands over it, with
// everything else (height, direction, lens) chosen as well as can be. Rows run
// from south to north, cells from west to east. A byte is 20 times the square
// root of the rise of the cost over the best camera: 49 is the edge of the
// 95 % region (2.45 sigma in two dimensions), 255 is out of the question.
type HeatMap struct {
	West   float64 `json:"west"` // of the first cell's middle, metres
	South  float64 `json:"south"`
	StepM  float64 `json:"step_m"`
	Size   int     `json:"size"`   // cells a side
	Base64 string  `json:"base64"` // Size*Size bytes
}

// NextClick is a point that would make the place surer.
type NextClick struct {
	ID     string     `json:"id,omitempty"` // of a candidate; empty for a region of the picture
	Px     [2]float64 `json:"px"`           // where it should be in the photo
	SigmaM float64    `json:"sigma_m"`      // position, root of the summed variances: now
	AfterM float64    `json:"after_m"`      // and with this click
	Text   string     `json:"text"`
}

const (
	heatSize  = 200
	heatNodes = 41
	heatTop   = 60.0 // rise of the cost beyond which nothing is followed
)

// extras fills what only the full report has.
func (a *Answer) extras(p *Problem, t *task, fits []fit, scene *Surroundings) {
	a.HeatMap = t.heat(fits)
	t.adopt(&fits[0])
	a.NextClicks = t.next(p, &fits[0], scene)
	t.adopt(&fits[0])
}

// heat solves the profile on a coarse grid, spreading outwards from each mode
// so that each node starts from a solved neighbour, and interpolates.
func (t *task) heat(fits []fit) *HeatMap {
	best := &fits[0]
	lo, hi := vec{math.Inf(1), math.Inf(1)}, vec{math.Inf(-1), math.Inf(-1)}
	for i := range fits {
		f := &fits[i]
		a, b, c := f.cov[0][0], f.cov[0][1], f.cov[1][1]
		l := (a+c)/2 + math.Sqrt(float64((a-c)*(a-c))/4+float64(b*b))
		r := float64(5 * math.Sqrt(math.Max(1e-8, l)))
		if !finite(r) || r > 1e5 {
			r = 1e5
		}
		for k := range 2 {
			lo[k], hi[k] = math.Min(lo[k], f.s.c[k]-r), math.Max(hi[k], f.s.c[k]+r)
		}
	}
	side := math.Max(hi[0]-lo[0], hi[1]-lo[1])
	h := &HeatMap{Size: heatSize, StepM: side / (heatSize - 1), West: (lo[0] + hi[0] - side) / 2, South: (lo[1] + hi[1] - side) / 2}
	node := side / (heatNodes - 1)
	rise := make([]float64, heatNodes*heatNodes)
	for i := range rise {
		rise[i] = math.Inf(1)
	}
	free := t.free
	free[0], free[1] = false, false
	own := make([]float64, len(rise))
	at := make([]state, len(rise))
	for i := range fits {
		f := &fits[i]
		t.adopt(f)
		base := t.cost(&f.s, 0)
		for k := range own {
			own[k] = math.Inf(1)
		}
		var queue []int
		try := func(x, y int, from *state) {
			if x < 0 || y < 0 || x >= heatNodes || y >= heatNodes {
				return
			}
			k := y*heatNodes + x
			if !math.IsInf(own[k], 1) {
				return
			}
			s := *from
			s.c[0], s.c[1] = h.West+float64(node*float64(x)), h.South+float64(node*float64(y))
			t.ridge(from, &s, &free)
			c := t.descend(&s, 0, &free, 6, 1e-3) - base
			if !(c < 1e300) {
				c = 1e300
			}
			own[k], at[k] = math.Max(0, c), s
			if c < heatTop {
				queue = append(queue, k)
			}
		}
		x, y := int((f.s.c[0]-h.West)/node+0.5), int((f.s.c[1]-h.South)/node+0.5)
		// A narrow valley may pass between the nodes next to the mode.
		for dy := -2; dy <= 2; dy++ {
			for dx := -2; dx <= 2; dx++ {
				try(x+dx, y+dy, &f.s)
			}
		}
		for n := 0; n < len(queue); n++ {
			k := queue[n]
			for _, d := range [4][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
				try(k%heatNodes+d[0], k/heatNodes+d[1], &at[k])
			}
		}
		for k := range rise {
			if v := own[k] + f.cost - best.cost; v < rise[k] {
				rise[k] = v
			}
		}
	}
	for k := range rise {
		rise[k] = math.Min(rise[k], 4*heatTop)
	}
	cells := make([]byte, heatSize*heatSize)
	for y := range heatSize {
		for x := range heatSize {
			v := bicubic(rise, float64(x)*(heatNodes-1)/(heatSize-1), float64(y)*(heatNodes-1)/(heatSize-1))
			cells[y*heatSize+x] = byte(math.Min(255, math.Floor(float64(20*math.Sqrt(math.Max(0, v)))+0.5)))
		}
	}
	h.Base64 = base64.StdEncoding.EncodeToString(cells)
	return h
}

// ridge predicts the other parameters at a displaced place to first order.
func (t *task) ridge(from, to *state, free *[nParam]bool) {
	var n normal
	all := t.free
	t.linearise(from, 0, &all, &n)
	if math.IsInf(n.cost, 1) {
		return
	}
	var d [nParam]float64
	dx, dy := to.c[0]-from.c[0], to.c[1]-from.c[1]
	for i := 2; i < nParam; i++ {
		if free[i] {
			d[i] = -n.g[i] - float64(n.h[i][0]*dx) - float64(n.h[i][1]*dy)
		}
	}
	for i := range 2 {
		for k := range nParam {
			if k < i {
				n.h[i][k] = 0
			} else {
				n.h[k][i] = 0
			}
		}
		n.h[i][i] = 1
	}
	if !n.h.cholesky(nParam) {
		return
	}
	n.h.solve(nParam, &d)
	// A prediction that turns the camera by more than half a radian is none.
	if !(norm(vec{d[3], d[4], d[5]}) < 0.5) {
		return
	}
	d[0], d[1] = 0, 0
	*to = to.step(&d)
}

// bicubic is Catmull and Rom's interpolation on the node grid.
func bicubic(g []float64, x, y float64) float64 {
	xi, yi := min(int(x), heatNodes-2), min(int(y), heatNodes-2)
	wx, wy := cubic(x-float64(xi)), cubic(y-float64(yi))
	sum := 0.0
	for j := range 4 {
		r := min(max(yi+j-1, 0), heatNodes-1) * heatNodes
		for i := range 4 {
			sum += float64(wx[i] * wy[j] * g[r+min(max(xi+i-1, 0), heatNodes-1)])
		}
	}
	return sum
}

func cubic(t float64) [4]float64 {
	t2, t3 := float64(t*t), float64(t*t*t)
	return [4]float64{
		(float64(2*t2) - t - t3) / 2,
		(float64(3*t3) - float64(5*t2) + 2) / 2,
		(t + float64(4*t2) - float64(3*t3)) / 2,
		(t3 - t2) / 2,
	}
}

// next finds the candidates that would lower the summed variance of the
// position most: model points not yet used that the camera sees, or, where
// the problem names none, nine regions of the picture at three depths.
func (t *task) next(p *Problem, f *fit, scene *Surroundings) []NextClick {
	var full normal
	t.weigh(&f.s, 0.5)
	t.linearise(&f.s, 0, &t.free, &full)
	sd := func(h *square) float64 {
		for a := range nParam {
			for b := range a {
				h[b][a] = h[a][b]
			}
		}
		c, ok := h.inverse()
		if !ok {
			return math.Inf(1)
		}
		return math.Sqrt(c[0][0] + c[1][1] + c[2][2])
	}
	h := full.h
	now := sd(&h)
	if !finite(now) {
		return nil
	}
	w, ht := float64(p.Image.Width), float64(p.Image.Height)
	spx := math.Max(0.5, pick(p.SigmaPx, 2))
	with := func(x vec, sm vec) (px [2]float64, after float64, ok bool) {
		u, v, z := f.s.project(&x)
		if !(z > 0) || u < 0 || v < 0 || u > w || v > ht {
			return px, 0, false
		}
		one := task{m: []mark{{u: u, v: v, x: x, sp: spx, sm: sm, smMax: math.Max(sm[0], math.Max(sm[1], sm[2])), use: true}}, free: t.free}
		one.weigh(&f.s, 0.5)
		var n normal
		one.linearise(&f.s, 0, &t.free, &n)
		s := full.h
		for a := range nParam {
			for b := 0; b <= a; b++ {
				if t.free[a] && t.free[b] {
					s[a][b] += n.h[a][b]
				}
			}
		}
		return [2]float64{u, v}, sd(&s), true
	}
	var out []NextClick
	used := map[[3]float64]bool{}
	depth := 0.0
	for i := range t.m {
		used[t.m[i].x] = true
		if f.in[i] {
			depth += norm(sub(t.m[i].x, f.s.c)) / float64(f.nIn)
		}
	}
	for _, c := range p.Candidates {
		if used[c.World] {
			continue
		}
		var sm vec
		if p.SigmaM != nil {
			sm = p.SigmaM.V
		}
		if c.SigmaM != nil {
			sm = c.SigmaM.V
		}
		px, after, ok := with(c.World, sm)
		if !ok {
			continue
		}
		if scene != nil {
			if scene.all.Blocked(f.s.c, c.World, 0.05) {
				continue
			}
		}
		out = append(out, NextClick{c.ID, px, now, after, fmt.Sprintf("%s would bring the position from %.2g m to %.2g m", c.ID, now, after)})
	}
	if len(p.Candidates) == 0 {
		var sm vec
		if p.SigmaM != nil {
			sm = p.SigmaM.V
		}
		down, across := [3]string{"top", "middle", "bottom"}, [3]string{"left", "centre", "right"}
		for r := range 3 {
			for c := range 3 {
				px := [2]float64{w * (0.08 + 0.42*float64(c)), ht * (0.08 + 0.42*float64(r))}
				b := f.s.bearing(px[0], px[1])
				var best NextClick
				for _, d := range [3]float64{0.5 * depth, depth, 2 * depth} {
					x := f.s.c
					for i := range 3 {
						for k := range 3 {
							x[i] += float64(d * b[k] * f.s.r[k][i])
						}
					}
					if q, after, ok := with(x, sm); ok && (best.Text == "" || after < best.AfterM) {
						best = NextClick{"", q, now, after, fmt.Sprintf("a point in the %s %s of the picture, about %.2g m away, would bring the position from %.2g m to %.2g m", down[r], across[c], d, now, after)}
					}
				}
				if best.Text != "" {
					out = append(out, best)
				}
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].AfterM < out[j].AfterM })
	return out[:min(len(out), 3)]
}
