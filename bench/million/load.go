package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sightline/store/postgres"
	"sightline/store/sqlite"
	"sightline/store/tables"
)

// load copies the rows of a case folder into a fresh PostgreSQL schema in bulk:
// the tables of the log and of objects as they are, the indexes of words and
// places made from the values. "sightline move" replays entry by entry and gives
// the same rows ("sightline check --rebuild" compares them); this takes minutes
// where a replay of a million items takes most of an hour.
func load(ctx context.Context, args []string) error {
	var from, to string
	if err := flags("load", args, func(f *flag.FlagSet) {
		f.StringVar(&from, "from", "", "case folder")
		f.StringVar(&to, "to", "", "postgres://user@host/database?case=ID")
	}); err != nil {
		return err
	}
	path := filepath.Join(from, "case.db")
	origin, err := sqlite.Origin(path)
	if err != nil {
		return err
	}
	a, err := postgres.ParseAddress(to)
	if err != nil {
		return err
	}
	s, err := postgres.Create(ctx, a, origin, postgres.Options{})
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	src, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return err
	}
	defer src.Close()
	url, _, _ := strings.Cut(to, "case=")
	dst, err := pgx.Connect(ctx, strings.TrimRight(url, "?&"))
	if err != nil {
		return err
	}
	defer dst.Close(ctx)
	schema := "case_" + a.Case
	if _, err := dst.Exec(ctx, `SET search_path TO `+pgx.Identifier{schema}.Sanitize()); err != nil {
		return err
	}
	began := time.Now()
	say := func(what string) { fmt.Printf("%7.1f s  %s\n", time.Since(began).Seconds(), what) }
	// Indexes are made once the rows are there.
	later := []string{"entry_item", "object_order", "object_bytes", "span_min", "span_max", "place_at", "words_body"}
	var again []string
	for _, name := range later {
		var def string
		if err := dst.QueryRow(ctx, `SELECT indexdef FROM pg_indexes WHERE schemaname=$1 AND indexname=$2`, schema, name).Scan(&def); err != nil {
			return fmt.Errorf("the index %s: %w", name, err)
		}
		again = append(again, def)
		if _, err := dst.Exec(ctx, `DROP INDEX `+name); err != nil {
			return err
		}
	}
	if _, err := dst.Exec(ctx, `DELETE FROM meta`); err != nil {
		return err
	}
	for _, t := range []struct{ name, columns string }{
		{"meta", "key, value"}, {"entry", "seq, bytes, leaf, signature, public_key, at, kind, key, item"}, {"sealed", "seq, name, salt, value"},
		{"hash", "idx, hash"}, {"checkpoint", "size, note, at"}, {"actor_key", "key, since, until, public, name, role, action"},
		{"history", "kind, id, rev, seq"}, {"counter", "name, next"}, {"span", "oid, min, max"}, {"sheet", "n, seq, body"}, {"card", "oid, n"},
		{"object", "oid, kind, id, sort, rev, seq, value, reason"},
	} {
		c := &copying{columns: strings.Split(t.columns, ", ")}
		if c.rows, err = src.QueryContext(ctx, `SELECT `+t.columns+` FROM `+t.name); err != nil {
			return err
		}
		n, err := dst.CopyFrom(ctx, pgx.Identifier{t.name}, c.columns, c)
		if err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
		say(fmt.Sprintf("%d rows of %s", n, t.name))
	}
	for _, q := range []string{`CREATE TEMP TABLE w(oid bigint, body text)`, `CREATE TEMP TABLE p(oid bigint, n bigint, lon float8, lat float8, lo bigint, hi bigint)`} {
		if _, err := dst.Exec(ctx, q); err != nil {
			return err
		}
	}
	for _, t := range []struct {
		name    string
		columns []string
		make    func(oid int64, kind string, value []byte) [][]any
	}{
		{"w", []string{"oid", "body"}, func(oid int64, kind string, value []byte) [][]any {
			if v := postgres.Vector(tables.Words(value)); v != "" && kind != "derivative" && kind != "edition" {
				return [][]any{{oid, v}}
			}
			return nil
		}},
		{"p", []string{"oid", "n", "lon", "lat", "lo", "hi"}, func(oid int64, _ string, value []byte) (out [][]any) {
			at, iv, _ := tables.Whereabouts(value)
			var lo, hi any
			if iv.Min != nil {
				lo = int64(*iv.Min)
			}
			if iv.Max != nil {
				hi = int64(*iv.Max)
			}
			for n, g := range at {
				out = append(out, []any{oid, int64(n), g.Lon, g.Lat, lo, hi})
			}
			return out
		}},
	} {
		rows, err := src.QueryContext(ctx, `SELECT oid, kind, value FROM object WHERE value IS NOT NULL ORDER BY oid`)
		if err != nil {
			return err
		}
		n, err := dst.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, &making{rows: rows, make: t.make})
		if err != nil {
			return err
		}
		say(fmt.Sprintf("%d rows for the index %s", n, t.name))
	}
	for _, q := range append([]string{
		`INSERT INTO words SELECT oid, body::tsvector FROM w`,
		`INSERT INTO place SELECT oid, n, point(lon, lat), int8range(least(lo, coalesce(hi, lo)), greatest(hi, coalesce(lo, hi)), '[]') FROM p WHERE lo IS NOT NULL AND hi IS NOT NULL`,
		`INSERT INTO place SELECT oid, n, point(lon, lat), int8range(lo, hi, '[]') FROM p WHERE lo IS NULL OR hi IS NULL`,
		`SELECT setval(pg_get_serial_sequence('object', 'oid'), (SELECT max(oid) FROM object))`,
	}, append(again, `ANALYZE`)...) {
		if _, err := dst.Exec(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
		say(q)
	}
	return nil
}

// copying hands rows on as they are.
type copying struct {
	rows    *sql.Rows
	columns []string
	now     []any
	err     error
}

func (c *copying) Next() bool {
	if !c.rows.Next() {
		return false
	}
	c.now = make([]any, len(c.columns))
	to := make([]any, len(c.columns))
	for i := range to {
		to[i] = &c.now[i]
	}
	c.err = c.rows.Scan(to...)
	return c.err == nil
}
func (c *copying) Values() ([]any, error) { return c.now, nil }
func (c *copying) Err() error {
	if c.err != nil {
		return c.err
	}
	return c.rows.Err()
}

// making makes rows of the values of objects.
type making struct {
	rows *sql.Rows
	make func(oid int64, kind string, value []byte) [][]any
	list [][]any
	err  error
}

func (m *making) Next() bool {
	if len(m.list) > 0 {
		m.list = m.list[1:]
	}
	for len(m.list) == 0 {
		if !m.rows.Next() {
			return false
		}
		var oid int64
		var kind string
		var value json.RawMessage
		if m.err = m.rows.Scan(&oid, &kind, (*[]byte)(&value)); m.err != nil {
			return false
		}
		m.list = m.make(oid, kind, value)
	}
	return true
}
func (m *making) Values() ([]any, error) { return m.list[0], nil }
func (m *making) Err() error {
	if m.err != nil {
		return m.err
	}
	return m.rows.Err()
}
