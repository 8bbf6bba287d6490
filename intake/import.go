package intake

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"sightline/when"
)

// Record is one message, mail, place, event or cue of a file that people hand
// over. Times are what the file says: without a zone they stay local.
type Record struct {
	Number      int               `json:"number"` // line of a text, row of a sheet, position in a list; from 1
	ID          string            `json:"id,omitempty"`
	Kind        string            `json:"kind"` // message, system, mail, post, event, source, place, track, photo, cue, contact
	Time        *RecordTime       `json:"time"`
	Author      string            `json:"author,omitempty"`
	To          []string          `json:"to,omitempty"`
	Title       string            `json:"title,omitempty"`
	Text        string            `json:"text"`
	Written     string            `json:"text_as_written,omitempty"` // where Text was repaired
	Attachments []Attachment      `json:"attachments"`
	Place       *RecordPlace      `json:"place,omitempty"`
	URL         string            `json:"url,omitempty"`
	StartMS     *int64            `json:"start_ms,omitempty"` // of a cue, in its recording
	EndMS       *int64            `json:"end_ms,omitempty"`
	Speaker     string            `json:"speaker,omitempty"`
	Tier        string            `json:"tier,omitempty"`
	Fields      map[string]string `json:"fields,omitempty"` // what else the record holds
	Warnings    []string          `json:"warnings,omitempty"`
}

// RecordTime is when, as far as the file says it.
type RecordTime struct {
	Value   string  `json:"value"`           // ISO 8601, in the stated zone or local; "" when not decided
	Zone    *string `json:"zone"`            // null: not stated
	Min     *string `json:"min"`             // earliest and latest instant, RFC 3339 UTC
	Max     *string `json:"max"`             //
	Written string  `json:"written"`         // as in the file
	Why     string  `json:"why,omitempty"`   // why it is an interval
	Until   string  `json:"until,omitempty"` // ISO 8601, the end of a span
	Meaning string  `json:"meaning,omitempty"`
}

// RecordPlace is where: degrees, metres.
type RecordPlace struct {
	Lat       float64      `json:"lat"`
	Lon       float64      `json:"lon"`
	Alt       *float64     `json:"alt,omitempty"`
	Direction *float64     `json:"direction,omitempty"`
	Form      string       `json:"form"` // point, line, area
	Label     string       `json:"label,omitempty"`
	Points    [][2]float64 `json:"points,omitempty"` // lon, lat, of lines and areas
}

// Attachment is a file that a record names or holds.
type Attachment struct {
	Name   string `json:"name"`
	Type   string `json:"type,omitempty"`
	Size   int64  `json:"size,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Held   bool   `json:"held"` // the bytes are here
	Why    string `json:"why,omitempty"`

	bytes   []byte
	path    string
	entry   *zip.File
	carried bool // out of the sandbox: path has a name of ours
}

// Question is what only a person who knows the device can answer.
type Question struct {
	About   string   `json:"about"` // dates, zone
	Ask     string   `json:"ask"`
	Options []string `json:"options,omitempty"`
}

// Imported is what a file holds, before anything is written.
type Imported struct {
	File      string     `json:"file"`
	As        string     `json:"as"`
	SHA256    string     `json:"sha256"`
	Encoding  string     `json:"encoding,omitempty"`
	Records   []Record   `json:"records"`
	Bad       []BadCell  `json:"bad_rows"` // what could not be read, with the reason
	Questions []Question `json:"questions"`
	Notes     []string   `json:"notes"`
}

// ImportOptions are the answers to questions.
type ImportOptions struct {
	Zone  string            // IANA zone of the device that made the export; "" is not stated
	Dates string            // dmy, mdy, ymd, ydm
	Keys  map[string]string // DKIM keys: "selector._domainkey.domain" to its TXT record
}

// Limits of an import.
const (
	maxImport     = 256 << 20 // bytes of one export
	maxRecords    = 500_000
	maxAttachment = 2 << 30
)

type importer func(*source, *Imported, ImportOptions) error

// importers by the word after --as.
var importers = map[string]importer{
	"whatsapp": readChat, "signal": readChat, "telegram": readTelegram, "instagram": readInstagram, "twitter": readTwitter,
	"mail": readMail, "vcard": readVCards,
	"timemap": readTimeMap, "bellingcat": readBellingcat, "atlos": readSheet, "auto-archiver": readSheet,
	"wacz": readWebArchive, "warc": readWebArchive, "archive": readArchive,
	"geojson": readGeoJSON, "kml": readKML, "gpx": readGPX, "takeout": readTakeout,
	"srt": readSRT, "vtt": readVTT, "whisper": readWhisper, "eaf": readEAF, "textgrid": readTextGrid, "ttml": readTTML, "ssa": readSSA,
}

// transcripts are the formats whose records are stretches of a recording.
var transcripts = map[string]bool{"srt": true, "vtt": true, "whisper": true, "eaf": true, "textgrid": true, "ttml": true, "ssa": true}

// ImportFormats lists what [ReadAs] reads.
func ImportFormats() []string { return sortedKeys(importers) }

// source is an export on its way: one file, a folder or a ZIP.
type source struct {
	path   string
	name   string
	data   []byte
	text   string
	dir    string               // where attachments lie
	folder bool                 // a folder was given
	zip    map[string]*zip.File // by base name
	temp   string               // folder for attachments that had to be unpacked
	file   *os.File
}

func (s *source) close() {
	if s.file != nil {
		s.file.Close()
	}
	if s.temp != "" {
		os.RemoveAll(s.temp)
	}
}

// ReadAs reads an export without writing anything. The error is for a file that
// is not of that format at all; single records that cannot be read stand in
// Imported.Bad.
func ReadAs(file, as string, o ImportOptions) (im *Imported, err error) {
	im, s, err := readAs(file, as, o)
	if s != nil {
		s.close()
	}
	return im, err
}

func readAs(file, as string, o ImportOptions) (im *Imported, s *source, err error) {
	read, ok := importers[as]
	if !ok {
		return nil, nil, fmt.Errorf("there is no format %q; use one of: %s", as, strings.Join(ImportFormats(), ", "))
	}
	switch o.Dates {
	case "", "dmy", "mdy", "ymd", "ydm":
	default:
		return nil, nil, fmt.Errorf("dates: %q: use dmy, mdy, ymd or ydm", o.Dates)
	}
	if o.Zone != "" {
		if _, err := when.LoadZone(o.Zone); err != nil {
			return nil, nil, err
		}
	}
	defer func() {
		if p := recover(); p != nil {
			im, err = nil, fmt.Errorf("the file is damaged in a way that the reader of %s does not expect", as)
		}
	}()
	if s, err = openSource(file, as); err != nil {
		return nil, s, err
	}
	sum := sha256.Sum256(s.data)
	im = &Imported{File: s.name, As: as, SHA256: hex.EncodeToString(sum[:]), Records: []Record{}, Bad: []BadCell{}, Questions: []Question{}, Notes: []string{}}
	if as != "mail" && as != "kml" && !bytes.HasPrefix(s.data, []byte("PK\x03\x04")) {
		text, enc, note := decodeAny(s.data)
		s.text, im.Encoding = text, enc
		if note != "" {
			im.Notes = append(im.Notes, note)
		}
	}
	if err := read(s, im, o); err != nil {
		return nil, s, err
	}
	if len(im.Records) > maxRecords {
		return nil, s, fmt.Errorf("more than %d records; split the file", maxRecords)
	}
	for i := range im.Records {
		r := &im.Records[i]
		if r.Attachments == nil {
			r.Attachments = []Attachment{}
		}
		s.resolve(r)
	}
	return im, s, nil
}

func openSource(file, as string) (*source, error) {
	fi, err := os.Lstat(file)
	if err != nil {
		return nil, errors.New(reason(err))
	}
	s := &source{path: file, name: filepath.Base(file), dir: filepath.Dir(file)}
	if fi.IsDir() {
		main, err := mainFile(file, as)
		if err != nil {
			return nil, err
		}
		s.dir, s.path, s.folder = file, main, true
		s.name = filepath.Base(main)
	}
	f, fi, err := open(s.path)
	if err != nil {
		return nil, err
	}
	if as == "wacz" || as == "warc" || as == "archive" {
		s.file = f // read where it lies, however large
		return s, nil
	}
	if fi.Size() > maxImport {
		var head [4]byte
		if _, err := f.ReadAt(head[:], 0); err != nil || string(head[:]) != "PK\x03\x04" {
			f.Close()
			return nil, fmt.Errorf("an export of %d MiB is too large; the limit is %d MiB", fi.Size()>>20, maxImport>>20)
		}
	}
	s.file = f
	if fi.Size() == 0 {
		return s, errors.New("the file is empty")
	}
	var head [4]byte
	_, _ = f.ReadAt(head[:], 0)
	if string(head[:]) == "PK\x03\x04" && as != "timemap" && as != "atlos" && as != "auto-archiver" {
		return s, s.openZip(fi.Size(), as)
	}
	s.data, err = io.ReadAll(io.LimitReader(f, maxImport+1))
	if err != nil {
		return s, errors.New(reason(err))
	}
	return s, nil
}

// isMain tells which file of a folder or ZIP holds the records.
func isMain(name, as string) bool {
	base, ext := strings.ToLower(path.Base(name)), strings.ToLower(path.Ext(name))
	switch as {
	case "whatsapp", "signal":
		return ext == ".txt"
	case "telegram":
		return base == "result.json"
	case "kml":
		return ext == ".kml"
	case "instagram", "takeout", "twitter":
		return ext == ".json" || ext == ".js"
	case "mail":
		return ext == ".eml" || ext == ".mbox"
	}
	return false
}

func mainFile(dir, as string) (string, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return "", errors.New(reason(err))
	}
	var hit []string
	for _, e := range list {
		if e.Type().IsRegular() && isMain(e.Name(), as) {
			hit = append(hit, e.Name())
		}
	}
	sort.Slice(hit, func(i, j int) bool { return mainRank(hit[i]) < mainRank(hit[j]) })
	if len(hit) == 0 {
		return "", fmt.Errorf("there is no file in this folder that a %s export has", as)
	}
	return filepath.Join(dir, hit[0]), nil
}

// mainRank puts the usual names of chat files first.
func mainRank(name string) string {
	low := strings.ToLower(path.Base(name))
	if low == "_chat.txt" || strings.Contains(low, "whatsapp") {
		return "0" + low
	}
	return "1" + low
}

func (s *source) openZip(size int64, as string) error {
	z, err := zip.NewReader(s.file, size)
	if err != nil {
		return fmt.Errorf("the ZIP cannot be opened: %w", err)
	}
	if len(z.File) > 10_000 {
		return errors.New("the ZIP holds more than 10,000 entries")
	}
	s.zip = map[string]*zip.File{}
	var main *zip.File
	for _, f := range z.File {
		if f.FileInfo().IsDir() || !f.Mode().IsRegular() {
			continue
		}
		base := path.Base(strings.ReplaceAll(f.Name, "\\", "/"))
		if _, twice := s.zip[base]; !twice {
			s.zip[base] = f
		}
		if isMain(base, as) && (main == nil || mainRank(base) < mainRank(main.Name)) {
			main = f
		}
	}
	if main == nil {
		return fmt.Errorf("there is no file in this ZIP that a %s export has", as)
	}
	s.data, err = unzip(main, maxImport)
	return err
}

// unzip reads one entry within its limit, whatever its header promises. An entry
// that unpacks to more than 200 times itself after the first 10 MiB is made to
// fill a machine: text of people shrinks to a tenth.
func unzip(f *zip.File, limit int64) ([]byte, error) {
	if n := int64(min(f.CompressedSize64, 1<<40)) * maxRatio; n < limit {
		limit = max(n, ratioFrom)
	}
	if f.UncompressedSize64 > uint64(limit) {
		return nil, fmt.Errorf("%s says that it is %d MiB when unpacked, more than is read from so small an entry", Printable(f.Name), f.UncompressedSize64>>20)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%s cannot be unpacked: %w", Printable(f.Name), err)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be unpacked: %w", Printable(f.Name), err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s is larger than %d MiB when unpacked", Printable(f.Name), limit>>20)
	}
	return b, nil
}

// resolve looks for the files that a record names beside the export, by their
// last name only: a path in an export never leads elsewhere.
func (s *source) resolve(r *Record) {
	for i := range r.Attachments {
		a := &r.Attachments[i]
		if a.Held || a.Name == "" {
			continue
		}
		clean := path.Clean("/" + strings.ReplaceAll(a.Name, "\\", "/"))
		base := path.Base(clean)
		if base == "/" || base == "." {
			continue
		}
		if f, ok := s.zip[base]; ok {
			a.Held, a.entry, a.Size = true, f, int64(min(f.UncompressedSize64, 1<<62))
			continue
		}
		root, err := os.OpenRoot(s.dir)
		if err != nil {
			continue
		}
		for _, rel := range []string{strings.TrimPrefix(clean, "/"), base} {
			if fi, err := root.Lstat(filepath.FromSlash(rel)); err == nil && fi.Mode().IsRegular() {
				a.Held, a.path, a.Size = true, filepath.Join(s.dir, filepath.FromSlash(rel)), fi.Size()
				break
			}
		}
		root.Close()
		if !a.Held && a.Why == "" {
			a.Why = "the file is not beside the export"
		}
	}
}

// decodeAny decodes a text by its mark, else UTF-8, else Windows-1252, which is
// said because it may be wrong.
func decodeAny(b []byte) (text, enc, note string) {
	try := func(e encoding.Encoding, name string) bool {
		out, err := e.NewDecoder().Bytes(b)
		if err == nil {
			text, enc = strings.TrimPrefix(string(out), "\ufeff"), name
		}
		return err == nil
	}
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe\x00\x00")) && len(b)%4 == 0 && try(utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), "UTF-32"):
	case bytes.HasPrefix(b, []byte("\x00\x00\xfe\xff")) && try(utf32.UTF32(utf32.BigEndian, utf32.UseBOM), "UTF-32"):
	case (bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff"))) && try(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "UTF-16"):
	case utf8.Valid(b):
		return strings.TrimPrefix(string(b), "\ufeff"), "UTF-8", ""
	default:
		try(charmap.Windows1252, "Windows-1252")
		note = "the text is not UTF-8 and was read as Windows-1252: check accented letters"
	}
	return text, enc, note
}

// lines splits at any line end and keeps the number of each line.
func lines(text string) []string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n")
}

func bad(im *Imported, row int, column, value, why string) {
	if len(im.Bad) < maxBadRows {
		im.Bad = append(im.Bad, BadCell{File: im.File, Row: row, Column: column, Value: value, Why: why})
	}
}

const local = "2006-01-02T15:04:05"

// localTime is a clock reading without a stated zone: of the zone the user
// names, else of any zone on Earth.
func localTime(t time.Time, precision time.Duration, written string, o ImportOptions) *RecordTime {
	rt := &RecordTime{Value: t.Format(local), Written: written}
	if precision == time.Minute {
		rt.Value = t.Format("2006-01-02T15:04")
	}
	if o.Zone == "" {
		lo, hi := t.Add(-14*time.Hour), t.Add(12*time.Hour+precision-time.Millisecond)
		rt.span(lo, hi)
		rt.Why = "the zone is not stated: any zone on Earth"
		return rt
	}
	read, err := when.Parse(when.Written{Kind: "local", Value: t.Format(local), Zone: o.Zone})
	if err != nil || len(read.Hypotheses) == 0 {
		rt.Why = "clocks in " + o.Zone + " never showed this time"
		return rt
	}
	zone := o.Zone
	rt.Zone = &zone
	first, last := read.Hypotheses[0], read.Hypotheses[len(read.Hypotheses)-1]
	if first.Min == nil || last.Max == nil {
		return rt
	}
	rt.span(first.Min.Time(), last.Max.Time().Add(precision-time.Second))
	if len(read.Hypotheses) > 1 {
		rt.Why = "clocks in " + o.Zone + " showed this time twice"
	}
	return rt
}

func (rt *RecordTime) span(lo, hi time.Time) {
	a, b := lo.UTC().Format("2006-01-02T15:04:05.000Z"), hi.UTC().Format("2006-01-02T15:04:05.000Z")
	rt.Min, rt.Max = &a, &b
}

// instant is a time with a known zone.
func instant(t time.Time, written string) *RecordTime {
	zone := "UTC"
	if _, off := t.Zone(); off != 0 {
		zone = t.Format("-07:00")
	}
	rt := &RecordTime{Value: t.Format(local), Zone: &zone, Written: written}
	if ms := t.Nanosecond() / 1e6; ms != 0 {
		rt.Value = t.Format("2006-01-02T15:04:05.000")
		rt.span(t, t)
	} else {
		rt.span(t, t.Add(999*time.Millisecond))
	}
	return rt
}

// anyTime reads the ways in which data files write times; nil when it is none.
func anyTime(v string, o ImportOptions) *RecordTime {
	v = strings.TrimSpace(v)
	if v == "" {
		return nil
	}
	for _, l := range []string{time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05-0700", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 MST"} {
		if t, err := time.Parse(l, v); err == nil && (l != "2006-01-02 15:04:05 MST" || strings.HasSuffix(v, "UTC") || strings.HasSuffix(v, "GMT")) {
			return instant(t, v)
		}
	}
	for _, l := range []string{"2006-01-02T15:04:05.999", "2006-01-02 15:04:05.999", "2006:01:02 15:04:05"} {
		if t, err := time.Parse(l, v); err == nil {
			return localTime(t, time.Second, v, o)
		}
	}
	for _, l := range []string{"2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(l, v); err == nil {
			return localTime(t, time.Minute, v, o)
		}
	}
	if t, err := time.Parse("2006-01-02", v); err == nil {
		rt := localTime(t, 24*time.Hour, v, o)
		rt.Value = v
		return rt
	}
	return nil
}
