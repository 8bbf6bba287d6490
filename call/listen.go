package call

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sightline"
)

// Listening says where a server is reached.
type Listening struct {
	Sources string // "unix:PATH" or a loopback address
	Team    string // the same, for pulling; empty: nowhere
	Proxy   bool   // connections of sources begin with a PROXY line
	Nice    int    // how far the server steps back behind other programs, 0 to 19 (Linux)
	// Ready is told the addresses once both are open.
	Ready func(sources, team string)
}

// Listen opens "unix:PATH" or a loopback address. Anything another machine
// could reach is refused: Tor or a web server stands before this one.
func Listen(addr string) (net.Listener, error) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		if c, err := net.Dial("unix", path); err == nil {
			c.Close()
			return nil, fmt.Errorf("another server answers at %s: %w", path, sightline.ErrConflict)
		}
		if i, err := os.Lstat(path); err == nil && i.Mode().Type() == fs.ModeSocket {
			os.Remove(path) // left by a server that was cut off
		}
		l, err := net.Listen("unix", path)
		if err != nil {
			return nil, fmt.Errorf("failed to listen on %s: %w", path, err)
		}
		// The group is how Tor's account comes in.
		return l, os.Chmod(path, 0o660)
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%q is neither unix:PATH nor an address with a port: %w", addr, sightline.ErrInvalid)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%s can be reached from other machines; use a unix socket or 127.0.0.1 and put Tor or a web server before it: %w", addr, sightline.ErrDenied)
	}
	return net.Listen("tcp", addr)
}

// Serve answers until ctx ends. Nothing is logged: what fails is a counter of
// the day.
func (s *Server) Serve(ctx context.Context, at Listening) error {
	lockDown(at.Nice)
	l, err := Listen(at.Sources)
	if err != nil {
		return err
	}
	name := address(l)
	if at.Proxy {
		l = proxied{l}
	}
	servers := []*http.Server{s.quiet(s.Handler())}
	listeners := []net.Listener{l}
	team := ""
	if at.Team != "" {
		h, err := s.PullHandler()
		if err != nil {
			l.Close()
			return err
		}
		t, err := Listen(at.Team)
		if err != nil {
			l.Close()
			return err
		}
		team = address(t)
		servers, listeners = append(servers, s.quiet(h)), append(listeners, t)
	}
	if at.Ready != nil {
		at.Ready(name, team)
	}
	var wg sync.WaitGroup
	errs := make(chan error, len(servers))
	for i := range servers {
		wg.Go(func() { errs <- servers[i].Serve(listeners[i]) })
	}
	tick := time.NewTicker(5 * time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if s.store.sweep() != nil {
				s.store.count("sweep")
			}
			continue
		case err = <-errs:
		case <-ctx.Done():
			err = nil
		}
		break
	}
	stop, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, srv := range servers {
		if srv.Shutdown(stop) != nil {
			srv.Close()
		}
	}
	wg.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

func address(l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return "unix:" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}

// quiet is an HTTP server that writes nothing anywhere.
func (s *Server) quiet(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ErrorLog: log.New(io.Discard, "", 0),
		ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
}

// proxied reads the PROXY line (version 1 of HAProxy's protocol) that Tor
// writes at the start of each connection, and takes the circuit from it.
type proxied struct{ net.Listener }

func (p proxied) Accept() (net.Conn, error) {
	c, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &proxyConn{Conn: c, r: bufio.NewReaderSize(c, 4096)}, nil
}

type proxyConn struct {
	net.Conn
	r    *bufio.Reader
	once sync.Once
	from net.Addr
	err  error
}

var errProxyLine = errors.New("the connection does not begin with a PROXY line")

// begin reads the line. It runs in the goroutine of the connection, so that a
// silent visitor holds up nobody else.
func (c *proxyConn) begin() {
	c.once.Do(func() {
		c.from = c.Conn.RemoteAddr()
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		line, err := c.r.ReadSlice('\n')
		f := strings.Fields(string(line))
		if err != nil || len(line) > 108 || len(f) < 2 || f[0] != "PROXY" {
			c.err = errProxyLine
			return
		}
		c.SetReadDeadline(time.Time{})
		if len(f) == 6 {
			if ip := net.ParseIP(f[2]); ip != nil {
				c.from = &net.TCPAddr{IP: ip, Port: 1}
			}
		}
	})
}

func (c *proxyConn) RemoteAddr() net.Addr {
	c.begin()
	return c.from
}

func (c *proxyConn) Read(b []byte) (int, error) {
	if c.begin(); c.err != nil {
		return 0, c.err
	}
	return c.r.Read(b)
}

// Torrc is the configuration of the onion service in front of a server that
// listens at sources (and team, for a second service with client
// authorisation). tor --verify-config accepts it (0.4.9).
func Torrc(sources, team string) (string, error) {
	target := func(addr string) (string, error) {
		if path, ok := strings.CutPrefix(addr, "unix:"); ok {
			if !filepath.IsAbs(path) || strings.ContainsAny(path, " \"\n") {
				return "", fmt.Errorf("Tor needs an absolute path without blanks for the socket, not %q: %w", path, sightline.ErrInvalid)
			}
			return "unix:" + path, nil
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return "", fmt.Errorf("%q is neither unix:PATH nor an address with a port: %w", addr, sightline.ErrInvalid)
		}
		return addr, nil
	}
	to, err := target(sources)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# Sightline, call for evidence. Append to Tor's configuration; tor --verify-config must accept it.
# Start the server with --proxy: Tor then tells circuits apart, and only circuits.
HiddenServiceDir /var/lib/tor/sightline
HiddenServiceVersion 3
HiddenServicePort 80 %s
HiddenServiceExportCircuitID haproxy
HiddenServiceMaxStreams 32
HiddenServiceMaxStreamsCloseCircuit 1
HiddenServicePoWDefensesEnabled 1
HiddenServicePoWQueueRate 20
HiddenServicePoWQueueBurst 100
HiddenServiceEnableIntroDoSDefense 1
HiddenServiceEnableIntroDoSRatePerSec 25
HiddenServiceEnableIntroDoSBurstPerSec 200
`, to)
	if team != "" {
		if to, err = target(team); err != nil {
			return "", err
		}
		fmt.Fprintf(&b, `# Where the team fetches. Put the team's x25519 keys into authorized_clients/ of this folder:
# without one of them the service cannot even be found.
HiddenServiceDir /var/lib/tor/sightline-team
HiddenServiceVersion 3
HiddenServicePort 80 %s
`, to)
	}
	b.WriteString("SocksPort 0\nSafeLogging 1\nAvoidDiskWrites 1\n")
	return b.String(), nil
}
