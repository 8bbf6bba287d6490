package tables

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"sightline"
	"sightline/digest"
)

// Erasure is a lawful erasure: what goes, on what basis, approved by whom.
type Erasure struct {
	Item    sightline.EntryItem // named in the entry that stays
	Refs    []sightline.Ref     // objects that go: the item, its derivatives, its observations
	Digests []digest.Digest     // bytes that go, besides those of the item
	Basis   string              // the law, order or wish
	Second  string              // the second person who approved
}

// Erased is the sealed value "erasure" of the entry that stays.
type Erased struct {
	Basis    string          `json:"basis"`
	Approver string          `json:"approver"`
	Second   string          `json:"second"`
	Entries  []sightline.Seq `json:"entries"` // whose sealed values went
}

// Erase takes the objects and every sealed value about them out of the database,
// and appends the entry that says so. What those entries said about other
// objects is written again, so that the log still gives every row. The
// commitments stay in the log and can no longer be opened by anybody.
func (s *Store) Erase(ctx context.Context, a sightline.Actor, x Erasure) (sightline.Seq, error) {
	if x.Basis == "" || x.Second == "" || a.Name == "" {
		return -1, fmt.Errorf("an erasure needs its basis, an approver and a second approver: %w", sightline.ErrInvalid)
	}
	seq, err := s.Update(ctx, a, func(w sightline.Writer) error { return w.(*writer).erase(a, x) })
	if err != nil {
		return -1, err
	}
	return seq, s.failed("the values are erased, but old pages of the database may still hold them; run the erasure again", s.engine.Scrub(ctx))
}

func (w *writer) erase(a sightline.Actor, x Erasure) error {
	going := map[sightline.Ref]bool{}
	entries := map[sightline.Seq]bool{}
	again := map[sightline.Ref]bool{}
	for _, ref := range x.Refs {
		going[ref] = true
	}
	for _, ref := range x.Refs {
		for seq, err := range rows(w.ctx, w.q, scanSeq, `SELECT seq FROM history WHERE kind=? AND id=?`, ref.Kind, ref.ID) {
			if err != nil {
				return err
			}
			entries[seq] = true
		}
	}
	for seq := range entries {
		cs, _, err := changesOf(w.ctx, w.q, sightline.Entry{Seq: seq, Sealed: map[string]string{"change": ""}})
		if err != nil {
			return err
		}
		for _, c := range cs {
			if !going[c.Ref] {
				again[c.Ref] = true
			}
		}
	}
	for _, ref := range x.Refs {
		row, err := w.Row(ref)
		if err != nil {
			return err
		}
		if err := w.change(sightline.Change{Ref: ref, Reason: "erased"}, row); err != nil {
			return err
		}
	}
	for _, ref := range slices.SortedFunc(maps.Keys(again), func(a, b sightline.Ref) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), sightline.CompareIDs(a.ID, b.ID))
	}) {
		row, err := w.Row(ref)
		if err != nil {
			return err
		}
		if err := w.change(sightline.Change{Ref: ref, Value: row.Value, Reason: row.Reason}, row); err != nil {
			return err
		}
	}
	for seq := range entries {
		if _, err := w.q.ExecContext(w.ctx, `DELETE FROM sealed WHERE seq=? AND name='change'`, seq); err != nil {
			return err
		}
	}
	// What else was sealed about the item, such as file names and labels.
	for seq, err := range rows(w.ctx, w.q, scanSeq, `SELECT seq FROM entry WHERE item=?`, x.Item.ID) {
		if err != nil {
			return err
		}
		entries[seq] = true
	}
	for seq := range entries {
		if _, err := w.q.ExecContext(w.ctx, `DELETE FROM sealed WHERE seq=? AND name NOT IN ('change', 'key', 'log', 'erasure')`, seq); err != nil {
			return err
		}
	}
	if _, err := w.q.ExecContext(w.ctx, `DELETE FROM job WHERE item=?`, x.Item.ID); err != nil {
		return err
	}
	d := sightline.Draft{Kind: sightline.EntryErase, Item: &x.Item, Seal: map[string]any{
		"erasure": Erased{x.Basis, a.Name, x.Second, slices.Sorted(maps.Keys(entries))},
	}}
	for _, g := range x.Digests {
		d.Parents = append(d.Parents, g.String())
	}
	w.Describe(d)
	return nil
}

func scanSeq(rs *sql.Rows) (n sightline.Seq, err error) { err = rs.Scan(&n); return n, err }
