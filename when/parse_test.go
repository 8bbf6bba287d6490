package when

import (
	"bufio"
	"encoding/json"
	"os"
	"sort"
	"testing"

	"pgregory.net/rapid"
)

// The 200 vectors with known truth lie beside a checkout of the project's
// shared data and are not part of this repository.
func TestParseSharedVectors(t *testing.T) {
	f, err := os.Open("../../shared/bench/time/parse/vectors.ndjson")
	if err != nil {
		t.Skip("no shared vectors beside this checkout")
	}
	defer f.Close()
	n := 0
	for s := bufio.NewScanner(f); s.Scan(); n++ {
		var row struct {
			ID string
			Written
			Truth Reading
		}
		if err := json.Unmarshal(s.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		got, err := Parse(row.Written)
		if err != nil {
			t.Errorf("%s: %v", row.ID, err)
			continue
		}
		if got.Status != row.Truth.Status || !sameHypotheses(got.Hypotheses, row.Truth.Hypotheses) {
			t.Errorf("%s %s %q: got %s %v, want %s %v", row.ID, row.Kind, row.Value, got.Status, got.Hypotheses, row.Truth.Status, row.Truth.Hypotheses)
		}
	}
	if n != 200 {
		t.Errorf("%d vectors read, want 200", n)
	}
}

func sameHypotheses(a, b []Hypothesis) bool {
	if len(a) != len(b) {
		return false
	}
	for _, l := range [][]Hypothesis{a, b} {
		sort.SliceStable(l, func(i, j int) bool {
			return l[i].Min != nil && l[j].Min != nil && *l[i].Min < *l[j].Min
		})
	}
	for i := range a {
		if !a[i].Interval.Equal(b[i].Interval) || a[i].Basis != b[i].Basis {
			return false
		}
	}
	return true
}

// Readings worked by hand from the formats' own definitions.
func TestParse(t *testing.T) {
	one := func(lo, hi int64, b Basis) []Hypothesis {
		return []Hypothesis{{Interval: Between(Instant(lo), Instant(hi)), Basis: b}}
	}
	for _, c := range []struct {
		w    Written
		s    Status
		want []Hypothesis
	}{
		// time.Date would move this one to 02:15 -04:30.
		{Written{Kind: "local", Value: "2016-05-01T02:45:00", Zone: "America/Caracas"}, StatusGap, nil},
		{Written{Kind: "local", Value: "2007-12-09T02:45:00", Zone: "America/Caracas"}, StatusFold,
			append(one(1197182700000, 1197182700999, BasisLocal), one(1197184500000, 1197184500999, BasisLocal)...)},
		{Written{Kind: "local", Value: "2018-01-15T09:07", Zone: "America/Caracas"}, StatusOK, one(1516021620000, 1516021679999, BasisLocal)},
		{Written{Kind: "local", Value: "2018-01-15T09:07:00", Zone: "Mars/Olympus"}, StatusUnknownZone, one(1516007220000-14*Hour, 1516007220999+12*Hour, BasisAnyZone)},
		{Written{Kind: "local", Value: "2018-01-15T09:07:00", Zone: "Local"}, StatusUnknownZone, one(1516007220000-14*Hour, 1516007220999+12*Hour, BasisAnyZone)},
		// A minute that begins before the gap and ends with it.
		{Written{Kind: "local", Value: "2016-05-01T02:29", Zone: "America/Caracas"}, StatusOK, one(1462085940000, 1462085999999, BasisLocal)},
		// A stated offset of the EXIF tag that is blank is no offset.
		{Written{Kind: "exif", Value: "2018:01:15 09:07:00", Offset: "   :  ", Zone: "America/Caracas"}, StatusOK, one(1516021620000, 1516021620999, BasisLocal)},
		{Written{Kind: "exif", Value: "2018:01:15 09:07:00\x00", Offset: "+0400"}, StatusInvalid, nil},
		{Written{Kind: "quicktime", Value: "3598866420"}, StatusUnknownZone,
			append(one(1516021620000, 1516021620999, BasisUTC), one(1516021620000-14*Hour, 1516021620999+12*Hour, BasisAnyZone)...)},
		// 02:45 on 2016-05-01 as local never was: only UTC is left.
		{Written{Kind: "quicktime", Value: "3544915500", Zone: "America/Caracas"}, StatusOK, one(1462070700000, 1462070700999, BasisUTC)},
		{Written{Kind: "quicktime", Value: "99999999999999999999", Zone: "UTC"}, StatusOutOfRange, nil},
		{Written{Kind: "rfc3339", Value: "2016-12-31T23:59:60Z"}, StatusOK, one(1483228799000, 1483228800999, BasisOffset)},
		{Written{Kind: "rfc3339", Value: "2016-12-31T19:59:60-04:00"}, StatusOK, one(1483228799000, 1483228800999, BasisOffset)},
		{Written{Kind: "rfc3339", Value: "2016-12-31T12:59:60Z"}, StatusInvalid, nil},
		// The short code of 1692834503923058939: base 64, worked by hand.
		{Written{Kind: "instagram", Value: "Bd-KAMl28j7"}, StatusOK, one(1516021620260, 1516021620260, BasisID)},
		{Written{Kind: "filename", Value: "WhatsApp Image 2018-01-15 at 9.07.12 PM.jpeg", Zone: "America/Caracas"}, StatusOK, one(1516064832000, 1516064832999, BasisLocal)},
		{Written{Kind: "filename", Value: "case/PXL_20180115_130712345.jpg", Zone: "America/Caracas"}, StatusOK,
			append(one(1516021632345, 1516021632345, BasisUTC), one(1516036032345, 1516036032345, BasisLocal)...)},
		{Written{Kind: "filename", Value: "FB_IMG_1516021632123.jpg"}, StatusOK, one(1516021632123, 1516021632123, BasisUTC)},
		{Written{Kind: "filename", Value: "photo_2018-01-15_09-07-12.jpg", Zone: "America/Caracas"}, StatusOK, one(1516021632000, 1516021632999, BasisLocal)},
		{Written{Kind: "filename", Value: "IMG-20111230-WA0001.jpg", Zone: "Pacific/Apia"}, StatusGap, nil},
		{Written{Kind: "edtf", Value: "2011-12-30", Zone: "Pacific/Apia"}, StatusGap, nil},
		// Midnight was skipped in Sao Paulo on 2018-11-04: the day begins at 01:00.
		{Written{Kind: "edtf", Value: "2018-11-04", Zone: "America/Sao_Paulo"}, StatusOK, one(1541300400000, 1541383199999, BasisCalendar)},
		{Written{Kind: "edtf", Value: "2018-01-15"}, StatusUnknownZone, one(1515974400000-14*Hour, 1516060799999+12*Hour, BasisAnyZone)},
		{Written{Kind: "edtf", Value: "2016-05-01T02:45:00", Zone: "America/Caracas"}, StatusGap, nil},
		{Written{Kind: "edtf", Value: "2018-21", Zone: "UTC"}, StatusOK, one(1514764800000, 1546300799999, BasisCalendar)},
		{Written{Kind: "edtf", Value: "/", Zone: "UTC"}, StatusInvalid, nil},
		{Written{Kind: "edtf", Value: "-0000", Zone: "UTC"}, StatusInvalid, nil},
		{Written{Kind: "edtf", Value: "Y2018", Zone: "UTC"}, StatusInvalid, nil},
		{Written{Kind: "edtf", Value: "Y3388E2S3", Zone: "UTC"}, StatusOK, one(daysOf(civil{338000, 1, 1})*Day, daysOf(civil{339000, 1, 1})*Day-1, BasisCalendar)},
		{Written{Kind: "edtf", Value: "-01XX", Zone: "UTC"}, StatusOK, one(daysOf(civil{-199, 1, 1})*Day, daysOf(civil{-99, 1, 1})*Day-1, BasisCalendar)},
		{Written{Kind: "edtf", Value: "XXXX-02-30", Zone: "UTC"}, StatusInvalid, nil},
		{Written{Kind: "edtf", Value: "191X-02-29", Zone: "UTC"}, StatusOK, one(daysOf(civil{1912, 2, 29})*Day, daysOf(civil{1916, 3, 1})*Day-1, BasisCalendar)},
	} {
		got, err := Parse(c.w)
		if err != nil {
			t.Errorf("%v: %v", c.w, err)
		}
		if got.Status != c.s || !sameHypotheses(got.Hypotheses, c.want) {
			t.Errorf("%+v:\n got %s %v\nwant %s %v", c.w, got.Status, got.Hypotheses, c.s, c.want)
		}
	}
	if _, err := Parse(Written{Kind: "sundial"}); err == nil {
		t.Error("an unknown kind is accepted")
	}
}

func TestQualifiersAreKept(t *testing.T) {
	for value, want := range map[string]string{"2018-01-15?": "?", "2018-?01-~15": "%", "2004-06~/2004-08-20": "~", "2018": "", "[2018?,2019~]": "%"} {
		r, _ := Parse(Written{Kind: "edtf", Value: value, Zone: "UTC"})
		if r.Status != StatusOK || r.Hypotheses[0].Qualifier != want {
			t.Errorf("%s: %s %+v, want qualifier %q", value, r.Status, r.Hypotheses, want)
		}
	}
}

// Resolve against a search over all instants: exactly the instants whose
// local reading is asked for.
func TestResolveAgainstSearch(t *testing.T) {
	names := []string{"America/Caracas", "America/New_York", "Europe/Kiev", "Pacific/Apia", "Asia/Kathmandu", "UTC", "Africa/Casablanca", "Antarctica/Troll", "Asia/Manila"}
	edges := []int64{1197183600000, 1462086000000, 1520751600000, 1541311200000, 1325239200000}
	rapid.Check(t, func(t *rapid.T) {
		z, err := LoadZone(rapid.SampledFrom(names).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		at := rapid.SampledFrom(edges).Draw(t, "edge") + rapid.Int64Range(-4*24*60, 4*24*60).Draw(t, "minutes")*Minute
		first := Local(floorDiv(at, Minute) * Minute)
		last := first + Local(rapid.Int64Range(1, 3*60).Draw(t, "width")*Minute) - 1
		all := z.Resolve(first, last)
		in := func(i Instant) bool {
			for _, iv := range all {
				if iv.Contains(i) {
					return true
				}
			}
			return false
		}
		for i := Instant(first) - Instant(widest); i <= Instant(last)+Instant(widest); i += Instant(7 * Minute) {
			l := z.Local(i)
			if want := first <= l && l <= last; in(i) != want {
				t.Fatalf("%s at %v shows %d; in %d..%d is %v, Resolve says %v", z.Name(), i, l, first, last, want, all)
			}
		}
	})
}

// What EDTF writes, read back, covers the interval; whole calendar units come
// back exactly.
func TestEDTFRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z, _ := LoadZone(rapid.SampledFrom([]string{"America/Caracas", "UTC", "Europe/London", "America/Sao_Paulo"}).Draw(t, "zone"))
		a := Instant(rapid.Int64Range(-70_000_000_000_000, 300_000_000_000_000).Draw(t, "a"))
		b := a + Instant(rapid.Int64Range(0, 4_000_000_000_000).Draw(t, "w"))
		iv := Between(a, b)
		whole := rapid.Bool().Draw(t, "whole days")
		if whole {
			iv = Between(z.startOf(z.Local(a).date()), z.endOf(z.Local(b).date()))
		}
		switch rapid.IntRange(0, 5).Draw(t, "open") {
		case 0:
			iv.Min = nil
		case 1:
			iv.Max = nil
		}
		s, err := iv.EDTF(z)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Parse(Written{Kind: "edtf", Value: s, Zone: z.Name()})
		if err != nil || r.Status != StatusOK {
			t.Fatalf("%s does not read back: %v %v", s, r, err)
		}
		got := r.Hypotheses[0].Interval
		if !got.Covers(iv) {
			t.Fatalf("%s reads back as %v, which does not cover %v", s, got, iv)
		}
		if whole && four(z.Local(a).date().year) && four(z.Local(b).date().year) && !got.Equal(iv) {
			t.Fatalf("%s reads back as %v, want %v", s, got, iv)
		}
	})
}

func TestEDTFWritten(t *testing.T) {
	caracas, _ := LoadZone("America/Caracas")
	for _, c := range []struct {
		iv   Interval
		want string
	}{
		// The worked example of the project's notes.
		{Between(1557493530000, 1557493710999), "2019-05-10T09:05:30-04:00/2019-05-10T09:08:31-04:00"},
		{Between(1557460800000, 1557547199999), "2019-05-10"},
		{Between(1557460800000, 1557719999999), "2019-05-10/2019-05-12"},
		{Between(1556683200000, 1559361599999), "2019-05"},
		{Between(1546315200000, 1577851199999), "2019"},
		{From(1557460800000), "2019-05-10/.."},
		{Until(1557547199999), "../2019-05-10"},
		{Until(1557494412345), "../2019-05-10T09:20:13-04:00"},
		{Between(1557493530000, 1557493530999), "2019-05-10T09:05:30-04:00"},
	} {
		got, err := c.iv.EDTF(caracas)
		if err != nil || got != c.want {
			t.Errorf("%v: %q %v, want %q", c.iv, got, err, c.want)
		}
	}
	if _, err := (Interval{}).EDTF(UTC); err == nil {
		t.Error("all of time was written")
	}
	if _, err := Between(2, 1).EDTF(UTC); err == nil {
		t.Error("an empty interval was written")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"2018-01-15?", "[1760-01,1760-12..]", "Y17E8", "1X23", "-0044-03-15", "2018-01-15T09:07:00-04:00/..", "2018:01:15 09:07:00", "2016-12-31T23:59:60Z", "3598866420", "Bd-KAMl28j7", "WhatsApp Video 2018-01-15 at 09.07.12.mp4", "Y-12E4S2", "2018-28"} {
		f.Add(s, "-04:00", "12")
	}
	f.Fuzz(func(t *testing.T, value, offset, subsec string) {
		for _, k := range Kinds {
			for _, z := range []string{"", "America/Caracas"} {
				r, err := Parse(Written{k, value, z, offset, subsec})
				if err != nil {
					t.Fatal(err)
				}
				switch r.Status {
				case StatusOK, StatusFold, StatusUnknownZone:
					if len(r.Hypotheses) == 0 {
						t.Fatalf("%s %q: %s without a hypothesis", k, value, r.Status)
					}
				default:
					if len(r.Hypotheses) != 0 {
						t.Fatalf("%s %q: %s with hypotheses %v", k, value, r.Status, r.Hypotheses)
					}
				}
				for _, h := range r.Hypotheses {
					if !h.Valid() {
						t.Fatalf("%s %q: empty hypothesis %v", k, value, h)
					}
				}
			}
		}
	})
}
