package tables

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"sightline"
)

// sheets are the sheets of cards that a transaction changes, and the counters
// of ids. They are written by flush, once for each however many objects of
// theirs changed.
type sheets struct {
	q     Queryer
	seq   sightline.Seq
	open  map[int64][]*card // by the number of the sheet
	next  int64             // place of the next new card; -1: not yet asked
	dirty map[int64]bool
	used  map[string]int64       // counters of ids, as table counter has them
	met   map[sightline.Ref]bool // objects that the transaction has written
}

func newSheets(q Queryer, seq sightline.Seq) *sheets {
	return &sheets{q: q, seq: seq, open: map[int64][]*card{}, dirty: map[int64]bool{}, next: -1, used: map[string]int64{}, met: map[sightline.Ref]bool{}}
}

// openSheets is how many sheets one long transaction keeps in memory.
const openSheets = 64

// put gives an item the card of its new value.
func (s *sheets) put(ctx context.Context, oid int64, id string, value json.RawMessage, fresh bool) error {
	var n int64
	err := sql.ErrNoRows
	if !fresh {
		err = s.q.QueryRowContext(ctx, `SELECT n FROM card WHERE oid=?`, oid).Scan(&n)
	}
	if errors.Is(err, sql.ErrNoRows) {
		if s.next < 0 {
			if err := s.q.QueryRowContext(ctx, `SELECT coalesce(max(n)+1, 0) FROM card`).Scan(&s.next); err != nil {
				return err
			}
		}
		n = s.next
		s.next++
		_, err = s.q.ExecContext(ctx, `INSERT INTO card(oid, n) VALUES(?,?)`, oid, n)
	}
	if err != nil {
		return err
	}
	at, i := n/perSheet, int(n%perSheet)
	list, err := s.sheet(ctx, at)
	if err != nil {
		return err
	}
	for len(list) <= i {
		list = append(list, &card{min: noMin, max: noMax})
	}
	list[i] = itemCard(oid, id, value)
	s.open[at], s.dirty[at] = list, true
	return nil
}

func (s *sheets) sheet(ctx context.Context, at int64) ([]*card, error) {
	if list, ok := s.open[at]; ok {
		return list, nil
	}
	if len(s.open) >= openSheets {
		if err := s.flush(ctx); err != nil {
			return nil, err
		}
	}
	var body []byte
	err := s.q.QueryRowContext(ctx, `SELECT body FROM sheet WHERE n=?`, at).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return unpackSheet(body)
}

// flush writes the sheets that changed.
func (s *sheets) flush(ctx context.Context) error {
	for _, at := range slices.Sorted(maps.Keys(s.dirty)) {
		if _, err := s.q.ExecContext(ctx, `INSERT INTO sheet(n, seq, body) VALUES(?,?,?) ON CONFLICT(n) DO UPDATE SET seq=excluded.seq, body=excluded.body`,
			at, s.seq, packSheet(s.open[at])); err != nil {
			return err
		}
	}
	clear(s.open)
	clear(s.dirty)
	for _, name := range slices.Sorted(maps.Keys(s.used)) {
		if _, err := s.q.ExecContext(ctx, `INSERT INTO counter(name, next) VALUES(?,?) ON CONFLICT(name) DO UPDATE SET next=excluded.next WHERE excluded.next > counter.next`,
			name, s.used[name]); err != nil {
			return err
		}
	}
	clear(s.used)
	return nil
}

// FillCards makes the cards of a case that is older than they are. It is part
// of a migration: q is its transaction and bind that of the engine.
func FillCards(ctx context.Context, q Queryer, bind func(string) string) error {
	q = bound{q, bind}
	size, err := logSize(ctx, q)
	if err != nil {
		return err
	}
	sh := newSheets(q, max(size-1, 0))
	type row struct {
		id    string
		value sql.NullString
	}
	// Objects are numbered in the order in which they came, as a replay meets them.
	last := int64(-1)
	for {
		var list []row
		var oids []int64
		for r, err := range rows(ctx, q, func(rs *sql.Rows) (r row, err error) {
			err = rs.Scan(&last, &r.id, &r.value)
			oids = append(oids, last)
			return r, err
		}, `SELECT oid, id, value FROM object WHERE oid > ? AND kind = 'item' ORDER BY oid LIMIT ?`, last, page) {
			if err != nil {
				return err
			}
			list = append(list, r)
		}
		for i, r := range list {
			if err := sh.put(ctx, oids[i], r.id, json.RawMessage(r.value.String), true); err != nil {
				return err
			}
		}
		if len(list) < page {
			return sh.flush(ctx)
		}
	}
}

// cardLines reads every card as a line for the comparison with a replay, which
// may number the same items otherwise: after an erasure the first entry of an
// item may be gone.
func cardLines(ctx context.Context, q Queryer) ([]string, error) {
	out := []string{}
	for body, err := range rows(ctx, q, func(rs *sql.Rows) (b []byte, err error) { err = rs.Scan(&b); return b, err }, `SELECT body FROM sheet ORDER BY n`) {
		if err != nil {
			return nil, err
		}
		list, err := unpackSheet(body)
		if err != nil {
			out = append(out, "unreadable\x00")
			continue
		}
		for _, c := range list {
			out = append(out, shorten(c.id+"\x00"+c.line()))
		}
	}
	// Cards whose place in the table of objects is not that of their item are
	// found here too: the two must name one another.
	for line, err := range rows(ctx, q, func(rs *sql.Rows) (s string, err error) { err = rs.Scan(&s); return s, err },
		`SELECT o.id FROM object o LEFT JOIN card c ON c.oid = o.oid WHERE o.kind = 'item' AND c.n IS NULL ORDER BY o.id`) {
		if err != nil {
			return nil, err
		}
		out = append(out, line+"\x00has no card")
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Compare(a, b) })
	return out, nil
}
