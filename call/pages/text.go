package pages

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// catalogue holds the words of the pages by language and key.
var catalogue = sync.OnceValues(func() (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	for _, lang := range Langs {
		b, err := files.ReadFile("text/" + lang + ".json")
		if err != nil {
			return nil, err
		}
		words := map[string]string{}
		if err := json.Unmarshal(b, &words); err != nil {
			return nil, fmt.Errorf("words of the pages, text/%s.json: %w", lang, err)
		}
		out[lang] = words
	}
	return out, nil
})

// T is a sentence in the language of the page; {0}, {1} are replaced by the
// arguments. A sentence that a language lacks is an error, never another
// language: a half-understood warning is worse than none.
func (v View) T(key string, args ...any) (string, error) {
	all, err := catalogue()
	if err != nil {
		return "", err
	}
	s, ok := all[v.Lang][key]
	if !ok || s == "" {
		return "", fmt.Errorf("text/%s.json lacks %q", v.Lang, key)
	}
	for i, a := range args {
		val := fmt.Sprint(a)
		if Dir(v.Lang) == "rtl" {
			val = "\u2068" + val + "\u2069" // "2 GB" keeps its own direction inside an Arabic sentence
		}
		s = strings.ReplaceAll(s, "{"+strconv.Itoa(i)+"}", val)
	}
	return s, nil
}

// Spoken are the sentences of lane A's script, which has no words of its own:
// one catalogue, checked in one place.
func (v View) Spoken() (map[string]string, error) {
	all, err := catalogue()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for k := range all[v.Lang] {
		if name, ok := strings.CutPrefix(k, "app."); ok && name != "follow" && name != "proof" {
			out[name] = all[v.Lang][k]
		}
	}
	if out["what"], err = v.T("receipt.what"); err != nil {
		return nil, err
	}
	return out, nil
}

// Channel names another way to reach the team.
func (v View) Channel(kind string) (string, error) { return v.T("channel." + channelKind(kind)) }

// Channelwords is what that way reveals.
func (v View) Channelwords(kind string) (string, error) {
	return v.T("channel." + channelKind(kind) + ".limit")
}

func channelKind(kind string) string {
	switch kind {
	case "signal", "whatsapp", "mail", "post":
		return kind
	}
	return "other"
}

// Size writes a number of bytes with one decimal at most, decimal units,
// rounded down: a limit must never be promised larger than it is.
func Size(n int64) string {
	if n < 0 {
		n = 0
	}
	for _, u := range []struct {
		of   int64
		name string
	}{{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if n >= u.of {
			tenths := n / (u.of / 10)
			if tenths%10 == 0 || tenths >= 100 {
				return fmt.Sprintf("%d %s", tenths/10, u.name)
			}
			return fmt.Sprintf("%d.%d %s", tenths/10, tenths%10, u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}

type timing struct{ Size, Slow, Fast string }

// times is the table of how long an upload takes, told before a file is
// chosen: 200 MB at 400 kbit/s are 67 minutes.
func times() []timing {
	var out []timing
	for _, bytes := range []int64{10e6, 50e6, 200e6, 1e9} {
		out = append(out, timing{Size(bytes), spell(float64(bytes) * 8 / 400e3), spell(float64(bytes) * 8 / 4e6)})
	}
	return out
}

// spell writes a duration in seconds as whole minutes, or hours from 90
// minutes on; rounded up below a minute.
func spell(seconds float64) string {
	m := int(math.Round(seconds / 60))
	switch {
	case m < 1:
		return "1 min"
	case m < 90:
		return fmt.Sprintf("%d min", m)
	}
	return fmt.Sprintf("%d h %02d min", m/60, m%60)
}

// pattern is the regular expression of an HTML pattern attribute that accepts
// the code of this receipt as a person may retype it: as words, of which four
// letters suffice, or as digits of any common script; case, accents and
// punctuation do not count. The browser compares; nothing is sent.
func pattern(r Receipt) string {
	const gap = `[^\p{L}\p{M}\p{N}]`
	var words []string
	for _, w := range r.Words {
		var b strings.Builder
		n := 0
		for _, c := range w {
			if unicode.Is(unicode.M, c) {
				continue // a combining accent of the word list; accepted below, never demanded
			}
			if n == 4 {
				break
			}
			b.WriteString(letter(c) + `\p{M}?`)
			n++
		}
		words = append(words, b.String()+`[\p{L}\p{M}]*`)
	}
	var digits []string
	for _, c := range r.Digits {
		if c >= '0' && c <= '9' {
			d := c - '0'
			digits = append(digits, "["+string([]rune{c, '٠' + d, '۰' + d})+"]")
		}
	}
	return gap + `*(?:` + strings.Join(words, gap+`+`) + `|` + strings.Join(digits, gap+`*`) + `)` + gap + `*`
}

var accented = map[rune]string{'a': "aAáÁ", 'e': "eEéÉ", 'i': "iIíÍ", 'o': "oOóÓ", 'u': "uUúÚüÜ", 'n': "nNñÑ"}

func letter(c rune) string {
	for base, class := range accented {
		if strings.ContainsRune(class, c) {
			return "[" + accented[base] + "]"
		}
	}
	return "[" + string([]rune{unicode.ToLower(c), unicode.ToUpper(c)}) + "]"
}
