package review

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sightline"
	"sightline/when"
)

func at(e, n, r float64) *sightline.Answer {
	return &sightline.Answer{Place: &sightline.Place{Role: "camera", Form: "point", ENU: &[3]float64{e, n, 0}, RadiusM: r}}
}

func during(from, to int64) *sightline.Answer {
	return &sightline.Answer{Time: &sightline.Time{Interval: when.Between(when.Instant(from), when.Instant(to))}}
}

// world is a case with one clip, two observations, a finding made from another
// clip, and what reviews pin.
func world() *sightline.Document {
	min, max := int64(0), int64(60_000)
	return &sightline.Document{
		Case: &sightline.Case{ID: "t", Zone: "UTC"},
		Items: []*sightline.Item{
			{ID: "T-001", Title: sightline.Text{"en": "Clip"}, Media: "video", Held: true, SHA256: strings.Repeat("a", 64), Size: 9, DurationMS: 60_000, Width: 640, Height: 360},
			{ID: "T-002", Title: sightline.Text{"en": "Other"}, Media: "video", Held: true, SHA256: strings.Repeat("b", 64), Size: 9, Times: []sightline.Time{{Interval: when.Between(0, 1000)}}},
		},
		Observations: []*sightline.Observation{{ID: "T-001.1", Item: "T-001", Text: sightline.Text{"en": "A bang."}}},
		Findings:     []*sightline.Finding{{ID: "F-001", About: []string{"T-001"}, Axis: "time", Method: "sync", Inputs: []string{"T-002"}}},
		Constraints:  []*sightline.Constraint{{ID: "K-001", From: "T-001.start", To: "T-001.end", MinMS: &min, MaxMS: &max}},
		Layers:       []*sightline.Layer{{ID: "L-01", File: "scene.json", SHA256: strings.Repeat("c", 64)}},
	}
}

// answer adds a submitted answer as the desk does: pinned, in order, in force.
func answer(d *sightline.Document, person, axis string, a *sightline.Answer, blind bool) *sightline.Review {
	n := int64(len(d.Reviews) + 1)
	r := &sightline.Review{ID: fmt.Sprintf("R-%03d", n), About: "T-001", Axis: axis, Person: person, State: "done", Blind: blind, Order: n, At: fmt.Sprintf("2026-01-01T00:00:%02dZ", n%60), Did: []string{"re_solved"}, Answer: a, Reason: "because"}
	r.Pins = Pin(d, r.About, axis, a)
	d.Reviews = append(d.Reviews, r)
	if !blind {
		Apply(d.Items[0], a)
	}
	return r
}

func TestTwoPeopleTheSecondBlind(t *testing.T) {
	d := world()
	expect := func(want State) *Verdict {
		t.Helper()
		v := Status(d).Of("T-001", "place")
		if v.State != want || v.Why["en"] == "" || v.Why["es"] == "" {
			t.Fatalf("%s, want %s: %v", v.State, want, v.Why)
		}
		return v
	}
	expect(None)
	d.Reviews = append(d.Reviews, &sightline.Review{ID: "R-900", About: "T-001", Axis: "place", Person: "ana", State: "open"})
	expect(Waiting)
	d.Reviews = nil
	answer(d, "ana", "place", at(0, 0, 4), false)
	expect(Answered)
	answer(d, "ben", "place", at(60, 0, 4), true)
	v := expect(Disputed)
	if *v.Agreement.DistanceM != 60 || *v.Agreement.ToleranceM != 15 {
		t.Errorf("%v %v", *v.Agreement.DistanceM, *v.Agreement.ToleranceM)
	}
	r := answer(d, "ana", "place", at(58, 3, 4), false)
	r.Reason = "pair 4 was on the wrong corner"
	v = expect(Verified)
	if v.After == nil || *v.After.DistanceM != 60 || v.Resolved != r.Reason || !slices.Equal(v.Pair, []string{"R-003", "R-002"}) {
		t.Errorf("the disagreement on the way is not told: %+v", v)
	}
	// The item says so, with both names, and the finding is not touched.
	out := Derive(d, []string{"T-001"}, nil)
	if len(out) != 1 {
		t.Fatalf("%d objects", len(out))
	}
	it := out[0].(*sightline.Item)
	if it.Axes.Place.Status != "verified" || !it.Axes.Place.Blind || !slices.Equal(it.Axes.Place.By, []string{"ana", "ben"}) || it.Places[0].Status != "verified" || it.Axes.Place.Pins == "" {
		t.Errorf("%+v %+v", it.Axes.Place, it.Places[0])
	}
	d.Items[0] = it
	if again := Derive(d, []string{"T-001"}, nil); len(again) != 0 {
		t.Errorf("deriving again changes something: %v", again)
	}
	// Another value in force is not what was verified.
	it.Places[0].ENU = &[3]float64{200, 0, 0}
	expect(Unlike)
	if got := Derive(d, []string{"T-001"}, nil)[0].(*sightline.Item); got.Axes.Place.Status != "estimated" || got.Places[0].Status != "estimated" || got.Axes.Place.By != nil {
		t.Errorf("%+v", got.Axes.Place)
	}
}

func TestOnePersonAndTwoWhoSawEachOther(t *testing.T) {
	d := world()
	answer(d, "ana", "time", during(0, 1000), false)
	answer(d, "ana", "time", during(0, 1000), true)
	if v := Status(d).Of("T-001", "time"); v.State != SelfChecked {
		t.Errorf("one person twice: %s", v.State)
	}
	d = world()
	answer(d, "ana", "source", &sightline.Answer{Status: "confirmed"}, false)
	answer(d, "ben", "source", &sightline.Answer{Status: "confirmed"}, false)
	if v := Status(d).Of("T-001", "source"); v.State != Agreed {
		t.Errorf("two who saw each other: %s", v.State)
	}
	answer(d, "eva", "source", &sightline.Answer{Status: "confirmed"}, true)
	if v := Status(d).Of("T-001", "source"); v.State != Verified {
		t.Errorf("a third, blind: %s", v.State)
	}
	answer(d, "leo", "source", &sightline.Answer{Status: "refuted"}, true)
	if v := Status(d).Of("T-001", "source"); v.State != Disputed {
		t.Errorf("a fourth who disagrees: %s", v.State)
	}
	d.Reviews[3].State = "set_aside"
	if v := Status(d).Of("T-001", "source"); v.State != Verified || !slices.Equal(v.SetAside, []string{"R-004"}) || !strings.Contains(v.Why["en"], "R-004") {
		t.Errorf("set aside: %s %v", v.State, v.Why)
	}
}

// Whatever reviews there are: verified needs two people, one of them blind
// after the other, whose answers agree, on the record as it is now.
func TestVerifiedIsNeverMoreThanTheRule(t *testing.T) {
	axes := []string{"place", "time", "source"}
	rapid.Check(t, func(t *rapid.T) {
		d := world()
		axis := rapid.SampledFrom(axes).Draw(t, "axis")
		for range rapid.IntRange(0, 7).Draw(t, "answers") {
			var a *sightline.Answer
			switch axis {
			case "place":
				a = at(rapid.Float64Range(0, 40).Draw(t, "e"), 0, rapid.Float64Range(0, 20).Draw(t, "r"))
			case "time":
				s := rapid.Int64Range(0, 30).Draw(t, "s")
				a = during(s, s+rapid.Int64Range(0, 20).Draw(t, "l"))
			default:
				a = &sightline.Answer{Status: rapid.SampledFrom([]string{"confirmed", "refuted"}).Draw(t, "says")}
			}
			r := answer(d, rapid.SampledFrom([]string{"ana", "ben", "eva"}).Draw(t, "person"), axis, a, rapid.Bool().Draw(t, "blind"))
			r.State = rapid.SampledFrom([]string{"done", "done", "done", "open", "cancelled", "set_aside"}).Draw(t, "state")
		}
		v := Status(d).Of("T-001", axis)
		shuffled := *d
		shuffled.Reviews = rapid.Permutation(d.Reviews).Draw(t, "order")
		if w := Status(&shuffled).Of("T-001", axis); fmt.Sprint(w.State, w.Pair, w.Answers) != fmt.Sprint(v.State, v.Pair, v.Answers) {
			t.Fatalf("the order of the list matters: %v %v", v, w)
		}
		if v.State != Verified {
			return
		}
		find := func(id string) *sightline.Review {
			return d.Reviews[slices.IndexFunc(d.Reviews, func(r *sightline.Review) bool { return r.ID == id })]
		}
		a, b := find(v.Pair[0]), find(v.Pair[1])
		earlier := slices.ContainsFunc(d.Reviews, func(r *sightline.Review) bool {
			return r.State == "done" && r.Person == a.Person && r.Order < b.Order
		})
		if a.Person == b.Person || !b.Blind || !earlier || !Agree(axis, a.Answer, b.Answer).OK || a.State != "done" || b.State != "done" {
			t.Fatalf("verified by %+v and %+v", a, b)
		}
		// One input changes: not verified any more, whichever it is.
		switch rapid.IntRange(0, 4).Draw(t, "change") {
		case 0:
			d.Items[0].SHA256 = strings.Repeat("d", 64)
		case 1:
			d.Observations[0].Text = sightline.Text{"en": "Two bangs."}
		case 2:
			d.Items[0].Facts = append(d.Items[0].Facts, sightline.Fact{Field: "EXIF:Model", Value: "x"})
		case 3:
			d.Items[0].Orientation = 6
		case 4:
			d.Items[0].DuplicateOf = "T-002"
		}
		if w := Status(d).Of("T-001", axis); w.State != Stale {
			t.Fatalf("an input changed and the state is %s", w.State)
		}
	})
}

func TestWhatTheAnswerWasMadeFromIsPinned(t *testing.T) {
	change := map[string]func(*sightline.Document){
		"the finding":               func(d *sightline.Document) { d.Findings[0].Answer = json.RawMessage(`{"x":1}`) },
		"the item it was made from": func(d *sightline.Document) { d.Items[1].Times[0].Interval = when.Between(5, 6) },
		"a constraint":              func(d *sightline.Document) { *d.Constraints[0].MaxMS = 1 },
		"a new constraint": func(d *sightline.Document) {
			d.Constraints = append(d.Constraints, &sightline.Constraint{ID: "K-2", From: "z", To: "T-001.start"})
		},
		"an observation withdrawn":    func(d *sightline.Document) { d.Observations = nil },
		"the time of its publication": func(d *sightline.Document) { d.Items[0].Posted = &sightline.Time{Interval: when.Until(9)} },
	}
	keep := map[string]func(*sightline.Document){
		"the title":        func(d *sightline.Document) { d.Items[0].Title = sightline.Text{"en": "New"} },
		"tags":             func(d *sightline.Document) { d.Items[0].Tags = []string{"x"} },
		"the decision":     func(d *sightline.Document) { d.Items[0].Public.Decision = "publish" },
		"another layer":    func(d *sightline.Document) { d.Layers[0].SHA256 = strings.Repeat("e", 64) },
		"the review":       func(d *sightline.Document) { d.Findings[0].Review = "verified" },
		"another item":     func(d *sightline.Document) { d.Items[1].Title = sightline.Text{"en": "x"} },
		"the workflow":     func(d *sightline.Document) { d.Items[0].Workflow = "reviewed" },
		"the value itself": func(d *sightline.Document) { Apply(d.Items[0], during(7, 8)) },
	}
	a := during(0, 1000)
	a.Time.Finding = "F-001"
	for name, f := range change {
		d := world()
		was := Pin(d, "T-001", "time", a)
		f(d)
		if Pin(d, "T-001", "time", a) == was {
			t.Errorf("%s changed and the pin did not", name)
		}
	}
	for name, f := range keep {
		d := world()
		was := Pin(d, "T-001", "time", a)
		f(d)
		if Pin(d, "T-001", "time", a) != was {
			t.Errorf("%s changed the pin of the time", name)
		}
	}
	// Findings that rest on each other in a ring end.
	d := world()
	d.Findings[0].Inputs = []string{"F-002"}
	d.Findings = append(d.Findings, &sightline.Finding{ID: "F-002", Axis: "time", Inputs: []string{"F-001"}})
	if Pin(d, "T-001", "time", a) == "" {
		t.Error("no pin")
	}
	// The finding follows its answer.
	d = world()
	answer(d, "ana", "time", a, false)
	out := Derive(d, []string{"T-001"}, nil)
	f, ok := out[len(out)-1].(*sightline.Finding)
	if !ok || f.Review != "self-checked" {
		t.Fatalf("%+v", out)
	}
	d.Findings[0] = f
	d.Items[1].Times[0].Interval = when.Between(5, 6)
	out = Derive(d, []string{"T-001"}, nil)
	if f, ok := out[len(out)-1].(*sightline.Finding); !ok || f.Review != "needs_re-review" {
		t.Fatalf("%+v", out)
	}
}

func TestAgreement(t *testing.T) {
	geo := func(lat, lon, r float64) *sightline.Answer {
		return &sightline.Answer{Place: &sightline.Place{Geo: &sightline.Geo{Lat: lat, Lon: lon}, RadiusM: r}}
	}
	ellipse := func(e, n, bearing float64) *sightline.Answer {
		a := at(e, n, 0)
		a.Place.Ellipse = &sightline.Ellipse{SemiMajorM: 40, SemiMinorM: 2, BearingDeg: bearing}
		return a
	}
	cam := func(e float64) *sightline.Answer {
		return &sightline.Answer{Place: &sightline.Place{Camera: &sightline.Camera{Position: [3]float64{e, 0, 0}, Covariance: [][]float64{{100, 0}, {0, 1}}}}}
	}
	for _, c := range []struct {
		name string
		a, b *sightline.Answer
		ok   bool
		tol  float64
	}{
		{"15 m without a radius", at(0, 0, 0), at(15, 0, 0), true, 15},
		{"a hair more", at(0, 0, 0), at(15.001, 0, 0), false, 15},
		{"combined 20 and 21", at(0, 0, 20), at(29, 0, 21), true, 29},
		{"combined, a hair more", at(0, 0, 20), at(29.001, 0, 21), false, 29},
		// An ellipse is long in one direction only.
		{"along the ellipse (north)", ellipse(0, 0, 0), at(0, 39, 0), true, 40},
		{"across the ellipse", ellipse(0, 0, 0), at(39, 0, 0), false, 15},
		{"along a turned ellipse (east)", ellipse(0, 0, 90), at(39, 0, 0), true, 40},
		// chi-square(2, 0.95) = 5.9915, 10 m standard deviation: 24.48 m each, 34.62 m together.
		{"covariances", cam(0), cam(34.6), true, 34.6162},
		{"covariances, too far", cam(0), cam(34.7), false, 34.6162},
		// One minute of arc of latitude at 10 degrees north is 1843.5 m on WGS84.
		{"degrees", geo(10, -67, 0), geo(10+15.0/111_000*0.99, -67, 0), true, 15},
		{"degrees, too far", geo(10, -67, 0), geo(10, -66.9998, 0), false, 15},
		{"the other side of the Earth", geo(0, 0, 0), geo(0, 180, 0), false, 15},
	} {
		for _, g := range []Agreement{Agree("place", c.a, c.b), Agree("place", c.b, c.a)} {
			if g.OK != c.ok || !g.Comparable || math.Abs(*g.ToleranceM-c.tol) > 1e-3 {
				t.Errorf("%s: %v, %.4f m within %.4f m", c.name, g.OK, *g.DistanceM, *g.ToleranceM)
			}
		}
	}
	if g := Agree("place", at(0, 0, 1), geo(10, 0, 1)); g.OK || g.Comparable {
		t.Error("scene metres against degrees were compared")
	}
	if g := Agree("time", during(0, 10), during(10, 20)); !g.OK {
		t.Error("intervals that touch do not overlap")
	}
	if g := Agree("time", during(0, 10), during(12, 20)); g.OK || *g.ApartMS != 2 {
		t.Error("2 ms apart")
	}
	if g := Agree("time", during(0, 10), &sightline.Answer{Time: &sightline.Time{}}); g.OK {
		t.Error("an open interval agrees")
	}
}

func TestBadAnswersAndComments(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	base := func(axis string, a *sightline.Answer) *sightline.Review {
		return &sightline.Review{ID: "R-1", About: "T-001", Axis: axis, Person: "ana", State: "done", Did: []string{"re_solved"}, Answer: a}
	}
	if err := Check(base("place", at(1, 2, 3)), nil); err != nil {
		t.Fatal(err)
	}
	with := func(r *sightline.Review, f func(*sightline.Review)) *sightline.Review { f(r); return r }
	for name, r := range map[string]*sightline.Review{
		"no axis":              base("weather", at(0, 0, 0)),
		"no answer":            base("place", nil),
		"wrong answer":         base("place", during(0, 1)),
		"two answers":          base("place", &sightline.Answer{Place: at(0, 0, 0).Place, Status: "confirmed"}),
		"not a number":         base("place", at(nan, 0, 0)),
		"endless radius":       base("place", at(0, 0, inf)),
		"negative radius":      base("place", at(0, 0, -1)),
		"off the Earth":        base("place", &sightline.Answer{Place: &sightline.Place{Geo: &sightline.Geo{Lat: 91}}}),
		"no coordinate":        base("place", &sightline.Answer{Place: &sightline.Place{Label: sightline.Text{"en": "the house"}}}),
		"verified by itself":   base("place", &sightline.Answer{Place: &sightline.Place{ENU: &[3]float64{}, Status: "verified"}}),
		"time backwards":       base("time", during(2, 1)),
		"open time":            base("time", &sightline.Answer{Time: &sightline.Time{Interval: when.From(1)}}),
		"an invented word":     base("source", &sightline.Answer{Status: "verified"}),
		"nothing done":         with(base("place", at(0, 0, 0)), func(r *sightline.Review) { r.Did = nil }),
		"an invented act":      with(base("place", at(0, 0, 0)), func(r *sightline.Review) { r.Did = []string{"prayed"} }),
		"ticked twice":         with(base("place", at(0, 0, 0)), func(r *sightline.Review) { r.Did = []string{"re_solved", "re_solved"} }),
		"a million characters": with(base("place", at(0, 0, 0)), func(r *sightline.Review) { r.Reason = strings.Repeat("x", 1_000_000) }),
		"right-to-left turned": with(base("place", at(0, 0, 0)), func(r *sightline.Review) { r.Reason = "safe\u202egnp.exe" }),
	} {
		if err := Check(r, nil); !errors.Is(err, sightline.ErrInvalid) {
			t.Errorf("%s was taken: %v", name, err)
		}
	}
	if err := Check(base("place", at(0, 0, 0)), []*sightline.Review{{ID: "R-0", Person: "ana", State: "done"}}); err == nil {
		t.Error("a second answer of one person without a reason was taken")
	}
	it := &sightline.Item{ID: "T-001", DurationMS: 1000}
	ms, long := int64(500), int64(2000)
	for name, c := range map[string]*sightline.Comment{
		"empty":               {Text: " \n"},
		"outside the clip":    {Text: "x", AtMS: &long},
		"outside the picture": {Text: "x", Region: []float64{0.9, 0, 0.2, 0.1}},
		"a flat region":       {Text: "x", Region: []float64{0, 0, 0, 0.1}},
		"half a point":        {Text: "x", Point: []float64{0.5}},
		"point not a number":  {Text: "x", Point: []float64{nan, 0}},
		"control characters":  {Text: "x\x1b[2J"},
		"an invented axis":    {Text: "x", Axis: "mood"},
	} {
		if err := CheckComment(c, it); !errors.Is(err, sightline.ErrInvalid) {
			t.Errorf("%s was taken: %v", name, err)
		}
	}
	good := &sightline.Comment{Text: "<script>alert(1)</script> =cmd|' /C calc'!A0", AtMS: &ms, Region: []float64{0.1, 0.1, 0.2, 0.2}}
	if err := CheckComment(good, it); err != nil {
		t.Errorf("text is text: %v", err)
	}
	if err := CheckComment(good, nil); err == nil {
		t.Error("a region of nothing was taken")
	}
}

func TestGuard(t *testing.T) {
	it := func(f func(*sightline.Item)) *sightline.Item {
		i := &sightline.Item{ID: "T-001", Places: []sightline.Place{{ENU: &[3]float64{1, 2, 3}, Status: "estimated"}}, Times: []sightline.Time{{Interval: when.Between(1, 2)}}}
		if f != nil {
			f(i)
		}
		return i
	}
	for name, f := range map[string]func(*sightline.Item){
		"an axis":    func(i *sightline.Item) { i.Axes.Source.Status = "verified" },
		"a place":    func(i *sightline.Item) { i.Places[0].Status = "verified" },
		"a time":     func(i *sightline.Item) { i.Times[0].Status = "verified" },
		"a new time": func(i *sightline.Item) { i.Times = append(i.Times, sightline.Time{Status: "verified"}) },
		"the names":  func(i *sightline.Item) { i.Axes.Time.By = []string{"ana", "ben"} },
		"blindness":  func(i *sightline.Item) { i.Axes.Time.Blind = true },
		"the pins":   func(i *sightline.Item) { i.Axes.Time.Pins = "x" },
	} {
		if err := Guard(it(nil), it(f)); !errors.Is(err, sightline.ErrInvalid) {
			t.Errorf("%s was set by hand: %v", name, err)
		}
	}
	if err := Guard(it(nil), it(func(i *sightline.Item) { i.Axes.Source.Status = "claimed" })); err != nil {
		t.Error(err)
	}
	moved := it(func(i *sightline.Item) { i.Places[0].Status = "verified" })
	after := it(func(i *sightline.Item) { i.Places[0].Status = "verified"; i.Places[0].ENU = &[3]float64{9, 9, 9} })
	if err := Guard(moved, after); err == nil {
		t.Error("a verified place was moved and stayed verified")
	}
	// The word of another system goes when what it was about changes.
	was := it(func(i *sightline.Item) { i.Axes.Time.Status = "verified" })
	now := it(func(i *sightline.Item) { i.Axes.Time.Status = "verified"; i.Times[0].Interval = when.Between(5, 6) })
	d := &sightline.Document{Items: []*sightline.Item{now}}
	out := Derive(d, []string{"T-001"}, map[string]*sightline.Item{"T-001": was})
	if len(out) != 1 || out[0].(*sightline.Item).Axes.Time.Status != "estimated" {
		t.Errorf("%+v", out)
	}
	if err := GuardFinding(&sightline.Finding{ID: "F"}, &sightline.Finding{ID: "F", Review: "verified"}); err == nil {
		t.Error("a finding was verified by hand")
	}
}

// What a blind reviewer is sent holds the first answer nowhere.
func TestBlindHoldsNothingBack(t *testing.T) {
	d := world()
	secret := 8123.4567
	a := at(secret, secret, 3)
	a.Place.Finding = "F-009"
	a.Place.Camera = &sightline.Camera{Position: [3]float64{secret, secret, 2}}
	answer(d, "ana", "place", a, false)
	d.Items[0].Notes = "stands at 8123.4567"
	d.Items[1].DuplicateOf = "T-001"
	d.Items[1].Places = []sightline.Place{*a.Place}
	d.Findings = append(d.Findings, &sightline.Finding{ID: "F-009", Axis: "place", About: []string{"T-001"}, Answer: json.RawMessage(`{"position":[8123.4567]}`)})
	d.Events = []*sightline.Event{{ID: "E-1", Items: []string{"T-001"}, Places: []sightline.Place{*a.Place}}}
	d.Observations[0].Places = []sightline.Place{*a.Place}
	d.Comments = []*sightline.Comment{{ID: "Q-1", About: "T-001", Person: "ana", Text: "I get 8123.4567"}, {ID: "Q-2", About: "T-001", Person: "ben", Text: "mine"}}
	d.Stories = []*sightline.Story{{ID: "s", Steps: []sightline.Step{{ID: "1", Text: sightline.Text{"en": "Filmed from 8123.4567 [T-001]."}, View: sightline.View{Camera: &sightline.ViewCamera{Item: "T-001", Eye: [3]float64{secret}}}}}}}
	d.Reviews = append(d.Reviews, &sightline.Review{ID: "R-050", About: "T-001", Axis: "place", Person: "ben", State: "open", Blind: true})
	before, _ := json.Marshal(d)
	if !strings.Contains(string(before), "8123.4567") {
		t.Fatal("nothing to hide")
	}
	v := VeilOf(d.Reviews, d.Items, "ben")
	b, err := json.Marshal(v.Document(d))
	if err != nil || strings.Contains(string(b), "8123.4567") {
		i := strings.Index(string(b), "8123.4567")
		t.Fatalf("%v: …%s…", err, b[max(0, i-200):min(len(b), i+40)])
	}
	if !strings.Contains(string(b), "mine") || !strings.Contains(string(b), "R-050") {
		t.Error("what the person wrote or was asked is gone too")
	}
	if after, _ := json.Marshal(d); string(after) != string(before) {
		t.Error("the document itself was changed")
	}
	if x, _ := json.Marshal(VeilOf(d.Reviews, d.Items, "ana").Document(d)); string(x) != string(before) {
		t.Error("the first analyst is sent less")
	}
	d.Reviews[1].State = "done"
	if !VeilOf(d.Reviews, d.Items, "ben").Empty() {
		t.Error("still hidden after the answer")
	}
}

func FuzzStatus(f *testing.F) {
	d := world()
	answer(d, "ana", "place", at(0, 0, 4), false)
	b, _ := json.Marshal(d)
	f.Add(b)
	f.Add([]byte(`{"items":[{"id":"a"}],"reviews":[{"about":"a","axis":"place","state":"done","person":"p","answer":{}},{"about":"a","axis":"time","state":"done"}]}`))
	f.Add([]byte(`{"items":[{"id":"a","places":[{"camera":{"covariance":[[1],[]]}}]}],"reviews":[{"id":"1","about":"a","axis":"place","state":"done","person":"p","answer":{"place":{"camera":{"covariance":[[1]]}}}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d sightline.Document
		if json.Unmarshal(b, &d) != nil || slices.Contains(d.Items, nil) || slices.Contains(d.Reviews, nil) || slices.Contains(d.Observations, nil) || slices.Contains(d.Findings, nil) || slices.Contains(d.Constraints, nil) || slices.Contains(d.Layers, nil) || slices.Contains(d.Claims, nil) || slices.Contains(d.Events, nil) {
			t.Skip()
		}
		for _, v := range Status(&d).Verdicts {
			if v.State == Verified && len(v.Pair) != 2 {
				t.Fatalf("%+v", v)
			}
		}
		Derive(&d, Touched(&d), nil)
	})
}
