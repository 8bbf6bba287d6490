// Package s3 keeps blobs in a bucket of an S3 store, for a team whose server
// and workers run on several machines.
//
// It exists because bytes outgrow one machine long before rows do. A blob lies
// at sha256/ab/cd/<64 hex> below the prefix, as in a folder of package
// blob/dir, so that any program that copies a bucket into a folder makes
// something that a case folder can hold.
//
// Put acknowledges nothing before it is safe: the bytes are hashed on this
// machine, sent with their SHA-256 so that the store refuses others, under the
// condition that nothing lies at the address yet (If-None-Match: *), and asked
// for once more (HEAD). The row and the custody entry follow in the store's
// transaction.
//
// The address is
//
//	s3://bucket/prefix?endpoint=https://host:port&region=name
//
// Keys come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
// AWS_SESSION_TOKEN) or from the credentials file of the AWS tools, never from
// the address, which ends up in process lists.
//
// The next package on the road is archive, which joins blobs and store.
package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"sightline"
	"sightline/digest"
)

// Address says which bucket of which store.
type Address struct {
	Bucket, Prefix string // Prefix is "" or ends in "/"
	Endpoint       string // host and port
	Secure         bool   // TLS
	Region         string
}

// ParseAddress reads an address.
func ParseAddress(s string) (Address, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "s3" || u.Host == "" {
		return Address{}, fmt.Errorf("the address of the bucket is not s3://bucket/prefix?endpoint=https://host: %w", sightline.ErrInvalid)
	}
	if u.User != nil {
		return Address{}, fmt.Errorf("the address of the bucket holds a key, which everybody on this machine could read; give it as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: %w", sightline.ErrInvalid)
	}
	if err := s3utils.CheckValidBucketNameStrict(u.Host); err != nil {
		return Address{}, fmt.Errorf("%q cannot be the name of a bucket (%v): %w", u.Host, err, sightline.ErrInvalid)
	}
	a := Address{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/"), Endpoint: "s3.amazonaws.com", Secure: true, Region: u.Query().Get("region")}
	if a.Prefix != "" {
		a.Prefix += "/"
	}
	endpoint := u.Query().Get("endpoint")
	if endpoint == "" {
		endpoint = os.Getenv("AWS_ENDPOINT_URL_S3")
	}
	if endpoint != "" {
		e, err := url.Parse(endpoint)
		if err != nil || e.Host == "" || e.Scheme != "http" && e.Scheme != "https" || strings.Trim(e.Path, "/") != "" {
			return a, fmt.Errorf("the endpoint %q of the bucket is not https://host:port: %w", endpoint, sightline.ErrInvalid)
		}
		a.Endpoint, a.Secure = e.Host, e.Scheme == "https"
	}
	if a.Region == "" {
		if a.Region = os.Getenv("AWS_REGION"); a.Region == "" {
			a.Region = "us-east-1"
		}
	}
	return a, nil
}

// String is the address.
func (a Address) String() string {
	scheme := "http"
	if a.Secure {
		scheme = "https"
	}
	return "s3://" + a.Bucket + "/" + strings.TrimSuffix(a.Prefix, "/") + "?" + url.Values{"endpoint": {scheme + "://" + a.Endpoint}, "region": {a.Region}}.Encode()
}

// Bucket keeps blobs in one bucket. Several processes may use it together.
type Bucket struct {
	addr Address
	core minio.Core
	// Scratch is the folder where bytes wait while they are hashed; "" is the
	// system's folder for temporary files.
	Scratch string
	// Quota is the largest number of bytes one Put takes; 0 is no limit.
	Quota int64
}

var (
	_ sightline.Blobs    = (*Bucket)(nil)
	_ sightline.Redactor = (*Bucket)(nil)
)

// Options tune a bucket. The zero Options are right for real work.
type Options struct {
	Credentials *credentials.Credentials // nil: the environment, then the AWS credentials file
	Transport   http.RoundTripper
	Retries     int // of a request that the store could not answer; 0 is 6
	Scratch     string
}

// Open opens a bucket that exists and may be read.
func Open(ctx context.Context, a Address, o Options) (*Bucket, error) {
	if o.Credentials == nil {
		o.Credentials = credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}})
	}
	if o.Retries == 0 {
		o.Retries = 6
	}
	core, err := minio.NewCore(a.Endpoint, &minio.Options{
		Creds: o.Credentials, Secure: a.Secure, Region: a.Region, Transport: o.Transport, MaxRetries: o.Retries,
		BucketLookup: minio.BucketLookupAuto, TrailingHeaders: true,
	})
	if err != nil {
		return nil, fmt.Errorf("the bucket %s cannot be opened: %w: %w", a, sightline.ErrInvalid, err)
	}
	b := &Bucket{addr: a, core: *core, Scratch: o.Scratch}
	return b, b.Ping(ctx)
}

// Address is where the bucket lies.
func (b *Bucket) Address() Address { return b.addr }

// Ping asks whether the bucket is there and may be listed.
func (b *Bucket) Ping(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing
	for o := range b.core.Client.ListObjects(ctx, b.addr.Bucket, minio.ListObjectsOptions{Prefix: b.addr.Prefix + "sha256/", Recursive: true, MaxKeys: 1}) {
		return b.explain(o.Err)
	}
	return ctx.Err()
}

// Make makes the bucket, for a new deployment or a test.
func Make(ctx context.Context, a Address, o Options) error {
	if o.Credentials == nil {
		o.Credentials = credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}})
	}
	c, err := minio.New(a.Endpoint, &minio.Options{Creds: o.Credentials, Secure: a.Secure, Region: a.Region, Transport: o.Transport})
	if err != nil {
		return fmt.Errorf("the bucket %s cannot be made: %w: %w", a, sightline.ErrInvalid, err)
	}
	err = c.MakeBucket(ctx, a.Bucket, minio.MakeBucketOptions{Region: a.Region})
	switch minio.ToErrorResponse(err).Code {
	case minio.BucketAlreadyOwnedByYou:
		return nil
	}
	return (&Bucket{addr: a}).explain(err)
}

// Key is the name of a blob in the bucket.
func (b *Bucket) Key(g digest.Digest) string {
	h := g.String()
	return b.addr.Prefix + "sha256/" + h[:2] + "/" + h[2:4] + "/" + h
}

// single is the largest blob that is sent in one request; larger ones go in
// parts of this size, each with its own SHA-256.
const single = 64 << 20

// inMemory is the largest blob that is hashed without a temporary file.
const inMemory = 1 << 20

// Put stores everything r gives.
func (b *Bucket) Put(ctx context.Context, r io.Reader) (sightline.Blob, error) {
	body, blob, done, err := b.hash(ctx, r)
	if err != nil {
		return sightline.Blob{}, err
	}
	defer done()
	switch had, err := b.Stat(ctx, blob.Digest); {
	case err == nil && had.Size != blob.Size:
		return sightline.Blob{}, fmt.Errorf("blob %s has %d bytes in the bucket and %d now; run \"sightline check\": %w", blob.Digest, had.Size, blob.Size, sightline.ErrDamaged)
	case err == nil:
		return blob, nil
	case !errors.Is(err, sightline.ErrNotFound):
		return sightline.Blob{}, err
	}
	o := minio.PutObjectOptions{}
	o.SetMatchETagExcept("*")
	err = b.send(ctx, body, blob, o)
	if err != nil && minio.ToErrorResponse(err).StatusCode != http.StatusPreconditionFailed {
		return sightline.Blob{}, fmt.Errorf("failed to write blob %s: %w", blob.Digest, b.explain(err))
	}
	blob.New = err == nil // else another process was faster with the same bytes
	there, err := b.Stat(ctx, blob.Digest)
	switch {
	case err != nil:
		return sightline.Blob{}, fmt.Errorf("the bucket took blob %s and does not show it: %w", blob.Digest, err)
	case there.Size != blob.Size:
		return sightline.Blob{}, fmt.Errorf("the bucket shows %d of the %d bytes of blob %s; run \"sightline check\": %w", there.Size, blob.Size, blob.Digest, sightline.ErrDamaged)
	}
	return blob, nil
}

// send sends the bytes of a blob with their SHA-256.
func (b *Bucket) send(ctx context.Context, body io.Reader, blob sightline.Blob, o minio.PutObjectOptions) error {
	o.ContentType, o.PartSize, o.NumThreads = "application/octet-stream", single, 2
	if blob.Size <= single {
		// The store compares: what was changed on the way is refused.
		o.UserMetadata = map[string]string{"X-Amz-Checksum-Sha256": base64.StdEncoding.EncodeToString(blob.Digest[:])}
		o.DisableMultipart = true
	} else {
		o.Checksum = minio.ChecksumSHA256
	}
	_, err := b.core.Client.PutObject(ctx, b.addr.Bucket, b.Key(blob.Digest), body, blob.Size, o)
	return err
}

// hash reads r to its end, in memory or into a temporary file.
func (b *Bucket) hash(ctx context.Context, r io.Reader) (body io.ReadSeeker, blob sightline.Blob, done func(), err error) {
	h := sha256.New()
	in := io.TeeReader(&limitedReader{ctx, r, b.Quota, b.Quota > 0}, h)
	small := &bytes.Buffer{}
	n, err := io.CopyN(small, in, inMemory+1)
	if err != nil && err != io.EOF {
		return nil, blob, nil, fmt.Errorf("failed to read what becomes a blob: %w", err)
	}
	done = func() {}
	if n <= inMemory {
		body = bytes.NewReader(small.Bytes())
	} else {
		f, err := os.CreateTemp(b.Scratch, ".blob-*")
		if err != nil {
			return nil, blob, nil, full(fmt.Errorf("failed to begin a blob: %w", err))
		}
		done = func() {
			f.Close()
			os.Remove(f.Name())
		}
		if _, err = f.Write(small.Bytes()); err == nil {
			var more int64
			more, err = io.CopyBuffer(onlyWriter{f}, in, make([]byte, 1<<20))
			n += more
		}
		if err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
		if err != nil {
			done()
			return nil, blob, nil, full(fmt.Errorf("failed to read what becomes a blob: %w", err))
		}
		body = f
	}
	var g digest.Digest
	h.Sum(g[:0])
	return body, sightline.Blob{Digest: g, Size: n}, done, nil
}

// Stat reports whether a blob is there and its size.
func (b *Bucket) Stat(ctx context.Context, g digest.Digest) (sightline.Blob, error) {
	o, err := b.core.Client.StatObject(ctx, b.addr.Bucket, b.Key(g), minio.StatObjectOptions{})
	if err != nil {
		return sightline.Blob{}, b.about(g, err)
	}
	return sightline.Blob{Digest: g, Size: o.Size}, nil
}

// Replace puts the bytes of a blob back whose own are damaged or gone. Bytes
// that are not those of g change nothing.
func (b *Bucket) Replace(ctx context.Context, g digest.Digest, r io.Reader) (int64, error) {
	body, blob, done, err := b.hash(ctx, r)
	if err != nil {
		return 0, err
	}
	defer done()
	if blob.Digest != g {
		return 0, fmt.Errorf("the bytes that should become blob %s are those of %s: %w", g, blob.Digest, sightline.ErrDamaged)
	}
	if err := b.send(ctx, body, blob, minio.PutObjectOptions{}); err != nil {
		return 0, fmt.Errorf("failed to put blob %s back: %w", g, b.explain(err))
	}
	return blob.Size, nil
}

// Modified is when the bytes of a blob came into the bucket.
func (b *Bucket) Modified(ctx context.Context, g digest.Digest) (time.Time, error) {
	o, err := b.core.Client.StatObject(ctx, b.addr.Bucket, b.Key(g), minio.StatObjectOptions{})
	if err != nil {
		return time.Time{}, b.about(g, err)
	}
	return o.LastModified, nil
}

// List yields every blob in the order of digests. An object that has no
// business below the prefix is yielded as an error and does not end the list.
func (b *Bucket) List(ctx context.Context) iter.Seq2[sightline.Blob, error] {
	return func(yield func(sightline.Blob, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // ends the listing when the caller leaves early
		for o := range b.core.Client.ListObjects(ctx, b.addr.Bucket, minio.ListObjectsOptions{Prefix: b.addr.Prefix + "sha256/", Recursive: true}) {
			if o.Err != nil {
				yield(sightline.Blob{}, fmt.Errorf("failed to list the blobs: %w", b.explain(o.Err)))
				return
			}
			g, err := digest.Parse(o.Key[strings.LastIndexByte(o.Key, '/')+1:])
			if err != nil || b.Key(g) != o.Key {
				if !yield(sightline.Blob{}, fmt.Errorf("%q does not belong among the blobs: %w", o.Key, sightline.ErrDamaged)) {
					return
				}
				continue
			}
			if !yield(sightline.Blob{Digest: g, Size: o.Size}, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(sightline.Blob{}, err)
		}
	}
}

// Erase takes the bytes away, every version of them.
func (b *Bucket) Erase(ctx context.Context, g digest.Digest, reason string) error {
	if reason == "" {
		return fmt.Errorf("erasing blob %s needs a reason: %w", g, sightline.ErrInvalid)
	}
	if _, err := b.Stat(ctx, g); err != nil {
		return err
	}
	if err := b.core.Client.RemoveObject(ctx, b.addr.Bucket, b.Key(g), minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("failed to erase blob %s: %w", g, b.explain(err))
	}
	// In a bucket with versions that left a mark over the bytes, not less.
	c, cancel := context.WithCancel(ctx)
	defer cancel()
	for o := range b.core.Client.ListObjects(c, b.addr.Bucket, minio.ListObjectsOptions{Prefix: b.Key(g), Recursive: true, WithVersions: true}) {
		if code := minio.ToErrorResponse(o.Err).Code; code == minio.NotImplemented {
			break // a store without versions
		}
		if o.Err != nil {
			return fmt.Errorf("failed to look for versions of blob %s: %w", g, b.explain(o.Err))
		}
		if o.VersionID == "" || o.VersionID == "null" {
			continue
		}
		if err := b.core.Client.RemoveObject(ctx, b.addr.Bucket, o.Key, minio.RemoveObjectOptions{VersionID: o.VersionID}); err != nil {
			return fmt.Errorf("failed to erase a version of blob %s: %w", g, b.explain(err))
		}
	}
	return nil
}

func (b *Bucket) about(g digest.Digest, err error) error {
	if r := minio.ToErrorResponse(err); r.Code == minio.NoSuchKey || r.StatusCode == http.StatusNotFound && (r.Code == "" || r.Code == "NotFound") {
		return fmt.Errorf("blob %s: %w", g, sightline.ErrNotFound)
	}
	return fmt.Errorf("failed to read blob %s: %w", g, b.explain(err))
}

// explain gives an error of the store the sentinel that says what to do.
func (b *Bucket) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	r := minio.ToErrorResponse(err)
	switch {
	case r.Code == minio.NoSuchBucket:
		return fmt.Errorf("there is no bucket %s: %w", b.addr, sightline.ErrNotFound)
	case r.Code == minio.RequestTimeTooSkewed:
		return fmt.Errorf("the clock of this machine is %s and the bucket's is too far from it; set the clock: %w", time.Now().UTC().Format(time.RFC3339), sightline.ErrDenied)
	case r.Code == "QuotaExceeded" || r.Code == "XMinioStorageFull" || r.StatusCode == http.StatusInsufficientStorage:
		return fmt.Errorf("the bucket %s: %w", b.addr, sightline.ErrFull)
	case r.Code == minio.InvalidAccessKeyID || r.Code == "XAdminUserNotFound" || r.Code == minio.SignatureDoesNotMatch || r.StatusCode == http.StatusForbidden || r.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("the bucket %s does not let this key in (%s): %w", b.addr, r.Code, sightline.ErrDenied)
	case r.Code == "BadDigest" || r.Code == "XAmzContentChecksumMismatch" || r.Code == minio.XAmzContentSHA256Mismatch:
		return fmt.Errorf("the bytes were changed on the way to the bucket %s, which refused them; try again: %w", b.addr, sightline.ErrDamaged)
	case r.StatusCode >= 500 || r.Code == "SlowDown":
		return fmt.Errorf("the bucket %s cannot answer now (%d %s); nothing is lost, try again later: %w", b.addr, r.StatusCode, r.Code, err)
	case r.StatusCode == 0:
		return fmt.Errorf("the bucket %s cannot be reached; nothing is lost, try again when it is back: %w", b.addr, err)
	}
	return err
}
