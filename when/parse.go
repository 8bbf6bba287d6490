package when

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Basis is why a hypothesis holds.
type Basis string

const (
	BasisOffset   Basis = "offset"   // the source states its offset from UTC
	BasisUTC      Basis = "utc"      // the format is UTC by its specification
	BasisLocal    Basis = "local"    // a wall clock in the named zone
	BasisAnyZone  Basis = "any_zone" // a wall clock, the zone not known: 14 h before to 12 h after
	BasisID       Basis = "id"       // a platform's identifier that contains its time
	BasisCalendar Basis = "calendar" // a calendar expression (EDTF)
)

// Status is how the reading of a written time ended.
type Status string

const (
	StatusOK          Status = "ok"
	StatusGap         Status = "gap"          // clocks in the zone never showed it
	StatusFold        Status = "fold"         // clocks in the zone showed it more than once
	StatusAbsent      Status = "absent"       // the source holds no time: blank, zeros, an old id
	StatusInvalid     Status = "invalid"      // not a time of this kind
	StatusUnknownZone Status = "unknown_zone" // a wall clock without a known zone
	StatusOutOfRange  Status = "out_of_range" // outside what an Instant holds
)

// Hypothesis is one possible reading of a written time. Qualifier and Season
// repeat what EDTF says beyond the interval and never move its ends.
type Hypothesis struct {
	Interval
	Basis     Basis  `json:"basis"`
	Qualifier string `json:"qualifier,omitempty"` // "?" uncertain, "~" approximate, "%" both
	Season    bool   `json:"season,omitempty"`    // a season, whose ends depend on hemisphere and custom
}

// Reading is all that a written time may mean. With status ok there is one
// hypothesis, or one for each meaning the format is used with.
type Reading struct {
	Status     Status       `json:"status"`
	Hypotheses []Hypothesis `json:"hypotheses"`
}

// Written is a time as a source gives it.
type Written struct {
	Kind   string `json:"kind"`             // edtf, exif, local, rfc3339, quicktime, snowflake, instagram, filename
	Value  string `json:"value"`            //
	Zone   string `json:"zone,omitempty"`   // IANA zone of the clock, where known
	Offset string `json:"offset,omitempty"` // +HH:MM, -HH:MM or Z, where the source states it (EXIF OffsetTimeOriginal)
	Subsec string `json:"subsec,omitempty"` // digits after the decimal point (EXIF SubSecTimeOriginal)
}

// Kinds lists what Parse reads.
var Kinds = []string{"edtf", "exif", "local", "rfc3339", "quicktime", "snowflake", "instagram", "filename"}

// Parse reads a written time into the set of its hypotheses. The error is not
// nil only for an unknown kind; everything else about the value is said by
// the status.
//
//   - edtf: ISO 8601-2 levels 0 to 2, see ParseEDTF. Dates are days of Zone.
//   - exif: "2018:01:15 09:07:00" with Offset, else Zone. Blank or zeros are absent.
//   - local: "2018-01-15T09:07:00", seconds and a fraction may follow or be missing.
//   - rfc3339: RFC 3339, offset required.
//   - quicktime: seconds since 1904-01-01; UTC by specification and local by
//     much practice, so both. 0 is absent.
//   - snowflake: X/Twitter id, ms = (id >> 22) + 1288834974657.
//   - instagram: media id or its 11-character short code, ms = (id >> 23) + 1314220021721.
//   - filename: the names cameras, phones and messengers give.
//
// A reading to the second T is [T, T+999]; with n digits of fraction it is the
// millisecond range those digits name.
func Parse(w Written) (Reading, error) {
	switch w.Kind {
	case "edtf":
		return parseEDTF(w), nil
	case "exif":
		return parseExif(w), nil
	case "local":
		return parseLocal(w), nil
	case "rfc3339":
		return parseRFC3339(w.Value), nil
	case "quicktime":
		return parseQuickTime(w), nil
	case "snowflake":
		return parseID(w.Value, 22, 1288834974657), nil
	case "instagram":
		return parseID(shortCode(w.Value), 23, 1314220021721), nil
	case "filename":
		return parseFilename(w), nil
	}
	return Reading{Status: StatusInvalid}, errors.New("unknown kind of time " + strconv.Quote(w.Kind) + ": give one of " + strings.Join(Kinds, ", "))
}

func status(s Status) Reading { return Reading{s, []Hypothesis{}} }

func ok(h ...Hypothesis) Reading { return Reading{StatusOK, h} }

// stamp is a wall-clock reading: the first and the last millisecond it covers.
type stamp struct{ first, last Local }

// at places a stamp by a stated offset, in seconds east of UTC.
func (s stamp) at(offset int64, b Basis) Hypothesis {
	d := offset * Second
	return Hypothesis{Interval: Between(Instant(int64(s.first)-d), Instant(int64(s.last)-d)), Basis: b}
}

// inZone places a stamp by the rules of a zone, or by those of every zone on
// earth if it is not known: UTC+14 in Kiribati to UTC-12.
func (s stamp) inZone(name string) Reading {
	z, err := LoadZone(name)
	if err != nil {
		return Reading{StatusUnknownZone, []Hypothesis{s.anyZone()}}
	}
	all := z.Resolve(s.first, s.last)
	if len(all) == 0 {
		return status(StatusGap)
	}
	r := Reading{StatusOK, make([]Hypothesis, 0, len(all))}
	if len(all) > 1 {
		r.Status = StatusFold
	}
	for _, iv := range all {
		r.Hypotheses = append(r.Hypotheses, Hypothesis{Interval: iv, Basis: BasisLocal})
	}
	return r
}

func (s stamp) anyZone() Hypothesis {
	return Hypothesis{Interval: Between(Instant(int64(s.first)-14*Hour), Instant(int64(s.last)+12*Hour)), Basis: BasisAnyZone}
}

// clockReading makes a stamp of date and time, or reports that there is no
// such date or time. Seconds below 0 mean a reading to the minute.
func clockReading(c civil, hour, minute, second int, fraction string) (stamp, bool) {
	if !c.exists() || hour > 23 || minute > 59 || second > 59 {
		return stamp{}, false
	}
	base := int64(c.local()) + int64(hour)*Hour + int64(minute)*Minute
	if second < 0 {
		return stamp{Local(base), Local(base + Minute - 1)}, true
	}
	lo, hi := subsecond(fraction)
	base += int64(second) * Second
	return stamp{Local(base + lo), Local(base + hi)}, true
}

func (c civil) exists() bool {
	return c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= daysIn(c.year, c.month)
}

// subsecond gives the milliseconds that the digits of a fraction cover: "1" is
// 100 to 199, "123456" is 123, none is 0 to 999.
func subsecond(digits string) (lo, hi int64) {
	lo, hi = 0, 999
	width := int64(1000)
	for i := 0; i < len(digits) && i < 3; i++ {
		width /= 10
		lo += int64(digits[i]-'0') * width
		hi = lo + width - 1
	}
	return lo, hi
}

// scan reads fixed patterns: d is a digit, any other byte stands for itself.
// It returns the numbers of each run of digits and the rest of s.
func scan(s, pattern string) (n []int, rest string, found bool) {
	if len(s) < len(pattern) {
		return nil, s, false
	}
	run := false
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != 'd' {
			if s[i] != pattern[i] {
				return nil, s, false
			}
			run = false
			continue
		}
		if !digit(s[i]) {
			return nil, s, false
		}
		if !run {
			n, run = append(n, 0), true
		}
		n[len(n)-1] = n[len(n)-1]*10 + int(s[i]-'0')
	}
	return n, s[len(pattern):], true
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) {
			return false
		}
	}
	return s != ""
}

// parseOffset reads Z, +HH:MM or -HH:MM as seconds east of UTC.
func parseOffset(s string) (seconds int64, found bool) {
	if s == "Z" || s == "z" {
		return 0, true
	}
	if len(s) != 6 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	n, _, found := scan(s[1:], "dd:dd")
	if !found || n[0] > 23 || n[1] > 59 {
		return 0, false
	}
	seconds = int64(n[0])*3600 + int64(n[1])*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

func blank(s string) bool { return strings.Trim(s, " \x00:") == "" }

func parseExif(w Written) Reading {
	v := strings.TrimRight(w.Value, "\x00")
	if strings.Trim(v, " \x000:") == "" {
		return status(StatusAbsent)
	}
	n, rest, found := scan(v, "dddd:dd:dd dd:dd:dd")
	if !found || strings.TrimSpace(rest) != "" {
		return status(StatusInvalid)
	}
	sub := strings.Trim(w.Subsec, " \x00")
	if sub != "" && !digits(sub) {
		sub = ""
	}
	s, valid := clockReading(civil{int64(n[0]), n[1], n[2]}, n[3], n[4], n[5], sub)
	if !valid {
		return status(StatusInvalid)
	}
	return s.placed(w)
}

// placed uses the stated offset if there is one, else the zone.
func (s stamp) placed(w Written) Reading {
	if blank(w.Offset) {
		return s.inZone(w.Zone)
	}
	off, found := parseOffset(strings.Trim(w.Offset, " \x00"))
	if !found {
		return status(StatusInvalid)
	}
	return ok(s.at(off, BasisOffset))
}

func parseLocal(w Written) Reading {
	s, rest, valid := dateAndTime(w.Value, true)
	if !valid || rest != "" {
		return status(StatusInvalid)
	}
	if w.Subsec != "" && digits(w.Subsec) && s.last-s.first == Local(Second-1) {
		lo, hi := subsecond(w.Subsec)
		s = stamp{s.first + Local(lo), s.first + Local(hi)}
	}
	return s.placed(w)
}

// dateAndTime reads YYYY-MM-DDTHH:MM:SS[.fraction]; minutes allows the seconds
// to be missing.
func dateAndTime(v string, minutes bool) (s stamp, rest string, valid bool) {
	n, rest, found := scan(v, "dddd-dd-dd")
	if !found || rest == "" || rest[0] != 'T' && rest[0] != 't' {
		return s, v, false
	}
	t, rest, found := scan(rest[1:], "dd:dd")
	if !found {
		return s, v, false
	}
	second, fraction := -1, ""
	if sec, more, has := scan(rest, ":dd"); has {
		second, rest = sec[0], more
		if rest != "" && rest[0] == '.' {
			i := 1
			for i < len(rest) && digit(rest[i]) {
				i++
			}
			if i == 1 {
				return s, v, false
			}
			fraction, rest = rest[1:i], rest[i:]
		}
	} else if !minutes {
		return s, v, false
	}
	s, valid = clockReading(civil{int64(n[0]), n[1], n[2]}, t[0], t[1], second, fraction)
	return s, rest, valid
}

func parseRFC3339(v string) Reading {
	s, rest, valid := dateAndTime(v, false)
	if !valid {
		// A leap second, 23:59:60, has no instant of its own here: it is read as
		// the second before and the one after, which is wider and not wrong.
		if i := strings.Index(v, ":59:60"); i == 13 {
			s, rest, valid = dateAndTime(v[:17]+"59"+v[19:], false)
			s = stamp{s.first - floorRest(s.first), s.first - floorRest(s.first) + Local(2*Second-1)}
		}
		if !valid {
			return status(StatusInvalid)
		}
		off, found := parseOffset(rest)
		if !found || floorMod(int64(s.last)+1-Second-off*Second, Day) != 0 {
			return status(StatusInvalid)
		}
	}
	off, found := parseOffset(rest)
	if !found {
		return status(StatusInvalid)
	}
	return ok(s.at(off, BasisOffset))
}

func floorRest(l Local) Local { return Local(floorMod(int64(l), Second)) }

// quickTimeEpoch is 1904-01-01T00:00 in seconds before 1970.
const quickTimeEpoch = 2082844800

func parseQuickTime(w Written) Reading {
	if !digits(w.Value) {
		return status(StatusInvalid)
	}
	n, err := strconv.ParseUint(w.Value, 10, 64)
	switch {
	case err != nil || n > uint64(math.MaxInt64/Second-Day):
		return status(StatusOutOfRange)
	case n == 0:
		return status(StatusAbsent)
	}
	t := Local((int64(n) - quickTimeEpoch) * Second)
	s := stamp{t, t + Local(Second-1)}
	return bothWays(s, s.inZone(w.Zone))
}

// oldestID is the first id that contains its time: Twitter counted up to here
// before November 2010, and Instagram's scheme came with such ids too.
const oldestID = 30_000_000_000

func parseID(v string, shift uint, epoch int64) Reading {
	if !digits(v) {
		return status(StatusInvalid)
	}
	id, err := strconv.ParseUint(v, 10, 63)
	switch {
	case err != nil:
		return status(StatusOutOfRange)
	case id < oldestID:
		return status(StatusAbsent)
	}
	t := Instant(int64(id>>shift) + epoch)
	return ok(Hypothesis{Interval: At(t), Basis: BasisID})
}

// shortCode turns Instagram's 11-character code, as in its addresses, into
// the id: base 64, most significant first. Anything else is returned as it is.
func shortCode(v string) string {
	if len(v) != 11 || digits(v) {
		return v
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	var id uint64
	for i := 0; i < len(v); i++ {
		k := strings.IndexByte(alphabet, v[i])
		if k < 0 || id >= 1<<57 {
			return v
		}
		id = id<<6 | uint64(k)
	}
	return strconv.FormatUint(id, 10)
}
