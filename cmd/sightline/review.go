package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"sightline"
	"sightline/archive"
	"sightline/verify/corroborate"
	"sightline/verify/review"
)

// reviewCmd says what the reviews of a case allow to be said, and what the
// evidence says together.
type reviewCmd struct {
	inCase  `embed:""`
	JSON    bool     `name:"json" help:"Print the verdicts and the corroboration as JSON."`
	Lang    string   `enum:"en,es" default:"en" help:"Language of the sentences."`
	Take    []string `type:"existingfile" placeholder:"FILE" help:"Take in files in which readers of an edition confirm or dispute something; each becomes an open remark."`
	Waiting bool     `help:"Only what is waiting, disputed or stale."`
}

// reviewAnswer is the JSON of "sightline review".
type reviewAnswer struct {
	Review        *review.Report      `json:"review"`
	Corroboration *corroborate.Report `json:"corroboration"`
}

func (c *reviewCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	if len(c.Take) > 0 {
		return takeResponses(e.ctx, f, c.Take, e.stdout)
	}
	doc, err := loadDocument(e.ctx, f)
	if err != nil {
		return err
	}
	out := reviewAnswer{review.Status(doc), corroborate.Make(doc, corroborate.Options{See: seeIn(caseScene(e.ctx, f, doc))})}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(out)
	}
	for _, v := range out.Review.Verdicts {
		if c.Waiting && (v.State == review.Verified || v.State == review.SelfChecked) {
			continue
		}
		fmt.Fprintf(e.stdout, "%-9s %-12s %-15s %s\n", v.Item, v.Axis, v.State, v.Why.In(c.Lang, "en"))
	}
	for _, q := range doc.Comments {
		if q.Person == "reader" && !q.Resolved {
			fmt.Fprintf(e.stdout, "%-9s %-12s %-15s %s\n", q.About, "reader", q.ID, strings.ReplaceAll(q.Text, "\n", " "))
		}
	}
	if c.Waiting {
		return nil
	}
	needs, open := 0, 0
	for item, list := range out.Review.Relied {
		for _, n := range list {
			needs++
			if out.Review.Of(item, n.Axis).State != review.Verified {
				open++
			}
		}
	}
	fmt.Fprintf(e.stdout, "relied on: %d axes of public items, %d of them not verified by two people\n", needs, open)
	for _, k := range out.Corroboration.Claims {
		fmt.Fprintf(e.stdout, "%-9s %-12s %s\n", k.ID, k.Suggest, k.Why.In(c.Lang, "en"))
	}
	for _, x := range out.Corroboration.Contradictions {
		fmt.Fprintf(e.stdout, "%-9s %s: %s\n", x.By, strings.Join(x.Refs, " "), x.Text.In(c.Lang, "en"))
	}
	for _, n := range out.Corroboration.Notes {
		fmt.Fprintf(e.stdout, "note      %s\n", n)
	}
	return nil
}

// seeIn makes the question of a sight line from a scene; nil without one.
func seeIn(l loadedScene) func(*sightline.Item, [3]float64) (float64, string, bool) {
	if l.around == nil {
		return nil
	}
	return func(it *sightline.Item, p [3]float64) (float64, string, bool) {
		for _, pl := range it.Places {
			if pl.Camera == nil {
				continue
			}
			var cov [3][3]float64
			for i := range 3 {
				for j := range 3 {
					if i < len(pl.Camera.Covariance) && j < len(pl.Camera.Covariance[i]) {
						cov[i][j] = pl.Camera.Covariance[i][j]
					}
				}
			}
			// A metre around either end is no obstacle: the thing itself stands there.
			_, chance, by := l.around.Between(pl.Camera.Position, cov, p, [3][3]float64{}, 1)
			name := ""
			if len(by) > 0 {
				name = by[0].Body
			}
			return chance, name, true
		}
		return 0, "", false
	}
}
