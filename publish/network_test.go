package publish

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sightline"
	"sightline/order"
)

// withNetwork is a case of two records of which one is bounded by the other,
// and an account that contradicts it.
func withNetwork() *sightline.Document {
	d := small()
	n := func(v int64) *int64 { return &v }
	const noon = 1515168000000
	d.Constraints = []*sightline.Constraint{
		{ID: "K-001", From: "z", To: "TS-001.start", MinMS: n(noon), MaxMS: n(noon + 59_999), Evidence: []string{"TS-001"}, Strength: "claim", Text: both("Noon")},
		{ID: "K-002", From: "TS-001.start", To: "TS-002.start", MinMS: n(1), MaxMS: n(3_599_999), Evidence: []string{"TS-002"}, Strength: "claim", Text: both("Less than an hour later")},
		{ID: "K-003", From: "z", To: "TS-002.start", MinMS: n(noon + 7_200_000), Evidence: []string{"TS-002"}, Accounts: []string{"press"}, Strength: "claim", Text: both("Two hours later")},
	}
	return d
}

// report does what stage verify/time does, for the documents of this test.
func report(d *sightline.Document) (*NetworkReport, error) {
	r := &NetworkReport{Network: &order.Network{Schema: order.Schema, Zone: d.Case.Zone, Accounts: []order.Account{{ID: "press"}}}, Texts: map[string]sightline.Text{}}
	seen := map[string]bool{"z": true}
	for _, k := range d.Constraints {
		c := order.Constraint{ID: k.ID, Evidence: k.Evidence, Accounts: k.Accounts, Strength: k.Strength, Text: k.Text["en"]}
		c.From, c.To = k.From, k.To
		if k.MinMS != nil {
			c.Min = order.Ms(*k.MinMS)
		}
		if k.MaxMS != nil {
			c.Max = order.Ms(*k.MaxMS)
		}
		r.Network.Constraints = append(r.Network.Constraints, c)
		r.Texts[k.ID] = sightline.Text{"en": k.Text["en"] + " [" + k.Evidence[0] + "]", "es": k.Text["es"] + " [" + k.Evidence[0] + "]"}
		for _, p := range []string{k.From, k.To} {
			if !seen[p] {
				seen[p] = true
				r.Network.Points = append(r.Network.Points, order.Point{ID: p})
			}
		}
	}
	a, err := order.Solve(r.Network, order.Options{})
	if err != nil {
		return nil, err
	}
	r.Answer = a
	r.Views = []NetworkView{{Consistent: true, Disputed: []string{}, Bounds: a.Bounds}, {Account: "press", Disputed: []string{"K-001", "K-002", "K-003"}, Bounds: []order.Bound{}}}
	for _, c := range a.Accounts[0].Conflicts {
		r.Conflicts = append(r.Conflicts, NetworkConflict{Constraints: c.Constraints, Accounts: []string{"press"}, Said: map[string][]string{"": {"TS-001"}, "press": {"TS-002"}},
			Claims: []string{"C-01"}, SlackMS: c.Slack, Cycle: c.Cycle, Sentence: both("They are short")})
	}
	return r, nil
}

func buildNetwork(t *testing.T, d *sightline.Document) string {
	t.Helper()
	res, err := Build(context.Background(), Input{Doc: d, Number: 1, Date: "2018-01-06T00:00:00Z", Version: "test", FuzzKey: []byte("secret"), Log: LogMaterial{Origin: "test/case", Size: 7, Root: d.Head.Root}, Network: report}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return res.Dir
}

func page1(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The page prints sums whose integers add up, in both languages, and every
// link into the page finds its place.
func TestNetworkPage(t *testing.T) {
	dir := buildNetwork(t, withNetwork())
	for _, name := range []string{"network.html", "network.es.html"} {
		s := page1(t, dir, name)
		for _, want := range []string{"1515168059999 ", "&#43;3599999 ", "<b>= 1515171659998</b>", "13:00:59.998", "<b>= 1515168000001</b>", "= −3540002 ms", "TS-002"} {
			if !strings.Contains(s, want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
		ids := map[string]bool{}
		for _, m := range regexp.MustCompile(`\bid="([^"]+)"`).FindAllStringSubmatch(s, -1) {
			if ids[m[1]] {
				t.Errorf("%s has two places named %s", name, m[1])
			}
			ids[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(s, -1) {
			if !ids[m[1]] && m[1] != "main" {
				t.Errorf("%s links to #%s, which is not there", name, m[1])
			}
		}
	}
	for page, want := range map[string]string{
		"timeline.html": `href="network.html"`, "method.es.html": `href="network.es.html"`, "e/TS-002.html": `href="../network.html#TS-002.start">12:00`,
	} {
		if !strings.Contains(page1(t, dir, page), want) {
			t.Errorf("%s does not link with %s", page, want)
		}
	}
	// Without constraints there is neither the page nor a link to it.
	dir = buildNetwork(t, small())
	if _, err := os.Stat(filepath.Join(dir, "network.html")); err == nil || strings.Contains(page1(t, dir, "timeline.html"), "network.html") {
		t.Error("a case without constraints has a network page")
	}
}

// data/network.json alone is enough to redo every bound.
func TestNetworkDataChecksItself(t *testing.T) {
	var f struct {
		Network struct {
			Constraints []struct {
				ID, From, To string
				Min, Max     *int64
			}
		}
		Views []struct {
			Bounds []struct {
				Point    string
				Min, Max *int64
				MinP     []struct{ Constraint, Side string } `json:"min_proof"`
				MaxP     []struct{ Constraint, Side string } `json:"max_proof"`
			}
		}
	}
	if err := json.Unmarshal([]byte(page1(t, buildNetwork(t, withNetwork()), "data/network.json")), &f); err != nil {
		t.Fatal(err)
	}
	sum := func(ls []struct{ Constraint, Side string }) (total int64) {
		for _, l := range ls {
			for _, c := range f.Network.Constraints {
				if c.ID == l.Constraint && l.Side == "max" {
					total += *c.Max
				} else if c.ID == l.Constraint {
					total -= *c.Min
				}
			}
		}
		return total
	}
	n := 0
	for _, v := range f.Views {
		for _, b := range v.Bounds {
			n++
			if sum(b.MaxP) != *b.Max || sum(b.MinP) != -*b.Min {
				t.Errorf("%s: %d..%d", b.Point, -sum(b.MinP), sum(b.MaxP))
			}
		}
	}
	if n != 2 {
		t.Errorf("%d bounds", n)
	}
}

// The script of the edition accepts its data, and no longer once one integer
// of it is changed.
func TestNetworkScript(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	dir := buildNetwork(t, withNetwork())
	run := func() (string, error) {
		out, err := exec.Command(python, filepath.Join(dir, "data", "network.py")).CombinedOutput()
		return string(out), err
	}
	if out, err := run(); err != nil || !strings.HasPrefix(out, "OK: 5 sums") {
		t.Errorf("%v %s", err, out)
	}
	if err := replaceIn(filepath.Join(dir, "data", "network.json"), "3599999", "3599998"); err != nil {
		t.Fatal(err)
	}
	if out, err := run(); err == nil || !strings.Contains(out, "TS-002.start") {
		t.Errorf("a changed integer was accepted: %s", out)
	}
}

// What rests on a withheld record takes no part in what is published.
func TestNetworkKeepsWithheldOut(t *testing.T) {
	d := withNetwork()
	d.Items = append(d.Items, &sightline.Item{ID: "TS-003", Title: both("hidden"), Public: sightline.Public{Decision: "withhold", Reason: both("A source is at risk.")}})
	n := int64(5)
	d.Constraints = append(d.Constraints,
		&sightline.Constraint{ID: "K-004", From: "TS-001.start", To: "TS-002.start", MinMS: &n, Evidence: []string{"TS-001", "TS-003"}, Text: both("canary one")},
		&sightline.Constraint{ID: "K-005", From: "TS-003.start", To: "TS-002.start", MinMS: &n, Evidence: []string{"TS-001"}, Text: both("canary two")})
	dir := buildNetwork(t, d)
	for _, name := range []string{"network.html", "network.es.html", "data/network.json", "e/TS-002.html"} {
		if s := page1(t, dir, name); strings.Contains(s, "canary") || strings.Contains(s, "K-004") || strings.Contains(s, "K-005") {
			t.Errorf("%s shows a constraint that rests on a withheld record", name)
		}
	}
}
