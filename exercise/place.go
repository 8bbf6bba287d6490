package exercise

import (
	"fmt"
	"math"
	"math/rand/v2"

	"sightline"
	"sightline/scene"
)

// The marks of fiction.
const (
	band     = "EXERCISE / EJERCICIO"
	marked   = "EXERCISE / EJERCICIO: fictional incident, invented by sightline exercise; suceso ficticio"
	zone     = "America/Caracas"
	prefix   = "EX"
	placeEN  = "Loma Candil (invented)"
	placeES  = "Loma Candil (inventada)"
	licence  = "CC0-1.0"
	credited = "Sightline exercise, invented"
)

func both(en, es string) sightline.Text { return sightline.Text{"en": en, "es": es} }

// layout is the place of one seed.
type layout struct {
	spec   *scene.Spec // what the investigators have
	uphill float64     // degrees
	shots  [3][2]float64

	// What is in no plan is placed by these.
	at      func(right, forward float64) [2]float64
	roadAt  func(s float64) float64
	side    float64
	slots   [3]float64 // along the road: two patrol vehicles, a truck
	crooked [3]float64
	tank    [2]float64
	people  [][2]float64
	passing []passing
	wind    float64      // degrees, where smoke drifts
	bodies  [][3]float64 // east, north and half size of what is in the plan
}

// turn rotates (right, forward) of a heading into east, north.
func turn(heading, right, forward float64) [2]float64 {
	s, c := math.Sincos(heading * math.Pi / 180)
	return [2]float64{round2(right*c + forward*s), round2(forward*c - right*s)}
}

func round2(x float64) float64 { return math.Round(x*100) / 100 }

func between(r *rand.Rand, a, b float64) float64 { return round2(a + (b-a)*r.Float64()) }

// lay invents the place. The coordinates are in the open Caribbean.
func lay(r *rand.Rand) *layout {
	up := between(r, -25, 35) // the slope rises about north
	l := &layout{uphill: up}
	at := func(right, forward float64) [2]float64 { return turn(up, right, forward) }
	side := 1.0
	if r.IntN(2) == 0 {
		side = -1
	}
	house := round2(math.Mod(up+180+between(r, -28, 28)+360, 360))
	roadAt := func(s float64) float64 { return -31 + 4*math.Sin(s/70+side) }
	var road [][]float64
	for s := -330.0; s <= 330; s += 60 {
		p := at(s, roadAt(s))
		road = append(road, []float64{p[0], p[1]})
	}
	poleS := side * between(r, 16, 24)
	tankS, storeS, flatS := -side*between(r, 30, 42), side*between(r, 44, 60), -side*between(r, 12, 24)
	wallS := side * between(r, 26, 32)
	h := func(d float64) float64 { return round2(math.Mod(d+720, 360)) }
	prov := func(id string, t sightline.Text, class string) scene.Provenance {
		return scene.Provenance{ID: id, Title: t, Class: class, Licence: licence, Attribution: credited, AccuracyM: 0,
			Note: both("EXERCISE: invented, stands for no real place.", "EJERCICIO: inventado, no corresponde a ningún lugar real.")}
	}
	houseP := scene.Part{Kind: "a_frame", ID: "S-01", Label: both("A-frame house", "casa en forma de A"), HeadingDeg: house,
		WidthM: between(r, 8.6, 10.2), LengthM: between(r, 10, 13), HeightM: between(r, 7.8, 9.4), FloorM: 0.5, OverhangM: 0.8, DeckM: 3.2, PadM: 4, CutM: 14,
		Openings: []scene.Opening{
			{Name: "door", Face: "front", CentreM: -side * 1.1, WidthM: 1.1, SillM: 0, HeightM: 2.2},
			{Name: "window", Face: "front", CentreM: side * 1.4, WidthM: 1.5, SillM: 0.9, HeightM: 1.3},
			{Name: "upper-window", Face: "front", CentreM: 0, WidthM: 1.8, SillM: 3.6, HeightM: 1.5, TopM: 1.1},
			{Name: "back-window", Face: "back", CentreM: 0.4, WidthM: 1.4, SillM: 1, HeightM: 1.3}}}
	flat := scene.Part{Kind: "house", ID: "S-03", Label: both("flat-roofed house", "casa de techo plano"), At: at(flatS, between(r, 34, 42)), HeadingDeg: h(up + 180), WidthM: 13, LengthM: 8, HeightM: 4.2, SinkM: 3, Roof: "flat", OverhangM: 0.5, PadM: 1, CutM: 9, Material: "plaster",
		Openings: []scene.Opening{{Name: "door", Face: "front", CentreM: -3.4, WidthM: 1, SillM: 0, HeightM: 2.1}, {Name: "window", Face: "front", CentreM: 2.2, WidthM: 2.4, SillM: 0.9, HeightM: 1.3}}}
	pole := scene.Part{Kind: "pole", ID: "S-04", Label: both("lamp post", "poste de luz"), At: at(poleS, -15), WidthM: 0.36, HeightM: between(r, 6.5, 8), PadM: 6, CutM: 6, Material: "concrete"}
	tank := scene.Part{Kind: "cylinder", ID: "S-05", Label: both("water tank", "tanque de agua"), At: at(tankS, between(r, -4, 6)), WidthM: 5, HeightM: 3.8, SinkM: 2, PadM: 1, CutM: 8}
	store := scene.Part{Kind: "house", ID: "S-06", Label: both("store with gable roof", "depósito de dos aguas"), At: at(storeS, between(r, -8, 4)), HeadingDeg: h(up + 180 - side*20), WidthM: 7, LengthM: 9, HeightM: 3.2, SinkM: 2.5, Roof: "gable", OverhangM: 0.4, PadM: 1, CutM: 8,
		Openings: []scene.Opening{{Name: "gate", Face: "front", CentreM: 0, WidthM: 2.6, SillM: 0, HeightM: 2.5}}}
	w0, w1 := at(wallS, -14), at(wallS+side*2, 4)
	wall := scene.Part{Kind: "wall", ID: "S-07", Label: both("brick wall", "muro de ladrillo"), WidthM: 0.3, HeightM: 1.8, Points: [][]float64{{w0[0], w0[1]}, {w1[0], w1[1]}}}
	var trees []scene.Part
	// Neighbouring houses further off.
	far := func(id string, s, f, w, long, high float64, roof, material, roofOf string) scene.Part {
		return scene.Part{Kind: "house", ID: id, Label: both("neighbouring house "+id[2:], "casa vecina "+id[2:]), At: at(s, f), HeadingDeg: h(up + 180 + between(r, -18, 18)), WidthM: w, LengthM: long, HeightM: high, SinkM: 3, Roof: roof, OverhangM: 0.5, PadM: 1, CutM: 8, Material: material, RoofMaterial: roofOf,
			Openings: []scene.Opening{{Name: "door", Face: "front", CentreM: -w / 4, WidthM: 1, SillM: 0, HeightM: 2.1}, {Name: "window", Face: "front", CentreM: w / 5, WidthM: 1.4, SillM: 0.9, HeightM: 1.2}}}
	}
	farther := []scene.Part{
		far("S-08", side*between(r, 78, 92), between(r, 14, 26), 9, 8, 3.1, "gable", "plaster", "roof_tile"),
		far("S-09", -side*between(r, 66, 84), between(r, 16, 30), 10, 7.5, 3.4, "gable", "brick", "roof_sheet"),
		far("S-10", side*between(r, 26, 40), between(r, 74, 90), 8, 7, 3.0, "flat", "concrete", ""),
	}
	for len(trees) < 16 {
		s, f := between(r, -150, 150), between(r, -90, 110)
		near := math.Abs(s) < 62 && f > -52 && f < 56
		onRoad := math.Abs(f-roadAt(s)) < 11
		p := at(s, f)
		for _, q := range farther {
			near = near || math.Hypot(p[0]-q.At[0], p[1]-q.At[1]) < 16
		}
		if near || onRoad {
			continue
		}
		trees = append(trees, scene.Part{Kind: "tree", At: at(s, f), WidthM: between(r, 3, 6), HeightM: between(r, 5, 10)})
	}
	l.spec = &scene.Spec{Format: scene.SpecFormat,
		Title:       both("EXERCISE: Loma Candil, model of the place", "EJERCICIO: Loma Candil, modelo del lugar"),
		Approximate: &scene.Approximate{Label: both("EXERCISE: invented place", "EJERCICIO: lugar inventado"), RadiusM: 1},
		Frame: scene.Frame{Origin: scene.Origin{Lat: 12.9 + between(r, 0, 0.4), Lon: -66.4 - between(r, 0, 0.4), H: 1620 + math.Round(between(r, 0, 160))}, Vertical: "ellipsoid",
			Note: both("EXERCISE: the coordinates lie in open sea on purpose, so that no real house stands there.", "EJERCICIO: las coordenadas caen en mar abierto a propósito, para que allí no haya ninguna casa real.")},
		Terrain: &scene.TerrainSpec{Provenance: prov("L-01", both("Mountainside", "Ladera"), "conjectural"), ToleranceM: 0.04,
			Rings: []scene.Ring{{ToM: 110, StepM: 2.5}, {ToM: 330, StepM: 5}, {ToM: 1000, StepM: 20}, {ToM: 3000, StepM: 80}},
			Procedural: &scene.Procedural{
				Slopes:      []scene.Slope{{TowardsDeg: up, Gradient: between(r, 0.17, 0.25), SettleM: 480}},
				Undulations: []scene.Undulation{{WavelengthM: 80, AmplitudeM: 6, Octaves: 3, Seed: r.Uint32N(9999), CalmM: 60}, {WavelengthM: 400, AmplitudeM: 24, Octaves: 3, Seed: r.Uint32N(9999), CalmM: 400}},
				Ridges: []scene.Ridge{
					{Points: ridge(at, 1050, 210, r), Fall: 0.34, RoundM: 60, Rough: scene.Undulation{WavelengthM: 260, AmplitudeM: 34, Octaves: 5, Seed: r.Uint32N(9999)}},
					{Points: ridge(at, -1550, 40, r), Fall: 0.36, RoundM: 60, Rough: scene.Undulation{WavelengthM: 240, AmplitudeM: 30, Octaves: 5, Seed: r.Uint32N(9999)}}}}},
		Layers: []scene.LayerSpec{
			{Provenance: prov("L-02", both("House", "Casa"), "from_plans"), Parts: []scene.Part{houseP}},
			{Provenance: prov("L-03", both("Mountain road", "Carretera de montaña"), "from_plans"), Parts: []scene.Part{{Kind: "road", ID: "S-02", Label: both("mountain road", "carretera de montaña"), WidthM: 6.4, CutM: 16, Points: road}}},
			{Provenance: prov("L-04", both("Neighbouring bodies", "Cuerpos vecinos"), "from_plans"), Parts: append([]scene.Part{flat, pole, tank, store, wall}, farther...)},
			{Provenance: prov("L-05", both("Trees", "Árboles"), "conjectural"), Parts: trees}},
		Views: []scene.ViewSpec{
			{ID: "overview", Title: both("Overview", "Vista general"), Eye: lift(at(-70, -110), 42), Target: lift(at(0, 10), 2), VFovDeg: 38},
			{ID: "house", Title: both("The house", "La casa"), Eye: lift(at(-14, -34), 8), Target: lift(at(0, 0), 4), VFovDeg: 40},
			{ID: "plan", Title: both("Plan", "Planta"), Eye: lift(at(0, 0), 300), Target: [3]float64{0, 0, 0}, VFovDeg: 34}},
	}
	l.at, l.roadAt, l.side, l.tank, l.wind = at, roadAt, side, tank.At, between(r, 0, 360)
	for i, s := range []float64{poleS - side*9, poleS + side*2, -side * 28} {
		l.slots[i], l.crooked[i] = s, between(r, -4, 4)
		l.shots[i] = at(s+side*3.4, roadAt(s)+0.5)
	}
	for i := range 5 {
		l.people = append(l.people, at(side*between(r, 9, 15)*[]float64{1, -1}[i%2]+between(r, -3, 3), between(r, -14, 22)))
	}
	paints := [][3]uint8{{168, 44, 38}, {226, 224, 216}, {58, 82, 128}, {196, 168, 60}, {70, 74, 78}}
	for i := range 26 {
		c := paints[r.IntN(len(paints))]
		l.passing = append(l.passing, passing{at: -3300 + 255*float64(i) + between(r, -90, 90), speed: between(r, 7, 12), direction: []float64{1, -1}[r.IntN(2)], paint: colour(c[0], c[1], c[2])})
	}
	l.passing = append(l.passing, passing{at: between(r, 4, 9), speed: 9, direction: side, paint: colour(226, 224, 216)})
	l.bodies = [][3]float64{{0, 0, 9}}
	for _, p := range append([]scene.Part{flat, pole, tank, store}, farther...) {
		l.bodies = append(l.bodies, [3]float64{p.At[0], p.At[1], math.Max(p.WidthM, p.LengthM) / 2})
	}
	for _, p := range trees {
		l.bodies = append(l.bodies, [3]float64{p.At[0], p.At[1], 1})
	}
	return l
}

func lift(p [2]float64, u float64) [3]float64 { return [3]float64{p[0], p[1], u} }

func ridge(at func(a, b float64) [2]float64, forward, up float64, r *rand.Rand) [][3]float64 {
	var out [][3]float64
	for s := -3000.0; s <= 3000; s += 1000 {
		out = append(out, lift(at(s, forward+between(r, -120, 120)), up+between(r, -35, 45)))
	}
	return out
}

// build makes the document that the investigators' spec gives.
func (l *layout) build() (*scene.Document, error) {
	r, err := (&scene.Builder{}).Build(l.spec)
	if err != nil {
		return nil, fmt.Errorf("failed to build the place of the exercise: %w", err)
	}
	return r.Document, nil
}
