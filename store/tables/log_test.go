package tables

import (
	"encoding/json"
	"testing"

	"sightline"
)

func TestCanonicalChanges(t *testing.T) {
	list := []sightline.Change{
		{Ref: sightline.Ref{Kind: "item", ID: "T-1"}, Rev: 1, Value: json.RawMessage(`{"id":"T-1","title":{"en":"a \"b\" ñ"}}`)},
		{Ref: sightline.Ref{Kind: "claim", ID: "C-ñ"}, Rev: 1200, Value: json.RawMessage(`null`), Reason: "a \"mistake\"\n"},
		{Ref: sightline.Ref{Kind: "event", ID: "E-1"}, Rev: 3, Value: json.RawMessage(`{"x":[1,2.5,1e-7]}`)},
	}
	for n := range len(list) + 1 {
		want, err := sightline.Canonical(list[:n:n])
		if err != nil {
			t.Fatal(err)
		}
		if got, err := canonicalChanges(list[:n]); err != nil || string(got) != string(want) {
			t.Errorf("%v\n got %s\nwant %s", err, got, want)
		}
	}
}
