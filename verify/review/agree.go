package review

import (
	"fmt"
	"math"

	"sightline"
	"sightline/where"
)

// Tolerance is how far apart two positions may be although neither states an
// uncertainty, in metres.
const Tolerance = 15.0

// chi95 is the 95 % quantile of chi-square with two degrees of freedom.
const chi95 = 5.991464547107979

// Agreement compares two answers to one question.
type Agreement struct {
	OK         bool           `json:"ok"`
	Comparable bool           `json:"comparable"`
	DistanceM  *float64       `json:"distance_m,omitempty"`
	ToleranceM *float64       `json:"tolerance_m,omitempty"`
	ApartMS    *int64         `json:"apart_ms,omitempty"` // between the intervals; 0 when they overlap
	Why        sightline.Text `json:"why"`
}

func incomparable(en, es string) Agreement {
	return Agreement{Why: sightline.Text{"en": en, "es": es}}
}

// Agree compares two answers on an axis. It is symmetric. Answers that cannot
// be compared (one in scene coordinates, the other in degrees) do not agree.
func Agree(axis string, a, b *sightline.Answer) Agreement {
	if a == nil || b == nil {
		return incomparable("An answer is missing.", "Falta una respuesta.")
	}
	switch axis {
	case sightline.AxisPlace:
		return agreePlace(a.Place, b.Place)
	case sightline.AxisTime:
		return agreeTime(a.Time, b.Time)
	}
	if a.Status == "" || b.Status == "" {
		return incomparable("An answer is missing.", "Falta una respuesta.")
	}
	g := Agreement{Comparable: true, OK: a.Status == b.Status}
	if g.OK {
		g.Why = sightline.Text{"en": "Both say the same.", "es": "Ambas dicen lo mismo."}
	} else {
		g.Why = sightline.Text{"en": "They say different things.", "es": "Dicen cosas distintas."}
	}
	return g
}

func agreePlace(a, b *sightline.Place) Agreement {
	if a == nil || b == nil {
		return incomparable("An answer has no place.", "Una respuesta no tiene lugar.")
	}
	de, dn, ok := offset(a, b)
	if !ok {
		return incomparable("One position is in scene metres and the other in degrees; give both in one form.", "Una posición está en metros de la escena y la otra en grados; indique ambas en una misma forma.")
	}
	d := math.Hypot(de, dn)
	tol := math.Max(Tolerance, math.Hypot(reach(a, de, dn), reach(b, de, dn)))
	g := Agreement{Comparable: true, OK: d <= tol, DistanceM: &d, ToleranceM: &tol}
	if g.OK {
		g.Why = sightline.Text{"en": fmt.Sprintf("The positions are %.1f m apart; up to %.1f m counts as agreement.", d, tol), "es": fmt.Sprintf("Las posiciones distan %.1f m; hasta %.1f m cuenta como acuerdo.", d, tol)}
	} else {
		g.Why = sightline.Text{"en": fmt.Sprintf("The positions are %.1f m apart, more than the %.1f m that count as agreement.", d, tol), "es": fmt.Sprintf("Las posiciones distan %.1f m, más que los %.1f m que cuentan como acuerdo.", d, tol)}
	}
	return g
}

// offset is the way on the ground from a to b, east and north in metres.
func offset(a, b *sightline.Place) (e, n float64, ok bool) {
	if p, q := enu(a), enu(b); p != nil && q != nil {
		e, n = q[0]-p[0], q[1]-p[1]
		return e, n, finite(e, n)
	}
	if a.Geo == nil || b.Geo == nil {
		return 0, 0, false
	}
	p := where.Geodetic{Lat: where.Degrees(a.Geo.Lat), Lon: where.Degrees(a.Geo.Lon)}
	q := where.Geodetic{Lat: where.Degrees(b.Geo.Lat), Lon: where.Degrees(b.Geo.Lon)}
	if p.Check() != nil || q.Check() != nil {
		return 0, 0, false
	}
	v := where.NewFrame(p).ENU(q)
	// The chord leaves the ground; its length, in the direction of the
	// bearing, is within 1 mm of the way on the ground below 10 km and stays
	// far above any tolerance beyond.
	h := math.Hypot(v[0], v[1])
	if h == 0 {
		return 0, math.Abs(v[2]), true
	}
	k := math.Hypot(h, v[2]) / h
	return v[0] * k, v[1] * k, finite(v[0], v[1])
}

func enu(p *sightline.Place) *[3]float64 {
	if p.Camera != nil {
		return &p.Camera.Position
	}
	return p.ENU
}

func finite(v ...float64) bool {
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// reach is how far the 95 % region of a place extends in a direction, metres.
// The two reaches are added in squares because the two answers err
// independently.
func reach(p *sightline.Place, e, n float64) float64 {
	l := math.Hypot(e, n)
	if l == 0 {
		return 0
	}
	e, n = e/l, n/l
	switch {
	case p.Ellipse != nil:
		s, c := math.Sincos(p.Ellipse.BearingDeg * math.Pi / 180)
		return math.Hypot(p.Ellipse.SemiMajorM*(e*s+n*c), p.Ellipse.SemiMinorM*(e*c-n*s))
	case p.Camera != nil && len(p.Camera.Covariance) >= 2 && len(p.Camera.Covariance[0]) >= 2 && len(p.Camera.Covariance[1]) >= 2:
		m := p.Camera.Covariance
		return math.Sqrt(max(0, chi95*(e*e*m[0][0]+2*e*n*m[0][1]+n*n*m[1][1])))
	}
	return p.RadiusM
}

func agreeTime(a, b *sightline.Time) Agreement {
	if a == nil || b == nil || !a.Valid() || !b.Valid() {
		return incomparable("An answer has no time.", "Una respuesta no tiene hora.")
	}
	if !a.Bounded() || !b.Bounded() {
		return incomparable("An interval with an open end agrees with nearly anything; give both ends.", "Un intervalo con un extremo abierto coincide con casi todo; indique ambos extremos.")
	}
	apart := max(0, int64(*a.Min)-int64(*b.Max), int64(*b.Min)-int64(*a.Max))
	g := Agreement{Comparable: true, OK: apart == 0, ApartMS: &apart}
	if g.OK {
		g.Why = sightline.Text{"en": "The intervals overlap.", "es": "Los intervalos se superponen."}
	} else {
		g.Why = sightline.Text{"en": fmt.Sprintf("The intervals are %s apart.", span(apart)), "es": fmt.Sprintf("Los intervalos distan %s.", span(apart))}
	}
	return g
}

func span(ms int64) string {
	switch {
	case ms < 1000:
		return fmt.Sprintf("%d ms", ms)
	case ms < 120_000:
		return fmt.Sprintf("%.1f s", float64(ms)/1000)
	case ms < 7_200_000:
		return fmt.Sprintf("%.1f min", float64(ms)/60_000)
	}
	return fmt.Sprintf("%.1f h", float64(ms)/3_600_000)
}
