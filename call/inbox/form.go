package inbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"sightline"
	"sightline/tip"
)

// FormFields are the questions of the form for channels by hand. A name of a
// person has no field: it goes under "sealed".
type FormFields struct {
	Channel   string            `json:"channel"`   // whatsapp, signal, telegram, mail, usb, paper, phone, person
	Receiver  string            `json:"receiver"`  // who of the team took it
	Device    string            `json:"device"`    // on which device of the team
	Date      string            `json:"date"`      // day or RFC 3339
	Precision string            `json:"precision"` // day, hour, minute, unknown
	Said      string            `json:"said"`
	Consent   string            `json:"consent"`  // given, refused, not_asked
	Wish      string            `json:"wish"`     // protection
	Original  string            `json:"original"` // original, forwarded, unknown
	Language  string            `json:"language"`
	Request   string            `json:"request"`
	Sealed    map[string]string `json:"sealed"`
}

// Channels are the ways by hand.
var Channels = []string{"whatsapp", "signal", "telegram", "mail", "usb", "paper", "phone", "person"}

// ReadForm reads and checks a form.
func ReadForm(p []byte) (f FormFields, err error) {
	d := json.NewDecoder(bytes.NewReader(p))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return f, fmt.Errorf("the form cannot be read: %v (names of persons go under \"sealed\"): %w", err, sightline.ErrInvalid)
	}
	one := func(field, v string, allowed ...string) error {
		if !slices.Contains(allowed, v) {
			return fmt.Errorf("%s is %q; it is one of %s: %w", field, v, strings.Join(allowed, ", "), sightline.ErrInvalid)
		}
		return nil
	}
	err = errors.Join(
		one("channel", f.Channel, Channels...),
		one("precision", f.Precision, "day", "hour", "minute", "unknown"),
		one("consent", f.Consent, "given", "refused", "not_asked"),
		one("original", f.Original, "original", "forwarded", "unknown"),
	)
	if f.Receiver == "" {
		err = errors.Join(err, fmt.Errorf("receiver is missing: who of the team took it? %w", sightline.ErrInvalid))
	}
	if _, derr := time.Parse(time.DateOnly, f.Date); derr != nil {
		if _, terr := time.Parse(time.RFC3339, f.Date); terr != nil {
			err = errors.Join(err, fmt.Errorf("date is %q; write 2026-11-24 or RFC 3339: %w", f.Date, sightline.ErrInvalid))
		}
	}
	return f, err
}

// Bundle seals a bundle to recipients: what a manual form and a test tip are
// made of. Each file is read from its path.
func Bundle(w io.Writer, to []age.Recipient, message string, paths []string, j tip.Join) error {
	s, err := age.Encrypt(w, to...)
	if err != nil {
		return err
	}
	t := tip.NewWriter(s)
	if err := t.Message([]byte(message)); err != nil {
		return err
	}
	for _, p := range paths {
		if err := addFile(t, p); err != nil {
			return err
		}
	}
	if err := t.Close(j); err != nil {
		return err
	}
	return s.Close()
}

func addFile(t *tip.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	i, err := f.Stat()
	if err != nil {
		return err
	}
	if !i.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file: %w", path, sightline.ErrInvalid)
	}
	if err := t.Begin(tip.Head{Name: tip.BaseName(filepath.Base(path)), Modified: i.ModTime().UTC().Format(time.RFC3339)}); err != nil {
		return err
	}
	if _, err := io.Copy(struct{ io.Writer }{t}, f); err != nil {
		return err
	}
	_, _, err = t.End()
	return err
}
