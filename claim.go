package sightline

// Claim is a sentence somebody asserts, with who said it and where.
type Claim struct {
	ID       string   `json:"id"` // C-07
	Account  string   `json:"account"`
	Text     Text     `json:"text"`
	Items    []string `json:"items"`  // where it is said
	Status   string   `json:"status"` // supported, partly, unsupported, contested, contradicted
	Reason   Text     `json:"reason,omitempty"`
	Time     *Time    `json:"time,omitempty"` // what the claim says about when
	Places   []Place  `json:"places,omitempty"`
	For      []Link   `json:"for,omitempty"`
	Against  []Link   `json:"against,omitempty"`
	Unknown  []Text   `json:"unknown,omitempty"`   // what is not known
	NotShown Text     `json:"not_shown,omitempty"` // what this does not show
	Public   bool     `json:"public"`
	Question string   `json:"question,omitempty"` // claims that answer one question differently share this word: rival hypotheses
}

func (c *Claim) Ref() Ref { return Ref{KindClaim, c.ID} }

// Link ties a claim to something that speaks for or against it.
type Link struct {
	To        string `json:"to"`                 // id of an item, observation, finding or claim
	Strength  string `json:"strength,omitempty"` // strong, moderate, weak
	Reason    Text   `json:"reason,omitempty"`
	Recording string `json:"recording,omitempty"` // reports of one recording count once
}

// Account is a named set of claims: the government's, the victim's, the
// residents', ours. Accounts are told apart by letter and position, never by
// colour.
type Account struct {
	ID     string `json:"id"` // "government"
	Letter string `json:"letter"`
	Title  Text   `json:"title"`
	Note   Text   `json:"note,omitempty"`
	Order  int    `json:"order"`
	Lane   bool   `json:"lane"` // has a lane of its own on the timeline
}

func (a *Account) Ref() Ref { return Ref{KindAccount, a.ID} }
