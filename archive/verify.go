package archive

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
	"golang.org/x/mod/sumdb/tlog"

	"sightline"
	"sightline/digest"
)

// VerifyProof checks the files of a proof folder: the item's bytes (unless
// withheld), the signed entry, its place in the log, the checkpoint, revealed
// values and time-stamps. sha256 is the folder's name; "" checks none. Nothing
// outside the files is consulted, so one step stays with the reader: comparing
// the log's key with one published elsewhere.
func VerifyProof(sha256 string, files map[string][]byte) error {
	entry, err := verifyEntry(files)
	if err != nil {
		return err
	}
	if err := verifyItem(sha256, entry, files); err != nil {
		return err
	}
	if err := verifyPlace(entry, files); err != nil {
		return err
	}
	if err := verifyReveal(entry, files); err != nil {
		return err
	}
	return verifyTokens(files)
}

func wrong(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, sightline.ErrDamaged)...)
}

func verifyEntry(files map[string][]byte) (sightline.Entry, error) {
	for _, name := range []string{proofLeaf, proofEnvelope, proofInclusion, proofCheckpoint, proofLogKey, proofActorKey} {
		if len(files[name]) == 0 {
			return sightline.Entry{}, wrong("the file %s is missing or empty", name)
		}
	}
	leaf := files[proofLeaf]
	e, err := sightline.ParseEntry(leaf)
	if err != nil {
		return e, wrong("%s: %v", proofLeaf, err)
	}
	var env envelope
	if err := json.Unmarshal(files[proofEnvelope], &env); err != nil {
		return e, wrong("%s is not an envelope: %v", proofEnvelope, err)
	}
	if !exactly(files[proofEnvelope], env) {
		return e, wrong("%s holds other fields than an envelope has", proofEnvelope)
	}
	payload, err := base64.StdEncoding.Strict().DecodeString(env.Payload)
	if err != nil || !bytes.Equal(payload, leaf) || env.PayloadType != sightline.EntryPayloadType {
		return e, wrong("%s does not hold the entry of %s", proofEnvelope, proofLeaf)
	}
	if len(env.Signatures) != 1 || env.Signatures[0].KeyID != e.Actor.Key {
		return e, wrong("%s is not signed by the key the entry names", proofEnvelope)
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(env.Signatures[0].Sig)
	if err != nil {
		return e, wrong("the signature in %s cannot be read", proofEnvelope)
	}
	actor, err := parsePublicPEM(files[proofActorKey])
	if err != nil {
		return e, wrong("%s: %v", proofActorKey, err)
	}
	return e, sightline.LogEntry{Entry: e, Bytes: leaf, Signature: sig, PublicKey: actor}.VerifySignature()
}

// exactly reports whether JSON holds what was read from it and nothing else:
// Go takes a field by a name in other letters, other readers do not.
func exactly(raw []byte, v any) bool {
	a, err1 := sightline.CanonicalJSON(raw)
	b, err2 := sightline.Canonical(v)
	return err1 == nil && err2 == nil && bytes.Equal(a, b)
}

func verifyItem(folder string, e sightline.Entry, files map[string][]byte) error {
	if e.Item == nil {
		return wrong("the entry is not about an item")
	}
	if folder != "" && folder != e.Item.SHA256 {
		return wrong("the folder is named %s, the entry names the bytes %s", folder, e.Item.SHA256)
	}
	item, there := files[proofItem]
	_, withheld := files["WITHHELD"]
	switch {
	case !there && withheld:
		return nil
	case !there:
		return wrong("there is neither the item nor a file WITHHELD")
	case digest.Of(item).String() != e.Item.SHA256 || int64(len(item)) != e.Item.Size:
		return wrong("the item's bytes are not the ones the entry names (%s, %d bytes)", e.Item.SHA256, e.Item.Size)
	}
	return nil
}

func verifyPlace(e sightline.Entry, files map[string][]byte) error {
	key, err := parsePublicPEM(files[proofLogKey])
	if err != nil {
		return wrong("%s: %v", proofLogKey, err)
	}
	head, err := openCheckpoint(files[proofCheckpoint], key)
	if err != nil {
		return err
	}
	p, err := parseInclusion(files[proofInclusion])
	if err != nil {
		return err
	}
	if !bytes.Equal(p.Checkpoint, files[proofCheckpoint]) {
		return wrong("%s leads to another checkpoint", proofInclusion)
	}
	if p.Index != e.Seq || e.Log != head.Origin || e.Seq >= head.Size {
		return wrong("%s names place %d, the entry says it is entry %d of %s", proofInclusion, p.Index, e.Seq, e.Log)
	}
	if err := tlog.CheckRecord(p.Path, head.Size, head.Root, p.Index, tlog.RecordHash(files[proofLeaf])); err != nil {
		return wrong("the audit path does not lead from the entry to the checkpoint's root: %v", err)
	}
	return nil
}

func verifyReveal(e sightline.Entry, files map[string][]byte) error {
	raw, ok := files[proofReveal]
	if !ok {
		return nil
	}
	var opened map[string]revealed
	if err := json.Unmarshal(raw, &opened); err != nil {
		return wrong("%s cannot be read: %v", proofReveal, err)
	}
	if !exactly(raw, opened) {
		return wrong("%s holds other fields than salt and value", proofReveal)
	}
	for _, name := range slices.Sorted(maps.Keys(opened)) {
		salt, err := hex.DecodeString(opened[name].Salt)
		if err != nil {
			return wrong("the salt of %q in %s cannot be read", name, proofReveal)
		}
		value, err := sightline.CanonicalJSON(opened[name].Value)
		if err != nil {
			return wrong("the value of %q in %s: %v", name, proofReveal, err)
		}
		if !(sightline.SealedValue{Name: name, Salt: salt, Value: value}).Opens(e.Sealed[name]) {
			return wrong("the revealed value %q does not open the entry's commitment", name)
		}
	}
	return nil
}

// verifyTokens checks every time-stamp over the checkpoint against the root
// certificate in tsa/.
func verifyTokens(files map[string][]byte) error {
	good, bad := 0, []error{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		authority, ok := strings.CutPrefix(name, "checkpoint.")
		if authority, ok2 := strings.CutSuffix(authority, ".tsr"); ok && ok2 {
			if err := verifyToken(files[name], files[proofCheckpoint], files["tsa/"+authority+".pem"]); err != nil {
				bad = append(bad, fmt.Errorf("%s: %w", name, err))
			} else {
				good++
			}
		}
	}
	if len(bad) > 0 {
		return wrong("%d of %d time-stamps hold: %v", good, good+len(bad), errors.Join(bad...))
	}
	return nil
}

func verifyToken(der, checkpoint, root []byte) error {
	t, err := timestamp.ParseResponse(der)
	if err != nil {
		return wrong("not a time-stamp reply: %v", err)
	}
	sum := sha256.Sum256(checkpoint)
	if !bytes.Equal(t.HashedMessage, sum[:]) {
		return wrong("the time-stamp is over other bytes")
	}
	if len(root) == 0 {
		return wrong("the authority's certificate is missing")
	}
	pool, err := rootsOf(root)
	if err != nil {
		return err
	}
	p7, err := pkcs7.Parse(t.RawToken)
	if err != nil {
		return wrong("not a time-stamp token: %v", err)
	}
	// The chain has to hold at the time stamped: authorities' certificates
	// expire long before the proof has to be shown.
	err = p7.VerifyWithOpts(x509.VerifyOptions{Roots: pool, CurrentTime: t.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	if err != nil {
		return wrong("the authority's signature or certificate chain does not hold: %v", err)
	}
	return nil
}
