package where

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"math"
	"sync"
)

// egm96.gz is the 15-minute grid of EGM96 undulations by NASA GSFC and NIMA
// (NASA/TP-1998-206861; a work of the United States Government, in the public
// domain), taken from PROJ's egm96_15.gtx and written as whole centimetres:
// rows from 90 S, columns from 180 W, the difference to the planar prediction
// up + left - upleft in zigzag form, first all low bytes, then all high bytes.
//
//go:embed egm96.gz
var egm96 []byte

const (
	geoidRows = 721
	geoidCols = 1440
)

// GeoidSigma is one standard deviation of [Geoid] against the true geoid,
// in metres: 0.5 to 1 m of the model itself (NASA/TP-1998-206861, section 10)
// plus the interpolation, 0.05 m rms and at most 1 m in the steepest mountains.
const GeoidSigma Metres = 1

var geoidGrid = sync.OnceValue(func() []int16 {
	r, err := gzip.NewReader(bytes.NewReader(egm96))
	if err != nil {
		panic("where: embedded EGM96 grid: " + err.Error())
	}
	b, err := io.ReadAll(r)
	const n = geoidRows * geoidCols
	if err != nil || len(b) != 2*n {
		panic("where: embedded EGM96 grid is damaged")
	}
	g := make([]int16, n)
	for i := range g {
		z := uint16(b[i]) | uint16(b[n+i])<<8
		v := int16(z>>1) ^ -int16(z&1)
		row, col := i/geoidCols, i%geoidCols
		if row > 0 {
			v += g[i-geoidCols]
		}
		if col > 0 {
			v += g[i-1]
		}
		if row > 0 && col > 0 {
			v -= g[i-geoidCols-1]
		}
		g[i] = v
	}
	return g
})

// Geoid is the undulation N of EGM96, the height of the geoid above the WGS 84
// ellipsoid in metres, by bilinear interpolation of the 15-minute grid. It
// turns an orthometric height H into an ellipsoidal one: h = H + N. Error
// against the model: 0.05 m rms, see [GeoidSigma].
func Geoid(lat, lon Degrees) Metres {
	if math.IsNaN(float64(lat)) || math.IsNaN(float64(lon)) || math.IsInf(float64(lon), 0) {
		return Metres(math.NaN())
	}
	g := geoidGrid()
	y := (math.Max(-90, math.Min(90, float64(lat))) + 90) * 4
	x := float64((lon + 180).Turn()) * 4
	row, col := min(int(y), geoidRows-2), int(x)%geoidCols
	fy, fx := y-float64(row), x-math.Floor(x)
	next := (col + 1) % geoidCols
	at := func(r, c int) float64 { return float64(g[r*geoidCols+c]) / 100 }
	low := at(row, col)*(1-fx) + at(row, next)*fx
	high := at(row+1, col)*(1-fx) + at(row+1, next)*fx
	return Metres(low*(1-fy) + high*fy)
}
