package main

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"sightline/blob/blobtest"
	"sightline/store/storetest"
)

// TestTeamKills kills workers and servers with signal 9 at random moments of the
// scenario, over and over: afterwards every job has its result once, the log is
// whole, and the edition is that of one worker that nobody killed, byte for
// byte. bench/kill_team.sh does it 100 and 20 times on each kind of store.
func TestTeamKills(t *testing.T) {
	if testing.Short() {
		t.Skip("carries a case down the whole road several times")
	}
	workers, servers := 4, 2
	for name, n := range map[string]*int{"SIGHTLINE_WORKER_KILLS": &workers, "SIGHTLINE_SERVER_KILLS": &servers} {
		if s := os.Getenv(name); s != "" {
			var err error
			if *n, err = strconv.Atoi(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	m := newMatrix(t)
	for _, way := range []string{"folder", "team"} {
		t.Run(way, func(t *testing.T) {
			team := way == "team"
			if team {
				m.pg, m.store = storetest.StartPostgres(t), blobtest.StartS3(t)
			}
			p := m.place(t, team)
			f := m.begin(t, p, fixedOptions())
			w := spawn(t, "fixed", p, "work", "--workers", "1", "--until-idle")
			if err := <-w.done; err != nil {
				t.Fatalf("%v: %s", err, w.out.String())
			}
			once(t, f)
			want := publishedFiles(t, f)
			f.Close()
			toKill, toServe, rounds := workers, servers, 0
			began := time.Now()
			for toKill+toServe > 0 {
				rounds++
				m.killRound(t, team, want, &toKill, &toServe)
				if t.Failed() {
					return
				}
			}
			t.Logf("%d workers and %d servers killed in %d runs of the scenario, %s; each edition was the same bytes", workers, servers, rounds, time.Since(began).Round(time.Second))
		})
	}
}

// killRound runs the scenario once with two workers and a server, and kills
// one of them after another while there is work.
func (m *matrix) killRound(t *testing.T, team bool, want map[string]string, workers, servers *int) {
	t.Helper()
	p := m.place(t, team)
	f := m.begin(t, p, fixedOptions())
	defer f.Close()
	procs := []*proc{spawn(t, "fixed", p, "work"), spawn(t, "fixed", p, "work")}
	s := serve(t, "fixed", p)
	last := 0
	for {
		// A result between two kills, so that no job is blamed for what is
		// done to its worker.
		until(t, f, "a result after a kill", func(n map[string]int) bool { return n["done"] > last || allDone(n) })
		n := counts(t, f)
		last = n["done"]
		if allDone(n) || *workers+*servers == 0 {
			break
		}
		time.Sleep(rand.N(150 * time.Millisecond))
		if allDone(counts(t, f)) {
			break
		}
		if i := rand.IntN(*workers + *servers); i < *workers {
			*workers--
			k := rand.IntN(len(procs))
			procs[k].kill(t)
			procs[k] = spawn(t, "fixed", p, "work")
		} else {
			*servers--
			s.kill(t)
			s = serve(t, "fixed", p)
		}
	}
	until(t, f, "the rest", allDone)
	if err := s.ask(); err != nil {
		t.Error(err)
	}
	for _, x := range append(procs, s.proc) {
		x.end(t)
	}
	once(t, f)
	same(t, "edition after the kills", want, publishedFiles(t, f))
}
