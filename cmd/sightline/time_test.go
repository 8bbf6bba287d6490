package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// timeRun runs one command line and returns status, output and errors.
func timeRun(t *testing.T, stdin string, args ...string) (int, string, string) {
	t.Helper()
	var out, errs bytes.Buffer
	status := run(&env{ctx: context.Background(), stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs}, args)
	return status, out.String(), errs.String()
}

func TestTimeParse(t *testing.T) {
	status, out, errs := timeRun(t, "", "time", "parse", "--kind", "local", "--zone", "America/Caracas", "2007-12-09T02:45:00")
	want := `{"status":"fold","hypotheses":[{"min":1197182700000,"max":1197182700999,"basis":"local"},{"min":1197184500000,"max":1197184500999,"basis":"local"}]}` + "\n"
	if status != 0 || out != want || errs != "" {
		t.Errorf("%d %s %s", status, out, errs)
	}
	status, out, errs = timeRun(t, "", "time", "parse", "--kind", "sundial", "x")
	if status != 2 || out != "" || !strings.HasPrefix(errs, `{"error":{"code":"bad_json",`) || strings.Count(errs, "\n") != 1 {
		t.Errorf("%d %q %q", status, out, errs)
	}
}

// A bad line is answered in its place and the rest goes on.
func TestTimeBatchGoesOn(t *testing.T) {
	in := `{"id":"a","kind":"edtf","value":"2018","zone":"UTC"}
not json
{"id":7,"kind":"sundial","value":"x"}

{"id":"b","kind":"exif","value":"0000:00:00 00:00:00"}`
	status, out, errs := timeRun(t, in, "time", "parse", "--batch", "-")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if status != 0 || errs != "" || len(lines) != 4 {
		t.Fatalf("%d %q %q", status, out, errs)
	}
	for i, want := range []string{`{"id":"a","status":"ok",`, `{"error":{"code":"bad_json",`, `{"id":7,"error":{`, `{"id":"b","status":"absent","hypotheses":[]}`} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is %s, want %s", i, lines[i], want)
		}
	}
}

func TestTimeSolve(t *testing.T) {
	file := filepath.Join(t.TempDir(), "network.json")
	net := `{"points":[{"id":"a"},{"id":"b"}],"constraints":[{"id":"k","from":"z","to":"a","min":5,"max":9},{"id":"l","from":"a","to":"b","min":1},{"id":"m","from":"z","to":"b","max":3}]}`
	if err := os.WriteFile(file, []byte(net), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, errs := timeRun(t, "", "time", "solve", file, "--without", "m")
	want := `{"schema":"sightline/time-answer/1","account":null,"consistent":true,"bounds":[` +
		`{"point":"a","min":5,"max":9,"min_proof":[{"constraint":"k","side":"min"}],"max_proof":[{"constraint":"k","side":"max"}]},` +
		`{"point":"b","min":6,"max":null,"min_proof":[{"constraint":"l","side":"min"},{"constraint":"k","side":"min"}]}],"conflicts":[]}` + "\n"
	if status != 0 || out != want || errs != "" {
		t.Errorf("%d %s %s", status, out, errs)
	}
	status, out, _ = timeRun(t, "", "time", "solve", file, "--conflicts", "all")
	if status != 0 || !strings.Contains(out, `"consistent":false,"bounds":[],`) || !strings.Contains(out, `"slack_ms":-3`) || !strings.Contains(out, `"repairs":[["k"],["l"],["m"]]`) {
		t.Errorf("%d %s", status, out)
	}
	status, out, errs = timeRun(t, strings.Replace(net, `"to":"a"`, `"to":"q"`, 1), "time", "solve", "-")
	if status != 2 || out != "" || errs != `{"error":{"code":"unknown_point","message":"constraint k names point \"q\", which is not listed","where":"k"}}`+"\n" {
		t.Errorf("%d %q %q", status, out, errs)
	}
	status, out, errs = timeRun(t, net+"\n{}\n"+strings.Replace(net, `"max":9`, `"max":4`, 1)+"\n", "time", "solve", "--batch", "-")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if status != 0 || errs != "" || len(lines) != 3 || !strings.Contains(lines[2], "reversed_interval") {
		t.Errorf("%d %q %q", status, out, errs)
	}
	if status, _, errs = timeRun(t, "", "time", "solve", file+".absent"); status != 2 || !strings.HasPrefix(errs, `{"error":`) {
		t.Errorf("%d %q", status, errs)
	}
}
