package identify

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sightline"
	"sightline/tool"
	"sightline/when"
)

// reading collects what a file says, whoever read it, and turns it into facts
// and hypotheses.
type reading struct {
	it    *sightline.Item
	zone  string // of the case, for clocks without one
	now   time.Time
	tags  map[string]string // name without group, first wins
	facts []sightline.Fact
	seen  map[string]bool
	by    string // tool that gave the values
}

func newReading(it *sightline.Item, zone string, now time.Time) *reading {
	return &reading{it: it, zone: zone, now: now, tags: map[string]string{}, seen: map[string]bool{}}
}

const maxFacts = 600

// add keeps one value as a fact.
func (r *reading) add(by, name, value string) {
	value = clean(value)
	if value == "" || r.seen[name] {
		return
	}
	r.seen[name] = true
	_, base, ok := strings.Cut(name, ":")
	if !ok {
		base = name
	}
	if _, have := r.tags[base]; !have {
		r.tags[base] = value
	}
	r.by = by
	if len(r.facts) < maxFacts {
		r.facts = append(r.facts, sightline.Fact{Field: name, Value: value, Tool: by})
	}
}

// doubt marks the facts of a tag, whatever their group.
func (r *reading) doubt(base, why string) {
	for i := range r.facts {
		_, b, _ := strings.Cut(r.facts[i].Field, ":")
		if b == base && r.facts[i].Doubt == "" {
			r.facts[i].Doubt = why
		}
	}
}

func (r *reading) get(names ...string) string {
	for _, n := range names {
		if v := strings.TrimSpace(r.tags[n]); v != "" {
			return v
		}
	}
	return ""
}

func (r *reading) num(names ...string) (float64, bool) {
	for _, n := range names {
		v := strings.TrimSpace(r.tags[n])
		if v == "" {
			continue
		}
		if a, b, ok := strings.Cut(v, "/"); ok {
			x, err1 := strconv.ParseFloat(a, 64)
			y, err2 := strconv.ParseFloat(b, 64)
			if err1 == nil && err2 == nil && y != 0 {
				return x / y, true
			}
			continue
		}
		if x, err := strconv.ParseFloat(v, 64); err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) {
			return x, true
		}
	}
	return 0, false
}

// doubtful says why a time should not be relied on, or "".
func (r *reading) doubtful(iv when.Interval) string {
	if iv.Min == nil {
		return ""
	}
	t := iv.Min.Time()
	switch {
	case t.After(r.now.Add(26 * time.Hour)):
		return fmt.Sprintf("lies in the future (%d): the clock was wrong or the value was written by hand", t.Year())
	case t.Year() < 1990:
		return fmt.Sprintf("lies before there were digital cameras (%d): the clock was not set", t.Year())
	case (t.Month() == 1 && t.Day() == 1 || t.Month() == 12 && t.Day() == 31) && (t.Year() == 2000 || t.Year() == 2001 || t.Year() == 2010 || t.Year() == 2015 || t.Year() == 1999):
		return "a date that clocks show after a reset: the clock was probably not set"
	}
	return ""
}

// hypothesis makes a time of a written value, or notes why not.
func (r *reading) hypothesis(base, kind, value, offset, subsec, en, es string) []sightline.Time {
	if value == "" {
		return nil
	}
	w := when.Written{Kind: kind, Value: value, Zone: r.zone, Offset: offset, Subsec: subsec}
	read, err := when.Parse(w)
	if err == nil && read.Status == when.StatusInvalid && offset != "" {
		w.Offset = ""
		read, err = when.Parse(w)
		r.doubt(base, "the stated offset "+offset+" is not one")
		offset = ""
	}
	if err != nil {
		return nil
	}
	switch read.Status {
	case when.StatusOK, when.StatusFold:
	case when.StatusAbsent:
		r.doubt(base, "holds no time")
		return nil
	case when.StatusGap:
		r.doubt(base, "clocks in "+r.zone+" never showed this time: the clock was set to another zone")
		return nil
	default:
		r.doubt(base, "is not a time that can be read")
		return nil
	}
	var out []sightline.Time
	for _, h := range read.Hypotheses {
		if why := r.doubtful(h.Interval); why != "" {
			r.doubt(base, why)
			continue
		}
		t := sightline.Time{Interval: h.Interval, Printed: strings.TrimSpace(value + " " + offset), Precision: "derived", Status: "claimed", Zone: r.zone}
		basisEN, basisES := en, es
		switch h.Basis {
		case when.BasisOffset, when.BasisUTC:
			basisEN += ", offset stated in the file"
			basisES += ", con desfase indicado en el archivo"
			if kind == "quicktime" {
				basisEN, basisES = en+", read as UTC as the standard says", es+", leído como UTC según la norma"
			}
		default:
			basisEN += ", no zone stated: read in the zone of the case"
			basisES += ", sin zona indicada: leído en la zona del caso"
		}
		t.Basis = sightline.Text{"en": basisEN + "; the device's clock may be wrong", "es": basisES + "; el reloj del aparato puede estar mal"}
		out = append(out, t)
	}
	return out
}

var gpsDate = regexp.MustCompile(`^(\d{4})[:-](\d{1,2})[:-](\d{1,2})$`)

// times gives the hypotheses, the most trustworthy first.
func (r *reading) times() []sightline.Time {
	var out []sightline.Time
	offset := r.get("OffsetTimeOriginal", "OffsetTime", "OffsetTimeDigitized")
	subsec := r.get("SubSecTimeOriginal", "SubsecTimeOriginal", "SubSecTime", "SubsecTime")
	shot := r.hypothesis("DateTimeOriginal", "exif", r.get("DateTimeOriginal"), offset, subsec, "time of exposure by the camera", "hora de la toma según la cámara")
	var gps []sightline.Time
	if m := gpsDate.FindStringSubmatch(r.get("GPSDateStamp")); m != nil {
		if hms := clockOf(r.get("GPSTimeStamp")); hms != "" {
			y, _ := strconv.Atoi(m[1])
			mo, _ := strconv.Atoi(m[2])
			d, _ := strconv.Atoi(m[3])
			v := fmt.Sprintf("%04d-%02d-%02dT%sZ", y, mo, d, hms)
			gps = r.hypothesis("GPSDateStamp", "rfc3339", v, "", "", "time of the last satellite fix", "hora de la última posición por satélite")
		}
	}
	if len(shot) > 0 && len(gps) > 0 && !r.near(shot[0], gps[0], 26*time.Hour) {
		r.doubt("GPSDateStamp", "differs from the camera's clock by more than a day: one of the two is wrong, or the fix is old")
	}
	switch {
	case offset != "":
		out = append(append(out, shot...), gps...)
	default:
		out = append(append(out, gps...), shot...)
	}
	if v := r.get("CreationDate", "com.apple.quicktime.creationdate"); v != "" {
		out = append(out, r.hypothesis("CreationDate", "rfc3339", isoZone(v), "", "", "creation date by the phone", "fecha de creación según el teléfono")...)
	}
	if v := r.get("creation_time"); v != "" {
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			const from1904 = 2082844800
			if s := t.Unix() + from1904; s > 0 {
				out = append(out, r.hypothesis("creation_time", "quicktime", strconv.FormatInt(s, 10), "", "", "creation time of the video file", "fecha de creación del archivo de video")...)
			}
		}
	}
	if len(shot) == 0 {
		out = append(out, r.hypothesis("CreateDate", "exif", r.exifDate("CreateDate", "DateTimeDigitized"), offset, "", "time of digitisation by the camera", "hora de digitalización según la cámara")...)
	}
	if len(out) == 0 {
		out = append(out, r.hypothesis("ModifyDate", "exif", r.exifDate("ModifyDate", "DateTime"), offset, "", "time of the last change by a program", "hora del último cambio según un programa")...)
	}
	if read, err := when.Parse(when.Written{Kind: "filename", Value: r.it.Name, Zone: r.zone}); err == nil && read.Status == when.StatusOK {
		for _, h := range read.Hypotheses {
			if r.doubtful(h.Interval) == "" {
				out = append(out, sightline.Time{Interval: h.Interval, Printed: r.it.Name, Precision: "derived", Status: "claimed", Zone: r.zone, Basis: sightline.Text{
					"en": "the file's name; anyone can rename a file", "es": "el nombre del archivo; cualquiera puede cambiarlo"}})
			}
		}
	}
	// The same interval from two fields is one hypothesis.
	uniq := out[:0:0]
	for _, t := range out {
		dup := false
		for _, u := range uniq {
			dup = dup || u.Interval.Equal(t.Interval)
		}
		if !dup && len(uniq) < 8 {
			uniq = append(uniq, t)
		}
	}
	return uniq
}

func (r *reading) exifDate(names ...string) string {
	v := r.get(names...)
	if len(v) > 19 { // exiftool appends zone or fraction to some
		v = v[:19]
	}
	return v
}

func (r *reading) near(a, b sightline.Time, d time.Duration) bool {
	return a.Min != nil && b.Min != nil && a.Min.Time().Sub(b.Min.Time()).Abs() <= d
}

// clockOf reads "9:7:12", "9 7 12.5" or "9/1 7/1 12/1" as hh:mm:ss[.f].
func clockOf(v string) string {
	p := strings.FieldsFunc(v, func(c rune) bool { return c == ':' || c == ' ' || c == ',' })
	if len(p) != 3 {
		return ""
	}
	var x [3]float64
	for i, s := range p {
		a, b, frac := strings.Cut(s, "/")
		n, err := strconv.ParseFloat(a, 64)
		if err != nil {
			return ""
		}
		if frac {
			d, err := strconv.ParseFloat(b, 64)
			if err != nil || d == 0 {
				return ""
			}
			n /= d
		}
		x[i] = n
	}
	if x[0] < 0 || x[0] >= 24 || x[1] < 0 || x[1] >= 60 || x[2] < 0 || x[2] >= 60 {
		return ""
	}
	return fmt.Sprintf("%02d:%02d:%02d", int(x[0]), int(x[1]), int(x[2]))
}

var looseDate = regexp.MustCompile(`^(\d{4})[:-](\d{2})[:-](\d{2})[ T](\d{2}:\d{2}:\d{2}(?:\.\d+)?)\s*(Z|[+-]\d{2}):?(\d{2})?$`)

// isoZone writes Apple's and exiftool's forms of a time with offset as RFC 3339.
func isoZone(v string) string {
	m := looseDate.FindStringSubmatch(strings.TrimSpace(v))
	if m == nil {
		return v
	}
	s := m[1] + "-" + m[2] + "-" + m[3] + "T" + m[4] + m[5]
	if m[5] != "Z" {
		minutes := m[6]
		if minutes == "" {
			minutes = "00"
		}
		s += ":" + minutes
	}
	return s
}

// place is the position that the file claims, or nil.
func (r *reading) place() *sightline.Place {
	lat, okLat := r.num("GPSLatitude")
	lon, okLon := r.num("GPSLongitude")
	var h *float64
	if !okLat || !okLon {
		var alt *float64
		la, lo, al, ok := iso6709(r.get("location", "com.apple.quicktime.location.ISO6709", "location-eng"))
		if !ok {
			return nil
		}
		lat, lon, alt = la, lo, al
		h = alt
	} else {
		if strings.HasPrefix(strings.ToUpper(r.get("GPSLatitudeRef")), "S") && lat > 0 {
			lat = -lat
		}
		if strings.HasPrefix(strings.ToUpper(r.get("GPSLongitudeRef")), "W") && lon > 0 {
			lon = -lon
		}
		if a, ok := r.num("GPSAltitude"); ok {
			if ref := r.get("GPSAltitudeRef"); a > 0 && (ref == "1" || strings.HasPrefix(strings.ToLower(ref), "below")) {
				a = -a
			}
			if math.Abs(a) < 20000 {
				h = &a
			} else {
				r.doubt("GPSAltitude", "is not a height on Earth")
			}
		}
	}
	field := func(why string) {
		r.doubt("GPSLatitude", why)
		r.doubt("GPSLongitude", why)
		r.doubt("location", why)
	}
	switch {
	case math.Abs(lat) > 90 || math.Abs(lon) > 180:
		field("is not a place on Earth")
		return nil
	case lat == 0 && lon == 0:
		field("0, 0 is what programs write when they know no place")
		return nil
	}
	p := &sightline.Place{
		Role: "camera", Form: "point", Status: "claimed", Geo: &sightline.Geo{Lat: lat, Lon: lon, H: h, Datum: "unknown"},
		Basis: sightline.Text{
			"en": "position written into the file by the device; it may be old, rounded or edited, and what its height is measured from is not stated",
			"es": "posición escrita en el archivo por el aparato; puede ser vieja, redondeada o editada, y no se indica desde dónde se mide su altura"},
	}
	if d := r.get("GPSMapDatum"); d != "" && !strings.Contains(strings.ToUpper(strings.ReplaceAll(strings.ReplaceAll(d, "-", ""), " ", "")), "WGS84") {
		r.doubt("GPSMapDatum", "not WGS 84: the position may be off by hundreds of metres")
		p.Approx = true
	}
	if e, ok := r.num("GPSHPositioningError"); ok && e > 0 && e < 1e6 {
		// Devices state a radius that holds about two fixes of three; for two
		// independent axes the 95 % radius is 1.62 times that.
		p.RadiusM = math.Round(e*1.62*10) / 10
		p.Basis["en"] += fmt.Sprintf("; the device states an error of %.3g m, drawn 1.62 times as wide as a 95 %% radius", e)
		p.Basis["es"] += fmt.Sprintf("; el aparato indica un error de %.3g m, dibujado 1,62 veces más ancho como radio del 95 %%", e)
	}
	return p
}

var iso6709RE = regexp.MustCompile(`^([+-]\d{1,2}(?:\.\d+)?)([+-]\d{1,3}(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?(?:CRS[^/]*)?/?$`)

// iso6709 reads the decimal-degree form of ISO 6709, "+10.4633-067.0794+1950/".
func iso6709(s string) (lat, lon float64, h *float64, ok bool) {
	m := iso6709RE.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, 0, nil, false
	}
	lat, _ = strconv.ParseFloat(m[1], 64)
	lon, _ = strconv.ParseFloat(m[2], 64)
	if m[3] != "" {
		x, err := strconv.ParseFloat(m[3], 64)
		if err == nil {
			h = &x
		}
	}
	return lat, lon, h, true
}

var editors = []string{"photoshop", "lightroom", "gimp", "snapseed", "picasa", "instagram", "facetune", "affinity", "premiere", "final cut", "handbrake", "lavf", "whatsapp"}

// apply writes what was read into the item. What a person has entered is never
// overwritten: only facts of metadata are replaced.
func (r *reading) apply(it *sightline.Item) {
	if sw := r.get("Software", "CreatorTool", "encoder", "Encoder"); sw != "" {
		for _, e := range editors {
			if strings.Contains(strings.ToLower(sw), e) {
				for _, f := range []string{"Software", "CreatorTool", "encoder", "Encoder"} {
					r.doubt(f, "this program rewrites files: times and positions may be its own, not the camera's")
				}
			}
		}
	}
	times, place := r.times(), r.place()
	kept := it.Facts[:0:0]
	for _, f := range it.Facts {
		if outlives(f) {
			kept = append(kept, f)
		}
	}
	it.Facts = factsInOrder(append(kept, r.facts...))
	if len(it.Times) == 0 && len(times) > 0 {
		it.Times = times
		if it.Axes.Time.Status == "" || it.Axes.Time.Status == "none" {
			it.Axes.Time.Status = "claimed"
		}
	}
	if len(it.Places) == 0 && place != nil {
		it.Places = []sightline.Place{*place}
		if it.Axes.Place.Status == "" || it.Axes.Place.Status == "none" {
			it.Axes.Place.Status = "claimed"
		}
	}
	if it.Device == "" {
		it.Device = strings.TrimSpace(r.get("Make", "com.apple.quicktime.make", "com.android.manufacturer") + " " + r.get("Model", "com.apple.quicktime.model", "com.android.model"))
	}
	if o, ok := r.num("Orientation"); ok && o >= 1 && o <= 8 && o == math.Trunc(o) {
		it.Orientation = int(o)
	}
}

// outlives says of a fact that it does not come from the metadata of the bytes
// and stays when they are read again.
func outlives(f sightline.Fact) bool {
	return strings.HasPrefix(f.Field, "File:") || strings.HasPrefix(f.Field, "Capture:") || strings.HasPrefix(f.Field, likePrefix) || f.Tool == "table"
}

// size sets the item's size in pixels from the stored size and orientation.
func size(it *sightline.Item, w, h int) {
	if w <= 0 || h <= 0 || w > 1<<20 || h > 1<<20 {
		return
	}
	if it.Orientation >= 5 {
		w, h = h, w
	}
	it.Width, it.Height = w, h
}

// media keeps what ffprobe says.
func (r *reading) media(m *tool.MediaInfo, by string, it *sightline.Item) {
	for _, k := range sorted(m.Format.Tags) {
		r.add(by, "Format:"+k, m.Format.Tags[k])
	}
	r.add(by, "Format:format_name", m.Format.Name)
	r.add(by, "Format:bit_rate", m.Format.BitRate)
	if d, err := strconv.ParseFloat(m.Format.Duration, 64); err == nil && d > 0 && d < 1e7 {
		it.DurationMS = int64(math.Round(d * 1000))
		r.add(by, "Format:duration", m.Format.Duration)
	}
	pictures, sounds := 0, 0
	for _, s := range m.Streams {
		g := fmt.Sprintf("Stream%d", s.Index)
		r.add(by, g+":codec_type", s.Type)
		r.add(by, g+":codec_name", s.Codec)
		switch s.Type {
		case "video":
			if s.Disposition["attached_pic"] == 1 {
				continue
			}
			pictures++
			r.add(by, g+":frame_rate", s.FrameRate)
			r.add(by, g+":pix_fmt", s.PixFmt)
			r.add(by, g+":frames", s.Frames)
			w, h := s.Width, s.Height
			for _, sd := range s.SideData {
				if q := math.Abs(math.Mod(sd.Rotation, 180)); sd.Rotation != 0 {
					r.add(by, g+":rotation", strconv.FormatFloat(sd.Rotation, 'g', -1, 64))
					if q == 90 {
						w, h = h, w
					}
				}
			}
			if pictures == 1 && w > 0 && h > 0 {
				it.Width, it.Height = w, h
			}
		case "audio":
			sounds++
			r.add(by, g+":sample_rate", s.SampleRate)
			r.add(by, g+":channels", strconv.Itoa(s.Channels))
		}
		for _, k := range sorted(s.Tags) {
			r.add(by, g+":"+k, s.Tags[k])
		}
	}
	// The container's family does not say whether there is a picture in it.
	switch {
	case it.Media == "video" && pictures == 0 && sounds > 0:
		it.Media = "audio"
	case it.Media == "audio" && pictures > 0 && sounds == 0:
		it.Media = "video"
	}
}

// factsInOrder puts facts into an order that does not tell which of several
// jobs came first: what was said when the item was taken in, then which other
// items it is like, by their ids, then what its own metadata say.
func factsInOrder(facts []sightline.Fact) []sightline.Fact {
	var taken, like, own []sightline.Fact
	for _, f := range facts {
		switch {
		case strings.HasPrefix(f.Field, likePrefix):
			like = append(like, f)
		case outlives(f):
			taken = append(taken, f)
		default:
			own = append(own, f)
		}
	}
	slices.SortStableFunc(like, func(a, b sightline.Fact) int {
		return cmp.Or(sightline.CompareIDs(strings.TrimPrefix(a.Field, likePrefix), strings.TrimPrefix(b.Field, likePrefix)), strings.Compare(a.Tool, b.Tool))
	})
	return slices.Concat(taken, like, own)
}
