package intake

import (
	"bytes"
	"testing"

	"github.com/xuri/excelize/v2"
)

// TestWorkbookCells: what people's workbooks hold comes in as the text they
// saw: line breaks, right-to-left words and their marks, dates in both forms,
// formulas by their stored result and never as something that runs.
func TestWorkbookCells(t *testing.T) {
	f := excelize.NewFile()
	style, err := f.NewStyle(&excelize.Style{CustomNumFmt: ptr("yyyy-mm-dd")})
	if err != nil {
		t.Fatal(err)
	}
	for cell, v := range map[string]any{
		"A1": "title", "B1": "note", "C1": "day", "D1": "sum",
		"A2": "first line\nsecond line", "B2": "مرحبا \u202eabc\u202c עברית", "C2": "2018-01-15", "D2": "=HYPERLINK(\"http://evil\",\"x\")",
		"A3": "'quoted", "B3": "007", "C3": 43115,
	} {
		if err := f.SetCellValue("Sheet1", cell, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SetCellStyle("Sheet1", "C3", "C3", style); err != nil {
		t.Fatal(err)
	}
	if err := f.SetCellFormula("Sheet1", "D3", "1+41"); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	tab, err := parseTable("x.xlsx", b.Bytes(), "")
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"first line\nsecond line", "مرحبا \u202eabc\u202c עברית", "2018-01-15", "=HYPERLINK(\"http://evil\",\"x\")"},
		{"'quoted", "007", "2018-01-15", ""}, // a formula without a stored result is an empty cell
	}
	for i, row := range tab.Rows {
		for j, cell := range row.Cells {
			if cell != want[i][j] {
				t.Errorf("row %d, %s: %q, want %q", row.Number, tab.Header[j], cell, want[i][j])
			}
		}
	}
	if len(tab.Rows) != 2 {
		t.Errorf("%d rows", len(tab.Rows))
	}
}

func ptr[T any](v T) *T { return &v }
