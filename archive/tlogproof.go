package archive

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sightline"
)

// inclusionHeader begins a C2SP tlog-proof file (c2sp.org/tlog-proof).
const inclusionHeader = "c2sp.org/tlog-proof@v1"

// maxPath is the longest audit path: 63 hashes are a tree of 2^63 leaves.
const maxPath = 63

// inclusion is a C2SP tlog-proof: where a leaf is, the path from it to the
// root, and the checkpoint that signs the root.
type inclusion struct {
	Index      int64
	Path       tlog.RecordProof
	Checkpoint []byte
}

func formatInclusion(seq sightline.Seq, path []string, checkpoint []byte) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nindex %d\n", inclusionHeader, seq)
	for _, p := range path {
		h, err := hex.DecodeString(p)
		if err != nil || len(h) != tlog.HashSize {
			return nil, fmt.Errorf("the audit path holds %q, which is not a hash: %w", p, sightline.ErrDamaged)
		}
		b.WriteString(base64.StdEncoding.EncodeToString(h) + "\n")
	}
	b.WriteByte('\n')
	b.Write(checkpoint)
	return b.Bytes(), nil
}

// parseInclusion reads a C2SP tlog-proof without extra data.
func parseInclusion(b []byte) (inclusion, error) {
	var p inclusion
	bad := func(what string) (inclusion, error) {
		return inclusion{}, fmt.Errorf("%s is not a C2SP tlog-proof: %s: %w", proofInclusion, what, sightline.ErrInvalid)
	}
	head, checkpoint, ok := bytes.Cut(b, []byte("\n\n"))
	if !ok {
		return bad("no empty line before the checkpoint")
	}
	lines := strings.Split(string(head), "\n")
	if lines[0] != inclusionHeader || len(lines) < 2 {
		return bad("the first line has to be " + inclusionHeader)
	}
	index, ok := strings.CutPrefix(lines[1], "index ")
	var err error
	if p.Index, err = strconv.ParseInt(index, 10, 64); !ok || err != nil || p.Index < 0 || strconv.FormatInt(p.Index, 10) != index {
		return bad("the second line has to be \"index\" and a number")
	}
	if len(lines)-2 > maxPath {
		return bad("the audit path is too long")
	}
	for _, l := range lines[2:] {
		h, err := base64.StdEncoding.Strict().DecodeString(l)
		if err != nil || len(h) != tlog.HashSize {
			return bad(fmt.Sprintf("%.60q is not a hash", l))
		}
		p.Path = append(p.Path, tlog.Hash(h))
	}
	p.Checkpoint = checkpoint
	return p, nil
}

// signedHead is what a checkpoint says once its signature has been verified.
type signedHead struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// parseCheckpoint reads a C2SP checkpoint without trusting it.
func parseCheckpoint(text string) (signedHead, error) {
	var h signedHead
	bad := fmt.Errorf("the checkpoint is not three lines of origin, size and root: %w", sightline.ErrInvalid)
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 || lines[0] == "" {
		return h, bad
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return h, bad
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return h, bad
	}
	return signedHead{lines[0], size, tlog.Hash(root)}, nil
}

// openCheckpoint verifies the log's signature under a checkpoint.
func openCheckpoint(msg []byte, logKey []byte) (signedHead, error) {
	origin, _, _ := strings.Cut(string(msg), "\n")
	v, err := logVerifier(origin, logKey)
	if err != nil {
		return signedHead{}, fmt.Errorf("%w: %w", sightline.ErrDamaged, err)
	}
	n, err := note.Open(msg, note.VerifierList(v))
	if err != nil {
		return signedHead{}, fmt.Errorf("the checkpoint is not signed by the log's key: %v: %w", err, sightline.ErrDamaged)
	}
	return parseCheckpoint(n.Text)
}
