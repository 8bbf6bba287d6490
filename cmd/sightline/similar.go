package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"

	"sightline/identify"
	"sightline/intake"
)

// similarCmd groups files, or the items of a case, that show or sound the same.
type similarCmd struct {
	inCase `embed:""`
	Files  []string `arg:"" optional:"" name:"file" help:"Pictures, videos and recordings; folders are walked. Without any: the items of the case."`
	Unsafe bool     `name:"unsafe-no-sandbox" help:"Run external programs even where no sandbox works: a hostile file can then do what you can do."`
	JSON   bool     `help:"Print the answer as JSON."`
}

type similarAnswer struct {
	Clusters []identify.Cluster `json:"clusters"`
	Single   []string           `json:"single"` // related to no other file
	Failed   []similarFailed    `json:"failed"`
	Notes    []string           `json:"notes"`
}

const similarNote = "a relation says that two files look or sound alike, not which came first or that either is genuine"

type similarFailed struct {
	File string `json:"file"`
	Why  string `json:"why"`
}

func (c *similarCmd) Run(e *env) error {
	if len(c.Files) == 0 {
		return c.items(e)
	}
	in, refused := intake.Walk(c.Files)
	env, done, err := newReader(e, c.Unsafe)
	if err != nil {
		return err
	}
	defer done()
	ans := similarAnswer{Clusters: []identify.Cluster{}, Single: []string{}, Failed: []similarFailed{}, Notes: []string{
		similarNote}}
	for _, r := range refused {
		ans.Failed = append(ans.Failed, similarFailed{r.Path, r.Why})
	}
	all := make([]*identify.Sketch, len(in))
	each(len(in), func(i int) {
		if e.ctx.Err() != nil {
			return
		}
		k, err := sniff(in[i].Path)
		if err == nil {
			all[i], err = identify.Sketched(e.ctx, env, in[i].Path, k.Type)
		}
		if err != nil {
			all[i] = &identify.Sketch{File: in[i].Path, Error: err.Error()}
		}
	})
	if e.ctx.Err() != nil {
		return e.ctx.Err()
	}
	list := slices.DeleteFunc(all, func(s *identify.Sketch) bool { return s == nil || s.SHA256 == "" })
	for _, s := range all {
		if s != nil && s.Error != "" {
			ans.Failed = append(ans.Failed, similarFailed{s.File, s.Error})
		}
	}
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.File
	}
	read, err := inMemory(list)
	if err != nil {
		return err
	}
	rel, err := identify.Compare(e.ctx, names, read, runtime.GOMAXPROCS(0))
	if err != nil {
		return err
	}
	ans.Clusters = identify.Clusters(list, rel)
	return c.show(e, ans, list)
}

func (c *similarCmd) show(e *env, ans similarAnswer, list []*identify.Sketch) error {
	in1 := map[string]bool{}
	for _, k := range ans.Clusters {
		for _, f := range k.Files {
			in1[f] = true
		}
	}
	for _, s := range list {
		if !in1[s.File] {
			ans.Single = append(ans.Single, s.File)
		}
	}
	if c.JSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(ans); err != nil {
			return err
		}
	} else {
		p := func(s string) string { return intake.Printable(filepath.Base(s)) }
		for _, k := range ans.Clusters {
			fmt.Fprintf(e.stdout, "group %d, %d files, best copy probably %s\n", k.ID, len(k.Files), p(k.Best))
			if k.Earliest != "" {
				fmt.Fprintf(e.stdout, "  known earliest: %s, by %s\n", p(k.Earliest), k.EarliestBy)
			}
			for _, r := range k.Relations {
				fmt.Fprintf(e.stdout, "  %s\n", intake.Printable(r.Sentence))
			}
		}
		fmt.Fprintf(e.stdout, "%d groups, %d files alone\n", len(ans.Clusters), len(ans.Single))
		for _, f := range ans.Failed {
			fmt.Fprintf(e.stderr, "not compared by its content: %s: %s\n", p(f.File), f.Why)
		}
	}
	if len(ans.Failed) > 0 {
		return exit(1, nil)
	}
	return nil
}
