package exercise

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// tags is what an invented device writes into a JPEG (Exif 2.31, CIPA
// DC-008-2016). Empty values are left out.
type tags struct {
	Make, Model, Describe string
	Orientation           int
	DateTime              string // local, YYYY:MM:DD HH:MM:SS
	OffsetTime            string // ±HH:MM
	SubSec                string
	F35                   int
	FNumber, FocalMM      float64
	Lat, Lon, Alt         float64
	GPS                   bool
}

type entry struct {
	tag, kind uint16
	count     uint32
	data      []byte
}

func ascii(tag uint16, s string) entry {
	return entry{tag, 2, uint32(len(s) + 1), append([]byte(s), 0)}
}
func short(tag uint16, v int) entry {
	return entry{tag, 3, 1, binary.LittleEndian.AppendUint16(nil, uint16(v))}
}
func long(tag uint16, v uint32) entry {
	return entry{tag, 4, 1, binary.LittleEndian.AppendUint32(nil, v)}
}
func rationals(tag uint16, den uint32, vs ...float64) entry {
	e := entry{tag: tag, kind: 5, count: uint32(len(vs))}
	for _, v := range vs {
		e.data = binary.LittleEndian.AppendUint32(e.data, uint32(math.Round(v*float64(den))))
		e.data = binary.LittleEndian.AppendUint32(e.data, den)
	}
	return e
}

// ifd writes one directory whose first byte stands at offset at of the TIFF;
// entries are in order of their tags.
func ifd(at int, es []entry) []byte {
	var head, tail []byte
	head = binary.LittleEndian.AppendUint16(head, uint16(len(es)))
	values := at + 2 + 12*len(es) + 4
	for _, e := range es {
		head = binary.LittleEndian.AppendUint16(head, e.tag)
		head = binary.LittleEndian.AppendUint16(head, e.kind)
		head = binary.LittleEndian.AppendUint32(head, e.count)
		if len(e.data) <= 4 {
			head = append(head, append(e.data, make([]byte, 4-len(e.data))...)...)
			continue
		}
		head = binary.LittleEndian.AppendUint32(head, uint32(values+len(tail)))
		tail = append(tail, e.data...)
		if len(tail)%2 == 1 {
			tail = append(tail, 0)
		}
	}
	return append(append(head, 0, 0, 0, 0), tail...)
}

// tiff is the body of the Exif segment.
func (t tags) tiff() []byte {
	sub := []entry{}
	if t.FNumber > 0 {
		sub = append(sub, rationals(0x829D, 10, t.FNumber))
	}
	sub = append(sub, entry{0x9000, 7, 4, []byte("0231")}, ascii(0x9003, t.DateTime), ascii(0x9004, t.DateTime))
	if t.OffsetTime != "" {
		sub = append(sub, ascii(0x9010, t.OffsetTime), ascii(0x9011, t.OffsetTime))
	}
	if t.FocalMM > 0 {
		sub = append(sub, rationals(0x920A, 100, t.FocalMM))
	}
	if t.SubSec != "" {
		sub = append(sub, ascii(0x9291, t.SubSec))
	}
	sub = append(sub, short(0xA405, t.F35))
	var gps []entry
	if t.GPS {
		dms := func(v float64) (d, m, s float64) {
			v = math.Abs(v)
			d = math.Floor(v)
			m = math.Floor((v - d) * 60)
			return d, m, (v - d - m/60) * 3600
		}
		ref := func(v float64, pos, neg string) string {
			if v < 0 {
				return neg
			}
			return pos
		}
		a, b, c := dms(t.Lat)
		d, e, f := dms(t.Lon)
		gps = []entry{{0, 1, 4, []byte{2, 3, 0, 0}}, ascii(1, ref(t.Lat, "N", "S")), rationals(2, 10000, a, b, c), ascii(3, ref(t.Lon, "E", "W")), rationals(4, 10000, d, e, f),
			{5, 1, 1, []byte{0}}, rationals(6, 100, t.Alt), ascii(0x12, "WGS-84")}
	}
	build := func(subAt, gpsAt int) []byte {
		main := []entry{ascii(0x010E, t.Describe), ascii(0x010F, t.Make), ascii(0x0110, t.Model), short(0x0112, t.Orientation), ascii(0x0131, "sightline exercise"), ascii(0x0132, t.DateTime), long(0x8769, uint32(subAt))}
		if t.GPS {
			main = append(main, long(0x8825, uint32(gpsAt)))
		}
		return ifd(8, main)
	}
	n := len(build(0, 0))
	s := ifd(8+n, sub)
	out := append([]byte{'I', 'I', 42, 0, 8, 0, 0, 0}, build(8+n, 8+n+len(s))...)
	out = append(out, s...)
	if t.GPS {
		out = append(out, ifd(8+n+len(s), gps)...)
	}
	return out
}

// segment inserts a marker segment behind the start of a JPEG.
func segment(jpg []byte, marker byte, body []byte) ([]byte, error) {
	if len(jpg) < 2 || jpg[0] != 0xFF || jpg[1] != 0xD8 {
		return nil, errors.New("not a JPEG")
	}
	if len(body) > 65533 {
		return nil, fmt.Errorf("a JPEG segment of %d bytes does not fit", len(body))
	}
	var b bytes.Buffer
	b.Write(jpg[:2])
	b.Write([]byte{0xFF, marker, byte((len(body) + 2) >> 8), byte(len(body) + 2)})
	b.Write(body)
	b.Write(jpg[2:])
	return b.Bytes(), nil
}

// withEXIF puts the tags into a JPEG.
func withEXIF(jpg []byte, t tags) ([]byte, error) {
	return segment(jpg, 0xE1, append([]byte("Exif\x00\x00"), t.tiff()...))
}

// withComment puts a comment into a JPEG.
func withComment(jpg []byte, s string) ([]byte, error) { return segment(jpg, 0xFE, []byte(s)) }
