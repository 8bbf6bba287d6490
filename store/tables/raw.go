package tables

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"sightline"
	"sightline/digest"
)

// Raw reads a case as its rows lie in the database, believing nothing. It is what
// a checker works with: a damaged row is handed over, not turned into an error
// that would hide the rows after it.
type Raw struct {
	sightline.Reader
	s   *Store
	q   Queryer
	ctx context.Context
}

// Engine is the engine that the rows lie in.
func (r *Raw) Engine() Engine { return r.s.engine }

// RawEntry is a row of the log, unread.
type RawEntry struct {
	Seq                sightline.Seq
	Bytes, Leaf        []byte
	Signature, Public  []byte
	At, Kind, Key, For string // the copies kept beside the bytes; For is the item
}

// RawRow is an object as it lies in the file.
type RawRow struct {
	sightline.Ref
	Rev    int
	Seq    sightline.Seq
	Value  []byte // nil when withdrawn
	Reason string
}

// Raw runs fn on one consistent state.
func (s *Store) Raw(ctx context.Context, fn func(*Raw) error) error {
	tx, err := s.beginRead(ctx)
	if err != nil {
		return s.failed("failed to read the case", err)
	}
	defer tx.Rollback()
	q := s.bound(tx)
	return s.failed("", fn(&Raw{&reader{ctx: ctx, q: q, s: s}, s, q, ctx}))
}

// pages yields what scan makes of each row of a query that ends in
// "> ? ORDER BY ... LIMIT ?", page after page, so that the caller may ask
// something else between two rows: a connection answers one question at a time.
func pages[T any](ctx context.Context, q Queryer, scan func(*sql.Rows) (T, int64, error), query string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		last := int64(math.MinInt64)
		for {
			var list []T
			for v, err := range rows(ctx, q, func(rs *sql.Rows) (v T, err error) {
				v, last, err = scan(rs)
				return v, err
			}, query, last, page) {
				if err != nil {
					yield(v, err)
					return
				}
				list = append(list, v)
			}
			for _, v := range list {
				if !yield(v, nil) {
					return
				}
			}
			if len(list) < page {
				return
			}
		}
	}
}

// rows yields what scan makes of each row of a query.
func rows[T any](ctx context.Context, q Queryer, scan func(*sql.Rows) (T, error), query string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		rs, err := q.QueryContext(ctx, query, args...)
		if err != nil {
			yield(zero, err)
			return
		}
		defer rs.Close()
		for rs.Next() {
			v, err := scan(rs)
			if !yield(v, err) || err != nil {
				return
			}
		}
		if err := rs.Err(); err != nil {
			yield(zero, err)
		}
	}
}

// Log yields the rows of the log in order of position.
func (r *Raw) Log() iter.Seq2[RawEntry, error] {
	return pages(r.ctx, r.q, func(rs *sql.Rows) (e RawEntry, at int64, err error) {
		e, err = scanEntry(rs)
		return e, e.Seq, err
	}, `SELECT seq, bytes, leaf, signature, public_key, at, kind, key, item FROM entry WHERE seq > ? ORDER BY seq LIMIT ?`)
}

func scanEntry(rs *sql.Rows) (e RawEntry, err error) {
	err = rs.Scan(&e.Seq, &e.Bytes, &e.Leaf, &e.Signature, &e.Public, &e.At, &e.Kind, &e.Key, &e.For)
	return e, err
}

// Objects yields every object, the withdrawn ones too.
func (r *Raw) Objects() iter.Seq2[RawRow, error] {
	return pages(r.ctx, r.q, func(rs *sql.Rows) (o RawRow, at int64, err error) {
		var value sql.NullString
		err = rs.Scan(&at, &o.Kind, &o.ID, &o.Rev, &o.Seq, &value, &o.Reason)
		if value.Valid {
			o.Value = []byte(value.String)
		}
		return o, at, err
	}, `SELECT oid, kind, id, rev, seq, value, reason FROM object WHERE oid > ? ORDER BY oid LIMIT ?`)
}

// Hashes yields the stored hashes of the tree in order.
func (r *Raw) Hashes() iter.Seq2[tlog.Hash, error] {
	next := int64(0)
	return pages(r.ctx, r.q, func(rs *sql.Rows) (h tlog.Hash, idx int64, err error) {
		var b []byte
		if err = rs.Scan(&idx, &b); err != nil {
			return h, idx, err
		}
		if idx != next || len(b) != len(h) {
			return h, idx, fmt.Errorf("stored hash %d of the tree is missing or cut: %w", next, sightline.ErrDamaged)
		}
		next++
		copy(h[:], b)
		return h, idx, nil
	}, `SELECT idx, hash FROM hash WHERE idx > ? ORDER BY idx LIMIT ?`)
}

// SealedSeqs yields the position of every sealed value, so that one that
// belongs to no entry is found.
func (r *Raw) SealedSeqs() iter.Seq2[sightline.Seq, error] {
	return rows(r.ctx, r.q, func(rs *sql.Rows) (n sightline.Seq, err error) { err = rs.Scan(&n); return n, err },
		`SELECT DISTINCT seq FROM sealed ORDER BY seq`)
}

// Keys returns the table of keys.
func (r *Raw) Keys() ([]ActorKey, error) { return keys(r.ctx, r.q) }

// Integrity asks the engine to read its own pages and returns what it finds.
func (r *Raw) Integrity() ([]string, error) { return r.s.engine.Integrity(r.ctx, r.q) }

// Difference is a row that replaying the log gives otherwise.
type Difference struct {
	Table  string
	Row    string // what the row is about
	Stored string // "" when only the replay has it
	Replay string // "" when only the file has it
}

// Rebuild replays the log into an empty database and compares every row of
// every table that is a projection of it. scratch is a folder for the empty
// database where that is a file; "" is a new one among the system's temporary
// files. Entries whose change was erased by law are passed over.
func (s *Store) Rebuild(ctx context.Context, scratch string) (diffs []Difference, err error) {
	err = s.Raw(ctx, func(r *Raw) error {
		origin, err := r.Origin()
		if err != nil {
			return err
		}
		if origin == "" {
			origin = "lost" // the comparison shows it
		}
		again, drop, err := s.engine.Empty(ctx, scratch, origin)
		if err != nil {
			return err
		}
		defer drop()
		erased, err := again.replay(ctx, r)
		if err != nil {
			return err
		}
		diffs, err = again.compare(ctx, r, erased)
		return err
	})
	return diffs, err
}

// replay writes the projection of r's log into the empty store s and returns
// the positions of entries whose change is no longer there, as a JSON list.
func (s *Store) replay(ctx context.Context, r *Raw) (erased string, err error) {
	t, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer t.Rollback()
	tx := s.bound(s.repeats(t))
	gone := []string{}
	sh := newSheets(tx, 0)
	for e, err := range r.Log() {
		if err != nil {
			return "", err
		}
		entry, err := sightline.ParseEntry(e.Bytes)
		if err != nil {
			continue // the checker names it; the comparison shows what it did not write
		}
		item := ""
		if entry.Item != nil {
			item = entry.Item.ID
		}
		leaf := tlog.RecordHash(e.Bytes)
		if _, err := tx.ExecContext(ctx, `INSERT INTO entry(seq, bytes, leaf, signature, public_key, at, kind, key, item) VALUES(?,?,?,?,?,?,?,?,?)`,
			e.Seq, e.Bytes, leaf[:], e.Signature, e.Public, entry.At, entry.Kind, entry.Actor.Key, item); err != nil {
			return "", err
		}
		if err := appendHashes(ctx, tx, e.Seq, leaf); err != nil {
			return "", fmt.Errorf("the log cannot be replayed past entry %d: %w", e.Seq, err)
		}
		cs, missing, err := changesOf(ctx, r.q, entry)
		if missing || err != nil {
			gone = append(gone, fmt.Sprint(e.Seq))
		}
		sh.seq = e.Seq
		clear(sh.met)
		for _, c := range cs {
			if err := project(ctx, s.engine, tx, sh, e.Seq, c); err != nil {
				return "", err
			}
		}
		var key string
		err = r.q.QueryRowContext(ctx, `SELECT value FROM sealed WHERE seq=? AND name='key'`, e.Seq).Scan(&key)
		if err == nil {
			err = projectKey(ctx, tx, e.Seq, []byte(key))
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) && !errors.Is(err, sightline.ErrInvalid) {
			return "", err
		}
	}
	if err := sh.flush(ctx); err != nil {
		return "", err
	}
	return "[" + strings.Join(gone, ",") + "]", t.Commit()
}

// maxDifferences bounds the report of a file that differs everywhere.
const maxDifferences = 200

func (s *Store) compare(ctx context.Context, r *Raw, erased string) ([]Difference, error) {
	t, err := s.read.BeginTx(ctx, s.engine.ViewTx())
	if err != nil {
		return nil, err
	}
	defer t.Rollback()
	tx := s.bound(t)
	diffs := []Difference{}
	for _, q := range []Queryer{r.q, tx} {
		if err := s.engine.Ready(ctx, q); err != nil {
			return diffs, fmt.Errorf("failed to read the index of words: %w", err)
		}
	}
	for _, p := range s.engine.Projection() {
		args := []any{}
		if strings.Contains(p.Query, "?1") {
			args = append(args, erased)
		}
		stored, err := tableRows(ctx, r.q, p.Query, args...)
		if err != nil {
			return diffs, fmt.Errorf("failed to read the table %s: %w", p.Table, err)
		}
		replay, err := tableRows(ctx, tx, p.Query, args...)
		if err != nil {
			return diffs, fmt.Errorf("failed to read the replayed table %s: %w", p.Table, err)
		}
		diffs = append(diffs, difference(p.Table, stored, replay)...)
		if len(diffs) >= maxDifferences {
			return diffs[:maxDifferences], nil
		}
	}
	stored, err := cardLines(ctx, r.q)
	if err != nil {
		return diffs, fmt.Errorf("failed to read the cards of items: %w", err)
	}
	replay, err := cardLines(ctx, tx)
	if err != nil {
		return diffs, fmt.Errorf("failed to read the replayed cards of items: %w", err)
	}
	diffs = append(diffs, difference("card", stored, replay)...)
	return diffs[:min(len(diffs), maxDifferences)], nil
}

// tableRows reads a query as one string for each row, the cells apart by NUL.
func tableRows(ctx context.Context, q Queryer, query string, args ...any) ([]string, error) {
	out := []string{}
	for line, err := range rows(ctx, q, func(rs *sql.Rows) (string, error) {
		cols, err := rs.Columns()
		if err != nil {
			return "", err
		}
		cells := make([]sql.NullString, len(cols))
		to := make([]any, len(cols))
		for i := range cells {
			to[i] = &cells[i]
		}
		if err := rs.Scan(to...); err != nil {
			return "", err
		}
		text := make([]string, len(cols))
		for i, c := range cells {
			text[i] = c.String
		}
		return strings.Join(text, "\x00"), nil
	}, query, args...) {
		if err != nil {
			return nil, err
		}
		out = append(out, shorten(line))
	}
	return out, nil
}

// shorten keeps long rows as their beginning and their digest, so that large
// cases compare in little memory.
func shorten(line string) string {
	const most = 400
	if len(line) <= most {
		return line
	}
	return line[:most/2] + "... sha256 " + digest.Of([]byte(line)).String()
}

// difference pairs the rows of one table by their first cells.
func difference(table string, stored, replay []string) []Difference {
	key := func(line string) string {
		cells := strings.Split(line, "\x00")
		n := map[string]int{"object": 2, "history": 3, "span": 2, "place": 3, "words": 2, "actor_key": 2}[table]
		return strings.Join(cells[:min(max(n, 1), len(cells))], " ")
	}
	show := func(line string) string { return strings.ReplaceAll(line, "\x00", " | ") }
	out := []Difference{}
	again := map[string]string{}
	for _, l := range replay {
		again[key(l)] = l
	}
	for _, l := range stored {
		k := key(l)
		if other, ok := again[k]; !ok || other != l {
			out = append(out, Difference{table, k, show(l), show(other)})
		}
		delete(again, k)
	}
	for _, l := range replay {
		if other, ok := again[key(l)]; ok && other == l {
			out = append(out, Difference{table, key(l), "", show(l)})
		}
	}
	return out
}
