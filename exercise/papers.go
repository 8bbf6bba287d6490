package exercise

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"sightline/raster"
	"sightline/sight"
	"sightline/when"
	"sightline/where"
)

// paper is a document of one page.
type paper struct {
	name, title string
	lines       []string // "# " a heading, "" a gap
	owner       *owner
	recording   string
	en, es      string
}

// papers makes the PDF documents.
func (g *gen) papers() error {
	says := clock(g.says)
	list := []paper{{name: "comunicado_12.pdf", title: "Comunicado 12", owner: patrol, recording: "communique-12",
		lines: []string{"# GUARDIA VIAL (organismo inventado)", "Comunicado 12 - Loma Candil, 10 de mayo de 2019", "",
			"1. La patrulla Garza 4 fue apedreada desde la casa en forma de A.", "2. Hubo un único disparo de advertencia a las " + says + ".", "3. No hubo heridos ni daños.", "", "Oficina de prensa de la Guardia Vial"},
		en: "Communique 12 of Road Watch, one page: a single warning shot at " + says + ".", es: "Comunicado 12 de la Guardia Vial, una página: un único disparo de advertencia a las " + says + "."}}
	if g.Full {
		list = append(list, paper{name: "hoja_reparto.pdf", title: "Hoja de reparto", owner: driver, recording: "delivery-sheet",
			lines: []string{"# COOPERATIVA AGUA CLARA (inventada)", "Hoja de reparto - 10 de mayo de 2019 - camión 3", "", "Parada 1  Escuela        8.000 l   entregado", "Parada 2  Loma Candil    6.000 l   no entregado", "", "Observación: retenido en la carretera, tanque dañado,", "regresó sin repartir. Sin hora."},
			en:    "Delivery sheet of the water cooperative: held on the mountain road, tank damaged, no hour.", es: "Hoja de reparto de la cooperativa: retenido en la carretera, tanque dañado, sin hora."},
			paper{name: "estacion_meteo.pdf", title: "Boletín de la estación", owner: reporter,
				lines: []string{"# ESTACIÓN METEOROLÓGICA LA LOMA (inventada)", "Boletín del 10 de mayo de 2019, 08:00 a 10:00", "", fmt.Sprintf("Temperatura del aire   %.0f °C", g.truth.AirC), "Viento                 en calma", "Nubes                  dispersas", "", "Reloj de la estación sincronizado por satélite."},
				en:    fmt.Sprintf("Bulletin of a weather station: %.0f degrees Celsius, still air.", g.truth.AirC), es: fmt.Sprintf("Boletín de una estación meteorológica: %.0f grados, aire en calma.", g.truth.AirC)})
	}
	g.total += len(list)
	for _, p := range list {
		g.files = append(g.files, &media{name: p.name, kind: "document", data: pdf(p), owner: p.owner, en: p.en, es: p.es, recording: p.recording, set: func(string) {}})
		if err := g.step(p.name); err != nil {
			return err
		}
	}
	return nil
}

// winAnsi writes text in the encoding of the PDF's fonts (ISO 32000-1, annex
// D: Latin 1 for what is used here), escaped for a literal string.
func winAnsi(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '(' || r == ')' || r == '\\':
			b.WriteByte('\\')
			b.WriteByte(byte(r))
		case r < 256:
			b.WriteByte(byte(r))
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

// pdf writes a page of A4 (ISO 32000-1) with the mark of fiction in a band at
// the top, across the page, and in its metadata.
func pdf(p paper) []byte {
	var page bytes.Buffer
	fmt.Fprintf(&page, "0.93 g 0 806 595 36 re f 0 g\nBT /F2 14 Tf 60 818 Td (%s) Tj ET\n", winAnsi(band+" - documento ficticio"))
	fmt.Fprintf(&page, "q 0.88 g BT /F2 64 Tf 0.62 0.78 -0.78 0.62 150 190 Tm (EJERCICIO) Tj ET Q\n0 g\n")
	y := 750
	for _, l := range p.lines {
		size, font := 12, "F1"
		if h, ok := strings.CutPrefix(l, "# "); ok {
			l, size, font = h, 16, "F2"
		}
		if l != "" {
			fmt.Fprintf(&page, "BT /%s %d Tf 60 %d Td (%s) Tj ET\n", font, size, y, winAnsi(l))
		}
		y -= 14 + size/2
	}
	fmt.Fprintf(&page, "BT /F1 8 Tf 60 40 Td (%s) Tj ET\n", winAnsi(marked))
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", page.Len(), page.String()),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
		fmt.Sprintf("<< /Title (%s) /Subject (%s) /Keywords (EXERCISE, EJERCICIO, fictional) /Producer (sightline exercise) >>", winAnsi(band+": "+p.title), winAnsi(marked)),
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n%\xE2\xE3\xCF\xD3\n")
	var at []int
	for i, o := range objects {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	x := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R /Info 7 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, x)
	return b.Bytes()
}

// satellite makes the picture from above: a narrow view from far up, so that
// nearly all lines of sight are vertical, north at the top. Its footprint on
// the ground is in the truth; what the provider prints is rounded.
func (g *gen) satellite() error {
	r := g.stream(forPhotos + 600)
	n, samples := 480, 1
	if g.Full {
		n, samples = 1200, 2
	}
	t := g.t0 - when.Instant(20*when.Minute) - when.Instant(r.Int64N(12*when.Minute))
	prep, err := g.prepare(t, true, 2*n)
	if err != nil {
		return err
	}
	const high, wide = 40_000.0, 240.0
	cam := sight.Camera{Width: n, Height: n, Position: [3]float64{between(r, -18, 18), between(r, -18, 18), high}, FocalPx: float64(n) * high / wide,
		PrincipalPoint: [2]float64{float64(n) / 2, float64(n) / 2}, Rotation: [4]float64{0, 1, 0, 0}} // x east, y south, z down
	m, err := prep.Render(cam, raster.Options{Style: raster.Photo, Samples: samples, Seed: r.Uint32(), CloudCover: -1, HazeM: -1, Vignette: -1, Exposure: 1.05, Workers: g.Workers})
	if err != nil {
		return fmt.Errorf("failed to render the picture from above: %w", err)
	}
	if err := g.strip(m.RGBA); err != nil {
		return err
	}
	s := g.sunAt(t)
	im := Image{Device: "satellite", TimeMS: int64(t), Camera: cameraOf(cam), HouseM: high, SunAz: float64(s.Azimuth), SunEl: float64(s.Apparent), Points: g.pixels(cam, m), Shadows: []ShadowTip{}, Stored: 1, File: "vista_satelital.png"}
	org := g.truth.Origin
	frame := where.NewFrame(where.Geodetic{Lat: where.Degrees(org.Lat), Lon: where.Degrees(org.Lon), H: where.Metres(org.H)})
	var printed []string
	for _, c := range [4][2]float64{{0, 0}, {1, 0}, {1, 1}, {0, 1}} {
		e, u := cam.Position[0]+(c[0]-0.5)*wide, 0.0
		k := cam.Position[1] - (c[1]-0.5)*wide
		for range 4 { // the ray meets the ground a little nearer than at height 0
			var ok bool
			if u, ok = g.doc.Ground(e, k); !ok {
				return fmt.Errorf("seed %d: the picture from above reaches past the ground: choose another seed", g.Seed)
			}
			f := (high - u) / high
			e, k = cam.Position[0]+(c[0]-0.5)*wide*f, cam.Position[1]-(c[1]-0.5)*wide*f
		}
		im.Ground = append(im.Ground, [3]float64{e, k, u})
		geo := frame.Geodetic(where.ENU{e, k, u})
		printed = append(printed, fmt.Sprintf("%.5f %.5f", math.Round(float64(geo.Lat)*1e5)/1e5, math.Round(float64(geo.Lon)*1e5)/1e5))
	}
	data, err := pngOf(m.RGBA)
	if err != nil {
		return err
	}
	g.truth.Images = append(g.truth.Images, im)
	at := len(g.truth.Images) - 1
	corners := strings.Join(printed, ", ")
	g.files = append(g.files, &media{name: im.File, kind: "image", data: data, owner: orbiter,
		en:  "Rendered picture from above, north at the top, of about " + local(t).Format("15:04") + "; corners from the top left clockwise, as printed: " + corners + ".",
		es:  "Imagen generada desde arriba, norte hacia arriba, de hacia las " + local(t).Format("15:04") + "; esquinas desde arriba a la izquierda en sentido horario, como están impresas: " + corners + ".",
		set: func(id string) { g.truth.Images[at].Item = id }})
	return g.step(im.File)
}

// plantWitness notes who must be blurred.
func (g *gen) plantWitness() {
	for _, f := range g.files {
		if f.witness {
			g.plant("blur", g.idOf(f.name), "The neighbour states where she recorded and asks that it is not published: an edition may show it blurred by 150 m or not at all.", g.home)
		}
	}
}
