package flow

import (
	"testing"

	"sightline"
)

func TestRedactionsAreWork(t *testing.T) {
	it := &sightline.Item{ID: "C-001", SHA256: "ab", Type: "image/jpeg", Held: true}
	job := func() (out *sightline.Job) {
		for _, j := range JobsFor(it) {
			if j.Kind == "redact" {
				out = &j
			}
		}
		return out
	}
	if job() != nil {
		t.Error("there is nothing to redact")
	}
	it.Redactions = []sightline.Redaction{{ID: "R1", Kind: "region", Shape: "rect", Keys: []sightline.RedactionKey{{Points: [][2]float64{{0, 0}, {0.5, 0.5}}}}}}
	one := job()
	if one == nil {
		t.Fatal("a redaction makes no work")
	}
	it.Redactions[0].Reason = sightline.Text{"en": "a face"}
	if j := job(); j.ID != one.ID {
		t.Error("another reason makes other work")
	}
	it.Redactions[0].Keys[0].Points[1] = [2]float64{0.6, 0.5}
	if j := job(); j.ID == one.ID {
		t.Error("another region is the same work")
	}
	it.Redactions[0].Keys[0].Points[1] = [2]float64{0.5, 0.5}
	it.ID = "C-002"
	if j := job(); j.ID == one.ID {
		t.Error("another item with the same bytes is the same work")
	}
}
