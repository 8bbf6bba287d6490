package archive

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // proofs of others use it; shown as weak
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"golang.org/x/crypto/ripemd160" //nolint:staticcheck // as above
	"golang.org/x/crypto/sha3"

	"sightline"
)

// OpenTimestamps proofs are read and said to be what they are, and no more: the
// chain from a digest to a block's number can be followed offline, the block
// itself cannot. Format: python-opentimestamps, opentimestamps/core.

var otsMagic = []byte("\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94")

// Limits of the format.
const (
	otsMessage = 4096
	otsPayload = 8192
	otsDepth   = 256
	otsFile    = 1 << 20
)

// OTS is an OpenTimestamps proof, read.
type OTS struct {
	Algorithm    string           `json:"algorithm"` // of the digest of the file
	Digest       string           `json:"digest"`
	Weak         bool             `json:"weak"` // the file's digest is SHA-1 or RIPEMD-160, for which two files can be made
	Attestations []OTSAttestation `json:"attestations"`
}

// OTSAttestation is what one end of the proof claims.
type OTSAttestation struct {
	Kind   string `json:"kind"`             // bitcoin, litecoin, ethereum, pending, unknown
	Height uint64 `json:"height,omitempty"` // of the block
	URL    string `json:"url,omitempty"`    // of the calendar that is to complete it
	Root   string `json:"root,omitempty"`   // the message that the block or calendar is said to hold
}

// ParseOTS reads an OpenTimestamps proof. Attestations of unknown kinds are
// listed and ignored; unknown operations and oversized messages are refused.
func ParseOTS(b []byte) (*OTS, error) {
	if len(b) > otsFile {
		return nil, fmt.Errorf("an OpenTimestamps proof of %d bytes is too large: %w", len(b), sightline.ErrInvalid)
	}
	r := &otsReader{b: b}
	if !bytes.Equal(r.take(len(otsMagic)), otsMagic) {
		return nil, fmt.Errorf("this is not an OpenTimestamps proof: %w", sightline.ErrInvalid)
	}
	if v := r.number(); v != 1 {
		return nil, fmt.Errorf("the OpenTimestamps proof is of version %d, and 1 is read: %w", v, sightline.ErrInvalid)
	}
	op := r.byte()
	name, n := otsHash(op)
	if n == 0 {
		return nil, fmt.Errorf("the OpenTimestamps proof is over a digest of the unknown kind %#x: %w", op, sightline.ErrInvalid)
	}
	sum := r.take(n)
	o := &OTS{Algorithm: name, Digest: hex.EncodeToString(sum), Weak: name == "sha1" || name == "ripemd160", Attestations: []OTSAttestation{}}
	r.follow(o, sum, 0)
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes follow its end", len(r.b))
	}
	if r.err != nil {
		return nil, r.err
	}
	return o, nil
}

func otsHash(op byte) (name string, size int) {
	switch op {
	case 0x02:
		return "sha1", 20
	case 0x03:
		return "ripemd160", 20
	case 0x08:
		return "sha256", 32
	case 0x67:
		return "keccak256", 32
	}
	return "", 0
}

func otsSum(op byte, msg []byte) []byte {
	switch op {
	case 0x02:
		s := sha1.Sum(msg) //nolint:gosec // as above
		return s[:]
	case 0x03:
		h := ripemd160.New()
		h.Write(msg)
		return h.Sum(nil)
	case 0x08:
		s := sha256.Sum256(msg)
		return s[:]
	default:
		h := sha3.NewLegacyKeccak256()
		h.Write(msg)
		return h.Sum(nil)
	}
}

// Of reports whether the proof is over these bytes.
func (o *OTS) Of(file []byte) bool {
	for _, op := range []byte{0x02, 0x03, 0x08, 0x67} {
		if name, _ := otsHash(op); name == o.Algorithm {
			return hex.EncodeToString(otsSum(op, file)) == o.Digest
		}
	}
	return false
}

// Verdict says in one sentence what the proof shows here, without a network.
func (o *OTS) Verdict() string {
	has := func(kind string) bool {
		return slices.ContainsFunc(o.Attestations, func(a OTSAttestation) bool { return a.Kind == kind })
	}
	switch {
	case has("bitcoin"):
		for _, a := range o.Attestations {
			if a.Kind == "bitcoin" {
				return fmt.Sprintf("the digest leads to Bitcoin block %d; whether that block holds it was not checked", a.Height)
			}
		}
	case has("litecoin") || has("ethereum"):
		return "the digest leads to a block of another chain than Bitcoin; it was not checked"
	case has("pending"):
		return "incomplete: a calendar has promised to anchor the digest; the proof has to be upgraded before it shows a time"
	}
	return "no attestation of a kind that is known here: it shows no time"
}

// otsReader reads a proof; the first error stays.
type otsReader struct {
	b   []byte
	err error
}

func (r *otsReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("the OpenTimestamps proof is damaged: "+format+": %w", append(args, sightline.ErrInvalid)...)
	}
	r.b = nil
}

func (r *otsReader) take(n int) []byte {
	if n > len(r.b) {
		r.fail("it ends in the middle")
		return make([]byte, min(n, otsPayload))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *otsReader) byte() byte { return r.take(1)[0] }

// number reads a little-endian base-128 number.
func (r *otsReader) number() (n uint64) {
	for shift := 0; shift < 63 && r.err == nil; shift += 7 {
		c := r.byte()
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
	r.fail("a number is too long")
	return 0
}

func (r *otsReader) bytes(most uint64) []byte {
	n := r.number()
	if n > most {
		r.fail("a part has %d bytes, more than %d", n, most)
		return nil
	}
	return r.take(int(n))
}

// follow reads the tree of operations below a message: 0xff marks each branch
// but the last.
func (r *otsReader) follow(o *OTS, msg []byte, depth int) {
	if depth > otsDepth {
		r.fail("it is nested more than %d deep", otsDepth)
	}
	for r.err == nil {
		tag := r.byte()
		more := tag == 0xff
		if more {
			tag = r.byte()
		}
		r.branch(o, msg, tag, depth)
		if !more {
			return
		}
	}
}

func (r *otsReader) branch(o *OTS, msg []byte, tag byte, depth int) {
	if r.err != nil {
		return
	}
	switch tag {
	case 0x00:
		o.Attestations = append(o.Attestations, r.attestation(msg))
		return
	case 0xf0, 0xf1:
		arg := r.bytes(otsMessage)
		if len(arg) == 0 {
			r.fail("an operation adds nothing")
			return
		}
		if tag == 0xf0 {
			msg = slices.Concat(msg, arg)
		} else {
			msg = slices.Concat(arg, msg)
		}
	case 0xf2:
		msg = slices.Clone(msg)
		slices.Reverse(msg)
	case 0xf3:
		msg = []byte(hex.EncodeToString(msg))
	default:
		if _, n := otsHash(tag); n == 0 {
			r.fail("it has the unknown operation %#x", tag)
			return
		}
		msg = otsSum(tag, msg)
	}
	if len(msg) > otsMessage {
		r.fail("a message grows past %d bytes", otsMessage)
		return
	}
	r.follow(o, msg, depth+1)
}

func (r *otsReader) attestation(msg []byte) OTSAttestation {
	kind := hex.EncodeToString(r.take(8))
	in := &otsReader{b: r.bytes(otsPayload)}
	a := OTSAttestation{Kind: "unknown", Root: hex.EncodeToString(msg)}
	switch kind {
	case "83dfe30d2ef90c8e":
		a.Kind, a.URL = "pending", string(in.bytes(1000))
	case "0588960d73d71901":
		a.Kind, a.Height = "bitcoin", in.number()
	case "06869a0d73d71b45":
		a.Kind, a.Height = "litecoin", in.number()
	case "30fe8087b5c7ead7":
		a.Kind, a.Height = "ethereum", in.number()
	default:
		in.b = nil
	}
	if in.err != nil || len(in.b) > 0 {
		r.fail("an attestation of the kind %s does not hold what it should", a.Kind)
	}
	return a
}
