package sight

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
)

// fromAbove is a picture from above with 1 px clicks and 0.5 m of map error.
func fromAbove(rng *pcg, n, wrong int, tilt float64) ([]byte, vec) {
	c := Camera{Width: 3000, Height: 2000, Position: [3]float64{20, -30, 400}, Rotation: Angles{360 * rng.unit(), -89.9 + tilt, 0}.Rotation(), FocalPx: 2400, PrincipalPoint: [2]float64{1500, 1000}}
	ground := func(px [2]float64) vec {
		d, _ := c.Ray(px)
		k := -c.Position[2] / d[2]
		return vec{c.Position[0] + k*d[0], c.Position[1] + k*d[1], 0}
	}
	var pairs []map[string]any
	for i := range n {
		px := [2]float64{200 + 2600*rng.unit(), 200 + 1600*rng.unit()}
		g := ground(px)
		z0, z1 := rng.normals()
		y0, y1 := rng.normals()
		if i < wrong {
			y0, y1 = 60, -50
		}
		pairs = append(pairs, map[string]any{"id": fmt.Sprint("p", i), "px": [2]float64{px[0] + z0, px[1] + z1}, "ground": [2]float64{g[0] + 0.5*y0, g[1] + 0.5*y1}})
	}
	ask := [2]float64{300 + 2400*rng.unit(), 300 + 1400*rng.unit()}
	raw, _ := json.Marshal(map[string]any{"format": GroundFormat, "id": "g", "image": map[string]int{"width": 3000, "height": 2000}, "sigma_px": 1, "sigma_m": 0.5, "pairs": pairs,
		"places": []map[string]any{{"id": "it", "px": ask, "sigma_px": 0.001}}})
	return raw, ground(ask)
}

// TestLayOnGround: places read off the picture lie within their 95 % ellipse
// as often as that says, wrong pairs are found, perspective is seen.
func TestLayOnGround(t *testing.T) {
	rng := newPCG(2)
	const n = 400
	in, found, planted, bent := 0, 0, 0, 0
	for k := range n {
		tilt, wrong := 0.0, 0
		if k%2 == 1 {
			tilt = 25
		}
		if k%4 == 0 {
			wrong = 1
		}
		raw, truth := fromAbove(&rng, 8+k%6, wrong, tilt)
		p, err := ParseGround(raw)
		if err != nil {
			t.Fatal(err)
		}
		a := LayOnGround(p, raw)
		if a.Matrix == nil {
			t.Fatalf("%s: %s", a.Status, a.Reason)
		}
		if a.Model == "homography" && tilt > 0 {
			bent++
		}
		g := a.Places[0]
		d := [2]float64{g.Ground[0] - truth[0], g.Ground[1] - truth[1]}
		c := g.Covariance
		det := c[0][0]*c[1][1] - c[0][1]*c[0][1]
		if m := (c[1][1]*d[0]*d[0] - 2*c[0][1]*d[0]*d[1] + c[0][0]*d[1]*d[1]) / det; m < 5.991 {
			in++
		}
		for i := range wrong {
			planted++
			if !a.Pairs[i].Inlier {
				found++
			}
		}
		// The matrix in pixels says the same as the place.
		m, px := a.Matrix, p.Places[0].Px
		w := m[6]*px[0] + m[7]*px[1] + 1
		if e := (m[0]*px[0] + m[1]*px[1] + m[2]) / w; math.Abs(e-g.Ground[0]) > 1e-6 {
			t.Fatalf("the matrix gives %v, the place %v", e, g.Ground[0])
		}
	}
	t.Logf("inside own 95 %%: %d of %d; wrong pairs found %d of %d; perspective seen in %d of %d", in, n, found, planted, bent, n/2)
	if in < 365 || in > 395 || found < planted-1 || bent < n/2-2 {
		t.Error("the figures are outside what they should be")
	}
}

// TestLayOnGroundRefuses: what cannot be laid is refused with a sentence.
func TestLayOnGroundRefuses(t *testing.T) {
	const good = `{"format":"sightline.camera.ground/1","id":"a","image":{"width":100,"height":100},"pairs":[{"id":"a","px":[0,0],"ground":[0,100]},{"id":"b","px":[100,0],"ground":[100,100]},{"id":"c","px":[100,100],"ground":[100,0]},{"id":"d","px":[0,100],"ground":[0,0]}]}`
	for _, c := range []struct{ old, new, want string }{
		{"", "", ""},
		{`,{"id":"c","px":[100,100],"ground":[100,0]},{"id":"d","px":[0,100],"ground":[0,0]}`, ``, "2 pairs"},
		{`"ground":[0,100]}`, `"ground":[0,0]}`, ""},
	} {
		raw := []byte(strings.Replace(good, c.old, c.new, 1))
		p, err := ParseGround(raw)
		if err != nil {
			t.Fatal(err)
		}
		if a := LayOnGround(p, raw); c.want != "" && (a.Status != Refused || !strings.Contains(a.Reason, c.want)) {
			t.Errorf("%s: %s %s", c.new, a.Status, a.Reason)
		}
	}
	turned := strings.NewReplacer("[0,100]}", "[0,0]}", "[100,100]}", "[100,0]}", `"ground":[100,0]`, `"ground":[100,100]`, `"ground":[0,0]`, `"ground":[0,100]`).Replace(good)
	p, err := ParseGround([]byte(turned))
	if err != nil {
		t.Fatal(err)
	}
	if a := LayOnGround(p, []byte(turned)); a.Status != Refused || !strings.Contains(a.Reason, "mirrored") {
		t.Errorf("mirrored: %s %s", a.Status, a.Reason)
	}
	line := strings.NewReplacer(`"ground":[100,100]`, `"ground":[0,99]`, `"ground":[100,0]`, `"ground":[0,1]`).Replace(good)
	p, _ = ParseGround([]byte(line))
	if a := LayOnGround(p, []byte(line)); a.Status != Refused || !strings.Contains(a.Reason, "line") {
		t.Errorf("on a line: %s %s", a.Status, a.Reason)
	}
	for _, c := range []struct{ old, new, want string }{{"ground/1", "ground/2", "format"}, {`"id":"b"`, `"id":"a"`, "pairs[1]"}, {`[100,100]}`, `[1e8,100]}`, "pairs"}, {`"pairs"`, `"model":"spline","pairs"`, "model"}} {
		if _, err := ParseGround([]byte(strings.Replace(good, c.old, c.new, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.new, err)
		}
	}
}
