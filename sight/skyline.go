package sight

import (
	"errors"
	"fmt"
	"math"
)

// Skyline is the mesh of a country seen as a horizon: for a place to stand,
// how high the ground and what stands on it reach in each direction. It is
// read-only after NewSkyline and safe for concurrent use.
//
// The horizon of a mesh lies on its edges, so it is exact for the mesh: every
// edge is cut by the rays of the azimuths it spans. The frame is flat and its
// heights were computed through Earth-centred coordinates, so the curvature of
// the Earth is in the heights; refraction lifts what is d metres away by
// k d^2 / (2 R), with k = 0.13 (Gauss; from 0.08 over hot ground in daytime to
// 0.25 over cold water).
type Skyline struct {
	at    [][3]float64
	edges [][2]uint32
	sigma []float64 // of each edge's body, metres
}

// Refraction is the coefficient k of terrestrial refraction in use.
const Refraction = 0.13

// earthRadius is the mean radius of the Earth in metres, for refraction only.
const earthRadius = 6371008.8

// skyBins is how many azimuths a horizon has: one each quarter of a degree.
const skyBins = 1440

// MaxSkylineEdges bounds what one horizon costs.
const MaxSkylineEdges = 6_000_000

// NewSkyline gathers the edges of the bodies, each once. The terrain must
// reach as far as the hills in the photo: what is not in the scene cannot
// stand on its horizon.
func NewSkyline(bodies []Body) (*Skyline, error) {
	s := &Skyline{}
	n := 0
	for i := range bodies {
		n += len(bodies[i].Triangles)
	}
	if n == 0 {
		return nil, errors.New("the scene has no triangles, so it has no skyline")
	}
	if 3*n/2 > MaxSkylineEdges {
		return nil, fmt.Errorf("the scene has %d triangles; a skyline is sought in at most %d, simplify it", n, MaxSkylineEdges*2/3)
	}
	for i := range bodies {
		b := &bodies[i]
		first := uint32(len(s.at))
		// Corners at one place are one: flat shading keeps them apart.
		same := make(map[[3]float64]uint32, len(b.Positions))
		index := make([]uint32, len(b.Positions))
		for k, p := range b.Positions {
			if !finite(p[:]...) {
				return nil, fmt.Errorf("%s: vertex %d is not a usable position", b.Name, k)
			}
			j, ok := same[p]
			if !ok {
				j = first + uint32(len(same))
				same[p] = j
				s.at = append(s.at, p)
			}
			index[k] = j
		}
		seen := make(map[[2]uint32]bool, 3*len(b.Triangles)/2)
		for k, t := range b.Triangles {
			for c := range 3 {
				if int(t[c]) >= len(index) {
					return nil, fmt.Errorf("%s: triangle %d names vertex %d of %d", b.Name, k, t[c], len(index))
				}
				p, q := index[t[c]], index[t[(c+1)%3]%uint32(len(index))]
				if p > q {
					p, q = q, p
				}
				if e := [2]uint32{p, q}; p != q && !seen[e] {
					seen[e] = true
					s.edges = append(s.edges, e)
					s.sigma = append(s.sigma, b.sigma())
				}
			}
		}
	}
	return s, nil
}

// Edges is how many edges a horizon is taken over.
func (s *Skyline) Edges() int { return len(s.edges) }

// SkyOutline is what an eye sees of a country: for azimuth k/4 degrees clockwise
// from the frame's north the tangent of the elevation, the horizontal distance
// in metres of what stands there, and the error of its height.
type SkyOutline struct {
	Tan      [skyBins]float64
	Distance [skyBins]float64
	Sigma    [skyBins]float64
}

// skyScratch is the memory of one worker.
type skyScratch struct {
	rel []skyVertex
}

type skyVertex struct {
	x, y, z float64
	az      float64 // in bins
}

// From is the horizon seen from an eye in metres of the frame. Directions in
// which nothing stands have the tangent -Inf.
func (s *Skyline) From(eye [3]float64) *SkyOutline {
	h := new(SkyOutline)
	s.horizon(eye, h, &skyScratch{})
	return h
}

func (s *Skyline) horizon(eye [3]float64, h *SkyOutline, w *skyScratch) {
	for i := range h.Tan {
		h.Tan[i], h.Distance[i], h.Sigma[i] = math.Inf(-1), 0, 0
	}
	if cap(w.rel) < len(s.at) {
		w.rel = make([]skyVertex, len(s.at))
	}
	rel := w.rel[:len(s.at)]
	const scale = skyBins / (2 * math.Pi)
	const lift = Refraction / (2 * earthRadius)
	for i := range s.at {
		p := &s.at[i]
		x, y := p[0]-eye[0], p[1]-eye[1]
		a := math.Atan2(x, y) * scale
		if a < 0 {
			a += skyBins
		}
		rel[i] = skyVertex{x, y, p[2] - eye[2] + float64(lift*(float64(x*x)+float64(y*y))), a}
	}
	for k := range s.edges {
		a, b := &rel[s.edges[k][0]], &rel[s.edges[k][1]]
		// Walk from the one to the other the short way round.
		d := b.az - a.az
		if d > skyBins/2 {
			d -= skyBins
		} else if d < -skyBins/2 {
			d += skyBins
		}
		if d < 0 {
			a, b, d = b, a, -d
		}
		from := math.Ceil(a.az)
		if from > a.az+d {
			continue // between two azimuths
		}
		for f := from; f <= a.az+d; f++ {
			i := int(f)
			if i >= skyBins {
				i -= skyBins
			}
			sx, cy := skyTable[i][0], skyTable[i][1]
			// The point of the edge in this direction.
			ca, cb := float64(a.x*cy)-float64(a.y*sx), float64(b.x*cy)-float64(b.y*sx)
			t := 0.0
			if g := ca - cb; g != 0 {
				t = ca / g
			}
			x, y := a.x+float64(t*(b.x-a.x)), a.y+float64(t*(b.y-a.y))
			r := float64(x*sx) + float64(y*cy)
			if !(r > 0.3) { // straight below or behind
				continue
			}
			if e := (a.z + float64(t*(b.z-a.z))) / r; e > h.Tan[i] {
				h.Tan[i], h.Distance[i], h.Sigma[i] = e, r, s.sigma[k]
			}
		}
	}
}

// skyTable holds sine and cosine of each azimuth.
var skyTable = func() (t [skyBins][2]float64) {
	for i := range t {
		t[i][0], t[i][1] = math.Sincos(float64(i) * 2 * math.Pi / skyBins)
	}
	return t
}()

// at interpolates the horizon at an azimuth in radians. slope is the change of
// the tangent with azimuth, per radian.
func (h *SkyOutline) at(az float64) (tan, slope, dist, sigma float64) {
	f := az * skyBins / (2 * math.Pi)
	f -= math.Floor(f/skyBins) * skyBins
	i := int(f)
	if i >= skyBins {
		i = 0
	}
	j := i + 1
	if j == skyBins {
		j = 0
	}
	w := f - float64(i)
	a, b := h.Tan[i], h.Tan[j]
	if math.IsInf(a, -1) || math.IsInf(b, -1) {
		return math.Inf(-1), 0, 0, 0
	}
	d := h.Distance[i]
	if h.Distance[j] < d {
		d = h.Distance[j]
	}
	return a + float64(w*(b-a)), (b - a) * skyBins / (2 * math.Pi), d, math.Max(h.Sigma[i], h.Sigma[j])
}
