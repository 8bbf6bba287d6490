package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"sightline/tool"
	"sightline/warc"
)

// Browser is an installed Chromium. Each page gets a new profile that is
// thrown away, and the only way out is a proxy of ours behind the guard, so
// that scripts of a page reach no more than the fetcher does. As root it runs
// under the user nobody, because Chromium's own sandbox refuses root.
type Browser struct {
	Guard *Guard
	// Width of the window in pixels; 0 is 1280.
	Width int64
	// Wait is how long a page may take to load; 0 is 30 s.
	Wait time.Duration

	program *tool.Program
}

// maxTall is the height in pixels up to which a page is drawn.
const maxTall = 16_000

// FindBrowser looks for Chromium. The error says what is lost without it.
func FindBrowser(g *Guard) (*Browser, error) {
	p, err := tool.Find("chromium")
	if err != nil {
		return nil, err
	}
	return &Browser{Guard: g, program: p}, nil
}

// look is what the browser saw.
type look struct {
	picture []byte
	dom     string
	title   string
	notes   []string
	used    Used
}

func (b *Browser) page(ctx context.Context, address string) (_ *look, err error) {
	wait := b.Wait
	if wait == 0 {
		wait = 30 * time.Second
	}
	width := b.Width
	if width == 0 {
		width = 1280
	}
	proxy, err := newProxy(b.Guard)
	if err != nil {
		return nil, err
	}
	defer proxy.close()
	profile, err := os.MkdirTemp("", "sightline-browser-*")
	if err != nil {
		return nil, fmt.Errorf("failed to make a profile for the browser: %w", err)
	}
	defer os.RemoveAll(profile)
	flags := map[string]any{
		"headless": "new", "proxy-server": "http://" + proxy.addr, "proxy-bypass-list": "<-loopback>",
		"host-resolver-rules": "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "disable-quic": true, "force-webrtc-ip-handling-policy": "disable_non_proxied_udp",
		"no-sandbox": false, "incognito": true, "no-first-run": true, "no-default-browser-check": true, "disable-extensions": true, "disable-sync": true, "disable-component-update": true,
		"disable-background-networking": true, "disable-default-apps": true, "metrics-recording-only": true, "mute-audio": true, "disable-gpu": true,
		"disable-dev-shm-usage": true, "disable-breakpad": true, "hide-scrollbars": true, "disable-features": "Translate,MediaRouter,OptimizationHints,AutofillServerCommunication,DialMediaRouteProvider",
	}
	opts := []chromedp.ExecAllocatorOption{chromedp.ExecPath(b.program.Path), chromedp.UserDataDir(filepath.Join(profile, "p")), chromedp.WindowSize(int(width), 900)}
	l := &look{used: Used{Name: b.program.Name, Version: b.program.Version, SHA256: b.program.SHA256}}
	for k, v := range flags {
		opts = append(opts, chromedp.Flag(k, v))
	}
	for _, k := range []string{"headless", "incognito", "proxy-bypass-list", "host-resolver-rules"} {
		if s, ok := flags[k].(string); ok {
			l.used.Args = append(l.used.Args, "--"+k+"="+s)
		} else {
			l.used.Args = append(l.used.Args, "--"+k)
		}
	}
	home := filepath.Join(profile, "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	opts = append(opts, chromedp.NoInheritEnv, chromedp.Env("HOME="+home, "TMPDIR="+home, "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "TZ=UTC"))
	lower, sandbox, err := lowered(profile)
	if err != nil {
		return nil, err
	}
	l.used.Sandbox = sandbox
	if lower != nil {
		opts = append(opts, lower)
	}
	actx, stop := chromedp.NewExecAllocator(ctx, opts...)
	defer stop()
	tab, done := chromedp.NewContext(actx, chromedp.WithErrorf(func(string, ...any) {}), chromedp.WithLogf(func(string, ...any) {}))
	defer done()
	if _, err := chromedp.Run(tab, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorDeny})
		return chromedp.Void{}, err
	}); err != nil {
		return nil, fmt.Errorf("the browser did not start: %w", err)
	}
	if err := chromedp.Listen(tab, func(ev any) {
		if _, ok := ev.(*page.EventJavascriptDialogOpening); ok {
			// The page waits no longer; should that fail, the limit of time ends it.
			go chromedp.Run(tab, func(ctx context.Context, t *chromedp.Target) (cdp.Empty, error) { //nolint:errcheck // see above
				return cdp.Call(ctx, t, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{})
			})
		}
	}); err != nil {
		return nil, fmt.Errorf("the browser did not start: %w", err)
	}
	load, cancel := context.WithTimeout(tab, wait)
	_, err = chromedp.Run(load, chromedp.Navigate(address))
	cancel()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		l.notes = append(l.notes, fmt.Sprintf("the page was still loading after %s; it was taken as it was", wait))
	case err != nil:
		return nil, fmt.Errorf("the browser could not open the page: %w", err)
	}
	// What loads late, and what loads when it comes into view.
	settle, cancel := context.WithTimeout(tab, 15*time.Second)
	defer cancel()
	const scroll = `(async()=>{const h=()=>document.documentElement.scrollHeight;for(let y=0,n=0;y<h()&&y<16000&&n<40;y+=700,n++){scrollTo(0,y);await new Promise(r=>setTimeout(r,40))}scrollTo(0,0);await new Promise(r=>setTimeout(r,300));return 1})()`
	if _, err := chromedp.Run(settle, chromedp.Evaluate[int](scroll, chromedp.EvalAwaitPromise)); err != nil && ctx.Err() == nil {
		l.notes = append(l.notes, "the page could not be scrolled; parts that load on scrolling may be missing from the picture")
	}
	shoot, cancel2 := context.WithTimeout(tab, 60*time.Second)
	defer cancel2()
	l.title, err = chromedp.Run(shoot, chromedp.Title())
	if err == nil {
		l.dom, err = chromedp.Run(shoot, chromedp.Evaluate[string]("document.documentElement.outerHTML"))
	}
	if err == nil {
		l.picture, err = chromedp.Run(shoot, func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
			m, err := cdp.Call(ctx, t, page.GetLayoutMetrics, cdp.Empty{})
			if err != nil {
				return nil, err
			}
			if m.CSSContentSize == nil {
				return nil, errors.New("it does not say how large the page is")
			}
			w, h := math.Ceil(max(m.CSSContentSize.Width, 1)), math.Ceil(max(m.CSSContentSize.Height, 1))
			if h > maxTall || w > maxTall {
				l.notes = append(l.notes, fmt.Sprintf("the page is %.0f pixels high; the picture ends at %d", h, maxTall))
				w, h = min(w, maxTall), min(h, maxTall)
			}
			beyond := true
			r, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng, CaptureBeyondViewport: &beyond, Clip: &page.Viewport{Width: w, Height: h, Scale: 1}})
			return r.Data, err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("the browser could not draw the page: %w", err)
	}
	for _, h := range proxy.refused() {
		l.notes = append(l.notes, "a script or part of the page asked for "+h+", which was refused")
	}
	return l, nil
}

// browse adds what the browser saw to the page.
func (w *whole) browse() {
	if w.found == nil {
		return // a file, not a page
	}
	l, err := w.f.Browser.page(w.ctx, w.p.Final)
	if err != nil {
		w.failed("screenshot", "%s", clip(err.Error(), 250))
		return
	}
	w.p.Browser = &l.used
	for _, n := range l.notes {
		w.failed("browser", "%s", n)
	}
	save := func(name string, b []byte) string {
		path := filepath.Join(w.p.dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			w.failed(name, "it could not be kept: %v", err)
			return ""
		}
		return path
	}
	w.p.Picture = save("page.png", l.picture)
	w.p.DOM = save("dom.html", []byte(l.dom))
	if w.p.Title == "" {
		w.p.Title = warc.Clean(clip(l.title, 1000))
	}
	// A page that is made by scripts has its text only now.
	if d, err := warc.ReadPage(strings.NewReader(l.dom), "text/html; charset=utf-8", w.last.url); err == nil && len(d.Text) > len(w.p.Text) {
		w.p.Text = d.Text
		for _, r := range d.Refs {
			if r.As == "image" || r.As == "video" || r.As == "audio" {
				if err := w.part(r); err != nil {
					return
				}
			}
		}
	}
}

// proxy is the browser's only way out.
type proxy struct {
	addr  string
	srv   *http.Server
	guard *Guard
	tr    *http.Transport
	bytes atomic.Int64
	no    chan string
}

const maxBrowser = 512 << 20 // bytes that a browser may receive for one page

func newProxy(g *Guard) (*proxy, error) {
	p := &proxy{guard: g, no: make(chan string, 20)}
	p.tr = &http.Transport{Proxy: nil, DialContext: g.DialContext, DisableCompression: true, MaxResponseHeaderBytes: 256 << 10, ResponseHeaderTimeout: answerWait}
	p.srv = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("failed to open the browser's way out: %w", err)
	}
	p.addr = l.Addr().String()
	go p.srv.Serve(l) //nolint:errcheck // ends with close
	return p, nil
}

func (p *proxy) close() {
	p.srv.Close()
	p.tr.CloseIdleConnections()
}

func (p *proxy) refused() (list []string) {
	seen := map[string]bool{}
	for {
		select {
		case h := <-p.no:
			if !seen[h] {
				seen[h] = true
				list = append(list, h)
			}
		default:
			return list
		}
	}
}

func (p *proxy) refuse(w http.ResponseWriter, host string, err error) {
	if errors.Is(err, ErrRefused) {
		select {
		case p.no <- clip(host, 200):
		default:
		}
		http.Error(w, "refused", http.StatusForbidden)
		return
	}
	http.Error(w, "not reached", http.StatusBadGateway)
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect {
		p.tunnel(w, r)
		return
	}
	if r.URL.Scheme != "http" || r.URL.Host == "" {
		http.Error(w, "this is a proxy", http.StatusBadRequest)
		return
	}
	if _, err := p.guard.URL(r.URL.String()); err != nil {
		p.refuse(w, r.URL.Host, err)
		return
	}
	out := r.Clone(r.Context())
	out.RequestURI = ""
	for _, h := range []string{"Proxy-Connection", "Proxy-Authorization", "Connection", "Keep-Alive", "Te", "Trailer", "Upgrade"} {
		out.Header.Del(h)
	}
	resp, err := p.tr.RoundTrip(out)
	if err != nil {
		p.refuse(w, r.URL.Host, err)
		return
	}
	defer resp.Body.Close()
	for k, v := range resp.Header {
		if k != "Connection" && k != "Transfer-Encoding" {
			w.Header()[k] = v
		}
	}
	w.WriteHeader(resp.StatusCode)
	p.pass(w, resp.Body)
}

// pass copies until the end or the limit.
func (p *proxy) pass(w io.Writer, r io.Reader) {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if p.bytes.Add(int64(n)) > maxBrowser {
			return
		}
		if _, werr := w.Write(buf[:n]); werr != nil || err != nil {
			return
		}
	}
}

func (p *proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	far, err := p.guard.DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		p.refuse(w, r.Host, err)
		return
	}
	defer far.Close()
	h, ok := w.(http.Hijacker)
	if !ok {
		http.Error(w, "no tunnel", http.StatusInternalServerError)
		return
	}
	near, buf, err := h.Hijack()
	if err != nil {
		return
	}
	defer near.Close()
	if _, err := io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	done := make(chan struct{}, 2)
	go func() {
		io.Copy(far, buf) //nolint:errcheck // either side may end it
		if c, ok := far.(*net.TCPConn); ok {
			c.CloseWrite() //nolint:errcheck // likewise
		}
		done <- struct{}{}
	}()
	go func() { p.pass(near, far); done <- struct{}{} }()
	<-done
}
