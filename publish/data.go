package publish

import (
	"bytes"
	"context"
	"encoding/json"

	"sightline"
)

// data writes the downloads: the whole public document, the story, the places
// and the evidence log.
func (b *builder) data(context.Context) error {
	if err := b.putJSON("data/document.json", b.pub); err != nil {
		return err
	}
	doc, err := json.Marshal(b.pub)
	if err != nil {
		return err
	}
	if err := b.put("data/document.pack.js", packScript("document.json", doc)); err != nil {
		return err
	}
	if err := b.putJSON("data/story.json", b.pub.Stories); err != nil {
		return err
	}
	if err := b.putJSON("data/places.geojson", geoJSON(b.pub)); err != nil {
		return err
	}
	if err := b.responses(); err != nil {
		return err
	}
	if err := b.corroborate(); err != nil {
		return err
	}
	if err := b.citations(); err != nil {
		return err
	}
	if b.in.EvidenceLog != nil {
		var buf bytes.Buffer
		if err := b.in.EvidenceLog(b.pub, "csv", b.pub.Case.Languages[0], &buf); err != nil {
			return err
		}
		return b.put("data/evidence-log.csv", buf.Bytes())
	}
	return nil
}

type feature struct {
	Type       string         `json:"type"`
	ID         string         `json:"id"`
	Geometry   any            `json:"geometry"`
	Properties map[string]any `json:"properties"`
}

// geoJSON lists the places of the public items (RFC 7946: longitude first).
// An item without a coordinate has a null geometry, never 0,0.
func geoJSON(d *sightline.Document) map[string]any {
	fs := []feature{}
	for _, it := range d.Items {
		base := map[string]any{"title": neutralText(it.Title), "media": it.Media, "perspective": it.Source.Perspective}
		if len(it.Times) > 0 {
			base["earliest"], base["latest"] = utc(it.Times[0].Min), utc(it.Times[0].Max)
		}
		n := 0
		for _, p := range it.Places {
			props := map[string]any{}
			for k, v := range base {
				props[k] = v
			}
			props["role"], props["status"], props["approximate"] = p.Role, p.Status, p.Approx
			if p.RadiusM > 0 {
				props["radius_m_95"] = p.RadiusM
			}
			if p.Label != nil {
				props["label"] = neutralText(p.Label)
			}
			f := feature{"Feature", it.ID, nil, props}
			if p.Geo != nil {
				f.Geometry = map[string]any{"type": "Point", "coordinates": []float64{round5(p.Geo.Lon), round5(p.Geo.Lat)}}
			}
			fs = append(fs, f)
			n++
		}
		if n == 0 {
			fs = append(fs, feature{"Feature", it.ID, nil, base})
		}
	}
	return map[string]any{"type": "FeatureCollection", "features": fs}
}
