package capture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"sightline"
	"sightline/digest"
)

// Lane is where the jobs of the queue wait, and Kind what they are called.
const (
	Lane = "net"
	Kind = "capture"
)

// Task is one address to bring in, as a person asked for it.
type Task struct {
	URL     string   `json:"url"`
	By      string   `json:"by,omitempty"` // who asked; "" is who runs the queue
	Asked   string   `json:"asked"`        // RFC 3339; the same address asked for again is a new capture
	Reason  string   `json:"reason,omitempty"`
	Persona string   `json:"persona,omitempty"`
	Access  string   `json:"access,omitempty"` // public (default), login, invitation, given
	Seal    bool     `json:"seal,omitempty"`   // keep the address out of the log: it names a person
	Plain   bool     `json:"plain,omitempty"`  // without the browser
	Argv    []string `json:"argv,omitempty"`
}

// Add puts a task into the queue of a case and returns the id of its job.
func Add(w sightline.Writer, t Task) (string, error) {
	params, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("failed to queue %s: %w", t.URL, err)
	}
	j := sightline.Job{Kind: Kind, Lane: Lane, Input: digest.Of([]byte(t.URL)).String(), Params: params, Version: "1", Priority: 5}
	id, err := j.Identity()
	if err != nil {
		return "", err
	}
	return id, w.Enqueue(j)
}

// Queue works through the addresses of a case. What waits stands in the store,
// so a restart goes on where it was; a job whose worker died is taken over when
// its lease ends.
type Queue struct {
	Store   sightline.Store
	Actor   sightline.Actor
	Fetcher *Fetcher
	// Keep takes a page into the case and ends its job in the same transaction.
	Keep func(context.Context, sightline.Job, Task, *Page) error

	Workers   int           // pages at once; 0 is 4
	Pace      time.Duration // between two requests for pages of one host; 0 is 1 s
	Tries     int           // 0 is 3
	Pause     time.Duration // before the second try, five times longer before each further one; 0 is 4 s
	UntilIdle bool
	Tell      func(Event) // called from several goroutines
}

// Event is news of one address.
type Event struct {
	Job   sightline.Job
	Task  Task
	State string // running, again, preserved, partial, failed, offline
	Page  *Page
	Error string
}

// Sum counts what became of the addresses.
type Sum struct {
	Preserved int  `json:"preserved"`
	Partial   int  `json:"partial"`
	Failed    int  `json:"failed"`
	Offline   bool `json:"offline"` // the queue stopped because there is no network
}

const lease = time.Minute

// Run works until ctx ends or, with UntilIdle, until nothing is left that could
// be done now.
func (q *Queue) Run(ctx context.Context) (Sum, error) {
	n := q.Workers
	if n <= 0 {
		n = 4
	}
	pace := q.Pace
	if pace == 0 {
		pace = time.Second
	}
	r := &running{q: q, pace: &pacer{every: pace, next: map[string]time.Time{}}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := r.worker(ctx, i); err != nil {
				r.mu.Lock()
				if r.err == nil && !errors.Is(err, context.Canceled) {
					r.err = err
				}
				r.mu.Unlock()
				cancel()
			}
		})
	}
	wg.Wait()
	return r.sum, r.err
}

type running struct {
	q    *Queue
	pace *pacer
	mu   sync.Mutex
	sum  Sum
	err  error
}

// pacer spaces the pages asked of one host.
type pacer struct {
	mu    sync.Mutex
	every time.Duration
	next  map[string]time.Time
}

func (p *pacer) wait(ctx context.Context, host string) error {
	p.mu.Lock()
	now := time.Now()
	at := p.next[host]
	if at.Before(now) {
		at = now
	}
	p.next[host] = at.Add(p.every)
	p.mu.Unlock()
	return sleep(ctx, at.Sub(now))
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *running) tell(e Event) {
	r.mu.Lock()
	switch e.State {
	case "preserved":
		r.sum.Preserved++
	case "partial":
		r.sum.Partial++
	case "failed":
		r.sum.Failed++
	case "offline":
		r.sum.Offline = true
	}
	r.mu.Unlock()
	if r.q.Tell != nil {
		r.q.Tell(e)
	}
}

func (r *running) worker(ctx context.Context, i int) error {
	host, _ := os.Hostname()
	me := fmt.Sprintf("%s/%d/%s/%d", host, os.Getpid(), Lane, i)
	for ctx.Err() == nil {
		// Without a network nothing is begun, so nothing uses up its tries.
		if !Online(r.q.Fetcher.Guard) {
			waiting, err := r.waiting(ctx)
			if err != nil {
				return err
			}
			if r.q.UntilIdle {
				if waiting > 0 && i == 0 {
					r.tell(Event{State: "offline", Error: "this machine is not connected to a network"})
				}
				return nil
			}
			if sleep(ctx, 5*time.Second) != nil {
				return nil
			}
			continue
		}
		j, err := r.q.Store.Claim(ctx, me, []string{Lane}, lease)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("failed to take the next address: %w", err)
		}
		if j == nil {
			if r.q.UntilIdle {
				return nil
			}
			if sleep(ctx, 500*time.Millisecond) != nil {
				return nil
			}
			continue
		}
		if err := r.one(ctx, me, *j); err != nil {
			return err
		}
	}
	return nil
}

func (r *running) waiting(ctx context.Context) (n int, err error) {
	err = r.q.Store.View(ctx, r.q.Actor, func(rd sightline.Reader) error {
		list, err := rd.JobList(sightline.JobFilter{State: "waiting", Kind: Kind, Limit: 1})
		n = len(list)
		return err
	})
	return n, err
}

// one brings in one address. Its error is for what concerns all of them.
func (r *running) one(ctx context.Context, me string, j sightline.Job) error {
	jctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	beats := make(chan struct{})
	go func() {
		defer close(beats)
		t := time.NewTicker(lease / 4)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				if err := r.q.Store.Beat(jctx, j.ID, me, lease, 0); errors.Is(err, sightline.ErrConflict) {
					cancel(sightline.ErrConflict)
					return
				}
			case <-jctx.Done():
				return
			}
		}
	}()
	err := r.bring(jctx, j)
	taken := errors.Is(context.Cause(jctx), sightline.ErrConflict)
	cancel(nil)
	<-beats
	switch {
	case err == nil, taken:
		return nil
	case ctx.Err() != nil:
		return r.giveBack(j, "stopped before it was done")
	case errors.Is(err, sightline.ErrConflict):
		return r.giveBack(j, err.Error())
	}
	return errors.Join(err, r.giveBack(j, err.Error()))
}

func (r *running) bring(ctx context.Context, j sightline.Job) (err error) {
	var t Task
	defer func() {
		if x := recover(); x != nil {
			err = r.fail(ctx, j, t, &Failure{URL: t.URL, Why: fmt.Sprintf("sightline itself failed at this page: %v", x)})
		}
	}()
	if err := json.Unmarshal(j.Params, &t); err != nil {
		return r.fail(ctx, j, t, &Failure{Why: "the job does not say which address is meant"})
	}
	f := *r.q.Fetcher
	if t.Plain {
		f.Browser = nil
	}
	tries, pause := r.q.Tries, r.q.Pause
	if tries <= 0 {
		tries = 3
	}
	if pause == 0 {
		pause = 4 * time.Second
	}
	for try := 1; ; try++ {
		if u, err := url.Parse(t.URL); err == nil {
			if err := r.pace.wait(ctx, strings.ToLower(u.Host)); err != nil {
				return err
			}
		}
		r.tell(Event{Job: j, Task: t, State: "running"})
		p, err := f.Page(ctx, t.URL)
		if err == nil {
			defer p.Close()
			if err := r.q.Keep(ctx, j, t, p); err != nil {
				return err
			}
			state := "preserved"
			if len(p.Failed) > 0 {
				state = "partial"
			}
			r.tell(Event{Job: j, Task: t, State: state, Page: p})
			return nil
		}
		var fl *Failure
		if !errors.As(err, &fl) {
			return err
		}
		const patience = time.Minute // longer waits are for a person to decide
		if fl.Final || try >= tries || fl.After > patience {
			if fl.After > patience {
				fl.Why += fmt.Sprintf("; it asks to wait %s", fl.After)
			}
			return r.fail(ctx, j, t, fl)
		}
		r.tell(Event{Job: j, Task: t, State: "again", Error: fl.Why})
		if err := sleep(ctx, max(pause, fl.After)); err != nil {
			return err
		}
		pause *= 5
	}
}

// fail records that an address brought nothing, and why.
func (r *running) fail(ctx context.Context, j sightline.Job, t Task, fl *Failure) error {
	_, err := r.q.Store.Update(ctx, r.q.Actor, func(w sightline.Writer) error {
		d := sightline.Draft{Kind: sightline.EntryCollect, Result: "failed", Failed: []sightline.FailedPart{{Part: "page", Error: clip(fl.Why, 300)}},
			Tool:    &sightline.EntryTool{Name: "sightline", Version: r.q.Fetcher.Version},
			Capture: &sightline.EntryCapture{Method: "automatic", Access: t.access(), Request: fl.Request, Response: fl.Answer},
			Seal:    map[string]any{"collector": t.by(r.q.Actor), "persona": orNone(t.Persona), "reason": orNot(t.Reason), "args": map[string]any{"url": t.URL, "argv": t.Argv, "status": fl.Status}}}
		if !t.Seal && !Personal(t.URL) {
			d.Capture.URL = t.URL
		} else {
			// The sentence may name the host, and the host the person.
			d.Failed[0].Error = "the page could not be brought in; the reason stands on its job"
			d.Seal["args"].(map[string]any)["error"] = fl.Why
		}
		w.Describe(d)
		return w.Finish(j, sightline.JobOutcome{Error: clip(fl.Why, 400)})
	})
	if err != nil {
		return err
	}
	r.tell(Event{Job: j, Task: t, State: "failed", Error: fl.Why})
	return nil
}

func (t Task) by(a sightline.Actor) string {
	if t.By != "" {
		return t.By
	}
	return a.Name
}

func (t Task) access() string {
	if t.Access == "" {
		return "public"
	}
	return t.Access
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func orNot(s string) string {
	if s == "" {
		return "not stated"
	}
	return s
}

// personal are hosts whose addresses name the person whose page it is.
var personal = []string{"facebook.com", "fb.com", "fb.watch", "instagram.com", "threads.net", "x.com", "twitter.com", "tiktok.com", "t.me", "telegram.me", "vk.com", "ok.ru", "youtube.com", "youtu.be", "linkedin.com", "snapchat.com", "reddit.com", "bsky.app", "mastodon.social", "truthsocial.com", "gab.com", "weibo.com", "flickr.com", "medium.com", "substack.com", "tumblr.com", "onlyfans.com", "whatsapp.com", "wa.me"}

// Personal reports whether an address is kept out of the log, because on its
// host addresses name persons. It stays in the case, sealed.
func Personal(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return true
	}
	h := strings.ToLower(u.Hostname())
	for _, p := range personal {
		if h == p || strings.HasSuffix(h, "."+p) {
			return true
		}
	}
	return strings.Contains(u.Path, "/@")
}

// giveBack puts a job back into the queue; it outlives the end of ctx.
func (r *running) giveBack(j sightline.Job, why string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := r.q.Store.Update(ctx, r.q.Actor, func(w sightline.Writer) error {
		return w.Finish(j, sightline.JobOutcome{Error: clip(why, 400), Retry: true})
	})
	if errors.Is(err, sightline.ErrConflict) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("failed to give an address back; it is taken over when its lease ends: %w", err)
	}
	return nil
}
