package identify

import (
	"reflect"
	"testing"
	"time"

	"sightline"
	"sightline/alike"
)

// The facts of an item are the same whichever of its jobs was done first.
func TestLikenessDoesNotTellTheOrderOfJobs(t *testing.T) {
	file := sightline.Fact{Field: "File:Name", Value: "a.jpg", Tool: "sightline"}
	exif := sightline.Fact{Field: "IFD0:Make", Value: "X", Tool: "exiftool 12"}
	one := withLikeness(withLikeness([]sightline.Fact{file, exif}, "T-010", 3, alike.Upright), "T-2", 4, alike.Upright)
	other := withLikeness(withLikeness([]sightline.Fact{file}, "T-2", 4, alike.Upright), "T-010", 3, alike.Upright)
	r := newReading(&sightline.Item{}, "", time.Now())
	r.facts = []sightline.Fact{exif}
	it := &sightline.Item{Facts: other}
	r.apply(it)
	if !reflect.DeepEqual(one, it.Facts) {
		t.Errorf("%+v\n%+v", one, it.Facts)
	}
	if again := withLikeness(one, "T-2", 4, alike.Upright); !reflect.DeepEqual(one, again) {
		t.Errorf("said twice: %+v", again)
	}
}
