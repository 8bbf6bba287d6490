package tables

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sightline"
	"sightline/digest"
)

// A checkpoint is made in the transaction of the entry that reaches one of
// these distances from the last one.
const (
	checkpointEntries = 1000
	checkpointAge     = time.Minute
)

// append writes the entry of an update: its sealed values, its bytes, the
// signature, the hashes of the tree, and a checkpoint when one is due.
func (s *Store) append(ctx context.Context, tx Queryer, a sightline.Actor, w *writer, now time.Time) error {
	d := sightline.Draft{Kind: sightline.EntryAnnotate}
	if w.draft != nil {
		d = *w.draft
	}
	if d.Result == "" {
		d.Result = "ok"
	}
	origin, err := w.Origin()
	if err != nil {
		return err
	}
	e := sightline.Entry{
		V: 1, Log: origin, Seq: w.seq, Prev: strings.Repeat("0", 64), At: w.at, Clock: s.opts.Clock(), Kind: d.Kind,
		Actor: sightline.EntryActor{Key: w.key, Role: a.Role}, Item: d.Item, Parents: d.Parents, Tool: d.Tool, Capture: d.Capture,
		Result: d.Result, Failed: d.Failed, Sealed: map[string]string{},
	}
	if w.seq > 0 {
		var leaf []byte
		if err := tx.QueryRowContext(ctx, `SELECT leaf FROM entry WHERE seq=?`, w.seq-1).Scan(&leaf); err != nil {
			return fmt.Errorf("failed to read entry %d: %w", w.seq-1, err)
		}
		e.Prev = hex.EncodeToString(leaf)
	}
	if err := s.seal(ctx, tx, a, w, d, &e); err != nil {
		return err
	}
	if err := permitted(ctx, tx, a, w); err != nil {
		return err
	}
	b, err := sightline.Canonical(e)
	if err != nil {
		return err
	}
	sig, err := a.Sign(sightline.PAE(b))
	if err != nil {
		return fmt.Errorf("failed to sign entry %d: %w", e.Seq, err)
	}
	leaf := tlog.RecordHash(b)
	item := ""
	if e.Item != nil {
		item = e.Item.ID
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO entry(seq, bytes, leaf, signature, public_key, at, kind, key, item) VALUES(?,?,?,?,?,?,?,?,?)`,
		e.Seq, b, leaf[:], sig, []byte(a.PublicKey), e.At, e.Kind, e.Actor.Key, item); err != nil {
		return err
	}
	if err := appendHashes(ctx, tx, e.Seq, leaf); err != nil {
		return err
	}
	w.leaf = leaf
	if w.signed, err = s.checkpointIfDue(ctx, tx, e.Seq+1, now); err != nil {
		return err
	}
	return s.engine.Announce(ctx, tx, e.Seq)
}

// seal commits to the private values of the entry and keeps them beside it.
func (s *Store) seal(ctx context.Context, tx Queryer, a sightline.Actor, w *writer, d sightline.Draft, e *sightline.Entry) error {
	values := map[string]any{"machine": s.opts.Machine}
	if a.Name != "" {
		values["collector"] = a.Name
	}
	maps.Copy(values, d.Seal)
	if len(w.changes) > 0 {
		values["change"] = w.changes
	}
	// Salts are drawn in the order of names: with a seeded source of
	// randomness the same case has the same bytes.
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }) {
			return fmt.Errorf("the sealed value %q needs a name of the letters a to z: %w", name, sightline.ErrInvalid)
		}
		v := sightline.SealedValue{Name: name, Salt: make([]byte, sightline.SaltSize)}
		var err error
		if name == "change" {
			v.Value, err = canonicalChanges(w.changes)
		} else {
			v.Value, err = sightline.Canonical(values[name])
		}
		if err != nil {
			return fmt.Errorf("failed to seal %q: %w", name, err)
		}
		from := s.opts.Rand
		if k, ok := from.(Salter); ok {
			from = k.Salt(e.Seq, name)
		}
		if _, err = io.ReadFull(from, v.Salt); err != nil {
			return fmt.Errorf("failed to draw a salt: %w", err)
		}
		e.Sealed[name] = sightline.Commitment(name, v.Salt, v.Value)
		if _, err := tx.ExecContext(ctx, `INSERT INTO sealed(seq, name, salt, value) VALUES(?,?,?,?)`, e.Seq, name, v.Salt, string(v.Value)); err != nil {
			return err
		}
		switch {
		case name == "key":
			if err := projectKey(ctx, tx, e.Seq, v.Value); err != nil {
				return err
			}
		case name == "args" && e.Tool != nil && e.Tool.Args == "":
			t := *e.Tool
			t.Args = digest.Of(v.Value).String()
			e.Tool = &t
		}
	}
	return nil
}

// canonicalChanges is [sightline.Canonical] of changes whose values are in
// canonical form already, as every value of a writer is: to read them all once
// more costs as much as the rest of an import.
func canonicalChanges(list []sightline.Change) ([]byte, error) {
	b := []byte{'['}
	for i, c := range list {
		if i > 0 {
			b = append(b, ',')
		}
		value := c.Value
		c.Value = json.RawMessage("null")
		shell, err := sightline.Canonical(c)
		if err != nil {
			return nil, err
		}
		// "value" is the last member in the order of RFC 8785.
		cut := len(shell) - len(`null}`)
		b = append(append(append(b, shell[:cut]...), value...), '}')
	}
	return append(b, ']'), nil
}

// permitted refuses an actor whose key is not in force. A key that enters by
// this very entry may sign it only when it is the first entry of the log or
// says openly that it adopts itself.
func permitted(ctx context.Context, tx Queryer, a sightline.Actor, w *writer) error {
	var action, role string
	var since sightline.Seq
	err := tx.QueryRowContext(ctx, `SELECT action, role, since FROM actor_key WHERE key=? AND (until IS NULL OR until=?) ORDER BY since DESC LIMIT 1`, w.key, w.seq).Scan(&action, &role, &since)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("the key of %q has not entered this case; open the case folder with sightline on this machine, or ask an owner to add it: %w", a.Name, sightline.ErrDenied)
	case err != nil:
		return err
	case since == w.seq && w.seq > 0 && action != "adopt":
		return fmt.Errorf("a key that enters the case cannot sign its own entry; an owner has to: %w", sightline.ErrDenied)
	case w.draft != nil && w.draft.Seal["key"] != nil && since < w.seq && role != "owner":
		return fmt.Errorf("only an owner may let keys in or out, and %q is %s: %w", a.Name, role, sightline.ErrDenied)
	}
	return nil
}

func logSize(ctx context.Context, q Queryer) (n int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT coalesce(max(seq)+1, 0) FROM entry`).Scan(&n)
	return n, err
}

// hashes reads stored hashes of the tree inside a transaction.
func hashes(ctx context.Context, q Queryer) tlog.HashReaderFunc {
	return func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, idx := range indexes {
			var h []byte
			if err := q.QueryRowContext(ctx, `SELECT hash FROM hash WHERE idx=?`, idx).Scan(&h); err != nil {
				return nil, fmt.Errorf("hash %d of the log is missing: %w: %w", idx, sightline.ErrDamaged, err)
			}
			if len(h) != tlog.HashSize {
				return nil, fmt.Errorf("hash %d of the log has %d bytes: %w", idx, len(h), sightline.ErrDamaged)
			}
			copy(out[i][:], h)
		}
		return out, nil
	}
}

func appendHashes(ctx context.Context, q Queryer, seq sightline.Seq, leaf tlog.Hash) error {
	hs, err := tlog.StoredHashesForRecordHash(seq, leaf, hashes(ctx, q))
	if err != nil {
		return fmt.Errorf("failed to grow the tree of the log: %w", err)
	}
	first := tlog.StoredHashIndex(0, seq)
	for i, h := range hs {
		if _, err := q.ExecContext(ctx, `INSERT INTO hash(idx, hash) VALUES(?,?)`, first+int64(i), h[:]); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) Head() (sightline.Head, error) {
	n, err := logSize(r.ctx, r.q)
	if err != nil {
		return sightline.Head{}, err
	}
	root, err := tlog.TreeHash(n, hashes(r.ctx, r.q))
	if err != nil {
		return sightline.Head{}, err
	}
	if n == 0 {
		empty := digest.Of(nil) // RFC 6962: the hash of nothing; tlog returns zeros
		root = tlog.Hash(empty)
	}
	h := sightline.Head{Size: n, Root: hex.EncodeToString(root[:])}
	if n > 0 {
		err = r.q.QueryRowContext(r.ctx, `SELECT at FROM entry WHERE seq=?`, n-1).Scan(&h.At)
	}
	return h, err
}

func (r *reader) InclusionProof(seq sightline.Seq, size int64) ([]string, error) {
	if seq < 0 || seq >= size {
		return nil, fmt.Errorf("entry %d is not in a log of %d entries: %w", seq, size, sightline.ErrNotFound)
	}
	p, err := tlog.ProveRecord(size, seq, hashes(r.ctx, r.q))
	return texts(p), err
}

func (r *reader) ConsistencyProof(older, newer int64) ([]string, error) {
	if older < 1 || older > newer {
		return nil, fmt.Errorf("there is no proof from size %d to %d: %w", older, newer, sightline.ErrInvalid)
	}
	p, err := tlog.ProveTree(newer, older, hashes(r.ctx, r.q))
	return texts(p), err
}

func texts(hs []tlog.Hash) []string {
	out := make([]string, len(hs))
	for i, h := range hs {
		out[i] = hex.EncodeToString(h[:])
	}
	return out
}

// Checkpoint signs the head of the log now and returns the note; when the
// last checkpoint is of the same head, that one.
func (s *Store) Checkpoint(ctx context.Context) (sightline.Checkpoint, error) {
	var c sightline.Checkpoint
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return c, s.failed("failed to make a checkpoint", err)
	}
	defer tx.Rollback()
	q := s.bound(tx)
	if err := s.engine.Turn(ctx, q); err != nil {
		return c, s.failed("failed to make a checkpoint", err)
	}
	n, err := logSize(ctx, q)
	if err != nil {
		return c, s.failed("failed to make a checkpoint", err)
	}
	err = q.QueryRowContext(ctx, `SELECT size, note, at FROM checkpoint WHERE size=?`, n).Scan(&c.Size, &c.Note, &c.At)
	if err == nil || n == 0 {
		return c, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return c, s.failed("failed to make a checkpoint", err)
	}
	if c, err = s.checkpoint(ctx, q, n, s.opts.Now()); err != nil {
		return c, s.failed("failed to make a checkpoint", err)
	}
	if err := tx.Commit(); err != nil {
		return c, s.failed("failed to make a checkpoint", err)
	}
	s.witness(c)
	return c, nil
}

// witness passes a committed checkpoint on.
func (s *Store) witness(c sightline.Checkpoint) {
	if s.opts.Witness != nil {
		s.opts.Witness(c)
	}
}

// checkpointIfDue signs the head when the last checkpoint is old or far enough
// away, and returns what it signed or nil.
func (s *Store) checkpointIfDue(ctx context.Context, tx Queryer, size int64, now time.Time) (*sightline.Checkpoint, error) {
	if s.opts.LogKey == nil {
		return nil, nil
	}
	var last int64
	var at string
	err := tx.QueryRowContext(ctx, `SELECT size, at FROM checkpoint ORDER BY size DESC LIMIT 1`).Scan(&last, &at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	then, _ := time.Parse(time.RFC3339, at)
	if size-last < checkpointEntries && now.Sub(then) < checkpointAge {
		return nil, nil
	}
	c, err := s.checkpoint(ctx, tx, size, now)
	return &c, err
}

func (s *Store) checkpoint(ctx context.Context, tx Queryer, size int64, now time.Time) (sightline.Checkpoint, error) {
	c := sightline.Checkpoint{Size: size, At: sightline.EntryTime(now)}
	if s.opts.LogKey == nil {
		return c, fmt.Errorf("the key of the log is not here, so nothing can sign a checkpoint: %w", sightline.ErrDenied)
	}
	origin, err := Meta(ctx, tx, "origin")
	if err != nil {
		return c, err
	}
	root, err := tlog.TreeHash(size, hashes(ctx, tx))
	if err != nil {
		return c, err
	}
	// C2SP tlog-checkpoint: origin, size, root, each on a line.
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, size, base64.StdEncoding.EncodeToString(root[:]))
	if c.Note, err = note.Sign(&note.Note{Text: text}, s.opts.LogKey); err != nil {
		return c, fmt.Errorf("failed to sign a checkpoint: %w", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO checkpoint(size, note, at) VALUES(?,?,?)`, c.Size, c.Note, c.At)
	return c, err
}

// AddToken keeps a time-stamp over the checkpoint of that size.
func (s *Store) AddToken(ctx context.Context, size int64, t sightline.Token) error {
	_, err := s.Writing().ExecContext(ctx, `INSERT INTO token(size, authority, time, der) VALUES(?,?,?,?) ON CONFLICT DO NOTHING`, size, t.Authority, t.Time, t.DER)
	return s.failed("failed to keep a time-stamp", err)
}

// changesOf reads the sealed change of an entry; erased is true where the
// entry committed to one that is no longer there.
func changesOf(ctx context.Context, q Queryer, e sightline.Entry) (cs []sightline.Change, erased bool, err error) {
	if _, ok := e.Sealed["change"]; !ok {
		return nil, false, nil
	}
	var value string
	err = q.QueryRowContext(ctx, `SELECT value FROM sealed WHERE seq=? AND name='change'`, e.Seq).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, true, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(value), &cs)
	}
	return cs, false, err
}
