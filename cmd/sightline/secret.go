package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"filippo.io/age"

	"sightline"
	"sightline/archive"
	"sightline/tip"
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

// ownKey is an identity of this machine, unwrapped.
type ownKey struct {
	Name      string
	Recipient string
	ID        age.Identity // nil for one half of a pair: it needs help
	Half      *tip.Half
	text      string // as it is kept; a secret
}

// parseOwn reads the text of an identity: hybrid, classic, or half of a pair.
func parseOwn(name, text string) (k ownKey, err error) {
	k = ownKey{Name: name, text: text}
	damaged := exit(2, fmt.Errorf("the key %q is damaged", name))
	switch {
	case tip.IsHalf(text):
		if k.Half, err = tip.ParseHalf(text); err != nil {
			return k, damaged
		}
		if k.Half.Whole() {
			if k.Recipient, err = k.Half.Recipient(); err != nil {
				return k, damaged
			}
		}
	case strings.HasPrefix(text, "AGE-SECRET-KEY-PQ-1"):
		id, err := age.ParseHybridIdentity(text)
		if err != nil {
			return k, damaged
		}
		k.ID, k.Recipient = id, id.Recipient().String()
	default:
		id, err := age.ParseX25519Identity(text)
		if err != nil {
			return k, damaged
		}
		k.ID, k.Recipient = id, id.Recipient().String()
	}
	return k, nil
}

// loadIdentity unwraps one identity.
func loadIdentity(name, passphrase string) (ownKey, error) {
	dir, err := keyPlace()
	if err != nil {
		return ownKey{}, err
	}
	f, err := os.Open(filepath.Join(dir, name+identitySuffix))
	if err != nil {
		return ownKey{}, exit(2, fmt.Errorf("the key %q is not on this machine: %w", name, err))
	}
	defer f.Close()
	s, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return ownKey{}, err
	}
	r, err := age.Decrypt(f, s)
	if err != nil {
		return ownKey{}, exit(2, &coded{"tip_passphrase", fmt.Errorf("the passphrase does not open the key %q", name)})
	}
	b, err := io.ReadAll(io.LimitReader(r, 1<<16))
	if err != nil {
		return ownKey{}, exit(2, fmt.Errorf("the key %q is damaged: %w", name, err))
	}
	return parseOwn(name, strings.TrimSpace(string(b)))
}

// ownKeys unwraps the named identity, or all of this machine that the
// passphrase opens.
func ownKeys(name, pass string) (out []ownKey, err error) {
	names := []string{name}
	if name == "" {
		if names, err = identityNames(); err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, exit(2, errors.New("there is no key on this machine; tips open only where \"sightline key new\" was run"))
		}
	}
	var last error
	for _, n := range names {
		k, err := loadIdentity(n, pass)
		if err != nil {
			last = err
			continue
		}
		out = append(out, k)
	}
	if len(out) == 0 {
		return nil, last
	}
	return out, nil
}

// opener is a flag group: with which keys a tip is opened.
type opener struct {
	secret             `embed:""`
	Key                string   `placeholder:"NAME" help:"Identity to open with. Default: all of this machine that the passphrase opens."`
	With               string   `placeholder:"NAME" help:"The other half of a pair, where its holder is here as well and types the passphrase."`
	WithPassphraseFile string   `type:"path" placeholder:"FILE" help:"Read the passphrase of the other half from the first line of a file."`
	Help               []string `name:"help-of" type:"path" placeholder:"FILE" help:"What the other person of a pair made with \"sightline tips assist\"."`
}

// unlocked are keys that are ready to open, and who helps.
type unlocked struct {
	keys   []ownKey
	other  *ownKey   // the second half, on this machine
	helped []tipHelp // help that came from another machine
}

func (o *opener) unlock(e *env) (u unlocked, err error) {
	pass, err := o.passphrase(e, false)
	if err != nil {
		return u, err
	}
	if u.keys, err = ownKeys(o.Key, pass); err != nil {
		return u, err
	}
	if o.With != "" {
		second := secret{o.WithPassphraseFile}
		if o.WithPassphraseFile == "" {
			fmt.Fprintf(e.stderr, "The other person, who holds %q:\n", o.With)
		}
		if pass, err = second.passphrase(e, false); err != nil {
			return u, err
		}
		k, err := loadIdentity(o.With, pass)
		if err != nil {
			return u, err
		}
		u.other = &k
	}
	for _, p := range o.Help {
		b, err := os.ReadFile(p)
		if err != nil {
			return u, exit(2, fmt.Errorf("the help cannot be read: %w", err))
		}
		h, err := readHelp(b)
		if err != nil {
			return u, exit(2, fmt.Errorf("%s: %w", p, err))
		}
		u.helped = append(u.helped, h)
	}
	return u, nil
}

// second is the name of who helps; empty where nobody does.
func (u *unlocked) second() string {
	if u.other != nil {
		return u.other.Name
	}
	for _, h := range u.helped {
		return h.By
	}
	return ""
}

// identities are the keys as age takes them. Halves are joined with the help
// that is here; pairs leaves keys of one person out.
func (u *unlocked) identities(pairs bool) (ids []age.Identity, err error) {
	for _, k := range u.keys {
		switch {
		case k.Half != nil && k.Half.Whole():
			id, err := k.Half.Opener(u.help)
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		case k.Half == nil && !pairs:
			ids = append(ids, k.ID)
		}
	}
	if len(ids) == 0 && pairs {
		return nil, exit(3, errors.New("this case demands two people, and no half of a pair is on this machine under that passphrase; \"sightline key pair\" makes one"))
	}
	if len(ids) == 0 {
		return nil, exit(2, errors.New("the pair of this key is not finished; \"sightline key pair finish\" does that"))
	}
	return ids, nil
}

// help multiplies one point: here, or as it was done on another machine.
func (u *unlocked) help(point []byte) ([]byte, error) {
	if u.other != nil && u.other.Half != nil {
		return u.other.Half.Help(point)
	}
	want := hex.EncodeToString(point)
	for _, h := range u.helped {
		for _, p := range h.Parts {
			if p.Point == want {
				return hex.DecodeString(p.Part)
			}
		}
	}
	return nil, tip.ErrAlone
}

// tipHelp is what one person of a pair hands to the other: good for one tip,
// and worth nothing without the other half.
type tipHelp struct {
	V      int       `json:"v"`
	SHA256 string    `json:"sha256"` // of the ciphertext
	By     string    `json:"by"`
	Parts  []tipPart `json:"parts"`
}

type tipPart struct {
	Point string `json:"point"`
	Part  string `json:"part"`
}

func readHelp(b []byte) (h tipHelp, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&h); err != nil || h.V != 1 {
		return h, fmt.Errorf("this is not what \"sightline tips assist\" makes: %w", sightline.ErrInvalid)
	}
	return h, nil
}
