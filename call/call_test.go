package call

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
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
	"time"

	"filippo.io/age"

	"sightline/call/pages"
	"sightline/tip"
)

// TestMain lets this test program be the child that stretches codes.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "stretch-code" {
		if err := StretchChild(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 2 && os.Args[1] == "serve-call" {
		serveCall(os.Args[2])
	}
	os.Exit(m.Run())
}

// serveCall is a server in a process of its own, for what can only be
// measured there. Codes are stretched in child processes, as in earnest.
func serveCall(dir string) {
	s, err := New(dir, Options{})
	if err == nil {
		s.limit.free = true
		err = s.Serve(context.Background(), Listening{Sources: "127.0.0.1:0", Ready: func(addr, _ string) { fmt.Println(addr) }})
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// quickStretch stands for Argon2id where a test is about something else.
func quickStretch(_ context.Context, c tip.Code, call string) (tip.Keys, error) {
	var k tip.Keys
	a := sha256.Sum256(append([]byte("a"+call), c[:]...))
	b := sha256.Sum256(append([]byte("b"+call), c[:]...))
	copy(k.Box[:], a[:])
	k.Auth, k.Seed = b, sha256.Sum256(b[:])
	return k, nil
}

// scene is a call in a folder, its server and the team's identity.
type scene struct {
	t    testing.TB
	dir  string
	id   *age.HybridIdentity
	s    *Server
	http *httptest.Server
	now  time.Time
}

func testConfig() Config {
	return Config{V: 1, ID: "llamado-2018", Name: map[string]string{"es": "Llamado", "en": "Call", "ar": "نداء"},
		Requests: []Request{{ID: "G-1", Text: map[string]string{"es": "vídeo", "en": "video", "ar": "فيديو"}}},
		Channels: []Channel{{"signal", "+00 000 0000"}}}
}

func newScene(t testing.TB, opt Options, change func(*Config)) *scene {
	t.Helper()
	sc := &scene{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 24, 13, 7, 9, 0, time.UTC)}
	var err error
	if sc.id, err = age.GenerateHybridIdentity(); err != nil {
		t.Fatal(err)
	}
	cfg := testConfig()
	if change != nil {
		change(&cfg)
	}
	if err := SaveConfig(sc.dir, cfg); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(sc.dir, KeysFile), []byte("# Ana\n"+sc.id.Recipient().String()+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if opt.Stretch == nil {
		opt.Stretch = quickStretch
	}
	if opt.Now == nil {
		opt.Now = func() time.Time { return sc.now }
	}
	sc.open(opt)
	return sc
}

func (sc *scene) open(opt Options) {
	sc.t.Helper()
	var err error
	if sc.s, err = New(sc.dir, opt); err != nil {
		sc.t.Fatal(err)
	}
	sc.s.limit.free = true
	sc.http = httptest.NewServer(sc.s.Handler())
	sc.t.Cleanup(func() { sc.http.Close(); sc.s.Close() })
}

type part struct{ name, file, text string }

func form(parts ...part) (string, *bytes.Buffer) {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for _, p := range parts {
		var w io.Writer
		if p.name == "file" {
			w, _ = m.CreateFormFile("file", p.file)
		} else {
			w, _ = m.CreateFormField(p.name)
		}
		io.WriteString(w, p.text)
	}
	m.Close()
	return m.FormDataContentType(), &b
}

func (sc *scene) post(path string, parts ...part) (int, string) {
	sc.t.Helper()
	kind, body := form(parts...)
	res, err := http.Post(sc.http.URL+path, kind, body)
	if err != nil {
		sc.t.Fatal(err)
	}
	return read(sc.t, res)
}

func read(t testing.TB, res *http.Response) (int, string) {
	t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(b)%4096 != 0 {
		t.Errorf("an answer of %d bytes is not padded", len(b))
	}
	return res.StatusCode, string(b)
}

func (sc *scene) do(method, path, digest string, body []byte) (int, string) {
	sc.t.Helper()
	r, err := http.NewRequest(method, sc.http.URL+path, bytes.NewReader(body))
	if err != nil {
		sc.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Language", "es-VE,es;q=0.8")
	if digest != "" {
		r.Header.Set("Content-Digest", digest)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		sc.t.Fatal(err)
	}
	return read(sc.t, res)
}

var digitsOf = regexp.MustCompile(`\d{3}(?:[ \x{a0}]\d{3}){8}`)

// codeIn finds the code on a receipt.
func codeIn(t testing.TB, page string) tip.Code {
	t.Helper()
	m := digitsOf.FindString(html.UnescapeString(page))
	c, err := tip.ParseCode(m)
	if err != nil {
		t.Fatalf("the receipt shows no code: %.2000s", page)
	}
	return c
}

type kept struct {
	*tip.Tip
	content []string
}

type keeper struct{ bufs []*bytes.Buffer }

type closer struct{ io.Writer }

func (closer) Close() error { return nil }

func (k *keeper) Begin(tip.Head) (io.WriteCloser, error) {
	k.bufs = append(k.bufs, &bytes.Buffer{})
	return closer{k.bufs[len(k.bufs)-1]}, nil
}
func (k *keeper) End(tip.File) error { return nil }

// tips opens everything that is stored.
func (sc *scene) tips() map[string]kept {
	sc.t.Helper()
	out := map[string]kept{}
	list, err := filepath.Glob(filepath.Join(sc.dir, tipsDir, "*.age"))
	if err != nil {
		sc.t.Fatal(err)
	}
	for _, p := range list {
		f, err := os.Open(p)
		if err != nil {
			sc.t.Fatal(err)
		}
		r, err := age.Decrypt(f, sc.id)
		if err != nil {
			sc.t.Fatal(err)
		}
		k := &keeper{}
		got, err := tip.Read(r, k)
		f.Close()
		if err != nil {
			sc.t.Fatal(err)
		}
		v := kept{Tip: got}
		for _, b := range k.bufs {
			v.content = append(v.content, b.String())
		}
		out[strings.TrimSuffix(filepath.Base(p), ".age")] = v
	}
	return out
}

func (sc *scene) partials() []string {
	l, _ := filepath.Glob(filepath.Join(sc.dir, partDir, "*"))
	return l
}

func TestJourneyWithoutScript(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	for _, l := range pages.Langs {
		res, err := http.Get(sc.http.URL + "/" + l + "/")
		if err != nil {
			t.Fatal(err)
		}
		if status, page := read(t, res); status != 200 || len(page) > 30<<10 || strings.Contains(page, "<script") {
			t.Errorf("front page %s: %d, %d bytes", l, status, len(page))
		}
		if res.Header.Get("Set-Cookie") != "" || res.Header.Get("Date") != "" || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers of %s: %v", l, res.Header)
		}
	}
	video := strings.Repeat("vídeo del norte ", 20_000)
	status, page := sc.post("/send", part{"lang", "", "es"}, part{"message", "", "Lo vi a las 11:40"}, part{"request", "", "G-1"},
		part{"file", `C:\Users\ana\v1.mp4`, video}, part{"file", "../../v2.mp4", "dos"})
	if status != 200 {
		t.Fatalf("%d %.600s", status, page)
	}
	code := codeIn(t, page)
	for _, w := range code.Words("es") {
		if !strings.Contains(page, w) {
			t.Errorf("the receipt does not show %q", w)
		}
	}
	got := sc.tips()
	if len(got) != 1 {
		t.Fatalf("%d tips", len(got))
	}
	var id string
	for i, k := range got {
		id = i
		if k.Incomplete != "" || k.Message != "Lo vi a las 11:40" || k.Join.Lane != "B" || k.Join.At != "2026-11-24" || k.Join.Request != "G-1" || k.Join.Call != "llamado-2018" {
			t.Errorf("%+v", k.Tip)
		}
		if len(k.Files) != 2 || k.Files[0].Name != "v1.mp4" || k.Files[1].Name != "v2.mp4" || k.content[0] != video || k.content[1] != "dos" {
			t.Errorf("files %+v", k.Files)
		}
		info, _ := os.Stat(filepath.Join(sc.dir, tipsDir, i+".age"))
		if !info.ModTime().Equal(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("the file's time is %v", info.ModTime())
		}
	}

	// The team answers; the source reads, adds, deletes.
	keys, _ := quickStretch(nil, code, "llamado-2018")
	me, err := keys.Identity()
	if err != nil {
		t.Fatal(err)
	}
	if got[id].Join.ReplyTo != me.Recipient().String() {
		t.Error("the reply address is not that of the code")
	}
	slot, err := tip.SealReply(me.Recipient(), tip.Reply{Day: "2026-11-25", Lang: "es", Text: "Gracias. ¿Tiene <b>el</b> original?"})
	if err != nil {
		t.Fatal(err)
	}
	if err := sc.s.store.putReply(keys.Box, slot); err != nil {
		t.Fatal(err)
	}
	typed := strings.ToUpper(strings.Join(code.Words("es"), "  "))
	status, page = sc.post("/box", part{"lang", "", "es"}, part{"code", "", typed})
	if status != 200 || len(page) != 65536 || !strings.Contains(page, "¿Tiene &lt;b&gt;el&lt;/b&gt; original?") {
		t.Errorf("mailbox: %d, %d bytes", status, len(page))
	}
	status, page = sc.post("/box/add", part{"lang", "", "es"}, part{"code", "", code.Digits()}, part{"file", "orig.mp4", "original"})
	if status != 200 || digitsOf.MatchString(page) && !strings.Contains(page, code.Digits()) {
		t.Errorf("add: %d %.500s", status, page)
	}
	if got = sc.tips(); len(got) != 2 {
		t.Fatalf("%d tips after adding", len(got))
	}
	for i, k := range got {
		if i != id && (!k.Join.Follows || k.Join.ReplyTo != me.Recipient().String() || k.content[0] != "original") {
			t.Errorf("added: %+v", k.Tip)
		}
	}
	// One of the two has been fetched; erasing removes both and says so to the team.
	sc.s.store.db.Exec(`UPDATE tip SET acked = '2026-11-24' WHERE id = ?`, id)
	if status, _ = sc.post("/box/erase", part{"lang", "", "es"}, part{"code", "", code.Digits()}); status != 200 {
		t.Errorf("erase: %d", status)
	}
	in, err := sc.s.store.inbox()
	if err != nil || len(in.Tips) != 0 || len(in.Withdrawn) != 1 || in.Withdrawn[0] != id || len(sc.tips()) != 0 {
		t.Errorf("after erasing: %+v, %v", in, err)
	}
	_, gone := sc.post("/box", part{"lang", "", "es"}, part{"code", "", typed})
	if strings.Contains(gone, "original?") {
		t.Error("a reply survives its mailbox")
	}
	if l := sc.partials(); len(l) != 0 {
		t.Errorf("left over: %v", l)
	}
}

// Known and unknown codes: same status, same length, same words.
func TestUnknownCodeLooksLikeAnEmptyMailbox(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	_, page := sc.post("/send", part{"lang", "", "en"}, part{"message", "", "hello"})
	known := codeIn(t, page)
	unknown := tip.Code{1}
	strip := func(s string, c tip.Code) string { return strings.ReplaceAll(s, c.Digits(), "CODE") }
	for _, path := range []string{"/box", "/box/erase"} {
		s1, p1 := sc.post(path, part{"lang", "", "en"}, part{"code", "", unknown.Digits()})
		s2, p2 := sc.post(path, part{"lang", "", "en"}, part{"code", "", known.Digits()})
		if s1 != 200 || s2 != 200 || len(p1) != len(p2) || strip(p1, unknown) != strip(p2, known) {
			t.Errorf("%s: %d and %d, %d and %d bytes", path, s1, s2, len(p1), len(p2))
		}
	}
	ask := func(c tip.Code) (int, string) {
		k, _ := quickStretch(nil, c, "llamado-2018")
		b, _ := json.Marshal(map[string]string{"box": hex.EncodeToString(k.Box[:]), "auth": hex.EncodeToString(k.Auth[:])})
		return sc.do("POST", "/box", "", b)
	}
	s1, b1 := ask(known)
	s2, b2 := ask(unknown)
	if s1 != 200 || s2 != 200 || len(b1) != 65536 || len(b2) != 65536 {
		t.Errorf("%d %d, %d %d bytes", s1, s2, len(b1), len(b2))
	}
	for i := range tip.Slots {
		if !strings.HasPrefix(b2[i*tip.SlotSize:], ageHead+"-> mlkem768x25519 ") {
			t.Errorf("dummy slot %d does not look like a slot", i)
		}
	}
}

func digest(b []byte) string {
	h := sha256.Sum256(b)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(h[:]) + ":"
}

// sealed makes the age file that a browser would.
func (sc *scene) sealed(message, content string, keys tip.Keys) []byte {
	sc.t.Helper()
	me, err := keys.Identity()
	if err != nil {
		sc.t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, sc.id.Recipient())
	if err != nil {
		sc.t.Fatal(err)
	}
	t := tip.NewWriter(w)
	t.Message([]byte(message))
	t.Begin(tip.Head{Name: "v.mp4", Mime: "video/mp4"})
	io.WriteString(t, content)
	t.End()
	if err := t.Close(tip.Join{Lang: "es", At: "2026-11-24T13:00:00Z", Lane: "A", Call: "llamado-2018", ReplyTo: me.Recipient().String()}); err != nil {
		sc.t.Fatal(err)
	}
	w.Close()
	return b.Bytes()
}

func doneBody(n int, k tip.Keys) []byte {
	a := k.AuthHash()
	return fmt.Appendf(nil, `{"n":%d,"box":"%x","auth":"%x"}`, n, k.Box, a)
}

func TestChunks(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	k, _ := quickStretch(nil, tip.Code{5}, "llamado-2018")
	file := sc.sealed("hola", strings.Repeat("x", 300_000), k)
	const id = "00112233445566778899aabbccddeeff"
	var chunks [][]byte
	for rest := file; len(rest) > 0; {
		n := min(len(rest), 100_000)
		chunks, rest = append(chunks, rest[:n]), rest[n:]
	}
	put := func(n int, b []byte) int {
		s, _ := sc.do("PUT", fmt.Sprintf("/t/%s/%d", id, n), digest(b), b)
		return s
	}
	if s, b := sc.do("PUT", "/t/"+id+"/0", digest([]byte("other")), chunks[0]); s != 422 || !strings.Contains(b, `"digest"`) || !strings.Contains(b, "dañado") {
		t.Errorf("wrong digest: %d %.200s", s, b)
	}
	if len(sc.partials()) == 1 {
		if l, _ := os.ReadDir(sc.partials()[0]); len(l) != 0 {
			t.Errorf("a refused chunk left %v", l)
		}
	}
	for n := len(chunks) - 1; n > 0; n-- {
		if s := put(n, chunks[n]); s != 204 {
			t.Fatalf("chunk %d: %d", n, s)
		}
	}
	if s := put(2, chunks[2]); s != 204 {
		t.Errorf("the same chunk again: %d", s)
	}
	if s := put(2, chunks[1]); s != 409 {
		t.Errorf("a changed chunk: %d", s)
	}
	s, have := sc.do("POST", "/t/"+id+"/have", "", nil)
	if s != 200 || len(have) != 4096 || have[0] != byte(1<<len(chunks)-2) {
		t.Errorf("have: %d, %d bytes, %b", s, len(have), have[0])
	}
	if s, _ := sc.do("POST", "/t/"+id+"/done", "", doneBody(len(chunks), k)); s != 409 {
		t.Errorf("done without chunk 0: %d", s)
	}
	if put(0, chunks[0]) != 204 {
		t.Fatal("chunk 0")
	}
	for i := range 2 {
		if s, b := sc.do("POST", "/t/"+id+"/done", "", doneBody(len(chunks), k)); s != 200 || !strings.Contains(b, `{"ok":true}`) {
			t.Errorf("done, time %d: %d %.200s", i+1, s, b)
		}
	}
	got := sc.tips()
	if len(got) != 1 || got[id].Incomplete != "" || got[id].content[0] != strings.Repeat("x", 300_000) {
		t.Errorf("%+v", got)
	}
	stored, _ := os.ReadFile(filepath.Join(sc.dir, tipsDir, id+".age"))
	if !bytes.Equal(stored, file) || len(sc.partials()) != 0 {
		t.Errorf("stored bytes differ, or chunks are left: %v", sc.partials())
	}
	if s := put(0, chunks[1]); s != 409 {
		t.Errorf("a chunk of a tip that is done: %d", s)
	}
	// The mailbox of the code is there now; another code cannot take it.
	other := k
	other.Auth[0] ^= 1
	plain := []byte(ageHead + "x")
	const id2 = "ffffffffffffffffffffffffffffffff"
	sc.do("PUT", "/t/"+id2+"/0", digest(plain), plain)
	if s, _ := sc.do("POST", "/t/"+id2+"/done", "", doneBody(1, other)); s != 422 || len(sc.tips()) != 1 {
		t.Errorf("a mailbox was taken over: %d", s)
	}
	const id3 = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
	text := []byte("my name is Ana and I saw it, unencrypted")
	sc.do("PUT", "/t/"+id3+"/0", digest(text), text)
	if s, b := sc.do("POST", "/t/"+id3+"/done", "", doneBody(1, k)); s != 422 || !strings.Contains(b, "cifrado") {
		t.Errorf("plaintext in lane A: %d %.200s", s, b)
	}
	for _, bad := range []string{"/t/short/0", "/t/" + strings.ToUpper(id3) + "/0", "/t/" + id3 + "/-1", "/t/" + id3 + "/32768", "/t/" + id3 + "/01", "/t/..%2f..%2fx/0"} {
		if s, _ := sc.do("PUT", bad, digest(text), text); s != 404 {
			t.Errorf("%s: %d", bad, s)
		}
	}
}
