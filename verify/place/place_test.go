package place

import (
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sightline/sight"
	"sightline/where"
)

// solved is a camera at El Junquito's latitude, some kilometres from the
// origin of its frame, so that the local vertical leans.
func solved(t testing.TB, id string, eye [3]float64, vertical string) *Solved {
	t.Helper()
	c := sight.LookAt(eye, [3]float64{eye[0] + 9, eye[1] + 28, eye[2] + 2}, 1600, 1000, 58)
	a := c.Angles()
	a.Roll = 7
	c.Rotation = a.Rotation()
	p := sight.Problem{Format: sight.ProblemFormat, ID: id, Image: sight.ImageSize{Width: 1600, Height: 1000}}
	if vertical != "none" {
		p.Frame = &sight.FrameNote{Vertical: vertical}
		p.Frame.Origin.Lat, p.Frame.Origin.Lon, p.Frame.Origin.H = 10.4633, -67.0794, 1800
	}
	for i, d := range [][3]float64{{-6, 24, 0}, {-6, 24, 6}, {12, 24, 6}, {12, 24, 0.5}, {13, 32, 6}, {20, 44, 9}, {-3, 30, 3.5}, {6, 38, 7.5}, {4, 20, -1}} {
		x := [3]float64{eye[0] + d[0], eye[1] + d[1], eye[2] + d[2]}
		u, err := c.Project(x)
		if err != nil {
			t.Fatal(err)
		}
		p.Points = append(p.Points, sight.PointPair{ID: fmt.Sprint(i), Px: u, World: x})
	}
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	q, err := sight.ParseProblem(raw)
	if err != nil {
		t.Fatal(err)
	}
	ans, err := json.Marshal(sight.Solve(q, raw))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Read(raw, ans)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func same(t *testing.T, what string, got sight.ViewSpec, want *Solved, metres float64) {
	t.Helper()
	c := want.View.Camera
	for k := range 3 {
		if math.Abs(got.Position[k]-c.Position[k]) > metres {
			t.Errorf("%s: position %v, want %v", what, *got.Position, c.Position)
		}
	}
	for k := range 4 {
		if math.Abs(got.Rotation[k]-c.Rotation[k]) > 1e-9 {
			t.Errorf("%s: rotation %v, want %v", what, *got.Rotation, c.Rotation)
		}
	}
	if math.Abs(got.FocalPx/c.FocalPx-1) > 1e-9 || math.Abs(got.PrincipalPoint[0]-c.PrincipalPoint[0]) > 1e-6 || math.Abs(got.PrincipalPoint[1]-c.PrincipalPoint[1]) > 1e-6 || got.K1 != c.K1 {
		t.Errorf("%s: lens %v %v %v", what, got.FocalPx, *got.PrincipalPoint, got.K1)
	}
	if got.Image.Width != c.Width || got.Image.Height != c.Height || got.ID != want.Answer.ID {
		t.Errorf("%s: %+v", what, got)
	}
}

func TestRoundTrips(t *testing.T) {
	list := []*Solved{solved(t, "near", [3]float64{-9, -24, 1.7}, "egm96"), solved(t, "far", [3]float64{6000, -7000, 40}, "egm96")}
	f, _, err := list[0].frame()
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"kml", "gltf", "colmap"} {
		files, err := Export(format, list)
		if err != nil {
			t.Fatal(err)
		}
		more := map[string][]byte{}
		for _, x := range files {
			more[x.Name] = x.Data
		}
		name := map[string]string{"kml": "cameras.kml", "gltf": "cameras.gltf", "colmap": "images.txt"}[format]
		v, err := Import(name, more[name], more, Context{Frame: &f})
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Cameras) != 2 || len(v.Notes) == 0 {
			t.Fatalf("%s: %+v", format, v)
		}
		for i := range list {
			same(t, format, v.Cameras[i], list[i], 1e-3)
		}
	}
}

// A GeoPose is read here by its definition: the quaternion turns the body
// (x forward, y left, z up) into the east, north, up of its own position.
func TestGeoPose(t *testing.T) {
	s := solved(t, "far", [3]float64{6000, -7000, 40}, "ellipsoid")
	files, err := Export("geopose", []*Solved{s})
	if err != nil {
		t.Fatal(err)
	}
	var g struct {
		Position   struct{ Lat, Lon, H float64 }
		Quaternion struct{ X, Y, Z, W float64 }
	}
	if err := json.Unmarshal(files[0].Data, &g); err != nil {
		t.Fatal(err)
	}
	f, _, _ := s.frame()
	at := where.Geodetic{Lat: where.Degrees(g.Position.Lat), Lon: where.Degrees(g.Position.Lon), H: where.Metres(g.Position.H)}
	local := where.NewFrame(at)
	if p := f.ENU(at); math.Abs(p[0]-s.Answer.Position[0])+math.Abs(p[1]-s.Answer.Position[1])+math.Abs(p[2]-s.Answer.Position[2]) > 1e-3 {
		t.Errorf("position %v", p)
	}
	// A point 100 m along the view, through the body and through our camera.
	m := matrix([4]float64{g.Quaternion.W, g.Quaternion.X, g.Quaternion.Y, g.Quaternion.Z})
	ahead := f.FromECEF(local.ToECEF(where.ENU{100 * m[0][0], 100 * m[1][0], 100 * m[2][0]}))
	u, err := s.View.Camera.Project(ahead)
	c := s.View.Camera.PrincipalPoint
	if err != nil || math.Hypot(u[0]-c[0], u[1]-c[1]) > 1e-3 {
		t.Errorf("straight ahead is at pixel %v, not at %v (%v)", u, c, err)
	}
	left := f.FromECEF(local.ToECEF(where.ENU{100*m[0][0] + 5*m[0][1], 100*m[1][0] + 5*m[1][1], 100*m[2][0] + 5*m[2][1]}))
	if u, _ := s.View.Camera.Project(left); !(u[0] < c[0]-10) || math.Abs(u[1]-c[1]) > 1e-3 {
		t.Errorf("left of the view is at %v", u)
	}
	if !strings.Contains(string(files[1].Data), "covariance") {
		t.Error("the sidecar has no covariance")
	}
}

func TestKMLAnglesAndHeights(t *testing.T) {
	s := solved(t, "a", [3]float64{-9, -24, 1.7}, "egm96")
	files, err := Export("kml", []*Solved{s})
	if err != nil {
		t.Fatal(err)
	}
	text := string(files[0].Data)
	// The origin is 1800 m above the geoid, so is KML's altitude: 1801.7 m, not 1784.
	if !strings.Contains(text, "<altitude>1801.") || !strings.Contains(text, "<roll>-7.0") && !strings.Contains(text, "<roll>-6.99") {
		t.Errorf("%s", text)
	}
}

func TestCSV(t *testing.T) {
	a, b := solved(t, "=cmd()", [3]float64{-9, -24, 1.7}, "unknown"), solved(t, "b", [3]float64{-9, -24, 1.7}, "none")
	files, err := Export("csv", []*Solved{a, b})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(files[0].Data))).ReadAll()
	if err != nil || len(rows) != 3 || len(rows[1]) != len(rows[0]) {
		t.Fatal(err, rows)
	}
	if rows[1][0] != "'=cmd()" || rows[1][9] != "unknown" || rows[1][8] != "" || rows[2][5] != "" {
		t.Errorf("%v", rows)
	}
}

func TestExportRefuses(t *testing.T) {
	a, b := solved(t, "a", [3]float64{-9, -24, 1.7}, "none"), solved(t, "b", [3]float64{-9, -24, 1.7}, "egm96")
	for _, f := range []string{"kml", "geopose"} {
		if _, err := Export(f, []*Solved{a}); err == nil || !strings.Contains(err.Error(), "frame") {
			t.Errorf("%s without a frame: %v", f, err)
		}
	}
	if _, err := Export("gltf", []*Solved{a, b}); err == nil {
		t.Error("two frames in one file")
	}
	if _, err := Export("doc", []*Solved{a}); err == nil {
		t.Error("an unknown format")
	}
	if _, err := Read(append(a.problem, ' '), a.answer); err == nil || !strings.Contains(err.Error(), "solve it again") {
		t.Errorf("an answer of other bytes: %v", err)
	}
}

// fSpy's transform is camera to world with the camera looking along -z; its
// principal point counts upwards in halves of the longer side.
func TestFSpy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := sight.Angles{Heading: rapid.Float64Range(0, 359).Draw(t, "heading"), Pitch: rapid.Float64Range(-60, 60).Draw(t, "pitch"), Roll: rapid.Float64Range(-20, 20).Draw(t, "roll")}
		c := sight.Camera{Width: 1200, Height: 800, Position: [3]float64{3, -8, 2}, Rotation: a.Rotation(), FocalPx: 900, PrincipalPoint: [2]float64{630, 370}}
		m := c.Matrix()
		rows := [4][4]float64{{0, 0, 0, 3}, {0, 0, 0, -8}, {0, 0, 0, 2}, {0, 0, 0, 1}}
		for i := range 3 {
			rows[i][0], rows[i][1], rows[i][2] = m[0][i], -m[1][i], -m[2][i]
		}
		state, err := json.Marshal(map[string]any{"cameraParameters": map[string]any{
			"principalPoint": map[string]float64{"x": 30.0 / 600, "y": 30.0 / 600}, "cameraTransform": map[string]any{"rows": rows},
			"horizontalFieldOfView": 2 * math.Atan(600.0/900), "imageWidth": 1200, "imageHeight": 800}})
		if err != nil {
			t.Fatal(err)
		}
		var b []byte
		b = append(b, "fspy"...)
		b = binary.LittleEndian.AppendUint32(b, 1)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(state)))
		b = binary.LittleEndian.AppendUint32(b, 0)
		v, err := Import("x.fspy", append(b, state...), nil, Context{})
		if err != nil {
			t.Fatal(err)
		}
		g := v.Cameras[0]
		back := sight.Camera{Width: 1200, Height: 800, Position: *g.Position, Rotation: *g.Rotation, FocalPx: g.FocalPx, PrincipalPoint: *g.PrincipalPoint}
		x := [3]float64{3 + 10*m[2][0] + m[0][0], -8 + 10*m[2][1] + m[0][1], 2 + 10*m[2][2] + m[0][2]}
		want, _ := c.Project(x)
		got, err := back.Project(x)
		if err != nil || math.Hypot(got[0]-want[0], got[1]-want[1]) > 1e-6 {
			t.Fatalf("%v, want %v (%v)", got, want, err)
		}
	})
}

// A camera as Blender writes it: y up, a turned parent, no size in pixels.
func TestGLTFOfOthers(t *testing.T) {
	s := math.Sqrt(0.5)
	raw := fmt.Sprintf(`{"asset":{"version":"2.0"},"nodes":[{"name":"Camera","camera":0,"translation":[1,2,3]},{"rotation":[0,%g,0,%g],"translation":[10,0,0],"children":[0]}],
"cameras":[{"type":"perspective","perspective":{"aspectRatio":1.5,"yfov":%g}}]}`, s, s, 2*math.Atan(0.5))
	if _, err := Import("b.gltf", []byte(raw), nil, Context{}); err == nil || !strings.Contains(err.Error(), "size") {
		t.Errorf("without a size: %v", err)
	}
	v, err := Import("b.gltf", []byte(raw), nil, Context{Width: 1500, Height: 1000})
	if err != nil {
		t.Fatal(err)
	}
	g := v.Cameras[0]
	// A quarter turn about up: (1,2,3) becomes (3,2,-1); plus (10,0,0): (13,2,-1);
	// in east, north, up (13, 1, 2). The view -z becomes -x: west.
	for k, want := range [3]float64{13, 1, 2} {
		if math.Abs(g.Position[k]-want) > 1e-9 {
			t.Errorf("position %v", *g.Position)
		}
	}
	a := sight.Camera{Rotation: *g.Rotation}.Angles()
	if math.Abs(a.Heading-270) > 1e-6 || math.Abs(a.Pitch) > 1e-6 || math.Abs(a.Roll) > 1e-6 || math.Abs(g.FocalPx-1000) > 1e-9 {
		t.Errorf("%+v, focal %v", a, g.FocalPx)
	}
}

func TestImportRefuses(t *testing.T) {
	f := where.NewFrame(where.Geodetic{Lat: 10, Lon: -67})
	for _, c := range []struct{ name, data, cams, want string }{
		{"a.txt", "", "", "read"},
		{"images.txt", "", "", "cameras.txt"},
		{"images.txt", "1 1 0 0 0 0 0 0 1 a.jpg\n\n", "1 OPENCV_FISHEYE 10 10 1 1 1 1 0 0 0 0", "FISHEYE"},
		{"images.txt", "1 1 0 0 0 0 0 0 2 a.jpg\n\n", "1 PINHOLE 10 10 5 5 5 5", "camera 2"},
		{"images.txt", "1 0 0 0 0 0 0 0 1 a.jpg\n\n", "1 PINHOLE 10 10 5 5 5 5", "length"},
		{"images.txt", "1 1 0 0 NaN 0 0 0 1 a.jpg\n\n", "1 PINHOLE 10 10 5 5 5 5", "NaN"},
		{"images.txt", "1 1 0 0 0 0 0 0 1 a.jpg\n\n", "1 PINHOLE 10 10 5 9 5 5", "square"},
		{"x.fspy", "fspy", "", "cut short"},
		{"x.gltf", `{"nodes":[{"camera":3}]}`, "", "not there"},
		{"x.gltf", `{"nodes":[{"children":[1]},{"children":[0],"camera":0}],"cameras":[{"type":"perspective","perspective":{"yfov":1}}]}`, "", "parents"},
		{"x.kml", `<kml><PhotoOverlay><Camera><latitude>99</latitude><altitudeMode>absolute</altitudeMode></Camera><ViewVolume/></PhotoOverlay></kml>`, "", "latitude"},
		{"x.kml", `<kml/>`, "", "no camera"},
	} {
		more := map[string][]byte{}
		if c.cams != "" {
			more["cameras.txt"] = []byte(c.cams)
		}
		if _, err := Import(c.name, []byte(c.data), more, Context{Frame: &f, Width: 10, Height: 10}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: %v, want %q", c.name, c.data, err, c.want)
		}
	}
	if _, err := Import("x.kml", []byte("<kml/>"), nil, Context{}); err == nil || !strings.Contains(err.Error(), "frame") {
		t.Errorf("KML without a frame: %v", err)
	}
}

func FuzzImport(f *testing.F) {
	f.Add("images.txt", []byte("1 1 0 0 0 0 0 0 1 a.jpg\n\n"), []byte("1 PINHOLE 10 10 5 5 5 5"))
	f.Add("x.gltf", []byte(`{"nodes":[{"camera":0,"matrix":[1,0,0,0,0,1,0,0,0,0,1,0,1,2,3,1]}],"cameras":[{"type":"perspective","perspective":{"yfov":1}}]}`), []byte(nil))
	f.Add("x.kml", []byte(`<kml><PhotoOverlay><Camera><altitudeMode>absolute</altitudeMode></Camera><ViewVolume><leftFov>-20</leftFov><rightFov>20</rightFov><topFov>9</topFov><bottomFov>-9</bottomFov></ViewVolume></PhotoOverlay></kml>`), []byte(nil))
	f.Add("x.json", []byte(`{"cameraTransform":{"rows":[[1,0,0,1],[0,1,0,2],[0,0,1,3],[0,0,0,1]]},"horizontalFieldOfView":1,"imageWidth":9,"imageHeight":9}`), []byte(nil))
	frame := where.NewFrame(where.Geodetic{Lat: 10, Lon: -67})
	f.Fuzz(func(t *testing.T, name string, data, cams []byte) {
		v, err := Import(name, data, map[string][]byte{"cameras.txt": cams}, Context{Frame: &frame, Width: 10, Height: 8})
		if err != nil {
			return
		}
		if _, err := json.Marshal(v); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFinding(t *testing.T) {
	s := solved(t, "a", [3]float64{-9, -24, 1.7}, "egm96")
	f := s.Finding("F-001", "EJ-005", "ana")
	if f.Public || f.Review != "" || f.Axis != "place" || string(f.Problem) != string(s.problem) || string(f.Answer) != string(s.answer) {
		t.Errorf("%+v", f)
	}
	for _, want := range []string{"95 %", "9 of 9 clicks", "east -9"} {
		if !strings.Contains(f.Text["en"], want) {
			t.Errorf("%q is not in %q", want, f.Text["en"])
		}
	}
	if f.Text["es"] == "" || strings.Contains(f.Text["es"], "%!") || strings.Contains(f.Text["en"], "%!") {
		t.Errorf("%q", f.Text)
	}
}
