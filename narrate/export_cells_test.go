package narrate

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"sightline"
)

// TestCellsSurvive: whatever words an item has, no cell of the log is a
// formula, and the words are there again when the workbook and the CSV file are
// read: line breaks, right-to-left text and its marks, emoji, dates as text.
func TestCellsSurvive(t *testing.T) {
	hard := []string{"=1+1", "+58 212", "-cmd|' /C calc'!A0", "@SUM(A1)", "\ttab", "two\nlines", "مرحبا \u202eabc\u202c", "שלום, עולם", "📷 ñ", "2018-01-15", "007", "'quoted", " space ", "a\"b,c;d"}
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.OneOf(rapid.SampledFrom(hard), rapid.StringMatching(`[=+@\-]?[ -~áñ\n]{1,30}`)).Draw(rt, "words")
		s := sample()
		for _, o := range s.objects {
			if it, ok := o.(*sightline.Item); ok && it.ID == "T-001" {
				it.Title, it.Name, it.Notes = sightline.Text{"es": words}, words, words
			}
		}
		l, err := ReadLog(s, "es")
		if err != nil {
			rt.Fatal(err)
		}
		e, _ := l.Table("evidence")
		at := map[string]int{}
		for i, c := range e.Columns {
			at[c.Key] = i
		}
		var b bytes.Buffer
		if err := l.WriteXLSX(&b, "es"); err != nil {
			rt.Fatal(err)
		}
		f, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
		if err != nil {
			rt.Fatal(err)
		}
		defer f.Close()
		for _, key := range []string{"title", "original_filename", "notes"} {
			cell, _ := excelize.CoordinatesToCellName(at[key]+1, 3)
			if got, err := f.GetCellValue("evidence", cell); err != nil || got != e.Rows[0][at[key]] {
				rt.Errorf("the workbook has %q in %s, want %q: %v", got, key, e.Rows[0][at[key]], err)
			}
			if formula, _ := f.GetCellFormula("evidence", cell); formula != "" {
				rt.Errorf("%q became the formula %q", words, formula)
			}
			if kind, _ := f.GetCellType("evidence", cell); kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString {
				rt.Errorf("%q is a cell of type %d, not text", words, kind)
			}
		}
		var c bytes.Buffer
		if err := e.WriteCSV(&c); err != nil {
			rt.Fatal(err)
		}
		rows, err := csv.NewReader(&c).ReadAll()
		if err != nil {
			rt.Fatal(err)
		}
		for _, key := range []string{"title", "original_filename", "notes"} {
			got, want := rows[1][at[key]], e.Rows[0][at[key]]
			if got != want && got != "'"+want {
				rt.Errorf("the CSV file has %q in %s, want %q", got, key, want)
			}
			if got != "" && strings.ContainsRune("=@\t\r", rune(got[0])) {
				rt.Errorf("a spreadsheet would run %q", got)
			}
		}
	})
}
