package tip

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"
)

// collect is a visitor that keeps what it is given.
type collect struct{ files []*bytes.Buffer }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func (c *collect) Begin(Head) (io.WriteCloser, error) {
	b := &bytes.Buffer{}
	c.files = append(c.files, b)
	return nopCloser{b}, nil
}
func (c *collect) End(File) error { return nil }

func write(t testing.TB, w io.Writer, message string, files map[string][]byte, order []string) {
	b := NewWriter(w)
	err := b.Message([]byte(message))
	for _, n := range order {
		err = errors.Join(err, b.Begin(Head{Name: n}))
		_, werr := b.Write(files[n])
		_, _, eerr := b.End()
		err = errors.Join(err, werr, eerr)
	}
	if err = errors.Join(err, b.Close(Join{Lang: "es", At: "2026-11-24", Call: "c", Lane: "B"})); err != nil {
		t.Fatal(err)
	}
}

func TestBundleRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 4).Draw(t, "files")
		files, order := map[string][]byte{}, []string{}
		for i := range n {
			name := fmt.Sprintf("f%d.mp4", i)
			files[name] = bytes.Repeat([]byte{byte(i), 'x', 7}, rapid.IntRange(0, 60_000).Draw(t, "size"))
			order = append(order, name)
		}
		message := rapid.String().Draw(t, "message")
		var b bytes.Buffer
		w := NewWriter(&b)
		w.Message([]byte(message))
		for _, name := range order {
			w.Begin(Head{Name: name})
			w.Write(files[name])
			w.End()
		}
		if err := w.Close(Join{Lang: "en", Lane: "A"}); err != nil {
			t.Fatal(err)
		}
		if b.Len() < minPlain || Padme(int64(b.Len())) != int64(b.Len()) {
			t.Fatalf("%d bytes is no padded length", b.Len())
		}
		c := &collect{}
		got, err := Read(bytes.NewReader(b.Bytes()), c)
		if err != nil || got.Incomplete != "" || got.Join.Lane != "A" {
			t.Fatalf("%v, %+v", err, got)
		}
		if want := strings.ToValidUTF8(message, "\uFFFD"); got.Message != want {
			t.Fatalf("message %q, want %q", got.Message, want)
		}
		for i, name := range order {
			if got.Files[i].Name != name || got.Files[i].Fault != "" || !bytes.Equal(c.files[i].Bytes(), files[name]) {
				t.Fatalf("file %d: %+v", i, got.Files[i])
			}
		}
	})
}

// Every length of content must leave room for whole frames of padding.
func TestPaddingFitsEveryLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 3<<30).Draw(t, "n")
		p := padTo(n)
		gap := p - n
		if gap < 0 || gap > 0 && gap < frameTop || p != Padme(p) {
			t.Fatalf("padTo(%d) = %d", n, p)
		}
		if n >= minPlain && float64(gap) > 0.032*float64(n)+4*frameTop*64 && float64(gap)/float64(n) > 0.07 {
			t.Fatalf("padTo(%d) adds %d", n, gap)
		}
	})
	for n := int64(minPlain) - 20; n < minPlain+4096; n += 5 {
		var b counter
		w := NewWriter(&b)
		// Message and J take what they take; a file fills the rest.
		w.Message(make([]byte, max(0, n-400)))
		w.Close(Join{})
		if int64(b) != Padme(int64(b)) {
			t.Fatalf("%d bytes of message give %d bytes", n-400, b)
		}
	}
	// The count of sizes that the design states.
	seen := map[int64]bool{}
	for n := int64(1 << 20); n <= 16<<20; n += 1024 {
		seen[Padme(n)] = true
	}
	if len(seen) != 129 {
		t.Errorf("%d sizes between 1 and 16 MiB, want 129", len(seen))
	}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

// Cut anywhere, a bundle is incomplete and never an error or a whole one.
func TestCutBundleIsIncomplete(t *testing.T) {
	var b bytes.Buffer
	write(t, &b, "hola", map[string][]byte{"a.txt": bytes.Repeat([]byte("a"), 300), "b.txt": []byte("bb")}, []string{"a.txt", "b.txt"})
	whole := b.Bytes()
	end := bytes.Index(whole, []byte(`"lane"`)) + len(`"lane":"B"}`) // where J has been written
	for n := len(magic); n < len(whole); n++ {
		got, err := Read(bytes.NewReader(whole[:n]), &collect{})
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if got.Incomplete == "" && n < end {
			t.Fatalf("cut at %d of %d passes for whole", n, len(whole))
		}
	}
}

func TestFaultsAreNamed(t *testing.T) {
	var b bytes.Buffer
	write(t, &b, "hola", map[string][]byte{"a.txt": []byte("aaaa")}, []string{"a.txt"})
	whole := b.Bytes()
	change := func(f func([]byte) []byte) string {
		got, err := Read(bytes.NewReader(f(bytes.Clone(whole))), &collect{})
		if err != nil {
			return err.Error()
		}
		return got.Incomplete
	}
	for want, f := range map[string]func([]byte) []byte{
		"a file does not agree with its digest": func(p []byte) []byte { return bytes.Replace(p, []byte("aaaa"), []byte("aaab"), 1) },
		"its padding holds something":           func(p []byte) []byte { p[len(p)-1] = 1; return p },
		"something follows its end":             func(p []byte) []byte { return append(p, 'M', 0, 0, 0, 1, 'x') },
		"SLTIP1":                                func(p []byte) []byte { p[0] = 'X'; return p },
		"a kind of frame that does not exist":   func(p []byte) []byte { p[len(magic)] = 'Z'; return p },
		"longer than a frame can be":            func(p []byte) []byte { p[len(magic)+1] = 9; return p },
	} {
		if got := change(f); !strings.Contains(got, want) {
			t.Errorf("got %q, want it to say %q", got, want)
		}
	}
}

// A bit flipped in the sealed file is found: by age, before any frame is read.
func TestBitFlipsInTheSealedFile(t *testing.T) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, "hola", map[string][]byte{"a.txt": []byte("aaaa")}, []string{"a.txt"})
	w.Close()
	sealed := b.Bytes()
	step := len(sealed) / 300
	for i := 0; i < len(sealed); i += step {
		p := bytes.Clone(sealed)
		p[i] ^= 1 << (i % 8)
		r, err := age.Decrypt(bytes.NewReader(p), id)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if err == nil {
			t.Fatalf("a flip at byte %d of %d is not found", i, len(sealed))
		}
	}
}

func TestSlot(t *testing.T) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	other, _ := age.GenerateHybridIdentity()
	long := strings.Repeat("ñ", MaxReply/2)
	for _, text := range []string{"", "Gracias. ¿Tiene el original?", long, strings.Repeat("\n<", MaxReply/8)} {
		s, err := SealReply(id.Recipient(), Reply{Day: "2026-11-24", Lang: "es", Text: text})
		if err != nil {
			t.Fatal(err)
		}
		if len(s) != SlotSize {
			t.Fatalf("slot of %d bytes", len(s))
		}
		if r, ok, err := OpenReply(id, s); !ok || err != nil || r.Text != text {
			t.Fatalf("%.20q: %v %v", r.Text, ok, err)
		}
		if _, ok, err := OpenReply(other, s); ok || err != nil {
			t.Fatalf("a slot of somebody else: %v %v", ok, err)
		}
		s[len(s)-1] ^= 1
		if _, ok, err := OpenReply(id, s); ok || err == nil {
			t.Fatal("a damaged reply is taken for an empty slot or a whole one")
		}
	}
	if _, err := SealReply(id.Recipient(), Reply{Text: long + "ñ"}); !errors.Is(err, ErrReply) {
		t.Errorf("a reply beyond the limit: %v", err)
	}
	classic, _ := age.GenerateX25519Identity()
	if _, err := SealReply(classic.Recipient(), Reply{Text: "x"}); err != nil {
		t.Errorf("a slot to a classic recipient: %v", err)
	}
}

func TestRecipientsFile(t *testing.T) {
	a, _ := age.GenerateHybridIdentity()
	b, _ := age.GenerateHybridIdentity()
	c, _ := age.GenerateX25519Identity()
	good := "# Ana, laptop\n" + a.Recipient().String() + "\n\n# Beto\n" + b.Recipient().String() + "\n"
	rs, err := ParseRecipients([]byte(good))
	if err != nil || len(rs) != 2 || rs[0].Name != "Ana, laptop" || rs[1].Name != "Beto" || len(rs[0].PrintWords("es")) != 8 {
		t.Fatalf("%+v, %v", rs, err)
	}
	for text, want := range map[string]string{
		"": "no recipient", "# only a comment\n": "no recipient",
		good + c.Recipient().String(): "mix", good + a.Recipient().String(): "repeats",
		a.String(): "line 1", "age1pq1qqqq": "line 1",
	} {
		_, err := ParseRecipients([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

func TestBaseName(t *testing.T) {
	for in, want := range map[string]string{
		"../../etc/passwd": "passwd", `C:\Users\ana\v.mp4`: "v.mp4", "/abs/x.jpg": "x.jpg", "..": "", ".bashrc": "bashrc",
		"a\x00b\n\u202Egpj.exe": "abgpj.exe", "": "", "vídeo 1.mp4": "vídeo 1.mp4", "con:tra?.txt": "contra.txt",
		strings.Repeat("ñ", 300) + ".mp4": strings.Repeat("ñ", 88) + ".mp4",
	} {
		if got := BaseName(in); got != want {
			t.Errorf("BaseName(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	write(f, &b, "hola", map[string][]byte{"a.txt": []byte("aaaa")}, []string{"a.txt"})
	f.Add(b.Bytes()[:600])
	f.Add([]byte(magic + "H\x00\x00\x00\x02{}D\x00\x00\x00\x01xE\x00\x00\x00\x02{}"))
	f.Fuzz(func(t *testing.T, p []byte) {
		c := &collect{}
		got, err := Read(bytes.NewReader(p), c)
		if err != nil {
			return
		}
		if len(got.Files) != len(c.files) {
			t.Errorf("%d files begun, %d ended", len(c.files), len(got.Files))
		}
		if got.Incomplete == "" && got.Join.Lane == "" && !bytes.Contains(p, []byte("J")) {
			t.Error("complete without J")
		}
	})
}

func FuzzBaseName(f *testing.F) {
	f.Add("../x")
	f.Fuzz(func(t *testing.T, s string) {
		if n := BaseName(s); len(n) > 180 || strings.ContainsAny(n, "/\\\x00\n") || n == "." || n == ".." {
			t.Errorf("BaseName(%q) = %q", s, n)
		}
	})
}
