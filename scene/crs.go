package scene

import (
	"fmt"
	"math"
)

// CRS is the horizontal reference of a grid, as far as this program places
// it: geographic degrees, or UTM metres.
type CRS struct {
	EPSG    int
	Datum   string // WGS84, ETRS89, NAD83, NAD27, ... or "" when unknown
	Zone    int    // UTM zone, 0: geographic
	South   bool
	Unknown string // why it cannot be placed, in words; "" when it can
}

// String names the reference.
func (c CRS) String() string {
	if c.EPSG != 0 {
		return fmt.Sprintf("EPSG:%d", c.EPSG)
	}
	if c.Unknown != "" {
		return "unknown"
	}
	return c.Datum
}

// geographic codes that agree with WGS84 to about a metre.
var geographic = map[int]string{4326: "WGS84", 4979: "WGS84", 4258: "ETRS89", 4937: "ETRS89", 4269: "NAD83", 4674: "SIRGAS 2000", 4189: "REGVEN", 4167: "NZGD2000", 4283: "GDA94", 7844: "GDA2020"}

// crsOf reads the code from the keys of a GeoTIFF (ProjectedCSTypeGeoKey
// 3072, GeographicTypeGeoKey 2048).
func crsOf(keys map[int]geoKey) CRS {
	model := keys[1024].number
	if code := keys[3072].number; model == 1 || model == 0 && code != 0 {
		return projectedCRS(code)
	}
	code := keys[2048].number
	if model == 0 && code == 0 {
		return CRS{Unknown: "the file does not say where on Earth its cells lie"}
	}
	if model == 3 {
		return CRS{EPSG: code, Unknown: "geocentric coordinates are not a height grid"}
	}
	if d, ok := geographic[code]; ok {
		return CRS{EPSG: code, Datum: d}
	}
	if code == 0 || code == 32767 {
		return CRS{Unknown: "the file describes its own geographic reference; convert it to EPSG:4326"}
	}
	return CRS{EPSG: code, Unknown: fmt.Sprintf("EPSG:%d has another datum than WGS84 or is not known; convert the file to EPSG:4326 or WGS84 UTM", code)}
}

func projectedCRS(code int) CRS {
	utm := func(base int, lo, hi int, datum string, south bool) (CRS, bool) {
		if z := code - base; z >= lo && z <= hi {
			return CRS{EPSG: code, Datum: datum, Zone: z, South: south}, true
		}
		return CRS{}, false
	}
	for _, f := range []struct {
		base, lo, hi int
		datum        string
		south        bool
	}{
		{32600, 1, 60, "WGS84", false}, {32700, 1, 60, "WGS84", true}, {25800, 28, 38, "ETRS89", false},
		{26900, 1, 23, "NAD83", false}, {31954, 11, 22, "SIRGAS 2000", false}, {31960, 17, 25, "SIRGAS 2000", true},
		{2183, 18, 20, "REGVEN", false}, {28300, 46, 59, "GDA94", true}, {7800, 46, 59, "GDA2020", true},
	} {
		if c, ok := utm(f.base, f.lo, f.hi, f.datum, f.south); ok {
			return c
		}
	}
	if c, ok := utm(26700, 1, 22, "NAD27", false); ok {
		c.Unknown = "NAD27 lies up to 200 m from WGS84; convert the file to WGS84 first"
		return c
	}
	if code == 0 || code == 32767 {
		return CRS{Unknown: "the file describes its own projection; convert it to EPSG:4326 or WGS84 UTM"}
	}
	return CRS{EPSG: code, Unknown: fmt.Sprintf("EPSG:%d is not read; convert the file to EPSG:4326 or WGS84 UTM", code)}
}

// verticalName names a vertical code of a GeoTIFF. EGM2008 differs from EGM96
// by less than a metre almost everywhere, which the layer's accuracy covers.
func verticalName(code int) string {
	switch code {
	case 5773, 5171:
		return "egm96"
	case 3855:
		return "egm2008"
	case 4979, 5030, 4326, 7912:
		return "ellipsoid"
	case 5703, 6360:
		return "NAVD88"
	case 7837, 5783:
		return fmt.Sprintf("DHHN (EPSG:%d)", code)
	}
	return fmt.Sprintf("EPSG:%d", code)
}

// forward maps WGS84 degrees to the coordinates of the reference.
func (c CRS) forward(lat, lon float64) (x, y float64) {
	if c.Zone == 0 {
		return lon, lat
	}
	return transverseMercator(lat, lon, float64(c.Zone)*6-183, c.South)
}

// transverseMercator is the UTM projection on the WGS84 ellipsoid in a given
// zone, to better than a millimetre within 3000 km of the meridian (Krüger's
// series as given by Karney 2011, to fourth order in n).
func transverseMercator(lat, lon, meridian float64, south bool) (x, y float64) {
	const a, f, k0 = 6378137.0, 1 / 298.257223563, 0.9996
	const n = f / (2 - f)
	const n2, n3, n4 = n * n, n * n * n, n * n * n * n
	alpha := [4]float64{
		n/2 - 2*n2/3 + 5*n3/16 + 41*n4/180,
		13*n2/48 - 3*n3/5 + 557*n4/1440,
		61*n3/240 - 103*n4/140,
		49561 * n4 / 161280,
	}
	const big = a / (1 + n) * (1 + n2/4 + n4/64)
	e := 2 * math.Sqrt(n) / (1 + n)
	sin := math.Sin(lat * math.Pi / 180)
	t := math.Sinh(math.Atanh(sin) - e*math.Atanh(e*sin))
	dl := math.Remainder(lon-meridian, 360) * math.Pi / 180
	xi, eta := math.Atan2(t, math.Cos(dl)), math.Asinh(math.Sin(dl)/math.Hypot(t, math.Cos(dl)))
	x, y = eta, xi
	for j, al := range alpha {
		k := 2 * float64(j+1)
		x += al * math.Cos(k*xi) * math.Sinh(k*eta)
		y += al * math.Sin(k*xi) * math.Cosh(k*eta)
	}
	x, y = 500_000+k0*big*x, k0*big*y
	if south {
		y += 10_000_000
	}
	return x, y
}
