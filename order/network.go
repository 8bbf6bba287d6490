package order

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"sightline/when"
)

// Schema and AnswerSchema name the documents.
const (
	Schema       = "sightline/time-network/1"
	AnswerSchema = "sightline/time-answer/1"
)

// Z is the id of the point 1970-01-01T00:00Z, which every network has.
const Z = "z"

// Error is bad input: a code for programs, a sentence for people, and the id
// or field it is about.
type Error struct {
	Code    string `json:"code"` // unknown_point, duplicate_id, reversed_interval, empty_constraint, overflow, too_many_branches, bad_json
	Message string `json:"message"`
	Where   string `json:"where"`
}

func (e *Error) Error() string { return e.Message }

func fail(code, where, format string, args ...any) *Error {
	return &Error{code, fmt.Sprintf(format, args...), where}
}

// Network is a document of points and constraints.
type Network struct {
	Schema      string       `json:"schema"`
	ID          any          `json:"id,omitempty"`
	Zone        string       `json:"zone,omitempty"`
	Points      []Point      `json:"points"`
	Accounts    []Account    `json:"accounts,omitempty"`
	Orders      []Pair       `json:"orders,omitempty"`
	Constraints []Constraint `json:"constraints"`
}

// Point is the start or end of an event, the start of a recording, or the
// offset of a device's clock (true minus shown).
type Point struct {
	ID    string `json:"id"`
	Label string `json:"label,omitempty"`
}

// Account is a set of assumptions: somebody's version of what happened.
type Account struct {
	ID    string `json:"id"`
	Label string `json:"label,omitempty"`
}

// Pair asks for the order of two points.
type Pair struct {
	A string `json:"a"`
	B string `json:"b"`
}

// Alternative states Min <= To - From <= Max in milliseconds; null is open.
type Alternative struct {
	From string `json:"from"`
	To   string `json:"to"`
	Min  Length `json:"min"`
	Max  Length `json:"max"`
}

// Constraint is one fact with the evidence for it. Either the ends are given
// or Any, of which at least one holds. With Accounts it counts only when one
// of them is assumed.
type Constraint struct {
	ID string `json:"id"`
	Alternative
	Evidence []string      `json:"evidence,omitempty"`
	Accounts []string      `json:"accounts,omitempty"`
	Strength string        `json:"strength,omitempty"` // physical, firm, claim
	Text     string        `json:"text,omitempty"`
	Any      []Alternative `json:"any,omitempty"`
}

// Length is whole milliseconds, or open. From z it may be written as an RFC
// 3339 time with its offset.
type Length struct {
	ms    int64
	known bool
	stamp bool
}

// Ms is a known length.
func Ms(v int64) Length { return Length{ms: v, known: true} }

// Value is the length and whether it is known.
func (l Length) Value() (int64, bool) { return l.ms, l.known }

// MarshalJSON writes the number or null.
func (l Length) MarshalJSON() ([]byte, error) {
	if !l.known {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, l.ms, 10), nil
}

// UnmarshalJSON reads an integer, null, or an RFC 3339 string.
func (l *Length) UnmarshalJSON(b []byte) error {
	*l = Length{}
	if string(b) == "null" {
		return nil
	}
	if len(b) > 1 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return fail("bad_json", s, "%q is not a time in RFC 3339 with its offset", s)
		}
		*l = Length{t.UnixMilli(), true, true}
		return nil
	}
	v, err := strconv.ParseInt(string(b), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return fail("overflow", string(b), "%s is beyond 2^53 ms", b)
	case err != nil:
		return fail("bad_json", string(b), "%s is not a whole number of milliseconds", b)
	}
	*l = Length{ms: v, known: true}
	return nil
}

// Decode reads one network and checks it.
func Decode(b []byte) (*Network, error) {
	var n Network
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&n); err != nil {
		var e *Error
		if errors.As(err, &e) {
			return nil, e
		}
		return nil, fail("bad_json", "", "this is not a time network: %v", err)
	}
	if d.More() {
		return nil, fail("bad_json", "", "something follows the network")
	}
	return &n, n.Check()
}

// Check says what is wrong with a network, nil if nothing is.
func (n *Network) Check() error {
	_, err := n.index()
	return err
}

// index numbers the points and checks every constraint.
func (n *Network) index() (map[string]int, error) {
	if n.Schema != "" && n.Schema != Schema {
		return nil, fail("bad_json", "schema", "the schema is %q, this program reads %q", n.Schema, Schema)
	}
	if n.Zone != "" {
		if _, err := when.LoadZone(n.Zone); err != nil {
			return nil, fail("bad_json", "zone", "%v", err)
		}
	}
	ix := make(map[string]int, len(n.Points)+1)
	ix[Z] = 0
	for i, p := range n.Points {
		if _, twice := ix[p.ID]; twice {
			return nil, fail("duplicate_id", p.ID, "two points have the id %q (z is the origin)", p.ID)
		}
		ix[p.ID] = i + 1
	}
	accounts := make(map[string]bool, len(n.Accounts))
	for _, a := range n.Accounts {
		if accounts[a.ID] {
			return nil, fail("duplicate_id", a.ID, "two accounts have the id %q", a.ID)
		}
		accounts[a.ID] = true
	}
	seen := make(map[string]bool, len(n.Constraints))
	for i := range n.Constraints {
		c := &n.Constraints[i]
		if seen[c.ID] {
			return nil, fail("duplicate_id", c.ID, "two constraints have the id %q", c.ID)
		}
		seen[c.ID] = true
		if len(c.Any) == 0 {
			if err := c.Alternative.check(c.ID, ix); err != nil {
				return nil, err
			}
		}
		for k := range c.Any {
			if err := c.Any[k].check(c.ID, ix); err != nil {
				return nil, err
			}
		}
	}
	for _, o := range n.Orders {
		for _, p := range []string{o.A, o.B} {
			if _, known := ix[p]; !known {
				return nil, fail("unknown_point", p, "an order asks about point %q, which is not listed", p)
			}
		}
	}
	return ix, nil
}

func (a *Alternative) check(id string, ix map[string]int) error {
	for _, p := range []string{a.From, a.To} {
		if _, known := ix[p]; !known {
			return fail("unknown_point", id, "constraint %s names point %q, which is not listed", id, p)
		}
	}
	if !a.Min.known && !a.Max.known {
		return fail("empty_constraint", id, "constraint %s has neither min nor max", id)
	}
	for _, l := range []Length{a.Min, a.Max} {
		if l.stamp && a.From != Z {
			return fail("bad_json", id, "constraint %s gives a time of day, which only a constraint from z can", id)
		}
		if l.ms > Limit || l.ms < -Limit {
			return fail("overflow", id, "constraint %s has a length beyond 2^53 ms", id)
		}
	}
	if a.Min.known && a.Max.known && a.Min.ms > a.Max.ms {
		return fail("reversed_interval", id, "constraint %s has its min after its max", id)
	}
	return nil
}

func (a *Alternative) difference(ix map[string]int) Difference {
	d := Difference{ix[a.From], ix[a.To], NoMin, NoMax}
	if a.Min.known {
		d.Min = a.Min.ms
	}
	if a.Max.known {
		d.Max = a.Max.ms
	}
	return d
}
