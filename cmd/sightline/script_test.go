package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	cli := func() { os.Exit(run(&env{context.Background(), os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])) }
	// The sandbox starts this very binary as its worker, under its own name.
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		cli()
	}
	if os.Getenv(scenarioHelper) != "" {
		os.Exit(scenarioMain())
	}
	testscript.Main(m, map[string]func(){"sightline": cli})
}

// TestScript runs the scripts of testdata/script, one file for each behaviour.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("SIGHTLINE_HOME", filepath.Join(e.WorkDir, ".home"))
			e.Setenv("SIGHTLINE_NAME", "Ana")
			e.Setenv("LANG", "C.UTF-8")
			e.Setenv("PATH", e.Getenv("PATH")+string(os.PathListSeparator)+os.Getenv("PATH"))
			return nil
		},
		Condition: func(c string) (bool, error) {
			switch c {
			case "root":
				return os.Geteuid() == 0, nil
			case "unix":
				return runtime.GOOS != "windows", nil
			}
			return false, fmt.Errorf("there is no condition %q", c)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// unbase64 FILE...: replaces each file by what its text encodes.
			"unbase64": func(ts *testscript.TestScript, neg bool, args []string) {
				for _, a := range args {
					b, err := base64.StdEncoding.DecodeString(ts.ReadFile(a))
					ts.Check(err)
					ts.Check(os.WriteFile(ts.MkAbs(a), b, 0o644))
				}
			},
			// replace FILE OLD NEW...: every OLD becomes NEW.
			"replace": func(ts *testscript.TestScript, neg bool, args []string) {
				b := strings.NewReplacer(args[1:]...).Replace(ts.ReadFile(args[0]))
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b), 0o644))
			},
			// newer CASE: marks the case file as one of a later version.
			"newer": func(ts *testscript.TestScript, neg bool, args []string) {
				f, err := os.OpenFile(filepath.Join(ts.MkAbs(args[0]), "case.db"), os.O_RDWR, 0)
				ts.Check(err)
				_, err = f.WriteAt([]byte{0, 0, 0, 99}, 60) // user_version, big-endian (sqlite.org/fileformat2.html)
				ts.Check(err)
				ts.Check(f.Close())
			},
			// oddnames DIR: makes files whose names hold a newline, a turn of
			// writing direction and an emoji.
			"oddnames": func(ts *testscript.TestScript, neg bool, args []string) {
				if runtime.GOOS == "windows" {
					ts.Fatalf("this system cannot hold such names")
				}
				for i, n := range []string{"a\nb.txt", "\u202egpj.txt", "📷 ñ.txt"} {
					ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), n), []byte{'a' + byte(i), '\n'}, 0o644))
				}
			},
		},
	})
}
