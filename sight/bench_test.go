package sight

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// benchFolder is the shared set of camera problems, when the checkout has one.
var benchFolder = filepath.Join("..", "..", "shared", "bench", "camera")

func problems(tb testing.TB, name string) (out []string) {
	f, err := os.Open(filepath.Join(benchFolder, name))
	if err != nil {
		tb.Skip("the shared camera bench is not beside this checkout")
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		out = append(out, s.Text())
	}
	return out
}

func BenchmarkSolve(b *testing.B) {
	all := problems(b, "synth/problems.jsonl")
	truth := problems(b, "synth/truth.jsonl")
	for _, cell := range []string{"box-n8-o0-", "box-n12-o20-", "box-n100-o50-", "crop-n12-o0-", "world-n20-o20-", "known focal box-n6-o0-", "known focal box-n8-o0-"} {
		var raw []string
		var parsed []*Problem
		short, known := strings.CutPrefix(cell, "known focal ")
		for i, l := range all {
			if strings.Contains(l, fmt.Sprintf(`"id":"%s`, short)) {
				p, err := ParseProblem([]byte(l))
				if err != nil {
					b.Fatal(err)
				}
				if known {
					var t struct {
						Focal float64 `json:"focal_px"`
					}
					if err := json.Unmarshal([]byte(truth[i]), &t); err != nil || t.Focal == 0 {
						b.Fatal(err, t)
					}
					p.Focal = &FocalPrior{Px: &t.Focal, Fixed: true}
				}
				raw, parsed = append(raw, l), append(parsed, p)
			}
		}
		b.Run(cell, func(b *testing.B) {
			i := 0
			processor(b, func() {
				k := i % len(parsed)
				i++
				if a := Solve(parsed[k], []byte(raw[k])); a.Status == Refused {
					b.Fatal(a.Reason)
				}
			})
		})
	}
}
