package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"sightline/web"
)

// teamFlags turn the desk into one of a team.
type teamFlags struct {
	People    string   `type:"path" placeholder:"FILE" help:"Accounts of a team: everybody signs in with a passkey, and roles say who may do what. Without it the desk has one person and no sign-in."`
	Host      []string `placeholder:"NAME" help:"With --people: name under which a proxy that speaks TLS hands requests to this desk. Without it the desk is at http://localhost."`
	Originals string   `placeholder:"URL" help:"With --people and --host: address of the second origin, from which originals are downloaded."`
}

// apply opens the accounts and gives the desk over to them. It says where the
// desk is and, while nobody has an account, who can be invited how.
func (t *teamFlags) apply(d *desk, out io.Writer) error {
	if t.People == "" {
		if len(t.Host) > 0 || t.Originals != "" {
			return exit(2, errors.New("--host and --originals are for a desk with accounts; give --people FILE too"))
		}
		fmt.Fprintf(out, "desk      http://%s%s\n", d.addr, d.server.OpenPath())
		return nil
	}
	p, err := web.OpenPeople(t.People)
	if err != nil {
		return exit(2, err)
	}
	base, err := d.server.UsePeople(p, t.Host, t.Originals)
	if err != nil {
		return exit(2, err)
	}
	fmt.Fprintf(out, "desk      %s/\n", base)
	if p.Empty() {
		fmt.Fprintf(out, "people    nobody yet: sightline people invite --people %s --case CASE --role owner NAME\n", t.People)
	}
	return nil
}

// peopleCmd looks after the accounts of a team's desk.
type peopleCmd struct {
	List   peopleListCmd   `cmd:"" help:"List the accounts and what each may do."`
	Invite peopleInviteCmd `cmd:"" help:"Make an invitation that works once, for 72 hours."`
	Grant  peopleGrantCmd  `cmd:"" help:"Change what somebody may do in a case; --role none takes it away."`
	Close  peopleCloseCmd  `cmd:"" help:"Close an account; its passkeys and sessions end at once."`
	Audit  peopleAuditCmd  `cmd:"" help:"Show who was invited, signed in and changed, and check that no line is missing."`
}

type peopleFile struct {
	People string `required:"" type:"path" placeholder:"FILE" help:"The accounts, as given to sightline serve."`
}

type peopleListCmd struct {
	peopleFile `embed:""`
	JSON       bool `name:"json" help:"Print JSON."`
}

func (c *peopleListCmd) Run(e *env) error {
	p, err := web.OpenPeople(c.People)
	if err != nil {
		return exit(2, err)
	}
	as, err := p.List()
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(as)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	for _, a := range as {
		state := ""
		if a.Closed != "" {
			state = "closed " + a.Closed
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", a.ID, a.Name, state)
		for id, g := range a.Grants {
			s := ""
			if g.Sources {
				s = ", sees sources"
			}
			fmt.Fprintf(w, "\t%s\t%s%s\n", id, g.Role, s)
		}
	}
	return w.Flush()
}

type peopleInviteCmd struct {
	peopleFile `embed:""`
	Name       string `arg:"" help:"Name of the person; with --passkey the account."`
	Case       string `help:"Case that the person works on."`
	Role       string `enum:"owner,investigator,reviewer,reader" default:"reader" help:"Role in the case: owner, investigator, reviewer, reader."`
	Sources    bool   `help:"May see what names a source."`
	Passkey    bool   `help:"A further passkey for an account that exists."`
	Desk       string `placeholder:"URL" help:"Address of the desk, to print the whole link."`
}

func (c *peopleInviteCmd) Run(e *env) error {
	p, err := web.OpenPeople(c.People)
	if err != nil {
		return exit(2, err)
	}
	var token string
	if c.Passkey {
		token, err = p.InvitePasskey(c.Name, "command line")
	} else {
		if c.Case == "" {
			return exit(2, errors.New("people invite: say which case, with --case"))
		}
		token, err = p.Invite(c.Name, c.Case, web.Grant{Role: c.Role, Sources: c.Sources}, "command line")
	}
	if err != nil {
		return exit(2, err)
	}
	fmt.Fprintf(e.stdout, "%s%s\n", c.Desk, web.JoinPath(token))
	return nil
}

type peopleGrantCmd struct {
	peopleFile `embed:""`
	Account    string `arg:"" help:"The account."`
	Case       string `required:"" help:"The case."`
	Role       string `required:"" enum:"owner,investigator,reviewer,reader,none" help:"Role: owner, investigator, reviewer, reader, none."`
	Sources    bool   `help:"May see what names a source."`
}

func (c *peopleGrantCmd) Run(e *env) error {
	p, err := web.OpenPeople(c.People)
	if err != nil {
		return exit(2, err)
	}
	role := c.Role
	if role == "none" {
		role = ""
	}
	if err := p.Grant(c.Account, c.Case, web.Grant{Role: role, Sources: c.Sources}, "command line"); err != nil {
		return exit(2, err)
	}
	return nil
}

type peopleCloseCmd struct {
	peopleFile `embed:""`
	Account    string `arg:"" help:"The account."`
}

func (c *peopleCloseCmd) Run(e *env) error {
	p, err := web.OpenPeople(c.People)
	if err == nil {
		err = p.Close(c.Account, "command line")
	}
	if err != nil {
		return exit(2, err)
	}
	return nil
}

type peopleAuditCmd struct {
	peopleFile `embed:""`
}

func (c *peopleAuditCmd) Run(e *env) error {
	p, err := web.OpenPeople(c.People)
	if err != nil {
		return exit(2, err)
	}
	lines, err := p.Audit()
	for _, l := range lines {
		b, _ := json.Marshal(l.Detail)
		if l.Detail == nil {
			b = nil
		}
		fmt.Fprintf(e.stdout, "%s  %-15s %-12s by %-12s %s\n", l.At, l.What, l.Account, l.By, b)
	}
	if err != nil {
		return exit(1, err)
	}
	return nil
}
