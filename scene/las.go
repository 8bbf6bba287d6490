package scene

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// PointCloud is a LAS file: laser or photogrammetric points of one survey.
type PointCloud struct {
	Version string
	Format  int // of the point records, 0 to 10
	Count   int
	Low     [3]float64 // found in the points, in the units of the reference
	High    [3]float64
	Classes map[int]int // how many points of each class; 2 is ground, 6 building
	CRS     CRS

	data   []byte // the records
	length int
	scale  [3]float64
	offset [3]float64
	from   int // of the classification in a record
	mask   byte
}

var utmName = regexp.MustCompile(`WGS 84 / UTM zone (\d{1,2})([NS])`)

// ReadLAS reads a LAS file of version 1.0 to 1.4, uncompressed (ASPRS LAS 1.4
// R15). LAZ and COPC are compressed LAS and are refused with the remedy: there
// is no decoder here.
func ReadLAS(b []byte, lim Limits) (*PointCloud, error) {
	le := binary.LittleEndian
	if len(b) < 227 || string(b[:4]) != "LASF" {
		return nil, errors.New("not a LAS file: it does not begin with LASF")
	}
	c := &PointCloud{Version: fmt.Sprintf("%d.%d", b[24], b[25]), Classes: map[int]int{}}
	if b[24] != 1 || b[25] > 4 {
		return nil, fmt.Errorf("LAS version %s is not read: 1.0 to 1.4 are", c.Version)
	}
	head, at := int(le.Uint16(b[94:])), int(le.Uint32(b[96:]))
	nvlr := int(le.Uint32(b[100:]))
	format := b[104]
	if format&0xc0 != 0 {
		return nil, errors.New("the points are compressed (LAZ or COPC); convert the file to LAS first, for example with PDAL or LASzip")
	}
	c.Format, c.length = int(format), int(le.Uint16(b[105:]))
	least := [11]int{20, 28, 26, 34, 57, 63, 30, 36, 38, 59, 67}
	if c.Format > 10 || c.length < least[min(c.Format, 10)] {
		return nil, fmt.Errorf("point format %d with %d bytes a point is not one of LAS", c.Format, c.length)
	}
	count := uint64(le.Uint32(b[107:]))
	if b[25] == 4 && len(b) >= 375 && head >= 375 {
		if n := le.Uint64(b[247:]); n > 0 {
			count = n
		}
	}
	if at < head || at > len(b) || count > uint64(len(b)-at)/uint64(c.length) {
		return nil, fmt.Errorf("the header promises %d points of %d bytes, which the file of %d bytes cannot hold: it is cut off", count, c.length, len(b))
	}
	if count == 0 || count > uint64(10*lim.Vertices) {
		return nil, fmt.Errorf("%d points: 1 to %d are read", count, 10*lim.Vertices)
	}
	c.Count = int(count)
	for k := range 3 {
		c.scale[k] = math.Float64frombits(le.Uint64(b[131+8*k:]))
		c.offset[k] = math.Float64frombits(le.Uint64(b[155+8*k:]))
		if !(math.Abs(c.scale[k]) > 1e-12 && math.Abs(c.scale[k]) < 1e6) || !(math.Abs(c.offset[k]) < 1e12) {
			return nil, errors.New("the scale or offset of the coordinates is not usable")
		}
		c.Low[k], c.High[k] = math.Inf(1), math.Inf(-1)
	}
	c.data = b[at : at+c.Count*c.length]
	c.from, c.mask = 15, 0x1f
	if c.Format >= 6 {
		c.from, c.mask = 16, 0xff
	}
	for i := range c.Count {
		p, class := c.point(i)
		c.Classes[class]++
		for k := range p {
			c.Low[k], c.High[k] = min(c.Low[k], p[k]), max(c.High[k], p[k])
		}
	}
	c.CRS = lasCRS(b, head, at, nvlr)
	return c, nil
}

// point is the place of one point and its class.
func (c *PointCloud) point(i int) (p [3]float64, class int) {
	r := c.data[i*c.length:]
	for k := range p {
		p[k] = float64(float64(int32(binary.LittleEndian.Uint32(r[4*k:])))*c.scale[k]) + c.offset[k]
	}
	return p, int(r[c.from] & c.mask)
}

// lasCRS reads the reference from the variable records: GeoTIFF keys, or the
// name of a WGS84 UTM zone in WKT.
func lasCRS(b []byte, at, end, n int) CRS {
	le := binary.LittleEndian
	for range min(n, 1000) {
		if at+54 > end || at+54 > len(b) {
			break
		}
		user := strings.TrimRight(string(b[at+2:at+18]), "\x00")
		id, size := int(le.Uint16(b[at+18:])), int(le.Uint16(b[at+20:]))
		if at+54+size > len(b) {
			break
		}
		body := b[at+54 : at+54+size]
		at += 54 + size
		if user != "LASF_Projection" {
			continue
		}
		switch id {
		case 34735:
			keys := map[int]geoKey{}
			for i := 8; i+8 <= len(body); i += 8 {
				if le.Uint16(body[i+2:]) == 0 {
					keys[int(le.Uint16(body[i:]))] = geoKey{number: int(le.Uint16(body[i+6:]))}
				}
			}
			return crsOf(keys)
		case 2112:
			if m := utmName.FindStringSubmatch(string(body)); m != nil {
				z, _ := strconv.Atoi(m[1])
				base := 32600
				if m[2] == "S" {
					base = 32700
				}
				return projectedCRS(base + z)
			}
			return CRS{Unknown: "the file describes its reference in WKT that is not a WGS84 UTM zone; convert it to WGS84 UTM"}
		}
	}
	return CRS{Unknown: "the file does not say where on Earth its points lie"}
}

// Grid makes a height grid of square cells. Surface "ground" takes the mean of
// the points of class 2, "top" the highest point of any class but noise (7 and
// 18). cell 0 chooses cells of about four points.
func (c *PointCloud) Grid(cell float64, surface string, lim Limits) (*Grid, error) {
	if c.CRS.Unknown != "" {
		return nil, errors.New(c.CRS.Unknown)
	}
	if surface == "" {
		surface = "top"
		if c.Classes[2] > 0 {
			surface = "ground"
		}
	}
	if surface != "ground" && surface != "top" {
		return nil, fmt.Errorf("surface %q: use ground or top", surface)
	}
	if surface == "ground" && c.Classes[2] == 0 {
		return nil, errors.New("no point is classified as ground; use surface top, or classify the points first")
	}
	w, h := c.High[0]-c.Low[0], c.High[1]-c.Low[1]
	if cell == 0 {
		cell = math.Sqrt(max(w*h, 1e-6) * 4 / float64(c.Count))
	}
	unit := cell
	if c.CRS.Zone == 0 {
		unit *= 111_000
	}
	if !(unit >= 0.05 && unit < 1e5) {
		return nil, fmt.Errorf("cells of %g m: expected 0.05 m or more", unit)
	}
	nx, ny := math.Floor(w/cell)+1, math.Floor(h/cell)+1
	if nx*ny > float64(lim.Pixels) {
		return nil, fmt.Errorf("%.0f cells: at most %d; use a larger cell_m", nx*ny, lim.Pixels)
	}
	g := &Grid{W: int(nx), H: int(ny), values: make([]float32, int(nx*ny)), CRS: c.CRS, Vertical: "unknown", located: true, centre: 0.5,
		transform: [6]float64{c.Low[0], cell, 0, c.High[1], 0, -cell}}
	sum, num := make([]float64, len(g.values)), make([]int32, len(g.values))
	for i := range c.Count {
		p, class := c.point(i)
		if surface == "ground" && class != 2 || class == 7 || class == 18 {
			continue
		}
		k := min(int((c.High[1]-p[1])/cell), g.H-1)*g.W + min(int((p[0]-c.Low[0])/cell), g.W-1)
		switch {
		case surface == "ground":
			sum[k] += p[2]
			num[k]++
		case num[k] == 0 || p[2] > sum[k]:
			sum[k], num[k] = p[2], 1
		}
	}
	for k := range g.values {
		if num[k] == 0 {
			g.values[k] = float32(math.NaN())
			g.Voids++
			continue
		}
		g.values[k] = float32(sum[k] / float64(num[k]))
	}
	if g.Voids == len(g.values) {
		return nil, errors.New("no cell holds a point that counts")
	}
	return g, nil
}
