package time

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sightline"
	"sightline/order"
)

// at is a time of day of 15 January 2018 in Caracas, in milliseconds.
func at(h, m int64) int64 { return 1515988800000 + (h*60+m)*60_000 }

func junquito(t *testing.T) *sightline.Document {
	t.Helper()
	b, err := os.ReadFile("../../demo/el-junquito/case.json")
	if err != nil {
		t.Fatal(err)
	}
	d := new(sightline.Document)
	if err := json.Unmarshal(b, d); err != nil {
		t.Fatal(err)
	}
	return d
}

func solve(t *testing.T, d *sightline.Document) *Report {
	t.Helper()
	r, err := Solve(d)
	if err != nil {
		t.Fatal(err)
	}
	verify(t, r)
	return r
}

// walk adds the integers of a chain again, from nothing but the constraints,
// and says where it leads.
func walk(t interface{ Errorf(string, ...any) }, n *order.Network, from string, chain []order.Link, account string, without []string) (to string, sum int64) {
	for _, l := range chain {
		i := slices.IndexFunc(n.Constraints, func(c order.Constraint) bool { return c.ID == l.Constraint })
		c := n.Constraints[i]
		a, b, length := c.From, c.To, c.Max
		if l.Side == order.SideMin {
			a, b, length = c.To, c.From, c.Min
		}
		v, known := length.Value()
		if l.Side == order.SideMin {
			v = -v
		}
		if a != from || !known || slices.Contains(without, c.ID) || account != "*" && len(c.Accounts) > 0 && !slices.Contains(c.Accounts, account) {
			t.Errorf("%s cannot be used at %s", c.ID, from)
		}
		from, sum = b, sum+v
	}
	return from, sum
}

func verify(t interface{ Errorf(string, ...any) }, r *Report) {
	for _, v := range r.Views {
		for _, b := range v.Bounds {
			if to, sum := walk(t, r.Network, order.Z, b.MaxProof, v.Account, v.Disputed); b.Max != nil && (to != b.Point || sum != *b.Max) {
				t.Errorf("%s max: the proof gives %s, %d", b.Point, to, sum)
			}
			if to, sum := walk(t, r.Network, b.Point, b.MinProof, v.Account, v.Disputed); b.Min != nil && (to != order.Z || sum != -*b.Min) {
				t.Errorf("%s min: the proof gives %s, %d", b.Point, to, sum)
			}
		}
	}
	for _, c := range r.Conflicts {
		start := first(r.Network, c.Cycle[0])
		if to, sum := walk(t, r.Network, start, c.Cycle, "*", nil); to != start || sum != c.SlackMS || sum >= 0 {
			t.Errorf("%v: the cycle from %s ends at %s with %d", c.Constraints, start, to, sum)
		}
	}
}

func first(n *order.Network, l order.Link) string {
	c := n.Constraints[slices.IndexFunc(n.Constraints, func(c order.Constraint) bool { return c.ID == l.Constraint })]
	if l.Side == order.SideMin {
		return c.To
	}
	return c.From
}

func bound(t *testing.T, r *Report, account, point string) (min, max int64) {
	t.Helper()
	for _, v := range r.Views {
		for _, b := range v.Bounds {
			if v.Account == account && b.Point == point {
				if b.Min == nil || b.Max == nil {
					t.Fatalf("%s is open under %q", point, account)
				}
				return *b.Min, *b.Max
			}
		}
	}
	t.Fatalf("no point %s under %q", point, account)
	return 0, 0
}

func conflict(r *Report, ids ...string) *Conflict {
	for i := range r.Conflicts {
		if slices.Equal(r.Conflicts[i].Constraints, ids) {
			return &r.Conflicts[i]
		}
	}
	return nil
}

// The last recorded words come after the rocket and less than an hour later:
// move the rocket by ten minutes and they move by ten minutes.
func TestLastWordsFollowTheRocket(t *testing.T) {
	d := junquito(t)
	min, max := bound(t, solve(t, d), "", "EJ-019.start")
	if min != at(9, 7)+1 || max != at(10, 8)-2 {
		t.Errorf("EJ-019 lies in %d..%d after 9:07", min-at(9, 7), max-at(9, 7))
	}
	for _, k := range d.Constraints {
		if k.ID == "K-005" {
			*k.MinMS += 600_000
			*k.MaxMS += 600_000
		}
	}
	if a, b := bound(t, solve(t, d), "", "EJ-019.start"); a-min != 600_000 || b-max != 600_000 {
		t.Errorf("EJ-019 moved by %d and %d", a-min, b-max)
	}
}

func TestAccountsThatCannotBothBeTrue(t *testing.T) {
	r := solve(t, junquito(t))
	if !r.Views[0].Consistent || r.Views[0].Account != "" || r.Incomplete {
		t.Errorf("the shared evidence: %+v", r.Views[0].Disputed)
	}
	for _, want := range []struct {
		constraints []string
		accounts    []string
		said        map[string][]string
		slack       int64
	}{
		// Fire until 11:20 against a recording from 11:15 on in which nobody fires.
		{[]string{"K-002", "K-009", "K-012"}, []string{"government", "radio"},
			map[string][]string{"": {"EJ-024", "EJ-025", "EJ-026", "EJ-027"}, "government": {"EJ-005"}, "radio": {"EJ-024", "EJ-025", "EJ-027"}}, -(4*60_000 + 1)},
		// One recording with two ends.
		{[]string{"K-010", "K-011"}, []string{"radio"}, map[string][]string{"radio": {"EJ-024", "EJ-025", "EJ-026"}}, -(9*60_000 + 1)},
		// Three times at the morgue, two by two.
		{[]string{"K-003", "K-009", "K-014", "K-015", "K-016"}, []string{"investigators", "press"},
			map[string][]string{"": {"EJ-006", "EJ-024", "EJ-025", "EJ-026", "EJ-027", "EJ-033", "EJ-034"}, "investigators": {"EJ-033"}, "press": {"EJ-034"}}, at(13, 34) - 2 - at(14, 0)},
		{[]string{"K-003", "K-014", "K-017", "K-018"}, []string{"investigators", "press"},
			map[string][]string{"": {"EJ-006", "EJ-033", "EJ-062"}, "investigators": {"EJ-033"}, "press": {"EJ-062"}}, at(14, 32) - 2 - at(18, 30)},
		{[]string{"K-009", "K-015", "K-016", "K-017", "K-018"}, []string{"press"},
			map[string][]string{"": {"EJ-024", "EJ-025", "EJ-026", "EJ-027", "EJ-033", "EJ-034", "EJ-062"}, "press": {"EJ-034", "EJ-062"}}, at(13, 34) - 2 - at(18, 30)},
	} {
		c := conflict(r, want.constraints...)
		if c == nil {
			t.Errorf("%v was not found", want.constraints)
			continue
		}
		if !slices.Equal(c.Accounts, want.accounts) || !reflect.DeepEqual(c.Said, want.said) || c.SlackMS != want.slack {
			t.Errorf("%v: accounts %v, said %v, short by %d, want %d", want.constraints, c.Accounts, c.Said, c.SlackMS, want.slack)
		}
	}
	c := conflict(r, "K-002", "K-009", "K-012")
	if !slices.Equal(c.Claims, []string{"C-01", "C-05"}) {
		t.Errorf("claims %v", c.Claims)
	}
	if s := c.Sentence["en"]; !strings.Contains(s, "no error is stated) [EJ-005]") || !strings.HasSuffix(s, ": together they are short by 4 min 0.001 s.") {
		t.Error(s)
	}
	if s := c.Sentence["es"]; !strings.Contains(s, "Cabello: fuego") || !strings.HasSuffix(s, ": juntos se quedan cortos por 4 min 0,001 s.") {
		t.Error(s)
	}
}

// A view uses neither side of its own contradiction and keeps the rest.
func TestDisputedIsLeftOutWhole(t *testing.T) {
	r := solve(t, junquito(t))
	for _, v := range r.Views {
		switch v.Account {
		case "radio":
			if v.Consistent || !slices.Equal(v.Disputed, []string{"K-010", "K-011"}) {
				t.Errorf("radio: %v", v.Disputed)
			}
		case "investigators", "government":
			if !v.Consistent {
				t.Errorf("%s: %v", v.Account, v.Disputed)
			}
		}
	}
	if a, b := bound(t, r, "investigators", "EJ-034.start"); a != at(14, 0) || b != at(14, 32)-2 {
		t.Errorf("the morgue by the investigators: %d..%d", a-at(14, 0), b-at(14, 0))
	}
}

func TestBadConstraintsAreNamed(t *testing.T) {
	ms := func(v int64) *int64 { return &v }
	for code, k := range map[string]*sightline.Constraint{
		"reversed_interval": {ID: "K-1", From: "z", To: "A.start", MinMS: ms(2), MaxMS: ms(1)},
		"empty_constraint":  {ID: "K-1", From: "z", To: "A.start"},
		"overflow":          {ID: "K-1", From: "z", To: "A.start", MaxMS: ms(1 << 60)},
	} {
		_, err := Solve(&sightline.Document{Case: &sightline.Case{}, Constraints: []*sightline.Constraint{k}})
		if e, ok := err.(*order.Error); !ok || e.Code != code || e.Where != "K-1" {
			t.Errorf("%s: %v", code, err)
		}
	}
	if r, err := Solve(&sightline.Document{}); err != nil || len(r.Views) != 1 || len(r.Conflicts) != 0 {
		t.Errorf("an empty document: %+v, %v", r, err)
	}
}

// Any document: two runs agree to the byte, every chain adds up, no interval
// uses a disputed constraint, and each conflict really is irreducible.
func TestRandomDocuments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &sightline.Document{Case: &sightline.Case{Zone: "America/Caracas"}}
		points := []string{"z", "A.start", "A.end", "B.start", "B.end", "C.start"}
		for i := range rapid.IntRange(0, 9).Draw(t, "n") {
			from, to := rapid.SampledFrom(points).Draw(t, "from"), rapid.SampledFrom(points).Draw(t, "to")
			min := rapid.Int64Range(-50, 50).Draw(t, "min")
			max := min + rapid.Int64Range(0, 20).Draw(t, "width")
			k := &sightline.Constraint{ID: string(rune('a' + i)), From: from, To: to, MinMS: &min, MaxMS: &max, Evidence: []string{"E-1"}}
			k.Accounts = rapid.SampledFrom([][]string{nil, nil, {"p"}, {"q"}, {"p", "q"}}).Draw(t, "accounts")
			d.Constraints = append(d.Constraints, k)
		}
		r, err := Solve(d)
		if err != nil {
			t.Fatal(err)
		}
		verify(t, r)
		again, err := Solve(d)
		if err != nil {
			t.Fatal(err)
		}
		x, _ := json.Marshal(r)
		y, _ := json.Marshal(again)
		if string(x) != string(y) {
			t.Fatal("two runs differ")
		}
		for _, c := range r.Conflicts {
			for _, out := range c.Constraints {
				n := *r.Network
				n.Constraints = nil
				for _, k := range r.Network.Constraints {
					if k.Accounts = nil; k.ID != out && slices.Contains(c.Constraints, k.ID) {
						n.Constraints = append(n.Constraints, k)
					}
				}
				if a, err := order.Solve(&n, order.Options{}); err != nil || !a.Consistent {
					t.Fatalf("%v contradicts itself without %s, %v", c.Constraints, out, err)
				}
			}
		}
	})
}
