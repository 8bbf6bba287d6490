package tip

import (
	"encoding/hex"
	"strings"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"
)

// Made by an independent implementation: argon2id, hkdf and sha256 of
// @noble/hashes 2.4.0 in Node, words and digits by BigInt arithmetic.
var golden = []struct{ code, call, en, es, digits, box, auth, seed string }{
	{"0102030405060708090a0b", "llamado-2018", "absurd avoid scissors anxiety gather lottery category door", "abrir aprender rama altar gaita lucha bufanda derrota", "001218426182456967898401291", "1e5225793398bfd25a54597143ae09b7", "fdf02e05ceb285d66deaf46d6be601a8f3e4b51c8fb7b54c0b7febfd920fe7ab", "eaf9b68f7433da0e9a4f5b9664815810e0121402acfcfd5c4a2ddadd5e9181fe"},
	{"0000000000000000000000", "call-zero-01", "abandon abandon abandon abandon abandon abandon abandon abandon", "ábaco ábaco ábaco ábaco ábaco ábaco ábaco ábaco", "000000000000000000000000000", "254da0a5395c31749b5096cee263a97a", "2e4f09019fe0da3e080fae0334608b39526afd086d9ab2b1da6cbdf7a7a28b3a", "ae5cd382acd7b8001b562f0e8ed7bae5873fab656cc8c5fb28390469649114a2"},
	{"ffffffffffffffffffffff", "call-full-01", "zoo zoo zoo zoo zoo zoo zoo zoo", "zurdo zurdo zurdo zurdo zurdo zurdo zurdo zurdo", "309485009821345068724781055", "984e66f92d97408ef9542dcbfe6c1011", "5f134d2b634e88d0f51e555dd5f0e01059792df40976b895a83218b3d15e8f90", "4b4e11dde1fee750c9c5461d94f8e7c168a06ff3cf2ecfb9bf65013b3b245931"},
}

func TestCodesAndKeysAgreeWithAnotherImplementation(t *testing.T) {
	for _, g := range golden {
		var c Code
		hex.Decode(c[:], []byte(g.code))
		if got := strings.Join(c.Words("en"), " "); got != g.en {
			t.Errorf("%s in English: %s, want %s", g.code, got, g.en)
		}
		if got := strings.Join(c.Words("es"), " "); got != g.es {
			t.Errorf("%s in Spanish: %s, want %s", g.code, got, g.es)
		}
		if got := strings.ReplaceAll(c.Digits(), " ", ""); got != g.digits {
			t.Errorf("%s in digits: %s, want %s", g.code, got, g.digits)
		}
		for _, s := range []string{g.en, g.es, g.digits} {
			if got, err := ParseCode(s); err != nil || got != c {
				t.Errorf("ParseCode(%q) = %x, %v", s, got, err)
			}
		}
		if testing.Short() {
			continue
		}
		k := Stretch(c, g.call)
		if hex.EncodeToString(k.Box[:]) != g.box || hex.EncodeToString(k.Auth[:]) != g.auth || hex.EncodeToString(k.Seed[:]) != g.seed {
			t.Errorf("%s in %s: box %x auth %x seed %x", g.code, g.call, k.Box, k.Auth, k.Seed)
		}
	}
}

// How frightened people type.
func TestParseCodeAsPeopleTypeIt(t *testing.T) {
	c := Code{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	es, en := c.Words("es"), c.Words("en")
	short := func(w []string) string {
		var out []string
		for _, s := range w {
			out = append(out, four(fold(s)))
		}
		return strings.Join(out, " ")
	}
	arabic := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r - '0' + '٠'
		}
		return r
	}, c.Digits())
	persian := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r - '0' + '۰'
		}
		return r
	}, c.Digits())
	for _, s := range []string{
		strings.ToUpper(strings.Join(es, " ")), strings.Join(es, ", "), "  " + strings.Join(es, "\n") + ".",
		short(es), short(en), "1. " + strings.Join(en[:1], "") + " 2) " + strings.Join(en[1:], " 9. "),
		c.Digits(), strings.ReplaceAll(c.Digits(), " ", "-"), arabic, persian,
	} {
		if got, err := ParseCode(s); err != nil || got != c {
			t.Errorf("ParseCode(%q) = %x, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "abandon", strings.Join(es[:7], " "), strings.Join(append(es, "zorro"), " "),
		strings.Repeat("9", 27), strings.Repeat("1", 26), strings.Repeat("1", 28), "qqqq " + strings.Join(es[1:], " "), strings.Repeat("a ", 600)} {
		if got, err := ParseCode(s); err == nil {
			t.Errorf("ParseCode(%.60q) = %x, want an error", s, got)
		}
	}
}

func TestEveryCodeComesBackFromEveryForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Code(rapid.SliceOfN(rapid.Byte(), codeBytes, codeBytes).Draw(t, "code"))
		for _, s := range []string{strings.Join(c.Words("en"), " "), strings.Join(c.Words("es"), "-"), c.Digits()} {
			if got, err := ParseCode(s); err != nil || got != c {
				t.Fatalf("%q: %x, %v", s, got, err)
			}
		}
	})
}

// The promise that four letters suffice rests on the lists.
func TestFourLettersNameAWord(t *testing.T) {
	for _, l := range WordLangs {
		if len(words[l]) != 2048 || len(prefix[l]) != 2048 {
			t.Errorf("%s: %d words, %d different beginnings", l, len(words[l]), len(prefix[l]))
		}
	}
}

func TestStripCodes(t *testing.T) {
	c := Code{9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 255}
	for _, s := range []string{strings.Join(c.Words("en"), " "), strings.ToUpper(strings.Join(c.Words("es"), " / ")), c.Digits(), strings.ReplaceAll(c.Digits(), " ", "")} {
		got, took := StripCodes("my code is " + s + " and I saw it")
		if !took || got != "my code is [...] and I saw it" {
			t.Errorf("%q: %q, %v", s, got, took)
		}
	}
	for _, s := range []string{"", "I was at the north slope from 11:15 to 12:00 with two neighbours and we saw smoke.",
		"llame al 0414 123 45 67 o 0212 765 43 21", strings.Join(c.Words("en")[:7], " ")} {
		if got, took := StripCodes(s); took || got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func FuzzParseCode(f *testing.F) {
	f.Add("zorro")
	f.Add(golden[0].es)
	f.Add(golden[1].digits)
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := ParseCode(s); err == nil {
			if again, err := ParseCode(c.Digits()); err != nil || again != c {
				t.Errorf("%q gives %x, whose digits give %x, %v", s, c, again, err)
			}
		}
		if out, took := StripCodes(s); took == (out == s) && took {
			t.Errorf("StripCodes(%q) took something and changed nothing", s)
		}
	})
}

func TestIdentityOfASeed(t *testing.T) {
	var k Keys
	for i := range k.Seed {
		k.Seed[i] = byte(i * 7)
	}
	id, err := k.Identity()
	if err != nil {
		t.Fatal(err)
	}
	again, err := age.ParseHybridIdentity(id.String())
	if err != nil || again.Recipient().String() != id.Recipient().String() {
		t.Fatalf("the identity of a seed does not come back: %v", err)
	}
	if !strings.HasPrefix(id.Recipient().String(), "age1pq1") {
		t.Errorf("recipient %.20s", id.Recipient())
	}
}
