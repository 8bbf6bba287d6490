package scene

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
)

// Info describes one source file.
type Info struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`

	Grid       *GridInfo      `json:"grid,omitempty"`
	Footprints *FootprintInfo `json:"footprints,omitempty"`
	Models     []MeshInfo     `json:"models,omitempty"`
	Totals     *MeshInfo      `json:"totals,omitempty"`
	Points     *PointInfo     `json:"points,omitempty"`
}

// PointInfo describes a point cloud in the coordinates of its reference.
type PointInfo struct {
	Version string      `json:"version"`
	Format  int         `json:"format"`
	Count   int         `json:"count"`
	CRS     string      `json:"crs"`
	Low     [3]float64  `json:"low"`
	High    [3]float64  `json:"high"`
	Classes map[int]int `json:"classes"`
	Problem string      `json:"problem,omitempty"` // why it cannot be placed
}

// GridInfo describes a height grid.
type GridInfo struct {
	Width    int        `json:"width"`
	Height   int        `json:"height"`
	CRS      string     `json:"crs"`
	Datum    string     `json:"datum,omitempty"`
	Vertical string     `json:"vertical"`
	Extent   [4]float64 `json:"extent"` // x0, y0, x1, y1 in the CRS
	Cell     [2]float64 `json:"cell"`
	Min      float64    `json:"min"`
	Max      float64    `json:"max"`
	Mean     float64    `json:"mean"`
	Voids    int        `json:"voids"`
	Problem  string     `json:"problem,omitempty"` // why it cannot be placed
}

// FootprintInfo describes a file of footprints.
type FootprintInfo struct {
	Count   int        `json:"count"`
	Skipped int        `json:"skipped"`
	Heights int        `json:"with_height"`
	Levels  int        `json:"with_levels"`
	Box     [4]float64 `json:"box"` // lon0, lat0, lon1, lat1
}

// MeshInfo describes a mesh in the axes of the file turned to the frame.
type MeshInfo struct {
	Name      string     `json:"name,omitempty"`
	Vertices  int        `json:"vertices"`
	Triangles int        `json:"triangles"`
	Textured  bool       `json:"textured,omitempty"`
	Low       [3]float64 `json:"low"`
	High      [3]float64 `json:"high"`
}

// Inspect reads a height grid, footprint file or model and describes it.
func Inspect(path string) (*Info, error) {
	b, err := readLimited(path, Defaults.Bytes)
	if err != nil {
		return nil, err
	}
	info := &Info{Name: filepath.Base(path), SHA256: digest(b), Bytes: int64(len(b))}
	n := strings.ToLower(path)
	switch {
	case strings.HasSuffix(n, ".tif"), strings.HasSuffix(n, ".tiff"), strings.HasSuffix(n, ".hgt"), strings.HasSuffix(n, ".hgt.gz"):
		g, err := ReadGrid(filepath.Base(path), b, Defaults)
		if err != nil {
			return nil, err
		}
		info.Grid = g.info()
	case isPoints(n):
		c, err := ReadLAS(b, Defaults)
		if err != nil {
			return nil, err
		}
		info.Points = &PointInfo{c.Version, c.Format, c.Count, c.CRS.String(), c.Low, c.High, c.Classes, c.CRS.Unknown}
	case strings.HasSuffix(n, ".geojson"), strings.HasSuffix(n, ".json"):
		list, skipped, err := ReadFootprints(b)
		if err != nil {
			return nil, err
		}
		info.Footprints = footprintInfo(list, skipped)
	default:
		pieces, err := ReadModel(path, b, Defaults)
		if err != nil {
			return nil, err
		}
		t := MeshInfo{Low: [3]float64{math.Inf(1), math.Inf(1), math.Inf(1)}, High: [3]float64{math.Inf(-1), math.Inf(-1), math.Inf(-1)}}
		for i := range pieces {
			m := &pieces[i].Mesh
			lo, hi, ok := m.Bounds()
			if !ok {
				continue
			}
			info.Models = append(info.Models, MeshInfo{Name: m.Name, Vertices: len(m.Positions), Triangles: len(m.Triangles), Textured: m.Texture != nil, Low: lo, High: hi})
			t.Vertices += len(m.Positions)
			t.Triangles += len(m.Triangles)
			for k := range lo {
				t.Low[k], t.High[k] = min(t.Low[k], lo[k]), max(t.High[k], hi[k])
			}
		}
		if len(info.Models) > 0 {
			info.Totals = &t
		}
	}
	return info, nil
}

func (g *Grid) info() *GridInfo {
	i := &GridInfo{Width: g.W, Height: g.H, CRS: g.CRS.String(), Datum: g.CRS.Datum, Vertical: g.Vertical, Voids: g.Voids}
	if err := g.Located(); err != nil {
		i.Problem = err.Error()
	}
	if g.located {
		i.Extent[0], i.Extent[1], i.Extent[2], i.Extent[3] = g.Extent()
		i.Cell = [2]float64{math.Hypot(g.transform[1], g.transform[4]), math.Hypot(g.transform[2], g.transform[5])}
	}
	lo, hi, sum, n := math.Inf(1), math.Inf(-1), 0.0, 0
	for r := range g.H {
		for c := range g.W {
			if z := g.At(c, r); !math.IsNaN(z) {
				lo, hi, sum, n = min(lo, z), max(hi, z), sum+z, n+1
			}
		}
	}
	if n > 0 {
		i.Min, i.Max, i.Mean = lo, hi, sum/float64(n)
	}
	return i
}

func footprintInfo(list []Footprint, skipped int) *FootprintInfo {
	f := &FootprintInfo{Count: len(list), Skipped: skipped}
	if len(list) == 0 {
		return f
	}
	f.Box = [4]float64{180, 90, -180, -90}
	for i := range list {
		switch _, basis := (&BuildingSpec{}).height(list[i].Tags); basis {
		case "height":
			f.Heights++
		case "levels":
			f.Levels++
		}
		for _, p := range list[i].Outer {
			f.Box[0], f.Box[1] = min(f.Box[0], p[0]), min(f.Box[1], p[1])
			f.Box[2], f.Box[3] = max(f.Box[2], p[0]), max(f.Box[3], p[1])
		}
	}
	return f
}

// Lines is the description for people.
func (i *Info) Lines() []string {
	out := []string{fmt.Sprintf("%s  %d bytes  sha256 %s", i.Name, i.Bytes, i.SHA256)}
	if g := i.Grid; g != nil {
		out = append(out, fmt.Sprintf("height grid %d x %d, %s, heights above %s", g.Width, g.Height, g.CRS, g.Vertical),
			fmt.Sprintf("min %.3f max %.3f mean %.3f, %d voids", g.Min, g.Max, g.Mean, g.Voids))
		if g.Problem != "" {
			out = append(out, "cannot be placed: "+g.Problem)
		} else {
			out = append(out, fmt.Sprintf("extent %g, %g to %g, %g; cell %g x %g", g.Extent[0], g.Extent[1], g.Extent[2], g.Extent[3], g.Cell[0], g.Cell[1]))
		}
	}
	if f := i.Footprints; f != nil {
		out = append(out, fmt.Sprintf("%d footprints, %d elements without one; height tagged %d, storeys tagged %d", f.Count, f.Skipped, f.Heights, f.Levels))
		if f.Count > 0 {
			out = append(out, fmt.Sprintf("longitude %.6f to %.6f, latitude %.6f to %.6f", f.Box[0], f.Box[2], f.Box[1], f.Box[3]))
		}
	}
	if p := i.Points; p != nil {
		out = append(out, fmt.Sprintf("LAS %s, point format %d, %d points, %s, %d of class ground", p.Version, p.Format, p.Count, p.CRS, p.Classes[2]),
			fmt.Sprintf("low %.3f high %.3f", p.Low, p.High))
		if p.Problem != "" {
			out = append(out, "cannot be placed: "+p.Problem)
		}
	}
	for _, m := range i.Models {
		out = append(out, fmt.Sprintf("%-30s %7d vertices %7d triangles  low %.4f high %.4f", m.Name, m.Vertices, m.Triangles, m.Low, m.High))
	}
	return out
}
