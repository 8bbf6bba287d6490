package time

import (
	"cmp"
	"slices"
	"strings"

	"sightline"
	"sightline/order"
	"sightline/when"
)

// Clip is a recording on the master clock, UTC milliseconds. Recordings that
// are tied to each other keep their distances: the one whose time is known
// best (Reference) stands in the middle of its interval and the others stand
// where the constraints between them put them. ErrorMS says how far a clip may
// be off from the reference; MinMS and MaxMS are the interval of its start.
type Clip struct {
	Item       string  `json:"item"`
	StartMS    float64 `json:"start_ms"`
	DurationMS int64   `json:"duration_ms"`
	ErrorMS    float64 `json:"error_ms"`
	Reference  string  `json:"reference"`
	MinMS      *int64  `json:"min_ms"`
	MaxMS      *int64  `json:"max_ms"`
	How        string  `json:"how"` // network, or stated: the time that the item has
}

// tied is the widest interval between two starts that makes them one group.
const tied = 10 * int64(when.Second)

// Clips places the videos and sounds of a document that can be placed. The
// report is that of the same document.
func Clips(d *sightline.Document, r *Report) ([]Clip, error) {
	bounds := map[string]order.Bound{}
	for _, b := range r.Views[0].Bounds {
		bounds[b.Point] = b
	}
	out := []Clip{}
	media := map[string]*sightline.Item{}
	for _, it := range d.Items {
		if (it.Media == "video" || it.Media == "audio") && it.DurationMS > 0 {
			media[it.ID] = it
		}
	}
	// The network without what contradicts itself, for distances.
	index := map[string]int{}
	var all []order.Difference
	number := func(p string) int {
		n, ok := index[p]
		if !ok {
			n = len(index)
			index[p] = n
		}
		return n
	}
	number(order.Z)
	group := map[string]string{}
	find := func(a string) string {
		for group[a] != "" {
			a = group[a]
		}
		return a
	}
	for i := range r.Network.Constraints {
		c := &r.Network.Constraints[i]
		if !active(c, "") || slices.Contains(r.Views[0].Disputed, c.ID) {
			continue
		}
		x := order.Difference{From: number(c.From), To: number(c.To), Min: order.NoMin, Max: order.NoMax}
		lo, isLo := c.Min.Value()
		hi, isHi := c.Max.Value()
		if isLo {
			x.Min = lo
		}
		if isHi {
			x.Max = hi
		}
		all = append(all, x)
		a, b := strings.TrimSuffix(c.From, ".start"), strings.TrimSuffix(c.To, ".start")
		if media[a] != nil && media[b] != nil && isLo && isHi && hi-lo <= tied && find(a) != find(b) {
			group[find(a)] = find(b)
		}
	}
	g, cycle, err := order.Build(len(index), all)
	if err != nil || cycle != nil {
		return nil, err
	}
	members := map[string][]string{}
	for id := range media {
		members[find(id)] = append(members[find(id)], id)
	}
	for _, ids := range members {
		slices.Sort(ids)
		ref, at, ok := "", 0.0, false
		var width int64
		for _, id := range ids {
			b, in := bounds[id+".start"]
			if in && b.Min != nil && b.Max != nil && (!ok || *b.Max-*b.Min < width) {
				ref, at, width, ok = id, float64(*b.Min+*b.Max)/2, *b.Max-*b.Min, true
			}
		}
		how := "network"
		if !ok { // no constraint reaches this group: the time of one of its items
			for _, id := range ids {
				if t := inForce(media[id]); t != nil && (!ok || int64(*t.Max-*t.Min) < width) {
					ref, at, width, ok, how = id, float64(*t.Min+*t.Max)/2, int64(*t.Max-*t.Min), true, "stated"
				}
			}
		}
		if !ok {
			continue
		}
		for _, id := range ids {
			k := Clip{Item: id, DurationMS: media[id].DurationMS, Reference: ref, How: how, StartMS: at}
			if b, in := bounds[id+".start"]; in {
				k.MinMS, k.MaxMS = b.Min, b.Max
			} else if t := inForce(media[id]); t != nil {
				k.MinMS, k.MaxMS = (*int64)(t.Min), (*int64)(t.Max)
			}
			if id != ref {
				lo, hi, err := g.Between(index[ref+".start"], index[id+".start"])
				if err != nil {
					return nil, err
				}
				k.StartMS, k.ErrorMS = at+float64(lo+hi)/2, float64(hi-lo)/2
			}
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b Clip) int {
		return cmp.Or(cmp.Compare(a.StartMS, b.StartMS), cmp.Compare(a.Item, b.Item))
	})
	return out, nil
}

// inForce is the time in force of an item, if it is narrower than half a day.
func inForce(it *sightline.Item) *sightline.Time {
	if len(it.Times) == 0 {
		return nil
	}
	t := &it.Times[0]
	if t.Min == nil || t.Max == nil || *t.Max-*t.Min > when.Instant(when.Day)/2 {
		return nil
	}
	return t
}
