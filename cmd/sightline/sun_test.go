package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// sunRun runs one command line in process.
func sunRun(t *testing.T, stdin string, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	status = run(&env{context.Background(), strings.NewReader(stdin), &o, &e}, args)
	return status, o.String(), e.String()
}

func TestSunAt(t *testing.T) {
	status, out, errs := sunRun(t, "", "sun", "at", "--lat", "10.4633", "--lon", "-67.0794", "--time", "2018-01-15T09:07:00-04:00", "--elevation", "2000", "--pressure", "800", "--temperature", "18")
	var a struct {
		Schema   string
		Azimuth  float64 `json:"azimuth_deg"`
		Apparent float64 `json:"apparent_elevation_deg"`
	}
	if err := json.Unmarshal([]byte(out), &a); status != 0 || err != nil {
		t.Fatalf("status %d, %v, %s", status, err, errs)
	}
	if a.Schema != "sightline/sun/1" || math.Abs(a.Azimuth-121.5803) > 0.0004 || math.Abs(a.Apparent-29.4268) > 0.0004 {
		t.Errorf("got %+v", a)
	}
}

func TestSunErrors(t *testing.T) {
	for _, c := range []struct {
		code  string
		stdin string
		args  []string
	}{
		{"no_offset", "", []string{"sun", "at", "--lat", "10", "--lon", "-67", "--time", "2018-01-15T09:07:00"}},
		{"out_of_range", "", []string{"sun", "at", "--lat", "91", "--lon", "-67", "--time", "2018-01-15T09:07:00Z"}},
		{"bad_json", "", []string{"sun", "at", "--lat", "1", "--lon", "-67", "--time", "nine"}},
		{"bad_json", "{", []string{"sun", "shadow", "-"}},
		{"bad_json", "{} {}", []string{"sun", "shadow", "-"}},
		{"bad_json", "", []string{"sun", "shadow", "no-such-file.json"}},
		{"not_positive_definite", strings.Replace(poleProblem, `[[0.0009,0,0]`, `[[-1,0,0]`, 1), []string{"sun", "shadow", "-"}},
		{"reversed_interval", strings.Replace(poleProblem, `06:00:00-04:00`, `20:00:00-04:00`, 1), []string{"sun", "shadow", "-"}},
	} {
		status, out, errs := sunRun(t, c.stdin, c.args...)
		var e struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal([]byte(errs), &e); status != 2 || out != "" || err != nil || e.Error.Code != c.code || e.Error.Message == "" {
			t.Errorf("%v: status %d, stdout %q, stderr %q; want %s", c.args, status, out, errs, c.code)
		}
	}
}

const poleProblem = `{"schema":"sightline/shadow-problem/1","id":"p","place":{"lat":10.4633,"lon":-67.0794,"height_m":2000},
"weather":{"pressure_hpa":800,"temperature_c":18},"between":["2018-01-15T06:00:00-04:00","2018-01-15T18:30:00-04:00"],
"confidence":0.95,"floor_deg":0.1,"shadows":[{"id":"pole","top":[0,0,3],"tip":[-4.5307,2.7852,0],
"top_cov":[[0.0009,0,0],[0,0.0009,0],[0,0,0.0009]],"tip_cov":[[0.0009,0,0],[0,0.0009,0],[0,0,0.0009]]}]}`

// The worked example of the documentation: best 09:07:00, 09:03:32 to 09:10:27.
func TestSunShadowBatch(t *testing.T) {
	line := strings.ReplaceAll(poleProblem, "\n", "")
	night := strings.Replace(strings.Replace(line, "T06:00", "T01:00", 1), "T18:30", "T04:00", 1)
	status, out, errs := sunRun(t, line+"\nnot json\n\n"+night+"\n", "sun", "shadow", "--batch", "-")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if status != 0 || len(lines) != 3 {
		t.Fatalf("status %d, %q, %s", status, out, errs)
	}
	var a struct {
		ID        string
		Best      int64
		Intervals []struct{ Min, Max int64 }
	}
	if err := json.Unmarshal([]byte(lines[0]), &a); err != nil || a.ID != "p" || len(a.Intervals) != 1 {
		t.Fatalf("%v: %s", err, lines[0])
	}
	for _, d := range []int64{a.Best - 1516021620000, a.Intervals[0].Min - 1516021412500, a.Intervals[0].Max - 1516021827500} {
		if d < -5000 || d > 5000 {
			t.Errorf("off by %d ms in %s", d, lines[0])
		}
	}
	if !strings.Contains(lines[1], `"error":{"code":"bad_json"`) {
		t.Errorf("bad line answered with %s", lines[1])
	}
	if !strings.Contains(lines[2], `"refused":{"code":"night"`) || !strings.Contains(lines[2], `"intervals":[]`) {
		t.Errorf("night answered with %s", lines[2])
	}
}

// Whatever a line holds, the answer is one JSON object: never a crash.
func FuzzSunShadow(f *testing.F) {
	line := strings.ReplaceAll(poleProblem, "\n", "")
	f.Add(line)
	f.Add(strings.Replace(line, `"shadows":`, `"faces":[{"id":"w","normal":[1,0,0],"state":"lit"}],"shadows":`, 1))
	f.Add(strings.Replace(line, `"confidence":0.95`, `"covariance":[[1]]`, 1))
	f.Add(`{"place":{"lat":1,"lon":2},"between":["2018-01-15T06:00:00Z","2018-01-15T06:00:01Z"]}`)
	f.Fuzz(func(t *testing.T, s string) {
		if strings.TrimSpace(s) == "" || strings.ContainsAny(s, "\n") {
			return
		}
		status, out, errs := sunRun(t, s, "sun", "shadow", "--batch", "-")
		var a map[string]any
		if err := json.Unmarshal([]byte(out), &a); status != 0 || err != nil {
			t.Fatalf("%q: status %d, %v, %q, %q", s, status, err, out, errs)
		}
	})
}
