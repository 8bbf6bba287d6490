package tables

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"unicode"

	"sightline"
	"sightline/digest"
)

// reader reads one state of a case inside a transaction. Lists are read in
// pages, so that a caller may write between two rows of one.
type reader struct {
	ctx context.Context
	q   Queryer
	s   *Store
	// Of an update that is not yet in the log: where its entry will stand.
	seq     sightline.Seq
	at, key string
}

var (
	_ sightline.Finder     = (*reader)(nil)
	_ sightline.JobCounter = (*reader)(nil)
)

// page is how many rows are read at a time.
const page = 500

const rowColumns = `SELECT o.kind, o.id, o.rev, o.seq, o.value, o.reason, coalesce(e.at, ''), coalesce(e.key, ''), o.sort
	FROM object o LEFT JOIN entry e ON e.seq = o.seq `

func (r *reader) scan(rows interface{ Scan(...any) error }) (row sightline.Row, sort string, err error) {
	var value sql.NullString
	if err = rows.Scan(&row.Kind, &row.ID, &row.Rev, &row.Seq, &value, &row.Reason, &row.At, &row.By, &sort); err != nil {
		return row, "", err
	}
	if value.Valid {
		row.Value = json.RawMessage(value.String)
	}
	if row.At == "" && row.Seq == r.seq {
		row.At, row.By = r.at, r.key
	}
	return row, sort, nil
}

func (r *reader) Row(ref sightline.Ref) (sightline.Row, error) {
	row, _, err := r.scan(r.q.QueryRowContext(r.ctx, rowColumns+`WHERE o.kind=? AND o.id=?`, ref.Kind, ref.ID))
	if errors.Is(err, sql.ErrNoRows) {
		return row, fmt.Errorf("%s %q: %w", ref.Kind, ref.ID, sightline.ErrNotFound)
	}
	return row, err
}

func (r *reader) Rows(k sightline.Kind) iter.Seq2[sightline.Row, error] {
	return func(yield func(sightline.Row, error) bool) {
		lastSort, lastID := "", ""
		for {
			list, sort, err := r.rowPage(k, lastSort, lastID)
			if err != nil {
				yield(sightline.Row{}, err)
				return
			}
			for _, row := range list {
				if !yield(row, nil) {
					return
				}
			}
			if len(list) < page {
				return
			}
			lastSort, lastID = sort, list[len(list)-1].ID
		}
	}
}

func (r *reader) rowPage(k sightline.Kind, sort, id string) ([]sightline.Row, string, error) {
	rows, err := r.q.QueryContext(r.ctx, rowColumns+`WHERE o.kind=? AND o.value IS NOT NULL AND (o.sort, o.id) > (?, ?)
		ORDER BY o.sort, o.id LIMIT ?`, k, sort, id, page)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	list := []sightline.Row{}
	for rows.Next() {
		row, s, err := r.scan(rows)
		if err != nil {
			return nil, "", err
		}
		list, sort = append(list, row), s
	}
	return list, sort, rows.Err()
}

func (r *reader) History(ref sightline.Ref) ([]sightline.Row, error) {
	rows, err := r.q.QueryContext(r.ctx, `SELECT h.rev, h.seq, coalesce(e.at, ''), coalesce(e.key, ''), s.value
		FROM history h LEFT JOIN entry e ON e.seq = h.seq LEFT JOIN sealed s ON s.seq = h.seq AND s.name = 'change'
		WHERE h.kind=? AND h.id=? ORDER BY h.rev`, ref.Kind, ref.ID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []sightline.Row{}
	for rows.Next() {
		row := sightline.Row{Ref: ref}
		var change sql.NullString
		if err := rows.Scan(&row.Rev, &row.Seq, &row.At, &row.By, &change); err != nil {
			return nil, err
		}
		if change.Valid {
			var cs []sightline.Change
			if err := json.Unmarshal([]byte(change.String), &cs); err != nil {
				return nil, fmt.Errorf("the change of entry %d: %w: %w", row.Seq, sightline.ErrDamaged, err)
			}
			for _, c := range cs {
				if c.Ref == ref {
					row.Value, row.Reason = noNull(c.Value), c.Reason
				}
			}
		} else if row.At != "" {
			row.Reason = "erased"
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s %q: %w", ref.Kind, ref.ID, sightline.ErrNotFound)
	}
	// What this very update wrote is not sealed yet.
	if last := &out[len(out)-1]; last.At == "" {
		cur, err := r.Row(ref)
		if err != nil {
			return nil, err
		}
		*last = cur
	}
	return out, nil
}

func noNull(v json.RawMessage) json.RawMessage {
	if string(v) == "null" {
		return nil
	}
	return v
}

func (r *reader) Count(k sightline.Kind) (n int, err error) {
	err = r.q.QueryRowContext(r.ctx, `SELECT count(*) FROM object WHERE kind=? AND value IS NOT NULL`, k).Scan(&n)
	return n, err
}

func (r *reader) Search(q string, limit int) ([]sightline.Ref, error) {
	// What is not a letter, a number or a mark parts words, so no character of
	// q is syntax of an engine.
	words := strings.FieldsFunc(q, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsNumber(c) && !unicode.IsMark(c) })
	if len(words) == 0 {
		return []sightline.Ref{}, nil
	}
	if len(words) > 32 {
		words = words[:32]
	}
	if limit <= 0 {
		limit = 100
	}
	query, args := r.s.engine.Search(words, limit)
	return r.refs(query, args...)
}

func (r *reader) refs(q string, args ...any) ([]sightline.Ref, error) {
	rows, err := r.q.QueryContext(r.ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []sightline.Ref{}
	for rows.Next() {
		var ref sightline.Ref
		if err := rows.Scan(&ref.Kind, &ref.ID); err != nil {
			return nil, err
		}
		out = append(out, ref)
	}
	return out, rows.Err()
}

// Within asks the space-time index. See [sightline.Finder].
func (r *reader) Within(w sightline.Window) ([]sightline.Ref, error) {
	q, args := `SELECT o.kind, o.id FROM object o`, []any{}
	where := []string{`o.value IS NOT NULL`}
	if w.Time.Min != nil || w.Time.Max != nil {
		// The exact ends, in milliseconds; a space-time index may keep rounded ones.
		q += ` JOIN span s ON s.oid = o.oid`
		if t := w.Time.Min; t != nil {
			args = append(args, int64(*t))
			where = append(where, fmt.Sprintf(`(s.max IS NULL OR s.max >= ?%d)`, len(args)))
		}
		if t := w.Time.Max; t != nil {
			args = append(args, int64(*t))
			where = append(where, fmt.Sprintf(`(s.min IS NULL OR s.min <= ?%d)`, len(args)))
		}
	}
	if w.Box != nil {
		cond, more, err := r.s.engine.InWindow(r.ctx, r.q, w, len(args))
		if err != nil {
			return nil, err
		}
		where, args = append(where, cond), append(args, more...)
	}
	return r.refs(q+` WHERE `+strings.Join(where, ` AND `)+` ORDER BY o.kind, o.sort, o.id`, args...)
}

func (r *reader) ItemByDigest(d digest.Digest) ([]string, error) {
	refs, err := r.refs(`SELECT kind, id FROM `+r.s.engine.ObjectsByBytes()+` WHERE kind='item' AND value IS NOT NULL AND `+r.s.engine.ItemDigest()+`=? ORDER BY sort, id`, d.String())
	ids := []string{}
	for _, ref := range refs {
		ids = append(ids, ref.ID)
	}
	return ids, err
}

func (r *reader) Origin() (string, error) { return Meta(r.ctx, r.q, "origin") }

func (r *reader) Entries(from, to sightline.Seq) iter.Seq2[sightline.LogEntry, error] {
	return func(yield func(sightline.LogEntry, error) bool) {
		for from < to {
			list, err := r.entryPage(from, min(to, from+page))
			if err != nil {
				yield(sightline.LogEntry{}, err)
				return
			}
			for _, e := range list {
				if !yield(e, nil) {
					return
				}
			}
			if len(list) == 0 {
				return
			}
			from += page
		}
	}
}

func (r *reader) entryPage(from, to sightline.Seq) ([]sightline.LogEntry, error) {
	rows, err := r.q.QueryContext(r.ctx, `SELECT seq, bytes, leaf, signature, public_key FROM entry WHERE seq>=? AND seq<? ORDER BY seq`, from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []sightline.LogEntry{}
	for rows.Next() {
		var e sightline.LogEntry
		var seq sightline.Seq
		var leaf []byte
		if err := rows.Scan(&seq, &e.Bytes, &leaf, &e.Signature, &e.PublicKey); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(e.Bytes, &e.Entry); err != nil {
			return nil, fmt.Errorf("entry %d: %w: %w", seq, sightline.ErrDamaged, err)
		}
		e.Leaf = hex.EncodeToString(leaf)
		list = append(list, e)
	}
	return list, rows.Err()
}

func (r *reader) Sealed(seq sightline.Seq) ([]sightline.SealedValue, error) {
	rows, err := r.q.QueryContext(r.ctx, `SELECT name, salt, value FROM sealed WHERE seq=? ORDER BY name`, seq)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []sightline.SealedValue{}
	for rows.Next() {
		var v sightline.SealedValue
		var value string
		if err := rows.Scan(&v.Name, &v.Salt, &value); err != nil {
			return nil, err
		}
		v.Value = json.RawMessage(value)
		out = append(out, v)
	}
	return out, rows.Err()
}

func (r *reader) Checkpoints() ([]sightline.Checkpoint, error) {
	rows, err := r.q.QueryContext(r.ctx, `SELECT size, note, at FROM checkpoint ORDER BY size`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []sightline.Checkpoint{}
	for rows.Next() {
		var c sightline.Checkpoint
		if err := rows.Scan(&c.Size, &c.Note, &c.At); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func (r *reader) Tokens(size int64) ([]sightline.Token, error) {
	rows, err := r.q.QueryContext(r.ctx, `SELECT authority, time, der FROM token WHERE size=? ORDER BY authority`, size)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []sightline.Token{}
	for rows.Next() {
		var t sightline.Token
		if err := rows.Scan(&t.Authority, &t.Time, &t.DER); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// ActorKey is a key that may or might sign, as the log has it.
type ActorKey struct {
	Key    string
	Public []byte
	Name   string
	Role   string
	Action string
	Since  sightline.Seq
	Until  sightline.Seq // -1 while in force
}

// Keys returns every key the log has known, also inside an update.
func (r *reader) Keys() ([]ActorKey, error) { return keys(r.ctx, r.q) }

func keys(ctx context.Context, q Queryer) ([]ActorKey, error) {
	rows, err := q.QueryContext(ctx, `SELECT key, public, name, role, action, since, coalesce(until, -1) FROM actor_key ORDER BY since, key`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []ActorKey{}
	for rows.Next() {
		var k ActorKey
		if err := rows.Scan(&k.Key, &k.Public, &k.Name, &k.Role, &k.Action, &k.Since, &k.Until); err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, rows.Err()
}
