package archive

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sightline"
)

const samples = "../../shared/fixtures/proofs/sample-proof"

// readFolder reads a proof folder as a map of names to bytes.
func readFolder(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		files[filepath.ToSlash(rel)] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func writeFolder(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, b := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// stranger runs verify.py over the files and reports its verdict; openssl then
// checks the signatures and, where there are any, the time-stamps.
func stranger(t *testing.T, files map[string][]byte) (ok bool, said string) {
	t.Helper()
	for _, tool := range []string{"python3", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not here", tool)
		}
	}
	dir := t.TempDir()
	writeFolder(t, dir, files)
	writeFolder(t, dir, map[string][]byte{"verify.py": verifyPy})
	commands := []string{
		"python3 verify.py",
		"openssl pkeyutl -verify -pubin -inkey log.pub.pem -rawin -in checkpoint.text -sigfile checkpoint.sig",
		"openssl pkeyutl -verify -pubin -inkey actor.pub.pem -rawin -in leaf.pae -sigfile leaf.sig",
	}
	for name := range files {
		if a, ok := strings.CutSuffix(strings.TrimPrefix(name, "checkpoint."), ".tsr"); ok {
			commands = append(commands, "openssl ts -verify -data checkpoint -in checkpoint."+a+".tsr -CAfile tsa/"+a+".pem")
		}
	}
	for _, c := range commands {
		cmd := exec.Command("sh", "-c", c)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		said += string(out)
		if err != nil {
			return false, said + c + ": " + err.Error()
		}
	}
	return true, said
}

// TestSampleProofs: what the design's sample holds valid is accepted, and each
// of its seven tamperings is refused for its own reason, by our verifier and by
// a stranger's tools.
func TestSampleProofs(t *testing.T) {
	if _, err := os.Stat(samples); err != nil {
		t.Skip("the sample proofs are not here")
	}
	for name, why := range map[string]string{
		"valid":         "",
		"bad-index":     "place",
		"bad-item":      "bytes are not the ones",
		"bad-leaf":      "does not hold the entry",
		"bad-path":      "audit path",
		"bad-reveal":    "commitment",
		"bad-signer":    "not signed by the log's key",
		"bad-timestamp": "1 of 2 time-stamps hold",
	} {
		t.Run(name, func(t *testing.T) {
			files := readFolder(t, filepath.Join(samples, name))
			err := VerifyProof("", files)
			if (err == nil) != (why == "") || err != nil && !strings.Contains(err.Error(), why) {
				t.Errorf("VerifyProof said %v, want %q", err, why)
			}
			if ok, said := stranger(t, files); ok != (why == "") {
				t.Errorf("verify.py and openssl said:\n%s", said)
			}
		})
	}
}

func TestVerifyPyIsShort(t *testing.T) {
	if n := strings.Count(string(verifyPy), "\n"); n > 40 {
		t.Errorf("verify.py has %d lines; a stranger is promised at most 40", n)
	}
}

func FuzzParseInclusion(f *testing.F) {
	f.Add([]byte(inclusionHeader + "\nindex 0\n\no\n1\nAAAA\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parseInclusion(b)
		if err != nil {
			return
		}
		var path []string
		for _, h := range p.Path {
			path = append(path, hex.EncodeToString(h[:]))
		}
		back, err := formatInclusion(p.Index, path, p.Checkpoint)
		if err != nil || string(back) != string(b) {
			t.Fatalf("%q came back as %q, %v", b, back, err)
		}
	})
}

func FuzzOpenCheckpoint(f *testing.F) {
	f.Add([]byte("a/case/b\n7\nQVP0+DNma3Unxva69WWuZfcK9812L+vouexeUdDwGZs=\n\n\u2014 a/case/b bBqCgNsm\n"))
	key := make([]byte, 32)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := openCheckpoint(b, key); err == nil {
			t.Fatal("a note nobody signed was accepted")
		}
		parseCheckpoint(string(b)) //nolint:errcheck // must not panic
	})
}

// BenchmarkVerifyProof is what checking one proof costs.
func BenchmarkVerifyProof(b *testing.B) {
	f := create(b, fixed())
	id := add(b, f, "x")
	if _, err := f.Store.Checkpoint(ctx); err != nil {
		b.Fatal(err)
	}
	files, err := f.Proof(ctx, id)
	if err != nil {
		b.Fatal(err)
	}
	files["item"] = []byte("x")
	for b.Loop() {
		if err := VerifyProof("", files); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScrub checks a case of one blob of 256 MiB.
func BenchmarkScrub(b *testing.B) {
	f := create(b, Options{})
	add(b, f, strings.Repeat("0123456789abcdef", 16<<20))
	b.SetBytes(256 << 20)
	for b.Loop() {
		if rep := check(b, f, CheckOptions{}); !rep.OK {
			b.Fatal(rep.Faults)
		}
	}
}

// BenchmarkCheckEntries checks a case of 2,000 entries without bytes.
func BenchmarkCheckEntries(b *testing.B) {
	f := create(b, Options{})
	for i := range 2000 {
		if _, err := f.Store.Update(ctx, f.Actor, func(w sightline.Writer) error {
			return w.Put(&sightline.Item{ID: fmt.Sprintf("T-%d", i)})
		}); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if rep := check(b, f, CheckOptions{}); !rep.OK {
			b.Fatal(rep.Faults)
		}
	}
	b.ReportMetric(2001*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
