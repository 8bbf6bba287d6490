package sight

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPanoramaPixels: a ray through the pixel of a point passes the point, in
// whole panoramas and in parts, and a window sees the same as the whole.
func TestPanoramaPixels(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := func(name string, lo, hi float64) float64 { return rapid.Float64Range(lo, hi).Draw(rt, name) }
		p := Panorama{Width: 4096, Height: 2048, SpanDeg: [2]float64{360, 180}, Position: [3]float64{f("e", -50, 50), f("n", -50, 50), f("u", 0, 30)},
			Rotation: Angles{f("h", 0, 360), f("p", -40, 40), f("r", -40, 40)}.Rotation()}
		for i := range 6 {
			p.Covariance[i][i] = 0.01
		}
		x := vec{f("x", -80, 80), f("y", -80, 80), f("z", -10, 40)}
		d := sub(x, p.Position)
		if norm(d) < 1 {
			return
		}
		px, err := p.Project(x)
		if err != nil {
			rt.Fatal(err)
		}
		ray := p.Ray(px)
		if m := norm(cross(ray, scaled(d, 1/norm(d)))); m > 1e-9 || dot(ray, d) < 0 {
			rt.Fatalf("the ray misses by %v", m)
		}
		v, at, err := p.part([][2]float64{px})
		if err != nil {
			rt.Fatal(err)
		}
		u, err := v.Camera.Project(x)
		if err != nil || math.Hypot(u[0]-at[0][0], u[1]-at[0][1]) > 1e-6 {
			rt.Fatalf("the window shows it at %v instead of %v: %v", u, at[0], err)
		}
	})
}

// sphereProblem is a panorama of invented points with 1.5 px clicks.
func sphereProblem(rng *pcg, n, wrong int) (*PanoramaProblem, []byte, vec) {
	p := Panorama{Width: 5760, Height: 2880, SpanDeg: [2]float64{360, 180}, Position: [3]float64{10 * rng.unit(), 10 * rng.unit(), 1.8},
		Rotation: Angles{360 * rng.unit(), 6 * (rng.unit() - 0.5), 6 * (rng.unit() - 0.5)}.Rotation()}
	var pts []map[string]any
	for i := range n {
		a, r := 2*math.Pi*rng.unit(), 8+40*rng.unit()
		x := vec{p.Position[0] + r*math.Sin(a), p.Position[1] + r*math.Cos(a), 12 * rng.unit()}
		px, _ := p.Project(x)
		z0, z1 := rng.normals()
		px[0], px[1] = math.Mod(px[0]+1.5*z0+5760, 5760), px[1]+1.5*z1
		if i < wrong {
			px = [2]float64{5760 * rng.unit(), 600 + 1500*rng.unit()}
		}
		pts = append(pts, map[string]any{"id": fmt.Sprint("p", i), "px": px, "world": x})
	}
	raw, _ := json.Marshal(map[string]any{"format": PanoramaFormat, "id": "s", "image": map[string]int{"width": 5760, "height": 2880}, "sigma_px": 1.5, "points": pts})
	q, err := ParsePanorama(raw)
	if err != nil {
		panic(err)
	}
	return q, raw, p.Position
}

// TestSolvePanorama: over invented panoramas the true place lies in the 95 %
// ellipsoid as often as that says, and wrong clicks are found.
func TestSolvePanorama(t *testing.T) {
	rng := newPCG(5)
	n := 200
	if os.Getenv("SIGHTLINE_LONG") == "" {
		n = 60
	}
	in, solved, silent, found, planted := 0, 0, 0, 0, 0
	for k := range n {
		points, wrong := 6+k%7, 0
		if k%3 == 0 {
			points, wrong = 10+k%4, 2
		}
		p, raw, truth := sphereProblem(&rng, points, wrong)
		a := SolvePanorama(p, raw)
		if a.Status == Refused {
			t.Errorf("%d points: %s", points, a.Reason)
			continue
		}
		if a.Status == Solved {
			solved++
		}
		var c mat
		for i := range 3 {
			copy(c[i][:], a.Covariance[i][:3])
		}
		val, axes := eigen3(c)
		d, m := sub(*a.Position, truth), 0.0
		for i := range 3 {
			e := dot(axes[i], d)
			m += e * e / val[i]
		}
		if m < 7.815 {
			in++
		} else if m > 40 && a.Status == Solved {
			silent++
		}
		for i, r := range a.Residuals {
			if i < wrong {
				planted++
				if !r.Inlier {
					found++
				}
			}
		}
	}
	t.Logf("solved %d of %d, inside own 95 %%: %d, silent %d, wrong clicks found %d of %d", solved, n, in, silent, found, planted)
	if 100*in < 90*n || 100*solved < 92*n || silent > 0 || found < planted-2 {
		t.Error("the figures are outside what they should be")
	}
}

// TestPanoramaQuestions: a solved panorama answers what a photo does.
func TestPanoramaQuestions(t *testing.T) {
	rng := newPCG(9)
	p, raw, truth := sphereProblem(&rng, 12, 0)
	a := SolvePanorama(p, raw)
	ans, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	pano := Panorama{Width: 5760, Height: 2880, SpanDeg: [2]float64{360, 180}, Position: *a.Position, Rotation: *a.Rotation}
	foot, head := vec{truth[0] - 9, truth[1] - 12, 0}, vec{truth[0] - 9, truth[1] - 12, 1.75}
	f, _ := pano.Project(foot)
	h, _ := pano.Project(head)
	sheet := fmt.Sprintf(`{"format":"sightline.camera.see/1","id":"q","cameras":[{"id":"c","image":{"width":5760,"height":2880},"answer":%s}],
"questions":[{"id":"h","kind":"height","camera":"c","px":[[%v,%v],[%v,%v]],"on":{"at":[0,0,0]}},
{"id":"p","kind":"point","camera":"c","to":{"world":[%v,%v,%v]}},
{"id":"r","kind":"ray","camera":"c","px":[[%v,%v]],"on":{"at":[0,0,0]}}]}`, ans, f[0], f[1], h[0], h[1], head[0], head[1], head[2], f[0], f[1])
	q, err := ParseSee([]byte(sheet))
	if err != nil {
		t.Fatal(err)
	}
	s, err := See(q, []byte(sheet), nil)
	if err != nil {
		t.Fatal(err)
	}
	if m := s.Answers[0]; m.Metres == nil || math.Abs(*m.Metres-1.75) > 4*(*m.SigmaM) || *m.SigmaM > 0.2 {
		t.Errorf("height: %+v", m)
	}
	if m := s.Answers[1]; m.Px == nil || math.Hypot(m.Px[0]-h[0], m.Px[1]-h[1]) > 1e-6 || m.InImage == nil || !*m.InImage {
		t.Errorf("point: %+v", m)
	}
	if m := s.Answers[2]; m.Position == nil || norm(sub(*m.Position, foot)) > 0.5 {
		t.Errorf("ray: %+v", m)
	}
	tri := fmt.Sprintf(`{"format":"sightline.camera.triangulate/1","id":"t","cameras":[{"id":"c","image":{"width":5760,"height":2880},"answer":%s},
{"id":"d","image":{"width":100,"height":100},"position":[%v,%v,1.6],"rotation":[%v,%v,%v,%v],"focal_px":100}],"features":[{"id":"f","marks":[{"camera":"c","px":[%v,%v]},{"camera":"d","px":[50,50]}]}]}`,
		ans, head[0]+8, head[1]-3, LookAt([3]float64{head[0] + 8, head[1] - 3, 1.6}, head, 100, 100, 53).Rotation[0], LookAt([3]float64{head[0] + 8, head[1] - 3, 1.6}, head, 100, 100, 53).Rotation[1],
		LookAt([3]float64{head[0] + 8, head[1] - 3, 1.6}, head, 100, 100, 53).Rotation[2], LookAt([3]float64{head[0] + 8, head[1] - 3, 1.6}, head, 100, 100, 53).Rotation[3], h[0], h[1])
	tp, err := ParseTriangulate([]byte(tri))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := PlaceFeatures(tp, []byte(tri))
	if err != nil || tr.Features[0].Position == nil || norm(sub(*tr.Features[0].Position, head)) > 0.5 {
		t.Errorf("triangulated: %v %+v", err, tr)
	}
}

// TestPanoramaFaults: bad input is one sentence or a refusal.
func TestPanoramaFaults(t *testing.T) {
	const good = `{"format":"sightline.camera.panorama/1","id":"a","image":{"width":2000,"height":1000},"points":[{"id":"a","px":[100,500],"world":[1,9,2]},{"id":"b","px":[700,480],"world":[8,1,3]},{"id":"c","px":[1200,520],"world":[2,-8,1]},{"id":"d","px":[1600,400],"world":[-9,1,5]}]}`
	if p, err := ParsePanorama([]byte(good)); err != nil {
		t.Fatal(err)
	} else if a := SolvePanorama(p, []byte(good)); a.Status == Solved && a.Redundancy == nil {
		t.Errorf("%+v", a)
	}
	for _, c := range []struct{ old, new, want string }{
		{`panorama/1`, `panorama/9`, "format"}, {`"height":1000`, `"height":900`, "span_deg"}, {`"id":"a","image"`, `"id":"","image"`, "id"},
		{`[100,500]`, `[1e999,500]`, ""}, {`"points"`, `"level_sigma_deg":-1,"points"`, "level_sigma_deg"}, {`"points"`, `"span_deg":[400,180],"points"`, "span_deg"},
	} {
		if _, err := ParsePanorama([]byte(strings.Replace(good, c.old, c.new, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s -> %s: %v", c.old, c.new, err)
		}
	}
	three := strings.Replace(good, `,{"id":"d","px":[1600,400],"world":[-9,1,5]}`, "", 1)
	if p, err := ParsePanorama([]byte(three)); err == nil {
		if a := SolvePanorama(p, []byte(three)); a.Status != Refused {
			t.Errorf("three points: %s", a.Status)
		}
	}
}
