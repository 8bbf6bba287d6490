package redact

import "math"

// block is the side in pixels of the squares that a cover is made of: the
// unit in which JPEG (4:2:0) and H.264 mix pixels.
const block = 16

// Mask says which blocks of a picture are covered.
type Mask struct {
	W, H   int // of the picture, pixels
	bw, bh int
	on     []bool
	n      int
}

func newMask(w, h int) *Mask {
	bw, bh := (w+block-1)/block, (h+block-1)/block
	return &Mask{W: w, H: h, bw: bw, bh: bh, on: make([]bool, bw*bh)}
}

// Empty reports whether nothing is covered.
func (m *Mask) Empty() bool { return m.n == 0 }

// Covers reports whether the pixel is covered.
func (m *Mask) Covers(x, y int) bool { return m.on[y/block*m.bw+x/block] }

// Add covers every block that comes within margin pixels of the polygon,
// whose corners are fractions of the picture. What lies inside by the
// non-zero rule counts, so a polygon that crosses itself covers more, not less.
func (m *Mask) Add(corners [][2]float64, margin float64) {
	if len(corners) < 3 {
		return
	}
	pts := make([][2]float64, len(corners))
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for i, c := range corners {
		pts[i] = [2]float64{c[0] * float64(m.W), c[1] * float64(m.H)}
		x0, x1 = min(x0, pts[i][0]), max(x1, pts[i][0])
		y0, y1 = min(y0, pts[i][1]), max(y1, pts[i][1])
	}
	at := func(v float64, n int) int { return min(max(int(math.Floor(v/block)), 0), n) }
	for by := at(y0-margin, m.bh); by < min(at(y1+margin, m.bh)+1, m.bh); by++ {
		for bx := at(x0-margin, m.bw); bx < min(at(x1+margin, m.bw)+1, m.bw); bx++ {
			r := [4]float64{float64(bx*block) - margin, float64(by*block) - margin, float64((bx+1)*block) + margin, float64((by+1)*block) + margin}
			if i := by*m.bw + bx; !m.on[i] && touches(pts, r) {
				m.on[i] = true
				m.n++
			}
		}
	}
}

// touches reports whether a polygon and a rectangle (x0, y0, x1, y1) share a point.
func touches(pts [][2]float64, r [4]float64) bool {
	for i, a := range pts {
		if crosses(a, pts[(i+1)%len(pts)], r) {
			return true
		}
	}
	return inside(pts, (r[0]+r[2])/2, (r[1]+r[3])/2)
}

// crosses clips a segment to a rectangle (Liang and Barsky 1984).
func crosses(a, b [2]float64, r [4]float64) bool {
	lo, hi := 0.0, 1.0
	for k := range 2 {
		d := b[k] - a[k]
		near, far := r[k]-a[k], r[k+2]-a[k]
		if d == 0 {
			if near > 0 || far < 0 {
				return false
			}
			continue
		}
		t0, t1 := near/d, far/d
		if t0 > t1 {
			t0, t1 = t1, t0
		}
		lo, hi = max(lo, t0), min(hi, t1)
	}
	return lo <= hi
}

// inside is the non-zero winding rule.
func inside(pts [][2]float64, x, y float64) bool {
	turns := 0
	for i, a := range pts {
		b := pts[(i+1)%len(pts)]
		side := (b[0]-a[0])*(y-a[1]) - (x-a[0])*(b[1]-a[1])
		switch {
		case a[1] <= y && b[1] > y && side > 0:
			turns++
		case a[1] > y && b[1] <= y && side < 0:
			turns--
		}
	}
	return turns != 0
}

// runs calls fn with each run of covered pixels of each row.
func (m *Mask) runs(fn func(y, x0, x1 int)) {
	for y := range m.H {
		row := m.on[y/block*m.bw : (y/block+1)*m.bw]
		for bx := 0; bx < m.bw; bx++ {
			if !row[bx] {
				continue
			}
			from := bx
			for bx < m.bw && row[bx] {
				bx++
			}
			fn(y, from*block, min(bx*block, m.W))
		}
	}
}
