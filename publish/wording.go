package publish

import (
	"fmt"
	"regexp"
	"strings"

	"sightline"
	"sightline/when"
)

// Advise lists wording that says more than the evidence: it never blocks an
// edition, because only a person knows what was meant. It reads the public
// story, findings and claims' reasons, in English and Spanish, sentence by
// sentence, and looks for
//
//   - over_claim: a word that closes the question ("proves", "sin duda") in our
//     own voice;
//   - legal_conclusion: a finding of law in our own voice ("murdered",
//     "ejecución extrajudicial");
//   - hidden_speaker: somebody unnamed is made to say it ("reportedly",
//     "se cree que") and nothing is cited;
//   - narrow_time: a minute on the clock although every cited item knows it
//     only within a wider interval.
//
// What stands in quotation marks, is put in somebody's mouth ("says", "según"),
// is denied or asked, is not our own voice and is left alone.
func Advise(doc *sightline.Document) []Problem {
	a := &adviser{doc: doc, items: map[string]*sightline.Item{}, events: map[string]*sightline.Event{}, gaps: map[string]*sightline.Gap{}}
	if z, err := when.LoadZone(doc.Case.Zone); err == nil {
		a.zone = z
	} else {
		a.zone = when.UTC
	}
	for _, it := range doc.Items {
		a.items[it.ID] = it
	}
	for _, e := range doc.Events {
		a.events[e.ID] = e
	}
	for _, g := range doc.Gaps {
		a.gaps[g.ID] = g
	}
	for _, s := range doc.Stories {
		if !s.Public {
			continue
		}
		for _, st := range s.Steps {
			a.text(sightline.Ref{Kind: sightline.KindStory, ID: s.ID}, "step "+st.ID, "el paso "+st.ID, st.Text)
		}
	}
	for _, f := range doc.Findings {
		if f.Public {
			a.text(f.Ref(), f.ID, f.ID, f.Text)
		}
	}
	for _, c := range doc.Claims {
		if c.Public {
			a.text(c.Ref(), "the reason of "+c.ID, "el motivo de "+c.ID, c.Reason)
		}
	}
	return a.out
}

type adviser struct {
	doc    *sightline.Document
	zone   when.Zone
	items  map[string]*sightline.Item
	events map[string]*sightline.Event
	gaps   map[string]*sightline.Gap
	out    []Problem
}

func (a *adviser) say(ref sightline.Ref, code, en, es, fixEN, fixES string) {
	a.out = append(a.out, Problem{ref, code, sightline.Text{"en": en, "es": es}, sightline.Text{"en": fixEN, "es": fixES}})
}

// wordRule is one kind of over-statement, with its words in both languages.
type wordRule struct {
	code         string
	words        map[string]*regexp.Regexp
	textEN, txES string
	fixEN, fixES string
}

// edge stands where \b would not know an accented letter.
func anyOf(words ...string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:^|[^\p{L}\p{N}])(` + strings.Join(words, "|") + `)(?:$|[^\p{L}\p{N}])`)
}

var wordRules = []wordRule{
	{"over_claim", map[string]*regexp.Regexp{
		"en": anyOf(`proves`, `proved`, `proven`, `undoubtedly`, `unquestionably`, `undeniabl[ey]`, `indisputabl[ey]`, `irrefutabl[ey]`, `conclusively`, `beyond (?:any |all )?(?:reasonable )?doubt`, `without (?:a |any )?doubt`, `no doubt`, `clearly`, `obviously`, `evidently`, `certainly`, `definitely`, `it is certain`),
		"es": anyOf(`demuestran?`, `demostró`, `demostraron`, `demostrad[oa]s?`, `prueban? que`, `probad[oa]s?`, `(?:quedó|está) probad[oa]`, `sin (?:ninguna |la menor |lugar a )?dudas?`, `indudablemente`, `indiscutible(?:mente)?`, `irrefutable(?:mente)?`, `concluyentemente`, `claramente`, `obviamente`, `evidentemente`, `ciertamente`, `definitivamente`, `con toda certeza`),
	}, "%s closes the question with %q: %s", "%s cierra la cuestión con «%s»: %s",
		"Say what the item shows and how sure it is.", "Diga qué muestra la pieza y con qué certeza."},
	{"legal_conclusion", map[string]*regexp.Regexp{
		"en": anyOf(`murder(?:ed|er|ers|s)?`, `massacred?`, `war crimes?`, `crimes? against humanity`, `extrajudicial(?:ly)? (?:killing|execution|executed|killed)s?`, `summar(?:y|ily) execut(?:ion|ions|ed)`, `guilty`, `assassinat(?:ed|ion)`),
		"es": anyOf(`asesin(?:ó|aron|ad[oa]s?|ato|atos)`, `masacr(?:e|es|ó|aron|ad[oa]s)`, `crímen(?:es)? de (?:guerra|lesa humanidad)`, `crimen de (?:guerra|lesa humanidad)`, `ejecuci(?:ón|ones) (?:extrajudicial|sumaria)(?:es|s)?`, `culpables?`),
	}, "%s states a finding of law in our own voice, %q: %s", "%s afirma una conclusión jurídica con voz propia, «%s»: %s",
		"Describe what was done, or say whose conclusion it is.", "Describa lo que se hizo, o diga de quién es la conclusión."},
	{"hidden_speaker", map[string]*regexp.Regexp{
		"en": anyOf(`reportedly`, `allegedly`, `supposedly`, `it (?:is|was) (?:said|believed|thought|reported|alleged|known)`, `(?:is|are|was|were) (?:said|believed|thought|reported|alleged) to`, `sources say`, `some say`, `many believe`),
		"es": anyOf(`presuntamente`, `supuestamente`, `al parecer`, `se (?:dice|cree|sabe|afirma|rumorea|comenta) que`, `habría[n]? sido`, `fuentes (?:dicen|afirman|aseguran)`, `algunos dicen`, `muchos creen`),
	}, "%s lets somebody unnamed say it, %q, and cites nothing: %s", "%s lo pone en boca de alguien sin nombre, «%s», y no cita nada: %s",
		"Name who says it and cite the item, or take it out.", "Nombre quién lo dice y cite la pieza, o quítelo."},
}

var (
	quoted     = regexp.MustCompile(`“[^”]*”|«[^»]*»|"[^"]*"`)
	attributed = map[string]*regexp.Regexp{
		"en": anyOf(`says?`, `said`, `saying`, `states?`, `stated`, `claims?`, `claimed`, `according to`, `argues?`, `argued`, `reports?`, `reported by`, `calls?`, `called`, `denies`, `denied`, `accuses?`, `accused`, `charged?`, `announces?`, `announced`, `tells?`, `told`, `writes?`, `wrote`, `estimates?`, `estimated`, `concludes?`, `concluded`, `printed?`, `puts?`),
		"es": anyOf(`dice[n]?`, `dijo`, `dijeron`, `según`, `afirma[n]?`, `afirmó`, `afirmaron`, `sostiene[n]?`, `sostuvo`, `declara[n]?`, `declaró`, `llama[n]?`, `llamó`, `niega[n]?`, `negó`, `acusa[n]?`, `acusó`, `anuncia[n]?`, `anunció`, `cuenta[n]?`, `contó`, `escribe[n]?`, `escribió`, `estima[n]?`, `estimó`, `concluye[n]?`, `concluyó`, `imprime[n]?`, `sitúa[n]?`, `informa[n]?`, `informó`, `informaron`),
	}
	negated = map[string]*regexp.Regexp{
		"en": anyOf(`not`, `no`, `never`, `nothing`, `neither`, `nor`, `cannot`, `whether`, `none`, `nobody`, `without`),
		"es": anyOf(`no`, `nunca`, `jamás`, `nada`, `ni`, `tampoco`, `si`, `ningun[oa]?`, `ningún`, `nadie`, `sin`),
	}
	rangeBefore = regexp.MustCompile(`\d:\d\d (?:to|or|and|a|o|u|y)(?: las?)? $`)
	rangeAfter  = regexp.MustCompile(`^ (?:to|or|and|a|o|u|y)(?: las?)? \d{1,2}:\d\d`)
	clockTime   = regexp.MustCompile(`(?:^|[^\d:.])([01]?\d|2[0-3]):([0-5]\d)(?:$|[^\d:])`)
	hedged      = map[string]*regexp.Regexp{
		"en": anyOf(`about`, `around`, `roughly`, `approximately`, `circa`, `between`, `from`, `to`, `until`, `after`, `before`, `by`, `since`, `and`, `no (?:later|earlier) than`),
		"es": anyOf(`cerca de`, `hacia`, `alrededor de`, `aproximadamente`, `unos`, `entre`, `desde`, `de`, `hasta`, `a más tardar`, `después`, `antes`, `tras`, `y`, `sobre`),
	}
)

func (a *adviser) text(ref sightline.Ref, en, es string, t sightline.Text) {
	for _, lang := range []string{"en", "es"} {
		for _, par := range paragraphs(t[lang]) {
			label, rest := labelled(par)
			if label == "not established" {
				continue
			}
			for _, s := range sentences(rest) {
				a.sentence(ref, en, es, lang, s)
			}
		}
	}
}

func (a *adviser) sentence(ref sightline.Ref, en, es, lang, s string) {
	if strings.HasSuffix(strings.TrimSpace(citation.ReplaceAllString(s, "")), "?") {
		return
	}
	ours := quoted.ReplaceAllString(s, " ")
	reported := attributed[lang].MatchString(ours)
	for _, r := range wordRules {
		if r.code == "hidden_speaker" && len(citations(s)) > 0 {
			continue
		}
		if r.code != "hidden_speaker" && reported {
			continue
		}
		for _, m := range r.words[lang].FindAllStringSubmatchIndex(ours, -1) {
			word := ours[m[2]:m[3]]
			if r.code != "hidden_speaker" && deniedBefore(ours[:m[2]], lang) && !strings.HasPrefix(strings.ToLower(word), "no doubt") {
				continue
			}
			a.say(ref, r.code, fmt.Sprintf(r.textEN, en, word, s), fmt.Sprintf(r.txES, es, word, s), r.fixEN, r.fixES)
			break
		}
	}
	a.clock(ref, en, es, lang, s, ours)
}

// deniedBefore reports whether one of the four words before a place denies or
// asks: "nothing here proves", "whether he was murdered".
func deniedBefore(before, lang string) bool {
	w := strings.Fields(before)
	return negated[lang].MatchString(strings.Join(w[max(0, len(w)-4):], " "))
}

// clock looks for a lone minute whose cited items know the time only within
// more than five minutes. A minute that is an end of a cited interval, or lies
// in a cited interval of at most five minutes, is what the evidence says.
func (a *adviser) clock(ref sightline.Ref, en, es, lang, s, ours string) {
	cites := citations(s)
	if len(cites) == 0 {
		return
	}
	for _, m := range clockTime.FindAllStringSubmatchIndex(ours, -1) {
		words := strings.Fields(ours[:m[2]])
		lead := strings.Join(words[max(0, len(words)-2):], " ")
		if strings.HasSuffix(strings.TrimSpace(ours[:m[2]]), "~") || strings.HasSuffix(ours[:m[2]], "–") || strings.HasPrefix(ours[m[5]:], "–") || hedged[lang].MatchString(lead) ||
			rangeBefore.MatchString(ours[:m[2]]) || rangeAfter.MatchString(ours[m[5]:]) {
			continue
		}
		var h, min int
		fmt.Sscanf(ours[m[2]:m[5]], "%d:%d", &h, &min)
		known, wide := false, 0
		for _, id := range cites {
			for _, iv := range a.intervals(id) {
				switch a.minute(iv, h, min) {
				case minuteKnown:
					known = true
				case minuteWide:
					wide++
				}
			}
		}
		if wide > 0 && !known {
			at := ours[m[2]:m[5]]
			a.say(ref, "narrow_time",
				fmt.Sprintf("%s gives the minute %s, but what it cites knows the time only within a wider interval: %s", en, at, s),
				fmt.Sprintf("%s da el minuto %s, pero lo que cita conoce la hora solo dentro de un intervalo más ancho: %s", es, at, s),
				"Write the interval, or \"about\".", "Escriba el intervalo, o «cerca de».")
		}
	}
}

func (a *adviser) intervals(id string) []sightline.Time {
	if it := a.items[itemOf(id)]; it != nil {
		return it.Times
	}
	if e := a.events[id]; e != nil {
		return e.Times
	}
	if g := a.gaps[id]; g != nil && g.Time != nil {
		return []sightline.Time{*g.Time}
	}
	return nil
}

type minuteSays int

const (
	minuteElsewhere minuteSays = iota // the interval does not hold it
	minuteWide                        // it holds it with much else
	minuteKnown
)

func (a *adviser) minute(t sightline.Time, h, m int) minuteSays {
	at := func(x *when.Instant) (minuteOfDay int64, ok bool) {
		if x == nil {
			return 0, false
		}
		ms := (int64(a.zone.Local(*x))%86400000 + 86400000) % 86400000
		return ms / 60000, true
	}
	want := int64(h*60 + m)
	lo, okLo := at(t.Min)
	hi, okHi := at(t.Max)
	if okLo && lo == want || okHi && hi == want || okHi && t.Max != nil && (hi+1)%1440 == want {
		return minuteKnown
	}
	if !okLo || !okHi {
		return minuteElsewhere
	}
	if width := int64(*t.Max - *t.Min); width < 86400000 && (want < lo || want > hi) {
		return minuteElsewhere
	} else if width <= 5*60000 {
		return minuteKnown
	}
	return minuteWide
}
