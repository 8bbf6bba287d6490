package sightline

// Review is one person's answer to one question about one item: where, when,
// real or altered, whose, what. It is asked of a person first (State "open")
// and submitted by that person (State "done"). Nobody sets the outcome of a
// verification by hand: package verify/review computes it from the reviews of
// a case, and the answer pins the record it was given about, so that a later
// change of that record makes the answer stale.
type Review struct {
	ID      string   `json:"id"`
	About   string   `json:"about"`           // id of an item
	Axis    string   `json:"axis"`            // authenticity, source, place, time, content
	Person  string   `json:"person"`          // id of who answers: an account, or the key of a desk without accounts
	Name    string   `json:"name,omitempty"`  // of that person, as it was then
	State   string   `json:"state"`           // open, done, cancelled
	Blind   bool     `json:"blind,omitempty"` // the person was sent no answer of anybody else before this one
	Asked   string   `json:"asked,omitempty"` // RFC 3339
	AskedBy string   `json:"asked_by,omitempty"`
	Due     string   `json:"due,omitempty"`   // a day, YYYY-MM-DD
	At      string   `json:"at,omitempty"`    // RFC 3339, of the answer
	Order   int64    `json:"order,omitempty"` // log entry that took the answer in: answers are told apart by it, not by clocks
	Did     []string `json:"did,omitempty"`   // re_solved, re_watched, opened_archive, checked_hash, checked_earlier
	Answer  *Answer  `json:"answer,omitempty"`
	Reason  string   `json:"reason,omitempty"` // why; for a second answer of one person: what was wrong with the first
	Pins    string   `json:"pins,omitempty"`   // SHA-256 over the record that was judged
}

func (r *Review) Ref() Ref { return Ref{KindReview, r.ID} }

// Answer is what a reviewer says. One of the three is given: Place for the
// axis place, Time for time, Status for the others.
type Answer struct {
	Place  *Place `json:"place,omitempty"`
	Time   *Time  `json:"time,omitempty"`
	Status string `json:"status,omitempty"`
}

// Comment is a remark to the team, pinned to a spot. It is never published.
type Comment struct {
	ID       string    `json:"id"`
	About    string    `json:"about"`           // id of any object
	Axis     string    `json:"axis,omitempty"`  // of a remark about a verification
	Text     string    `json:"text"`            // plain, in one language
	AtMS     *int64    `json:"at_ms,omitempty"` // second of the media
	Frame    *int64    `json:"frame,omitempty"`
	Region   []float64 `json:"region,omitempty"` // x, y, w, h as fractions of the picture
	Point    []float64 `json:"point,omitempty"`  // x, y as fractions of the picture
	ReplyTo  string    `json:"reply_to,omitempty"`
	Person   string    `json:"person"`
	Name     string    `json:"name,omitempty"`
	At       string    `json:"at"`
	Resolved bool      `json:"resolved,omitempty"`
}

func (c *Comment) Ref() Ref { return Ref{KindComment, c.ID} }

// The questions of verification, in the order in which they are shown.
const (
	AxisAuthenticity = "authenticity"
	AxisSource       = "source"
	AxisPlace        = "place"
	AxisTime         = "time"
	AxisContent      = "content"
)

// AxisNames lists the questions of verification.
var AxisNames = []string{AxisAuthenticity, AxisSource, AxisPlace, AxisTime, AxisContent}

// Of returns the axis of that name, nil when there is none.
func (a *Axes) Of(name string) *Axis {
	switch name {
	case AxisAuthenticity:
		return &a.Authenticity
	case AxisSource:
		return &a.Source
	case AxisPlace:
		return &a.Place
	case AxisTime:
		return &a.Time
	case AxisContent:
		return &a.Content
	}
	return nil
}
