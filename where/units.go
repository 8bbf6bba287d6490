package where

import (
	"errors"
	"fmt"
	"math"
)

// Degrees is an angle in degrees of arc.
type Degrees float64

// Radians is an angle in radians.
type Radians float64

// Metres is a length in metres.
type Metres float64

// Radians converts.
func (d Degrees) Radians() Radians { return Radians(float64(d) * (math.Pi / 180)) }

// Degrees converts.
func (r Radians) Degrees() Degrees { return Degrees(float64(r) * (180 / math.Pi)) }

// Turn brings an angle into 0 (included) to 360 (excluded) degrees.
func (d Degrees) Turn() Degrees {
	x := math.Mod(float64(d), 360)
	if x < 0 {
		x += 360
	}
	if x >= 360 { // -1e-20 + 360 rounds to 360
		x = 0
	}
	return Degrees(x)
}

// Longitude brings an angle into -180 (included) to 180 (excluded) degrees.
func (d Degrees) Longitude() Degrees {
	if d >= -180 && d < 180 {
		return d
	}
	return (d + 180).Turn() - 180
}

// Datum names what a height is measured from.
type Datum string

const (
	// Ellipsoid: height above the WGS 84 ellipsoid, as satellite receivers compute it.
	Ellipsoid Datum = "ellipsoid"
	// EGM96: orthometric height above the EGM96 geoid, as SRTM and many maps give it.
	EGM96 Datum = "egm96"
	// UnknownDatum: not stated. The height may be wrong by the undulation of
	// the geoid, up to 107 m on the Earth, and is to be widened by it.
	UnknownDatum Datum = "unknown"
)

// ParseDatum reads a datum's name; the empty name is [UnknownDatum].
func ParseDatum(s string) (Datum, error) {
	switch d := Datum(s); d {
	case Ellipsoid, EGM96, UnknownDatum:
		return d, nil
	case "":
		return UnknownDatum, nil
	}
	return UnknownDatum, fmt.Errorf("vertical datum %q is not known: write ellipsoid, egm96 or unknown", s)
}

// ErrDatum says that a height cannot be converted because nobody stated what
// it is measured from.
var ErrDatum = errors.New("the height's vertical datum is unknown: state ellipsoid or egm96")

// Height is a height together with what it is measured from.
type Height struct {
	Metres Metres
	Datum  Datum
}

// Ellipsoidal converts the height at a place to metres above the WGS 84
// ellipsoid: h = H + N with N from [Geoid]. For an unknown datum it returns
// the number unchanged with [ErrDatum] and the sigma to add: |N|, the size of
// the mistake if the height was orthometric.
func (h Height) Ellipsoidal(lat, lon Degrees) (m, sigma Metres, err error) {
	switch h.Datum {
	case Ellipsoid:
		return h.Metres, 0, nil
	case EGM96:
		return h.Metres + Geoid(lat, lon), GeoidSigma, nil
	}
	return h.Metres, Metres(math.Abs(float64(Geoid(lat, lon)))), ErrDatum
}
