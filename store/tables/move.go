package tables

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"sightline"
)

// Moved is an entry on its way from one store to another, with the private
// values beside it.
type Moved struct {
	RawEntry
	Sealed []sightline.SealedValue
}

// Moving yields the entries from position from on.
func (r *Raw) Moving(from sightline.Seq, most int) ([]Moved, error) {
	var out []Moved
	for e, err := range rows(r.ctx, r.q, scanEntry, `SELECT seq, bytes, leaf, signature, public_key, at, kind, key, item FROM entry WHERE seq >= ? ORDER BY seq LIMIT ?`, from, most) {
		if err != nil {
			return nil, err
		}
		out = append(out, Moved{RawEntry: e})
	}
	for i := range out {
		var err error
		if out[i].Sealed, err = r.Sealed(out[i].Seq); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Append writes entries of another store of the same log behind those that are
// here: their bytes and signatures as they are, their rows as a replay gives
// them. Each entry is verified first: its place, its signature, and that what
// is sealed beside it is what it commits to. All of list goes in, or nothing.
func (s *Store) Append(ctx context.Context, list []Moved) error {
	if s.opts.ReadOnly {
		return fmt.Errorf("this case was opened for reading only: %w", sightline.ErrDenied)
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.failed("failed to write the moved entries", err)
	}
	defer tx.Rollback()
	q := s.bound(tx)
	if err := s.engine.Turn(ctx, q); err != nil {
		return s.failed("failed to write the moved entries", err)
	}
	origin, err := Meta(ctx, q, "origin")
	if err != nil {
		return s.failed("failed to write the moved entries", err)
	}
	size, err := logSize(ctx, q)
	if err != nil {
		return s.failed("failed to write the moved entries", err)
	}
	prev := strings.Repeat("0", 64)
	if size > 0 {
		var leaf []byte
		if err := q.QueryRowContext(ctx, `SELECT leaf FROM entry WHERE seq=?`, size-1).Scan(&leaf); err != nil {
			return s.failed("failed to write the moved entries", err)
		}
		prev = hex.EncodeToString(leaf)
	}
	for _, m := range list {
		e, err := verifyMoved(m, size, origin, prev)
		if err != nil {
			return err
		}
		if err := s.project(ctx, q, m, e); err != nil {
			return s.failed(fmt.Sprintf("failed to write entry %d", m.Seq), err)
		}
		leaf := tlog.RecordHash(m.Bytes)
		prev = hex.EncodeToString(leaf[:])
		size++
	}
	if err := tx.Commit(); err != nil {
		return s.failed("failed to write the moved entries", err)
	}
	s.notify.ring()
	return nil
}

func verifyMoved(m Moved, size sightline.Seq, origin, prev string) (sightline.Entry, error) {
	e, err := sightline.ParseEntry(m.Bytes)
	if err != nil {
		return e, fmt.Errorf("entry %d cannot be read; run \"sightline check\" on the case it comes from: %w: %w", m.Seq, sightline.ErrDamaged, err)
	}
	bad := ""
	leaf := tlog.RecordHash(m.Bytes)
	switch {
	case m.Seq != size || e.Seq != size:
		bad = fmt.Sprintf("stands where entry %d is due", size)
	case e.Log != origin:
		bad = "belongs to the log " + e.Log
	case e.Prev != prev:
		bad = "does not follow the one before it"
	case !bytes.Equal(m.Leaf, leaf[:]):
		bad = "does not give its stored leaf hash"
	case (sightline.LogEntry{Entry: e, Bytes: m.Bytes, Signature: m.Signature, PublicKey: m.Public}).VerifySignature() != nil:
		bad = "is not signed by the key it names"
	}
	for _, v := range m.Sealed {
		if !v.Opens(e.Sealed[v.Name]) {
			bad = fmt.Sprintf("does not commit to its sealed value %q", v.Name)
		}
	}
	if bad != "" {
		return e, fmt.Errorf("entry %d %s; run \"sightline check\" on the case it comes from: %w", m.Seq, bad, sightline.ErrDamaged)
	}
	return e, nil
}

// project writes one moved entry and the rows that follow from it.
func (s *Store) project(ctx context.Context, q Queryer, m Moved, e sightline.Entry) error {
	leaf := tlog.RecordHash(m.Bytes)
	item := ""
	if e.Item != nil {
		item = e.Item.ID
	}
	if _, err := q.ExecContext(ctx, `INSERT INTO entry(seq, bytes, leaf, signature, public_key, at, kind, key, item) VALUES(?,?,?,?,?,?,?,?,?)`,
		e.Seq, m.Bytes, leaf[:], m.Signature, m.Public, e.At, e.Kind, e.Actor.Key, item); err != nil {
		return err
	}
	if err := appendHashes(ctx, q, e.Seq, leaf); err != nil {
		return err
	}
	for _, v := range m.Sealed {
		if _, err := q.ExecContext(ctx, `INSERT INTO sealed(seq, name, salt, value) VALUES(?,?,?,?)`, e.Seq, v.Name, v.Salt, string(v.Value)); err != nil {
			return err
		}
		if v.Name == "key" {
			if err := projectKey(ctx, q, e.Seq, v.Value); err != nil {
				return err
			}
		}
	}
	cs, _, err := changesOf(ctx, q, e)
	if err != nil {
		return err
	}
	sh := newSheets(q, e.Seq)
	for _, c := range cs {
		if err := project(ctx, s.engine, q, sh, e.Seq, c); err != nil {
			return err
		}
	}
	return sh.flush(ctx)
}

// TakeCheckpoints keeps checkpoints and time-stamps of another store of the
// same log. Those that are here already stay.
func (s *Store) TakeCheckpoints(ctx context.Context, list []sightline.Checkpoint, tokens map[int64][]sightline.Token) error {
	for _, c := range list {
		if _, err := s.Writing().ExecContext(ctx, `INSERT INTO checkpoint(size, note, at) VALUES(?,?,?) ON CONFLICT(size) DO NOTHING`, c.Size, c.Note, c.At); err != nil {
			return s.failed("failed to keep a checkpoint", err)
		}
		for _, t := range tokens[c.Size] {
			if err := s.AddToken(ctx, c.Size, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// TakeJobs keeps the jobs of another store, the oldest last as
// [sightline.Reader.JobList] gives them. What somebody was doing there waits
// here; what has ended here stays ended.
func (s *Store) TakeJobs(ctx context.Context, list []sightline.Job) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.failed("failed to keep the jobs", err)
	}
	defer tx.Rollback()
	q := s.bound(tx)
	for i := len(list) - 1; i >= 0; i-- {
		j := list[i]
		if j.State == "running" {
			j.State, j.Progress = "waiting", 0
		}
		if _, err := q.ExecContext(ctx, `INSERT INTO job(id, kind, lane, item, input, params, version, priority, state, worker, until, tries, progress, error, queued, started, ended)
			VALUES(?,?,?,?,?,?,?,?,?,'',0,?,?,?,?,?,?)
			ON CONFLICT(id) DO UPDATE SET state=excluded.state, tries=excluded.tries, progress=excluded.progress, error=excluded.error, started=excluded.started, ended=excluded.ended
			WHERE job.state='waiting'`,
			j.ID, j.Kind, j.Lane, j.Item, j.Input, string(j.Params), j.Version, j.Priority, j.State, j.Tries, j.Progress, plain(j.Error), j.Queued, j.Started, j.Ended); err != nil {
			return s.failed("failed to keep the jobs", err)
		}
	}
	return s.failed("failed to keep the jobs", tx.Commit())
}

// Extends reports whether the log of s is the beginning of the log that r
// reads, and how many entries it has. It is an [sightline.ErrConflict] when the
// two went apart.
func (s *Store) Extends(ctx context.Context, r *Raw) (size int64, err error) {
	ours, err := s.Origin(ctx)
	if err != nil {
		return 0, err
	}
	theirs, err := r.Origin()
	if err != nil {
		return 0, err
	}
	if ours != theirs {
		return 0, fmt.Errorf("there is another case already, whose log is %s and not %s: %w", ours, theirs, sightline.ErrConflict)
	}
	apart := fmt.Errorf("the case there has entries that this one has not: the two went apart and neither continues the other: %w", sightline.ErrConflict)
	var head sightline.Head
	if err := s.View(ctx, sightline.Actor{}, func(rr sightline.Reader) (err error) { head, err = rr.Head(); return err }); err != nil {
		return 0, err
	}
	if head.Size == 0 {
		return 0, nil
	}
	n, err := logSize(r.ctx, r.q)
	if err != nil {
		return 0, err
	}
	if head.Size > n {
		return 0, apart
	}
	root, err := tlog.TreeHash(head.Size, hashes(r.ctx, r.q))
	if err != nil {
		return 0, err
	}
	if hex.EncodeToString(root[:]) != head.Root {
		return 0, apart
	}
	return head.Size, nil
}
