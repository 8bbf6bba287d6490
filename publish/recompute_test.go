package publish

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sightline"
	"sightline/order"
)

// solver answers {"x": n} with a camera whose first coordinate is n.
func solver(b []byte) ([]byte, error) {
	var q struct {
		X float64 `json:"x"`
	}
	if err := json.Unmarshal(b, &q); err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"status": "solved", "position": []float64{q.X, 2, 3}, "rotation": []float64{1, 0, 0, 0}, "focal_px": 800.5,
		"software": map[string]string{"name": "sightline", "version": "x", "method": "m/1"}})
}

// networkOf derives one bound that depends on the constraints.
func networkOf(d *sightline.Document) (*NetworkReport, error) {
	n := &order.Network{}
	var sum int64
	for _, k := range d.Constraints {
		sum += *k.MinMS
	}
	return &NetworkReport{Network: n, Answer: &order.Answer{}, Texts: map[string]sightline.Text{}, Conflicts: []NetworkConflict{},
		Views: []NetworkView{{Consistent: true, Disputed: []string{}, Bounds: []order.Bound{{Point: "TS-001.start", Min: &sum}}}}}, nil
}

func recomputable() *sightline.Document {
	doc := small()
	ms := int64(5)
	doc.Constraints = []*sightline.Constraint{{ID: "K-001", From: "z", To: "TS-001.start", MinMS: &ms, Evidence: []string{"TS-001"}, Text: both("It says so.")}}
	answer, _ := solver([]byte(`{"x":1}`))
	doc.Findings = []*sightline.Finding{
		{ID: "F-001", About: []string{"TS-001"}, Axis: "place", Method: "camera.solve", Text: both("It stood there."), Problem: json.RawMessage(`{"x":1}`), Answer: answer, Public: true},
		{ID: "F-002", About: []string{"TS-002"}, Axis: "content", Method: "by hand", Text: both("A look."), Public: true},
	}
	doc.Items[0].Places = []sightline.Place{{Role: "camera", Form: "camera", Finding: "F-001", Camera: &sightline.Camera{Position: [3]float64{1, 2, 3}, Rotation: [4]float64{1, 0, 0, 0}}}}
	return doc
}

func rederive(t *testing.T, dir string) *RecomputeReport {
	t.Helper()
	rep, err := Recompute(context.Background(), dir, Recomputer{Methods: map[string]Method{"camera.solve": solver}, Network: networkOf})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func publishRecomputable(t *testing.T, doc *sightline.Document) string {
	t.Helper()
	res, err := Build(context.Background(), Input{Doc: doc, Number: 1, Date: "2018-01-06T00:00:00Z", Version: "test", FuzzKey: []byte("secret"),
		Log: LogMaterial{Origin: "test/case", Size: 7, Root: doc.Head.Root}, Network: networkOf}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return res.Dir
}

func TestRecomputeFindsTheSame(t *testing.T) {
	rep := rederive(t, publishRecomputable(t, recomputable()))
	if len(rep.Faults) != 0 || rep.Findings["camera.solve"] != 1 || rep.Links != 1 || rep.Bounds != 1 || rep.Files != 3 || strings.Join(rep.Skipped, " ") != "F-002" {
		t.Fatalf("%+v", rep)
	}
}

// An edition whose publisher changed a number and made all digests new again
// passes Check; Recompute names the number.
func TestRecomputeNamesEveryForgedNumber(t *testing.T) {
	for _, c := range []struct {
		name, where, says string
		forge             func(*sightline.Document)
		file, from, to    string
	}{
		{name: "the pose of an answer", where: "F-001", says: "0.50 m", forge: func(d *sightline.Document) {
			d.Findings[0].Answer = json.RawMessage(strings.Replace(string(d.Findings[0].Answer), "[1,2,3]", "[1,2.5,3]", 1))
		}},
		{name: "another number of an answer", where: "F-001", says: "focal_px", forge: func(d *sightline.Document) {
			d.Findings[0].Answer = json.RawMessage(strings.Replace(string(d.Findings[0].Answer), "800.5", "801.5", 1))
		}},
		{name: "a click of the problem", where: "F-001", says: "1.00 m", forge: func(d *sightline.Document) { d.Findings[0].Problem = json.RawMessage(`{"x":2}`) }},
		{name: "the status", where: "F-001", says: "status", forge: func(d *sightline.Document) {
			d.Findings[0].Answer = json.RawMessage(strings.Replace(string(d.Findings[0].Answer), "solved", "weak", 1))
		}},
		{name: "the item's camera", where: "TS-001", says: "4.00 m", forge: func(d *sightline.Document) { d.Items[0].Places[0].Camera.Position[2] = 7 }},
		{name: "the direction", where: "TS-001", says: "180.00 degrees", forge: func(d *sightline.Document) { d.Items[0].Places[0].Camera.Rotation = [4]float64{0, 1, 0, 0} }},
		{name: "a bound", where: "data/network.json", says: "bounds", file: "data/network.json", from: `"min": 5`, to: `"min": 6`},
		{name: "the story download", where: "data/story.json", says: "does not say", file: "data/story.json", from: "It happened", to: "It hardly happened"},
		{name: "a place download", where: "data/places.geojson", says: "does not say", file: "data/places.geojson", from: "A record", to: "A retort"},
		{name: "the pack for file://", where: "data/document.pack.js", says: "does not say", file: "data/document.pack.js", from: "(", to: "( "},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := recomputable()
			if c.forge != nil {
				c.forge(doc)
			}
			dir := publishRecomputable(t, doc)
			if c.file != "" {
				p := filepath.Join(dir, c.file)
				was, err := os.ReadFile(p)
				if err != nil {
					t.Fatal(err)
				}
				if err := replaceIn(p, c.from, c.to); err != nil {
					t.Fatal(err)
				}
				if now, _ := os.ReadFile(p); string(now) == string(was) {
					t.Fatalf("%s does not hold %q", c.file, c.from)
				}
			}
			rep := rederive(t, dir)
			for _, f := range rep.Faults {
				if f.Where == c.where && strings.Contains(f.What, c.says) {
					return
				}
			}
			t.Fatalf("got %+v, want a fault at %s that says %q", rep.Faults, c.where, c.says)
		})
	}
}

func TestFindingsDoNotRevealBlurredPlaces(t *testing.T) {
	doc := recomputable()
	doc.Items[0].Places[0].FuzzM = 300
	var codes []string
	for _, p := range Preflight(doc, nil) {
		codes = append(codes, p.Code)
	}
	if strings.Join(codes, " ") != "finding_reveals_place" {
		t.Errorf("preflight says %v", codes)
	}
	for _, f := range Public(doc, []byte("k")).Findings {
		if f.ID == "F-001" {
			t.Error("the finding with the pose went out")
		}
	}
}
