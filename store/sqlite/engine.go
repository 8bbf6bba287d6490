package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sightline"
	"sightline/store/tables"
	"sightline/when"
)

// engine is what SQLite does in its own way. See [tables.Engine].
type engine struct{ s *Store }

var _ tables.Engine = engine{}

func (engine) Bind(q string) string { return q }

func (engine) Clock() string { return "CAST(unixepoch('subsec') * 1000 AS INTEGER)" }

// Light keeps to the one connection that writes, so that it waits its turn like
// every update, and lets it wait for the disk again afterwards.
func (e engine) Light(ctx context.Context, fn func(tables.Queryer) error) error {
	conn, err := e.s.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "PRAGMA synchronous=NORMAL"); err != nil {
		return err
	}
	defer func() {
		if _, err := conn.ExecContext(context.WithoutCancel(ctx), e.s.durable()); err != nil {
			// The pool opens another one, with the settings of the case.
			conn.Raw(func(any) error { return driver.ErrBadConn }) //nolint:errcheck // it is what it returns
		}
	}()
	return fn(conn)
}

// KeepsStatements: SQLite reads the text of a statement each time it is run
// without being kept.
func (engine) KeepsStatements() bool { return true }

func (engine) ViewTx() *sql.TxOptions { return nil }

// Turn has nothing to do: a transaction of the writing pool begins with the
// one lock there is.
func (engine) Turn(context.Context, tables.Queryer) error { return nil }

func (engine) Announce(context.Context, tables.Queryer, sightline.Seq) error { return nil }

func (engine) Retry(err error) bool { return busy(err) }

func (e engine) Explain(err error) error { return e.s.explain(err) }

// ObjectsByBytes names the index: without statistics SQLite would rather read
// every item in order than look one digest up.
func (engine) ObjectsByBytes() string { return "object INDEXED BY object_bytes" }

func (engine) ItemDigest() string { return `json_extract(value, '$.sha256')` }

func (engine) PutWords(ctx context.Context, q tables.Queryer, oid int64, text string) error {
	_, err := q.ExecContext(ctx, `INSERT INTO words(rowid, body) VALUES(?,?)`, oid, text)
	return err
}

func (engine) DropWords(ctx context.Context, q tables.Queryer, oid int64) error {
	_, err := q.ExecContext(ctx, `DELETE FROM words WHERE rowid=?`, oid)
	return err
}

// Search quotes each word as a prefix, so no character of it is syntax of FTS5.
func (engine) Search(words []string, limit int) (string, []any) {
	for i, w := range words {
		words[i] = `"` + w + `"*`
	}
	return `SELECT o.kind, o.id FROM words JOIN object o ON o.oid = words.rowid
		WHERE words MATCH ? ORDER BY words.rank, o.kind, o.sort LIMIT ?`, []any{strings.Join(words, " "), limit}
}

// TextHits reads one long string: a row for each of twenty thousand costs ten
// times as much.
func (engine) TextHits(ctx context.Context, q tables.Queryer, words []string, most int) ([]int64, error) {
	match := make([]string, len(words))
	for i, w := range words {
		if whole, ok := strings.CutPrefix(w, "="); ok {
			match[i] = `"` + whole + `"`
		} else {
			match[i] = `"` + w + `"*`
		}
	}
	return tables.NumberList(q.QueryRowContext(ctx, `SELECT group_concat(rowid) FROM (SELECT rowid FROM words WHERE words MATCH ? LIMIT ?)`, strings.Join(match, " "), most))
}

func (engine) Strings(p string) string {
	return `SELECT value AS s, key AS n FROM json_each(` + p + `)`
}

func (engine) Numbers(p string) string { return `SELECT value FROM json_each(` + p + `)` }

const placeBits = 8 // tables.MaxPlaces is 1 << placeBits

func (engine) PutPlaces(ctx context.Context, q tables.Queryer, oid int64, at []tables.Located, iv when.Interval) error {
	epoch, err := tables.Epoch(ctx, q)
	if err != nil {
		return err
	}
	t0, t1 := tables.Seconds(iv.Min, epoch, -1e30), tables.Seconds(iv.Max, epoch, 1e30)
	if t1 < t0 {
		t0, t1 = t1, t0 // an interval that contradicts itself is still somewhere
	}
	for n, p := range at {
		if _, err := q.ExecContext(ctx, `INSERT INTO place(id, t0, t1, lat0, lat1, lon0, lon1, oid) VALUES(?,?,?,?,?,?,?,?)`,
			oid<<placeBits+int64(n), t0, t1, p.Lat, p.Lat, p.Lon, p.Lon, oid); err != nil {
			return err
		}
	}
	return nil
}

// DropPlaces: the R*Tree finds a row by its id only; the ids of an object's
// places follow one another without a gap.
func (engine) DropPlaces(ctx context.Context, q tables.Queryer, oid int64) error {
	for id := oid << placeBits; ; id++ {
		res, err := q.ExecContext(ctx, `DELETE FROM place WHERE id=?`, id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
	}
}

func (engine) InWindow(ctx context.Context, q tables.Queryer, w sightline.Window, n int) (string, []any, error) {
	epoch, err := tables.Epoch(ctx, q)
	if err != nil {
		return "", nil, err
	}
	b := w.Box
	return fmt.Sprintf(`o.oid IN (SELECT oid FROM place WHERE t1 >= ?%d AND t0 <= ?%d AND lat1 >= ?%d AND lat0 <= ?%d AND lon1 >= ?%d AND lon0 <= ?%d)`,
			n+1, n+2, n+3, n+4, n+5, n+6),
		[]any{tables.Seconds(w.Time.Min, epoch, -1e31), tables.Seconds(w.Time.Max, epoch, 1e31), b.South, b.North, b.West, b.East}, nil
}

func (engine) Projection() []tables.Projected {
	return []tables.Projected{
		{Table: "entry", Query: `SELECT seq, hex(leaf), at, kind, key, item FROM entry ORDER BY seq`},
		{Table: "hash", Query: `SELECT idx, hex(hash) FROM hash ORDER BY idx`},
		{Table: "actor_key", Query: `SELECT key, since, coalesce(until, ''), hex(public), name, role, action FROM actor_key ORDER BY key, since`},
		{Table: "object", Query: `SELECT kind, id, sort, rev, seq, coalesce(value, 'withdrawn'), reason FROM object ORDER BY kind, id`},
		{Table: "history", Query: `SELECT kind, id, rev, seq FROM history WHERE seq NOT IN (SELECT value FROM json_each(?1)) ORDER BY kind, id, rev`},
		{Table: "counter", Query: `SELECT name, next FROM counter ORDER BY name`},
		{Table: "span", Query: `SELECT kind, id, coalesce(min, 'open'), coalesce(max, 'open') FROM span LEFT JOIN object USING(oid) ORDER BY kind, id`},
		{Table: "place", Query: `SELECT kind, object.id, place.id & 255, t0, t1, lat0, lat1, lon0, lon1 FROM place LEFT JOIN object USING(oid) ORDER BY 1, 2, 3`},
		{Table: "words", Query: `SELECT kind, id, group_concat(term || '@' || "offset", ' ') FROM
		(SELECT kind, id, term, "offset" FROM temp.terms LEFT JOIN object ON object.oid = terms.doc ORDER BY kind, id, "offset", term) GROUP BY kind, id ORDER BY kind, id`},
		{Table: "meta", Query: `SELECT key, value FROM meta ORDER BY key`},
	}
}

// Ready makes the temporary table by which the words of an index are read.
func (engine) Ready(ctx context.Context, q tables.Queryer) error {
	_, err := q.ExecContext(ctx, `PRAGMA query_only=OFF; CREATE VIRTUAL TABLE IF NOT EXISTS temp.terms USING fts5vocab('main', 'words', 'instance'); PRAGMA query_only=ON`)
	return err
}

// Empty makes a file for a replay in the folder scratch, or in a new one.
func (engine) Empty(_ context.Context, scratch, origin string) (*tables.Store, func(), error) {
	dir := scratch
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "sightline-rebuild-"); err != nil {
			return nil, nil, fmt.Errorf("failed to make room for the replay: %w", err)
		}
	}
	path := filepath.Join(dir, "replay.db")
	again, err := Create(path, origin, Options{Scratch: true})
	if err != nil {
		if scratch == "" {
			os.RemoveAll(dir)
		}
		return nil, nil, err
	}
	return again.Store, func() {
		again.Close()
		os.Remove(path)
		if scratch == "" {
			os.RemoveAll(dir)
		}
	}, nil
}

// Integrity asks SQLite to read its whole file.
func (engine) Integrity(ctx context.Context, q tables.Queryer) ([]string, error) {
	out := []string{}
	rs, err := q.QueryContext(ctx, `PRAGMA integrity_check(20)`)
	if err != nil {
		return out, err
	}
	defer rs.Close()
	for rs.Next() {
		var line string
		if err := rs.Scan(&line); err != nil {
			return out, err
		}
		if line != "ok" {
			out = append(out, line)
		}
	}
	return out, rs.Err()
}

// Scrub: the words leave the index when its parts are merged, the rest of the
// file when it is written anew.
func (e engine) Scrub(ctx context.Context) error {
	for _, q := range []string{`INSERT INTO words(words) VALUES('optimize')`, `VACUUM`, `PRAGMA wal_checkpoint(TRUNCATE)`} {
		if _, err := e.s.write.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return e.s.forgetCopies()
}
