package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sightline"
	"sightline/archive"
	"sightline/publish"
	"sightline/scene"
)

// sceneModelCmd puts a hand-made model into a scene.
type sceneModelCmd struct {
	inCase `embed:""`
	Model  string `arg:"" optional:"" help:"The model document, a JSON file (docs/formats/scene.md). Without it: list the models of the scene and their versions."`
	Scene  string `help:"A scene folder instead of a case; its files are replaced." placeholder:"DIR" type:"path"`
	Remove string `help:"Take the layer of this model out of the scene." placeholder:"ID"`
	Reason string `help:"Why the model is changed; kept sealed in the custody log." placeholder:"TEXT"`
	JSON   bool   `name:"json" help:"Print the layer and the corners as JSON."`
}

func (c *sceneModelCmd) Run(e *env) error {
	if c.Model != "" && c.Remove != "" {
		return exit(2, errors.New("scene model: give a document to put in, or --remove ID, not both"))
	}
	var raw []byte
	if c.Model != "" {
		var err error
		if raw, err = os.ReadFile(c.Model); err != nil {
			return exit(2, fmt.Errorf("scene model: %w", err))
		}
	}
	if c.Scene != "" {
		if c.Model == "" && c.Remove == "" {
			return exit(2, errors.New("scene model: which document is to be put into the folder?"))
		}
		d, err := scene.Load(c.Scene)
		if err != nil {
			return exit(2, err)
		}
		r, layer, err := remodel(d, raw, c.Remove)
		if err != nil {
			return exit(2, fmt.Errorf("%s: %w", c.named(), err))
		}
		if err := r.Write(c.Scene); err != nil {
			return err
		}
		if c.Remove != "" {
			for _, n := range []string{strings.ToLower(c.Remove) + ".glb", strings.ToLower(c.Remove) + ".model.json"} {
				if err := os.Remove(filepath.Join(c.Scene, n)); err != nil && !errors.Is(err, os.ErrNotExist) {
					return err
				}
			}
		}
		return c.say(e, r, layer)
	}
	f, err := c.open(archive.Options{ReadOnly: c.Model == "" && c.Remove == ""})
	if err != nil {
		return err
	}
	defer f.Close()
	if c.Model == "" && c.Remove == "" {
		return c.versions(e, f)
	}
	r, layer, err := modelIntoCase(e.ctx, f, f.Actor, raw, c.Remove, c.Reason)
	if err != nil {
		return exit(2, fmt.Errorf("%s: %w", c.named(), err))
	}
	return c.say(e, r, layer)
}

func (c *sceneModelCmd) named() string {
	if c.Model != "" {
		return c.Model
	}
	return "layer " + c.Remove
}

// say prints what was built.
func (c *sceneModelCmd) say(e *env, r *scene.Result, layer string) error {
	out := modelOf(r, layer)
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(out)
	}
	if out.Layer == nil {
		fmt.Fprintf(e.stdout, "layer %s is out of the scene\n", layer)
		return nil
	}
	fmt.Fprintf(e.stdout, "layer %s  %d triangles, %d bytes, sha256 %.16s; scene content %.16s\n", layer, out.Layer.Triangles, out.Layer.Bytes, out.Layer.SHA256, out.Content)
	for _, o := range out.Objects {
		fmt.Fprintf(e.stdout, "%-6s %-12s at %s m\n", o.ID, o.Class, coordinates(o.Position))
		for _, p := range o.Points {
			fmt.Fprintf(e.stdout, "       %-32s %s m, +-%.3g m\n", p.ID, coordinates(p.At), p.SigmaM)
		}
	}
	return nil
}

// builtModel is what a model became.
type builtModel struct {
	Content string         `json:"content_sha256"` // of the scene
	Layer   *scene.Layer   `json:"layer"`
	Objects []scene.Object `json:"objects"`
	GLB     string         `json:"glb_base64,omitempty"`
}

func modelOf(r *scene.Result, layer string) builtModel {
	out := builtModel{Content: r.Document.Content, Objects: []scene.Object{}}
	for i := range r.Document.Layers {
		if r.Document.Layers[i].ID == layer {
			out.Layer = &r.Document.Layers[i]
		}
	}
	for _, o := range r.Document.Objects {
		if o.Layer == layer && out.Layer != nil {
			out.Objects = append(out.Objects, o)
		}
	}
	return out
}

// remodel puts a document into a scene, or takes a layer out of it.
func remodel(d *scene.Document, raw []byte, remove string) (*scene.Result, string, error) {
	if remove != "" {
		r, err := d.Without(remove)
		return r, remove, err
	}
	m, err := scene.ParseModel(raw)
	if err != nil {
		return nil, "", err
	}
	r, err := m.Into(d, raw)
	return r, m.ID, err
}

// modelDocument is the id of the layer that keeps a model's document, beside
// the layer of its meshes.
func modelDocument(layer string) string { return layer + "-document" }

// errSceneChanged says that another change of the scene came first.
var errSceneChanged = errors.New("the scene was changed while the model was being built; try again")

// modelIntoCase changes the scene of a case by one entry of its log: the
// meshes, the document they follow from and scene.json together. Earlier
// documents stay in the case, so every version can be built again.
func modelIntoCase(ctx context.Context, f *folder, by sightline.Actor, raw []byte, remove, reason string) (*scene.Result, string, error) {
	doc, err := loadDocument(ctx, f)
	if err != nil {
		return nil, "", err
	}
	var sheet sightline.Layer // that of scene.json
	for _, l := range doc.Layers {
		if l.File == "scene.json" {
			sheet = *l
		}
	}
	if sheet.ID == "" {
		return nil, "", errors.New("the case has no scene yet; build one (a level ground is enough) and add it with sightline add --as scene")
	}
	d, err := scene.LoadFrom(sceneOpener(ctx, f, doc))
	if err != nil {
		return nil, "", err
	}
	r, layer, err := remodel(d, raw, remove)
	if err != nil {
		return nil, "", err
	}
	names := r.Names()
	slices.SortFunc(names, func(a, b string) int { // scene.json last: it never names what is not there
		if (a == "scene.json") != (b == "scene.json") {
			if a == "scene.json" {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	var rows []*sightline.Layer
	built := modelOf(r, layer)
	for _, n := range names {
		blob, err := f.Blobs.Put(ctx, bytes.NewReader(r.Files[n]))
		if err != nil {
			return nil, "", fmt.Errorf("failed to keep %s: %w", n, err)
		}
		var l sightline.Layer
		switch {
		case n == "scene.json":
			l = sheet
		case strings.HasSuffix(n, ".model.json"):
			l = sightline.Layer{ID: modelDocument(layer), Type: "application/json"}
		default:
			l = sightline.Layer{ID: layer, Type: "model/gltf-binary", AccuracyM: built.Layer.AccuracyM, Date: built.Layer.Date}
		}
		if n != "scene.json" {
			l.Title, l.Class, l.Licence, l.Attribution = built.Layer.Title, built.Layer.Class, built.Layer.Licence, built.Layer.Attribution
		}
		l.File, l.SHA256, l.Size = n, blob.Digest.String(), blob.Size
		if n == "scene.json" {
			l.Type = "application/json"
		}
		rows = append(rows, &l)
	}
	if reason == "" {
		reason = "not stated"
	}
	_, err = f.Store.Update(ctx, by, func(w sightline.Writer) error {
		// Somebody else may have changed the scene meanwhile.
		now, err := sightline.Get[sightline.Layer](w, sightline.KindLayer, sheet.ID)
		if err != nil {
			return err
		}
		if now.SHA256 != sheet.SHA256 {
			return errSceneChanged
		}
		for _, l := range rows {
			if err := w.Put(l); err != nil {
				return err
			}
		}
		if remove != "" {
			for _, id := range []string{remove, modelDocument(remove)} {
				ref := sightline.Ref{Kind: sightline.KindLayer, ID: id}
				if row, err := w.Row(ref); err != nil || string(row.Value) == "null" || len(row.Value) == 0 {
					continue
				}
				if err := w.Withdraw(ref, reason); err != nil {
					return err
				}
			}
		}
		w.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Tool: &sightline.EntryTool{Name: "sightline", Version: version},
			Seal: map[string]any{"reason": reason, "args": map[string]any{"model": layer, "remove": remove}}})
		return nil
	})
	return r, layer, err
}

// versions lists the models of the case's scene.
func (c *sceneModelCmd) versions(e *env, f *folder) error {
	doc, err := loadDocument(e.ctx, f)
	if err != nil {
		return err
	}
	n := 0
	for _, l := range doc.Layers {
		if !strings.HasSuffix(l.File, ".model.json") {
			continue
		}
		n++
		raw, err := readBlob(e.ctx, f, l.SHA256)
		if err != nil {
			return err
		}
		m, err := scene.ParseModel(raw)
		if err != nil {
			return err
		}
		if c.JSON {
			if err := json.NewEncoder(e.stdout).Encode(m); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(e.stdout, "%s  sha256 %.16s\n", l.File, l.SHA256)
		for _, s := range m.Lines() {
			fmt.Fprintln(e.stdout, s)
		}
		err = f.Store.View(e.ctx, f.Actor, func(r sightline.Reader) error {
			rows, err := r.History(l.Ref())
			for _, row := range rows {
				var v sightline.Layer
				if json.Unmarshal(row.Value, &v) == nil && v.SHA256 != "" {
					fmt.Fprintf(e.stdout, "  version %.16s  %s  by %s\n", v.SHA256, row.At, row.By)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if n == 0 && !c.JSON {
		fmt.Fprintln(e.stdout, "The scene has no hand-made model. docs/formats/scene.md says how to write one.")
	}
	return nil
}

// modelMethod builds a model as an editor shows it, without keeping it.
func modelMethod(scenes caseScenes) publish.Method {
	return func(b []byte) ([]byte, error) {
		var q struct {
			Scene string          `json:"scene"`
			Model json.RawMessage `json:"model"`
		}
		if err := readJSON(b, &q); err != nil {
			return nil, err
		}
		l := scenes.load(q.Scene)
		if l.err != nil {
			return nil, l.err
		}
		if l.document == nil {
			return nil, errors.New("scene: name the case whose scene the model stands in")
		}
		r, layer, err := remodel(l.document, q.Model, "")
		if err != nil {
			return nil, err
		}
		out := modelOf(r, layer)
		out.GLB = base64.StdEncoding.EncodeToString(r.Files[out.Layer.File])
		return json.Marshal(out)
	}
}
