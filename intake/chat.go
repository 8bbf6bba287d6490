package intake

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// head matches the beginning of a message in the text exports of WhatsApp and
// Signal, in every locale we know: a date of three numbers in any order, a
// clock of 12 or 24 hours, then brackets or a dash. Invisible direction marks
// are taken out and rare spaces made plain before it is used.
var head = regexp.MustCompile(`^(\[?)(\d{1,4})([./\-])\s?(\d{1,2})([./\-])\s?(\d{1,4})\.?,?\s+(?:(?:at|um|à|a las|às|om|kl\.?|в)\s+)?(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?:\s*([AaPp]\.?\s?[Mm]\.?|午前|午後|上午|下午))?\s*(\]?)(?:\s*[-–]\s+|\s*:\s+|\s+|$)(.*)$`)

var invisible = strings.NewReplacer("\u200e", "", "\u200f", "", "\u202a", "", "\u202b", "", "\u202c", "", "\u202d", "", "\u202e", "", "\u2066", "", "\u2067", "", "\u2068", "", "\u2069", "", "\ufeff", "")

var rareSpaces = strings.NewReplacer("\u202f", " ", "\u00a0", " ", "\u2009", " ")

// arabicDigits are the digits that Arabic and Persian phones write.
var arabicDigits = func() *strings.Replacer {
	var p []string
	for i := range 10 {
		p = append(p, string(rune(0x660+i)), strconv.Itoa(i), string(rune(0x6f0+i)), strconv.Itoa(i))
	}
	return strings.NewReplacer(p...)
}()

type chatLine struct {
	number  int
	a, b, c int // the three numbers of the date
	la, lc  int // how many digits the first and last have
	h, m, s int
	hasSec  bool
	stamp   string
	rest    []string
}

var (
	attachedRE = regexp.MustCompile(`^<[^<>:]{2,40}:\s?([^<>]+\.[A-Za-z0-9]{2,5})>$`)
	fileRE     = regexp.MustCompile(`^(\S.*\.[A-Za-z0-9]{2,5}) \([^()]{4,40}\)$`)
	omittedRE  = regexp.MustCompile(`(?i)^<[^<>]{2,40}>$|^(image|video|audio|sticker|gif|document|contact card|imagen|vídeo|video|audio|documento|foto|bild|dokument|immagine|imagem)[^.]{0,12} (omitted|omitida|omitido|omitidos|weggelassen|omesso|omessa|ocultada|ocultado|absente?|omise?)$`)
)

// readChat reads a text export of WhatsApp or Signal. The order of day, month
// and year is taken from the options, else from what the dates allow and from
// the fact that a chat runs forward in time; where both leave more than one
// order, it is asked and each time is the interval of all of them.
func readChat(s *source, im *Imported, o ImportOptions) error {
	var list []chatLine
	for i, raw := range lines(s.text) {
		plain := arabicDigits.Replace(rareSpaces.Replace(invisible.Replace(raw)))
		m := head.FindStringSubmatch(plain)
		if l, ok := chatHead(m); ok {
			l.number = i + 1
			l.rest = []string{l.rest[0]}
			// The text itself is kept as written, without the marks of direction at its start.
			if k := strings.Index(rareSpaces.Replace(raw), l.rest[0]); k >= 0 && l.rest[0] != "" && utf8.RuneCountInString(raw) > 0 {
				l.rest[0] = strings.TrimPrefix(rareSpaces.Replace(raw)[k:], "\u200e")
			}
			list = append(list, l)
			continue
		}
		if len(list) == 0 {
			if strings.TrimSpace(plain) != "" {
				bad(im, i+1, "", raw, "stands before the first message: no date was found at its start")
			}
			continue
		}
		last := &list[len(list)-1]
		last.rest = append(last.rest, raw)
	}
	if len(list) == 0 {
		return errors.New("no line begins with a date as a chat export has it")
	}
	orders, note := chatOrders(list, o.Dates)
	if len(orders) == 0 {
		return fmt.Errorf("the dates do not fit the order %s: line %d says %s", o.Dates, list[0].number, list[0].stamp)
	}
	if note != "" {
		im.Notes = append(im.Notes, note)
	}
	if len(orders) > 1 {
		im.Questions = append(im.Questions, Question{About: "dates", Ask: "In which order do the dates of this export name day, month and year? (--dates)", Options: orders})
	}
	if o.Zone == "" {
		im.Questions = append(im.Questions, Question{About: "zone", Ask: "In which zone was the phone that made this export? (--zone)"})
	}
	for _, l := range list {
		for len(l.rest) > 1 && strings.TrimSpace(l.rest[len(l.rest)-1]) == "" {
			l.rest = l.rest[:len(l.rest)-1]
		}
		r := Record{Number: l.number, Kind: "message", Text: strings.Join(l.rest, "\n")}
		if who, text, ok := speaker(l.rest[0]); ok {
			r.Author = who
			r.Text = strings.Join(append([]string{text}, l.rest[1:]...), "\n")
		} else {
			r.Kind = "system"
		}
		first, rest, _ := strings.Cut(invisible.Replace(r.Text), "\n")
		first = strings.TrimSpace(first)
		if m := attachedRE.FindStringSubmatch(first); m != nil {
			r.Attachments = []Attachment{{Name: m[1]}}
			r.Text = strings.TrimSpace(rest)
		} else if m := fileRE.FindStringSubmatch(first); m != nil {
			r.Attachments = []Attachment{{Name: m[1]}}
			r.Text = strings.TrimSpace(rest)
		} else if r.Kind == "message" && omittedRE.MatchString(first) {
			r.Attachments = []Attachment{{Why: "left out of the export: " + first}}
		}
		r.Time = l.time(orders, o)
		if r.Time == nil {
			bad(im, l.number, "", l.stamp, "is not a date and time in the order "+strings.Join(orders, " or "))
			continue
		}
		im.Records = append(im.Records, r)
	}
	return nil
}

func chatHead(m []string) (l chatLine, ok bool) {
	if m == nil || m[3] != m[5] || (m[1] == "[") != (m[11] == "]") {
		return l, false
	}
	n := func(s string) int { v, _ := strconv.Atoi(s); return v }
	l = chatLine{a: n(m[2]), b: n(m[4]), c: n(m[6]), la: len(m[2]), lc: len(m[6]), h: n(m[7]), m: n(m[8]), s: n(m[9]), hasSec: m[9] != "", rest: []string{m[12]}}
	if l.la == 3 || l.lc == 3 || l.la == 4 && l.lc == 4 {
		return l, false
	}
	switch half := strings.ToLower(m[10]); {
	case half == "":
	case l.h < 1 && half[0] != 'a' || l.h > 12 && half[0] < 0x80:
		if l.h > 23 {
			return l, false
		}
	case strings.HasPrefix(half, "p"), half == "午後", half == "下午":
		if l.h < 12 {
			l.h += 12
		}
	default:
		if l.h == 12 {
			l.h = 0
		}
	}
	l.stamp = strings.TrimSpace(m[2] + m[3] + m[4] + m[5] + m[6] + " " + m[7] + ":" + m[8])
	if m[9] != "" {
		l.stamp += ":" + m[9]
	}
	if m[10] != "" {
		l.stamp += " " + m[10]
	}
	return l, l.h < 24 && l.m < 60 && l.s < 60
}

// speaker splits "Name: text". What has no name is the program speaking.
func speaker(s string) (who, text string, ok bool) {
	if k := strings.Index(s, ": "); k > 0 && utf8.RuneCountInString(s[:k]) <= 80 {
		return strings.TrimSpace(invisible.Replace(s[:k])), s[k+2:], true
	}
	if k := strings.Index(s, ":"); k > 0 && utf8.RuneCountInString(s[:k]) <= 40 {
		return strings.TrimSpace(invisible.Replace(s[:k])), s[k+1:], true
	}
	return "", s, false
}

// date is the day of a line in one order; ok is false when there is none.
func (l chatLine) date(order string) (t time.Time, ok bool) {
	var y, mo, d int
	switch order {
	case "dmy":
		d, mo, y = l.a, l.b, l.c
	case "mdy":
		mo, d, y = l.a, l.b, l.c
	case "ymd":
		y, mo, d = l.a, l.b, l.c
	case "ydm":
		y, d, mo = l.a, l.b, l.c
	}
	first := order[0] == 'y'
	if first && l.lc > 2 || !first && l.la > 2 || first && l.la == 1 || !first && l.lc == 1 {
		return t, false
	}
	if y < 100 {
		y += 2000
	}
	if y >= 2400 { // Thai phones count from the Buddha
		y -= 543
	}
	t = time.Date(y, time.Month(mo), d, l.h, l.m, l.s, 0, time.UTC)
	return t, y >= 2009 && y <= 2100 && int(t.Month()) == mo && t.Day() == d && mo >= 1
}

// chatOrders finds the orders in which all dates are dates, and among several
// those in which the chat runs forward.
func chatOrders(list []chatLine, stated string) (orders []string, note string) {
	for _, order := range []string{"dmy", "mdy", "ymd", "ydm"} {
		if stated != "" && order != stated {
			continue
		}
		misses := 0
		for _, l := range list {
			if _, ok := l.date(order); !ok {
				misses++
			}
		}
		// A pasted line may look like a head: one of fifty may miss.
		if misses == 0 || stated != "" && misses < len(list) || misses*50 < len(list) {
			orders = append(orders, order)
		}
	}
	if len(orders) <= 1 || stated != "" {
		return orders, ""
	}
	// Exports run forward or, rarely, backward: an order that jumps about does not fit.
	back := map[string]int{}
	least := -1
	for _, order := range orders {
		up, down := 0, 0
		var last time.Time
		for _, l := range list {
			t, ok := l.date(order)
			if !ok {
				continue
			}
			if !last.IsZero() {
				if t.Before(last.Add(-36 * time.Hour)) {
					down++
				} else if t.After(last.Add(36 * time.Hour)) {
					up++
				}
			}
			last = t
		}
		back[order] = min(up, down)
		if least < 0 || back[order] < least {
			least = back[order]
		}
	}
	// Only one order without a single jump is evidence; anything less is asked.
	var fit []string
	for _, order := range orders {
		if back[order] == 0 {
			fit = append(fit, order)
		}
	}
	if least == 0 && len(fit) < len(orders) {
		note = "the dates were read as " + strings.Join(fit, " or ") + ", because in any other order the chat would jump back and forth; --dates overrules this"
		return fit, note
	}
	return orders, ""
}

func (l chatLine) time(orders []string, o ImportOptions) *RecordTime {
	precision := time.Minute
	if l.hasSec {
		precision = time.Second
	}
	var all []*RecordTime
	for _, order := range orders {
		if t, ok := l.date(order); ok {
			all = append(all, localTime(t, precision, l.stamp, o))
		}
	}
	if len(all) == 0 {
		return nil
	}
	rt := all[0]
	for _, x := range all[1:] {
		if x.Value == rt.Value {
			continue
		}
		rt.Why = "the order of day, month and year is not stated"
		if x.Min != nil && (rt.Min == nil || *x.Min < *rt.Min) {
			rt.Min = x.Min
		}
		if x.Max != nil && (rt.Max == nil || *x.Max > *rt.Max) {
			rt.Max = x.Max
		}
	}
	if rt.Why == "the order of day, month and year is not stated" {
		rt.Value = ""
	}
	return rt
}

// readTelegram reads the JSON of Telegram Desktop: one chat or all of them.
func readTelegram(s *source, im *Imported, o ImportOptions) error {
	type chat struct {
		Name     string            `json:"name"`
		Type     string            `json:"type"`
		ID       json.Number       `json:"id"`
		Messages []json.RawMessage `json:"messages"`
	}
	var doc struct {
		chat
		Chats struct {
			List []chat `json:"list"`
		} `json:"chats"`
		Left struct {
			List []chat `json:"list"`
		} `json:"left_chats"`
	}
	if err := json.Unmarshal([]byte(s.text), &doc); err != nil {
		return errors.New("this is not the JSON of a Telegram export: " + jsonFault([]byte(s.text), err))
	}
	chats := append(append([]chat{}, doc.Chats.List...), doc.Left.List...)
	if doc.Messages != nil {
		chats = append(chats, doc.chat)
	}
	if len(chats) == 0 {
		return errors.New("there are no messages in this JSON, as a Telegram export has them")
	}
	n := 0
	for _, c := range chats {
		for _, raw := range c.Messages {
			n++
			var m struct {
				ID       json.Number     `json:"id"`
				Type     string          `json:"type"`
				Date     string          `json:"date"`
				Unix     json.RawMessage `json:"date_unixtime"`
				From     *string         `json:"from"`
				FromID   any             `json:"from_id"`
				Actor    *string         `json:"actor"`
				Action   string          `json:"action"`
				Text     json.RawMessage `json:"text"`
				Photo    string          `json:"photo"`
				File     string          `json:"file"`
				FileName string          `json:"file_name"`
				Media    string          `json:"media_type"`
				Mime     string          `json:"mime_type"`
				Forward  *string         `json:"forwarded_from"`
				Reply    json.Number     `json:"reply_to_message_id"`
				Edited   json.RawMessage `json:"edited_unixtime"`
				Place    *struct {
					Lat float64 `json:"latitude"`
					Lon float64 `json:"longitude"`
				} `json:"location_information"`
			}
			if err := json.Unmarshal(raw, &m); err != nil {
				bad(im, n, "", "", "the message is not readable: "+jsonFault(raw, err))
				continue
			}
			text, err := telegramText(m.Text)
			if err != nil {
				bad(im, n, "text", "", err.Error())
				continue
			}
			r := Record{Number: n, ID: m.ID.String(), Kind: "message", Text: text, Fields: map[string]string{}}
			if m.Type != "message" && m.Type != "" {
				r.Kind = "system"
			}
			for _, p := range []*string{m.From, m.Actor} {
				if p != nil && r.Author == "" {
					r.Author = *p
				}
			}
			if r.Author == "" && m.From == nil && m.FromID != nil {
				r.Author = fmt.Sprint(m.FromID)
				r.Warnings = append(r.Warnings, "the account was deleted: only its number is left")
			}
			if u, ok := unixOf(m.Unix); ok {
				r.Time = instant(u, strings.Trim(string(m.Unix), `"`))
			} else if r.Time = anyTime(m.Date, o); r.Time == nil {
				bad(im, n, "date", m.Date, "the message has no time that can be read")
				continue
			}
			set := func(k, v string) {
				if v != "" {
					r.Fields[k] = v
				}
			}
			set("chat", c.Name)
			set("action", m.Action)
			set("media_type", m.Media)
			set("reply_to", m.Reply.String())
			if m.Forward != nil {
				set("forwarded_from", *m.Forward)
			}
			if u, ok := unixOf(m.Edited); ok {
				set("edited", u.Format(time.RFC3339))
			}
			for _, f := range []string{m.Photo, m.File} {
				switch {
				case f == "":
				case strings.HasPrefix(f, "("):
					r.Attachments = append(r.Attachments, Attachment{Name: m.FileName, Type: m.Mime, Why: strings.Trim(f, "()")})
				default:
					r.Attachments = append(r.Attachments, Attachment{Name: f, Type: m.Mime})
				}
			}
			if m.Place != nil {
				if p := placeAt(m.Place.Lat, m.Place.Lon); p != nil {
					r.Place = p
				} else {
					r.Warnings = append(r.Warnings, "the position is not a place on Earth")
				}
			}
			im.Records = append(im.Records, r)
		}
	}
	return nil
}

func placeAt(lat, lon float64) *RecordPlace {
	if !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180) {
		return nil
	}
	return &RecordPlace{Lat: lat, Lon: lon, Form: "point"}
}

func unixOf(raw json.RawMessage) (time.Time, bool) {
	v, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	if err != nil || v <= 0 || v > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(v, 0).UTC(), true
}

// telegramText joins the pieces of a formatted text.
func telegramText(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return "", errors.New("the text is neither a string nor a list")
	}
	var b strings.Builder
	for _, p := range list {
		var s string
		var o struct {
			Text string `json:"text"`
		}
		switch {
		case json.Unmarshal(p, &s) == nil:
			b.WriteString(s)
		case json.Unmarshal(p, &o) == nil:
			b.WriteString(o.Text)
		default:
			return "", errors.New("a piece of the text cannot be read")
		}
	}
	return b.String(), nil
}
