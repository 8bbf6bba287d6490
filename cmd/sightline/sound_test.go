package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestSoundLocate(t *testing.T) {
	var rows []string
	for i, q := range [][2]float64{{-300, -200}, {280, -250}, {310, 260}, {-260, 300}, {20, 350}} {
		b, _ := json.Marshal(map[string]any{"id": string(rune('a' + i)), "x": q[0], "y": q[1], "z": 0, "t_s": 5 + math.Hypot(q[0]-40, q[1]+70)/331.3})
		rows = append(rows, string(b))
	}
	problem := `{"schema":"sightline/sound-problem/1","temperature_c":0,"arrival_sd_s":0.01,"confidence":0.9,"sensors":[` + strings.Join(rows, ",") + `]}`
	status, out, errs := sunRun(t, problem, "sound", "locate", "-")
	var a soundAnswer
	if err := json.Unmarshal([]byte(out), &a); status != 0 || err != nil {
		t.Fatalf("status %d, %v, %s", status, err, errs)
	}
	if a.Refused != nil || math.Hypot(a.Position.X-40, a.Position.Y+70) > 0.01 || math.Abs(*a.T0-5) > 1e-4 || len(a.Residuals) != 5 {
		t.Errorf("got %s", out)
	}
}

func FuzzSoundQuestion(f *testing.F) {
	f.Add([]byte(`{"sensors":[{"id":"a","x":1,"y":2,"t_s":3}]}`))
	f.Add([]byte(`{"temperature_c":1e9}`))
	f.Add([]byte(`{"sensors":[{"id":"a","x":0,"y":0,"t_s":0},{"id":"b","x":0,"y":0,"t_s":0},{"id":"c","x":0,"y":0,"t_s":0},{"id":"d","x":0,"y":0,"t_s":0}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var q soundQuestion
		if readJSON(b, &q) != nil || len(q.Sensors) > 50 {
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
