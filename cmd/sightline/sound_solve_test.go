package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
)

// Four recorders, three sounds, one of a known place: no recorder knows what
// time it is, and the answer gives the clocks and the places.
func TestSoundSolve(t *testing.T) {
	at := [][2]float64{{-120, -80}, {130, -60}, {90, 140}, {-100, 110}, {10, 190}}
	clock := []float64{0, 12.5, -3.25, 100, 41}
	var recorders, sounds []string
	for i, p := range at {
		recorders = append(recorders, fmt.Sprintf(`{"id":"r%d","x":%g,"y":%g,"sd_m":0.01}`, i, p[0], p[1]))
	}
	for k, p := range [][2]float64{{10, 20}, {-40, 60}, {70, -90}, {-80, -20}} {
		var heard []string
		for i, q := range at {
			heard = append(heard, fmt.Sprintf(`{"recorder":"r%d","t_s":%.9f}`, i, 200+5*float64(k)+math.Hypot(p[0]-q[0], p[1]-q[1])/331.3-clock[i]))
		}
		known := ""
		if k == 0 {
			known = fmt.Sprintf(`"at":{"x":%g,"y":%g,"z":0,"sd_m":0.01},`, p[0], p[1])
		}
		sounds = append(sounds, fmt.Sprintf(`{"id":"s%d",%s"heard":[%s]}`, k, known, strings.Join(heard, ",")))
	}
	problem := `{"schema":"sightline/sound-joint/1","temperature_c":0,"recorders":[` + strings.Join(recorders, ",") + `],"sounds":[` + strings.Join(sounds, ",") + `]}`
	status, out, errs := sunRun(t, problem, "sound", "solve", "-")
	var a jointAnswer
	if err := json.Unmarshal([]byte(out), &a); status != 0 || err != nil {
		t.Fatalf("status %d, %v, %s", status, err, errs)
	}
	if a.Refused != nil || a.Reference != "r0" || len(a.Disagree) != 0 {
		t.Fatalf("got %s", out)
	}
	for i, c := range a.Clocks {
		if c.Offset == nil || math.Abs(*c.Offset-clock[i]) > 2e-3 {
			t.Errorf("clock %d: %v", i, c.Offset)
		}
	}
	if p := a.Sounds[2].Position; p == nil || math.Hypot(p.X-70, p.Y+90) > 0.5 {
		t.Errorf("the third sound: %+v", a.Sounds[2])
	}
	for text, code := range map[string]string{
		`{"recorders":[{"id":"a","x":0,"y":0},{"id":"a","x":0,"y":0}]}`:                                   "duplicate_id",
		`{"recorders":[{"id":"a","x":0,"y":0}],"sounds":[{"id":"s","heard":[{"recorder":"b","t_s":1}]}]}`: "unknown_point",
		`{"recorders":[{"id":"a"}]}`:                       "bad_json",
		`{"recorders":[{"id":"a","x":0,"y":0,"sd_m":-1}]}`: "bad_json",
		`{"recorders":[{"id":"a","x":0,"y":0}],"sounds":[{"id":"s","heard":[{"recorder":"a","t_s":1},{"recorder":"a","t_s":2}]}]}`: "duplicate_id",
		`{"temperature_c":900}`:                       "out_of_range",
		`{"recorders":[],"sounds":[],"confidence":2}`: "out_of_range",
	} {
		if _, _, errs := sunRun(t, text, "sound", "solve", "-"); !strings.Contains(errs, code) {
			t.Errorf("%s: %s", text, errs)
		}
	}
	if _, out, _ := sunRun(t, `{"recorders":[],"sounds":[]}`, "sound", "solve", "-"); !strings.Contains(out, "too_few") {
		t.Errorf("nothing at all: %s", out)
	}
}

func FuzzJointQuestion(f *testing.F) {
	f.Add([]byte(`{"recorders":[{"id":"a","x":0,"y":0},{"id":"b","x":0,"y":0},{"id":"c","x":1,"y":0}],"sounds":[{"id":"s","heard":[{"recorder":"a","t_s":1},{"recorder":"b","t_s":1},{"recorder":"c","t_s":1}]},{"id":"u","at":{"x":0,"y":0},"heard":[{"recorder":"a","t_s":5},{"recorder":"b","t_s":1e8},{"recorder":"c","t_s":1}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var q jointQuestion
		if readJSON(b, &q) != nil || len(q.Recorders) > 5 || len(q.Sounds) > 4 {
			return
		}
		a, bad := q.answer()
		if bad != nil {
			return
		}
		if _, err := json.Marshal(a); err != nil {
			t.Fatal(err)
		}
	})
}
