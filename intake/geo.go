package intake

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// readGeoJSON reads features. Coordinates are longitude first, as RFC 7946
// says; a pair that can only be the other way round is named, not turned.
func readGeoJSON(s *source, im *Imported, o ImportOptions) error {
	type geometry struct {
		Type        string            `json:"type"`
		Coordinates json.RawMessage   `json:"coordinates"`
		Geometries  []json.RawMessage `json:"geometries"`
	}
	type feature struct {
		Type       string                     `json:"type"`
		ID         json.RawMessage            `json:"id"`
		Geometry   *geometry                  `json:"geometry"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	var doc struct {
		Type     string            `json:"type"`
		Features []json.RawMessage `json:"features"`
		CRS      json.RawMessage   `json:"crs"`
	}
	raw := []byte(s.text)
	if err := json.Unmarshal(raw, &doc); err != nil {
		return errors.New("this is not GeoJSON: " + jsonFault(raw, err))
	}
	switch doc.Type {
	case "FeatureCollection":
	case "Feature":
		doc.Features = []json.RawMessage{raw}
	case "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection":
		doc.Features = []json.RawMessage{append(append([]byte(`{"type":"Feature","properties":{},"geometry":`), raw...), '}')}
	default:
		return fmt.Errorf("this is not GeoJSON: its type is %q", doc.Type)
	}
	if len(doc.CRS) > 0 && !bytes.Contains(doc.CRS, []byte("CRS84")) && string(doc.CRS) != "null" {
		return errors.New("the file states a coordinate system of its own; GeoJSON is WGS 84 (RFC 7946): convert it first")
	}
	for i, raw := range doc.Features {
		var f feature
		if err := json.Unmarshal(raw, &f); err != nil {
			bad(im, i+1, "", "", "the feature is not readable: "+jsonFault(raw, err))
			continue
		}
		r := Record{Number: i + 1, ID: strings.Trim(string(f.ID), `"`), Kind: "place", Fields: map[string]string{}}
		if r.ID == "null" {
			r.ID = ""
		}
		if f.Geometry != nil {
			p, err := place(f.Geometry.Type, f.Geometry.Coordinates)
			if err != nil {
				bad(im, i+1, "geometry", "", err.Error())
				continue
			}
			r.Place = p
		} else {
			r.Warnings = append(r.Warnings, "the feature has no place")
		}
		properties(&r, f.Properties, o)
		im.Records = append(im.Records, r)
	}
	return nil
}

// properties sorts named values into the record by the names that maps use.
func properties(r *Record, m map[string]json.RawMessage, o ImportOptions) {
	for _, k := range sortedKeys(m) {
		v := jsonText(m[k])
		if v == "" {
			continue
		}
		switch strings.ToLower(k) {
		case "name", "title":
			if r.Title == "" {
				r.Title = v
				continue
			}
		case "description", "desc", "text":
			if r.Text == "" {
				r.Text = v
				continue
			}
		case "url", "link", "source_url":
			if r.URL == "" {
				r.URL = v
				continue
			}
		case "id", "_id":
			if r.ID == "" {
				r.ID = v
				continue
			}
		case "date", "time", "datetime", "timestamp", "begin", "start":
			if r.Time == nil {
				if r.Time = anyTime(v, o); r.Time != nil {
					continue
				}
			}
		}
		r.Fields[k] = v
	}
}

// jsonText is a value as text: strings bare, everything else as JSON.
func jsonText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if v := string(raw); v != "null" {
		return v
	}
	return ""
}

func place(typ string, raw json.RawMessage) (*RecordPlace, error) {
	check := func(c []float64) error {
		if len(c) < 2 {
			return errors.New("a position needs longitude and latitude")
		}
		if c[0] < -180 || c[0] > 180 || c[1] < -90 || c[1] > 90 {
			if c[0] >= -90 && c[0] <= 90 && c[1] >= -180 && c[1] <= 180 {
				return fmt.Errorf("%g, %g: latitude and longitude are probably exchanged; GeoJSON is longitude first", c[0], c[1])
			}
			return fmt.Errorf("%g, %g is not a place on Earth", c[0], c[1])
		}
		return nil
	}
	p := &RecordPlace{}
	var list [][]float64
	switch typ {
	case "Point":
		var c []float64
		if err := json.Unmarshal(raw, &c); err != nil {
			return nil, errors.New("the coordinates are not numbers")
		}
		if err := check(c); err != nil {
			return nil, err
		}
		p.Form, p.Lon, p.Lat = "point", c[0], c[1]
		if len(c) > 2 {
			p.Alt = &c[2]
		}
		return p, nil
	case "LineString", "MultiPoint":
		p.Form = "line"
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, errors.New("the coordinates are not numbers")
		}
	case "Polygon", "MultiLineString":
		p.Form = map[string]string{"Polygon": "area", "MultiLineString": "line"}[typ]
		var rings [][][]float64
		if err := json.Unmarshal(raw, &rings); err != nil {
			return nil, errors.New("the coordinates are not numbers")
		}
		for _, r := range rings {
			list = append(list, r...)
			if typ == "Polygon" {
				break
			}
		}
	case "MultiPolygon":
		p.Form = "area"
		var all [][][][]float64
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, errors.New("the coordinates are not numbers")
		}
		for _, a := range all {
			if len(a) > 0 {
				list = append(list, a[0]...)
			}
		}
	default:
		return nil, fmt.Errorf("a geometry of the type %q is not read", typ)
	}
	if len(list) == 0 {
		return nil, errors.New("the geometry has no positions")
	}
	for _, c := range list {
		if err := check(c); err != nil {
			return nil, err
		}
		p.Points = append(p.Points, [2]float64{c[0], c[1]})
	}
	p.Lon, p.Lat = p.Points[0][0], p.Points[0][1]
	return p, nil
}

// readKML reads the placemarks of a KML file or of the KML inside a KMZ.
func readKML(s *source, im *Imported, o ImportOptions) error {
	if bytes.HasPrefix(s.data, []byte("PK\x03\x04")) {
		z, err := zip.NewReader(bytes.NewReader(s.data), int64(len(s.data)))
		if err != nil {
			return errors.New("the KMZ cannot be opened: " + err.Error())
		}
		s.data = nil
		for _, f := range z.File {
			if strings.EqualFold(path.Ext(f.Name), ".kml") {
				if s.data, err = unzip(f, maxImport); err != nil {
					return err
				}
				break
			}
		}
		if s.data == nil {
			return errors.New("there is no KML in this KMZ")
		}
	}
	text, enc, note := decodeAny(s.data)
	im.Encoding = enc
	if note != "" {
		im.Notes = append(im.Notes, note)
	}
	var cur *Record
	var buf strings.Builder
	var stack []string
	var folder []string
	n, isKML, dataName, begin, fault := 0, false, "", "", ""
	err := decodeXML(text, func(e xml.StartElement) error {
		name := e.Name.Local
		stack = append(stack, name)
		buf.Reset()
		switch name {
		case "kml", "Document":
			isKML = true
		case "Placemark":
			n++
			cur, begin, fault = &Record{Number: n, ID: attr(e, "id"), Kind: "place", Fields: map[string]string{}}, "", ""
		case "Data", "SimpleData":
			dataName = attr(e, "name")
		case "Point", "LineString", "LinearRing", "Track":
			if cur != nil && cur.Place == nil {
				cur.Place = &RecordPlace{Form: map[string]string{"Point": "point", "LineString": "line", "LinearRing": "area", "Track": "line"}[name]}
			}
		}
		return nil
	}, func(t string) { buf.WriteString(t) }, func(name string) error {
		v := strings.TrimSpace(buf.String())
		buf.Reset()
		parent := ""
		if len(stack) > 1 {
			parent = stack[len(stack)-2]
		}
		if len(stack) > 0 {
			stack = stack[:len(stack)-1]
		}
		if name == "name" && parent == "Folder" {
			folder = append(folder, v)
		}
		if name == "Folder" && len(folder) > 0 {
			folder = folder[:len(folder)-1]
		}
		if cur == nil {
			return nil
		}
		num := func() *float64 {
			if x, err := strconv.ParseFloat(v, 64); err == nil && finite(x) {
				return &x
			}
			return nil
		}
		switch name {
		case "name":
			if parent == "Placemark" {
				cur.Title = v
			}
		case "description":
			cur.Text = v
		case "address", "phoneNumber", "styleUrl":
			if v != "" && name != "styleUrl" {
				cur.Fields[name] = v
			}
		case "when":
			if cur.Time == nil {
				cur.Time = anyTime(v, o)
			}
			if cur.Time == nil && v != "" {
				cur.Fields["when"] = v
			}
		case "begin":
			begin = v
		case "end":
			if begin == "" {
				begin = v
			}
			if cur.Time = anyTime(begin, o); cur.Time != nil {
				if until := anyTime(v, o); until != nil {
					cur.Time.Until, cur.Time.Max = until.Value, until.Max
				}
			}
			begin = ""
		case "TimeSpan":
			if begin != "" && cur.Time == nil {
				if cur.Time = anyTime(begin, o); cur.Time != nil {
					cur.Time.Max, cur.Time.Why = nil, "only the beginning is stated"
				}
			}
		case "value", "SimpleData":
			if dataName != "" {
				cur.Fields[dataName] = v
				dataName = ""
			}
		case "heading":
			if (parent == "Camera" || parent == "LookAt") && num() != nil {
				cur.Fields[strings.ToLower(parent)+"_heading"] = v
				if parent == "Camera" && cur.Place != nil {
					cur.Place.Direction = num()
				}
			}
		case "coordinates", "coord":
			if cur.Place == nil {
				return nil
			}
			if name == "coord" {
				v = strings.Join(strings.Fields(v), ",")
			}
			for _, c := range strings.Fields(v) {
				p := strings.Split(c, ",")
				if len(p) < 2 {
					fault = fmt.Sprintf("%q is not a pair of coordinates", c)
					continue
				}
				lon, err1 := strconv.ParseFloat(p[0], 64)
				lat, err2 := strconv.ParseFloat(p[1], 64)
				if err1 != nil || err2 != nil || placeAt(lat, lon) == nil {
					fault = fmt.Sprintf("%q is not a place on Earth", c)
					continue
				}
				if len(cur.Place.Points) == 0 {
					cur.Place.Lat, cur.Place.Lon = lat, lon
					if len(p) > 2 {
						if h, err := strconv.ParseFloat(p[2], 64); err == nil && h != 0 {
							cur.Place.Alt = &h
						}
					}
				}
				if len(cur.Place.Points) < 100_000 {
					cur.Place.Points = append(cur.Place.Points, [2]float64{lon, lat})
				}
			}
		case "Placemark":
			if cur.Place != nil && len(cur.Place.Points) == 0 {
				cur.Place = nil
				if fault == "" {
					fault = "the placemark has no coordinates"
				}
			}
			if cur.Place != nil && cur.Place.Form == "point" {
				cur.Place.Points = nil
			}
			if len(folder) > 0 {
				cur.Fields["folder"] = strings.Join(folder, " / ")
			}
			if fault != "" && cur.Place == nil {
				bad(im, cur.Number, "coordinates", cur.Title, fault)
			} else {
				if fault != "" {
					cur.Warnings = append(cur.Warnings, fault)
				}
				if cur.Place == nil {
					cur.Warnings = append(cur.Warnings, "the placemark has no place")
				}
				im.Records = append(im.Records, *cur)
			}
			cur = nil
		}
		return nil
	})
	if !isKML {
		return errors.New("this is not a KML document")
	}
	if err != nil {
		bad(im, n, "", "", "the document is damaged: "+err.Error())
	}
	return nil
}

// readGPX reads waypoints, and each track and route as one record with its
// points.
func readGPX(s *source, im *Imported, o ImportOptions) error {
	var cur *Record
	var buf strings.Builder
	var first, last string
	inPoint, isGPX := false, false
	var trk, desc string
	n := 0
	begin := func(kind, form string) {
		n++
		cur, first, last = &Record{Number: n, Kind: kind, Fields: map[string]string{}, Place: &RecordPlace{Form: form}}, "", ""
	}
	finish := func() {
		if cur == nil {
			return
		}
		if cur.Kind == "track" {
			if cur.Title == "" {
				cur.Title = trk
			}
			if cur.Text == "" {
				cur.Text = desc
			}
			cur.Fields["points"] = strconv.Itoa(len(cur.Place.Points))
		}
		if first != "" {
			if cur.Time = anyTime(first, o); cur.Time != nil && last != "" && last != first {
				if until := anyTime(last, o); until != nil {
					cur.Time.Until, cur.Time.Max = until.Value, until.Max
				}
			}
		}
		if cur.Place.Form == "point" {
			cur.Place.Points = nil
		}
		if cur.Kind == "track" && len(cur.Place.Points) == 0 {
			bad(im, cur.Number, "", cur.Title, "the track has no points")
		} else {
			im.Records = append(im.Records, *cur)
		}
		cur = nil
	}
	point := func(e xml.StartElement) {
		lat, err1 := strconv.ParseFloat(attr(e, "lat"), 64)
		lon, err2 := strconv.ParseFloat(attr(e, "lon"), 64)
		if err1 != nil || err2 != nil || placeAt(lat, lon) == nil {
			bad(im, n, "", attr(e, "lat")+", "+attr(e, "lon"), "is not a place on Earth")
			return
		}
		if len(cur.Place.Points) == 0 {
			cur.Place.Lat, cur.Place.Lon = lat, lon
		}
		cur.Place.Points = append(cur.Place.Points, [2]float64{lon, lat})
	}
	err := decodeXML(s.text, func(e xml.StartElement) error {
		buf.Reset()
		switch e.Name.Local {
		case "gpx":
			isGPX = true
		case "wpt":
			begin("place", "point")
			point(e)
			inPoint = true
			if len(cur.Place.Points) == 0 {
				cur = nil
			}
		case "trk", "rte":
			trk, desc = "", ""
			if e.Name.Local == "rte" {
				begin("track", "line")
			}
		case "trkseg":
			begin("track", "line")
		case "trkpt", "rtept":
			if cur != nil {
				point(e)
				inPoint = true
			}
		}
		return nil
	}, func(t string) { buf.WriteString(t) }, func(name string) error {
		v := strings.TrimSpace(buf.String())
		buf.Reset()
		switch name {
		case "name":
			if cur == nil {
				trk = v
			} else if !inPoint || cur.Kind == "place" {
				cur.Title = v
			}
		case "desc", "cmt":
			if cur == nil {
				desc = v
			} else if !inPoint || cur.Kind == "place" {
				cur.Text = v
			}
		case "time":
			if cur != nil && inPoint {
				if first == "" {
					first = v
				}
				last = v
			}
		case "ele":
			if cur != nil && inPoint && cur.Place.Alt == nil {
				if h, err := strconv.ParseFloat(v, 64); err == nil && finite(h) {
					cur.Place.Alt = &h
				}
			}
		case "trkpt", "rtept":
			inPoint = false
		case "wpt":
			inPoint = false
			finish()
		case "trkseg", "rte":
			finish()
		}
		return nil
	})
	if !isGPX {
		return errors.New("this is not a GPX document")
	}
	if err != nil {
		finish()
		bad(im, n, "", "", "the document is damaged: "+err.Error())
	}
	return nil
}
