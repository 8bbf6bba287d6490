package narrate

import (
	"bytes"
	"encoding/csv"
	"iter"
	"math"
	"strings"
	"testing"

	"encoding/json"

	"github.com/xuri/excelize/v2"

	"sightline"
	"sightline/when"
)

// rows is a reader over a fixed state: only what an export asks for.
type rows struct {
	sightline.Reader
	objects []sightline.Object
}

func (r rows) Head() (sightline.Head, error) {
	return sightline.Head{Size: 7, Root: "ab", At: "2026-01-02T03:04:05.006Z"}, nil
}
func (r rows) Rows(k sightline.Kind) iter.Seq2[sightline.Row, error] {
	return func(yield func(sightline.Row, error) bool) {
		for _, o := range r.objects {
			if o.Ref().Kind != k {
				continue
			}
			b, err := json.Marshal(o)
			if !yield(sightline.Row{Ref: o.Ref(), Rev: 1, Seq: 3, At: "2026-01-01T00:00:00.000Z", Value: b}, err) {
				return
			}
		}
	}
}
func (r rows) History(ref sightline.Ref) ([]sightline.Row, error) {
	return []sightline.Row{{Ref: ref, Rev: 2, Seq: 5, At: "2026-01-03T00:00:00.000Z"}, {Ref: ref, Rev: 1, Seq: 3, At: "2026-01-01T00:00:00.000Z"}}, nil
}
func (r rows) Sealed(s sightline.Seq) ([]sightline.SealedValue, error) {
	if s != 3 {
		return nil, nil
	}
	return []sightline.SealedValue{{Name: "collector", Value: json.RawMessage(`"Ana"`)}}, nil
}

func sample() rows {
	lo, hi := when.Instant(1516021620000), when.Instant(1516021679999) // 15 January 2018, 13:07 UTC
	h := 1950.0
	return rows{objects: []sightline.Object{
		&sightline.Case{ID: "t", Prefix: "T", Zone: "America/Caracas", Languages: []string{"es", "en"}},
		&sightline.Item{ID: "T-001", Title: sightline.Text{"es": "=HYPERLINK(\"http://evil\")"}, Media: "photo", SHA256: strings.Repeat("a", 64), Size: 12, Name: "a\nb.jpg",
			Times:  []sightline.Time{{Interval: when.Between(lo, hi), Status: "claimed", Printed: "09:07"}},
			Places: []sightline.Place{{Role: "camera", Status: "estimated", Geo: &sightline.Geo{Lat: 10.4633, Lon: -67.0794, H: &h}, RadiusM: 60, Camera: &sightline.Camera{Width: 1000, Height: 500, FocalPx: 500, Rotation: [4]float64{math.Sqrt2 / 2, math.Sqrt2 / 2, 0, 0}}}},
			Public: sightline.Public{Decision: "publish"}, Notes: "-5", Entities: []string{"N-01", "N-02"},
			Axes: sightline.Axes{Place: sightline.Axis{Status: "estimated", By: []string{"ana", "luis"}, Blind: true}}},
		&sightline.Item{ID: "T-002", Media: "record", Places: []sightline.Place{{FuzzM: 500, Geo: &sightline.Geo{Lat: 1, Lon: 1}}}, Public: sightline.Public{Decision: "publish"}},
		&sightline.Observation{ID: "T-001.1", Item: "T-001", Text: sightline.Text{"en": "smoke", "es": "humo"}},
		&sightline.Entity{ID: "N-01", Type: "unit", Name: sightline.Text{"es": "FAES"}}, &sightline.Entity{ID: "N-02", Type: "vehicle", Name: sightline.Text{"es": "camión"}},
		&sightline.Claim{ID: "C-01", Text: sightline.Text{"en": "x"}, For: []sightline.Link{{To: "T-001.1", Strength: "weak"}}, Against: []sightline.Link{{To: "T-002"}}},
	}}
}

func TestEvidenceRow(t *testing.T) {
	l, err := ReadLog(sample(), "es")
	if err != nil {
		t.Fatal(err)
	}
	e, _ := l.Table("evidence")
	at := func(row int, key string) string {
		for i, c := range e.Columns {
			if c.Key == key {
				return e.Rows[row][i]
			}
		}
		t.Fatalf("no column %s", key)
		return ""
	}
	for key, want := range map[string]string{
		"evidence_id": "T-001", "size_bytes": "12", "collected_by": "Ana", "first_seen_utc": "2026-01-01T00:00:00.000Z", "lat": "10.4633", "lon": "-67.0794",
		"alt_m": "1950", "bearing_deg": "0", "hfov_deg": "90", "pos_err_m_95": "60", "location_precision": "vicinity", "location_status": "estimated",
		"time_earliest_utc": "2018-01-15T13:07:00.000Z", "time_latest_utc": "2018-01-15T13:07:59.999Z", "tz": "America/Caracas", "time_status": "claimed", "claimed_date": "09:07",
		"people_units": "FAES", "equipment": "camión", "reviewer_1": "ana", "reviewer_2": "luis", "reviewer_2_blind": "yes", "public_lat": "10.4633", "claims_for": "C-01", "claims_against": "",
	} {
		if got := at(0, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if at(1, "public_lat") != "" || at(1, "public_fuzz_m") != "500" || at(1, "claims_against") != "C-01" {
		t.Error("a fuzzed place must not leave as the public one")
	}
	if s := at(0, "mgrs"); !strings.HasPrefix(s, "19P") {
		t.Errorf("mgrs %q", s)
	}
}

// TestColumns pins the format: other programs read these by name and order.
func TestColumns(t *testing.T) {
	const want = `evidence_id, title, description_visible, media_type, sha256, size_bytes, phash, original_filename, source_url, archive_urls, wacz_sha256, platform, author_handle, posted_at_utc, first_seen_utc, collected_at_utc, collected_by, collection_method, language, perspective, sensitivity, claimed_date, claimed_place, duplicate_of, lat, lon, mgrs, alt_m, bearing_deg, hfov_deg, pos_err_m_95, location_precision, location_status, location_confidence, location_method, time_earliest_utc, time_latest_utc, time_local_display, tz, time_status, time_confidence, time_method, auth_status, auth_notes, people_units, equipment, reviewer_1, reviewed_1_at, reviewer_2, reviewed_2_at, reviewer_2_blind, disagreement_m, disagreement_s, status, public, public_lat, public_lon, public_fuzz_m, withhold_reason, licence, consent, redactions, claims_for, claims_against, notes, updated_at, record_sha256`
	var got []string
	for _, c := range EvidenceColumns {
		got = append(got, c.Key)
		if c.Header["en"] == "" || c.Header["es"] == "" {
			t.Errorf("%s lacks a header", c.Key)
		}
	}
	if strings.Join(got, ", ") != want {
		t.Errorf("columns are\n%s", strings.Join(got, ", "))
	}
}

func TestGuard(t *testing.T) {
	for in, want := range map[string]string{"=1+1": "'=1+1", "+58 212": "'+58 212", "-67.07": "-67.07", "-5": "-5", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "a=1": "a=1", "": "", "-cmd": "'-cmd", "+1e5": "+1e5", "-inf": "'-inf", "-0x1p2": "'-0x1p2"} {
		if got := Guard(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestCSV(t *testing.T) {
	l, err := ReadLog(sample(), "es")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := l.Tables[0].WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(&b)
	all, err := r.ReadAll()
	if err != nil || len(all) != 3 || all[1][1] != "'=HYPERLINK(\"http://evil\")" || all[1][7] != "a\nb.jpg" {
		t.Errorf("%v %q", err, all)
	}
}

func TestXLSX(t *testing.T) {
	l, err := ReadLog(sample(), "es")
	if err != nil {
		t.Fatal(err)
	}
	var b, again bytes.Buffer
	if err := l.WriteXLSX(&b, "es"); err != nil {
		t.Fatal(err)
	}
	if err := l.WriteXLSX(&again, "es"); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("the same log gave two different workbooks")
	}
	f, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(f.GetSheetList(), " "); got != "README evidence observations claims links" {
		t.Errorf("sheets %s", got)
	}
	for cell, want := range map[string]string{"A1": "evidence_id", "B2": "Título", "B3": "=HYPERLINK(\"http://evil\")", "A4": "T-002"} {
		if got, _ := f.GetCellValue("evidence", cell); got != want {
			t.Errorf("%s is %q, want %q", cell, got, want)
		}
	}
	if formula, _ := f.GetCellFormula("evidence", "B3"); formula != "" {
		t.Errorf("a text became the formula %q", formula)
	}
	if dv, _ := f.GetDataValidations("evidence"); len(dv) == 0 {
		t.Error("no lists of words")
	}
}
