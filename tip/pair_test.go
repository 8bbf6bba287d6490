package tip

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"filippo.io/age"
)

func newPair(t *testing.T) (ana, beto *Half, recipient string) {
	t.Helper()
	ana, err := NewHalf()
	if err != nil {
		t.Fatal(err)
	}
	if beto, err = Answer(ana.Invitation()); err != nil {
		t.Fatal(err)
	}
	if err := ana.Meet(beto.Point()); err != nil {
		t.Fatal(err)
	}
	r, err := ana.Recipient()
	if err != nil {
		t.Fatal(err)
	}
	if s, err := beto.Recipient(); err != nil || s != r {
		t.Fatalf("the two halves name two recipients: %v", err)
	}
	return ana, beto, r
}

func sealTo(t *testing.T, text string, to ...string) []byte {
	t.Helper()
	var rs []age.Recipient
	for _, s := range to {
		r, err := age.ParseHybridRecipient(s)
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, rs...)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func opens(t *testing.T, h *Half, help func([]byte) ([]byte, error), file []byte) (string, error) {
	t.Helper()
	id, err := h.Opener(help)
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(bytes.NewReader(file), id)
	if err != nil {
		return "", err
	}
	p, err := io.ReadAll(r)
	return string(p), err
}

// Either opens with the other's help; nobody alone, and no stranger's help helps.
func TestPairOpensOnlyTogether(t *testing.T) {
	ana, beto, r := newPair(t)
	_, eva, other := newPair(t)
	file := sealTo(t, "what was seen", other, r)
	for _, x := range []struct{ who, with *Half }{{ana, beto}, {beto, ana}} {
		if got, err := opens(t, x.who, x.with.Help, file); err != nil || got != "what was seen" {
			t.Errorf("together: %q, %v", got, err)
		}
	}
	none := func([]byte) ([]byte, error) { return nil, ErrAlone }
	same := func(p []byte) ([]byte, error) { return p, nil } // no help at all, passed off as help
	for name, help := range map[string]func([]byte) ([]byte, error){"none": none, "the point itself": same, "one's own half": ana.Help, "a stranger": eva.Help} {
		if got, err := opens(t, ana, help, file); err == nil {
			t.Errorf("%s: it opens: %q", name, got)
		}
	}
	if _, err := opens(t, ana, none, file); !errors.Is(err, ErrAlone) {
		t.Errorf("alone: %v", err)
	}
	// What one half holds, as any ordinary key that could be made of it.
	b := append(ana.scalar.Bytes(), ana.pq[:]...)
	for i := 0; i+32 <= len(b); i += 32 {
		id, err := age.ParseHybridIdentity(string(bytes.ToUpper([]byte(bech32("age-secret-key-pq-", b[i:i+32])))))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := age.Decrypt(bytes.NewReader(file), id); err == nil {
			t.Error("one half opens as an ordinary key")
		}
	}
}

// Help is good for one file: it does not open another one to the same pair.
func TestHelpIsForOneFile(t *testing.T) {
	ana, beto, r := newPair(t)
	one, two := sealTo(t, "one", r), sealTo(t, "two", r)
	points, err := Points(bytes.NewReader(one))
	if err != nil || len(points) != 1 {
		t.Fatalf("%d points, %v", len(points), err)
	}
	given, err := beto.Help(points[0])
	if err != nil {
		t.Fatal(err)
	}
	help := func(p []byte) ([]byte, error) {
		if bytes.Equal(p, points[0]) {
			return given, nil
		}
		return nil, ErrAlone
	}
	if got, err := opens(t, ana, help, one); err != nil || got != "one" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := opens(t, ana, help, two); !errors.Is(err, ErrAlone) {
		t.Errorf("another file: %v", err)
	}
	if got, err := opens(t, ana, func([]byte) ([]byte, error) { return given, nil }, two); err == nil {
		t.Errorf("help for one file opens another: %q", got)
	}
	if _, err := Points(bytes.NewReader([]byte("hello"))); err == nil {
		t.Error("points of what is no age file")
	}
}

func TestHalfIsKept(t *testing.T) {
	ana, beto, r := newPair(t)
	again, err := ParseHalf(ana.String() + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := again.Recipient(); err != nil || s != r {
		t.Errorf("read again: %v", err)
	}
	if got, err := opens(t, again, beto.Help, sealTo(t, "x", r)); err != nil || got != "x" {
		t.Errorf("%q, %v", got, err)
	}
	young, _ := NewHalf()
	if y, err := ParseHalf(young.String()); err != nil || y.Whole() {
		t.Errorf("an unanswered half: %v", err)
	}
	if _, err := young.Recipient(); err == nil {
		t.Error("a recipient of one person")
	}
	if _, err := young.Opener(beto.Help); err == nil {
		t.Error("an opener of one person")
	}
	for _, bad := range []string{"", "SLHALF1", "SLHALF1 zz", ana.String()[:60], ana.String() + "00", "SLHALF1 " + string(bytes.Repeat([]byte("00"), 96+32))} {
		if _, err := ParseHalf(bad); err == nil {
			t.Errorf("%.30q is read", bad)
		}
	}
	for _, bad := range [][]byte{nil, make([]byte, 32), young.Point()[:31], young.Point()} {
		if err := young.Meet(bad); err == nil {
			t.Errorf("met %x", bad)
		}
	}
}

// Whoever seals needs the stock program and the recipient only.
func TestStockAgeSealsToAPair(t *testing.T) {
	prog := stockAge(t)
	ana, beto, r := newPair(t)
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out.age")
	os.WriteFile(in, []byte("by hand"), 0o600)
	if b, err := exec.Command(prog, "-r", r, "-o", out, in).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	file, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := opens(t, beto, ana.Help, file); err != nil || got != "by hand" {
		t.Errorf("%q, %v", got, err)
	}
}
