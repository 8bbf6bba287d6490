package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sightline"
	"sightline/archive"
)

type desk struct {
	t   *testing.T
	s   *Server
	srv *httptest.Server
	c   *Case
}

func newTestDesk(t *testing.T) *desk {
	t.Helper()
	t.Setenv("SIGHTLINE_HOME", t.TempDir())
	f, err := archive.Create(filepath.Join(t.TempDir(), "test"), sightline.Case{ID: "test", Prefix: "TS", Title: sightline.Text{"en": "T"}, Zone: "UTC", Languages: []string{"en"}}, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	c := &Case{ID: "test", Store: f.Store, Blobs: f.Blobs, Actor: f.Actor}
	d := &desk{t: t, c: c}
	d.srv = httptest.NewUnstartedServer(nil)
	addr := d.srv.Listener.Addr().String()
	d.s = New(Config{Cases: []*Case{c}, Addr: addr, Token: "secret", Original: "http://127.0.0.1:1", TempDir: t.TempDir()})
	d.srv.Config.Handler = d.s.Handler()
	d.srv.Start()
	t.Cleanup(d.srv.Close)
	blob, err := c.Blobs.Put(context.Background(), strings.NewReader("original bytes"))
	if err != nil {
		t.Fatal(err)
	}
	d.update(sightline.EntryCollect, func(w sightline.Writer) error {
		return w.Put(&sightline.Item{ID: "TS-001", Title: sightline.Text{"en": "First"}, Media: "record", SHA256: blob.Digest.String(), Size: blob.Size})
	})
	return d
}

func (d *desk) update(k sightline.EntryKind, fn func(sightline.Writer) error) {
	d.t.Helper()
	if _, err := d.c.Store.Update(context.Background(), d.c.Actor, func(w sightline.Writer) error {
		w.Describe(sightline.Draft{Kind: k, Result: "ok"})
		return fn(w)
	}); err != nil {
		d.t.Fatal(err)
	}
}

// call asks with the cookie; change alters the request first.
func (d *desk) call(method, path string, body any, change func(*http.Request)) (int, []byte) {
	d.t.Helper()
	var r io.Reader
	if body != nil {
		b, _ := json.Marshal(body)
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, d.srv.URL+path, r)
	if err != nil {
		d.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.AddCookie(&http.Cookie{Name: cookieName, Value: "secret"})
	if change != nil {
		change(req)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, b
}

func (d *desk) item() (v sightline.Item, rev int) {
	d.t.Helper()
	_, b := d.call("GET", "/api/cases/test/history/item/TS-001", nil, nil)
	var rows []sightline.Row
	if err := json.Unmarshal(b, &rows); err != nil || len(rows) == 0 {
		d.t.Fatalf("%v: %s", err, b)
	}
	last := rows[0]
	for _, r := range rows {
		if r.Rev > last.Rev {
			last = r
		}
	}
	if err := json.Unmarshal(last.Value, &v); err != nil {
		d.t.Fatal(err)
	}
	return v, last.Rev
}

// A page that the investigator happens to visit must not reach the desk.
func TestTheDoorIsNarrow(t *testing.T) {
	d := newTestDesk(t)
	cases := []struct {
		name   string
		change func(*http.Request)
		want   int
	}{
		{"own", nil, 200},
		{"no cookie", func(r *http.Request) { r.Header.Del("Cookie") }, 401},
		{"wrong cookie", func(r *http.Request) { r.Header.Set("Cookie", cookieName+"=guess") }, 401},
		{"foreign host (DNS rebinding)", func(r *http.Request) { r.Host = "evil.example:8765" }, 421},
		{"foreign origin", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		{"null origin", func(r *http.Request) { r.Header.Set("Origin", "null") }, 403},
		{"cross-site fetch", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		{"another port of this host", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
	}
	for _, c := range cases {
		if got, b := d.call("GET", "/api/cases/test/document", nil, c.change); got != c.want {
			t.Errorf("%s: status %d, want %d: %s", c.name, got, c.want, b)
		}
	}
	if got, _ := d.call("GET", "/open?token=wrong", nil, nil); got != 401 {
		t.Errorf("a wrong token: %d", got)
	}
	if got, b := d.call("GET", "/open?token=secret", nil, nil); got != 200 || !bytes.Contains(b, []byte(`rel="icon" href="data:,"`)) {
		t.Errorf("the page that signs in lets the browser ask for an icon that is not there: %d %s", got, b)
	}
	if got, b := d.call("GET", "/open?token=secret&to=//evil.example/", nil, nil); got != 200 || bytes.Contains(b, []byte("evil")) {
		t.Errorf("%d: %s", got, b)
	}
}

func TestEditUndoRedo(t *testing.T) {
	d := newTestDesk(t)
	v, rev := d.item()
	v.Title = sightline.Text{"en": "Second"}
	put := func(rev int, v any) (int, []byte) {
		return d.call("POST", "/api/cases/test/edits", map[string]any{"label": "rename", "commands": []any{map[string]any{"op": "put", "kind": "item", "id": "TS-001", "rev": rev, "value": v}}}, nil)
	}
	code, b := put(rev, v)
	var reply editReply
	if json.Unmarshal(b, &reply); code != 200 || reply.Seq < 2 {
		t.Fatalf("%d %s", code, b)
	}
	if code, b := put(rev, v); code != 409 || !bytes.Contains(b, []byte(`"current"`)) {
		t.Errorf("an old revision: %d %s", code, b)
	}
	undo := func(seq sightline.Seq) sightline.Seq {
		code, b := d.call("POST", "/api/cases/test/undo", map[string]any{"seq": seq}, nil)
		var r struct{ Seq sightline.Seq }
		if json.Unmarshal(b, &r); code != 200 {
			t.Fatalf("undo: %d %s", code, b)
		}
		return r.Seq
	}
	u := undo(reply.Seq)
	if v, _ := d.item(); v.Title["en"] != "First" {
		t.Errorf("after undo: %v", v.Title)
	}
	undo(u)
	if v, _ := d.item(); v.Title["en"] != "Second" {
		t.Errorf("after redo: %v", v.Title)
	}
	if code, b := d.call("POST", "/api/cases/test/undo", map[string]any{"seq": reply.Seq}, nil); code != 409 {
		t.Errorf("undoing what was changed since: %d %s", code, b)
	}
	if code, b := d.call("POST", "/api/cases/test/undo", map[string]any{"seq": 1}, nil); code == 200 {
		t.Errorf("undoing the taking in of an item: %d %s", code, b)
	}
}

func TestEditsAreRefused(t *testing.T) {
	d := newTestDesk(t)
	v, _ := d.item()
	other := v
	other.SHA256 = strings.Repeat("0", 64)
	for name, cmd := range map[string]map[string]any{
		"other bytes":            {"op": "put", "kind": "item", "id": "TS-001", "value": other},
		"another id":             {"op": "put", "kind": "item", "id": "TS-001", "value": map[string]any{"id": "TS-009"}},
		"a misspelt field":       {"op": "put", "kind": "item", "id": "TS-001", "value": map[string]any{"id": "TS-001", "titel": 1}},
		"an item without bytes":  {"op": "new", "kind": "item", "value": map[string]any{"media": "photo"}},
		"a derivative by hand":   {"op": "new", "kind": "derivative", "value": map[string]any{"id": "x"}},
		"an unknown kind":        {"op": "new", "kind": "tip", "value": map[string]any{}},
		"an unknown command":     {"op": "drop", "kind": "item", "id": "TS-001"},
		"withdrawn, no reason":   {"op": "withdraw", "kind": "item", "id": "TS-001"},
		"the case withdrawn":     {"op": "withdraw", "kind": "case", "id": "test", "reason": "r"},
		"something not there":    {"op": "put", "kind": "claim", "id": "C-99", "value": map[string]any{"id": "C-99"}},
		"a claim id taken twice": {"op": "new", "kind": "account", "value": map[string]any{"id": "\x00"}, "parent": 3},
	} {
		code, b := d.call("POST", "/api/cases/test/edits", map[string]any{"label": "x", "commands": []any{cmd}}, nil)
		if code < 400 || code >= 500 {
			t.Errorf("%s: %d %s", name, code, b)
		}
		var p Problem
		if json.Unmarshal(b, &p) != nil || p.Detail == "" || p.Code == "" {
			t.Errorf("%s: not a problem in a sentence: %s", name, b)
		}
	}
	if got, _ := d.item(); got.Title["en"] != "First" {
		t.Errorf("a refused edit changed the item: %v", got.Title)
	}
	code, b := d.call("POST", "/api/cases/test/edits", map[string]any{"label": "x", "commands": []any{
		map[string]any{"op": "new", "kind": "claim", "value": map[string]any{"account": "a", "text": map[string]string{"en": "c"}, "items": []string{"TS-001"}, "status": "unsupported", "public": false}},
		map[string]any{"op": "withdraw", "kind": "item", "id": "TS-404", "reason": "r"},
	}}, nil)
	if code != 404 {
		t.Errorf("%d %s", code, b)
	}
	_, b = d.call("GET", "/api/cases/test/document", nil, nil)
	if bytes.Contains(b, []byte("C-01")) {
		t.Error("half of a refused edit was written")
	}
}

func TestOriginalsComeFromAnotherOrigin(t *testing.T) {
	d := newTestDesk(t)
	v, _ := d.item()
	if code, b := d.call("GET", "/api/cases/test/derivatives/"+v.SHA256, nil, nil); code != 404 || bytes.Contains(b, []byte("original bytes")) {
		t.Errorf("the desk's own origin gave an original: %d %s", code, b)
	}
	req, _ := http.NewRequest("GET", d.srv.URL+"/api/cases/test/original/TS-001", nil)
	req.AddCookie(&http.Cookie{Name: cookieName, Value: "secret"})
	res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil || res.StatusCode != 303 {
		t.Fatalf("%v %v", res, err)
	}
	path := strings.TrimPrefix(res.Header.Get("Location"), "http://127.0.0.1:1")
	get := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		d.s.Originals().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w
	}
	w := get()
	if w.Code != 200 || w.Body.String() != "original bytes" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") ||
		!strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := get(); w.Code != 410 {
		t.Errorf("a ticket worked twice: %d", w.Code)
	}
	_, b := d.call("GET", "/api/cases/test/custody/TS-001", nil, nil)
	if !bytes.Contains(b, []byte(`"view-original"`)) {
		t.Errorf("the view is not in the log: %s", b)
	}
}

// A derivative is served as soon as it is made, and no longer than it stands.
func TestDerivativesFollowTheLog(t *testing.T) {
	d := newTestDesk(t)
	blob, err := d.c.Blobs.Put(context.Background(), strings.NewReader("small picture"))
	if err != nil {
		t.Fatal(err)
	}
	path := "/api/cases/test/derivatives/" + blob.Digest.String()
	if code, _ := d.call("GET", path, nil, nil); code != 404 {
		t.Errorf("before it was made: %d", code)
	}
	v := &sightline.Derivative{ID: "TS-001/thumb", Item: "TS-001", Role: "thumb", SHA256: blob.Digest.String(), Size: blob.Size, Type: "image/png"}
	d.update(sightline.EntryDerive, func(w sightline.Writer) error { return w.Put(v) })
	for range 2 {
		if code, b := d.call("GET", path, nil, nil); code != 200 || string(b) != "small picture" {
			t.Errorf("made: %d %s", code, b)
		}
	}
	d.update(sightline.EntryDerive, func(w sightline.Writer) error { return w.Withdraw(v.Ref(), "redacted since") })
	if code, _ := d.call("GET", path, nil, nil); code != 404 {
		t.Errorf("after it was withdrawn: %d", code)
	}
}

func TestLiveUpdates(t *testing.T) {
	d := newTestDesk(t)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", d.srv.URL+"/api/cases/test/events?after=2", nil)
	req.AddCookie(&http.Cookie{Name: cookieName, Value: "secret"})
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	v, rev := d.item()
	v.Notes = "n"
	if code, b := d.call("POST", "/api/cases/test/edits", map[string]any{"label": "x", "commands": []any{map[string]any{"op": "put", "kind": "item", "id": "TS-001", "rev": rev, "value": v}}}, nil); code != 200 {
		t.Fatalf("%d %s", code, b)
	}
	buf := make([]byte, 4096)
	var got []byte
	for !bytes.Contains(got, []byte(`{"kind":"item","id":"TS-001"}`)) {
		n, err := res.Body.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			t.Fatalf("%v after %s", err, got)
		}
	}
}

func TestFileNames(t *testing.T) {
	for in, want := range map[string]string{"a b/../c.jpg": "a_b_.._c.jpg", "x\r\nSet-Cookie: y": "x__Set-Cookie__y", "año.png": "a_o.png"} {
		if got := fileName(in); got != want {
			t.Errorf("%q gave %q", in, got)
		}
	}
	if safeType("image/svg+xml") != "application/octet-stream" || safeType("text/html; charset=utf-8") != "application/octet-stream" || safeType("image/png") != "image/png" {
		t.Error("a type that runs scripts was let through")
	}
}
