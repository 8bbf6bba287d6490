package place

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"

	"sightline"
	"sightline/sight"
	"sightline/where"
)

// Solved is a problem together with its answer.
type Solved struct {
	Problem *sight.Problem
	Answer  *sight.Answer
	View    sight.View

	problem, answer []byte
}

// Read pairs the bytes of a problem with those of its answer. It refuses an
// answer that was computed from other bytes, and one that was refused.
func Read(problem, answer []byte) (*Solved, error) {
	p, err := sight.ParseProblem(problem)
	if err != nil {
		return nil, err
	}
	a := new(sight.Answer)
	if err := json.Unmarshal(answer, a); err != nil || a.Format != sight.AnswerFormat {
		return nil, fmt.Errorf("this is not an answer of camera solve (format %q)", a.Format)
	}
	if sum := sha256.Sum256(problem); a.InputSHA256 != hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("the answer %q was computed from other bytes than this problem (SHA-256 %.12s... against %.12s...); solve it again", a.ID, a.InputSHA256, hex.EncodeToString(sum[:]))
	}
	if a.Status == sight.Refused {
		return nil, fmt.Errorf("the answer %q is refused and holds no camera: %s", a.ID, a.Reason)
	}
	if a.Angles == nil || a.Ellipsoid95 == nil || a.Covariance == nil || a.WeakDirection == nil {
		return nil, fmt.Errorf("the answer %q lacks its angles, covariance or ellipsoid", a.ID)
	}
	v, err := a.View(p.Image.Width, p.Image.Height)
	if err != nil {
		return nil, err
	}
	return &Solved{Problem: p, Answer: a, View: v, problem: problem, answer: answer}, nil
}

// frame is the geographic frame of a problem: heights in it are ellipsoidal.
// sigma is what the vertical datum adds to the error of heights.
func (s *Solved) frame() (f where.Frame, sigma float64, err error) {
	n := s.Problem.Frame
	if n == nil {
		return f, 0, fmt.Errorf("the problem %q has no frame; without the scene's origin a camera has no latitude and longitude", s.Problem.ID)
	}
	g := where.Geodetic{Lat: where.Degrees(n.Origin.Lat), Lon: where.Degrees(n.Origin.Lon)}
	d, err := where.ParseDatum(n.Vertical)
	if err != nil {
		return f, 0, err
	}
	h, sg, err := where.Height{Metres: where.Metres(n.Origin.H), Datum: d}.Ellipsoidal(g.Lat, g.Lon)
	if err != nil && d != where.UnknownDatum {
		return f, 0, err
	}
	g.H = h
	return where.NewFrame(g), float64(sg), nil
}

// Method is the name under which a finding says how it was made: whoever has
// the program asks the same problem again by it.
const Method = "camera.solve"

// Finding is the camera as a finding about an item, with the problem and the
// answer in full, in English and Spanish. It is not public and not reviewed:
// a person decides both.
func (s *Solved) Finding(id, item, analyst string) sightline.Finding {
	a := s.Answer
	p, e := a.Position, a.Ellipsoid95.SemiAxes
	wrong, total := 0, len(a.Residuals)
	for _, r := range a.Residuals {
		if !r.Inlier {
			wrong++
		}
	}
	right := func(n int) string { return fmt.Sprintf("%.*f", decimals(e), p[n]) }
	en := fmt.Sprintf("The camera stood at east %s, north %s, up %s m of the scene and looked %.0f degrees from north; with 95 %% certainty within an ellipsoid of semi-axes %.2g, %.2g and %.2g m. %d of %d clicks agree.",
		right(0), right(1), right(2), a.Angles.Heading, e[0], e[1], e[2], total-wrong, total)
	es := fmt.Sprintf("La cámara estaba en este %s, norte %s, altura %s m de la escena y miraba a %.0f grados del norte; con 95 %% de certeza dentro de un elipsoide de semiejes %.2g, %.2g y %.2g m. Coinciden %d de %d clics.",
		right(0), right(1), right(2), a.Angles.Heading, e[0], e[1], e[2], total-wrong, total)
	switch a.Status {
	case sight.Weak:
		en += " The answer is weak: few clicks check it, or its position is loose."
		es += " La respuesta es débil: pocos clics la comprueban o su posición es imprecisa."
	case sight.Ambiguous:
		en += " Another camera fits nearly as well."
		es += " Otra cámara encaja casi igual de bien."
	}
	f := sightline.Finding{
		ID: id, About: []string{item}, Axis: "place", Method: Method,
		Text: sightline.Text{"en": en, "es": es}, Inputs: []string{item},
		Problem: json.RawMessage(s.problem), Answer: json.RawMessage(s.answer),
		Software: a.Software.Name + " " + a.Software.Version + ", " + a.Software.Method, Analyst: analyst,
	}
	if len(a.Modes) > 0 {
		ten, tes := "Also considered:", "También se consideró:"
		for _, m := range a.Modes {
			ten += fmt.Sprintf(" %.1f, %.1f, %.1f m (weight %.2f);", m.Position[0], m.Position[1], m.Position[2], m.Weight)
			tes += fmt.Sprintf(" %.1f, %.1f, %.1f m (peso %.2f);", m.Position[0], m.Position[1], m.Position[2], m.Weight)
		}
		f.Considered = sightline.Text{"en": ten[:len(ten)-1] + ".", "es": tes[:len(tes)-1] + "."}
	}
	return f
}

// decimals writes no more digits than the error supports.
func decimals(semi [3]float64) int {
	return max(0, min(3, int(math.Ceil(-math.Log10(math.Max(semi[0], 1e-9)))+1)))
}

// Place is the camera as the place of an item: the pose with its covariance,
// and the 95 % ellipse of it on the ground, which is chi-square with two
// degrees of freedom and not the shadow of the ellipsoid.
func (s *Solved) Place(finding string, basis sightline.Text) sightline.Place {
	a := s.Answer
	c := &sightline.Camera{
		Width: s.Problem.Image.Width, Height: s.Problem.Image.Height, Position: *a.Position, Rotation: *a.Rotation,
		FocalPx: a.FocalPx, Principal: *a.PrincipalPoint, Solved: true,
	}
	if a.K1 != nil {
		c.K1 = *a.K1
	}
	for _, row := range a.Covariance {
		c.Covariance = append(c.Covariance, row[:])
	}
	at := *a.Position
	out := sightline.Place{Role: "camera", Form: "camera", ENU: &at, Camera: c, Ellipse: groundEllipse(a.Covariance), Status: "estimated", Basis: basis, Finding: finding}
	if f, _, err := s.frame(); err == nil {
		g := f.Geodetic(where.ENU(at))
		h := float64(g.H)
		out.Geo = &sightline.Geo{Lat: float64(g.Lat), Lon: float64(g.Lon), H: &h, Datum: "ellipsoid"}
	}
	return out
}

// groundEllipse is the 95 % region of east and north.
func groundEllipse(cov *[6][6]float64) *sightline.Ellipse {
	a, b, c := cov[0][0], cov[0][1], cov[1][1]
	mean, r := (a+c)/2, math.Hypot((a-c)/2, b)
	bearing := math.Mod(90-math.Atan2(2*b, a-c)*90/math.Pi+180, 180)
	const chi2 = 5.991464547107979 // 95 %, two degrees of freedom
	return &sightline.Ellipse{SemiMajorM: math.Sqrt(chi2 * (mean + r)), SemiMinorM: math.Sqrt(chi2 * math.Max(0, mean-r)), BearingDeg: bearing}
}
