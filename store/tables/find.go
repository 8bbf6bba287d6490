package tables

import (
	"cmp"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sightline"
)

var _ sightline.Library = (*reader)(nil)

// textCap is how many items a text may match before numbers are "at least".
const textCap = 20_000

// textCheck is up to how many items are read to see whether a text that
// matches more than textCap is in them.
const textCheck = 1000

// fieldOf numbers the fields by name.
var fieldOf = func() map[string]int {
	m := map[string]int{}
	for f, name := range sightline.Fields {
		m[name] = f
	}
	return m
}()

func field(name string) (int, error) {
	f, ok := fieldOf[name]
	if !ok {
		return 0, fmt.Errorf("items have no field %q; the fields are %s: %w", name, strings.Join(sightline.Fields, ", "), sightline.ErrInvalid)
	}
	return f, nil
}

// columns gives the columns of the case, as new as this state or newer, with
// its lock held for reading.
func (r *reader) columns() (*columns, func(), error) {
	if r.at != "" {
		return nil, nil, fmt.Errorf("the library is asked outside of an update: %w", sightline.ErrInvalid)
	}
	c := r.s.columns
	if err := c.freshen(r.ctx, r.q); err != nil {
		return nil, nil, err
	}
	c.mu.RLock()
	return c, c.mu.RUnlock, nil
}

// chosen is what a filter leaves: all, and for each field that it chooses
// values of, what the rest of the filter leaves.
type chosen struct {
	all    []uint64
	but    map[int][]uint64
	capped bool
}

func and(a, b []uint64) {
	for i := range a {
		a[i] &= b[i]
	}
}

func count(bits_ []uint64) (n int) {
	for _, w := range bits_ {
		n += bits.OnesCount64(w)
	}
	return n
}

// each calls fn for every set bit, in order, until it gives false.
func each(set []uint64, fn func(at uint32) bool) {
	for i, w := range set {
		for ; w != 0; w &= w - 1 {
			if !fn(uint32(i<<6 + bits.TrailingZeros64(w))) {
				return
			}
		}
	}
}

// filter evaluates a filter over the columns.
func (r *reader) filter(c *columns, f sightline.Filter) (*chosen, error) {
	base := slices.Clone(c.live)
	if f.Timed {
		and(base, c.timed)
	}
	if f.IDs != nil {
		only := make([]uint64, len(base))
		for _, id := range f.IDs {
			at, ok, err := r.place(c, id)
			if err != nil {
				return nil, err
			}
			if ok {
				set(only, at, true)
			}
		}
		and(base, only)
	}
	if f.Placed {
		for i := range base {
			for w := base[i]; w != 0; w &= w - 1 {
				if at := i<<6 + bits.TrailingZeros64(w); c.at[2*at] == noPlace {
					base[i] &^= 1 << (at & 63)
				}
			}
		}
	}
	if f.Time.Min != nil || f.Time.Max != nil {
		lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
		if f.Time.Min != nil {
			lo = int64(*f.Time.Min)
		}
		if f.Time.Max != nil {
			hi = int64(*f.Time.Max)
		}
		and(base, c.timed)
		c.keep(base, func(at int) bool { return c.max[at] >= lo && c.min[at] <= hi })
	}
	if f.Box != nil {
		b := fixed(*f.Box)
		c.keep(base, func(at int) bool { return c.inside(uint32(at), b) })
	}
	chosenBits := map[int][]uint64{}
	for name, values := range f.Facets {
		n, err := field(name)
		if err != nil {
			return nil, err
		}
		if len(values) > 0 {
			chosenBits[n] = c.withValues(n, values, base)
		}
	}
	out := &chosen{all: slices.Clone(base), but: map[int][]uint64{}}
	for _, b := range chosenBits {
		and(out.all, b)
	}
	for n := range chosenBits {
		rest := slices.Clone(base)
		for m, b := range chosenBits {
			if m != n {
				and(rest, b)
			}
		}
		out.but[n] = rest
	}
	words := Tokens(f.Text)
	if len(words) == 0 {
		if strings.TrimSpace(f.Text) != "" { // marks only: no word begins so
			clear(out.all)
			for _, b := range out.but {
				clear(b)
			}
		}
		return out, nil
	}
	hit, capped, err := r.textHits(c, words, out)
	if err != nil {
		return nil, err
	}
	and(out.all, hit)
	for _, b := range out.but {
		and(b, hit)
	}
	out.capped = capped
	return out, nil
}

// keep clears the bits for which ok gives false.
func (c *columns) keep(set []uint64, ok func(at int) bool) {
	for i, w := range set {
		left := w
		for ; w != 0; w &= w - 1 {
			if b := bits.TrailingZeros64(w); !ok(i<<6 + b) {
				left &^= 1 << b
			}
		}
		set[i] = left
	}
}

// fixed is a box in the unit of stored coordinates: west, south, east, north.
func fixed(b sightline.Box) [4]int32 {
	f := func(v float64, edge func(float64) float64) int32 { return int32(edge(min(max(v, -180), 180) * degree)) }
	up := func(v float64) float64 { return math.Ceil(v - 1e-6) }
	down := func(v float64) float64 { return math.Floor(v + 1e-6) }
	return [4]int32{f(b.West, up), f(b.South, up), f(b.East, down), f(b.North, down)}
}

func within(lon, lat int32, b [4]int32) bool {
	return lon >= b[0] && lon <= b[2] && lat >= b[1] && lat <= b[3]
}

// inside reports that a place of an item lies in the box.
func (c *columns) inside(at uint32, b [4]int32) bool {
	lon := c.at[2*at]
	if lon == noPlace {
		return false
	}
	if within(lon, c.at[2*at+1], b) {
		return true
	}
	if !has(c.several, at) {
		return false
	}
	for _, p := range c.more[at] {
		if within(p[0], p[1], b) {
			return true
		}
	}
	return false
}

// withValues gives the items among base with one of the values of a field.
func (c *columns) withValues(f int, values []string, base []uint64) []uint64 {
	want := map[uint32]bool{}
	for _, v := range values {
		if code, ok := c.names[f].codes[v]; ok {
			want[code] = true
		}
	}
	out := make([]uint64, len(base))
	if len(want) == 0 {
		return out
	}
	if f >= fTag {
		copy(out, base)
		c.keep(out, func(at int) bool {
			_, _, tags, ents := c.textOf(uint32(at))
			if f == fEntity {
				tags = ents
			}
			for ; len(tags) > 0; tags = tags[4:] {
				if want[binary.LittleEndian.Uint32(tags)] {
					return true
				}
			}
			return false
		})
		return out
	}
	is := make([]uint64, len(c.names[f].names))
	for code := range want {
		is[code] = 1
	}
	col := c.code[f]
	for i := range out {
		var w uint64
		for j, code := range col[i<<6 : min(i<<6+64, c.n)] {
			w |= is[code] << j
		}
		out[i] = w & base[i]
	}
	return out
}

// tally counts the values of a field among items.
func (c *columns) tally(f int, among []uint64) []sightline.FacetCount {
	sum := make([]int, len(c.names[f].names))
	if f >= fTag {
		each(among, func(at uint32) bool {
			_, _, l, ents := c.textOf(at)
			if f == fEntity {
				l = ents
			}
			for ; len(l) > 0; l = l[4:] {
				sum[binary.LittleEndian.Uint32(l)]++
			}
			return true
		})
	} else {
		col := c.code[f]
		for i, w := range among {
			if w == math.MaxUint64 {
				for _, code := range col[i<<6 : i<<6+64] {
					sum[code]++
				}
				continue
			}
			for ; w != 0; w &= w - 1 {
				sum[col[i<<6+bits.TrailingZeros64(w)]]++
			}
		}
	}
	out := []sightline.FacetCount{}
	for code, n := range sum {
		if n > 0 {
			out = append(out, sightline.FacetCount{Value: c.names[f].names[code], Count: n})
		}
	}
	slices.SortFunc(out, func(a, b sightline.FacetCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	if f >= fTag && len(out) > maxListed {
		out = out[:maxListed]
	}
	return out
}

// maxListed bounds the values of a list field that are told.
const maxListed = 200

// place finds the place of an item by its id.
func (r *reader) place(c *columns, id string) (uint32, bool, error) {
	for oid, err := range rows(r.ctx, r.q, scanSeq, `SELECT oid FROM object WHERE kind='item' AND id=?`, id) {
		if err != nil {
			return 0, false, err
		}
		at, ok := c.placeOf(oid)
		return at, ok && has(c.live, at), nil
	}
	return 0, false, nil
}

// textHits finds the items in which each word begins a word. Beyond textCap it
// gives the first of them, unless the rest of the filter leaves so few items
// that they can be read.
func (r *reader) textHits(c *columns, words []string, rest *chosen) (hit []uint64, capped bool, err error) {
	hit = make([]uint64, len(c.live))
	few := count(rest.all)
	for _, b := range rest.but {
		few = max(few, count(b))
	}
	if few == 0 {
		return hit, false, nil
	}
	words = c.asked(words)
	oids, err := r.s.engine.TextHits(r.ctx, r.q, words, textCap+1)
	if err != nil {
		return nil, false, err
	}
	if len(oids) <= textCap || few > textCheck {
		for _, oid := range oids[:min(len(oids), textCap)] {
			if at, ok := c.placeOf(oid); ok {
				set(hit, at, true)
			}
		}
		return hit, len(oids) > textCap, nil
	}
	look := slices.Clone(rest.all)
	for _, b := range rest.but {
		for i := range look {
			look[i] |= b[i]
		}
	}
	var read []int64
	each(look, func(at uint32) bool { read = append(read, c.oid[at]); return true })
	list, err := json.Marshal(read)
	if err != nil {
		return nil, false, err
	}
	type row struct {
		oid   int64
		value []byte
	}
	for o, err := range rows(r.ctx, r.q, func(rs *sql.Rows) (o row, err error) { err = rs.Scan(&o.oid, &o.value); return o, err },
		`SELECT oid, value FROM object WHERE value IS NOT NULL AND oid IN (`+r.s.engine.Numbers("?1")+`)`, string(list)) {
		if err != nil {
			return nil, false, err
		}
		if beginAll(Tokens(Words(o.value)), words) {
			if at, ok := c.placeOf(o.oid); ok {
				set(hit, at, true)
			}
		}
	}
	return hit, false, nil
}

// NumberList reads what an engine joined with commas; nothing where there is none.
func NumberList(row *sql.Row) ([]int64, error) {
	var s sql.NullString
	if err := row.Scan(&s); err != nil || s.String == "" {
		return nil, err
	}
	out := make([]int64, 0, strings.Count(s.String, ",")+1)
	for part := range strings.SplitSeq(s.String, ",") {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the list of numbers %.40q: %w", s.String, sightline.ErrDamaged)
		}
		out = append(out, n)
	}
	return out, nil
}

// wholeWord marks a word of a query that is meant whole.
const wholeWord = "="

// asked marks the words that a large case looks for whole: one or two letters
// begin a word of nearly every item, and to gather those takes seconds.
func (c *columns) asked(words []string) []string {
	if c.n <= textCap {
		return words
	}
	out := slices.Clone(words)
	for i, w := range out {
		if utf8.RuneCountInString(w) <= shortWord {
			out[i] = wholeWord + w
		}
	}
	return out
}

// beginAll reports that each of the words begins one of the tokens.
func beginAll(tokens, words []string) bool {
	for _, w := range words {
		whole, short := strings.CutPrefix(w, wholeWord)
		if !slices.ContainsFunc(tokens, func(t string) bool { return short && t == whole || !short && strings.HasPrefix(t, w) }) {
			return false
		}
	}
	return true
}

func (c *columns) card(at uint32) sightline.Card {
	k := sightline.Card{ID: c.id(at), Timed: has(c.timed, at), Placed: c.at[2*at] != noPlace, Min: instantOf(c.min[at], noMin), Max: instantOf(c.max[at], noMax),
		Media: c.valueOf(fMedia, at), Perspective: c.valueOf(fPerspective, at), Status: c.valueOf(fStatus, at), Sensitivity: c.valueOf(fSensitivity, at)}
	if k.Placed {
		k.Lon, k.Lat = float64(c.at[2*at])/degree, float64(c.at[2*at+1])/degree
	}
	return k
}

func (c *columns) valueOf(f int, at uint32) string { return c.names[f].names[c.code[f][at]] }

func (r *reader) Find(q sightline.FindQuery) (*sightline.Found, error) {
	c, done, err := r.columns()
	if err != nil {
		return nil, err
	}
	if title := strings.TrimPrefix(q.Sort, "-") == "title"; title || strings.TrimPrefix(q.Sort, "-") == "time" {
		done()
		c.orders(title)
		c.mu.RLock()
	}
	defer func() { done() }()
	left, err := r.filter(c, q.Filter)
	if err != nil {
		return nil, err
	}
	out := &sightline.Found{Total: count(left.all), Capped: left.capped, Head: c.seq + 1, Items: []sightline.Card{}, Facets: map[string][]sightline.FacetCount{}}
	for _, name := range q.Count {
		f, err := field(name)
		if err != nil {
			return nil, err
		}
		among := left.all
		if but := left.but[f]; but != nil {
			among = but
		}
		out.Facets[name] = c.tally(f, among)
	}
	page, err := c.page(left.all, q.Sort, max(q.Offset, 0), max(q.Limit, 0))
	if err != nil {
		return nil, err
	}
	for _, at := range page {
		out.Items = append(out.Items, c.card(at))
	}
	return out, nil
}

// page gives a part of the items in order. The whole order is kept, so a page
// is a walk over it that tests one bit an item.
func (c *columns) page(left []uint64, sort string, offset, limit int) (out []uint32, err error) {
	if limit == 0 {
		return nil, nil
	}
	take := func(at uint32) bool {
		if !has(left, at) {
			return true
		}
		if offset > 0 {
			offset--
			return true
		}
		out = append(out, at)
		return len(out) < limit
	}
	walk := func(order []uint32) {
		for _, at := range order {
			if !take(at) {
				return
			}
		}
	}
	back := func(order []uint32) {
		for i := len(order) - 1; i >= 0; i-- {
			if !take(order[i]) {
				return
			}
		}
	}
	switch sort {
	case "", "added":
		each(left, take)
	case "-added":
		for i := c.n - 1; i >= 0 && take(uint32(i)); i-- {
		}
	case "time":
		walk(c.byTime)
	case "-time":
		timed := slices.IndexFunc(c.byTime, func(at uint32) bool { return !has(c.timed, at) })
		if timed < 0 {
			timed = len(c.byTime)
		}
		back(c.byTime[:timed])
		if len(out) < limit {
			walk(c.byTime[timed:])
		}
	case "title":
		walk(c.byTitle)
	case "-title":
		back(c.byTitle)
	default:
		return nil, fmt.Errorf("items are sorted by time, -time, title, -title, added or -added, not by %q: %w", sort, sightline.ErrInvalid)
	}
	return out, nil
}

func (r *reader) Extent() (sightline.Extent, error) {
	c, done, err := r.columns()
	if err != nil {
		return sightline.Extent{}, err
	}
	defer done()
	e := sightline.Extent{Items: count(c.live), Timed: count(c.timed), Head: c.seq + 1}
	lo, hi := int64(noMax), int64(noMin)
	box := [4]int32{math.MaxInt32, math.MaxInt32, math.MinInt32, math.MinInt32}
	each(c.live, func(at uint32) bool {
		if has(c.timed, at) {
			if v := c.min[at]; v != noMin {
				lo, hi = min(lo, v), max(hi, v)
			}
			if v := c.max[at]; v != noMax {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
		if lon, lat := c.at[2*at], c.at[2*at+1]; lon != noPlace {
			e.Placed++
			box = [4]int32{min(box[0], lon), min(box[1], lat), max(box[2], lon), max(box[3], lat)}
		}
		return true
	})
	if lo <= hi {
		e.Min, e.Max = instantOf(lo, noMax), instantOf(hi, noMin)
	}
	if e.Placed > 0 {
		e.Box = &sightline.Box{West: float64(box[0]) / degree, South: float64(box[1]) / degree, East: float64(box[2]) / degree, North: float64(box[3]) / degree}
	}
	return e, nil
}

// maxWithin is the widest distance between two perceptual hashes that still
// says something: two unrelated pictures differ in about 128 of 256 bits.
const maxWithin = 64

func (r *reader) Copies(q sightline.CopiesQuery) (*sightline.Copies, error) {
	if q.Within < 0 || q.Within > maxWithin {
		return nil, fmt.Errorf("copies are looked for within 0 to %d bits, not %d: %w", maxWithin, q.Within, sightline.ErrInvalid)
	}
	c, done, err := r.columns()
	if err != nil {
		return nil, err
	}
	defer done()
	out := &sightline.Copies{Hashed: len(c.hashes), Head: c.seq + 1, Copies: []sightline.CopyHit{}}
	var want [4]uint64
	self := uint32(math.MaxUint32)
	if q.Item != "" {
		at, ok, err := r.place(c, q.Item)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("item %q: %w", q.Item, sightline.ErrNotFound)
		}
		i, ok := slices.BinarySearchFunc(c.hashes, at, func(h hash, at uint32) int { return cmp.Compare(h.place, at) })
		if !ok {
			return out, nil
		}
		self, want = at, c.hashes[i].bits
	} else {
		b, err := hex.DecodeString(q.PDQ)
		if err != nil || len(b) != 32 {
			return nil, fmt.Errorf("a perceptual hash is 64 hexadecimal digits: %w", sightline.ErrInvalid)
		}
		want = bitsOf(b)
	}
	type near struct {
		at uint32
		d  int
	}
	var found []near
	for i := range c.hashes {
		h := &c.hashes[i]
		d := bits.OnesCount64(h.bits[0]^want[0]) + bits.OnesCount64(h.bits[1]^want[1])
		if d > q.Within {
			continue
		}
		d += bits.OnesCount64(h.bits[2]^want[2]) + bits.OnesCount64(h.bits[3]^want[3])
		if d <= q.Within && h.place != self {
			found = append(found, near{h.place, d})
		}
	}
	slices.SortFunc(found, func(a, b near) int { return cmp.Or(cmp.Compare(a.d, b.d), cmp.Compare(a.at, b.at)) })
	for _, n := range found[:min(len(found), max(q.Limit, 0))] {
		out.Copies = append(out.Copies, sightline.CopyHit{ID: c.id(n.at), Distance: n.d})
	}
	return out, nil
}
