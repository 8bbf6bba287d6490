package identify

import (
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sightline/tool"
)

func TestParseTimes(t *testing.T) {
	// Order of decoding with a B-frame, a packet that an edit list drops, a trailing comma as ffprobe 5 writes for side data.
	got, err := parseTimes("0.040000,K_\n0.120000,__,\n0.080000,__\n-0.040000,_D\n")
	if err != nil || !slices.Equal(got, []float64{40, 80, 120}) {
		t.Errorf("%v %v", got, err)
	}
	for csv, want := range map[string]string{"": "no frame", "N/A,K_\n": "states no time", "0.1,K_\n0.1,__\n": "same time", "0.1,KD\n": "no frame", "1e30,K_\n": "states no time"} {
		if _, err := parseTimes(csv); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", csv, err, want)
		}
	}
}

func FuzzParseTimes(f *testing.F) {
	f.Add("0.040000,K_\n0.120000,__,\n")
	f.Add("N/A,K_\n")
	f.Fuzz(func(t *testing.T, csv string) {
		got, err := parseTimes(csv)
		if err == nil && (len(got) == 0 || !slices.IsSorted(got)) {
			t.Errorf("%q: %v", csv, got)
		}
	})
}

// TestFrameTable: a copy that keeps every frame up to rounding is exact
// whatever its offset, and one frame moved by more than the tolerance, lost or
// doubled is not.
func TestFrameTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(4, 200), 2, 60).Draw(t, "steps")
		shift := float64(rapid.IntRange(-500, 500).Draw(t, "shift"))
		var o, w []float64
		at := 0.0
		for _, s := range steps {
			o, w = append(o, at), append(w, at+shift)
			at += float64(s) + 1.0/3
		}
		for i := range w {
			w[i] = math.Round(w[i])
		}
		if g := frameTable(w, o); !g.Exact || g.Worst > FrameTolerance {
			t.Fatalf("rounded copy: %+v", g)
		}
		moved := slices.Clone(w)
		k := rapid.IntRange(1, len(w)-1).Draw(t, "k")
		moved[k] += 2.5
		if g := frameTable(moved, o); g.Exact {
			t.Fatalf("a moved frame passed: %+v", g)
		}
		if g := frameTable(slices.Delete(slices.Clone(w), k, k+1), o); g.Exact {
			t.Fatalf("a lost frame passed: %+v", g)
		}
		if g := frameTable(w, nil); g.Exact {
			t.Fatal("a table without the original's times cannot be exact")
		}
	})
}

// TestFramesOfVariableRate makes a video whose frames stand at uneven times
// and its working copy with the options of [Proxy]: every frame keeps its
// time, which it did not while the encoder counted in 1/rate.
func TestFramesOfVariableRate(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.mkv"), filepath.Join(dir, "out.mp4")
	// 30 frames, each 33 ms and up to 17 ms after the last.
	uneven := "settb=1/1000,setpts=N*33+mod(N*7\\,18)"
	if b, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=30:duration=1", "-vf", uneven, "-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-c:v", "ffv1", in).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	args := append(append([]string{"-v", "error", "-i", in}, proxyTiming...), "-c:v", "libx264", "-preset", "ultrafast", out)
	if b, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
		if strings.Contains(string(b), "Unknown encoder") {
			t.Skip("this ffmpeg has no H.264 encoder")
		}
		t.Fatalf("%v: %s", err, b)
	}
	box, err := tool.NewBox(t.Context(), t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	e := &Env{Box: box}
	m, err := e.frames(t.Context(), in, out, filepath.Join(dir, "frames.json"))
	if err != nil {
		t.Fatal(err)
	}
	if m.meta["exact"] != "true" || m.meta["frames"] != "30" {
		t.Errorf("%v", m.meta)
	}
	list, _, err := e.times(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	for n, at := range list {
		if want := float64(n*33 + n*7%18); math.Abs(at-list[0]-want) > FrameTolerance {
			t.Errorf("frame %s at %v ms, want %v", strconv.Itoa(n), at-list[0], want)
		}
	}
}
