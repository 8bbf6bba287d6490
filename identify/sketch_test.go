package identify

import (
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	xdraw "golang.org/x/image/draw"
	"pgregory.net/rapid"

	"sightline/alike"
	"sightline/tool"
)

// drawn is a picture of many corners, another for each seed.
func drawn(seed uint64, w, h int) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 1))
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for range 260 {
		x, y := r.IntN(w), r.IntN(h)
		c := color.RGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 255}
		draw.Draw(m, image.Rect(x, y, x+8+r.IntN(90), y+8+r.IntN(70)), image.NewUniform(c), image.Point{}, draw.Src)
	}
	return m
}

func written(t *testing.T, dir, name string, m image.Image, quality int) string {
	t.Helper()
	path := filepath.Join(dir, name)
	f, err := os.Create(path)
	if err == nil {
		err = jpeg.Encode(f, m, &jpeg.Options{Quality: quality})
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKeptSketches: a crop, a screen, a smaller copy and a mirrored one are
// found by the first look and named as such after their sketches were packed
// and read again; a picture of something else is not.
func TestKeptSketches(t *testing.T) {
	dir := t.TempDir()
	box, err := tool.NewBox(t.Context(), t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	e := &Env{Box: box}
	photo := drawn(7, 1000, 750)
	screen := image.NewRGBA(image.Rect(0, 0, 540, 960))
	draw.Draw(screen, screen.Bounds(), image.NewUniform(color.RGBA{240, 240, 240, 255}), image.Point{}, draw.Src)
	for y := 30; y < 240; y += 30 { // lines of a talk
		draw.Draw(screen, image.Rect(30, y, 200+y, y+12), image.NewUniform(color.RGBA{40, 60, 40, 255}), image.Point{}, draw.Src)
	}
	xdraw.CatmullRom.Scale(screen, image.Rect(20, 260, 520, 635), photo, photo.Bounds(), draw.Src, nil)
	small := image.NewRGBA(image.Rect(0, 0, 500, 375))
	xdraw.CatmullRom.Scale(small, small.Bounds(), photo, photo.Bounds(), draw.Src, nil)
	mirrored := image.NewRGBA(photo.Bounds())
	for y := range 750 {
		for x := range 1000 {
			mirrored.Set(999-x, y, photo.At(x, y))
		}
	}
	want := map[string]string{"crop": "crop", "screen": "screenshot", "small": "scale", "mirrored": "flip", "other": ""}
	pictures := map[string]image.Image{"crop": photo.SubImage(image.Rect(250, 150, 870, 620)), "screen": screen, "small": small, "mirrored": mirrored, "other": drawn(8, 1000, 750)}
	lib := NewLibrary()
	sketch := func(name string, m image.Image) *Sketch {
		s, err := Sketched(t.Context(), e, written(t, dir, name+".jpg", m, 80), "image/jpeg")
		if err != nil || s.Error != "" {
			t.Fatal(err, s)
		}
		b, err := s.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if s, err = UnpackSketch(b); err != nil {
			t.Fatal(err)
		}
		s.File = name
		return s
	}
	first := sketch("photo", photo)
	if near, _ := lib.Near(first, 0); len(near) != 0 {
		t.Errorf("an empty library names %v", near)
	}
	lib.Add(first)
	for _, name := range []string{"crop", "screen", "small", "mirrored", "other"} {
		s := sketch(name, pictures[name])
		near, _ := lib.Near(s, 0)
		if again, _ := lib.Near(s, 1); len(again) != 0 {
			t.Errorf("%s: who was asked before is named again: %v", name, again)
		}
		if want[name] != "" && !slices.Contains(near, "photo") {
			t.Errorf("%s: the first look names %v", name, near)
		}
		r := Relate(first, s)
		switch {
		case r == nil && want[name] != "":
			t.Errorf("%s: not related", name)
		case r != nil && r.Relation != want[name]:
			t.Errorf("%s: %s %v", name, r.Relation, r.Also)
		}
	}
}

// TestPackIsWhole: what is packed is read again, and no byte less is.
func TestPackIsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Sketch{SHA256: "ab", Size: 3, Type: "video/mp4", Seconds: 4.5, Width: 640, Height: 480}
		for i := range rapid.IntRange(0, 20).Draw(t, "frames") {
			f := alike.Frame{AtS: float64(i) * 0.125, Quality: i % 101}
			f.Hash[i] = byte(i)
			s.Frames = append(s.Frames, f)
		}
		s.Voice = rapid.SliceOfN(rapid.Uint32(), 0, 20).Draw(t, "voice")
		b, err := s.Pack()
		if err != nil {
			t.Fatal(err)
		}
		r, err := UnpackSketch(b)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(r.Frames, s.Frames) || !slices.Equal(r.Voice, s.Voice) || r.Seconds != s.Seconds || r.Width != s.Width {
			t.Fatalf("%+v", r)
		}
		if cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut"); cut < len(b) {
			if _, err := UnpackSketch(b[:cut]); err == nil {
				t.Fatalf("%d of %d bytes were taken for a sketch", cut, len(b))
			}
		}
	})
}

// TestExcerptByTheLibrary: a clip and a stretch of sound lead to the longer
// recording they are from.
func TestExcerptByTheLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	long := &Sketch{File: "long", SHA256: "1", Seconds: 60}
	for i := range 600 {
		f := alike.Frame{AtS: float64(i) / 10, Quality: 90}
		for k := range f.Hash {
			f.Hash[k] = byte(r.UintN(256))
		}
		long.Frames = append(long.Frames, f)
	}
	for range 2000 {
		long.Voice = append(long.Voice, r.Uint32()|1)
	}
	other := &Sketch{File: "other", SHA256: "2", Seconds: 20}
	for range 800 {
		other.Voice = append(other.Voice, r.Uint32()|1)
	}
	lib := NewLibrary()
	lib.Add(long)
	if near, _ := lib.Near(other, 0); len(near) != 0 {
		t.Errorf("unrelated: %v", near)
	}
	clip := &Sketch{File: "clip", SHA256: "3", Seconds: 5}
	for i := range 50 {
		f := long.Frames[200+i]
		f.AtS = float64(i) / 10
		f.Hash[i%32] ^= 0x11 // a re-encode moves a few bits
		clip.Frames = append(clip.Frames, f)
	}
	if near, _ := lib.Near(clip, 0); !slices.Equal(near, []string{"long"}) {
		t.Fatalf("clip: %v", near)
	}
	if x := Relate(long, clip); x == nil || x.Relation != "excerpt" || x.OffsetS == nil || *x.OffsetS < 19.8 || *x.OffsetS > 20.2 {
		t.Errorf("clip: %+v", x)
	}
	heard := &Sketch{File: "heard", SHA256: "4", Seconds: 10}
	for i := range 430 {
		w := long.Voice[700+i]
		if i%2 == 0 {
			w ^= 1 << (i % 32)
		}
		heard.Voice = append(heard.Voice, w)
	}
	if near, _ := lib.Near(heard, 0); !slices.Equal(near, []string{"long"}) {
		t.Fatalf("sound: %v", near)
	}
}

func FuzzUnpackSketch(f *testing.F) {
	s := &Sketch{SHA256: "ab", Frames: []alike.Frame{{AtS: 1}}, Voice: alike.Voice{1, 2}}
	b, err := s.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(SketchFormat + "\n\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := UnpackSketch(b); err == nil {
			if _, err := s.Pack(); err != nil {
				t.Errorf("what was read cannot be written: %v", err)
			}
		}
	})
}
