package redact

import (
	"encoding/binary"
	"math"

	"sightline"
)

// Sound is decoded to 16-bit samples of two channels at one rate, painted, and
// encoded anew.
const (
	soundRate     = 48000
	soundChannels = 2
	soundFrame    = 2 * soundChannels // bytes of one moment
	// soundMarginMS widens a covered range on both sides: lossy coders spread a
	// sound over the block of up to 2048 samples around it.
	soundMarginMS = 60
	toneHz        = 1000
	toneLevel     = 0.1 // of full scale
)

// hush is a stretch of sound that is replaced, in moments from the start.
type hush struct {
	from, to int64 // to is not included
	tone     bool
}

// hushes turns redactions into stretches; silence goes before a tone where two meet.
func hushes(rs []sightline.Redaction) []hush {
	var out []hush
	for i := range rs {
		r := &rs[i]
		if !r.Sound() {
			continue
		}
		h := hush{0, math.MaxInt64, r.Fill == "tone"}
		if r.FromMS != nil {
			h.from = max(0, (*r.FromMS-soundMarginMS)*soundRate/1000)
		}
		if r.ToMS != nil {
			h.to = max(0, (*r.ToMS+soundMarginMS)*soundRate/1000)
		}
		out = append(out, h)
	}
	return out
}

// at says what is heard at a moment instead of the sound: nothing to replace,
// silence or the tone.
func at(hs []hush, n int64) (covered, tone bool) {
	for _, h := range hs {
		if n >= h.from && n < h.to {
			if !h.tone {
				return true, false
			}
			covered, tone = true, true
		}
	}
	return covered, tone
}

// soundPainter replaces covered samples in a stream and gathers the peaks of
// what is left.
type soundPainter struct {
	hs    []hush
	n     int64 // moments so far
	rest  []byte
	out   func([]byte) error
	peaks []byte
	lo    int16
	hi    int16
	in    int // moments in the current pair
}

func (p *soundPainter) Write(b []byte) (int, error) {
	given := len(b)
	buf := append(p.rest, b...)
	whole := len(buf) / soundFrame * soundFrame
	for i := 0; i < whole; i += soundFrame {
		if covered, tone := at(p.hs, p.n); covered {
			v := int16(0)
			if tone {
				v = int16(math.Round(toneLevel * 32767 * math.Sin(2*math.Pi*toneHz*float64(p.n%soundRate)/soundRate)))
			}
			for c := range soundChannels {
				binary.LittleEndian.PutUint16(buf[i+2*c:], uint16(v))
			}
		}
		l, r := int16(binary.LittleEndian.Uint16(buf[i:])), int16(binary.LittleEndian.Uint16(buf[i+2:]))
		p.peak(int16((int32(l) + int32(r)) / 2))
		p.n++
	}
	if err := p.out(buf[:whole]); err != nil {
		return 0, err
	}
	p.rest = append([]byte(nil), buf[whole:]...)
	return given, nil
}

const momentsPerPair = soundRate / 100

func (p *soundPainter) peak(v int16) {
	if p.in == 0 {
		p.lo, p.hi = v, v
	}
	p.lo, p.hi = min(p.lo, v), max(p.hi, v)
	if p.in++; p.in == momentsPerPair {
		p.flush()
	}
}

func (p *soundPainter) flush() {
	if p.in > 0 {
		p.peaks = binary.LittleEndian.AppendUint16(p.peaks, uint16(p.lo))
		p.peaks = binary.LittleEndian.AppendUint16(p.peaks, uint16(p.hi))
		p.in = 0
	}
}

// waveform is the file of peaks, in the binary form of audiowaveform, version 2.
func (p *soundPainter) waveform() []byte {
	p.flush()
	var h []byte
	for _, v := range []uint32{2, 0, soundRate, momentsPerPair, uint32(len(p.peaks) / 4), 1} {
		h = binary.LittleEndian.AppendUint32(h, v)
	}
	return append(h, p.peaks...)
}

// soundCheck compares decoded sound with what was painted: silence must be
// silent, and of a tone nothing but the tone may be left. Moments near an end
// are left out, because a lossy coder lets the sound beside them ring.
type soundCheck struct {
	hs   []hush
	n    int64
	rest []byte
	sum  float64 // of squares, of what should not be there
	cnt  int64
	win  []float64 // a second of the tone, with what else there is
	Loud float64   // worst level of a second, of full scale
}

const soundEdge = 4096 // moments

func (c *soundCheck) Write(b []byte) (int, error) {
	buf := append(c.rest, b...)
	whole := len(buf) / soundFrame * soundFrame
	for i := 0; i < whole; i += soundFrame {
		a, t := at(c.hs, c.n)
		b1, t1 := at(c.hs, c.n-soundEdge)
		b2, t2 := at(c.hs, c.n+soundEdge)
		if a && b1 && b2 && t == t1 && t == t2 {
			for k := range soundChannels {
				v := float64(int16(binary.LittleEndian.Uint16(buf[i+2*k:]))) / 32768
				if t {
					c.win = append(c.win, v)
				} else {
					c.sum += v * v
					c.cnt++
				}
			}
			if c.cnt >= soundRate || len(c.win) >= soundRate {
				c.take()
			}
		} else {
			c.take()
		}
		c.n++
	}
	c.rest = append([]byte(nil), buf[whole:]...)
	return len(b), nil
}

// take closes a window. From a tone the best-fitting sine of its pitch is
// taken away first.
func (c *soundCheck) take() {
	if c.cnt > 0 {
		c.Loud = max(c.Loud, math.Sqrt(c.sum/float64(c.cnt)))
		c.sum, c.cnt = 0, 0
	}
	if n := len(c.win) / 2; n >= soundRate/toneHz*4 {
		n -= n % (soundRate / toneHz) // whole turns: sine and cosine are then orthogonal
		var s, k, all float64
		for i := range n {
			w := 2 * math.Pi * toneHz * float64(i) / soundRate
			s += c.win[2*i] * math.Sin(w)
			k += c.win[2*i] * math.Cos(w)
			all += c.win[2*i] * c.win[2*i]
		}
		left := all - 2*(s*s+k*k)/float64(n)
		c.Loud = max(c.Loud, math.Sqrt(max(0, left)/float64(n)))
	}
	c.win = c.win[:0]
}

// soundTolerance is the level, of full scale, below which nothing is heard of
// what was there: -60 dB.
const soundTolerance = 0.001
