package publish

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"sightline"
)

// Verification is what the reviews of a case allow to be said, as package
// verify/review computes it at the moment of publishing. The words stored on
// an item are not enough: a job may have changed since what they were said
// about. Without one, nothing counts as verified.
type Verification struct {
	Axes     []Standing        `json:"axes"`               // by item, then in the order of the questions
	Findings map[string]string `json:"findings,omitempty"` // verified, self-checked, needs_re-review
}

// Standing is the outcome on one axis of one item. It names no person and no
// answer: who reviewed stays inside the team.
type Standing struct {
	Item   string          `json:"item"`
	Axis   string          `json:"axis"`
	State  string          `json:"state"`            // as verify/review names it: none, waiting, answered, self-checked, agreed, disputed, other-value, needs_re-review, verified
	Relied string          `json:"relied,omitempty"` // what of the edition stands on it first: a claim, or the item itself
	Why    sightline.Text  `json:"why,omitempty"`    // of two answers: how far they are apart
	After  *sightline.Text `json:"after,omitempty"`  // the disagreement that was resolved on the way
}

// VerificationSchema names the JSON form in an edition.
const VerificationSchema = "sightline.verification/1"

func (v *Verification) of(item, axis string) *Standing {
	if v != nil {
		for i := range v.Axes {
			if s := &v.Axes[i]; s.Item == item && s.Axis == axis {
				return s
			}
		}
	}
	return &Standing{Item: item, Axis: axis, State: "none"}
}

func (v *Verification) finding(f *sightline.Finding) string {
	if v != nil && v.Findings[f.ID] != "" {
		return v.Findings[f.ID]
	}
	return f.Review
}

// public keeps what is about the items and findings of an edition. How far two
// answers about a place were apart stays back where the place does.
func (v *Verification) public(pub *sightline.Document, hidden map[string]bool) *Verification {
	out := &Verification{Axes: []Standing{}, Findings: map[string]string{}}
	if v == nil {
		return out
	}
	items := map[string]bool{}
	for _, it := range pub.Items {
		items[it.ID] = true
	}
	for _, s := range v.Axes {
		if !items[s.Item] {
			continue
		}
		if s.Axis == sightline.AxisPlace && hidden[s.Item] {
			s.Why, s.After = nil, nil
		}
		out.Axes = append(out.Axes, s)
	}
	for _, f := range pub.Findings {
		if st := v.finding(f); st != "" {
			out.Findings[f.ID] = st
		}
	}
	return out
}

// verified looks for what the edition would rely on although two people did
// not verify it. What is open may go out when it is said: by the reason on the
// axis, printed on the item's page, or for a whole case by its own statement,
// printed on every claim concerned. What the rules contradict may not.
func (p *preflight) verified(it *sightline.Item) {
	k := sightline.KindItem
	var open, clash, word []string
	for _, axis := range sightline.AxisNames {
		s := p.ver.of(it.ID, axis)
		if s.State == "verified" {
			continue
		}
		stored := it.Axes.Of(axis)
		if stored.Status == "verified" || axis == sightline.AxisPlace && len(it.Places) > 0 && it.Places[0].Status == "verified" || axis == sightline.AxisTime && len(it.Times) > 0 && it.Times[0].Status == "verified" {
			word = append(word, axis)
			continue
		}
		if s.Relied == "" || p.said(stored.Reason) {
			continue
		}
		switch s.State {
		case "disputed", "other-value", "needs_re-review":
			clash = append(clash, axis)
		default:
			if !p.said(p.doc.Case.Unverified) {
				open = append(open, axis)
			}
		}
	}
	if len(word) > 0 {
		p.add(k, it.ID, "verified_in_word_only", fmt.Sprintf("%s calls its %s verified, and the answers of the reviewers do not say so now.", it.ID, axesIn("en", word)), fmt.Sprintf("%s da por verificado: %s, y las respuestas de quienes revisan no lo dicen ahora.", it.ID, axesIn("es", word)),
			"Ask two people, the second of whom has not seen the first answer; or take the word back.", "Pregunte a dos personas, la segunda sin ver la primera respuesta; o retire la palabra.")
	}
	if len(clash) > 0 {
		p.add(k, it.ID, "review_open", fmt.Sprintf("%s is relied on, and about its %s the reviewers disagree or judged an older record.", it.ID, axesIn("en", clash)), fmt.Sprintf("La edición se apoya en %s, y sobre %s quienes revisan discrepan o juzgaron un registro anterior.", it.ID, axesIn("es", clash)),
			"Resolve it in the review, or say on the axis, in every language, why it goes out as it stands.", "Resuélvalo en la revisión, o diga en el eje, en cada idioma, por qué sale tal como está.")
	}
	if len(open) > 0 {
		p.add(k, it.ID, "unverified", fmt.Sprintf("%s is relied on, and two people have not verified its %s.", it.ID, axesIn("en", open)), fmt.Sprintf("La edición se apoya en %s, y dos personas no han verificado: %s.", it.ID, axesIn("es", open)),
			"Ask two people for a review; or say on the axis, or for the whole case (unverified), in every language, why it goes out unverified.", "Pida la revisión de dos personas; o diga en el eje, o para todo el caso (sin verificar), en cada idioma, por qué sale sin verificar.")
	}
}

// finding does the same for a finding that a public claim rests on.
func (p *preflight) findingVerified(f *sightline.Finding) {
	by := ""
	for _, c := range p.doc.Claims {
		for _, l := range append(slices.Clone(c.For), c.Against...) {
			if c.Public && l.To == f.ID && by == "" {
				by = c.ID
			}
		}
	}
	if by == "" {
		return
	}
	switch p.ver.finding(f) {
	case "verified":
	case "needs_re-review":
		p.add(sightline.KindFinding, f.ID, "finding_stale", by+" rests on "+f.ID+", and what it was made from has changed since it was reviewed.", by+" se apoya en "+f.ID+", y aquello de lo que se hizo cambió desde su revisión.", "Have it reviewed again, or take it out of the claim.", "Haga que se revise de nuevo, o quítelo de la afirmación.")
	default:
		if !p.said(p.doc.Case.Unverified) {
			p.add(sightline.KindFinding, f.ID, "finding_unverified", by+" rests on "+f.ID+", which two people have not verified.", by+" se apoya en "+f.ID+", que dos personas no han verificado.", "Have it reviewed; or say for the whole case (unverified), in every language, why it goes out unverified.", "Haga que se revise; o diga para todo el caso (sin verificar), en cada idioma, por qué sale sin verificar.")
		}
	}
}

// said reports whether a text is there in every language of the edition.
func (p *preflight) said(t sightline.Text) bool {
	for _, l := range p.langs {
		if strings.TrimSpace(t[l]) == "" {
			return false
		}
	}
	return true
}

func axesIn(lang string, axes []string) string {
	out := make([]string, len(axes))
	for i, a := range axes {
		out[i] = wordsOf(lang).T("axis_" + a)
	}
	return strings.Join(out, ", ")
}

// Corroboration is what the evidence of an edition says together. It is made
// from the public document alone, so that a reader can make it again.
type Corroboration struct {
	Schema         string          `json:"schema"`
	Claims         []ClaimWeight   `json:"claims"`
	Contradictions []Contradiction `json:"contradictions"`
}

// CorroborationSchema names its JSON form in an edition.
const CorroborationSchema = "sightline.edition.corroboration/1"

// ClaimWeight is the weight behind one claim.
type ClaimWeight struct {
	ID      string           `json:"id"`
	For     int              `json:"for"`     // independent sources
	Against int              `json:"against"` //
	Suggest string           `json:"suggest"` // what the rule of docs/methods/corroboration.md gives; the status of the claim is a person's
	Why     sightline.Text   `json:"why"`
	Change  []sightline.Text `json:"change,omitempty"` // what would change it
}

// Contradiction is one thing that cannot be true together with another.
type Contradiction struct {
	By   string         `json:"by"` // time, place, sight, arithmetic
	Refs []string       `json:"refs"`
	Text sightline.Text `json:"text"`
	Size string         `json:"size,omitempty"`
}

// corroborate computes the weights and writes them down.
func (b *builder) corroborate() error {
	if err := b.putJSON("data/verification.json", struct {
		Schema string `json:"schema"`
		*Verification
	}{VerificationSchema, b.ver}); err != nil {
		return err
	}
	if b.in.Corroborate == nil {
		return nil
	}
	b.cor = b.in.Corroborate(b.pub)
	return b.putJSON("data/corroboration.json", b.cor)
}

// standingLine is one thing a claim or item rests on, for its page.
type standingLine struct {
	Item, Axis, State string
	OK                bool
	Why, After        string
}

func (p *page) standing(items []string, also func(s *Standing) bool) (lines []standingLine) {
	for _, id := range items {
		for _, axis := range sightline.AxisNames {
			s := p.b.ver.of(id, axis)
			if s.Relied == "" && (also == nil || !also(s)) {
				continue
			}
			l := standingLine{Item: id, Axis: p.W.T("axis_" + axis), State: p.W.T("review_" + s.State), OK: s.State == "verified", Why: p.Text(s.Why)}
			if s.After != nil {
				l.After = p.Text(*s.After)
			}
			lines = append(lines, l)
		}
	}
	return lines
}

// ItemStanding lists how the axes of an item were verified.
func (p *page) ItemStanding(id string) []standingLine {
	return p.standing([]string{id}, func(s *Standing) bool { return s.State != "none" })
}

// rests lists the items a claim is said in or linked to, in order of id.
func (b *builder) rests(c *sightline.Claim) []string {
	set := map[string]bool{}
	for _, id := range c.Items {
		set[id] = true
	}
	for _, l := range append(slices.Clone(c.For), c.Against...) {
		if it := b.items[itemOf(l.To)]; it != nil {
			set[it.ID] = true
		}
		for _, f := range b.pub.Findings {
			if f.ID == l.To {
				for _, id := range f.About {
					if b.items[itemOf(id)] != nil {
						set[itemOf(id)] = true
					}
				}
			}
		}
	}
	var out []string
	for id := range set {
		if b.items[id] != nil {
			out = append(out, id)
		}
	}
	sort.Slice(out, func(i, j int) bool { return sightline.CompareIDs(out[i], out[j]) < 0 })
	return out
}

// claimReview is what a claim's page says about how it was checked.
type claimReview struct {
	Done, All      int
	Open           []standingLine // relied on and not verified
	After          []standingLine // verified after a disagreement
	Findings       []map[string]string
	Unverified     sightline.Text
	Weight         *ClaimWeight
	Contradictions []Contradiction
}

// Review says how what a claim rests on was checked, what contradicts what,
// and what would change the outcome.
func (p *page) Review(c *sightline.Claim) claimReview {
	items := p.b.rests(c)
	out := claimReview{}
	for _, l := range p.standing(items, nil) {
		out.All++
		if l.OK {
			out.Done++
			if l.After != "" {
				out.After = append(out.After, l)
			}
		} else {
			out.Open = append(out.Open, l)
		}
	}
	for _, l := range append(slices.Clone(c.For), c.Against...) {
		for _, f := range p.Doc.Findings {
			if f.ID == l.To {
				state := p.b.ver.finding(f)
				if state == "" {
					state = "none"
				}
				out.Findings = append(out.Findings, map[string]string{"ID": f.ID, "State": p.W.T("review_" + state)})
			}
		}
	}
	if len(out.Open) > 0 {
		out.Unverified = p.Doc.Case.Unverified
	}
	if p.b.cor == nil {
		return out
	}
	for i := range p.b.cor.Claims {
		if w := &p.b.cor.Claims[i]; w.ID == c.ID {
			out.Weight = w
		}
	}
	for _, x := range p.b.cor.Contradictions {
		near := 0
		for _, r := range x.Refs {
			if r == c.ID {
				near = 2
			} else if contains(items, itemOf(r)) {
				near++
			}
		}
		if near > 1 {
			out.Contradictions = append(out.Contradictions, x)
		}
	}
	return out
}
