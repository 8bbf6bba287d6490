package intake

import (
	"encoding/json"
	"fmt"
	"strings"
)

// format is a spreadsheet of another tool, told by its headers.
type format struct {
	name    string
	headers []string // all must be there
	m       Mapping
}

func one1(t string) Targets { return Targets{t} }

func text(s string) json.RawMessage { b, _ := json.Marshal(s); return b }

// formats are the sheets that teams hand over, most particular first. Their
// headers are quoted in docs/formats/evidence-log.md.
var formats = []format{
	{"auto-archiver sheet", []string{"link", "archive status", "archive location"}, Mapping{
		Columns: map[string]Targets{
			"link": one1("source.url"), "archive status": one1("@fact"), "destination folder": one1("@fact"), "archive location": one1("@fact"),
			"archive date": one1("@fact"), "upload timestamp": one1("@posted.utc_from"), "upload title": one1("title.und"), "text content": one1("seen.und"),
			"screenshot": one1("@fact"), "hash": one1("@fact"), "perceptual hashes": one1("@fact"), "wacz": one1("@fact"), "replaywebpage": one1("@fact"), "thumbnail": one1("@fact"),
		},
		Constants: map[string]json.RawMessage{"media": text("post")}, Required: []string{"link"},
	}},
	{"Atlos export", []string{"status", "description", "sensitive"}, Mapping{
		Columns: map[string]Targets{
			"slug": one1("@fact"), "status": one1("workflow"), "description": one1("title.und"), "sensitive": one1("sensitivity"), "latitude": one1("@place.lat"), "longitude": one1("@place.lon"),
			"date": one1("@time.date"), "more_info": one1("@note"), "tags": one1("tags"), "source_1": one1("source.url"),
		},
		Values: map[string]map[string]string{
			"status": {"To Do": "todo", "In Progress": "in_progress", "Help Needed": "help_needed", "Ready for Review": "ready_for_review", "Completed": "reviewed", "Cancelled": "cancelled"},
			"sensitive": {"Not Sensitive": "none", "Graphic Violence": "graphic", "Personal Information Visible": "personal", "Deleted by Source": "source_at_risk",
				"Deceptive or Misleading": "none"},
		},
		Required: []string{"description"},
	}},
	{"TimeMap source", []string{"id", "title", "paths", "url"}, Mapping{
		Columns: map[string]Targets{
			"id": one1("@fact"), "title": one1("title.und"), "thumbnail": one1("@fact"), "paths": one1("@fact"), "type": one1("source.type"), "affil_s": one1("@fact"),
			"url": one1("source.url"), "description": one1("seen.und"), "parent": one1("@fact"), "author": one1("source.name.und"), "date": one1("@posted.date"), "notes": one1("@note"),
		},
	}},
	{"TimeMap event", []string{"id", "description", "date", "location"}, Mapping{
		Columns: map[string]Targets{
			"id": one1("@fact"), "description": one1("title.und"), "date": one1("@time.date"), "time": one1("@time.from"), "time_precision": one1("times.0.precision"),
			"location": one1("places.0.label.und"), "latitude": one1("@place.lat"), "longitude": one1("@place.lon"), "type": one1("source.type"),
			"category": one1("tags"), "category_full": one1("@fact"), "associations": one1("@fact"), "sources": one1("@fact"), "comments": one1("@note"),
		},
		Separator: ",",
	}},
}

// Recognise finds the mapping of a known format by its headers.
func Recognise(header []string) (*Mapping, error) {
	have := map[string]string{}
	for _, h := range header {
		k := strings.ToLower(strings.TrimSuffix(h, "[]"))
		have[k] = h
	}
	for _, f := range formats {
		all := true
		for _, h := range f.headers {
			_, ok := have[h]
			all = all && ok
		}
		if !all {
			continue
		}
		m := f.m
		m.Format, m.Name = MapFormat, f.name
		m.Columns, m.Values, m.Required = map[string]Targets{}, map[string]map[string]string{}, nil
		for k, t := range f.m.Columns {
			if h, ok := have[k]; ok {
				m.Columns[h] = t
			}
		}
		for k, v := range f.m.Values {
			if h, ok := have[k]; ok {
				m.Values[h] = v
			}
		}
		for _, k := range f.m.Required {
			m.Required = append(m.Required, have[k])
		}
		// A column that the format does not know is the team's own: keep it.
		for _, h := range header {
			if _, ok := m.Columns[h]; !ok {
				m.Columns[h] = Targets{"@fact"}
			}
		}
		return &m, nil
	}
	return nil, fmt.Errorf("the headers are not those of a known format (%s): give a mapping with --map", strings.Join(formatNames(), ", "))
}

func formatNames() []string {
	var out []string
	for _, f := range formats {
		out = append(out, f.name)
	}
	return out
}
