package tables

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"sightline"
)

const (
	// ranked is up to how many matches are put in order by how well they match:
	// of a word that many thousands of items have, none is the best.
	ranked = 2000
	// shortWord is up to how many letters begin too many words of a large case
	// for an index of words; only names are looked at then.
	shortWord = 2
)

// Names finds objects for a person who types. See [sightline.Library].
func (r *reader) Names(q string, limit int) ([]sightline.Ref, error) {
	q = strings.TrimSpace(q)
	out, told := []sightline.Ref{}, map[sightline.Ref]bool{}
	add := func(list []sightline.Ref) {
		for _, ref := range list {
			if len(out) < limit && !told[ref] {
				told[ref] = true
				out = append(out, ref)
			}
		}
	}
	words := Tokens(q)
	if len(words) == 0 || limit <= 0 {
		return out, nil
	}
	if len(words) > maxWords {
		words = words[:maxWords]
	}
	exact, err := r.byID(q)
	if err != nil {
		return nil, err
	}
	add(exact)
	if len(exact) > 0 {
		return out, nil // who types a whole id means it
	}
	c, done, err := r.columns()
	if err != nil {
		return nil, err
	}
	defer done()
	if c.n > textCap {
		// Of so many, those that are called so come first, and are found without
		// the index of words, which would gather every item that says so.
		add(c.named(words, limit))
		if len(out) >= limit {
			return out, nil
		}
	}
	short := false
	for _, w := range words {
		short = short || utf8.RuneCountInString(w) <= shortWord
	}
	var oids []int64
	if !short || c.n <= textCap {
		if oids, err = r.s.engine.TextHits(r.ctx, r.q, words, ranked+1); err != nil {
			return nil, err
		}
		if len(oids) <= ranked {
			found, err := r.Search(q, limit)
			if err != nil {
				return nil, err
			}
			add(found)
			return out, nil
		}
	}
	if c.n <= textCap {
		add(c.named(words, limit))
	}
	if len(out) < limit && len(oids) > 0 {
		list, err := json.Marshal(oids[:min(len(oids), limit)])
		if err != nil {
			return nil, err
		}
		rest, err := r.refs(`SELECT kind, id FROM object WHERE value IS NOT NULL AND oid IN (`+r.s.engine.Numbers("?1")+`) ORDER BY oid`, string(list))
		if err != nil {
			return nil, err
		}
		add(rest)
	}
	return out, nil
}

func (r *reader) Pick(k sightline.Kind, ids []string) ([]sightline.Row, error) {
	return r.joined(`WHERE o.kind=?2 AND o.id = l.s AND o.value IS NOT NULL ORDER BY l.n`, k, ids)
}

// Below goes by ids: those of the derivatives of T-1 begin with "T-1/", of its
// observations with "T-1.". The range ends at the character after.
func (r *reader) Below(k sightline.Kind, items []string) ([]sightline.Row, error) {
	from, to := "/", "0"
	switch k {
	case sightline.KindDerivative:
	case sightline.KindObservation:
		from, to = ".", "/"
	default:
		return nil, fmt.Errorf("objects of kind %s do not lie below items: %w", k, sightline.ErrInvalid)
	}
	return r.joined(`WHERE o.kind=?2 AND o.id >= l.s || '`+from+`' AND o.id < l.s || '`+to+`' AND o.value IS NOT NULL ORDER BY l.n, o.sort, o.id`, k, items)
}

// joined reads the objects that stand beside ids. CROSS tells SQLite to begin
// with the ids: it would rather look for each object of the kind in the list.
func (r *reader) joined(query string, k sightline.Kind, ids []string) (out []sightline.Row, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	for row, err := range rows(r.ctx, r.q, func(rs *sql.Rows) (sightline.Row, error) { row, _, err := r.scan(rs); return row, err },
		`SELECT o.kind, o.id, o.rev, o.seq, o.value, o.reason, coalesce(e.at, ''), coalesce(e.key, ''), o.sort
		FROM (`+r.s.engine.Strings("?1")+`) l CROSS JOIN object o LEFT JOIN entry e ON e.seq = o.seq `+query, string(list), string(k)) {
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}

// maxWords bounds a query.
const maxWords = 32

// byID finds the objects that have this id, of whatever kind.
func (r *reader) byID(id string) ([]sightline.Ref, error) {
	var kinds []string
	for _, k := range sightline.Kinds {
		kinds = append(kinds, `'`+string(k)+`'`)
	}
	return r.refs(`SELECT kind, id FROM object WHERE kind IN (`+strings.Join(kinds, ",")+`) AND id IN (?, ?) AND value IS NOT NULL ORDER BY kind, id`, id, strings.ToUpper(id))
}

// named finds the first items whose title or id has a word for each of words
// that begins so.
func (c *columns) named(words []string, limit int) []sightline.Ref {
	list := make([][]byte, len(words))
	for i, w := range words {
		list[i] = []byte(w)
	}
	slices.SortFunc(list, func(a, b []byte) int { return len(b) - len(a) }) // the longest says no most often
	var out []sightline.Ref
	each(c.live, func(at uint32) bool {
		id, title, _, _ := c.textOf(at)
		for _, w := range list {
			if !wordBegins(title, w) && !bytes.EqualFold(id[:min(len(id), len(w))], w) {
				return true
			}
		}
		out = append(out, sightline.Ref{Kind: sightline.KindItem, ID: string(id)})
		return len(out) < limit
	})
	return out
}

// wordBegins reports that a word of a folded text begins with w.
func wordBegins(text, w []byte) bool {
	for from := 0; from < len(text); {
		i := bytes.Index(text[from:], w)
		if i < 0 {
			return false
		}
		i += from
		if i == 0 {
			return true
		}
		if before, _ := utf8.DecodeLastRune(text[:i]); parts(before) {
			return true
		}
		from = i + 1
	}
	return false
}
