package call

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sightline/tip"
)

// Figures of docs/methods/call.md. The default test runs a small number;
// SIGHTLINE_FULL=1 runs the number of the goal.
func many(full, small int) int {
	if os.Getenv("SIGHTLINE_FULL") != "" {
		return full
	}
	return small
}

// process is a server in a process of its own.
type process struct {
	*scene
	addr string
	pid  int
	out  *lockedBuffer
	kill func()
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startProcess runs the server with its own temporary folder inside the
// scene's, so that a scan sees what it writes there.
func startProcess(t testing.TB) *process {
	t.Helper()
	sc := newScene(t, Options{}, func(c *Config) { c.Limits.Tip = 4 << 30 })
	sc.http.Close()
	sc.s.Close()
	tmp := filepath.Join(sc.dir, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	p := &process{scene: sc}
	p.start()
	return p
}

// start runs the server on the scene's folder, which may be that of one that
// was killed.
func (p *process) start() {
	t := p.t
	t.Helper()
	p.out = &lockedBuffer{}
	cmd := exec.Command(os.Args[0], "serve-call", p.dir)
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(p.dir, "tmp"))
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = io.MultiWriter(w, p.out), p.out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.kill = sync.OnceFunc(func() { cmd.Process.Kill(); cmd.Wait() })
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, r)
	p.addr, p.pid = strings.TrimSpace(line), cmd.Process.Pid
}

// peak is the most memory the process had at once, in bytes.
func (p *process) peak() int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		p.t.Skip("memory of a process is read from /proc")
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(v, "kB")), 10, 64)
			return n << 10
		}
	}
	p.t.Fatal("no VmHWM")
	return 0
}

// scan looks for markers in every file below the call's folder, and in what
// the process printed.
func scan(t testing.TB, dir, printed string, markers map[string]string) {
	t.Helper()
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		for what, m := range markers {
			if bytes.Contains(b, []byte(m)) || strings.Contains(path, m) {
				t.Errorf("%s is in %s", what, path)
			}
		}
		return nil
	})
	for what, m := range markers {
		if strings.Contains(printed, m) {
			t.Errorf("%s was printed", what)
		}
	}
}

// 1,000 sendings in both lanes, half of them cut at a random byte: what the
// source wrote, what the files are called and the codes are nowhere on disk,
// while it happens and after.
func TestNoPlaintextOnDisk(t *testing.T) {
	p := startProcess(t)
	n := many(1000, 40)
	markers := map[string]string{
		"content": "CANARYCONTENT-5f1d", "a name": "CANARYNAME-77aa", "the message": "CANARYMESSAGE-90cd", "a wish": "CANARYWISH-1234",
	}
	content := strings.Repeat(markers["content"]+" ", 6000)
	var mu sync.Mutex // codes join the markers while the scan runs
	stop, done := make(chan bool), make(chan bool)
	go func() { // while uploads are under way
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				mu.Lock()
				now := maps.Clone(markers)
				mu.Unlock()
				scan(t, p.dir, p.out.String(), now)
			}
		}
	}()
	rng := rand.New(rand.NewPCG(1, 2))
	kept, codes := 0, 0
	for i := range n {
		if i%2 == 0 {
			kind, body := form(part{"lang", "", "es"}, part{"message", "", markers["the message"]}, part{"wish", "", markers["a wish"]}, part{"file", markers["a name"] + ".mp4", content})
			whole := body.Bytes()
			if i%4 == 0 {
				c, err := net.Dial("tcp", strings.TrimPrefix(p.addr, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(c, "POST /send HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", kind, len(whole))
				c.Write(whole[:rng.IntN(len(whole))])
				c.Close()
				continue
			}
			if i%20 != 2 { // a code costs half a second of Argon2id
				continue
			}
			res, err := http.Post(p.addr+"/send", kind, bytes.NewReader(whole))
			if err != nil {
				t.Fatal(err)
			}
			status, page := read(t, res)
			if status != 200 {
				t.Fatalf("%d", status)
			}
			c := codeIn(t, page)
			codes++
			kept++
			mu.Lock()
			markers[fmt.Sprintf("code %d in words", codes)] = strings.Join(c.Words("es"), " ")
			markers[fmt.Sprintf("code %d in digits", codes)] = c.Digits()
			markers[fmt.Sprintf("code %d as bytes", codes)] = string(c[:])
			mu.Unlock()
			continue
		}
		k, _ := quickStretch(nil, tip.Code{byte(i), byte(i >> 8), 1}, "llamado-2018")
		file := p.sealed(markers["the message"], content, k)
		id := fmt.Sprintf("%032x", i+1)
		ends := i%4 == 1
		for c := 0; len(file) > 0; c++ {
			m := min(len(file), 50_000)
			if !ends && rng.IntN(4) == 0 {
				break
			}
			chunk := file[:m]
			file = file[m:]
			r, _ := http.NewRequest("PUT", fmt.Sprintf("%s/t/%s/%d", p.addr, id, c), bytes.NewReader(chunk))
			r.Header.Set("Content-Digest", digest(chunk))
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if len(file) == 0 {
				res, err := http.Post(p.addr+"/t/"+id+"/done", "application/json", bytes.NewReader(doneBody(c+1, k)))
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				kept++
			}
		}
	}
	close(stop)
	<-done
	time.Sleep(100 * time.Millisecond)
	scan(t, p.dir, p.out.String(), markers)
	if got := len(mustGlob(filepath.Join(p.dir, tipsDir, "*.age"))); got != kept {
		t.Errorf("%d tips are kept, want %d", got, kept)
	}
	if l := mustGlob(filepath.Join(p.dir, partDir, streamPrefix+"*")); len(l) != 0 {
		t.Errorf("streams are left: %v", l)
	}
	if l := mustGlob(filepath.Join(p.dir, "tmp", "*")); len(l) != 0 {
		t.Errorf("temporary files: %v", l)
	}
	t.Logf("%d sendings, %d kept, %d with codes", n, kept, codes)
}

// Lane A brings ciphertext only: nothing of the source is in the memory of the
// server while and after it sends.
func TestLaneAIsNotInMemory(t *testing.T) {
	p := startProcess(t)
	const marker = "CANARYMEMORY-31f0"
	k, _ := quickStretch(nil, tip.Code{1}, "llamado-2018")
	file := p.sealed(marker, strings.Repeat(marker, 9000), k)
	r, _ := http.NewRequest("PUT", p.addr+"/t/00000000000000000000000000000001/0", bytes.NewReader(file))
	r.Header.Set("Content-Digest", digest(file))
	if res, err := http.DefaultClient.Do(r); err != nil || res.StatusCode != 204 {
		t.Fatal(err, res)
	}
	hits, read := memoryHits(t, p.pid, marker)
	if hits != 0 {
		t.Errorf("the marker is %d times in the memory of the server", hits)
	}
	// The scan itself is checked: what the server was told in clear is found.
	if res, err := http.Get(p.addr + "/" + marker + "-control"); err == nil {
		res.Body.Close()
	}
	if control, _ := memoryHits(t, p.pid, marker+"-control"); control == 0 {
		t.Skipf("the scan of %d bytes of memory does not find its control", read)
	}
}

func memoryHits(t *testing.T, pid int, marker string) (hits int, read int64) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Skip("the memory of another process cannot be read here")
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Skip("the memory of another process cannot be read here")
	}
	defer mem.Close()
	for line := range strings.SplitSeq(string(maps), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 || !strings.HasPrefix(f[1], "rw") {
			continue
		}
		from, to, _ := strings.Cut(f[0], "-")
		a, _ := strconv.ParseUint(from, 16, 64)
		b, _ := strconv.ParseUint(to, 16, 64)
		for at := a; at < b; at += 1 << 20 {
			p := make([]byte, min(1<<20, b-at))
			n, _ := mem.ReadAt(p, int64(at))
			read += int64(n)
			hits += bytes.Count(p[:n], []byte(marker))
		}
	}
	return hits, read
}

// stream sends n bytes by lane B and gives the time.
func (p *process) stream(n int64) time.Duration {
	p.t.Helper()
	r, w := io.Pipe()
	m := multipart.NewWriter(w)
	go func() {
		f, err := m.CreateFormFile("file", "v.mp4")
		block := make([]byte, 1<<20)
		rand.NewChaCha8([32]byte{1}).Read(block)
		for left := n; left > 0 && err == nil; left -= int64(len(block)) {
			_, err = f.Write(block[:min(int64(len(block)), left)])
		}
		m.Close()
		w.CloseWithError(err)
	}()
	start := time.Now()
	res, err := http.Post(p.addr+"/send", m.FormDataContentType(), r)
	if err != nil {
		p.t.Fatal(err)
	}
	if status, page := read(p.t, res); status != 200 {
		p.t.Fatalf("%d %.400s", status, page)
	}
	return time.Since(start)
}

// Memory does not grow with the upload. The goal is 64 MiB for 2 GiB.
func TestMemoryOfAStreamedUpload(t *testing.T) {
	if testing.Short() {
		t.Skip("streams 64 MiB")
	}
	p := startProcess(t)
	p.stream(1 << 20)
	small := p.peak()
	p.stream(64 << 20)
	if peak := p.peak(); peak > 64<<20 || peak > small+(16<<20) {
		t.Errorf("peak %d MiB, %d MiB after 1 MiB", peak>>20, small>>20)
	}
}

// BenchmarkLaneB streams 2 GiB (goal: 100 MiB/s, 64 MiB) or, with -short, 256 MiB.
func BenchmarkLaneB(b *testing.B) {
	p := startProcess(b)
	size := int64(2 << 30)
	if testing.Short() {
		size = 256 << 20
	}
	p.stream(1 << 20)
	for b.Loop() {
		d := p.stream(size)
		b.ReportMetric(float64(size>>20)/d.Seconds(), "MiB/s")
		for _, f := range mustGlob(filepath.Join(p.dir, tipsDir, "*")) {
			os.Remove(f)
		}
	}
	b.ReportMetric(float64(p.peak())/(1<<20), "peak-MiB")
}

// Known and unknown codes by time. Argon2id is the same work for both, so the
// rest of the way is what is compared: Welch's t over interleaved requests,
// goal |t| < 4.5 over 100,000.
func BenchmarkKnownCode(b *testing.B) {
	sc := newScene(b, Options{}, nil)
	t := welch(b, sc, b.N)
	b.ReportMetric(math.Abs(t), "|t|")
}

func TestKnownCodeByTime(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	if v := welch(t, sc, many(100_000, 300)); math.Abs(v) > 4.5 {
		t.Errorf("known and unknown codes differ by time: t = %.2f", v)
	} else {
		t.Logf("t = %.2f", v)
	}
}

func welch(t testing.TB, sc *scene, n int) float64 {
	known, unknown := tip.Code{1}, tip.Code{2}
	k, _ := quickStretch(nil, known, "llamado-2018")
	me, _ := k.Identity()
	if err := sc.s.store.commitTip(strings.Repeat("a", 32), 1, k.Box, k.AuthHash()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		slot, err := tip.SealReply(me.Recipient(), tip.Reply{Text: "x"})
		if err != nil {
			t.Fatal(err)
		}
		if err := sc.s.store.putReply(k.Box, slot); err != nil {
			t.Fatal(err)
		}
	}
	h := sc.s.Handler()
	body := func(c tip.Code) []byte {
		k, _ := quickStretch(nil, c, "llamado-2018")
		b, _ := json.Marshal(map[string]string{"box": hex.EncodeToString(k.Box[:]), "auth": hex.EncodeToString(k.Auth[:])})
		return b
	}
	bodies := [2][]byte{body(known), body(unknown)}
	var count, mean, m2 [2]float64
	rng := rand.New(rand.NewPCG(3, 4))
	for range n {
		i := rng.IntN(2)
		r := httptest.NewRequest("POST", "/box", bytes.NewReader(bodies[i]))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		start := time.Now()
		h.ServeHTTP(w, r)
		d := float64(time.Since(start))
		if w.Code != 200 {
			t.Fatalf("%d", w.Code)
		}
		count[i]++
		delta := d - mean[i]
		mean[i] += delta / count[i]
		m2[i] += delta * (d - mean[i])
	}
	if count[0] < 2 || count[1] < 2 {
		return 0
	}
	v := func(i int) float64 { return m2[i] / (count[i] - 1) / count[i] }
	return (mean[0] - mean[1]) / math.Sqrt(v(0)+v(1))
}

// A link that is cut at 50 random points: the upload completes, identical, and
// no cut costs more than one chunk.
func TestCutChunksAreSentOnceAgain(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	size := many(1<<30, 13<<20)
	chunk := many(MaxChunk, 256<<10)
	k, _ := quickStretch(nil, tip.Code{5}, "llamado-2018")
	src := make([]byte, size)
	rand.NewChaCha8([32]byte{7}).Read(src)
	file := sc.sealed("", string(src), k)
	n := (len(file) + chunk - 1) / chunk
	rng := rand.New(rand.NewPCG(5, 6))
	cutAt := map[int]bool{}
	for len(cutAt) < 50 && len(cutAt) < n {
		cutAt[rng.IntN(n)] = true
	}
	const id = "0123456789abcdef0123456789abcdef"
	addr := sc.http.Listener.Addr().String()
	sent := 0
	for i := 0; i < n; {
		part := file[i*chunk : min((i+1)*chunk, len(file))]
		sent++
		if cutAt[i] {
			delete(cutAt, i)
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(c, "PUT /t/%s/%d HTTP/1.1\r\nHost: x\r\nContent-Digest: %s\r\nContent-Length: %d\r\n\r\n", id, i, digest(part), len(part))
			c.Write(part[:rng.IntN(len(part))])
			c.Close()
			// The browser asks what is here, and goes on from there.
			_, have := sc.do("POST", "/t/"+id+"/have", "", nil)
			if have[i/8]>>(i%8)&1 == 1 {
				i++
			}
			continue
		}
		if s, b := sc.do("PUT", fmt.Sprintf("/t/%s/%d", id, i), digest(part), part); s != 204 {
			t.Fatalf("chunk %d: %d %.200s", i, s, b)
		}
		i++
	}
	if s, b := sc.do("POST", "/t/"+id+"/done", "", doneBody(n, k)); s != 200 {
		t.Fatalf("done: %d %.200s", s, b)
	}
	if sent > n+50 {
		t.Errorf("%d chunks were sent for %d and 50 cuts", sent, n)
	}
	stored, err := os.ReadFile(filepath.Join(sc.dir, tipsDir, id+".age"))
	if err != nil || sha256.Sum256(stored) != sha256.Sum256(file) {
		t.Errorf("the stored file is another: %v", err)
	}
	t.Logf("%d chunks, %d sent", n, sent)
}

// Address, browser and referrer of a visitor are nowhere.
func TestNoTraceOfVisitors(t *testing.T) {
	p := startProcess(t)
	markers := map[string]string{"the agent": "MARKERAGENT-8871", "the referrer": "markerreferrer-1192", "an address": "198.51.100.77", "a cookie": "MARKERCOOKIE-6", "a path": "MARKERPATH-9"}
	for i := range many(10_000, 210) {
		path, method := []string{"/es/", "/", "/about", "/call.json", "/box", "/t/x/have", "/" + markers["a path"]}[i%7], "GET"
		var body io.Reader
		if path == "/box" || path == "/t/x/have" {
			method, body = "POST", strings.NewReader("code="+markers["a path"])
		}
		r, _ := http.NewRequest(method, p.addr+path, body)
		r.Header.Set("User-Agent", markers["the agent"])
		r.Header.Set("Referer", "https://"+markers["the referrer"]+"/")
		r.Header.Set("X-Forwarded-For", markers["an address"])
		r.Header.Set("Cookie", "a="+markers["a cookie"])
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if h := fmt.Sprint(res.Header); strings.Contains(h, "MARKER") || res.Header.Get("Set-Cookie") != "" {
			t.Fatalf("headers: %s", h)
		}
	}
	markers["the loopback address"] = "127.0.0.1:" // of a peer; the line of the listener ends without a further port
	printed := strings.TrimPrefix(strings.TrimSpace(p.out.String()), p.addr)
	scan(t, p.dir, printed, markers)
	if printed != "" {
		t.Errorf("the server printed %q", printed)
	}
}

// The examiner's view of a seized server: nothing finer than a day and a
// padded size, no order of arrival, no time of a file.
func TestSeizedServer(t *testing.T) {
	sc := newScene(t, Options{}, nil)
	for i := range 5 {
		sc.now = time.Date(2026, 11, 24, 8+i, 13, 7, 0, time.UTC)
		sc.post("/send", part{"lang", "", "es"}, part{"message", "", fmt.Sprint("tip ", i)})
	}
	if err := sc.s.store.sweep(); err != nil {
		t.Fatal(err)
	}
	rows, err := sc.s.store.db.Query(`SELECT id, day, size FROM tip`)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rows.Next() {
		var id, day string
		var size int64
		if err := rows.Scan(&id, &day, &size); err != nil {
			t.Fatal(err)
		}
		if day != "2026-11-24" {
			t.Errorf("day %q", day)
		}
		n++
	}
	rows.Close()
	if n != 5 {
		t.Fatalf("%d tips", n)
	}
	// No column holds a time: every value that looks like one is a day.
	raw, err := os.ReadFile(filepath.Join(sc.dir, storeFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{"T08:", "T09:", ":13:07", "08:13", fmt.Sprint(time.Date(2026, 11, 24, 8, 13, 7, 0, time.UTC).Unix())} {
		if bytes.Contains(raw, []byte(mark)) {
			t.Errorf("%q is in the store", mark)
		}
	}
	day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	sizes := map[int64]bool{}
	for _, p := range append(mustGlob(filepath.Join(sc.dir, tipsDir, "*")), filepath.Join(sc.dir, tipsDir)) {
		i, err := os.Stat(p)
		if err != nil || !i.ModTime().Equal(day) {
			t.Errorf("%s: %v, %v", filepath.Base(p), i.ModTime(), err)
		}
		if !i.IsDir() {
			sizes[i.Size()] = true
		}
	}
	if len(sizes) != 1 {
		t.Errorf("five short messages have %d sizes", len(sizes))
	}
	// What was erased is not in the file any more.
	var box []byte
	sc.s.store.db.QueryRow(`SELECT id FROM box LIMIT 1`).Scan(&box)
	var auth []byte
	sc.s.store.db.QueryRow(`SELECT auth FROM box WHERE id = ?`, box).Scan(&auth)
	for _, q := range []string{`DELETE FROM tip WHERE box = ?`, `DELETE FROM box WHERE id = ?`} {
		if _, err := sc.s.store.db.Exec(q, box); err != nil {
			t.Fatal(err)
		}
	}
	if raw, _ = os.ReadFile(filepath.Join(sc.dir, storeFile)); bytes.Contains(raw, auth) || bytes.Contains(raw, box) {
		t.Error("a deleted mailbox is still in the file")
	}
}

// The child that stretches gives what the function gives, and the queue ends.
func TestStretchInAChild(t *testing.T) {
	s := NewStretcher(nil)
	c := tip.Code{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	got, err := s.Stretch(context.Background(), c, "llamado-2018")
	if err != nil || got != tip.Stretch(c, "llamado-2018") {
		t.Fatalf("%x, %v", got.Box, err)
	}
	for range cap(s.queue) {
		s.queue <- struct{}{}
	}
	if _, err := s.Stretch(context.Background(), c, "x"); err != errQueue {
		t.Errorf("a full queue: %v", err)
	}
	if runtime.GOOS == "linux" {
		if _, err := NewStretcher([]string{"/bin/false"}).Stretch(context.Background(), c, "llamado-2018"); err == nil {
			t.Error("a child that fails gives keys")
		}
	}
}

// Killed at random moments: what was acknowledged is there after the next
// start, whole, and nothing is there that was not sent.
func TestKilledServerLosesNothingAcknowledged(t *testing.T) {
	p := startProcess(t)
	acked := map[string][32]byte{}
	sent := map[string]bool{}
	rng := rand.New(rand.NewPCG(8, 9))
	k, _ := quickStretch(nil, tip.Code{9}, "llamado-2018")
	file := p.sealed("hola", "content", k)
	next := 0
	for round := range many(200, 4) {
		if round > 0 {
			p.start()
		}
		time.AfterFunc(time.Duration(10+rng.IntN(150))*time.Millisecond, p.kill)
		for {
			next++
			id := fmt.Sprintf("%032x", next)
			sent[id] = true
			r, _ := http.NewRequest("PUT", p.addr+"/t/"+id+"/0", bytes.NewReader(file))
			r.Header.Set("Content-Digest", digest(file))
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				break
			}
			res.Body.Close()
			if res, err = http.Post(p.addr+"/t/"+id+"/done", "application/json", bytes.NewReader(doneBody(1, k))); err != nil {
				break
			}
			if _, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 200 {
				break
			}
			acked[id] = sha256.Sum256(file)
		}
		p.kill()
	}
	p.open(Options{Stretch: quickStretch})
	for id, want := range acked {
		b, err := os.ReadFile(filepath.Join(p.dir, tipsDir, id+".age"))
		if have, _ := p.s.store.hasTip(id); err != nil || sha256.Sum256(b) != want || !have {
			t.Errorf("%s was acknowledged and is lost: %v, row %v", id, err, have)
		}
	}
	for _, f := range mustGlob(filepath.Join(p.dir, tipsDir, "*")) {
		if id := strings.TrimSuffix(filepath.Base(f), ".age"); !sent[id] {
			t.Errorf("%s came from nowhere", id)
		}
	}
	if len(acked) == 0 {
		t.Error("nothing was acknowledged, so nothing was tested")
	}
	t.Logf("%d acknowledged of %d sent", len(acked), len(sent))
}

// FuzzChunk: any id, number, header and body at lane A's door: a refusal or a
// chunk, never 500.
func FuzzChunk(f *testing.F) {
	sc := newScene(f, Options{}, nil)
	h := sc.s.Handler()
	f.Add("00112233445566778899aabbccddeeff", "0", digest([]byte("x")), []byte("x"))
	f.Add("../x", "-1", "sha-256=:=:", []byte(""))
	f.Add("ffffffffffffffffffffffffffffffff", "done", "", []byte(`{"n":1e9,"box":"","auth":""}`))
	f.Fuzz(func(t *testing.T, id, n, head string, body []byte) {
		for _, method := range []string{"PUT", "POST"} {
			r := httptest.NewRequest(method, "/", bytes.NewReader(body))
			r.URL.Path = "/t/" + id + "/" + n
			r.Header["Content-Digest"] = []string{head}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code == 500 {
				t.Errorf("%s %q %q: 500", method, id, n)
			}
		}
		if l := mustGlob(filepath.Join(sc.dir, tipsDir, "*")); len(l) > 0 && !bytes.HasPrefix(body, []byte(ageHead)) && len(body) > 0 && body[0] != '{' {
			t.Errorf("a tip came of %q", body)
		}
	})
}

// A flood of codes: two are stretched at a time, 64 wait, the others are asked
// to come back; the server itself stays small.
func TestFloodOfCodes(t *testing.T) {
	if os.Getenv("SIGHTLINE_FULL") == "" {
		t.Skip("takes 20 s of Argon2id; SIGHTLINE_FULL=1 runs it")
	}
	p := startProcess(t)
	var mu sync.Mutex
	status := map[int]int{}
	var wg sync.WaitGroup
	for i := range 400 {
		wg.Go(func() {
			kind, body := form(part{"lang", "", "es"}, part{"code", "", tip.Code{byte(i), byte(i >> 8)}.Digits()})
			res, err := http.Post(p.addr+"/box", kind, body)
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			io.Copy(io.Discard, res.Body)
			mu.Lock()
			status[res.StatusCode]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if status[200] < stretchQueue || status[200]+status[503] != 400 {
		t.Errorf("answers: %v", status)
	}
	if peak := p.peak(); peak > 64<<20 {
		t.Errorf("peak %d MiB", peak>>20)
	}
	t.Logf("answers %v, peak %d MiB", status, p.peak()>>20)
}
