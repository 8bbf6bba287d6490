package archive

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
)

// LogPublicPEM is the public key of the log, as PEM (PKIX).
func (f *CaseFolder) LogPublicPEM() ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(f.Dir, keysDir, logPub))
	if err != nil {
		return nil, fmt.Errorf("the public key of the log cannot be read: %w", err)
	}
	return b, nil
}

// Secret derives a secret of the case for one purpose (blurring public
// coordinates, say) from the log's private key, with HMAC-SHA256. It is the
// same each time, and nobody without the key can compute it.
func (f *CaseFolder) Secret(purpose string) ([]byte, error) {
	key, err := loadKey(filepath.Join(f.Dir, keysDir, logKey))
	if err != nil {
		return nil, fmt.Errorf("the key of the log is not in this copy of the case, and without it nothing can be published: %w", err)
	}
	m := hmac.New(sha256.New, key.Seed())
	m.Write([]byte("sightline/secret/v1 " + purpose))
	return m.Sum(nil), nil
}
