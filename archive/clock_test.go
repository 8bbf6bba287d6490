package archive

import (
	"testing"
	"time"

	"sightline"
)

func TestDescribeClock(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		k    kernelClock
		ok   bool
		want sightline.Clock
	}{
		"nobody answers": {want: sightline.Clock{Source: "system", ErrorMS: -1}},
		"not in step":    {k: kernelClock{Error: 16 * time.Second}, ok: true, want: sightline.Clock{Source: "system", ErrorMS: -1, Checked: "2026-11-24T09:00:00.000Z"}},
		"in step":        {k: kernelClock{Synced: true, Offset: -1600 * time.Microsecond, Error: 12001 * time.Microsecond}, ok: true, want: sightline.Clock{Source: "ntp", OffsetMS: -2, ErrorMS: 13, Checked: "2026-11-24T09:00:00.000Z"}},
	} {
		if got := describeClock(c.k, c.ok, now); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// TestEntriesTellTheClock: an entry says what this machine says of its clock,
// and a case with a clock of its own (a demonstration) says nothing.
func TestEntriesTellTheClock(t *testing.T) {
	for name, o := range map[string]Options{"real": {}, "demonstration": fixed()} {
		f := create(t, o)
		add(t, f, "x")
		if err := f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
			for e, err := range r.Entries(1, 2) {
				if err != nil {
					return err
				}
				k, known := askKernel()
				want := "system"
				if known && k.Synced {
					want = "ntp"
				}
				if name == "demonstration" {
					want, known = "system", false
				}
				if e.Clock.Source != want || (e.Clock.Checked != "") != known || want == "system" && e.Clock.ErrorMS != -1 || want == "ntp" && e.Clock.ErrorMS < 0 {
					t.Errorf("%s: %+v, want %s", name, e.Clock, want)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}
