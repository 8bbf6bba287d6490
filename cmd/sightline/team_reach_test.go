package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sightline"
	"sightline/flow"
)

// selfSigned writes a certificate for a name and gives the pool that trusts it.
func selfSigned(t *testing.T, dir, name string, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, b := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return pool
}

// A desk that other machines reach has accounts and TLS, or does not start.
func TestDeskBeyondThisMachine(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SIGHTLINE_HOME", filepath.Join(dir, "home"))
	t.Setenv("SIGHTLINE_NAME", "Ana")
	serve := func(ctx context.Context, args ...string) (int, string) {
		var out bytes.Buffer
		status := run(&env{ctx, strings.NewReader(""), &out, &out}, append([]string{"serve", "--no-work"}, args...))
		return status, out.String()
	}
	c := filepath.Join(dir, "bridge")
	var out bytes.Buffer
	if status := run(&env{context.Background(), nil, &out, &out}, []string{"new", c}); status != 0 {
		t.Fatal(out.String())
	}
	pool := selfSigned(t, dir, "desk.example.org", 1)
	cert, key, people := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "people.json")
	for _, bad := range []struct {
		args []string
		says string
	}{
		{[]string{"--addr", "0.0.0.0:0"}, "accounts and TLS"},
		{[]string{"--addr", "0.0.0.0:0", "--people", people, "--host", "desk.example.org"}, "accounts and TLS"},
		{[]string{"--addr", "0.0.0.0:0", "--behind-proxy"}, "with accounts"},
		{[]string{"--tls-cert", cert, "--people", people, "--host", "desk.example.org"}, "go together"},
		{[]string{"--tls-cert", cert, "--tls-key", key, "--behind-proxy", "--people", people, "--host", "desk.example.org"}, "one of them"},
		{[]string{"--tls-cert", people, "--tls-key", key, "--people", people, "--host", "desk.example.org"}, "certificate of the desk"},
		{[]string{"--originals-addr", "0.0.0.0:0"}, "with accounts and TLS"},
	} {
		if status, said := serve(context.Background(), append(bad.args, c)...); status != 2 || !strings.Contains(said, bad.says) {
			t.Errorf("%q: %d %s", bad.args, status, said)
		}
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan string, 1)
	go func() {
		status, said := serve(ctx, "--addr", "0.0.0.0:"+port, "--people", people, "--host", "desk.example.org:"+port, "--tls-cert", cert, "--tls-key", key, "--log", "json", c)
		if status != 0 {
			said = "status not 0: " + said
		}
		ended <- said
	}()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "desk.example.org"}, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	}}}
	var res *http.Response
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if res, err = client.Get("https://desk.example.org:" + port + "/api/cases/bridge/document"); err == nil || time.Now().After(deadline) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized || res.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%s %v", res.Status, res.Header)
	}
	if res, err := http.Get("http://" + addr + "/"); err == nil {
		if res.Body.Close(); res.StatusCode == http.StatusOK {
			t.Error("the desk answers without TLS")
		}
	}
	stop()
	select {
	case said := <-ended:
		if !strings.Contains(said, `"route":"/api/cases/-/document"`) || !strings.Contains(said, `"status":401`) || strings.HasPrefix(said, "status") {
			t.Errorf("the log: %s", said)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the desk did not stop")
	}
}

// A renewed certificate is used without a restart; one that is broken is not.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	selfSigned(t, dir, "a.example", 1)
	c := &certificate{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	serial := func() int64 {
		t.Helper()
		c.looked = time.Time{}
		got, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		x, err := x509.ParseCertificate(got.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return x.SerialNumber.Int64()
	}
	if serial() != 1 {
		t.Error("another certificate")
	}
	selfSigned(t, dir, "a.example", 2)
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(c.cert, later, later); err != nil {
		t.Fatal(err)
	}
	if serial() != 2 {
		t.Error("the renewed certificate is not used")
	}
	if err := os.WriteFile(c.cert, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if serial() != 2 {
		t.Error("a broken file replaced the certificate in use")
	}
}

// What is logged names nobody and nothing of a case.
func TestLogHoldsNothingPrivate(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&b, nil))
	h := logRequests(log, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for _, path := range []string{"/api/cases/maria-lopez/custody/ML-001?q=Maria", "/api/cases/maria-lopez/jobs/abc/retry", "/maria-lopez", "/api/cases/maria-lopez/search?q=juan"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.RemoteAddr = "203.0.113.9:4444"
		r.Header.Set("User-Agent", "secretive")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	logJob(log, flow.Event{Job: sightline.Job{ID: strings.Repeat("a", 64), Kind: "picture", Lane: "cpu", Item: "ML-001", Started: sightline.EntryTime(time.Now())}, State: "failed", Error: "maria.jpg cannot be opened"})
	for _, never := range []string{"maria", "ML-001", "203.0.113", "secretive", "juan", "jpg"} {
		if strings.Contains(strings.ToLower(b.String()), strings.ToLower(never)) {
			t.Errorf("the log holds %q: %s", never, b.String())
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(b.String()), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("not a line of JSON: %s", line)
		}
	}
	if !strings.Contains(b.String(), `"route":"/api/cases/-/custody/-"`) || !strings.Contains(b.String(), `"kind":"picture"`) {
		t.Errorf("the log says too little: %s", b.String())
	}
}
