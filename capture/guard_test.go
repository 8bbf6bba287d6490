package capture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

// spellings writes a private IPv4 address in every way that some program
// reads as that address.
func spellings(a [4]byte) []string {
	n := uint32(a[0])<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])
	low := n & 0xffffff
	f := fmt.Sprintf
	wide := func(s string) string {
		return strings.Map(func(r rune) rune {
			switch {
			case r >= '0' && r <= '9':
				return r - '0' + '０'
			case r == '.':
				return '。'
			}
			return r
		}, s)
	}
	dotted := f("%d.%d.%d.%d", a[0], a[1], a[2], a[3])
	return []string{
		dotted, dotted + ".", f("%d", n), f("0x%x", n), f("0X%08X", n), f("0%o", n), f("%d.%d", a[0], low), f("%d.%d.%d", a[0], a[1], n&0xffff),
		f("0x%x.0x%x.0x%x.0x%x", a[0], a[1], a[2], a[3]), f("0%o.0%o.0%o.0%o", a[0], a[1], a[2], a[3]), f("%03d.%03d.%03d.%03d", a[0], a[1], a[2], a[3]),
		f("0x%x.%d", a[0], low), f("0%o.0x%x.%d", a[0], a[1], n&0xffff), f("%d.%d.%d.0x%x", a[0], a[1], a[2], a[3]), f("000000000000%d.%d.%d.%d", a[0], a[1], a[2], a[3]),
		wide(dotted), strings.ReplaceAll(dotted, ".", "。"), strings.ReplaceAll(dotted, ".", "．"), strings.ReplaceAll(dotted, ".", "｡"),
		f("%%%02x%s", dotted[0], dotted[1:]), f("%d%%2e%d%%2e%d%%2e%d", a[0], a[1], a[2], a[3]), f("%d", uint64(n)+1<<32), f("%d.%d.%d.%d", int(a[0])+256, a[1], a[2], a[3]),
		f("[::ffff:%s]", dotted), f("[::ffff:%x:%x]", n>>16, n&0xffff), f("[0:0:0:0:0:ffff:%s]", dotted), f("[::%s]", dotted), f("[64:ff9b::%x:%x]", n>>16, n&0xffff),
		f("[64:ff9b:1::%s]", dotted), f("[2002:%x:%x::1]", n>>16, n&0xffff), f("[2001:0:1:2:3:4:%x:%x]", ^n>>16&0xffff, ^n&0xffff), f("[::ffff:0:%s]", dotted), f("[fe80::5efe:%s]", dotted),
		"user@" + dotted, "example.com@" + dotted, dotted + "#@example.com", dotted + "\\@example.com", dotted + "%00.example.com", dotted + "%09", "\t" + dotted, dotted + ":80", dotted + ":",
	}
}

var privateNames = []string{
	"localhost", "LOCALHOST", "localhost.", "a.localhost", "localhost.localdomain", "printer.local", "router", "intranet", "db.internal", "metadata.google.internal", "nas.lan", "x.corp", "x.home", "1.0.0.127.in-addr.arpa",
	"ⓛocalhost", "ｌｏｃａｌｈｏｓｔ", "ₗocalhost", "abc.onion", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::1%25lo]", "[fe80::1%25eth0]", "[fe80::1]", "[fc00::1]", "[fd12:3456::1]", "[ff02::1]", "[::ffff:7f00:1]", "[100::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]", "[fec0::1]", "[4000::1]",
	"-a.example.com", "a-.example.com", "a..example.com", ".", "", "*.example.com", "exa mple.com", "a_b\x00.com",
}

// TestGuardSpellings: no spelling of a private address leads to a connection.
func TestGuardSpellings(t *testing.T) {
	var reached atomic.Int64
	port := ""
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		addr := at
		if port != "" {
			addr = strings.TrimSuffix(at, "0") + port
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue // a machine without IPv6
		}
		defer l.Close()
		_, port, _ = net.SplitHostPort(l.Addr().String())
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				reached.Add(1)
				c.Close()
			}
		}()
	}
	g := &Guard{anyPort: true, Resolve: func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("no such name") }}
	tried := 0
	try := func(host string) {
		tried++
		for _, raw := range []string{"http://" + host + "/", "http://" + host + ":" + port + "/", "https://" + host + "/x?y"} {
			if u, err := g.URL(raw); err == nil {
				if c, err := g.DialContext(t.Context(), "tcp", net.JoinHostPort(u.Hostname(), port)); err == nil {
					c.Close()
					t.Errorf("%q was dialled as %q", raw, u.Hostname())
				}
			}
		}
		// The dialler does not rely on the look at the address before it.
		if c, err := g.DialContext(t.Context(), "tcp", net.JoinHostPort(strings.Trim(host, "[]"), port)); err == nil {
			c.Close()
			t.Errorf("%q was dialled", host)
		}
	}
	for _, a := range [][4]byte{{127, 0, 0, 1}, {127, 255, 255, 254}, {0, 0, 0, 0}, {10, 0, 0, 1}, {172, 16, 0, 1}, {192, 168, 1, 1}, {169, 254, 169, 254}, {100, 64, 0, 1}, {224, 0, 0, 1}, {255, 255, 255, 255}, {198, 18, 0, 1}} {
		for _, s := range spellings(a) {
			try(s)
		}
	}
	for _, s := range privateNames {
		try(s)
	}
	for _, raw := range []string{"ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1:25/x", "javascript:alert(1)", "data:text/html,x", "//127.0.0.1/", "http:127.0.0.1/", "http:///127.0.0.1/", "http://", "dict://localhost:11211/", "http://example.com:22/", "http://example.com:99999/", "http://user:pw@example.com/"} {
		tried++
		if u, err := (&Guard{}).URL(raw); err == nil {
			t.Errorf("%q was taken as %s", raw, u)
		}
	}
	if tried < 300 {
		t.Errorf("only %d spellings", tried)
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d connections reached this machine", n)
	}
	t.Logf("%d spellings, %d connections", tried, reached.Load())
	for _, raw := range []string{"https://example.com/a?b=c#d", "http://bücher.example.com/", "http://93.184.216.34/", "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/"} {
		if _, err := g.URL(raw); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// TestGuardRanges: each closed range at both ends, and its neighbours where
// those are public.
func TestGuardRanges(t *testing.T) {
	for _, p := range closed {
		if first := p.Addr(); Public(first) {
			t.Errorf("%s counts as public", first)
		}
	}
	for _, s := range []string{"9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.255", "2001:200::1", "2600::1", "3ffe::1"} {
		if !Public(netip.MustParseAddr(s)) {
			t.Errorf("%s counts as private", s)
		}
	}
	for _, s := range []string{"10.255.255.255", "100.127.255.255", "127.255.255.255", "172.31.255.255", "192.168.255.255", "255.255.255.255", "::ffff:10.0.0.1", "::", "::1", "1fff::1", "4000::1", "fe80::1", "2001:1ff::1"} {
		if Public(netip.MustParseAddr(s)) {
			t.Errorf("%s counts as public", s)
		}
	}
}

// TestGuardRebinding: a name server that answers a public address first and a
// private one after reaches nothing, because each dial resolves once and
// checks the address it dials.
func TestGuardRebinding(t *testing.T) {
	var reached atomic.Int64
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	asked := 0
	answers := [][]netip.Addr{
		{netip.MustParseAddr("192.0.2.1")}, {netip.MustParseAddr("127.0.0.1")}, {netip.MustParseAddr("::1")}, {netip.MustParseAddr("::ffff:127.0.0.1")},
		{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("127.0.0.1")}, {netip.MustParseAddr("0.0.0.0")}, {},
	}
	g := &Guard{anyPort: true, Resolve: func(context.Context, string) ([]netip.Addr, error) {
		asked++
		return answers[(asked-1)%len(answers)], nil
	}}
	for range 4 * len(answers) {
		c, err := g.DialContext(t.Context(), "tcp", "rebind.example.com:"+port)
		if err == nil {
			c.Close()
			t.Error("a private answer was dialled")
		} else if !errors.Is(err, ErrRefused) {
			t.Errorf("not a refusal: %v", err)
		}
	}
	if asked != 4*len(answers) {
		t.Errorf("the resolver was asked %d times for %d dials", asked, 4*len(answers))
	}
	if reached.Load() != 0 {
		t.Errorf("%d connections reached this machine", reached.Load())
	}
}

// TestGuardRedirects: a public page cannot send us inside.
func TestGuardRedirects(t *testing.T) {
	var inside atomic.Int64
	secret := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { inside.Add(1) }))
	defer secret.Close()
	var to atomic.Value
	to.Store("")
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to.Load().(string), http.StatusFound)
	}))
	defer site.Close()
	f := &Fetcher{Guard: &Guard{Allow: []netip.AddrPort{netip.MustParseAddrPort(site.Listener.Addr().String())}}, Scratch: t.TempDir()}
	_, port, _ := net.SplitHostPort(secret.Listener.Addr().String())
	n := 0
	for _, host := range append(spellings([4]byte{127, 0, 0, 1}), "localhost", "[::1]") {
		to.Store("http://" + host + ":" + port + "/")
		p, err := f.Page(t.Context(), site.URL+"/")
		if err == nil {
			p.Close()
			t.Errorf("a redirect to %q was followed", host)
		}
		n++
	}
	to.Store("file:///etc/passwd")
	if p, err := f.Page(t.Context(), site.URL+"/"); err == nil {
		p.Close()
		t.Error("a redirect to a file was followed")
	}
	to.Store(site.URL + "/again")
	if p, err := f.Page(t.Context(), site.URL+"/"); err == nil {
		p.Close()
		t.Error("an endless redirect was followed")
	}
	if inside.Load() != 0 {
		t.Errorf("%d of %d redirects reached the inside", inside.Load(), n)
	}
}
