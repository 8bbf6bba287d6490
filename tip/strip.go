package tip

import (
	"strings"
	"unicode"
)

// StripCodes takes receipt codes out of a message: 27 digits in a row, or
// eight whole words of one list in a row, whatever separates them. A code is
// the key of a mailbox; whoever reads the message must not get it. It says
// whether anything was taken.
func StripCodes(message string) (string, bool) {
	type span struct{ from, to int }
	var cut []span
	// Digits: runs of digits with blanks, dots, dashes between.
	start, n, end := -1, 0, 0
	flush := func() {
		if n == codeDigits {
			cut = append(cut, span{start, end})
		}
		start, n = -1, 0
	}
	for i, r := range message {
		switch {
		case digit(r) >= 0:
			if start < 0 {
				start = i
			}
			n++
			end = i + len(string(r))
		case start >= 0 && (unicode.IsSpace(r) || unicode.IsPunct(r)):
		default:
			flush()
		}
	}
	flush()
	// Words.
	type word struct {
		span
		text string
	}
	var ws []word
	from := -1
	for i, r := range message + " " {
		if unicode.IsLetter(r) || unicode.Is(unicode.Mn, r) {
			if from < 0 {
				from = i
			}
			continue
		}
		if from >= 0 {
			ws = append(ws, word{span{from, i}, fold(message[from:i])})
			from = -1
		}
	}
	for _, l := range WordLangs {
		run := 0
		for i, w := range ws {
			k, ok := prefix[l][four(w.text)]
			if !ok || fold(words[l][k]) != w.text {
				run = 0
				continue
			}
			if run++; run == codeWords {
				cut = append(cut, span{ws[i-codeWords+1].from, w.to})
				run = 0
			}
		}
	}
	if len(cut) == 0 {
		return message, false
	}
	drop := make([]bool, len(message))
	for _, c := range cut {
		for i := c.from; i < c.to; i++ {
			drop[i] = true
		}
	}
	var b strings.Builder
	for i := range len(message) {
		switch {
		case !drop[i]:
			b.WriteByte(message[i])
		case i == 0 || !drop[i-1]:
			b.WriteString("[...]")
		}
	}
	return b.String(), true
}
