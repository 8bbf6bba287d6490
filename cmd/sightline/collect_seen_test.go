package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/draw"

	"sightline"
	"sightline/identify"
)

// TestSeenBefore: the jobs find a screen that shows a photo, and leave a picture
// of something else alone; the look that a person asks for finds the same with
// and without their sketches, and a second one changes nothing.
func TestSeenBefore(t *testing.T) {
	dir := t.TempDir()
	scene := func(seed uint64) *image.RGBA {
		r := rand.New(rand.NewPCG(seed, 1))
		m := image.NewRGBA(image.Rect(0, 0, 640, 480))
		for range 260 {
			x, y, w, h := r.IntN(640), r.IntN(480), 8+r.IntN(90), 8+r.IntN(70)
			c := color.RGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 255}
			draw.Draw(m, image.Rect(x, y, x+w, y+h), image.NewUniform(c), image.Point{}, draw.Src)
		}
		return m
	}
	photo, other := scene(7), scene(8)
	screen := image.NewRGBA(image.Rect(0, 0, 540, 960))
	draw.Draw(screen, screen.Bounds(), image.NewUniform(color.RGBA{240, 240, 240, 255}), image.Point{}, draw.Src)
	draw.CatmullRom.Scale(screen, image.Rect(20, 260, 520, 635), photo, photo.Bounds(), draw.Src, nil)
	in := filepath.Join(dir, "in")
	if err := os.Mkdir(in, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]image.Image{"a_photo.png": photo, "b_screen.png": screen, "c_other.png": other} {
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(in, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := filepath.Join(dir, "case")
	var out bytes.Buffer
	e := &env{t.Context(), strings.NewReader(""), &out, &out}
	if run(e, []string{"new", c, "--title", "S", "--prefix", "SB", "--zone", "UTC", "--lang", "en"}) != 0 || run(e, []string{"add", "--case", c, "--reason", "t", in}) != 0 {
		t.Fatal(out.String())
	}
	f, err := openCase(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var heads []int64
	for round := range 4 {
		if round == 2 {
			if run(e, []string{"work", "--case", c, "--until-idle"}) != 0 {
				t.Fatal(out.String())
			}
			doc, err := loadDocument(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			var likes []identify.Relation
			for _, d := range doc.Derivatives {
				if d.Role == identify.SketchRole {
					likes = append(likes, identify.Likes(d)...)
				}
			}
			if len(likes) != 1 || likes[0].A != "SB-001" || likes[0].B != "SB-002" || likes[0].By != "corners" && likes[0].By != "picture" {
				t.Errorf("the jobs found %+v", likes)
			}
		}
		rep, err := seenBefore(t.Context(), f, f.Actor)
		if err != nil {
			t.Fatal(err)
		}
		if rep.Compared != 3 || rep.Found != 1 || len(rep.Failed) != 0 {
			t.Errorf("%+v", rep)
		}
		doc, err := loadDocument(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, doc.Head.Size)
		alike := func(it *sightline.Item) (list []string) {
			for _, x := range it.Facts {
				if strings.HasPrefix(x.Field, "Alike:") {
					list = append(list, x.Field)
				}
			}
			return list
		}
		if a, b, o := alike(doc.Items[0]), alike(doc.Items[1]), alike(doc.Items[2]); len(a) != 0 || len(b) != 1 || b[0] != "Alike:SB-001" || len(o) != 0 {
			t.Errorf("%v %v %v", a, b, o)
		}
	}
	if heads[0] != heads[1] || heads[2] != heads[3] {
		t.Error("looking again wrote the same again")
	}
}
