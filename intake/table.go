package intake

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// BadCell is a part of a table that could not be taken. Row counts as the
// file's own rows do (lines for CSV), from 1; Column is the header, or "" when
// the whole row is at fault.
type BadCell struct {
	File   string `json:"file"`
	Row    int    `json:"row"`
	Column string `json:"column,omitempty"`
	Value  string `json:"value,omitempty"`
	Why    string `json:"why"`
}

func (b BadCell) String() string {
	s := fmt.Sprintf("%s, row %d", Printable(b.File), b.Row)
	if b.Column != "" {
		s += fmt.Sprintf(", column %q", Printable(b.Column))
	}
	if b.Value != "" {
		v := Printable(b.Value)
		if utf8.RuneCountInString(v) > 60 {
			v = string([]rune(v)[:60]) + "…"
		}
		s += fmt.Sprintf(": %q", v)
	}
	return s + ": " + b.Why
}

// Table is a sheet of records: a header and rows of as many cells.
type Table struct {
	File   string
	Header []string
	Rows   []Row
	Bad    []BadCell // rows that could not be read at all
	Notes  []string
}

// Row is one record with its place in the file.
type Row struct {
	Number int
	Cells  []string
}

// Limits of a table. Beyond them the file is refused as a table; it can still
// be added as a file.
const (
	MaxTableBytes = 64 << 20
	MaxTableRows  = 200_000
	maxBadRows    = 1_000
)

// ReadTable reads a CSV or XLSX file, told apart by its bytes. Sheet names the
// sheet of a workbook; "" is the first.
func ReadTable(path, sheet string) (*Table, error) {
	f, fi, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if fi.Size() > MaxTableBytes {
		return nil, fmt.Errorf("a table of %d MiB is too large; the limit is %d MiB, split it", fi.Size()>>20, MaxTableBytes>>20)
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxTableBytes+1))
	if err != nil {
		return nil, errors.New(reason(err))
	}
	return parseTable(filepath.Base(path), b, sheet)
}

func parseTable(name string, b []byte, sheet string) (t *Table, err error) {
	if bytes.HasPrefix(b, []byte("PK\x03\x04")) {
		return parseXLSX(name, b, sheet)
	}
	if k := Sniff(b); !k.Text {
		return nil, fmt.Errorf("this is %s, not a CSV or XLSX table", k.Type)
	}
	return parseCSV(name, b)
}

func parseCSV(name string, b []byte) (*Table, error) {
	t := &Table{File: name}
	text, note, err := decodeText(b)
	if err != nil {
		return nil, err
	}
	if note != "" {
		t.Notes = append(t.Notes, note)
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = delimiter(text)
	r.FieldsPerRecord = -1
	r.LazyQuotes = r.Comma == '\t'
	for {
		rec, err := r.Read()
		if err == io.EOF {
			break
		}
		var pe *csv.ParseError
		if errors.As(err, &pe) {
			if len(t.Bad) >= maxBadRows {
				return nil, fmt.Errorf("more than %d rows cannot be read; this is not a CSV table", maxBadRows)
			}
			t.Bad = append(t.Bad, BadCell{File: name, Row: pe.StartLine, Why: "the quotes of this row do not pair up (line " + fmt.Sprint(pe.Line) + ")"})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("failed to read the table: %w", err)
		}
		line, _ := r.FieldPos(0)
		if err := t.append(line, rec); err != nil {
			return nil, err
		}
	}
	return t, t.ready()
}

// append adds a record: the first with any text is the header.
func (t *Table) append(number int, rec []string) error {
	blank := true
	for i := range rec {
		rec[i] = strings.TrimSpace(rec[i])
		blank = blank && rec[i] == ""
	}
	switch {
	case blank:
	case t.Header == nil:
		for len(rec) > 0 && rec[len(rec)-1] == "" {
			rec = rec[:len(rec)-1]
		}
		t.Header = rec
	case len(t.Rows) >= MaxTableRows:
		return fmt.Errorf("more than %d rows; split the table", MaxTableRows)
	default:
		for len(rec) > len(t.Header) && rec[len(rec)-1] == "" {
			rec = rec[:len(rec)-1]
		}
		if len(rec) > len(t.Header) {
			t.Bad = append(t.Bad, BadCell{File: t.File, Row: number, Why: fmt.Sprintf("the row has %d cells, the header %d: a separator inside a text must stand in quotes", len(rec), len(t.Header))})
			return nil
		}
		for len(rec) < len(t.Header) {
			rec = append(rec, "")
		}
		t.Rows = append(t.Rows, Row{number, rec})
	}
	return nil
}

func (t *Table) ready() error {
	if t.Header == nil {
		return errors.New("the table is empty")
	}
	seen := map[string]bool{}
	for i, h := range t.Header {
		k := strings.ToLower(h)
		if h == "" {
			return fmt.Errorf("column %d has no name in the header", i+1)
		}
		if seen[k] {
			return fmt.Errorf("the header names %q twice", Printable(h))
		}
		seen[k] = true
	}
	if len(t.Rows) == 0 && len(t.Bad) == 0 {
		return errors.New("the table has a header and no rows")
	}
	return nil
}

// delimiter takes the separator that divides the first line most.
func delimiter(text string) rune {
	first, _, _ := strings.Cut(text, "\n")
	best, n := ',', 0
	for _, d := range []rune{',', ';', '\t', '|'} {
		if c := strings.Count(first, string(d)); c > n {
			best, n = d, c
		}
	}
	return best
}

func decodeText(b []byte) (text, note string, err error) {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		out, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(b)
		if err != nil {
			return "", "", errors.New("the text is neither UTF-8 nor UTF-16")
		}
		return string(out), "read as UTF-16", nil
	case utf8.Valid(b):
		return strings.TrimPrefix(string(b), "\ufeff"), "", nil
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return "", "", errors.New("the text is not UTF-8")
	}
	return string(out), "the text is not UTF-8 and was read as Windows-1252: check accented letters", nil
}

func parseXLSX(name string, b []byte, sheet string) (t *Table, err error) {
	defer func() {
		if p := recover(); p != nil {
			t, err = nil, fmt.Errorf("the workbook is damaged")
		}
	}()
	f, err := excelize.OpenReader(bytes.NewReader(b), excelize.Options{UnzipSizeLimit: 512 << 20, UnzipXMLSizeLimit: 32 << 20})
	if err != nil {
		return nil, fmt.Errorf("this is not a readable XLSX workbook: %w", err)
	}
	defer f.Close()
	sheets := f.GetSheetList()
	if sheet == "" {
		if len(sheets) == 0 {
			return nil, errors.New("the workbook has no sheet")
		}
		sheet = sheets[0]
	}
	rows, err := f.Rows(sheet)
	if err != nil {
		return nil, fmt.Errorf("the workbook has no sheet %q; it has %q", sheet, sheets)
	}
	defer rows.Close()
	t = &Table{File: name}
	for n := 1; rows.Next(); n++ {
		cells, err := rows.Columns()
		if err != nil {
			return nil, fmt.Errorf("row %d of sheet %q cannot be read: %w", n, sheet, err)
		}
		if err := t.append(n, cells); err != nil {
			return nil, err
		}
	}
	if err := rows.Error(); err != nil {
		return nil, fmt.Errorf("sheet %q cannot be read to its end: %w", sheet, err)
	}
	return t, t.ready()
}
