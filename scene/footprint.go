package scene

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Footprint is the outline of a building in degrees.
type Footprint struct {
	ID    string
	Tags  map[string]string
	Outer [][2]float64 // longitude, latitude
	Inner [][][2]float64
}

// maxFootprints bounds a file; a city block has hundreds.
const maxFootprints = 200_000

// ReadFootprints reads building outlines from GeoJSON (Polygon and
// MultiPolygon) or from the JSON answer of an Overpass query with geometry
// ("out geom"). skipped counts elements without an outline, such as the mere
// centres of "out center": no footprint is made up for them.
func ReadFootprints(b []byte) (list []Footprint, skipped int, err error) {
	var probe struct {
		Type     string          `json:"type"`
		Elements json.RawMessage `json:"elements"`
	}
	if err := json.Unmarshal(b, &probe); err != nil {
		return nil, 0, fmt.Errorf("the footprints are not JSON: %w", err)
	}
	switch {
	case probe.Elements != nil:
		list, skipped, err = overpass(probe.Elements)
	case probe.Type == "FeatureCollection" || probe.Type == "Feature":
		list, skipped, err = geoJSON(b, probe.Type == "Feature")
	default:
		return nil, 0, errors.New("neither GeoJSON (a FeatureCollection) nor an Overpass answer (elements)")
	}
	if err == nil && len(list) > maxFootprints {
		err = fmt.Errorf("%d footprints: at most %d are read", len(list), maxFootprints)
	}
	return list, skipped, err
}

type geoFeature struct {
	ID         any            `json:"id"`
	Properties map[string]any `json:"properties"`
	Geometry   *struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
}

func geoJSON(b []byte, single bool) (list []Footprint, skipped int, err error) {
	var c struct {
		Features []geoFeature `json:"features"`
	}
	if single {
		var f geoFeature
		err = json.Unmarshal(b, &f)
		c.Features = []geoFeature{f}
	} else {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("the GeoJSON is damaged: %w", err)
	}
	for i, f := range c.Features {
		var polys [][][][]float64
		if f.Geometry != nil {
			switch f.Geometry.Type {
			case "Polygon":
				var p [][][]float64
				if err := json.Unmarshal(f.Geometry.Coordinates, &p); err != nil {
					return nil, 0, fmt.Errorf("features[%d]: coordinates: %w", i, err)
				}
				polys = append(polys, p)
			case "MultiPolygon":
				if err := json.Unmarshal(f.Geometry.Coordinates, &polys); err != nil {
					return nil, 0, fmt.Errorf("features[%d]: coordinates: %w", i, err)
				}
			}
		}
		tags := tagsOf(f.Properties)
		id := featureID(f, tags, i)
		used := false
		for k, p := range polys {
			fp := Footprint{ID: id, Tags: tags}
			if len(polys) > 1 {
				fp.ID = fmt.Sprintf("%s/%d", id, k)
			}
			for j, ring := range p {
				r, ok := ringOf(ring)
				switch {
				case !ok:
				case j == 0:
					fp.Outer = r
				default:
					fp.Inner = append(fp.Inner, r)
				}
			}
			if fp.Outer != nil {
				list = append(list, fp)
				used = true
			}
		}
		if !used {
			skipped++
		}
	}
	return list, skipped, nil
}

// ringOf checks that a ring holds at least three places on Earth.
func ringOf(in [][]float64) ([][2]float64, bool) {
	if len(in) < 3 {
		return nil, false
	}
	out := make([][2]float64, 0, len(in))
	for _, p := range in {
		if len(p) < 2 || !(math.Abs(p[0]) <= 180) || !(math.Abs(p[1]) <= 90) {
			return nil, false
		}
		out = append(out, [2]float64{p[0], p[1]})
	}
	return out, true
}

// tagsOf flattens properties; exporters put OSM tags beside their own or in
// "tags".
func tagsOf(props map[string]any) map[string]string {
	out := map[string]string{}
	put := func(m map[string]any) {
		for k, v := range m {
			switch x := v.(type) {
			case string:
				out[k] = x
			case float64:
				out[k] = strconv.FormatFloat(x, 'g', -1, 64)
			}
		}
	}
	put(props)
	if t, ok := props["tags"].(map[string]any); ok {
		put(t)
	}
	return out
}

func featureID(f geoFeature, tags map[string]string, i int) string {
	switch x := f.ID.(type) {
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	for _, k := range []string{"@id", "osm_id", "id"} {
		if tags[k] != "" {
			return tags[k]
		}
	}
	return fmt.Sprintf("feature/%d", i)
}

type overpassElement struct {
	Type     string            `json:"type"`
	ID       json.Number       `json:"id"`
	Tags     map[string]string `json:"tags"`
	Geometry []*overpassPoint  `json:"geometry"`
	Members  []struct {
		Type     string           `json:"type"`
		Role     string           `json:"role"`
		Geometry []*overpassPoint `json:"geometry"`
	} `json:"members"`
}

type overpassPoint struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

func overpass(raw json.RawMessage) (list []Footprint, skipped int, err error) {
	var els []overpassElement
	if err := json.Unmarshal(raw, &els); err != nil {
		return nil, 0, fmt.Errorf("the Overpass answer is damaged: %w", err)
	}
	for i := range els {
		e := &els[i]
		id := e.Type + "/" + e.ID.String()
		if r, ok := overpassRing(e.Geometry); ok {
			list = append(list, Footprint{ID: id, Tags: e.Tags, Outer: r})
			continue
		}
		outers, inners := e.rings("outer"), e.rings("inner")
		for k, o := range outers {
			fp := Footprint{ID: id, Tags: e.Tags, Outer: o}
			if len(outers) > 1 {
				fp.ID = fmt.Sprintf("%s/%d", id, k)
			}
			for _, in := range inners {
				if contains(o, in[0]) {
					fp.Inner = append(fp.Inner, in)
				}
			}
			list = append(list, fp)
		}
		if len(outers) == 0 {
			skipped++
		}
	}
	return list, skipped, nil
}

func overpassRing(g []*overpassPoint) ([][2]float64, bool) {
	var pts [][]float64
	for _, p := range g {
		if p != nil { // null where the answer was clipped to a box
			pts = append(pts, []float64{p.Lon, p.Lat})
		}
	}
	if n := len(pts); n < 4 || pts[0][0] != pts[n-1][0] || pts[0][1] != pts[n-1][1] {
		return nil, false
	}
	return ringOf(pts)
}

// rings joins the member ways of a multipolygon end to end.
func (e *overpassElement) rings(role string) (out [][][2]float64) {
	var open [][][2]float64
	for _, m := range e.Members {
		if m.Role != role && !(role == "outer" && m.Role == "") {
			continue
		}
		var w [][2]float64
		for _, p := range m.Geometry {
			if p != nil {
				w = append(w, [2]float64{p.Lon, p.Lat})
			}
		}
		if len(w) > 1 {
			open = append(open, w)
		}
	}
	for len(open) > 0 {
		cur := append([][2]float64(nil), open[0]...)
		open = open[1:]
		for cur[0] != cur[len(cur)-1] {
			joined := false
			for i, w := range open {
				a, b := w[0], w[len(w)-1]
				switch end := cur[len(cur)-1]; end {
				case a:
					cur = append(cur, w[1:]...)
				case b:
					for k := len(w) - 2; k >= 0; k-- {
						cur = append(cur, w[k])
					}
				default:
					continue
				}
				open = append(open[:i:i], open[i+1:]...)
				joined = true
				break
			}
			if !joined {
				break
			}
		}
		if len(cur) >= 4 && cur[0] == cur[len(cur)-1] {
			if r, ok := ringOf(slices2(cur)); ok {
				out = append(out, r)
			}
		}
	}
	return out
}

func slices2(in [][2]float64) [][]float64 {
	out := make([][]float64, len(in))
	for i := range in {
		out[i] = in[i][:]
	}
	return out
}

// contains reports whether a point lies in a ring (even-odd rule).
func contains(ring [][2]float64, p [2]float64) bool {
	in := false
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < (b[0]-a[0])*(p[1]-a[1])/(b[1]-a[1])+a[0] {
			in = !in
		}
	}
	return in
}
