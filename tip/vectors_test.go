package tip

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	agetest "c2sp.org/CCTV/age"
	"filippo.io/age"
	"filippo.io/age/armor"
)

// The public age vectors (C2SP/CCTV): each states what must happen. They are
// run here so that a change of the age module is seen by us.
func TestPublicAgeVectors(t *testing.T) {
	list, err := fs.ReadDir(agetest.Vectors, ".")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, e := range list {
		b, err := fs.ReadFile(agetest.Vectors, e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if got, want, sum, wantSum := vector(t, e.Name(), b); got != want || want == "success" && sum != wantSum {
			t.Errorf("%s: %s, want %s", e.Name(), got, want)
		}
		ran++
	}
	if ran < 143 {
		t.Errorf("%d vectors, want at least 143", ran)
	}
}

func vector(t *testing.T, name string, b []byte) (got, want, sum, wantSum string) {
	var ids []age.Identity
	armored, packed := false, false
	for {
		line, rest, ok := bytes.Cut(b, []byte("\n"))
		if !ok {
			t.Fatalf("%s: no payload", name)
		}
		b = rest
		if len(line) == 0 {
			break
		}
		k, v, _ := strings.Cut(string(line), ": ")
		switch k {
		case "expect":
			want = v
		case "payload":
			wantSum = v
		case "identity":
			var id age.Identity
			id, err := age.ParseX25519Identity(v)
			if err != nil {
				id, err = age.ParseHybridIdentity(v)
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			ids = append(ids, id)
		case "passphrase":
			id, err := age.NewScryptIdentity(v)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			ids = append(ids, id)
		case "armored":
			armored = true
		case "compressed":
			packed = true
		}
	}
	if packed {
		z, err := zlib.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if b, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	var in io.Reader = bytes.NewReader(b)
	if armored {
		in = armor.NewReader(in)
	}
	r, err := age.Decrypt(in, ids...)
	var broken *armor.Error
	var none *age.NoIdentityMatchError
	switch {
	case err == nil:
	case strings.HasSuffix(err.Error(), "bad header MAC"):
		return "HMAC failure", want, "", wantSum
	case errors.As(err, &broken):
		return "armor failure", want, "", wantSum
	case errors.As(err, &none):
		return "no match", want, "", wantSum
	default:
		return "header failure", want, "", wantSum
	}
	out, err := io.ReadAll(r)
	h := sha256.Sum256(out)
	switch {
	case errors.As(err, &broken):
		return "armor failure", want, "", wantSum
	case err != nil:
		return "payload failure", want, "", wantSum
	}
	return "success", want, hex.EncodeToString(h[:]), wantSum
}

// What we seal, the stock program opens, where it is installed and new enough
// to know hybrid keys (1.3).
func TestStockAgeOpensATip(t *testing.T) {
	prog, err := exec.LookPath("age")
	if err != nil {
		t.Skip("age is not installed")
	}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	key, file := filepath.Join(dir, "key"), filepath.Join(dir, "tip.age")
	if err := os.WriteFile(key, []byte(id.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, "hola", map[string][]byte{"a.txt": []byte("aaaa")}, []string{"a.txt"})
	w.Close()
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(prog, "-d", "-i", key, file).Output()
	if err != nil {
		v, _ := exec.Command(prog, "--version").Output()
		t.Skipf("age %s does not know hybrid keys", strings.TrimSpace(string(v)))
	}
	if !bytes.HasPrefix(out, []byte(magic)) {
		t.Error("the stock program gives other bytes")
	}
}
