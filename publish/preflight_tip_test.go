package publish

import (
	"slices"
	"testing"

	"sightline"
)

// Each thing that could lead to whoever sent an item by the call stops an
// edition, and nothing does when all are seen to.
func TestTipIsNotGivenAway(t *testing.T) {
	item := func() *sightline.Item {
		return &sightline.Item{ID: "T-1", Name: "T-001-1.jpg", Media: "photo", SHA256: "aa", Held: true, Title: sightline.Text{"en": "A street", "es": "Una calle"},
			Source: sightline.Source{Type: "anonymous intake", Method: "call for evidence", Perspective: "unknown"},
			Public: sightline.Public{Decision: "publish", Media: "publish", Hash: "withhold"}}
	}
	codes := func(it *sightline.Item) (out []string) {
		p := &preflight{doc: &sightline.Document{Case: &sightline.Case{}, Items: []*sightline.Item{it}}, langs: []string{"en"}, ids: map[string]bool{}}
		p.tip(it)
		for _, x := range p.out {
			out = append(out, x.Code)
		}
		slices.Sort(out)
		return out
	}
	if got := codes(item()); len(got) != 0 {
		t.Errorf("an item that is seen to: %v", got)
	}
	for name, x := range map[string]struct {
		change func(*sightline.Item)
		want   []string
	}{
		"digest and original":  {func(i *sightline.Item) { i.Public.Hash = "publish" }, []string{"tip_digest", "tip_original"}},
		"digest by default":    {func(i *sightline.Item) { i.Public.Hash, i.Public.Media = "", "withhold" }, []string{"tip_digest"}},
		"a committed digest":   {func(i *sightline.Item) { i.Public.Hash = "commit" }, nil},
		"the name of the file": {func(i *sightline.Item) { i.Seen = sightline.Text{"en": "See t-001-1."} }, []string{"file_name_told"}},
		"where it stood": {func(i *sightline.Item) {
			i.Places = []sightline.Place{{Role: "camera", ENU: &[3]float64{1, 2, 3}}}
		}, []string{"witness_place"}},
		"a wished-for credit": {func(i *sightline.Item) { i.Rights.Credit, i.Rights.Consent = "Juan", "given" }, nil},
		"a credit":            {func(i *sightline.Item) { i.Rights.Credit = "Juan" }, []string{"tip_named"}},
	} {
		it := item()
		x.change(it)
		if got := codes(it); !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, want %v", name, got, x.want)
		}
		it.Source.Type, it.Source.Method = "press", "download"
		if got := codes(it); len(got) != 0 {
			t.Errorf("%s, of the press: %v", name, got)
		}
	}
	it := item()
	it.Places = []sightline.Place{{Role: "camera", ENU: &[3]float64{1, 2, 3}, FuzzM: 500}}
	if got := codes(it); len(got) != 0 {
		t.Errorf("a blurred place: %v", got)
	}
}
