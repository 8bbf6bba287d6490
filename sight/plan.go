package sight

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"strings"
)

// Formats of the documents of `sightline camera ground`.
const (
	GroundFormat  = "sightline.camera.ground/1"
	GroundAnswerF = "sightline.camera.ground.answer/1"
)

// GroundPair is one place of a picture from above and where it is.
type GroundPair struct {
	ID      string     `json:"id"`
	Px      [2]float64 `json:"px"`
	Ground  [2]float64 `json:"ground"` // east, north
	SigmaPx *float64   `json:"sigma_px,omitempty"`
	SigmaM  *float64   `json:"sigma_m,omitempty"`
}

// GroundProblem lays a satellite, aerial or drone picture on level ground.
type GroundProblem struct {
	Format  string       `json:"format"`
	ID      string       `json:"id"`
	Image   ImageSize    `json:"image"`
	Model   string       `json:"model,omitempty"`    // affine, homography; absent: chosen
	SigmaPx *float64     `json:"sigma_px,omitempty"` // default 1.5
	SigmaM  *float64     `json:"sigma_m,omitempty"`  // default 1
	Pairs   []GroundPair `json:"pairs"`
	// Places asked for: pixels whose place on the ground is wanted.
	Places []struct {
		ID      string     `json:"id"`
		Px      [2]float64 `json:"px"`
		SigmaPx *float64   `json:"sigma_px,omitempty"`
	} `json:"places,omitempty"`
}

// GroundAnswer is the transformation with its error. Pixel u, v lies at
// east = (m0 u + m1 v + m2) / w, north = (m3 u + m4 v + m5) / w with
// w = m6 u + m7 v + 1.
type GroundAnswer struct {
	Format      string        `json:"format"`
	ID          string        `json:"id"`
	Status      string        `json:"status"` // solved, weak, refused
	Reason      string        `json:"reason,omitempty"`
	Model       string        `json:"model,omitempty"`
	Matrix      *[8]float64   `json:"matrix,omitempty"`
	MetresPx    float64       `json:"metres_per_px,omitempty"` // in the middle of the picture
	TurnDeg     float64       `json:"turn_deg,omitempty"`      // of the picture's top, clockwise from north
	RMSM        float64       `json:"rms_m,omitempty"`
	Redundancy  int           `json:"redundancy"`
	SigmaScale  float64       `json:"sigma_scale,omitempty"`
	Pairs       []GroundMiss  `json:"pairs,omitempty"`
	Corners     *[4]GroundAt  `json:"corners,omitempty"` // of the picture: top left, top right, bottom right, bottom left
	Places      []GroundPlace `json:"places,omitempty"`
	Warnings    []Warning     `json:"warnings"`
	InputSHA256 string        `json:"input_sha256"`
	Software    Software      `json:"software"`
}

// GroundMiss is how one pair fits, and how far the middle of the picture moves
// without it.
type GroundMiss struct {
	ID     string     `json:"id"`
	Metres [2]float64 `json:"metres"` // stated less computed
	Sigmas float64    `json:"sigmas"`
	Inlier bool       `json:"inlier"`
	Moved  float64    `json:"moved_m"`
}

// GroundAt is a place with its covariance in square metres.
type GroundAt struct {
	Ground     [2]float64    `json:"ground"`
	Covariance [2][2]float64 `json:"covariance"`
	Radius95   float64       `json:"radius95_m"` // of a circle that holds the 95 % ellipse
}

// GroundPlace is one place asked for.
type GroundPlace struct {
	ID string `json:"id"`
	GroundAt
}

// ParseGround reads a problem strictly.
func ParseGround(b []byte) (*GroundProblem, error) {
	p := new(GroundProblem)
	if err := strict(b, p, "ground problem"); err != nil {
		return nil, err
	}
	switch {
	case p.Format != GroundFormat:
		return nil, bad("format", "must be %q, not %q", GroundFormat, p.Format)
	case p.ID == "":
		return nil, bad("id", "missing; name the problem")
	case p.Image.Width < 1 || p.Image.Height < 1 || p.Image.Width > 1e6 || p.Image.Height > 1e6:
		return nil, bad("image", "must be 1 to 1000000 pixels wide and high")
	case p.Model != "" && p.Model != "affine" && p.Model != "homography":
		return nil, bad("model", "must be affine or homography, not %q", p.Model)
	case len(p.Pairs) > MaxPoints || len(p.Places) > MaxPoints:
		return nil, bad("pairs", "at most %d are accepted", MaxPoints)
	}
	ok := func(s *float64) bool { return s == nil || finite(*s) && *s > 0 }
	if !ok(p.SigmaPx) || !ok(p.SigmaM) {
		return nil, bad("sigma_px", "sigma_px and sigma_m must be above 0")
	}
	seen := map[string]bool{}
	for i := range p.Pairs {
		q := &p.Pairs[i]
		f := fmt.Sprintf("pairs[%d]", i)
		if q.ID == "" || seen[q.ID] {
			return nil, bad(f+".id", "missing or used twice")
		}
		seen[q.ID] = true
		if !finite(q.Px[:]...) || !finite(q.Ground[:]...) || math.Abs(q.Ground[0]) > 1e6 || math.Abs(q.Ground[1]) > 1e6 {
			return nil, bad(f, "a coordinate is not a usable number of pixels or metres of the scene")
		}
		if !ok(q.SigmaPx) || !ok(q.SigmaM) {
			return nil, bad(f, "sigma_px and sigma_m must be above 0")
		}
	}
	for i := range p.Places {
		if q := &p.Places[i]; !finite(q.Px[:]...) || !ok(q.SigmaPx) {
			return nil, bad(fmt.Sprintf("places[%d]", i), "needs a finite pixel and a sigma_px above 0")
		}
	}
	return p, nil
}

// plan is a transformation being fitted, in coordinates of about 1: pixels
// from the middle of the picture in half diagonals, metres from the middle of
// the pairs in their spread.
type plan struct {
	np             int // 6 affine, 8 homography
	u, v, e, n, sd []float64
	sp             []float64 // of the click, in units of the picture
	use            []bool
	cu, cv, su     float64
	ce, cn, sg     float64
}

type planFit struct {
	m    [nParam]float64
	cov  square
	cost float64
	used int
}

func (f *plan) at(m *[nParam]float64, u, v float64) (e, n float64) {
	w := 1 + float64(m[6]*u) + float64(m[7]*v)
	return (float64(m[0]*u) + float64(m[1]*v) + m[2]) / w, (float64(m[3]*u) + float64(m[4]*v) + m[5]) / w
}

// jac is the derivative of a place by the eight numbers and by the pixel.
func (f *plan) jac(m *[nParam]float64, u, v float64) (j [2][nParam]float64, px [2][2]float64) {
	w := 1 + float64(m[6]*u) + float64(m[7]*v)
	e, n := f.at(m, u, v)
	j[0] = [nParam]float64{u / w, v / w, 1 / w, 0, 0, 0, -e * u / w, -e * v / w}
	j[1] = [nParam]float64{0, 0, 0, u / w, v / w, 1 / w, -n * u / w, -n * v / w}
	px = [2][2]float64{{(m[0] - float64(e*m[6])) / w, (m[1] - float64(e*m[7])) / w}, {(m[3] - float64(n*m[6])) / w, (m[4] - float64(n*m[7])) / w}}
	return j, px
}

// fit is Gauss and Newton's method from the affine fit; the weight of each
// pair is the inverse of its error on the ground.
func (f *plan) fit() (o planFit, ok bool) {
	for np := 6; np <= f.np; np += 2 {
		for range 20 {
			var h square
			var g [nParam]float64
			o.cost, o.used = 0, 0
			for i := range f.u {
				if !f.use[i] {
					continue
				}
				if w := 1 + float64(o.m[6]*f.u[i]) + float64(o.m[7]*f.v[i]); !(w > 0.05) {
					return o, false
				}
				j, px := f.jac(&o.m, f.u[i], f.v[i])
				scale := math.Max(math.Hypot(px[0][0], px[1][0]), math.Hypot(px[0][1], px[1][1]))
				va := float64(f.sd[i]*f.sd[i]) + float64(f.sp[i]*f.sp[i]*scale*scale)
				e, n := f.at(&o.m, f.u[i], f.v[i])
				re, rn := e-f.e[i], n-f.n[i]
				o.cost += (float64(re*re) + float64(rn*rn)) / va
				o.used++
				for a := range np {
					g[a] += (float64(j[0][a]*re) + float64(j[1][a]*rn)) / va
					for b := range np {
						h[a][b] += (float64(j[0][a]*j[0][b]) + float64(j[1][a]*j[1][b])) / va
					}
				}
			}
			for i := np; i < nParam; i++ {
				h[i][i] = 1
			}
			var good bool
			if o.cov, good = h.inverse(); !good {
				return o, false
			}
			step := 0.0
			for a := range np {
				d := 0.0
				for b := range np {
					d -= float64(o.cov[a][b] * g[b])
				}
				o.m[a] += d
				step += math.Abs(d)
			}
			if step < 1e-12 {
				break
			}
		}
	}
	for i := f.np; i < nParam; i++ {
		for k := range nParam {
			o.cov[i][k], o.cov[k][i] = 0, 0
		}
	}
	return o, finite(o.m[:]...) && finite(o.cost)
}

// sigmas is how far a pair is from where the fit puts it.
func (f *plan) sigmas(o *planFit, i int) float64 {
	_, px := f.jac(&o.m, f.u[i], f.v[i])
	scale := math.Max(math.Hypot(px[0][0], px[1][0]), math.Hypot(px[0][1], px[1][1]))
	e, n := f.at(&o.m, f.u[i], f.v[i])
	return math.Hypot(e-f.e[i], n-f.n[i]) / math.Sqrt(float64(f.sd[i]*f.sd[i])+float64(f.sp[i]*f.sp[i]*scale*scale))
}

// robust takes out, one at a time, the pair whose removal lowers the cost
// most, while one misses by more than four times its error.
func (f *plan) robust() (planFit, bool) {
	for {
		o, ok := f.fit()
		if !ok {
			return o, false
		}
		worst := 0.0
		for i := range f.u {
			if f.use[i] {
				worst = math.Max(worst, f.sigmas(&o, i))
			}
		}
		if worst <= 4 || 2*o.used-2 < f.np+2 || 3*(o.used-1) < 2*len(f.u) {
			return o, true
		}
		best, at := o.cost, -1
		for i := range f.u {
			if !f.use[i] {
				continue
			}
			f.use[i] = false
			if q, ok := f.fit(); ok && q.cost < best {
				best, at = q.cost, i
			}
			f.use[i] = true
		}
		if at < 0 {
			return o, true
		}
		f.use[at] = false
	}
}

// LayOnGround answers a ground problem.
func LayOnGround(p *GroundProblem, raw []byte) *GroundAnswer {
	sum := sha256.Sum256(raw)
	a := &GroundAnswer{Format: GroundAnswerF, ID: p.ID, Warnings: []Warning{}, InputSHA256: hex.EncodeToString(sum[:]), Software: Software{"sightline", "dev", "plane-transform/1"}}
	refuse := func(s string, args ...any) *GroundAnswer {
		a.Status, a.Reason = Refused, fmt.Sprintf(s, args...)
		return a
	}
	n := len(p.Pairs)
	if n < 3 || p.Model == "homography" && n < 4 {
		return refuse("%d pairs given; three fix an affine picture, four one in perspective, and one more finds a wrong pair", n)
	}
	f := &plan{np: 6, cu: float64(p.Image.Width) / 2, cv: float64(p.Image.Height) / 2}
	f.su = math.Hypot(f.cu, f.cv)
	for i := range p.Pairs {
		f.ce += p.Pairs[i].Ground[0] / float64(n)
		f.cn += p.Pairs[i].Ground[1] / float64(n)
	}
	for i := range p.Pairs {
		f.sg = math.Max(f.sg, math.Hypot(p.Pairs[i].Ground[0]-f.ce, p.Pairs[i].Ground[1]-f.cn))
	}
	if !(f.sg > 0) {
		return refuse("all pairs mean the same place")
	}
	for i := range p.Pairs {
		q := &p.Pairs[i]
		f.u, f.v = append(f.u, (q.Px[0]-f.cu)/f.su), append(f.v, (q.Px[1]-f.cv)/f.su)
		f.e, f.n = append(f.e, (q.Ground[0]-f.ce)/f.sg), append(f.n, (q.Ground[1]-f.cn)/f.sg)
		f.sd = append(f.sd, pick(q.SigmaM, pick(p.SigmaM, 1))/f.sg)
		f.sp = append(f.sp, pick(q.SigmaPx, pick(p.SigmaPx, 1.5))/f.su)
		f.use = append(f.use, true)
	}
	if thin(f.u, f.v) < 0.02 || thin(f.e, f.n) < 0.02 {
		return refuse("the pairs lie nearly on one line; add one well off it")
	}
	if p.Model == "homography" {
		f.np = 8
	}
	o, ok := f.robust()
	if ok && p.Model == "" && n >= 6 {
		// Perspective only where it explains clearly more.
		g := *f
		g.np, g.use = 8, make([]bool, n)
		for i := range g.use {
			g.use[i] = true
		}
		if q, good := g.robust(); good && (q.used > o.used || q.used == o.used && o.cost-q.cost > 9.21*math.Max(1, q.cost/math.Max(1, float64(2*q.used-8)))) {
			*f, o = g, q
		}
	}
	if !ok {
		return refuse("the pairs do not fix the picture; spread them over it and check that each means the right place")
	}
	if det := float64(o.m[0]*o.m[4]) - float64(o.m[1]*o.m[3]); det > 0 {
		return refuse("the picture would lie mirrored on the ground; check that east and north are not exchanged and that the picture is not turned over")
	}
	f.answer(a, p, &o)
	return a
}

// thin is the ratio of the spread of places across and along.
func thin(x, y []float64) float64 {
	var mx, my, xx, xy, yy float64
	n := float64(len(x))
	for i := range x {
		mx += x[i] / n
		my += y[i] / n
	}
	for i := range x {
		xx += (x[i] - mx) * (x[i] - mx)
		xy += (x[i] - mx) * (y[i] - my)
		yy += (y[i] - my) * (y[i] - my)
	}
	d := math.Hypot((xx-yy)/2, xy)
	lo, hi := (xx+yy)/2-d, (xx+yy)/2+d
	if !(hi > 0) {
		return 0
	}
	return math.Sqrt(math.Max(0, lo) / hi)
}

func (f *plan) answer(a *GroundAnswer, p *GroundProblem, o *planFit) {
	a.Model = "affine"
	if f.np == 8 {
		a.Model = "homography"
	}
	a.Redundancy = 2*o.used - f.np
	s2 := 1.0
	if a.Redundancy >= 1 && o.cost > chi2q99(float64(a.Redundancy)) {
		s2 = (o.cost + 8) / float64(a.Redundancy+8)
		a.Warnings = append(a.Warnings, Warning{"errors-larger", fmt.Sprintf("the pairs miss by more than their stated errors, as over hilly ground; the uncertainty was widened %.2f times", math.Sqrt(s2))})
	}
	a.SigmaScale = math.Sqrt(s2)
	place := func(px [2]float64, sp float64) GroundAt {
		u, v := (px[0]-f.cu)/f.su, (px[1]-f.cv)/f.su
		j, k := f.jac(&o.m, u, v)
		e, n := f.at(&o.m, u, v)
		r := GroundAt{Ground: [2]float64{float64(e*f.sg) + f.ce, float64(n*f.sg) + f.cn}}
		for x := range 2 {
			for y := range 2 {
				c := float64(sp*sp/(f.su*f.su)) * (float64(k[x][0]*k[y][0]) + float64(k[x][1]*k[y][1]))
				for i := range f.np {
					for l := range f.np {
						c += float64(s2 * j[x][i] * o.cov[i][l] * j[y][l])
					}
				}
				r.Covariance[x][y] = float64(c * f.sg * f.sg)
			}
		}
		d := math.Hypot((r.Covariance[0][0]-r.Covariance[1][1])/2, r.Covariance[0][1])
		r.Radius95 = math.Sqrt(float64(5.991 * ((r.Covariance[0][0]+r.Covariance[1][1])/2 + d)))
		return r
	}
	w, h := float64(p.Image.Width), float64(p.Image.Height)
	a.Corners = &[4]GroundAt{place([2]float64{0, 0}, 0), place([2]float64{w, 0}, 0), place([2]float64{w, h}, 0), place([2]float64{0, h}, 0)}
	_, px := f.jac(&o.m, 0, 0)
	k := f.sg / f.su
	a.MetresPx = math.Sqrt(math.Abs(float64(px[0][0]*px[1][1])-float64(px[0][1]*px[1][0]))) * k
	a.TurnDeg = tidy(math.Mod(math.Atan2(-px[0][1], -px[1][1])*180/math.Pi+360, 360))
	sum := 0.0
	mid := place([2]float64{f.cu, f.cv}, 0)
	for i := range p.Pairs {
		e, n := f.at(&o.m, f.u[i], f.v[i])
		m := GroundMiss{ID: p.Pairs[i].ID, Metres: [2]float64{(f.e[i] - e) * f.sg, (f.n[i] - n) * f.sg}, Sigmas: f.sigmas(o, i), Inlier: f.use[i]}
		if f.use[i] {
			sum += float64(m.Metres[0]*m.Metres[0]) + float64(m.Metres[1]*m.Metres[1])
			if o.used > f.np/2 {
				f.use[i] = false
				if q, ok := f.fit(); ok {
					e, n := f.at(&q.m, 0, 0)
					m.Moved = math.Hypot(float64(e*f.sg)+f.ce-mid.Ground[0], float64(n*f.sg)+f.cn-mid.Ground[1])
				}
				f.use[i] = true
			}
		}
		a.Pairs = append(a.Pairs, m)
	}
	a.RMSM = math.Sqrt(sum / float64(o.used))
	for i := range p.Places {
		q := &p.Places[i]
		sp := pick(q.SigmaPx, pick(p.SigmaPx, 1.5))
		a.Places = append(a.Places, GroundPlace{q.ID, place(q.Px, sp)})
		if q.Px[0] < 0 || q.Px[1] < 0 || q.Px[0] > w || q.Px[1] > h {
			a.Warnings = append(a.Warnings, Warning{"outside-image", q.ID + " lies outside the picture"})
		}
	}
	a.Matrix = f.plain(&o.m)
	a.Status = Solved
	if a.Redundancy < 1 {
		a.Status = Weak
		a.Warnings = append(a.Warnings, Warning{"unchecked", "as many unknowns as pairs: a wrong pair cannot be seen; add one"})
	}
	worst := 0.0
	for i := range a.Corners {
		worst = math.Max(worst, a.Corners[i].Radius95)
	}
	if worst > 0.1*math.Hypot(w, h)*a.MetresPx {
		a.Status = Weak
		a.Warnings = append(a.Warnings, Warning{"loose", "a corner of the picture is uncertain by more than a tenth of its size; add pairs near the corners"})
	}
	a.Warnings = append(a.Warnings, Warning{"level", "what stands h metres above the ground of the pairs appears displaced by h times the tangent of the angle from straight down; mark feet, not roofs"})
}

// plain is the transformation in pixels and metres.
func (f *plan) plain(m *[nParam]float64) *[8]float64 {
	// u' = (u - cu) / su: numerators and denominator are linear in u and v.
	row := func(a, b, c float64) [3]float64 {
		return [3]float64{a / f.su, b / f.su, c - float64(a*f.cu/f.su) - float64(b*f.cv/f.su)}
	}
	e, n, w := row(m[0], m[1], m[2]), row(m[3], m[4], m[5]), row(m[6], m[7], 1)
	var o [8]float64
	for k := range 3 {
		o[k] = (float64(e[k]*f.sg) + float64(f.ce*w[k])) / w[2]
		o[3+k] = (float64(n[k]*f.sg) + float64(f.cn*w[k])) / w[2]
	}
	o[6], o[7] = w[0]/w[2], w[1]/w[2]
	return &o
}

// Prose writes the answer for people.
func (a *GroundAnswer) Prose(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", a.ID, a.Status)
	if a.Reason != "" {
		fmt.Fprintf(&b, "  %s.\n", a.Reason)
	}
	if a.Matrix != nil {
		fmt.Fprintf(&b, "  %s; %.3g m a pixel, the top looks %.1f degrees from north; the pairs miss by %.2f m.\n", a.Model, a.MetresPx, a.TurnDeg, a.RMSM)
		for _, p := range a.Pairs {
			if !p.Inlier {
				fmt.Fprintf(&b, "  %q looks wrong: it misses by %.1f m, %.0f times its error.\n", p.ID, math.Hypot(p.Metres[0], p.Metres[1]), p.Sigmas)
			}
		}
		for _, p := range a.Places {
			fmt.Fprintf(&b, "  %s: east %.2f, north %.2f m, with 95 %% within %.2f m.\n", p.ID, p.Ground[0], p.Ground[1], p.Radius95)
		}
	}
	for _, x := range a.Warnings {
		fmt.Fprintf(&b, "  Note: %s.\n", x.Text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
