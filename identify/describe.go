package identify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sightline"
	"sightline/digest"
	"sightline/tool"
	"sightline/when"
)

// Description is everything a file says about itself, for people and programs
// that have no case: "sightline identify". Nothing in it is a finding; each
// value is what was written, with the field it was written in.
type Description struct {
	File        string     `json:"file"`
	Digest      string     `json:"digest"` // sha256-<64 hex>
	SHA256      string     `json:"sha256"`
	Size        int64      `json:"size"`
	Type        string     `json:"type"` // by content
	Media       string     `json:"media"`
	Dimensions  *Size      `json:"dimensions"`         // as stored, pixels
	Upright     *Size      `json:"upright,omitempty"`  // after orientation
	Duration    *float64   `json:"duration"`           // seconds
	Orientation *int       `json:"orientation"`        // EXIF 1..8; null: not stated
	Rotation    *float64   `json:"rotation,omitempty"` // of a video, degrees clockwise
	GPS         *GPS       `json:"gps"`
	Track       []Fix      `json:"track,omitempty"` // positions during a recording
	TrackCount  int        `json:"track_count,omitempty"`
	Times       []Stamp    `json:"times"`
	Device      string     `json:"device"`
	Software    string     `json:"software,omitempty"`
	Projection  string     `json:"projection,omitempty"` // of a panorama
	PDQ         *string    `json:"pdq"`
	PDQQuality  *int       `json:"pdq_quality,omitempty"`
	PHash       *string    `json:"phash"`
	Embedded    []Embedded `json:"embedded,omitempty"`
	Tools       []string   `json:"tools"`
	Warnings    []string   `json:"warnings"`
	Error       string     `json:"error,omitempty"` // why the content cannot be opened; the bytes are still what digest says

	motion bool // the metadata claims a moving part
}

// Size is width and height in pixels.
type Size struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// GPS is the position that a file claims: degrees of an unstated datum, usually
// WGS 84; alt in metres above what the device took for sea level; direction in
// degrees clockwise from true north, unless the reference says magnetic; error in metres
// as the device states it, which is no 95 % radius.
type GPS struct {
	Lat          float64  `json:"lat"`
	Lon          float64  `json:"lon"`
	Alt          *float64 `json:"alt"`
	Direction    *float64 `json:"direction"`
	DirectionRef string   `json:"direction_ref,omitempty"` // true, magnetic
	Error        *float64 `json:"error"`
	Field        string   `json:"field,omitempty"`
	Doubt        string   `json:"doubt,omitempty"`
}

// Stamp is one time as a file states it.
type Stamp struct {
	Value   string  `json:"value"` // ISO 8601 without zone
	Zone    *string `json:"zone"`  // "+02:00", "UTC"; null: not stated
	Meaning string  `json:"meaning"`
	Field   string  `json:"field"`
	Written string  `json:"written"`
	Doubt   string  `json:"doubt,omitempty"`
}

// Describe reads the file at path, whose bytes are of the type typ. Nothing it
// meets in the file is an error: what cannot be opened is said in
// Description.Error.
func Describe(ctx context.Context, e *Env, path, typ, mediaKind string) (*Description, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(abs)
	if err != nil {
		return nil, err
	}
	sum, n, err := digest.Read(f)
	f.Close()
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	d := &Description{File: path, Digest: "sha256-" + sum.String(), SHA256: sum.String(), Size: n, Type: typ, Media: mediaKind, Times: []Stamp{}, Warnings: []string{}, Tools: []string{}}
	if n == 0 {
		d.Error = "the file is empty"
		return d, nil
	}
	r := newReading(&sightline.Item{Name: filepath.Base(path)}, "", time.Now())
	picture := strings.HasPrefix(typ, "image/")
	moving := strings.HasPrefix(typ, "video/") || strings.HasPrefix(typ, "audio/")
	full := map[string]string{}
	exif := false
	if e.Exif != nil && !plainText[typ] {
		tags, res, err := e.Exif.Read(ctx, abs)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			d.warn("exiftool could not read it: " + err.Error())
		default:
			exif = true
			d.Tools = append(d.Tools, res.Program.Name+" "+res.Program.Version)
			for _, k := range sorted(tags) {
				if g, _, _ := strings.Cut(k, ":"); ownGroups[g] && k != "ExifTool:Warning" && k != "ExifTool:Error" {
					continue
				}
				if v, ok := plainJSON(tags[k]); ok {
					full[k] = clean(v)
				}
			}
			if w := full["ExifTool:Warning"]; w != "" {
				d.warn("exiftool: " + w)
			}
			if w := full["ExifTool:Error"]; w != "" {
				d.warn("exiftool: " + w)
			}
		}
	}
	if _, ok := metaFormats[typ]; ok && !exif {
		var rep tagReport
		if _, err := e.own(ctx, &rep, tool.Cmd{Args: []string{"tags", abs, typ}, Read: []string{abs}}); err == nil {
			d.Tools = append(d.Tools, "imagemeta")
			for _, t := range rep.Tags {
				if _, have := full[t.Name]; !have {
					full[t.Name] = t.Value
				}
			}
			if rep.Width > 0 {
				d.Dimensions = &Size{rep.Width, rep.Height}
			}
		} else if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	d.fields(full)
	if moving {
		if err := d.probe(ctx, e, abs, full); err != nil {
			return nil, err
		}
	}
	if picture && typ != "image/svg+xml" {
		if err := d.pixels(ctx, e, abs); err != nil {
			return nil, err
		}
	}
	if err := d.telemetry(ctx, e, abs); err != nil {
		return nil, err
	}
	d.finish(r)
	return d, nil
}

// plainText are kinds in which exiftool has nothing to find.
var plainText = map[string]bool{"text/plain": true, "application/json": true, "application/x-subrip": true, "text/vtt": true, "text/html": true, "application/mbox": true, "message/rfc822": true}

func (d *Description) warn(s string) {
	for _, w := range d.Warnings {
		if w == s {
			return
		}
	}
	d.Warnings = append(d.Warnings, s)
}

// stampFields are where times stand, the most telling first. Zone names the
// field that holds the offset, sub the one that holds the fraction; "UTC"
// means that the standard of the field says so.
var stampFields = []struct{ field, zone, sub, meaning string }{
	{"ExifIFD:DateTimeOriginal", "ExifIFD:OffsetTimeOriginal", "ExifIFD:SubSecTimeOriginal", "exposure"},
	{"EXIF:DateTimeOriginal", "EXIF:OffsetTimeOriginal", "EXIF:SubSecTimeOriginal", "exposure"},
	{"ExifIFD:CreateDate", "ExifIFD:OffsetTimeDigitized", "ExifIFD:SubSecTimeDigitized", "digitised"},
	{"EXIF:DateTimeDigitized", "EXIF:OffsetTimeDigitized", "EXIF:SubSecTimeDigitized", "digitised"},
	{"EXIF:CreateDate", "EXIF:OffsetTimeDigitized", "EXIF:SubSecTimeDigitized", "digitised"},
	{"Composite:GPSDateTime", "UTC", "", "satellite fix"},
	{"XMP-exif:GPSDateTime", "UTC", "", "satellite fix"},
	{"IFD0:ModifyDate", "ExifIFD:OffsetTime", "ExifIFD:SubSecTime", "last change by a program"},
	{"EXIF:ModifyDate", "EXIF:OffsetTime", "EXIF:SubSecTime", "last change by a program"},
	{"EXIF:DateTime", "EXIF:OffsetTime", "EXIF:SubSecTime", "last change by a program"},
	{"Keys:CreationDate", "", "", "creation by the phone"},
	{"QuickTime:CreationDate", "", "", "creation by the phone"},
	{"UserData:DateTimeOriginal", "", "", "exposure"},
	{"ItemList:ContentCreateDate", "", "", "content creation"},
	{"QuickTime:CreateDate", "UTC", "", "creation of the container"},
	{"QuickTime:ModifyDate", "UTC", "", "last change of the container"},
	{"Track1:MediaCreateDate", "UTC", "", "creation of a track"},
	{"Matroska:DateTimeOriginal", "UTC", "", "creation of the container"},
	{"Info:DateTimeOriginal", "UTC", "", "creation of the container"},
	{"RIFF:DateTimeOriginal", "", "", "creation of the container"},
	{"XMP-exif:DateTimeOriginal", "", "", "exposure"},
	{"XMP-photoshop:DateCreated", "", "", "content creation"},
	{"XMP-xmp:CreateDate", "", "", "creation of the document"},
	{"XMP-xmp:ModifyDate", "", "", "last change by a program"},
	{"XMP:DateTimeOriginal", "", "", "exposure"},
	{"XMP:DateCreated", "", "", "content creation"},
	{"XMP:CreateDate", "", "", "creation of the document"},
	{"XMP:ModifyDate", "", "", "last change by a program"},
	{"Composite:DateTimeCreated", "", "", "content creation (IPTC)"},
	{"PNG:ModifyDate", "", "", "last change by a program"},
	{"PNG:CreationTime", "", "", "creation of the document"},
	{"PDF:CreateDate", "", "", "creation of the document"},
	{"PDF:ModifyDate", "", "", "last change by a program"},
	{"Reconyx:DateTimeOriginal", "", "", "exposure"},
}

var known = func() map[string]bool {
	m := map[string]bool{}
	for _, s := range stampFields {
		m[s.field] = true
	}
	return m
}()

// otherDates are names of times that stand in many groups.
var otherDates = map[string]string{
	"DateTimeOriginal": "exposure", "CreateDate": "creation of the document", "CreationDate": "creation of the document", "DateCreated": "content creation",
	"DateTimeCreated": "content creation", "ContentCreateDate": "content creation", "ModifyDate": "last change by a program", "DateTimeDigitized": "digitised",
	"MetadataDate": "last change of the metadata", "DateTime": "last change by a program", "DateUTC": "recording", "CreationTime": "creation of the document",
	"TrackCreateDate": "creation of a track",
}

var stampRE = regexp.MustCompile(`^(\d{4})[:-](\d{2})[:-](\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d+))?\s*(Z|[+-]\d{2}:?\d{2})?)?$`)

// stamp reads one written time; ok is false when it holds none.
func stamp(written, zone, sub string) (s Stamp, ok bool) {
	m := stampRE.FindStringSubmatch(strings.TrimSpace(written))
	if m == nil || m[1] == "0000" || m[2] == "00" || m[3] == "00" {
		return s, false
	}
	s.Written = written
	s.Value = m[1] + "-" + m[2] + "-" + m[3]
	if m[4] != "" {
		s.Value += "T" + m[4]
	}
	if m[5] != "" {
		s.Value += "." + m[5]
	} else if sub = strings.TrimSpace(sub); sub != "" && m[4] != "" && digits(sub) {
		s.Value += "." + sub
	}
	if z := m[6]; z != "" {
		if z == "Z" {
			z = "UTC"
		} else if len(z) == 5 {
			z = z[:3] + ":" + z[3:]
		}
		s.Zone = &z
	} else if zone = strings.TrimSpace(zone); zone == "UTC" || zoneRE.MatchString(zone) {
		if zone == "Z" {
			zone = "UTC"
		}
		s.Zone = &zone
	}
	layout := "2006-01-02T15:04:05"
	if _, err := time.Parse(layout[:min(len(layout), len(s.Value))], s.Value[:min(len(layout), len(s.Value))]); err != nil {
		return s, false
	}
	return s, true
}

var zoneRE = regexp.MustCompile(`^(Z|[+-]\d{2}:\d{2})$`)

func digits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

func number(s string) (float64, bool) {
	r := reading{tags: map[string]string{"x": s}}
	return r.num("x")
}

func first(full map[string]string, names ...string) (string, string) {
	for _, n := range names {
		if v := strings.TrimSpace(full[n]); v != "" {
			return v, n
		}
	}
	return "", ""
}

// fields fills the description from named values.
func (d *Description) fields(full map[string]string) {
	num := func(names ...string) (float64, string, bool) {
		for _, n := range names {
			if x, ok := number(full[n]); ok {
				return x, n, true
			}
		}
		return 0, "", false
	}
	if o, _, ok := num("IFD0:Orientation", "EXIF:Orientation", "XMP-tiff:Orientation", "XMP:Orientation"); ok && o >= 1 && o <= 8 {
		v := int(o)
		d.Orientation = &v
	}
	if r, _, ok := num("Composite:Rotation", "QuickTime:Rotation"); ok && strings.HasPrefix(d.Type, "video/") {
		d.Rotation = &r
	}
	if w, _, ok := num("File:ImageWidth", "PNG:ImageWidth", "GIF:ImageWidth", "RIFF:ImageWidth", "Meta:ImageWidth", "QuickTime:ImageWidth", "Track1:ImageWidth", "IFD0:ImageWidth", "ExifIFD:ExifImageWidth"); ok {
		if h, _, ok := num("File:ImageHeight", "PNG:ImageHeight", "GIF:ImageHeight", "RIFF:ImageHeight", "Meta:ImageHeight", "QuickTime:ImageHeight", "Track1:ImageHeight", "IFD0:ImageHeight", "ExifIFD:ExifImageHeight"); ok && w > 0 && h > 0 {
			d.Dimensions = &Size{int(w), int(h)}
		}
	}
	if s, ok := full["Composite:ImageSize"]; ok {
		var w, h int
		if _, err := fmt.Sscanf(strings.ReplaceAll(s, "x", " "), "%d %d", &w, &h); err == nil && w > 0 && h > 0 {
			d.Dimensions = &Size{w, h}
		}
	}
	mk, _ := first(full, "IFD0:Make", "EXIF:Make", "Keys:Make", "UserData:Make", "XMP-tiff:Make", "XMP:Make", "QuickTime:Make", "Keys:AndroidManufacturer")
	md, _ := first(full, "IFD0:Model", "EXIF:Model", "Keys:Model", "UserData:Model", "XMP-tiff:Model", "XMP:Model", "QuickTime:Model", "Keys:AndroidModel")
	d.Device = strings.TrimSpace(mk + " " + md)
	d.Software, _ = first(full, "IFD0:Software", "EXIF:Software", "Keys:Software", "XMP-xmp:CreatorTool", "XMP:CreatorTool", "PNG:Software", "ItemList:Encoder", "UserData:Encoder", "Keys:Encoder")
	if v, _ := first(full, "XMP-GPano:ProjectionType", "XMP:ProjectionType", "XMP-GSpherical:ProjectionType"); v != "" {
		d.Projection = v
		d.warn("a panorama (" + v + "): straight lines in it are curved, so methods for plain photographs do not apply")
	} else if strings.EqualFold(full["XMP-GSpherical:Spherical"], "true") {
		d.Projection = "equirectangular"
	}
	d.position(full, num)
	for _, s := range stampFields {
		v := full[s.field]
		if v == "" {
			continue
		}
		zone := full[s.zone]
		if s.zone == "UTC" {
			zone = "UTC"
		} else if zone == "" && strings.HasSuffix(s.zone, "OffsetTimeDigitized") {
			zone = ""
		}
		st, ok := stamp(v, zone, full[s.sub])
		if !ok {
			if strings.Trim(v, "0: ") != "" {
				d.warn(s.field + ": " + strconv.Quote(v) + " is not a time that can be read")
			} else {
				d.warn(s.field + " holds no time (zeros)")
			}
			continue
		}
		st.Meaning, st.Field = s.meaning, s.field
		if s.zone == "UTC" && strings.HasPrefix(s.meaning, "creation of") || s.meaning == "last change of the container" {
			st.Doubt = "UTC by the standard; many devices write their local time here"
		}
		d.stampOnce(st)
	}
	for _, name := range sorted(full) {
		group, base, _ := strings.Cut(name, ":")
		meaning := otherDates[base]
		if meaning == "" || group == "IFD1" || group == "Composite" || group == "File" || strings.HasPrefix(group, "ICC") || strings.HasPrefix(group, "Track") || known[name] {
			continue
		}
		if st, ok := stamp(full[name], "", ""); ok {
			st.Meaning, st.Field = meaning, name
			d.stampOnce(st)
		}
	}
	if full["XMP-GCamera:MotionPhoto"] == "1" || full["XMP-GCamera:MicroVideo"] == "1" || full["XMP:MotionPhoto"] == "1" || full["XMP:MicroVideo"] == "1" {
		d.motion = true
	}
	if full["Composite:GPSDateTime"] == "" && full["XMP-exif:GPSDateTime"] == "" {
		day, _ := first(full, "GPS:GPSDateStamp", "EXIF:GPSDateStamp")
		clock, _ := first(full, "GPS:GPSTimeStamp", "EXIF:GPSTimeStamp")
		if hms := clockOf(clock); hms != "" && day != "" {
			if st, ok := stamp(day+" "+hms, "UTC", ""); ok {
				st.Meaning, st.Field, st.Written = "satellite fix", "GPS:GPSDateStamp", day+" "+clock
				d.stampOnce(st)
			}
		}
	}
}

// stampOnce keeps a time unless the same value, zone and meaning is there.
func (d *Description) stampOnce(s Stamp) {
	for _, o := range d.Times {
		if o.Value == s.Value && o.Meaning == s.Meaning && (o.Zone == nil) == (s.Zone == nil) && (o.Zone == nil || *o.Zone == *s.Zone) {
			return
		}
	}
	d.Times = append(d.Times, s)
}

func (d *Description) position(full map[string]string, num func(...string) (float64, string, bool)) {
	lat, field, ok1 := num("Composite:GPSLatitude", "XMP-exif:GPSLatitude", "EXIF:GPSLatitude", "GPS:GPSLatitude", "XMP:GPSLatitude", "XMP-drone-dji:GPSLatitude")
	lon, _, ok2 := num("Composite:GPSLongitude", "XMP-exif:GPSLongitude", "EXIF:GPSLongitude", "GPS:GPSLongitude", "XMP:GPSLongitude", "XMP-drone-dji:GPSLongitude", "XMP-drone-dji:GPSLongtitude")
	var g *GPS
	if ok1 && ok2 {
		g = &GPS{Lat: lat, Lon: lon, Field: field}
		if strings.HasPrefix(field, "EXIF:") || strings.HasPrefix(field, "GPS:") {
			if ref, _ := first(full, "GPS:GPSLatitudeRef", "EXIF:GPSLatitudeRef"); strings.HasPrefix(strings.ToUpper(ref), "S") && g.Lat > 0 {
				g.Lat = -g.Lat
			}
			if ref, _ := first(full, "GPS:GPSLongitudeRef", "EXIF:GPSLongitudeRef"); strings.HasPrefix(strings.ToUpper(ref), "W") && g.Lon > 0 {
				g.Lon = -g.Lon
			}
		}
		if a, _, ok := num("Composite:GPSAltitude"); ok {
			g.Alt = &a
		} else if a, _, ok := num("GPS:GPSAltitude", "EXIF:GPSAltitude", "XMP-exif:GPSAltitude", "XMP:GPSAltitude"); ok {
			if ref, _ := first(full, "GPS:GPSAltitudeRef", "EXIF:GPSAltitudeRef", "XMP-exif:GPSAltitudeRef"); ref == "1" && a > 0 {
				a = -a
			}
			g.Alt = &a
		}
	} else if v, n := first(full, "Keys:GPSCoordinates", "UserData:GPSCoordinates", "ItemList:GPSCoordinates", "QuickTime:GPSCoordinates"); v != "" {
		p := strings.Fields(v)
		if len(p) >= 2 {
			la, err1 := strconv.ParseFloat(p[0], 64)
			lo, err2 := strconv.ParseFloat(p[1], 64)
			if err1 == nil && err2 == nil {
				g = &GPS{Lat: la, Lon: lo, Field: n}
				if len(p) > 2 {
					if a, err := strconv.ParseFloat(p[2], 64); err == nil {
						g.Alt = &a
					}
				}
			}
		}
	}
	dir, dirField, okDir := num("GPS:GPSImgDirection", "EXIF:GPSImgDirection", "XMP-exif:GPSImgDirection", "XMP-drone-dji:GimbalYawDegree", "XMP-GPano:PoseHeadingDegrees")
	if g == nil && okDir {
		d.warn(fmt.Sprintf("a direction of %g degrees is stated (%s) without a position", dir, dirField))
	}
	if g == nil {
		return
	}
	if okDir {
		g.Direction = &dir
		ref, _ := first(full, "GPS:GPSImgDirectionRef", "EXIF:GPSImgDirectionRef", "XMP-exif:GPSImgDirectionRef")
		switch {
		case strings.HasPrefix(strings.ToUpper(ref), "M"):
			g.DirectionRef = "magnetic"
			d.warn("the direction is measured from magnetic north: correct it by the declination of the place and day")
		case strings.HasPrefix(strings.ToUpper(ref), "T"):
			g.DirectionRef = "true"
		}
	}
	if x, _, ok := num("GPS:GPSHPositioningError", "EXIF:GPSHPositioningError"); ok && x >= 0 {
		g.Error = &x
	} else if x, _, ok := num("Keys:LocationAccuracyHorizontal"); ok {
		g.Error = &x
	}
	if dat, _ := first(full, "GPS:GPSMapDatum", "EXIF:GPSMapDatum"); dat != "" && !strings.Contains(strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(dat)), "WGS84") {
		d.warn("the position is in the datum " + dat + ", not WGS 84: it may be off by hundreds of metres")
	}
	d.setGPS(g)
}

func (d *Description) setGPS(g *GPS) {
	switch {
	case math.Abs(g.Lat) > 90 || math.Abs(g.Lon) > 180:
		d.warn(fmt.Sprintf("the position %g, %g is not a place on Earth", g.Lat, g.Lon))
		return
	case g.Lat == 0 && g.Lon == 0:
		g.Doubt = "0, 0 is what programs write when they know no place"
		d.warn("the position is 0, 0: programs write that when they know no place")
	}
	d.GPS = g
}

// probe adds what ffprobe says of a recording.
func (d *Description) probe(ctx context.Context, e *Env, path string, full map[string]string) error {
	m, res, err := e.Box.Probe(ctx, path)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var missing *tool.MissingError
	if errors.As(err, &missing) {
		d.warn("ffprobe is not installed: streams and duration were not read")
		if x, ok := number(full["QuickTime:Duration"]); ok && x > 0 {
			d.Duration = &x
		}
		return nil
	}
	if err != nil {
		d.Error = "the recording cannot be opened: " + err.Error()
		return nil
	}
	d.Tools = append(d.Tools, res.Program.Name+" "+res.Program.Version)
	it := sightline.Item{Media: d.Media}
	r := newReading(&it, "", time.Now())
	r.media(m, res.Program.Name, &it)
	d.Media = it.Media
	if it.DurationMS > 0 {
		s, err := strconv.ParseFloat(m.Format.Duration, 64)
		if err == nil {
			d.Duration = &s
		}
	}
	for _, s := range m.Streams {
		if s.Type == "video" && s.Disposition["attached_pic"] != 1 && s.Width > 0 {
			if d.Dimensions == nil || strings.HasPrefix(d.Type, "video/") {
				d.Dimensions = &Size{s.Width, s.Height}
			}
			for _, sd := range s.SideData {
				if sd.Rotation != 0 && d.Rotation == nil {
					v := math.Mod(360-sd.Rotation, 360)
					d.Rotation = &v
				}
			}
			break
		}
	}
	if d.Orientation == nil && d.Rotation != nil && strings.HasPrefix(d.Type, "video/") {
		if o, ok := map[float64]int{0: 1, 90: 6, 180: 3, 270: 8}[math.Mod(*d.Rotation+360, 360)]; ok {
			d.Orientation = &o
		}
	}
	if d.GPS == nil {
		if v := r.get("com.apple.quicktime.location.ISO6709", "location", "location-eng"); v != "" {
			if la, lo, h, ok := iso6709(v); ok {
				d.setGPS(&GPS{Lat: la, Lon: lo, Alt: h, Field: "Format:location"})
			} else {
				d.warn("the location " + strconv.Quote(v) + " cannot be read")
			}
		}
	}
	if v := r.get("com.apple.quicktime.creationdate"); v != "" {
		if st, ok := stamp(strings.Replace(isoZone(v), "T", " ", 1), "", ""); ok {
			st.Meaning, st.Field, st.Written = "creation by the phone", "Format:com.apple.quicktime.creationdate", v
			d.stampOnce(st)
		}
	}
	if v := r.get("creation_time"); v != "" {
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil && t.Year() > 1904 {
			utc := "UTC"
			value := t.UTC().Format("2006-01-02T15:04:05")
			if t.Nanosecond() != 0 {
				value = t.UTC().Format("2006-01-02T15:04:05.999999")
			}
			d.stampOnce(Stamp{Value: value, Zone: &utc, Meaning: "creation of the container", Field: "Format:creation_time", Written: v,
				Doubt: "UTC by the standard; many devices write their local time here"})
		}
	}
	if d.Device == "" {
		d.Device = strings.TrimSpace(r.get("com.apple.quicktime.make", "com.android.manufacturer", "make") + " " + r.get("com.apple.quicktime.model", "com.android.model", "model"))
	}
	if enc := r.get("encoder", "ENCODER"); enc != "" {
		if d.Software == "" {
			d.Software = enc
		}
	}
	return nil
}

// pixels adds the hashes and what lies beside the picture.
func (d *Description) pixels(ctx context.Context, e *Env, path string) error {
	o := 1
	if d.Orientation != nil {
		o = *d.Orientation
	}
	l, err := e.see(ctx, path, d.Type, o, "")
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d.Error = err.Error()
		return nil
	}
	d.Embedded = l.Embedded
	for _, x := range l.Embedded {
		d.warn(fmt.Sprintf("a motion photo: %d bytes of %s lie inside the file at byte %d; it may show and say more than the still", x.Size, x.Type, x.Offset))
	}
	if d.motion && len(l.Embedded) == 0 {
		d.warn("the metadata says that this is a motion photo, but no video lies in the file: it was cut off, or lies in a file of its own")
	}
	if l.Trailing > 64 && len(l.Embedded) == 0 {
		d.warn(fmt.Sprintf("%d bytes follow the end of the picture", l.Trailing))
	}
	if l.Width > 0 {
		if d.Dimensions == nil || !through[d.Type] {
			d.Dimensions = &Size{l.Width, l.Height}
		}
	}
	switch {
	case len(l.PDQ) > 0:
		d.PDQ, d.PHash, d.PDQQuality = &l.PDQ[0], &l.PHash, &l.Quality
		if l.Quality < 50 {
			d.warn("the picture has little structure: its hashes match anything and mean nothing")
		}
		if l.Problem != "" {
			d.warn(l.Problem)
		}
	case l.Problem != "":
		d.Error = l.Problem
	}
	if l.Thumb > 80 {
		d.warn(fmt.Sprintf("the embedded thumbnail differs from the picture (%d of 256 bits): the picture was changed after the thumbnail was made, or the other way round", l.Thumb))
	}
	if l.Libjpeg > 0 && d.Device != "" {
		d.warn(fmt.Sprintf("the quantisation tables are those of libjpeg at quality %d: a program may have written this file again after the camera", l.Libjpeg))
	}
	if d.Type == "image/jpeg" && d.Device == "" && len(d.Times) == 0 {
		d.warn("no camera data is left: messengers and platforms strip it, and so do people")
	}
	return nil
}

// telemetry adds the track inside a recording.
func (d *Description) telemetry(ctx context.Context, e *Env, path string) error {
	kind := ""
	switch {
	case d.Type == "video/mp4" || d.Type == "video/quicktime":
		kind = d.Type
	case d.Type == "application/octet-stream":
		kind = d.Type
	case d.Type == "application/x-subrip" || d.Type == "text/plain" && strings.EqualFold(filepath.Ext(path), ".srt"):
		kind = "text"
	default:
		return nil
	}
	if kind == "application/octet-stream" {
		f, err := os.Open(path)
		if err != nil {
			return nil
		}
		var head [4]byte
		_, err = f.Read(head[:])
		f.Close()
		if err != nil || string(head[:]) != "DEVC" {
			return nil
		}
	}
	var t telemetry
	if _, err := e.own(ctx, &t, tool.Cmd{Args: []string{"telemetry", path, kind}, Read: []string{path}}); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d.warn(err.Error())
		return nil
	}
	if t.Count == 0 && kind != "text" {
		t2, err := e.subtitleTelemetry(ctx, d, path)
		if err != nil {
			return err
		}
		if t2 != nil {
			t = *t2
		}
	}
	if t.Device != "" && d.Device == "" {
		d.Device = t.Device
	}
	if t.Damage != "" {
		d.warn("telemetry: " + t.Damage)
	}
	if t.Source == "DJI" && t.Count > 0 && t.Broken > 0 {
		d.warn(fmt.Sprintf("%d cues hold no readable position", t.Broken))
	}
	if t.Count == 0 {
		return nil
	}
	if kind != "video/mp4" && kind != "video/quicktime" && d.Type == "application/octet-stream" {
		d.Type, d.Media = "application/x-gpmf", "record"
	}
	d.Track, d.TrackCount = t.Fixes, t.Count
	f := t.Fixes[0]
	if d.GPS == nil {
		g := &GPS{Lat: f.Lat, Lon: f.Lon, Alt: f.Alt, Field: t.Source + " track, first position"}
		if f.ErrorM > 0 && f.ErrorM < 1000 {
			g.Error = &f.ErrorM
		}
		d.setGPS(g)
		if f.NoFix && d.GPS != nil {
			d.GPS.Doubt = "written while the receiver had no fix"
			d.warn("the first position of the track was written while the receiver had no fix")
		}
	}
	if f.Time != "" {
		zone := ""
		if strings.HasSuffix(f.Time, "Z") {
			zone = "UTC"
		}
		if st, ok := stamp(strings.TrimSuffix(f.Time, "Z"), zone, ""); ok {
			st.Meaning, st.Field = "first position of the track", t.Source
			if t.Source == "DJI" {
				st.Doubt = "the aircraft's clock, its zone is not stated"
			}
			d.Times = append(d.Times, st)
		}
	}
	return nil
}

// subtitleTelemetry takes the first subtitle track of a video and looks for a
// drone's telemetry in it; nil when there is none.
func (e *Env) subtitleTelemetry(ctx context.Context, d *Description, path string) (*telemetry, error) {
	m, _, err := e.Box.Probe(ctx, path)
	if err != nil {
		return nil, ctx.Err()
	}
	for _, s := range m.Streams {
		if s.Type != "subtitle" {
			continue
		}
		dir, remove, err := e.Box.Temp()
		if err != nil {
			return nil, err
		}
		defer remove()
		out := filepath.Join(dir, "sub.srt")
		args := append(tool.FFmpegArgs(path), "-map", fmt.Sprintf("0:%d", s.Index), "-f", "srt", out)
		if _, err := e.Box.Run(ctx, tool.Cmd{Program: "ffmpeg", Args: args, Read: []string{path}, Dir: dir}); err != nil {
			return nil, ctx.Err()
		}
		var t telemetry
		if _, err := e.own(ctx, &t, tool.Cmd{Args: []string{"telemetry", out, "text"}, Read: []string{out}}); err == nil && t.Count > 0 {
			return &t, nil
		}
	}
	return nil, nil
}

// finish looks over everything for doubts.
func (d *Description) finish(r *reading) {
	for i := range d.Times {
		t := &d.Times[i]
		at, err := time.Parse("2006-01-02T15:04:05", t.Value[:min(19, len(t.Value))])
		if err != nil {
			continue
		}
		if why := r.doubtful(when.At(when.FromTime(at))); why != "" {
			t.Doubt = why
			d.warn(t.Field + " (" + t.Written + ") " + why)
		}
	}
	for _, a := range d.Times {
		for _, b := range d.Times {
			if a.Meaning == "exposure" && b.Meaning == "satellite fix" && a.Doubt == "" {
				x, err1 := time.Parse("2006-01-02T15:04:05", a.Value[:min(19, len(a.Value))])
				y, err2 := time.Parse("2006-01-02T15:04:05", b.Value[:min(19, len(b.Value))])
				if err1 == nil && err2 == nil && x.Sub(y).Abs() > 26*time.Hour {
					d.warn("the camera's clock and the satellite time differ by more than a day: one of the two is wrong, or the fix is old")
				}
			}
		}
	}
	low := strings.ToLower(d.Software)
	for _, e := range editors {
		if strings.Contains(low, e) {
			d.warn("written by " + d.Software + ": this program rewrites files, so times and positions may be its own, not the camera's")
			break
		}
	}
	if d.Dimensions != nil {
		u := *d.Dimensions
		if d.Orientation != nil && *d.Orientation >= 5 {
			u.Width, u.Height = u.Height, u.Width
		}
		d.Upright = &u
	}
}

// see runs the worker's look at a picture; kinds that Go does not decode are
// made into a PNG first.
func (e *Env) see(ctx context.Context, path, typ string, orientation int, dir string) (*look, error) {
	call := func(in, typ string, o int) (*look, error) {
		var l look
		args := []string{"look", in, typ, strconv.Itoa(o)}
		if dir != "" {
			args = append(args, dir)
		}
		_, err := e.own(ctx, &l, tool.Cmd{Args: args, Read: []string{in}, Dir: dir})
		if err != nil {
			return nil, err
		}
		return &l, nil
	}
	l, err := call(path, typ, orientation)
	if err != nil || !through[typ] {
		return l, err
	}
	_, png, err := e.still(ctx, &sightline.Item{Type: typ}, path)
	if err != nil {
		l.Problem = err.Error()
		return l, nil
	}
	defer removeFile(png)
	p, err := call(png, "image/png", 1)
	if err != nil {
		return nil, err
	}
	p.Embedded, p.Trailing = l.Embedded, 0
	if l.Problem != "" && !strings.Contains(l.Problem, "cannot be shown") && p.Problem == "" {
		p.Problem = l.Problem
	}
	return p, nil
}
