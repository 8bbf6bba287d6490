package where

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestUTM(t *testing.T) {
	// CN Tower as Wikipedia's article on UTM gives it: 17T 630084 4833438.
	u, err := Geodetic{Lat: 43 + 38/60. + 33.24/3600, Lon: -(79 + 23/60. + 13.7/3600)}.UTM()
	if err != nil || u.Zone != 17 || u.South {
		t.Fatalf("%v %v", u, err)
	}
	near(t, "easting", float64(u.Easting), 630084, 1)
	near(t, "northing", float64(u.Northing), 4833438, 1)
	u, err = Geodetic{Lat: 33.3, Lon: 44.4}.UTM() // GeographicLib, GeoConvert's documentation
	if err != nil || u.Zone != 38 || u.South {
		t.Fatalf("%v %v", u, err)
	}
	near(t, "easting", float64(u.Easting), 444140.54, 0.0051)
	near(t, "northing", float64(u.Northing), 3684706.36, 0.0051)
	for _, c := range []struct {
		lat, lon Degrees
		zone     int
	}{{60, 4, 32}, {60, 2, 31}, {75, 8, 31}, {75, 10, 33}, {75, 22, 35}, {75, 40, 37}, {0, 180, 1}, {0, -180, 1}, {0, 179.9, 60}, {10.4633, -67.0794, 19}} {
		if z := UTMZone(c.lat, c.lon); z != c.zone {
			t.Errorf("zone of %v, %v is %d, want %d", c.lat, c.lon, z, c.zone)
		}
	}
	if _, err := (Geodetic{Lat: 85}).UTM(); err == nil {
		t.Error("UTM at 85 N")
	}
	for _, s := range []string{"61N 500000 0", "19I 500000 100", "19N", "19N 1 1"} {
		if _, err := ParseUTM(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}

// metres between two positions, over the tangent plane.
func apart(a, b Geodetic) float64 {
	a.H, b.H = 0, 0
	p := NewFrame(a).ENU(b)
	return math.Hypot(p[0], p[1])
}

func anywhere(t *rapid.T) Geodetic {
	return Geodetic{Lat: Degrees(rapid.Float64Range(-80, 83.99).Draw(t, "lat")), Lon: Degrees(rapid.Float64Range(-180, 179.999).Draw(t, "lon"))}
}

// The goal: UTM and back within 1 mm. It stays below a micrometre.
func TestUTMRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := anywhere(t)
		u, err := g.UTM()
		if err != nil {
			t.Fatal(err)
		}
		b, err := u.Geodetic()
		if err != nil || apart(g, b) > 1e-6 {
			t.Fatalf("%v as %v came back %g m away (%v)", g, u, apart(g, b), err)
		}
	})
}

func TestMGRS(t *testing.T) {
	for _, c := range []struct {
		lat, lon Degrees
		digits   int
		want     string
	}{
		{33.3, 44.4, 5, "38SMB4414084706"},        // GeographicLib, GeoConvert: 38n 444140.54 3684706.36
		{38.88944, -77.03524, 4, "18SUJ23480647"}, // Washington Monument, the usual example of the US National Grid
		{21.40974, -157.91609, 2, "4QFJ1267"},     // Honolulu, Wikipedia's article on MGRS
		{10.4633, -67.0794, 5, "19PGM"},           // El Junquito: zone, band, square
	} {
		s, err := Geodetic{Lat: c.lat, Lon: c.lon}.MGRS(c.digits)
		if err != nil || !strings.HasPrefix(s, c.want) {
			t.Errorf("%v, %v is %s (%v), want %s", c.lat, c.lon, s, err, c.want)
		}
	}
	g, side, err := ParseMGRS("38smb 44 88") // GeoConvert's manual: 33.33424 44.40363
	if err != nil || side != 1000 {
		t.Fatal(side, err)
	}
	near(t, "lat", float64(g.Lat), 33.33424, 1e-5)
	near(t, "lon", float64(g.Lon), 44.40363, 1e-5)
	for _, s := range []string{"", "38SMB443", "61SMB", "38IMB", "38SZZ", "38XMA4488", "1CVV", "38SMB123456123456"} {
		if _, _, err := ParseMGRS(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		g := anywhere(t)
		n := rapid.IntRange(1, 5).Draw(t, "digits")
		s, err := g.MGRS(n)
		if err != nil {
			t.Fatal(err)
		}
		b, side, err := ParseMGRS(s)
		if err != nil {
			t.Fatalf("%v: %v", g, err)
		}
		if apart(g, b) > float64(side)*0.7072*1.001+0.01 {
			t.Fatalf("%v as %s came back %g m away", g, s, apart(g, b))
		}
		again, err := b.MGRS(n)
		if b.Lat < -80 || b.Lat > 84 || UTMZone(b.Lat, b.Lon) != UTMZone(g.Lat, g.Lon) {
			return // the square's middle lies beyond the edge of the zone or of UTM
		}
		if err != nil || again[len(again)-2*n:] != s[len(s)-2*n:] {
			t.Fatalf("%s became %s (%v)", s, again, err)
		}
	})
}

// From the test data of the Open Location Code specification.
func TestPlusCode(t *testing.T) {
	for _, c := range []struct {
		lat, lon Degrees
		n        int
		want     string
	}{
		{20.3700625, 2.7821875, 10, "7FG49QCJ+2V"},
		{20.3701125, 2.782234375, 11, "7FG49QCJ+2VX"},
		{20.3701135, 2.78223535156, 13, "7FG49QCJ+2VXGJ"},
		{47.0000625, 8.0000625, 10, "8FVC2222+22"},
		{-41.2730625, 174.7859375, 10, "4VCPPQGP+Q9"},
		{-89.9999375, -179.9999375, 10, "22222222+22"},
		{90, 1, 10, "CFX3X2X2+X2"},
		{1, 180, 10, "62H22222+22"},
	} {
		if s := (Geodetic{Lat: c.lat, Lon: c.lon}).PlusCode(c.n); s != c.want {
			t.Errorf("%v, %v is %s, want %s", c.lat, c.lon, s, c.want)
		}
	}
	g, _, err := ParsePlusCode("7fG49QCJ+2v")
	if err != nil {
		t.Fatal(err)
	}
	near(t, "lat", float64(g.Lat), 20.3700625, 1e-9)
	near(t, "lon", float64(g.Lon), 2.7821875, 1e-9)
	if g, m, err := ParsePlusCode("8FVC0000+"); err != nil || g.Lat != 47.5 || m < 60000 {
		t.Errorf("%v %v %v", g, m, err)
	}
	for _, s := range []string{"", "+", "9QCJ+2V", "7FG49QCJ+2", "7FG49QCJ", "7FG49QCA+2V", "7F0G0000+", "00000000+", "7FG49QCJ+2V+", "XXXXXXXX+22"} {
		if _, _, err := ParsePlusCode(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		g := anywhere(t)
		n := rapid.IntRange(10, 15).Draw(t, "n")
		b, m, err := ParsePlusCode(g.PlusCode(n))
		if err != nil || apart(g, b) > float64(m)*1.01+1e-3 {
			t.Fatalf("%v as %s came back %g m away, cell %g (%v)", g, g.PlusCode(n), apart(g, b), m, err)
		}
		if again := b.PlusCode(n); again != g.PlusCode(n) {
			t.Fatalf("%s became %s", g.PlusCode(n), again)
		}
	})
}

func TestFormat(t *testing.T) {
	g := Geodetic{Lat: 10.4633, Lon: -67.0794}
	for got, want := range map[string]string{
		g.DMS(1):    `10°27'47.9"N 67°04'45.8"W`,
		g.DMS(0):    `10°27'48"N 67°04'46"W`,
		g.Decimal(): "10.46330, -67.07940",
		Geodetic{Lat: -0.99999999, Lon: 179.99999999}.DMS(1): `1°00'00.0"S 180°00'00.0"E`,
		Geodetic{Lat: 0, Lon: 0}.Decimal():                   "0.00000, 0.00000",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// What people paste for El Junquito, and where the point stands in it.
func TestParse(t *testing.T) {
	for in, kind := range map[string]string{
		"10.4633, -67.0794":                                 "decimal",
		"10.4633 -67.0794":                                  "decimal",
		"(10.4633; -67.0794)":                               "decimal",
		"10,4633 -67,0794":                                  "decimal",
		"10,4633; -67,0794":                                 "decimal",
		"10.4633° N, 67.0794° W":                            "dms",
		"10.4633N 67.0794W":                                 "decimal",
		"N10.4633 W67.0794":                                 "decimal",
		"W 67.0794, N 10.4633":                              "decimal",
		"67.0794 O, 10.4633 N":                              "decimal",
		"lat: 10.4633, lon: -67.0794":                       "decimal",
		"Latitud 10.4633 Longitud -67.0794":                 "decimal",
		"10.4633, −67.0794":                                 "decimal",
		`10°27'47.88"N 67°04'45.84"W`:                       "dms",
		`10° 27′ 47.88″ N, 67° 4′ 45.84″ W`:                 "dms",
		`N 10°27.798' W 67°04.764'`:                         "dms",
		"10 27 47.88 N 67 04 45.84 W":                       "dms",
		"10:27:47.88N 67:04:45.84W":                         "dms",
		"geo:10.4633,-67.0794":                              "geouri",
		"geo:10.4633,-67.0794,1900;crs=wgs84;u=35":          "geouri",
		"geo:0,0?q=10.4633,-67.0794(El+Junquito)":           "geouri",
		"https://www.google.com/maps/@10.4633,-67.0794,15z": "google",
		"https://www.google.co.ve/maps/place/El+Junquito/@10.5,-67.2,14z/data=!3m1!4b1!4m5!3m4!1s0x8c2a:0x0!8m2!3d10.4633!4d-67.0794": "google",
		"https://www.google.com/maps?q=10.4633,-67.0794":                                 "google",
		"https://maps.google.com/?ll=10.4633,-67.0794&z=17":                              "google",
		"https://www.google.com/maps/search/?api=1&query=10.4633%2C-67.0794":             "google",
		"https://www.google.com/maps/place/10%C2%B027'47.9%22N+67%C2%B004'45.8%22W/":     "google",
		"https://www.google.com/maps/search/10.4633,+-67.0794?sa=X":                      "google",
		"https://www.google.com/maps/@?api=1&map_action=pano&viewpoint=10.4633,-67.0794": "google",
		"https://www.openstreetmap.org/#map=17/10.46330/-67.07940":                       "osm",
		"https://www.openstreetmap.org/?mlat=10.4633&mlon=-67.0794#map=12/10.5/-67.1":    "osm",
		"https://osm.org/#map=17/10.4633/-67.0794&layers=N":                              "osm",
		"https://maps.apple.com/?ll=10.4633,-67.0794&q=El%20Junquito":                    "apple",
		"https://maps.apple.com/place?coordinate=10.4633,-67.0794":                       "apple",
		"https://www.bing.com/maps?cp=10.4633~-67.0794&lvl=16":                           "bing",
		"https://www.bing.com/maps?sp=point.10.4633_-67.0794_El%20Junquito&cp=10~-67":    "bing",
		"http://wikimapia.org/#lang=en&lat=10.4633&lon=-67.0794&z=15&m=w":                "wikimapia",
		"https://yandex.com/maps/?ll=-67.0794%2C10.4633&z=15":                            "yandex",
		"https://www.waze.com/ul?ll=10.4633%2C-67.0794&navigate=yes":                     "waze",
		"https://wego.here.com/?map=10.4633,-67.0794,15,normal":                          "here",
		"https://www.mapillary.com/app/?lat=10.4633&lng=-67.0794&z=17":                   "mapillary",
		"https://example.org/viewer?lat=10.4633&lon=-67.0794":                            "map",
	} {
		r, err := Parse(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if r.Kind != kind || apart(r.Geodetic, Geodetic{Lat: 10.4633, Lon: -67.0794}) > 2 {
			t.Errorf("%s: %s at %s, want %s", in, r.Kind, r.Decimal(), kind)
		}
	}
	g := Geodetic{Lat: 10.4633, Lon: -67.0794}
	m, _ := g.MGRS(5)
	u, _ := g.UTM()
	for in, kind := range map[string]string{m: "mgrs", u.String(): "utm", g.PlusCode(11): "pluscode", "19 P 710210 1157400": "utm"} {
		r, err := Parse(in)
		if err != nil || r.Kind != kind || kind != "utm" && apart(r.Geodetic, g) > 4 {
			t.Errorf("%s: %+v %v, want %s", in, r, err, kind)
		}
	}
	r, err := Parse("geo:10.4633,-67.0794,1900;u=35")
	if err != nil || r.Precision != 35 || r.Height == nil || *r.Height != (Height{1900, Ellipsoid}) {
		t.Errorf("geo URI: %+v %v", r, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{"", "El Junquito", "10.4633", "95, 10", "-67.0794 N, 10.4 N", "10.4633 S -67.0794", "-10.4 S 67 W", "10 61 0 N 67 0 0 W",
		"10.5 30 N 67 0 W", "1 2 3", "N 10 W", "geo:", "geo:1", "geo:91,0", "geo:1,2;crs=other", "https://goo.gl/maps/abc", "https://www.google.com/maps",
		"https://%zz", "10.4633, -67.0794, 5, 6, 7", "NaN, NaN", "1e400, 2", strings.Repeat("9", 5000)} {
		if r, err := Parse(s); err == nil {
			t.Errorf("%q was read as %+v", clip(s), r)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"10.4633, -67.0794", `10°27'47.9"N 67°04'45.8"W`, "19PGK1026357373", "7FG49QCJ+2V", "geo:1,2,3;u=4", "https://www.google.com/maps/@1,2,3z", "19N 710263 1157373", "O O O", "+", "https://osm.org/#map=1/2/3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := Parse(s)
		if err == nil && r.Geodetic.Check() != nil {
			t.Errorf("%q gave %v, which is not on the Earth", s, r.Geodetic)
		}
		if err == nil && (math.IsNaN(float64(r.Precision)) || r.Precision < 0 || r.Kind == "") {
			t.Errorf("%q gave %+v", s, r)
		}
	})
}
