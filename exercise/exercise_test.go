package exercise

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sightline/scene"
	"sightline/sun"
	"sightline/tool"
	"sightline/when"
	"sightline/where"
)

// made is one small exercise, shared by the tests. Short runs leave the video
// out.
var made = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "exercise")
	if err != nil {
		return "", err
	}
	_, err = Generate(context.Background(), Options{Seed: 3, Dir: dir, NoVideo: testing.Short()})
	return dir, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := made(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

func small(t *testing.T) (string, *Truth) {
	t.Helper()
	dir, err := made()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "truth", "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := ReadTruth(b)
	if err != nil {
		t.Fatal(err)
	}
	return dir, tr
}

func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		out[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSameSeedSameBytes(t *testing.T) {
	dir, _ := small(t)
	again := t.TempDir()
	if _, err := Generate(context.Background(), Options{Seed: 3, Dir: again, Workers: 1, NoVideo: testing.Short()}); err != nil {
		t.Fatal(err)
	}
	a, b := tree(t, dir), tree(t, again)
	if len(a) != len(b) || len(a) < 12 {
		t.Fatalf("%d and %d files", len(a), len(b))
	}
	for n := range a {
		if a[n] != b[n] {
			t.Errorf("%s differs between two runs of one seed", n)
		}
	}
	if _, err := Generate(context.Background(), Options{Seed: 3, Dir: again}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a folder that holds something was taken: %v", err)
	}
}

// place is what the investigators' spec builds.
func place(t *testing.T, dir string) *scene.Document {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "case", "scene.json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := scene.ParseSpec(b)
	if err != nil {
		t.Fatal(err)
	}
	r, err := scene.Build(s, dir)
	if err != nil {
		t.Fatal(err)
	}
	return r.Document
}

func TestTruthOfImages(t *testing.T) {
	dir, tr := small(t)
	doc := place(t, dir)
	if doc.ID != tr.FrameID {
		t.Fatal("the case's scene has another frame than the truth")
	}
	at := map[string][3]float64{}
	for _, o := range doc.Objects {
		for _, p := range o.Points {
			at[p.ID] = p.At
		}
	}
	if len(tr.Images) < 8 {
		t.Fatalf("%d images", len(tr.Images))
	}
	eye := sun.Place{Lat: where.Degrees(tr.Origin.Lat), Lon: where.Degrees(tr.Origin.Lon), Height: where.Metres(tr.Origin.H)}
	kinds := map[string]int{}
	tips := 0
	for _, im := range tr.Images {
		kinds[im.CopyKind]++
		if len(im.Ground) > 0 {
			kinds["above"]++
			im.Stored = 1
		}
		f, err := os.Open(filepath.Join(dir, "case", "media", im.File))
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := image.DecodeConfig(f)
		f.Close()
		if err != nil {
			t.Fatalf("%s: %v", im.File, err)
		}
		w, h := im.Camera.Width, im.Camera.Height
		if im.Stored == 6 {
			w, h = h, w
		}
		if c.Width != w || c.Height != h {
			t.Errorf("%s is %dx%d, the truth's camera %dx%d", im.File, c.Width, c.Height, w, h)
		}
		seen := 0
		for _, p := range im.Points {
			px, err := im.Camera.Sight().Project(at[p.ID])
			if err != nil || math.Hypot(px[0]-p.Px[0], px[1]-p.Px[1]) > 1e-6 {
				t.Errorf("%s: %s projects to %v, the truth says %v (%v)", im.File, p.ID, px, p.Px, err)
			}
			if p.Visible {
				seen++
			}
		}
		if im.CopyOf == "" && seen < minPoints && len(im.Ground) == 0 {
			t.Errorf("%s shows %d points", im.File, seen)
		}
		if im.CopyOf == "" && im.CopyKind != "" {
			t.Errorf("%s is a copy of nothing", im.File)
		}
		s := sun.At(when.Instant(im.TimeMS), eye, sun.StandardAir(eye.Height))
		v := s.Vector()
		for _, sh := range im.Shadows {
			n, miss := 0.0, 0.0
			for i := range 3 {
				n += (sh.Top[i] - sh.Tip[i]) * (sh.Top[i] - sh.Tip[i])
			}
			for i := range 3 {
				miss = max(miss, math.Abs((sh.Top[i]-sh.Tip[i])/math.Sqrt(n)-v[i]))
			}
			// A road lies 6 cm above the ground.
			if u, ok := doc.Ground(sh.Tip[0], sh.Tip[1]); !ok || sh.Tip[2]-u > 0.12 || sh.Tip[2]-u < -0.005 || miss > 1e-9 {
				t.Errorf("%s: the shadow of %s is off: %v, ground %v, tip %v", im.File, sh.Of, miss, u, sh.Tip)
			}
			if sh.TipPx != nil {
				tips++
			}
		}
	}
	if kinds["crop"] != 1 || kinds["reencode"] != 1 || kinds["screenshot"] != 1 || tips == 0 {
		t.Errorf("copies %v, %d shadow tips in sight", kinds, tips)
	}
}

// Copies show the pixels of their originals where the truth puts them.
func TestCopiesShowTheirOriginal(t *testing.T) {
	dir, tr := small(t)
	load := func(im Image) image.Image {
		f, err := os.Open(filepath.Join(dir, "case", "media", im.File))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		m, _, err := image.Decode(f)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	grey := func(m image.Image, x, y int) float64 {
		r, g, b, _ := m.At(x, y).RGBA()
		return float64(r+g+b) / 3 / 257
	}
	for _, im := range tr.Images {
		if im.CopyOf == "" {
			continue
		}
		var from Image
		for _, o := range tr.Images {
			if o.Item == im.CopyOf {
				from = o
			}
		}
		a, b := load(from), load(im)
		sum, n := 0.0, 0
		for y := im.Camera.Height / 5; y < im.Camera.Height; y += 7 {
			for x := 0; x < im.Camera.Width; x += 7 {
				u, v := (float64(x)-im.Shift[0])/im.Scale, (float64(y)-im.Shift[1])/im.Scale
				if u < 2 || v < 0.12*float64(from.Camera.Height) || u > float64(from.Camera.Width-3) || v > float64(from.Camera.Height-3) {
					continue
				}
				sx, sy := int(u), int(v)
				if from.Stored == 6 { // as stored, turned a quarter counter-clockwise
					sx, sy = int(v), from.Camera.Width-1-int(u)
				}
				sum += math.Abs(grey(a, sx, sy) - grey(b, x, y))
				n++
			}
		}
		if n < 100 || sum/float64(n) > 14 {
			t.Errorf("%s (%s of %s) differs by %.1f grey levels over %d pixels", im.File, im.CopyKind, from.File, sum/float64(n), n)
		}
	}
}

// pcm reads a WAV of ours.
func pcm(t *testing.T, path string) (rate int, x []float64) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(b[:4]) != "RIFF" || int(binary.LittleEndian.Uint32(b[4:])) != len(b)-8 {
		t.Fatalf("%s is no RIFF of its length", path)
	}
	rate = int(binary.LittleEndian.Uint32(b[24:]))
	i := bytes.Index(b, []byte("data"))
	for i += 8; i+1 < len(b); i += 2 {
		x = append(x, float64(int16(binary.LittleEndian.Uint16(b[i:])))/32768)
	}
	return rate, x
}

func TestShotsArriveAtTheSpeedOfSound(t *testing.T) {
	dir, tr := small(t)
	source := map[string]Sonic{}
	for _, s := range tr.Sources {
		source[s.ID] = s
	}
	if want := 331.3 * math.Sqrt(1+tr.AirC/273.15); math.Abs(tr.SoundC-want) > 1e-9 {
		t.Errorf("speed of sound %v", tr.SoundC)
	}
	heard := 0
	for _, s := range tr.Sounds {
		rate, x := pcm(t, filepath.Join(dir, "case", "media", s.File))
		if rate != s.Rate || len(x) != s.Samples {
			t.Fatalf("%s: %d samples at %d", s.File, len(x), rate)
		}
		for _, a := range s.Arrivals {
			src := source[a.Source]
			want := (src.TimeMS-s.StartMS)/1000 + distance(src.Position, s.Position)/tr.SoundC
			if math.Abs(want-a.At) > 1e-9 {
				t.Errorf("%s %s: the truth says %v, the distance %v", s.File, a.Source, a.At, want)
			}
			if src.Kind != "shot" {
				continue
			}
			// The onset, found in the samples by the shape of the blast.
			best, at := 0.0, 0.0
			for n := int(want*float64(rate)) - rate/500; n < int(want*float64(rate))+rate/500; n++ {
				sum := 0.0
				for k := range rate / 300 {
					sum += x[n+k] * blast(float64(k)*1000/float64(rate))
				}
				if sum > best {
					best, at = sum, float64(n)/float64(rate)
				}
			}
			if math.Abs(at-want) > 1.5/float64(rate) {
				t.Errorf("%s %s: heard at %.6f s, distance/c gives %.6f s", s.File, a.Source, at, want)
			}
			heard++
		}
	}
	if heard < 10 {
		t.Errorf("only %d shots heard", heard)
	}
}

// What stands in case must not give the answers away.
func TestCaseHoldsNoTruth(t *testing.T) {
	dir, tr := small(t)
	secrets := map[string]string{"truth": "the word"}
	number := func(what string, v float64) {
		for _, f := range []string{"%.2f", "%.4f"} {
			if s := fmt.Sprintf(f, math.Abs(v)); len(s) >= 6 { // shorter ones occur by chance
				secrets[s] = what
			}
		}
	}
	for _, im := range tr.Images {
		number(im.File+" east", im.Camera.Position[0])
		number(im.File+" north", im.Camera.Position[1])
		secrets[fmt.Sprint(im.TimeMS)] = im.File + " time"
	}
	for _, s := range tr.Sounds {
		secrets[fmt.Sprint(int64(s.StartMS))] = s.File + " time"
	}
	for _, d := range tr.Devices {
		if s := fmt.Sprint(d.OffsetMS); len(s) > 5 {
			secrets[s] = "offset of " + d.ID
		}
	}
	secrets[fmt.Sprint(tr.Official.FirstShot)] = "first shot"
	for name, b := range tree(t, filepath.Join(dir, "case")) {
		for s, what := range secrets {
			if len(s) > 4 && strings.HasPrefix(name, "media/") && len(s) < 9 {
				continue // short strings occur in compressed bytes by chance
			}
			if strings.Contains(b, s) {
				t.Errorf("case/%s holds %q: %s", name, s, what)
			}
		}
		if !strings.Contains(b, "EXERCISE") {
			t.Errorf("case/%s does not say that it is an exercise", name)
		}
	}
	if tr.Official.SaysMS-tr.Official.FirstShot < 30*when.Minute {
		t.Error("the false official time is too close to the truth")
	}
}

// A video's frames and sound are where the truth puts them. AAC is lossy, so
// the onset is looser than in the recordings.
func TestVideosOfTheExercise(t *testing.T) {
	if testing.Short() {
		t.Skip("short runs make no video")
	}
	dir, tr := small(t)
	ffmpeg, err := tool.Find("ffmpeg")
	if err != nil {
		if len(tr.Videos) != 0 || len(tr.Left) == 0 {
			t.Errorf("without ffmpeg: %d videos, said %q", len(tr.Videos), tr.Left)
		}
		t.Skip("ffmpeg is not here")
	}
	if len(tr.Videos) != 4 || len(tr.Left) != 0 {
		t.Fatalf("%d videos, left out %q", len(tr.Videos), tr.Left)
	}
	motions, shots := map[string]int{}, 0
	for _, v := range tr.Videos {
		motions[v.Motion+v.CopyKind]++
		shots += checkVideo(t, ffmpeg.Path, dir, v)
	}
	for _, want := range []string{onStand, turning, walking, walking + "excerpt"} {
		if motions[want] != 1 {
			t.Errorf("%d videos %s", motions[want], want)
		}
	}
	if shots < 6 {
		t.Errorf("the videos hold %d shots", shots)
	}
}

// checkVideo compares a file with the truth and counts its shots.
func checkVideo(t *testing.T, ffmpeg, dir string, v Video) (shots int) {
	t.Helper()
	in, out := filepath.Join(dir, "case", "media", v.File), filepath.Join(t.TempDir(), "sound.wav")
	if b, err := exec.Command(ffmpeg, "-v", "error", "-i", in, "-vn", "-ac", "1", "-c:a", "pcm_s16le", "-fflags", "+bitexact", out).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", v.File, err, b)
	}
	frames, err := exec.Command(ffmpeg, "-v", "error", "-i", in, "-f", "rawvideo", "-pix_fmt", "gray", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	c := v.At(0)
	n := len(frames) / (c.Width * c.Height)
	if len(frames) != n*c.Width*c.Height || v.Motion != onStand && n != len(v.Cameras) || v.Motion == onStand && len(v.Cameras) != 1 {
		t.Errorf("%s: %d frames of %dx%d, %d cameras", v.File, n, c.Width, c.Height, len(v.Cameras))
	}
	if want := (n + int(v.FPS) - 1) / int(v.FPS); len(v.Keys) != want {
		t.Errorf("%s: %d noted frames of %d", v.File, len(v.Keys), want)
	}
	for _, k := range v.Keys {
		seen := 0
		for _, p := range k.Points {
			if px, err := v.At(k.Frame).Sight().Project(p.At); err != nil || math.Hypot(px[0]-p.Px[0], px[1]-p.Px[1]) > 1e-6 {
				t.Errorf("%s frame %d: %s projects to %v, the truth says %v", v.File, k.Frame, p.ID, px, p.Px)
			}
			if p.Visible {
				seen++
			}
		}
		if k.Frame == 0 && seen < 6 && v.CopyOf == "" {
			t.Errorf("the first frame of %s shows %d points", v.File, seen)
		}
	}
	rate, x := pcm(t, out)
	for _, a := range v.Arrivals {
		if !strings.HasPrefix(a.Source, "shot") || a.At > float64(n)/v.FPS-0.1 || a.At < 0.1 {
			continue
		}
		shots++
		best, at := 0.0, 0.0
		for n := int((a.At - 0.02) * float64(rate)); n < int((a.At+0.02)*float64(rate)); n++ {
			sum := 0.0
			for k := range rate / 300 {
				sum += x[n+k] * blast(float64(k)*1000/float64(rate))
			}
			if sum > best {
				best, at = sum, float64(n)/float64(rate)
			}
		}
		if math.Abs(at-a.At) > 0.0005 {
			t.Errorf("%s: %s is heard at %.4f s, the truth says %.4f s", v.File, a.Source, at, a.At)
		}
	}
	return shots
}
