package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sightline"
	"sightline/archive"
	"sightline/digest"
	"sightline/intake"
	"sightline/narrate"
)

// exportCmd writes a case in the formats of other programs.
type exportCmd struct {
	Log        exportLogCmd   `cmd:"" help:"Write the evidence log as CSV or XLSX."`
	Claim      exportClaimCmd `cmd:"" help:"Write one claim of a published edition, with all it rests on, as a ZIP archive that anyone can check."`
	Bag        exportBagCmd   `cmd:"" help:"Write the case as a BagIt bag: original bytes, objects, log and proofs."`
	exportTime `embed:""`
	WACZ       exportWACZCmd       `cmd:"" name:"wacz" help:"Write captured pages as one WACZ, which replayweb.page opens."`
	Checkpoint exportCheckpointCmd `cmd:"" help:"Write the newest signed checkpoint of the log, to be kept elsewhere."`

	KML     exportKMLCmd     `cmd:"" name:"kml" help:"Write the public places as KML, with the cameras of solved photos."`
	GeoJSON exportGeoJSONCmd `cmd:"" name:"geojson" help:"Write the public places as GeoJSON."`
	TimeMap exportTimeMapCmd `cmd:"" name:"timemap" help:"Write the public items as events, sources and associations of TimeMap."`
	IIIF    exportIIIFCmd    `cmd:"" name:"iiif" help:"Write the public scene as a IIIF Presentation 4 manifest."`
	CSL     exportCSLCmd     `cmd:"" name:"csl" help:"Write citation data as CSL-JSON."`
	BibTeX  exportBibTeXCmd  `cmd:"" name:"bibtex" help:"Write citation data as BibTeX."`
	CASE    exportCASECmd    `cmd:"" name:"case" help:"Write the whole case and its log as CASE/UCO JSON-LD; not for the public."`
	PROV    exportPROVCmd    `cmd:"" name:"prov" help:"Write the whole case and its log as W3C PROV JSON-LD; not for the public."`
	Exhibit exportExhibitCmd `cmd:"" help:"Write one item as an exhibit to print and sign."`
	Custody exportCustodyCmd `cmd:"" help:"Write who did what to one item, to print and sign."`
	Reveal  exportRevealCmd  `cmd:"" help:"Open the commitment that stands in an edition for the digest of an item."`
}

// exportBagCmd writes the case as a BagIt bag and reads it through again.
type exportBagCmd struct {
	inCase `embed:""`
	To     string `required:"" help:"Folder for the bag; it must not exist." placeholder:"DIR" type:"path"`
	JSON   bool   `help:"Print what was written as JSON."`
}

func (c *exportBagCmd) Run(e *env) error {
	if _, err := os.Lstat(c.To); err == nil {
		return exit(2, fmt.Errorf("%s exists already; a bag is never written over anything", c.To))
	}
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	// Everything in the bag is covered by its checkpoint.
	if _, err := f.Store.Checkpoint(e.ctx); err != nil {
		return fmt.Errorf("the log could not be signed: %w", err)
	}
	work := c.To + ".writing"
	if err := os.RemoveAll(work); err != nil {
		return fmt.Errorf("failed to make room for the bag: %w", err)
	}
	defer os.RemoveAll(work)
	if err := os.MkdirAll(work, 0o755); err != nil {
		return fmt.Errorf("failed to make the folder of the bag: %w", err)
	}
	bar := newBar(e)
	var out narrate.BagWritten
	err = f.Store.View(e.ctx, f.Actor, func(r sightline.Reader) error {
		doc, err := sightline.Load(r)
		if err != nil {
			return err
		}
		in := narrate.BagInput{Doc: doc, Version: version, Entries: r.Entries(0, doc.Head.Size), Progress: bar.draw,
			Open:  func(ctx context.Context, d digest.Digest) (io.ReadCloser, error) { return f.Blobs.Open(ctx, d) },
			Proof: func(_ context.Context, id string) (map[string][]byte, error) { return f.ProofIn(r, id) }}
		if in.Origin, err = r.Origin(); err != nil {
			return err
		}
		list, err := r.Checkpoints()
		if err != nil {
			return err
		}
		in.Checkpoint = list[len(list)-1].Note
		if in.LogKey, err = f.LogPublicPEM(); err != nil {
			return err
		}
		out, err = narrate.WriteBag(e.ctx, in, work)
		return err
	})
	bar.done()
	if err != nil {
		return err
	}
	rep, err := intake.CheckBag(e.ctx, work)
	if err != nil {
		return err
	}
	if rep.State != intake.BagValid {
		return fmt.Errorf("the bag that was written is %s: %s", rep.State, strings.Join(append(rep.Faults, rep.Warnings...), "; "))
	}
	if err := os.Rename(work, c.To); err != nil {
		return fmt.Errorf("failed to put the bag in its place: %w", err)
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(out)
	}
	fmt.Fprintf(e.stdout, "wrote %s: %d items, %d with their bytes; %d files of %.1f MB, read through again and whole\n", c.To, out.Items, out.Held, out.Files, float64(out.Size)/1e6)
	return nil
}

// exportCheckpointCmd writes the head of the log for others to keep: against
// it "check --since" shows later that nothing was taken away.
type exportCheckpointCmd struct {
	inCase `embed:""`
	Output string `short:"o" help:"File to write; \"-\" is the standard output." default:"-" placeholder:"FILE"`
}

func (c *exportCheckpointCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	cp, err := f.Store.Checkpoint(e.ctx)
	if err != nil {
		return err
	}
	if c.Output == "-" {
		_, err = e.stdout.Write(cp.Note)
		return err
	}
	if err := writeWhole(c.Output, cp.Note); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "wrote %s: the log has %d entries\n", c.Output, cp.Size)
	return nil
}

type exportLogCmd struct {
	inCase `embed:""`
	Format string `help:"csv or xlsx. Default: by the name of the output, else csv." enum:"csv,xlsx," default:""`
	Output string `short:"o" help:"File to write; \"-\" is the standard output. Beside a CSV file the long tables are written as NAME-observations.csv, NAME-claims.csv and NAME-links.csv." default:"-" placeholder:"FILE"`
	Lang   string `help:"Language of texts and of the second header row. Default: the first of the case." placeholder:"LANG"`
	JSON   bool   `help:"Print what was written as JSON."`
}

func (c *exportLogCmd) Run(e *env) error {
	format := c.Format
	if format == "" {
		format = "csv"
		if strings.HasSuffix(strings.ToLower(c.Output), ".xlsx") {
			format = "xlsx"
		}
	}
	if format == "xlsx" && c.Output == "-" && terminal(e.stdout) {
		return exit(2, errors.New("a workbook is not text: give a file with -o"))
	}
	if c.JSON && c.Output == "-" {
		return exit(2, errors.New("with --json the log needs a file: give one with -o"))
	}
	f, err := c.open(archive.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer f.Close()
	lang := c.Lang
	var l *narrate.Log
	err = f.Store.View(e.ctx, f.Actor, func(r sightline.Reader) error {
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
		l, err = narrate.ReadLog(r, lang)
		return err
	})
	if err != nil {
		return err
	}
	if format == "csv" && c.Output == "-" {
		t, _ := l.Table("evidence")
		return t.WriteCSV(e.stdout)
	}
	if format == "xlsx" && c.Output == "-" {
		return l.WriteXLSX(e.stdout, lang)
	}
	var wrote []string
	put := func(name string, write func(io.Writer) error) error {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return err
		}
		if err := writeWhole(name, b.Bytes()); err != nil {
			return err
		}
		wrote = append(wrote, name)
		return nil
	}
	if format == "xlsx" {
		err = put(c.Output, func(w io.Writer) error { return l.WriteXLSX(w, lang) })
	} else {
		base := strings.TrimSuffix(c.Output, filepath.Ext(c.Output))
		for i := range l.Tables {
			t, name := &l.Tables[i], c.Output
			if t.Name != "evidence" {
				name = base + "-" + t.Name + ".csv"
			}
			if err = put(name, t.WriteCSV); err != nil {
				break
			}
		}
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(map[string]any{"files": wrote, "items": len(l.Tables[0].Rows), "head": l.Head})
	}
	for _, w := range wrote {
		fmt.Fprintln(e.stdout, "wrote", w)
	}
	return nil
}

// writeWhole writes a file under a temporary name first, so that a full disk
// leaves the old file and never half a new one.
func writeWhole(name string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".sightline-*")
	if err != nil {
		return fmt.Errorf("failed to write %s: %w", name, err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("failed to write %s: %w", name, err)
	}
	return nil
}
