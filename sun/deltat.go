package sun

import "sightline/when"

// deltaTYears are TT - UT1 in seconds every five years from 1955 to 2025, from
// the observations of the IERS (32.184 s + leap seconds - DUT1).
var deltaTYears = [...]float64{31.1, 33.2, 35.7, 40.2, 45.5, 50.5, 54.3, 56.9, 60.8, 63.83, 64.69, 66.07, 67.64, 69.36, 69.14}

// DeltaT is TT - UT1 in seconds: observed values from 1955 to 2025, the
// polynomials of Espenak and Meeus (NASA/TP-2006-214141) before, and after 2025
// a parabola that joins their long-term trend in 2150. An error of 2 s moves
// the sun by 2e-5 degrees.
func DeltaT(t when.Instant) float64 {
	return deltaT(2000 + (float64(t)/1000-j2000)/(365.25*86400))
}

func deltaT(y float64) float64 {
	trend := func(y float64) float64 { u := (y - 1820) / 100; return -20 + 32*u*u }
	switch {
	case y < -500 || y >= 2150:
		return trend(y)
	case y < 500:
		return poly(y/100, 10583.6, -1014.41, 33.78311, -5.952053, -0.1798452, 0.022174192, 0.0090316521)
	case y < 1600:
		return poly((y-1000)/100, 1574.2, -556.01, 71.23472, 0.319781, -0.8503463, -0.005050998, 0.0083572073)
	case y < 1700:
		return poly(y-1600, 120, -0.9808, -0.01532, 1.0/7129)
	case y < 1800:
		return poly(y-1700, 8.83, 0.1603, -0.0059285, 0.00013336, -1.0/1174000)
	case y < 1860:
		return poly(y-1800, 13.72, -0.332447, 0.0068612, 0.0041116, -0.00037436, 0.0000121272, -0.0000001699, 0.000000000875)
	case y < 1900:
		return poly(y-1860, 7.62, 0.5737, -0.251754, 0.01680668, -0.0004473624, 1.0/233174)
	case y < 1920:
		return poly(y-1900, -2.79, 1.494119, -0.0598939, 0.0061966, -0.000197)
	case y < 1941:
		return poly(y-1920, 21.20, 0.84493, -0.076100, 0.0020936)
	case y < 1955:
		return poly(y-1950, 29.07, 0.407, -1.0/233, 1.0/2547)
	case y < 2025:
		i := min(int((y-1955)/5), len(deltaTYears)-2)
		f := (y - 1955 - 5*float64(i)) / 5
		return deltaTYears[i]*(1-f) + deltaTYears[i+1]*f
	}
	last := deltaTYears[len(deltaTYears)-1]
	f := (y - 2025) / 125
	return last + f*f*(trend(2150)-last)
}

// poly evaluates a polynomial, constant term first.
func poly(x float64, c ...float64) (y float64) {
	for i := len(c) - 1; i >= 0; i-- {
		y = y*x + c[i]
	}
	return y
}
