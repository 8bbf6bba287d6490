package sightline

// Kind names a noun that the store keeps as an object with a history.
type Kind string

// The kinds, in the order of the road.
const (
	KindCase        Kind = "case"
	KindItem        Kind = "item"
	KindDerivative  Kind = "derivative"
	KindObservation Kind = "observation"
	KindEntity      Kind = "entity"
	KindFinding     Kind = "finding"
	KindEvent       Kind = "event"
	KindClaim       Kind = "claim"
	KindAccount     Kind = "account"
	KindConstraint  Kind = "constraint"
	KindLayer       Kind = "layer"
	KindGap         Kind = "gap"
	KindStory       Kind = "story"
	KindEdition     Kind = "edition"
	KindReview      Kind = "review"
	KindComment     Kind = "comment"
)

// Kinds lists every kind in a fixed order: exports, checks and editions walk
// it so that the same case always gives the same bytes.
var Kinds = []Kind{
	KindCase, KindItem, KindDerivative, KindObservation, KindEntity, KindFinding, KindEvent,
	KindClaim, KindAccount, KindConstraint, KindLayer, KindGap, KindStory, KindEdition,
	KindReview, KindComment,
}

// Object is anything the store keeps: a struct that marshals to one JSON
// object and names itself.
type Object interface {
	Ref() Ref
}

// Ref points at one object of a case.
type Ref struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`
}

// Case is one investigation: its zone, place, languages and standard of proof.
type Case struct {
	ID         string   `json:"id"`                   // short, e.g. "el-junquito"; also the folder's name when it is made
	Prefix     string   `json:"prefix"`               // of item ids: "EJ" gives EJ-014
	Title      Text     `json:"title"`                //
	Summary    Text     `json:"summary,omitempty"`    // one sentence, with its interval
	Zone       string   `json:"zone"`                 // IANA name, e.g. "America/Caracas"
	Date       string   `json:"date,omitempty"`       // EDTF, the day or span of the incident
	Languages  []string `json:"languages"`            // of the edition, first is the default
	Place      *Place   `json:"place,omitempty"`      //
	Standard   Text     `json:"standard,omitempty"`   // standard of proof, in words
	Exercise   bool     `json:"exercise,omitempty"`   // fictional: marked so on every screen, page and still
	Notes      Text     `json:"notes,omitempty"`      //
	Phases     []Phase  `json:"phases,omitempty"`     // chapters of the day; never constraints
	Method     Text     `json:"method,omitempty"`     // who, funding, tools, limits (Markdown, small allow-list)
	Limits     Text     `json:"limits,omitempty"`     // "what this does not show"
	Unverified Text     `json:"unverified,omitempty"` // why material goes out that two people did not verify; printed where it is relied on
	Contact    Text     `json:"contact,omitempty"`    // how to send material; never a real person's data in a demonstration
}

// Phase is a chapter of the day. Phases may overlap; they order the telling,
// not the time network.
type Phase struct {
	ID    string `json:"id"`
	Title Text   `json:"title"`
	Time  *Time  `json:"time,omitempty"`
}

func (c *Case) Ref() Ref { return Ref{KindCase, c.ID} }

// Layer is one sheet of the scene: a terrain, a set of buildings, an imported
// model, a cloud of points. Its bytes are a blob or a file of the scene folder.
type Layer struct {
	ID          string  `json:"id"` // L-01
	Title       Text    `json:"title"`
	Class       string  `json:"class"` // measured, derived, from_plans, conjectural
	AccuracyM   float64 `json:"accuracy_m,omitempty"`
	Date        string  `json:"date,omitempty"` // EDTF
	Licence     string  `json:"licence,omitempty"`
	Attribution string  `json:"attribution,omitempty"`
	SHA256      string  `json:"sha256,omitempty"` // of the blob that holds it
	File        string  `json:"file"`             // name inside the scene folder, e.g. "scene.json", "terrain.glb"
	Type        string  `json:"type,omitempty"`   // media type
	Size        int64   `json:"size,omitempty"`
}

func (l *Layer) Ref() Ref { return Ref{KindLayer, l.ID} }

// Edition records one published version.
type Edition struct {
	ID       string   `json:"id"` // "v1"
	Number   int      `json:"number"`
	Date     string   `json:"date"` // RFC 3339, of the log head it was made from
	Manifest string   `json:"manifest_sha256"`
	Head     int64    `json:"head"` // log size it was made from
	Items    []string `json:"items"`
	Notes    Text     `json:"notes,omitempty"` // what changed, for the corrections page
}

func (e *Edition) Ref() Ref { return Ref{KindEdition, e.ID} }
