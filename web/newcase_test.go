package web

import (
	"context"
	"strings"
	"testing"
)

func TestACaseIsMadeOnlyWhereThatIsAllowed(t *testing.T) {
	d := newTestDesk(t)
	body := map[string]any{"title": "A bridge", "zone": "America/Caracas", "languages": []string{"es"}}
	if code, b := d.call("POST", "/api/cases", body, nil); code != 403 {
		t.Fatalf("a desk without a folder for cases answered %d: %s", code, b)
	}
	var got NewCase
	d.s.cfg.NewCase = func(_ context.Context, in NewCase) (string, error) { got = in; return "a-bridge", nil }
	code, b := d.call("POST", "/api/cases", body, nil)
	if code != 200 || !strings.Contains(string(b), "a-bridge") || got.Title != "A bridge" || got.Zone != "America/Caracas" {
		t.Fatalf("%d %s %+v", code, b, got)
	}
	d.s.cfg.People = new(People)
	if code, b = d.call("POST", "/api/cases", body, nil); code == 200 {
		t.Fatalf("a team's desk made a case: %s", b)
	}
}
