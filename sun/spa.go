package sun

import (
	"math"

	"sightline/when"
	"sightline/where"
)

// Place is where the observer stands: WGS 84 degrees and metres above the
// ellipsoid (a few hundred metres change the sun by 1e-5 degrees).
type Place struct {
	Lat, Lon where.Degrees
	Height   where.Metres
}

// Air bends the light: pressure at the place (not reduced to the sea) in hPa
// and temperature in degrees Celsius.
type Air struct{ PressureHPa, TemperatureC float64 }

// StandardAir is the pressure of the standard atmosphere at a height and 15 C.
func StandardAir(height where.Metres) Air {
	return Air{StandardPressure(height), 15}
}

// StandardPressure is 1013.25 (1 - 2.25577e-5 h)^5.25588 hPa, h in metres (ISO
// 2533, troposphere).
func StandardPressure(height where.Metres) float64 {
	return 1013.25 * math.Pow(math.Max(0, 1-2.25577e-5*float64(height)), 5.25588)
}

// Position is where the sun or the moon stands for an observer.
type Position struct {
	Azimuth     where.Degrees // clockwise from true north, 0 to 360
	Elevation   where.Degrees // of the centre, without refraction
	Apparent    where.Degrees // of the centre, as seen through the air
	Refraction  where.Degrees // Apparent - Elevation; 0 when the body is below the horizon
	Declination where.Degrees // topocentric
	HourAngle   where.Degrees // topocentric, positive after the meridian, -180 to 180
}

// Vector is the unit vector east, north, up toward the body as it is seen.
func (p Position) Vector() [3]float64 {
	sa, ca := math.Sincos(float64(p.Azimuth.Radians()))
	se, ce := math.Sincos(float64(p.Apparent.Radians()))
	return [3]float64{ce * sa, ce * ca, se}
}

// At is the sun's position: the whole algorithm, with delta T from [DeltaT].
func At(t when.Instant, p Place, air Air) Position {
	return AtDeltaT(t, p, air, DeltaT(t))
}

// AtDeltaT is [At] with a given TT - UT1 in seconds.
func AtDeltaT(t when.Instant, p Place, air Air, deltaT float64) Position {
	o := newObserver(p, air)
	return o.see(geocentric(float64(t)/1000, deltaT).sky())
}

const (
	rad = math.Pi / 180
	// j2000 is JD 2451545.0, 2000-01-01 12:00, in seconds since 1970.
	j2000 = 946728000.0
	// sunRadius and horizonRefraction decide where the air stops bending.
	sunRadius         = 0.26667
	horizonRefraction = 0.5667
	limbHorizon       = -(sunRadius + horizonRefraction)
)

// steps holds the quantities of the report by its own names (sections 3.1 to
// 3.10), in degrees, AU and days, so that each can be compared with the
// report's worked example.
type steps struct {
	days                                float64 // JD - 2451545
	jc, jde, jce, jme                   float64 // jde as days after 2451545
	l, b, r, theta, beta                float64
	x                                   [5]float64
	deltaPsi, deltaEps, eps0, eps, dTau float64
	lambda, nu0, nu, alpha, delta       float64
}

// geocentric works out everything that does not depend on the observer.
func geocentric(unix, deltaT float64) (s steps) {
	s.days = (unix - j2000) / 86400
	s.jc = s.days / 36525
	s.jde = s.days + deltaT/86400
	s.jce = s.jde / 36525
	s.jme = s.jce / 10

	s.l = turn(series(longitudeTerms, s.jme) / rad)
	s.b = series(latitudeTerms, s.jme) / rad
	s.r = series(radiusTerms, s.jme)
	s.theta = turn(s.l + 180)
	s.beta = -s.b

	s.nutation()
	s.dTau = -20.4898 / (3600 * s.r)
	s.lambda = s.theta + s.deltaPsi + s.dTau
	s.nu0 = turn(meanSidereal(s.days, s.jc))
	se, ce := math.Sincos(s.eps * rad)
	s.nu = s.nu0 + s.deltaPsi*ce
	sl, cl := math.Sincos(s.lambda * rad)
	sb, cb := math.Sincos(s.beta * rad)
	s.alpha = turn(math.Atan2(sl*ce-sb/cb*se, cl) / rad)
	s.delta = math.Asin(sb*ce+cb*se*sl) / rad
	return s
}

// meanSidereal is equation 28 in degrees; the whole days' turns are left out,
// because they would cost the last three digits.
func meanSidereal(days, jc float64) float64 {
	whole := math.Floor(days)
	return 280.46061837 + 0.98564736629*whole + 360.98564736629*(days-whole) + jc*jc*(0.000387933-jc/38710000)
}

// nutation in longitude and obliquity (section 3.4, 3.5).
func (s *steps) nutation() {
	t := s.jce
	cubic := func(a, b, c, d float64) float64 { return a + t*(b+t*(c+t*d)) }
	s.x = [5]float64{
		cubic(297.85036, 445267.111480, -0.0019142, 1.0/189474),
		cubic(357.52772, 35999.050340, -0.0001603, -1.0/300000),
		cubic(134.96298, 477198.867398, 0.0086972, 1.0/56250),
		cubic(93.27191, 483202.017538, -0.0036825, 1.0/327270),
		cubic(125.04452, -1934.136261, 0.0020708, 1.0/450000),
	}
	var psi, eps float64
	for i := range nutationTerms {
		n := &nutationTerms[i]
		var arg float64
		for k, y := range n.y {
			arg += float64(y) * s.x[k]
		}
		sin, cos := math.Sincos(arg * rad)
		psi += (n.a + n.b*t) * sin
		eps += (n.c + n.d*t) * cos
	}
	s.deltaPsi, s.deltaEps = psi/36000000, eps/36000000
	u := s.jme / 10
	s.eps0 = 84381.448 + u*(-4680.93+u*(-1.55+u*(1999.25+u*(-51.38+u*(-249.67+u*(-39.05+u*(7.12+u*(27.87+u*(5.79+u*2.45)))))))))
	s.eps = s.eps0/3600 + s.deltaEps
}

// series sums a periodic table and its powers of time (equations 9 to 12).
func series(tables [][]term, t float64) float64 {
	sum := 0.0
	for k := len(tables) - 1; k >= 0; k-- {
		part := 0.0
		for _, x := range tables[k] {
			part += x.a * math.Cos(x.b+x.c*t)
		}
		sum = sum*t + part
	}
	return sum / 1e8
}

// sky is a body as seen from the Earth's centre: its unit vector in the frame
// of the equator and equinox of date, the apparent sidereal time at Greenwich
// in radians, and the sine of the horizontal parallax.
type sky struct{ x, y, z, gst, sinParallax float64 }

// toward makes the vector from right ascension and declination in radians.
func toward(ra, dec, gst, sinParallax float64) sky {
	sa, ca := math.Sincos(ra)
	sd, cd := math.Sincos(dec)
	return sky{cd * ca, cd * sa, sd, gst, sinParallax}
}

func (s steps) sky() sky {
	return toward(s.alpha*rad, s.delta*rad, s.nu*rad, math.Sin(8.794/(3600*s.r)*rad))
}

// observer holds what depends on the place alone.
type observer struct {
	lon, sinLat, cosLat float64
	x, y                float64 // position in units of the Earth's radius (section 3.12)
	bend                float64 // factor of the refraction, degrees
}

func newObserver(p Place, air Air) observer {
	phi := float64(p.Lat.Radians())
	su, cu := math.Sincos(math.Atan(0.99664719 * math.Tan(phi)))
	h := float64(p.Height) / 6378140
	o := observer{lon: float64(p.Lon.Radians())}
	o.sinLat, o.cosLat = math.Sincos(phi)
	o.x, o.y = cu+h*o.cosLat, 0.99664719*su+h*o.sinLat
	o.bend = air.PressureHPa / 1010 * (283 / (273 + air.TemperatureC)) * 1.02 / 60
	return o
}

// local works out the topocentric direction (sections 3.11 to 3.14) as a unit
// vector v (meridian, west, pole) on the equator and as components toward
// south, west and up of the horizon.
func (o *observer) local(b sky) (v [3]float64, south, west, up float64) {
	st, ct := math.Sincos(b.gst + o.lon)
	// The parallax as a vector: the body from the centre minus the observer,
	// in the frame of the observer's meridian and the equator. The report's
	// equations 38 to 42 are the angles of this vector.
	vx, vy, vz := b.x*ct+b.y*st-o.x*b.sinParallax, b.x*st-b.y*ct, b.z-o.y*b.sinParallax
	n := 1 / math.Sqrt(vx*vx+vy*vy+vz*vz)
	vx, vy, vz = vx*n, vy*n, vz*n
	return [3]float64{vx, vy, vz}, vx*o.sinLat - vz*o.cosLat, vy, vx*o.cosLat + vz*o.sinLat
}

// see gives the position for the observer.
func (o *observer) see(b sky) Position {
	v, south, west, up := o.local(b)
	p := Position{
		Azimuth:     where.Degrees(math.Atan2(west, south)/rad + 180),
		Elevation:   where.Degrees(elevation(south, west, up) / rad),
		Declination: where.Degrees(elevation(v[0], v[1], v[2]) / rad),
		HourAngle:   where.Degrees(math.Atan2(v[1], v[0]) / rad),
	}
	if p.Azimuth >= 360 {
		p.Azimuth = 0
	}
	p.Refraction = where.Degrees(o.refraction(float64(p.Elevation)))
	p.Apparent = p.Elevation + p.Refraction
	return p
}

// elevation in radians, without the loss of digits of asin near the zenith.
func elevation(south, west, up float64) float64 {
	return math.Atan2(up, math.Sqrt(south*south+west*west))
}

// refraction in degrees for an elevation in degrees (equation 42 of the
// report: Saemundsson's formula scaled by pressure and temperature).
func (o *observer) refraction(e float64) float64 {
	if e < limbHorizon {
		return 0
	}
	return o.bend / math.Tan((e+10.3/(e+5.11))*rad)
}

// turn brings degrees into 0 to 360.
func turn(d float64) float64 { return float64(where.Degrees(d).Turn()) }
