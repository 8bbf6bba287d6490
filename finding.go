package sightline

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Finding is the conclusion of a method about an item or event, with
// everything needed to redo it.
type Finding struct {
	ID         string          `json:"id"` // F-001
	About      []string        `json:"about"`
	Axis       string          `json:"axis"` // place, time, authenticity, source, content
	Method     string          `json:"method"`
	Text       Text            `json:"text"` // in one sentence, with its uncertainty
	Inputs     []string        `json:"inputs,omitempty"`
	Problem    json.RawMessage `json:"problem,omitempty"` // what the method was asked, in its own contract
	Answer     json.RawMessage `json:"answer,omitempty"`
	Software   string          `json:"software,omitempty"`
	Analyst    string          `json:"analyst,omitempty"`
	Review     string          `json:"review,omitempty"` // self-checked, verified, needs_re-review
	Public     bool            `json:"public"`
	Considered Text            `json:"alternatives_considered,omitempty"`
}

func (f *Finding) Ref() Ref { return Ref{KindFinding, f.ID} }

// Event is something that happened: an interval, zero or more places,
// participants. A radio call has two places.
type Event struct {
	ID       string   `json:"id"` // E-001
	Title    Text     `json:"title"`
	Times    []Time   `json:"times,omitempty"`
	Places   []Place  `json:"places,omitempty"`
	Entities []string `json:"entities,omitempty"`
	Items    []string `json:"items,omitempty"`
	Phase    string   `json:"phase,omitempty"`
	Account  string   `json:"account,omitempty"`
}

func (e *Event) Ref() Ref { return Ref{KindEvent, e.ID} }

// Constraint is one fact about order or duration that the time network uses:
// min <= to - from <= max, in milliseconds. The points of an item or event X
// are "X.start" and "X.end"; "z" is 1970-01-01T00:00Z.
type Constraint struct {
	ID       string   `json:"id"` // K-001
	From     string   `json:"from"`
	To       string   `json:"to"`
	MinMS    *int64   `json:"min"`
	MaxMS    *int64   `json:"max"`
	Evidence []string `json:"evidence"`
	Accounts []string `json:"accounts,omitempty"` // active only when one of them is assumed
	Strength string   `json:"strength"`           // physical, firm, claim
	Text     Text     `json:"text,omitempty"`
}

func (c *Constraint) Ref() Ref { return Ref{KindConstraint, c.ID} }

// Gap is a stretch of time or a part of the place that no item covers.
type Gap struct {
	ID     string   `json:"id"` // G-02
	Title  Text     `json:"title"`
	Time   *Time    `json:"time,omitempty"`
	Rival  *Time    `json:"rival,omitempty"` // the other possible extent, where sources differ
	Places []Place  `json:"places,omitempty"`
	Text   Text     `json:"text,omitempty"`  // what is not known
	Asked  Text     `json:"asked,omitempty"` // what material would fill it
	Items  []string `json:"items,omitempty"` // that bound it
	// Answers are items that came because this was asked for. Closed is the
	// one that fills the gap: while it is set, nothing more is asked.
	Answers []string `json:"answers,omitempty"`
	Closed  string   `json:"closed,omitempty"`
	Public  bool     `json:"public"`
}

// Close fills the gap with an item that answers it. The item has to be
// verified in what the gap is about: that it is authentic, and its time or
// place where the gap has one, else its content; and nothing about it may be
// disputed or refuted.
func (g *Gap) Close(it *Item) error {
	if !slices.Contains(g.Answers, it.ID) {
		return fmt.Errorf("%s is not among the items that answer %s: %w", it.ID, g.ID, ErrInvalid)
	}
	need := []string{AxisAuthenticity}
	if g.Time != nil {
		need = append(need, AxisTime)
	}
	if len(g.Places) > 0 {
		need = append(need, AxisPlace)
	}
	if len(need) == 1 {
		need = append(need, AxisContent)
	}
	for _, name := range AxisNames {
		a := it.Axes.Of(name)
		bad := a.Status == "refuted" || a.Status == "disputed" || a.Status == "altered_deceptive" || a.Status == "synthetic_suspected"
		// On authenticity two people leave what they found; on the other axes "verified".
		good := a.Status == "verified" || name == AxisAuthenticity && len(a.By) > 1 && (a.Status == "no_sign_of_manipulation" || a.Status == "altered_benign")
		switch {
		case bad:
			return fmt.Errorf("the %s of %s is %s; it cannot close %s: %w", name, it.ID, a.Status, g.ID, ErrDenied)
		case !good && slices.Contains(need, name):
			return fmt.Errorf("the %s of %s is not verified yet; two people have to look at it before it can close %s: %w", name, it.ID, g.ID, ErrDenied)
		}
	}
	g.Closed = it.ID
	return nil
}

func (g *Gap) Ref() Ref { return Ref{KindGap, g.ID} }

// Story is a narrative: ordered steps, each a saved view with text.
type Story struct {
	ID     string `json:"id"` // "day"
	Title  Text   `json:"title"`
	Intro  Text   `json:"intro,omitempty"`
	Steps  []Step `json:"steps"`
	Public bool   `json:"public"`
}

func (s *Story) Ref() Ref { return Ref{KindStory, s.ID} }

// Step is one screen of a story. The text is Markdown of a small allow-list;
// a citation is an id in square brackets: [EJ-024], [C-03], [G-02]. A
// paragraph is cited, or begins with "context:" or "not established:" (the
// same two words in every language; they are printed as labels).
type Step struct {
	ID    string `json:"id"` // "7"
	Phase string `json:"phase,omitempty"`
	Title Text   `json:"title"`
	Text  Text   `json:"text"`
	Time  *Time  `json:"time,omitempty"` // drawn on the story's time bar
	View  View   `json:"view"`
	Still Text   `json:"still_alt,omitempty"` // alternative text of the still
	Claim string `json:"claim,omitempty"`     // shown beside the step
}

// View is a saved state of the platform. An undeclared target keeps its value.
type View struct {
	Clock      *int64             `json:"clock,omitempty"` // UTC ms
	Camera     *ViewCamera        `json:"camera,omitempty"`
	Select     string             `json:"select,omitempty"`
	Layers     map[string]bool    `json:"layers,omitempty"`
	Accounts   []string           `json:"accounts,omitempty"`
	Projectors map[string]float64 `json:"projectors,omitempty"`
	Media      []string           `json:"media,omitempty"`
	DurationMS int                `json:"duration_ms,omitempty"`
}

// ViewCamera is a free camera: eye and target in the scene frame (metres),
// vertical field of view in degrees. Item: look through that item's camera.
type ViewCamera struct {
	Eye     [3]float64 `json:"eye"`
	Target  [3]float64 `json:"target"`
	VFovDeg float64    `json:"vfov_deg"`
	Item    string     `json:"item,omitempty"`
}
