package time

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"sightline/when"
)

// subtitles writes what was said on the master clock as SubRip or WebVTT. The
// first cue of the one and a note in the other say what zero is.
func (m *master) subtitles(w io.Writer, vtt bool) {
	stamp := func(ms float64) string {
		v := int64(math.Round(ms))
		sep := ","
		if vtt {
			sep = "."
		}
		return fmt.Sprintf("%02d:%02d:%02d%s%03d", v/3_600_000, v/60_000%60, v/1000%60, sep, v%1000)
	}
	zero := m.zone.RFC3339(when.Instant(m.origin))
	if vtt {
		fmt.Fprintf(w, "WEBVTT\n\nNOTE 00:00:00.000 is %s\n\n", zero)
	} else {
		// SubRip has no notes, and a file without a cue is none.
		fmt.Fprintf(w, "1\n00:00:00,000 --> 00:00:01,000\n00:00:00,000 = %s\n\n", zero)
	}
	first := 2
	if vtt {
		first = 1
	}
	for i, u := range m.said {
		// A blank line would end the cue, and "-->" inside the text begin another.
		text := strings.Join(strings.Fields(strings.ReplaceAll(u.text, "-->", "->")), " ")
		if vtt {
			text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
		}
		if text == "" {
			text = "…"
		}
		fmt.Fprintf(w, "%d\n%s --> %s\n[%s] %s\n\n", first+i, stamp(u.from), stamp(max(u.to, u.from+1)), u.tier, text)
	}
}

// tiers are the names of the tiers in the order of their first utterance.
func (m *master) tiers() (names []string) {
	for _, u := range m.said {
		if !slices.Contains(names, u.tier) {
			names = append(names, u.tier)
		}
	}
	return names
}

// eaf writes an ELAN annotation document (schema 3.0): a tier of utterances
// for each recording and speaker, a tier of events, and every recording linked
// with its offset from zero.
func (m *master) eaf(w io.Writer) {
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ANNOTATION_DOCUMENT AUTHOR=\"sightline\" DATE=\"%s\" FORMAT=\"3.0\" VERSION=\"3.0\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:noNamespaceSchemaLocation=\"http://www.mpi.nl/tools/elan/EAFv3.0.xsd\">\n <HEADER MEDIA_FILE=\"\" TIME_UNITS=\"milliseconds\">\n", esc(m.zone.RFC3339(when.Instant(m.origin))))
	for i := range m.clips {
		p := &m.clips[i]
		typ := "video/mp4"
		if p.media == "audio" {
			typ = "audio/x-wav"
		}
		// TIME_ORIGIN is the place in the medium where the document begins.
		fmt.Fprintf(w, "  <MEDIA_DESCRIPTOR MEDIA_URL=\"%s\" MIME_TYPE=\"%s\" RELATIVE_MEDIA_URL=\"%s\" TIME_ORIGIN=\"%d\"/>\n", esc("./"+p.name), typ, esc("./"+p.name), -int64(math.Round(p.at)))
	}
	fmt.Fprintf(w, "  <PROPERTY NAME=\"origin\">%s</PROPERTY>\n </HEADER>\n <TIME_ORDER>\n", esc(m.zone.RFC3339(when.Instant(m.origin))))
	type span struct{ from, to float64 }
	var slots []span
	for _, u := range m.said {
		slots = append(slots, span{u.from, max(u.to, u.from+1)})
	}
	for _, k := range m.marks {
		slots = append(slots, span{k.at, k.at + 1})
	}
	// ELAN wants the slots in the order of time.
	type slot struct {
		id string
		at int64
	}
	var order []slot
	for i, s := range slots {
		order = append(order, slot{fmt.Sprintf("ts%d", 2*i+1), int64(math.Round(s.from))}, slot{fmt.Sprintf("ts%d", 2*i+2), int64(math.Round(s.to))})
	}
	slices.SortStableFunc(order, func(a, b slot) int { return int(a.at - b.at) })
	for _, s := range order {
		fmt.Fprintf(w, "  <TIME_SLOT TIME_SLOT_ID=\"%s\" TIME_VALUE=\"%d\"/>\n", s.id, s.at)
	}
	io.WriteString(w, " </TIME_ORDER>\n") //nolint:errcheck // a buffer takes all
	annotation := func(n int, text string) {
		fmt.Fprintf(w, "  <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID=\"a%d\" TIME_SLOT_REF1=\"ts%d\" TIME_SLOT_REF2=\"ts%d\"><ANNOTATION_VALUE>%s</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>\n", n+1, 2*n+1, 2*n+2, esc(text))
	}
	for _, name := range m.tiers() {
		fmt.Fprintf(w, " <TIER LINGUISTIC_TYPE_REF=\"default-lt\" TIER_ID=\"%s\">\n", esc(name))
		for i, u := range m.said {
			if u.tier == name {
				annotation(i, u.text)
			}
		}
		io.WriteString(w, " </TIER>\n") //nolint:errcheck // a buffer takes all
	}
	if len(m.marks) > 0 {
		io.WriteString(w, " <TIER LINGUISTIC_TYPE_REF=\"default-lt\" TIER_ID=\"events\">\n") //nolint:errcheck // a buffer takes all
		for i, k := range m.marks {
			annotation(len(m.said)+i, k.id+" "+k.text)
		}
		io.WriteString(w, " </TIER>\n") //nolint:errcheck // a buffer takes all
	}
	io.WriteString(w, " <LINGUISTIC_TYPE GRAPHIC_REFERENCES=\"false\" LINGUISTIC_TYPE_ID=\"default-lt\" TIME_ALIGNABLE=\"true\"/>\n</ANNOTATION_DOCUMENT>\n") //nolint:errcheck // a buffer takes all
}

// textgrid writes a Praat TextGrid (long form): interval tiers of utterances,
// filled without holes, and a point tier of events.
func (m *master) textgrid(w io.Writer) {
	sec := func(ms float64) string { return fmt.Sprintf("%.3f", ms/1000) }
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	type interval struct {
		from, to float64
		text     string
	}
	names, end := m.tiers(), max(m.length, 1)
	for _, u := range m.said {
		end = max(end, u.to)
	}
	n := len(names)
	if len(m.marks) > 0 {
		n++
	}
	if n == 0 { // a grid needs a tier: the recordings themselves
		names, n = []string{"recordings"}, 1
	}
	fmt.Fprintf(w, "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = %s\ntiers? <exists>\nsize = %d\nitem []:\n", sec(end), n)
	for t, name := range names {
		var list []interval
		at := 0.0
		for _, u := range m.said {
			if u.tier != name {
				continue
			}
			from, to := max(u.from, at), max(u.to, u.from+1)
			if to <= from { // inside the one before
				continue
			}
			if from > at {
				list = append(list, interval{at, from, ""})
			}
			list = append(list, interval{from, to, u.text})
			at = to
		}
		if at < end {
			list = append(list, interval{at, end, ""})
		}
		fmt.Fprintf(w, "    item [%d]:\n        class = \"IntervalTier\"\n        name = %s\n        xmin = 0\n        xmax = %s\n        intervals: size = %d\n", t+1, quote(name), sec(end), len(list))
		for i, v := range list {
			fmt.Fprintf(w, "        intervals [%d]:\n            xmin = %s\n            xmax = %s\n            text = %s\n", i+1, sec(v.from), sec(v.to), quote(v.text))
		}
	}
	if len(m.marks) > 0 {
		fmt.Fprintf(w, "    item [%d]:\n        class = \"TextTier\"\n        name = \"events\"\n        xmin = 0\n        xmax = %s\n        points: size = %d\n", n, sec(end), len(m.marks))
		for i, k := range m.marks {
			fmt.Fprintf(w, "        points [%d]:\n            number = %s\n            mark = %s\n", i+1, sec(k.at), quote(k.id+" "+k.text))
		}
	}
}
