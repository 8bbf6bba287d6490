package sound

import "math"

// Geometry is where recorders stood, metres in any frame with z up; nil where
// it is not known. With the place of the sound that the recordings share, its
// travel time is taken out of the clocks; without it, clocks are wider by what
// the distance between the recorders allows.
type Geometry struct {
	Recorder    []*[3]float64
	Source      *[3]float64
	SourceSD    float64 // m
	Temperature float64 // degrees Celsius
}

// Apply turns offsets between what was heard into offsets between clocks.
// A sound is in recording i at e - s_i + d_i/c, so that a lag is the difference
// of the starts plus (d_a - d_b)/c. It returns for each file whether its offset
// is now one of clocks (true) or only of arrivals.
func (g Geometry) Apply(s *Solution) []bool {
	done := make([]bool, len(g.Recorder))
	c := Speed(g.Temperature)
	for k := range s.Components {
		comp := &s.Components[k]
		ref := g.Recorder[comp.Reference]
		for i := range comp.Nodes {
			n := &comp.Nodes[i]
			at := g.Recorder[n.File]
			if ref == nil || at == nil {
				continue
			}
			done[n.File] = true
			switch {
			case n.File == comp.Reference:
			case g.Source != nil:
				n.Offset += (apart(*at, *g.Source) - apart(*ref, *g.Source)) / c
				// The source's error moves both distances; at most along the
				// line between the recorders.
				u, v := direction(*at, *g.Source), direction(*ref, *g.Source)
				n.SD = math.Hypot(n.SD, g.SourceSD/c*apart(u, v))
			default:
				n.Within = apart(*at, *ref) / c
			}
		}
	}
	return done
}

func apart(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

func direction(from, to [3]float64) (u [3]float64) {
	d := math.Max(apart(from, to), 1e-9)
	for i := range u {
		u[i] = (to[i] - from[i]) / d
	}
	return
}
