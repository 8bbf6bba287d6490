package time

import (
	"fmt"
	"testing"

	"sightline"
)

// contradictory is a case of 384 constraints in chains of four, and as many
// accounts as asked for that each contradict themselves once.
func contradictory(accounts int64) *sightline.Document {
	d := &sightline.Document{Case: &sightline.Case{Zone: "America/Caracas"}}
	add := func(from, to string, min, max int64, account string) {
		k := &sightline.Constraint{ID: fmt.Sprintf("K-%04d", len(d.Constraints)), From: from, To: to, MinMS: &min, MaxMS: &max, Evidence: []string{"E-1"}}
		if account != "" {
			k.Accounts = []string{account}
		}
		d.Constraints = append(d.Constraints, k)
	}
	for i := range int64(384) {
		from := "z"
		if i%4 != 0 {
			from = fmt.Sprintf("E-%03d.start", i-1)
		}
		add(from, fmt.Sprintf("E-%03d.start", i), 1000, 9000, "")
	}
	for i := range 2 * accounts {
		add("z", fmt.Sprintf("E-%03d.start", i/2*4), 2000+i%2*4000, 3000+i%2*4000, fmt.Sprintf("a%d", i/2))
	}
	return d
}

// BenchmarkSolve: 400 constraints, 8 accounts, 8 contradictions.
func BenchmarkSolve(b *testing.B) {
	d := contradictory(8)
	for b.Loop() {
		if _, err := Solve(d); err != nil {
			b.Fatal(err)
		}
	}
}

// With more contradictions than their repairs can be listed for, none that
// stands alone is lost, the report says that it is incomplete, and every view
// still has intervals free of contradiction.
func TestManyContradictions(t *testing.T) {
	const accounts = 13
	r := solve(t, contradictory(accounts))
	own := map[string]bool{}
	for _, c := range r.Conflicts {
		if len(c.Accounts) == 1 {
			own[c.Accounts[0]] = true
		}
	}
	if !r.Incomplete || len(own) != accounts || len(r.Views) != accounts+1 || !r.Views[0].Consistent {
		t.Errorf("incomplete %v, %d accounts with a contradiction, %d views", r.Incomplete, len(own), len(r.Views))
	}
	for _, v := range r.Views[1:] {
		if v.Consistent || len(v.Disputed) < 2 || len(v.Bounds) != 384 {
			t.Errorf("%s: %v, %d bounds", v.Account, v.Disputed, len(v.Bounds))
		}
	}
}
