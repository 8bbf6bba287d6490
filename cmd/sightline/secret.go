package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"filippo.io/age"

	"sightline/archive"
)

// keyPlace is where identities of a person on this machine lie, each wrapped
// by a passphrase. It belongs to no case and never to a server.
func keyPlace() (string, error) {
	home, err := archive.Home()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, "tips"), nil
}

// scryptWork is the work factor of wrapped identities, 2^18: about a second.
var scryptWork = 18

const identitySuffix = ".identity.age"

var keyName = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,60}$`)

// secret is a flag group: how the passphrase comes in.
type secret struct {
	PassphraseFile string `type:"path" placeholder:"FILE" help:"Read the passphrase of the identity from the first line of a file. Default: asked for at the terminal."`
}

// passphrase asks for it, twice where a new identity is made.
func (s *secret) passphrase(e *env, twice bool) (string, error) {
	if s.PassphraseFile != "" {
		b, err := os.ReadFile(s.PassphraseFile)
		if err != nil {
			return "", exit(2, fmt.Errorf("the passphrase cannot be read: %w", err))
		}
		line, _, _ := strings.Cut(string(b), "\n")
		return s.long(strings.TrimSuffix(line, "\r"))
	}
	if !terminal(e.stdin) {
		return "", exit(2, errors.New("there is no terminal to ask for the passphrase; give --passphrase-file"))
	}
	defer hideInput(e.stdin)()
	in := bufio.NewReader(e.stdin)
	ask := func(what string) (string, error) {
		fmt.Fprint(e.stderr, what)
		line, err := in.ReadString('\n')
		fmt.Fprintln(e.stderr)
		return strings.TrimRight(line, "\r\n"), err
	}
	p, err := ask("Passphrase of the key: ")
	if err != nil {
		return "", err
	}
	if twice {
		again, err := ask("The same again: ")
		if err != nil {
			return "", err
		}
		if again != p {
			return "", exit(2, errors.New("the two are not the same; nothing was made"))
		}
	}
	return s.long(p)
}

func (s *secret) long(p string) (string, error) {
	if len(p) < 12 {
		return "", exit(2, errors.New("the passphrase needs at least 12 characters; five random words are good"))
	}
	return p, nil
}

// saveIdentity writes an identity wrapped by a passphrase; it never replaces one.
func saveIdentity(name string, id fmt.Stringer, passphrase string) (path string, err error) {
	dir, err := keyPlace()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return "", err
	}
	r.SetWorkFactor(scryptWork)
	var b bytes.Buffer
	w, err := age.Encrypt(&b, r)
	if err == nil {
		_, err = io.WriteString(w, id.String()+"\n")
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, name+identitySuffix)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return "", exit(2, fmt.Errorf("a key named %q is here already; choose another name or use \"sightline key rotate\"", name))
	}
	if err != nil {
		return "", err
	}
	_, err = f.Write(b.Bytes())
	return path, errors.Join(err, f.Sync(), f.Close())
}

// identityNames lists the identities of this machine.
func identityNames() ([]string, error) {
	dir, err := keyPlace()
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*"+identitySuffix))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range paths {
		out = append(out, strings.TrimSuffix(filepath.Base(p), identitySuffix))
	}
	sort.Strings(out)
	return out, nil
}

// loadIdentity unwraps one identity.
func loadIdentity(name, passphrase string) (age.Identity, string, error) {
	dir, err := keyPlace()
	if err != nil {
		return nil, "", err
	}
	f, err := os.Open(filepath.Join(dir, name+identitySuffix))
	if err != nil {
		return nil, "", exit(2, fmt.Errorf("the key %q is not on this machine: %w", name, err))
	}
	defer f.Close()
	s, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, "", err
	}
	r, err := age.Decrypt(f, s)
	if err != nil {
		return nil, "", exit(2, fmt.Errorf("the passphrase does not open the key %q", name))
	}
	b, err := io.ReadAll(io.LimitReader(r, 1<<16))
	if err != nil {
		return nil, "", exit(2, fmt.Errorf("the key %q is damaged: %w", name, err))
	}
	text := strings.TrimSpace(string(b))
	if strings.HasPrefix(text, "AGE-SECRET-KEY-PQ-1") {
		id, err := age.ParseHybridIdentity(text)
		if err != nil {
			return nil, "", exit(2, fmt.Errorf("the key %q is damaged", name))
		}
		return id, id.Recipient().String(), nil
	}
	id, err := age.ParseX25519Identity(text)
	if err != nil {
		return nil, "", exit(2, fmt.Errorf("the key %q is damaged", name))
	}
	return id, id.Recipient().String(), nil
}

// identities unwraps the named identity, or all of this machine that the
// passphrase opens.
func (s *secret) identities(e *env, name string) (ids []age.Identity, recipients []string, err error) {
	names := []string{name}
	if name == "" {
		if names, err = identityNames(); err != nil {
			return nil, nil, err
		}
		if len(names) == 0 {
			return nil, nil, exit(2, errors.New("there is no key on this machine; tips open only where \"sightline key new\" was run"))
		}
	}
	pass, err := s.passphrase(e, false)
	if err != nil {
		return nil, nil, err
	}
	var last error
	for _, n := range names {
		id, r, err := loadIdentity(n, pass)
		if err != nil {
			last = err
			continue
		}
		ids, recipients = append(ids, id), append(recipients, r)
	}
	if len(ids) == 0 {
		return nil, nil, last
	}
	return ids, recipients, nil
}
