package archive

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOTSFixtures: proofs of others are read, their files recognised, and the
// broken ones refused; a false attestation is never called valid.
func TestOTSFixtures(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "fixtures", "proofs")
	if _, err := os.Stat(root); err != nil {
		t.Skip("the fixtures are not here")
	}
	read, bad, matched := 0, 0, 0
	err := filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".ots") {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		o, err := ParseOTS(b)
		if strings.Contains(p, "invalid") {
			bad++
			if err == nil {
				t.Errorf("%s was read: %+v", p, o)
			}
			return nil
		}
		if err != nil {
			t.Errorf("%s: %v", p, err)
			return nil
		}
		read++
		if strings.Contains(o.Verdict(), "valid") {
			t.Errorf("%s: %s", p, o.Verdict())
		}
		if f, err := os.ReadFile(strings.TrimSuffix(p, ".ots")); err == nil {
			if matched++; !o.Of(f) || o.Of(append(f, 0)) {
				t.Errorf("%s is not told to be of its file", p)
			}
		}
		switch base := filepath.Base(p); base {
		case "hello-world.txt.ots":
			if len(o.Attestations) != 1 || o.Attestations[0].Height != 358391 || o.Weak {
				t.Errorf("%s: %+v", base, o)
			}
		case "incomplete.txt.ots":
			if !strings.HasPrefix(o.Verdict(), "incomplete") {
				t.Errorf("%s: %s", base, o.Verdict())
			}
		case "unknown-notary.txt.ots":
			if !strings.HasPrefix(o.Verdict(), "no attestation") {
				t.Errorf("%s: %s", base, o.Verdict())
			}
		case "README.md.ots":
			if !o.Weak {
				t.Errorf("%s: RIPEMD-160 is not called weak", base)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 10 || matched < 8 || bad == 0 {
		t.Errorf("read %d, matched %d, refused %d", read, matched, bad)
	}
}

func FuzzParseOTS(f *testing.F) {
	f.Add([]byte("\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, err := ParseOTS(b); err == nil && (o.Digest == "" || o.Verdict() == "") {
			t.Errorf("%+v", o)
		}
	})
}
