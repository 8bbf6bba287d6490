package alike

import (
	"fmt"
	"math"
	"math/bits"
	"sort"
)

// P is the 64-bit perceptual hash that most tools call pHash: the picture at
// 32 by 32, its cosine transform, the 8 by 8 lowest frequencies against their
// median (Zauner, "Implementation and Benchmarking of Perceptual Image Hash
// Functions", 2010). Bit order and median are those of the Python package
// imagehash, row by row, the first bit highest.
type P uint64

func (p P) String() string { return fmt.Sprintf("%016x", uint64(p)) }

// Distance is the number of bits in which two hashes differ, 0 to 64. Up to
// about 8 is usually the same picture; it is weaker evidence than PDQ.
func (p P) Distance(q P) int { return bits.OnesCount64(uint64(p ^ q)) }

var dct32 = func() (m [8][32]float64) {
	for i := range 8 {
		for j := range 32 {
			m[i][j] = 2 * math.Cos(math.Pi*float64(i)*float64(2*j+1)/64)
		}
	}
	return m
}()

// PHash is the pHash of a picture.
func PHash(g Gray) P {
	s := g.Resize(32, 32)
	if s.W != 32 {
		return 0
	}
	var half [8][32]float64
	for i := range 8 {
		for x := range 32 {
			for y := range 32 {
				half[i][x] += dct32[i][y] * math.Round(float64(s.Pix[y*32+x]))
			}
		}
	}
	var v [64]float64
	for i := range 8 {
		for j := range 8 {
			for x := range 32 {
				v[i*8+j] += half[i][x] * dct32[j][x]
			}
		}
	}
	o := v
	sort.Float64s(o[:])
	m := (o[31] + o[32]) / 2
	var p P
	for k, x := range v {
		if x > m {
			p |= 1 << (63 - k)
		}
	}
	return p
}
