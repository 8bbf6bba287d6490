package sound

import (
	"math"
	"math/rand/v2"
	"testing"
)

// field is a problem with its truth: recorders around a place, sounds among
// them, clocks that are off by up to minutes and drift.
func field(seed uint64, recorders, sounds int, sd float64, known int) (JointProblem, []float64, []float64, [][2]float64) {
	r := rand.New(rand.NewPCG(seed, 9))
	p := JointProblem{Temperature: 20, TemperatureSD: 2, Confidence: 0.95}
	c := Speed(20 + 2*r.NormFloat64())
	offset, ppm := make([]float64, recorders), make([]float64, recorders)
	at := make([][2]float64, recorders)
	for i := range recorders {
		at[i] = [2]float64{400 * (r.Float64() - 0.5), 400 * (r.Float64() - 0.5)}
		if i > 0 {
			offset[i], ppm[i] = 600*(r.Float64()-0.5), 20*r.NormFloat64()
		}
		p.Recorders = append(p.Recorders, Recorder{ID: string(rune('a' + i)), X: at[i][0] + r.NormFloat64(), Y: at[i][1] + r.NormFloat64(), Z: 2, SD: 1, DriftPPM: 30})
	}
	var place [][2]float64
	for k := range sounds {
		q := [2]float64{360 * (r.Float64() - 0.5), 360 * (r.Float64() - 0.5)}
		place = append(place, q)
		s := Source{ID: string(rune('1' + k)), Z: 2}
		if k < known {
			s.At, s.AtSD = &[3]float64{q[0] + r.NormFloat64(), q[1] + r.NormFloat64(), 2}, 1
		}
		when := 900 + 40*float64(k)
		for i := range recorders {
			arrives := when + math.Hypot(q[0]-at[i][0], q[1]-at[i][1])/c
			s.Heard = append(s.Heard, Arrival{i, (arrives-offset[i])/(1+ppm[i]*1e-6) + sd*r.NormFloat64(), sd})
		}
		p.Sounds = append(p.Sounds, s)
	}
	return p, offset, ppm, place
}

func TestClocksAndPlacesTogether(t *testing.T) {
	inside, all, held, n := 0, 0, 0, 0
	for seed := range uint64(12) {
		p, offset, _, place := field(seed, 7, 6, 0.002, int(seed%3))
		s := SolveJoint(p)
		if s.Refused != nil {
			t.Errorf("seed %d is refused: %+v", seed, s.Refused)
			continue
		}
		zero := offset[s.Reference]
		for i, c := range s.Clocks {
			if i == s.Reference {
				continue
			}
			n++
			d := math.Abs(c.Offset + zero - offset[i]) // at its first sample
			if d <= 2*c.SD {
				held++
			}
			if d > 0.06 {
				t.Errorf("seed %d: clock %d is off by %.4f s, sd %.4f", seed, i, d, c.SD)
			}
		}
		for k, q := range s.Sounds {
			if q.Refused != nil || p.Sounds[k].At != nil {
				continue
			}
			all++
			th := q.Bearing * math.Pi / 180
			dx, dy := place[k][0]-q.X, place[k][1]-q.Y
			u, v := dx*math.Sin(th)+dy*math.Cos(th), dx*math.Cos(th)-dy*math.Sin(th)
			if u*u/(q.Major*q.Major)+v*v/(q.Minor*q.Minor) <= 1 {
				inside++
			}
		}
	}
	t.Logf("%d of %d clocks within two standard deviations, %d of %d places in their ellipse of 95 %%", held, n, inside, all)
	if float64(held) < 0.93*float64(n) || float64(inside) < 0.93*float64(all) || all < 40 {
		t.Errorf("the errors are too small: %d of %d clocks, %d of %d places", held, n, inside, all)
	}
}

func TestJointRefusals(t *testing.T) {
	// One sound of unknown place: a clock cannot be told from a distance.
	p, _, _, _ := field(1, 6, 1, 0.002, 0)
	if s := SolveJoint(p); s.Refused == nil || s.Refused.Code != "clock_unknown" {
		t.Errorf("one sound: %+v", s.Refused)
	}
	// The same place is known: it gives the clocks.
	p, offset, _, _ := field(1, 6, 1, 0.002, 1)
	s := SolveJoint(p)
	if s.Refused != nil || math.Abs(s.Clocks[5].Offset-s.Clocks[4].Offset-offset[5]+offset[4]) > 0.1 {
		t.Errorf("a known place does not give the clocks: %+v", s)
	}
	if s := SolveJoint(JointProblem{Temperature: 15, Confidence: 0.95}); s.Refused == nil || s.Refused.Code != "too_few" {
		t.Errorf("nothing at all: %+v", s.Refused)
	}
	// One arrival is wrong by 0.2 s: it is named, and the rest hardly moves.
	p, offset, _, _ = field(3, 8, 6, 0.002, 1)
	p.Sounds[2].Heard[4].T += 0.2
	s = SolveJoint(p)
	if s.Refused != nil || len(s.Disagree) == 0 || s.Disagree[0].Sound != 2 || s.Disagree[0].Recorder != 4 {
		t.Fatalf("the wrong arrival is not named: %+v %+v", s.Refused, s.Disagree)
	}
	for i, c := range s.Clocks {
		if d := c.Offset - offset[i] + offset[s.Reference]; math.Abs(d) > 0.06 {
			t.Errorf("clock %d moved by %.3f s", i, d)
		}
	}
	// A recorder that shares no sound with the others keeps an unknown clock.
	p, _, _, _ = field(4, 6, 4, 0.002, 1)
	p.Recorders = append(p.Recorders, Recorder{ID: "alone", X: 9, Y: 9, SD: 1})
	p.Sounds = append(p.Sounds, Source{ID: "own", Heard: []Arrival{{6, 3, 0.001}}})
	if s = SolveJoint(p); s.Refused != nil || s.Clocks[6].Known || s.Sounds[4].Refused == nil {
		t.Errorf("a recorder alone: %+v", s)
	}
	// Recorders on a line cannot say on which side a sound was.
	p, _, _, _ = field(5, 6, 4, 0.002, 1)
	for i := range p.Recorders {
		p.Recorders[i].X, p.Recorders[i].Y, p.Recorders[i].SD = float64(60*i), 0, 0.01
	}
	for k := range p.Sounds {
		x, y := 40.0+50*float64(k), 80.0+30*float64(k)
		if k == 0 {
			p.Sounds[k].At = &[3]float64{x, y, 2}
		}
		for i := range p.Sounds[k].Heard {
			p.Sounds[k].Heard[i].T = 5 + 40*float64(k) + math.Hypot(x-float64(60*i), y)/Speed(20)
		}
	}
	s = SolveJoint(p)
	if s.Refused == nil {
		for k := 1; k < 4; k++ {
			if q := s.Sounds[k]; q.Refused == nil && len(q.Alternatives) == 0 {
				t.Errorf("sound %d beside a line of recorders has one place only: %+v", k, q)
			}
		}
	}
}
