package inbox

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"sightline"
	"sightline/tip"
)

type desk struct {
	*Inbox
	t   *testing.T
	id  *age.HybridIdentity
	now time.Time
	q   string
}

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), q: filepath.Join(t.TempDir(), "q")}
	var err error
	if d.id, err = age.GenerateHybridIdentity(); err != nil {
		t.Fatal(err)
	}
	if d.Inbox, err = Open(filepath.Join(t.TempDir(), "tips"), func() time.Time { return d.now }); err != nil {
		t.Fatal(err)
	}
	return d
}

// bytes seals what write makes.
func (d *desk) seal(write func(*tip.Writer)) []byte {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, d.id.Recipient())
	if err != nil {
		d.t.Fatal(err)
	}
	write(tip.NewWriter(w))
	if err := w.Close(); err != nil {
		d.t.Fatal(err)
	}
	return b.Bytes()
}

func (d *desk) take(t Tip, p []byte) Tip {
	d.t.Helper()
	out, _, err := d.Take(t, func(w io.Writer) error { _, err := w.Write(p); return err })
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

func file(w *tip.Writer, name, content string) {
	w.Begin(tip.Head{Name: name})
	io.WriteString(w, content)
	w.End()
}

func TestHostileTip(t *testing.T) {
	d := newDesk(t)
	p := d.seal(func(w *tip.Writer) {
		file(w, "../../../etc/passwd", "one")
		file(w, "/abs\x00\u202e", "two")
		w.Close(tip.Join{Lang: "../es", Lane: "A\n", Request: "G-1; rm", ReplyTo: "not a recipient"})
	})
	x := d.take(Tip{Box: "aa"}, p)
	c, err := d.Decrypt(x, []age.Identity{d.id}, d.q)
	if err != nil {
		t.Fatal(err)
	}
	x.Learn(c)
	if x.Lang != "..es" || x.Lane != "A" || x.Request != "G-1rm" || x.ReplyTo != "" || len(x.Files) != 2 {
		t.Errorf("%+v", x)
	}
	names, _ := filepath.Glob(filepath.Join(d.q, "*", "*"))
	if len(names) != 2 || filepath.Base(names[0]) != "1.bin" || filepath.Base(names[1]) != "2.bin" {
		t.Errorf("quarantine: %v", names)
	}
	for _, n := range names {
		if i, _ := os.Stat(n); i.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", n, i.Mode())
		}
	}
}

// What a source's line cut off is kept and marked; what is not a tip leaves
// nothing.
func TestIncompleteAndForeign(t *testing.T) {
	d := newDesk(t)
	noEnd := d.take(Tip{}, d.seal(func(w *tip.Writer) { file(w, "a", "content") }))
	whole := d.seal(func(w *tip.Writer) {
		file(w, "a", strings.Repeat("content", 40_000))
		w.Close(tip.Join{Lane: "A"})
	})
	cut := d.take(Tip{}, whole[:len(whole)-100_000])
	for _, x := range []Tip{noEnd, cut} {
		c, err := d.Decrypt(x, []age.Identity{d.id}, d.q)
		if err != nil || c.Tip.Incomplete == "" || len(c.Tip.Files) != 1 {
			t.Errorf("%s: %v", x.ID, err)
		}
	}
	other, _ := age.GenerateHybridIdentity()
	if _, err := d.Decrypt(noEnd, []age.Identity{other}, d.q); !errors.Is(err, ErrKey) {
		t.Errorf("another key: %v", err)
	}
	junk := d.take(Tip{}, []byte("hello"))
	if _, err := d.Decrypt(junk, []age.Identity{d.id}, d.q); !errors.Is(err, sightline.ErrInvalid) {
		t.Errorf("junk: %v", err)
	}
	if _, err := os.Stat(filepath.Join(d.q, junk.ID)); err == nil {
		t.Error("junk leaves a quarantine")
	}
	// Bytes that changed on our disk are not opened.
	p, _ := os.ReadFile(d.Blob(noEnd.ID))
	p[len(p)-1] ^= 1
	os.WriteFile(d.Blob(noEnd.ID), p, 0o600)
	if _, err := d.Decrypt(noEnd, []age.Identity{d.id}, d.q); !errors.Is(err, sightline.ErrDamaged) {
		t.Errorf("changed bytes: %v", err)
	}
}

func TestPseudonymsAndMerge(t *testing.T) {
	d := newDesk(t)
	n := 0
	add := func(box string) Tip {
		n++
		return d.take(Tip{Box: box}, []byte{byte(n)})
	}
	a, b, c, e := add("aa"), add("bb"), add("aa"), add("")
	if a.Source != "S-01" || b.Source != "S-02" || c.Source != "S-01" || e.Source != "S-03" || e.ID != "T-004" {
		t.Fatalf("%s %s %s %s", a.Source, b.Source, c.Source, e.Source)
	}
	if again, fresh, err := d.Take(Tip{}, func(w io.Writer) error { _, err := w.Write([]byte{1}); return err }); fresh || err != nil || again.ID != a.ID {
		t.Errorf("the same bytes again: %s, %v", again.ID, err)
	}
	if s, err := d.Merge(b.ID, c.ID); err != nil || s != "S-02" {
		t.Fatal(s, err)
	}
	for id, want := range map[string]string{a.ID: "S-02", b.ID: "S-02", c.ID: "S-02", e.ID: "S-03"} {
		if x, _ := d.Get(id); x.Source != want {
			t.Errorf("%s: %s, want %s", id, x.Source, want)
		}
	}
	if _, err := d.Merge(a.ID); err == nil {
		t.Error("one tip is merged")
	}
	if _, _, err := d.Take(Tip{}, func(io.Writer) error { return io.ErrUnexpectedEOF }); err == nil {
		t.Error("half a tip is taken")
	}
	if l, _ := filepath.Glob(filepath.Join(d.Dir, ".in-*")); len(l) != 0 {
		t.Errorf("left: %v", l)
	}
}

func TestDueAndForget(t *testing.T) {
	d := newDesk(t)
	declined, withdrawn, fresh := d.take(Tip{}, []byte("1")), d.take(Tip{}, []byte("2")), d.take(Tip{}, []byte("3"))
	declined.State, declined.Decided = Declined, d.Day()
	withdrawn.State = Withdrawn
	for _, x := range []Tip{declined, withdrawn} {
		if err := d.Save(x); err != nil {
			t.Fatal(err)
		}
	}
	due := func() (out []string) {
		l, err := d.Due()
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range l {
			out = append(out, x.ID)
		}
		return out
	}
	if got := strings.Join(due(), " "); got != withdrawn.ID {
		t.Errorf("due today: %s", got)
	}
	d.now = d.now.AddDate(0, 0, 30)
	if got := strings.Join(due(), " "); got != declined.ID+" "+withdrawn.ID {
		t.Errorf("due in 30 days: %s", got)
	}
	if err := d.Forget(&fresh, d.q); err != nil || fresh.State != Forgotten {
		t.Errorf("%s, %v", fresh.State, err)
	}
	if _, err := os.Stat(d.Blob(fresh.ID)); err == nil {
		t.Error("the content stays")
	}
	if x, err := d.Get(fresh.ID); err != nil || x.SHA256 == "" {
		t.Errorf("the line is gone: %v", err)
	}
}

func TestReadForm(t *testing.T) {
	good := `{"channel":"mail","receiver":"Ana","date":"2026-11-24T10:00:00-04:00","precision":"minute","consent":"given","original":"original"}`
	if f, err := ReadForm([]byte(good)); err != nil || f.Channel != "mail" {
		t.Fatal(err)
	}
	for change, says := range map[string]string{
		`"channel":"mail"`: "channel", `"receiver":"Ana"`: "receiver", `"date":"2026-11-24T10:00:00-04:00"`: "date", `"consent":"given"`: "consent",
		`"precision":"minute"`: "precision", `"original":"original"`: "original",
	} {
		if _, err := ReadForm([]byte(strings.Replace(good, change, `"said":"x"`, 1))); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("without %s: %v", change, err)
		}
	}
	if _, err := ReadForm([]byte(strings.Replace(good, `"receiver"`, `"source_name":"Juan","receiver"`, 1))); err == nil || !strings.Contains(err.Error(), "sealed") {
		t.Errorf("a name outside sealed: %v", err)
	}
}

func TestBucketSaysNoMoreThanItShould(t *testing.T) {
	for n, want := range map[int64]string{5: "less than 1 MB", 3 << 20: "about 3 MB", 27 << 20: "about 20 MB", 3 << 30: "about 3.0 GB"} {
		if got := Bucket(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
