package time

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"sightline"
	"sightline/when"
)

// Formats of [Export], with their media types.
var Formats = map[string]string{
	"otio":     "application/json",
	"fcpxml":   "application/xml",
	"edl":      "text/plain; charset=utf-8",
	"offsets":  "text/csv; charset=utf-8",
	"srt":      "text/plain; charset=utf-8",
	"vtt":      "text/vtt",
	"eaf":      "application/xml",
	"textgrid": "text/plain; charset=utf-8",
	"network":  "application/json",
}

// master is what all exports write: clips, marks and utterances on one axis,
// milliseconds since Origin.
type master struct {
	title  string
	origin int64 // UTC ms, a whole second
	zone   when.Zone
	length float64
	clips  []placed
	said   []utterance
	marks  []mark
}

type placed struct {
	Clip
	name, media string
	at          float64
}

type utterance struct {
	item, tier, text string
	from, to         float64
}

type mark struct {
	id, text string
	at       float64
}

// Export writes the case on its master clock in a format of [Formats], texts
// in lang. Formats that count frames (fcpxml, edl) count 25 a second and round
// to them; each clip carries its exact start and its error beside.
func Export(w io.Writer, d *sightline.Document, format, lang string) error {
	if format == "network" {
		n, err := Compile(d, lang)
		if err != nil {
			return err
		}
		j := json.NewEncoder(w)
		j.SetIndent("", " ")
		return j.Encode(n)
	}
	m, err := newMaster(d, lang)
	if err != nil {
		return err
	}
	if len(m.clips) == 0 {
		return fmt.Errorf("no recording of this case has a place on the clock: state a time or a constraint first: %w", sightline.ErrInvalid)
	}
	var b bytes.Buffer
	switch format {
	case "otio":
		err = m.otio(&b)
	case "fcpxml":
		m.fcpxml(&b)
	case "edl":
		m.edl(&b)
	case "offsets":
		err = m.offsets(&b)
	case "srt", "vtt":
		m.subtitles(&b, format == "vtt")
	case "eaf":
		m.eaf(&b)
	case "textgrid":
		m.textgrid(&b)
	default:
		return fmt.Errorf("there is no export %q; there are otio, fcpxml, edl, offsets, srt, vtt, eaf, textgrid, network: %w", format, sightline.ErrInvalid)
	}
	if err == nil {
		_, err = w.Write(b.Bytes())
	}
	return err
}

func newMaster(d *sightline.Document, lang string) (*master, error) {
	r, err := Solve(d)
	if err != nil {
		return nil, err
	}
	clips, err := Clips(d, r)
	if err != nil || len(clips) == 0 {
		return &master{}, err
	}
	m := &master{title: d.Case.Title.In(lang, "en", "es")}
	if m.zone, err = when.LoadZone(d.Case.Zone); err != nil {
		m.zone = when.UTC
	}
	m.origin = int64(math.Floor(clips[0].StartMS/1000)) * 1000
	items := map[string]*sightline.Item{}
	for _, it := range d.Items {
		items[it.ID] = it
	}
	at := map[string]*placed{}
	for _, c := range clips {
		it := items[c.Item]
		p := placed{Clip: c, name: cmp.Or(it.Name, it.ID), media: it.Media, at: c.StartMS - float64(m.origin)}
		m.clips = append(m.clips, p)
		m.length = max(m.length, p.at+float64(c.DurationMS))
	}
	for i := range m.clips {
		at[m.clips[i].Item] = &m.clips[i]
	}
	for _, o := range d.Observations {
		p := at[o.Item]
		if p == nil || o.FromMS == nil {
			continue
		}
		to := float64(*o.FromMS) + 2000
		if o.ToMS != nil && *o.ToMS > *o.FromMS {
			to = float64(*o.ToMS)
		}
		u := utterance{item: o.Item, tier: o.Item, text: o.Text.In(lang, "en", "es"), from: p.at + float64(*o.FromMS), to: p.at + min(to, float64(max(p.DurationMS, *o.FromMS+1)))}
		if o.Speaker != "" {
			u.tier += " " + o.Speaker
		}
		m.said = append(m.said, u)
	}
	slices.SortStableFunc(m.said, func(a, b utterance) int { return cmp.Compare(a.from, b.from) })
	for _, e := range d.Events {
		if len(e.Times) == 0 || e.Times[0].Min == nil || e.Times[0].Max == nil {
			continue
		}
		t := &e.Times[0]
		x := float64(*t.Min+*t.Max)/2 - float64(m.origin)
		if x >= 0 && x <= m.length {
			m.marks = append(m.marks, mark{e.ID, e.Title.In(lang, "en", "es"), x})
		}
	}
	slices.SortStableFunc(m.marks, func(a, b mark) int { return cmp.Compare(a.at, b.at) })
	return m, nil
}

// note says of a clip what a frame count cannot.
func (m *master) note(p *placed) string {
	s := "start " + m.zone.RFC3339(when.Instant(math.Round(p.StartMS)))
	if p.Item != p.Reference {
		s += fmt.Sprintf(", +-%.1f ms from %s", p.ErrorMS, p.Reference)
	}
	if p.MinMS != nil && p.MaxMS != nil {
		s += fmt.Sprintf(", true start between %s and %s", m.zone.RFC3339(when.Instant(*p.MinMS)), m.zone.RFC3339(when.Instant(*p.MaxMS)))
	}
	return s
}

// otio writes OpenTimelineIO JSON (schemata Timeline.1, Stack.1, Track.1,
// Gap.1, Clip.1, ExternalReference.1), a track for each clip, in milliseconds.
func (m *master) otio(w io.Writer) error {
	type obj = map[string]any
	rt := func(ms float64) obj {
		return obj{"OTIO_SCHEMA": "RationalTime.1", "rate": 1000.0, "value": math.Round(ms)}
	}
	span := func(from, long float64) obj {
		return obj{"OTIO_SCHEMA": "TimeRange.1", "start_time": rt(from), "duration": rt(long)}
	}
	var tracks []any
	for i := range m.clips {
		p := &m.clips[i]
		kind := "Video"
		if p.media == "audio" {
			kind = "Audio"
		}
		kids := []any{}
		if math.Round(p.at) > 0 {
			kids = append(kids, obj{"OTIO_SCHEMA": "Gap.1", "name": "", "source_range": span(0, p.at), "effects": []any{}, "markers": []any{}, "metadata": obj{}})
		}
		long := float64(p.DurationMS)
		kids = append(kids, obj{"OTIO_SCHEMA": "Clip.1", "name": p.Item, "source_range": span(0, long), "effects": []any{}, "markers": []any{},
			"media_reference": obj{"OTIO_SCHEMA": "ExternalReference.1", "target_url": p.name, "available_range": span(0, long), "metadata": obj{}},
			"metadata":        obj{"sightline": obj{"start_utc_ms": p.StartMS, "error_ms": p.ErrorMS, "reference": p.Reference, "min_ms": p.MinMS, "max_ms": p.MaxMS, "how": p.How}}})
		tracks = append(tracks, obj{"OTIO_SCHEMA": "Track.1", "name": p.Item, "kind": kind, "children": kids, "source_range": nil, "effects": []any{}, "markers": []any{}, "metadata": obj{}})
	}
	marks := []any{}
	for _, k := range m.marks {
		marks = append(marks, obj{"OTIO_SCHEMA": "Marker.2", "name": k.id + " " + k.text, "color": "YELLOW", "marked_range": span(k.at, 0), "metadata": obj{}})
	}
	j := json.NewEncoder(w)
	j.SetIndent("", " ")
	return j.Encode(obj{"OTIO_SCHEMA": "Timeline.1", "name": m.title, "global_start_time": nil, "metadata": obj{"sightline": obj{"origin_utc_ms": m.origin, "origin": m.zone.RFC3339(when.Instant(m.origin))}},
		"tracks": obj{"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": tracks, "source_range": nil, "effects": []any{}, "markers": marks, "metadata": obj{}}})
}

// fps is that of the formats that count frames.
const fps = 25

func frames(ms float64) int { return int(math.Round(ms * fps / 1000)) }

func esc(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) //nolint:errcheck // a builder takes all
	return b.String()
}

// fcpxml writes Final Cut Pro XML 1.10: one gap as the base, every clip
// connected to it on a lane of its own.
func (m *master) fcpxml(w io.Writer) {
	sec := func(f int) string { return fmt.Sprintf("%d/%ds", f, fps) }
	all := max(frames(m.length), 1)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE fcpxml>\n<fcpxml version=\"1.10\">\n <resources>\n  <format id=\"r1\" frameDuration=\"1/%ds\" width=\"1920\" height=\"1080\"/>\n", fps)
	for i := range m.clips {
		p := &m.clips[i]
		has := `hasVideo="1" format="r1" hasAudio="1"`
		if p.media == "audio" {
			has = `hasAudio="1"`
		}
		fmt.Fprintf(w, "  <asset id=\"a%d\" name=\"%s\" start=\"0s\" duration=\"%s\" %s>\n   <media-rep kind=\"original-media\" src=\"%s\"/>\n  </asset>\n", i+1, esc(p.Item), sec(max(frames(float64(p.DurationMS)), 1)), has, esc("./"+p.name))
	}
	l := int64(m.zone.Local(when.Instant(m.origin)))
	day := (l%86_400_000 + 86_400_000) % 86_400_000
	fmt.Fprintf(w, " </resources>\n <library>\n  <event name=\"%s\">\n   <project name=\"%s\">\n    <sequence format=\"r1\" duration=\"%s\" tcStart=\"%s\" tcFormat=\"NDF\">\n     <spine>\n      <gap name=\"%s\" offset=\"%s\" start=\"0s\" duration=\"%s\">\n",
		esc(m.title), esc(m.title), sec(all), sec(frames(float64(day))), esc(m.zone.RFC3339(when.Instant(m.origin))), sec(frames(float64(day))), sec(all))
	for i := range m.clips {
		p := &m.clips[i]
		fmt.Fprintf(w, "       <asset-clip ref=\"a%d\" lane=\"%d\" name=\"%s\" offset=\"%s\" start=\"0s\" duration=\"%s\">\n        <note>%s</note>\n       </asset-clip>\n",
			i+1, i+1, esc(p.Item), sec(frames(p.at)), sec(max(frames(float64(p.DurationMS)), 1)), esc(m.note(p)))
	}
	for _, k := range m.marks {
		fmt.Fprintf(w, "       <marker start=\"%s\" duration=\"1/%ds\" value=\"%s\"/>\n", sec(frames(k.at)), fps, esc(k.id+" "+k.text))
	}
	io.WriteString(w, "      </gap>\n     </spine>\n    </sequence>\n   </project>\n  </event>\n </library>\n</fcpxml>\n") //nolint:errcheck // a buffer takes all
}

// edl writes a CMX 3600 list, whose record times are the time of day in the
// zone of the case. Clips overlap: each is an event of its own.
func (m *master) edl(w io.Writer) {
	tc := func(f int) string {
		f = (f%(86400*fps) + 86400*fps) % (86400 * fps)
		return fmt.Sprintf("%02d:%02d:%02d:%02d", f/fps/3600, f/fps/60%60, f/fps%60, f%fps)
	}
	title := strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, m.title)
	fmt.Fprintf(w, "TITLE: %s\r\nFCM: NON-DROP FRAME\r\n\r\n", title)
	local := frames(float64(int64(m.zone.Local(when.Instant(m.origin))) % 86_400_000))
	for i := range m.clips {
		p := &m.clips[i]
		reel := strings.ToUpper(strings.NewReplacer("-", "", ".", "").Replace(p.Item))
		if len(reel) > 8 {
			reel = reel[len(reel)-8:]
		}
		ch, long, from := "V", max(frames(float64(p.DurationMS)), 1), local+frames(p.at)
		if p.media == "audio" {
			ch = "A"
		}
		fmt.Fprintf(w, "%03d  %-8s %-5s C        %s %s %s %s\r\n* FROM CLIP NAME: %s\r\n* COMMENT: %s\r\n", i+1, reel, ch, tc(0), tc(long), tc(from), tc(from+long), p.name, m.note(p))
	}
}

// offsets writes a line for each clip with its exact start.
func (m *master) offsets(w io.Writer) error {
	c := csv.NewWriter(w)
	rows := [][]string{{"item", "file", "start_utc", "start_utc_ms", "offset_from_reference_ms", "reference", "error_ms", "earliest_utc_ms", "latest_utc_ms", "duration_ms", "how"}}
	start := map[string]float64{}
	for _, p := range m.clips {
		start[p.Item] = p.StartMS
	}
	opt := func(v *int64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatInt(*v, 10)
	}
	num := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	for _, p := range m.clips {
		rows = append(rows, []string{p.Item, safeCell(p.name), when.UTC.RFC3339(when.Instant(math.Round(p.StartMS))), num(p.StartMS), num(p.StartMS - start[p.Reference]), p.Reference, num(p.ErrorMS), opt(p.MinMS), opt(p.MaxMS), strconv.FormatInt(p.DurationMS, 10), p.How})
	}
	return c.WriteAll(rows)
}

// safeCell keeps a spreadsheet from taking a file name for a formula.
func safeCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
