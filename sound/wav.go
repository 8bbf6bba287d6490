package sound

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Audio is decoded sound on one channel. Samples lie between -1 and 1 when the
// file kept to its full scale. Frames are spaced 1/Rate seconds from the first.
type Audio struct {
	Rate     int // frames a second
	Channels int // of the file, before they were averaged
	Samples  []float32
	Flags    []Flag // what was wrong with the file or the sound
}

// Duration is in seconds, counted from the frames that are there and not from
// what a header claims.
func (a *Audio) Duration() float64 {
	if a.Rate <= 0 {
		return 0
	}
	return float64(len(a.Samples)) / float64(a.Rate)
}

// Flag is a remark on a recording that a reader of its results should know.
type Flag struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// ErrNotWAV: the bytes do not begin as a WAV file does, so another decoder
// should be asked.
var ErrNotWAV = errors.New("this is not a WAV file")

// wavFormat is the part of the fmt chunk that decoding needs.
type wavFormat struct {
	tag, channels, bits, block int
	rate                       int
}

const (
	wavPCM, wavFloat, wavALaw, wavMuLaw, wavExtensible = 1, 3, 6, 7, 0xFFFE
	maxRate                                            = 768000
)

// ParseWAV reads RIFF, RIFX and RF64 (EBU Tech 3306) files with 8, 16, 24 and
// 32 bit integers, 32 and 64 bit floats, A-law and mu-law (ITU-T G.711), and
// averages the channels. Sizes in headers are claims: a data chunk that
// promises more than the file holds, has no size, or follows a broken chunk is
// read as far as bytes are there, with a flag. It never panics on any input.
func ParseWAV(b []byte) (*Audio, error) {
	if len(b) < 12 || string(b[8:12]) != "WAVE" {
		return nil, ErrNotWAV
	}
	var order binary.ByteOrder = binary.LittleEndian
	long := false
	switch string(b[:4]) {
	case "RIFF":
	case "RIFX":
		order = binary.BigEndian
	case "RF64", "BW64":
		long = true
	default:
		return nil, ErrNotWAV
	}
	var (
		f        wavFormat
		have     bool
		longData uint64
		a        = &Audio{}
	)
	for at := uint64(12); at+8 <= uint64(len(b)); {
		id, size := string(b[at:at+4]), uint64(order.Uint32(b[at+4:]))
		body := b[at+8:]
		claimed := size
		if long && size == 0xFFFFFFFF && id == "data" {
			claimed = longData
		}
		left := uint64(len(body))
		switch id {
		case "ds64":
			if left >= 16 {
				longData = order.Uint64(body[8:])
			}
		case "fmt ":
			if claimed < 16 || left < 16 {
				return nil, errors.New("the format part of this WAV file is cut short")
			}
			f = wavFormat{tag: int(order.Uint16(body)), channels: int(order.Uint16(body[2:])), rate: int(order.Uint32(body[4:])),
				block: int(order.Uint16(body[12:])), bits: int(order.Uint16(body[14:]))}
			if f.tag == wavExtensible && claimed >= 26 && left >= 26 {
				f.tag = int(order.Uint16(body[24:]))
			}
			have = true
		case "data":
			if !have {
				return nil, errors.New("this WAV file has sound before it says in which format")
			}
			whole := left - left%uint64(max(f.block, 1))
			switch {
			case claimed == 0 || claimed == 0xFFFFFFFF:
				// A writer that streams, or that was cut off, leaves no size.
				if left > 0 {
					a.flag("length_not_written", "The header does not say how long the sound is; it was read to the end of the file.")
				}
				claimed = whole
			case claimed > left:
				if f.rate > 0 && f.block > 0 {
					a.flag("header_duration", "The header promises %.3f s, the file holds %.3f s.",
						float64(claimed)/float64(f.block)/float64(f.rate), float64(whole)/float64(f.block)/float64(f.rate))
				}
				claimed = whole
			}
			if err := f.decode(a, body[:claimed], order); err != nil {
				return nil, err
			}
			return a, nil
		}
		next := at + 8 + claimed + claimed&1
		if next < at {
			break
		}
		at = next
	}
	if !have {
		return nil, errors.New("this WAV file has no format part")
	}
	return nil, errors.New("this WAV file holds no sound")
}

func (a *Audio) flag(code, format string, v ...any) {
	a.Flags = append(a.Flags, Flag{code, fmt.Sprintf(format, v...)})
}

func (f wavFormat) decode(a *Audio, b []byte, order binary.ByteOrder) error {
	if f.rate < 100 || f.rate > maxRate {
		return fmt.Errorf("a rate of %d samples a second is not sound", f.rate)
	}
	if f.channels < 1 || f.channels > 1024 {
		return fmt.Errorf("%d channels cannot be read", f.channels)
	}
	bytes := (f.bits + 7) / 8
	var one func(b []byte) float32
	switch {
	case f.tag == wavPCM && bytes == 1:
		one = func(b []byte) float32 { return (float32(b[0]) - 128) / 128 }
	case f.tag == wavPCM && bytes == 2:
		one = func(b []byte) float32 { return float32(int16(order.Uint16(b))) / 32768 }
	case f.tag == wavPCM && bytes == 3:
		one = func(b []byte) float32 {
			v := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
			if order == binary.BigEndian {
				v = uint32(b[2]) | uint32(b[1])<<8 | uint32(b[0])<<16
			}
			return float32(int32(v<<8)) / (1 << 31)
		}
	case f.tag == wavPCM && bytes == 4:
		one = func(b []byte) float32 { return float32(int32(order.Uint32(b))) / (1 << 31) }
	case f.tag == wavFloat && f.bits == 32:
		one = func(b []byte) float32 { return finite(float64(math.Float32frombits(order.Uint32(b)))) }
	case f.tag == wavFloat && f.bits == 64:
		one = func(b []byte) float32 { return finite(math.Float64frombits(order.Uint64(b))) }
	case f.tag == wavALaw && f.bits == 8:
		one = func(b []byte) float32 { return aLaw(b[0]) }
	case f.tag == wavMuLaw && f.bits == 8:
		one = func(b []byte) float32 { return muLaw(b[0]) }
	default:
		// The caller's other decoder may know it.
		return fmt.Errorf("%w that holds plain samples: format %d with %d bits", ErrNotWAV, f.tag, f.bits)
	}
	block := bytes * f.channels
	if f.block != block {
		a.flag("header_block", "The header gives %d bytes for each moment; the format makes it %d.", f.block, block)
	}
	n := len(b) / block
	a.Rate, a.Channels, a.Samples = f.rate, f.channels, make([]float32, n)
	scale := 1 / float32(f.channels)
	if f.tag == wavPCM && bytes == 2 && f.channels == 1 && order == binary.LittleEndian {
		for i := range a.Samples {
			a.Samples[i] = float32(int16(uint16(b[2*i])|uint16(b[2*i+1])<<8)) / 32768
		}
		return nil
	}
	for i := range a.Samples {
		var s float32
		for c := 0; c < f.channels; c++ {
			s += one(b[i*block+c*bytes:])
		}
		a.Samples[i] = s * scale
	}
	return nil
}

// finite turns what is not a number into silence and bounds the rest, so that
// one broken sample does not poison every sum it enters.
func finite(v float64) float32 {
	if math.IsNaN(v) {
		return 0
	}
	return float32(math.Max(-1e6, math.Min(1e6, v)))
}

func aLaw(b byte) float32 {
	b ^= 0x55
	v := int(b&0x0F)<<4 + 8
	if e := int(b >> 4 & 7); e > 0 {
		v = (v + 0x100) << (e - 1)
	}
	if b&0x80 == 0 {
		v = -v
	}
	return float32(v) / 32768
}

func muLaw(b byte) float32 {
	b = ^b
	v := (int(b&0x0F)<<3+0x84)<<(b>>4&7) - 0x84
	if b&0x80 != 0 {
		v = -v
	}
	return float32(v) / 32768
}
