package order

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The worked example of docs/methods/time-network.md: one recording, one shot,
// a slow clock, a post, and an account that says otherwise.
const example = `{"schema":"sightline/time-network/1","zone":"America/Caracas",
 "points":[{"id":"rec","label":"recording EX-014 starts"},{"id":"shot","label":"first shot"},{"id":"clkA"}],
 "accounts":[{"id":"official"}],"orders":[{"a":"rec","b":"shot"},{"a":"shot","b":"rec"}],
 "constraints":[
 {"id":"c1","from":"z","to":"rec","min":"2019-05-10T09:00:00-04:00","max":"2019-05-10T09:25:00-04:00","text":"the shadow"},
 {"id":"c2","from":"rec","to":"shot","min":183960,"max":184040,"text":"the shot is 184 s in"},
 {"id":"c3","from":"clkA","to":"rec","min":1557491820000,"max":1557491820999,"text":"the clock read 08:37:00"},
 {"id":"c4","from":"z","to":"clkA","min":1710000,"max":1890000},
 {"id":"c5","from":"z","to":"shot","min":null,"max":1557494412345},
 {"id":"c6","from":"z","to":"shot","min":1557500400000,"max":null,"accounts":["official"],"strength":"claim","text":"no shot before 11:00:00"}]}`

func mustDecode(t testing.TB, s string) *Network {
	t.Helper()
	n, err := Decode([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWorkedExample(t *testing.T) {
	a, err := Solve(mustDecode(t, example), Options{Contribution: true})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(a.Bounds[1])
	want := `{"point":"shot","min":1557493713960,"max":1557493895039,"min_proof":[{"constraint":"c2","side":"min"},{"constraint":"c3","side":"min"},{"constraint":"c4","side":"min"}],"max_proof":[{"constraint":"c4","side":"max"},{"constraint":"c3","side":"max"},{"constraint":"c2","side":"max"}]}`
	if string(b) != want {
		t.Errorf("shot is %s", b)
	}
	if a.Orders[0].Verdict != "entailed" || a.Orders[1].Verdict != "refuted" {
		t.Errorf("orders %+v", a.Orders)
	}
	if a.Contribution[0].Widened != 0 || a.Contribution[3].Widened != 2544076 || a.Contribution[1].Lost != 1 {
		t.Errorf("contribution %+v", a.Contribution)
	}
	if len(a.Accounts) != 1 || a.Accounts[0].Consistent {
		t.Errorf("accounts %+v", a.Accounts)
	}
}

func TestWorkedExampleOfficial(t *testing.T) {
	a, err := Solve(mustDecode(t, example), Options{Account: "official", Conflicts: "all"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range a.Conflicts {
		got = append(got, fmt.Sprint(c.Constraints, c.Slack))
	}
	if s := strings.Join(got, " "); a.Consistent || s != "[c5 c6] -5987655 [c1 c2 c6] -5515960 [c2 c3 c4 c6] -6504961" {
		t.Errorf("conflicts %s", s)
	}
	if s := fmt.Sprint(a.Repairs); s != "[[c6] [c2 c5] [c1 c3 c5] [c1 c4 c5]]" {
		t.Errorf("repairs %s", s)
	}
	if s := a.Conflicts[0].Sentence; s != "c5: first shot not after 2019-05-10T09:20:12.345-04:00; no shot before 11:00:00: together they are short by 1 h 39 min 47.655 s." {
		t.Errorf("sentence %q", s)
	}
	a, err = Solve(mustDecode(t, example), Options{Account: "official", Lang: "es"})
	if err != nil {
		t.Fatal(err)
	}
	if s := a.Conflicts[0].Sentence; !strings.Contains(s, ": juntos se quedan cortos por 1 h ") {
		t.Errorf("sentence %q", s)
	}
	a, err = Solve(mustDecode(t, example), Options{Account: "official", Without: []string{"c2", "c5"}})
	if err != nil || !a.Consistent {
		t.Errorf("a repair does not repair: %v", err)
	}
}

func TestAlternatives(t *testing.T) {
	n := mustDecode(t, strings.Replace(example, `"from":"z","to":"rec","min":"2019-05-10T09:00:00-04:00","max":"2019-05-10T09:25:00-04:00"`,
		`"any":[{"from":"z","to":"rec","min":1557493020000,"max":1557494160000},{"from":"z","to":"rec","min":1557518340000,"max":1557519480000}]`, 1))
	a, err := Solve(n, Options{Contribution: true})
	if err != nil {
		t.Fatal(err)
	}
	if !a.Consistent || len(a.Branches) != 2 || !a.Branches[0].Consistent || a.Branches[1].Consistent || *a.Bounds[0].Min != 1557493530000 || *a.Bounds[0].Max != 1557493710999 {
		t.Errorf("%+v", a)
	}
	if c := a.Branches[1].Conflicts[0]; fmt.Sprint(c.Constraints, c.Slack) != "[c1 c3 c4] -24629001" {
		t.Errorf("dead branch %+v", c)
	}
	if a.Orders[0].Verdict != "entailed" || len(a.Contribution) != 5 || a.Contribution[3].Widened == 0 {
		t.Errorf("orders %+v contribution %+v", a.Orders, a.Contribution)
	}
}

func TestBadNetworks(t *testing.T) {
	wrap := func(constraints string) string {
		return `{"points":[{"id":"a"},{"id":"b"}],"constraints":[` + constraints + `]}`
	}
	var many []string
	for i := range 21 {
		many = append(many, fmt.Sprintf(`{"id":"m%d","any":[{"from":"z","to":"a","min":0,"max":9},{"from":"z","to":"b","min":0,"max":9}]}`, i))
	}
	for _, c := range []struct{ in, code string }{
		{wrap(`{"id":"k","from":"a","to":"q","min":1}`), "unknown_point"},
		{wrap(`{"id":"k","from":"a","to":"b","min":1},{"id":"k","from":"a","to":"b","min":1}`), "duplicate_id"},
		{`{"points":[{"id":"z"}],"constraints":[]}`, "duplicate_id"},
		{wrap(`{"id":"k","from":"a","to":"b","min":2,"max":1}`), "reversed_interval"},
		{wrap(`{"id":"k","from":"a","to":"b","min":null}`), "empty_constraint"},
		{wrap(`{"id":"k","from":"a","to":"b","min":9007199254740993}`), "overflow"},
		{wrap(`{"id":"k","from":"a","to":"b","min":99999999999999999999}`), "overflow"},
		{wrap(`{"id":"k","from":"a","to":"b","min":1.5}`), "bad_json"},
		{wrap(`{"id":"k","from":"a","to":"b","min":"2019-05-10T09:00:00-04:00"}`), "bad_json"},
		{wrap(`{"id":"k","from":"z","to":"b","min":"2019-05-10T09:00:00"}`), "bad_json"},
		{wrap(`{"id":"k","from":"z","to":"b","min":NaN}`), "bad_json"},
		{`[]`, "bad_json"},
		{``, "bad_json"},
		{wrap(``) + `{}`, "bad_json"},
		{wrap(strings.Join(many, ",")), "too_many_branches"},
		{wrap(`{"id":"k","from":"z","to":"a","min":9007199254740992},{"id":"l","from":"a","to":"b","min":9007199254740992}`), "overflow"},
	} {
		n, err := Decode([]byte(c.in))
		if err == nil {
			_, err = Solve(n, Options{})
		}
		var e *Error
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%.80s: %v, want %s", c.in, err, c.code)
		}
	}
	n := mustDecode(t, example)
	for _, o := range []Options{{Account: "nobody"}, {Without: []string{"c9"}}} {
		if _, err := Solve(n, o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

// network makes a document of differences; every fourth belongs to account k.
func network(n int, all []Difference) *Network {
	net := &Network{}
	for i := 1; i < n; i++ {
		net.Points = append(net.Points, Point{ID: fmt.Sprint("p", i)})
	}
	name := func(v int) string {
		if v == 0 {
			return Z
		}
		return fmt.Sprint("p", v)
	}
	for i, d := range all {
		c := Constraint{ID: fmt.Sprintf("c%02d", i)}
		c.From, c.To = name(d.From), name(d.To)
		if d.Min != NoMin {
			c.Min = Ms(d.Min)
		}
		if d.Max != NoMax {
			c.Max = Ms(d.Max)
		}
		net.Constraints = append(net.Constraints, c)
	}
	return net
}

// All conflicts and repairs against the definition: every subset is tried.
func TestAllConflictsAgreeWithEverySubset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 4).Draw(t, "points")
		all := drawDifferences(t, n)
		all = all[:min(len(all), 8)]
		if _, consistent := floydWarshall(n, all); consistent {
			return
		}
		a, err := Solve(network(n, all), Options{Conflicts: "all"})
		if err != nil {
			t.Fatal(err)
		}
		ok := make([]bool, 1<<len(all))
		for m := range ok {
			var sub []Difference
			for i := range all {
				if m>>i&1 == 1 {
					sub = append(sub, all[i])
				}
			}
			_, ok[m] = floydWarshall(n, sub)
		}
		full := len(ok) - 1
		names := func(m int) string {
			var ids []string
			for i := range all {
				if m>>i&1 == 1 {
					ids = append(ids, fmt.Sprintf("c%02d", i))
				}
			}
			return strings.Join(ids, " ")
		}
		var conflicts, repairs []string
		for m := range ok {
			minimal, smallest := !ok[m], ok[full&^m]
			for i := range all {
				if m>>i&1 == 1 {
					minimal = minimal && ok[m&^(1<<i)]
					smallest = smallest && !ok[full&^(m&^(1<<i))]
				}
			}
			if minimal {
				conflicts = append(conflicts, names(m))
			}
			if smallest {
				repairs = append(repairs, names(m))
			}
		}
		var gotC, gotR []string
		for _, c := range a.Conflicts {
			gotC = append(gotC, strings.Join(c.Constraints, " "))
		}
		for _, r := range a.Repairs {
			gotR = append(gotR, strings.Join(r, " "))
		}
		for _, l := range [][]string{conflicts, repairs, gotC, gotR} {
			slices.Sort(l)
		}
		if !slices.Equal(conflicts, gotC) || !slices.Equal(repairs, gotR) {
			t.Fatalf("conflicts %q want %q; repairs %q want %q", gotC, conflicts, gotR, repairs)
		}
	})
}

// The subtree method against taking each constraint out and solving again.
func TestContributionAgreesWithRemoval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 7).Draw(t, "points")
		all := drawDifferences(t, n)
		if _, consistent := floydWarshall(n, all); !consistent {
			return
		}
		net := network(n, all)
		a, err := Solve(net, Options{Contribution: true})
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range net.Constraints {
			b, err := Solve(net, Options{Without: []string{c.ID}})
			if err != nil {
				t.Fatal(err)
			}
			want := Contribution{Constraint: c.ID}
			for k := range a.Bounds {
				want.count(a.Bounds[k].Min, b.Bounds[k].Min, -1)
				want.count(a.Bounds[k].Max, b.Bounds[k].Max, 1)
			}
			if a.Contribution[i] != want {
				t.Fatalf("%+v, want %+v", a.Contribution[i], want)
			}
		}
	})
}

// Disjoint conflicts share no constraint, and without all of them nothing is
// left to contradict.
func TestDisjointConflicts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "points")
		net := network(n, drawDifferences(t, n))
		a, err := Solve(net, Options{Conflicts: "disjoint"})
		if err != nil {
			t.Fatal(err)
		}
		var used []string
		for _, c := range a.Conflicts {
			for _, id := range c.Constraints {
				if slices.Contains(used, id) {
					t.Fatalf("%s is in two conflicts", id)
				}
				used = append(used, id)
			}
		}
		b, err := Solve(net, Options{Without: used})
		if err != nil || !b.Consistent {
			t.Fatalf("a conflict was missed: %v", err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(`{"points":[{"id":"a"}],"constraints":[{"id":"k","any":[{"from":"z","to":"a","min":1,"max":2},{"from":"a","to":"a","max":-1}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Decode(b)
		if err != nil {
			return
		}
		if len(n.Constraints) > 12 || len(n.Points) > 20 {
			return
		}
		for _, c := range []string{"first", "disjoint", "all"} {
			a, err := Solve(n, Options{Conflicts: c, Contribution: true})
			var e *Error
			if err != nil {
				if !errors.As(err, &e) {
					t.Fatalf("an error without a code: %v", err)
				}
				return
			}
			if _, err := json.Marshal(a); err != nil {
				t.Fatal(err)
			}
			if a.Consistent == (len(a.Conflicts) > 0) {
				t.Fatalf("consistent %v with %d conflicts", a.Consistent, len(a.Conflicts))
			}
		}
	})
}
