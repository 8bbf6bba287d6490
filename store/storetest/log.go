package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sightline"
)

func runLog(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	update(t, s, func(w sightline.Writer) error {
		w.Describe(sightline.Draft{
			Kind: sightline.EntryCollect, Result: "partial", Parents: []string{strings.Repeat("a", 64)},
			Item:   &sightline.EntryItem{ID: "T-001", SHA256: strings.Repeat("b", 64), Size: 10, Type: "image/jpeg", Copy: "evidentiary"},
			Tool:   &sightline.EntryTool{Name: "sightline", Version: "1"},
			Failed: []sightline.FailedPart{{Part: "comments", Error: "HTTP 403"}},
			Seal:   map[string]any{"reason": "a sample", "args": []string{"add", "x.jpg"}, "persona": "none"},
		})
		return w.Put(item("T-001", "a house"))
	})
	// An entry may record something that changes no row.
	update(t, s, func(w sightline.Writer) error {
		w.Describe(sightline.Draft{Kind: sightline.EntryViewOriginal})
		return nil
	})
	if seq, err := s.Update(context.Background(), Owner(), func(sightline.Writer) error { return nil }); seq != -1 || err != nil {
		t.Errorf("an update of nothing gave entry %d, %v", seq, err)
	}
	for range 20 {
		update(t, s, func(w sightline.Writer) error {
			id, err := w.NextID(sightline.KindItem, "")
			return errors.Join(err, w.Put(item(id, "")))
		})
	}

	view(t, s, func(r sightline.Reader) error {
		head, err := r.Head()
		if err != nil {
			return err
		}
		var leaves []tlog.Hash
		prev := strings.Repeat("0", 64)
		for e, err := range r.Entries(0, head.Size) {
			if err != nil {
				return err
			}
			parsed, err := sightline.ParseEntry(e.Bytes)
			if err != nil {
				t.Fatalf("entry %d: %v", e.Seq, err)
			}
			if parsed.Seq != int64(len(leaves)) || parsed.Prev != prev || parsed.V != 1 {
				t.Errorf("entry %d: seq %d, prev %s, v %d", len(leaves), parsed.Seq, parsed.Prev, parsed.V)
			}
			if err := e.VerifySignature(); err != nil {
				t.Error(err)
			}
			sum := sha256.Sum256(append([]byte{0}, e.Bytes...))
			if e.Leaf != hex.EncodeToString(sum[:]) {
				t.Errorf("leaf hash of entry %d", e.Seq)
			}
			prev = e.Leaf
			leaves = append(leaves, tlog.Hash(sum))
			sealed, err := r.Sealed(e.Seq)
			if err != nil {
				return err
			}
			if len(sealed) != len(parsed.Sealed) {
				t.Errorf("entry %d commits to %d values and %d are kept", e.Seq, len(parsed.Sealed), len(sealed))
			}
			for _, v := range sealed {
				if !v.Opens(parsed.Sealed[v.Name]) {
					t.Errorf("entry %d: the commitment of %q does not open", e.Seq, v.Name)
				}
				if string(v.Value) != `"ok"` && len(v.Value) > 10 && strings.Contains(string(e.Bytes), string(v.Value)) {
					t.Errorf("entry %d holds the sealed value %q in the clear", e.Seq, v.Name)
				}
			}
		}
		checkSecond(t, r)
		checkTree(t, r, head, leaves)
		return nil
	})
	keysEnterAndLeave(t, s)
}

// checkSecond looks at the entry with every field.
func checkSecond(t *testing.T, r sightline.Reader) {
	for e, err := range r.Entries(1, 2) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind != sightline.EntryCollect || e.Result != "partial" || e.Item.ID != "T-001" || len(e.Failed) != 1 || e.Tool.Args == "" || e.At == "" {
			t.Errorf("entry 1 is %s", e.Bytes)
		}
		sealed, _ := r.Sealed(1)
		values := map[string]json.RawMessage{}
		for _, v := range sealed {
			values[v.Name] = v.Value
		}
		for name, want := range map[string]string{"reason": `"a sample"`, "collector": `"Owner"`, "persona": `"none"`, "args": `["add","x.jpg"]`} {
			if string(values[name]) != want {
				t.Errorf("sealed %s is %s, want %s", name, values[name], want)
			}
		}
		var cs []sightline.Change
		if err := json.Unmarshal(values["change"], &cs); err != nil || len(cs) != 1 || cs[0].ID != "T-001" || cs[0].Rev != 1 {
			t.Errorf("sealed change is %s, %v", values["change"], err)
		}
		if len(values["machine"]) == 0 {
			t.Error("the machine is not sealed")
		}
	}
}

// checkTree recomputes the tree from the leaves and checks every proof.
func checkTree(t *testing.T, r sightline.Reader, head sightline.Head, leaves []tlog.Hash) {
	store := []tlog.Hash{}
	read := tlog.HashReaderFunc(func(idx []int64) ([]tlog.Hash, error) {
		out := []tlog.Hash{}
		for _, i := range idx {
			out = append(out, store[i])
		}
		return out, nil
	})
	roots := []tlog.Hash{{}}
	for i, l := range leaves {
		hs, err := tlog.StoredHashesForRecordHash(int64(i), l, read)
		if err != nil {
			t.Fatal(err)
		}
		store = append(store, hs...)
		root, err := tlog.TreeHash(int64(i+1), read)
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, root)
	}
	n := int64(len(leaves))
	if head.Size != n || head.Root != hex.EncodeToString(roots[n][:]) {
		t.Fatalf("head %+v, recomputed %d %x", head, n, roots[n])
	}
	for size := int64(1); size <= n; size++ {
		for seq := int64(0); seq < size; seq++ {
			p, err := r.InclusionProof(seq, size)
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckRecord(parse(t, p), size, roots[size], seq, leaves[seq]); err != nil {
				t.Fatalf("inclusion of %d in %d: %v", seq, size, err)
			}
		}
		p, err := r.ConsistencyProof(size, n)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckTree(tlog.TreeProof(parse(t, p)), n, roots[n], size, roots[size]); err != nil {
			t.Fatalf("consistency of %d and %d: %v", size, n, err)
		}
	}
	if _, err := r.InclusionProof(n, n); !errors.Is(err, sightline.ErrNotFound) {
		t.Errorf("a proof of an entry that is not there: %v", err)
	}
	checkpoints, err := r.Checkpoints()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checkpoints {
		line := strings.SplitN(string(c.Note), "\n", 4)
		if len(line) < 4 || line[2] != base64.StdEncoding.EncodeToString(roots[c.Size][:]) {
			t.Errorf("the checkpoint of size %d has another root:\n%s", c.Size, c.Note)
		}
	}
}

func parse(t *testing.T, hs []string) tlog.RecordProof {
	out := tlog.RecordProof{}
	for _, h := range hs {
		b, err := hex.DecodeString(h)
		if err != nil || len(b) != tlog.HashSize {
			t.Fatalf("hash %q", h)
		}
		out = append(out, tlog.Hash(b))
	}
	return out
}

func keysEnterAndLeave(t *testing.T, s sightline.Store) {
	ctx := context.Background()
	change := func(by sightline.Actor, k sightline.KeyChange) error {
		_, err := s.Update(ctx, by, func(w sightline.Writer) error {
			w.Describe(sightline.Draft{Kind: sightline.EntryKey, Seal: map[string]any{"key": k}})
			return nil
		})
		return err
	}
	write := func(by sightline.Actor, note string) error {
		_, err := s.Update(ctx, by, func(w sightline.Writer) error { return w.Put(item("T-001", note)) })
		return err
	}
	ana, bo := actor("Ana", "investigator", 2), actor("Bo", "owner", 3)
	if err := change(ana, keyOf(ana, "add")); !errors.Is(err, sightline.ErrDenied) {
		t.Errorf("a key let itself in: %v", err)
	}
	if err := change(Owner(), keyOf(ana, "add")); err != nil {
		t.Fatal(err)
	}
	if err := write(ana, "by Ana"); err != nil {
		t.Errorf("an added key cannot write: %v", err)
	}
	if err := change(ana, keyOf(bo, "add")); !errors.Is(err, sightline.ErrDenied) {
		t.Errorf("an investigator let a key in: %v", err)
	}
	if err := change(Owner(), keyOf(ana, "remove")); err != nil {
		t.Fatal(err)
	}
	if err := write(ana, "again by Ana"); !errors.Is(err, sightline.ErrDenied) {
		t.Errorf("a removed key still writes: %v", err)
	}
	if err := change(bo, keyOf(bo, "adopt")); err != nil {
		t.Errorf("a key may adopt itself in the open: %v", err)
	}
	bad := keyOf(ana, "add")
	bad.Public = keyOf(bo, "add").Public
	if err := change(Owner(), bad); !errors.Is(err, sightline.ErrInvalid) {
		t.Errorf("a key under another's name: %v", err)
	}
}
