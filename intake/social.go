package intake

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// repair undoes the fault of Meta's exports, which write the bytes of UTF-8 as
// letters of Latin-1. It is applied only where the result is UTF-8 again.
func repair(s string) (string, bool) {
	if s == "" {
		return s, false
	}
	b, err := charmap.ISO8859_1.NewEncoder().String(s)
	if err != nil || b == s || !utf8.ValidString(b) {
		return s, false
	}
	return b, true
}

// readInstagram reads messages, posts and reels of an Instagram data export.
func readInstagram(s *source, im *Imported, o ImportOptions) error {
	type media struct {
		URI     string          `json:"uri"`
		Created json.RawMessage `json:"creation_timestamp"`
		Title   string          `json:"title"`
	}
	type entry struct {
		Sender  string          `json:"sender_name"`
		MS      int64           `json:"timestamp_ms"`
		Content *string         `json:"content"`
		Photos  []media         `json:"photos"`
		Videos  []media         `json:"videos"`
		Audio   []media         `json:"audio_files"`
		Media   []media         `json:"media"`
		Title   string          `json:"title"`
		Created json.RawMessage `json:"creation_timestamp"`
		Share   *struct {
			Link string `json:"link"`
		} `json:"share"`
	}
	raw := []byte(s.text)
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		var doc map[string]json.RawMessage
		if err2 := json.Unmarshal(raw, &doc); err2 != nil {
			return errors.New("this is not the JSON of an Instagram export: " + jsonFault(raw, err2))
		}
		found := false
		for _, k := range sortedKeys(doc) {
			var part []json.RawMessage
			if (k == "messages" || strings.HasPrefix(k, "ig_")) && json.Unmarshal(doc[k], &part) == nil {
				list, found = append(list, part...), true
			}
		}
		if !found {
			return errors.New("there are neither messages nor posts in this JSON, as an Instagram export has them")
		}
	}
	for i, raw := range list {
		var e entry
		if err := json.Unmarshal(raw, &e); err != nil {
			bad(im, i+1, "", "", "the entry is not readable: "+jsonFault(raw, err))
			continue
		}
		r := Record{Number: i + 1, Kind: "post", Title: ""}
		text := e.Title
		if e.MS > 0 {
			r.Kind = "message"
			r.Time = instant(time.UnixMilli(e.MS).UTC(), strconv.FormatInt(e.MS, 10))
			text = ""
			if e.Content != nil {
				text = *e.Content
			}
		}
		all := append(append(append(e.Media, e.Photos...), e.Videos...), e.Audio...)
		created := e.Created
		for _, m := range all {
			r.Attachments = append(r.Attachments, Attachment{Name: m.URI})
			if len(created) == 0 {
				created = m.Created
			}
			if text == "" && e.MS == 0 {
				text = m.Title
			}
		}
		if r.Time == nil {
			if t, ok := unixOf(created); ok {
				r.Time = instant(t, string(created))
			} else {
				bad(im, i+1, "creation_timestamp", string(created), "the entry has no time")
				continue
			}
		}
		if fixed, yes := repair(text); yes {
			r.Text, r.Written = fixed, text
		} else {
			r.Text = text
		}
		r.Author, _ = repair(e.Sender)
		if e.Share != nil {
			r.URL = e.Share.Link
		}
		im.Records = append(im.Records, r)
	}
	return nil
}

var jsAssign = regexp.MustCompile(`^\s*window\.[A-Za-z0-9_.]+\s*=\s*`)

// readTwitter reads posts of an X or Twitter archive (a JavaScript assignment
// around JSON) or of its interface.
func readTwitter(s *source, im *Imported, o ImportOptions) error {
	raw := []byte(jsAssign.ReplaceAllString(s.text, ""))
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return errors.New("this is not a list of posts in JSON: " + jsonFault(raw, err))
	}
	for i, raw := range list {
		var wrap struct {
			Tweet json.RawMessage `json:"tweet"`
		}
		if json.Unmarshal(raw, &wrap) == nil && len(wrap.Tweet) > 0 {
			raw = wrap.Tweet
		}
		var t struct {
			ID      string `json:"id_str"`
			Created string `json:"created_at"`
			Full    string `json:"full_text"`
			Text    string `json:"text"`
			Lang    string `json:"lang"`
			Reply   string `json:"in_reply_to_status_id_str"`
			User    *struct {
				Screen string `json:"screen_name"`
				Name   string `json:"name"`
			} `json:"user"`
			Coordinates *struct {
				Coordinates []float64 `json:"coordinates"`
			} `json:"coordinates"`
			Extended *struct {
				Media []struct {
					URL  string `json:"media_url_https"`
					Type string `json:"type"`
				} `json:"media"`
			} `json:"extended_entities"`
		}
		if err := json.Unmarshal(raw, &t); err != nil {
			bad(im, i+1, "", "", "the post is not readable: "+jsonFault(raw, err))
			continue
		}
		if t.ID == "" && t.Created == "" {
			bad(im, i+1, "", "", "this part of the archive is not a post")
			continue
		}
		r := Record{Number: i + 1, ID: t.ID, Kind: "post", Text: t.Full, Fields: map[string]string{}}
		if r.Text == "" {
			r.Text = t.Text
		}
		at, err := time.Parse("Mon Jan 02 15:04:05 -0700 2006", t.Created)
		if err != nil {
			bad(im, i+1, "created_at", t.Created, "is not a time as this platform writes it")
			continue
		}
		r.Time = instant(at, t.Created)
		if t.User != nil {
			r.Author = t.User.Screen
			if t.ID != "" && r.Author != "" {
				r.URL = "https://x.com/" + r.Author + "/status/" + t.ID
			}
		}
		if t.Lang != "" {
			r.Fields["language"] = t.Lang
		}
		if t.Reply != "" {
			r.Fields["reply_to"] = t.Reply
		}
		if t.Coordinates != nil && len(t.Coordinates.Coordinates) == 2 {
			r.Place = placeAt(t.Coordinates.Coordinates[1], t.Coordinates.Coordinates[0])
		}
		if t.Extended != nil {
			for _, m := range t.Extended.Media {
				name := m.URL[strings.LastIndex(m.URL, "/")+1:]
				r.Attachments = append(r.Attachments, Attachment{Name: t.ID + "-" + name, Why: "published at " + m.URL})
			}
		}
		im.Records = append(im.Records, r)
	}
	return nil
}

// readTakeout reads the JSON that Google Takeout puts beside each photo. Its
// time and place are the platform's; the photo's own stay in the photo.
func readTakeout(s *source, im *Imported, o ImportOptions) error {
	type stamp struct {
		Timestamp json.RawMessage `json:"timestamp"`
	}
	type geo struct {
		Lat float64 `json:"latitude"`
		Lon float64 `json:"longitude"`
		Alt float64 `json:"altitude"`
	}
	one := func(n int, name string, raw []byte) {
		var d struct {
			Title       string `json:"title"`
			Description string `json:"description"`
			Taken       *stamp `json:"photoTakenTime"`
			Created     *stamp `json:"creationTime"`
			Date        *stamp `json:"date"`
			Geo         *geo   `json:"geoData"`
			Exif        *geo   `json:"geoDataExif"`
			URL         string `json:"url"`
			People      []struct {
				Name string `json:"name"`
			} `json:"people"`
		}
		if err := json.Unmarshal(raw, &d); err != nil {
			bad(im, n, "", name, "the sidecar is not readable: "+jsonFault(raw, err))
			return
		}
		r := Record{Number: n, Kind: "photo", Title: d.Title, Text: d.Description, URL: d.URL, Fields: map[string]string{"sidecar": name}}
		switch {
		case d.Taken != nil:
			if t, ok := unixOf(d.Taken.Timestamp); ok {
				r.Time = instant(t, strings.Trim(string(d.Taken.Timestamp), `"`))
				r.Time.Meaning = "taken, by the platform's record"
			}
			media := strings.TrimSuffix(name, ".json")
			media = strings.TrimSuffix(media, ".supplemental-metadata")
			r.Attachments = []Attachment{{Name: media}}
		case d.Date != nil:
			r.Kind = "album"
			if t, ok := unixOf(d.Date.Timestamp); ok {
				r.Time = instant(t, strings.Trim(string(d.Date.Timestamp), `"`))
				r.Time.Meaning = "date of the album"
			}
		default:
			bad(im, n, "", name, "this JSON is neither the sidecar of a photo nor an album")
			return
		}
		if d.Created != nil {
			if t, ok := unixOf(d.Created.Timestamp); ok {
				r.Fields["uploaded"] = t.Format(time.RFC3339)
			}
		}
		for _, p := range d.People {
			r.To = append(r.To, p.Name)
		}
		if s.folder || s.zip != nil {
			r.Attachments = append(r.Attachments, Attachment{Name: name, Type: "application/json"})
		}
		g := d.Geo
		if g == nil || g.Lat == 0 && g.Lon == 0 {
			if d.Exif != nil && (d.Exif.Lat != 0 || d.Exif.Lon != 0) {
				g = d.Exif
			} else {
				g = nil
			}
		}
		if g != nil {
			if r.Place = placeAt(g.Lat, g.Lon); r.Place != nil {
				alt := g.Alt
				r.Place.Alt = &alt
			}
		}
		im.Records = append(im.Records, r)
	}
	if s.zip != nil {
		names := sortedKeys(s.zip)
		n := 0
		for _, name := range names {
			if strings.HasSuffix(strings.ToLower(name), ".json") {
				n++
				raw, err := unzip(s.zip[name], 1<<20)
				if err != nil {
					bad(im, n, "", name, err.Error())
					continue
				}
				one(n, name, raw)
			}
		}
		return nil
	}
	if !s.folder {
		one(1, s.name, []byte(s.text))
		if len(im.Records) == 0 {
			return fmt.Errorf("this is not a sidecar of Google Takeout: %s", im.Bad[0].Why)
		}
		return nil
	}
	list, err := os.ReadDir(s.dir)
	if err != nil {
		return errors.New(reason(err))
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name() < list[j].Name() })
	n := 0
	for _, e := range list {
		if !e.Type().IsRegular() || !strings.HasSuffix(strings.ToLower(e.Name()), ".json") {
			continue
		}
		n++
		fi, err := e.Info()
		if err != nil || fi.Size() > 1<<20 {
			bad(im, n, "", e.Name(), "is too large for a sidecar")
			continue
		}
		raw, err := os.ReadFile(filepath.Join(s.dir, e.Name()))
		if err != nil {
			bad(im, n, "", e.Name(), reason(err))
			continue
		}
		one(n, e.Name(), raw)
	}
	return nil
}

// readVCards reads contacts.
func readVCards(s *source, im *Imported, o ImportOptions) error {
	var r *Record
	text := strings.ReplaceAll(strings.ReplaceAll(s.text, "\r\n", "\n"), "\n ", "")
	for i, l := range lines(text) {
		key, v, ok := strings.Cut(l, ":")
		name, _, _ := strings.Cut(strings.ToUpper(key), ";")
		switch {
		case name == "BEGIN":
			if r != nil {
				bad(im, r.Number, "", r.Title, "the card does not end")
			}
			r = &Record{Number: i + 1, Kind: "contact", Fields: map[string]string{}}
		case r == nil:
			if strings.TrimSpace(l) != "" {
				bad(im, i+1, "", l, "stands outside a card")
			}
		case name == "END":
			im.Records = append(im.Records, *r)
			r = nil
		case name == "FN":
			r.Title = v
		case ok && v != "" && name != "VERSION" && name != "PHOTO":
			if old := r.Fields[strings.ToLower(name)]; old != "" {
				v = old + "; " + v
			}
			r.Fields[strings.ToLower(name)] = v
		}
	}
	if r != nil {
		bad(im, r.Number, "", r.Title, "the card does not end")
	}
	if len(im.Records) == 0 {
		return errors.New("there is no card in this file")
	}
	return nil
}
