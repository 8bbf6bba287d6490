package sun

import (
	"math"

	"sightline/when"
	"sightline/where"
)

// moonTerm is a row of tables 47.A and 47.B of Meeus, Astronomical Algorithms
// (2nd edition): multiples of D, M, M', F; sine in 1e-6 degrees; cosine of the
// distance in metres.
type moonTerm struct {
	d, m, mp, f int8
	sin, cos    float64
}

var moonLongitude = []moonTerm{
	{0, 0, 1, 0, 6288774, -20905355}, {2, 0, -1, 0, 1274027, -3699111}, {2, 0, 0, 0, 658314, -2955968}, {0, 0, 2, 0, 213618, -569925},
	{0, 1, 0, 0, -185116, 48888}, {0, 0, 0, 2, -114332, -3149}, {2, 0, -2, 0, 58793, 246158}, {2, -1, -1, 0, 57066, -152138},
	{2, 0, 1, 0, 53322, -170733}, {2, -1, 0, 0, 45758, -204586}, {0, 1, -1, 0, -40923, -129620}, {1, 0, 0, 0, -34720, 108743},
	{0, 1, 1, 0, -30383, 104755}, {2, 0, 0, -2, 15327, 10321}, {0, 0, 1, 2, -12528, 0}, {0, 0, 1, -2, 10980, 79661},
	{4, 0, -1, 0, 10675, -34782}, {0, 0, 3, 0, 10034, -23210}, {4, 0, -2, 0, 8548, -21636}, {2, 1, -1, 0, -7888, 24208},
	{2, 1, 0, 0, -6766, 30824}, {1, 0, -1, 0, -5163, -8379}, {1, 1, 0, 0, 4987, -16675}, {2, -1, 1, 0, 4036, -12831},
	{2, 0, 2, 0, 3994, -10445}, {4, 0, 0, 0, 3861, -11650}, {2, 0, -3, 0, 3665, 14403}, {0, 1, -2, 0, -2689, -7003},
	{2, 0, -1, 2, -2602, 0}, {2, -1, -2, 0, 2390, 10056}, {1, 0, 1, 0, -2348, 6322}, {2, -2, 0, 0, 2236, -9884},
	{0, 1, 2, 0, -2120, 5751}, {0, 2, 0, 0, -2069, 0}, {2, -2, -1, 0, 2048, -4950}, {2, 0, 1, -2, -1773, 4130},
	{2, 0, 0, 2, -1595, 0}, {4, -1, -1, 0, 1215, -3958}, {0, 0, 2, 2, -1110, 0}, {3, 0, -1, 0, -892, 3258},
	{2, 1, 1, 0, -810, 2616}, {4, -1, -2, 0, 759, -1897}, {0, 2, -1, 0, -713, -2117}, {2, 2, -1, 0, -700, 2354},
	{2, 1, -2, 0, 691, 0}, {2, -1, 0, -2, 596, 0}, {4, 0, 1, 0, 549, -1423}, {0, 0, 4, 0, 537, -1117},
	{4, -1, 0, 0, 520, -1571}, {1, 0, -2, 0, -487, -1739}, {2, 1, 0, -2, -399, 0}, {0, 0, 2, -2, -381, -4421},
	{1, 1, 1, 0, 351, 0}, {3, 0, -2, 0, -340, 0}, {4, 0, -3, 0, 330, 0}, {2, -1, 2, 0, 327, 0},
	{0, 2, 1, 0, -323, 1165}, {1, 1, -1, 0, 299, 0}, {2, 0, 3, 0, 294, 0}, {2, 0, -1, -2, 0, 8752},
}

var moonLatitude = []moonTerm{
	{0, 0, 0, 1, 5128122, 0}, {0, 0, 1, 1, 280602, 0}, {0, 0, 1, -1, 277693, 0}, {2, 0, 0, -1, 173237, 0},
	{2, 0, -1, 1, 55413, 0}, {2, 0, -1, -1, 46271, 0}, {2, 0, 0, 1, 32573, 0}, {0, 0, 2, 1, 17198, 0},
	{2, 0, 1, -1, 9266, 0}, {0, 0, 2, -1, 8822, 0}, {2, -1, 0, -1, 8216, 0}, {2, 0, -2, -1, 4324, 0},
	{2, 0, 1, 1, 4200, 0}, {2, 1, 0, -1, -3359, 0}, {2, -1, -1, 1, 2463, 0}, {2, -1, 0, 1, 2211, 0},
	{2, -1, -1, -1, 2065, 0}, {0, 1, -1, -1, -1870, 0}, {4, 0, -1, -1, 1828, 0}, {0, 1, 0, 1, -1794, 0},
	{0, 0, 0, 3, -1749, 0}, {0, 1, -1, 1, -1565, 0}, {1, 0, 0, 1, -1491, 0}, {0, 1, 1, 1, -1475, 0},
	{0, 1, 1, -1, -1410, 0}, {0, 1, 0, -1, -1344, 0}, {1, 0, 0, -1, -1335, 0}, {0, 0, 3, 1, 1107, 0},
	{4, 0, 0, -1, 1021, 0}, {4, 0, -1, 1, 833, 0},
}

// Moon is the Moon's place for an observer. Light is the illuminated fraction
// of its disc, 0 (new) to 1 (full). Meeus, chapters 47 and 48: longitude to
// 0.003 degrees; latitude has the 30 largest terms, 0.003 degrees as well.
type Moon struct {
	Position
	DistanceM where.Metres // from the Earth's centre
	Light     float64
}

// MoonAt is where the Moon stands and how much of it is lit.
func MoonAt(t when.Instant, p Place, air Air) Moon {
	dt := DeltaT(t)
	s := geocentric(float64(t)/1000, dt)
	lon, lat, dist := moonEcliptic(s.jce)
	lon += s.deltaPsi
	se, ce := math.Sincos(s.eps * rad)
	sl, cl := math.Sincos(lon * rad)
	sb, cb := math.Sincos(lat * rad)
	b := sky{cb * cl, cb*sl*ce - sb*se, sb*ce + cb*sl*se, s.nu * rad, 6378140 / dist}
	o := newObserver(p, air)
	// Elongation and phase angle (Meeus 48.2, 48.3).
	cosPsi := cb * math.Cos((lon-s.lambda)*rad)
	const au = 149597870700
	phase := math.Atan2(s.r*au*math.Sqrt(1-cosPsi*cosPsi), dist-s.r*au*cosPsi)
	return Moon{o.see(b), where.Metres(dist), (1 + math.Cos(phase)) / 2}
}

// moonEcliptic gives the geocentric longitude and latitude of the mean equinox
// of date in degrees and the distance in metres; t is centuries of TT since
// 2000.
func moonEcliptic(t float64) (lon, lat, dist float64) {
	lp := poly(t, 218.3164477, 481267.88123421, -0.0015786, 1.0/538841, -1.0/65194000)
	d := poly(t, 297.8501921, 445267.1114034, -0.0018819, 1.0/545868, -1.0/113065000)
	m := poly(t, 357.5291092, 35999.0502909, -0.0001536, 1.0/24490000)
	mp := poly(t, 134.9633964, 477198.8675055, 0.0087414, 1.0/69699, -1.0/14712000)
	f := poly(t, 93.2720950, 483202.0175233, -0.0036539, -1.0/3526000, 1.0/863310000)
	e := poly(t, 1, -0.002516, -0.0000074)
	scale := [3]float64{1, e, e * e} // the shrinking of the Earth's orbit
	sum := func(rows []moonTerm) (s, c float64) {
		for _, r := range rows {
			k := scale[max(r.m, -r.m)]
			sin, cos := math.Sincos((float64(r.d)*d + float64(r.m)*m + float64(r.mp)*mp + float64(r.f)*f) * rad)
			s, c = s+k*r.sin*sin, c+k*r.cos*cos
		}
		return s, c
	}
	sin := func(x float64) float64 { return math.Sin(x * rad) }
	a1, a2, a3 := 119.75+131.849*t, 53.09+479264.290*t, 313.45+481266.484*t
	l, r := sum(moonLongitude)
	b, _ := sum(moonLatitude)
	l += 3958*sin(a1) + 1962*sin(lp-f) + 318*sin(a2)
	b += -2235*sin(lp) + 382*sin(a3) + 175*sin(a1-f) + 175*sin(a1+f) + 127*sin(lp-mp) - 115*sin(lp+mp)
	return turn(lp + l/1e6), b / 1e6, 385000560 + r
}
