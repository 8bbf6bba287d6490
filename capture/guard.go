package capture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrRefused: the address is not one of the public web. Nothing was sent.
var ErrRefused = errors.New("refused")

// refused is the sentence of a refusal.
func refused(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)
}

// Guard decides which addresses may be reached and dials them. A name is
// resolved once, the answers are checked, and the very address that was checked
// is dialled, so a name server that changes its mind reaches nothing.
//
// The zero Guard is the one to use.
type Guard struct {
	// Allow names single places that are reached although they are not public,
	// for tests and for a team's own server.
	Allow []netip.AddrPort
	// Resolve looks a name up; nil is the system's resolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	anyPort bool // tests: so that the address alone decides

	// Timeout of one dial; 0 is 20 s.
	Timeout time.Duration
}

// closed are the ranges that are not of the public Internet, from the IANA
// special-purpose registries (RFC 6890 and its updates). Of IPv6 everything
// outside 2000::/3 is closed as well.
var closed = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)

var global6 = netip.MustParsePrefix("2000::/3")

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// Public reports whether a is an address of the public Internet. An IPv4
// address inside an IPv6 one counts as what it is inside.
func Public(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	for _, p := range closed {
		if p.Contains(a) {
			return false
		}
	}
	return a.Is4() || global6.Contains(a)
}

// URL reads an address as a person pastes it and checks what can be checked
// without the network. The path and the query are left as they are.
func (g *Guard) URL(raw string) (*url.URL, error) {
	raw = strings.TrimSpace(raw)
	if len(raw) > 8192 {
		return nil, refused("the address is longer than 8,192 characters")
	}
	for _, r := range raw {
		if r < 0x21 || r == 0x7f || r == '\\' {
			return nil, refused("the address holds a space, a backslash or a control character")
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, refused("this is not an address of the web")
	}
	if s := strings.ToLower(u.Scheme); s != "http" && s != "https" {
		return nil, refused("only addresses that begin with http:// or https:// are fetched")
	}
	if u.Opaque != "" || u.Host == "" || u.Hostname() == "" {
		return nil, refused("the address names no host")
	}
	if u.User != nil {
		return nil, refused("the address holds a name or password before the @; give it without")
	}
	port := u.Port()
	if port == "" && strings.HasSuffix(u.Host, ":") {
		return nil, refused("the address ends its host in a colon")
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	host, err := spelled(u.Hostname())
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, refused("there is no port %q", port)
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if !g.may(a, uint16(n)) {
			return nil, refused("%s is an address inside a network, not of the public web", a)
		}
	} else if !g.port(uint16(n)) {
		return nil, refused("port %s is not one of the web (80 and 443)", port)
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// spelled accepts a host that has one reading only: a name in letters, digits,
// hyphens and dots, or an IP address in its usual form. Numbers in other
// bases, with fewer parts or with leading zeros are read differently by
// different programs, so they are not read at all.
func spelled(host string) (string, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		if a.Zone() != "" || a.Is4In6() {
			return "", refused("%q is an unusual spelling of an address", host)
		}
		return host, nil
	}
	h := strings.ToLower(strings.TrimSuffix(host, "."))
	if h == "" || len(h) > 253 {
		return "", refused("%q is not the name of a host", host)
	}
	ascii, err := hostASCII(h)
	if err != nil {
		return "", refused("%q is not the name of a host", host)
	}
	labels := strings.Split(ascii, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return "", refused("%q is not the name of a host", host)
		}
		for _, c := range []byte(l) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return "", refused("%q is not the name of a host", host)
			}
		}
	}
	last := labels[len(labels)-1]
	if _, err := strconv.ParseUint(last, 0, 64); err == nil || strings.HasPrefix(last, "0x") || last[0] >= '0' && last[0] <= '9' {
		return "", refused("%q is an unusual spelling of an address", host)
	}
	if len(labels) == 1 || inside[last] {
		return "", refused("%q is a name inside a network, not of the public web", host)
	}
	return ascii, nil
}

// inside are top-level names that never stand in the public name system (RFC
// 6761, 6762, 8375, 9476 and ICANN's reservation of "internal").
var inside = map[string]bool{"localhost": true, "local": true, "localdomain": true, "internal": true, "intranet": true, "lan": true, "home": true, "corp": true, "private": true, "arpa": true, "onion": true, "test": true, "invalid": true, "alt": true}

func (g *Guard) port(p uint16) bool { return g.anyPort || p == 80 || p == 443 }

// may reports whether a may be dialled on that port.
func (g *Guard) may(a netip.Addr, port uint16) bool {
	for _, ok := range g.Allow {
		if ok.Addr() == a && ok.Port() == port {
			return true
		}
	}
	return g.port(port) && Public(a)
}

// DialContext dials host:port for the web. It is the only way out of this
// package; what it refuses is an [ErrRefused].
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return nil, refused("%s is not a network of the web", network)
	}
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, refused("%q is not a host and a port", address)
	}
	n, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, refused("there is no port %q", portText)
	}
	port := uint16(n)
	list, err := g.resolve(ctx, host, port)
	if err != nil {
		return nil, err
	}
	var last error
	for _, a := range list {
		c, err := g.dial(ctx, netip.AddrPortFrom(a, port))
		if err == nil {
			return c, nil
		}
		last = err
		if ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

// resolve gives the addresses of a host that may be dialled, at most four.
func (g *Guard) resolve(ctx context.Context, host string, port uint16) ([]netip.Addr, error) {
	host, err := spelled(host)
	if err != nil {
		return nil, err
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if !g.may(a, port) {
			return nil, refused("%s is an address inside a network, not of the public web", a)
		}
		return []netip.Addr{a}, nil
	}
	look := g.Resolve
	if look == nil {
		look = func(ctx context.Context, h string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", h+".") // the dot: no search list of this network
		}
	}
	found, err := look(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("the name %s was not found: %w", host, err)
	}
	var list []netip.Addr
	for _, a := range found {
		a = a.Unmap()
		if g.may(a, port) && len(list) < 4 {
			list = append(list, a)
		}
	}
	if len(list) == 0 {
		return nil, refused("the name %s leads to an address inside a network, or to none", host)
	}
	return list, nil
}

func (g *Guard) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	timeout := g.Timeout
	if timeout == 0 {
		timeout = 20 * time.Second
	}
	d := net.Dialer{Timeout: timeout, ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
		// The second wall: whatever led here, this is the address of the packet.
		ap, err := netip.ParseAddrPort(address)
		if err != nil || !g.may(ap.Addr(), ap.Port()) || !strings.HasPrefix(network, "tcp") {
			return refused("%s is an address inside a network, not of the public web", address)
		}
		return nil
	}}
	return d.DialContext(ctx, "tcp", to.String())
}
