package scene

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"golang.org/x/image/tiff/lzw"
)

// Grid is a height grid as stored: a value for each cell, NaN where the
// source has none, and where the cells lie.
type Grid struct {
	W, H   int
	values []float32
	wide   []float64 // instead of values, for 64-bit samples

	CRS      CRS
	Vertical string // egm96, ellipsoid, unknown, or a name that the file gives
	Voids    int    // cells without a value

	// transform maps raster coordinates (column, row) to model coordinates:
	// x = t[0] + t[1] c + t[2] r, y = t[3] + t[4] c + t[5] r.
	transform [6]float64
	centre    float64 // raster coordinate of the first cell's centre: 0.5 (area) or 0 (point)
	located   bool
}

// At returns the stored value of a cell, NaN for a void.
func (g *Grid) At(col, row int) float64 {
	if g.wide != nil {
		return g.wide[row*g.W+col]
	}
	return float64(g.values[row*g.W+col])
}

// tiffTag numbers (TIFF 6.0; OGC GeoTIFF 1.1; GDAL for nodata).
const (
	tagWidth, tagHeight, tagBits, tagCompression     = 256, 257, 258, 259
	tagStripOffsets, tagSamples, tagRowsPerStrip     = 273, 277, 278
	tagStripCounts, tagPlanar, tagPredictor          = 279, 284, 317
	tagTileWidth, tagTileHeight                      = 322, 323
	tagTileOffsets, tagTileCounts, tagSampleFormat   = 324, 325, 339
	tagPixelScale, tagTiePoint, tagTransform         = 33550, 33922, 34264
	tagGeoKeys, tagGeoDoubles, tagGeoASCII, tagNoVal = 34735, 34736, 34737, 42113
)

// tiff is the first image directory of a file.
type tiff struct {
	b     []byte
	order binary.ByteOrder
	big   bool
	tags  map[uint16]tiffField
	lim   Limits
}

type tiffField struct {
	kind  uint16
	count uint64
	data  []byte
}

var tiffSizes = map[uint16]int{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}

// ReadGeoTIFF decodes the first image of a GeoTIFF as heights: one or more
// bands (the first is taken) of 8 to 64 bits, strips or tiles, uncompressed,
// LZW or deflate, predictors 1 to 3. A file without georeference is decoded,
// and says so when it is asked where it lies.
func ReadGeoTIFF(b []byte, lim Limits) (*Grid, error) {
	t := &tiff{b: b, lim: lim, tags: map[uint16]tiffField{}}
	if err := t.header(); err != nil {
		return nil, err
	}
	g := &Grid{Vertical: "unknown"}
	if err := t.cells(g); err != nil {
		return nil, err
	}
	if err := t.place(g); err != nil {
		return nil, err
	}
	t.voids(g)
	return g, nil
}

func (t *tiff) header() error {
	b := t.b
	if len(b) < 16 {
		return errors.New("not a TIFF: the file is shorter than its header")
	}
	switch string(b[:2]) {
	case "II":
		t.order = binary.LittleEndian
	case "MM":
		t.order = binary.BigEndian
	default:
		return errors.New("not a TIFF: the file does not begin with II or MM")
	}
	var at uint64
	switch t.order.Uint16(b[2:]) {
	case 42:
		at = uint64(t.order.Uint32(b[4:]))
	case 43:
		t.big = true
		at = t.order.Uint64(b[8:])
	default:
		return errors.New("not a TIFF: the version is neither 42 nor 43")
	}
	return t.directory(at)
}

func (t *tiff) slice(at, n uint64) ([]byte, error) {
	if at > uint64(len(t.b)) || n > uint64(len(t.b))-at {
		return nil, errors.New("the TIFF is cut off: it refers to bytes beyond its end")
	}
	return t.b[at : at+n], nil
}

func (t *tiff) directory(at uint64) error {
	head, entry := uint64(2), uint64(12)
	if t.big {
		head, entry = 8, 20
	}
	b, err := t.slice(at, head)
	if err != nil {
		return err
	}
	n := uint64(t.order.Uint16(b))
	if t.big {
		n = t.order.Uint64(b)
	}
	if n > 4096 {
		return fmt.Errorf("the TIFF directory has %d entries: the file is damaged", n)
	}
	if b, err = t.slice(at+head, n*entry); err != nil {
		return err
	}
	for i := range n {
		e := b[i*entry:]
		tag, f := t.order.Uint16(e), tiffField{kind: t.order.Uint16(e[2:])}
		room := uint64(4)
		value := e[8:12]
		if t.big {
			f.count, room, value = t.order.Uint64(e[4:]), 8, e[12:20]
		} else {
			f.count = uint64(t.order.Uint32(e[4:]))
		}
		size := uint64(tiffSizes[f.kind])
		if size == 0 || f.count > uint64(len(t.b)) {
			continue // a field of a kind nobody needs, or larger than the file
		}
		if size*f.count <= room {
			f.data = value[:size*f.count]
		} else {
			off := uint64(t.order.Uint32(value))
			if t.big {
				off = t.order.Uint64(value)
			}
			if f.data, err = t.slice(off, size*f.count); err != nil {
				return fmt.Errorf("tag %d: %w", tag, err)
			}
		}
		t.tags[tag] = f
	}
	return nil
}

// ints returns the whole numbers of a field.
func (t *tiff) ints(tag uint16) []uint64 {
	f, ok := t.tags[tag]
	if !ok {
		return nil
	}
	n := min(f.count, uint64(len(f.data)))
	out := make([]uint64, 0, n)
	for i := range n {
		switch f.kind {
		case 1, 7:
			out = append(out, uint64(f.data[i]))
		case 3:
			out = append(out, uint64(t.order.Uint16(f.data[2*i:])))
		case 4, 13:
			out = append(out, uint64(t.order.Uint32(f.data[4*i:])))
		case 16, 18:
			out = append(out, t.order.Uint64(f.data[8*i:]))
		default:
			return nil
		}
	}
	return out
}

func (t *tiff) int(tag uint16, def uint64) uint64 {
	if v := t.ints(tag); len(v) > 0 {
		return v[0]
	}
	return def
}

func (t *tiff) floats(tag uint16) []float64 {
	f, ok := t.tags[tag]
	if !ok || f.kind != 12 {
		return nil
	}
	out := make([]float64, len(f.data)/8)
	for i := range out {
		out[i] = math.Float64frombits(t.order.Uint64(f.data[8*i:]))
	}
	return out
}

func (t *tiff) text(tag uint16) string {
	return strings.TrimRight(string(t.tags[tag].data), "\x00 ")
}

// layout is how the cells are stored.
type layout struct {
	w, h, spp, bits, format    int
	compression, predictor     int
	blockW, blockH             int
	across, down               int
	offsets, counts            []uint64
	planar                     bool
	bytesPerCell, cellsPerUnit int // cellsPerUnit: samples interleaved in a block
}

func (t *tiff) layout() (*layout, error) {
	l := &layout{w: int(t.int(tagWidth, 0)), h: int(t.int(tagHeight, 0)), spp: int(t.int(tagSamples, 1)),
		bits: int(t.int(tagBits, 1)), format: int(t.int(tagSampleFormat, 1)), compression: int(t.int(tagCompression, 1)),
		predictor: int(t.int(tagPredictor, 1)), planar: t.int(tagPlanar, 1) == 2}
	if l.w < 1 || l.h < 1 || l.w > t.lim.Pixels/max(l.h, 1) {
		return nil, fmt.Errorf("a height grid of %d x %d cells: expected 1 to %d cells", l.w, l.h, t.lim.Pixels)
	}
	if l.spp < 1 || l.spp > 64 {
		return nil, fmt.Errorf("the TIFF has %d samples a cell", l.spp)
	}
	switch [2]int{l.format, l.bits} {
	case [2]int{1, 8}, [2]int{1, 16}, [2]int{1, 32}, [2]int{2, 8}, [2]int{2, 16}, [2]int{2, 32}, [2]int{3, 32}, [2]int{3, 64}:
	default:
		return nil, fmt.Errorf("samples of %d bits in format %d are not read: 8, 16 and 32 bit whole numbers and 32 and 64 bit floating point are", l.bits, l.format)
	}
	switch l.compression {
	case 1, 5, 8, 32946:
	default:
		return nil, fmt.Errorf("TIFF compression %d is not read: none, LZW and deflate are; convert the file", l.compression)
	}
	if l.predictor < 1 || l.predictor > 3 || l.predictor == 3 && l.format != 3 || l.predictor == 2 && l.format == 3 {
		return nil, fmt.Errorf("TIFF predictor %d does not fit samples of format %d", l.predictor, l.format)
	}
	if _, tiled := t.tags[tagTileWidth]; tiled {
		l.blockW, l.blockH = int(t.int(tagTileWidth, 0)), int(t.int(tagTileHeight, 0))
		l.offsets, l.counts = t.ints(tagTileOffsets), t.ints(tagTileCounts)
	} else {
		l.blockW, l.blockH = l.w, int(min(t.int(tagRowsPerStrip, uint64(l.h)), uint64(l.h)))
		l.offsets, l.counts = t.ints(tagStripOffsets), t.ints(tagStripCounts)
	}
	if l.blockW < 1 || l.blockH < 1 || l.blockW > 1<<16 || l.blockH > 1<<20 || l.blockW > t.lim.Pixels/l.blockH {
		return nil, fmt.Errorf("the TIFF has blocks of %d x %d cells", l.blockW, l.blockH)
	}
	l.across, l.down = (l.w+l.blockW-1)/l.blockW, (l.h+l.blockH-1)/l.blockH
	l.bytesPerCell = l.bits / 8
	l.cellsPerUnit = l.spp
	if l.planar {
		l.cellsPerUnit = 1
	}
	// Blocks much larger than the image they cover are a way to make a small
	// file cost a large amount of work.
	if work := float64(l.across) * float64(l.down) * float64(l.blockW) * float64(l.blockH) * float64(l.cellsPerUnit); work > 4*float64(t.lim.Pixels) {
		return nil, fmt.Errorf("the blocks of the TIFF hold %.0f samples for an image of %d x %d", work, l.w, l.h)
	}
	if len(l.offsets) < l.across*l.down || len(l.counts) < l.across*l.down {
		return nil, fmt.Errorf("the TIFF names %d blocks of %d", min(len(l.offsets), len(l.counts)), l.across*l.down)
	}
	return l, nil
}

// cells decodes all blocks of the first band.
func (t *tiff) cells(g *Grid) error {
	l, err := t.layout()
	if err != nil {
		return err
	}
	g.W, g.H = l.w, l.h
	if l.bits == 64 || l.bits == 32 && l.format != 3 {
		g.wide = make([]float64, l.w*l.h)
	} else {
		g.values = make([]float32, l.w*l.h)
	}
	_, tiled := t.tags[tagTileWidth]
	rowBytes := l.blockW * l.cellsPerUnit * l.bytesPerCell
	for by := range l.down {
		for bx := range l.across {
			i := by*l.across + bx
			rows := l.blockH
			if !tiled {
				rows = min(rows, l.h-by*l.blockH)
			}
			raw, err := t.block(l, i, rows*rowBytes)
			if err != nil {
				return fmt.Errorf("block %d: %w", i, err)
			}
			for y := range min(l.blockH, l.h-by*l.blockH) {
				row := raw[y*rowBytes : (y+1)*rowBytes]
				t.unpredict(l, row)
				for x := range min(l.blockW, l.w-bx*l.blockW) {
					v := t.sample(l, row[x*l.cellsPerUnit*l.bytesPerCell:])
					j := (by*l.blockH+y)*l.w + bx*l.blockW + x
					if g.wide != nil {
						g.wide[j] = v
					} else {
						g.values[j] = float32(v)
					}
				}
			}
		}
	}
	return nil
}

// block returns the n decompressed bytes of a block. A block of no bytes is
// one that the writer left out: zeros, as GDAL reads it.
func (t *tiff) block(l *layout, i, n int) ([]byte, error) {
	src, err := t.slice(l.offsets[i], l.counts[i])
	if err != nil {
		return nil, err
	}
	if len(src) == 0 {
		return make([]byte, n), nil
	}
	var r io.Reader
	switch l.compression {
	case 1:
		if len(src) < n {
			return nil, fmt.Errorf("%d bytes of %d", len(src), n)
		}
		return append([]byte(nil), src[:n]...), nil
	case 5:
		c := lzw.NewReader(bytes.NewReader(src), lzw.MSB, 8)
		defer c.Close()
		r = c
	default:
		c, err := zlib.NewReader(bytes.NewReader(src))
		if err != nil {
			return nil, err
		}
		defer c.Close()
		r = c
	}
	// Grow with the data, not with what the header promises.
	var out bytes.Buffer
	if _, err := io.Copy(&out, io.LimitReader(r, int64(n))); err != nil {
		return nil, err
	}
	if out.Len() < n {
		return nil, fmt.Errorf("%d bytes of %d", out.Len(), n)
	}
	return out.Bytes(), nil
}

// unpredict undoes the predictor of one row in place.
func (t *tiff) unpredict(l *layout, row []byte) {
	k := l.cellsPerUnit
	switch l.predictor {
	case 2:
		switch l.bytesPerCell {
		case 1:
			for i := k; i < len(row); i++ {
				row[i] += row[i-k]
			}
		case 2:
			for i := 2 * k; i+1 < len(row); i += 2 {
				t.order.PutUint16(row[i:], t.order.Uint16(row[i:])+t.order.Uint16(row[i-2*k:]))
			}
		case 4:
			for i := 4 * k; i+3 < len(row); i += 4 {
				t.order.PutUint32(row[i:], t.order.Uint32(row[i:])+t.order.Uint32(row[i-4*k:]))
			}
		}
	case 3:
		// Bytes were split by significance, most significant first, and
		// differenced (Adobe Photoshop TIFF Technical Note 3).
		for i := k; i < len(row); i++ {
			row[i] += row[i-k]
		}
		cells := len(row) / l.bytesPerCell
		tmp := append([]byte(nil), row...)
		for i := range cells {
			for b := range l.bytesPerCell {
				at := i*l.bytesPerCell + b
				if t.order == binary.ByteOrder(binary.LittleEndian) {
					at = i*l.bytesPerCell + l.bytesPerCell - 1 - b
				}
				row[at] = tmp[b*cells+i]
			}
		}
	}
}

func (t *tiff) sample(l *layout, p []byte) float64 {
	switch l.bits {
	case 8:
		if l.format == 2 {
			return float64(int8(p[0]))
		}
		return float64(p[0])
	case 16:
		if l.format == 2 {
			return float64(int16(t.order.Uint16(p)))
		}
		return float64(t.order.Uint16(p))
	case 32:
		switch l.format {
		case 2:
			return float64(int32(t.order.Uint32(p)))
		case 3:
			return float64(math.Float32frombits(t.order.Uint32(p)))
		}
		return float64(t.order.Uint32(p))
	}
	return math.Float64frombits(t.order.Uint64(p))
}

// voids turns the value that means "none" into NaN.
func (t *tiff) voids(g *Grid) {
	none, err := strconv.ParseFloat(strings.TrimSpace(t.text(tagNoVal)), 64)
	has := err == nil
	for i := range g.W * g.H {
		v := math.NaN()
		if g.wide != nil {
			v = g.wide[i]
		} else {
			v = float64(g.values[i])
		}
		void := math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) > 1e6
		if has && (v == none || g.wide == nil && float32(v) == float32(none)) {
			void = true
		}
		// -9999 and -32768 are never heights, whether the file says so or not.
		if v == -9999 || v <= -32767 {
			void = true
		}
		if !void {
			continue
		}
		g.Voids++
		if g.wide != nil {
			g.wide[i] = math.NaN()
		} else {
			g.values[i] = float32(math.NaN())
		}
	}
}
