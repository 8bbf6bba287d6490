package inbox

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"sightline"
	"sightline/tip"
)

// ErrKey says that none of the keys here opens a tip.
var ErrKey = errors.New("none of the keys on this machine opens this tip: it is sealed to another or a revoked key")

// Content is an opened tip in its quarantine folder.
type Content struct {
	Tip     *tip.Tip // message and join; nil fields for a file sealed by hand
	Dir     string   // 0700; files are 1.bin, 2.bin ... without a name of the source's
	ByHand  bool     // not a bundle: one file that somebody sealed with age
	Names   []string // names as the source's device gave them, for the sealed part only
	MIMEs   []string
	Changed []string // modification times the source's device stated
}

// Decrypt opens a tip into a quarantine folder below dir, without looking at
// what the files are. Whatever fails leaves nothing behind.
func (b *Inbox) Decrypt(t Tip, ids []age.Identity, dir string) (c *Content, err error) {
	f, err := os.Open(b.Blob(t.ID))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the content of %s was deleted here: %w", t.ID, sightline.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	want := t.SHA256
	if t.Resealed != "" {
		want = t.Resealed
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	if hex.EncodeToString(h.Sum(nil)) != want {
		return nil, fmt.Errorf("the bytes of %s are not those that were received: %w", t.ID, sightline.ErrDamaged)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	q := filepath.Join(dir, t.ID)
	if err := os.RemoveAll(q); err != nil {
		return nil, err
	}
	if err := os.Mkdir(q, 0o700); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(q)
		}
	}()
	return openTo(f, ids, q)
}

func openTo(f io.Reader, ids []age.Identity, q string) (*Content, error) {
	r, err := age.Decrypt(f, ids...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		for _, e := range none.Errors {
			if errors.Is(e, tip.ErrAlone) {
				return nil, fmt.Errorf("%w: %w", tip.ErrAlone, sightline.ErrDenied)
			}
		}
		return nil, fmt.Errorf("%w: %w", ErrKey, sightline.ErrDenied)
	}
	if err != nil {
		return nil, fmt.Errorf("this is not an age file, or it is damaged: %v: %w", err, sightline.ErrInvalid)
	}
	c := &Content{Dir: q}
	buf := bufio.NewReaderSize(r, 1<<16)
	start, _ := buf.Peek(16)
	v := &quarantine{c: c}
	if tip.IsBundle(start) {
		c.Tip, err = tip.Read(buf, v)
		return c, err
	}
	// Sealed by hand: one file, whole or in error.
	c.ByHand, c.Tip = true, &tip.Tip{}
	w, err := v.Begin(tip.Head{})
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), buf)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("this file ends early or is damaged: %v: %w", err, sightline.ErrInvalid)
	}
	c.Tip.Files = []tip.File{{Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}}
	c.Tip.Join.Lane = "C"
	return c, nil
}

// quarantine writes files under numbers. The name a stranger chose is never
// part of a path.
type quarantine struct{ c *Content }

func (q *quarantine) Begin(h tip.Head) (io.WriteCloser, error) {
	q.c.Names = append(q.c.Names, h.Name)
	q.c.MIMEs = append(q.c.MIMEs, h.Mime)
	q.c.Changed = append(q.c.Changed, h.Modified)
	return os.OpenFile(q.c.Path(len(q.c.Names)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

func (q *quarantine) End(tip.File) error { return nil }

// Path is where file n (from 1) lies.
func (c *Content) Path(n int) string { return filepath.Join(c.Dir, fmt.Sprintf("%d.bin", n)) }

// Learn copies into the tip's line what opening showed, without message or
// names.
func (t *Tip) Learn(c *Content) {
	j := c.Tip.Join
	t.Lang, t.Lane, t.Incomplete, t.ReplyTo = clean(j.Lang), clean(j.Lane), c.Tip.Incomplete, ""
	if t.Request == "" {
		t.Request = clean(j.Request)
	}
	if strings.HasPrefix(j.ReplyTo, "age1pq1") {
		t.ReplyTo = j.ReplyTo
	}
	t.Files = nil
	for i, f := range c.Tip.Files {
		t.Files = append(t.Files, File{i + 1, f.Size, f.SHA256, f.Fault})
	}
	if t.State == New {
		t.State = Opened
	}
}

// clean keeps a short word of a stranger's from being anything else.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, s[:min(len(s), 64)])
}

// Reseal replaces a ciphertext by one for the recipients of today: after a
// rotation nothing that waits stays open to the old key.
func (b *Inbox) Reseal(t *Tip, ids []age.Identity, to []age.Recipient) error {
	f, err := os.Open(b.Blob(t.ID))
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := age.Decrypt(f, ids...)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", t.ID, ErrKey, sightline.ErrDenied)
	}
	h := sha256.New()
	err = whole(b.Blob(t.ID), func(w io.Writer) error {
		s, err := age.Encrypt(io.MultiWriter(w, h), to...)
		if err != nil {
			return err
		}
		if _, err := io.Copy(s, r); err != nil {
			return err
		}
		return s.Close()
	})
	if err != nil {
		return fmt.Errorf("%s: %w", t.ID, err)
	}
	t.Resealed = hex.EncodeToString(h.Sum(nil))
	return b.Save(*t)
}
