package exercise

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"sightline/when"
)

// The pressure of a muzzle blast is that of Friedlander (1946): a jump, then
// (1 - t/T) exp(-t/T).
const blastMS = 0.9

func blast(ms float64) float64 {
	if ms < 0 {
		return 0
	}
	return (1 - ms/blastMS) * math.Exp(-ms/blastMS)
}

// horn is two tones with overtones, 0.9 s long, by time since its beginning.
func horn(ms float64) float64 {
	const long = 900
	if ms < 0 || ms > long {
		return 0
	}
	env := math.Min(1, math.Min(ms/25, (long-ms)/60))
	v := 0.0
	for _, f := range [2]float64{382, 477} {
		for k := 1.0; k <= 4; k++ {
			v += math.Sin(2*math.Pi*f*k*ms/1000) / k
		}
	}
	return 0.25 * env * v
}

func distance(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

// still is a microphone that stays where it is.
func still(at [3]float64) func(float64) [3]float64 {
	return func(float64) [3]float64 { return at }
}

// reaches is how far a sound goes, by way of a point or straight, until it
// meets a microphone that may move: far = |p(emitted + far/c) - from|.
func (g *gen) reaches(from [3]float64, emittedMS float64, pos func(seconds float64) [3]float64) float64 {
	far := distance(from, pos(emittedMS/1000))
	for range 6 { // people walk at a two-hundredth of the speed of sound
		far = distance(from, pos(emittedMS/1000+far/g.truth.SoundC))
	}
	return far
}

// hear is what a microphone records from a true time on, pos its place by
// seconds since: every source after its distance over the speed of sound and
// as weak as the distance makes it, its echo from the house, a tail of
// reverberation, the wind, and what is near this microphone alone.
func (g *gen) hear(r *rand.Rand, pos func(seconds float64) [3]float64, startMS float64, rate, samples int) ([]float64, []Arrival) {
	x := make([]float64, samples)
	step := 1000 / float64(rate)
	var arrivals []Arrival
	house := [3]float64{0, 0, 4}
	add := func(s Sonic, far, weight float64, tail bool) float64 {
		arrive := (s.TimeMS - startMS) + far/g.truth.SoundC*1000 // the difference first: times are large numbers
		form, long := blast, 12*blastMS
		if s.Kind == "horn" {
			form, long, weight = horn, 900.0, 0.06*weight
		}
		first := int(math.Ceil(arrive / step))
		for n := max(first, 0); n < samples && float64(n)*step-arrive <= long; n++ {
			x[n] += weight * form(float64(n)*step-arrive)
		}
		if tail {
			smooth := 0.0
			for n := max(first+rate/200, 0); n < min(first+rate/2, samples); n++ {
				age := float64(n)*step - arrive
				smooth += 0.25 * (r.NormFloat64() - smooth)
				x[n] += 0.05 * weight * smooth * math.Exp(-age/110)
			}
		}
		return arrive / 1000
	}
	for _, s := range g.truth.Sources {
		emitted := s.TimeMS - startMS
		if emitted < -60_000 || emitted > float64(samples)*step {
			continue
		}
		far := g.reaches(s.Position, emitted, pos)
		t := add(s, far, 40/max(far, 5), s.Kind != "horn")
		if t > 0 && t < float64(samples)*step/1000 {
			arrivals = append(arrivals, Arrival{s.ID, t, far})
		}
		toHouse := distance(s.Position, house)
		by := toHouse + g.reaches(house, emitted+toHouse/g.truth.SoundC*1000, pos)
		if by > far+4 {
			add(s, by, 0.2*40/max(by, 5), false)
		}
	}
	peak := 0.0
	for _, v := range x {
		peak = max(peak, math.Abs(v))
	}
	gain := 1.0
	if peak > 0 {
		gain = 0.8 / peak
	}
	for n := range x {
		x[n] *= gain
	}
	g.near(r, x, rate)
	wind, level := 0.0, between(r, 0.003, 0.008)
	for n := range x {
		wind += 0.02 * (r.NormFloat64() - wind)
		x[n] += level*4*wind + level*0.25*r.NormFloat64()
	}
	return x, arrivals
}

// near adds what only this microphone hears: birds, steps, a murmur without
// words. Nothing of it is in another recording, so it cannot help to align
// them, and it is weaker than the shots.
func (g *gen) near(r *rand.Rand, x []float64, rate int) {
	long := float64(len(x)) / float64(rate)
	over := func(from, seconds float64, wave func(t float64) float64) {
		for n := max(int(from*float64(rate)), 0); n < min(int((from+seconds)*float64(rate)), len(x)); n++ {
			x[n] += wave(float64(n)/float64(rate) - from)
		}
	}
	for at := 3 * r.Float64(); at < long; at += 0.4 + 4*r.Float64() { // birds
		f, rise, loud := 2300+1900*r.Float64(), -3000+6000*r.Float64(), 0.006+0.02*r.Float64()
		for k := range 1 + r.IntN(4) {
			over(at+0.13*float64(k), 0.09, func(t float64) float64 {
				return loud * math.Sin(math.Pi*t/0.09) * math.Sin(2*math.Pi*(f*t+rise*t*t/2))
			})
		}
	}
	pace, loud := 0.48+0.2*r.Float64(), 0.008+0.016*r.Float64()
	from := long * r.Float64() * 0.7
	for at := from; at < min(from+6, long); at += pace { // steps
		smooth := 0.0
		over(at, 0.07, func(t float64) float64 {
			smooth += 0.18 * (r.NormFloat64() - smooth)
			return 3 * loud * smooth * math.Exp(-t/0.018)
		})
	}
	if r.IntN(3) > 0 { // a murmur
		from, seconds := long*r.Float64()*0.6, 1.2+2.5*r.Float64()
		pitch, phase := 100+90*r.Float64(), 0.0
		over(from, seconds, func(t float64) float64 {
			phase += pitch * (1 + 0.06*math.Sin(2*math.Pi*0.9*t)) / float64(rate)
			open := math.Max(0, math.Sin(2*math.Pi*2.1*t))
			v := 0.0
			for k := 1.0; k <= 9; k++ {
				v += math.Sin(2*math.Pi*k*phase) / (0.5 + math.Abs(k-3-2*math.Sin(2*math.Pi*0.8*t)))
			}
			return 0.011 * open * v
		})
	}
}

// wav writes 16 bit mono PCM with a comment and a date (RIFF, INFO list).
func wav(x []float64, rate int, date string) []byte {
	chunk := func(id string, body []byte) []byte {
		b := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(body)))
		b = append(b, body...)
		if len(body)%2 == 1 {
			b = append(b, 0)
		}
		return b
	}
	var fmtc []byte
	for _, v := range []uint16{1, 1} {
		fmtc = binary.LittleEndian.AppendUint16(fmtc, v)
	}
	fmtc = binary.LittleEndian.AppendUint32(fmtc, uint32(rate))
	fmtc = binary.LittleEndian.AppendUint32(fmtc, uint32(2*rate))
	fmtc = binary.LittleEndian.AppendUint16(fmtc, 2)
	fmtc = binary.LittleEndian.AppendUint16(fmtc, 16)
	info := []byte("INFO")
	info = append(info, chunk("ICMT", append([]byte(marked), 0))...)
	if date != "" {
		info = append(info, chunk("ICRD", append([]byte(date), 0))...)
	}
	data := make([]byte, 0, 2*len(x))
	for _, v := range x {
		data = binary.LittleEndian.AppendUint16(data, uint16(int16(math.Round(math.Max(-1, math.Min(1, v))*32767))))
	}
	var b bytes.Buffer
	body := append([]byte("WAVE"), chunk("fmt ", fmtc)...)
	body = append(body, chunk("LIST", info)...)
	body = append(body, chunk("data", data)...)
	b.Write(chunk("RIFF", body))
	return b.Bytes()
}

func (g *gen) device(id string) Device {
	for _, d := range g.truth.Devices {
		if d.ID == id {
			return d
		}
	}
	return Device{}
}

// spot is a place for a microphone.
func (g *gen) spot(r *rand.Rand, low, high float64) [3]float64 {
	p := turn(between(r, 0, 360), 0, between(r, low, high))
	u, _ := g.doc.Ground(p[0], p[1])
	return [3]float64{p[0], p[1], round2(u + between(r, 1.2, 1.8))}
}

// lastSound is when the last source sounds.
func (g *gen) lastSound() float64 {
	last := 0.0
	for _, s := range g.truth.Sources {
		last = max(last, s.TimeMS)
	}
	return last
}

// sounds makes the recordings with shots, and the radio clips.
func (g *gen) sounds() error {
	recorders, clips := 2, 1
	if g.Full {
		recorders, clips = 5, 4
	}
	g.total += recorders + clips
	for i := range recorders {
		r := g.stream(forSounds + uint64(i))
		d := g.device(fmt.Sprintf("R-%d", i+1))
		const rate = 48000
		// Recorders start in fractions of a millisecond like everything else.
		start := float64(g.t0) - 6500 - 6000*r.Float64()
		start = math.Round(start*1e4) / 1e4
		samples := int((g.lastSound() - start + 2500 + 4000*r.Float64()) * rate / 1000)
		at := g.spot(r, 25, 240)
		x, arrivals := g.hear(r, still(at), start, rate, samples)
		own := local(when.Instant(start) + when.Instant(d.OffsetMS))
		name := fmt.Sprintf("REC_%c_%s.wav", 'A'+i, own.Format("20060102_150405"))
		g.truth.Sounds = append(g.truth.Sounds, Sound{File: name, Device: d.ID, StartMS: start, Rate: rate, Samples: samples, Position: at, Arrivals: arrivals})
		k := len(g.truth.Sounds) - 1
		o := []*owner{neighbours, driver, reporter}[i%3]
		if i == 0 {
			// Where she says she was: a map's click, some metres off.
			e, n := between(r, -3, 3), between(r, -3, 3)
			g.home = &[3]float64{math.Round(at[0] + e), math.Round(at[1] + n), math.Round(at[2]*10) / 10}
		}
		g.files = append(g.files, &media{name: name, kind: "audio", witness: i == 0, data: wav(x, rate, own.Format("2006-01-02 15:04:05")), owner: o,
			en: "Computed recording outdoors: wind, a horn, bangs.", es: "Grabación calculada al aire libre: viento, una bocina, detonaciones.", set: func(id string) { g.truth.Sounds[k].Item = id }})
		if err := g.step(name); err != nil {
			return err
		}
	}
	for i := range clips {
		if err := g.radio(i); err != nil {
			return err
		}
	}
	return nil
}

// words of the radio clips: minutes after the first shot, English, Spanish.
var words = []struct {
	after  float64
	en, es string
}{
	{1.2, "Heron 4 to Base: shots on the road. Nobody hurt. The tank is hit.", "Garza 4 a Base: disparos en la carretera. Sin heridos. El tanque recibió un tiro."},
	{-33, "Heron 4 to Base: the water truck is stopped below the A-frame house.", "Garza 4 a Base: el camión de agua está parado debajo de la casa en forma de A."},
	{-31, "Base to Heron 4: hold it there and wait.", "Base a Garza 4: reténgalo ahí y espere."},
	{-9, "Heron 4 to Base: some neighbours on the slope, no stones, all quiet.", "Garza 4 a Base: unos vecinos en la ladera, sin piedras, todo tranquilo."},
	{2.6, "Base to Heron 4: say again, who fired?", "Base a Garza 4: repita, ¿quién disparó?"},
	{17, "Base to Heron 4: come back to the post, and no hours on the radio.", "Base a Garza 4: regrese al puesto, y nada de horas por la radio."},
}

// radio makes one clip as a scanner stores it: a tone, something with the
// rhythm of speech but no words in it, hiss, a tone. The transcript is in the
// records.
func (g *gen) radio(i int) error {
	r := g.stream(forSounds + 500 + uint64(i))
	const rate = 8000
	d := g.device("R-7")
	at := g.t0 + when.Instant(words[i].after*float64(when.Minute)) + when.Instant(r.Int64N(9000))
	seconds := 2 + float64(len(words[i].es))*0.062
	x := make([]float64, int(seconds*rate))
	pitch, syllable := between(r, 95, 150), between(r, 3.6, 5.2)
	low, high, phase := 0.0, 0.0, 0.0
	for n := range x {
		t := float64(n) / rate
		v := 0.05 * r.NormFloat64()
		switch {
		case t < 0.15 || t > seconds-0.2:
			v += 0.35 * math.Sin(2*math.Pi*1200*t)
		case t > 0.5 && t < seconds-0.5:
			phase += pitch * (1 + 0.08*math.Sin(2*math.Pi*0.7*t)) / rate
			open := math.Pow(math.Max(0, math.Sin(math.Pi*syllable*t)), 0.6)
			mouth := 500 + 350*math.Sin(2*math.Pi*syllable*0.37*t)
			s := 0.0
			for k := 1.0; k*pitch < 2800; k++ {
				f := k * pitch
				s += (math.Exp(-math.Pow((f-mouth)/160, 2)) + 0.5*math.Exp(-math.Pow((f-3*mouth)/300, 2)) + 0.05) * math.Sin(2*math.Pi*k*phase)
			}
			v += 0.3 * open * s
		}
		// The band of a radio, about 300 to 3000 Hz.
		low += 0.8 * (v - low)
		high += 0.2 * (low - high)
		x[n] = 0.8 * (low - high)
	}
	own := local(at + when.Instant(d.OffsetMS))
	name := "scan_" + own.Format("150405") + ".wav"
	g.truth.Sounds = append(g.truth.Sounds, Sound{File: name, Device: d.ID, StartMS: float64(at), Rate: rate, Samples: len(x), Radio: true})
	k := len(g.truth.Sounds) - 1
	g.files = append(g.files, &media{name: name, kind: "audio", data: wav(x, rate, own.Format("2006-01-02 15:04:05")), owner: scanner,
		en: "Computed radio clip: tones, hiss, speech without words; the transcript is a record of its own.", es: "Clip de radio calculado: tonos, ruido, habla sin palabras; la transcripción es un registro aparte.", set: func(id string) { g.truth.Sounds[k].Item = id }})
	return g.step(name)
}

// transcripts are the records of the radio clips.
func (g *gen) transcripts() []post {
	var out []post
	i := 0
	for _, s := range g.truth.Sounds {
		if !s.Radio {
			continue
		}
		w := words[i]
		out = append(out, post{media: "record", owner: scanner, sourceTyp: "transcript", citation: "Transcript of " + s.Item + " (invented)", recording: fmt.Sprintf("radio-%d", i+1),
			title: [2]string{"Transcript of radio clip " + s.Item, "Transcripción del clip de radio " + s.Item},
			text:  [2]string{"EXERCISE. " + w.en, "EJERCICIO. " + w.es}})
		i++
	}
	return out
}
