package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"sightline"
	"sightline/archive"
	"sightline/call"
	"sightline/call/inbox"
	"sightline/tip"
)

// keyCmd makes and shares the keys that tips are sealed to.
type keyCmd struct {
	New     keyNewCmd     `cmd:"" help:"Make an identity on this machine, wrapped by a passphrase."`
	Pair    keyPairCmd    `cmd:"" help:"Make a key of two people, of whom neither can open a tip alone."`
	List    keyListCmd    `cmd:"" help:"Show the identities of this machine by name."`
	Share   keyShareCmd   `cmd:"" help:"Add recipients to a call, sign the list with the case's log key and log it."`
	Rotate  keyRotateCmd  `cmd:"" help:"Replace an identity by a new one, in the call and for what waits in the inbox."`
	Revoke  keyRevokeCmd  `cmd:"" help:"Take a recipient out of a call."`
	Check   keyCheckCmd   `cmd:"" help:"Say whether the recipients of a call are those that the case's log key signed."`
	Backup  keyBackupCmd  `cmd:"" help:"Split an identity among people: any k of n can restore it."`
	Restore keyRestoreCmd `cmd:"" help:"Put an identity together from shares."`
}

type keyNewCmd struct {
	Name    string `arg:"" help:"Whose key, and on which machine; it is shown to sources with the fingerprint."`
	Classic bool   `help:"An X25519 key that age before 1.3 knows; without protection against future quantum computers."`
	secret  `embed:""`
}

func (c *keyNewCmd) Run(e *env) error {
	if !keyName.MatchString(c.Name) {
		return exit(2, errors.New("a name is letters, digits, blanks, dots and dashes"))
	}
	pass, err := c.passphrase(e, true)
	if err != nil {
		return err
	}
	r, path, err := makeIdentity(c.Name, c.Classic, pass)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "identity   %s (wrapped by the passphrase; without it nobody can open tips, so make a backup: sightline key backup)\n", path)
	fmt.Fprintf(e.stdout, "# %s\n%s\n", c.Name, r)
	return nil
}

func makeIdentity(name string, classic bool, pass string) (recipient, path string, err error) {
	if classic {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return "", "", err
		}
		path, err = saveIdentity(name, id, pass)
		return id.Recipient().String(), path, err
	}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return "", "", err
	}
	path, err = saveIdentity(name, id, pass)
	return id.Recipient().String(), path, err
}

type keyListCmd struct{}

func (c *keyListCmd) Run(e *env) error {
	names, err := identityNames()
	for _, n := range names {
		fmt.Fprintln(e.stdout, n)
	}
	return err
}

// keyShareCmd makes the folder of a call where there is none yet.
type keyShareCmd struct {
	inCase `embed:""`
	Call   string   `required:"" type:"path" placeholder:"DIR" help:"Folder of the call. Made when it does not exist."`
	Files  []string `arg:"" optional:"" type:"path" help:"Recipients files, as \"sightline key new\" prints them. Default: only sign again, and bring the requests up to date."`
}

func (c *keyShareCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.MkdirAll(c.Call, 0o755); err != nil {
		return exit(2, err)
	}
	if err := call.RefuseIdentity(c.Call); err != nil {
		return exit(2, err)
	}
	text, err := os.ReadFile(filepath.Join(c.Call, call.KeysFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return exit(2, err)
	}
	for _, p := range c.Files {
		b, err := os.ReadFile(p)
		if err != nil {
			return exit(2, fmt.Errorf("the recipients cannot be read: %w", err))
		}
		rs, err := tip.ParseRecipients(b)
		if err != nil {
			return exit(2, fmt.Errorf("%s: %w", p, err))
		}
		for _, r := range rs {
			text = append(text, recipientLines(r)...)
		}
	}
	if err := shareConfig(e.ctx, f, c.Call); err != nil {
		return err
	}
	if err := sharePull(c.Call); err != nil {
		return err
	}
	return shareKeys(e, f, c.Call, text, "add")
}

func recipientLines(r tip.Recipient) string {
	name := r.Name
	if name == "" {
		name = "unnamed"
	}
	return "# " + name + "\n" + r.Text + "\n"
}

// shareConfig writes call.json from the case, keeping what stands there: its
// id is the salt of every code and never changes.
func shareConfig(ctx context.Context, f *folder, dir string) error {
	cfg, err := call.LoadConfig(dir)
	if errors.Is(err, sightline.ErrNotFound) {
		var salt [8]byte
		if _, err := rand.Read(salt[:]); err != nil {
			return err
		}
		cfg, err = call.Config{V: 1, ID: "call-" + hex.EncodeToString(salt[:]), Name: map[string]string{}}, nil
		cs, err := f.Case(ctx)
		if err != nil {
			return err
		}
		for _, l := range []string{"es", "en", "ar"} {
			cfg.Name[l] = anyText(cs.Title, l)
		}
	} else if err != nil {
		return exit(2, err)
	}
	gaps, err := publicGaps(ctx, f)
	if err != nil {
		return err
	}
	have := map[string]call.Request{}
	for _, r := range cfg.Requests {
		have[r.ID] = r
	}
	cfg.Requests = nil
	for _, g := range gaps {
		r := call.Request{ID: g.ID, Text: map[string]string{}}
		asked := g.Asked
		if len(asked) == 0 {
			asked = g.Title
		}
		for _, l := range []string{"es", "en", "ar"} {
			r.Text[l] = anyText(asked, l)
			// A translation written by hand into call.json stays where the case has none.
			if asked[l] == "" && have[g.ID].Text[l] != "" {
				r.Text[l] = have[g.ID].Text[l]
			}
		}
		cfg.Requests = append(cfg.Requests, r)
	}
	if err := call.SaveConfig(dir, cfg); err != nil {
		return exit(2, err)
	}
	return nil
}

// anyText is a text in a language, or in another where it has none.
func anyText(t sightline.Text, lang string) string {
	for _, l := range []string{lang, "en", "es"} {
		if t[l] != "" {
			return t[l]
		}
	}
	for _, s := range t {
		if s != "" {
			return s
		}
	}
	return "?"
}

// publicGaps are what the case says openly that it does not know, and has not
// filled since.
func publicGaps(ctx context.Context, f *folder) (out []*sightline.Gap, err error) {
	err = f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
		all, err := sightline.All[sightline.Gap](r, sightline.KindGap)
		out = slices.DeleteFunc(all, func(g *sightline.Gap) bool { return !g.Public || g.Closed != "" || len(g.Asked)+len(g.Title) == 0 })
		return err
	})
	return out, err
}

// pullKey is this machine's key for fetching, made on first use.
func pullKey() (ed25519.PrivateKey, error) {
	dir, err := keyPlace()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "pull.key")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		seed := make([]byte, ed25519.SeedSize)
		if _, err := rand.Read(seed); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		key := ed25519.NewKeyFromSeed(seed)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		return key, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
	}
	if err != nil {
		return nil, err
	}
	return parseKey(path, b)
}

func parseKey(path string, b []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(b)
	if block != nil {
		if k, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if key, ok := k.(ed25519.PrivateKey); ok {
				return key, nil
			}
		}
	}
	return nil, exit(2, fmt.Errorf("%s does not hold an Ed25519 key in PEM", path))
}

// sharePull enters this machine among those that may fetch.
func sharePull(dir string) error {
	key, err := pullKey()
	if err != nil {
		return err
	}
	line := hex.EncodeToString(key.Public().(ed25519.PublicKey))
	path := filepath.Join(dir, call.PullFile)
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if strings.Contains(string(b), line) {
		return nil
	}
	return os.WriteFile(path, append(b, (line+"\n")...), 0o644)
}

// shareKeys writes call.keys, signs it and logs it: a key that was swapped on
// the server is seen because the note does not verify, and a key that was
// swapped here stands in the log.
func shareKeys(e *env, f *folder, dir string, text []byte, action string) error {
	rs, err := tip.ParseRecipients(text)
	if err != nil {
		return exit(2, err)
	}
	b, err := openInbox(f)
	if err != nil {
		return err
	}
	rules, err := b.Rules()
	if err != nil {
		return exit(2, err)
	}
	for _, r := range rs {
		if rules.TwoPeople && !strings.HasSuffix(r.Name, pairMark) {
			return exit(3, fmt.Errorf("this case demands two people, and %q is a key that one person holds; \"sightline key pair\" makes one of two", r.Name))
		}
	}
	if f.Actor.Role != "owner" {
		return exit(3, fmt.Errorf("only an owner of the case may change the recipients, and %s is %s", f.Actor.Name, f.Actor.Role))
	}
	signer, err := logNoteSigner(e.ctx, f)
	if err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: string(text)}, signer)
	if err != nil {
		return exit(2, fmt.Errorf("the recipients cannot be signed: %w", err))
	}
	var listed []map[string]string
	for _, r := range rs {
		listed = append(listed, map[string]string{"name": r.Name, "print": r.Print(), "recipient": r.Text})
	}
	_, err = f.Store.Update(e.ctx, f.Actor, func(w sightline.Writer) error {
		w.Describe(sightline.Draft{Kind: sightline.EntryKey, Result: "ok", Seal: map[string]any{"recipients": map[string]any{"action": action, "keys": listed}}})
		return nil
	})
	if err != nil {
		return err
	}
	for name, b := range map[string][]byte{call.KeysFile: text, call.NoteFile: signed} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return err
		}
	}
	for _, r := range rs {
		fmt.Fprintf(e.stdout, "%s\n    %s\n    %s\n", r.Name, strings.Join(r.PrintWords("es"), " "), r.Print())
	}
	return nil
}

// logNoteSigner signs notes with the log key of the case, under the log's name.
func logNoteSigner(ctx context.Context, f *folder) (note.Signer, error) {
	path := filepath.Join(f.Dir, "keys", "log.key")
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, exit(2, fmt.Errorf("the recipients are signed with the key of the case's log, which is not on this machine: %w", err))
	}
	key, err := parseKey(path, b)
	if err != nil {
		return nil, err
	}
	origin, err := f.Store.Origin(ctx)
	if err != nil {
		return nil, err
	}
	v, err := logNoteVerifier(origin, key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	return noteSigner{v, key}, nil
}

type noteSigner struct {
	note.Verifier
	key ed25519.PrivateKey
}

func (s noteSigner) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }

func logNoteVerifier(origin string, pub ed25519.PublicKey) (note.Verifier, error) {
	v, err := note.NewEd25519VerifierKey(origin, pub)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(v)
}

// keyCheckCmd is what anybody on the team runs against the server's copy.
type keyCheckCmd struct {
	inCase `embed:""`
	Call   string `required:"" type:"path" placeholder:"DIR" help:"Folder of the call, or a copy of what the server serves."`
}

func (c *keyCheckCmd) Run(e *env) error {
	f, err := c.open(archive.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer f.Close()
	rs, err := checkKeys(e.ctx, f, c.Call)
	if err != nil {
		return exit(1, err)
	}
	for _, r := range rs {
		fmt.Fprintf(e.stdout, "%s  %s\n", r.Print()[:16], r.Name)
	}
	fmt.Fprintln(e.stdout, "the recipients are those that the log key of this case signed")
	return nil
}

// checkKeys verifies call.keys against its note and the note against the case.
func checkKeys(ctx context.Context, f *folder, dir string) ([]tip.Recipient, error) {
	text, err := os.ReadFile(filepath.Join(dir, call.KeysFile))
	if err != nil {
		return nil, fmt.Errorf("the key file of the call is missing: %w", err)
	}
	signed, err := os.ReadFile(filepath.Join(dir, call.NoteFile))
	if err != nil {
		return nil, fmt.Errorf("%s is not signed: %w", call.KeysFile, err)
	}
	pub, err := logPublic(f)
	if err != nil {
		return nil, err
	}
	origin, err := f.Store.Origin(ctx)
	if err != nil {
		return nil, err
	}
	v, err := logNoteVerifier(origin, pub)
	if err != nil {
		return nil, err
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return nil, fmt.Errorf("%s is not signed by the log key of this case: somebody may have swapped the keys; take the call down and compare the fingerprints by voice", call.NoteFile)
	}
	if n.Text != string(text) {
		return nil, fmt.Errorf("%s is not the list that was signed: somebody may have swapped the keys; take the call down and compare the fingerprints by voice", call.KeysFile)
	}
	return tip.ParseRecipients(text)
}

// logPublic is the public key of the case's log.
func logPublic(f *folder) (ed25519.PublicKey, error) {
	dir := filepath.Join(f.Dir, "keys")
	if b, err := os.ReadFile(filepath.Join(dir, "log.pub.pem")); err == nil {
		if block, _ := pem.Decode(b); block != nil {
			if k, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
				if pub, ok := k.(ed25519.PublicKey); ok {
					return pub, nil
				}
			}
		}
	}
	path := filepath.Join(dir, "log.key")
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the key of the case's log is not here: %w", err)
	}
	key, err := parseKey(path, b)
	if err != nil {
		return nil, err
	}
	return key.Public().(ed25519.PublicKey), nil
}

type keyRotateCmd struct {
	inCase `embed:""`
	Call   string `required:"" type:"path" placeholder:"DIR" help:"Folder of the call."`
	Name   string `arg:"" help:"Name of the identity on this machine that is replaced."`
	secret `embed:""`
}

func (c *keyRotateCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := checkKeys(e.ctx, f, c.Call); err != nil {
		return exit(2, err)
	}
	pass, err := c.passphrase(e, false)
	if err != nil {
		return err
	}
	k, err := loadIdentity(c.Name, pass)
	if err != nil {
		return err
	}
	if k.Half != nil {
		return exit(2, fmt.Errorf("%q is one half of a pair, which two people have to replace: make a new pair, share it, then revoke this one and seal again", c.Name))
	}
	old, oldRecipient := k.ID, k.Recipient
	text, err := os.ReadFile(filepath.Join(c.Call, call.KeysFile))
	if err != nil {
		return exit(2, err)
	}
	if !strings.Contains(string(text), oldRecipient) {
		return exit(2, fmt.Errorf("the key %q is not among the recipients of this call", c.Name))
	}
	// The old identity stays under another name: tips that others hold may
	// still be sealed to it.
	dir, err := keyPlace()
	if err != nil {
		return err
	}
	from := filepath.Join(dir, c.Name+identitySuffix)
	keep := ""
	for n := 1; ; n++ {
		keep = fmt.Sprintf("%s.old%d", c.Name, n)
		if _, err := os.Lstat(filepath.Join(dir, keep+identitySuffix)); errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err := os.Rename(from, filepath.Join(dir, keep+identitySuffix)); err != nil {
		return err
	}
	fresh, _, err := makeIdentity(c.Name, !strings.HasPrefix(oldRecipient, "age1pq1"), pass)
	if err != nil {
		return errors.Join(err, os.Rename(filepath.Join(dir, keep+identitySuffix), from))
	}
	text = []byte(strings.Replace(string(text), oldRecipient, fresh, 1))
	if err := shareKeys(e, f, c.Call, text, "rotate"); err != nil {
		return err
	}
	rs, err := tip.ParseRecipients(text)
	if err != nil {
		return err
	}
	return resealAll(e, f, []age.Identity{old}, rs)
}

// resealAll seals what waits in the inbox to the recipients of today.
func resealAll(e *env, f *folder, ids []age.Identity, rs []tip.Recipient) error {
	b, err := openInbox(f)
	if err != nil {
		return err
	}
	list, err := b.List()
	if err != nil {
		return err
	}
	done := 0
	for _, t := range list {
		if _, err := os.Stat(b.Blob(t.ID)); err != nil || t.Drill != "" || t.State == inbox.Withdrawn {
			continue
		}
		before := t.SHA256
		if t.Resealed != "" {
			before = t.Resealed
		}
		if err := b.Reseal(&t, ids, tip.AgeRecipients(rs)); err != nil {
			fmt.Fprintf(e.stderr, "not sealed again: %v\n", err)
			continue
		}
		_, err := f.Store.Update(e.ctx, f.Actor, func(w sightline.Writer) error {
			w.Describe(sightline.Draft{Kind: sightline.EntryTransfer, Result: "ok", Parents: []string{before, t.Resealed}, Seal: map[string]any{"tip": t.ID}})
			return nil
		})
		if err != nil {
			return err
		}
		done++
	}
	fmt.Fprintf(e.stdout, "%d waiting tips are sealed to the keys of today\n", done)
	return nil
}

type keyRevokeCmd struct {
	inCase `embed:""`
	Call   string `required:"" type:"path" placeholder:"DIR" help:"Folder of the call."`
	Key    string `arg:"" help:"Name in call.keys, or the beginning of its fingerprint."`
}

func (c *keyRevokeCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	rs, err := checkKeys(e.ctx, f, c.Call)
	if err != nil {
		return exit(2, err)
	}
	var text strings.Builder
	gone := 0
	for _, r := range rs {
		if r.Name == c.Key || len(c.Key) >= 8 && strings.HasPrefix(r.Print(), c.Key) {
			gone++
			continue
		}
		text.WriteString(recipientLines(r))
	}
	switch {
	case gone == 0:
		return exit(2, fmt.Errorf("no recipient is named %q or has such a fingerprint", c.Key))
	case gone > 1:
		return exit(2, fmt.Errorf("%d recipients are named %q; give the fingerprint", gone, c.Key))
	case gone == len(rs):
		return exit(3, errors.New("this is the last recipient; without one nothing can be received: share another first"))
	}
	if err := shareKeys(e, f, c.Call, []byte(text.String()), "revoke"); err != nil {
		return err
	}
	fmt.Fprintln(e.stderr, "New tips are no longer sealed to that key. Tips that came before still are: on a machine with another key, run \"sightline tips reseal\", and copy the folder of the call to its server.")
	return nil
}

type keyBackupCmd struct {
	Name   string `arg:"" help:"Name of the identity on this machine."`
	Need   int    `required:"" help:"How many people must come together."`
	Of     int    `required:"" help:"How many shares are made."`
	Out    string `type:"path" placeholder:"DIR" help:"Write each share to a file of this folder. Default: print them, one a line."`
	secret `embed:""`
}

func (c *keyBackupCmd) Run(e *env) error {
	pass, err := c.passphrase(e, false)
	if err != nil {
		return err
	}
	k, err := loadIdentity(c.Name, pass)
	if err != nil {
		return err
	}
	// The text of the identity is split: whatever its sort, it comes back as it was.
	shares, err := tip.Split([]byte(k.text), c.Need, c.Of, nil)
	if err != nil {
		return exit(2, err)
	}
	for i, s := range shares {
		if c.Out == "" {
			fmt.Fprintln(e.stdout, s)
			continue
		}
		if err := os.MkdirAll(c.Out, 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(c.Out, fmt.Sprintf("%s-share-%d-of-%d.txt", c.Name, i+1, c.Of)), []byte(s.String()+"\n"), 0o600); err != nil {
			return err
		}
	}
	fmt.Fprintf(e.stderr, "%d shares; any %d give the key back. Give each to another person, in another place, on paper; keep none together.\n", c.Of, c.Need)
	return nil
}

type keyRestoreCmd struct {
	Name   string   `arg:"" help:"Name the identity gets on this machine."`
	Shares []string `arg:"" optional:"" type:"path" help:"Files of shares. Default: read from standard input, one a line."`
	secret `embed:""`
}

func (c *keyRestoreCmd) Run(e *env) error {
	if !keyName.MatchString(c.Name) {
		return exit(2, errors.New("a name is letters, digits, blanks, dots and dashes"))
	}
	var lines []string
	for _, p := range c.Shares {
		b, err := os.ReadFile(p)
		if err != nil {
			return exit(2, err)
		}
		lines = append(lines, strings.TrimSpace(string(b)))
	}
	if len(c.Shares) == 0 {
		b, err := io.ReadAll(io.LimitReader(e.stdin, 1<<20))
		if err != nil {
			return err
		}
		lines = strings.Split(strings.TrimSpace(string(b)), "\n")
	}
	var shares []tip.Share
	for i, l := range lines {
		s, err := tip.ParseShare(l)
		if err != nil {
			return exit(2, fmt.Errorf("share %d: %w", i+1, err))
		}
		shares = append(shares, s)
	}
	text, err := tip.Combine(shares)
	if err != nil {
		return exit(2, err)
	}
	pass, err := c.passphrase(e, true)
	if err != nil {
		return err
	}
	if _, err := parseOwn(c.Name, string(text)); err != nil {
		return exit(2, errors.New("the shares give something that is not a key"))
	}
	path, err := saveIdentity(c.Name, asText(text), pass)
	if err == nil {
		fmt.Fprintf(e.stdout, "identity   %s\n", path)
	}
	return err
}

// asText is the text of an identity, as saveIdentity takes it.
type asText string

func (t asText) String() string { return string(t) }

// openInbox opens the inbox beside a case.
func openInbox(f *folder) (*inbox.Inbox, error) {
	return inbox.Open(filepath.Join(f.Dir, "tips"), nil)
}
