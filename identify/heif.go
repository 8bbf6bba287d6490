package identify

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"sightline/tool"
)

// A HEIC is a box of small HEVC pictures and a note of how they are laid out
// (ISO/IEC 23008-12). Many ffmpeg builds show only one tile or refuse the file.
// So our own reader takes the tiles out as a plain HEVC stream, ffmpeg decodes
// that in the box, and our own reader lays the tiles out again.

// heifPlan is how a HEIF picture is stored.
type heifPlan struct {
	Width  int    `json:"width"` // as shown, before rotation
	Height int    `json:"height"`
	Cols   int    `json:"cols"`
	Rows   int    `json:"rows"`
	Turn   int    `json:"turn"`   // quarter turns counter-clockwise, property irot
	Mirror int    `json:"mirror"` // property imir: 0 none, 1 left and right, 2 top and bottom
	Codec  string `json:"codec"`  // hevc, av1
	Frames int    `json:"frames"`
}

// Limits of a HEIF.
const (
	heifMost  = 256 << 20
	heifTiles = 4096
)

type heifItem struct {
	typ     string
	props   []int // into the list of properties, from 1
	extents [][2]uint64
	method  int
	refs    []uint32 // derived from, in order
}

// readHEIF finds the primary picture and writes its coded tiles to out as one
// stream that ffmpeg reads.
func readHEIF(b []byte) (plan *heifPlan, stream []byte, err error) {
	meta, ok := find(b, 0, len(b), "meta")
	if !ok || meta.end-meta.start < 4 {
		return nil, nil, errors.New("the picture has no table of contents: it is cut short or no HEIF")
	}
	list, _ := boxes(b, meta.start+4, meta.end)
	items := map[uint32]*heifItem{}
	get := func(id uint32) *heifItem {
		if items[id] == nil {
			items[id] = &heifItem{}
		}
		return items[id]
	}
	var primary uint32
	var props []isoBox
	idat := isoBox{}
	short := errors.New("the picture's table of contents is damaged")
	for _, x := range list {
		c := &cursor{b: b[x.start:x.end]}
		switch x.name {
		case "pitm":
			v := c.u8()
			c.skip(3)
			primary = c.id(v > 0)
		case "iinf":
			v := c.u8()
			c.skip(3)
			if v == 0 {
				c.u16()
			} else {
				c.u32()
			}
			infos, _ := boxes(b, x.start+c.at, x.end)
			for _, e := range infos {
				if e.name != "infe" {
					continue
				}
				d := &cursor{b: b[e.start:e.end]}
				v := d.u8()
				d.skip(3)
				id := d.id(v > 2)
				d.skip(2)
				get(id).typ = string(d.bytes(4))
			}
		case "iloc":
			v := c.u8()
			c.skip(3)
			s := c.u16()
			offSize, lenSize, baseSize, idxSize := int(s>>12), int(s>>8&15), int(s>>4&15), int(s&15)
			if v == 0 {
				idxSize = 0
			}
			n := 0
			if v < 2 {
				n = int(c.u16())
			} else {
				n = int(c.u32())
			}
			for range min(n, 100_000) {
				it := get(c.id(v > 1))
				if v > 0 {
					it.method = int(c.u16() & 15)
				}
				c.skip(2)
				base := c.sized(baseSize)
				for range int(c.u16()) {
					if v > 0 {
						c.sized(idxSize)
					}
					off, n := c.sized(offSize), c.sized(lenSize)
					it.extents = append(it.extents, [2]uint64{base + off, n})
					if c.bad {
						return nil, nil, short
					}
				}
			}
		case "iref":
			v := c.u8()
			refs, _ := boxes(b, x.start+4, x.end)
			for _, e := range refs {
				if e.name != "dimg" {
					continue
				}
				d := &cursor{b: b[e.start:e.end]}
				from := get(d.id(v > 0))
				for range int(d.u16()) {
					from.refs = append(from.refs, d.id(v > 0))
					if d.bad {
						return nil, nil, short
					}
				}
			}
		case "iprp":
			parts, _ := boxes(b, x.start, x.end)
			for _, p := range parts {
				switch p.name {
				case "ipco":
					props, _ = boxes(b, p.start, p.end)
				case "ipma":
					d := &cursor{b: b[p.start:p.end]}
					v := d.u8()
					d.skip(2)
					wide := d.u8()&1 == 1
					for range min(int(d.u32()), 100_000) {
						it := get(d.id(v > 0))
						for range int(d.u8()) {
							if wide {
								it.props = append(it.props, int(d.u16()&0x7fff))
							} else {
								it.props = append(it.props, int(d.u8()&0x7f))
							}
							if d.bad {
								return nil, nil, short
							}
						}
					}
				}
			}
		case "idat":
			idat = x
		}
		if c.bad {
			return nil, nil, short
		}
	}
	data := func(it *heifItem) ([]byte, error) {
		var out []byte
		for _, e := range it.extents {
			from, n := e[0], e[1]
			src := b
			if it.method == 1 {
				src = b[idat.start:idat.end]
			} else if it.method != 0 {
				return nil, errors.New("the picture is stored in a way that is not read")
			}
			if n == 0 && from <= uint64(len(src)) {
				n = uint64(len(src)) - from
			}
			if from > uint64(len(src)) || n > uint64(len(src))-from {
				return nil, errors.New("the picture's data are cut short")
			}
			out = append(out, src[from:from+n]...)
			if len(out) > heifMost {
				return nil, errors.New("the picture's data are larger than is read")
			}
		}
		return out, nil
	}
	prop := func(it *heifItem, name string) *cursor {
		for _, k := range it.props {
			if k >= 1 && k <= len(props) && props[k-1].name == name {
				return &cursor{b: b[props[k-1].start:props[k-1].end]}
			}
		}
		return nil
	}
	top, ok := items[primary]
	if !ok {
		return nil, nil, errors.New("the picture names no primary image")
	}
	plan = &heifPlan{Cols: 1, Rows: 1}
	if c := prop(top, "ispe"); c != nil {
		c.skip(4)
		plan.Width, plan.Height = int(c.u32()), int(c.u32())
	}
	if c := prop(top, "irot"); c != nil {
		plan.Turn = int(c.u8() & 3)
	}
	if c := prop(top, "imir"); c != nil {
		plan.Mirror = 1 + int(c.u8()&1) // 0 is the vertical axis: left and right change places
	}
	tiles := []*heifItem{top}
	if top.typ == "grid" {
		g, err := data(top)
		if err != nil {
			return nil, nil, err
		}
		c := &cursor{b: g}
		c.skip(1)
		flags := c.u8()
		plan.Rows, plan.Cols = int(c.u8())+1, int(c.u8())+1
		if flags&1 == 1 {
			plan.Width, plan.Height = int(c.u32()), int(c.u32())
		} else {
			plan.Width, plan.Height = int(c.u16()), int(c.u16())
		}
		if c.bad || len(top.refs) != plan.Rows*plan.Cols || len(top.refs) > heifTiles {
			return nil, nil, errors.New("the picture's grid does not fit its tiles")
		}
		tiles = nil
		for _, id := range top.refs {
			if items[id] == nil {
				return nil, nil, errors.New("a tile of the picture is missing")
			}
			tiles = append(tiles, items[id])
		}
	}
	if plan.Width <= 0 || plan.Height <= 0 || plan.Width > maxSide || plan.Height > maxSide || plan.Width*plan.Height > maxPixels {
		return nil, nil, fmt.Errorf("the picture says that it is %d by %d pixels, which is not shown", plan.Width, plan.Height)
	}
	plan.Frames = len(tiles)
	for _, t := range tiles {
		d, err := data(t)
		if err != nil {
			return nil, nil, err
		}
		switch t.typ {
		case "hvc1":
			plan.Codec = "hevc"
			head, lengthSize, err := hevcHead(prop(t, "hvcC"))
			if err != nil {
				return nil, nil, err
			}
			stream = append(stream, head...)
			for len(d) >= lengthSize {
				n := 0
				for _, x := range d[:lengthSize] {
					n = n<<8 | int(x)
				}
				d = d[lengthSize:]
				if n > len(d) {
					return nil, nil, errors.New("a tile of the picture is cut short")
				}
				stream = append(append(stream, 0, 0, 0, 1), d[:n]...)
				d = d[n:]
			}
		case "av01":
			if plan.Codec = "av1"; len(tiles) > 1 {
				return nil, nil, errors.New("an AVIF of several tiles is not laid out here")
			}
			return plan, nil, nil
		default:
			return nil, nil, fmt.Errorf("the picture is coded as %q, which is not read", clean(t.typ))
		}
		if len(stream) > heifMost {
			return nil, nil, errors.New("the picture's data are larger than is read")
		}
	}
	return plan, stream, nil
}

// hevcHead is the parameter sets of a tile with start codes, and how many
// bytes hold the length of a unit.
func hevcHead(c *cursor) (head []byte, lengthSize int, err error) {
	if c == nil {
		return nil, 0, errors.New("a tile does not say how it is coded")
	}
	c.skip(21)
	lengthSize = int(c.u8()&3) + 1
	for range int(c.u8()) {
		c.u8()
		for range int(c.u16()) {
			n := int(c.u16())
			u := c.bytes(n)
			if c.bad {
				return nil, 0, errors.New("a tile's parameters are damaged")
			}
			head = append(append(head, 0, 0, 0, 1), u...)
		}
	}
	return head, lengthSize, nil
}

// cursor reads big-endian numbers; past the end it says so and gives zeros.
type cursor struct {
	b   []byte
	at  int
	bad bool
}

func (c *cursor) bytes(n int) []byte {
	if n < 0 || c.at+n > len(c.b) {
		c.bad = true
		return make([]byte, max(min(n, 16), 0))
	}
	c.at += n
	return c.b[c.at-n : c.at]
}

func (c *cursor) skip(n int) { c.bytes(n) }
func (c *cursor) u8() uint8  { return c.bytes(1)[0] }
func (c *cursor) u16() uint16 {
	return binary.BigEndian.Uint16(c.bytes(2))
}
func (c *cursor) u32() uint32 { return binary.BigEndian.Uint32(c.bytes(4)) }

func (c *cursor) id(wide bool) uint32 {
	if wide {
		return c.u32()
	}
	return uint32(c.u16())
}

func (c *cursor) sized(n int) uint64 {
	switch n {
	case 0:
		return 0
	case 4:
		return uint64(c.u32())
	case 8:
		return binary.BigEndian.Uint64(c.bytes(8))
	}
	c.bad = true
	return 0
}

// heifStream runs in the box: the tiles of in as a stream in dir.
func heifStream(in, dir string) (*heifPlan, error) {
	fi, err := os.Stat(in)
	if err != nil {
		return nil, err
	}
	if fi.Size() > heifMost {
		return nil, errors.New("the picture's file is larger than is read")
	}
	b, err := os.ReadFile(in)
	if err != nil {
		return nil, err
	}
	plan, stream, err := readHEIF(b)
	if err != nil {
		return nil, err
	}
	if plan.Codec == "hevc" {
		if err := os.WriteFile(filepath.Join(dir, "tiles.hevc"), stream, 0o600); err != nil {
			return nil, fmt.Errorf("failed to write the tiles: %w", err)
		}
	}
	return plan, nil
}

// heifJoin runs in the box: it lays the decoded tiles, raw RGB of w by h one
// after another, out as still.png in dir, standing as the file says.
func heifJoin(raw, dir string, p heifPlan, w, h int) (*pictureReport, error) {
	if w <= 0 || h <= 0 || w > maxSide || h > maxSide || p.Cols <= 0 || p.Rows <= 0 || p.Width > w*p.Cols || p.Height > h*p.Rows || p.Width*p.Height > maxPixels {
		return nil, errors.New("the decoded tiles do not fill the picture")
	}
	b, err := os.ReadFile(raw)
	if err != nil {
		return nil, err
	}
	n := 3 * w * h
	if len(b) < n*p.Cols*p.Rows {
		return nil, fmt.Errorf("only %d of %d tiles could be decoded", len(b)/n, p.Cols*p.Rows)
	}
	full := image.NewRGBA(image.Rect(0, 0, p.Width, p.Height))
	for k := range p.Cols * p.Rows {
		t := b[k*n : (k+1)*n]
		x0, y0 := k%p.Cols*w, k/p.Cols*h
		for y := range min(h, p.Height-y0) {
			for x := range min(w, p.Width-x0) {
				s, d := 3*(y*w+x), full.PixOffset(x0+x, y0+y)
				full.Pix[d], full.Pix[d+1], full.Pix[d+2], full.Pix[d+3] = t[s], t[s+1], t[s+2], 255
			}
		}
	}
	out := full
	switch p.Turn { // counter-clockwise in the file; turn counts as EXIF does
	case 1:
		out = turn(full, 8)
	case 2:
		out = turn(full, 3)
	case 3:
		out = turn(full, 6)
	}
	switch p.Mirror {
	case 1:
		out = turn(out, 2)
	case 2:
		out = turn(out, 4)
	}
	var buf bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := enc.Encode(&buf, out); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "still.png"), buf.Bytes(), 0o600); err != nil {
		return nil, fmt.Errorf("failed to write the picture: %w", err)
	}
	return &pictureReport{Format: "heif", Width: out.Rect.Dx(), Height: out.Rect.Dy()}, nil
}

// tiled makes the PNG of a HEIC from its tiles. The recipe names both steps.
func (e *Env) tiled(ctx context.Context, path string) (*tool.Result, string, error) {
	dir, remove, err := e.Box.Temp()
	if err != nil {
		return nil, "", err
	}
	defer remove()
	var p heifPlan
	if _, err := e.own(ctx, &p, tool.Cmd{Args: []string{"heif", path, dir}, Read: []string{path}, Dir: dir}); err != nil {
		return nil, "", err
	}
	if p.Codec != "hevc" {
		return nil, "", errors.New("the picture is coded as " + p.Codec)
	}
	stream, raw := filepath.Join(dir, "tiles.hevc"), filepath.Join(dir, "tiles.rgb")
	m, _, err := e.Box.Probe(ctx, stream)
	if err != nil {
		return nil, "", fmt.Errorf("the tiles cannot be decoded: %w", err)
	}
	w, h := m.Streams[0].Width, m.Streams[0].Height
	args := append(tool.FFmpegArgs(stream, "-f", "hevc"), "-map", "0:v:0", "-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", raw)
	res, err := e.Box.Run(ctx, tool.Cmd{Program: "ffmpeg", Args: args, Read: []string{stream}, Dir: dir, Limits: tool.Limits{CPU: time.Minute, Memory: 4 << 30}})
	if err != nil {
		return nil, "", fmt.Errorf("the tiles cannot be decoded: %w", err)
	}
	plan, err := json.Marshal(p)
	if err != nil {
		return nil, "", err
	}
	var rep pictureReport
	joined, err := e.own(ctx, &rep, tool.Cmd{Args: []string{"join", raw, dir, string(plan), strconv.Itoa(w), strconv.Itoa(h)}, Read: []string{raw}, Dir: dir})
	if err != nil {
		return nil, "", err
	}
	res.Args = append(append(append([]string{}, res.Args...), "|"), joined.Args...)
	to := dir + ".png"
	if err := os.Rename(filepath.Join(dir, "still.png"), to); err != nil {
		return nil, "", fmt.Errorf("failed to keep the picture: %w", err)
	}
	return res, to, nil
}
