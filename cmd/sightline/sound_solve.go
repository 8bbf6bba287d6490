package main

import (
	"math"

	"sightline/sound"
)

type soundSolveCmd struct {
	Problem string `arg:"" optional:"" help:"A joint sound problem (JSON), or - for standard input."`
	Batch   string `help:"Read one problem a line from this file, or - for standard input." placeholder:"FILE"`
}

// jointQuestion is sightline/sound-joint/1.
type jointQuestion struct {
	Schema        string   `json:"schema"`
	ID            any      `json:"id"`
	Temperature   *float64 `json:"temperature_c"`
	TemperatureSD *float64 `json:"temperature_sd_c"`
	ArrivalSD     *float64 `json:"arrival_sd_s"`
	Confidence    *float64 `json:"confidence"`
	Recorders     []struct {
		ID    string   `json:"id"`
		X     *float64 `json:"x"`
		Y     *float64 `json:"y"`
		Z     float64  `json:"z"`
		SD    float64  `json:"sd_m"`
		Drift *float64 `json:"drift_sd_ppm"`
	} `json:"recorders"`
	Sounds []struct {
		ID string `json:"id"`
		At *struct {
			X  float64 `json:"x"`
			Y  float64 `json:"y"`
			Z  float64 `json:"z"`
			SD float64 `json:"sd_m"`
		} `json:"at"`
		Z     *float64 `json:"z_m"`
		Heard []struct {
			Recorder string   `json:"recorder"`
			T        *float64 `json:"t_s"`
			SD       float64  `json:"sd_s"`
		} `json:"heard"`
	} `json:"sounds"`
}

type jointClock struct {
	Recorder string   `json:"recorder"`
	Offset   *float64 `json:"offset_s"` // null: no sound ties it to the reference
	SD       *float64 `json:"sd_s"`
	PPM      *float64 `json:"drift_ppm"`
	PPMSD    *float64 `json:"drift_sd_ppm"`
}

type jointSound struct {
	ID           string        `json:"id"`
	Refused      *refusal      `json:"refused"`
	Position     *soundPlace   `json:"position"`
	Ellipse      *soundEllipse `json:"ellipse"`
	Alternatives []soundPlace  `json:"alternatives"`
	T            *float64      `json:"t_s"`
	TSD          *float64      `json:"sd_s"`
}

type jointMisfit struct {
	Sound    string  `json:"sound"`
	Recorder string  `json:"recorder"`
	Residual float64 `json:"residual_s"`
	Score    float64 `json:"standard_deviations"`
}

type jointAnswer struct {
	Schema    string        `json:"schema"`
	ID        any           `json:"id,omitempty"`
	Refused   *refusal      `json:"refused"`
	Reference string        `json:"reference,omitempty"`
	Clocks    []jointClock  `json:"clocks"`
	Sounds    []jointSound  `json:"sounds"`
	Misfits   []jointMisfit `json:"residuals"`
	Disagree  []jointMisfit `json:"disagree"`
	Scale     float64       `json:"spread_over_stated"`
	Speed     float64       `json:"c_mps"`
	SpeedSD   float64       `json:"c_sd_mps"`
	Arrivals  int           `json:"arrivals"`
	Unknowns  int           `json:"unknowns"`
}

func (c *soundSolveCmd) Run(e *env) error {
	return answerAll[jointQuestion, *jointAnswer](e, c.Problem, c.Batch)
}

// solveAnswer is the question of "sound solve" as a method.
func solveAnswer(b []byte) (any, error) {
	var q jointQuestion
	if err := readJSON(b, &q); err != nil {
		return nil, err
	}
	return said(q.answer())
}

// mostJoint bounds the unknowns: their number enters with its third power.
const mostJoint = 100

func (q jointQuestion) problem() (*sound.JointProblem, *askError) {
	if q.Schema != "" && q.Schema != "sightline/sound-joint/1" {
		return nil, ask("bad_json", "schema", "schema %q is not sightline/sound-joint/1", q.Schema)
	}
	or := func(v *float64, d float64) float64 {
		if v != nil {
			return *v
		}
		return d
	}
	p := &sound.JointProblem{Temperature: or(q.Temperature, 15), TemperatureSD: or(q.TemperatureSD, 2), Confidence: or(q.Confidence, 0.95)}
	sd := or(q.ArrivalSD, 0.003)
	switch {
	case p.Temperature < -100 || p.Temperature > 100:
		return nil, ask("out_of_range", "temperature_c", "%g degrees is not between -100 and 100", p.Temperature)
	case !(sd > 0 && sd < 1e3) || p.TemperatureSD < 0 || p.TemperatureSD > 100:
		return nil, ask("out_of_range", "arrival_sd_s", "a standard deviation is out of range")
	case !(p.Confidence > 0 && p.Confidence < 1):
		return nil, ask("out_of_range", "confidence", "confidence %g is not between 0 and 1", p.Confidence)
	case len(q.Recorders) > mostJoint || len(q.Sounds) > mostJoint:
		return nil, ask("out_of_range", "recorders", "%d recorders and %d sounds: at most %d of each are solved together", len(q.Recorders), len(q.Sounds), mostJoint)
	}
	far := func(vs ...float64) bool {
		for _, v := range vs {
			if math.Abs(v) > 1e9 {
				return true
			}
		}
		return false
	}
	index := map[string]int{}
	for i, r := range q.Recorders {
		if _, ok := index[r.ID]; ok {
			return nil, ask("duplicate_id", "recorders", "recorder %q occurs twice", r.ID)
		}
		index[r.ID] = i
		drift := or(r.Drift, 50)
		if r.X == nil || r.Y == nil || r.SD < 0 || drift < 0 {
			return nil, ask("bad_json", r.ID, "recorder %q needs x and y, and no negative sd_m or drift_sd_ppm", r.ID)
		}
		if far(*r.X, *r.Y, r.Z, r.SD, drift) {
			return nil, ask("out_of_range", r.ID, "recorder %q has a number beyond 1e9", r.ID)
		}
		p.Recorders = append(p.Recorders, sound.Recorder{ID: r.ID, X: *r.X, Y: *r.Y, Z: r.Z, SD: r.SD, DriftPPM: drift})
	}
	seen := map[string]bool{}
	for _, s := range q.Sounds {
		if seen[s.ID] {
			return nil, ask("duplicate_id", "sounds", "sound %q occurs twice", s.ID)
		}
		seen[s.ID] = true
		o := sound.Source{ID: s.ID}
		var z, n float64
		by := map[int]bool{}
		for _, h := range s.Heard {
			i, ok := index[h.Recorder]
			switch {
			case !ok:
				return nil, ask("unknown_point", s.ID, "sound %q was heard by %q, which is no recorder of this problem", s.ID, h.Recorder)
			case by[i]:
				return nil, ask("duplicate_id", s.ID, "sound %q names recorder %q twice", s.ID, h.Recorder)
			case h.T == nil || h.SD < 0 || far(*h.T, h.SD):
				return nil, ask("bad_json", s.ID, "an arrival of sound %q needs t_s below 1e9, and no negative sd_s", s.ID)
			}
			by[i] = true
			if h.SD == 0 {
				h.SD = sd
			}
			z, n = z+q.Recorders[i].Z, n+1
			o.Heard = append(o.Heard, sound.Arrival{Recorder: i, T: *h.T, SD: math.Max(1e-6, h.SD)})
		}
		o.Z = z / math.Max(1, n) // as high as those who heard it, unless stated
		if s.Z != nil {
			o.Z = *s.Z
		}
		if a := s.At; a != nil {
			if a.SD < 0 || far(a.X, a.Y, a.Z, a.SD) {
				return nil, ask("out_of_range", s.ID, "the place of sound %q is out of range", s.ID)
			}
			o.At, o.AtSD = &[3]float64{a.X, a.Y, a.Z}, a.SD
		}
		if far(o.Z) {
			return nil, ask("out_of_range", s.ID, "the height of sound %q is out of range", s.ID)
		}
		p.Sounds = append(p.Sounds, o)
	}
	return p, nil
}

func (q jointQuestion) answer() (*jointAnswer, *askError) {
	p, bad := q.problem()
	if bad != nil {
		return nil, bad
	}
	s := sound.SolveJoint(*p)
	a := &jointAnswer{Schema: "sightline/sound-solve/1", ID: q.ID, Clocks: []jointClock{}, Sounds: []jointSound{}, Misfits: []jointMisfit{}, Disagree: []jointMisfit{},
		Scale: micro(s.Scale), Speed: milli(s.Speed), SpeedSD: milli(s.SD), Arrivals: s.Arrivals, Unknowns: s.Unknowns}
	told := func(ms []sound.Misfit) []jointMisfit {
		out := []jointMisfit{}
		for _, m := range ms {
			out = append(out, jointMisfit{p.Sounds[m.Sound].ID, p.Recorders[m.Recorder].ID, micro(m.Residual), milli(m.Score)})
		}
		return out
	}
	a.Misfits, a.Disagree = told(s.Misfits), told(s.Disagree)
	if s.Refused != nil {
		a.Refused = &refusal{s.Refused.Code, s.Refused.Message}
		return a, nil
	}
	a.Reference = p.Recorders[s.Reference].ID
	of := func(v float64) *float64 { v = micro(v); return &v }
	for i, c := range s.Clocks {
		k := jointClock{Recorder: p.Recorders[i].ID}
		if c.Known {
			k.Offset, k.SD, k.PPM, k.PPMSD = of(c.Offset), of(c.SD), of(c.PPM), of(c.PPMSD)
		}
		a.Clocks = append(a.Clocks, k)
	}
	for i, v := range s.Sounds {
		k := jointSound{ID: p.Sounds[i].ID, Alternatives: []soundPlace{}}
		if v.Refused != nil {
			k.Refused = &refusal{v.Refused.Code, v.Refused.Message}
		} else {
			k.Position = &soundPlace{milli(v.X), milli(v.Y), milli(v.Z)}
			k.Ellipse = &soundEllipse{milli(v.Major), milli(v.Minor), milli(v.Bearing), p.Confidence}
			k.T, k.TSD = of(v.T), of(v.TSD)
			for _, o := range v.Alternatives {
				k.Alternatives = append(k.Alternatives, soundPlace{milli(o.X), milli(o.Y), milli(o.Z)})
			}
		}
		a.Sounds = append(a.Sounds, k)
	}
	return a, nil
}
