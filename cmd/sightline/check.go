package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sightline"
	"sightline/archive"
	"sightline/intake"
)

// checkCmd reads everything a case or an edition holds and reports each fault.
type checkCmd struct {
	inCase    `embed:""`
	Path      string `arg:"" optional:"" help:"A case folder or a published edition. Default: the case that holds the current folder."`
	Recompute bool   `help:"Of an edition, also derive every published number again from the published inputs."`
	Rebuild   bool   `help:"Also replay the log into an empty database and compare every row."`
	Since     string `help:"A day (2026-11-24): read only the bytes that came in since. Or a checkpoint kept elsewhere (a file, a proof folder, an edition, a copy of the case): show that this log extends it." placeholder:"DATE|CHECKPOINT"`
	Sample    string `help:"Read only a random part of the bytes, e.g. 5%." placeholder:"PART"`
	Bag       string `help:"Check a BagIt bag, a folder or a ZIP file, instead of a case." placeholder:"PATH"`
	Copies    bool   `help:"Also read every copy of the case that the log tells of."`
	Restore   string `name:"restore-from" help:"Put bytes that are missing or damaged back from this copy of the case or bag, then check again." placeholder:"DIR"`
	Record    bool   `help:"Write the outcome into the custody log."`
	JSON      bool   `help:"Print the report as JSON."`
}

// Run ends with status 0 when nothing is wrong, 1 when a fault was found and 2
// when the check could not be made.
func (c *checkCmd) Run(e *env) error {
	if c.Bag != "" {
		return c.checkBag(e)
	}
	o := archive.CheckOptions{Rebuild: c.Rebuild}
	if err := c.parse(&o); err != nil {
		return exit(2, err)
	}
	dir := c.Path
	if dir != "" {
		if c.Case != "" {
			return exit(2, fmt.Errorf("name the folder once, as %q or with --case: %w", dir, sightline.ErrInvalid))
		}
		if _, err := os.Stat(dir); err != nil {
			return exit(2, fmt.Errorf("failed to look at what should be checked: %w", err))
		}
		if strings.HasSuffix(dir, ".ots") {
			return checkOTS(e, dir, c.JSON)
		}
		if _, err := os.Stat(filepath.Join(dir, "case.db")); err != nil {
			if c.Recompute {
				return recomputeEdition(e, dir, c.JSON)
			}
			return checkEdition(e, dir, c.JSON)
		}
		c.Case = dir
	}
	f, err := c.open(archive.Options{ReadOnly: true})
	if errors.Is(err, sightline.ErrDamaged) {
		return exit(1, err)
	}
	if err != nil {
		var known *exitError
		if errors.As(err, &known) {
			return err
		}
		return exit(2, err)
	}
	defer f.Close()
	bar := newBar(e)
	o.Progress = func(done, total int64, what string) { bar.draw(int(done>>20), int(total>>20), "MB of "+what) }
	rep, err := archive.Check(e.ctx, f, o)
	if err == nil && c.Copies {
		err = archive.CheckCopies(e.ctx, f, o, rep)
	}
	bar.done()
	if err != nil {
		return exit(2, err)
	}
	if c.Restore != "" && !rep.OK {
		if rep, err = c.restore(e, f.Dir, rep, o); err != nil {
			return exit(2, err)
		}
	}
	if c.Record {
		if err := c.record(e, f.Dir, rep); err != nil {
			return exit(2, err)
		}
	}
	return printReport(e, rep, f.Place.String(), c.JSON)
}

// checkBag checks a BagIt bag: status 0 when it is valid, 1 when it is not.
func (c *checkCmd) checkBag(e *env) error {
	rep, err := intake.CheckBag(e.ctx, c.Bag)
	if err != nil {
		return exit(2, fmt.Errorf("%s: %w", c.Bag, err))
	}
	if c.JSON {
		if err := json.NewEncoder(e.stdout).Encode(rep); err != nil {
			return err
		}
	} else {
		for _, l := range []struct {
			what string
			list []string
		}{{"note", rep.Notes}, {"warning", rep.Warnings}, {"fault", rep.Faults}} {
			for _, s := range l.list {
				fmt.Fprintf(e.stdout, "%s: %s\n", l.what, s)
			}
		}
		fmt.Fprintf(e.stdout, "%s is %s: BagIt %s, %d files of %.1f MB are whole.\n", c.Bag, rep.State, rep.Version, len(rep.Files), float64(rep.Bytes)/1e6)
	}
	if rep.State == intake.BagInvalid || rep.State == intake.BagIncomplete {
		return exit(1, fmt.Errorf("%s is %s", c.Bag, rep.State))
	}
	return nil
}

func (c *checkCmd) parse(o *archive.CheckOptions) (err error) {
	if c.Since != "" {
		if o.Since, err = time.Parse(time.DateOnly, c.Since); err != nil {
			if o.Kept, err = archive.ReadCheckpoints(c.Since); err != nil {
				return fmt.Errorf("--since %q is neither a day such as 2026-11-24 nor a checkpoint: %w", c.Since, err)
			}
		}
	}
	if c.Sample != "" {
		n, err := strconv.ParseFloat(strings.TrimSuffix(c.Sample, "%"), 64)
		if strings.HasSuffix(c.Sample, "%") {
			n /= 100
		}
		if err != nil || !(n > 0 && n <= 1) {
			return fmt.Errorf("--sample %q is not a part such as 5%% or 0.05: %w", c.Sample, sightline.ErrInvalid)
		}
		o.Sample = n
	}
	return nil
}

// restore puts bytes back from a copy and checks again.
func (c *checkCmd) restore(e *env, dir string, rep *archive.Report, o archive.CheckOptions) (*archive.Report, error) {
	f, err := archive.OpenAt(e.ctx, c.where(dir), archive.Options{})
	if err != nil {
		return nil, err
	}
	done, err := archive.Restore(e.ctx, f, rep, c.Restore, version)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	for _, b := range done.Back {
		fmt.Fprintf(e.stderr, "restored %s, %d bytes, from %s\n", b.SHA256, b.Size, c.Restore)
	}
	for _, x := range done.Left {
		fmt.Fprintf(e.stderr, "not restored: %s\n", x)
	}
	g, err := archive.OpenAt(e.ctx, c.where(dir), archive.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer g.Close()
	return archive.Check(e.ctx, g, o)
}

// where is the place of the case that is checked.
func (c *checkCmd) where(dir string) archive.Place {
	if c.Case == "" && c.DB != "" {
		return archive.Place{Dir: c.Local, DB: c.DB, Blobs: c.Blobs}
	}
	return archive.Place{Dir: dir}
}

// record appends an entry with the outcome; the faults themselves are sealed.
func (c *checkCmd) record(e *env, dir string, rep *archive.Report) error {
	f, err := archive.OpenAt(e.ctx, c.where(dir), archive.Options{})
	if err != nil {
		return err
	}
	result := "ok"
	if !rep.OK {
		result = "failed"
	}
	_, err = f.Store.Update(e.ctx, f.Actor, func(w sightline.Writer) error {
		w.Describe(sightline.Draft{Kind: sightline.EntryCheck, Result: result, Tool: &sightline.EntryTool{Name: "sightline", Version: version},
			Seal: map[string]any{"report": rep}})
		return nil
	})
	return errors.Join(err, f.Close())
}

// printReport prints one line a fault and sets the exit status.
func printReport(e *env, rep *archive.Report, dir string, asJSON bool) error {
	if asJSON {
		if err := json.NewEncoder(e.stdout).Encode(rep); err != nil {
			return err
		}
	} else {
		for _, n := range rep.Notes {
			fmt.Fprintln(e.stdout, "note:", n)
		}
		for _, f := range rep.Faults {
			fmt.Fprintln(e.stdout, f)
		}
		if rep.OK {
			k := rep.Checked
			rebuilt := ""
			if k.Rebuilt {
				rebuilt = "; replaying the log gives the same rows"
			}
			if k.Skipped > 0 {
				rebuilt += fmt.Sprintf("; %d blobs were left out", k.Skipped)
			}
			fmt.Fprintf(e.stdout, "%s is whole: %d entries, %d checkpoints, %d objects, %d blobs of %.1f MB%s.\n",
				dir, k.Entries, k.Checkpoints, k.Objects, k.Blobs, float64(k.Bytes)/1e6, rebuilt)
		}
	}
	if n := len(rep.Faults); n > 0 {
		return exit(1, fmt.Errorf("%s is damaged: %d faults", dir, n))
	}
	return nil
}
