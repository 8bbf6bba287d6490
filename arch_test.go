package sightline_test

import (
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// The import rule of docs/architecture.md, as a table: what a package of ours
// may import of ours. A new package has to be entered here, with the reason
// for its place.
var (
	leaves   = []string{"sightline/when", "sightline/where", "sightline/digest"}
	sciences = []string{"sightline/sight", "sightline/sun", "sightline/sound", "sightline/order", "sightline/alike", "sightline/raster", "sightline/warc"}
	stages   = []string{"sightline/capture", "sightline/intake", "sightline/archive", "sightline/identify", "sightline/redact", "sightline/verify/place", "sightline/verify/time", "sightline/verify/corroborate", "sightline/verify/review", "sightline/scene", "sightline/narrate", "sightline/publish", "sightline/exercise"}
	adapters = []string{"sightline/store/tables", "sightline/store/sqlite", "sightline/store/postgres", "sightline/store/storetest", "sightline/blob/dir", "sightline/blob/mem", "sightline/blob/s3", "sightline/blob/blobtest"}
)

func mayImport() map[string][]string {
	rule := map[string][]string{}
	cat := func(ls ...[]string) (out []string) {
		for _, l := range ls {
			out = append(out, l...)
		}
		return out
	}
	root, tool := []string{"sightline"}, []string{"sightline/tool"}
	for _, p := range leaves {
		rule[p] = nil
	}
	for _, p := range sciences {
		rule[p] = leaves
	}
	// The software renderer draws what a camera sees, so it takes the camera
	// of package sight instead of defining a second one.
	rule["sightline/raster"] = cat(leaves, []string{"sightline/sight"})
	rule["sightline"] = leaves
	rule["sightline/tool"] = cat(root, leaves)
	for _, p := range stages {
		rule[p] = cat(root, leaves, sciences, tool)
	}
	// The exercise is a scene that is built, rendered and written out as files;
	// it builds on the stage that builds scenes.
	rule["sightline/exercise"] = append(rule["sightline/exercise"], "sightline/scene")
	// Package warc reads and writes web archives without knowing a case; what
	// fetches pages (capture), takes archives in (intake) and exports them
	// (narrate) are three stages and need one format.
	for _, p := range adapters {
		rule[p] = cat(root, leaves)
	}
	// What a case is stands once, in store/tables; the two engines open it.
	for _, p := range []string{"sightline/store/sqlite", "sightline/store/postgres"} {
		rule[p] = append(rule[p], "sightline/store/tables")
	}
	// A case is a store and blobs, on one machine or of a team: archive opens the two.
	rule["sightline/archive"] = append(rule["sightline/archive"], "sightline/store/tables", "sightline/store/sqlite", "sightline/store/postgres", "sightline/blob/dir", "sightline/blob/s3")
	// The suites are what adapters are tested with, and one memory adapter is shared by tests.
	rule["sightline/store/storetest"] = append(rule["sightline/store/storetest"], "sightline/blob/mem")
	rule["sightline/demo"] = nil
	// The call for evidence is a server apart from the desk: it knows the form
	// of tips and its own pages, and nothing of cases.
	rule["sightline/tip"] = leaves
	rule["sightline/call/pages"] = nil
	rule["sightline/call/inbox"] = cat(root, leaves, []string{"sightline/tip"})
	rule["sightline/call"] = cat(root, leaves, []string{"sightline/tip", "sightline/call/pages"})
	// What a source sees knows nothing of the server or of a case: it is words and templates.
	rule["sightline/call/pages"] = nil
	rule["sightline/flow"] = cat(root, leaves, stages, tool)
	// The rules of verification are enforced at the door, so the door knows them.
	rule["sightline/web"] = cat(root, leaves, []string{"sightline/flow", "sightline/publish", "sightline/verify/review"})
	return rule
}

func TestImportRule(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	rule := mayImport()
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p.ImportPath, "sightline/cmd/") || strings.HasPrefix(p.ImportPath, "sightline/bench") {
			continue
		}
		allowed, known := rule[p.ImportPath]
		if !known {
			t.Errorf("package %s is not in the table of the import rule (arch_test.go, docs/architecture.md)", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if imp != "sightline" && !strings.HasPrefix(imp, "sightline/") {
				if p.ImportPath == "sightline" || contains(leaves, p.ImportPath) {
					if strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
						t.Errorf("%s imports %s; leaves and the root use the standard library only", p.ImportPath, imp)
					}
				}
				continue
			}
			if !contains(allowed, imp) {
				t.Errorf("%s imports %s, which the import rule forbids", p.ImportPath, imp)
			}
		}
	}
}

func contains(l []string, s string) bool {
	for _, x := range l {
		if x == s {
			return true
		}
	}
	return false
}
