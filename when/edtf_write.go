package when

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrNoEDTF is returned for an interval that EDTF has no words for.
var ErrNoEDTF = errors.New("this interval cannot be written in EDTF")

// EDTF writes an interval so that reading it back in the same zone covers it.
// Whole years, months and days of the zone are written as such ("2019-05",
// "2019-05-10/2019-05-12"); anything else as seconds with their offset,
// rounded outward, since EDTF has neither milliseconds nor an uncertain
// minute: "2019-05-10T09:05:30-04:00/2019-05-10T09:08:31-04:00". Years beyond
// four digits are written whole. An interval that is empty or open at both
// ends is ErrNoEDTF.
func (i Interval) EDTF(z Zone) (string, error) {
	if !i.Valid() || i.Min == nil && i.Max == nil {
		return "", ErrNoEDTF
	}
	if !z.Known() {
		z = UTC
	}
	const edge = Instant((maxYear - 1970) * 365 * Day)
	if i.Min != nil && (*i.Min < -edge || *i.Min > edge) || i.Max != nil && (*i.Max < -edge || *i.Max > edge) {
		return "", fmt.Errorf("%w: the year has more than nine digits", ErrNoEDTF)
	}
	startsDay, endsDay := true, true
	var a, b civil
	if i.Min != nil {
		l := z.Local(*i.Min)
		a = l.date()
		startsDay = z.startOf(a) == *i.Min
	}
	if i.Max != nil {
		l := z.Local(*i.Max)
		b = l.date()
		endsDay = z.endOf(b) == *i.Max
	}
	if startsDay && endsDay {
		return i.calendarEDTF(a, b), nil
	}
	from, to := "..", ".."
	if i.Min != nil {
		from = secondEDTF(z, Instant(floorDiv(int64(*i.Min), Second)*Second))
	}
	if i.Max != nil {
		to = secondEDTF(z, Instant(-floorDiv(-int64(*i.Max), Second)*Second))
	}
	if i.Bounded() && floorDiv(int64(*i.Min), Second) == floorDiv(int64(*i.Max), Second) {
		return from, nil
	}
	return from + "/" + to, nil
}

// startOf and endOf are the first and last instants of a date in the zone.
func (z Zone) startOf(c civil) Instant {
	iv, found := z.span(c.local(), c.local()+Local(2*Day))
	if !found {
		return Instant(c.local())
	}
	return *iv.Min
}

func (z Zone) endOf(c civil) Instant {
	end := c.local() + Local(Day-1)
	iv, found := z.span(end-Local(2*Day), end)
	if !found {
		return Instant(end)
	}
	return *iv.Max
}

func (i Interval) calendarEDTF(a, b civil) string {
	switch {
	case i.Min == nil:
		return "../" + dateEDTF(b)
	case i.Max == nil:
		return dateEDTF(a) + "/.."
	case a.month == 1 && a.day == 1 && b.month == 12 && b.day == 31:
		if a.year == b.year {
			return yearEDTF(a.year)
		}
		return yearEDTF(a.year) + "/" + yearEDTF(b.year)
	case four(a.year) && four(b.year) && a.day == 1 && b.day == daysIn(b.year, b.month):
		if a.year == b.year && a.month == b.month {
			return fmt.Sprintf("%s-%02d", yearEDTF(a.year), a.month)
		}
		return fmt.Sprintf("%s-%02d/%s-%02d", yearEDTF(a.year), a.month, yearEDTF(b.year), b.month)
	case a == b:
		return dateEDTF(a)
	}
	return dateEDTF(a) + "/" + dateEDTF(b)
}

func four(year int64) bool { return year >= -9999 && year <= 9999 }

func yearEDTF(y int64) string {
	switch {
	case !four(y):
		return "Y" + strconv.FormatInt(y, 10)
	case y < 0:
		return fmt.Sprintf("-%04d", -y)
	}
	return fmt.Sprintf("%04d", y)
}

// dateEDTF writes a date; beyond four digits EDTF has whole years only.
func dateEDTF(c civil) string {
	if !four(c.year) {
		return yearEDTF(c.year)
	}
	return fmt.Sprintf("%s-%02d-%02d", yearEDTF(c.year), c.month, c.day)
}

func secondEDTF(z Zone, t Instant) string {
	off := z.Offset(t)
	if off%60 != 0 {
		off = 0 // mean local time of the nineteenth century: written in UTC
	}
	l := Local(int64(t) + int64(off)*Second)
	c := l.date()
	if !four(c.year) {
		return yearEDTF(c.year)
	}
	suffix := "Z"
	if off != 0 {
		sign := '+'
		if off < 0 {
			sign, off = '-', -off
		}
		suffix = fmt.Sprintf("%c%02d:%02d", sign, off/3600, off/60%60)
	}
	return dateEDTF(c) + "T" + l.clock(Second) + suffix
}
