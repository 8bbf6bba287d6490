package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"sightline"
)

// team is a desk with accounts; each name is also its session.
type team struct {
	*desk
	people *People
	token  map[string]string
}

func newTeam(t *testing.T, roles map[string]Grant) *team {
	d := newTestDesk(t)
	p, err := OpenPeople(filepath.Join(t.TempDir(), "people.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.s.UsePeople(p, nil, ""); err != nil {
		t.Fatal(err)
	}
	tm := &team{d, p, map[string]string{}}
	for _, name := range slices.Sorted(mapsKeys(roles)) {
		tm.enter(name, roles[name])
	}
	return tm
}

func mapsKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// enter makes an account by an invitation, as the ceremony does once the
// browser's passkey was verified.
func (tm *team) enter(name string, g Grant) {
	tm.t.Helper()
	inv, err := tm.people.Invite(name, "test", g, "")
	if err != nil {
		tm.t.Fatal(err)
	}
	a, err := tm.people.accept(inv, name, []byte(name+"-handle"), webauthn.Credential{ID: []byte(name)})
	if err != nil {
		tm.t.Fatal(err)
	}
	if tm.token[name], err = tm.people.begin(a.ID); err != nil {
		tm.t.Fatal(err)
	}
}

// as asks as a person.
func (tm *team) as(name, method, path string, body any) (int, []byte) {
	tm.t.Helper()
	return tm.call(method, path, body, func(r *http.Request) {
		r.Header.Del("Cookie")
		if tok := tm.token[name]; tok != "" {
			r.AddCookie(&http.Cookie{Name: sessionCookie, Value: tok})
		}
	})
}

func (tm *team) must(name, method, path string, body, into any) {
	tm.t.Helper()
	code, b := tm.as(name, method, path, body)
	if code != 200 {
		tm.t.Fatalf("%s: %s %s: %d %s", name, method, path, code, b)
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			tm.t.Fatal(err)
		}
	}
}

var four = map[string]Grant{
	"owner": {Role: "owner", Sources: true}, "investigator": {Role: "investigator", Sources: true},
	"reviewer": {Role: "reviewer"}, "reader": {Role: "reader"},
}

// Every call is in the table, and every call asks for the role in it.
func TestEveryCallAsksForItsRole(t *testing.T) {
	tm := newTeam(t, four)
	for _, p := range tm.s.mux.patterns {
		if _, ok := calls[p]; !ok {
			t.Errorf("the call %q is not in the table of who may do what", p)
		}
	}
	if len(calls) != len(tm.s.mux.patterns) {
		for p := range calls {
			if !slices.Contains(tm.s.mux.patterns, p) {
				t.Errorf("the table names %q, which no call answers", p)
			}
		}
	}
	fill := strings.NewReplacer("{case}", "test", "{kind}", "item", "{id}", "TS-001", "{item}", "TS-001", "{digest}", strings.Repeat("0", 64),
		"{file}", "scene.json", "{job}", "none", "{name}", "log.csv", "{method}", "none", "{report}", "none", "{review}", "R-404", "{comment}", "Q-404", "{account}", "nobody", "{format}", "none", "{act}", "pull")
	tried := 0
	for pattern, need := range calls {
		method, path, found := strings.Cut(pattern, " ")
		if !found || need.role == "nobody" {
			continue
		}
		if strings.HasSuffix(path, "/events") {
			continue // a stream without an end; its role is asked before it begins, like the others
		}
		path = fill.Replace(path)
		if strings.Contains(path, "{") {
			t.Fatalf("%s has a part that this test does not fill", path)
		}
		var body any
		if method == "POST" {
			body = map[string]any{}
		}
		if code, b := tm.as("nobody", method, path, body); code != 401 || !bytes.Contains(b, []byte("sign_in")) {
			t.Errorf("%s without a session: %d %s", pattern, code, b)
		}
		for _, role := range Roles {
			tried++
			code, b := tm.as(role, method, path, body)
			denied := code == 403 && bytes.Contains(b, []byte("this needs the role"))
			if want := rank(role) < rank(need.role); denied != want {
				t.Errorf("%s as %s: %d %s, refused for the role should be %v", pattern, role, code, b, want)
			}
		}
	}
	if code, _ := tm.as("nobody", "GET", "/api/cases/test/events?after=0", nil); tried < 100 || code != 401 {
		t.Errorf("%d calls tried; the stream of events without a session: %d", tried, code)
	}
	// A case in which somebody has no part looks like one that is not there.
	tm.s.Join(&Case{ID: "other", Store: tm.c.Store, Blobs: tm.c.Blobs, Actor: tm.c.Actor})
	here, a := tm.as("owner", "GET", "/api/cases/other/document", nil)
	gone, b := tm.as("owner", "GET", "/api/cases/nowhere/document", nil)
	if here != 404 || gone != 404 || strings.ReplaceAll(string(a), "other", "nowhere") != string(b) {
		t.Errorf("%d %s\n%d %s", here, a, gone, b)
	}
	var cases []struct{ ID string }
	tm.must("owner", "GET", "/api/cases", nil, &cases)
	if len(cases) != 1 || cases[0].ID != "test" {
		t.Errorf("%v", cases)
	}
	// The token of a desk of one person opens nothing here.
	if code, _ := tm.call("GET", "/api/cases/test/document", nil, nil); code != 401 {
		t.Errorf("the token cookie was taken: %d", code)
	}
	if code, b := tm.as("nobody", "GET", "/open?token=secret", nil); code == 200 && bytes.Contains(b, []byte("Sightline</a>")) {
		t.Errorf("/open lets in: %s", b)
	}
}

// Whoever lacks the right is sent nothing that names a source, by any call.
func TestSourcesAreNotSent(t *testing.T) {
	tm := newTeam(t, four)
	secrets := []string{"Maria Secreta", "https://example.org/@maria", "IMG_maria.jpg", "maria-phone", "noted maria", "exifmaria", "whispering"}
	tm.update(sightline.EntryAnnotate, func(w sightline.Writer) error {
		it, err := sightline.Get[sightline.Item](w, sightline.KindItem, "TS-001")
		if err != nil {
			return err
		}
		it.Source = sightline.Source{Name: sightline.Text{"en": secrets[0]}, URL: secrets[1], Perspective: "citizen"}
		it.Name, it.Device, it.Notes = secrets[2], secrets[3], secrets[4]
		it.Facts = []sightline.Fact{{Field: "EXIF:Artist", Value: secrets[5]}}
		if err := w.Put(&sightline.Entity{ID: "N-01", Type: "person", Name: sightline.Text{"en": secrets[6]}, Sensitive: true}); err != nil {
			return err
		}
		return w.Put(it) // not labelled yet: an old revision holds everything
	})
	tm.update(sightline.EntryAnnotate, func(w sightline.Writer) error {
		it, err := sightline.Get[sightline.Item](w, sightline.KindItem, "TS-001")
		if err != nil {
			return err
		}
		it.Sensitivity = "source_at_risk"
		return w.Put(it)
	})
	it, rev := tm.stored("TS-001")
	secrets = append(secrets, it.SHA256)
	fill := strings.NewReplacer("{case}", "test", "{kind}", "item", "{id}", "TS-001", "{item}", "TS-001", "{digest}", it.SHA256, "{file}", "scene.json",
		"{name}", "log.csv", "{report}", "none", "{format}", "none", "{act}", "pull")
	for _, who := range []string{"reader", "reviewer"} {
		for pattern, need := range calls {
			method, path, _ := strings.Cut(pattern, " ")
			if method != "GET" || rank(need.role) > rank(who) || strings.HasSuffix(path, "/events") {
				continue
			}
			code, b := tm.as(who, method, fill.Replace(path), nil)
			for _, s := range secrets {
				// The refusal of a digest repeats what was asked.
				if bytes.Contains(b, []byte(s)) && !strings.Contains(path, "{digest}") {
					t.Errorf("%s as %s (%d) tells %q: %s", pattern, who, code, s, b)
				}
			}
		}
		for _, s := range secrets[:6] {
			var hits []sightline.Ref
			tm.must(who, "GET", "/api/cases/test/search?q="+strings.Fields(strings.ReplaceAll(s, "https://example.org/@", ""))[0], nil, &hits)
			if len(hits) != 0 {
				t.Errorf("searching %q as %s finds %v", s, who, hits)
			}
		}
		if code, b := tm.as(who, "GET", "/api/cases/test/history/entity/N-01", nil); code != 200 || bytes.Contains(b, []byte("whispering")) {
			t.Errorf("%d %s", code, b)
		}
	}
	if code, _ := tm.as("reviewer", "GET", "/api/cases/test/original/TS-001", nil); code != 403 {
		t.Errorf("the original: %d", code)
	}
	_, b := tm.as("investigator", "GET", "/api/cases/test/document", nil)
	for _, s := range secrets {
		if !bytes.Contains(b, []byte(s)) {
			t.Errorf("who has the right is not sent %q", s)
		}
	}
	// Somebody who edits without the right erases nothing and cannot take the label off.
	if err := tm.people.Grant("investigator", "test", Grant{Role: "investigator"}, "owner"); err != nil {
		t.Fatal(err)
	}
	var doc sightline.Document
	tm.must("investigator", "GET", "/api/cases/test/document", nil, &doc)
	mine := *doc.Items[0]
	mine.Title, mine.Sensitivity = sightline.Text{"en": "New title"}, "none"
	tm.must("investigator", "POST", "/api/cases/test/edits", map[string]any{"label": "x", "commands": []any{map[string]any{"op": "put", "kind": "item", "id": "TS-001", "rev": rev, "value": mine}}}, nil)
	now, _ := tm.stored("TS-001")
	if now.Title["en"] != "New title" || now.Name != it.Name || now.Source.URL != it.Source.URL || now.SHA256 != it.SHA256 || len(now.Facts) != 1 || now.Sensitivity != "source_at_risk" {
		t.Errorf("%+v", now)
	}
	if code, b := tm.as("investigator", "POST", "/api/cases/test/edits", map[string]any{"label": "x", "commands": []any{map[string]any{"op": "put", "kind": "item", "id": "TS-001", "rev": 1, "value": mine}}}); code != 409 || bytes.Contains(b, []byte("maria")) {
		t.Errorf("a conflict: %d %s", code, b)
	}
}

// stored reads an item as it is.
func (tm *team) stored(id string) (it *sightline.Item, rev int) {
	tm.t.Helper()
	err := tm.c.Store.View(context.Background(), tm.c.Actor, func(rd sightline.Reader) (err error) {
		row, err := rd.Row(sightline.Ref{Kind: sightline.KindItem, ID: id})
		if err != nil {
			return err
		}
		rev = row.Rev
		it, err = sightline.Get[sightline.Item](rd, sightline.KindItem, id)
		return err
	})
	if err != nil {
		tm.t.Fatal(err)
	}
	return it, rev
}

func spot(e, n float64) map[string]any {
	return map[string]any{"place": map[string]any{"role": "camera", "form": "point", "enu": []float64{e, n, 2}, "radius_m": 4}}
}

// Two accounts take an item from collected to verified, disagree once, and
// resolve it; then an input changes.
func TestFromCollectedToVerified(t *testing.T) {
	tm := newTeam(t, map[string]Grant{"ana": {Role: "investigator", Sources: true}, "ben": {Role: "reviewer", Sources: true}, "eva": {Role: "owner", Sources: true}})
	var r reviewReply
	// Ana answers and asks Ben in one step.
	tm.must("ana", "POST", "/api/cases/test/reviews", map[string]any{"about": "TS-001", "axis": "place", "answer": spot(8123.25, 0), "did": []string{"re_solved", "checked_hash"}, "ask": []string{"ben"}}, &r)
	if r.Verdict.State != "answered" || !slices.Equal(r.Asked, []string{"ben"}) {
		t.Fatalf("%+v", r.Verdict)
	}
	var board reviewBoard
	tm.must("ana", "GET", "/api/cases/test/review", nil, &board)
	var bens string
	for _, v := range board.Verdicts {
		bens = v.Open[0]
	}
	// Ben is sent the answer by no call.
	for _, path := range []string{"document", "history/item/TS-001", "review", "search?q=8123.25", "custody/TS-001", "history/review/" + r.ID} {
		code, b := tm.as("ben", "GET", "/api/cases/test/"+path, nil)
		if bytes.Contains(b, []byte("8123.25")) {
			t.Errorf("%s tells the first answer: %d %s", path, code, b)
		}
	}
	for _, path := range []string{"network"} {
		if code, b := tm.as("ben", "GET", "/api/cases/test/"+path, nil); code != 403 || !bytes.Contains(b, []byte("withheld")) {
			t.Errorf("%s: %d %s", path, code, b)
		}
	}
	// Nobody answers for him, and he cannot call it verified.
	if code, b := tm.as("ana", "POST", "/api/cases/test/reviews/"+bens+"/answer", map[string]any{"answer": spot(0, 0), "did": []string{"re_solved"}}); code != 403 {
		t.Errorf("ana answers for ben: %d %s", code, b)
	}
	tm.must("ben", "POST", "/api/cases/test/reviews/"+bens+"/answer", map[string]any{"answer": spot(8183.25, 0), "did": []string{"re_solved"}}, &r)
	if !r.Blind || r.Verdict.State != "disputed" || *r.Verdict.Agreement.DistanceM != 60 {
		t.Fatalf("%+v", r.Verdict)
	}
	if it, _ := tm.stored("TS-001"); it.Axes.Place.Status != "disputed" || it.Places[0].ENU[0] != 8123.25 {
		t.Errorf("%+v %v", it.Axes.Place, it.Places[0].ENU)
	}
	if _, b := tm.as("ben", "GET", "/api/cases/test/document", nil); !bytes.Contains(b, []byte("8123.25")) {
		t.Error("after his answer ben is not shown the first one")
	}
	// They talk; Ana finds her mistake.
	tm.must("ben", "POST", "/api/cases/test/comments", map[string]any{"about": "TS-001", "axis": "place", "text": "Is point 4 the left corner?", "region": []float64{0.1, 0.1, 0.2, 0.2}}, nil)
	if code, b := tm.as("ana", "POST", "/api/cases/test/reviews", map[string]any{"about": "TS-001", "axis": "place", "answer": spot(8181, 1), "did": []string{"re_solved"}}); code != 422 || !bytes.Contains(b, []byte("what was wrong")) {
		t.Errorf("a second answer without a reason: %d %s", code, b)
	}
	tm.must("ana", "POST", "/api/cases/test/reviews", map[string]any{"about": "TS-001", "axis": "place", "answer": spot(8181, 1), "did": []string{"re_solved"}, "reason": "Point 4 was the right corner."}, &r)
	if r.Verdict.State != "verified" || r.Verdict.After == nil || r.Verdict.Resolved != "Point 4 was the right corner." {
		t.Fatalf("%+v", r.Verdict)
	}
	it, rev := tm.stored("TS-001")
	if it.Axes.Place.Status != "verified" || !slices.Equal(it.Axes.Place.By, []string{"ana", "ben"}) || !it.Axes.Place.Blind || it.Places[0].ENU[0] != 8181 || it.Places[0].Status != "verified" {
		t.Errorf("%+v %+v", it.Axes.Place, it.Places[0])
	}
	put := func(v *sightline.Item) (int, []byte) {
		return tm.as("ana", "POST", "/api/cases/test/edits", map[string]any{"label": "x", "commands": []any{map[string]any{"op": "put", "kind": "item", "id": "TS-001", "rev": rev, "value": v}}})
	}
	by := *it
	by.Axes.Time.Status = "verified"
	if code, b := put(&by); code != 422 || !bytes.Contains(b, []byte("by hand")) {
		t.Errorf("verified by hand: %d %s", code, b)
	}
	// A note changes nothing; a fact read from the bytes is an input.
	by = *it
	by.Notes = "seen"
	if code, b := put(&by); code != 200 {
		t.Fatalf("%d %s", code, b)
	}
	if it, rev = tm.stored("TS-001"); it.Axes.Place.Status != "verified" {
		t.Error("a note took it away")
	}
	by = *it
	by.Orientation = 6
	_, b := put(&by)
	var e editReply
	if err := json.Unmarshal(b, &e); err != nil || e.Seq == 0 {
		t.Fatal(string(b))
	}
	if it, _ = tm.stored("TS-001"); it.Axes.Place.Status != "estimated" || it.Axes.Place.By != nil || it.Places[0].Status != "estimated" {
		t.Errorf("an input changed: %+v", it.Axes.Place)
	}
	tm.must("ana", "GET", "/api/cases/test/review", nil, &board)
	if v := board.Of("TS-001", "place"); v.State != "needs_re-review" {
		t.Errorf("%s", v.State)
	}
	// Undoing the change brings it back, by the rules.
	tm.must("ana", "POST", "/api/cases/test/undo", map[string]any{"seq": e.Seq}, nil)
	if it, _ = tm.stored("TS-001"); it.Axes.Place.Status != "verified" {
		t.Errorf("after the undo: %+v", it.Axes.Place)
	}
	// The log says who, though the desk's key signed.
	tm.c.Store.View(context.Background(), tm.c.Actor, func(rd sightline.Reader) error {
		h, _ := rd.Head()
		roles := map[string]int{}
		for e, err := range rd.Entries(0, h.Size) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind == sightline.EntryReview {
				roles[e.Actor.Role]++
				if bytes.Contains(e.Bytes, []byte("ana")) {
					t.Error("a public entry names a person")
				}
			}
		}
		if roles["investigator"] != 2 || roles["reviewer"] != 1 {
			t.Errorf("%v", roles)
		}
		return nil
	})
	// Who saw the answer is not blind to it.
	tm.must("eva", "GET", "/api/cases/test/document", nil, nil)
	tm.must("ana", "POST", "/api/cases/test/reviews", map[string]any{"about": "TS-001", "axis": "place", "person": "eva"}, &r)
	if r.Blind {
		t.Error("eva has seen the answers and is called blind")
	}
	if code, _ := tm.as("ana", "POST", "/api/cases/test/reviews", map[string]any{"about": "TS-001", "axis": "place", "person": "eva"}); code != 409 {
		t.Error("asked twice")
	}
	tm.must("eva", "POST", "/api/cases/test/reviews/"+r.ID+"/cancel", map[string]any{"reason": "no time"}, nil)
	if code, _ := tm.as("eva", "POST", "/api/cases/test/reviews/"+bens+"/set-aside", map[string]any{"reason": ""}); code != 422 {
		t.Error("set aside without a reason")
	}
	tm.must("eva", "POST", "/api/cases/test/reviews/"+bens+"/set-aside", map[string]any{"reason": "used a wrong terrain"}, &r)
	if r.Verdict.State != "self-checked" {
		t.Errorf("%+v", r.Verdict)
	}
}

// A desk of one person can check itself and no more.
func TestOnePersonIsSelfChecked(t *testing.T) {
	d := newTestDesk(t)
	var r reviewReply
	for i, reason := range []string{"", "again, from the original"} {
		code, b := d.call("POST", "/api/cases/test/reviews", map[string]any{"about": "TS-001", "axis": "source", "answer": map[string]any{"status": "confirmed"}, "did": []string{"checked_hash"}, "reason": reason}, nil)
		if json.Unmarshal(b, &r); code != 200 {
			t.Fatalf("%d %s", code, b)
		}
		if want := []string{"answered", "self-checked"}[i]; string(r.Verdict.State) != want {
			t.Errorf("%s, want %s", r.Verdict.State, want)
		}
	}
	if v, _ := d.item(); v.Axes.Source.Status != "self_checked" {
		t.Errorf("%+v", v.Axes.Source)
	}
	if code, b := d.call("POST", "/api/cases/test/reviews", map[string]any{"about": "TS-001", "axis": "place", "person": "ben"}, nil); code != 422 {
		t.Errorf("%d %s", code, b)
	}
	for _, path := range []string{"/api/sign-in/begin", "/api/join/begin"} {
		if code, _ := d.call("POST", path, map[string]any{}, nil); code != 404 {
			t.Errorf("%s: %d", path, code)
		}
	}
	for name, body := range map[string]map[string]any{
		"a script is text":        {"about": "TS-001", "text": "<script>alert(1)</script>"},
		"formulas are text":       {"about": "TS-001", "text": "=HYPERLINK(1)"},
		"who and when are ours":   {"about": "TS-001", "text": "x", "person": "somebody else", "at": "1999-01-01T00:00:00Z", "id": "Q-999"},
		"a claim can be remarked": {"about": "test", "text": "x"},
	} {
		if code, b := d.call("POST", "/api/cases/test/comments", body, nil); code != 200 {
			t.Errorf("%s: %d %s", name, code, b)
		}
	}
	for name, body := range map[string]map[string]any{
		"nothing":           {"about": "TS-001", "text": ""},
		"a million letters": {"about": "TS-001", "text": strings.Repeat("a", 1_000_000)},
		"turned around":     {"about": "TS-001", "text": "a\u202eb"},
		"nowhere":           {"about": "TS-999", "text": "x"},
		"no such comment":   {"about": "TS-001", "text": "x", "reply_to": "Q-77"},
		"outside":           {"about": "TS-001", "text": "x", "point": []float64{2, 0}},
	} {
		if code, b := d.call("POST", "/api/cases/test/comments", body, nil); code != 422 && code != 404 {
			t.Errorf("%s: %d %s", name, code, b)
		}
	}
	_, b := d.call("GET", "/api/cases/test/document", nil, nil)
	var doc sightline.Document
	if err := json.Unmarshal(b, &doc); err != nil || len(doc.Comments) != 4 {
		t.Fatalf("%v %s", err, b)
	}
	for _, c := range doc.Comments {
		if c.ID == "Q-999" || c.At < "2020" || c.Person != sightline.KeyID(d.c.Actor.PublicKey) {
			t.Errorf("%+v", c)
		}
	}
	if code, b := d.call("POST", "/api/cases/test/edits", map[string]any{"label": "x", "commands": []any{map[string]any{"op": "new", "kind": "review", "value": map[string]any{"id": "R-9"}}}}, nil); code != 422 {
		t.Errorf("a review by an edit: %d %s", code, b)
	}
}

func TestInvitationsAndSessions(t *testing.T) {
	dir := t.TempDir()
	p, err := OpenPeople(filepath.Join(dir, "people.json"))
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p.now = func() time.Time { return clock }
	for name, f := range map[string]func() error{
		"no name":        func() error { _, err := p.Invite(" ", "c", Grant{Role: "owner"}, ""); return err },
		"turned around":  func() error { _, err := p.Invite("a\u202eb", "c", Grant{Role: "owner"}, ""); return err },
		"a long name":    func() error { _, err := p.Invite(strings.Repeat("x", 61), "c", Grant{Role: "owner"}, ""); return err },
		"no such role":   func() error { _, err := p.Invite("Ana", "c", Grant{Role: "root"}, ""); return err },
		"no case":        func() error { _, err := p.Invite("Ana", "", Grant{Role: "owner"}, ""); return err },
		"nobody's grant": func() error { return p.Grant("x", "c", Grant{Role: "owner"}, "") },
	} {
		if f() == nil {
			t.Errorf("%s was taken", name)
		}
	}
	key := webauthn.Credential{ID: []byte("k")}
	tok, _ := p.Invite("Ana Ruiz", "c", Grant{Role: "owner", Sources: true}, "")
	a, err := p.accept(tok, "Ana Ruiz", []byte("h"), key)
	if err != nil || a.ID != "ana" {
		t.Fatal(a, err)
	}
	if _, err := p.accept(tok, "Ana Ruiz", []byte("h"), key); err == nil {
		t.Error("an invitation was used twice")
	}
	late, _ := p.Invite("Ana", "c", Grant{Role: "reader"}, "ana")
	clock = clock.Add(InvitationLife + time.Second)
	if _, err := p.accept(late, "Ana", []byte("h"), key); err == nil {
		t.Error("an old invitation was taken")
	}
	again, _ := p.Invite("Ana", "c", Grant{Role: "reader"}, "ana")
	b, err := p.accept(again, "Ana", []byte("h2"), key)
	if err != nil || b.ID != "ana-2" {
		t.Errorf("%v %v", b, err)
	}
	if err := p.Grant("ana", "c", Grant{Role: "reader"}, "ana"); err == nil {
		t.Error("the last owner gave the case away")
	}
	s, _ := p.begin("ana")
	raw, _ := os.ReadFile(filepath.Join(dir, "people.json"))
	if bytes.Contains(raw, []byte(s)) || bytes.Contains(raw, []byte(tok)) {
		t.Error("the file holds a secret that lets somebody in")
	}
	if st, _ := os.Stat(filepath.Join(dir, "people.json")); st.Mode().Perm() != 0o600 {
		t.Errorf("%v", st.Mode())
	}
	// Another program sees the same, and a session that is idle ends.
	q, _ := OpenPeople(filepath.Join(dir, "people.json"))
	q.now = p.now
	if who, _ := q.who(s); who == nil || who.ID != "ana" {
		t.Error("the other program does not know the session")
	}
	clock = clock.Add(11 * time.Hour)
	if who, _ := p.who(s); who == nil {
		t.Error("ended too early")
	}
	clock = clock.Add(sessionIdle + time.Minute)
	if who, _ := p.who(s); who != nil {
		t.Error("an idle session stays")
	}
	s, _ = p.begin("ana-2")
	if err := q.Close("ana-2", "ana"); err != nil {
		t.Fatal(err)
	}
	if who, _ := p.who(s); who != nil {
		t.Error("a closed account is still in")
	}
	lines, err := p.Audit()
	if err != nil || len(lines) < 7 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	path := filepath.Join(dir, "people.audit.jsonl")
	whole, _ := os.ReadFile(path)
	rows := bytes.SplitAfter(whole, []byte("\n"))
	for i := range len(rows) - 2 {
		cut := bytes.Join(append(append([][]byte(nil), rows[:i]...), rows[i+1:]...), nil)
		os.WriteFile(path, cut, 0o600)
		if _, err := p.Audit(); err == nil {
			t.Errorf("line %d was taken out unseen", i+1)
		}
	}
	os.WriteFile(filepath.Join(dir, "people.json"), []byte("{"), 0o600)
	if _, err := OpenPeople(filepath.Join(dir, "people.json")); err == nil {
		t.Error("a broken file was opened")
	}
}

// What strangers send to the door.
func TestForgedPasskeys(t *testing.T) {
	tm := newTeam(t, four)
	for i, body := range []any{
		map[string]any{"flow": "x", "credential": map[string]any{}},
		map[string]any{"flow": strings.Repeat("a", 10_000), "credential": nil},
		map[string]any{},
	} {
		for _, path := range []string{"/api/sign-in/finish", "/api/join/finish"} {
			if code, b := tm.as("nobody", "POST", path, body); code < 400 || code >= 500 {
				t.Errorf("%d %s: %d %s", i, path, code, b)
			}
		}
	}
	var f flowReply
	tm.must("nobody", "POST", "/api/sign-in/begin", map[string]any{}, &f)
	bad := map[string]any{"id": "b3duZXI", "rawId": "b3duZXI", "type": "public-key", "response": map[string]any{"clientDataJSON": "e30", "authenticatorData": "AAAA", "signature": "AAAA", "userHandle": "b3duZXItaGFuZGxl"}}
	if code, b := tm.as("nobody", "POST", "/api/sign-in/finish", map[string]any{"flow": f.Flow, "credential": bad}); code != 403 {
		t.Errorf("%d %s", code, b)
	}
	if code, b := tm.as("nobody", "POST", "/api/sign-in/finish", map[string]any{"flow": f.Flow, "credential": bad}); code != 403 || !bytes.Contains(b, []byte("begin again")) {
		t.Errorf("a ceremony was answered twice: %d %s", code, b)
	}
	if code, b := tm.as("nobody", "POST", "/api/join/begin", map[string]any{"token": "guess"}); code != 403 {
		t.Errorf("%d %s", code, b)
	}
	tok, _ := tm.people.Invite("Lea", "test", Grant{Role: "reader"}, "owner")
	tm.must("nobody", "POST", "/api/join/begin", map[string]any{"token": tok, "name": "Lea"}, &f)
	o := fmt.Sprint(f.Options)
	if !strings.Contains(o, "userVerification:required") || !strings.Contains(o, "residentKey:required") {
		t.Errorf("the passkey would not ask who holds it: %s", o)
	}
}
