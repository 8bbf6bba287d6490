package warc

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"strings"
)

// Message is one HTTP request or response of a record.
type Message struct {
	First  string // the status or request line
	Status int    // of a response; 0 in a request
	Head   Fields
	Body   io.Reader // the entity: transfer coding removed, content coding not
	Notes  []string
}

var errHTTP = errors.New("this is no HTTP message")

// SplitHTTP separates the head of a message from its body as it was sent.
func SplitHTTP(r io.Reader) (head []byte, body io.Reader, err error) {
	if r == nil {
		return nil, nil, errHTTP
	}
	b := bufio.NewReader(r)
	for len(head) <= maxHead {
		l, err := b.ReadSlice('\n')
		head = append(head, l...)
		if err != nil {
			return head, nil, errHTTP
		}
		if t := strings.TrimRight(string(l), "\r\n"); t == "" {
			return head, b, nil
		}
	}
	return nil, nil, errHTTP
}

// ReadHTTP reads a message. A head that promises chunks before a body that has
// none is common in archives; the body is then what is there.
func ReadHTTP(r io.Reader) (*Message, error) {
	head, body, err := SplitHTTP(r)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.ReplaceAll(string(head), "\r\n", "\n"), "\n")
	m := &Message{First: lines[0], Body: body}
	if strings.HasPrefix(m.First, "HTTP/") {
		f := strings.Fields(m.First)
		if len(f) < 2 {
			return nil, errHTTP
		}
		if m.Status, err = strconv.Atoi(f[1]); err != nil {
			return nil, errHTTP
		}
	}
	for _, l := range lines[1:] {
		if k, v, ok := strings.Cut(l, ":"); ok {
			m.Head = append(m.Head, Field{textproto.TrimString(k), textproto.TrimString(v)})
		}
	}
	if strings.Contains(strings.ToLower(m.Head.Get("Transfer-Encoding")), "chunked") {
		b, ok := body.(*bufio.Reader)
		if !ok {
			b = bufio.NewReader(body)
		}
		if p, _ := b.Peek(20); chunkHead(p) {
			m.Body = &chunks{b: b}
		} else {
			m.Body = b
			m.Notes = append(m.Notes, "the head promises chunks, the body has none; it is read as it is")
		}
	}
	return m, nil
}

// chunkHead reports whether p begins as the size of a chunk.
func chunkHead(p []byte) bool {
	l, _, ok := bytes.Cut(p, []byte("\n"))
	if !ok && len(p) >= 20 {
		l = p
	}
	s, _, _ := strings.Cut(strings.TrimSpace(string(l)), ";")
	_, err := strconv.ParseUint(strings.TrimSpace(s), 16, 62)
	return err == nil
}

// chunks removes the chunked coding and passes on what is there when the
// coding breaks.
type chunks struct {
	b    *bufio.Reader
	left int64
	done bool
}

func (c *chunks) Read(p []byte) (int, error) {
	for c.left == 0 && !c.done {
		l, err := c.b.ReadSlice('\n')
		if err != nil {
			c.done = true
			break
		}
		s, _, _ := strings.Cut(strings.TrimSpace(string(l)), ";")
		if s == "" {
			continue // the end of the chunk before
		}
		n, err := strconv.ParseInt(strings.TrimSpace(s), 16, 62)
		if err != nil || n < 0 {
			c.done = true
			break
		}
		if n == 0 {
			c.done = true
		}
		c.left = n
	}
	if c.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.b.Read(p)
	c.left -= int64(n)
	if err == io.EOF {
		c.done, c.left = true, 0
		if n > 0 {
			err = nil
		}
	}
	return n, err
}

// Decoded removes the content coding of a message's body, as far as it is
// known here. What is coded otherwise is given as it is, with the name of the
// coding.
func (m *Message) Decoded() (r io.Reader, left string, err error) {
	codings := strings.Split(strings.ToLower(m.Head.Get("Content-Encoding")), ",")
	r = m.Body
	for i := len(codings) - 1; i >= 0; i-- {
		switch c := strings.TrimSpace(codings[i]); c {
		case "", "identity":
		case "gzip", "x-gzip":
			b := bufio.NewReader(r)
			if p, _ := b.Peek(2); !bytes.Equal(p, []byte{0x1f, 0x8b}) {
				r = b // already removed by the program that wrote the archive
				continue
			}
			z, err := gzip.NewReader(b)
			if err != nil {
				return nil, "", fmt.Errorf("the gzip coding of the body is damaged: %w", err)
			}
			r = z
		case "deflate":
			b := bufio.NewReader(r)
			if p, _ := b.Peek(2); len(p) == 2 && p[0]&0x0f == 8 && (int(p[0])<<8+int(p[1]))%31 == 0 {
				z, err := zlib.NewReader(b)
				if err != nil {
					return nil, "", fmt.Errorf("the deflate coding of the body is damaged: %w", err)
				}
				r = z
			} else {
				r = flate.NewReader(b)
			}
		default:
			return r, c, nil
		}
	}
	return r, "", nil
}
