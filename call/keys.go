package call

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"sightline"
	"sightline/call/pages"
	"sightline/tip"
)

// Recipients are the public keys tips are sealed to, with the text they were
// read from: the text is what is signed and shown.
type Recipients struct {
	List []tip.Recipient
	text []byte
}

// LoadRecipients reads call.keys.
func LoadRecipients(path string) (Recipients, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Recipients{}, fmt.Errorf("%s is missing: without a key of the team nothing can be received; \"sightline key share\" writes it: %w", path, sightline.ErrNotFound)
	}
	if err != nil {
		return Recipients{}, err
	}
	l, err := tip.ParseRecipients(b)
	if err != nil {
		return Recipients{}, fmt.Errorf("%s: %v: %w", path, err, sightline.ErrInvalid)
	}
	return Recipients{l, b}, nil
}

// Text is the file as it is served.
func (r Recipients) Text() []byte { return r.text }

// Prints are the fingerprints for the page.
func (r Recipients) Prints() []pages.Key {
	var out []pages.Key
	for _, k := range r.List {
		out = append(out, pages.Key{Name: k.Name, Print: k.Print(), Words: k.PrintWords("es")})
	}
	return out
}

func integrity(b []byte) string {
	h := sha256.Sum256(b)
	return "sha256-" + base64.StdEncoding.EncodeToString(h[:])
}
