package web

import (
	"encoding/json"
	"strings"
	"testing"
)

// A question to a science that names a case is answered only to whoever has a
// part in it; the others read what is said of a case that does not exist.
func TestAMethodAsksForTheCaseItNames(t *testing.T) {
	tm := newTeam(t, four)
	tm.s.cfg.Methods = map[string]func([]byte) ([]byte, error){"look": func([]byte) ([]byte, error) { return []byte(`{"seen":"canary"}`), nil }}
	tm.s.Join(&Case{ID: "other", Store: tm.c.Store, Blobs: tm.c.Blobs, Actor: tm.c.Actor})
	for body, want := range map[string]int{
		`{"marks":[]}`:                             200,
		`{"scene":""}`:                             200,
		`{"scene":"test"}`:                         200,
		`{"scene":"other"}`:                        404,
		`{"Scene":"other"}`:                        404,
		`{"\u0073cene":"other"}`:                   404,
		`{"case":"other"}`:                         404,
		`{"scene":"nowhere"}`:                      404,
		`{"problems":[{"a":1},{"scene":"other"}]}`: 404,
		`{"scene":"test","more":{"CASE":"other"}}`: 404,
	} {
		code, b := tm.as("reader", "POST", "/api/methods/look", json.RawMessage(body))
		if code != want || (code != 200) == strings.Contains(string(b), "canary") {
			t.Errorf("%s: %d %s, want %d", body, code, b, want)
		}
	}
	if ids := namesCase([]byte("{\"scene\":\"test\"}\n{\"scene\":\"other\"}")); len(ids) != 2 || ids[1] != "other" {
		t.Errorf("of two problems in one body: %v", ids)
	}
}
