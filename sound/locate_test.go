package sound

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func scene(x, y float64) Problem {
	p := Problem{Temperature: 10, TemperatureSD: 1, WindSD: 1, ArrivalSD: 0.005, Confidence: 0.9}
	for i, q := range [][2]float64{{-300, -200}, {280, -250}, {310, 260}, {-260, 300}, {20, 350}, {-40, -330}} {
		p.Sensors = append(p.Sensors, Sensor{ID: string(rune('a' + i)), X: q[0], Y: q[1], T: 10 + math.Hypot(q[0]-x, q[1]-y)/Speed(10)})
	}
	return p
}

func TestLocateExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Float64Range(-200, 200).Draw(t, "x"), rapid.Float64Range(-200, 200).Draw(t, "y")
		l := Locate(scene(x, y))
		if l.Refused != nil || math.Hypot(l.Position.X-x, l.Position.Y-y) > 1e-3 || math.Abs(*l.T0-10) > 1e-5 {
			t.Fatalf("%v %v: %+v %v", x, y, l, l.Refused)
		}
	})
}

func TestRefusals(t *testing.T) {
	few := scene(0, 0)
	few.Sensors = few.Sensors[:3]
	line := scene(50, 80)
	for i := range line.Sensors {
		line.Sensors[i].X, line.Sensors[i].Y = float64(i)*100, float64(i)*50
	}
	own := scene(0, 0)
	for i := range own.Sensors {
		own.Sensors[i].Clock = own.Sensors[i].ID
	}
	wild := scene(0, 0)
	wild.Sensors[0].T += 0.8
	wild.Sensors[2].T -= 0.7
	far := scene(0, 0)
	for i := range far.Sensors {
		s := &far.Sensors[i]
		s.X, s.Y = s.X/30, s.Y/30
		s.T = math.Hypot(s.X-3000, s.Y-200) / Speed(10)
	}
	for code, p := range map[string]Problem{"too_few": few, "collinear": line, "clock_unknown": own, "inconsistent": wild, "degenerate": far} {
		if l := Locate(p); l.Refused == nil || l.Refused.Code != code {
			t.Errorf("%s: %+v", code, l.Refused)
		}
	}
}
