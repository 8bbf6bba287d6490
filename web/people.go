package web

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/webauthn"

	"sightline"
)

// People are the accounts of a team's desk: who may come in, with which
// passkey, and what they may do in which case. They are kept in one file of
// mode 0600 that is replaced as a whole, so that a crash leaves the old or the
// new one. There are no passwords: an account begins with an invitation that
// works once and is a passkey from then on. Of a session only the digest of
// its secret is kept, so the file lets nobody in.
//
// A desk without People has one person, needs no sign-in and listens on
// loopback only.
type People struct {
	path string
	mu   sync.Mutex
	data peopleFile
	mod  time.Time
	size int64
	now  func() time.Time
}

type peopleFile struct {
	Format      string        `json:"format"` // sightline.people/1
	Accounts    []*Account    `json:"accounts"`
	Invitations []*Invitation `json:"invitations"`
	Sessions    []*session    `json:"sessions"`
}

// PeopleFormat is the value of the file's member "format".
const PeopleFormat = "sightline.people/1"

// Account is one person of the team.
type Account struct {
	ID       string                `json:"id"`
	Name     string                `json:"name"`
	Handle   []byte                `json:"handle"` // of the passkeys, random; says nothing about the person
	Passkeys []webauthn.Credential `json:"passkeys"`
	Grants   map[string]Grant      `json:"grants"`         // by case
	Seen     map[string]int64      `json:"seen,omitempty"` // by case: the log up to which this person was sent the case
	Created  string                `json:"created"`
	Closed   string                `json:"closed,omitempty"` // when the account was closed; its name stays in the log
}

// Grant is what a person may do in one case.
type Grant struct {
	Role string `json:"role"` // owner, investigator, reviewer, reader
	// Sources lets the person see what names a source: of items that are
	// marked as personal or as putting a source at risk, and of entities marked
	// as sensitive. Without it these fields are not sent at all.
	Sources bool `json:"sources,omitempty"`
}

// Invitation lets one person in, once.
type Invitation struct {
	Hash    string `json:"hash"` // SHA-256 of the token, hex
	Name    string `json:"name"`
	Case    string `json:"case"`
	Grant   Grant  `json:"grant"`
	Account string `json:"account,omitempty"` // a further passkey for this account
	By      string `json:"by"`
	Expires string `json:"expires"`
}

type session struct {
	Hash    string `json:"hash"`
	Account string `json:"account"`
	Created string `json:"created"`
	Used    string `json:"used"`
}

// How long invitations and sessions last.
const (
	InvitationLife = 72 * time.Hour
	sessionIdle    = 12 * time.Hour
	sessionLife    = 7 * 24 * time.Hour
)

// Roles lists the roles of a case, the least first. Each may do what those
// before it may.
var Roles = []string{"reader", "reviewer", "investigator", "owner"}

// rank orders roles; 0 is nothing.
func rank(role string) int { return slices.Index(Roles, role) + 1 }

// OpenPeople opens the accounts of a team's desk. A file that is not there yet
// is made with the first change.
func OpenPeople(path string) (*People, error) {
	p := &People{path: path, now: time.Now}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p, p.load()
}

// load reads the file when it is another one than was read last: the command
// line changes it beside the running desk.
func (p *People) load() error {
	st, err := os.Stat(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		p.data = peopleFile{Format: PeopleFormat}
		return nil
	}
	if err != nil {
		return fmt.Errorf("failed to read the accounts: %w", err)
	}
	if st.ModTime().Equal(p.mod) && st.Size() == p.size {
		return nil
	}
	b, err := os.ReadFile(p.path)
	if err != nil {
		return fmt.Errorf("failed to read the accounts: %w", err)
	}
	var f peopleFile
	if err := json.Unmarshal(b, &f); err != nil {
		return fmt.Errorf("%s does not hold accounts: %v: %w", p.path, err, sightline.ErrDamaged)
	}
	if f.Format != PeopleFormat {
		return fmt.Errorf("%s has the format %q and this program reads %q: %w", p.path, f.Format, PeopleFormat, sightline.ErrNewer)
	}
	p.data, p.mod, p.size = f, st.ModTime(), st.Size()
	return nil
}

// read runs fn on the accounts as they are now.
func (p *People) read(fn func(*peopleFile) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.load(); err != nil {
		return err
	}
	return fn(&p.data)
}

// change runs fn and writes the file, unless fn fails.
func (p *People) change(fn func(*peopleFile) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	unlock, err := p.lock()
	if err != nil {
		return err
	}
	defer unlock()
	p.mod = time.Time{} // read again under the lock
	if err := p.load(); err != nil {
		return err
	}
	p.data.Format = PeopleFormat
	if err := fn(&p.data); err != nil {
		p.mod = time.Time{} // what fn did half is read over
		return err
	}
	p.sweep()
	b, err := json.MarshalIndent(&p.data, "", " ")
	if err != nil {
		return err
	}
	if err := replaceFile(p.path, b); err != nil {
		p.mod = time.Time{}
		return fmt.Errorf("failed to keep the accounts: %w", err)
	}
	st, err := os.Stat(p.path)
	if err == nil {
		p.mod, p.size = st.ModTime(), st.Size()
	}
	return err
}

// lock keeps the desk and the command line from writing over each other.
func (p *People) lock() (func(), error) {
	name := p.path + ".lock"
	for end := time.Now().Add(5 * time.Second); ; {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			f.Close()
			return func() { os.Remove(name) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("failed to lock the accounts: %w", err)
		}
		if st, err := os.Stat(name); err == nil && time.Since(st.ModTime()) > 10*time.Second {
			os.Remove(name) // left by a program that was stopped
			continue
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("the accounts are being written by another program; remove %s if there is none: %w", name, sightline.ErrConflict)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// replaceFile writes a file as a whole or not at all.
func replaceFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".people-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// sweep drops what has run out.
func (p *People) sweep() {
	p.data.Invitations = slices.DeleteFunc(p.data.Invitations, func(i *Invitation) bool { return !p.before(i.Expires, 0) })
	p.data.Sessions = slices.DeleteFunc(p.data.Sessions, func(s *session) bool {
		return !p.before(s.Used, sessionIdle) || !p.before(s.Created, sessionLife)
	})
}

// before reports whether now is before a stored time plus a length.
func (p *People) before(at string, plus time.Duration) bool {
	t, err := time.Parse(time.RFC3339, at)
	return err == nil && p.now().Before(t.Add(plus))
}

func (p *People) stamp() string { return p.now().UTC().Format(time.RFC3339) }

func (f *peopleFile) account(id string) *Account {
	for _, a := range f.Accounts {
		if a.ID == id {
			return a
		}
	}
	return nil
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte("sightline/people/v1\x00" + token))
	return hex.EncodeToString(sum[:])
}

func newToken() string {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		panic(err) // the system has no randomness: nothing here would be safe
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Empty reports whether nobody has an account yet.
func (p *People) Empty() bool {
	n := 0
	err := p.read(func(f *peopleFile) error { n = len(f.Accounts); return nil })
	return err == nil && n == 0
}

// List gives the accounts without what lets them in.
func (p *People) List() (out []Account, err error) {
	err = p.read(func(f *peopleFile) error {
		for _, a := range f.Accounts {
			c := *a
			c.Grants = maps.Clone(a.Grants)
			c.Passkeys, c.Handle = nil, nil
			out = append(out, c)
		}
		return nil
	})
	return out, err
}

// checkName refuses names that cannot be told apart or that change how the
// text around them is read.
func checkName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" || utf8.RuneCountInString(name) > 60 || !utf8.ValidString(name) {
		return "", fmt.Errorf("a name has 1 to 60 characters: %w", sightline.ErrInvalid)
	}
	for _, r := range name {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return "", fmt.Errorf("the name holds the invisible character U+%04X; write it without: %w", r, sightline.ErrInvalid)
		}
	}
	return name, nil
}

// Invite makes an invitation for a new person and gives its token, which is
// kept nowhere.
func (p *People) Invite(name, caseID string, g Grant, by string) (token string, err error) {
	if name, err = checkName(name); err != nil {
		return "", err
	}
	if rank(g.Role) == 0 {
		return "", fmt.Errorf("there is no role %q; use one of %s: %w", g.Role, strings.Join(Roles, ", "), sightline.ErrInvalid)
	}
	if caseID == "" {
		return "", fmt.Errorf("an invitation is to one case: %w", sightline.ErrInvalid)
	}
	token = newToken()
	err = p.change(func(f *peopleFile) error {
		if len(f.Invitations) >= 1000 {
			return fmt.Errorf("there are 1000 open invitations already; let some run out: %w", sightline.ErrInvalid)
		}
		f.Invitations = append(f.Invitations, &Invitation{Hash: hashToken(token), Name: name, Case: caseID, Grant: g, By: by, Expires: p.now().Add(InvitationLife).UTC().Format(time.RFC3339)})
		return nil
	})
	if err == nil {
		err = p.audit("invite", "", by, map[string]any{"name": name, "case": caseID, "role": g.Role, "sources": g.Sources})
	}
	return token, err
}

// InvitePasskey makes an invitation for a further passkey of a person: a new
// telephone, or a lost one.
func (p *People) InvitePasskey(account, by string) (token string, err error) {
	token = newToken()
	err = p.change(func(f *peopleFile) error {
		a := f.account(account)
		if a == nil || a.Closed != "" {
			return fmt.Errorf("there is no account %q: %w", account, sightline.ErrNotFound)
		}
		f.Invitations = append(f.Invitations, &Invitation{Hash: hashToken(token), Name: a.Name, Account: a.ID, By: by, Expires: p.now().Add(InvitationLife).UTC().Format(time.RFC3339)})
		return nil
	})
	if err == nil {
		err = p.audit("invite-passkey", account, by, nil)
	}
	return token, err
}

// Grant changes what a person may do in a case; an empty role takes it away.
// The last owner of a case keeps it.
func (p *People) Grant(account, caseID string, g Grant, by string) error {
	if g.Role != "" && rank(g.Role) == 0 {
		return fmt.Errorf("there is no role %q; use one of %s: %w", g.Role, strings.Join(Roles, ", "), sightline.ErrInvalid)
	}
	err := p.change(func(f *peopleFile) error {
		a := f.account(account)
		if a == nil {
			return fmt.Errorf("there is no account %q: %w", account, sightline.ErrNotFound)
		}
		if a.Grants[caseID].Role == "owner" && g.Role != "owner" {
			if err := f.anotherOwner(account, caseID); err != nil {
				return err
			}
		}
		if a.Grants == nil {
			a.Grants = map[string]Grant{}
		}
		if g.Role == "" {
			delete(a.Grants, caseID)
		} else {
			a.Grants[caseID] = g
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.audit("grant", account, by, map[string]any{"case": caseID, "role": g.Role, "sources": g.Sources})
}

func (f *peopleFile) anotherOwner(account, caseID string) error {
	for _, o := range f.Accounts {
		if o.ID != account && o.Closed == "" && o.Grants[caseID].Role == "owner" {
			return nil
		}
	}
	return fmt.Errorf("%s is the only owner of %s; make somebody else owner first: %w", account, caseID, sightline.ErrInvalid)
}

// Close ends an account: its passkeys and sessions no longer let anybody in.
func (p *People) Close(account, by string) error {
	err := p.change(func(f *peopleFile) error {
		a := f.account(account)
		if a == nil || a.Closed != "" {
			return fmt.Errorf("there is no account %q: %w", account, sightline.ErrNotFound)
		}
		for c, g := range a.Grants {
			if g.Role == "owner" {
				if err := f.anotherOwner(account, c); err != nil {
					return err
				}
			}
		}
		a.Closed, a.Passkeys, a.Grants = p.stamp(), nil, nil
		f.Sessions = slices.DeleteFunc(f.Sessions, func(s *session) bool { return s.Account == account })
		f.Invitations = slices.DeleteFunc(f.Invitations, func(i *Invitation) bool { return i.Account == account })
		return nil
	})
	if err != nil {
		return err
	}
	return p.audit("close", account, by, nil)
}

// invitation finds an open invitation by its token.
func (f *peopleFile) invitation(p *People, token string) (*Invitation, error) {
	h := hashToken(token)
	for _, i := range f.Invitations {
		if i.Hash == h && p.before(i.Expires, 0) {
			return i, nil
		}
	}
	return nil, fmt.Errorf("this invitation was used, has run out or is not one; ask for another: %w", sightline.ErrDenied)
}

// accept turns an invitation into an account, or into a further passkey of
// one, and uses it up.
func (p *People) accept(token, name string, handle []byte, key webauthn.Credential) (*Account, error) {
	var out *Account
	err := p.change(func(f *peopleFile) error {
		inv, err := f.invitation(p, token)
		if err != nil {
			return err
		}
		f.Invitations = slices.DeleteFunc(f.Invitations, func(i *Invitation) bool { return i == inv })
		if inv.Account != "" {
			a := f.account(inv.Account)
			if a == nil || a.Closed != "" {
				return fmt.Errorf("the account of this invitation is closed: %w", sightline.ErrDenied)
			}
			a.Passkeys = append(a.Passkeys, key)
			out = a
			return nil
		}
		if name, err = checkName(name); err != nil {
			return err
		}
		id := f.freeID(name)
		out = &Account{ID: id, Name: name, Handle: handle, Passkeys: []webauthn.Credential{key}, Grants: map[string]Grant{inv.Case: inv.Grant}, Created: p.stamp()}
		f.Accounts = append(f.Accounts, out)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, p.audit("join", out.ID, out.ID, nil)
}

// freeID makes a short id of a name: letters and digits of the first word,
// with a number when it is taken. Ids of closed accounts stay taken.
func (f *peopleFile) freeID(name string) string {
	base := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, strings.ToLower(strings.Fields(name)[0]))
	if base == "" {
		base = "person"
	}
	id := base
	for n := 2; f.account(id) != nil; n++ {
		id = fmt.Sprintf("%s-%d", base, n)
	}
	return id
}

// begin starts a session and gives its secret.
func (p *People) begin(account string) (token string, err error) {
	token = newToken()
	err = p.change(func(f *peopleFile) error {
		f.Sessions = append(f.Sessions, &session{Hash: hashToken(token), Account: account, Created: p.stamp(), Used: p.stamp()})
		return nil
	})
	if err != nil {
		return "", err
	}
	return token, p.audit("sign-in", account, account, nil)
}

// end ends a session.
func (p *People) end(token string) error {
	h, who := hashToken(token), ""
	err := p.change(func(f *peopleFile) error {
		f.Sessions = slices.DeleteFunc(f.Sessions, func(s *session) bool {
			if s.Hash == h {
				who = s.Account
			}
			return s.Hash == h
		})
		return nil
	})
	if err != nil || who == "" {
		return err
	}
	return p.audit("sign-out", who, who, nil)
}

// who gives the account of a session, nil when there is none in force.
func (p *People) who(token string) (*Account, error) {
	h := hashToken(token)
	var out *Account
	stale := false
	err := p.read(func(f *peopleFile) error {
		for _, s := range f.Sessions {
			if s.Hash != h || !p.before(s.Used, sessionIdle) || !p.before(s.Created, sessionLife) {
				continue
			}
			if a := f.account(s.Account); a != nil && a.Closed == "" {
				c := *a
				c.Grants, c.Seen = maps.Clone(a.Grants), maps.Clone(a.Seen)
				out = &c
			}
			stale = !p.before(s.Used, 5*time.Minute)
		}
		return nil
	})
	if err == nil && out != nil && stale {
		err = p.change(func(f *peopleFile) error {
			for _, s := range f.Sessions {
				if s.Hash == h {
					s.Used = p.stamp()
				}
			}
			return nil
		})
	}
	return out, err
}

// saw keeps that a person was sent a case as it stood at a length of its log.
func (p *People) saw(account, caseID string, head int64) error {
	known := int64(-1)
	if err := p.read(func(f *peopleFile) error {
		if a := f.account(account); a != nil {
			known = a.Seen[caseID]
		}
		return nil
	}); err != nil || known >= head {
		return err
	}
	return p.change(func(f *peopleFile) error {
		if a := f.account(account); a != nil && a.Seen[caseID] < head {
			if a.Seen == nil {
				a.Seen = map[string]int64{}
			}
			a.Seen[caseID] = head
		}
		return nil
	})
}

// used keeps the counter of a passkey after a sign-in.
func (p *People) used(account string, key *webauthn.Credential) error {
	return p.change(func(f *peopleFile) error {
		if a := f.account(account); a != nil {
			for i := range a.Passkeys {
				if bytes.Equal(a.Passkeys[i].ID, key.ID) {
					a.Passkeys[i] = *key
				}
			}
		}
		return nil
	})
}

// AuditLine is one act about accounts. Acts inside a case are in its log.
type AuditLine struct {
	At      string         `json:"at"`
	What    string         `json:"what"` // invite, invite-passkey, join, sign-in, sign-in-failed, sign-out, grant, close
	Account string         `json:"account,omitempty"`
	By      string         `json:"by,omitempty"`
	Detail  map[string]any `json:"detail,omitempty"`
	Prev    string         `json:"prev"` // SHA-256 of the line before, 64 zeros first
}

func (p *People) auditPath() string { return strings.TrimSuffix(p.path, ".json") + ".audit.jsonl" }

// audit adds a line; each holds the digest of the one before, so that none
// can be taken out or changed unseen.
func (p *People) audit(what, account, by string, detail map[string]any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	unlock, err := p.lock()
	if err != nil {
		return err
	}
	defer unlock()
	prev := strings.Repeat("0", 64)
	if err := p.auditLines(func(raw []byte, _ AuditLine) error {
		sum := sha256.Sum256(raw)
		prev = hex.EncodeToString(sum[:])
		return nil
	}); err != nil {
		return err
	}
	b, err := json.Marshal(AuditLine{p.stamp(), what, account, by, detail, prev})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(p.auditPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("failed to keep the audit of accounts: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (p *People) auditLines(fn func(raw []byte, l AuditLine) error) error {
	f, err := os.Open(p.auditPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("failed to read the audit of accounts: %w", err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for n := 1; s.Scan(); n++ {
		var l AuditLine
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			return fmt.Errorf("line %d of %s is not an act: %v: %w", n, p.auditPath(), err, sightline.ErrDamaged)
		}
		if err := fn(s.Bytes(), l); err != nil {
			return err
		}
	}
	return s.Err()
}

// Audit gives all acts and checks the chain; the error names the first line
// that does not fit.
func (p *People) Audit() (out []AuditLine, err error) {
	prev := strings.Repeat("0", 64)
	err = p.auditLines(func(raw []byte, l AuditLine) error {
		if l.Prev != prev {
			return fmt.Errorf("line %d of %s does not follow the line before it: something was changed or taken out: %w", len(out)+1, p.auditPath(), sightline.ErrDamaged)
		}
		sum := sha256.Sum256(raw)
		prev = hex.EncodeToString(sum[:])
		out = append(out, l)
		return nil
	})
	return out, err
}
