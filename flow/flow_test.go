package flow

import (
	"testing"

	"sightline"
	"sightline/tool"
)

func TestRoadIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Road {
		if seen[s.Kind] || s.Takes == nil || s.Run == nil || len(s.Makes) == 0 || s.Version < 1 || s.Lane != CPU && s.Lane != Video {
			t.Errorf("step %q is incomplete or there twice", s.Kind)
		}
		seen[s.Kind] = true
	}
	if _, err := step("dream"); err == nil {
		t.Error("an unknown kind of job was found")
	}
}

func TestJobsFor(t *testing.T) {
	kinds := func(typ string, held bool) (out []string) {
		for _, j := range JobsFor(&sightline.Item{ID: "C-001", SHA256: "ab", Type: typ, Held: held}) {
			out = append(out, j.Kind)
		}
		return out
	}
	if k := kinds("image/jpeg", true); len(k) != 4 || k[0] != "metadata" || k[1] != "picture" || k[2] != "alike" || k[3] != "sketch" {
		t.Errorf("a photo: %v", k)
	}
	if k := kinds("application/json", false); len(k) != 0 {
		t.Errorf("a record of something held elsewhere: %v", k)
	}
	if _, err := tool.Find("ffmpeg"); err == nil {
		if k := kinds("video/mp4", true); len(k) != 5 {
			t.Errorf("a video: %v", k)
		}
	} else if k := kinds("video/mp4", true); len(k) != 1 {
		t.Errorf("a video without ffmpeg: %v", k)
	}
}

// TestIdentity: the same work has the same name, and each of kind, input,
// parameters and version changes it.
func TestIdentity(t *testing.T) {
	base := sightline.Job{Kind: "a", Input: "b", Params: []byte("{}"), Version: "1", Item: "X"}
	same := base
	same.Item, same.Priority = "Y", 5
	if identity(base) != identity(same) {
		t.Error("the identity depends on more than it should")
	}
	for _, j := range []sightline.Job{
		{Kind: "x", Input: "b", Params: []byte("{}"), Version: "1"}, {Kind: "a", Input: "x", Params: []byte("{}"), Version: "1"},
		{Kind: "a", Input: "b", Params: []byte("[]"), Version: "1"}, {Kind: "a", Input: "b", Params: []byte("{}"), Version: "2"}, {Kind: "ab", Input: "", Params: []byte("{}"), Version: "1"},
	} {
		if identity(j) == identity(base) {
			t.Errorf("%+v is taken for the same work", j)
		}
	}
}
