package alike

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
)

// featureBytes is the length of one packed corner: place, size and direction
// as 32-bit floats and 256 bits of description, little endian.
const featureBytes = 16 + 32

// PackFeatures writes corners as bytes, [UnpackFeatures] reads them. scale is
// applied to places and sizes, for a picture kept smaller than it was looked at.
func PackFeatures(list []Feature, scale float64) []byte {
	out := make([]byte, 0, featureBytes*len(list))
	for _, f := range list {
		for _, v := range []float64{f.X * scale, f.Y * scale, f.Size * scale, f.Angle} {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(v)))
		}
		for _, w := range f.word {
			out = binary.LittleEndian.AppendUint64(out, w)
		}
	}
	return out
}

// UnpackFeatures reads what [PackFeatures] wrote. Bytes that are no corners
// are an error, never a panic.
func UnpackFeatures(b []byte) ([]Feature, error) {
	if len(b)%featureBytes != 0 || len(b) > 16*featureMost*featureBytes {
		return nil, errors.New("this is no list of corners")
	}
	out := make([]Feature, 0, len(b)/featureBytes)
	for ; len(b) > 0; b = b[featureBytes:] {
		at := func(i int) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))) }
		f := Feature{X: at(0), Y: at(1), Size: at(2), Angle: at(3)}
		if !(math.Abs(f.X) < 1e6 && math.Abs(f.Y) < 1e6 && f.Size > 0 && f.Size < 1e6 && math.Abs(f.Angle) < 10) {
			return nil, errors.New("a corner lies outside every picture")
		}
		for i := range f.word {
			f.word[i] = binary.LittleEndian.Uint64(b[16+8*i:])
		}
		out = append(out, f)
	}
	return out, nil
}

// hintMost is how many corners of one picture a first look follows into the
// other.
const hintMost = 160

// Hints says how many corners of a have one clear counterpart in b and agree
// on how b is turned and scaled. It looks at a share of a's corners of every size
// and is a cheap first look; [Register] decides.
func Hints(a, b []Feature) (n int) {
	most := min(hintMost, len(a))
	const turns, sizes = 24, 12
	var votes [turns][sizes]int
	for i := range a {
		// The corners come one size after the other: every size gives its share.
		if i*most/len(a) == (i+1)*most/len(a) {
			continue
		}
		w := &a[i].word
		at, best, second := -1, 999, 999
		for j := range b {
			v := &b[j].word
			d := bits.OnesCount64(w[0]^v[0]) + bits.OnesCount64(w[1]^v[1]) + bits.OnesCount64(w[2]^v[2]) + bits.OnesCount64(w[3]^v[3])
			switch {
			case d >= second:
			case d < best:
				if at < 0 || !close(b[at], b[j]) {
					second = best
				}
				at, best = j, d
			case !close(b[at], b[j]):
				second = d
			}
		}
		if at < 0 || best > pairAt || float64(best) > 0.88*float64(second) {
			continue
		}
		turn := math.Mod((a[i].Angle-b[at].Angle)/(2*math.Pi)+2, 1)
		size := math.Log2(a[i].Size/b[at].Size)*1.5 + sizes/2
		votes[min(int(turn*turns), turns-1)][min(max(int(size), 0), sizes-1)]++
	}
	for t := range turns {
		for z := range sizes {
			sum := 0
			for dt := -1; dt <= 1; dt++ {
				for dz := -1; dz <= 1; dz++ {
					if z+dz >= 0 && z+dz < sizes {
						sum += votes[(t+dt+turns)%turns][z+dz]
					}
				}
			}
			n = max(n, sum)
		}
	}
	return n
}
