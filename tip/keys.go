package tip

import (
	"bufio"
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"golang.org/x/crypto/argon2"
)

// Argon2id parameters of RFC 9106 as the design fixes them: 3 passes, 64 MiB,
// one lane. Browser and server must use the same.
const (
	argonTime    = 3
	argonMemory  = 64 << 10 // KiB
	argonThreads = 1
)

// Keys are what derives from a code within one call. Box and the digest of
// Auth are all the server ever stores.
type Keys struct {
	Box  [16]byte // names the mailbox
	Auth [32]byte // opens it at the server
	Seed [32]byte // secret of the identity replies are sealed to
}

// Stretch derives the keys of a code. It takes about 0.3 s and 64 MiB.
func Stretch(c Code, call string) Keys {
	master := argon2.IDKey(c[:], []byte(call), argonTime, argonMemory, argonThreads, 32)
	defer clear(master)
	var k Keys
	for _, o := range []struct {
		info string
		out  []byte
	}{{"sightline/tip/box/v1", k.Box[:]}, {"sightline/tip/auth/v1", k.Auth[:]}, {"sightline/tip/seed/v1", k.Seed[:]}} {
		b, err := hkdf.Key(sha256.New, master, nil, o.info, len(o.out))
		if err != nil {
			panic(err) // only for lengths beyond 255 digests
		}
		copy(o.out, b)
	}
	return k
}

// AuthHash is what the server stores to recognise Auth.
func (k Keys) AuthHash() [32]byte { return sha256.Sum256(k.Auth[:]) }

// Identity is the source's identity: replies are sealed to its recipient.
func (k Keys) Identity() (*age.HybridIdentity, error) {
	return age.ParseHybridIdentity(strings.ToUpper(bech32("age-secret-key-pq-", k.Seed[:])))
}

const keysSize = 16 + 32 + 32

// MarshalBinary is the form in which a child process hands keys back: 80 bytes.
func (k Keys) MarshalBinary() ([]byte, error) {
	return bytes.Join([][]byte{k.Box[:], k.Auth[:], k.Seed[:]}, nil), nil
}

// UnmarshalBinary reads the 80 bytes of MarshalBinary.
func (k *Keys) UnmarshalBinary(b []byte) error {
	if len(b) != keysSize {
		return fmt.Errorf("keys are %d bytes, not %d", len(b), keysSize)
	}
	copy(k.Box[:], b)
	copy(k.Auth[:], b[16:])
	copy(k.Seed[:], b[48:])
	return nil
}

// bech32 encodes data as BIP 173 does, without its limit of 90 characters, as
// age keys are written.
func bech32(hrp string, data []byte) string {
	const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	var five []byte
	acc, bits := 0, 0
	for _, b := range data {
		acc, bits = acc<<8|int(b), bits+8
		for bits >= 5 {
			bits -= 5
			five = append(five, byte(acc>>bits)&31)
		}
	}
	if bits > 0 {
		five = append(five, byte(acc<<(5-bits))&31)
	}
	polymod := func(values []byte) uint32 {
		c := uint32(1)
		for _, v := range values {
			top := c >> 25
			c = (c&0x1ffffff)<<5 ^ uint32(v)
			for i, g := range []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
				if top>>i&1 == 1 {
					c ^= g
				}
			}
		}
		return c
	}
	var check []byte
	for _, r := range []byte(hrp) {
		check = append(check, r>>5)
	}
	check = append(check, 0)
	for _, r := range []byte(hrp) {
		check = append(check, r&31)
	}
	check = append(append(check, five...), 0, 0, 0, 0, 0, 0)
	m := polymod(check) ^ 1
	for i := range 6 {
		five = append(five, byte(m>>(5*(5-i)))&31)
	}
	var out strings.Builder
	out.WriteString(hrp + "1")
	for _, v := range five {
		out.WriteByte(alphabet[v])
	}
	return out.String()
}

// Recipient is one line of call.keys.
type Recipient struct {
	Name string // from the comment line before it
	Text string // "age1pq1..." or "age1..."
	Age  age.Recipient
}

// Print is the fingerprint: SHA-256 of the recipient's text.
func (r Recipient) Print() string {
	h := sha256.Sum256([]byte(r.Text))
	return hex.EncodeToString(h[:])
}

// PrintWords are the first 88 bits of the fingerprint as eight words, to be
// compared by voice.
func (r Recipient) PrintWords(lang string) []string {
	h := sha256.Sum256([]byte(r.Text))
	return Code(h[:codeBytes]).Words(lang)
}

// ParseRecipients reads a recipients file, as "age -R" does: one recipient a
// line, comments after #. A comment directly before a recipient names it.
// Hybrid and classic keys in one file are refused: a file sealed to both would
// be only as strong as the weaker.
func ParseRecipients(text []byte) ([]Recipient, error) {
	var out []Recipient
	name, hybrid := "", 0
	seen := map[string]bool{}
	sc := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; sc.Scan(); n++ {
		line := strings.TrimSpace(sc.Text())
		if line == "" {
			name = ""
			continue
		}
		if rest, ok := strings.CutPrefix(line, "#"); ok {
			name = strings.TrimSpace(rest)
			continue
		}
		r := Recipient{Name: name, Text: line}
		name = ""
		var err error
		if strings.HasPrefix(line, "age1pq1") {
			hybrid++
			r.Age, err = age.ParseHybridRecipient(line)
		} else {
			r.Age, err = age.ParseX25519Recipient(line)
		}
		if err != nil {
			// The line is not repeated: it may be a secret key in the wrong file.
			return nil, fmt.Errorf("line %d of the recipients is not an age recipient (age1pq1... or age1...)", n)
		}
		if seen[line] {
			return nil, fmt.Errorf("line %d of the recipients repeats an earlier one", n)
		}
		seen[line] = true
		out = append(out, r)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("failed to read the recipients: %w", err)
	}
	switch {
	case len(out) == 0:
		return nil, errors.New("the recipients file holds no recipient")
	case hybrid != 0 && hybrid != len(out):
		return nil, errors.New("the recipients mix hybrid (age1pq1...) and classic (age1...) keys, which age refuses to seal to together")
	}
	return out, nil
}

// AgeRecipients are the recipients for age.Encrypt.
func AgeRecipients(rs []Recipient) []age.Recipient {
	out := make([]age.Recipient, len(rs))
	for i, r := range rs {
		out[i] = r.Age
	}
	return out
}
