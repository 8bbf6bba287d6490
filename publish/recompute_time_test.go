package publish

import (
	"encoding/json"
	"testing"

	"sightline"
	"sightline/order"
	"sightline/when"
)

// A time that names a finding of the network has to be the interval that the
// finding derives: its start's earliest and its end's latest moment.
func TestATimeIsWhatItsNetworkDerives(t *testing.T) {
	lo, hi, early, late := int64(1000), int64(5000), int64(3000), int64(9000)
	answer, err := json.Marshal(order.Answer{Schema: order.AnswerSchema, Consistent: true,
		Bounds: []order.Bound{{Point: "TS-001.end", Min: &early, Max: &late}, {Point: "TS-001.start", Min: &lo, Max: &hi}}})
	if err != nil {
		t.Fatal(err)
	}
	f := &sightline.Finding{ID: "F-009", Method: "time.solve", Answer: answer}
	for _, c := range []struct {
		min, max int64
		ok       bool
	}{{1000, 9000, true}, {1, 9999, true}, {1001, 9000, false}, {1000, 8999, false}, {-1, 9000, false}, {1000, 10_001, false}, {1000, 5000, false}} {
		r := &recompute{rep: &RecomputeReport{}}
		a, b := when.Instant(c.min), when.Instant(c.max)
		r.timeLink("TS-001", sightline.Time{Interval: when.Interval{Min: &a, Max: &b}, Finding: f.ID}, f)
		if ok := len(r.rep.Faults) == 0 && r.rep.Links == 1; ok != c.ok {
			t.Errorf("%d..%d: accepted %v, want %v", c.min, c.max, ok, c.ok)
		}
	}
	r := &recompute{rep: &RecomputeReport{}}
	a := when.Instant(1000)
	r.timeLink("TS-002", sightline.Time{Interval: when.Interval{Min: &a, Max: &a}, Finding: f.ID}, f)
	if len(r.rep.Faults) != 1 {
		t.Error("a finding about another item is accepted")
	}
}
