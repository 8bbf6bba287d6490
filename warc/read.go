package warc

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/md5"  // only to check what an archive says of itself
	"crypto/sha1" // likewise
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// Record is one record of an archive while it is being looked at.
type Record struct {
	Number  int    // from 1
	Offset  int64  // of the record, or of the gzip member that holds it
	Length  int64  // of the same, in the file; 0 where several share one member
	Version string // WARC/1.1, ARC
	Type    string
	ID      string // UUID, or what stands there
	URI     string
	Date    time.Time // zero when it cannot be read
	Mime    string
	Head    Fields
	Size    int64         // of the block as it is here
	Block   io.ReadSeeker // valid until the next record
	Cut     bool          // the file ends inside the block
}

// Fault is damage: where, and what.
type Fault struct {
	Record int    `json:"record"` // number of the record, from 1; 0: between records
	Offset int64  `json:"offset"` // in the file as it lies there
	What   string `json:"what"`
	Warn   bool   `json:"warning,omitempty"` // odd, but nothing is lost
}

func (f Fault) String() string {
	if f.Record == 0 {
		return fmt.Sprintf("at byte %d: %s", f.Offset, f.What)
	}
	return fmt.Sprintf("record %d at byte %d: %s", f.Record, f.Offset, f.What)
}

// Limits bound what an archive may make of itself. Zero fields take the
// defaults: 20 GiB in all, 4 GiB in one record, 200 times the size of the file
// after the first 10 MiB, 100,000 records.
type Limits struct {
	Total, Record int64
	Ratio         int64
	Records       int
}

func (l Limits) filled() Limits {
	if l.Total == 0 {
		l.Total = 20 << 30
	}
	if l.Record == 0 {
		l.Record = 4 << 30
	}
	if l.Ratio == 0 {
		l.Ratio = 200
	}
	if l.Records == 0 {
		l.Records = 100_000
	}
	return l
}

// ErrLimit: the archive makes more of itself than allowed.
var ErrLimit = errors.New("the archive is larger inside than allowed")

const (
	maxHead   = 64 << 10
	inMemory  = 1 << 20 // a larger block is kept in a temporary file
	maxFaults = 1000
)

// Scan reads every record of a WARC or ARC file, plain or gzip, and calls fn
// for each. Damage is collected; an error is only what fn or the file system
// says, or [ErrLimit].
func Scan(r io.ReaderAt, size int64, lim Limits, fn func(*Record) error) ([]Fault, error) {
	s := &scanner{r: r, size: size, lim: lim.filled(), fn: fn}
	defer s.drop()
	var head [2]byte
	if _, err := r.ReadAt(head[:], 0); err != nil && err != io.EOF {
		return nil, err
	}
	var err error
	if head == [2]byte{0x1f, 0x8b} {
		err = s.members()
	} else {
		err = s.stream(newCounted(io.NewSectionReader(r, 0, size)), 0, false)
	}
	return s.faults, err
}

type scanner struct {
	r      io.ReaderAt
	size   int64
	lim    Limits
	fn     func(*Record) error
	n      int
	out    int64
	faults []Fault
	spool  *os.File
	arc    bool
}

func (s *scanner) drop() {
	if s.spool != nil {
		s.spool.Close()
		os.Remove(s.spool.Name())
	}
}

func (s *scanner) fault(record int, at int64, warn bool, format string, args ...any) {
	if len(s.faults) < maxFaults {
		s.faults = append(s.faults, Fault{record, at, fmt.Sprintf(format, args...), warn})
	}
}

// counted is a buffered reader that knows how far it was read.
type counted struct {
	b *bufio.Reader
	n int64
}

func newCounted(r io.Reader) *counted { return &counted{b: bufio.NewReaderSize(r, 32<<10)} }

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.b.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *counted) ReadByte() (byte, error) {
	b, err := c.b.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

// members walks the gzip members of a file. After damage it looks for the
// next member.
func (s *scanner) members() error {
	for at := int64(0); at < s.size; {
		src := newCounted(io.NewSectionReader(s.r, at, s.size-at))
		z, err := gzip.NewReader(src)
		if err != nil {
			what := "these bytes are no gzip member"
			next := s.nextMember(at + 1)
			if next < 0 {
				s.fault(0, at, false, "%s; %d bytes to the end of the file are not read", what, s.size-at)
				return nil
			}
			s.fault(0, at, false, "%s; %d bytes are passed over", what, next-at)
			at = next
			continue
		}
		z.Multistream(false)
		was := s.n
		first := len(s.faults)
		last := &held{}
		if err := s.inMember(z, at, last); err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, z)
		end := at + src.n
		if err == nil && last.rec != nil && last.rec.Cut && end < s.size {
			// Some writers began a member in the middle of a record: the rest
			// of the file is read as one stream.
			s.n, s.faults = last.rec.Number-1, s.faults[:first]
			s.fault(last.rec.Number, at, true, "the record goes on in the next gzip member; from here on the file is read as one stream")
			return s.joined(at)
		}
		if s.n == was+1 && last.rec != nil {
			last.rec.Length = end - at
		}
		if last.rec != nil {
			if err := s.give(last); err != nil {
				return err
			}
		}
		if s.n > was+1 {
			s.fault(0, at, true, "one gzip member holds %d records; the format asks for one each", s.n-was)
		}
		if err != nil {
			if len(s.faults) == first {
				s.fault(s.n, at, false, "the gzip member is damaged: %v", plainError(err))
			}
			next := s.nextMember(at + 1)
			if next < 0 {
				return nil
			}
			at = next
			continue
		}
		at = end
	}
	return nil
}

// joined reads the rest of the file as one gzip stream of several members.
func (s *scanner) joined(at int64) error {
	z, err := gzip.NewReader(newCounted(io.NewSectionReader(s.r, at, s.size-at)))
	if err != nil {
		return err
	}
	h := &held{}
	if err := s.records(newCounted(z), at, true, h); err != nil {
		return err
	}
	if h.rec != nil {
		if err := s.give(h); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, z); err != nil {
		s.fault(0, at, false, "the gzip stream is damaged: %v", plainError(err))
	}
	return nil
}

func plainError(err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "it ends early"
	}
	return strings.TrimPrefix(err.Error(), "gzip: ")
}

// nextMember finds the next gzip member with the deflate method from a place on.
func (s *scanner) nextMember(from int64) int64 {
	buf := make([]byte, 64<<10)
	for at := from; at < s.size; {
		n, err := s.r.ReadAt(buf, at)
		if i := bytes.Index(buf[:n], []byte{0x1f, 0x8b, 0x08}); i >= 0 {
			return at + int64(i)
		}
		if err != nil || n < 3 {
			return -1
		}
		at += int64(n) - 2
	}
	return -1
}

// held is the last record of a member, given on when its length is known.
type held struct {
	rec *Record
}

func (s *scanner) give(h *held) error {
	r := h.rec
	h.rec = nil
	s.digest(r)
	if _, err := r.Block.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return s.fn(r)
}

func (s *scanner) inMember(z io.Reader, at int64, h *held) error {
	return s.records(newCounted(z), at, true, h)
}

func (s *scanner) stream(c *counted, base int64, member bool) error {
	h := &held{}
	if err := s.records(c, base, member, h); err != nil {
		return err
	}
	if h.rec != nil {
		return s.give(h)
	}
	return nil
}

// line reads a line of at most maxHead bytes, without its end.
func (c *counted) line() (string, error) {
	var b []byte
	for {
		x, err := c.ReadByte()
		if err != nil {
			if len(b) > 0 && err == io.EOF {
				return string(b), io.ErrUnexpectedEOF
			}
			return string(b), err
		}
		if x == '\n' {
			return strings.TrimSuffix(string(b), "\r"), nil
		}
		if b = append(b, x); len(b) > maxHead {
			return string(b), errLong
		}
	}
}

var errLong = errors.New("a line of the head is too long")

// records reads one record after another from c. In a member all of them
// stand at the member's place.
func (s *scanner) records(c *counted, base int64, member bool, h *held) error {
	place := func(n int64) int64 {
		if member {
			return base
		}
		return base + n
	}
	lost := int64(-1) // where the passed-over bytes begin
	for {
		start := c.n
		l, err := c.line()
		if l == "" && err == nil {
			continue
		}
		if l == "" || err != nil && err != io.ErrUnexpectedEOF && err != errLong {
			if err == io.EOF || err == nil || member {
				if lost >= 0 {
					s.fault(0, lost, false, "%d bytes are no record", c.n-lost)
				}
				return nil // what damaged the member is reported by its reader
			}
			return err
		}
		isWARC := strings.HasPrefix(l, "WARC/0.") || strings.HasPrefix(l, "WARC/1.")
		var arc Fields
		if !isWARC {
			arc = s.arcHead(l)
		}
		if !isWARC && arc == nil {
			if lost < 0 {
				lost = place(start)
				s.fault(0, lost, false, "no record begins here")
			}
			if err != nil && err != errLong {
				return nil
			}
			continue
		}
		lost = -1
		if h.rec != nil {
			if !member && h.rec.Length == 0 {
				h.rec.Length = place(start) - h.rec.Offset
			}
			if err := s.give(h); err != nil {
				return err
			}
		}
		if s.n++; s.n > s.lim.Records {
			return fmt.Errorf("%w: more than %d records", ErrLimit, s.lim.Records)
		}
		rec := &Record{Number: s.n, Offset: place(start), Version: l}
		length := int64(-1)
		if isWARC {
			if !s.warcHead(c, rec, member) {
				continue
			}
			if n, err := strconv.ParseInt(strings.TrimSpace(rec.Head.Get("Content-Length")), 10, 64); err == nil && n >= 0 {
				length = n
			}
		} else {
			rec.Version, rec.Head = "ARC", arc
			rec.Type, rec.URI, rec.Mime = "response", arc.Get("url"), arc.Get("type")
			if strings.HasPrefix(rec.URI, "filedesc:") {
				rec.Type = "warcinfo"
			} else if !strings.HasPrefix(rec.URI, "http") {
				rec.Type = "resource"
			}
			rec.Date, _ = time.Parse("20060102150405", arc.Get("date"))
			length, _ = strconv.ParseInt(arc.Get("length"), 10, 64)
		}
		if length < 0 {
			s.fault(rec.Number, rec.Offset, false, "the record does not say how long it is")
			continue
		}
		if length > s.lim.Record {
			return fmt.Errorf("%w: record %d says it has %d bytes", ErrLimit, rec.Number, length)
		}
		if err := s.block(c, rec, length); err != nil {
			return err
		}
		if !member {
			rec.Length = 0
		}
		h.rec = rec
		if rec.Cut {
			s.fault(rec.Number, rec.Offset, false, "the block has %d of %d bytes; what is there was kept", rec.Size, length)
			return nil
		}
		if !member {
			rec.Length = base + c.n - rec.Offset
		}
	}
}

func (s *scanner) warcHead(c *counted, rec *Record, member bool) bool {
	total := 0
	for {
		l, err := c.line()
		if err != nil {
			s.fault(rec.Number, rec.Offset, false, "the head of the record ends early")
			return false
		}
		if l == "" {
			break
		}
		if total += len(l); total > maxHead {
			s.fault(rec.Number, rec.Offset, false, "the head of the record is longer than %d bytes", maxHead)
			return false
		}
		if (l[0] == ' ' || l[0] == '\t') && len(rec.Head) > 0 {
			rec.Head[len(rec.Head)-1].Value += " " + strings.TrimSpace(l)
			continue
		}
		k, v, ok := strings.Cut(l, ":")
		if !ok {
			s.fault(rec.Number, rec.Offset, true, "a line of the head is no field")
			continue
		}
		rec.Head = append(rec.Head, Field{strings.TrimSpace(k), strings.TrimSpace(v)})
	}
	rec.Type = strings.ToLower(rec.Head.Get("WARC-Type"))
	rec.ID = strings.TrimSuffix(strings.TrimPrefix(rec.Head.Get("WARC-Record-ID"), "<urn:uuid:"), ">")
	rec.Mime = rec.Head.Get("Content-Type")
	rec.URI = rec.Head.Get("WARC-Target-URI")
	if n := len(rec.URI); n > 2 && rec.URI[0] == '<' && rec.URI[n-1] == '>' {
		rec.URI = rec.URI[1 : n-1] // old wget
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02"} {
		if t, err := time.Parse(layout, rec.Head.Get("WARC-Date")); err == nil {
			rec.Date = t.UTC()
			break
		}
	}
	return true
}

// arcHead reads the line that begins a record of an ARC file: URL, address,
// date, type, length (version 1), with code, checksum and others before the
// length in version 2. Nil when it is none. A URL may hold spaces.
func (s *scanner) arcHead(l string) Fields {
	f := strings.Fields(l)
	if len(f) < 5 || !strings.Contains(f[0], ":") {
		return nil
	}
	n := len(f)
	if _, err := strconv.ParseInt(f[n-1], 10, 64); err != nil {
		return nil
	}
	for i := n - 3; i >= 2; i-- { // the date is fourteen digits; the address stands before it
		if len(f[i]) == 14 && digits(f[i]) {
			s.arc = true
			return Fields{{"url", strings.Join(f[:i-1], " ")}, {"ip", f[i-1]}, {"date", f[i]}, {"type", f[i+1]}, {"length", f[n-1]}}
		}
	}
	return nil
}

func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// block copies the block of a record to where it can be read again.
func (s *scanner) block(c *counted, rec *Record, length int64) error {
	left := min(length, s.lim.Total-s.out)
	if s.out > 10<<20 {
		left = min(left, max(s.size*s.lim.Ratio-s.out, 0))
	} else {
		left = min(left, max(s.size*s.lim.Ratio, 10<<20))
	}
	var got int64
	var err error
	if length <= inMemory {
		b := make([]byte, 0, min(length, 64<<10))
		buf := bytes.NewBuffer(b)
		got, err = io.Copy(buf, io.LimitReader(c, left))
		rec.Block = bytes.NewReader(buf.Bytes())
	} else {
		if s.spool == nil {
			if s.spool, err = os.CreateTemp("", "warc-*"); err != nil {
				return fmt.Errorf("failed to make room for a record: %w", err)
			}
		}
		if err = s.spool.Truncate(0); err == nil {
			_, err = s.spool.Seek(0, io.SeekStart)
		}
		if err != nil {
			return err
		}
		src := &readErr{r: io.LimitReader(c, left)}
		got, err = io.Copy(s.spool, src)
		if err != nil && src.err == nil {
			return fmt.Errorf("failed to make room for a record: %w", err)
		}
		rec.Block = io.NewSectionReader(s.spool, 0, got)
	}
	s.out += got
	if got == left && left < length {
		return fmt.Errorf("%w: %d bytes came out of %d", ErrLimit, s.out, s.size)
	}
	rec.Size, rec.Cut = got, got < length
	return nil
}

type readErr struct {
	r   io.Reader
	err error
}

func (r *readErr) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// digest checks what a record says about its own bytes.
func (s *scanner) digest(rec *Record) {
	if rec.Cut {
		return
	}
	check := func(name string, bodies ...func() io.Reader) {
		said := rec.Head.Get(name)
		if said == "" {
			return
		}
		algo, value, ok := strings.Cut(said, ":")
		var new func() hash.Hash
		switch strings.ToLower(algo) {
		case "sha1", "sha-1":
			new = sha1.New
		case "sha256", "sha-256":
			new = sha256.New
		case "sha512", "sha-512":
			new = sha512.New
		case "md5":
			new = md5.New
		}
		if !ok || new == nil {
			s.fault(rec.Number, rec.Offset, true, "%s is of a kind that is not known here: %.40q", name, said)
			return
		}
		for _, body := range bodies {
			r := body()
			if r == nil {
				continue
			}
			h := new()
			if _, err := io.Copy(h, r); err != nil {
				continue
			}
			if sameDigest(h.Sum(nil), value) {
				return
			}
		}
		s.fault(rec.Number, rec.Offset, false, "the bytes are not those of %s", name)
	}
	whole := func() io.Reader {
		if _, err := rec.Block.Seek(0, io.SeekStart); err != nil {
			return nil
		}
		return rec.Block
	}
	check("WARC-Block-Digest", whole)
	if rec.Type == "revisit" {
		return // the payload stands in another record
	}
	raw := func() io.Reader {
		if !strings.HasPrefix(rec.Mime, "application/http") {
			return whole()
		}
		if _, body, err := SplitHTTP(whole()); err == nil {
			return body
		}
		return nil
	}
	check("WARC-Payload-Digest", raw, func() io.Reader {
		if !strings.HasPrefix(rec.Mime, "application/http") {
			return nil
		}
		if m, err := ReadHTTP(whole()); err == nil {
			return m.Body
		}
		return nil
	})
}

// sameDigest compares with a value in base 32 (the custom), 16 or 64.
func sameDigest(sum []byte, value string) bool {
	v := strings.TrimRight(strings.TrimSpace(value), "=")
	return strings.EqualFold(v, hex.EncodeToString(sum)) ||
		strings.EqualFold(v, base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum)) ||
		v == base64.RawStdEncoding.EncodeToString(sum) || v == base64.RawURLEncoding.EncodeToString(sum)
}
