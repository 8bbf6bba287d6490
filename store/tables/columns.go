package tables

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"sync"

	"sightline"
)

// columns are the cards of a case in memory, one slice for each member, so that
// a question touches only what it asks about and a million items take
// milliseconds. They are about 150 bytes an item. The truth is in the sheets:
// columns are read from them when the first question comes, and before each
// later one the sheets that changed since are read again.
type columns struct {
	mu  sync.RWMutex
	seq sightline.Seq // entry that they hold everything up to; -1: nothing yet

	n        int      // places, withdrawn items too
	live     []uint64 // bit for each place
	timed    []uint64
	several  []uint64 // has more than one place
	oid      []int64  // rises with the place
	min, max []int64
	at       []int32 // longitude and latitude of the first place, 1e-7 degrees; noPlace where there is none
	more     map[uint32][][2]int32
	code     [nFields + 1][]uint16 // with the status
	names    [nFields + 3]dictionary
	text     []byte   // id, title, tags and entities of each item, one after another
	off      []uint32 // where those of an item begin
	dead     int      // bytes of text that nothing points at
	hashes   []hash   // in order of place
	byTime   []uint32 // live places in order; nil: not yet asked for, or changed since
	byTitle  []uint32
	changed  map[uint32]bool // places that the orders do not know yet
}

type hash struct {
	place uint32
	bits  [4]uint64
}

const noPlace = math.MinInt32

// dictionary numbers the values of a field.
type dictionary struct {
	names []string
	codes map[string]uint32
}

// maxValues bounds a field of one value, which has two bytes an item; the rare
// case of more keeps those that came later as one.
const maxValues = math.MaxUint16

const otherValues = "…"

func (d *dictionary) code(s string, most int) uint32 {
	if c, ok := d.codes[s]; ok {
		return c
	}
	if d.codes == nil {
		d.codes = map[string]uint32{}
	}
	if len(d.names) >= most {
		s = otherValues
		if c, ok := d.codes[s]; ok {
			return c
		}
	}
	c := uint32(len(d.names))
	s = string(append([]byte(nil), s...)) // not a part of a sheet's memory
	d.names = append(d.names, s)
	d.codes[s] = c
	return c
}

func has(bits []uint64, i uint32) bool { return bits[i>>6]&(1<<(i&63)) != 0 }

func set(bits []uint64, i uint32, on bool) {
	if on {
		bits[i>>6] |= 1 << (i & 63)
	} else {
		bits[i>>6] &^= 1 << (i & 63)
	}
}

func newColumns() *columns {
	return &columns{seq: -1, more: map[uint32][][2]int32{}, changed: map[uint32]bool{}}
}

// freshen reads what changed since the last question. The caller has the
// state of a transaction; columns that are newer than it stay as they are.
func (c *columns) freshen(ctx context.Context, q Queryer) error {
	var last sightline.Seq
	if err := q.QueryRowContext(ctx, `SELECT coalesce(max(seq), -1) FROM entry`).Scan(&last); err != nil {
		return err
	}
	c.mu.RLock()
	fresh := c.seq >= last
	c.mu.RUnlock()
	if fresh {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seq >= last {
		return nil
	}
	if c.dead > 1<<20 && c.dead > len(c.text)/2 {
		c.reset()
	}
	if c.seq < 0 {
		var n int
		if err := q.QueryRowContext(ctx, `SELECT coalesce(max(n)+1, 0) FROM sheet`).Scan(&n); err != nil {
			return err
		}
		c.reserve(n * perSheet)
	}
	type sheet struct {
		n    int
		body []byte
	}
	for s, err := range rows(ctx, q, func(rs *sql.Rows) (s sheet, err error) { err = rs.Scan(&s.n, &s.body); return s, err },
		`SELECT n, body FROM sheet WHERE seq > ? ORDER BY n`, c.seq) {
		if err != nil {
			c.reset()
			return err
		}
		if c.seq < 0 {
			if err := c.read(uint32(s.n*perSheet), s.body); err != nil {
				c.reset()
				return fmt.Errorf("sheet %d: %w", s.n, err)
			}
			continue
		}
		list, err := unpackSheet(s.body)
		if err != nil {
			c.reset()
			return fmt.Errorf("sheet %d: %w", s.n, err)
		}
		for i, k := range list {
			c.put(uint32(s.n*perSheet+i), k)
		}
	}
	large := c.seq < 0 && c.n > 100_000
	c.hashes = slices.Clip(c.hashes)
	c.seq = last
	if large {
		debug.FreeOSMemory() // the sheets were read once; their memory would stay for long
		// The columns stay, and hold nothing to look through: garbage as large
		// as they are would double what the server takes.
		debug.SetGCPercent(40)
	}
	return nil
}

func (c *columns) reset() {
	fresh := newColumns()
	c.several = nil
	c.seq, c.n, c.live, c.timed, c.oid, c.min, c.max, c.at, c.more, c.code, c.names = fresh.seq, 0, nil, nil, nil, nil, nil, nil, fresh.more, fresh.code, fresh.names
	c.text, c.off, c.dead, c.hashes, c.byTime, c.byTitle, c.changed = nil, nil, 0, nil, nil, nil, fresh.changed
}

// reserve makes room at once: growing slices of a million doubles what is held.
func (c *columns) reserve(n int) {
	c.live, c.timed, c.several = make([]uint64, 0, n/64+1), make([]uint64, 0, n/64+1), make([]uint64, 0, n/64+1)
	c.oid, c.min, c.max, c.at, c.off = make([]int64, 0, n), make([]int64, 0, n), make([]int64, 0, n), make([]int32, 0, 2*n), make([]uint32, 0, n)
	for f := range c.code {
		c.code[f] = make([]uint16, 0, n)
	}
	c.text = make([]byte, 0, n*56)
}

// grow makes room up to a place.
func (c *columns) grow(at uint32) {
	for uint32(c.n) <= at {
		if c.n%64 == 0 {
			c.live, c.timed, c.several = append(c.live, 0), append(c.timed, 0), append(c.several, 0)
		}
		c.oid, c.min, c.max, c.at, c.off = append(c.oid, 0), append(c.min, noMin), append(c.max, noMax), append(c.at, noPlace, noPlace), append(c.off, 0)
		for f := range c.code {
			c.code[f] = append(c.code[f], 0)
		}
		c.n++
	}
}

// put takes the card of one place.
func (c *columns) put(at uint32, k *card) {
	c.grow(at)
	had := c.oid[at] != 0
	if had {
		if same := c.same(at, k); same {
			return // another card of its sheet changed
		}
		c.dead += c.textLen(at)
		delete(c.more, at)
	}
	c.oid[at] = k.oid
	set(c.live, at, k.live)
	set(c.timed, at, k.live && k.timed)
	set(c.several, at, len(k.places) > 1)
	c.min[at], c.max[at] = k.min, k.max
	c.at[2*at], c.at[2*at+1] = noPlace, noPlace
	if len(k.places) > 0 {
		c.at[2*at], c.at[2*at+1] = k.places[0][0], k.places[0][1]
	}
	if len(k.places) > 1 {
		c.more[at] = k.places[1:]
	}
	for f, v := range k.value {
		c.code[f][at] = uint16(c.names[f].code(v, maxValues))
	}
	c.code[fStatus][at] = uint16(c.names[fStatus].code(status(func(f int) string { return k.value[f] }), maxValues))
	c.putText(at, k)
	c.putHash(at, k.pdq)
	if c.byTime != nil || c.byTitle != nil {
		c.changed[at] = true
	}
}

// same reports that a card is the one held already.
func (c *columns) same(at uint32, k *card) bool {
	if has(c.live, at) != k.live || c.oid[at] != k.oid || c.min[at] != k.min || c.max[at] != k.max || has(c.timed, at) != (k.live && k.timed) {
		return false
	}
	for f, v := range k.value {
		if n := c.names[f].names[c.code[f][at]]; n != v {
			return false
		}
	}
	first := [2]int32{noPlace, noPlace}
	rest := k.places
	if len(k.places) > 0 {
		first, rest = k.places[0], k.places[1:]
	}
	if c.at[2*at] != first[0] || c.at[2*at+1] != first[1] || !slices.Equal(c.more[at], rest) {
		return false
	}
	i, ok := slices.BinarySearchFunc(c.hashes, at, func(h hash, at uint32) int { return cmp.Compare(h.place, at) })
	if ok != (k.pdq != nil) || ok && c.hashes[i].bits != bitsOf(k.pdq) {
		return false
	}
	id, title, tags, ents := c.textOf(at)
	return string(id) == k.id && string(title) == k.title && slices.Equal(c.namesOf(fTag, tags), k.tags) && slices.Equal(c.namesOf(fEntity, ents), k.ents)
}

func (c *columns) namesOf(f int, codes []byte) (out []string) {
	for ; len(codes) > 0; codes = codes[4:] {
		out = append(out, c.names[f].names[binary.LittleEndian.Uint32(codes)])
	}
	return out
}

// putText appends id, title, tags and entities: four lengths, then each. An
// id is at most 200 bytes and a title 64.
func (c *columns) putText(at uint32, k *card) {
	tags, ents := k.tags[:min(len(k.tags), 255)], k.ents[:min(len(k.ents), 255)]
	c.off[at] = uint32(len(c.text))
	c.text = append(c.text, byte(len(k.id)), byte(len(k.title)), byte(len(tags)), byte(len(ents)))
	c.text = append(append(c.text, k.id...), k.title...)
	for i, l := range [][]string{tags, ents} {
		for _, v := range l {
			c.text = binary.LittleEndian.AppendUint32(c.text, c.names[fTag+i].code(v, math.MaxUint32))
		}
	}
}

func (c *columns) textLen(at uint32) int {
	b := c.text[c.off[at]:]
	return 4 + int(b[0]) + int(b[1]) + 4*int(b[2]) + 4*int(b[3])
}

// textOf gives the parts of an item's text; tags and entities are codes of four bytes.
func (c *columns) textOf(at uint32) (id, title, tags, ents []byte) {
	b := c.text[c.off[at]:]
	i, t, g, e := int(b[0]), int(b[1]), 4*int(b[2]), 4*int(b[3])
	b = b[4:]
	return b[:i], b[i : i+t], b[i+t : i+t+g], b[i+t+g : i+t+g+e]
}

func (c *columns) id(at uint32) string { id, _, _, _ := c.textOf(at); return string(id) }

func bitsOf(pdq []byte) (w [4]uint64) {
	for i := range w {
		w[i] = binary.BigEndian.Uint64(pdq[8*i:])
	}
	return w
}

func (c *columns) putHash(at uint32, pdq []byte) {
	i, ok := slices.BinarySearchFunc(c.hashes, at, func(h hash, at uint32) int { return cmp.Compare(h.place, at) })
	switch {
	case pdq != nil && ok:
		c.hashes[i].bits = bitsOf(pdq)
	case pdq != nil:
		c.hashes = slices.Insert(c.hashes, i, hash{at, bitsOf(pdq)})
	case ok:
		c.hashes = slices.Delete(c.hashes, i, i+1)
	}
}

// placeOf finds the place of an object by its number: numbers rise with places.
func (c *columns) placeOf(oid int64) (uint32, bool) {
	i, ok := slices.BinarySearch(c.oid, oid)
	return uint32(i), ok
}

// orders makes sure that the orders by time and title are there. The caller
// holds no lock.
func (c *columns) orders(title bool) {
	c.mu.RLock()
	done := len(c.changed) == 0 && (!title && c.byTime != nil || title && c.byTitle != nil)
	c.mu.RUnlock()
	if done {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byTime != nil && len(c.changed) > 0 {
		c.byTime = c.merge(c.byTime, c.laterTime)
	}
	if c.byTitle != nil && len(c.changed) > 0 {
		c.byTitle = c.merge(c.byTitle, c.laterTitle)
	}
	clear(c.changed)
	if !title && c.byTime == nil {
		list := c.all()
		keyed(list, c.timeKey, c.laterTime)
		c.byTime = list
	}
	if title && c.byTitle == nil {
		list := c.all()
		keyed(list, c.titleKey, c.laterTitle)
		c.byTitle = list
	}
}

func (c *columns) all() []uint32 {
	out := make([]uint32, 0, c.n)
	for i := range uint32(c.n) {
		if has(c.live, i) {
			out = append(out, i)
		}
	}
	return out
}

// keyed sorts places by a number first, which lies beside them in memory, and
// only where numbers are equal by less.
func keyed(list []uint32, key func(at uint32) uint64, less func(a, b uint32) int) {
	type pair struct {
		key uint64
		at  uint32
	}
	pairs := make([]pair, len(list))
	for i, at := range list {
		pairs[i] = pair{key(at), at}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return less(a.at, b.at)
	})
	for i, p := range pairs {
		list[i] = p.at
	}
}

// timeKey is a number that rises as laterTime does.
func (c *columns) timeKey(at uint32) uint64 {
	if !has(c.timed, at) {
		return math.MaxUint64
	}
	return uint64(c.min[at]) ^ 1<<63
}

// titleKey is a number that rises as laterTitle does: the first eight bytes.
func (c *columns) titleKey(at uint32) (key uint64) {
	_, title, _, _ := c.textOf(at)
	for i := range 8 {
		key <<= 8
		if i < len(title) {
			key |= uint64(title[i])
		}
	}
	return key
}

// merge puts the changed places where they belong now: one pass, whatever the
// size of the case.
func (c *columns) merge(order []uint32, less func(a, b uint32) int) []uint32 {
	var in []uint32
	for at := range c.changed {
		if has(c.live, at) {
			in = append(in, at)
		}
	}
	slices.SortFunc(in, less)
	out := make([]uint32, 0, len(order)+len(in))
	for _, at := range order {
		if c.changed[at] {
			continue
		}
		for len(in) > 0 && less(in[0], at) < 0 {
			out, in = append(out, in[0]), in[1:]
		}
		out = append(out, at)
	}
	return append(out, in...)
}

// laterTime orders by the earlier end; an open beginning comes first and an
// item without time last.
func (c *columns) laterTime(a, b uint32) int {
	if x, y := has(c.timed, a), has(c.timed, b); x != y {
		if x {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(c.min[a], c.min[b]), cmp.Compare(c.max[a], c.max[b]), cmp.Compare(a, b))
}

func (c *columns) laterTitle(a, b uint32) int {
	_, s, _, _ := c.textOf(a)
	_, t, _, _ := c.textOf(b)
	return cmp.Or(bytes.Compare(s, t), cmp.Compare(a, b))
}
