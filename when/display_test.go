package when

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// The vectors were written by hand from the rules in Format's comment; the
// interface's TypeScript is held to the same file.
func TestFormatVectors(t *testing.T) {
	b, err := os.ReadFile("testdata/display.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		Interval
		Zone, Lang       string
		Approx, Day, UTC bool
		Want             string
	}
	if err := json.Unmarshal(b, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) < 90 {
		t.Fatalf("%d vectors", len(rows))
	}
	for _, r := range rows {
		if got := Format(r.Interval, Display{r.Zone, r.Lang, r.Approx, r.Day, r.UTC}); got != r.Want {
			t.Errorf("%v in %q lang %s approx %v day %v utc %v:\n got %q\nwant %q", r.Interval, r.Zone, r.Lang, r.Approx, r.Day, r.UTC, got, r.Want)
		}
	}
}

// A lone clock label stands only for an interval inside that minute, or with
// a tilde for at most five minutes.
func TestNeverALoneMinute(t *testing.T) {
	lone := regexp.MustCompile(`^(~?)\d\d:\d\d(:\d\d)?Z?( \([^–]*\))?$`)
	rapid.Check(t, func(t *rapid.T) {
		a := Instant(rapid.Int64Range(1_100_000_000_000, 1_600_000_000_000).Draw(t, "a"))
		w := rapid.Int64Range(0, 20*Minute).Draw(t, "w")
		d := Display{Zone: rapid.SampledFrom([]string{"America/Caracas", "UTC", ""}).Draw(t, "zone"), Approx: rapid.Bool().Draw(t, "approx"), UTC: rapid.Bool().Draw(t, "utc")}
		s := Format(Between(a, a+Instant(w)), d)
		m := lone.FindStringSubmatch(s)
		if m == nil {
			return
		}
		if m[1] == "" && w >= Minute || m[1] == "~" && w > 5*Minute {
			t.Fatalf("%d ms shown as %q", w, s)
		}
	})
}

func TestFormatHoldsAtTheEnds(t *testing.T) {
	for _, v := range []Instant{-1 << 63, 1<<63 - 1, 0, -62135596800000, 253402300800000} {
		for _, iv := range []Interval{At(v), From(v), Until(v), Between(-1<<63, v), Between(v, 1<<63-1)} {
			for _, d := range []Display{{Zone: "America/Caracas", UTC: true, Day: true}, {Lang: "es", Approx: true}} {
				if Format(iv, d) == "" {
					t.Errorf("%v shown as nothing", iv)
				}
			}
		}
	}
}

func TestSpan(t *testing.T) {
	for _, c := range []struct {
		ms         int64
		lang, want string
	}{
		{-5987655, "en", "1 h 39 min 47.655 s"}, {5515960, "en", "1 h 31 min 55.96 s"}, {5515960, "es", "1 h 31 min 55,96 s"},
		{0, "en", "0 s"}, {60000, "en", "1 min"}, {3600001, "en", "1 h 0.001 s"}, {-1 << 63, "en", "2562047788015 h 12 min 55.808 s"},
	} {
		if got := Span(c.ms, c.lang); got != c.want {
			t.Errorf("Span(%d) = %q, want %q", c.ms, got, c.want)
		}
	}
}
