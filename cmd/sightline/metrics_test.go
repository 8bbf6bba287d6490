package main

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"sightline"
	"sightline/archive"
)

func TestMetrics(t *testing.T) {
	t.Setenv("SIGHTLINE_HOME", t.TempDir())
	f, err := archive.Create(filepath.Join(t.TempDir(), "secret-name"), sightline.Case{ID: "secret-name", Prefix: "T", Title: sightline.Text{"en": "A secret title"}, Zone: "UTC", Languages: []string{"en"}}, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Store.Update(context.Background(), f.Actor, func(w sightline.Writer) error {
		return w.Enqueue(sightline.Job{Kind: "thumb", Version: "1", Input: "a"})
	}); err != nil {
		t.Fatal(err)
	}
	h := watchHandler(func() []*folder { return []*folder{f} })
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code, w.Body.String()
	}
	_, body := get("/metrics")
	for _, want := range []string{"sightline_cases 1\n", "sightline_log_entries 1\n", `sightline_jobs{kind="thumb",lane="cpu",state="waiting"} 1`} {
		if !strings.Contains(body, want) {
			t.Errorf("the metrics lack %q", want)
		}
	}
	if strings.Contains(body, "secret") || strings.Contains(body, "host") {
		t.Error("the metrics name the case or the machine")
	}
	for _, p := range []string{"/healthz", "/readyz"} {
		if code, _ := get(p); code != 200 {
			t.Errorf("%s gives %d", p, code)
		}
	}
	f.Close()
	if code, body := get("/readyz"); code != 503 || strings.Contains(body, "secret") {
		t.Errorf("a case that cannot be read gives %d %s", code, body)
	}
}
