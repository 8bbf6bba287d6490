package sun

import (
	"fmt"
	"math"

	"sightline/when"
	"sightline/where"
)

// Horizon is an elevation (without refraction, of the body's centre) whose
// crossing has a name.
type Horizon where.Degrees

const (
	// Rising: the upper limb appears; 34' of refraction and 16' of radius.
	Rising       Horizon = limbHorizon
	Civil        Horizon = -6
	Nautical     Horizon = -12
	Astronomical Horizon = -18
)

// Crossing is a moment at which the sun passes a horizon.
type Crossing struct {
	At when.Instant
	Up bool // rising
}

// Crossings are all passages of the sun through a horizon in a span of time, in
// order. None near the poles for months is an answer; [View.At] says then
// whether it is day. Terrain is not considered, and rising is uncertain by
// minutes because refraction at the horizon changes with the weather.
func Crossings(from, to when.Instant, p Place, h Horizon) ([]Crossing, error) {
	a, err := NewAlmanac(from, to)
	if err != nil {
		return nil, fmt.Errorf("crossings: %w", err)
	}
	v := a.From(p, StandardAir(p.Height))
	above := func(t float64) float64 {
		_, south, west, up := v.observer.local(a.sky(t))
		return elevation(south, west, up)/rad - float64(h)
	}
	grid := sample(above, a.from, a.to)
	var out []Crossing
	for i := 1; i < len(grid); i++ {
		x, y := grid[i-1], grid[i]
		if (x.v < 0) == (y.v < 0) {
			continue
		}
		lo, hi := x.t, y.t
		for hi-lo > 1e-4 {
			m := (lo + hi) / 2
			if m <= lo || m >= hi {
				break
			}
			if (above(m) < 0) == (x.v < 0) {
				lo = m
			} else {
				hi = m
			}
		}
		out = append(out, Crossing{when.Instant(math.Round(hi * 1000)), y.v >= 0})
	}
	return out, nil
}

// Noon is the passage of the meridian nearest to a time: hour angle zero.
func Noon(near when.Instant, p Place) when.Instant {
	t := near
	for range 4 { // the hour angle grows by 360 degrees in a solar day, to a second
		ha := float64(At(t, p, Air{}).HourAngle)
		t -= when.Instant(math.Round(ha / 360 * float64(when.Day)))
	}
	return t
}
