// Package sqlite keeps a case in one SQLite file: its objects, their history,
// the custody log and the queue of jobs.
//
// It exists so that a case on one machine is a file that can be copied, with
// no server to run. There is one way to change it, [Store.Update]: objects
// change, one entry is appended to the log and jobs are queued, in one
// transaction that is on the disk before Update returns (WAL,
// synchronous=FULL). The tables of objects are a projection of the log;
// [Store.Rebuild] replays the log into an empty file and compares every row.
//
// Read schema.go first, then write.go (what an update does), log.go (what an
// entry is) and project.go (how a change becomes rows). The next package on
// the road is archive, which joins store and blobs into a case folder.
package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"modernc.org/sqlite"

	"sightline"
)

// Options tune a store. The zero Options are right for a case of real work.
type Options struct {
	// Now is the clock of entries and leases; nil is time.Now.
	Now func() time.Time
	// Clock describes that clock in entries; nil says "system, error unknown".
	Clock func() sightline.Clock
	// Rand gives the salts; nil is crypto/rand. With a seeded Rand, a fixed
	// Now and fixed keys a demonstration case is rebuilt byte for byte.
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

	scratch bool // a replay that is thrown away: nothing has to survive
}

// Store is a case in an SQLite file. It may be used from many goroutines, and
// several processes may open the same file.
type Store struct {
	path   string
	opts   Options
	write  *sql.DB // one connection: the one writer of this process
	read   *sql.DB
	notify notifier

	closing sync.Once
	closed  error
}

var _ sightline.Store = (*Store)(nil)

// Create makes a new file for the log with the given origin
// ("<uuid>/case/<id>"). It refuses a file that exists.
func Create(path, origin string, o Options) (*Store, error) {
	if origin == "" || strings.ContainsAny(origin, " +\n") {
		return nil, fmt.Errorf("the origin %q of a log has a space or plus sign or is empty: %w", origin, sightline.ErrInvalid)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s exists already; a case is never written over another: %w", path, sightline.ErrConflict)
	}
	if err != nil {
		return nil, fmt.Errorf("failed to make the case file: %w", err)
	}
	f.Close()
	s := &Store{path: path, opts: defaults(o)}
	if err := s.connect(); err != nil {
		return nil, err
	}
	if err := s.migrate(origin); err != nil {
		s.write.Close()
		s.read.Close()
		return nil, err
	}
	return s, nil
}

// Open opens a file made by Create, of this version or an earlier one.
func Open(path string, o Options) (*Store, error) {
	if fi, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no case file at %s: %w", path, sightline.ErrNotFound)
	} else if err != nil {
		return nil, fmt.Errorf("failed to open the case file: %w", err)
	} else if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file: %w", path, sightline.ErrInvalid)
	}
	s := &Store{path: path, opts: defaults(o)}
	if err := s.connect(); err != nil {
		return nil, err
	}
	if err := s.migrate(""); err != nil {
		s.write.Close()
		s.read.Close()
		return nil, err
	}
	return s, nil
}

func defaults(o Options) Options {
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

// busyTimeout is how long SQLite itself waits for another writer.
const busyTimeout = 10 * time.Second

func (s *Store) connect() error {
	// busy_timeout stands first, so that the following pragmas wait as well.
	// Temporary tables and sorting stay in memory: no private value is
	// written outside the case folder.
	pragmas := []string{"busy_timeout(" + strconv.Itoa(int(busyTimeout.Milliseconds())) + ")"}
	if !s.opts.ReadOnly {
		pragmas = append(pragmas, "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)")
		if s.opts.scratch {
			pragmas = append(pragmas, "synchronous(OFF)", "secure_delete(OFF)")
		}
	} else {
		pragmas = append(pragmas, "query_only(ON)")
	}
	pragmas = append(pragmas, "foreign_keys(ON)", "temp_store(MEMORY)", "trusted_schema(OFF)")
	open := func(lock string, extra ...string) (*sql.DB, error) {
		q := url.Values{"_txlock": {lock}}
		for _, p := range append(pragmas[:len(pragmas):len(pragmas)], extra...) {
			q.Add("_pragma", p)
		}
		if s.opts.ReadOnly && !s.hasWAL() && !writable(s.path) {
			q.Set("immutable", "1") // a read-only medium: SQLite may not make its -shm file
		}
		return sql.Open("sqlite", "file:"+(&url.URL{Path: s.path}).EscapedPath()+"?"+q.Encode())
	}
	var err error
	if s.write, err = open("immediate"); err != nil {
		return fmt.Errorf("failed to open the case file: %w", err)
	}
	if s.read, err = open("deferred", "query_only(ON)"); err != nil {
		s.write.Close()
		return fmt.Errorf("failed to open the case file: %w", err)
	}
	s.write.SetMaxOpenConns(1)
	s.read.SetMaxOpenConns(16)
	s.read.SetMaxIdleConns(4)
	return nil
}

func (s *Store) hasWAL() bool {
	fi, err := os.Stat(s.path + "-wal")
	return err == nil && fi.Size() > 0
}

func writable(path string) bool {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		f.Close()
	}
	return err == nil
}

// Path is where the file lies.
func (s *Store) Path() string { return s.path }

// Close makes a last checkpoint when entries came since the last one, folds
// the write-ahead log into the file and closes it.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.notify.close()
		if !s.opts.ReadOnly {
			if s.opts.LogKey != nil {
				_, s.closed = s.Checkpoint(context.Background())
			}
			// A busy file is left to the process that is still using it.
			s.write.Exec("PRAGMA wal_checkpoint(TRUNCATE)") //nolint:errcheck
		}
		s.closed = errors.Join(s.closed, s.read.Close(), s.write.Close())
	})
	return s.closed
}

// View runs fn on one consistent state.
func (s *Store) View(ctx context.Context, _ sightline.Actor, fn func(sightline.Reader) error) error {
	tx, err := s.read.BeginTx(ctx, nil)
	if err != nil {
		return s.failed("failed to read the case", err)
	}
	defer tx.Rollback()
	return s.failed("", fn(&reader{ctx: ctx, q: tx, s: s}))
}

// queryer is what *sql.Tx and *sql.DB share.
type queryer interface {
	QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row
	ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error)
}

// Primary result codes of SQLite (sqlite.org/rescode.html).
const (
	codeBusy    = 5
	codeLocked  = 6
	codeCorrupt = 11
	codeFull    = 13
	codeNotADB  = 26
)

func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

func busy(err error) bool { c := code(err); return c == codeBusy || c == codeLocked }

// failed gives an error of SQLite the sentinel that says what to do.
func (s *Store) failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	switch code(err) {
	case codeCorrupt, codeNotADB:
		err = fmt.Errorf("the case file %s: %w: run \"sightline check\" and restore it from a copy: %w", s.path, sightline.ErrDamaged, err)
	case codeFull:
		err = fmt.Errorf("%w: %w", sightline.ErrFull, err)
	case codeBusy, codeLocked:
		err = fmt.Errorf("another program has been writing to %s for too long; try again: %w", s.path, err)
	}
	if doing == "" {
		return err
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// Origin reads the name of the log in the file at path.
func Origin(path string) (string, error) {
	s, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		return "", err
	}
	defer s.Close()
	v, err := meta(context.Background(), s.read, "origin")
	return v, s.failed("failed to read the name of the log", err)
}

// CopyTo writes one consistent state of the case to a new file, also while
// others are writing. The file is on the disk when CopyTo returns.
func (s *Store) CopyTo(ctx context.Context, path string) error {
	conn, err := s.read.Conn(ctx)
	if err != nil {
		return s.failed("failed to copy the case file", err)
	}
	defer conn.Close()
	// VACUUM INTO writes only the other file, which query_only forbids as well.
	if _, err := conn.ExecContext(ctx, "PRAGMA query_only=OFF"); err != nil {
		return s.failed("failed to copy the case file", err)
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA query_only=ON") //nolint:errcheck // a later write fails on its own
	if _, err := conn.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return s.failed("failed to copy the case file", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		err = errors.Join(os.Chmod(path, 0o600), f.Sync(), f.Close())
	}
	if err != nil {
		return fmt.Errorf("failed to make the copy of the case file safe: %w", err)
	}
	return nil
}
