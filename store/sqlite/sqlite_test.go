package sqlite

import (
	"crypto/sha256"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sightline"
	"sightline/store/storetest"
)

const origin = "00000000-0000-4000-8000-000000000000/case/test"

// signer is a log key made from a fixed seed.
func signer(t testing.TB) note.Signer {
	t.Helper()
	skey, _, err := note.GenerateKey(&stream{}, origin)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stream is a reproducible source of bytes.
type stream struct{ n byte }

func (s *stream) Read(p []byte) (int, error) {
	for i := range p {
		sum := sha256.Sum256([]byte{s.n})
		s.n++
		p[i] = sum[0]
	}
	return len(p), nil
}

func TestSuite(t *testing.T) {
	storetest.Run(t, func(t *testing.T, clock *storetest.Clock, maxTries int) sightline.Store {
		s, err := Create(filepath.Join(t.TempDir(), "case.db"), origin, Options{Now: clock.Now, Leases: clock.Now, MaxTries: maxTries, LogKey: signer(t)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	})
}
