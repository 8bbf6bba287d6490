package call

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the engine of the store

	"sightline/tip"
)

// store is everything the server knows at rest: tips by random id, day and
// padded length, mailboxes, replies it cannot read, and counters of days.
type store struct {
	dir  string
	db   *sql.DB
	now  func() time.Time
	used atomic.Int64 // bytes in tips and partials
	mu   sync.Mutex   // one writer

	touchMu sync.Mutex
	touched map[[16]byte]string // day of the last use, not written yet
}

// The tables have no row number: it would tell the order of arrival. Keys are
// random, so a table's own order says nothing either.
const schema = `
CREATE TABLE IF NOT EXISTS tip (
	id   TEXT PRIMARY KEY,
	day  TEXT NOT NULL,          -- UTC
	size INTEGER NOT NULL,       -- of the ciphertext, which is padded
	box  BLOB,                   -- the mailbox it belongs to
	acked TEXT                   -- day the team had it
) WITHOUT ROWID, STRICT;
CREATE INDEX IF NOT EXISTS tip_box ON tip(box);
CREATE TABLE IF NOT EXISTS box (
	id   BLOB PRIMARY KEY,
	auth BLOB NOT NULL,          -- SHA-256 of what opens it
	used TEXT NOT NULL           -- day of the last use
) WITHOUT ROWID, STRICT;
CREATE TABLE IF NOT EXISTS reply (
	box  BLOB NOT NULL,
	n    INTEGER NOT NULL,       -- 0 is the oldest that is kept
	slot BLOB NOT NULL,
	PRIMARY KEY (box, n)
) WITHOUT ROWID, STRICT;
CREATE TABLE IF NOT EXISTS withdrawn (
	tip TEXT PRIMARY KEY,        -- fetched before its source asked to delete it
	day TEXT NOT NULL
) WITHOUT ROWID, STRICT;
CREATE TABLE IF NOT EXISTS counter (
	day  TEXT NOT NULL,
	name TEXT NOT NULL,
	n    INTEGER NOT NULL,
	PRIMARY KEY (day, name)
) WITHOUT ROWID, STRICT;
`

func openStore(dir string, now func() time.Time) (*store, error) {
	for _, d := range []string{tipsDir, partDir} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, fmt.Errorf("failed to make room for tips: %w", err)
		}
	}
	q := url.Values{"_pragma": {"auto_vacuum(FULL)", "secure_delete(ON)", "journal_mode(DELETE)", "synchronous(EXTRA)", "busy_timeout(5000)", "temp_store(MEMORY)", "cache_size(-1024)"}, "_txlock": {"immediate"}}
	path := filepath.Join(dir, storeFile)
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(schema); err != nil {
		db.Close()
		return nil, fmt.Errorf("failed to open %s: %w", path, err)
	}
	os.Chmod(path, 0o600)
	if err := fillDecoy(db); err != nil {
		db.Close()
		return nil, err
	}
	s := &store{dir: dir, db: db, now: now, touched: map[[16]byte]string{}}
	if err := s.sweep(); err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

func (s *store) close() error { return errors.Join(s.flush(), s.db.Close()) }

// flush writes the days on which mailboxes were used.
func (s *store) flush() error {
	s.touchMu.Lock()
	list := s.touched
	s.touched = map[[16]byte]string{}
	s.touchMu.Unlock()
	if len(list) == 0 {
		return nil
	}
	return s.tx(func(t *sql.Tx) error {
		for box, day := range list {
			if _, err := t.Exec(`UPDATE box SET used = ?2 WHERE id = ?1 AND used < ?2`, box[:], day); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *store) day() string { return s.now().UTC().Format(time.DateOnly) }

func (s *store) before(days int) string {
	return s.now().UTC().AddDate(0, 0, -days).Format(time.DateOnly)
}

func (s *store) tipPath(id string) string  { return filepath.Join(s.dir, tipsDir, id+".age") }
func (s *store) partPath(id string) string { return filepath.Join(s.dir, partDir, id) }

// count adds one to a counter of the day. A counter that cannot be written is
// lost: it must never stop a source.
func (s *store) count(name string) {
	s.db.Exec(`INSERT INTO counter VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET n = n + 1`, s.day(), name)
}

// tx runs f in one transaction.
func (s *store) tx(f func(*sql.Tx) error) error {
	t, err := s.db.Begin()
	if err != nil {
		return err
	}
	if err := f(t); err != nil {
		t.Rollback()
		return err
	}
	return t.Commit()
}

// How long things stay, in days.
const (
	keepPartial   = 7
	keepAcked     = 7
	keepBox       = 90
	keepWithdrawn = 90
	warnUnpulled  = 3
)

// sweep removes what is too old or has no row, and takes the fine times off
// files. It runs at the start and every few minutes.
func (s *store) sweep() error {
	if err := s.flush(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rows, err := s.db.Query(`SELECT id FROM tip WHERE acked IS NOT NULL AND acked <= ?`, s.before(keepAcked))
	if err != nil {
		return err
	}
	var old []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			rows.Close()
			return err
		}
		old = append(old, id)
	}
	rows.Close()
	for _, id := range old {
		if err := os.Remove(s.tipPath(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if _, err := s.db.Exec(`DELETE FROM tip WHERE id = ?`, id); err != nil {
			return err
		}
	}
	for _, q := range []string{
		`DELETE FROM reply WHERE box IN (SELECT id FROM box WHERE used <= ?1)`,
		`UPDATE tip SET box = NULL WHERE box IN (SELECT id FROM box WHERE used <= ?1)`,
		`DELETE FROM box WHERE used <= ?1`,
	} {
		if _, err := s.db.Exec(q, s.before(keepBox)); err != nil {
			return err
		}
	}
	if _, err := s.db.Exec(`DELETE FROM withdrawn WHERE day <= ?`, s.before(keepWithdrawn)); err != nil {
		return err
	}
	return s.sweepFiles()
}

// sweepFiles removes partials and tips without a row, adds up what is used,
// and sets the times of every file to its day. Setting them also moves the
// inode's change time of all files to one moment, so that an examiner finds
// the last sweep there and not an arrival.
func (s *store) sweepFiles() error {
	known := map[string]string{}
	rows, err := s.db.Query(`SELECT id, day FROM tip`)
	if err != nil {
		return err
	}
	for rows.Next() {
		var id, day string
		if err := rows.Scan(&id, &day); err != nil {
			rows.Close()
			return err
		}
		known[id+".age"] = day
	}
	rows.Close()
	var used int64
	tips := filepath.Join(s.dir, tipsDir)
	list, err := os.ReadDir(tips)
	if err != nil {
		return err
	}
	for _, e := range list {
		day, ok := known[e.Name()]
		p := filepath.Join(tips, e.Name())
		if !ok {
			if err := os.Remove(p); err != nil {
				return err
			}
			continue
		}
		if i, err := e.Info(); err == nil {
			used += i.Size()
		}
		setDay(p, day)
	}
	parts := filepath.Join(s.dir, partDir)
	if list, err = os.ReadDir(parts); err != nil {
		return err
	}
	for _, e := range list {
		p := filepath.Join(parts, e.Name())
		i, err := e.Info()
		if err != nil {
			continue
		}
		if i.ModTime().UTC().Format(time.DateOnly) <= s.before(keepPartial) {
			if err := os.RemoveAll(p); err != nil {
				return err
			}
			continue
		}
		used += sizeOf(p)
	}
	setDay(tips, s.day())
	s.used.Store(used)
	return nil
}

// sweepStart removes the streams of lane B that a stop cut off: without their
// request nobody can finish them.
func (s *store) sweepStart() error {
	list, err := filepath.Glob(filepath.Join(s.dir, partDir, streamPrefix+"*"))
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := os.RemoveAll(p); err != nil {
			return err
		}
	}
	return nil
}

func sizeOf(p string) (n int64) {
	filepath.WalkDir(p, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if i, err := d.Info(); err == nil {
				n += i.Size()
			}
		}
		return nil
	})
	return n
}

// setDay gives a file the first second of a day as its times.
func setDay(path, day string) {
	if t, err := time.Parse(time.DateOnly, day); err == nil {
		os.Chtimes(path, t, t)
	}
}

// decoy is the mailbox whose replies are read where a real one has too few:
// every opening of a mailbox reads the same number of bytes.
var decoy [16]byte

func fillDecoy(db *sql.DB) error {
	for n := range tip.Slots {
		b := make([]byte, tip.SlotSize)
		if _, err := rand.Read(b); err != nil {
			return err
		}
		if _, err := db.Exec(`INSERT INTO reply VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, decoy[:], n, b); err != nil {
			return err
		}
	}
	return nil
}

// replies reads exactly as many slots as a mailbox shows; real says how many
// of them, from the first, are the mailbox's own.
func (s *store) replies(box [16]byte) (slots [][]byte, real int, err error) {
	for _, id := range [][16]byte{box, decoy} {
		rows, err := s.db.Query(`SELECT slot FROM reply WHERE box = ? ORDER BY n LIMIT ?`, id[:], tip.Slots-len(slots))
		if err != nil {
			return nil, 0, err
		}
		for rows.Next() {
			var b []byte
			if err := rows.Scan(&b); err != nil {
				rows.Close()
				return nil, 0, err
			}
			slots = append(slots, b)
		}
		if err := rows.Err(); err != nil {
			return nil, 0, err
		}
		if id == box {
			real = len(slots)
		}
	}
	return slots, real, nil
}

// boxAuth gives the stored digest of a mailbox. An unknown one gives zeros,
// which no digest is; a row is read in either case.
func (s *store) boxAuth(q interface {
	QueryRow(string, ...any) *sql.Row
}, box []byte) (auth [32]byte, err error) {
	var b []byte
	err = q.QueryRow(`SELECT COALESCE((SELECT auth FROM box WHERE id = ?), zeroblob(32))`, box).Scan(&b)
	copy(auth[:], b)
	return auth, err
}

var errBoxTaken = errors.New("the mailbox belongs to another code")

// commitTip enters a tip whose file is in place, and makes its mailbox.
func (s *store) commitTip(id string, size int64, box [16]byte, auth [32]byte) error {
	return s.tx(func(t *sql.Tx) error {
		have, err := s.boxAuth(t, box[:])
		if err != nil {
			return err
		}
		if have != ([32]byte{}) && have != auth {
			return errBoxTaken
		}
		day := s.day()
		if _, err := t.Exec(`INSERT INTO box VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET used = excluded.used`, box[:], auth[:], day); err != nil {
			return err
		}
		_, err = t.Exec(`INSERT INTO tip (id, day, size, box) VALUES (?, ?, ?, ?)`, id, day, size, box[:])
		return err
	})
}

// enter moves a finished, synced file to its place and commits its row. The
// lock keeps the sweep from seeing the file before its row.
func (s *store) enter(from, id string, size int64, box [16]byte, auth [32]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	to := s.tipPath(id)
	if err := os.Rename(from, to); err != nil {
		return err
	}
	setDay(to, s.day())
	err := syncDir(filepath.Dir(to))
	if err == nil {
		err = s.commitTip(id, size, box, auth)
	}
	if err != nil {
		os.Remove(to)
		return err
	}
	setDay(filepath.Dir(to), s.day())
	return nil
}

func (s *store) hasTip(id string) (bool, error) {
	var n int
	err := s.db.QueryRow(`SELECT COUNT(*) FROM tip WHERE id = ?`, id).Scan(&n)
	return n == 1, err
}
