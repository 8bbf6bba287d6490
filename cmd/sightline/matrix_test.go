package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
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
	"sightline/intake"
	"sightline/publish"
	"sightline/store/storetest"
)

// One scenario, the small exercise from raw files to an edition, over every way
// of keeping a case and of working on it:
//
//	{a folder, PostgreSQL and S3} x {one worker, four workers, a worker killed
//	in the middle, the servers restarted in the middle}
//
// With one worker the clock, the keys and the salts are fixed, so that the whole
// edition has to be the same bytes on both stores, its proofs too. Several
// workers write their entries in the order in which they are done, so there the
// log differs by nature; the edition is built over a log whose head is given,
// without proofs, and everything else in it has to be the same bytes.

const matrixHelper = "SIGHTLINE_MATRIX_PLACE"

// matrixWorker is a worker in a process of its own: the test binary runs it.
func matrixWorker(place string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	p, err := archive.ParsePlace(place)
	if err == nil {
		p.Dir = cmpOr(p.Dir, os.Getenv("SIGHTLINE_LOCAL"))
		var f *folder
		if f, err = archive.OpenAt(ctx, p, archive.Options{}); err == nil {
			defer f.Close()
			_, err = flow.Work(ctx, f.Store, f.Blobs, f.Actor, flow.Options{Workers: 1, Lease: 2 * time.Second, Poll: 100 * time.Millisecond,
				Scratch: scratch(f), Unsafe: true})
		}
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// seeded is a reproducible source of bytes.
type seeded struct {
	n    uint64
	rest []byte
}

func (s *seeded) Read(p []byte) (int, error) {
	for i := range p {
		if len(s.rest) == 0 {
			s.n++
			sum := sha256.Sum256(fmt.Appendf(nil, "matrix %d", s.n))
			s.rest = sum[:]
		}
		p[i], s.rest = s.rest[0], s.rest[1:]
	}
	return len(p), nil
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

// proc is a worker in a process of its own.
type proc struct {
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan error
}

func spawn(t *testing.T, p archive.Place) *proc {
	t.Helper()
	me, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	place := p.Dir
	if p.Team() {
		place = p.DB + "," + p.Blobs
	}
	w := &proc{cmd: exec.Command(me), done: make(chan error, 1)}
	w.cmd.Env = append(os.Environ(), matrixHelper+"="+place, "SIGHTLINE_LOCAL="+p.Dir)
	w.cmd.Stdout, w.cmd.Stderr = &w.out, &w.out
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { w.done <- w.cmd.Wait() }()
	t.Cleanup(func() { w.cmd.Process.Kill() }) //nolint:errcheck // it has ended
	return w
}

// end asks a worker to stop and reports how it did.
func (w *proc) end(t *testing.T) {
	t.Helper()
	w.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
	select {
	case err := <-w.done:
		if err != nil {
			t.Errorf("a worker ended with %v: %s", err, w.out.String())
		}
	case <-time.After(30 * time.Second):
		t.Error("a worker did not stop")
	}
}

// until waits for a state of the jobs.
func until(t *testing.T, f *folder, what string, ok func(map[string]int) bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(30 * time.Millisecond) {
		n := counts(t, f)
		if ok(n) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: still %v", what, n)
		}
	}
}

func allDone(n map[string]int) bool { return n["waiting"]+n["running"] == 0 }
func someDone(n map[string]int) bool {
	return n["done"] >= 4 && n["running"] > 0 && n["waiting"] > 0 || allDone(n)
}

// edition builds the edition over a log whose head is given and returns the
// digest of every file.
func edition(t *testing.T, f *folder) map[string]string {
	t.Helper()
	ctx := context.Background()
	doc, err := loadDocument(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	if ps := publish.Preflight(doc); len(ps) > 0 {
		t.Fatalf("%d problems stand in the way: %+v", len(ps), ps[0])
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

// once checks that every job has one result in the log, and the case whole.
func once(t *testing.T, f *folder) {
	t.Helper()
	ctx := context.Background()
	if n := counts(t, f); n["failed"]+n["waiting"]+n["running"] > 0 {
		t.Errorf("jobs at the end: %v", n)
	}
	err := f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
		ds, err := sightline.All[sightline.Derivative](r, sightline.KindDerivative)
		for _, d := range ds {
			if h, err := r.History(d.Ref()); err != nil || len(h) != 1 {
				t.Errorf("the result %s was written %d times, %v", d.ID, len(h), err)
			}
		}
		if len(ds) == 0 {
			t.Error("no results")
		}
		return err
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

func TestMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("carries a case down the whole road eight times")
	}
	settings := filepath.Join(t.TempDir(), "home")
	t.Setenv("SIGHTLINE_HOME", settings)
	t.Setenv("SIGHTLINE_NAME", "Ana")
	if _, err := archive.DeviceActor(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	x := filepath.Join(t.TempDir(), "x")
	if _, err := exercise.Generate(ctx, exercise.Options{Seed: 5, Dir: x, NoVideo: true}); err != nil {
		t.Fatal(err)
	}
	m := &matrix{in: filepath.Join(x, "case"), settings: settings}
	if status, out, errs := sceneRun("scene", "build", filepath.Join(m.in, "scene.json"), "-o", filepath.Join(m.in, "scene")); status != 0 {
		t.Fatalf("%s%s", out, errs)
	}
	var whole, content map[string]string // the first run's
	for _, way := range []string{"folder", "team"} {
		t.Run(way, func(t *testing.T) {
			team := way == "team"
			if team {
				m.pg, m.store = storetest.StartPostgres(t), blobtest.StartS3(t)
			}
			agree := func(t *testing.T, f *folder) {
				t.Helper()
				once(t, f)
				got := edition(t, f)
				if content == nil {
					content = got
				}
				same(t, "edition", content, got)
			}
			t.Run("one worker", func(t *testing.T) {
				f := m.begin(t, m.place(t, team), fixedOptions())
				defer f.Close()
				if _, err := flow.Work(ctx, f.Store, f.Blobs, f.Actor, flow.Options{Workers: 1, Lanes: []string{flow.CPU}, UntilIdle: true, Scratch: scratch(f), Unsafe: true}); err != nil {
					t.Fatal(err)
				}
				res, err := publishCase(ctx, f, filepath.Join(t.TempDir(), "editions"), sightline.Text{"en": "First."}, nil)
				if err != nil || res.Dir == "" {
					t.Fatalf("%v, %+v", err, res.Problems)
				}
				got := digests(t, res.Dir)
				if whole == nil {
					whole = got
				}
				same(t, "edition with its proofs", whole, got)
				// The other runs have no edition yet.
				if _, err := f.Store.Update(ctx, f.Actor, func(w sightline.Writer) error {
					return w.Withdraw(sightline.Ref{Kind: sightline.KindEdition, ID: res.Edition}, "of the test")
				}); err != nil {
					t.Fatal(err)
				}
				agree(t, f)
			})
			t.Run("four workers", func(t *testing.T) {
				p := m.place(t, team)
				f := m.begin(t, p, archive.Options{Rand: &seeded{}})
				defer f.Close()
				ws := []*proc{spawn(t, p), spawn(t, p), spawn(t, p), spawn(t, p)}
				until(t, f, "four workers", allDone)
				for _, w := range ws {
					w.end(t)
				}
				agree(t, f)
			})
			t.Run("worker killed", func(t *testing.T) {
				p := m.place(t, team)
				f := m.begin(t, p, archive.Options{Rand: &seeded{}})
				defer f.Close()
				doomed := spawn(t, p)
				until(t, f, "a worker that is killed", someDone)
				if err := doomed.cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				<-doomed.done
				w := spawn(t, p)
				until(t, f, "the other worker", allDone)
				w.end(t)
				agree(t, f)
			})
			t.Run("servers restarted", func(t *testing.T) {
				p := m.place(t, team)
				f := m.begin(t, p, archive.Options{Rand: &seeded{}})
				defer f.Close()
				w := spawn(t, p)
				until(t, f, "before the restart", someDone)
				if team {
					// The database crashes and the store goes away under a
					// worker, which has to go on by itself.
					m.pg.Stop("immediate")
					m.store.Stop()
					m.store.Start(t)
					m.pg.Start(t)
				} else {
					w.end(t)
					w = spawn(t, p)
				}
				until(t, f, "after the restart", allDone)
				w.end(t)
				agree(t, f)
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
