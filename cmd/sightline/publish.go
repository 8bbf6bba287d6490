package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"sightline"
	"sightline/archive"
	"sightline/digest"
	"sightline/flow"
	"sightline/intake"
	"sightline/publish"
	"sightline/web"
)

// publishCmd writes the next edition of a case.
type publishCmd struct {
	inCase `embed:""`
	To     string `short:"o" type:"path" help:"Folder for the editions. Default: editions/ in the case."`
	Notes  string `help:"What changed since the last edition, for the corrections page."`
	Dry    bool   `help:"Say what stands in the way and write nothing."`
	JSON   bool   `help:"Print the result as JSON."`
}

func (c *publishCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	if c.Dry {
		doc, err := loadDocument(e.ctx, f)
		if err != nil {
			return err
		}
		return c.report(e, publishResult{Problems: publish.Preflight(doc, verification(doc)), Advice: publish.Advise(doc)})
	}
	bar := newBar(e)
	res, err := publishCase(e.ctx, f, c.To, sightline.Text{"en": c.Notes, "es": c.Notes}, bar.draw)
	bar.done()
	if err != nil {
		return err
	}
	return c.report(e, res)
}

func (c *publishCmd) report(e *env, r publishResult) error {
	if c.JSON {
		if r.Problems == nil {
			r.Problems = []publish.Problem{}
		}
		enc := json.NewEncoder(e.stdout)
		if err := enc.Encode(r); err != nil {
			return err
		}
	} else {
		for _, p := range r.Problems {
			fmt.Fprintf(e.stdout, "%s %s: %s\n    %s\n", p.Ref.Kind, p.Ref.ID, p.Text["en"], p.Fix["en"])
		}
		for _, p := range r.Advice {
			fmt.Fprintf(e.stdout, "wording, %s %s: %s\n    %s\n", p.Ref.Kind, p.Ref.ID, p.Text["en"], p.Fix["en"])
		}
		if r.Dir != "" {
			fmt.Fprintf(e.stdout, "Published %s: %d files, %.1f MB, manifest %s\n", r.Dir, r.Files, float64(r.Bytes)/1e6, r.Manifest)
		} else if len(r.Problems) == 0 {
			fmt.Fprintln(e.stdout, "Nothing stands in the way of an edition.")
		}
	}
	if len(r.Problems) > 0 {
		return exit(1, fmt.Errorf("not published: %d problems stand in the way", len(r.Problems)))
	}
	return nil
}

// publishResult is what became of a wish to publish.
type publishResult struct {
	Edition  string            `json:"edition,omitempty"`
	Dir      string            `json:"folder,omitempty"`
	Manifest string            `json:"manifest_sha256,omitempty"`
	Files    int               `json:"files,omitempty"`
	Bytes    int64             `json:"bytes,omitempty"`
	Problems []publish.Problem `json:"problems"`
	Advice   []publish.Problem `json:"advice,omitempty"` // wording to think about; it stops nothing
}

// publishCase builds the next edition and records it in the log.
func publishCase(ctx context.Context, f *folder, out string, notes sightline.Text, progress func(done, total int, what string)) (publishResult, error) {
	if out == "" {
		out = filepath.Join(f.Dir, "editions")
	}
	doc, err := loadDocument(ctx, f)
	if err != nil {
		return publishResult{}, err
	}
	if ps := publish.Preflight(doc, verification(doc)); len(ps) > 0 {
		return publishResult{Problems: ps, Advice: publish.Advise(doc)}, nil
	}
	in, err := editionInput(ctx, f, doc, out)
	if err != nil {
		return publishResult{}, err
	}
	in.Notes, in.Progress = notes, progress
	res, err := publish.Build(ctx, in, out)
	if err != nil {
		return publishResult{}, err
	}
	ed := &sightline.Edition{ID: fmt.Sprintf("v%d", in.Number), Number: in.Number, Date: in.Date, Manifest: res.Manifest.String(), Head: in.Log.Size, Notes: notes}
	for _, it := range publish.Public(doc, in.FuzzKey).Items {
		ed.Items = append(ed.Items, it.ID)
	}
	if _, err := f.Store.Update(ctx, f.Actor, func(w sightline.Writer) error {
		w.Describe(sightline.Draft{Kind: sightline.EntryPublish, Result: "ok", Tool: &sightline.EntryTool{Name: "sightline", Version: version}, Parents: []string{res.Manifest.String()}})
		return w.Put(ed)
	}); err != nil {
		return publishResult{}, fmt.Errorf("the edition was written to %s but the log did not take it: %w", res.Dir, err)
	}
	return publishResult{Edition: ed.ID, Dir: res.Dir, Manifest: ed.Manifest, Files: res.Files, Bytes: res.Bytes, Advice: publish.Advise(doc)}, nil
}

// editionBefore reads the public document of the newest edition before this
// one, for the list of what changed; nil when it is not in the folder.
func editionBefore(out string, number int) (*sightline.Document, error) {
	for n := number - 1; n > 0; n-- {
		b, err := os.ReadFile(filepath.Join(out, fmt.Sprintf("v%d", n), "data", "document.json"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("the edition before cannot be read: %w", err)
		}
		doc := new(sightline.Document)
		if err := json.Unmarshal(b, doc); err != nil || doc.Case == nil {
			return nil, fmt.Errorf("the document of edition v%d cannot be read; check that edition first: sightline check %s", n, filepath.Join(out, fmt.Sprintf("v%d", n)))
		}
		return doc, nil
	}
	return nil, nil
}

// editionInput gathers what an edition is made from.
func editionInput(ctx context.Context, f *folder, doc *sightline.Document, out string) (publish.Input, error) {
	in := publish.Input{Doc: doc, Number: 1, Former: doc.Editions, Version: version, Assets: web.Assets(), EvidenceLog: publicLog, Network: networkReport, Verification: verification(doc), Corroborate: weights}
	for _, e := range doc.Editions {
		in.Number = max(in.Number, e.Number+1)
	}
	// A folder of an edition that another copy of the case published stays.
	for {
		if _, err := os.Stat(filepath.Join(out, fmt.Sprintf("v%d", in.Number))); err != nil {
			break
		}
		in.Number++
	}
	before, err := editionBefore(out, in.Number)
	if err != nil {
		return in, err
	}
	in.Before = before
	cp, err := f.Store.Checkpoint(ctx)
	if err != nil {
		return in, fmt.Errorf("the log could not be signed: %w", err)
	}
	err = f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
		head, err := r.Head()
		if err != nil {
			return err
		}
		origin, err := r.Origin()
		if err != nil {
			return err
		}
		in.Date = head.At
		in.Log = publish.LogMaterial{Origin: origin, Size: head.Size, Root: head.Root, Checkpoint: cp.Note}
		return nil
	})
	if err != nil {
		return in, err
	}
	if in.Log.PublicKey, err = f.LogPublicPEM(); err != nil {
		return in, err
	}
	secret, err := f.Secret("fuzz")
	if err != nil {
		return in, err
	}
	in.FuzzKey = secret
	in.Blob = func(ctx context.Context, d digest.Digest) (io.ReadCloser, error) { return f.Blobs.Open(ctx, d) }
	in.Proof = f.Proof
	if len(doc.Layers) > 0 {
		s := &stills{open: sceneOpener(ctx, f, doc)}
		in.Still = s.draw
	}
	return in, nil
}

// addUploads takes files that the desk received into the case.
func addUploads(ctx context.Context, f *folder, files []web.Upload, reason string) (*web.AddReport, error) {
	a := &intake.Adder{Store: f.Store, Blobs: f.Blobs, Actor: f.Actor, Version: version, Reason: reason, Access: "given", Jobs: flow.Urgent, Argv: []string{"desk", "upload"}}
	in := make([]intake.Input, len(files))
	for i, u := range files {
		in[i] = intake.Input{Path: u.Path, Name: u.Name}
	}
	r, err := a.Take(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &web.AddReport{Added: []web.AddedFile{}, Known: []web.AddedFile{}, Refused: []web.RefusedFile{}}
	for _, l := range r.Added {
		out.Added = append(out.Added, web.AddedFile{ID: l.ID, Name: l.Name})
	}
	for _, l := range r.Known {
		out.Known = append(out.Known, web.AddedFile{ID: l.ID, Name: l.Name})
	}
	for _, x := range r.Refused {
		out.Refused = append(out.Refused, web.RefusedFile{Name: x.Name, Why: x.Why})
	}
	return out, nil
}

// webCase joins an open case to the desk.
func webCase(ctx context.Context, f *folder) (*web.Case, error) {
	k, err := f.Case(ctx)
	if err != nil {
		return nil, err
	}
	return &web.Case{
		ID: k.ID, Store: f.Store, Blobs: f.Blobs, Actor: f.Actor,
		Add: func(ctx context.Context, files []web.Upload, reason string) (*web.AddReport, error) {
			return addUploads(ctx, f, files, reason)
		},
		Preflight: func(ctx context.Context) (problems, advice []web.PublishProblem, err error) {
			doc, err := loadDocument(ctx, f)
			if err != nil {
				return nil, nil, err
			}
			return webProblems(publish.Preflight(doc, verification(doc))), webProblems(publish.Advise(doc)), nil
		},
		Publish: func(ctx context.Context, notes sightline.Text) (*web.PublishReport, error) {
			r, err := publishCase(ctx, f, "", notes, nil)
			if err != nil {
				return nil, err
			}
			return &web.PublishReport{Edition: r.Edition, Folder: r.Dir, Problems: webProblems(r.Problems)}, nil
		},
		Check: func(ctx context.Context) (*web.CheckReport, error) { return deskCheck(ctx, f) },
		Export: func(ctx context.Context, format, lang string, w io.Writer) error {
			return f.Store.View(ctx, f.Actor, func(r sightline.Reader) error { return writeLog(r, format, lang, w) })
		},
		Retry: f.Store.Retry, Time: timeCalls(f), Collecting: collectCalls(f), Inbox: inboxCalls(f), Models: modelCalls(f),
	}, nil
}

// deskCheck verifies the whole case and every edition that lies in it.
func deskCheck(ctx context.Context, f *folder) (*web.CheckReport, error) {
	rep, err := archive.Check(ctx, f, archive.CheckOptions{Rebuild: true})
	if err != nil {
		return nil, err
	}
	out := &web.CheckReport{OK: rep.OK, Faults: []web.CheckFault{}, Checked: map[string]int{"entries": int(rep.Checked.Entries), "blobs": int(rep.Checked.Blobs), "objects": int(rep.Checked.Objects)}}
	for _, x := range rep.Faults {
		out.Faults = append(out.Faults, web.CheckFault{What: x.What, Where: x.Where, Remedy: x.Remedy})
	}
	dirs, err := filepath.Glob(filepath.Join(f.Dir, "editions", "v*", "manifest.json"))
	if err != nil {
		return nil, err
	}
	for _, m := range dirs {
		ed, err := publish.Check(ctx, filepath.Dir(m), archive.VerifyProof, nil)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(filepath.Dir(m))
		for _, x := range ed.Faults {
			out.OK = false
			out.Faults = append(out.Faults, web.CheckFault{What: x.What, Where: name + "/" + x.Where, Remedy: x.Remedy})
		}
		out.Checked["editions"]++
		out.Checked["files"] += ed.Files
	}
	return out, nil
}

func webProblems(ps []publish.Problem) []web.PublishProblem {
	out := []web.PublishProblem{}
	for _, p := range ps {
		out = append(out, web.PublishProblem{Ref: p.Ref, Code: p.Code, Text: p.Text, Fix: p.Fix})
	}
	return out
}
