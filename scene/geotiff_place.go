package scene

import (
	"errors"
	"math"
	"strings"
)

// place reads where the cells lie.
func (t *tiff) place(g *Grid) error {
	g.centre = 0.5
	keys := t.geoKeys()
	if keys[1025].number == 2 {
		g.centre = 0
	}
	scale, tie, full := t.floats(tagPixelScale), t.floats(tagTiePoint), t.floats(tagTransform)
	switch {
	case len(full) >= 16:
		g.transform = [6]float64{full[3], full[0], full[1], full[7], full[4], full[5]}
		g.located = true
	case len(scale) >= 2 && len(tie) >= 6:
		g.transform = [6]float64{tie[3] - tie[0]*scale[0], scale[0], 0, tie[4] + tie[1]*scale[1], 0, -scale[1]}
		g.located = true
	}
	if g.located {
		det := g.transform[1]*g.transform[5] - g.transform[2]*g.transform[4]
		if math.IsNaN(det) || math.IsInf(det, 0) || det == 0 {
			return errors.New("the georeference of the GeoTIFF is degenerate: its cells have no size")
		}
	}
	g.CRS = crsOf(keys)
	if v := keys[4096].number; v != 0 {
		g.Vertical = verticalName(v)
	}
	return nil
}

type geoKey struct {
	number int
	text   string
}

func (t *tiff) geoKeys() map[int]geoKey {
	out := map[int]geoKey{}
	dir, ascii := t.ints(tagGeoKeys), t.text(tagGeoASCII)
	for i := 4; i+3 < len(dir); i += 4 {
		k := geoKey{}
		switch dir[i+1] {
		case 0:
			k.number = int(dir[i+3])
		case tagGeoASCII:
			from, n := dir[i+3], dir[i+2]
			if from <= uint64(len(ascii)) && n <= uint64(len(ascii))-from {
				k.text = strings.TrimRight(ascii[from:from+n], "|\x00")
			}
		}
		out[int(dir[i])] = k
	}
	return out
}
