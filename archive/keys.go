package archive

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sightline"
)

// Home is the folder of what belongs to a person on this machine and to no
// case: the device key. SIGHTLINE_HOME overrides the system's place for it.
func Home() (string, error) {
	if h := os.Getenv("SIGHTLINE_HOME"); h != "" {
		return h, nil
	}
	c, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("failed to find a place for your key; set SIGHTLINE_HOME to a folder: %w", err)
	}
	return filepath.Join(c, "sightline"), nil
}

// DeviceActor returns the person at this machine with the key of this device,
// which is made on first use. SIGHTLINE_NAME overrides the account's name.
func DeviceActor() (sightline.Actor, error) {
	home, err := Home()
	if err != nil {
		return sightline.Actor{}, err
	}
	key, err := loadOrMakeKey(filepath.Join(home, "device.key"), rand.Reader)
	if err != nil {
		return sightline.Actor{}, err
	}
	return KeyActor(personName(), "owner", key), nil
}

// KeyActor is an actor who signs with key.
func KeyActor(name, role string, key ed25519.PrivateKey) sightline.Actor {
	return sightline.Actor{
		Name: name, Role: role, PublicKey: key.Public().(ed25519.PublicKey),
		Sign: func(m []byte) ([]byte, error) { return ed25519.Sign(key, m), nil },
	}
}

func personName() string {
	if n := os.Getenv("SIGHTLINE_NAME"); n != "" {
		return n
	}
	u, err := user.Current()
	switch {
	case err != nil:
		return "unnamed"
	case strings.TrimSpace(u.Name) != "":
		return strings.TrimSpace(u.Name)
	}
	return u.Username
}

// loadOrMakeKey reads an Ed25519 key in PKCS #8 PEM, or makes one.
func loadOrMakeKey(path string, random io.Reader) (ed25519.PrivateKey, error) {
	key, err := loadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if key, err = newKey(random); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("failed to make the folder of keys: %w", err)
	}
	if err := saveKey(path, key); errors.Is(err, fs.ErrExist) {
		return loadKey(path) // another process was faster
	} else if err != nil {
		return nil, err
	}
	return key, nil
}

// newKey draws a seed and makes the key of it. Going by the seed keeps keys
// of demonstration cases reproducible.
func newKey(random io.Reader) (ed25519.PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("failed to draw a key: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func loadKey(path string) (ed25519.PrivateKey, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("failed to read the key %s: %w", path, err)
	}
	bad := fmt.Errorf("%s does not hold an Ed25519 key in PEM: %w", path, sightline.ErrInvalid)
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, bad
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, bad
	}
	key, ok := k.(ed25519.PrivateKey)
	if !ok {
		return nil, bad
	}
	return key, nil
}

// saveKey writes a key so that nobody else can read it, whole or not at all.
func saveKey(path string, key ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("failed to write a key: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("failed to write a key: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("failed to write a key: %w", err)
	}
	if err := os.Link(f.Name(), path); err != nil { // fails when the name exists
		if errors.Is(err, fs.ErrExist) {
			return err
		}
		// Some file systems have no hard links.
		if _, err := os.Lstat(path); err == nil {
			return fs.ErrExist
		}
		if err := os.Rename(f.Name(), path); err != nil {
			return fmt.Errorf("failed to write a key: %w", err)
		}
	}
	return nil
}

// publicPEM is a public key as openssl reads it.
func publicPEM(raw []byte) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(raw))
	if err != nil {
		return nil, fmt.Errorf("failed to write a public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// parsePublicPEM returns the 32 raw bytes of an Ed25519 public key in PEM.
func parsePublicPEM(b []byte) ([]byte, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("there is no key in PEM: %w", sightline.ErrInvalid)
	}
	k, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("failed to read a public key: %v: %w", err, sightline.ErrInvalid)
	}
	pub, ok := k.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the key is not of the sort Ed25519: %w", sightline.ErrInvalid)
	}
	return pub, nil
}

// logSigner signs checkpoints for the log called origin.
type logSigner struct {
	name string
	hash uint32
	key  ed25519.PrivateKey
}

func newLogSigner(origin string, key ed25519.PrivateKey) (note.Signer, error) {
	v, err := logVerifier(origin, key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	return &logSigner{origin, v.KeyHash(), key}, nil
}

func (s *logSigner) Name() string                        { return s.name }
func (s *logSigner) KeyHash() uint32                     { return s.hash }
func (s *logSigner) Sign(message []byte) ([]byte, error) { return ed25519.Sign(s.key, message), nil }

func logVerifier(origin string, raw []byte) (note.Verifier, error) {
	if len(raw) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("the log's public key has %d bytes instead of %d: %w", len(raw), ed25519.PublicKeySize, sightline.ErrInvalid)
	}
	vkey, err := note.NewEd25519VerifierKey(origin, raw)
	if err != nil {
		return nil, fmt.Errorf("failed to read the log's public key: %w", err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("the log's name %q cannot sign notes: %w", origin, err)
	}
	return v, nil
}
