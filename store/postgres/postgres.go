// Package postgres keeps cases in a PostgreSQL database, for a team whose
// server and workers run on several machines.
//
// It exists so that a team works on the same case at once while everything
// that decides what a case is stays in one place: package store/tables, which
// this package gives an engine. A case is one schema of the database, named
// "case_" and the id of the case, so that one database holds many cases, each
// can be dumped and dropped by itself, and a role can be let into one only. The
// address is
//
//	postgres://user@host/database?case=ID
//
// where everything but "case" is read by the pgx driver (libpq's parameters and
// PG* environment variables). Passwords belong into PGPASSWORD or a passfile.
//
// The rules: an update first locks the one row of table turn, so updates come
// one after another and the log has no holes; everything in an update is one
// READ COMMITTED transaction; an update that meets a serialization failure, a
// deadlock or a lost connection is run again; NOTIFY only wakes, order comes
// from the log. No advisory locks and no extensions are used. Connections must
// be direct or pooled by session, since settings belong to the session.
//
// Read engine.go for what PostgreSQL does in its own way. The next package on
// the road is archive, which joins store and blobs into a case.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"sightline"
	"sightline/store/tables"
)

// Options tune a store.
type Options = tables.Options

// Store is a case in a PostgreSQL database.
type Store struct {
	*tables.Store
	addr   Address
	light  *sql.DB // for claims and beats
	listen sync.Once
	stop   context.CancelFunc
	ended  context.Context
}

var _ sightline.Store = (*Store)(nil)

// Address says which case of which database.
type Address struct {
	Case   string
	config *pgx.ConnConfig
}

// Schemas of replays begin with another prefix, so that no list of cases shows
// them.
const (
	casePrefix   = "case_"
	replayPrefix = "replay_"
)

// A schema name has at most 63 bytes.
var casePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,57}$`)

// ParseAddress reads an address of a case. Without "case" the address is of a
// database, and [Open] takes its only case.
func ParseAddress(s string) (Address, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return Address{}, fmt.Errorf("the address of the database is not postgres://user@host/database?case=ID: %w", sightline.ErrInvalid)
	}
	q := u.Query()
	a := Address{Case: q.Get("case")}
	q.Del("case")
	u.RawQuery = q.Encode()
	if a.Case != "" && !casePattern.MatchString(a.Case) {
		return a, fmt.Errorf("the id %q of a case in a database has to be 1 to 58 of the characters a-z, 0-9, dot, dash, underscore: %w", a.Case, sightline.ErrInvalid)
	}
	if a.config, err = pgx.ParseConfig(u.String()); err != nil {
		// The driver's message takes the password out.
		return a, fmt.Errorf("the address of the database cannot be read: %w: %w", sightline.ErrInvalid, err)
	}
	if a.config.ConnectTimeout == 0 {
		a.config.ConnectTimeout = 10 * time.Second
	}
	return a, nil
}

// String is the address without password and settings.
func (a Address) String() string {
	s := "postgres://"
	if a.config != nil {
		host := a.config.Host
		if strings.HasPrefix(host, "/") {
			host = "" // a socket on this machine
		} else if a.config.Port != 5432 {
			host = fmt.Sprintf("%s:%d", host, a.config.Port)
		}
		s += host + "/" + a.config.Database
	}
	if a.Case != "" {
		s += "?case=" + a.Case
	}
	return s
}

// WithCase is the address of another case in the same database.
func (a Address) WithCase(id string) Address {
	a.Case = id
	return a
}

func (a Address) schema() string { return casePrefix + a.Case }

// pool opens connections that see the given schema and nothing else.
func (a Address) pool(schema string) *sql.DB { return a.settle(schema, nil) }

// settle is pool with settings that go before those of the address.
func (a Address) settle(schema string, given map[string]string) *sql.DB {
	c := a.config.Copy()
	maps.Copy(c.RuntimeParams, given)
	if schema != "" {
		c.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize()
	}
	for k, v := range map[string]string{
		"application_name":              "sightline",
		"synchronous_commit":            "on",
		"default_transaction_isolation": "read committed",
		"lock_timeout":                  "60s",
		// A word that a hundred thousand items have keeps its places exact.
		"work_mem": "32MB",
		// A frozen process must not keep the turn of all others for ever.
		"idle_in_transaction_session_timeout": "10min",
	} {
		if _, set := c.RuntimeParams[k]; !set {
			c.RuntimeParams[k] = v
		}
	}
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(24)
	db.SetMaxIdleConns(4)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db
}

// Create makes the schema of a new case whose log has the given origin
// ("<uuid>/case/<id>"). It refuses one that exists.
func Create(ctx context.Context, a Address, origin string, o Options) (*Store, error) {
	if origin == "" || strings.ContainsAny(origin, " +\n") {
		return nil, fmt.Errorf("the origin %q of a log has a space or plus sign or is empty: %w", origin, sightline.ErrInvalid)
	}
	if a.Case == "" {
		return nil, fmt.Errorf("the address %s does not say which case to make; add ?case=ID: %w", a, sightline.ErrInvalid)
	}
	if err := lay(ctx, a, a.schema(), origin); err != nil {
		return nil, err
	}
	return open(a, a.schema(), o), nil
}

// Open opens a case made by Create, of this version or an earlier one.
func Open(ctx context.Context, a Address, o Options) (*Store, error) {
	if a.Case == "" {
		ids, err := Cases(ctx, a)
		switch {
		case err != nil:
			return nil, err
		case len(ids) == 0:
			return nil, fmt.Errorf("the database %s holds no case: %w", a, sightline.ErrNotFound)
		case len(ids) > 1:
			return nil, fmt.Errorf("the database %s holds %d cases; say which with ?case=ID: %s: %w", a, len(ids), strings.Join(ids, ", "), sightline.ErrInvalid)
		}
		a.Case = ids[0]
	}
	s := open(a, a.schema(), o)
	if err := migrate(ctx, s, o.ReadOnly); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func open(a Address, schema string, o Options) *Store {
	db := a.pool(schema)
	s := &Store{addr: a}
	s.ended, s.stop = context.WithCancel(context.Background())
	s.light = a.settle(schema, map[string]string{"synchronous_commit": "off"})
	s.Store = tables.New(&engine{addr: a, schema: schema, db: db, light: s.light}, db, db, 2*time.Second, o)
	return s
}

// Cases lists the ids of the cases in a database.
func Cases(ctx context.Context, a Address) ([]string, error) {
	db := a.pool("")
	defer db.Close()
	en := &engine{addr: a, db: db}
	rows, err := db.QueryContext(ctx, `SELECT nspname FROM pg_catalog.pg_namespace WHERE left(nspname, 5) = 'case_'`)
	if err != nil {
		return nil, fmt.Errorf("failed to list the cases: %w", en.Explain(err))
	}
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		out = append(out, strings.TrimPrefix(name, casePrefix))
	}
	slices.SortFunc(out, sightline.CompareIDs)
	return out, en.Explain(rows.Err())
}

// Drop removes a case from the database, with its log. It is for a move that
// was given up and for tests; lawful erasure is [tables.Store.Erase].
func Drop(ctx context.Context, a Address) error {
	if a.Case == "" {
		return fmt.Errorf("the address %s names no case: %w", a, sightline.ErrInvalid)
	}
	return drop(ctx, a, a.schema())
}

func drop(ctx context.Context, a Address, schema string) error {
	db := a.pool("")
	defer db.Close()
	_, err := db.ExecContext(ctx, `DROP SCHEMA IF EXISTS `+pgx.Identifier{schema}.Sanitize()+` CASCADE`)
	if err != nil {
		return fmt.Errorf("failed to remove %s: %w", a, (&engine{addr: a, schema: schema, db: db}).Explain(err))
	}
	return nil
}

// Address is where the case lies.
func (s *Store) Address() Address { return s.addr }

// Ping asks whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	err := s.Reading().QueryRowContext(ctx, `SELECT 1`).Scan(&one)
	return s.engine().Explain(err)
}

func (s *Store) engine() *engine { return &engine{addr: s.addr, schema: s.addr.schema()} }

// Close ends the use of the case.
func (s *Store) Close() error {
	s.stop()
	return errors.Join(s.Store.Close(), s.light.Close())
}

// Watch yields the entries from position after on and then each new one. The
// first watch opens a connection that listens for others' entries; when it is
// lost, the log is still asked every two seconds.
func (s *Store) Watch(ctx context.Context, after sightline.Seq) iter.Seq2[sightline.LogEntry, error] {
	s.listen.Do(func() { go s.hear(s.ended) })
	return s.Store.Watch(ctx, after)
}

func (s *Store) hear(ctx context.Context) {
	for ctx.Err() == nil {
		func() {
			conn, err := pgx.ConnectConfig(ctx, s.addr.config.Copy())
			if err != nil {
				return
			}
			defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is left to save
			if _, err := conn.Exec(ctx, `LISTEN `+pgx.Identifier{s.addr.schema()}.Sanitize()); err != nil {
				return
			}
			s.Wake() // for what came before it listened
			for {
				if _, err := conn.WaitForNotification(ctx); err != nil {
					return
				}
				s.Wake()
			}
		}()
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
}

// Version is what the server says it is.
func Version(ctx context.Context, a Address) (string, error) {
	db := a.pool("")
	defer db.Close()
	var v string
	err := db.QueryRowContext(ctx, `SHOW server_version`).Scan(&v)
	if err != nil {
		return "", fmt.Errorf("failed to ask the database: %w", (&engine{addr: a}).Explain(err))
	}
	return v, nil
}

// Now is the clock of the database server.
func Now(ctx context.Context, a Address) (time.Time, error) {
	db := a.pool("")
	defer db.Close()
	var t time.Time
	if err := db.QueryRowContext(ctx, `SELECT clock_timestamp()`).Scan(&t); err != nil {
		return t, fmt.Errorf("failed to ask the database for its time: %w", (&engine{addr: a}).Explain(err))
	}
	return t, nil
}
