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

// stockAge builds the stock program from its module, a tool of go.mod, so that
// the test does not depend on what a machine has installed.
func stockAge(t *testing.T) string {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the stock program is built with go, which is not here")
	}
	prog := filepath.Join(t.TempDir(), "age")
	if b, err := exec.Command(goTool, "build", "-o", prog, "filippo.io/age/cmd/age").CombinedOutput(); err != nil {
		if strings.Contains(string(b), "dial tcp") || strings.Contains(string(b), "module lookup disabled") {
			t.Skipf("the module of age is not here and cannot be fetched: %s", b)
		}
		t.Fatalf("the stock program is not built: %v\n%s", err, b)
	}
	return prog
}

// What we seal the stock program opens, for one recipient and for three, of
// both kinds of key; what it seals to our recipients we open.
func TestStockAgeAndWeOpenEachOther(t *testing.T) {
	prog := stockAge(t)
	dir := t.TempDir()
	kinds := map[string]func() (age.Identity, age.Recipient, string, string){
		"hybrid": func() (age.Identity, age.Recipient, string, string) {
			id, err := age.GenerateHybridIdentity()
			if err != nil {
				t.Fatal(err)
			}
			return id, id.Recipient(), id.String(), id.Recipient().String()
		},
		"classic": func() (age.Identity, age.Recipient, string, string) {
			id, err := age.GenerateX25519Identity()
			if err != nil {
				t.Fatal(err)
			}
			return id, id.Recipient(), id.String(), id.Recipient().String()
		},
	}
	for kind, make := range kinds {
		for _, n := range []int{1, 3} {
			var to []age.Recipient
			var lines []string
			var id age.Identity
			var secret string
			for range n { // the last one opens
				var r age.Recipient
				var line string
				id, r, secret, line = make()
				to, lines = append(to, r), append(lines, line)
			}
			key, file, keys, plain, back := filepath.Join(dir, "key"), filepath.Join(dir, "tip.age"), filepath.Join(dir, "call.keys"), filepath.Join(dir, "plain"), filepath.Join(dir, "back.age")
			var b bytes.Buffer
			w, err := age.Encrypt(&b, to...)
			if err != nil {
				t.Fatal(err)
			}
			content := bytes.Repeat([]byte("a film "), 30_000)
			write(t, w, "hola", map[string][]byte{"a.mp4": content}, []string{"a.mp4"})
			w.Close()
			for p, text := range map[string][]byte{key: []byte(secret + "\n"), file: b.Bytes(), keys: []byte(strings.Join(lines, "\n") + "\n"), plain: content} {
				if err := os.WriteFile(p, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, err := exec.Command(prog, "-d", "-i", key, file).Output()
			if err != nil {
				t.Fatalf("%s, %d recipients: the stock program does not open: %v", kind, n, err)
			}
			c := &collect{}
			if got, err := Read(bytes.NewReader(out), c); err != nil || got.Incomplete != "" || got.Message != "hola" || len(c.files) != 1 {
				t.Errorf("%s, %d recipients: the stock program gives other bytes: %v", kind, n, err)
			}
			if msg, err := exec.Command(prog, "-R", keys, "-o", back, plain).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", kind, err, msg)
			}
			f, err := os.Open(back)
			if err != nil {
				t.Fatal(err)
			}
			r, err := age.Decrypt(f, id)
			if err != nil {
				t.Fatalf("%s, %d recipients: we do not open what it sealed: %v", kind, n, err)
			}
			got, err := io.ReadAll(r)
			if f.Close(); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s: other bytes: %v", kind, err)
			}
			os.Remove(back)
		}
	}
}
