package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"sightline"
	"sightline/when"
)

// record is a row on its way to an item.
type record struct {
	row   Row
	bytes []byte // canonical JSON of the row: the original
	item  *sightline.Item
	id    string // asked for
	blob  sightline.Blob
	err   error
}

// Records takes a table: each row becomes an item whose original bytes are the
// canonical JSON of the row. A nil mapping means recognised headers. Rows that
// cannot be taken are reported with row and column; the others are taken.
func (a *Adder) Records(ctx context.Context, path string, m *Mapping) (*Report, error) {
	r := &Report{Added: []Line{}, Known: []Line{}, Refused: []Refusal{}}
	no := func(why string) (*Report, error) {
		r.Refused = append(r.Refused, Refusal{path, filepath.Base(path), why})
		return r, nil
	}
	sheet := ""
	if m != nil {
		sheet = m.Sheet
	}
	t, err := ReadTableIn(ctx, a.Box, path, sheet)
	if err != nil {
		return no(err.Error())
	}
	if m, err = m.over(t); err != nil {
		return no(err.Error())
	}
	c, err := a.caseOf(ctx)
	if err != nil {
		return r, err
	}
	zone := m.Zone
	if zone == "" {
		zone = c.Zone
	}
	z, err := when.LoadZone(zone)
	if err != nil {
		return no(err.Error())
	}
	r.Rows = append(r.Rows, t.Bad...)
	var list []*record
	for _, row := range t.Rows {
		rec, bad := a.record(t, row, m, z, c)
		if len(bad) > 0 {
			r.Rows = append(r.Rows, bad...)
			continue
		}
		list = append(list, rec)
	}
	err = ordered(ctx, len(list), func(ctx context.Context, i int) *record {
		rec := list[i]
		rec.blob, rec.err = a.Blobs.Put(ctx, bytes.NewReader(rec.bytes))
		return rec
	}, func(i int, rec *record) error {
		if rec.err != nil {
			return a.stopped(fmt.Errorf("failed to keep row %d: %w", rec.row.Number, rec.err), r, len(list))
		}
		line, added, err := a.enterRecord(ctx, path, rec)
		var taken *idTaken
		switch {
		case errors.As(err, &taken):
			r.Rows = append(r.Rows, BadCell{File: t.File, Row: rec.row.Number, Column: m.headerOf("id"), Value: rec.id, Why: taken.Error()})
			line.Why = taken.Error()
		case err != nil:
			return a.stopped(err, r, len(list))
		case added:
			r.Added = append(r.Added, line)
		default:
			line.Why = line.ID + " is already here"
			r.Known = append(r.Known, line)
		}
		if a.Progress != nil {
			a.Progress(i+1, len(list), 0, line)
		}
		return nil
	})
	return r, err
}

func (a *Adder) caseOf(ctx context.Context) (*sightline.Case, error) {
	var c *sightline.Case
	err := a.Store.View(ctx, a.Actor, func(r sightline.Reader) error {
		list, err := sightline.All[sightline.Case](r, sightline.KindCase)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fmt.Errorf("the case has no record of itself: %w", sightline.ErrDamaged)
		}
		c = list[0]
		return nil
	})
	return c, err
}

// over checks the mapping against a table, or finds one by the headers.
func (m *Mapping) over(t *Table) (*Mapping, error) {
	if m == nil {
		return Recognise(t.Header)
	}
	have := map[string]string{}
	for _, h := range t.Header {
		have[strings.ToLower(h)] = h
	}
	out := *m
	out.Columns, out.Values = map[string]Targets{}, map[string]map[string]string{}
	for _, h := range sortedKeys(m.Columns) {
		real, ok := have[strings.ToLower(h)]
		if !ok {
			return nil, fmt.Errorf("the mapping names column %q; the table has %s", h, strings.Join(quoted(t.Header), ", "))
		}
		out.Columns[real] = m.Columns[h]
	}
	for _, h := range sortedKeys(m.Values) {
		real, ok := have[strings.ToLower(h)]
		if !ok {
			return nil, fmt.Errorf("the mapping has values for column %q, which the table does not have", h)
		}
		out.Values[real] = m.Values[h]
	}
	for _, h := range m.Required {
		if _, ok := have[strings.ToLower(h)]; !ok {
			return nil, fmt.Errorf("the mapping requires column %q, which the table does not have", h)
		}
	}
	return &out, nil
}

func quoted(l []string) []string {
	out := make([]string, len(l))
	for i, s := range l {
		out[i] = fmt.Sprintf("%q", Printable(s))
	}
	return out
}

func (m *Mapping) headerOf(target string) string {
	for _, h := range sortedKeys(m.Columns) {
		for _, t := range m.Columns[h] {
			if t == target {
				return h
			}
		}
	}
	return ""
}

// record makes the item of one row, or says what is wrong with its cells.
func (a *Adder) record(t *Table, row Row, m *Mapping, z when.Zone, c *sightline.Case) (*record, []BadCell) {
	var bad []BadCell
	fault := func(column, value, why string) {
		bad = append(bad, BadCell{File: t.File, Row: row.Number, Column: column, Value: value, Why: why})
	}
	raw := map[string]string{}
	for i, h := range t.Header {
		raw[h] = row.Cells[i]
	}
	b, err := canonical(raw)
	if err != nil {
		fault("", "", "the row holds characters that are not text")
		return nil, bad
	}
	it := a.fresh(sightline.Blob{}, Kind{"application/json", "record", true})
	it.Name = fmt.Sprintf("%s, row %d", t.File, row.Number)
	it.Source.Method = "table"
	tr := tree{}
	for _, target := range sortedKeys(m.Constants) {
		var v any
		if err := json.Unmarshal(m.Constants[target], &v); err != nil {
			fault("", target, "the constant of the mapping is not JSON")
			continue
		}
		if err := tr.set(target, v); err != nil {
			fault("", target, err.Error())
		}
	}
	for _, h := range m.Required {
		for i, th := range t.Header {
			if strings.EqualFold(h, th) && row.Cells[i] == "" {
				fault(th, "", "this cell must not be empty")
			}
		}
	}
	var at, posted clockCells
	place := map[string]float64{}
	from := map[string]string{} // special target -> column
	for i, h := range t.Header {
		cell := row.Cells[i]
		if cell == "" {
			continue
		}
		if vs := m.Values[h]; vs != nil {
			if v, ok := vs[cell]; ok {
				cell = v
			}
			if cell == "" {
				continue
			}
		}
		for _, target := range m.Columns[h] {
			from[target] = h
			switch {
			case target == "@note":
				it.Notes = strings.TrimSpace(it.Notes + "\n" + h + ": " + cell)
			case target == "@fact":
				it.Facts = append(it.Facts, sightline.Fact{Field: h, Value: cell, Tool: "table", Doubt: "as the table says; nothing here has checked it"})
			case target == "@item":
				var v map[string]any
				if err := json.Unmarshal([]byte(cell), &v); err != nil {
					fault(h, cell, "this column holds a JSON object: "+jsonFault([]byte(cell), err))
					continue
				}
				for _, k := range sortedKeys(v) {
					if keptFields[k] || k == "id" {
						fault(h, k, "this field belongs to the preserved bytes")
						continue
					}
					tr[k] = v[k]
				}
			case strings.HasPrefix(target, "@time."):
				at.set(strings.TrimPrefix(target, "@time."), cell)
			case strings.HasPrefix(target, "@posted."):
				posted.set(strings.TrimPrefix(target, "@posted."), cell)
			case strings.HasPrefix(target, "@place."):
				x, err := number(cell)
				if err != nil {
					fault(h, cell, err.Error())
					continue
				}
				place[strings.TrimPrefix(target, "@place.")] = x
			default:
				typ, err := typeAt(target)
				if err != nil {
					fault(h, cell, err.Error())
					continue
				}
				v, err := coerce(cell, typ, m.Separator)
				if err == nil {
					if why := checkWord(target, v); why != "" {
						err = errors.New(why)
					}
				}
				if err == nil {
					err = tr.set(target, v)
				}
				if err != nil {
					fault(h, cell, err.Error())
				}
			}
		}
	}
	id, _ := tr["id"].(string)
	delete(tr, "id")
	if id != "" && !itemID(id, c.Prefix) {
		fault(m.headerOf("id"), id, fmt.Sprintf("an id of this case looks like %s-014", c.Prefix))
	}
	if err := tr.fill(it); err != nil {
		fault("", "", err.Error())
		return nil, bad
	}
	// The words of precision are the source's; the interval is made from the cells.
	precision := ""
	if len(it.Times) > 0 {
		precision = it.Times[0].Precision
	}
	timeOf := func(c clockCells, prefix, precision string) *sightline.Time {
		tm, err := c.read(z, m.Dates, m.About, precision)
		if err != nil {
			var cf *cellFault
			if errors.As(err, &cf) {
				h := from[prefix+cf.cell]
				fault(h, raw[h], cf.why)
			}
			return nil
		}
		return tm
	}
	if !at.empty() {
		if tm := timeOf(at, "@time.", precision); tm != nil {
			if len(it.Times) > 0 {
				over(tm, &it.Times[0])
				it.Times[0] = *tm
			} else {
				it.Times = []sightline.Time{*tm}
			}
			it.Axes.Time.Status = "claimed"
		}
	}
	if !posted.empty() {
		if tm := timeOf(posted, "@posted.", ""); tm != nil {
			if it.Posted != nil {
				over(tm, it.Posted)
			}
			it.Posted = tm
		}
	}
	if why := placeOf(it, place, m.Role); why != "" {
		h := from["@place.lat"]
		if h == "" {
			h = from["@place.lon"]
		}
		fault(h, raw[h], why)
	}
	return &record{row: row, bytes: b, item: it, id: id}, bad
}

// over keeps what the mapping set by hand on a time made from cells.
func over(made, set *sightline.Time) {
	if set.Printed != "" {
		made.Printed = set.Printed
	}
	if set.Status != "" {
		made.Status = set.Status
	}
	if len(set.Basis) > 0 {
		made.Basis = set.Basis
	}
	if set.Min != nil {
		made.Min = set.Min
	}
	if set.Max != nil {
		made.Max = set.Max
	}
	made.Whole, made.Inferred, made.Best = set.Whole, set.Inferred, set.Best
}

func placeOf(it *sightline.Item, p map[string]float64, role string) string {
	lat, hasLat := p["lat"]
	lon, hasLon := p["lon"]
	switch {
	case hasLat != hasLon:
		return "latitude and longitude are only useful together"
	case hasLat && (lat < -90 || lat > 90):
		return "a latitude lies between -90 and 90 degrees"
	case hasLon && (lon < -180 || lon > 180):
		return "a longitude lies between -180 and 180 degrees"
	}
	if !hasLat && p["radius_m"] == 0 {
		return ""
	}
	if len(it.Places) == 0 {
		it.Places = []sightline.Place{{}}
	}
	pl := &it.Places[0]
	if hasLat {
		pl.Geo = &sightline.Geo{Lat: lat, Lon: lon, Datum: "unknown"}
	}
	if pl.Role == "" {
		pl.Role = role
		if role == "" {
			pl.Role = "subject"
		}
	}
	if pl.Form == "" {
		pl.Form = "point"
	}
	if pl.Status == "" {
		pl.Status = "claimed"
	}
	if r := p["radius_m"]; r > 0 {
		pl.RadiusM = r
	}
	if hasLat && lat == 0 && lon == 0 {
		pl.Basis = sightline.Text{"en": "0, 0 is what many programs write when they know no place", "es": "0, 0 es lo que muchos programas escriben cuando no saben el lugar"}
	}
	it.Axes.Place.Status = "claimed"
	return ""
}

// words lists what the fields with a fixed vocabulary may hold.
var words = map[string]string{
	"source.perspective": "citizen security_forces victim press official satellite unknown",
	"sensitivity":        "none graphic personal source_at_risk",
	"media":              "photo video audio post document record image",
	"workflow":           "todo in_progress help_needed ready_for_review reviewed cancelled",
	"public.decision":    "undecided publish withhold",
	"public.hash":        "publish commit withhold",
	"public.media":       "publish withhold",
	"rights.consent":     "not_needed given refused not_asked",
}

func checkWord(target string, v any) string {
	list, ok := words[target]
	if !ok {
		return ""
	}
	for _, w := range strings.Fields(list) {
		if v == w {
			return ""
		}
	}
	return "use one of: " + strings.ReplaceAll(list, " ", ", ")
}

func itemID(id, prefix string) bool {
	ok, err := regexp.MatchString(`^`+regexp.QuoteMeta(prefix)+`-\d{1,9}$`, id)
	return err == nil && ok
}

type idTaken struct{ id string }

func (e *idTaken) Error() string { return e.id + " is the id of another item; ids are never reused" }

func (a *Adder) enterRecord(ctx context.Context, path string, rec *record) (line Line, added bool, err error) {
	line = Line{Name: rec.item.Name, Path: path, SHA256: rec.blob.Digest.String(), Size: rec.blob.Size, Type: rec.item.Type}
	_, err = a.Store.Update(ctx, a.Actor, func(w sightline.Writer) error {
		added = false
		ids, err := w.ItemByDigest(rec.blob.Digest)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			line.ID = ids[0]
			return nil
		}
		it := *rec.item
		it.SHA256, it.Size = rec.blob.Digest.String(), rec.blob.Size
		if it.ID = rec.id; it.ID == "" {
			if it.ID, err = w.NextID(sightline.KindItem, ""); err != nil {
				return err
			}
		} else if _, err := w.Row(sightline.Ref{Kind: sightline.KindItem, ID: it.ID}); err == nil {
			return &idTaken{it.ID}
		} else if !errors.Is(err, sightline.ErrNotFound) {
			return err
		}
		line.ID = it.ID
		if err := w.Put(&it); err != nil {
			return err
		}
		w.Describe(a.collected(&it, map[string]any{"path": path, "row": rec.row.Number, "argv": a.Argv}))
		added = true
		return a.enqueue(w, &it)
	})
	return line, added, err
}
