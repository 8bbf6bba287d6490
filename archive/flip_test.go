package archive

import (
	"bytes"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
	"pgregory.net/rapid"

	"sightline"
	"sightline/digest"
)

// flippable is one run of bytes of a case that a flip may hit: how to read and
// to write it.
type flippable struct {
	name string
	get  func() ([]byte, error)
	set  func([]byte) error
}

// TestAnyFlippedBit flips single bits of everything that is evidence or proof
// of it: blobs, every column of the log's tables (entries, leaf hashes,
// signatures, keys, sealed values and salts, hashes of the tree, checkpoints,
// time-stamps), witnesses and pinned certificates. The check has to name a
// fault each time, and none once the bit is back. For entries, TestEveryCell
// goes through all cells; here any bit may be hit.
func TestAnyFlippedBit(t *testing.T) {
	authority := newTSA(t)
	f := create(t, Options{})
	for i := range 3 {
		add(t, f, strings.Repeat(fmt.Sprint("evidence ", i), 50))
	}
	if err := f.AskStamps(ctx, []Authority{{Name: "one", URL: authority.URL, Root: authority.root}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if done, err := f.FetchStamps(ctx, false, time.Now, "test"); err != nil || len(done) != 1 {
		t.Fatal(done, err)
	}
	g := reopen(t, f)
	db, err := sql.Open("sqlite", filepath.Join(f.Dir, caseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	targets := map[string][]flippable{}
	file := func(kind, p string) {
		targets[kind] = append(targets[kind], flippable{p, func() ([]byte, error) { return os.ReadFile(p) }, func(b []byte) error {
			return errors.Join(os.Chmod(p, 0o644), os.WriteFile(p, b, 0o644))
		}})
	}
	for b, err := range g.Blobs.List(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		file("blob", blobPath(g, b.Digest))
	}
	for _, rel := range []string{witnessFile, blobsDir + "/" + witnessFile} {
		file("witness", filepath.Join(f.Dir, rel))
	}
	for _, c := range []struct{ table, column string }{
		{"entry", "bytes"}, {"entry", "leaf"}, {"entry", "signature"}, {"entry", "public_key"}, {"sealed", "salt"}, {"sealed", "value"},
		{"hash", "hash"}, {"checkpoint", "note"}, {"token", "der"}, {"token", "time"}, {"token", "authority"},
	} {
		var n int
		if err := db.QueryRow("SELECT count(*) FROM " + c.table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			where := fmt.Sprintf("FROM %s LIMIT 1 OFFSET %d", c.table, i)
			kind := c.table + "." + c.column
			targets[kind] = append(targets[kind], flippable{
				name: fmt.Sprintf("%s, row %d", kind, i),
				get: func() (b []byte, err error) {
					err = db.QueryRow("SELECT CAST(" + c.column + " AS BLOB) " + where).Scan(&b)
					return b, err
				},
				set: func(b []byte) error {
					// Text stays text: a flip does not change the column's type.
					q := "CAST(? AS BLOB)"
					if c.table == "sealed" && c.column == "value" || c.table == "token" && c.column != "der" {
						q = "CAST(? AS TEXT)"
					}
					key := map[string]string{"entry": "seq", "hash": "idx", "checkpoint": "size"}[c.table]
					if key == "" { // tables without rowid: by their place
						key = map[string]string{"sealed": "(seq, name)", "token": "size"}[c.table]
						cols := strings.Trim(key, "()")
						_, err := db.Exec("UPDATE "+c.table+" SET "+c.column+"="+q+" WHERE "+key+" = (SELECT "+cols+" "+where+")", b)
						return err
					}
					_, err := db.Exec("UPDATE "+c.table+" SET "+c.column+"="+q+" WHERE "+key+" = (SELECT "+key+" "+where+")", b)
					return err
				},
			})
		}
	}
	kinds := slices.Sorted(maps.Keys(targets))
	one := func(rt *rapid.T) {
		kind := rapid.SampledFrom(kinds).Draw(rt, "kind")
		x := targets[kind][rapid.IntRange(0, len(targets[kind])-1).Draw(rt, "which")]
		good, err := x.get()
		if err != nil || len(good) == 0 {
			rt.Fatalf("%s: %v", x.name, err)
		}
		bit := rapid.IntRange(0, 8*len(good)-1).Draw(rt, "bit")
		bad := bytes.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		if err := x.set(bad); err != nil {
			rt.Fatal(err)
		}
		rep, err := Check(ctx, g, CheckOptions{})
		if back := x.set(good); back != nil {
			rt.Fatal(back)
		}
		if err != nil && !errors.Is(err, sightline.ErrDamaged) {
			rt.Fatalf("%s, bit %d: the check could not be made: %v", x.name, bit, err)
		}
		if err == nil && rep.OK {
			rt.Fatalf("%s, bit %d: not found", x.name, bit)
		}
	}
	rapid.Check(t, one)
	if rep := check(t, look(t, f.Dir), CheckOptions{Rebuild: true}); !rep.OK {
		t.Errorf("with every bit back: %+v", rep.Faults)
	}
}

// TestAnyFlippedBitOfAProof does the same to a proof folder that a stranger
// holds; what is text for people only is left out, and so are the frames of PEM
// files and of a root all but its name and key, on which nothing rests.
func TestAnyFlippedBitOfAProof(t *testing.T) {
	authority := newTSA(t)
	f := create(t, Options{})
	id := add(t, f, "evidence")
	if err := f.AskStamps(ctx, []Authority{{Name: "one", URL: authority.URL, Root: authority.root}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.FetchStamps(ctx, false, time.Now, "test"); err != nil {
		t.Fatal(err)
	}
	files, err := f.Proof(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	files[proofItem] = []byte("evidence")
	sum := digest.Of(files[proofItem]).String()
	if err := VerifyProof(sum, files); err != nil {
		t.Fatal(err)
	}
	var names []string
	for n := range files {
		if n != "VERIFY.md" && n != "verify.py" {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.SampledFrom(names).Draw(rt, "file")
		bit := rapid.IntRange(0, 8*len(files[n])-1).Draw(rt, "bit")
		bad := mapsClone(files)
		bad[n] = bytes.Clone(files[n])
		bad[n][bit/8] ^= 1 << (bit % 8)
		if VerifyProof(sum, bad) == nil && !harmless(n, files[n], bit/8) && !sameRoot(n, files[n], bad[n]) && !sameStamp(n, files[n], bad[n]) {
			rt.Fatalf("%s, bit %d: not found", n, bit)
		}
	})
}

// sameRoot reports whether a key is the same key, and a pinned certificate still pins the same key under
// the same name: of a self-signed root, x509 and openssl use nothing else here.
func sameRoot(name string, good, bad []byte) bool {
	if k1, err := parsePublicPEM(good); err == nil { // the last letter of base64 has bits to spare
		k2, err := parsePublicPEM(bad)
		return err == nil && bytes.Equal(k1, k2)
	}
	if !strings.HasPrefix(name, "tsa/") {
		return false
	}
	read := func(b []byte) *x509.Certificate {
		block, _ := pem.Decode(b)
		if block == nil {
			return nil
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil
		}
		return c
	}
	a, b := read(good), read(bad)
	return a != nil && b != nil && bytes.Equal(a.RawSubjectPublicKeyInfo, b.RawSubjectPublicKeyInfo) && bytes.Equal(a.RawSubject, b.RawSubject)
}

// sameStamp reports whether a time-stamp says the same with the bit flipped:
// CMS (RFC 5652) leaves version numbers, lengths and the list of digests
// unsigned. In a
// case the log holds the digest of the whole reply, in an edition the manifest.
func sameStamp(name string, good, bad []byte) bool {
	if !strings.HasSuffix(name, ".tsr") {
		return false
	}
	a, err1 := timestamp.ParseResponse(good)
	b, err2 := timestamp.ParseResponse(bad)
	return err1 == nil && err2 == nil && a.Time.Equal(b.Time) && bytes.Equal(a.HashedMessage, b.HashedMessage) && a.SerialNumber.Cmp(b.SerialNumber) == 0 &&
		len(a.Certificates) == len(b.Certificates) && len(a.Certificates) > 0 && bytes.Equal(a.Certificates[0].RawTBSCertificate, b.Certificates[0].RawTBSCertificate)
}

func blobPath(f *CaseFolder, d digest.Digest) string {
	h := d.String()
	return filepath.Join(f.Dir, blobsDir, "sha256", h[:2], h[2:4], h)
}
