package alike

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"math/bits"
)

// Bits of a PDQ hash. Two random hashes differ in 128 of 256 bits; the
// publication takes 31 as the largest distance of a match.
const (
	PDQBits      = 256
	MatchAt      = 31 // largest PDQ distance of a match
	UsableFrom   = 50 // smallest quality at which a match may be claimed
	pdqSide      = 64
	pdqFreq      = 16
	jaroszPasses = 2
)

// PDQ is a hash of 256 bits, its first byte the one printed first.
type PDQ [32]byte

// String is the published form, 64 hexadecimal digits.
func (p PDQ) String() string { return hex.EncodeToString(p[:]) }

// ParsePDQ reads the published form.
func ParsePDQ(s string) (PDQ, error) {
	var p PDQ
	if len(s) != 64 {
		return p, errors.New("a PDQ hash has 64 hexadecimal digits")
	}
	if _, err := hex.Decode(p[:], []byte(s)); err != nil {
		return p, errors.New("a PDQ hash has 64 hexadecimal digits")
	}
	return p, nil
}

// words are the hash as four machine words.
func (p PDQ) words() [4]uint64 {
	return [4]uint64{binary.BigEndian.Uint64(p[0:]), binary.BigEndian.Uint64(p[8:]), binary.BigEndian.Uint64(p[16:]), binary.BigEndian.Uint64(p[24:])}
}

// Distance is the number of bits in which two hashes differ, 0 to 256.
func (p PDQ) Distance(q PDQ) int { return distance(p.words(), q.words()) }

func distance(a, b [4]uint64) int {
	return bits.OnesCount64(a[0]^b[0]) + bits.OnesCount64(a[1]^b[1]) + bits.OnesCount64(a[2]^b[2]) + bits.OnesCount64(a[3]^b[3])
}

// Turn names one of the eight ways a picture can be turned and mirrored. It is
// what was done to the first picture to get the second.
type Turn int

// The eight turns, clockwise as a person sees the picture.
const (
	Upright        Turn = iota
	Rotated90           // clockwise
	Rotated180          //
	Rotated270          // clockwise
	Mirrored            // left and right exchanged
	Flipped             // top and bottom exchanged
	Transposed          // mirrored along the diagonal from the upper left
	Antitransposed      // mirrored along the other diagonal
)

var turnNames = [8]string{"upright", "rotated 90", "rotated 180", "rotated 270", "mirrored", "flipped", "transposed", "antitransposed"}

func (t Turn) String() string {
	if t < 0 || int(t) >= len(turnNames) {
		return "unknown"
	}
	return turnNames[t]
}

// Gray is a picture of light, row by row, 0 to 255.
type Gray struct {
	W, H int
	Pix  []float32
}

// Hash is the PDQ hash of a picture with its quality, 0 to 100: a picture
// without structure has a low one, and its hash means nothing.
func Hash(g Gray) (PDQ, int) {
	coef, q := pdqCoefficients(g)
	return pdqBits(&coef), q
}

// HashTurns gives the hashes of the picture and of its seven turns and
// mirrorings, at the cost of one: turning a picture exchanges and negates the
// coefficients of its transform.
func HashTurns(g Gray) (out [8]PDQ, quality int) {
	c, q := pdqCoefficients(g)
	out[Upright] = pdqBits(&c)
	for t := Rotated90; t <= Antitransposed; t++ {
		var d [pdqFreq][pdqFreq]float32
		for i := range pdqFreq {
			for j := range pdqFreq {
				// Coefficient i belongs to frequency i+1: mirroring an axis
				// changes the sign of its odd frequencies, the even i.
				v, w := c[i][j], c[j][i]
				oddY, oddX := i%2 == 0, j%2 == 0
				switch t {
				case Rotated90: // out(y, x) = in(N-1-x, y)
					d[i][j] = neg(w, oddX)
				case Rotated180:
					d[i][j] = neg(v, oddX != oddY)
				case Rotated270: // out(y, x) = in(x, N-1-y)
					d[i][j] = neg(w, oddY)
				case Mirrored:
					d[i][j] = neg(v, oddX)
				case Flipped:
					d[i][j] = neg(v, oddY)
				case Transposed:
					d[i][j] = w
				case Antitransposed:
					d[i][j] = neg(w, oddX != oddY)
				}
			}
		}
		out[t] = pdqBits(&d)
	}
	return out, q
}

func neg(v float32, yes bool) float32 {
	if yes {
		return -v
	}
	return v
}

// pdqCoefficients blurs the picture with two passes of a box as wide as half a
// sample of the 64 by 64 grid, samples it, measures its quality and transforms
// it.
func pdqCoefficients(g Gray) (out [pdqFreq][pdqFreq]float32, quality int) {
	if g.W < 1 || g.H < 1 || len(g.Pix) < g.W*g.H {
		return out, 0
	}
	small := pdqSample(g)
	sum := 0
	for i := range pdqSide {
		for j := range pdqSide {
			if i < pdqSide-1 {
				d := int((small[i][j] - small[i+1][j]) * 100 / 255)
				sum += abs(d)
			}
			if j < pdqSide-1 {
				d := int((small[i][j] - small[i][j+1]) * 100 / 255)
				sum += abs(d)
			}
		}
	}
	quality = min(sum/90, 100)
	var half [pdqFreq][pdqSide]float32
	for i := range pdqFreq {
		for j := range pdqSide {
			var s float32
			for k := range pdqSide {
				s += dct[i][k] * small[k][j]
			}
			half[i][j] = s
		}
	}
	for i := range pdqFreq {
		for j := range pdqFreq {
			var s float32
			for k := range pdqSide {
				s += half[i][k] * dct[j][k]
			}
			out[i][j] = s
		}
	}
	return out, quality
}

func abs(x int) int {
	if x < 0 {
		return -x
	}
	return x
}

// dct is rows 1 to 16 of the orthonormal cosine transform of 64 samples; the
// row of the mean is left out.
var dct = func() (m [pdqFreq][pdqSide]float32) {
	for i := range pdqFreq {
		for j := range pdqSide {
			m[i][j] = float32(math.Sqrt(2.0/pdqSide) * math.Cos(math.Pi/2/pdqSide*float64(i+1)*float64(2*j+1)))
		}
	}
	return m
}()

func pdqSample(g Gray) (out [pdqSide][pdqSide]float32) {
	n := g.W * g.H
	a, b := make([]float32, n), make([]float32, n)
	copy(a, g.Pix[:n])
	wx, wy := (g.W+2*pdqSide-1)/(2*pdqSide), (g.H+2*pdqSide-1)/(2*pdqSide)
	for range jaroszPasses {
		for y := range g.H {
			box(a[y*g.W:(y+1)*g.W], b[y*g.W:(y+1)*g.W], wx)
		}
		boxDown(b, a, g.W, g.H, wy)
	}
	for i := range pdqSide {
		y := min(int((float64(i)+0.5)*float64(g.H)/pdqSide), g.H-1)
		for j := range pdqSide {
			x := min(int((float64(j)+0.5)*float64(g.W)/pdqSide), g.W-1)
			out[i][j] = a[y*g.W+x]
		}
	}
	return out
}

// box is a moving mean of n values, shorter at the ends.
func box(in, out []float32, n int) {
	half := (n + 2) / 2
	var sum float32
	lo, hi := 0, 0
	for i := range in {
		wlo, whi := window(i, len(in), n, half)
		for ; hi < whi; hi++ {
			sum += in[hi]
		}
		for ; lo < wlo; lo++ {
			sum -= in[lo]
		}
		out[i] = sum / float32(hi-lo)
	}
}

// boxDown does the same down the columns, a row of sums at a time.
func boxDown(in, out []float32, w, h, n int) {
	half := (n + 2) / 2
	sum := make([]float32, w)
	for y := range h {
		lo, hi := window(y, h, n, half)
		plo, phi := 0, 0
		if y > 0 {
			plo, phi = window(y-1, h, n, half)
		}
		for r := phi; r < hi; r++ {
			row := in[r*w : (r+1)*w]
			for x, v := range row {
				sum[x] += v
			}
		}
		for r := plo; r < lo; r++ {
			row := in[r*w : (r+1)*w]
			for x, v := range row {
				sum[x] -= v
			}
		}
		inv := 1 / float32(hi-lo)
		dst := out[y*w : (y+1)*w]
		for x := range dst {
			dst[x] = sum[x] * inv
		}
	}
}

// window is the range of samples that the mean at i covers: half-1 after it,
// n-half before it, cut at the ends.
func window(i, length, n, half int) (lo, hi int) {
	return max(0, i-(n-half)), min(length, i+half)
}

// pdqBits sets the bits of the coefficients above their median. Bit 16 i + j
// belongs to coefficient (i, j); the last bit is printed first.
func pdqBits(c *[pdqFreq][pdqFreq]float32) (p PDQ) {
	var flat [PDQBits]float32
	for i := range pdqFreq {
		copy(flat[i*pdqFreq:], c[i][:])
	}
	m := lowerMedian(flat)
	for i := range pdqFreq {
		for j := range pdqFreq {
			if c[i][j] > m {
				k := i*pdqFreq + j
				p[31-k/8] |= 1 << (k % 8)
			}
		}
	}
	return p
}

// lowerMedian is the 128th smallest of 256 values, by selection.
func lowerMedian(v [PDQBits]float32) float32 {
	lo, hi, k := 0, PDQBits-1, (PDQBits-1)/2
	for lo < hi {
		p := v[(lo+hi)/2]
		i, j := lo, hi
		for i <= j {
			for v[i] < p {
				i++
			}
			for v[j] > p {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return v[k]
		}
	}
	return v[k]
}
