package tables

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"sightline"
)

// steps are the lengths of columns, in milliseconds: what a person reads on a
// clock or a calendar.
var steps = func() []int64 {
	const s, m, h, d = 1000, 60_000, 3_600_000, 86_400_000
	out := []int64{1, 2, 5, 10, 20, 50, 100, 200, 500, s, 2 * s, 5 * s, 10 * s, 15 * s, 30 * s, m, 2 * m, 5 * m, 10 * m, 15 * m, 30 * m,
		h, 2 * h, 3 * h, 6 * h, 12 * h, d, 2 * d, 7 * d, 14 * d, 28 * d, 91 * d, 182 * d, 364 * d}
	for out[len(out)-1] < 1<<61 {
		out = append(out, out[len(out)-1]*2)
	}
	return out
}()

// maxBuckets bounds the columns of one overview.
const maxBuckets = 2000

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// stepFor gives the smallest step of which at most n columns cover from..to.
func stepFor(from, to int64, n int) int64 {
	for _, s := range steps {
		if floorDiv(to, s)-floorDiv(from, s) < int64(n) {
			return s
		}
	}
	return steps[len(steps)-1]
}

// middle is where an item stands on a time line.
func (c *columns) middle(at uint32) int64 {
	lo, hi := c.min[at], c.max[at]
	switch {
	case lo == noMin:
		return hi
	case hi == noMax:
		return lo
	}
	return lo + (hi-lo)/2
}

func (r *reader) Overview(q sightline.OverviewQuery) (*sightline.Overview, error) {
	if q.Buckets < 1 || q.Buckets > maxBuckets {
		return nil, fmt.Errorf("an overview has 1 to %d columns, not %d: %w", maxBuckets, q.Buckets, sightline.ErrInvalid)
	}
	lane := -1
	if q.Lane != "" {
		f, err := field(q.Lane)
		if err != nil {
			return nil, err
		}
		if f >= fTag {
			return nil, fmt.Errorf("an item has several of %s, so it has no one lane: %w", q.Lane, sightline.ErrInvalid)
		}
		lane = f
	}
	c, done, err := r.columns()
	if err != nil {
		return nil, err
	}
	defer done()
	q.Time.Min, q.Time.Max = nil, nil
	left, err := r.filter(c, q.Filter)
	if err != nil {
		return nil, err
	}
	out := &sightline.Overview{Head: c.seq + 1, Capped: left.capped, Lanes: []sightline.Lane{}}
	timed := slices.Clone(left.all)
	and(timed, c.timed)
	out.Untimed = count(left.all) - count(timed)
	if q.From == nil || q.To == nil {
		lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
		each(timed, func(at uint32) bool {
			m := c.middle(at)
			lo, hi = min(lo, m), max(hi, m)
			return true
		})
		if lo > hi {
			lo, hi = 0, 0
		}
		if q.From == nil {
			q.From = &lo
		}
		if q.To == nil {
			q.To = &hi
		}
	}
	from, to := *q.From, *q.To
	if from > to || from < -1<<60 || to > 1<<60 {
		return nil, fmt.Errorf("an overview goes from an earlier to a later time, not from %d to %d: %w", from, to, sightline.ErrInvalid)
	}
	step := stepFor(from, to, q.Buckets)
	first := floorDiv(from, step)
	n := int(floorDiv(to, step) - first + 1)
	out.Step, out.Level, out.From = step, step, first*step
	lanes := 1
	if lane >= 0 {
		lanes = len(c.names[lane].names)
	}
	sum := make([][]int, lanes)
	total := make([]int, lanes)
	end, inverse := out.From+int64(n)*step, 1/float64(step)
	each(timed, func(at uint32) bool {
		m := c.middle(at)
		switch {
		case m < out.From:
			out.Before++
			return true
		case m >= end:
			out.After++
			return true
		}
		// A multiplication and a look at the neighbour: a division of two
		// integers costs more than all the rest of this loop.
		d := m - out.From
		col := int(float64(d) * inverse)
		if int64(col)*step > d {
			col--
		} else if int64(col+1)*step <= d {
			col++
		}
		l := 0
		if lane >= 0 {
			l = int(c.code[lane][at])
		}
		if sum[l] == nil {
			sum[l] = make([]int, n)
		}
		sum[l][col]++
		total[l]++
		return true
	})
	for l, counts := range sum {
		if counts == nil {
			continue
		}
		key := ""
		if lane >= 0 {
			key = c.names[lane].names[l]
		}
		out.Lanes = append(out.Lanes, sightline.Lane{Key: key, Total: total[l], Counts: counts})
		out.Total += total[l]
	}
	slices.SortFunc(out.Lanes, func(a, b sightline.Lane) int { return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Key, b.Key)) })
	if len(out.Lanes) > maxLanes {
		rest := sightline.Lane{Key: otherValues, Counts: make([]int, n)}
		for _, l := range out.Lanes[maxLanes-1:] {
			rest.Total += l.Total
			for i, v := range l.Counts {
				rest.Counts[i] += v
			}
		}
		out.Lanes = append(out.Lanes[:maxLanes-1], rest)
	}
	return out, nil
}

// maxLanes bounds the lanes of one answer; the last holds the rest.
const maxLanes = 64

// cells is the grid in which places are counted when there are too many.
const cells = 64

func (r *reader) Near(q sightline.NearQuery) (*sightline.Near, error) {
	c, done, err := r.columns()
	if err != nil {
		return nil, err
	}
	defer done()
	q.Placed = true
	left, err := r.filter(c, q.Filter)
	if err != nil {
		return nil, err
	}
	out := &sightline.Near{Total: count(left.all), Capped: left.capped, Head: c.seq + 1, Places: []sightline.Card{}, Cells: []sightline.Cell{}}
	if out.Total == 0 {
		return out, nil
	}
	box := [4]int32{-180 * degree, -90 * degree, 180 * degree, 90 * degree}
	if q.Box != nil {
		box = fixed(*q.Box)
	}
	// where is the first place of an item inside the box.
	where := func(at uint32) (lon, lat int32) {
		lon, lat = c.at[2*at], c.at[2*at+1]
		if within(lon, lat, box) {
			return lon, lat
		}
		for _, p := range c.more[at] {
			if within(p[0], p[1], box) {
				return p[0], p[1]
			}
		}
		return lon, lat
	}
	if out.Total <= q.Limit {
		each(left.all, func(at uint32) bool {
			k := c.card(at)
			lon, lat := where(at)
			k.Lon, k.Lat = float64(lon)/degree, float64(lat)/degree
			out.Places = append(out.Places, k)
			return true
		})
		return out, nil
	}
	if q.Box == nil {
		box = [4]int32{math.MaxInt32, math.MaxInt32, math.MinInt32, math.MinInt32}
		each(left.all, func(at uint32) bool {
			lon, lat := c.at[2*at], c.at[2*at+1]
			box = [4]int32{min(box[0], lon), min(box[1], lat), max(box[2], lon), max(box[3], lat)}
			return true
		})
	}
	type sum struct {
		n, lon, lat int64
		box         [4]int32
	}
	grid := make([]sum, cells*cells)
	wide, high := (int64(box[2])-int64(box[0]))/cells+1, (int64(box[3])-int64(box[1]))/cells+1
	iw, ih := 1/float64(wide), 1/float64(high)
	each(left.all, func(at uint32) bool {
		lon, lat := where(at)
		x := int(float64(int64(lon)-int64(box[0])) * iw)
		y := int(float64(int64(lat)-int64(box[1])) * ih)
		s := &grid[min(max(y, 0), cells-1)*cells+min(max(x, 0), cells-1)]
		if s.n == 0 {
			s.box = [4]int32{lon, lat, lon, lat}
		}
		s.n++
		s.lon += int64(lon)
		s.lat += int64(lat)
		s.box = [4]int32{min(s.box[0], lon), min(s.box[1], lat), max(s.box[2], lon), max(s.box[3], lat)}
		return true
	})
	out.Cell = [2]float64{float64(wide) / degree, float64(high) / degree}
	for _, s := range grid {
		if s.n == 0 {
			continue
		}
		k := sightline.Cell{Count: int(s.n), Lon: math.Round(float64(s.lon)/float64(s.n)) / degree, Lat: math.Round(float64(s.lat)/float64(s.n)) / degree}
		for i, v := range s.box {
			k.Box[i] = float64(v) / degree
		}
		out.Cells = append(out.Cells, k)
	}
	return out, nil
}
