package publish

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"sightline"
	"sightline/when"
)

// row is one line of a drawn time bar.
type row struct {
	ID    string
	Label string // short, left of the bar (above it on a phone)
	Note  string // beside the bar
	Time  *sightline.Time
	Rival *sightline.Time // another possible extent: an open box
	Gap   bool
	Now   bool // the step at hand, drawn in full black
}

const (
	minute = 60_000
	hour   = 60 * minute
)

// bounds of an interval; ok is false where an end is open.
func lower(t *sightline.Time) (int64, bool) {
	if t == nil || t.Min == nil {
		return 0, false
	}
	return int64(*t.Min), true
}

func upper(t *sightline.Time) (int64, bool) {
	if t == nil || t.Max == nil {
		return 0, false
	}
	return int64(*t.Max), true
}

// span is the stretch of time that a set of rows needs, with a margin, rounded
// outward to a step that gives between four and nine ticks.
func span(rows []row) (from, to, tick int64, ok bool) {
	first := true
	grow := func(x int64) {
		if first || x < from {
			from = x
		}
		if first || x > to {
			to = x
		}
		first = false
	}
	for _, r := range rows {
		for _, t := range []*sightline.Time{r.Time, r.Rival} {
			if x, k := lower(t); k {
				grow(x)
			}
			if x, k := upper(t); k {
				grow(x)
			}
		}
	}
	if first {
		return 0, 0, 0, false
	}
	pad := max((to-from)/8, 5*minute)
	from, to = from-pad, to+pad
	for _, tick = range []int64{minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, 24 * hour, 7 * 24 * hour, 30 * 24 * hour, 365 * 24 * hour} {
		if (to-from)/tick <= 8 {
			break
		}
	}
	from = from - mod(from, tick)
	to = to + mod(-to, tick)
	return from, to, tick, true
}

func mod(a, b int64) int64 { return ((a % b) + b) % b }

// bars draws rows as SVG, wide for a screen and narrow for a phone; the style
// sheet shows one of the two. Colours come from classes only, so the policy of
// the page needs no inline style.
func bars(rows []row, zone, title string) template.HTML {
	from, to, tick, ok := span(focus(rows))
	if !ok {
		return ""
	}
	return template.HTML(drawBars(rows, zone, title, from, to, tick, true) + drawBars(rows, zone, title, from, to, tick, false))
}

// focus picks the rows that decide which hours are shown. One bar that lasts
// much longer than all others together would press them into a corner; it is
// then drawn with an arrow where it goes on.
func focus(rows []row) []row {
	width := func(r row) int64 {
		lo, ok1 := lower(r.Time)
		hi, ok2 := upper(r.Time)
		if !ok1 || !ok2 {
			return 0
		}
		return hi - lo
	}
	var short []row
	from, to := int64(0), int64(0)
	for _, r := range rows {
		if width(r) >= 3*hour {
			continue
		}
		short = append(short, r)
		for _, x := range []func(*sightline.Time) (int64, bool){lower, upper} {
			if t, ok := x(r.Time); ok {
				if from == 0 || t < from {
					from = t
				}
				to = max(to, t)
			}
		}
	}
	for _, r := range rows {
		if width(r) >= 3*hour && len(short) >= 2 && width(r) > 3*(to-from) {
			// One end of the long bar has to be in sight, else it says nothing.
			lo, _ := lower(r.Time)
			hi, _ := upper(r.Time)
			if (hi >= from && hi <= to+hour) || (lo >= from-hour && lo <= to) {
				end := *r.Time
				if hi >= from && hi <= to+hour {
					end.Min = end.Max
				} else {
					end.Max = end.Min
				}
				short = append(short, row{Time: &end})
				continue
			}
		}
		if width(r) >= 3*hour {
			return rows
		}
	}
	return short
}

// barsOver draws rows over a given stretch, for the bar that shows where in
// the day a step is.
func barsOver(rows []row, zone, title string, from, to, tick int64) template.HTML {
	return template.HTML(drawBars(rows, zone, title, from, to, tick, true) + drawBars(rows, zone, title, from, to, tick, false))
}

func drawBars(rows []row, zone, title string, from, to, tick int64, wide bool) string {
	left, width, rowH := 210.0, 860.0, 22.0
	class := "bars wide"
	if labelled := rows[0].ID != "" || rows[0].Label != ""; !labelled {
		left, width = 6, 1176
	}
	if !wide {
		left, width, rowH, class = 6, 336, 36, "bars narrow"
		tick *= 2
	}
	right := width - 8
	top := 8.0
	h := top + float64(len(rows))*rowH + 26
	px := func(t int64) float64 { return left + (right-left)*float64(t-from)/float64(to-from) }
	var sb strings.Builder
	hatch := "h" + map[bool]string{true: "w", false: "n"}[wide]
	fmt.Fprintf(&sb, `<svg class="%s" viewBox="0 0 %.0f %.0f" role="img" aria-label="%s"><defs><pattern id="%s" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hl" d="M0 0V6"/></pattern></defs>`, class, width, h, template.HTMLEscapeString(title), hatch)
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	axis := top + float64(len(rows))*rowH
	start := from + mod(-(from+offset(from, loc)), tick)
	for t := start; t <= to; t += tick {
		x := px(t)
		fmt.Fprintf(&sb, `<path class="t-grid" d="M%.1f %.0fV%.0f"/>`, x, top, axis)
		lt := time.UnixMilli(t).In(loc)
		txt := lt.Format("15:04")
		if tick >= 24*hour {
			txt = lt.Format("2006-01-02")
		}
		if x > left+12 && x < right-12 {
			fmt.Fprintf(&sb, `<text class="m dimt" text-anchor="middle" x="%.1f" y="%.0f">%s</text>`, x, axis+16, txt)
		}
	}
	fmt.Fprintf(&sb, `<path class="t-base" d="M%.0f %.0fH%.0f"/>`, left, axis, right)
	for i, r := range rows {
		y := top + float64(i)*rowH
		base := y + 5
		if !wide {
			base = y + 19
		}
		if wide {
			fmt.Fprintf(&sb, `<text class="m" x="0" y="%.0f">%s</text><text class="dimt" x="64" y="%.0f">%s</text>`, y+14, template.HTMLEscapeString(r.ID), y+14, template.HTMLEscapeString(cut(r.Label, 24)))
		} else {
			fmt.Fprintf(&sb, `<text x="%.0f" y="%.0f"><tspan class="m">%s</tspan> %s</text>`, left, y+13, template.HTMLEscapeString(r.ID), template.HTMLEscapeString(cut(strings.TrimSpace(r.Label+" "+r.Note), 40)))
		}
		end := drawTime(&sb, r, base, px, left, right, hatch)
		if wide && r.Note != "" {
			if end+8+float64(len([]rune(r.Note)))*6.3 < right {
				fmt.Fprintf(&sb, `<text class="tx" x="%.1f" y="%.0f">%s</text>`, end+8, y+14, template.HTMLEscapeString(r.Note))
			}
		}
	}
	sb.WriteString(`</svg>`)
	return sb.String()
}

// drawTime draws one interval and returns where it ends.
func drawTime(sb *strings.Builder, r row, y float64, px func(int64) float64, left, right float64, hatch string) float64 {
	const bar = 10.0
	lo, hasLo := lower(r.Time)
	hi, hasHi := upper(r.Time)
	clamp := func(x float64) float64 { return max(left, min(right, x)) }
	end := left
	if x, ok := upper(r.Rival); ok {
		x0 := left
		if y0, ok := lower(r.Rival); ok {
			x0 = clamp(px(y0))
		}
		fmt.Fprintf(sb, `<rect class="t-poss" x="%.1f" y="%.1f" width="%.1f" height="%.0f"/>`, x0, y, max(2, clamp(px(x))-x0), bar)
		end = clamp(px(x))
	}
	class := "t-core"
	switch {
	case r.Gap, r.Time != nil && r.Time.Inferred:
		class = "t-gap"
	case r.Time != nil && !r.Time.Whole && hasLo && hasHi && !r.Now:
		class = "t-some"
	}
	fill := ""
	if class == "t-gap" {
		fill = ` fill="url(#` + hatch + `)"`
	}
	about := r.Time != nil && (r.Time.Precision == "about" || r.Time.Precision == "estimate")
	switch {
	case hasLo && hasHi && hi-lo < 2*minute:
		x := clamp((px(lo) + px(hi)) / 2)
		if about {
			for i, w := range []float64{18, 12, 6} {
				fmt.Fprintf(sb, `<rect class="t-f%d" x="%.1f" y="%.1f" width="%.0f" height="%.0f"/>`, 3-i, x-w, y, 2*w, bar)
			}
		}
		fmt.Fprintf(sb, `<path class="t-pin" d="M%.1f %.1fv%.0f"/>`, x, y-2, bar+4)
		return max(end, x+4)
	case hasLo && hasHi:
		x0, x1 := clamp(px(lo)), clamp(px(hi))
		fmt.Fprintf(sb, `<rect class="%s"%s x="%.1f" y="%.1f" width="%.1f" height="%.0f"/>`, class, fill, x0, y, max(2, x1-x0), bar)
		if px(lo) < left-0.5 {
			fmt.Fprintf(sb, `<path class="t-arrow" d="M%.1f %.1fl7-5v10z"/>`, left-8, y+bar/2)
		}
		if px(hi) > right+0.5 {
			fmt.Fprintf(sb, `<path class="t-arrow" d="M%.1f %.1fl-7-5v10z"/>`, right+8, y+bar/2)
		}
		if about {
			for i := 0; i < 3; i++ {
				fmt.Fprintf(sb, `<rect class="t-f%d" x="%.1f" y="%.1f" width="6" height="%.0f"/>`, i+1, clamp(x1+float64(i)*6), y, bar)
			}
		}
		return max(end, x1+18)
	case hasHi: // only an upper bound: from somewhere before
		x1 := clamp(px(hi))
		x0 := max(left+8, x1-70)
		fade(sb, y, bar, x0, x1, true)
		fmt.Fprintf(sb, `<path class="t-pin" d="M%.1f %.1fv%.0f"/><path class="t-arrow" d="M%.1f %.1fl7-5v10z"/>`, x1, y-2, bar+4, x0-8, y+bar/2)
		return max(end, x1+2)
	case hasLo:
		x0 := clamp(px(lo))
		x1 := min(right-8, x0+70)
		fade(sb, y, bar, x0, x1, false)
		fmt.Fprintf(sb, `<path class="t-pin" d="M%.1f %.1fv%.0f"/><path class="t-arrow" d="M%.1f %.1fl-7-5v10z"/>`, x0, y-2, bar+4, x1+8, y+bar/2)
		return max(end, x1+10)
	}
	return end
}

// fade draws three steps of grey: certain end to open end.
func fade(sb *strings.Builder, y, h, x0, x1 float64, towardLeft bool) {
	w := (x1 - x0) / 3
	for i := 0; i < 3; i++ {
		k := i + 1
		if towardLeft {
			k = 3 - i
		}
		fmt.Fprintf(sb, `<rect class="t-f%d" x="%.1f" y="%.1f" width="%.1f" height="%.0f"/>`, k, x0+float64(i)*w, y, w, h)
	}
}

func offset(t int64, loc *time.Location) int64 {
	_, off := time.UnixMilli(t).In(loc).Zone()
	return int64(off) * 1000
}

func cut(s string, n int) string {
	rs := []rune(s)
	if len(rs) <= n {
		return s
	}
	return strings.TrimSpace(string(rs[:n-1])) + "…"
}

// utc writes an instant for a data file; nil stays null.
func utc(t *when.Instant) any {
	if t == nil {
		return nil
	}
	return t.String()
}
