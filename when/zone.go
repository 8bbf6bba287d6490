package when

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
	_ "time/tzdata" // zone rules on machines that have none
)

// ErrUnknownZone is wrapped by LoadZone when the name is not an IANA zone.
var ErrUnknownZone = errors.New("unknown time zone")

// Zone is an IANA time zone. The zero Zone is not known.
type Zone struct {
	name string
	loc  *time.Location
}

// UTC is the zone without offset.
var UTC = Zone{"UTC", time.UTC}

var zones sync.Map // name -> Zone

// LoadZone finds an IANA zone by its name, "America/Caracas". The empty name
// and "Local" are refused: both would mean a zone that the evidence did not
// state.
func LoadZone(name string) (Zone, error) {
	if z, ok := zones.Load(name); ok {
		return z.(Zone), nil
	}
	if name == "" || name == "Local" {
		return Zone{}, fmt.Errorf("%w %q: give an IANA name such as America/Caracas", ErrUnknownZone, name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return Zone{}, fmt.Errorf("%w %q: give an IANA name such as America/Caracas", ErrUnknownZone, name)
	}
	z := Zone{name, loc}
	zones.Store(name, z)
	return z, nil
}

// Name is the IANA name, empty for the zero Zone.
func (z Zone) Name() string { return z.name }

// Known reports whether the zone was loaded.
func (z Zone) Known() bool { return z.loc != nil }

// Offset is what the zone's clocks show minus UTC at t, in seconds. It is 0
// for the zero Zone.
func (z Zone) Offset(t Instant) int {
	if z.loc == nil {
		return 0
	}
	_, off := time.Unix(floorDiv(int64(t), Second), 0).In(z.loc).Zone()
	return off
}

// Local is a reading of a wall clock or calendar without a zone: milliseconds
// since 1970-01-01T00:00 on that clock.
type Local int64

// Local is what the zone's clocks show at t.
func (z Zone) Local(t Instant) Local { return Local(int64(t) + int64(z.Offset(t))*Second) }

// Resolve gives every interval of instants at which the zone's clocks show
// something from first to last, in order. None means the reading falls into a
// gap: clocks jumped over it. Several mean a fold: clocks showed it more than
// once. Both are computed from the offsets in force on each side, because
// time.Date silently moves the one and picks from the other.
func (z Zone) Resolve(first, last Local) []Interval {
	var out []Interval
	z.segments(first, last, func(start, end, off int64) {
		lo, hi := max(start, int64(first)-off), min(end, int64(last)-off)
		if lo > hi {
			return
		}
		if n := len(out); n > 0 && int64(*out[n-1].Max) >= lo-1 {
			out[n-1] = Between(*out[n-1].Min, Instant(max(hi, int64(*out[n-1].Max))))
			return
		}
		out = append(out, Between(Instant(lo), Instant(hi)))
	})
	return out
}

// Folded reports whether the zone's clocks show the reading of t at another
// instant too.
func (z Zone) Folded(t Instant) bool {
	if z.loc == nil {
		return false
	}
	l := z.Local(t)
	return len(z.Resolve(l, l)) > 1
}

// widest bounds what any zone's clocks ever differed from UTC: Manila kept
// -15:56 until 1844.
const widest = 16 * Hour

// segments calls f for each stretch of constant offset that can show a
// reading between first and last: the first and last millisecond of the
// stretch and its offset in milliseconds.
func (z Zone) segments(first, last Local, f func(start, end, off int64)) {
	if z.loc == nil || z.loc == time.UTC {
		f(math.MinInt64, math.MaxInt64, 0)
		return
	}
	from, to := int64(first)-widest, int64(last)+widest
	if from > int64(first) || to < int64(last) {
		return
	}
	for at := from; at <= to; {
		t := time.Unix(floorDiv(at, Second), 0).In(z.loc)
		_, off := t.Zone()
		a, b := t.ZoneBounds()
		start, end := int64(math.MinInt64), int64(math.MaxInt64)
		if !a.IsZero() {
			start = a.UnixMilli()
		}
		if !b.IsZero() {
			end = b.UnixMilli() - 1
		}
		f(start, end, int64(off)*Second)
		if end == math.MaxInt64 || end < at {
			return
		}
		at = end + 1
	}
}

// span is the hull of Resolve: the first to the last instant of a stretch of
// calendar, as a day in a zone is. Only the offsets near the two ends are
// looked at, so a millennium costs no more than a day. ok is false for a
// stretch that the zone skipped whole, as Samoa did with 30 December 2011.
func (z Zone) span(first, last Local) (Interval, bool) {
	const near = Local(2 * Day)
	if last-first > 2*near {
		a, b := z.Resolve(first, first+near), z.Resolve(last-near, last)
		if len(a) == 0 || len(b) == 0 {
			return Interval{}, false
		}
		return Between(*a[0].Min, *b[len(b)-1].Max), true
	}
	all := z.Resolve(first, last)
	if len(all) == 0 {
		return Interval{}, false
	}
	return Between(*all[0].Min, *all[len(all)-1].Max), true
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }

// RFC3339 writes an instant on the zone's clock with its offset, and with
// milliseconds where they are not zero: "2019-05-10T09:05:30-04:00".
func (z Zone) RFC3339(t Instant) string {
	loc := z.loc
	if loc == nil {
		loc = time.UTC
	}
	layout := "2006-01-02T15:04:05Z07:00"
	if floorMod(int64(t), Second) != 0 {
		layout = "2006-01-02T15:04:05.000Z07:00"
	}
	return time.UnixMilli(int64(t)).In(loc).Format(layout)
}
