package tables

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"sightline"
	"sightline/when"
)

// project turns one change into rows. Update and Rebuild both go through it,
// so that replaying the log gives the same rows. It must therefore depend on
// nothing but the change, the position and the rows made so far.
func project(ctx context.Context, en Engine, q Queryer, sh *sheets, seq sightline.Seq, c sightline.Change) error {
	value := sql.NullString{String: string(c.Value), Valid: noNull(c.Value) != nil}
	var oid int64
	err := q.QueryRowContext(ctx, `INSERT INTO object(kind, id, sort, rev, seq, value, reason) VALUES(?,?,?,?,?,?,?)
		ON CONFLICT(kind, id) DO UPDATE SET rev=excluded.rev, seq=excluded.seq, value=excluded.value, reason=excluded.reason
		RETURNING oid`, c.Kind, c.ID, sightline.SortKey(c.ID), c.Rev, seq, value, c.Reason).Scan(&oid)
	if err != nil {
		return err
	}
	if _, err := q.ExecContext(ctx, `INSERT INTO history(kind, id, rev, seq) VALUES(?,?,?,?) ON CONFLICT(kind, id, rev) DO UPDATE SET seq=excluded.seq`, c.Kind, c.ID, c.Rev, seq); err != nil {
		return err
	}
	if name, n, ok := number(c.Kind, c.ID); ok {
		sh.used[name] = max(sh.used[name], n+1)
	}
	// What is new has nothing in the indexes yet; looking there costs an import
	// a third of its time.
	ref := c.Ref
	fresh := c.Rev == 1 && !sh.met[ref]
	sh.met[ref] = true
	if c.Kind == sightline.KindItem {
		if err := sh.put(ctx, oid, c.ID, noNull(c.Value), fresh); err != nil {
			return err
		}
	}
	if !fresh {
		if _, err := q.ExecContext(ctx, `DELETE FROM span WHERE oid=?`, oid); err != nil {
			return err
		}
		if err := errors.Join(en.DropWords(ctx, q, oid), en.DropPlaces(ctx, q, oid)); err != nil {
			return err
		}
	}
	if !value.Valid {
		return nil
	}
	if c.Kind != sightline.KindDerivative && c.Kind != sightline.KindEdition {
		if body := Words(c.Value); body != "" {
			if err := en.PutWords(ctx, q, oid, body); err != nil {
				return err
			}
		}
	}
	return projectPlaces(ctx, en, q, oid, c)
}

// projectKey keeps the table of keys in step with the sealed value "key".
func projectKey(ctx context.Context, q Queryer, seq sightline.Seq, value json.RawMessage) error {
	var k sightline.KeyChange
	if err := json.Unmarshal(value, &k); err != nil {
		return fmt.Errorf("the key change of entry %d: %v: %w", seq, err, sightline.ErrInvalid)
	}
	public, err := hex.DecodeString(k.Public)
	switch {
	case k.Action == "remove":
		_, err = q.ExecContext(ctx, `UPDATE actor_key SET until=? WHERE key=? AND until IS NULL`, seq, k.Key)
		return err
	case k.Action != "add" && k.Action != "adopt":
		return fmt.Errorf("the key change of entry %d has the unknown action %q: %w", seq, k.Action, sightline.ErrInvalid)
	case err != nil || sightline.KeyID(public) != k.Key:
		return fmt.Errorf("the key change of entry %d names a key that is not the one it holds: %w", seq, sightline.ErrInvalid)
	}
	_, err = q.ExecContext(ctx, `INSERT INTO actor_key(key, since, public, name, role, action) VALUES(?,?,?,?,?,?)`, k.Key, seq, public, k.Name, k.Role, k.Action)
	return err
}

// number splits an id into the name of its counter and its number:
// "EJ-014" is 14 of "item:EJ-".
func number(k sightline.Kind, id string) (name string, n int64, ok bool) {
	i := len(id)
	for i > 0 && id[i-1] >= '0' && id[i-1] <= '9' {
		i--
	}
	n, err := strconv.ParseInt(id[i:], 10, 64)
	if err != nil || n > 1<<40 {
		return "", 0, false
	}
	return string(k) + ":" + id[:i], n, true
}

// unsearched are members whose strings are codes and digests, not words.
var unsearched = map[string]bool{
	"sha256": true, "hashes": true, "recipe": true, "problem": true, "answer": true, "axes": true, "covariance": true,
	"view": true, "pins": true, "decision": true, "consent": true, "hash": true, "workflow": true, "strength": true,
}

// Words collects the text of an object for the full-text index.
func Words(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return ""
	}
	var b strings.Builder
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			b.WriteString(v)
			b.WriteByte('\n')
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) { // a fixed order, so that a rebuild gives the same index
				if !unsearched[k] {
					walk(v[k])
				}
			}
		}
	}
	walk(v)
	return b.String()
}

// MaxPlaces is how many places of one object the space-time index takes.
const MaxPlaces = 256

// located is what objects of any kind may have of time and place.
type located struct {
	Times  []sightline.Time  `json:"times"`
	Time   *sightline.Time   `json:"time"`
	Posted *sightline.Time   `json:"posted"`
	Places []sightline.Place `json:"places"`
	Place  *sightline.Place  `json:"place"`
}

// inForce returns the interval in force: the first time; for an item that has
// none, only that it was before it was posted.
func (l located) inForce() (iv when.Interval, known bool) {
	switch {
	case len(l.Times) > 0:
		return l.Times[0].Interval, true
	case l.Time != nil:
		return l.Time.Interval, true
	case l.Posted != nil && l.Posted.Max != nil:
		return when.Until(*l.Posted.Max), true
	}
	return when.Interval{}, false
}

func projectPlaces(ctx context.Context, en Engine, q Queryer, oid int64, c sightline.Change) error {
	if c.Kind == sightline.KindCase {
		if err := keepEpoch(ctx, q, c.Value); err != nil {
			return err
		}
	}
	at, iv, known := Whereabouts(c.Value)
	if known {
		if _, err := q.ExecContext(ctx, `INSERT INTO span(oid, min, max) VALUES(?,?,?)`, oid, instant(iv.Min), instant(iv.Max)); err != nil {
			return err
		}
	}
	if len(at) == 0 {
		return nil
	}
	return en.PutPlaces(ctx, q, oid, at, iv)
}

// Whereabouts reads the places and the time in force of an object; known is
// false where it says nothing of time.
func Whereabouts(value json.RawMessage) (at []Located, iv when.Interval, known bool) {
	var l located
	if json.Unmarshal(value, &l) != nil {
		return nil, iv, false // a kind whose members of these names mean something else
	}
	iv, known = l.inForce()
	if l.Place != nil {
		l.Places = append(l.Places, *l.Place)
	}
	for _, p := range l.Places {
		if p.Geo != nil && !p.Withheld && len(at) < MaxPlaces {
			at = append(at, Located{p.Geo.Lat, p.Geo.Lon})
		}
	}
	return at, iv, known
}

func instant(i *when.Instant) sql.NullInt64 {
	if i == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: int64(*i), Valid: true}
}

// Seconds of an instant since the epoch of the case; open where there is none.
func Seconds(i *when.Instant, epoch int64, open float64) float64 {
	if i == nil {
		return open
	}
	return float64(int64(*i)-epoch) / 1000
}

// keepEpoch fixes the epoch of the case when its first row comes: the start
// of the date it is about, so that seconds since then are small numbers.
func keepEpoch(ctx context.Context, q Queryer, value json.RawMessage) error {
	var c sightline.Case
	if json.Unmarshal(value, &c) != nil {
		return nil
	}
	var ms int64
	for _, layout := range []string{"2006-01-02", "2006-01", "2006"} {
		if len(c.Date) >= len(layout) {
			if t, err := time.Parse(layout, c.Date[:len(layout)]); err == nil {
				ms = t.UnixMilli()
				break
			}
		}
	}
	_, err := q.ExecContext(ctx, `INSERT INTO meta(key, value) VALUES('epoch', ?) ON CONFLICT DO NOTHING`, strconv.FormatInt(ms, 10))
	return err
}

// Epoch is the instant, in UTC milliseconds, that seconds in the space-time
// index count from.
func Epoch(ctx context.Context, q Queryer) (int64, error) {
	v, err := Meta(ctx, q, "epoch")
	if err != nil || v == "" {
		return 0, err
	}
	return strconv.ParseInt(v, 10, 64)
}
