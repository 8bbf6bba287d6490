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

func target(t string) Targets { return Targets{t} }

func text(s string) json.RawMessage { b, _ := json.Marshal(s); return b }

// formats are the sheets that teams hand over, most particular first. Their
// headers are quoted in docs/formats/evidence-log.md.
var formats = []format{
	{"auto-archiver sheet", []string{"link", "archive status", "archive location"}, Mapping{
		Columns: map[string]Targets{
			"link": target("source.url"), "archive status": target("@fact"), "destination folder": target("@fact"), "archive location": target("@fact"),
			"archive date": target("@fact"), "upload timestamp": target("@posted.utc_from"), "upload title": target("title.und"), "text content": target("seen.und"),
			"screenshot": target("@fact"), "hash": target("@fact"), "perceptual hashes": target("@fact"), "wacz": target("@fact"), "replaywebpage": target("@fact"), "thumbnail": target("@fact"),
		},
		Constants: map[string]json.RawMessage{"media": text("post")}, Required: []string{"link"},
	}},
	{"Atlos export", []string{"status", "description", "sensitive"}, Mapping{
		Columns: map[string]Targets{
			"slug": target("@fact"), "status": target("workflow"), "description": target("title.und"), "sensitive": target("sensitivity"), "latitude": target("@place.lat"), "longitude": target("@place.lon"),
			"date": target("@time.date"), "more_info": target("@note"), "tags": target("tags"), "source_1": target("source.url"),
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
			"id": target("@fact"), "title": target("title.und"), "thumbnail": target("@fact"), "paths": target("@fact"), "type": target("source.type"), "affil_s": target("@fact"),
			"url": target("source.url"), "description": target("seen.und"), "parent": target("@fact"), "author": target("source.name.und"), "date": target("@posted.date"), "notes": target("@note"),
		},
	}},
	{"TimeMap event", []string{"id", "description", "date", "location"}, Mapping{
		Columns: map[string]Targets{
			"id": target("@fact"), "description": target("title.und"), "date": target("@time.date"), "time": target("@time.from"), "time_precision": target("times.0.precision"),
			"location": target("places.0.label.und"), "latitude": target("@place.lat"), "longitude": target("@place.lon"), "type": target("source.type"),
			"category": target("tags"), "category_full": target("@fact"), "associations": target("@fact"), "sources": target("@fact"), "comments": target("@note"),
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
