package sightline

// Document is a whole case as one value: what the desk loads, what an edition
// carries (after publish has dropped all that is not public), and what the
// exports walk. Every list is sorted by id.
type Document struct {
	Format       string         `json:"format"` // "sightline.document/1"
	Case         *Case          `json:"case"`
	Items        []*Item        `json:"items"`
	Derivatives  []*Derivative  `json:"derivatives"`
	Observations []*Observation `json:"observations"`
	Entities     []*Entity      `json:"entities"`
	Findings     []*Finding     `json:"findings"`
	Events       []*Event       `json:"events"`
	Claims       []*Claim       `json:"claims"`
	Accounts     []*Account     `json:"accounts"`
	Constraints  []*Constraint  `json:"constraints"`
	Layers       []*Layer       `json:"layers"`
	Gaps         []*Gap         `json:"gaps"`
	Stories      []*Story       `json:"stories"`
	Editions     []*Edition     `json:"editions"`
	Head         Head           `json:"head"`
}

// DocumentFormat is the value of Document.Format.
const DocumentFormat = "sightline.document/1"
