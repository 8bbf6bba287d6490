package scene

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

var hgtName = regexp.MustCompile(`(?i)([NS])(\d{2})([EW])(\d{3})`)

// ReadHGT decodes an SRTM tile (.hgt, or .hgt.gz): a square of big-endian
// 16-bit heights above EGM96, one degree a side, rows from the north, the
// outer posts on whole degrees. The file's name says which degree; -32768 is
// a void.
func ReadHGT(name string, b []byte, lim Limits) (*Grid, error) {
	if len(b) > 2 && b[0] == 0x1f && b[1] == 0x8b {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("the gzip file is damaged: %w", err)
		}
		limit := int64(min(2*lim.Pixels, 1<<28))
		if b, err = io.ReadAll(io.LimitReader(z, limit+1)); err != nil {
			return nil, fmt.Errorf("the gzip file is damaged: %w", err)
		}
		if int64(len(b)) > limit {
			return nil, errors.New("the gzip file unpacks to more than a height tile can hold")
		}
	}
	m := hgtName.FindStringSubmatch(name)
	if m == nil {
		return nil, fmt.Errorf("the name %q does not say which degree the tile covers: expected a name such as N10W068.hgt", name)
	}
	lat, _ := strconv.Atoi(m[2])
	lon, _ := strconv.Atoi(m[4])
	if strings.EqualFold(m[1], "S") {
		lat = -lat
	}
	if strings.EqualFold(m[3], "W") {
		lon = -lon
	}
	if lat < -90 || lat > 89 || lon < -180 || lon > 179 {
		return nil, fmt.Errorf("the name %q is not a degree on Earth", name)
	}
	n := int(math.Sqrt(float64(len(b) / 2)))
	if len(b) != 2*n*n || n < 2 || n > 10801 || n*n > lim.Pixels {
		return nil, fmt.Errorf("%d bytes are not a square of 16-bit heights: the tile is cut off or another format", len(b))
	}
	step := 1 / float64(n-1)
	g := &Grid{W: n, H: n, values: make([]float32, n*n), CRS: CRS{EPSG: 4326, Datum: "WGS84"}, Vertical: "egm96", located: true,
		transform: [6]float64{float64(lon), step, 0, float64(lat + 1), 0, -step}}
	for i := range g.values {
		v := int16(binary.BigEndian.Uint16(b[2*i:]))
		if v == -32768 {
			g.values[i] = float32(math.NaN())
			g.Voids++
			continue
		}
		g.values[i] = float32(v)
	}
	return g, nil
}
