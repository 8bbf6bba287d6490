package sight

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"sort"
)

// Formats of the documents of `sightline camera search`.
const (
	FindFormat  = "sightline.camera.search/1"
	FoundFormat = "sightline.camera.found/1"
	// MaxCandidates bounds how many places one search tries.
	MaxCandidates = 200_000
)

// SkylineMark is a line of horizon drawn on the photo, in order along it.
type SkylineMark struct {
	Px      [][2]float64 `json:"px"`
	SigmaPx *float64     `json:"sigma_px,omitempty"` // default 3
}

// SearchFeature is a thing of the scene that the photo shows. Without
// a pixel it is only asked to be visible.
type SearchFeature struct {
	ID      string      `json:"id"`
	World   [3]float64  `json:"world"`
	Px      *[2]float64 `json:"px,omitempty"`
	SigmaPx *float64    `json:"sigma_px,omitempty"` // default 3
	SigmaM  *Triple     `json:"sigma_m,omitempty"`
}

// SearchArea is where places are tried: a polygon, or the way along a road.
type SearchArea struct {
	Polygon [][2]float64 `json:"polygon,omitempty"` // east, north
	Road    [][2]float64 `json:"road,omitempty"`
	WidthM  float64      `json:"width_m,omitempty"` // of the road, default 10
	StepM   float64      `json:"step_m"`
}

// FindProblem asks where a photo may have been taken.
type FindProblem struct {
	Format   string          `json:"format"`
	ID       string          `json:"id"`
	Scene    string          `json:"scene"`
	Image    ImageSize       `json:"image"`
	Focal    *FocalPrior     `json:"focal,omitempty"`
	Skyline  *SkylineMark    `json:"skyline,omitempty"`
	Features []SearchFeature `json:"features,omitempty"`
	Area     SearchArea      `json:"area"`
	Height   *struct {
		Metres float64 `json:"metres"`
		Sigma  float64 `json:"sigma"`
	} `json:"height_above_ground,omitempty"` // default 1.6 +-0.5
	Heading *struct {
		Deg   float64 `json:"deg"`
		Sigma float64 `json:"sigma_deg"`
	} `json:"heading,omitempty"` // a compass, clockwise from the frame's north
}

// FoundArea is one connected piece of ground where the photo may have been
// taken.
type FoundArea struct {
	// Share is the part of the probability over the searched ground, all of it
	// equally likely before. It says nothing about places outside.
	Share   float64     `json:"share"`
	AreaM2  float64     `json:"area_m2"`
	Bounds  [4]float64  `json:"bounds"` // west, south, east, north
	FromM   *float64    `json:"from_m,omitempty"`
	ToM     *float64    `json:"to_m,omitempty"` // along the road
	Fit     float64     `json:"fit_sigmas"`     // root mean square of the best cell's misses
	Best    [3]float64  `json:"best"`           // place of the best cell, for a start of the solver; not an answer
	Angles  Angles      `json:"angles"`         // of the camera there
	FocalPx float64     `json:"focal_px"`
	Visible []string    `json:"visible,omitempty"` // features seen from there
	Hidden  []string    `json:"hidden,omitempty"`
	Cells   []FoundCell `json:"cells"`
	Text    string      `json:"text"`
	cost    float64
}

// FoundCell is a square of the searched ground.
type FoundCell struct {
	At    [2]float64 `json:"at"` // east, north of its middle
	SideM float64    `json:"side_m"`
	Share float64    `json:"share"`
}

// Found is the answer of a search: areas, best first, never one place.
type Found struct {
	Format string      `json:"format"`
	ID     string      `json:"id"`
	Status string      `json:"status"` // found, wide, doubtful, none
	Reason string      `json:"reason,omitempty"`
	Areas  []FoundArea `json:"areas"`
	// What was searched, and what is excluded: the areas together hold 95 % of
	// the probability, and everything whose cost is within 9.2 of the best.
	SearchedM2  float64   `json:"searched_m2"`
	PossibleM2  float64   `json:"possible_m2"`
	Candidates  int       `json:"candidates"`
	SigmaScale  float64   `json:"sigma_scale"`
	Warnings    []Warning `json:"warnings"`
	InputSHA256 string    `json:"input_sha256"`
	Software    Software  `json:"software"`
}

// ParseFind reads a search strictly.
func ParseFind(b []byte) (*FindProblem, error) {
	p := new(FindProblem)
	if err := strict(b, p, "search"); err != nil {
		return nil, err
	}
	switch {
	case p.Format != FindFormat:
		return nil, bad("format", "must be %q, not %q", FindFormat, p.Format)
	case p.ID == "":
		return nil, bad("id", "missing; name the search")
	case p.Scene == "":
		return nil, bad("scene", "missing; a search needs the folder of a scene whose terrain reaches as far as the hills of the photo")
	case p.Image.Width < 1 || p.Image.Height < 1 || p.Image.Width > 1e6 || p.Image.Height > 1e6:
		return nil, bad("image", "must be 1 to 1000000 pixels wide and high")
	case p.Skyline == nil && len(p.Features) == 0:
		return nil, bad("skyline", "missing, and there are no features: mark the line of the hills or name things the photo shows")
	case (len(p.Area.Polygon) > 0) == (len(p.Area.Road) > 0):
		return nil, bad("area", "give either polygon or road")
	case len(p.Area.Polygon) > 0 && len(p.Area.Polygon) < 3, len(p.Area.Road) == 1:
		return nil, bad("area", "a polygon has at least three corners, a road two")
	case len(p.Area.Polygon) > MaxPoints || len(p.Area.Road) > MaxPoints || len(p.Features) > 200:
		return nil, bad("area", "more than %d corners or 200 features", MaxPoints)
	case !finite(p.Area.StepM, p.Area.WidthM) || !(p.Area.StepM >= 0.5) || p.Area.WidthM < 0 || p.Area.WidthM > 1000:
		return nil, bad("area.step_m", "must be at least 0.5 m")
	}
	for i, q := range append(append([][2]float64{}, p.Area.Polygon...), p.Area.Road...) {
		if !finite(q[:]...) || math.Abs(q[0]) > 1e6 || math.Abs(q[1]) > 1e6 {
			return nil, bad("area", "corner %d is not in metres of the scene", i)
		}
	}
	if s := p.Skyline; s != nil {
		if len(s.Px) < 2 || len(s.Px) > MaxPoints {
			return nil, bad("skyline.px", "2 to %d pixels in order along the line are needed", MaxPoints)
		}
		lo, hi := math.Inf(1), math.Inf(-1)
		for i, q := range s.Px {
			if !finite(q[:]...) {
				return nil, bad(fmt.Sprintf("skyline.px[%d]", i), "is not a usable pixel")
			}
			lo, hi = math.Min(lo, q[0]), math.Max(hi, q[0])
		}
		if hi-lo < 0.02*float64(p.Image.Width) {
			return nil, bad("skyline.px", "spans less than a fiftieth of the picture; draw more of the line")
		}
		if v := pick(s.SigmaPx, 3); !finite(v) || !(v > 0) {
			return nil, bad("skyline.sigma_px", "must be above 0 pixels")
		}
	}
	seen := map[string]bool{}
	for i := range p.Features {
		f := &p.Features[i]
		field := fmt.Sprintf("features[%d]", i)
		if f.ID == "" || seen[f.ID] {
			return nil, bad(field+".id", "missing or used twice")
		}
		seen[f.ID] = true
		if !finite(f.World[:]...) || f.Px != nil && !finite(f.Px[:]...) {
			return nil, bad(field, "a coordinate is not a usable number")
		}
		if v := pick(f.SigmaPx, 3); !finite(v) || !(v > 0) {
			return nil, bad(field+".sigma_px", "must be above 0 pixels")
		}
		if f.SigmaM != nil && (!finite(f.SigmaM.V[:]...) || f.SigmaM.V[0] < 0 || f.SigmaM.V[1] < 0 || f.SigmaM.V[2] < 0) {
			return nil, bad(field+".sigma_m", "must be 0 or more metres")
		}
	}
	if f := p.Focal; f != nil && f.Px != nil && !(finite(*f.Px) && *f.Px > 0) {
		return nil, bad("focal.px", "must be above 0 pixels")
	}
	if f := p.Focal; f != nil && f.SigmaLog != nil && !(finite(*f.SigmaLog) && *f.SigmaLog > 0) {
		return nil, bad("focal.sigma_log", "must be above 0")
	}
	if h := p.Height; h != nil && !(finite(h.Metres, h.Sigma) && h.Sigma >= 0 && h.Metres > 0 && h.Metres < 1000) {
		return nil, bad("height_above_ground", "needs metres above 0 and a sigma")
	}
	if h := p.Heading; h != nil && !(finite(h.Deg, h.Sigma) && h.Sigma > 0) {
		return nil, bad("heading", "needs deg and a sigma_deg above 0")
	}
	return p, nil
}

// finder is a search ready to run.
type finder struct {
	p       *FindProblem
	sky     *Skyline
	scene   *Surroundings
	line    [][2]float64 // samples of the drawn skyline
	lineSD  float64
	focals  []float64
	logF    float64
	wF      float64 // information on log f; 0: fixed
	height  float64
	heightS float64
	cx, cy  float64
}

// skySamples is at how many places along it a drawn skyline is read. Misses
// of a skyline are alike over some distance; more samples would make the
// answer surer than it is.
const skySamples = 40

// cell is a candidate place.
type cell struct {
	e, n, side float64
	along      float64 // of a road
	fit        view4
	known      bool // fit is a start: it was found on the cell that this one is cut from
	cost       float64
	seen       uint64 // features, by bit
	ok         bool
}

// view4 is the direction and lens of a candidate.
type view4 struct{ heading, pitch, roll, logF float64 }

// Find searches. The answer is areas with their share of the probability.
func Find(p *FindProblem, raw []byte, scene *Surroundings, sky *Skyline) (*Found, error) {
	sum := sha256.Sum256(raw)
	out := &Found{Format: FoundFormat, ID: p.ID, Areas: []FoundArea{}, Warnings: []Warning{}, SigmaScale: 1, InputSHA256: hex.EncodeToString(sum[:]), Software: Software{"sightline", "dev", "skyline-edges+grid/1"}}
	if !scene.HasGround() {
		return nil, bad("scene", "has no terrain; a search needs ground to stand on")
	}
	f := &finder{p: p, sky: sky, scene: scene, height: 1.6, heightS: 0.5, cx: float64(p.Image.Width) / 2, cy: float64(p.Image.Height) / 2}
	if h := p.Height; h != nil {
		f.height, f.heightS = h.Metres, h.Sigma
	}
	f.lens()
	if p.Skyline != nil {
		f.line, f.lineSD = resample(p.Skyline.Px, skySamples), pick(p.Skyline.SigmaPx, 3)
	}
	cells, err := f.candidates()
	if err != nil {
		return nil, err
	}
	work := float64(len(cells)) * float64(sky.Edges())
	if p.Skyline != nil && work > 3e11 {
		return nil, bad("area.step_m", "%d places over %d edges would take hours; take a larger step, a smaller area or a simpler scene", len(cells), sky.Edges())
	}
	kept := f.try(cells)
	out.Candidates = len(cells)
	for i := range kept {
		out.SearchedM2 += float64(kept[i].side * kept[i].side)
	}
	if len(kept) == 0 {
		out.Status, out.Reason = "none", "the scene has no ground in the searched area"
		return out, nil
	}
	// The best cells are cut into nine, twice.
	for level := range 2 {
		kept = f.refine(kept, &out.Candidates, level == 0)
	}
	f.areas(kept, out)
	return out, nil
}

// lens sets the grid of focal lengths.
func (f *finder) lens() {
	long := math.Max(float64(f.p.Image.Width), float64(f.p.Image.Height))
	f.logF, f.wF = log(long), 1/(0.45*0.45)
	if q := f.p.Focal; q != nil && q.Px != nil {
		f.logF = log(*q.Px)
		s := pick(q.SigmaLog, 0.03)
		f.wF = 1 / float64(s*s)
		if q.Fixed {
			f.wF = 0
		}
		switch {
		case q.Fixed || s < 0.05:
			f.focals = []float64{0}
		case s < 0.2:
			f.focals = []float64{0, float64(-1.2 * s), float64(1.2 * s)}
		}
	}
	if f.focals == nil {
		f.focals = []float64{-0.7, -0.45, -0.2, 0, 0.2, 0.45, 0.75, 1.1}
	}
}

// resample takes n places evenly along the drawn line.
func resample(px [][2]float64, n int) [][2]float64 {
	total := 0.0
	for i := 1; i < len(px); i++ {
		total += math.Hypot(px[i][0]-px[i-1][0], px[i][1]-px[i-1][1])
	}
	out := make([][2]float64, 0, n)
	at, i := 0.0, 1
	for k := range n {
		want := total * (float64(k) + 0.5) / float64(n)
		for i < len(px)-1 {
			l := math.Hypot(px[i][0]-px[i-1][0], px[i][1]-px[i-1][1])
			if at+l >= want {
				break
			}
			at += l
			i++
		}
		l := math.Hypot(px[i][0]-px[i-1][0], px[i][1]-px[i-1][1])
		t := 0.0
		if l > 0 {
			t = math.Min(1, (want-at)/l)
		}
		out = append(out, [2]float64{px[i-1][0] + float64(t*(px[i][0]-px[i-1][0])), px[i-1][1] + float64(t*(px[i][1]-px[i-1][1]))})
	}
	return out
}

// candidates lays the grid.
func (f *finder) candidates() ([]cell, error) {
	a, step := &f.p.Area, f.p.Area.StepM
	var out []cell
	if len(a.Road) > 0 {
		width := a.WidthM
		if width == 0 {
			width = 10
		}
		across := max(1, int(math.Round(width/step)))
		along := 0.0
		for i := 1; i < len(a.Road); i++ {
			p, q := a.Road[i-1], a.Road[i]
			l := math.Hypot(q[0]-p[0], q[1]-p[1])
			if l == 0 {
				continue
			}
			for k := range max(1, int(math.Round(l/step))) {
				t := (float64(k) + 0.5) / math.Max(1, math.Round(l/step))
				for j := range across {
					o := width * ((float64(j)+0.5)/float64(across) - 0.5)
					out = append(out, cell{e: p[0] + float64(t*(q[0]-p[0])) + (q[1]-p[1])/l*o, n: p[1] + float64(t*(q[1]-p[1])) - (q[0]-p[0])/l*o, side: step, along: along + float64(t*l)})
				}
				if len(out) > MaxCandidates {
					return nil, bad("area.step_m", "more than %d places; take a larger step", MaxCandidates)
				}
			}
			along += l
		}
		return out, nil
	}
	lo, hi := a.Polygon[0], a.Polygon[0]
	for _, q := range a.Polygon {
		for k := range 2 {
			lo[k], hi[k] = math.Min(lo[k], q[k]), math.Max(hi[k], q[k])
		}
	}
	if (hi[0]-lo[0])*(hi[1]-lo[1])/(step*step) > 4*MaxCandidates {
		return nil, bad("area.step_m", "more than %d places; take a larger step", MaxCandidates)
	}
	for n := lo[1] + step/2; n < hi[1]+step/2; n += step {
		for e := lo[0] + step/2; e < hi[0]+step/2; e += step {
			if outside(a.Polygon, e, n) < step/2 {
				out = append(out, cell{e: e, n: n, side: step})
			}
		}
	}
	if len(out) > MaxCandidates {
		return nil, bad("area.step_m", "%d places, at most %d are tried; take a larger step", len(out), MaxCandidates)
	}
	return out, nil
}

// maxCut is how many cells are cut into nine at each of two levels.
const maxCut = 120

// refine cuts the cells that may hold the place into nine.
// A near ridge looks quite different a step away, so the first cut takes the
// best cells whatever they cost and looks over all directions again.
func (f *finder) refine(cells []cell, tried *int, first bool) []cell {
	best := math.Inf(1)
	for i := range cells {
		best = math.Min(best, cells[i].cost)
	}
	order := make([]int, 0, len(cells))
	for i := range cells {
		if first || cells[i].cost < best+40 {
			order = append(order, i)
		}
	}
	sort.SliceStable(order, func(i, j int) bool { return cells[order[i]].cost < cells[order[j]].cost })
	if len(order) > maxCut {
		order = order[:maxCut]
	}
	cut := make(map[int]bool, len(order))
	var small []cell
	for _, i := range order {
		if cells[i].side/3 < 0.5 {
			continue
		}
		cut[i] = true
		for dn := -1.0; dn <= 1; dn++ {
			for de := -1.0; de <= 1; de++ {
				c := cells[i]
				small = append(small, cell{e: c.e + float64(de*c.side/3), n: c.n + float64(dn*c.side/3), side: c.side / 3, along: c.along, fit: c.fit, known: !first})
			}
		}
	}
	*tried += len(small)
	out := f.try(small)
	for i := range cells {
		if !cut[i] {
			out = append(out, cells[i])
		}
	}
	return out
}

// Prose writes the answer for people.
func (f *Found) Prose(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%s: %s. %d places tried on %.0f m2; possible: %.0f m2 in %d areas.\n", f.ID, f.Status, f.Candidates, f.SearchedM2, f.PossibleM2, len(f.Areas)); err != nil {
		return err
	}
	if f.Reason != "" {
		if _, err := fmt.Fprintf(w, "  %s.\n", f.Reason); err != nil {
			return err
		}
	}
	for i := range f.Areas {
		if _, err := fmt.Fprintf(w, "  %d. %s\n", i+1, f.Areas[i].Text); err != nil {
			return err
		}
	}
	for _, x := range f.Warnings {
		if _, err := fmt.Fprintf(w, "  Note: %s.\n", x.Text); err != nil {
			return err
		}
	}
	return nil
}
