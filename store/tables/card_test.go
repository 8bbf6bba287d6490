package tables

import (
	"bytes"
	"testing"

	"sightline"
	"sightline/when"
)

func someCards() []*card {
	at := when.Instant(1516000000000)
	return []*card{
		cardOf(3, &sightline.Item{ID: "T-1", Title: sightline.Text{"en": "Árbol"}, Media: "photo", Tags: []string{"a", "b", "a"}, Entities: []string{"N-01"},
			Times: []sightline.Time{{Interval: when.Between(at, at+5)}}, Places: []sightline.Place{{Geo: &sightline.Geo{Lat: -10.5, Lon: 66.25}}, {Geo: &sightline.Geo{Lat: 1, Lon: 2}}},
			Hashes: map[string]string{"pdq": "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"}}),
		itemCard(4, "T-2", nil),
		cardOf(9, &sightline.Item{ID: "T-3", Posted: &sightline.Time{Interval: when.At(at)}}),
	}
}

// Both readers of a sheet take what was written, and nothing else: a damaged
// one is an error, whatever its bytes are.
func FuzzSheet(f *testing.F) {
	f.Add(packSheet(someCards()))
	f.Add([]byte{sheetVersion, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := unpackSheet(b)
		c := newColumns()
		if again := c.read(0, b); (err == nil) != (again == nil) {
			t.Fatalf("one reader says %v, the other %v", err, again)
		}
		if err != nil {
			return
		}
		for i, k := range list {
			if got := c.id(uint32(i)); got != k.id || has(c.live, uint32(i)) != k.live {
				t.Fatalf("card %d is %q, want %q", i, got, k.id)
			}
		}
	})
}

func TestSheetComesBack(t *testing.T) {
	b := packSheet(someCards())
	list, err := unpackSheet(b)
	if err != nil || !bytes.Equal(packSheet(list), b) || list[0].title != "arbol" || len(list[0].tags) != 2 || list[1].live || list[2].min != noMin {
		t.Fatalf("%v %+v", err, list)
	}
	for n := range b {
		if _, err := unpackSheet(b[:n]); err == nil {
			t.Errorf("the first %d bytes of %d are taken for a sheet", n, len(b))
		}
	}
	// A card that is put over an equal one changes nothing, and another does.
	c := newColumns()
	if err := c.read(0, b); err != nil {
		t.Fatal(err)
	}
	for i, k := range list {
		if !c.same(uint32(i), k) {
			t.Errorf("card %d is not the same as itself", i)
		}
	}
	list[0].places[1][0]++
	if c.same(0, list[0]) {
		t.Error("a place moved and the card is the same")
	}
}
