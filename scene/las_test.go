package scene

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// smallLAS is a LAS 1.2 file of format 0 over WGS84 UTM 33N: a slope with some
// points of class 5 three metres above it.
func smallLAS(n int) []byte {
	le := binary.LittleEndian
	b := make([]byte, 227+54+16)
	copy(b, "LASF")
	b[24], b[25] = 1, 2
	le.PutUint16(b[94:], 227)
	le.PutUint32(b[96:], uint32(len(b)))
	le.PutUint32(b[100:], 1)
	le.PutUint16(b[105:], 20)
	le.PutUint32(b[107:], uint32(n*n))
	for k, o := range [3]float64{500000, 5000000, 0} {
		le.PutUint64(b[131+8*k:], math.Float64bits(0.01))
		le.PutUint64(b[155+8*k:], math.Float64bits(o))
	}
	copy(b[227+2:], "LASF_Projection")
	le.PutUint16(b[227+18:], 34735)
	le.PutUint16(b[227+20:], 16)
	key := b[227+54:]
	le.PutUint16(key[6:], 1)
	le.PutUint16(key[8:], 3072)
	le.PutUint16(key[12:], 1)
	le.PutUint16(key[14:], 32633)
	for y := range n {
		for x := range n {
			r := make([]byte, 20)
			z := 100 + 0.1*float64(x)
			r[15] = 2
			if (x+y)%5 == 0 {
				z, r[15] = z+3, 5
			}
			le.PutUint32(r, uint32(x*100))
			le.PutUint32(r[4:], uint32(y*100))
			le.PutUint32(r[8:], uint32(math.Round(z*100)))
			b = append(b, r...)
		}
	}
	return b
}

// TestLAS: points become ground or top, and a terrain.
func TestLAS(t *testing.T) {
	b := smallLAS(60)
	c, err := ReadLAS(b, Defaults)
	if err != nil {
		t.Fatal(err)
	}
	if c.Count != 3600 || c.Classes[2] != 2880 || c.Classes[5] != 720 || c.CRS.EPSG != 32633 || c.High != [3]float64{500059, 5000059, 108.9} {
		t.Errorf("%+v", c)
	}
	ground, err := c.Grid(2, "", Defaults)
	if err != nil {
		t.Fatal(err)
	}
	top, err := c.Grid(2, "top", Defaults)
	if err != nil {
		t.Fatal(err)
	}
	if d := top.At(10, 10) - ground.At(10, 10); ground.Voids != 0 || !(d > -0.1 && d < 3.2) || math.Abs(ground.At(10, 10)-102.05) > 0.11 {
		t.Errorf("ground %v, top %v, voids %d", ground.At(10, 10), top.At(10, 10), ground.Voids)
	}
	// The origin of the frame in the middle of the points, and a terrain.
	lat, lon := 45.15, 15.0
	for range 20 {
		x, y := c.CRS.forward(lat, lon)
		lat += (5000030 - y) / 111_200
		lon += (500030 - x) / 78_000
	}
	r, err := (&Builder{Read: func(string) ([]byte, error) { return b, nil }}).Build(&Spec{Format: SpecFormat, Frame: Frame{Origin: Origin{lat, lon, 100}, Vertical: "ellipsoid"},
		Terrain: &TerrainSpec{Provenance: Provenance{ID: "L-01", Class: "measured", Licence: "x"}, Rings: []Ring{{20, 2}}, Grids: []GridSpec{{File: "a.las", Vertical: "ellipsoid", CellM: 1}}}})
	if err != nil {
		t.Fatal(err)
	}
	if u, ok := r.Document.Ground(0, 0); !ok || math.Abs(u-3) > 0.2 {
		t.Errorf("ground at the origin %v %v, want 3", u, ok)
	}
	for _, f := range []struct {
		name string
		cut  func([]byte) []byte
		want string
	}{
		{"cut off", func(b []byte) []byte { return b[:len(b)-1] }, "cut off"},
		{"compressed", func(b []byte) []byte { b[104] |= 0x80; return b }, "LAZ"},
		{"another file", func(b []byte) []byte { b[0] = 'X'; return b }, "LASF"},
		{"no scale", func(b []byte) []byte { copy(b[131:], make([]byte, 8)); return b }, "scale"},
	} {
		if _, err := ReadLAS(f.cut(append([]byte(nil), b...)), Defaults); err == nil || !strings.Contains(err.Error(), f.want) {
			t.Errorf("%s: %v", f.name, err)
		}
	}
}

// TestRealLAS: count and extent of a real file as its manifest has them; the
// compressed fixtures are refused with the remedy.
func TestRealLAS(t *testing.T) {
	dir := filepath.Join(fixtures(t), "points")
	b, err := os.ReadFile(filepath.Join(dir, "pdal_1.2-with-color.las"))
	if err != nil {
		t.Skip("the file is not here")
	}
	c, err := ReadLAS(b, Defaults)
	if err != nil {
		t.Fatal(err)
	}
	near := func(a, b [3]float64) bool {
		return math.Abs(a[0]-b[0]) < 1e-6 && math.Abs(a[1]-b[1]) < 1e-6 && math.Abs(a[2]-b[2]) < 1e-6
	}
	if c.Count != 1065 || c.Format != 3 || c.Version != "1.2" || !near(c.Low, [3]float64{635619.85, 848899.70, 406.59}) || !near(c.High, [3]float64{638982.55, 853535.43, 586.38}) {
		t.Errorf("%s format %d, %d points, %v to %v", c.Version, c.Format, c.Count, c.Low, c.High)
	}
	if _, err := c.Grid(0, "", Defaults); err == nil {
		t.Error("points in feet of a state plane are placed as if they were metres of UTM")
	}
	for _, n := range []string{"ellipsoid.laz", "ellipsoid.copc.laz", "pdal_autzen_trim.laz"} {
		b, err := os.ReadFile(filepath.Join(dir, n))
		if err != nil {
			continue
		}
		if _, err := ReadLAS(b, Defaults); err == nil || !strings.Contains(err.Error(), "convert") {
			t.Errorf("%s: %v", n, err)
		}
	}
}

// FuzzReadLAS: no bytes make the reader panic.
func FuzzReadLAS(f *testing.F) {
	f.Add(smallLAS(3))
	f.Fuzz(func(t *testing.T, b []byte) {
		lim := Defaults
		lim.Pixels = 1 << 16
		if c, err := ReadLAS(b, lim); err == nil && c.Count < 1000 {
			_, _ = c.Grid(0, "", lim)
			_, _ = c.Grid(5, "top", lim)
		}
	})
}
