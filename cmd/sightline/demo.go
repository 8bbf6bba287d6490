package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"sightline/demo"
)

// demoCmd builds the demonstration case through the same verbs a person has,
// and serves the desk and the published edition.
type demoCmd struct {
	Dir      string `default:"cases" type:"path" help:"Folder for the demonstration cases."`
	Addr     string `default:"127.0.0.1:8765" help:"Address of the desk."`
	Editions string `default:"127.0.0.1:8766" help:"Address of the published editions."`
	Build    bool   `help:"Build and check, then leave."`
	Token    string `env:"SIGHTLINE_TOKEN" hidden:"" help:"Fixed token, for tests."`
}

func (c *demoCmd) Run(e *env) error {
	start := time.Now()
	dir := filepath.Join(c.Dir, "el-junquito")
	if _, err := os.Stat(filepath.Join(dir, "editions", "v1", "manifest.json")); errors.Is(err, fs.ErrNotExist) {
		if err := buildJunquito(e, c.Dir, dir); err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "El Junquito was built in %.0f s.\n", time.Since(start).Seconds())
	}
	if c.Build {
		return nil
	}
	folders, err := openCases(e.ctx, []string{dir})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Editions)
	if err != nil {
		return exit(2, fmt.Errorf("the editions cannot be served on %s: %w; choose another address with --editions", c.Editions, err))
	}
	d, err := newDesk(e, folders, c.Dir, c.Addr, c.Token)
	if err != nil {
		return err
	}
	defer d.close()
	fmt.Fprintf(e.stdout, "\n  desk      http://%s%s\n  edition   http://%s/el-junquito/\n\nBoth answer on this machine only. Stop with Ctrl C.\n\n", d.addr, d.server.OpenPath(), l.Addr())
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	var failed atomic.Pointer[error]
	go func() {
		if err := serveStatic(ctx, l, editionsOf(c.Dir)); err != nil {
			failed.Store(&err)
			cancel()
		}
	}()
	built := make(chan struct{})
	go func() {
		defer close(built)
		if err := c.exercise(ctx, e, d, l.Addr().String()); err != nil && ctx.Err() == nil {
			fmt.Fprintf(e.stderr, "the exercise is not there: %v\n", err)
		}
	}()
	err = d.run(ctx, true)
	cancel()
	<-built
	if p := failed.Load(); p != nil {
		return *p
	}
	return err
}

// demoCases are the folders of the demonstration.
var demoCases = []string{"el-junquito", "exercise"}

// editionsOf serves the editions of the demonstration cases, each under its
// case's name, and nothing else of their folders.
func editionsOf(dir string) http.Handler {
	mux := http.NewServeMux()
	for _, name := range demoCases {
		mux.Handle("/"+name+"/", http.StripPrefix("/"+name+"/", http.FileServer(http.Dir(filepath.Join(dir, name, "editions")))))
	}
	return mux
}

// exercise brings the fictional case to the running desk: made on the first
// start, while the desk already serves, and opened at once on the next.
func (c *demoCmd) exercise(ctx context.Context, e *env, d *desk, editions string) error {
	dir := filepath.Join(c.Dir, "exercise")
	if _, err := os.Stat(filepath.Join(dir, "editions", "v1", "manifest.json")); err != nil {
		start := time.Now()
		fmt.Fprintln(e.stdout, "exercise: being made, the desk can be used meanwhile")
		if err := buildExercise(&env{ctx, e.stdin, e.stdout, e.stderr}, c.Dir, dir); err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "exercise: ready after %.0f s\n", time.Since(start).Seconds())
	}
	f, err := openCase(ctx, dir)
	if err != nil {
		return err
	}
	wc, err := webCase(ctx, f)
	if err != nil {
		f.Close()
		return err
	}
	d.join(ctx, f, wc)
	fmt.Fprintf(e.stdout, "exercise: on the desk, and its edition at http://%s/exercise/\n", editions)
	return nil
}

// buildExercise makes the fictional case with the fixed seed of the
// demonstration. Its truth stays outside the case.
func buildExercise(e *env, parent, dir string) error {
	work := filepath.Join(parent, ".building-exercise")
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	in, made := filepath.Join(work, "in"), filepath.Join(work, "exercise")
	given := filepath.Join(in, "case")
	reason := "exercise, fictional"
	if err := inSteps(e, "exercise", []demoStep{
		{"a fictional incident with known truth", []string{"exercise", "--seed", "1", "-o", in}},
		{"a new case", []string{"new", made, "--title", "EXERCISE", "--prefix", "EX", "--zone", "America/Caracas", "--lang", "en,es", "--date", "2019-05-10"}},
		{"the model of the place", []string{"scene", "build", filepath.Join(given, "scene.json"), "-o", filepath.Join(work, "scene")}},
		{"the scene into the case", []string{"add", "--case", made, "--as", "scene", "--reason", reason, filepath.Join(work, "scene")}},
		{"media", []string{"add", "--case", made, "--reason", reason, filepath.Join(given, "media")}},
		{"records", []string{"add", "--case", made, "--as", "records", "--map", filepath.Join(given, "records.map.json"), "--reason", reason, filepath.Join(given, "records.csv")}},
		{"accounts, claims and a story to begin with", []string{"add", "--case", made, "--as", "document", "--reason", reason, filepath.Join(given, "case.json")}},
		{"thumbnails, metadata, working copies", []string{"work", "--case", made, "--until-idle"}},
		{"the first edition", []string{"publish", "--case", made, "--notes", "First edition."}},
	}); err != nil {
		return err
	}
	if err := checkEdition(e, filepath.Join(made, "editions", "v1"), false); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(made, dir)
}

// buildJunquito makes the case in a folder beside its final place and moves it
// there when it is whole, so that an interrupted build leaves nothing half.
func buildJunquito(e *env, parent, dir string) error {
	work := filepath.Join(parent, ".building")
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	defer os.RemoveAll(work)
	in := filepath.Join(work, "in")
	if err := os.MkdirAll(in, 0o755); err != nil {
		return err
	}
	sub, err := fs.Sub(demo.Files, "el-junquito")
	if err != nil {
		return err
	}
	if err := os.CopyFS(in, sub); err != nil {
		return fmt.Errorf("failed to write the inputs of the demonstration: %w", err)
	}
	made := filepath.Join(work, "el-junquito")
	reason := "demonstration case: the public record of 15 January 2018"
	if err := inSteps(e, "El Junquito", []demoStep{
		{"a new case", []string{"new", made, "--title", "El Junquito, 15 January 2018", "--prefix", "EJ", "--zone", "America/Caracas", "--lang", "en,es", "--date", "2018-01-15"}},
		{"the schematic scene", []string{"scene", "build", filepath.Join(in, "scene.json"), "-o", filepath.Join(work, "scene")}},
		{"the scene into the case", []string{"add", "--case", made, "--as", "scene", "--reason", reason, filepath.Join(work, "scene")}},
		{"73 records", []string{"add", "--case", made, "--as", "records", "--map", filepath.Join(in, "records.map.json"), "--reason", reason, filepath.Join(in, "records.csv")}},
		{"accounts, claims, gaps and the story", []string{"add", "--case", made, "--as", "document", "--reason", reason, filepath.Join(in, "case.json")}},
		{"waiting jobs", []string{"work", "--case", made, "--until-idle"}},
		{"the first edition", []string{"publish", "--case", made, "--notes", "First edition."}},
	}); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "El Junquito: what was published is checked (sightline check)")
	if err := checkEdition(e, filepath.Join(made, "editions", "v1"), false); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(made, dir)
}

// quiet drops what a step prints; its errors go to the person.
type quiet struct{}

func (quiet) Write(b []byte) (int, error) { return len(b), nil }

type demoStep struct {
	what string
	args []string
}

// inSteps runs command lines one after the other, as a person would. A job
// that fails (a program is not installed, say) does not end the building: the
// reason is on its item.
func inSteps(e *env, name string, steps []demoStep) error {
	for _, step := range steps {
		fmt.Fprintf(e.stdout, "%s: %s (sightline %s)\n", name, step.what, step.args[0])
		if status := run(&env{e.ctx, e.stdin, quiet{}, e.stderr}, step.args); status != 0 && !(step.args[0] == "work" && status == 1) {
			return exit(1, fmt.Errorf("%s could not be built: \"sightline %s\" ended with status %d", name, step.args[0], status))
		}
		if err := e.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}
