package publish

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"math"
	"strings"
	"time"

	"sightline"
	"sightline/when"
)

// The exports of this file and its neighbours are made from the public
// document, so nothing in them was not cleared. Each is deterministic.

// neutral makes a text from outside harmless wherever it is shown: control
// characters and the marks that turn the direction of writing (UAX #9), with
// which a name can be made to read as another, become visible.
func neutral(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < 0x20 || r >= 0x7F && r < 0xA0 || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0x200E || r == 0x200F || r == 0x061C || r == 0xFEFF || r == 0xFFFE || r == 0xFFFF:
			return '\u25a1'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

func neutralText(t sightline.Text) sightline.Text {
	out := sightline.Text{}
	for l, s := range t {
		out[l] = neutral(s)
	}
	return out
}

// in gives a text in a language, else in the first of the case that has it.
func in(d *sightline.Document, t sightline.Text, lang string) string {
	return neutral(t.In(lang, d.Case.Languages...))
}

func iso(t *when.Instant) string {
	if t == nil {
		return ""
	}
	return t.Time().UTC().Format(time.RFC3339)
}

// GeoJSON writes the places of the public items as RFC 7946: longitude first,
// WGS 84, a null geometry where a place has no coordinate.
func GeoJSON(d *sightline.Document, w io.Writer) error { return indented(w, geoJSON(d)) }

func indented(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(v)
}

type kmlTime struct {
	Begin string `xml:"begin,omitempty"`
	End   string `xml:"end,omitempty"`
}

type kmlPoint struct {
	Coordinates string `xml:"coordinates"`
}

type kmlCamera struct {
	Longitude, Latitude, Altitude, Heading, Tilt, Roll string
}

// MarshalXML writes the elements in the order that the schema asks for.
func (c *kmlCamera) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for _, f := range [][2]string{{"longitude", c.Longitude}, {"latitude", c.Latitude}, {"altitude", c.Altitude}, {"heading", c.Heading}, {"tilt", c.Tilt}, {"roll", c.Roll}, {"altitudeMode", "absolute"}} {
		if err := e.EncodeElement(f[1], xml.StartElement{Name: xml.Name{Local: f[0]}}); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

type kmlData struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value"`
}

type kmlPlacemark struct {
	ID          string     `xml:"id,attr,omitempty"`
	Name        string     `xml:"name"`
	Description string     `xml:"description,omitempty"`
	Camera      *kmlCamera `xml:"Camera,omitempty"`
	Time        *kmlTime   `xml:"TimeSpan,omitempty"`
	Data        []kmlData  `xml:"ExtendedData>Data,omitempty"`
	Point       *kmlPoint  `xml:"Point,omitempty"`
}

// KML writes the places of the public items as OGC KML 2.2. A solved camera of
// known height becomes a Camera element, so that Google Earth stands where the
// photographer stood. A place that is blurred or known to a radius says so in
// its words, because KML has no element for doubt.
func KML(d *sightline.Document, lang string, w io.Writer) error {
	type document struct {
		Name        string         `xml:"name"`
		Description string         `xml:"description,omitempty"`
		Placemarks  []kmlPlacemark `xml:"Placemark"`
	}
	doc := document{Name: in(d, d.Case.Title, lang), Description: html.EscapeString(in(d, d.Case.Summary, lang))}
	if d.Case.Exercise {
		doc.Name = "EXERCISE / EJERCICIO: " + doc.Name
	}
	for _, it := range d.Items {
		for n, p := range it.Places {
			if p.Geo == nil {
				continue
			}
			pm := kmlPlacemark{ID: it.ID, Name: it.ID + " " + in(d, it.Title, lang), Point: &kmlPoint{fmt.Sprintf("%.6f,%.6f", p.Geo.Lon, p.Geo.Lat)}}
			if n > 0 {
				pm.ID = fmt.Sprintf("%s.place%d", it.ID, n+1)
			}
			// A description is read as HTML by viewers: text in it is escaped twice, here and as XML.
			parts := []string{in(d, it.Seen, lang), in(d, p.Label, lang), in(d, p.Basis, lang)}
			if p.Approx || p.FuzzM > 0 {
				parts = append(parts, map[bool]string{true: "Lugar aproximado.", false: "Approximate place."}[lang == "es"])
			}
			if p.RadiusM > 0 {
				parts = append(parts, fmt.Sprintf("± %.0f m (95 %%)", p.RadiusM))
			}
			var kept []string
			for _, s := range parts {
				if s != "" {
					kept = append(kept, html.EscapeString(s))
				}
			}
			pm.Description = strings.Join(kept, "<br>")
			if len(it.Times) > 0 && (it.Times[0].Min != nil || it.Times[0].Max != nil) {
				pm.Time = &kmlTime{iso(it.Times[0].Min), iso(it.Times[0].Max)}
			}
			for _, x := range []kmlData{{"evidence_id", it.ID}, {"role", p.Role}, {"status", p.Status}, {"perspective", it.Source.Perspective}, {"sha256", it.SHA256}} {
				if x.Value != "" {
					pm.Data = append(pm.Data, kmlData{x.Name, neutral(x.Value)})
				}
			}
			if p.Camera != nil && p.Camera.Solved && p.Geo.H != nil {
				h, t, r := angles(p.Camera.Rotation)
				pm.Camera = &kmlCamera{fmt.Sprintf("%.7f", p.Geo.Lon), fmt.Sprintf("%.7f", p.Geo.Lat), fmt.Sprintf("%.2f", *p.Geo.H), fmt.Sprintf("%.3f", h), fmt.Sprintf("%.3f", t), fmt.Sprintf("%.3f", r)}
			}
			doc.Placemarks = append(doc.Placemarks, pm)
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", " ")
	root := struct {
		XMLName  xml.Name `xml:"kml"`
		NS       string   `xml:"xmlns,attr"`
		Document document `xml:"Document"`
	}{NS: "http://www.opengis.net/kml/2.2", Document: doc}
	if err := enc.Encode(root); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// angles turns a rotation [w,x,y,z] from the scene (east, north, up) to the
// camera (right, down, forward) into those of KML's Camera, in degrees:
// heading clockwise from north, tilt from straight down (90 is level), roll
// about the line of sight, positive when the camera's right side is raised.
func angles(q [4]float64) (heading, tilt, roll float64) {
	axis := func(v [3]float64) [3]float64 { // of the camera, in the scene: the inverse rotation
		w, x, y, z := q[0], -q[1], -q[2], -q[3]
		tx, ty, tz := 2*(y*v[2]-z*v[1]), 2*(z*v[0]-x*v[2]), 2*(x*v[1]-y*v[0])
		return [3]float64{v[0] + w*tx + y*tz - z*ty, v[1] + w*ty + z*tx - x*tz, v[2] + w*tz + x*ty - y*tx}
	}
	const deg = 180 / math.Pi
	f, right, up := axis([3]float64{0, 0, 1}), axis([3]float64{1, 0, 0}), axis([3]float64{0, -1, 0})
	flat := math.Hypot(f[0], f[1])
	tilt = 90 + math.Atan2(f[2], flat)*deg
	if flat < 1e-9 { // straight down or up: the top of the picture gives the heading
		s := 1.0
		if f[2] > 0 {
			s = -1
		}
		return math.Mod(math.Atan2(s*up[0], s*up[1])*deg+360, 360), tilt, 0
	}
	heading = math.Mod(math.Atan2(f[0], f[1])*deg+360, 360)
	level := [3]float64{f[1] / flat, -f[0] / flat, 0}
	over := [3]float64{level[1]*f[2] - level[2]*f[1], level[2]*f[0] - level[0]*f[2], level[0]*f[1] - level[1]*f[0]}
	dot := func(a, b [3]float64) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }
	roll = math.Atan2(dot(right, over), dot(right, level)) * deg
	return heading, tilt, roll
}

// TimeMap writes the events, sources and associations that TimeMap of Forensic
// Architecture reads. It holds one date and one place for each event, so the
// interval stands in the words; an item without a place has no coordinate.
func TimeMap(d *sightline.Document, lang string, w io.Writer) error {
	loc, err := time.LoadLocation(d.Case.Zone)
	if err != nil {
		loc = time.UTC
	}
	type event struct {
		ID           string   `json:"id"`
		Description  string   `json:"description"`
		Date         string   `json:"date"`
		Time         string   `json:"time"`
		Precision    string   `json:"time_precision"`
		Location     string   `json:"location"`
		Latitude     string   `json:"latitude"`
		Longitude    string   `json:"longitude"`
		Type         string   `json:"type"`
		Category     string   `json:"category"`
		CategoryFull string   `json:"category_full"`
		Associations []string `json:"associations"`
		Sources      []string `json:"sources"`
		Comments     string   `json:"comments"`
		TimeDisplay  string   `json:"time_display"`
	}
	type source struct {
		ID          string   `json:"id"`
		Title       string   `json:"title"`
		Thumbnail   string   `json:"thumbnail"`
		Paths       []string `json:"paths"`
		Type        string   `json:"type"`
		URL         string   `json:"url"`
		Description string   `json:"description"`
		Author      string   `json:"author"`
		Date        string   `json:"date"`
	}
	type association struct {
		ID     string   `json:"id"`
		Title  string   `json:"title"`
		Desc   string   `json:"desc"`
		Mode   string   `json:"mode"`
		Filter []string `json:"filter_paths,omitempty"`
	}
	out := struct {
		Events       []event       `json:"events"`
		Sources      []source      `json:"sources"`
		Associations []association `json:"associations"`
	}{[]event{}, []source{}, []association{}}
	files := map[string][]*sightline.Derivative{}
	for _, x := range d.Derivatives {
		files[x.Item] = append(files[x.Item], x)
	}
	category := map[string]string{}
	for _, a := range d.Accounts {
		category[a.ID] = in(d, a.Title, lang)
		out.Associations = append(out.Associations, association{a.ID, in(d, a.Title, lang), in(d, a.Note, lang), "CATEGORY", nil})
	}
	for _, p := range d.Case.Phases {
		out.Associations = append(out.Associations, association{"phase-" + p.ID, in(d, p.Title, lang), "", "FILTER", []string{in(d, p.Title, lang)}})
	}
	for _, it := range d.Items {
		e := event{ID: it.ID, Description: in(d, it.Title, lang) + ". " + in(d, it.Seen, lang), Type: it.Media, Category: category[it.Lane], CategoryFull: category[it.Lane], Associations: []string{}, Sources: []string{it.ID}}
		if it.Phase != "" {
			e.Associations = append(e.Associations, "phase-"+it.Phase)
		}
		if it.Lane != "" {
			e.Associations = append(e.Associations, it.Lane)
		}
		if len(it.Times) > 0 && (it.Times[0].Min != nil || it.Times[0].Max != nil) {
			t := it.Times[0]
			at := t.Min
			if at == nil {
				at = t.Max
			}
			local := at.Time().In(loc)
			e.Date, e.Precision = local.Format("01/02/2006"), t.Precision
			if t.Precision != "day" {
				e.Time = local.Format("15:04:05")
			}
			e.TimeDisplay = when.Format(t.Interval, when.Display{Zone: d.Case.Zone, Lang: lang, Day: true, Approx: t.Precision == "about" || t.Precision == "estimate"})
		}
		for _, p := range it.Places {
			if e.Location == "" {
				e.Location = in(d, p.Label, lang)
			}
			if p.Geo != nil {
				e.Latitude, e.Longitude = fmt.Sprintf("%.5f", p.Geo.Lat), fmt.Sprintf("%.5f", p.Geo.Lon)
				break
			}
		}
		out.Events = append(out.Events, e)
		s := source{ID: it.ID, Title: in(d, it.Title, lang), Type: it.Media, URL: webAddress(it.Source.URL), Description: in(d, it.Seen, lang), Author: in(d, it.Source.Name, lang), Date: e.Date, Paths: []string{}}
		for _, x := range files[it.ID] {
			switch x.Role {
			case "thumb":
				if it.Sensitivity != "graphic" {
					s.Thumbnail = mediaPath(x)
				}
			case "preview", "proxy":
				if it.Sensitivity != "graphic" {
					s.Paths = append(s.Paths, mediaPath(x))
				}
			}
		}
		out.Sources = append(out.Sources, s)
	}
	return indented(w, out)
}
