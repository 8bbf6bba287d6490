package sound

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// Run with SOUND_PAIRS=folder of truth.json and recordings: prints the evidence of every pair.
func TestPairsDump(t *testing.T) {
	dir := os.Getenv("SOUND_PAIRS")
	if dir == "" {
		t.Skip("SOUND_PAIRS names no folder")
	}
	b, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		A, B, Kind string
		Lag        *float64 `json:"lag_s"`
		PPM        float64  `json:"drift_ppm"`
	}
	if err := json.Unmarshal(b, &rows); err != nil {
		t.Fatal(err)
	}
	load := func(n string) *Track {
		b, err := os.ReadFile(filepath.Join(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		a, err := ParseWAV(b)
		if err != nil {
			t.Fatal(n, err)
		}
		return Prepare(a)
	}
	for i, r := range rows {
		if n := os.Getenv("SOUND_KIND"); n != "" && n != r.Kind {
			continue
		}
		p := compare(load(r.A), load(r.B), effort{1 << 23, 6, 24, 1 << 15})
		e := math.NaN()
		if r.Lag != nil {
			e = (p.Lag - *r.Lag) * 1e3
		}
		fmt.Printf("%03d %-9s err %9.3f ms sd %.3f acc %v score %.3f ev %.1f contest %.1f ppm %.1f±%.1f (%.0f) win %d/%d ov %.2f\n", i, r.Kind, e, p.SD*1e3, p.Accepted, p.Score, p.strength, p.contest, p.PPM, p.PPMSD, r.PPM, p.inliers, p.windows, p.Overlap)
	}
}

// Run with SOUND_NEGATIVES=folder of files.json (f: file, g: group): pairs of
// different groups share nothing.
func TestNegativesDump(t *testing.T) {
	dir := os.Getenv("SOUND_NEGATIVES")
	if dir == "" {
		t.Skip("SOUND_NEGATIVES names no folder")
	}
	b, err := os.ReadFile(filepath.Join(dir, "files.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct{ F, G string }
	if err := json.Unmarshal(b, &rows); err != nil {
		t.Fatal(err)
	}
	var ts []*Track
	for _, r := range rows {
		b, err := os.ReadFile(filepath.Join(dir, r.F))
		if err != nil {
			t.Fatal(err)
		}
		a, err := ParseWAV(b)
		if err != nil {
			t.Fatal(err)
		}
		ts = append(ts, Prepare(a))
	}
	s := Sync(ts, SyncOptions{})
	n, wrong, same, solved := 0, 0, 0, 0
	for _, p := range s.Pairs {
		if rows[p.A].G == rows[p.B].G {
			same++
			if p.Accepted {
				solved++
			}
			continue
		}
		n++
		if p.Accepted {
			wrong++
		}
		if p.strength > 5.8 || p.Accepted {
			fmt.Printf("%s %s %v ev %.2f contest %.2f cue %s win %d/%d ov %.2f score %.3f\n", rows[p.A].G, rows[p.B].G, p.Accepted, p.strength, p.contest, p.Cue, p.inliers, p.windows, p.Overlap, p.Score)
		}
	}
	fmt.Printf("%d pairs of different sounds, %d accepted; %d of one sound, %d accepted\n", n, wrong, same, solved)
}
