package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"sightline"
)

// sessionCookie holds the secret of a session of a team's desk.
const sessionCookie = "sightline_session"

// passkeys is the WebAuthn side of a desk: it starts a ceremony, keeps it for
// five minutes and takes its end.
type passkeys struct {
	lib  *webauthn.WebAuthn
	mu   sync.Mutex
	open map[string]*ceremony
}

type ceremony struct {
	data    webauthn.SessionData
	token   string // of the invitation
	name    string
	handle  []byte
	old     *Account // the account that gets a further passkey
	expires time.Time
}

// maxCeremonies bounds what strangers can make the desk remember.
const maxCeremonies = 1000

// newPasskeys makes the WebAuthn side for a host: behind a proxy that speaks
// TLS the first of the desk's names, on this machine "localhost".
func newPasskeys(cfg *Config) (*passkeys, error) {
	_, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("the address of the desk %q has no port: %w", cfg.Addr, err)
	}
	id, origins := "localhost", []string{"http://localhost:" + port}
	if len(cfg.Hosts) > 0 {
		id, origins = hostOnly(cfg.Hosts[0]), nil
		for _, h := range cfg.Hosts {
			origins = append(origins, "https://"+h)
		}
	}
	lib, err := webauthn.New(&webauthn.Config{
		RPID: id, RPDisplayName: "Sightline", RPOrigins: origins,
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("passkeys cannot be used under the name %s: %w", id, err)
	}
	return &passkeys{lib: lib, open: map[string]*ceremony{}}, nil
}

func hostOnly(h string) string {
	if host, _, err := net.SplitHostPort(h); err == nil {
		return host
	}
	return h
}

func (k *passkeys) keep(c *ceremony) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	for id, o := range k.open {
		if now.After(o.expires) {
			delete(k.open, id)
		}
	}
	if len(k.open) >= maxCeremonies {
		return "", &Problem{Status: http.StatusTooManyRequests, Title: "Too Many Requests", Code: "busy", Detail: "too many people are signing in at once; try again in a few minutes"}
	}
	c.expires = now.Add(5 * time.Minute)
	id := randomHex(16)
	k.open[id] = c
	return id, nil
}

// take ends a ceremony: each is answered once.
func (k *passkeys) take(id string) (*ceremony, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.open[id]
	delete(k.open, id)
	if c == nil || time.Now().After(c.expires) {
		return nil, fmt.Errorf("signing in took longer than five minutes; begin again: %w", sightline.ErrDenied)
	}
	return c, nil
}

// user is an account as the library wants it.
type user struct {
	handle []byte
	name   string
	keys   []webauthn.Credential
}

func (u *user) WebAuthnID() []byte                         { return u.handle }
func (u *user) WebAuthnName() string                       { return u.name }
func (u *user) WebAuthnDisplayName() string                { return u.name }
func (u *user) WebAuthnCredentials() []webauthn.Credential { return u.keys }

type flowReply struct {
	Flow    string `json:"flow"`
	Name    string `json:"name,omitempty"`
	Options any    `json:"options"`
}

type flowEnd struct {
	Flow       string          `json:"flow"`
	Credential json.RawMessage `json:"credential"`
}

// team refuses calls about accounts on a desk of one person.
func (s *Server) team(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.cfg.People == nil {
			problem(w, http.StatusNotFound, "no_accounts", "this desk has one person and no accounts")
			return
		}
		if err := h(w, r); err != nil {
			fail(w, err)
		}
	}
}

func (s *Server) joinBegin(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Token string `json:"token"`
		Name  string `json:"name"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	c := &ceremony{token: in.Token, handle: []byte(randomHex(32))}
	u := &user{handle: c.handle}
	err := s.cfg.People.read(func(f *peopleFile) error {
		inv, err := f.invitation(s.cfg.People, in.Token)
		if err != nil {
			return err
		}
		c.name = inv.Name
		if inv.Account != "" {
			if a := f.account(inv.Account); a != nil {
				c.handle, u.handle, u.keys = a.Handle, a.Handle, a.Passkeys
				c.old = a
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if in.Name != "" && c.old == nil {
		if c.name, err = checkName(in.Name); err != nil {
			return err
		}
	}
	u.name = c.name
	var exclude []protocol.CredentialDescriptor
	for _, k := range u.keys {
		exclude = append(exclude, k.Descriptor())
	}
	options, data, err := s.passkeys.lib.BeginRegistration(u, webauthn.WithExclusions(exclude))
	if err != nil {
		return fmt.Errorf("failed to begin with a passkey: %w", err)
	}
	c.data = *data
	flow, err := s.passkeys.keep(c)
	if err != nil {
		return err
	}
	reply(w, flowReply{flow, c.name, options.Response})
	return nil
}

func (s *Server) joinEnd(w http.ResponseWriter, r *http.Request) error {
	var in flowEnd
	if err := read(w, r, &in); err != nil {
		return err
	}
	c, err := s.passkeys.take(in.Flow)
	if err != nil {
		return err
	}
	answer, err := protocol.ParseCredentialCreationResponseBytes(in.Credential)
	if err != nil {
		return refused("the passkey could not be read", err)
	}
	u := &user{handle: c.handle, name: c.name}
	key, err := s.passkeys.lib.CreateCredential(u, c.data, answer)
	if err != nil {
		return refused("the passkey was not accepted", err)
	}
	a, err := s.cfg.People.accept(c.token, c.name, c.handle, *key)
	if err != nil {
		return err
	}
	return s.enter(w, r, a)
}

func (s *Server) signInBegin(w http.ResponseWriter, r *http.Request) error {
	options, data, err := s.passkeys.lib.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return fmt.Errorf("failed to begin signing in: %w", err)
	}
	flow, err := s.passkeys.keep(&ceremony{data: *data})
	if err != nil {
		return err
	}
	reply(w, flowReply{Flow: flow, Options: options.Response})
	return nil
}

func (s *Server) signInEnd(w http.ResponseWriter, r *http.Request) error {
	var in flowEnd
	if err := read(w, r, &in); err != nil {
		return err
	}
	c, err := s.passkeys.take(in.Flow)
	if err != nil {
		return err
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes(in.Credential)
	if err != nil {
		return refused("the passkey could not be read", err)
	}
	var found *Account
	_, key, err := s.passkeys.lib.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		err := s.cfg.People.read(func(f *peopleFile) error {
			for _, a := range f.Accounts {
				if a.Closed == "" && len(handle) > 0 && string(a.Handle) == string(handle) {
					found = a
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if found == nil {
			return nil, errors.New("no account has this passkey")
		}
		return &user{found.Handle, found.Name, found.Passkeys}, nil
	}, c.data, answer)
	if err == nil && key.Authenticator.CloneWarning {
		err = errors.New("its counter went back, as that of a copied key does")
	}
	if err != nil {
		who := ""
		if found != nil {
			who = found.ID
		}
		if err := s.cfg.People.audit("sign-in-failed", who, "", nil); err != nil {
			return err
		}
		return refused("this passkey does not let anybody in here", err)
	}
	if err := s.cfg.People.used(found.ID, key); err != nil {
		return err
	}
	return s.enter(w, r, found)
}

// refused tells a person that a passkey failed; what the library says may help
// whoever runs the desk and gives nothing away about accounts.
func refused(what string, err error) error {
	detail := err.Error()
	var pe *protocol.Error
	if errors.As(err, &pe) && pe.Details != "" {
		detail = pe.Details
	}
	return fmt.Errorf("%s: %s: %w", what, detail, sightline.ErrDenied)
}

func (s *Server) enter(w http.ResponseWriter, r *http.Request, a *Account) error {
	token, err := s.cfg.People.begin(a.ID)
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: !s.plain(r.Host), MaxAge: int(sessionLife.Seconds()),
	})
	reply(w, map[string]any{"id": a.ID, "name": a.Name})
	return nil
}

// plain reports whether a request came to this machine itself, where there is
// no TLS and a browser would not send a Secure cookie back everywhere.
func (s *Server) plain(host string) bool {
	h := hostOnly(host)
	ip := net.ParseIP(h)
	return h == "localhost" || ip != nil && ip.IsLoopback()
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	if c, err := r.Cookie(sessionCookie); err == nil {
		if err := s.cfg.People.end(c.Value); err != nil {
			return err
		}
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: !s.plain(r.Host), MaxAge: -1})
	reply(w, map[string]bool{"ok": true})
	return nil
}

// person is who asks.
type person struct {
	ID, Name string
	account  *Account // nil on a desk of one person
}

type personKey struct{}

// asking gives who sent a request.
func asking(r *http.Request) *person {
	if p, ok := r.Context().Value(personKey{}).(*person); ok {
		return p
	}
	return &person{}
}

// grant is what a person may do in a case.
func (p *person) grant(caseID string) Grant {
	if p.account == nil {
		return Grant{Role: "owner", Sources: true}
	}
	return p.account.Grants[caseID]
}

// in names the person in one case: on a desk of one person the key that signs
// is the person, so that two people with a copy of the case are two.
func (p *person) in(c *Case) string {
	if p.account == nil {
		return sightline.KeyID(c.Actor.PublicKey)
	}
	return p.account.ID
}

// name is what the team calls the person.
func (p *person) name(c *Case) string {
	if p.account == nil {
		return c.Actor.Name
	}
	return p.account.Name
}

// actor is who a change of a case is written by. A browser has no key of its
// own, so the desk's key signs, with the name and role of the person.
func (s *Server) actor(r *http.Request, c *Case) sightline.Actor {
	a := c.Actor
	if p := asking(r); p.account != nil {
		a.Name, a.Role = p.account.Name, p.grant(c.ID).Role
	}
	return a
}

// access says what a call needs.
type access struct {
	// role is the least role in the case. "" is anybody who may come in,
	// "nobody" a call for which nobody needs to be signed in.
	role string
	// whole: the answer is made from everything in the case, so it cannot be
	// given to a person from whom a part of it is withheld.
	whole bool
}

// calls is the one table of who may do what. A call that is not in it is
// refused on a team's desk; a test asks every call with every role.
var calls = map[string]access{
	"POST /api/join/begin":     {role: "nobody"},
	"POST /api/join/finish":    {role: "nobody"},
	"POST /api/sign-in/begin":  {role: "nobody"},
	"POST /api/sign-in/finish": {role: "nobody"},
	"POST /api/sign-out":       {role: "nobody"},
	"GET /api/me":              {},
	"GET /api/cases":           {},
	"POST /api/cases":          {},               // refused wherever people sign in
	"/api/":                    {role: "nobody"}, // answers 404
	"/":                        {role: "nobody"}, // the interface itself, which holds no case

	"GET /api/cases/{case}/document":             {role: "reader"},
	"GET /api/cases/{case}/revs":                 {role: "reader"},
	"GET /api/cases/{case}/events":               {role: "reader"},
	"GET /api/cases/{case}/history/{kind}/{id}":  {role: "reader"},
	"GET /api/cases/{case}/custody/{item}":       {role: "reader"},
	"GET /api/cases/{case}/derivatives/{digest}": {role: "reader"},
	"GET /api/cases/{case}/scene/{file}":         {role: "reader"},
	"GET /api/cases/{case}/search":               {role: "reader"},
	"POST /api/cases/{case}/find":                {role: "reader", whole: true},
	"GET /api/cases/{case}/overview":             {role: "reader", whole: true},
	"GET /api/cases/{case}/near":                 {role: "reader", whole: true},
	"GET /api/cases/{case}/outline":              {role: "reader", whole: true},
	"GET /api/cases/{case}/items":                {role: "reader", whole: true},
	"GET /api/cases/{case}/copies":               {role: "reader", whole: true},
	"GET /api/cases/{case}/review":               {role: "reader"},
	"GET /api/cases/{case}/reports/{report}":     {role: "reader"},

	"GET /api/cases/{case}/people":                    {role: "reviewer"},
	"GET /api/cases/{case}/original/{item}":           {role: "reviewer"},
	"POST /api/cases/{case}/reviews":                  {role: "reviewer"},
	"POST /api/cases/{case}/reviews/{review}/answer":  {role: "reviewer"},
	"POST /api/cases/{case}/reviews/{review}/cancel":  {role: "reviewer"},
	"POST /api/cases/{case}/comments":                 {role: "reviewer"},
	"POST /api/cases/{case}/comments/{comment}/state": {role: "reviewer"},
	"GET /api/cases/{case}/network":                   {role: "reviewer", whole: true},

	"POST /api/cases/{case}/edits":            {role: "investigator"},
	"POST /api/cases/{case}/undo":             {role: "investigator"},
	"POST /api/cases/{case}/files":            {role: "investigator"},
	"GET /api/cases/{case}/jobs":              {role: "investigator"},
	"GET /api/cases/{case}/collect":           {role: "investigator"},
	"POST /api/cases/{case}/collect":          {role: "investigator"},
	"POST /api/cases/{case}/alike":            {role: "investigator"},
	"GET /api/cases/{case}/formats":           {role: "investigator"},
	"POST /api/cases/{case}/preview":          {role: "investigator"},
	"POST /api/cases/{case}/import":           {role: "investigator"},
	"GET /api/cases/{case}/inbox":             {role: "investigator", whole: true},
	"POST /api/cases/{case}/inbox/{act}":      {role: "investigator", whole: true},
	"POST /api/cases/{case}/inbox-form":       {role: "investigator", whole: true},
	"POST /api/cases/{case}/jobs/{job}/retry": {role: "investigator"},
	"GET /api/cases/{case}/queue":             {role: "investigator"},
	"POST /api/cases/{case}/queue/retry":      {role: "investigator"},
	"POST /api/cases/{case}/network/derive":   {role: "investigator", whole: true},
	"GET /api/cases/{case}/models":            {role: "reader"},
	"POST /api/cases/{case}/models":           {role: "investigator"},
	"POST /api/cases/{case}/listen":           {role: "investigator", whole: true},
	"GET /api/cases/{case}/sound/{item}":      {role: "reader"},
	"GET /api/cases/{case}/timeline/{format}": {role: "investigator", whole: true},
	"GET /api/cases/{case}/export/{name}":     {role: "investigator", whole: true},
	"GET /api/cases/{case}/preflight":         {role: "investigator", whole: true},
	"POST /api/methods/{method}":              {},

	"POST /api/cases/{case}/publish":                     {role: "owner", whole: true},
	"POST /api/cases/{case}/check":                       {role: "owner"},
	"POST /api/cases/{case}/reviews/{review}/set-aside":  {role: "owner"},
	"POST /api/cases/{case}/people":                      {role: "owner"},
	"POST /api/cases/{case}/people/{account}":            {role: "owner"},
	"POST /api/cases/{case}/people/{account}/invitation": {role: "owner"},
}

// router remembers what was registered, so that the table can be checked
// against it.
type router struct {
	*http.ServeMux
	patterns []string
}

func (m *router) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.HandleFunc(pattern, h)
}

// allow decides about a request by the table and gives it with who asks, or
// answers it and gives nil.
func (s *Server) allow(w http.ResponseWriter, r *http.Request) *http.Request {
	if s.cfg.People == nil {
		if strings.HasPrefix(r.URL.Path, "/api/") && !s.admitted(r) {
			problem(w, http.StatusUnauthorized, "no_session", "this browser has not been let in; open the address that was printed at start")
			return nil
		}
		return r
	}
	_, pattern := s.mux.Handler(r)
	need, known := calls[pattern]
	if !known {
		problem(w, http.StatusForbidden, "denied", "this call is not open to anybody on a desk with accounts")
		return nil
	}
	if need.role == "nobody" {
		return r
	}
	c, err := r.Cookie(sessionCookie)
	var a *Account
	if err == nil {
		if a, err = s.cfg.People.who(c.Value); err != nil {
			fail(w, err)
			return nil
		}
	}
	if a == nil {
		problem(w, http.StatusUnauthorized, "sign_in", "sign in with your passkey")
		return nil
	}
	p := &person{ID: a.ID, Name: a.Name, account: a}
	if id, ok := caseOf(pattern, r.URL.Path); ok {
		role := p.grant(id).Role
		if role == "" {
			// The same words as for a case that does not exist.
			problem(w, http.StatusNotFound, "no_such_case", "there is no case "+printable(id)+" on this desk")
			return nil
		}
		if rank(role) < rank(need.role) {
			problem(w, http.StatusForbidden, "denied", "this needs the role "+need.role+" in the case; yours is "+role)
			return nil
		}
	}
	r = r.WithContext(context.WithValue(r.Context(), personKey{}, p))
	if need.whole {
		if id, ok := caseOf(pattern, r.URL.Path); ok && !s.wholeFor(w, r, id) {
			return nil
		}
	}
	return r
}

// caseOf reads the case out of a path. The mux fills its values in only once
// it calls the handler.
func caseOf(pattern, path string) (string, bool) {
	if !strings.Contains(pattern, "/api/cases/{case}") {
		return "", false
	}
	rest := strings.TrimPrefix(path, "/api/cases/")
	id, _, _ := strings.Cut(rest, "/")
	return id, id != ""
}

// teamRoutes are the calls about people, reviews and comments.
func (s *Server) teamRoutes() {
	m := s.mux
	m.HandleFunc("POST /api/join/begin", s.team(s.joinBegin))
	m.HandleFunc("POST /api/join/finish", s.team(s.joinEnd))
	m.HandleFunc("POST /api/sign-in/begin", s.team(s.signInBegin))
	m.HandleFunc("POST /api/sign-in/finish", s.team(s.signInEnd))
	m.HandleFunc("POST /api/sign-out", s.team(s.signOut))
	for pattern, h := range map[string]caseHandler{
		"GET /review":                       s.reviewState,
		"GET /reports/{report}":             s.report,
		"POST /reviews":                     s.ask,
		"POST /reviews/{review}/answer":     s.answerCall,
		"POST /reviews/{review}/cancel":     s.closeReview,
		"POST /reviews/{review}/set-aside":  s.setAside,
		"POST /comments":                    s.comment,
		"POST /comments/{comment}/state":    s.commentState,
		"GET /people":                       s.people,
		"POST /people":                      s.invite,
		"POST /people/{account}":            s.role,
		"POST /people/{account}/invitation": s.passkeyInvitation,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		m.HandleFunc(method+" /api/cases/{case}"+path, s.inCase(h))
	}
}
