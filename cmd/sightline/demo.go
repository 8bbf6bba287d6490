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

	"sightline/archive"
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
	d, err := newDesk(e, folders, c.Addr, c.Token)
	if err != nil {
		return err
	}
	defer d.close()
	fmt.Fprintf(e.stdout, "\n  desk      http://%s%s\n  edition   http://%s/el-junquito/\n\nBoth answer on this machine only. Stop with Ctrl C.\n", d.addr, d.server.OpenPath(), l.Addr())
	mux := http.NewServeMux()
	mux.Handle("/el-junquito/", http.StripPrefix("/el-junquito/", http.FileServer(http.Dir(filepath.Join(dir, "editions")))))
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	var failed atomic.Pointer[error]
	go func() {
		if err := serveStatic(ctx, l, mux); err != nil {
			failed.Store(&err)
			cancel()
		}
	}()
	err = d.run(ctx, true)
	if p := failed.Load(); p != nil {
		return *p
	}
	return err
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
	for _, step := range []struct {
		what string
		args []string
	}{
		{"a new case", []string{"new", made, "--title", "El Junquito, 15 January 2018", "--prefix", "EJ", "--zone", "America/Caracas", "--lang", "en,es", "--date", "2018-01-15"}},
		{"the schematic scene", []string{"scene", "build", filepath.Join(in, "scene.json"), "-o", filepath.Join(work, "scene")}},
		{"the scene into the case", []string{"add", "--case", made, "--as", "scene", "--reason", reason, filepath.Join(work, "scene")}},
		{"73 records", []string{"add", "--case", made, "--as", "records", "--map", filepath.Join(in, "records.map.json"), "--reason", reason, filepath.Join(in, "records.csv")}},
		{"accounts, claims, gaps and the story", []string{"add", "--case", made, "--as", "document", "--reason", reason, filepath.Join(in, "case.json")}},
		{"waiting jobs", []string{"work", "--case", made, "--until-idle"}},
		{"the first edition", []string{"publish", "--case", made, "--notes", "First edition."}},
	} {
		fmt.Fprintf(e.stdout, "El Junquito: %s (sightline %s)\n", step.what, step.args[0])
		if status := run(&env{e.ctx, e.stdin, quiet{}, e.stderr}, step.args); status != 0 {
			return exit(1, fmt.Errorf("the demonstration could not be built: \"sightline %s\" ended with status %d", step.args[0], status))
		}
		if err := e.ctx.Err(); err != nil {
			return err
		}
	}
	fmt.Fprintln(e.stdout, "El Junquito: what was published is checked (sightline check)")
	if err := checkEdition(e, filepath.Join(made, "editions", "v1"), archive.VerifyProof, false); err != nil {
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
