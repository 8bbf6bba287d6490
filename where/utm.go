package where

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// UTM is a Universal Transverse Mercator position (NGA.SIG.0012): zone 1 to
// 60, hemisphere, metres.
type UTM struct {
	Zone              int
	South             bool
	Easting, Northing Metres
}

// Krüger's series to the sixth order in the third flattening n (Karney 2011,
// Journal of Geodesy 85, equations 35 and 36): nanometres within a zone.
const (
	utmScale = 0.9996
	n1       = Flattening / (2 - Flattening)
	n2       = n1 * n1
	n3       = n2 * n1
	n4       = n3 * n1
	n5       = n4 * n1
	n6       = n5 * n1
	rectify  = SemiMajor / (1 + n1) * (1 + n2/4 + n4/64 + n6/256)
)

var (
	krugerForward = [6]float64{
		n1/2 - 2*n2/3 + 5*n3/16 + 41*n4/180 - 127*n5/288 + 7891*n6/37800,
		13*n2/48 - 3*n3/5 + 557*n4/1440 + 281*n5/630 - 1983433*n6/1935360,
		61*n3/240 - 103*n4/140 + 15061*n5/26880 + 167603*n6/181440,
		49561*n4/161280 - 179*n5/168 + 6601661*n6/7257600,
		34729*n5/80640 - 3418889*n6/1995840,
		212378941 * n6 / 319334400,
	}
	krugerBack = [6]float64{
		n1/2 - 2*n2/3 + 37*n3/96 - n4/360 - 81*n5/512 + 96199*n6/604800,
		n2/48 + n3/15 - 437*n4/1440 + 46*n5/105 - 1118711*n6/3870720,
		17*n3/480 - 37*n4/840 - 209*n5/4480 + 5569*n6/90720,
		4397*n4/161280 - 11*n5/504 - 830251*n6/7257600,
		4583*n5/161280 - 108847*n6/3991680,
		20648693 * n6 / 638668800,
	}
	ecc = math.Sqrt(ecc2)
)

// UTMZone is the zone of a place, with the exceptions of Norway and Svalbard.
func UTMZone(lat, lon Degrees) int {
	lon = lon.Longitude()
	switch {
	case lat >= 56 && lat < 64 && lon >= 3 && lon < 12:
		return 32
	case lat >= 72 && lon >= 0 && lon < 42:
		switch {
		case lon < 9:
			return 31
		case lon < 21:
			return 33
		case lon < 33:
			return 35
		}
		return 37
	}
	return min(60, int(math.Floor(float64(lon+180)/6))+1)
}

// UTM converts, for latitudes from 80 S to 84 N.
func (g Geodetic) UTM() (UTM, error) {
	if !(g.Lat >= -80 && g.Lat <= 84) {
		return UTM{}, fmt.Errorf("latitude %.5f is outside UTM, which ends at 80 S and 84 N", float64(g.Lat))
	}
	return g.utmIn(UTMZone(g.Lat, g.Lon)), nil
}

func (g Geodetic) utmIn(zone int) UTM {
	lam := float64((g.Lon - Degrees(zone*6-183)).Longitude().Radians())
	tau := math.Tan(float64(g.Lat.Radians()))
	taup := conformal(tau)
	xi, eta := math.Atan2(taup, math.Cos(lam)), math.Asinh(math.Sin(lam)/math.Hypot(taup, math.Cos(lam)))
	x, y := xi, eta
	for i, a := range krugerForward {
		k := float64(2 * (i + 1))
		s, c := math.Sincos(k * xi)
		x += a * s * math.Cosh(k*eta)
		y += a * c * math.Sinh(k*eta)
	}
	u := UTM{Zone: zone, South: g.Lat < 0, Easting: Metres(500000 + utmScale*rectify*y), Northing: Metres(utmScale * rectify * x)}
	if u.South {
		u.Northing += 1e7
	}
	return u
}

// conformal is the tangent of the conformal latitude (Karney 2011, eq. 7 to 9).
func conformal(tau float64) float64 {
	t1 := math.Hypot(1, tau)
	sigma := math.Sinh(ecc * math.Atanh(ecc*tau/t1))
	return math.Hypot(1, sigma)*tau - sigma*t1
}

// Geodetic converts back; H is 0.
func (u UTM) Geodetic() (Geodetic, error) {
	if u.Zone < 1 || u.Zone > 60 {
		return Geodetic{}, fmt.Errorf("UTM zone %d is not between 1 and 60", u.Zone)
	}
	if !(u.Easting >= 0 && u.Easting <= 1e6) || !(u.Northing >= -1e4 && u.Northing <= 1.001e7) {
		return Geodetic{}, fmt.Errorf("UTM easting %.0f, northing %.0f is outside the zone", float64(u.Easting), float64(u.Northing))
	}
	n := float64(u.Northing)
	if u.South {
		n -= 1e7
	}
	xi, eta := n/(utmScale*rectify), float64(u.Easting-500000)/(utmScale*rectify)
	x, y := xi, eta
	for i, b := range krugerBack {
		k := float64(2 * (i + 1))
		s, c := math.Sincos(k * xi)
		x -= b * s * math.Cosh(k*eta)
		y -= b * c * math.Sinh(k*eta)
	}
	taup := math.Sin(x) / math.Hypot(math.Sinh(y), math.Cos(x))
	tau := taup / (1 - ecc2)
	for range 6 { // Newton on the conformal latitude (Karney 2011, eq. 19 to 21)
		f := conformal(tau)
		step := (taup - f) / math.Hypot(1, f) * (1 + (1-ecc2)*tau*tau) / ((1 - ecc2) * math.Hypot(1, tau))
		tau += step
		if math.Abs(step) < 1e-14*math.Max(1, math.Abs(tau)) {
			break
		}
	}
	g := Geodetic{
		Lat: Radians(math.Atan(tau)).Degrees(),
		Lon: (Radians(math.Atan2(math.Sinh(y), math.Cos(x))).Degrees() + Degrees(u.Zone*6-183)).Longitude(),
	}
	return g, g.Check()
}

// bands are the latitude bands of 8 degrees from 80 S; X has 12.
const bands = "CDEFGHJKLMNPQRSTUVWX"

func band(lat Degrees) byte {
	i := max(0, min(19, int(math.Floor(float64(lat+80)/8))))
	if lat < 0 {
		i = min(i, 9) // a sum that rounds up to the equator
	}
	return bands[i]
}

// String writes zone and hemisphere, then whole metres: "19N 710263 1157373".
func (u UTM) String() string {
	h := "N"
	if u.South {
		h = "S"
	}
	return fmt.Sprintf("%d%s %.0f %.0f", u.Zone, h, math.Floor(float64(u.Easting)), math.Floor(float64(u.Northing)))
}

var (
	utmText  = regexp.MustCompile(`^(\d{1,2}) ?([C-HJ-NP-X]) ?(\d{5,7}(?:\.\d+)?) ?M? ?E?[ ,]+(\d{1,8}(?:\.\d+)?) ?M? ?N?$`)
	mgrsText = regexp.MustCompile(`^(\d{1,2})([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])(\d*)$`)
)

// ParseUTM reads zone, then N or S or a band letter, easting and northing in
// metres. N and S are hemispheres, as in [UTM.String]; every other letter is
// the MGRS band, which tells the hemisphere as well.
func ParseUTM(s string) (UTM, error) {
	m := utmText.FindStringSubmatch(strings.ToUpper(strings.Join(strings.Fields(s), " ")))
	if m == nil {
		return UTM{}, fmt.Errorf("%q is not UTM: write it as 19N 710263 1157373", clip(s))
	}
	zone, _ := strconv.Atoi(m[1]) // the pattern leaves digits only
	e, _ := strconv.ParseFloat(m[3], 64)
	n, _ := strconv.ParseFloat(m[4], 64)
	u := UTM{zone, m[2] == "S" || m[2] < "N", Metres(e), Metres(n)}
	_, err := u.Geodetic()
	return u, err
}

const (
	mgrsColumns = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	mgrsRows    = "ABCDEFGHJKLMNPQRSTUV"
)

// MGRS writes a Military Grid Reference (NGA.SIG.0012, section 3) with digits
// 0 to 5 per axis: 5 is the metre square that holds the place. UTM zones only,
// so 80 S to 84 N.
func (g Geodetic) MGRS(digits int) (string, error) {
	u, err := g.UTM()
	if err != nil {
		return "", err
	}
	digits = max(0, min(5, digits))
	// A tiny lift keeps a position that was read from MGRS in its own square.
	e, n := int(math.Floor(float64(u.Easting)+1e-6)), int(math.Floor(float64(u.Northing)+1e-6))
	if u.South {
		n = min(n, 9999999) // the equator itself belongs to the north
	}
	col := mgrsColumns[(u.Zone-1)%3*8+e/100000-1]
	row := mgrsRows[(n/100000+(1-u.Zone%2)*5)%20]
	s := fmt.Sprintf("%d%c%c%c", u.Zone, band(g.Lat), col, row)
	if digits > 0 {
		unit := int(math.Pow10(5 - digits))
		s += fmt.Sprintf("%0*d%0*d", digits, e%100000/unit, digits, n%100000/unit)
	}
	return s, nil
}

// ParseMGRS gives the middle of the square that a grid reference names, and
// the square's side in metres (1 for ten digits, 100,000 for none).
func ParseMGRS(s string) (Geodetic, Metres, error) {
	text := strings.ToUpper(strings.Join(strings.Fields(s), ""))
	m := mgrsText.FindStringSubmatch(text)
	bad := func(why string) (Geodetic, Metres, error) {
		return Geodetic{}, 0, fmt.Errorf("%q is not an MGRS reference: %s", clip(s), why)
	}
	if m == nil {
		return bad("write it as 19PGK1026357373")
	}
	zone, _ := strconv.Atoi(m[1])
	digits := len(m[5])
	if zone < 1 || zone > 60 {
		return bad("the zone is not between 1 and 60")
	}
	if digits%2 != 0 || digits > 10 {
		return bad("easting and northing need the same number of digits, at most five each")
	}
	col := strings.IndexByte(mgrsColumns, m[3][0]) - (zone-1)%3*8 + 1
	if col < 1 || col > 8 {
		return bad("column " + m[3] + " does not occur in zone " + m[1])
	}
	side := math.Pow10(5 - digits/2)
	e, n := float64(col)*100000+side/2, side/2
	if digits > 0 {
		x, _ := strconv.Atoi(m[5][:digits/2])
		y, _ := strconv.Atoi(m[5][digits/2:])
		e, n = e+float64(x)*side, n+float64(y)*side
	}
	row := (strings.IndexByte(mgrsRows, m[4][0]) - (1-zone%2)*5 + 20) % 20
	// The row letter repeats every 2,000 km: take the repeat that lies in the band.
	b := strings.IndexByte(bands, m[2][0])
	lo := Degrees(-80 + 8*b)
	south := b < 10
	var found *Geodetic
	for k := range 6 {
		north := n + float64(row)*100000 + float64(k)*2e6
		if north > 1e7 {
			break
		}
		g, err := (UTM{zone, south, Metres(e), Metres(north)}).Geodetic()
		if err != nil {
			continue
		}
		hi := lo + 8
		if b == 19 {
			hi = 84
		}
		// A square at the edge belongs to the band though its middle may not.
		edge := Degrees(side / 111000)
		if g.Lat >= lo-edge && g.Lat <= hi+edge {
			found = &g
			break
		}
	}
	if found == nil {
		return bad("row " + m[4] + " does not lie in band " + m[2])
	}
	return *found, Metres(side), nil
}

// clip shortens what an error repeats of the input.
func clip(s string) string {
	r := []rune(s)
	if len(r) > 80 {
		return string(r[:80]) + "..."
	}
	return s
}
