package intake

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

var (
	cueArrow = regexp.MustCompile(`^\s*(\S+)\s*--?>\s*(\S+)(.*)$`)
	cueTime  = regexp.MustCompile(`^(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,:](\d{1,3}))?$`)
	voiceTag = regexp.MustCompile(`<v(?:\.[^ >]*)?\s+([^>]+)>`)
	anyTag   = regexp.MustCompile(`</?[a-zA-Z0-9][^<>]*>|<\d{1,2}:\d{2}[^<>]*>|\{\\[^{}]*\}`)
)

// clockMS reads 00:01:02,345, 01:02.345 and the like.
func clockMS(s string) (int64, bool) {
	m := cueTime.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n := func(s string) int64 { v, _ := strconv.ParseInt(s, 10, 64); return v }
	frac := m[4]
	for len(frac) < 3 {
		frac += "0"
	}
	if n(m[2]) > 59 && m[1] != "" || n(m[3]) > 59 {
		return 0, false
	}
	return ((n(m[1])*60+n(m[2]))*60+n(m[3]))*1000 + n(frac), true
}

func plainCue(s string) string {
	return strings.TrimSpace(html.UnescapeString(anyTag.ReplaceAllString(s, "")))
}

// cues reads the blocks that SRT and WebVTT share: an optional name, a line
// with an arrow, lines of text up to a blank one.
func cues(im *Imported, list []string, from int) {
	for i := from; i < len(list); {
		if strings.TrimSpace(list[i]) == "" {
			i++
			continue
		}
		start := i
		name := ""
		if !strings.Contains(list[i], "->") {
			low := strings.TrimSpace(list[i])
			if strings.HasPrefix(low, "NOTE") || strings.HasPrefix(low, "STYLE") || strings.HasPrefix(strings.ToUpper(low), "REGION") || strings.HasPrefix(low, "X-TIMESTAMP-MAP") {
				// Some programs leave blank lines inside the braces of a style.
				for depth := 0; i < len(list) && (strings.TrimSpace(list[i]) != "" || depth > 0); i++ {
					if strings.Contains(list[i], "-->") {
						break
					}
					depth += strings.Count(list[i], "{") - strings.Count(list[i], "}")
				}
				continue
			}
			name = low
			i++
			if i >= len(list) || !strings.Contains(list[i], "->") {
				bad(im, start+1, "", low, "stands where a cue is expected: no line with an arrow follows")
				for i < len(list) && strings.TrimSpace(list[i]) != "" && !strings.Contains(list[i], "->") {
					i++
				}
				continue
			}
		}
		m := cueArrow.FindStringSubmatch(list[i])
		i++
		var text []string
		for i < len(list) {
			if strings.TrimSpace(list[i]) == "" {
				i++
				break
			}
			// A cue without a blank line before the next: its number belongs to that.
			if strings.Contains(list[i], "-->") {
				if k := len(text) - 1; k >= 0 {
					if _, err := strconv.Atoi(strings.TrimSpace(text[k])); err == nil {
						text = text[:k]
						i--
					}
				}
				break
			}
			text = append(text, list[i])
			i++
		}
		if m == nil {
			bad(im, start+1, "", list[start], "the line with the arrow is not readable")
			continue
		}
		a, ok1 := clockMS(m[1])
		b, ok2 := clockMS(m[2])
		if !ok1 || !ok2 {
			bad(im, start+1, "", strings.TrimSpace(m[1]+" --> "+m[2]), "is not a pair of times")
			continue
		}
		written := strings.Join(text, "\n")
		r := Record{Number: start + 1, ID: name, Kind: "cue", StartMS: &a, EndMS: &b, Text: plainCue(written)}
		if v := voiceTag.FindStringSubmatch(written); v != nil {
			r.Speaker = strings.TrimSpace(v[1])
		}
		if r.Text != written {
			r.Written = written
		}
		if b < a {
			r.Warnings = append(r.Warnings, "ends before it begins")
		}
		if set := strings.TrimSpace(m[3]); set != "" {
			r.Fields = map[string]string{"settings": set}
		}
		im.Records = append(im.Records, r)
	}
}

func readSRT(s *source, im *Imported, o ImportOptions) error {
	if !strings.Contains(s.text, "->") {
		return errors.New("there is no cue in this file: no line has an arrow between two times")
	}
	cues(im, lines(s.text), 0)
	return nil
}

func readVTT(s *source, im *Imported, o ImportOptions) error {
	list := lines(s.text)
	if !strings.HasPrefix(strings.TrimSpace(list[0]), "WEBVTT") {
		return errors.New("the file does not begin with WEBVTT")
	}
	i := 1
	for i < len(list) && strings.TrimSpace(list[i]) != "" && !strings.Contains(list[i], "-->") {
		i++
	}
	cues(im, list, i)
	return nil
}

// readWhisper reads the JSON of whisper (segments in seconds) and of
// whisper.cpp (transcription in milliseconds).
func readWhisper(s *source, im *Imported, o ImportOptions) error {
	var d struct {
		Language string `json:"language"`
		Segments []struct {
			Start   *float64 `json:"start"`
			End     *float64 `json:"end"`
			Text    string   `json:"text"`
			Speaker string   `json:"speaker"`
			LogProb *float64 `json:"avg_logprob"`
			Silence *float64 `json:"no_speech_prob"`
		} `json:"segments"`
		Result struct {
			Language string `json:"language"`
		} `json:"result"`
		Transcription []struct {
			Offsets *struct {
				From int64 `json:"from"`
				To   int64 `json:"to"`
			} `json:"offsets"`
			Text string `json:"text"`
		} `json:"transcription"`
	}
	if err := json.Unmarshal([]byte(s.text), &d); err != nil {
		return errors.New("this is not the JSON of a transcript: " + jsonFault([]byte(s.text), err))
	}
	if d.Segments == nil && d.Transcription == nil {
		return errors.New("there are neither segments nor a transcription in this JSON, as whisper writes them")
	}
	lang := d.Language + d.Result.Language
	add := func(n int, a, b int64, text, speaker string, fields map[string]string) {
		if lang != "" {
			if fields == nil {
				fields = map[string]string{}
			}
			fields["language"] = lang
		}
		im.Records = append(im.Records, Record{Number: n, Kind: "cue", StartMS: &a, EndMS: &b, Text: strings.TrimSpace(text), Speaker: speaker, Fields: fields})
	}
	for i, g := range d.Segments {
		if g.Start == nil || g.End == nil || !finite(*g.Start) || !finite(*g.End) {
			bad(im, i+1, "", g.Text, "the segment has no times")
			continue
		}
		f := map[string]string{}
		if g.LogProb != nil {
			f["avg_logprob"] = strconv.FormatFloat(*g.LogProb, 'g', -1, 64)
		}
		if g.Silence != nil {
			f["no_speech_prob"] = strconv.FormatFloat(*g.Silence, 'g', -1, 64)
		}
		add(i+1, int64(math.Round(*g.Start*1000)), int64(math.Round(*g.End*1000)), g.Text, g.Speaker, f)
	}
	for i, g := range d.Transcription {
		if g.Offsets == nil {
			bad(im, i+1, "", g.Text, "the segment has no times")
			continue
		}
		add(i+1, g.Offsets.From, g.Offsets.To, g.Text, "", nil)
	}
	im.Notes = append(im.Notes, "a transcript made by a program: it may hold words that nobody said")
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && math.Abs(x) < 1e9 }

// decodeXML walks a document without entities from outside; the depth is
// bounded.
func decodeXML(text string, start func(xml.StartElement) error, data func(string), end func(string) error) error {
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = false
	d.Entity = xml.HTMLEntity
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // decoded already
	depth := 0
	for {
		t, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			var se *xml.SyntaxError
			if errors.As(err, &se) {
				return fmt.Errorf("line %d: %s", se.Line, se.Msg)
			}
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth++; depth > 200 {
				return errors.New("elements lie too deep inside one another")
			}
			if err := start(t); err != nil {
				return err
			}
		case xml.EndElement:
			depth--
			if err := end(t.Name.Local); err != nil {
				return err
			}
		case xml.CharData:
			data(string(t))
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// readEAF reads ELAN annotations: those with times of their own and those that
// refer to others.
func readEAF(s *source, im *Imported, o ImportOptions) error {
	type ann struct {
		id, ref, text, tier, who string
		a, b                     *int64
	}
	slots := map[string]*int64{}
	byID := map[string]*ann{}
	var list []*ann
	var cur *ann
	tier, who, slotA, slotB := "", "", "", ""
	inValue, isEAF := false, false
	err := decodeXML(s.text, func(e xml.StartElement) error {
		switch e.Name.Local {
		case "ANNOTATION_DOCUMENT":
			isEAF = true
		case "TIME_SLOT":
			if v, err := strconv.ParseInt(attr(e, "TIME_VALUE"), 10, 64); err == nil {
				slots[attr(e, "TIME_SLOT_ID")] = &v
			} else {
				slots[attr(e, "TIME_SLOT_ID")] = nil
			}
		case "TIER":
			tier, who = attr(e, "TIER_ID"), attr(e, "PARTICIPANT")
		case "ALIGNABLE_ANNOTATION":
			slotA, slotB = attr(e, "TIME_SLOT_REF1"), attr(e, "TIME_SLOT_REF2")
			cur = &ann{id: attr(e, "ANNOTATION_ID"), tier: tier, who: who, a: slots[slotA], b: slots[slotB]}
		case "REF_ANNOTATION":
			cur = &ann{id: attr(e, "ANNOTATION_ID"), tier: tier, who: who, ref: attr(e, "ANNOTATION_REF")}
		case "ANNOTATION_VALUE":
			inValue = true
		}
		return nil
	}, func(t string) {
		if inValue && cur != nil {
			cur.text += t
		}
	}, func(name string) error {
		switch name {
		case "ANNOTATION_VALUE":
			inValue = false
		case "ALIGNABLE_ANNOTATION", "REF_ANNOTATION":
			if cur != nil {
				list = append(list, cur)
				byID[cur.id] = cur
				cur = nil
			}
		}
		return nil
	})
	if err != nil && len(list) == 0 {
		return errors.New("this is not a readable EAF file: " + err.Error())
	}
	if err != nil {
		bad(im, 0, "", "", "the file is damaged: "+err.Error())
	}
	if !isEAF {
		return errors.New("this is not an EAF file: it has no ANNOTATION_DOCUMENT")
	}
	for i, a := range list {
		p := a
		for hops := 0; p != nil && p.ref != "" && p.a == nil && hops < 50; hops++ {
			p = byID[p.ref]
		}
		r := Record{Number: i + 1, ID: a.id, Kind: "cue", Tier: a.tier, Speaker: a.who, Text: a.text}
		if p != nil {
			r.StartMS, r.EndMS = p.a, p.b
		}
		if r.StartMS == nil || r.EndMS == nil {
			r.Warnings = append(r.Warnings, "a time of this annotation is not set in ELAN")
		}
		if a.ref != "" {
			r.Fields = map[string]string{"refers_to": a.ref}
		}
		im.Records = append(im.Records, r)
	}
	im.Notes = append(im.Notes, fmt.Sprintf("%d time slots", len(slots)))
	return nil
}

// readTextGrid reads Praat's long and short forms. Both are one sequence of
// numbers and quoted texts once the labels of the long form are left out.
func readTextGrid(s *source, im *Imported, o ImportOptions) error {
	toks := gridTokens(s.text)
	if len(toks) < 2 || toks[0].text != "ooTextFile" || toks[1].text != "TextGrid" {
		return errors.New("this is not a TextGrid of Praat")
	}
	at := 2
	short := errors.New("the file ends in the middle")
	num := func() (float64, error) {
		for at < len(toks) {
			t := toks[at]
			at++
			if t.quoted {
				return 0, fmt.Errorf("line %d: a number is expected, not %q", t.line, t.text)
			}
			if v, err := strconv.ParseFloat(t.text, 64); err == nil {
				return v, nil
			}
		}
		return 0, short
	}
	str := func() (string, int, error) {
		for at < len(toks) {
			t := toks[at]
			at++
			if t.quoted {
				return t.text, t.line, nil
			}
			if _, err := strconv.ParseFloat(t.text, 64); err == nil {
				return "", 0, fmt.Errorf("line %d: a text is expected, not %s", t.line, t.text)
			}
		}
		return "", 0, short
	}
	read := func() error {
		for range 2 {
			if _, err := num(); err != nil {
				return err
			}
		}
		tiers, err := num()
		if err != nil {
			return err
		}
		for range int(min(max(tiers, 0), 10_000)) {
			class, line, err := str()
			if err != nil {
				return err
			}
			name, _, err := str()
			if err != nil {
				return err
			}
			if class != "IntervalTier" && class != "TextTier" {
				return fmt.Errorf("line %d: a tier of the kind %q is not known", line, class)
			}
			for range 2 {
				if _, err := num(); err != nil {
					return err
				}
			}
			n, err := num()
			if err != nil {
				return err
			}
			for range int(min(max(n, 0), maxRecords)) {
				a, err := num()
				if err != nil {
					return err
				}
				b := a
				if class == "IntervalTier" {
					if b, err = num(); err != nil {
						return err
					}
				}
				text, line, err := str()
				if err != nil {
					return err
				}
				if !finite(a) || !finite(b) {
					bad(im, line, "", text, "the interval has no times")
					continue
				}
				x, y := int64(math.Round(a*1000)), int64(math.Round(b*1000))
				im.Records = append(im.Records, Record{Number: line, Kind: "cue", Tier: name, StartMS: &x, EndMS: &y, Text: text})
			}
		}
		return nil
	}
	if err := read(); err != nil {
		if len(im.Records) == 0 {
			return errors.New("the TextGrid cannot be read: " + err.Error())
		}
		bad(im, 0, "", "", err.Error())
	}
	return nil
}

type gridToken struct {
	text   string
	quoted bool
	line   int
}

// gridTokens cuts a TextGrid into words and quoted texts; a doubled quote
// inside a text stands for one. Comments, "item [1]:" and labels before "="
// fall away because only numbers and texts are looked at.
func gridTokens(s string) (out []gridToken) {
	line := 1
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '\n':
			line++
			i++
		case c == '"':
			start := line
			var b strings.Builder
			i++
			for i < len(s) {
				if s[i] == '"' {
					if i+1 < len(s) && s[i+1] == '"' {
						b.WriteByte('"')
						i += 2
						continue
					}
					i++
					break
				}
				if s[i] == '\n' {
					line++
				}
				b.WriteByte(s[i])
				i++
			}
			out = append(out, gridToken{b.String(), true, start})
		case c == '[':
			for i < len(s) && s[i] != ']' && s[i] != '\n' {
				i++
			}
			i++
		case c == ' ' || c == '\t' || c == '\r' || c == '=' || c == ':' || c == '?' || c == ']':
			i++
		default:
			j := i
			for j < len(s) && !strings.ContainsRune(" \t\r\n=:?\"[", rune(s[j])) {
				j++
			}
			if j == i {
				j++
			}
			// Labels of the long form carry nothing: only numbers count.
			if _, err := strconv.ParseFloat(s[i:j], 64); err == nil {
				out = append(out, gridToken{s[i:j], false, line})
			}
			i = j
		}
		if len(out) > 4*maxRecords {
			return out
		}
	}
	return out
}

// readTTML reads the paragraphs of a TTML document. Times are clock times,
// offsets such as 12.5s or 500ms, and frames where the document says how many
// make a second.
func readTTML(s *source, im *Imported, o ImportOptions) error {
	rate, tick := 30.0, 1.0
	var cur *Record
	var text strings.Builder
	n, isTT := 0, false
	err := decodeXML(s.text, func(e xml.StartElement) error {
		switch e.Name.Local {
		case "tt":
			isTT = true
			if v, err := strconv.ParseFloat(attr(e, "frameRate"), 64); err == nil && v > 0 {
				rate, tick = v, v
			}
			if v, err := strconv.ParseFloat(attr(e, "tickRate"), 64); err == nil && v > 0 {
				tick = v
			}
		case "p":
			n++
			text.Reset()
			a, ok1 := ttmlMS(attr(e, "begin"), rate, tick)
			b, ok2 := ttmlMS(attr(e, "end"), rate, tick)
			if d, ok := ttmlMS(attr(e, "dur"), rate, tick); !ok2 && ok1 && ok {
				b, ok2 = a+d, true
			}
			if !ok1 || !ok2 {
				bad(im, n, "", attr(e, "begin")+" "+attr(e, "end"), "the paragraph has no times that can be read")
				cur = nil
				return nil
			}
			cur = &Record{Number: n, ID: attr(e, "id"), Kind: "cue", StartMS: &a, EndMS: &b, Speaker: attr(e, "agent")}
		case "br":
			text.WriteString("\n")
		}
		return nil
	}, func(t string) {
		if cur != nil {
			text.WriteString(t)
		}
	}, func(name string) error {
		if name == "p" && cur != nil {
			var keep []string
			for _, l := range strings.Split(text.String(), "\n") {
				if l = strings.Join(strings.Fields(l), " "); l != "" {
					keep = append(keep, l)
				}
			}
			cur.Text = strings.Join(keep, "\n")
			im.Records = append(im.Records, *cur)
			cur = nil
		}
		return nil
	})
	if !isTT {
		return errors.New("this is not a TTML document")
	}
	if err != nil {
		bad(im, n, "", "", "the document is damaged: "+err.Error())
	}
	return nil
}

var ttmlOffset = regexp.MustCompile(`^(\d+(?:\.\d+)?)(h|m|s|ms|f|t)$`)

func ttmlMS(v string, rate, tick float64) (int64, bool) {
	v = strings.TrimSpace(v)
	if m := ttmlOffset.FindStringSubmatch(v); m != nil {
		x, _ := strconv.ParseFloat(m[1], 64)
		unit := map[string]float64{"h": 3600e3, "m": 60e3, "s": 1e3, "ms": 1, "f": 1e3 / rate, "t": 1e3 / tick}[m[2]]
		return int64(math.Round(x * unit)), x*unit < 1e12
	}
	if strings.Count(v, ":") == 3 {
		k := strings.LastIndex(v, ":")
		base, ok := clockMS(v[:k])
		f, err := strconv.ParseFloat(v[k+1:], 64)
		return base + int64(math.Round(f*1e3/rate)), ok && err == nil && f < 1000
	}
	return clockMS(v)
}

// readSSA reads the dialogue lines of SSA and ASS.
func readSSA(s *source, im *Imported, o ImportOptions) error {
	var format []string
	events := false
	for i, l := range lines(s.text) {
		l = strings.TrimSpace(l)
		low := strings.ToLower(l)
		switch {
		case strings.HasPrefix(l, "["):
			events = low == "[events]"
		case !events:
		case strings.HasPrefix(low, "format:"):
			format = nil
			for _, f := range strings.Split(l[7:], ",") {
				format = append(format, strings.ToLower(strings.TrimSpace(f)))
			}
		case strings.HasPrefix(low, "dialogue:"):
			if len(format) == 0 {
				bad(im, i+1, "", l, "stands before the line that names the columns")
				continue
			}
			cells := strings.SplitN(strings.TrimSpace(l[9:]), ",", len(format))
			get := func(n string) string {
				for k, f := range format {
					if f == n && k < len(cells) {
						return strings.TrimSpace(cells[k])
					}
				}
				return ""
			}
			a, ok1 := clockMS(get("start"))
			b, ok2 := clockMS(get("end"))
			if !ok1 || !ok2 {
				bad(im, i+1, "", l, "has no times that can be read")
				continue
			}
			written := get("text")
			r := Record{Number: i + 1, Kind: "cue", StartMS: &a, EndMS: &b, Speaker: get("name"), Text: plainCue(strings.NewReplacer(`\N`, "\n", `\n`, "\n").Replace(written))}
			if r.Text != written {
				r.Written = written
			}
			im.Records = append(im.Records, r)
		}
	}
	if len(im.Records) == 0 && len(im.Bad) == 0 {
		return errors.New("there is no dialogue in this file")
	}
	return nil
}
