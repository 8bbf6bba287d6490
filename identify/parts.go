package identify

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// jpegParts is what lies in a JPEG beside its picture.
type jpegParts struct {
	Thumb    []byte // the EXIF thumbnail
	Tables   [][64]uint16
	End      int // where the picture ends, so that what was appended is seen
	Segments []string
	Damage   string
}

// readJPEG walks the segments of a JPEG. It never fails: what is damaged is
// said in Damage, and what was found before stays.
func readJPEG(b []byte) (p jpegParts) {
	if len(b) < 4 || b[0] != 0xff || b[1] != 0xd8 {
		p.Damage = "it does not begin as a JPEG"
		return p
	}
	for i := 2; ; {
		for i < len(b) && b[i] != 0xff {
			i++
		}
		for i < len(b) && b[i] == 0xff {
			i++
		}
		if i >= len(b) {
			p.Damage, p.End = "it ends before the picture does", len(b)
			return p
		}
		m := b[i]
		i++
		switch {
		case m == 0xd9:
			p.End = i
			return p
		case m == 0 || m == 1 || m >= 0xd0 && m <= 0xd8:
			continue
		}
		if i+2 > len(b) {
			p.Damage, p.End = "it ends inside a segment", len(b)
			return p
		}
		n := int(b[i])<<8 | int(b[i+1])
		if n < 2 || i+n > len(b) {
			p.Damage, p.End = fmt.Sprintf("a segment at byte %d is longer than the file", i-2), len(b)
			return p
		}
		seg := b[i+2 : i+n]
		switch m {
		case 0xe1:
			if bytes.HasPrefix(seg, []byte("Exif\x00\x00")) {
				p.Segments = append(p.Segments, "EXIF")
				if t := exifThumb(seg[6:]); t != nil && p.Thumb == nil {
					p.Thumb = t
				}
			} else if bytes.HasPrefix(seg, []byte("http://ns.adobe.com/xap")) {
				p.Segments = append(p.Segments, "XMP")
			}
		case 0xdb:
			for len(seg) >= 65 {
				var t [64]uint16
				if seg[0]>>4 == 0 {
					for k := range t {
						t[k] = uint16(seg[1+k])
					}
					seg = seg[65:]
				} else {
					if len(seg) < 129 {
						break
					}
					for k := range t {
						t[k] = binary.BigEndian.Uint16(seg[1+2*k:])
					}
					seg = seg[129:]
				}
				if len(p.Tables) < 8 {
					p.Tables = append(p.Tables, t)
				}
			}
		case 0xe0:
			p.Segments = append(p.Segments, "JFIF")
		case 0xed:
			p.Segments = append(p.Segments, "IPTC")
		case 0xee:
			p.Segments = append(p.Segments, "Adobe")
		}
		i += n
	}
}

// exifThumb finds the JPEG of the second directory of a TIFF block.
func exifThumb(t []byte) []byte {
	if len(t) < 8 {
		return nil
	}
	var o binary.ByteOrder = binary.BigEndian
	if t[0] == 'I' {
		o = binary.LittleEndian
	}
	dir := func(at uint32) (next uint32, tags map[uint16]uint32) {
		tags = map[uint16]uint32{}
		if uint64(at)+2 > uint64(len(t)) {
			return 0, tags
		}
		n := int(o.Uint16(t[at:]))
		for k := range n {
			e := int(at) + 2 + 12*k
			if e+12 > len(t) {
				return 0, tags
			}
			v := o.Uint32(t[e+8:])
			if o.Uint16(t[e+2:]) == 3 {
				v = uint32(o.Uint16(t[e+8:]))
			}
			tags[o.Uint16(t[e:])] = v
		}
		if e := int(at) + 2 + 12*n; e+4 <= len(t) {
			next = o.Uint32(t[e:])
		}
		return next, tags
	}
	second, _ := dir(o.Uint32(t[4:]))
	if second == 0 {
		return nil
	}
	_, tags := dir(second)
	at, n := uint64(tags[0x201]), uint64(tags[0x202])
	if at == 0 || n < 64 || at+n > uint64(len(t)) || t[at] != 0xff || t[at+1] != 0xd8 {
		return nil
	}
	return t[at : at+n]
}

// zigzag luminance table of Annex K of the JPEG standard at quality 50.
var annexK = [64]uint16{
	16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
	56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
}

// libjpegQuality tells at which quality of libjpeg a luminance table was made,
// or 0 when it is none of them. Programs and messengers use these tables; most
// cameras have their own.
func libjpegQuality(t [64]uint16) int {
	for q := 1; q <= 100; q++ {
		scale := 200 - 2*q
		if q < 50 {
			scale = 5000 / q
		}
		same := true
		for k, v := range annexK {
			if w := min(max((int(v)*scale+50)/100, 1), 255); uint16(w) != t[k] {
				same = false
				break
			}
		}
		if same {
			return q
		}
	}
	return 0
}

// Embedded is a file found whole inside another one.
type Embedded struct {
	Kind   string `json:"kind"` // video: the moving part of a motion photo
	Type   string `json:"type"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"`
}

// motionVideo finds the video that a phone appended to a picture: an ISO file
// whose boxes fill the rest up to the trailer. It is told by its bytes, never by
// what XMP says alone.
func motionVideo(b []byte, from int) (e Embedded, ok bool) {
	for at := from; at >= 0 && at < len(b); {
		k := bytes.Index(b[at:], []byte("ftyp"))
		if k < 0 {
			return e, false
		}
		start := at + k - 4
		at += k + 4
		if start < from {
			continue
		}
		end, boxes, movie := start, 0, false
		for end+8 <= len(b) {
			n := int64(binary.BigEndian.Uint32(b[end:]))
			name := string(b[end+4 : end+8])
			if n == 1 && end+16 <= len(b) {
				n = int64(min(binary.BigEndian.Uint64(b[end+8:]), 1<<62))
			}
			if n == 0 {
				n = int64(len(b) - end)
			}
			if n < 8 || n > int64(len(b)-end) || !boxName(name) {
				break
			}
			movie = movie || name == "moov" || name == "moof"
			boxes++
			end += int(n)
		}
		if boxes >= 2 && movie {
			typ := "video/mp4"
			if string(b[start+8:min(start+10, len(b))]) == "qt" {
				typ = "video/quicktime"
			}
			return Embedded{Kind: "video", Type: typ, Offset: int64(start), Size: int64(end - start)}, true
		}
	}
	return e, false
}

func boxName(s string) bool {
	for _, c := range []byte(s) {
		if c != 0xa9 && (c < 0x20 || c > 0x7e) {
			return false
		}
	}
	return true
}

// box is one box of an ISO file.
type isoBox struct {
	name       string
	start, end int // of its content
}

// boxes lists the boxes of b[from:to]; it stops at the first that does not fit,
// and never lists more than 100,000.
func boxes(b []byte, from, to int) (list []isoBox, damage string) {
	for i := from; i+8 <= to && len(list) < 100_000; {
		n, head := int64(binary.BigEndian.Uint32(b[i:])), 8
		name := string(b[i+4 : i+8])
		if n == 1 {
			if i+16 > to {
				return list, "ends inside a box"
			}
			n, head = int64(min(binary.BigEndian.Uint64(b[i+8:]), 1<<62)), 16
		}
		if n == 0 {
			n = int64(to - i)
		}
		if n < int64(head) || n > int64(to-i) {
			return list, fmt.Sprintf("the box %q at byte %d does not fit into the file", clean(name), i)
		}
		list = append(list, isoBox{name, i + head, i + int(n)})
		i += int(n)
	}
	return list, ""
}

// find descends along a path of box names, the first of each.
func find(b []byte, from, to int, path ...string) (isoBox, bool) {
	for depth, name := range path {
		list, _ := boxes(b, from, to)
		hit := false
		for _, x := range list {
			if x.name == name {
				from, to, hit = x.start, x.end, true
				if depth == len(path)-1 {
					return x, true
				}
				break
			}
		}
		if !hit {
			return isoBox{}, false
		}
	}
	return isoBox{}, false
}
