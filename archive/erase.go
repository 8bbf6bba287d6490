package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sightline"
	"sightline/digest"
	"sightline/store/sqlite"
)

// Erase takes an item out of the case by law or at a source's wish: its bytes,
// its derivatives and observations, and every sealed value about them. An
// entry stays that names the digest, and [Check] stays green. Bytes that
// another item has as well stay with that item.
func Erase(ctx context.Context, f *CaseFolder, itemID, basis, second string) (sightline.Seq, error) {
	x := sqlite.Erasure{Basis: basis, Second: second}
	err := f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
		it, err := sightline.Get[sightline.Item](r, sightline.KindItem, itemID)
		if err != nil {
			return err
		}
		x.Item = sightline.EntryItem{ID: it.ID, SHA256: it.SHA256, Size: it.Size, Type: it.Type, Copy: "evidentiary"}
		x.Refs = append(x.Refs, it.Ref())
		kept := map[string]bool{} // bytes that other objects have as well
		items, err := sightline.All[sightline.Item](r, sightline.KindItem)
		if err != nil {
			return err
		}
		for _, o := range items {
			if o.ID != itemID {
				kept[o.SHA256] = true
			}
		}
		derivatives, err := sightline.All[sightline.Derivative](r, sightline.KindDerivative)
		if err != nil {
			return err
		}
		for _, d := range derivatives {
			if d.Item != itemID {
				kept[d.SHA256] = true
			}
		}
		for _, d := range derivatives {
			if d.Item == itemID {
				x.Refs = append(x.Refs, d.Ref())
				if g, err := digest.Parse(d.SHA256); err == nil && !kept[d.SHA256] && !slices.Contains(x.Digests, g) {
					x.Digests = append(x.Digests, g)
				}
			}
		}
		observations, err := sightline.All[sightline.Observation](r, sightline.KindObservation)
		for _, o := range observations {
			if o.Item == itemID {
				x.Refs = append(x.Refs, o.Ref())
			}
		}
		if kept[it.SHA256] {
			return fmt.Errorf("the bytes of %s are also those of another item; erase or withdraw that one first: %w", itemID, sightline.ErrConflict)
		}
		return err
	})
	if err != nil {
		return -1, err
	}
	seq, err := f.Store.Erase(ctx, f.Actor, x)
	if err != nil {
		return seq, err
	}
	// The entry comes first: bytes that outlive it are found by Check.
	gone := x.Digests
	if g, err := digest.Parse(x.Item.SHA256); err == nil {
		gone = append(gone, g)
	}
	for _, g := range gone {
		if err := f.Redactor.Erase(ctx, g, basis); err != nil && !errors.Is(err, sightline.ErrNotFound) {
			return seq, err
		}
	}
	return seq, nil
}
