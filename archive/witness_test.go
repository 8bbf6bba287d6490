package archive

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func says(rep *Report, want string) bool {
	for _, x := range rep.Faults {
		if strings.Contains(x.String(), want) {
			return true
		}
	}
	return false
}

func remarks(rep *Report, want string) bool {
	for _, n := range rep.Notes {
		if strings.Contains(n, want) {
			return true
		}
	}
	return false
}

// cut plays somebody who takes the end of the log away, rows and checkpoints
// included, so that case.db by itself is a whole and shorter case: it puts an
// older case.db back.
func cut(t *testing.T) (f *CaseFolder, older string) {
	t.Helper()
	f = create(t, Options{})
	add(t, f, "first")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	older = copyTree(t, f.Dir)
	g, err := Open(f.Dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	add(t, g, "second")
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	return g, older
}

func TestRollback(t *testing.T) {
	f, older := cut(t)
	if rep := check(t, look(t, f.Dir), CheckOptions{}); !rep.OK || rep.Checked.Witnesses != 3 {
		t.Fatalf("before: %+v", rep)
	}
	b, err := os.ReadFile(filepath.Join(older, caseFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.Dir, caseFile), b, 0o600); err != nil {
		t.Fatal(err)
	}
	// Each place names it alone, down to the one outside the folder.
	for _, gone := range []string{"", witnessFile, blobsDir + "/" + witnessFile} {
		if gone != "" {
			if err := os.Remove(filepath.Join(f.Dir, gone)); err != nil {
				t.Fatal(err)
			}
		}
		if rep := check(t, look(t, f.Dir), CheckOptions{}); !says(rep, "entries were taken away, or an older case.db was put back") {
			t.Errorf("without %q: %+v", gone, rep)
		}
	}
	// Going on with the shortened log does not cover the trace.
	g, err := Open(f.Dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	add(t, g, "another second")
	add(t, g, "third")
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if rep := check(t, look(t, f.Dir), CheckOptions{}); !says(rep, "two logs were kept") {
		t.Errorf("after going on: %+v", rep)
	}
	// The older copy elsewhere is no fault, and is told that there is more.
	if rep := check(t, look(t, older), CheckOptions{}); !rep.OK || !remarks(rep, "is further on") {
		t.Errorf("the older copy: %+v", rep)
	}
}

func TestCheckpointRemoved(t *testing.T) {
	f, _ := cut(t)
	db, err := sql.Open("sqlite", filepath.Join(f.Dir, caseFile))
	if err != nil {
		t.Fatal(err)
	}
	must(t, db, "DELETE FROM checkpoint WHERE size=(SELECT max(size) FROM checkpoint)")
	db.Close()
	if rep := check(t, look(t, f.Dir), CheckOptions{}); !says(rep, "a checkpoint was taken away") {
		t.Errorf("%+v", rep)
	}
}

// TestSinceCheckpoint: a checkpoint kept elsewhere is extended by this log, or
// the check says that it is not.
func TestSinceCheckpoint(t *testing.T) {
	f, older := cut(t)
	kept, err := ReadCheckpoints(older)
	if err != nil {
		t.Fatal(err)
	}
	if rep := check(t, look(t, f.Dir), CheckOptions{Kept: kept}); !rep.OK || !remarks(rep, "the log extends the checkpoint of 2 entries") {
		t.Errorf("%+v", rep)
	}
	one, err := ReadCheckpoints(filepath.Join(f.Dir, witnessFile))
	if err != nil {
		t.Fatal(err)
	}
	if rep := check(t, look(t, older), CheckOptions{Kept: one}); !says(rep, "entries were taken away") {
		t.Errorf("a newer checkpoint than the log: %+v", rep)
	}
	other := create(t, Options{})
	add(t, other, "first")
	other.Close()
	foreign, err := ReadCheckpoints(other.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if rep := check(t, look(t, f.Dir), CheckOptions{Kept: foreign}); !says(rep, "does not belong to this log") {
		t.Errorf("another log's checkpoint: %+v", rep)
	}
	for _, p := range []string{filepath.Join(f.Dir, keysDir, logPub), filepath.Join(f.Dir, keysDir), filepath.Join(f.Dir, "nothing")} {
		if got, err := ReadCheckpoints(p); err == nil {
			t.Errorf("%s: %v", p, got)
		}
	}
}
