package postgres

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sightline"
	"sightline/store/storetest"
)

const origin = "00000000-0000-4000-8000-000000000000/case/test"

var ctx = context.Background()

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

func address(t testing.TB, s string) Address {
	t.Helper()
	a, err := ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a.WithCase("test")
}

func TestSuite(t *testing.T) {
	c := storetest.StartPostgres(t)
	storetest.Run(t, func(t *testing.T, clock *storetest.Clock, maxTries int) sightline.Store {
		s, err := Create(ctx, address(t, c.Database(t)), origin, Options{Now: clock.Now, Leases: clock.Now, MaxTries: maxTries, LogKey: signer(t)})
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

// begin opens a store with its first entry.
func begin(t testing.TB, a Address, o Options) *Store {
	t.Helper()
	s, err := Create(ctx, a, origin, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	owner := storetest.Owner()
	_, err = s.Update(ctx, owner, func(w sightline.Writer) error {
		w.Describe(sightline.Draft{Kind: sightline.EntryOpenCase, Seal: map[string]any{"key": sightline.KeyChange{
			Key: sightline.KeyID(owner.PublicKey), Public: fmt.Sprintf("%x", owner.PublicKey), Name: owner.Name, Role: owner.Role, Action: "add"}}})
		return w.Put(&sightline.Case{ID: "test", Prefix: "T", Title: sightline.Text{"en": "Test"}, Zone: "UTC", Date: "2018-01-15", Languages: []string{"en"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
