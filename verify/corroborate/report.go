package corroborate

import (
	"fmt"
	"slices"
	"strings"

	"sightline"
)

// Schema names the JSON form of a [Report].
const Schema = "sightline.corroboration/1"

// Report is what the evidence says together.
type Report struct {
	Schema         string          `json:"schema"`
	Sources        []Source        `json:"sources"` // groups of more than one item
	Claims         []Claim         `json:"claims"`
	Contradictions []Contradiction `json:"contradictions"`
	Matrices       []Matrix        `json:"matrices"`
	Notes          []string        `json:"notes,omitempty"` // what could not be compared, and why
}

// Claim is the weight behind one claim.
type Claim struct {
	ID      string           `json:"id"`
	For     []Weight         `json:"for"`
	Against []Weight         `json:"against"`
	Suggest string           `json:"suggest"` // supported, partly, unsupported, contested, contradicted; never set by the program
	Why     sightline.Text   `json:"why"`
	Change  []sightline.Text `json:"change,omitempty"` // what would change the suggestion
	Pivots  []string         `json:"pivots,omitempty"` // sources without any one of which the suggestion would be another
}

// Weight is one independent source with what it says about a claim.
type Weight struct {
	Source   string   `json:"source"`
	Links    []string `json:"links"`    // what of it is linked
	Strength string   `json:"strength"` // the strongest of the links: strong, moderate, weak
	Counted  int      `json:"counted"`  // links folded into this one source
}

// Options are what a report needs beyond the document.
type Options struct {
	// See says whether the camera of an item sees a point of the scene (metres,
	// east, north, up): the chance that it does, and what stands in between. ok
	// is false where there is no scene or no pose. nil: sight lines are not asked.
	See func(item *sightline.Item, point [3]float64) (chance float64, by string, ok bool)
}

// Make computes the report of a case.
func Make(d *sightline.Document, o Options) *Report {
	all := Sources(d)
	r := &Report{Schema: Schema, Sources: []Source{}, Claims: []Claim{}, Contradictions: []Contradiction{}, Matrices: []Matrix{}}
	for _, s := range all {
		if len(s.Items) > 1 {
			r.Sources = append(r.Sources, s)
		}
	}
	w := &weigher{groups: groupOf(all), findings: map[string]*sightline.Finding{}, claims: map[string]*sightline.Claim{}}
	for _, f := range d.Findings {
		w.findings[f.ID] = f
	}
	for _, c := range d.Claims {
		w.claims[c.ID] = c
	}
	for _, c := range d.Claims {
		r.Claims = append(r.Claims, w.claim(d, c))
	}
	slices.SortFunc(r.Claims, func(a, b Claim) int { return byID(a.ID, b.ID) })
	r.Contradictions, r.Notes = contradictions(d, o)
	r.Matrices = matrices(d, w)
	return r
}

type weigher struct {
	groups   map[string]string
	findings map[string]*sightline.Finding
	claims   map[string]*sightline.Claim
}

// source names the independent source behind a link. A finding counts as the
// source of its inputs when they are all one; otherwise it is a source of its
// own, because it says more than any of them. A claim that supports a claim is
// as good as where it was said.
func (w *weigher) source(l sightline.Link) string {
	if l.Recording != "" {
		return "recording:" + l.Recording
	}
	id := l.To
	if f := w.findings[id]; f != nil {
		one := ""
		for _, in := range append(slices.Clone(f.Inputs), f.About...) {
			g := w.groups[itemOf(in, w.groups)]
			if g == "" {
				continue
			}
			if one != "" && one != g {
				return id
			}
			one = g
		}
		if one != "" {
			return one
		}
		return id
	}
	if c := w.claims[id]; c != nil {
		if len(c.Items) > 0 {
			if g := w.groups[c.Items[0]]; g != "" {
				return g
			}
		}
		return id
	}
	if g := w.groups[itemOf(id, w.groups)]; g != "" {
		return g
	}
	return id
}

// itemOf is the item of an observation: EJ-014.3 gives EJ-014.
func itemOf(id string, items map[string]string) string {
	if _, ok := items[id]; ok {
		return id
	}
	if i := strings.LastIndexByte(id, '.'); i > 0 {
		return id[:i]
	}
	return id
}

// points are how much one independent source counts.
var points = map[string]int{"strong": 3, "moderate": 2, "": 2, "weak": 1}

func (w *weigher) weigh(ls []sightline.Link) []Weight {
	out := []Weight{}
	at := map[string]int{}
	for _, l := range ls {
		s := w.source(l)
		strength := l.Strength
		if strength == "" {
			strength = "moderate"
		}
		i, ok := at[s]
		if !ok {
			at[s] = len(out)
			out = append(out, Weight{Source: s, Links: []string{l.To}, Strength: strength, Counted: 1})
			continue
		}
		out[i].Links = append(out[i].Links, l.To)
		out[i].Counted++
		if points[strength] > points[out[i].Strength] {
			out[i].Strength = strength
		}
	}
	return out
}

// suggest is the rule from weights to a word: two independent sources of which
// one is more than weak support a claim; one alone supports it partly; both
// sides weighing means contested; only the other side, contradicted.
func suggest(pro, con []Weight) string {
	p, c := 0, 0
	for _, w := range pro {
		p += points[w.Strength]
	}
	for _, w := range con {
		c += points[w.Strength]
	}
	switch {
	case p == 0 && c == 0:
		return "unsupported"
	case p == 0 && c >= 2:
		return "contradicted"
	case p == 0:
		return "unsupported"
	case c >= 2 && p >= 3*c:
		return "partly"
	case c >= 2 && c >= 3*p:
		return "contradicted"
	case c >= 2:
		return "contested"
	case len(pro) >= 2 && p >= 3 && c == 0:
		return "supported"
	}
	return "partly"
}

var words = map[string]sightline.Text{
	"supported": {"en": "supported", "es": "respaldada"}, "partly": {"en": "partly supported", "es": "respaldada en parte"},
	"unsupported": {"en": "unsupported", "es": "sin respaldo"}, "contested": {"en": "contested", "es": "en disputa"},
	"contradicted": {"en": "contradicted", "es": "contradicha"},
}

func (w *weigher) claim(d *sightline.Document, c *sightline.Claim) Claim {
	out := Claim{ID: c.ID, For: w.weigh(c.For), Against: w.weigh(c.Against)}
	out.Suggest = suggest(out.For, out.Against)
	folded := len(c.For) + len(c.Against) - len(out.For) - len(out.Against)
	out.Why = sightline.Text{
		"en": fmt.Sprintf("%s for it, %s against.", count(len(out.For), "independent source", "independent sources"), count(len(out.Against), "independent source", "independent sources")),
		"es": fmt.Sprintf("%s a favor, %s en contra.", count(len(out.For), "fuente independiente", "fuentes independientes"), count(len(out.Against), "fuente independiente", "fuentes independientes")),
	}
	if folded > 0 {
		out.Why["en"] += fmt.Sprintf(" %s repeated a source that was counted.", count(folded, "link", "links"))
		out.Why["es"] += fmt.Sprintf(" %s repetían una fuente ya contada.", count(folded, "enlace", "enlaces"))
	}
	change := func(en, es string) { out.Change = append(out.Change, sightline.Text{"en": en, "es": es}) }
	for side, ws := range [][]Weight{out.For, out.Against} {
		for i := range ws {
			less := slices.Delete(slices.Clone(ws), i, i+1)
			pro, con := less, out.Against
			if side == 1 {
				pro, con = out.For, less
			}
			if now := suggest(pro, con); now != out.Suggest {
				out.Pivots = append(out.Pivots, ws[i].Source)
				ids := strings.Join(ws[i].Links, ", ")
				change(fmt.Sprintf("If %s turns out false or not to be about this, the claim is %s.", ids, words[now]["en"]), fmt.Sprintf("Si %s resulta falso o no trata de esto, la afirmación queda %s.", ids, words[now]["es"]))
			}
		}
	}
	one := []Weight{{Source: "?", Strength: "strong", Counted: 1}}
	if now := suggest(append(slices.Clone(out.For), one...), out.Against); now != out.Suggest {
		change(fmt.Sprintf("A further independent strong source for it makes it %s.", words[now]["en"]), fmt.Sprintf("Otra fuente independiente y fuerte a favor la deja %s.", words[now]["es"]))
	}
	if now := suggest(out.For, append(slices.Clone(out.Against), one...)); now != out.Suggest {
		change(fmt.Sprintf("An independent strong source against it makes it %s.", words[now]["en"]), fmt.Sprintf("Una fuente independiente y fuerte en contra la deja %s.", words[now]["es"]))
	}
	if c.Time != nil {
		for _, g := range d.Gaps {
			if g.Time != nil && g.Time.Bounded() && c.Time.Bounded() && g.Time.Overlaps(c.Time.Interval) {
				change(fmt.Sprintf("Material from the gap %s falls into the time it speaks of.", g.ID), fmt.Sprintf("El material del vacío %s cae en el tiempo del que habla.", g.ID))
			}
		}
	}
	return out
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Matrix sets rival hypotheses against the evidence.
type Matrix struct {
	Question   string       `json:"question"` // "" for the accounts of the case
	Hypotheses []Hypothesis `json:"hypotheses"`
	Rows       []Row        `json:"rows"`
}

// Hypothesis is a claim, or an account as a whole.
type Hypothesis struct {
	ID      string         `json:"id"`
	Text    sightline.Text `json:"text"`
	Against int            `json:"against"` // points of evidence inconsistent with it; the least is the one that stands
	For     int            `json:"for"`
}

// Row is one independent source.
type Row struct {
	Source      string   `json:"source"`
	Links       []string `json:"links"`
	Cells       []int    `json:"cells"`       // by hypothesis: -3 strongly against … 3 strongly for, 0 says nothing
	Diagnostic  float64  `json:"diagnostic"`  // 0: fits all alike; 1: tells them apart as sharply as evidence can
	Consistency string   `json:"consistency"` // splits, same, one-sided
}

// matrices makes one matrix of the accounts and one of each question that
// claims name. Only hypotheses that some evidence speaks of are entered.
func matrices(d *sightline.Document, w *weigher) []Matrix {
	out := []Matrix{}
	questions := map[string][]*sightline.Claim{}
	for _, c := range d.Claims {
		if c.Question != "" {
			questions[c.Question] = append(questions[c.Question], c)
		}
	}
	var names []string
	for q := range questions {
		names = append(names, q)
	}
	slices.Sort(names)
	for _, q := range names {
		cs := questions[q]
		slices.SortFunc(cs, func(a, b *sightline.Claim) int { return byID(a.ID, b.ID) })
		var hs []Hypothesis
		var of [][]*sightline.Claim
		for _, c := range cs {
			hs = append(hs, Hypothesis{ID: c.ID, Text: c.Text})
			of = append(of, []*sightline.Claim{c})
		}
		if len(hs) > 1 {
			out = append(out, w.matrix(q, hs, of))
		}
	}
	byAccount := map[string][]*sightline.Claim{}
	for _, c := range d.Claims {
		byAccount[c.Account] = append(byAccount[c.Account], c)
	}
	var hs []Hypothesis
	var of [][]*sightline.Claim
	accounts := slices.Clone(d.Accounts)
	slices.SortFunc(accounts, func(a, b *sightline.Account) int { return a.Order - b.Order })
	for _, a := range accounts {
		n := 0
		for _, c := range byAccount[a.ID] {
			n += len(c.For) + len(c.Against)
		}
		if n > 0 {
			hs = append(hs, Hypothesis{ID: a.ID, Text: a.Title})
			of = append(of, byAccount[a.ID])
		}
	}
	if len(hs) > 1 {
		out = append(out, w.matrix("", hs, of))
	}
	return out
}

func (w *weigher) matrix(q string, hs []Hypothesis, of [][]*sightline.Claim) Matrix {
	m := Matrix{Question: q, Hypotheses: hs, Rows: []Row{}}
	at := map[string]int{}
	put := func(h int, l sightline.Link, sign int) {
		s := w.source(l)
		i, ok := at[s]
		if !ok {
			i = len(m.Rows)
			at[s] = i
			m.Rows = append(m.Rows, Row{Source: s, Links: []string{}, Cells: make([]int, len(hs))})
		}
		r := &m.Rows[i]
		if !slices.Contains(r.Links, l.To) {
			r.Links = append(r.Links, l.To)
		}
		// Inconsistent beats consistent: a hypothesis falls by what it cannot explain.
		v := sign * points[l.Strength]
		old := r.Cells[h]
		if v < 0 && (old >= 0 || v < old) || v > 0 && old >= 0 && v > old {
			r.Cells[h] = v
		}
	}
	for h, cs := range of {
		for _, c := range cs {
			for _, l := range c.For {
				put(h, l, 1)
			}
			for _, l := range c.Against {
				put(h, l, -1)
			}
		}
	}
	for i := range m.Rows {
		r := &m.Rows[i]
		lo, hi := slices.Min(r.Cells), slices.Max(r.Cells)
		r.Diagnostic = float64(hi-lo) / 6
		switch {
		case lo < 0 && hi > 0:
			r.Consistency = "splits"
		case lo == hi:
			r.Consistency = "same"
		default:
			r.Consistency = "one-sided"
		}
		for h, v := range r.Cells {
			if v < 0 {
				m.Hypotheses[h].Against -= v
			} else {
				m.Hypotheses[h].For += v
			}
		}
	}
	slices.SortStableFunc(m.Rows, func(a, b Row) int {
		switch {
		case a.Diagnostic > b.Diagnostic:
			return -1
		case a.Diagnostic < b.Diagnostic:
			return 1
		}
		return byID(a.Source, b.Source)
	})
	return m
}
