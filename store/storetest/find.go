package storetest

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"sightline"
	"sightline/when"
)

// library compares what a store says of all items with what reading every one
// of them gives, over random cases that change.
func library(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	g := &guess{rand.New(rand.NewPCG(3, 5))}
	const n = 300 // more than two sheets of cards
	put := func(from, to int) {
		update(t, s, func(w sightline.Writer) error {
			for i := from; i < to; i++ {
				if err := w.Put(g.item(i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	put(1, n/2)
	check := func(round int) {
		view(t, s, func(r sightline.Reader) error {
			items, err := sightline.All[sightline.Item](r, sightline.KindItem)
			if err != nil {
				return err
			}
			rows, arrived := map[string]*sightline.Item{}, []*sightline.Item{}
			for _, it := range items {
				rows[it.ID] = it
			}
			for i := 1; i < n; i++ { // ids were given in the order of arrival
				if it := rows[fmt.Sprintf("T-%d", i)]; it != nil {
					arrived = append(arrived, it)
				}
			}
			for q := range 25 {
				g.ask(t, r.(sightline.Library), arrived, fmt.Sprintf("round %d, question %d", round, q))
			}
			return nil
		})
	}
	check(0)
	put(n/2, n)
	check(1)
	for round := 2; round < 5; round++ {
		update(t, s, func(w sightline.Writer) error {
			for range 20 {
				id := 1 + g.IntN(n-1)
				if g.IntN(4) == 0 {
					err := w.Withdraw(sightline.Ref{Kind: sightline.KindItem, ID: fmt.Sprintf("T-%d", id)}, "a mistake")
					if err != nil && !errors.Is(err, sightline.ErrNotFound) {
						return err
					}
					continue
				}
				// Twice in one update: the last counts.
				if err := errors.Join(w.Put(g.item(id)), w.Put(g.item(id))); err != nil {
					return err
				}
			}
			return nil
		})
		check(round)
	}
	// What is asked inside an update could not see what it has written.
	_, err := s.Update(context.Background(), Owner(), func(w sightline.Writer) error {
		_, err := w.(sightline.Library).Find(sightline.FindQuery{})
		return err
	})
	if !errors.Is(err, sightline.ErrInvalid) {
		t.Errorf("the library was asked inside an update: %v", err)
	}
	view(t, s, func(r sightline.Reader) error {
		l := r.(sightline.Library)
		for what, err := range map[string]error{
			"sort":    second(l.Find(sightline.FindQuery{Sort: "size", Limit: 1})),
			"count":   second(l.Find(sightline.FindQuery{Count: []string{"colour"}})),
			"field":   second(l.Find(sightline.FindQuery{Filter: sightline.Filter{Facets: map[string][]string{"colour": {"red"}}}})),
			"lane":    second(l.Overview(sightline.OverviewQuery{Buckets: 10, Lane: "tag"})),
			"columns": second(l.Overview(sightline.OverviewQuery{Buckets: 5000})),
			"hash":    second(l.Copies(sightline.CopiesQuery{PDQ: "abc", Within: 3})),
			"within":  second(l.Copies(sightline.CopiesQuery{Item: "T-1", Within: 200})),
		} {
			if !errors.Is(err, sightline.ErrInvalid) {
				t.Errorf("a bad %s gives %v", what, err)
			}
		}
		return nil
	})
}

func second[T any](_ T, err error) error { return err }

// guess draws items and questions.
type guess struct{ *rand.Rand }

func (g *guess) one(l ...string) string { return l[g.IntN(len(l))] }

func (g *guess) geo() *sightline.Geo {
	return &sightline.Geo{Lat: float64(g.IntN(20)) / 10, Lon: float64(g.IntN(20)) / 10}
}

const guessEpoch = 1516000000000

func (g *guess) item(n int) *sightline.Item {
	it := item(fmt.Sprintf("T-%d", n), g.one("helicopter over", "a house", "cañón en la casa")+" "+g.one("road", "hill"))
	it.Title = sightline.Text{"en": g.one("Alpha", "beta", "Árbol", "árbol", "gamma") + " " + g.one("one", "two")}
	if g.IntN(5) == 0 {
		it.Title = sightline.Text{"pt": "Zeta"}
	}
	it.Media, it.Held = g.one("photo", "video"), g.IntN(2) == 0
	it.Source.Perspective = g.one("", "citizen", "press")
	it.Axes.Source.Status, it.Axes.Place.Status, it.Axes.Time.Status = g.one("", "verified", "disputed"), g.one("verified", "refuted", "verified"), "verified"
	it.Workflow = g.one("", "reviewed")
	for range g.IntN(3) {
		it.Tags = append(it.Tags, g.one("a", "b", "c"))
	}
	at := when.Instant(guessEpoch + g.IntN(100_000))
	switch g.IntN(6) {
	case 0:
	case 1:
		it.Times = []sightline.Time{{Interval: when.Until(at)}}
	case 2:
		it.Times = []sightline.Time{{Interval: when.From(at), Precision: "after"}}
	case 3:
		it.Posted = &sightline.Time{Interval: when.At(at)}
	default:
		it.Times = []sightline.Time{{Interval: when.Between(at, at+when.Instant(g.IntN(5000)))}}
	}
	for range g.IntN(4) {
		it.Places = append(it.Places, sightline.Place{Geo: g.geo(), Withheld: g.IntN(5) == 0, Approx: g.IntN(2) == 0})
	}
	if g.IntN(2) == 0 {
		h := make([]byte, 32)
		for range g.IntN(20) {
			h[g.IntN(32)] = byte(g.IntN(4))
		}
		it.Hashes = map[string]string{"pdq": hex.EncodeToString(h)}
	}
	return it
}

func (g *guess) filter() (f sightline.Filter) {
	f.Facets = map[string][]string{}
	for name, values := range map[string][]string{"media": {"photo", "video"}, "perspective": {"unknown", "press"}, "status": {"verified", "refuted", "disputed"},
		"tag": {"a", "b"}, "time": {"clock", "none"}, "place": {"approximate", "none"}, "held": {"yes"}, "axes.source": {"none", "verified"}} {
		if g.IntN(6) == 0 {
			f.Facets[name] = values[:1+g.IntN(len(values))]
		}
	}
	if g.IntN(3) == 0 {
		f.Text = g.one("house", "HELI", "canon casa", "arbol", "nothing", "one road")
	}
	if g.IntN(3) == 0 {
		p, q := g.geo(), g.geo()
		f.Box = &sightline.Box{South: min(p.Lat, q.Lat), North: max(p.Lat, q.Lat), West: min(p.Lon, q.Lon), East: max(p.Lon, q.Lon)}
	}
	if g.IntN(3) == 0 {
		a := when.Instant(guessEpoch + g.IntN(90_000))
		f.Time = when.Between(a, a+when.Instant(g.IntN(30_000)))
		switch g.IntN(3) {
		case 0:
			f.Time.Min = nil
		case 1:
			f.Time.Max = nil
		}
	}
	f.Timed, f.Placed = g.IntN(6) == 0, g.IntN(6) == 0
	if g.IntN(10) == 0 {
		for range 40 {
			f.IDs = append(f.IDs, fmt.Sprintf("T-%d", g.IntN(400)))
		}
	}
	return f
}

// force is the time of an item that counts, by the words of the contract.
func force(it *sightline.Item) (iv when.Interval, timed bool) {
	switch {
	case len(it.Times) > 0:
		iv = it.Times[0].Interval
	case it.Posted != nil && it.Posted.Max != nil:
		iv = when.Until(*it.Posted.Max)
	}
	return iv, iv.Min != nil || iv.Max != nil
}

func shown(it *sightline.Item) (out []sightline.Geo) {
	for _, p := range it.Places {
		if p.Geo != nil && !p.Withheld {
			out = append(out, *p.Geo)
		}
	}
	return out
}

func in(g sightline.Geo, b *sightline.Box) bool {
	return b == nil || g.Lat >= b.South && g.Lat <= b.North && g.Lon >= b.West && g.Lon <= b.East
}

// values are those of a field, written a second time on purpose.
func values(it *sightline.Item, field string) []string {
	none := func(s, n string) []string {
		if s == "" {
			s = n
		}
		return []string{s}
	}
	switch field {
	case "media":
		return none(it.Media, "")
	case "perspective":
		return none(it.Source.Perspective, "unknown")
	case "held":
		return none(map[bool]string{true: "yes", false: "no"}[it.Held], "")
	case "axes.source":
		return none(it.Axes.Source.Status, "none")
	case "tag":
		out := slices.Clone(it.Tags)
		slices.Sort(out)
		return slices.Compact(out)
	case "place":
		if len(it.Places) == 0 {
			return []string{"none"}
		}
		return none(map[bool]string{true: "approximate", false: "declared"}[it.Places[0].Approx], "")
	case "time":
		if len(it.Times) == 0 {
			return []string{"none"}
		}
		return []string{"clock"}
	case "status":
		s, p := it.Axes.Source.Status, it.Axes.Place.Status
		switch {
		case p == "refuted":
			return []string{"refuted"}
		case s == "disputed":
			return []string{"disputed"}
		case s == "verified":
			return []string{"verified"}
		case it.Workflow == "reviewed":
			return []string{"review"}
		}
		return []string{"unverified"}
	}
	panic(field)
}

var plainer = strings.NewReplacer("á", "a", "Á", "a", "ñ", "n", "ó", "o")

func passes(it *sightline.Item, f sightline.Filter, but string) bool {
	iv, timed := force(it)
	for name, want := range f.Facets {
		if name != but && !slices.ContainsFunc(values(it, name), func(v string) bool { return slices.Contains(want, v) }) {
			return false
		}
	}
	if f.Text != "" {
		b, _ := json.Marshal([]any{it.Title, it.Seen, it.Tags, it.Media, it.Type})
		have := strings.FieldsFunc(plainer.Replace(strings.ToLower(string(b))), func(r rune) bool { return r < 'a' || r > 'z' })
		for _, w := range strings.Fields(strings.ToLower(f.Text)) {
			if !slices.ContainsFunc(have, func(h string) bool { return strings.HasPrefix(h, w) }) {
				return false
			}
		}
	}
	switch {
	case f.Box != nil && !slices.ContainsFunc(shown(it), func(g sightline.Geo) bool { return in(g, f.Box) }),
		f.IDs != nil && !slices.Contains(f.IDs, it.ID),
		f.Timed && !timed, f.Placed && len(shown(it)) == 0,
		(f.Time.Min != nil || f.Time.Max != nil) && !timed,
		f.Time.Min != nil && iv.Max != nil && *iv.Max < *f.Time.Min,
		f.Time.Max != nil && iv.Min != nil && *iv.Min > *f.Time.Max:
		return false
	}
	return true
}

func title(it *sightline.Item) string {
	for _, l := range []string{"en", "pt"} {
		if s := it.Title[l]; s != "" {
			return plainer.Replace(strings.ToLower(s))
		}
	}
	return ""
}

func order_(sort string) func(a, b *sightline.Item) int {
	end := func(i *when.Instant, open int64) int64 {
		if i == nil {
			return open
		}
		return int64(*i)
	}
	sign := 1
	if strings.HasPrefix(sort, "-") {
		sign = -1
	}
	return func(a, b *sightline.Item) int {
		switch strings.TrimPrefix(sort, "-") {
		case "title":
			return sign * cmp.Or(strings.Compare(title(a), title(b)), sightline.CompareIDs(a.ID, b.ID))
		case "time":
			x, tx := force(a)
			y, ty := force(b)
			switch {
			case tx != ty && tx:
				return -1
			case tx != ty:
				return 1
			case !tx:
				return sightline.CompareIDs(a.ID, b.ID)
			}
			return sign * cmp.Or(cmp.Compare(end(x.Min, math.MinInt64), end(y.Min, math.MinInt64)), cmp.Compare(end(x.Max, math.MaxInt64), end(y.Max, math.MaxInt64)), sightline.CompareIDs(a.ID, b.ID))
		}
		return sign * sightline.CompareIDs(a.ID, b.ID)
	}
}

// ask asks one random question of each kind and compares.
func (g *guess) ask(t *testing.T, l sightline.Library, items []*sightline.Item, name string) {
	t.Helper()
	f := g.filter()
	said, _ := json.Marshal(f)
	sort := g.one("", "added", "-added", "time", "-time", "title", "-title")
	q := sightline.FindQuery{Filter: f, Sort: sort, Offset: g.IntN(30), Limit: g.IntN(60), Count: []string{"media", "perspective", "status", "tag", "time", "place", "held", "axes.source"}}
	var want []*sightline.Item
	for _, it := range items {
		if passes(it, f, "") {
			want = append(want, it)
		}
	}
	slices.SortStableFunc(want, order_(sort))
	got, err := l.Find(q)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if got.Total != len(want) || got.Capped {
		t.Fatalf("%s %s: %d found, want %d", name, said, got.Total, len(want))
	}
	page := want[min(q.Offset, len(want)):]
	page = page[:min(q.Limit, len(page))]
	if len(got.Items) != len(page) {
		t.Fatalf("%s %s sorted by %q: a page of %d, want %d", name, said, sort, len(got.Items), len(page))
	}
	for i, k := range got.Items {
		it := page[i]
		iv, timed := force(it)
		w := sightline.Card{ID: it.ID, Timed: timed, Min: iv.Min, Max: iv.Max, Media: it.Media, Perspective: values(it, "perspective")[0], Status: values(it, "status")[0], Sensitivity: "none"}
		if places := shown(it); len(places) > 0 {
			w.Placed, w.Lat, w.Lon = true, places[0].Lat, places[0].Lon
		}
		if d := gocmp.Diff(w, k); d != "" {
			t.Fatalf("%s %s sorted by %q, place %d: %s", name, said, sort, i, d)
		}
	}
	for _, field := range q.Count {
		sum := map[string]int{}
		for _, it := range items {
			if passes(it, f, field) {
				for _, v := range values(it, field) {
					sum[v]++
				}
			}
		}
		have := map[string]int{}
		for _, c := range got.Facets[field] {
			have[c.Value] = c.Count
		}
		if !maps.Equal(sum, have) {
			t.Fatalf("%s %s: counts of %s are %v, want %v", name, said, field, have, sum)
		}
	}
	g.along(t, l, items, f, name)
	g.around(t, l, want, f, name)
	g.copies(t, l, items, name)
}

func (g *guess) along(t *testing.T, l sightline.Library, items []*sightline.Item, f sightline.Filter, name string) {
	t.Helper()
	q := sightline.OverviewQuery{Filter: f, Buckets: 1 + g.IntN(50), Lane: g.one("", "media", "perspective")}
	if g.IntN(2) == 0 {
		a := int64(guessEpoch + g.IntN(80_000))
		b := a + int64(g.IntN(50_000))
		q.From, q.To = &a, &b
	}
	got, err := l.Overview(q)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	f.Time = when.Interval{}
	sum := map[string]map[int64]int{}
	total, untimed, before, after := 0, 0, 0, 0
	columns := 0
	for _, lane := range got.Lanes {
		columns = max(columns, len(lane.Counts))
	}
	if columns > q.Buckets || got.From%got.Step != 0 {
		t.Fatalf("%s: %d columns for %d asked, from %d by %d", name, columns, q.Buckets, got.From, got.Step)
	}
	for _, it := range items {
		if !passes(it, f, "") {
			continue
		}
		iv, timed := force(it)
		if !timed {
			untimed++
			continue
		}
		lo, hi := iv.Min, iv.Max
		if lo == nil {
			lo = hi
		}
		if hi == nil {
			hi = lo
		}
		mid := (int64(*lo) + int64(*hi)) / 2
		switch {
		case mid < got.From:
			before++
		case q.To != nil && mid > *q.To && mid >= got.From+int64(max(columns, 1))*got.Step:
			after++
		default:
			total++
			key := ""
			if q.Lane != "" {
				key = values(it, q.Lane)[0]
			}
			if sum[key] == nil {
				sum[key] = map[int64]int{}
			}
			sum[key][(mid-got.From)/got.Step]++
		}
	}
	if columns == 0 && total > 0 && q.To != nil { // nothing was in view
		after, total, sum = after+total, 0, map[string]map[int64]int{}
	}
	if got.Total != total || got.Untimed != untimed || got.Before != before || got.After != after {
		t.Fatalf("%s: total, untimed, before, after are %d %d %d %d, want %d %d %d %d", name, got.Total, got.Untimed, got.Before, got.After, total, untimed, before, after)
	}
	for _, lane := range got.Lanes {
		for i, n := range lane.Counts {
			if n != sum[lane.Key][int64(i)] {
				t.Fatalf("%s: lane %q, column %d has %d, want %d", name, lane.Key, i, n, sum[lane.Key][int64(i)])
			}
		}
	}
}

func (g *guess) around(t *testing.T, l sightline.Library, want []*sightline.Item, f sightline.Filter, name string) {
	t.Helper()
	q := sightline.NearQuery{Filter: f, Limit: g.IntN(60)}
	got, err := l.Near(q)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	placed := map[string]sightline.Geo{}
	for _, it := range want {
		for _, p := range shown(it) {
			if in(p, f.Box) {
				placed[it.ID] = p
				break
			}
		}
	}
	if got.Total != len(placed) {
		t.Fatalf("%s: %d places, want %d", name, got.Total, len(placed))
	}
	if len(placed) <= q.Limit {
		for _, k := range got.Places {
			if p, ok := placed[k.ID]; !ok || p.Lat != k.Lat || p.Lon != k.Lon {
				t.Fatalf("%s: %s is at %v %v, want %v", name, k.ID, k.Lat, k.Lon, p)
			}
		}
		if len(got.Places) != len(placed) || len(got.Cells) != 0 {
			t.Fatalf("%s: %d places and %d cells of %d", name, len(got.Places), len(got.Cells), len(placed))
		}
		return
	}
	sum := 0
	for _, c := range got.Cells {
		here := 0
		for _, p := range placed {
			if p.Lon >= c.Box[0] && p.Lat >= c.Box[1] && p.Lon <= c.Box[2] && p.Lat <= c.Box[3] {
				here++
			}
		}
		if here != c.Count || c.Lon < c.Box[0]-1e-6 || c.Lon > c.Box[2]+1e-6 {
			t.Fatalf("%s: a cell says %d, its box has %d: %+v", name, c.Count, here, c)
		}
		sum += c.Count
	}
	if sum != len(placed) || len(got.Places) != 0 {
		t.Fatalf("%s: the cells hold %d of %d", name, sum, len(placed))
	}
}

func (g *guess) copies(t *testing.T, l sightline.Library, items []*sightline.Item, name string) {
	t.Helper()
	it := items[g.IntN(len(items))]
	q := sightline.CopiesQuery{Item: it.ID, Within: g.IntN(40), Limit: 1000}
	got, err := l.Copies(q)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var want []sightline.CopyHit
	hashed := 0
	a, _ := hex.DecodeString(it.Hashes["pdq"])
	for _, other := range items {
		b, _ := hex.DecodeString(other.Hashes["pdq"])
		if len(b) == 0 {
			continue
		}
		hashed++
		if len(a) == 0 || other.ID == it.ID {
			continue
		}
		d := 0
		for i := range a {
			d += bits.OnesCount8(a[i] ^ b[i])
		}
		if d <= q.Within {
			want = append(want, sightline.CopyHit{ID: other.ID, Distance: d})
		}
	}
	slices.SortStableFunc(want, func(a, b sightline.CopyHit) int { return cmp.Compare(a.Distance, b.Distance) })
	if got.Hashed != hashed || !slices.Equal(got.Copies, want) {
		t.Fatalf("%s: copies of %s within %d: %v of %d, want %v of %d", name, it.ID, q.Within, got.Copies, got.Hashed, want, hashed)
	}
}

func names(t *testing.T, open Opener) {
	s, _ := begin(t, open)
	update(t, s, func(w sightline.Writer) error {
		for i := range 30 {
			if err := w.Put(item(fmt.Sprintf("T-%03d", i+1), "A house by the road")); err != nil {
				return err
			}
		}
		return errors.Join(w.Put(&sightline.Entity{ID: "N-01", Type: "person", Name: sightline.Text{"en": "Óscar of the house"}}), w.Put(&sightline.Derivative{ID: "T-001/1", Item: "T-001", Role: "thumb"}),
			w.Put(&sightline.Derivative{ID: "T-0010/1", Item: "T-0010"}), w.Put(&sightline.Observation{ID: "T-001.1", Item: "T-001", Text: sightline.Text{"en": "smoke"}}))
	})
	view(t, s, func(r sightline.Reader) error {
		l := r.(sightline.Library)
		for q, want := range map[string]string{"t-007": "T-007", "T-030": "T-030", "osc": "N-01", "smo": "T-001.1", "n-01": "N-01"} {
			got, err := l.Names(q, 20)
			if err != nil || len(got) == 0 || got[0].ID != want {
				t.Errorf("%q finds %v, %v; want %s first", q, got, err, want)
			}
		}
		for q, want := range map[string]int{"hous": 20, "h": 20, "zebra": 0, "": 0, "'": 0, `z"b*`: 0, `a"b*`: 20} {
			if got, err := l.Names(q, 20); err != nil || len(got) != want {
				t.Errorf("%q finds %d, %v; want %d", q, len(got), err, want)
			}
		}
		rows, err := l.Pick(sightline.KindItem, []string{"T-009", "T-999", "T-002"})
		if err != nil || len(rows) != 2 || rows[0].ID != "T-009" || rows[1].ID != "T-002" || rows[0].Rev != 1 || rows[0].At == "" {
			t.Errorf("picked %v, %v", rows, err)
		}
		below, err := l.Below(sightline.KindDerivative, []string{"T-001"})
		if err != nil || len(below) != 1 || below[0].ID != "T-001/1" {
			t.Errorf("below T-001: %v, %v", below, err)
		}
		if below, err = l.Below(sightline.KindObservation, []string{"T-001"}); err != nil || len(below) != 1 {
			t.Errorf("below T-001: %v, %v", below, err)
		}
		e, err := l.Extent()
		if err != nil || e.Items != 30 || e.Timed != 0 || e.Box != nil {
			t.Errorf("%+v %v", e, err)
		}
		return nil
	})
}
