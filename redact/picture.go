package redact

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	_ "image/png" // a preview is a JPEG; a PNG costs nothing to understand
	"io"
	"os"
	"path/filepath"

	xdraw "golang.org/x/image/draw"
)

// thumbSide is the longer side of the thumbnail in pixels.
const thumbSide = 320

// maxPixels bounds a picture that is decoded.
const maxPixels = 100_000_000

// plan is what the worker is asked: the corners of each region, and how far a
// covered pixel of the original may have spread in the picture at hand.
type plan struct {
	Regions [][][2]float64 `json:"regions"`
	Margin  float64        `json:"margin"` // pixels
}

// painted is the worker's answer.
type painted struct {
	Preview [2]int `json:"preview"`
	Thumb   [2]int `json:"thumb"`
	Covered int    `json:"covered"` // pixels of the preview
}

// Worker is the part of this package that runs in the box. Args are what
// follows "sightline worker":
//
//	redact IN OUT    covers the regions of OUT/plan.json in the picture IN and
//	                 writes preview.jpg and thumb.jpg into OUT
//
// It reports whether the arguments were meant for it.
func Worker(args []string, out io.Writer) (bool, error) {
	if len(args) != 3 || args[0] != "redact" {
		return false, nil
	}
	b, err := os.ReadFile(filepath.Join(args[2], "plan.json"))
	if err != nil {
		return true, err
	}
	var p plan
	if err := json.Unmarshal(b, &p); err != nil {
		return true, fmt.Errorf("the plan of the redaction cannot be read: %w", err)
	}
	rep, err := paintPicture(args[1], args[2], p)
	if err != nil {
		return true, err
	}
	return true, json.NewEncoder(out).Encode(rep)
}

func paintPicture(in, dir string, p plan) (*painted, error) {
	f, err := os.Open(in)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, _, err := image.DecodeConfig(bufio.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("the preview cannot be read: %w", err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width*c.Height > maxPixels {
		return nil, fmt.Errorf("the preview says that it is %d by %d pixels", c.Width, c.Height)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	src, _, err := image.Decode(bufio.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("the preview cannot be read: %w", err)
	}
	preview := image.NewRGBA(image.Rect(0, 0, c.Width, c.Height))
	draw.Draw(preview, preview.Rect, src, src.Bounds().Min, draw.Src)
	m := maskOf(c.Width, c.Height, p.Regions, p.Margin)
	if m.Empty() {
		return nil, errors.New("the redactions cover no part of the picture")
	}
	fill(preview, m)

	// The thumbnail is made from what is left, and covered once more so that
	// its own blocks are whole: half-mixed edges would look like a leak.
	tw, th := c.Width, c.Height
	if long := max(tw, th); long > thumbSide {
		tw, th = max(1, tw*thumbSide/long), max(1, th*thumbSide/long)
	}
	thumb := image.NewRGBA(image.Rect(0, 0, tw, th))
	xdraw.BiLinear.Scale(thumb, thumb.Rect, preview, preview.Rect, xdraw.Src, nil)
	tm := maskOf(tw, th, p.Regions, p.Margin*float64(tw)/float64(c.Width))
	fill(thumb, tm)

	for _, o := range []struct {
		name string
		img  *image.RGBA
		mask *Mask
	}{{"preview.jpg", preview, m}, {"thumb.jpg", thumb, tm}} {
		path := filepath.Join(dir, o.name)
		if err := writeJPEG(path, o.img); err != nil {
			return nil, err
		}
		if err := checkPicture(path, o.mask); err != nil {
			return nil, err
		}
	}
	return &painted{Preview: [2]int{c.Width, c.Height}, Thumb: [2]int{tw, th}, Covered: m.pixels()}, nil
}

func maskOf(w, h int, regions [][][2]float64, margin float64) *Mask {
	m := newMask(w, h)
	for _, r := range regions {
		m.Add(r, margin)
	}
	return m
}

func (m *Mask) pixels() (n int) {
	m.runs(func(_, x0, x1 int) { n += x1 - x0 })
	return n
}

// fill paints the covered pixels black.
func fill(img *image.RGBA, m *Mask) {
	m.runs(func(y, x0, x1 int) {
		draw.Draw(img, image.Rect(x0, y, x1, y+1), image.NewUniform(color.Black), image.Point{}, draw.Src)
	})
}

func writeJPEG(path string, img image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("failed to write the redacted copy: %w", err)
	}
	w := bufio.NewWriter(f)
	err = jpeg.Encode(w, img, &jpeg.Options{Quality: 84})
	return errors.Join(err, w.Flush(), f.Close())
}

// pictureTolerance is how far a covered sample may be from black, of 255:
// rounding of a flat block, and nothing more.
const pictureTolerance = 3

// checkPicture decodes a copy that was written and compares every covered
// pixel with the fill.
func checkPicture(path string, m *Mask) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	img, err := jpeg.Decode(bufio.NewReader(f))
	if err != nil {
		return fmt.Errorf("the redacted copy cannot be read again: %w", err)
	}
	if b := img.Bounds(); b.Dx() != m.W || b.Dy() != m.H {
		return fmt.Errorf("the redacted copy is %d by %d pixels instead of %d by %d", b.Dx(), b.Dy(), m.W, m.H)
	}
	var bad error
	m.runs(func(y, x0, x1 int) {
		for x := x0; x < x1 && bad == nil; x++ {
			if r, g, b, _ := img.At(x, y).RGBA(); max(r, g, b)>>8 > pictureTolerance {
				bad = fmt.Errorf("pixel %d, %d of the redacted copy is not covered; nothing was kept", x, y)
			}
		}
	})
	return bad
}
