package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// reach are the flags of a desk that other machines reach without a tunnel.
type reach struct {
	TLSCert       string `name:"tls-cert" type:"path" placeholder:"FILE" help:"With --people and --host: certificate chain (PEM) of the desk, which then speaks TLS itself. It is read anew when the file changes."`
	TLSKey        string `name:"tls-key" type:"path" placeholder:"FILE" help:"Key of the certificate (PEM)."`
	BehindProxy   bool   `help:"With --people and --host: the desk listens where --addr says although it speaks no TLS, because a proxy on another machine does. The way from the proxy to the desk must be closed to everybody else."`
	OriginalsAddr string `placeholder:"HOST:PORT" help:"Address on which the second origin listens, from which originals are downloaded. Default: a free port of this machine."`
}

// open reports that the desk may listen beyond this machine, or says what is
// missing.
func (r *reach) open(t *teamFlags) error {
	switch {
	case (r.TLSCert == "") != (r.TLSKey == ""):
		return exit(2, errors.New("--tls-cert and --tls-key go together"))
	case r.TLSCert != "" && r.BehindProxy:
		return exit(2, errors.New("--tls-cert is for a desk that speaks TLS itself and --behind-proxy for one that does not; give one of them"))
	case (r.TLSCert != "" || r.BehindProxy) && (t.People == "" || len(t.Host) == 0):
		return exit(2, errors.New("--tls-cert and --behind-proxy are for a desk with accounts; give --people FILE and --host NAME too"))
	}
	return nil
}

func (r *reach) beyond() bool { return r.TLSCert != "" || r.BehindProxy }

// config gives the TLS of the desk; nil where it speaks none.
func (r *reach) config() (*tls.Config, error) {
	if r.TLSCert == "" {
		return nil, nil
	}
	c := &certificate{cert: r.TLSCert, key: r.TLSKey}
	if _, err := c.get(nil); err != nil {
		return nil, exit(2, err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}, nil
}

// certificate is read again when its file changes, so that a renewed one needs
// no restart. One that cannot be read leaves the last in use.
type certificate struct {
	cert, key string
	mu        sync.Mutex
	have      *tls.Certificate
	at        time.Time // change time of the file that was read
	looked    time.Time
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.have != nil && time.Since(c.looked) < 10*time.Second {
		return c.have, nil
	}
	c.looked = time.Now()
	fi, err := os.Stat(c.cert)
	if err == nil && c.have != nil && fi.ModTime().Equal(c.at) {
		return c.have, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.cert, c.key); err == nil {
			c.have, c.at = &pair, fi.ModTime()
		}
	}
	if c.have == nil {
		return nil, fmt.Errorf("the certificate of the desk cannot be read: %w", err)
	}
	return c.have, nil
}

// secured tells browsers that the desk is never without TLS.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		next.ServeHTTP(w, r)
	})
}

func onLoopback(l net.Listener) bool {
	host, _, err := net.SplitHostPort(l.Addr().String())
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}
