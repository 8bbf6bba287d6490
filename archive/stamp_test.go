package archive

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"

	"sightline"
)

// tsa is a time-stamping authority with a certificate authority of its own.
type tsa struct {
	*httptest.Server
	root  string // PEM file
	key   *ecdsa.PrivateKey
	cert  *x509.Certificate
	asked int
	spoil func(*timestamp.Timestamp) // what a lying or broken authority does
	down  bool
}

func newTSA(t *testing.T) *tsa {
	t.Helper()
	make := func(serial int64, tmpl x509.Certificate, parent *x509.Certificate, signer crypto.Signer) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		tmpl.SerialNumber, tmpl.NotBefore, tmpl.NotAfter = big.NewInt(serial), time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
		p := parent
		if p == nil {
			p, signer = &tmpl, key
		}
		der, err := x509.CreateCertificate(rand.Reader, &tmpl, p, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	ca, caKey := make(1, x509.Certificate{Subject: pkix.Name{CommonName: "Test root"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil, nil)
	// RFC 3161, 2.3: the key purpose time-stamping, alone and critical.
	eku, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		t.Fatal(err)
	}
	a := &tsa{root: filepath.Join(t.TempDir(), "root.pem")}
	a.cert, a.key = make(2, x509.Certificate{Subject: pkix.Name{CommonName: "Test authority"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: eku}}}, ca, caKey)
	if err := os.WriteFile(a.root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.asked++
		if a.down {
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != "application/timestamp-query" {
			http.Error(w, "no query", http.StatusBadRequest)
			return
		}
		req, err := timestamp.ParseRequest(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		ts := timestamp.Timestamp{HashAlgorithm: req.HashAlgorithm, HashedMessage: req.HashedMessage, Time: time.Now(), Nonce: req.Nonce,
			Policy: asn1.ObjectIdentifier{1, 2, 3, 4, 1}, AddTSACertificate: req.Certificates}
		if a.spoil != nil {
			a.spoil(&ts)
		}
		der, err := ts.CreateResponseWithOpts(a.cert, a.key, crypto.SHA256)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		w.Write(der)
	}))
	t.Cleanup(a.Close)
	return a
}

// TestStamp: two authorities, one of them away at first; the queue survives a
// restart, the tokens verify in the check, in the proof and with openssl.
func TestStamp(t *testing.T) {
	one, two := newTSA(t), newTSA(t)
	f := create(t, Options{})
	id := add(t, f, "evidence")
	list := []Authority{{Name: "One", URL: one.URL, Root: one.root}, {Name: "Two", URL: two.URL, Root: two.root}}
	if err := f.AskStamps(ctx, []Authority{{URL: one.URL}}, time.Now()); err == nil {
		t.Error("an authority without a root was taken")
	}
	if one.asked != 0 {
		t.Error("something was sent before it was asked for")
	}
	two.down = true
	clock := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	now := func() time.Time { return clock }
	if err := f.AskStamps(ctx, list, clock); err != nil {
		t.Fatal(err)
	}
	done, err := f.FetchStamps(ctx, true, now, "test")
	if err != nil || len(done) != 1 || done[0].Authority != "one" {
		t.Fatalf("%+v, %v", done, err)
	}
	f.Close()
	if f, err = Open(f.Dir, Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	waits := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute}
	for i, d := range waits {
		q, err := f.WaitingStamps()
		if err != nil || len(q) != 1 || q[0].Tries != i+1 || q[0].Next != sightline.EntryTime(clock.Add(d)) || !strings.Contains(q[0].Error, "503") {
			t.Fatalf("the queue after %d tries: %+v, %v", i+1, q, err)
		}
		asked := two.asked
		if _, err := f.FetchStamps(ctx, true, now, "test"); err != nil || two.asked != asked {
			t.Fatalf("asked before it was due: %v", err)
		}
		clock = clock.Add(d)
		if i < len(waits)-1 {
			if _, err := f.FetchStamps(ctx, true, now, "test"); err != nil {
				t.Fatal(err)
			}
		}
	}
	two.down = false
	if done, err = f.FetchStamps(ctx, true, now, "test"); err != nil || len(done) != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if q, err := f.WaitingStamps(); err != nil || len(q) != 0 {
		t.Fatalf("%+v, %v", q, err)
	}
	files, err := f.Proof(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	files["item"] = []byte("evidence")
	for _, name := range []string{"checkpoint.one.tsr", "checkpoint.two.tsr", "tsa/one.pem", "tsa/two.pem"} {
		if len(files[name]) == 0 {
			t.Errorf("the proof lacks %s", name)
		}
	}
	if err := VerifyProof("", files); err != nil {
		t.Error(err)
	}
	swapped := mapsClone(files)
	swapped["tsa/one.pem"] = files["tsa/two.pem"]
	if err := VerifyProof("", swapped); err == nil {
		t.Error("a token that chains to another root passed")
	}
	if _, err := exec.LookPath("openssl"); err == nil {
		dir := t.TempDir()
		writeFolder(t, dir, files)
		cmd := exec.Command("openssl", "ts", "-verify", "-data", "checkpoint", "-in", "checkpoint.one.tsr", "-CAfile", "tsa/one.pem")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("openssl: %v\n%s", err, out)
		}
	}
	g := reopen(t, f)
	if rep := check(t, g, CheckOptions{Rebuild: true}); !rep.OK || rep.Checked.Stamps != 2 || len(rep.Notes) != 0 {
		t.Errorf("%+v", rep)
	}
	// What lies beside the case file is watched as well.
	pinned := filepath.Join(f.Dir, stampDir, "one.pem")
	good, _ := os.ReadFile(pinned)
	os.WriteFile(pinned, files["tsa/two.pem"], 0o644)
	if rep := check(t, g, CheckOptions{}); !says(rep, "another pinned certificate") {
		t.Errorf("%+v", rep)
	}
	os.WriteFile(pinned, good, 0o644)
}

// TestStampRefused: an authority that answers wrongly gets nothing into the case.
func TestStampRefused(t *testing.T) {
	other := newTSA(t)
	for name, c := range map[string]struct {
		spoil func(*timestamp.Timestamp)
		root  string
		want  string
	}{
		"other bytes":  {spoil: func(ts *timestamp.Timestamp) { ts.HashedMessage[0] ^= 1 }, want: "other bytes"},
		"other nonce":  {spoil: func(ts *timestamp.Timestamp) { ts.Nonce = big.NewInt(7) }, want: "nonce differs"},
		"foreign root": {root: other.root, want: "does not hold"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTSA(t)
			a.spoil = c.spoil
			if c.root == "" {
				c.root = a.root
			}
			f := create(t, Options{})
			if err := f.AskStamps(ctx, []Authority{{Name: "a", URL: a.URL, Root: c.root}}, time.Now()); err != nil {
				t.Fatal(err)
			}
			done, err := f.FetchStamps(ctx, false, time.Now, "test")
			if err != nil || len(done) != 0 {
				t.Fatalf("%+v, %v", done, err)
			}
			q, err := f.WaitingStamps()
			if err != nil || len(q) != 1 || !strings.Contains(q[0].Error, c.want) {
				t.Errorf("%+v, %v", q, err)
			}
		})
	}
}
