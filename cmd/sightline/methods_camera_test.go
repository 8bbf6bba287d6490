package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"sightline"
	"sightline/sight"
)

const markedProblem = `{"format":"sightline.camera.problem/1", "id":"a", "image":{"height":1000,"width":1500}, "sigma_m":0.05,
 "points":[
 {"id":"SW foot","px":[511.0,696.3],"world":[-6,0,0]},{"id":"SW eave","px":[509.6,371.8],"world":[-6,0,6]},
 {"id":"SE eave","px":[1074.5,387.4],"world":[6,0,6]},{"id":"SE kerb","px":[1088.2,648.6],"world":[6,0,0.5]},
 {"id":"NE eave","px":[918.1,435.0],"world":[6,8,6]},{"id":"tower","px":[975.5,402.3],"world":[14,20,9]},
 {"id":"wall","px":[189.7,527.4],"world":[-12,6,3.5]},{"id":"mast","px":[60.6,391.8],"world":[-16,14,7.5]}]}`

// What the desk saves is answered again from the log and from an edition,
// which both write JSON their own way.
func TestCameraFindingComesOutAgain(t *testing.T) {
	m := cameraMethods(nil)
	b, err := m["camera.finding"]([]byte(`{"id":"F-007","item":"EX-001","analyst":"ana","alternatives_considered":{"en":"The other side of the road was tried."},"problem":` + markedProblem + `}`))
	if err != nil {
		t.Fatal(err)
	}
	var made struct {
		Finding sightline.Finding `json:"finding"`
		Place   sightline.Place   `json:"place"`
	}
	if err := json.Unmarshal(b, &made); err != nil {
		t.Fatal(err)
	}
	f := made.Finding
	if f.Method != "camera.solve" || f.ID != "F-007" || f.Analyst != "ana" || f.Public || f.Text["es"] == "" || !strings.Contains(f.Considered["en"], "other side") {
		t.Fatalf("%+v", f)
	}
	var saved sight.Answer
	if err := json.Unmarshal(f.Answer, &saved); err != nil {
		t.Fatal(err)
	}
	var loose any
	if err := json.Unmarshal(f.Problem, &loose); err != nil {
		t.Fatal(err)
	}
	spaced, err := json.MarshalIndent(loose, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range [][]byte{f.Problem, spaced, []byte(markedProblem)} {
		b, err := m[f.Method](problem)
		if err != nil {
			t.Fatal(err)
		}
		var again sight.Answer
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatal(err)
		}
		if again.InputSHA256 != saved.InputSHA256 || *again.Position != *saved.Position {
			t.Errorf("%s gives %v, saved %v", problem, again, saved)
		}
	}
	c := made.Place.Camera
	if c == nil || c.Position != *saved.Position || len(c.Covariance) != 6 || made.Place.Finding != "F-007" || made.Place.Form != "camera" {
		t.Fatalf("%+v", made.Place)
	}
	// The ellipse holds the covariance: its axes are 2.448 standard deviations.
	e := made.Place.Ellipse
	if trace := c.Covariance[0][0] + c.Covariance[1][1]; math.Abs(e.SemiMajorM*e.SemiMajorM+e.SemiMinorM*e.SemiMinorM-5.991464547107979*trace) > 1e-9 {
		t.Errorf("ellipse %+v, trace %v", e, trace)
	}
	if e.BearingDeg < 5 || e.BearingDeg > 35 { // along the view, 17.7 degrees
		t.Errorf("bearing %v", e.BearingDeg)
	}
}

func TestCameraMethodsReadNoFiles(t *testing.T) {
	m := cameraMethods(nil)
	withScene := strings.Replace(markedProblem, `"id":"a"`, `"id":"a","scene":"/etc"`, 1)
	for name, q := range map[string]string{
		"camera.solve":       withScene,
		"camera.report":      withScene,
		"camera.see":         `{"format":"sightline.camera.see/1","id":"q","scene":"/etc","questions":[{"id":"1","kind":"line","from":{"world":[0,0,1]},"to":{"world":[9,0,1]}}]}`,
		"camera.triangulate": `{"format":"sightline.camera.triangulate/1","id":"q","cameras":[{"id":"a","image":{"width":9,"height":9},"answer_file":"/etc/hosts"}],"features":[{"id":"f","marks":[{"camera":"a","px":[1,1]},{"camera":"a","px":[2,1]}]}]}`,
	} {
		if b, err := m[name]([]byte(q)); err == nil || !strings.Contains(err.Error(), "scene:") && !strings.Contains(err.Error(), "no file is read") {
			t.Errorf("%s: %s, %v", name, b, err)
		}
	}
	if b, err := m["camera.report"]([]byte(markedProblem)); err != nil || !strings.Contains(string(b), "next_clicks") {
		t.Errorf("%s, %v", b, err)
	}
}
