package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// question is one thing a desk asks, and the same by hand in SQL: the same
// rows or counts from the same tables, as somebody would type it.
type question struct {
	class        string
	method, path string
	body         any
	sqlite, psql string
}

// ask puts questions to a running server and prints the median and the 95th
// percentile of each kind; with --sqlite and --psql the
// same by hand.
func ask(ctx context.Context, args []string) error {
	var open, hand, psql string
	var n, pid, limit int
	var seed uint64
	if err := flags("ask", args, func(f *flag.FlagSet) {
		f.StringVar(&open, "open", "", "address that \"sightline serve\" printed, with its token")
		f.IntVar(&pid, "pid", 0, "of the server, to read its memory")
		f.StringVar(&hand, "sqlite", "", "file case.db to ask by hand, in SQL through the driver alone")
		f.StringVar(&psql, "psql", "", "address of the database to ask by hand with psql, search_path in its options")
		f.IntVar(&n, "each", 100, "questions of each kind")
		f.IntVar(&limit, "items", 1_000_000, "how many items the case was made with")
		f.Uint64Var(&seed, "seed", 2, "of the questions")
	}); err != nil {
		return err
	}
	qs := questions(n, limit, seed)
	took := map[string][]float64{}
	if open != "" {
		if err := served(ctx, open, pid, qs, took); err != nil {
			return err
		}
		report("server", took)
	}
	if hand != "" {
		if err := inSQLite(ctx, hand, qs); err != nil {
			return err
		}
	}
	if psql != "" {
		return byHand(ctx, exec.CommandContext(ctx, "psql", "-X", "-q", "-A", "-t", psql), "\\timing on\n", "Time: ([0-9.]+) ms", 1, qs, func(q question) string { return q.psql })
	}
	return nil
}

func questions(n, limit int, seed uint64) []question {
	g := newMaker(1)
	r := rand.New(rand.NewPCG(seed, 99))
	var out []question
	for i := range n {
		c := g.centres[r.IntN(len(g.centres))]
		size := 0.001 * math.Pow(1000, r.Float64()) // 100 m to 100 km
		w, s, e, no := c[1]-size/2, c[0]-size/2, c[1]+size/2, c[0]+size/2
		span := int64(60_000 * math.Pow(1_440_000, r.Float64())) // a minute to 1000 days
		from := firstDay + int64(r.Float64()*1000*86_400_000) - span/2
		to := from + span
		out = append(out, question{"box and time", "POST", "find", map[string]any{"box": []float64{w, s, e, no}, "from": from, "to": to, "sort": "time", "limit": 100},
			fmt.Sprintf(`SELECT o.id, o.value, s.min, s.max, count(*) OVER () FROM place p JOIN span s ON s.oid=p.oid JOIN object o ON o.oid=p.oid WHERE p.t1>=(%[5]d-1514764800000)/1000.0 AND p.t0<=(%[6]d-1514764800000)/1000.0 AND p.lat1>=%[2]f AND p.lat0<=%[4]f AND p.lon1>=%[1]f AND p.lon0<=%[3]f AND o.kind='item' ORDER BY s.min LIMIT 100;`, w, s, e, no, from, to),
			fmt.Sprintf(`SELECT o.id, o.value, s.min, s.max, count(*) OVER () FROM place p JOIN span s ON s.oid=p.oid JOIN object o ON o.oid=p.oid WHERE p.at <@ box(point(%[1]f,%[2]f),point(%[3]f,%[4]f)) AND p.during && int8range(%[5]d,%[6]d,'[]') AND o.kind='item' ORDER BY s.min LIMIT 100;`, w, s, e, no, from, to)})

		word := g.words[int(math.Exp(r.Float64()*math.Log(float64(len(g.words)))))-1]
		second := g.words[r.IntN(len(g.words))]
		facets := map[string][]string{}
		if r.IntN(2) == 0 {
			facets["media"] = []string{"video", "photo"}[:1+r.IntN(2)]
		}
		if r.IntN(2) == 0 {
			facets["perspective"] = []string{"citizen"}
		}
		q := []string{"", word, word + " " + second}[r.IntN(3)]
		matchS, matchP := "", ""
		if q != "" {
			matchS, matchP = fmt.Sprintf(` AND o.oid IN (SELECT rowid FROM words WHERE words MATCH '"%s"*')`, strings.ReplaceAll(q, " ", `"* "`)), fmt.Sprintf(` AND o.oid IN (SELECT oid FROM words WHERE body @@ '%s:*'::tsquery)`, strings.ReplaceAll(q, " ", ":* & "))
		}
		whereS, whereP := "", ""
		if v := facets["media"]; v != nil {
			in := "('" + strings.Join(v, "','") + "')"
			whereS += ` AND json_extract(o.value,'$.media') IN ` + in
			whereP += ` AND o.value::json->>'media' IN ` + in
		}
		if facets["perspective"] != nil {
			whereS += ` AND json_extract(o.value,'$.source.perspective')='citizen'`
			whereP += ` AND o.value::json->'source'->>'perspective'='citizen'`
		}
		h := question{"faceted search", "POST", "find", map[string]any{"q": q, "facets": facets, "count": []string{"media", "perspective", "status", "sensitivity", "place", "time", "workflow", "public"}, "sort": "-time", "limit": 100},
			`SELECT json_extract(o.value,'$.media'), count(*) FROM object o WHERE o.kind='item' AND o.value IS NOT NULL` + matchS + whereS + ` GROUP BY 1;`,
			`SELECT o.value::json->>'media', count(*) FROM object o WHERE o.kind='item' AND o.value IS NOT NULL` + matchP + whereP + ` GROUP BY 1;`}
		if i%10 != 0 && q == "" { // a second and more each by hand; one in ten is enough to see
			h.sqlite, h.psql = "", ""
		}
		out = append(out, h)

		prefix := g.words[r.IntN(len(g.words))]
		prefix = prefix[:1+r.IntN(len(prefix))]
		if r.IntN(4) == 0 {
			prefix = fmt.Sprintf("M-%03d", 1+r.IntN(limit))
		}
		out = append(out, question{"palette", "GET", "search?q=" + url.QueryEscape(prefix), nil,
			fmt.Sprintf(`SELECT o.kind, o.id, o.value FROM words JOIN object o ON o.oid=words.rowid WHERE words MATCH '"%s"*' LIMIT 20;`, prefix),
			fmt.Sprintf(`SELECT o.kind, o.id, o.value FROM words w JOIN object o ON o.oid=w.oid WHERE body @@ %s LIMIT 20;`, "'"+strings.ReplaceAll(strings.ToLower(prefix), "-", "' & '")+":*'::tsquery")})

		step := max(span/1000, 1)
		out = append(out, question{"overview", "GET", fmt.Sprintf("overview?from=%d&to=%d&buckets=1000&lane=%s", from, to, []string{"perspective", "media"}[r.IntN(2)]), nil,
			fmt.Sprintf(`SELECT (min+max)/2/%d, json_extract(o.value,'$.media'), count(*) FROM span s JOIN object o ON o.oid=s.oid WHERE s.min<=%d AND s.max>=%d GROUP BY 1,2;`, step, to, from),
			fmt.Sprintf(`SELECT (min+max)/2/%d, o.value::json->>'media', count(*) FROM span s JOIN object o ON o.oid=s.oid WHERE s.min<=%d AND s.max>=%d GROUP BY 1,2;`, step, to, from)})
		if i%4 == 0 {
			out = append(out, question{class: "overview of everything", method: "GET", path: "overview?buckets=" + strconv.Itoa(100+r.IntN(1900))})
		}
		out = append(out, question{class: "map", method: "GET", path: fmt.Sprintf("near?box=%f,%f,%f,%f", w, s, e, no)})
		out = append(out, question{class: "near-duplicates", method: "GET", path: fmt.Sprintf("copies?item=M-%03d", 1+r.IntN(limit))})
		out = append(out, question{class: "whole items", method: "GET", path: fmt.Sprintf("items?ids=M-%03d,M-%03d", 1+r.IntN(limit), 1+r.IntN(100_000))})
	}
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func served(ctx context.Context, open string, pid int, qs []question, took map[string][]float64) error {
	u, err := url.Parse(open)
	if err != nil {
		return err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar}
	call := func(q question, base string) (int, error) {
		var body io.Reader
		if q.body != nil {
			b, err := json.Marshal(q.body)
			if err != nil {
				return 0, err
			}
			body = bytes.NewReader(b)
		}
		req, err := http.NewRequestWithContext(ctx, q.method, base+q.path, body)
		if err != nil {
			return 0, err
		}
		req.Header.Set("Content-Type", "application/json")
		began := time.Now()
		res, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			return 0, err
		}
		if res.StatusCode != 200 {
			return 0, fmt.Errorf("%s %s: %d %.300s", q.method, q.path, res.StatusCode, b)
		}
		took[q.class] = append(took[q.class], float64(time.Since(began).Microseconds())/1000)
		return len(b), nil
	}
	if _, err := call(question{class: "sign in", method: "GET", path: open}, ""); err != nil {
		return err
	}
	var cases []struct{ ID string }
	res, err := client.Get(u.Scheme + "://" + u.Host + "/api/cases")
	if err != nil {
		return err
	}
	if err := json.NewDecoder(res.Body).Decode(&cases); err != nil || len(cases) == 0 {
		return fmt.Errorf("the server tells no cases: %v", err)
	}
	res.Body.Close()
	base := u.Scheme + "://" + u.Host + "/api/cases/" + cases[0].ID + "/"
	memory := func(when string) {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		for _, m := range regexp.MustCompile(`(VmRSS|VmHWM|RssAnon):\s+(\d+) kB`).FindAllStringSubmatch(string(b), -1) {
			kb, _ := strconv.Atoi(m[2])
			fmt.Printf("%s: %s %d MiB\n", when, m[1], kb>>10)
		}
	}
	memory("before the first question")
	for _, first := range []question{{class: "first outline", method: "GET", path: "outline"}, {class: "second outline", method: "GET", path: "outline"},
		{class: "first page by time", method: "POST", path: "find", body: map[string]any{"sort": "time"}}, {class: "first page by title", method: "POST", path: "find", body: map[string]any{"sort": "title"}},
		{class: "second page by title", method: "POST", path: "find", body: map[string]any{"sort": "title", "offset": 500_000}}} {
		size, err := call(first, base)
		if err != nil {
			return err
		}
		fmt.Printf("%-24s %8.1f ms, %d bytes\n", first.class, took[first.class][0], size)
		delete(took, first.class)
	}
	delete(took, "sign in")
	memory("with the case open")
	for _, q := range qs {
		if _, err := call(q, base); err != nil {
			return err
		}
	}
	memory("after the questions")
	return nil
}

func report(who string, took map[string][]float64) {
	var classes []string
	for c := range took {
		classes = append(classes, c)
	}
	slices.Sort(classes)
	fmt.Printf("%-24s %6s %9s %9s %9s  ms, %s\n", "", "n", "median", "p95", "most", who)
	for _, c := range classes {
		l := took[c]
		slices.Sort(l)
		fmt.Printf("%-24s %6d %9.1f %9.1f %9.1f\n", c, len(l), l[len(l)/2], l[min(len(l)-1, len(l)*95/100)], l[len(l)-1])
	}
}

// inSQLite runs the statements through the driver and nothing of ours. The
// program sqlite3 of many systems is too old for the index of words (it needs
// 3.43).
func inSQLite(ctx context.Context, path string, qs []question) error {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&_pragma=query_only(ON)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	took := map[string][]float64{}
	for _, q := range qs {
		if q.sqlite == "" {
			continue
		}
		began := time.Now()
		rows, err := db.QueryContext(ctx, q.sqlite)
		if err != nil {
			return fmt.Errorf("%s: %w", q.sqlite, err)
		}
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		to := make([]any, len(columns))
		for i := range to {
			to[i] = new(sql.RawBytes)
		}
		for rows.Next() {
			if err := rows.Scan(to...); err != nil {
				return err
			}
		}
		if err := rows.Close(); err != nil {
			return err
		}
		took[q.class] = append(took[q.class], float64(time.Since(began).Microseconds())/1000)
	}
	report("by hand in SQL, SQLite", took)
	return nil
}

// byHand gives the statements to the engine's own program and reads the time
// that it says each took.
func byHand(_ context.Context, cmd *exec.Cmd, before, pattern string, unit float64, qs []question, sql func(question) string) error {
	var in bytes.Buffer
	in.WriteString(before)
	var classes []string
	for _, q := range qs {
		if s := sql(q); s != "" {
			in.WriteString(s + "\n")
			classes = append(classes, q.class)
		}
	}
	cmd.Stdin = &in
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.Path, err)
	}
	found := regexp.MustCompile(pattern).FindAllSubmatch(out, -1)
	if len(found) != len(classes) {
		return fmt.Errorf("%s timed %d of %d statements", cmd.Path, len(found), len(classes))
	}
	took := map[string][]float64{}
	for i, m := range found {
		v, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			return err
		}
		took[classes[i]] = append(took[classes[i]], v*unit)
	}
	report(cmd.Path, took)
	return nil
}
