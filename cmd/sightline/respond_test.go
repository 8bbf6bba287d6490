package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An answer of a reader comes in as one open remark, once, and only where it belongs.
func TestAnAnswerToAnEditionComesBack(t *testing.T) {
	dir := t.TempDir()
	home := filepath.Join(dir, "case")
	t.Setenv("SIGHTLINE_HOME", filepath.Join(dir, "home"))
	if status, out, errs := sceneRun("new", home, "--title", "A test", "--prefix", "TS", "--zone", "UTC", "--lang", "en", "--date", "2024-01-02"); status != 0 {
		t.Fatal(out, errs)
	}
	file := filepath.Join(dir, "a.txt")
	if err := os.WriteFile(file, []byte("said"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, out, errs := sceneRun("add", "--case", home, "--reason", "test", file); status != 0 {
		t.Fatal(out, errs)
	}
	id := "case"
	answer := func(about, extra string) string {
		p := filepath.Join(dir, "r.json")
		if err := os.WriteFile(p, []byte(`{"format":"sightline.response/1","case":"`+id+`","edition":1,"about":"`+about+`","says":"dispute","reason":"I was there.","evidence":"","contact":""`+extra+`}`), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	status, out, errs := sceneRun("review", "--case", home, "--take", answer("TS-001", ""))
	if status != 0 || !strings.Contains(out, "taken in as Q-001") {
		t.Fatal(status, out, errs)
	}
	if status, out, errs = sceneRun("review", "--case", home, "--take", answer("TS-001", "")); status != 0 || !strings.Contains(out, "known already: Q-001") {
		t.Error("the same answer twice:", status, out, errs)
	}
	if status, out, _ = sceneRun("review", "--case", home, "--waiting"); status != 0 || !strings.Contains(out, "A reader disputes TS-001") {
		t.Error("what waits does not show it:", status, out)
	}
	for name, bad := range map[string]string{"no such thing": answer("C-99", "")} {
		if status, out, _ := sceneRun("review", "--case", home, "--take", bad); status == 0 {
			t.Error(name, "was taken in:", out)
		}
	}
	if status, out, _ := sceneRun("review", "--case", home, "--take", answer("TS-001", `,"status":"verified"`)); status == 0 {
		t.Error("an answer that sets a status was taken in:", out)
	}
	id = "another"
	if status, out, _ := sceneRun("review", "--case", home, "--take", answer("TS-001", "")); status == 0 {
		t.Error("an answer to another case was taken in:", out)
	}
}
