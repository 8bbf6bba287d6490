package exercise

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"sort"
	"time"

	"sightline"
	"sightline/when"
)

// post is one row of the records: a post, a document or a transcript.
type post struct {
	id        string
	media     string
	owner     *owner
	title     [2]string
	text      [2]string
	citation  string
	posted    when.Instant
	recording string // transcripts: the clip they are of
	sourceTyp string
}

// clock shows an instant as people of the case write it.
func clock(t when.Instant) string { return local(t).Format("15:04") }

// invent writes the posts, documents and transcripts. Ids go on after those of
// the files.
func (g *gen) invent(files int) {
	r := g.stream(forPosts)
	after := func(minutes float64) when.Instant {
		return g.t0 + when.Instant(minutes*float64(when.Minute)) + when.Instant(r.Int64N(50_000))
	}
	official := g.says
	first := after(3)
	add := func(p post) { g.posts = append(g.posts, &p) }
	add(post{media: "post", owner: neighbours, posted: after(-62), citation: "Neighbourhood board (invented), message 1", sourceTyp: "post",
		title: [2]string{"A post: vehicles on the mountain road", "Publicación: vehículos en la carretera"},
		text:  [2]string{"EXERCISE. \"Two Road Watch vehicles have stopped below the A-frame house.\"", "EJERCICIO. «Dos vehículos de la Guardia Vial se pararon debajo de la casa en forma de A.»"}})
	add(post{media: "post", owner: driver, posted: after(-24), citation: "Neighbourhood board (invented), message 2", sourceTyp: "post",
		title: [2]string{"A post: the water truck is held", "Publicación: retienen el camión de agua"},
		text:  [2]string{"EXERCISE. \"They will not let the water truck of the cooperative pass.\"", "EJERCICIO. «No dejan pasar el camión de agua de la cooperativa.»"}})
	add(post{media: "post", owner: neighbours, posted: first, citation: "Neighbourhood board (invented), message 3", sourceTyp: "post",
		title: [2]string{"A post: bangs heard just now", "Publicación: detonaciones hace un momento"},
		text:  [2]string{"EXERCISE. \"Bangs on the road just now. We are all well.\"", "EJERCICIO. «Detonaciones en la carretera hace un momento. Estamos todos bien.»"}})
	if g.Full {
		add(post{media: "post", owner: driver, posted: after(11), citation: "Neighbourhood board (invented), message 4", sourceTyp: "post",
			title: [2]string{"A post: a hole in the tank", "Publicación: un agujero en el tanque"},
			text:  [2]string{"EXERCISE. \"The water tank has a hole. Nobody is hurt. They fired from beside their vehicles.\"", "EJERCICIO. «El tanque de agua tiene un agujero. No hay heridos. Dispararon desde al lado de sus vehículos.»"}})
		add(post{media: "post", owner: reporter, posted: after(26), citation: "Hill Courier (invented), flash 7", sourceTyp: "press",
			title: [2]string{"The Hill Courier reports bangs", "El Correo de la Loma informa de detonaciones"},
			text:  [2]string{"EXERCISE. The paper asks for photos and recordings from Loma Candil and reports nobody hurt.", "EJERCICIO. El diario pide fotos y grabaciones de Loma Candil e informa que no hay heridos."}})
		add(post{media: "post", owner: reporter, posted: after(190), citation: "Hill Courier (invented), flash 9", sourceTyp: "press",
			title: [2]string{"The Hill Courier repeats the communique", "El Correo de la Loma repite el comunicado"},
			text:  [2]string{fmt.Sprintf("EXERCISE. The paper repeats that, according to Road Watch, the first shot came at %s.", clock(official)), fmt.Sprintf("EJERCICIO. El diario repite que, según la Guardia Vial, el primer disparo fue a las %s.", clock(official))}})
	}
	if g.Full {
		add(post{media: "post", owner: neighbours, posted: after(5), citation: "Neighbourhood board (invented), message 5, removed by its author at " + clock(after(21)) + "; copy kept by the Hill Courier", sourceTyp: "post",
			title: [2]string{"A post, removed since: who stood by the vehicles", "Publicación, retirada después: quiénes estaban junto a los vehículos"},
			text:  [2]string{"EXERCISE. \"Three in uniform stand by the vehicles below the A-frame house. I filmed it.\" The post is no longer on the board.", "EJERCICIO. «Tres de uniforme están junto a los vehículos, debajo de la casa en forma de A. Lo filmé.» La publicación ya no está en el tablón."}})
	}
	communique := len(g.posts)
	add(post{media: "document", owner: patrol, recording: "communique-12", posted: after(150), citation: "Road Watch (invented), communique 12", sourceTyp: "official claim",
		title: [2]string{"Communique 12 of Road Watch", "Comunicado 12 de la Guardia Vial"},
		text:  [2]string{fmt.Sprintf("EXERCISE. Road Watch states that its patrol was stoned from the A-frame house and that a single warning shot was fired at %s.", clock(official)), fmt.Sprintf("EJERCICIO. La Guardia Vial afirma que su patrulla fue apedreada desde la casa en forma de A y que hubo un único disparo de advertencia a las %s.", clock(official))}})
	if g.Full {
		add(post{media: "document", owner: driver, recording: "delivery-sheet", posted: after(1400), citation: "Agua Clara cooperative (invented), delivery sheet", sourceTyp: "document",
			title: [2]string{"Delivery sheet of the water cooperative", "Hoja de reparto de la cooperativa de agua"},
			text:  [2]string{"EXERCISE. The sheet notes: \"held on the mountain road, tank damaged, returned without delivering\". It states no hour.", "EJERCICIO. La hoja anota: «retenido en la carretera, tanque dañado, regresó sin repartir». No indica hora."}})
	}
	for _, p := range g.transcripts() {
		add(p)
	}
	for i, p := range g.posts {
		p.id = fmt.Sprintf("%s-%03d", prefix, files+1+i)
	}
	for _, p := range g.posts {
		g.truth.Posts = append(g.truth.Posts, Post{p.id, int64(p.posted), p.text[0]})
	}
	if id := g.find("A post, removed since: who stood by the vehicles"); id != "" {
		g.plant("deleted", id, "Its author removed it; what remains is the copy. The board's numbering goes on over it.", nil)
	}
	g.truth.Official.Item, g.truth.Official.Claim = g.posts[communique].id, "C-01"
	g.truth.Official.SaysMS, g.truth.Official.FirstShot = int64(official), int64(g.t0)
}

var header = []string{"evidence_id", "title_en", "title_es", "description_visible_en", "description_visible_es", "media_type", "source_name_en", "source_name_es", "source_citation", "source_type", "perspective", "account", "recording", "language", "sensitivity", "posted_earliest_utc", "posted_latest_utc", "public", "licence", "consent"}

// records is the spreadsheet of the case.
func (g *gen) records() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write(header); err != nil {
		return nil, fmt.Errorf("failed to write the records: %w", err)
	}
	for _, p := range g.posts {
		// A platform prints minutes.
		low := p.posted - p.posted%when.Instant(when.Minute)
		from, to := low.Time().Format(time.RFC3339), (low + when.Instant(when.Minute) - 1).Time().Format("2006-01-02T15:04:05.000Z07:00")
		if p.posted == 0 {
			from, to = "", ""
		}
		row := []string{p.id, p.title[0], p.title[1], p.text[0], p.text[1], p.media, p.owner.name[0], p.owner.name[1], p.citation, p.sourceTyp, p.owner.perspective, p.owner.account, p.recording, "es", "none", from, to, "publish", licence, "not_needed"}
		if err := w.Write(row); err != nil {
			return nil, fmt.Errorf("failed to write the records: %w", err)
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

func recordsMap() any {
	return map[string]any{
		"format": "sightline.map/1", "name": "EXERCISE records", "zone": zone,
		"columns": map[string]any{
			"evidence_id": "id", "title_en": "title.en", "title_es": "title.es", "description_visible_en": "seen.en", "description_visible_es": "seen.es",
			"media_type": "media", "source_name_en": "source.name.en", "source_name_es": "source.name.es", "source_citation": "source.citation", "source_type": "source.type",
			"perspective": "source.perspective", "account": "lane", "recording": "source.recording", "language": "language", "sensitivity": "sensitivity",
			"posted_earliest_utc": "@posted.utc_from", "posted_latest_utc": "@posted.utc_to", "public": "public.decision", "licence": "rights.licence", "consent": "rights.consent",
		},
		"required": []string{"evidence_id", "title_en", "title_es", "description_visible_en", "description_visible_es"},
	}
}

// itemPatch is what the document says about a file that was added before it.
// The name is a guard: intake refuses the patch if the id belongs to another
// file.
type itemPatch struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Title       sightline.Text    `json:"title"`
	Seen        sightline.Text    `json:"seen"`
	Alt         sightline.Text    `json:"alt,omitempty"`
	Media       string            `json:"media"`
	Source      sightline.Source  `json:"source"`
	Lane        string            `json:"lane"`
	Places      []sightline.Place `json:"places,omitempty"`
	Language    string            `json:"language,omitempty"`
	Sensitivity string            `json:"sensitivity"`
	Rights      sightline.Rights  `json:"rights"`
	Public      sightline.Public  `json:"public"`
	Workflow    string            `json:"workflow"`
}

type document struct {
	Format   string               `json:"format"`
	Case     map[string]any       `json:"case"`
	Items    []itemPatch          `json:"items"`
	Accounts []*sightline.Account `json:"accounts"`
	Entities []*sightline.Entity  `json:"entities"`
	Claims   []*sightline.Claim   `json:"claims"`
	Gaps     []*sightline.Gap     `json:"gaps"`
	Stories  []*sightline.Story   `json:"stories"`
}

// find gives the ids of the posts by the beginning of their English title.
func (g *gen) find(title string) string {
	for _, p := range g.posts {
		if p.title[0] == title {
			return p.id
		}
	}
	return ""
}

// document is case.json: what the investigators know and write at the start.
// It is made from what stands in case alone.
func (g *gen) document(ids map[*media]string) *document {
	d := &document{Format: sightline.DocumentFormat}
	words := map[string][2]string{"photo": {"Photo", "Foto"}, "image": {"Image", "Imagen"}, "video": {"Video", "Video"}, "audio": {"Recording", "Grabación"}, "document": {"Document", "Documento"}}
	var recordings []string
	firstPhoto := ""
	for _, f := range g.files {
		w := words[f.kind]
		p := itemPatch{ID: ids[f], Name: f.name, Media: f.kind, Lane: f.owner.account, Sensitivity: "none", Workflow: "todo",
			Title:  both(w[0]+" "+f.name, w[1]+" "+f.name),
			Seen:   both("EXERCISE. "+f.en, "EJERCICIO. "+f.es),
			Source: sightline.Source{Name: both(f.owner.name[0], f.owner.name[1]), Perspective: f.owner.perspective, Type: "exercise"},
			Rights: sightline.Rights{Licence: licence, Holder: credited, Consent: "not_needed"},
			Public: sightline.Public{Decision: "publish", Media: "publish"}}
		if f.kind == "photo" || f.kind == "image" || f.kind == "video" {
			p.Public.Faces = "none_seen" // figures are drawn without faces
		}
		p.Source.Recording = f.recording
		if f.witness {
			// She said where she lives so that the sound can be placed, and asked
			// that nobody else learn it: blurred wherever it is published.
			p.Places = []sightline.Place{{Role: "camera", Form: "point", Label: both("Where the neighbour recorded, as she states it", "Donde grabó la vecina, según dice"), ENU: g.home, RadiusM: 6, Status: "claimed", FuzzM: 150}}
			p.Seen = both("EXERCISE. "+f.en+" The neighbour recorded at her house and asks that the place is not published.", "EJERCICIO. "+f.es+" La vecina grabó en su casa y pide que no se publique el lugar.")
		}
		if f.kind != "audio" && f.kind != "document" {
			p.Alt = both("Exercise, invented. "+f.en, "Ejercicio, inventado. "+f.es)
		}
		if f.kind == "audio" && f.owner != scanner {
			recordings = append(recordings, ids[f])
		}
		if f.kind == "photo" && firstPhoto == "" {
			firstPhoto = ids[f]
		}
		d.Items = append(d.Items, p)
	}
	post := g.find("A post: bangs heard just now")
	held := g.find("A post: the water truck is held")
	stopped := g.find("A post: vehicles on the mountain road")
	com := g.truth.Official.Item
	says := clock(when.Instant(g.truth.Official.SaysMS))
	org := g.lay.spec.Frame.Origin
	place := sightline.Place{Role: "area", Form: "point", Label: both(placeEN, placeES), Geo: &sightline.Geo{Lat: org.Lat, Lon: org.Lon, H: &org.H, Datum: "ellipsoid"}, ENU: &[3]float64{0, 0, 0}, RadiusM: 400, Approx: true, Status: "claimed"}
	d.Case = map[string]any{
		"prefix": prefix, "exercise": true, "zone": zone, "date": "2019-05-10", "languages": []string{"en", "es"}, "place": place,
		"title":      both("EXERCISE: Loma Candil, 10 May 2019", "EJERCICIO: Loma Candil, 10 de mayo de 2019"),
		"summary":    both(fmt.Sprintf("A fictional incident: Road Watch, an invented agency, says it fired one warning shot at %s [%s]; a neighbour posted about bangs before that [%s].", says, com, post), fmt.Sprintf("Un suceso ficticio: la Guardia Vial, un organismo inventado, dice que hizo un disparo de advertencia a las %s [%s]; una vecina publicó antes sobre detonaciones [%s].", says, com, post)),
		"standard":   both("This is an exercise. Treat it as you would a real case: nothing is verified that two people have not checked independently.", "Esto es un ejercicio. Trátelo como un caso real: nada está verificado si dos personas no lo comprobaron de forma independiente."),
		"method":     both("context: Everything in this case was invented by a program for training and measurement. No person, place, agency or event in it is real.\n\ncontext: Photos are rendered, sounds are computed, clocks of devices are wrong on purpose.", "context: Todo en este caso lo inventó un programa para practicar y medir. Ninguna persona, lugar, organismo ni hecho es real.\n\ncontext: Las fotos son generadas, los sonidos calculados y los relojes de los aparatos están mal a propósito."),
		"limits":     both("not established: When the shots were fired, from where, and how many. Finding that out is the exercise.", "not established: Cuándo se disparó, desde dónde y cuántas veces. Averiguarlo es el ejercicio."),
		"unverified": both("This is an exercise as it is handed out: nobody has reviewed anything in it yet, and finding out what holds is the task.", "Este ejercicio se publica tal como se reparte: nadie ha revisado nada en él todavía, y averiguar qué se sostiene es la tarea."),
		"contact":    both("This exercise takes no material.", "Este ejercicio no recibe material."),
		"phases":     []sightline.Phase{{ID: "stop", Title: both("The stop", "La retención")}, {ID: "shots", Title: both("The shots", "Los disparos")}, {ID: "after", Title: both("Afterwards", "Después")}},
	}
	for i, a := range []struct{ id, letter, en, es string }{
		{"roadwatch", "W", "Road Watch (invented)", "Guardia Vial (inventada)"}, {"cooperative", "C", "Water cooperative (invented)", "Cooperativa de agua (inventada)"},
		{"neighbours", "N", "Neighbours (invented)", "Vecinos (inventados)"}, {"press", "P", "Press (invented)", "Prensa (inventada)"}, {"radio", "R", "Radio (invented)", "Radio (inventada)"},
	} {
		d.Accounts = append(d.Accounts, &sightline.Account{ID: a.id, Letter: a.letter, Title: both(a.en, a.es), Order: i + 1, Lane: true})
	}
	entity := func(id, kind, en, es string, items ...string) {
		sort.Strings(items)
		d.Entities = append(d.Entities, &sightline.Entity{ID: id, Type: kind, Name: both(en, es), Items: items, Note: both("EXERCISE: invented.", "EJERCICIO: inventado.")})
	}
	entity("N-01", "unit", "Road Watch", "Guardia Vial", com, stopped)
	entity("N-02", "organisation", "Agua Clara water cooperative", "Cooperativa de agua Agua Clara", held)
	var radio []string
	for _, p := range g.posts {
		if p.recording != "" {
			radio = append(radio, p.id)
		}
	}
	entity("N-03", "call_sign", "Heron 4", "Garza 4", radio...)
	entity("N-04", "vehicle", "water truck", "camión de agua", held)
	c1 := &sightline.Claim{ID: "C-01", Account: "roadwatch", Status: "contested", Public: true, Items: []string{com},
		Text:     both("A single warning shot was fired at "+says, "Hubo un único disparo de advertencia a las "+says),
		Reason:   both("A post that says \"just now\" is earlier. When the recordings were made is not yet known.", "Una publicación que dice «hace un momento» es anterior. Aún no se sabe cuándo se hicieron las grabaciones."),
		Against:  []sightline.Link{{To: post, Strength: "moderate", Reason: both("A neighbour posts about bangs \"just now\", before that hour.", "Una vecina publica sobre detonaciones «hace un momento», antes de esa hora.")}},
		NotShown: both("The post does not show who fired.", "La publicación no muestra quién disparó.")}
	low := when.Instant(g.truth.Official.SaysMS)
	c1.Time = &sightline.Time{Interval: when.Between(low, low+when.Instant(when.Minute)-1), Zone: zone, Precision: "minute", Status: "claimed", Printed: says}
	for _, id := range recordings[:min(len(recordings), 3)] {
		c1.Against = append(c1.Against, sightline.Link{To: id, Strength: "weak", Reason: both("A recording; its clock has not been checked.", "Una grabación; su reloj no se ha comprobado.")})
	}
	d.Claims = []*sightline.Claim{c1, {ID: "C-02", Account: "cooperative", Status: "unsupported", Public: true, Items: []string{held},
		Text: both("The water truck was held on the mountain road", "El camión de agua fue retenido en la carretera"), NotShown: both("One post says so; nobody has yet matched it with a picture.", "Lo dice una publicación; nadie la ha cotejado aún con una imagen.")}}
	d.Gaps = []*sightline.Gap{{ID: "G-01", Public: true, Title: both("Who fired, and when", "Quién disparó y cuándo"), Items: []string{com, post},
		Text:  both(fmt.Sprintf("Between the post about the truck [%s] and the communique [%s] no item states a checked time for the shots.", held, com), fmt.Sprintf("Entre la publicación sobre el camión [%s] y el comunicado [%s], ninguna pieza da una hora comprobada de los disparos.", held, com)),
		Asked: both("Recordings with the shots, photos of the road, original files with their metadata.", "Grabaciones con los disparos, fotos de la carretera, archivos originales con sus metadatos.")}}
	view := func(eye, target [3]float64, sel string) sightline.View {
		return sightline.View{Camera: &sightline.ViewCamera{Eye: eye, Target: target, VFovDeg: 40}, Select: sel}
	}
	vs := g.lay.spec.Views
	d.Stories = []*sightline.Story{{ID: "day", Public: true, Title: both("EXERCISE: a stop on the mountain road", "EJERCICIO: una retención en la carretera"),
		Intro: both("context: A fictional incident for training. Nobody in it exists.", "context: Un suceso ficticio para practicar. Nadie en él existe."),
		Steps: []sightline.Step{
			{ID: "1", Phase: "stop", Title: both("The road below the house", "La carretera debajo de la casa"), View: view(vs[0].Eye, vs[0].Target, firstPhoto),
				Text:  both(fmt.Sprintf("A post says that two Road Watch vehicles stopped below the A-frame house [%s]. Another says that the water truck was not let pass [%s].\n\ncontext: Every name here is invented.", stopped, held), fmt.Sprintf("Una publicación dice que dos vehículos de la Guardia Vial se pararon debajo de la casa en forma de A [%s]. Otra dice que no dejaron pasar el camión de agua [%s].\n\ncontext: Todos los nombres son inventados.", stopped, held)),
				Still: both("Exercise: drawing of a mountain road below an A-frame house.", "Ejercicio: dibujo de una carretera de montaña debajo de una casa en forma de A.")},
			{ID: "2", Phase: "shots", Claim: "C-01", Title: both("One shot, says the communique", "Un disparo, dice el comunicado"), View: view(vs[1].Eye, vs[1].Target, com),
				Text:  both(fmt.Sprintf("Road Watch states a single warning shot at %s [%s]. A neighbour wrote of bangs \"just now\" before that hour [%s].\n\nnot established: How many shots there were, and when [G-01].", says, com, post), fmt.Sprintf("La Guardia Vial afirma un único disparo de advertencia a las %s [%s]. Una vecina escribió sobre detonaciones «hace un momento» antes de esa hora [%s].\n\nnot established: Cuántos disparos hubo y cuándo [G-01].", says, com, post)),
				Still: both("Exercise: drawing of the A-frame house seen from the road.", "Ejercicio: dibujo de la casa en forma de A vista desde la carretera.")},
			{ID: "3", Phase: "after", Title: both("What is asked for", "Lo que se pide"), View: view(vs[2].Eye, vs[2].Target, post),
				Text:  both("not established: Who fired, and from where [G-01].\n\ncontext: The recordings and photos of this exercise hold the answer.", "not established: Quién disparó y desde dónde [G-01].\n\ncontext: Las grabaciones y fotos de este ejercicio contienen la respuesta."),
				Still: both("Exercise: plan of the house, the road and the neighbouring buildings.", "Ejercicio: planta de la casa, la carretera y los edificios vecinos.")},
		}}}
	return d
}

func (g *gen) readme() string {
	left := ""
	for _, s := range g.truth.Left {
		left += "\n" + s + "\n"
	}
	return fmt.Sprintf(`EXERCISE / EJERCICIO
====================

EN  A fictional incident, invented by a program (seed %d, size %s). No person,
    place, agency or event in it is real; the coordinates lie in open sea.
    Use it to train and to measure. Do not pass its pictures on as news.
ES  Un suceso ficticio, inventado por un programa (semilla %d, tamaño %s).
    Ninguna persona, lugar, organismo ni hecho es real; las coordenadas caen en
    mar abierto. Sirve para practicar y medir. No difunda sus imágenes como
    noticia.

media/            files as people sent them
records.csv       posts, documents, transcripts (records.map.json says what the columns mean)
scene.json        what is known of the place: input of "sightline scene build"
case.json         accounts, claims, gaps and a story to begin with

Build the case in this order, because the ids in case.json follow it:

  sightline new ejercicio --title "EXERCISE Loma Candil" --prefix %s --zone %s --lang en,es --date 2019-05-10
  sightline scene build scene.json -o scene
  sightline add --case ejercicio --as scene --reason exercise scene
  sightline add --case ejercicio --reason exercise media
  sightline add --case ejercicio --as records --map records.map.json --reason exercise records.csv
  sightline add --case ejercicio --as document --reason exercise case.json

In the pictures the band at the top is part of the file. Air temperature on the
day, as a weather station (invented) printed it: %.0f C.
%s`, g.Seed, g.size, g.Seed, g.size, prefix, zone, g.truth.AirC, left)
}
