package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"

	"sightline"
	"sightline/order"
)

// Method answers a problem in the contract of one science: camera.solve,
// sun.shadow and so on. A finding keeps the problem and the answer, so that
// anyone who has the program can ask again.
type Method func(problem []byte) (answer []byte, err error)

// Recomputer is what a second look at an edition needs; a nil part is left out.
type Recomputer struct {
	Methods map[string]Method
	// Network derives intervals and contradictions as [Input].Network does.
	Network func(doc *sightline.Document) (*NetworkReport, error)
	// Corroborate weighs the document as [Input].Corroborate does.
	Corroborate func(doc *sightline.Document) *Corroboration
	// EvidenceLog writes the evidence log as [Input].EvidenceLog does.
	EvidenceLog func(doc *sightline.Document, format, lang string, w io.Writer) error
}

// RecomputeReport says what was derived again from the published inputs.
type RecomputeReport struct {
	Edition  string         `json:"edition"`
	Findings map[string]int `json:"findings"` // answers that came out again, by method
	Bounds   int            `json:"bounds"`   // intervals of the time network derived again
	Links    int            `json:"links"`    // places and times compared with the finding they name
	Files    int            `json:"files"`    // downloads written again from the document
	Skipped  []string       `json:"skipped"`  // findings whose method this program does not have, or that carry no problem
	Faults   []Fault        `json:"faults"`
}

const recomputeRemedy = "Do not rely on this number; ask who published the edition how it was made."

// Tolerances of a recomputation. The methods are deterministic; what is left
// is a pose from another version of the solver.
const (
	poseMetres  = 0.1
	poseDegrees = 0.1
	numberRel   = 1e-6
)

// Recompute derives the numbers of an edition again from what it publishes:
// the answer of every public finding from its problem, every place and time
// that names a finding from that finding, the intervals of the time network
// from its constraints, and the downloads from the document. It does not
// replace [Check], which says whether the bytes are those that were published.
func Recompute(ctx context.Context, dir string, rc Recomputer) (*RecomputeReport, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return again(ctx, root.FS(), dir, rc)
}

func again(ctx context.Context, root fs.FS, where string, rc Recomputer) (*RecomputeReport, error) {
	r := &recompute{root: root, rc: rc, rep: &RecomputeReport{Findings: map[string]int{}, Skipped: []string{}, Faults: []Fault{}}}
	var m Manifest
	if err := r.json(manifestName, &m); err != nil {
		return nil, fmt.Errorf("%s: %v: %w", where, err, ErrNotEdition)
	}
	r.rep.Edition, r.bundle = m.name(), m.Claim != ""
	doc := new(sightline.Document)
	if err := r.json("data/document.json", doc); err != nil {
		return nil, fmt.Errorf("the document of the edition cannot be read: %w", err)
	}
	if doc.Case == nil || len(doc.Case.Languages) == 0 {
		return nil, fmt.Errorf("the document of the edition names no case: %w", ErrNotEdition)
	}
	for _, f := range doc.Findings {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.finding(f)
	}
	r.links(doc)
	if err := r.network(doc); err != nil {
		return nil, err
	}
	if err := r.downloads(doc); err != nil {
		return nil, err
	}
	sort.Strings(r.rep.Skipped)
	return r.rep, nil
}

type recompute struct {
	root   fs.FS
	rc     Recomputer
	rep    *RecomputeReport
	bundle bool // a part of an edition: without its downloads
}

func (r *recompute) json(name string, v any) error {
	b, err := fs.ReadFile(r.root, name)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

func (r *recompute) fault(where, format string, args ...any) {
	r.rep.Faults = append(r.rep.Faults, Fault{fmt.Sprintf(format, args...), where, recomputeRemedy})
}

func (r *recompute) finding(f *sightline.Finding) {
	method := r.rc.Methods[f.Method]
	if method == nil || len(f.Problem) == 0 || len(f.Answer) == 0 {
		r.rep.Skipped = append(r.rep.Skipped, f.ID)
		return
	}
	got, err := method(f.Problem)
	if err != nil {
		r.fault(f.ID, "the published problem of %s cannot be answered: %v", f.ID, err)
		return
	}
	if d := differ(f.Method, f.Answer, got); d != "" {
		r.fault(f.ID, "the answer of %s does not follow from its problem: %s", f.ID, d)
		return
	}
	r.rep.Findings[f.Method]++
}

// differ compares two answers and says in words where they part. Fields that
// name the program or the time it took are not compared.
func differ(method string, published, again []byte) string {
	var a, b any
	if err := json.Unmarshal(published, &a); err != nil {
		return "the published answer is not readable"
	}
	if err := json.Unmarshal(again, &b); err != nil {
		return "the new answer is not readable"
	}
	if method == "camera.solve" {
		am, _ := a.(map[string]any)
		bm, _ := b.(map[string]any)
		if am["status"] != bm["status"] {
			return fmt.Sprintf("the status is %v, recomputed %v", am["status"], bm["status"])
		}
		pa, pb := numbers(am["position"], 3), numbers(bm["position"], 3)
		qa, qb := numbers(am["rotation"], 4), numbers(bm["rotation"], 4)
		if pa != nil && pb != nil {
			if d := math.Hypot(math.Hypot(pa[0]-pb[0], pa[1]-pb[1]), pa[2]-pb[2]); !(d <= poseMetres) {
				return fmt.Sprintf("the camera stands %.2f m from where it was published", d)
			}
		}
		if qa != nil && qb != nil {
			if d := turn(qa, qb); !(d <= poseDegrees) {
				return fmt.Sprintf("the camera is turned by %.2f degrees from what was published", d)
			}
		}
		// Within those, an answer of another version may differ in every digit.
		if version(am) != version(bm) {
			for _, k := range []string{"position", "rotation", "angles", "residuals", "modes", "leave_one_out", "weak_direction", "software", "warnings"} {
				delete(am, k)
				delete(bm, k)
			}
			return unequal("", am, bm, 0.02)
		}
	}
	return unequal("", a, b, numberRel)
}

func version(m map[string]any) any {
	s, _ := m["software"].(map[string]any)
	return s["method"]
}

// numbers returns the n numbers of a JSON list, or nil.
func numbers(v any, n int) []float64 {
	l, ok := v.([]any)
	if !ok || len(l) != n {
		return nil
	}
	out := make([]float64, n)
	for i, x := range l {
		if out[i], ok = x.(float64); !ok {
			return nil
		}
	}
	return out
}

// turn is the angle between two unit quaternions in degrees.
func turn(a, b []float64) float64 {
	dot := math.Abs(a[0]*b[0] + a[1]*b[1] + a[2]*b[2] + a[3]*b[3])
	return 2 * math.Acos(math.Min(1, dot)) * 180 / math.Pi
}

// unequal names the first path at which two JSON values differ, or "".
func unequal(path string, a, b any, rel float64) string {
	at := func() string {
		if path == "" {
			return "the answer"
		}
		return strings.TrimPrefix(path, ".")
	}
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			return at() + " has another shape"
		}
		keys := map[string]bool{}
		for k := range x {
			keys[k] = true
		}
		for k := range y {
			keys[k] = true
		}
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			if k == "software" || k == "elapsed_us" {
				continue
			}
			if d := unequal(path+"."+k, x[k], y[k], rel); d != "" {
				return d
			}
		}
		return ""
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return at() + " has another length"
		}
		for i := range x {
			if d := unequal(path+"["+strconv.Itoa(i)+"]", x[i], y[i], rel); d != "" {
				return d
			}
		}
		return ""
	case float64:
		if y, ok := b.(float64); ok && math.Abs(x-y) <= rel*math.Max(1, math.Max(math.Abs(x), math.Abs(y))) {
			return ""
		}
	default:
		if a == b {
			return ""
		}
	}
	return fmt.Sprintf("%s is %v, recomputed %v", at(), a, b)
}

// links compares each place and time that names a finding with the finding.
func (r *recompute) links(doc *sightline.Document) {
	findings := map[string]*sightline.Finding{}
	for _, f := range doc.Findings {
		findings[f.ID] = f
	}
	for _, it := range doc.Items {
		for _, p := range it.Places {
			f := findings[p.Finding]
			if f == nil || f.Method != "camera.solve" || p.Camera == nil {
				continue
			}
			var a struct {
				Position *[3]float64 `json:"position"`
				Rotation []float64   `json:"rotation"`
			}
			if json.Unmarshal(f.Answer, &a) != nil || a.Position == nil || len(a.Rotation) != 4 {
				r.fault(it.ID, "%s has a camera from %s, whose answer holds no camera", it.ID, f.ID)
				continue
			}
			c := p.Camera
			d := math.Hypot(math.Hypot(c.Position[0]-a.Position[0], c.Position[1]-a.Position[1]), c.Position[2]-a.Position[2])
			if turned := turn(c.Rotation[:], a.Rotation); !(d <= poseMetres) || !(turned <= poseDegrees) {
				r.fault(it.ID, "the camera of %s is %.2f m and %.2f degrees from the one that %s found", it.ID, d, turned, f.ID)
				continue
			}
			r.rep.Links++
		}
		for _, t := range it.Times {
			r.timeLink(it.ID, t, findings[t.Finding])
		}
	}
	for _, e := range doc.Events {
		for _, t := range e.Times {
			r.timeLink(e.ID, t, findings[t.Finding])
		}
	}
}

// timeLink accepts an interval that lies in one of the finding's intervals,
// rounded outward by at most a second.
func (r *recompute) timeLink(id string, t sightline.Time, f *sightline.Finding) {
	if f == nil || t.Min == nil || t.Max == nil {
		return
	}
	if f.Method == "time.solve" {
		r.boundLink(id, t, f)
		return
	}
	var a struct {
		Intervals []struct {
			Min int64 `json:"min"`
			Max int64 `json:"max"`
		} `json:"intervals"`
	}
	if json.Unmarshal(f.Answer, &a) != nil || len(a.Intervals) == 0 {
		return
	}
	for _, iv := range a.Intervals {
		if int64(*t.Min) <= iv.Min+1000 && int64(*t.Min) >= iv.Min-60_000 && int64(*t.Max) >= iv.Max-1000 && int64(*t.Max) <= iv.Max+60_000 {
			r.rep.Links++
			return
		}
	}
	r.fault(id, "the time of %s is not an interval that %s found", id, f.ID)
}

// boundLink accepts a time whose ends are the earliest start and the latest end
// that the finding's own network gives, rounded outward by at most a second.
func (r *recompute) boundLink(id string, t sightline.Time, f *sightline.Finding) {
	var a order.Answer
	if err := json.Unmarshal(f.Answer, &a); err != nil {
		r.fault(id, "%s names %s, whose answer cannot be read", id, f.ID)
		return
	}
	var lo, hi *int64
	for _, b := range a.Bounds {
		switch b.Point {
		case id + ".start":
			lo = b.Min
			if hi == nil {
				hi = b.Max
			}
		case id + ".end":
			hi = b.Max
			if lo == nil {
				lo = b.Min
			}
		}
	}
	if lo == nil || hi == nil || int64(*t.Min) > *lo || int64(*t.Min) < *lo-1000 || int64(*t.Max) < *hi || int64(*t.Max) > *hi+1000 {
		r.fault(id, "the time of %s is not the interval that %s derives", id, f.ID)
		return
	}
	r.rep.Links++
}

// network derives the intervals again and compares bounds, views and
// contradictions, and adds up every chain.
func (r *recompute) network(doc *sightline.Document) error {
	if r.rc.Network == nil {
		return nil
	}
	const name = "data/network.json"
	var was NetworkReport
	if err := r.json(name, &was); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			if d := networkDocument(doc); len(d.Constraints) > 0 {
				r.fault(name, "the document has %d constraints and the edition does not say what follows from them", len(d.Constraints))
			}
			return nil
		}
		r.fault(name, "the time network cannot be read: %v", err)
		return nil
	}
	now, err := r.rc.Network(networkDocument(doc))
	if err != nil {
		r.fault(name, "the constraints of the document cannot be solved: %v", err)
		return nil
	}
	now.Schema = NetworkSchema
	a, b := new(any), new(any)
	for _, x := range []struct {
		from *NetworkReport
		to   *any
	}{{&was, a}, {now, b}} {
		enc, err := json.Marshal(x.from)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(enc, x.to); err != nil {
			return err
		}
	}
	if d := unequal("", *a, *b, 0); d != "" {
		r.fault(name, "the time network does not follow from the constraints of the document: %s", d)
		return nil
	}
	for _, v := range now.Views {
		r.rep.Bounds += len(v.Bounds)
	}
	return nil
}

// networkDocument leaves in a public document the constraints whose points
// are public too.
func networkDocument(pub *sightline.Document) *sightline.Document {
	points := map[string]bool{order.Z: true}
	both := func(id string) { points[id+".start"], points[id+".end"] = true, true }
	for _, it := range pub.Items {
		both(it.ID)
		points["clock:"+it.ID] = true // the error of the clock that made it
	}
	for _, o := range pub.Observations {
		both(o.ID)
	}
	for _, e := range pub.Events {
		both(e.ID)
	}
	for _, g := range pub.Gaps {
		both(g.ID)
	}
	d := *pub
	d.Constraints = nil
	for _, k := range pub.Constraints {
		if points[k.From] && points[k.To] {
			d.Constraints = append(d.Constraints, k)
		}
	}
	return &d
}

// downloads writes the files that repeat the document again and compares.
func (r *recompute) downloads(doc *sightline.Document) error {
	indented := func(v any) ([]byte, error) {
		b, err := json.MarshalIndent(v, "", " ")
		return append(b, '\n'), err
	}
	files := []struct {
		name string
		make func() ([]byte, error)
	}{
		{"data/story.json", func() ([]byte, error) { return indented(doc.Stories) }},
		{"data/places.geojson", func() ([]byte, error) { return indented(geoJSON(doc)) }},
		{"data/document.pack.js", func() ([]byte, error) {
			b, err := json.Marshal(doc)
			return packScript("document.json", b), err
		}},
	}
	if r.rc.Corroborate != nil {
		files = append(files, struct {
			name string
			make func() ([]byte, error)
		}{"data/corroboration.json", func() ([]byte, error) { return indented(r.rc.Corroborate(doc)) }})
	}
	if r.rc.EvidenceLog != nil {
		files = append(files, struct {
			name string
			make func() ([]byte, error)
		}{"data/evidence-log.csv", func() ([]byte, error) {
			var buf bytes.Buffer
			err := r.rc.EvidenceLog(doc, "csv", doc.Case.Languages[0], &buf)
			return buf.Bytes(), err
		}})
	}
	for _, f := range files {
		was, err := fs.ReadFile(r.root, f.name)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) || f.name != "data/evidence-log.csv" && f.name != "data/corroboration.json" && !r.bundle {
				r.fault(f.name, "the download cannot be read: %v", err)
			}
			continue
		}
		now, err := f.make()
		if err != nil {
			return fmt.Errorf("failed to write %s again: %w", f.name, err)
		}
		if !bytes.Equal(was, now) {
			r.fault(f.name, "this download does not say what the document of the edition says")
			continue
		}
		r.rep.Files++
	}
	return nil
}
