package when

import (
	"regexp"
	"strconv"
	"strings"
)

// The names that cameras, phones and messengers give files. A name is only a
// clock reading of whoever named the file, so it yields the same hypotheses
// as one.
var (
	// VID_20180115_090712, 20180115_090712, Screenshot_20180115-090712,
	// PXL_20180115_090712345, 20180115T090712.
	nameCompact = regexp.MustCompile(`(?:^|[^0-9])([12][0-9]{3})([0-9]{2})([0-9]{2})[_\-T ]?([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{3})?(?:[^0-9]|$)`)
	// WhatsApp Video 2018-01-15 at 09.07.12, photo_2018-01-15_09-07-12,
	// Screenshot 2018-01-15 at 9.07.12 AM, signal-2018-01-15-09-07-12-345,
	// Captura de pantalla 2018-01-15 a las 9.07.12.
	nameDashed = regexp.MustCompile(`(?:^|[^0-9])([12][0-9]{3})-([0-9]{2})-([0-9]{2})(?:[ _\-T]+| at | a las | um | à )([0-9]{1,2})[.\-:]?([0-9]{2})[.\-:]?([0-9]{2})(?:[.\-]([0-9]{3}))?(?:[ \x{202f}]?([APap])\.? ?[Mm]\.?)?(?:[^0-9]|$)`)
	// IMG-20180115-WA0007: WhatsApp on Android names the day only.
	nameDay = regexp.MustCompile(`(?:^|[^0-9])([12][0-9]{3})-?([0-9]{2})-?([0-9]{2})(?:[^0-9]|$)`)
	// FB_IMG_1516021632123, 1516021632123: milliseconds since 1970.
	nameEpoch = regexp.MustCompile(`(?:^|[^0-9])(1[0-9]{12})(?:[^0-9]|$)`)
)

func parseFilename(w Written) Reading {
	name := w.Value
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	if m := nameCompact.FindStringSubmatch(name); m != nil {
		s, valid := clockReading(civil{int64(atoi(m[1])), atoi(m[2]), atoi(m[3])}, atoi(m[4]), atoi(m[5]), atoi(m[6]), m[7])
		if !valid {
			return status(StatusAbsent)
		}
		r := s.inZone(w.Zone)
		if strings.HasPrefix(name, "PXL_") {
			// Pixel phones write UTC into the name, renamed files local time.
			r = bothWays(s, r)
		}
		return r
	}
	if m := nameDashed.FindStringSubmatch(name); m != nil {
		hour := atoi(m[4])
		switch half := strings.ToLower(m[8]); {
		case half != "" && (hour < 1 || hour > 12):
			return status(StatusAbsent)
		case half == "p" && hour < 12:
			hour += 12
		case half == "a" && hour == 12:
			hour = 0
		}
		s, valid := clockReading(civil{int64(atoi(m[1])), atoi(m[2]), atoi(m[3])}, hour, atoi(m[5]), atoi(m[6]), m[7])
		if !valid {
			return status(StatusAbsent)
		}
		return s.inZone(w.Zone)
	}
	if m := nameDay.FindStringSubmatch(name); m != nil {
		c := civil{int64(atoi(m[1])), atoi(m[2]), atoi(m[3])}
		if !c.exists() {
			return status(StatusAbsent)
		}
		return day(c).inZoneWhole(w.Zone, BasisLocal)
	}
	if m := nameEpoch.FindStringSubmatch(name); m != nil {
		ms, _ := strconv.ParseInt(m[1], 10, 64)
		return ok(Hypothesis{Interval: At(Instant(ms)), Basis: BasisUTC})
	}
	return status(StatusAbsent)
}

func atoi(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// bothWays puts the reading as UTC in front of the local ones. A local reading
// that falls into a gap is impossible and leaves UTC.
func bothWays(s stamp, local Reading) Reading {
	r := ok(s.at(0, BasisUTC))
	if local.Status != StatusGap {
		r.Status = local.Status
	}
	for _, h := range local.Hypotheses {
		if !h.Interval.Equal(r.Hypotheses[0].Interval) {
			r.Hypotheses = append(r.Hypotheses, h)
		}
	}
	return r
}

// day is the whole date as a stamp.
func day(c civil) stamp { return stamp{c.local(), c.local() + Local(Day-1)} }

// inZoneWhole places a stretch of calendar: from its first to its last
// millisecond in the zone, whatever the clocks did in between.
func (s stamp) inZoneWhole(name string, b Basis) Reading {
	z, err := LoadZone(name)
	if err != nil {
		return Reading{StatusUnknownZone, []Hypothesis{s.anyZone()}}
	}
	iv, found := z.span(s.first, s.last)
	if !found {
		return status(StatusGap)
	}
	return ok(Hypothesis{Interval: iv, Basis: b})
}
