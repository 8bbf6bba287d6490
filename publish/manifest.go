package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"sightline/digest"
)

// Manifest lists every file of an edition but itself and its sha256sum twin.
type Manifest struct {
	Format  string         `json:"format"` // "sightline.edition/1"
	Case    string         `json:"case"`
	Number  int            `json:"number"`
	Claim   string         `json:"claim,omitempty"` // of a bundle
	Date    string         `json:"date"`            // of the log head
	Program string         `json:"program"`
	Log     ManifestLog    `json:"log"`
	Files   []ManifestFile `json:"files"`
}

func (m *Manifest) name() string {
	if m.Claim != "" {
		return fmt.Sprintf("%s %s of v%d", m.Case, m.Claim, m.Number)
	}
	return fmt.Sprintf("%s v%d", m.Case, m.Number)
}

// ManifestLog is the state of the custody log the edition is anchored to.
type ManifestLog struct {
	Origin      string `json:"origin"`
	Size        int64  `json:"size"`
	Root        string `json:"root"`
	Fingerprint string `json:"key_sha256,omitempty"`
}

// ManifestFile is one file: its path, length and SHA-256.
type ManifestFile struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// ManifestFormat is the value of Manifest.Format.
const ManifestFormat = "sightline.edition/1"

const (
	manifestName = "manifest.json"
	sumsName     = "SHA256SUMS"
)

// verifyPage writes VERIFY.md.
func (b *builder) verifyPage(context.Context) error {
	md, err := pageFiles.ReadFile("pages/VERIFY.md")
	if err != nil {
		return err
	}
	return b.put("VERIFY.md", bytes.ReplaceAll(md, []byte("{{FINGERPRINT}}"), []byte(keyFingerprint(b.in.Log.PublicKey))))
}

// manifest is the manifest without its files.
func (b *builder) manifest() Manifest {
	return Manifest{
		Format: ManifestFormat, Case: b.pub.Case.ID, Number: b.in.Number, Date: b.in.Date, Program: b.in.Version,
		Log: ManifestLog{b.in.Log.Origin, b.in.Log.Size, b.in.Log.Root, keyFingerprint(b.in.Log.PublicKey)},
	}
}

// seal writes the manifest and its sha256sum twin.
func (b *builder) seal() (*Result, error) {
	m := b.manifest()
	var sums strings.Builder
	res := &Result{}
	names := make([]string, 0, len(b.sums))
	for n := range b.sums {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		s := b.sums[n]
		m.Files = append(m.Files, ManifestFile{n, s.Size, s.SHA256})
		fmt.Fprintf(&sums, "%s  %s\n", s.SHA256, n)
		res.Files++
		res.Bytes += s.Size
	}
	data, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, err
	}
	data = append(data, '\n')
	res.Manifest = digest.Of(data)
	fmt.Fprintf(&sums, "%s  %s\n", res.Manifest, manifestName)
	if err := os.WriteFile(filepath.Join(b.dir, manifestName), data, 0o644); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(b.dir, sumsName), []byte(sums.String()), 0o644); err != nil {
		return nil, err
	}
	return res, nil
}

// keyFingerprint is the SHA-256 of the raw public key in a PEM file, as 64
// hexadecimal digits; "" when there is none.
func keyFingerprint(pemBytes []byte) string {
	blk, _ := pem.Decode(pemBytes)
	if blk == nil {
		return ""
	}
	raw := blk.Bytes
	if _, err := x509.ParsePKIXPublicKey(raw); err == nil && len(raw) > 32 {
		raw = raw[len(raw)-32:] // Ed25519: the last 32 bytes of the structure
	}
	s := sha256.Sum256(raw)
	return hex.EncodeToString(s[:])
}

// packScript wraps a file as a classic script that hands its bytes to the
// reader's page, because fetch does not work from file://.
func packScript(name string, data []byte) []byte {
	n, _ := json.Marshal(name)
	var buf bytes.Buffer
	buf.WriteString("(self.sightlinePack=self.sightlinePack||{})[")
	buf.Write(n)
	buf.WriteString(`]="`)
	buf.WriteString(base64.StdEncoding.EncodeToString(data))
	buf.WriteString("\";\n")
	return buf.Bytes()
}
