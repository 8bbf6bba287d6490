package order

// Answer is the document sightline/time-answer/1.
type Answer struct {
	Schema       string          `json:"schema"`
	ID           any             `json:"id,omitempty"` // of the network, repeated
	Account      *string         `json:"account"`
	Consistent   bool            `json:"consistent"`
	Bounds       []Bound         `json:"bounds"`
	Conflicts    []Conflict      `json:"conflicts"`
	Repairs      [][]string      `json:"repairs,omitempty"`    // with all conflicts: every smallest set to give up
	Incomplete   bool            `json:"incomplete,omitempty"` // there are more conflicts or repairs than are listed
	Orders       []Order         `json:"orders,omitempty"`
	Contribution []Contribution  `json:"contribution,omitempty"`
	Accounts     []AccountAnswer `json:"accounts,omitempty"`
	Branches     []Branch        `json:"branches,omitempty"`
}

// Bound is the tightest interval of a point, milliseconds since z, with the
// chains that force its ends. Max proof runs from z to the point and sums to
// Max; min proof runs from the point to z and sums to -Min.
type Bound struct {
	Point    string `json:"point"`
	Min      *int64 `json:"min"`
	Max      *int64 `json:"max"`
	MinProof []Link `json:"min_proof,omitempty"`
	MaxProof []Link `json:"max_proof,omitempty"`
}

// Link is a Step with the constraint's id.
type Link struct {
	Constraint string `json:"constraint"`
	Side       Side   `json:"side"`
}

// Conflict is an irreducible contradiction.
type Conflict struct {
	Constraints []string `json:"constraints"`
	Slack       int64    `json:"slack_ms"`
	Cycle       []Link   `json:"cycle"`
	Sentence    string   `json:"sentence"`
}

// Order is the range of B - A and what follows: entailed if A is before B in
// every solution, refuted if in none, else possible.
type Order struct {
	A       string `json:"a"`
	B       string `json:"b"`
	Min     *int64 `json:"min"`
	Max     *int64 `json:"max"`
	Verdict string `json:"verdict"`
}

// Contribution is how much wider the bounds of all points together would be
// without a constraint, and how many bounds would vanish.
type Contribution struct {
	Constraint string `json:"constraint"`
	Widened    int64  `json:"widened_ms"`
	Lost       int    `json:"lost_bounds"`
}

// AccountAnswer is whether an account agrees with the shared evidence.
type AccountAnswer struct {
	ID         string     `json:"id"`
	Consistent bool       `json:"consistent"`
	Conflicts  []Conflict `json:"conflicts"`
}

// Branch is one choice among the alternatives: the index chosen for each
// constraint. A dead branch names only the choices that already contradict.
type Branch struct {
	Choice     map[string]int `json:"choice"`
	Consistent bool           `json:"consistent"`
	Bounds     []Bound        `json:"bounds"`
	Conflicts  []Conflict     `json:"conflicts"`
}
