package where

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Reading is what [Parse] found: a position, the notation it stood in, and
// half the size of the last digit or cell in metres. Height, where the text
// gave one, stands apart with its datum.
type Reading struct {
	Geodetic
	Kind      string // decimal, dms, utm, mgrs, pluscode, geouri, google, osm, apple, bing, wikimapia, yandex, here, waze, mapillary, map
	Precision Metres // what the notation leaves open; not the error of the position
	Height    *Height
}

// Parse reads a position as people paste it: decimal degrees ("10.4633,
// -67.0794", "10.4633 N 67.0794 W"), degrees with minutes and seconds, UTM,
// MGRS, a full Plus Code, a geo: URI (RFC 5870), or the address of a map site.
// Latitude comes first unless letters say otherwise.
func Parse(s string) (Reading, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Reading{}, fmt.Errorf("no position given: write latitude, longitude such as 10.46330, -67.07940")
	}
	if len(s) > 4096 {
		return Reading{}, fmt.Errorf("a text of %d bytes is not a position", len(s))
	}
	low := strings.ToLower(s)
	switch {
	case strings.HasPrefix(low, "geo:"):
		return parseGeoURI(s)
	case strings.Contains(low, "://") || strings.HasPrefix(low, "www.") || strings.HasPrefix(low, "maps."):
		return parseMapURL(s)
	case strings.Contains(s, "+") && !strings.ContainsAny(s, " ,°"):
		g, m, err := ParsePlusCode(s)
		return Reading{g, "pluscode", m, nil}, err
	}
	compact := strings.ToUpper(strings.Join(strings.Fields(s), ""))
	if mgrsText.MatchString(compact) {
		g, side, err := ParseMGRS(s)
		return Reading{g, "mgrs", side / 2, nil}, err
	}
	if u, err := ParseUTM(s); err == nil {
		g, err := u.Geodetic()
		return Reading{g, "utm", 0.5, nil}, err
	}
	return parseDegrees(s)
}

// DMS writes degrees, minutes and seconds with a letter for the hemisphere and
// the given number of decimals of a second: 10°27'47.9"N 67°04'45.8"W.
func (g Geodetic) DMS(decimals int) string {
	return dms(g.Lat, "N", "S", decimals) + " " + dms(g.Lon.Longitude(), "E", "W", decimals)
}

func dms(d Degrees, pos, neg string, decimals int) string {
	decimals = max(0, min(6, decimals))
	letter := pos
	if d < 0 {
		letter, d = neg, -d
	}
	unit := math.Pow10(decimals)
	all := int64(math.Round(float64(d) * 3600 * unit)) // round once, so that 60 never stands
	per := int64(60 * unit)
	sec := float64(all%per) / unit
	width := 2
	if decimals > 0 {
		width = 3 + decimals
	}
	return fmt.Sprintf(`%d°%02d'%0*.*f"%s`, all/per/60, all/per%60, width, decimals, sec, letter)
}

// Decimal writes "lat, lon" with five digits, which is 1.1 m on the ground.
func (g Geodetic) Decimal() string {
	return fmt.Sprintf("%.5f, %.5f", float64(g.Lat)+0, float64(g.Lon.Longitude())+0)
}

var numbers = regexp.MustCompile(`[+-]?\d+(?:\.\d+)?`)

// word is one number of a position or one letter of a hemisphere.
type word struct {
	value  float64
	text   string
	letter byte // N, S, E, W or 0
}

// parseDegrees reads decimal degrees and degrees with minutes and seconds.
func parseDegrees(s string) (Reading, error) {
	bad := func(why string) (Reading, error) {
		return Reading{}, fmt.Errorf("%q is not a position: %s", clip(s), why)
	}
	t := strings.NewReplacer("−", "-", "–", "-", "º", "°", "˚", "°", "’", "'", "′", "'", "”", `"`, "″", `"`, "“", `"`, "''", `"`, "\u00a0", " ").Replace(s)
	t = strings.ToUpper(t)
	// "10,4633; -67,0794" and "10,4633 -67,0794": decimal commas.
	if m := commaPair.FindStringSubmatch(t); m != nil {
		t = strings.ReplaceAll(m[1], ",", ".") + " " + strings.ReplaceAll(m[2], ",", ".")
	}
	var words []word
	marked := false
	for i := 0; i < len(t); {
		c := t[i]
		switch {
		case strings.IndexByte(" \t\r\n,;/()'\":|", c) >= 0:
			if c == '\'' || c == '"' {
				marked = true
			}
			i++
		case strings.HasPrefix(t[i:], "°"):
			marked = true
			i += len("°")
		case strings.IndexByte("NSEW", c) >= 0 && (i+1 == len(t) || t[i+1] < 'A' || t[i+1] > 'Z') && (i == 0 || t[i-1] < 'A' || t[i-1] > 'Z'):
			words = append(words, word{letter: c})
			i++
		case c == 'O' && (i == 0 || t[i-1] < 'A' || t[i-1] > 'Z') && (i+1 == len(t) || t[i+1] < 'A' || t[i+1] > 'Z'):
			words = append(words, word{letter: 'W'}) // oeste, ouest
			i++
		case labels.MatchString(t[i:]):
			i += len(labels.FindString(t[i:]))
		default:
			loc := numbers.FindStringIndex(t[i:])
			if loc == nil || loc[0] != 0 {
				return bad("write latitude, longitude such as 10.46330, -67.07940")
			}
			text := t[i : i+loc[1]]
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return bad("a number is too long")
			}
			words = append(words, word{value: v, text: text})
			i += loc[1]
		}
	}
	halves, err := splitHalves(words)
	if err != nil {
		return bad(err.Error())
	}
	var out [2]float64
	var axis [2]byte
	precision := 0.0
	for i, h := range halves {
		v, step, err := h.degrees()
		if err != nil {
			return bad(err.Error())
		}
		out[i], axis[i] = v, h.letter
		precision = math.Max(precision, step)
	}
	isLon := func(b byte) bool { return b == 'E' || b == 'W' }
	if (axis[0] != 0) != (axis[1] != 0) || axis[0] != 0 && isLon(axis[0]) == isLon(axis[1]) {
		return bad("one half needs N or S and the other E or W, or neither a letter")
	}
	if isLon(axis[0]) {
		out[0], out[1] = out[1], out[0]
	}
	g := Geodetic{Lat: Degrees(out[0]), Lon: Degrees(out[1])}
	if err := g.Check(); err != nil {
		if isLon(axis[0]) || axis[0] != 0 || math.Abs(out[1]) > 90 || math.Abs(out[0]) <= 90 || math.Abs(out[0]) > 180 {
			return bad(err.Error())
		}
		return bad("the first number cannot be a latitude; if it is longitude first, swap the two")
	}
	g.Lon = g.Lon.Longitude()
	kind := "decimal"
	if marked || len(halves[0].parts) > 1 {
		kind = "dms"
	}
	return Reading{g, kind, Metres(precision / 2 * 111320), nil}, nil
}

var (
	commaPair = regexp.MustCompile(`^\s*([+-]?\d{1,3},\d+)\s*(?:;|\s)\s*([+-]?\d{1,3},\d+)\s*$`)
	labels    = regexp.MustCompile(`^(?:LATITUDE|LONGITUDE|LATITUD|LONGITUD|LAT|LONG|LON|LNG)\b\.?\s*[:=]?`)
)

// half is one of latitude and longitude: one to three numbers and a letter.
type half struct {
	parts  []word
	letter byte
}

func splitHalves(words []word) (out [2]half, err error) {
	letters, nums := 0, 0
	for _, w := range words {
		if w.letter != 0 {
			letters++
		} else {
			nums++
		}
	}
	if nums != 2 && nums != 4 && nums != 6 || letters != 0 && letters != 2 {
		return out, fmt.Errorf("found %d numbers and %d letters, a position has 2, 4 or 6 numbers and two letters or none", nums, letters)
	}
	before := letters == 2 && words[0].letter != 0
	i := 0
	for k := range out {
		h := &out[k]
		if before {
			if h.letter = words[i].letter; h.letter == 0 {
				return out, fmt.Errorf("the letters N, S, E, W stand in the wrong place")
			}
			i++
		}
		for len(h.parts) < nums/2 {
			if i >= len(words) || words[i].letter != 0 {
				return out, fmt.Errorf("the letters N, S, E, W stand in the wrong place")
			}
			h.parts = append(h.parts, words[i])
			i++
		}
		if letters == 2 && !before {
			if i >= len(words) || words[i].letter == 0 {
				return out, fmt.Errorf("the letters N, S, E, W stand in the wrong place")
			}
			h.letter = words[i].letter
			i++
		}
	}
	return out, nil
}

// degrees adds up a half; step is the size of its last digit in degrees.
func (h half) degrees() (v, step float64, err error) {
	negative := strings.HasPrefix(h.parts[0].text, "-")
	if negative && (h.letter == 'S' || h.letter == 'W') {
		return 0, 0, fmt.Errorf("a minus sign and the letter %c contradict each other", h.letter)
	}
	unit := 1.0
	for i, p := range h.parts {
		x := math.Abs(p.value)
		if i > 0 && (x >= 60 || strings.ContainsAny(p.text, "+-")) {
			return 0, 0, fmt.Errorf("minutes and seconds are below 60 and have no sign, found %s", p.text)
		}
		decimals := 0
		if dot := strings.IndexByte(p.text, '.'); dot >= 0 {
			decimals = len(p.text) - dot - 1
			if i < len(h.parts)-1 {
				return 0, 0, fmt.Errorf("only the last part may have decimals, found %s", p.text)
			}
		}
		v += x / unit
		step = math.Pow10(-decimals) / unit
		unit *= 60
	}
	if negative || h.letter == 'S' || h.letter == 'W' {
		v = -v
	}
	return v, step, nil
}

// parseGeoURI reads RFC 5870: geo:lat,lon[,alt][;crs=wgs84][;u=metres].
func parseGeoURI(s string) (Reading, error) {
	bad := func(why string) (Reading, error) {
		return Reading{}, fmt.Errorf("%q is not a geo: URI: %s", clip(s), why)
	}
	body, query, _ := strings.Cut(s[4:], "?")
	parts := strings.Split(body, ";")
	// Android writes geo:0,0?q=lat,lon(label).
	if q, err := url.ParseQuery(query); err == nil && q.Get("q") != "" {
		if g, step, ok := pair(q.Get("q")); ok {
			return Reading{g, "geouri", step, nil}, nil
		}
	}
	xs := strings.Split(parts[0], ",")
	if len(xs) != 2 && len(xs) != 3 {
		return bad("it needs latitude and longitude")
	}
	g, step, ok := pair(xs[0] + "," + xs[1])
	if !ok {
		return bad("latitude or longitude is not a number on the Earth")
	}
	r := Reading{g, "geouri", step, nil}
	if len(xs) == 3 {
		h, err := strconv.ParseFloat(xs[2], 64)
		if err != nil || math.IsNaN(h) || math.IsInf(h, 0) {
			return bad("the altitude is not a number")
		}
		r.Height = &Height{Metres(h), Ellipsoid} // RFC 5870, 3.4.2: above the WGS 84 ellipsoid
		r.H = Metres(h)
	}
	for _, p := range parts[1:] {
		k, v, _ := strings.Cut(strings.ToLower(p), "=")
		switch k {
		case "crs":
			if v != "wgs84" {
				return bad("its reference system is not WGS 84")
			}
		case "u":
			if u, err := strconv.ParseFloat(v, 64); err == nil && u >= 0 {
				r.Precision = Metres(u)
			}
		}
	}
	return r, nil
}

var pairText = regexp.MustCompile(`^\s*(?:loc:)?([+-]?\d{1,3}(?:\.\d+)?)\s*(?:,|~|%2C|\s|_)\s*([+-]?\d{1,3}(?:\.\d+)?)(?:$|[^\d.])`)

// pair reads "lat,lon" at the beginning of a text.
func pair(s string) (Geodetic, Metres, bool) {
	m := pairText.FindStringSubmatch(s)
	if m == nil {
		return Geodetic{}, 0, false
	}
	return numbersOf(m[1], m[2])
}

func numbersOf(a, b string) (g Geodetic, step Metres, ok bool) {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	g = Geodetic{Lat: Degrees(x), Lon: Degrees(y)}
	if err1 != nil || err2 != nil || g.Check() != nil {
		return Geodetic{}, 0, false
	}
	decimals := math.Inf(1)
	for _, t := range []string{a, b} {
		d := 0.0
		if dot := strings.IndexByte(t, '.'); dot >= 0 {
			d = float64(len(t) - dot - 1)
		}
		decimals = math.Min(decimals, d)
	}
	g.Lon = g.Lon.Longitude()
	return g, Metres(math.Pow(10, -decimals) / 2 * 111320), true
}
