package archive

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sightline"
)

// Names in a proof folder.
const (
	proofItem       = "item"
	proofLeaf       = "leaf.json"
	proofEnvelope   = "leaf.dsse.json"
	proofInclusion  = "inclusion.tlog-proof"
	proofCheckpoint = "checkpoint"
	proofLogKey     = "log.pub.pem"
	proofActorKey   = "actor.pub.pem"
	proofReveal     = "reveal.json"
)

var (
	//go:embed proof/verify.py
	verifyPy []byte
	//go:embed proof/VERIFY.md
	verifyMD []byte
	//go:embed proof/timestamps.md
	timestampsMD []byte
)

// envelope is a DSSE envelope; the order of fields is alphabetical, as in
// canonical JSON.
type envelope struct {
	Payload     string      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

// Proof gathers what shows the item's original to be in the log: everything of
// a proof folder but the item's bytes, by file name. It takes the newest
// checkpoint that has a time-stamp, else the newest; when no checkpoint covers
// the entry, the log has to be checkpointed first (CaseFolder.Store.Checkpoint).
func (f *CaseFolder) Proof(ctx context.Context, itemID string) (files map[string][]byte, err error) {
	err = f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
		files, err = f.ProofIn(r, itemID)
		return err
	})
	return files, err
}

// ProofIn is [Proof] with the certificates that time-stamps have to chain to.
func (f *CaseFolder) ProofIn(r sightline.Reader, itemID string, reveal ...string) (map[string][]byte, error) {
	files, err := Proof(r, itemID, reveal...)
	if err != nil {
		return nil, err
	}
	return files, f.addRoots(files)
}

// Proof gathers the files of a proof folder from one state of a case. The
// values named in reveal are opened in reveal.json; all others stay sealed.
func Proof(r sightline.Reader, itemID string, reveal ...string) (map[string][]byte, error) {
	e, err := originalEntry(r, itemID)
	if err != nil {
		return nil, err
	}
	public, err := logPublic(r)
	if err != nil {
		return nil, err
	}
	checkpoints, err := r.Checkpoints()
	if err != nil {
		return nil, err
	}
	if len(checkpoints) == 0 || checkpoints[len(checkpoints)-1].Size <= e.Seq {
		return nil, fmt.Errorf("no checkpoint covers entry %d of %s yet; make one and try again: %w", e.Seq, itemID, sightline.ErrNotFound)
	}
	c, err := covering(r, checkpoints, e.Seq)
	if err != nil {
		return nil, err
	}
	path, err := r.InclusionProof(e.Seq, c.Size)
	if err != nil {
		return nil, err
	}
	inclusion, err := formatInclusion(e.Seq, path, c.Note)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{
		proofLeaf: e.Bytes, proofInclusion: inclusion, proofCheckpoint: c.Note,
		"verify.py": verifyPy, "VERIFY.md": verifyMD,
	}
	if files[proofEnvelope], err = sightline.Canonical(envelope{
		base64.StdEncoding.EncodeToString(e.Bytes), sightline.EntryPayloadType,
		[]signature{{e.Actor.Key, base64.StdEncoding.EncodeToString(e.Signature)}},
	}); err != nil {
		return nil, err
	}
	if files[proofLogKey], err = publicPEM(public); err != nil {
		return nil, err
	}
	if files[proofActorKey], err = publicPEM(e.PublicKey); err != nil {
		return nil, err
	}
	if err := addTokens(r, c.Size, files); err != nil {
		return nil, err
	}
	return files, addReveal(r, e, reveal, files)
}

// covering picks the checkpoint of a proof: the newest with a time-stamp that
// covers the entry, else the newest.
func covering(r sightline.Reader, list []sightline.Checkpoint, seq sightline.Seq) (sightline.Checkpoint, error) {
	for i := len(list) - 1; i >= 0 && list[i].Size > seq; i-- {
		tokens, err := r.Tokens(list[i].Size)
		if err != nil {
			return sightline.Checkpoint{}, err
		}
		if len(tokens) > 0 {
			return list[i], nil
		}
	}
	return list[len(list)-1], nil
}

// originalEntry finds the entry that took in the item's original bytes.
func originalEntry(r sightline.Reader, itemID string) (sightline.LogEntry, error) {
	history, err := r.History(sightline.Ref{Kind: sightline.KindItem, ID: itemID})
	if err != nil {
		return sightline.LogEntry{}, err
	}
	it, err := sightline.Get[sightline.Item](r, sightline.KindItem, itemID)
	if err != nil {
		return sightline.LogEntry{}, err
	}
	// The entry is nearly always the one that wrote the first revision.
	for _, row := range history {
		for e, err := range r.Entries(row.Seq, row.Seq+1) {
			if err != nil {
				return sightline.LogEntry{}, err
			}
			if e.Item != nil && e.Item.ID == itemID && e.Item.Copy == "evidentiary" && e.Item.SHA256 == it.SHA256 {
				return e, nil
			}
		}
	}
	return sightline.LogEntry{}, fmt.Errorf("no entry of the log took in the bytes of %s, so there is no proof of it: %w", itemID, sightline.ErrNotFound)
}

var unsafeName = regexp.MustCompile(`[^a-z0-9-]+`)

func addTokens(r sightline.Reader, size int64, files map[string][]byte) error {
	tokens, err := r.Tokens(size)
	if err != nil || len(tokens) == 0 {
		return err
	}
	md := bytes.NewBuffer(slices.Concat(verifyMD, timestampsMD))
	for _, t := range tokens {
		name := strings.Trim(unsafeName.ReplaceAllString(strings.ToLower(t.Authority), "-"), "-")
		files["checkpoint."+name+".tsr"] = t.DER
		fmt.Fprintf(md, "    openssl ts -verify -data checkpoint -in checkpoint.%s.tsr -CAfile tsa/%s.pem\n", name, name)
	}
	files["VERIFY.md"] = md.Bytes()
	return nil
}

// revealed is one opened value in reveal.json.
type revealed struct {
	Salt  string          `json:"salt"`
	Value json.RawMessage `json:"value"`
}

func addReveal(r sightline.Reader, e sightline.LogEntry, names []string, files map[string][]byte) error {
	if len(names) == 0 {
		return nil
	}
	sealed, err := r.Sealed(e.Seq)
	if err != nil {
		return err
	}
	out := map[string]revealed{}
	for _, v := range sealed {
		if slices.Contains(names, v.Name) {
			out[v.Name] = revealed{hex.EncodeToString(v.Salt), v.Value}
		}
	}
	if len(out) != len(names) {
		return fmt.Errorf("entry %d does not hold every value of %s: %w", e.Seq, strings.Join(names, ", "), sightline.ErrNotFound)
	}
	files[proofReveal], err = sightline.Canonical(out)
	return err
}
