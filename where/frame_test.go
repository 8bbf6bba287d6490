package where

import (
	"encoding/json"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s: got %.10g, want %.10g within %g", what, got, want, tol)
	}
}

// Corners of the ellipsoid are known from its definition.
func TestECEFCorners(t *testing.T) {
	for _, c := range []struct {
		g Geodetic
		p ECEF
	}{
		{Geodetic{0, 0, 0}, ECEF{6378137, 0, 0}},
		{Geodetic{0, 90, 100}, ECEF{0, 6378237, 0}},
		{Geodetic{90, 0, 0}, ECEF{0, 0, 6356752.314245179}},
		{Geodetic{-90, 0, 10}, ECEF{0, 0, -6356762.314245179}},
		// EPSG Guidance Note 7-2, section 4.1.1 (geographic/geocentric, WGS 84).
		{Geodetic{53.809394444444444, 2.129550000000000, 73}, ECEF{3771793.968, 140253.342, 5124304.349}},
	} {
		p := c.g.ECEF()
		for i := range p {
			near(t, "ecef", p[i], c.p[i], 1.1e-3)
		}
		b := p.Geodetic()
		near(t, "lat", float64(b.Lat), float64(c.g.Lat), 1e-12)
		near(t, "h", float64(b.H), float64(c.g.H), 1e-8)
	}
}

// The design's rule: frame and back within 1 mm out to 30 km, both ways.
func TestFrameRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := NewFrame(Geodetic{
			Degrees(rapid.Float64Range(-90, 90).Draw(t, "lat")),
			Degrees(rapid.Float64Range(-180, 180).Draw(t, "lon")),
			Metres(rapid.Float64Range(-500, 9000).Draw(t, "h"))})
		p := ENU{rapid.Float64Range(-30e3, 30e3).Draw(t, "e"), rapid.Float64Range(-30e3, 30e3).Draw(t, "n"), rapid.Float64Range(-5e3, 9e3).Draw(t, "u")}
		g := f.Geodetic(p)
		q := f.ENU(g)
		d := math.Hypot(math.Hypot(p[0]-q[0], p[1]-q[1]), p[2]-q[2])
		if d > 1e-6 {
			t.Fatalf("%v came back as %v, %g m off", p, q, d)
		}
		e, b := g.ECEF(), f.ToECEF(p)
		if math.Hypot(math.Hypot(e[0]-b[0], e[1]-b[1]), e[2]-b[2]) > 1e-6 {
			t.Fatalf("geodetic %v leaves ECEF %v", g, b)
		}
	})
}

// The first trap of the frame: its plane is 1.97 m above the ellipsoid at 5 km.
func TestPlaneLeavesEllipsoid(t *testing.T) {
	f := NewFrame(Geodetic{10.4633, -67.0794, 0})
	near(t, "height at 5 km east", float64(f.Geodetic(ENU{5000, 0, 0}).H), 1.96, 0.02)
	near(t, "height at 5 km north", float64(f.Geodetic(ENU{0, 5000, 0}).H), 1.97, 0.02)
}

func TestFrameAxes(t *testing.T) {
	f := NewFrame(Geodetic{10.4633, -67.0794, 1900})
	if p := f.ENU(f.Origin); math.Abs(p[0])+math.Abs(p[1])+math.Abs(p[2]) > 1e-8 {
		t.Errorf("origin is at %v", p)
	}
	if p := f.ENU(Geodetic{10.4733, -67.0794, 1900}); p[1] < 1105 || p[1] > 1107 || math.Abs(p[0]) > 1e-6 {
		t.Errorf("0.01 degrees north is %v", p)
	}
	if p := f.ENU(Geodetic{10.4633, -67.0694, 1900}); p[0] < 1093 || p[0] > 1096 {
		t.Errorf("0.01 degrees east is %v", p)
	}
	m := f.Level(ENU{0, 10000, 0})
	near(t, "lean at 10 km", float64(Radians(math.Acos(m[2][2])).Degrees()), 0.09, 0.001)
}

func TestFrameID(t *testing.T) {
	a := NewFrame(Geodetic{10.4633, -67.0794, 1900})
	// printf 'sightline/frame/1 wgs84 10.4633 -67.0794 1900' | sha256sum | cut -c-32
	if got, want := a.ID(), "233dac36b8eccf28d291bfca6526970c"; got != want {
		t.Errorf("id %s, want %s", got, want)
	}
	if a.ID() != NewFrame(Geodetic{10.4633, -67.0794, 1900}).ID() {
		t.Error("the same origin gave two ids")
	}
	if a.ID() == NewFrame(Geodetic{10.4633, -67.0794, 1900.001}).ID() {
		t.Error("two origins gave one id")
	}
	if NewFrame(Geodetic{0, 0, 0}).ID() != NewFrame(Geodetic{Degrees(math.Copysign(0, -1)), 0, 0}).ID() {
		t.Error("minus zero changed the id")
	}
}

// RFC 7946: longitude, latitude.
func TestGeoJSONOrder(t *testing.T) {
	b, err := json.Marshal(Geodetic{Lat: 10.4633, Lon: -67.0794}.LonLat())
	if err != nil || string(b) != "[-67.0794,10.4633]" {
		t.Errorf("GeoJSON position is %s, %v", b, err)
	}
	g, err := FromLonLat([]float64{-67.0794, 10.4633, 12})
	if err != nil || g.Lat != 10.4633 || g.Lon != -67.0794 || g.H != 12 {
		t.Errorf("read %v, %v", g, err)
	}
	if _, err := FromLonLat([]float64{10, -97}); err == nil {
		t.Error("latitude -97 was accepted")
	}
}

// Values of the EGM96 test file F477 (NIMA, 15-minute grid, spline
// interpolation) and of El Junquito; ours is bilinear.
func TestGeoid(t *testing.T) {
	for _, c := range []struct{ lat, lon, n, tol float64 }{
		{38.6281550, 269.7791550, -31.628, 0.06},
		{-14.6212170, 305.0211140, -2.969, 0.02},
		{46.8743190, 102.4487290, -43.575, 0.06},
		{-23.6174460, 133.8747120, 15.871, 0.07},
		{38.6254730, 359.9995000, 50.066, 0.06},
		{-0.4667440, 0.0023000, 17.329, 0.02},
		{90, 12, 13.61, 0.01},
		{-90, 50, -29.53, 0.01},
		{10.4633, -67.0794, -17.74, 0.01},
	} {
		near(t, "undulation", float64(Geoid(Degrees(c.lat), Degrees(c.lon))), c.n, c.tol)
	}
	near(t, "seam", float64(Geoid(20, -180)), float64(Geoid(20, 180)), 1e-9)
	if !math.IsNaN(float64(Geoid(Degrees(math.NaN()), 0))) {
		t.Error("NaN has an undulation")
	}
}

func TestHeights(t *testing.T) {
	h, _, err := Height{1900, EGM96}.Ellipsoidal(10.4633, -67.0794)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "h", float64(h), 1882.26, 0.01)
	h, sigma, err := Height{1900, UnknownDatum}.Ellipsoidal(10.4633, -67.0794)
	if err != ErrDatum || h != 1900 {
		t.Errorf("unknown datum gave %v, %v", h, err)
	}
	near(t, "sigma", float64(sigma), 17.74, 0.01)
	if _, err := ParseDatum("msl"); err == nil {
		t.Error("datum msl was accepted")
	}
}

func BenchmarkFrame(b *testing.B) {
	f := NewFrame(Geodetic{10.4633, -67.0794, 1900})
	for b.Loop() {
		f.ENU(f.Geodetic(ENU{100, 200, 3}))
	}
}
