package when

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

func drawInterval(t *rapid.T, name string) Interval {
	a := Instant(rapid.Int64Range(-20, 20).Draw(t, name+" min"))
	iv := Between(a, a+Instant(rapid.Int64Range(-2, 20).Draw(t, name+" width")))
	switch rapid.IntRange(0, 5).Draw(t, name+" open") {
	case 0:
		iv.Min = nil
	case 1:
		iv.Max = nil
	}
	return iv
}

// Every operation against its meaning, instant by instant.
func TestIntervalOperations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawInterval(t, "a"), drawInterval(t, "b")
		both, hull := a.Intersect(b), a.Hull(b)
		overlap, covers := false, true
		for x := Instant(-60); x <= 60; x++ {
			ina, inb := a.Contains(x), b.Contains(x)
			if both.Contains(x) != (ina && inb) {
				t.Fatalf("%v ∩ %v = %v at %d", a, b, both, x)
			}
			if (ina || inb) && !hull.Contains(x) {
				t.Fatalf("hull of %v and %v = %v lacks %d", a, b, hull, x)
			}
			overlap = overlap || ina && inb
			covers = covers && (!inb || ina)
		}
		if a.Overlaps(b) != overlap || a.Covers(b) != covers {
			t.Fatalf("%v and %v: overlaps %v, covers %v", a, b, a.Overlaps(b), a.Covers(b))
		}
		if a.Valid() && b.Valid() && (!hull.Covers(a) || !hull.Covers(b)) {
			t.Fatalf("hull of %v and %v = %v", a, b, hull)
		}
	})
}

func TestIntervalAddNeverWraps(t *testing.T) {
	iv := Between(-1<<63, 1<<63-1).Add(-1, 1)
	if iv.Min != nil || iv.Max != nil {
		t.Errorf("wrapped to %v", iv)
	}
	if got := Between(10, 20).Add(-3, 4); !got.Equal(Between(7, 24)) {
		t.Errorf("got %v", got)
	}
}

func TestIntervalJSON(t *testing.T) {
	type embeds struct {
		Interval
		Zone string `json:"zone"`
	}
	for want, iv := range map[string]Interval{
		`{"min":1,"max":9007199254740993,"zone":"UTC"}`: Between(1, 9007199254740993),
		`{"min":null,"max":-5,"zone":"UTC"}`:            Until(-5),
		`{"min":null,"max":null,"zone":"UTC"}`:          {},
	} {
		b, err := json.Marshal(embeds{iv, "UTC"})
		if err != nil || string(b) != want {
			t.Errorf("%s %v, want %s", b, err, want)
		}
		var back embeds
		if err := json.Unmarshal(b, &back); err != nil || !back.Equal(iv) {
			t.Errorf("%s reads back as %v %v", b, back, err)
		}
	}
}
