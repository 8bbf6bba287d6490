package where

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
)

// WGS 84 defining constants (NGA.STND.0036_1.0.0, table 3.1).
const (
	SemiMajor  = 6378137.0         // metres
	Flattening = 1 / 298.257223563 // 1
	semiMinor  = SemiMajor * (1 - Flattening)
	ecc2       = Flattening * (2 - Flattening) // first eccentricity squared
)

// Geodetic is a position on WGS 84: latitude north, longitude east, and the
// height H above the ellipsoid (never above the sea).
type Geodetic struct {
	Lat, Lon Degrees
	H        Metres
}

// Check refuses positions that are not on the Earth.
func (g Geodetic) Check() error {
	switch {
	case !(g.Lat >= -90 && g.Lat <= 90):
		return fmt.Errorf("latitude %v is outside -90 to 90 degrees", float64(g.Lat))
	case !(g.Lon >= -180 && g.Lon <= 360):
		return fmt.Errorf("longitude %v is outside -180 to 180 degrees", float64(g.Lon))
	case math.IsNaN(float64(g.H)) || math.IsInf(float64(g.H), 0):
		return fmt.Errorf("height %v is not a number of metres", float64(g.H))
	}
	return nil
}

// LonLat is the order of GeoJSON (RFC 7946, section 3.1.1): longitude first.
func (g Geodetic) LonLat() [2]float64 { return [2]float64{float64(g.Lon), float64(g.Lat)} }

// FromLonLat reads a GeoJSON position: longitude, latitude and, if given, the
// height above the ellipsoid.
func FromLonLat(p []float64) (Geodetic, error) {
	if len(p) < 2 {
		return Geodetic{}, fmt.Errorf("a GeoJSON position needs longitude and latitude, found %d numbers", len(p))
	}
	g := Geodetic{Lon: Degrees(p[0]), Lat: Degrees(p[1])}
	if len(p) > 2 {
		g.H = Metres(p[2])
	}
	return g, g.Check()
}

// ECEF is an Earth-centred, Earth-fixed position in metres (x to 0 N 0 E, z to
// the north pole). It is used inside conversions only: as float32 its step is
// 0.5 m.
type ECEF [3]float64

// ECEF converts exactly (closed form).
func (g Geodetic) ECEF() ECEF {
	sp, cp := math.Sincos(float64(g.Lat.Radians()))
	sl, cl := math.Sincos(float64(g.Lon.Radians()))
	n := SemiMajor / math.Sqrt(1-ecc2*sp*sp)
	h := float64(g.H)
	return ECEF{(n + h) * cp * cl, (n + h) * cp * sl, (n*(1-ecc2) + h) * sp}
}

// Geodetic converts by iterating Bowring's formula on the reduced latitude
// (Bowring 1976, Survey Review 23); three rounds leave less than a nanometre
// from the core's edge to geostationary height.
func (p ECEF) Geodetic() Geodetic {
	r := math.Hypot(p[0], p[1])
	lon := math.Atan2(p[1], p[0])
	if r == 0 && p[2] == 0 {
		return Geodetic{H: -SemiMajor}
	}
	const ep2 = ecc2 / (1 - ecc2)
	sb, cb := normal(p[2]*SemiMajor, r*semiMinor)
	var sp, cp float64
	for range 4 {
		sp, cp = normal(p[2]+ep2*semiMinor*sb*sb*sb, r-ecc2*SemiMajor*cb*cb*cb)
		sb, cb = normal((1-Flattening)*sp, cp)
	}
	// Height without the cancellation of r/cos(lat) near the poles.
	h := r*cp + p[2]*sp - SemiMajor*math.Sqrt(1-ecc2*sp*sp)
	return Geodetic{Radians(math.Atan2(sp, cp)).Degrees(), Radians(lon).Degrees(), Metres(h)}
}

// normal scales (y, x) to length one.
func normal(y, x float64) (float64, float64) {
	l := math.Hypot(y, x)
	return y / l, x / l
}

// ENU is east, north, up in metres relative to the origin of a [Frame].
type ENU [3]float64

// Frame is the local tangent frame of a scene: east, north and up at a frozen
// origin. Its horizontal plane touches the ellipsoid's parallel surface at the
// origin only, so heights always pass through ECEF.
type Frame struct {
	Origin Geodetic
	origin ECEF
	axes   [3][3]float64 // rows east, north, up in ECEF
}

// NewFrame freezes an origin.
func NewFrame(origin Geodetic) Frame {
	sp, cp := math.Sincos(float64(origin.Lat.Radians()))
	sl, cl := math.Sincos(float64(origin.Lon.Radians()))
	return Frame{origin, origin.ECEF(), [3][3]float64{
		{-sl, cl, 0},
		{-sp * cl, -sp * sl, cp},
		{cp * cl, cp * sl, sp},
	}}
}

// ENU gives a position in the frame. There and back is exact to 1 mm within
// 30 km, in fact to a few nanometres.
func (f Frame) ENU(g Geodetic) ENU { return f.FromECEF(g.ECEF()) }

// Geodetic gives the position of a point of the frame.
func (f Frame) Geodetic(p ENU) Geodetic { return f.ToECEF(p).Geodetic() }

// FromECEF gives an Earth-centred position in the frame.
func (f Frame) FromECEF(p ECEF) (out ENU) {
	d := [3]float64{p[0] - f.origin[0], p[1] - f.origin[1], p[2] - f.origin[2]}
	for i, a := range f.axes {
		out[i] = a[0]*d[0] + a[1]*d[1] + a[2]*d[2]
	}
	return out
}

// ToECEF gives a point of the frame in Earth-centred metres.
func (f Frame) ToECEF(p ENU) (out ECEF) {
	out = f.origin
	for i, a := range f.axes {
		for k := range out {
			out[k] += a[k] * p[i]
		}
	}
	return out
}

// Level gives the rotation that turns vectors of the frame into the east,
// north, up of a point p of it: rows are the local axes in the frame. A
// compass direction or the sun's height far from the origin needs it; at 10 km
// "up" leans by 0.09 degrees.
func (f Frame) Level(p ENU) [3][3]float64 {
	local := NewFrame(f.Geodetic(p))
	var m [3][3]float64
	for i := range m {
		for j := range m {
			for k := range 3 {
				m[i][j] += local.axes[i][k] * f.axes[j][k]
			}
		}
	}
	return m
}

// ID is the hash of the canonical origin, which ties a scene to its frame:
// the first 16 bytes, in hex, of SHA-256 over "sightline/frame/1 wgs84 LAT LON
// H" with shortest round-trip decimal numbers.
func (f Frame) ID() string {
	s := "sightline/frame/1 wgs84"
	for _, x := range []float64{float64(f.Origin.Lat), float64(f.Origin.Lon), float64(f.Origin.H)} {
		s += " " + strconv.FormatFloat(x+0, 'f', -1, 64) // +0 turns -0 into 0
	}
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:16])
}
