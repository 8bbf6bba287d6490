package redact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sightline"
	"sightline/digest"
	"sightline/tool"
)

// Env is what the work may use.
type Env struct {
	Store sightline.Store
	Blobs sightline.Blobs
	Actor sightline.Actor
	Box   *tool.Box
}

// Progress is told how much of a job is done, 0 to 1.
type Progress func(float64)

// Params are the parameters of a job: they make another list of redactions
// another job, and two items with the same bytes two jobs.
type Params struct {
	Item   string `json:"item"`
	Digest string `json:"redactions"`
}

// made is a copy that lies as a file, not kept yet.
type made struct {
	role, typ, path string
	width, height   int
	meta            map[string]string
	recipe          sightline.Recipe
}

// Run makes the redacted copies of an item and keeps them, with one entry of
// the log that seals what was covered and why.
func Run(ctx context.Context, e *Env, j sightline.Job, progress Progress) error {
	var it *sightline.Item
	var base string // SHA-256 of the copy that is painted
	plain := map[string]*sightline.Derivative{}
	pending := false // the job that makes the working copy has not ended
	err := e.Store.View(ctx, e.Actor, func(r sightline.Reader) (err error) {
		if it, err = sightline.Get[sightline.Item](r, sightline.KindItem, j.Item); err != nil {
			return err
		}
		for _, role := range []string{"preview", "proxy"} {
			d, err := sightline.Get[sightline.Derivative](r, sightline.KindDerivative, it.ID+"/"+role)
			if err == nil {
				plain[role] = d
			} else if !errors.Is(err, sightline.ErrNotFound) {
				return err
			}
		}
		jobs, err := r.JobList(sightline.JobFilter{Item: it.ID})
		for _, o := range jobs {
			switch o.Kind {
			case "picture", "still", "proxy":
				pending = pending || o.State == "waiting" || o.State == "running"
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	asked, err := it.RedactionDigest()
	if err != nil {
		return err
	}
	var p Params
	if len(j.Params) > 0 {
		if err := json.Unmarshal(j.Params, &p); err != nil {
			return fmt.Errorf("the job's parameters cannot be read: %w", err)
		}
	}
	if asked == "" || asked != p.Digest {
		return e.finish(ctx, j) // changed since: another job makes what is asked now
	}
	if len(it.Redactions) > sightline.MostRedactions {
		return fmt.Errorf("%s has %d redactions, more than %d", it.ID, len(it.Redactions), sightline.MostRedactions)
	}
	for i := range it.Redactions {
		if err := it.Redactions[i].Check(); err != nil {
			return err
		}
	}
	dir, remove, err := e.Box.Temp()
	if err != nil {
		return err
	}
	defer remove()
	var list []made
	wait := func(what string) error {
		if pending {
			return fmt.Errorf("the %s of %s is not there yet: %w", what, it.ID, sightline.ErrConflict)
		}
		return fmt.Errorf("no %s of %s could be made, so it cannot be redacted; withhold its media", what, it.ID)
	}
	switch {
	case strings.HasPrefix(it.Type, "image/"):
		d := plain["preview"]
		if d == nil {
			return wait("preview")
		}
		base = d.SHA256
		list, err = e.withFile(ctx, d.SHA256, func(path string) ([]made, error) { return e.picture(ctx, it, path, dir) })
	case strings.HasPrefix(it.Type, "video/"):
		d := plain["proxy"]
		if d == nil && !pending && len(regionsOf(it.Redactions)) == 0 { // a film without a picture is a recording
			base = it.SHA256
			list, err = e.withFile(ctx, it.SHA256, func(path string) ([]made, error) { return e.audio(ctx, path, dir, it.Redactions) })
			break
		}
		if d == nil {
			return wait("working copy")
		}
		base = d.SHA256
		list, err = e.withFile(ctx, d.SHA256, func(path string) ([]made, error) { return e.video(ctx, path, dir, it.Redactions, progress) })
	case strings.HasPrefix(it.Type, "audio/"):
		if len(regionsOf(it.Redactions)) > 0 {
			return fmt.Errorf("%s is a recording without a picture, and a redaction of it is a region: %w", it.ID, sightline.ErrInvalid)
		}
		base = it.SHA256
		list, err = e.withFile(ctx, it.SHA256, func(path string) ([]made, error) { return e.audio(ctx, path, dir, it.Redactions) })
	default:
		err = fmt.Errorf("a file of the kind %s cannot be redacted; withhold its media", it.Type)
	}
	if err != nil {
		return err
	}
	if !strings.HasPrefix(it.Type, "image/") {
		cs, err := captions(dir, it.Redactions, float64(it.DurationMS)/1000)
		if err != nil {
			return err
		}
		list = append(cs, list...)
	}
	return e.keep(ctx, j, it, asked, base, list)
}

// picture covers the regions of a picture's preview, in the box.
func (e *Env) picture(ctx context.Context, it *sightline.Item, path, dir string) ([]made, error) {
	w, h, err := imageSize(path)
	if err != nil {
		return nil, err
	}
	var p plan
	for i := range it.Redactions {
		r := it.Redactions[i]
		if r.Kind != "region" {
			return nil, fmt.Errorf("redaction %q is of sound, and %s is a picture: %w", r.ID, it.ID, sightline.ErrInvalid)
		}
		r.FromMS, r.ToMS = nil, nil
		p.Regions = append(p.Regions, r.At(float64(r.Keys[0].AtMS)))
	}
	// A covered pixel of the original has spread within its own block, and over
	// two pixels of the preview when that was made smaller.
	scale := 1.0
	if long := max(it.Width, it.Height); long > 0 {
		scale = min(1, float64(max(w, h))/float64(long))
	}
	p.Margin = 2 + block*scale
	b, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "plan.json"), b, 0o600); err != nil {
		return nil, err
	}
	res, err := e.Box.Run(ctx, tool.Cmd{Program: tool.Self, Args: []string{"worker", "redact", path, dir}, Read: []string{path}, Dir: dir, Limits: tool.Limits{Memory: 4 << 30}})
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(strings.TrimPrefix(err.Error(), tool.Self+" failed: "), "sightline: "))
	}
	var rep painted
	if err := json.Unmarshal(res.Stdout, &rep); err != nil {
		return nil, fmt.Errorf("failed to read the worker's answer: %w", err)
	}
	recipe := res.Recipe()
	recipe.Deterministic = true
	return []made{
		{role: "thumb", typ: "image/jpeg", path: filepath.Join(dir, "thumb.jpg"), width: rep.Thumb[0], height: rep.Thumb[1], recipe: recipe},
		{role: "preview", typ: "image/jpeg", path: filepath.Join(dir, "preview.jpg"), width: rep.Preview[0], height: rep.Preview[1], recipe: recipe},
	}, nil
}

// keep stores the copies in one transaction with the entry and the end of the
// job: an edition sees all of them or none.
func (e *Env) keep(ctx context.Context, j sightline.Job, it *sightline.Item, asked, base string, list []made) error {
	var ds []*sightline.Derivative
	for _, m := range list {
		f, err := os.Open(m.path)
		if err != nil {
			return fmt.Errorf("the redacted %s was not written: %w", m.role, err)
		}
		b, err := e.Blobs.Put(ctx, f)
		f.Close()
		if err != nil {
			return fmt.Errorf("failed to keep the redacted %s: %w", m.role, err)
		}
		m.recipe.Inputs = []string{base}
		meta := map[string]string{sightline.RedactedMeta: asked}
		for k, v := range m.meta {
			meta[k] = v
		}
		role := sightline.RedactedPrefix + m.role
		// Another list of redactions makes other copies beside these, so an undone
		// edit finds its copies again.
		ds = append(ds, &sightline.Derivative{ID: it.ID + "/" + role + "-" + asked[:12], Item: it.ID, Role: role, SHA256: b.Digest.String(), Size: b.Size, Type: m.typ,
			Width: m.width, Height: m.height, Recipe: m.recipe, Meta: meta})
	}
	if len(ds) == 0 {
		return errors.New("the redaction left nothing to keep")
	}
	_, err := e.Store.Update(ctx, e.Actor, func(w sightline.Writer) error {
		for _, d := range ds {
			if err := w.Put(d); err != nil {
				return err
			}
		}
		main := ds[len(ds)-1]
		w.Describe(sightline.Draft{
			Kind: sightline.EntryRedact, Result: "ok", Parents: []string{it.SHA256},
			Item: &sightline.EntryItem{ID: it.ID, SHA256: main.SHA256, Size: main.Size, Type: main.Type, Copy: "working"},
			Tool: entryTool(main.Recipe), Seal: map[string]any{"args": argsOf(main.Recipe), "redactions": it.Redactions},
		})
		return w.Finish(j, sightline.JobOutcome{})
	})
	return err
}

func (e *Env) finish(ctx context.Context, j sightline.Job) error {
	_, err := e.Store.Update(ctx, e.Actor, func(w sightline.Writer) error { return w.Finish(j, sightline.JobOutcome{}) })
	return err
}

func argsOf(r sightline.Recipe) map[string]any {
	args := make([]any, len(r.Args))
	for i, a := range r.Args {
		args[i] = a
	}
	return map[string]any{"argv": args}
}

func entryTool(r sightline.Recipe) *sightline.EntryTool {
	t := &sightline.EntryTool{Name: r.Tool, Version: r.Version}
	if p, err := tool.Find(r.Tool); err == nil {
		t.SHA256 = p.SHA256
	}
	if b, err := sightline.Canonical(argsOf(r)); err == nil {
		sum := sha256.Sum256(b)
		t.Args = hex.EncodeToString(sum[:])
	}
	return t
}

// pathed is a store of blobs that keeps them as files which may be lent,
// read-only, to a program in the box.
type pathed interface{ Path(digest.Digest) string }

// withFile lends the bytes of a blob under a path.
func (e *Env) withFile(ctx context.Context, sha string, fn func(path string) ([]made, error)) ([]made, error) {
	d, err := digest.Parse(sha)
	if err != nil {
		return nil, err
	}
	if p, ok := e.Blobs.(pathed); ok {
		path, err := filepath.Abs(p.Path(d))
		if err == nil {
			path, err = filepath.EvalSymlinks(path)
		}
		if err != nil {
			return nil, fmt.Errorf("the bytes of %s cannot be opened: %w", d, err)
		}
		return fn(path)
	}
	r, err := e.Blobs.Open(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("failed to open %s: %w", d, err)
	}
	defer r.Close()
	dir, remove, err := e.Box.Temp()
	if err != nil {
		return nil, err
	}
	defer remove()
	path := filepath.Join(dir, "in")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o400)
	if err == nil {
		_, err = io.Copy(f, r)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("failed to copy %s for reading: %w", d, err)
	}
	return fn(path)
}

func hasSound(m *tool.MediaInfo) bool {
	for _, s := range m.Streams {
		if s.Type == "audio" {
			return true
		}
	}
	return false
}

func hasPicture(m *tool.MediaInfo) bool {
	for _, s := range m.Streams {
		if s.Type == "video" && s.Disposition["attached_pic"] != 1 && s.Codec != "" && s.Codec != "unknown" {
			return true
		}
	}
	return false
}

func exists(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Size() > 0
}

func imageSize(path string) (w, h int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	c, _, err := image.DecodeConfig(f)
	if err != nil {
		return 0, 0, fmt.Errorf("the working copy is not a picture: %w", err)
	}
	return c.Width, c.Height, nil
}
