package order

import (
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/networks.json again")

type goldenRow struct {
	Points      []string        `json:"points"`
	Constraints json.RawMessage `json:"constraints"`
	Consistent  bool            `json:"consistent"`
	Bounds      [][2]*int64     `json:"bounds"`
}

// The networks that the interface's TypeScript is held to: small, seeded, half
// of them without a solution. The truth is Floyd-Warshall's.
func TestGoldenNetworks(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2019))
	var rows []goldenRow
	for range 60 {
		n := 3 + r.IntN(5)
		var all []Difference
		for range n + r.IntN(2*n) {
			lo := r.Int64N(2000) - 1000
			d := Difference{r.IntN(n), r.IntN(n), lo, lo + r.Int64N(1500)}
			switch r.IntN(4) {
			case 0:
				d.Min = NoMin
			case 1:
				d.Max = NoMax
			}
			all = append(all, d)
		}
		net := network(n, all)
		row := goldenRow{Bounds: [][2]*int64{}}
		type flat struct {
			ID   string `json:"id"`
			From string `json:"from"`
			To   string `json:"to"`
			Min  Length `json:"min"`
			Max  Length `json:"max"`
		}
		var cs []flat
		for _, c := range net.Constraints {
			cs = append(cs, flat{c.ID, c.From, c.To, c.Min, c.Max})
		}
		row.Constraints, _ = json.Marshal(cs)
		for _, p := range net.Points {
			row.Points = append(row.Points, p.ID)
		}
		d, consistent := floydWarshall(n, all)
		row.Consistent = consistent
		a, err := Solve(net, Options{})
		if err != nil || a.Consistent != consistent {
			t.Fatalf("consistent is %v, want %v; %v", a.Consistent, consistent, err)
		}
		for v := 1; consistent && v < n; v++ {
			var b [2]*int64
			if d[v][0] < far {
				x := -d[v][0]
				b[0] = &x
			}
			if d[0][v] < far {
				b[1] = &d[0][v]
			}
			row.Bounds = append(row.Bounds, b)
		}
		rows = append(rows, row)
	}
	got := []byte("[\n")
	for i, row := range rows {
		b, _ := json.Marshal(row)
		got = append(got, b...)
		if i < len(rows)-1 {
			got = append(got, ',')
		}
		got = append(got, '\n')
	}
	got = append(got, "]\n"...)
	if *update {
		if err := os.WriteFile("testdata/networks.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/networks.json")
	if err != nil || string(want) != string(got) {
		t.Errorf("testdata/networks.json differs from what is computed; %v", err)
	}
}
