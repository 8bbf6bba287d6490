package sight

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
)

// FeatureSpec is one thing marked in several photographs.
type FeatureSpec struct {
	ID    string `json:"id"`
	Marks []struct {
		Camera  string     `json:"camera"`
		Px      [2]float64 `json:"px"`
		SigmaPx *float64   `json:"sigma_px,omitempty"`
	} `json:"marks"`
}

// TriangulateProblem asks where features are.
type TriangulateProblem struct {
	Format   string        `json:"format"`
	ID       string        `json:"id"`
	Cameras  []ViewSpec    `json:"cameras"`
	Features []FeatureSpec `json:"features"`
}

// FeatureMark is how one mark fits, and what leaving it out does.
type FeatureMark struct {
	Camera  string   `json:"camera"`
	Sigmas  float64  `json:"sigmas"`
	MovedM  *float64 `json:"moved_m,omitempty"` // the feature without this mark
	Suspect bool     `json:"suspect"`
}

// PlacedFeature is one feature with its error.
type PlacedFeature struct {
	ID          string         `json:"id"`
	Status      string         `json:"status"` // solved, weak, refused
	Reason      string         `json:"reason,omitempty"`
	Position    *[3]float64    `json:"position,omitempty"`
	Covariance  *[3][3]float64 `json:"covariance,omitempty"`
	Ellipsoid95 *Ellipsoid     `json:"ellipsoid95,omitempty"`
	AngleDeg    float64        `json:"angle_deg,omitempty"` // the widest between two rays
	Redundancy  int            `json:"redundancy"`
	SigmaScale  float64        `json:"sigma_scale,omitempty"`
	Marks       []FeatureMark  `json:"marks,omitempty"`
	Warnings    []Warning      `json:"warnings"`
}

// Triangulated is the answer to a [TriangulateProblem].
type Triangulated struct {
	Format      string          `json:"format"`
	ID          string          `json:"id"`
	Features    []PlacedFeature `json:"features"`
	InputSHA256 string          `json:"input_sha256"`
	Software    Software        `json:"software"`
}

// ParseTriangulate reads a problem strictly.
func ParseTriangulate(b []byte) (*TriangulateProblem, error) {
	p := new(TriangulateProblem)
	if err := strict(b, p, "triangulation"); err != nil {
		return nil, err
	}
	switch {
	case p.Format != TriangulateFormat:
		return nil, bad("format", "must be %q, not %q", TriangulateFormat, p.Format)
	case p.ID == "":
		return nil, bad("id", "missing; name the problem")
	case len(p.Features) == 0 || len(p.Features) > MaxPoints || len(p.Cameras) > MaxPoints:
		return nil, bad("features", "1 to %d are accepted, not %d", MaxPoints, len(p.Features))
	}
	return p, nil
}

// PlaceFeatures answers a triangulation. A feature whose rays do not meet, or
// hardly cross, is refused or called weak with the reason.
func PlaceFeatures(p *TriangulateProblem, raw []byte) (*Triangulated, error) {
	sum := sha256.Sum256(raw)
	out := &Triangulated{Format: TriangulatedFormat, ID: p.ID, InputSHA256: hex.EncodeToString(sum[:]), Software: Software{"sightline", "dev", "rays-lm/1"}}
	cams, err := views(p.Cameras)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range p.Features {
		f := &p.Features[i]
		field := fmt.Sprintf("features[%d]", i)
		if f.ID == "" || seen[f.ID] {
			return nil, bad(field+".id", "missing or used twice; give each feature its own name")
		}
		seen[f.ID] = true
		if len(f.Marks) > 1000 {
			return nil, bad(field+".marks", "%d of them, at most 1000 are accepted", len(f.Marks))
		}
		var obs []Observation
		for k, m := range f.Marks {
			v := cams[m.Camera]
			if v == nil {
				return nil, bad(fmt.Sprintf("%s.marks[%d].camera", field, k), "%q is not among the cameras", m.Camera)
			}
			s := pick(m.SigmaPx, 2)
			if !finite(m.Px[:]...) || !finite(s) || !(s > 0) {
				return nil, bad(fmt.Sprintf("%s.marks[%d]", field, k), "needs a finite pixel and a sigma_px above 0")
			}
			o := Observation{*v, m.Px, s}
			if v.pano != nil {
				w, px, err := v.pano.part([][2]float64{m.Px})
				if err != nil {
					return nil, bad(fmt.Sprintf("%s.marks[%d].px", field, k), "%s", err)
				}
				o = Observation{w, px[0], s}
			}
			obs = append(obs, o)
		}
		out.Features = append(out.Features, place(f, obs))
	}
	return out, nil
}

func place(f *FeatureSpec, obs []Observation) PlacedFeature {
	o := PlacedFeature{ID: f.ID, Status: Solved, Warnings: []Warning{}, Redundancy: 2*len(obs) - 3}
	x, err := Triangulate(obs)
	if err != nil {
		o.Status, o.Reason, o.Redundancy = Refused, err.Error(), 0
		return o
	}
	cost := 0.0
	for _, s := range x.Sigmas {
		cost += float64(s * s)
	}
	s2 := 1.0
	if cost > chi2q99(float64(o.Redundancy)) {
		s2 = (cost + 8) / float64(o.Redundancy+8)
		o.Warnings = append(o.Warnings, Warning{"errors-larger", fmt.Sprintf("the marks miss by more than their stated errors; the uncertainty was widened %.2f times", math.Sqrt(s2))})
	}
	for i := range 3 {
		for j := range 3 {
			x.Covariance[i][j] *= s2
		}
	}
	o.SigmaScale = math.Sqrt(s2)
	o.Position, o.Covariance = &x.Position, &x.Covariance
	val, axes := eigen3(x.Covariance)
	el := &Ellipsoid{Axes: axes}
	for k := range 3 {
		el.SemiAxes[k] = math.Sqrt(float64(7.814728 * math.Max(0, val[k])))
	}
	o.Ellipsoid95 = el
	far := 0.0
	for i := range obs {
		a := sub(x.Position, obs[i].Camera.Position)
		far = math.Max(far, norm(a))
		for k := range i {
			b := sub(x.Position, obs[k].Camera.Position)
			o.AngleDeg = math.Max(o.AngleDeg, math.Atan2(norm(cross(a, b)), dot(a, b))*180/math.Pi)
		}
	}
	o.AngleDeg = tidy(o.AngleDeg)
	worst, at := 4.0, -1
	for i := range obs {
		m := FeatureMark{Camera: f.Marks[i].Camera, Sigmas: x.Sigmas[i]}
		if len(obs) > 2 {
			rest := append(append([]Observation{}, obs[:i]...), obs[i+1:]...)
			if y, err := Triangulate(rest); err == nil {
				d := norm(sub(y.Position, x.Position))
				m.MovedM = &d
				// A wrong mark pulls the feature; the rest then agree without it.
				c := 0.0
				for _, s := range y.Sigmas {
					c += float64(s * s)
				}
				if g := math.Sqrt(math.Max(0, cost-c)); len(obs) > 3 && g > worst || len(obs) == 3 && g > worst && c < 9 {
					worst, at = g, i
				}
			}
		}
		o.Marks = append(o.Marks, m)
	}
	if at >= 0 {
		o.Marks[at].Suspect = true
		o.Warnings = append(o.Warnings, Warning{"suspect", fmt.Sprintf("the mark in %s disagrees with the others by %.1f times its error; look at it again", o.Marks[at].Camera, worst)})
	}
	if o.Redundancy < 2 {
		o.Warnings = append(o.Warnings, Warning{"two-rays", "two rays hardly check each other; a third photograph would"})
	}
	if el.SemiAxes[0] > 0.1*far {
		o.Status = Weak
		o.Warnings = append(o.Warnings, Warning{"loose", fmt.Sprintf("the rays cross at %.1f degrees; the distance is uncertain by more than a tenth", o.AngleDeg)})
	}
	return o
}

// Prose writes the answer for people.
func (t *Triangulated) Prose(w io.Writer) error {
	for _, f := range t.Features {
		if f.Position == nil {
			if _, err := fmt.Fprintf(w, "%s: %s, %s\n", f.ID, f.Status, f.Reason); err != nil {
				return err
			}
			continue
		}
		p, e := f.Position, f.Ellipsoid95.SemiAxes
		if _, err := fmt.Fprintf(w, "%s: %s. East %.3f, north %.3f, up %.3f m; 95 %% semi-axes %.3f, %.3f and %.3f m; rays cross at %.1f degrees.\n",
			f.ID, f.Status, p[0], p[1], p[2], e[0], e[1], e[2], f.AngleDeg); err != nil {
			return err
		}
		for _, x := range f.Warnings {
			if _, err := fmt.Fprintf(w, "  Note: %s.\n", x.Text); err != nil {
				return err
			}
		}
	}
	return nil
}
