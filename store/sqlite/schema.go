package sqlite

import (
	"context"
	"fmt"
	"os"

	"sightline"
	"sightline/store/tables"
)

// applicationID marks the file as ours ("SLNE" in the SQLite header).
const applicationID = 0x534c4e45

// schema is the list of migrations; user_version counts those applied. A
// migration is never edited once a case may have it.
//
// Tables of the log, which are the truth: entry, sealed, hash, checkpoint,
// token. Tables that are a projection of the log: object, history, actor_key,
// counter, span, place, words, card, sheet. The table job is work, not evidence: it is in
// the same file so that a result and its entry commit together.
var schema = []string{`
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE entry(
	seq        INTEGER PRIMARY KEY,
	bytes      BLOB NOT NULL, -- canonical JSON, as signed
	leaf       BLOB NOT NULL, -- RFC 6962 leaf hash
	signature  BLOB NOT NULL, -- Ed25519 over the DSSE encoding
	public_key BLOB NOT NULL,
	at         TEXT NOT NULL, -- copies of fields of bytes, to join and list by
	kind       TEXT NOT NULL,
	key        TEXT NOT NULL,
	item       TEXT NOT NULL
);
CREATE INDEX entry_item ON entry(item, seq) WHERE item <> '';

CREATE TABLE sealed(seq INTEGER NOT NULL, name TEXT NOT NULL, salt BLOB NOT NULL, value TEXT NOT NULL,
	PRIMARY KEY(seq, name)) WITHOUT ROWID;
CREATE TABLE hash(idx INTEGER PRIMARY KEY, hash BLOB NOT NULL); -- stored hashes of the tree, in the order of x/mod/sumdb/tlog
CREATE TABLE checkpoint(size INTEGER PRIMARY KEY, note BLOB NOT NULL, at TEXT NOT NULL);
CREATE TABLE token(size INTEGER NOT NULL, authority TEXT NOT NULL, time TEXT NOT NULL, der BLOB NOT NULL,
	PRIMARY KEY(size, authority)) WITHOUT ROWID;

CREATE TABLE actor_key(
	key    TEXT NOT NULL,
	since  INTEGER NOT NULL, -- entry that brought it in; it may sign from that entry on
	until  INTEGER,          -- entry that took it out; NULL while in force
	public BLOB NOT NULL,
	name   TEXT NOT NULL,
	role   TEXT NOT NULL,
	action TEXT NOT NULL,
	PRIMARY KEY(key, since)
) WITHOUT ROWID;

CREATE TABLE object(
	oid    INTEGER PRIMARY KEY,
	kind   TEXT NOT NULL,
	id     TEXT NOT NULL,
	sort   TEXT NOT NULL, -- sightline.SortKey(id)
	rev    INTEGER NOT NULL,
	seq    INTEGER NOT NULL,
	value  TEXT,          -- canonical JSON; NULL when withdrawn
	reason TEXT NOT NULL,
	UNIQUE(kind, id)
);
CREATE INDEX object_order ON object(kind, sort, id) WHERE value IS NOT NULL;
CREATE INDEX object_bytes ON object(json_extract(value, '$.sha256')) WHERE kind = 'item' AND value IS NOT NULL;

-- Every revision of every object; the values lie in the sealed changes.
CREATE TABLE history(kind TEXT NOT NULL, id TEXT NOT NULL, rev INTEGER NOT NULL, seq INTEGER NOT NULL,
	PRIMARY KEY(kind, id, rev)) WITHOUT ROWID;

-- Numbers that ids have used: name is kind and prefix, e.g. 'item:EJ-'.
CREATE TABLE counter(name TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;

-- When an object is, in UTC milliseconds. NULL is an open end.
CREATE TABLE span(oid INTEGER PRIMARY KEY, min INTEGER, max INTEGER);
CREATE INDEX span_min ON span(min);
CREATE INDEX span_max ON span(max);
-- Where and when: seconds from the epoch of the case (R*Trees keep 32-bit floats), degrees.
CREATE VIRTUAL TABLE place USING rtree(id, t0, t1, lat0, lat1, lon0, lon1, +oid INTEGER);
CREATE VIRTUAL TABLE words USING fts5(body, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2');

CREATE TABLE job(
	n        INTEGER PRIMARY KEY,
	id       TEXT NOT NULL UNIQUE,
	kind     TEXT NOT NULL,
	lane     TEXT NOT NULL,
	item     TEXT NOT NULL,
	input    TEXT NOT NULL,
	params   TEXT NOT NULL,
	version  TEXT NOT NULL,
	priority INTEGER NOT NULL,
	state    TEXT NOT NULL,
	worker   TEXT NOT NULL,
	until    INTEGER NOT NULL, -- end of the lease, UTC milliseconds
	tries    INTEGER NOT NULL,
	progress REAL NOT NULL,
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
CREATE TABLE sheet(n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX sheet_seq ON sheet(seq);
CREATE TABLE card(oid INTEGER PRIMARY KEY, n INTEGER NOT NULL UNIQUE);
`}

// fill is what a migration does beside its statements, by the format it leads to.
var fill = map[int]func(context.Context, tables.Queryer) error{
	3: func(ctx context.Context, q tables.Queryer) error {
		return tables.FillCards(ctx, q, func(q string) string { return q })
	},
}

// migrate brings the file to the newest schema. A fresh file needs its origin.
func (s *Store) migrate(origin string) error {
	ctx := context.Background()
	have, app, err := s.versions(ctx, s.write)
	if err != nil {
		return s.failed("failed to open the case", err)
	}
	switch {
	case have > len(schema):
		return fmt.Errorf("the case %s has format %d and this program knows up to %d; update sightline: %w", s.path, have, len(schema), sightline.ErrNewer)
	case origin == "" && app != applicationID:
		return fmt.Errorf("%s is not a case of sightline: %w", s.path, sightline.ErrInvalid)
	case have == len(schema):
		return nil
	case s.opts.ReadOnly:
		return fmt.Errorf("the case %s has the older format %d; open it once for writing: %w", s.path, have, sightline.ErrInvalid)
	}
	if have > 0 && !s.opts.Scratch {
		// What the older program wrote stays beside the file, for whoever has to
		// go back to it.
		if kept := copyName(s.path, have); !exists(kept) {
			if err := s.CopyTo(ctx, kept); err != nil {
				return fmt.Errorf("the case file is brought to format %d only when a copy of it can be kept at %s: %w", len(schema), kept, err)
			}
		}
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.failed("failed to prepare the case file", err)
	}
	defer tx.Rollback()
	// Another process may have migrated while this one waited for the lock.
	if have, _, err = s.versions(ctx, tx); err != nil {
		return s.failed("failed to prepare the case file", err)
	}
	for v := have; v < len(schema); v++ {
		if _, err := tx.ExecContext(ctx, schema[v]); err != nil {
			return s.failed(fmt.Sprintf("failed to bring the case file to format %d", v+1), err)
		}
		if more := fill[v+1]; more != nil {
			if err := more(ctx, tx); err != nil {
				return s.failed(fmt.Sprintf("failed to bring the case file to format %d", v+1), err)
			}
		}
	}
	if origin != "" {
		if _, err := tx.ExecContext(ctx, `INSERT INTO meta VALUES('origin', ?)`, origin); err != nil {
			return s.failed("failed to prepare the case file", err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version=%d; PRAGMA application_id=%d", len(schema), applicationID)); err != nil {
		return s.failed("failed to prepare the case file", err)
	}
	return s.failed("failed to prepare the case file", tx.Commit())
}

// copyName is where a file of an older format stays.
var copyName = keptCopy

func keptCopy(path string, format int) string { return fmt.Sprintf("%s.format-%d", path, format) }

// forgetCopies removes the copies of older formats: they hold what is erased.
func (s *Store) forgetCopies() error {
	for v := 1; v < len(schema); v++ {
		if err := os.Remove(keptCopy(s.path, v)); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("failed to remove a copy of an older format, which may hold what was erased: %w", err)
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func (s *Store) versions(ctx context.Context, q tables.Queryer) (version, app int, err error) {
	if err = q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err == nil {
		err = q.QueryRowContext(ctx, "PRAGMA application_id").Scan(&app)
	}
	return version, app, err
}
