package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sightline/web"
)

func TestCaseFromTheDesk(t *testing.T) {
	home := t.TempDir()
	t.Setenv("SIGHTLINE_HOME", t.TempDir())
	in := web.NewCase{Title: "El puente, ¿quién disparó?", Zone: "America/Caracas", Date: "2018-01", Languages: []string{"es", "en"}, Place: "10.5, -66.9, Caracas"}
	for i, want := range []string{"el-puente-quien-disparo", "el-puente-quien-disparo-2"} {
		f, err := newCaseIn(home, in)
		if err != nil {
			t.Fatal(err)
		}
		k, err := f.Case(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(f.Dir) != want || k.Title["es"] != in.Title || k.Place == nil || k.Place.Label["es"] != "Caracas" {
			t.Errorf("case %d: %s %+v", i, f.Dir, k)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		change func(*web.NewCase)
		says   string
	}{
		{func(n *web.NewCase) { n.Title = "  " }, "needs a name"},
		{func(n *web.NewCase) { n.Title = strings.Repeat("x", 300) }, "200 characters"},
		{func(n *web.NewCase) { n.Title = "../.." }, "needs a name"},
		{func(n *web.NewCase) { n.Zone = "Caracas" }, "not a time zone"},
		{func(n *web.NewCase) { n.Date = "15/1/2018" }, "not one such as"},
		{func(n *web.NewCase) { n.Place = "Caracas" }, "not LAT,LON"},
		{func(n *web.NewCase) { n.Languages = nil }, "at least one language"},
	} {
		bad := in
		c.change(&bad)
		if _, err := newCaseIn(home, bad); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: got %v, want %q", bad, err, c.says)
		}
	}
	if es, _ := os.ReadDir(home); len(es) != 2 {
		t.Errorf("a refused case left something behind: %v", es)
	}
	folders, err := openCases(t.Context(), []string{home})
	if err != nil || len(folders) != 2 || caseHome([]string{home}, folders) != home || caseHome(nil, folders) != home {
		t.Fatalf("%v %v", folders, err)
	}
	for _, f := range folders {
		f.Close()
	}
}

func TestNoCaseAroundIsTheHomeFolder(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	folders, home, err := homeCases(t.Context())
	if err != nil || len(folders) != 0 || filepath.Base(home) != "Sightline" {
		t.Fatalf("%v %s %v", folders, home, err)
	}
	if st, err := os.Stat(home); err != nil || st.Mode().Perm() != 0o700 {
		t.Fatalf("the folder for cases: %v %v", st, err)
	}
}
