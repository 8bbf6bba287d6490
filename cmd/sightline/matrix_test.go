package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sightline"
	"sightline/archive"
	"sightline/blob/blobtest"
	"sightline/blob/s3"
	"sightline/exercise"
	"sightline/flow"
	"sightline/identify"
	"sightline/intake"
	"sightline/publish"
	"sightline/store/storetest"
)

// One scenario, the small exercise from raw files to an edition, over every way
// of keeping a case and of working on it:
//
//	{a folder, PostgreSQL and S3} x {one worker, four workers, a worker killed
//	in the middle, the servers killed in the middle}
//
// The clock, the keys and the salts come from the scenario, and the workers let
// results enter the log in the order of the queue. Then the whole edition, with
// its log, checkpoint and proofs, has to be the same bytes eight times.
//
// One further run lets results enter the log as they end and by the clock of this
// machine, which is what workers do unless they are told otherwise. There the
// log has the same entries in another order, so the head of the log differs, and
// with it the files that name it ([namesTheHead]). An edition of the same case
// under a head that is given, without proofs, is the same bytes again.
//
// SIGHTLINE_MATRIX_FULL=1 runs all of it with the full exercise.

// scenarioHelper makes this test binary the program itself, with the clock and
// the salts of the scenario.
const scenarioHelper = "SIGHTLINE_TEST_SCENARIO"

// scenarioMain runs one command line of the program for the scenario.
func scenarioMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if os.Getenv(scenarioHelper) == "fixed" {
		scenario = func(o archive.Options) archive.Options {
			f := fixedOptions()
			o.Now, o.Rand, o.Machine = f.Now, f.Rand, f.Machine
			return o
		}
	}
	return run(&env{ctx, os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])
}

// seeded is a reproducible source of bytes. Its salts depend on nothing but the
// entry they are for, so several processes draw the same.
type seeded struct {
	label string
	n     uint64
	rest  []byte
}

func (s *seeded) Read(p []byte) (int, error) {
	for i := range p {
		if len(s.rest) == 0 {
			s.n++
			sum := sha256.Sum256(fmt.Appendf(nil, "matrix %s %d", s.label, s.n))
			s.rest = sum[:]
		}
		p[i], s.rest = s.rest[0], s.rest[1:]
	}
	return len(p), nil
}

func (s *seeded) Salt(seq sightline.Seq, name string) io.Reader {
	return &seeded{label: fmt.Sprintf("salt of %s in entry %d", name, seq)}
}

// matrix is what the runs of one way of keeping share.
type matrix struct {
	in    string // the exercise as an investigator gets it
	pg    *storetest.Cluster
	store *blobtest.Server
	n     int

	settings string // of this device, before any case
}

func fixedOptions() archive.Options {
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	return archive.Options{Now: func() time.Time { return at }, Rand: &seeded{}, Machine: map[string]string{"host": "matrix"}}
}

// home gives a test settings of its own with the key of this device: what one
// case left there, another of the same name must not find.
func (m *matrix) home(t *testing.T) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	err := filepath.WalkDir(m.settings, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(m.settings, p)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(dir, rel), 0o700)
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, rel), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SIGHTLINE_HOME", dir)
}

// place makes room for one more case.
func (m *matrix) place(t *testing.T, team bool) archive.Place {
	t.Helper()
	m.n++
	dir := filepath.Join(t.TempDir(), "ejercicio")
	if !team {
		return archive.Place{Dir: dir}
	}
	bucket := fmt.Sprintf("matrix-%d", m.n)
	a, err := s3.ParseAddress(m.store.Address(bucket))
	if err != nil {
		t.Fatal(err)
	}
	if err := s3.Make(context.Background(), a, s3.Options{}); err != nil {
		t.Fatal(err)
	}
	return archive.Place{Dir: dir, DB: m.pg.Database(t) + "&case=ejercicio", Blobs: m.store.Address(bucket)}
}

// begin takes the exercise into a new case, up to the jobs.
func (m *matrix) begin(t *testing.T, p archive.Place, o archive.Options) *folder {
	t.Helper()
	ctx := context.Background()
	m.home(t)
	f, err := archive.CreateAt(ctx, p, sightline.Case{ID: "ejercicio", Prefix: "EX", Title: sightline.Text{"en": "EXERCISE"}, Zone: "America/Caracas",
		Languages: []string{"en", "es"}, Date: "2019-05-10", Exercise: true}, o)
	if err != nil {
		t.Fatal(err)
	}
	a := &intake.Adder{Store: f.Store, Blobs: f.Blobs, Actor: f.Actor, Version: version, Reason: "exercise", Access: "given", Jobs: flow.JobsFor, Argv: []string{"add"}, Now: fixedOptions().Now}
	check := func(r *intake.Report, err error) {
		t.Helper()
		if err != nil || r.Failed() {
			t.Fatalf("%v, %+v", err, r)
		}
	}
	check(a.Scene(ctx, filepath.Join(m.in, "scene")))
	check(a.Files(ctx, []string{filepath.Join(m.in, "media")}))
	mf, err := os.Open(filepath.Join(m.in, "records.map.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer mf.Close()
	mapping, err := intake.ReadMapping(mf)
	if err != nil {
		t.Fatal(err)
	}
	check(a.Records(ctx, filepath.Join(m.in, "records.csv"), mapping))
	check(a.Document(ctx, filepath.Join(m.in, "case.json")))
	return f
}

// counts are the jobs by state.
func counts(t *testing.T, f *folder) (out map[string]int) {
	t.Helper()
	err := f.Store.View(context.Background(), f.Actor, func(r sightline.Reader) error {
		out = map[string]int{}
		cs, err := r.(sightline.JobCounter).JobCounts()
		for _, c := range cs {
			out[c.State] += c.Count
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// proc is the program in a process of its own.
type proc struct {
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan error
}

// spawn runs the program on a case. how is "fixed" for the clock and the salts
// of the scenario, "free" for those of this machine.
func spawn(t *testing.T, how string, p archive.Place, verb string, args ...string) *proc {
	t.Helper()
	me, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	line := []string{verb, "--lease", "2s", "--unsafe-no-sandbox"}
	if p.Team() {
		line = append(line, "--db", p.DB, "--blobs", p.Blobs, "--local", p.Dir)
	} else {
		line = append(line, "--case", p.Dir)
	}
	if how == "fixed" {
		line = append(line, "--in-order")
	}
	w := &proc{cmd: exec.Command(me, append(line, args...)...), done: make(chan error, 1)}
	w.cmd.Env = append(os.Environ(), scenarioHelper+"="+how)
	w.cmd.Stdout, w.cmd.Stderr = &w.out, &w.out
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { w.done <- w.cmd.Wait() }()
	t.Cleanup(func() { w.cmd.Process.Kill() }) //nolint:errcheck // it has ended
	return w
}

// kill ends a process as a power cut would.
func (w *proc) kill(t *testing.T) {
	t.Helper()
	if err := w.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	<-w.done
}

// serving is a running server of the program that can be asked.
type serving struct {
	*proc
	addr string
}

const matrixToken = "0123456789abcdef0123456789abcdef"

// serve starts "sightline serve" with its own workers and waits until it
// answers.
func serve(t *testing.T, how string, p archive.Place) *serving {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &serving{addr: l.Addr().String()}
	l.Close()
	t.Setenv("SIGHTLINE_TOKEN", matrixToken)
	s.proc = spawn(t, how, p, "serve", "--addr", s.addr)
	deadline := time.Now().Add(time.Minute)
	for s.ask() != nil {
		select {
		case err := <-s.done:
			t.Fatalf("the server ended with %v: %s", err, s.out.String())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not answer: %v", s.ask())
		}
	}
	return s
}

// ask has the server read its case.
func (s *serving) ask() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/api/cases/ejercicio/document", nil)
	if err != nil {
		return err
	}
	r.AddCookie(&http.Cookie{Name: "sightline_desk", Value: matrixToken})
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var doc sightline.Document
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s, %v", res.Status, err)
	}
	if doc.Case == nil || len(doc.Items) == 0 {
		return errors.New("the answer is an empty case")
	}
	return nil
}

// end asks a worker to stop and reports how it did.
func (w *proc) end(t *testing.T) {
	t.Helper()
	w.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
	select {
	case err := <-w.done:
		// One that has only just been started ends by the signal itself.
		if err != nil && err.Error() != "signal: terminated" {
			t.Errorf("a process ended with %v: %s", err, w.out.String())
		}
	case <-time.After(30 * time.Second):
		t.Errorf("a process did not stop: %s", w.out.String())
	}
}

// until waits for a state of the jobs.
func until(t *testing.T, f *folder, what string, ok func(map[string]int) bool) {
	t.Helper()
	for deadline := time.Now().Add(matrixPatience); ; time.Sleep(30 * time.Millisecond) {
		n := counts(t, f)
		if ok(n) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: still %v", what, n)
		}
	}
}

// matrixPatience is how long a state of the jobs is waited for.
const matrixPatience = 20 * time.Minute

func allDone(n map[string]int) bool { return n["waiting"]+n["running"] == 0 }
func someDone(n map[string]int) bool {
	return n["done"] >= 4 && n["running"] > 0 && n["waiting"] > 0 || allDone(n)
}

// publishedFiles writes the edition, checks it as a reader would and returns the
// digest of every file.
func publishedFiles(t *testing.T, f *folder) map[string]string {
	t.Helper()
	ctx := context.Background()
	res, err := publishCase(ctx, f, filepath.Join(t.TempDir(), "editions"), sightline.Text{"en": "First."}, nil)
	if err != nil || res.Dir == "" {
		t.Fatalf("%v, %+v", err, res.Problems)
	}
	rep, err := publish.Check(ctx, res.Dir, archive.VerifyProof, nil)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Proofs == 0 {
		t.Error("the edition has no proofs")
	}
	for _, x := range rep.Faults {
		t.Errorf("edition: %+v", x)
	}
	return digests(t, res.Dir)
}

func digests(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		h := sha256.New()
		if _, err := io.Copy(h, f); err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		out[filepath.ToSlash(rel)] = fmt.Sprintf("%x", h.Sum(nil))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func same(t *testing.T, what string, want, got map[string]string) {
	t.Helper()
	n := 0
	for name, d := range want {
		if got[name] != d {
			if n++; n <= 10 {
				t.Errorf("%s: %s differs (%.12s and %.12s)", what, name, d, got[name])
			}
		}
	}
	if len(want) != len(got) {
		t.Errorf("%s: %d files and %d", what, len(want), len(got))
	}
}

func differing(want, got map[string]string) (names []string) {
	for name := range want {
		if got[name] != want[name] {
			names = append(names, name)
		}
	}
	for name := range got {
		if _, there := want[name]; !there {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// namesTheHead says which files of an edition name the head of the log or its
// time: the proofs, the document, the first page, the feeds, the bundles of
// claims, and the lists of digests.
func namesTheHead(name string) bool {
	switch name {
	case "SHA256SUMS", "manifest.json", "index.html", "index.es.html", "corrections.atom", "corrections.es.atom", "data/document.json", "data/document.pack.js", "data/schema.jsonld":
		return true
	}
	return strings.HasPrefix(name, "proof/") || strings.HasPrefix(name, "bundle/")
}

// edition builds the edition under a head that is given, without proofs, and
// returns the digest of every file.
func edition(t *testing.T, f *folder) map[string]string {
	t.Helper()
	ctx := context.Background()
	doc, err := loadDocument(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "editions")
	in, err := editionInput(ctx, f, doc, out)
	if err != nil {
		t.Fatal(err)
	}
	doc.Head = sightline.Head{Size: 1, Root: strings.Repeat("0", 64), At: "2026-11-24T09:00:00.000Z"}
	// The stills depend on no log and are in the edition that is compared whole.
	in.Date, in.Proof, in.Still, in.FuzzKey = doc.Head.At, nil, nil, bytes.Repeat([]byte{7}, 32)
	in.Log = publish.LogMaterial{Origin: "given", Size: 1, Root: doc.Head.Root}
	res, err := publish.Build(ctx, in, out)
	if err != nil {
		t.Fatal(err)
	}
	return digests(t, res.Dir)
}

// once checks that every job has one result in the log, and the case whole.
func once(t *testing.T, f *folder) {
	t.Helper()
	ctx := context.Background()
	if n := counts(t, f); n["failed"]+n["waiting"]+n["running"] > 0 {
		t.Errorf("jobs at the end: %v", n)
	}
	results := map[string]int{} // entries for each result
	err := f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
		ds, err := sightline.All[sightline.Derivative](r, sightline.KindDerivative)
		for _, d := range ds {
			h, err := r.History(d.Ref())
			if err != nil || len(h) == 0 {
				t.Errorf("the result %s: %v", d.ID, err)
			}
			// What a sketch is like is added to it when an earlier item is done
			// after it; its bytes stay those of the one result.
			if d.Role == identify.SketchRole {
				for _, v := range h {
					var one sightline.Derivative
					if json.Unmarshal(v.Value, &one) != nil || one.SHA256 != d.SHA256 {
						t.Errorf("the result %s has other bytes in version %d", d.ID, v.Rev)
					}
				}
			} else if len(h) > 1 {
				t.Errorf("the result %s was written %d times", d.ID, len(h))
			}
		}
		if len(ds) == 0 {
			t.Error("no results")
		}
		if err != nil {
			return err
		}
		h, err := r.Head()
		if err != nil {
			return err
		}
		for e, err := range r.Entries(0, h.Size) {
			if err != nil {
				return err
			}
			if e.Kind == sightline.EntryDerive {
				results[e.Item.ID+" "+e.Item.SHA256]++
			}
		}
		for _, d := range ds {
			results[d.Item+" "+d.SHA256]-- // a small picture is its own preview
		}
		for what, n := range results {
			if n != 0 {
				t.Errorf("%s stands in the log %d times too often", what, n)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rep, err := archive.Check(ctx, f, archive.CheckOptions{Rebuild: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range rep.Faults {
		t.Error(x)
	}
}

// newMatrix makes the exercise and the settings of this device.
func newMatrix(t *testing.T) *matrix {
	t.Helper()
	settings := filepath.Join(t.TempDir(), "home")
	t.Setenv("SIGHTLINE_HOME", settings)
	t.Setenv("SIGHTLINE_NAME", "Ana")
	if _, err := archive.DeviceActor(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	x := filepath.Join(t.TempDir(), "x")
	full := os.Getenv("SIGHTLINE_MATRIX_FULL") != ""
	if _, err := exercise.Generate(ctx, exercise.Options{Seed: 5, Dir: x, NoVideo: !full, Full: full}); err != nil {
		t.Fatal(err)
	}
	m := &matrix{in: filepath.Join(x, "case"), settings: settings}
	if status, out, errs := sceneRun("scene", "build", filepath.Join(m.in, "scene.json"), "-o", filepath.Join(m.in, "scene")); status != 0 {
		t.Fatalf("%s%s", out, errs)
	}
	return m
}

func TestMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("carries a case down the whole road eight times")
	}
	m := newMatrix(t)
	ctx := context.Background()
	var whole, content map[string]string // the first run's edition; the same under a given head
	for _, way := range []string{"folder", "team"} {
		t.Run(way, func(t *testing.T) {
			team := way == "team"
			if team {
				m.pg, m.store = storetest.StartPostgres(t), blobtest.StartS3(t)
			}
			agree := func(t *testing.T, f *folder) {
				t.Helper()
				once(t, f)
				got := publishedFiles(t, f)
				if whole == nil {
					whole = got
				}
				same(t, "edition", whole, got)
			}
			t.Run("one worker", func(t *testing.T) {
				p := m.place(t, team)
				f := m.begin(t, p, fixedOptions())
				defer f.Close()
				w := spawn(t, "fixed", p, "work", "--workers", "1", "--until-idle")
				if err := <-w.done; err != nil {
					t.Fatalf("%v: %s", err, w.out.String())
				}
				if content == nil {
					content = edition(t, f)
				}
				agree(t, f)
			})
			t.Run("four workers", func(t *testing.T) {
				p := m.place(t, team)
				f := m.begin(t, p, fixedOptions())
				defer f.Close()
				var ws []*proc
				for range 4 {
					ws = append(ws, spawn(t, "fixed", p, "work", "--workers", "2"))
				}
				until(t, f, "four workers", allDone)
				for _, w := range ws {
					w.end(t)
				}
				agree(t, f)
			})
			t.Run("worker killed", func(t *testing.T) {
				p := m.place(t, team)
				f := m.begin(t, p, fixedOptions())
				defer f.Close()
				doomed, w := spawn(t, "fixed", p, "work"), spawn(t, "fixed", p, "work")
				until(t, f, "a worker that is killed", someDone)
				doomed.kill(t)
				until(t, f, "the other worker", allDone)
				w.end(t)
				agree(t, f)
			})
			t.Run("servers killed", func(t *testing.T) {
				p := m.place(t, team)
				f := m.begin(t, p, fixedOptions())
				defer f.Close()
				s := serve(t, "fixed", p)
				until(t, f, "before the kill", someDone)
				if team {
					// The database crashes and the store goes away under a
					// running server, which has to go on by itself.
					m.pg.Stop("immediate")
					m.store.Stop()
					m.store.Start(t)
					m.pg.Start(t)
					until(t, f, "after the crash", func(n map[string]int) bool { return n["done"] >= 8 || allDone(n) })
				}
				s.kill(t)
				s = serve(t, "fixed", p)
				until(t, f, "after the kill", allDone)
				if err := s.ask(); err != nil {
					t.Error(err)
				}
				s.end(t)
				agree(t, f)
			})
			t.Run("as they end", func(t *testing.T) {
				p := m.place(t, team)
				f := m.begin(t, p, fixedOptions())
				defer f.Close()
				ws := []*proc{spawn(t, "free", p, "work"), spawn(t, "free", p, "work")}
				until(t, f, "two workers", allDone)
				for _, w := range ws {
					w.end(t)
				}
				once(t, f)
				same(t, "edition under a given head", content, edition(t, f))
				got := publishedFiles(t, f)
				differ := differing(whole, got)
				for _, name := range differ {
					if !namesTheHead(name) {
						t.Errorf("%s differs and does not name the head of the log", name)
					}
				}
				if len(differ) == 0 {
					t.Error("nothing differs: the comparison does not look at the log")
				}
			})
			if !team {
				return
			}
			t.Run("moved", func(t *testing.T) {
				p := m.place(t, false)
				f := m.begin(t, p, fixedOptions())
				defer f.Close()
				to := m.place(t, true)
				if _, err := archive.Move(ctx, f, to, archive.MoveOptions{Batch: 7}); err != nil {
					t.Fatal(err)
				}
				back := m.place(t, false)
				g, err := archive.OpenAt(ctx, to, archive.Options{ReadOnly: true})
				if err != nil {
					t.Fatal(err)
				}
				defer g.Close()
				if _, err := archive.Move(ctx, g, back, archive.MoveOptions{}); err != nil {
					t.Fatal(err)
				}
				for _, p := range []archive.Place{to, back} {
					h, err := archive.OpenAt(ctx, p, archive.Options{ReadOnly: true})
					if err != nil {
						t.Fatal(err)
					}
					rep, err := archive.Check(ctx, h, archive.CheckOptions{Rebuild: true})
					if err != nil || !rep.OK {
						t.Errorf("%s: %v, %+v", p, err, rep)
					}
					h.Close()
				}
				// A case that went on by itself is not written over.
				if _, err := f.Store.Update(ctx, f.Actor, func(w sightline.Writer) error {
					w.Describe(sightline.Draft{Kind: sightline.EntryViewOriginal})
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				other, err := archive.OpenAt(ctx, back, archive.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer other.Close()
				if _, err := other.Store.Update(ctx, other.Actor, func(w sightline.Writer) error {
					w.Describe(sightline.Draft{Kind: sightline.EntryViewOriginal})
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				if _, err := archive.Move(ctx, f, back, archive.MoveOptions{}); !errors.Is(err, sightline.ErrConflict) {
					t.Errorf("two cases that went apart: %v", err)
				}
				// One that did not takes what is new.
				if rep, err := archive.Move(ctx, f, to, archive.MoveOptions{}); err != nil || rep.Entries != 1 {
					t.Errorf("%v, %+v", err, rep)
				}
			})
		})
	}
}
