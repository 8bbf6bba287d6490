package alike

import (
	"bufio"
	"encoding/csv"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var fixtures = filepath.Join("..", "..", "shared", "fixtures", "media")

var loaded = map[string]Gray{}

func load(t testing.TB, name string) Gray {
	if g, ok := loaded[name]; ok {
		return g
	}
	f, err := os.Open(filepath.Join(fixtures, name))
	if err != nil {
		t.Skip("the fixtures are not here")
	}
	defer f.Close()
	img, _, err := image.Decode(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	loaded[name] = FromImage(img)
	return loaded[name]
}

type vector struct {
	image, by string
	hash      PDQ
	quality   int
}

func vectors(t testing.TB) []vector {
	f, err := os.Open(filepath.Join(fixtures, "expected", "pdq_expected.tsv"))
	if err != nil {
		t.Skip("the fixtures are not here")
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma = '\t'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []vector
	for _, row := range rows[1:] {
		p, err := ParsePDQ(row[2])
		if err != nil {
			t.Fatal(err)
		}
		q := -1
		if row[3] != "" {
			q, _ = strconv.Atoi(row[3])
		}
		out = append(out, vector{row[0], row[1], p, q})
	}
	return out
}

// TestPublished compares with the hashes that four implementations published
// for the same pictures. They decode and shrink differently, and differ from
// one another by up to ten bits; so may we from the nearest of them.
func TestPublished(t *testing.T) {
	type got struct {
		turns [8]PDQ
		q     int
	}
	done := map[string]got{}
	worst, nearest := map[string]int{}, map[string]int{}
	for _, v := range vectors(t) {
		g, ok := done[v.image]
		if !ok {
			h, q := HashTurns(load(t, v.image))
			g = got{h, q}
			done[v.image] = g
		}
		d := g.turns[Upright].Distance(v.hash)
		worst[v.by] = max(worst[v.by], d)
		if n, ok := nearest[v.image]; !ok || d < n {
			nearest[v.image] = d
		}
		if v.quality >= 0 && g.q != v.quality {
			t.Errorf("%s: quality %d, published %d", v.image, g.q, v.quality)
		}
	}
	for name, d := range nearest {
		if d > 10 {
			t.Errorf("%s: %d bits from the nearest published hash", name, d)
		}
	}
	t.Logf("largest distance to each implementation: %v", worst)
}

// turnsOfFolder is what each picture of the published folder is of the first.
var turnsOfFolder = map[string]Turn{
	"bridge-3-rotate-180": Rotated180, "bridge-7-flip-plus-1": Transposed, "bridge-8-flip-minus-1": Antitransposed,
}

// TestPublishedTurns: every turned picture of the folder is found among the
// eight hashes of the first, each under another turn.
func TestPublishedTurns(t *testing.T) {
	dir := "neardup/dih/"
	first, _ := HashTurns(load(t, dir+"bridge-1-original.jpg"))
	used := map[Turn]string{}
	list, _ := filepath.Glob(filepath.Join(fixtures, dir, "*.jpg"))
	for _, path := range list {
		name := strings.TrimSuffix(filepath.Base(path), ".jpg")
		h, _ := Hash(load(t, dir+name+".jpg"))
		best, at := 999, Upright
		for k, p := range first {
			if d := p.Distance(h); d < best {
				best, at = d, Turn(k)
			}
		}
		if best > MatchAt || used[at] != "" {
			t.Errorf("%s: nearest is %s at %d bits, taken by %q", name, at, best, used[at])
		}
		used[at] = name
		if want, ok := turnsOfFolder[name]; ok && at != want {
			t.Errorf("%s is called %s", name, at)
		}
		t.Logf("%s: %s, %d bits", name, at, best)
	}
}

// TestTurnsAgree turns pixels and compares with the turned transform.
func TestTurnsAgree(t *testing.T) {
	g := texture(7, 320, 320) // windows of three samples around the middle of five: no half-sample shift
	turns, _ := HashTurns(g)
	for k := Upright; k <= Antitransposed; k++ {
		h, _ := Hash(k.Apply(g))
		if d := h.Distance(turns[k]); d > 6 {
			t.Errorf("%s: %d bits between pixels and transform", k, d)
		}
	}
}

// texture is a picture of soft random shapes, different for each seed.
func texture(seed uint64, w, h int) Gray {
	r := rand.New(rand.NewPCG(seed, 1))
	small := Gray{W: 24, H: 24, Pix: make([]float32, 24*24)}
	for i := range small.Pix {
		small.Pix[i] = float32(r.IntN(256))
	}
	return small.Resize(w, h)
}

func TestBox(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOfN(rapid.Float32Range(0, 255), 1, 60).Draw(t, "in")
		n := rapid.IntRange(1, 20).Draw(t, "n")
		out, down := make([]float32, len(in)), make([]float32, len(in))
		box(in, out, n)
		boxDown(in, down, 1, len(in), n)
		for i := range in {
			lo, hi := window(i, len(in), n, (n+2)/2)
			var sum float64
			for _, v := range in[lo:hi] {
				sum += float64(v)
			}
			want := float32(sum / float64(hi-lo))
			if d := want - out[i]; d > 0.01 || d < -0.01 {
				t.Fatalf("mean at %d is %v, want %v", i, out[i], want)
			}
			if d := want - down[i]; d > 0.01 || d < -0.01 {
				t.Fatalf("column mean at %d is %v, want %v", i, down[i], want)
			}
		}
	})
}

func TestMedian(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v [PDQBits]float32
		for i, x := range rapid.SliceOfN(rapid.Float32Range(-9, 9), PDQBits, PDQBits).Draw(t, "v") {
			v[i] = x
		}
		s := v
		slices.Sort(s[:])
		if got := lowerMedian(v); got != s[127] {
			t.Fatalf("%v, want %v", got, s[127])
		}
	})
}

func randomHash(r *rand.Rand) (p PDQ) {
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// TestIndexIsExact plants neighbours at every distance around the limit and
// compares the lists with a scan of all.
func TestIndexIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		q := randomHash(r)
		var list []PDQ
		for range 300 {
			list = append(list, randomHash(r))
		}
		for d := range 40 {
			p := q
			for _, b := range r.Perm(256)[:d] {
				p[b/8] ^= 1 << (b % 8)
			}
			list = append(list, p)
		}
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		x := NewIndex(list[:200])
		for _, p := range list[200:] {
			x.Add(p)
		}
		for _, limit := range []int{0, 7, 15, 16, 31, 40} {
			if a, b := x.Within(q, limit), x.Scan(q, limit); !slices.Equal(a, b) || len(b) < limit+1 && limit < 40 {
				t.Fatalf("within %d: %d by lists, %d by scan", limit, len(a), len(b))
			}
		}
	})
}

// TestPublishedNeedles: the published lists hold 100 hashes that each have a
// neighbour within 31 bits.
func TestPublishedNeedles(t *testing.T) {
	read := func(name string) (out []PDQ) {
		b, err := os.ReadFile(filepath.Join(fixtures, "neardup", "hashlists", name))
		if err != nil {
			t.Skip("the fixtures are not here")
		}
		for _, f := range strings.Fields(string(b)) {
			p, err := ParsePDQ(f)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, p)
		}
		return out
	}
	x := NewIndex(read("haystack.txt"))
	found := 0
	for _, p := range read("needles.txt") {
		if len(x.Within(p, MatchAt)) > 0 {
			found++
		}
	}
	if found != 100 {
		t.Errorf("%d of 100 needles found", found)
	}
}

func TestFlatPictureHasNoQuality(t *testing.T) {
	g := Gray{W: 200, H: 100, Pix: make([]float32, 20000)}
	if _, q := Hash(g); q != 0 {
		t.Errorf("quality %d", q)
	}
	if _, q := Hash(Gray{}); q != 0 {
		t.Errorf("an empty picture has quality %d", q)
	}
}

func TestPHash(t *testing.T) {
	a, b := PHash(load(t, "neardup/bridge-mods/aaa-orig.jpg")), PHash(load(t, "neardup/bridge-mods/shrink-a-lot.jpg"))
	c := PHash(load(t, "neardup/negatives/q0122.jpg"))
	if a.Distance(b) > 4 || a.Distance(c) < 16 {
		t.Errorf("copy at %d bits, another picture at %d", a.Distance(b), a.Distance(c))
	}
}

// BenchmarkQuery is a query among a million hashes; BenchmarkScan looks at all
// of them, the comparison.
func million() (*Index, []PDQ) {
	r := rand.New(rand.NewPCG(3, 4))
	list := make([]PDQ, 1_000_000)
	for i := range list {
		list[i] = randomHash(r)
	}
	return NewIndex(list), list
}

func BenchmarkQuery(b *testing.B) {
	x, list := million()
	i := 0
	for b.Loop() {
		i++
		if len(x.Within(list[i*7919%len(list)], MatchAt)) == 0 {
			b.Fatal("a stored hash is not found")
		}
	}
}

func BenchmarkScan(b *testing.B) {
	x, list := million()
	i := 0
	for b.Loop() {
		i++
		x.Scan(list[i*7919%len(list)], MatchAt)
	}
}

func BenchmarkHash(b *testing.B) {
	g := texture(1, 1600, 1200)
	for b.Loop() {
		HashTurns(g)
	}
}
