package publish

import (
	"context"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sightline"
)

func TestCorrectionsSayWhatChanged(t *testing.T) {
	before := Public(small(), []byte("secret"))
	doc := small()
	doc.Claims[0].Status = "contradicted"
	doc.Claims[0].Reason = both("A second source.")
	doc.Items[0].Times = []sightline.Time{minuteOf(1515168000000+120_000, 1515168000000+180_000)}
	doc.Gaps = append(doc.Gaps, &sightline.Gap{ID: "G-02", Title: both("Another"), Text: both("Nothing [TS-001]."), Public: true})
	doc.Findings = []*sightline.Finding{{ID: "F-001", Text: both("A finding"), Public: true}}
	doc.Editions = []*sightline.Edition{{ID: "v1", Number: 1, Date: "2018-01-06T00:00:00Z", Manifest: strings.Repeat("0", 64), Notes: both("First.")}}
	res, err := Build(context.Background(), Input{Doc: doc, Number: 2, Date: "2018-01-07T00:00:00Z", Version: "test", FuzzKey: []byte("secret"), Notes: both("The time of TS-001 was read again."),
		Former: doc.Editions, Before: before, Log: LogMaterial{Origin: "test/case", Size: 9, Root: doc.Head.Root}}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(res.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	page := read("corrections.html")
	for _, want := range []string{"The time of TS-001 was read again.", "status: Contested → Contradicted", "wording", "time: 12:00–12:01 → 12:02–12:03", "G-02</bdi></a> <b>added", "F-001</bdi></span> <b>added"} {
		if !strings.Contains(page, want) {
			t.Errorf("the corrections lack %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "TS-002</bdi>") {
		t.Error("an item that did not change is listed")
	}
	if es := read("corrections.es.html"); !strings.Contains(es, "estado: Discutida → Contradicha") {
		t.Errorf("the Spanish corrections do not say the status:\n%s", es)
	}
	var feed struct {
		Entries []struct {
			Title   string `xml:"title"`
			Summary string `xml:"summary"`
			Link    struct {
				Href string `xml:"href,attr"`
			} `xml:"link"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal([]byte(read("corrections.atom")), &feed); err != nil {
		t.Fatal(err)
	}
	if len(feed.Entries) != 2 || !strings.Contains(feed.Entries[0].Summary, "C-01, changed") || feed.Entries[1].Link.Href != "../v1/index.html" {
		t.Errorf("feed: %+v", feed.Entries)
	}
	if rep, err := Check(context.Background(), res.Dir, nil, nil); err != nil || len(rep.Faults) > 0 {
		t.Errorf("the edition does not check: %+v %v", rep, err)
	}
}

func TestNothingChangedSaysNothing(t *testing.T) {
	a, b := Public(small(), []byte("k")), Public(small(), []byte("k"))
	cs, err := Compare(a, b)
	if err != nil || len(cs) != 0 {
		t.Fatalf("%+v %v", cs, err)
	}
	b.Items = b.Items[:1]
	if cs, _ = Compare(a, b); len(cs) != 1 || cs[0].What != "withdrawn" || cs[0].ID != "TS-002" {
		t.Fatalf("%+v", cs)
	}
}
