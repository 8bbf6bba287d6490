package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sightline"
)

// A photo and a video go from a folder to an edition with a part of each
// covered: the edition holds the covered copies only.
func TestRedactionThroughTheRoad(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	img := image.NewRGBA(image.Rect(0, 0, 320, 240))
	for i := range img.Pix {
		img.Pix[i] = uint8(100 + r.IntN(156))
	}
	photo := filepath.Join(dir, "uploader-name.jpg")
	f, err := os.Create(photo)
	if err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(f, img, nil); err != nil {
		t.Fatal(err)
	}
	f.Close()
	files := []string{photo}
	if _, err := exec.LookPath("ffmpeg"); err == nil {
		video := filepath.Join(dir, "uploader-name.mp4")
		if out, err := exec.Command("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25:duration=1", "-f", "lavfi", "-i", "sine=frequency=700:duration=1", "-pix_fmt", "yuv420p", "-metadata", "title=uploader-name", video).CombinedOutput(); err != nil {
			t.Skipf("no video can be made: %s", out)
		}
		files = append(files, video)
	}
	home := filepath.Join(dir, "case")
	for _, args := range [][]string{
		{"new", home, "--title", "EXERCISE", "--prefix", "RX", "--zone", "America/Caracas", "--lang", "en", "--date", "2019-05-10"},
		append([]string{"add", "--case", home, "--reason", "exercise"}, files...),
		{"work", "--case", home, "--until-idle"},
	} {
		if status, out, errs := sceneRun(args...); status != 0 {
			t.Fatalf("%v: %s%s", args, out, errs)
		}
	}
	c, err := openCase(ctx, home)
	if err != nil {
		t.Fatal(err)
	}
	en := func(s string) sightline.Text { return sightline.Text{"en": s} }
	from, to := int64(300), int64(600)
	_, err = c.Store.Update(ctx, c.Actor, func(w sightline.Writer) error {
		k, err := sightline.All[sightline.Case](w, sightline.KindCase)
		if err != nil {
			return err
		}
		k[0].Exercise, k[0].Summary, k[0].Limits, k[0].Method, k[0].Unverified = true, en("Nothing [RX-001]."), en("context: All."), en("context: By hand."), en("Nobody reviewed noise.")
		if err := w.Put(k[0]); err != nil {
			return err
		}
		items, err := sightline.All[sightline.Item](w, sightline.KindItem)
		if err != nil {
			return err
		}
		for _, it := range items {
			it.Title, it.Seen, it.Alt = en("Noise"), en("Noise."), en("Noise")
			it.Source.Name = en("A program")
			it.Rights = sightline.Rights{Licence: "CC0-1.0", Consent: "not_needed"}
			it.Public = sightline.Public{Decision: "publish", Media: "publish", Faces: "redacted"}
			it.Redactions = []sightline.Redaction{{ID: "R1", Kind: "region", Shape: "rect", Reason: en("A face"), Keys: []sightline.RedactionKey{{Points: [][2]float64{{0.2, 0.2}, {0.5, 0.6}}}}}}
			if it.Media == "photo" {
				it.Public.Hash = "commit"
			}
			if it.Media == "video" {
				it.Redactions[0].Keys = append(it.Redactions[0].Keys, sightline.RedactionKey{AtMS: 900, Points: [][2]float64{{0.4, 0.2}, {0.7, 0.6}}})
				it.Redactions = append(it.Redactions, sightline.Redaction{ID: "R2", Kind: "range", FromMS: &from, ToMS: &to, Say: en("A name")})
			}
			if err := w.Put(it); err != nil {
				return err
			}
		}
		w.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if status, out, _ := sceneRun("publish", "--case", home, "--dry"); status != 1 || strings.Count(out, "are newer than its copies") != len(files) {
		t.Fatalf("published before the redactions were made: %s", out)
	}
	if status, out, errs := sceneRun("work", "--case", home, "--until-idle"); status != 0 {
		t.Fatalf("%s%s", out, errs)
	}
	if status, out, errs := sceneRun("publish", "--case", home); status != 0 {
		t.Fatalf("%s%s", out, errs)
	}
	edition := filepath.Join(home, "editions", "v1")
	b, err := os.ReadFile(filepath.Join(edition, "m", "RX-001-preview.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for y := 48; y < 144; y++ {
		for x := 64; x < 160; x++ {
			if c := color.GrayModel.Convert(got.At(x, y)).(color.Gray); c.Y > 3 {
				t.Fatalf("pixel %d, %d of the published picture is %d", x, y, c.Y)
			}
		}
	}
	if c := color.GrayModel.Convert(got.At(300, 220)).(color.Gray); c.Y < 60 {
		t.Error("the rest of the picture is gone")
	}
	// Nothing else of the items is in the edition: neither their bytes and
	// digests, nor those of the plain copies, nor their names.
	c, err = openCase(ctx, home)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	doc, err := loadDocument(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	forbidden := map[string]string{"uploader-name": "the name of a file"}
	for _, it := range doc.Items {
		forbidden[it.SHA256] = it.ID
	}
	plain, covered := 0, 0
	for _, d := range doc.Derivatives {
		if _, ok := d.Redacted(); ok {
			covered++
		} else {
			plain++
			forbidden[d.SHA256] = d.ID
		}
	}
	if plain < 2 || covered < 2 {
		t.Fatalf("%d plain and %d covered copies", plain, covered)
	}
	err = filepath.WalkDir(edition, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		for s, what := range forbidden {
			if strings.Contains(string(b), s) || strings.Contains(p, s) {
				t.Errorf("%s tells %s (%s)", p, what, s)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, out, errs := sceneRun("check", edition, "--recompute"); status != 0 {
		t.Errorf("check: %s%s", out, errs)
	}
	if status, out, errs := sceneRun("check", home, "--rebuild"); status != 0 {
		t.Errorf("check of the case: %s%s", out, errs)
	}
	status, out, errs := sceneRun("export", "reveal", "RX-001", "--case", home)
	var open struct{ Commitment, Salt, Value string }
	if err := json.Unmarshal([]byte(out), &open); status != 0 || err != nil || open.Value != doc.Items[0].SHA256 || len(open.Salt) != 64 || !holds(t, filepath.Join(edition, "data", "document.json"), open.Commitment) {
		t.Errorf("reveal: %s%s %v", out, errs, err)
	}
	if len(files) > 1 {
		if status, _, errs := sceneRun("export", "reveal", "RX-002", "--case", home); status != 2 || !strings.Contains(errs, "no commitment") {
			t.Errorf("reveal of an item without a commitment: %d %s", status, errs)
		}
	}
	if status, out, errs := sceneRun("export", "custody", "RX-001", "--case", home); status != 0 || !strings.Contains(out, "A redacted copy was made.") {
		t.Errorf("custody: %s%s", out, errs)
	}
}
