package main

import (
	"image"
	"image/color"
	"sort"
)

// paletted reduces a still to 256 colours, so that a line drawing is a small
// file. Colours are counted at 5 bits a channel and the most frequent kept;
// every pixel takes the nearest. The result depends on the picture alone.
func paletted(src *image.RGBA) *image.Paletted {
	type bin struct {
		key     uint16
		n       int
		r, g, b int
	}
	var bins [1 << 15]bin
	for i := 0; i < len(src.Pix); i += 4 {
		r, g, b := src.Pix[i], src.Pix[i+1], src.Pix[i+2]
		k := uint16(r>>3)<<10 | uint16(g>>3)<<5 | uint16(b>>3)
		x := &bins[k]
		x.key, x.n, x.r, x.g, x.b = k, x.n+1, x.r+int(r), x.g+int(g), x.b+int(b)
	}
	used := make([]bin, 0, 1024)
	for _, b := range bins {
		if b.n > 0 {
			used = append(used, b)
		}
	}
	sort.Slice(used, func(i, j int) bool {
		if used[i].n != used[j].n {
			return used[i].n > used[j].n
		}
		return used[i].key < used[j].key
	})
	if len(used) > 256 {
		used = used[:256]
	}
	pal := make(color.Palette, len(used))
	for i, b := range used {
		pal[i] = color.RGBA{uint8(b.r / b.n), uint8(b.g / b.n), uint8(b.b / b.n), 255}
	}
	out := image.NewPaletted(src.Bounds(), pal)
	var known [1 << 15]int16
	w := src.Bounds().Dx()
	for i := 0; i < len(src.Pix); i += 4 {
		k := uint16(src.Pix[i]>>3)<<10 | uint16(src.Pix[i+1]>>3)<<5 | uint16(src.Pix[i+2]>>3)
		if known[k] == 0 {
			known[k] = int16(pal.Index(color.RGBA{src.Pix[i], src.Pix[i+1], src.Pix[i+2], 255})) + 1
		}
		p := i / 4
		out.Pix[(p/w)*out.Stride+p%w] = uint8(known[k] - 1)
	}
	return out
}
