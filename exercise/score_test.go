package exercise

import (
	"math"
	"testing"

	"sightline/sight"
)

// The cameras of the exercise are what the solver is measured on: with one
// pixel of noise on six and more visible points it must find nearly all to a
// hundredth of the distance, and the truth must lie where it says.
func TestCamerasOfTheTruthAreSolved(t *testing.T) {
	_, tr := small(t)
	var s Score
	for seed := range uint64(3) {
		for _, c := range tr.Clicks(1, seed) {
			if err := c.Problem.Check(); err != nil {
				t.Fatalf("%s: %v", c.Problem.ID, err)
			}
			s.Add(c, sight.Solve(c.Problem, nil))
		}
	}
	s.Close()
	t.Log(s.Prose())
	if s.Cameras < 18 || s.Refused > 0 {
		t.Errorf("%d cameras, %d refused", s.Cameras, s.Refused)
	}
	if s.MedianPart > 0.01 {
		t.Errorf("median error %.4f of the distance", s.MedianPart)
	}
	// 99 % with the spread of so few draws.
	if n := len(s.parts); float64(s.Inside99) < 0.95*float64(n) {
		t.Errorf("truth inside the 99 %% ellipsoid in %d of %d: %v", s.Inside99, n, s.Outside)
	}
}

// Without noise the truth solves to itself: pixels, points and cameras agree.
func TestClicksWithoutNoiseGiveTheCamera(t *testing.T) {
	_, tr := small(t)
	for _, c := range tr.Clicks(1e-3, 1) {
		a := sight.Solve(c.Problem, nil)
		if a.Position == nil || distance(*a.Position, c.Camera.Position) > 0.05+0.003*c.Reach {
			t.Errorf("%s: %v, the truth is %v", c.Problem.ID, a.Position, c.Camera.Position)
		}
	}
}

func TestMahalanobis(t *testing.T) {
	// A diagonal covariance: the sum of squares over variances.
	c := [3][3]float64{{4, 0, 0}, {0, 9, 0}, {0, 0, 0.25}}
	if got := mahalanobis2(c, [3]float64{2, 3, 0.5}); math.Abs(got-3) > 1e-12 {
		t.Errorf("%v, expected 3", got)
	}
	if got := mahalanobis2([3][3]float64{}, [3]float64{1, 0, 0}); !math.IsInf(got, 1) {
		t.Errorf("a covariance of nothing gives %v", got)
	}
}
