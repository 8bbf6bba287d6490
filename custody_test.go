package sightline_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"
	"pgregory.net/rapid"

	"sightline"
)

// jsonValue draws any JSON value that RFC 8785 covers.
func jsonValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		n := 5
		if depth == 0 {
			n = 3
		}
		switch rapid.IntRange(0, n).Draw(t, "sort") {
		case 0:
			return rapid.String().Draw(t, "s")
		case 1:
			f := rapid.Float64().Draw(t, "f")
			// A whole number above 2^53 written without exponent is refused on
			// purpose (TestCanonicalRefuses); here both must accept.
			if math.IsNaN(f) || math.IsInf(f, 0) || (f == math.Trunc(f) && math.Abs(f) > 1<<53) {
				f = 0
			}
			return f
		case 2:
			return rapid.Int64Range(-1<<53, 1<<53).Draw(t, "i")
		case 3:
			return rapid.SampledFrom([]any{nil, true, false, 1e21, 1e-7, 1e20, 1e-6, -0.0, 5e-324}).Draw(t, "x")
		case 4:
			return rapid.SliceOfN(jsonValue(depth-1), 0, 4).Draw(t, "l")
		default:
			return rapid.MapOfN(rapid.String(), jsonValue(depth-1), 0, 4).Draw(t, "m")
		}
	})
}

// TestCanonicalAgrees compares ours with an independent implementation.
func TestCanonicalAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw, err := json.Marshal(jsonValue(3).Draw(t, "value"))
		if err != nil {
			t.Skip()
		}
		want, err := jcs.Transform(raw)
		if err != nil {
			t.Skip() // the oracle takes only objects and lists at the top
		}
		got, err := sightline.CanonicalJSON(raw)
		if err != nil || string(got) != string(want) {
			t.Fatalf("%s\n got %s (%v)\nwant %s", raw, got, err, want)
		}
	})
}

func TestCanonicalVectors(t *testing.T) {
	// RFC 8785, section 3.2.2 and appendix B.
	in := `{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`
	want := `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`
	got, err := sightline.CanonicalJSON([]byte(in))
	if err != nil || string(got) != want {
		t.Fatalf("got %s, %v", got, err)
	}
	for _, bad := range []string{"", "{", "1 2", "9007199254740993", "1e999", "\"\xff\""} {
		if got, err := sightline.CanonicalJSON([]byte(bad)); err == nil {
			t.Errorf("%q was accepted as %s", bad, got)
		}
	}
}

// public lists every field of an entry that anybody may read. All else that
// is written about a change is sealed. A new field of Entry has to be entered
// here, which is the moment to ask whether it can name a person.
var public = strings.Fields(`v log seq prev at clock clock.source clock.offset_ms clock.error_ms clock.checked kind
	actor actor.key actor.role item item.id item.sha256 item.size item.type item.copy parents
	tool tool.name tool.version tool.sha256 tool.args
	capture capture.url capture.final_url capture.method capture.access capture.request capture.response
	result failed failed.part failed.error sealed`)

func TestEveryEntryFieldIsPublicOrSealed(t *testing.T) {
	known := map[string]bool{}
	for _, p := range public {
		known[p] = true
	}
	seen := map[string]bool{}
	var walk func(reflect.Type, string)
	walk = func(ty reflect.Type, prefix string) {
		for ty.Kind() == reflect.Pointer || ty.Kind() == reflect.Slice {
			ty = ty.Elem()
		}
		if ty.Kind() != reflect.Struct {
			return
		}
		for i := range ty.NumField() {
			name, _, _ := strings.Cut(ty.Field(i).Tag.Get("json"), ",")
			path := strings.TrimPrefix(prefix+"."+name, ".")
			seen[path] = true
			if !known[path] {
				t.Errorf("field %q of an entry is neither in the public list nor sealed", path)
			}
			walk(ty.Field(i).Type, path)
		}
	}
	walk(reflect.TypeFor[sightline.Entry](), "")
	for p := range known {
		if !seen[p] {
			t.Errorf("the public list names %q, which an entry does not have", p)
		}
	}
	// What a draft says is either one of the public fields or goes under Seal.
	draft := reflect.TypeFor[sightline.Draft]()
	entry := reflect.TypeFor[sightline.Entry]()
	for i := range draft.NumField() {
		if _, ok := entry.FieldByName(draft.Field(i).Name); !ok && draft.Field(i).Name != "Seal" {
			t.Errorf("field %s of Draft is neither a public field of an entry nor sealed", draft.Field(i).Name)
		}
	}
}

func TestCommitmentVector(t *testing.T) {
	// Made with: python3 -c 'import hashlib; print(hashlib.sha256(b"sightline/seal/v1\0reason\0"+bytes(32)+b"\x22x\x22").hexdigest())'
	const want = "8b2875e08d31766ad873b4495da0a1c1f8769b444c689c72dac28f5130a52553"
	s := sightline.SealedValue{Name: "reason", Salt: make([]byte, 32), Value: json.RawMessage(`"x"`)}
	if got := sightline.Commitment(s.Name, s.Salt, s.Value); got != want || !s.Opens(want) {
		t.Fatalf("got %s", got)
	}
	s.Salt[31]++
	if s.Opens(want) {
		t.Fatal("another salt opens the commitment")
	}
}

func TestSortKeyOrdersNumbers(t *testing.T) {
	want := []string{"C-2", "C-10", "EJ-2", "EJ-9", "EJ-014", "EJ-014.2", "EJ-014.11", "EJ-100", "EJ-99999999", "EJ-100000000", "EJ-1000000000"}
	for i := range want {
		for j := range want {
			if got := sightline.CompareIDs(want[i], want[j]); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("CompareIDs(%s, %s) = %d", want[i], want[j], got)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")
		x, y := "P-"+json.Number(itoa(a)).String(), "P-"+itoa(b)
		if (sightline.CompareIDs(x, y) < 0) != (a < b) {
			t.Fatalf("%s against %s", x, y)
		}
	})
}

func itoa(u uint64) string { b, _ := json.Marshal(u); return string(b) }

func FuzzParseEntry(f *testing.F) {
	f.Add([]byte(`{"at":"2026-11-23T10:00:03.000Z","kind":"collect","seq":3,"v":1}`))
	f.Add([]byte(`{"a":1e400}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := sightline.ParseEntry(b); err == nil {
			if c, err := sightline.CanonicalJSON(b); err != nil || string(c) != string(b) {
				t.Fatalf("accepted bytes that are not canonical: %q", b)
			}
		}
	})
}

// A number that a reader's double would round must not be committed to.
func TestCanonicalRefuses(t *testing.T) {
	for _, s := range []string{`{"n":9007199254740993}`, `[-9007199254740994]`} {
		if got, err := sightline.CanonicalJSON([]byte(s)); err == nil {
			t.Errorf("%s became %s", s, got)
		}
	}
}
