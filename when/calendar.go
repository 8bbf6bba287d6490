package when

// Calendar arithmetic in the proleptic Gregorian calendar, in int64 so that
// any year an Instant can hold is exact.

// maxYear is the last year that lies wholly inside the range of Instant, and
// -maxYear the first.
const maxYear = 292_277_000

// civil is a date; month and day count from 1.
type civil struct {
	year       int64
	month, day int
}

// daysOf counts days since 1970-01-01. The era arithmetic is that of Howard
// Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013).
func daysOf(c civil) int64 {
	y := c.year
	if c.month <= 2 {
		y--
	}
	era := floorDiv(y, 400)
	yoe := y - era*400
	mp := int64((c.month + 9) % 12)
	doy := (153*mp+2)/5 + int64(c.day) - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

// civilOf is the inverse of daysOf.
func civilOf(days int64) civil {
	days += 719468
	era := floorDiv(days, 146097)
	doe := days - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	c := civil{yoe + era*400, int(mp) + 3, int(doy-(153*mp+2)/5) + 1}
	if c.month > 12 {
		c.month -= 12
		c.year++
	}
	return c
}

func leap(y int64) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func daysIn(y int64, month int) int {
	switch month {
	case 2:
		if leap(y) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// next is the day after.
func (c civil) next() civil { return civilOf(daysOf(c) + 1) }

// local is midnight at the start of the date.
func (c civil) local() Local { return Local(daysOf(c) * Day) }

// date is the calendar date of a reading.
func (l Local) date() civil { return civilOf(floorDiv(int64(l), Day)) }
