package digest

import (
	"strings"
	"testing"
)

func TestKnownAnswer(t *testing.T) {
	// FIPS 180-4 example "abc".
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	d, n, err := Read(strings.NewReader("abc"))
	if err != nil || n != 3 || d.String() != want || Of([]byte("abc")) != d {
		t.Fatalf("got %s, %d, %v", d, n, err)
	}
	back, err := Parse(d.Address())
	if err != nil || back != d {
		t.Fatalf("address does not parse back: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{"", "abc", strings.Repeat("A", 64), strings.Repeat("g", 64), "sha1-" + strings.Repeat("0", 40), strings.Repeat("0", 65), "../" + strings.Repeat("0", 61)} {
		if _, err := Parse(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}
