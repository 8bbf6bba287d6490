package sightline

import "sightline/when"

// Library is what a [Reader] may be able to do as well: answer questions about
// all items of a case without reading them, however many there are. What the
// fields are is in docs/formats/find.md.
type Library interface {
	Find(FindQuery) (*Found, error)
	Overview(OverviewQuery) (*Overview, error)
	Near(NearQuery) (*Near, error)
	// Copies lists items whose perceptual hash is near that of an item or a given one.
	Copies(CopiesQuery) (*Copies, error)
	// Names finds objects for a person who types: an exact id, then names that
	// begin with the words, then other text.
	Names(q string, limit int) ([]Ref, error)
	// Pick reads objects in the order of ids; those that are not there or were
	// withdrawn are left out.
	Pick(k Kind, ids []string) ([]Row, error)
	// Below reads the derivatives or observations of items, by their ids.
	Below(k Kind, items []string) ([]Row, error)
	// Extent is how far the items reach.
	Extent() (Extent, error)
}

// Fields are what items are told apart by, in the order of the document.
var Fields = []string{
	"media", "perspective", "sensitivity", "place", "time", "lane", "phase", "language", "platform", "type", "held", "workflow", "public",
	"axes.authenticity", "axes.source", "axes.place", "axes.time", "axes.content", "status", "tag", "entity",
}

// Filter selects items; what is empty selects all.
type Filter struct {
	Text          string              // words, each of which begins a word of the item
	Facets        map[string][]string // any of the values of each field
	Box           *Box                // some place of the item lies inside
	Time          when.Interval       // the item may have been in it
	IDs           []string            // only among these
	Timed, Placed bool                // only those with a time, with a coordinate
}

// FindQuery asks for one page of the items of a filter.
type FindQuery struct {
	Filter
	Sort          string // time, -time, title, added, -added; "" is added
	Offset, Limit int
	Count         []string // fields to count, each with its own choice left out
}

// FacetCount is how many items have a value.
type FacetCount struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

// Found is one page of items. Capped says that the numbers are at least, not
// exact: the text alone matched more than is looked at.
type Found struct {
	Total  int
	Capped bool
	Items  []Card
	Facets map[string][]FacetCount
	Head   int64 // length of the log it was made from
}

// Card is what is known of an item without reading it.
type Card struct {
	ID                                      string
	Timed, Placed                           bool
	Min, Max                                *when.Instant // nil: open
	Lat, Lon                                float64       // of the first place, WGS84 degrees, to 1e-7
	Media, Perspective, Status, Sensitivity string
}

// OverviewQuery asks for counts along time.
type OverviewQuery struct {
	Filter          // its Time does not filter, From and To say what is shown
	From, To *int64 // UTC milliseconds; nil: the end of what is timed
	Buckets  int    // at most so many columns
	Lane     string // field; "" is one lane
}

// Overview counts items along time.
type Overview struct {
	Level   int64  `json:"level"` // milliseconds, equal to Step
	From    int64  `json:"from"`
	Step    int64  `json:"step"`
	Head    int64  `json:"head"`
	Total   int    `json:"total"` // timed items in the columns
	Untimed int    `json:"untimed"`
	Before  int    `json:"before"`
	After   int    `json:"after"`
	Capped  bool   `json:"capped"`
	Lanes   []Lane `json:"lanes"`
}

// Lane is one row of an overview.
type Lane struct {
	Key    string `json:"key"`
	Total  int    `json:"total"`
	Counts []int  `json:"counts"`
}

// NearQuery asks for what lies in a part of the ground.
type NearQuery struct {
	Filter
	Limit int // with more items than this, cells are counted instead
}

// Near is what lies in a part of the ground.
type Near struct {
	Total  int
	Capped bool
	Head   int64
	Places []Card     // each with the first of its places inside
	Cell   [2]float64 // size of a cell, degrees of longitude and latitude
	Cells  []Cell
}

// Cell counts the items in a part of the ground.
type Cell struct {
	Lon   float64    `json:"lon"` // mean of what is in it
	Lat   float64    `json:"lat"`
	Count int        `json:"count"`
	Box   [4]float64 `json:"box"` // west, south, east, north of what is in it
}

// CopiesQuery asks for items whose picture is near another.
type CopiesQuery struct {
	Item   string // its hash is taken, and it is left out of the answer
	PDQ    string // or this one, 64 hexadecimal digits
	Within int    // bits of 256
	Limit  int
}

// Copies are items whose picture is near another, nearest first.
type Copies struct {
	Hashed int       `json:"hashed"` // items that have a hash
	Head   int64     `json:"head"`
	Copies []CopyHit `json:"copies"`
}

// CopyHit is an item at a distance in bits.
type CopyHit struct {
	ID       string `json:"id"`
	Distance int    `json:"distance"`
}

// Extent is how far the items of a case reach.
type Extent struct {
	Items, Timed, Placed int
	Min, Max             *when.Instant // nil: nothing has a time with such an end
	Box                  *Box          // nil: nothing has a coordinate
	Head                 int64
}
