package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sightline/exercise"
)

// holds tells whether a file below path has the words, white space aside.
func holds(t *testing.T, path, words string) (found bool) {
	t.Helper()
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		found = found || strings.Contains(strings.Join(strings.Fields(string(b)), ""), words)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// The lines that README.txt gives lead from the exercise to an edition.
func TestExerciseThroughTheRoad(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a whole case")
	}
	dir := t.TempDir()
	if status, out, errs := sceneRun("exercise", "--seed", "5", "--size", "small", "--no-video", "--json", "-o", filepath.Join(dir, "x")); status != 0 || !strings.Contains(out, `"seed":5`) {
		t.Fatalf("status %d\n%s%s", status, out, errs)
	}
	in := filepath.Join(dir, "x", "case")
	readme, err := os.ReadFile(filepath.Join(in, "README.txt"))
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	for _, line := range strings.Split(string(readme), "\n") {
		line, ok := strings.CutPrefix(line, "  sightline ")
		if !ok {
			continue
		}
		var args []string
		for i, part := range strings.Split(line, `"`) {
			if i%2 == 1 {
				args = append(args, part)
			} else {
				args = append(args, strings.Fields(part)...)
			}
		}
		for i, a := range args {
			switch a {
			case "ejercicio", "scene.json", "scene", "media", "records.map.json", "records.csv", "case.json":
				if i > 0 && args[i-1] != "--as" { // a verb or a kind, not a path
					args[i] = filepath.Join(in, a)
				}
			}
		}
		if status, out, errs := sceneRun(args...); status != 0 {
			t.Fatalf("%v: status %d\n%s%s", args, status, out, errs)
		}
		steps++
	}
	if steps != 6 {
		t.Fatalf("README.txt gives %d steps", steps)
	}
	if status, out, errs := sceneRun("publish", "--case", filepath.Join(in, "ejercicio"), "--notes", "First edition."); status != 0 {
		t.Fatalf("publish: status %d\n%s%s", status, out, errs)
	}
	// The witness who asked for it is not to be found by the edition, while the
	// case itself holds the place.
	b, err := os.ReadFile(filepath.Join(dir, "x", "truth", "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	truth, err := exercise.ReadTruth(b)
	if err != nil {
		t.Fatal(err)
	}
	blurred := 0
	for _, p := range truth.Planted {
		if p.Kind != "blur" {
			continue
		}
		blurred++
		exact := fmt.Sprintf("[%v,%v,%v]", p.ENU[0], p.ENU[1], p.ENU[2])
		if !holds(t, filepath.Join(in, "case.json"), exact) {
			t.Errorf("case.json does not state the place %s", exact)
		}
		if holds(t, filepath.Join(in, "ejercicio", "editions"), exact) {
			t.Errorf("the edition holds the place %s", exact)
		}
	}
	if blurred != 1 {
		t.Errorf("%d witnesses to blur", blurred)
	}
	if status, out, errs := sceneRun("exercise", "--score", filepath.Join(dir, "x", "truth", "truth.json"), "--rounds", "1", "--problems", filepath.Join(dir, "problems.jsonl")); status != 0 || !strings.Contains(out, " 0 refused") {
		t.Errorf("score: status %d: %s%s", status, out, errs)
	}
	if status, out, errs := sceneRun("exercise", "--score", filepath.Join(in, "case.json")); status != 2 || strings.Count(strings.TrimSpace(errs), "\n") != 0 {
		t.Errorf("a file that is no truth: status %d: %s%s", status, out, errs)
	}
	// A second exercise in the same folder is refused with one sentence.
	if status, _, errs := sceneRun("exercise", "--size", "small", "-o", filepath.Join(dir, "x")); status != 2 || strings.Count(strings.TrimSpace(errs), "\n") != 0 || !strings.Contains(errs, "not empty") {
		t.Errorf("status %d: %s", status, errs)
	}
}
