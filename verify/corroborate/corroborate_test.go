package corroborate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sightline"
	"sightline/when"
)

func item(id string, f func(*sightline.Item)) *sightline.Item {
	it := &sightline.Item{ID: id, SHA256: fmt.Sprintf("%064x", id), Media: "video", Held: true}
	if f != nil {
		f(it)
	}
	return it
}

func link(to, strength string) sightline.Link { return sightline.Link{To: to, Strength: strength} }

// Ten posts of one clip are one source.
func TestRepostsCountOnce(t *testing.T) {
	pdq := "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
	near := "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b2f"
	d := &sightline.Document{Items: []*sightline.Item{
		item("A-1", func(i *sightline.Item) { i.Source.Recording = "clip" }),
		item("A-2", func(i *sightline.Item) { i.Source.Recording = "clip" }),
		item("A-3", func(i *sightline.Item) { i.DuplicateOf = "A-2" }),
		item("A-4", func(i *sightline.Item) { i.Hashes = map[string]string{"pdq": pdq, "pdq_quality": "100"} }),
		item("A-5", func(i *sightline.Item) {
			i.Hashes = map[string]string{"pdq": near, "pdq_quality": "100"}
			i.DuplicateOf = "A-1"
		}),
		item("B-1", func(i *sightline.Item) { i.Source.URL = "https://twitter.com/Ana/status/1" }),
		item("B-2", func(i *sightline.Item) { i.Source.URL = "https://x.com/ana/status/2" }),
		item("B-3", func(i *sightline.Item) { i.Source.URL = "https://news.example/one" }),
		item("B-4", func(i *sightline.Item) { i.Source.URL = "https://www.news.example/one/?utm_source=x" }),
		item("B-5", func(i *sightline.Item) { i.Source.URL = "https://news.example/two" }),
		item("B-6", func(i *sightline.Item) { i.Hashes = map[string]string{"pdq": pdq, "pdq_quality": "3"} }),
	}}
	var got []string
	for _, s := range Sources(d) {
		got = append(got, strings.Join(s.Items, "+"))
	}
	want := []string{"A-1+A-2+A-3+A-4+A-5", "B-1+B-2", "B-3+B-4", "B-5", "B-6"}
	if !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	for _, s := range Sources(d)[:3] {
		if len(s.Ties) < len(s.Items)-1 {
			t.Errorf("%s: a group without its reasons: %v", s.ID, s.Ties)
		}
	}
	d.Observations = []*sightline.Observation{{ID: "A-2.1", Item: "A-2"}}
	d.Claims = []*sightline.Claim{{ID: "C-01", For: []sightline.Link{link("A-1", "weak"), link("A-2.1", "strong"), link("A-5", "moderate")}}}
	c := Make(d, Options{}).Claims[0]
	if len(c.For) != 1 || c.For[0].Counted != 3 || c.For[0].Strength != "strong" || c.Suggest != "partly" {
		t.Errorf("%+v", c)
	}
	d.Claims[0].For = append(d.Claims[0].For, link("B-1", "moderate"))
	if c := Make(d, Options{}).Claims[0]; c.Suggest != "supported" || len(c.Pivots) != 2 || len(c.Change) < 3 {
		t.Errorf("%+v", c)
	}
	d.Claims[0].Against = []sightline.Link{link("B-5", "strong")}
	if c := Make(d, Options{}).Claims[0]; c.Suggest != "contested" {
		t.Errorf("%+v", c)
	}
}

// A repetition never strengthens, and more against never helps.
func TestWeightsAreMonotone(t *testing.T) {
	order := []string{"contradicted", "contested", "unsupported", "partly", "supported"}
	rapid.Check(t, func(t *rapid.T) {
		d := &sightline.Document{}
		for i := range 6 {
			d.Items = append(d.Items, item(fmt.Sprintf("A-%d", i), func(it *sightline.Item) {
				it.Source.Recording = rapid.SampledFrom([]string{"", "", "x", "y"}).Draw(t, "rec")
			}))
		}
		draw := func(name string) (ls []sightline.Link) {
			for range rapid.IntRange(0, 4).Draw(t, name) {
				ls = append(ls, link(fmt.Sprintf("A-%d", rapid.IntRange(0, 5).Draw(t, "i")), rapid.SampledFrom([]string{"strong", "moderate", "weak", ""}).Draw(t, "s")))
			}
			return ls
		}
		c := &sightline.Claim{ID: "C-1", For: draw("for"), Against: draw("against")}
		d.Claims = []*sightline.Claim{c}
		was := Make(d, Options{}).Claims[0]
		if len(c.For) > 0 {
			again := *c
			again.For = append(slices.Clone(c.For), c.For[rapid.IntRange(0, len(c.For)-1).Draw(t, "which")])
			d.Claims[0] = &again
			if now := Make(d, Options{}).Claims[0]; now.Suggest != was.Suggest || len(now.For) != len(was.For) {
				t.Fatalf("said again, %s became %s", was.Suggest, now.Suggest)
			}
		}
		d.Items = append(d.Items, item("Z-9", nil))
		worse := *c
		worse.Against = append(slices.Clone(c.Against), link("Z-9", "strong"))
		d.Claims[0] = &worse
		now := Make(d, Options{}).Claims[0]
		if slices.Index(order, now.Suggest) > slices.Index(order, was.Suggest) {
			t.Fatalf("with one more against, %s became %s", was.Suggest, now.Suggest)
		}
	})
}

func TestSums(t *testing.T) {
	for s, want := range map[string]string{
		"8 admitted: 6 wounded and 3 dead":                                 "6 + 3 = 9",
		"8 admitted: 5 wounded and 3 dead":                                 "",
		"Eight people admitted: six wounded and three dead.":               "6 + 3 = 9",
		"Ingresaron 8 personas: 6 heridos y 3 muertos":                     "6 + 3 = 9",
		"8 ingresados: seis heridos y dos muertos":                         "",
		"Nueve muertos (siete hombres y una mujer)":                        "", // "una" is as often an article as a number
		"Nine dead (seven men and three women), in all":                    "7 + 3 = 10",
		"15 people, of whom 7 dead and 6 detained":                         "7 + 6 = 13",
		"15 personas, de las cuales 7 muertos y 8 detenidos":               "",
		"At 11:15 there were 4 shots and 2 dead":                           "",
		"7 dead. 6 arrested and 8 wounded.":                                "",
		"7 dead":                                                           "",
		"On 15 January 2018: 7 dead and 6 arrested":                        "",
		"Twenty-two officers: twelve wounded, two dead and eight arrested": "",
		"Twenty-two officers: twelve wounded, two dead and nine arrested":  "12 + 2 + 9 = 23",
		"1,200 people admitted: 1,000 wounded and 201 dead":                "1000 + 201 = 1201",
		"veintidós funcionarios: doce heridos y nueve muertos":             "12 + 9 = 21",
		"<script>8 admitted: 6 wounded and 3 dead</script>":                "",
		strings.Repeat("8 admitted: 6 ", 2000) + "wounded":                 "",
	} {
		got := ""
		if f := Sums(s, "en"); len(f) > 0 {
			_, got, _ = strings.Cut(f[0].Text["en"], "parts are ")
			got = strings.TrimSuffix(got, ".")
		}
		if got != want {
			t.Errorf("%q: %q, want %q (%v)", s[:min(len(s), 80)], got, want, Numbers(s)[:min(4, len(Numbers(s)))])
		}
	}
}

func FuzzSums(f *testing.F) {
	f.Add("8 admitted: 6 wounded and 3 dead")
	f.Add("veintidós: ( ) ٣ 9999999999999999999 heridos")
	f.Fuzz(func(t *testing.T, s string) {
		for _, n := range Numbers(s) {
			if n.N < 0 || n.Unit == "" {
				t.Fatalf("%+v", n)
			}
		}
		Sums(s, "en")
	})
}

func at(e, n, r float64) sightline.Place {
	return sightline.Place{Role: "subject", Form: "point", ENU: &[3]float64{e, n, 0}, RadiusM: r}
}

func TestContradictions(t *testing.T) {
	ms := func(v int64) *int64 { return &v }
	long := at(0, 0, 0)
	long.Ellipse = &sightline.Ellipse{SemiMajorM: 60, SemiMinorM: 1, BearingDeg: 90}
	look := item("T-1", func(i *sightline.Item) {
		i.Places = []sightline.Place{{Role: "camera", Camera: &sightline.Camera{Position: [3]float64{0, -50, 2}}}}
		i.Times = []sightline.Time{{Interval: when.Between(0, 1000)}}
	})
	d := &sightline.Document{
		Case:  &sightline.Case{Zone: "UTC"},
		Items: []*sightline.Item{look, item("T-2", nil)},
		Constraints: []*sightline.Constraint{
			{ID: "K-1", From: "z", To: "E-1.start", MinMS: ms(1000), MaxMS: ms(2000), Evidence: []string{"T-1"}, Strength: "firm"},
			{ID: "K-2", From: "z", To: "E-1.start", MinMS: ms(5000), MaxMS: ms(6000), Evidence: []string{"T-2"}, Strength: "claim", Accounts: []string{"gov"}},
		},
		Events: []*sightline.Event{
			{ID: "E-1", Places: []sightline.Place{at(0, 0, 10), at(100, 0, 20)}},
			{ID: "E-2", Places: []sightline.Place{long, at(70, 0, 5)}},
			{ID: "E-3", Places: []sightline.Place{long, at(0, 70, 5)}},
			{ID: "E-4", Places: []sightline.Place{at(0, 0, 40), at(70, 0, 30)}},
		},
		Observations: []*sightline.Observation{{ID: "T-1.1", Item: "T-1", Places: []sightline.Place{at(0, 0, 1)}}, {ID: "T-1.2", Item: "T-1", Places: []sightline.Place{at(9, 9, 1)}}},
		Claims: []*sightline.Claim{
			{ID: "C-1", Text: sightline.Text{"en": "8 admitted: 6 wounded and 3 dead", "es": "8 ingresados: 6 heridos y 3 muertos"}, Items: []string{"T-2"}},
			{ID: "C-2", Question: "dead", Text: sightline.Text{"en": "Seven dead"}},
			{ID: "C-3", Question: "dead", Text: sightline.Text{"es": "9 muertos"}},
			{ID: "C-4", Time: &sightline.Time{Interval: when.Between(5000, 9000)}, For: []sightline.Link{link("T-1.1", "strong")}},
		},
	}
	see := func(it *sightline.Item, p [3]float64) (float64, string, bool) {
		if p[0] == 0 {
			return 0.01, "the house", true
		}
		return 0.99, "", true
	}
	var got []string
	for _, c := range Make(d, Options{See: see}).Contradictions {
		got = append(got, c.By+" "+strings.Join(c.Refs, " ")+" "+c.Size)
		if c.Text["en"] == "" || c.Text["es"] == "" {
			t.Errorf("%+v", c)
		}
	}
	want := []string{
		"time K-1 T-1 K-2 T-2 3.0 s", "time C-4 T-1.1 ",
		"place E-1 70 m", "place E-2 5 m", "place E-3 64 m",
		"sight T-1.1 T-1 1 % chance of a free line",
		"arithmetic C-1 T-2 1", "arithmetic C-2 C-3 2",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("\n got %q\nwant %q", got, want)
	}
	if r := Make(d, Options{}); len(r.Notes) != 1 {
		t.Errorf("without a scene it should say that sight lines were not asked: %v", r.Notes)
	}
}

func TestMatrix(t *testing.T) {
	d := &sightline.Document{
		Items:    []*sightline.Item{item("A-1", nil), item("A-2", nil), item("A-3", nil)},
		Accounts: []*sightline.Account{{ID: "gov", Order: 1}, {ID: "res", Order: 2}, {ID: "none", Order: 3}},
		Claims: []*sightline.Claim{
			{ID: "C-1", Account: "gov", Question: "first shot", For: []sightline.Link{link("A-1", "strong"), link("A-2", "weak")}, Against: []sightline.Link{link("A-3", "strong")}},
			{ID: "C-2", Account: "res", Question: "first shot", For: []sightline.Link{link("A-1", "strong"), link("A-3", "strong")}},
		},
	}
	ms := Make(d, Options{}).Matrices
	if len(ms) != 2 || ms[0].Question != "first shot" || len(ms[1].Hypotheses) != 2 {
		t.Fatalf("%+v", ms)
	}
	m := ms[0]
	if r := m.Rows[0]; r.Source != "A-3" || r.Diagnostic != 1 || r.Consistency != "splits" || r.Cells[0] != -3 || r.Cells[1] != 3 {
		t.Errorf("%+v", r)
	}
	if r := m.Rows[2]; r.Source != "A-1" || r.Diagnostic != 0 || r.Consistency != "same" {
		t.Errorf("what fits all alike tells nothing: %+v", r)
	}
	if m.Hypotheses[0].Against != 3 || m.Hypotheses[1].Against != 0 {
		t.Errorf("%+v", m.Hypotheses)
	}
}

func TestCoverage(t *testing.T) {
	min := int64(60_000)
	clip := func(id string, from, to, dur int64, whole bool, side string) *sightline.Item {
		return item(id, func(i *sightline.Item) {
			i.Times = []sightline.Time{{Interval: when.Between(when.Instant(from), when.Instant(to)), Whole: whole}}
			i.DurationMS, i.Source.Perspective = dur, side
		})
	}
	d := &sightline.Document{
		Case: &sightline.Case{Zone: "America/Caracas"},
		Items: []*sightline.Item{
			clip("A-1", 0, 10*min, 0, true, "citizen"),
			// Ten minutes long, somewhere in twelve: certainly minutes 14 to 22.
			clip("A-2", 12*min, 24*min, 10*min, false, "press"),
			// Two minutes long, somewhere in twelve: nothing is certain.
			clip("A-3", 12*min, 24*min, 2*min, false, "citizen"),
			clip("A-4", 9*min, 11*min, 0, true, "press"),
			clip("A-5", 40*min, 45*min, 0, true, "press"),
		},
		Gaps: []*sightline.Gap{{ID: "G-01", Time: &sightline.Time{Interval: when.Between(when.Instant(30*min), when.Instant(31*min))}}},
	}
	d.Items[4].Held = false // a record of a clip covers nothing
	c := Cover(d, CoverOptions{Window: when.Between(0, when.Instant(35*min))})
	var got []string
	for _, p := range c.Gaps {
		got = append(got, fmt.Sprintf("%s %d-%d %v %v %v", p.Kind, int64(*p.Gap.Time.Min)/min, int64(*p.Gap.Time.Max)/min, p.Gap.Items, p.Possible, p.Known))
		if p.Gap.Title["es"] == "" || p.Gap.Asked["en"] == "" || p.Gap.ID != "" {
			t.Errorf("%+v", p.Gap)
		}
	}
	want := []string{"time 11-14 [A-4 A-2] [A-3] []", "time 22-35 [A-2] [A-3] [G-01]", "viewpoint 0-9 [A-1] [] []", "viewpoint 10-11 [A-4] [] []", "viewpoint 14-22 [A-2] [] []"}
	if !slices.Equal(got, want) || c.Covered != 19*min || !strings.Contains(c.Gaps[0].Gap.Title["en"], "20:11:00") || !slices.Equal(c.Gaps[1].Known, []string{"G-01"}) {
		t.Errorf("%q %d %v", got, c.Covered/min, c.Gaps[0].Gap.Title)
	}
	if c := Cover(&sightline.Document{}, CoverOptions{}); len(c.Notes) == 0 || len(c.Gaps) != 0 {
		t.Errorf("%+v", c)
	}
	// Space: an event that a camera looks at, one that it does not.
	cam := func(e float64, q [4]float64) sightline.Place {
		return sightline.Place{Role: "camera", Camera: &sightline.Camera{Width: 640, Height: 360, FocalPx: 500, Principal: [2]float64{320, 180}, Position: [3]float64{e, -50, 0}, Rotation: q}}
	}
	north := [4]float64{0.7071067811865476, 0.7071067811865476, 0, 0} // z forward is north, y down
	d.Items[0].Places = []sightline.Place{cam(0, north)}
	ev := func(id string, n float64) *sightline.Event {
		return &sightline.Event{ID: id, Title: sightline.Text{"en": id, "es": id}, Times: []sightline.Time{{Interval: when.Between(when.Instant(min), when.Instant(2*min))}}, Places: []sightline.Place{at(0, n, 1)}}
	}
	d.Events = []*sightline.Event{ev("E-1", 0), ev("E-2", -100)}
	kinds := map[string]string{}
	for _, p := range Cover(d, CoverOptions{}).Gaps {
		if len(p.Gap.Places) > 0 {
			kinds[p.Gap.Title["en"]] = p.Kind + " " + p.Gap.Asked["en"]
		}
	}
	if len(kinds) != 2 || !strings.HasPrefix(kinds["No camera on: E-2"], "space") || kinds["Only one side: E-1"] != "viewpoint Pictures of the same moment from the north." {
		t.Errorf("%v", kinds)
	}
}

// No instant is called a gap that a certain span covers, and every instant of
// the window is covered or in a hole.
func TestHolesAndSpansFillTheWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var spans []Span
		for range rapid.IntRange(0, 8).Draw(t, "n") {
			a := rapid.Int64Range(-20, 120).Draw(t, "a")
			spans = append(spans, Span{FromMS: a, ToMS: a + rapid.Int64Range(1, 40).Draw(t, "l")})
		}
		slices.SortFunc(spans, func(a, b Span) int { return int(a.FromMS - b.FromMS) })
		hs := holes(when.Between(0, 100), spans)
		for x := int64(0); x < 100; x++ {
			in, covered := 0, false
			for _, h := range hs {
				if x >= h[0] && x+1 <= h[1] {
					in++
				}
			}
			for _, s := range spans {
				covered = covered || s.FromMS <= x && s.ToMS >= x+1
			}
			if in > 1 || (in == 1) == covered {
				t.Fatalf("%d: in %d holes, covered %v: %v %v", x, in, covered, spans, hs)
			}
		}
	})
}

func FuzzMake(f *testing.F) {
	f.Add([]byte(`{"items":[{"id":"a","hashes":{"pdq":"x"},"duplicate_of":"a"},{"id":"b","source":{"url":"http://[::1"}}],"claims":[{"id":"c","for":[{"to":"c"}]}],"constraints":[{"id":"k","from":"z","to":"z"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d sightline.Document
		if json.Unmarshal(b, &d) != nil || slices.Contains(d.Items, nil) || slices.Contains(d.Claims, nil) || slices.Contains(d.Findings, nil) || slices.Contains(d.Events, nil) || slices.Contains(d.Constraints, nil) || slices.Contains(d.Gaps, nil) || slices.Contains(d.Observations, nil) || slices.Contains(d.Accounts, nil) {
			t.Skip()
		}
		Make(&d, Options{})
		Cover(&d, CoverOptions{})
	})
}
