package tables

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"

	"sightline"
)

// Update is the one way a case changes. See [sightline.Store].
func (s *Store) Update(ctx context.Context, a sightline.Actor, fn func(sightline.Writer) error) (sightline.Seq, error) {
	if s.opts.ReadOnly {
		return -1, fmt.Errorf("this case was opened for reading only: %w", sightline.ErrDenied)
	}
	if a.Sign == nil || len(a.PublicKey) == 0 {
		return -1, fmt.Errorf("%s has no key to sign with and may only read: %w", a.Role, sightline.ErrDenied)
	}
	for try := 0; ; try++ {
		seq, err := s.update(ctx, a, fn)
		if err == nil {
			return seq, nil
		}
		if !s.engine.Retry(err) || try == retries {
			return -1, s.failed("", err)
		}
		if err := pause(ctx, try); err != nil {
			return -1, err
		}
	}
}

// retries is how often a transaction that failed because of another one, or of
// a lost connection, is run again: for about ten seconds.
const retries = 9

// pause waits a little longer at each try, up to about five seconds. The waits
// differ, so that two that collided do not collide again.
func pause(ctx context.Context, try int) error {
	wait := time.Duration(1<<try) * 10 * time.Millisecond
	wait += rand.N(wait)
	select {
	case <-time.After(min(wait, 5*time.Second)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// again runs one statement until it went through or nothing is left to hope
// for. A statement that was done and whose answer was lost is run twice, so it
// has to lead to the same state.
func (s *Store) again(ctx context.Context, fn func() error) error {
	for try := 0; ; try++ {
		err := fn()
		if err == nil || !s.engine.Retry(err) || try == retries {
			return err
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

func (s *Store) update(ctx context.Context, a sightline.Actor, fn func(sightline.Writer) error) (sightline.Seq, error) {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return -1, err
	}
	defer tx.Rollback()
	q := s.bound(s.repeats(tx))
	if err := s.engine.Turn(ctx, q); err != nil {
		return -1, err
	}
	size, err := logSize(ctx, q)
	if err != nil {
		return -1, err
	}
	now := s.opts.Now()
	w := &writer{
		reader: reader{ctx: ctx, q: q, s: s, seq: size, at: sightline.EntryTime(now), key: sightline.KeyID(a.PublicKey)},
		given:  map[string]int64{},
		dup:    map[sightline.Ref]int{},
		sheets: newSheets(q, size),
	}
	if err := fn(w); err != nil {
		return -1, err
	}
	w.done = true
	if w.err != nil {
		return -1, w.err
	}
	if len(w.changes) == 0 && w.draft == nil {
		return -1, tx.Commit() // jobs may have changed
	}
	if err := w.sheets.flush(ctx); err != nil {
		return -1, err
	}
	if err := s.append(ctx, q, a, w, now); err != nil {
		return -1, err
	}
	if err := tx.Commit(); err != nil && !s.landed(ctx, size, w.leaf) {
		return -1, err
	}
	if w.signed != nil {
		s.witness(*w.signed)
	}
	s.notify.ring()
	return size, nil
}

// landed reports that an entry is in the log although its commit gave an error:
// the connection was lost between the commit and its answer. The leaf hash
// covers fresh salts, so it is the hash of this very entry.
func (s *Store) landed(ctx context.Context, seq sightline.Seq, leaf tlog.Hash) bool {
	var there []byte
	err := s.again(ctx, func() error {
		return s.Writing().QueryRowContext(ctx, `SELECT leaf FROM entry WHERE seq=?`, seq).Scan(&there)
	})
	return err == nil && bytes.Equal(there, leaf[:])
}

// writer changes a case inside one transaction.
type writer struct {
	reader
	changes []sightline.Change
	dup     map[sightline.Ref]int // place in changes
	sheets  *sheets               // of the items that change
	given   map[string]int64      // numbers NextID gave in this update
	draft   *sightline.Draft
	signed  *sightline.Checkpoint // made by the entry of this update
	leaf    tlog.Hash             // of that entry
	err     error                 // first failure of a method that returns none
	done    bool
}

var errDone = errors.New("this Writer was used after its update had ended")

func (w *writer) Put(o sightline.Object) error {
	b, err := sightline.Canonical(o)
	if err != nil {
		return err
	}
	return w.put(o.Ref(), b)
}

func (w *writer) PutRaw(ref sightline.Ref, raw json.RawMessage) error {
	b, err := sightline.CanonicalJSON(raw)
	if err != nil {
		return fmt.Errorf("%s %q: %w", ref.Kind, ref.ID, err)
	}
	o := sightline.NewObject(ref.Kind)
	if o == nil {
		return fmt.Errorf("there is no kind of object called %q: %w", ref.Kind, sightline.ErrInvalid)
	}
	// What does not read back as its kind would make the whole case
	// unreadable later; it is refused now, with the field named.
	if err := json.Unmarshal(b, o); err != nil {
		return fmt.Errorf("%s %q: %v: %w", ref.Kind, ref.ID, err, sightline.ErrInvalid)
	}
	if o.Ref() != ref {
		return fmt.Errorf("%s %q holds the id %q: %w", ref.Kind, ref.ID, o.Ref().ID, sightline.ErrInvalid)
	}
	return w.put(ref, b)
}

func (w *writer) put(ref sightline.Ref, value json.RawMessage) error {
	if err := validRef(ref); err != nil {
		return err
	}
	row, err := w.Row(ref)
	switch {
	case errors.Is(err, sightline.ErrNotFound):
	case err != nil:
		return err
	case string(row.Value) == string(value):
		return nil
	}
	return w.change(sightline.Change{Ref: ref, Value: value}, row)
}

// change records c, whose object stood at row before. The last of several
// changes of one object in one update is the one that counts.
func (w *writer) change(c sightline.Change, row sightline.Row) error {
	if w.done {
		return errDone
	}
	if c.Value == nil {
		c.Value = json.RawMessage("null")
	}
	i, again := w.dup[c.Ref]
	if again {
		c.Rev = w.changes[i].Rev
		w.changes[i] = c
	} else {
		c.Rev = row.Rev + 1
		w.dup[c.Ref] = len(w.changes)
		w.changes = append(w.changes, c)
	}
	return project(w.ctx, w.s.engine, w.q, w.sheets, w.seq, c)
}

func (w *writer) Withdraw(ref sightline.Ref, reason string) error {
	row, err := w.Row(ref)
	if err != nil {
		return err
	}
	if row.Value == nil {
		return nil
	}
	if ref.Kind == sightline.KindCase {
		return fmt.Errorf("a case cannot be withdrawn from itself: %w", sightline.ErrInvalid)
	}
	return w.change(sightline.Change{Ref: ref, Reason: reason}, row)
}

// maxID is the longest id, in bytes.
const maxID = 200

func validRef(ref sightline.Ref) error {
	bad := ""
	switch {
	case !slices.Contains(sightline.Kinds, ref.Kind):
		bad = "an unknown kind"
	case ref.ID == "":
		bad = "no id"
	case len(ref.ID) > maxID:
		bad = "an id longer than 200 bytes"
	case !utf8.ValidString(ref.ID) || strings.ContainsFunc(ref.ID, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }):
		bad = "an id with spaces or control characters"
	default:
		return nil
	}
	return fmt.Errorf("the object %s %q has %s: %w", ref.Kind, ref.ID, bad, sightline.ErrInvalid)
}

// numbered says how fresh ids of each kind look: prefix and least digits.
var numbered = map[sightline.Kind]struct {
	prefix string
	digits int
}{
	sightline.KindEntity: {"N-", 2}, sightline.KindFinding: {"F-", 3}, sightline.KindEvent: {"E-", 3}, sightline.KindClaim: {"C-", 2},
	sightline.KindAccount: {"A-", 2}, sightline.KindConstraint: {"K-", 3}, sightline.KindLayer: {"L-", 2}, sightline.KindGap: {"G-", 2},
	sightline.KindStory: {"S-", 2}, sightline.KindEdition: {"v", 1},
	sightline.KindReview: {"R-", 3}, sightline.KindComment: {"Q-", 3},
}

func (w *writer) NextID(k sightline.Kind, parent string) (string, error) {
	prefix, digits := numbered[k].prefix, numbered[k].digits
	switch k {
	case sightline.KindItem:
		cases, err := sightline.All[sightline.Case](w, sightline.KindCase)
		if err != nil {
			return "", err
		}
		if len(cases) == 0 || cases[0].Prefix == "" {
			return "", fmt.Errorf("items have no ids before the case has a prefix: %w", sightline.ErrInvalid)
		}
		prefix, digits = cases[0].Prefix+"-", 3
		if parent != "" {
			prefix, digits = parent+".", 1
		}
	case sightline.KindObservation, sightline.KindDerivative:
		if parent == "" {
			return "", fmt.Errorf("the id of an %s needs the item it belongs to: %w", k, sightline.ErrInvalid)
		}
		prefix, digits = parent+".", 1
		if k == sightline.KindDerivative {
			prefix = parent + "/"
		}
	}
	if prefix == "" {
		return "", fmt.Errorf("objects of kind %q get no numbered ids: %w", k, sightline.ErrInvalid)
	}
	name := string(k) + ":" + prefix
	var next int64
	if err := w.q.QueryRowContext(w.ctx, `SELECT coalesce(max(next), 1) FROM counter WHERE name=?`, name).Scan(&next); err != nil {
		return "", err
	}
	next = max(next, w.sheets.used[name], w.given[name])
	w.given[name] = next + 1
	return fmt.Sprintf("%s%0*d", prefix, digits, next), nil
}

func (w *writer) Describe(d sightline.Draft) {
	if w.done {
		w.err = errDone
	}
	w.draft = &d
}
