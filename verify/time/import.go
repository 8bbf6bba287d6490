package time

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sightline"
	"sightline/when"
)

// Placement is where another program has put the start of a recording, in
// milliseconds of its own timeline; Name is the clip's name there.
type Placement struct {
	Name    string
	StartMS float64
}

// Placements reads the clips of a timeline: "otio", "fcpxml", "edl" or
// "offsets", "" finds out which. A clip that was trimmed counts from the first
// moment of its recording. Rounding is how far the format's own counting may be
// off, ms. fps is that of an EDL, which does not say it.
func Placements(b []byte, format string, fps float64) (list []Placement, rounding float64, err error) {
	b = bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF"))
	if format == "" {
		head := bytes.TrimSpace(b)
		switch {
		case bytes.HasPrefix(head, []byte("{")):
			format = "otio"
		case bytes.HasPrefix(head, []byte("<")):
			format = "fcpxml"
		case bytes.HasPrefix(head, []byte("TITLE:")):
			format = "edl"
		default:
			format = "offsets"
		}
	}
	switch format {
	case "otio":
		list, err = readOTIO(b)
		rounding = 1
	case "fcpxml":
		list, rounding, err = readFCPXML(b)
	case "edl":
		if !(fps >= 1 && fps <= 240) {
			return nil, 0, fmt.Errorf("%g frames a second is not between 1 and 240: %w", fps, sightline.ErrInvalid)
		}
		list, err = readEDL(b, fps)
		rounding = 1000 / fps
	case "offsets":
		list, err = readOffsets(b)
		rounding = 1
	default:
		err = fmt.Errorf("there is no timeline format %q; there are otio, fcpxml, edl, offsets", format)
	}
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("the file names no clip")
	}
	for _, p := range list {
		if math.IsNaN(p.StartMS) || math.Abs(p.StartMS) > 1<<53 {
			err = fmt.Errorf("clip %q has no usable time", p.Name)
		}
	}
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read this timeline as %s: %w: %w", format, err, sightline.ErrInvalid)
	}
	return list, rounding, nil
}

type otioTime struct {
	Rate  float64 `json:"rate"`
	Value float64 `json:"value"`
}

func (t *otioTime) ms() float64 {
	if t == nil || t.Rate == 0 {
		return 0
	}
	return t.Value / t.Rate * 1000
}

type otioRange struct {
	Start    *otioTime `json:"start_time"`
	Duration *otioTime `json:"duration"`
}

type otioNode struct {
	Schema    string          `json:"OTIO_SCHEMA"`
	Name      string          `json:"name"`
	Children  []otioNode      `json:"children"`
	Range     *otioRange      `json:"source_range"`
	Media     json.RawMessage `json:"media_reference"`
	Medias    json.RawMessage `json:"media_references"` // Clip.2
	ActiveKey string          `json:"active_media_reference_key"`
}

func (n *otioNode) is(kind string) bool { return strings.HasPrefix(n.Schema, kind+".") }

func readOTIO(b []byte) ([]Placement, error) {
	var t struct {
		Schema string   `json:"OTIO_SCHEMA"`
		Tracks otioNode `json:"tracks"`
	}
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(t.Schema, "Timeline.") {
		return nil, fmt.Errorf("its top is %q, not a Timeline", t.Schema)
	}
	var out []Placement
	for i := range t.Tracks.Children {
		at := 0.0
		for k := range t.Tracks.Children[i].Children {
			n := &t.Tracks.Children[i].Children[k]
			if n.is("Transition") { // lies over its neighbours and takes no time
				continue
			}
			var media struct {
				Available *otioRange `json:"available_range"`
			}
			if len(n.Media) > 0 {
				json.Unmarshal(n.Media, &media) //nolint:errcheck // a clip without media has no range of it
			} else if len(n.Medias) > 0 {
				refs := map[string]json.RawMessage{}
				json.Unmarshal(n.Medias, &refs)           //nolint:errcheck // as above
				json.Unmarshal(refs[n.ActiveKey], &media) //nolint:errcheck // as above
			}
			r := n.Range
			if r == nil {
				r = media.Available
			}
			if r == nil {
				return nil, fmt.Errorf("%q in track %d has no length", n.Name, i+1)
			}
			if n.is("Clip") {
				first := 0.0
				if media.Available != nil {
					first = media.Available.Start.ms()
				}
				out = append(out, Placement{n.Name, at - (r.Start.ms() - first)})
			}
			at += r.Duration.ms()
		}
	}
	return out, nil
}

// rational reads a time of Final Cut: "1001/30000s", "5s", ms.
func rational(s string) (float64, bool) {
	s, ok := strings.CutSuffix(strings.TrimSpace(s), "s")
	if !ok {
		return 0, s == ""
	}
	a, b, frac := strings.Cut(s, "/")
	n, err := strconv.ParseFloat(a, 64)
	d := 1.0
	if frac && err == nil {
		d, err = strconv.ParseFloat(b, 64)
	}
	return n / d * 1000, err == nil && d != 0
}

func readFCPXML(b []byte) (out []Placement, rounding float64, err error) {
	type asset struct {
		name  string
		start float64
	}
	assets := map[string]asset{}
	rounding = 1
	// Each element lies at its offset in the time of the one around it, which
	// begins there at its own start.
	type frame struct{ zero, start float64 }
	stack := []frame{}
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Strict = true
	for {
		t, err := d.Token()
		if t == nil {
			if len(stack) > 0 {
				return nil, 0, fmt.Errorf("it ends in the middle: %v", err)
			}
			break
		}
		switch e := t.(type) {
		case xml.StartElement:
			at := map[string]string{}
			for _, a := range e.Attr {
				at[a.Name.Local] = a.Value
			}
			read := func(name string) (float64, error) {
				v, ok := rational(at[name])
				if !ok {
					return 0, fmt.Errorf("%s of %q is %q, not a time", name, at["name"], at[name])
				}
				return v, nil
			}
			offset, err1 := read("offset")
			start, err2 := read("start")
			for _, err := range []error{err1, err2} {
				if err != nil && e.Name.Local != "marker" {
					return nil, 0, err
				}
			}
			in := frame{}
			if len(stack) > 0 {
				in = stack[len(stack)-1]
			}
			if len(stack) > 200 {
				return nil, 0, fmt.Errorf("it is nested deeper than 200")
			}
			switch e.Name.Local {
			case "format":
				if v, ok := rational(at["frameDuration"]); ok && v > rounding {
					rounding = v
				}
			case "asset":
				assets[at["id"]] = asset{at["name"], start}
			case "sequence", "spine":
				in = frame{in.zero + offset - in.start, 0}
			case "gap", "clip", "asset-clip", "ref-clip", "sync-clip", "video", "audio":
				zero := in.zero + offset - in.start
				if a, ok := assets[at["ref"]]; ok && e.Name.Local != "gap" {
					first := 0.0
					if _, trimmed := at["start"]; trimmed {
						first = start - a.start
					}
					name := a.name
					if name == "" {
						name = at["name"]
					}
					out = append(out, Placement{name, zero - first})
				}
				in = frame{zero, start}
			}
			stack = append(stack, in)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		}
	}
	return out, rounding, nil
}

var edlEvent = regexp.MustCompile(`^\d+\s+(\S+)\s+\S+\s+\S+(?:\s+\d+)?\s+(\d+:\d\d:\d\d[:;]\d\d)\s+(\d+:\d\d:\d\d[:;]\d\d)\s+(\d+:\d\d:\d\d[:;]\d\d)\s+(\d+:\d\d:\d\d[:;]\d\d)\s*$`)

func readEDL(b []byte, fps float64) (out []Placement, err error) {
	code := func(s string) float64 {
		var v [4]float64
		for i, p := range strings.FieldsFunc(s, func(r rune) bool { return r == ':' || r == ';' }) {
			v[i], _ = strconv.ParseFloat(p, 64) // digits: the pattern saw to it
		}
		return (v[0]*3600+v[1]*60+v[2])*1000 + v[3]/fps*1000
	}
	for _, line := range strings.FieldsFunc(string(b), func(r rune) bool { return r == '\n' || r == '\r' }) {
		if strings.HasPrefix(line, "FCM: DROP") || strings.Contains(line, ";") && edlEvent.MatchString(line) {
			return nil, fmt.Errorf("it counts drop frames, which leave the times of a day ambiguous; export it with non-drop frames")
		}
		if m := edlEvent.FindStringSubmatch(line); m != nil {
			out = append(out, Placement{m[1], code(m[4]) - code(m[2])})
			continue
		}
		if name, ok := strings.CutPrefix(line, "* FROM CLIP NAME:"); ok && len(out) > 0 {
			out[len(out)-1].Name = strings.TrimSpace(name)
		}
	}
	return out, nil
}

func readOffsets(b []byte) (out []Placement, err error) {
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, nil
	}
	name, at := slices.Index(rows[0], "item"), slices.Index(rows[0], "start_utc_ms")
	if name < 0 || at < 0 {
		return nil, fmt.Errorf("its first line names no columns item and start_utc_ms")
	}
	for _, r := range rows[1:] {
		v, err := strconv.ParseFloat(r[at], 64)
		if err != nil {
			return nil, fmt.Errorf("start_utc_ms of %q is %q", r[name], r[at])
		}
		out = append(out, Placement{r[name], v})
	}
	return out, nil
}

// Brought is what a timeline of another program would change: a constraint for
// each recording that stands elsewhere against the first one, items that stand
// where they stood, and names that no recording of the case has.
type Brought struct {
	Constraints []*sightline.Constraint
	Unchanged   []string
	Unknown     []string
}

// Bring compares placements with the clips of a case. within is how far a
// placement by hand may be off, ms; rounding comes on top. The facts are said
// by someone ("claim"), from the named file. They have no ids yet.
func Bring(d *sightline.Document, list []Placement, within, rounding float64, file string) (*Brought, error) {
	if !(within > 0 && within < 1e9) {
		return nil, fmt.Errorf("an error of %g ms is not above zero: %w", within, sightline.ErrInvalid)
	}
	r, err := Solve(d)
	if err != nil {
		return nil, err
	}
	clips, err := Clips(d, r)
	if err != nil {
		return nil, err
	}
	now := map[string]float64{}
	for _, c := range clips {
		now[c.Item] = c.StartMS
	}
	by := map[string][]string{}
	for _, it := range d.Items {
		if it.Media == "video" || it.Media == "audio" {
			by[it.ID] = append(by[it.ID], it.ID)
			if it.Name != "" && it.Name != it.ID {
				by[it.Name] = append(by[it.Name], it.ID)
			}
		}
	}
	out := &Brought{}
	at := map[string]float64{}
	var ids []string
	for _, p := range list {
		found := by[p.Name]
		if len(found) > 1 {
			return nil, fmt.Errorf("clip %q may be any of %s: name it by its id there: %w", p.Name, strings.Join(found, ", "), sightline.ErrInvalid)
		}
		if len(found) == 0 {
			if !slices.Contains(out.Unknown, p.Name) {
				out.Unknown = append(out.Unknown, p.Name)
			}
			continue
		}
		id := found[0]
		if v, again := at[id]; again {
			if math.Abs(v-p.StartMS) > within+rounding {
				return nil, fmt.Errorf("%s stands at two places of this timeline, %.0f ms apart: an edit is no synchronisation: %w", id, math.Abs(v-p.StartMS), sightline.ErrInvalid)
			}
			continue
		}
		at[id] = p.StartMS
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("no clip of this timeline is a recording of the case: %w", sightline.ErrInvalid)
	}
	ref := ids[0]
	for _, id := range ids[1:] {
		dt := at[id] - at[ref]
		a, okA := now[ref]
		b, okB := now[id]
		if okA && okB && math.Abs(b-a-dt) <= rounding+1 {
			out.Unchanged = append(out.Unchanged, id)
			continue
		}
		lo, hi := int64(math.Floor(dt-within-rounding)), int64(math.Ceil(dt+within+rounding))
		ms := int64(math.Round(math.Abs(dt)))
		en, es := "after", "después de"
		if dt < 0 {
			en, es = "before", "antes de"
		}
		out.Constraints = append(out.Constraints, &sightline.Constraint{From: ref + ".start", To: id + ".start", MinMS: &lo, MaxMS: &hi, Evidence: []string{ref, id}, Strength: "claim", Text: sightline.Text{
			"en": fmt.Sprintf("placed by hand in another program (%s): %s begins %s %s %s, give or take %.0f ms", file, id, when.Span(ms, "en"), en, ref, within+rounding),
			"es": fmt.Sprintf("colocado a mano en otro programa (%s): %s empieza %s %s %s, con ±%.0f ms", file, id, when.Span(ms, "es"), es, ref, within+rounding),
		}})
	}
	return out, nil
}
