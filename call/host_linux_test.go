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
	got := strings.Join(CheckHost(sc.dir, ""), "\n")
	for _, want := range []string{"can be read by every account", "call.keys.note is missing"} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q:\n%s", want, got)
		}
	}
	os.Chmod(sc.dir, 0o700)
	os.WriteFile(filepath.Join(sc.dir, NoteFile), []byte("x"), 0o644)
	os.WriteFile(filepath.Join(sc.dir, "k"), []byte(sc.id.String()), 0o600)
	got = strings.Join(CheckHost(sc.dir, ""), "\n")
	if strings.Contains(got, "every account") || strings.Contains(got, "is missing") || !strings.Contains(got, "secret key") {
		t.Errorf("%s", got)
	}
}

// A machine set up wrongly in every way that is looked for, and rightly.
func TestHostIsLookedAt(t *testing.T) {
	root := t.TempDir()
	put := func(path, text string) {
		p := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	synced, limit := false, uint64(1<<63)
	h := host{root: root, torrc: "/etc/tor/torrc", root0: true, synced: func() (bool, error) { return synced, nil }, limit: func() (uint64, error) { return limit, nil }}
	sc := newScene(t, Options{}, nil)
	os.Chmod(sc.dir, 0o700)
	os.WriteFile(filepath.Join(sc.dir, NoteFile), []byte("x"), 0o644)

	put("proc/swaps", "Filename Type Size Used Priority\n/swapfile file 1 0 -2\n")
	put("proc/sys/kernel/core_pattern", "|/lib/systemd/systemd-coredump %P\n")
	put("proc/sys/fs/suid_dumpable", "1\n")
	put("etc/nginx/nginx.conf", "http {\n  access_log /var/log/nginx/access.log;\n}\n")
	put("var/log/journal/x/system.journal", "")
	put("etc/systemd/journald.conf", "[Journal]\n#Storage=volatile\n")
	put("proc/net/tcp", "  sl  local_address rem_address   st\n   0: 00000000:1F90 00000000:0000 0A 0\n   1: 0100007F:0050 00000000:0000 0A 0\n   2: 0A00000A:0016 0B00000A:9C40 01 0\n")
	put("proc/net/tcp6", "  sl\n   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A\n   1: 00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A\n")
	put("etc/tor/torrc", "HiddenServiceDir /var/lib/tor/x\nHiddenServicePort 80 127.0.0.1:80\nSafeLogging 0\nLog info file /var/log/tor\nHiddenServiceSingleHopMode 1\n")
	got := strings.Join(h.check(sc.dir), "\n")
	for _, want := range []string{"swap /swapfile", "systemd-coredump", "suid_dumpable is 1", "/etc/nginx keeps a log", "journal of this machine is kept", "clock of this machine is not", "these ports here: 22, 8080;",
		"HiddenServicePoWDefensesEnabled 1", "HiddenServiceExportCircuitID haproxy", "HiddenServiceEnableIntroDoSDefense 1", "HiddenServiceMaxStreamsCloseCircuit 1", "SafeLogging 0", "HiddenServiceSingleHopMode 1", `level "info"`, "runs as root"} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q:\n%s", want, got)
		}
	}

	put("proc/swaps", "Filename Type Size Used Priority\n")
	put("proc/sys/kernel/core_pattern", "core\n")
	put("proc/sys/fs/suid_dumpable", "0\n")
	put("etc/nginx/nginx.conf", "http {\n  access_log off;\n}\n")
	put("etc/systemd/journald.conf.d/quiet.conf", "[Journal]\nStorage=volatile\n")
	put("proc/net/tcp", "  sl\n   1: 0100007F:0050 00000000:0000 0A 0\n")
	put("proc/net/tcp6", "  sl\n")
	torrc, err := Torrc("unix:/run/sightline/intake.sock", "")
	if err != nil {
		t.Fatal(err)
	}
	put("etc/tor/torrc", torrc)
	synced, limit, h.root0 = true, 0, false
	for _, f := range h.check(sc.dir) {
		if !strings.Contains(f, "GiB are free") { // of the machine that tests
			t.Errorf("a machine set up rightly: %s", f)
		}
	}
	limit = 1
	if got := strings.Join(h.check(sc.dir), "\n"); !strings.Contains(got, "core files are allowed") {
		t.Errorf("limit of core files: %s", got)
	}
	os.Remove(filepath.Join(root, "etc/tor/torrc"))
	if got := strings.Join(h.check(sc.dir), "\n"); !strings.Contains(got, "cannot be read here") {
		t.Errorf("without a configuration of Tor: %s", got)
	}
}
