package archive

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sightline"
	"sightline/digest"
	"sightline/store/sqlite"
)

// replayed is the state of the case as the log tells it, gathered while its
// entries are read in order.
type replayed struct {
	origin  string
	prev    string
	lastAt  time.Time
	keys    map[string]sightline.KeyChange // in force
	objects map[sightline.Ref]replayedRow
	missing map[sightline.Seq]bool // entries whose sealed change is not there
	erased  map[sightline.Seq]bool // entries whose change a later entry says it erased
	logKey  []byte
	tokens  map[string]StampRecord // by size and authority: of which the log tells
	tree    []tlog.Hash            // stored hashes
	size    int64
}

// replayedRow is the last revision of an object, its value as a digest.
type replayedRow struct {
	rev    int
	seq    sightline.Seq
	value  digest.Digest // zero when withdrawn
	reason string
}

func (s *replayed) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(s.tree)) {
			return nil, fmt.Errorf("hash %d of the log does not exist: %w", x, sightline.ErrDamaged)
		}
		out[i] = s.tree[x]
	}
	return out, nil
}

// log reads the log in order and compares everything else in the database
// with what it tells.
func (c *checker) log(r *sqlite.Raw) error {
	origin, err := r.Origin()
	if err != nil {
		return err
	}
	s := &replayed{origin: origin, prev: strings.Repeat("0", 64), keys: map[string]sightline.KeyChange{},
		objects: map[sightline.Ref]replayedRow{}, missing: map[sightline.Seq]bool{}, erased: map[sightline.Seq]bool{}, tokens: map[string]StampRecord{}}
	for e, err := range r.Log() {
		if err != nil {
			return err
		}
		if err := c.entry(r, s, e); err != nil {
			return err
		}
	}
	if s.size == 0 {
		c.fault(Fault{What: "the log is empty", Where: caseFile, Remedy: history})
	}
	c.rep.Checked.Entries = s.size
	for seq := range s.missing {
		if !s.erased[seq] {
			c.fault(Fault{What: "a sealed value of the entry is missing and no entry says that it was erased", Where: fmt.Sprintf("log, entry %d", seq), Entry: at(seq), Remedy: restore})
		}
	}
	if err := c.tree(r, s); err != nil {
		return err
	}
	if err := c.checkpoints(r, s); err != nil {
		return err
	}
	if err := c.objects(r, s); err != nil {
		return err
	}
	if err := c.keys(r, s); err != nil {
		return err
	}
	for seq, err := range r.SealedSeqs() {
		if err != nil {
			return err
		}
		if seq < 0 || seq >= s.size {
			c.fault(Fault{What: "a sealed value belongs to no entry", Where: fmt.Sprintf("table sealed, entry %d", seq), Remedy: history})
		}
	}
	return nil
}

// entry checks one row of the log and adds it to the state.
func (c *checker) entry(r *sqlite.Raw, s *replayed, raw sqlite.RawEntry) error {
	where := fmt.Sprintf("log, entry %d", raw.Seq)
	fault := func(format string, args ...any) {
		f := Fault{What: fmt.Sprintf(format, args...), Where: where, Entry: at(raw.Seq), Remedy: history}
		c.fault(f)
	}
	if raw.Seq != s.size {
		fault("entry %d should be here: entries between are missing", s.size)
	}
	leaf := tlog.RecordHash(raw.Bytes)
	hs, err := tlog.StoredHashesForRecordHash(s.size, leaf, s)
	if err != nil {
		return err
	}
	s.tree = append(s.tree, hs...)
	s.size++
	prev := s.prev
	s.prev = hex.EncodeToString(leaf[:])
	if !bytes.Equal(raw.Leaf, leaf[:]) {
		fault("the bytes of the entry do not give its stored leaf hash")
	}
	e, err := sightline.ParseEntry(raw.Bytes)
	if err != nil {
		fault("the entry cannot be read: %v", err)
		return nil
	}
	le := sightline.LogEntry{Entry: e, Bytes: raw.Bytes, Signature: raw.Signature, PublicKey: raw.Public}
	if err := le.VerifySignature(); err != nil {
		fault("%v", err)
	}
	if e.V != 1 {
		fault("the entry is of version %d, which this program does not know", e.V)
	}
	if e.Seq != raw.Seq || e.Log != s.origin {
		fault("the entry says that it is entry %d of %s", e.Seq, e.Log)
	}
	if e.Prev != prev {
		fault("the entry does not follow the one before it")
	}
	item := ""
	if e.Item != nil {
		item = e.Item.ID
	}
	if e.At != raw.At || string(e.Kind) != raw.Kind || e.Actor.Key != raw.Key || item != raw.For {
		fault("the columns beside the entry do not say what the entry says")
	}
	if t, err := time.Parse(time.RFC3339, e.At); err != nil {
		fault("the time %q of the entry cannot be read", e.At)
	} else {
		if t.Before(s.lastAt) {
			c.note("entry %d is dated %s, before the entry it follows: the clock of the machine was set back", e.Seq, e.At)
		}
		s.lastAt = t
	}
	if err := c.sealed(r, s, e, fault); err != nil {
		return err
	}
	if k, ok := s.keys[e.Actor.Key]; !ok {
		fault("the key %s that signed was not in force", e.Actor.Key)
	} else if k.Action == "remove" {
		delete(s.keys, e.Actor.Key) // it signed its own leaving
	}
	if e.Kind == sightline.EntryErase && e.Item != nil {
		if d, err := digest.Parse(e.Item.SHA256); err == nil {
			c.gone[d] = fmt.Sprintf("on %s by entry %d", e.At, e.Seq)
		}
		for _, p := range e.Parents { // the derivatives that went with it
			if d, err := digest.Parse(p); err == nil {
				c.gone[d] = fmt.Sprintf("on %s by entry %d", e.At, e.Seq)
			}
		}
		c.note("%s was erased on %s by the key %s (entry %d)", e.Item.ID, e.At, e.Actor.Key, e.Seq)
	}
	return nil
}

// sealed opens the commitments of an entry and replays its change.
func (c *checker) sealed(r *sqlite.Raw, s *replayed, e sightline.Entry, fault func(string, ...any)) error {
	kept, err := r.Sealed(e.Seq)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, v := range kept {
		c.rep.Checked.Sealed++
		seen[v.Name] = true
		commitment, ok := e.Sealed[v.Name]
		if !ok {
			fault("a sealed value %q lies beside the entry, which does not commit to it", v.Name)
			continue
		}
		if !v.Opens(commitment) {
			fault("the sealed value %q is not the one the entry commits to", v.Name)
			continue
		}
		switch v.Name {
		case "change":
			c.replay(s, e, v.Value, fault)
		case "key":
			var k sightline.KeyChange
			if err := json.Unmarshal(v.Value, &k); err != nil {
				fault("the change of keys cannot be read: %v", err)
			} else if k.Action == "remove" && k.Key == e.Actor.Key {
				k.Action = "remove"
				s.keys[k.Key] = k
			} else if k.Action == "remove" {
				delete(s.keys, k.Key)
			} else {
				s.keys[k.Key] = k
				if k.Action == "adopt" {
					c.note("entry %d: the case was opened on another machine, whose key %s entered by itself", e.Seq, k.Key)
				}
			}
		case "token":
			var t StampRecord
			if err := json.Unmarshal(v.Value, &t); err != nil || e.Kind != sightline.EntryAnchor {
				fault("what it tells of a time-stamp cannot be read")
			} else {
				s.tokens[fmt.Sprintf("%d %s", t.Size, t.Authority)] = t
			}
		case "erasure":
			var x sqlite.Erased
			if err := json.Unmarshal(v.Value, &x); err != nil || e.Kind != sightline.EntryErase {
				fault("what was erased cannot be read")
			}
			for _, seq := range x.Entries {
				s.erased[seq] = true
			}
		case "log":
			var k LogKey
			if err := json.Unmarshal(v.Value, &k); err != nil || e.Seq != 0 {
				fault("the log's key cannot be read or stands in the wrong entry")
			} else if s.logKey, err = hex.DecodeString(k.Public); err != nil {
				fault("the log's key cannot be read")
			}
		}
	}
	for name := range e.Sealed {
		if !seen[name] {
			s.missing[e.Seq] = true // a later entry may say that it was erased
		}
	}
	return nil
}

// replay applies a change to the state and notes which bytes must exist.
func (c *checker) replay(s *replayed, e sightline.Entry, raw json.RawMessage, fault func(string, ...any)) {
	var changes []sightline.Change
	if err := json.Unmarshal(raw, &changes); err != nil {
		fault("the change cannot be read: %v", err)
		return
	}
	for _, ch := range changes {
		row := replayedRow{rev: ch.Rev, seq: e.Seq, reason: ch.Reason}
		if string(ch.Value) != "null" && len(ch.Value) > 0 {
			row.value = digest.Of(ch.Value)
			c.wantBytes(ch, e)
		}
		if was := s.objects[ch.Ref]; ch.Rev <= was.rev {
			fault("%s %s goes from revision %d to %d", ch.Kind, ch.ID, was.rev, ch.Rev)
		}
		s.objects[ch.Ref] = row
	}
}

// wantBytes notes the bytes that a value names. Bytes once named must stay,
// also when a later revision names others.
func (c *checker) wantBytes(ch sightline.Change, e sightline.Entry) {
	var v struct {
		SHA256 string `json:"sha256"`
		Size   *int64 `json:"size"`
		Held   *bool  `json:"held"`
	}
	if json.Unmarshal(ch.Value, &v) != nil || v.SHA256 == "" {
		return
	}
	switch ch.Kind {
	case sightline.KindItem:
		if v.Held == nil || !*v.Held {
			return // a record of something published elsewhere holds no bytes
		}
	case sightline.KindDerivative, sightline.KindLayer:
	default:
		return
	}
	d, err := digest.Parse(v.SHA256)
	if err != nil {
		c.fault(Fault{What: err.Error(), Where: fmt.Sprintf("%s %s", ch.Kind, ch.ID), Entry: at(e.Seq), Remedy: "Correct the digest."})
		return
	}
	if _, known := c.want[d]; known {
		return
	}
	w := wanted{size: -1, ref: ch.Ref, seq: e.Seq, at: e.At}
	if v.Size != nil {
		w.size = *v.Size
	}
	c.want[d] = w
}

// tree compares the stored hashes with those made from the entries.
func (c *checker) tree(r *sqlite.Raw, s *replayed) error {
	n := int64(0)
	for h, err := range r.Hashes() {
		if errors.Is(err, sightline.ErrDamaged) {
			c.fault(Fault{What: err.Error(), Where: "table hash", Remedy: restore})
			return nil
		}
		if err != nil {
			return err
		}
		if n >= int64(len(s.tree)) || h != s.tree[n] {
			level, i := tlog.SplitStoredHashIndex(n)
			c.fault(Fault{What: fmt.Sprintf("the stored hash of level %d at %d is not the one the entries give", level, i), Where: fmt.Sprintf("table hash, row %d", n), Entry: at(i << level), Remedy: restore})
		}
		n++
	}
	if n < int64(len(s.tree)) {
		c.fault(Fault{What: fmt.Sprintf("%d hashes of the tree are missing", int64(len(s.tree))-n), Where: "table hash", Remedy: restore})
	}
	return nil
}

// checkpoints compares the tree with every signed head, and the log's key in
// the folder with the one in the first entry.
func (c *checker) checkpoints(r *sqlite.Raw, s *replayed) error {
	if len(s.logKey) == 0 {
		c.fault(Fault{What: "the first entry does not hold the log's key, so no checkpoint can be verified", Where: "log, entry 0", Entry: at(0), Remedy: history})
		return nil
	}
	if b, err := os.ReadFile(filepath.Join(c.f.Dir, keysDir, logPub)); err == nil {
		if raw, err := parsePublicPEM(b); err != nil || !bytes.Equal(raw, s.logKey) {
			c.fault(Fault{What: "the public key in the folder is not the log's key as its first entry has it", Where: keysDir + "/" + logPub, Entry: at(0), Remedy: restore})
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("failed to read the log's public key: %w", err)
	}
	list, err := r.Checkpoints()
	if err != nil {
		return err
	}
	covered := int64(0)
	kept := map[int64][]byte{}
	for _, p := range list {
		kept[p.Size] = p.Note
		c.rep.Checked.Checkpoints++
		where := fmt.Sprintf("checkpoint of %d entries", p.Size)
		head, err := openCheckpoint(p.Note, s.logKey)
		switch {
		case err != nil:
			c.fault(Fault{What: err.Error(), Where: where, Remedy: history})
			continue
		case head.Size != p.Size || head.Origin != s.origin:
			c.fault(Fault{What: fmt.Sprintf("the note is about %d entries of %s", head.Size, head.Origin), Where: where, Remedy: history})
			continue
		case head.Size > s.size:
			c.fault(Fault{What: fmt.Sprintf("the log has %d entries now and had %d when this was signed: entries were taken away", s.size, head.Size), Where: where, Entry: at(s.size), Remedy: history})
			continue
		}
		root, err := tlog.TreeHash(head.Size, s)
		if err != nil {
			return err
		}
		if root != head.Root {
			c.fault(Fault{What: "the entries no longer give the root that was signed: the log was changed since", Where: where, Entry: at(head.Size - 1), Remedy: history})
		}
		if _, err := time.Parse(time.RFC3339, p.At); err != nil {
			c.fault(Fault{What: fmt.Sprintf("its time %q cannot be read", p.At), Where: where, Remedy: restore})
		}
		covered = max(covered, head.Size)
		if err := c.tokens(r, p, where, s.tokens); err != nil {
			return err
		}
	}
	for _, t := range s.tokens {
		c.fault(Fault{What: fmt.Sprintf("the time-stamp of %s over it, of which the log tells, is missing", t.Authority), Where: fmt.Sprintf("checkpoint of %d entries", t.Size), Remedy: restore})
	}
	if covered < s.size {
		c.note("%d of %d entries are newer than the last checkpoint", s.size-covered, s.size)
	}
	return c.compareWitnesses(s, kept)
}

// tokens checks that each time-stamp is over its checkpoint and signed by the
// certificate it carries.
func (c *checker) tokens(r *sqlite.Raw, p sightline.Checkpoint, where string, told map[string]StampRecord) error {
	list, err := r.Tokens(p.Size)
	if err != nil {
		return err
	}
	for _, t := range list {
		c.stamp(t, p, where, told)
	}
	return nil
}

// objects compares every row with the last change the log tells of.
func (c *checker) objects(r *sqlite.Raw, s *replayed) error {
	for o, err := range r.Objects() {
		if err != nil {
			return err
		}
		c.rep.Checked.Objects++
		where := fmt.Sprintf("%s %s", o.Kind, o.ID)
		told, ok := s.objects[o.Ref]
		if !ok {
			c.fault(Fault{What: "the row is not in the log", Where: where, Remedy: history})
			continue
		}
		delete(s.objects, o.Ref)
		var value digest.Digest
		if o.Value != nil {
			value = digest.Of(o.Value)
		}
		if value != told.value || o.Rev != told.rev || o.Seq != told.seq || o.Reason != told.reason {
			c.fault(Fault{What: fmt.Sprintf("the row (revision %d of entry %d) is not what the log tells (revision %d of entry %d)", o.Rev, o.Seq, told.rev, told.seq), Where: where, Entry: at(told.seq), Remedy: restore})
		}
	}
	for ref, told := range s.objects {
		c.fault(Fault{What: "the row is missing", Where: fmt.Sprintf("%s %s", ref.Kind, ref.ID), Entry: at(told.seq), Remedy: restore})
	}
	return nil
}

// keys compares the table of keys with the log.
func (c *checker) keys(r *sqlite.Raw, s *replayed) error {
	list, err := r.Keys()
	if err != nil {
		return err
	}
	for _, k := range list {
		told, in := s.keys[k.Key]
		if k.Until >= 0 {
			if in {
				c.fault(Fault{What: "the table says that the key has left, the log says that it is in force", Where: "key " + k.Key, Remedy: restore})
			}
			continue
		}
		if !in || told.Public != hex.EncodeToString(k.Public) || told.Role != k.Role || told.Name != k.Name || told.Action != k.Action {
			c.fault(Fault{What: "the table of keys is not what the log tells", Where: "key " + k.Key, Entry: at(k.Since), Remedy: restore})
		}
		delete(s.keys, k.Key)
	}
	for key := range s.keys {
		c.fault(Fault{What: "a key of the log is missing in the table of keys", Where: "key " + key, Remedy: restore})
	}
	return nil
}
