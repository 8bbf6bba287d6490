package warc

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
)

// Field is one line of a record's head.
type Field struct{ Name, Value string }

// Fields are the lines of a head in their order.
type Fields []Field

// Get returns the first value of a name, whatever its case; "" when absent.
func (f Fields) Get(name string) string {
	for _, x := range f {
		if strings.EqualFold(x.Name, name) {
			return x.Value
		}
	}
	return ""
}

// Draft is a record to be written.
type Draft struct {
	Type   string // warcinfo, request, response, resource, metadata
	ID     string // UUID; "" makes one
	URI    string // WARC-Target-URI
	Date   time.Time
	Mime   string // of the block
	Block  io.ReadSeeker
	Extra  Fields    // further lines, such as WARC-Concurrent-To
	Entity *[32]byte // SHA-256 of the payload; nil: none is written
}

// Placed says where a record stands in the file.
type Placed struct {
	ID     string
	Offset int64
	Length int64
	Block  string // SHA-256 of the block, hex
	Entity string // SHA-256 of the payload, hex; "" without
}

// Writer writes records, each in a gzip member of its own, so that an index
// can point at them. The same drafts give the same bytes.
type Writer struct {
	w  io.Writer
	at int64
}

// NewWriter writes to w from its present position, which counts as 0.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// NewID is a fresh UUID (version 4).
func NewID() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // the system has no randomness
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// URN is how a record is named by another.
func URN(id string) string { return "<urn:uuid:" + id + ">" }

// Label writes a SHA-256 as WARC files carry digests.
func Label(sum [32]byte) string {
	return "sha256:" + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])
}

// Date writes a time as WARC 1.1 does, in milliseconds.
func Date(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Write appends one record.
func (w *Writer) Write(d Draft) (Placed, error) {
	if d.ID == "" {
		d.ID = NewID()
	}
	size, block, err := sum(d.Block)
	if err != nil {
		return Placed{}, fmt.Errorf("failed to read what is to be archived: %w", err)
	}
	p := Placed{ID: d.ID, Offset: w.at, Block: hex.EncodeToString(block[:])}
	var h bytes.Buffer
	line := func(k, v string) {
		if v != "" {
			fmt.Fprintf(&h, "%s: %s\r\n", k, oneLine(v))
		}
	}
	h.WriteString("WARC/1.1\r\n")
	line("WARC-Type", d.Type)
	line("WARC-Record-ID", URN(d.ID))
	line("WARC-Target-URI", d.URI)
	line("WARC-Date", Date(d.Date))
	for _, f := range d.Extra {
		line(f.Name, f.Value)
	}
	line("WARC-Block-Digest", Label(block))
	if d.Entity != nil {
		p.Entity = hex.EncodeToString(d.Entity[:])
		line("WARC-Payload-Digest", Label(*d.Entity))
	}
	line("Content-Type", d.Mime)
	fmt.Fprintf(&h, "Content-Length: %d\r\n\r\n", size)

	count := &counter{w: w.w}
	z, err := gzip.NewWriterLevel(count, 6)
	if err != nil {
		return p, err
	}
	for _, r := range []io.Reader{&h, d.Block, strings.NewReader("\r\n\r\n")} {
		if _, err := io.Copy(z, r); err != nil {
			return p, fmt.Errorf("failed to write a record of the web archive: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return p, fmt.Errorf("failed to write a record of the web archive: %w", err)
	}
	p.Length = count.n
	w.at += count.n
	return p, nil
}

// sum reads r to its end for its size and digest, and goes back to the start.
func sum(r io.ReadSeeker) (int64, [32]byte, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err == nil {
		_, err = r.Seek(0, io.SeekStart)
	}
	return n, [32]byte(h.Sum(nil)), err
}

// oneLine keeps a value from becoming a second line of the head.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
