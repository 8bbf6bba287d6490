package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"sightline/call"
	"sightline/tool"
)

// doctorCmd says what this machine has and what is lost without the rest.
type doctorCmd struct {
	inCase `embed:""`
	Lang   string `help:"Language of the answer: en or es. Default: that of the system." enum:"en,es," default:""`
	JSON   bool   `help:"Print the answer as JSON."`
	Call   string `type:"path" placeholder:"DIR" help:"Look at this machine as the server of a call for evidence: swap, core dumps, logs, clock, listeners, Tor."`
	Torrc  string `type:"path" placeholder:"FILE" help:"Tor's configuration, with --call. Default: /etc/tor/torrc."`
}

func (c *doctorCmd) Run(e *env) error {
	r := tool.Probe(e.ctx)
	trials, proof := c.prove(e)
	var team []deployment
	if c.DB != "" || c.Blobs != "" {
		team = examine(e.ctx, &c.inCase)
	}
	var server []string
	if c.Call != "" {
		server = call.CheckHost(c.Call, c.Torrc)
	}
	if c.JSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(struct {
			Version string `json:"version"`
			tool.Report
			Trials  []tool.Trial `json:"trials"`
			Untried string       `json:"untried,omitempty"`
			Team    []deployment `json:"team,omitempty"`
			Call    []string     `json:"call,omitempty"` // what weakens this machine as the server of a call
		}{version, r, trials, proof, team, server})
	}
	lang := c.Lang
	if lang == "" {
		lang = "en"
		for _, v := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
			if s := os.Getenv(v); s != "" {
				if strings.HasPrefix(s, "es") {
					lang = "es"
				}
				break
			}
		}
	}
	say := func(en, es string) string {
		if lang == "es" {
			return es
		}
		return en
	}
	fmt.Fprintf(e.stdout, "sightline %s, %s\n", version, r.System)
	fmt.Fprintf(e.stdout, "%s: %s; %s\n\n", say("sandbox", "aislamiento"), r.Sandbox, r.Note.In(lang, "en"))
	holes := 0
	for _, t := range trials {
		word := say("held", "retenido")
		if !t.Held {
			word = say("NOT HELD", "NO RETENIDO")
			holes++
		}
		fmt.Fprintf(e.stdout, "  %-12s %s\n", word, t.What.In(lang, "en"))
	}
	if proof != "" {
		fmt.Fprintf(e.stdout, "  %s: %s\n", say("not tried", "no probado"), proof)
	}
	fmt.Fprintln(e.stdout)
	for _, p := range r.Programs {
		switch {
		case p.Present:
			fmt.Fprintf(e.stdout, "  %-9s %-10s %s\n", p.Name, p.Version, p.Path)
		case p.Problem != "":
			fmt.Fprintf(e.stdout, "  %-9s %-10s %s; %s: %s\n", p.Name, say("broken", "no funciona"), p.Problem, say("lost", "se pierde"), p.Lost.In(lang, "en"))
		default:
			fmt.Fprintf(e.stdout, "  %-9s %-10s %s\n", p.Name, say("missing", "falta"), p.Lost.In(lang, "en"))
		}
	}
	if c.Call != "" {
		fmt.Fprintf(e.stdout, "\n%s\n", say("as the server of a call for evidence:", "como servidor de un llamado:"))
		if len(server) == 0 {
			fmt.Fprintln(e.stdout, "  "+say("nothing found that weakens it", "no se halló nada que lo debilite"))
		}
		for _, f := range server {
			fmt.Fprintln(e.stdout, "  NOT "+f)
		}
		if len(server) > 0 {
			return exit(1, fmt.Errorf("%d things weaken this machine as the server of a call", len(server)))
		}
	}
	if len(team) > 0 {
		fmt.Fprintln(e.stdout)
		if bad := printDeployment(e.stdout, team); bad > 0 {
			return exit(1, fmt.Errorf("%d things stand in the way of a team's case", bad))
		}
	}
	if holes > 0 {
		return exit(1, fmt.Errorf("the sandbox let %d things through; do not open files of strangers here", holes))
	}
	return nil
}

// prove lets a worker try to break out. Where there is no sandbox there is
// nothing to prove, and the report says so already.
func (c *doctorCmd) prove(e *env) ([]tool.Trial, string) {
	if tool.Available(e.ctx) == tool.None {
		return []tool.Trial{}, "there is no sandbox on this system"
	}
	box, done, err := newBox(e.ctx)
	if err != nil {
		return []tool.Trial{}, err.Error()
	}
	defer done()
	list, err := box.Prove(e.ctx)
	if err != nil {
		return []tool.Trial{}, err.Error()
	}
	return list, ""
}
