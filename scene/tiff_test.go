package scene

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sightline/where"
)

// tiffSpec describes a GeoTIFF to make.
type tiffSpec struct {
	w, h        int
	bits        int
	format      int // 1 unsigned, 2 signed, 3 float
	order       binary.ByteOrder
	big         bool
	tile        int // 0: strips
	rows        int // per strip
	compression int
	predictor   int
	spp         int
	epsg        int
	point       bool
	nodata      string
	scale       [2]float64
	tie         [2]float64
	value       func(x, y int) float64
}

// makeTIFF writes the file by hand, from TIFF 6.0, so that the reader is not
// tested against itself.
func makeTIFF(s tiffSpec) []byte {
	if s.order == nil {
		s.order = binary.LittleEndian
	}
	if s.spp == 0 {
		s.spp = 1
	}
	if s.predictor == 0 {
		s.predictor = 1
	}
	if s.compression == 0 {
		s.compression = 1
	}
	bw, bh := s.w, s.rows
	if bh == 0 {
		bh = s.h
	}
	if s.tile > 0 {
		bw, bh = s.tile, s.tile
	}
	var body bytes.Buffer
	head := 8
	if s.big {
		head = 16
	}
	var offsets, counts []uint64
	for y0 := 0; y0 < s.h; y0 += bh {
		for x0 := 0; x0 < s.w; x0 += bw {
			rows := bh
			if s.tile == 0 {
				rows = min(bh, s.h-y0)
			}
			var raw bytes.Buffer
			for y := y0; y < y0+rows; y++ {
				row := make([]byte, 0, bw*s.spp*s.bits/8)
				for x := x0; x < x0+bw; x++ {
					v := 0.0
					if x < s.w && y < s.h {
						v = s.value(x, y)
					}
					row = s.put(row, v)
					for k := 1; k < s.spp; k++ {
						row = s.put(row, float64(k))
					}
				}
				raw.Write(s.predict(row))
			}
			enc := s.compress(raw.Bytes())
			offsets, counts = append(offsets, uint64(head+body.Len())), append(counts, uint64(len(enc)))
			body.Write(enc)
			if body.Len()%2 == 1 {
				body.WriteByte(0)
			}
		}
	}
	return s.assemble(body.Bytes(), head, offsets, counts)
}

func (s *tiffSpec) put(row []byte, v float64) []byte {
	b := make([]byte, 8)
	switch {
	case s.format == 3 && s.bits == 32:
		s.order.PutUint32(b, math.Float32bits(float32(v)))
	case s.format == 3:
		s.order.PutUint64(b, math.Float64bits(v))
	case s.bits == 8:
		b[0] = byte(int64(v))
	case s.bits == 16:
		s.order.PutUint16(b, uint16(int64(v)))
	default:
		s.order.PutUint32(b, uint32(int64(v)))
	}
	return append(row, b[:s.bits/8]...)
}

func (s *tiffSpec) predict(row []byte) []byte {
	n, k := s.bits/8, s.spp
	switch s.predictor {
	case 2:
		for i := len(row) - n; i >= n*k; i -= n {
			switch n {
			case 1:
				row[i] -= row[i-k]
			case 2:
				s.order.PutUint16(row[i:], s.order.Uint16(row[i:])-s.order.Uint16(row[i-2*k:]))
			case 4:
				s.order.PutUint32(row[i:], s.order.Uint32(row[i:])-s.order.Uint32(row[i-4*k:]))
			}
		}
	case 3:
		cells := len(row) / n
		out := make([]byte, len(row))
		for i := range cells {
			for b := range n {
				from := i*n + b
				if s.order == binary.ByteOrder(binary.LittleEndian) {
					from = i*n + n - 1 - b
				}
				out[b*cells+i] = row[from]
			}
		}
		for i := len(out) - 1; i >= k; i-- {
			out[i] -= out[i-k]
		}
		return out
	}
	return row
}

func (s *tiffSpec) compress(b []byte) []byte {
	var out bytes.Buffer
	switch s.compression {
	case 8, 32946:
		w := zlib.NewWriter(&out)
		w.Write(b)
		w.Close()
	case 5:
		// LZW with a clear code before the table grows past nine bits: valid,
		// if not small.
		var acc uint32
		nbits := 0
		emit := func(code uint32) {
			acc = acc<<9 | code
			nbits += 9
			for nbits >= 8 {
				out.WriteByte(byte(acc >> (nbits - 8)))
				nbits -= 8
			}
		}
		for i, c := range b {
			if i%200 == 0 {
				emit(256)
			}
			emit(uint32(c))
		}
		emit(257)
		if nbits > 0 {
			out.WriteByte(byte(acc << (8 - nbits)))
		}
	default:
		return b
	}
	return out.Bytes()
}

func (s *tiffSpec) assemble(body []byte, head int, offsets, counts []uint64) []byte {
	type field struct {
		tag, kind uint16
		n         uint64
		data      []byte
	}
	var fields []field
	ints := func(tag, kind uint16, v ...uint64) {
		var d []byte
		for _, x := range v {
			b := make([]byte, 8)
			switch kind {
			case 3:
				s.order.PutUint16(b, uint16(x))
				d = append(d, b[:2]...)
			case 4:
				s.order.PutUint32(b, uint32(x))
				d = append(d, b[:4]...)
			default:
				s.order.PutUint64(b, x)
				d = append(d, b...)
			}
		}
		fields = append(fields, field{tag, kind, uint64(len(v)), d})
	}
	doubles := func(tag uint16, v ...float64) {
		var d []byte
		for _, x := range v {
			b := make([]byte, 8)
			s.order.PutUint64(b, math.Float64bits(x))
			d = append(d, b...)
		}
		fields = append(fields, field{tag, 12, uint64(len(v)), d})
	}
	long := uint16(4)
	if s.big {
		long = 16
	}
	ints(256, 3, uint64(s.w))
	ints(257, 3, uint64(s.h))
	bits := make([]uint64, s.spp)
	formats := make([]uint64, s.spp)
	for i := range bits {
		bits[i], formats[i] = uint64(s.bits), uint64(s.format)
	}
	ints(258, 3, bits...)
	ints(259, 3, uint64(s.compression))
	if s.tile == 0 {
		ints(273, long, offsets...)
	}
	ints(277, 3, uint64(s.spp))
	if s.tile == 0 {
		rows := s.rows
		if rows == 0 {
			rows = s.h
		}
		ints(278, 3, uint64(rows))
		ints(279, long, counts...)
	}
	ints(317, 3, uint64(s.predictor))
	if s.tile > 0 {
		ints(322, 3, uint64(s.tile))
		ints(323, 3, uint64(s.tile))
		ints(324, long, offsets...)
		ints(325, long, counts...)
	}
	ints(339, 3, formats...)
	if s.scale[0] != 0 {
		doubles(33550, s.scale[0], s.scale[1], 0)
		doubles(33922, 0, 0, 0, s.tie[0], s.tie[1], 0)
	}
	if s.epsg != 0 {
		raster := uint64(1)
		if s.point {
			raster = 2
		}
		model, key := uint64(1), uint64(3072)
		if s.epsg < 5000 {
			model, key = 2, 2048
		}
		ints(34735, 3, 1, 1, 0, 3, 1024, 0, 1, model, 1025, 0, 1, raster, key, 0, 1, uint64(s.epsg))
	}
	if s.nodata != "" {
		fields = append(fields, field{42113, 2, uint64(len(s.nodata) + 1), append([]byte(s.nodata), 0)})
	}
	at := uint64(head + len(body))
	entry, size, room := uint64(12), uint64(2+4), uint64(4)
	if s.big {
		entry, size, room = 20, 8+8, 8
	}
	extra := at + size + entry*uint64(len(fields))
	var out, tail bytes.Buffer
	u := func(n int, x uint64) {
		b := make([]byte, 8)
		switch n {
		case 2:
			s.order.PutUint16(b, uint16(x))
		case 4:
			s.order.PutUint32(b, uint32(x))
		default:
			s.order.PutUint64(b, x)
		}
		out.Write(b[:n])
	}
	if s.order == binary.ByteOrder(binary.LittleEndian) {
		out.WriteString("II")
	} else {
		out.WriteString("MM")
	}
	if s.big {
		u(2, 43)
		u(2, 8)
		u(2, 0)
		u(8, at)
	} else {
		u(2, 42)
		u(4, at)
	}
	out.Write(body)
	ptr := int(room)
	if s.big {
		u(8, uint64(len(fields)))
	} else {
		u(2, uint64(len(fields)))
	}
	for _, f := range fields {
		u(2, uint64(f.tag))
		u(2, uint64(f.kind))
		u(ptr, f.n)
		if uint64(len(f.data)) <= room {
			out.Write(f.data)
			out.Write(make([]byte, int(room)-len(f.data)))
			continue
		}
		u(ptr, extra+uint64(tail.Len()))
		tail.Write(f.data)
	}
	u(ptr, 0)
	out.Write(tail.Bytes())
	return out.Bytes()
}

// TestGeoTIFFVariants: every way of storing gives the same heights.
func TestGeoTIFFVariants(t *testing.T) {
	n := 0
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, kind := range [][2]int{{1, 8}, {1, 16}, {2, 16}, {2, 32}, {3, 32}, {3, 64}} {
			for _, compression := range []int{1, 5, 8, 32946} {
				for predictor := 1; predictor <= 3; predictor++ {
					if (predictor == 2) == (kind[0] == 3) && predictor != 1 {
						continue
					}
					for _, tile := range []int{0, 16} {
						s := tiffSpec{w: 37, h: 23, format: kind[0], bits: kind[1], order: order, compression: compression, predictor: predictor, tile: tile, rows: 7, spp: 1 + n%2, big: n%3 == 0,
							value: func(x, y int) float64 {
								v := float64((x*7 + y*13) % 120)
								if kind[0] == 2 {
									v -= 50
								}
								if kind[0] == 3 {
									v += 0.25
								}
								return v
							}}
						n++
						g, err := ReadGeoTIFF(makeTIFF(s), Defaults)
						if err != nil {
							t.Fatalf("%+v: %v", s, err)
						}
						for y := range s.h {
							for x := range s.w {
								if got := g.At(x, y); got != s.value(x, y) {
									t.Fatalf("%+v: cell %d,%d is %v, written %v", s, x, y, got, s.value(x, y))
								}
							}
						}
					}
				}
			}
		}
	}
	if n < 100 {
		t.Fatalf("only %d variants", n)
	}
}

// TestVoidIsNoHeight: a void is filled from around it and said to be filled,
// and never enters a height as the number that marks it.
func TestVoidIsNoHeight(t *testing.T) {
	for _, none := range []struct {
		format, bits int
		value        float64
		text         string
	}{{2, 16, -32768, ""}, {2, 16, -9999, "-9999"}, {3, 32, -3.4028234663852886e38, "-3.4028234663852886e+38"}, {3, 32, math.NaN(), "nan"}, {2, 16, 77, "77"}} {
		s := tiffSpec{w: 20, h: 20, format: none.format, bits: none.bits, epsg: 4326, nodata: none.text, scale: [2]float64{0.001, 0.001}, tie: [2]float64{-67, 10.5},
			value: func(x, y int) float64 {
				if x > 6 && x < 12 && y > 6 && y < 12 {
					return none.value
				}
				return 100
			}}
		g, err := ReadGeoTIFF(makeTIFF(s), Defaults)
		if err != nil {
			t.Fatal(err)
		}
		if g.Voids != 25 {
			t.Fatalf("%v: %d voids", none, g.Voids)
		}
		at := func(col, row float64) (float64, quality) {
			return g.sample(10.5-0.001*(row+0.5), -67+0.001*(col+0.5))
		}
		if z, q := at(9, 9); q != filled || math.Abs(z-100) > 1e-9 {
			t.Errorf("%v: middle of the void: %v, %v", none, z, q)
		}
		if z, q := at(6.2, 9); q != filled || math.Abs(z-100) > 1e-9 {
			t.Errorf("%v: beside the void: %v, %v", none, z, q)
		}
		if z, q := at(3, 3); q != good || z != 100 {
			t.Errorf("%v: far from the void: %v, %v", none, z, q)
		}
		if _, q := at(25, 3); q != missing {
			t.Errorf("%v: outside the grid: %v", none, q)
		}
	}
}

// TestPlacing: pixel-is-area and pixel-is-point differ by half a cell, and a
// plane is read back exactly between cells.
func TestPlacing(t *testing.T) {
	for _, point := range []bool{false, true} {
		half := 0.5
		if point {
			half = 0
		}
		s := tiffSpec{w: 30, h: 30, format: 3, bits: 64, epsg: 4326, point: point, scale: [2]float64{0.01, 0.01}, tie: [2]float64{-67, 10.5},
			value: func(x, y int) float64 {
				lon, lat := -67+0.01*(float64(x)+half), 10.5-0.01*(float64(y)+half)
				return 1000*(lon+67) + 300*lat
			}}
		g, err := ReadGeoTIFF(makeTIFF(s), Defaults)
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(t *rapid.T) {
			lat, lon := rapid.Float64Range(10.25, 10.47).Draw(t, "lat"), rapid.Float64Range(-66.95, -66.75).Draw(t, "lon")
			z, q := g.sample(lat, lon)
			if want := 1000*(lon+67) + 300*lat; q != good || math.Abs(z-want) > 1e-6 {
				t.Fatalf("height %v (%v), expected %v", z, q, want)
			}
		})
	}
}

// TestUTM: the point of GeographicLib's documentation (GeoConvert, 33.3 N 44.4
// E is MGRS 38SMB4414084706).
func TestUTM(t *testing.T) {
	x, y := projectedCRS(32638).forward(33.3, 44.4)
	if math.Floor(x) != 444140 || math.Floor(y) != 3684706 {
		t.Fatalf("%v %v", x, y)
	}
	if x, y := projectedCRS(32735).forward(-1e-12, 27); math.Abs(x-500000) > 1e-6 || math.Abs(y-1e7) > 1e-3 {
		t.Fatalf("equator on the meridian of zone 35 south: %v %v", x, y)
	}
	for code, want := range map[int]CRS{25832: {EPSG: 25832, Datum: "ETRS89", Zone: 32}, 2202: {EPSG: 2202, Datum: "REGVEN", Zone: 19}, 31983: {EPSG: 31983, Datum: "SIRGAS 2000", Zone: 23, South: true}, 7855: {EPSG: 7855, Datum: "GDA2020", Zone: 55, South: true}} {
		if got := projectedCRS(code); got != want {
			t.Errorf("%d: %+v", code, got)
		}
	}
	if c := projectedCRS(26711); c.Unknown == "" {
		t.Error("NAD27 is placed as if it were WGS84")
	}
}

// TestUTMAgain: package where has its own series to a higher order; the two
// agree to a tenth of a millimetre inside a zone and beside it.
func TestUTMAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lat, lon := rapid.Float64Range(-79, 70).Draw(t, "lat"), rapid.Float64Range(-179, 179).Draw(t, "lon")
		u, err := where.Geodetic{Lat: where.Degrees(lat), Lon: where.Degrees(lon)}.UTM()
		if err != nil {
			t.Fatal(err)
		}
		x, y := transverseMercator(lat, lon, float64(u.Zone)*6-183, u.South)
		if math.Hypot(x-float64(u.Easting), y-float64(u.Northing)) > 1e-4 {
			t.Fatalf("%v, %v against %v", x, y, u)
		}
	})
}

func TestHGT(t *testing.T) {
	b := make([]byte, 2*11*11)
	for i := range 121 {
		binary.BigEndian.PutUint16(b[2*i:], uint16(i*10))
	}
	binary.BigEndian.PutUint16(b[2*60:], 0x8000)
	g, err := ReadHGT("N10W068.hgt", b, Defaults)
	if err != nil {
		t.Fatal(err)
	}
	if g.Voids != 1 || !math.IsNaN(g.At(5, 5)) {
		t.Fatalf("%d voids", g.Voids)
	}
	// The first post is the north-west corner.
	if z, q := g.sample(11, -68); q != good || z != 0 {
		t.Errorf("north-west corner: %v %v", z, q)
	}
	if z, q := g.sample(10, -67); q != good || z != 1200 {
		t.Errorf("south-east corner: %v %v", z, q)
	}
	for _, bad := range []struct{ name, want string }{{"dem.hgt", "which degree"}, {"N95W068.hgt", "not a degree"}} {
		if _, err := ReadHGT(bad.name, b, Defaults); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s: %v", bad.name, err)
		}
	}
	if _, err := ReadHGT("N10W068.hgt", b[:100], Defaults); err == nil {
		t.Error("a cut tile is read")
	}
}

// fixtures returns the folder of real inputs, or skips.
func fixtures(t testing.TB) string {
	dir := filepath.Join("..", "..", "shared", "fixtures", "scene")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no shared fixtures here")
	}
	return dir
}

// TestManifest holds the readers to the facts that MANIFEST.tsv states.
func TestManifest(t *testing.T) {
	dir := fixtures(t)
	b, err := os.ReadFile(filepath.Join(dir, "MANIFEST.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, line := range strings.Split(string(b), "\n")[1:] {
		f := strings.Split(line, "\t")
		if len(f) < 10 {
			continue
		}
		path, truth := f[0], f[len(f)-1]
		full := filepath.Join(dir, path)
		switch {
		case strings.HasPrefix(path, "dem/"):
			info, err := Inspect(full)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			g := info.Grid
			var w, h, epsg, voids int
			var lo, hi, mean float64
			fmt.Sscanf(truth, "%dx%d", &w, &h)
			if w != g.Width || h != g.Height {
				t.Errorf("%s: %d x %d, manifest %s", path, g.Width, g.Height, truth)
			}
			if i := strings.Index(truth, "EPSG:"); i >= 0 {
				fmt.Sscanf(truth[i:], "EPSG:%d", &epsg)
				if g.CRS != fmt.Sprintf("EPSG:%d", epsg) {
					t.Errorf("%s: %s, manifest %d", path, g.CRS, epsg)
				}
			}
			if i := strings.Index(truth, "min "); i >= 0 {
				if n, _ := fmt.Sscanf(truth[i:], "min %f max %f mean %f", &lo, &hi, &mean); n >= 2 {
					if math.Abs(g.Min-lo) > 5e-4 || math.Abs(g.Max-hi) > 5e-4 || n == 3 && math.Abs(g.Mean-mean) > 1e-3 {
						t.Errorf("%s: %v to %v mean %v, manifest %s", path, g.Min, g.Max, g.Mean, truth)
					}
				}
			}
			if i := strings.Index(truth, "void cell"); i >= 0 {
				fmt.Sscanf(truth[strings.LastIndex(truth[:i-1], " ")+1:], "%d", &voids)
				if g.Voids != voids {
					t.Errorf("%s: %d voids, manifest %s", path, g.Voids, truth)
				}
			}
			checked++
		case strings.HasPrefix(path, "glb/"):
			info, err := Inspect(full)
			if strings.Contains(truth, "draco") {
				if err == nil || !strings.Contains(err.Error(), "KHR_draco_mesh_compression") {
					t.Errorf("%s: %v: expected to be told of the compression", path, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			var meshes, tris int
			var lo, hi [3]float64
			fmt.Sscanf(truth, "%d meshes, %d triangles", &meshes, &tris)
			fmt.Sscanf(truth[strings.Index(truth, "min ["):], "min [%f, %f, %f] max [%f, %f, %f]", &lo[0], &lo[1], &lo[2], &hi[0], &hi[1], &hi[2])
			tot := info.Totals
			if tot.Triangles != tris {
				t.Errorf("%s: %d triangles, manifest %d", path, tot.Triangles, tris)
			}
			// y-up of the file against the frame's axes.
			for k, want := range [3][2]float64{{lo[0], hi[0]}, {-hi[2], -lo[2]}, {lo[1], hi[1]}} {
				if math.Abs(tot.Low[k]-want[0]) > 1e-4 || math.Abs(tot.High[k]-want[1]) > 1e-4 {
					t.Errorf("%s: axis %d from %v to %v, expected %v", path, k, tot.Low[k], tot.High[k], want)
				}
			}
			checked++
		case strings.HasSuffix(path, ".geojson"):
			info, err := Inspect(full)
			if err != nil || info.Footprints.Count != 498 || info.Footprints.Heights != 0 {
				t.Errorf("%s: %+v %v", path, info, err)
			}
			checked++
		case strings.HasSuffix(path, "overpass_center.json"):
			info, err := Inspect(full)
			if err != nil || info.Footprints.Count != 0 || info.Footprints.Skipped != 500 {
				t.Errorf("%s: %+v %v: no footprint may be made up", path, info, err)
			}
			checked++
		case strings.HasSuffix(path, ".obj"):
			info, err := Inspect(full)
			if err != nil || info.Totals.Vertices != 8 || info.Totals.Triangles != 12 {
				t.Errorf("%s: %+v %v", path, info, err)
			}
			checked++
		}
	}
	if checked < 14 {
		t.Errorf("only %d files checked", checked)
	}
}
