package main

import (
	"errors"
	"io"
	"os"

	"sightline/sun"
	"sightline/where"
)

// shadowQuestion is the contract sightline/shadow-problem/1. Beside the
// contract's fields it takes a joint covariance (6 rows for each shadow: top,
// tip) and faces that are lit or shaded.
type shadowQuestion struct {
	Schema string `json:"schema"`
	ID     any    `json:"id"`
	Place  *struct {
		Lat     *float64 `json:"lat"`
		Lon     *float64 `json:"lon"`
		HeightM float64  `json:"height_m"`
	} `json:"place"`
	Weather struct {
		PressureHPa *float64 `json:"pressure_hpa"`
		Temperature *float64 `json:"temperature_c"`
	} `json:"weather"`
	Between    []string `json:"between"`
	Confidence *float64 `json:"confidence"`
	FloorDeg   *float64 `json:"floor_deg"`
	Shadows    []struct {
		ID     string      `json:"id"`
		Top    []float64   `json:"top"`
		Tip    []float64   `json:"tip"`
		TopCov [][]float64 `json:"top_cov"`
		TipCov [][]float64 `json:"tip_cov"`
	} `json:"shadows"`
	Covariance [][]float64 `json:"covariance"`
	Faces      []struct {
		ID     string    `json:"id"`
		Normal []float64 `json:"normal"`
		State  string    `json:"state"`
		SDDeg  float64   `json:"sd_deg"`
	} `json:"faces"`
}

type shadowAnswer struct {
	Schema     string            `json:"schema"`
	ID         any               `json:"id"`
	Refused    *refusal          `json:"refused"`
	Directions []shadowDirection `json:"directions"`
	Best       *int64            `json:"best"`
	Misfit     *float64          `json:"misfit"`
	Intervals  []msInterval      `json:"intervals"`
}

type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type shadowDirection struct {
	ID        string  `json:"id"`
	Azimuth   float64 `json:"azimuth_deg"`
	Elevation float64 `json:"elevation_deg"`
	SD        float64 `json:"sd_deg"`
}

type msInterval struct {
	Min int64 `json:"min"`
	Max int64 `json:"max"`
}

func (c *sunShadowCmd) Run(e *env) error {
	return answerAll[shadowQuestion, *shadowAnswer](e, c.Problem, c.Batch)
}

// answerAll answers the problem in a file or, with batch, each line of one.
func answerAll[Q interface{ answer() (A, *askError) }, A any](e *env, problem, batch string) error {
	one := func(b []byte) (any, error) {
		var q Q
		if err := readJSON(b, &q); err != nil {
			return nil, err
		}
		return answerOr(q.answer())
	}
	if batch != "" {
		return eachLine(e, batch, one)
	}
	b, err := readQuestion(e, problem)
	if err != nil {
		return err
	}
	return printOne(e)(one(b))
}

// readQuestion reads a problem from a file or, for -, from standard input.
func readQuestion(e *env, path string) ([]byte, error) {
	if path == "" {
		return nil, exit(2, ask("bad_json", "PROBLEM", "name a problem file, or - for standard input"))
	}
	in := e.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, exit(2, ask("bad_json", path, "cannot open the file: %v", err))
		}
		defer f.Close()
		in = f
	}
	const most = 64 << 20
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, exit(2, ask("bad_json", path, "cannot read the file: %v", err))
	}
	if len(b) > most {
		return nil, exit(2, ask("bad_json", path, "a problem larger than 64 MB is not a shadow problem"))
	}
	return b, nil
}

func (q shadowQuestion) problem() (p sun.Problem, bad *askError) {
	if q.Schema != "" && q.Schema != "sightline/shadow-problem/1" {
		return p, ask("bad_json", "schema", "schema %q is not sightline/shadow-problem/1", q.Schema)
	}
	if q.Place == nil || q.Place.Lat == nil || q.Place.Lon == nil {
		return p, ask("bad_json", "place", "a place with lat and lon is needed")
	}
	p.Place, p.Air, bad = conditions(*q.Place.Lat, *q.Place.Lon, q.Place.HeightM, q.Weather.PressureHPa, q.Weather.Temperature)
	if bad != nil {
		return p, bad
	}
	if len(q.Between) != 2 {
		return p, ask("bad_json", "between", "between needs two times, found %d", len(q.Between))
	}
	if p.Between.Min, bad = instant(q.Between[0], "between"); bad != nil {
		return p, bad
	}
	if p.Between.Max, bad = instant(q.Between[1], "between"); bad != nil {
		return p, bad
	}
	if p.Between.Max <= p.Between.Min {
		return p, ask("reversed_interval", "between", "%s is not before %s", q.Between[0], q.Between[1])
	}
	p.Confidence, p.Floor = 0.95, 0.1
	if q.Confidence != nil {
		p.Confidence = *q.Confidence
	}
	if q.FloorDeg != nil {
		p.Floor = where.Degrees(*q.FloorDeg)
	}
	seen := map[string]bool{}
	for i, s := range q.Shadows {
		if seen[s.ID] {
			return p, ask("duplicate_id", "shadows", "shadow %q occurs twice", s.ID)
		}
		seen[s.ID] = true
		out := sun.Shadow{ID: s.ID}
		if !three(s.Top, &out.Top) || !three(s.Tip, &out.Tip) {
			return p, ask("bad_json", "shadows", "shadow %d (%q): top and tip need three metres each: east, north, up", i+1, s.ID)
		}
		if q.Covariance == nil && (!threeByThree(s.TopCov, &out.TopCov) || !threeByThree(s.TipCov, &out.TipCov)) {
			return p, ask("bad_json", "shadows", "shadow %d (%q): top_cov and tip_cov need 3 x 3 values in square metres", i+1, s.ID)
		}
		p.Shadows = append(p.Shadows, out)
	}
	p.Covariance = q.Covariance
	for i, f := range q.Faces {
		out := sun.Face{ID: f.ID, Lit: f.State == "lit", SD: where.Degrees(f.SDDeg)}
		if !three(f.Normal, &out.Normal) {
			return p, ask("bad_json", "faces", "face %d (%q): the normal needs three numbers: east, north, up", i+1, f.ID)
		}
		if f.State != "lit" && f.State != "shaded" {
			return p, ask("bad_json", "faces", "face %d (%q): state %q is not lit or shaded", i+1, f.ID, f.State)
		}
		p.Faces = append(p.Faces, out)
	}
	return p, nil
}

func three(in []float64, out *[3]float64) bool { return len(in) == 3 && copy(out[:], in) == 3 }

func threeByThree(in [][]float64, out *[3][3]float64) bool {
	if len(in) != 3 {
		return false
	}
	for i := range in {
		if !three(in[i], &out[i]) {
			return false
		}
	}
	return true
}

func (q shadowQuestion) answer() (*shadowAnswer, *askError) {
	p, bad := q.problem()
	if bad != nil {
		return nil, bad
	}
	a, err := sun.Solve(p)
	switch {
	case errors.Is(err, sun.ErrNotPositiveDefinite):
		return nil, ask("not_positive_definite", "shadows", "%v: a covariance must be symmetric with positive variances", err)
	case err != nil:
		return nil, ask("bad_json", "", "%v", err)
	}
	out := &shadowAnswer{Schema: "sightline/shadow/1", ID: q.ID, Directions: []shadowDirection{}, Intervals: []msInterval{}}
	for _, d := range a.Directions {
		out.Directions = append(out.Directions, shadowDirection{d.ID, float64(d.Azimuth), float64(d.Elevation), float64(d.SD)})
	}
	if a.Refused != nil {
		out.Refused = &refusal{a.Refused.Code, a.Refused.Message}
		return out, nil
	}
	if a.Best != nil {
		ms, misfit := int64(*a.Best), a.Misfit
		out.Best, out.Misfit = &ms, &misfit
	}
	for _, iv := range a.Intervals {
		out.Intervals = append(out.Intervals, msInterval{int64(iv.Min), int64(iv.Max)})
	}
	return out, nil
}
