package publish

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"sightline"
)

// fuzz moves a point inside a disc of radius m metres around it, by an amount
// that depends only on the point and the case's secret key: the same place is
// always blurred the same way, so averaging over editions reveals nothing.
// Without the secret a reader could try every coordinate inside the disc and
// see which one gives the published point.
func fuzz(key []byte, g sightline.Geo, m float64) sightline.Geo {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%.7f %.7f %.0f", g.Lat, g.Lon, m)
	s := mac.Sum(nil)
	u := float64(binary.BigEndian.Uint64(s[:8])) / (1 << 64)
	v := float64(binary.BigEndian.Uint64(s[8:16])) / (1 << 64)
	r, a := m*math.Sqrt(u), 2*math.Pi*v
	const perDegree = 111_320
	g.Lat = round5(g.Lat + r*math.Cos(a)/perDegree)
	g.Lon = round5(g.Lon + r*math.Sin(a)/(perDegree*math.Max(0.01, math.Cos(g.Lat*math.Pi/180))))
	g.H = nil
	return g
}

func round5(x float64) float64 { return math.Round(x*1e5) / 1e5 }
