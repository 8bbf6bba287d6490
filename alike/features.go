package alike

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// Feature is a corner of a picture with a description that a turned or scaled
// copy keeps. The description compares pairs of points around the corner in
// the corner's own direction, as ORB does (Rublee, Rabaud, Konolige and
// Bradski, 2011).
type Feature struct {
	X, Y  float64 // pixels of the picture that was given
	Size  float64 // pixels to one sample of the level it was found on
	Angle float64 // radians
	word  [4]uint64
}

// Limits of the search for corners.
const (
	featureSide  = 720 // pictures are looked at no larger than this
	featureLevel = 1.25
	featureMost  = 600
	pairAt       = 80 // largest distance of two descriptions of one corner, bits
	rivalAt      = 92 // beyond it a second-best says nothing: pairAt / 0.88
	patch        = 15 // half of the described square, samples
	points       = 256
)

// pattern is the pairs of points, from a fixed sequence so that every run and
// machine compares the same ones.
var pattern = func() (p [points][4]float64) {
	r := rand.New(rand.NewPCG(20190, 11))
	draw := func() float64 {
		for {
			if v := r.NormFloat64() * patch / 2.2; math.Abs(v) <= patch-2 {
				return v
			}
		}
	}
	for i := range p {
		p[i] = [4]float64{draw(), draw(), draw(), draw()}
	}
	return p
}()

// Features finds the corners of a picture on a pyramid of sizes.
func Features(g Gray) []Feature {
	level := g.Fit(featureSide)
	if level.W < 1 {
		return nil
	}
	base := float64(g.W) / float64(level.W)
	first := level
	var all []Feature
	left := float64(featureMost)
	for k := 0; level.W > 3*patch && level.H > 3*patch && k < 9; k++ {
		size := base * float64(first.W) / float64(level.W)
		found := corners(level, int(left*0.3)+20)
		left *= 0.7
		soft := blur(level)
		for _, c := range found {
			f := Feature{X: (float64(c.x) + 0.5) * size, Y: (float64(c.y) + 0.5) * size, Size: size}
			f.Angle = direction(level, c.x, c.y)
			f.word = describe(soft, c.x, c.y, f.Angle)
			all = append(all, f)
		}
		s := math.Pow(featureLevel, float64(k+1))
		level = first.Resize(int(float64(first.W)/s+0.5), int(float64(first.H)/s+0.5))
	}
	return all
}

type corner struct {
	x, y int
	r    float32
}

// corners are the strongest local maxima of the smaller eigenvalue of the
// structure tensor (Shi and Tomasi), spread over the picture by cells.
func corners(g Gray, most int) []corner {
	w, h := g.W, g.H
	n := w * h
	xx, yy, xy := make([]float32, n), make([]float32, n), make([]float32, n)
	for y := 1; y < h-1; y++ {
		for x := 1; x < w-1; x++ {
			i := y*w + x
			dx, dy := g.Pix[i+1]-g.Pix[i-1], g.Pix[i+w]-g.Pix[i-w]
			xx[i], yy[i], xy[i] = dx*dx, dy*dy, dx*dy
		}
	}
	tmp := make([]float32, n)
	for _, a := range [][]float32{xx, yy, xy} {
		for y := range h {
			box(a[y*w:(y+1)*w], tmp[y*w:(y+1)*w], 5)
		}
		boxDown(tmp, a, w, h, 5)
	}
	resp := tmp
	for i := range resp {
		half, d := (xx[i]+yy[i])/2, (xx[i]-yy[i])/2
		resp[i] = half - float32(math.Sqrt(float64(d*d+xy[i]*xy[i])))
	}
	var list []corner
	for y := patch + 3; y < h-patch-3; y++ {
		for x := patch + 3; x < w-patch-3; x++ {
			i := y*w + x
			r := resp[i]
			if r < 60 || r < resp[i-1] || r <= resp[i+1] || r < resp[i-w] || r <= resp[i+w] || r < resp[i-w-1] || r < resp[i-w+1] || r <= resp[i+w-1] || r <= resp[i+w+1] {
				continue
			}
			list = append(list, corner{x, y, r})
		}
	}
	slices.SortFunc(list, func(a, b corner) int {
		switch {
		case a.r > b.r:
			return -1
		case a.r < b.r:
			return 1
		}
		return a.y*w + a.x - b.y*w - b.x
	})
	if len(list) <= most {
		return list
	}
	const cells = 8
	var count [cells][cells]int
	per := max(2, 2*most/(cells*cells))
	out := list[:0:0]
	for _, c := range list {
		cx, cy := c.x*cells/w, c.y*cells/h
		if count[cy][cx] < per && len(out) < most {
			count[cy][cx]++
			out = append(out, c)
		}
	}
	return out
}

func blur(g Gray) Gray {
	out := Gray{W: g.W, H: g.H, Pix: make([]float32, len(g.Pix))}
	tmp := make([]float32, len(g.Pix))
	for y := range g.H {
		box(g.Pix[y*g.W:(y+1)*g.W], tmp[y*g.W:(y+1)*g.W], 5)
	}
	boxDown(tmp, out.Pix, g.W, g.H, 5)
	return out
}

// direction points from the corner to the centre of light around it.
func direction(g Gray, x, y int) float64 {
	var mx, my float64
	for dy := -patch; dy <= patch; dy++ {
		for dx := -patch; dx <= patch; dx++ {
			if dx*dx+dy*dy > patch*patch {
				continue
			}
			v := float64(g.Pix[(y+dy)*g.W+x+dx])
			mx += v * float64(dx)
			my += v * float64(dy)
		}
	}
	return math.Atan2(my, mx)
}

func describe(g Gray, x, y int, angle float64) (w [4]uint64) {
	s, c := math.Sincos(angle)
	at := func(px, py float64) float32 {
		xi := min(max(x+int(math.Round(c*px-s*py)), 0), g.W-1)
		yi := min(max(y+int(math.Round(s*px+c*py)), 0), g.H-1)
		return g.Pix[yi*g.W+xi]
	}
	for i, p := range pattern {
		if at(p[0], p[1]) < at(p[2], p[3]) {
			w[i>>6] |= 1 << (i & 63)
		}
	}
	return w
}

// Similarity maps a point of B to A: x = Scale (cos x' - sin y') + X and the
// like, in pixels; Angle in radians, clockwise as a person sees the picture.
type Similarity struct {
	Scale, Angle, X, Y float64
}

// Map gives the place in A of a point of B.
func (s Similarity) Map(x, y float64) (float64, float64) {
	sin, cos := math.Sincos(s.Angle)
	return s.Scale*(cos*x-sin*y) + s.X, s.Scale*(sin*x+cos*y) + s.Y
}

// Inverse maps a point of A to B.
func (s Similarity) Inverse() Similarity {
	inv := Similarity{Scale: 1 / s.Scale, Angle: -s.Angle}
	x, y := inv.Map(s.X, s.Y)
	inv.X, inv.Y = -x, -y
	return inv
}

// Part is how two pictures share a part.
type Part struct {
	Similarity
	Inliers  int     // pairs of corners that agree
	CoverA   float64 // share of A's surface that B covers, 0 to 1
	CoverB   float64 // share of B's surface that A covers
	Alike    float64 // correlation of light in the shared part, -1 to 1
	Changed  float64 // share of the shared part whose light differs clearly
	Tone     bool    // the shared part differs in brightness or contrast as a whole
	ShiftPct float64 // mean difference of light left over, 0 to 100
}

// MinInliers is how many pairs of corners must agree for a part to be claimed:
// the test of unrelated pictures says how many agree by chance.
const MinInliers = 12

// Register finds the largest part that two pictures share, B scaled, turned
// and moved onto A. ok is false when too few corners agree or when the light
// in the shared part does not correlate.
func Register(a, b Gray, fa, fb []Feature) (p Part, ok bool) {
	pairs := matchFeatures(fa, fb)
	s, in := consensus(fa, fb, pairs)
	if in < MinInliers {
		return Part{Similarity: s, Inliers: in}, false
	}
	p = Compare(a, b, s)
	p.Inliers = in
	// A tiny shared part with few corners is what chance looks like.
	return p, p.Alike >= 0.6 && (p.Inliers >= 2*MinInliers || math.Max(p.CoverA, p.CoverB) >= 0.2)
}

func matchFeatures(fa, fb []Feature) (out [][2]int) {
	if len(fa) == 0 || len(fb) == 0 {
		return nil
	}
	type hit struct{ at, d, second int }
	ab, ba := make([]hit, len(fa)), make([]hit, len(fb))
	for i := range ab {
		ab[i] = hit{-1, 999, 999}
	}
	for j := range ba {
		ba[j] = hit{-1, 999, 999}
	}
	// A neighbour on the next level is the same corner, not a rival.
	better := func(h *hit, to []Feature, j, d int) {
		switch {
		case d < h.d:
			if h.at < 0 || !close(to[h.at], to[j]) {
				h.second = h.d
			}
			h.at, h.d = j, d
		case d < h.second && !close(to[h.at], to[j]):
			h.second = d
		}
	}
	for i := range fa {
		w := &fa[i].word
		for j := range fb {
			v := &fb[j].word
			d := bits.OnesCount64(w[0]^v[0]) + bits.OnesCount64(w[1]^v[1]) + bits.OnesCount64(w[2]^v[2]) + bits.OnesCount64(w[3]^v[3])
			// Nothing past the limit can be a pair, nor spoil one.
			if d > rivalAt {
				continue
			}
			if d < ab[i].second {
				better(&ab[i], fb, j, d)
			}
			if d < ba[j].second {
				better(&ba[j], fa, i, d)
			}
		}
	}
	for i, h := range ab {
		if h.at < 0 || h.d > pairAt || float64(h.d) > 0.88*float64(h.second) {
			continue
		}
		if back := ba[h.at].at; back == i || close(fa[back], fa[i]) {
			out = append(out, [2]int{i, h.at})
		}
	}
	return out
}

func cell(f Feature) [2]int { return [2]int{int(f.X / (4 * f.Size)), int(f.Y / (4 * f.Size))} }

func close(p, q Feature) bool {
	r := 4 * math.Max(p.Size, q.Size)
	return math.Abs(p.X-q.X) < r && math.Abs(p.Y-q.Y) < r
}

// consensus finds the similarity that most pairs agree with, by trying pairs of
// pairs in a fixed sequence, and fits it to those that agree.
func consensus(fa, fb []Feature, pairs [][2]int) (best Similarity, inliers int) {
	if len(pairs) < 3 {
		return best, 0
	}
	r := rand.New(rand.NewPCG(uint64(len(pairs)), 5))
	fits := func(s Similarity, sin, cos float64, p [2]int) bool {
		q, o := &fb[p[1]], &fa[p[0]]
		tol := 3 * max(o.Size, s.Scale*q.Size)
		return math.Abs(s.Scale*(cos*q.X-sin*q.Y)+s.X-o.X) <= tol && math.Abs(s.Scale*(sin*q.X+cos*q.Y)+s.Y-o.Y) <= tol
	}
	var set [][2]int
	agree := func(s Similarity) (in [][2]int) {
		sin, cos := math.Sincos(s.Angle)
		n := 0
		for _, p := range pairs {
			if fits(s, sin, cos, p) {
				n++
			}
		}
		if n <= len(set) { // doubles only make it fewer
			return nil
		}
		seenA, seenB := make(map[[2]int]bool, n), make(map[[2]int]bool, n)
		for _, p := range pairs {
			if !fits(s, sin, cos, p) {
				continue
			}
			q, o := fb[p[1]], fa[p[0]]
			// Corners of several levels at one place count once.
			ca, cb := cell(o), cell(q)
			if !seenA[ca] && !seenB[cb] {
				seenA[ca], seenB[cb] = true, true
				in = append(in, p)
			}
		}
		return in
	}
	try := func(s Similarity) {
		if !(s.Scale > 0.1 && s.Scale < 10) {
			return
		}
		if in := agree(s); len(in) > len(set) {
			best, set = s, in
		}
	}
	for range min(600, len(pairs)*len(pairs)) {
		i, j := pairs[r.IntN(len(pairs))], pairs[r.IntN(len(pairs))]
		if i == j {
			continue
		}
		// One pair with its directions and sizes must not contradict the other.
		s, ok := fit(fa, fb, [][2]int{i, j})
		if !ok {
			continue
		}
		turn := math.Remainder(fa[i[0]].Angle-fb[i[1]].Angle-s.Angle, 2*math.Pi)
		if math.Abs(turn) > 0.6 {
			continue
		}
		try(s)
	}
	for range 3 {
		if s, ok := fit(fa, fb, set); ok {
			try(s)
		}
	}
	return best, len(set)
}

// fit is the least-squares similarity from B to A.
func fit(fa, fb []Feature, pairs [][2]int) (s Similarity, ok bool) {
	n := float64(len(pairs))
	if n < 2 {
		return s, false
	}
	var ax, ay, bx, by float64
	for _, p := range pairs {
		ax += fa[p[0]].X / n
		ay += fa[p[0]].Y / n
		bx += fb[p[1]].X / n
		by += fb[p[1]].Y / n
	}
	var c, d, v float64
	for _, p := range pairs {
		x, y := fb[p[1]].X-bx, fb[p[1]].Y-by
		u, w := fa[p[0]].X-ax, fa[p[0]].Y-ay
		c += x*u + y*w
		d += x*w - y*u
		v += x*x + y*y
	}
	if v < 1 {
		return s, false
	}
	s.Scale, s.Angle = math.Hypot(c, d)/v, math.Atan2(d, c)
	if s.Scale == 0 {
		return s, false
	}
	x, y := s.Map(bx, by)
	s.X, s.Y = ax-x, ay-y
	return s, true
}

// Compare lays B on A and measures what they share and how it differs.
func Compare(a, b Gray, s Similarity) Part {
	p := Part{Similarity: s}
	// Samples of the comparison along each side of A: no more than the coarser
	// of the two can show.
	grid := min(max(min(min(a.W, a.H), int(float64(min(b.W, b.H))*math.Max(s.Scale, 1)))/3, 24), 96)
	// Both are softened to one sample of the grid, so that fine detail lost in
	// a copy is no difference.
	sa := a.Resize(grid, grid)
	inv := s.Inverse()
	stepA := math.Max(float64(a.W), float64(a.H)) / float64(grid)
	side := int(math.Max(float64(max(b.W, b.H))*s.Scale/stepA, 8) + 0.5)
	sb := b.Fit(side)
	kx, ky := float64(sb.W)/float64(b.W), float64(sb.H)/float64(b.H)
	var va, vb []float64
	where := make([]int, 0, grid*grid)
	for y := range grid {
		for x := range grid {
			px, py := (float64(x)+0.5)*float64(a.W)/float64(grid), (float64(y)+0.5)*float64(a.H)/float64(grid)
			bx, by := inv.Map(px, py)
			if bx < 0 || by < 0 || bx >= float64(b.W) || by >= float64(b.H) {
				continue
			}
			va = append(va, float64(sa.Pix[y*grid+x]))
			vb = append(vb, sb.at(bx*kx-0.5, by*ky-0.5))
			where = append(where, y*grid+x)
		}
	}
	n := float64(len(va))
	if n < 16 {
		return p
	}
	p.CoverA = n / float64(grid*grid)
	p.CoverB = math.Min(1, p.CoverA*float64(a.W)*float64(a.H)/(float64(b.W)*float64(b.H)*s.Scale*s.Scale))
	gain, bias, corr := line(vb, va, nil)
	// Where something was laid over, the rest must not pay for it: fit again
	// without the worst tenth.
	res := make([]float64, len(va))
	for i := range va {
		res[i] = math.Abs(va[i] - gain*vb[i] - bias)
	}
	cut := slices.Clone(res)
	slices.Sort(cut)
	limit := cut[len(cut)*9/10]
	g2, b2, c2 := line(vb, va, func(i int) bool { return res[i] <= limit })
	if c2 > corr {
		gain, bias = g2, b2
	}
	p.Alike = math.Max(corr, c2*0.98)
	p.Tone = math.Abs(gain-1) > 0.12 || math.Abs(bias+(gain-1)*128) > 12
	// What a change of tone drove to black or white is lost, not laid over.
	lost := func(v float64) bool { return p.Tone && (v < 6 || v > 249) }
	sum, changed := 0.0, 0
	mark := make([]bool, grid*grid)
	for i := range va {
		d := math.Abs(va[i] - gain*vb[i] - bias)
		sum += d
		mark[where[i]] = d > 32 && !lost(va[i]) && !lost(vb[i])
	}
	for i, m := range mark {
		// A lone sample is an edge that was sharpened; a patch is something new.
		x, y := i%grid, i/grid
		if m && x > 0 && y > 0 && x < grid-1 && y < grid-1 && mark[i-1] && mark[i+1] && mark[i-grid] && mark[i+grid] {
			changed++
		}
	}
	p.ShiftPct = sum / n / 2.55
	p.Changed = float64(changed) / n
	return p
}

// line fits y = gain x + bias and gives the correlation.
func line(x, y []float64, use func(int) bool) (gain, bias, corr float64) {
	var n, sx, sy, sxx, syy, sxy float64
	for i := range x {
		if use != nil && !use(i) {
			continue
		}
		n++
		sx += x[i]
		sy += y[i]
		sxx += x[i] * x[i]
		syy += y[i] * y[i]
		sxy += x[i] * y[i]
	}
	if n < 2 {
		return 1, 0, 0
	}
	vx, vy, c := sxx-sx*sx/n, syy-sy*sy/n, sxy-sx*sy/n
	if vx < 1e-9 || vy < 1e-9 {
		return 1, (sy - sx) / n, 0
	}
	gain = c / vx
	return gain, (sy - gain*sx) / n, c / math.Sqrt(vx*vy)
}

// at is the light between samples.
func (g Gray) at(x, y float64) float64 {
	x, y = math.Min(math.Max(x, 0), float64(g.W-1)), math.Min(math.Max(y, 0), float64(g.H-1))
	x0, y0 := int(x), int(y)
	x1, y1 := min(x0+1, g.W-1), min(y0+1, g.H-1)
	fx, fy := x-float64(x0), y-float64(y0)
	top := float64(g.Pix[y0*g.W+x0])*(1-fx) + float64(g.Pix[y0*g.W+x1])*fx
	low := float64(g.Pix[y1*g.W+x0])*(1-fx) + float64(g.Pix[y1*g.W+x1])*fx
	return top*(1-fy) + low*fy
}

// Apply turns a picture.
func (t Turn) Apply(g Gray) Gray {
	out := Gray{W: g.W, H: g.H, Pix: make([]float32, g.W*g.H)}
	if t == Rotated90 || t == Rotated270 || t == Transposed || t == Antitransposed {
		out.W, out.H = g.H, g.W
	}
	for y := range out.H {
		for x := range out.W {
			sx, sy := x, y
			switch t {
			case Rotated90:
				sx, sy = y, g.H-1-x
			case Rotated180:
				sx, sy = g.W-1-x, g.H-1-y
			case Rotated270:
				sx, sy = g.W-1-y, x
			case Mirrored:
				sx = g.W - 1 - x
			case Flipped:
				sy = g.H - 1 - y
			case Transposed:
				sx, sy = y, x
			case Antitransposed:
				sx, sy = g.W-1-y, g.H-1-x
			}
			out.Pix[y*out.W+x] = g.Pix[sy*g.W+sx]
		}
	}
	return out
}
