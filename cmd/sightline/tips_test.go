package main

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age"

	"sightline"
	"sightline/archive"
	"sightline/call"
	"sightline/tip"
)

// crew is a team with a case and a call, whose verbs run in this process.
type crew struct {
	t   *testing.T
	dir string
}

func newCrew(t *testing.T) *crew {
	t.Setenv("SIGHTLINE_HOME", t.TempDir())
	t.Setenv("SIGHTLINE_NAME", "Ana")
	old := scryptWork
	scryptWork = 10
	t.Cleanup(func() { scryptWork = old })
	c := &crew{t, t.TempDir()}
	c.write("pass", "correct horse battery\n")
	c.ok("new", c.path("case"), "--zone", "America/Caracas", "--title", "Prueba")
	c.write("ana.keys", c.ok("key", "new", "Ana", "--passphrase-file", c.path("pass")))
	c.write("beto.keys", c.ok("key", "new", "Beto", "--passphrase-file", c.path("pass")))
	c.write("gap.json", `{"gaps":[{"id":"G-1","title":{"en":"North slope","es":"Ladera norte"},"asked":{"es":"vídeo de la ladera norte"},"public":true}]}`)
	c.ok("add", "--case", c.path("case"), "--as", "document", c.path("gap.json"))
	c.ok("key", "share", "--case", c.path("case"), "--call", c.path("call"), c.path("ana.keys"), c.path("beto.keys"))
	return c
}

func (c *crew) path(name string) string { return filepath.Join(c.dir, name) }

func (c *crew) write(name, text string) {
	if err := os.WriteFile(c.path(name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *crew) run(args ...string) (status int, out, errs string) {
	var o, e bytes.Buffer
	status = run(&env{context.Background(), strings.NewReader(""), &o, &e}, args)
	return status, o.String(), e.String()
}

func (c *crew) ok(args ...string) string {
	c.t.Helper()
	status, out, errs := c.run(args...)
	if status != 0 {
		c.t.Fatalf("sightline %s: status %d\n%s%s", strings.Join(args, " "), status, out, errs)
	}
	return out
}

// no runs a verb that has to fail, with words it has to say.
func (c *crew) no(status int, says string, args ...string) {
	c.t.Helper()
	got, out, errs := c.run(args...)
	if got != status || !strings.Contains(errs, says) {
		c.t.Errorf("sightline %s: status %d, want %d and %q\n%s%s", strings.Join(args, " "), got, status, says, out, errs)
	}
}

func (c *crew) tips(verb string, args ...string) []string {
	return append([]string{"tips", verb, "--case", c.path("case")}, args...)
}

// serve runs both doors of the call.
func (c *crew) serve() (sources, team string) {
	s, err := call.New(c.path("call"), call.Options{Stretch: func(_ context.Context, code tip.Code, id string) (tip.Keys, error) {
		return tip.Stretch(code, id), nil
	}})
	if err != nil {
		c.t.Fatal(err)
	}
	h, err := s.PullHandler()
	if err != nil {
		c.t.Fatal(err)
	}
	a, b := httptest.NewServer(s.Handler()), httptest.NewServer(h)
	c.t.Cleanup(func() { a.Close(); b.Close(); s.Close() })
	return a.URL, b.URL
}

func (c *crew) post(url string, fields ...string) (int, string) {
	c.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		if name, ok := strings.CutPrefix(fields[i], "file:"); ok {
			w, _ := m.CreateFormFile("file", name)
			io.WriteString(w, fields[i+1])
			continue
		}
		m.WriteField(fields[i], fields[i+1])
	}
	m.Close()
	res, err := http.Post(url, m.FormDataContentType(), &b)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	p, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, html.UnescapeString(string(p))
}

func (c *crew) get(url string) (int, string) {
	c.t.Helper()
	res, err := http.Get(url)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	p, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, html.UnescapeString(string(p))
}

var codeDigits = regexp.MustCompile(`\d{3}(?:[ \x{a0}]\d{3}){8}`)

// The road of a tip: sent, fetched, opened, an item with custody, answered,
// read, withdrawn, deleted; the case stays whole and no entry names the source.
func TestRoadOfATip(t *testing.T) {
	c := newCrew(t)
	sources, team := c.serve()
	_, front := c.post(sources+"/send", "lang", "es", "request", "G-1", "message", "SOURCEMESSAGE soy la vecina", "wish", "SOURCEWISH no publicar mi voz", "file:SOURCENAME.mp4", "SOURCECONTENT "+strings.Repeat("x", 5000))
	code := codeDigits.FindString(front)
	if code == "" {
		t.Fatal("no code on the receipt")
	}
	q := c.path("q")
	if out := c.ok(c.tips("pull", "--server", team)...); !strings.Contains(out, "T-001  S-01  new") || !strings.Contains(out, "less than 1 MB") {
		t.Errorf("pull: %s", out)
	}
	if out := c.ok(c.tips("pull", "--server", team)...); out != "" {
		t.Errorf("pulled twice: %s", out)
	}
	out := c.ok(c.tips("open", "T-001", "--passphrase-file", c.path("pass"), "--quarantine", q)...)
	if !strings.Contains(out, "SOURCEMESSAGE") || !strings.Contains(out, "SOURCEWISH") {
		t.Errorf("open: %s", out)
	}
	if i, err := os.Stat(filepath.Join(q, "T-001")); err != nil || i.Mode().Perm() != 0o700 {
		t.Errorf("quarantine: %v", err)
	}
	c.ok(c.tips("accept", "T-001", "--quarantine", q, "--perspective", "citizen")...)
	if _, err := os.Stat(filepath.Join(q, "T-001")); err == nil {
		t.Error("plaintext stays in quarantine after it was accepted")
	}
	c.ok(c.tips("reply", "T-001", "--template", "original", "--server", team)...)
	if _, box := c.post(sources+"/box", "lang", "es", "code", code); !strings.Contains(box, "archivo original") {
		t.Error("the source does not see the reply")
	}
	c.post(sources+"/box/add", "lang", "es", "code", code, "file:second.mp4", "more")
	if out := c.ok(c.tips("pull", "--server", team)...); !strings.Contains(out, "T-002  S-01") {
		t.Errorf("a second tip of one source: %s", out)
	}

	f, err := archive.Open(c.path("case"), archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[sightline.EntryKind]int{}
	joined := false
	tips, _ := openInbox(f)
	first, err := tips.Get("T-001")
	if err != nil {
		t.Fatal(err)
	}
	err = f.Store.View(context.Background(), f.Actor, func(r sightline.Reader) error {
		items, err := sightline.All[sightline.Item](r, sightline.KindItem)
		if err != nil {
			return err
		}
		if len(items) != 1 || items[0].Source.Perspective != "citizen" || items[0].Sensitivity != "source_at_risk" || items[0].Name != "T-001-1.mp4" ||
			items[0].Public.Hash != "withhold" {
			t.Errorf("item %+v", items[0])
		}
		if g, err := sightline.Get[sightline.Gap](r, sightline.KindGap, "G-1"); err != nil || len(g.Answers) != 1 || g.Answers[0] != items[0].ID {
			t.Errorf("the gap does not name what came for it: %+v, %v", g, err)
		}
		p, _ := json.Marshal(items)
		head, err := r.Head()
		if err != nil {
			return err
		}
		for e, err := range r.Entries(0, head.Size) {
			if err != nil {
				return err
			}
			kinds[e.Kind]++
			if e.Kind == sightline.EntryOpenTip && e.Item != nil && len(e.Parents) == 1 && e.Parents[0] == first.SHA256 && e.Item.SHA256 == items[0].SHA256 {
				joined = true
			}
			p = append(p, e.Bytes...)
		}
		for _, m := range []string{"SOURCE", "S-01", "vecina", first.Box, first.Remote, first.ReplyTo[:40]} {
			if bytes.Contains(p, []byte(m)) {
				t.Errorf("%q of the source is in an item or an entry", m)
			}
		}
		return nil
	})
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	if !joined || kinds[sightline.EntryReceive] != 2 || kinds[sightline.EntryOpenTip] != 2 || kinds[sightline.EntryKey] < 1 {
		t.Errorf("entries: %v, joined %v", kinds, joined)
	}

	c.post(sources+"/box/erase", "lang", "es", "code", code)
	if _, _, errs := c.run(c.tips("pull", "--server", team)...); !strings.Contains(errs, "T-001: its source asks that it be deleted") {
		t.Errorf("withdrawal: %s", errs)
	}
	c.no(3, "asked that it be deleted", c.tips("open", "T-002", "--passphrase-file", c.path("pass"), "--quarantine", q)...)
	c.ok(c.tips("forget", "--due", "--quarantine", q)...)
	if l, _ := filepath.Glob(c.path("case/tips/*.age")); len(l) != 0 {
		t.Errorf("left: %v", l)
	}
	c.ok("check", c.path("case"))
}

// Two cases on one machine have tips of the same number: what lies open of the
// one is nothing to the other.
func TestQuarantineBelongsToOneInbox(t *testing.T) {
	c := newCrew(t)
	sources, team := c.serve()
	c.post(sources+"/send", "lang", "es", "message", "ONE")
	c.ok(c.tips("pull", "--server", team)...)
	c.ok(c.tips("open", "T-001", "--passphrase-file", c.path("pass"), "--quarantine", c.path("q"))...)
	c.ok("new", c.path("other"), "--zone", "America/Caracas", "--title", "Otro")
	c.ok("key", "share", "--case", c.path("other"), "--call", c.path("call2"), c.path("ana.keys"))
	c.write("form.json", `{"channel":"usb","receiver":"Ana","date":"2026-11-20","precision":"day","said":"TWO","consent":"given","original":"original"}`)
	c.ok("tips", "form", "--case", c.path("other"), "--call", c.path("call2"), c.path("form.json"))
	c.no(2, "belongs to another tip", "tips", "accept", "T-001", "--case", c.path("other"), "--quarantine", c.path("q"), "--message")
	f, err := archive.Open(c.path("case"), archive.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g, err := archive.Open(c.path("other"), archive.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	one, _ := openInbox(f)
	two, _ := openInbox(g)
	if a, b := quarantinePlace(one), quarantinePlace(two); a == b || a != quarantinePlace(one) {
		t.Errorf("two inboxes share %s", a)
	}
}

// A swapped key, a stranger's folder, a wrong passphrase, a revoked key.
func TestKeysOfACall(t *testing.T) {
	c := newCrew(t)
	share := []string{"--case", c.path("case"), "--call", c.path("call")}
	c.ok(append([]string{"key", "check"}, share...)...)
	keys, _ := os.ReadFile(c.path("call/call.keys"))
	c.write("mallory.keys", c.ok("key", "new", "Mallory", "--passphrase-file", c.path("pass")))
	evil, _ := os.ReadFile(c.path("mallory.keys"))
	c.write("call/call.keys", string(evil))
	c.no(1, "may have swapped the keys", append([]string{"key", "check"}, share...)...)
	c.no(1, "may have swapped the keys", "tips", "drill", "--case", c.path("case"), "--call", c.path("call"))
	c.write("call/call.keys", string(keys))

	c.no(2, "already", "key", "new", "Ana", "--passphrase-file", c.path("pass"))
	c.write("short", "short\n")
	c.no(2, "12 characters", "key", "new", "Eva", "--passphrase-file", c.path("short"))
	c.no(2, "terminal", "key", "new", "Eva")
	c.write("wrong", "another passphrase\n")
	c.no(2, "does not open", "key", "backup", "Ana", "--need", "2", "--of", "3", "--passphrase-file", c.path("wrong"))

	// Sealed to Beto alone; Beto's key leaves this machine.
	sources, team := c.serve()
	c.post(sources+"/send", "lang", "en", "message", "hello")
	c.ok(c.tips("pull", "--server", team)...)
	if out := c.ok(append([]string{"key", "rotate", "Beto", "--passphrase-file", c.path("pass")}, share...)...); !strings.Contains(out, "1 waiting tips are sealed") {
		t.Errorf("rotate: %s", out)
	}
	home := os.Getenv("SIGHTLINE_HOME")
	os.MkdirAll(c.path("away"), 0o700)
	for _, n := range []string{"Ana", "Mallory", "Beto.old1"} {
		if err := os.Rename(filepath.Join(home, "tips", n+identitySuffix), filepath.Join(c.path("away"), n)); err != nil {
			t.Fatal(err)
		}
	}
	// The new key opens what was sealed again; the old one does not.
	c.ok(c.tips("open", "T-001", "--passphrase-file", c.path("pass"), "--quarantine", c.path("q"))...)
	os.Rename(filepath.Join(home, "tips", "Beto"+identitySuffix), filepath.Join(c.path("away"), "Beto"))
	os.Rename(filepath.Join(c.path("away"), "Beto.old1"), filepath.Join(home, "tips", "Beto.old1"+identitySuffix))
	c.no(1, "sealed to another or a revoked key", c.tips("open", "T-001", "--passphrase-file", c.path("pass"), "--quarantine", c.path("q2"))...)
	if _, err := os.Stat(c.path("q2/T-001")); err == nil {
		t.Error("a tip that does not open leaves a quarantine")
	}
	os.Rename(filepath.Join(c.path("away"), "Ana"), filepath.Join(home, "tips", "Ana"+identitySuffix))

	c.ok(append([]string{"key", "revoke", "Beto"}, share...)...)
	if b, _ := os.ReadFile(c.path("call/call.keys")); strings.Contains(string(b), "Beto") {
		t.Error("a revoked key is still served")
	}
	c.no(3, "last recipient", append([]string{"key", "revoke", "Ana"}, share...)...)
	c.no(2, "no recipient is named", append([]string{"key", "revoke", "Nobody"}, share...)...)

	// Backup and restore, by any two of three.
	c.ok("key", "backup", "Ana", "--need", "2", "--of", "3", "--out", c.path("shares"), "--passphrase-file", c.path("pass"))
	l, _ := filepath.Glob(c.path("shares/*"))
	c.no(2, "2 are needed, 1 are here", "key", "restore", "Ana again", l[1], "--passphrase-file", c.path("pass"))
	c.ok("key", "restore", "Ana again", l[2], l[0], "--passphrase-file", c.path("pass"))
	os.Remove(filepath.Join(home, "tips", "Ana"+identitySuffix))
	c.ok(c.tips("open", "T-001", "--key", "Ana again", "--passphrase-file", c.path("pass"), "--quarantine", c.path("q3"))...)
	c.ok("check", c.path("case"))
}

// Lane C (a file sealed by hand), lane D (the form), two people, the drill.
func TestOtherChannels(t *testing.T) {
	c := newCrew(t)
	q := c.path("q")
	open := func(id string, more ...string) []string {
		return c.tips("open", append([]string{id, "--passphrase-file", c.path("pass"), "--quarantine", q}, more...)...)
	}
	c.write("photo.jpg", "not really a photo")
	c.write("form.json", `{"channel":"whatsapp","receiver":"Ana","device":"phone 2","date":"2026-11-20","precision":"day","said":"filmed by a neighbour","consent":"given","wish":"no voice","original":"forwarded","language":"es","request":"G-1","sealed":{"name":"SOURCEPERSON"}}`)
	c.ok("tips", "form", "--case", c.path("case"), "--call", c.path("call"), c.path("form.json"), c.path("photo.jpg"))
	for _, bad := range []string{`{}`, `{"channel":"pigeon"}`, `{"name":"Juan"}`, `[`} {
		c.write("bad.json", bad)
		c.no(2, "bad.json", "tips", "form", "--case", c.path("case"), "--call", c.path("call"), c.path("bad.json"))
	}
	if out := c.ok(open("T-001")...); !strings.Contains(out, "filmed by a neighbour") || strings.Contains(out, "SOURCEPERSON") {
		t.Errorf("form: %s", out)
	}
	c.ok(c.tips("accept", "T-001", "--quarantine", q, "--message")...)

	// By hand.
	b, err := os.ReadFile(c.path("call/call.keys"))
	if err != nil {
		t.Fatal(err)
	}
	rs, err := tip.ParseRecipients(b)
	if err != nil {
		t.Fatal(err)
	}
	sealed := sealBytes(t, tip.AgeRecipients(rs), []byte("a plain file"))
	c.write("x.age", string(sealed))
	if out := c.ok(open(c.path("x.age"))...); !strings.Contains(out, "12 bytes") {
		t.Errorf("by hand: %s", out)
	}
	c.ok(c.tips("accept", "T-002", "--quarantine", q)...)
	c.write("cut.age", string(sealed[:len(sealed)-4]))
	c.no(1, "ends early or is damaged", open(c.path("cut.age"))...)
	c.write("text.age", "hello")
	c.no(1, "not an age file", open(c.path("text.age"))...)
	c.no(2, "no tip T-099", open("T-099")...)
	c.no(2, "not the number of a tip", c.tips("decline", "T-/../x", "--reason", "x")...)
	c.no(2, "known when it has been opened", c.tips("reply", "T-002", "--template", "thanks", "--out", c.path("o"))...)

	// A stick instead of a server.
	sources, _ := c.serve()
	c.post(sources+"/send", "lang", "ar", "message", "مرحبا")
	if out := c.ok(c.tips("pull", "--from", c.path("call"))...); !strings.Contains(out, "new") {
		t.Errorf("stick: %s", out)
	}
	list := c.ok(c.tips("list")...)
	id := regexp.MustCompile(`(T-\d+)  S-\d+  new .*`).FindAllStringSubmatch(list, -1)
	last := id[len(id)-1][1]
	c.ok(open(last)...)
	c.ok(c.tips("reply", last, "--template", "thanks", "--out", c.path("slot"))...)
	if i, err := os.Stat(c.path("slot")); err != nil || i.Size() != tip.SlotSize {
		t.Errorf("slot: %v", err)
	}
	c.ok(c.tips("merge", "T-001", last)...)
	if out := c.ok(c.tips("list")...); !strings.Contains(out, last+"  S-01") {
		t.Errorf("merge: %s", out)
	}
	c.ok(c.tips("decline", last, "--reason", "nothing to see")...)

	drill := []string{"tips", "drill", "--case", c.path("case"), "--call", c.path("call"), "--passphrase-file", c.path("pass")}
	c.no(1, "2 of 2 keys have not opened", append(drill, "--status")...)
	c.ok(drill...)
	if out := c.ok(append(drill, "--open", "--quarantine", q)...); strings.Contains(out, "never") {
		t.Errorf("drill: %s", out)
	}
	c.ok("check", c.path("case"))
}

func sealBytes(t *testing.T, to []age.Recipient, p []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to...)
	if err == nil {
		_, err = w.Write(p)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
