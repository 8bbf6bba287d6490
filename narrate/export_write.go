package narrate

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"sightline"
)

// Table returns the table of that name.
func (l *Log) Table(name string) (*Table, bool) {
	for i := range l.Tables {
		if l.Tables[i].Name == name {
			return &l.Tables[i], true
		}
	}
	return nil, false
}

// WriteCSV writes the table as RFC 4180 with the English keys as its header.
// A cell that a spreadsheet would take for a formula gets an apostrophe in
// front; a plain negative number does not.
func (t *Table) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	head := make([]string, len(t.Columns))
	for i, col := range t.Columns {
		head[i] = col.Key
	}
	if err := c.Write(head); err != nil {
		return fmt.Errorf("failed to write the table: %w", err)
	}
	out := make([]string, len(t.Columns))
	for _, row := range t.Rows {
		for i, v := range row {
			out[i] = Guard(v)
		}
		if err := c.Write(out); err != nil {
			return fmt.Errorf("failed to write the table: %w", err)
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("failed to write the table: %w", err)
	}
	return nil
}

// Guard makes a cell harmless to a spreadsheet program: text that begins with
// = + - @, a tab or a carriage return gets an apostrophe in front, unless it
// is a number.
func Guard(v string) string {
	if v == "" || !strings.ContainsRune("=+-@\t\r", rune(v[0])) {
		return v
	}
	if _, err := strconv.ParseFloat(v, 64); err == nil && !strings.ContainsAny(v, "nNiIxXpP_") {
		return v
	}
	return "'" + v
}

// WriteXLSX writes all tables as a workbook: a README sheet in English and
// Spanish first, then a sheet for each table with the keys in row 1, headers
// in the given language in row 2, filters, and lists for the columns whose
// words are fixed. Cells are text, so nothing in them is a formula.
func (l *Log) WriteXLSX(w io.Writer, lang string) error {
	f := excelize.NewFile()
	defer f.Close()
	if err := l.readme(f); err != nil {
		return fmt.Errorf("failed to write the workbook: %w", err)
	}
	for i := range l.Tables {
		if err := l.Tables[i].sheet(f, lang); err != nil {
			return fmt.Errorf("failed to write the sheet %s: %w", l.Tables[i].Name, err)
		}
	}
	// The document's own dates are the log's, so the same case gives the same workbook.
	at := l.Head.At
	if len(at) >= 19 {
		at = at[:19] + "Z"
	}
	if err := f.SetDocProps(&excelize.DocProperties{Creator: "Sightline", LastModifiedBy: "Sightline", Created: at, Modified: at, Title: l.Case.ID}); err != nil {
		return fmt.Errorf("failed to write the workbook: %w", err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		return fmt.Errorf("failed to write the workbook: %w", err)
	}
	if err := inOrder(w, b.Bytes()); err != nil {
		return fmt.Errorf("failed to write the workbook: %w", err)
	}
	return nil
}

// inOrder writes a zip file again with its parts in order of name: the library
// writes them in a different order each time, and the same case must give the
// same bytes.
func inOrder(w io.Writer, b []byte) error {
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	sort.Slice(r.File, func(i, j int) bool { return r.File[i].Name < r.File[j].Name })
	out := zip.NewWriter(w)
	for _, f := range r.File {
		if err := out.Copy(f); err != nil {
			return err
		}
	}
	return out.Close()
}

// maxCell is the most characters that a cell of a workbook may hold.
const maxCell = 32767

func (t *Table) sheet(f *excelize.File, lang string) error {
	if _, err := f.NewSheet(t.Name); err != nil {
		return err
	}
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	grey, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Italic: true}})
	if err != nil {
		return err
	}
	keys, heads := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i, c := range t.Columns {
		keys[i] = excelize.Cell{StyleID: bold, Value: c.Key}
		heads[i] = excelize.Cell{StyleID: grey, Value: c.Header.In(lang, "en")}
	}
	sw, err := f.NewStreamWriter(t.Name)
	if err != nil {
		return err
	}
	if err := sw.SetPanes(&excelize.Panes{Freeze: true, XSplit: 1, YSplit: 2, TopLeftCell: "B3", ActivePane: "bottomRight"}); err != nil {
		return err
	}
	if err := sw.SetColWidth(1, len(t.Columns), 18); err != nil {
		return err
	}
	for i, row := range [][]any{keys, heads} {
		if err := sw.SetRow("A"+strconv.Itoa(i+1), row); err != nil {
			return err
		}
	}
	for n, r := range t.Rows {
		cells := make([]any, len(r))
		for i, v := range r {
			cells[i] = cell(v, t.Columns[i].Number)
		}
		if err := sw.SetRow("A"+strconv.Itoa(n+3), cells); err != nil {
			return err
		}
	}
	last := len(t.Rows) + 2
	end, err := excelize.CoordinatesToCellName(len(t.Columns), last)
	if err != nil {
		return err
	}
	if err := f.AutoFilter(t.Name, "A2:"+end, nil); err != nil {
		return err
	}
	for i, c := range t.Columns {
		if len(c.Words) == 0 {
			continue
		}
		name, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return err
		}
		dv := excelize.NewDataValidation(true)
		dv.Sqref = fmt.Sprintf("%s3:%s%d", name, name, max(last, 1000))
		if err := dv.SetDropList(c.Words); err != nil {
			return err
		}
		if err := f.AddDataValidation(t.Name, dv); err != nil {
			return err
		}
	}
	return sw.Flush() // last: it writes what was set on the sheet before
}

// cell keeps numbers as numbers and everything else as text without the
// characters that XML cannot hold.
func cell(v string, number bool) any {
	if number && v != "" {
		if x, err := strconv.ParseFloat(v, 64); err == nil {
			return x
		}
	}
	v = strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, v)
	if r := []rune(v); len(r) > maxCell {
		v = string(r[:maxCell-1]) + "…"
	}
	return v
}

func (l *Log) readme(f *excelize.File) error {
	if err := f.SetSheetName("Sheet1", "README"); err != nil {
		return err
	}
	lines := []sightline.Text{
		{"en": "Evidence log of " + l.Case.ID, "es": "Registro de pruebas de " + l.Case.ID},
		{"en": fmt.Sprintf("State of the custody log: %d entries, root %s, last entry %s.", l.Head.Size, l.Head.Root, l.Head.At),
			"es": fmt.Sprintf("Estado del registro de custodia: %d entradas, raíz %s, última entrada %s.", l.Head.Size, l.Head.Root, l.Head.At)},
		{"en": "One row of the sheet \"evidence\" is one preserved item. The key of a column stands in row 1, its name in row 2. The sheets \"observations\", \"claims\" and \"links\" hold what a flat row cannot.",
			"es": "Una fila de la hoja «evidence» es una pieza preservada. La clave de cada columna está en la fila 1 y su nombre en la fila 2. Las hojas «observations», «claims» y «links» contienen lo que no cabe en una fila."},
		{"en": "An empty cell means that nothing is known or nothing applies; it never means no.", "es": "Una celda vacía significa que no se sabe nada o que no procede; nunca significa que no."},
		{"en": "Times are intervals: what is known lies between \"earliest\" and \"latest\". \"claimed\" means that a source or a file says so and nobody has tested it.",
			"es": "Las horas son intervalos: lo que se sabe está entre «earliest» y «latest». «claimed» significa que lo dice una fuente o un archivo y que nadie lo ha comprobado."},
		{"en": "sha256 is the digest of the original bytes, as sha256sum prints it; record_sha256 is the digest of the record in the case.",
			"es": "sha256 es el resumen de los bytes originales, como lo imprime sha256sum; record_sha256 es el del registro en el caso."},
		{"en": "This workbook is internal: it names who collected each item, and positions before any public fuzz.",
			"es": "Este libro es interno: nombra a quien recogió cada pieza y da posiciones sin la imprecisión pública."},
	}
	if l.Case.Exercise {
		lines = append([]sightline.Text{{"en": "EXERCISE: a fictional incident.", "es": "EJERCICIO: un suceso ficticio."}}, lines...)
	}
	row := 1
	for _, lang := range []string{"en", "es"} {
		for _, t := range lines {
			if err := f.SetCellStr("README", "A"+strconv.Itoa(row), t[lang]); err != nil {
				return err
			}
			row++
		}
		row++
	}
	wrap, err := f.NewStyle(&excelize.Style{Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}})
	if err != nil {
		return err
	}
	if err := f.SetColStyle("README", "A", wrap); err != nil {
		return err
	}
	return f.SetColWidth("README", "A", "A", 100)
}
