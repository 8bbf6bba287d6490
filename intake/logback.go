package intake

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"sightline"
	"sightline/digest"
)

// editable are the columns of an evidence log that a person may change in a
// spreadsheet: where each goes in the item. "*" is the language of the log. All
// other columns are made from the case, and a changed cell there is refused.
var editable = map[string]string{
	"title": "title.*", "description_visible": "seen.*", "language": "language", "perspective": "source.perspective", "sensitivity": "sensitivity",
	"source_url": "source.url", "platform": "source.platform", "author_handle": "source.name.*", "status": "workflow", "public": "public.decision",
	"withhold_reason": "public.reason.*", "licence": "rights.licence", "consent": "rights.consent", "notes": "notes",
}

// EvidenceLog takes an evidence log back that "sightline export log" wrote and
// that a person has worked on in a spreadsheet: CSV, or the sheet "evidence" of
// the workbook. now is the log as it would be written now in the language lang,
// by item and column. Changed cells of editable columns change the items, all
// in one entry; a log that nobody changed changes nothing. Rows whose item has
// changed since, unknown items and changed cells of other columns are reported.
func (a *Adder) EvidenceLog(ctx context.Context, path, lang string, now map[string]map[string]string) (*Report, error) {
	r := &Report{Added: []Line{}, Known: []Line{}, Refused: []Refusal{}}
	t, err := ReadTableIn(ctx, a.Box, path, "evidence")
	if err != nil {
		r.Refused = append(r.Refused, Refusal{path, filepath.Base(path), err.Error()})
		return r, nil
	}
	id := -1
	for i, h := range t.Header {
		if h == "evidence_id" {
			id = i
		}
	}
	if id < 0 {
		r.Refused = append(r.Refused, Refusal{path, t.File, "there is no column evidence_id: this is no evidence log of Sightline"})
		return r, nil
	}
	r.Rows = append(r.Rows, t.Bad...)
	edits := map[string]tree{}
	rows := map[string]Row{}
	var order []string
	for n, row := range t.Rows {
		item := row.Cells[id]
		have, ok := now[item]
		switch {
		case !ok && n == 0 && !strings.Contains(item, "-"):
			continue // the workbook's second header, in the reader's language
		case !ok:
			r.Rows = append(r.Rows, BadCell{File: t.File, Row: row.Number, Column: "evidence_id", Value: item, Why: "there is no such item in this case"})
			continue
		case rows[item].Cells != nil:
			r.Rows = append(r.Rows, BadCell{File: t.File, Row: row.Number, Column: "evidence_id", Value: item, Why: "this item stands in the table twice; the first row was taken"})
			continue
		}
		rows[item] = row
		edit, bad := a.edits(t, row, have, lang)
		r.Rows = append(r.Rows, bad...)
		if len(edit) > 0 {
			edits[item] = edit
			order = append(order, item)
		}
	}
	if len(order) == 0 {
		return r, nil
	}
	var changed []string
	var stale []BadCell
	_, err = a.Store.Update(ctx, a.Actor, func(w sightline.Writer) error {
		changed, stale = nil, nil
		for _, item := range order {
			ref := sightline.Ref{Kind: sightline.KindItem, ID: item}
			row, err := w.Row(ref)
			if err != nil {
				return err
			}
			if digest.Of(row.Value).String() != now[item]["record_sha256"] {
				stale = append(stale, BadCell{File: t.File, Row: rows[item].Number, Why: staleRow})
				continue
			}
			it, err := sightline.Get[sightline.Item](w, sightline.KindItem, item)
			if err != nil {
				return err
			}
			for _, at := range sortedKeys(edits[item]) {
				if err := setText(it, at, edits[item][at].(string)); err != nil {
					return err
				}
			}
			if err := w.Put(it); err != nil {
				return err
			}
			changed = append(changed, string(ref.Kind)+" "+item)
		}
		if len(changed) > 0 {
			a.prepare()
			tool := a.tool
			w.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Tool: &tool,
				Seal: map[string]any{"reason": a.seal["reason"], "args": map[string]any{"path": path, "argv": a.Argv}}})
		}
		return nil
	})
	r.Rows = append(r.Rows, stale...)
	r.Changed = changed
	return r, err
}

const staleRow = "the item has changed since this log was written; export the log again and repeat the change"

// edits compares a row with the log as it is now.
func (a *Adder) edits(t *Table, row Row, now map[string]string, lang string) (tree, []BadCell) {
	edit := tree{}
	var bad []BadCell
	stale := false
	for i, h := range t.Header {
		have, known := now[h]
		cell := unguard(row.Cells[i])
		if known && (asRead(cell) == asRead(have) || cell == unguard(asRead(have))) {
			continue
		}
		at, may := editable[h]
		why := ""
		switch {
		case !known && cell == "":
			continue
		case !known:
			why = "an evidence log has no column of this name"
		case h == "record_sha256":
			stale = true
			continue
		case !may:
			why = "this column is made from the case; change it at the item"
		default:
			why = checkWord(at, cell)
		}
		if why != "" {
			bad = append(bad, BadCell{File: t.File, Row: row.Number, Column: h, Value: cell, Why: why})
			continue
		}
		edit[strings.ReplaceAll(at, "*", lang)] = cell
	}
	if stale {
		return nil, []BadCell{{File: t.File, Row: row.Number, Why: staleRow}}
	}
	return edit, bad
}

// unguard takes away the apostrophe that keeps a spreadsheet from running a cell.
func unguard(s string) string {
	if len(s) > 1 && s[0] == '\'' && strings.ContainsRune("=+-@\t\r", rune(s[1])) {
		return s[1:]
	}
	return s
}

// asRead is a cell as tables are read: trimmed, lines ended by one character.
func asRead(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
}

// setText sets one editable field of an item.
func setText(it *sightline.Item, at, v string) error {
	words := func(t *sightline.Text, prefix string) {
		lang := strings.TrimPrefix(at, prefix)
		if *t == nil {
			*t = sightline.Text{}
		}
		if (*t)[lang] = v; v == "" {
			delete(*t, lang)
		}
	}
	switch {
	case strings.HasPrefix(at, "title."):
		words(&it.Title, "title.")
	case strings.HasPrefix(at, "seen."):
		words(&it.Seen, "seen.")
	case strings.HasPrefix(at, "source.name."):
		words(&it.Source.Name, "source.name.")
	case strings.HasPrefix(at, "public.reason."):
		words(&it.Public.Reason, "public.reason.")
	default:
		field, ok := map[string]*string{
			"language": &it.Language, "source.perspective": &it.Source.Perspective, "sensitivity": &it.Sensitivity, "source.url": &it.Source.URL,
			"source.platform": &it.Source.Platform, "workflow": &it.Workflow, "public.decision": &it.Public.Decision, "rights.licence": &it.Rights.Licence,
			"rights.consent": &it.Rights.Consent, "notes": &it.Notes,
		}[at]
		if !ok {
			return fmt.Errorf("an evidence log cannot set %s: %w", at, sightline.ErrInvalid)
		}
		*field = v
	}
	return nil
}
