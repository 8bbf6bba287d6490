package identify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"

	"sightline/alike"
)

// look is what the worker says of a picture's pixels and of what lies beside
// them in the file.
type look struct {
	Width     int        `json:"width"` // as stored
	Height    int        `json:"height"`
	PDQ       []string   `json:"pdq"` // of the upright picture and its seven turns
	Quality   int        `json:"quality"`
	PHash     string     `json:"phash"`
	Gray      [2]int     `json:"gray,omitempty"`      // size of gray.raw in the folder
	Bars      [4]int     `json:"bars,omitempty"`      // picture inside flat borders, of gray.raw
	InnerPDQ  []string   `json:"inner_pdq,omitempty"` // of the picture inside the borders
	Thumb     int        `json:"thumb"`               // PDQ distance of the embedded thumbnail; -1: none or it says nothing
	Libjpeg   int        `json:"libjpeg,omitempty"`   // quality whose tables it has
	Segments  []string   `json:"segments,omitempty"`
	Embedded  []Embedded `json:"embedded,omitempty"`
	Trailing  int64      `json:"trailing,omitempty"` // bytes after the picture
	Problem   string     `json:"problem,omitempty"`
	Format    string     `json:"format,omitempty"`
	Animation bool       `json:"animation,omitempty"`
}

// graySide is the longer side of the light-only copy in which parts are sought.
const graySide = 720

// lookAt runs in the box. With dir it also writes gray.raw, one byte a pixel.
func lookAt(in, typ, dir string, orientation int) (*look, error) {
	b, err := os.ReadFile(in)
	if err != nil {
		return nil, err
	}
	l := &look{Thumb: -1}
	var thumb []byte
	if typ == "image/jpeg" {
		p := readJPEG(b)
		l.Segments, thumb = p.Segments, p.Thumb
		if len(p.Tables) > 0 {
			l.Libjpeg = libjpegQuality(p.Tables[0])
		}
		l.Trailing = int64(len(b) - p.End)
		if p.Damage != "" {
			l.Problem = "the file is damaged: " + p.Damage
		}
		if e, ok := motionVideo(b, p.End); ok {
			l.Embedded = append(l.Embedded, sealed(b, e))
		}
	}
	if typ == "image/heic" || typ == "image/heif" {
		list, damage := boxes(b, 0, len(b))
		if damage != "" {
			l.Problem = damage
		}
		for _, x := range list {
			if x.name == "mpvd" {
				if e, ok := motionVideo(b[:x.end], x.start); ok {
					l.Embedded = append(l.Embedded, sealed(b, e))
				}
			}
		}
	}
	img, format, err := decode(bytes.NewReader(b))
	if err != nil {
		if l.Problem == "" {
			l.Problem = err.Error()
		}
		return l, nil
	}
	l.Format = format
	l.Width, l.Height = img.Bounds().Dx(), img.Bounds().Dy()
	g := upright(orientation).Apply(alike.FromImage(img))
	turns, q := alike.HashTurns(g)
	l.Quality, l.PDQ, l.PHash = q, hexes(turns), alike.PHash(g).String()
	if thumb != nil {
		if t, err := jpeg.Decode(bytes.NewReader(thumb)); err == nil {
			l.Thumb = thumbDistance(alike.FromImage(img), alike.FromImage(t))
		}
	}
	small := g.Fit(graySide)
	x0, y0, x1, y1 := small.Bars()
	l.Bars = [4]int{x0, y0, x1, y1}
	if x0 > 0 || y0 > 0 || x1 < small.W || y1 < small.H {
		k := float64(g.W) / float64(small.W)
		inner := g.Cut(int(float64(x0)*k+0.5), int(float64(y0)*k+0.5), int(float64(x1)*k+0.5), int(float64(y1)*k+0.5))
		if t, q := alike.HashTurns(inner); q >= alike.UsableFrom {
			l.InnerPDQ = hexes(t)
		}
	}
	if dir != "" {
		raw := make([]byte, len(small.Pix))
		for i, v := range small.Pix {
			raw[i] = uint8(min(max(v+0.5, 0), 255))
		}
		l.Gray = [2]int{small.W, small.H}
		if err := os.WriteFile(filepath.Join(dir, "gray.raw"), raw, 0o600); err != nil {
			return nil, fmt.Errorf("failed to write the working copy: %w", err)
		}
	}
	return l, nil
}

func hexes(l [8]alike.PDQ) []string {
	out := make([]string, len(l))
	for i, p := range l {
		out[i] = p.String()
	}
	return out
}

// sealed adds the digest of an embedded file.
func sealed(b []byte, e Embedded) Embedded {
	sum := sha256.Sum256(b[e.Offset : e.Offset+e.Size])
	e.SHA256 = hex.EncodeToString(sum[:])
	return e
}

// upright is the turn that an EXIF orientation asks for.
func upright(orientation int) alike.Turn {
	switch orientation {
	case 2:
		return alike.Mirrored
	case 3:
		return alike.Rotated180
	case 4:
		return alike.Flipped
	case 5:
		return alike.Transposed
	case 6:
		return alike.Rotated90
	case 7:
		return alike.Antitransposed
	case 8:
		return alike.Rotated270
	}
	return alike.Upright
}

// thumbDistance is how far an embedded thumbnail is from its picture, in bits
// of PDQ, whichever way the thumbnail is turned. Cameras fill a thumbnail of
// another shape with black bars or cut it, so both are tried. -1 when the
// thumbnail is too flat to say.
func thumbDistance(g, t alike.Gray) int {
	h, q := alike.HashTurns(g)
	if q < alike.UsableFrom {
		return -1
	}
	best := -1
	try := func(a [8]alike.PDQ, t alike.Gray) {
		p, q := alike.Hash(t)
		if q < alike.UsableFrom {
			return
		}
		for _, x := range a {
			if d := x.Distance(p); best < 0 || d < best {
				best = d
			}
		}
	}
	try(h, t)
	x0, y0, x1, y1 := t.Bars()
	try(h, t.Cut(x0, y0, x1, y1))
	// A thumbnail cut to another shape shows the middle of the picture.
	if shape := float64(t.W) / float64(t.H); shape > 0 {
		w, ht := g.W, int(float64(g.W)/shape)
		if ht > g.H {
			w, ht = int(float64(g.H)*shape), g.H
		}
		mid, q := alike.HashTurns(g.Cut((g.W-w)/2, (g.H-ht)/2, (g.W+w)/2, (g.H+ht)/2))
		if q >= alike.UsableFrom {
			try(mid, t)
		}
	}
	return best
}

// telemetry runs in the box: the track of positions inside a recording.
type telemetry struct {
	Fixes  []Fix  `json:"fixes"`
	Count  int    `json:"count"`
	Broken int    `json:"broken,omitempty"` // cues without a readable position
	Device string `json:"device,omitempty"`
	Source string `json:"source,omitempty"` // GPMF, DJI
	Damage string `json:"damage,omitempty"`
}

const (
	telemetryMost = 512 << 20 // bytes of a recording that is read whole for its track
	telemetryShow = 2000      // positions handed on; the count says how many there are
)

func readTelemetry(in, typ string) (*telemetry, error) {
	fi, err := os.Stat(in)
	if err != nil {
		return nil, err
	}
	if fi.Size() > telemetryMost {
		return nil, errors.New("the recording is too large to look for positions inside it")
	}
	b, err := os.ReadFile(in)
	if err != nil {
		return nil, err
	}
	t := &telemetry{}
	switch {
	case typ == "text":
		t.Fixes, t.Broken = djiTrack(string(b))
		t.Source = "DJI"
	case bytes.HasPrefix(b, []byte("DEVC")):
		t.Fixes, t.Device, t.Damage = gpmf(b, 0, 1)
		t.Source = "GPMF"
	default:
		t.Fixes, t.Device, t.Damage = gpmfTrack(b)
		t.Source = "GPMF"
	}
	t.Count = len(t.Fixes)
	if t.Count == 0 && t.Device == "" {
		t.Source = ""
	}
	if len(t.Fixes) > telemetryShow {
		step := (len(t.Fixes) + telemetryShow - 1) / telemetryShow
		kept := t.Fixes[:0:0]
		for i := 0; i < len(t.Fixes); i += step {
			kept = append(kept, t.Fixes[i])
		}
		t.Fixes = kept
	}
	return t, nil
}
