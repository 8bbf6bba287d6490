package when

import (
	"fmt"
	"math"
	"time"
)

// Instant is a moment: milliseconds since 1970-01-01T00:00Z, proleptic
// Gregorian calendar, no leap seconds. Lengths of time are plain int64
// milliseconds.
type Instant int64

// Lengths of time in milliseconds.
const (
	Second int64 = 1000
	Minute       = 60 * Second
	Hour         = 60 * Minute
	Day          = 24 * Hour
)

// FromTime is the millisecond that contains t.
func FromTime(t time.Time) Instant { return Instant(t.UnixMilli()) }

// Time is t in UTC.
func (t Instant) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }

// String is RFC 3339 in UTC with milliseconds.
func (t Instant) String() string { return t.Time().Format("2006-01-02T15:04:05.000Z07:00") }

// Interval is the set of instants from Min to Max, both included. A nil end
// is open: nothing is known on that side. The zero Interval is all of time.
// An Interval is empty, and states a contradiction, when Min is after Max.
//
// In JSON it is {"min": ms or null, "max": ms or null}. It has no marshalling
// methods, so a struct that embeds it keeps its own fields. Ends are shared
// when an Interval is copied and are never written through by this package.
type Interval struct {
	Min *Instant `json:"min"`
	Max *Instant `json:"max"`
}

// Between is [min, max].
func Between(min, max Instant) Interval { return Interval{&min, &max} }

// At is the single millisecond t.
func At(t Instant) Interval { return Between(t, t) }

// From is everything at or after t.
func From(t Instant) Interval { return Interval{Min: &t} }

// Until is everything at or before t.
func Until(t Instant) Interval { return Interval{Max: &t} }

// Valid reports whether some instant is in the interval.
func (i Interval) Valid() bool { return i.Min == nil || i.Max == nil || *i.Min <= *i.Max }

// Bounded reports whether both ends are known.
func (i Interval) Bounded() bool { return i.Min != nil && i.Max != nil }

// Width is the length Max - Min in milliseconds; ok is false when an end is
// open, the interval is empty, or the length does not fit.
func (i Interval) Width() (ms int64, ok bool) {
	if !i.Bounded() || !i.Valid() {
		return 0, false
	}
	w := int64(*i.Max) - int64(*i.Min)
	return w, w >= 0
}

// Contains reports whether t is in the interval.
func (i Interval) Contains(t Instant) bool {
	return (i.Min == nil || *i.Min <= t) && (i.Max == nil || t <= *i.Max)
}

// Covers reports whether every instant of j is in i. An empty j is covered.
func (i Interval) Covers(j Interval) bool {
	if !j.Valid() {
		return true
	}
	return (i.Min == nil || j.Min != nil && *i.Min <= *j.Min) &&
		(i.Max == nil || j.Max != nil && *j.Max <= *i.Max)
}

// Equal reports whether the ends are the same.
func (i Interval) Equal(j Interval) bool { return same(i.Min, j.Min) && same(i.Max, j.Max) }

// Intersect is the set of instants in both; it may be empty (not Valid).
func (i Interval) Intersect(j Interval) Interval {
	out := i
	if out.Min == nil || j.Min != nil && *j.Min > *out.Min {
		out.Min = j.Min
	}
	if out.Max == nil || j.Max != nil && *j.Max < *out.Max {
		out.Max = j.Max
	}
	return out
}

// Overlaps reports whether some instant is in both.
func (i Interval) Overlaps(j Interval) bool {
	return i.Valid() && j.Valid() && i.Intersect(j).Valid()
}

// Hull is the smallest interval that contains both. An empty side adds
// nothing.
func (i Interval) Hull(j Interval) Interval {
	switch {
	case !i.Valid():
		return j
	case !j.Valid():
		return i
	}
	out := i
	if out.Min != nil && (j.Min == nil || *j.Min < *out.Min) {
		out.Min = j.Min
	}
	if out.Max != nil && (j.Max == nil || *j.Max > *out.Max) {
		out.Max = j.Max
	}
	return out
}

// Add is every sum of an instant of i and a length between least and most
// milliseconds. A sum that leaves int64 makes that end open, which is wider
// and never wrong.
func (i Interval) Add(least, most int64) Interval {
	return Interval{plus(i.Min, least), plus(i.Max, most)}
}

// String is for logs and test failures; people are shown Format.
func (i Interval) String() string {
	end := func(t *Instant) string {
		if t == nil {
			return ".."
		}
		return t.String()
	}
	return fmt.Sprintf("[%s, %s]", end(i.Min), end(i.Max))
}

func same(a, b *Instant) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func plus(t *Instant, d int64) *Instant {
	if t == nil {
		return nil
	}
	v := int64(*t)
	if d > 0 && v > math.MaxInt64-d || d < 0 && v < math.MinInt64-d {
		return nil
	}
	s := Instant(v + d)
	return &s
}
