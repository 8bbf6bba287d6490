package identify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"sightline/tool"
)

// FrameTable says when each frame of a video is shown, so that a person can
// step from frame to frame: phone video has no constant rate, and adding
// 1/rate lands beside the frame or on the one before.
//
// Times are milliseconds of media time in the order of presentation. Working
// is what a player of the working copy has to seek by; Original is what the
// file itself says, which is what a finding must cite.
type FrameTable struct {
	Format string `json:"format"`
	// Working are the presentation times of the working copy's frames.
	Working []float64 `json:"pts_ms"`
	// Original are those of the original; left out where its container states none.
	Original []float64 `json:"original_ms,omitempty"`
	// Offset is what the working copy's first frame comes later than the original's, in milliseconds.
	Offset float64 `json:"offset_ms"`
	// Worst is the largest difference between the two tables after the offset, in milliseconds.
	Worst float64 `json:"worst_ms"`
	// Exact: both have the same number of frames and none is off by more than [FrameTolerance].
	Exact bool `json:"exact"`
}

// FrameFormat names the form of the table.
const FrameFormat = "sightline.frames/1"

// FrameTolerance in milliseconds is what rounding may move a frame: a WebM
// counts whole milliseconds, so two roundings are at most one apart.
const FrameTolerance = 1.0

// mostFrames bounds a table: 10 hours at 60 frames a second.
const mostFrames = 2_160_000

// parseTimes reads ffprobe's "pts_time,flags" lines. Packets that the
// container tells a player to drop are not shown and do not count. Times come
// in the order of decoding and leave in the order of presentation.
func parseTimes(csv string) ([]float64, error) {
	var out []float64
	for line := range strings.Lines(csv) {
		at, flags, _ := strings.Cut(strings.TrimSpace(line), ",")
		if at == "" {
			continue
		}
		if flags, _, _ = strings.Cut(flags, ","); strings.Contains(flags, "D") {
			continue
		}
		s, err := strconv.ParseFloat(at, 64)
		if err != nil || math.IsNaN(s) || math.Abs(s) > 1e7 {
			return nil, errors.New("a frame of the video states no time")
		}
		if len(out) == mostFrames {
			return nil, fmt.Errorf("the video has more than %d frames", mostFrames)
		}
		out = append(out, math.Round(s*1e6)/1e3)
	}
	if len(out) == 0 {
		return nil, errors.New("the video has no frame")
	}
	slices.Sort(out)
	for i := 1; i < len(out); i++ {
		if out[i] == out[i-1] {
			return nil, errors.New("two frames of the video state the same time")
		}
	}
	return out, nil
}

// frameTable compares the working copy with the original; original may be
// nil where the file states no times.
func frameTable(working, original []float64) FrameTable {
	t := FrameTable{Format: FrameFormat, Working: working, Original: original}
	if len(original) == 0 {
		return t
	}
	t.Offset = math.Round((working[0]-original[0])*1e3) / 1e3
	if len(working) != len(original) {
		return t
	}
	for i := range working {
		t.Worst = max(t.Worst, math.Abs(working[i]-original[i]-t.Offset))
	}
	t.Worst = math.Round(t.Worst*1e3) / 1e3
	t.Exact = t.Worst <= FrameTolerance
	return t
}

// times asks ffprobe for the presentation times of a file's first picture
// stream. Nothing is decoded: the container says them.
func (e *Env) times(ctx context.Context, path string) ([]float64, *tool.Result, error) {
	args := append([]string{"-hide_banner", "-v", "error"}, tool.InputArgs()...)
	args = append(args, "-select_streams", "v:0", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0", "file:"+path)
	res, err := e.Box.Run(ctx, tool.Cmd{Program: "ffprobe", Args: args, Read: []string{path}, Limits: tool.Limits{CPU: 5 * time.Minute, Output: 128 << 20}})
	if err != nil {
		return nil, res, err
	}
	list, err := parseTimes(string(res.Stdout))
	return list, res, err
}

// frames makes the table of a video and its working copy and writes it to out.
func (e *Env) frames(ctx context.Context, original, working, out string) (*made, error) {
	w, res, err := e.times(ctx, working)
	if err != nil {
		return nil, err
	}
	o, _, err := e.times(ctx, original)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		o = nil // a raw stream or a damaged index: the copy can still be stepped, and the table says that it is not exact
	}
	t := frameTable(w, o)
	b, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(out, append(b, '\n'), 0o600); err != nil {
		return nil, fmt.Errorf("failed to write the table of frames: %w", err)
	}
	return &made{role: "frames", typ: "application/json", path: out, recipe: res.Recipe(),
		meta: map[string]string{"format": FrameFormat, "frames": strconv.Itoa(len(w)), "exact": strconv.FormatBool(t.Exact)}}, nil
}
