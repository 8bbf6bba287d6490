package sight

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// Formats of the two documents of `sightline camera solve`.
const (
	ProblemFormat = "sightline.camera.problem/1"
	AnswerFormat  = "sightline.camera.answer/1"
	// MaxPoints bounds a problem before memory is spent on it.
	MaxPoints = 10000
)

// Triple is one number for all three axes, or three numbers (east, north,
// up), in JSON.
type Triple struct{ V [3]float64 }

// UnmarshalJSON reads a number or an array of three.
func (t *Triple) UnmarshalJSON(b []byte) error {
	var x float64
	if json.Unmarshal(b, &x) == nil {
		t.V = [3]float64{x, x, x}
		return nil
	}
	var l []float64
	if err := json.Unmarshal(b, &l); err != nil || len(l) != 3 {
		return fmt.Errorf("want a number or [e, n, u]")
	}
	copy(t.V[:], l)
	return nil
}

// MarshalJSON writes a number where the three are equal.
func (t Triple) MarshalJSON() ([]byte, error) {
	if t.V[0] == t.V[1] && t.V[1] == t.V[2] {
		return json.Marshal(t.V[0])
	}
	return json.Marshal(t.V)
}

// Pair is one number for both image axes, or [x, y], in JSON.
type Pair struct{ V [2]float64 }

// UnmarshalJSON reads a number or an array of two.
func (p *Pair) UnmarshalJSON(b []byte) error {
	var x float64
	if json.Unmarshal(b, &x) == nil {
		p.V = [2]float64{x, x}
		return nil
	}
	var l []float64
	if err := json.Unmarshal(b, &l); err != nil || len(l) != 2 {
		return fmt.Errorf("want a number or [x, y]")
	}
	copy(p.V[:], l)
	return nil
}

// MarshalJSON writes a number where the two are equal.
func (p Pair) MarshalJSON() ([]byte, error) {
	if p.V[0] == p.V[1] {
		return json.Marshal(p.V[0])
	}
	return json.Marshal(p.V)
}

// Problem is what an analyst knows about one photograph: clicks, the model
// points they mean, and what is known about the lens and the place.
type Problem struct {
	Format         string          `json:"format"`
	ID             string          `json:"id"`
	Frame          *FrameNote      `json:"frame,omitempty"`
	Image          ImageSize       `json:"image"`
	SigmaPx        *float64        `json:"sigma_px,omitempty"`
	SigmaM         *Triple         `json:"sigma_m,omitempty"`
	Points         []PointPair     `json:"points"`
	Lines          []LinePair      `json:"lines,omitempty"`
	Parallels      []Parallel      `json:"parallels,omitempty"`
	Horizon        *Horizon        `json:"horizon,omitempty"`
	Focal          *FocalPrior     `json:"focal,omitempty"`
	PrincipalPoint *PrincipalPrior `json:"principal_point,omitempty"`
	Distortion     *LensPrior      `json:"distortion,omitempty"`
	Constraints    *Constraints    `json:"constraints,omitempty"`
	Scene          string          `json:"scene,omitempty"`
	Candidates     []Candidate     `json:"candidates,omitempty"`
}

// Candidate is a model point that could be clicked next.
type Candidate struct {
	ID     string     `json:"id"`
	World  [3]float64 `json:"world"`
	SigmaM *Triple    `json:"sigma_m,omitempty"`
}

// ImageSize is the size of the photograph in pixels, after EXIF orientation.
type ImageSize struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// FrameNote says where the scene's metres are on the Earth. The solver does
// not need it; exports do.
type FrameNote struct {
	Origin struct {
		Lat float64 `json:"lat"`
		Lon float64 `json:"lon"`
		H   float64 `json:"h"`
	} `json:"origin"`
	Vertical string `json:"vertical"`
}

// PointPair is one click and the model point it means.
type PointPair struct {
	ID      string     `json:"id"`
	Px      [2]float64 `json:"px"`
	World   [3]float64 `json:"world"`
	SigmaPx *float64   `json:"sigma_px,omitempty"`
	SigmaM  *Triple    `json:"sigma_m,omitempty"`
}

// LinePair is a clicked image line and a model edge; the ends need not match.
type LinePair struct {
	ID      string        `json:"id"`
	Px      [2][2]float64 `json:"px"`
	World   [2][3]float64 `json:"world"`
	SigmaPx *float64      `json:"sigma_px,omitempty"`
	SigmaM  *Triple       `json:"sigma_m,omitempty"`
}

// Parallel is a clicked image line whose direction in the world is known.
type Parallel struct {
	ID        string        `json:"id"`
	Px        [2][2]float64 `json:"px"`
	Direction [3]float64    `json:"direction"`
	SigmaPx   *float64      `json:"sigma_px,omitempty"`
}

// Horizon is two clicked points at elevation zero.
type Horizon struct {
	Px      [2][2]float64 `json:"px"`
	SigmaPx *float64      `json:"sigma_px,omitempty"`
}

// FocalPrior is what is known about the focal length, in pixels.
type FocalPrior struct {
	Px       *float64 `json:"px,omitempty"`
	SigmaLog *float64 `json:"sigma_log,omitempty"`
	Fixed    bool     `json:"fixed,omitempty"`
}

// PrincipalPrior is what is known about the principal point.
type PrincipalPrior struct {
	Px      *[2]float64 `json:"px,omitempty"`
	SigmaPx *Pair       `json:"sigma_px,omitempty"`
	Cropped string      `json:"cropped,omitempty"`
	Fixed   bool        `json:"fixed,omitempty"`
}

// LensPrior is what is known about radial distortion.
type LensPrior struct {
	Model string   `json:"model"`
	K1    float64  `json:"k1,omitempty"`
	Sigma *float64 `json:"sigma,omitempty"`
	Fixed bool     `json:"fixed,omitempty"`
}

// Constraints are facts about where the camera stood.
type Constraints struct {
	Height *struct {
		GroundU *float64 `json:"ground_u,omitempty"`
		Metres  float64  `json:"metres"`
		Sigma   float64  `json:"sigma"`
	} `json:"height_above_ground,omitempty"`
	Position *struct {
		Mean       [3]float64    `json:"mean"`
		Covariance [3][3]float64 `json:"covariance"`
	} `json:"position,omitempty"`
	Region *struct {
		Polygon [][2]float64 `json:"polygon"`
		SigmaM  float64      `json:"sigma_m"`
	} `json:"region,omitempty"`
}

// FieldError is a problem that cannot be read: which field, what is wrong and
// what to do.
type FieldError struct{ Field, Reason string }

func (e *FieldError) Error() string { return e.Field + ": " + e.Reason }

func bad(field, format string, a ...any) error {
	return &FieldError{field, fmt.Sprintf(format, a...)}
}

// ParseProblem reads one problem strictly: unknown fields, a second document
// and values that are not finite are errors that name the field.
func ParseProblem(b []byte) (*Problem, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	p := new(Problem)
	if err := d.Decode(p); err != nil {
		return nil, bad("problem", "not a camera problem (%s); see docs/methods/place.md for the fields", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, bad("problem", "more than one document in a place that holds one; use a .jsonl file for several")
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return p, nil
}

func finite(v ...float64) bool {
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) || math.Abs(x) > 1e12 {
			return false
		}
	}
	return true
}

func (p *Problem) sigmas(field string, px *float64, m *Triple) error {
	if px != nil && !(finite(*px) && *px > 0) {
		return bad(field+".sigma_px", "must be above 0 pixels, not %g", *px)
	}
	if m != nil {
		for _, v := range m.V {
			if !finite(v) || v < 0 {
				return bad(field+".sigma_m", "must be 0 or more metres, not %g", v)
			}
		}
	}
	return nil
}

// Check refuses a problem that has no meaning. What has a meaning but no
// trustworthy answer (few points, a line of points) is for [Solve] to refuse.
func (p *Problem) Check() error {
	if p.Format != ProblemFormat {
		return bad("format", "must be %q, not %q", ProblemFormat, p.Format)
	}
	if p.ID == "" {
		return bad("id", "missing; name the problem")
	}
	if p.Image.Width < 1 || p.Image.Height < 1 || p.Image.Width > 1e6 || p.Image.Height > 1e6 {
		return bad("image", "width and height must be 1 to 1000000 pixels, not %d x %d", p.Image.Width, p.Image.Height)
	}
	if n := len(p.Points) + len(p.Lines) + len(p.Parallels); n > MaxPoints {
		return bad("points", "%d of them, at most %d are accepted; keep the best spread ones", n, MaxPoints)
	}
	if err := p.sigmas("problem", p.SigmaPx, p.SigmaM); err != nil {
		return err
	}
	seen := make(map[string]bool, len(p.Points))
	name := func(kind string, i int, id string) (string, error) {
		f := fmt.Sprintf("%s[%d]", kind, i)
		if id == "" {
			return f, bad(f+".id", "missing; every mark needs a name")
		}
		if seen[id] {
			return f, bad(f+".id", "%q is used twice; give each mark its own name", id)
		}
		seen[id] = true
		return f, nil
	}
	for i := range p.Points {
		q := &p.Points[i]
		f, err := name("points", i, q.ID)
		if err != nil {
			return err
		}
		if !finite(q.Px[:]...) || !finite(q.World[:]...) {
			return bad(f, "a coordinate is not a usable number")
		}
		if err := p.sigmas(f, q.SigmaPx, q.SigmaM); err != nil {
			return err
		}
	}
	for i := range p.Lines {
		q := &p.Lines[i]
		f, err := name("lines", i, q.ID)
		if err != nil {
			return err
		}
		if q.Px[0] == q.Px[1] || q.World[0] == q.World[1] {
			return bad(f, "the two ends are the same point; a line needs two")
		}
		if !finite(q.Px[0][:]...) || !finite(q.Px[1][:]...) || !finite(q.World[0][:]...) || !finite(q.World[1][:]...) {
			return bad(f, "a coordinate is not a usable number")
		}
		if err := p.sigmas(f, q.SigmaPx, q.SigmaM); err != nil {
			return err
		}
	}
	for i := range p.Parallels {
		q := &p.Parallels[i]
		f, err := name("parallels", i, q.ID)
		if err != nil {
			return err
		}
		if q.Px[0] == q.Px[1] || !finite(q.Px[0][:]...) || !finite(q.Px[1][:]...) {
			return bad(f+".px", "needs two different points")
		}
		if !finite(q.Direction[:]...) || !(norm(q.Direction) > 0) {
			return bad(f+".direction", "needs a direction with a length")
		}
		if err := p.sigmas(f, q.SigmaPx, nil); err != nil {
			return err
		}
	}
	if len(p.Candidates) > MaxPoints {
		return bad("candidates", "%d of them, at most %d are accepted", len(p.Candidates), MaxPoints)
	}
	for i := range p.Candidates {
		q, f := &p.Candidates[i], fmt.Sprintf("candidates[%d]", i)
		if q.ID == "" || !finite(q.World[:]...) {
			return bad(f, "needs an id and finite coordinates")
		}
		if err := p.sigmas(f, nil, q.SigmaM); err != nil {
			return err
		}
	}
	if h := p.Horizon; h != nil {
		if h.Px[0] == h.Px[1] || !finite(h.Px[0][:]...) || !finite(h.Px[1][:]...) {
			return bad("horizon.px", "needs two different points")
		}
		if err := p.sigmas("horizon", h.SigmaPx, nil); err != nil {
			return err
		}
	}
	if f := p.Focal; f != nil {
		if f.Px != nil && !(finite(*f.Px) && *f.Px > 0) {
			return bad("focal.px", "must be above 0 pixels, not %g", *f.Px)
		}
		if f.SigmaLog != nil && !(finite(*f.SigmaLog) && *f.SigmaLog > 0) {
			return bad("focal.sigma_log", "must be above 0; use fixed for an exact focal length")
		}
		if f.Fixed && f.Px == nil {
			return bad("focal.fixed", "needs focal.px")
		}
	}
	if c := p.PrincipalPoint; c != nil {
		if c.Px != nil && !finite(c.Px[:]...) {
			return bad("principal_point.px", "a coordinate is not a usable number")
		}
		if c.SigmaPx != nil {
			for _, v := range c.SigmaPx.V {
				if !finite(v) || !(v > 0) {
					return bad("principal_point.sigma_px", "must be above 0 pixels; use fixed for an exact one")
				}
			}
		}
		switch c.Cropped {
		case "", "no", "unknown", "suspected":
		default:
			return bad("principal_point.cropped", "must be no, unknown or suspected, not %q", c.Cropped)
		}
	}
	if d := p.Distortion; d != nil {
		if d.Model != "none" && d.Model != "radial1" {
			return bad("distortion.model", "must be none or radial1, not %q", d.Model)
		}
		if !finite(d.K1) || math.Abs(d.K1) > 5 {
			return bad("distortion.k1", "must be a number between -5 and 5")
		}
		if d.Sigma != nil && !(finite(*d.Sigma) && *d.Sigma > 0) {
			return bad("distortion.sigma", "must be above 0; use fixed for an exact lens")
		}
	}
	if c := p.Constraints; c != nil {
		if h := c.Height; h != nil {
			if h.GroundU == nil && p.Scene == "" {
				return bad("constraints.height_above_ground.ground_u", "missing; give the ground's height in scene metres, or a scene to take it from")
			}
			if !finite(pick(h.GroundU, 0), h.Metres, h.Sigma) || !(h.Sigma > 0) {
				return bad("constraints.height_above_ground", "needs finite metres and a sigma above 0")
			}
		}
		if q := c.Position; q != nil {
			if !finite(q.Mean[:]...) {
				return bad("constraints.position.mean", "a coordinate is not a usable number")
			}
			if _, ok := whitener(q.Covariance); !ok {
				return bad("constraints.position.covariance", "must be symmetric and positive definite, in square metres")
			}
		}
		if r := c.Region; r != nil {
			if len(r.Polygon) < 3 || len(r.Polygon) > MaxPoints {
				return bad("constraints.region.polygon", "needs 3 corners or more")
			}
			for _, v := range r.Polygon {
				if !finite(v[:]...) {
					return bad("constraints.region.polygon", "a coordinate is not a usable number")
				}
			}
			if !finite(r.SigmaM) || !(r.SigmaM > 0) {
				return bad("constraints.region.sigma_m", "must be above 0 metres")
			}
		}
	}
	if f := p.Frame; f != nil {
		switch f.Vertical {
		case "", "ellipsoid", "egm96", "unknown":
		default:
			return bad("frame.vertical", "must be ellipsoid, egm96 or unknown, not %q", f.Vertical)
		}
		if o := f.Origin; !finite(o.Lat, o.Lon, o.H) || math.Abs(o.Lat) > 90 || math.Abs(o.Lon) > 180 {
			return bad("frame.origin", "latitude must be within 90 and longitude within 180 degrees")
		}
	}
	return nil
}

// whitener is L^-1 of a covariance C = L L' (lower triangle).
func whitener(c mat) (w mat, ok bool) {
	if !finite(c[0][:]...) || !finite(c[1][:]...) || !finite(c[2][:]...) {
		return w, false
	}
	tol := float64(1e-9 * (math.Abs(c[0][0]) + math.Abs(c[1][1]) + math.Abs(c[2][2])))
	if math.Abs(c[0][1]-c[1][0]) > tol || math.Abs(c[0][2]-c[2][0]) > tol || math.Abs(c[1][2]-c[2][1]) > tol {
		return w, false
	}
	var l mat
	for i := range 3 {
		for j := 0; j <= i; j++ {
			s := c[i][j]
			for k := range j {
				s -= float64(l[i][k] * l[j][k])
			}
			if i == j {
				if !(s > 0) {
					return w, false
				}
				l[i][i] = math.Sqrt(s)
			} else {
				l[i][j] = s / l[j][j]
			}
		}
	}
	for j := range 3 {
		w[j][j] = 1 / l[j][j]
		for i := j + 1; i < 3; i++ {
			s := 0.0
			for k := j; k < i; k++ {
				s -= float64(l[i][k] * w[k][j])
			}
			w[i][j] = s / l[i][i]
		}
	}
	return w, true
}

func pick(v *float64, def float64) float64 {
	if v != nil {
		return *v
	}
	return def
}

// task turns a checked problem into numbers for the solver.
func (p *Problem) task(scene *Surroundings) *task {
	t := &task{m: make([]mark, len(p.Points)), slack: plausible}
	w, h := float64(p.Image.Width), float64(p.Image.Height)
	spx := pick(p.SigmaPx, 2)
	var sm Triple
	if p.SigmaM != nil {
		sm = *p.SigmaM
	}
	for i := range p.Points {
		q := &p.Points[i]
		m := &t.m[i]
		m.u, m.v, m.x = q.Px[0], q.Px[1], q.World
		m.sp = pick(q.SigmaPx, spx)
		m.sm = sm.V
		if q.SigmaM != nil {
			m.sm = q.SigmaM.V
		}
		m.smMax = math.Max(m.sm[0], math.Max(m.sm[1], m.sm[2]))
		k := math.Max(4, 3/m.sp)
		m.t2 = float64(k * k)
	}
	for i := range 7 {
		t.free[i] = true
	}
	size := math.Max(w, h)
	t.prior.mean = [4]float64{log(size), w / 2, h / 2, 0}
	sig := [4]float64{0.45, 0, 0, 0}
	if f := p.Focal; f != nil {
		if f.Px != nil {
			t.prior.mean[0], sig[0] = log(*f.Px), 0.03
		}
		if f.SigmaLog != nil {
			sig[0] = *f.SigmaLog
		}
		if f.Fixed {
			sig[0] = 0
		}
	}
	c := p.PrincipalPoint
	if c == nil {
		c = &PrincipalPrior{}
	}
	if c.Px != nil {
		t.prior.mean[1], t.prior.mean[2] = c.Px[0], c.Px[1]
	}
	switch {
	case c.Fixed:
	case c.SigmaPx != nil:
		sig[1], sig[2] = c.SigmaPx.V[0], c.SigmaPx.V[1]
	default:
		s := float64(map[string]float64{"": 0.01, "no": 0.01, "unknown": 0.05, "suspected": 0.12}[c.Cropped] * w)
		sig[1], sig[2] = s, s
	}
	if d := p.Distortion; d != nil {
		t.prior.mean[3] = d.K1
		if d.Model == "radial1" && !d.Fixed {
			sig[3] = pick(d.Sigma, 0.1)
		}
	}
	for k, s := range sig {
		t.free[6+k] = s > 0
		if s > 0 {
			t.prior.info[k] = 1 / (s * s)
		}
	}
	t.constrain(p, spx, sm.V, scene)
	return t
}
