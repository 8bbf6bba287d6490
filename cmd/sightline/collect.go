package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"sightline"
	"sightline/archive"
	"sightline/capture"
	"sightline/flow"
	"sightline/intake"
	"sightline/tool"
	"sightline/web"
)

// collectCmd brings pages of the web into a case.
type collectCmd struct {
	inCase   `embed:""`
	URLs     []string      `arg:"" optional:"" name:"url" help:"Addresses of pages, posts, pictures or films. None: go on with those that wait."`
	List     string        `help:"File with one address a line; \"-\" is the standard input. Empty lines and lines that begin with # are passed over." placeholder:"FILE"`
	Reason   string        `help:"Why this is collected; kept sealed in the custody log." placeholder:"TEXT"`
	Persona  string        `help:"Profile used to collect, if not your own; kept sealed." placeholder:"NAME"`
	Access   string        `help:"How the pages are reached: public, login, invitation, given." enum:"public,login,invitation,given" default:"public"`
	Seal     bool          `name:"seal-address" help:"Keep the addresses out of the log as well, because they name a person. Those on platforms of personal pages always are."`
	Plain    bool          `name:"no-browser" help:"Do not open the pages in a browser: no picture of the page, nothing that scripts add."`
	Later    bool          `help:"Only put the addresses into the queue; the desk or another \"sightline collect\" fetches them."`
	Workers  int           `help:"Pages at once." default:"4"`
	Pace     time.Duration `help:"Time between two pages of one host." default:"1s"`
	Allow    []string      `env:"SIGHTLINE_ALLOW" help:"IP address and port of a server inside your own network that may be reached; all others inside are refused." placeholder:"IP:PORT"`
	Progress bool          `help:"Say when a page is begun and when it is tried again."`
	JSON     bool          `help:"Print what became of each address as a line of JSON."`
}

func (c *collectCmd) Run(e *env) error {
	guard, err := guardFor(c.Allow)
	if err != nil {
		return exit(2, err)
	}
	list := c.URLs
	if c.List != "" {
		more, err := c.fromList(e)
		if err != nil {
			return exit(2, err)
		}
		list = append(list, more...)
	}
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	if len(list) > 0 && c.Reason == "" {
		fmt.Fprintln(e.stderr, "No reason for the collection was given; the custody log will say \"not stated\" (--reason).")
	}
	task := capture.Task{Reason: c.Reason, Persona: c.Persona, Access: c.Access, Seal: c.Seal, Plain: c.Plain, Argv: []string{"collect"}}
	rep, err := queueAddresses(e.ctx, f, guard, task, list)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(e.stdout)
	for _, x := range rep.Refused {
		if c.JSON {
			_ = enc.Encode(map[string]any{"url": x.URL, "state": "refused", "why": x.Why})
		} else {
			fmt.Fprintf(e.stderr, "not taken: %s: %s\n", intake.Printable(x.URL), x.Why)
		}
	}
	if c.Later {
		if !c.JSON {
			fmt.Fprintf(e.stdout, "%d in the queue, %d not taken\n", len(rep.Queued), len(rep.Refused))
		}
		return refusedStatus(len(rep.Refused))
	}
	var mu sync.Mutex
	q := collector(f, guard, func(ev capture.Event, r *intake.Report) {
		mu.Lock()
		defer mu.Unlock()
		c.tell(e, enc, ev, r)
	})
	q.Workers, q.Pace, q.UntilIdle = c.Workers, c.Pace, true
	sum, err := q.Run(e.ctx)
	if err != nil {
		return err
	}
	if !c.JSON {
		fmt.Fprintf(e.stdout, "%d preserved, %d in part, %d failed, %d not taken\n", sum.Preserved, sum.Partial, sum.Failed, len(rep.Refused))
	}
	if e.ctx.Err() != nil {
		return exit(1, errors.New("stopped; what was not fetched waits in the queue: run \"sightline collect\" again"))
	}
	if sum.Offline {
		return exit(1, errors.New("this machine is offline: the addresses wait in the queue; run \"sightline collect\" again when it is connected"))
	}
	if sum.Failed > 0 {
		return exit(1, nil)
	}
	return refusedStatus(len(rep.Refused))
}

func refusedStatus(n int) error {
	if n > 0 {
		return exit(1, nil)
	}
	return nil
}

func (c *collectCmd) fromList(e *env) ([]string, error) {
	r := e.stdin
	if c.List != "-" {
		f, err := os.Open(c.List)
		if err != nil {
			return nil, fmt.Errorf("the list cannot be read: %w", err)
		}
		defer f.Close()
		r = f
	}
	return readList(r)
}

// readList reads addresses, one a line.
func readList(r io.Reader) ([]string, error) {
	var out []string
	s := bufio.NewScanner(r)
	for s.Scan() {
		l := strings.TrimSpace(strings.TrimPrefix(s.Text(), "\ufeff"))
		if l != "" && !strings.HasPrefix(l, "#") {
			out = append(out, l)
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("the list cannot be read: %w", err)
	}
	return out, nil
}

func (c *collectCmd) tell(e *env, enc *json.Encoder, ev capture.Event, r *intake.Report) {
	switch ev.State {
	case "running", "again":
		if c.Progress && !c.JSON {
			fmt.Fprintf(e.stderr, "%s: %s %s\n", ev.State, intake.Printable(ev.Task.URL), ev.Error)
		}
		return
	case "offline":
		return
	}
	if c.JSON {
		line := map[string]any{"url": ev.Task.URL, "job": ev.Job.ID, "state": ev.State}
		if ev.Error != "" {
			line["why"] = ev.Error
		}
		if r != nil && len(r.Added) > 0 {
			line["item"], line["sha256"] = r.Added[0].ID, r.Added[0].SHA256
			media := []string{}
			for _, m := range append(r.Added[1:], r.Known...) {
				media = append(media, m.ID)
			}
			line["media"] = media
		}
		if ev.Page != nil {
			line["final_url"], line["failed"] = ev.Page.Final, ev.Page.Failed
		}
		_ = enc.Encode(line)
		return
	}
	if ev.State == "failed" {
		fmt.Fprintf(e.stderr, "failed: %s: %s\n", intake.Printable(ev.Task.URL), intake.Printable(ev.Error))
		return
	}
	if r == nil || len(r.Added) == 0 {
		return
	}
	fmt.Fprintf(e.stdout, "%s  %s  %s\n", r.Added[0].ID, r.Added[0].SHA256, intake.Printable(ev.Task.URL))
	for _, m := range r.Added[1:] {
		fmt.Fprintf(e.stdout, "        %s  %s\n", m.ID, intake.Printable(m.Name))
	}
	for _, m := range r.Known {
		fmt.Fprintf(e.stdout, "        %s is already here: %s\n", m.ID, intake.Printable(m.Name))
	}
	for _, x := range ev.Page.Failed {
		fmt.Fprintf(e.stdout, "        in part: %s: %s\n", intake.Printable(x.Part), intake.Printable(x.Error))
	}
}

// guardFor allows what was named beside the public web.
func guardFor(allow []string) (*capture.Guard, error) {
	g := &capture.Guard{}
	for _, a := range allow {
		if a = strings.TrimSpace(a); a == "" {
			continue
		}
		ap, err := netip.ParseAddrPort(a)
		if err != nil {
			return nil, fmt.Errorf("%q is not an IP address and a port, such as 192.168.1.5:80", a)
		}
		g.Allow = append(g.Allow, ap)
	}
	return g, nil
}

// queueAddresses puts addresses into the queue of a case; those that could
// never be fetched are refused at once.
func queueAddresses(ctx context.Context, f *folder, g *capture.Guard, t capture.Task, list []string) (*web.CollectReport, error) {
	rep := &web.CollectReport{Queued: []web.QueuedAddress{}, Refused: []web.RefusedAddress{}}
	var good []string
	seen := map[string]bool{}
	for _, raw := range list {
		u, err := g.URL(raw)
		switch {
		case err != nil:
			rep.Refused = append(rep.Refused, web.RefusedAddress{URL: raw, Why: strings.TrimPrefix(err.Error(), capture.ErrRefused.Error()+": ")})
		case seen[u.String()]:
			rep.Refused = append(rep.Refused, web.RefusedAddress{URL: raw, Why: "the address stands in the list twice"})
		default:
			seen[u.String()] = true
			good = append(good, u.String())
		}
	}
	if len(good) == 0 {
		return rep, nil
	}
	t.Asked = sightline.EntryTime(time.Now())
	_, err := f.Store.Update(ctx, f.Actor, func(w sightline.Writer) error {
		rep.Queued = rep.Queued[:0]
		for _, u := range good {
			t.URL = u
			id, err := capture.Add(w, t)
			if err != nil {
				return err
			}
			rep.Queued = append(rep.Queued, web.QueuedAddress{URL: u, Job: id})
		}
		return nil
	})
	return rep, err
}

// collector is the queue of a case, with what becomes of its pages.
func collector(f *folder, g *capture.Guard, tell func(capture.Event, *intake.Report)) *capture.Queue {
	fetch := &capture.Fetcher{Guard: g, Scratch: scratch(f), Version: version}
	if b, err := capture.FindBrowser(g); err == nil {
		fetch.Browser = b
	}
	var mu sync.Mutex
	reports := map[string]*intake.Report{}
	return &capture.Queue{
		Store: f.Store, Actor: f.Actor, Fetcher: fetch,
		Keep: func(ctx context.Context, j sightline.Job, t capture.Task, p *capture.Page) error {
			by := f.Actor
			if t.By != "" {
				by.Name = t.By
			}
			a := &intake.Adder{Store: f.Store, Blobs: f.Blobs, Actor: by, Version: version, Reason: t.Reason, Persona: t.Persona, Access: t.Access, Jobs: flow.JobsFor, Argv: t.Argv}
			if a.Access == "" {
				a.Access = "public"
			}
			if fetch.Browser == nil && !t.Plain && p.Text != "" {
				p.Failed = append(p.Failed, sightline.FailedPart{Part: "screenshot", Error: "no browser is installed here: no picture of the page, nothing that scripts add"})
			}
			r, err := a.Capture(ctx, capturedPage(j, t, p), func(w sightline.Writer) error { return w.Finish(j, sightline.JobOutcome{}) })
			mu.Lock()
			reports[j.ID] = r
			mu.Unlock()
			return err
		},
		Tell: func(ev capture.Event) {
			mu.Lock()
			r := reports[ev.Job.ID]
			delete(reports, ev.Job.ID)
			mu.Unlock()
			if tell != nil {
				tell(ev, r)
			}
		},
	}
}

func capturedPage(j sightline.Job, t capture.Task, p *capture.Page) intake.Captured {
	c := intake.Captured{
		URL: p.URL, Final: p.Final, Title: p.Title, Text: p.Text, Author: p.Author, Site: p.Site, Language: p.Language, Published: p.Published,
		Job: j.ID, Request: p.Request, Response: p.Response, Hops: p.Hops, Addresses: p.Addresses, TLS: p.TLS, WACZ: p.WACZ, Picture: p.Picture, DOM: p.DOM,
		Failed: p.Failed, Seal: t.Seal || capture.Personal(p.URL) || capture.Personal(p.Final),
	}
	for _, m := range p.Media {
		c.Media = append(c.Media, intake.CapturedMedia{URL: m.URL, File: m.File, Alt: m.Alt})
	}
	if b := p.Browser; b != nil {
		c.Browser, c.BrowserArgs, c.Sandbox = &sightline.EntryTool{Name: b.Name, Version: b.Version, SHA256: b.SHA256}, b.Args, b.Sandbox
	}
	return c
}

// deskGuard is what the desk may reach: the public web, and what the
// environment names.
func deskGuard() (*capture.Guard, error) {
	return guardFor(strings.Split(os.Getenv("SIGHTLINE_ALLOW"), ","))
}

// collectOn works through the queue of a case until ctx ends.
func collectOn(ctx context.Context, f *folder, log io.Writer) {
	g, err := deskGuard()
	if err == nil {
		_, err = collector(f, g, nil).Run(ctx)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(log, "the queue of addresses of %s stopped: %v\n", f.Dir, err)
	}
}

// collectCalls are what the desk needs to bring things in.
func collectCalls(f *folder) web.Collecting {
	return web.Collecting{
		Collect: func(ctx context.Context, by sightline.Actor, ask web.CollectAsk) (*web.CollectReport, error) {
			g, err := deskGuard()
			if err != nil {
				return nil, err
			}
			return queueAddresses(ctx, f, g, capture.Task{Reason: ask.Reason, Persona: ask.Persona, Access: ask.Access, Seal: ask.Seal, By: by.Name, Argv: []string{"desk"}}, ask.URLs)
		},
		Formats: intake.ImportFormats(),
		Seen:    func(ctx context.Context, by sightline.Actor) (*web.SeenReport, error) { return seenBefore(ctx, f, by) },
		Preview: func(ctx context.Context, u web.Upload, as string, o web.ImportAnswers) (any, error) {
			box, err := tool.NewBox(ctx, scratch(f), false)
			if err != nil {
				return nil, err
			}
			return previewImport(ctx, box, u, as, o)
		},
		Import: func(ctx context.Context, by sightline.Actor, u web.Upload, as string, o web.ImportAnswers) (*web.ImportReport, error) {
			box, err := tool.NewBox(ctx, scratch(f), false)
			if err != nil {
				return nil, err
			}
			return importUpload(ctx, box, f, by, u, as, o)
		},
	}
}
