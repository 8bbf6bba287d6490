package call

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"

	"sightline/call/pages"
	"sightline/tip"
)

// clean fails when a refused sending left anything.
func (sc *scene) clean(what string) {
	sc.t.Helper()
	if l := sc.partials(); len(l) != 0 {
		sc.t.Errorf("%s left partials: %v", what, l)
	}
	if l, _ := filepath.Glob(filepath.Join(sc.dir, tipsDir, "*")); len(l) != 0 {
		sc.t.Errorf("%s left tips: %v", what, l)
	}
}

// Every refusal: its status, its sentence in the language of the source, and
// nothing kept.
func TestRefusalsAreCalmAndKeepNothing(t *testing.T) {
	sc := newScene(t, Options{}, func(c *Config) {
		c.Limits = Limits{Tip: 100_000, Files: 3, Message: 1000}
	})
	cases := []struct {
		name  string
		path  string
		say   say
		parts []part
	}{
		{"wrong code", "/box", sayCode, []part{{"code", "", "uno dos tres"}}},
		{"wrong code when adding", "/box/add", sayCode, []part{{"code", "", "uno dos tres"}, {"file", "a", "x"}}},
		{"code after the file", "/box/add", sayCodeLate, []part{{"file", "a", "x"}, {"code", "", tip.Code{}.Digits()}}},
		{"no code", "/box/add", sayCodeLate, []part{{"message", "", "x"}}},
		{"nothing", "/send", sayEmpty, nil},
		{"nothing chosen", "/send", sayEmpty, []part{{"message", "", ""}, {"file", "", ""}}},
		{"a file of 0 bytes", "/send", sayEmpty, []part{{"file", "v.mp4", ""}}},
		{"too large", "/send", sayTooLarge, []part{{"file", "v.mp4", strings.Repeat("x", 100_001)}}},
		{"too large together", "/send", sayTooLarge, []part{{"file", "a", strings.Repeat("x", 60_000)}, {"file", "b", strings.Repeat("x", 60_000)}}},
		{"too many files", "/send", sayTooMany, []part{{"file", "a", "1"}, {"file", "b", "2"}, {"file", "c", "3"}, {"file", "d", "4"}}},
		{"message too long", "/send", sayTooLong, []part{{"message", "", strings.Repeat("x", 1001)}}},
		{"a field that does not exist", "/send", sayForm, []part{{"other", "", "x"}}},
	}
	for _, c := range cases {
		for _, l := range pages.Langs {
			parts := append([]part{{"lang", "", l}}, c.parts...)
			status, page := sc.post(c.path, parts...)
			want := sentences[c.say][l]
			if status != sayStatus[c.say] || !strings.Contains(page, want.title) || !strings.Contains(page, `lang="`+l+`"`) {
				t.Errorf("%s in %s: %d, want %d and %q", c.name, l, status, sayStatus[c.say], want.title)
			}
		}
		sc.clean(c.name)
	}
	if got := sc.s.store.used.Load(); got != 0 {
		t.Errorf("%d bytes are still counted against the quota", got)
	}
}

// A refused file beside a good one: a file of 0 bytes does not spoil the rest.
func TestEmptyFileBesideAnother(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	status, _ := sc.post("/send", part{"lang", "", "es"}, part{"file", "a.mp4", "content"}, part{"file", "b.mp4", ""})
	got := sc.tips()
	if status != 200 || len(got) != 1 {
		t.Fatalf("%d, %d tips", status, len(got))
	}
	for _, k := range got {
		if len(k.Files) != 2 || k.Files[1].Size != 0 || k.Files[1].Name != "b.mp4" || k.Incomplete != "" {
			t.Errorf("%+v", k.Files)
		}
	}
}

// A message that holds a receipt code must not hand it to whoever reads it.
func TestCodeInTheMessageIsTakenOut(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	_, page := sc.post("/send", part{"lang", "", "es"}, part{"message", "", "primero"})
	code := codeIn(t, page)
	words := strings.Join(code.Words("es"), " ")
	if status, _ := sc.post("/box/add", part{"lang", "", "es"}, part{"code", "", words}, part{"message", "", "mi código es " + words + " gracias"}, part{"wish", "", code.Digits()}); status != 200 {
		t.Fatal(status)
	}
	for _, k := range sc.tips() {
		if strings.Contains(k.Message+k.Join.Wish, code.Words("es")[3]) || strings.Contains(k.Join.Wish, code.Digits()) {
			t.Errorf("the code went to the team: %q, %q", k.Message, k.Join.Wish)
		}
	}
}

// The connection breaks at some byte: nothing stays, and the next one works.
func TestCutUploadLeavesNothing(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	kind, body := form(part{"lang", "", "es"}, part{"message", "", "hola"}, part{"file", "v.mp4", strings.Repeat("x", 200_000)})
	whole := body.Bytes()
	for _, n := range []int{0, 100, 400, 1000, 70_000, 150_000, len(whole) - 3} {
		c, err := net.Dial("tcp", sc.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST /send HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", kind, len(whole))
		c.Write(whole[:n])
		c.Close()
	}
	deadline := time.Now().Add(5 * time.Second)
	for len(sc.partials()) > 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	sc.clean("cut uploads")
	if status, _ := sc.post("/send", part{"message", "", "hola"}); status != 200 {
		t.Error("the server does not work after cut uploads")
	}
}

// A slow line is waited for, a silent one is not.
func TestSlowLineIsWaitedFor(t *testing.T) {
	sc := newScene(t, Options{Idle: 400 * time.Millisecond, Whole: time.Minute}, nil)
	kind, body := form(part{"lang", "", "es"}, part{"file", "v.mp4", strings.Repeat("x", 3000)})
	whole := body.Bytes()
	send := func(pause time.Duration, stopAt int) (int, string) {
		r, w := io.Pipe()
		go func() {
			for i := 0; i < len(whole); i += 300 {
				if i/300 == stopAt {
					time.Sleep(2 * time.Second)
				}
				if _, err := w.Write(whole[i:min(i+300, len(whole))]); err != nil {
					return
				}
				time.Sleep(pause)
			}
			w.Close()
		}()
		res, err := http.Post(sc.http.URL+"/send", kind, r)
		if err != nil {
			return 0, err.Error()
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	// Longer altogether than Idle, never silent for so long.
	if status, _ := send(90*time.Millisecond, -1); status != 200 {
		t.Errorf("a slow upload: %d", status)
	}
	if status, page := send(time.Millisecond, 6); status != 400 && status != 0 || strings.Contains(page, "timeout") && status != 0 {
		t.Errorf("a silent upload: %d %.300s", status, page)
	}
	time.Sleep(50 * time.Millisecond)
	if l := sc.partials(); len(l) != 0 {
		t.Errorf("a silent upload left %v", l)
	}
}

func TestDiskFullInTheMiddle(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	n := 0
	sc.s.fault = func() error {
		if n++; n > 3 {
			return &os.PathError{Op: "write", Path: "secret-name", Err: syscall.ENOSPC}
		}
		return nil
	}
	status, page := sc.post("/send", part{"lang", "", "es"}, part{"file", "v.mp4", strings.Repeat("x", 500_000)})
	if status != 503 || !strings.Contains(page, sentences[sayFull]["es"].title) || strings.Contains(page, "secret-name") {
		t.Errorf("%d %.300s", status, page)
	}
	sc.clean("a full disk")
	if got := sc.s.store.used.Load(); got != 0 {
		t.Errorf("%d bytes are still counted", got)
	}
	sc.s.fault = nil
	if status, _ := sc.post("/send", part{"message", "", "hola"}); status != 200 {
		t.Error("the server does not work after the disk was full")
	}
}

// At 90 % of the quota new tips are told of other ways; mailboxes go on.
func TestQuota(t *testing.T) {
	sc := newScene(t, Options{}, func(c *Config) { c.Limits.Quota = 400_000 })
	_, page := sc.post("/send", part{"lang", "", "en"}, part{"file", "v", strings.Repeat("x", 200_000)})
	code := codeIn(t, page)
	// This one would pass the limit while it is written.
	if status, page := sc.post("/send", part{"lang", "", "en"}, part{"file", "v", strings.Repeat("x", 250_000)}); status != 503 || !strings.Contains(page, "no room") {
		t.Errorf("%d", status)
	}
	if len(sc.tips()) != 1 || len(sc.partials()) != 0 {
		t.Error("half an upload was kept")
	}
	sc.s.store.used.Store(390_000)
	b := []byte(ageHead)
	if s, _ := sc.do("PUT", "/t/00112233445566778899aabbccddeeff/0", digest(b), b); s != 503 {
		t.Errorf("a chunk over the quota: %d", s)
	}
	if status, _ := sc.post("/box", part{"lang", "", "en"}, part{"code", "", code.Digits()}); status != 200 {
		t.Errorf("a mailbox when the disk is full: %d", status)
	}
	res, err := http.Get(sc.http.URL + "/call.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, b := read(t, res); !strings.Contains(b, `"closed":true`) {
		t.Error("call.json does not say that the call is closed")
	}
}

func TestKeyFilesAtTheStart(t *testing.T) {
	fresh := func() *scene { return newScene(t, Options{}, nil) }
	try := func(dir string) string {
		s, err := New(dir, Options{Stretch: quickStretch})
		if err == nil {
			s.Close()
			return ""
		}
		return err.Error()
	}
	sc := fresh()
	os.Remove(filepath.Join(sc.dir, KeysFile))
	if got := try(sc.dir); !strings.Contains(got, "call.keys is missing") {
		t.Errorf("without keys: %q", got)
	}
	for name, text := range map[string]string{
		"key.txt":           "# created\n" + sc.id.String(),
		"notes/deep/x":      strings.Repeat("x", 9000) + strings.ToLower(sc.id.String()),
		"tls.pem":           "-----BEGIN PRIVATE KEY-----\n",
		"ana.identity.age":  "age-encryption.org/v1\n",
		"call.keys.copy":    "AGE-SECRET-KEY-1",
		"log.note.key":      "PRIVATE+KEY+log+0",
		"plugin-key.backup": "AGE-PLUGIN-YUBIKEY-1",
	} {
		sc := fresh()
		p := filepath.Join(sc.dir, name)
		os.MkdirAll(filepath.Dir(p), 0o755)
		os.WriteFile(p, []byte(text), 0o600)
		if got := try(sc.dir); !strings.Contains(got, filepath.Base(name)) || strings.Contains(got, "SECRET") {
			t.Errorf("%s: %q", name, got)
		}
	}
	sc = fresh()
	other, _ := age.GenerateX25519Identity()
	os.WriteFile(filepath.Join(sc.dir, KeysFile), []byte(sc.id.Recipient().String()+"\n"+other.Recipient().String()), 0o644)
	if got := try(sc.dir); !strings.Contains(got, "mix") {
		t.Errorf("mixed keys: %q", got)
	}
	for _, bad := range []string{"{", `{"v":2}`, `{"v":1,"id":"llamado-2018","name":{"es":"x"}}`, `{"v":1,"id":"../x","name":{}}`, `{"v":1,"id":"llamado-2018","name":{"es":"x","en":"x","ar":"x"},"extra":1}`} {
		os.WriteFile(filepath.Join(sc.dir, ConfigFile), []byte(bad), 0o644)
		if got := try(sc.dir); !strings.Contains(got, "call.json") {
			t.Errorf("%s: %q", bad, got)
		}
	}
}

// A decompression bomb is bytes like others: nothing here unpacks, by header
// or by content.
func TestNothingIsUnpacked(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	kind, body := form(part{"message", "", "hola"})
	r, _ := http.NewRequest("POST", sc.http.URL+"/send", bytes.NewReader(body.Bytes()))
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Content-Encoding", "gzip")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := read(t, res); status != 200 {
		t.Errorf("%d", status)
	}
	bomb := "\x1f\x8b\x08" + strings.Repeat("\x00", 5000)
	if status, _ := sc.post("/send", part{"file", "bomb.gz", bomb}); status != 200 {
		t.Error(status)
	}
	for _, k := range sc.tips() {
		if len(k.content) == 1 && k.content[0] != bomb {
			t.Error("the content was changed")
		}
	}
}

// Fuzzed bodies: never a panic, never anything kept of what was refused.
func FuzzSend(f *testing.F) {
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nhola\r\n--x--\r\n"), false)
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\nx"), true)
	sc := newScene(f, Options{}, nil)
	const kind = "multipart/form-data; boundary=x"
	f.Fuzz(func(t *testing.T, body []byte, add bool) {
		path := "/send"
		if add {
			path = "/box/add"
		}
		count := func() int { return len(mustGlob(filepath.Join(sc.dir, tipsDir, "*"))) }
		before := count()
		res, err := http.Post(sc.http.URL+path, kind, bytes.NewReader(body))
		if err != nil {
			return
		}
		defer res.Body.Close()
		io.Copy(io.Discard, res.Body)
		if res.StatusCode == 500 {
			t.Errorf("500 for %q", body)
		}
		if after := count(); res.StatusCode != 200 && after != before {
			t.Errorf("%d and %d tips more", res.StatusCode, after-before)
		}
		if l := sc.partials(); len(l) != 0 {
			t.Errorf("left: %v", l)
		}
		for _, p := range mustGlob(filepath.Join(sc.dir, tipsDir, "*")) {
			os.Remove(p)
		}
	})
}

func mustGlob(p string) []string {
	l, _ := filepath.Glob(p)
	return l
}
