package publish

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"sightline"
)

// Problem is one thing that stands in the way of an edition, with the way out.
type Problem struct {
	Ref  sightline.Ref  `json:"ref"`
	Code string         `json:"code"`
	Text sightline.Text `json:"text"`
	Fix  sightline.Text `json:"fix"`
}

// Preflight lists what stands in the way of publishing a case, in the order of
// the document; v is what the reviews allow to be said, nil where nobody
// reviewed. It never changes anything.
func Preflight(doc *sightline.Document, v *Verification) []Problem {
	p := &preflight{doc: doc, ver: v, langs: doc.Case.Languages, ids: map[string]bool{}}
	p.run()
	return p.out
}

type preflight struct {
	doc   *sightline.Document
	ver   *Verification
	langs []string
	ids   map[string]bool // everything a citation may point at
	out   []Problem
}

func (p *preflight) add(k sightline.Kind, id, code, en, es, fixEN, fixES string) {
	p.out = append(p.out, Problem{sightline.Ref{Kind: k, ID: id}, code, sightline.Text{"en": en, "es": es}, sightline.Text{"en": fixEN, "es": fixES}})
}

// text requires a text to be present in every language of the edition.
func (p *preflight) text(k sightline.Kind, id, field string, t sightline.Text, required bool) {
	if !required && len(t) == 0 {
		return
	}
	for _, l := range p.langs {
		if strings.TrimSpace(t[l]) == "" {
			p.add(k, id, "missing_translation",
				fmt.Sprintf("%s has no %s in %q.", id, field, l), fmt.Sprintf("A %s le falta %s en %q.", id, field, l),
				"Write it, or take the language out of the case.", "Escríbalo, o quite el idioma del caso.")
		}
	}
}

func (p *preflight) run() {
	d := p.doc
	if len(p.langs) == 0 {
		p.add(sightline.KindCase, d.Case.ID, "no_language", "The case names no language for its edition.", "El caso no indica en qué idioma se publica.", "Set the languages of the case.", "Indique los idiomas del caso.")
		return
	}
	p.text(sightline.KindCase, d.Case.ID, "title", d.Case.Title, true)
	p.text(sightline.KindCase, d.Case.ID, "summary", d.Case.Summary, true)
	p.text(sightline.KindCase, d.Case.ID, "limits", d.Case.Limits, true)
	p.text(sightline.KindCase, d.Case.ID, "method", d.Case.Method, true)

	public := map[string]*sightline.Item{}
	for _, it := range d.Items {
		p.item(it)
		if it.Public.Decision == "publish" {
			public[it.ID] = it
			p.ids[it.ID] = true
		}
	}
	if len(public) == 0 {
		p.add(sightline.KindCase, d.Case.ID, "nothing_public", "No item is cleared for the public.", "Ninguna pieza está autorizada para publicarse.",
			"Open each item and decide: publish or withhold.", "Abra cada pieza y decida: publicar o reservar.")
	}
	for _, o := range d.Observations {
		if public[o.Item] != nil {
			p.ids[o.ID] = true
			p.text(sightline.KindObservation, o.ID, "text", o.Text, true)
		}
	}
	hidden := hiddenPlaces(d)
	for _, f := range d.Findings {
		if f.Public {
			p.ids[f.ID] = true
			p.text(sightline.KindFinding, f.ID, "text", f.Text, true)
			p.findingVerified(f)
			if id := revealed(f, hidden); id != "" {
				p.add(sightline.KindFinding, f.ID, "finding_reveals_place", f.ID+" would give away the place of "+id+", which is blurred or withheld.", f.ID+" revelaría el lugar de "+id+", que está difuminado o reservado.", "Take the finding out of the public, or show the place.", "Quite el hallazgo del público, o muestre el lugar.")
			}
		}
	}
	for _, g := range d.Gaps {
		if g.Public {
			p.ids[g.ID] = true
			p.text(sightline.KindGap, g.ID, "title", g.Title, true)
			p.text(sightline.KindGap, g.ID, "text", g.Text, true)
		}
	}
	for _, c := range d.Claims {
		if c.Public {
			p.ids[c.ID] = true
		}
	}
	for _, c := range d.Claims {
		if c.Public {
			p.claim(c)
		}
	}
	for _, k := range d.Constraints {
		public := len(k.Evidence) > 0
		for _, id := range k.Evidence {
			public = public && p.ids[itemOf(id)]
		}
		if public {
			p.text(sightline.KindConstraint, k.ID, "sentence", k.Text, true)
		}
	}
	for _, a := range d.Accounts {
		p.text(sightline.KindAccount, a.ID, "title", a.Title, true)
	}
	for _, s := range d.Stories {
		if s.Public {
			p.story(s)
		}
	}
}

func (p *preflight) item(it *sightline.Item) {
	k := sightline.KindItem
	switch it.Public.Decision {
	case "publish":
	case "withhold":
		if it.Public.Reason.In(p.langs[0]) == "" {
			p.add(k, it.ID, "withheld_without_reason", it.ID+" is withheld without a reason.", it.ID+" está reservada sin motivo.", "Write the reason; it is shown in its place.", "Escriba el motivo; se muestra en su lugar.")
		}
		return
	default:
		p.add(k, it.ID, "undecided", "Nobody has decided whether "+it.ID+" may be published.", "Nadie ha decidido si "+it.ID+" puede publicarse.", "Decide: publish or withhold.", "Decida: publicar o reservar.")
		return
	}
	p.text(k, it.ID, "title", it.Title, true)
	p.text(k, it.ID, "description", it.Seen, true)
	if it.Source.Name.In(p.langs[0]) == "" && it.Source.URL == "" && it.Source.Citation == "" {
		p.add(k, it.ID, "no_source", it.ID+" names no source.", it.ID+" no nombra ninguna fuente.", "Say who published or gave it, or withhold it.", "Diga quién la publicó o entregó, o resérvela.")
	}
	if it.Sensitivity == "source_at_risk" {
		p.add(k, it.ID, "source_at_risk", it.ID+" could put its source at risk.", it.ID+" podría poner en riesgo a su fuente.", "Withhold it, or record why the risk has gone.", "Resérvela, o registre por qué ya no hay riesgo.")
	}
	if it.Public.Media == "publish" {
		p.text(k, it.ID, "alternative text", it.Alt, it.Media == "photo" || it.Media == "image" || it.Media == "video")
		if it.Rights.Licence == "" {
			p.add(k, it.ID, "no_licence", "The media of "+it.ID+" would be published without a licence or a reason.", "Los medios de "+it.ID+" se publicarían sin licencia ni motivo.", "Record the licence or the legal basis, or withhold the media.", "Registre la licencia o la base legal, o reserve los medios.")
		}
		switch it.Rights.Consent {
		case "given", "not_needed":
		case "refused":
			p.add(k, it.ID, "consent_refused", "Consent to publish the media of "+it.ID+" was refused.", "Se negó el consentimiento para publicar los medios de "+it.ID+".", "Withhold the media.", "Reserve los medios.")
		default:
			p.add(k, it.ID, "no_consent", "Nobody recorded consent for the media of "+it.ID+".", "Nadie registró el consentimiento para los medios de "+it.ID+".", "Record it as given or not needed, or withhold the media.", "Regístrelo como dado o no necesario, o reserve los medios.")
		}
		if it.Sensitivity == "graphic" && it.Harm.In(p.langs[0]) == "" {
			p.add(k, it.ID, "harm_not_named", it.ID+" is graphic and nothing says what a viewer would see.", it.ID+" es sensible y nada dice qué vería quien la abra.", "Name the harm and where it is: \"body, blood; 0:12-0:19\".", "Nombre el daño y dónde está: «cuerpo, sangre; 0:12-0:19».")
		}
	}
	if it.Public.Media == "publish" {
		p.shownMedia(it)
	}
	p.tip(it)
	p.verified(it)
	for _, pl := range it.Places {
		if pl.Role == "camera" && it.Source.Perspective == "citizen" && !pl.Withheld && pl.FuzzM == 0 && (pl.Geo != nil || pl.Camera != nil || pl.ENU != nil) && !p.doc.Case.Exercise {
			p.add(k, it.ID, "witness_place", "The place where a citizen stood for "+it.ID+" would be published exactly.", "Se publicaría el lugar exacto donde estaba un ciudadano para "+it.ID+".", "Blur the public place or withhold it.", "Difumine el lugar público o resérvelo.")
			break
		}
	}
}

func (p *preflight) claim(c *sightline.Claim) {
	k := sightline.KindClaim
	p.text(k, c.ID, "sentence", c.Text, true)
	p.text(k, c.ID, "\"what this does not show\"", c.NotShown, true)
	if len(c.Items) == 0 {
		p.add(k, c.ID, "claim_without_source", c.ID+" does not say where it was said.", c.ID+" no dice dónde se afirmó.", "Name the items in which it is said.", "Nombre las piezas en que se afirma.")
	}
	ids := append([]string(nil), c.Items...)
	for _, l := range append(append([]sightline.Link(nil), c.For...), c.Against...) {
		ids = append(ids, l.To)
	}
	for _, id := range ids {
		if !p.ids[id] {
			p.add(k, c.ID, "not_public", c.ID+" rests on "+id+", which is not public or does not exist.", c.ID+" se apoya en "+id+", que no es pública o no existe.", "Publish "+id+", or take it out of the claim.", "Publique "+id+", o quítela de la afirmación.")
		}
	}
}

func (p *preflight) story(s *sightline.Story) {
	k := sightline.KindStory
	p.text(k, s.ID, "title", s.Title, true)
	for _, st := range s.Steps {
		where := s.ID + ", step " + st.ID
		p.text(k, where, "title", st.Title, true)
		p.text(k, where, "text", st.Text, true)
		p.text(k, where, "alternative text of the still", st.Still, true)
		for _, lang := range p.langs {
			for _, par := range paragraphs(st.Text[lang]) {
				cites := citations(par)
				for _, id := range cites {
					if !p.ids[id] {
						p.add(k, s.ID, "cites_missing", fmt.Sprintf("Step %s cites %s, which is not public or does not exist.", st.ID, id), fmt.Sprintf("El paso %s cita %s, que no es pública o no existe.", st.ID, id), "Publish it or cite something else.", "Publíquela o cite otra cosa.")
					}
				}
				if label, _ := labelled(par); label == "" {
					for _, sentence := range uncited(par) {
						p.add(k, s.ID, "uncited", fmt.Sprintf("Step %s (%s): this sentence cites nothing: %q", st.ID, lang, sentence), fmt.Sprintf("Paso %s (%s): esta oración no cita nada: «%s»", st.ID, lang, sentence), "Cite an item in square brackets, or begin the paragraph with \"context:\" or \"not established:\".", "Cite una pieza entre corchetes, o comience el párrafo con «context:» o «not established:».")
					}
				}
			}
		}
		if st.Claim != "" && !p.ids[st.Claim] {
			p.add(k, s.ID, "cites_missing", fmt.Sprintf("Step %s shows %s, which is not public or does not exist.", st.ID, st.Claim), fmt.Sprintf("El paso %s muestra %s, que no es pública o no existe.", st.ID, st.Claim), "Publish it or show something else.", "Publíquela o muestre otra cosa.")
		}
	}
}

var citation = regexp.MustCompile(`\[([A-Z]{1,4}-\d+(?:\.\d+)?)\]`)

// citations returns the ids a text cites, in order.
func citations(s string) []string {
	var out []string
	for _, m := range citation.FindAllStringSubmatch(s, -1) {
		out = append(out, m[1])
	}
	return out
}

// paragraphs splits a step's text at blank lines.
func paragraphs(s string) []string {
	var out []string
	for _, p := range regexp.MustCompile(`\n\s*\n`).Split(strings.TrimSpace(s), -1) {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// labelled splits off the label of a paragraph that is not evidence.
func labelled(p string) (label, rest string) {
	for _, l := range []string{"context", "not established"} {
		if r, ok := strings.CutPrefix(p, l+":"); ok {
			return l, strings.TrimSpace(r)
		}
	}
	return "", p
}

// uncited returns the sentences of a paragraph that carry no citation. A
// citation stands before the full stop or right behind it.
func uncited(p string) []string {
	var out []string
	for _, s := range sentences(p) {
		if len(citations(s)) == 0 {
			out = append(out, s)
		}
	}
	return out
}

// sentences splits at a full stop, question or exclamation mark that is
// followed by a space and a capital letter, quote or opening mark; a citation
// behind the mark belongs to the sentence before it. Abbreviations of one
// letter ("G. Fiorella") and of a few known words do not end a sentence.
func sentences(p string) []string {
	rs := []rune(strings.Join(strings.Fields(p), " "))
	var out []string
	start := 0
	for i := 0; i < len(rs); i++ {
		if rs[i] != '.' && rs[i] != '?' && rs[i] != '!' && rs[i] != '؟' {
			continue
		}
		j := i + 1
		for j < len(rs) && (rs[j] == '”' || rs[j] == '»' || rs[j] == '"') {
			j++
		}
		// citations right behind the mark
		for {
			k := j
			for k < len(rs) && rs[k] == ' ' {
				k++
			}
			loc := citation.FindStringIndex(string(rs[k:]))
			if loc == nil || loc[0] != 0 {
				break
			}
			j = k + len([]rune(string(rs[k:])[:loc[1]]))
		}
		if j < len(rs) && (rs[j] != ' ' || j+1 >= len(rs) || !startsSentence(rs[j+1])) {
			continue
		}
		if rs[i] == '.' && abbreviation(rs[start:i]) {
			continue
		}
		out = append(out, strings.TrimSpace(string(rs[start:j])))
		start = j
		i = j - 1
	}
	if rest := strings.TrimSpace(string(rs[start:])); rest != "" {
		out = append(out, rest)
	}
	return out
}

func startsSentence(r rune) bool {
	// A script without capitals begins a sentence with any letter.
	return strings.ContainsRune("¿¡“«\"", r) || unicode.IsDigit(r) || unicode.IsLetter(r) && !unicode.IsLower(r)
}

func abbreviation(before []rune) bool {
	i := len(before)
	for i > 0 && before[i-1] != ' ' {
		i--
	}
	w := string(before[i:])
	switch strings.ToLower(w) {
	case "dr", "sr", "sra", "no", "núm", "st", "mr", "mrs", "p", "vs", "ee", "uu":
		return true
	}
	return len([]rune(w)) == 1 && strings.ToUpper(w) == w && !strings.ContainsAny(w, "0123456789")
}
