package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var words = []string{"ábaco", "ñandú", "pingüino", "zona", "oca", "útil", "teatro", "yegua"}

const digits = "123 456 789 012 345 678 901 234 567"

// sample is a call that fills every part of every page: eight requests as
// long as the exercise's longest, four channels, three keys.
func sample(lang string) Call {
	long := map[string]string{
		"es": "Video desde la ladera norte, entre las 11:15 y las 12:00: quién disparó primero y desde dónde.",
		"en": "Video from the north slope, between 11:15 and 12:00: who fired first, and from where.",
		"ar": "مقطع فيديو من المنحدر الشمالي بين 11:15 و12:00: من أطلق النار أولًا ومن أين.",
	}[lang]
	c := Call{
		ID: "el-junquito", Name: map[string]string{"es": "El Junquito", "en": "El Junquito", "ar": "إل خونكيتو"}[lang],
		Onion: strings.Repeat("a", 56) + ".onion", Clear: true,
		Channels: []Channel{{"signal", "@sightline.01"}, {"whatsapp", "+58 000 0000000"}, {"mail", "tips@example.org"}, {"post", "Apartado 1, Caracas"}},
		MaxTip:   2 << 30, MaxFiles: 20, MaxText: 64 << 10,
		Script: "/app.js", Integrity: "sha256-" + strings.Repeat("A", 43) + "=",
	}
	for _, id := range []string{"G-01", "G-02", "G-03", "G-04", "G-05", "G-06", "G-07", "G-08"} {
		c.Requests = append(c.Requests, Request{id, long})
	}
	for _, n := range []string{"desk", "field", "offline"} {
		c.Keys = append(c.Keys, Key{n, strings.Repeat("0123456789abcdef", 4), words})
	}
	return c
}

// views are all pages in all their forms.
func views(lang string) map[string]View {
	c := sample(lang)
	closed, onion := c, c
	closed.Closed, closed.Requests, closed.Channels, closed.Integrity = true, nil, nil, ""
	onion.Clear = false
	r := &Receipt{Words: words, Digits: digits, Lang: "es", Lane: "B", Files: 3, Bytes: 12_345_678, Empty: 1, CodeTaken: true}
	return map[string]View{
		"call": {Lang: lang, Call: c}, "call closed": {Lang: lang, Call: closed}, "call onion": {Lang: lang, Call: onion},
		"about": {Lang: lang, Call: c}, "about onion": {Lang: lang, Call: onion},
		"receipt": {Lang: lang, Call: c, Receipt: r}, "receipt added": {Lang: lang, Call: c, Receipt: &Receipt{Lane: "B", Added: true, Files: 1, Bytes: 10}},
		"receipt a": {Lang: lang, Call: c, Receipt: &Receipt{Words: words, Digits: digits, Lang: "es", Lane: "A"}},
		"box":       {Lang: lang, Call: c, Box: &Box{Code: "x", Replies: []Reply{{"2026-11-24", "Gracias.\n¿Dónde estaba?"}}}}, "box empty": {Lang: lang, Call: c, Box: &Box{Code: "x"}},
		"erased": {Lang: lang, Call: c},
		"say":    {Lang: lang, Call: c, Saying: &Saying{Title: "413", Text: "Demasiado grande.", Status: 413}},
	}
}

func render(t *testing.T, kind string, v View) string {
	t.Helper()
	name, _, _ := strings.Cut(kind, " ")
	b, err := Render(name, v)
	if err != nil {
		t.Fatalf("%s in %s: %v", kind, v.Lang, err)
	}
	return string(b)
}

// TestPagesAreSmallAndAlone: at most 30 KB with everything filled in, one
// request each, nothing that the policy of intake.md forbids.
func TestPagesAreSmallAndAlone(t *testing.T) {
	outside := regexp.MustCompile(`(?i)(?:src|href|action|data|poster|srcset)="([^"]*)"`)
	for _, lang := range Langs {
		for kind, v := range views(lang) {
			p := render(t, kind, v)
			// The server pads to a multiple of 4,096 bytes.
			if n := (len(p) + 4095) / 4096 * 4096; n > 30_000 {
				t.Errorf("%s in %s has %d bytes, %d padded; at most 30,000", kind, lang, len(p), n)
			}
			for _, m := range outside.FindAllStringSubmatch(p, -1) {
				a := m[1]
				if a != "https://www.wikipedia.org/" && a != "data:," && !strings.HasPrefix(a, "/") && !strings.HasPrefix(a, "#") {
					t.Errorf("%s in %s points to %q", kind, lang, a)
				}
			}
			for _, bad := range []string{" style=", " onclick", "<img", "<script>", "javascript:", "@import", "url(", "ZgotmplZ"} {
				if strings.Contains(p, bad) {
					t.Errorf("%s in %s holds %q", kind, lang, bad)
				}
			}
			if n := strings.Count(p, "<script defer"); n > 1 || n != strings.Count(p, ` integrity="sha256-`) || strings.Count(p, "<script") != n+strings.Count(p, `<script type="application/json"`) {
				t.Errorf("%s in %s: a script without integrity", kind, lang)
			}
			if !strings.Contains(p, `<html lang="`+lang+`" dir="`+Dir(lang)+`">`) {
				t.Errorf("%s in %s: language or direction is not said", kind, lang)
			}
			if strings.Count(p, "<h1") < 1 || !strings.Contains(p, `id="leave"`) {
				t.Errorf("%s in %s lacks a heading or the way out", kind, lang)
			}
		}
	}
}

// TestStyleHash: the hash in the policy is that of the style in the page.
func TestStyleHash(t *testing.T) {
	p := render(t, "call", View{Lang: "es", Call: sample("es")})
	_, rest, _ := strings.Cut(p, "<style>")
	inside, _, _ := strings.Cut(rest, "</style>")
	h := sha256.Sum256([]byte(inside))
	if want := "'sha256-" + base64.StdEncoding.EncodeToString(h[:]) + "'"; !slices.Contains(StyleHashes(), want) {
		t.Errorf("the page's style has %s, the policy allows %v", want, StyleHashes())
	}
}

// TestLanguagesAreComplete: the same keys with the same holes in each
// language, none empty, none unused.
func TestLanguagesAreComplete(t *testing.T) {
	all, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	hole := regexp.MustCompile(`\{\d\}`)
	keys := map[string]bool{}
	for _, lang := range Langs {
		for k := range all[lang] {
			keys[k] = true
		}
	}
	var source strings.Builder
	// The script asks for its sentences with say('name'); it lies beside this
	// package in the repository, not in a module cache.
	script := regexp.MustCompile(`\bsay\('(\w+)'`)
	if b, err := os.ReadFile("../../ui/call/app.ts"); err == nil {
		for _, m := range script.FindAllStringSubmatch(string(b), -1) {
			k := "app." + m[1]
			if !keys[k] && m[1] != "what" {
				t.Errorf("ui/call/app.ts says %q, which no language has", m[1])
			}
			source.WriteString(`"` + k + `"`)
		}
	}
	for _, glob := range []string{"*.html", "*.go"} {
		names, _ := filepath.Glob(glob)
		for _, n := range names {
			b, err := os.ReadFile(n)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(b)
		}
	}
	for k := range keys {
		var holes []string
		for i, lang := range Langs {
			s := all[lang][k]
			if strings.TrimSpace(s) == "" {
				t.Errorf("text/%s.json lacks %q", lang, k)
				continue
			}
			h := hole.FindAllString(s, -1)
			slices.Sort(h)
			if i == 0 {
				holes = h
			} else if !slices.Equal(h, holes) {
				t.Errorf("text/%s.json %q has other holes than text/%s.json", lang, k, Langs[0])
			}
		}
		if !strings.HasPrefix(k, "channel.") && !strings.Contains(source.String(), `"`+k+`"`) {
			t.Errorf("no page uses %q", k)
		}
	}
	// A key given twice would silently win over the first.
	for _, lang := range Langs {
		b, _ := files.ReadFile("text/" + lang + ".json")
		if n := strings.Count(string(b), "\": \""); n != len(all[lang]) {
			t.Errorf("text/%s.json gives %d keys, %d different", lang, n, len(all[lang]))
		}
	}
}

func TestMissingWordIsAnError(t *testing.T) {
	if _, err := (View{Lang: "es"}).T("no such key"); err == nil {
		t.Error("a missing sentence passed")
	}
	if _, err := Render(Front, View{Lang: "fr"}); err == nil {
		t.Error("a page in an unknown language passed")
	}
}

// TestSafetyStep: one step, at most 45 words, in each language.
func TestSafetyStep(t *testing.T) {
	for _, lang := range Langs {
		n := 0
		for _, k := range []string{"before.h", "before.1", "before.2", "before.3", "before.go"} {
			s, err := View{Lang: lang}.T(k)
			if err != nil {
				t.Fatal(err)
			}
			n += len(strings.Fields(s))
		}
		if n > 45 {
			t.Errorf("the safety step has %d words in %s, at most 45", n, lang)
		}
	}
}

// TestFieldsBeforeFiles: the server reads the parts of a form as they come,
// so that the code and the language must stand before the first file.
func TestFieldsBeforeFiles(t *testing.T) {
	p := render(t, "box", views("es")["box"])
	form := p[strings.Index(p, `action="/box/add"`):]
	order := []int{strings.Index(form, `name="code"`), strings.Index(form, `name="lang"`), strings.Index(form, `name="file"`)}
	if !slices.IsSorted(order) || order[0] < 0 {
		t.Errorf("fields of /box/add stand at %v", order)
	}
}

func TestHostileText(t *testing.T) {
	v := View{Lang: "ar", Call: Call{Name: `</title><script>x`, Requests: []Request{{`"><b>`, `</option><script>x</script>`}}}, Box: &Box{Code: `"><script>x`, Replies: []Reply{{"2026-11-24", `<script>x</script>`}}}}
	for _, kind := range []string{"call", "box"} {
		if p := render(t, kind, v); strings.Contains(p, "<script>x") {
			t.Errorf("%s lets a script through", kind)
		}
	}
}

func TestPattern(t *testing.T) {
	r := Receipt{Words: words, Digits: digits}
	// Go's \p classes are those of a browser's pattern attribute; anchored as there.
	re := regexp.MustCompile(`^(?:` + pattern(r) + `)$`)
	for s, ok := range map[string]bool{
		"ábaco ñandú pingüino zona oca útil teatro yegua":                               true,
		"  ABACO, nandu, pinguino, ZONA, oca, util, teat, yegu.":                        true,
		"ábac ñand ping zona oca útil teat yegu":                                        true,
		"a\u0301baco n\u0303andu\u0301 pingu\u0308ino zona oca u\u0301til teatro yegua": true,
		"123 456 789 012 345 678 901 234 567":                                           true,
		"123456789012345678901234567":                                                   true,
		"١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧":                                                   true,
		"ábaco ñandú pingüino zona oca útil teatro":                                     false,
		"ábaco ñandú pingüino zona oca útil teatro yema":                                false,
		"123456789012345678901234568":                                                   false,
		"ñandú ábaco pingüino zona oca útil teatro yegua":                               false,
		"": false,
	} {
		if re.MatchString(s) != ok {
			t.Errorf("%q: accepted %v, want %v", s, !ok, ok)
		}
	}
}

func TestSizeAndTime(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1 kB", 10e6: "10 MB", 12_345_678: "12 MB", 2 << 30: "2.1 GB", -1: "0 B"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
	// 200 MB at 400 kbit/s: 67 minutes (users.md, J2).
	if got := times()[2]; got != (timing{"200 MB", "67 min", "7 min"}) {
		t.Errorf("200 MB: %+v", got)
	}
	if got := times()[3].Slow; got != "5 h 33 min" {
		t.Errorf("1 GB: %q", got)
	}
}

// TestTextIsValid: the word lists of the pages parse and are flat.
func TestTextIsValid(t *testing.T) {
	for _, lang := range Langs {
		b, err := files.ReadFile("text/" + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]string
		if err := json.Unmarshal(b, &m); err != nil {
			t.Errorf("text/%s.json: %v", lang, err)
		}
	}
}
