package tip

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/bits"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	magic    = "SLTIP1\n"
	frameTop = 5       // type and length
	MaxFrame = 1 << 16 // bytes of one frame
	minPlain = 1 << 16 // smallest padded bundle
)

// Head opens a file inside a bundle. Name is what the source's device called
// it; it is shown, never used as a path.
type Head struct {
	Name     string `json:"name,omitempty"`
	Mime     string `json:"mime,omitempty"`
	Modified string `json:"modified,omitempty"` // RFC 3339, of the source's device
}

// Join closes a bundle: without it something is missing.
type Join struct {
	V       int    `json:"v"`
	Lang    string `json:"lang"`
	At      string `json:"at"`       // RFC 3339 by the source's clock (lane A, C) or a UTC day (lane B)
	ReplyTo string `json:"reply_to"` // recipient of the code, or empty
	Call    string `json:"call"`
	Lane    string `json:"lane"` // A, B, C or D
	Follows bool   `json:"follows,omitempty"`
	Wish    string `json:"wish,omitempty"`
	Request string `json:"request,omitempty"`
	// Form is what the receiver of a manual channel filled in (lane D).
	Form json.RawMessage `json:"form,omitempty"`
}

// tail ends a file.
type tail struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Padme is the padded length of n bytes (Nikitin et al., "Reducing Metadata
// Leakage from Encrypted Files and Communication with PURBs", PoPETs 2019): at
// most 12 % more, and at most 3.2 % from 64 KiB on, with few distinct lengths.
func Padme(n int64) int64 {
	if n < 2 {
		return n
	}
	e := bits.Len64(uint64(n)) - 1
	s := bits.Len(uint(e))
	last := e - s
	if last <= 0 {
		return n
	}
	mask := int64(1)<<last - 1
	return (n + mask) &^ mask
}

// padTo is the length that a bundle of n bytes is padded to.
func padTo(n int64) int64 {
	t := Padme(max(n, minPlain))
	for gap := t - n; gap > 0 && gap < frameTop; gap = t - n {
		t = Padme(t + 1)
	}
	return t
}

// Writer writes a bundle frame by frame. It keeps no content.
type Writer struct {
	w    io.Writer
	n    int64
	open bool
	sum  hash.Hash
	size int64
	err  error
	done bool
	head [frameTop]byte
}

// NewWriter begins a bundle.
func NewWriter(w io.Writer) *Writer {
	b := &Writer{w: w, sum: sha256.New()}
	b.raw([]byte(magic))
	return b
}

func (b *Writer) raw(p []byte) {
	if b.err != nil {
		return
	}
	n, err := b.w.Write(p)
	b.n += int64(n)
	b.err = err
}

func (b *Writer) frame(kind byte, p []byte) error {
	switch {
	case b.err != nil:
		return b.err
	case b.done:
		return errors.New("the bundle is closed")
	case len(p) > MaxFrame:
		return fmt.Errorf("a frame of %d bytes is longer than %d", len(p), MaxFrame)
	}
	b.head[0] = kind
	binary.BigEndian.PutUint32(b.head[1:], uint32(len(p)))
	b.raw(b.head[:])
	b.raw(p)
	return b.err
}

func (b *Writer) object(kind byte, v any) error {
	p, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.frame(kind, p)
}

// Message adds text.
func (b *Writer) Message(p []byte) error {
	for len(p) > 0 {
		n := min(len(p), MaxFrame)
		if err := b.frame('M', p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return b.err
}

// Begin opens a file; Write takes its content and End closes it.
func (b *Writer) Begin(h Head) error {
	if b.open {
		return errors.New("a file is open in this bundle")
	}
	b.open, b.size = true, 0
	b.sum.Reset()
	return b.object('H', h)
}

// Write adds content to the open file.
func (b *Writer) Write(p []byte) (int, error) {
	if !b.open {
		return 0, errors.New("no file is open in this bundle")
	}
	done := 0
	for done < len(p) {
		n := min(len(p)-done, MaxFrame)
		if err := b.frame('D', p[done:done+n]); err != nil {
			return done, err
		}
		b.sum.Write(p[done : done+n])
		b.size += int64(n)
		done += n
	}
	return done, nil
}

// End closes the open file and gives its length and digest.
func (b *Writer) End() (size int64, sha string, err error) {
	if !b.open {
		return 0, "", errors.New("no file is open in this bundle")
	}
	b.open = false
	t := tail{b.size, hex.EncodeToString(b.sum.Sum(nil))}
	return t.Size, t.SHA256, b.object('E', t)
}

// Close writes J and the padding. It does not close the writer beneath.
func (b *Writer) Close(j Join) error {
	if b.open {
		return errors.New("a file is open in this bundle")
	}
	j.V = 1
	if err := b.object('J', j); err != nil {
		return err
	}
	zeros := make([]byte, MaxFrame)
	for gap := padTo(b.n) - b.n; gap > 0 && b.err == nil; {
		n := min(gap-frameTop, MaxFrame)
		if left := gap - frameTop - n; left > 0 && left < frameTop {
			n -= frameTop // what is left must hold a frame
		}
		b.frame('P', zeros[:n])
		gap -= frameTop + n
	}
	b.done = true
	return b.err
}

// File is one file as it was read from a bundle.
type File struct {
	Head
	Size   int64
	SHA256 string
	// Fault is empty when E was there and agrees with the content.
	Fault string
}

// Visitor receives a bundle as it is read.
type Visitor interface {
	// Begin gives the place of the content of a file; nil drops it.
	Begin(h Head) (io.WriteCloser, error)
	// End follows after the place was closed.
	End(f File) error
}

// Tip is what a bundle says besides the content of its files.
type Tip struct {
	Message string
	Files   []File
	Join    Join
	// Incomplete says in words what is missing; empty means that everything
	// the source sent is here.
	Incomplete string
}

// Limits of reading: a bundle is hostile input too.
const (
	maxText  = 4 << 20
	maxFiles = 10_000
)

// IsBundle says whether a plaintext begins as a bundle does; a file that
// somebody sealed by hand does not.
func IsBundle(start []byte) bool { return strings.HasPrefix(string(start), magic) }

// Read reads a bundle. What cannot be a bundle at all is an error; a bundle
// that ends early, or holds something it should not, is Incomplete and what
// came is kept. Errors of the visitor are returned as they are.
func Read(r io.Reader, v Visitor) (*Tip, error) {
	start := make([]byte, len(magic))
	if _, err := io.ReadFull(r, start); err != nil || string(start) != magic {
		return nil, errors.New("this is not a tip: it does not begin with SLTIP1")
	}
	t := &Tip{}
	s := reading{t: t, v: v, sum: sha256.New()}
	buf := make([]byte, MaxFrame)
	var head [frameTop]byte
	for {
		n, err := io.ReadFull(r, head[:])
		if errors.Is(err, io.EOF) && n == 0 {
			break
		}
		if err != nil {
			s.fault("it ends inside a frame")
			break
		}
		size := binary.BigEndian.Uint32(head[1:])
		if size > MaxFrame {
			s.fault("a frame is longer than a frame can be")
			break
		}
		if _, err := io.ReadFull(r, buf[:size]); err != nil {
			s.fault("it ends inside a frame")
			break
		}
		stop, err := s.frame(head[0], buf[:size])
		if err != nil {
			return nil, err
		}
		if stop {
			break
		}
	}
	if s.open {
		if err := s.end("the file ends early"); err != nil {
			return nil, err
		}
	}
	if !s.joined {
		s.fault("its last part did not come")
	}
	t.Message = s.text.String()
	if !utf8.ValidString(t.Message) {
		t.Message = strings.ToValidUTF8(t.Message, "\uFFFD")
	}
	return t, nil
}

type reading struct {
	t      *Tip
	v      Visitor
	open   bool
	joined bool
	head   Head
	text   strings.Builder
	to     io.WriteCloser
	sum    hash.Hash
	size   int64
}

func (s *reading) fault(why string) {
	if s.t.Incomplete == "" {
		s.t.Incomplete = why
	}
}

func (s *reading) frame(kind byte, p []byte) (stop bool, err error) {
	if s.joined {
		if kind == 'P' {
			for _, b := range p {
				if b != 0 {
					s.fault("its padding holds something")
					return true, nil
				}
			}
			return false, nil
		}
		s.fault("something follows its end")
		return true, nil
	}
	switch kind {
	case 'M':
		if s.text.Len()+len(p) > maxText {
			s.fault("its message is longer than can be read")
			return true, nil
		}
		s.text.Write(p)
	case 'H':
		if s.open {
			if err := s.end("the file ends early"); err != nil {
				return true, err
			}
			s.fault("a file was not closed")
		}
		if len(s.t.Files) >= maxFiles {
			s.fault("it holds more files than can be read")
			return true, nil
		}
		s.head = Head{}
		if json.Unmarshal(p, &s.head) != nil {
			s.fault("the name of a file cannot be read")
		}
		s.open, s.size = true, 0
		s.sum.Reset()
		s.to, err = s.v.Begin(s.head)
		return false, err
	case 'D':
		if !s.open {
			s.fault("content belongs to no file")
			return true, nil
		}
		s.sum.Write(p)
		s.size += int64(len(p))
		if s.to != nil {
			if _, err := s.to.Write(p); err != nil {
				return true, err
			}
		}
	case 'E':
		if !s.open {
			s.fault("the end of a file belongs to no file")
			return true, nil
		}
		var t tail
		why := ""
		if json.Unmarshal(p, &t) != nil || t.Size != s.size || t.SHA256 != hex.EncodeToString(s.sum.Sum(nil)) {
			why = "length or digest are not those the sender stated"
			s.fault("a file does not agree with its digest")
		}
		return false, s.end(why)
	case 'J':
		if s.open {
			s.fault("a file was not closed")
			if err := s.end("the file ends early"); err != nil {
				return true, err
			}
		}
		if json.Unmarshal(p, &s.t.Join) != nil {
			s.fault("its last part cannot be read")
			return true, nil
		}
		s.joined = true
	default:
		s.fault("it holds a kind of frame that does not exist")
		return true, nil
	}
	return false, nil
}

func (s *reading) end(why string) error {
	s.open = false
	if s.to != nil {
		if err := s.to.Close(); err != nil {
			return err
		}
	}
	f := File{s.head, s.size, hex.EncodeToString(s.sum.Sum(nil)), why}
	s.t.Files = append(s.t.Files, f)
	return s.v.End(f)
}

// BaseName is the last part of a name by either kind of slash, without what
// could steer a terminal, a file system or a reader: control and format
// characters, leading dots and blanks. It may be empty.
func BaseName(name string) string {
	name = strings.ToValidUTF8(name, "")
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`/:*?"<>|`, r) {
			return -1
		}
		return r
	}, name)
	name = strings.TrimRight(strings.TrimLeft(name, ". "), ". ")
	for len(name) > 180 {
		ext := path.Ext(name)
		if len(ext) > 16 {
			ext = ""
		}
		stem := []rune(strings.TrimSuffix(name, ext))
		name = string(stem[:len(stem)-1]) + ext
	}
	return name
}
