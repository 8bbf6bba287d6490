package main

import (
	"math"

	"sightline/sound"
)

type soundOnsetsCmd struct {
	File  string `arg:"" optional:"" help:"A recording, or a video with sound."`
	Batch string `help:"Read one question a line ({\"id\",\"path\"}) from this file, or - for standard input." placeholder:"FILE"`
}

type onsetRow struct {
	T     float64  `json:"t_s"`
	SD    float64  `json:"sd_s"`
	SNR   float64  `json:"snr_db"`
	Level float64  `json:"level_db"`
	P     float64  `json:"p_impulse"`
	Group int      `json:"group"`
	Hints []string `json:"hints"`
}

type onsetGroupRow struct {
	ID        int       `json:"id"`
	Count     int       `json:"count"`
	Intervals []float64 `json:"intervals_s"`
}

type onsetsAnswer struct {
	Schema   string          `json:"schema"`
	ID       any             `json:"id,omitempty"`
	File     string          `json:"file"`
	Duration float64         `json:"duration_s"`
	Rate     int             `json:"sample_rate_hz"`
	Flags    []sound.Flag    `json:"flags"`
	Onsets   []onsetRow      `json:"onsets"`
	Groups   []onsetGroupRow `json:"groups"`
	Refused  *refusal        `json:"refused"`
}

func (c *soundOnsetsCmd) Run(e *env) error {
	if (c.File == "") == (c.Batch == "") {
		return exit(2, ask("bad_json", "arguments", "give one recording, or --batch with a file of questions"))
	}
	if c.Batch != "" {
		return eachLine(e, c.Batch, func(b []byte) (any, error) {
			var q struct {
				ID   any    `json:"id"`
				Path string `json:"path"`
			}
			if err := readJSON(b, &q); err != nil {
				return nil, err
			}
			a, bad := onsetsOf(e, q.Path)
			if bad == nil {
				a.ID = q.ID
			}
			return answerOr(a, bad)
		})
	}
	return printOne(e)(answerOr(onsetsOf(e, c.File)))
}

func onsetsOf(e *env, path string) (*onsetsAnswer, *askError) {
	au, bad := readSound(e, path, 0)
	if bad != nil {
		return nil, bad
	}
	if au.Duration() < 0.5 {
		return nil, ask("too_short", path, "%s holds %.3f s of sound; half a second is needed", path, au.Duration())
	}
	a := &onsetsAnswer{Schema: "sightline/sound-onsets/1", File: path, Duration: milli(au.Duration()), Rate: au.Rate,
		Flags: append([]sound.Flag{}, au.Flags...), Onsets: []onsetRow{}, Groups: []onsetGroupRow{}}
	a.Flags = append(a.Flags, sound.Condition(au)...)
	if au.Rate < 4000 {
		a.Refused = &refusal{"rate_too_low", "Under 4,000 samples a second the edge of a sound is lost."}
		return a, nil
	}
	on, groups := sound.FindOnsets(au)
	for _, o := range on {
		a.Onsets = append(a.Onsets, onsetRow{micro(o.T), micro(o.SD), math.Round(o.SNR*10) / 10, math.Round(o.Level*10) / 10, math.Round(o.P*1000) / 1000, o.Group, o.Hints})
	}
	for _, g := range groups {
		for i, v := range g.Intervals {
			g.Intervals[i] = micro(v)
		}
		a.Groups = append(a.Groups, onsetGroupRow{g.ID, g.Count, g.Intervals})
	}
	return a, nil
}

func micro(v float64) float64 { return math.Round(v*1e6) / 1e6 }
func milli(v float64) float64 { return math.Round(v*1e3) / 1e3 }
