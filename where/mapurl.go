package where

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// The places in map addresses where a position stands, the more telling first:
// a marked place before the centre of the view.
var (
	googleMark = regexp.MustCompile(`!3d(-?\d+(?:\.\d+)?)!4d(-?\d+(?:\.\d+)?)`)
	googleView = regexp.MustCompile(`/@(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)`)
	hashMap    = regexp.MustCompile(`^(?:map=)?\d+(?:\.\d+)?/(-?\d+(?:\.\d+)?)/(-?\d+(?:\.\d+)?)`)
	pathPair   = regexp.MustCompile(`/(?:place|search|dir/?[^/]*|maps|l)/+(-?\d+(?:\.\d+)?),\+?(-?\d+(?:\.\d+)?)`)
)

// site says where one map site keeps its positions. Fields are tried in order;
// lonLat marks those that write longitude first.
type site struct {
	kind   string
	host   *regexp.Regexp
	pairs  []string    // query fields with "lat,lon"
	lonLat []string    // query fields with "lon,lat"
	split  [][2]string // two query fields: latitude, longitude
}

var sites = []site{
	{"google", regexp.MustCompile(`(^|\.)google\.[a-z.]+$|^maps\.app\.goo\.gl$|^goo\.gl$`), []string{"query", "q", "destination", "daddr", "viewpoint", "center", "cbll", "ll", "sll"}, nil, nil},
	{"osm", regexp.MustCompile(`(^|\.)(openstreetmap\.(org|de|fr)|osm\.org|opentopomap\.org)$`), nil, nil, [][2]string{{"mlat", "mlon"}, {"lat", "lon"}}},
	{"apple", regexp.MustCompile(`(^|\.)maps\.apple\.com$`), []string{"coordinate", "ll", "q", "daddr", "sll", "center", "address"}, nil, nil},
	{"bing", regexp.MustCompile(`(^|\.)bing\.com$`), []string{"sp", "cp", "where1", "q"}, nil, nil},
	{"wikimapia", regexp.MustCompile(`(^|\.)wikimapia\.org$`), nil, nil, [][2]string{{"lat", "lon"}}},
	{"yandex", regexp.MustCompile(`(^|\.)yandex\.[a-z.]+$`), nil, []string{"whatshere[point]", "pt", "ll"}, nil},
	{"here", regexp.MustCompile(`(^|\.)here\.com$`), []string{"map"}, nil, nil},
	{"waze", regexp.MustCompile(`(^|\.)waze\.com$`), []string{"ll", "latlng"}, nil, [][2]string{{"lat", "lon"}}},
	{"mapillary", regexp.MustCompile(`(^|\.)mapillary\.com$`), nil, nil, [][2]string{{"lat", "lng"}}},
}

// parseMapURL reads the address of a map site. Nothing is fetched: a shortened
// address holds no position and is refused with that reason.
func parseMapURL(s string) (Reading, error) {
	bad := func(why string) (Reading, error) {
		return Reading{}, fmt.Errorf("%q holds no position: %s", clip(s), why)
	}
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return bad("it is not a readable address")
	}
	host := strings.ToLower(u.Hostname())
	st := site{kind: "map", pairs: []string{"q", "query", "ll", "center", "cp", "loc"}, split: [][2]string{{"mlat", "mlon"}, {"lat", "lon"}, {"lat", "lng"}, {"latitude", "longitude"}}}
	for _, x := range sites {
		if x.host.MatchString(host) {
			st = x
			break
		}
	}
	read := func(g Geodetic, step Metres) (Reading, error) { return Reading{g, st.kind, step, nil}, nil }
	if st.kind == "bing" {
		// Bing separates with ~ and its markers read point.lat_lon_title.
		for _, v := range u.Query()["sp"] {
			if g, step, ok := pair(strings.TrimPrefix(v, "point.")); ok {
				return read(g, step)
			}
		}
	}
	if m := googleMark.FindAllStringSubmatch(u.Path, -1); st.kind == "google" && len(m) > 0 {
		last := m[len(m)-1]
		if g, step, ok := numbersOf(last[1], last[2]); ok {
			return read(g, step)
		}
	}
	q := u.Query()
	for _, k := range st.split {
		if g, step, ok := numbersOf(q.Get(k[0]), q.Get(k[1])); ok {
			return read(g, step)
		}
	}
	for _, k := range st.pairs {
		if g, step, ok := pair(q.Get(k)); ok {
			return read(g, step)
		}
	}
	for _, k := range st.lonLat {
		if m := pairText.FindStringSubmatch(q.Get(k)); m != nil {
			if g, step, ok := numbersOf(m[2], m[1]); ok {
				return read(g, step)
			}
		}
	}
	for _, re := range []*regexp.Regexp{pathPair, googleView} {
		if m := re.FindStringSubmatch(u.Path); m != nil {
			if g, step, ok := numbersOf(m[1], m[2]); ok {
				return read(g, step)
			}
		}
	}
	if g, step, ok := degreesInPath(u.Path); ok {
		return read(g, step)
	}
	{
		f := u.Fragment
		if m := hashMap.FindStringSubmatch(f); m != nil {
			if g, step, ok := numbersOf(m[1], m[2]); ok {
				return read(g, step)
			}
		}
		if fq, err := url.ParseQuery(strings.TrimLeft(f, "/?")); err == nil {
			for _, k := range [][2]string{{"lat", "lon"}, {"lat", "lng"}} {
				if g, step, ok := numbersOf(fq.Get(k[0]), fq.Get(k[1])); ok {
					return read(g, step)
				}
			}
		}
	}
	if host == "goo.gl" || host == "maps.app.goo.gl" {
		return bad("it is a shortened address; open it and paste the long one")
	}
	return bad("paste the address while the map shows the place, or the coordinates themselves")
}

// degreesInPath reads /place/10°27'47.9"N+67°04'45.8"W.
func degreesInPath(path string) (Geodetic, Metres, bool) {
	for _, p := range strings.Split(path, "/") {
		if strings.Contains(p, "°") {
			if r, err := parseDegrees(strings.ReplaceAll(p, "+", " ")); err == nil {
				return r.Geodetic, r.Precision, true
			}
		}
	}
	return Geodetic{}, 0, false
}
