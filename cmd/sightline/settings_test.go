package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An option that stands in the settings is used; one that is given goes before.
func TestSettings(t *testing.T) {
	home := t.TempDir()
	t.Setenv("SIGHTLINE_HOME", home)
	t.Setenv("SIGHTLINE_DB", "")
	if err := os.WriteFile(filepath.Join(home, "settings.json"), []byte(`{"db": "mysql://x", "blobs": "s3://bucket"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := sceneRun("jobs"); status != 2 || !strings.Contains(errs, "address of the database") {
		t.Errorf("status %d: %s", status, errs)
	}
	if status, _, errs := sceneRun("jobs", "--db", "postgres://127.0.0.1:1/x?case=a"); status != 2 || !strings.Contains(errs, "cannot be reached") || strings.Count(strings.TrimSpace(errs), "\n") != 0 {
		t.Errorf("status %d: %s", status, errs)
	}
	if status, _, errs := sceneRun("jobs", "--case", filepath.Join(home, "absent")); status != 2 || !strings.Contains(errs, "not a case folder") {
		t.Errorf("a folder that is named goes before the settings: status %d: %s", status, errs)
	}
}
