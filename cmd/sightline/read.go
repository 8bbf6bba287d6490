package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"sightline/intake"
)

// readCmd shows what an export holds before anything is written.
type readCmd struct {
	Files       []string `arg:"" name:"file" help:"The export: a file, a folder or a ZIP."`
	As          string   `required:"" help:"Its format: whatsapp, signal, telegram, instagram, twitter, mail, vcard, timemap, bellingcat, atlos, auto-archiver, geojson, kml, gpx, takeout, srt, vtt, whisper, eaf, textgrid, ttml, ssa." placeholder:"FORMAT"`
	importFlags `embed:""`
	Dates       string `help:"Order of dates such as 3/4/2018: dmy, mdy, ymd or ydm." placeholder:"ORDER"`
	JSON        bool   `help:"Print the answer as JSON."`
}

// importFlags are the answers to what an export does not say itself.
type importFlags struct {
	Zone string `help:"IANA zone of the device that wrote the export, such as America/Caracas." placeholder:"ZONE"`
	Keys string `name:"dkim-keys" help:"File of DKIM keys for mail, one a line: selector._domainkey.domain, a space, the TXT record. Nothing is looked up from here." placeholder:"FILE"`
}

func (f importFlags) options(dates string) (intake.ImportOptions, error) {
	o := intake.ImportOptions{Zone: f.Zone, Dates: dates}
	if f.Keys == "" {
		return o, nil
	}
	b, err := os.ReadFile(f.Keys)
	if err != nil {
		return o, fmt.Errorf("the keys cannot be read: %w", err)
	}
	o.Keys = map[string]string{}
	for _, l := range strings.Split(string(b), "\n") {
		if name, record, ok := strings.Cut(strings.TrimSpace(l), " "); ok {
			o.Keys[name] = strings.Trim(strings.TrimSpace(record), `"`)
		}
	}
	return o, nil
}

func (c *readCmd) Run(e *env) error {
	o, err := c.options(c.Dates)
	if err != nil {
		return exit(2, err)
	}
	box, done, err := newBox(e.ctx)
	if err != nil {
		return err
	}
	defer done()
	var all []*intake.Imported
	status := 0
	for _, f := range c.Files {
		im, err := intake.ReadAsIn(e.ctx, box, f, c.As, o)
		if err != nil {
			fmt.Fprintf(e.stderr, "not read: %s: %s\n", intake.Printable(f), err)
			status = 2
			if c.JSON {
				all = append(all, &intake.Imported{File: f, As: c.As, Records: []intake.Record{}, Bad: []intake.BadCell{{File: f, Why: err.Error()}}, Questions: []intake.Question{}, Notes: []string{}})
			}
			continue
		}
		if len(im.Bad) > 0 && status == 0 {
			status = 1
		}
		all = append(all, im)
	}
	if c.JSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		var v any = all
		if len(all) == 1 {
			v = all[0]
		}
		if err := enc.Encode(v); err != nil {
			return err
		}
	} else {
		for _, im := range all {
			showImport(e, im)
		}
	}
	if status != 0 {
		return exit(status, nil)
	}
	return nil
}

func showImport(e *env, im *intake.Imported) {
	p := intake.Printable
	held, named := 0, 0
	for _, r := range im.Records {
		for _, a := range r.Attachments {
			named++
			if a.Held {
				held++
			}
		}
	}
	fmt.Fprintf(e.stdout, "%s: %d records, %d attachments named, %d of them here, %d rows that cannot be read\n", p(im.File), len(im.Records), named, held, len(im.Bad))
	for i, r := range im.Records {
		if i == 5 {
			fmt.Fprintln(e.stdout, "  ...")
			break
		}
		when := ""
		if r.Time != nil {
			if when = r.Time.Value; when == "" {
				when = r.Time.Written + " (not decided)"
			}
		}
		if r.StartMS != nil {
			when = fmt.Sprintf("%.3f s", float64(*r.StartMS)/1000)
		}
		text := r.Title
		if text == "" {
			text = r.Text
		}
		if t := []rune(text); len(t) > 70 {
			text = string(t[:70]) + "…"
		}
		fmt.Fprintf(e.stdout, "  %d  %s  %s  %s\n", r.Number, p(when), p(r.Author+r.Speaker), p(strings.ReplaceAll(text, "\n", " ")))
	}
	for _, q := range im.Questions {
		fmt.Fprintf(e.stdout, "asked: %s\n", p(q.Ask))
	}
	for _, n := range im.Notes {
		fmt.Fprintf(e.stdout, "note: %s\n", p(n))
	}
	for i, b := range im.Bad {
		if i == 20 {
			fmt.Fprintf(e.stderr, "and %d more\n", len(im.Bad)-i)
			break
		}
		fmt.Fprintf(e.stderr, "not read: %s\n", b)
	}
}
