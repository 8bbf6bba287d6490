package tables

import (
	"encoding/binary"
	"fmt"
	"math"

	"sightline"
)

// read takes a sheet into columns that do not have it yet. It does what
// unpackSheet and put do, without making anything on the way: a million cards
// made one by one cost seconds and as much memory again as they fill.
func (c *columns) read(first uint32, body []byte) error {
	bad := fmt.Errorf("the sheet cannot be read: %w", sightline.ErrDamaged)
	r := unpacker{b: body}
	if r.byte() != sheetVersion {
		return bad
	}
	n, k := r.uint(), r.uint()
	if r.bad || n > perSheet || k > uint64(len(body)) {
		return bad
	}
	words := make([][]byte, k)
	for i := range words {
		words[i] = r.bytes(r.uint())
	}
	// What each word of the sheet is in each field; -1: not yet looked up.
	codes := make([][nFields + 3]int32, k)
	for i := range codes {
		for f := range codes[i] {
			codes[i][f] = -1
		}
	}
	code := func(f, most int) uint32 {
		i := r.uint()
		if r.bad || i >= uint64(len(words)) {
			r.bad = true
			return 0
		}
		if codes[i][f] < 0 {
			codes[i][f] = int32(c.names[f].code(string(words[i]), most))
		}
		return uint32(codes[i][f])
	}
	for j := range uint32(n) {
		at := first + j
		c.grow(at)
		flags := r.byte()
		c.oid[at] = int64(r.uint())
		id := r.bytes(r.uint())
		if len(id) > maxID {
			return bad
		}
		live, timed := flags&1 != 0, flags&2 != 0
		set(c.live, at, live)
		set(c.timed, at, live && timed)
		var title []byte
		if live {
			if title = r.bytes(r.uint()); len(title) > maxTitle {
				return bad
			}
			if flags&4 != 0 {
				c.min[at] = r.int()
			}
			if flags&8 != 0 {
				c.max[at] = r.int()
			}
			places := r.uint()
			if places > MaxPlaces {
				return bad
			}
			set(c.several, at, places > 1)
			for p := range places {
				lon, lat := int32(r.int()), int32(r.int())
				if p == 0 {
					c.at[2*at], c.at[2*at+1] = lon, lat
				} else {
					c.more[at] = append(c.more[at], [2]int32{lon, lat})
				}
			}
			for f := range nFields {
				c.code[f][at] = uint16(code(f, maxValues))
			}
			if r.bad {
				return bad
			}
			c.code[fStatus][at] = uint16(c.names[fStatus].code(status(func(f int) string { return c.names[f].names[c.code[f][at]] }), maxValues))
		} else {
			for f := range nFields {
				c.code[f][at] = uint16(c.names[f].code("", maxValues))
			}
			c.code[fStatus][at] = uint16(c.names[fStatus].code(status(func(int) string { return "" }), maxValues))
		}
		c.off[at] = uint32(len(c.text))
		c.text = append(c.text, byte(len(id)), byte(len(title)), 0, 0)
		c.text = append(append(c.text, id...), title...)
		if live {
			for l := range 2 {
				m := r.uint()
				if m > uint64(len(body)) {
					return bad
				}
				c.text[c.off[at]+2+uint32(l)] = byte(min(m, 255))
				for i := range m {
					if v := code(fTag+l, math.MaxInt32); i < 255 {
						c.text = binary.LittleEndian.AppendUint32(c.text, v)
					}
				}
			}
			if flags&16 != 0 {
				if pdq := r.bytes(32); pdq != nil {
					c.hashes = append(c.hashes, hash{at, bitsOf(pdq)})
				}
			}
		}
		if r.bad {
			return bad
		}
	}
	if len(r.b) != 0 {
		return bad
	}
	return nil
}
