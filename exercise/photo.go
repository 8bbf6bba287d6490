package exercise

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"sightline/raster"
	"sightline/sight"
	"sightline/when"
	"sightline/where"
)

// owner is who an item comes from, as the investigators know them.
type owner struct {
	name        [2]string // English, Spanish
	perspective string
	account     string
}

var (
	neighbours = &owner{[2]string{"Neighbour A (invented)", "Vecina A (inventada)"}, "citizen", "neighbours"}
	driver     = &owner{[2]string{"Driver of the cooperative (invented)", "Chofer de la cooperativa (inventado)"}, "victim", "cooperative"}
	reporter   = &owner{[2]string{"Hill Courier (invented newspaper)", "Correo de la Loma (diario inventado)"}, "press", "press"}
	patrol     = &owner{[2]string{"Road Watch (invented agency)", "Guardia Vial (organismo inventado)"}, "security_forces", "roadwatch"}
	orbiter    = &owner{[2]string{"Alta Vista (invented satellite)", "Alta Vista (satélite inventado)"}, "satellite", "press"}
	scanner    = &owner{[2]string{"Radio listener (invented)", "Radioescucha (inventado)"}, "citizen", "radio"}
)

// camera kinds of the exercise.
type camera struct {
	Device
	k1     float64
	f35    []float64
	name   func(t time.Time, n int) string // t is the device's own local time
	subsec bool
	owner  *owner
}

// photographers is how many cameras make photos; phones how many more film.
const photographers, phones = 5, 9

func (g *gen) clocks() {
	r := g.stream(forClocks)
	ms := func(low, high int64) int64 {
		v := low + r.Int64N(high-low)
		if r.IntN(2) == 0 {
			return -v
		}
		return v
	}
	g.truth.Devices = []Device{
		{"D-1", "Ficta", "F2", ms(400, 3000), true},
		{"D-2", "Nube", "Siete", ms(1500, 9000), true},
		{"D-3", "Andina", "Cumbre 30", ms(120_000, 900_000), false},
		{"D-4", "Ocaso", "Viajera", when.Hour + ms(5000, 90_000), false},
		{"D-5", "Ficta", "F1", ms(500, 6000), true},
	}
	for i := range phones {
		d := Device{fmt.Sprintf("D-%d", 6+i), []string{"Ficta", "Nube", "Quilla"}[i%3], []string{"F2", "Cinco", "Uno"}[i%3], ms(400, 20_000), true}
		g.truth.Devices = append(g.truth.Devices, d)
	}
	for i := range 6 {
		d := Device{fmt.Sprintf("R-%d", i+1), "Eco", "Grabadora " + string(rune('A'+i)), ms(1000, 240_000), false}
		g.truth.Devices = append(g.truth.Devices, d)
	}
	g.truth.Devices = append(g.truth.Devices, Device{"R-7", "Onda", "Escáner", ms(1000, 120_000), false})
}

func (g *gen) cameras() []camera {
	stamp := func(layout string) func(time.Time, int) string {
		return func(t time.Time, _ int) string { return t.Format(layout) }
	}
	d := g.truth.Devices
	out := []camera{
		{d[0], 0, []float64{26, 52}, stamp("IMG_20060102_150405"), true, neighbours},
		{d[1], 0, []float64{28}, stamp("20060102_150405"), true, driver},
		{d[2], -0.02, []float64{35, 50, 85, 120}, func(_ time.Time, n int) string { return fmt.Sprintf("ANDI%04d", 410+n*3) }, false, reporter},
		{d[3], -0.03, []float64{35, 50}, func(_ time.Time, n int) string { return fmt.Sprintf("DSCX%05d", 1270+n*2) }, false, patrol},
		{d[4], 0, []float64{24, 26}, func(t time.Time, n int) string { return fmt.Sprintf("IMG-%s-WA%04d", t.Format("20060102"), n) }, true, neighbours},
	}
	for i := range phones {
		out = append(out, camera{d[photographers+i], 0, [][]float64{{26}, {28}, {24}, {52}}[i%4], stamp("20060102_150405"), true, []*owner{neighbours, driver, neighbours, reporter, patrol}[i%5]})
	}
	return out
}

// unique is a file name that no other file has: as a download does where two
// devices chose the same one.
func (g *gen) unique(name string) string {
	taken := func(s string) bool {
		for _, f := range g.files {
			if f.name == s {
				return true
			}
		}
		return false
	}
	ext := filepath.Ext(name)
	out := name
	for n := 2; taken(out); n++ {
		out = fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, ext), n, ext)
	}
	return out
}

var caracas = func() when.Zone {
	z, err := when.LoadZone(zone)
	if err != nil {
		panic(err) // the table of zones is part of the program
	}
	return z
}()

// local is the wall clock of the case.
func local(t when.Instant) time.Time {
	return t.Time().In(time.FixedZone("", caracas.Offset(t)))
}

// taken is one rendered photo with what is needed to make copies of it.
type taken struct {
	file  *media
	img   *image.RGBA
	cam   sight.Camera
	index int // in Truth.Images
}

func (g *gen) photos() error {
	n, w, h, samples := 5, 640, 480, 1
	if g.Full {
		n, w, h, samples = 13, 1600, 1200, 2
	}
	g.total += n + 4
	cams := g.cameras()[:photographers]
	r := g.stream(forTimes + 100)
	times := make([]when.Instant, n)
	for i := range times {
		times[i] = g.t0 + when.Instant(-50*when.Minute+r.Int64N(100*when.Minute))
	}
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	all := make([]*taken, n)
	err := g.parallel(n, func(i int) (func() error, error) {
		k, im, err := g.photo(i, i/len(cams), times[i], cams[i%len(cams)], w, h, samples)
		if err != nil {
			return nil, err
		}
		return func() error {
			k.file.name = g.unique(k.file.name)
			im.File = k.file.name
			g.truth.Images = append(g.truth.Images, *im)
			k.index = len(g.truth.Images) - 1
			k.file.set = func(id string) { g.truth.Images[k.index].Item = id }
			g.files = append(g.files, k.file)
			all[i] = k
			return g.step(k.file.name)
		}, nil
	})
	if err != nil {
		return err
	}
	if err := g.copies(all); err != nil {
		return err
	}
	return g.satellite()
}

// photo takes one picture: where to stand, the light of its time, the file as
// its device would write it.
func (g *gen) photo(i, nth int, t when.Instant, c camera, w, h, samples int) (*taken, *Image, error) {
	r := g.stream(forPhotos + uint64(i))
	f35 := c.f35[nth%len(c.f35)]
	// The second camera's first photo is held upright: stored turned.
	turned := c.ID == "D-2" && nth == 0
	stripped := c.ID == "D-5" || r.IntN(6) == 0
	if turned {
		w, h = h, w
		stripped = false
	}
	prep, err := g.prepare(t, true, 2048*max(w, h)/1600)
	if err != nil {
		return nil, nil, err
	}
	cam, err := g.stand(r, prep, w, h, f35, c.k1)
	if err != nil {
		return nil, nil, err
	}
	m, err := prep.Render(cam, raster.Options{Style: raster.Photo, Samples: samples, Seed: r.Uint32(), CloudCover: between(r, 0.15, 0.6), Exposure: between(r, 0.92, 1.1), Band: band, Scale: bandScale(w, h)})
	if err != nil {
		return nil, nil, fmt.Errorf("failed to render a photo of the exercise: %w", err)
	}
	s := g.sunAt(t)
	im := Image{Device: c.ID, TimeMS: int64(t), F35: f35, Camera: cameraOf(cam), HouseM: round2(math.Sqrt(cam.Position[0]*cam.Position[0] + cam.Position[1]*cam.Position[1] + cam.Position[2]*cam.Position[2])),
		SunAz: float64(s.Azimuth), SunEl: float64(s.Apparent), Points: g.pixels(cam, m), Shadows: g.tips(t), Stored: 1, EXIF: !stripped}
	for k := range im.Shadows {
		sh := &im.Shadows[k]
		if px, seen, ok := g.seen(cam, m, sh.Top); ok && seen {
			sh.TopPx = &px
		}
		if px, seen, ok := g.seen(cam, m, sh.Tip); ok && seen {
			sh.TipPx = &px
		}
	}
	stored := m.RGBA
	if turned {
		stored, im.Stored = turnLeft(m.RGBA), 6
	}
	own := local(t + when.Instant(c.OffsetMS))
	name := c.name(own, i) + ".jpg"
	if stripped && c.ID != "D-5" {
		name = fmt.Sprintf("photo_%d.jpg", 7000+r.IntN(2000))
	}
	im.File = name
	data, err := encode(stored, 90)
	if err != nil {
		return nil, nil, err
	}
	if stripped {
		data, err = withComment(data, marked)
	} else {
		x := tags{Make: c.Make, Model: c.Model, Describe: marked, Orientation: im.Stored, DateTime: own.Format("2006:01:02 15:04:05"), F35: int(math.Round(f35)), FNumber: 2.8, FocalMM: f35 / 6}
		if c.ZoneStated {
			x.OffsetTime = own.Format("-07:00")
		}
		if c.subsec {
			x.SubSec = own.Format(".000")[1:]
		}
		if c.ID == "D-1" || c.ID == "D-2" && !turned {
			// Receivers are off by some metres, more in height.
			e, n, u := between(r, -6, 6), between(r, -6, 6), between(r, -12, 12)
			org := g.truth.Origin
			geo := where.NewFrame(where.Geodetic{Lat: where.Degrees(org.Lat), Lon: where.Degrees(org.Lon), H: where.Metres(org.H)}).Geodetic(where.ENU{cam.Position[0] + e, cam.Position[1] + n, cam.Position[2] + u})
			x.GPS, x.Lat, x.Lon, x.Alt = true, float64(geo.Lat), float64(geo.Lon), float64(geo.H)
			im.GPS, im.GPSErrM = true, round2(math.Hypot(e, n))
		}
		data, err = withEXIF(data, x)
	}
	if err != nil {
		return nil, nil, err
	}
	en, es := g.describe(m, g.parked(float64(t-g.t0)), g.moving(float64(t-g.t0)))
	f := &media{name: name, kind: "photo", data: data, owner: c.owner, en: "Rendered picture: " + en + ".", es: "Imagen generada: " + es + "."}
	return &taken{file: f, img: m.RGBA, cam: cam}, &im, nil
}

// describe names the objects that take up a visible part of a picture.
func (g *gen) describe(m *raster.Image, lists ...[]prop) (en, es string) {
	count := map[string]int{}
	for _, id := range m.ID {
		if p, ok := g.doc.PieceOf(id); ok && p.Object != "" {
			count[p.Object]++
		}
	}
	var ens, ess []string
	for _, o := range g.doc.Objects {
		if count[o.ID] > len(m.ID)/500 {
			ens, ess = append(ens, o.Label["en"]), append(ess, o.Label["es"])
		}
	}
	a, b := props(m, lists...)
	ens, ess = append(ens, a...), append(ess, b...)
	if len(ens) == 0 {
		return "a mountainside", "una ladera"
	}
	return strings.Join(ens, ", "), strings.Join(ess, ", ")
}

// copies makes the crop, the re-encode and the screenshot.
func (g *gen) copies(all []*taken) error {
	r := g.stream(forPhotos + 500)
	pick := r.Perm(len(all))
	kinds := []string{"crop", "reencode", "screenshot"}
	for i, kind := range kinds {
		src := all[pick[i]]
		if g.truth.Images[src.index].Stored != 1 && kind == "crop" {
			src = all[pick[i+3]]
		}
		if err := g.copyOf(src, kind, r); err != nil {
			return err
		}
		if err := g.step(kind); err != nil {
			return err
		}
	}
	return nil
}

func (g *gen) copyOf(src *taken, kind string, r *rand.Rand) error {
	b := src.img.Bounds()
	w, h := b.Dx(), b.Dy()
	im := g.truth.Images[src.index]
	im.EXIF, im.GPS, im.GPSErrM, im.Stored, im.CopyKind = false, false, 0, 1, kind
	var out *image.RGBA
	ext, mime := ".jpg", "photo"
	switch kind {
	case "crop":
		cw, ch := w*62/100, h*62/100
		x0, y0 := r.IntN(w-cw), h*9/100+r.IntN(h-ch-h*9/100)
		im.Scale, im.Shift = 1, [2]float64{-float64(x0), -float64(y0)}
		out = image.NewRGBA(image.Rect(0, 0, cw, ch))
		draw.Draw(out, out.Bounds(), src.img, image.Pt(x0, y0), draw.Src)
	case "reencode":
		im.Scale = 0.5
		out = image.NewRGBA(image.Rect(0, 0, w/2, h/2))
		halve(out, image.Point{}, src.img)
	case "screenshot":
		// A telephone's screen: bars of its own above and below the picture.
		im.Scale = 0.5
		sw, top := w/2, h/4
		sh := h/2 + top + h/3
		im.Shift = [2]float64{0, float64(top)}
		out = image.NewRGBA(image.Rect(0, 0, sw, sh))
		draw.Draw(out, out.Bounds(), image.NewUniform(color.RGBA{18, 20, 24, 255}), image.Point{}, draw.Src)
		bar := func(x0, y0, x1, y1 int, v uint8) {
			draw.Draw(out, image.Rect(x0, y0, x1, y1), image.NewUniform(color.RGBA{v, v, v, 255}), image.Point{}, draw.Src)
		}
		bar(sw/30, top-h/14, sw/30+h/20, top-h/14+h/20, 150) // a face
		bar(sw/30+h/16, top-h/16, sw/2, top-h/22, 190)       // a name
		bar(sw/30, top+h/2+h/24, sw*4/5, top+h/2+h/14, 120)  // words under it
		bar(sw/30, top+h/2+h/10, sw*3/5, top+h/2+h/10+h/36, 90)
		halve(out, image.Pt(0, top), src.img)
		ext, mime = ".png", "image"
	}
	if err := g.strip(out); err != nil {
		return err
	}
	ow, oh := out.Bounds().Dx(), out.Bounds().Dy()
	cam := rescale(src.cam, im.Scale, im.Shift, ow, oh)
	im.Camera = cameraOf(cam)
	im.Points = append([]Pixel(nil), im.Points...)
	for i := range im.Points {
		p := &im.Points[i]
		for k := range 2 {
			p.Px[k] = p.Px[k]*im.Scale + im.Shift[k]
		}
		p.Visible = p.Visible && g.inside(p.Px, ow, oh)
	}
	im.Shadows = append([]ShadowTip(nil), im.Shadows...)
	for i := range im.Shadows {
		for _, q := range []**[2]float64{&im.Shadows[i].TopPx, &im.Shadows[i].TipPx} {
			if *q != nil {
				v := [2]float64{(*q)[0]*im.Scale + im.Shift[0], (*q)[1]*im.Scale + im.Shift[1]}
				*q = &v
				if !g.inside(v, ow, oh) {
					*q = nil
				}
			}
		}
	}
	im.File = map[string]string{"crop": "photo_detail", "reencode": "received_photo", "screenshot": "Screenshot_chat"}[kind] + fmt.Sprintf("_%d", 100+r.IntN(900)) + ext
	var data []byte
	var err error
	if ext == ".png" {
		data, err = pngOf(out)
	} else if data, err = encode(out, map[string]int{"crop": 86, "reencode": 58}[kind]); err == nil {
		data, err = withComment(data, marked)
	}
	if err != nil {
		return err
	}
	g.truth.Images = append(g.truth.Images, im)
	at := len(g.truth.Images) - 1
	g.files = append(g.files, &media{name: im.File, kind: mime, data: data, owner: neighbours, en: "Rendered picture" + map[string]string{"screenshot": ", a screen of a telephone that shows a photo"}[kind] + ": " + strings.TrimPrefix(src.file.en, "Rendered picture: "),
		es: "Imagen generada" + map[string]string{"screenshot": ", pantalla de teléfono que muestra una foto"}[kind] + ": " + strings.TrimPrefix(src.file.es, "Imagen generada: "),
		set: func(id string) {
			g.truth.Images[at].Item = id
			g.truth.Images[at].CopyOf = g.idOf(src.file.name)
		}})
	return nil
}

// bandScale makes the band as easy to read in large pictures as in small ones.
func bandScale(w, h int) float64 { return max(1, float64(min(w, h))/480) }

// ribbon is the band of fiction for a picture of that size, and its height.
func (g *gen) ribbon(w, h int) (*image.RGBA, int, error) {
	cam := sight.LookAt([3]float64{0, 0, 9e5}, [3]float64{0, 1, 1e6}, w, max(h/3, 60), 60)
	draw := func(text string) (*image.RGBA, error) {
		m, err := raster.Render(cam, raster.Scene{}, raster.Options{Style: raster.Paper, Samples: 1, Band: text, Scale: bandScale(w, h)})
		if err != nil {
			return nil, fmt.Errorf("failed to mark a picture of the exercise: %w", err)
		}
		return m.RGBA, nil
	}
	with, err := draw(band)
	if err != nil {
		return nil, 0, err
	}
	without, err := draw("")
	if err != nil {
		return nil, 0, err
	}
	for y := cam.Height - 1; y >= 0; y-- {
		if i := y * with.Stride; !bytes.Equal(with.Pix[i:i+with.Stride], without.Pix[i:i+with.Stride]) {
			return with, y + 1, nil
		}
	}
	return nil, 0, fmt.Errorf("the band of fiction was not drawn on a picture of %d by %d", w, h)
}

// ribbonOf keeps the band for each size of picture.
func (g *gen) ribbonOf(w, h int) (*image.RGBA, int, error) {
	type kept struct {
		img  *image.RGBA
		rows int
	}
	if k, ok := g.bands.Load([2]int{w, h}); ok {
		return k.(kept).img, k.(kept).rows, nil
	}
	m, n, err := g.ribbon(w, h)
	if err != nil {
		return nil, 0, err
	}
	g.bands.Store([2]int{w, h}, kept{m, n})
	return m, n, nil
}

// bandRows is how many rows of a picture the band takes.
func (g *gen) bandRows(w, h int) int {
	_, n, err := g.ribbonOf(w, h)
	if err != nil {
		return h / 8 // strip reports it
	}
	return n
}

// strip lays the band across the top of a picture.
func (g *gen) strip(img *image.RGBA) error {
	b := img.Bounds()
	m, n, err := g.ribbonOf(b.Dx(), b.Dy())
	if err != nil {
		return err
	}
	draw.Draw(img, image.Rect(0, 0, b.Dx(), n), m, image.Point{}, draw.Src)
	return nil
}

// halve draws src at half size.
func halve(dst *image.RGBA, at image.Point, src *image.RGBA) {
	b := src.Bounds()
	for y := range b.Dy() / 2 {
		for x := range b.Dx() / 2 {
			i := src.PixOffset(2*x, 2*y)
			o := dst.PixOffset(at.X+x, at.Y+y)
			for k := range 4 {
				dst.Pix[o+k] = uint8((int(src.Pix[i+k]) + int(src.Pix[i+4+k]) + int(src.Pix[i+src.Stride+k]) + int(src.Pix[i+src.Stride+4+k]) + 2) / 4)
			}
		}
	}
}

// turnLeft turns a picture a quarter counter-clockwise: what a telephone held
// upright stores with orientation 6.
func turnLeft(m *image.RGBA) *image.RGBA {
	b := m.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dy(), b.Dx()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			copy(out.Pix[out.PixOffset(y, b.Dx()-1-x):][:4], m.Pix[m.PixOffset(x, y):][:4])
		}
	}
	return out
}

func encode(m image.Image, quality int) ([]byte, error) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("failed to write a JPEG of the exercise: %w", err)
	}
	return b.Bytes(), nil
}

// pngOf writes a PNG with a comment behind its header (tEXt, PNG 1.2, 4.2.3.1).
func pngOf(m image.Image) ([]byte, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		return nil, fmt.Errorf("failed to write a PNG of the exercise: %w", err)
	}
	const head = 8 + 4 + 4 + 13 + 4
	body := append([]byte("tEXtComment\x00"), marked...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	chunk = append(chunk, body...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
	d := b.Bytes()
	return append(append(append([]byte(nil), d[:head]...), chunk...), d[head:]...), nil
}
