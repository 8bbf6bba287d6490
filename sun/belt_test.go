package sun

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"sightline/when"
	"sightline/where"
)

func inCells(cells []Cell, lat, lon where.Degrees) bool {
	for _, c := range cells {
		if c.Holds(lat, lon) {
			return true
		}
	}
	return false
}

// A place is in the band exactly when its own sun says so; near the edge of
// the band, within two cells and the parallax, either answer is right.
func TestBelt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := when.Instant(1516021620000 + rapid.Int64Range(0, 365*when.Day).Draw(t, "t"))
		az := where.Degrees(rapid.Float64Range(0, 360).Draw(t, "az"))
		b := Belt{Between: Span{at, at}, Elevation: where.Degrees(rapid.Float64Range(10, 80).Draw(t, "e")), ElevationSD: 1, Confidence: 0.95, CellM: 100000}
		limit := math.Sqrt(where.ChiSquare(0.95, 1))
		if rapid.Bool().Draw(t, "azimuth") {
			b.Azimuth, b.AzimuthSD = &az, 3
			limit = math.Sqrt(where.ChiSquare(0.95, 2))
		}
		cells, err := b.Cells()
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			p := Place{where.Degrees(rapid.Float64Range(-75, 75).Draw(t, "lat")), where.Degrees(rapid.Float64Range(-180, 179.9).Draw(t, "lon")), 0}
			miss := func(p Place) float64 {
				s := At(at, p, StandardAir(0))
				d := math.Abs(float64(s.Apparent-b.Elevation)) / 1
				if b.Azimuth != nil {
					d = math.Hypot(d, math.Remainder(float64(s.Azimuth-az), 360)/3)
				}
				return d
			}
			// The band's value over the leaf around the place.
			lo, hi := math.Inf(1), 0.0
			for _, dy := range []float64{-1, 0, 1} {
				for _, dx := range []float64{-1, 0, 1} {
					q := p
					q.Lat += where.Degrees(dy)
					q.Lon += where.Degrees(dx)
					lo, hi = math.Min(lo, miss(q)), math.Max(hi, miss(q))
				}
			}
			in := inCells(cells, p.Lat, p.Lon)
			if hi < limit-0.05 && !in || lo > limit+1.5 && in {
				t.Fatalf("%v: in %v, but the sun misses by %.2f to %.2f sigma of %.2f", p, in, lo, hi, limit)
			}
		}
	})
}

// The documentation's case: El Junquito at 09:07 +- 5 minutes must lie in the
// band that its own shadow gives.
func TestBeltHoldsElJunquito(t *testing.T) {
	az := where.Degrees(121.58)
	at := when.Instant(1516021620000)
	b := Belt{Between: Span{at - 300e3, at + 300e3}, Elevation: 29.43, ElevationSD: 0.5, Azimuth: &az, AzimuthSD: 1, Confidence: 0.95, CellM: 1000}
	cells, err := b.Cells()
	if err != nil || !inCells(cells, 10.4633, -67.0794) {
		t.Fatalf("%d cells do not hold the place (%v)", len(cells), err)
	}
	if inCells(cells, 15, -67) || inCells(cells, 10.4633, -60) {
		t.Error("the band holds places 500 km away")
	}
	var g struct {
		Type        string
		Coordinates [][][][2]float64
	}
	if err := json.Unmarshal(CellsGeoJSON(cells), &g); err != nil || g.Type != "MultiPolygon" || len(g.Coordinates) != len(cells) {
		t.Fatalf("%v %s %d", err, g.Type, len(g.Coordinates))
	}
	if r := g.Coordinates[0][0]; len(r) != 5 || r[0] != r[4] || math.Abs(r[0][0]) < math.Abs(r[0][1]) {
		t.Errorf("ring %v is not closed, or not longitude first", r)
	}
}

func TestBeltErrors(t *testing.T) {
	for _, b := range []Belt{{}, {Elevation: 95, ElevationSD: 1, Confidence: 0.9, CellM: 1000}, {Elevation: 20, ElevationSD: 1, Confidence: 0.9, CellM: 1},
		{Elevation: 20, ElevationSD: 1, Confidence: 0.9, CellM: 1000, Between: Span{5, 1}}} {
		if _, err := b.Cells(); !errors.Is(err, ErrProblem) {
			t.Errorf("%+v: %v", b, err)
		}
	}
}

func BenchmarkBelt(b *testing.B) {
	az := where.Degrees(121.58)
	for name, az := range map[string]*where.Degrees{"circle": nil, "azimuth": &az} {
		b.Run(name, func(b *testing.B) {
			q := Belt{Between: Span{1516021620000, 1516021620000}, Elevation: 29.43, ElevationSD: 0.5, Azimuth: az, AzimuthSD: 1, Confidence: 0.95, CellM: 1000}
			n := 0
			for b.Loop() {
				c, err := q.Cells()
				if err != nil {
					b.Fatal(err)
				}
				n = len(c)
			}
			b.ReportMetric(float64(n), "cells")
		})
	}
}
