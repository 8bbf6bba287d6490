package web

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"sightline"
	"sightline/when"
)

// A case is asked for what a list, a map and a time line show of it.
func TestAskingALargeCase(t *testing.T) {
	d := newTestDesk(t)
	d.update(sightline.EntryAnnotate, func(w sightline.Writer) error {
		for i := range 40 {
			id := fmt.Sprintf("TS-%03d", 100+i)
			media := []string{"photo", "video"}[i%2]
			if err := w.Put(&sightline.Item{ID: id, Title: sightline.Text{"en": fmt.Sprintf("Bridge %d", i)}, Media: media, Source: sightline.Source{Perspective: "press"},
				Times:  []sightline.Time{{Interval: when.At(when.Instant(1_000_000 + 1000*i))}},
				Places: []sightline.Place{{Geo: &sightline.Geo{Lat: 10 + float64(i)/100, Lon: -66}}}, Hashes: map[string]string{"pdq": fmt.Sprintf("%064x", i)}}); err != nil {
				return err
			}
		}
		for _, o := range []sightline.Object{
			&sightline.Derivative{ID: "TS-100/1", Item: "TS-100", Role: "preview", SHA256: strings.Repeat("a", 64)}, &sightline.Derivative{ID: "TS-100/2", Item: "TS-100", Role: "thumb", SHA256: strings.Repeat("b", 64)},
			&sightline.Observation{ID: "TS-100.1", Item: "TS-100", Text: sightline.Text{"en": "smoke"}}, &sightline.Event{ID: "E-001", Items: []string{"TS-101", "TS-100"}},
			&sightline.Event{ID: "E-002", Items: []string{"TS-139"}}, &sightline.Account{ID: "A-01", Title: sightline.Text{"en": "Official"}},
		} {
			if err := w.Put(o); err != nil {
				return err
			}
		}
		return nil
	})
	get := func(method, path string, body, into any) {
		t.Helper()
		code, b := d.call(method, "/api/cases/test/"+path, body, nil)
		if code != 200 {
			t.Fatalf("%s: %d %s", path, code, b)
		}
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatalf("%s: %v %s", path, err, b)
		}
	}
	var found struct {
		Total  int
		Head   int64
		Rows   []map[string]any
		Facets map[string][]sightline.FacetCount
	}
	get("POST", "find", map[string]any{"q": "bridge", "facets": map[string]any{"media": []string{"photo"}}, "box": []float64{-67, 10, -65, 10.2}, "from": 1_004_000, "to": 1_900_000, "sort": "-time", "limit": 3,
		"count": []string{"media", "perspective"}}, &found)
	if found.Total != 9 || len(found.Rows) != 3 || found.Rows[0]["id"] != "TS-120" || found.Rows[0]["lat"] != 10.2 || found.Rows[0]["min"] != 1_020_000.0 || len(found.Facets["media"]) != 2 || found.Head != 3 {
		t.Errorf("%+v", found)
	}
	get("POST", "find", map[string]any{"sort": "time", "limit": 1}, &found)
	if found.Total != 41 || found.Rows[0]["id"] != "TS-100" || found.Rows[0]["poster"] != strings.Repeat("b", 64) {
		t.Errorf("%+v", found)
	}
	var o sightline.Overview
	get("GET", "overview?lane=media&buckets=10&media=photo", nil, &o)
	if len(o.Lanes) != 1 || o.Total != 20 || o.Lanes[0].Key != "photo" || len(o.Lanes[0].Counts) > 10 {
		t.Errorf("%+v", o)
	}
	var near struct {
		Total  int
		Places []nearPlace
		Cells  []sightline.Cell
	}
	get("GET", "near?box=-67,10,-65,10.05", nil, &near)
	if near.Total != 6 || len(near.Places) != 6 || len(near.Cells) != 0 {
		t.Errorf("%+v", near)
	}
	get("GET", "near?limit=5", nil, &near)
	if near.Total != 40 || len(near.Places) != 0 || len(near.Cells) == 0 {
		t.Errorf("%+v", near)
	}
	var out struct {
		Outline  bool
		Items    []any
		Accounts []any
		Counts   map[string]int
		Box      []float64
	}
	get("GET", "outline", nil, &out)
	if !out.Outline || len(out.Items) != 0 || out.Items == nil || len(out.Accounts) != 1 || out.Counts["item"] != 41 || out.Counts["event"] != 2 || len(out.Box) != 4 {
		t.Errorf("%+v", out)
	}
	var whole struct {
		Items, Derivatives, Observations, Events []map[string]any
		Revs                                     map[string]int
		Missing                                  []string
	}
	get("GET", "items?ids=TS-100,TS-999", nil, &whole)
	if len(whole.Items) != 1 || len(whole.Derivatives) != 2 || len(whole.Observations) != 1 || len(whole.Events) != 1 || whole.Revs["event/E-001"] != 1 || len(whole.Missing) != 1 {
		t.Errorf("%+v", whole)
	}
	var copies sightline.Copies
	get("GET", "copies?item=TS-101&within=1", nil, &copies)
	if copies.Hashed != 40 || len(copies.Copies) != 6 || copies.Copies[0] != (sightline.CopyHit{ID: "TS-100", Distance: 1}) {
		t.Errorf("%+v", copies)
	}
	var hits []hit
	get("GET", "search?q=brid", nil, &hits)
	if len(hits) != 20 || hits[0].Title["en"] == "" {
		t.Errorf("%+v", hits)
	}
	for _, bad := range []string{"overview?buckets=0", "overview?lane=colour", "overview?from=x", "near?box=1,2,3", "near?box=3,0,1,1", "items", "items?ids=" + strings.Repeat("a,", 1) + strings.Repeat("b,c", 0), "copies", "copies?pdq=zz", "overview?from=9&to=1"} {
		want := 422
		if strings.HasPrefix(bad, "items?ids=a") {
			want = 200
		}
		if code, b := d.call("GET", "/api/cases/test/"+bad, nil, nil); code != want && code != 400 {
			t.Errorf("%s: %d %s", bad, code, b)
		}
	}
	for _, bad := range []map[string]any{{"limit": 501}, {"limit": -1}, {"offset": -1}, {"sort": "size"}, {"count": []string{"colour"}}, {"facets": map[string]any{"colour": []string{"red"}}}, {"from": 5, "to": 1}, {"q": strings.Repeat("x", 2000)}} {
		if code, b := d.call("POST", "/api/cases/test/find", bad, nil); code != 422 && code != 400 {
			t.Errorf("%v: %d %s", bad, code, b)
		}
	}
}

func TestAnswersAreCompressed(t *testing.T) {
	d := newTestDesk(t)
	d.update(sightline.EntryAnnotate, func(w sightline.Writer) error {
		for i := range 50 {
			if err := w.Put(&sightline.Item{ID: fmt.Sprintf("TS-%03d", 100+i), Title: sightline.Text{"en": "A title that is there again and again"}, Media: "photo"}); err != nil {
				return err
			}
		}
		return nil
	})
	ask := func(path, encoding string) (*http.Response, []byte) {
		t.Helper()
		req, err := http.NewRequest("GET", d.srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.AddCookie(&http.Cookie{Name: cookieName, Value: "secret"})
		req.Header.Set("Accept-Encoding", encoding)
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, b
	}
	_, plain := ask("/api/cases/test/document", "identity")
	res, small := ask("/api/cases/test/document", "gzip")
	if res.Header.Get("Content-Encoding") != "gzip" || len(small)*4 > len(plain) {
		t.Fatalf("%v, %d bytes of %d", res.Header, len(small), len(plain))
	}
	zr, err := gzip.NewReader(bytes.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(zr); err != nil || !bytes.Equal(b, plain) {
		t.Errorf("%v: another document", err)
	}
	if res, _ := ask("/api/cases/test/document", "gzip"); res.Header.Get("ETag") == "" {
		t.Error("the tag of the document is gone")
	}
}
