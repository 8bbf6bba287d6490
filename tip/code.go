package tip

import (
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// CodeBits is the entropy of a receipt code: eight words of eleven bits.
const CodeBits = 88

const (
	codeBytes  = CodeBits / 8
	codeWords  = 8
	codeDigits = 27 // 2^88 - 1 has 27 digits
)

// Code is the secret of one mailbox, as the source writes it down.
type Code [codeBytes]byte

// ErrCode says that what was typed is not a code at all: a wrong number of
// words, or a word of no list. Whether a code opens anything is not known here.
var ErrCode = errors.New("not a code of eight words or twenty-seven digits")

// NewCode draws a code. random is crypto/rand.Reader where nil.
func NewCode(random io.Reader) (Code, error) {
	var c Code
	if random == nil {
		random = rand.Reader
	}
	if _, err := io.ReadFull(random, c[:]); err != nil {
		return Code{}, fmt.Errorf("failed to draw a code: %w", err)
	}
	return c, nil
}

// The lists are those of BIP 39 (Bitcoin Improvement Proposal 39, "Mnemonic
// code", word lists by M. Palatinus, P. Rusnak, A. Voisine, S. Bowe and
// contributors, MIT licence), in Unicode form NFC. Their property of use here:
// the first four letters name a word.
//
//go:embed words_en.txt words_es.txt
var lists embed.FS

// WordLangs are the languages that have a list.
var WordLangs = []string{"es", "en"}

var (
	words  = map[string][]string{}
	prefix = map[string]map[string]int{} // folded first four letters -> index
)

func init() {
	for _, l := range WordLangs {
		b, err := lists.ReadFile("words_" + l + ".txt")
		if err != nil {
			panic(err) // embedded: cannot happen in a built program
		}
		words[l] = strings.Fields(string(b))
		prefix[l] = make(map[string]int, 2048)
		for i, w := range words[l] {
			prefix[l][four(fold(w))] = i
		}
	}
}

// WordList is the list of a language, one word a line.
func WordList(lang string) (string, bool) {
	w, ok := words[lang]
	if !ok {
		return "", false
	}
	return strings.Join(w, "\n") + "\n", true
}

// Words writes a code as eight words; a language without a list gets English.
func (c Code) Words(lang string) []string {
	list, ok := words[lang]
	if !ok {
		list = words["en"]
	}
	n := new(big.Int).SetBytes(c[:])
	out := make([]string, codeWords)
	m := new(big.Int)
	for i := codeWords - 1; i >= 0; i-- {
		n.DivMod(n, big.NewInt(2048), m)
		out[i] = list[m.Int64()]
	}
	return out
}

// Digits writes a code as 27 digits in groups of three.
func (c Code) Digits() string {
	s := fmt.Sprintf("%0*s", codeDigits, new(big.Int).SetBytes(c[:]).String())
	var b strings.Builder
	for i := 0; i < codeDigits; i += 3 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s[i : i+3])
	}
	return b.String()
}

// ParseCode reads what a person typed: eight words of one list (whole or their
// first four letters or more) or 27 digits of any script, in any case, with or
// without accents, whatever stands between them.
func ParseCode(s string) (Code, error) {
	if len(s) > 1024 {
		return Code{}, ErrCode
	}
	if c, ok := parseDigits(s); ok {
		return c, nil
	}
	fields := strings.FieldsFunc(fold(s), func(r rune) bool { return !unicode.IsLetter(r) })
	if len(fields) != codeWords {
		return Code{}, ErrCode
	}
	// Whole words first: should the first letters of all eight stand in both
	// lists, the list that holds the words themselves is meant.
	for _, whole := range []bool{true, false} {
		for _, l := range WordLangs {
			if c, ok := readWords(l, fields, whole); ok {
				return c, nil
			}
		}
	}
	return Code{}, ErrCode
}

func readWords(lang string, fields []string, whole bool) (Code, bool) {
	n := new(big.Int)
	for _, f := range fields {
		i, ok := prefix[lang][four(f)]
		if !ok || whole && fold(words[lang][i]) != f {
			return Code{}, false
		}
		n.Lsh(n, 11).Or(n, big.NewInt(int64(i)))
	}
	var c Code
	n.FillBytes(c[:])
	return c, true
}

func parseDigits(s string) (Code, bool) {
	var b strings.Builder
	for _, r := range s {
		switch d := digit(r); {
		case d >= 0:
			b.WriteByte(byte('0' + d))
		case unicode.IsLetter(r):
			return Code{}, false
		}
	}
	if b.Len() != codeDigits {
		return Code{}, false
	}
	n, ok := new(big.Int).SetString(b.String(), 10)
	if !ok || n.BitLen() > CodeBits {
		return Code{}, false
	}
	var c Code
	n.FillBytes(c[:])
	return c, true
}

// digit is the value of a decimal digit of any script, or -1. In Unicode the
// ten digits of a script stand together, in order, from zero.
func digit(r rune) int {
	if !unicode.IsDigit(r) {
		return -1
	}
	if r <= '9' {
		return int(r - '0')
	}
	for d := rune(1); d <= 10; d++ {
		if !unicode.IsDigit(r - d) {
			return int(d - 1)
		}
	}
	// Two scripts side by side (mathematical digits): count by ten from the
	// first of the block.
	first := r
	for unicode.IsDigit(first - 1) {
		first--
	}
	return int(r-first) % 10
}

// fold takes case and accents away: "Ábaco" and "abaco" are one word.
func fold(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(s)) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// four is the first four letters of a folded word.
func four(s string) string {
	r := []rune(s)
	if len(r) > 4 {
		r = r[:4]
	}
	return string(r)
}
