package publish

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"iter"
	"math"
	"regexp"
	"strings"
	"testing"

	"sightline"
)

// hostile is text from a file that would do harm where it is not neutral: a
// script, a formula, a turn of writing direction, TeX, a null.
const hostile = "=HYPERLINK(\"x\")</script><script>alert(1)</script>\u202Egpj.exe \\input{/etc/passwd} %\x00 ]]> &amp;"

// exported is a public document with a solved camera, a blurred witness and
// hostile texts.
func exported() *sightline.Document {
	d := small()
	h := 12.5
	d.Items[0].Title = sightline.Text{"en": hostile, "es": hostile}
	d.Items[0].Seen = sightline.Text{"en": hostile, "es": hostile}
	d.Items[0].Source.Name = sightline.Text{"en": hostile, "es": hostile}
	d.Items[0].Source.URL = "javascript:alert(1)"
	d.Items[1].Source.URL = "https://example.org/a_b?x=1&y={2}"
	// Looking east, 10 degrees down: camera axes right = south, down, forward = east.
	s, c := math.Sin(math.Pi/36), math.Cos(math.Pi/36)
	base := [4]float64{0.5, 0.5, -0.5, 0.5} // scene to a camera that looks level to the east
	tilt := [4]float64{c, s, 0, 0}          // and then 10 degrees about its right axis
	d.Items[0].Places = []sightline.Place{{Role: "camera", Form: "camera", Label: both("Corner"), Geo: &sightline.Geo{Lat: 10.5, Lon: -67.25, H: &h}, Status: "verified",
		Camera: &sightline.Camera{Width: 640, Height: 480, Position: [3]float64{10, 20, 3}, Rotation: times(tilt, base), FocalPx: 500, Solved: true}}}
	d.Items[1].Places = []sightline.Place{{Role: "camera", Form: "point", Label: both("House"), Geo: &sightline.Geo{Lat: 10.6, Lon: -67.3}, FuzzM: 300, ENU: &[3]float64{1, 2, 3}}, {Role: "subject", Form: "named", Label: both("Somewhere")}}
	d.Items[1].Posted = &d.Items[1].Times[0]
	d.Layers = []*sightline.Layer{{ID: "L-01", File: "terrain.glb", Title: both("Ground")}, {ID: "L-02", File: "scene.json", Title: both("Objects")}}
	return Public(d, []byte("k"))
}

func times(a, b [4]float64) [4]float64 {
	return [4]float64{a[0]*b[0] - a[1]*b[1] - a[2]*b[2] - a[3]*b[3], a[0]*b[1] + a[1]*b[0] + a[2]*b[3] - a[3]*b[2], a[0]*b[2] - a[1]*b[3] + a[2]*b[0] + a[3]*b[1], a[0]*b[3] + a[1]*b[2] - a[2]*b[1] + a[3]*b[0]}
}

func TestAngles(t *testing.T) {
	// A level camera to the north: x right = east, y down, z forward = north.
	north := [4]float64{math.Sqrt2 / 2, math.Sqrt2 / 2, 0, 0}
	for _, c := range []struct {
		q       [4]float64
		h, t, r float64
	}{
		{north, 0, 90, 0},
		{[4]float64{0, 1, 0, 0}, 0, 0, 0}, // straight down, top of the picture to the north
		{exported().Items[0].Places[0].Camera.Rotation, 90, 80, 0},
		{times([4]float64{math.Cos(math.Pi / 12), 0, 0, math.Sin(math.Pi / 12)}, north), 0, 90, 30},
	} {
		h, ti, r := angles(c.q)
		if math.Abs(math.Remainder(h-c.h, 360)) > 1e-9 || math.Abs(ti-c.t) > 1e-9 || math.Abs(r-c.r) > 1e-9 {
			t.Errorf("%v: heading %v tilt %v roll %v, want %v %v %v", c.q, h, ti, r, c.h, c.t, c.r)
		}
	}
}

func written(t *testing.T, fn func(io.Writer) error) string {
	t.Helper()
	var a, b bytes.Buffer
	if err := fn(&a); err != nil {
		t.Fatal(err)
	}
	if err := fn(&b); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("written twice, the export differs", err)
	}
	for _, bad := range []string{"\u202e", "\x00", "10.6,", "javascript:alert"} {
		if strings.Contains(a.String(), bad) {
			t.Errorf("the export holds %q", bad)
		}
	}
	return a.String()
}

func object(t *testing.T, s string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// KML 2.2 (OGC 07-147r2): longitude before latitude, elements of a Camera and
// of a Placemark in the order of the schema.
func TestKML(t *testing.T) {
	out := written(t, func(w io.Writer) error { return KML(exported(), "en", w) })
	dec := xml.NewDecoder(strings.NewReader(out))
	var path, seen []string
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := tok.(type) {
		case xml.StartElement:
			if x.Name.Space != "http://www.opengis.net/kml/2.2" {
				t.Fatalf("element %s is in the name space %q", x.Name.Local, x.Name.Space)
			}
			path = append(path, x.Name.Local)
			seen = append(seen, strings.Join(path, "/"))
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
	all := strings.Join(seen, "\n")
	for _, want := range []string{"kml/Document/Placemark/name\nkml/Document/Placemark/description\nkml/Document/Placemark/Camera\nkml/Document/Placemark/Camera/longitude\nkml/Document/Placemark/Camera/latitude\nkml/Document/Placemark/Camera/altitude\nkml/Document/Placemark/Camera/heading\nkml/Document/Placemark/Camera/tilt\nkml/Document/Placemark/Camera/roll\nkml/Document/Placemark/Camera/altitudeMode\nkml/Document/Placemark/TimeSpan"} {
		if !strings.Contains(all, want) {
			t.Errorf("the elements are not in the order of the schema:\n%s", all)
		}
	}
	if !strings.Contains(out, "<coordinates>-67.250000,10.500000</coordinates>") || !strings.Contains(out, "<heading>90.000</heading>") || strings.Count(out, "<Placemark") != 2 || strings.Count(out, "<Camera") != 1 {
		t.Errorf("%s", out)
	}
	if strings.Contains(out, "<script") || !strings.Contains(out, "&amp;lt;script") {
		t.Error("a script in a description is not neutral in a viewer that reads HTML")
	}
	if !strings.Contains(out, "Approximate place.") {
		t.Error("a blurred place does not say so")
	}
}

// RFC 7946.
func TestGeoJSON(t *testing.T) {
	v := object(t, written(t, func(w io.Writer) error { return GeoJSON(exported(), w) }))
	fs := v["features"].([]any)
	if v["type"] != "FeatureCollection" || len(fs) != 3 {
		t.Fatalf("%v", v)
	}
	for i, f := range fs {
		f := f.(map[string]any)
		g, given := f["geometry"]
		if f["type"] != "Feature" || !given || f["properties"] == nil {
			t.Fatalf("%v", f)
		}
		if i == 0 {
			if c := g.(map[string]any)["coordinates"].([]any); c[0] != -67.25 || c[1] != 10.5 {
				t.Errorf("coordinates %v are not longitude, latitude", c)
			}
		}
		if i == 2 && g != nil {
			t.Error("a place without a coordinate has one")
		}
	}
}

// TimeMap: each event has a date or a place, the keys of its schema, and only
// associations and sources that are there.
func TestTimeMap(t *testing.T) {
	v := object(t, written(t, func(w io.Writer) error { return TimeMap(exported(), "es", w) }))
	ids := map[string]bool{}
	for _, k := range []string{"sources", "associations"} {
		for _, x := range v[k].([]any) {
			ids[x.(map[string]any)["id"].(string)] = true
		}
	}
	for _, x := range v["events"].([]any) {
		e := x.(map[string]any)
		if e["date"] == "" && e["latitude"] == "" {
			t.Errorf("%v has neither a date nor a place", e["id"])
		}
		if !regexp.MustCompile(`^\d\d/\d\d/\d{4}$`).MatchString(e["date"].(string)) || !regexp.MustCompile(`^\d\d:\d\d:\d\d$`).MatchString(e["time"].(string)) {
			t.Errorf("date %v, time %v", e["date"], e["time"])
		}
		for _, k := range []string{"associations", "sources"} {
			for _, s := range e[k].([]any) {
				if !ids[s.(string)] {
					t.Errorf("%v names %v, which is not there", e["id"], s)
				}
			}
		}
	}
}

// IIIF Presentation 4: the required properties of each class, full addresses
// that come once, and a scene with y up.
func TestIIIF(t *testing.T) {
	out := written(t, func(w io.Writer) error { return IIIF(exported(), "https://example.org/v1/", w) })
	v := object(t, out)
	if v["@context"] != "http://iiif.io/api/presentation/4/context.json" || v["type"] != "Manifest" {
		t.Fatal(v["@context"], v["type"])
	}
	ids := map[string]int{}
	kinds := map[string]int{}
	var walk func(any)
	walk = func(x any) {
		switch x := x.(type) {
		case []any:
			for _, y := range x {
				walk(y)
			}
		case map[string]any:
			kind, _ := x["type"].(string)
			id, _ := x["id"].(string)
			kinds[kind]++
			switch kind {
			case "Manifest", "Scene", "AnnotationPage", "Annotation", "Model", "PerspectiveCamera":
				if !strings.HasPrefix(id, "https://example.org/v1/") {
					t.Errorf("%s has the id %q", kind, id)
				}
				if kind == "Annotation" {
					ids[id]++
					if x["motivation"] == nil || x["body"] == nil || x["target"] == nil {
						t.Errorf("%v lacks a part", id)
					}
				}
			}
			if kind == "PointSelector" && x["x"] == 10.0 && (x["y"] != 3.0 || x["z"] != -20.0) {
				t.Errorf("east 10, north 20, up 3 became %v", x)
			}
			for _, y := range x {
				walk(y)
			}
		}
	}
	walk(v)
	for id, n := range ids {
		if n != 1 {
			t.Errorf("%s comes %d times", id, n)
		}
	}
	if kinds["Model"] != 1 || kinds["PerspectiveCamera"] != 1 || kinds["PointSelector"] != 3 || kinds["TextualBody"] != 2 {
		t.Errorf("%v", kinds)
	}
}

// CSL-JSON 1.0.2: each entry has an id and a type of the list.
func TestCitations(t *testing.T) {
	c := Cited{Number: 2, Date: "2026-11-24T10:00:00Z", Manifest: strings.Repeat("ab", 32), URL: "https://example.org/v2/"}
	var list []map[string]any
	if err := json.Unmarshal([]byte(written(t, func(w io.Writer) error { return CSL(exported(), c, "en", w) })), &list); err != nil {
		t.Fatal(err)
	}
	types := map[string]bool{"report": true, "graphic": true, "motion_picture": true, "song": true, "post": true, "document": true}
	for _, e := range list {
		if e["id"] == "" || !types[e["type"].(string)] || e["title"] == "" {
			t.Errorf("%v", e)
		}
	}
	if len(list) != 3 || list[1]["URL"] != nil || list[2]["URL"] == nil || list[0]["issued"].(map[string]any)["date-parts"].([]any)[0].([]any)[0] != 2026.0 {
		t.Errorf("%v", list)
	}
	bib := written(t, func(w io.Writer) error { return BibTeX(exported(), c, "en", w) })
	depth := 0
	for i, r := range bib {
		escaped := i > 0 && bib[i-1] == '\\'
		if r == '{' && !escaped {
			depth++
		}
		if r == '}' && !escaped {
			depth--
		}
		if depth < 0 {
			t.Fatalf("a text closes a field:\n%s", bib)
		}
	}
	if depth != 0 || strings.Count(bib, "\n@")+1 != 3 || strings.Contains(bib, `\input`) || !strings.HasPrefix(bib, "@techreport{test,") {
		t.Errorf("%s", bib)
	}
	ld, err := json.Marshal(SchemaOrg(exported(), c, "en"))
	if err != nil || strings.Contains(string(ld), "</script") {
		t.Errorf("%v %s", err, ld)
	}
}

func walkOf(d *sightline.Document) Walk {
	entries := []sightline.LogEntry{
		{Entry: sightline.Entry{Seq: 0, At: "2026-01-01T00:00:00.000Z", Kind: sightline.EntryOpenCase, Actor: sightline.EntryActor{Key: "ed25519:aa", Role: "owner"}, Result: "ok"}, Leaf: "00"},
		{Entry: sightline.Entry{Seq: 1, At: "2026-01-01T00:00:01.000Z", Kind: sightline.EntryCollect, Actor: sightline.EntryActor{Key: "ed25519:aa", Role: "owner"}, Result: "ok", Tool: &sightline.EntryTool{Name: "sightline", Version: "1"},
			Item: &sightline.EntryItem{ID: "TS-001", SHA256: d.Items[0].SHA256, Copy: "evidentiary"}}, Leaf: "01"},
		{Entry: sightline.Entry{Seq: 2, At: "2026-01-01T00:00:02.000Z", Kind: sightline.EntryDerive, Actor: sightline.EntryActor{Key: "ed25519:bb", Role: "investigator"}, Result: "ok", Tool: &sightline.EntryTool{Name: "ffmpeg", Version: "7"},
			Parents: []string{d.Items[0].SHA256}, Item: &sightline.EntryItem{ID: "TS-001", SHA256: strings.Repeat("ef", 32), Copy: "working"}}, Leaf: "02"},
	}
	d.Derivatives = []*sightline.Derivative{{ID: "TS-001/preview", Item: "TS-001", SHA256: strings.Repeat("ef", 32), Size: 9, Type: "image/jpeg", Recipe: sightline.Recipe{Inputs: []string{d.Items[0].SHA256}}}}
	return Walk{Doc: d, Origin: "x/case/test", Version: "1", Entries: iter.Seq2[sightline.LogEntry, error](func(yield func(sightline.LogEntry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	})}
}

// graph reads a JSON-LD graph: every prefix is in the context, every node is
// defined once, and every reference to a node of our own leads to one.
func graph(t *testing.T, out string) map[string]map[string]any {
	t.Helper()
	v := object(t, out)
	ctx := v["@context"].(map[string]any)
	nodes := map[string]map[string]any{}
	var refs []string
	prefixed := func(s string) {
		if p, _, ok := strings.Cut(s, ":"); ok && ctx[p] == nil && p != "urn" {
			t.Errorf("the prefix of %q is not in the context", s)
		}
	}
	var walk func(any)
	walk = func(x any) {
		switch x := x.(type) {
		case []any:
			for _, y := range x {
				walk(y)
			}
		case map[string]any:
			if id, ok := x["@id"].(string); ok {
				prefixed(id)
				if len(x) == 1 {
					refs = append(refs, id)
				} else if nodes[id] != nil {
					t.Errorf("%s is there twice", id)
				} else {
					nodes[id] = x
				}
			}
			for k, y := range x {
				if !strings.HasPrefix(k, "@") {
					prefixed(k)
				}
				if s, ok := y.(string); ok && k == "@type" {
					prefixed(s)
				}
				walk(y)
			}
		}
	}
	walk(v["@graph"])
	for _, r := range refs {
		if nodes[r] == nil {
			t.Errorf("%s is named and not defined", r)
		}
	}
	return nodes
}

func TestPROV(t *testing.T) {
	k := walkOf(small())
	nodes := graph(t, written(t, func(w io.Writer) error { return PROV(k, w) }))
	kinds := map[string]int{}
	for _, n := range nodes {
		if s, ok := n["@type"].(string); ok {
			kinds[s]++
		}
	}
	if kinds["prov:Activity"] != 3 || kinds["prov:Agent"] != 2 || kinds["prov:Entity"] != 5 {
		t.Errorf("%v", kinds)
	}
	if nodes["urn:sha256:"+strings.Repeat("ef", 32)]["prov:wasDerivedFrom"] == nil {
		t.Error("a working copy does not say what it was derived from")
	}
}

func TestCASE(t *testing.T) {
	k := walkOf(small())
	nodes := graph(t, written(t, func(w io.Writer) error { return CASE(k, w) }))
	kinds := map[string]int{}
	for id, n := range nodes {
		kinds[n["@type"].(string)]++
		// CASE asks for names that end in a UUID.
		if !regexp.MustCompile(`^kb:[a-z-]+-[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
			t.Errorf("the name %s", id)
		}
	}
	for kind, n := range map[string]int{"case-investigation:Investigation": 1, "case-investigation:InvestigativeAction": 3, "case-investigation:ProvenanceRecord": 2, "uco-observable:File": 3, "uco-types:Hash": 3, "uco-tool:Tool": 2, "uco-identity:Identity": 2} {
		if kinds[kind] != n {
			t.Errorf("%d of %s, want %d", kinds[kind], kind, n)
		}
	}
}

// The papers load nothing, hold a declaration, and keep back what the public
// may not know.
func TestPapers(t *testing.T) {
	doc, lib := redactedCase(t)
	doc.Items[0].Title = sightline.Text{"en": hostile, "es": hostile}
	p, picture, err := PaperFor(doc, "TS-001", nil, false, false)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(lib[picture]), "new covered") {
		t.Fatalf("the picture of the paper is %q", lib[picture])
	}
	p.Picture = append([]byte{0xFF, 0xD8}, lib[picture]...)
	p.Lines = []PaperLine{{Seq: 3, At: "2026", Kind: "collect", Key: hostile, Role: "owner", Leaf: strings.Repeat("a", 64), Text: both("Taken in.")}}
	for _, lang := range []string{"en", "es"} {
		p.Lang = lang
		for name, fn := range map[string]func(Paper, io.Writer) error{"exhibit": Paper.WriteExhibit, "custody": Paper.WriteCustody} {
			out := written(t, func(w io.Writer) error { return fn(*p, w) })
			if strings.Contains(out, "<script") || strings.Contains(out, doc.Items[0].SHA256[:8]) || regexp.MustCompile(`(src|href)="(?:https?:|//)`).MatchString(out) {
				t.Errorf("%s in %s: not neutral, or it tells the digest", name, lang)
			}
			for _, w := range []string{paperWords[lang]["declare_missing"], paperWords[lang]["signature"]} {
				if !strings.Contains(out, w) {
					t.Errorf("%s in %s lacks %q", name, lang, w)
				}
			}
			if name == "exhibit" && !strings.Contains(out, "data:image/jpeg;base64,") {
				t.Error("the exhibit has no picture")
			}
		}
	}
	if q, _, err := PaperFor(doc, "TS-001", nil, true, false); err != nil || q.Item.SHA256 != doc.Items[0].SHA256 {
		t.Error("the digest was asked for and is not there")
	} else {
		q.Lang = "en"
		var b bytes.Buffer
		if err := q.WriteCustody(&b); err != nil || !strings.Contains(b.String(), paperWords["en"]["declare"]) {
			t.Error("a paper with the digest has no declaration", err)
		}
	}
	if _, _, err := PaperFor(doc, "TS-404", nil, true, false); err == nil {
		t.Error("a paper about an item that is not there")
	}
	p.Lang = "fr"
	if err := p.WriteExhibit(io.Discard); err == nil {
		t.Error("a paper in a language without words")
	}
	for k := range paperWords["en"] {
		if paperWords["es"][k] == "" || paperWords["es"][k] == paperWords["en"][k] && k != "size" {
			t.Errorf("%q is not in Spanish", k)
		}
	}
	if len(paperWords["en"]) != len(paperWords["es"]) {
		t.Error("the words of the papers differ in number")
	}
}
