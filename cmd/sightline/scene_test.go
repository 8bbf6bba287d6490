package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sceneRun runs a command line in process.
func sceneRun(args ...string) (status int, out, errs string) {
	var o, e bytes.Buffer
	status = run(&env{ctx: context.Background(), stdin: strings.NewReader(""), stdout: &o, stderr: &e}, args)
	return status, o.String(), e.String()
}

func TestSceneBuildAndInfo(t *testing.T) {
	dir := t.TempDir()
	spec := filepath.Join("..", "..", "demo", "el-junquito", "scene.json")
	status, out, errs := sceneRun("scene", "build", spec, "-o", dir)
	if status != 0 || !strings.Contains(out, "not surveyed") || !strings.Contains(out, "vertical datum unknown") {
		t.Fatalf("status %d\n%s%s", status, out, errs)
	}
	status, out, _ = sceneRun("scene", "info", "--json", dir)
	var d struct {
		Format string
		Layers []struct{ Class, File string }
	}
	if err := json.Unmarshal([]byte(out), &d); status != 0 || err != nil || d.Format != "sightline.scene/1" || len(d.Layers) != 4 {
		t.Fatalf("status %d, %v: %+v", status, err, d)
	}
	// A changed byte is found and named.
	glb := filepath.Join(dir, d.Layers[1].File)
	b, err := os.ReadFile(glb)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(glb, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := sceneRun("scene", "info", dir); status != 1 || !strings.Contains(errs, d.Layers[1].File) {
		t.Errorf("status %d: %s", status, errs)
	}
	// Bad input: status 2 and one sentence.
	bad := filepath.Join(dir, "bad.json")
	if err := os.WriteFile(bad, []byte(`{"format":"sightline.scene.spec/1","frame":{"origin":{"lat":99,"lon":0,"h":0},"vertical":"unknown"}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"scene", "build", bad, "-o", dir}, {"scene", "build", "nowhere.json", "-o", dir}, {"scene", "info", bad}, {"scene", "info", "nowhere"}} {
		if status, _, errs := sceneRun(args...); status != 2 || strings.Count(strings.TrimSpace(errs), "\n") > 0 || errs == "" {
			t.Errorf("%v: status %d: %q", args, status, errs)
		}
	}
	obj := filepath.Join(dir, "t.obj")
	if err := os.WriteFile(obj, []byte("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if status, out, errs := sceneRun("scene", "info", obj); status != 0 || !strings.Contains(out, "1 triangles") {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
}
