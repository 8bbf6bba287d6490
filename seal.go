package sightline

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
)

// The formulas of the custody log. They stand in one file, use the standard
// library only and are repeated in words in docs/formats/log.md, so that a
// stranger can write them again.

// EntryPayloadType is the DSSE payload type of an entry.
const EntryPayloadType = "application/vnd.sightline.entry+json"

// SealDomain begins every commitment, so that one can never be mistaken for a
// hash made for another purpose.
const SealDomain = "sightline/seal/v1"

// SaltSize is the length of the salt of a sealed value, in bytes.
const SaltSize = 32

// Commitment is what stands in an entry for a sealed value: SHA-256 of the
// domain, 00, the name, 00, the salt and the canonical JSON of the value, in
// hexadecimal.
func Commitment(name string, salt []byte, value json.RawMessage) string {
	h := sha256.New()
	h.Write([]byte(SealDomain + "\x00" + name + "\x00"))
	h.Write(salt)
	h.Write(value)
	return hex.EncodeToString(h.Sum(nil))
}

// Opens reports whether the value opens the commitment.
func (s SealedValue) Opens(commitment string) bool {
	return len(s.Salt) == SaltSize && Commitment(s.Name, s.Salt, s.Value) == commitment
}

// KeyID names an Ed25519 public key: "ed25519:" and the SHA-256 of its 32 raw
// bytes.
func KeyID(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "ed25519:" + hex.EncodeToString(sum[:])
}

// PAE is the DSSE pre-authentication encoding of an entry: what the actor's
// key signs.
func PAE(entry []byte) []byte {
	b := []byte("DSSEv1 " + strconv.Itoa(len(EntryPayloadType)) + " " + EntryPayloadType + " " + strconv.Itoa(len(entry)) + " ")
	return append(b, entry...)
}

// VerifySignature checks the actor's signature and that the key is the one
// the entry names.
func (e LogEntry) VerifySignature() error {
	switch {
	case len(e.PublicKey) != ed25519.PublicKeySize:
		return fmt.Errorf("entry %d: the public key has %d bytes instead of %d: %w", e.Seq, len(e.PublicKey), ed25519.PublicKeySize, ErrDamaged)
	case KeyID(e.PublicKey) != e.Actor.Key:
		return fmt.Errorf("entry %d: the stored key is not the key the entry names: %w", e.Seq, ErrDamaged)
	case !ed25519.Verify(e.PublicKey, PAE(e.Bytes), e.Signature):
		return fmt.Errorf("entry %d: the actor's signature does not verify: %w", e.Seq, ErrDamaged)
	}
	return nil
}

// ParseEntry reads the bytes of an entry. Unknown fields are kept in the
// bytes and do not fail; bytes that are not canonical do, because they would
// have two leaf hashes.
func ParseEntry(b []byte) (Entry, error) {
	var e Entry
	c, err := CanonicalJSON(b)
	if err != nil {
		return e, err
	}
	if string(c) != string(b) {
		return e, fmt.Errorf("the entry is not canonical JSON: %w", ErrInvalid)
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return e, fmt.Errorf("failed to read the entry: %v: %w", err, ErrInvalid)
	}
	return e, nil
}

// KeyChange is the sealed value "key" of an entry: a key enters or leaves the
// case. The first entry of a log carries its owner's key.
type KeyChange struct {
	Key    string `json:"key"`    // ed25519:<sha256 of the raw key>
	Public string `json:"public"` // the 32 raw bytes, hex
	Name   string `json:"name"`
	Role   string `json:"role"`
	Action string `json:"action"` // add: signed by an owner; adopt: the folder was opened on another machine and the key entered by itself; remove
}
