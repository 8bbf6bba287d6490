package identify

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // decoders of the formats we show
	"image/jpeg"
	_ "image/png"
	"io"
	"os"
	"path/filepath"

	_ "golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// Limits of pictures (custody.md 9): a header that promises more is refused
// before a pixel is decoded.
const (
	maxPixels = 100_000_000
	maxSide   = 65_535
)

// ThumbSide and PreviewSide are the longer sides of the working copies in pixels.
const (
	ThumbSide   = 320
	PreviewSide = 1600
)

// decode reads a picture within the limits.
func decode(r io.ReadSeeker) (image.Image, string, error) {
	c, format, err := image.DecodeConfig(bufio.NewReader(r))
	if errors.Is(err, image.ErrFormat) {
		return nil, "", errors.New("the picture is of a kind that cannot be shown")
	}
	if err != nil {
		return nil, format, fmt.Errorf("the picture's header is damaged: %w", err)
	}
	switch {
	case c.Width <= 0 || c.Height <= 0:
		return nil, format, fmt.Errorf("the picture says that it is %d by %d pixels", c.Width, c.Height)
	case c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > maxPixels:
		return nil, format, fmt.Errorf("the picture says that it is %d by %d pixels, more than the limit of %d million", c.Width, c.Height, maxPixels/1_000_000)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, format, err
	}
	img, format, err := image.Decode(bufio.NewReader(r))
	if err != nil {
		return nil, format, fmt.Errorf("the picture is damaged and cannot be shown whole: %w", err)
	}
	return img, format, nil
}

// shrink scales a picture so that its longer side is at most side, over white
// where it is transparent. Smaller pictures keep their size.
func shrink(src image.Image, side int) *image.RGBA {
	b := src.Bounds()
	w, h := b.Dx(), b.Dy()
	if long := max(w, h); long > side {
		w, h = max(1, (w*side+long/2)/long), max(1, (h*side+long/2)/long)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	if w == b.Dx() && h == b.Dy() {
		draw.Draw(dst, dst.Bounds(), src, b.Min, draw.Over)
		return dst
	}
	draw.BiLinear.Scale(dst, dst.Bounds(), src, b, draw.Over, nil) // widened by the factor when shrinking: no aliasing
	return dst
}

// turn applies an EXIF orientation, 1 to 8, so that the picture stands as it
// was taken.
func turn(src *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 || orientation > 8 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	dw, dh := w, h
	if orientation >= 5 {
		dw, dh = h, w
	}
	dst := image.NewRGBA(image.Rect(0, 0, dw, dh))
	for y := range dh {
		for x := range dw {
			var sx, sy int
			switch orientation {
			case 2:
				sx, sy = w-1-x, y
			case 3:
				sx, sy = w-1-x, h-1-y
			case 4:
				sx, sy = x, h-1-y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, h-1-x
			case 7:
				sx, sy = w-1-y, h-1-x
			case 8:
				sx, sy = w-1-y, x
			}
			copy(dst.Pix[dst.PixOffset(x, y):][:4], src.Pix[src.PixOffset(sx, sy):][:4])
		}
	}
	return dst
}

// pictureReport is what the worker says of a picture.
type pictureReport struct {
	Format  string `json:"format"`
	Width   int    `json:"width"` // after orientation
	Height  int    `json:"height"`
	Thumb   [2]int `json:"thumb"`
	Preview [2]int `json:"preview"`
}

// drawPicture runs in the box: it reads the picture at in and writes thumb.jpg
// and preview.jpg into dir.
func drawPicture(in, dir string, orientation int) (*pictureReport, error) {
	f, err := os.Open(in)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, format, err := decode(f)
	if err != nil {
		return nil, err
	}
	b := img.Bounds()
	r := &pictureReport{Format: format, Width: b.Dx(), Height: b.Dy()}
	if orientation >= 5 && orientation <= 8 {
		r.Width, r.Height = r.Height, r.Width
	}
	preview := shrink(img, PreviewSide)
	thumb := turn(shrink(preview, ThumbSide), orientation)
	preview = turn(preview, orientation)
	r.Preview, r.Thumb = [2]int{preview.Rect.Dx(), preview.Rect.Dy()}, [2]int{thumb.Rect.Dx(), thumb.Rect.Dy()}
	for name, img := range map[string]image.Image{"thumb.jpg": thumb, "preview.jpg": preview} {
		if err := writeJPEG(filepath.Join(dir, name), img); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func writeJPEG(path string, img image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("failed to write the working copy: %w", err)
	}
	w := bufio.NewWriter(f)
	err = jpeg.Encode(w, img, &jpeg.Options{Quality: 84})
	return errors.Join(err, w.Flush(), f.Close())
}
