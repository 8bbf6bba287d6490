package identify

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math"

	"sightline/alike"
)

// SketchFormat names the form in which a [Sketch] is kept as a working copy of
// an item: the line itself, the length of a JSON object as four bytes, little
// endian, the object, then, one after the other as it says, a light-only
// JPEG, the corners, the frames and the fingerprint of the sound.
const SketchFormat = "sightline.sketch/1"

// sketchSide is the longer side of the picture inside a kept sketch: the
// comparison looks at no more than 96 samples along the shorter side.
const sketchSide = 480

type sketchHead struct {
	SHA256  string   `json:"sha256"`
	Size    int64    `json:"size"`
	Type    string   `json:"type"`
	Width   int      `json:"width,omitempty"`
	Height  int      `json:"height,omitempty"`
	Quality int      `json:"quality,omitempty"`
	Turns   []string `json:"pdq,omitempty"` // of the upright picture and its seven turns
	Inner   []string `json:"inner_pdq,omitempty"`
	PHash   string   `json:"phash,omitempty"`
	Seconds float64  `json:"seconds,omitempty"`
	Gray    int      `json:"gray_bytes"`
	Corners int      `json:"corner_bytes"`
	Frames  int      `json:"frames"`
	Voice   int      `json:"voice"`
}

func pdqWords(l []alike.PDQ) (out []string) {
	for _, p := range l {
		out = append(out, p.String())
	}
	return out
}

const frameBytes = 4 + 1 + 32 // seconds as a 32-bit float, quality, PDQ

// Pack writes a sketch as bytes.
func (s *Sketch) Pack() ([]byte, error) {
	h := sketchHead{SHA256: s.SHA256, Size: s.Size, Type: s.Type, Width: s.Width, Height: s.Height, Quality: s.Quality, Turns: pdqWords(s.Turns), Inner: pdqWords(s.Inner), PHash: s.PHash, Seconds: s.Seconds, Frames: len(s.Frames), Voice: len(s.Voice)}
	var gray bytes.Buffer
	var corners []byte
	if s.gray.W > 0 {
		small := s.gray.Fit(sketchSide)
		m := image.NewGray(image.Rect(0, 0, small.W, small.H))
		for i, v := range small.Pix {
			m.Pix[i] = uint8(min(max(v+0.5, 0), 255))
		}
		if err := jpeg.Encode(&gray, m, &jpeg.Options{Quality: 93}); err != nil {
			return nil, fmt.Errorf("failed to pack the picture of the sketch: %w", err)
		}
		corners = alike.PackFeatures(s.feats, float64(small.W)/float64(s.gray.W))
	}
	h.Gray, h.Corners = gray.Len(), len(corners)
	head, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	out := append([]byte(SketchFormat), '\n')
	out = binary.LittleEndian.AppendUint32(out, uint32(len(head)))
	out = append(append(append(out, head...), gray.Bytes()...), corners...)
	for _, f := range s.Frames {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(f.AtS)))
		out = append(append(out, uint8(min(max(f.Quality, 0), 255))), f.Hash[:]...)
	}
	for _, v := range s.Voice {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return out, nil
}

var errSketch = errors.New("this is no sketch of a file")

// UnpackSketch reads what [Sketch.Pack] wrote. The places of the corners and
// the size of the light-only picture are those of the kept, smaller one.
func UnpackSketch(b []byte) (*Sketch, error) {
	rest, ok := bytes.CutPrefix(b, []byte(SketchFormat+"\n"))
	if !ok || len(rest) < 4 {
		return nil, errSketch
	}
	n := binary.LittleEndian.Uint32(rest)
	if rest = rest[4:]; uint64(n) > uint64(len(rest)) {
		return nil, errSketch
	}
	var h sketchHead
	if err := json.Unmarshal(rest[:n], &h); err != nil {
		return nil, fmt.Errorf("%w: %w", errSketch, err)
	}
	rest = rest[n:]
	// Each part must fit by itself, so that their sum cannot overflow.
	whole := len(rest)
	for _, p := range []int{h.Gray, h.Corners, h.Frames, h.Voice} {
		if p < 0 || p > whole {
			return nil, errSketch
		}
	}
	if h.Gray+h.Corners+h.Frames*frameBytes+h.Voice*4 != whole {
		return nil, errSketch
	}
	s := &Sketch{SHA256: h.SHA256, Size: h.Size, Type: h.Type, Width: h.Width, Height: h.Height, Quality: h.Quality, PHash: h.PHash, Seconds: h.Seconds}
	if len(h.Turns) != 0 && len(h.Turns) != 8 || len(h.Inner) != 0 && len(h.Inner) != 8 || math.IsNaN(h.Seconds) {
		return nil, errSketch
	}
	var err error
	if s.Turns, err = hashes(h.Turns); err != nil {
		return nil, fmt.Errorf("%w: %w", errSketch, err)
	}
	if s.Inner, err = hashes(h.Inner); err != nil {
		return nil, fmt.Errorf("%w: %w", errSketch, err)
	}
	if h.Gray > 0 {
		c, err := jpeg.DecodeConfig(bytes.NewReader(rest[:h.Gray]))
		if err != nil || c.Width > 4*sketchSide || c.Height > 4*sketchSide {
			return nil, errSketch
		}
		m, err := jpeg.Decode(bytes.NewReader(rest[:h.Gray]))
		if err != nil {
			return nil, errSketch
		}
		s.gray = alike.FromImage(m)
	}
	rest = rest[h.Gray:]
	if s.feats, err = alike.UnpackFeatures(rest[:h.Corners]); err != nil {
		return nil, fmt.Errorf("%w: %w", errSketch, err)
	}
	rest = rest[h.Corners:]
	for range h.Frames {
		f := alike.Frame{AtS: float64(math.Float32frombits(binary.LittleEndian.Uint32(rest))), Quality: int(rest[4])}
		if !(f.AtS >= 0 && f.AtS < 1e7) {
			return nil, errSketch
		}
		copy(f.Hash[:], rest[5:frameBytes])
		s.Frames = append(s.Frames, f)
		rest = rest[frameBytes:]
	}
	for range h.Voice {
		s.Voice = append(s.Voice, binary.LittleEndian.Uint32(rest))
		rest = rest[4:]
	}
	return s, nil
}
