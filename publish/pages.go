package publish

import (
	"bytes"
	"context"
	"fmt"
	"sort"
	"strings"

	"sightline"
)

// index prepares what the pages look up.
func (b *builder) index() {
	b.items = map[string]*sightline.Item{}
	b.claims = map[string]*sightline.Claim{}
	b.accounts = map[string]*sightline.Account{}
	b.entities = map[string]*sightline.Entity{}
	b.pageOf = map[string]string{}
	for _, it := range b.pub.Items {
		b.items[it.ID] = it
		b.pageOf[it.ID] = "e/" + it.ID
	}
	for _, c := range b.pub.Claims {
		b.claims[c.ID] = c
		b.pageOf[c.ID] = "c/" + c.ID
	}
	for _, g := range b.pub.Gaps {
		b.pageOf[g.ID] = "g/" + g.ID
	}
	for _, a := range b.pub.Accounts {
		b.accounts[a.ID] = a
	}
	for _, e := range b.pub.Entities {
		b.entities[e.ID] = e
	}
}

// pages renders every page in every language.
func (b *builder) pages(ctx context.Context) error {
	b.index()
	if err := b.solveNetwork(); err != nil {
		return fmt.Errorf("the constraints of the case cannot be solved: %w", err)
	}
	if b.in.Before != nil {
		var err error
		if b.changes, err = Compare(b.in.Before, b.pub); err != nil {
			return err
		}
		if err := b.putJSON("data/changes.json", b.changes); err != nil {
			return err
		}
	}
	for _, lang := range b.pub.Case.Languages {
		feed, err := b.atomFeed(lang)
		if err != nil {
			return err
		}
		if err := b.put(strings.TrimSuffix(b.langName("corrections", lang), "html")+"atom", feed); err != nil {
			return err
		}
	}
	sort.SliceStable(b.pub.Accounts, func(i, j int) bool { return b.pub.Accounts[i].Order < b.pub.Accounts[j].Order })
	for _, lang := range b.pub.Case.Languages {
		if catalogue[lang] == nil {
			return fmt.Errorf("the pages cannot be written in %q; languages here: %s", lang, strings.Join(Languages(), ", "))
		}
		if err := b.pagesIn(ctx, lang); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) pagesIn(ctx context.Context, lang string) error {
	d := b.pub
	render := func(tmpl, self, section, title string, data map[string]any) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := &page{b: b, W: wordsOf(lang), Lang: lang, Self: self, Section: section, Title: title, Doc: d, Data: data}
		p.Root = strings.Repeat("../", strings.Count(self, "/"))
		var buf bytes.Buffer
		if err := templates.ExecuteTemplate(&buf, tmpl, p); err != nil {
			return fmt.Errorf("page %s: %w", self, err)
		}
		return b.put(b.langName(self, lang), buf.Bytes())
	}
	w := wordsOf(lang)
	tx := func(t sightline.Text) string { return t.In(lang, d.Case.Languages...) }
	zone := d.Case.Zone

	var story *sightline.Story
	if len(d.Stories) > 0 {
		story = d.Stories[0]
	}
	firstStill := ""
	if story != nil && len(story.Steps) > 0 {
		firstStill = b.still[story.ID+"/"+story.Steps[0].ID+"/"+lang]
	}
	if err := render("front.html", "index", "front", tx(d.Case.Title), map[string]any{
		"Story": story, "Still": firstStill, "Bars": bars(b.frontRows(lang), zone, tx(d.Case.Title)),
	}); err != nil {
		return err
	}
	if story != nil {
		if err := render("story.html", "story", "story", tx(story.Title), map[string]any{"Story": story}); err != nil {
			return err
		}
		from, to, tick := b.storySpan(story)
		for i := range story.Steps {
			st := &story.Steps[i]
			data := map[string]any{"Story": story, "Step": st, "N": i + 1, "Total": len(story.Steps), "Still": b.still[story.ID+"/"+st.ID+"/"+lang]}
			if st.Time != nil && to > from {
				data["Bar"] = barsOver([]row{{Time: st.Time, Now: true}}, zone, tx(st.Title), from, to, tick)
			}
			if i > 0 {
				data["Prev"] = &story.Steps[i-1]
			}
			if i+1 < len(story.Steps) {
				data["Next"] = &story.Steps[i+1]
			}
			for _, ph := range d.Case.Phases {
				if ph.ID == st.Phase {
					data["Phase"] = tx(ph.Title)
				}
			}
			if err := render("step.html", "s/"+st.ID, "story", tx(st.Title), data); err != nil {
				return err
			}
		}
	}
	if err := render("claims.html", "claims", "claims", w.T("claims_title"), nil); err != nil {
		return err
	}
	for _, c := range d.Claims {
		if err := render("claim.html", "c/"+c.ID, "claims", tx(c.Text), map[string]any{"Claim": c, "Bars": bars(b.claimRows(c, lang), zone, tx(c.Text))}); err != nil {
			return err
		}
	}
	if err := render("items.html", "items", "items", w.T("items_title"), map[string]any{"Withheld": b.withheld()}); err != nil {
		return err
	}
	for _, it := range d.Items {
		if err := render("item.html", "e/"+it.ID, "items", it.ID+" "+tx(it.Title), b.itemData(it, lang)); err != nil {
			return err
		}
	}
	if err := render("gaps.html", "gaps", "gaps", w.T("gaps_title"), nil); err != nil {
		return err
	}
	for _, g := range d.Gaps {
		rows := []row{{ID: g.ID, Label: tx(g.Title), Time: g.Time, Rival: g.Rival, Gap: true}}
		for _, id := range g.Items {
			if it := b.items[id]; it != nil && len(it.Times) > 0 {
				rows = append(rows, row{ID: id, Label: tx(it.Title), Time: &it.Times[0]})
			}
		}
		if err := render("gap.html", "g/"+g.ID, "gaps", tx(g.Title), map[string]any{"Gap": g, "Bars": bars(rows, zone, tx(g.Title))}); err != nil {
			return err
		}
	}
	if b.network != nil {
		if err := render("network.html", "network", "explore", w.T("network_title"), map[string]any{"Incomplete": b.network.Incomplete}); err != nil {
			return err
		}
	}
	timed, untimed := b.timed()
	for _, p := range []struct {
		tmpl, self, section, title string
		data                       map[string]any
	}{
		{"timeline.html", "timeline", "explore", w.T("timeline_title"), map[string]any{"Timed": timed, "Untimed": untimed, "Bars": b.laneBars(lang)}},
		{"explore.html", "explore", "explore", w.T("explore_title"), nil},
		{"method.html", "method", "method", w.T("method_title"), nil},
		{"corrections.html", "corrections", "corrections", w.T("corrections_title"), map[string]any{"Former": b.in.Former, "Notes": tx(b.in.Notes)}},
		{"verify.html", "verify", "verify", w.T("verify_title"), map[string]any{"Fingerprint": keyFingerprint(b.in.Log.PublicKey), "Sample": b.sampleProof()}},
	} {
		if err := render(p.tmpl, p.self, p.section, p.title, p.data); err != nil {
			return err
		}
	}
	return nil
}
