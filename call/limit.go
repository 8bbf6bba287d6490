package call

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// What one circuit, and all together, may do at once.
const (
	perSecond   = 5.0
	burst       = 20.0
	uploadsEach = 2
	uploadsAll  = 64
	mostKept    = 20_000 // buckets in memory
)

// limiter slows a circuit that asks too much. It knows circuits only by a
// keyed digest, in memory; the key is drawn anew every hour.
type limiter struct {
	mu    sync.Mutex
	now   func() time.Time
	key   [32]byte
	drawn time.Time
	known map[[16]byte]*bucket
	all   int
	free  bool // no limit by circuit, for tests that are one circuit
}

type bucket struct {
	tokens  float64
	at      time.Time
	uploads int
}

func newLimiter(now func() time.Time) *limiter {
	l := &limiter{now: now}
	l.rekey(now())
	return l
}

func (l *limiter) rekey(at time.Time) {
	rand.Read(l.key[:])
	l.drawn, l.known = at, map[[16]byte]*bucket{}
}

// of finds the bucket of a circuit; nil where the circuit cannot be told.
func (l *limiter) of(circuit string) *bucket {
	if circuit == "" || l.free {
		return nil
	}
	at := l.now()
	if at.Sub(l.drawn) > time.Hour || len(l.known) > mostKept {
		l.rekey(at)
	}
	m := hmac.New(sha256.New, l.key[:])
	m.Write([]byte(circuit))
	k := [16]byte(m.Sum(nil)[:16])
	b := l.known[k]
	if b == nil {
		b = &bucket{tokens: burst, at: at}
		l.known[k] = b
	}
	b.tokens = min(burst, b.tokens+perSecond*max(0, at.Sub(b.at).Seconds()))
	b.at = at
	return b
}

// allow takes one request of a circuit's account.
func (l *limiter) allow(circuit string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.of(circuit)
	if b == nil {
		return true
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// upload takes one of the places for uploads; done gives it back.
func (l *limiter) upload(circuit string) (done func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.of(circuit)
	if l.all >= uploadsAll || b != nil && b.uploads >= uploadsEach {
		return nil, false
	}
	l.all++
	if b != nil {
		b.uploads++
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all--
		if b != nil {
			b.uploads--
		}
	}, true
}

// circuit is what tells one visitor from another while a request lasts: the
// circuit number that Tor hands over in the PROXY line (as an address inside
// fc00:dead:beef:4dad::/64), or the peer's address. A unix socket without a
// PROXY line tells nothing.
func circuit(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || strings.HasPrefix(r.RemoteAddr, "@") {
		return ""
	}
	return host
}
