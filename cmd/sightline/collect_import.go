package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"sightline"
	"sightline/flow"
	"sightline/intake"
	"sightline/tool"
	"sightline/web"
)

// tablePreview is what the desk shows of a table before it is taken.
type tablePreview struct {
	As      string              `json:"as"`
	File    string              `json:"file"`
	Name    string              `json:"name"` // of the format that was recognised; ""
	Header  []string            `json:"header"`
	Rows    [][]string          `json:"rows"`
	Total   int                 `json:"total"`
	Columns map[string][]string `json:"columns"` // header -> targets
	Targets []string            `json:"targets"` // to choose from
	Bad     []intake.BadCell    `json:"bad_rows"`
	Why     string              `json:"why,omitempty"` // why no mapping was found
}

// mapTargets are what a person is offered for a column; any other path can be
// given in a mapping file.
var mapTargets = []string{"title.und", "seen.und", "source.url", "source.name.und", "source.platform", "source.citation", "source.perspective", "media", "language", "sensitivity", "tags",
	"@posted.date", "@posted.utc_from", "@time.date", "@time.from", "@time.to", "@time.utc_from", "@time.utc_to", "@time.edtf", "@place.lat", "@place.lon", "@place.radius_m", "places.0.label.und", "rights.licence", "rights.credit", "@note", "@fact"}

// importPreview is what the desk shows of an export before it is taken.
type importPreview struct {
	As          string            `json:"as"`
	File        string            `json:"file"`
	Encoding    string            `json:"encoding,omitempty"`
	Records     []intake.Record   `json:"records"`
	Total       int               `json:"total"`
	Attachments int               `json:"attachments"`
	Held        int               `json:"held"`
	Bad         []intake.BadCell  `json:"bad_rows"`
	Questions   []intake.Question `json:"questions"`
	Notes       []string          `json:"notes"`
}

// guesses are the formats that an ending may stand for, most likely first.
var guesses = map[string][]string{
	".txt": {"whatsapp", "signal"}, ".zip": {"whatsapp", "telegram", "instagram", "twitter", "takeout", "wacz"}, ".json": {"telegram", "bellingcat", "timemap", "whisper", "geojson", "instagram"},
	".js": {"twitter"}, ".eml": {"mail"}, ".mbox": {"mail"}, ".vcf": {"vcard"}, ".geojson": {"geojson"}, ".kml": {"kml"}, ".kmz": {"kml"}, ".gpx": {"gpx"},
	".csv": {"records"}, ".tsv": {"records"}, ".xlsx": {"records", "timemap"}, ".wacz": {"wacz"}, ".warc": {"warc"}, ".gz": {"warc"},
}

// previewImport reads an export in the sandbox, without writing anything. With as "" the
// format is guessed: the first that finds records and, of those, the one with
// the fewest that it cannot read.
func previewImport(ctx context.Context, box *tool.Box, u web.Upload, as string, o web.ImportAnswers) (any, error) {
	rows := o.Rows
	if rows <= 0 || rows > 200 {
		rows = 12
	}
	if as != "" {
		return previewAs(ctx, box, u, as, o, rows)
	}
	list := guesses[strings.ToLower(filepath.Ext(u.Name))]
	if len(list) == 0 {
		list = []string{"whatsapp", "mail"}
	}
	var best any
	worst := -1
	var first error
	for _, as := range list {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		v, err := previewAs(ctx, box, u, as, o, rows)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		bad, total := 0, 0
		switch p := v.(type) {
		case *tablePreview:
			bad, total = len(p.Bad), p.Total
			if p.Why != "" && len(list) > 1 {
				bad += p.Total // another reader may know it
			}
		case *importPreview:
			bad, total = len(p.Bad), p.Total
		}
		if total > 0 && (worst < 0 || bad < worst) {
			best, worst = v, bad
		}
	}
	if best == nil {
		if first == nil {
			first = errors.New("no records were found")
		}
		return nil, fmt.Errorf("%s: no format that is known fits; choose one: %v: %w", intake.Printable(u.Name), first, sightline.ErrInvalid)
	}
	return best, nil
}

func previewAs(ctx context.Context, box *tool.Box, u web.Upload, as string, o web.ImportAnswers, rows int) (any, error) {
	if as == "records" {
		return previewTable(ctx, box, u, o, rows)
	}
	im, err := intake.ReadAsIn(ctx, box, u.Path, as, intake.ImportOptions{Zone: o.Zone, Dates: o.Dates})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, sightline.ErrInvalid)
	}
	p := &importPreview{As: as, File: u.Name, Encoding: im.Encoding, Total: len(im.Records), Records: im.Records[:min(rows, len(im.Records))], Bad: im.Bad[:min(200, len(im.Bad))], Questions: im.Questions, Notes: im.Notes}
	for _, r := range im.Records {
		for _, a := range r.Attachments {
			p.Attachments++
			if a.Held {
				p.Held++
			}
		}
	}
	return p, nil
}

func previewTable(ctx context.Context, box *tool.Box, u web.Upload, o web.ImportAnswers, rows int) (any, error) {
	t, err := intake.ReadTableIn(ctx, box, u.Path, "")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, sightline.ErrInvalid)
	}
	p := &tablePreview{As: "records", File: u.Name, Header: t.Header, Rows: [][]string{}, Total: len(t.Rows), Columns: map[string][]string{}, Targets: mapTargets, Bad: t.Bad}
	if p.Bad == nil {
		p.Bad = []intake.BadCell{}
	}
	for _, r := range t.Rows[:min(rows, len(t.Rows))] {
		p.Rows = append(p.Rows, r.Cells)
	}
	m, err := tableMapping(o)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, sightline.ErrInvalid)
	}
	if m == nil {
		if m, err = intake.Recognise(t.Header); err != nil {
			p.Why = "the headers are not those of a known format: say what the columns mean"
			return p, nil
		}
	}
	p.Name = m.Name
	for h, ts := range m.Columns {
		p.Columns[h] = ts
	}
	return p, nil
}

// tableMapping is what the person said about the columns; nil when nothing.
func tableMapping(o web.ImportAnswers) (*intake.Mapping, error) {
	if len(o.Mapping) == 0 || string(o.Mapping) == "null" {
		return nil, nil
	}
	m, err := intake.ReadMapping(bytes.NewReader(o.Mapping))
	if err == nil && o.Dates != "" {
		m.Dates = o.Dates
	}
	return m, err
}

// importUpload takes the records of an export into the case.
func importUpload(ctx context.Context, box *tool.Box, f *folder, by sightline.Actor, u web.Upload, as string, o web.ImportAnswers) (*web.ImportReport, error) {
	a := &intake.Adder{Store: f.Store, Blobs: f.Blobs, Actor: by, Version: version, Reason: o.Reason, Access: "given", Jobs: flow.JobsFor, Box: box, Argv: []string{"desk", "import", "--as", as}}
	var r *intake.Report
	var err error
	if as == "records" {
		var m *intake.Mapping
		if m, err = tableMapping(o); err != nil {
			return nil, fmt.Errorf("%w: %w", err, sightline.ErrInvalid)
		}
		if r, err = a.Records(ctx, u.Path, m); err == nil && len(r.Refused) == 0 {
			// The table itself is preserved beside its rows.
			var t *intake.Report
			t, err = a.Take(ctx, []intake.Input{{Path: u.Path, Name: u.Name}})
			r.Added, r.Known = append(r.Added, t.Added...), append(r.Known, t.Known...)
		}
	} else {
		r, err = a.Import(ctx, u.Path, as, "", intake.ImportOptions{Zone: o.Zone, Dates: o.Dates})
	}
	if err != nil {
		return nil, err
	}
	out := &web.ImportReport{AddReport: web.AddReport{Added: []web.AddedFile{}, Known: []web.AddedFile{}, Refused: []web.RefusedFile{}}, BadRows: []web.BadRow{}}
	for _, l := range r.Added {
		out.Added = append(out.Added, web.AddedFile{ID: l.ID, Name: l.Name})
	}
	for _, l := range r.Known {
		out.Known = append(out.Known, web.AddedFile{ID: l.ID, Name: l.Name})
	}
	for _, x := range r.Refused {
		out.Refused = append(out.Refused, web.RefusedFile{Name: x.Name, Why: x.Why})
	}
	for _, b := range r.Rows[:min(500, len(r.Rows))] {
		out.BadRows = append(out.BadRows, web.BadRow{Row: b.Row, Column: b.Column, Value: b.Value, Why: b.Why})
	}
	return out, nil
}
