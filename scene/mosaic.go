package scene

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Located reports whether the grid can be placed on Earth, with the reason
// when it cannot.
func (g *Grid) Located() error {
	if g.CRS.Unknown != "" {
		return errors.New(g.CRS.Unknown)
	}
	if !g.located {
		return errors.New("the file has no georeference (tie point and cell size)")
	}
	return nil
}

// Extent is the box of cell corners in the coordinates of the grid's CRS.
func (g *Grid) Extent() (x0, y0, x1, y1 float64) {
	x0, y0, x1, y1 = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	lo := g.centre - 0.5
	for _, c := range [4][2]float64{{lo, lo}, {lo + float64(g.W), lo}, {lo, lo + float64(g.H)}, {lo + float64(g.W), lo + float64(g.H)}} {
		x, y := g.model(c[0], c[1])
		x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
	}
	return
}

func (g *Grid) model(c, r float64) (x, y float64) {
	t := &g.transform
	return t[0] + t[1]*c + t[2]*r, t[3] + t[4]*c + t[5]*r
}

// raster is the inverse of model.
func (g *Grid) raster(x, y float64) (c, r float64) {
	t := &g.transform
	det := t[1]*t[5] - t[2]*t[4]
	dx, dy := x-t[0], y-t[3]
	return (dx*t[5] - dy*t[2]) / det, (dy*t[1] - dx*t[4]) / det
}

// fillReach is how many cells around a void are searched for heights to fill
// it with.
const fillReach = 24

// sample interpolates the height at WGS84 degrees, bilinear between cell
// centres. A place beside a void takes what its other neighbours say, a place
// inside one the mean of heights around it weighted by distance; both are
// reported as filled, so that a void is never read as a height.
func (g *Grid) sample(lat, lon float64) (float64, quality) {
	x, y := g.CRS.forward(lat, lon)
	c, r := g.raster(x, y)
	c, r = c-g.centre, r-g.centre
	// Half a cell beyond the outer centres still lies in the outer cells.
	if !(c >= -0.5001 && r >= -0.5001 && c <= float64(g.W)-0.4999 && r <= float64(g.H)-0.4999) {
		return 0, missing
	}
	c, r = min(max(c, 0), float64(g.W-1)), min(max(r, 0), float64(g.H-1))
	i, j := min(int(c), max(g.W-2, 0)), min(int(r), max(g.H-2, 0))
	i1, j1 := min(i+1, g.W-1), min(j+1, g.H-1)
	u, v := c-float64(i), r-float64(j)
	sum, weight := 0.0, 0.0
	whole := true
	for _, k := range [4]struct {
		i, j int
		w    float64
	}{{i, j, (1 - u) * (1 - v)}, {i1, j, u * (1 - v)}, {i, j1, (1 - u) * v}, {i1, j1, u * v}} {
		if k.w <= 1e-9 {
			continue
		}
		if z := g.At(k.i, k.j); !math.IsNaN(z) {
			sum += k.w * z
			weight += k.w
		} else {
			whole = false
		}
	}
	switch {
	case whole && weight > 0:
		return sum / weight, good
	case weight > 0.25:
		return sum / weight, filled
	}
	return g.fill(c, r)
}

// fill averages the nearest heights around a void.
func (g *Grid) fill(c, r float64) (float64, quality) {
	ci, ri := int(math.Round(c)), int(math.Round(r))
	sum, weight := 0.0, 0.0
	for d := 1; d <= fillReach; d++ {
		for j := ri - d; j <= ri+d; j++ {
			for i := ci - d; i <= ci+d; i++ {
				if max(abs(i-ci), abs(j-ri)) != d || i < 0 || j < 0 || i >= g.W || j >= g.H {
					continue
				}
				z := g.At(i, j)
				if math.IsNaN(z) {
					continue
				}
				dc, dr := float64(i)-c, float64(j)-r
				w := 1 / (dc*dc + dr*dr)
				sum += w * z
				weight += w
			}
		}
		// One more circle than the first that has heights, so that a void is
		// filled from all sides.
		if weight > 0 && d > 1 {
			return sum / weight, filled
		}
	}
	if weight > 0 {
		return sum / weight, filled
	}
	return 0, missing
}

func abs(i int) int { return max(i, -i) }

// mosaic is several grids with their vertical datum.
type mosaic struct {
	grids    []*Grid
	vertical []string
	offset   []float64
	sources  []Source
	warnings []string
}

// mosaic reads the grids of a terrain.
func (b *build) mosaic(specs []GridSpec) (*mosaic, error) {
	m := &mosaic{}
	for _, s := range specs {
		data, src, err := b.read(s.File)
		if err != nil {
			return nil, err
		}
		g, err := s.grid(data, b.Limits)
		if err == nil {
			err = g.Located()
		}
		if err != nil {
			return nil, fmt.Errorf("scene: %s: %w", src.Name, err)
		}
		v := g.Vertical
		if s.Vertical != "" {
			v = s.Vertical
		}
		switch v {
		case "ellipsoid", "egm96":
		case "egm2008":
			m.warnings = append(m.warnings, src.Name+": heights above EGM2008 are converted as EGM96; the difference is usually below 1 m")
		case "unknown":
			m.warnings = append(m.warnings, src.Name+": the vertical datum of the heights is not known; they are taken as EGM96 and may be off by the geoid height")
		default:
			m.warnings = append(m.warnings, src.Name+": heights above "+v+" are taken as EGM96; give offset_m where the difference is known")
		}
		src.CRS, src.Vertical = g.CRS.String(), v
		m.grids, m.vertical, m.offset = append(m.grids, g), append(m.vertical, v), append(m.offset, s.OffsetM)
		m.sources = append(m.sources, src)
	}
	return m, nil
}

// grid decodes the source: heights as they are, or points put into cells.
func (s *GridSpec) grid(data []byte, lim Limits) (*Grid, error) {
	if !isPoints(s.File) {
		if s.CellM != 0 || s.Surface != "" {
			return nil, errors.New("cell_m and surface go with point clouds (.las)")
		}
		return ReadGrid(s.File, data, lim)
	}
	c, err := ReadLAS(data, lim)
	if err != nil {
		return nil, err
	}
	return c.Grid(s.CellM, s.Surface, lim)
}

func isPoints(name string) bool {
	n := strings.ToLower(name)
	return strings.HasSuffix(n, ".las") || strings.HasSuffix(n, ".laz")
}

// ReadGrid decodes a height grid by the ending of its name: .hgt, .hgt.gz,
// .tif, .tiff.
func ReadGrid(name string, b []byte, lim Limits) (*Grid, error) {
	n := strings.ToLower(name)
	switch {
	case strings.HasSuffix(n, ".hgt"), strings.HasSuffix(n, ".hgt.gz"):
		return ReadHGT(name, b, lim)
	case strings.HasSuffix(n, ".tif"), strings.HasSuffix(n, ".tiff"):
		return ReadGeoTIFF(b, lim)
	}
	return nil, errors.New("not a height grid this program reads: .tif, .tiff, .hgt and .hgt.gz are")
}

func (m *mosaic) voids() (n int) {
	for _, g := range m.grids {
		n += g.Voids
	}
	return n
}

// datum names the vertical datum of the sources, or "mixed".
func (m *mosaic) datum() string {
	for _, v := range m.vertical[1:] {
		if v != m.vertical[0] {
			return "mixed"
		}
	}
	return m.vertical[0]
}

// ellipsoidal returns the height above the ellipsoid at WGS84 degrees. A true
// height of a later grid is preferred to a filled one of an earlier grid.
func (m *mosaic) ellipsoidal(lat, lon float64) (float64, quality) {
	best, bestQ := 0.0, missing
	for i, g := range m.grids {
		z, q := g.sample(lat, lon)
		if q == missing {
			continue
		}
		z += m.offset[i]
		if m.vertical[i] != "ellipsoid" {
			z += geoid(lat, lon)
		}
		if q == good {
			return z, good
		}
		if bestQ == missing {
			best, bestQ = z, q
		}
	}
	return best, bestQ
}

// heights resamples the mosaic in the frame. A point of the ground straight
// above (e, n) of the frame is sought: its height moves it a little against
// the ellipsoid's vertical (0.8 m at 5 km and 1 km of height), so the place is
// looked up again until it stands still.
func (m *mosaic) heights(f frame) heights {
	return func(e, n float64) (float64, quality) {
		u := 0.0
		var q quality
		for range 5 {
			lat, lon, h := f.geo([3]float64{e, n, u})
			var z float64
			if z, q = m.ellipsoidal(lat, lon); q == missing {
				return 0, missing
			}
			// Up by the difference: the verticals differ by e/R only.
			next := u + z - h
			if math.Abs(next-u) < 1e-6 {
				return next, q
			}
			u = next
		}
		return u, q
	}
}
