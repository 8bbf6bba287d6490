package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	"github.com/minio/minio-go/v7"

	"sightline"
	"sightline/digest"
)

// Open opens a blob for reading. ctx has to last as long as the reader.
func (b *Bucket) Open(ctx context.Context, g digest.Digest) (sightline.BlobReader, error) {
	st, err := b.Stat(ctx, g)
	if err != nil {
		return nil, err
	}
	return &reader{ctx: ctx, b: b, g: g, size: st.Size}, nil
}

// reader reads a blob in two ways: Read keeps one answer open and goes on from
// where it stands; ReadAt asks for a range of its own.
type reader struct {
	ctx  context.Context
	b    *Bucket
	g    digest.Digest
	size int64

	pos  int64
	body io.ReadCloser // from pos on; nil where none is open

	mu    sync.Mutex // over block, which ReadAt shares between goroutines
	block []byte
	from  int64
}

// blockSize is how much ReadAt fetches at least: a decoder asks for a few bytes
// at a time, and a request costs far more than they do.
const blockSize = 256 << 10

// tries is how often a read that was cut off goes on from where it stopped.
const tries = 4

func (r *reader) Size() int64 { return r.size }

// get asks for the bytes from..to-1.
func (r *reader) get(from, to int64) (io.ReadCloser, error) {
	var o minio.GetObjectOptions
	if err := o.SetRange(from, to-1); err != nil {
		return nil, err
	}
	body, _, _, err := r.b.core.GetObject(r.ctx, r.b.addr.Bucket, r.b.Key(r.g), o)
	if err != nil {
		return nil, r.b.about(r.g, err)
	}
	return body, nil
}

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for try := 1; ; try++ {
		if r.pos >= r.size {
			return 0, io.EOF
		}
		err := r.ctx.Err()
		if err != nil {
			return 0, err
		}
		if r.body == nil {
			if r.body, err = r.get(r.pos, r.size); err != nil {
				return 0, err
			}
		}
		n, err := r.body.Read(p[:min(int64(len(p)), r.size-r.pos)])
		r.pos += int64(n)
		if err != nil {
			r.drop()
		}
		if n > 0 {
			return n, nil
		}
		// The store ended its answer too early. Go on where it stopped; what
		// was read is checked against the digest by whoever needs to know.
		if err != nil && try == tries {
			return 0, r.cut(err)
		}
	}
}

func (r *reader) cut(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("the bucket %s broke off at byte %d of %d of blob %s, %d times: %w", r.b.addr, r.pos, r.size, r.g, tries, err)
}

func (r *reader) drop() {
	if r.body != nil {
		r.body.Close()
		r.body = nil
	}
}

func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	case io.SeekStart:
	default:
		return 0, errors.New("seek from an unknown place")
	}
	if offset < 0 {
		return 0, errors.New("seek before the first byte of a blob")
	}
	if offset != r.pos {
		r.drop()
		r.pos = offset
	}
	return offset, nil
}

func (r *reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("read before the first byte of a blob")
	}
	n := 0
	for n < len(p) {
		if off >= r.size {
			return n, io.EOF
		}
		k, err := r.readBlock(p[n:], off)
		n, off = n+k, off+int64(k)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// readBlock reads from the block that is here, or fetches the one that begins
// at off.
func (r *reader) readBlock(p []byte, off int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := off - r.from; i >= 0 && i < int64(len(r.block)) {
		return copy(p, r.block[i:]), nil
	}
	want := min(max(blockSize, int64(len(p))), r.size-off)
	block := make([]byte, want)
	got := int64(0)
	for try := 1; got < want; try++ {
		body, err := r.get(off+got, off+want)
		if err != nil {
			return 0, err
		}
		n, err := io.ReadFull(body, block[got:])
		body.Close()
		got += int64(n)
		if err != nil && try == tries {
			return 0, r.cut(err)
		}
	}
	r.block, r.from = block, off
	return copy(p, block), nil
}

func (r *reader) Close() error {
	r.drop()
	return nil
}

// full adds ErrFull to the errors of a full disk.
func full(err error) error {
	if err != nil && (errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)) {
		return fmt.Errorf("%w: %w", sightline.ErrFull, err)
	}
	return err
}

// onlyWriter hides ReadFrom, so that the bytes pass through the hash.
type onlyWriter struct{ io.Writer }

type limitedReader struct {
	ctx  context.Context
	r    io.Reader
	left int64
	on   bool
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if err := l.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.on && l.left < 0 {
		return 0, fmt.Errorf("the file is larger than the quota: %w", sightline.ErrFull)
	}
	return n, err
}
