package intake

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBagFixtures: every bag of the fixtures is found to be what its manifest says.
func TestBagFixtures(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "fixtures", "proofs")
	f, err := os.Open(filepath.Join(root, "MANIFEST.tsv"))
	if err != nil {
		t.Skip("the fixtures are not here")
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = '\t', -1, true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, row := range rows {
		if !strings.HasPrefix(row[0], "bagit/") {
			continue
		}
		n++
		want := row[len(row)-1]
		rep, err := CheckBag(context.Background(), filepath.Join(root, row[0]))
		if err != nil {
			t.Errorf("%s: %v", row[0], err)
			continue
		}
		if rep.State != want {
			t.Errorf("%s is %s, want %s: %q %q", row[0], rep.State, want, rep.Faults, rep.Warnings)
		}
		if strings.Contains(row[0], "md5") && len(rep.Notes) == 0 {
			t.Errorf("%s: nothing is said of the weak digest", row[0])
		}
	}
	if n < 20 {
		t.Errorf("only %d bags in the fixtures", n)
	}
}
