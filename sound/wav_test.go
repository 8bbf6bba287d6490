package sound

import (
	"encoding/binary"
	"math"
	"testing"
)

// wav writes a RIFF file; size and dataSize are the claims of the headers.
func wav(tag, channels, bits, rate int, data []byte, size, dataSize uint32) []byte {
	b := binary.LittleEndian.AppendUint32([]byte("RIFF"), size)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	for _, v := range []int{tag, channels} {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	block := channels * ((bits + 7) / 8)
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate*block))
	b = binary.LittleEndian.AppendUint16(b, uint16(block))
	b = binary.LittleEndian.AppendUint16(b, uint16(bits))
	b = binary.LittleEndian.AppendUint32(append(b, "data"...), dataSize)
	return append(b, data...)
}

func TestWAVFormats(t *testing.T) {
	want := []float32{0.5, -0.25}
	f32 := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.5)), math.Float32bits(-0.25))
	for name, b := range map[string][]byte{
		"8 bit":  wav(1, 1, 8, 8000, []byte{192, 96}, 38, 2),
		"16 bit": wav(1, 1, 16, 8000, []byte{0, 0x40, 0, 0xE0}, 40, 4),
		"24 bit": wav(1, 1, 24, 8000, []byte{0, 0, 0x40, 0, 0, 0xE0}, 42, 6),
		"32 bit": wav(1, 1, 32, 8000, []byte{0, 0, 0, 0x40, 0, 0, 0, 0xE0}, 44, 8),
		"float":  wav(3, 1, 32, 8000, f32, 44, 8),
		"stereo": wav(1, 2, 16, 8000, []byte{0, 0x60, 0, 0x20, 0, 0xC0, 0, 0}, 44, 8),
	} {
		a, err := ParseWAV(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(a.Samples) != 2 || a.Samples[0] != want[0] || a.Samples[1] != want[1] || a.Rate != 8000 || len(a.Flags) != 0 {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// Values of ITU-T G.711, tables 1a and 2a: the smallest and largest steps.
func TestG711(t *testing.T) {
	for b, want := range map[byte]int{0xFF: 0, 0x80: 32124, 0x00: -32124, 0xFE: 8} {
		if got := int(math.Round(float64(muLaw(b)) * 32768)); got != want {
			t.Errorf("mu-law %#x: %d, want %d", b, got, want)
		}
	}
	for b, want := range map[byte]int{0xD5: 8, 0x55: -8, 0xAA: 32256, 0x2A: -32256} {
		if got := int(math.Round(float64(aLaw(b)) * 32768)); got != want {
			t.Errorf("A-law %#x: %d, want %d", b, got, want)
		}
	}
}

func TestWAVHeadersThatLie(t *testing.T) {
	data := make([]byte, 16000)
	for code, b := range map[string][]byte{
		"header_duration":    wav(1, 1, 16, 8000, data, 1<<30, 1<<30),
		"length_not_written": wav(1, 1, 16, 8000, data, 0, 0),
	} {
		a, err := ParseWAV(b)
		if err != nil || len(a.Samples) != 8000 || len(a.Flags) != 1 || a.Flags[0].Code != code {
			t.Errorf("%s: %v %+v", code, err, a)
		}
	}
	for name, b := range map[string][]byte{
		"no sound":  wav(1, 1, 16, 8000, nil, 36, 0)[:36],
		"no rate":   wav(1, 1, 16, 0, data, 36, 16000),
		"no format": []byte("RIFF\x00\x00\x00\x00WAVEdata\x04\x00\x00\x00abcd"),
		"empty":     {},
	} {
		if a, err := ParseWAV(b); err == nil {
			t.Errorf("%s: accepted: %+v", name, a)
		}
	}
}

func FuzzWAV(f *testing.F) {
	f.Add(wav(1, 2, 16, 8000, make([]byte, 64), 100, 64))
	f.Add(wav(3, 1, 64, 48000, make([]byte, 64), 100, 0xFFFFFFFF))
	f.Add([]byte("RF64\xff\xff\xff\xffWAVEds64\x1c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseWAV(b)
		if err != nil {
			return
		}
		if len(a.Samples) > len(b) || a.Rate < 1 {
			t.Fatalf("%d samples from %d bytes, rate %d", len(a.Samples), len(b), a.Rate)
		}
		for _, v := range a.Samples {
			if v != v || v < -1e6 || v > 1e6 {
				t.Fatalf("sample %v", v)
			}
		}
		Condition(a)
	})
}
