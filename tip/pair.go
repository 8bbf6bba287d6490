package tip

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/mlkem"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
)

// A pair is a key of two people of whom neither can open anything alone. To
// whoever seals, its recipient is an ordinary hybrid one (age1pq1...): stock
// age and the browser need to know nothing of pairs.
//
// The X25519 secret of such a recipient never exists anywhere. Each person
// holds a scalar, a and b; the public point is a·b·G, which either computes
// from the other's point (Diffie and Hellman, "New directions in
// cryptography", 1976). To open a file with the ephemeral point E one person
// gives b·E, which is good for that file and no other, and the other computes
// a·(b·E). The ML-KEM half is known to both: it is there against a future
// quantum computer in the hands of somebody outside, and adds nothing against
// a member of the pair. So the limit is plain: a member who owned a quantum
// computer could open alone; with machines of today, neither can.

// Half is what one person of a pair keeps secret.
type Half struct {
	scalar *ecdh.PrivateKey
	other  *ecdh.PublicKey // of the other person; nil until they answered
	pq     [mlkem.SeedSize]byte
}

// ErrAlone says that a tip is sealed to a pair whose other person did not help.
var ErrAlone = errors.New("this tip is sealed to a pair of people, and the other person's help is not here")

const halfMark = "SLHALF1"

// NewHalf begins a pair: a scalar and the ML-KEM seed, drawn here.
func NewHalf() (*Half, error) {
	h := &Half{}
	if _, err := rand.Read(h.pq[:]); err != nil {
		return nil, err
	}
	var err error
	h.scalar, err = ecdh.X25519().GenerateKey(rand.Reader)
	return h, err
}

// Invitation is what the first person gives to the second, secretly: the
// second person's ordinary key seals it.
func (h *Half) Invitation() []byte { return append(h.scalar.PublicKey().Bytes(), h.pq[:]...) }

// Answer makes the second half of a pair from an invitation.
func Answer(invitation []byte) (*Half, error) {
	if len(invitation) != 32+mlkem.SeedSize {
		return nil, errors.New("this is not an invitation to a pair")
	}
	h, err := NewHalf()
	if err != nil {
		return nil, err
	}
	copy(h.pq[:], invitation[32:])
	return h, h.Meet(invitation[:32])
}

// Point is the public point of this half: what the second person answers.
func (h *Half) Point() []byte { return h.scalar.PublicKey().Bytes() }

// Meet completes a half with the point of the other person.
func (h *Half) Meet(point []byte) error {
	p, err := ecdh.X25519().NewPublicKey(point)
	if err != nil {
		return errors.New("the other person's answer is not a point of X25519")
	}
	if p.Equal(h.scalar.PublicKey()) {
		return errors.New("the answer is this half's own point; it has to come from the other person")
	}
	if _, err := h.scalar.ECDH(p); err != nil { // a point of small order gives zero
		return errors.New("the other person's answer is not a point to be trusted")
	}
	h.other = p
	return nil
}

// Whole says whether the other person answered.
func (h *Half) Whole() bool { return h.other != nil }

// Recipient is the recipient of the pair, the same for both halves.
func (h *Half) Recipient() (string, error) {
	if h.other == nil {
		return "", errors.New("the other person has not answered yet")
	}
	pub, err := h.public()
	if err != nil {
		return "", err
	}
	dk, err := mlkem.NewDecapsulationKey768(h.pq[:])
	if err != nil {
		return "", err
	}
	return bech32("age1pq", append(dk.EncapsulationKey().Bytes(), pub.Bytes()...)), nil
}

func (h *Half) public() (*ecdh.PublicKey, error) {
	p, err := h.scalar.ECDH(h.other)
	if err != nil {
		return nil, err
	}
	return ecdh.X25519().NewPublicKey(p)
}

// Help is this half's part for one point: the other person needs it to open
// the file that the point belongs to. It opens nothing by itself.
func (h *Half) Help(point []byte) ([]byte, error) {
	p, err := ecdh.X25519().NewPublicKey(point)
	if err != nil {
		return nil, err
	}
	return h.scalar.ECDH(p)
}

// Opener is this half as an identity of age, with the other person's help.
func (h *Half) Opener(help func(point []byte) ([]byte, error)) (age.Identity, error) {
	if h.other == nil {
		return nil, errors.New("the other person of this pair has not answered yet; finish the pair first")
	}
	pub, err := h.public()
	if err != nil {
		return nil, err
	}
	dk, err := mlkem.NewDecapsulationKey768(h.pq[:])
	if err != nil {
		return nil, err
	}
	x := &exchanger{h, pub, help}
	k, err := hpke.NewHybridPrivateKey(dk, x)
	if err != nil {
		return nil, err
	}
	return opener{k}, nil
}

// exchanger is the X25519 key of the pair: it multiplies by both scalars
// without having their product.
type exchanger struct {
	half *Half
	pub  *ecdh.PublicKey
	help func([]byte) ([]byte, error)
}

func (x *exchanger) PublicKey() *ecdh.PublicKey { return x.pub }
func (x *exchanger) Curve() ecdh.Curve          { return ecdh.X25519() }

func (x *exchanger) ECDH(point *ecdh.PublicKey) ([]byte, error) {
	b, err := x.help(point.Bytes())
	if err != nil {
		return nil, err
	}
	p, err := ecdh.X25519().NewPublicKey(b)
	if err != nil {
		return nil, err
	}
	return x.half.scalar.ECDH(p)
}

const (
	hybridStanza = "mlkem768x25519"
	hybridInfo   = "age-encryption.org/mlkem768x25519"
)

type opener struct{ k hpke.PrivateKey }

// Unwrap reads the stanzas of hybrid recipients, as age does.
func (o opener) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	alone := false
	for _, s := range stanzas {
		enc := hybridEnc(s)
		if enc == nil {
			continue
		}
		r, err := hpke.NewRecipient(enc, o.k, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(hybridInfo))
		if err != nil {
			alone = alone || errors.Is(err, ErrAlone)
			continue
		}
		if key, err := r.Open(nil, s.Body); err == nil {
			return key, nil
		}
	}
	if alone {
		return nil, fmt.Errorf("%w: %w", ErrAlone, age.ErrIncorrectIdentity)
	}
	return nil, age.ErrIncorrectIdentity
}

// hybridEnc is the encapsulated key of a stanza: ML-KEM ciphertext, then the
// ephemeral point. Nil for a stanza of another kind.
func hybridEnc(s *age.Stanza) []byte {
	if s.Type != hybridStanza || len(s.Args) != 1 {
		return nil
	}
	enc, err := base64.RawStdEncoding.Strict().DecodeString(s.Args[0])
	if err != nil || len(enc) != mlkem.CiphertextSize768+32 {
		return nil
	}
	return enc
}

// Points are the ephemeral points in the header of an age file: what the
// other person multiplies. The body is not read.
func Points(r io.Reader) (out [][]byte, err error) {
	var seen pointReader
	_, err = age.Decrypt(r, &seen)
	var none *age.NoIdentityMatchError
	if !errors.As(err, &none) {
		return nil, fmt.Errorf("this is not an age file, or its header is damaged: %v", err)
	}
	return seen, nil
}

type pointReader [][]byte

func (p *pointReader) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if enc := hybridEnc(s); enc != nil {
			*p = append(*p, enc[len(enc)-32:])
		}
	}
	return nil, age.ErrIncorrectIdentity
}

// String is the half as it is kept: SLHALF1 and hexadecimal. It is a secret.
func (h *Half) String() string {
	b := append(h.scalar.Bytes(), h.pq[:]...)
	if h.other != nil {
		b = append(b, h.other.Bytes()...)
	}
	return halfMark + " " + hex.EncodeToString(b)
}

// IsHalf says whether a text is that of a half.
func IsHalf(text string) bool { return strings.HasPrefix(text, halfMark) }

// ParseHalf reads what String wrote.
func ParseHalf(text string) (*Half, error) {
	f := strings.Fields(text)
	bad := errors.New("this is not one half of a pair's key")
	if len(f) != 2 || f[0] != halfMark {
		return nil, bad
	}
	b, err := hex.DecodeString(f[1])
	const least = 32 + mlkem.SeedSize
	if err != nil || len(b) != least && len(b) != least+32 {
		return nil, bad
	}
	h := &Half{}
	if h.scalar, err = ecdh.X25519().NewPrivateKey(bytes.Clone(b[:32])); err != nil {
		return nil, bad
	}
	copy(h.pq[:], b[32:])
	if len(b) > least {
		return h, h.Meet(b[least:])
	}
	return h, nil
}
