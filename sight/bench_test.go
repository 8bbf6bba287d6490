package sight

import (
	"bufio"
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
	for _, cell := range []string{"box-n8-o0-", "box-n12-o20-", "box-n100-o50-", "crop-n12-o0-", "world-n20-o20-"} {
		var raw []string
		var parsed []*Problem
		for _, l := range all {
			if strings.Contains(l, fmt.Sprintf(`"id":"%s`, cell)) {
				p, err := ParseProblem([]byte(l))
				if err != nil {
					b.Fatal(err)
				}
				raw, parsed = append(raw, l), append(parsed, p)
			}
		}
		b.Run(cell, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				k := i % len(parsed)
				if a := Solve(parsed[k], []byte(raw[k])); a.Status == Refused {
					b.Fatal(a.Reason)
				}
			}
		})
	}
}
