// Package tables keeps a case in the tables of an SQL database: its objects,
// their history, the custody log and the queue of jobs.
//
// It exists because a case on one laptop and the archive of a team must be the
// same thing. Everything that decides what a case is stands here once: what an
// update does (write.go), what an entry is (log.go), how a change becomes rows
// (project.go), how work is handed out (jobs.go), what a checker may read
// (raw.go). Packages store/sqlite and store/postgres open the database and say
// through [Engine] what their engine does in its own way.
//
// There is one way to change a case, [Store.Update]: objects change, one entry
// is appended to the log and jobs are queued, in one transaction that is on the
// disk before Update returns. The tables of objects are a projection of the
// log; [Store.Rebuild] replays the log into an empty database and compares
// every row.
//
// The next package on the road is archive, which joins store and blobs into a
// case.
package tables

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sightline"
	"sightline/when"
)

// Options tune a store. The zero Options are right for a case of real work.
type Options struct {
	// Now is the clock of entries; nil is time.Now.
	Now func() time.Time
	// Leases is the clock of leases, for tests; nil is that of the database.
	Leases func() time.Time
	// Clock describes the clock of entries in them; nil says "system, error unknown".
	Clock func() sightline.Clock
	// Rand gives the salts; nil is crypto/rand. With a seeded Rand, a fixed
	// Now and fixed keys a demonstration case is rebuilt byte for byte; with one
	// that is a [Salter], also when several processes build it.
	Rand io.Reader
	// Machine is sealed into every entry; nil describes this machine.
	Machine any
	// LogKey signs checkpoints; without it none are made.
	LogKey note.Signer
	// Witness is told of each new checkpoint once it is on the disk, so that
	// a copy of it can be kept where removing it from the file does not reach.
	Witness func(sightline.Checkpoint)
	// ReadOnly opens without creating, migrating or writing anything.
	ReadOnly bool
	// MaxTries is how often a job is begun before it counts as failed; 0 is 5.
	MaxTries int
	// Scratch is for a replay that is thrown away: nothing has to survive.
	Scratch bool
}

// Salter is a source of randomness whose salts depend on nothing but the entry
// and the name of the value, for a scenario in which several processes write.
type Salter interface {
	io.Reader
	Salt(seq sightline.Seq, name string) io.Reader
}

// Defaults fills in what the zero Options leave open.
func (o Options) Defaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Clock == nil {
		o.Clock = func() sightline.Clock { return sightline.Clock{Source: "system", ErrorMS: -1} }
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Machine == nil {
		host, _ := os.Hostname()
		o.Machine = map[string]string{"host": host, "os": runtime.GOOS + "/" + runtime.GOARCH, "local": "", "public": ""}
	}
	if o.MaxTries == 0 {
		o.MaxTries = 5
	}
	return o
}

// Queryer is what *sql.Tx and *sql.DB share. Queries have the placeholders of
// SQLite, "?" and "?3"; [Bind] turns them into those of another engine.
type Queryer interface {
	QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row
	ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error)
}

// Located is a place of an object, in degrees (WGS84).
type Located struct{ Lat, Lon float64 }

// Projected is a table that a replay of the log makes again, as a query that
// names the objects instead of their places in the database. ?1 is a JSON list
// of the entries whose change was erased.
type Projected struct{ Table, Query string }

// Engine is what a database does in its own way.
type Engine interface {
	// Bind rewrites the placeholders of a query.
	Bind(q string) string
	// ViewTx are the options of a transaction that sees one state.
	ViewTx() *sql.TxOptions
	// Turn waits, at the start of an update, until no other update runs.
	Turn(ctx context.Context, q Queryer) error
	// Announce wakes those who watch, when the transaction commits.
	Announce(ctx context.Context, q Queryer, seq sightline.Seq) error
	// Clock is an expression of the database's own time, UTC milliseconds.
	Clock() string
	// Light runs one statement that is work and not evidence, a claim or a
	// beat, without waiting for the disk: one that a crash takes back leaves a
	// job that is claimed again.
	Light(ctx context.Context, fn func(Queryer) error) error
	// Retry reports that a transaction failed because of another one, or of a
	// lost connection, and may be run again.
	Retry(err error) bool
	// Explain gives an error of the engine the sentinel that says what to do.
	Explain(err error) error

	// ObjectsByBytes is the table of objects, read by the index of item digests.
	ObjectsByBytes() string
	// ItemDigest is the expression of the digest in an item's value.
	ItemDigest() string
	PutWords(ctx context.Context, q Queryer, oid int64, text string) error
	DropWords(ctx context.Context, q Queryer, oid int64) error
	// Search is the query for the kinds and ids of objects with words that
	// begin with each of these, best first.
	Search(words []string, limit int) (query string, args []any)
	// TextHits gives up to most objects that are items in which each of the
	// folded words begins a word, or is one where it is marked with "=", in the order in which they came where that
	// costs nothing.
	TextHits(ctx context.Context, q Queryer, words []string, most int) (oids []int64, err error)
	// Strings is a query for the strings s, with their places n, of the JSON
	// list given as parameter p.
	Strings(p string) string
	// Numbers is a query for the numbers in a JSON list given as parameter p.
	Numbers(p string) string
	PutPlaces(ctx context.Context, q Queryer, oid int64, at []Located, iv when.Interval) error
	DropPlaces(ctx context.Context, q Queryer, oid int64) error
	// InWindow is a condition on the column o.oid: a place of the object is in
	// the box of w, and may be so at the time of w. Its args follow n others.
	InWindow(ctx context.Context, q Queryer, w sightline.Window, n int) (cond string, args []any, err error)

	// Projection lists the tables that [Store.Rebuild] compares; ready is
	// called on each of the two databases before.
	Projection() []Projected
	Ready(ctx context.Context, q Queryer) error
	// Empty makes a database for a replay; drop takes it away.
	Empty(ctx context.Context, scratch, origin string) (s *Store, drop func(), err error)
	// Integrity asks the engine to read its own pages.
	Integrity(ctx context.Context, q Queryer) ([]string, error)
	// Scrub takes erased values out of old pages.
	Scrub(ctx context.Context) error
}

// Store is a case in a database. It may be used from many goroutines, and
// several processes may open the same case.
type Store struct {
	opts    Options
	engine  Engine
	write   *sql.DB
	read    *sql.DB
	poll    time.Duration
	notify  notifier
	columns *columns

	closing sync.Once
	closed  error
}

var _ sightline.Store = (*Store)(nil)

// New makes a store of an open, migrated database. write and read may be the
// same; poll is how often the log is asked for entries of other processes.
func New(e Engine, write, read *sql.DB, poll time.Duration, o Options) *Store {
	return &Store{opts: o.Defaults(), engine: e, write: write, read: read, poll: poll, columns: newColumns()}
}

// Wake tells those who watch that there may be entries of other processes.
func (s *Store) Wake() { s.notify.ring() }

// Close makes a last checkpoint when entries came since the last one, runs
// before, and closes the database.
func (s *Store) close(before func()) error {
	s.closing.Do(func() {
		s.notify.close()
		if !s.opts.ReadOnly {
			if s.opts.LogKey != nil {
				_, s.closed = s.Checkpoint(context.Background())
			}
			if before != nil {
				before()
			}
		}
		s.closed = errors.Join(s.closed, s.read.Close())
		if s.write != s.read {
			s.closed = errors.Join(s.closed, s.write.Close())
		}
	})
	return s.closed
}

// Close makes a last checkpoint when entries came since the last one and
// closes the database.
func (s *Store) Close() error { return s.close(nil) }

// CloseAfter is Close with something to do before the database closes.
func (s *Store) CloseAfter(before func()) error { return s.close(before) }

// View runs fn on one consistent state.
func (s *Store) View(ctx context.Context, _ sightline.Actor, fn func(sightline.Reader) error) error {
	tx, err := s.beginRead(ctx)
	if err != nil {
		return s.failed("failed to read the case", err)
	}
	defer tx.Rollback()
	return s.failed("", fn(&reader{ctx: ctx, q: s.bound(tx), s: s}))
}

// beginRead opens a state to read. A pool may still hold connections to a
// database that has been started again: nothing has been read over them, so
// another is tried, as often as the pool can be full of them.
func (s *Store) beginRead(ctx context.Context) (*sql.Tx, error) {
	for tries := max(2, s.read.Stats().OpenConnections+1); ; tries-- {
		tx, err := s.read.BeginTx(ctx, s.engine.ViewTx())
		if err == nil || tries <= 1 || ctx.Err() != nil || !s.engine.Retry(err) {
			return tx, err
		}
	}
}

// Writing gives the pool that writes, for what an engine does by itself.
func (s *Store) Writing() Queryer { return s.bound(s.write) }

// Reading gives the pool that reads.
func (s *Store) Reading() Queryer { return s.bound(s.read) }

// Keys returns every key the log has known, in the order they came.
func (s *Store) Keys(ctx context.Context) ([]ActorKey, error) {
	ks, err := keys(ctx, s.Reading())
	return ks, s.failed("failed to read the keys of the case", err)
}

// Origin reads the name of the log.
func (s *Store) Origin(ctx context.Context) (string, error) {
	v, err := Meta(ctx, s.Reading(), "origin")
	return v, s.failed("failed to read the name of the log", err)
}

// Meta reads one value of the case's own notes; "" where there is none.
func Meta(ctx context.Context, q Queryer, key string) (string, error) {
	var v string
	err := q.QueryRowContext(ctx, `SELECT value FROM meta WHERE key=?`, key).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

// failed explains an error of the engine and says what was being done.
func (s *Store) failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	return say(doing, s.engine.Explain(err))
}
