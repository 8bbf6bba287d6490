package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sightline/sight"
)

// A photo is solved against a model file, and the answer file is then asked
// through camera see and camera triangulate.
func TestCameraSeeAndTriangulate(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, v any) string {
		b, ok := v.([]byte)
		if !ok {
			var err error
			if b, err = json.Marshal(v); err != nil {
				t.Fatal(err)
			}
		}
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	call := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		code := run(&env{context.Background(), strings.NewReader(""), &out, &errs}, append([]string{"camera"}, args...))
		return code, out.String(), errs.String()
	}
	write("wall.obj", []byte("v -30 10 0\nv 30 10 0\nv 30 10 3\nv -30 10 3\nf 1 2 3\nf 1 3 4\n"))
	world := [][3]float64{{-6, 0, 0}, {-6, 0, 6}, {6, 0, 6}, {6, 0, 0.5}, {6, 8, 6}, {14, 20, 9}, {-12, 6, 3.5}, {-3, 14, 7.5}, {2, 30, 1}}
	for k, eye := range [][3]float64{{-9, -24, 1.7}, {12, -26, 2.5}} {
		c := sight.LookAt(eye, [3]float64{0, 4, 3}, 1500, 1000, 60)
		p := sight.Problem{Format: sight.ProblemFormat, ID: "photo", Scene: "wall.obj", Image: sight.ImageSize{Width: 1500, Height: 1000}}
		for i, x := range world {
			u, err := c.Project(x)
			if err != nil {
				t.Fatal(err)
			}
			p.Points = append(p.Points, sight.PointPair{ID: string(rune('a' + i)), Px: u, World: x})
		}
		code, out, errs := call("solve", "--json", "--report", write("problem.json", p))
		if code != 0 {
			t.Fatalf("status %d: %s", code, errs)
		}
		var a sight.Answer
		if err := json.Unmarshal([]byte(out), &a); err != nil {
			t.Fatal(err)
		}
		if a.HeatMap == nil || len(a.NextClicks) == 0 || a.Full == nil {
			t.Error("the full report is not there")
		}
		hidden := false
		for _, w := range a.Warnings {
			hidden = hidden || w.Code == "hidden" && strings.HasPrefix(w.Text, "i ") && strings.Contains(w.Text, "wall.obj")
		}
		if !hidden {
			t.Errorf("the point behind the wall is not flagged: %+v", a.Warnings)
		}
		write(string(rune('A'+k))+".json", []byte(out))
	}
	size := sight.ImageSize{Width: 1500, Height: 1000}
	cams := []sight.ViewSpec{{ID: "A", Image: size, AnswerFile: "A.json"}, {ID: "B", Image: size, AnswerFile: "B.json"}}
	to := [3]float64{0, 20, 1}
	code, out, errs := call("see", write("see.json", sight.SeeProblem{Format: sight.SeeFormat, ID: "s", Scene: "wall.obj", Cameras: cams,
		Questions: []sight.Question{{ID: "door", Kind: "line", From: &sight.PlaceSpec{Camera: "A"}, To: &sight.PlaceSpec{World: &to}}}}))
	if code != 0 || !strings.Contains(out, "hidden") || !strings.Contains(out, "wall.obj stands in the way") {
		t.Errorf("status %d: %s%s", code, out, errs)
	}
	mark := func(eye [3]float64) string {
		u, err := sight.LookAt(eye, [3]float64{0, 4, 3}, 1500, 1000, 60).Project([3]float64{2, 3, 2})
		if err != nil {
			t.Fatal(err)
		}
		b, _ := json.Marshal(u)
		return string(b)
	}
	specs, _ := json.Marshal(cams)
	raw := `{"format":"sightline.camera.triangulate/1","id":"t","cameras":` + string(specs) + `,"features":[{"id":"sign","marks":[{"camera":"A","px":` +
		mark([3]float64{-9, -24, 1.7}) + `},{"camera":"B","px":` + mark([3]float64{12, -26, 2.5}) + `}]}]}`
	code, out, errs = call("triangulate", "--json", write("t.json", []byte(raw)))
	var tr sight.Triangulated
	if code != 0 || json.Unmarshal([]byte(out), &tr) != nil {
		t.Fatalf("status %d: %s%s", code, out, errs)
	}
	for k, want := range [3]float64{2, 3, 2} {
		if d := tr.Features[0].Position[k] - want; d > 0.01 || d < -0.01 {
			t.Errorf("sign at %v", *tr.Features[0].Position)
		}
	}
	video := `{"format":"sightline.camera.track/1","id":"v","at_s":[0,0.5,1],"keys":[{"t_s":0,"id":"A","image":{"width":1500,"height":1000},"answer_file":"A.json"},{"t_s":1,"id":"B","image":{"width":1500,"height":1000},"answer_file":"B.json"}]}`
	code, out, errs = call("track", write("v.json", []byte(video)))
	if code != 0 || strings.Count(out, ", solved:") != 2 || !strings.Contains(out, "0.500 s, interpolated: east 1.5") {
		t.Errorf("track: status %d %s%s", code, out, errs)
	}
	for _, args := range [][]string{{"see", filepath.Join(dir, "none.json")}, {"see", write("bad.json", []byte(`{"format":"x"}`))},
		{"triangulate", write("bad2.json", []byte(`[]`))}} {
		if code, _, errs := call(args...); code != 2 || errs == "" {
			t.Errorf("%v: status %d %q", args, code, errs)
		}
	}
}

// A solved camera leaves in every format and comes back where there is a way.
func TestCameraExportImport(t *testing.T) {
	dir := t.TempDir()
	c := sight.LookAt([3]float64{-9, -24, 1.7}, [3]float64{0, 4, 3}, 1500, 1000, 60)
	p := sight.Problem{Format: sight.ProblemFormat, ID: "yard", Image: sight.ImageSize{Width: 1500, Height: 1000}, Frame: &sight.FrameNote{Vertical: "ellipsoid"}}
	p.Frame.Origin.Lat, p.Frame.Origin.Lon = 10.46, -67.08
	for i, x := range [][3]float64{{-6, 0, 0}, {-6, 0, 6}, {6, 0, 6}, {6, 0, 0.5}, {6, 8, 6}, {14, 20, 9}, {-12, 6, 3.5}} {
		u, err := c.Project(x)
		if err != nil {
			t.Fatal(err)
		}
		p.Points = append(p.Points, sight.PointPair{ID: string(rune('a' + i)), Px: u, World: x})
	}
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	problem, answer := filepath.Join(dir, "p.json"), filepath.Join(dir, "a.json")
	call := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		code := run(&env{context.Background(), strings.NewReader(""), &out, &errs}, append([]string{"camera"}, args...))
		return code, out.String(), errs.String()
	}
	if err := os.WriteFile(problem, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	_, out, _ := call("solve", "--json", problem)
	if err := os.WriteFile(answer, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	for to, files := range map[string]int{"geopose": 2, "kml": 1, "gltf": 1, "colmap": 3, "csv": 1} {
		code, out, errs := call("export", answer, "--problem", problem, "--to", to, "-o", filepath.Join(dir, to))
		if code != 0 || strings.Count(out, "\n") != files {
			t.Errorf("%s: status %d %s%s", to, code, out, errs)
		}
	}
	for _, f := range []string{"gltf/cameras.gltf", "colmap/images.txt"} {
		code, out, errs := call("import", filepath.Join(dir, f))
		if code != 0 || !strings.Contains(out, "yard: -9.0") {
			t.Errorf("%s: status %d %s%s", f, code, out, errs)
		}
	}
	if code, _, errs := call("import", filepath.Join(dir, "kml/cameras.kml")); code != 2 || !strings.Contains(errs, "frame") {
		t.Errorf("KML without a scene: status %d %s", code, errs)
	}
	if err := os.WriteFile(problem, append(raw, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := call("export", answer, "--problem", problem, "--to", "csv", "-o", dir); code != 2 || !strings.Contains(errs, "solve it again") {
		t.Errorf("a changed problem: status %d %s", code, errs)
	}
}
