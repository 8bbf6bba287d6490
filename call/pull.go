package call

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sightline"
	"sightline/tip"
)

// The headers of a signed request.
const (
	headKey   = "Sightline-Key"
	headAt    = "Sightline-At"
	headNonce = "Sightline-Nonce"
	headSig   = "Sightline-Signature"
	pullAge   = 5 * time.Minute
)

// toSign is what a pull key signs: the request, a moment and a number used
// once.
func toSign(method, path, at, nonce string, body []byte) []byte {
	h := sha256.Sum256(body)
	return []byte(strings.Join([]string{"sightline/pull/v1", method, path, at, nonce, hex.EncodeToString(h[:])}, "\n"))
}

// puller checks who asks.
type puller struct {
	keys []ed25519.PublicKey
	mu   sync.Mutex
	seen map[string]time.Time
	now  func() time.Time
}

// loadPullers reads pull.keys: one Ed25519 public key a line, hexadecimal.
func loadPullers(path string, now func() time.Time) (*puller, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is missing: it names who may fetch; \"sightline key share\" writes it: %w", path, sightline.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	p := &puller{seen: map[string]time.Time{}, now: now}
	sc := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; sc.Scan(); n++ {
		line, _, _ := strings.Cut(sc.Text(), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		k, err := hex.DecodeString(line)
		if err != nil || len(k) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("%s, line %d: not an Ed25519 public key in 64 hexadecimal digits: %w", path, n, sightline.ErrInvalid)
		}
		p.keys = append(p.keys, k)
	}
	if len(p.keys) == 0 {
		return nil, fmt.Errorf("%s names nobody: %w", path, sightline.ErrInvalid)
	}
	return p, nil
}

func (p *puller) check(r *http.Request, body []byte) bool {
	key, err1 := hex.DecodeString(r.Header.Get(headKey))
	sig, err2 := hex.DecodeString(r.Header.Get(headSig))
	at, err3 := strconv.ParseInt(r.Header.Get(headAt), 10, 64)
	nonce := r.Header.Get(headNonce)
	if err1 != nil || err2 != nil || err3 != nil || len(nonce) != 32 {
		return false
	}
	now := p.now()
	if d := now.Sub(time.Unix(at, 0)); d > pullAge || d < -pullAge {
		return false
	}
	if !slices.ContainsFunc(p.keys, func(k ed25519.PublicKey) bool { return bytes.Equal(k, key) }) ||
		!ed25519.Verify(key, toSign(r.Method, r.URL.Path, r.Header.Get(headAt), nonce, body), sig) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for n, t := range p.seen {
		if now.Sub(t) > 2*pullAge {
			delete(p.seen, n)
		}
	}
	if _, again := p.seen[nonce]; again {
		return false
	}
	p.seen[nonce] = now
	return true
}

// Waiting is one tip as the server knows it.
type Waiting struct {
	ID    string `json:"id"`
	Day   string `json:"day"`
	Size  int64  `json:"size"`
	Box   string `json:"box,omitempty"`
	Acked bool   `json:"acked,omitempty"`
}

// Inbox is the answer to GET /pull.
type Inbox struct {
	Call      string           `json:"call"`
	Tips      []Waiting        `json:"tips"`
	Withdrawn []string         `json:"withdrawn"`          // fetched before, their sources ask to delete them
	Late      int              `json:"late"`               // not fetched for three days and more
	Counters  map[string]int64 `json:"counters,omitempty"` // of today
}

// PullHandler is the door for the team.
func (s *Server) PullHandler() (http.Handler, error) {
	p, err := loadPullers(filepath.Join(s.dir, PullFile), s.opt.Now)
	if err != nil {
		return nil, err
	}
	m := http.NewServeMux()
	signed := func(f func(http.ResponseWriter, *http.Request, []byte) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			body, err := readSmall(w, r, 64<<10)
			if err != nil || !p.check(r, body) {
				s.store.count("pull-refused")
				http.Error(w, "this request is not signed by a key of pull.keys, is older than five minutes, or was made before", http.StatusForbidden)
				return
			}
			switch err := f(w, r, body); {
			case errors.Is(err, sightline.ErrNotFound):
				http.Error(w, err.Error(), http.StatusNotFound)
			case errors.Is(err, sightline.ErrInvalid):
				http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			case err != nil:
				s.store.count("pull-broken")
				http.Error(w, "the server failed; nothing was changed", http.StatusInternalServerError)
			}
		}
	}
	m.HandleFunc("GET /pull", signed(func(w http.ResponseWriter, r *http.Request, _ []byte) error {
		in, err := s.store.inbox()
		if err != nil {
			return err
		}
		in.Call = s.cfg.ID
		b, err := json.Marshal(in)
		if err == nil {
			send(w, http.StatusOK, "application/json", b)
		}
		return err
	}))
	m.HandleFunc("GET /pull/{id}", signed(func(w http.ResponseWriter, r *http.Request, _ []byte) error {
		id := r.PathValue("id")
		if have, err := s.store.hasTip(id); err != nil || !have {
			return errors.Join(err, fmt.Errorf("no tip %.40q is here: %w", id, sightline.ErrNotFound))
		}
		f, err := os.Open(s.store.tipPath(id))
		if err != nil {
			return err
		}
		defer f.Close()
		i, err := f.Stat()
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", fmt.Sprint(i.Size()))
		io.Copy(w, f)
		return nil
	}))
	m.HandleFunc("POST /pull/{id}/ack", signed(func(w http.ResponseWriter, r *http.Request, body []byte) error {
		id := r.PathValue("id")
		f, err := os.Open(s.store.tipPath(id))
		if err != nil {
			return fmt.Errorf("no tip %.40q is here: %w", id, sightline.ErrNotFound)
		}
		defer f.Close()
		h := sha256.New()
		if _, err := io.Copy(h, f); err != nil {
			return err
		}
		if hex.EncodeToString(h.Sum(nil)) != strings.TrimSpace(string(body)) {
			return fmt.Errorf("the digest is not that of the tip; fetch it again: %w", sightline.ErrInvalid)
		}
		if _, err := s.store.db.Exec(`UPDATE tip SET acked = COALESCE(acked, ?) WHERE id = ?`, s.store.day(), id); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}))
	m.HandleFunc("PUT /pull/box/{box}", signed(func(w http.ResponseWriter, r *http.Request, body []byte) error {
		var box [16]byte
		if !unhex(box[:], r.PathValue("box")) || len(body) != tip.SlotSize {
			return fmt.Errorf("a reply is one slot of %d bytes for a box of 32 digits: %w", tip.SlotSize, sightline.ErrInvalid)
		}
		if err := s.store.putReply(box, body); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}))
	m.HandleFunc("POST /pull/withdrawn/{id}/ack", signed(func(w http.ResponseWriter, r *http.Request, _ []byte) error {
		if _, err := s.store.db.Exec(`DELETE FROM withdrawn WHERE tip = ?`, r.PathValue("id")); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}))
	return m, nil
}

func (s *store) inbox() (Inbox, error) {
	in := Inbox{Tips: []Waiting{}, Withdrawn: []string{}, Counters: map[string]int64{}}
	rows, err := s.db.Query(`SELECT id, day, size, COALESCE(hex(box), ''), acked IS NOT NULL FROM tip ORDER BY day, id`)
	if err != nil {
		return in, err
	}
	for rows.Next() {
		var w Waiting
		if err := rows.Scan(&w.ID, &w.Day, &w.Size, &w.Box, &w.Acked); err != nil {
			rows.Close()
			return in, err
		}
		w.Box = strings.ToLower(w.Box)
		if !w.Acked && w.Day <= s.before(warnUnpulled) {
			in.Late++
		}
		in.Tips = append(in.Tips, w)
	}
	rows.Close()
	if rows, err = s.db.Query(`SELECT tip FROM withdrawn ORDER BY tip`); err != nil {
		return in, err
	}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			rows.Close()
			return in, err
		}
		in.Withdrawn = append(in.Withdrawn, id)
	}
	rows.Close()
	if rows, err = s.db.Query(`SELECT name, n FROM counter WHERE day = ?`, s.day()); err != nil {
		return in, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			return in, err
		}
		in.Counters[name] = n
	}
	return in, rows.Err()
}

// putReply lays a reply into a mailbox; the oldest gives way when four are
// there.
func (s *store) putReply(box [16]byte, slot []byte) error {
	return s.tx(func(t *sql.Tx) error {
		have, err := s.boxAuth(t, box[:])
		if err != nil {
			return err
		}
		if have == ([32]byte{}) {
			return fmt.Errorf("this mailbox is gone; its source deleted it or did not come for %d days: %w", keepBox, sightline.ErrNotFound)
		}
		if _, err := t.Exec(`INSERT INTO reply VALUES (?1, (SELECT COALESCE(MAX(n), -1) + 1 FROM reply WHERE box = ?1), ?2)`, box[:], slot); err != nil {
			return err
		}
		_, err = t.Exec(`DELETE FROM reply WHERE box = ?1 AND n <= (SELECT MAX(n) FROM reply WHERE box = ?1) - ?2`, box[:], tip.Slots)
		return err
	})
}

// Puller is the team's side of the second door.
type Puller struct {
	client *http.Client
	base   string
	key    ed25519.PrivateKey
}

// NewPuller talks to a server at "unix:PATH" or "http://HOST". Over an onion
// service, proxy is Tor's SOCKS address, such as socks5h://127.0.0.1:9050.
func NewPuller(addr, proxy string, key ed25519.PrivateKey) (*Puller, error) {
	t := &http.Transport{Proxy: nil, ResponseHeaderTimeout: 2 * time.Minute}
	base := strings.TrimSuffix(addr, "/")
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}
		base = "http://unix"
	} else if !strings.HasPrefix(base, "http://") && !strings.HasPrefix(base, "https://") {
		return nil, fmt.Errorf("%q is neither unix:PATH nor an http address: %w", addr, sightline.ErrInvalid)
	}
	if proxy != "" {
		u, err := parseProxy(proxy)
		if err != nil {
			return nil, err
		}
		t.Proxy = http.ProxyURL(u)
	}
	return &Puller{&http.Client{Transport: t}, base, key}, nil
}

func (p *Puller) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, p.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	var nonce [16]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return nil, err
	}
	at, once := strconv.FormatInt(time.Now().Unix(), 10), hex.EncodeToString(nonce[:])
	r.Header.Set(headKey, hex.EncodeToString(p.key.Public().(ed25519.PublicKey)))
	r.Header.Set(headAt, at)
	r.Header.Set(headNonce, once)
	r.Header.Set(headSig, hex.EncodeToString(ed25519.Sign(p.key, toSign(method, path, at, once, body))))
	res, err := p.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("the server of the call does not answer: %w", err)
	}
	if res.StatusCode >= 300 {
		defer res.Body.Close()
		b, _ := io.ReadAll(io.LimitReader(res.Body, 512))
		err := fmt.Errorf("the server of the call says: %s", strings.TrimSpace(string(b)))
		if res.StatusCode == http.StatusNotFound {
			err = fmt.Errorf("%w: %w", err, sightline.ErrNotFound)
		}
		return nil, err
	}
	return res, nil
}

// List asks what is there.
func (p *Puller) List(ctx context.Context) (Inbox, error) {
	var in Inbox
	res, err := p.do(ctx, "GET", "/pull", nil)
	if err != nil {
		return in, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(io.LimitReader(res.Body, 64<<20)).Decode(&in); err != nil {
		return in, fmt.Errorf("the server's list cannot be read: %w", err)
	}
	return in, nil
}

// Fetch writes the ciphertext of a tip and gives its digest.
func (p *Puller) Fetch(ctx context.Context, id string, to io.Writer) (sha string, size int64, err error) {
	res, err := p.do(ctx, "GET", "/pull/"+id, nil)
	if err != nil {
		return "", 0, err
	}
	defer res.Body.Close()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, h), res.Body)
	if err == nil && res.ContentLength >= 0 && n != res.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// Ack tells the server that a tip is safe with the team.
func (p *Puller) Ack(ctx context.Context, id, sha string) error {
	return p.plain(ctx, "POST", "/pull/"+id+"/ack", []byte(sha))
}

// AckWithdrawn tells the server that the wish of a source to delete was heard.
func (p *Puller) AckWithdrawn(ctx context.Context, id string) error {
	return p.plain(ctx, "POST", "/pull/withdrawn/"+id+"/ack", nil)
}

// Reply lays a slot into a mailbox.
func (p *Puller) Reply(ctx context.Context, box string, slot []byte) error {
	return p.plain(ctx, "PUT", "/pull/box/"+box, slot)
}

func (p *Puller) plain(ctx context.Context, method, path string, body []byte) error {
	res, err := p.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func parseProxy(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "socks5" && u.Scheme != "socks5h" || u.Host == "" {
		return nil, fmt.Errorf("%q is not the address of a SOCKS proxy such as socks5h://127.0.0.1:9050: %w", s, sightline.ErrInvalid)
	}
	return u, nil
}
