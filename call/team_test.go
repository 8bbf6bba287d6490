package call

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sightline"
	"sightline/tip"
)

// team opens the second door.
func (sc *scene) team() (ed25519.PrivateKey, *httptest.Server) {
	sc.t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		sc.t.Fatal(err)
	}
	line := "# Ana\n" + hex.EncodeToString(key.Public().(ed25519.PublicKey)) + "\n"
	if err := os.WriteFile(filepath.Join(sc.dir, PullFile), []byte(line), 0o644); err != nil {
		sc.t.Fatal(err)
	}
	sc.s.opt.Now = time.Now // signatures carry a moment
	h, err := sc.s.PullHandler()
	if err != nil {
		sc.t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	sc.t.Cleanup(srv.Close)
	return key, srv
}

func TestPull(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	_, page := sc.post("/send", part{"lang", "", "es"}, part{"message", "", "hola"})
	code := codeIn(t, page)
	key, srv := sc.team()
	p, err := NewPuller(srv.URL, "", key)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	in, err := p.List(ctx)
	if err != nil || len(in.Tips) != 1 || in.Call != "llamado-2018" {
		t.Fatalf("%+v, %v", in, err)
	}
	var b bytes.Buffer
	sha, n, err := p.Fetch(ctx, in.Tips[0].ID, &b)
	if err != nil || n != in.Tips[0].Size {
		t.Fatal(n, err)
	}
	if err := p.Ack(ctx, in.Tips[0].ID, strings.Repeat("0", 64)); err == nil {
		t.Error("a wrong digest is acknowledged")
	}
	if err := p.Ack(ctx, in.Tips[0].ID, sha); err != nil {
		t.Fatal(err)
	}
	if in, err = p.List(ctx); err != nil || !in.Tips[0].Acked {
		t.Errorf("%+v, %v", in, err)
	}
	// Five replies: four slots, the oldest gives way.
	keys, _ := quickStretch(nil, code, "llamado-2018")
	me, _ := keys.Identity()
	for i := range 5 {
		slot, err := tip.SealReply(me.Recipient(), tip.Reply{Day: "2026-11-24", Text: fmt.Sprintf("reply %d.", i)})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Reply(ctx, in.Tips[0].Box, slot); err != nil {
			t.Fatal(err)
		}
	}
	_, page = sc.post("/box", part{"lang", "", "es"}, part{"code", "", code.Digits()})
	if strings.Contains(page, "reply 0.") || !strings.Contains(page, "reply 1.") || !strings.Contains(page, "reply 4.") || len(page) != 65536 {
		t.Errorf("the mailbox does not show the last four replies (%d bytes)", len(page))
	}
	if err := p.Reply(ctx, strings.Repeat("0", 32), make([]byte, tip.SlotSize)); !errors.Is(err, sightline.ErrNotFound) {
		t.Errorf("a reply to a mailbox that does not exist: %v", err)
	}
	if err := p.Reply(ctx, in.Tips[0].Box, make([]byte, 100)); err == nil {
		t.Error("a reply that is not a slot was taken")
	}
	// Withdrawn by its source after it was fetched.
	sc.post("/box/erase", part{"lang", "", "es"}, part{"code", "", code.Digits()})
	if in, err = p.List(ctx); err != nil || len(in.Tips) != 0 || len(in.Withdrawn) != 1 {
		t.Fatalf("%+v, %v", in, err)
	}
	if err := p.AckWithdrawn(ctx, in.Withdrawn[0]); err != nil {
		t.Fatal(err)
	}
	if in, _ = p.List(ctx); len(in.Withdrawn) != 0 {
		t.Error("a withdrawal is told twice")
	}

	// Who is not named, or says again what was said, gets nothing.
	_, other, _ := ed25519.GenerateKey(nil)
	stranger, _ := NewPuller(srv.URL, "", other)
	if _, err := stranger.List(ctx); err == nil {
		t.Error("a stranger may pull")
	}
	at, nonce := fmt.Sprint(time.Now().Unix()), strings.Repeat("ab", 16)
	ask := func(at, nonce string, path string) int {
		r, _ := http.NewRequest("GET", srv.URL+path, nil)
		r.Header.Set(headKey, hex.EncodeToString(key.Public().(ed25519.PublicKey)))
		r.Header.Set(headAt, at)
		r.Header.Set(headNonce, nonce)
		r.Header.Set(headSig, hex.EncodeToString(ed25519.Sign(key, toSign("GET", "/pull", at, nonce, nil))))
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if s := ask(at, nonce, "/pull"); s != 200 {
		t.Errorf("a good signature: %d", s)
	}
	if s := ask(at, nonce, "/pull"); s != 403 {
		t.Errorf("the same request again: %d", s)
	}
	if s := ask(at, strings.Repeat("cd", 16), "/pull/x"); s != 403 {
		t.Errorf("a signature of another path: %d", s)
	}
	if s := ask(fmt.Sprint(time.Now().Add(-10*time.Minute).Unix()), strings.Repeat("ef", 16), "/pull"); s != 403 {
		t.Errorf("an old request: %d", s)
	}
	// The door for sources knows none of it.
	if res, err := http.Get(sc.http.URL + "/pull"); err != nil || res.StatusCode != 404 {
		t.Errorf("/pull at the door for sources: %v", res.StatusCode)
	}
}

func TestRetention(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	_, page := sc.post("/send", part{"message", "", "acked"})
	acked := codeIn(t, page)
	var first string
	for id := range sc.tips() {
		first = id
	}
	sc.post("/send", part{"message", "", "nobody fetched this"})
	sc.s.store.db.Exec(`UPDATE tip SET acked = ? WHERE id = ?`, sc.s.store.day(), first)
	b := []byte(ageHead)
	sc.do("PUT", "/t/00112233445566778899aabbccddeeff/0", digest(b), b)
	later := func(days int) {
		sc.now = sc.now.AddDate(0, 0, days)
		if err := sc.s.store.sweep(); err != nil {
			t.Fatal(err)
		}
	}
	later(6)
	if len(sc.tips()) != 2 || len(sc.partials()) != 1 {
		t.Errorf("after 6 days: %d tips, %d partials", len(sc.tips()), len(sc.partials()))
	}
	if in, _ := sc.s.store.inbox(); in.Late != 1 {
		t.Errorf("%d tips are late", in.Late)
	}
	later(1)
	if got := sc.tips(); len(got) != 1 || got[first].Tip != nil || len(sc.partials()) != 0 {
		t.Errorf("after 7 days: %d tips, %v", len(got), sc.partials())
	}
	// A mailbox that is used lives on.
	later(80)
	if status, _ := sc.post("/box", part{"lang", "", "es"}, part{"code", "", acked.Digits()}); status != 200 {
		t.Fatal(status)
	}
	later(30)
	var boxes int
	sc.s.store.db.QueryRow(`SELECT COUNT(*) FROM box`).Scan(&boxes)
	if boxes != 1 || len(sc.tips()) != 1 {
		t.Errorf("after 117 days: %d mailboxes, %d tips; the used one stays, and what nobody fetched", boxes, len(sc.tips()))
	}
}

// A crash between rename and commit, and in the middle of a stream.
func TestStartAfterACrash(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	sc.post("/send", part{"message", "", "hola"})
	sc.s.Close()
	os.WriteFile(filepath.Join(sc.dir, tipsDir, strings.Repeat("9", 32)+".age"), []byte(ageHead), 0o600)
	os.WriteFile(filepath.Join(sc.dir, partDir, streamPrefix+"x"), []byte(ageHead), 0o600)
	sc.open(Options{Stretch: quickStretch})
	if len(mustGlob(filepath.Join(sc.dir, tipsDir, "*"))) != 1 || len(sc.partials()) != 0 {
		t.Error("what no row names was not swept")
	}
	if len(sc.tips()) != 1 {
		t.Error("the acknowledged tip is gone")
	}
}

func TestLimitByCircuit(t *testing.T) {
	now := time.Now()
	l := newLimiter(func() time.Time { return now })
	got := 0
	for range 100 {
		if l.allow("a") {
			got++
		}
	}
	if got != burst {
		t.Errorf("%d at once, want %v", got, burst)
	}
	now = now.Add(time.Second)
	for got = 0; l.allow("a"); got++ {
	}
	if got != perSecond {
		t.Errorf("%d after a second, want %v", got, perSecond)
	}
	if !l.allow("b") || !l.allow("") {
		t.Error("others are held up")
	}
	d1, ok1 := l.upload("a")
	_, ok2 := l.upload("a")
	_, ok3 := l.upload("a")
	if !ok1 || !ok2 || ok3 {
		t.Error("two uploads of a circuit, not more")
	}
	d1()
	if _, ok := l.upload("a"); !ok {
		t.Error("a place is not given back")
	}
	for i := range uploadsAll {
		l.upload(fmt.Sprint("c", i))
	}
	if _, ok := l.upload("z"); ok {
		t.Error("more uploads than all together may have")
	}
	before := l.key
	now = now.Add(2 * time.Hour)
	if l.allow("a"); l.key == before {
		t.Error("the key of the digests is not drawn anew")
	}
}

// Tor's PROXY line tells circuits apart; without it nobody comes in.
func TestProxyLine(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	sc.s.limit.free = false
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := sc.s.quiet(sc.s.Handler())
	go srv.Serve(proxied{l})
	t.Cleanup(func() { srv.Close() })
	ask := func(first string, times int) (last string) {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, first)
		for i := range times {
			end := "keep-alive"
			if i == times-1 {
				end = "close"
			}
			fmt.Fprintf(c, "GET /words/es HTTP/1.1\r\nHost: x\r\nConnection: %s\r\n\r\n", end)
		}
		b, _ := io.ReadAll(c)
		return string(b)
	}
	one := "PROXY TCP6 fc00:dead:beef:4dad::0:29 ::1 65535 42\r\n"
	if got := ask(one, 25); strings.Count(got, "HTTP/1.1 200") != int(burst) || !strings.Contains(got, "HTTP/1.1 429") {
		t.Errorf("%d answers for one circuit, want %v", strings.Count(got, "HTTP/1.1 200"), burst)
	}
	if got := ask("PROXY TCP6 fc00:dead:beef:4dad::0:30 ::1 65535 42\r\n", 1); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("another circuit is held up: %.60s", got)
	}
	if got := ask("", 1); strings.Contains(got, "200") {
		t.Errorf("without a PROXY line: %.60s", got)
	}
	if got := ask("PROXY "+strings.Repeat("x", 5000), 1); strings.Contains(got, "200") {
		t.Errorf("with an endless PROXY line: %.60s", got)
	}
}

func TestListenOnlyNear(t *testing.T) {
	for _, bad := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "localhost", "[::]:0"} {
		if l, err := Listen(bad); err == nil {
			l.Close()
			t.Errorf("%s is listened on", bad)
		}
	}
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o660 {
		t.Errorf("%v, %v", i.Mode(), err)
	}
	if _, err := Listen("unix:" + path); !errors.Is(err, sightline.ErrConflict) {
		t.Errorf("a second server on one socket: %v", err)
	}
	l.Close()
}

// The configuration is one that Debian's tor accepts.
func TestTorAcceptsTheConfiguration(t *testing.T) {
	text, err := Torrc("unix:/run/sightline/intake.sock", "127.0.0.1:8766")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Torrc("unix:relative", ""); err == nil {
		t.Error("a relative socket is written into Tor's configuration")
	}
	if _, err := Torrc("unix:/a\nSocksPort 9050", ""); err == nil {
		t.Error("a line break is written into Tor's configuration")
	}
	tor, err := exec.LookPath("tor")
	if err != nil {
		t.Skip("tor is not installed")
	}
	dir := t.TempDir()
	// Its own places, so that the test needs no rights of Tor's account.
	text = strings.ReplaceAll(text, "/var/lib/tor", dir)
	rc := filepath.Join(dir, "torrc")
	if err := os.WriteFile(rc, []byte(text+"DataDirectory "+filepath.Join(dir, "data")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tor, "--verify-config", "-f", rc, "--defaults-torrc", os.DevNull).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("Configuration was valid")) {
		t.Errorf("%v\n%s", err, out)
	}
	if bytes.Contains(out, []byte("[warn]")) {
		t.Logf("%s", out)
	}

	// Without a network it makes the onion names of both services all the same.
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, tor, "-f", rc, "--defaults-torrc", os.DevNull, "--DisableNetwork", "1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer stop()
	for _, service := range []string{"sightline", "sightline-team"} {
		name := ""
		for end := time.Now().Add(30 * time.Second); name == "" && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			b, _ := os.ReadFile(filepath.Join(dir, service, "hostname"))
			name = strings.TrimSpace(string(b))
		}
		if len(name) != 62 || !strings.HasSuffix(name, ".onion") {
			t.Errorf("%s: onion name %q", service, name)
		}
	}
}

// Every sentence exists in every language, and every refusal has a status.
func TestSentencesAreComplete(t *testing.T) {
	for k, all := range sentences {
		for _, l := range []string{"es", "en", "ar"} {
			if all[l].title == "" || all[l].text == "" {
				t.Errorf("%s has no sentence in %s", k, l)
			}
		}
		if sayStatus[k] < 400 {
			t.Errorf("%s has no status", k)
		}
	}
	if len(sentences) != len(sayStatus) {
		t.Errorf("%d sentences, %d statuses", len(sentences), len(sayStatus))
	}
}
