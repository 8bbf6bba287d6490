package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A timeline of another program comes back as a fact that somebody said.
func TestTimeImport(t *testing.T) {
	root := t.TempDir()
	media, dir := filepath.Join(root, "media"), filepath.Join(root, "case")
	if err := os.MkdirAll(media, 0o700); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"left.wav", "right.wav"} {
		b := make([]byte, 44+16000)
		copy(b, "RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data")
		binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
		binary.LittleEndian.PutUint32(b[40:], 16000)
		b[100] = byte(i + 1) // two recordings, not one twice
		if err := os.WriteFile(filepath.Join(media, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	table := filepath.Join(root, "offsets.csv")
	if err := os.WriteFile(table, []byte("item,start_utc_ms\nleft.wav,1000\nright.wav,61000\nnobody.mp4,3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"new", dir, "--title", "T", "--prefix", "T", "--zone", "America/Caracas", "--lang", "en", "--date", "2018-01-15"},
		{"add", "--case", dir, "--reason", "test", media},
	} {
		if status, out, errs := timeRun(t, "", args...); status != 0 {
			t.Fatalf("%v: %d %s %s", args, status, out, errs)
		}
	}
	for _, args := range [][]string{{"time", "import", "--case", dir, "--dry-run", table}, {"time", "import", "--case", dir, "--error", "250", table}} {
		status, out, errs := timeRun(t, "", args...)
		if status != 0 || !strings.Contains(out, "T-002 begins 1 min after T-001") || !strings.Contains(out, "1 recordings moved, 0 as they were\nno recording of the case: nobody.mp4\n") {
			t.Errorf("%v: %d %s %s", args, status, errs, out)
		}
	}
	if _, out, _ := timeRun(t, "", "time", "case", "--case", dir, "--json"); !strings.Contains(out, "59749") || strings.Contains(out, "59959") {
		t.Errorf("the placement is not in the network, or the trial is: %s", out)
	}
	if status, _, errs := timeRun(t, "", "time", "import", "--case", dir, "--format", "otio", table); status != 2 || !strings.Contains(errs, "cannot read this timeline as otio") {
		t.Errorf("%d %s", status, errs)
	}
}
