package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sightline"
	"sightline/archive"
	"sightline/capture"
	"sightline/warc"
)

// webSite is a local site with redirects, a slow page, one that comes back
// after an error and one that is there once only.
func webSite(t *testing.T) *httptest.Server {
	img := image.NewGray(image.Rect(0, 0, 300, 200))
	for i := range img.Pix {
		img.SetGray(i%300, i/300, color.Gray{Y: uint8(i * i >> 7)})
	}
	var pic bytes.Buffer
	if err := png.Encode(&pic, img); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	count := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		count[r.URL.Path]++
		n := count[r.URL.Path]
		mu.Unlock()
		page := func(s string) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, "<!doctype html><html lang=es><title>%s</title><p>Texto de %s</p><img src=/shared.png>", s, s)
		}
		switch p := r.URL.Path; {
		case p == "/shared.png":
			w.Write(pic.Bytes()) //nolint:errcheck // the test sees it
		case strings.HasPrefix(p, "/moved"):
			http.Redirect(w, r, "/page/"+p[6:], http.StatusFound)
		case p == "/slow":
			time.Sleep(300 * time.Millisecond)
			page("slow")
		case p == "/once" && n > 1, p == "/gone":
			w.WriteHeader(http.StatusGone)
		case p == "/flaky" && n == 1:
			w.WriteHeader(http.StatusBadGateway)
		default:
			page(p)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

type collected struct {
	URL, State, Why, Item, SHA256 string
	Media                         []string
	Final                         string `json:"final_url"`
}

// TestCollect: 20 addresses in, each with an answer; the case and its bag are
// whole; what was captured goes out as one WACZ and comes in again.
func TestCollect(t *testing.T) {
	s := webSite(t)
	dir := t.TempDir()
	c := filepath.Join(dir, "case")
	sh := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if got := run(&env{t.Context(), strings.NewReader(""), &out, &errs}, args); got != want {
			t.Fatalf("sightline %s: status %d, want %d\n%s%s", strings.Join(args, " "), got, want, out.String(), errs.String())
		}
		return out.String()
	}
	sh(0, "new", c, "--title", "Collect", "--prefix", "CO", "--zone", "UTC", "--lang", "en,es")
	list := []string{"# a comment", "", s.URL + "/slow", s.URL + "/once", s.URL + "/gone", s.URL + "/flaky", s.URL + "/moved1", s.URL + "/moved2", "http://10.0.0.1/", s.URL + "/page/1#part", s.URL + "/page/1"}
	for i := 2; i < 13; i++ {
		list = append(list, fmt.Sprintf("%s/page/%d", s.URL, i))
	}
	file := filepath.Join(dir, "list.txt")
	if err := os.WriteFile(file, []byte(strings.Join(list, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := s.Listener.Addr().String()
	common := []string{"--case", c, "--allow", addr, "--pace", "1ms", "--no-browser", "--json", "--reason", "test"}
	var got []collected
	dec := json.NewDecoder(strings.NewReader(sh(1, append([]string{"collect", "--list", file}, common...)...)))
	states := map[string]int{}
	for dec.More() {
		var x collected
		if err := dec.Decode(&x); err != nil {
			t.Fatal(err)
		}
		got = append(got, x)
		states[x.State]++
		if x.State == "preserved" && (x.Item == "" || len(x.Media) != 1) {
			t.Errorf("%+v", x)
		}
		if strings.HasSuffix(x.URL, "/gone") && !strings.Contains(x.Why, "not there (any more)") {
			t.Errorf("%+v", x)
		}
		if strings.HasSuffix(x.URL, "/moved1") && x.Final != s.URL+"/page/1" {
			t.Errorf("%+v", x)
		}
	}
	// 20 addresses: 18 different ones of the site, of which one is gone, one twice, one inside a network.
	if len(got) != 20 || states["preserved"] != 17 || states["failed"] != 1 || states["refused"] != 2 {
		t.Errorf("%v of %d", states, len(got))
	}
	// The same address again is a new capture, and this time the page is gone.
	if out := sh(1, append([]string{"collect", s.URL + "/once"}, common...)...); !strings.Contains(out, `"failed"`) {
		t.Errorf("the page that vanished: %s", out)
	}

	f, err := openCase(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := loadDocument(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	pages, pictures, failed := 0, 0, 0
	for _, it := range doc.Items {
		switch it.Type {
		case "application/wacz":
			pages++
			if it.Language != "es" || it.Seen["es"] == "" || it.Source.Method != "web" || it.Source.URL == "" {
				t.Errorf("%+v", it)
			}
		case "image/png":
			pictures++
			n := 0
			for _, x := range it.Facts {
				if x.Field == "Capture:page" {
					n++
				}
			}
			// /moved1 and /moved2 are the same two pages under another address.
			if n != 15 {
				t.Errorf("the shared picture names %d pages", n)
			}
		}
	}
	err = f.Store.View(t.Context(), f.Actor, func(r sightline.Reader) error {
		for e, err := range r.Entries(0, doc.Head.Size) {
			if err != nil {
				return err
			}
			if e.Kind != sightline.EntryCollect {
				continue
			}
			if e.Result == "failed" {
				failed++
			}
			if e.Capture == nil || e.Capture.Method != "automatic" || e.Capture.Access != "public" || e.Capture.Request == "" || e.Capture.Response == "" || e.Capture.URL == "" {
				t.Errorf("entry %d: %+v", e.Seq, e.Capture)
			}
			vals, err := r.Sealed(e.Seq)
			if err != nil {
				return err
			}
			have := map[string]bool{}
			for _, v := range vals {
				have[v.Name] = true
			}
			for _, n := range []string{"collector", "machine", "persona", "reason", "args"} {
				if !have[n] {
					t.Errorf("entry %d does not say its %s", e.Seq, n)
				}
			}
		}
		return nil
	})
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	if pages != 17 || pictures != 1 || failed != 2 {
		t.Errorf("%d pages, %d pictures, %d failures in the log", pages, pictures, failed)
	}
	sh(0, "check", "--case", c)
	// The jobs that read a file's own metadata leave alone what the capture said.
	sh(0, "work", "--case", c, "--until-idle")
	f, err = openCase(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	doc, err = loadDocument(t.Context(), f)
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range doc.Items {
		n := 0
		for _, x := range it.Facts {
			if x.Field == "Capture:job" || x.Field == "Capture:page" {
				n++
			}
		}
		if n == 0 {
			t.Errorf("%s lost what its capture said", it.ID)
		}
	}

	out := filepath.Join(dir, "all.wacz")
	sh(0, "export", "wacz", "--case", c, "-o", out)
	again := filepath.Join(dir, "again.wacz")
	sh(0, "export", "wacz", "--case", c, "-o", again)
	a, _ := os.ReadFile(out)
	b, _ := os.ReadFile(again)
	if len(a) == 0 || !bytes.Equal(a, b) {
		t.Error("the same case gave two different exports")
	}
	p, err := warc.OpenWACZ(bytes.NewReader(a), int64(len(a)), warc.Limits{})
	if err != nil || len(p.Faults)+len(p.Notes) > 0 || len(p.Pages) != 17 || len(p.Archives) != 17 {
		t.Errorf("the export: %+v, %v", p, err)
	}
	second := filepath.Join(dir, "second")
	sh(0, "new", second, "--title", "Second", "--prefix", "SE", "--zone", "UTC", "--lang", "en")
	first := sh(0, "add", "--case", second, "--as", "wacz", "--reason", "test", out)
	if !strings.Contains(first, "19 added") { // the WACZ, 17 pages, the picture
		t.Errorf("taken back: %s", first)
	}
	if more := sh(0, "add", "--case", second, "--as", "wacz", "--reason", "test", out); !strings.Contains(more, "0 added") {
		t.Errorf("taken back twice: %s", more)
	}

	bag := filepath.Join(dir, "bag")
	sh(0, "export", "bag", "--case", c, "--to", bag)
	sh(0, "check", "--bag", bag)
	if sum, err := exec.LookPath("sha256sum"); err == nil {
		cmd := exec.Command(sum, "-c", "--quiet", "manifest-sha256.txt")
		cmd.Dir = bag
		if o, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("sha256sum -c: %v\n%s", err, o)
		}
	}
}

// TestCollectResumes: addresses wait in the store; a job whose worker died is
// taken over, and nothing is fetched twice for one job.
func TestCollectResumes(t *testing.T) {
	s := webSite(t)
	c := filepath.Join(t.TempDir(), "case")
	var out bytes.Buffer
	e := &env{t.Context(), strings.NewReader(""), &out, &out}
	addr := s.Listener.Addr().String()
	if run(e, []string{"new", c, "--title", "R", "--prefix", "RE", "--zone", "UTC", "--lang", "en"}) != 0 ||
		run(e, []string{"collect", "--case", c, "--allow", addr, "--later", "--reason", "r", s.URL + "/page/1", s.URL + "/page/2", s.URL + "/page/3"}) != 0 {
		t.Fatal(out.String())
	}
	f, err := (&inCase{Case: c}).open(archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// A worker that takes one and dies at once.
	if j, err := f.Store.Claim(t.Context(), "dead", []string{capture.Lane}, time.Millisecond); err != nil || j == nil {
		t.Fatal(j, err)
	}
	// A worker that is stopped in the middle gives its address back.
	g, err := guardFor([]string{addr})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	q := collector(f, g, nil)
	q.Fetcher.Browser, q.UntilIdle, q.Workers, q.Pace = nil, true, 1, time.Hour // the second page has to wait
	tell := q.Tell
	q.Tell = func(ev capture.Event) {
		tell(ev)
		if ev.State == "preserved" || ev.State == "partial" {
			time.AfterFunc(20*time.Millisecond, cancel)
		}
	}
	if sum, err := q.Run(ctx); err != nil || sum.Preserved+sum.Partial != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	f.Close()
	out.Reset()
	if run(e, []string{"collect", "--case", c, "--allow", addr, "--pace", "1ms", "--no-browser"}) != 0 || !strings.Contains(out.String(), "2 in part, 0 failed") && !strings.Contains(out.String(), "2 preserved") {
		t.Errorf("after the restart: %s", out.String())
	}
}

// TestWatch takes a file when it is at rest, once.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	c, in := filepath.Join(dir, "case"), filepath.Join(dir, "in")
	var out bytes.Buffer
	e := &env{t.Context(), strings.NewReader(""), &out, &out}
	if err := os.MkdirAll(filepath.Join(in, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(in, "sub", "a.txt"), []byte("a file that lies here"), 0o600); err != nil {
		t.Fatal(err)
	}
	if run(e, []string{"new", c, "--title", "W", "--prefix", "WA", "--zone", "UTC", "--lang", "en"}) != 0 {
		t.Fatal(out.String())
	}
	for _, want := range []string{"WA-001  ", "WA-001 is already here"} {
		out.Reset()
		if run(e, []string{"watch", in, "--case", c, "--once", "--every", "60ms"}) != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("want %q: %s", want, out.String())
		}
	}
	if got := run(e, []string{"watch", dir, "--case", c, "--once"}); got != 2 {
		t.Errorf("a folder that holds the case: status %d", got)
	}
}
