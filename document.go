package sightline

import "fmt"

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
	Reviews      []*Review      `json:"reviews,omitempty"`  // never part of an edition
	Comments     []*Comment     `json:"comments,omitempty"` // never part of an edition
	Head         Head           `json:"head"`
}

// DocumentFormat is the value of Document.Format.
const DocumentFormat = "sightline.document/1"

// Load assembles the document of a case from one consistent state. A store
// that holds no case yet gives ErrNotFound.
func Load(r Reader) (*Document, error) {
	d := &Document{Format: DocumentFormat}
	cases, err := All[Case](r, KindCase)
	if err != nil {
		return nil, err
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("this store holds no case: %w", ErrNotFound)
	}
	d.Case = cases[0]
	for _, load := range []func() error{
		into(r, KindItem, &d.Items),
		into(r, KindDerivative, &d.Derivatives),
		into(r, KindObservation, &d.Observations),
		into(r, KindEntity, &d.Entities),
		into(r, KindFinding, &d.Findings),
		into(r, KindEvent, &d.Events),
		into(r, KindClaim, &d.Claims),
		into(r, KindAccount, &d.Accounts),
		into(r, KindConstraint, &d.Constraints),
		into(r, KindLayer, &d.Layers),
		into(r, KindGap, &d.Gaps),
		into(r, KindStory, &d.Stories),
		into(r, KindEdition, &d.Editions),
		into(r, KindReview, &d.Reviews),
		into(r, KindComment, &d.Comments),
	} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	if d.Head, err = r.Head(); err != nil {
		return nil, err
	}
	return d, nil
}

func into[T any](r Reader, k Kind, list *[]*T) func() error {
	return func() (err error) {
		*list, err = All[T](r, k)
		return err
	}
}
