// Command million makes a synthetic case of a million items and asks it what a
// desk asks, with the time of each question. docs/methods/scale.md has the
// commands and what they gave.
//
//	million make --case FOLDER [--items N] [--seed S]
//	million load --from FOLDER --to postgres://...?case=ID
//	million ask --open http://127.0.0.1:PORT/open?token=... --pid PID [--sqlite case.db] [--psql postgres://...]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	verbs := map[string]func(context.Context, []string) error{"make": makeCase, "load": load, "ask": ask}
	if len(os.Args) < 2 || verbs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "use: million make|load|ask, and -h after one of them")
		os.Exit(2)
	}
	if p := os.Getenv("CPUPROFILE"); p != "" {
		f, err := os.Create(p)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "million:", err)
			os.Exit(1)
		}
		defer pprof.StopCPUProfile()
	}
	if err := verbs[os.Args[1]](ctx, os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "million:", err)
		os.Exit(1)
	}
}

func flags(name string, args []string, set func(*flag.FlagSet)) error {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	set(f)
	return f.Parse(args)
}
