package main

import (
	"encoding/json"
	"fmt"

	"sightline"
	"sightline/archive"
	"sightline/order"
	"sightline/publish"
	vtime "sightline/verify/time"
	"sightline/when"
)

// networkReport derives what follows from the constraints of a document, in
// the form that an edition prints.
func networkReport(d *sightline.Document) (*publish.NetworkReport, error) {
	r, err := vtime.Solve(d)
	if err != nil {
		return nil, err
	}
	a, err := order.Solve(r.Network, order.Options{Conflicts: "all"})
	if err != nil {
		return nil, err
	}
	out := &publish.NetworkReport{
		Schema: publish.NetworkSchema, Network: r.Network, Answer: a, Texts: r.Texts,
		Views: []publish.NetworkView{}, Conflicts: []publish.NetworkConflict{}, Incomplete: r.Incomplete,
	}
	for _, v := range r.Views {
		out.Views = append(out.Views, publish.NetworkView(v))
	}
	for _, c := range r.Conflicts {
		out.Conflicts = append(out.Conflicts, publish.NetworkConflict(c))
	}
	return out, nil
}

// timeCaseCmd says what follows from the dated facts of a case.
type timeCaseCmd struct {
	inCase `embed:""`
	JSON   bool   `help:"Print the network, the intervals, the proofs and the contradictions as JSON."`
	Lang   string `enum:"en,es" default:"en" help:"Language of the sentences."`
}

func (c *timeCaseCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	doc, err := loadDocument(e.ctx, f)
	if err != nil {
		return err
	}
	r, err := networkReport(doc)
	if err != nil {
		return timeError(timeFault(err))
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(r)
	}
	z, err := when.LoadZone(doc.Case.Zone)
	if err != nil {
		z = when.UTC
	}
	say := func(en, es string) string { return map[bool]string{false: en, true: es}[c.Lang == "es"] }
	moment := func(v *int64) string {
		if v == nil {
			return say("open", "abierto")
		}
		return z.RFC3339(when.Instant(*v))
	}
	chain := func(ls []order.Link) (s string) {
		for _, l := range ls {
			s += fmt.Sprintf(" %s(%s)", l.Constraint, l.Side)
		}
		return s
	}
	shared := r.Views[0].Bounds
	for i, v := range r.Views {
		name := say("Shared evidence", "Evidencia compartida")
		if v.Account != "" {
			name = say("With the account ", "Con la versión ") + v.Account
		}
		fmt.Fprintln(e.stdout, name)
		if len(v.Disputed) > 0 {
			fmt.Fprintf(e.stdout, "  %s: %v\n", say("left out, in contradiction", "fuera, en contradicción"), v.Disputed)
		}
		for n, b := range v.Bounds {
			if i == 0 && (b.Min != nil || b.Max != nil) || i > 0 && publish.Narrower(b, shared[n]) {
				fmt.Fprintf(e.stdout, "  %-16s %s .. %s\n    min:%s\n    max:%s\n", b.Point, moment(b.Min), moment(b.Max), chain(b.MinProof), chain(b.MaxProof))
			}
		}
	}
	fmt.Fprintf(e.stdout, "%s: %d\n", say("Contradictions", "Contradicciones"), len(r.Conflicts))
	for _, k := range r.Conflicts {
		fmt.Fprintf(e.stdout, "  %v %v\n    %s\n", k.Constraints, k.Accounts, k.Sentence[c.Lang])
	}
	if r.Incomplete {
		fmt.Fprintln(e.stdout, say("There are more contradictions than are listed.", "Hay más contradicciones de las que se listan."))
	}
	return nil
}
