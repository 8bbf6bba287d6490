package redact

import (
	"encoding/binary"
	"io"
	"math"
)

// rawWriter writes raw pictures as Matroska (RFC 9559) for the encoder: the
// simplest container in which each picture carries its own time, so that a
// phone's uneven rate survives.
type rawWriter struct {
	w     io.Writer
	began bool
	wide  int
	high  int
	step  int64 // usual time between pictures, microseconds
}

func ebmlID(id uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, id)
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	return b
}

// element is an identifier, a size in eight bytes, and the content.
func element(id uint32, content []byte) []byte {
	b := ebmlID(id)
	b = binary.BigEndian.AppendUint64(b, uint64(len(content))|1<<56)
	return append(b, content...)
}

func number(id uint32, v uint64) []byte { return element(id, binary.BigEndian.AppendUint64(nil, v)) }

func join(parts ...[]byte) (out []byte) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// frame writes one I420 picture with its time in microseconds.
func (r *rawWriter) frame(us int64, pix []byte) error {
	if !r.began {
		r.began = true
		head := element(0x1A45DFA3, join(number(0x4286, 1), number(0x42F7, 1), number(0x42F2, 4), number(0x42F3, 8),
			element(0x4282, []byte("matroska")), number(0x4287, 4), number(0x4285, 2)))
		head = append(head, ebmlID(0x18538067)...)
		head = append(head, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF) // a segment whose size is not known yet
		head = append(head, element(0x1549A966, join(number(0x2AD7B1, 1000), element(0x4D80, []byte("sightline")), element(0x5741, []byte("sightline"))))...)
		video := element(0xE0, join(number(0xB0, uint64(r.wide)), number(0xBA, uint64(r.high)), element(0x2EB524, []byte("I420"))))
		track := join(number(0xD7, 1), number(0x73C5, 1), number(0x83, 1), number(0x9C, 0), element(0x86, []byte("V_UNCOMPRESSED")), video)
		if r.step > 0 {
			track = append(track, number(0x23E383, uint64(r.step)*1000)...)
		}
		head = append(head, element(0x1654AE6B, element(0xAE, track))...)
		if _, err := r.w.Write(head); err != nil {
			return err
		}
	}
	at := number(0xE7, uint64(max(0, us)))
	if len(pix) > math.MaxInt32 {
		return io.ErrShortWrite
	}
	block := append(ebmlID(0xA3), binary.BigEndian.AppendUint64(nil, uint64(len(pix)+4)|1<<56)...)
	block = append(block, 0x81, 0, 0, 0x80)
	head := append(ebmlID(0x1F43B675), binary.BigEndian.AppendUint64(nil, uint64(len(at)+len(block)+len(pix))|1<<56)...)
	if _, err := r.w.Write(join(head, at, block)); err != nil {
		return err
	}
	_, err := r.w.Write(pix)
	return err
}
