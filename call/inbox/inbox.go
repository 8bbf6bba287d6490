// Package inbox is the team's side of a call for evidence: the folder of what
// was fetched and not yet decided, beside the case.
//
// It exists because fetching, opening and deciding happen on different
// machines and days. The folder holds ciphertext and, for each tip, one small
// JSON file that names no source: a number, a pseudonym, a day, a padded size,
// and what was done. Plaintext appears only in a quarantine folder, on the
// machine that holds the key, and goes from there into the case or away.
//
// Next on the road: the tips verb turns opened files into items (package
// intake) and writes the entries of the custody log.
package inbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sightline"
	"sightline/tip"
)

// States of a tip, in the order of its life.
const (
	New       = "new"
	Opened    = "opened"
	Accepted  = "accepted"
	Declined  = "declined"
	Withdrawn = "withdrawn" // its source asked to delete it
	Forgotten = "forgotten" // content deleted here; the line stays
)

// Tip is what the team may know of a tip without opening it, and what became
// of it. Nothing in it comes from the source but what is marked so.
type Tip struct {
	ID       string    `json:"id"`     // T-001
	Source   string    `json:"source"` // pseudonym, S-01; the same for all tips of one mailbox
	Remote   string    `json:"remote,omitempty"`
	Box      string    `json:"box,omitempty"` // mailbox at the server, random to anyone without the code
	Day      string    `json:"day"`           // UTC
	Size     int64     `json:"size"`          // of the ciphertext, padded
	SHA256   string    `json:"sha256"`        // of the ciphertext as it was received
	Resealed string    `json:"resealed,omitempty"`
	State    string    `json:"state"`
	Drill    string    `json:"drill,omitempty"`   // fingerprint of the key that a test tip is sealed to
	Channel  string    `json:"channel,omitempty"` // "server", "file", or the channel of a form
	Opened   []Opening `json:"opened,omitempty"`
	// From here on: known once it was opened.
	Lang       string   `json:"lang,omitempty"`
	Lane       string   `json:"lane,omitempty"`
	Request    string   `json:"request,omitempty"`
	ReplyTo    string   `json:"reply_to,omitempty"` // the recipient of the code, derived from nothing but chance
	Incomplete string   `json:"incomplete,omitempty"`
	Files      []File   `json:"files,omitempty"`
	Items      []string `json:"items,omitempty"`
	Replies    []string `json:"replies,omitempty"` // days
	Decided    string   `json:"decided,omitempty"` // day
	Note       string   `json:"note,omitempty"`    // reason of a decision
}

// Opening is one opening: by whom, on which day, and with whose half where the
// key was that of a pair.
type Opening struct {
	By     string `json:"by"`
	Second string `json:"second,omitempty"`
	Day    string `json:"day"`
}

// File is one file of an opened tip, without its name.
type File struct {
	N      int    `json:"n"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Fault  string `json:"fault,omitempty"`
}

// Rules are what the case demands of its inbox.
type Rules struct {
	TwoPeople  bool `json:"two_people"`  // tips are sealed to and opened with the keys of pairs only
	KeepDays   int  `json:"keep_days"`   // declined tips are deleted after so many days; 0 is 30
	DrillDays  int  `json:"drill_days"`  // a key without an opened test tip for so long is named; 0 is 30
	WarnUnopen int  `json:"warn_unopen"` // a tip that waits here unopened for so many days is named; 0 is 3
	// Where the desk and the verbs fetch and answer unless told otherwise, and
	// the folder with the public keys of the call.
	Server string `json:"server,omitempty"`
	Proxy  string `json:"proxy,omitempty"`
	Call   string `json:"call,omitempty"`
}

// Inbox is an open folder.
type Inbox struct {
	Dir string
	now func() time.Time
}

// Open opens the inbox of a case, which is made on first use. now nil is
// time.Now.
func Open(dir string, now func() time.Time) (*Inbox, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("failed to make the inbox: %w", err)
	}
	if now == nil {
		now = time.Now
	}
	return &Inbox{dir, now}, nil
}

// Day is today in UTC; the inbox knows no finer time.
func (b *Inbox) Day() string { return b.now().UTC().Format(time.DateOnly) }

// Rules reads rules.json; without it the defaults hold.
func (b *Inbox) Rules() (Rules, error) {
	r := Rules{KeepDays: 30, DrillDays: 30, WarnUnopen: 3}
	p, err := os.ReadFile(filepath.Join(b.Dir, "rules.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(p, &r)
	}
	if err != nil {
		return r, fmt.Errorf("%s cannot be read: %v: %w", filepath.Join(b.Dir, "rules.json"), err, sightline.ErrInvalid)
	}
	for v, d := range map[*int]int{&r.KeepDays: 30, &r.DrillDays: 30, &r.WarnUnopen: 3} {
		if *v <= 0 {
			*v = d
		}
	}
	return r, nil
}

// Unopened gives the tips that nobody opened for as long as the rules allow.
func (b *Inbox) Unopened() ([]Tip, error) {
	rules, err := b.Rules()
	if err != nil {
		return nil, err
	}
	list, err := b.List()
	if err != nil {
		return nil, err
	}
	limit := b.now().UTC().AddDate(0, 0, -rules.WarnUnopen).Format(time.DateOnly)
	return slices.DeleteFunc(list, func(t Tip) bool { return t.State != New || t.Drill != "" || t.Day > limit }), nil
}

// Blob is where the ciphertext of a tip lies.
func (b *Inbox) Blob(id string) string { return filepath.Join(b.Dir, id+".age") }

// List gives all tips, oldest number first.
func (b *Inbox) List() ([]Tip, error) {
	names, err := filepath.Glob(filepath.Join(b.Dir, "T-*.json"))
	if err != nil {
		return nil, err
	}
	var out []Tip
	for _, n := range names {
		t, err := b.Get(strings.TrimSuffix(filepath.Base(n), ".json"))
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, c Tip) int { return strings.Compare(sightline.SortKey(a.ID), sightline.SortKey(c.ID)) })
	return out, nil
}

// Get reads one tip.
func (b *Inbox) Get(id string) (t Tip, err error) {
	if !strings.HasPrefix(id, "T-") || strings.ContainsAny(id, `/\`) {
		return t, fmt.Errorf("%q is not the number of a tip such as T-001: %w", id, sightline.ErrInvalid)
	}
	p, err := os.ReadFile(filepath.Join(b.Dir, id+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return t, fmt.Errorf("there is no tip %s in this inbox: %w", id, sightline.ErrNotFound)
	}
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(p, &t); err != nil {
		return t, fmt.Errorf("%s.json is damaged: %v: %w", id, err, sightline.ErrDamaged)
	}
	return t, nil
}

// Save writes a tip's line, whole or not at all.
func (b *Inbox) Save(t Tip) error {
	p, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	return whole(filepath.Join(b.Dir, t.ID+".json"), func(w io.Writer) error {
		_, err := w.Write(append(p, '\n'))
		return err
	})
}

// whole writes a file beside its place and moves it there.
func whole(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	err = write(f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Take puts a ciphertext into the inbox: its bytes first, then its line. write
// delivers the bytes. The same bytes again give the tip that is here.
func (b *Inbox) Take(t Tip, write func(io.Writer) error) (Tip, bool, error) {
	list, err := b.List()
	if err != nil {
		return t, false, err
	}
	h := sha256.New()
	f, err := os.CreateTemp(b.Dir, ".in-*")
	if err != nil {
		return t, false, err
	}
	defer os.Remove(f.Name())
	n := &counting{w: io.MultiWriter(f, h)}
	err = write(n)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return t, false, err
	}
	t.SHA256, t.Size, t.State = hex.EncodeToString(h.Sum(nil)), n.n, New
	t.ID, t.Source = nextID(list), ""
	for _, o := range list {
		if o.SHA256 == t.SHA256 {
			return o, false, nil
		}
		if t.Box != "" && o.Box == t.Box {
			t.Source = o.Source
		}
	}
	if t.Source == "" && t.Drill == "" {
		t.Source = nextSource(list)
	}
	if t.Day == "" {
		t.Day = b.Day()
	}
	if err := os.Rename(f.Name(), b.Blob(t.ID)); err != nil {
		return t, false, err
	}
	return t, true, b.Save(t)
}

type counting struct {
	w io.Writer
	n int64
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func nextID(list []Tip) string {
	most := 0
	for _, t := range list {
		var n int
		if _, err := fmt.Sscanf(t.ID, "T-%d", &n); err == nil {
			most = max(most, n)
		}
	}
	return fmt.Sprintf("T-%03d", most+1)
}

func nextSource(list []Tip) string {
	most := 0
	for _, t := range list {
		var n int
		if _, err := fmt.Sscanf(t.Source, "S-%d", &n); err == nil {
			most = max(most, n)
		}
	}
	return fmt.Sprintf("S-%02d", most+1)
}

// Merge gives several tips one pseudonym: they come from one source.
func (b *Inbox) Merge(ids ...string) (source string, err error) {
	var all []Tip
	for _, id := range ids {
		t, err := b.Get(id)
		if err != nil {
			return "", err
		}
		if t.Drill != "" {
			return "", fmt.Errorf("%s is a test tip and has no source: %w", id, sightline.ErrInvalid)
		}
		all = append(all, t)
	}
	if len(all) < 2 {
		return "", fmt.Errorf("name at least two tips to merge: %w", sightline.ErrInvalid)
	}
	source = all[0].Source
	old := map[string]bool{}
	for _, t := range all {
		old[t.Source] = true
	}
	list, err := b.List()
	if err != nil {
		return "", err
	}
	for _, t := range list {
		if old[t.Source] && t.Source != source {
			t.Source = source
			if err := b.Save(t); err != nil {
				return "", err
			}
		}
	}
	return source, nil
}

// Forget deletes content and quarantine of a tip; its line stays.
func (b *Inbox) Forget(t *Tip, quarantineDir string) error {
	if err := os.Remove(b.Blob(t.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if quarantineDir != "" {
		if err := os.RemoveAll(filepath.Join(quarantineDir, t.ID)); err != nil {
			return err
		}
	}
	if t.State != Withdrawn && t.State != Accepted && t.State != Declined {
		t.State = Forgotten
	}
	t.ReplyTo, t.Files = "", nil
	return b.Save(*t)
}

// Rounded is a size in bytes that says no more than Bucket does; 0 is less
// than a megabyte.
func Rounded(n int64) int64 {
	switch {
	case n < 1<<20:
		return 0
	case n < 10<<20:
		return n >> 20 << 20
	case n < 1<<30:
		return n / (10 << 20) * (10 << 20)
	}
	return n / (100 << 20) * (100 << 20)
}

// Bucket is a size in words that say no more than they should: 20 MB, not
// 20,971,520 bytes.
func Bucket(n int64) string {
	switch {
	case n < 1<<20:
		return "less than 1 MB"
	case n < 10<<20:
		return fmt.Sprintf("about %d MB", n>>20)
	case n < 1<<30:
		return fmt.Sprintf("about %d MB", (n>>20)/10*10)
	}
	return fmt.Sprintf("about %.1f GB", float64(n)/(1<<30))
}

// DrillState says when each key last opened a test tip.
func (b *Inbox) DrillState(keys []tip.Recipient) (last map[string]string, late []tip.Recipient, err error) {
	rules, err := b.Rules()
	if err != nil {
		return nil, nil, err
	}
	list, err := b.List()
	if err != nil {
		return nil, nil, err
	}
	last = map[string]string{}
	for _, t := range list {
		for _, o := range t.Opened {
			if t.Drill != "" && o.Day > last[t.Drill] {
				last[t.Drill] = o.Day
			}
		}
	}
	limit := b.now().UTC().AddDate(0, 0, -rules.DrillDays).Format(time.DateOnly)
	for _, k := range keys {
		if last[k.Print()] <= limit {
			late = append(late, k)
		}
	}
	return last, late, nil
}

// Due gives the tips whose time has come: declined ones past the days that the
// rules keep them, and those withdrawn by their source.
func (b *Inbox) Due() ([]Tip, error) {
	rules, err := b.Rules()
	if err != nil {
		return nil, err
	}
	list, err := b.List()
	if err != nil {
		return nil, err
	}
	limit := b.now().UTC().AddDate(0, 0, -rules.KeepDays).Format(time.DateOnly)
	return slices.DeleteFunc(list, func(t Tip) bool {
		if _, err := os.Stat(b.Blob(t.ID)); err != nil {
			return true
		}
		return !(t.State == Withdrawn || t.State == Declined && t.Decided <= limit)
	}), nil
}
