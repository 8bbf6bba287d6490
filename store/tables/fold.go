package tables

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxWord is the longest word that is compared, in bytes.
const maxWord = 1000

// Tokens parts a text into folded words, as FTS5's unicode61 with
// remove_diacritics does, so that every engine finds the same objects.
func Tokens(text string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(text, parts) {
		if f := Fold(w); f != "" {
			out = append(out, f)
		}
	}
	return out
}

// parts reports a character between words.
func parts(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsNumber(c) && !unicode.IsMark(c) }

// Fold takes case and diacritics away.
func Fold(w string) string {
	plain := true
	for i := 0; i < len(w); i++ {
		plain = plain && w[i] < 0x80
	}
	if !plain {
		w = strings.Map(func(r rune) rune {
			if unicode.IsMark(r) {
				return -1
			}
			return r
		}, norm.NFD.String(w))
	}
	w = strings.ToLower(w)
	if len(w) > maxWord {
		w = strings.ToValidUTF8(w[:maxWord], "")
	}
	return w
}
