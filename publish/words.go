package publish

import (
	"embed"
	"encoding/json"
	"fmt"
	"sort"
)

//go:embed pages/*
var pageFiles embed.FS

// words is the vocabulary of the pages in one language.
type words struct {
	lang string
	m    map[string]string
}

var catalogue = loadCatalogue()

func loadCatalogue() map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, lang := range []string{"ar", "en", "es"} {
		b, err := pageFiles.ReadFile("pages/" + lang + ".json")
		if err != nil {
			panic(err) // embedded with this file
		}
		m := map[string]string{}
		if err := json.Unmarshal(b, &m); err != nil {
			panic(fmt.Sprintf("pages/%s.json: %v", lang, err))
		}
		out[lang] = m
	}
	return out
}

// Languages lists the languages an edition can be written in.
func Languages() []string {
	var ls []string
	for l := range catalogue {
		ls = append(ls, l)
	}
	sort.Strings(ls)
	return ls
}

// T returns a word of the pages. A key that is missing is shown as itself, so
// that the test over all templates finds it.
func (w words) T(key string, args ...any) string {
	s, ok := w.m[key]
	if !ok {
		return "[" + key + "]"
	}
	if len(args) > 0 {
		return fmt.Sprintf(s, args...)
	}
	return s
}

// Has reports whether the vocabulary knows a key.
func (w words) Has(key string) bool { _, ok := w.m[key]; return ok }

func wordsOf(lang string) words { return words{lang, catalogue[lang]} }
