package call

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sightline"
	"sightline/call/pages"
)

// Names inside the folder of a call.
const (
	ConfigFile = "call.json"
	KeysFile   = "call.keys"
	NoteFile   = "call.keys.note"
	PullFile   = "pull.keys" // Ed25519 public keys that may pull, one a line
	storeFile  = "intake.sqlite"
	tipsDir    = "tips"
	partDir    = "partial"
)

// Config is call.json: everything about a call that is public.
type Config struct {
	V        int               `json:"v"`
	ID       string            `json:"id"` // salt of every code; never changed after the first tip
	Name     map[string]string `json:"name"`
	Onion    string            `json:"onion,omitempty"`
	Requests []Request         `json:"requests,omitempty"`
	Channels []Channel         `json:"channels,omitempty"`
	Limits   Limits            `json:"limits"`
}

// Request is one thing the case looks for: a gap, in plain words.
type Request struct {
	ID   string            `json:"id"`
	Text map[string]string `json:"text"`
}

// Channel is another way to reach the team: "signal", "whatsapp", "mail",
// "phone", "post" or another word, and the address.
type Channel struct {
	Kind    string `json:"kind"`
	Address string `json:"address"`
}

// Limits are what one source, one tip and the whole server may use.
type Limits struct {
	Tip     int64 `json:"tip"`     // bytes of one tip, content and message
	Files   int   `json:"files"`   // files of one tip
	Message int   `json:"message"` // bytes of one message
	Quota   int64 `json:"quota"`   // bytes on disk, tips and partials
}

// DefaultLimits are those of the design: 2 GiB, 20 files, 64 KiB, 50 GiB.
var DefaultLimits = Limits{Tip: 2 << 30, Files: 20, Message: 64 << 10, Quota: 50 << 30}

var callID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{7,63}$`)

// LoadConfig reads call.json of a folder.
func LoadConfig(dir string) (Config, error) {
	var c Config
	path := filepath.Join(dir, ConfigFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("%s is not the folder of a call: it has no %s; \"sightline key share --call %s\" makes it: %w", dir, ConfigFile, dir, sightline.ErrNotFound)
	}
	if err != nil {
		return c, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("%s: %v: %w", path, err, sightline.ErrInvalid)
	}
	if err := c.check(); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func (c *Config) check() error {
	if c.V != 1 {
		return fmt.Errorf("version %d is not one this program knows: %w", c.V, sightline.ErrNewer)
	}
	if !callID.MatchString(c.ID) {
		return fmt.Errorf("id %q is not 8 to 64 of a-z, 0-9 and -: %w", c.ID, sightline.ErrInvalid)
	}
	for _, l := range pages.Langs {
		if strings.TrimSpace(c.Name[l]) == "" {
			return fmt.Errorf("the name is missing in language %q; a source must be able to read it: %w", l, sightline.ErrInvalid)
		}
		for _, r := range c.Requests {
			if strings.TrimSpace(r.Text[l]) == "" {
				return fmt.Errorf("request %q is missing in language %q: %w", r.ID, l, sightline.ErrInvalid)
			}
		}
	}
	d := DefaultLimits
	for _, p := range []struct {
		v    *int64
		d    int64
		name string
	}{{&c.Limits.Tip, d.Tip, "tip"}, {&c.Limits.Quota, d.Quota, "quota"}} {
		if *p.v == 0 {
			*p.v = p.d
		}
		if *p.v < 0 {
			return fmt.Errorf("limit %s is negative: %w", p.name, sightline.ErrInvalid)
		}
	}
	if c.Limits.Files == 0 {
		c.Limits.Files = d.Files
	}
	if c.Limits.Message == 0 {
		c.Limits.Message = d.Message
	}
	if c.Limits.Files < 1 || c.Limits.Message < 1 {
		return fmt.Errorf("limits files and message must be at least 1: %w", sightline.ErrInvalid)
	}
	return nil
}

// SaveConfig writes call.json.
func SaveConfig(dir string, c Config) error {
	if err := c.check(); err != nil {
		return err
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(dir, ConfigFile), append(b, '\n'), 0o644)
}

// RefuseIdentity reports an error when a folder holds anything that looks
// like a secret key: the server must be worthless to whoever takes it.
func RefuseIdentity(dir string) error {
	marks := [][]byte{[]byte("AGE-SECRET-KEY-"), []byte("AGE-PLUGIN-"), []byte("PRIVATE KEY-----"), []byte("PRIVATE+KEY+"), []byte("SLHALF1 "), []byte("SLSHARE1 ")}
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); path != dir && (n == tipsDir || n == partDir) {
				return fs.SkipDir // ciphertext only, and much of it
			}
			return nil
		}
		if !d.Type().IsRegular() || strings.HasPrefix(d.Name(), storeFile) {
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		head, _ := bufio.NewReaderSize(f, 1<<20).Peek(1 << 20)
		for _, m := range marks {
			if bytes.Contains(bytes.ToUpper(head), m) {
				return fmt.Errorf("%s holds a secret key; this server must hold public keys only, take the file away: %w", path, sightline.ErrDenied)
			}
		}
		if strings.HasSuffix(d.Name(), ".identity.age") {
			return fmt.Errorf("%s is a wrapped identity; it belongs on the machine that opens tips, take it away: %w", path, sightline.ErrDenied)
		}
		return nil
	})
}

// writeWhole replaces a file so that a reader sees the old or the new one.
func writeWhole(path string, b []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
