package where

import (
	"fmt"
	"math"
	"strings"
)

// plusDigits is the alphabet of Open Location Codes (Plus Codes).
const plusDigits = "23456789CFGHJMPQRVWX"

// PlusCode writes a Plus Code (Open Location Code specification) of length 10
// (a cell of 14 m), 11 (3 m) or up to 15. Other lengths are brought to the
// nearest of those.
func (g Geodetic) PlusCode(length int) string {
	length = max(10, min(15, length))
	// Whole units of the fifteenth digit: 1/2,500,000 x 1/... degrees as the
	// specification computes it, free of rounding in later digits.
	const latUnits, lonUnits = 8000 * 3125, 8000 * 1024
	lat := int64(math.Floor(math.Round(float64(g.Lat+90)*latUnits*1e6) / 1e6))
	lon := int64(math.Floor(math.Round(float64(g.Lon.Longitude()+180)*lonUnits*1e6) / 1e6))
	lat = max(0, min(180*latUnits-1, lat)) // the pole belongs to the last cell
	lon = (lon%(360*lonUnits) + 360*lonUnits) % (360 * lonUnits)
	var out [16]byte
	for i := 14; i >= 10; i-- {
		out[i+1] = plusDigits[lat%5*4+lon%4]
		lat, lon = lat/5, lon/4
	}
	for i := 9; i >= 1; i -= 2 {
		at := i
		if i >= 8 {
			at++
		}
		out[at], lon = plusDigits[lon%20], lon/20
		if at = i - 1; i-1 >= 8 {
			at++
		}
		out[at], lat = plusDigits[lat%20], lat/20
	}
	out[8] = '+'
	return string(out[:length+1])
}

// ParsePlusCode gives the middle of the cell of a full Plus Code and half its
// diagonal in metres. Short codes ("FW7C+8M El Junquito") need a reference
// place and are refused with that hint.
func ParsePlusCode(s string) (Geodetic, Metres, error) {
	code := strings.ToUpper(strings.TrimSpace(s))
	bad := func(why string) (Geodetic, Metres, error) {
		return Geodetic{}, 0, fmt.Errorf("%q is not a full Plus Code: %s", clip(s), why)
	}
	switch plus := strings.IndexByte(code, '+'); {
	case plus < 0 || strings.Count(code, "+") > 1:
		return bad("it needs one +")
	case plus < 8:
		return bad("short codes need the full area code, such as 77Q8FW7C+8M")
	case plus > 8 || len(code) == 10 || len(code) > 16:
		return bad("it needs eight characters before the + and none, two or more after it")
	}
	digits := code[:8] + code[9:]
	pad := strings.TrimRight(digits, "0")
	if n := len(digits) - len(pad); n > 0 {
		if len(digits) != 8 || len(pad)%2 != 0 || len(pad) == 0 {
			return bad("zeros stand only in pairs before a closing +")
		}
		digits = pad
	}
	lat, lon, dLat, dLon := -90.0, -180.0, 400.0, 400.0
	for i := 0; i < len(digits); i++ {
		d := strings.IndexByte(plusDigits, digits[i])
		if d < 0 {
			return bad(fmt.Sprintf("%q is not one of its characters", digits[i]))
		}
		switch {
		case i >= 10:
			dLat, dLon = dLat/5, dLon/4
			lat, lon = lat+float64(d/4)*dLat, lon+float64(d%4)*dLon
		case i%2 == 0:
			dLat /= 20
			lat += float64(d) * dLat
		default:
			dLon /= 20
			lon += float64(d) * dLon
		}
	}
	if lat >= 90 || lon >= 180 {
		return bad("it lies beyond the pole or the date line")
	}
	g := Geodetic{Lat: Degrees(math.Min(90, lat+dLat/2)), Lon: Degrees(lon + dLon/2)}
	m := math.Hypot(dLat, dLon*math.Cos(float64(g.Lat.Radians()))) / 2 * 111320
	return g, Metres(m), nil
}
