package archive

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/digitorus/timestamp"

	"sightline"
	"sightline/digest"
)

// Time-stamps (RFC 3161) over checkpoints. Nothing is sent unless somebody
// asks for it; what leaves the machine then is the SHA-256 of a checkpoint and
// nothing of the case. The queue lies in the case folder and survives restarts.
const (
	stampDir   = "tsa"        // of the case folder: the root certificates that were pinned
	stampQueue = "queue.json" // in it
	tsaTimeout = 20 * time.Second
	tsaReply   = 1 << 20 // bytes; a reply has a few thousand
	firstRetry = time.Minute
	lastRetry  = 6 * time.Hour
)

// Authority is a time-stamping authority and the certificates its tokens have
// to chain to.
type Authority struct {
	Name string `json:"name"`           // short; names its files. "" is made from the address
	URL  string `json:"url"`            // http or https
	Root string `json:"root,omitempty"` // file of root certificates, PEM
}

// Settings are the wishes of the person at this machine: settings.json in
// [Home]. Without the file nothing is asked of anybody.
type Settings struct {
	Authorities []Authority `json:"authorities"`
}

// ReadSettings reads the settings of the person at this machine.
func ReadSettings() (s Settings, err error) {
	home, err := Home()
	if err != nil {
		return s, err
	}
	p := filepath.Join(home, "settings.json")
	b, err := os.ReadFile(p)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		return s, fmt.Errorf("failed to read the settings %s: %w", p, err)
	}
	for i, a := range s.Authorities {
		if a.Root != "" && !filepath.IsAbs(a.Root) {
			s.Authorities[i].Root = filepath.Join(home, a.Root)
		}
	}
	return s, nil
}

// Waiting is one time-stamp that was asked for and has not come.
type Waiting struct {
	Size      int64  `json:"size"` // of the checkpoint
	Authority string `json:"authority"`
	URL       string `json:"url"`
	Since     string `json:"since"`
	Tries     int    `json:"tries"`
	Next      string `json:"next"` // not before, unless somebody asks
	Error     string `json:"error,omitempty"`
}

// Stamped is one time-stamp that came and holds.
type Stamped struct {
	Size      int64  `json:"size"`
	Authority string `json:"authority"`
	Time      string `json:"time"`
}

// StampRecord is the sealed value "token" of an anchor entry.
type StampRecord struct {
	Size      int64  `json:"size"`
	Authority string `json:"authority"`
	URL       string `json:"url"`
	Time      string `json:"time"`
	SHA256    string `json:"sha256"` // of the reply
	Root      string `json:"root"`   // SHA-256 of the pinned certificates
}

func authorityName(a Authority) (string, error) {
	u, err := url.Parse(a.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("%q is not an address of a time-stamping authority: %w", a.URL, sightline.ErrInvalid)
	}
	name := a.Name
	if name == "" {
		name = u.Host
	}
	name = strings.Trim(unsafeName.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if name == "" {
		return "", fmt.Errorf("the authority %q needs a name of letters and digits: %w", a.URL, sightline.ErrInvalid)
	}
	return name, nil
}

// rootsOf reads a file of certificates.
func rootsOf(b []byte) (*x509.CertPool, error) {
	pool, n := x509.NewCertPool(), 0
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, wrong("the authority's certificate cannot be read: %v", err)
		}
		pool.AddCert(cert)
		n++
	}
	if n == 0 {
		return nil, wrong("the authority's certificate is not PEM")
	}
	return pool, nil
}

// AskStamps signs a checkpoint over everything in the log and queues a
// time-stamp over it from each authority. Their root certificates are copied
// into the case, where proofs take them from.
func (f *CaseFolder) AskStamps(ctx context.Context, list []Authority, now time.Time) error {
	names := map[string]bool{}
	roots := map[string][]byte{}
	for _, a := range list {
		name, err := authorityName(a)
		if err != nil {
			return err
		}
		if names[name] {
			return fmt.Errorf("two authorities are called %q: %w", name, sightline.ErrInvalid)
		}
		names[name] = true
		pinned := filepath.Join(f.Dir, stampDir, name+".pem")
		have, err := os.ReadFile(pinned)
		if a.Root == "" && err == nil {
			continue
		}
		if a.Root == "" {
			return fmt.Errorf("the root certificate of %s is needed (--root FILE, or \"root\" in the settings): a token that chains to nothing proves nothing: %w", a.URL, sightline.ErrInvalid)
		}
		b, err := os.ReadFile(a.Root)
		if err != nil {
			return fmt.Errorf("failed to read the root certificate of %s: %w", a.URL, err)
		}
		if _, err := rootsOf(b); err != nil {
			return fmt.Errorf("%s: %w", a.Root, err)
		}
		if have != nil && !bytes.Equal(have, b) {
			return fmt.Errorf("%s is pinned to another certificate in this case (%s); give the authority another name: %w", name, pinned, sightline.ErrConflict)
		}
		roots[name] = b
	}
	if len(list) == 0 {
		return fmt.Errorf("no authority is named; nothing was sent: %w", sightline.ErrInvalid)
	}
	if err := os.MkdirAll(filepath.Join(f.Dir, stampDir), 0o755); err != nil {
		return fmt.Errorf("failed to make the folder of certificates: %w", err)
	}
	for name, b := range roots {
		if err := writeSafely(filepath.Join(f.Dir, stampDir, name+".pem"), b, 0o644); err != nil {
			return fmt.Errorf("failed to keep a root certificate: %w", err)
		}
	}
	cp, err := f.Store.Checkpoint(ctx)
	if err != nil {
		return err
	}
	queue, err := f.WaitingStamps()
	if err != nil {
		return err
	}
	var got []sightline.Token
	if err := f.Store.View(ctx, f.Actor, func(r sightline.Reader) (err error) { got, err = r.Tokens(cp.Size); return err }); err != nil {
		return err
	}
	for _, a := range list {
		name, _ := authorityName(a)
		if slices.ContainsFunc(queue, func(w Waiting) bool { return w.Size == cp.Size && w.Authority == name }) ||
			slices.ContainsFunc(got, func(t sightline.Token) bool { return t.Authority == name }) {
			continue
		}
		queue = append(queue, Waiting{Size: cp.Size, Authority: name, URL: a.URL, Since: sightline.EntryTime(now), Next: sightline.EntryTime(now)})
	}
	return f.saveQueue(queue)
}

// WaitingStamps lists the time-stamps that were asked for and have not come.
func (f *CaseFolder) WaitingStamps() ([]Waiting, error) {
	b, err := os.ReadFile(filepath.Join(f.Dir, stampDir, stampQueue))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var q []Waiting
	if err == nil {
		err = json.Unmarshal(b, &q)
	}
	if err != nil {
		return nil, fmt.Errorf("failed to read the queue of time-stamps: %w", err)
	}
	return q, nil
}

func (f *CaseFolder) saveQueue(q []Waiting) error {
	if q == nil {
		q = []Waiting{}
	}
	b, err := json.MarshalIndent(q, "", " ")
	if err == nil {
		err = writeSafely(filepath.Join(f.Dir, stampDir, stampQueue), b, 0o644)
	}
	if err != nil {
		return fmt.Errorf("failed to keep the queue of time-stamps: %w", err)
	}
	return nil
}

// FetchStamps asks the authorities for what is queued: all of it, or only what
// is due. What comes is verified at once against the pinned certificates,
// stored, and told of in an anchor entry; what does not come stays in the queue
// and is tried again later, 1 minute after the first failure and at most 6
// hours apart.
func (f *CaseFolder) FetchStamps(ctx context.Context, dueOnly bool, now func() time.Time, version string) ([]Stamped, error) {
	queue, err := f.WaitingStamps()
	if err != nil {
		return nil, err
	}
	notes := map[int64][]byte{}
	if err := f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
		list, err := r.Checkpoints()
		for _, p := range list {
			notes[p.Size] = p.Note
		}
		return err
	}); err != nil {
		return nil, err
	}
	var done []Stamped
	for i := 0; i < len(queue); {
		w := &queue[i]
		if next, err := time.Parse(time.RFC3339, w.Next); dueOnly && err == nil && next.After(now()) {
			i++
			continue
		}
		t, root, err := f.fetchStamp(ctx, *w, notes[w.Size])
		if ctx.Err() != nil {
			return done, ctx.Err()
		}
		if err != nil {
			w.Tries++
			w.Error = err.Error()
			wait := min(firstRetry<<min(w.Tries-1, 20), lastRetry)
			w.Next = sightline.EntryTime(now().Add(wait))
			i++
			if err := f.saveQueue(queue); err != nil {
				return done, err
			}
			continue
		}
		if err := f.keepStamp(ctx, *w, t, root, version); err != nil {
			return done, err
		}
		done = append(done, Stamped{w.Size, w.Authority, t.Time})
		queue = slices.Delete(queue, i, i+1)
		if err := f.saveQueue(queue); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (f *CaseFolder) fetchStamp(ctx context.Context, w Waiting, note []byte) (t sightline.Token, root []byte, err error) {
	if note == nil {
		return t, nil, fmt.Errorf("the checkpoint of %d entries is no longer in the log; run \"sightline check\": %w", w.Size, sightline.ErrDamaged)
	}
	if root, err = os.ReadFile(filepath.Join(f.Dir, stampDir, w.Authority+".pem")); err != nil {
		return t, nil, fmt.Errorf("the pinned certificate of %s cannot be read: %w", w.Authority, err)
	}
	sum := sha256.Sum256(note)
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return t, nil, fmt.Errorf("failed to draw a nonce: %w", err)
	}
	req := timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Certificates: true, Nonce: nonce}
	body, err := req.Marshal()
	if err != nil {
		return t, nil, fmt.Errorf("failed to write the request: %w", err)
	}
	der, err := postStamp(ctx, w.URL, body)
	if err != nil {
		return t, nil, err
	}
	ts, err := timestamp.ParseResponse(der)
	switch {
	case err != nil:
		return t, nil, wrong("%s answered with no time-stamp: %v", w.URL, err)
	case ts.Nonce == nil || ts.Nonce.Cmp(nonce) != 0:
		return t, nil, wrong("%s answered another request (the nonce differs)", w.URL)
	}
	if err := verifyToken(der, note, root); err != nil {
		return t, nil, fmt.Errorf("the time-stamp of %s was not taken: %w", w.URL, err)
	}
	return sightline.Token{Authority: w.Authority, Time: sightline.EntryTime(ts.Time), DER: der}, root, nil
}

// postStamp sends a request as RFC 3161, section 3.4, has it. Redirects are not
// followed and no proxy of the environment is used: the request goes where the
// person said and nowhere else.
func postStamp(ctx context.Context, address string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, tsaTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("failed to ask %s: %w", address, err)
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	req.Header.Set("Accept", "application/timestamp-reply")
	tr := &http.Transport{DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	client := http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s could not be reached: %w", address, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", address, res.Status)
	}
	der, err := io.ReadAll(io.LimitReader(res.Body, tsaReply+1))
	if err != nil {
		return nil, fmt.Errorf("the answer of %s broke off: %w", address, err)
	}
	if len(der) > tsaReply {
		return nil, fmt.Errorf("the answer of %s is larger than any time-stamp", address)
	}
	return der, nil
}

// keepStamp stores a token and tells the log of it. A crash between the two
// leaves a token that holds by itself; the next try finds it there.
func (f *CaseFolder) keepStamp(ctx context.Context, w Waiting, t sightline.Token, root []byte, version string) error {
	if err := f.Store.AddToken(ctx, w.Size, t); err != nil {
		return err
	}
	_, err := f.Store.Update(ctx, f.Actor, func(x sightline.Writer) error {
		// An earlier try may have stored a token and not told of it: the
		// one that is kept is the one to tell of.
		list, err := x.Tokens(w.Size)
		if err != nil {
			return err
		}
		for _, have := range list {
			if have.Authority == t.Authority {
				t = have
			}
		}
		x.Describe(sightline.Draft{Kind: sightline.EntryAnchor, Result: "ok", Tool: &sightline.EntryTool{Name: "sightline", Version: version},
			Parents: []string{digest.Of(t.DER).String()},
			Seal:    map[string]any{"token": StampRecord{w.Size, t.Authority, w.URL, t.Time, digest.Of(t.DER).String(), digest.Of(root).String()}}})
		return nil
	})
	return err
}

// addRoots puts the pinned certificates beside the tokens of a proof.
func (f *CaseFolder) addRoots(files map[string][]byte) error {
	for name := range files {
		a, ok := strings.CutPrefix(name, "checkpoint.")
		if a, ok2 := strings.CutSuffix(a, ".tsr"); ok && ok2 {
			b, err := os.ReadFile(filepath.Join(f.Dir, stampDir, a+".pem"))
			if err != nil {
				return fmt.Errorf("the pinned certificate of %s cannot be read: %w", a, err)
			}
			files["tsa/"+a+".pem"] = b
		}
	}
	return nil
}

// stamp compares a token with what the log tells of it, with its checkpoint and the pinned certificates.
func (c *checker) stamp(t sightline.Token, p sightline.Checkpoint, where string, told map[string]StampRecord) {
	fault := func(format string, args ...any) {
		c.fault(Fault{What: fmt.Sprintf("the time-stamp of %s ", t.Authority) + fmt.Sprintf(format, args...), Where: where, Remedy: restore})
	}
	c.rep.Checked.Stamps++
	key := fmt.Sprintf("%d %s", p.Size, t.Authority)
	rec, known := told[key]
	delete(told, key)
	ts, err := timestamp.ParseResponse(t.DER)
	sum := sha256.Sum256(p.Note)
	switch {
	case err != nil:
		fault("does not verify: %v", err)
		return
	case !bytes.Equal(ts.HashedMessage, sum[:]):
		fault("is over other bytes")
		return
	case sightline.EntryTime(ts.Time) != t.Time:
		fault("says %s and the row %q", sightline.EntryTime(ts.Time), t.Time)
	}
	if !known {
		c.note("%s: no entry tells of the time-stamp of %s", where, t.Authority)
	} else if rec.SHA256 != digest.Of(t.DER).String() || rec.Time != t.Time {
		fault("is not the one the log tells of")
	}
	root, err := os.ReadFile(filepath.Join(c.f.Dir, stampDir, t.Authority+".pem"))
	switch {
	case errors.Is(err, fs.ErrNotExist) && !known:
		c.note("%s: the time-stamp of %s is signed by the certificate it carries; no root is pinned", where, t.Authority)
		return
	case err != nil:
		fault("cannot be verified: its pinned certificate cannot be read: %v", err)
		return
	}
	if known && digest.Of(root).String() != rec.Root {
		fault("has another pinned certificate in the folder than the log tells of")
	}
	if err := verifyToken(t.DER, p.Note, root); err != nil {
		fault("does not hold: %v", err)
	}
}
