package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"sightline/tip"
)

// keyPairCmd makes the key of a pair in three steps, each on the machine of
// the person who takes it. Nothing that passes between them lets anybody but
// the two together open a tip.
type keyPairCmd struct {
	Invite keyPairInviteCmd `cmd:"" help:"First person: begin, and write an invitation that only the other person's key opens."`
	Accept keyPairAcceptCmd `cmd:"" help:"Second person: open the invitation and answer it."`
	Finish keyPairFinishCmd `cmd:"" help:"First person: take the answer. Both now print the same recipient."`
}

// pairMark ends the name of a recipient that two people hold.
const pairMark = "(two people)"

const (
	inviteMark = "SLINVITE1 "
	answerMark = "SLANSWER1 "
)

type keyPairInviteCmd struct {
	Name   string `arg:"" help:"Name of the pair, the same on both machines: \"Ana and Beto\"."`
	To     string `arg:"" type:"path" help:"Recipient file of the other person, as \"sightline key new\" printed it."`
	secret `embed:""`
}

func (c *keyPairInviteCmd) Run(e *env) error {
	if !keyName.MatchString(c.Name) {
		return exit(2, errors.New("a name is letters, digits, blanks, dots and dashes"))
	}
	b, err := os.ReadFile(c.To)
	if err != nil {
		return exit(2, fmt.Errorf("the recipient of the other person cannot be read: %w", err))
	}
	rs, err := tip.ParseRecipients(b)
	if err != nil || len(rs) != 1 {
		return exit(2, fmt.Errorf("%s has to hold the one recipient of the other person", c.To))
	}
	if _, ok := rs[0].Age.(*age.HybridRecipient); !ok {
		return exit(2, fmt.Errorf("%s holds a classic key; an invitation needs a hybrid one (age1pq1...)", c.To))
	}
	pass, err := c.passphrase(e, true)
	if err != nil {
		return err
	}
	h, err := tip.NewHalf()
	if err != nil {
		return err
	}
	path, err := saveIdentity(c.Name, h, pass)
	if err != nil {
		return err
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, rs[0].Age)
	if err == nil {
		_, err = w.Write(h.Invitation())
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%s%x\n", inviteMark, sealed.Bytes())
	fmt.Fprintf(e.stderr, "half       %s (not finished)\nGive the line to %s, who answers it with \"sightline key pair accept\".\n", path, rs[0].Name)
	return nil
}

type keyPairAcceptCmd struct {
	Name       string `arg:"" help:"Name of the pair, the same on both machines."`
	Invitation string `arg:"" type:"path" help:"File with the invitation."`
	Key        string `placeholder:"NAME" help:"Your ordinary key, which opens the invitation. Default: all of this machine that the passphrase opens."`
	secret     `embed:""`
}

func (c *keyPairAcceptCmd) Run(e *env) error {
	if !keyName.MatchString(c.Name) {
		return exit(2, errors.New("a name is letters, digits, blanks, dots and dashes"))
	}
	sealed, err := marked(c.Invitation, inviteMark)
	if err != nil {
		return err
	}
	pass, err := c.passphrase(e, false)
	if err != nil {
		return err
	}
	keys, err := ownKeys(c.Key, pass)
	if err != nil {
		return err
	}
	var ids []age.Identity
	for _, k := range keys {
		if k.ID != nil {
			ids = append(ids, k.ID)
		}
	}
	if len(ids) == 0 {
		return exit(2, errors.New("an invitation is opened with an ordinary key of one person, and there is none here"))
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), ids...)
	if err != nil {
		return exit(1, errors.New("the invitation is not for a key of this machine, or is damaged"))
	}
	p, err := io.ReadAll(io.LimitReader(r, 4096))
	if err != nil {
		return exit(1, errors.New("the invitation is damaged"))
	}
	h, err := tip.Answer(p)
	if err != nil {
		return exit(1, err)
	}
	path, err := saveIdentity(c.Name, h, pass)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%s%x\n", answerMark, h.Point())
	return sayPair(e, c.Name, path, h)
}

type keyPairFinishCmd struct {
	Name   string `arg:"" help:"Name of the pair."`
	Answer string `arg:"" type:"path" help:"File with the answer."`
	secret `embed:""`
}

func (c *keyPairFinishCmd) Run(e *env) error {
	point, err := marked(c.Answer, answerMark)
	if err != nil {
		return err
	}
	pass, err := c.passphrase(e, false)
	if err != nil {
		return err
	}
	k, err := loadIdentity(c.Name, pass)
	if err != nil {
		return err
	}
	if k.Half == nil || k.Half.Whole() {
		return exit(2, fmt.Errorf("%q is not a pair that waits for an answer", c.Name))
	}
	if err := k.Half.Meet(point); err != nil {
		return exit(1, err)
	}
	dir, err := keyPlace()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, c.Name+identitySuffix)
	waiting := path + ".unanswered"
	if err := os.Rename(path, waiting); err != nil {
		return err
	}
	if _, err := saveIdentity(c.Name, k.Half, pass); err != nil {
		return errors.Join(err, os.Rename(waiting, path))
	}
	if err := os.Remove(waiting); err != nil {
		return err
	}
	r, err := k.Half.Recipient()
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "# %s %s\n%s\n", c.Name, pairMark, r)
	return sayPair(e, c.Name, path, k.Half)
}

// sayPair prints what both people compare by voice.
func sayPair(e *env, name, path string, h *tip.Half) error {
	r, err := h.Recipient()
	if err != nil {
		return err
	}
	words := tip.Recipient{Text: r}.PrintWords("en")
	_, err = fmt.Fprintf(e.stderr, "half       %s\nfingerprint of %s: %s\nBoth people must hear the same eight words from each other before the key is shared.\n", path, name, strings.Join(words, " "))
	return err
}

// marked reads the hexadecimal after a mark.
func marked(path, mark string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, exit(2, err)
	}
	text, ok := strings.CutPrefix(strings.TrimSpace(string(b)), mark)
	p, err := hex.DecodeString(text)
	if !ok || err != nil {
		return nil, exit(2, fmt.Errorf("%s has to hold one line that begins with %s", path, strings.TrimSpace(mark)))
	}
	return p, nil
}
