package sight

import "testing"

func TestTriangulate(t *testing.T) {
	want := vec{2, 5, 3}
	var obs []Observation
	for _, eye := range []vec{{-20, -20, 2}, {15, -25, 4}, {0, -30, 10}} {
		c := LookAt(eye, vec{0, 4, 3}, 1920, 1080, 60)
		px, err := c.Project(want)
		if err != nil {
			t.Fatal(err)
		}
		obs = append(obs, Observation{View: View{Camera: c}, Px: px, SigmaPx: 1})
	}
	exact, err := Triangulate(obs)
	if err != nil {
		t.Fatal(err)
	}
	if d := norm(sub(exact.Position, want)); d > 1e-8 {
		t.Errorf("placed %g m off", d)
	}
	// One pixel at 30 m and 1663 px is 18 mm; three rays do better than that
	// sideways and not absurdly better in any direction.
	val, _ := eigen3(exact.Covariance)
	if val[0] > 0.05*0.05 || val[2] < 0.005*0.005 {
		t.Errorf("variances %v", val)
	}
	for i := range 3 {
		obs[0].Covariance[i][i] = 0.25
	}
	loose, err := Triangulate(obs)
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := eigen3(loose.Covariance); !(v[0] > val[0]) {
		t.Errorf("an uncertain camera did not widen the result: %v, %v", v, val)
	}
	if _, err := Triangulate(obs[:1]); err == nil {
		t.Error("one ray placed a point")
	}
	if _, err := Triangulate([]Observation{obs[1], obs[1]}); err == nil {
		t.Error("the same ray twice placed a point")
	}
}
