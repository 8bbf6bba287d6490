package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sightline"
	"sightline/archive"
	"sightline/scene"
	"sightline/verify/corroborate"
	"sightline/when"
)

// coverageCmd computes what the held media of a case certainly cover, and the
// gaps in time, space and viewpoint.
type coverageCmd struct {
	inCase `embed:""`
	JSON   bool          `name:"json" help:"Print JSON."`
	Lang   string        `enum:"en,es" default:"en" help:"Language of the sentences."`
	From   string        `placeholder:"TIME" help:"Start of the window, RFC 3339. Default: the first thing of which the time is known."`
	To     string        `placeholder:"TIME" help:"End of the window, RFC 3339."`
	Least  time.Duration `default:"1m" help:"Shortest gap that is told."`
}

func (c *coverageCmd) Run(e *env) error {
	o := corroborate.CoverOptions{MinMS: c.Least.Milliseconds()}
	if (c.From == "") != (c.To == "") {
		return exit(2, fmt.Errorf("coverage: give both --from and --to, or neither"))
	}
	if c.From != "" {
		a, err1 := time.Parse(time.RFC3339, c.From)
		b, err2 := time.Parse(time.RFC3339, c.To)
		if err1 != nil || err2 != nil || !a.Before(b) {
			return exit(2, fmt.Errorf("coverage: --from and --to are times such as 2018-01-15T11:00:00-04:00, the first before the second"))
		}
		o.Window = when.Between(when.Instant(a.UnixMilli()), when.Instant(b.UnixMilli()))
	}
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	doc, err := loadDocument(e.ctx, f)
	if err != nil {
		return err
	}
	o.See = seeIn(caseScene(e.ctx, f, doc))
	r := corroborate.Cover(doc, o)
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(r)
	}
	fmt.Fprintf(e.stdout, "covered   %s by %d items\n", (time.Duration(r.Covered) * time.Millisecond).Round(time.Second), len(r.Spans))
	for _, g := range r.Gaps {
		known := ""
		if len(g.Known) > 0 {
			known = "  (" + strings.Join(g.Known, ", ") + ")"
		}
		fmt.Fprintf(e.stdout, "%-9s %s%s\n", g.Kind, g.Gap.Title.In(c.Lang, "en"), known)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(e.stdout, "note      %s\n", n)
	}
	return nil
}

// caseScene loads the scene of a case; one without is no fault here.
func caseScene(ctx context.Context, f *folder, doc *sightline.Document) loadedScene {
	for _, l := range doc.Layers {
		if l.File != "scene.json" {
			continue
		}
		d, err := scene.LoadFrom(sceneOpener(ctx, f, doc))
		if err != nil {
			return loadedScene{err: err}
		}
		return sceneOf(d)
	}
	return loadedScene{}
}

// reports are the computed views that the desk asks for.
func (d *desk) reports() map[string]func(context.Context, *sightline.Document) (any, error) {
	return map[string]func(context.Context, *sightline.Document) (any, error){
		"corroboration": func(_ context.Context, doc *sightline.Document) (any, error) {
			return corroborate.Make(doc, corroborate.Options{See: seeIn(d.scene(doc.Case.ID))}), nil
		},
		"coverage": func(_ context.Context, doc *sightline.Document) (any, error) {
			return corroborate.Cover(doc, corroborate.CoverOptions{Options: corroborate.Options{See: seeIn(d.scene(doc.Case.ID))}}), nil
		},
	}
}
