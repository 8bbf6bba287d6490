package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-isatty"

	"sightline"
	"sightline/archive"
	"sightline/flow"
	"sightline/intake"
	"sightline/narrate"
	"sightline/tool"
)

// terminal reports whether w is a person's screen: progress is drawn only there.
func terminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && (isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd()))
}

// addCmd takes files, tables, documents and scenes into a case.
type addCmd struct {
	inCase      `embed:""`
	Paths       []string `arg:"" name:"path" help:"Files and folders; folders are walked, links are not followed."`
	As          string   `help:"What the paths are: files, records (CSV or XLSX), document (JSON objects), scene (a built scene folder), bag (BagIt, a folder or ZIP), log (an evidence log that was worked on in a spreadsheet), or an export: whatsapp, signal, telegram, instagram, twitter, mail, vcard, timemap, bellingcat, atlos, auto-archiver, geojson, kml, gpx, takeout, srt, vtt, whisper, eaf, textgrid, ttml, ssa." default:"files"`
	Of          string   `help:"The recording that a transcript belongs to." placeholder:"ITEM"`
	importFlags `embed:""`
	Map         string `help:"Mapping of the columns of a table, JSON (docs/formats/cli.md). Without it the headers must be those of a known format." placeholder:"FILE"`
	Dates       string `help:"Order of dates such as 3/4/2018 in a table: dmy or mdy." placeholder:"ORDER"`
	Lang        string `help:"Language of the texts of an evidence log. Default: the first of the case." placeholder:"LANG"`
	Reason      string `help:"Why this is collected; kept sealed in the custody log." placeholder:"TEXT"`
	Access      string `help:"How it was reached: public, login, invitation, given." enum:"public,login,invitation,given" default:"given"`
	JSON        bool   `help:"Print the report as JSON."`
}

func (c *addCmd) Run(e *env) error {
	if own := []string{"files", "records", "document", "scene", "bag", "log"}; !slices.Contains(append(own, intake.ImportFormats()...), c.As) {
		return exit(2, fmt.Errorf("there is no format %q; sightline add --help lists them", c.As))
	}
	if c.Map != "" && c.As != "records" {
		return exit(2, errors.New("--map is for tables: say --as records as well"))
	}
	var m *intake.Mapping
	if c.Map != "" {
		f, err := os.Open(c.Map)
		if err != nil {
			return exit(2, fmt.Errorf("the mapping cannot be read: %w", err))
		}
		defer f.Close()
		if m, err = intake.ReadMapping(f); err != nil {
			return exit(2, fmt.Errorf("%s: %w", c.Map, err))
		}
		if c.Dates != "" {
			m.Dates = c.Dates
		}
	}
	answers, err := c.options(c.Dates)
	if err != nil {
		return exit(2, err)
	}
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	reason := c.Reason
	if reason == "" && terminal(e.stdin) && terminal(e.stderr) {
		fmt.Fprint(e.stderr, "Why is this collected? (kept sealed in the custody log) ")
		line, _ := bufio.NewReader(e.stdin).ReadString('\n')
		reason = strings.TrimSpace(line)
	}
	if reason == "" {
		fmt.Fprintln(e.stderr, "No reason for the collection was given; the custody log will say \"not stated\" (--reason).")
	}
	box, err := tool.NewBox(e.ctx, scratch(f), false)
	if err != nil {
		return err
	}
	bar := newBar(e)
	a := &intake.Adder{
		Box:   box,
		Store: f.Store, Blobs: f.Blobs, Actor: f.Actor, Version: version, Reason: reason, Access: c.Access, Jobs: flow.JobsFor,
		Argv: append([]string{"add", "--as", c.As}, c.Paths...),
		Progress: func(done, total int, bytes int64, l intake.Line) {
			bar.draw(done, total, fmt.Sprintf("%d MB  %s", bytes>>20, intake.Printable(l.Name)))
		},
	}
	total := &intake.Report{Added: []intake.Line{}, Known: []intake.Line{}, Refused: []intake.Refusal{}}
	merge := func(r *intake.Report) {
		if r != nil {
			total.Added, total.Known, total.Refused = append(total.Added, r.Added...), append(total.Known, r.Known...), append(total.Refused, r.Refused...)
			total.Rows, total.Changed = append(total.Rows, r.Rows...), append(total.Changed, r.Changed...)
		}
	}
	var stopped error
	if c.As == "files" {
		r, err := a.Files(e.ctx, c.Paths)
		merge(r)
		stopped = err
	} else {
		for _, p := range c.Paths {
			var r *intake.Report
			switch c.As {
			case "records":
				r, stopped = a.Records(e.ctx, p, m)
			case "document":
				r, stopped = a.Document(e.ctx, p)
			case "scene":
				r, stopped = a.Scene(e.ctx, p)
			case "bag":
				r, stopped = a.Bag(e.ctx, p)
			case "log":
				r, stopped = evidenceLogBack(e, f, a, p, c.Lang)
			default:
				r, stopped = a.Import(e.ctx, p, c.As, c.Of, answers)
			}
			merge(r)
			if stopped != nil {
				break
			}
		}
	}
	bar.done()
	if err := c.report(e, total); err != nil {
		return err
	}
	switch {
	case stopped != nil:
		return stopped
	case total.Failed():
		return exit(1, nil)
	}
	return nil
}

// evidenceLogBack takes an evidence log back from a spreadsheet.
func evidenceLogBack(e *env, f *folder, a *intake.Adder, path, lang string) (*intake.Report, error) {
	now := map[string]map[string]string{}
	err := f.Store.View(e.ctx, f.Actor, func(r sightline.Reader) error {
		if lang == "" {
			cases, err := sightline.All[sightline.Case](r, sightline.KindCase)
			if err != nil {
				return err
			}
			lang = "en"
			if len(cases) > 0 && len(cases[0].Languages) > 0 {
				lang = cases[0].Languages[0]
			}
		}
		l, err := narrate.ReadLog(r, lang)
		if err != nil {
			return err
		}
		t, _ := l.Table("evidence")
		for _, row := range t.Rows {
			cells := map[string]string{}
			for i, c := range t.Columns {
				cells[c.Key] = row[i]
			}
			now[cells["evidence_id"]] = cells
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a.EvidenceLog(e.ctx, path, lang, now)
}

func (c *addCmd) report(e *env, r *intake.Report) error {
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(r)
	}
	for _, l := range r.Added {
		fmt.Fprintf(e.stdout, "%s  %s  %s\n", l.ID, l.SHA256, intake.Printable(l.Name))
		if l.Note != "" {
			fmt.Fprintf(e.stdout, "        note: %s\n", l.Note)
		}
	}
	for _, l := range r.Known {
		fmt.Fprintf(e.stdout, "%s is already here: %s\n", l.ID, intake.Printable(l.Name))
	}
	for _, s := range r.Changed {
		fmt.Fprintf(e.stdout, "wrote %s\n", s)
	}
	for _, x := range r.Refused {
		fmt.Fprintf(e.stderr, "not taken: %s: %s\n", intake.Printable(x.Path), x.Why)
	}
	for _, b := range r.Rows {
		fmt.Fprintf(e.stderr, "not taken: %s\n", b)
	}
	switch {
	case c.As == "document" || c.As == "scene" || c.As == "log":
		fmt.Fprintf(e.stdout, "%d written, %d not taken\n", len(r.Changed), len(r.Refused)+len(r.Rows))
	default:
		rows := map[string]bool{}
		for _, b := range r.Rows {
			rows[fmt.Sprint(b.File, b.Row)] = true
		}
		fmt.Fprintf(e.stdout, "%d added, %d already here, %d not taken\n", len(r.Added), len(r.Known), len(r.Refused)+len(rows))
	}
	return nil
}
