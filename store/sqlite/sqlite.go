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
// What a case is, in tables, stands in package store/tables; read that first,
// then schema.go and engine.go here. The next package on the road is archive,
// which joins store and blobs into a case folder.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite"

	"sightline"
	"sightline/store/tables"
)

// Options tune a store. The zero Options are right for a case of real work.
type Options = tables.Options

// What a checker reads and an erasure is stands in package tables.
type (
	Raw        = tables.Raw
	RawEntry   = tables.RawEntry
	RawRow     = tables.RawRow
	ActorKey   = tables.ActorKey
	Erasure    = tables.Erasure
	Erased     = tables.Erased
	Difference = tables.Difference
)

// Store is a case in an SQLite file. It may be used from many goroutines, and
// several processes may open the same file.
type Store struct {
	*tables.Store
	path  string
	opts  Options
	write *sql.DB // one connection: the one writer of this process
	read  *sql.DB
}

var _ sightline.Store = (*Store)(nil)

// pollEvery is how often the file is asked for entries of other processes.
const pollEvery = 200 * time.Millisecond

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
	s := &Store{path: path, opts: o.Defaults()}
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
	s := &Store{path: path, opts: o.Defaults()}
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

// busyTimeout is how long SQLite itself waits for another writer.
const busyTimeout = 10 * time.Second

func (s *Store) connect() error {
	// busy_timeout stands first, so that the following pragmas wait as well.
	// Temporary tables and sorting stay in memory: no private value is
	// written outside the case folder.
	pragmas := []string{"busy_timeout(" + strconv.Itoa(int(busyTimeout.Milliseconds())) + ")"}
	if !s.opts.ReadOnly {
		pragmas = append(pragmas, "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)")
		if s.opts.Scratch {
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
	// An import touches pages all over the indexes of a large case.
	if s.write, err = open("immediate", "cache_size(-32768)"); err != nil {
		return fmt.Errorf("failed to open the case file: %w", err)
	}
	if s.read, err = open("deferred", "query_only(ON)"); err != nil {
		s.write.Close()
		return fmt.Errorf("failed to open the case file: %w", err)
	}
	s.write.SetMaxOpenConns(1)
	s.read.SetMaxOpenConns(16)
	s.read.SetMaxIdleConns(4)
	s.Store = tables.New(engine{s}, s.write, s.read, pollEvery, s.opts)
	return nil
}

// durable is the setting of a connection that writes: a commit is on the disk.
func (s *Store) durable() string {
	if s.opts.Scratch {
		return "PRAGMA synchronous=OFF"
	}
	return "PRAGMA synchronous=FULL"
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
	return s.CloseAfter(func() {
		// A busy file is left to the process that is still using it.
		s.write.Exec("PRAGMA wal_checkpoint(TRUNCATE)") //nolint:errcheck
	})
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

// explain gives an error of SQLite the sentinel that says what to do.
func (s *Store) explain(err error) error {
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
	return err
}

// failed explains an error and says what was being done.
func (s *Store) failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, s.explain(err))
}

// Origin reads the name of the log in the file at path.
func Origin(path string) (string, error) {
	s, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		return "", err
	}
	defer s.Close()
	return s.Store.Origin(context.Background())
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
