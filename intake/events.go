package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// sheetRecord sorts the cells of one row into a record by its column names.
func sheetRecord(im *Imported, n int, header, cells []string, kind string, o ImportOptions) {
	r := Record{Number: n, Kind: kind, Fields: map[string]string{}}
	var date, clock, lat, lon string
	for i, h := range header {
		v := strings.TrimSpace(cells[i])
		if v == "" {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(h)) {
		case "id", "slug", "evidence_id":
			r.ID = v
		case "title", "upload title", "name":
			r.Title = v
		case "description", "text content", "desc":
			r.Text = v
		case "link", "url", "source_url", "source_1":
			if r.URL == "" {
				r.URL = v
			} else {
				r.Fields[h] = v
			}
		case "author", "author_handle":
			r.Author = v
		case "date", "upload timestamp", "posted_at_utc":
			date = v
		case "time":
			clock = v
		case "latitude", "lat":
			lat = v
		case "longitude", "lon", "lng":
			lon = v
		case "location":
			r.Fields[h] = v
		case "screenshot", "archive location", "thumbnail", "wacz":
			r.Fields[h] = v
			if !strings.Contains(v, "://") {
				r.Attachments = append(r.Attachments, Attachment{Name: v})
			}
		default:
			r.Fields[h] = v
		}
	}
	if date != "" {
		rt, why := sheetTime(date, clock, o)
		if why != "" {
			bad(im, n, "date", strings.TrimSpace(date+" "+clock), why)
			return
		}
		r.Time = rt
	} else if clock != "" {
		r.Warnings = append(r.Warnings, "a clock time without a date: "+clock)
	}
	if lat != "" || lon != "" {
		x, err1 := number(lat)
		y, err2 := number(lon)
		switch {
		case err1 != nil || err2 != nil:
			bad(im, n, "latitude", lat+", "+lon, "is not a pair of coordinates in degrees with a decimal point")
			return
		case placeAt(x, y) == nil:
			bad(im, n, "latitude", lat+", "+lon, "is not a place on Earth")
			return
		}
		r.Place = placeAt(x, y)
		r.Place.Label = r.Fields["location"]
		if x == 0 && y == 0 {
			r.Warnings = append(r.Warnings, "0, 0 is what programs write when they know no place")
		}
	}
	if len(r.Fields) == 0 && r.ID == "" && r.Title == "" && r.Text == "" && r.URL == "" {
		return
	}
	if kind == "event" && r.Time == nil && r.Place == nil {
		r.Warnings = append(r.Warnings, "neither a date nor a place is stated")
	}
	im.Records = append(im.Records, r)
}

// sheetTime reads the date and clock cells of a sheet. A date such as 3/4/2018
// is an interval of both readings unless the order is stated.
func sheetTime(date, clock string, o ImportOptions) (*RecordTime, string) {
	written := strings.TrimSpace(date + " " + clock)
	if rt := anyTime(date, o); rt != nil && clock == "" {
		return rt, ""
	}
	if rt := anyTime(strings.TrimSpace(date)+" "+strings.TrimSpace(clock), o); rt != nil && clock != "" {
		return rt, ""
	}
	day, rest, _ := strings.Cut(strings.TrimSpace(date), " ")
	if clock == "" {
		clock = rest
	}
	p := strings.FieldsFunc(day, func(c rune) bool { return c == '/' || c == '.' || c == '-' })
	if len(p) != 3 {
		return nil, "is not a date that can be read: write 2018-01-15"
	}
	var all []*RecordTime
	for _, order := range []string{"dmy", "mdy", "ymd"} {
		if o.Dates != "" && order != o.Dates {
			continue
		}
		l := chatLine{la: len(p[0]), lc: len(p[2])}
		l.a, _ = strconv.Atoi(p[0])
		l.b, _ = strconv.Atoi(p[1])
		l.c, _ = strconv.Atoi(p[2])
		t, ok := l.date(order)
		if !ok {
			continue
		}
		precision := 24 * time.Hour
		if clock != "" {
			c, err := time.Parse("15:04:05", clock)
			precision = time.Second
			if err != nil {
				c, err = time.Parse("15:04", clock)
				precision = time.Minute
			}
			if err != nil {
				return nil, "the clock time cannot be read: write 09:07 or 09:07:30"
			}
			t = t.Add(time.Duration(c.Hour())*time.Hour + time.Duration(c.Minute())*time.Minute + time.Duration(c.Second())*time.Second)
		}
		rt := localTime(t, precision, written, o)
		if precision == 24*time.Hour {
			rt.Value = t.Format("2006-01-02")
		}
		all = append(all, rt)
	}
	if len(all) == 0 {
		return nil, "is not a date that can be read: write 2018-01-15"
	}
	rt := all[0]
	for _, x := range all[1:] {
		if x.Value != rt.Value {
			rt.Why = "the order of day and month is not stated (--dates)"
			if x.Min != nil && rt.Min != nil && *x.Min < *rt.Min {
				rt.Min = x.Min
			}
			if x.Max != nil && rt.Max != nil && *x.Max > *rt.Max {
				rt.Max = x.Max
			}
		}
	}
	if strings.HasPrefix(rt.Why, "the order") {
		rt.Value = ""
	}
	return rt, ""
}

func (im *Imported) askDates() {
	for _, r := range im.Records {
		if r.Time != nil && strings.HasPrefix(r.Time.Why, "the order") {
			im.Questions = append(im.Questions, Question{About: "dates", Ask: "Are dates such as " + r.Time.Written + " day first or month first? (--dates)", Options: []string{"dmy", "mdy"}})
			return
		}
	}
}

// readSheet reads a CSV or XLSX table with the columns of auto-archiver, Atlos
// or any other that names its columns as they do.
func readSheet(s *source, im *Imported, o ImportOptions) error {
	t, err := parseTable(s.name, s.data, "")
	if err != nil {
		return err
	}
	im.Bad = append(im.Bad, t.Bad...)
	im.Notes = append(im.Notes, t.Notes...)
	need := map[string][]string{"auto-archiver": {"link"}, "atlos": {"status", "description", "sensitive"}}[im.As]
	for _, h := range need {
		found := false
		for _, have := range t.Header {
			found = found || strings.EqualFold(strings.TrimSpace(have), h)
		}
		if !found {
			return fmt.Errorf("the table has no column %q, as %s writes it; it has %s", h, im.As, strings.Join(quoted(t.Header), ", "))
		}
	}
	kind := "post"
	if im.As == "atlos" {
		kind = "event"
	}
	for _, row := range t.Rows {
		if im.As == "auto-archiver" {
			empty := true
			for i, h := range t.Header {
				if strings.EqualFold(h, "link") && row.Cells[i] != "" {
					empty = false
				}
			}
			if empty {
				bad(im, row.Number, "link", "", "this cell must not be empty")
				continue
			}
		}
		sheetRecord(im, row.Number, t.Header, row.Cells, kind, o)
	}
	im.askDates()
	return nil
}

// readTimeMap reads the workbook of TimeMap (one sheet for each kind), or the
// JSON that its data server makes of one sheet ("deeprows": columns tag1, tag2
// and so on become lists).
func readTimeMap(s *source, im *Imported, o ImportOptions) error {
	if bytes.HasPrefix(s.data, []byte("PK\x03\x04")) {
		f, err := excelize.OpenReader(bytes.NewReader(s.data), excelize.Options{UnzipSizeLimit: 512 << 20, UnzipXMLSizeLimit: 32 << 20})
		if err != nil {
			return fmt.Errorf("this is not a readable XLSX workbook: %w", err)
		}
		names := f.GetSheetList()
		f.Close()
		used := 0
		for _, name := range names {
			kind := timemapKind(name)
			if kind == "" {
				im.Notes = append(im.Notes, fmt.Sprintf("the sheet %q is none of TimeMap's and was not read", Printable(name)))
				continue
			}
			t, err := parseXLSX(im.File, s.data, name)
			if err != nil {
				im.Notes = append(im.Notes, fmt.Sprintf("the sheet %q: %s", Printable(name), err))
				continue
			}
			used++
			im.Bad = append(im.Bad, t.Bad...)
			before := len(im.Records)
			for _, row := range t.Rows {
				sheetRecord(im, row.Number, t.Header, row.Cells, kind, o)
			}
			for i := before; i < len(im.Records); i++ {
				im.Records[i].Fields["sheet"] = name
			}
		}
		if used == 0 {
			return fmt.Errorf("the workbook has no sheet of TimeMap (events, sources, associations); it has %s", strings.Join(quoted(names), ", "))
		}
		im.askDates()
		return nil
	}
	if t, err := parseTable(s.name, s.data, ""); err == nil && len(s.text) > 0 && s.text[0] != '[' && s.text[0] != '{' {
		kind := "event"
		for _, h := range t.Header {
			if strings.EqualFold(h, "paths") {
				kind = "source"
			}
		}
		im.Bad = append(im.Bad, t.Bad...)
		for _, row := range t.Rows {
			sheetRecord(im, row.Number, t.Header, row.Cells, kind, o)
		}
		im.askDates()
		return nil
	}
	return readObjects(s, im, o, "event")
}

func timemapKind(sheet string) string {
	low := strings.ToLower(sheet)
	switch {
	case strings.Contains(low, "event"):
		return "event"
	case strings.Contains(low, "source"):
		return "source"
	case strings.Contains(low, "assoc"), strings.Contains(low, "categor"), strings.Contains(low, "narrative"), strings.Contains(low, "filter"):
		return "association"
	case strings.Contains(low, "site"), strings.Contains(low, "shape"), strings.Contains(low, "region"):
		return "place"
	}
	return ""
}

// readBellingcat reads the public JSON of incident maps: a list of objects
// with id, date, latitude, longitude, location, description, sources and
// filters, bare or under "data".
func readBellingcat(s *source, im *Imported, o ImportOptions) error {
	return readObjects(s, im, o, "event")
}

func readObjects(s *source, im *Imported, o ImportOptions, kind string) error {
	raw := []byte(s.text)
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		var doc map[string]json.RawMessage
		if err2 := json.Unmarshal(raw, &doc); err2 != nil {
			return errors.New("this is not JSON: " + jsonFault(raw, err2))
		}
		for _, k := range sortedKeys(doc) {
			var part []json.RawMessage
			if json.Unmarshal(doc[k], &part) == nil && len(part) > len(list) {
				list = part
			}
		}
		if list == nil {
			return errors.New("there is no list of objects in this JSON")
		}
	}
	for i, raw := range list {
		var m map[string]json.RawMessage
		if err := json.Unmarshal(raw, &m); err != nil {
			bad(im, i+1, "", "", "the entry is not an object: "+jsonFault(raw, err))
			continue
		}
		fold(m)
		var header, cells []string
		extra := map[string]string{}
		for _, k := range sortedKeys(m) {
			low := strings.ToLower(k)
			switch low {
			case "sources", "filters", "links", "tags", "associations", "source":
				extra[k] = jsonText(m[k])
				continue
			}
			header, cells = append(header, k), append(cells, jsonText(m[k]))
		}
		before := len(im.Records)
		sheetRecord(im, i+1, header, cells, kind, o)
		if len(im.Records) == before {
			continue
		}
		r := &im.Records[before]
		for k, v := range extra {
			if v != "" && v != "[]" {
				r.Fields[k] = v
			}
		}
		if g, ok := r.Fields["geolocation"]; ok && r.Place == nil {
			if la, lo, ok := strings.Cut(g, ","); ok {
				x, err1 := number(strings.TrimSpace(la))
				y, err2 := number(strings.TrimSpace(lo))
				if err1 == nil && err2 == nil {
					r.Place = placeAt(x, y)
				}
			}
			if r.Place == nil && g != "" {
				r.Warnings = append(r.Warnings, fmt.Sprintf("the place %q cannot be read", g))
			}
		}
		if r.URL == "" {
			r.URL = firstURL(m)
		}
	}
	im.askDates()
	return nil
}

// fold makes a list of tag1, tag2 and so on.
func fold(m map[string]json.RawMessage) {
	for _, base := range []string{"tag", "source", "association", "narrative"} {
		var list []string
		for n := 1; n <= 50; n++ {
			k := base + strconv.Itoa(n)
			if v, ok := m[k]; ok {
				if s := jsonText(v); s != "" {
					list = append(list, s)
				}
				delete(m, k)
			}
		}
		if len(list) > 0 {
			b, err := json.Marshal(list)
			if err == nil {
				m[base+"s"] = b
			}
		}
	}
}

// firstURL is the first address among the sources or links of an entry.
func firstURL(m map[string]json.RawMessage) string {
	for _, k := range []string{"sources", "links"} {
		var objs []struct {
			Path string `json:"path"`
			URL  string `json:"url"`
		}
		if json.Unmarshal(m[k], &objs) == nil {
			for _, o := range objs {
				if o.Path+o.URL != "" {
					if o.URL != "" {
						return o.URL
					}
					return o.Path
				}
			}
		}
		var list []string
		if json.Unmarshal(m[k], &list) == nil && len(list) > 0 && strings.Contains(list[0], "://") {
			return list[0]
		}
	}
	return ""
}
