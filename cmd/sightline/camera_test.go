package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"sightline/sight"
)

func TestCameraSolve(t *testing.T) {
	c := sight.LookAt([3]float64{-9, -24, 1.7}, [3]float64{0, 4, 3}, 1500, 1000, 60)
	p := sight.Problem{Format: sight.ProblemFormat, ID: "yard", Image: sight.ImageSize{Width: 1500, Height: 1000}}
	for i, x := range [][3]float64{{-6, 0, 0}, {-6, 0, 6}, {6, 0, 6}, {6, 0, 0.5}, {6, 8, 6}, {14, 20, 9}, {-12, 6, 3.5}, {-3, 14, 7.5}} {
		u, err := c.Project(x)
		if err != nil {
			t.Fatal(err)
		}
		p.Points = append(p.Points, sight.PointPair{ID: string(rune('a' + i)), Px: u, World: x})
	}
	good, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	p.Points = p.Points[:3]
	few, _ := json.Marshal(p)
	call := func(in string, args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		code := run(&env{context.Background(), strings.NewReader(in), &out, &errs}, append([]string{"camera", "solve"}, args...))
		return code, out.String(), errs.String()
	}

	code, out, _ := call(string(good)+"\n"+string(few)+"\n", "--json", "-")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != 2 {
		t.Fatalf("status %d, %d answers: %s", code, len(lines), out)
	}
	var a, b sight.Answer
	if err := json.Unmarshal([]byte(lines[0]), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(lines[1]), &b); err != nil {
		t.Fatal(err)
	}
	if a.Status != sight.Solved || a.Position == nil || b.Status != sight.Refused {
		t.Errorf("statuses %s %s", a.Status, b.Status)
	}
	for _, c := range []struct {
		in, want string
	}{{"{}\n", "line 1: format"}, {"not json\n", "line 1"}} {
		if code, _, errs := call(c.in, "-"); code != 2 || !strings.Contains(errs, c.want) {
			t.Errorf("%q: status %d %q", c.in, code, errs)
		}
	}
	shared := `{"format":"sightline.camera.shared/1","id":"phone","frames":[` + string(good) + "," + strings.Replace(string(good), `"id":"yard"`, `"id":"again"`, 1) + "]}"
	code, out, errs := call(shared+"\n", "--json", "-")
	var both sight.SharedAnswer
	if code != 0 || json.Unmarshal([]byte(out), &both) != nil || len(both.Frames) != 2 || math.Abs(both.Frames[1].FocalPx/both.FocalPx-1) > 1e-8 {
		t.Errorf("shared: status %d, %d frames %s", code, len(both.Frames), errs)
	}
	if code, _, errs := call("", "nowhere.json"); code != 2 || errs == "" {
		t.Errorf("a missing file: status %d %q", code, errs)
	}
}
