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
		p := compare(load(r.A), load(r.B), effort{1 << 23, 24, 1 << 15})
		e := math.NaN()
		if r.Lag != nil {
			e = (p.Lag - *r.Lag) * 1e3
		}
		fmt.Printf("%03d %-9s err %9.3f ms sd %.3f acc %v score %.3f ev %.1f contest %.1f ppm %.1f±%.1f (%.0f) win %d/%d ov %.2f\n", i, r.Kind, e, p.SD*1e3, p.Accepted, p.Score, p.strength, p.contest, p.PPM, p.PPMSD, r.PPM, p.inliers, p.windows, p.Overlap)
	}
}
