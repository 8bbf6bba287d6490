package capture

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"sightline"
	"sightline/warc"
)

// Limits of one page.
const (
	maxHops    = 5
	maxPage    = 32 << 20  // bytes of a document that is looked through
	maxPart    = 512 << 20 // bytes of one answer
	maxWhole   = 2 << 30   // bytes of all answers
	maxParts   = 200       // requests beside the page itself
	partWait   = 20 * time.Second
	answerWait = 60 * time.Second // without a byte
	wholeWait  = 10 * time.Minute
)

// UserAgent is how a Fetcher names itself unless told otherwise: as what it
// is, in the form that servers expect.
const UserAgent = "Mozilla/5.0 (compatible; sightline; evidence archiving)"

// Fetcher asks for addresses of the web, one request a connection, and keeps
// every byte that went and came.
type Fetcher struct {
	Guard     *Guard
	Browser   *Browser // nil: no picture and no rendered document
	Scratch   string   // folder for what is under way
	Version   string   // of this program
	UserAgent string
	Now       func() time.Time
	// Wait is asked before each request to a host, for politeness; nil: at once.
	Wait func(ctx context.Context, host string) error
}

// Page is what became of one address. Close removes its files.
type Page struct {
	URL, Final string
	At         time.Time
	Status     int
	Title      string
	Text       string // what a reader sees, as plain text
	Author     string // as the page says
	Site       string
	Language   string
	Published  string // as the page says
	Request    string // SHA-256 of the final request, as sent
	Response   string // and of its answer, as received
	Addresses  []string
	Hops       []string // addresses that led on
	TLS        string   // version and SHA-256 of the server's certificate; "" without
	WACZ       string   // file
	Media      []Media
	Picture    string // file of the whole page as a PNG; "" without
	DOM        string // file of the document after its scripts ran; "" without
	Browser    *Used
	Failed     []sightline.FailedPart

	dir string
}

// Media is a picture, film or sound that the page shows.
type Media struct {
	URL  string
	File string // the bytes, content coding removed
	Size int64
	Mime string // as the server said
	As   string // image, video, audio
	Alt  string // as the page says
}

// Used names a program that took part.
type Used struct {
	Name, Version, SHA256 string
	Args                  []string
	Sandbox               string
}

// Close removes the files of the page.
func (p *Page) Close() error { return os.RemoveAll(p.dir) }

// Failure is why an address brought nothing.
type Failure struct {
	URL     string
	Why     string
	Status  int           // of the answer; 0: there was none
	Final   bool          // asking again will not help
	Offline bool          // this machine has no network
	After   time.Duration // the server asked to wait so long
	Request string        // SHA-256, when there was an answer
	Answer  string
	err     error
}

func (f *Failure) Error() string { return f.Why }
func (f *Failure) Unwrap() error { return f.err }

func (f *Fetcher) now() time.Time {
	if f.Now != nil {
		return f.Now()
	}
	return time.Now()
}

// exchange is one request and its answer, byte for byte in files.
type exchange struct {
	url      *url.URL
	at       time.Time
	remote   string
	tls      string
	sent     string // files
	received string
	status   int
	head     http.Header
	cut      bool
}

// recorder passes bytes on and keeps them.
type recorder struct {
	net.Conn
	sent, received *os.File
	left           int64
	fault          error
	mu             sync.Mutex
}

var errTooLarge = errors.New("the answer is larger than allowed")

func (r *recorder) Read(p []byte) (int, error) {
	if err := r.SetReadDeadline(time.Now().Add(answerWait)); err != nil {
		return 0, err
	}
	n, err := r.Conn.Read(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	if int64(n) > r.left {
		r.fault = errTooLarge
		return 0, errTooLarge
	}
	r.left -= int64(n)
	if _, werr := r.received.Write(p[:n]); werr != nil {
		r.fault = werr
		return 0, werr
	}
	return n, err
}

func (r *recorder) Write(p []byte) (int, error) {
	n, err := r.Conn.Write(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, werr := r.sent.Write(p[:n]); werr != nil {
		r.fault = werr
		return 0, werr
	}
	return n, err
}

// ask makes one request on a connection of its own.
func (f *Fetcher) ask(ctx context.Context, dir string, n int, u *url.URL, referer string, limit int64) (*exchange, error) {
	x := &exchange{url: u, sent: filepath.Join(dir, fmt.Sprintf("%04d.request", n)), received: filepath.Join(dir, fmt.Sprintf("%04d.response", n))}
	if f.Wait != nil {
		if err := f.Wait(ctx, u.Host); err != nil {
			return nil, err
		}
	}
	sent, err := os.OpenFile(x.sent, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("failed to keep the request: %w", err)
	}
	defer sent.Close()
	received, err := os.OpenFile(x.received, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("failed to keep the answer: %w", err)
	}
	defer received.Close()
	var rec *recorder
	wrap := func(c net.Conn) net.Conn {
		x.remote = c.RemoteAddr().String()
		rec = &recorder{Conn: c, sent: sent, received: received, left: limit}
		return rec
	}
	tr := &http.Transport{
		Proxy: nil, DisableKeepAlives: true, DisableCompression: true, ForceAttemptHTTP2: false, MaxResponseHeaderBytes: 256 << 10, ResponseHeaderTimeout: answerWait,
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1 is what a WARC can hold
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := f.Guard.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return wrap(c), nil
		},
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := f.Guard.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			host, _, _ := net.SplitHostPort(addr)
			t := tls.Client(c, &tls.Config{ServerName: host, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12})
			hctx, cancel := context.WithTimeout(ctx, partWait)
			defer cancel()
			if err := t.HandshakeContext(hctx); err != nil {
				c.Close()
				return nil, fmt.Errorf("the server's certificate or encryption was not accepted: %w", err)
			}
			if st := t.ConnectionState(); len(st.PeerCertificates) > 0 {
				sum := sha256.Sum256(st.PeerCertificates[0].Raw)
				x.tls = tls.VersionName(st.Version) + " " + hex.EncodeToString(sum[:])
			}
			return wrap(t), nil
		},
	}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, refused("this is not an address of the web")
	}
	agent := f.UserAgent
	if agent == "" {
		agent = UserAgent
	}
	req.Header.Set("User-Agent", agent)
	req.Header.Set("Accept", "*/*")
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("Accept-Language", "*")
	if referer != "" {
		req.Header.Set("Referer", referer)
	}
	x.at = f.now().UTC()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	x.status, x.head = resp.StatusCode, resp.Header
	_, err = io.Copy(io.Discard, resp.Body)
	if rec != nil {
		rec.mu.Lock()
		fault := rec.fault
		rec.mu.Unlock()
		switch {
		case errors.Is(fault, errTooLarge):
			x.cut = true
			return x, nil
		case fault != nil:
			return nil, fmt.Errorf("failed to keep the answer: %w", fault)
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		x.cut = true // what came is kept
	}
	return x, nil
}

// body opens the entity of an answer, content coding removed.
func (x *exchange) body() (io.ReadCloser, error) {
	f, err := os.Open(x.received)
	if err != nil {
		return nil, err
	}
	m, err := warc.ReadHTTP(f)
	var r io.Reader
	if err == nil {
		r, _, err = m.Decoded()
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("the answer cannot be read: %w", err)
	}
	return struct {
		io.Reader
		io.Closer
	}{r, f}, nil
}

func fileSum(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (x *exchange) size() int64 {
	fi, err := os.Stat(x.received)
	if err != nil {
		return 0
	}
	return fi.Size()
}

// Page brings in one address. The error is a [*Failure] where the address
// brought nothing; a page that came with parts missing is no error.
func (f *Fetcher) Page(ctx context.Context, raw string) (p *Page, err error) {
	u, err := f.Guard.URL(raw)
	if err != nil {
		return nil, &Failure{URL: raw, Why: err.Error(), Final: true, err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, wholeWait)
	defer cancel()
	if err := os.MkdirAll(f.Scratch, 0o700); err != nil {
		return nil, fmt.Errorf("failed to make room for the page: %w", err)
	}
	dir, err := os.MkdirTemp(f.Scratch, "page-*")
	if err != nil {
		return nil, fmt.Errorf("failed to make room for the page: %w", err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	p = &Page{URL: u.String(), dir: dir}
	w := &whole{f: f, p: p, ctx: ctx, asked: map[string]bool{}}
	if err := w.document(u); err != nil {
		return nil, err
	}
	if err := w.parts(); err != nil {
		return nil, err
	}
	if f.Browser != nil {
		w.browse()
	}
	if err := w.pack(); err != nil {
		return nil, err
	}
	return p, nil
}

// whole is a page on its way.
type whole struct {
	f     *Fetcher
	p     *Page
	ctx   context.Context
	all   []*exchange
	bytes int64
	n     int
	asked map[string]bool
	found *warc.Document
	last  *exchange
}

func (w *whole) failed(part, format string, args ...any) {
	if len(w.p.Failed) < 100 {
		w.p.Failed = append(w.p.Failed, sightline.FailedPart{Part: clip(part, 300), Error: clip(fmt.Sprintf(format, args...), 300)})
	}
}

func clip(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}

// document follows the address to the page itself.
func (w *whole) document(u *url.URL) error {
	for hop := 0; ; hop++ {
		x, err := w.f.ask(w.ctx, w.p.dir, w.n, u, "", maxPart)
		w.n++
		if err != nil {
			return w.why(u, err)
		}
		w.all = append(w.all, x)
		w.bytes += x.size()
		w.p.Addresses = append(w.p.Addresses, x.remote)
		if x.status >= 300 && x.status < 400 && x.head.Get("Location") != "" {
			if hop >= maxHops {
				return &Failure{URL: w.p.URL, Why: fmt.Sprintf("the address led on more than %d times", maxHops), Status: x.status, Final: true}
			}
			next, err := u.Parse(x.head.Get("Location"))
			if err == nil {
				next, err = w.f.Guard.URL(next.String())
			}
			if err != nil {
				return &Failure{URL: w.p.URL, Why: "the page leads on to where it may not be followed: " + err.Error(), Status: x.status, Final: true, err: err}
			}
			w.p.Hops = append(w.p.Hops, u.String())
			u = next
			continue
		}
		w.last = x
		w.p.At, w.p.Final, w.p.Status, w.p.TLS = x.at, u.String(), x.status, x.tls
		w.p.Request, w.p.Response = fileSum(x.sent), fileSum(x.received)
		w.asked[u.String()] = true
		if x.status >= 400 {
			fl := &Failure{URL: w.p.URL, Status: x.status, Request: w.p.Request, Answer: w.p.Response}
			fl.Why = fmt.Sprintf("the server answered %d %s", x.status, http.StatusText(x.status))
			fl.Final = x.status < 500 && x.status != http.StatusTooManyRequests && x.status != http.StatusRequestTimeout
			if x.status == http.StatusNotFound || x.status == http.StatusGone {
				fl.Why += ": the page is not there (any more)"
			}
			fl.After = retryAfter(x.head.Get("Retry-After"), w.f.now())
			return fl
		}
		if x.cut {
			w.failed("page", "the answer broke off or was larger than %d MiB; what came was kept", maxPart>>20)
		}
		return nil
	}
}

func retryAfter(v string, now time.Time) time.Duration {
	if s, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && s > 0 {
		return time.Duration(min(s, 3600)) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return min(t.Sub(now), time.Hour)
	}
	return 0
}

// why turns an error of the network into a sentence.
func (w *whole) why(u *url.URL, err error) error {
	if w.ctx.Err() != nil && errors.Is(w.ctx.Err(), context.Canceled) {
		return w.ctx.Err()
	}
	fl := &Failure{URL: w.p.URL, err: err}
	var dns *net.DNSError
	var ne net.Error
	switch {
	case errors.Is(err, ErrRefused):
		fl.Why, fl.Final = sentence(err, ErrRefused), true
	case !Online(w.f.Guard):
		fl.Why, fl.Offline = "this machine is not connected to a network", true
	case errors.As(err, &dns):
		fl.Why = fmt.Sprintf("the name %s was not found", u.Hostname())
		if dns.IsTemporary || dns.IsTimeout {
			fl.Why = fmt.Sprintf("the name servers did not answer for %s", u.Hostname())
		}
	case errors.As(err, &ne) && ne.Timeout(), errors.Is(err, context.DeadlineExceeded):
		fl.Why = "the server did not answer in time"
	default:
		fl.Why = "the server could not be reached: " + clip(err.Error(), 200)
	}
	return fl
}

// sentence cuts an error down to where the named one begins.
func sentence(err, from error) string {
	s := err.Error()
	if i := strings.Index(s, from.Error()); i >= 0 {
		return s[i:]
	}
	return s
}

// Online reports whether this machine has an address with which it could reach
// the web; what a guard allows by name counts as reachable.
func Online(g *Guard) bool {
	if g != nil && len(g.Allow) > 0 {
		return true
	}
	list, err := net.Interfaces()
	if err != nil {
		return true // not known: the attempt will tell
	}
	for _, i := range list {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() && !n.IP.IsLoopback() {
				return true
			}
		}
	}
	return false
}
