package sight

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// Formats of problems that share a device.
const (
	SharedFormat       = "sightline.camera.shared/1"
	SharedAnswerFormat = "sightline.camera.shared-answer/1"
	// MaxFrames bounds the photographs of one shared solution.
	MaxFrames = 10
)

// SharedProblem is several photographs of one device at one zoom: they share
// focal length, principal point and k1, whose priors stand here and count once.
type SharedProblem struct {
	Format         string          `json:"format"`
	ID             string          `json:"id"`
	Focal          *FocalPrior     `json:"focal,omitempty"`
	PrincipalPoint *PrincipalPrior `json:"principal_point,omitempty"`
	Distortion     *LensPrior      `json:"distortion,omitempty"`
	Frames         []*Problem      `json:"frames"`
}

// SharedAnswer holds one answer a frame, in order, and the common lens.
type SharedAnswer struct {
	Format         string      `json:"format"`
	ID             string      `json:"id"`
	FocalPx        float64     `json:"focal_px,omitempty"`
	PrincipalPoint *[2]float64 `json:"principal_point,omitempty"`
	K1             *float64    `json:"k1,omitempty"`
	Sigma          *Intrinsics `json:"intrinsics_sigma,omitempty"`
	Frames         []*Answer   `json:"frames"`
	InputSHA256    string      `json:"input_sha256"`
	Software       Software    `json:"software"`
}

// IsShared says whether a document is meant as a shared problem.
func IsShared(raw []byte) bool {
	return bytes.Contains(raw, []byte(SharedFormat)) && formatOf(raw) == SharedFormat
}

func formatOf(raw []byte) string {
	var f struct {
		Format string `json:"format"`
	}
	if json.Unmarshal(raw, &f) != nil {
		return ""
	}
	return f.Format
}

// ParseShared reads a shared problem strictly. A frame may leave out its
// format; it must leave out the lens.
func ParseShared(b []byte) (*SharedProblem, error) {
	p := new(SharedProblem)
	if err := strict(b, p, "shared problem"); err != nil {
		return nil, err
	}
	switch {
	case p.Format != SharedFormat:
		return nil, bad("format", "must be %q, not %q", SharedFormat, p.Format)
	case p.ID == "":
		return nil, bad("id", "missing; name the problem")
	case len(p.Frames) < 2 || len(p.Frames) > MaxFrames:
		return nil, bad("frames", "2 to %d are accepted, not %d", MaxFrames, len(p.Frames))
	}
	seen := map[string]bool{}
	for i, f := range p.Frames {
		field := fmt.Sprintf("frames[%d]", i)
		if f == nil {
			return nil, bad(field, "missing")
		}
		if f.Focal != nil || f.PrincipalPoint != nil || f.Distortion != nil {
			return nil, bad(field, "the lens is that of the device; put focal, principal_point and distortion beside frames")
		}
		if seen[f.ID] {
			return nil, bad(field+".id", "%q is used twice; give each frame its own name", f.ID)
		}
		seen[f.ID] = true
		if f.Image != p.Frames[0].Image {
			return nil, bad(field+".image", "differs from that of the first frame; only photographs of one size share a lens")
		}
		if f.Format == "" {
			f.Format = ProblemFormat
		}
		f.Focal, f.PrincipalPoint, f.Distortion = p.Focal, p.PrincipalPoint, p.Distortion
		if err := f.Check(); err != nil {
			return nil, bad(field, "%s", err)
		}
	}
	return p, nil
}

type lensMat = [4][4]float64

// tie is a quadratic in log f, cx, cy, k1, zero at mid: what the other
// photographs of a device cost when the lens moves.
type tie struct {
	mid, slope [4]float64 // slope is half the gradient at mid
	info       lensMat
}

// add gives the cost at a state and adds its derivatives to out.
func (q *tie) add(s *state, out *normal) float64 {
	d := [4]float64{log(s.f) - q.mid[0], s.cx - q.mid[1], s.cy - q.mid[2], s.k1 - q.mid[3]}
	cost := 0.0
	for i := range 4 {
		g := q.slope[i]
		for j := range 4 {
			g += float64(q.info[i][j] * d[j])
		}
		cost += float64(d[i] * (g + q.slope[i]))
		if out != nil {
			out.g[6+i] += g
			for j := 0; j <= i; j++ {
				out.h[6+i][6+j] += q.info[i][j]
			}
		}
	}
	return cost
}

// lens is what a photograph alone says about the lens at its state: its
// information with the pose eliminated, and half the gradient.
func (t *task) lens(s *state) (info lensMat, slope [4]float64, ok bool) {
	own := *t
	own.tie = nil
	own.prior.info = [4]float64{}
	var n normal
	own.linearise(s, 0, &t.free, &n)
	for k := range 4 { // fixed parameters come with a one on the diagonal
		if !t.free[6+k] {
			n.h[6+k][6+k] = 0
		}
	}
	h := n.h
	if math.IsInf(n.cost, 1) || !h.cholesky(6) {
		return info, slope, false
	}
	for k := range 4 {
		var x [nParam]float64
		for i := range 6 {
			x[i] = n.h[6+k][i]
		}
		h.solve(6, &x)
		slope[k] = n.g[6+k]
		for i := range 6 {
			slope[k] -= float64(x[i] * n.g[i])
		}
		for j := range 4 {
			info[k][j] = n.h[6+max(k, j)][6+min(k, j)]
			for i := range 6 {
				info[k][j] -= float64(x[i] * n.h[6+j][i])
			}
		}
	}
	return info, slope, true
}

// apart is the squared distance, in units of their common error, between the
// lens of one photograph and that of others, whose information is rest and
// whose right-hand side is b. Both take the prior.
func apart(own lensMat, mid [4]float64, rest lensMat, b [4]float64, p *prior, free *[nParam]bool) float64 {
	var one, two square
	for i := range nParam {
		one[i][i], two[i][i] = 1, 1
	}
	for i := range 4 {
		if !free[6+i] {
			continue
		}
		for j := range 4 {
			if free[6+j] {
				one[i][j], two[i][j] = own[i][j], rest[i][j]
			}
		}
		one[i][i] += p.info[i]
		two[i][i] += p.info[i]
		b[i] += float64(p.info[i] * p.mean[i])
	}
	co, ok1 := one.inverse()
	ct, ok2 := two.inverse()
	if !ok1 || !ok2 {
		return 0
	}
	var d [nParam]float64
	sum := co
	for i := range 4 {
		if free[6+i] {
			d[i] = mid[i]
			for j := range 4 {
				if free[6+j] {
					d[i] -= float64(ct[i][j] * b[j])
				}
			}
		}
		for j := range 4 {
			sum[i][j] += ct[i][j]
		}
	}
	w, ok := sum.inverse()
	if !ok {
		return 0
	}
	q := 0.0
	for i := range 4 {
		for j := range 4 {
			q += float64(d[i] * w[i][j] * d[j])
		}
	}
	return q
}

// SolveShared solves photographs of one device together. Each is first solved
// alone; then each is solved again with what the others say about the lens, in
// turn, until the lens no longer moves, which is where the sum of all costs
// has its minimum. A photograph that is refused alone is left out.
func SolveShared(p *SharedProblem, raw []byte, opt Options) *SharedAnswer {
	sum := sha256.Sum256(raw)
	hexSum := hex.EncodeToString(sum[:])
	out := &SharedAnswer{Format: SharedAnswerFormat, ID: p.ID, InputSHA256: hexSum, Software: Software{"sightline", "dev", Method + "+shared-lens"}}
	type frame struct {
		p      *Problem
		a      *Answer
		t      *task
		fits   []fit
		rng    pcg
		planar bool
		info   lensMat
		slope  [4]float64
		mid    [4]float64
	}
	var in []*frame
	for i, f := range p.Frames {
		a := &Answer{Format: AnswerFormat, ID: f.ID, Modes: nil, Warnings: []Warning{}, InputSHA256: hexSum, Software: out.Software}
		out.Frames = append(out.Frames, a)
		a.look(f)
		if reason := degenerate(f); reason != "" {
			a.Status, a.Reason = Refused, reason
			continue
		}
		seed := binary.BigEndian.Uint64(sum[:8])>>11 + uint64(i)
		x := &frame{p: f, a: a, t: f.task(opt.Scene), rng: newPCG(seed)}
		var seeded bool
		x.fits, x.planar, seeded = x.t.best(&x.rng, opt)
		if seeded {
			a.Seed = &seed
		}
		if len(x.fits) == 0 || x.fits[0].nIn < 4 {
			a.Status, a.Reason = Refused, "no camera agrees with at least 4 of the points; check that every click means the right model point, that the image is not mirrored and that the model is in metres"
			continue
		}
		in = append(in, x)
	}
	look := func(x *frame) bool {
		s := &x.fits[0].s
		x.t.adopt(&x.fits[0])
		x.mid = [4]float64{log(s.f), s.cx, s.cy, s.k1}
		var ok bool
		x.info, x.slope, ok = x.t.lens(s)
		return ok
	}
	for _, x := range in {
		look(x)
	}
	// The one whose own lens is furthest from that of all the others.
	worst, far := -1, 18.5 // 99.9 % with four degrees of freedom
	for i, x := range in {
		var rest lensMat
		var b [4]float64
		for _, y := range in {
			if y == x {
				continue
			}
			for r := range 4 {
				b[r] -= y.slope[r]
				for c := range 4 {
					rest[r][c] += y.info[r][c]
					b[r] += float64(y.info[r][c] * y.mid[c])
				}
			}
		}
		if d := apart(x.info, x.mid, rest, b, &x.t.prior, &x.t.free); d > far {
			worst, far = i, d
		}
	}
	if worst >= 0 {
		in[worst].a.warn("another-lens", "the lens of this photograph alone lies %.1f sigma from that of the others; was it zoomed, cropped or taken by another device?", math.Sqrt(far))
	}
	// others sums what all but one say, about that one's lens.
	others := func(x *frame) *tie {
		q := &tie{mid: x.mid}
		for _, y := range in {
			if y == x {
				continue
			}
			for i := range 4 {
				q.slope[i] += y.slope[i]
				for j := range 4 {
					q.slope[i] += float64(y.info[i][j] * (x.mid[j] - y.mid[j]))
					q.info[i][j] += y.info[i][j]
				}
			}
		}
		return q
	}
	for range 40 {
		moved := 0.0
		for _, x := range in {
			x.t.tie = others(x)
			was := x.mid
			// The lens may jump at first: wrong clicks are judged anew.
			if f := x.t.exchange(x.t.settle(x.fits[0].s)); f.nIn >= 4 && !math.IsInf(f.cost, 1) {
				x.fits[0] = f
			}
			look(x)
			for k, scale := range [4]float64{1, 1e-3, 1e-3, 1} {
				moved = math.Max(moved, math.Abs(x.mid[k]-was[k])*scale)
			}
		}
		if moved < 1e-10 {
			break
		}
	}
	for _, x := range in {
		x.t.tie = others(x)
		// Alternatives of the photograph alone are settled with the lens of all.
		fits := []fit{}
		for i := range x.fits {
			if f := x.t.settle(x.fits[i].s); f.nIn >= 4 && !math.IsInf(f.cost, 1) && !math.IsNaN(f.cost) {
				fits = append(fits, f)
			}
		}
		if len(fits) == 0 {
			x.a.Status, x.a.Reason = Refused, "no camera with the lens of the other photographs agrees with at least 4 of the points"
			continue
		}
		fits = merge(fits, nil, x.t.slack)
		if opt.Scene != nil {
			fits = x.t.object(fits, opt.Scene)
		}
		x.a.report(x.p, x.t, fits, &x.rng, x.planar)
		x.a.objections(x.p, fits)
		if opt.Report {
			x.a.extras(x.p, x.t, fits, opt.Scene)
		}
		if out.PrincipalPoint == nil {
			s := &fits[0].s
			out.FocalPx, out.PrincipalPoint, out.K1, out.Sigma = s.f, &[2]float64{s.cx, s.cy}, &s.k1, x.a.IntrinsicsSigma
		}
	}
	return out
}

// Prose writes the answer for people.
func (a *SharedAnswer) Prose(w io.Writer) error {
	if a.PrincipalPoint != nil {
		if _, err := fmt.Fprintf(w, "%s: common focal length %.1f +-%.1f px, principal point %.1f, %.1f, k1 %.4f\n", a.ID, a.FocalPx, 1.96*a.Sigma.FocalPx, a.PrincipalPoint[0], a.PrincipalPoint[1], *a.K1); err != nil {
			return err
		}
	}
	for _, f := range a.Frames {
		if err := f.Prose(w); err != nil {
			return err
		}
	}
	return nil
}
