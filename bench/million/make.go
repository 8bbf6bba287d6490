package main

import (
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"sightline"
	"sightline/archive"
	"sightline/digest"
	"sightline/when"
)

// makeCase writes items through the one write path, a thousand to an entry.
func makeCase(ctx context.Context, args []string) error {
	var folder string
	var n, batch int
	var seed uint64
	if err := flags("make", args, func(f *flag.FlagSet) {
		f.StringVar(&folder, "case", "", "folder to make the case in")
		f.IntVar(&n, "items", 1_000_000, "how many items")
		f.IntVar(&batch, "batch", 1000, "items to an entry of the log")
		f.Uint64Var(&seed, "seed", 1, "of the synthetic data")
	}); err != nil {
		return err
	}
	f, err := archive.Create(folder, sightline.Case{ID: "million", Prefix: "M", Title: sightline.Text{"en": "A million items (synthetic)", "es": "Un millón de elementos (sintético)"},
		Zone: "America/Caracas", Date: "2018", Languages: []string{"en", "es"}, Exercise: true,
		Place: &sightline.Place{Role: "area", Form: "point", Geo: &sightline.Geo{Lat: 10.48, Lon: -66.9}}}, archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	g := newMaker(seed)
	began := time.Now()
	for at := 0; at < n; {
		upTo := min(at+batch, n)
		list := make([]*sightline.Item, 0, batch)
		for ; at < upTo; at++ {
			list = append(list, g.item(at+1))
		}
		if _, err := f.Store.Update(ctx, f.Actor, func(w sightline.Writer) error {
			w.Describe(sightline.Draft{Kind: sightline.EntryAnnotate})
			for _, it := range list {
				if err := w.Put(it); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		if at%20_000 == 0 || at == n {
			fmt.Printf("%9d items, %6.1f s\n", at, time.Since(began).Seconds())
		}
	}
	return f.Close()
}

// maker draws items. The same seed gives the same items.
type maker struct {
	r       *rand.Rand
	words   []string
	centres [][3]float64 // latitude, longitude, spread in degrees
	bursts  []float64    // days since the first
	pdq     [][]byte     // some earlier hashes, of which copies are made
}

func newMaker(seed uint64) *maker {
	g := &maker{r: rand.New(rand.NewPCG(seed, 17))}
	parts := strings.Fields("ba ca do fu ga li mo na po ra se ti vu za cho lla que rri sal ter mon pla bri cor des fal gre hor")
	for len(g.words) < 4000 {
		w := ""
		for range 2 + g.r.IntN(3) {
			w += parts[g.r.IntN(len(parts))]
		}
		g.words = append(g.words, w)
	}
	for range 60 {
		g.centres = append(g.centres, [3]float64{10.48 + g.r.NormFloat64()*0.4, -66.9 + g.r.NormFloat64()*0.6, 0.002 + g.r.ExpFloat64()*0.02})
	}
	for range 40 {
		g.bursts = append(g.bursts, g.r.Float64()*1000)
	}
	return g
}

// one draws by weight: pairs of a value and its weight.
func (g *maker) one(pairs ...any) string {
	total := 0
	for i := 1; i < len(pairs); i += 2 {
		total += pairs[i].(int)
	}
	x := g.r.IntN(total)
	for i := 1; i < len(pairs); i += 2 {
		if x -= pairs[i].(int); x < 0 {
			return pairs[i-1].(string)
		}
	}
	return ""
}

// word draws by Zipf's law, so that some words are in every third item.
func (g *maker) word() string {
	return g.words[int(math.Exp(g.r.Float64()*math.Log(float64(len(g.words)))))-1]
}

func (g *maker) text(n int) string {
	w := make([]string, n)
	for i := range w {
		w[i] = g.word()
	}
	return strings.Join(w, " ")
}

func (g *maker) place() sightline.Place {
	c := g.centres[g.r.IntN(len(g.centres))]
	return sightline.Place{Role: "camera", Form: g.one("point", 6, "camera", 3, "named", 1), Approx: g.r.IntN(3) == 0, Status: g.one("claimed", 6, "estimated", 3, "verified", 1),
		Geo: &sightline.Geo{Lat: math.Round((c[0]+g.r.NormFloat64()*c[2])*1e6) / 1e6, Lon: math.Round((c[1]+g.r.NormFloat64()*c[2])*1e6) / 1e6}}
}

const firstDay = 1483228800000 // 2017-01-01T00:00Z, UTC milliseconds

func (g *maker) item(n int) *sightline.Item {
	id := fmt.Sprintf("M-%03d", n)
	media := g.one("photo", 40, "video", 30, "post", 15, "document", 8, "audio", 4, "record", 3)
	typ := map[string]string{"photo": "image/jpeg", "video": "video/mp4", "post": "text/plain", "document": "application/pdf", "audio": "audio/mpeg", "record": "application/json"}[media]
	platform := g.one("", 30, "X", 25, "Telegram", 20, "Instagram", 15, "YouTube", 7, "TikTok", 3)
	kind := map[string]string{"photo": "Photo", "video": "Video", "post": "Post", "document": "Document", "audio": "Recording", "record": "Record"}[media]
	it := &sightline.Item{
		ID: id, Media: media, Type: typ, SHA256: digest.Of([]byte(id)).String(), Size: int64(1000 + g.r.IntN(9_000_000)),
		Title: sightline.Text{"en": fmt.Sprintf("%s of %s, %s", kind, g.text(2), g.word())}, Seen: sightline.Text{"en": g.text(10)},
		Source: sightline.Source{Name: sightline.Text{"en": g.text(2)}, URL: fmt.Sprintf("https://example.org/%s/%d", g.word(), n), Platform: platform,
			Perspective: g.one("citizen", 55, "press", 20, "official", 10, "security_forces", 6, "victim", 4, "satellite", 1, "unknown", 4), Collected: "2026-11-24T09:00:00Z"},
		Sensitivity: g.one("", 80, "graphic", 15, "personal", 5), Workflow: g.one("", 60, "in_progress", 20, "ready_for_review", 10, "reviewed", 10),
		Language: g.one("es", 80, "en", 15, "pt", 5), Public: sightline.Public{Decision: g.one("undecided", 80, "publish", 15, "withhold", 5)},
		Rights: sightline.Rights{Consent: "not_asked"}, Width: 1920, Height: 1080,
	}
	axis := func() sightline.Axis {
		return sightline.Axis{Status: g.one("", 60, "unverified", 20, "verified", 15, "disputed", 4, "refuted", 1)}
	}
	it.Axes = sightline.Axes{Authenticity: axis(), Source: axis(), Place: axis(), Time: axis(), Content: axis()}
	for range g.r.IntN(3) {
		it.Tags = append(it.Tags, "tag-"+g.words[g.r.IntN(200)])
	}
	day := g.r.Float64() * 1000
	if g.r.IntN(2) == 0 {
		day = g.bursts[g.r.IntN(len(g.bursts))] + g.r.ExpFloat64()*0.3
	}
	t := when.Instant(firstDay + int64(day*86_400_000))
	switch g.r.IntN(20) {
	case 0: // no time
	case 1:
		it.Times = []sightline.Time{{Interval: when.Until(t), Precision: "before", Status: "claimed"}}
	case 2, 3:
		d := t - t%86_400_000
		it.Times = []sightline.Time{{Interval: when.Between(d, d+86_399_999), Precision: "day", Status: "claimed"}}
	default:
		it.Times = []sightline.Time{{Interval: when.Between(t, t+when.Instant(g.r.ExpFloat64()*600_000)), Precision: "interval", Status: "estimated"}}
	}
	if g.r.IntN(10) > 0 {
		it.Places = append(it.Places, g.place())
		if g.r.IntN(30) == 0 {
			it.Places = append(it.Places, g.place())
		}
	}
	if media == "photo" || media == "video" {
		h := make([]byte, 32)
		if len(g.pdq) > 0 && g.r.IntN(20) == 0 {
			copy(h, g.pdq[g.r.IntN(len(g.pdq))])
			for range g.r.IntN(30) {
				h[g.r.IntN(32)] ^= 1 << g.r.IntN(8)
			}
		} else {
			for i := range h {
				h[i] = byte(g.r.Uint32())
			}
		}
		if len(g.pdq) < 1000 {
			g.pdq = append(g.pdq, h)
		} else if g.r.IntN(50) == 0 {
			g.pdq[g.r.IntN(1000)] = h
		}
		it.Hashes = map[string]string{"pdq": hex.EncodeToString(h)}
	}
	return it
}
