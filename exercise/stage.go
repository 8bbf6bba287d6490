package exercise

import (
	"fmt"
	"image/color"
	"math"

	"sightline/raster"
	"sightline/when"
)

// What was there on the day and is in no plan: growth, vehicles, people. It
// depends on the true time alone, so that two cameras at one moment show the
// same people in the same places.

// prop is one thing with what may be said about it.
type prop struct {
	mesh   raster.Mesh
	en, es string // empty: not worth a word
}

// growth is what stands still all day: bushes, trees, rocks, a fence.
func (g *gen) growth() []prop {
	r := g.stream(forGrowth)
	l := g.lay
	ground := func(p [2]float64) ([3]float64, bool) {
		u, ok := g.doc.Ground(p[0], p[1])
		return [3]float64{p[0], p[1], u}, ok
	}
	clear := func(p [2]float64, by float64) bool {
		for _, q := range l.bodies {
			if math.Hypot(p[0]-q[0], p[1]-q[1]) < by+q[2] {
				return false
			}
		}
		return true
	}
	var bushes, trunks, crowns, rocks, fence kit
	join := func(to *kit, from *kit) {
		n := uint32(len(to.pos))
		to.pos = append(to.pos, from.pos...)
		for _, t := range from.tris {
			to.tris = append(to.tris, [3]uint32{t[0] + n, t[1] + n, t[2] + n})
		}
		to.col = append(to.col, from.col...)
	}
	for n := 0; n < 110; {
		s, f := between(r, -120, 120), between(r, -80, 100)
		p := l.at(s, f)
		at, ok := ground(p)
		if !ok || math.Abs(f-l.roadAt(s)) < 5.5 || !clear(p, 4) {
			continue
		}
		n++
		k := &kit{}
		size := between(r, 0.25, 0.8)
		if n%9 == 0 {
			size = between(r, 0.8, 1.5)
		}
		green := colour(uint8(52+r.IntN(30)), uint8(66+r.IntN(16)), uint8(32+r.IntN(12)))
		for range 1 + r.IntN(3) {
			k.ball([3]float64{between(r, -0.7, 0.7) * size, between(r, -0.7, 0.7) * size, size * 0.35}, size*between(r, 0.6, 1), size*between(r, 0.6, 1), size*between(r, 0.5, 0.8), r, 0.22, green)
		}
		join(&bushes, k.stand(at, between(r, 0, 360), 0))
	}
	for n := 0; n < 11; {
		s, f := between(r, -110, 110), between(r, -75, 95)
		p := l.at(s, f)
		at, ok := ground(p)
		if !ok || math.Abs(f-l.roadAt(s)) < 8 || !clear(p, 12) || math.Abs(s) < 26 && f > -45 && f < 40 {
			continue
		}
		n++
		t, c := leafTree(r, between(r, 4.5, 8.5))
		join(&trunks, t.stand(at, 0, 0))
		join(&crowns, c.stand(at, 0, 0))
	}
	for n := 0; n < 26; {
		s, f := between(r, -90, 90), between(r, -60, 70)
		p := l.at(s, f)
		at, ok := ground(p)
		if !ok || math.Abs(f-l.roadAt(s)) < 4.6 || !clear(p, 3) {
			continue
		}
		n++
		k := &kit{}
		size := between(r, 0.15, 0.5)
		k.ball([3]float64{0, 0, size * 0.2}, size, size*between(r, 0.6, 1), size*0.7, r, 0.25, grey(uint8(112+r.IntN(40))))
		join(&rocks, k.stand(at, between(r, 0, 360), 0))
	}
	// A fence of posts and two wires below the road.
	var last [3]float64
	for i, s := 0, -70.0; s <= 70; i, s = i+1, s+3.5 {
		at, ok := ground(l.at(s, l.roadAt(s)-5.2))
		if !ok {
			continue
		}
		k := &kit{}
		k.rod([3]float64{0, 0, -0.2}, [3]float64{between(r, -0.05, 0.05), 0, 1.15}, 0.06, 0.05, 6, colour(110, 92, 74))
		join(&fence, k.stand(at, 0, 0))
		if i > 0 {
			for _, z := range []float64{0.6, 1.0} {
				fence.rod([3]float64{last[0], last[1], last[2] + z}, [3]float64{at[0], at[1], at[2] + z}, 0.012, 0.012, 4, grey(120))
			}
		}
		last = at
	}
	return []prop{
		{mesh: bushes.mesh("bushes", 1, raster.Foliage, true)}, {mesh: crowns.mesh("crowns", 2, raster.Foliage, true)},
		{mesh: trunks.mesh("trunks", 3, raster.Wood, false)}, {mesh: rocks.mesh("rocks", 4, raster.Concrete, false)}, {mesh: fence.mesh("fence", 5, raster.Wood, false)},
	}
}

// onRoad is a place on the road with the heading along it and its pitch.
func (g *gen) onRoad(s, across, direction float64) (at [3]float64, heading, pitch float64) {
	l := g.lay
	p := l.at(s, l.roadAt(s)+across)
	q := l.at(s+direction, l.roadAt(s+direction)+across)
	b := l.at(s-direction, l.roadAt(s-direction)+across)
	u, _ := g.doc.Ground(p[0], p[1])
	uq, _ := g.doc.Ground(q[0], q[1])
	ub, _ := g.doc.Ground(b[0], b[1])
	heading = math.Atan2(q[0]-b[0], q[1]-b[1]) * 180 / math.Pi
	return [3]float64{p[0], p[1], u + 0.06}, heading, math.Atan2(uq-ub, math.Hypot(q[0]-b[0], q[1]-b[1])) * 180 / math.Pi
}

// Minutes from the first shot within which the vehicles stand on the road.
const (
	patrolFrom, patrolTo = -75, 30
	truckFrom, truckTo   = -35, 42
)

// parked is what stands on the road at a time (ms after the first shot).
func (g *gen) parked(ms float64) []prop {
	m := ms / float64(when.Minute)
	var out []prop
	for i, s := range g.lay.slots {
		k, name, en, es := offRoader(colour(60, 76, 52), true), "patrol", "patrol vehicle", "vehículo de patrulla"
		from, to := float64(patrolFrom), float64(patrolTo)
		if i == 2 {
			k, name, en, es, from, to = waterTruck(), "truck", "truck with a tank", "camión con tanque", truckFrom, truckTo
		}
		if m < from || m > to {
			continue
		}
		dir := g.lay.side
		if i == 1 {
			dir = -dir
		}
		at, heading, pitch := g.onRoad(s, 2, dir)
		out = append(out, prop{k.stand(at, heading+g.lay.crooked[i], pitch).mesh(name, uint32(10+i), raster.Plain, false), en, es})
	}
	return out
}

// moving is who and what moves at a time (ms after the first shot).
func (g *gen) moving(ms float64) []prop {
	l, t := g.lay, ms/1000
	var out []prop
	put := func(k *kit, id uint32, at [3]float64, heading, pitch float64, en, es string) {
		out = append(out, prop{k.stand(at, heading, pitch).mesh(en, id, raster.Plain, false), en, es})
	}
	ground := func(p [2]float64) [3]float64 {
		u, _ := g.doc.Ground(p[0], p[1])
		return [3]float64{p[0], p[1], u}
	}
	bearing := func(a, b [2]float64) float64 { return math.Atan2(b[0]-a[0], b[1]-a[1]) * 180 / math.Pi }
	minute := t / 60
	if minute > patrolFrom && minute < patrolTo {
		for i, muzzle := range l.shots {
			to := bearing(muzzle, l.tank)
			d := turn(to, 0, -0.95)
			p := [2]float64{muzzle[0] + d[0], muzzle[1] + d[1]}
			aim := t > -95 && t < 70
			heading := to
			if !aim {
				heading += 60 * math.Sin(t/7+float64(i)*2)
			}
			put(figure(uniform, 0, false, aim), uint32(20+i), ground(p), heading, 0, "person in uniform", "persona de uniforme")
		}
		// One walks up and down beside the vehicles.
		s0 := (l.slots[0] + l.slots[1]) / 2
		where := func(t float64) [2]float64 {
			s := s0 + 5*math.Sin(t/6)
			return l.at(s, l.roadAt(s)-0.6)
		}
		a, b := where(t), where(t+0.5)
		at := ground(a)
		at[2] += 0.06
		put(figure(uniform, 5.4*t, math.Abs(math.Cos(t/6)) > 0.3, false), 24, at, bearing(a, b), 0, "person in uniform", "persona de uniforme")
	}
	for i, base := range l.people {
		where := func(t float64) [2]float64 {
			x, y := 1.7*math.Sin(t/(9+float64(i))+float64(i)), 1.1*math.Sin(t/(6.5+float64(i))+2*float64(i))
			if t > 0 && t < 600 { // they run uphill when it bangs
				y += 1.9 * math.Min(math.Max(t-0.35-0.1*float64(i), 0), 8)
			}
			o := turn(l.uphill, x, y)
			return [2]float64{base[0] + o[0], base[1] + o[1]}
		}
		a, b := where(t), where(t+0.5)
		v, gait := math.Hypot(b[0]-a[0], b[1]-a[1])/0.5, 5.0
		if v > 1.4 {
			gait = 11
		}
		put(figure(everyday[i%len(everyday)], gait*t, v > 0.15, false), uint32(30+i), ground(a), bearing(a, b), 0, "person", "persona")
	}
	for i, c := range l.passing {
		along := (t - c.at) * c.speed
		if math.Abs(along) > 190 {
			continue
		}
		s := along * c.direction
		at, heading, pitch := g.onRoad(s, -1.7, c.direction)
		put(smallCar(c.paint), uint32(40+i), at, heading, pitch, "car", "automóvil")
	}
	return out
}

// passing is a car that drives by: seconds after the first shot at which it is
// below the house.
type passing struct {
	at, speed, direction float64
	paint                color.NRGBA
}

// smoke is what a video shows of the shots between two times: a flash in the
// frame that was open when it was fired, then a cloud that grows and drifts.
func (g *gen) smoke(fromMS, toMS float64) []raster.Puff {
	var out []raster.Puff
	for i, s := range g.truth.Sources {
		if s.Kind != "shot" {
			continue
		}
		at := s.TimeMS - float64(g.t0)
		p := s.Position
		if at >= fromMS && at < toMS {
			out = append(out, raster.Puff{At: p, RadiusM: 0.7, Colour: [3]float64{1.4, 1.1, 0.6}, Opacity: 1, Glow: true})
		}
		age := (toMS - at) / 1000
		if age <= 0 || age > 6 {
			continue
		}
		d := turn(g.lay.wind, 0, 0.9*age)
		out = append(out, raster.Puff{At: [3]float64{p[0] + d[0], p[1] + d[1], p[2] + 0.18*age}, RadiusM: 0.35 + 0.5*math.Sqrt(age), Colour: [3]float64{0.62, 0.62, 0.62}, Opacity: 0.7 * math.Exp(-age/2.2), Seed: uint32(g.Seed)*31 + uint32(i) + 1})
	}
	return out
}

func meshes(ps ...[]prop) []raster.Mesh {
	var out []raster.Mesh
	for _, list := range ps {
		for _, p := range list {
			out = append(out, p.mesh)
		}
	}
	return out
}

// props says in words which of them take up a visible part of a picture.
func props(m *raster.Image, lists ...[]prop) (en, es []string) {
	count := map[uint32]int{}
	for _, id := range m.ID {
		if id >= propID {
			count[id]++
		}
	}
	seen := map[string]int{}
	words := map[string]string{}
	var order []string
	for _, list := range lists {
		for _, p := range list {
			if p.en == "" || count[p.mesh.ID] < 24 {
				continue
			}
			if seen[p.en] == 0 {
				order = append(order, p.en)
			}
			seen[p.en]++
			words[p.en] = p.es
		}
	}
	for _, w := range order {
		if n := seen[w]; n > 1 {
			en, es = append(en, fmt.Sprintf("%s (%d)", w, n)), append(es, fmt.Sprintf("%s (%d)", words[w], n))
			continue
		}
		en, es = append(en, w), append(es, words[w])
	}
	return en, es
}
