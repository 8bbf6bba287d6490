package exercise

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strings"

	"sightline/sight"
)

// Click is a camera of the truth with the clicks of an analyst who makes no
// mistake but has an unsteady hand.
type Click struct {
	Problem *sight.Problem
	Camera  Camera
	// Reach is the median distance from the camera to the clicked points,
	// metres: what an error is measured against.
	Reach float64
}

// minClicks is how many visible model points make a camera worth solving.
const minClicks = 6

// Clicks makes a problem of package sight from each photo and from each noted
// video frame that shows at least six named points, with normal noise of
// sigma pixels on both axes. What the analyst knows is in the problem and
// nothing more: the focal length where the file states one, that a crop is a
// crop and how large a part, that a lens of a camera (not of a phone) may distort. The picture from
// above is left out: its distance is not a finding of this kind.
func (t *Truth) Clicks(sigma float64, seed uint64) []Click {
	r := rand.New(rand.NewPCG(seed, 0xc11c))
	var out []Click
	exact := sight.Triple{V: [3]float64{0.005, 0.005, 0.005}}
	add := func(id string, c Camera, points []Pixel, f35 float64, crop, lens bool) {
		p := &sight.Problem{Format: sight.ProblemFormat, ID: id, Image: sight.ImageSize{Width: c.Width, Height: c.Height}, SigmaPx: &sigma, SigmaM: &exact}
		var reach []float64
		for _, q := range points {
			if q.Visible {
				p.Points = append(p.Points, sight.PointPair{ID: q.ID, Px: [2]float64{q.Px[0] + sigma*r.NormFloat64(), q.Px[1] + sigma*r.NormFloat64()}, World: q.At})
				reach = append(reach, distance(q.At, c.Position))
			}
		}
		if len(p.Points) < minClicks {
			return
		}
		if f35 > 0 {
			px := math.Round(f35) * math.Hypot(float64(c.Width), float64(c.Height)) / filmDiagonal
			p.Focal = &sight.FocalPrior{Px: &px}
		}
		if crop {
			// A crop to 62 % has its axis anywhere within 31 % of its width and
			// 30 % of its height from its middle: the spread of a uniform law.
			p.PrincipalPoint = &sight.PrincipalPrior{SigmaPx: &sight.Pair{V: [2]float64{0.18 * float64(c.Width), 0.17 * float64(c.Height)}}}
		}
		if lens {
			p.Distortion = &sight.LensPrior{Model: "radial1"}
		}
		sort.Float64s(reach)
		out = append(out, Click{p, c, reach[len(reach)/2]})
	}
	lens := func(device string) bool { return device == "D-3" || device == "D-4" }
	for _, im := range t.Images {
		if len(im.Ground) > 0 {
			continue
		}
		f35 := 0.0
		if im.EXIF {
			f35 = im.F35
		}
		// A screenshot is cut out along the picture's edge before it is solved.
		c, points := im.Camera, im.Points
		if im.CopyKind == "screenshot" {
			points = append([]Pixel(nil), points...)
			for i := range points {
				points[i].Px[0] -= im.Shift[0]
				points[i].Px[1] -= im.Shift[1]
			}
			c.Principal = [2]float64{c.Principal[0] - im.Shift[0], c.Principal[1] - im.Shift[1]}
			c.Height = int(math.Round(2 * c.Principal[1]))
		}
		add(im.File, c, points, f35, im.CopyKind == "crop", lens(im.Device))
	}
	for i := range t.Videos {
		v := &t.Videos[i]
		for _, k := range v.Keys {
			add(fmt.Sprintf("%s#%d", v.File, k.Frame), v.At(k.Frame), k.Points, 0, false, false)
		}
	}
	return out
}

// Score is how well cameras were placed.
type Score struct {
	Cameras    int     `json:"cameras"`
	Solved     int     `json:"solved"`
	Weak       int     `json:"weak_or_ambiguous"` // said so
	Refused    int     `json:"refused"`
	MedianPart float64 `json:"median_error_over_distance"`
	P90Part    float64 `json:"p90_error_over_distance"`
	MedianM    float64 `json:"median_error_m"`
	Inside95   int     `json:"inside_95"`
	Inside99   int     `json:"inside_99"`
	// SolvedIn99 counts those called solved alone: a weak or ambiguous answer
	// says itself that its ellipsoid is not the whole story.
	SolvedIn99 int `json:"solved_inside_99"`
	// Outside names those outside their 99 % ellipsoid, with the squared
	// Mahalanobis distance.
	Outside []string `json:"outside,omitempty"`

	parts, metres []float64
}

// Quantiles of chi square with three degrees of freedom.
const (
	chi95 = 7.8147
	chi99 = 11.3449
)

// Add counts one answer.
func (s *Score) Add(c Click, a *sight.Answer) {
	s.Cameras++
	if a.Position == nil || a.Covariance == nil {
		s.Refused++
		return
	}
	if a.Status == sight.Solved {
		s.Solved++
	} else {
		s.Weak++
	}
	var d [3]float64
	var cov [3][3]float64
	for i := range 3 {
		d[i] = a.Position[i] - c.Camera.Position[i]
		for j := range 3 {
			cov[i][j] = a.Covariance[i][j]
		}
	}
	err := distance(*a.Position, c.Camera.Position)
	s.parts, s.metres = append(s.parts, err/c.Reach), append(s.metres, err)
	m2 := mahalanobis2(cov, d)
	if m2 <= chi95 {
		s.Inside95++
	}
	if m2 <= chi99 {
		s.Inside99++
		if a.Status == sight.Solved {
			s.SolvedIn99++
		}
	} else {
		s.Outside = append(s.Outside, fmt.Sprintf("%s (%.1f, %s)", c.Problem.ID, m2, a.Status))
	}
}

// Close works out the quantiles.
func (s *Score) Close() {
	sort.Float64s(s.parts)
	sort.Float64s(s.metres)
	if n := len(s.parts); n > 0 {
		s.MedianPart, s.P90Part, s.MedianM = s.parts[n/2], s.parts[n*9/10], s.metres[n/2]
	}
}

// Prose tells the score in a sentence.
func (s *Score) Prose() string {
	n := max(len(s.parts), 1)
	out := fmt.Sprintf("%d cameras: %d solved, %d weak or ambiguous, %d refused; median error %.2f %% of the distance (%.2f m), 90th percentile %.2f %%; truth inside the 95 %% ellipsoid in %.1f %%, inside the 99 %% ellipsoid in %.1f %% (of those called solved %.1f %%).",
		s.Cameras, s.Solved, s.Weak, s.Refused, 100*s.MedianPart, s.MedianM, 100*s.P90Part, 100*float64(s.Inside95)/float64(n), 100*float64(s.Inside99)/float64(n), 100*float64(s.SolvedIn99)/float64(max(s.Solved, 1)))
	if len(s.Outside) > 0 {
		out += "\nOutside 99 %: " + strings.Join(s.Outside, ", ")
	}
	return out
}

// mahalanobis2 is d' C^-1 d by Cramer's rule.
func mahalanobis2(c [3][3]float64, d [3]float64) float64 {
	det := func(m [3][3]float64) float64 {
		return m[0][0]*(m[1][1]*m[2][2]-m[1][2]*m[2][1]) - m[0][1]*(m[1][0]*m[2][2]-m[1][2]*m[2][0]) + m[0][2]*(m[1][0]*m[2][1]-m[1][1]*m[2][0])
	}
	all := det(c)
	if !(all > 0) {
		return math.Inf(1)
	}
	sum := 0.0
	for i := range 3 {
		m := c
		for k := range 3 {
			m[k][i] = d[k]
		}
		sum += d[i] * det(m) / all
	}
	return sum
}
