package when

import (
	"strconv"
	"strings"
)

// Display says how Format shows an interval.
type Display struct {
	Zone   string // IANA name of the zone shown; empty or unknown shows UTC
	Lang   string // "es" for Spanish; everything else is English
	Approx bool   // the source says "about": a tilde, and the middle of a narrow interval
	Day    bool   // always name the date; without it the date is left out where it is the same at both ends
	UTC    bool   // the long form: UTC in brackets, and ± where that loses nothing
}

// Format shows an interval in words that never claim more than is known: a
// lone minute appears only if the interval lies inside that minute, or behind
// a tilde if it is at most five minutes wide. Rounding is outward.
//
// The rules, which the interface repeats in TypeScript (the golden vectors in
// testdata/display.json hold for both):
//
//  1. An empty interval is "no time fits" / "ninguna hora encaja"; one open
//     at both ends "time not known" / "hora desconocida".
//  2. Labels. An instant is shown as the zone's wall clock, 24 hours, HH:MM
//     or HH:MM:SS. The unit is the second if Max - Min is at most 120,000 ms
//     and the ends are not both ends of whole minutes; else the minute. An
//     interval with an open end uses the minute. The start label is rounded
//     down. The end label is the unit that ends with Max if Max is the last
//     millisecond of a unit (the minute 11:32 is 11:32:00.000 to
//     11:32:59.999, so its end label is 11:32); else Max rounded up.
//     The end label 00:00 of the day after the start's day is 24:00.
//  3. Whole days. Min the first and Max the last millisecond of local days is
//     shown by dates alone: a year "2019", years "1964–2008", a month "May
//     2019", a day "10 May 2019", days "10–12 May 2019", else "30 April 2019
//     – 2 May 2019". An interval of more than seven days is shown by dates
//     even if it does not end with days, rounded outward.
//  4. One open end. "after 11:15" / "después de las 11:15" (start label),
//     "before 09:21" / "antes de las 09:21" (Max rounded up, always);
//     Spanish says "la 01:15" for the hour 1. With a tilde: "after ~11:15".
//     With the date: "after 11:15 on 10 May 2019" / "después de las 11:15 del
//     10 de mayo de 2019". Whole days: "from 10 May 2019" / "desde el 10 de
//     mayo de 2019", "until 10 May 2019" / "hasta el 10 de mayo de 2019".
//  5. Both labels equal: the label alone, "09:07", "09:07:12".
//  6. Approx: "~" and the middle label (the earlier one of two) if the labels
//     are at most five minutes apart; else "~" and the range.
//  7. UTC: with an even number of units between the labels and at most 60
//     minutes, "09:07 (13:07Z) ± 2 min" or "09:07:20 (13:07:20Z) ± 10 s";
//     else the range with its UTC, "09:05–09:08 (13:05–13:08Z)".
//  8. Otherwise the range: "09:05–09:09".
//  9. Dates. With Day, or if the labels are on different days, the date
//     stands first: "10 May 2019, 09:05–09:09"; on different days both:
//     "10 May 2019, 22:00 – 11 May 2019, 03:00". Spanish: "10 de mayo de
//     2019, 09:05–09:09".
//  10. UTC in brackets has a Z after the last label and names its date if it
//     is not the local one: "(02:00Z, 11 May)"; ends on different UTC days
//     are "(10 May, 23:50Z – 11 May, 00:10Z)".
//  11. If the offset changes between the ends, or a label names two instants
//     (a fold), UTC is shown even without the option, end by end:
//     "02:45 (06:45Z) – 02:35 (07:05Z)".
//  12. In UTC itself labels carry the Z and nothing stands in brackets:
//     "13:05–13:09Z".
//
// Years before 1 or after 9999 are written with their sign and number.
func Format(iv Interval, d Display) string {
	f := formatter{Display: d, es: d.Lang == "es", zone: UTC}
	if z, err := LoadZone(d.Zone); err == nil {
		f.zone = z
	}
	f.plainUTC = f.zone.loc == UTC.loc || f.zone.name == "UTC" || f.zone.name == "Etc/UTC"
	switch {
	case !iv.Valid():
		return f.say("no time fits", "ninguna hora encaja")
	case iv.Min == nil && iv.Max == nil:
		return f.say("time not known", "hora desconocida")
	case iv.Max == nil:
		return f.after(inside(*iv.Min))
	case iv.Min == nil:
		return f.before(inside(*iv.Max))
	}
	return f.closed(inside(*iv.Min), inside(*iv.Max))
}

// inside keeps an instant away from the ends of int64, where a wall clock
// would overflow; the years there are 292 million from ours.
func inside(t Instant) Instant {
	const edge = Instant(1<<63 - 1 - 8*Day)
	return min(max(t, -edge), edge)
}

type formatter struct {
	Display
	es       bool
	zone     Zone
	plainUTC bool
}

func (f formatter) say(en, es string) string {
	if f.es {
		return es
	}
	return en
}

// mark is one end of what is shown: the instant that its label names.
type mark struct {
	at Instant
	l  Local
}

func (f formatter) mark(t Instant) mark { return mark{t, f.zone.Local(t)} }

// down is the last instant at or before t at which the zone's clocks show a
// whole unit; up the first at or after.
func (f formatter) down(t Instant, unit int64) Instant {
	return t - Instant(floorMod(int64(f.zone.Local(t)), unit))
}

func (f formatter) up(t Instant, unit int64) Instant {
	if r := floorMod(int64(f.zone.Local(t)), unit); r != 0 {
		return t + Instant(unit-r)
	}
	return t
}

// last reports whether t is the last millisecond of a unit.
func (f formatter) last(t Instant, unit int64) bool {
	return floorMod(int64(f.zone.Local(t)), unit) == unit-1
}

func (f formatter) end(t Instant, unit int64) Instant {
	if f.last(t, unit) {
		return f.down(t, unit)
	}
	return f.up(t, unit)
}

func (f formatter) tilde() string {
	if f.Approx {
		return "~"
	}
	return ""
}

func (f formatter) after(t Instant) string {
	m := f.mark(f.down(t, Minute))
	if f.mark(t).l == f.mark(t).l.date().local() {
		return f.say("from ", "desde el ") + f.tilde() + f.date(m.l.date(), true)
	}
	return f.oneSided(m, "after ", "después de ")
}

func (f formatter) before(t Instant) string {
	if f.last(t, Day) {
		return f.say("until ", "hasta el ") + f.tilde() + f.date(f.mark(t).l.date(), true)
	}
	return f.oneSided(f.mark(f.up(t, Minute)), "before ", "antes de ")
}

func (f formatter) oneSided(m mark, en, es string) string {
	s := f.say(en, es)
	if f.es {
		if article := "las "; m.l.hour() != 1 {
			s += article
		} else {
			s += "la "
		}
	}
	s += f.tilde() + m.l.clock(Minute)
	if f.plainUTC {
		s += "Z"
	} else if f.UTC || f.zone.Folded(m.at) {
		s += " (" + f.utc(m, m, Minute) + ")"
	}
	if f.Day {
		s += f.say(" on ", " del ") + f.date(m.l.date(), true)
	}
	return s
}

func (f formatter) closed(min, max Instant) string {
	lmin, lmax := f.mark(min).l, f.mark(max).l
	days := lmin == lmin.date().local() && f.last(max, Day)
	if days || int64(max)-int64(min) > 7*Day || int64(max)-int64(min) < 0 {
		return f.tilde() + f.dates(lmin.date(), lmax.date())
	}
	unit := Minute
	if int64(max-min) <= 2*Minute && !(f.down(min, Minute) == min && (f.last(max, Minute) || f.up(max, Minute) == max)) {
		unit = Second
	}
	a, b := f.mark(f.down(min, unit)), f.mark(f.end(max, unit))
	if b.at < a.at {
		b = a
	}
	jump := f.zone.Offset(a.at) != f.zone.Offset(b.at) || f.zone.Folded(a.at) || f.zone.Folded(b.at)
	bDate, bClock := b.l.date(), b.l.clock(unit)
	if b.l == bDate.local() && a.l.date().next() == bDate && a.at != b.at {
		bDate = a.l.date()
		bClock = "24" + bClock[2:]
	}
	oneDay := a.l.date() == bDate
	steps := int64(b.at-a.at) / unit
	switch {
	case jump && a.at != b.at && !f.plainUTC:
		from := a.l.clock(unit) + " (" + f.utc(a, a, unit) + ")"
		to := b.l.clock(unit) + " (" + f.utc(b, b, unit) + ")"
		if bDate != b.l.date() {
			to = bClock + " (" + f.utc(b, b, unit) + ")"
		}
		return f.tilde() + f.onDays(a.l.date(), bDate, oneDay, from, to, " – ")
	case a.at == b.at:
		return f.onDay(a.l.date(), f.tilde()+a.l.clock(unit)+f.suffix(a, a, unit, jump))
	case f.Approx && int64(b.at-a.at) <= 5*Minute:
		c := f.mark(a.at + Instant(steps/2*unit))
		return f.onDay(c.l.date(), "~"+c.l.clock(unit)+f.suffix(c, c, unit, false))
	case f.UTC && !f.Approx && steps%2 == 0 && int64(b.at-a.at) <= 2*60*Minute:
		c := f.mark(a.at + Instant(steps/2*unit))
		word := " min"
		if unit == Second {
			word = " s"
		}
		return f.onDay(c.l.date(), c.l.clock(unit)+f.suffix(c, c, unit, false)+" ± "+strconv.FormatInt(steps/2, 10)+word)
	}
	return f.tilde() + f.onDays(a.l.date(), bDate, oneDay, a.l.clock(unit), bClock, "–") + f.suffix(a, b, unit, false)
}

// suffix is what follows a label or range: Z in UTC, else UTC in brackets
// where it is wanted or needed.
func (f formatter) suffix(a, b mark, unit int64, force bool) string {
	switch {
	case f.plainUTC:
		return "Z"
	case f.UTC || force:
		return " (" + f.utc(a, b, unit) + ")"
	}
	return ""
}

func (f formatter) onDay(d civil, s string) string {
	if f.Day {
		return f.date(d, true) + ", " + s
	}
	return s
}

func (f formatter) onDays(da, db civil, oneDay bool, from, to, dash string) string {
	if oneDay {
		return f.onDay(da, from+dash+to)
	}
	return f.date(da, true) + ", " + from + " – " + f.date(db, true) + ", " + to
}

// utc writes the UTC labels of a and b, with dates where they differ from the
// local ones.
func (f formatter) utc(a, b mark, unit int64) string {
	ua, ub := Local(a.at), Local(b.at)
	if a.at == b.at {
		s := ua.clock(unit) + "Z"
		if ua.date() != a.l.date() {
			s += ", " + f.date(ua.date(), false)
		}
		return s
	}
	if ua.date() != ub.date() {
		return f.date(ua.date(), false) + ", " + ua.clock(unit) + "Z – " + f.date(ub.date(), false) + ", " + ub.clock(unit) + "Z"
	}
	s := ua.clock(unit) + "–" + ub.clock(unit) + "Z"
	if ua.date() != a.l.date() || ub.date() != b.l.date() {
		s += ", " + f.date(ua.date(), false)
	}
	return s
}

// dates shows whole days.
func (f formatter) dates(a, b civil) string {
	wholeMonths := a.day == 1 && b.day == daysIn(b.year, b.month)
	switch {
	case wholeMonths && a.month == 1 && b.month == 12 && a.year == b.year:
		return year(a.year)
	case wholeMonths && a.month == 1 && b.month == 12:
		return year(a.year) + "–" + year(b.year)
	case wholeMonths && a.month == b.month && a.year == b.year:
		return f.month(a.month) + f.say(" ", " de ") + year(a.year)
	case a == b:
		return f.date(a, true)
	case a.year == b.year && a.month == b.month:
		return strconv.Itoa(a.day) + "–" + f.date(b, true)
	}
	return f.date(a, true) + " – " + f.date(b, true)
}

func (f formatter) date(c civil, withYear bool) string {
	s := strconv.Itoa(c.day) + f.say(" ", " de ") + f.month(c.month)
	if withYear {
		s += f.say(" ", " de ") + year(c.year)
	}
	return s
}

var (
	monthsEN = strings.Fields("January February March April May June July August September October November December")
	monthsES = strings.Fields("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre")
)

func (f formatter) month(m int) string {
	if f.es {
		return monthsES[m-1]
	}
	return monthsEN[m-1]
}

func year(y int64) string {
	if y < 0 {
		return "−" + strconv.FormatInt(-y, 10)
	}
	return strconv.FormatInt(y, 10)
}

func (l Local) hour() int { return int(floorMod(int64(l), Day) / Hour) }

// clock is HH:MM or HH:MM:SS.
func (l Local) clock(unit int64) string {
	s := floorMod(int64(l), Day) / Second
	b := []byte{byte('0' + s/36000), byte('0' + s/3600%10), ':', byte('0' + s/600%6), byte('0' + s/60%10)}
	if unit == Second {
		b = append(b, ':', byte('0'+s/10%6), byte('0'+s%10))
	}
	return string(b)
}

// Span shows a length of time in milliseconds without its sign: "1 h 39 min
// 47.655 s"; Spanish has a decimal comma. Zero is "0 s".
func Span(ms int64, lang string) string {
	n := uint64(ms)
	if ms < 0 {
		n = -n
	}
	var parts []string
	if h := n / uint64(Hour); h > 0 {
		parts = append(parts, strconv.FormatUint(h, 10)+" h")
	}
	if m := n / uint64(Minute) % 60; m > 0 {
		parts = append(parts, strconv.FormatUint(m, 10)+" min")
	}
	if s := n % uint64(Minute); s > 0 || len(parts) == 0 {
		t := strconv.FormatFloat(float64(s)/1000, 'f', -1, 64)
		if lang == "es" {
			t = strings.Replace(t, ".", ",", 1)
		}
		parts = append(parts, t+" s")
	}
	return strings.Join(parts, " ")
}
