package publish

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sightline"
	"sightline/digest"
)

// library serves bytes by their digest.
type library map[string][]byte

func (l library) add(s string) string {
	d := digest.Of([]byte(s)).String()
	l[d] = []byte(s)
	return d
}

func (l library) open(_ context.Context, d digest.Digest) (io.ReadCloser, error) {
	b, ok := l[d.String()]
	if !ok {
		return nil, sightline.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// redactedCase is a case in which TS-001 is a photo and TS-002 a video, both
// with redactions. Everything plain holds the word canary.
func redactedCase(t *testing.T) (*sightline.Document, library) {
	t.Helper()
	lib := library{}
	doc := small()
	for i, kind := range []string{"photo", "video"} {
		it := doc.Items[i]
		it.Media, it.Held, it.Type = kind, true, map[string]string{"photo": "image/jpeg", "video": "video/mp4"}[kind]
		it.Alt = both("A street")
		it.SHA256, it.Size = lib.add("canary original "+it.ID), 31415
		it.Hashes = map[string]string{"pdq": "canary-pdq"}
		it.Facts = []sightline.Fact{{Field: "EXIF:Artist", Value: "canary artist"}}
		it.Public = sightline.Public{Decision: "publish", Media: "publish", Faces: "redacted"}
		it.Redactions = []sightline.Redaction{{ID: "R1", Kind: "region", Shape: "rect", By: "canary analyst", Reason: both("A face"),
			Keys: []sightline.RedactionKey{{Points: [][2]float64{{0.123456, 0.1}, {0.3, 0.3}}}}}}
		if kind == "video" {
			from, to := int64(1000), int64(2000)
			it.Redactions = append(it.Redactions, sightline.Redaction{ID: "R2", Kind: "range", FromMS: &from, ToMS: &to, Say: both("A name"), Reason: both("A name")})
		}
		asked, err := it.RedactionDigest()
		if err != nil {
			t.Fatal(err)
		}
		put := func(role, body, typ string, meta map[string]string) {
			doc.Derivatives = append(doc.Derivatives, &sightline.Derivative{ID: it.ID + "/" + role + "-" + body[:3], Item: it.ID, Role: role, SHA256: lib.add(body + " " + role + " " + it.ID), Size: 5, Type: typ, Meta: meta,
				Recipe: sightline.Recipe{Tool: "x", Inputs: []string{it.SHA256}, Args: []string{"canary"}}})
		}
		roles := map[string]string{"thumb": "image/jpeg", "preview": "image/jpeg"}
		if kind == "video" {
			roles = map[string]string{"thumb": "image/jpeg", "poster": "image/jpeg", "proxy": "video/mp4", "waveform": "application/octet-stream"}
		}
		for role, typ := range roles {
			put(role, "canary plain", typ, nil)
			put("redacted-"+role, "old canary, other redactions", typ, map[string]string{sightline.RedactedMeta: strings.Repeat("0", 64)})
			put("redacted-"+role, "new covered", typ, map[string]string{sightline.RedactedMeta: asked, "worst_sample": "3"})
		}
		if kind == "video" {
			put("transcript", "canary words", "text/vtt", nil)
			put("frames", "canary frames", "application/json", nil)
			put("redacted-captions-es", "new WEBVTT covered", "text/vtt", map[string]string{sightline.RedactedMeta: asked, "lang": "es"})
		}
	}
	return doc, lib
}

func buildWith(t *testing.T, doc *sightline.Document, lib library) string {
	t.Helper()
	res, err := Build(context.Background(), Input{
		Doc: doc, Number: 1, Date: "2018-01-06T00:00:00Z", Version: "test", FuzzKey: []byte("secret"), Log: LogMaterial{Origin: "test/case", Size: 7, Root: doc.Head.Root},
		Blob: lib.open,
		Proof: func(_ context.Context, id string) (map[string][]byte, error) {
			return map[string][]byte{"leaf.json": []byte("{}"), "item": []byte("canary original")}, nil
		},
	}, t.TempDir())
	if err != nil {
		t.Fatal(err, Preflight(doc, nil))
	}
	return res.Dir
}

// contents reads every file of an edition, and every file in its archives.
func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		out[filepath.ToSlash(rel)] = b
		if strings.HasSuffix(p, ".zip") {
			z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				return err
			}
			for _, f := range z.File {
				r, err := f.Open()
				if err != nil {
					return err
				}
				x, err := io.ReadAll(r)
				if err != nil {
					return err
				}
				out[rel+"!"+f.Name] = x
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Nothing of the plain copies, the original, their digests or where exactly a
// region lies is in an edition, wherever one looks.
func TestRedactedItemsLeaveNoTrace(t *testing.T) {
	doc, lib := redactedCase(t)
	if ps := Preflight(doc, nil); len(ps) > 0 {
		t.Fatalf("%+v", ps)
	}
	secret := map[string]string{"31415": "the size of the original", "0.123456": "the corner of a region"}
	for d, b := range lib {
		if strings.Contains(string(b), "canary") {
			secret[d] = "the digest of " + string(b)
		}
	}
	files := contents(t, buildWith(t, doc, lib))
	if len(files) < 30 {
		t.Fatalf("only %d files were looked at", len(files))
	}
	for name, b := range files {
		if strings.Contains(string(b), "canary") || strings.Contains(name, "canary") {
			t.Errorf("%s holds a canary: %.200q", name, b)
		}
		for s, what := range secret {
			raw, _ := hex.DecodeString(s)
			if strings.Contains(string(b), s) || strings.Contains(name, s) || len(raw) == 32 && bytes.Contains(b, raw) {
				t.Errorf("%s tells %s", name, what)
			}
		}
	}
	for _, name := range []string{"m/TS-001-preview.jpg", "m/TS-001-thumb.jpg", "m/TS-002-proxy.mp4", "m/TS-002-poster.jpg", "m/TS-002-captions-es.vtt"} {
		if !strings.HasPrefix(string(files[name]), "new ") {
			t.Errorf("%s is %q", name, files[name])
		}
	}
	page := string(files["e/TS-002.html"])
	for _, want := range []string{"Redacted copy.", `<track kind="captions" srclang="es"`, "A face", "not published"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of the item does not say %q", want)
		}
	}
}

func TestDigestOfARedactedItem(t *testing.T) {
	doc, lib := redactedCase(t)
	doc.Items[0].Public.Hash, doc.Items[1].Public.Hash = "publish", "commit"
	files := contents(t, buildWith(t, doc, lib))
	sha := doc.Items[0].SHA256
	if files["proof/"+sha+"/leaf.json"] == nil || files["proof/"+sha+"/item"] != nil {
		t.Error("a digest that may be told has its proof, and never the bytes")
	}
	pub := new(sightline.Document)
	if err := json.Unmarshal(files["data/document.json"], pub); err != nil {
		t.Fatal(err)
	}
	it := pub.Items[1]
	if it.SHA256 != "" || len(it.Public.Commitment) != 64 {
		t.Fatalf("%+v", it.Public)
	}
	value, _ := sightline.Canonical(doc.Items[1].SHA256)
	s := sightline.SealedValue{Name: DigestName, Salt: DigestSalt([]byte("secret"), doc.Items[1]), Value: value}
	if !s.Opens(it.Public.Commitment) {
		t.Error("the commitment does not open")
	}
	if !strings.Contains(string(files["e/TS-002.html"]), it.Public.Commitment[:8]) {
		t.Error("the page does not show the commitment")
	}
	for name, b := range files {
		if strings.Contains(string(b), "canary") {
			t.Errorf("%s holds a canary", name)
		}
	}
}

// Each planted fault is found, under its own code and with a way out in both
// languages, and nothing else is.
func TestPlantedFaults(t *testing.T) {
	photo := func(d *sightline.Document) *sightline.Item { return d.Items[0] }
	faults := []struct {
		code string
		do   func(*sightline.Document)
	}{
		{"undecided", func(d *sightline.Document) {
			d.Items = append(d.Items, &sightline.Item{ID: "TS-009", Public: sightline.Public{Decision: "undecided"}})
		}},
		{"withheld_without_reason", func(d *sightline.Document) {
			d.Items = append(d.Items, &sightline.Item{ID: "TS-009", Public: sightline.Public{Decision: "withhold"}})
		}},
		{"missing_translation", func(d *sightline.Document) { delete(photo(d).Title, "es") }},
		{"missing_translation", func(d *sightline.Document) { delete(photo(d).Alt, "es") }}, // alternative text
		{"no_source", func(d *sightline.Document) { photo(d).Source = sightline.Source{Perspective: "press"} }},
		{"source_at_risk", func(d *sightline.Document) { photo(d).Sensitivity = "source_at_risk" }},
		{"no_licence", func(d *sightline.Document) { photo(d).Rights.Licence = "" }},
		{"no_consent", func(d *sightline.Document) { photo(d).Rights.Consent = "" }},
		{"consent_refused", func(d *sightline.Document) { photo(d).Rights.Consent = "refused" }},
		{"harm_not_named", func(d *sightline.Document) { photo(d).Sensitivity = "graphic" }},
		{"graphic_preview", func(d *sightline.Document) {
			photo(d).Sensitivity, photo(d).Harm = "graphic", both("blood")
			d.Stories[0].Steps[0].View.Media = []string{"TS-001"}
		}},
		{"witness_place", func(d *sightline.Document) {
			d.Case.Exercise = false
			photo(d).Source.Perspective = "citizen"
			photo(d).Places = []sightline.Place{{Role: "camera", Form: "point", Geo: &sightline.Geo{Lat: 10, Lon: -67}}}
		}},
		{"finding_reveals_place", func(d *sightline.Document) {
			photo(d).Places = []sightline.Place{{Role: "camera", Form: "point", Geo: &sightline.Geo{Lat: 10, Lon: -67}, FuzzM: 200}}
			d.Findings = append(d.Findings, &sightline.Finding{ID: "F-001", About: []string{"TS-001"}, Axis: "place", Text: both("There."), Public: true})
		}},
		{"faces_undecided", func(d *sightline.Document) { photo(d).Public.Faces = "" }},
		{"faces_not_redacted", func(d *sightline.Document) { photo(d).Redactions = nil }},
		{"redaction_not_made", func(d *sightline.Document) { photo(d).Redactions[0].Keys[0].Points[1][0] = 0.4 }},
		{"redaction_wrong", func(d *sightline.Document) {
			photo(d).Redactions[0].Shape = "star"
			asked, _ := photo(d).RedactionDigest()
			for _, x := range d.Derivatives {
				if x.Item == "TS-001" && strings.HasPrefix(x.ID, "TS-001/redacted-preview-new") {
					x.Meta[sightline.RedactedMeta] = asked
				}
			}
		}},
		{"file_name_told", func(d *sightline.Document) { photo(d).Title = both("Photo CANARY-NAME") }},
		{"copy_not_redacted", func(d *sightline.Document) {
			c := *photo(d)
			c.ID, c.Redactions, c.Public.Faces = "TS-009", nil, "cleared"
			d.Items = append(d.Items, &c)
		}},
		{"claim_without_source", func(d *sightline.Document) { d.Claims[0].Items = nil }},
		{"not_public", func(d *sightline.Document) { d.Claims[0].For = []sightline.Link{{To: "TS-077"}} }},
		{"cites_missing", func(d *sightline.Document) {
			d.Stories[0].Steps[0].Text = sightline.Text{"en": "It happened [TS-077].", "es": "Ocurrió [TS-001]."}
		}},
		{"uncited", func(d *sightline.Document) {
			d.Stories[0].Steps[0].Text = sightline.Text{"en": "It happened.", "es": "Ocurrió [TS-001]."}
		}},
		{"no_language", func(d *sightline.Document) { d.Case.Languages = nil }},
	}
	for _, f := range faults {
		doc, _ := redactedCase(t)
		f.do(doc)
		ps := Preflight(doc, nil)
		if len(ps) != 1 || ps[0].Code != f.code {
			t.Errorf("%s: %+v", f.code, ps)
			continue
		}
		for _, l := range []string{"en", "es"} {
			if ps[0].Text[l] == "" || ps[0].Fix[l] == "" || ps[0].Text["en"] == ps[0].Text["es"] {
				t.Errorf("%s: no words in %s", f.code, l)
			}
		}
	}
}

// The list of what changed since an edition that showed an item whole does not
// repeat what is now withheld.
func TestChangesDoNotTellWhatIsNowRedacted(t *testing.T) {
	doc, lib := redactedCase(t)
	before := clone(doc)
	for _, it := range before.Items {
		it.Redactions = nil
	}
	before = Public(before, []byte("secret"))
	res, err := Build(context.Background(), Input{Doc: doc, Before: before, Former: []*sightline.Edition{{ID: "v1", Number: 1}}, Number: 2, Date: "2018-01-06T00:00:00Z", Version: "test", FuzzKey: []byte("secret"),
		Log: LogMaterial{Origin: "test/case", Size: 7, Root: doc.Head.Root}, Blob: lib.open}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if before.Items[0].SHA256 == "" {
		t.Fatal("the edition before did not show the item whole")
	}
	for name, b := range contents(t, res.Dir) {
		for _, it := range before.Items {
			if strings.Contains(string(b), it.SHA256) || strings.Contains(string(b), "canary") {
				t.Errorf("%s tells what the edition before showed of %s", name, it.ID)
			}
		}
	}
}
