package postgres

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"sightline"
	"sightline/store/tables"
	"sightline/when"
)

// engine is what PostgreSQL does in its own way. See [tables.Engine].
type engine struct {
	addr   Address
	schema string
	db     *sql.DB
	light  *sql.DB // commits without waiting for the disk
}

var _ tables.Engine = (*engine)(nil)

func (e *engine) Bind(q string) string { return tables.Numbered(q) }

// Light has connections of its own, whose commits do not wait for the disk.
func (e *engine) Light(_ context.Context, fn func(tables.Queryer) error) error { return fn(e.light) }

func (e *engine) Clock() string {
	return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
}

func (e *engine) ViewTx() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
}

// Turn locks the one row of its table. It is the first statement of an update,
// and in READ COMMITTED each later statement sees what the one before in the
// queue has committed.
func (e *engine) Turn(ctx context.Context, q tables.Queryer) error {
	var one bool
	return q.QueryRowContext(ctx, `SELECT one FROM turn FOR UPDATE`).Scan(&one)
}

func (e *engine) Announce(ctx context.Context, q tables.Queryer, seq sightline.Seq) error {
	_, err := q.ExecContext(ctx, `SELECT pg_notify(?, ?)`, e.schema, strconv.FormatInt(seq, 10))
	return err
}

// Retry: SQLSTATE classes are those of the PostgreSQL manual, appendix A.
func (e *engine) Retry(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "40001", "40P01", // serialization failure, deadlock
			"57P01", "57P02", "57P03", // shutting down, crashed, starting
			"25P03", // idle in transaction for too long
			"53300": // too many connections
			return true
		}
		return strings.HasPrefix(pg.Code, "08")
	}
	return lost(err)
}

// lost reports that there is no connection.
func lost(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err)
}

func (e *engine) Explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		if lost(err) || errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("the database %s cannot be reached; nothing is lost, try again when it is back: %w", e.addr, brief{err})
		}
		return err
	}
	switch {
	case strings.HasPrefix(pg.Code, "28"):
		return fmt.Errorf("the database %s refuses the sign-in of this user (%s): %w", e.addr, pg.Message, sightline.ErrDenied)
	case pg.Code == "3D000":
		return fmt.Errorf("there is no database %s: %w", e.addr, sightline.ErrNotFound)
	case pg.Code == "42501":
		return fmt.Errorf("this user of the database %s may not do that (%s): %w", e.addr, pg.Message, sightline.ErrDenied)
	case pg.Code == "25006":
		return fmt.Errorf("the database %s takes no changes now; it is a standby or was set to read-only: %w", e.addr, sightline.ErrDenied)
	case pg.Code == "53100", pg.Code == "53200":
		return fmt.Errorf("the database %s: %w (%s)", e.addr, sightline.ErrFull, pg.Message)
	case pg.Code == "42P01", pg.Code == "42703", pg.Code == "3F000":
		return fmt.Errorf("the tables of %s are not those of a case (%s); restore it from a dump: %w", e.addr, pg.Message, sightline.ErrDamaged)
	case strings.HasPrefix(pg.Code, "XX"), pg.Code == "58030":
		return fmt.Errorf("the database %s finds itself damaged (%s): run \"sightline check\" and restore it from a dump: %w", e.addr, pg.Message, sightline.ErrDamaged)
	case strings.HasPrefix(pg.Code, "22"):
		return fmt.Errorf("the database cannot keep this value (%s): %w", pg.Message, sightline.ErrInvalid)
	case pg.Code == "55P03":
		return fmt.Errorf("another program has been writing to %s for too long; try again: %w", e.addr, err)
	case strings.HasPrefix(pg.Code, "57P"), strings.HasPrefix(pg.Code, "08"):
		return fmt.Errorf("the database %s cannot be reached; nothing is lost, try again when it is back: %w", e.addr, brief{err})
	}
	return err
}

// brief is an error of the driver in one line: it writes one for each address
// it tried, and the last says enough.
type brief struct{ error }

func (b brief) Error() string {
	lines := strings.Split(strings.TrimSpace(b.error.Error()), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

func (b brief) Unwrap() error { return b.error }

func (e *engine) ObjectsByBytes() string { return "object" }

func (e *engine) ItemDigest() string { return `(value::json->>'sha256')` }

const (
	// maxVector keeps below the limit of tsvector, 1 MiB for all of an object;
	// words are cut below that of a lexeme, 2,046 bytes, by tables.Fold.
	maxVector   = 900_000
	maxPosition = 16383
	maxHits     = 16 // places of one word that count for the rank
)

// Vector makes the text of a tsvector. The words are parted and folded here,
// as FTS5's unicode61 with remove_diacritics does, and not by a parser of
// PostgreSQL: the same query finds the same objects on both stores, no
// extension is needed, and a host name or a hyphen is nothing special.
func Vector(text string) string {
	type lexeme struct {
		word string
		at   []int
	}
	known := map[string]int{}
	var list []lexeme
	size, n := 0, 0
	for _, w := range tables.Tokens(text) {
		n++
		i, seen := known[w]
		if !seen {
			if size += len(w) + 8; size > maxVector {
				break
			}
			i = len(list)
			known[w] = i
			list = append(list, lexeme{word: w})
		}
		if len(list[i].at) < maxHits {
			list[i].at = append(list[i].at, min(n, maxPosition))
			size += 4
		}
	}
	var b strings.Builder
	for _, l := range list {
		b.WriteString("'" + l.word + "'") // letters and digits only
		for i, at := range l.at {
			b.WriteByte(":,"[min(i, 1)])
			b.WriteString(strconv.Itoa(at))
		}
		b.WriteByte(' ')
	}
	return b.String()
}

func (e *engine) PutWords(ctx context.Context, q tables.Queryer, oid int64, text string) error {
	v := Vector(text)
	if v == "" {
		return nil
	}
	_, err := q.ExecContext(ctx, `INSERT INTO words(oid, body) VALUES(?, CAST(?::text AS tsvector))`, oid, v)
	return err
}

func (e *engine) DropWords(ctx context.Context, q tables.Queryer, oid int64) error {
	_, err := q.ExecContext(ctx, `DELETE FROM words WHERE oid=?`, oid)
	return err
}

// ranked is how many matches are put into order: a word that half of a large
// case has says nothing about which of them is best.
const ranked = 2000

func (e *engine) Search(words []string, limit int) (string, []any) {
	var terms []string
	for _, w := range words {
		if f := tables.Fold(w); f != "" {
			terms = append(terms, "'"+f+"':*")
		}
	}
	if len(terms) == 0 {
		return `SELECT kind, id FROM object WHERE false`, nil
	}
	return `WITH hit AS MATERIALIZED (SELECT oid, body FROM words WHERE body @@ CAST(?1::text AS tsquery) LIMIT ?2)
		SELECT o.kind, o.id FROM hit JOIN object o ON o.oid = hit.oid
		ORDER BY ts_rank(hit.body, CAST(?1::text AS tsquery)) DESC, o.kind, o.sort LIMIT ?3`, []any{strings.Join(terms, " & "), max(ranked, limit), limit}
}

func (e *engine) TextHits(ctx context.Context, q tables.Queryer, words []string, most int) ([]int64, error) {
	terms := make([]string, len(words))
	for i, w := range words {
		if whole, ok := strings.CutPrefix(w, "="); ok {
			terms[i] = "'" + whole + "'"
		} else {
			terms[i] = "'" + w + "':*"
		}
	}
	return tables.NumberList(q.QueryRowContext(ctx, `SELECT string_agg(CAST(oid AS text), ',') FROM (SELECT oid FROM words WHERE body @@ CAST(?1::text AS tsquery) LIMIT ?2) x`,
		strings.Join(terms, " & "), most))
}

func (e *engine) Strings(p string) string {
	return `SELECT s, n FROM json_array_elements_text(CAST(` + p + `::text AS json)) WITH ORDINALITY AS l(s, n)`
}

func (e *engine) Numbers(p string) string {
	return `SELECT CAST(x AS bigint) FROM json_array_elements_text(CAST(` + p + `::text AS json)) x`
}

// instant bounds an end of a range: INT8RANGE counts one past its last value.
func instant(i *when.Instant) sql.NullInt64 {
	if i == nil {
		return sql.NullInt64{}
	}
	const most = 1 << 60
	return sql.NullInt64{Int64: min(max(int64(*i), -most), most), Valid: true}
}

func (e *engine) PutPlaces(ctx context.Context, q tables.Queryer, oid int64, at []tables.Located, iv when.Interval) error {
	from, to := instant(iv.Min), instant(iv.Max)
	if from.Valid && to.Valid && to.Int64 < from.Int64 {
		from, to = to, from // an interval that contradicts itself is still somewhere
	}
	for n, p := range at {
		if _, err := q.ExecContext(ctx, `INSERT INTO place(oid, n, at, during) VALUES(?, ?, point(?, ?), int8range(?, ?, '[]'))`,
			oid, n, p.Lon, p.Lat, from, to); err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) DropPlaces(ctx context.Context, q tables.Queryer, oid int64) error {
	_, err := q.ExecContext(ctx, `DELETE FROM place WHERE oid=?`, oid)
	return err
}

func (e *engine) InWindow(_ context.Context, _ tables.Queryer, w sightline.Window, n int) (string, []any, error) {
	from, to := instant(w.Time.Min), instant(w.Time.Max)
	if from.Valid && to.Valid && to.Int64 < from.Int64 {
		return `false`, nil, nil
	}
	b := w.Box
	return fmt.Sprintf(`o.oid IN (SELECT oid FROM place WHERE at <@ box(point(?%d, ?%d), point(?%d, ?%d)) AND during && int8range(?%d, ?%d, '[]'))`,
		n+1, n+2, n+3, n+4, n+5, n+6), []any{b.West, b.South, b.East, b.North, from, to}, nil
}

func (e *engine) Projection() []tables.Projected {
	return []tables.Projected{
		{Table: "entry", Query: `SELECT seq, encode(leaf, 'hex'), at, kind, key, item FROM entry ORDER BY seq`},
		{Table: "hash", Query: `SELECT idx, encode(hash, 'hex') FROM hash ORDER BY idx`},
		{Table: "actor_key", Query: `SELECT key, since, coalesce(until::text, ''), encode(public, 'hex'), name, role, action FROM actor_key ORDER BY key, since`},
		{Table: "object", Query: `SELECT kind, id, sort, rev, seq, coalesce(value, 'withdrawn'), reason FROM object ORDER BY kind, id`},
		{Table: "history", Query: `SELECT kind, id, rev, seq FROM history WHERE seq NOT IN (SELECT x::bigint FROM json_array_elements_text(CAST(?1::text AS json)) x) ORDER BY kind, id, rev`},
		{Table: "counter", Query: `SELECT name, next FROM counter ORDER BY name`},
		{Table: "span", Query: `SELECT kind, id, coalesce(min::text, 'open'), coalesce(max::text, 'open') FROM span LEFT JOIN object USING(oid) ORDER BY kind, id`},
		{Table: "place", Query: `SELECT kind, id, n, place.at::text, during::text FROM place LEFT JOIN object USING(oid) ORDER BY 1, 2, 3`},
		{Table: "words", Query: `SELECT kind, id, body::text FROM words LEFT JOIN object USING(oid) ORDER BY kind, id`},
		{Table: "meta", Query: `SELECT key, value FROM meta ORDER BY key`},
	}
}

func (e *engine) Ready(context.Context, tables.Queryer) error { return nil }

// Empty makes a schema beside those of the cases, in the same database.
func (e *engine) Empty(ctx context.Context, _, origin string) (*tables.Store, func(), error) {
	name := replayPrefix + rand.Text()
	if err := lay(ctx, e.addr, name, origin); err != nil {
		return nil, nil, err
	}
	s := open(e.addr, name, Options{Scratch: true})
	return s.Store, func() {
		s.Close()
		c, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		drop(c, e.addr, name) //nolint:errcheck // an empty schema of a replay may stay behind
	}, nil
}

// Integrity: PostgreSQL finds a damaged page when it is read, which the rest of
// a check does (data checksums, where the cluster has them). There is nothing
// to ask beyond that without an extension.
func (e *engine) Integrity(context.Context, tables.Queryer) ([]string, error) { return nil, nil }

// Scrub writes the tables that held erased values anew. Old values may stay in
// archived write-ahead logs and in dumps, which docs/guide/team.md says.
func (e *engine) Scrub(ctx context.Context) error {
	for _, t := range []string{"sealed", "object", "words", "job", "sheet"} {
		if _, err := e.db.ExecContext(ctx, `VACUUM (FULL, ANALYZE) `+t); err != nil {
			return err
		}
	}
	return nil
}
