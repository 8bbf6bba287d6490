package sight

import (
	"fmt"
	"math"
	"strings"
)

// Statuses of an answer.
const (
	Solved    = "solved"
	Weak      = "weak"
	Ambiguous = "ambiguous"
	Refused   = "refused"
)

// Answer is a solved camera as a finding: the place, how sure it is, what
// else fits, and the click it depends on most. Lengths in metres, rotations
// in radians in camera axes, pixels as in [Camera].
type Answer struct {
	Format          string         `json:"format"`
	ID              string         `json:"id"`
	Status          string         `json:"status"`
	Reason          string         `json:"reason,omitempty"`
	Position        *[3]float64    `json:"position,omitempty"`
	Rotation        *Quaternion    `json:"rotation,omitempty"`
	Angles          *Angles        `json:"angles,omitempty"`
	FocalPx         float64        `json:"focal_px,omitempty"`
	HFOVDeg         float64        `json:"hfov_deg,omitempty"`
	PrincipalPoint  *[2]float64    `json:"principal_point,omitempty"`
	K1              *float64       `json:"k1,omitempty"`
	Free            []string       `json:"free,omitempty"`
	Covariance      *[6][6]float64 `json:"covariance,omitempty"`
	CovarianceOrder []string       `json:"covariance_order,omitempty"`
	// Projection is "equirectangular" for a panorama, which has no lens; Span is
	// then its width and height in degrees.
	Projection string      `json:"projection,omitempty"`
	Span       *[2]float64 `json:"span_deg,omitempty"`
	// Full is the covariance of position, rotation, log focal, cx, cy and k1.
	// Whatever a ray of this camera meets is more certain than its place: the
	// lens's error and the place's cancel, and only this matrix knows.
	Full            *[10][10]float64 `json:"covariance_full,omitempty"`
	IntrinsicsSigma *Intrinsics      `json:"intrinsics_sigma,omitempty"`
	Ellipsoid95     *Ellipsoid       `json:"ellipsoid95,omitempty"`
	Residuals       []Residual       `json:"residuals,omitempty"`
	Redundancy      *int             `json:"redundancy,omitempty"`
	LeaveOneOut     []LeftOut        `json:"leave_one_out,omitempty"`
	Modes           []Mode           `json:"modes"`
	WeakDirection   *WeakDirection   `json:"weak_direction,omitempty"`
	HeatMap         *HeatMap         `json:"heat_map,omitempty"`
	NextClicks      []NextClick      `json:"next_clicks,omitempty"`
	SigmaScale      float64          `json:"sigma_scale,omitempty"`
	Warnings        []Warning        `json:"warnings"`
	InputSHA256     string           `json:"input_sha256"`
	Seed            *uint64          `json:"seed"`
	Software        Software         `json:"software"`
	ElapsedUS       *float64         `json:"elapsed_us,omitempty"`
}

// Intrinsics are one sigma of the lens parameters.
type Intrinsics struct {
	FocalPx        float64    `json:"focal_px"`
	PrincipalPoint [2]float64 `json:"principal_point_px"`
	K1             float64    `json:"k1"`
}

// Ellipsoid holds the camera with 95 %: semi-axes longest first and their
// unit directions in east, north, up.
type Ellipsoid struct {
	SemiAxes [3]float64    `json:"semi_axes_m"`
	Axes     [3][3]float64 `json:"axes"`
}

// Residual is clicked minus projected, in pixels, and its whitened length.
type Residual struct {
	ID     string     `json:"id"`
	Px     [2]float64 `json:"px"`
	Sigmas float64    `json:"sigmas"`
	Inlier bool       `json:"inlier"`
	Reason string     `json:"reason,omitempty"`
}

// LeftOut says what one click does: how far the camera moves without it and
// by how much the others then miss it.
type LeftOut struct {
	ID     string  `json:"id"`
	Moved  float64 `json:"moved_m"`
	MissPx float64 `json:"predicted_miss_px"`
}

// Mode is another camera that fits nearly as well.
type Mode struct {
	Weight         float64    `json:"weight"`
	Position       [3]float64 `json:"position"`
	Rotation       Quaternion `json:"rotation"`
	FocalPx        float64    `json:"focal_px"`
	PrincipalPoint [2]float64 `json:"principal_point"`
	K1             float64    `json:"k1"`
}

// WeakDirection is the longest axis of doubt, in words.
type WeakDirection struct {
	Axis   [3]float64 `json:"axis"`
	SigmaM float64    `json:"sigma_m"`
	Text   string     `json:"text"`
}

// Warning is something the reader must know; Code is stable.
type Warning struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Software says what computed the answer.
type Software struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Method  string `json:"method"`
}

// Camera is the solved camera; ok is false for a refused answer.
func (a *Answer) Camera(width, height int) (c Camera, ok bool) {
	if a.Position == nil || a.Rotation == nil || a.PrincipalPoint == nil {
		return c, false
	}
	c = Camera{Width: width, Height: height, Position: *a.Position, Rotation: *a.Rotation, FocalPx: a.FocalPx, PrincipalPoint: *a.PrincipalPoint}
	if a.K1 != nil {
		c.K1 = *a.K1
	}
	return c, true
}

func (a *Answer) warn(code, format string, args ...any) {
	a.Warnings = append(a.Warnings, Warning{code, fmt.Sprintf(format, args...)})
}

// look warns about what can be seen before solving.
func (a *Answer) look(p *Problem) {
	var out []string
	fine := false
	spx := pick(p.SigmaPx, 2)
	for _, q := range p.Points {
		if q.Px[0] < 0 || q.Px[1] < 0 || q.Px[0] > float64(p.Image.Width) || q.Px[1] > float64(p.Image.Height) {
			out = append(out, q.ID)
		}
		fine = fine || pick(q.SigmaPx, spx) < 0.5
	}
	if len(out) > 0 {
		s := ""
		if len(out) > 5 {
			s = fmt.Sprintf(" and %d more", len(out)-5)
			out = out[:5]
		}
		a.warn("outside-image", "clicks outside the stated image: %s%s", strings.Join(out, ", "), s)
	}
	if fine {
		a.warn("sigma-floor", "a click error below 0.5 px was stated; the uncertainty counts it as 0.5 px, because lens and pixel model are not better")
	}
	if p.Frame != nil && p.Frame.Vertical == "unknown" {
		a.warn("vertical-unknown", "the vertical datum is unknown; heights may be off by tens of metres against other sources")
	}
	if n := len(p.Points); n > 3 {
		lo, hi := p.Points[0].World, p.Points[0].World
		for _, q := range p.Points {
			for k := range 3 {
				lo[k], hi[k] = math.Min(lo[k], q.World[k]), math.Max(hi[k], q.World[k])
			}
		}
		switch size := norm(sub(hi, lo)); {
		case size > 0 && size < 1:
			a.warn("scale", "all model points lie within %.2g m of each other; if these are kilometres, the place is wrong by a factor of 1000", size)
		case size > 50e3 && size < 1e12:
			a.warn("scale", "the model points are %.0f km apart; if these are millimetres or centimetres, the place is wrong by that factor", size/1000)
		}
	}
	seen := map[[3]float64]string{}
	for _, q := range p.Points {
		if o, ok := seen[q.World]; ok {
			a.warn("same-place", "%s and %s mean the same model point", o, q.ID)
		}
		seen[q.World] = q.ID
	}
}

// tidy rounds degrees to nine decimals, so that
// the last bit of a library's arctangent does not reach the answer.
func tidy(x float64) float64 { return math.Round(float64(x*1e9)) / 1e9 }

// report fills the answer from the fits, best first.
func (a *Answer) report(p *Problem, t *task, fits []fit, rng *pcg, planar bool) {
	f := &fits[0]
	for i := range t.m {
		t.m[i].use = f.in[i]
	}
	t.weigh(&f.s, 0)
	s := f.s
	cam := s.camera(p.Image.Width, p.Image.Height)
	a.Position, a.Rotation, a.FocalPx, a.PrincipalPoint, a.K1 = &cam.Position, &cam.Rotation, s.f, &cam.PrincipalPoint, &cam.K1
	an := cam.Angles()
	a.Angles = &Angles{tidy(an.Heading), tidy(an.Pitch), tidy(an.Roll)}
	a.HFOVDeg = tidy(cam.HFOV())
	a.Free = []string{"position", "rotation"}
	for k, n := range [4]string{"focal", "cx", "cy", "k1"} {
		if t.free[6+k] {
			a.Free = append(a.Free, n)
		}
	}
	red := 2*f.nIn + t.equations - 6
	if t.free[6] && t.prior.info[0] <= 25 && (t.tie == nil || t.tie.info[0][0] <= 25) {
		red--
	}
	a.Redundancy = &red

	// Residuals, and the scale of the errors.
	var depth float64
	a.Residuals = make([]Residual, len(t.m))
	for i := range t.m {
		m := &t.m[i]
		u, v, z := s.project(&m.x)
		ru, rv := m.u-u, m.v-v
		e := math.Sqrt(math.Max(0, float64(m.w[0]*ru*ru)+float64(2*m.w[1]*ru*rv)+float64(m.w[2]*rv*rv)))
		r := Residual{ID: p.Points[i].ID, Px: [2]float64{ru, rv}, Sigmas: e, Inlier: m.use}
		if !(z > 0) {
			r.Px, r.Sigmas, r.Reason = [2]float64{}, 0, "behind the camera"
		} else if !m.use {
			r.Reason = fmt.Sprintf("misses by %.0f px, %.0f times its error", math.Hypot(ru, rv), e)
		}
		a.Residuals[i] = r
		if m.use {
			depth += norm(sub(m.x, s.c)) / float64(f.nIn)
		}
	}
	t.weigh(&s, 0.5)
	cost := t.cost(&s, 0)
	s2 := 1.0
	if red >= 1 && cost > chi2q99(float64(red)) {
		s2 = (cost + 8) / float64(red+8)
		a.warn("errors-larger", "the clicks miss by more than their stated errors; the uncertainty was widened %.2f times", math.Sqrt(s2))
	}
	a.SigmaScale = math.Sqrt(s2)
	cov := f.cov
	if c, curved := t.sample(&s, &cov, rng); curved {
		a.warn("curved", "the uncertainty is curved, not an ellipsoid; the covariance is that of samples of the posterior")
		cov = c
	}
	for i := range nParam {
		for j := range nParam {
			cov[i][j] *= s2
		}
	}
	t.weigh(&s, 0)
	var c6 [6][6]float64
	var c3 mat
	for i := range 6 {
		copy(c6[i][:], cov[i][:6])
	}
	for i := range 3 {
		copy(c3[i][:], cov[i][:3])
	}
	full := [10][10]float64(cov)
	a.Full = &full
	a.Covariance, a.CovarianceOrder = &c6, []string{"e", "n", "u", "wx", "wy", "wz"}
	a.IntrinsicsSigma = &Intrinsics{float64(s.f * math.Sqrt(cov[6][6])), [2]float64{math.Sqrt(cov[7][7]), math.Sqrt(cov[8][8])}, math.Sqrt(cov[9][9])}
	val, axes := eigen3(c3)
	el := &Ellipsoid{Axes: axes}
	for k := range 3 {
		el.SemiAxes[k] = math.Sqrt(float64(7.814728 * math.Max(0, val[k])))
	}
	a.Ellipsoid95 = el
	a.weakness(&s, &cov, val[0], axes[0])
	a.leaveOneOut(p, t, &s)

	// Other cameras that fit.
	a.Modes = []Mode{}
	total := 0.0
	w := make([]float64, len(fits))
	for i := range fits {
		w[i] = float64(exp(-(fits[i].cost-f.cost)/2) * math.Min(1e6, math.Max(1e-6, fits[i].root/f.root)))
		total += w[i]
	}
	second := 0.0
	for i := 1; i < len(fits); i++ {
		o := &fits[i].s
		a.Modes = append(a.Modes, Mode{w[i] / total, o.c, o.q, o.f, [2]float64{o.cx, o.cy}, o.k1})
		second = math.Max(second, w[i]/total)
	}
	chance := t.chance(p, f.nIn)
	a.Status = Solved
	switch {
	case second >= 0.05:
		a.Status = Ambiguous
		a.warn("ambiguous", "%d different cameras fit; look at all of them or add a point", len(fits))
	case red < 1:
		a.Status = Weak
		a.warn("unchecked", "as many unknowns as clicks: the answer cannot be checked; add a point")
	case el.SemiAxes[0] > 0.1*depth:
		a.Status = Weak
		a.warn("loose", "the position is uncertain by more than a tenth of the distance; add points spread over the image and in depth")
	case chance > 1e-3:
		a.Status = Weak
		a.warn("chance", "few clicks agree (%d of %d); wrong clicks could agree by chance", f.nIn, len(t.m))
	}
	if planar && len(t.m) > 3 {
		a.warn("planar", "the points lie on one plane; the principal point and the lens rest on what was assumed about them")
	}
	for i := range t.cons {
		var r [3]float64
		t.cons[i].resid(&s, &r)
		if e := norm(r); e > 4 {
			a.warn("constraint", "%s (%s) is off by %.1f times its error", t.cons[i].id, t.cons[i].kind, e)
		}
	}
}

// chance bounds how many wrong subsets of nIn clicks would agree by accident
// (a contrario): four clicks make a camera, the rest must fall within their
// threshold.
func (t *task) chance(p *Problem, nIn int) float64 {
	n := len(t.m)
	if nIn == n {
		return 0
	}
	area := float64(float64(p.Image.Width) * float64(p.Image.Height))
	l := 0.0
	for k := 1; k <= n-nIn; k++ {
		l += log(float64(nIn+k)) - log(float64(k))
	}
	share := 0.0
	for i := range t.m {
		m := &t.m[i]
		share += math.Pi * m.t2 / math.Sqrt(float64(m.w[0]*m.w[2])-float64(m.w[1]*m.w[1])) / area / float64(n)
	}
	return exp(math.Min(50, l+float64(float64(nIn-4)*log(math.Min(1, share)))))
}

// chi2q99 is the 99 % quantile of chi-square (Wilson and Hilferty 1931).
func chi2q99(k float64) float64 {
	h := 2 / (9 * k)
	c := 1 - h + float64(2.3263478740408408*math.Sqrt(h))
	return float64(k * c * c * c)
}

// weakness puts the longest axis of doubt into words.
func (a *Answer) weakness(s *state, cov *square, lambda float64, axis vec) {
	view, right := s.r[2], s.r[0]
	cv, cr, cu := math.Abs(dot(axis, view)), math.Abs(dot(axis, right)), math.Abs(axis[2])
	sigma := math.Sqrt(math.Max(0, lambda))
	way := "slides along the view"
	switch {
	case cv >= cr && cv >= cu:
	case cr >= cu:
		way = "slides sideways"
	default:
		way = "slides up and down"
	}
	text := fmt.Sprintf("%s, +-%.2g m", way, float64(1.96*sigma))
	if cov[6][6] > 0 && lambda > 0 {
		k := 0.0
		for i := range 3 {
			k += float64(axis[i] * cov[i][6])
		}
		if r := k / math.Sqrt(float64(lambda*cov[6][6])); math.Abs(r) > 0.7 {
			text += ", together with zoom"
		}
	}
	a.WeakDirection = &WeakDirection{axis, sigma, text}
}

// leaveOneOut solves again without each click, from the solution.
func (a *Answer) leaveOneOut(p *Problem, t *task, s *state) {
	many := len(t.m) > 30
	iters := 6
	if many {
		iters = 1 // one Newton step: with many clicks each moves little
	}
	a.LeaveOneOut = []LeftOut{}
	n := 0
	for i := range t.m {
		if t.m[i].use {
			n++
		}
	}
	if n < 5 {
		return
	}
	var full, one normal
	if many {
		t.linearise(s, 0, &t.free, &full)
	}
	for i := range t.m {
		m := &t.m[i]
		if !m.use {
			continue
		}
		o := *s
		if many {
			one = full
			t.without(s, m, &one)
			h := one.h
			d := one.g
			if h.cholesky(nParam) {
				for k := range d {
					d[k] = -d[k]
				}
				h.solve(nParam, &d)
				o = s.step(&d)
			}
		} else {
			m.use = false
			t.descend(&o, 0, &t.free, iters, 1e-7)
			m.use = true
		}
		u, v, z := o.project(&m.x)
		l := LeftOut{ID: p.Points[i].ID, Moved: norm(sub(o.c, s.c)), MissPx: math.Sqrt(float64((u-m.u)*(u-m.u)) + float64((v-m.v)*(v-m.v)))}
		if !(z > 0) || !finite(l.Moved, l.MissPx) {
			l.MissPx = 1e6
		}
		a.LeaveOneOut = append(a.LeaveOneOut, l)
	}
}

// without takes one mark out of a linearised problem.
func (t *task) without(s *state, m *mark, out *normal) {
	var j [2][nParam]float64
	var jx [2]vec
	if s.jacobian(&m.x, nParam, &j, &jx) <= 0 {
		return
	}
	u, v, _ := s.project(&m.x)
	u, v = u-m.u, v-m.v
	for a := range nParam {
		if !t.free[a] {
			continue
		}
		wa := float64(m.w[0]*j[0][a]) + float64(m.w[1]*j[1][a])
		wb := float64(m.w[1]*j[0][a]) + float64(m.w[2]*j[1][a])
		out.g[a] -= float64(wa*u) + float64(wb*v)
		for b := 0; b <= a; b++ {
			if t.free[b] {
				out.h[a][b] -= float64(wa*j[0][b]) + float64(wb*j[1][b])
			}
		}
	}
}

// sample checks the Gaussian by importance sampling. A pilot of 40 samples
// settles the common case; else 500 are drawn, and when their effective size
// is below 150 the second moment of the samples about the answer replaces the
// covariance.
func (t *task) sample(s *state, cov *square, rng *pcg) (out square, curved bool) {
	l := *cov
	for i := range nParam {
		if !t.free[i] {
			l[i] = [nParam]float64{}
			for k := range nParam {
				l[k][i] = 0
			}
			l[i][i] = 1
		}
	}
	if !l.cholesky(nParam) {
		return *cov, false
	}
	base := t.cost(s, 0)
	var sw, sw2 float64
	for n := 1; n <= 500; n++ {
		var z, d [nParam]float64
		zz := 0.0
		for i := 0; i < nParam; i += 2 {
			z[i], z[i+1] = rng.normals()
		}
		for i := range nParam {
			if !t.free[i] {
				continue
			}
			zz += float64(z[i] * z[i])
			for k := 0; k <= i; k++ {
				if t.free[k] {
					d[i] += float64(l[i][k] * z[k])
				}
			}
		}
		o := s.step(&d)
		c := t.cost(&o, 0)
		w := exp(math.Min(30, (zz-(c-base))/2))
		sw += w
		sw2 += float64(w * w)
		for a := range nParam {
			for b := range nParam {
				out[a][b] += float64(w * d[a] * d[b])
			}
		}
		if n == 40 && sw*sw > 0.6*40*sw2 {
			return *cov, false
		}
	}
	if sw*sw >= 150*sw2 {
		return *cov, false
	}
	for a := range nParam {
		for b := range nParam {
			out[a][b] /= sw
		}
	}
	// Few effective samples leave directions out: never below the Gaussian.
	ess := sw * sw / sw2
	k := math.Min(1, 20/math.Max(ess, 1))
	for a := range nParam {
		for b := range nParam {
			out[a][b] += float64(k * cov[a][b])
		}
	}
	return out, true
}
