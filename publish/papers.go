package publish

import (
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"sightline"
	"sightline/when"
)

//go:embed papers/*
var paperFiles embed.FS

var papers = template.Must(template.New("").Funcs(template.FuncMap{"clean": neutral, "groups": func(h string) []string { return (&page{}).Groups(h) }}).ParseFS(paperFiles, "papers/*.html"))

// Paper is one item with its log, as a page to print: the exhibit, or the
// report on its custody. It is one file that loads nothing.
type Paper struct {
	Doc     *sightline.Document
	Item    *sightline.Item
	Lang    string // en or es
	Version string // of the program
	Origin  string // of the log
	Date    string // of the log head
	Lines   []PaperLine
	Picture []byte // JPEG of the item, where it may be shown; the redacted one of an item with redactions
	Graphic bool
}

// PaperLine is one entry of the log about the item.
type PaperLine struct {
	Seq                                     int64
	At, Kind, Key, Role, Tool, Leaf, Result string
	Text                                    sightline.Text
}

// paperWords are the fixed words of the papers.
var paperWords = map[string]map[string]string{
	"en": {"exhibit": "Exhibit", "custody": "Report on custody", "number": "Exhibit number", "item": "Item", "case": "Case", "kind": "Kind", "seen": "What can be seen or heard", "source": "Source", "address": "Address", "collected": "Collected", "method": "How",
		"size": "Bytes", "digest": "SHA-256 of the original bytes", "withheld": "not told here", "time": "Time", "place": "Place", "status": "What was checked", "log": "Entries of the custody log about this item", "at": "When (UTC)", "what": "What", "who": "Key and role", "tool": "Program", "leaf": "Leaf hash",
		"head": "Log", "made": "Made by Sightline %s from the state of the log at %s with %d entries.", "root": "Root hash of the log", "check": "Whoever holds the file computes sha256sum of it and compares; the proof folder of the item shows the rest.",
		"redacted": "The picture on this page is a redacted copy. The original is unchanged and kept.", "no_picture": "The picture is not shown on this page.", "exercise": "EXERCISE: fictional incident. Nothing here happened.",
		"declaration": "Declaration of a qualified person", "declare": "I declare that I am qualified to describe the process by which this record was made; that the record was made by a process that produces accurate results; that the digital copy was identified by the SHA-256 value above at the time stated in the log; and that I compared that value with the copy presented. I declare under penalty of perjury that this is true and correct.",
		"declare_missing": "The digest of the original is not told on this page, so nothing can be declared about it. Make the page with --with-digest for whoever may know it.", "declare_note": "Form follows Rules 902(13) and 902(14) of the United States Federal Rules of Evidence. Other courts ask for other words: have them checked.", "name": "Name", "role": "Role and qualification", "date": "Date and place", "signature": "Signature", "exhibit_of": "Presented as exhibit", "custodians": "Keys in the order in which they acted", "first": "first entry", "last": "last entry", "count": "entries", "none": "No entry of the log is about this item."},
	"es": {"exhibit": "Prueba", "custody": "Informe de custodia", "number": "Número de prueba", "item": "Pieza", "case": "Caso", "kind": "Clase", "seen": "Lo que se ve o se oye", "source": "Fuente", "address": "Dirección", "collected": "Recogida", "method": "Cómo",
		"size": "Bytes", "digest": "SHA-256 de los bytes originales", "withheld": "no se indica aquí", "time": "Hora", "place": "Lugar", "status": "Lo que se comprobó", "log": "Asientos del registro de custodia sobre esta pieza", "at": "Cuándo (UTC)", "what": "Qué", "who": "Clave y función", "tool": "Programa", "leaf": "Huella de la hoja",
		"head": "Registro", "made": "Hecho por Sightline %s a partir del estado del registro al %s con %d asientos.", "root": "Huella raíz del registro", "check": "Quien tenga el archivo calcula su sha256sum y compara; la carpeta de prueba de la pieza muestra lo demás.",
		"redacted": "La imagen de esta página es una copia tachada. El original está intacto y se conserva.", "no_picture": "La imagen no se muestra en esta página.", "exercise": "EJERCICIO: incidente ficticio. Nada de esto ocurrió.",
		"declaration": "Declaración de persona calificada", "declare": "Declaro que estoy calificado para describir el proceso con que se hizo este registro; que se hizo con un proceso que da resultados exactos; que la copia digital quedó identificada por el valor SHA-256 de arriba en el momento que indica el registro; y que comparé ese valor con la copia presentada. Declaro bajo juramento que lo anterior es cierto.",
		"declare_missing": "La huella digital del original no se indica en esta página, así que nada puede declararse sobre ella. Haga la página con --with-digest para quien pueda conocerla.", "declare_note": "La forma sigue las reglas 902(13) y 902(14) de las Reglas Federales de Evidencia de Estados Unidos. Otros tribunales piden otras palabras: haga que las revisen.", "name": "Nombre", "role": "Función y calificación", "date": "Fecha y lugar", "signature": "Firma", "exhibit_of": "Presentada como prueba", "custodians": "Claves en el orden en que actuaron", "first": "primer asiento", "last": "último asiento", "count": "asientos", "none": "Ningún asiento del registro trata de esta pieza."},
}

type paperView struct {
	Paper
	W map[string]string
	P *page
}

func (v paperView) Text(t sightline.Text) string { return in(v.Doc, t, v.Lang) }

func (v paperView) Made() string {
	return fmt.Sprintf(v.W["made"], v.Version, v.Date, v.Doc.Head.Size)
}

func (v paperView) When() string {
	if len(v.Item.Times) == 0 {
		return ""
	}
	return when.Format(v.Item.Times[0].Interval, when.Display{Zone: v.Doc.Case.Zone, Lang: v.Lang, UTC: true, Day: true})
}

// Image is the picture as a data address; nothing but a JPEG becomes one.
func (v paperView) Image() template.URL {
	if len(v.Picture) < 3 || v.Picture[0] != 0xFF || v.Picture[1] != 0xD8 {
		return ""
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(v.Picture))
}

func (v paperView) Axes() []map[string]string { return v.P.Axes(v.Item) }

func (v paperView) Kind() string { return wordsOf(v.Lang).T("media_" + v.Item.Media) }

// PaperFor prepares the papers of an item, and names the digest of the picture
// to show on it ("" for none). A place that is blurred or withheld from the
// public stays so on paper; the digest of the original stands on it where the
// public may know it, or where withDigest asks for it.
func PaperFor(doc *sightline.Document, id string, fuzzKey []byte, withDigest, graphic bool) (p *Paper, picture string, err error) {
	for _, it := range clone(doc).Items {
		if it.ID != id {
			continue
		}
		if withheldDigest(it) && !withDigest {
			it.SHA256, it.Size = "", 0
		}
		it.Places = publicPlaces(it.Places, fuzzKey)
		p = &Paper{Doc: doc, Item: it}
	}
	if p == nil {
		return nil, "", fmt.Errorf("the case has no item %q: %w", id, sightline.ErrNotFound)
	}
	if p.Item.Sensitivity == "graphic" && !graphic {
		return p, "", nil
	}
	for _, it := range doc.Items {
		if it.ID != id {
			continue
		}
		var own []*sightline.Derivative
		for _, d := range clone(doc).Derivatives {
			if d.Item == id {
				own = append(own, d)
			}
		}
		for _, d := range publicDerivatives(it, own) {
			if d.Type == "image/jpeg" && (d.Role == "preview" || d.Role == "poster") {
				picture = d.SHA256
			}
		}
	}
	return p, picture, nil
}

// custodian is a key with the entries it made.
type custodian struct {
	Key, Role, First, Last string
	Count                  int
}

func (v paperView) Custodians() []custodian {
	var out []custodian
	at := map[string]int{}
	for _, l := range v.Lines {
		k := l.Key + l.Role
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, custodian{Key: l.Key, Role: l.Role, First: l.At})
		}
		out[i].Last = l.At
		out[i].Count++
	}
	return out
}

func (p Paper) write(w io.Writer, name string) error {
	if paperWords[p.Lang] == nil {
		return fmt.Errorf("papers are written in English (en) and Spanish (es), not in %q: %w", p.Lang, sightline.ErrInvalid)
	}
	b := &builder{pub: p.Doc}
	return papers.ExecuteTemplate(w, name, paperView{Paper: p, W: paperWords[p.Lang], P: &page{b: b, W: wordsOf(p.Lang), Lang: p.Lang, Doc: p.Doc}})
}

// WriteExhibit writes the item as an exhibit with a declaration to sign.
func (p Paper) WriteExhibit(w io.Writer) error { return p.write(w, "exhibit.html") }

// WriteCustody writes who did what to the item, in order.
func (p Paper) WriteCustody(w io.Writer) error { return p.write(w, "custody.html") }
