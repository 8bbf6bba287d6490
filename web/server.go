// Package web serves the desk: the HTTP interface over one or more cases, its
// live updates and the embedded interface.
//
// It exists so that the interface has one door. The door is narrow on
// purpose: on loopback it answers only its own Host and Origin and only to
// the holder of a token made at start, so a page that an investigator happens
// to visit cannot reach the case. Originals never leave through it; they are
// served as attachments from a second origin (see [Server.Originals]).
//
// Handlers are plain functions over the interfaces of package sightline. What
// needs an adapter or a stage is handed in by the command as a function of
// [Case]. After web there is only the reader.
package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"sightline"
)

// Case is one case that the desk serves, with the actions that need more
// than the store.
type Case struct {
	ID    string
	Store sightline.Store
	Blobs sightline.Blobs
	Actor sightline.Actor

	// Add takes uploaded files, already on disk under temporary names, into the case.
	Add AddFunc
	// Preflight lists what stands in the way of an edition.
	Preflight PreflightFunc
	// Publish writes the next edition; it writes nothing when there are problems.
	Publish PublishFunc
	// Check verifies the whole case.
	Check CheckFunc
	// Export writes the evidence log; format is "csv" or "xlsx".
	Export ExportFunc
	// Retry puts a failed job back in the queue.
	Retry RetryFunc
	// Collecting brings in addresses and exports.
	Collecting Collecting
	// Inbox is what came by a call for evidence.
	Inbox Inbox
	// Time answers questions about time; nil: they are not answered here.
	Time *TimeCalls
	// Models are the hand-made models of its scene; nil: none are made here.
	Models *ModelCalls

	made madeIndex
}

// Config describes a desk.
type Config struct {
	Cases    []*Case
	Addr     string   // host:port that the listener is bound to
	Hosts    []string // further host names to answer to, for a team server behind a proxy
	Token    string   // made at start; "" makes one
	Version  string
	Sandbox  bool     // whether external programs run in a sandbox here
	Notes    []string // what this platform lacks, one sentence each
	Original string   // base URL of the second origin
	TempDir  string   // for uploads; must be on the same volume as the case
	// NewCase makes a case from the desk; nil where cases come from elsewhere.
	NewCase NewCaseFunc
	// Methods answers a problem of a science, by name, in its JSON contract.
	Methods map[string]func(problem []byte) (answer []byte, err error)
	// People are the accounts of a team; nil: one person, no sign-in.
	People *People
	// Reports are views computed from a whole case, by name.
	Reports map[string]func(context.Context, *sightline.Document) (any, error)
}

// Server is a running desk. Make one with [New].
type Server struct {
	cfg     Config
	mu      sync.RWMutex // over cfg.Cases and cases: a case can join a running desk
	cases   map[string]*Case
	token   string
	tickets ticketBox
	mux     *router
	// passkeys are nil on a desk of one person.
	passkeys *passkeys
}

const cookieName = "sightline_desk"

// New prepares the desk. The caller serves [Server.Handler] on cfg.Addr and,
// on a second port, [Server.Originals].
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, cases: map[string]*Case{}, token: cfg.Token, mux: &router{ServeMux: http.NewServeMux()}}
	if s.token == "" {
		s.token = randomHex(24)
	}
	for _, c := range cfg.Cases {
		s.cases[c.ID] = c
	}
	s.routes()
	s.jobRoutes()
	return s
}

// UsePeople turns the desk into one of a team: everybody signs in with a
// passkey and may do what their role allows. hosts are the names under which a
// proxy that speaks TLS hands requests on, originals is the address of the
// second origin there; without hosts the desk is at localhost. It gives the
// address of the desk. Call it before serving.
func (s *Server) UsePeople(p *People, hosts []string, originals string) (base string, err error) {
	if s.cfg.Hosts = hosts; originals != "" {
		u, err := url.Parse(originals)
		if err != nil || u.Scheme != "https" || u.Host == "" {
			return "", fmt.Errorf("the address of originals %q is not an https address: %w", originals, sightline.ErrInvalid)
		}
		for _, h := range hosts {
			if strings.EqualFold(h, u.Host) {
				return "", fmt.Errorf("originals need another name than the desk, so that nothing in them can act for it: %w", sightline.ErrInvalid)
			}
		}
		s.cfg.Original = originals
	} else if len(hosts) > 0 {
		s.cfg.Original = "" // the loopback address of this machine is of no use to others
	}
	keys, err := newPasskeys(&s.cfg)
	if err != nil {
		return "", err
	}
	s.cfg.People, s.passkeys = p, keys
	return keys.lib.Config.RPOrigins[0], nil
}

// Join adds a case to a running desk.
func (s *Server) Join(c *Case) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cases[c.ID] == nil {
		s.cfg.Cases = append(s.cfg.Cases, c)
	}
	s.cases[c.ID] = c
}

func (s *Server) all() []*Case {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return append([]*Case(nil), s.cfg.Cases...)
}

// Token is the secret of this start; the desk opens at OpenPath.
func (s *Server) Token() string { return s.token }

// OpenPath is the path that trades the token for a cookie and leads to the desk.
func (s *Server) OpenPath() string { return "/open?token=" + s.token }

// Handler answers the desk's own origin.
func (s *Server) Handler() http.Handler { return s.guard(zipped(s.mux)) }

func randomHex(n int) string {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		panic(err) // the system has no randomness: nothing here would be safe
	}
	return hex.EncodeToString(b)
}

// csp is the policy of every page of the desk. style-src allows 'self' only:
// the interface sets styles through the object model, never inline.
const csp = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; worker-src 'self' blob:; " +
	"connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if !s.ownHost(r.Host) {
			problem(w, http.StatusMisdirectedRequest, "foreign_host", "this desk does not answer to the name "+printable(r.Host)+"; open it by the address that was printed at start")
			return
		}
		if o := r.Header.Get("Origin"); o != "" && !s.ownOrigin(o) {
			problem(w, http.StatusForbidden, "foreign_origin", "a page of another site asked for this; it was refused")
			return
		}
		if site := r.Header.Get("Sec-Fetch-Site"); strings.HasPrefix(r.URL.Path, "/api/") && (site == "cross-site" || site == "same-site") {
			problem(w, http.StatusForbidden, "foreign_origin", "a page of another site asked for this; it was refused")
			return
		}
		if r.URL.Path == "/open" && s.cfg.People == nil {
			s.open(w, r)
			return
		}
		if r = s.allow(w, r); r != nil {
			next.ServeHTTP(w, r)
		}
	})
}

func (s *Server) open(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(r.URL.Query().Get("token")), []byte(s.token)) != 1 {
		problem(w, http.StatusUnauthorized, "wrong_token", "this address is from another start; use the one printed last")
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: s.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil,
	})
	w.Header().Set("Cache-Control", "no-store")
	// A redirect would keep SameSite=Strict cookies back when the link was
	// opened from another program, so a page of our own leads on.
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	next := "/"
	if to := r.URL.Query().Get("to"); strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.Contains(to, "\\") {
		next = to
	}
	writeString(w, `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=`+htmlAttr(next)+`"><link rel="icon" href="data:,"><title>Sightline</title><a href="`+htmlAttr(next)+`">Sightline</a>`)
}

func (s *Server) admitted(r *http.Request) bool {
	c, err := r.Cookie(cookieName)
	return err == nil && subtle.ConstantTimeCompare([]byte(c.Value), []byte(s.token)) == 1
}

func (s *Server) ownHost(host string) bool {
	if host == s.cfg.Addr {
		return true
	}
	_, port, err := net.SplitHostPort(s.cfg.Addr)
	if err == nil && isLoopback(s.cfg.Addr) {
		if host == "localhost:"+port || host == "127.0.0.1:"+port || host == "[::1]:"+port {
			return true
		}
	}
	for _, h := range s.cfg.Hosts {
		if strings.EqualFold(h, host) {
			return true
		}
	}
	return false
}

func (s *Server) ownOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && s.ownHost(u.Host)
}

func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// ticketBox holds one-time permissions to fetch an original from the second
// origin, where the cookie of the desk is of no use.
type ticketBox struct {
	mu sync.Mutex
	m  map[string]ticket
}

type ticket struct {
	c       *Case
	item    string
	expires time.Time
}

func (b *ticketBox) issue(c *Case, item string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.m == nil {
		b.m = map[string]ticket{}
	}
	now := time.Now()
	for k, t := range b.m {
		if now.After(t.expires) {
			delete(b.m, k)
		}
	}
	id := randomHex(16)
	b.m[id] = ticket{c, item, now.Add(time.Minute)}
	return id
}

func (b *ticketBox) take(id string) (ticket, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.m[id]
	delete(b.m, id)
	return t, ok && time.Now().Before(t.expires)
}
