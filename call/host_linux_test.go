package call

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSwapDevices(t *testing.T) {
	dir := t.TempDir()
	os.MkdirAll(filepath.Join(dir, "dm-0", "dm"), 0o755)
	os.WriteFile(filepath.Join(dir, "dm-0", "dm", "uuid"), []byte("CRYPT-PLAIN-swap\n"), 0o644)
	os.MkdirAll(filepath.Join(dir, "dm-1", "dm"), 0o755)
	os.WriteFile(filepath.Join(dir, "dm-1", "dm", "uuid"), []byte("LVM-abc\n"), 0o644)
	swaps := filepath.Join(dir, "swaps")
	os.WriteFile(swaps, []byte("Filename Type Size Used Priority\n/nowhere/dm-0 partition 1 0 -2\n/nowhere/dm-1 partition 1 0 -2\n/nowhere/zram0 partition 1 0 -2\n/swapfile file 1 0 -2\n"), 0o644)
	if got := strings.Join(swapDevices(swaps, dir), " "); got != "/nowhere/dm-1 /swapfile" {
		t.Errorf("not encrypted: %s", got)
	}
}

func TestCheckHost(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	os.Chmod(sc.dir, 0o755)
	got := strings.Join(CheckHost(sc.dir), "\n")
	for _, want := range []string{"can be read by every account", "call.keys.note is missing"} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q:\n%s", want, got)
		}
	}
	os.Chmod(sc.dir, 0o700)
	os.WriteFile(filepath.Join(sc.dir, NoteFile), []byte("x"), 0o644)
	os.WriteFile(filepath.Join(sc.dir, "k"), []byte(sc.id.String()), 0o600)
	got = strings.Join(CheckHost(sc.dir), "\n")
	if strings.Contains(got, "every account") || strings.Contains(got, "is missing") || !strings.Contains(got, "secret key") {
		t.Errorf("%s", got)
	}
}
