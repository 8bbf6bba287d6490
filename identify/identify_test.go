package identify

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"image"
	"image/color"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sightline"
	"sightline/tool"
)

// The box runs a copy of this binary as its worker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		if err := Worker(os.Args[2:], os.Stdout); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestTurn checks the eight orientations on a 3 by 2 picture, written out as
// TIFF 6.0 defines them: where row 0 and column 0 of the stored picture are.
func TestTurn(t *testing.T) {
	src := image.NewRGBA(image.Rect(0, 0, 3, 2))
	for i := range 6 {
		src.Set(i%3, i/3, color.RGBA{uint8(i + 1), 0, 0, 255})
	}
	want := map[int]string{
		1: "123/456", 2: "321/654", 3: "654/321", 4: "456/123", 5: "14/25/36", 6: "41/52/63", 7: "63/52/41", 8: "36/25/14",
	}
	for o, w := range want {
		got := turn(src, o)
		var rows []string
		for y := range got.Rect.Dy() {
			row := ""
			for x := range got.Rect.Dx() {
				row += string(rune('0' + got.RGBAAt(x, y).R))
			}
			rows = append(rows, row)
		}
		if s := strings.Join(rows, "/"); s != w {
			t.Errorf("orientation %d: %s, want %s", o, s, w)
		}
	}
}

// TestOrientationFixtures turns the eight phones' pictures of one scene: all
// must look the same afterwards.
func TestOrientationFixtures(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "fixtures", "media", "photos", "ianare-orientation")
	for _, shape := range []string{"landscape", "portrait"} {
		var first *image.RGBA
		for o := 2; o <= 8; o++ { // number 1 of the portraits is another exposure
			in := filepath.Join(root, shape+"_"+string(rune('0'+o))+".jpg")
			if _, err := os.Stat(in); err != nil {
				t.Skip("the fixtures are not here")
			}
			dir := t.TempDir()
			tags, err := readTags(in, "image/jpeg")
			if err != nil {
				t.Fatal(err)
			}
			stored := ""
			for _, tg := range tags.Tags {
				if tg.Name == "EXIF:Orientation" {
					stored = tg.Value
				}
			}
			if stored != string(rune('0'+o)) {
				t.Fatalf("%s: orientation read as %q", in, stored)
			}
			if _, err := drawPicture(in, dir, o); err != nil {
				t.Fatal(err)
			}
			f, _ := os.Open(filepath.Join(dir, "thumb.jpg"))
			img, _, err := image.Decode(f)
			f.Close()
			if err != nil {
				t.Fatal(err)
			}
			got := shrink(img, ThumbSide)
			if first == nil {
				first = got
				continue
			}
			if got.Rect != first.Rect {
				t.Errorf("%s %d: size %v, want %v", shape, o, got.Rect, first.Rect)
				continue
			}
			var sum float64
			for i := range got.Pix {
				sum += math.Abs(float64(got.Pix[i]) - float64(first.Pix[i]))
			}
			if mean := sum / float64(len(got.Pix)); mean > 12 {
				t.Errorf("%s %d: differs from the upright picture by %.1f of 255 on average", shape, o, mean)
			}
		}
	}
}

func TestHugeHeaderIsRefused(t *testing.T) {
	// A GIF header alone that claims 65535 by 65535 pixels.
	if _, _, err := decode(bytes.NewReader([]byte("GIF89a\xff\xff\xff\xff\x00\x00\x00;"))); err == nil || !strings.Contains(err.Error(), "65535 by 65535") {
		t.Errorf("got %v", err)
	}
}

func TestShrinkKeepsShape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 300).Draw(t, "w"), rapid.IntRange(1, 300).Draw(t, "h")
		side := rapid.IntRange(1, 200).Draw(t, "side")
		got := shrink(image.NewGray(image.Rect(0, 0, w, h)), side).Rect
		if got.Dx() > max(side, 1) && w > side || got.Dy() > side && h > side || got.Dx() < 1 || got.Dy() < 1 || got.Dx() > w || got.Dy() > h {
			t.Fatalf("%dx%d within %d became %v", w, h, side, got)
		}
	})
}

func TestPeaks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.SliceOfN(rapid.Int16(), 1, 2000).Draw(t, "samples")
		var raw []byte
		for _, s := range samples {
			raw = binary.LittleEndian.AppendUint16(raw, uint16(s))
		}
		p := &peaks{}
		for len(raw) > 0 { // in pieces of any length, odd ones too
			n := min(rapid.IntRange(1, 700).Draw(t, "piece"), len(raw))
			p.Write(raw[:n])
			raw = raw[n:]
		}
		dat := p.dat()
		if v := binary.LittleEndian.Uint32(dat); v != 2 {
			t.Fatalf("version %d", v)
		}
		pairs := int(binary.LittleEndian.Uint32(dat[16:]))
		if want := (len(samples) + peakSamples - 1) / peakSamples; pairs != want || len(dat) != 24+4*pairs {
			t.Fatalf("%d pairs in %d bytes, want %d", pairs, len(dat), want)
		}
		for i := range pairs {
			part := samples[i*peakSamples : min(len(samples), (i+1)*peakSamples)]
			lo, hi := part[0], part[0]
			for _, s := range part {
				lo, hi = min(lo, s), max(hi, s)
			}
			if int16(binary.LittleEndian.Uint16(dat[24+4*i:])) != lo || int16(binary.LittleEndian.Uint16(dat[26+4*i:])) != hi {
				t.Fatalf("pair %d", i)
			}
		}
	})
}

func interpret(name string, tags ...string) *sightline.Item {
	it := &sightline.Item{Name: name}
	r := newReading(it, "America/Caracas", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	for i := 0; i < len(tags); i += 2 {
		r.add("test", tags[i], tags[i+1])
	}
	r.apply(it)
	return it
}

func TestTimesAreHypotheses(t *testing.T) {
	it := interpret("x.jpg", "EXIF:DateTimeOriginal", "2018:01:15 09:07:00", "EXIF:OffsetTimeOriginal", "-04:00")
	if len(it.Times) != 1 || it.Times[0].Min.Time().Format(time.RFC3339) != "2018-01-15T13:07:00Z" || it.Times[0].Status != "claimed" || it.Axes.Time.Status != "claimed" {
		t.Errorf("with an offset: %+v", it.Times)
	}
	it = interpret("x.jpg", "EXIF:DateTimeOriginal", "2018:01:15 09:07:00", "EXIF:GPSDateStamp", "2018:01:15", "EXIF:GPSTimeStamp", "13/1 6/1 30/1")
	if len(it.Times) != 2 || it.Times[0].Min.Time().Format(time.RFC3339) != "2018-01-15T13:06:30Z" || !strings.Contains(it.Times[1].Basis["en"], "no zone stated") {
		t.Errorf("a satellite's time comes before a clock without a zone: %+v", it.Times)
	}
	it = interpret("clip.mp4", "Format:creation_time", "2018-01-15T13:07:00.000000Z")
	if len(it.Times) != 2 || it.Times[0].Min.Time().Format(time.RFC3339) != "2018-01-15T13:07:00Z" || it.Times[1].Min.Time().Format(time.RFC3339) != "2018-01-15T17:07:00Z" {
		t.Errorf("QuickTime is UTC or local: %+v", it.Times)
	}
	it = interpret("clip.mov", "Format:com.apple.quicktime.creationdate", "2018-01-15T09:07:00-0400")
	if len(it.Times) != 1 || it.Times[0].Min.Time().Format(time.RFC3339) != "2018-01-15T13:07:00Z" {
		t.Errorf("Apple's date: %+v", it.Times)
	}
	if it = interpret("IMG-20180115-WA0003.jpg"); len(it.Times) == 0 || !strings.Contains(it.Times[0].Basis["en"], "rename") {
		t.Errorf("a messenger's file name: %+v", it.Times)
	}
}

func TestDoubt(t *testing.T) {
	doubtOf := func(it *sightline.Item, field string) string {
		for _, f := range it.Facts {
			if f.Field == field {
				return f.Doubt
			}
		}
		t.Errorf("%s was dropped", field)
		return ""
	}
	for v, word := range map[string]string{"2099:08:01 12:00:00": "future", "2216:01:01 00:00:00": "future", "1980:01:01 00:00:00": "before", "2000:01:01 00:00:10": "reset", "0000:00:00 00:00:00": "no time"} {
		it := interpret("x.jpg", "EXIF:DateTimeOriginal", v)
		if d := doubtOf(it, "EXIF:DateTimeOriginal"); !strings.Contains(d, word) || len(it.Times) != 0 {
			t.Errorf("%s: doubt %q, times %v", v, d, it.Times)
		}
	}
	it := interpret("x.jpg", "EXIF:GPSLatitude", "0", "EXIF:GPSLongitude", "0")
	if d := doubtOf(it, "EXIF:GPSLatitude"); !strings.Contains(d, "0, 0") || len(it.Places) != 0 {
		t.Errorf("0, 0: doubt %q, places %v", d, it.Places)
	}
	it = interpret("x.jpg", "EXIF:GPSLatitude", "91", "EXIF:GPSLongitude", "0")
	if doubtOf(it, "EXIF:GPSLatitude") == "" || len(it.Places) != 0 {
		t.Error("latitude 91 was taken")
	}
	it = interpret("x.jpg", "EXIF:DateTimeOriginal", "2018:01:15 09:07:00", "EXIF:Software", "Adobe Photoshop CC 2018")
	if doubtOf(it, "EXIF:Software") == "" {
		t.Error("an editor raises no doubt")
	}
	it = interpret("x.jpg", "EXIF:DateTimeOriginal", "2018:01:15 09:07:00", "EXIF:GPSDateStamp", "2017:12:01", "EXIF:GPSTimeStamp", "13:06:30")
	if doubtOf(it, "EXIF:GPSDateStamp") == "" {
		t.Error("an old fix raises no doubt")
	}
}

func TestPlaceStatesItsDatum(t *testing.T) {
	it := interpret("x.jpg", "EXIF:GPSLatitude", "10.4633", "EXIF:GPSLatitudeRef", "N", "EXIF:GPSLongitude", "67.0794", "EXIF:GPSLongitudeRef", "W",
		"EXIF:GPSAltitude", "1950/1", "EXIF:GPSHPositioningError", "10")
	if len(it.Places) != 1 {
		t.Fatal("no place")
	}
	p := it.Places[0]
	if p.Geo.Lat != 10.4633 || p.Geo.Lon != -67.0794 || *p.Geo.H != 1950 || p.Geo.Datum != "unknown" || p.RadiusM != 16.2 || p.Status != "claimed" || p.Role != "camera" {
		t.Errorf("%+v %+v", p, p.Geo)
	}
	it = interpret("x.mov", "Format:com.apple.quicktime.location.ISO6709", "+10.4633-067.0794+1950.5/")
	if len(it.Places) != 1 || it.Places[0].Geo.Lon != -67.0794 || *it.Places[0].Geo.H != 1950.5 {
		t.Errorf("ISO 6709: %+v", it.Places)
	}
}

func TestPeopleAreNotOverwritten(t *testing.T) {
	it := &sightline.Item{Times: []sightline.Time{{Printed: "ours"}}, Places: []sightline.Place{{Role: "area"}}, Facts: []sightline.Fact{{Field: "File:Extension"}, {Field: "EXIF:Make"}}}
	r := newReading(it, "UTC", time.Now())
	r.add("test", "EXIF:DateTimeOriginal", "2018:01:15 09:07:00")
	r.add("test", "EXIF:GPSLatitude", "1")
	r.add("test", "EXIF:GPSLongitude", "1")
	r.apply(it)
	if len(it.Times) != 1 || it.Times[0].Printed != "ours" || it.Places[0].Role != "area" || len(it.Facts) != 4 || it.Facts[0].Field != "File:Extension" {
		t.Errorf("%+v", it)
	}
}

// TestAgainstExiftool compares times and positions of the photos with the
// stored answers of exiftool.
func TestAgainstExiftool(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "fixtures", "media")
	b, err := os.ReadFile(filepath.Join(root, "expected", "exiftool.json"))
	if err != nil {
		t.Skip("the fixtures are not here")
	}
	var list []map[string]any
	if err := json.Unmarshal(b, &list); err != nil {
		t.Skip("the stored answers have another shape")
	}
	compared := 0
	for _, want := range list {
		name, _ := want["SourceFile"].(string)
		if !strings.HasPrefix(name, "photos/") || !strings.HasSuffix(strings.ToLower(name), ".jpg") {
			continue
		}
		rep, err := readTags(filepath.Join(root, name), "image/jpeg")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		it := &sightline.Item{Name: name}
		r := newReading(it, "UTC", time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC))
		for _, tg := range rep.Tags {
			r.add("imagemeta", tg.Name, tg.Value)
		}
		lat, ok1 := want["Composite:GPSLatitude"].(float64)
		lon, ok2 := want["Composite:GPSLongitude"].(float64)
		if ok1 && ok2 && (lat != 0 || lon != 0) && math.Abs(lat) <= 90 && math.Abs(lon) <= 180 {
			p := r.place()
			if p == nil {
				t.Errorf("%s: no position, exiftool says %v %v", name, lat, lon)
			} else if math.Abs(p.Geo.Lat-lat) > 1e-6 || math.Abs(p.Geo.Lon-lon) > 1e-6 {
				t.Errorf("%s: %v %v, exiftool says %v %v", name, p.Geo.Lat, p.Geo.Lon, lat, lon)
			}
			compared++
		}
		if d, ok := want["ExifIFD:DateTimeOriginal"].(string); ok && !strings.HasPrefix(d, "0000") && strings.TrimSpace(d) != "" {
			if got := r.get("DateTimeOriginal"); got != d {
				t.Errorf("%s: DateTimeOriginal %q, exiftool says %q", name, got, d)
			}
			compared++
		}
	}
	if compared == 0 {
		t.Skip("nothing to compare in the stored answers")
	}
	t.Logf("%d values equal", compared)
}

// TestHostilePictures decodes every picture of the fixtures: an answer or a
// sentence, never a crash.
func TestHostilePictures(t *testing.T) {
	root := filepath.Join("..", "..", "shared", "fixtures", "hostile")
	if _, err := os.Stat(root); err != nil {
		t.Skip("the fixtures are not here")
	}
	shown := 0
	filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for _, typ := range []string{"image/jpeg", "image/png", "image/tiff", "image/webp", "image/heic"} {
			readTags(p, typ)
		}
		if _, err := drawPicture(p, t.TempDir(), 6); err == nil {
			shown++
		} else if strings.Contains(p, "pngsuite") && strings.HasSuffix(p, ".png") {
			t.Errorf("%s must decode: %v", p, err)
		}
		return nil
	})
	if shown < 30 {
		t.Errorf("only %d pictures were shown", shown)
	}
}

func TestWorkerInTheBox(t *testing.T) {
	b, err := tool.NewBox(t.Context(), t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	in := filepath.Join(t.TempDir(), "in")
	var gif bytes.Buffer
	gif.WriteString("GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")
	os.WriteFile(in, gif.Bytes(), 0o644)
	for _, k := range []tool.Sandbox{b.Sandbox(), tool.None} {
		dir := t.TempDir()
		var rep pictureReport
		e := &Env{Box: b.With(k)}
		if _, err := e.own(t.Context(), &rep, tool.Cmd{Args: []string{"picture", in, dir, "1"}, Read: []string{in}, Dir: dir}); err != nil {
			t.Fatalf("%s: %v", k, err)
		}
		if rep.Width != 1 || !exists(filepath.Join(dir, "thumb.jpg")) {
			t.Errorf("%s: %+v", k, rep)
		}
		os.WriteFile(in+"bad", []byte("no picture"), 0o644)
		_, err := e.own(t.Context(), &rep, tool.Cmd{Args: []string{"picture", in + "bad", dir, "1"}, Read: []string{in + "bad"}, Dir: dir})
		if err == nil || err.Error() != "the picture is of a kind that cannot be shown" {
			t.Errorf("%s: %v", k, err)
		}
	}
}

func FuzzTags(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00MM\x00*\x00\x00\x00\x08"), uint8(0))
	f.Fuzz(func(t *testing.T, b []byte, which uint8) {
		types := sorted(metaFormats)
		in := filepath.Join(t.TempDir(), "f")
		os.WriteFile(in, b, 0o600)
		if r, err := readTags(in, types[int(which)%len(types)]); err == nil && r == nil {
			t.Error("no answer")
		}
	})
}
