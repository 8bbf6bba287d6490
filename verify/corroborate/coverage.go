package corroborate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"sightline"
	"sightline/when"
)

// CoverageSchema names the JSON form of a [Coverage].
const CoverageSchema = "sightline.coverage/1"

// Coverage is what the held media of a case certainly cover, and what they do
// not.
type Coverage struct {
	Schema  string        `json:"schema"`
	Window  when.Interval `json:"window"`
	Spans   []Span        `json:"spans"` // what each item certainly covers, by start
	Gaps    []Proposal    `json:"gaps"`
	Covered int64         `json:"covered_ms"`
	Notes   []string      `json:"notes,omitempty"`
}

// Span is a stretch that an item certainly covers: however its interval is
// read, it was recording then.
type Span struct {
	Item        string `json:"item"`
	FromMS      int64  `json:"from"`
	ToMS        int64  `json:"to"`
	Perspective string `json:"perspective"`
}

// Proposal is a gap that was computed, ready to become a gap of the case and
// so a request for material.
type Proposal struct {
	Kind     string         `json:"kind"`               // time, space, viewpoint
	Gap      *sightline.Gap `json:"gap"`                // without an id
	Possible []string       `json:"possible,omitempty"` // items that may fall into it, their time being uncertain
	Known    []string       `json:"known,omitempty"`    // gaps of the case that say so already
}

// CoverOptions bound what counts as a gap.
type CoverOptions struct {
	Window when.Interval // "" both ends open: the span of the items and events with known times
	MinMS  int64         // shortest gap, default one minute
	Options
}

// Cover computes coverage. An item covers time certainly when it is a video or
// recording that is held: with a whole interval, all of it; with a duration
// and an interval in which it lies somewhere, the middle that it covers
// wherever it lies, from the latest start to the earliest end.
func Cover(d *sightline.Document, o CoverOptions) *Coverage {
	if o.MinMS <= 0 {
		o.MinMS = 60_000
	}
	c := &Coverage{Schema: CoverageSchema, Spans: []Span{}, Gaps: []Proposal{}}
	at := map[string]Span{}
	for _, it := range d.Items {
		if s, ok := certain(it); ok {
			c.Spans = append(c.Spans, s)
			at[it.ID] = s
		}
	}
	slices.SortFunc(c.Spans, func(a, b Span) int {
		if a.FromMS != b.FromMS {
			return int(min(1, max(-1, a.FromMS-b.FromMS)))
		}
		return byID(a.Item, b.Item)
	})
	c.Window = o.Window
	if !c.Window.Bounded() {
		c.Window = window(d, c.Spans)
	}
	if !c.Window.Bounded() || !c.Window.Valid() {
		c.Notes = append(c.Notes, "no item or event has a time with two ends, so no gap in time can be computed")
		return c
	}
	zone := "UTC"
	if d.Case != nil && d.Case.Zone != "" {
		zone = d.Case.Zone
	}
	c.time(d, o, zone)
	c.perspective(d, o, zone)
	c.space(d, o, at, zone)
	for i := range c.Gaps {
		for _, g := range d.Gaps {
			if g.Time != nil && g.Time.Bounded() && c.Gaps[i].Gap.Time != nil && c.Gaps[i].Gap.Time.Overlaps(g.Time.Interval) && kindOf(g) == c.Gaps[i].Kind {
				c.Gaps[i].Known = append(c.Gaps[i].Known, g.ID)
			}
		}
	}
	return c
}

// kindOf tells what sort of gap one of the case is: those with a place are
// gaps in space.
func kindOf(g *sightline.Gap) string {
	if len(g.Places) > 0 {
		return "space"
	}
	if strings.HasPrefix(g.Title["en"], "Only one side") {
		return "viewpoint"
	}
	return "time"
}

func certain(it *sightline.Item) (Span, bool) {
	if !it.Held || it.Media != "video" && it.Media != "audio" || len(it.Times) == 0 {
		return Span{}, false
	}
	t := it.Times[0]
	if !t.Bounded() || !t.Valid() {
		return Span{}, false
	}
	from, to := int64(*t.Min), int64(*t.Max)
	if !t.Whole {
		if it.DurationMS <= 0 {
			return Span{}, false
		}
		from, to = to-it.DurationMS, from+it.DurationMS
	}
	return Span{it.ID, from, to, it.Source.Perspective}, from < to
}

// window is from the first to the last thing of which the time is known to the
// hour or better.
func window(d *sightline.Document, spans []Span) when.Interval {
	var w when.Interval
	known := false
	take := func(i when.Interval) {
		width, ok := i.Width()
		if !ok || width > 3_600_000 {
			return
		}
		if !known {
			w, known = i, true
		} else {
			w = w.Hull(i)
		}
	}
	for _, s := range spans {
		take(when.Between(when.Instant(s.FromMS), when.Instant(s.ToMS)))
		// A long recording is no doubt about when.
		if s.ToMS-s.FromMS > 3_600_000 {
			i := when.Between(when.Instant(s.FromMS), when.Instant(s.ToMS))
			if !known {
				w, known = i, true
			} else {
				w = w.Hull(i)
			}
		}
	}
	for _, it := range d.Items {
		if it.Held && len(it.Times) > 0 {
			take(it.Times[0].Interval)
		}
	}
	for _, e := range d.Events {
		if len(e.Times) > 0 {
			take(e.Times[0].Interval)
		}
	}
	return w
}

// holes are the parts of a window that no span covers.
func holes(w when.Interval, spans []Span) (out [][2]int64) {
	at := int64(*w.Min)
	end := int64(*w.Max)
	for _, s := range spans {
		if s.FromMS > at {
			out = append(out, [2]int64{at, min(s.FromMS, end)})
		}
		at = max(at, s.ToMS)
		if at >= end {
			return out
		}
	}
	if at < end {
		out = append(out, [2]int64{at, end})
	}
	return out
}

func clock(ms int64, zone string) string {
	z, err := when.LoadZone(zone)
	if err != nil {
		return when.Instant(ms).Time().Format("15:04:05") + "Z"
	}
	return when.Instant(z.Local(when.Instant(ms))).Time().Format("15:04:05")
}

func between(from, to int64, zone string) *sightline.Time {
	return &sightline.Time{Interval: when.Between(when.Instant(from), when.Instant(to)), Zone: zone, Precision: "derived", Inferred: true, Whole: true}
}

func (c *Coverage) time(d *sightline.Document, o CoverOptions, zone string) {
	window := int64(*c.Window.Max) - int64(*c.Window.Min)
	uncovered := int64(0)
	for _, h := range holes(c.Window, c.Spans) {
		uncovered += h[1] - h[0]
		if h[1]-h[0] < o.MinMS {
			continue
		}
		a, b := clock(h[0], zone), clock(h[1], zone)
		p := Proposal{Kind: "time", Gap: &sightline.Gap{
			Title: sightline.Text{"en": fmt.Sprintf("Nothing recorded, %s to %s", a, b), "es": fmt.Sprintf("Nada grabado, de %s a %s", a, b)},
			Time:  between(h[0], h[1], zone),
			Text:  sightline.Text{"en": "No video or sound recording that is held certainly covers this time.", "es": "Ningún video ni grabación de sonido disponible cubre con certeza este tiempo."},
			Asked: sightline.Text{"en": fmt.Sprintf("Videos or sound recordings made between %s and %s, in the original file.", a, b), "es": fmt.Sprintf("Videos o grabaciones de sonido hechos entre %s y %s, en el archivo original.", a, b)},
			Items: around(c.Spans, h),
		}}
		hole := when.Between(when.Instant(h[0]), when.Instant(h[1]))
		for _, it := range d.Items {
			if it.Held && len(it.Times) > 0 && it.Times[0].Valid() && it.Times[0].Bounded() && it.Times[0].Overlaps(hole) && !slices.Contains(p.Gap.Items, it.ID) {
				p.Possible = append(p.Possible, it.ID)
			}
		}
		c.Gaps = append(c.Gaps, p)
	}
	c.Covered = window - uncovered
}

// around names the items that bound a hole.
func around(spans []Span, h [2]int64) (out []string) {
	for _, s := range spans {
		if s.ToMS == h[0] || s.FromMS == h[1] {
			out = append(out, s.Item)
		}
	}
	return out
}

// perspective finds stretches that are covered from one side only.
func (c *Coverage) perspective(d *sightline.Document, o CoverOptions, zone string) {
	var edges []int64
	for _, s := range c.Spans {
		edges = append(edges, s.FromMS, s.ToMS)
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	type run struct {
		from, to int64
		side     string
		items    []string
	}
	var runs []run
	for i := 0; i+1 < len(edges); i++ {
		a, b := edges[i], edges[i+1]
		sides := map[string]bool{}
		var items []string
		for _, s := range c.Spans {
			if s.FromMS <= a && s.ToMS >= b {
				sides[s.Perspective] = true
				items = append(items, s.Item)
			}
		}
		if len(sides) != 1 {
			continue
		}
		side := ""
		for s := range sides {
			side = s
		}
		if n := len(runs); n > 0 && runs[n-1].to == a && runs[n-1].side == side {
			runs[n-1].to = b
			for _, it := range items {
				if !slices.Contains(runs[n-1].items, it) {
					runs[n-1].items = append(runs[n-1].items, it)
				}
			}
			continue
		}
		runs = append(runs, run{a, b, side, items})
	}
	for _, r := range runs {
		if r.to-r.from < o.MinMS || r.side == "" || r.side == "unknown" {
			continue
		}
		a, b := clock(r.from, zone), clock(r.to, zone)
		en, es := sides[r.side]["en"], sides[r.side]["es"]
		if en == "" {
			en, es = r.side, r.side
		}
		c.Gaps = append(c.Gaps, Proposal{Kind: "viewpoint", Gap: &sightline.Gap{
			Title: sightline.Text{"en": fmt.Sprintf("Only one side, %s to %s", a, b), "es": fmt.Sprintf("Solo un lado, de %s a %s", a, b)},
			Time:  between(r.from, r.to, zone),
			Text:  sightline.Text{"en": fmt.Sprintf("All that certainly covers this time was recorded by one side: %s.", en), "es": fmt.Sprintf("Todo lo que cubre con certeza este tiempo lo grabó un solo lado: %s.", es)},
			Asked: sightline.Text{"en": fmt.Sprintf("Recordings of the same time, %s to %s, by somebody else or from another side.", a, b), "es": fmt.Sprintf("Grabaciones del mismo tiempo, de %s a %s, hechas por otra persona o desde otro lado.", a, b)},
			Items: r.items,
		}})
	}
}

var sides = map[string]sightline.Text{
	"citizen": {"en": "citizens", "es": "ciudadanos"}, "security_forces": {"en": "security forces", "es": "fuerzas de seguridad"}, "victim": {"en": "victims", "es": "víctimas"},
	"press": {"en": "press", "es": "prensa"}, "official": {"en": "officials", "es": "autoridades"}, "satellite": {"en": "satellite", "es": "satélite"},
}

// space finds events at a known place and time that no camera certainly saw,
// and those that were seen from one direction only.
func (c *Coverage) space(d *sightline.Document, o CoverOptions, at map[string]Span, zone string) {
	asked := 0
	for _, e := range d.Events {
		if len(e.Times) == 0 || !e.Times[0].Bounded() || !e.Times[0].Valid() {
			continue
		}
		t := e.Times[0]
		for _, p := range e.Places {
			if p.ENU == nil || p.Role == "camera" {
				continue
			}
			asked++
			var saw []string
			var bearings []float64
			for _, it := range d.Items {
				s, ok := at[it.ID]
				cam := camera(it)
				if !ok || cam == nil || s.FromMS > int64(*t.Min) || s.ToMS < int64(*t.Max) || !frames(cam, *p.ENU) {
					continue
				}
				if o.See != nil {
					if chance, _, ok := o.See(it, *p.ENU); ok && chance < 0.95 {
						continue
					}
				}
				saw = append(saw, it.ID)
				bearings = append(bearings, math.Atan2(cam.Position[0]-p.ENU[0], cam.Position[1]-p.ENU[1])*180/math.Pi)
			}
			title := e.Title.In("en", "es")
			es := e.Title.In("es", "en")
			g := &sightline.Gap{Time: &sightline.Time{Interval: t.Interval, Zone: zone, Precision: "derived", Inferred: true, Whole: true}, Places: []sightline.Place{{Role: "subject", Form: "point", ENU: p.ENU, RadiusM: p.RadiusM, Label: p.Label}}, Items: saw}
			switch {
			case len(saw) == 0:
				g.Title = sightline.Text{"en": "No camera on: " + title, "es": "Ninguna cámara sobre: " + es}
				g.Text = sightline.Text{"en": fmt.Sprintf("No camera whose place is known certainly saw %s.", e.ID), "es": fmt.Sprintf("Ninguna cámara de lugar conocido vio con certeza %s.", e.ID)}
				g.Asked = sightline.Text{"en": fmt.Sprintf("Pictures that show this place around %s.", clock(int64(*t.Min), zone)), "es": fmt.Sprintf("Imágenes que muestren este lugar hacia las %s.", clock(int64(*t.Min), zone))}
				c.Gaps = append(c.Gaps, Proposal{Kind: "space", Gap: g})
			case widest(bearings) > 240:
				g.Title = sightline.Text{"en": "Only one side: " + title, "es": "Solo un lado: " + es}
				from := widestFrom(bearings)
				g.Text = sightline.Text{"en": fmt.Sprintf("All cameras that saw %s stand within %.0f degrees of each other around it.", e.ID, 360-widest(bearings)), "es": fmt.Sprintf("Todas las cámaras que vieron %s están dentro de %.0f grados a su alrededor.", e.ID, 360-widest(bearings))}
				g.Asked = sightline.Text{"en": fmt.Sprintf("Pictures of the same moment from the %s.", compass(from, "en")), "es": fmt.Sprintf("Imágenes del mismo momento desde el %s.", compass(from, "es"))}
				c.Gaps = append(c.Gaps, Proposal{Kind: "viewpoint", Gap: g})
			}
		}
	}
	if asked == 0 {
		c.Notes = append(c.Notes, "no event has both a time with two ends and a point in the scene, so gaps in space were not computed")
	} else if o.See == nil {
		c.Notes = append(c.Notes, "no scene was given: a camera counts as seeing what is inside its picture, whatever stands in between")
	}
}

// frames reports whether a point falls inside a camera's picture. The pose is
// world to camera, x right, y down, z forward (package sight).
func frames(c *sightline.Camera, p [3]float64) bool {
	w, x, y, z := c.Rotation[0], c.Rotation[1], c.Rotation[2], c.Rotation[3]
	n := math.Sqrt(w*w + x*x + y*y + z*z)
	if n == 0 || c.FocalPx <= 0 || c.Width <= 0 || c.Height <= 0 {
		return false
	}
	w, x, y, z = w/n, x/n, y/n, z/n
	d := [3]float64{p[0] - c.Position[0], p[1] - c.Position[1], p[2] - c.Position[2]}
	cx := (1-2*(y*y+z*z))*d[0] + 2*(x*y-w*z)*d[1] + 2*(x*z+w*y)*d[2]
	cy := 2*(x*y+w*z)*d[0] + (1-2*(x*x+z*z))*d[1] + 2*(y*z-w*x)*d[2]
	cz := 2*(x*z-w*y)*d[0] + 2*(y*z+w*x)*d[1] + (1-2*(x*x+y*y))*d[2]
	if cz <= 0 {
		return false
	}
	u, v := c.FocalPx*cx/cz+c.Principal[0], c.FocalPx*cy/cz+c.Principal[1]
	return u >= 0 && v >= 0 && u <= float64(c.Width) && v <= float64(c.Height)
}

// widest is the largest angle around a point without a camera, in degrees.
func widest(b []float64) float64 { w, _ := opening(b); return w }

// widestFrom is the bearing of the middle of that angle.
func widestFrom(b []float64) float64 { _, m := opening(b); return m }

func opening(b []float64) (width, middle float64) {
	s := slices.Clone(b)
	slices.Sort(s)
	for i := range s {
		next := s[(i+1)%len(s)]
		if i+1 == len(s) {
			next += 360
		}
		if next-s[i] > width {
			width, middle = next-s[i], math.Mod((s[i]+next)/2+720, 360)
		}
	}
	return width, middle
}

var winds = map[string][]string{
	"en": {"north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"},
	"es": {"norte", "noreste", "este", "sureste", "sur", "suroeste", "oeste", "noroeste"},
}

func compass(deg float64, lang string) string {
	return winds[lang][int(math.Mod(deg+22.5+360, 360)/45)%8]
}
