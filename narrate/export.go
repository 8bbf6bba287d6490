package narrate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"sightline"
	"sightline/when"
	"sightline/where"
)

// Log is the evidence log of a case as tables: the log itself, one row for
// each item, and the long tables for what a flat row cannot hold. Columns and
// their order are part of the format (docs/formats/evidence-log.md); a new
// column is added at the end.
type Log struct {
	Case   *sightline.Case
	Head   sightline.Head
	Tables []Table // evidence, observations, claims, links
}

// Table is a sheet: English keys, headers in the languages of the interface,
// and rows sorted by id.
type Table struct {
	Name    string
	Title   sightline.Text
	Columns []Column
	Rows    [][]string
}

// Column is one column; Words lists the values it may hold, where they are fixed.
type Column struct {
	Key    string
	Header sightline.Text
	Words  []string
	Number bool
}

func col(key, en, es string, words ...string) Column {
	return Column{Key: key, Header: sightline.Text{"en": en, "es": es}, Words: words}
}

func numeric(key, en, es string) Column {
	c := col(key, en, es)
	c.Number = true
	return c
}

var statusWords = []string{"none", "claimed", "estimated", "verified", "disputed", "refuted"}

// EvidenceColumns are the columns of the evidence log, in order.
var EvidenceColumns = []Column{
	col("evidence_id", "Id", "Id"), col("title", "Title", "Título"), col("description_visible", "What can be seen or heard", "Lo que se ve u oye"),
	col("media_type", "Kind", "Clase", "photo", "video", "audio", "post", "document", "record", "image"), col("sha256", "SHA-256", "SHA-256"),
	numeric("size_bytes", "Bytes", "Bytes"), col("phash", "Perceptual hash", "Huella perceptual"), col("original_filename", "File name as received", "Nombre del archivo recibido"),
	col("source_url", "Source address", "Dirección de la fuente"), col("archive_urls", "Archived copies", "Copias archivadas"), col("wacz_sha256", "WACZ SHA-256", "SHA-256 del WACZ"),
	col("platform", "Platform", "Plataforma"), col("author_handle", "Author", "Autor"), col("posted_at_utc", "Published (UTC)", "Publicado (UTC)"),
	col("first_seen_utc", "First logged (UTC)", "Registrado por primera vez (UTC)"), col("collected_at_utc", "Collected (UTC)", "Recogido (UTC)"), col("collected_by", "Collected by", "Recogido por"),
	col("collection_method", "How collected", "Cómo se recogió"), col("language", "Language", "Idioma"),
	col("perspective", "Perspective", "Perspectiva", "citizen", "security_forces", "victim", "press", "official", "satellite", "unknown"),
	col("sensitivity", "Sensitivity", "Sensibilidad", "none", "graphic", "personal", "source_at_risk"), col("claimed_date", "Date as the source gives it", "Fecha según la fuente"),
	col("claimed_place", "Place as the source gives it", "Lugar según la fuente"), col("duplicate_of", "Duplicate of", "Duplicado de"),
	numeric("lat", "Latitude", "Latitud"), numeric("lon", "Longitude", "Longitud"), col("mgrs", "MGRS", "MGRS"), numeric("alt_m", "Height (m)", "Altura (m)"),
	numeric("bearing_deg", "Direction (°)", "Dirección (°)"), numeric("hfov_deg", "Horizontal field (°)", "Campo horizontal (°)"), numeric("pos_err_m_95", "Position error, 95 % (m)", "Error de posición, 95 % (m)"),
	col("location_precision", "Precision of place", "Precisión del lugar", "exact", "vicinity", "locality", "region", "not_located"), col("location_status", "Status of place", "Estado del lugar", statusWords...),
	col("location_confidence", "Confidence in place", "Confianza en el lugar", "low", "medium", "high"), col("location_method", "Method for place", "Método para el lugar"),
	col("time_earliest_utc", "Earliest (UTC)", "Lo más temprano (UTC)"), col("time_latest_utc", "Latest (UTC)", "Lo más tarde (UTC)"), col("time_local_display", "Local time in words", "Hora local en palabras"),
	col("tz", "Zone", "Zona"), col("time_status", "Status of time", "Estado de la hora", statusWords...), col("time_confidence", "Confidence in time", "Confianza en la hora", "low", "medium", "high"),
	col("time_method", "Method for time", "Método para la hora"),
	col("auth_status", "Authenticity", "Autenticidad", "not_checked", "no_sign_of_manipulation", "altered_benign", "altered_deceptive", "synthetic_suspected"), col("auth_notes", "Notes on authenticity", "Notas sobre autenticidad"),
	col("people_units", "People and units", "Personas y unidades"), col("equipment", "Vehicles and weapons", "Vehículos y armas"),
	col("reviewer_1", "First analyst", "Primer analista"), col("reviewed_1_at", "First review", "Primera revisión"), col("reviewer_2", "Second analyst", "Segundo analista"), col("reviewed_2_at", "Second review", "Segunda revisión"),
	col("reviewer_2_blind", "Second was blind", "La segunda fue a ciegas", "yes", "no"), numeric("disagreement_m", "Disagreement (m)", "Desacuerdo (m)"), numeric("disagreement_s", "Disagreement (s)", "Desacuerdo (s)"),
	col("status", "Workflow", "Trabajo", "todo", "in_progress", "help_needed", "ready_for_review", "reviewed", "cancelled"), col("public", "Public", "Público", "undecided", "publish", "withhold"),
	numeric("public_lat", "Public latitude", "Latitud pública"), numeric("public_lon", "Public longitude", "Longitud pública"), numeric("public_fuzz_m", "Public fuzz (m)", "Imprecisión pública (m)"),
	col("withhold_reason", "Why withheld", "Por qué se retiene"), col("licence", "Licence", "Licencia"), col("consent", "Consent", "Consentimiento", "not_needed", "given", "refused", "not_asked"),
	col("redactions", "Redactions", "Tachaduras"), col("claims_for", "Speaks for", "Habla a favor de"), col("claims_against", "Speaks against", "Habla en contra de"),
	col("notes", "Notes", "Notas"), col("updated_at", "Last changed (UTC)", "Último cambio (UTC)"), col("record_sha256", "SHA-256 of this record", "SHA-256 de este registro"),
}

// ReadLog builds the tables from one state of a case. Texts are in lang, else
// in the first language of the case that has them. The collector is read from
// the sealed part of the entry that collected the item, and left empty where
// that has been erased.
func ReadLog(r sightline.Reader, lang string) (*Log, error) {
	head, err := r.Head()
	if err != nil {
		return nil, fmt.Errorf("failed to read the log's head: %w", err)
	}
	cases, err := sightline.All[sightline.Case](r, sightline.KindCase)
	if err != nil || len(cases) == 0 {
		return nil, fmt.Errorf("failed to read the case: %w", err)
	}
	x := &exporter{r: r, c: cases[0], lang: lang}
	if err := x.load(); err != nil {
		return nil, err
	}
	l := &Log{Case: x.c, Head: head}
	evidence, err := x.evidence()
	if err != nil {
		return nil, err
	}
	l.Tables = []Table{evidence, x.observationTable(), x.claimTable(), x.linkTable()}
	return l, nil
}

type exporter struct {
	r            sightline.Reader
	c            *sightline.Case
	lang         string
	items        []*sightline.Item
	rows         map[string]sightline.Row
	observations []*sightline.Observation
	claims       []*sightline.Claim
	entities     map[string]*sightline.Entity
	derivatives  map[string][]*sightline.Derivative
}

func (x *exporter) load() (err error) {
	x.rows = map[string]sightline.Row{}
	for row, err := range x.r.Rows(sightline.KindItem) {
		if err != nil {
			return fmt.Errorf("failed to read the items: %w", err)
		}
		it := new(sightline.Item)
		if err := json.Unmarshal(row.Value, it); err != nil {
			return fmt.Errorf("failed to read %s: %w", row.ID, err)
		}
		x.items, x.rows[row.ID] = append(x.items, it), row
	}
	if x.observations, err = sightline.All[sightline.Observation](x.r, sightline.KindObservation); err != nil {
		return err
	}
	if x.claims, err = sightline.All[sightline.Claim](x.r, sightline.KindClaim); err != nil {
		return err
	}
	entities, err := sightline.All[sightline.Entity](x.r, sightline.KindEntity)
	if err != nil {
		return err
	}
	x.entities = map[string]*sightline.Entity{}
	for _, e := range entities {
		x.entities[e.ID] = e
	}
	derivatives, err := sightline.All[sightline.Derivative](x.r, sightline.KindDerivative)
	if err != nil {
		return err
	}
	x.derivatives = map[string][]*sightline.Derivative{}
	for _, d := range derivatives {
		x.derivatives[d.Item] = append(x.derivatives[d.Item], d)
	}
	return nil
}

func (x *exporter) text(t sightline.Text) string {
	if s := t.In(x.lang, x.c.Languages...); s != "" {
		return s
	}
	keys := make([]string, 0, len(t))
	for k := range t {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		if t[k] != "" {
			return t[k]
		}
	}
	return ""
}

func (x *exporter) evidence() (Table, error) {
	t := Table{Name: "evidence", Title: sightline.Text{"en": "Evidence", "es": "Pruebas"}, Columns: EvidenceColumns}
	speaks := map[string][2][]string{} // item -> claims for, against
	owner := map[string]string{}
	for _, o := range x.observations {
		owner[o.ID] = o.Item
	}
	for _, c := range x.claims {
		for side, links := range [][]sightline.Link{c.For, c.Against} {
			for _, l := range links {
				id := l.To
				if it, ok := owner[id]; ok {
					id = it
				}
				s := speaks[id]
				if n := len(s[side]); n == 0 || s[side][n-1] != c.ID {
					s[side] = append(s[side], c.ID)
				}
				speaks[id] = s
			}
		}
	}
	for _, it := range x.items {
		v, err := x.item(it)
		if err != nil {
			return t, err
		}
		v["claims_for"], v["claims_against"] = strings.Join(speaks[it.ID][0], "; "), strings.Join(speaks[it.ID][1], "; ")
		row := make([]string, len(t.Columns))
		for i, c := range t.Columns {
			row[i] = v[c.Key]
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

func (x *exporter) item(it *sightline.Item) (map[string]string, error) {
	row := x.rows[it.ID]
	sum := sha256.Sum256(row.Value)
	v := map[string]string{
		"evidence_id": it.ID, "title": x.text(it.Title), "description_visible": x.text(it.Seen), "media_type": it.Media, "sha256": it.SHA256,
		"size_bytes": strconv.FormatInt(it.Size, 10), "original_filename": it.Name, "source_url": it.Source.URL,
		"platform": it.Source.Platform, "author_handle": x.text(it.Source.Name), "collected_at_utc": it.Source.Collected, "collection_method": it.Source.Method,
		"language": it.Language, "perspective": it.Source.Perspective, "sensitivity": it.Sensitivity, "duplicate_of": it.DuplicateOf,
		"location_confidence": it.Axes.Place.Confidence, "location_method": it.Axes.Place.Method, "location_status": it.Axes.Place.Status,
		"time_status": it.Axes.Time.Status, "time_confidence": it.Axes.Time.Confidence, "time_method": it.Axes.Time.Method,
		"auth_status": it.Axes.Authenticity.Status, "auth_notes": x.text(it.Axes.Authenticity.Reason),
		"status": it.Workflow, "public": it.Public.Decision, "withhold_reason": x.text(it.Public.Reason),
		"licence": it.Rights.Licence, "consent": it.Rights.Consent, "notes": it.Notes, "updated_at": row.At, "record_sha256": hex.EncodeToString(sum[:]),
	}
	v["phash"] = it.Hashes["pdq"]
	if v["phash"] == "" {
		v["phash"] = it.Hashes["phash"]
	}
	if it.Posted != nil {
		v["posted_at_utc"] = span(it.Posted.Interval)
	}
	if err := x.collected(it.ID, v); err != nil {
		return nil, err
	}
	var archived, redacted, people, things []string
	for _, f := range it.Facts {
		if k := strings.ToLower(f.Field); k == "archive location" || k == "replaywebpage" {
			archived = append(archived, f.Value)
		}
	}
	asked, err := it.RedactionDigest()
	for _, d := range x.derivatives[it.ID] {
		if d.Role == "wacz" {
			v["wacz_sha256"] = d.SHA256
		}
		// In a case the copies made for the redactions as they are now; in an edition those that went out.
		if _, ok := d.Redacted(); ok && err == nil && asked != "" && d.Meta[sightline.RedactedMeta] == asked || d.Meta["redacted"] == "yes" {
			redacted = append(redacted, d.SHA256)
		}
	}
	for _, id := range it.Entities {
		e, ok := x.entities[id]
		if !ok {
			continue
		}
		switch e.Type {
		case "vehicle", "weapon":
			things = append(things, x.text(e.Name))
		case "place":
		default:
			people = append(people, x.text(e.Name))
		}
	}
	v["archive_urls"], v["redactions"] = strings.Join(archived, "; "), strings.Join(redacted, "; ")
	v["people_units"], v["equipment"] = strings.Join(people, "; "), strings.Join(things, "; ")
	x.when(it, v)
	x.where(it, v)
	axis := it.Axes.Place
	if len(axis.By) == 0 {
		axis = it.Axes.Time
	}
	if len(axis.By) == 0 {
		axis = it.Axes.Source
	}
	if len(axis.By) > 0 {
		v["reviewer_1"] = axis.By[0]
		if len(axis.By) > 1 {
			v["reviewer_2"], v["reviewed_2_at"], v["reviewer_2_blind"] = axis.By[1], axis.At, yesNo(axis.Blind)
		} else {
			v["reviewed_1_at"] = axis.At
		}
	}
	return v, nil
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// collected reads who logged the item first, and when.
func (x *exporter) collected(id string, v map[string]string) error {
	history, err := x.r.History(sightline.Ref{Kind: sightline.KindItem, ID: id})
	if err != nil || len(history) == 0 {
		return err
	}
	first := history[0]
	for _, h := range history {
		if h.Rev < first.Rev {
			first = h
		}
	}
	v["first_seen_utc"] = first.At
	sealed, err := x.r.Sealed(first.Seq)
	if err != nil {
		return fmt.Errorf("failed to read who collected %s: %w", id, err)
	}
	for _, s := range sealed {
		if s.Name == "collector" {
			var name string
			if json.Unmarshal(s.Value, &name) == nil {
				v["collected_by"] = name
			}
		}
	}
	return nil
}

func (x *exporter) when(it *sightline.Item, v map[string]string) {
	zone := x.c.Zone
	v["tz"] = zone
	if len(it.Times) == 0 {
		return
	}
	t := it.Times[0]
	if t.Zone != "" {
		v["tz"], zone = t.Zone, t.Zone
	}
	v["time_earliest_utc"], v["time_latest_utc"] = instant(t.Min), instant(t.Max)
	v["time_local_display"] = when.Format(t.Interval, when.Display{Zone: zone, Lang: x.lang, Approx: t.Precision == "about", Day: true})
	v["claimed_date"] = t.Printed
	if t.Status != "" && (v["time_status"] == "" || v["time_status"] == "none") {
		v["time_status"] = t.Status
	}
}

func (x *exporter) where(it *sightline.Item, v map[string]string) {
	if len(it.Places) == 0 {
		v["location_precision"] = "not_located"
		return
	}
	p := it.Places[0]
	v["claimed_place"] = x.text(p.Label)
	if p.Status != "" && (v["location_status"] == "" || v["location_status"] == "none") {
		v["location_status"] = p.Status
	}
	if p.Geo != nil {
		v["lat"], v["lon"] = decimals(p.Geo.Lat, 7), decimals(p.Geo.Lon, 7)
		if grid, err := (where.Geodetic{Lat: where.Degrees(p.Geo.Lat), Lon: where.Degrees(p.Geo.Lon)}).MGRS(5); err == nil {
			v["mgrs"] = grid
		}
		if p.Geo.H != nil {
			v["alt_m"] = decimals(*p.Geo.H, 2)
		}
	}
	e := p.RadiusM
	if p.Ellipse != nil {
		e = p.Ellipse.SemiMajorM
	}
	if e > 0 {
		v["pos_err_m_95"] = decimals(e, 1)
	}
	switch {
	case e > 0 && e <= 10:
		v["location_precision"] = "exact"
	case e > 0 && e <= 100:
		v["location_precision"] = "vicinity"
	case e > 0 && e <= 1000:
		v["location_precision"] = "locality"
	case e > 1000:
		v["location_precision"] = "region"
	}
	if c := p.Camera; c != nil {
		if b, ok := bearing(c.Rotation); ok {
			v["bearing_deg"] = decimals(b, 1)
		}
		if c.FocalPx > 0 && c.Width > 0 {
			v["hfov_deg"] = decimals(2*math.Atan(float64(c.Width)/2/c.FocalPx)*180/math.Pi, 1)
		}
	}
	if p.FuzzM > 0 {
		v["public_fuzz_m"] = decimals(p.FuzzM, 0) // the public position is computed when an edition is made
	} else if it.Public.Decision == "publish" && !p.Withheld && p.Geo != nil {
		v["public_lat"], v["public_lon"] = v["lat"], v["lon"]
	}
}

// bearing is the direction of the camera's axis, degrees clockwise from the
// frame's north, of a world-to-camera rotation [w, x, y, z].
func bearing(q [4]float64) (float64, bool) {
	w, x, y, z := q[0], q[1], q[2], q[3]
	n := w*w + x*x + y*y + z*z
	if n < 0.5 || n > 2 {
		return 0, false
	}
	// The third row of the rotation matrix is the viewing axis in the world.
	e, north := 2*(x*z-w*y)/n, 2*(y*z+w*x)/n
	if math.Hypot(e, north) < 1e-6 {
		return 0, false // straight up or down
	}
	return math.Mod(math.Atan2(e, north)*180/math.Pi+360, 360), true
}

func instant(t *when.Instant) string {
	if t == nil {
		return ""
	}
	return t.Time().Format("2006-01-02T15:04:05.000Z")
}

// span writes an interval as ISO 8601: one value where it is at most a second
// wide, else both ends, ".." for an open one.
func span(iv when.Interval) string {
	if w, ok := iv.Width(); ok && w < 1000 {
		return iv.Min.Time().Format(time.RFC3339)
	}
	if iv.Min == nil && iv.Max == nil {
		return ""
	}
	end := func(t *when.Instant) string {
		if t == nil {
			return ".."
		}
		return instant(t)
	}
	return end(iv.Min) + "/" + end(iv.Max)
}

// decimals writes x with at most n decimals and no exponent.
func decimals(x float64, n int) string {
	s := strconv.FormatFloat(x, 'f', n, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		s = "0"
	}
	return s
}

func ms(p *int64) string {
	if p == nil {
		return ""
	}
	return strconv.FormatInt(*p, 10)
}

func (x *exporter) observationTable() Table {
	t := Table{Name: "observations", Title: sightline.Text{"en": "Observations", "es": "Observaciones"}, Columns: []Column{
		col("observation_id", "Id", "Id"), col("evidence_id", "Evidence", "Prueba"), numeric("from_ms", "From (ms)", "Desde (ms)"), numeric("to_ms", "To (ms)", "Hasta (ms)"),
		col("region", "Part of the picture", "Parte de la imagen"), col("text_en", "Text (English)", "Texto (inglés)"), col("text_es", "Text (Spanish)", "Texto (español)"),
		col("speaker", "Speaker", "Hablante"), col("entities", "Who and what", "Quién y qué"), col("by", "By", "Por"),
	}}
	for _, o := range x.observations {
		var region []string
		for _, f := range o.Region {
			region = append(region, decimals(f, 5))
		}
		t.Rows = append(t.Rows, []string{o.ID, o.Item, ms(o.FromMS), ms(o.ToMS), strings.Join(region, " "), o.Text["en"], o.Text["es"], o.Speaker, strings.Join(o.Entities, "; "), o.By})
	}
	return t
}

func (x *exporter) claimTable() Table {
	t := Table{Name: "claims", Title: sightline.Text{"en": "Claims", "es": "Afirmaciones"}, Columns: []Column{
		col("claim_id", "Id", "Id"), col("account", "Account", "Versión"), col("text_en", "Text (English)", "Texto (inglés)"), col("text_es", "Text (Spanish)", "Texto (español)"),
		col("status", "Status", "Estado", "supported", "partly", "unsupported", "contested", "contradicted"), col("reason", "Reason", "Motivo"), col("said_in", "Said in", "Dicho en"),
		col("time_earliest_utc", "Earliest (UTC)", "Lo más temprano (UTC)"), col("time_latest_utc", "Latest (UTC)", "Lo más tarde (UTC)"), col("not_shown", "What this does not show", "Lo que esto no muestra"), col("public", "Public", "Público", "yes", "no"),
	}}
	for _, c := range x.claims {
		var lo, hi string
		if c.Time != nil {
			lo, hi = instant(c.Time.Min), instant(c.Time.Max)
		}
		t.Rows = append(t.Rows, []string{c.ID, c.Account, c.Text["en"], c.Text["es"], c.Status, x.text(c.Reason), strings.Join(c.Items, "; "), lo, hi, x.text(c.NotShown), yesNo(c.Public)})
	}
	return t
}

func (x *exporter) linkTable() Table {
	t := Table{Name: "links", Title: sightline.Text{"en": "Links", "es": "Vínculos"}, Columns: []Column{
		col("claim_id", "Claim", "Afirmación"), col("side", "Side", "Lado", "for", "against"), col("to", "Speaks", "Habla"), col("strength", "Strength", "Fuerza", "strong", "moderate", "weak"),
		col("reason", "Reason", "Motivo"), col("recording", "Recording", "Grabación"),
	}}
	for _, c := range x.claims {
		for i, links := range [][]sightline.Link{c.For, c.Against} {
			for _, l := range links {
				t.Rows = append(t.Rows, []string{c.ID, []string{"for", "against"}[i], l.To, l.Strength, x.text(l.Reason), l.Recording})
			}
		}
	}
	return t
}
