package redact

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sightline"
	"sightline/identify"
	"sightline/tool"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		if _, err := Worker(os.Args[2:], os.Stdout); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func box(t *testing.T, programs ...string) *Env {
	t.Helper()
	for _, p := range programs {
		if _, err := tool.Find(p); err != nil {
			t.Skip(err)
		}
	}
	b, err := tool.NewBox(context.Background(), t.TempDir(), true)
	if err != nil {
		t.Fatal(err)
	}
	return &Env{Box: b}
}

// Every point of a region is covered, whatever its shape, and nothing beyond
// a block around the region is.
func TestCoverHoldsTheRegion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 300).Draw(t, "w"), rapid.IntRange(1, 300).Draw(t, "h")
		n := rapid.IntRange(3, 7).Draw(t, "n")
		var pts [][2]float64
		x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
		for range n {
			p := [2]float64{rapid.Float64Range(-0.3, 1.3).Draw(t, "x"), rapid.Float64Range(-0.3, 1.3).Draw(t, "y")}
			x0, x1, y0, y1 = min(x0, p[0]), max(x1, p[0]), min(y0, p[1]), max(y1, p[1])
			pts = append(pts, p)
		}
		m := newMask(w, h)
		m.Add(pts, 0)
		px := make([][2]float64, n)
		for i, p := range pts {
			px[i] = [2]float64{p[0] * float64(w), p[1] * float64(h)}
		}
		for y := range h {
			for x := range w {
				in := inside(px, float64(x)+0.5, float64(y)+0.5)
				if in && !m.Covers(x, y) {
					t.Fatalf("the pixel %d, %d lies in the region and is not covered", x, y)
				}
				far := float64(x) < x0*float64(w)-block-1 || float64(x) > x1*float64(w)+block+1 || float64(y) < y0*float64(h)-block-1 || float64(y) > y1*float64(h)+block+1
				if far && m.Covers(x, y) {
					t.Fatalf("the pixel %d, %d lies beyond the region and is covered", x, y)
				}
			}
		}
	})
}

// noise is a picture in which nothing is flat.
func noise(w, h int, seed uint64) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 7))
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{uint8(r.IntN(256)), uint8(x * 255 / w), uint8(y * 255 / h), 255})
		}
	}
	return img
}

// Two originals that differ only under the cover give the same bytes: what was
// covered has left no trace.
func TestNothingOfACoveredPictureIsLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(40, 260).Draw(t, "w"), rapid.IntRange(40, 200).Draw(t, "h")
		if rapid.IntRange(0, 60).Draw(t, "large") == 7 {
			w, h = 1650+w/8, 150+h // made smaller for the preview
		}
		quality := rapid.IntRange(30, 100).Draw(t, "quality")
		lossless := rapid.Bool().Draw(t, "png")
		x, y := rapid.Float64Range(0, 0.8).Draw(t, "x"), rapid.Float64Range(0, 0.8).Draw(t, "y")
		bw, bh := rapid.Float64Range(0.01, 0.2).Draw(t, "bw"), rapid.Float64Range(0.01, 0.2).Draw(t, "bh")
		r := sightline.Redaction{ID: "R1", Kind: "region", Shape: "rect", Keys: []sightline.RedactionKey{{Points: [][2]float64{{x, y}, {x + bw, y + bh}}}}}
		dir, err := os.MkdirTemp("", "redact")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		var out [2][2][]byte
		for k := range 2 {
			img := noise(w, h, 1)
			other := noise(w, h, uint64(2+k))
			for py := int(y * float64(h)); py < min(h, int(math.Ceil((y+bh)*float64(h)))); py++ {
				for px := int(x * float64(w)); px < min(w, int(math.Ceil((x+bw)*float64(w)))); px++ {
					img.SetRGBA(px, py, other.RGBAAt(px, py))
				}
			}
			in := filepath.Join(dir, fmt.Sprint("in", k))
			var buf bytes.Buffer
			if lossless {
				err = png.Encode(&buf, img)
			} else {
				err = jpeg.Encode(&buf, img, &jpeg.Options{Quality: quality})
			}
			if err != nil {
				t.Fatal(err)
			}
			os.WriteFile(in, buf.Bytes(), 0o600)
			if err := identify.Worker([]string{"picture", in, dir, "1"}, io.Discard); err != nil {
				t.Fatal(err)
			}
			pw, ph, err := imageSize(filepath.Join(dir, "preview.jpg"))
			if err != nil {
				t.Fatal(err)
			}
			scale := min(1, float64(max(pw, ph))/float64(max(w, h)))
			os.Rename(filepath.Join(dir, "preview.jpg"), in)
			if _, err := paintPicture(in, dir, plan{Regions: [][][2]float64{r.At(0)}, Margin: 2 + block*scale}); err != nil {
				t.Fatal(err)
			}
			for n, name := range []string{"preview.jpg", "thumb.jpg"} {
				if out[k][n], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for n := range 2 {
			if !bytes.Equal(out[0][n], out[1][n]) {
				t.Fatalf("copy %d of two originals that differ only under the cover differs", n)
			}
		}
	})
}

// The picture goes through the box as it does in a case.
func TestPictureInTheBox(t *testing.T) {
	e := box(t)
	dir := t.TempDir()
	in := filepath.Join(dir, "in.jpg")
	f, err := os.Create(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(f, noise(640, 480, 1), nil); err != nil {
		t.Fatal(err)
	}
	f.Close()
	it := &sightline.Item{ID: "T-001", Type: "image/jpeg", Width: 640, Height: 480, Redactions: []sightline.Redaction{
		{ID: "R1", Kind: "region", Shape: "polygon", Keys: []sightline.RedactionKey{{Points: [][2]float64{{0.1, 0.1}, {0.4, 0.2}, {0.2, 0.5}}}}}}}
	list, err := e.picture(context.Background(), it, in, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[1].width != 640 || list[1].recipe.Tool != tool.Self {
		t.Fatalf("%+v", list)
	}
	b, err := os.ReadFile(list[1].path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("Exif")) || bytes.Contains(b, []byte("in.jpg")) {
		t.Error("the copy carries metadata")
	}
	it.Redactions[0] = sightline.Redaction{ID: "R2", Kind: "voice"}
	if _, err := e.picture(context.Background(), it, in, t.TempDir()); err == nil {
		t.Error("a voice was redacted in a picture")
	}
}

func TestCheckFindsAPixelThatIsNotCovered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jpg")
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	img.SetRGBA(20, 20, color.RGBA{200, 200, 200, 255})
	if err := writeJPEG(path, img); err != nil {
		t.Fatal(err)
	}
	m := newMask(64, 64)
	m.Add([][2]float64{{0.3, 0.3}, {0.4, 0.3}, {0.4, 0.4}}, 0)
	if err := checkPicture(path, m); err == nil {
		t.Error("a light pixel under the cover was not found")
	}
}

// clip writes a lossless video of noise with a tone; the frames stand at
// uneven times. Under the moving square, and in the sound from 400 to 700 ms,
// what there is depends on secret alone.
func clip(t *testing.T, e *Env, path string, secret uint64, r *sightline.Redaction) []float64 {
	t.Helper()
	const w, h, n = 160, 128, 24
	var raw bytes.Buffer
	rw := &rawWriter{w: &raw, wide: w, high: h, step: 40000}
	var shown []float64
	for i := range n {
		at := float64(i*40 + i%3*7)
		shown = append(shown, at)
		pix := make([]byte, w*h*3/2)
		public, hidden := rand.New(rand.NewPCG(uint64(i), 1)), rand.New(rand.NewPCG(uint64(i), secret))
		for k := range pix {
			pix[k] = uint8(60 + public.IntN(120))
		}
		m := newMask(w, h)
		m.Add(r.At(at), 0)
		m.runs(func(y, x0, x1 int) {
			for x := x0; x < x1; x++ {
				pix[y*w+x] = uint8(60 + hidden.IntN(120))
			}
		})
		if err := rw.frame(int64(at*1000), pix); err != nil {
			t.Fatal(err)
		}
	}
	var pcm bytes.Buffer
	hidden := rand.New(rand.NewPCG(9, secret))
	for k := range soundRate {
		v := int16(8000 * math.Sin(float64(k)*0.05))
		if ms := k * 1000 / soundRate; ms >= 400 && ms < 700 {
			v = int16(hidden.IntN(20000) - 10000)
		}
		binary.Write(&pcm, binary.LittleEndian, [2]int16{v, v})
	}
	dir := filepath.Dir(path)
	os.WriteFile(filepath.Join(dir, "raw.mkv"), raw.Bytes(), 0o600)
	os.WriteFile(filepath.Join(dir, "raw.pcm"), pcm.Bytes(), 0o600)
	_, err := e.Box.Run(context.Background(), tool.Cmd{Program: "ffmpeg", Dir: dir, Args: []string{"-hide_banner", "-nostdin", "-loglevel", "error", "-y", "-i", filepath.Join(dir, "raw.mkv"),
		"-f", "s16le", "-ar", "48000", "-ac", "2", "-i", filepath.Join(dir, "raw.pcm"), "-map", "0:v", "-map", "1:a", "-c:v", "ffv1", "-c:a", "pcm_s16le", "-fps_mode", "vfr", "-metadata", "title=canary-title", path}})
	if err != nil {
		t.Fatal(err)
	}
	return shown
}

func moving() []sightline.Redaction {
	from, to := int64(400), int64(700)
	return []sightline.Redaction{
		{ID: "R1", Kind: "region", Shape: "rect", Keys: []sightline.RedactionKey{{AtMS: 0, Points: [][2]float64{{0.1, 0.1}, {0.3, 0.3}}}, {AtMS: 900, Points: [][2]float64{{0.6, 0.5}, {0.8, 0.8}}}}},
		{ID: "R2", Kind: "range", FromMS: &from, ToMS: &to, Say: sightline.Text{"en": "A name --> <b>said</b>", "es": "Un nombre"}},
	}
}

// The same for video and sound: two originals that differ only under a moving
// cover, and in the sound that is replaced, give the same bytes.
func TestNothingOfACoveredVideoIsLeft(t *testing.T) {
	e := box(t, "ffmpeg", "ffprobe")
	ctx := context.Background()
	rs := moving()
	out := map[string][2][]byte{}
	for k := range 2 {
		dir := t.TempDir()
		in := filepath.Join(dir, "in.mkv")
		clip(t, e, in, uint64(100+k), &rs[0])
		if k == 0 {
			// A copy that is not covered is refused by the check.
			shown, err := e.times(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.checkVideo(ctx, in, 1, shown, func(n int) float64 { return shown[n] + 40 }, regionsOf(rs)); err == nil || !strings.Contains(err.Error(), "not covered") {
				t.Fatalf("the check of a plain copy: %v", err)
			}
			if err := e.checkSound(ctx, in, 1, rs); err == nil {
				t.Fatal("the sound of a plain copy passes the check")
			}
		}
		list, err := e.video(ctx, in, dir, rs, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			b, err := os.ReadFile(m.path)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(b, []byte("canary")) || bytes.Contains(b, []byte("Lavf")) {
				t.Errorf("%s carries metadata", m.role)
			}
			pair := out[m.role]
			pair[k] = b
			out[m.role] = pair
			t.Log(m.role, len(b), m.meta)
		}
	}
	if len(out) != 4 {
		t.Fatalf("copies: %d", len(out))
	}
	for role, pair := range out {
		if !bytes.Equal(pair[0], pair[1]) {
			t.Errorf("the %s of two originals that differ only under the cover differs", role)
		}
	}
}

func TestVoiceAndTone(t *testing.T) {
	e := box(t, "ffmpeg", "ffprobe")
	ctx := context.Background()
	dir := t.TempDir()
	in := filepath.Join(dir, "in.mkv")
	rs := moving()
	clip(t, e, in, 3, &rs[0])
	sound := filepath.Join(dir, "sound.wav")
	if _, err := e.Box.Run(ctx, tool.Cmd{Program: "ffmpeg", Dir: dir, Args: []string{"-loglevel", "error", "-i", in, "-vn", sound}}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.audio(ctx, in, t.TempDir(), []sightline.Redaction{{ID: "V", Kind: "voice"}}); err == nil {
		t.Error("a video without a working copy was taken for a recording")
	}
	from, to := int64(200), int64(800)
	for _, rs := range [][]sightline.Redaction{{{ID: "V", Kind: "voice"}}, {{ID: "T", Kind: "range", Fill: "tone", FromMS: &from, ToMS: &to}}} {
		list, err := e.audio(ctx, sound, t.TempDir(), rs)
		if err != nil {
			t.Fatal(rs[0].ID, err)
		}
		if len(list) != 2 || list[1].typ != "audio/mp4" {
			t.Fatalf("%+v", list)
		}
	}
}

func TestCaptions(t *testing.T) {
	dir := t.TempDir()
	list, err := captions(dir, moving(), 1)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	b, err := os.ReadFile(list[0].path)
	if err != nil {
		t.Fatal(err)
	}
	want := "WEBVTT\n\n00:00:00.400 --> 00:00:00.700\nA name --&gt; &lt;b&gt;said&lt;/b&gt;\n"
	if string(b) != want {
		t.Errorf("%q, want %q", b, want)
	}
}
