package s3

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"sightline"
	"sightline/blob/blobtest"
)

var ctx = context.Background()

// bucket makes a fresh bucket and opens it.
func bucket(t testing.TB, s *blobtest.Server, o Options) *Bucket {
	t.Helper()
	a, err := ParseAddress(s.Address(fmt.Sprintf("blobs-%d", made.Add(1))))
	if err != nil {
		t.Fatal(err)
	}
	if err := Make(ctx, a, Options{}); err != nil {
		t.Fatal(err)
	}
	b, err := Open(ctx, a, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var made atomic.Int64

func TestSuite(t *testing.T) {
	s := blobtest.StartS3(t)
	blobtest.Run(t, func(t *testing.T) sightline.Blobs { return bucket(t, s, Options{Scratch: t.TempDir()}) })
}
