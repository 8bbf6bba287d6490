package tool

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func box(t *testing.T, k Sandbox) *Box {
	t.Helper()
	b, err := NewBox(t.Context(), t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case k == Bwrap && Available(t.Context()) != Bwrap:
		t.Skip("bubblewrap does not work here")
	case k == Landlock && !hasLandlock():
		t.Skip("Landlock does not work here")
	}
	return b.With(k)
}

// withProbe makes "probe" a program that the box may run: a shell.
func withProbe(t *testing.T) {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("needs a Linux shell")
	}
	found.Store("probe", &Program{Name: "probe", Path: sh, Version: "1"})
	t.Cleanup(func() { found.Delete("probe") })
}

// TestBoxKeepsIn asks a shell in the box for everything a hostile file would
// try: each line it manages to print is a hole.
func TestBoxKeepsIn(t *testing.T) {
	for _, k := range []Sandbox{Bwrap, Landlock} {
		t.Run(string(k), func(t *testing.T) {
			b := box(t, k)
			withProbe(t)
			secret := filepath.Join(t.TempDir(), "secret")
			lent := filepath.Join(t.TempDir(), "lent")
			os.WriteFile(secret, []byte("secret"), 0o644)
			os.WriteFile(lent, []byte("lent"), 0o644)
			dir := t.TempDir()
			script := `
				cat '` + lent + `'; echo
				(echo x > '` + lent + `') 2>/dev/null && echo HOLE wrote the lent file
				cat '` + secret + `' 2>/dev/null && echo HOLE read another file
				cat /etc/passwd >/dev/null 2>&1 && echo HOLE read passwd
				(echo x > /usr/x) 2>/dev/null && echo HOLE wrote the system
				[ -n "$SIGHTLINE_BOX$SECRET_OF_OURS" ] && echo HOLE saw our environment
				perl -MIO::Socket::INET -e 'exit(IO::Socket::INET->new(PeerAddr=>"127.0.0.1:22",Timeout=>1)||$!{ECONNREFUSED}&&0 ? 0 : 1)' 2>/dev/null && echo HOLE connected
				echo out > '` + dir + `/out' && echo wrote
				ulimit -v; ulimit -c`
			t.Setenv("SECRET_OF_OURS", "x")
			r, err := b.Run(t.Context(), Cmd{Program: "probe", Args: []string{"-c", script}, Read: []string{lent}, Dir: dir, Limits: Limits{Memory: 1 << 30}})
			if err != nil {
				t.Fatalf("%v\n%s", err, r.Stderr)
			}
			out := string(r.Stdout)
			if strings.Contains(out, "HOLE") || out != "lent\nwrote\n1048576\n0\n" {
				t.Errorf("the box let this out:\n%s", out)
			}
			if b, _ := os.ReadFile(filepath.Join(dir, "out")); string(b) != "out\n" {
				t.Errorf("the writable folder holds %q", b)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	for _, k := range []Sandbox{Bwrap, Landlock} {
		t.Run(string(k), func(t *testing.T) {
			b := box(t, k)
			withProbe(t)
			run := func(script string, l Limits) error {
				_, err := b.Run(t.Context(), Cmd{Program: "probe", Args: []string{"-c", script}, Dir: t.TempDir(), Limits: l})
				return err
			}
			if err := run("sleep 60", Limits{Wall: 300 * time.Millisecond}); !errors.Is(err, ErrTimeout) {
				t.Errorf("a program that sleeps: %v", err)
			}
			if err := run("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaa; done", Limits{Output: 10000}); !errors.Is(err, ErrOutput) {
				t.Errorf("a program that talks too much: %v", err)
			}
			if err := run("head -c 3000000 /dev/zero > big", Limits{File: 1 << 20}); err == nil {
				t.Error("a file above the limit was written")
			}
			if err := run("echo first >&2; echo why it failed >&2; exit 3", Limits{}); err == nil || !strings.HasSuffix(err.Error(), "why it failed") {
				t.Errorf("the last words are missing: %v", err)
			}
		})
	}
}

func TestRefusedWithoutSandbox(t *testing.T) {
	withProbe(t)
	b, _ := NewBox(t.Context(), t.TempDir(), false)
	if _, err := b.With(None).Run(t.Context(), Cmd{Program: "probe", Args: []string{"-c", "true"}}); !errors.Is(err, ErrNoSandbox) {
		t.Errorf("ran without a sandbox: %v", err)
	}
	b, _ = NewBox(t.Context(), t.TempDir(), true)
	if _, err := b.With(None).Run(t.Context(), Cmd{Program: "probe", Args: []string{"-c", "true"}}); err != nil {
		t.Errorf("--unsafe-no-sandbox: %v", err)
	}
}

func TestRecipeHasNoPathOfThisMachine(t *testing.T) {
	got := portable(Cmd{Args: []string{"-i", "file:/case/blobs/a", "/case/tmp/x/out.mp4"}, Read: []string{"/case/blobs/a"}, Dir: "/case/tmp/x"})
	if want := "-i file:IN OUT/out.mp4"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWordsHaveNoPathOfThisMachine(t *testing.T) {
	c := Cmd{Program: "ffmpeg", Read: []string{"/case/blobs/a"}, Dir: "/case/tmp/x"}
	for in, want := range map[string]string{
		"[mov,mp4 @ 0x55c2bc735c80] partial file\nError marking filters as finished\n": "partial file",
		"file:/case/blobs/a: Invalid data found\n":                                     "Invalid data found",
		"/case/tmp/x/out.mp4: No space left on device\n":                               "OUT/out.mp4: No space left on device",
	} {
		if got := c.words(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestProbeNamesWhatIsLost(t *testing.T) {
	for _, p := range Probe(context.Background()).Programs {
		if p.Lost["en"] == "" || p.Lost["es"] == "" {
			t.Errorf("%s: what is lost without it is not said in both languages", p.Name)
		}
		if p.Present && (p.Version == "" || len(p.SHA256) != 64) {
			t.Errorf("%s: version %q, digest %q", p.Name, p.Version, p.SHA256)
		}
	}
}

// TestPlaylistIsRefused feeds ffprobe a playlist under a video's name: it must
// not open the file that the playlist points to.
func TestPlaylistIsRefused(t *testing.T) {
	b := box(t, Bwrap)
	if _, err := Find("ffprobe"); err != nil {
		t.Skip(err)
	}
	f := filepath.Join(t.TempDir(), "clip.mp4")
	os.WriteFile(f, []byte("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1.0,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"), 0o644)
	if m, _, err := b.Probe(t.Context(), f); err == nil {
		t.Errorf("a playlist was opened as %s", m.Format.Name)
	}
}

func TestExifTool(t *testing.T) {
	for _, k := range []Sandbox{Bwrap, Landlock} {
		t.Run(string(k), func(t *testing.T) {
			b := box(t, k)
			e, err := NewExifTool(b, 1)
			if err != nil {
				t.Skip(err)
			}
			defer e.Close()
			gif := filepath.Join(t.TempDir(), "name with\nnewline.gif")
			os.WriteFile(gif, []byte("GIF89a\x05\x00\x07\x00\x00\x00\x00;"), 0o644)
			for range 3 {
				tags, r, err := e.Read(t.Context(), gif)
				if err != nil {
					t.Fatal(err)
				}
				if string(tags["GIF:ImageWidth"]) != "5" || string(tags["GIF:ImageHeight"]) != "7" {
					t.Errorf("tags %s", tags)
				}
				if r.Program.Version == "" {
					t.Error("no version")
				}
			}
			if _, _, err := e.Read(t.Context(), filepath.Join(t.TempDir(), "none")); err == nil {
				t.Error("a missing file was read")
			}
			if _, _, err := e.Read(t.Context(), gif); err != nil {
				t.Errorf("after a failure: %v", err)
			}
		})
	}
}

func TestLastLine(t *testing.T) {
	if got := lastLine("a\n\x1b[31mred\x1b[0m\r\n \n"); got != "[31mred[0m" {
		t.Errorf("got %q", got)
	}
	var b bytes.Buffer
	for range 3 {
		tl := &tail{max: 4}
		tl.Write([]byte("abcdef"))
		b.WriteString(tl.String())
	}
	if b.String() != "cdefcdefcdef" {
		t.Errorf("tail kept %q", b.String())
	}
}

// The box runs a copy of this binary as its worker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		meant, err := ProbeWorker(os.Args[2:], os.Stdout)
		if !meant {
			_, err = Bomb(os.Args[2:])
		}
		if err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestProve: what the doctor tries is held by both sandboxes, and the trials
// can fail: without a sandbox they do.
func TestProve(t *testing.T) {
	for _, k := range []Sandbox{Bwrap, Landlock} {
		t.Run(string(k), func(t *testing.T) {
			list, err := box(t, k).Prove(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range list {
				if !x.Held && !(k == Landlock && x.Name == "processes") {
					t.Errorf("%s was not held (%s)", x.Name, x.Detail)
				}
				if x.What["en"] == "" || x.What["es"] == "" {
					t.Errorf("%s is not said in both languages", x.Name)
				}
			}
		})
	}
	open, _ := NewBox(t.Context(), t.TempDir(), true)
	list, err := open.With(None).Prove(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]bool{}
	for _, x := range list {
		held[x.Name] = x.Held
	}
	if held["connect"] || held["read-other"] || held["write-lent"] {
		t.Errorf("without a sandbox the trials say %v", held)
	}
}
