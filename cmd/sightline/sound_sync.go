package main

import (
	"math"
	"os"
	"strconv"

	"sightline/sound"
)

type soundSyncCmd struct {
	Files     []string `arg:"" optional:"" help:"Two or more recordings, or videos with sound."`
	Positions string   `help:"Where the recorders stood, and the source if it is known (JSON)." placeholder:"FILE"`
	MaxLag    float64  `help:"Refuse lags larger than this many seconds." placeholder:"S"`
	Batch     string   `help:"Read one question a line ({\"id\",\"files\",\"positions\",\"max_lag_s\"}) from this file, or - for standard input." placeholder:"FILE"`
}

// soundPositions is sightline/sound-positions/1.
type soundPositions struct {
	Schema      string   `json:"schema"`
	Temperature *float64 `json:"temperature_c"`
	Recorders   []struct {
		File string   `json:"file"`
		ID   *int     `json:"id"`
		X    *float64 `json:"x"`
		Y    *float64 `json:"y"`
		Z    float64  `json:"z"`
	} `json:"recorders"`
	Source *struct {
		X, Y, Z float64
		SD      float64 `json:"sd_m"`
	} `json:"source"`
}

type syncFile struct {
	ID       int          `json:"id"`
	Path     string       `json:"path"`
	Duration float64      `json:"duration_s"`
	Rate     int          `json:"sample_rate_hz"`
	Flags    []sound.Flag `json:"flags"`
}

type syncCandidate struct {
	Lag   float64 `json:"lag_s"`
	Score float64 `json:"score"`
	Z     float64 `json:"z"`
	Cue   string  `json:"cue"`
}

type syncBreak struct {
	At   float64 `json:"at_s"`
	Jump float64 `json:"jump_s"`
}

type syncPair struct {
	A          int             `json:"a"`
	B          int             `json:"b"`
	Lag        *float64        `json:"lag_s"`
	SD         *float64        `json:"sd_s"`
	Score      float64         `json:"score"`
	PPM        *float64        `json:"drift_ppm"`
	PPMSD      *float64        `json:"drift_sd_ppm"`
	Overlap    float64         `json:"overlap_s"`
	Accepted   bool            `json:"accepted"`
	Reason     string          `json:"reason,omitempty"`
	Cue        string          `json:"cue,omitempty"`
	Candidates []syncCandidate `json:"candidates"`
	Breaks     []syncBreak     `json:"breaks"`
}

type syncNode struct {
	File   int      `json:"file"`
	Offset float64  `json:"offset_s"`
	SD     float64  `json:"sd_s"`
	PPM    float64  `json:"drift_ppm"`
	PPMSD  float64  `json:"drift_sd_ppm"`
	Of     string   `json:"of"` // "arrival" or "clock"
	Within *float64 `json:"within_s,omitempty"`
}

type syncClosure struct {
	Files []int   `json:"files"`
	Error float64 `json:"error_s"`
}

type syncComponent struct {
	Reference int           `json:"reference"`
	Offsets   []syncNode    `json:"offsets"`
	Closures  []syncClosure `json:"closures"`
	Checked   bool          `json:"checked"`
}

type syncAnswer struct {
	Schema string          `json:"schema"`
	ID     any             `json:"id,omitempty"`
	Files  []syncFile      `json:"files"`
	Pairs  []syncPair      `json:"pairs"`
	Graph  []syncComponent `json:"graph"`
}

func (c *soundSyncCmd) Run(e *env) error {
	if (len(c.Files) == 0) == (c.Batch == "") {
		return exit(2, ask("bad_json", "arguments", "give two or more recordings, or --batch with a file of questions"))
	}
	if c.Batch != "" {
		return eachLine(e, c.Batch, func(b []byte) (any, error) {
			var q struct {
				ID        any             `json:"id"`
				Files     []string        `json:"files"`
				Positions *soundPositions `json:"positions"`
				MaxLag    float64         `json:"max_lag_s"`
			}
			if err := readJSON(b, &q); err != nil {
				return nil, err
			}
			a, bad := syncFiles(e, q.Files, q.Positions, q.MaxLag)
			if bad == nil {
				a.ID = q.ID
			}
			return answerOr(a, bad)
		})
	}
	var pos *soundPositions
	if c.Positions != "" {
		b, err := os.ReadFile(c.Positions)
		if err != nil {
			return exit(2, ask("unreadable", c.Positions, "cannot read the positions: %v", err))
		}
		pos = &soundPositions{}
		if err := readJSON(b, pos); err != nil {
			return exit(2, err)
		}
	}
	return printOne(e)(answerOr(syncFiles(e, c.Files, pos, c.MaxLag)))
}

func syncFiles(e *env, paths []string, pos *soundPositions, maxLag float64) (*syncAnswer, *askError) {
	return syncTold(e, paths, pos, maxLag, func(int) {})
}

// syncTold tells of each file that was read; told may be called by several at
// once.
func syncTold(e *env, paths []string, pos *soundPositions, maxLag float64, told func(i int)) (*syncAnswer, *askError) {
	if len(paths) < 2 {
		return nil, ask("bad_json", "files", "%d recording: two are needed to compare", len(paths))
	}
	if maxLag < 0 || math.IsNaN(maxLag) {
		return nil, ask("out_of_range", "max_lag_s", "a largest lag of %g s makes no sense", maxLag)
	}
	a := &syncAnswer{Schema: "sightline/sound-sync/1", Files: []syncFile{}, Pairs: []syncPair{}, Graph: []syncComponent{}}
	geo, bad := pos.geometry(paths)
	if bad != nil {
		return nil, bad
	}
	tracks := make([]*sound.Track, len(paths))
	faults := make([]*askError, len(paths))
	sound.Each(len(paths), func(i int) {
		au, bad := readSound(e, paths[i], 16000)
		switch {
		case bad != nil:
			faults[i] = bad
		case au.Duration() < 0.5:
			faults[i] = ask("too_short", paths[i], "%s holds %.3f s of sound; half a second is needed", paths[i], au.Duration())
		case au.Rate < 4000:
			faults[i] = ask("unreadable", paths[i], "%s has %d samples a second; under 4,000 nothing can be compared", paths[i], au.Rate)
		default:
			tracks[i] = sound.Prepare(au)
		}
		told(i)
	})
	for i, t := range tracks {
		if faults[i] != nil {
			return nil, faults[i]
		}
		a.Files = append(a.Files, syncFile{i, paths[i], milli(t.Duration), t.Rate, t.Flags})
	}
	s := sound.Sync(tracks, sound.SyncOptions{MaxLag: maxLag})
	var clock []bool
	if geo != nil {
		clock = geo.Apply(s)
	}
	for _, p := range s.Pairs {
		q := syncPair{A: p.A, B: p.B, Score: math.Round(p.Score*1e4) / 1e4, Overlap: milli(math.Max(0, p.Overlap)), Accepted: p.Accepted,
			Reason: p.Reason, Cue: p.Cue, Candidates: []syncCandidate{}, Breaks: []syncBreak{}}
		if len(p.Candidates) > 0 {
			q.Lag, q.SD = nano(p.Lag), nano(p.SD)
		}
		if p.PPMKnown {
			q.PPM, q.PPMSD = nano(p.PPM), nano(p.PPMSD)
		}
		for _, c := range p.Candidates {
			q.Candidates = append(q.Candidates, syncCandidate{*nano(c.Lag), math.Round(c.Score*1e4) / 1e4, math.Round(c.Z*10) / 10, c.Cue})
		}
		for _, b := range p.Breaks {
			q.Breaks = append(q.Breaks, syncBreak{milli(b.At), micro(b.Jump)})
		}
		a.Pairs = append(a.Pairs, q)
	}
	for _, c := range s.Components {
		g := syncComponent{Reference: c.Reference, Offsets: []syncNode{}, Closures: []syncClosure{}, Checked: c.Checked}
		for _, n := range c.Nodes {
			q := syncNode{File: n.File, Offset: *nano(n.Offset), SD: *nano(n.SD), PPM: micro(n.PPM), PPMSD: micro(n.PPMSD), Of: "arrival"}
			if clock != nil && clock[n.File] {
				q.Of = "clock"
				if n.Within > 0 {
					q.Within = nano(n.Within)
				}
			}
			g.Offsets = append(g.Offsets, q)
		}
		for _, l := range c.Closures {
			g.Closures = append(g.Closures, syncClosure{l.Files, *nano(l.Error)})
		}
		a.Graph = append(a.Graph, g)
	}
	return a, nil
}

func nano(v float64) *float64 { v = math.Round(v*1e9) / 1e9; return &v }

func (p *soundPositions) geometry(paths []string) (*sound.Geometry, *askError) {
	if p == nil {
		return nil, nil
	}
	if p.Schema != "" && p.Schema != "sightline/sound-positions/1" {
		return nil, ask("bad_json", "schema", "schema %q is not sightline/sound-positions/1", p.Schema)
	}
	g := &sound.Geometry{Recorder: make([]*[3]float64, len(paths)), Temperature: 15}
	if p.Temperature != nil {
		g.Temperature = *p.Temperature
	}
	if g.Temperature < -100 || g.Temperature > 100 {
		return nil, ask("out_of_range", "temperature_c", "%g degrees is not between -100 and 100", g.Temperature)
	}
	for i, r := range p.Recorders {
		at := -1
		for k, path := range paths {
			if (r.ID != nil && *r.ID == k) || (r.ID == nil && r.File == path) {
				at = k
			}
		}
		if at < 0 {
			return nil, ask("unknown_point", "recorders "+strconv.Itoa(i), "recorder %q is none of the files", r.File)
		}
		if r.X == nil || r.Y == nil {
			return nil, ask("bad_json", "recorders "+strconv.Itoa(i), "a recorder needs x and y")
		}
		g.Recorder[at] = &[3]float64{*r.X, *r.Y, r.Z}
	}
	if p.Source != nil {
		g.Source, g.SourceSD = &[3]float64{p.Source.X, p.Source.Y, p.Source.Z}, math.Abs(p.Source.SD)
	}
	return g, nil
}
