package sun

import (
	"math"
	"testing"

	"sightline/when"
)

// Meeus, Astronomical Algorithms, example 47.a: 1992 April 12, 0h TT.
func TestMoonExample(t *testing.T) {
	lon, lat, dist := moonEcliptic(-0.077221081451)
	if math.Abs(lon-133.162655) > 2e-6 {
		t.Errorf("longitude %.6f, want 133.162655", lon)
	}
	if math.Abs(lat+3.229126) > 0.003 {
		t.Errorf("latitude %.6f, want -3.229126", lat)
	}
	if math.Abs(dist-368409700) > 5e3 {
		t.Errorf("distance %.0f m, want 368409700", dist)
	}
	// Example 48.a: illuminated fraction 0.6786 at the same moment.
	m := MoonAt(703036741000, Place{}, StandardAir(0))
	if math.Abs(m.Light-0.6786) > 0.0005 {
		t.Errorf("lit %.4f, want 0.6786", m.Light)
	}
}

// The total lunar eclipse of 2018-01-31 had its middle at 13:29:50 UTC: the
// Moon stands opposite the sun; and the solar eclipse of 2017-08-21 was total
// at Hopkinsville (36.97 N, 87.67 W) at 18:25:32 UTC: both in one place.
func TestEclipses(t *testing.T) {
	at := when.Instant(1517405390000)
	p := Place{0, 160, 0}
	if m := MoonAt(at, p, StandardAir(0)); m.Light < 0.999 {
		t.Errorf("the full moon is lit by %.4f", m.Light)
	}
	at = 1503339932000
	p = Place{36.97, -87.67, 150}
	s, m := At(at, p, StandardAir(150)), MoonAt(at, p, StandardAir(150))
	if d := angle(float64(s.Azimuth), float64(s.Elevation), float64(m.Azimuth), float64(m.Elevation)); d > 0.01 {
		t.Errorf("in totality sun and moon stand %.4f degrees apart", d)
	}
}

// The report's own example (appendix A.2): transit 18:46:04.97, sunset
// 00:20:19.19 UTC and sunrise 13:12:43.46 on 2003-10-17 in Golden, Colorado.
func TestRiseAndSet(t *testing.T) {
	midnight := when.Instant(1066348800000)
	c, err := Crossings(midnight, midnight+when.Instant(when.Day), nrelPlace, Rising)
	if err != nil || len(c) != 2 || c[0].Up || !c[1].Up {
		t.Fatalf("%+v %v", c, err)
	}
	for i, want := range []int64{20*60e3 + 19190, 13*3600e3 + 12*60e3 + 43460} {
		if d := int64(c[i].At-midnight) - want; d > 30000 || d < -30000 {
			t.Errorf("crossing %d is off by %d ms", i, d)
		}
	}
	if d := int64(Noon(midnight+18*3600e3, nrelPlace)-midnight) - (18*3600e3 + 46*60e3 + 4970); d > 1000 || d < -1000 {
		t.Errorf("transit is off by %d ms", d)
	}
}

func TestTwilightOrder(t *testing.T) {
	p := Place{10.4633, -67.0794, 2000}
	day := when.Instant(1515988800000) // midnight in Caracas
	var last when.Instant
	for _, h := range []Horizon{Astronomical, Nautical, Civil, Rising} {
		c, err := Crossings(day, day+when.Instant(when.Day), p, h)
		if err != nil || len(c) != 2 || !c[0].Up || c[1].Up || c[0].At <= last {
			t.Fatalf("%v: %+v %v", h, c, err)
		}
		last = c[0].At
		if e := float64(At(c[0].At, p, Air{}).Elevation); math.Abs(e-float64(h)) > 1e-4 {
			t.Errorf("at the crossing of %v the sun is at %g", h, e)
		}
	}
}

// In Longyearbyen the sun does not set in June and does not rise in December.
func TestPolar(t *testing.T) {
	p := Place{78.22, 15.65, 0}
	for _, day := range []when.Instant{1529539200000, 1545350400000} {
		c, err := Crossings(day, day+when.Instant(when.Day), p, Rising)
		if err != nil || len(c) != 0 {
			t.Errorf("%+v %v", c, err)
		}
	}
	if _, err := Crossings(5, 1, p, Rising); err == nil {
		t.Error("a reversed span was accepted")
	}
}
