package identify

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sightline/alike"
	"sightline/tool"
)

func mediaFixture(t testing.TB, name string) string {
	p, err := filepath.Abs(filepath.Join("..", "..", "shared", "fixtures", "media", filepath.FromSlash(name)))
	if err == nil {
		_, err = os.Stat(p)
	}
	if err != nil {
		t.Skip("the fixtures are not here")
	}
	return p
}

func bytesOf(t testing.TB, name string) []byte {
	b, err := os.ReadFile(mediaFixture(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTelemetry compares tracks with the manifest: counts, first position,
// first time.
func TestTelemetry(t *testing.T) {
	// The manifest names the last position of the first payload; the aircraft moved a metre or two before.
	f, device, damage := gpmfTrack(bytesOf(t, "gopro/karma.mp4"))
	if len(f) == 0 || math.Abs(f[0].Lat-33.1253807) > 2e-5 || math.Abs(f[0].Lon+117.3310746) > 2e-5 || damage != "" {
		t.Errorf("Karma: %d fixes, %v, device %q, %q", len(f), f[:min(1, len(f))], device, damage)
	}
	f, device, _ = gpmf(bytesOf(t, "gopro/hero5.raw"), 0, 1)
	if len(f) != 18 || device != "Camera" || f[0].Time == "" {
		t.Errorf("Hero 5: %d fixes of %q", len(f), device)
	}
	for name, want := range map[string]int{"mavic_pro.SRT": 468, "air2s.srt": 17, "matrice_300.srt": 381, "mavic_air2.srt": 25, "mavic_mini.SRT": 117, "mix_p4rtk_mavic2pro.srt": 12, "old_format.SRT": 468, "p4_rtk.SRT": 55, "p4p_sample.SRT": 5} {
		if f, _ := djiTrack(string(bytesOf(t, "drone/"+name))); len(f) != want {
			t.Errorf("%s: %d positions, want %d", name, len(f), want)
		}
	}
	// Old models write longitude first, the Matrice latitude first.
	f, _ = djiTrack(string(bytesOf(t, "drone/mavic_pro.SRT")))
	if f[0].Lat != -20.2533 || f[0].Lon != 149.0251 || f[0].Time != "2017-08-05T14:11:51" {
		t.Errorf("Mavic Pro: %+v", f[0])
	}
	f, _ = djiTrack(string(bytesOf(t, "drone/matrice_300.srt")))
	if f[0].Lat != 36.6146 || f[0].Lon != -6.1120 {
		t.Errorf("Matrice: %+v", f[0])
	}
	f, _ = djiTrack(string(bytesOf(t, "drone/mavic_2_style.SRT")))
	if len(f) < 100 || f[0].Lat != -20.2533 {
		t.Errorf("without media times: %d positions", len(f))
	}
}

// TestHEIFPlan reads the layout of real files and refuses a short one.
func TestHEIFPlan(t *testing.T) {
	p, stream, err := readHEIF(bytesOf(t, "photos/tika-image/IMG_1034.heic"))
	if err != nil || p.Width != 4032 || p.Height != 3024 || p.Cols != 8 || p.Rows != 6 || p.Codec != "hevc" || !bytes.HasPrefix(stream, []byte{0, 0, 0, 1}) {
		t.Errorf("%v %+v", err, p)
	}
	if p, _, err := readHEIF(bytesOf(t, "heic/IMG_8062.HEIC")); err != nil || p.Turn != 3 {
		t.Errorf("turned: %v %+v", err, p)
	}
	if _, _, err := readHEIF(bytesOf(t, "heic/river-truncated.heic")); err == nil || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("a short file: %v", err)
	}
}

func picture(w, h int, shift int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := uint8(128 + 90*math.Sin(float64((x+shift)*7)/float64(w)*3)*math.Cos(float64(y*(5+shift))/float64(h)*2))
			if (x*8/w+y*6/h+shift)%3 == 0 {
				v /= 3
			}
			img.Set(x, y, color.RGBA{v, v, v, 255})
		}
	}
	return img
}

// TestJPEGParts: tables of libjpeg are known, a thumbnail of another picture is
// told, a video behind the picture is found by its bytes.
func TestJPEGParts(t *testing.T) {
	var buf bytes.Buffer
	jpeg.Encode(&buf, picture(320, 240, 0), &jpeg.Options{Quality: 73})
	p := readJPEG(buf.Bytes())
	if p.Damage != "" || p.End != buf.Len() || libjpegQuality(p.Tables[0]) != 73 {
		t.Errorf("quality %d, end %d of %d, %q", libjpegQuality(p.Tables[0]), p.End, buf.Len(), p.Damage)
	}
	g := alike.FromImage(picture(320, 240, 0))
	if d := thumbDistance(g, alike.FromImage(picture(160, 120, 0))); d < 0 || d > 40 {
		t.Errorf("its own thumbnail is %d bits away", d)
	}
	if d := thumbDistance(g, alike.FromImage(picture(160, 120, 4))); d >= 0 && d <= 60 {
		t.Errorf("another picture's thumbnail is %d bits away", d)
	}
	video := "\x00\x00\x00\x14ftypisom\x00\x00\x00\x00isom" + "\x00\x00\x00\x10moov12345678" + "\x00\x00\x00\x0cmdatabcd"
	whole := append(append([]byte{}, buf.Bytes()...), video+"trailer of the phone"...)
	e, ok := motionVideo(whole, p.End)
	if !ok || e.Offset != int64(p.End) || e.Size != int64(len(video)) || e.Type != "video/mp4" {
		t.Errorf("%v %+v", ok, e)
	}
	if _, ok := motionVideo(append(append([]byte{}, buf.Bytes()...), "xxxxftypisom and nothing else"...), p.End); ok {
		t.Error("a word was taken for a video")
	}
	if r := readJPEG(buf.Bytes()[:buf.Len()/2]); r.Damage == "" {
		t.Error("half a picture is called whole")
	}
}

func TestStamps(t *testing.T) {
	for in, want := range map[[3]string]string{
		{"2018:04:12 15:21:28", "", "905"}:       "2018-04-12T15:21:28.905 -",
		{"2018:04:12 15:21:28", "+02:00", ""}:    "2018-04-12T15:21:28 +02:00",
		{"2018:04:12 22:21:26.99Z", "", ""}:      "2018-04-12T22:21:26.99 UTC",
		{"2018:04:12 22:21:26-0430", "", ""}:     "2018-04-12T22:21:26 -04:30",
		{"2018:04:12", "", "12"}:                 "2018-04-12 -",
		{"0000:00:00 00:00:00", "", ""}:          "",
		{"2018:13:12 15:21:28", "", ""}:          "",
		{"2018:04:12 15:21:28", "nonsense", "x"}: "2018-04-12T15:21:28 -",
	} {
		s, ok := stamp(in[0], in[1], in[2])
		got := ""
		if ok {
			got = s.Value + " -"
			if s.Zone != nil {
				got = s.Value + " " + *s.Zone
			}
		}
		if got != want {
			t.Errorf("%v: %q, want %q", in, got, want)
		}
	}
}

// TestDescribeAgainstExiftool describes a choice of the fixtures in the box
// and compares positions, directions, orientations and times with the stored
// answers of exiftool.
func TestDescribeAgainstExiftool(t *testing.T) {
	b := bytesOf(t, "expected/exiftool.json")
	var list []map[string]any
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	box, err := tool.NewBox(t.Context(), t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	e := &Env{Box: box}
	if p, err := tool.NewExifTool(box, 1); err == nil {
		e.Exif = p
		defer p.Close()
	} else {
		t.Skip("exiftool is not here")
	}
	equal, seen := 0, 0
	for i, want := range list {
		name, _ := want["SourceFile"].(string)
		if !strings.HasPrefix(name, "photos/") || !strings.HasSuffix(strings.ToLower(name), ".jpg") || i%19 != 0 {
			continue
		}
		seen++
		d, err := Describe(t.Context(), e, mediaFixture(t, name), "image/jpeg", "photo")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		lat, ok1 := want["Composite:GPSLatitude"].(float64)
		lon, ok2 := want["Composite:GPSLongitude"].(float64)
		if ok1 && ok2 && math.Abs(lat) <= 90 && math.Abs(lon) <= 180 {
			if d.GPS == nil || math.Abs(d.GPS.Lat-lat) > 1e-6 || math.Abs(d.GPS.Lon-lon) > 1e-6 {
				t.Errorf("%s: %+v, exiftool says %v %v", name, d.GPS, lat, lon)
			}
			equal++
		}
		if dir, ok := want["GPS:GPSImgDirection"].(float64); ok && d.GPS != nil {
			if d.GPS.Direction == nil || math.Abs(*d.GPS.Direction-dir) > 1e-3 {
				t.Errorf("%s: direction %v, exiftool says %v", name, d.GPS.Direction, dir)
			}
			equal++
		}
		if o, ok := want["IFD0:Orientation"].(float64); ok && o >= 1 && o <= 8 {
			if d.Orientation == nil || float64(*d.Orientation) != o {
				t.Errorf("%s: orientation %v, exiftool says %v", name, d.Orientation, o)
			}
			equal++
		}
		if at, ok := want["ExifIFD:DateTimeOriginal"].(string); ok {
			if s, ok := stamp(at, "", ""); ok {
				found := false
				for _, x := range d.Times {
					found = found || x.Meaning == "exposure" && strings.HasPrefix(x.Value, s.Value)
				}
				if !found {
					t.Errorf("%s: no time of exposure %s in %+v", name, s.Value, d.Times)
				}
				equal++
			}
		}
	}
	if equal == 0 {
		t.Errorf("nothing was compared in %d files", seen)
	}
	t.Logf("%d values of %d files equal", equal, seen)
}

// TestRelations sketches published edits and others, and names what differs.
func TestRelations(t *testing.T) {
	box, err := tool.NewBox(t.Context(), t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	e := &Env{Box: box}
	sk := map[string]*Sketch{}
	get := func(name string) *Sketch {
		if sk[name] == nil {
			s, err := Sketched(t.Context(), e, mediaFixture(t, "neardup/"+name), "image/jpeg")
			if err != nil {
				t.Fatal(err)
			}
			sk[name] = s
		}
		return sk[name]
	}
	const first = "bridge-mods/aaa-orig.jpg"
	for name, want := range map[string]string{
		"dih/bridge-1-original.jpg": "same bytes", "dih/bridge-6-flipy.jpg": "flip",
		"bridge-mods/shrink-a-lot.jpg": "scale", "bridge-mods/letterboxed_sample-b.jpg": "letterbox",
	} {
		if r := Relate(get(first), get(name)); r == nil || r.Relation != want {
			t.Errorf("%s: %+v, want %s", name, r, want)
		}
	}
	for _, name := range []string{"negatives/q0122.jpg", "negatives/small.jpg"} {
		if r := Relate(get(first), get(name)); r != nil {
			t.Errorf("%s is taken for the bridge: %+v", name, r)
		}
	}
	rel := []Relation{*Relate(get(first), get("dih/bridge-6-flipy.jpg"))}
	c := Clusters([]*Sketch{get(first), get("negatives/q0122.jpg"), get("dih/bridge-6-flipy.jpg")}, rel)
	if len(c) != 1 || len(c[0].Files) != 2 {
		t.Errorf("%+v", c)
	}
}

// FuzzParts: our readers of bytes beside the picture never fail.
func FuzzParts(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00MM\x00*\x00\x00\x00\x08"))
	f.Add([]byte("DEVC\x00\x01\x00\x10STRM\x00\x01\x00\x08GPS5l\x14\x00\x01"))
	f.Add([]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic\x00\x00\x00\x0cmeta\x00\x00\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x08moov\x00\x00\x00\x08trak"))
	f.Add([]byte("1\n00:00:01,000 --> 00:00:02,000\nGPS(1.0,2.0,3)\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p := readJPEG(b)
		motionVideo(b, p.End)
		gpmf(b, 0, 1)
		gpmfTrack(b)
		djiTrack(string(b))
		if plan, _, err := readHEIF(b); err == nil && plan.Width*plan.Height > maxPixels {
			t.Errorf("%d by %d pixels were let through", plan.Width, plan.Height)
		}
	})
}
