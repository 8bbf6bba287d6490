package when

import (
	"errors"
	"strconv"
	"strings"
)

// EDTF is the Extended Date/Time Format: ISO 8601-2:2019 Annex A, levels 0 to
// 2, as the Library of Congress publishes it. What ours means beyond that
// text: a second ends at its last millisecond; seasons 21 to 24 name no
// hemisphere and cover their calendar year; seasons 25 to 32 cover every
// customary reading, by months and by the sun; an interval or set is the hull
// of its members.

var (
	errEDTF       = errors.New("not a date in EDTF, such as 2019-05-10, 2019-05~ or 2019-05-10/2019-05-12")
	errEDTFRange  = errors.New("a year that cannot be held in milliseconds")
	errEDTFAbsent = errors.New("an interval that is open at both ends states nothing")
)

// edtfSpan is one parsed expression: calendar readings, or instants where a
// time with an offset was given.
type edtfSpan struct {
	first, last edtfEnd
	qualifier   byte // 0, '?', '~', '%'
	season      bool
	wall        bool // a time of day without an offset
}

// edtfEnd is one end: open, a wall-clock reading, or an instant.
type edtfEnd struct {
	open    bool
	instant bool
	t       Local // an instant's UTC milliseconds if instant
}

func parseEDTF(w Written) Reading {
	e, err := readEDTF(w.Value)
	switch {
	case errors.Is(err, errEDTFRange):
		return status(StatusOutOfRange)
	case err != nil:
		return status(StatusInvalid)
	}
	mark := func(h Hypothesis) Hypothesis {
		if e.qualifier != 0 {
			h.Qualifier = string(e.qualifier)
		}
		h.Season = e.season
		return h
	}
	z, zerr := LoadZone(w.Zone)
	needsZone := !e.first.open && !e.first.instant || !e.last.open && !e.last.instant
	if zerr != nil && needsZone {
		h := Hypothesis{Basis: BasisAnyZone}
		h.Min, h.Max = e.first.anyZone(14*Hour), e.last.anyZone(-12*Hour)
		return Reading{StatusUnknownZone, []Hypothesis{mark(h)}}
	}
	if e.wall && !e.first.open && !e.last.open && e.last.t-e.first.t == Local(Second-1) {
		// One time of day on a wall clock may fall into a gap or fold.
		r := stamp{e.first.t, e.last.t}.inZone(w.Zone)
		for i := range r.Hypotheses {
			r.Hypotheses[i].Basis = BasisCalendar
			r.Hypotheses[i] = mark(r.Hypotheses[i])
		}
		return r
	}
	h := Hypothesis{Basis: BasisCalendar}
	var found bool
	if h.Min, found = e.first.place(z, true); !found {
		return status(StatusGap)
	}
	if h.Max, found = e.last.place(z, false); !found {
		return status(StatusGap)
	}
	if !h.Interval.Valid() {
		return status(StatusGap)
	}
	return ok(mark(h))
}

func (e edtfEnd) anyZone(early int64) *Instant {
	if e.open {
		return nil
	}
	t := Instant(e.t)
	if !e.instant {
		t -= Instant(early)
	}
	return &t
}

// place finds the instant of an end: the first at or after a first reading,
// the last at or before a last one, so that a midnight that was skipped moves
// to the neighbouring instant.
func (e edtfEnd) place(z Zone, first bool) (*Instant, bool) {
	switch {
	case e.open:
		return nil, true
	case e.instant:
		t := Instant(e.t)
		return &t, true
	case first:
		iv, found := z.span(e.t, e.t+Local(2*Day))
		return iv.Min, found
	}
	iv, found := z.span(e.t-Local(2*Day), e.t)
	return iv.Max, found
}

func readEDTF(s string) (edtfSpan, error) {
	switch {
	case len(s) > 1000:
		return edtfSpan{}, errEDTF
	case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]"), strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}"):
		return readSet(s[1 : len(s)-1])
	}
	a, b, interval := strings.Cut(s, "/")
	if !interval {
		return readOne(s)
	}
	open := func(s string) bool { return s == "" || s == ".." }
	if open(a) && open(b) {
		return edtfSpan{}, errEDTFAbsent
	}
	return readRange(a, b, open)
}

// readRange joins two expressions of which one may be open.
func readRange(a, b string, open func(string) bool) (out edtfSpan, err error) {
	var from, to edtfSpan
	if open(a) {
		from.first.open = true
	} else if from, err = readOne(a); err != nil {
		return out, err
	}
	if open(b) {
		to.last.open = true
	} else if to, err = readOne(b); err != nil {
		return out, err
	}
	if !open(a) && !open(b) && from.first.t > to.last.t {
		// Readings with different offsets are told apart when both are instants;
		// a mixture is compared on its face.
		return out, errEDTF
	}
	return edtfSpan{from.first, to.last, worse(from.qualifier, to.qualifier), from.season || to.season, from.wall || to.wall}, nil
}

// readSet reads the members of [one of] and {all of} and takes their hull.
func readSet(s string) (out edtfSpan, err error) {
	members := strings.Split(s, ",")
	for i, m := range members {
		m = strings.TrimSpace(m)
		var e edtfSpan
		a, b, ranged := strings.Cut(m, "..")
		switch {
		case !ranged:
			e, err = readOne(m)
		case a == "" && i > 0, b == "" && i < len(members)-1, a == "" && b == "":
			return out, errEDTF
		default:
			e, err = readRange(a, b, func(s string) bool { return s == "" })
		}
		if err != nil {
			return out, err
		}
		if i == 0 {
			out = e
			continue
		}
		if e.first.open || !out.first.open && e.first.t < out.first.t {
			out.first = e.first
		}
		if e.last.open || !out.last.open && e.last.t > out.last.t {
			out.last = e.last
		}
		out.qualifier = worse(out.qualifier, e.qualifier)
		out.season = out.season || e.season
		out.wall = out.wall || e.wall
	}
	return out, nil
}

// worse joins two qualifiers: uncertain and approximate are both.
func worse(a, b byte) byte {
	switch {
	case a == 0:
		return b
	case b == 0 || a == b:
		return a
	}
	return '%'
}

func qualifier(b byte) bool { return b == '?' || b == '~' || b == '%' }

// readOne reads a date, a date with time, a season, or a long year.
func readOne(s string) (edtfSpan, error) {
	if i := strings.IndexByte(s, 'T'); i >= 0 {
		return readDateTime(s)
	}
	var q byte
	// Level 1 and 2 qualifiers: behind everything, or before or behind one
	// component. Where it stands says which component it is about; the ends do
	// not move either way, so one mark for the whole is kept.
	strip := func(c string) string {
		if c != "" && qualifier(c[0]) {
			q, c = worse(q, c[0]), c[1:]
		}
		if n := len(c); n > 0 && qualifier(c[n-1]) {
			q, c = worse(q, c[n-1]), c[:n-1]
		}
		return c
	}
	s = strip(s)
	if strings.HasPrefix(s, "Y") {
		lo, hi, err := longYear(s[1:])
		if err != nil {
			return edtfSpan{}, err
		}
		return dates(civil{lo, 1, 1}, civil{hi, 12, 31}, q), nil
	}
	negative := strings.HasPrefix(s, "-")
	if negative {
		s = s[1:]
	}
	parts := strings.Split(s, "-")
	if len(parts) > 3 {
		return edtfSpan{}, errEDTF
	}
	for i := range parts {
		parts[i] = strip(parts[i])
	}
	y := parts[0]
	if base, sig, has := strings.Cut(y, "S"); has {
		if len(parts) > 1 || len(base) != 4 || !digits(base) {
			return edtfSpan{}, errEDTF
		}
		lo, hi, err := significant(int64(atoi(base)), negative, sig)
		if err != nil {
			return edtfSpan{}, err
		}
		return dates(civil{lo, 1, 1}, civil{hi, 12, 31}, q), nil
	}
	if !pattern(y, 4) || negative && y == "0000" {
		return edtfSpan{}, errEDTF
	}
	if len(parts) == 2 && digits(parts[1]) && len(parts[1]) == 2 && atoi(parts[1]) > 20 {
		return readSeason(y, negative, atoi(parts[1]), q)
	}
	month, dayOf := "", ""
	if len(parts) > 1 {
		if month = parts[1]; !pattern(month, 2) {
			return edtfSpan{}, errEDTF
		}
	}
	if len(parts) > 2 {
		if dayOf = parts[2]; !pattern(dayOf, 2) {
			return edtfSpan{}, errEDTF
		}
	}
	lo, found := extreme(y, month, dayOf, negative, false)
	if !found {
		return edtfSpan{}, errEDTF
	}
	hi, _ := extreme(y, month, dayOf, negative, true)
	return dates(lo, hi, q), nil
}

// dates is the span from the start of a to the end of b.
func dates(a, b civil, q byte) edtfSpan {
	return edtfSpan{first: edtfEnd{t: a.local()}, last: edtfEnd{t: b.local() + Local(Day-1)}, qualifier: q}
}

// pattern reports whether s is n digits of which some may be X.
func pattern(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for i := 0; i < n; i++ {
		if !digit(s[i]) && s[i] != 'X' {
			return false
		}
	}
	return true
}

// match reports whether a number written with the pattern's width fits it.
func match(p string, n int64) bool {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] != 'X' && int64(p[i]-'0') != n%10 {
			return false
		}
		n /= 10
	}
	return n == 0
}

// bound is the smallest or largest number that a pattern fits.
func bound(p string, largest bool) int64 {
	n := int64(0)
	for i := 0; i < len(p); i++ {
		d := int64(0)
		switch {
		case p[i] != 'X':
			d = int64(p[i] - '0')
		case largest:
			d = 9
		}
		n = n*10 + d
	}
	return n
}

// extreme finds the first or last date that exists and fits the patterns;
// month and day may be empty, which means any.
func extreme(y, month, dayOf string, negative, last bool) (civil, bool) {
	from, to := bound(y, false), bound(y, true)
	sign := int64(1)
	if negative {
		sign, from, to = -1, to, from // -0199 is before -0100
	}
	step := sign
	if last {
		from, to, step = to, from, -step
	}
	// The calendar repeats after 400 years and no pattern of digits stays
	// without a leap year longer than a century's worth of its free digits.
	for n := from; ; n += step {
		if match(y, n) && !(negative && n == 0) {
			if c, found := extremeIn(sign*n, month, dayOf, last); found {
				return c, true
			}
		}
		if n == to {
			return civil{}, false
		}
	}
}

func extremeIn(year int64, month, dayOf string, last bool) (civil, bool) {
	for i := 1; i <= 12; i++ {
		m := i
		if last {
			m = 13 - i
		}
		if month != "" && !match(month, int64(m)) {
			continue
		}
		n := daysIn(year, m)
		for j := 1; j <= n; j++ {
			d := j
			if last {
				d = n + 1 - j
			}
			if dayOf == "" || match(dayOf, int64(d)) {
				return civil{year, m, d}, true
			}
		}
	}
	return civil{}, false
}

// longYear reads what follows the Y: more than four digits, or a number with
// an exponent; either may end in S and the count of significant digits.
func longYear(s string) (lo, hi int64, err error) {
	negative := strings.HasPrefix(s, "-")
	if negative {
		s = s[1:]
	}
	s, sig, hasSig := strings.Cut(s, "S")
	base, exp, hasExp := strings.Cut(s, "E")
	if !digits(base) || base[0] == '0' || hasExp && !digits(exp) || !hasExp && len(base) < 5 {
		return 0, 0, errEDTF
	}
	n, err := strconv.ParseInt(base, 10, 64)
	if err != nil || n > maxYear {
		return 0, 0, errEDTFRange
	}
	if hasExp {
		e, err := strconv.Atoi(exp)
		if err != nil || e > 9 {
			return 0, 0, errEDTFRange
		}
		for ; e > 0; e-- {
			if n *= 10; n > maxYear {
				return 0, 0, errEDTFRange
			}
		}
	}
	if hasSig {
		lo, hi, err = significant(n, negative, sig)
		if err == nil && (lo < -maxYear || hi > maxYear) {
			err = errEDTFRange
		}
		return lo, hi, err
	}
	if negative {
		n = -n
	}
	return n, n, nil
}

// significant is the range of years that share the first digits of n: with two
// of 1950, 1900 to 1999.
func significant(n int64, negative bool, sig string) (lo, hi int64, err error) {
	if !digits(sig) || len(sig) > 2 || atoi(sig) == 0 {
		return 0, 0, errEDTF
	}
	width := int64(1)
	for k := len(strconv.FormatInt(n, 10)); k > atoi(sig); k-- {
		width *= 10
	}
	lo = n / width * width
	hi = lo + width - 1
	if negative {
		lo, hi = -hi, -lo
	}
	return lo, hi, nil
}

// readSeason reads the divisions of a year numbered 21 to 41.
func readSeason(y string, negative bool, n int, q byte) (edtfSpan, error) {
	if n > 41 {
		return edtfSpan{}, errEDTF
	}
	lo, hi := bound(y, false), bound(y, true)
	if negative {
		lo, hi = -hi, -lo
	}
	year := func(from, to int) edtfSpan {
		return dates(civil{lo, from, 1}, civil{hi, to, daysIn(hi, to)}, q)
	}
	switch {
	case n >= 33 && n <= 36:
		return year(3*(n-33)+1, 3*(n-33)+3), nil
	case n >= 37 && n <= 39:
		return year(4*(n-37)+1, 4*(n-37)+4), nil
	case n >= 40:
		return year(6*(n-40)+1, 6*(n-40)+6), nil
	}
	e := year(1, 12)
	// Spring, summer, autumn, winter: 25 to 28 northern, 29 to 32 southern. The
	// ends cover seasons by months (from the first of March, June, September,
	// December) and by the sun (equinox and solstice, latest date on record for
	// the Gregorian calendar). A season over New Year may count to either year.
	if n >= 25 {
		k := (n - 25) % 4
		if n >= 29 {
			k = (k + 2) % 4
		}
		switch k {
		case 0:
			e = dates(civil{lo, 3, 1}, civil{hi, 6, 22}, q)
		case 1:
			e = dates(civil{lo, 6, 1}, civil{hi, 9, 24}, q)
		case 2:
			e = dates(civil{lo, 9, 1}, civil{hi, 12, 23}, q)
		case 3:
			e = dates(civil{lo - 1, 12, 1}, civil{hi + 1, 3, 21}, q)
		}
	}
	e.season = true
	return e, nil
}

// readDateTime reads a complete date and time, with Z, an offset in hours or
// hours and minutes, or none.
func readDateTime(s string) (edtfSpan, error) {
	negative := strings.HasPrefix(s, "-")
	if negative {
		s = s[1:]
	}
	n, rest, found := scan(s, "dddd-dd-ddTdd:dd:dd")
	if !found {
		return edtfSpan{}, errEDTF
	}
	y := int64(n[0])
	if negative {
		y = -y
		if y == 0 {
			return edtfSpan{}, errEDTF
		}
	}
	st, valid := clockReading(civil{y, n[1], n[2]}, n[3], n[4], n[5], "")
	if !valid {
		return edtfSpan{}, errEDTF
	}
	if rest == "" {
		return edtfSpan{first: edtfEnd{t: st.first}, last: edtfEnd{t: st.last}, wall: true}, nil
	}
	if len(rest) == 3 {
		rest += ":00"
	}
	off, found := parseOffset(rest)
	if !found || rest == "z" {
		return edtfSpan{}, errEDTF
	}
	d := Local(off * Second)
	return edtfSpan{first: edtfEnd{instant: true, t: st.first - d}, last: edtfEnd{instant: true, t: st.last - d}}, nil
}
