package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"sightline"
	"sightline/digest"
	"sightline/when"
)

func both(s string) sightline.Text { return sightline.Text{"en": s, "es": s + " (es)"} }

func minuteOf(min, max int64) sightline.Time {
	return sightline.Time{Interval: when.Between(when.Instant(min), when.Instant(max)), Precision: "interval"}
}

// small is a case that may be published as it stands.
func small() *sightline.Document {
	const noon = 1515168000000 // 2018-01-05T16:00Z
	item := func(id string, from, to int64) *sightline.Item {
		return &sightline.Item{
			ID: id, Title: both("A record"), Seen: both("Somebody says something."), Media: "record", SHA256: strings.Repeat("ab", 32), Size: 3,
			Source: sightline.Source{Name: both("A paper"), Perspective: "press", Type: "press"}, Lane: "press", Times: []sightline.Time{minuteOf(from, to)},
			Public: sightline.Public{Decision: "publish"}, Rights: sightline.Rights{Licence: "CC0-1.0", Consent: "not_needed"}, Notes: "internal canary", Name: "canary-name.jpg",
		}
	}
	a, b := item("TS-001", noon, noon+60_000), item("TS-002", noon+600_000, noon+1_200_000)
	b.SHA256 = strings.Repeat("cd", 32)
	return &sightline.Document{
		Format: sightline.DocumentFormat,
		Case: &sightline.Case{ID: "test", Prefix: "TS", Title: both("A test"), Summary: both("Something happened [TS-001]."), Zone: "America/Caracas", Date: "2018-01-05",
			Languages: []string{"en", "es"}, Limits: both("not established: Much."), Unverified: both("One person made this."), Method: both("context: By hand."), Exercise: true},
		Items:    []*sightline.Item{a, b},
		Accounts: []*sightline.Account{{ID: "press", Letter: "W", Title: both("Press"), Order: 1, Lane: true}},
		Claims: []*sightline.Claim{{ID: "C-01", Account: "press", Text: both("It happened"), Items: []string{"TS-001"}, Status: "contested", NotShown: both("Why."), Public: true,
			For: []sightline.Link{{To: "TS-001"}}, Against: []sightline.Link{{To: "TS-002"}}}},
		Gaps:    []*sightline.Gap{{ID: "G-01", Title: both("Between"), Text: both("Nothing [TS-001]."), Public: true}},
		Stories: []*sightline.Story{{ID: "s", Title: both("Story"), Public: true, Steps: []sightline.Step{{ID: "1", Title: both("First"), Text: sightline.Text{"en": "It happened [TS-001].\n\nnot established: Why.", "es": "Ocurrió [TS-001].\n\nnot established: Por qué."}, Still: both("A drawing")}}}},
		Head:    sightline.Head{Size: 7, Root: strings.Repeat("00", 32)},
	}
}

func build(t *testing.T, doc *sightline.Document, out string) *Result {
	t.Helper()
	res, err := Build(context.Background(), Input{
		Doc: doc, Number: 1, Date: "2018-01-06T00:00:00Z", Version: "test", FuzzKey: []byte("secret"),
		Log:    LogMaterial{Origin: "test/case", Size: 7, Root: doc.Head.Root},
		Still:  func(context.Context, StillRequest) (Picture, error) { return Picture{[]byte("png"), ".png"}, nil },
		Assets: fstest.MapFS{"edition/page.js": {Data: []byte("1")}, "edition/page.js.gz": {Data: []byte("z")}},
	}, out)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestTwoBuildsAreEqual(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	a, b := build(t, small(), one), build(t, small(), two)
	if a.Manifest != b.Manifest {
		t.Fatalf("manifests differ: %s, %s", a.Manifest, b.Manifest)
	}
	err := filepath.WalkDir(one, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(one, p)
		x, _ := os.ReadFile(p)
		y, err := os.ReadFile(filepath.Join(two, rel))
		if err != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs", rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCheckNamesEveryTampering(t *testing.T) {
	ctx := context.Background()
	tamper := []struct {
		name  string
		where string
		do    func(dir string) error
	}{
		{"one byte", "s/1.html", func(d string) error { return flip(filepath.Join(d, "s/1.html"), 100) }},
		{"a byte of the data", "data/document.json", func(d string) error { return flip(filepath.Join(d, "data/document.json"), 9) }},
		{"missing", "items.html", func(d string) error { return os.Remove(filepath.Join(d, "items.html")) }},
		{"added", "extra.html", func(d string) error { return os.WriteFile(filepath.Join(d, "extra.html"), []byte("x"), 0o644) }},
		{"cut short", "a/edition.css", func(d string) error { return os.Truncate(filepath.Join(d, "a/edition.css"), 10) }},
		{"longer", "a/page.js", func(d string) error { return os.WriteFile(filepath.Join(d, "a/page.js"), []byte("12"), 0o644) }},
		{"swapped", "c/C-01.html", func(d string) error {
			return os.Rename(filepath.Join(d, "c/C-01.es.html"), filepath.Join(d, "c/C-01.html"))
		}},
		{"a link", "gaps.html", func(d string) error {
			os.Remove(filepath.Join(d, "gaps.html"))
			return os.Symlink("items.html", filepath.Join(d, "gaps.html"))
		}},
		{"manifest edited", "manifest.json", func(d string) error {
			return replaceIn(filepath.Join(d, "manifest.json"), `"number": 1`, `"number": 2`)
		}},
		{"digest edited in one list", "s/1.html", func(d string) error {
			b, err := os.ReadFile(filepath.Join(d, "SHA256SUMS"))
			if err != nil {
				return err
			}
			line := regexp.MustCompile(`(?m)^[0-9a-f]{64}  s/1\.html$`).Find(b)
			return replaceIn(filepath.Join(d, "SHA256SUMS"), string(line), strings.Repeat("0", 64)+"  s/1.html")
		}},
		{"list of digests gone", "SHA256SUMS", func(d string) error { return os.Remove(filepath.Join(d, "SHA256SUMS")) }},
	}
	out := t.TempDir()
	res := build(t, small(), out)
	rep, err := Check(ctx, res.Dir, nil, nil)
	if err != nil || len(rep.Faults) != 0 || rep.Files != res.Files {
		t.Fatalf("a fresh edition: %+v, %v", rep, err)
	}
	for _, c := range tamper {
		t.Run(c.name, func(t *testing.T) {
			out := t.TempDir()
			res := build(t, small(), out)
			if err := c.do(res.Dir); err != nil {
				t.Fatal(err)
			}
			rep, err := Check(ctx, res.Dir, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range rep.Faults {
				if f.Where == c.where {
					return
				}
			}
			t.Errorf("%s was not named: %+v", c.where, rep.Faults)
		})
	}
	if _, err := Check(ctx, t.TempDir(), nil, nil); err == nil {
		t.Error("an empty folder was accepted as an edition")
	}
}

func flip(path string, at int) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[at] ^= 1
	return os.WriteFile(path, b, 0o644)
}

func replaceIn(path, from, to string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, bytes.Replace(b, []byte(from), []byte(to), 1), 0o644)
}

func TestNothingPrivateGoesOut(t *testing.T) {
	doc := small()
	h := 12.5
	hidden := &sightline.Item{ID: "TS-003", Title: both("hidden canary"), Public: sightline.Public{Decision: "withhold", Reason: both("A source is at risk.")}}
	doc.Items = append(doc.Items, hidden)
	it := doc.Items[0]
	it.Device, it.Triage, it.Axes.Source.By = "canary-device", &sightline.Triage{By: "canary-person"}, []string{"canary-analyst"}
	it.Places = []sightline.Place{{Role: "camera", Form: "camera", Geo: &sightline.Geo{Lat: 10.46331, Lon: -67.07941, H: &h}, ENU: &[3]float64{1, 2, 3}, FuzzM: 500,
		Camera: &sightline.Camera{Width: 10, Height: 10, FocalPx: 123.25}, Ellipse: &sightline.Ellipse{SemiMajorM: 3, SemiMinorM: 1}}}
	doc.Findings = []*sightline.Finding{{ID: "F-001", Text: both("f"), Analyst: "canary-analyst", Public: true}}
	doc.Claims[0].Against = append(doc.Claims[0].Against, sightline.Link{To: "TS-002"})
	out := t.TempDir()
	build(t, doc, out)
	err := filepath.WalkDir(out, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, _ := os.ReadFile(p)
		for _, secret := range []string{"canary", "10.46331", "67.07941", "123.25", "12.5"} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s holds %q", p, secret)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	pub := Public(doc, []byte("secret"))
	g := pub.Items[0].Places[0].Geo
	if g == nil || (g.Lat == 10.46331 && g.Lon == -67.07941) || pub.Items[0].Places[0].Camera != nil {
		t.Errorf("the place was not blurred: %+v", pub.Items[0].Places[0])
	}
	if other := Public(doc, []byte("another")).Items[0].Places[0].Geo; *other == *g {
		t.Error("the blur does not depend on the secret")
	}
	if Public(doc, nil).Items[0].Places[0].Geo != nil {
		t.Error("without the secret the coordinate went out")
	}
}

// relied is the standing of a case that nobody reviewed.
func relied(d *sightline.Document) *Verification {
	v := &Verification{}
	for _, it := range d.Items {
		v.Axes = append(v.Axes, Standing{Item: it.ID, Axis: sightline.AxisSource, State: "none", Relied: it.ID})
	}
	return v
}

// What two people did not verify goes out only when it is said; what they
// disagree on needs words of its own; what the rules contradict never goes out.
func TestWhatIsNotVerified(t *testing.T) {
	codes := func(d *sightline.Document, v *Verification) (out []string) {
		for _, p := range Preflight(d, v) {
			out = append(out, p.Ref.ID+" "+p.Code)
		}
		return out
	}
	d := small()
	d.Case.Unverified = nil
	if got := strings.Join(codes(d, relied(d)), ", "); got != "TS-001 unverified, TS-002 unverified" {
		t.Errorf("nobody reviewed and nothing is said: %s", got)
	}
	d.Items[0].Axes.Source.Reason = both("The paper was read in an archive.")
	if got := strings.Join(codes(d, relied(d)), ", "); got != "TS-002 unverified" {
		t.Errorf("said for one item: %s", got)
	}
	d.Case.Unverified = both("One person made this.")
	if got := codes(d, relied(d)); got != nil {
		t.Errorf("said for the case: %v", got)
	}
	v := relied(d)
	v.Axes[1].State = "disputed"
	if got := strings.Join(codes(d, v), ", "); got != "TS-002 review_open" {
		t.Errorf("a dispute is not covered by what is said for the case: %s", got)
	}
	d.Items[1].Axes.Source.Status = "verified"
	for _, state := range []string{"none", "self-checked", "needs_re-review"} {
		v.Axes[1].State = state
		if got := strings.Join(codes(d, v), ", "); got != "TS-002 verified_in_word_only" {
			t.Errorf("%s, and the item says verified: %s", state, got)
		}
	}
	v.Axes[1].State, v.Axes[1].After = "verified", &sightline.Text{"en": "60.0 m apart", "es": "a 60.0 m"}
	out := t.TempDir()
	res, err := Build(context.Background(), Input{Doc: d, Number: 1, Date: "2018-01-06T00:00:00Z", Version: "test", FuzzKey: []byte("secret"), Log: LogMaterial{Origin: "test/case", Size: 7, Root: d.Head.Root}, Verification: v,
		Corroborate: func(*sightline.Document) *Corroboration {
			return &Corroboration{Schema: CorroborationSchema, Claims: []ClaimWeight{{ID: "C-01", For: 1, Against: 1, Why: both("One each."), Change: []sightline.Text{both("A third would.")}}},
				Contradictions: []Contradiction{{By: "time", Refs: []string{"TS-001", "TS-002"}, Text: both("Both cannot be.")}, {By: "time", Refs: []string{"TS-009"}, Text: both("Not of this claim.")}}}
		}}, out)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(res.Dir, "c/C-01.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 of 2 things", "60.0 m apart", "One person made this.", "A third would.", "Both cannot be."} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page of the claim does not say %q", want)
		}
	}
	if bytes.Contains(page, []byte("Not of this claim.")) {
		t.Error("the page tells a contradiction of something else")
	}
}

func TestPreflight(t *testing.T) {
	if ps := Preflight(small(), nil); len(ps) != 0 {
		t.Fatalf("a clean case: %+v", ps)
	}
	cases := map[string]func(*sightline.Document){
		"undecided":               func(d *sightline.Document) { d.Items[0].Public.Decision = "" },
		"withheld_without_reason": func(d *sightline.Document) { d.Items[0].Public = sightline.Public{Decision: "withhold"} },
		"missing_translation":     func(d *sightline.Document) { delete(d.Items[0].Title, "es") },
		"no_source":               func(d *sightline.Document) { d.Items[0].Source = sightline.Source{Perspective: "press"} },
		"source_at_risk":          func(d *sightline.Document) { d.Items[0].Sensitivity = "source_at_risk" },
		"no_licence": func(d *sightline.Document) {
			d.Items[0].Public.Media, d.Items[0].Rights.Licence = "publish", ""
		},
		"no_consent":           func(d *sightline.Document) { d.Items[0].Public.Media, d.Items[0].Rights.Consent = "publish", "" },
		"consent_refused":      func(d *sightline.Document) { d.Items[0].Public.Media, d.Items[0].Rights.Consent = "publish", "refused" },
		"harm_not_named":       func(d *sightline.Document) { d.Items[0].Public.Media, d.Items[0].Sensitivity = "publish", "graphic" },
		"claim_without_source": func(d *sightline.Document) { d.Claims[0].Items = nil },
		"not_public":           func(d *sightline.Document) { d.Claims[0].For[0].To = "TS-009" },
		"cites_missing":        func(d *sightline.Document) { d.Stories[0].Steps[0].Text["en"] = "It happened [TS-077]." },
		"uncited":              func(d *sightline.Document) { d.Stories[0].Steps[0].Text["en"] = "It happened [TS-001]. He lied." },
		"witness_place": func(d *sightline.Document) {
			d.Case.Exercise = false
			d.Items[0].Source.Perspective = "citizen"
			d.Items[0].Places = []sightline.Place{{Role: "camera", Form: "point", Geo: &sightline.Geo{Lat: 1, Lon: 2}}}
		},
		"nothing_public": func(d *sightline.Document) {
			for _, it := range d.Items {
				it.Public = sightline.Public{Decision: "withhold", Reason: both("r")}
			}
		},
		"unverified":            func(d *sightline.Document) { d.Case.Unverified = nil },
		"verified_in_word_only": func(d *sightline.Document) { d.Items[0].Axes.Source.Status = "verified" },
		"finding_unverified": func(d *sightline.Document) {
			d.Case.Unverified = nil
			d.Findings = []*sightline.Finding{{ID: "F-001", Text: both("f"), Public: true}}
			d.Claims[0].For = append(d.Claims[0].For, sightline.Link{To: "F-001"})
		},
		"finding_stale": func(d *sightline.Document) {
			d.Findings = []*sightline.Finding{{ID: "F-001", Text: both("f"), Public: true, Review: "needs_re-review"}}
			d.Claims[0].For = append(d.Claims[0].For, sightline.Link{To: "F-001"})
		},
		"no_language": func(d *sightline.Document) { d.Case.Languages = nil },
	}
	for code, plant := range cases {
		d := small()
		plant(d)
		found := false
		for _, p := range Preflight(d, relied(d)) {
			found = found || p.Code == code
			if p.Text["en"] == "" || p.Text["es"] == "" || p.Fix["en"] == "" || p.Fix["es"] == "" {
				t.Errorf("%s is not said in both languages: %+v", p.Code, p)
			}
		}
		if !found {
			t.Errorf("the planted fault %s was not found: %+v", code, Preflight(d, relied(d)))
		}
		if _, err := Build(context.Background(), Input{Doc: d, Number: 1, Verification: relied(d)}, t.TempDir()); err == nil {
			t.Errorf("%s: the edition was built all the same", code)
		}
	}
}

func TestSentences(t *testing.T) {
	for in, want := range map[string]int{
		"One [A-1]. Two [A-2].":             2,
		"G. Fiorella says so [A-1].":        1,
		"At 9:07 it fell [A-1]. [A-2] Next": 2,
		"A mark. [A-1] Then more [A-2].":    2,
		"¿Quién? Nadie lo sabe [A-1].":      2,
		"The size is 3.5 m [A-1].":          1,
		"He said \"no.\" Then left [A-1].":  2,
	} {
		if got := sentences(in); len(got) != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// Hostile text must come out as text.
func FuzzProse(f *testing.F) {
	for _, s := range []string{"a [EJ-001] b", "**x** *y", "<script>alert(1)</script>", "not established: <img onerror=x>", "[x](javascript:alert(1))"} {
		f.Add(s)
	}
	link := func(id string) (string, bool) { return "e/" + id + ".html", true }
	tags := regexp.MustCompile(`<(/?)(p|div|h3|span|a|bdi|strong|em)( class="[a-z]+"| class="id" href="e/[A-Z0-9.-]+\.html"| dir="ltr")*>`)
	f.Fuzz(func(t *testing.T, s string) {
		out := string(prose(s, wordsOf("en"), link))
		if rest := tags.ReplaceAllString(out, ""); strings.ContainsAny(rest, "<>") {
			t.Errorf("%q gave %q", s, out)
		}
	})
}

// Every word that a template uses exists in every language, and both
// catalogues have the same keys.
func TestWordsAreComplete(t *testing.T) {
	use := regexp.MustCompile(`T \$?p?\.W "([a-z0-9_]+)"`)
	es, err := pageFiles.ReadDir("pages")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		b, _ := pageFiles.ReadFile("pages/" + e.Name())
		for _, m := range use.FindAllSubmatch(b, -1) {
			for _, l := range Languages() {
				if !wordsOf(l).Has(string(m[1])) {
					t.Errorf("%s uses %q, which %s lacks", e.Name(), m[1], l)
				}
			}
		}
	}
	verbs := regexp.MustCompile(`%[a-z%]`)
	for _, l := range Languages() {
		for k, w := range catalogue["en"] {
			got, ok := catalogue[l][k]
			if !ok {
				t.Errorf("%s lacks %q", l, k)
			} else if a, b := verbs.FindAllString(w, -1), verbs.FindAllString(got, -1); strings.Join(a, "") != strings.Join(b, "") {
				t.Errorf("%s fills %q with %v, English with %v", l, k, b, a)
			}
		}
		for k := range catalogue[l] {
			if _, ok := catalogue["en"][k]; !ok {
				t.Errorf("en lacks %q of %s", k, l)
			}
		}
	}
}

// No page asks another host for anything, and none has an inline style or
// script that its own policy would forbid.
func TestPagesKeepTheirPolicy(t *testing.T) {
	out := t.TempDir()
	res := build(t, small(), out)
	bad := regexp.MustCompile(`(?i)(src|href)="(https?:)?//|<style|style="|<script>|\son[a-z]+="|\[[a-z_]+\]`)
	seen := 0
	err := filepath.WalkDir(res.Dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".html" {
			return err
		}
		seen++
		b, _ := os.ReadFile(p)
		if m := bad.Find(b); m != nil {
			t.Errorf("%s: %s", p, m)
		}
		if !bytes.Contains(b, []byte("EXERCISE")) && !bytes.Contains(b, []byte("EJERCICIO")) {
			t.Errorf("%s does not say that the case is an exercise", p)
		}
		return nil
	})
	if err != nil || seen < 20 {
		t.Fatalf("%d pages, %v", seen, err)
	}
}

// The reader's scripts walk every list of the document.
func TestListsAreNeverNull(t *testing.T) {
	d := small()
	d.Accounts, d.Layers, d.Events = nil, nil, nil
	b, _ := json.Marshal(Public(d, nil))
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range m {
		if v == nil {
			t.Errorf("%s is null", k)
		}
	}
}

func TestGeoJSONOrder(t *testing.T) {
	d := small()
	d.Items[0].Places = []sightline.Place{{Geo: &sightline.Geo{Lat: 10, Lon: -67}}}
	b, _ := json.Marshal(geoJSON(d))
	if !bytes.Contains(b, []byte(`[-67,10]`)) {
		t.Errorf("longitude does not come first: %s", b)
	}
	if !bytes.Contains(b, []byte(`"geometry":null`)) {
		t.Errorf("an item without a place must have a null geometry: %s", b)
	}
}

// The demonstration's own content may be published as it stands.
func TestDemonstrationStory(t *testing.T) {
	b, err := os.ReadFile("../demo/el-junquito/case.json")
	if err != nil {
		t.Fatal(err)
	}
	var d sightline.Document
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	rec, err := os.ReadFile("../demo/el-junquito/records.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^(EJ-\d+),`).FindAllSubmatch(rec, -1) {
		known[string(m[1])] = true
		d.Items = append(d.Items, &sightline.Item{ID: string(m[1]), Title: both("t"), Seen: both("s"), Source: sightline.Source{Name: both("n")}, Public: sightline.Public{Decision: "publish"}})
	}
	if len(known) != 73 {
		t.Fatalf("%d records", len(known))
	}
	for _, p := range Preflight(&d, nil) {
		t.Errorf("%s: %s", p.Code, p.Text["en"])
	}
}

// An edition in a right-to-left language is complete and says its direction;
// digests, ids and times keep theirs.
func TestRightToLeft(t *testing.T) {
	doc := small()
	var arabic func(sightline.Text)
	arabic = func(t sightline.Text) {
		if t != nil {
			t["ar"] = "حدث شيء"
		}
	}
	doc.Case.Languages = []string{"ar", "en"}
	for _, tx := range []sightline.Text{doc.Case.Title, doc.Case.Limits, doc.Case.Method, doc.Accounts[0].Title, doc.Claims[0].Text, doc.Claims[0].NotShown, doc.Gaps[0].Title, doc.Gaps[0].Text, doc.Stories[0].Title, doc.Stories[0].Steps[0].Title, doc.Stories[0].Steps[0].Still} {
		arabic(tx)
	}
	doc.Case.Summary["ar"] = "حدث شيء [TS-001]."
	doc.Case.Limits["ar"], doc.Case.Method["ar"] = "not established: الكثير.", "context: يدويًا."
	doc.Stories[0].Steps[0].Text["ar"] = "حدث ذلك [TS-001]. ولم يره أحد."
	for _, it := range doc.Items {
		for _, tx := range []sightline.Text{it.Title, it.Seen, it.Source.Name} {
			arabic(tx)
		}
	}
	ps := Preflight(doc, nil)
	if len(ps) != 1 || ps[0].Code != "uncited" || !strings.Contains(ps[0].Text["en"], "ولم يره أحد") {
		t.Fatalf("the uncited Arabic sentence was not found: %+v", ps)
	}
	doc.Stories[0].Steps[0].Text["ar"] = "حدث ذلك [TS-001]. ولم يره أحد [TS-002]."
	dir := build(t, doc, t.TempDir()).Dir
	page, err := os.ReadFile(filepath.Join(dir, "c/C-01.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<html lang="ar" dir="rtl">`, "متنازع عليه", `<bdi dir="ltr">TS-001</bdi>`} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the Arabic page lacks %q", want)
		}
	}
	if en, _ := os.ReadFile(filepath.Join(dir, "c/C-01.en.html")); !strings.Contains(string(en), `<html lang="en" dir="ltr">`) {
		t.Error("the English page of the same edition does not say its direction")
	}
}

// A long item is compared without being held in memory, and the verifier is
// told that it is there.
func TestCheckOfALongItem(t *testing.T) {
	long := bytes.Repeat([]byte{7}, 2<<20)
	name := digest.Of(long).String()
	doc := small()
	doc.Items[0].SHA256 = name
	res, err := Build(context.Background(), Input{Doc: doc, Number: 1, Date: "2018-01-06T00:00:00Z", Version: "test", FuzzKey: []byte("secret"),
		Log: LogMaterial{Origin: "test/case", Size: 7, Root: doc.Head.Root},
		Proof: func(context.Context, string) (map[string][]byte, error) {
			return map[string][]byte{"leaf.json": []byte("{}")}, nil
		},
		Blob: func(_ context.Context, d digest.Digest) (io.ReadCloser, error) {
			if d.String() != name {
				return io.NopCloser(strings.NewReader("?")), nil
			}
			return io.NopCloser(bytes.NewReader(long)), nil
		}}, t.TempDir())
	if err == nil {
		t.Fatal("a blob with other bytes was published")
	}
	doc.Items = doc.Items[:1]
	doc.Claims[0].Against = nil
	res, err = Build(context.Background(), Input{Doc: doc, Number: 1, Date: "2018-01-06T00:00:00Z", Version: "test", FuzzKey: []byte("secret"),
		Log: LogMaterial{Origin: "test/case", Size: 7, Root: doc.Head.Root},
		Proof: func(context.Context, string) (map[string][]byte, error) {
			return map[string][]byte{"leaf.json": []byte("{}")}, nil
		},
		Blob: func(context.Context, digest.Digest) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(long)), nil
		}}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	verify := func(sha string, files map[string][]byte) error {
		_, item := files["item"]
		if _, withheld := files["WITHHELD"]; !item && !withheld {
			return errors.New("there is neither the item nor a file WITHHELD")
		}
		if len(files["item"]) > 1<<20 {
			return errors.New("the whole item was read into memory")
		}
		return nil
	}
	rep, err := Check(context.Background(), res.Dir, verify, nil)
	if err != nil || len(rep.Faults) > 0 || rep.Proofs != 1 {
		t.Fatalf("%+v %v", rep, err)
	}
	if err := flip(filepath.Join(res.Dir, "proof", name, "item"), 1<<20); err != nil {
		t.Fatal(err)
	}
	if rep, _ = Check(context.Background(), res.Dir, verify, nil); len(rep.Faults) != 2 {
		t.Fatalf("a changed byte of a long item: %+v", rep.Faults)
	}
}
