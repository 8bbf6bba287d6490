package time

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sightline"
	"sightline/order"
	"sightline/when"
)

// twoTapes is a phone with two files, an audio recording that shares sound
// with one of them, a post and a communique.
func twoTapes() *sightline.Document {
	t0 := int64(1557491020000)
	pub := sightline.Public{Decision: "publish"}
	read := func(lo, hi int64) []sightline.Time {
		return []sightline.Time{{Interval: iv(lo, hi), Precision: "derived", Status: "claimed", Printed: "shown", Basis: sightline.Text{"en": "creation time", "es": "fecha de creación"}}}
	}
	posted := sightline.Time{Interval: iv(t0+200_000, t0+259_999)}
	said := int64(2000)
	return &sightline.Document{
		Case: &sightline.Case{ID: "x", Zone: "America/Caracas", Title: sightline.Text{"en": "A <case> & more"}},
		Items: []*sightline.Item{
			{ID: "X-1", Media: "video", Name: "a&b.mp4", Device: "Ficta F1", DurationMS: 6000, Times: read(t0, t0+999), Public: pub},
			{ID: "X-2", Media: "audio", Name: "=r.wav", DurationMS: 30_000, Public: pub},
			{ID: "X-3", Media: "photo", Device: "Ficta F1", Times: read(t0+90_000, t0+90_999), Public: pub},
			{ID: "X-4", Media: "post", Posted: &posted, Public: sightline.Public{Decision: "withhold"}},
		},
		Observations: []*sightline.Observation{{ID: "X-2.1", Item: "X-2", FromMS: &said, Speaker: "Heron", Text: sightline.Text{"en": "say \"again\" --> <now> &"}}},
		Constraints: []*sightline.Constraint{
			{ID: "K-1", From: "clock:X-1", To: "X-1.start", MinMS: ms(t0), MaxMS: ms(t0 + 999), Evidence: []string{"X-1"}, Strength: "claim"},
			{ID: "K-2", From: order.Z, To: "clock:X-1", MinMS: ms(-30_000), MaxMS: ms(30_000), Evidence: []string{"X-1"}, Strength: "claim"},
			{ID: "K-3", From: "X-1.start", To: "X-2.start", MinMS: ms(-8100), MaxMS: ms(-7900), Evidence: []string{"X-1", "X-2"}, Strength: "firm"},
			{ID: "K-4", From: order.Z, To: "X-1.start", MaxMS: ms(t0 + 10_000), Evidence: []string{"X-4"}, Strength: "firm"},
		},
	}
}

func iv(lo, hi int64) when.Interval {
	a, b := when.Instant(lo), when.Instant(hi)
	return when.Interval{Min: &a, Max: &b}
}

func TestClocksShareOneError(t *testing.T) {
	d := twoTapes()
	c := Clocks(d)
	if len(c) != 1 || c[0].Point != "clock:X-1" || !slices.Equal(c[0].Items, []string{"X-1", "X-3"}) {
		t.Fatalf("clocks: %+v", c)
	}
	// A file of the same device with a smaller id joins the clock in use.
	d.Items = append(d.Items, &sightline.Item{ID: "X-0", Media: "photo", Device: "Ficta F1", Times: d.Items[2].Times})
	if c = Clocks(d); c[0].Point != "clock:X-1" || c[0].Items[0] != "X-0" {
		t.Errorf("with an older file: %+v", c)
	}
	// A time that a method derived is no reading.
	d.Items[0].Times[0].Finding = "F-1"
	if c = Clocks(d); slices.Contains(c[0].Items, "X-1") {
		t.Errorf("a derived time counts as a reading: %+v", c)
	}
}

func TestHypothesesSayWhatIsTaken(t *testing.T) {
	d := twoTapes()
	got := map[string]string{}
	for _, h := range Hypotheses(d) {
		kind := h.Kind
		if h.Kind == "reading" && strings.HasSuffix(h.Constraint.To, ".end") {
			kind = "end"
		}
		got[h.Item+" "+kind] = h.Taken
		if h.Constraint.Text["es"] == "" || len(h.Constraint.Evidence) != 1 || h.Constraint.ID != "" {
			t.Errorf("%+v", h)
		}
	}
	want := map[string]string{"X-1 reading": "K-1", "X-1 length": "", "X-1 end": "", "X-2 length": "", "X-3 reading": "", "X-4 posted": ""}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for k, v := range want {
		if g, ok := got[k]; !ok || g != v {
			t.Errorf("%s: taken as %q, want %q", k, g, v)
		}
	}
}

func TestDerivedHoldsItsProofAndNoMore(t *testing.T) {
	d := twoTapes()
	r := solve(t, d)
	x, err := r.Derive(d, "X-2", "")
	if err != nil {
		t.Fatal(err)
	}
	t0 := int64(1557491020000)
	if *x.Time.Min != when.Instant(t0-30_000-8100) || *x.Time.Max != when.Instant(t0+10_000-7900) {
		t.Errorf("the interval is %d..%d", *x.Time.Min-when.Instant(t0), *x.Time.Max-when.Instant(t0))
	}
	n := new(order.Network)
	if err := json.Unmarshal(x.Finding.Problem, n); err != nil {
		t.Fatal(err)
	}
	a, err := order.Solve(n, order.Options{Conflicts: "all"})
	if err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(a)
	if !bytes.Equal(again, x.Finding.Answer) {
		t.Error("the answer does not follow from the problem")
	}
	if x.Finding.Public {
		t.Error("a finding that rests on a withheld post is public")
	}
	d.Items[3].Public.Decision = "publish"
	if x, _ = r.Derive(d, "X-2", ""); !x.Finding.Public {
		t.Error("a finding whose evidence is public is not")
	}
	d.Items[0].Places = []sightline.Place{{Role: "camera", FuzzM: 150}}
	if x, _ = r.Derive(d, "X-2", ""); x.Finding.Public {
		t.Error("a finding that rests on arrivals at a blurred place is public")
	}
	if _, err := r.Derive(d, "X-3", ""); !errors.Is(err, sightline.ErrInvalid) {
		t.Errorf("an item that no constraint reaches: %v", err)
	}
}

func TestClipsKeepTheirDistance(t *testing.T) {
	d := twoTapes()
	cs, err := Clips(d, solve(t, d))
	if err != nil || len(cs) != 2 {
		t.Fatalf("%+v, %v", cs, err)
	}
	if cs[0].Item != "X-2" || cs[1].Item != "X-1" || cs[1].StartMS-cs[0].StartMS != 8000 || cs[0].ErrorMS != 100 || cs[0].Reference != "X-1" {
		t.Errorf("%+v", cs)
	}
	// Without constraints a clip stands where its item says.
	d.Constraints = nil
	if cs, err = Clips(d, solve(t, d)); err != nil || len(cs) != 1 || cs[0].How != "stated" {
		t.Errorf("%+v, %v", cs, err)
	}
}

func export(t *testing.T, format string) string {
	t.Helper()
	var b strings.Builder
	if err := Export(&b, twoTapes(), format, "en"); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return b.String()
}

func TestExports(t *testing.T) {
	// OTIO: every object names its schema, clips begin after their gaps.
	var o map[string]any
	if err := json.Unmarshal([]byte(export(t, "otio")), &o); err != nil {
		t.Fatal(err)
	}
	tracks := o["tracks"].(map[string]any)["children"].([]any)
	if o["OTIO_SCHEMA"] != "Timeline.1" || len(tracks) != 2 {
		t.Fatalf("otio: %v", o)
	}
	kids := tracks[1].(map[string]any)["children"].([]any)
	gap := kids[0].(map[string]any)["source_range"].(map[string]any)["duration"].(map[string]any)["value"].(float64)
	if first := tracks[0].(map[string]any)["children"].([]any); gap != 8000 || len(kids) != 2 || len(first) != 1 {
		t.Errorf("otio: the second clip begins after %v ms, %d and %d children", gap, len(first), len(kids))
	}

	// XML formats are well formed and refer to what they define.
	for _, f := range []string{"fcpxml", "eaf"} {
		s := export(t, f)
		dec, ids, refs := xml.NewDecoder(strings.NewReader(s)), map[string]bool{}, []string{}
		for {
			tok, err := dec.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			if el, ok := tok.(xml.StartElement); ok {
				for _, a := range el.Attr {
					switch a.Name.Local {
					case "id", "TIME_SLOT_ID", "LINGUISTIC_TYPE_ID":
						ids[a.Value] = true
					case "ref", "format", "TIME_SLOT_REF1", "TIME_SLOT_REF2", "LINGUISTIC_TYPE_REF":
						refs = append(refs, a.Value)
					}
				}
			}
		}
		for _, r := range refs {
			if !ids[r] {
				t.Errorf("%s: %s is not defined", f, r)
			}
		}
		if len(refs) == 0 {
			t.Errorf("%s refers to nothing", f)
		}
	}
	if s := export(t, "fcpxml"); !regexp.MustCompile(`lane="2" name="X-1" offset="\d+/25s"`).MatchString(s) {
		t.Errorf("fcpxml: %s", s)
	}

	// EDL: record out less in is source out less in.
	tc := func(s string) int {
		var v int
		for _, p := range []struct{ at, by int }{{0, 3600 * fps}, {3, 60 * fps}, {6, fps}, {9, 1}} {
			v += int((s[p.at]-'0')*10+(s[p.at+1]-'0')) * p.by
		}
		return v
	}
	lines := regexp.MustCompile(`(?m)^\d{3}  \S{1,8}\s+[VA]\s+C\s+(\S{11}) (\S{11}) (\S{11}) (\S{11})\r$`).FindAllStringSubmatch(export(t, "edl"), -1)
	if len(lines) != 2 {
		t.Fatalf("edl: %q", export(t, "edl"))
	}
	for _, l := range lines {
		if tc(l[2])-tc(l[1]) != tc(l[4])-tc(l[3]) {
			t.Errorf("edl: %v", l)
		}
	}
	if got := tc(lines[1][3]) - tc(lines[0][3]); got != 200 {
		t.Errorf("edl: the clips are %d frames apart, want 200", got)
	}

	rows, err := csv.NewReader(strings.NewReader(export(t, "offsets"))).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][0] != "X-2" || rows[1][4] != "-8000" || rows[1][1] != "'=r.wav" {
		t.Errorf("offsets: %v, %v", rows, err)
	}

	if s := export(t, "srt"); !regexp.MustCompile(`\A1\n00:00:00,000 --> 00:00:01,000\n00:00:00,000 = 2019-05-10T[\d:]+-04:00\n\n2\n00:00:0\d,\d{3} --> 00:00:\d\d,\d{3}\n\[X-2 Heron\] say "again" -> <now> &\n\n\z`).MatchString(s) {
		t.Errorf("srt: %q", s)
	}
	if s := export(t, "vtt"); !strings.HasPrefix(s, "WEBVTT\n\nNOTE ") || strings.Count(s, "-->") != 1 || !strings.Contains(s, "&lt;now&gt; &amp;") {
		t.Errorf("vtt: %q", s)
	}

	// TextGrid: the intervals of a tier leave no hole.
	s := export(t, "textgrid")
	if !strings.HasPrefix(s, "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n") || !strings.Contains(s, `text = "say ""again"" --> <now> &"`) {
		t.Errorf("textgrid: %s", s)
	}
	spans := regexp.MustCompile(`intervals \[\d+\]:\n\s+xmin = (\S+)\n\s+xmax = (\S+)`).FindAllStringSubmatch(s, -1)
	last := "0.000"
	for _, v := range spans {
		if v[1] != last {
			t.Errorf("textgrid: a hole between %s and %s", last, v[1])
		}
		last = v[2]
	}

	n, err := order.Decode([]byte(export(t, "network")))
	if err != nil || len(n.Constraints) != 4 {
		t.Errorf("network: %v", err)
	}
	if err := Export(io.Discard, &sightline.Document{Case: &sightline.Case{}}, "otio", "en"); !errors.Is(err, sightline.ErrInvalid) {
		t.Errorf("a case without recordings: %v", err)
	}
	if err := Export(io.Discard, twoTapes(), "doc", "en"); !errors.Is(err, sightline.ErrInvalid) {
		t.Errorf("an unknown format: %v", err)
	}
}
