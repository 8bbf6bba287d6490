package capture

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"sightline/warc"
)

func picture(w, h int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// site is a small web site with what pages do to a fetcher.
func site(t *testing.T) (*httptest.Server, *Guard) {
	m := http.NewServeMux()
	html := func(w http.ResponseWriter, s string) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, s) //nolint:errcheck // the test sees it
	}
	m.HandleFunc("/post", func(w http.ResponseWriter, r *http.Request) {
		html(w, `<!doctype html><html lang="es"><head><title>Plaza &amp; calle</title><meta property="article:published_time" content="2019-05-10T14:00:00-04:00">
<meta name="author" content="A. B."><link rel=stylesheet href=style.css><style>.x{}</style></head><body><h1>Lo que se vio</h1><p>Primera línea.</p><script>document.body.append('hecho por script')</script>
<img src="big.png" alt="una plaza"><img src="/dot.png"><video src="clip.mp4"></video><p hidden>oculto</p><img src="gone.png"><video src="live.m3u8"></video><img src="http://127.0.0.2/inside.png"><p>Segunda.</p></body></html>`)
	})
	m.HandleFunc("/style.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		io.WriteString(w, "body{background:url('bg.png')}") //nolint:errcheck // likewise
	})
	for _, n := range []string{"/big.png", "/bg.png"} {
		m.HandleFunc(n, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			w.Write(picture(640, 480)) //nolint:errcheck // likewise
		})
	}
	m.HandleFunc("/dot.png", func(w http.ResponseWriter, r *http.Request) { w.Write(picture(1, 1)) }) //nolint:errcheck // likewise
	m.HandleFunc("/clip.mp4", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "video/mp4")
		w.Write(append([]byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42"), make([]byte, 5000)...)) //nolint:errcheck // likewise
	})
	m.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/moved2", 302) })
	m.HandleFunc("/moved2", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/post", 301) })
	m.HandleFunc("/zipped", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "text/html")
		z := gzip.NewWriter(w)
		io.WriteString(z, "<title>zipped</title><p>unpacked") //nolint:errcheck // likewise
		w.(http.Flusher).Flush()
		z.Close()
	})
	m.HandleFunc("/busy", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(503)
	})
	m.HandleFunc("/broken", func(w http.ResponseWriter, r *http.Request) {
		c, b, _ := w.(http.Hijacker).Hijack()
		b.WriteString("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9000\r\n\r\n<title>half</title><p>half a page") //nolint:errcheck // likewise
		b.Flush()
		c.Close()
	})
	s := httptest.NewServer(m)
	t.Cleanup(s.Close)
	return s, &Guard{Allow: []netip.AddrPort{netip.MustParseAddrPort(s.Listener.Addr().String())}}
}

// open reads the archive of a page and gives its answers by address.
func open(t *testing.T, p *Page) (*warc.Package, map[string][]byte) {
	t.Helper()
	b, err := os.ReadFile(p.WACZ)
	if err != nil {
		t.Fatal(err)
	}
	w, err := warc.OpenWACZ(bytes.NewReader(b), int64(len(b)), warc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Faults)+len(w.Notes) > 0 {
		t.Errorf("the archive has faults: %v %v", w.Faults, w.Notes)
	}
	out := map[string][]byte{}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var index, data []byte
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		c, _ := io.ReadAll(r)
		switch f.Name {
		case "indexes/index.cdx":
			index = c
		case "archive/data.warc.gz":
			data = c
			if f.Method != zip.Store {
				t.Error("the archive is packed twice: a player cannot read single records")
			}
		}
	}
	n := 0
	faults, err := warc.Scan(bytes.NewReader(data), int64(len(data)), warc.Limits{}, func(r *warc.Record) error {
		n++
		if r.Type == "response" || r.Type == "resource" {
			at := fmt.Sprintf(`"length":"%d","offset":"%d"`, r.Length, r.Offset)
			if !bytes.Contains(index, []byte(at)) {
				t.Errorf("record %d (%s) is not in the index", r.Number, r.URI)
			}
			out[r.URI], _ = io.ReadAll(r.Block)
		}
		return nil
	})
	if err != nil || len(faults) > 0 {
		t.Errorf("the archive is damaged: %v %v", faults, err)
	}
	return w, out
}

func TestPage(t *testing.T) {
	s, g := site(t)
	f := &Fetcher{Guard: g, Scratch: t.TempDir(), Version: "test"}
	p, err := f.Page(t.Context(), s.URL+"/moved#here")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.Final != s.URL+"/post" || len(p.Hops) != 2 || p.Title != "Plaza & calle" || p.Author != "A. B." || p.Language != "es" || p.Published != "2019-05-10T14:00:00-04:00" {
		t.Errorf("%+v", p)
	}
	if p.Text != "Lo que se vio\nPrimera línea.\nSegunda." {
		t.Errorf("text %q", p.Text)
	}
	if len(p.Media) != 2 || p.Media[0].As != "image" || p.Media[0].Alt != "una plaza" || p.Media[1].As != "video" {
		t.Errorf("media: %+v", p.Media)
	}
	var failed []string
	for _, x := range p.Failed {
		failed = append(failed, x.Part+": "+x.Error)
	}
	all := strings.Join(failed, "\n")
	if len(failed) != 3 || !strings.Contains(all, "gone.png: the server answered 404") || !strings.Contains(all, "HLS") || !strings.Contains(all, "127.0.0.2") {
		t.Errorf("failed parts: %s", all)
	}
	w, got := open(t, p)
	if len(w.Pages) != 1 || w.Pages[0].URL != p.Final || w.Pages[0].Title != p.Title {
		t.Errorf("pages: %+v", w.Pages)
	}
	for _, u := range []string{"/moved", "/moved2", "/post", "/style.css", "/bg.png", "/big.png", "/dot.png", "/clip.mp4", "/gone.png"} {
		if !bytes.HasPrefix(got[s.URL+u], []byte("HTTP/1.1 ")) {
			t.Errorf("%s is not in the archive", u)
		}
	}
	if b, err := os.ReadFile(p.Media[0].File); err != nil || !bytes.Equal(b, picture(640, 480)) {
		t.Errorf("the picture is not what the server sent: %v", err)
	}
}

func TestAnswers(t *testing.T) {
	s, g := site(t)
	f := &Fetcher{Guard: g, Scratch: t.TempDir(), Version: "test"}
	p, err := f.Page(t.Context(), s.URL+"/zipped")
	if err != nil {
		t.Fatal(err)
	}
	_, got := open(t, p)
	if raw := got[s.URL+"/zipped"]; !bytes.Contains(raw, []byte("Content-Encoding: gzip")) || !bytes.Contains(raw, []byte("chunked")) || bytes.Contains(raw, []byte("unpacked")) {
		t.Error("the answer was not kept as it was sent")
	}
	if p.Title != "zipped" || p.Text != "unpacked" {
		t.Errorf("%q %q", p.Title, p.Text)
	}
	p.Close()
	if p, err = f.Page(t.Context(), s.URL+"/broken"); err != nil {
		t.Fatal(err)
	}
	if len(p.Failed) != 1 || p.Title != "half" {
		t.Errorf("half a page: %+v", p)
	}
	open(t, p)
	p.Close()
	for path, want := range map[string]struct {
		status int
		final  bool
		after  time.Duration
	}{"/gone": {404, true, 0}, "/busy": {503, false, 7 * time.Second}} {
		_, err := f.Page(t.Context(), s.URL+path)
		var fl *Failure
		if !errors.As(err, &fl) || fl.Status != want.status || fl.Final != want.final || fl.After != want.after || fl.Answer == "" {
			t.Errorf("%s: %+v", path, fl)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Page(ctx, s.URL+"/post"); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	if p, err = f.Page(t.Context(), s.URL+"/big.png"); err != nil || len(p.Media) != 1 || p.Title != "big.png" {
		t.Errorf("a picture by itself: %+v %v", p, err)
	} else {
		p.Close()
	}
	if left, _ := os.ReadDir(f.Scratch); len(left) != 0 {
		t.Errorf("%d folders were left behind", len(left))
	}
}

// TestBrowser needs an installed Chromium. What the page's script asks for on
// another port of this machine must not arrive.
func TestBrowser(t *testing.T) {
	inside := 0
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside++ }))
	defer private.Close()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<title>before</title><body style="height:3000px;background:#123"><script>
document.title='after';const p=document.createElement('p');p.textContent='written by a script';document.body.append(p);
for(const u of ['%s','http://localhost:%s','http://[::1]:%[2]s'])fetch(u,{mode:'no-cors'}).catch(()=>{});
alert('stay');</script>`, private.URL, strings.TrimPrefix(private.URL, "http://127.0.0.1:"))
	}))
	defer s.Close()
	g := &Guard{Allow: []netip.AddrPort{netip.MustParseAddrPort(s.Listener.Addr().String())}}
	b, err := FindBrowser(g)
	if err != nil {
		t.Skip(err)
	}
	f := &Fetcher{Guard: g, Scratch: t.TempDir(), Version: "test", Browser: b}
	p, err := f.Page(t.Context(), s.URL+"/")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.Browser == nil {
		t.Fatalf("the browser did not do its work: %v", p.Failed)
	}
	if p.Text != "written by a script" {
		t.Errorf("text %q", p.Text)
	}
	pic, err := os.Open(p.Picture)
	if err != nil {
		t.Fatal(err)
	}
	defer pic.Close()
	c, _, err := image.DecodeConfig(pic)
	if err != nil || c.Width != 1280 || c.Height < 3000 {
		t.Errorf("the picture is %d x %d: %v", c.Width, c.Height, err)
	}
	if inside != 0 {
		t.Errorf("%d requests of the page's script reached this machine", inside)
	}
	t.Logf("%s %s, sandbox %s; %v", p.Browser.Name, p.Browser.Version, p.Browser.Sandbox, p.Failed)
	_, got := open(t, p)
	if len(got["urn:fullPage:"+p.Final]) == 0 || len(got["urn:dom:"+p.Final]) == 0 {
		t.Error("picture and document are not in the archive")
	}
}
