package time

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sightline"
	"sightline/order"
	"sightline/when"
)

// rulePrefix begins the id of the rule that an event ends after it starts.
const rulePrefix = "rule:"

// Compile makes the network of a document, with its texts in one language
// ("es", else English). Points are those that the constraints name; where both
// the start and the end of something are named, the rule start <= end is added
// as the constraint "rule:ID". The text of a constraint ends with the ids of
// its evidence in square brackets. The error is an *order.Error.
func Compile(d *sightline.Document, lang string) (*order.Network, error) {
	n := &order.Network{Schema: order.Schema, Points: []order.Point{}, Constraints: []order.Constraint{}}
	if d.Case != nil {
		n.Zone = d.Case.Zone
	}
	title := map[string]sightline.Text{}
	for _, it := range d.Items {
		title[it.ID] = it.Title
	}
	for _, e := range d.Events {
		title[e.ID] = e.Title
	}
	points, accounts := map[string]bool{}, map[string]bool{}
	for _, a := range d.Accounts {
		accounts[a.ID] = true
		n.Accounts = append(n.Accounts, order.Account{ID: a.ID, Label: a.Title.In(lang, "en", "es")})
	}
	for _, c := range d.Constraints {
		k := order.Constraint{ID: c.ID, Evidence: c.Evidence, Accounts: c.Accounts, Strength: c.Strength}
		k.From, k.To = c.From, c.To
		if c.MinMS != nil {
			k.Min = order.Ms(*c.MinMS)
		}
		if c.MaxMS != nil {
			k.Max = order.Ms(*c.MaxMS)
		}
		k.Text = strings.TrimSuffix(c.Text.In(lang, "en", "es"), ".")
		if k.Text == "" {
			k.Text = describe(&k, n.Zone, lang)
		}
		for _, id := range c.Evidence {
			k.Text += " [" + id + "]"
		}
		n.Constraints = append(n.Constraints, k)
		points[c.From], points[c.To] = true, true
		for _, a := range c.Accounts {
			if !accounts[a] {
				accounts[a] = true
				n.Accounts = append(n.Accounts, order.Account{ID: a, Label: a})
			}
		}
	}
	delete(points, order.Z)
	for p := range points {
		id, side := split(p)
		label := p
		if t := title[id].In(lang, "en", "es"); t != "" && side != "" {
			label = t + ", " + sideWord(side, lang)
		}
		if of, ok := strings.CutPrefix(p, ClockPrefix); ok {
			label = say(lang, "error of the clock that made "+of+" (true less shown)", "error del reloj que hizo "+of+" (real menos mostrada)")
		}
		n.Points = append(n.Points, order.Point{ID: p, Label: label})
		if end := id + ".end"; side == "start" && points[end] {
			k := order.Constraint{ID: rulePrefix + id, Strength: "physical", Text: say(lang, id+" does not end before it starts", id+" no termina antes de empezar")}
			k.From, k.To, k.Min = p, end, order.Ms(0)
			n.Constraints = append(n.Constraints, k)
		}
	}
	slices.SortFunc(n.Points, func(a, b order.Point) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortStableFunc(n.Constraints, func(a, b order.Constraint) int { return cmp.Compare(a.ID, b.ID) })
	return n, n.Check()
}

// split takes "EJ-016.start" apart; a point of another form has no side.
func split(point string) (id, side string) {
	for _, s := range []string{"start", "end"} {
		if id, ok := strings.CutSuffix(point, "."+s); ok {
			return id, s
		}
	}
	return point, ""
}

func say(lang, en, es string) string {
	if lang == "es" {
		return es
	}
	return en
}

func sideWord(side, lang string) string {
	if side == "start" {
		return say(lang, "start", "inicio")
	}
	return say(lang, "end", "final")
}

// describe puts a constraint without a text of its own into words.
func describe(k *order.Constraint, zone, lang string) string {
	z, err := when.LoadZone(zone)
	if err != nil {
		z = when.UTC
	}
	show := func(v int64) string {
		if k.From == order.Z {
			return z.RFC3339(when.Instant(v))
		}
		if v < 0 {
			return "-" + when.Span(v, lang)
		}
		return when.Span(v, lang)
	}
	what := k.To
	if k.From != order.Z {
		what = fmt.Sprintf(say(lang, "from %s to %s", "de %s a %s"), k.From, k.To)
	}
	lo, isLo := k.Min.Value()
	hi, isHi := k.Max.Value()
	switch {
	case isLo && isHi:
		return fmt.Sprintf(say(lang, "%s: between %s and %s", "%s: entre %s y %s"), what, show(lo), show(hi))
	case isLo:
		return fmt.Sprintf(say(lang, "%s: at least %s", "%s: como mínimo %s"), what, show(lo))
	}
	return fmt.Sprintf(say(lang, "%s: at most %s", "%s: como máximo %s"), what, show(hi))
}
