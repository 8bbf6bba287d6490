package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"sightline"
	"sightline/digest"
)

// Bag takes a bag (BagIt, RFC 8493), a folder or a ZIP file of one. A bag that
// is not valid is refused as a whole with every fault. Of a bag that Sightline
// wrote, the items come back with their ids and all that was said of them, and
// the other objects with them; of another, each payload file is an item.
func (a *Adder) Bag(ctx context.Context, name string) (*Report, error) {
	r := &Report{Added: []Line{}, Known: []Line{}, Refused: []Refusal{}}
	no := func(why string) { r.Refused = append(r.Refused, Refusal{name, filepath.Base(name), why}) }
	b, err := openBag(name)
	if err != nil {
		no(err.Error())
		return r, nil
	}
	defer b.close()
	if err := b.check(ctx); err != nil {
		return r, err
	}
	if b.rep.State == BagInvalid || b.rep.State == BagIncomplete {
		for _, f := range b.rep.Faults {
			no("the bag is not valid: " + f)
		}
		if b.rep.State == BagIncomplete {
			no("the bag is not complete: " + strings.Join(b.rep.Notes, "; "))
		}
		return r, nil
	}
	c, err := a.caseOf(ctx)
	if err != nil {
		return r, err
	}
	in := &bagIntake{a: a, b: b, r: r, c: c, name: name, files: map[string]BagFile{}}
	for _, f := range b.rep.Files {
		in.files[f.Path] = f
	}
	parts, items, err := in.document()
	if err != nil {
		no(err.Error())
		return r, nil
	}
	if parts == nil {
		return r, in.foreign(ctx)
	}
	kept, err := in.ours(ctx, items)
	if err != nil {
		return r, err
	}
	if !kept {
		no("the items have other ids here, so claims, events and the other objects of data/case.json, which name them, were not taken")
		return r, nil
	}
	return r, in.rest(ctx, parts)
}

// bagIntake is one bag on its way into one case.
type bagIntake struct {
	a     *Adder
	b     *bag
	r     *Report
	c     *sightline.Case
	name  string
	files map[string]BagFile
	done  int
}

// document reads data/case.json of a bag that Sightline wrote; nil for others.
func (in *bagIntake) document() (map[string]json.RawMessage, []*sightline.Item, error) {
	if _, ok := in.files["data/case.json"]; !ok {
		return nil, nil, nil
	}
	raw, err := in.b.read("data/case.json")
	if err != nil {
		return nil, nil, fmt.Errorf("data/case.json cannot be read: %w", err)
	}
	parts := map[string]json.RawMessage{}
	var format string
	if json.Unmarshal(raw, &parts) != nil || json.Unmarshal(parts["format"], &format) != nil || format != sightline.DocumentFormat {
		return nil, nil, nil // some other program's file
	}
	var items []*sightline.Item
	if err := json.Unmarshal(parts["items"], &items); err != nil {
		return nil, nil, fmt.Errorf("the items of data/case.json cannot be read: %s", jsonFault(parts["items"], err))
	}
	return parts, items, nil
}

// foreign takes each payload file as an item of its own.
func (in *bagIntake) foreign(ctx context.Context) error {
	for _, f := range in.b.rep.Files {
		if f.Size == 0 {
			in.r.Refused = append(in.r.Refused, Refusal{in.name + "/" + f.Path, baseName(f.Path), "it is empty (0 bytes); there is nothing to preserve"})
			continue
		}
		blob, kind, err := in.put(ctx, f)
		if err != nil {
			return err
		}
		it := in.a.fresh(blob, kind)
		it.Name, it.Held = baseName(f.Path), true
		it.Source.Method = "bag"
		it.Facts = append(it.Facts, sightline.Fact{Field: "BagIt:Path", Value: f.Path, Tool: "sightline"})
		for _, kv := range in.b.rep.Info {
			switch strings.ToLower(kv[0]) {
			case "source-organization", "external-identifier", "bagging-date", "contact-name":
				it.Facts = append(it.Facts, sightline.Fact{Field: "BagIt:" + kv[0], Value: kv[1], Tool: "sightline", Doubt: "as the bag says; nothing here has checked it"})
			}
		}
		if _, err := in.enter(ctx, f.Path, it, ""); err != nil {
			return err
		}
	}
	return nil
}

// put stores a payload file; its bytes have to be those that were checked.
func (in *bagIntake) put(ctx context.Context, f BagFile) (sightline.Blob, Kind, error) {
	r, err := in.b.Open(f.Path)
	if err != nil {
		return sightline.Blob{}, Kind{}, fmt.Errorf("failed to read %s of the bag: %w", f.Path, err)
	}
	defer r.Close()
	head := &headReader{r: r}
	blob, err := in.a.Blobs.Put(ctx, head)
	if err != nil {
		return blob, Kind{}, in.a.stopped(fmt.Errorf("failed to keep %s: %w", f.Path, err), in.r, len(in.b.rep.Files))
	}
	if blob.Digest.String() != f.SHA256 {
		return blob, Kind{}, fmt.Errorf("%s changed while the bag was being read; add the bag again when nothing writes to it any more", f.Path)
	}
	return blob, Sniff(head.b), nil
}

// enter writes one item, unless an item has its bytes already. want is the id
// it should have.
func (in *bagIntake) enter(ctx context.Context, path string, it *sightline.Item, want string) (id string, err error) {
	line := Line{Name: it.Name, Path: in.name + "/" + path, SHA256: it.SHA256, Size: it.Size, Type: it.Type}
	added := false
	_, err = in.a.Store.Update(ctx, in.a.Actor, func(w sightline.Writer) error {
		added = false
		if g, err := digest.Parse(it.SHA256); err == nil {
			ids, err := w.ItemByDigest(g)
			if err != nil {
				return err
			}
			if len(ids) > 0 {
				line.ID = ids[0]
				return nil
			}
		}
		put := *it
		put.ID = want
		if want != "" {
			_, err := w.Row(sightline.Ref{Kind: sightline.KindItem, ID: want})
			if err == nil || !itemID(want, in.c.Prefix) {
				put.ID = ""
			} else if !errors.Is(err, sightline.ErrNotFound) {
				return err
			}
		}
		if put.ID == "" {
			if put.ID, err = w.NextID(sightline.KindItem, ""); err != nil {
				return err
			}
		}
		line.ID = put.ID
		if err := w.Put(&put); err != nil {
			return err
		}
		d := in.a.collected(&put, map[string]any{"bag": in.name, "path": path, "id_there": want, "argv": in.a.Argv})
		if path == "" { // a record of something whose bytes nobody here ever had
			d.Kind, d.Item, d.Capture = sightline.EntryReceive, nil, nil
		}
		w.Describe(d)
		added = true
		if path == "" {
			return nil
		}
		return in.a.enqueue(w, &put)
	})
	if err != nil {
		return "", in.a.stopped(err, in.r, len(in.b.rep.Files))
	}
	if added {
		in.r.Added = append(in.r.Added, line)
	} else {
		line.Why = line.ID + " is already here"
		in.r.Known = append(in.r.Known, line)
	}
	in.done++
	if in.a.Progress != nil {
		in.a.Progress(in.done, len(in.b.rep.Files), line.Size, line)
	}
	return line.ID, nil
}

// ours takes the items of a bag that Sightline wrote, and the bytes of its
// layers. It reports whether every item has the id here that it had there.
func (in *bagIntake) ours(ctx context.Context, items []*sightline.Item) (kept bool, err error) {
	kept = true
	byItem := map[string]BagFile{}
	for _, p := range sortedKeys(in.files) {
		parts := strings.Split(p, "/")
		switch {
		case len(parts) == 4 && parts[1] == "items":
			byItem[parts[2]] = in.files[p]
		case len(parts) == 4 && parts[1] == "layers":
			if _, _, err := in.put(ctx, in.files[p]); err != nil {
				return false, err
			}
		}
	}
	for _, it := range items {
		if it == nil {
			continue
		}
		f, held := byItem[it.ID]
		if held && f.SHA256 != it.SHA256 {
			in.r.Refused = append(in.r.Refused, Refusal{in.name + "/" + f.Path, it.Name, "its bytes are not those that data/case.json names"})
			kept = false
			continue
		}
		if !held && it.Held {
			in.r.Refused = append(in.r.Refused, Refusal{in.name, it.Name, "data/case.json says that the bytes of " + it.ID + " are in the bag, and they are not"})
			kept = false
			continue
		}
		if held {
			if _, _, err := in.put(ctx, f); err != nil {
				return false, err
			}
		}
		id, err := in.enter(ctx, f.Path, it, it.ID)
		if err != nil {
			return false, err
		}
		kept = kept && id == it.ID
	}
	return kept, nil
}

// rest writes the other objects of data/case.json in one entry, or says why not.
func (in *bagIntake) rest(ctx context.Context, parts map[string]json.RawMessage) error {
	var there sightline.Case
	if json.Unmarshal(parts["case"], &there) != nil || there.ID != in.c.ID || there.Prefix != in.c.Prefix {
		delete(parts, "case") // this case keeps its own name, zone and standard of proof
	}
	var faults []Fault
	rejected := errors.New("rejected")
	var changed []string
	_, err := in.a.Store.Update(ctx, in.a.Actor, func(w sightline.Writer) error {
		m := &merge{w: w, parts: parts}
		if err := m.run(); err != nil {
			return err
		}
		if faults = m.faults; len(faults) > 0 {
			return rejected
		}
		if changed = m.changed; len(changed) > 0 {
			in.a.prepare()
			tool := in.a.tool
			w.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Tool: &tool,
				Seal: map[string]any{"reason": in.a.seal["reason"], "args": map[string]any{"bag": in.name, "argv": in.a.Argv}}})
		}
		return nil
	})
	switch {
	case errors.Is(err, rejected):
		for _, f := range faults {
			in.r.Refused = append(in.r.Refused, Refusal{in.name + "/data/case.json", "case.json", f.Where + ": " + f.Why})
		}
		return nil
	case err != nil:
		return err
	}
	in.r.Changed = changed
	return nil
}
