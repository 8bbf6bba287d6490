package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"sightline/publish"
)

// The demonstration's constraints through the command: the same report that
// an edition prints.
func TestTimeCase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "el-junquito")
	for _, args := range [][]string{
		{"new", dir, "--title", "El Junquito", "--prefix", "EJ", "--zone", "America/Caracas", "--lang", "en,es", "--date", "2018-01-15"},
		{"add", "--case", dir, "--as", "records", "--map", filepath.Join("..", "..", "demo", "el-junquito", "records.map.json"), "--reason", "test", filepath.Join("..", "..", "demo", "el-junquito", "records.csv")},
		{"add", "--case", dir, "--as", "document", "--reason", "test", filepath.Join("..", "..", "demo", "el-junquito", "case.json")},
	} {
		if status, out, errs := timeRun(t, "", args...); status != 0 {
			t.Fatalf("%v: %d %s %s", args, status, out, errs)
		}
	}
	status, out, errs := timeRun(t, "", "time", "case", "--case", dir, "--lang", "es")
	for _, want := range []string{
		"EJ-019.start     2018-01-15T09:07:00.001-04:00 .. 2018-01-15T10:07:59.998-04:00\n    min: K-006(min) K-005(min)\n    max: K-005(max) K-006(max)\n",
		"[K-002 K-009 K-012] [government radio]\n", "juntos se quedan cortos por 4 min 0,001 s.",
	} {
		if status != 0 || !strings.Contains(out, want) {
			t.Errorf("%d %s: no %q in\n%s", status, errs, want, out)
		}
	}
	status, out, errs = timeRun(t, "", "time", "case", "--case", dir, "--json")
	var r publish.NetworkReport
	if err := json.Unmarshal([]byte(out), &r); status != 0 || err != nil || len(r.Conflicts) != 8 || len(r.Views) != 7 || !r.Answer.Consistent {
		t.Errorf("%d %s: %v, %d contradictions, %d views", status, errs, err, len(r.Conflicts), len(r.Views))
	}
}
