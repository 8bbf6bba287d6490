package tip

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Shares of a secret, k of n: Shamir, "How to share a secret", CACM 22 (1979),
// byte by byte over GF(2^8) with the polynomial x^8+x^4+x^3+x+1 (that of AES).
// Fewer than k shares say nothing about the secret.

// Share is one part. X is 1 to 255.
type Share struct {
	K, X byte
	Y    []byte
}

// ErrShares says that shares do not give a secret.
var ErrShares = errors.New("these shares do not give the key")

// gfMul multiplies in GF(2^8) without tables or branches on secrets.
func gfMul(a, b byte) (p byte) {
	for range 8 {
		p ^= a & -(b & 1)
		a = a<<1 ^ 0x1b&-(a>>7)
		b >>= 1
	}
	return p
}

// gfInv is a^254; 0 gives 0.
func gfInv(a byte) byte {
	r := byte(1)
	for range 7 {
		a = gfMul(a, a)
		r = gfMul(r, a)
	}
	return r
}

// Split shares secret among n, any k of whom can give it back. The secret is
// followed by four bytes of its SHA-256, so that a wrong set is noticed.
func Split(secret []byte, k, n int, random io.Reader) ([]Share, error) {
	if k < 2 || n < k || n > 255 || len(secret) == 0 {
		return nil, fmt.Errorf("%d of %d shares make no sense: at least 2 must be needed, at most 255 exist", k, n)
	}
	if random == nil {
		random = rand.Reader
	}
	sum := sha256.Sum256(secret)
	body := append(append([]byte{}, secret...), sum[:4]...)
	defer clear(body)
	out := make([]Share, n)
	for i := range out {
		out[i] = Share{byte(k), byte(i + 1), make([]byte, len(body))}
	}
	c := make([]byte, k)
	defer clear(c)
	for j, b := range body {
		c[0] = b
		if _, err := io.ReadFull(random, c[1:]); err != nil {
			return nil, err
		}
		for i := range out {
			y := byte(0)
			for d := k - 1; d >= 0; d-- { // Horner
				y = gfMul(y, out[i].X) ^ c[d]
			}
			out[i].Y[j] = y
		}
	}
	return out, nil
}

// Combine gives the secret back.
func Combine(shares []Share) ([]byte, error) {
	if len(shares) == 0 {
		return nil, ErrShares
	}
	k := int(shares[0].K)
	seen := map[byte]bool{}
	var use []Share
	for _, s := range shares {
		if int(s.K) != k || len(s.Y) != len(shares[0].Y) || s.X == 0 {
			return nil, fmt.Errorf("%w: they are not of one key", ErrShares)
		}
		if !seen[s.X] {
			seen[s.X] = true
			use = append(use, s)
		}
	}
	if len(use) < k || len(use[0].Y) < 5 {
		return nil, fmt.Errorf("%w: %d are needed, %d are here", ErrShares, k, len(use))
	}
	use = use[:k]
	out := make([]byte, len(use[0].Y))
	for i, s := range use {
		// Lagrange at 0; in this field minus is plus.
		l := byte(1)
		for m, o := range use {
			if m != i {
				l = gfMul(l, gfMul(o.X, gfInv(o.X^s.X)))
			}
		}
		for j := range out {
			out[j] ^= gfMul(l, s.Y[j])
		}
	}
	secret, check := out[:len(out)-4], out[len(out)-4:]
	sum := sha256.Sum256(secret)
	if string(check) != string(sum[:4]) {
		return nil, fmt.Errorf("%w: one of them is wrong or belongs to another key", ErrShares)
	}
	return secret, nil
}

// String writes a share for paper: groups of four, with a checksum of its own
// that finds a slip of the pen.
func (s Share) String() string {
	b := append([]byte{s.K, s.X}, s.Y...)
	sum := sha256.Sum256(b)
	h := hex.EncodeToString(append(b, sum[:2]...))
	var out strings.Builder
	out.WriteString("SLSHARE1")
	for i := 0; i < len(h); i += 4 {
		out.WriteByte(' ')
		out.WriteString(h[i:min(i+4, len(h))])
	}
	return out.String()
}

// ParseShare reads a share as it was written.
func ParseShare(text string) (Share, error) {
	f := strings.Fields(text)
	if len(f) < 2 || !strings.EqualFold(f[0], "SLSHARE1") {
		return Share{}, errors.New("a share begins with SLSHARE1")
	}
	b, err := hex.DecodeString(strings.ToLower(strings.Join(f[1:], "")))
	if err != nil || len(b) < 9 {
		return Share{}, errors.New("this share is not whole, or holds a letter it cannot hold")
	}
	body, check := b[:len(b)-2], b[len(b)-2:]
	sum := sha256.Sum256(body)
	if string(check) != string(sum[:2]) {
		return Share{}, errors.New("this share holds a slip: compare it with the paper, group by group")
	}
	return Share{body[0], body[1], body[2:]}, nil
}
