package exercise

import (
	"bytes"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bep/imagemeta"

	"sightline/when"
	"sightline/where"
)

// read takes the tags with a parser that is not ours.
func read(t *testing.T, b []byte) map[string]any {
	t.Helper()
	out := map[string]any{}
	_, err := imagemeta.Decode(imagemeta.Options{R: bytes.NewReader(b), ImageFormat: imagemeta.JPEG, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(imagemeta.TagInfo) bool { return true },
		HandleTag:       func(i imagemeta.TagInfo) error { out[i.Tag] = i.Value; return nil },
		Warnf:           func(f string, a ...any) { t.Errorf(f, a...) }})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEXIFOfTheExercise(t *testing.T) {
	dir, tr := small(t)
	devices := map[string]Device{}
	for _, d := range tr.Devices {
		devices[d.ID] = d
	}
	frame := where.NewFrame(where.Geodetic{Lat: where.Degrees(tr.Origin.Lat), Lon: where.Degrees(tr.Origin.Lon), H: where.Metres(tr.Origin.H)})
	with, without, gps, turned := 0, 0, 0, 0
	for _, im := range tr.Images {
		if !strings.HasSuffix(im.File, ".jpg") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, "case", "media", im.File))
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, b)
		if !im.EXIF {
			without++
			if len(got) != 0 {
				t.Errorf("%s should be stripped and has %v", im.File, got)
			}
			continue
		}
		with++
		d := devices[im.Device]
		// What the device wrote, less the error of its clock, is the truth.
		wall, err := time.ParseInLocation("2006:01:02 15:04:05", fmt.Sprint(got["DateTimeOriginal"]), time.FixedZone("", -4*3600))
		if err != nil {
			t.Fatalf("%s: %v", im.File, err)
		}
		if miss := int64(when.FromTime(wall)) - d.OffsetMS - im.TimeMS; miss > 0 || miss <= -1000 {
			t.Errorf("%s: the clock less its error is %d ms from the truth", im.File, miss)
		}
		if got["Make"] != d.Make || got["Model"] != d.Model || fmt.Sprint(got["FocalLengthIn35mmFormat"]) != fmt.Sprint(im.F35) || fmt.Sprint(got["Orientation"]) != fmt.Sprint(im.Stored) {
			t.Errorf("%s: %v", im.File, got)
		}
		if _, ok := got["OffsetTimeOriginal"]; ok != d.ZoneStated {
			t.Errorf("%s: offset stated %v, device %v", im.File, ok, d.ZoneStated)
		}
		if !strings.HasPrefix(fmt.Sprint(got["ImageDescription"]), "EXERCISE") {
			t.Errorf("%s: description %v", im.File, got["ImageDescription"])
		}
		if im.Stored == 6 {
			turned++
		}
		lat, ok := got["GPSLatitude"].(float64)
		if ok != im.GPS {
			t.Errorf("%s: GPS %v, truth %v", im.File, got["GPSLatitude"], im.GPS)
		}
		if ok {
			gps++
			lon := got["GPSLongitude"].(float64)
			if got["GPSLongitudeRef"] != "W" || got["GPSLatitudeRef"] != "N" {
				t.Errorf("%s: hemispheres %v %v", im.File, got["GPSLatitudeRef"], got["GPSLongitudeRef"])
			}
			lon = -math.Abs(lon)
			p := frame.ENU(where.Geodetic{Lat: where.Degrees(lat), Lon: where.Degrees(lon), H: where.Metres(tr.Origin.H + im.Camera.Position[2])})
			if off := math.Hypot(p[0]-im.Camera.Position[0], p[1]-im.Camera.Position[1]); math.Abs(off-im.GPSErrM) > 0.1 {
				t.Errorf("%s: GPS is %.2f m off, the truth says %.2f", im.File, off, im.GPSErrM)
			}
		}
	}
	if with < 3 || without < 2 || gps == 0 || turned != 1 {
		t.Errorf("%d with EXIF, %d without, %d with GPS, %d turned", with, without, gps, turned)
	}
}

func TestTurnLeft(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 3, 2))
	m.Pix[m.PixOffset(2, 0)] = 200 // top right
	l := turnLeft(m)
	if l.Bounds().Dx() != 2 || l.Bounds().Dy() != 3 || l.Pix[l.PixOffset(0, 0)] != 200 {
		t.Error("a quarter counter-clockwise takes the top right corner to the top left")
	}
}

func TestSegmentRefusesWhatIsNoJPEG(t *testing.T) {
	if _, err := withComment([]byte("GIF89a"), "x"); err == nil {
		t.Error("a GIF was taken")
	}
	if _, err := withComment([]byte{0xFF, 0xD8}, strings.Repeat("x", 70000)); err == nil {
		t.Error("a comment beyond 64 kB was taken")
	}
}
