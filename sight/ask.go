package sight

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sort"
	"strings"
)

// Formats of the documents of `sightline camera see` and `camera triangulate`.
const (
	SeeFormat          = "sightline.camera.see/1"
	SeenFormat         = "sightline.camera.seen/1"
	TriangulateFormat  = "sightline.camera.triangulate/1"
	TriangulatedFormat = "sightline.camera.triangulated/1"
	maxViewshedCells   = 4_000_000
)

// ViewSpec names a solved camera in a question: an answer of the solver, whole
// or as the path of a file, or a bare pose.
type ViewSpec struct {
	ID             string         `json:"id"`
	Image          ImageSize      `json:"image"`
	Answer         *Answer        `json:"answer,omitempty"`
	AnswerFile     string         `json:"answer_file,omitempty"`
	Position       *[3]float64    `json:"position,omitempty"`
	Rotation       *Quaternion    `json:"rotation,omitempty"`
	FocalPx        float64        `json:"focal_px,omitempty"`
	PrincipalPoint *[2]float64    `json:"principal_point,omitempty"`
	K1             float64        `json:"k1,omitempty"`
	Covariance     *[6][6]float64 `json:"covariance,omitempty"`
}

func (v *ViewSpec) view(field string) (View, error) {
	var o View
	var err error
	switch {
	case v.ID == "":
		return o, bad(field+".id", "missing; name the camera")
	case v.AnswerFile != "" && v.Answer == nil:
		return o, bad(field+".answer_file", "was not read")
	case v.Answer != nil:
		o, err = v.Answer.View(v.Image.Width, v.Image.Height)
	case v.Position == nil || v.Rotation == nil:
		return o, bad(field, "needs answer, answer_file, or position, rotation and focal_px")
	default:
		c := Camera{Width: v.Image.Width, Height: v.Image.Height, Position: *v.Position, Rotation: *v.Rotation, FocalPx: v.FocalPx, K1: v.K1,
			PrincipalPoint: [2]float64{float64(v.Image.Width) / 2, float64(v.Image.Height) / 2}}
		if v.PrincipalPoint != nil {
			c.PrincipalPoint = *v.PrincipalPoint
		}
		o = View{Camera: c}
		if v.Covariance != nil {
			for i := range 6 {
				copy(o.Covariance[i][:6], v.Covariance[i][:])
			}
		}
		err = o.Check()
	}
	o.ID = v.ID
	if err != nil {
		return o, bad(field, "%s", err)
	}
	return o, nil
}

// PlaceSpec is an end of a sight line: a solved camera, a point, or a height
// above the ground of the scene.
type PlaceSpec struct {
	Camera  string      `json:"camera,omitempty"`
	World   *[3]float64 `json:"world,omitempty"`
	Ground  *[2]float64 `json:"ground,omitempty"` // east and north; height_m above the terrain there
	HeightM float64     `json:"height_m,omitempty"`
	SigmaM  *Triple     `json:"sigma_m,omitempty"`
}

// PlaneSpec is where a pixel's ray is stopped.
type PlaneSpec struct {
	Scene    bool        `json:"scene,omitempty"` // the first thing it meets
	At       *[3]float64 `json:"at,omitempty"`
	Normal   *[3]float64 `json:"normal,omitempty"`   // of a plane; absent: level
	Vertical *[2]float64 `json:"vertical,omitempty"` // east and north of a vertical line
	SigmaM   float64     `json:"sigma_m,omitempty"`
}

// Question is one thing to find out. Kind says which fields it uses; they are
// listed in docs/methods/place.md.
type Question struct {
	ID        string       `json:"id"`
	Kind      string       `json:"kind"` // line, point, ray, height, length, viewshed, rectify
	Camera    string       `json:"camera,omitempty"`
	From      *PlaceSpec   `json:"from,omitempty"`
	To        *PlaceSpec   `json:"to,omitempty"`
	Px        [][2]float64 `json:"px,omitempty"`
	SigmaPx   *float64     `json:"sigma_px,omitempty"`
	On        *PlaneSpec   `json:"on,omitempty"`
	OnSecond  *PlaneSpec   `json:"on_second,omitempty"` // of a length; absent: on
	Low       *[2]float64  `json:"low,omitempty"`       // of a viewshed: south-west corner
	High      *[2]float64  `json:"high,omitempty"`
	StepM     float64      `json:"step_m,omitempty"`
	HeightM   float64      `json:"height_m,omitempty"` // of what is looked for above the ground
	Origin    *[3]float64  `json:"origin,omitempty"`   // of a plane to rectify
	Right     *[3]float64  `json:"right,omitempty"`
	Up        *[3]float64  `json:"up,omitempty"`
	Tolerance *float64     `json:"tolerance_m,omitempty"`
}

// SeeProblem is a question sheet: cameras, a scene, questions.
type SeeProblem struct {
	Format    string     `json:"format"`
	ID        string     `json:"id"`
	Scene     string     `json:"scene,omitempty"`
	Cameras   []ViewSpec `json:"cameras,omitempty"`
	Questions []Question `json:"questions"`
}

// Seen is the answer to one question.
type Seen struct {
	ID          string         `json:"id"`
	Kind        string         `json:"kind"`
	Reason      string         `json:"reason,omitempty"` // why it cannot be answered
	State       Sight          `json:"state,omitempty"`
	Probability *float64       `json:"probability,omitempty"` // of being seen
	DistanceM   *float64       `json:"distance_m,omitempty"`
	BlockedBy   []Blocker      `json:"blocked_by,omitempty"`
	Px          *[2]float64    `json:"px,omitempty"`
	PxCov       *[2][2]float64 `json:"px_covariance,omitempty"`
	InImage     *bool          `json:"in_image,omitempty"`
	Position    *[3]float64    `json:"position,omitempty"`
	Covariance  *[3][3]float64 `json:"covariance,omitempty"`
	Ellipsoid95 *Ellipsoid     `json:"ellipsoid95,omitempty"`
	Body        string         `json:"body,omitempty"`
	SameBody    *float64       `json:"same_body,omitempty"`
	AngleDeg    *float64       `json:"angle_deg,omitempty"`
	MissM       *float64       `json:"miss_m,omitempty"`
	Metres      *float64       `json:"metres,omitempty"`
	SigmaM      *float64       `json:"sigma_m,omitempty"`
	Interval95  *[2]float64    `json:"interval95_m,omitempty"`
	Viewshed    *ViewshedMap   `json:"viewshed,omitempty"`
	Homography  *[3][3]float64 `json:"homography,omitempty"`
	Warnings    []Warning      `json:"warnings"`
}

// Blocker is a body that stands in a sight line, and in what share of the
// drawn positions it is the first to do so.
type Blocker struct {
	Body      string  `json:"body"`
	Share     float64 `json:"share"`
	DistanceM float64 `json:"distance_m"` // from the eye, the nearest
	Measured  bool    `json:"measured"`
}

// ViewshedMap says for each cell whether it is seen: rows from south to
// north, in each row from west to east 1 seen, 0 hidden, ? depends on the
// eye's position, x no ground.
type ViewshedMap struct {
	West      float64  `json:"west"` // of the first cell's middle
	South     float64  `json:"south"`
	StepM     float64  `json:"step_m"`
	Draws     int      `json:"draws"`
	VisibleM2 float64  `json:"visible_m2"`
	DependsM2 float64  `json:"depends_m2"`
	HiddenM2  float64  `json:"hidden_m2"`
	Rows      []string `json:"rows"`
}

// SeenSheet is the answer to a question sheet.
type SeenSheet struct {
	Format      string   `json:"format"`
	ID          string   `json:"id"`
	Answers     []Seen   `json:"answers"`
	InputSHA256 string   `json:"input_sha256"`
	Software    Software `json:"software"`
}

func strict(b []byte, into any, what string) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return bad(what, "cannot be read (%s); see docs/methods/place.md for the fields", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return bad(what, "more than one document in a place that holds one; use a .jsonl file for several")
	}
	return nil
}

// ParseSee reads a question sheet strictly.
func ParseSee(b []byte) (*SeeProblem, error) {
	p := new(SeeProblem)
	if err := strict(b, p, "question sheet"); err != nil {
		return nil, err
	}
	if p.Format != SeeFormat {
		return nil, bad("format", "must be %q, not %q", SeeFormat, p.Format)
	}
	if p.ID == "" {
		return nil, bad("id", "missing; name the question sheet")
	}
	if len(p.Questions) == 0 || len(p.Questions) > MaxPoints || len(p.Cameras) > MaxPoints {
		return nil, bad("questions", "1 to %d are accepted, not %d", MaxPoints, len(p.Questions))
	}
	seen := map[string]bool{}
	for i, q := range p.Questions {
		if q.ID == "" || seen[q.ID] {
			return nil, bad(fmt.Sprintf("questions[%d].id", i), "missing or used twice; give each question its own name")
		}
		seen[q.ID] = true
	}
	return p, nil
}

func views(specs []ViewSpec) (map[string]*View, error) {
	out := map[string]*View{}
	for i := range specs {
		v, err := specs[i].view(fmt.Sprintf("cameras[%d]", i))
		if err != nil {
			return nil, err
		}
		if out[v.ID] != nil {
			return nil, bad(fmt.Sprintf("cameras[%d].id", i), "%q is used twice; give each camera its own name", v.ID)
		}
		out[v.ID] = &v
	}
	return out, nil
}

// asker answers questions.
type asker struct {
	cams  map[string]*View
	scene *Surroundings
}

// See answers a question sheet. A question that makes no sense is an error; one
// that has no answer (a ray into the sky) says why in its answer.
func See(p *SeeProblem, raw []byte, scene *Surroundings) (*SeenSheet, error) {
	sum := sha256.Sum256(raw)
	out := &SeenSheet{Format: SeenFormat, ID: p.ID, InputSHA256: hex.EncodeToString(sum[:]), Software: Software{"sightline", "dev", "ray-bvh+draws/1"}}
	cams, err := views(p.Cameras)
	if err != nil {
		return nil, err
	}
	a := &asker{cams, scene}
	for i := range p.Questions {
		q := &p.Questions[i]
		f := fmt.Sprintf("questions[%d]", i)
		a := a
		if v := cams[q.Camera]; v != nil && v.pano != nil {
			if a, q, err = a.window(f, q, v); err != nil {
				return nil, err
			}
		}
		s := Seen{ID: q.ID, Kind: q.Kind, Warnings: []Warning{}}
		var err error
		switch q.Kind {
		case "line":
			err = a.line(f, q, &s)
		case "point":
			err = a.point(f, q, &s)
		case "ray":
			err = a.ray(f, q, &s)
		case "height", "length":
			err = a.measure(f, q, &s)
		case "viewshed":
			err = a.viewshed(f, q, &s)
		case "rectify":
			err = a.rectify(f, q, &s)
		default:
			err = bad(f+".kind", "must be line, point, ray, height, length, viewshed or rectify, not %q", q.Kind)
		}
		if err != nil {
			return nil, err
		}
		if v := cams[q.Camera]; v != nil && v.pano != nil && s.Px != nil {
			// The window's pixels mean nothing to a reader.
			x, _, _ := a.end(f+".to", q.To)
			if px, err := v.pano.Project(x); err == nil {
				in := px[0] >= 0 && px[1] >= 0 && px[0] <= float64(v.pano.Width) && px[1] <= float64(v.pano.Height)
				s.Px, s.InImage = &px, &in
			}
		}
		out.Answers = append(out.Answers, s)
	}
	return out, nil
}

// window answers questions about a panorama in a window of it, a pinhole
// camera that looks at the pixels in question.
func (a *asker) window(f string, q *Question, v *View) (*asker, *Question, error) {
	o := *q
	px := q.Px
	switch q.Kind {
	case "ray", "height", "length":
		if len(px) == 0 || len(px) > 2 {
			return a, q, nil // said where the kind is answered
		}
	case "point":
		x, _, err := a.end(f+".to", q.To)
		if err != nil {
			return nil, nil, err
		}
		at, err := v.pano.Project(x)
		if err != nil {
			return nil, nil, bad(f+".to", "is where the camera is")
		}
		at[0] = math.Max(0, math.Min(float64(v.pano.Width), at[0]))
		at[1] = math.Max(0, math.Min(float64(v.pano.Height), at[1]))
		px = [][2]float64{at}
	case "rectify":
		return nil, nil, bad(f+".camera", "a panorama is not rectified; take a flat picture out of it and solve that")
	default:
		return a, q, nil
	}
	w, out, err := v.pano.part(px)
	if err != nil {
		return nil, nil, bad(f+".px", "%s", err)
	}
	w.ID = v.ID
	if q.Kind != "point" {
		o.Px = out
	}
	b := asker{map[string]*View{}, a.scene}
	for k, c := range a.cams {
		b.cams[k] = c
	}
	b.cams[v.ID] = &w
	return &b, &o, nil
}

func (s *Seen) warn(code, format string, args ...any) {
	s.Warnings = append(s.Warnings, Warning{code, fmt.Sprintf(format, args...)})
}

func (a *asker) need(f string) error {
	if a.scene == nil {
		return bad(f, "needs a scene; name the path of a scene folder or model in the field scene")
	}
	return nil
}

func (a *asker) cam(f, id string) (*View, error) {
	v := a.cams[id]
	if v == nil {
		return nil, bad(f+".camera", "%q is not among the cameras", id)
	}
	return v, nil
}

func sigma(f string, q *Question) (float64, error) {
	s := pick(q.SigmaPx, 2)
	if !finite(s) || !(s > 0) {
		return 0, bad(f+".sigma_px", "must be above 0 pixels")
	}
	return s, nil
}

// end is one end of a sight line with its covariance.
func (a *asker) end(f string, p *PlaceSpec) (at vec, cov mat, err error) {
	if p == nil {
		return at, cov, bad(f, "missing; name a camera, a world point or a place on the ground")
	}
	if p.SigmaM != nil {
		for i, s := range p.SigmaM.V {
			if !finite(s) || s < 0 {
				return at, cov, bad(f+".sigma_m", "must be 0 or more metres")
			}
			cov[i][i] = float64(s * s)
		}
	}
	switch {
	case p.Camera != "":
		v, err := a.cam(f, p.Camera)
		if err != nil {
			return at, cov, err
		}
		return v.Camera.Position, v.position(), nil
	case p.World != nil:
		if !finite(p.World[:]...) {
			return at, cov, bad(f+".world", "a coordinate is not a usable number")
		}
		return *p.World, cov, nil
	case p.Ground != nil:
		if err := a.need(f + ".ground"); err != nil {
			return at, cov, err
		}
		if !finite(p.Ground[:]...) || !finite(p.HeightM) {
			return at, cov, bad(f+".ground", "a coordinate is not a usable number")
		}
		u, s, ok := a.scene.Ground(p.Ground[0], p.Ground[1])
		if !ok {
			return at, cov, bad(f+".ground", "the scene has no terrain at %g, %g; are these metres of the scene?", p.Ground[0], p.Ground[1])
		}
		cov[2][2] += float64(s * s)
		return vec{p.Ground[0], p.Ground[1], u + p.HeightM}, cov, nil
	}
	return at, cov, bad(f, "needs camera, world or ground")
}

func (a *asker) line(f string, q *Question, s *Seen) error {
	if err := a.need(f); err != nil {
		return err
	}
	eye, ce, err := a.end(f+".from", q.From)
	if err != nil {
		return err
	}
	to, ct, err := a.end(f+".to", q.To)
	if err != nil {
		return err
	}
	tol := pick(q.Tolerance, 0.05)
	if !finite(tol) || tol < 0 {
		return bad(f+".tolerance_m", "must be 0 or more metres")
	}
	d := norm(sub(to, eye))
	s.DistanceM = &d
	var p float64
	s.State, p, s.BlockedBy = a.scene.Between(eye, ce, to, ct, tol)
	s.Probability = &p
	for _, b := range s.BlockedBy {
		if !b.Measured {
			s.warn("not-measured", "%s is not a measured layer; what it hides is assumed", b.Body)
		}
	}
	return nil
}

// Between says whether one place sees another when both are known with
// covariances: 400 pairs are drawn, always the same ones. Below 2.5 % it is
// hidden, above 97.5 % visible. What stands in the way is listed.
func (s *Surroundings) Between(eye [3]float64, ce [3][3]float64, to [3]float64, ct [3][3]float64, tolerance float64) (Sight, float64, []Blocker) {
	ve, ae := eigen3(ce)
	vt, at := eigen3(ct)
	draws := 400
	if !(ve[0] > 0) && !(vt[0] > 0) {
		draws = 1
	}
	rng := newPCG(1)
	move := func(p vec, val vec, axes mat) vec {
		z0, z1 := rng.normals()
		z2, _ := rng.normals()
		for k, z := range [3]float64{z0, z1, z2} {
			r := float64(z * math.Sqrt(math.Max(0, val[k])))
			for i := range 3 {
				p[i] += float64(r * axes[k][i])
			}
		}
		return p
	}
	seen := 0
	by := map[string]*Blocker{}
	for range draws {
		a, b := eye, to
		if draws > 1 {
			a, b = move(eye, ve, ae), move(to, vt, at)
		}
		d := sub(b, a)
		n := norm(d)
		if !(n > 2*tolerance) {
			seen++
			continue
		}
		h, hit := s.all.closest(&a, &d, tolerance/n, 1-tolerance/n)
		if !hit {
			seen++
			continue
		}
		k := bodyAt(s.first, h.Triangle)
		name := s.bodies[k].name(h.Triangle - s.first[k])
		x := by[name]
		if x == nil {
			x = &Blocker{Body: name, DistanceM: math.Inf(1), Measured: s.bodies[k].Measured}
			by[name] = x
		}
		x.Share += 1 / float64(draws)
		x.DistanceM = math.Min(x.DistanceM, float64(h.Distance*n))
	}
	var list []Blocker
	for _, x := range by {
		x.Share = math.Round(x.Share*float64(draws)) / float64(draws)
		list = append(list, *x)
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].Share != list[j].Share {
			return list[i].Share > list[j].Share
		}
		return list[i].Body < list[j].Body
	})
	p := float64(seen) / float64(draws)
	switch {
	case p < 0.025:
		return Hidden, p, list
	case p > 0.975:
		return Visible, p, list
	}
	return Depends, p, list
}

func (a *asker) point(f string, q *Question, s *Seen) error {
	v, err := a.cam(f, q.Camera)
	if err != nil {
		return err
	}
	x, cov, err := a.end(f+".to", q.To)
	if err != nil {
		return err
	}
	st := v.state()
	var j [2][nParam]float64
	var jx [2]vec
	if st.jacobian(&x, nParam, &j, &jx) <= 0 {
		no := false
		s.InImage, s.Reason = &no, "the point lies behind the camera"
		return nil
	}
	u, w, _ := st.project(&x)
	px := [2]float64{u, w}
	in := u >= 0 && w >= 0 && u <= float64(v.Camera.Width) && w <= float64(v.Camera.Height)
	var c [2][2]float64
	for r := range 2 {
		for k := range 2 {
			for m := range nParam {
				for n := range nParam {
					c[r][k] += float64(j[r][m] * v.Covariance[m][n] * j[k][n])
				}
			}
			for m := range 3 {
				for n := range 3 {
					c[r][k] += float64(jx[r][m] * cov[m][n] * jx[k][n])
				}
			}
		}
	}
	d := norm(sub(x, st.c))
	s.Px, s.PxCov, s.InImage, s.DistanceM = &px, &c, &in, &d
	if a.scene != nil {
		var p float64
		s.State, p, s.BlockedBy = a.scene.Between(st.c, v.position(), x, cov, pick(q.Tolerance, 0.05))
		s.Probability = &p
	}
	return nil
}

// stop turns a spec into a plane for one pixel.
func (a *asker) stop(f string, o *PlaneSpec, v *View, px [2]float64) (Plane, string, error) {
	switch {
	case o == nil:
		return Plane{}, "", bad(f, "missing; stop the ray on the scene, a plane or a vertical line")
	case !finite(o.SigmaM) || o.SigmaM < 0:
		return Plane{}, "", bad(f+".sigma_m", "must be 0 or more metres")
	case o.Scene:
		if err := a.need(f); err != nil {
			return Plane{}, "", err
		}
		st := v.state()
		h, ok := a.scene.Ray(st.c, st.ray(px), math.Inf(1))
		if !ok {
			return Plane{}, "", errMiss
		}
		return Plane{h.At, h.Normal, h.SigmaM}, h.Body, nil
	case o.At != nil:
		p := Plane{*o.At, vec{0, 0, 1}, o.SigmaM}
		if o.Normal != nil {
			p.Normal = *o.Normal
		}
		if !finite(p.At[:]...) || !finite(p.Normal[:]...) || !(norm(p.Normal) > 0) {
			return p, "", bad(f, "a plane needs a point and a normal with a length")
		}
		return p, "", nil
	}
	return Plane{}, "", bad(f, "needs scene, at or vertical")
}

func (s *Seen) spot(x Spot) {
	s.Position, s.Covariance, s.Body, s.DistanceM, s.AngleDeg = &x.Position, &x.Covariance, x.Body, &x.Distance, &x.Angle
	val, axes := eigen3(x.Covariance)
	el := &Ellipsoid{Axes: axes}
	for k := range 3 {
		el.SemiAxes[k] = math.Sqrt(float64(7.814728 * math.Max(0, val[k])))
	}
	s.Ellipsoid95 = el
	if x.Body != "" {
		s.SameBody = &x.Share
		if x.Share < 0.975 {
			s.warn("another-body", "within the errors the ray may pass %s and meet something else: %.0f %% of the draws meet it", x.Body, 100*x.Share)
		}
	}
	if x.Angle < Grazing {
		s.warn("grazing", "the ray meets the surface at %.1f degrees; the place along the ray is hardly known and the interval is a lower bound", x.Angle)
	}
}

func pixels(f string, q *Question, n int) error {
	if len(q.Px) != n {
		return bad(f+".px", "needs %d pixels, not %d", n, len(q.Px))
	}
	for _, p := range q.Px {
		if !finite(p[:]...) {
			return bad(f+".px", "a coordinate is not a usable number")
		}
	}
	return nil
}

func (a *asker) ray(f string, q *Question, s *Seen) error {
	v, err := a.cam(f, q.Camera)
	if err != nil {
		return err
	}
	if err := pixels(f, q, 1); err != nil {
		return err
	}
	sp, err := sigma(f, q)
	if err != nil {
		return err
	}
	px := q.Px[0]
	if px[0] < 0 || px[1] < 0 || px[0] > float64(v.Camera.Width) || px[1] > float64(v.Camera.Height) {
		s.warn("outside-image", "the pixel lies outside the stated image")
	}
	if _, ok := v.Camera.Ray(px); !ok {
		s.Reason = "the lens never draws that far from its centre"
		return nil
	}
	if o := q.On; o != nil && o.Vertical != nil {
		if !finite(o.Vertical[:]...) || !finite(o.SigmaM) || o.SigmaM < 0 {
			return bad(f+".on.vertical", "needs finite coordinates and an error of 0 or more metres")
		}
		x, miss, err := v.Along(px, sp, Upright{o.Vertical[0], o.Vertical[1], o.SigmaM})
		if err != nil {
			s.Reason = err.Error()
			return nil
		}
		s.spot(x)
		s.MissM = &miss
		st := v.state()
		if away := float64(miss * st.f / x.Distance); away > 4*sp+float64(4*o.SigmaM*st.f/x.Distance) {
			s.warn("beside", "the ray passes %.2f m beside the line, %.0f px; is the mark on it?", miss, away)
		}
		return nil
	}
	if q.On != nil && q.On.Scene && a.scene != nil {
		x, err := v.Onto(px, sp, a.scene)
		if err != nil {
			s.Reason = err.Error()
			return nil
		}
		s.spot(x)
		return nil
	}
	p, _, err := a.stop(f+".on", q.On, v, px)
	if err != nil {
		return err
	}
	x, err := v.On(px, sp, p)
	if err != nil {
		s.Reason = err.Error()
		return nil
	}
	s.spot(x)
	return nil
}

func (a *asker) measure(f string, q *Question, s *Seen) error {
	v, err := a.cam(f, q.Camera)
	if err != nil {
		return err
	}
	if err := pixels(f, q, 2); err != nil {
		return err
	}
	sp, err := sigma(f, q)
	if err != nil {
		return err
	}
	p, name, err := a.stop(f+".on", q.On, v, q.Px[0])
	if err == errMiss {
		s.Reason = err.Error()
		return nil
	} else if err != nil {
		return err
	}
	s.Body = name
	var r Reading
	if q.Kind == "height" {
		r, err = v.Height(q.Px[0], q.Px[1], sp, p)
	} else {
		second := q.OnSecond
		if second == nil {
			second = q.On
		}
		o, _, e := a.stop(f+".on_second", second, v, q.Px[1])
		if e == errMiss {
			s.Reason = e.Error()
			return nil
		} else if e != nil {
			return e
		}
		r, err = v.Length(q.Px[0], q.Px[1], sp, p, o)
	}
	if err != nil {
		s.Reason = err.Error()
		return nil
	}
	i := [2]float64{r.Metres - float64(1.96*r.Sigma), r.Metres + float64(1.96*r.Sigma)}
	s.Metres, s.SigmaM, s.Interval95, s.AngleDeg = &r.Metres, &r.Sigma, &i, &r.Angle
	if r.Angle < Grazing {
		s.warn("grazing", "a ray meets its surface at %.1f degrees; the interval is a lower bound", r.Angle)
	}
	return nil
}

func (a *asker) viewshed(f string, q *Question, s *Seen) error {
	if err := a.need(f); err != nil {
		return err
	}
	if !a.scene.HasGround() {
		return bad(f, "the scene has no terrain to look at")
	}
	eye, cov, err := a.end(f+".from", q.From)
	if err != nil {
		return err
	}
	if q.Low == nil || q.High == nil || !finite(q.Low[:]...) || !finite(q.High[:]...) || !(q.High[0] > q.Low[0]) || !(q.High[1] > q.Low[1]) || !finite(q.StepM, q.HeightM) || !(q.StepM > 0) {
		return bad(f, "a viewshed needs low, high (south-west and north-east corners) and step_m above 0")
	}
	nx, ny := math.Ceil((q.High[0]-q.Low[0])/q.StepM), math.Ceil((q.High[1]-q.Low[1])/q.StepM)
	if nx*ny > maxViewshedCells {
		return bad(f+".step_m", "%.0f cells, at most %d are computed; take a larger step or a smaller area", nx*ny, maxViewshedCells)
	}
	w, h := int(nx), int(ny)
	m := &ViewshedMap{West: q.Low[0] + q.StepM/2, South: q.Low[1] + q.StepM/2, StepM: q.StepM, Draws: 1}
	val, axes := eigen3(cov)
	eyes := []vec{eye}
	if val[0] > 0 {
		m.Draws = max(8, min(40, 8_000_000/(w*h)))
		rng := newPCG(1)
		eyes = eyes[:0]
		for range m.Draws {
			e := eye
			z0, z1 := rng.normals()
			z2, _ := rng.normals()
			for k, z := range [3]float64{z0, z1, z2} {
				r := float64(z * math.Sqrt(math.Max(0, val[k])))
				for i := range 3 {
					e[i] += float64(r * axes[k][i])
				}
			}
			eyes = append(eyes, e)
		}
	}
	tol := pick(q.Tolerance, 0.05)
	cell := make([]byte, w*h)
	share(w*h, func(i int) {
		x, y := m.West+float64(float64(i%w)*m.StepM), m.South+float64(float64(i/w)*m.StepM)
		u, _, ok := a.scene.Ground(x, y)
		if !ok {
			cell[i] = 'x'
			return
		}
		n := 0
		for _, e := range eyes {
			if !a.scene.all.Blocked(e, vec{x, y, u + q.HeightM}, tol) {
				n++
			}
		}
		switch p := float64(n) / float64(len(eyes)); {
		case p < 0.025:
			cell[i] = '0'
		case p > 0.975:
			cell[i] = '1'
		default:
			cell[i] = '?'
		}
	})
	count := map[byte]int{}
	for _, c := range cell {
		count[c]++
	}
	m2 := float64(m.StepM * m.StepM)
	m.VisibleM2, m.HiddenM2, m.DependsM2 = float64(count['1'])*m2, float64(count['0'])*m2, float64(count['?'])*m2
	for y := range h {
		m.Rows = append(m.Rows, string(cell[y*w:(y+1)*w]))
	}
	s.Viewshed = m
	return nil
}

func (a *asker) rectify(f string, q *Question, s *Seen) error {
	v, err := a.cam(f, q.Camera)
	if err != nil {
		return err
	}
	if q.Origin == nil || q.Right == nil || q.Up == nil || !finite(q.Origin[:]...) || !finite(q.Right[:]...) || !finite(q.Up[:]...) {
		return bad(f, "rectify needs origin, right and up of the plane")
	}
	h, err := v.Rectify(*q.Origin, *q.Right, *q.Up)
	if err != nil {
		return bad(f, "%s", err)
	}
	s.Homography = &h
	if v.Camera.K1 != 0 {
		s.warn("lens", "the homography holds for a lens without distortion; take k1 = %g out of the picture first", v.Camera.K1)
	}
	return nil
}

// Prose writes the answers for people.
func (o *SeenSheet) Prose(w io.Writer) error {
	var b strings.Builder
	for _, s := range o.Answers {
		fmt.Fprintf(&b, "%s: ", s.ID)
		switch {
		case s.Reason != "":
			fmt.Fprintf(&b, "%s.\n", s.Reason)
		case s.Viewshed != nil:
			v := s.Viewshed
			fmt.Fprintf(&b, "seen %.0f m2, depends on the position %.0f m2, hidden %.0f m2.\n", v.VisibleM2, v.DependsM2, v.HiddenM2)
		case s.Metres != nil:
			fmt.Fprintf(&b, "%.2f m, with 95 %% between %.2f and %.2f m.\n", *s.Metres, s.Interval95[0], s.Interval95[1])
		case s.Position != nil:
			on := ""
			if s.Body != "" {
				on = " on " + s.Body
			}
			fmt.Fprintf(&b, "east %.2f, north %.2f, up %.2f m%s, %.1f m away; 95 %% semi-axes %.2f, %.2f and %.2f m.\n",
				s.Position[0], s.Position[1], s.Position[2], on, *s.DistanceM, s.Ellipsoid95.SemiAxes[0], s.Ellipsoid95.SemiAxes[1], s.Ellipsoid95.SemiAxes[2])
		case s.Homography != nil:
			fmt.Fprintf(&b, "plane to pixel %v.\n", *s.Homography)
		case s.Px != nil:
			fmt.Fprintf(&b, "at pixel %.1f, %.1f", s.Px[0], s.Px[1])
			if !*s.InImage {
				b.WriteString(", outside the picture")
			}
			if s.State != "" {
				fmt.Fprintf(&b, ", %s (seen with probability %.2f)", s.State, *s.Probability)
			}
			b.WriteString(".\n")
		default:
			fmt.Fprintf(&b, "%s, seen with probability %.2f over %.1f m.\n", s.State, *s.Probability, *s.DistanceM)
		}
		for _, x := range s.BlockedBy {
			fmt.Fprintf(&b, "  %s stands in the way in %.0f %% of the drawn positions.\n", x.Body, 100*x.Share)
		}
		for _, x := range s.Warnings {
			fmt.Fprintf(&b, "  Note: %s.\n", x.Text)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
