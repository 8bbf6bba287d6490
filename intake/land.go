package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sightline"
	"sightline/when"
)

// Import takes an export into the case: the file itself, each record as an
// item whose bytes are the canonical JSON of what the record says, and each
// attachment that is there as an item of its own. What was imported once adds
// nothing the second time, also when a longer export of the same chat comes
// later: a record is known by its words, its written time and its author, and
// by which of several like it it is.
//
// Stretches of a transcript become observations of the recording named by
// item, because they say nothing without it.
func (a *Adder) Import(ctx context.Context, path, as, item string, o ImportOptions) (*Report, error) {
	r := &Report{Added: []Line{}, Known: []Line{}, Refused: []Refusal{}}
	no := func(why string) (*Report, error) {
		r.Refused = append(r.Refused, Refusal{path, filepath.Base(path), why})
		return r, nil
	}
	if transcripts[as] && item == "" {
		return no("a transcript belongs to a recording: name its item with --of")
	}
	im, src, err := a.read(ctx, path, as, o)
	if src != nil {
		defer src.close()
	}
	if err != nil {
		return no(err.Error())
	}
	for _, q := range im.Questions {
		if q.About == "dates" {
			return no(q.Ask)
		}
	}
	r.Rows = append(r.Rows, im.Bad...)
	// The sidecars of a Takeout folder are taken with their records.
	if !src.folder || as != "takeout" {
		fr, err := a.Take(ctx, []Input{{Path: src.path, Name: src.name}})
		r.merge(fr)
		if err != nil {
			return r, err
		}
	}
	if transcripts[as] {
		return r, a.observe(ctx, r, im, item)
	}
	seen := map[string]int{}
	for i := range im.Records {
		rec := &im.Records[i]
		var held []string
		for k := range rec.Attachments {
			id, err := a.attachment(ctx, r, src, &rec.Attachments[k])
			if err != nil {
				return r, err
			}
			if id != "" {
				held = append(held, id)
			}
		}
		raw := recordJSON(im.As, rec)
		b, err := canonical(raw)
		if err != nil {
			r.Rows = append(r.Rows, BadCell{File: im.File, Row: rec.Number, Why: "the record holds characters that are not text"})
			continue
		}
		if seen[string(b)]++; seen[string(b)] > 1 {
			raw["nth"] = seen[string(b)]
			if b, err = canonical(raw); err != nil {
				return r, err
			}
		}
		blob, err := a.Blobs.Put(ctx, bytes.NewReader(b))
		if err != nil {
			return r, a.stopped(fmt.Errorf("failed to keep record %d: %w", rec.Number, err), r, len(im.Records))
		}
		it := a.fresh(blob, Kind{Type: "application/json", Media: "record"})
		describeRecord(it, im, rec, held)
		line, added, err := a.enterRecord(ctx, path, &record{row: Row{Number: rec.Number}, bytes: b, item: it, blob: blob})
		if err != nil {
			return r, a.stopped(err, r, len(im.Records))
		}
		if added {
			r.Added = append(r.Added, line)
		} else {
			line.Why = line.ID + " is already here"
			r.Known = append(r.Known, line)
		}
		if a.Progress != nil {
			a.Progress(i+1, len(im.Records), 0, line)
		}
	}
	return r, nil
}

func (r *Report) merge(o *Report) {
	if o != nil {
		r.Added, r.Known, r.Refused = append(r.Added, o.Added...), append(r.Known, o.Known...), append(r.Refused, o.Refused...)
	}
}

// recordJSON is what a record is known by.
func recordJSON(as string, rec *Record) map[string]any {
	m := map[string]any{"as": as, "kind": rec.Kind, "author": rec.Author, "title": rec.Title, "text": rec.Text}
	if rec.Written != "" {
		m["text"] = rec.Written
	}
	if rec.ID != "" {
		m["id"] = rec.ID
	}
	if rec.Time != nil {
		m["time"] = rec.Time.Written
	}
	if rec.URL != "" {
		m["url"] = rec.URL
	}
	if rec.Place != nil {
		m["lat"], m["lon"] = fmt.Sprint(rec.Place.Lat), fmt.Sprint(rec.Place.Lon)
		if n := len(rec.Place.Points); n > 0 {
			list := make([]any, n)
			for i, p := range rec.Place.Points {
				list[i] = fmt.Sprintf("%g %g", p[0], p[1])
			}
			m["points"] = list
		}
	}
	if len(rec.To) > 0 {
		list := make([]any, len(rec.To))
		for i, t := range rec.To {
			list[i] = t
		}
		m["to"] = list
	}
	if len(rec.Attachments) > 0 {
		list := make([]any, len(rec.Attachments))
		for i, at := range rec.Attachments {
			list[i] = at.Name
		}
		m["attachments"] = list
	}
	if len(rec.Fields) > 0 {
		f := map[string]any{}
		for k, v := range rec.Fields {
			if k != "dkim" { // depends on the keys that were given, not on the message
				f[k] = v
			}
		}
		m["fields"] = f
	}
	return m
}

// describeRecord fills the item of a record.
func describeRecord(it *sightline.Item, im *Imported, rec *Record, held []string) {
	it.Media = map[string]string{"message": "post", "system": "record", "post": "post", "mail": "post"}[rec.Kind]
	if it.Media == "" {
		it.Media = "record"
	}
	title := rec.Title
	if title == "" {
		title = strings.TrimSpace(strings.SplitN(rec.Text, "\n", 2)[0])
	}
	if rs := []rune(title); len(rs) > 100 {
		title = string(rs[:100]) + "…"
	}
	it.Title = sightline.Text{}
	if title != "" {
		it.Title["und"] = title
	}
	if rec.Text != "" {
		it.Seen = sightline.Text{"und": rec.Text}
	}
	it.Source.Method, it.Source.URL = im.As, rec.URL
	if rec.Author != "" {
		it.Source.Name = sightline.Text{"und": rec.Author}
	}
	fact := func(k, v string) {
		if v != "" && len(it.Facts) < 100 {
			it.Facts = append(it.Facts, sightline.Fact{Field: k, Value: v, Tool: "table", Doubt: "as the export says; nothing here has checked it"})
		}
	}
	fact("Import:file", "sha256-"+im.SHA256)
	fact("Import:row", fmt.Sprint(rec.Number))
	fact("Import:kind", rec.Kind)
	fact("Import:to", strings.Join(rec.To, ", "))
	fact("Import:attachments", strings.Join(held, ", "))
	for _, k := range sortedKeys(rec.Fields) {
		fact("Import:"+k, rec.Fields[k])
	}
	for _, at := range rec.Attachments {
		if !at.Held {
			it.Notes = strings.TrimSpace(it.Notes + "\nattachment not here: " + at.Name + " (" + at.Why + ")")
		}
	}
	it.Notes = strings.TrimSpace(strings.Join(append([]string{it.Notes}, rec.Warnings...), "\n"))
	if t := rec.time(); t != nil {
		if rec.Kind == "event" || rec.Kind == "place" || rec.Kind == "track" || rec.Kind == "photo" {
			it.Times = []sightline.Time{*t}
			it.Axes.Time.Status = "claimed"
		} else {
			it.Posted = t
		}
	}
	if p := rec.Place; p != nil && (p.Lat != 0 || p.Lon != 0) {
		role, form := "subject", p.Form
		if rec.Kind == "photo" {
			role = "camera"
		}
		if form == "" {
			form = "point"
		}
		pl := sightline.Place{Role: role, Form: form, Status: "claimed", Geo: &sightline.Geo{Lat: p.Lat, Lon: p.Lon, H: p.Alt, Datum: "unknown"}}
		if form != "point" {
			pl.Form = "point" // the first point; all of them stand in the preserved record
			pl.Approx = true
		}
		it.Places = []sightline.Place{pl}
		it.Axes.Place.Status = "claimed"
	}
}

// time is the record's time as the case keeps it; nil when it has none.
func (rec *Record) time() *sightline.Time {
	if rec.Time == nil || rec.Time.Min == nil && rec.Time.Max == nil {
		return nil
	}
	t := &sightline.Time{Printed: rec.Time.Written, Status: "claimed", Precision: "derived"}
	read := func(s *string) *when.Instant {
		if s == nil {
			return nil
		}
		at, err := time.Parse(time.RFC3339Nano, *s)
		if err != nil {
			return nil
		}
		i := when.FromTime(at)
		return &i
	}
	t.Min, t.Max = read(rec.Time.Min), read(rec.Time.Max)
	if rec.Time.Zone != nil && strings.Contains(*rec.Time.Zone, "/") {
		t.Zone = *rec.Time.Zone
	}
	why := rec.Time.Why
	if why == "" {
		why = "as the export says"
	}
	t.Basis = sightline.Text{"en": why, "es": "según la exportación; el intervalo cubre lo que no se indica"}
	return t
}

// attachment takes the bytes of an attachment that is here and returns its item.
func (a *Adder) attachment(ctx context.Context, r *Report, src *source, at *Attachment) (string, error) {
	var k kept
	switch {
	case !at.Held:
		return "", nil
	case at.path != "" && at.carried:
		if fi, err := os.Lstat(at.path); err != nil || fi.Size() == 0 {
			r.Refused = append(r.Refused, Refusal{src.path, at.Name, "the attachment is empty"})
			return "", nil
		}
		k = a.keep(ctx, Input{Path: at.path, Name: lastName(at.Name)})
		k.in.Path, k.mod = src.path, a.now() // the worker's copy has no time of its own
	case at.path != "":
		k = a.keep(ctx, Input{Path: at.path, Name: filepath.Base(at.path)})
	default:
		b := at.bytes
		if at.entry != nil {
			var err error
			if b, err = unzip(at.entry, maxAttachment); err != nil {
				r.Refused = append(r.Refused, Refusal{src.path, at.Name, err.Error()})
				return "", nil
			}
		}
		if len(b) == 0 {
			r.Refused = append(r.Refused, Refusal{src.path, at.Name, "the attachment is empty"})
			return "", nil
		}
		blob, err := a.Blobs.Put(ctx, bytes.NewReader(b))
		if err != nil {
			return "", a.stopped(fmt.Errorf("failed to keep %s: %w", Printable(at.Name), err), r, 1)
		}
		k = kept{in: Input{Path: src.path, Name: lastName(at.Name)}, blob: blob, kind: Sniff(b[:min(len(b), SniffLen)]), mod: a.now()}
	}
	if k.err != nil {
		return "", a.stopped(k.err, r, 1)
	}
	if k.why != "" {
		r.Refused = append(r.Refused, Refusal{k.in.Path, k.in.Name, k.why})
		return "", nil
	}
	line, added, err := a.enter(ctx, k)
	if err != nil {
		return "", a.stopped(err, r, 1)
	}
	if added {
		r.Added = append(r.Added, line)
	} else {
		line.Why = line.ID + " is already here"
		r.Known = append(r.Known, line)
	}
	return line.ID, nil
}

func lastName(name string) string { return name[strings.LastIndexAny(name, `/\`)+1:] }

// observe writes the stretches of a transcript as observations of a recording,
// in one entry. Those that are there already are left alone.
func (a *Adder) observe(ctx context.Context, r *Report, im *Imported, item string) error {
	n := 0
	_, err := a.Store.Update(ctx, a.Actor, func(w sightline.Writer) error {
		n = 0
		it, err := sightline.Get[sightline.Item](w, sightline.KindItem, item)
		if errors.Is(err, sightline.ErrNotFound) {
			return fmt.Errorf("there is no item %s in this case: %w", item, sightline.ErrInvalid)
		}
		if err != nil {
			return err
		}
		if it.Media != "video" && it.Media != "audio" {
			return fmt.Errorf("%s is no recording: %w", item, sightline.ErrInvalid)
		}
		all, err := sightline.All[sightline.Observation](w, sightline.KindObservation)
		if err != nil {
			return err
		}
		have := map[string]bool{}
		last := 0
		key := func(from, to *int64, text, speaker string) string {
			return fmt.Sprint(deref(from), " ", deref(to), " ", speaker, " ", text)
		}
		for _, o := range all {
			if o.Item != item {
				continue
			}
			var k int
			if _, err := fmt.Sscanf(strings.TrimPrefix(o.ID, item+"."), "%d", &k); err == nil {
				last = max(last, k)
			}
			have[key(o.FromMS, o.ToMS, o.Text["und"], o.Speaker)] = true
		}
		for _, rec := range im.Records {
			if strings.TrimSpace(rec.Text) == "" || rec.StartMS == nil {
				continue
			}
			who := rec.Speaker
			if who == "" {
				who = rec.Tier
			}
			k := key(rec.StartMS, rec.EndMS, rec.Text, who)
			if have[k] {
				continue
			}
			have[k] = true
			last++
			n++
			if err := w.Put(&sightline.Observation{ID: fmt.Sprintf("%s.%d", item, last), Item: item, Text: sightline.Text{"und": rec.Text}, FromMS: rec.StartMS, ToMS: rec.EndMS, Speaker: who}); err != nil {
				return err
			}
		}
		if n == 0 {
			return nil
		}
		a.prepare()
		tool := a.tool
		w.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Tool: &tool,
			Seal: map[string]any{"reason": a.seal["reason"], "args": map[string]any{"transcript": "sha256-" + im.SHA256, "as": im.As, "argv": a.Argv}}})
		return nil
	})
	if errors.Is(err, sightline.ErrInvalid) {
		r.Refused = append(r.Refused, Refusal{im.File, im.File, strings.TrimSuffix(err.Error(), ": "+sightline.ErrInvalid.Error())})
		return nil
	}
	if err == nil && n > 0 {
		r.Changed = append(r.Changed, fmt.Sprintf("%d observations of %s", n, item))
	}
	return err
}

func deref(p *int64) int64 {
	if p == nil {
		return -1
	}
	return *p
}
