package tip

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Products and an inverse of FIPS 197, section 4.2, and its S-box's first step.
func TestFieldOfAES(t *testing.T) {
	if p := gfMul(0x57, 0x83); p != 0xc1 {
		t.Errorf("57 x 83 = %02x, want c1", p)
	}
	if p := gfMul(0x57, 0x13); p != 0xfe {
		t.Errorf("57 x 13 = %02x, want fe", p)
	}
	if i := gfInv(0x53); i != 0xca {
		t.Errorf("inverse of 53 = %02x, want ca", i)
	}
	for a := 1; a < 256; a++ {
		if gfMul(byte(a), gfInv(byte(a))) != 1 {
			t.Fatalf("%02x has no inverse", a)
		}
	}
}

func TestAnyKSharesGiveTheSecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 12).Draw(t, "n")
		k := rapid.IntRange(2, n).Draw(t, "k")
		secret := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "secret")
		shares, err := Split(secret, k, n, nil)
		if err != nil {
			t.Fatal(err)
		}
		use := rapid.Permutation(shares).Draw(t, "order")
		got, err := Combine(use[:k])
		if err != nil || !bytes.Equal(got, secret) {
			t.Fatalf("%x, %v", got, err)
		}
		if _, err := Combine(use[:k-1]); err == nil {
			t.Fatal("fewer shares than needed give something")
		}
		if _, err := Combine(append(use[:k-1:k-1], use[0])); err == nil {
			t.Fatal("a share counts twice")
		}
		p, err := ParseShare(strings.ToUpper(use[0].String()))
		if err != nil || p.X != use[0].X || !bytes.Equal(p.Y, use[0].Y) {
			t.Fatalf("%v, %v", p, err)
		}
		wrong := use[0]
		wrong.Y = bytes.Clone(wrong.Y)
		wrong.Y[0] ^= 1
		if _, err := Combine(append([]Share{wrong}, use[1:k]...)); err == nil {
			t.Fatal("a wrong share is not noticed")
		}
	})
}

// One share less than needed says nothing: every secret stays possible. With
// k = 2 and one known share, each value of the secret's byte has exactly one
// line through it.
func TestOneShareSaysNothing(t *testing.T) {
	seen := map[byte]bool{}
	for c := range 256 {
		s, err := Split([]byte{42}, 2, 2, bytes.NewReader(bytes.Repeat([]byte{byte(c)}, 8)))
		if err != nil {
			t.Fatal(err)
		}
		seen[s[0].Y[0]] = true
	}
	if len(seen) != 256 {
		t.Errorf("the share of one secret takes %d values of 256", len(seen))
	}
}

func TestShareWithASlip(t *testing.T) {
	s, _ := Split([]byte("secret"), 2, 3, nil)
	text := []rune(s[0].String())
	for i := 9; i < len(text); i++ {
		if text[i] == ' ' {
			continue
		}
		bad := append([]rune{}, text...)
		if bad[i] = '0'; text[i] == '0' {
			bad[i] = '1'
		}
		if _, err := ParseShare(string(bad)); err == nil {
			t.Fatalf("a slip at %d is not noticed", i)
		}
	}
	for _, bad := range []string{"", "SLSHARE1", "SLSHARE1 zz", "hello world"} {
		if _, err := ParseShare(bad); err == nil {
			t.Errorf("%q is taken for a share", bad)
		}
	}
}
