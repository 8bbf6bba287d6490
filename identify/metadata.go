package identify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"sightline"
	"sightline/tool"
)

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// own runs our own worker in the box and reads its answer.
func (e *Env) own(ctx context.Context, answer any, c tool.Cmd) (*tool.Result, error) {
	c.Program = tool.Self
	c.Args = append([]string{"worker"}, c.Args...)
	if c.Limits.Memory == 0 {
		c.Limits.Memory = 4 << 30 // Go reserves address space that it does not use
	}
	res, err := e.Box.Run(ctx, c)
	if err != nil {
		return res, trimWorker(err)
	}
	if err := json.Unmarshal(res.Stdout, answer); err != nil {
		return res, fmt.Errorf("failed to read the worker's answer: %w", err)
	}
	return res, nil
}

// trimWorker leaves the sentence that the worker ended with.
func trimWorker(err error) error {
	if s, ok := strings.CutPrefix(err.Error(), tool.Self+" failed: "); ok {
		return errors.New(strings.TrimPrefix(s, "sightline: "))
	}
	return err
}

// facts of exiftool that describe our own copy of the file, not the file.
var ownGroups = map[string]bool{"System": true, "ExifTool": true, "SourceFile": true}

// Metadata reads what the file says about itself: our own reader first, then
// exiftool and ffprobe where they are installed. Whatever fails is noted and
// the rest is kept.
func Metadata(ctx context.Context, e *Env, j sightline.Job, _ Progress) error {
	it, zone, err := e.item(ctx, j.Item)
	if err != nil {
		return err
	}
	path, done, err := e.file(ctx, j.Input)
	if err != nil {
		return err
	}
	defer done()
	r := newReading(it, zone, time.Now())
	var failed []sightline.FailedPart
	fail := func(part string, err error) {
		var missing *tool.MissingError
		if err != nil && !errors.As(err, &missing) {
			failed = append(failed, sightline.FailedPart{Part: part, Error: err.Error()})
		}
	}
	probe := sightline.Item{Media: it.Media} // what is measured, applied to the item later
	var tools []string
	if e.Exif != nil {
		tags, res, err := e.Exif.Read(ctx, path)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			fail("exiftool", err)
		} else {
			by := res.Program.Name + " " + res.Program.Version
			tools = append(tools, by)
			for _, k := range sorted(tags) {
				group, _, _ := strings.Cut(k, ":")
				if ownGroups[group] || strings.HasPrefix(k, "File:File") || k == "File:Directory" {
					continue
				}
				if v, ok := plainJSON(tags[k]); ok {
					r.add(by, k, v)
				}
			}
			r.prefer("ExifIFD", "IFD0", "GPS", "Composite")
			if w, ok := r.num("ImageWidth", "ExifImageWidth"); ok {
				if h, ok := r.num("ImageHeight", "ExifImageHeight"); ok {
					probe.Width, probe.Height = int(w), int(h)
				}
			}
		}
	}
	if _, ok := metaFormats[it.Type]; ok {
		var rep tagReport
		_, err := e.own(ctx, &rep, tool.Cmd{Args: []string{"tags", path, it.Type}, Read: []string{path}})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			fail("picture", err)
		} else {
			if len(tools) == 0 {
				for _, t := range rep.Tags {
					r.add("imagemeta", t.Name, t.Value)
				}
				r.prefer("EXIF", "XMP")
			}
			tools = append(tools, "imagemeta")
			if rep.Warning != "" && len(rep.Tags) == 0 {
				failed = append(failed, sightline.FailedPart{Part: "picture", Error: rep.Warning})
			}
			if rep.Width > 0 && rep.Height > 0 {
				probe.Width, probe.Height = rep.Width, rep.Height
			}
		}
	}
	stored := [2]int{probe.Width, probe.Height}
	isMedia := it.Media == "video" || it.Media == "audio"
	if isMedia {
		m, res, err := e.Box.Probe(ctx, path)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			fail("ffprobe", err)
		} else {
			by := res.Program.Name + " " + res.Program.Version
			tools = append(tools, by)
			r.media(m, by, &probe)
		}
	}
	result := "ok"
	if len(failed) > 0 {
		result = "partial"
	}
	_, err = e.Store.Update(ctx, e.Actor, func(w sightline.Writer) error {
		if err := patchItem(w, j.Item, func(it *sightline.Item) {
			r.apply(it)
			it.Media = probe.Media
			if isMedia {
				it.Width, it.Height = probe.Width, probe.Height
			} else {
				size(it, stored[0], stored[1])
			}
			if probe.DurationMS > 0 {
				it.DurationMS = probe.DurationMS
			}
			it.Problem = ""
			if len(failed) > 0 {
				it.Problem = "metadata could not be read whole: " + failed[0].Error
			}
		}); err != nil {
			return err
		}
		name, version := "sightline", tool.Version
		w.Describe(sightline.Draft{
			Kind: sightline.EntryAnnotate, Result: result, Failed: failed, Parents: []string{j.Input},
			Item: &sightline.EntryItem{ID: it.ID, SHA256: it.SHA256, Size: it.Size, Type: it.Type, Copy: "evidentiary"},
			Tool: &sightline.EntryTool{Name: name, Version: version}, Seal: map[string]any{"args": map[string]any{"job": j.Kind, "tools": toAny(tools)}},
		})
		return w.Finish(j, sightline.JobOutcome{})
	})
	return err
}

func toAny(l []string) []any {
	out := make([]any, len(l))
	for i, s := range l {
		out[i] = s
	}
	return out
}

// prefer makes the tags of the named groups, first group first, win over
// others of the same name: a maker note or an embedded thumbnail has its own.
func (r *reading) prefer(groups ...string) {
	for i := len(groups) - 1; i >= 0; i-- {
		for _, f := range r.facts {
			if g, base, ok := strings.Cut(f.Field, ":"); ok && g == groups[i] {
				r.tags[base] = f.Value
			}
		}
	}
	for _, base := range []string{"ImageWidth", "ImageHeight"} {
		for _, f := range r.facts {
			if f.Field == "File:"+base {
				r.tags[base] = f.Value
			}
		}
	}
}

// item reads the item and the zone of its case.
func (e *Env) item(ctx context.Context, id string) (it *sightline.Item, zone string, err error) {
	err = e.Store.View(ctx, e.Actor, func(r sightline.Reader) error {
		if it, err = sightline.Get[sightline.Item](r, sightline.KindItem, id); err != nil {
			return err
		}
		cases, err := sightline.All[sightline.Case](r, sightline.KindCase)
		if len(cases) > 0 {
			zone = cases[0].Zone
		}
		return err
	})
	return it, zone, err
}

// plainJSON renders a value of exiftool; binary values are left out.
func plainJSON(raw json.RawMessage) (string, bool) {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		if strings.HasPrefix(s, "(Binary data") {
			return "", false
		}
		return strings.TrimPrefix(s, "base64:"), true
	}
	v := string(raw)
	return v, len(v) <= 1000
}

// Picture makes the thumbnail and the preview of a picture, standing as it was
// taken. Kinds that Go does not decode go through ffmpeg first.
func Picture(ctx context.Context, e *Env, j sightline.Job, _ Progress) error {
	it, _, err := e.item(ctx, j.Item)
	if err != nil {
		return err
	}
	path, done, err := e.file(ctx, j.Input)
	if err != nil {
		return err
	}
	defer done()
	dir, remove, err := e.Box.Temp()
	if err != nil {
		return err
	}
	defer remove()
	var first *tool.Result
	in, orientation := path, e.orientation(ctx, it, path)
	if through[it.Type] {
		if first, in, err = e.still(ctx, it, path); err != nil {
			return err
		}
		defer removeFile(in)
		orientation = 1
	}
	var rep pictureReport
	res, err := e.own(ctx, &rep, tool.Cmd{Args: []string{"picture", in, dir, fmt.Sprint(orientation)}, Read: []string{in}, Dir: dir})
	if err != nil {
		return err
	}
	recipe := res.Recipe()
	if first != nil {
		recipe.Args = append(append([]string{first.Program.Name, first.Program.Version}, first.Args...), append([]string{"|"}, recipe.Args...)...)
	}
	recipe.Deterministic = first == nil
	return e.keep(ctx, j, []made{
		{role: "thumb", typ: "image/jpeg", path: dir + "/thumb.jpg", width: rep.Thumb[0], height: rep.Thumb[1], recipe: recipe},
		{role: "preview", typ: "image/jpeg", path: dir + "/preview.jpg", width: rep.Preview[0], height: rep.Preview[1], recipe: recipe},
	}, func(it *sightline.Item) {
		if it.Width == 0 && first == nil {
			it.Width, it.Height = rep.Width, rep.Height
		}
	})
}

// orientation is the item's when metadata has been read already, else read now:
// the two jobs run in any order.
func (e *Env) orientation(ctx context.Context, it *sightline.Item, path string) int {
	if it.Orientation > 0 {
		return it.Orientation
	}
	if _, ok := metaFormats[it.Type]; !ok {
		return 1
	}
	var rep tagReport
	if _, err := e.own(ctx, &rep, tool.Cmd{Args: []string{"tags", path, it.Type}, Read: []string{path}}); err != nil {
		return 1
	}
	for _, t := range rep.Tags {
		if t.Name == "EXIF:Orientation" {
			var o int
			if _, err := fmt.Sscan(t.Value, &o); err == nil && o >= 1 && o <= 8 {
				return o
			}
		}
	}
	return 1
}
