package time

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"sightline"
)

func TestTimelinesComeBack(t *testing.T) {
	for _, format := range []string{"otio", "fcpxml", "edl", "offsets"} {
		d := twoTapes()
		var b bytes.Buffer
		if err := Export(&b, d, format, "en"); err != nil {
			t.Fatal(err)
		}
		list, rounding, err := Placements(b.Bytes(), "", 25)
		if err != nil || len(list) != 2 {
			t.Fatalf("%s: %v %v", format, list, err)
		}
		// X-1 begins 8 s after X-2.
		if d := math.Abs(math.Abs(list[0].StartMS-list[1].StartMS) - 8000); d > rounding {
			t.Errorf("%s: off by %.1f ms, rounding %.0f", format, d, rounding)
		}
		got, err := Bring(d, list, 20, rounding, "cut")
		if err != nil || len(got.Constraints) != 0 || len(got.Unchanged) != 1 {
			t.Errorf("%s: what was not touched came back changed: %+v %v", format, got, err)
		}
		// Moved by two seconds there.
		list[1].StartMS += 2000
		got, err = Bring(d, list, 20, rounding, "cut")
		if err != nil || len(got.Constraints) != 1 {
			t.Fatalf("%s: %+v %v", format, got, err)
		}
		c := got.Constraints[0]
		want := list[1].StartMS - list[0].StartMS
		if float64(*c.MinMS) > want-20 || float64(*c.MaxMS) < want+20 || *c.MaxMS-*c.MinMS > int64(2*(20+rounding)+2) || c.Strength != "claim" || !strings.Contains(c.Text["en"], "give or take") {
			t.Errorf("%s: %+v, want about %.0f", format, c, want)
		}
	}
}

// Files as other programs write them: trimmed clips, nesting, other rates.
func TestTimelinesOfOthers(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		fps  float64
		want []Placement
	}{
		"otio, trimmed, Clip.2": {`{"OTIO_SCHEMA":"Timeline.1","tracks":{"OTIO_SCHEMA":"Stack.1","children":[{"OTIO_SCHEMA":"Track.1","children":[
			{"OTIO_SCHEMA":"Gap.1","source_range":{"start_time":{"rate":24,"value":0},"duration":{"rate":24,"value":48}}},
			{"OTIO_SCHEMA":"Clip.2","name":"X-1","source_range":{"start_time":{"rate":24,"value":86412},"duration":{"rate":24,"value":24}},"active_media_reference_key":"DEFAULT_MEDIA","media_references":{"DEFAULT_MEDIA":{"available_range":{"start_time":{"rate":24,"value":86400},"duration":{"rate":24,"value":240}}}}},
			{"OTIO_SCHEMA":"Transition.1","name":"x"},
			{"OTIO_SCHEMA":"Clip.1","name":"X-2","source_range":{"start_time":{"rate":24,"value":24},"duration":{"rate":24,"value":24}},"media_reference":null}]}]}}`,
			25, []Placement{{"X-1", 1500}, {"X-2", 2000}}},
		"fcpxml, connected and trimmed": {`<?xml version="1.0"?><!DOCTYPE fcpxml><fcpxml version="1.9"><resources><format id="r1" frameDuration="1001/30000s"/>
			<asset id="a1" name="X-1" start="10s"/><asset id="a2" name="X-2" start="0s"/></resources><library><event><project><sequence format="r1" tcStart="3600s"><spine>
			<asset-clip ref="a1" offset="3605s" start="12s" duration="8s"><asset-clip ref="a2" lane="1" offset="13s" start="1s" duration="2s"/></asset-clip></spine></sequence></project></event></library></fcpxml>`,
			25, []Placement{{"X-1", 3603000}, {"X-2", 3605000}}},
		"edl, 30 frames": {"TITLE: a\nFCM: NON-DROP FRAME\n001  AX       V     C        00:00:01:15 00:00:03:00 01:00:00:00 01:00:01:15\n* FROM CLIP NAME: a&b.mp4\n002  BX       A2    D    010 00:00:00:00 00:00:01:00 01:00:02:00 01:00:03:00\n",
			30, []Placement{{"a&b.mp4", 3600000 - 1500}, {"BX", 3602000}}},
	} {
		got, _, err := Placements([]byte(c.in), "", c.fps)
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: %v %v", name, got, err)
			continue
		}
		for i := range got {
			if got[i].Name != c.want[i].Name || math.Abs(got[i].StartMS-c.want[i].StartMS) > 1e-6 {
				t.Errorf("%s: %+v, want %+v", name, got[i], c.want[i])
			}
		}
	}
}

func TestBadTimelines(t *testing.T) {
	for _, in := range []string{"", "{", "{}", `{"OTIO_SCHEMA":"Clip.1"}`, "<fcpxml><a>", "<fcpxml><asset-clip offset='soon'/></fcpxml>", "TITLE: x\n", "item\n1\n", "item,start_utc_ms\nX-1,NaN\n", "item,start_utc_ms\nX-1,soon\n",
		"TITLE: x\nFCM: DROP FRAME\n001  AX       V     C        00:00:00;00 00:00:01;00 01:00:00;00 01:00:01;00\n"} {
		if _, _, err := Placements([]byte(in), "", 25); !errors.Is(err, sightline.ErrInvalid) {
			t.Errorf("%q: %v", in, err)
		}
	}
	d := twoTapes()
	for name, list := range map[string][]Placement{
		"no recording of the case": {{"other", 0}},
		"at two places":            {{"X-1", 0}, {"X-2", 5}, {"X-1", 900}},
	} {
		if _, err := Bring(d, list, 20, 1, "f"); !errors.Is(err, sightline.ErrInvalid) || !strings.Contains(err.Error(), strings.Fields(name)[len(strings.Fields(name))-1]) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Bring(d, []Placement{{"X-1", 0}}, math.NaN(), 1, "f"); err == nil {
		t.Error("an error of NaN was taken")
	}
}

func FuzzPlacements(f *testing.F) {
	for _, format := range []string{"otio", "fcpxml", "edl", "offsets"} {
		var b bytes.Buffer
		if err := Export(&b, twoTapes(), format, "en"); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		list, _, err := Placements(b, "", 25)
		if err == nil {
			_, _ = Bring(twoTapes(), list, 20, 1, "f")
		}
	})
}
