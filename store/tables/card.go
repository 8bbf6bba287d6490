package tables

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"sightline"
	"sightline/when"
)

// A card is what items are found, counted and drawn by. The cards of 128 items
// that came one after another make a sheet, one row of a table: a million
// items are 7,813 rows, which are read in a fraction of a second, where a
// million rows of any table take many. A change writes one sheet anew, about
// ten kilobytes.

// fields of a card that have one value; the status is made of others and the
// last two are lists.
const (
	fMedia = iota
	fPerspective
	fSensitivity
	fPlace
	fTime
	fLane
	fPhase
	fLanguage
	fPlatform
	fType
	fHeld
	fWorkflow
	fPublic
	fAuthenticity
	fSource
	fAxPlace
	fAxTime
	fContent
	nFields
	fStatus = nFields // derived when it is read
	fTag    = nFields + 1
	fEntity = nFields + 2
)

// perSheet is how many cards lie in one row.
const perSheet = 128

// maxTitle bounds what titles are ordered by, in bytes after folding.
const maxTitle = 64

// degree is the unit of stored coordinates: 1e-7 degrees, 11 mm at most.
const degree = 1e7

type card struct {
	oid    int64 // row of table object; another one in a replay
	id     string
	live   bool // false: withdrawn, and the rest is empty
	title  string
	timed  bool
	min    int64 // UTC milliseconds; noMin, noMax are open
	max    int64
	places [][2]int32 // longitude, latitude
	value  [nFields]string
	tags   []string
	ents   []string
	pdq    []byte // 32 bytes or none
}

const (
	noMin = math.MinInt64
	noMax = math.MaxInt64
)

func or(s, none string) string {
	if s == "" {
		return none
	}
	return s
}

// cardOf makes the card of an item.
func cardOf(oid int64, it *sightline.Item) *card {
	c := &card{oid: oid, id: it.ID, live: true, title: titleKey(it.Title), min: noMin, max: noMax, tags: unique(it.Tags), ents: unique(it.Entities)}
	l := located{Times: it.Times, Posted: it.Posted, Places: it.Places}
	iv, known := l.inForce()
	c.timed = known && (iv.Min != nil || iv.Max != nil)
	if c.timed {
		if iv.Min != nil {
			c.min = int64(*iv.Min)
		}
		if iv.Max != nil {
			c.max = int64(*iv.Max)
		}
	}
	for _, p := range it.Places {
		if g := p.Geo; g != nil && !p.Withheld && len(c.places) < MaxPlaces && math.Abs(g.Lat) <= 90 && math.Abs(g.Lon) <= 180 {
			c.places = append(c.places, [2]int32{int32(math.Round(g.Lon * degree)), int32(math.Round(g.Lat * degree))})
		}
	}
	held := "no"
	if it.Held {
		held = "yes"
	}
	c.value = [nFields]string{
		fMedia: it.Media, fPerspective: or(it.Source.Perspective, "unknown"), fSensitivity: or(it.Sensitivity, "none"),
		fPlace: placeWord(it.Places), fTime: timeWord(it.Times), fLane: or(it.Lane, "none"), fPhase: or(it.Phase, "none"),
		fLanguage: or(it.Language, "none"), fPlatform: or(it.Source.Platform, "none"), fType: or(it.Type, "none"), fHeld: held,
		fWorkflow: or(it.Workflow, "todo"), fPublic: or(it.Public.Decision, "undecided"),
		fAuthenticity: or(it.Axes.Authenticity.Status, "none"), fSource: or(it.Axes.Source.Status, "none"), fAxPlace: or(it.Axes.Place.Status, "none"),
		fAxTime: or(it.Axes.Time.Status, "none"), fContent: or(it.Axes.Content.Status, "none"),
	}
	if b, err := hex.DecodeString(it.Hashes["pdq"]); err == nil && len(b) == 32 {
		c.pdq = b
	}
	return c
}

func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// titleKey is what titles are ordered by: the English one, else the Spanish,
// else the first by language.
func titleKey(t sightline.Text) string {
	s := t.In("en", "es")
	if s == "" && len(t) > 0 {
		s = t[slices.Min(slices.Collect(maps.Keys(t)))]
	}
	if s = Fold(s); len(s) > maxTitle {
		s = s[:maxTitle]
	}
	return s
}

func placeWord(list []sightline.Place) string {
	switch {
	case len(list) == 0:
		return "none"
	case list[0].Form == "camera" && list[0].Camera != nil && list[0].Camera.Solved:
		return "solved"
	case list[0].Approx || list[0].Geo == nil:
		return "approximate"
	}
	return "declared"
}

func timeWord(list []sightline.Time) string {
	if len(list) == 0 {
		return "none"
	}
	t := list[0]
	if t.Min == nil && t.Max == nil || t.Precision == "day" || t.Precision == "unknown" ||
		t.Min != nil && t.Max != nil && int64(*t.Max)-int64(*t.Min) >= 86_399_000 {
		return "day"
	}
	return "clock"
}

// status is one word for an item, never better than the worst of its source,
// place and time.
func status(v func(field int) string) string {
	axes := [...]int{fAuthenticity, fSource, fAxPlace, fAxTime, fContent}
	for _, f := range axes {
		if s := v(f); s == "refuted" || s == "altered_deceptive" || s == "synthetic_suspected" {
			return "refuted"
		}
	}
	for _, f := range axes {
		if v(f) == "disputed" {
			return "disputed"
		}
	}
	switch {
	case v(fSource) == "verified" && v(fAxPlace) == "verified" && v(fAxTime) == "verified":
		return "verified"
	case v(fWorkflow) == "ready_for_review" || v(fWorkflow) == "reviewed":
		return "review"
	}
	return "unverified"
}

// sheetVersion is the first byte of a sheet.
const sheetVersion = 1

// packSheet writes cards in order: the strings they share, then each card.
func packSheet(list []*card) []byte {
	var body, words []byte
	known := map[string]uint64{}
	word := func(s string) {
		n, ok := known[s]
		if !ok {
			n = uint64(len(known))
			known[s] = n
			words = binary.AppendUvarint(words, uint64(len(s)))
			words = append(words, s...)
		}
		body = binary.AppendUvarint(body, n)
	}
	text := func(s string) {
		body = binary.AppendUvarint(body, uint64(len(s)))
		body = append(body, s...)
	}
	for _, c := range list {
		flags := byte(0)
		for i, on := range []bool{c.live, c.timed, c.min != noMin, c.max != noMax, len(c.pdq) == 32} {
			if on {
				flags |= 1 << i
			}
		}
		body = append(body, flags)
		body = binary.AppendUvarint(body, uint64(c.oid))
		text(c.id)
		if !c.live {
			continue
		}
		text(c.title)
		if c.min != noMin {
			body = binary.AppendVarint(body, c.min)
		}
		if c.max != noMax {
			body = binary.AppendVarint(body, c.max)
		}
		body = binary.AppendUvarint(body, uint64(len(c.places)))
		for _, p := range c.places {
			body = binary.AppendVarint(body, int64(p[0]))
			body = binary.AppendVarint(body, int64(p[1]))
		}
		for _, v := range c.value {
			word(v)
		}
		for _, l := range [][]string{c.tags, c.ents} {
			body = binary.AppendUvarint(body, uint64(len(l)))
			for _, v := range l {
				word(v)
			}
		}
		body = append(body, c.pdq...)
	}
	out := []byte{sheetVersion}
	out = binary.AppendUvarint(out, uint64(len(list)))
	out = binary.AppendUvarint(out, uint64(len(known)))
	return append(append(out, words...), body...)
}

// unpackSheet reads what packSheet wrote.
func unpackSheet(b []byte) (out []*card, err error) {
	bad := func() ([]*card, error) {
		return nil, fmt.Errorf("a sheet of the index of items cannot be read: %w", sightline.ErrDamaged)
	}
	r := unpacker{b: b}
	if v := r.byte(); v != sheetVersion {
		return bad()
	}
	n, k := r.uint(), r.uint()
	if r.bad || n > perSheet || k > uint64(len(b)) {
		return bad()
	}
	words := make([]string, k)
	for i := range words {
		words[i] = string(r.bytes(r.uint()))
	}
	word := func() string {
		if i := r.uint(); i < uint64(len(words)) {
			return words[i]
		}
		r.bad = true
		return ""
	}
	cards := make([]card, n)
	for i := range cards {
		c := &cards[i]
		flags := r.byte()
		c.oid = int64(r.uint())
		c.id = string(r.bytes(r.uint()))
		if len(c.id) > maxID {
			return bad()
		}
		c.live, c.timed, c.min, c.max = flags&1 != 0, flags&2 != 0, noMin, noMax
		if c.live {
			if c.title = string(r.bytes(r.uint())); len(c.title) > maxTitle {
				return bad()
			}
			if flags&4 != 0 {
				c.min = r.int()
			}
			if flags&8 != 0 {
				c.max = r.int()
			}
			np := r.uint()
			if np > MaxPlaces {
				return bad()
			}
			for range np {
				c.places = append(c.places, [2]int32{int32(r.int()), int32(r.int())})
			}
			for f := range c.value {
				c.value[f] = word()
			}
			for _, l := range []*[]string{&c.tags, &c.ents} {
				m := r.uint()
				if m > uint64(len(b)) {
					return bad()
				}
				for range m {
					*l = append(*l, word())
				}
			}
			if flags&16 != 0 {
				c.pdq = bytes.Clone(r.bytes(32))
			}
		}
		if r.bad {
			return bad()
		}
		out = append(out, c)
	}
	if len(r.b) != 0 {
		return bad()
	}
	return out, nil
}

type unpacker struct {
	b   []byte
	bad bool
}

func (r *unpacker) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *unpacker) bytes(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *unpacker) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *unpacker) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

// line writes a card for the comparison of a rebuild, without its place in the
// database.
func (c *card) line() string {
	d := *c
	d.oid = 0
	return hex.EncodeToString(packSheet([]*card{&d}))
}

// itemCard makes the card of a stored value; a withdrawn item keeps its place.
func itemCard(oid int64, id string, value json.RawMessage) *card {
	if len(value) > 0 {
		var it sightline.Item
		if json.Unmarshal(value, &it) == nil {
			return cardOf(oid, &it)
		}
	}
	return &card{oid: oid, id: id, min: noMin, max: noMax}
}

func instantOf(ms, open int64) *when.Instant {
	if ms == open {
		return nil
	}
	t := when.Instant(ms)
	return &t
}
