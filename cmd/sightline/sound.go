package main

import (
	"math"

	"sightline/sound"
)

type soundCmd struct {
	Onsets soundOnsetsCmd `cmd:"" help:"The sudden sounds of a recording: when, how sure, how loud."`
	Sync   soundSyncCmd   `cmd:"" help:"Bring recordings of one event onto one clock, with error and evidence."`
	Flash  soundFlashCmd  `cmd:"" help:"How far away something was that was seen and then heard."`
	Locate soundLocateCmd `cmd:"" help:"Where one sound came from, by its arrivals at several recorders."`
	Solve  soundSolveCmd  `cmd:"" help:"Clocks of recorders and places of sounds in one solution, by the arrivals of several sounds."`
}

type soundLocateCmd struct {
	Problem string `arg:"" optional:"" help:"A sound problem (JSON), or - for standard input."`
	Batch   string `help:"Read one problem a line from this file, or - for standard input." placeholder:"FILE"`
}

type soundQuestion struct {
	Schema        string   `json:"schema"`
	ID            any      `json:"id"`
	Temperature   *float64 `json:"temperature_c"`
	TemperatureSD *float64 `json:"temperature_sd_c"`
	Wind          *struct {
		Speed float64 `json:"speed_mps"`
		From  float64 `json:"from_deg"`
	} `json:"wind"`
	ArrivalSD  *float64 `json:"arrival_sd_s"`
	Confidence *float64 `json:"confidence"`
	SourceZ    *float64 `json:"source_z_m"`
	Sensors    []struct {
		ID    string   `json:"id"`
		X     *float64 `json:"x"`
		Y     *float64 `json:"y"`
		Z     float64  `json:"z"`
		T     *float64 `json:"t_s"`
		SD    float64  `json:"sd_s"`
		Clock string   `json:"clock"`
	} `json:"sensors"`
}

type soundPlace struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	Z float64 `json:"z"`
}

type soundEllipse struct {
	Major      float64 `json:"semi_major_m"`
	Minor      float64 `json:"semi_minor_m"`
	Bearing    float64 `json:"bearing_deg"`
	Confidence float64 `json:"confidence"`
}

type soundAnswer struct {
	Schema       string              `json:"schema"`
	ID           any                 `json:"id"`
	Refused      *refusal            `json:"refused"`
	Position     *soundPlace         `json:"position"`
	T0           *float64            `json:"t0_s"`
	Ellipse      *soundEllipse       `json:"ellipse"`
	Alternatives []soundPlace        `json:"alternatives"`
	Residuals    map[string]*float64 `json:"residuals_s"`
	Sigma        float64             `json:"sigma_s"`
	Speed        float64             `json:"c_mps"`
}

func (c *soundLocateCmd) Run(e *env) error {
	return answerAll[soundQuestion, *soundAnswer](e, c.Problem, c.Batch)
}

func (q soundQuestion) answer() (*soundAnswer, *askError) {
	if q.Schema != "" && q.Schema != "sightline/sound-problem/1" {
		return nil, ask("bad_json", "schema", "schema %q is not sightline/sound-problem/1", q.Schema)
	}
	or := func(v *float64, d float64) float64 {
		if v != nil {
			return *v
		}
		return d
	}
	p := sound.Problem{Temperature: or(q.Temperature, 15), TemperatureSD: or(q.TemperatureSD, 1), WindSD: 1,
		ArrivalSD: or(q.ArrivalSD, 0.01), Confidence: or(q.Confidence, 0.9), SourceZ: q.SourceZ}
	if q.Wind != nil {
		if q.Wind.Speed < 0 || q.Wind.Speed > 100 {
			return nil, ask("out_of_range", "wind", "a wind of %g m/s is not between 0 and 100", q.Wind.Speed)
		}
		s, c := math.Sincos(q.Wind.From * math.Pi / 180)
		p.Wind = [2]float64{-q.Wind.Speed * s, -q.Wind.Speed * c}
	}
	switch {
	case p.Temperature < -100 || p.Temperature > 100:
		return nil, ask("out_of_range", "temperature_c", "%g degrees is not between -100 and 100", p.Temperature)
	case !(p.ArrivalSD > 0 && p.ArrivalSD < 1e3) || p.TemperatureSD < 0 || p.TemperatureSD > 100:
		return nil, ask("out_of_range", "arrival_sd_s", "a standard deviation is out of range")
	case !(p.Confidence > 0 && p.Confidence < 1):
		return nil, ask("out_of_range", "confidence", "confidence %g is not between 0 and 1", p.Confidence)
	}
	seen := map[string]bool{}
	for _, s := range q.Sensors {
		if seen[s.ID] {
			return nil, ask("duplicate_id", "sensors", "sensor %q occurs twice", s.ID)
		}
		seen[s.ID] = true
		if s.X == nil || s.Y == nil || s.T == nil || s.SD < 0 {
			return nil, ask("bad_json", s.ID, "sensor %q needs x, y and t_s, and no negative sd_s", s.ID)
		}
		if m := math.Max(math.Max(math.Abs(*s.X), math.Abs(*s.Y)), math.Max(math.Abs(s.Z), math.Abs(*s.T))); m > 1e12 {
			return nil, ask("out_of_range", s.ID, "sensor %q has a number beyond 1e12", s.ID)
		}
		p.Sensors = append(p.Sensors, sound.Sensor{ID: s.ID, X: *s.X, Y: *s.Y, Z: s.Z, T: *s.T, SD: s.SD, Clock: s.Clock})
	}
	l := sound.Locate(p)
	a := &soundAnswer{Schema: "sightline/sound-locate/1", ID: q.ID, Alternatives: []soundPlace{}, Speed: sound.Speed(p.Temperature)}
	if l.Refused != nil {
		a.Refused = &refusal{l.Refused.Code, l.Refused.Message}
		return a, nil
	}
	a.Position, a.T0, a.Sigma = &soundPlace{l.Position.X, l.Position.Y, l.Position.Z}, l.T0, l.Sigma
	a.Ellipse = &soundEllipse{l.Major, l.Minor, l.Bearing, p.Confidence}
	for _, o := range l.Alternatives {
		a.Alternatives = append(a.Alternatives, soundPlace{o.X, o.Y, o.Z})
	}
	a.Residuals = map[string]*float64{}
	for i, s := range p.Sensors {
		a.Residuals[s.ID] = nil
		if !math.IsNaN(l.Residuals[i]) {
			a.Residuals[s.ID] = &l.Residuals[i]
		}
	}
	return a, nil
}
