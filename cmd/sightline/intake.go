package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"sightline/call"
	"sightline/web"
)

// intakeCmd is the server of a call for evidence.
type intakeCmd struct {
	Call   string `type:"path" placeholder:"DIR" help:"Folder of the call: call.json, call.keys; made by \"sightline key share\"."`
	Listen string `default:"unix:/run/sightline/intake.sock" help:"Where sources come in: unix:PATH behind Tor or a web server, or a loopback address and port."`
	Pull   string `placeholder:"ADDR" help:"Where the team fetches: another unix:PATH or loopback address. Default: nowhere; the folder is carried on a stick."`
	Proxy  bool   `help:"Each connection begins with a PROXY line, as Tor writes it with HiddenServiceExportCircuitID haproxy."`
	Clear  bool   `help:"The pages are served over plain HTTPS; they say that the provider sees the visit."`
	Nice   int    `default:"10" help:"How far the server steps back behind other programs of the machine, 0 to 19, so that a flood of it takes time from nobody else."`
	Check  bool   `help:"Look at the machine and the folder, say what weakens them, and leave."`
	Torrc  bool   `help:"Print the lines for Tor's configuration and leave."`
}

func (c *intakeCmd) Run(e *env) error {
	if c.Torrc {
		text, err := call.Torrc(c.Listen, c.Pull)
		if err != nil {
			return exit(2, err)
		}
		fmt.Fprint(e.stdout, text)
		return nil
	}
	if c.Call == "" {
		return exit(2, errors.New("which call? Give its folder with --call DIR"))
	}
	if c.Check {
		faults := call.CheckHost(c.Call, "")
		for _, f := range faults {
			fmt.Fprintln(e.stdout, f)
		}
		if len(faults) > 0 {
			return exit(1, nil)
		}
		fmt.Fprintln(e.stdout, "nothing found that weakens this server")
		return nil
	}
	opt := call.Options{Clear: c.Clear}
	if script, err := fs.Sub(web.Assets(), "call"); err == nil {
		if _, err := fs.Stat(script, "app.js"); err == nil {
			opt.Script = script
		}
	}
	s, err := call.New(c.Call, opt)
	if err != nil {
		return exit(2, err)
	}
	defer s.Close()
	return s.Serve(e.ctx, call.Listening{Sources: c.Listen, Team: c.Pull, Proxy: c.Proxy, Nice: c.Nice, Ready: func(sources, team string) {
		fmt.Fprintf(e.stdout, "sources   %s\n", sources)
		if team != "" {
			fmt.Fprintf(e.stdout, "team      %s\n", team)
		}
	}})
}

// stretchCmd is the child process that derives the keys of one code. People
// do not call it.
type stretchCmd struct{}

func (stretchCmd) Run(e *env) error {
	ctx, stop := context.WithTimeout(e.ctx, time.Minute)
	defer stop()
	go func() {
		<-ctx.Done()
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			os.Exit(1)
		}
	}()
	return call.StretchChild(e.stdin, e.stdout)
}
