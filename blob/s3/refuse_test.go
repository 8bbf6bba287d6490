package s3

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"sightline"
	"sightline/blob/blobtest"
	"sightline/digest"
)

// meddler changes what passes between us and the store.
type meddler struct {
	answer func(*http.Request) *http.Response // nil: pass on
	change func(*http.Request, *http.Response)
}

func (m *meddler) RoundTrip(r *http.Request) (*http.Response, error) {
	if m.answer != nil {
		if a := m.answer(r); a != nil {
			return a, nil
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && m.change != nil {
		m.change(r, resp)
	}
	return resp, err
}

func answer(r *http.Request, status int, code string) *http.Response {
	body := "<Error><Code>" + code + "</Code><Message>of the test</Message></Error>"
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/xml"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

func TestRefusals(t *testing.T) {
	s := blobtest.StartS3(t)
	m := &meddler{}
	b := bucket(t, s, Options{Transport: m, Retries: 1})
	data := bytes.Repeat([]byte("evidence "), 100000)
	put := func() error { _, err := b.Put(ctx, bytes.NewReader(data)); return err }
	puts := func(status int, code string) func(*http.Request) *http.Response {
		return func(r *http.Request) *http.Response {
			if r.Method == http.MethodPut {
				return answer(r, status, code)
			}
			return nil
		}
	}
	for _, c := range []struct {
		name, words string
		status      int
		code        string
		want        error
	}{
		{"a key without permission", "does not let this key in", 403, "AccessDenied", sightline.ErrDenied},
		{"a full bucket", "no space left", 507, "XMinioStorageFull", sightline.ErrFull},
		{"a busy store", "cannot answer now", 503, "SlowDown", nil},
		{"changed on the way", "changed on the way", 400, "BadDigest", sightline.ErrDamaged},
		{"a clock that is wrong", "set the clock", 403, "RequestTimeTooSkewed", sightline.ErrDenied},
	} {
		m.answer = puts(c.status, c.code)
		err := put()
		if err == nil || !strings.Contains(err.Error(), c.words) || c.want != nil && !errors.Is(err, c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s gives %v", c.name, err)
		}
		m.answer = nil
		if _, err := b.Stat(ctx, digest.Of(data)); !errors.Is(err, sightline.ErrNotFound) {
			t.Errorf("%s left a blob: %v", c.name, err)
		}
	}
	// The cause is gone: it works without hands.
	if err := put(); err != nil {
		t.Fatal(err)
	}

	// An answer that breaks off is gone on with; one that always does is told.
	cuts := 2
	m.change = func(r *http.Request, resp *http.Response) {
		if r.Method == http.MethodGet && r.Header.Get("Range") != "" && cuts > 0 {
			cuts--
			resp.Body = struct {
				io.Reader
				io.Closer
			}{io.LimitReader(resp.Body, 1000), resp.Body}
		}
	}
	read := func() ([]byte, error) {
		r, err := b.Open(ctx, digest.Of(data))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	if got, err := read(); err != nil || !bytes.Equal(got, data) {
		t.Errorf("an answer cut twice gave %d bytes, %v", len(got), err)
	}
	m.change = func(r *http.Request, resp *http.Response) {
		if r.Method == http.MethodGet && r.Header.Get("Range") != "" {
			resp.Body = struct {
				io.Reader
				io.Closer
			}{io.LimitReader(resp.Body, 0), resp.Body}
		}
	}
	if got, err := read(); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "broke off at byte") {
		t.Errorf("an answer that is always cut gave %d bytes, %v", len(got), err)
	}
	m.change = nil

	// A strange key, a bucket and a store that are not there.
	if _, err := Open(ctx, b.Address(), Options{Credentials: credentials.NewStaticV4("stranger", "stranger-secret", ""), Retries: 1}); !errors.Is(err, sightline.ErrDenied) {
		t.Errorf("a strange key: %v (%s, %d)", err, minio.ToErrorResponse(err).Code, minio.ToErrorResponse(err).StatusCode)
	}
	a := b.Address()
	a.Bucket = "absent-bucket"
	if _, err := Open(ctx, a, Options{Retries: 1}); !errors.Is(err, sightline.ErrNotFound) {
		t.Errorf("a bucket that is not there: %v", err)
	}
	s.Stop()
	if _, err := Open(ctx, b.Address(), Options{Retries: 1}); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("a store that is not there: %v", err)
	}
	s.Start(t)
	if _, err := b.Stat(ctx, digest.Of(data)); err != nil {
		t.Errorf("after the store is back: %v", err)
	}
	for _, s := range []string{"http://x", "s3://", "s3://key:secret@bucket", "s3://B", "s3://bucket?endpoint=ftp://x"} {
		if _, err := ParseAddress(s); !errors.Is(err, sightline.ErrInvalid) {
			t.Errorf("%s gives %v", s, err)
		}
	}
}

// TestReplace: bytes that were changed in the bucket are not taken for the blob,
// and good ones can be put back.
func TestReplace(t *testing.T) {
	s := blobtest.StartS3(t)
	b := bucket(t, s, Options{Scratch: t.TempDir()})
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<17) // 2 MiB
	blob, err := b.Put(ctx, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.Dir, "data", b.Address().Bucket, filepath.FromSlash(b.Key(blob.Digest)))
	if err := os.WriteFile(file, []byte("cut"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(ctx, bytes.NewReader(data)); !errors.Is(err, sightline.ErrDamaged) {
		t.Errorf("a blob that is cut in the bucket: %v", err)
	}
	if _, err := b.Replace(ctx, blob.Digest, strings.NewReader("others")); !errors.Is(err, sightline.ErrDamaged) {
		t.Errorf("other bytes in its place: %v", err)
	}
	if n, err := b.Replace(ctx, blob.Digest, bytes.NewReader(data)); err != nil || n != int64(len(data)) {
		t.Errorf("Replace gave %d, %v", n, err)
	}
	r, err := b.Open(ctx, blob.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
}
