package scene

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // the two formats that a GLB may hold
	_ "image/png"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"sightline/raster"
)

// DrapeSpec lays an orthophoto on the terrain: a JPEG or PNG with a world
// file, whose bytes go into the GLB as they are.
type DrapeSpec struct {
	File  string `json:"file"`
	World string `json:"world,omitempty"` // default: the name with .jgw or .pgw
	EPSG  int    `json:"epsg"`            // of the world file: 4326, or UTM
	Date  string `json:"date"`            // EDTF, when it was taken
}

// maxDrape bounds a texture in pixels a side: what graphics cards take.
const maxDrape = 8192

// worldFile reads the six lines of a world file: x by column, y by column, x
// by row, y by row, and the middle of the first pixel. The result maps
// positions in the picture, counted from its corner.
func worldFile(b []byte) (t [6]float64, err error) {
	f := strings.Fields(string(b))
	if len(f) != 6 {
		return t, fmt.Errorf("a world file has six numbers, this one %d", len(f))
	}
	var v [6]float64
	for i, s := range f {
		if v[i], err = strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64); err != nil || math.IsInf(v[i], 0) || math.IsNaN(v[i]) {
			return t, fmt.Errorf("line %d of the world file is not a number", i+1)
		}
	}
	t = [6]float64{v[4] - v[0]/2 - v[2]/2, v[0], v[2], v[5] - v[1]/2 - v[3]/2, v[1], v[3]}
	if d := t[1]*t[5] - t[2]*t[4]; d == 0 || math.IsNaN(d) {
		return t, errors.New("the world file's pixels have no size")
	}
	return t, nil
}

// drape splits the terrain into what the picture covers and the rest.
func (b *build) drape(s *DrapeSpec, l *Layer, pieces []Piece) ([]Piece, error) {
	data, src, err := b.read(s.File)
	if err != nil {
		return nil, err
	}
	cfg, kind, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("scene: %s: not a JPEG or PNG picture: %w", src.Name, err)
	}
	if cfg.Width > maxDrape || cfg.Height > maxDrape || cfg.Width < 1 || cfg.Height < 1 {
		return nil, fmt.Errorf("scene: %s: %d x %d pixels, at most %d a side are laid on the ground; make it smaller and change its world file", src.Name, cfg.Width, cfg.Height, maxDrape)
	}
	name := s.World
	if name == "" {
		ext := filepath.Ext(s.File)
		name = strings.TrimSuffix(s.File, ext) + map[bool]string{true: ".jgw", false: ".pgw"}[kind == "jpeg"]
	}
	w, wsrc, err := b.read(name)
	if err != nil {
		return nil, err
	}
	t, err := worldFile(w)
	if err != nil {
		return nil, fmt.Errorf("scene: %s: %w", wsrc.Name, err)
	}
	crs := projectedCRS(s.EPSG)
	if d, ok := geographic[s.EPSG]; ok {
		crs = CRS{EPSG: s.EPSG, Datum: d}
	}
	if crs.Unknown != "" {
		return nil, fmt.Errorf("scene: %s: %s", wsrc.Name, crs.Unknown)
	}
	src.CRS = crs.String()
	l.Sources = append(l.Sources, src, wsrc)
	date := s.Date
	if date == "" {
		date = "a date that is not stated"
	}
	l.Warnings = append(l.Warnings, fmt.Sprintf("the picture on the ground (%s) is of %s; the place may have looked otherwise at the time of the events", src.Name, date))
	det := t[1]*t[5] - t[2]*t[4]
	var out []Piece
	covered := 0
	for _, p := range pieces {
		m := p.Mesh
		if m.Class == raster.Conjectural && l.Class != "conjectural" {
			out = append(out, p) // a filled void stays visible as one
			continue
		}
		uv := make([][2]float64, len(m.Positions))
		in := make([]bool, len(m.Positions))
		for i, q := range m.Positions {
			lat, lon, _ := b.frame.geo(q)
			x, y := crs.forward(lat, lon)
			dx, dy := x-t[0], y-t[3]
			u, v := (dx*t[5]-dy*t[2])/det/float64(cfg.Width), (dy*t[1]-dx*t[4])/det/float64(cfg.Height)
			uv[i] = [2]float64{u, v}
			in[i] = u >= 0 && v >= 0 && u <= 1 && v <= 1
		}
		var on, off [][3]uint32
		for _, c := range m.Triangles {
			if in[c[0]] && in[c[1]] && in[c[2]] {
				on = append(on, c)
			} else {
				off = append(off, c)
			}
		}
		if len(off) > 0 {
			rest := p
			rest.Mesh.Positions, rest.Mesh.Triangles = compact(m.Positions, off)
			out = append(out, rest)
		}
		if len(on) == 0 {
			continue
		}
		covered += len(on)
		with := p
		with.Mesh.Name += " (photographed)"
		index := map[uint32]uint32{}
		with.Mesh.Positions, with.Mesh.Triangles, with.Mesh.UV = nil, make([][3]uint32, len(on)), nil
		for i, c := range on {
			for k, v := range c {
				j, ok := index[v]
				if !ok {
					j = uint32(len(index))
					index[v] = j
					with.Mesh.Positions = append(with.Mesh.Positions, m.Positions[v])
					with.Mesh.UV = append(with.Mesh.UV, uv[v])
				}
				with.Mesh.Triangles[i][k] = j
			}
		}
		with.Mesh.Colour = color.NRGBA{255, 255, 255, 255} // the picture as it is, not tinted
		with.Image, with.ImageType = data, "image/"+kind
		out = append(out, with)
	}
	if covered == 0 {
		return nil, fmt.Errorf("scene: %s: the picture lies nowhere on the terrain; check epsg and the world file", src.Name)
	}
	return out, nil
}
