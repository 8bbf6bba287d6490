package corroborate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"sightline"
)

// Number is a quantity in a sentence: how many of what.
type Number struct {
	N    int    `json:"n"`
	Unit string `json:"unit"` // canonical, in English: dead, wounded; the word itself where it is not known
	At   int    `json:"at"`   // word index
}

// units are words of counts that have one meaning in both languages.
var units = map[string]string{
	"dead": "dead", "killed": "dead", "deaths": "dead", "death": "dead", "fatalities": "dead", "died": "dead",
	"muerto": "dead", "muertos": "dead", "muerta": "dead", "muertas": "dead", "fallecido": "dead", "fallecidos": "dead", "fallecidas": "dead", "asesinados": "dead",
	"wounded": "wounded", "injured": "wounded", "hurt": "wounded", "herido": "wounded", "heridos": "wounded", "heridas": "wounded", "lesionados": "wounded",
	"arrested": "arrested", "detained": "arrested", "captured": "arrested", "detenido": "arrested", "detenidos": "arrested", "detenidas": "arrested", "capturados": "arrested", "arrestados": "arrested",
	"admitted": "admitted", "ingresados": "admitted", "ingresadas": "admitted", "atendidos": "admitted",
	"shots": "shots", "disparos": "shots", "tiros": "shots", "bodies": "bodies", "cuerpos": "bodies", "cadáveres": "bodies",
	"officers": "officers", "policemen": "officers", "policías": "officers", "funcionarios": "officers", "agentes": "officers",
	"soldiers": "soldiers", "soldados": "soldiers", "militares": "soldiers", "civilians": "civilians", "civiles": "civilians",
	"men": "men", "hombres": "men", "women": "women", "mujeres": "women", "children": "children", "niños": "children", "minors": "children", "menores": "children",
	"people": "people", "persons": "people", "personas": "people", "victims": "victims", "víctimas": "victims", "members": "members", "miembros": "members",
}

// passed are words between a number and what it counts.
var passed = map[string]bool{
	"people": true, "persons": true, "personas": true, "were": true, "was": true, "are": true, "fueron": true, "of": true, "them": true, "de": true, "ellos": true, "ellas": true,
	"others": true, "other": true, "otros": true, "otras": true, "police": true, "more": true, "más": true, "the": true, "los": true, "las": true, "resultaron": true, "estaban": true, "have": true, "been": true, "had": true,
}

var numerals = map[string]int{}

func init() {
	for i, w := range strings.Fields("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty") {
		numerals[w] = i
	}
	for i, w := range strings.Fields("cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte") {
		numerals[w] = i
	}
	for w, n := range map[string]int{"un": 1, "una": 1, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100,
		"veintiuno": 21, "veintidós": 22, "veintitrés": 23, "veinticuatro": 24, "veinticinco": 25, "treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90, "cien": 100} {
		numerals[w] = n
	}
}

type word struct {
	text  string
	after string // punctuation that follows
}

func split(s string) (out []word) {
	for _, f := range strings.Fields(strings.ToLower(s)) {
		w := strings.TrimFunc(f, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		i := strings.Index(f, w)
		if w == "" {
			if len(out) > 0 {
				out[len(out)-1].after += f
			}
			continue
		}
		if i > 0 && len(out) > 0 {
			out[len(out)-1].after += f[:i]
		}
		out = append(out, word{w, f[i+len(w):]})
	}
	return out
}

// number reads digits, numerals and "twenty-two". Times (11:15), dates and
// decimals are not counts.
func number(w string) (int, bool) {
	if n, ok := numerals[w]; ok {
		return n, true
	}
	if tens, ones, ok := strings.Cut(w, "-"); ok {
		a, ok1 := numerals[tens]
		b, ok2 := numerals[ones]
		if ok1 && ok2 && a >= 20 && a%10 == 0 && b > 0 && b < 10 {
			return a + b, true
		}
	}
	n, err := strconv.Atoi(strings.NewReplacer(",", "", ".", "").Replace(w))
	if err != nil || n < 0 || n > 1_000_000 || strings.ContainsAny(w, ".,") && !thousands(w) {
		return 0, false
	}
	return n, true
}

func thousands(w string) bool {
	parts := strings.FieldsFunc(w, func(r rune) bool { return r == '.' || r == ',' })
	for _, p := range parts[1:] {
		if len(p) != 3 {
			return false
		}
	}
	return len(parts) > 1
}

// Numbers finds the counted things of a sentence in English or Spanish.
func Numbers(s string) []Number {
	out, _ := numbers(split(s))
	return out
}

func numbers(ws []word) (out []Number, unitless []Number) {
	for i, w := range ws {
		n, ok := number(w.text)
		if !ok || w.text == "un" || w.text == "una" || w.text == "one" && i+1 < len(ws) && ws[i+1].text == "of" {
			continue
		}
		unit := ""
		for j := i + 1; j < len(ws) && j <= i+4; j++ {
			if ws[j-1].after != "" {
				break
			}
			if _, other := number(ws[j].text); other {
				break
			}
			u, known := units[ws[j].text]
			// "8 people admitted" are admitted, "8 people" are people.
			if known && !(passed[ws[j].text] && j+1 < len(ws) && ws[j].after == "" && (units[ws[j+1].text] != "" || passed[ws[j+1].text])) {
				unit = u
				break
			}
			if !known && !passed[ws[j].text] {
				break
			}
		}
		if unit == "" {
			unitless = append(unitless, Number{n, "", i})
			continue
		}
		out = append(out, Number{n, unit, i})
	}
	return out, unitless
}

// Sums finds totals that their own parts contradict: "8 admitted: 6 wounded
// and 3 dead". A total is a count followed by a colon, a bracket, or words
// such as "of whom"; its parts are the counts up to the end of the clause, if
// there are two or more of them.
func Sums(s, lang string) (out []Contradiction) {
	ws := split(s)
	ns, _ := numbers(ws)
	for i, total := range ns {
		end := len(ws)
		if i+1 >= len(ns) {
			break
		}
		opened := false
		for j := total.At; j < ns[i+1].At; j++ {
			if strings.ContainsAny(ws[j].after, ":(—–") {
				opened = true
			}
			if j > total.At && (ws[j].text == "whom" || ws[j].text == "which" || ws[j].text == "ellos" || ws[j].text == "ellas" || ws[j].text == "cuales") {
				opened = true
			}
		}
		if !opened {
			continue
		}
		for j := ns[i+1].At; j < len(ws); j++ {
			if strings.ContainsAny(ws[j].after, ".;)?!") {
				end = j + 1
				break
			}
		}
		sum, parts, seen := 0, []string{}, map[string]bool{}
		for _, p := range ns[i+1:] {
			if p.At >= end || p.Unit == total.Unit || seen[p.Unit] {
				break
			}
			seen[p.Unit] = true
			sum += p.N
			parts = append(parts, strconv.Itoa(p.N))
		}
		if len(parts) < 2 || sum == total.N {
			continue
		}
		j := strings.Join(parts, " + ")
		out = append(out, Contradiction{By: "arithmetic", Size: strconv.Itoa(abs(sum - total.N)), Text: sightline.Text{
			"en": fmt.Sprintf("The sentence says %d, and its parts are %s = %d.", total.N, j, sum),
			"es": fmt.Sprintf("La frase dice %d y sus partes son %s = %d.", total.N, j, sum),
		}})
	}
	return out
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// byCount finds claims of one question that give different numbers of one
// thing.
func byCount(d *sightline.Document) (out []Contradiction) {
	type said struct {
		claim *sightline.Claim
		n     int
	}
	byKey := map[string][]said{}
	for _, c := range d.Claims {
		if c.Question == "" {
			continue
		}
		seen := map[string]bool{}
		for _, lang := range []string{"en", "es"} {
			for _, n := range Numbers(c.Text[lang]) {
				k := c.Question + "\x00" + n.Unit
				if !seen[n.Unit] {
					seen[n.Unit] = true
					byKey[k] = append(byKey[k], said{c, n.N})
				}
			}
		}
	}
	keys := []string{}
	for k := range byKey {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		list := byKey[k]
		_, unit, _ := strings.Cut(k, "\x00")
		for i, a := range list {
			for _, b := range list[:i] {
				if a.n == b.n {
					continue
				}
				out = append(out, Contradiction{By: "arithmetic", Refs: []string{b.claim.ID, a.claim.ID}, Size: strconv.Itoa(abs(a.n - b.n)), Text: sightline.Text{
					"en": fmt.Sprintf("%s counts %d (%s), %s counts %d.", b.claim.ID, b.n, unit, a.claim.ID, a.n),
					"es": fmt.Sprintf("%s cuenta %d (%s) y %s cuenta %d.", b.claim.ID, b.n, unit, a.claim.ID, a.n),
				}})
			}
		}
	}
	return out
}
