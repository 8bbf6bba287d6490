package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sightline"
	"sightline/store/tables"
)

// schema is the list of migrations; table format counts those applied. A
// migration is never edited once a case may have it. The tables are those of
// store/sqlite; the differences are the types, and that text is ordered by its
// bytes (collation C), so that lists have the same order on both.
var schema = []string{`
CREATE TABLE format(version BIGINT NOT NULL);
CREATE TABLE turn(one BOOLEAN PRIMARY KEY); -- its one row is locked by whoever updates
INSERT INTO turn VALUES(true);

CREATE TABLE meta(key TEXT COLLATE "C" PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE entry(
	seq        BIGINT PRIMARY KEY,
	bytes      BYTEA NOT NULL, -- canonical JSON, as signed
	leaf       BYTEA NOT NULL, -- RFC 6962 leaf hash
	signature  BYTEA NOT NULL, -- Ed25519 over the DSSE encoding
	public_key BYTEA NOT NULL,
	at         TEXT NOT NULL,  -- copies of fields of bytes, to join and list by
	kind       TEXT NOT NULL,
	key        TEXT NOT NULL,
	item       TEXT NOT NULL
);
CREATE INDEX entry_item ON entry(item, seq) WHERE item <> '';

CREATE TABLE sealed(seq BIGINT NOT NULL, name TEXT COLLATE "C" NOT NULL, salt BYTEA NOT NULL, value TEXT NOT NULL, PRIMARY KEY(seq, name));
CREATE TABLE hash(idx BIGINT PRIMARY KEY, hash BYTEA NOT NULL); -- stored hashes of the tree, in the order of x/mod/sumdb/tlog
CREATE TABLE checkpoint(size BIGINT PRIMARY KEY, note BYTEA NOT NULL, at TEXT NOT NULL);
CREATE TABLE token(size BIGINT NOT NULL, authority TEXT COLLATE "C" NOT NULL, time TEXT NOT NULL, der BYTEA NOT NULL, PRIMARY KEY(size, authority));

CREATE TABLE actor_key(
	key    TEXT COLLATE "C" NOT NULL,
	since  BIGINT NOT NULL, -- entry that brought it in; it may sign from that entry on
	until  BIGINT,          -- entry that took it out; NULL while in force
	public BYTEA NOT NULL,
	name   TEXT NOT NULL,
	role   TEXT NOT NULL,
	action TEXT NOT NULL,
	PRIMARY KEY(key, since)
);

CREATE TABLE object(
	oid    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind   TEXT COLLATE "C" NOT NULL,
	id     TEXT COLLATE "C" NOT NULL,
	sort   TEXT COLLATE "C" NOT NULL, -- sightline.SortKey(id)
	rev    BIGINT NOT NULL,
	seq    BIGINT NOT NULL,
	value  TEXT,                      -- canonical JSON; NULL when withdrawn
	reason TEXT NOT NULL,
	UNIQUE(kind, id)
);
CREATE INDEX object_order ON object(kind, sort, id) WHERE value IS NOT NULL;
CREATE INDEX object_bytes ON object((value::json->>'sha256')) WHERE kind = 'item' AND value IS NOT NULL;

-- Every revision of every object; the values lie in the sealed changes.
CREATE TABLE history(kind TEXT COLLATE "C" NOT NULL, id TEXT COLLATE "C" NOT NULL, rev BIGINT NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY(kind, id, rev));

-- Numbers that ids have used: name is kind and prefix, e.g. 'item:EJ-'.
CREATE TABLE counter(name TEXT COLLATE "C" PRIMARY KEY, next BIGINT NOT NULL);

-- When an object is, in UTC milliseconds. NULL is an open end.
CREATE TABLE span(oid BIGINT PRIMARY KEY, min BIGINT, max BIGINT);
CREATE INDEX span_min ON span(min);
CREATE INDEX span_max ON span(max);
-- Where and when: (longitude, latitude) in degrees, UTC milliseconds.
CREATE TABLE place(oid BIGINT NOT NULL, n BIGINT NOT NULL, at POINT NOT NULL, during INT8RANGE NOT NULL, PRIMARY KEY(oid, n));
CREATE INDEX place_at ON place USING GIST(at, during);
CREATE TABLE words(oid BIGINT PRIMARY KEY, body TSVECTOR NOT NULL);
CREATE INDEX words_body ON words USING GIN(body);

CREATE TABLE job(
	n        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	id       TEXT NOT NULL UNIQUE,
	kind     TEXT NOT NULL,
	lane     TEXT NOT NULL,
	item     TEXT NOT NULL,
	input    TEXT NOT NULL,
	params   TEXT NOT NULL,
	version  TEXT NOT NULL,
	priority BIGINT NOT NULL,
	state    TEXT NOT NULL,
	worker   TEXT NOT NULL,
	until    BIGINT NOT NULL, -- end of the lease, UTC milliseconds
	tries    BIGINT NOT NULL,
	progress DOUBLE PRECISION NOT NULL,
	error    TEXT NOT NULL,
	queued   TEXT NOT NULL,
	started  TEXT NOT NULL,
	ended    TEXT NOT NULL
);
CREATE INDEX job_ready ON job(lane, priority DESC, n) WHERE state IN ('waiting', 'running');
CREATE INDEX job_item ON job(item);
`, `
CREATE INDEX job_failed ON job(n) WHERE state = 'failed';
CREATE INDEX job_done ON job(ended) WHERE state = 'done';
`, `
-- What items are found by: 128 cards of items to a row (store/tables/card.go),
-- and where the card of an item is. A migration fills them from the objects.
CREATE TABLE sheet(n BIGINT PRIMARY KEY, seq BIGINT NOT NULL, body BYTEA NOT NULL);
CREATE INDEX sheet_seq ON sheet(seq);
CREATE TABLE card(oid BIGINT PRIMARY KEY, n BIGINT NOT NULL UNIQUE);
`}

// fill is what a migration does beside its statements, by the format it leads to.
var fill = map[int]func(context.Context, tables.Queryer) error{
	3: func(ctx context.Context, q tables.Queryer) error { return tables.FillCards(ctx, q, tables.Numbered) },
}

// lay makes a schema with its tables, all or nothing.
func lay(ctx context.Context, a Address, name, origin string) error {
	db := a.pool(name)
	defer db.Close()
	en := &engine{addr: a, schema: name, db: db}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("failed to make the case in the database: %w", en.Explain(err))
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `CREATE SCHEMA `+pgx.Identifier{name}.Sanitize()); err != nil {
		var e *pgconn.PgError
		if errors.As(err, &e) && (e.Code == "42P06" || e.Code == "23505") { // there already, or made at this moment
			return fmt.Errorf("%s exists already; a case is never written over another: %w", a, sightline.ErrConflict)
		}
		return fmt.Errorf("failed to make the case in the database: %w", en.Explain(err))
	}
	for _, step := range schema {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return fmt.Errorf("failed to make the tables of the case: %w", en.Explain(err))
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO format VALUES($1)`, len(schema)); err != nil {
		return fmt.Errorf("failed to make the tables of the case: %w", en.Explain(err))
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO meta VALUES('origin', $1)`, origin); err != nil {
		return fmt.Errorf("failed to make the tables of the case: %w", en.Explain(err))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("failed to make the case in the database: %w", en.Explain(err))
	}
	return nil
}

// migrate brings the tables to the newest schema, or says why it cannot.
func migrate(ctx context.Context, s *Store, readOnly bool) error {
	have, err := version(ctx, s.Reading(), s.addr)
	if err != nil {
		return err
	}
	switch {
	case have > len(schema):
		return fmt.Errorf("the case %s has format %d and this program knows up to %d; update sightline: %w", s.addr, have, len(schema), sightline.ErrNewer)
	case have == len(schema):
		return ours(ctx, s)
	case readOnly:
		return fmt.Errorf("the case %s has the older format %d; open it once for writing: %w", s.addr, have, sightline.ErrInvalid)
	}
	db := s.addr.pool(s.addr.schema())
	defer db.Close()
	en := s.engine()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("failed to prepare the case: %w", en.Explain(err))
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `LOCK TABLE format IN ACCESS EXCLUSIVE MODE`); err != nil {
		return fmt.Errorf("failed to prepare the case: %w", en.Explain(err))
	}
	// Another process may have migrated while this one waited for the lock.
	if have, err = version(ctx, tx, s.addr); err != nil {
		return err
	}
	for v := have; v < len(schema); v++ {
		if _, err := tx.ExecContext(ctx, schema[v]); err != nil {
			return fmt.Errorf("failed to bring the case to format %d; it stays at format %d: %w", v+1, have, en.Explain(err))
		}
		if more := fill[v+1]; more != nil {
			if err := more(ctx, tx); err != nil {
				return fmt.Errorf("failed to bring the case to format %d; it stays at format %d: %w", v+1, have, en.Explain(err))
			}
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE format SET version=$1`, len(schema)); err != nil {
		return fmt.Errorf("failed to prepare the case: %w", en.Explain(err))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("failed to prepare the case: %w", en.Explain(err))
	}
	return ours(ctx, s)
}

func version(ctx context.Context, q tables.Queryer, a Address) (int, error) {
	var v int
	err := q.QueryRowContext(ctx, `SELECT version FROM format`).Scan(&v)
	var e *pgconn.PgError
	switch {
	case errors.As(err, &e) && (e.Code == "42P01" || e.Code == "3F000"):
		ids, _ := Cases(ctx, a)
		for _, id := range ids {
			if id == a.Case {
				return 0, fmt.Errorf("the schema of %s is not a case of sightline, or somebody removed tables of it; restore it from a dump: %w", a, sightline.ErrDamaged)
			}
		}
		return 0, fmt.Errorf("there is no case %q in %s: %w", a.Case, a.WithCase(""), sightline.ErrNotFound)
	case errors.Is(err, sql.ErrNoRows) || err == nil && v < 1:
		return 0, fmt.Errorf("the tables of %s are only half made; restore it from a dump: %w", a, sightline.ErrDamaged)
	case err != nil:
		return 0, fmt.Errorf("failed to open the case: %w", (&engine{addr: a}).Explain(err))
	}
	return v, nil
}

// ours checks that the tables are there and are of the case the address names.
func ours(ctx context.Context, s *Store) error {
	var n int
	if err := s.Reading().QueryRowContext(ctx, `SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname=? AND tablename IN
		('turn', 'meta', 'entry', 'sealed', 'hash', 'checkpoint', 'token', 'actor_key', 'object', 'history', 'counter', 'span', 'place', 'words', 'job', 'card', 'sheet')`,
		s.addr.schema()).Scan(&n); err != nil {
		return fmt.Errorf("failed to open the case: %w", s.engine().Explain(err))
	}
	if n != 17 {
		return fmt.Errorf("%d of the 17 tables of %s are there; restore it from a dump: %w", n, s.addr, sightline.ErrDamaged)
	}
	origin, err := s.Origin(ctx)
	if err != nil {
		return err
	}
	if want := "/case/" + s.addr.Case; len(origin) < len(want) || origin[len(origin)-len(want):] != want {
		return fmt.Errorf("the schema of %s holds another case, whose log is %s: %w", s.addr, origin, sightline.ErrConflict)
	}
	return nil
}
