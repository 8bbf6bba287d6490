package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"sightline"
	"sightline/verify/review"
)

// lens is what one person is sent of a case. It takes away before anything is
// written to the wire: what a blind reviewer may not know before answering,
// and what names a source to people who have no right to it. The zero lens
// takes nothing away.
type lens struct {
	veil    *review.Veil
	sealed  bool            // source-identifying fields are withheld
	secret  map[string]bool // items whose source is withheld
	covered bool            // anything is withheld
}

// look makes the lens of whoever asks.
func (s *Server) look(r *http.Request, rd sightline.Reader, c *Case) (*lens, error) {
	p := asking(r)
	if p.account == nil {
		return &lens{}, nil
	}
	l := &lens{sealed: !p.grant(c.ID).Sources, secret: map[string]bool{}}
	reviews, err := sightline.All[sightline.Review](rd, sightline.KindReview)
	if err != nil {
		return nil, err
	}
	blind := false
	for _, x := range reviews {
		blind = blind || x.Person == p.ID && x.State == "open" && x.Blind
	}
	if !blind && !l.sealed {
		return l, nil
	}
	_, writing := rd.(sightline.Writer) // whose changes the library does not know yet
	if lib, ok := rd.(sightline.Library); ok && !blind && !writing {
		return l, l.secrets(lib)
	}
	items, err := sightline.All[sightline.Item](rd, sightline.KindItem)
	if err != nil {
		return nil, err
	}
	if blind {
		l.veil = review.VeilOf(reviews, items, p.ID)
		l.covered = true
	}
	if l.sealed {
		for _, it := range items {
			if secretSource(it) {
				l.secret[it.ID] = true
				l.covered = true
			}
		}
	}
	return l, nil
}

// secretSource reports whether an item is labelled so that its source is not
// for everybody.
func secretSource(it *sightline.Item) bool {
	return it.Sensitivity == "personal" || it.Sensitivity == "source_at_risk"
}

// object gives an object as the person may see it; false: not at all.
func (l *lens) object(o sightline.Object) (sightline.Object, bool) {
	if l.veil != nil {
		var ok bool
		if o, ok = l.veil.Object(o); !ok {
			return nil, false
		}
	}
	if !l.sealed {
		return o, true
	}
	switch o := o.(type) {
	case *sightline.Item:
		if secretSource(o) {
			c := *o
			seal(&c)
			return &c, true
		}
	case *sightline.Derivative:
		if l.secret[o.Item] {
			c := *o
			c.Recipe.Inputs, c.Recipe.Args, c.Meta = []string{}, nil, nil
			return &c, true
		}
	case *sightline.Observation:
		if l.secret[o.Item] {
			c := *o
			c.Speaker = ""
			return &c, true
		}
	case *sightline.Finding:
		for _, id := range append(append([]string(nil), o.About...), o.Inputs...) {
			if l.secret[id] {
				c := *o
				c.Problem, c.Answer = nil, nil
				return &c, true
			}
		}
	case *sightline.Review:
		if l.secret[o.About] {
			c := *o
			c.Pins = "" // a digest over the source could be guessed
			return &c, true
		}
	case *sightline.Entity:
		if o.Sensitive {
			c := *o
			c.Name, c.Aliases, c.Note = sightline.Text{}, nil, nil
			return &c, true
		}
	}
	return o, true
}

// seal drops from an item what names its source: who and where it came from,
// the name and the digests of the file, the device, what its bytes say about
// themselves, and what the team noted.
func seal(it *sightline.Item) {
	it.Source = sightline.Source{Perspective: it.Source.Perspective}
	it.Name, it.Device, it.Notes, it.Problem = "", "", "", ""
	it.SHA256, it.Hashes, it.Facts, it.Posted = "", nil, nil, nil
	it.Rights = sightline.Rights{Licence: it.Rights.Licence}
	it.Axes.Source.Reason = nil
	for _, a := range sightline.AxisNames {
		it.Axes.Of(a).Pins = ""
	}
}

// merge puts back into an edited item what the editor was not sent, so that
// saving cannot erase it.
func (l *lens) merge(stored, edited *sightline.Item) {
	if l.sealed && secretSource(stored) {
		p := edited.Source.Perspective
		edited.Source = stored.Source
		edited.Source.Perspective = p
		edited.Name, edited.Device, edited.Notes, edited.Problem = stored.Name, stored.Device, stored.Notes, stored.Problem
		edited.SHA256, edited.Hashes, edited.Facts, edited.Posted = stored.SHA256, stored.Hashes, stored.Facts, stored.Posted
		licence := edited.Rights.Licence
		edited.Rights = stored.Rights
		edited.Rights.Licence = licence
		edited.Axes.Source.Reason = stored.Axes.Source.Reason
		for _, a := range sightline.AxisNames {
			edited.Axes.Of(a).Pins = stored.Axes.Of(a).Pins
		}
		// Who may not see a source may not open it to others either.
		edited.Sensitivity = stored.Sensitivity
	}
	if l.veil != nil && l.veil.Item(stored.ID) {
		edited.Notes, edited.Phase = stored.Notes, stored.Phase
		for _, a := range sightline.AxisNames {
			if l.veil.Hides(stored.ID, a) {
				*edited.Axes.Of(a) = *stored.Axes.Of(a)
			}
		}
		if l.veil.Hides(stored.ID, sightline.AxisPlace) {
			edited.Places = stored.Places
		}
		if l.veil.Hides(stored.ID, sightline.AxisTime) {
			edited.Times = stored.Times
		}
	}
}

// document gives a case as the person may see it.
func (l *lens) document(d *sightline.Document) *sightline.Document {
	if !l.covered && !l.sealed {
		return d
	}
	c := *d
	c.Items = through(l, d.Items)
	c.Derivatives = through(l, d.Derivatives)
	c.Observations = through(l, d.Observations)
	c.Entities = through(l, d.Entities)
	c.Findings = through(l, d.Findings)
	c.Events = through(l, d.Events)
	c.Stories = through(l, d.Stories)
	c.Reviews = through(l, d.Reviews)
	c.Comments = through(l, d.Comments)
	return &c
}

func through[T sightline.Object](l *lens, list []T) []T {
	out := make([]T, 0, len(list))
	for _, o := range list {
		if s, ok := l.object(o); ok {
			out = append(out, s.(T))
		}
	}
	return out
}

// value gives a stored value as the person may see it; nil: not at all.
func (l *lens) value(k sightline.Kind, raw json.RawMessage) (json.RawMessage, error) {
	if !l.covered && !l.sealed || isNull(raw) {
		return raw, nil
	}
	o := sightline.NewObject(k)
	if o == nil {
		return nil, nil
	}
	if err := json.Unmarshal(raw, o); err != nil {
		return nil, err
	}
	s, ok := l.object(o)
	if !ok {
		return nil, nil
	}
	return json.Marshal(s)
}

// rows filters the history of one object. An older revision is judged by the
// label it has now as well: marking an item as sensitive covers its past.
func (l *lens) rows(rows []sightline.Row) ([]sightline.Row, error) {
	if !l.covered && !l.sealed {
		return rows, nil
	}
	out := make([]sightline.Row, 0, len(rows))
	for _, row := range rows {
		if row.Kind == sightline.KindItem && l.secret[row.ID] && !isNull(row.Value) {
			var it sightline.Item
			if err := json.Unmarshal(row.Value, &it); err != nil {
				return nil, err
			}
			seal(&it)
			b, err := json.Marshal(&it)
			if err != nil {
				return nil, err
			}
			row.Value = b
		}
		v, err := l.value(row.Kind, row.Value)
		if err != nil {
			return nil, err
		}
		if v == nil && !isNull(row.Value) {
			return nil, fmt.Errorf("%s %s is withheld from you until you have answered: %w", row.Kind, row.ID, sightline.ErrDenied)
		}
		row.Value = v
		out = append(out, row)
	}
	return out, nil
}

// finds reports whether a search hit may be told: only when what the person is
// sent of the object holds the words as well.
func (l *lens) finds(rd sightline.Reader, ref sightline.Ref, q string) (bool, error) {
	if !l.covered && !l.sealed {
		return true, nil
	}
	row, err := rd.Row(ref)
	if err != nil || isNull(row.Value) {
		return false, err
	}
	v, err := l.value(ref.Kind, row.Value)
	if err != nil || v == nil {
		return false, err
	}
	if bytes.Equal(v, row.Value) {
		return true, nil
	}
	after := strings.ToLower(string(v))
	for _, w := range strings.Fields(strings.ToLower(q)) {
		if !strings.Contains(after, w) {
			return false, nil
		}
	}
	return true, nil
}

// wholeFor refuses a call whose answer is made from the whole case to a person
// from whom a part is withheld.
func (s *Server) wholeFor(w http.ResponseWriter, r *http.Request, caseID string) bool {
	s.mu.RLock()
	c := s.cases[caseID]
	s.mu.RUnlock()
	if c == nil {
		return true // answered as not there
	}
	covered := false
	err := c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) error {
		l, err := s.look(r, rd, c)
		if err == nil {
			covered = l.covered
		}
		return err
	})
	if err != nil {
		fail(w, err)
		return false
	}
	if covered {
		problem(w, http.StatusForbidden, "withheld", "this is made from the whole case, and a part of it is withheld from you: a source, or an answer that you have not given yet")
	}
	return !covered
}

// sent keeps that a person was sent the case up to a length of its log. What
// they were sent decides whether a later answer of theirs is blind.
func (s *Server) sent(r *http.Request, c *Case, head int64) error {
	p := asking(r)
	if p.account == nil {
		return nil
	}
	return s.cfg.People.saw(p.account.ID, c.ID, head)
}
