package sun

import (
	"fmt"
	"math"
	"strconv"

	"sightline/when"
	"sightline/where"
)

// Belt asks where on the Earth a shadow could have been cast, when neither the
// camera nor the place is known: the height of the sun, from the length of a
// shadow against the height of its thing, and the direction, if the picture
// tells north. At one instant the places with a given elevation form a small
// circle about the point under the sun; an interval of time and the error
// widen it to a band.
type Belt struct {
	Between     Span          // at most a day
	Elevation   where.Degrees // apparent, 0 to 90
	ElevationSD where.Degrees // one sigma, above 0
	// Azimuth of the sun from true north, if known, and its sigma.
	Azimuth    *where.Degrees
	AzimuthSD  where.Degrees
	Confidence float64 // such as 0.95
	// CellM is the size of the smallest cell, 500 m or more.
	CellM where.Metres
}

// Cell is a box in degrees.
type Cell struct{ South, West, North, East where.Degrees }

// instantSky is the sun at one slice of the interval, as a unit vector from
// the Earth's centre.
type instantSky [3]float64

// belt is what the quad-tree compares a cell with, in radians.
type belt struct {
	skies               []instantSky
	low, high           float64 // true elevation, whole band
	elev, azim          float64
	elevLimit, azLimit2 float64 // allowed distance; squared scale for the ellipse
	azSD, elSD          float64
	withAzimuth         bool
	smallest            float64 // size of a leaf
	stack               []int   // slices still possible, by level of the tree
	out                 []Cell
}

const mostCells = 4_000_000

// Cells are the boxes of the band: whole boxes where every place fits, and
// boxes of at most CellM at its edge, kept if their middle fits. The sea is
// not cut out. Refraction is that of the standard atmosphere at the sea: on
// high ground at elevations below 5 degrees the band is up to 0.1 degrees off.
func (b Belt) Cells() ([]Cell, error) {
	switch {
	case !(b.Elevation >= 0 && b.Elevation <= 90):
		return nil, fmt.Errorf("%w: elevation %g is not between 0 and 90 degrees", ErrProblem, float64(b.Elevation))
	case !(b.ElevationSD > 0 && b.ElevationSD <= 10) || b.Azimuth != nil && !(b.AzimuthSD > 0 && b.AzimuthSD <= 60):
		return nil, fmt.Errorf("%w: the error has to be above 0, at most 10 degrees of elevation and 60 of azimuth", ErrProblem)
	case b.Azimuth != nil && !(math.Abs(float64(*b.Azimuth)) <= 360):
		return nil, fmt.Errorf("%w: azimuth %g is not between 0 and 360 degrees", ErrProblem, float64(*b.Azimuth))
	case !(b.Confidence > 0 && b.Confidence < 1):
		return nil, fmt.Errorf("%w: confidence %g is not between 0 and 1", ErrProblem, b.Confidence)
	case !(b.CellM >= 500 && b.CellM <= 1e6):
		return nil, fmt.Errorf("%w: cells of %g m are not between 500 m and 1,000 km", ErrProblem, float64(b.CellM))
	case b.Between.Max < b.Between.Min || int64(b.Between.Max-b.Between.Min) > when.Day:
		return nil, fmt.Errorf("%w: the interval is reversed or longer than a day", ErrProblem)
	}
	dof := 1
	if b.Azimuth != nil {
		dof = 2
	}
	q := belt{elSD: float64(b.ElevationSD.Radians()), azSD: float64(b.AzimuthSD.Radians()), withAzimuth: b.Azimuth != nil, smallest: float64(b.CellM) / 111320}
	k := math.Sqrt(where.ChiSquare(b.Confidence, dof))
	o := newObserver(Place{}, StandardAir(0))
	q.elev = trueElevation(&o, float64(b.Elevation)) * rad
	if b.Azimuth != nil {
		q.azim = float64(b.Azimuth.Radians())
	}
	// Slices of time, close enough that the band of one touches the next; half
	// a step is added to the width so that nothing between them is lost.
	const turnRate = 2 * math.Pi / 86400
	span := float64(b.Between.Max-b.Between.Min) / 1000
	n := 1 + int(math.Ceil(span*turnRate/(k*q.elSD/2)))
	half := 0.0
	if n > 1 {
		half = span * turnRate / float64(n-1) / 2
	}
	q.elevLimit = k*q.elSD + half
	q.azLimit2 = k * k
	q.low, q.high = q.elev-q.elevLimit, q.elev+q.elevLimit
	for i := range n {
		unix := float64(b.Between.Min) / 1000
		if n > 1 {
			unix += span * float64(i) / float64(n-1)
		}
		s := geocentric(unix, DeltaT(when.Instant(unix*1000))).sky()
		sg, cg := math.Sincos(s.gst)
		q.skies = append(q.skies, instantSky{s.x*cg + s.y*sg, s.y*cg - s.x*sg, s.z})
	}
	for i := range n {
		q.stack = append(q.stack, i)
	}
	// 36 degrees halved twelve times are 978 m.
	for lat := -90.0; lat < 90; lat += 36 {
		for lon := -180.0; lon < 180; lon += 36 {
			q.split(lat, lon, 36, 0, n)
		}
	}
	if len(q.out) > mostCells {
		return nil, fmt.Errorf("%w: more than %d cells; make the cells larger or the error smaller", ErrProblem, mostCells)
	}
	return q.out, nil
}

// trueElevation takes the refraction off an apparent elevation, degrees.
func trueElevation(o *observer, apparent float64) float64 {
	e := apparent
	for range 20 {
		e = apparent - o.refraction(math.Max(e, limbHorizon))
	}
	return e
}

// split judges one box of the quad-tree.
func (q *belt) split(lat, lon, size float64, from, to int) {
	if len(q.out) > mostCells {
		return
	}
	h := size / 2
	sp, cp := math.Sincos((lat + h) * rad)
	sl, cl := math.Sincos((lon + h) * rad)
	// No point of the box is further from its middle than this.
	wide := cp
	if size > 1 {
		wide = math.Cos(math.Max(0, math.Abs(lat+h)-h) * rad)
	}
	radius := h * rad * math.Hypot(1, wide) * 1.02
	leaf := size <= q.smallest
	first := len(q.stack)
	for k := from; k < to; k++ {
		i := q.stack[k]
		s := &q.skies[i]
		up := cp*(cl*s[0]+sl*s[1]) + sp*s[2]
		e := math.Asin(math.Max(-1, math.Min(1, up)))
		if e+radius < q.low || e-radius > q.high {
			continue
		}
		inside := e-radius >= q.low && e+radius <= q.high && e-radius >= limbHorizon*rad
		at := e >= q.low && e <= q.high
		if q.withAzimuth {
			east := cl*s[1] - sl*s[0]
			north := cp*s[2] - sp*(cl*s[0]+sl*s[1])
			da := math.Remainder(math.Atan2(east, north)-q.azim, 2*math.Pi)
			// Azimuth turns with the place by at most tan(elevation) +
			// tan(latitude) per radian moved.
			slope := math.Tan(math.Min(1.57, math.Abs(e)+radius)) + math.Tan(math.Min(1.57, math.Abs(lat+h)*rad+radius))
			reach := radius * slope
			de := math.Max(0, math.Abs(e-q.elev)-(q.elevLimit-math.Sqrt(q.azLimit2)*q.elSD)) / q.elSD
			dz := math.Abs(da) / q.azSD
			if min := math.Max(0, dz-reach/q.azSD); min*min > q.azLimit2 {
				continue
			}
			at = at && de*de+dz*dz <= q.azLimit2
			ee, zz := de+radius/q.elSD, dz+reach/q.azSD
			inside = inside && ee*ee+zz*zz <= q.azLimit2
		}
		if inside || leaf && at {
			q.out = append(q.out, Cell{where.Degrees(lat), where.Degrees(lon), where.Degrees(lat + size), where.Degrees(lon + size)})
			q.stack = q.stack[:first]
			return
		}
		q.stack = append(q.stack, i)
	}
	last := len(q.stack)
	for k := 0; k < 4 && !leaf && last > first; k++ {
		q.split(lat+float64(k/2)*h, lon+float64(k%2)*h, h, first, last)
	}
	q.stack = q.stack[:first]
}

// Holds reports whether a place lies in a cell.
func (c Cell) Holds(lat, lon where.Degrees) bool {
	return lat >= c.South && lat <= c.North && lon >= c.West && lon <= c.East
}

// CellsGeoJSON writes cells as one GeoJSON MultiPolygon geometry (RFC 7946):
// longitude first, rings counter-clockwise, exact binary degrees.
func CellsGeoJSON(cells []Cell) []byte {
	b := []byte(`{"type":"MultiPolygon","coordinates":[`)
	point := func(lon, lat where.Degrees, end string) {
		b = append(b, '[')
		b = strconv.AppendFloat(b, float64(lon), 'f', -1, 64)
		b = append(b, ',')
		b = strconv.AppendFloat(b, float64(lat), 'f', -1, 64)
		b = append(b, end...)
	}
	for i, c := range cells {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, "[["...)
		point(c.West, c.South, "],")
		point(c.East, c.South, "],")
		point(c.East, c.North, "],")
		point(c.West, c.North, "],")
		point(c.West, c.South, "]]]")
	}
	return append(b, "]}"...)
}
