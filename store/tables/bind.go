package tables

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// bound is a Queryer whose queries are rewritten for the engine.
type bound struct {
	q    Queryer
	bind func(string) string
}

func (s *Store) bound(q Queryer) Queryer { return bound{q, s.engine.Bind} }

func (b bound) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	return b.q.QueryContext(ctx, b.bind(q), args...)
}

func (b bound) QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row {
	return b.q.QueryRowContext(ctx, b.bind(q), args...)
}

func (b bound) ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error) {
	return b.q.ExecContext(ctx, b.bind(q), args...)
}

// repeated is a transaction that keeps the statements it runs more than once: an
// import runs the same dozen for each object, and an engine that is a library
// would read their text every time.
type repeated struct {
	*sql.Tx
	runs map[string]int
	kept map[string]*sql.Stmt // closed with the transaction
}

// repeats wraps a transaction where the engine gains by it.
func (s *Store) repeats(tx *sql.Tx) Queryer {
	if e, ok := s.engine.(interface{ KeepsStatements() bool }); !ok || !e.KeepsStatements() {
		return tx
	}
	return &repeated{tx, map[string]int{}, map[string]*sql.Stmt{}}
}

func (r *repeated) stmt(ctx context.Context, q string) *sql.Stmt {
	if st := r.kept[q]; st != nil {
		return st
	}
	if r.runs[q]++; r.runs[q] < 3 || len(r.kept) > 100 {
		return nil
	}
	st, err := r.Tx.PrepareContext(ctx, q)
	if err != nil {
		return nil // running it says what is wrong
	}
	r.kept[q] = st
	return st
}

func (r *repeated) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	if st := r.stmt(ctx, q); st != nil {
		return st.QueryContext(ctx, args...)
	}
	return r.Tx.QueryContext(ctx, q, args...)
}

func (r *repeated) QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row {
	if st := r.stmt(ctx, q); st != nil {
		return st.QueryRowContext(ctx, args...)
	}
	return r.Tx.QueryRowContext(ctx, q, args...)
}

func (r *repeated) ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error) {
	if st := r.stmt(ctx, q); st != nil {
		return st.ExecContext(ctx, args...)
	}
	return r.Tx.ExecContext(ctx, q, args...)
}

var rewritten sync.Map // the queries of a program are few

// Numbered rewrites "?" as "$1", "$2" and so on and "?3" as "$3". A question
// mark inside quotes stays.
func Numbered(q string) string {
	if v, ok := rewritten.Load(q); ok {
		return v.(string)
	}
	var b strings.Builder
	next, quote := 0, byte(0)
	for i := 0; i < len(q); i++ {
		c := q[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '?':
			j := i + 1
			for j < len(q) && q[j] >= '0' && q[j] <= '9' {
				j++
			}
			if j > i+1 {
				b.WriteString("$" + q[i+1:j])
			} else {
				next++
				b.WriteString("$" + strconv.Itoa(next))
			}
			i = j - 1
			continue
		}
		b.WriteByte(c)
	}
	rewritten.Store(q, b.String())
	return b.String()
}

func say(doing string, err error) error {
	if doing == "" {
		return err
	}
	return fmt.Errorf("%s: %w", doing, err)
}
