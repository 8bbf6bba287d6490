// Package digest names bytes by their SHA-256.
//
// It exists so that an item's identity is a type and not a string that might
// be a path, a short hash or upper case. The hexadecimal form is what
// sha256sum prints; the address form "sha256-<64 hex>" is what stores use.
// The next package on the road is blob, which keeps bytes under their digest.
package digest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// Digest is a SHA-256 value. The zero Digest means "none".
type Digest [sha256.Size]byte

// Of returns the digest of b.
func Of(b []byte) Digest { return sha256.Sum256(b) }

// Read hashes everything r gives and returns the digest and the byte count.
func Read(r io.Reader) (Digest, int64, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	var d Digest
	h.Sum(d[:0])
	return d, n, err
}

// Parse reads 64 lower-case hexadecimal digits, with or without the
// "sha256-" prefix.
func Parse(s string) (Digest, error) {
	var d Digest
	h := strings.TrimPrefix(s, "sha256-")
	if len(h) != 2*len(d) || strings.ToLower(h) != h {
		return Digest{}, fmt.Errorf("%q is not a SHA-256 digest: 64 lower-case hexadecimal digits are expected", s)
	}
	if _, err := hex.Decode(d[:], []byte(h)); err != nil {
		return Digest{}, fmt.Errorf("%q is not a SHA-256 digest: 64 lower-case hexadecimal digits are expected", s)
	}
	return d, nil
}

// String returns 64 hexadecimal digits, as sha256sum prints them.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Address returns "sha256-<64 hex>".
func (d Digest) Address() string { return "sha256-" + d.String() }

// IsZero reports whether d is the zero Digest.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText implements encoding.TextMarshaler with the hexadecimal form.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Digest) UnmarshalText(b []byte) error {
	v, err := Parse(string(b))
	if err == nil {
		*d = v
	}
	return err
}
