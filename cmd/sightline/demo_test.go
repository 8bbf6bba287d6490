package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// verb runs one command line in process and returns its status and output.
func verb(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	status := run(&env{context.Background(), strings.NewReader(""), &out, &out}, args)
	return status, out.String()
}

// The whole road on the demonstration: built through the verbs, whole by its
// own check and by replaying its log, published, and a changed byte is named.
func TestRoad(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole road takes half a minute")
	}
	t.Setenv("SIGHTLINE_HOME", t.TempDir())
	dir := t.TempDir()
	if status, out := verb(t, "demo", "--build", "--dir", dir); status != 0 {
		t.Fatalf("demo: %d\n%s", status, out)
	}
	made := filepath.Join(dir, "el-junquito")
	edition := filepath.Join(made, "editions", "v1")
	for _, args := range [][]string{{"check", "--case", made, "--rebuild"}, {"check", edition}, {"publish", "--case", made, "--dry"}} {
		if status, out := verb(t, args...); status != 0 {
			t.Errorf("%v: %d\n%s", args, status, out)
		}
	}
	// The same input again adds nothing.
	if status, out := verb(t, "add", "--case", made, "--as", "records", "--map", "../../demo/el-junquito/records.map.json", "--reason", "again", "--json", "../../demo/el-junquito/records.csv"); status != 0 || !strings.Contains(out, `"added":[]`) {
		t.Errorf("adding again: %d\n%s", status, out)
	}
	page := filepath.Join(edition, "s", "7.html")
	if err := flipByte(page, 300); err != nil {
		t.Fatal(err)
	}
	if status, out := verb(t, "check", edition); status != 1 || !strings.Contains(out, "s/7.html") {
		t.Errorf("a changed byte of the edition: %d\n%s", status, out)
	}
	// A second edition stands beside the first.
	if status, out := verb(t, "publish", "--case", made, "--notes", "A correction."); status != 0 || !strings.Contains(out, "v2") {
		t.Errorf("second edition: %d\n%s", status, out)
	}
	if b, err := os.ReadFile(filepath.Join(made, "editions", "v2", "corrections.html")); err != nil || !bytes.Contains(b, []byte("A correction.")) {
		t.Errorf("the correction is not on its page (%v)", err)
	}
	blobs, err := filepath.Glob(filepath.Join(made, "blobs", "sha256", "*", "*", "*"))
	if err != nil || len(blobs) == 0 {
		t.Fatalf("%d blobs, %v", len(blobs), err)
	}
	os.Chmod(blobs[0], 0o644)
	if err := flipByte(blobs[0], 0); err != nil {
		t.Fatal(err)
	}
	if status, out := verb(t, "check", "--case", made); status != 1 || !strings.Contains(out, filepath.Base(blobs[0])) {
		t.Errorf("a changed byte of a blob: %d\n%s", status, out)
	}
}

func flipByte(path string, at int) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[at] ^= 1
	return os.WriteFile(path, b, 0o644)
}
